//! Publishing again what a kept run published. Inputs and config stay as they are.

use crate::clock;
use crate::kept;
use crate::run::{Publication, RunError, put_catalog, try_lock, warn_of};
use crate::verified::Verified;
use lake::{Catalog, CatalogVersion, HistoryError, KeptRun, Lake, LakeError, RunRecord, RunStatus};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// Why a run is not published again.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// It is not there, or not whole.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A file of it is not what was written.
    #[error("run {run} is not published again, and what was published stays")]
    Broken {
        /// The run.
        run: String,
        /// The cause.
        #[source]
        source: Box<LakeError>,
    },
    /// It could not be published.
    #[error(transparent)]
    Run(Box<RunError>),
}

impl From<RunError> for RollbackError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl RollbackError {
    /// Whether what was asked for is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::History(error) => error.is_users(),
            Self::Run(error) => error.is_users(),
            Self::Broken { .. } => false,
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub struct Rollback {
    /// The run whose tables are published now.
    pub back_to: KeptRun,
    /// The run that was published before.
    pub before: String,
    /// Tables of another version than before, those that came and those that went.
    pub changed: Vec<String>,
    /// The run that this is in the history. `None` if there was nothing to do.
    pub run: Option<String>,
}

/// The tables that two catalogs do not have in the same version.
fn changed(a: &Catalog, b: &Catalog) -> Vec<String> {
    let mut tables: Vec<String> = a.tables.keys().chain(b.tables.keys()).cloned().collect();
    tables.sort();
    tables.dedup();
    tables.retain(|table| a.tables.get(table) != b.tables.get(table));
    tables
}

/// Publishes again, in one put, what the run published that `asked` names.
///
/// # Errors
///
/// [`RollbackError`] if there is no such run, a file of it is gone or damaged, or it cannot be
/// published. Then what was published before stays published.
pub fn rollback(
    runtime: &Runtime,
    lake: &Lake,
    asked: &str,
    command: &str,
) -> Result<Rollback, RollbackError> {
    let _lock = try_lock(lake, command).map_err(RunError::from)?;
    let found = runtime.block_on(lake.catalog_to_replace()).map_err(RunError::from)?;
    let (Some(now), replaced) = found else {
        return Err(HistoryError::Nothing(lake.url().to_owned()).into());
    };
    let runs = runtime.block_on(lake.runs()).map_err(RunError::from)?;
    warn_of(&runs.left_out);
    let back_to = runs.kept(asked, &now, lake.url())?;
    let is_same = back_to.catalog.tables == now.tables && back_to.catalog.checks == now.checks;
    let mut done = Rollback {
        changed: changed(&now, &back_to.catalog),
        before: now.run.clone(),
        run: None,
        back_to,
    };
    let Some(record) = done.back_to.record.clone().filter(|_| !is_same) else { return Ok(done) };
    let leased = [&done.back_to.catalog];
    let lease = lake.lease_on(command, &leased, runtime.handle());
    let lease = runtime.block_on(lease).map_err(RunError::from)?;
    let own = RunRecord {
        run: clock::run_name(),
        number: runs.next_number(),
        command: command.to_owned(),
        started_at: clock::now(),
        ended_at: None,
        found: Some(now.run.clone()),
        status: RunStatus::Started,
        error: None,
        stages: Vec::new(),
        // Later runs have seen other files.
        files: BTreeMap::new(),
        published_at: None,
        // The parts, so that the next plan says what is other since.
        ..record
    };
    let run = own.run.clone();
    let published = verify(runtime, lake, &done.back_to, &now)
        .and_then(|()| publish(runtime, lake, &done.back_to.catalog, &replaced, own));
    kept::release(runtime, Some(lease));
    published?;
    done.run = Some(run);
    Ok(done)
}

/// Looks whether all files are there, and hashes those of versions that are not published now: they
/// may have been damaged while nobody read them.
fn verify(
    runtime: &Runtime,
    lake: &Lake,
    back_to: &KeptRun,
    now: &Catalog,
) -> Result<(), RollbackError> {
    let tables = &back_to.catalog.tables;
    runtime.block_on(lake.verify_kept(back_to, tables.values()))?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = crate::threads::pool(threads, None).map_err(|_| RunError::Threads(threads))?;
    let verified = Verified::new(lake, runtime, &pool);
    for (table, version) in tables {
        if now.tables.get(table) != Some(version) {
            verified.read(version).map_err(|error| RollbackError::Broken {
                run: back_to.shown(),
                source: Box::new(error),
            })?;
        }
    }
    Ok(())
}

/// Publishes the tables of `old` as those of the run of `record`, and keeps that: before, as a
/// published run is always one that the history knows, and afterwards.
fn publish(
    runtime: &Runtime,
    lake: &Lake,
    old: &Catalog,
    replaced: &CatalogVersion,
    mut record: RunRecord,
) -> Result<(), RollbackError> {
    let keep = |record: &RunRecord, publication| {
        let kept = runtime.block_on(lake.put_run(record));
        kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })
    };
    let published_at = clock::now();
    let catalog =
        Catalog { run: record.run.clone(), published_at: published_at.clone(), ..old.clone() };
    record.published_at = Some(published_at);
    keep(&record, "nothing was published")?;
    let outcome = put_catalog(runtime, lake, &catalog, replaced);
    record.ended_at = Some(clock::now());
    record.status = match &outcome {
        Ok(Publication::Published) => RunStatus::Published,
        // Another run published the same.
        Ok(Publication::Unchanged | Publication::Held(_)) => RunStatus::Unchanged,
        Err(RunError::Unknown { .. }) => RunStatus::Unknown,
        Err(_) => RunStatus::Failed,
    };
    record.error = outcome.as_ref().err().map(|error| error.to_string());
    let kept = keep(&record, "its tables are published");
    match outcome {
        Ok(_) => kept.map_err(Into::into),
        Err(error) => {
            // The error that ended it comes first.
            if let Err(kept) = kept {
                tracing::warn!("{kept}");
            }
            Err(error.into())
        }
    }
}
