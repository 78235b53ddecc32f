//! Runs the checks on what would be published. A check is asked of all at once or, where it says so,
//! of each year, episode or raw file by itself, and a part that held is not asked again as long as
//! what it reads has the content that it had.

use super::check_parts::{Part, Parts, fingerprint};
use super::check_results::CheckResults;
use super::error::{FailedCheck, RunError};
use super::held_parts::HeldParts;
use super::plan::sql_session;
use super::splitter::wrong;
use crate::telemetry;
use crate::verified::Verified;
use arrow::array::RecordBatch;
use lake::{Catalog, CheckOutcome, Fingerprint, Lake, TableVersion};
use project::pipeline::Pipeline;
use project::sql_file::SqlFile;
use query::{QueryError, Session};
use stages::{Kept, contracts};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// What the checks of a pipeline look at.
#[derive(Debug)]
pub(super) struct Checker<'c> {
    pub(super) runtime: &'c Runtime,
    pub(super) pipeline: &'c Pipeline,
    pub(super) lake: &'c Lake,
    pub(super) verified: &'c Verified<'c>,
    /// The tables that would be published.
    pub(super) current: &'c BTreeMap<String, TableVersion>,
    /// What is published.
    pub(super) published: Option<&'c Catalog>,
    /// Whether checks that held before are believed.
    pub(super) kept: Kept,
}

fn n_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

