//! Runs: making what a plan says, checking it, publishing it.
//!
//! A run makes the versions that are not in the lake yet, checks the tables it would publish, and then
//! replaces the catalog in one put. Until then readers see what was published before; a run that is killed
//! leaves only versions that are complete, which the next run uses, and parts of versions, which it
//! writes again.

mod build;
pub(crate) mod content;
mod error;
mod options;
pub(crate) mod plan;
mod publish;

pub use self::error::{FailedCheck, RunError};
pub use self::options::{Hashed, Held, Options, Records};
pub use self::plan::{Action, Plan, Step, plan, warn_of};
pub use self::publish::Publication;

use self::build::Builder;
use self::publish::{Publisher, Tables};
use crate::clock;
use crate::verified::Verified;
use lake::{
    Holder, Lake, LeaseTimes, Lock, LockError, RunRecord, RunStatus, StageRecord, TableVersion,
};
use project::pipeline_file::PipelineFile;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it published, or why not.
    pub publication: Publication,
    /// What was done with each node.
    pub stages: Vec<StageRecord>,
    /// The tables that are current, published or not.
    pub tables: BTreeMap<String, TableVersion>,
    /// Checks that ran and held.
    pub n_checks: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// The lake.
    pub lake: String,
}

/// The lock of a folder's writers, if nobody has it; an object store needs none.
///
/// # Errors
///
/// [`LockError`].
pub fn try_lock(lake: &Lake, command: &str) -> Result<Option<Lock>, LockError> {
    let Some(folder) = lake.folder() else { return Ok(None) };
    let me = Holder { pid: std::process::id(), command: command.to_owned(), since: clock::now() };
    Lock::try_take(folder, &me).map(Some)
}

fn take_lock(lake: &Lake, options: &Options) -> Result<Option<Lock>, RunError> {
    let mut is_told = false;
    loop {
        match try_lock(lake, &options.command) {
            Err(LockError::Held(holder)) if options.held == Held::Wait => {
                if !is_told {
                    let text = LockError::Held(holder).to_string();
                    tracing::warn!("{text}; waiting for it to end (--no-wait stops instead)");
                    is_told = true;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            taken => return Ok(taken?),
        }
    }
}

/// Runs the pipeline of `file`.
///
/// # Errors
///
/// [`RunError`]; what was published before stays published.
pub fn run(runtime: &Runtime, file: PipelineFile, options: &Options) -> Result<Outcome, RunError> {
    let started = Instant::now();
    // The lock comes before the plan, so that the plan is still true when it is carried out.
    let lake_url = options.lake.clone().unwrap_or_else(|| file.lake());
    let path = file.path().to_owned();
    let _lock = take_lock(&Lake::open(&lake_url)?, options)?;
    let plan = plan(runtime, file, options)?;
    let mut record = begun(&plan, options);

    let lake = plan.lake.clone();
    let lake_url = plan.pipeline.lake.clone();
    let keep = |record: &RunRecord, publication| {
        let kept = runtime.block_on(lake.put_run(record));
        kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })
    };
    keep(&record, "nothing was made or published")?;
    let outcome = leased(runtime, &path, plan, options, &mut record);
    record.ended_at = Some(clock::now());
    record.status = match &outcome {
        Ok((Publication::Published, _)) => RunStatus::Published,
        Ok((Publication::Held(_), _)) => RunStatus::Held,
        Ok((Publication::Unchanged, _)) => RunStatus::Unchanged,
        Err(RunError::Checks(_)) => RunStatus::CheckFailed,
        Err(RunError::Unknown { .. }) => RunStatus::Unknown,
        Err(_) => RunStatus::Failed,
    };
    record.error = outcome.as_ref().err().map(|error| error.to_string());
    let kept = keep(
        &record,
        match record.status {
            RunStatus::Published => "its tables are published",
            RunStatus::Unknown => "it is not known whether its tables are published",
            _ => "what was published before stays published",
        },
    );
    let (publication, n_checks) = match (outcome, kept) {
        (Ok(outcome), kept) => kept.map(|()| outcome)?,
        (Err(error), kept) => {
            // The error that ended the run comes first.
            if let Err(kept) = kept {
                tracing::warn!("{kept}");
            }
            return Err(error);
        }
    };
    Ok(Outcome {
        publication,
        stages: record.stages,
        tables: record.tables,
        n_checks,
        elapsed: started.elapsed(),
        lake: lake_url,
    })
}

/// The record of a run that begins.
fn begun(plan: &Plan, options: &Options) -> RunRecord {
    RunRecord {
        run: clock::run_name(),
        number: plan.number,
        pipeline: plan.pipeline.name.clone(),
        command: options.command.clone(),
        started_at: clock::now(),
        ended_at: None,
        found: plan.published.as_ref().map(|catalog| catalog.run.clone()),
        status: RunStatus::Started,
        error: None,
        stages: Vec::new(),
        parts: BTreeMap::new(),
        files: plan.found.clone(),
        tables: BTreeMap::new(),
        published_at: None,
        checks: BTreeMap::new(),
    }
}

/// A plan of the pipeline at `path` as it is now.
fn again(runtime: &Runtime, path: &Path, options: &Options) -> Result<Plan, RunError> {
    plan(runtime, PipelineFile::read(path)?, options)
}

