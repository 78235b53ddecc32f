//! Units of work: a raw file, a year, an episode. What a unit made is kept under a hash of all that
//! it was made from, and used again by any run that needs the same.

use super::error::StageError;
use lake::{DataFile, Fingerprint, Fingerprinter};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A part of a stage's work that needs nothing but what it declares.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Which one of the stage's it is, in messages too.
    pub name: String,
    /// What it depends on beside files, by name.
    said: BTreeMap<&'static str, Vec<u8>>,
    /// The parts of tables that it reads, by table.
    pub(crate) parts: BTreeMap<String, Vec<DataFile>>,
    /// The files from outside that it reads, by label, with hashes of their content.
    pub(crate) outside: BTreeMap<String, Fingerprint>,
}

impl Unit {
    /// A unit of this name that depends on nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            said: BTreeMap::new(),
            parts: BTreeMap::new(),
            outside: BTreeMap::new(),
        }
    }

    /// The same, which depends on `value` too.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if the value cannot be written down.
    pub fn of(mut self, what: &'static str, value: &impl Serialize) -> Result<Self, StageError> {
        self.said.insert(what, serde_json::to_vec(value)?);
        Ok(self)
    }

    /// The same, which reads some files of a table too. Their order counts, their places do not.
    #[must_use]
    pub fn reading(mut self, table: &str, files: impl IntoIterator<Item = DataFile>) -> Self {
        self.parts.entry(table.to_owned()).or_default().extend(files);
        self
    }

    /// The name of what it makes: a hash of all that this is made from. `code` is the stage and the
    /// version of its code.
    pub(crate) fn fingerprint(&self, code: &str) -> Fingerprint {
        let mut maker = Fingerprinter::default();
        maker.add("code", code.as_bytes());
        // Two years may read the same parts.
        maker.add("unit", self.name.as_bytes());
        for (what, value) in &self.said {
            maker.add(what, value);
        }
        for (label, hash) in &self.outside {
            maker.add(&format!("file {label}"), hash.as_str().as_bytes());
        }
        for (table, files) in &self.parts {
            maker.add("table", table.as_bytes());
            for file in files {
                maker.add("part", file.hash.as_str().as_bytes());
            }
        }
        maker.finish()
    }
}

/// How the files of a unit are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitName {
    /// Their folder.
    pub fingerprint: Fingerprint,
    /// What they say that they are.
    pub label: Option<String>,
}

/// What becomes of what earlier runs kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept {
    /// It is used again.
    #[default]
    Used,
    /// It is made again, and replaced by the same.
    Ignored,
}

/// Which units a run may make, and which of them it makes whatever is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The names of the only units that may be made; none where all may.
    pub only: Option<Arc<BTreeSet<String>>>,
    /// What becomes of what earlier runs kept of these units.
    pub kept: Kept,
}

/// Names of units that are told.
const NAMED: usize = 5;

/// The first of some names, and how many more there are.
fn first_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let first = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

impl Choice {
    /// Whether what is kept of the unit of this name is made again.
    pub(crate) fn ignores(&self, name: &str) -> bool {
        let is_chosen = self.only.as_ref().is_none_or(|only| only.contains(name));
        self.kept == Kept::Ignored && is_chosen
    }

    /// Whether all that is kept is made again.
    pub(crate) fn ignores_all(&self) -> bool {
        self.kept == Kept::Ignored && self.only.is_none()
    }

    /// Looks whether the units that are `missing` may be made, and the chosen ones are there.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`] if others are missing, too.
    pub(crate) fn check(&self, missing: &[&str]) -> Result<(), StageError> {
        let Some(only) = &self.only else { return Ok(()) };
        let others: BTreeSet<&str> =
            missing.iter().copied().filter(|name| !only.contains(*name)).collect();
        if others.is_empty() {
            return Ok(());
        }
        let (asked, others) =
            (first_of(only.iter().map(String::as_str)), first_of(others.into_iter()));
        Err(StageError::Data(format!(
            "only {asked} may be made, and what the stage needs beside it is missing, too: {others}; run the stage as a whole"
        )))
    }

    /// Looks whether the chosen units are among `names`, which are those of the stage.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`] if there is no unit of a chosen name.
    pub(crate) fn are_among(&self, names: &BTreeSet<&str>) -> Result<(), StageError> {
        let unknown = self.only.iter().flat_map(|only| &**only);
        match unknown.into_iter().find(|name| !names.contains(name.as_str())) {
            None => Ok(()),
            Some(unknown) => Err(StageError::Data(format!(
                "there is no unit `{unknown}`: those of this stage are {}",
                first_of(names.iter().copied())
            ))),
        }
    }
}

/// How many units were made, and how many of earlier runs were used again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitCounts {
    /// Names of those that were made.
    pub made: Vec<String>,
    /// How many were used again.
    pub n_reused: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &[u8]) -> DataFile {
        let hash = lake::ContentHash::of_reader(content).expect("bytes");
        DataFile::new(path.to_owned(), 1, 1, hash)
    }

    #[test]
    fn chosen_units_alone_are_made() {
        let units: Vec<Unit> = ["2008", "2009", "2010"].into_iter().map(Unit::new).collect();
        let only = |names: &[&str]| Choice {
            only: Some(Arc::new(names.iter().map(|&name| name.to_owned()).collect())),
            kept: Kept::Used,
        };
        let check = |choice: &Choice, missing: &[&str]| match choice.check(missing) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(check(&Choice::default(), &["2008", "2009"]), "");
        assert_eq!(check(&only(&["2009"]), &["2009"]), "");
        assert_eq!(check(&only(&["2009"]), &[]), "");
        let error = check(&only(&["2009"]), &["2010", "2009", "2008"]);
        assert!(error.contains("only 2009 may be made"), "{error}");
        assert!(error.contains(": 2008, 2010; run the stage as a whole"), "{error}");
        let names = units.iter().map(|unit| unit.name.as_str()).collect();
        assert!(only(&["2009"]).are_among(&names).is_ok());
        let error = only(&["2061"]).are_among(&names).expect_err("none").to_string();
        assert!(error.contains("no unit `2061`: those of this stage are 2008, 2009, 2010"));
        let again = Choice { kept: Kept::Ignored, ..only(&["2009"]) };
        assert!(again.ignores("2009") && !again.ignores("2008") && !again.ignores_all());
        let all = Choice { kept: Kept::Ignored, only: None };
        assert!(all.ignores("2008") && all.ignores_all());
        assert!(!Choice::default().ignores("2008"));
    }

    #[test]
    fn a_unit_is_what_it_reads_wherever_that_is() {
        let of = |files: Vec<DataFile>| {
            let unit = Unit::new("2008").of("params", &1).expect("a number");
            unit.reading("trade.x", files).fingerprint("stage 1")
        };
        let (a, b) = (file("x/1", b"a"), file("x/2", b"b"));
        let moved = file("y/7", b"a");
        assert_eq!(of(vec![a.clone(), b.clone()]), of(vec![moved, b.clone()]));
        assert_ne!(of(vec![a.clone(), b.clone()]), of(vec![b.clone(), a.clone()]));
        assert_ne!(of(vec![a.clone(), b]), of(vec![a.clone()]));
        assert_ne!(of(vec![a.clone()]), {
            let other = Unit::new("2009").of("params", &1).expect("a number");
            other.reading("trade.x", [a.clone()]).fingerprint("stage 1")
        });
        let other = Unit::new("2008").of("params", &2).expect("a number");
        assert_ne!(of(vec![a.clone()]), other.reading("trade.x", [a]).fingerprint("stage 1"));
    }
}
