//! Runs: making what a plan says, checking it, publishing it.
//!
//! A run makes the versions that are not in the lake yet, checks the tables it would publish, and then
//! replaces the catalog in one put. Until then readers see what was published before; a run that is killed
//! leaves only versions that are complete, which the next run uses, and parts of versions, which it
//! writes again.

mod build;
mod check_parts;
mod check_results;
mod checks;
pub(crate) mod content;
mod error;
mod expectations;
mod forecast;
mod going_on;
mod held_parts;
mod options;
pub(crate) mod plan;
mod publish;
mod shipped_sql;
mod side_by_side;
mod splitter;
mod sql_cells;
mod sql_proof;
mod sql_table;

pub use self::error::{FailedCheck, RunError};
pub use self::forecast::{Estimate, Forecast, Units, forecast};
pub use self::options::{Changes, Failing, Hashed, Held, Options, Records};
pub use self::plan::{Action, Plan, Step, plan, warn_of};
pub use self::publish::Publication;
pub(crate) use self::publish::put as put_catalog;

use self::build::{Builder, Built, choices};
use self::going_on::Failures;
use self::publish::{Publisher, Tables};
use crate::clock;
use crate::metrics::{self, Ended};
use crate::node::Work;
use crate::progress::{Progress, last_times};
use crate::telemetry;
use crate::verified::Verified;
use lake::{
    Holder, Lake, LeaseTimes, Lock, LockError, RunRecord, RunStatus, StageRecord, TableVersion,
};
use project::pipeline_file::PipelineFile;
use project::printable::printable;
use stages::UnitCounts;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use trade::classification::Classification;

/// Codes that a warning names.
const NAMED_CODES: usize = 3;

/// Characters of a code that it names.
const CODE_CHARACTERS: usize = 40;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it published, or why not.
    pub publication: Publication,
    /// What was done with each node.
    pub stages: Vec<StageRecord>,
    /// The tables that are current, published or not.
    pub tables: BTreeMap<String, TableVersion>,
    /// Checks that looked and held.
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

/// The lock of a folder's writers, for which it waits as the options say.
///
/// # Errors
///
/// [`RunError::Lock`] or [`RunError::Waited`].
pub fn take_lock(lake: &Lake, options: &Options) -> Result<Option<Lock>, RunError> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        match try_lock(lake, &options.command) {
            Err(LockError::Held(holder)) if options.held.waits(began.elapsed()) => {
                if !is_told {
                    let text = LockError::Held(holder).to_string();
                    tracing::warn!("{text}; waiting for it to end (--no-wait stops instead)");
                    is_told = true;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(source @ LockError::Held(_)) => {
                return Err(match options.held {
                    Held::WaitFor(limit) => RunError::Waited { seconds: limit.as_secs(), source },
                    Held::Wait | Held::Stop => source.into(),
                });
            }
            taken => return Ok(taken?),
        }
    }
}

/// Runs the pipeline of `file`, and writes its metrics if they are asked for.
///
/// # Errors
///
/// [`RunError`]; what was published before stays published.
pub fn run(runtime: &Runtime, file: PipelineFile, options: &Options) -> Result<Outcome, RunError> {
    recorded(runtime, file, options, &mut None)
}

