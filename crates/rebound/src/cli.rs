//! The command line.
//!
//! Results go to standard output, logs and progress to standard error. Exit codes: 0 done, 1 our fault
//! (disk, network, a bug), 2 the user's input or config, 3 a data check failed.

use crate::causes::causes;
use crate::config::{Setting, count};
use crate::estimate_command::{self, EstimateArgs, EstimateCommandError};
use crate::export::{self, ExportArgs, ExportError};
use crate::layout_file::LayoutError;
use crate::log::{self, LogFormat};
use crate::measure::{self, MeasureArgs, MeasureError};
use crate::new_file::NewFile;
use crate::output::{self, CsvArgs, Format, OutputError, columns, grouped, right};
use crate::pipeline::{self, Engine, PipelineError};
use crate::published;
use crate::remote::Cluster;
use crate::report::{self, ReportArgs, ReportError};
use crate::run::{self, Action, Options, Outcome, Plan, Publication, RunError};
use crate::suggest::suggest;
use crate::synth::{Nation, SynthError};
use crate::{clock, config, shell};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use lake::{Catalog, Contract, Lake, LakeError, LockError, Repaired, RunStatus, TableVersion};
use query::{Memory, QueryError};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

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
    /// Make what is not up to date, check it, and publish it.
    Run(RunArgs),
    /// Say what `run` would do, and why.
    Plan(PlanArgs),
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
    Tables(LakeArgs),
    /// Print the contract of a table: its columns, units and key.
    Describe(DescribeArgs),
    /// Show that nothing was lost between the raw files and the records.
    Reconcile(ReconcileArgs),
    /// Show the history of runs.
    Runs(LakeArgs),
    /// Read every file of what is published, and say which are damaged and what `run` will make again.
    Verify(VerifyArgs),
    /// Remove versions of tables that no kept run and no program at work needs; on an object store only those a day old.
    Gc(GcArgs),
    /// Measure any region-product table: RCA, relatedness, density, complexity, variety, concentration.
    Measure(Box<MeasureArgs>),
    /// Draw what is published: one page with figures and tables, and the figures as SVG and PNG.
    Report(ReportArgs),
    /// Write tables as Stata, CSV, Parquet or Arrow files, each with a codebook.
    Export(ExportCommand),
    /// Estimate a model, or show those that are published.
    Estimate(Box<EstimateCommand>),
    /// Write a made-up nation's records, of a known process, in the form of a layout.
    Synth(SynthArgs),
}

#[derive(Debug, Args)]
struct SynthArgs {
    /// The layout file.
    #[arg(long)]
    layout: PathBuf,
    /// The folder to write to.
    #[arg(long, short)]
    output: PathBuf,
    /// About how many records, over all years; at least one a year, region, product and firm that go together.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    rows: u64,
    /// Regions.
    #[arg(long, default_value_t = 60, value_parser = count(1..=100_000))]
    regions: usize,
    /// Products.
    #[arg(long, default_value_t = 500, value_parser = count(1..=100_000))]
    products: usize,
    /// First year.
    #[arg(long, default_value_t = 2007, value_parser = clap::value_parser!(i32).range(1900..=2100))]
    from: i32,
    /// Last year.
    #[arg(long, default_value_t = 2011, value_parser = clap::value_parser!(i32).range(1900..=2100))]
    to: i32,
    /// Share of the rows that are spoiled, 0 to 1.
    #[arg(long, default_value_t = 0.001)]
    dirt: f64,
    /// What the random numbers start from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct LakeArgs {
    /// The lake: a folder or URL.
    #[arg(long, env = "REBOUND_LAKE", default_value = "lake")]
    lake: String,
}

#[derive(Debug, Args)]
struct MemoryArgs {
    /// Memory of a query in MiB; sorts, joins and groups beyond it go to disk (TMPDIR) where they can.
    #[arg(long, env = "REBOUND_MEMORY_MIB", default_value_t = 4096, value_parser = count(64..=1 << 24))]
    memory_mib: usize,
}

impl MemoryArgs {
    fn memory(&self) -> Memory {
        Memory { mib: self.memory_mib, setting: "a query (`--memory-mib`)" }
    }
}

