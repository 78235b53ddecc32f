//! The command `nightly`: a run that nobody watches.

use super::failure::{exit_code, readable};
use super::quantities::duration;
use super::run::{Connect, RunArgs, Shown, draw_report, options};
use super::summary;
use crate::clock;
use crate::nightly::{self, Ended, Pruned, Summary, Told, with_retries};
use crate::run::{self, Failing, Held, Options, Outcome, RunError};
use chrono::{DateTime, Utc};
use clap::Args;
use lake::{Lake, RunRecord};
use project::causes::causes;
use project::nightly::{Keep, Nightly};
use project::pipeline_file::PipelineFile;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct NightlyArgs {
    #[command(flatten)]
    run: RunArgs,
    /// How long to wait for another run to end: 90s, 30m, 2h.
    #[arg(long, default_value = "30m", value_parser = duration, conflicts_with = "no_wait")]
    wait: Duration,
    /// How often to try again what may pass; otherwise what the pipeline says, or 3 times.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=20))]
    retries: Option<u32>,
    /// Stop at the first stage that fails; otherwise all that does not follow from it is made.
    #[arg(long, conflicts_with = "keep_going")]
    stop_at_failure: bool,
    /// Write what it came to as a line of JSON to this file; `-`: standard output, and nothing else there.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// A night as it goes on.
struct Night<'a> {
    runtime: &'a Runtime,
    args: &'a NightlyArgs,
    asked: Nightly,
    lake: String,
    /// The record of the last run, if one began.
    noted: Option<RunRecord>,
    attempts: u32,
    warnings: Vec<String>,
}

impl Night<'_> {
    /// Runs the pipeline until that goes well or does not help.
    fn run(&mut self, options: &Options) -> Result<Outcome, RunError> {
        let retries = self.args.retries.unwrap_or(self.asked.retries);
        let sleep = |n: u32, error: &RunError| {
            let pause = nightly::pause(self.asked.backoff, n, std::process::id());
            let (why, seconds) = (causes(error).join(": "), pause.as_secs());
            tracing::warn!("{why}; trying again in {seconds} s ({n} of {retries})");
            std::thread::sleep(pause);
        };
        let (path, noted) = (&self.args.run.plan.pipeline, &mut self.noted);
        let work = || run::recorded(self.runtime, PipelineFile::read(path)?, options, noted);
        let (ended, attempts) = with_retries(retries, sleep, work);
        self.attempts = attempts;
        ended
    }

    /// Removes what is old.
    fn prune(&self, keep: Keep, own: &str, options: &Options) -> Result<Pruned, RunError> {
        let lake = Lake::open(&self.lake)?;
        let _lock = run::take_lock(&lake, options)?;
        let now: DateTime<Utc> = clock::ago(Duration::ZERO).into();
        Ok(nightly::prune(self.runtime, &lake, keep, own, now)?)
    }

    /// Removes what is old, if the pipeline says so. A run that went well stays one that did.
    fn pruned(&mut self, options: &Options) -> Option<Pruned> {
        let (keep, record) = (self.asked.keep?, self.noted.as_ref()?);
        match self.prune(keep, &record.run, options) {
            Ok(pruned) => Some(pruned),
            Err(error) => {
                let why = causes(&error).join(": ");
                self.warn(format!("what is old could not be removed: {why}"));
                None
            }
        }
    }

    fn warn(&mut self, text: String) {
        tracing::warn!("{text}");
        self.warnings.push(text);
    }
}

/// Tells who asked to be told. That somebody could not be told is a warning.
fn tell(runtime: &Runtime, asked: &Nightly, summary: &mut Summary) -> anyhow::Result<()> {
    let (name, hook) = match summary.failed {
        None => ("on_success", &asked.on_success),
        Some(_) => ("on_failure", &asked.on_failure),
    };
    let Some(hook) = hook else { return Ok(()) };
    let to = nightly::host_of(hook);
    let told = nightly::tell(runtime, hook, &serde_json::to_string(&*summary)?);
    let error = told.err().map(|error| causes(&error).join(": "));
    if let Some(why) = &error {
        let text = format!("`nightly.{name}` was not told: {why}");
        tracing::warn!("{text}");
        summary.warnings.push(text);
    }
    summary.hooks.push(Told { hook: name, to, error });
    Ok(())
}

/// Writes the summary where it is asked for.
fn print(
    out: &mut impl Write,
    found: &Summary,
    path: Option<&Path>,
    shown: Shown,
) -> anyhow::Result<()> {
    let line = readable(&found.line());
    if let Some(path) = path {
        summary::put(out, found, path)?;
        if path == Path::new("-") {
            tracing::info!("{line}");
            return Ok(());
        }
    }
    if shown.summary {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Runs the pipeline as at night.
pub(super) fn nightly(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &NightlyArgs,
    connect: Option<Connect>,
    shown: Shown,
) -> anyhow::Result<()> {
    let (began, started) = (Instant::now(), clock::now());
    let plan = &args.run.plan;
    let file = PipelineFile::read(&plan.pipeline)?;
    let asked = file.nightly()?;
    let lake = plan.lake.clone().unwrap_or_else(|| file.lake());
    let (noted, warnings) = (None, Vec::new());
    let mut night = Night { runtime, args, asked, lake, noted, attempts: 1, warnings };
    let mut ran = None;
    let mut pruned = None;
    let ended = options(&args.run, &file, connect, shown).and_then(|mut options| {
        if !args.run.no_wait {
            options.held = Held::WaitFor(args.wait);
        }
        options.failing = if args.stop_at_failure { Failing::Stop } else { Failing::GoOn };
        let outcome = night.run(&options)?;
        ran = Some(outcome.n_checks);
        pruned = night.pruned(&options);
        match file.report() {
            // What it drew is no result of this command.
            Some(folder) => {
                draw_report(runtime, out, plan, folder, &outcome, Shown { summary: false, ..shown })
            }
            None => Ok(()),
        }
    });
    let error = ended.as_ref().err();
    let mut found = Summary::of(Ended {
        pipeline: file.name(),
        file: plan.pipeline.display().to_string(),
        lake: night.lake,
        record: night.noted.as_ref(),
        started,
        ended: clock::now(),
        elapsed: began.elapsed(),
        attempts: night.attempts,
        held: ran,
        exit_code: error.map_or(0, exit_code),
        causes: error.map(|error| causes(error.as_ref())).unwrap_or_default(),
        error: error.and_then(|error| error.downcast_ref::<RunError>()),
        pruned,
        warnings: night.warnings,
    });
    let told = tell(runtime, &night.asked, &mut found)
        .and_then(|()| print(out, &found, args.summary.as_deref(), shown));
    summary::either(ended, told)
}
