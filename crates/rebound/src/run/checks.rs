//! Runs the checks on what would be published. A check is asked of all at once or, where it says so,
//! of each year or episode by itself, and a part that held is not asked again as long as what it
//! reads has the content that it had.

use super::check_results::CheckResults;
use super::error::{FailedCheck, RunError};
use super::plan::sql_session;
use super::splitter::wrong;
use crate::node::SQL_VERSION;
use crate::telemetry;
use crate::verified::Verified;
use arrow::array::RecordBatch;
use lake::{
    Catalog, CheckOutcome, DataFile, Fingerprint, Fingerprinter, Lake, TableVersion, UnitRecord,
};
use project::pipeline::Pipeline;
use project::sql_file::{CheckParts, PartOf, SqlFile};
use query::{QueryError, Session};
use stages::{Kept, contracts};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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

/// A year or an episode; years in their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum PartName {
    Year(i32),
    Episode(String),
}

impl PartName {
    /// What a file is of, if it says so.
    fn of(each: PartOf, file: &DataFile) -> Option<Self> {
        let unit = file.unit.as_deref()?;
        match each {
            PartOf::Year => unit.parse().ok().map(Self::Year),
            PartOf::Episode => Some(Self::Episode(unit.to_owned())),
        }
    }

    /// Whether it reads what is of `other`, where it reads from the `first` to the `last` year
    /// counted from its own.
    fn reads(&self, other: &Self, (first, last): (i32, i32)) -> bool {
        match (self, other) {
            (Self::Year(own), Self::Year(year)) => {
                (own.saturating_add(first)..=own.saturating_add(last)).contains(year)
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => year.fmt(f),
            Self::Episode(name) => name.fmt(f),
        }
    }
}

/// What a check reads of a table.
struct Read<'c> {
    version: &'c TableVersion,
    /// The years of each part, counted from its own; `None`: each reads all.
    years: Option<(i32, i32)>,
    /// The files that have rows, each with what it is of where parts are told.
    files: Vec<(Option<PartName>, &'c DataFile)>,
}

impl Read<'_> {
    /// What a part reads of it.
    fn of(&self, part: &PartName) -> TableVersion {
        let is_read = |name: Option<&PartName>| match (self.years, name) {
            (Some(years), Some(name)) => part.reads(name, years),
            _ => true,
        };
        let files = self.files.iter().filter(|(name, _)| is_read(name.as_ref()));
        let files = files.map(|(_, file)| (*file).clone()).collect();
        let version = self.version;
        TableVersion {
            table: version.table.clone(),
            stage: version.stage.clone(),
            fingerprint: version.fingerprint.clone(),
            files,
            key: version.key.clone(),
            about: version.about.clone(),
            columns: version.columns.clone(),
            metadata: version.metadata.clone(),
            made_at: version.made_at.clone(),
        }
    }
}

/// A year or an episode of the tables that a check reads.
struct Part {
    name: PartName,
    reads: Vec<TableVersion>,
    /// A hash of the check and of the content of what it reads.
    fingerprint: Fingerprint,
}

