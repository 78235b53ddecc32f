//! Commands of a pipeline: `run` and `config`.

use super::failure::{UsersError, exit_code};
use super::quantities::seconds;
use super::{drawing, programs, summary};
use crate::metrics::{self, Ended};
use crate::nightly::{self, Summary};
use crate::run::{self, Changes, Failing, Hashed, Held, Options, Outcome, Publication, Records};
use crate::{clock, telemetry};
use anyhow::Context;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use project::causes::causes;
use project::config::range::THREADS;
use project::config::{Setting, count};
use project::pipeline::Engine;
use project::pipeline_file::{PipelineFile, REPORT};
use report::ReportArgs;
use report::output::{columns, right};
use stages::Kept;
use stages::remote::Cluster;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The pipeline file.
    pub(super) pipeline: PathBuf,
    /// A stage or table; `+x` with what it needs, `x+` with what follows, `x@2016` one unit of it
    /// (a year, a raw file). May be repeated.
    #[arg(long, short)]
    select: Vec<String>,
    /// A stage or table to leave out of what is selected; `x+` with what follows. May be repeated.
    #[arg(long)]
    exclude: Vec<String>,
    /// Make all of what is selected, whatever is there, and run all checks. Never changes a byte.
    #[arg(long)]
    full: bool,
    /// Another lake than the pipeline's.
    #[arg(long, env = "REBOUND_LAKE")]
    pub(super) lake: Option<String>,
    /// Sum records as they are read and do not keep them: no customs.records, fewer minutes, less disk.
    #[arg(long)]
    no_records: bool,
    /// Read every raw file through to see what changed, not only those whose size, times or inode did.
    #[arg(long)]
    rehash: bool,
}

impl PlanArgs {
    /// What would be made, as the arguments say.
    pub(super) fn options(&self) -> Options {
        Options {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            kept: if self.full { Kept::Ignored } else { Kept::Used },
            lake: self.lake.clone(),
            records: self.records(),
            hashed: self.hashed(),
            ..Options::default()
        }
    }

    fn records(&self) -> Records {
        if self.no_records { Records::NotKept } else { Records::AsAsked }
    }

    fn hashed(&self) -> Hashed {
        if self.rehash { Hashed::All } else { Hashed::Changed }
    }
}

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The pipeline file.
    pipeline: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    /// Threads; 0: one a core. Never changes a number.
    #[arg(long, value_parser = count(THREADS))]
    threads: Option<usize>,
    /// Stop at once if another run holds the lake.
    #[arg(long)]
    pub(super) no_wait: bool,
    /// If a stage fails, make all that does not follow from it, and tell all that failed.
    #[arg(long)]
    keep_going: bool,
    /// What does the work of ingest, aggregate and panels; otherwise what the pipeline says. Never changes a byte.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Publish also where totals moved by more, or regions vanished, than `max_change` in the pipeline lets them.
    #[arg(long)]
    accept_changes: bool,
    /// Write what the run did to FILE, for Prometheus, also when it fails; otherwise where the pipeline says.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Where the cluster's scheduler is, HOST:PORT; otherwise what the pipeline says.
    #[arg(long, env = "REBOUND_SCHEDULER")]
    scheduler: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RunCommand {
    #[command(flatten)]
    run: RunArgs,
    /// Write what it came to as a line of JSON to this file, also when it fails once the pipeline is
    /// read; `-`: standard output, and nothing else there.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// Connects to the cluster whose scheduler is at `HOST:PORT`.
pub type Connect = fn(&str) -> Result<Arc<dyn Cluster>, String>;

/// What a run shows beside its logs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// Progress, on the terminal.
    pub(super) progress: bool,
    /// What it came to.
    pub(super) summary: bool,
}

/// The cluster that a run is to use, if it is.
fn cluster(
    args: &RunArgs,
    file: &PipelineFile,
    connect: Option<Connect>,
) -> anyhow::Result<Option<Arc<dyn Cluster>>> {
    if args.engine.unwrap_or(file.engine()) == Engine::Embedded {
        return Ok(None);
    }
    let Some(connect) = connect else {
        return Err(programs::cluster_client());
    };
    let Some(scheduler) = args.scheduler.as_deref().or(file.scheduler()) else {
        let why = "`engine: ballista` needs the address of a scheduler: `scheduler: HOST:PORT` in the pipeline, or --scheduler";
        return Err(UsersError(why.to_owned()).into());
    };
    connect(scheduler).map(Some).map_err(|why| UsersError(why).into())
}

/// How to run: as the arguments say.
pub(super) fn options(
    args: &RunArgs,
    file: &PipelineFile,
    connect: Option<Connect>,
    shown: Shown,
) -> anyhow::Result<Options> {
    Ok(Options {
        cluster: cluster(args, file, connect)?,
        engine: args.engine,
        threads: args.threads,
        held: if args.no_wait { Held::Stop } else { Held::Wait },
        failing: if args.keep_going { Failing::GoOn } else { Failing::Stop },
        changes: if args.accept_changes { Changes::Accepted } else { Changes::AsExpected },
        metrics: metrics_of(args, file),
        progress: shown.progress,
        command: programs::command_line(),
        ..args.plan.options()
    })
}