#[derive(Debug, Args)]
struct ReconcileArgs {
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
struct ExportCommand {
    #[command(flatten)]
    args: ExportArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
struct EstimateCommand {
    #[command(flatten)]
    args: EstimateArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
struct PlanArgs {
    /// The pipeline file.
    pipeline: PathBuf,
    /// A stage or table; `+x` with what it needs, `x+` with what follows. May be repeated.
    #[arg(long, short)]
    select: Vec<String>,
    /// Another lake than the pipeline's.
    #[arg(long, env = "REBOUND_LAKE")]
    lake: Option<String>,
    /// Sum records as they are read and do not keep them: no customs.records, fewer minutes, less disk.
    #[arg(long)]
    no_records: bool,
    /// Read every raw file through to see what changed, not only those whose size, times or inode did.
    #[arg(long)]
    rehash: bool,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// The pipeline file.
    pipeline: PathBuf,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// Threads; 0: one a core. Never changes a number.
    #[arg(long, value_parser = count(config::THREADS))]
    threads: Option<usize>,
    /// Stop at once if another run holds the lake.
    #[arg(long)]
    no_wait: bool,
    /// What does the work of ingest, aggregate and panels; otherwise what the pipeline says. Never changes a byte.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Where the cluster's scheduler is, HOST:PORT; otherwise what the pipeline says.
    #[arg(long, env = "REBOUND_SCHEDULER")]
    scheduler: Option<String>,
}

#[derive(Debug, Args)]
struct SqlArgs {
    /// The query; without it and without -f, a shell at a terminal, or else standard input.
    #[arg(allow_hyphen_values = true)]
    query: Option<String>,
    /// Read the query from a file.
    #[arg(long, short, conflicts_with = "query")]
    file: Option<PathBuf>,
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Write to a file instead of standard output.
    #[arg(long, short)]
    output: Option<PathBuf>,
    #[command(flatten)]
    csv: CsvArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
struct DescribeArgs {
    /// The table, `schema.table`.
    #[arg(required_unless_present = "all")]
    table: Option<String>,
    /// Every table, as a Markdown data dictionary.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Tables; without any, all that are published.
    table: Vec<String>,
    /// Make a catalog that is damaged or gone again, from the record of the run that published.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    lake: LakeArgs,
}

/// Tables that are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{n_files} damaged file{s} in {tables}; `rebound run` makes again: {stages}", s = if *n_files == 1 { "" } else { "s" })]
struct Damaged {
    n_files: usize,
    tables: String,
    stages: String,
}

#[derive(Debug, Args)]
struct GcArgs {
    /// Keep what the newest N runs made or used, beside what is published.
    #[arg(long)]
    keep: usize,
    #[command(flatten)]
    lake: LakeArgs,
}

/// An error of the user's making that no library has a type for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsersError(String);

/// Connects to the cluster whose scheduler is at `HOST:PORT`.
pub type Connect = fn(&str) -> Result<Arc<dyn Cluster>, String>;

/// Runs the program. `connect` is there if it can speak to clusters; if not, it leaves those runs to the program that can.
pub fn main(connect: Option<Connect>) -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log_format, cli.quiet, &[]);
    let ended = run::caught(|| dispatch(&cli, connect));
    match ended.unwrap_or_else(|text| Err(Fault(text).into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error, cli.log_format);
            ExitCode::from(exit_code(&error))
        }
    }
}

/// A panic.
#[derive(Debug, thiserror::Error)]
#[error(
    "rebound stopped at a fault of its own: {0}; please report it, with what you asked for if you can"
)]
struct Fault(String);

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<OutputError>().is_some_and(OutputError::is_closed_pipe)
            || cause.downcast_ref::<std::io::Error>().is_some_and(is_closed)
    })
}

/// Characters of a message that are shown: it may hold a whole file.
const MOST_SHOWN: usize = 4_000;