/// A hash of a check and of the content of what it reads: what a table is made from says nothing of
/// its rows.
fn fingerprint<'t>(
    file: &SqlFile,
    part: Option<&PartName>,
    reads: impl IntoIterator<Item = &'t TableVersion>,
) -> Fingerprint {
    let mut maker = Fingerprinter::default();
    maker.add("code", SQL_VERSION.to_string().as_bytes());
    maker.add("sql", file.meaning().as_bytes());
    if let Some(part) = part {
        maker.add("check", file.name.as_bytes());
        maker.add("part", part.to_string().as_bytes());
    }
    for version in reads {
        maker.add("table", version.table.as_bytes());
        for file in &version.files {
            maker.add("part", file.hash.as_str().as_bytes());
        }
    }
    maker.finish()
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
            let made_from = fingerprint(file, None, versions.iter().copied());
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
        let parts = self.parts(file, &said, versions)?;
        let known = self.known(&parts)?;
        let missing: Vec<&Part> =
            parts.iter().zip(&known).filter(|(_, known)| !**known).map(|(part, _)| part).collect();
        tracing::debug!(check = file.name, parts = parts.len(), asked = missing.len(), "parts");
        let Some(last) = parts.last() else { return self.of_all(file, versions, session) };
        let of_parts = sql_session(self.lake, self.pipeline, 1)?;
        if missing.len() < parts.len() || parts.len() == 1 {
            let (rows, held) = self.of_each(file, &missing, &of_parts)?;
            held.into_iter().try_for_each(|part| self.keep(file, part))?;
            return Ok(rows);
        }
        // Where nothing is known, one question costs less than many.
        let n_found = n_rows(&self.of_all(file, versions, session)?);
        let (alone, held, which) = if n_found > 0 {
            let (rows, held) = self.of_each(file, &missing, &of_parts)?;
            (rows, held, format!("each {}", said.each.name()))
        } else {
            (self.ask(file, last, &of_parts)?, parts.iter().collect(), last.name.to_string())
        };
        if n_rows(&alone) != n_found {
            let (n_alone, each) = (n_rows(&alone), said.each.name());
            let why = format!(
                "it finds {n_found} rows in all at once, and {n_alone} in {which} alone: it is no claim \
                 on each {each} by itself; take `each` out, or say in `reads` what each {each} needs"
            );
            return Err(wrong(file, why));
        }
        // Only now it is known to be a claim on each of them.
        held.into_iter().try_for_each(|part| self.keep(file, part))?;
        Ok(alone)
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

    /// The parts of the tables that a check reads, in order; none where a table is not made by part,
    /// so that it is asked as a whole.
    fn parts(
        &self,
        file: &SqlFile,
        said: &CheckParts,
        versions: &[&TableVersion],
    ) -> Result<Vec<Part>, RunError> {
        let mut reads = Vec::new();
        let mut names = BTreeSet::new();
        for &version in versions {
            let years = said.years(&version.table);
            let with_rows = version.files.iter().filter(|file| file.rows > 0);
            // Files of other units, such as regions' measures by table and period, have labels too.
            let is_by_part = version.key.first().is_some_and(|key| key == said.each.name());
            let name = |of| PartName::of(said.each, of).filter(|_| is_by_part);
            let files: Vec<(Option<PartName>, &DataFile)> =
                with_rows.map(|of| (name(of), of)).collect();
            if years.is_some() {
                if files.iter().any(|(name, _)| name.is_none()) {
                    if said.reads.is_empty() {
                        return Ok(Vec::new());
                    }
                    let (table, each) = (&version.table, said.each.name());
                    let why =
                        format!("`{table}` is not made by {each}: say `reads: {table}` alone");
                    return Err(wrong(file, why));
                }
                names.extend(files.iter().filter_map(|(name, _)| name.clone()));
            }
            reads.push(Read { version, years, files });
        }
        let part = |name: PartName| {
            let reads: Vec<TableVersion> = reads.iter().map(|read| read.of(&name)).collect();
            let fingerprint = fingerprint(file, Some(&name), &reads);
            Part { name, reads, fingerprint }
        };
        Ok(names.into_iter().map(part).collect())
    }

    /// Whether each part is known to hold.
    fn known(&self, parts: &[Part]) -> Result<Vec<bool>, RunError> {
        if self.kept == Kept::Ignored {
            return Ok(vec![false; parts.len()]);
        }
        let names = parts.iter().map(|part| part.fingerprint.clone()).collect();
        let found = self.runtime.block_on(self.lake.units_of(names))?;
        Ok(found.iter().map(Option::is_some).collect())
    }

    /// The rows that a check finds in each of some parts, and the parts that hold.
    fn of_each<'p>(
        &self,
        file: &SqlFile,
        parts: &[&'p Part],
        session: &Session,
    ) -> Result<(Vec<RecordBatch>, Vec<&'p Part>), RunError> {
        let (mut rows, mut held) = (Vec::new(), Vec::new());
        for part in parts {
            let found = self.ask(file, part, session)?;
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
        part: &Part,
        session: &Session,
    ) -> Result<Vec<RecordBatch>, RunError> {
        for version in &part.reads {
            self.verified.read(version)?;
        }
        for version in &part.reads {
            session.register(version)?;
        }
        let asked = self.runtime.block_on(cancel::until(session.run(&file.text)));
        for version in &part.reads {
            session.forget(&version.table)?;
        }
        Ok(asked.map_err(|source| broken(file, source))?.1)
    }

    /// Keeps that a part holds, if what it reads was not touched meanwhile.
    fn keep(&self, file: &SqlFile, part: &Part) -> Result<(), RunError> {
        for version in &part.reads {
            self.verified.is_untouched(version)?;
        }
        let read = part.reads.iter().flat_map(|version| &version.files);
        let record = UnitRecord {
            fingerprint: part.fingerprint.clone(),
            node: format!("check {}", file.name),
            unit: part.name.to_string(),
            files: Vec::new(),
            of: read.map(|file| file.path.clone()).collect(),
            made: "true".to_owned(),
        };
        Ok(self.runtime.block_on(self.lake.keep_unit(&record))?)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use lake::ContentHash;

    fn data_file(unit: Option<&str>, rows: u64) -> DataFile {
        let path = format!("tables/t.x/{}.parquet", unit.unwrap_or("all"));
        let hash = ContentHash::of_reader(path.as_bytes()).expect("bytes");
        DataFile { path, rows, bytes: 1, hash, unit: unit.map(str::to_owned), part: None }
    }

    fn version(units: &[&str]) -> TableVersion {
        TableVersion {
            table: "t.x".to_owned(),
            stage: "x".to_owned(),
            fingerprint: Fingerprint::of(b"x"),
            files: units.iter().map(|unit| data_file(Some(unit), 1)).collect(),
            key: Vec::new(),
            about: String::new(),
            columns: Vec::new(),
            metadata: BTreeMap::new(),
            made_at: "now".to_owned(),
        }
    }

    fn paths(version: &TableVersion) -> Vec<&str> {
        version.files.iter().filter_map(|file| file.unit.as_deref()).collect()
    }

    #[test]
    fn a_part_reads_the_years_that_are_said() {
        let version = version(&["2007", "2008", "2009", "2010"]);
        let files: Vec<_> =
            version.files.iter().map(|file| (PartName::of(PartOf::Year, file), file)).collect();
        let of = |years| {
            let read = Read { version: &version, years, files: files.clone() };
            let part = read.of(&PartName::Year(2009));
            paths(&part).join(" ")
        };
        assert_eq!(of(Some((0, 0))), "2009");
        assert_eq!(of(Some((-1, 0))), "2008 2009");
        assert_eq!(of(Some((1, 1))), "2010");
        assert_eq!(of(None), "2007 2008 2009 2010");
    }

    #[test]
    fn parts_come_in_the_order_of_years_and_names() {
        let of = |each: PartOf, units: &[&str]| {
            let version = version(units);
            let names = version.files.iter().filter_map(|file| PartName::of(each, file));
            let names: BTreeSet<PartName> = names.collect();
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(PartOf::Year, &["10000", "2008", "-5", "raw/a.csv"]), "-5 2008 10000");
        assert_eq!(of(PartOf::Episode, &["b", "a", "b"]), "a b");
        assert_eq!(PartName::of(PartOf::Episode, &data_file(None, 1)), None);
    }

    #[test]
    fn a_part_is_known_by_its_check_and_content() {
        let file = |name: &str, text: &str| SqlFile {
            path: "c.sql".into(),
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let (a, year) = (file("a", "select 1"), PartName::Year(2008));
        let of = |file: &SqlFile, part: Option<&PartName>, units: &[&str]| {
            fingerprint(file, part, &[version(units)])
        };
        let known = of(&a, Some(&year), &["2008"]);
        assert_eq!(known, of(&file("a", "select 1 -- the same"), Some(&year), &["2008"]));
        assert_ne!(known, of(&a, Some(&PartName::Year(2009)), &["2008"]));
        assert_ne!(known, of(&a, Some(&year), &["2009"]));
        assert_ne!(known, of(&a, None, &["2008"]));
        assert_ne!(known, of(&file("b", "select 1"), Some(&year), &["2008"]));
        assert_ne!(known, of(&file("a", "select 2"), Some(&year), &["2008"]));
    }
}
