//! The command line.
//!
//! Results go to standard output, logs and progress to standard error. Exit codes: 0 done, 1 our
//! fault (disk, network, a bug), 2 the user's input or config, 3 a data check failed.
//!
//! A command's arguments stand beside what it does, in the files of `cli/`.

mod checks;
mod drawing;
mod failure;
mod history;
mod lake_args;
mod lineage;
mod list_format;
mod nightly;
mod own_data;
mod plan;
mod profile;
mod programs;
mod quantities;
pub mod reading;
mod reference;
mod rows;
mod run;
mod summary;
mod synth;
mod tables;
mod upkeep;

pub use self::failure::{is_users_fault, readable};
pub use self::run::Connect;

use self::checks::ChecksArgs;
use self::failure::{Fault, UsersError};
use self::history::{DiffArgs, RollbackArgs};
use self::lineage::LineageArgs;
use self::nightly::NightlyArgs;
use self::plan::PlanCommand;
use self::rows::{EstimateCommand, ExportCommand, SqlArgs};
use self::run::{ConfigArgs, RunCommand, Shown};
use self::synth::SynthArgs;
use self::tables::{DescribeArgs, ReconcileArgs, TablesArgs};
use self::upkeep::{GcArgs, RunsArgs, VerifyArgs};
use crate::clock;
use crate::convert::ConvertArgs;
use crate::init::InitArgs;
use crate::log::{self, LogFormat};
use crate::measure::MeasureArgs;
use crate::preview::PreviewArgs;
use crate::resilience::ResilienceArgs;
use crate::run::caught;
use crate::telemetry::{self, Started};
use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use report::ReportArgs;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