/// A message as a terminal may show it: what would steer the terminal is written out, and what is too long for anybody is cut.
fn readable(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == MOST_SHOWN {
            let more = text.chars().count() - MOST_SHOWN;
            return format!("{shown}... ({more} characters more)");
        }
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

fn tell(error: &anyhow::Error, format: LogFormat) {
    let chain: Vec<String> = causes(error.as_ref()).iter().map(|cause| readable(cause)).collect();
    match format {
        LogFormat::Json => tracing::error!(causes = chain[1..].join(": "), "{}", chain[0]),
        LogFormat::Human => {
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "error: {}", chain[0]);
            for cause in &chain[1..] {
                let _ = writeln!(err, "  because: {cause}");
            }
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<RunError>() {
            return error.exit_code();
        }
        if cause.is::<Damaged>() {
            return 3;
        }
        let is_users = cause.is::<UsersError>()
            || cause.is::<published::NotPublished>()
            || cause.is::<LayoutError>()
            || matches!(cause.downcast_ref(), Some(MeasureError::Table { .. }))
            || cause.downcast_ref().is_some_and(EstimateCommandError::is_users)
            || cause.downcast_ref().is_some_and(ExportError::is_users)
            || cause.downcast_ref().is_some_and(ReportError::is_users)
            || cause.downcast_ref().is_some_and(PipelineError::is_users)
            || matches!(cause.downcast_ref(), Some(SynthError::Asked(_)))
            || cause.downcast_ref().is_some_and(QueryError::is_users)
            || matches!(cause.downcast_ref(), Some(LockError::Held(_)))
            || matches!(
                cause.downcast_ref(),
                Some(LakeError::Url(_) | LakeError::Folder { .. } | LakeError::Format { .. })
            );
        if is_users {
            return 2;
        }
    }
    1
}

/// The cluster that a run is to use, if it is.
fn cluster(args: &RunArgs, connect: Option<Connect>) -> anyhow::Result<Option<Arc<dyn Cluster>>> {
    let head = pipeline::head(&args.plan.pipeline)?;
    if args.engine.unwrap_or(head.engine) == Engine::Embedded {
        return Ok(None);
    }
    let Some(connect) = connect else {
        // The same command line, for the program that has the cluster's client in it.
        let args: Vec<OsString> = std::env::args_os().skip(1).collect();
        return Err(hand_over(CLUSTER, "the cluster's client", "make build-cluster", &args));
    };
    let Some(scheduler) = args.scheduler.as_ref().or(head.scheduler.as_ref()) else {
        let why = "`engine: ballista` needs the address of a scheduler: `scheduler: HOST:PORT` in the pipeline, or --scheduler";
        return Err(UsersError(why.to_owned()).into());
    };
    connect(scheduler).map(Some).map_err(|why| UsersError(why).into())
}

/// The command line, for records: what is no UTF-8 in it only looks like what it is.
fn command_line() -> String {
    let words: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

fn dispatch(cli: &Cli, connect: Option<Connect>) -> anyhow::Result<()> {
    clock::check_clock()?;
    let runtime = query::runtime(0).context("failed to start the runtime")?;
    let mut out = std::io::stdout().lock();
    match &cli.command {
        Command::Run(args) => {
            let options = Options {
                cluster: cluster(args, connect)?,
                select: args.plan.select.clone(),
                lake: args.plan.lake.clone(),
                engine: args.engine,
                no_records: args.plan.no_records,
                rehash: args.plan.rehash,
                threads: args.threads,
                no_wait: args.no_wait,
                progress: !cli.quiet
                    && cli.log_format == LogFormat::Human
                    && std::io::stderr().is_terminal(),
                command: command_line(),
            };
            let outcome = run::run(&runtime, &args.plan.pipeline, &options)?;
            if !cli.quiet {
                print_outcome(&mut out, &outcome, &args.plan)?;
            }
            draw_report(&runtime, &mut out, &args.plan, &outcome, cli.quiet)?;
        }
        Command::Plan(args) => {
            let options = Options {
                select: args.select.clone(),
                lake: args.lake.clone(),
                no_records: args.no_records,
                rehash: args.rehash,
                ..Options::default()
            };
            print_plan(&mut out, &run::plan(&runtime, &args.pipeline, &options)?)?;
        }
        Command::Sql(args) => {
            // The shell and the rows write on their own.
            drop(out);
            sql(&runtime, args)?;
        }
        Command::Config(args) => print_config(&mut out, &pipeline::settings(&args.pipeline)?)?,
        Command::Serve { args } => {
            return Err(hand_over(SERVER, "the SQL server", "make build-serve", args));
        }
        Command::Cluster { args } => {
            let args: Vec<OsString> =
                [OsString::from("cluster")].into_iter().chain(args.iter().cloned()).collect();
            return Err(hand_over(CLUSTER, "the cluster", "make build-cluster", &args));
        }
        Command::Tables(args) => tables(&runtime, &mut out, args)?,
        Command::Describe(args) if args.all => dictionary(&mut out)?,
        Command::Describe(args) => describe(&runtime, &mut out, args)?,
        Command::Reconcile(args) => reconcile(&runtime, &mut out, args)?,
        Command::Runs(args) => runs(&runtime, &mut out, args)?,
        Command::Verify(args) => verify(&runtime, &mut out, args)?,
        Command::Gc(args) => gc(&runtime, &mut out, args)?,
        Command::Measure(args) => {
            // Rows go to standard output as they come.
            drop(out);
            measure(&runtime, args)?;
        }
        Command::Report(args) => {
            let pipeline = pipeline::read(&runtime, &args.pipeline)?;
            let files = report(&runtime, args, &pipeline)?;
            for path in files.iter().filter(|path| path.extension().is_some_and(|e| e != "png")) {
                writeln!(out, "{}", path.display())?;
            }
        }
        Command::Export(command) => {
            let lake = open(&command.lake)?;
            let catalog = catalog(&runtime, &lake)?;
            for path in
                export::export(&runtime, &command.args, command.memory.memory(), &lake, &catalog)?
            {
                writeln!(out, "{}", path.display())?;
            }
        }
        Command::Estimate(command) => {
            let text = estimate_command::estimate(
                &runtime,
                &command.args,
                command.memory.memory(),
                || {
                    let lake = open(&command.lake)?;
                    let catalog = catalog(&runtime, &lake)?;
                    Ok((lake, catalog))
                },
            )?;
            out.write_all(text.as_bytes())?;
        }
        Command::Synth(args) => synth(&mut out, args)?,
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn seconds(millis: u64) -> String {
    format!("{:.2} s", millis as f64 / 1000.0)
}

/// Draws what is published.
fn report(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &pipeline::Pipeline,
) -> anyhow::Result<Vec<PathBuf>> {
    let lake = args.lake.clone().unwrap_or_else(|| pipeline.lake.clone());
    let lake = open(&LakeArgs { lake })?;
    let catalog = catalog(runtime, &lake)?;
    for version in catalog.tables.values() {
        runtime.block_on(lake.verify(version))?;
    }
    Ok(report::report(runtime, args, pipeline, &lake, &catalog)?)
}

/// Draws the report that the pipeline asks for, if something was published since, or it is not there.
fn draw_report(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &PlanArgs,
    outcome: &Outcome,
    is_quiet: bool,
) -> anyhow::Result<()> {
    let Some(folder) = pipeline::head(&args.pipeline)?.report else { return Ok(()) };
    let page = folder.join("report.html");
    let is_due = match outcome.publication {
        Publication::Published => true,
        Publication::Unchanged => !page.is_file(),
        Publication::Held(_) => false,
    };
    if is_due {
        let asked = ReportArgs {
            pipeline: args.pipeline.clone(),
            lake: args.lake.clone(),
            output: folder,
            no_figures: false,
        };
        report(runtime, &asked, &pipeline::read(runtime, &args.pipeline)?)
            .context("the tables are published, but the report could not be drawn")?;
        if !is_quiet {
            writeln!(out, "drew {}", page.display())?;
        }
    }
    Ok(())
}

fn print_config(out: &mut impl Write, settings: &[Setting]) -> std::io::Result<()> {
    for of_section in settings.chunk_by(|a, b| a.section == b.section) {
        writeln!(out, "{}:", of_section[0].section)?;
        for Setting { key, value, path, line, .. } in of_section {
            writeln!(out, "  {key}: {value} # {}:{line}", path.display())?;
        }
    }
    Ok(())
}

fn print_plan(out: &mut impl Write, plan: &Plan) -> std::io::Result<()> {
    let mut rows = vec![vec!["action".to_owned(), "stage".to_owned(), "why".to_owned()]];
    for step in &plan.steps {
        rows.push(vec![step.action.name().to_owned(), step.node.name.clone(), step.why.clone()]);
    }
    columns(out, &rows)?;
    let n = plan.steps.iter().filter(|step| step.action == Action::Build).count();
    match n {
        0 => writeln!(out, "\nnothing to do"),
        n => writeln!(out, "\n{n} of {} to build", plan.steps.len()),
    }
}

fn print_outcome(out: &mut impl Write, outcome: &Outcome, args: &PlanArgs) -> anyhow::Result<()> {
    let n_built = outcome.stages.iter().filter(|stage| stage.action == "built").count();
    let elapsed = seconds(u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX));
    if n_built == 0 && outcome.publication == Publication::Unchanged {
        writeln!(out, "nothing to do: everything is up to date ({elapsed})")?;
        return Ok(());
    }
    let mut rows =
        vec![vec!["stage", "", "time", "rows", "why"].into_iter().map(str::to_owned).collect()];
    for stage in &outcome.stages {
        rows.push(vec![
            stage.stage.clone(),
            stage.action.clone(),
            if stage.action == "built" { seconds(stage.millis) } else { String::new() },
            right(grouped(stage.rows), 9),
            stage.why.clone(),
        ]);
    }
    columns(out, &rows)?;
    writeln!(out)?;
    let built: Vec<&str> = outcome
        .stages
        .iter()
        .filter(|stage| stage.action == "built")
        .map(|stage| stage.stage.as_str())
        .collect();
    let mut rows = vec![vec!["table", "rows", "size"].into_iter().map(str::to_owned).collect()];
    for (name, version) in &outcome.tables {
        if built.contains(&version.stage.as_str()) {
            rows.push(vec![
                name.clone(),
                right(grouped(version.rows()), 9),
                right(size(version.bytes()), 10),
            ]);
        }
    }
    if rows.len() > 1 {
        columns(out, &rows)?;
        writeln!(out)?;
    }
    let lake = &outcome.lake;
    match &outcome.publication {
        Publication::Published => writeln!(
            out,
            "published {} tables in {lake} ({} checks passed, {elapsed})",
            outcome.tables.len(),
            outcome.n_checks
        )?,
        Publication::Unchanged => writeln!(out, "published tables are unchanged ({elapsed})")?,
        Publication::Held(stale) => writeln!(
            out,
            "made but not published: {} would be out of date beside it; \
             `rebound run {}` makes the rest and publishes",
            stale.join(", "),
            args.pipeline.display()
        )?,
    }
    if outcome.publication == Publication::Published && outcome.tables.contains_key("panel.region")
    {
        // As it was called, so that the line can be pasted.
        let program = std::env::args().next().unwrap_or_else(|| "rebound".to_owned());
        let option = if lake == "lake" { String::new() } else { format!(" --lake {lake}") };
        writeln!(
            out,
            "try: {program} sql{option} \"select episode, region_name, round(resistance, 2) as resistance, \
             round(recovery, 2) as recovery, round(upgrading, 2) as upgrading \
             from panel.region order by episode, resistance desc nulls last\""
        )?;
    }
    Ok(())
}

fn open(args: &LakeArgs) -> anyhow::Result<Lake> {
    let is_folder = !args.lake.contains("://");
    if is_folder && !Path::new(&args.lake).is_dir() {
        return Err(UsersError(format!(
            "no lake in `{}`: give its folder with --lake or REBOUND_LAKE, or make one with `rebound run`",
            args.lake
        ))
        .into());
    }
    Ok(Lake::open(&args.lake)?)
}

fn catalog(runtime: &Runtime, lake: &Lake) -> anyhow::Result<Catalog> {
    runtime.block_on(lake.catalog())?.ok_or_else(|| {
        UsersError(format!("nothing is published in `{}` yet: `rebound run` publishes", lake.url()))
            .into()
    })
}

fn sql(runtime: &Runtime, args: &SqlArgs) -> anyhow::Result<()> {
    let text = match (&args.query, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| UsersError(format!("failed to read `{}`: {error}", path.display())))?,
        (None, None) if args.output.is_none() && std::io::stdin().is_terminal() => {
            let lake = open(&args.lake)?;
            let catalog = catalog(runtime, &lake)?;
            return Ok(shell::run(runtime, &lake, catalog, args.memory.memory())?);
        }
        (None, None) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("failed to read standard input")?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(UsersError(
            "the query is empty: give it as an argument, with -f FILE, or on standard input"
                .to_owned(),
        )
        .into());
    }
    let is_binary = matches!(args.format, Format::Parquet | Format::Arrow);
    if is_binary && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(UsersError("this form is not for a terminal: give -o FILE".to_owned()).into());
    }
    let lake = open(&args.lake)?;
    let catalog = catalog(runtime, &lake)?;
    let session = published::open(&lake, &catalog, args.memory.memory())?;
    published::verify(runtime, &lake, &catalog, &session, &text)?;
    let (schema, batches) = match runtime.block_on(session.run(&text)) {
        Ok(found) => found,
        Err(error @ QueryError::Plan(_)) => {
            let is_about_a_table = error.is_about_a_table();
            let error = anyhow::Error::new(error);
            return Err(match published::missing_table(&session, &catalog, &text) {
                Some(help) if is_about_a_table => error.context(UsersError(help)),
                _ => error,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let batches = batches.into_iter().map(Ok::<_, OutputError>);
    put(args.format, args.csv, args.output.as_deref(), &schema, batches)
}

/// The SQL server, a program of its own.
const SERVER: &str = "rebound-serve";

/// The cluster's parts and its client, a program of its own.
const CLUSTER: &str = "rebound-cluster";

/// Becomes another program; comes back only if that fails.
fn hand_over(program: &str, what: &str, builder: &str, args: &[OsString]) -> anyhow::Error {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name(program));
    let found = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(program));
    let mut command = std::process::Command::new(found);
    command.args(args);
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    };
    if error.kind() == std::io::ErrorKind::NotFound {
        return UsersError(format!(
            "{what} is a program of its own, `{program}`, and neither beside this one nor on the PATH: \
             `{builder}` builds it"
        ))
        .into();
    }
    anyhow::Error::new(error).context(format!("failed to start `{program}`"))
}

/// Writes rows to a file, or to standard output.
fn put<E: From<OutputError> + Into<anyhow::Error>>(
    format: Format,
    csv: CsvArgs,
    path: Option<&Path>,
    schema: &arrow::datatypes::SchemaRef,
    batches: impl IntoIterator<Item = Result<arrow::array::RecordBatch, E>>,
) -> anyhow::Result<()> {
    let Some(path) = path else {
        return output::write(format, csv, schema, batches, std::io::stdout()).map_err(Into::into);
    };
    let failed = |error| UsersError(format!("failed to write `{}`: {error}", path.display()));
    let mut file = NewFile::create(path).map_err(failed)?;
    output::write(format, csv, schema, batches, std::io::BufWriter::new(&mut file))
        .map_err(Into::into)?;
    Ok(file.keep().map_err(failed)?)
}

fn measure(runtime: &Runtime, args: &MeasureArgs) -> anyhow::Result<()> {
    let measured = measure::measure(args, runtime.handle())?;
    let schema = measured.schema.clone();
    put(args.format, args.csv, args.output.as_deref(), &schema, measured)
}

fn tables(runtime: &Runtime, out: &mut impl Write, args: &LakeArgs) -> anyhow::Result<()> {
    let lake = open(args)?;
    let catalog = catalog(runtime, &lake)?;
    let head = ["table", "rows", "size", "made", "key"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for (name, version) in &catalog.tables {
        rows.push(vec![
            name.clone(),
            right(grouped(version.rows()), 9),
            right(size(version.bytes()), 10),
            clock::age(&version.made_at),
            version.key.join(", "),
        ]);
    }
    columns(out, &rows)?;
    writeln!(
        out,
        "\npipeline {}, run {}, published {}",
        catalog.pipeline,
        catalog.run,
        clock::age(&catalog.published_at)
    )?;
    Ok(())
}

fn describe(runtime: &Runtime, out: &mut impl Write, args: &DescribeArgs) -> anyhow::Result<()> {
    let name = args.table.as_deref().unwrap_or_default();
    let (about, key, columns_of): (String, String, Vec<lake::Column>) = match Contract::of(name) {
        Some(contract) => {
            (contract.about.to_owned(), contract.key.join(", "), contract.columns.clone())
        }
        None => {
            let lake = open(&args.lake)?;
            let catalog = catalog(runtime, &lake)?;
            let version = catalog.tables.get(name).ok_or_else(|| {
                let known = Contract::all().iter().map(|contract| contract.table);
                let hint = suggest(name, known.chain(catalog.tables.keys().map(String::as_str)));
                UsersError(format!("no table `{name}`{hint}; `rebound tables` lists them"))
            })?;
            (version.about.clone(), version.key.join(", "), version.columns.clone())
        }
    };
    output::contract(out, name, &about, &key, &columns_of)?;
    Ok(())
}

/// Every contract as Markdown: `docs/tables.md`.
fn dictionary(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "# Data dictionary\n\nPrinted by `rebound describe --all` from the contracts in `crates/lake/src/contract.rs`."
    )?;
    for contract in Contract::all() {
        writeln!(
            out,
            "\n## {}\n\n{}. Key: {}.\n",
            contract.table,
            contract.about,
            contract.key.join(", ")
        )?;
        writeln!(
            out,
            "| column | type | null | unit | meaning |\n| --- | --- | --- | --- | --- |"
        )?;
        for column in &contract.columns {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                column.name,
                column.kind.name(),
                if column.is_nullable { "yes" } else { "" },
                column.unit,
                column.about.replace('|', "\\|")
            )?;
        }
    }
    Ok(())
}

fn reconcile(runtime: &Runtime, out: &mut impl Write, args: &ReconcileArgs) -> anyhow::Result<()> {
    let lake = open(&args.lake)?;
    let catalog = catalog(runtime, &lake)?;
    let session = published::open(&lake, &catalog, args.memory.memory())?;
    published::verify(runtime, &lake, &catalog, &session, DIFFERENCES)?;
    let mut is_exact = true;
    for (title, text) in RECONCILIATION {
        published::verify(runtime, &lake, &catalog, &session, text)?;
        let (schema, batches) = runtime.block_on(session.run(text))?;
        writeln!(out, "{title}\n{}\n", output::table(&schema, &batches)?)?;
    }
    let (_, differences) = runtime.block_on(session.run(DIFFERENCES))?;
    for batch in &differences {
        is_exact &= batch.num_rows() == 0;
    }
    if is_exact {
        writeln!(
            out,
            "exact: in every file, entries and value in = records + excluded + rejected (+ empty)"
        )?;
        Ok(())
    } else {
        Err(RunError::Checks(vec![run::FailedCheck {
            path: PathBuf::from("customs.reconciliation"),
            n_rows: differences.iter().map(arrow::array::RecordBatch::num_rows).sum(),
            first_rows: "files whose parts do not add up; see above".to_owned(),
        }])
        .into())
    }
}

const RECONCILIATION: [(&str, &str); 4] = [
    (
        "entries, by file",
        "select source_file, n_rows, n_entries, n_records, n_excluded, n_rejected, n_empty \
         from customs.reconciliation order by source_file",
    ),
    (
        "value, by file",
        "select source_file, value_in, value_records, value_excluded, value_rejected, n_unreadable_values, \
         value_in - value_records - value_excluded - value_rejected as difference \
         from customs.reconciliation order by source_file",
    ),
    (
        "rules, all files",
        "select rule, why, is_excluded, sum(n_entries) as n_entries, sum(fob_value) as fob_value \
         from customs.rules group by rule, why, is_excluded order by rule",
    ),
    (
        "rejects, all files",
        "select reason, count(*) as n_rejects, sum(n_entries) as n_entries, sum(fob_value) as fob_value \
         from customs.rejects group by reason order by reason",
    ),
];

const DIFFERENCES: &str = "select source_file from customs.reconciliation \
     where value_in <> value_records + value_excluded + value_rejected \
        or n_entries <> n_records + n_excluded + n_rejected + n_empty";

fn runs(runtime: &Runtime, out: &mut impl Write, args: &LakeArgs) -> anyhow::Result<()> {
    let lake = open(args)?;
    let found = runtime.block_on(lake.runs())?;
    run::warn_of(&found.left_out);
    let found = found.records;
    if found.is_empty() {
        writeln!(out, "no runs yet")?;
        return Ok(());
    }
    let published = runtime.block_on(lake.catalog())?.map(|catalog| catalog.run);
    let head = ["run", "pipeline", "began", "status", "built", "reused", "time", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for run in found.iter().rev() {
        let count = |action: &str| run.stages.iter().filter(|s| s.action == action).count();
        let millis: u64 = run.stages.iter().map(|stage| stage.millis).sum();
        let note = match (&run.error, published.as_ref() == Some(&run.run)) {
            (_, true) => "<- published".to_owned(),
            (Some(error), _) => error.lines().next().unwrap_or_default().to_owned(),
            (None, false) => String::new(),
        };
        let status = match run.status {
            RunStatus::Started => "not ended",
            other => other.name(),
        };
        rows.push(vec![
            run.run.clone(),
            run.pipeline.clone(),
            clock::age(&run.started_at),
            status.to_owned(),
            count("built").to_string(),
            count("reused").to_string(),
            seconds(millis),
            note,
        ]);
    }
    columns(out, &rows)?;
    Ok(())
}

fn synth(out: &mut impl Write, args: &SynthArgs) -> anyhow::Result<()> {
    let layout = crate::layout_file::read(&args.layout)?;
    let nation = Nation {
        rows: args.rows,
        regions: args.regions,
        products: args.products,
        years: (args.from, args.to),
        dirt: args.dirt,
        seed: args.seed,
    };
    let written = crate::synth::write(&nation, &layout, &args.output)?;
    let n_rejects: u64 = written.rejects.values().sum();
    writeln!(
        out,
        "made up {} records worth {} in {}, and {n_rejects} rows that must be rejected; what is true of them is in truth.yaml",
        written.rows,
        written.value,
        args.output.display()
    )?;
    Ok(())
}

fn verify(runtime: &Runtime, out: &mut impl Write, args: &VerifyArgs) -> anyhow::Result<()> {
    let lake = open(&args.lake)?;
    if args.repair {
        let _lock = run::try_lock(&lake, "rebound verify --repair")?;
        match runtime.block_on(lake.repair())? {
            Some(Repaired { catalog, is_certain, left_out }) => {
                run::warn_of(&left_out);
                if !is_certain {
                    tracing::warn!(
                        "run {} was killed while it published: nobody knows whether it had, but its tables are whole and checked",
                        catalog.run
                    );
                }
                writeln!(
                    out,
                    "the catalog is made again: {} tables of run {} are published",
                    catalog.tables.len(),
                    catalog.run
                )?;
            }
            None => writeln!(out, "the catalog is not damaged")?,
        }
    }
    let catalog = catalog(runtime, &lake)?;
    let versions: Vec<&TableVersion> = if args.table.is_empty() {
        catalog.tables.values().collect()
    } else {
        args.table
            .iter()
            .map(|table| published::version(&catalog, table))
            .collect::<Result<_, _>>()?
    };
    let (mut n_files, mut n_bytes, mut n_damaged) = (0, 0, 0);
    let mut tables = BTreeSet::new();
    let mut stages = BTreeSet::new();
    for version in &versions {
        let mut is_whole = true;
        for file in &version.files {
            (n_files, n_bytes) = (n_files + 1, n_bytes + file.bytes);
            match runtime.block_on(lake.verify_content(&version.table, file)) {
                Ok(_) => {}
                Err(error @ (LakeError::Lost { .. } | LakeError::Damaged { .. })) => {
                    writeln!(out, "{error}")?;
                    is_whole = false;
                    n_damaged += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !is_whole {
            tables.insert(version.table.as_str());
            stages.insert(version.stage.as_str());
            if let Err(error) = runtime.block_on(lake.unmark(version)) {
                tracing::warn!(
                    "{error}: the damage cannot be marked, so `rebound run` makes `{}` again only where it reads it; run `rebound \
                     verify` where the lake can be written",
                    version.table
                );
            }
        }
    }
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    if n_damaged > 0 {
        let (tables, stages) = (list(tables), list(stages));
        return Err(Damaged { n_files: n_damaged, tables, stages }.into());
    }
    writeln!(
        out,
        "{} files of {} tables, {}, are as they were written",
        grouped(n_files),
        versions.len(),
        size(n_bytes)
    )?;
    Ok(())
}

/// Longer than any run takes.
const SPARED: Duration = Duration::from_hours(24);

fn gc(runtime: &Runtime, out: &mut impl Write, args: &GcArgs) -> anyhow::Result<()> {
    let lake = open(&args.lake)?;
    // A run in progress has versions that nothing names yet. In a folder the lock says that there is none; on an object
    // store what is young may be of one.
    let young_from = lake.folder().is_none().then(|| clock::ago(SPARED));
    let _lock = run::try_lock(&lake, "rebound gc")?;
    let garbage = runtime.block_on(lake.collect_garbage(args.keep, young_from))?;
    writeln!(out, "freed {} in {} versions", size(garbage.bytes), garbage.versions.len())?;
    if garbage.n_unfinished > 0 {
        writeln!(out, "removed {} files that killed programs were writing", garbage.n_unfinished)?;
    }
    for holder in &garbage.holders {
        writeln!(out, "kept what {holder} works with")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_does_not_steer_the_terminal() {
        assert_eq!(readable("a \u{1b}[31mred\u{7}\n\tb"), "a \\u{1b}[31mred\\u{7}\n\tb");
        let long = readable(&"x".repeat(5_000));
        assert!(long.ends_with("x... (1000 characters more)"), "{}", &long[3_990..]);
    }
}