impl Checker<'_> {
    /// Runs the checks that did not hold before on the same tables; gives them all.
    pub(super) fn check(&self) -> Result<CheckResults, RunError> {
        let session = sql_session(self.lake, self.pipeline, 1)?;
        // Most nights most checks held before: what none is asked of is not opened.
        let mut opened: BTreeSet<&String> = BTreeSet::new();
        let mut results = CheckResults::default();
        let mut n_not_run = 0;
        let mut not_made = BTreeSet::new();
        for file in &self.pipeline.checks {
            let span = telemetry::of_check(&file.name);
            let _at_work = span.enter();
            let severity = file.severity();
            let tables = session.tables_read(&file.text).map_err(|source| broken(file, source))?;
            // A part of a pipeline is checked in part.
            let is_absent = |table: &&String| {
                !self.current.contains_key(*table) && is_made_by(self.pipeline, table)
            };
            let absent: Vec<&String> = tables.iter().filter(is_absent).collect();
            if !absent.is_empty() {
                n_not_run += 1;
                not_made.extend(absent.into_iter().cloned());
                results.note(&file.name, severity, CheckOutcome::NotRun);
                continue;
            }
            let versions: Vec<&TableVersion> =
                tables.iter().filter_map(|table| self.current.get(table)).collect();
            let made_from = fingerprint(file, versions.iter().copied());
            if self.held_before(file, &made_from) {
                results.note(&file.name, severity, CheckOutcome::HeldBefore);
            } else {
                for version in versions.iter().filter(|version| opened.insert(&version.table)) {
                    session.register(version)?;
                }
                let rows = self.rows(file, &versions, &session)?;
                let n_rows = n_rows(&rows);
                if n_rows > 0 {
                    let first_rows = first_rows(&rows);
                    let found = FailedCheck { path: file.path.clone(), n_rows, first_rows };
                    results.note_rows(&file.name, severity, severity, found);
                    continue;
                }
                results.note(&file.name, severity, CheckOutcome::Held);
            }
            results.held.insert(file.name.clone(), made_from);
        }
        if n_not_run > 0 {
            let tables = not_made.into_iter().collect::<Vec<_>>().join(", ");
            tracing::info!(tables, "{n_not_run} checks not run, as the tables are not made here");
        }
        Ok(results)
    }

    /// Whether a check held on the same tables when they were published.
    fn held_before(&self, file: &SqlFile, made_from: &Fingerprint) -> bool {
        let held = |catalog: &Catalog| catalog.checks.get(&file.name) == Some(made_from);
        self.kept == Kept::Used && self.published.is_some_and(held)
    }

    /// The rows that a check finds, which reads `versions`. The session has them all.
    fn rows(
        &self,
        file: &SqlFile,
        versions: &[&TableVersion],
        session: &Session,
    ) -> Result<Vec<RecordBatch>, RunError> {
        let Some(said) = file.check_parts().map_err(|why| wrong(file, why))? else {
            return self.of_all(file, versions, session);
        };
        let read = |version: &TableVersion| -> Result<Vec<RecordBatch>, RunError> {
            self.verified.read(version)?;
            Ok(self.runtime.block_on(self.lake.read(version, &[]))?)
        };
        let Some(parts) = Parts::of(file, &said, versions, read)? else {
            return self.of_all(file, versions, session);
        };
        let known = HeldParts::kept(self.runtime, self.lake, file, self.kept)?;
        let missing: Vec<&Part> =
            parts.all.iter().filter(|part| !known.has(&part.fingerprint)).collect();
        let (n_parts, n_asked) = (parts.all.len(), missing.len());
        tracing::debug!(check = file.name, parts = n_parts, asked = n_asked, "parts");
        let (rows, held) = match missing.last().copied() {
            None => (Vec::new(), Vec::new()),
            Some(last) => {
                let of_parts = sql_session(self.lake, self.pipeline, 1)?;
                if parts.are_less_at_once(&missing) {
                    let n_found = n_rows(&self.of_all(file, versions, session)?);
                    let each = said.each.name();
                    let (alone, held, which) = if n_found > 0 {
                        let (rows, held) = self.of_each(file, &parts, &missing, &of_parts)?;
                        (rows, held, format!("each {each}"))
                    } else {
                        let rows = self.ask(file, &parts, last, &of_parts)?;
                        (rows, missing, last.name.to_string())
                    };
                    // What is no claim on each of them must not be known to hold.
                    is_of_each(file, each, n_found, (n_rows(&alone), which.as_str()))?;
                    (alone, held)
                } else {
                    self.of_each(file, &parts, &missing, &of_parts)?
                }
            }
        };
        // What was read must not have been touched meanwhile.
        for version in versions {
            self.verified.is_untouched(version)?;
        }
        known.keep(self.runtime, self.lake, &parts, &held)?;
        Ok(rows)
    }

    /// The rows that a check finds in whole tables.
    fn of_all(
        &self,
        file: &SqlFile,
        versions: &[&TableVersion],
        session: &Session,
    ) -> Result<Vec<RecordBatch>, RunError> {
        for version in versions {
            self.verified.read(version)?;
        }
        let asked = self.runtime.block_on(cancel::until(session.run(&file.text)));
        Ok(asked.map_err(|source| broken(file, source))?.1)
    }

    /// The rows that a check finds in each of some parts, and the parts that hold. The session has no
    /// tables, before and after.
    fn of_each<'p>(
        &self,
        file: &SqlFile,
        parts: &Parts<'_>,
        asked: &[&'p Part],
        session: &Session,
    ) -> Result<(Vec<RecordBatch>, Vec<&'p Part>), RunError> {
        let (mut rows, mut held) = (Vec::new(), Vec::new());
        for part in asked {
            let found = self.ask(file, parts, part, session)?;
            if n_rows(&found) == 0 {
                held.push(*part);
            }
            rows.extend(found);
        }
        Ok((rows, held))
    }

    /// The rows that a check finds in a part. The session has no tables, before and after.
    fn ask(
        &self,
        file: &SqlFile,
        parts: &Parts<'_>,
        part: &Part,
        session: &Session,
    ) -> Result<Vec<RecordBatch>, RunError> {
        let portions = parts.portions(part)?;
        for portion in &portions {
            self.verified.read(&portion.version)?;
        }
        for portion in &portions {
            portion.register(session)?;
        }
        let asked = self.runtime.block_on(cancel::until(session.run(&file.text)));
        for portion in &portions {
            session.forget(&portion.version.table)?;
        }
        Ok(asked.map_err(|source| broken(file, source))?.1)
    }
}

/// Looks whether a check finds as many rows in all at once as in parts alone, of which the number and
/// the name are given.
fn is_of_each(
    file: &SqlFile,
    each: &str,
    n_found: usize,
    (n_alone, which): (usize, &str),
) -> Result<(), RunError> {
    if n_alone == n_found {
        return Ok(());
    }
    Err(wrong(
        file,
        format!(
            "it finds {n_found} rows in all at once, and {n_alone} in {which} alone: it is no claim on \
             each {each} by itself; take `each` out, or say in `reads` what each {each} needs"
        ),
    ))
}

fn broken(file: &SqlFile, source: QueryError) -> RunError {
    RunError::Sql { path: file.path.clone(), source }
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