/// The same; `noted` is the run's record as it ended, if it came so far that it has one.
///
/// # Errors
///
/// As of [`run`].
pub fn recorded(
    runtime: &Runtime,
    file: PipelineFile,
    options: &Options,
    noted: &mut Option<RunRecord>,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let metrics_file = options.metrics.clone().or_else(|| file.metrics());
    let pipeline = file.name().to_owned();
    let lake = options.lake.clone().unwrap_or_else(|| file.lake());
    let mut ended = None;
    let span = telemetry::of_run(&pipeline, &lake);
    let outcome = span.in_scope(|| carried_out(runtime, file, options, &mut ended));
    telemetry::tell_run(&span, ended.as_ref().map(|(_, record)| record), &outcome);
    let is_measured = metrics_file.is_some() || telemetry::wants_metrics();
    let (open, record) = match ended {
        Some((lake, record)) => (Some(lake), Some(record)),
        // A lake that did not answer is not asked again.
        None if !is_measured || matches!(outcome, Err(RunError::Lake(_))) => (None, None),
        None => (Lake::open(&lake).ok(), None),
    };
    noted.clone_from(&record);
    if !is_measured {
        return outcome;
    }
    let (lake, record) = (open.as_ref(), record.as_ref());
    let elapsed = started.elapsed();
    let told = Ended { pipeline: &pipeline, record, elapsed, lake };
    let measured = metrics::of(runtime, &told);
    telemetry::keep(&measured);
    let Some(path) = metrics_file else { return outcome };
    match (metrics::write(&path, &measured), outcome) {
        (Err(source), Ok(_)) => Err(RunError::Metrics { path, source }),
        (Err(error), Err(first)) => {
            tracing::warn!("failed to write the metrics to `{}`: {error}", path.display());
            Err(first)
        }
        (Ok(()), outcome) => outcome,
    }
}

