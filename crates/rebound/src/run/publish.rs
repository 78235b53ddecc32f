//! Checks what was made, and publishes it.

use super::checks::Checker;
use super::error::RunError;
use super::expectations::Expectations;
use super::options::Changes;
use crate::clock;
use crate::verified::Verified;
use lake::{Catalog, CatalogVersion, DataFile, Lake, RunRecord, TableVersion};
use project::pipeline::Pipeline;
use stages::Kept;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use tokio::runtime::Runtime;

/// What a run did to what readers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Readers see the tables of this run.
    Published,
    /// They are the same as before.
    Unchanged,
    /// A part was made, but published tables that depend on it are out of date.
    Held(Vec<String>),
}

/// The tables that a run has, and those it does not.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Their versions.
    pub(super) current: BTreeMap<String, TableVersion>,
    /// Those that are out of date and were not made.
    pub(super) stale: BTreeSet<String>,
    /// Those that this run made.
    pub(super) built: BTreeSet<String>,
    /// The paths of their files that an earlier run wrote.
    pub(super) reused: BTreeSet<String>,
}

/// Where a run publishes, and what is there.
#[derive(Debug)]
pub(super) struct Publisher<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) pipeline: &'a Pipeline,
    pub(super) lake: &'a Lake,
    pub(super) verified: &'a Verified<'a>,
    /// What is published.
    pub(super) published: Option<&'a Catalog>,
    pub(super) replaced: &'a CatalogVersion,
    /// Whether totals may move by more than is expected.
    pub(super) changes: Changes,
    /// Whether checks that held before are believed.
    pub(super) kept: Kept,
}

impl Publisher<'_> {
    /// Checks the tables and publishes them; gives how many checks looked and held, too.
    pub(super) fn publish(
        &self,
        tables: Tables,
        record: &mut RunRecord,
    ) -> Result<(Publication, usize), RunError> {
        let Tables { current, stale, built, reused } = tables;
        let published = self.published;
        // Readers must not see new tables beside old ones that were made from something else.
        let held: Vec<String> = stale
            .into_iter()
            .filter(|table| published.is_some_and(|old| old.tables.contains_key(table)))
            .collect();
        if !held.is_empty() {
            return Ok((Publication::Held(held), 0));
        }
        let checker = Checker {
            runtime: self.runtime,
            pipeline: self.pipeline,
            lake: self.lake,
            verified: self.verified,
            current: &current,
            published,
            kept: self.kept,
            n_threads: self.pool.current_num_threads(),
            verifying: Mutex::new(()),
        };
        let mut results = checker.check()?;
        let expectations = Expectations {
            runtime: self.runtime,
            pipeline: self.pipeline,
            lake: self.lake,
            verified: self.verified,
            published,
            current: &current,
            changes: self.changes,
        };
        expectations.look(&mut results)?;
        let n_checks = results.n_passed();
        record.check_results = std::mem::take(&mut results.records);
        results.failure()?;
        let checks = results.held;
        if published.is_some_and(|old| old.tables == current && old.checks == checks) {
            return Ok((Publication::Unchanged, n_checks));
        }
        let catalog = Catalog {
            format: Catalog::FORMAT,
            run: record.run.clone(),
            pipeline: self.pipeline.name.clone(),
            published_at: clock::now(),
            tables: current,
            checks,
        };
        // What is published is there; an old version that comes back may have been damaged while nobody read it.
        for (table, version) in &catalog.tables {
            let old = published.and_then(|old| old.tables.get(table));
            let were_published: BTreeSet<&str> =
                old.iter().flat_map(|old| &old.files).map(|file| file.path.as_str()).collect();
            let is_new = |file: &DataFile| built.contains(table) && !reused.contains(&file.path);
            let (known, others): (Vec<_>, Vec<_>) = version
                .files
                .iter()
                .cloned()
                .partition(|file| were_published.contains(file.path.as_str()) || is_new(file));
            self.verified.look(&TableVersion { files: known, ..version.clone() })?;
            self.verified.read(&TableVersion { files: others, ..version.clone() })?;
        }
        // The record first: a published run is always one that `gc` knows, and from which its catalog can be made again.
        record.published_at = Some(catalog.published_at.clone());
        record.checks.clone_from(&catalog.checks);
        let kept = self.runtime.block_on(self.lake.put_run(record));
        let publication = "nothing was published";
        kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })?;
        Ok((put(self.runtime, self.lake, &catalog, self.replaced)?, n_checks))
    }
}

/// Puts `catalog` in the place of the one that the run saw.
pub(crate) fn put(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
    replaced: &CatalogVersion,
) -> Result<Publication, RunError> {
    let Err(error) = runtime.block_on(lake.publish(catalog, replaced)) else {
        tracing::info!(run = catalog.run, tables = catalog.tables.len(), "published");
        return Ok(Publication::Published);
    };
    // What the store answered may not be what it did: another answer was lost, or another run made the same.
    match runtime.block_on(lake.catalog()) {
        Ok(Some(now)) if now == *catalog => {
            tracing::warn!(
                "the store's answer was lost, but the catalog in the lake is that of this run: it is published"
            );
            tracing::info!(run = catalog.run, tables = catalog.tables.len(), "published");
            Ok(Publication::Published)
        }
        Ok(Some(now)) if now.tables == catalog.tables && now.checks == catalog.checks => {
            Ok(Publication::Unchanged)
        }
        Ok(_) => Err(error.into()),
        Err(_) => Err(RunError::Unknown { lake: lake.url().to_owned(), source: Box::new(error) }),
    }
}