/// Carries a plan out under a lease on all versions that it reads or writes. What is found damaged or gone on the way is made again.
fn leased(
    runtime: &Runtime,
    path: &Path,
    first: Plan,
    options: &Options,
    record: &mut RunRecord,
) -> Result<(Publication, usize), RunError> {
    let lake = first.lake.clone();
    // Each time a version less is there to be damaged.
    let mut n_left = first.steps.iter().map(|step| step.node.writes.len()).sum::<usize>();
    let keeps = first.keeps();
    let lease = lake.lease(&options.command, keeps, LeaseTimes::default(), runtime.handle());
    let lease = runtime.block_on(lease)?;
    // What was planned with before the lease; later plans are made under it.
    let mut next = first.looked_at_again(runtime);
    let outcome = loop {
        let step =
            next.and_then(|plan| without_panic(|| carry_out(runtime, plan, options, record)));
        let damage = step.as_ref().err().and_then(RunError::damage).filter(|_| n_left > 0);
        let Some(damage) = damage else { break step };
        tracing::warn!("{damage}: it is made again now");
        n_left -= 1;
        next = again(runtime, path, options);
    };
    if let Err(error) = runtime.block_on(lease.release()) {
        tracing::warn!("{error}; the run's lease expires by itself");
    }
    outcome
}

/// What `work` comes to; a panic is an error, so that the run's record ends.
fn without_panic<T>(work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    caught(work).unwrap_or_else(|text| Err(RunError::Panic(text)))
}

/// What `work` gives.
///
/// # Errors
///
/// What it said when it panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("no reason is given").to_owned()
    })
}

/// Makes what is to be made, in order, and publishes it.
fn carry_out(
    runtime: &Runtime,
    plan: Plan,
    options: &Options,
    record: &mut RunRecord,
) -> Result<(Publication, usize), RunError> {
    let Plan { pipeline, lake, published, replaced, steps, files, threads, .. } = plan;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|_| RunError::Threads(threads))?;
    let verified = Verified::new(&lake, runtime, &pool);
    let builder = Builder {
        runtime,
        pool: &pool,
        pipeline: &pipeline,
        lake: &lake,
        files: &files,
        verified: &verified,
        cluster: options.cluster.as_deref(),
    };
    let bar = progress(options, steps.len());
    let mut tables = Tables::default();
    for step in steps {
        bar.set_message(step.node.name.clone());
        let began = Instant::now();
        let versions = match (step.action, &step.versions) {
            (Action::Build, _) => {
                tracing::info!(stage = step.node.name, why = step.why, "stage started");
                built(&builder, &step, &mut tables)?
            }
            (_, Some(versions)) => versions.clone(),
            (_, None) => {
                tables.stale.extend(step.node.writes.iter().cloned());
                bar.inc(1);
                continue;
            }
        };
        note(step, &versions, began.elapsed(), record);
        for version in versions {
            tables.current.insert(version.table.clone(), version);
        }
        record.tables.clone_from(&tables.current);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let publisher = Publisher {
        runtime,
        pipeline: &pipeline,
        lake: &lake,
        verified: &verified,
        published: published.as_ref(),
        replaced: &replaced,
    };
    publisher.publish(tables, record)
}

/// Makes the tables of a step from what still is as it was when it was read.
fn built(
    builder: &Builder<'_>,
    step: &Step,
    tables: &mut Tables,
) -> Result<Vec<TableVersion>, RunError> {
    let versions = builder.build(&step.node, &step.fingerprint, &tables.current)?;
    tables.built.extend(step.node.writes.iter().cloned());
    // What was touched while it was read may have been read.
    let mut reads = step.node.reads.iter().filter_map(|table| tables.current.get(table));
    if let Err(error) = reads.try_for_each(|version| builder.verified.read(version)) {
        for version in &versions {
            builder.runtime.block_on(builder.lake.unmark(version))?;
        }
        return Err(error.into());
    }
    Ok(versions)
}

/// Notes what became of a step.
fn note(step: Step, versions: &[TableVersion], elapsed: Duration, record: &mut RunRecord) {
    let rows = versions.iter().map(TableVersion::rows).sum();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let action = match step.action {
        Action::Skip => return,
        Action::Reuse => "reused",
        Action::Build => {
            tracing::info!(stage = step.node.name, rows, millis, "stage ended");
            "built"
        }
    };
    record.parts.insert(step.node.name.clone(), step.parts);
    let stage = step.node.name;
    let done = StageRecord { stage, action: action.to_owned(), why: step.why, millis, rows };
    match record.stages.iter_mut().find(|known| known.stage == done.stage) {
        // Where a run begins anew, what it made before was made.
        Some(_) if step.action != Action::Build => {}
        Some(known) => *known = done,
        None => record.stages.push(done),
    }
}

fn progress(options: &Options, n_steps: usize) -> indicatif::ProgressBar {
    if !options.progress {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(n_steps as u64);
    if let Ok(style) =
        indicatif::ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn a_panic_is_an_error_with_its_text() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let there = |text: &'static str| {
            without_panic(|| -> Result<(), RunError> {
                pool.install(|| [1, 2].par_iter().for_each(|at| assert!(*at < 2, "{text}")));
                Ok(())
            })
        };
        let error = there("a sum is no number").expect_err("a panic");
        assert!(error.to_string().contains("a sum is no number"), "{error}");
        assert_eq!(error.exit_code(), 1);
    }
}