/// Runs the pipeline of `file`. What it did, and the lake that has it, go into `ended`.
fn carried_out(
    runtime: &Runtime,
    file: PipelineFile,
    options: &Options,
    ended: &mut Option<(Lake, RunRecord)>,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    // The lock comes before the plan, so that the plan is still true when it is carried out.
    let lake_url = options.lake.clone().unwrap_or_else(|| file.lake());
    let path = file.path().to_owned();
    let _lock = take_lock(&Lake::open(&lake_url)?, options)?;
    let plan = plan(runtime, file, options)?;
    warn_of_labels(&plan.pipeline.source_classification());
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
    *ended = Some((lake.clone(), record.clone()));
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

/// Says that a table of names has codes that the table of groups lacks, if it has.
fn warn_of_labels(classification: &Classification) {
    let unlisted = classification.unlisted_labels();
    if unlisted.is_empty() {
        return;
    }
    let first: Vec<String> =
        unlisted.iter().take(NAMED_CODES).map(|code| printable(code, CODE_CHARACTERS)).collect();
    tracing::warn!(
        codes = unlisted.len(),
        first = first.join(", "),
        "names of codes that no product of the table of groups has, and no group (`product.labels`)"
    );
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
        sql: BTreeMap::new(),
        check_results: Vec::new(),
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
        let panic = cancel::pass_on(panic);
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
    let pool = crate::threads::pool(threads, None).map_err(|_| RunError::Threads(threads))?;
    let verified = Verified::new(&lake, runtime, &pool);
    let builder = Builder {
        runtime,
        pool: &pool,
        pipeline: &pipeline,
        lake: &lake,
        files: &files,
        verified: &verified,
        cluster: options.cluster.as_deref(),
        choices: choices(&steps),
    };
    let progress = progress(runtime, &lake, options, &steps);
    let mut tables = Tables::default();
    let mut failures = Failures::new(options.failing);
    for step in steps {
        cancel::check();
        let span = telemetry::of_stage(&step.node.name);
        let _at_work = span.enter();
        progress.begin(&step.node.name);
        let began = Instant::now();
        let (versions, counts) = match (step.action, &step.versions) {
            (Action::Build, _) if failures.leaves(&step, record) => {
                progress.step();
                continue;
            }
            (Action::Build, _) => {
                progress.building(&step.node.name, &step.why);
                match without_panic(|| built(&builder, &step, &mut tables)) {
                    Ok(made) => made,
                    Err(error) => {
                        failures.add(&step, error, began.elapsed(), record)?;
                        progress.step();
                        continue;
                    }
                }
            }
            (_, Some(versions)) => (versions.clone(), UnitCounts::default()),
            (_, None) => {
                tables.stale.extend(step.node.writes.iter().cloned());
                progress.step();
                continue;
            }
        };
        note(step, &versions, &counts, began.elapsed(), record, &progress);
        for version in versions {
            tables.current.insert(version.table.clone(), version);
        }
        record.tables.clone_from(&tables.current);
        progress.step();
    }
    drop(progress);
    failures.end()?;
    let publisher = Publisher {
        pool: &pool,
        runtime,
        pipeline: &pipeline,
        lake: &lake,
        verified: &verified,
        published: published.as_ref(),
        replaced: &replaced,
        changes: options.changes,
        kept: options.kept,
    };
    publisher.publish(tables, record)
}

/// Makes the tables of a step from what still is as it was when it was read.
fn built(
    builder: &Builder<'_>,
    step: &Step,
    tables: &mut Tables,
) -> Result<(Vec<TableVersion>, UnitCounts), RunError> {
    let Built { versions, units, counts, reused } = builder.build(step, &tables.current)?;
    tables.built.extend(step.node.writes.iter().cloned());
    tables.reused.extend(reused.into_iter().map(|file| file.path));
    // What was touched while it was read may have been read.
    let mut reads = step.node.reads.iter().filter_map(|table| tables.current.get(table));
    if let Err(error) = reads.try_for_each(|version| builder.verified.is_untouched(version)) {
        for version in &versions {
            builder.runtime.block_on(builder.lake.unmark(version))?;
        }
        return Err(error.into());
    }
    for unit in &units {
        builder.runtime.block_on(builder.lake.keep_unit(unit))?;
    }
    Ok((versions, counts))
}

/// Names of units that are told.
const NAMED: usize = 3;

/// How many units were made, in words; nothing where the whole is one.
fn units_in_words(counts: &UnitCounts) -> String {
    let n = counts.made.len() + counts.n_reused;
    let some: Vec<&str> = counts.made.iter().take(NAMED).map(String::as_str).collect();
    match counts.made.len() {
        _ if n == 0 => String::new(),
        0 if n == 1 => "; its inputs are what they were".to_owned(),
        1 if n == 1 => String::new(),
        0 => format!("; all {n} parts are what they were"),
        made if made == n => format!("; all {n} parts"),
        made if made <= NAMED => format!("; {made} of {n} parts: {}", some.join(", ")),
        made => format!("; {made} of {n} parts: {} and others", some.join(", ")),
    }
}

/// Notes what became of a step.
fn note(
    step: Step,
    versions: &[TableVersion],
    counts: &UnitCounts,
    elapsed: Duration,
    record: &mut RunRecord,
    progress: &Progress,
) {
    let rows = versions.iter().map(TableVersion::rows).sum();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let action = match step.action {
        Action::Skip => return,
        Action::Reuse => "reused",
        Action::Build => {
            progress.built(&step.node.name, rows, millis);
            "built"
        }
    };
    if let Work::Sql(file) = &step.node.work {
        record.sql.insert(file.name.clone(), file.text.clone());
    }
    record.parts.insert(step.node.name.clone(), step.parts);
    let stage = step.node.name;
    let why = format!("{}{}", step.why, units_in_words(counts));
    let (units_made, units_reused) = (counts.made.len() as u64, counts.n_reused as u64);
    let action = action.to_owned();
    let done = StageRecord { stage, action, why, millis, rows, units_made, units_reused };
    telemetry::tell_stage(&done);
    match record.stages.iter_mut().find(|known| known.stage == done.stage) {
        // Where a run begins anew, what it made before was made.
        Some(known) if known.action == "built" && step.action != Action::Build => {}
        Some(known) => *known = done,
        None => record.stages.push(done),
    }
}

/// How far the steps are, as it is to be shown.
fn progress(runtime: &Runtime, lake: &Lake, options: &Options, steps: &[Step]) -> Progress {
    if !options.progress {
        return Progress::logged(steps.len());
    }
    // Without the records of runs there is a bar without an estimate.
    let runs = runtime.block_on(lake.recent_runs()).unwrap_or_default();
    let times = last_times(&runs.records);
    let expected = steps.iter().map(|step| match step.action {
        Action::Build => times.get(&step.node.name).copied(),
        Action::Reuse | Action::Skip => Some(Duration::ZERO),
    });
    Progress::drawn(expected.collect())
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