/// Regional export resilience: from raw customs records to regression-ready tables.
#[derive(Debug, Parser)]
#[command(name = "rebound", version, max_term_width = 100)]
struct Cli {
    /// Form of the logs on standard error.
    #[arg(long, global = true, value_enum, default_value = "human")]
    log_format: LogFormat,
    /// Only warnings and errors; no progress, no summary.
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at raw files, say what they have, and write a layout, a pipeline and a config for them.
    Init(InitArgs),
    /// Show the first rows of a file as a layout reads them: text, entries and rejects side by side.
    Preview(PreviewArgs),
    /// Make what is not up to date, check it, and publish it.
    Run(Box<RunCommand>),
    /// Run as at night: wait, try again, keep going, remove what is old, tell who asked.
    Nightly(Box<NightlyArgs>),
    /// Say what `run` would do, and why.
    Plan(PlanCommand),
    /// Print the whole config of a pipeline, as YAML, each value with the file and line that say so.
    Config(ConfigArgs),
    /// Query the published tables.
    Sql(SqlArgs),
    /// Serve the published tables to any PostgreSQL client, read-only (`rebound serve --help`).
    #[command(disable_help_flag = true)]
    Serve {
        /// What `rebound-serve` is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Start a part of a cluster, `scheduler` or `executor` (`rebound cluster --help`).
    #[command(disable_help_flag = true)]
    Cluster {
        /// What `rebound-cluster` is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// List the published tables.
    Tables(TablesArgs),
    /// Print the contract of a table, its columns, units and key; or a summary of what its columns have.
    Describe(DescribeArgs),
    /// Show what a table or a column of a pipeline is made from, down to the raw tables.
    Lineage(LineageArgs),
    /// Show that nothing was lost between the raw files and the records.
    Reconcile(ReconcileArgs),
    /// Show the history of runs.
    Runs(RunsArgs),
    /// Show what came of each check over the last runs: since when, and how many rows.
    Checks(ChecksArgs),
    /// Say what two runs published differently: tables, rows, columns, regions, products, and why.
    Diff(DiffArgs),
    /// Publish again what a kept run published; raw files and config stay as they are.
    Rollback(RollbackArgs),
    /// Read every file of what is published, and say which are damaged and what `run` will make again.
    Verify(VerifyArgs),
    /// Remove versions of tables that no kept run and no program at work needs; on an object store only those a day old.
    Gc(GcArgs),
    /// Measure any region-product table: RCA, relatedness, density, complexity, variety, concentration.
    Measure(Box<MeasureArgs>),
    /// Resilience of the regions of any table: indices against benchmarks, intervals, paths, structure.
    Resilience(Box<ResilienceArgs>),
    /// Bring the codes and values of a table to another revision of HS, or to SITC, BEC or ISIC.
    Convert(Box<ConvertArgs>),
    /// Draw what is published: one page with figures and tables, and each figure as files with its data and SQL.
    Report(Box<ReportArgs>),
    /// Write tables and rows of queries for other programs, with codebooks: Stata, CSV, Parquet, Arrow, Excel, GeoJSON,
    /// GeoParquet.
    Export(Box<ExportCommand>),
    /// Estimate a model, or show those that are published.
    Estimate(Box<EstimateCommand>),
    /// Write a made-up nation's records, of a known process, in the form of a layout.
    Synth(SynthArgs),
}

/// Runs the program. `connect` is there if it can speak to clusters; if not, it leaves those runs to
/// the program that can.
pub fn main(connect: Option<Connect>) -> ExitCode {
    ExitCode::from(main_of(std::env::args_os().collect(), connect))
}

/// Runs the program with these arguments, its name first, as [`main`]; gives the exit code. A process
/// runs it once.
pub fn main_of(arguments: Vec<OsString>, connect: Option<Connect>) -> u8 {
    programs::take_arguments(&arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell if it cannot be printed.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let level = if cli.quiet { LevelFilter::WARN } else { LevelFilter::INFO };
    let telemetry = match cli.command {
        Command::Run(_) | Command::Nightly(_) => Some(telemetry::start()),
        _ => None,
    };
    log::start(cli.log_format, level, &[], telemetry.as_ref().and_then(Started::sink));
    telemetry.iter().for_each(Started::tell_faults);
    let ended = caught(|| dispatch(&cli, connect));
    let code = match ended.unwrap_or_else(|text| Err(Fault(text).into())) {
        Ok(()) => 0,
        Err(error) if failure::is_closed_pipe(&error) => 0,
        Err(error) => {
            failure::tell(&error, cli.log_format);
            failure::exit_code(&error)
        }
    };
    if let Some(telemetry) = telemetry {
        telemetry.finish();
    }
    code
}

/// What a run shows.
fn shown(cli: &Cli) -> Shown {
    let is_human = cli.log_format == LogFormat::Human;
    let progress = !cli.quiet && is_human && std::io::stderr().is_terminal();
    Shown { progress, summary: !cli.quiet }
}

fn dispatch(cli: &Cli, connect: Option<Connect>) -> anyhow::Result<()> {
    clock::check_clock()?;
    let runtime = query::runtime(0).context("failed to start the runtime")?;
    let mut out = std::io::stdout().lock();
    match &cli.command {
        Command::Init(args) => own_data::init(&runtime, &mut out, args).map(drop),
        Command::Preview(args) => own_data::preview(&mut out, args),
        Command::Run(args) => run::run(&runtime, &mut out, args, connect, shown(cli)),
        Command::Nightly(args) => nightly::nightly(&runtime, &mut out, args, connect, shown(cli)),
        Command::Plan(args) => plan::plan(&runtime, &mut out, args),
        Command::Config(args) => run::config(&mut out, args),
        Command::Sql(args) => {
            // The shell and the rows write on their own.
            drop(out);
            rows::sql(&runtime, args)
        }
        Command::Serve { args } => Err(programs::serve(args)),
        Command::Cluster { args } => Err(programs::cluster(args)),
        Command::Tables(args) => tables::tables(&runtime, &mut out, args),
        Command::Describe(args) => tables::describe(&runtime, &mut out, args, Cli::command()),
        Command::Lineage(args) => lineage::lineage(&runtime, &mut out, args),
        Command::Reconcile(args) => tables::reconcile(&runtime, &mut out, args),
        Command::Runs(args) => upkeep::runs(&runtime, &mut out, args),
        Command::Checks(args) => checks::checks(&runtime, &mut out, args),
        Command::Diff(args) => history::diff(&runtime, &mut out, args),
        Command::Rollback(args) => history::rollback(&runtime, &mut out, args),
        Command::Verify(args) => upkeep::verify(&runtime, &mut out, args),
        Command::Gc(args) => upkeep::gc(&runtime, &mut out, args),
        Command::Measure(args) => {
            // Rows go to standard output as they come.
            drop(out);
            rows::measure(&runtime, args)
        }
        Command::Resilience(args) => {
            drop(out);
            rows::resilience(&runtime, args)
        }
        Command::Convert(args) => {
            drop(out);
            rows::convert(args)
        }
        Command::Report(args) => drawing::report(&runtime, &mut out, args),
        Command::Export(command) => rows::export(&runtime, &mut out, command),
        Command::Estimate(command) => rows::estimate(&runtime, &mut out, command),
        Command::Synth(args) => synth::synth(&mut out, args),
    }
}

/// The command that a program asks for which holds this one as a library.
fn asked(arguments: &[String]) -> anyhow::Result<Command> {
    let words = std::iter::once("rebound").chain(arguments.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words).map_err(|error| reading::refused(&error))?;
    Ok(cli.command)
}

fn not_here(arguments: &[String]) -> anyhow::Error {
    let command = arguments.first().map(String::as_str).unwrap_or_default();
    UsersError(format!("`{command}` is no command that can be asked for here")).into()
}

/// What a command prints that only tells something.
///
/// # Errors
///
/// As of the command. Other commands are refused.
pub fn printed(runtime: &Runtime, arguments: &[String]) -> anyhow::Result<String> {
    let mut out = Vec::new();
    match &asked(arguments)? {
        Command::Preview(args) => own_data::preview(&mut out, args)?,
        Command::Config(args) => run::config(&mut out, args)?,
        Command::Tables(args) => tables::tables(runtime, &mut out, args)?,
        Command::Describe(args) => tables::describe(runtime, &mut out, args, Cli::command())?,
        Command::Lineage(args) => lineage::lineage(runtime, &mut out, args)?,
        Command::Runs(args) => upkeep::runs(runtime, &mut out, args)?,
        Command::Checks(args) => checks::checks(runtime, &mut out, args)?,
        _ => return Err(not_here(arguments)),
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What `plan` or `diff` find, as JSON and as text.
///
/// # Errors
///
/// As of the command. Other commands are refused.
pub fn in_both_forms(runtime: &Runtime, arguments: &[String]) -> anyhow::Result<(String, String)> {
    match &asked(arguments)? {
        Command::Plan(args) => plan::both(runtime, args),
        Command::Diff(args) => history::both(runtime, args),
        _ => Err(not_here(arguments)),
    }
}

/// What `init` writes, and what it says.
///
/// # Errors
///
/// As of the command. Other commands are refused.
pub fn initialised(
    runtime: &Runtime,
    arguments: &[String],
) -> anyhow::Result<(Vec<PathBuf>, String)> {
    let Command::Init(args) = &asked(arguments)? else { return Err(not_here(arguments)) };
    let mut out = Vec::new();
    let written = own_data::init(runtime, &mut out, args)?;
    Ok((written, String::from_utf8_lossy(&out).into_owned()))
}
