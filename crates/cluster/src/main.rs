//! The program `rebound-cluster`: `rebound` with a client of Ballista in it, and the cluster's own parts.

mod client;
mod function;
mod parts;

use clap::Parser;
use mimalloc::MiMalloc;
use parts::Part;
use std::ffi::OsString;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A part of a cluster that runs pipelines of Rebound: one scheduler, and executors that it gives work to.
///
/// All machines must run the same program file, see the pipeline's folder under the same path, and reach raw files and lake there or
/// at URLs. Nothing is encrypted and nobody is asked for a password: keep the ports to a network that is trusted.
#[derive(Debug, Parser)]
#[command(name = "rebound cluster", bin_name = "rebound cluster", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    part: Part,
}

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|word| word == "cluster") {
        args.remove(1);
        return parts::main(Cli::parse_from(args).part);
    }
    rebound::cli::main(Some(client::connect))
}
