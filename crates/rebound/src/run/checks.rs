//! Runs the checks on what would be published. A check is asked of all at once or, where it says so,
//! of each year, episode or raw file by itself, and a part that held is not asked again as long as
//! what it reads has the content that it had.

use super::check_parts::{Part, Parts, fingerprint};
use super::check_results::CheckResults;
use super::error::{FailedCheck, RunError};
use super::held_parts::HeldParts;
use super::plan::{shared_session, sql_session};
use super::side_by_side::sharing;
use super::splitter::wrong;
use crate::telemetry;
use crate::verified::Verified;
use arrow::array::RecordBatch;
use lake::{Catalog, CheckOutcome, Fingerprint, Lake, LakeError, TableVersion};
use project::pipeline::Pipeline;
use project::sql_file::SqlFile;
use query::{QueryError, Session};
use stages::{Kept, contracts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::Runtime;
use tracing::Span;

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
    pub(super) n_threads: usize,
    /// Held by the check that looks at files.
    pub(super) verifying: Mutex<()>,
}

fn n_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// A check whose turn it is.
struct Asked<'c> {
    file: &'c SqlFile,
    /// What it reads.
    versions: Vec<&'c TableVersion>,
    fingerprint: Fingerprint,
    /// The one it is asked in.
    span: OnceLock<Span>,
}

/// What is known of a check before it is asked.
enum State<'c> {
    /// It reads tables that are not made here.
    NotMade(Vec<String>),
    HeldBefore(Fingerprint),
    Asked(Asked<'c>),
}

impl<'c> State<'c> {
    fn asked(&self) -> Option<&Asked<'c>> {
        match self {
            Self::Asked(asked) => Some(asked),
            Self::NotMade(_) | Self::HeldBefore(_) => None,
        }
    }
}

impl<'c> Checker<'c> {
    /// Runs the checks that did not hold before on the same tables, some side by side; gives them all
    /// in their order.
    pub(super) fn check(&self) -> Result<CheckResults, RunError> {
        let session = sql_session(self.lake, self.pipeline, 1)?;
        let looked_at = self.pipeline.checks.iter().map(|file| self.look_at(file, &session));
        let states: Vec<State<'_>> = looked_at.collect::<Result<_, RunError>>()?;
        let asked: Vec<&Asked<'_>> = states.iter().filter_map(State::asked).collect();
        let mib = self.pipeline.config.engine.memory().mib;
        let run = Span::current();
        let found = sharing(self.n_threads, mib, asked.len(), |at, n_beside| {
            let new = || run.in_scope(|| telemetry::of_check(&asked[at].file.name));
            let span = asked[at].span.get_or_init(new);
            span.in_scope(|| self.rows(asked[at], n_beside))
        })?;
        let mut found = found.into_iter();
        let mut results = CheckResults::default();
        let mut n_not_run = 0;
        let mut not_made = BTreeSet::new();
        for (file, state) in self.pipeline.checks.iter().zip(states) {
            let severity = file.severity();
            let mut note = |outcome| {
                telemetry::of_check(&file.name)
                    .in_scope(|| results.note(&file.name, severity, outcome));
            };
            let fingerprint = match state {
                State::NotMade(tables) => {
                    n_not_run += 1;
                    not_made.extend(tables);
                    note(CheckOutcome::NotRun);
                    continue;
                }
                State::HeldBefore(fingerprint) => {
                    note(CheckOutcome::HeldBefore);
                    fingerprint
                }
                State::Asked(asked) => {
                    let rows = found.next().map_or_else(|| self.rows(&asked, 1), Ok)?;
                    let _at_work = asked.span.get().map(Span::enter);
                    let n_rows = n_rows(&rows);
                    if n_rows > 0 {
                        let first_rows = first_rows(&rows);
                        let found = FailedCheck { path: file.path.clone(), n_rows, first_rows };
                        results.note_rows(&file.name, severity, severity, found);
                        continue;
                    }
                    results.note(&file.name, severity, CheckOutcome::Held);
                    asked.fingerprint
                }
            };
            results.held.insert(file.name.clone(), fingerprint);
        }
        if n_not_run > 0 {
            let tables = not_made.into_iter().collect::<Vec<_>>().join(", ");
            tracing::info!(tables, "{n_not_run} checks not run, as the tables are not made here");
        }
        Ok(results)
    }

