//! The `rebound` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    rebound::cli::main()
}
