//! Checks what was made, and publishes it.

use super::error::{FailedCheck, RunError};
use super::plan::sql_session;
use crate::clock;
use crate::node::SQL_VERSION;
use crate::verified::Verified;
use arrow::array::RecordBatch;
use lake::{Catalog, CatalogVersion, Fingerprint, Fingerprinter, Lake, RunRecord, TableVersion};
use project::pipeline::Pipeline;
use stages::contracts;
use std::collections::{BTreeMap, BTreeSet};
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
}

/// Where a run publishes, and what is there.
#[derive(Debug)]
pub(super) struct Publisher<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) pipeline: &'a Pipeline,
    pub(super) lake: &'a Lake,
    pub(super) verified: &'a Verified<'a>,
    /// What is published.
    pub(super) published: Option<&'a Catalog>,
    pub(super) replaced: &'a CatalogVersion,
}

impl Publisher<'_> {
    /// Checks the tables and publishes them; gives how many checks ran, too.
    pub(super) fn publish(
        &self,
        tables: Tables,
        record: &mut RunRecord,
    ) -> Result<(Publication, usize), RunError> {
        let Tables { current, stale, built } = tables;
        let published = self.published;
        // Readers must not see new tables beside old ones that were made from something else.
        let held: Vec<String> = stale
            .into_iter()
            .filter(|table| published.is_some_and(|old| old.tables.contains_key(table)))
            .collect();
        if !held.is_empty() {
            return Ok((Publication::Held(held), 0));
        }
        let (checks, n_checks) =
            check(self.runtime, self.pipeline, self.lake, self.verified, &current, published)?;
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
            let was_published = published.is_some_and(|old| old.tables.get(table) == Some(version));
            if was_published || built.contains(table) {
                self.verified.look(version)?;
            } else {
                self.verified.read(version)?;
            }
        }
        // The record first: a published run is always one that `gc` knows, and from which its catalog can be made again.
        record.published_at = Some(catalog.published_at.clone());
        record.checks.clone_from(&catalog.checks);
        let kept = self.runtime.block_on(self.lake.put_run(record));
        let publication = "nothing was published";
        kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })?;
        Ok((self.put(&catalog)?, n_checks))
    }

    /// Puts the catalog in the place of the one that the run saw.
    fn put(&self, catalog: &Catalog) -> Result<Publication, RunError> {
        let Err(error) = self.runtime.block_on(self.lake.publish(catalog, self.replaced)) else {
            tracing::info!(run = catalog.run, tables = catalog.tables.len(), "published");
            return Ok(Publication::Published);
        };
        // What the store answered may not be what it did: another answer was lost, or another run made the same.
        match self.runtime.block_on(self.lake.catalog()) {
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
            Err(_) => {
                Err(RunError::Unknown { lake: self.lake.url().to_owned(), source: Box::new(error) })
            }
        }
    }
}

/// Runs the checks that did not hold before on the same tables; gives them all with what they held on.
pub(super) fn check(
    runtime: &Runtime,
    pipeline: &Pipeline,
    lake: &Lake,
    verified: &Verified<'_>,
    current: &BTreeMap<String, TableVersion>,
    published: Option<&Catalog>,
) -> Result<(BTreeMap<String, Fingerprint>, usize), RunError> {
    let session = sql_session(lake, pipeline, 1)?;
    for version in current.values() {
        session.register(version)?;
    }
    let mut held = BTreeMap::new();
    let mut failed = Vec::new();
    let mut n_run = 0;
    let mut n_not_run = 0;
    let mut not_made = BTreeSet::new();
    for file in &pipeline.checks {
        let broken = |source| RunError::Sql { path: file.path.clone(), source };
        let tables = session.tables_read(&file.text).map_err(broken)?;
        // A part of a pipeline is checked in part.
        let is_absent =
            |table: &&String| !current.contains_key(*table) && is_made_by(pipeline, table);
        let absent: Vec<&String> = tables.iter().filter(is_absent).collect();
        if !absent.is_empty() {
            n_not_run += 1;
            not_made.extend(absent.into_iter().cloned());
            continue;
        }
        let mut maker = Fingerprinter::default();
        maker.add("code", SQL_VERSION.to_string().as_bytes());
        maker.add("sql", file.meaning().as_bytes());
        for table in &tables {
            if let Some(version) = current.get(table) {
                maker.add(table, version.fingerprint.as_str().as_bytes());
            }
        }
        let fingerprint = maker.finish();
        let held_before =
            published.is_some_and(|catalog| catalog.checks.get(&file.name) == Some(&fingerprint));
        if !held_before {
            for version in tables.iter().filter_map(|table| current.get(table)) {
                verified.read(version)?;
            }
            let (_, rows) = runtime.block_on(session.run(&file.text)).map_err(broken)?;
            n_run += 1;
            let n_rows = rows.iter().map(RecordBatch::num_rows).sum();
            if n_rows > 0 {
                failed.push(FailedCheck {
                    path: file.path.clone(),
                    n_rows,
                    first_rows: first_rows(&rows),
                });
                continue;
            }
        }
        held.insert(file.name.clone(), fingerprint);
    }
    if n_not_run > 0 {
        let tables = not_made.into_iter().collect::<Vec<_>>().join(", ");
        tracing::info!(tables, "{n_not_run} checks not run, as the tables are not made here");
    }
    if failed.is_empty() { Ok((held, n_run)) } else { Err(RunError::Checks(failed)) }
}

fn is_made_by(pipeline: &Pipeline, table: &str) -> bool {
    contracts::of(table).is_some() || pipeline.sql.iter().any(|file| file.name == table)
}

fn first_rows(rows: &[RecordBatch]) -> String {
    const SHOWN: usize = 10;
    let mut left = SHOWN;
    let mut shown = Vec::new();
    for batch in rows {
        let n = batch.num_rows().min(left);
        shown.push(batch.slice(0, n));
        left -= n;
    }
    arrow::util::pretty::pretty_format_batches(&shown)
        .map_or_else(|error| error.to_string(), |table| table.to_string())
}
