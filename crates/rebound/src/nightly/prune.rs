//! Removing what is older than a pipeline keeps.

use crate::clock;
use chrono::{DateTime, Utc};
use lake::{FileRecord, Lake, LakeError, RunRecord};
use project::nightly::Keep;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Records of runs.
    pub runs: usize,
    /// Versions of tables.
    pub versions: usize,
    /// Bytes of both versions and what killed programs left.
    pub bytes: u64,
}

/// Longer than any run takes.
const SPARED: Duration = Duration::from_hours(24);

/// From when on files stay in a collection of garbage whatever is said. A run in progress has
/// versions that nothing names yet. In a folder the lock says that there is none; on an object store
/// what is young may be of one.
pub fn young_from(lake: &Lake) -> Option<SystemTime> {
    lake.folder().is_none().then(|| clock::ago(SPARED))
}

/// How many of the newest runs are kept at `now`, of runs that began at `started`, oldest first.
///
/// A run is kept if it is among the newest `keep.runs`, or began within `keep.days`. Runs are in the
/// order of their numbers, which no clock disturbs: all are kept from the first one that is young. A
/// time that nobody can read is young, and so is one in the future.
pub fn n_kept(started: &[&str], keep: Keep, now: DateTime<Utc>) -> usize {
    let by_number = keep.runs.unwrap_or_default().min(started.len());
    let is_young = |days: u32, time: &str| match DateTime::parse_from_rfc3339(time) {
        Ok(time) => now.signed_duration_since(time) <= chrono::Duration::days(days.into()),
        Err(_) => true,
    };
    let first_young =
        keep.days.and_then(|days| started.iter().position(|&time| is_young(days, time)));
    let by_age = first_young.map_or(0, |first| started.len() - first);
    by_number.max(by_age)
}

/// What removed records say of raw files and no later record that stays does, so that these files
/// need not be read again: it moves to a record that stays.
fn files_left(
    records: &[RunRecord],
    removed: &BTreeSet<&str>,
    heir: usize,
) -> BTreeMap<String, FileRecord> {
    let mut known: BTreeMap<&String, (&FileRecord, bool)> = BTreeMap::new();
    for record in &records[..=heir] {
        let goes = removed.contains(record.run.as_str());
        known.extend(record.files.iter().map(|(label, file)| (label, (file, goes))));
    }
    let of_removed = known.into_iter().filter(|(_, (_, goes))| *goes);
    of_removed.map(|(label, (file, _))| (label.clone(), file.clone())).collect()
}

/// Removes what runs beyond `keep` made and no kept run needs, and the records of these runs but for
/// that of the published one. `own` is a run of this process that has ended. In a folder the
/// writers' lock must be held.
///
/// # Errors
///
/// [`LakeError`]; what is published stays whatever happens.
pub fn prune(
    runtime: &Runtime,
    lake: &Lake,
    keep: Keep,
    own: &str,
    now: DateTime<Utc>,
) -> Result<Pruned, LakeError> {
    let records = runtime.block_on(lake.runs())?.records;
    let started: Vec<&str> = records.iter().map(|run| run.started_at.as_str()).collect();
    let kept = n_kept(&started, keep, now);
    let garbage = runtime.block_on(lake.collect_garbage(kept, young_from(lake)))?;
    let published = runtime.block_on(lake.catalog())?.map(|catalog| catalog.run);
    let old = records[..records.len() - kept].iter().map(|record| record.run.as_str());
    let removed: BTreeSet<&str> =
        old.filter(|run| published.as_deref() != Some(*run) && *run != own).collect();
    let pruned =
        Pruned { runs: removed.len(), versions: garbage.versions.len(), bytes: garbage.bytes };
    let Some(heir) = records.iter().position(|record| record.run == own) else {
        // Without one that may be written, what they say would be lost.
        return Ok(Pruned { runs: 0, ..pruned });
    };
    let left = files_left(&records, &removed, heir);
    if !left.is_empty() {
        let mut record = records[heir].clone();
        record.files.extend(left);
        runtime.block_on(lake.put_run(&record))?;
    }
    for run in removed {
        runtime.block_on(lake.remove_run(run))?;
    }
    Ok(pruned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time `days` ago, and a bit.
    fn ago(now: DateTime<Utc>, days: i64) -> String {
        (now - chrono::Duration::days(days) + chrono::Duration::seconds(5)).to_rfc3339()
    }

    #[test]
    fn a_run_is_kept_if_either_says_so() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T02:00:00Z").expect("a time").to_utc();
        let times: Vec<String> = [90, 61, 60, 10, 1, 0].map(|days| ago(now, days)).to_vec();
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let of = |runs, days| n_kept(&times, Keep { runs, days }, now);
        assert_eq!(of(Some(2), None), 2);
        assert_eq!(of(Some(14), None), 6, "there are no more");
        assert_eq!(of(None, Some(60)), 4);
        assert_eq!(of(None, Some(1)), 2);
        assert_eq!(of(Some(5), Some(60)), 5);
        assert_eq!(of(Some(1), Some(60)), 4);
        assert_eq!(of(None, None), 0);
        assert_eq!(n_kept(&[], Keep { runs: Some(3), days: Some(3) }, now), 0);
    }

    #[test]
    fn a_clock_that_was_wrong_removes_nothing_that_is_young() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T02:00:00Z").expect("a time").to_utc();
        let (old, young) = (ago(now, 90), ago(now, 1));
        let of = |times: &[&str]| n_kept(times, Keep { runs: Some(1), days: Some(7) }, now);
        assert_eq!(of(&[&old, &young, &old, &old]), 3, "numbers order, not times");
        assert_eq!(of(&[&old, "2099-01-01T00:00:00Z", &old]), 2);
        assert_eq!(of(&[&old, "some day", &old]), 2);
        assert_eq!(of(&[&old, &old, &old]), 1);
    }

    fn record(run: &str, files: &[(&str, &str)]) -> RunRecord {
        let files: BTreeMap<&str, serde_json::Value> = files
            .iter()
            .map(|(label, state)| (*label, serde_json::json!({"hash": "0", "state": state})))
            .collect();
        let value = serde_json::json!({
            "run": run, "pipeline": "p", "command": "c", "started_at": "s", "ended_at": null,
            "status": "published", "error": null, "stages": [], "parts": {}, "tables": {},
            "files": files,
        });
        serde_json::from_value(value).expect("a record")
    }

    #[test]
    fn what_is_known_of_raw_files_outlives_the_record_that_says_it() {
        let records = [
            record("1", &[("a", "old"), ("b", "b1"), ("c", "c1")]),
            record("2", &[("a", "new")]),
            record("3", &[("c", "c3")]),
            record("4", &[]),
        ];
        let removed = ["1", "2"].into_iter().collect();
        let left = files_left(&records, &removed, 3);
        let left: Vec<(&str, &str)> =
            left.iter().map(|(label, file)| (label.as_str(), file.state.as_str())).collect();
        assert_eq!(left, [("a", "new"), ("b", "b1")]);
    }
}
