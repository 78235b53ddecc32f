//! What is other in what the tables of two runs were made from.

use super::found::{Cause, CauseKind};
use crate::graph;
use crate::node::Parts;
use lake::{KeptRun, RunRecord, Runs};
use std::collections::{BTreeMap, BTreeSet};

/// What each stage was made from.
type OfStages<'r> = BTreeMap<&'r str, &'r Parts>;

/// What each stage of a run was made from, as far as is recorded. A stage that the run itself did not
/// look at was made by an earlier one.
fn parts_of<'r>(run: &'r KeptRun, runs: &'r Runs) -> OfStages<'r> {
    let mut found: OfStages<'r> = BTreeMap::new();
    if let Some(record) = &run.record {
        found.extend(record.parts.iter().map(|(stage, parts)| (stage.as_str(), parts)));
    }
    for version in run.catalog.tables.values() {
        // A user's table is a stage by itself.
        let names = [version.stage.as_str(), version.table.as_str()];
        if names.iter().any(|name| found.contains_key(name)) {
            continue;
        }
        let made = |record: &&RunRecord| {
            let known = record.tables.get(&version.table);
            known.is_some_and(|known| known.fingerprint == version.fingerprint)
        };
        let of = |record: &'r RunRecord| {
            let of = |name: &&'r str| Some((*name, record.parts.get(*name)?));
            names.iter().find_map(of)
        };
        found.extend(runs.records.iter().rev().filter(made).find_map(of));
    }
    found
}

/// Whether a run has a table of this stage.
fn has_table_of(run: &KeptRun, stage: &str) -> bool {
    let mut tables = run.catalog.tables.values();
    tables.any(|version| version.stage == stage || version.table == stage)
}

/// What is other, and the stages of which that is not known.
pub(super) fn causes(old: &KeptRun, new: &KeptRun, runs: &Runs) -> (Vec<Cause>, Vec<String>) {
    let (before, after) = (parts_of(old, runs), parts_of(new, runs));
    let mut found: BTreeMap<(CauseKind, String), Vec<String>> = BTreeMap::new();
    let mut unknown = Vec::new();
    let stages: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for stage in stages {
        let change = match (before.get(stage), after.get(stage)) {
            (Some(before), Some(after)) => {
                for cause in differences(before, after) {
                    found.entry(cause).or_default().push(stage.to_owned());
                }
                continue;
            }
            (None, _) if has_table_of(old, stage) => None,
            (_, None) if has_table_of(new, stage) => None,
            (None, _) => Some("stage added"),
            (_, None) => Some("stage gone"),
        };
        match change {
            Some(change) => {
                let cause = (CauseKind::Stage, change.to_owned());
                found.entry(cause).or_default().push(stage.to_owned());
            }
            None => unknown.push(stage.to_owned()),
        }
    }
    let of = |((kind, change), stages)| Cause { kind, change, stages };
    (found.into_iter().map(of).collect(), unknown)
}

/// What is other in the parts of a stage, beside the tables that it reads: they have causes of their
/// own.
fn differences(before: &Parts, after: &Parts) -> Vec<(CauseKind, String)> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        let kind = match name.split(' ').next().unwrap_or_default() {
            _ if old == new => continue,
            "table" => continue,
            "file" => CauseKind::File,
            "sql" => CauseKind::Sql,
            "code" => CauseKind::Code,
            _ => CauseKind::Config,
        };
        let alone = |part: Option<&String>| -> Parts {
            part.map(|part| (name.clone(), part.clone())).into_iter().collect()
        };
        let change = match (kind, old, new) {
            (CauseKind::Code, Some(old), Some(new)) => format!("code version {old} -> {new}"),
            _ => graph::difference(&alone(old), &alone(new)),
        };
        found.push((kind, change));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_other_is_told_but_the_tables_that_follow_from_it() {
        let parts = |parts: &[(&str, &str)]| -> Parts {
            parts.iter().map(|&(name, part)| (name.to_owned(), part.to_owned())).collect()
        };
        let before = parts(&[
            ("code", "7"),
            ("config space", r#"{"a":1,"b":2}"#),
            ("file a.csv", "1 as x"),
            ("file b.csv", "1 as x"),
            ("file c.csv", "1 as x"),
            ("file d.csv", "1 as x"),
            ("table t.a", "1"),
        ]);
        let after = parts(&[
            ("code", "8"),
            ("config space", r#"{"a":1,"b":3}"#),
            ("file a.csv", "2 as x"),
            ("file b.csv", "2 as x"),
            ("file d.csv", "1 as y"),
            ("file e.csv", "1 as x"),
            ("table t.a", "2"),
        ]);
        let found: Vec<String> =
            differences(&before, &after).into_iter().map(|(_, change)| change).collect();
        assert_eq!(
            found,
            [
                "code version 7 -> 8",
                "config changed: space.b 2 -> 3",
                "file changed: a.csv",
                "file changed: b.csv",
                "file gone: c.csv",
                "file read by another layout: d.csv",
                "file added: e.csv",
            ]
        );
        assert!(differences(&after, &after).is_empty());
    }
}