/// Where metrics are written, if they are.
fn metrics_of(args: &RunArgs, file: &PipelineFile) -> Option<PathBuf> {
    args.metrics.clone().or_else(|| file.metrics())
}

/// Draws the report that the pipeline asks for, if it is not there, or shows another run or what an
/// older pipeline says.
pub(super) fn draw_report(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &PlanArgs,
    folder: PathBuf,
    outcome: &Outcome,
    shown: Shown,
) -> anyhow::Result<()> {
    let page = folder.join("report.html");
    let asked = ReportArgs::usual(args.pipeline.clone(), args.lake.clone(), folder);
    let is_due = match outcome.publication {
        Publication::Published => true,
        Publication::Unchanged => !drawing::is_current(runtime, &asked, &page)?,
        Publication::Held(_) => false,
    };
    if is_due {
        drawing::draw(runtime, &asked, &PipelineFile::read(&args.pipeline)?.pipeline(runtime)?)
            .context("the tables are published, but the report could not be drawn")?;
        if shown.summary {
            writeln!(out, "drew {}", page.display())?;
        }
    }
    Ok(())
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
            right(HumanCount(stage.rows), 9),
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
                right(HumanCount(version.rows()), 9),
                right(BinaryBytes(version.bytes()), 10),
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

/// Writes and keeps the metrics of a run that failed before it began, if they are asked for.
fn not_begun(runtime: &Runtime, pipeline: &str, metrics: Option<&PathBuf>) {
    let ended = Ended { pipeline, record: None, elapsed: Duration::ZERO, lake: None };
    let measured = metrics::of(runtime, &ended);
    telemetry::keep(&measured);
    let Some(path) = metrics else { return };
    if let Err(error) = metrics::write(path, &measured) {
        tracing::warn!("failed to write the metrics to `{}`: {error}", path.display());
    }
}

/// Makes what is not up to date, and draws the report that the pipeline asks for.
pub(super) fn run(
    runtime: &Runtime,
    out: &mut impl Write,
    command: &RunCommand,
    connect: Option<Connect>,
    shown: Shown,
) -> anyhow::Result<()> {
    let (began, started) = (Instant::now(), clock::now());
    let args = &command.run;
    let stem = args.plan.pipeline.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = PipelineFile::read(&args.plan.pipeline)
        .inspect_err(|_| not_begun(runtime, &stem, args.metrics.as_ref()))?;
    let (report, pipeline) = (file.report(), file.name().to_owned());
    let lake = args.plan.lake.clone().unwrap_or_else(|| file.lake());
    // Nothing stands on standard output beside a summary.
    let is_own = command.summary.as_deref() == Some(Path::new("-"));
    let shown = Shown { summary: shown.summary && !is_own, ..shown };
    let (mut noted, mut held) = (None, None);
    let options = options(args, &file, connect, shown)
        .inspect_err(|_| not_begun(runtime, file.name(), metrics_of(args, &file).as_ref()));
    let ended = options.and_then(|options| {
        let outcome = run::recorded(runtime, file, &options, &mut noted)?;
        held = Some(outcome.n_checks);
        if shown.summary {
            print_outcome(out, &outcome, &args.plan)?;
        }
        match report {
            Some(folder) => draw_report(runtime, out, &args.plan, folder, &outcome, shown),
            None => Ok(()),
        }
    });
    let Some(path) = &command.summary else { return ended };
    let error = ended.as_ref().err();
    let found = Summary::of(nightly::Ended {
        pipeline: &pipeline,
        file: args.plan.pipeline.display().to_string(),
        lake,
        record: noted.as_ref(),
        started,
        ended: clock::now(),
        elapsed: began.elapsed(),
        attempts: 1,
        held,
        exit_code: error.map_or(0, exit_code),
        causes: error.map(|error| causes(error.as_ref())).unwrap_or_default(),
        error: error.and_then(|error| error.downcast_ref()),
        pruned: None,
        warnings: Vec::new(),
    });
    summary::either(ended, summary::put(out, &found, path))
}

fn print_config(out: &mut impl Write, settings: &[Setting]) -> std::io::Result<()> {
    for of_section in settings.chunk_by(|a, b| a.section == b.section) {
        let section = of_section[0].section;
        // What is of no config is a comment, so that all of it is one.
        let mark = if section == REPORT { "# " } else { "" };
        writeln!(out, "{mark}{section}:")?;
        for Setting { key, value, path, line, .. } in of_section {
            writeln!(out, "{mark}  {key}: {value} # {}:{line}", path.display())?;
        }
    }
    Ok(())
}

/// Prints the whole config of a pipeline.
pub(super) fn config(out: &mut impl Write, args: &ConfigArgs) -> anyhow::Result<()> {
    print_config(out, &PipelineFile::read(&args.pipeline)?.settings()?)?;
    Ok(())
}