    /// What is known of a check. The session has no tables.
    fn look_at(&self, file: &'c SqlFile, session: &Session) -> Result<State<'c>, RunError> {
        let tables = session.tables_read(&file.text).map_err(|source| broken(file, source))?;
        // A part of a pipeline is checked in part.
        let is_absent = |table: &&String| {
            !self.current.contains_key(*table) && is_made_by(self.pipeline, table)
        };
        let absent: Vec<String> = tables.iter().filter(is_absent).cloned().collect();
        if !absent.is_empty() {
            return Ok(State::NotMade(absent));
        }
        let versions: Vec<&TableVersion> =
            tables.iter().filter_map(|table| self.current.get(table)).collect();
        let fingerprint = fingerprint(file, versions.iter().copied());
        Ok(if self.held_before(file, &fingerprint) {
            State::HeldBefore(fingerprint)
        } else {
            State::Asked(Asked { file, versions, fingerprint, span: OnceLock::new() })
        })
    }

    /// Whether a check held on the same tables when they were published.
    fn held_before(&self, file: &SqlFile, made_from: &Fingerprint) -> bool {
        let held = |catalog: &Catalog| catalog.checks.get(&file.name) == Some(made_from);
        self.kept == Kept::Used && self.published.is_some_and(held)
    }

    /// The rows that a check finds, which is one of so many that are asked side by side.
    fn rows(&self, asked: &Asked<'_>, n_beside: usize) -> Result<Vec<RecordBatch>, RunError> {
        let Asked { file, versions, .. } = asked;
        let Some(said) = file.check_parts().map_err(|why| wrong(file, why))? else {
            return self.of_all(asked, n_beside);
        };
        let read = |version: &TableVersion| -> Result<Vec<RecordBatch>, RunError> {
            self.verify(version)?;
            Ok(self.runtime.block_on(self.lake.read(version, &[]))?)
        };
        let Some(parts) = Parts::of(file, &said, versions, read)? else {
            return self.of_all(asked, n_beside);
        };
        let known = HeldParts::kept(self.runtime, self.lake, file, self.kept)?;
        let missing: Vec<&Part> =
            parts.all.iter().filter(|part| !known.has(&part.fingerprint)).collect();
        let (n_parts, n_missing) = (parts.all.len(), missing.len());
        tracing::debug!(check = file.name, parts = n_parts, asked = n_missing, "parts");
        let (rows, held) = match missing.last().copied() {
            None => (Vec::new(), Vec::new()),
            Some(last) => {
                let of_parts = shared_session(self.lake, self.pipeline, n_beside)?;
                if parts.are_less_at_once(&missing) {
                    let n_found = n_rows(&self.of_all(asked, n_beside)?);
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
    fn of_all(&self, asked: &Asked<'_>, n_beside: usize) -> Result<Vec<RecordBatch>, RunError> {
        let session = shared_session(self.lake, self.pipeline, n_beside)?;
        for version in &asked.versions {
            self.verify(version)?;
            session.register(version)?;
        }
        let found = self.runtime.block_on(cancel::until(session.run(&asked.file.text)));
        Ok(found.map_err(|source| broken(asked.file, source))?.1)
    }

    /// Looks whether the files of a version are what was written. One check waits for the other, as
    /// both may ask for the same files.
    fn verify(&self, version: &TableVersion) -> Result<(), LakeError> {
        let _one = self.verifying.lock().unwrap_or_else(PoisonError::into_inner);
        self.verified.read(version)
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
            self.verify(&portion.version)?;
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
