//! What a night came to, for people in a line and for programs as JSON.

use super::hooks::Told;
use super::prune::Pruned;
use crate::run::{FailedCheck, RunError};
use indicatif::{BinaryBytes, HumanCount};
use lake::RunRecord;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a night came to.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The pipeline's name.
    pub pipeline: String,
    /// Its file.
    pub file: String,
    /// The lake.
    pub lake: String,
    /// The run, if one began.
    pub run: Option<String>,
    /// How it ended: `published`, `unchanged`, `held`, `check_failed`, `failed` or `unknown`.
    pub status: String,
    /// The exit code.
    pub exit_code: u8,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    pub ended: String,
    /// How long it took, with what was waited.
    pub seconds: f64,
    /// How often it was tried.
    pub attempts: u32,
    /// What was done with each stage in the last run.
    pub stages: Vec<StageSummary>,
    /// The tables that this run made or used, each with its rows.
    pub tables: BTreeMap<String, u64>,
    /// Rows of all tables.
    pub rows: u64,
    /// What checks came to.
    pub checks: Checks,
    /// What failed, and why.
    pub failed: Option<Failed>,
    /// What was removed, where something was to be.
    pub pruned: Option<Pruned>,
    /// What went wrong beside the run.
    pub warnings: Vec<String>,
    /// Who was told; empty in what they are told.
    pub hooks: Vec<Told>,
}

/// What was done with a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageSummary {
    /// Its name.
    pub name: String,
    /// `built`, `reused`, `failed`, or `left` where it follows from one that failed.
    pub action: String,
    /// How long it took.
    pub seconds: f64,
    /// Rows of its tables.
    pub rows: u64,
    /// Why it was made, or why not.
    pub why: String,
}

/// What checks came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Those that ran and held; none where the run did not come so far.
    pub held: Option<usize>,
    /// Those that found rows.
    pub failed: Vec<FailedRows>,
}

/// A check that found rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRows {
    /// The check.
    pub check: String,
    /// Rows that it found.
    pub rows: usize,
    /// The first of them, as a table.
    pub first_rows: String,
}

impl From<&FailedCheck> for FailedRows {
    fn from(found: &FailedCheck) -> Self {
        let name = found.path.file_stem().unwrap_or_default();
        Self {
            check: name.to_string_lossy().into_owned(),
            rows: found.n_rows,
            first_rows: found.first_rows.clone(),
        }
    }
}

/// What failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// What is said of it.
    pub error: String,
    /// What it comes from, one after the other.
    pub because: Vec<String>,
}

/// How a night ended.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// Its file.
    pub file: String,
    /// The lake.
    pub lake: String,
    /// The record of the last run, if one began.
    pub record: Option<&'a RunRecord>,
    /// When the night began.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// How long it took.
    pub elapsed: Duration,
    /// How often it was tried.
    pub attempts: u32,
    /// Checks that held.
    pub held: Option<usize>,
    /// The exit code.
    pub exit_code: u8,
    /// What is said of an error and its causes; empty if there is none.
    pub causes: Vec<String>,
    /// The same, where it is the run's.
    pub error: Option<&'a RunError>,
    /// What was removed.
    pub pruned: Option<Pruned>,
    /// What went wrong beside the run.
    pub warnings: Vec<String>,
}

impl Summary {
    /// What a night came to that ended so.
    pub fn of(ended: Ended<'_>) -> Self {
        let status = ended.record.map_or("failed", |record| record.status.name());
        let stages = ended.record.map_or(&[][..], |record| record.stages.as_slice()).iter();
        let stages = stages.map(|stage| StageSummary {
            name: stage.stage.clone(),
            action: stage.action.clone(),
            seconds: Duration::from_millis(stage.millis).as_secs_f64(),
            rows: stage.rows,
            why: stage.why.clone(),
        });
        let tables = ended.record.into_iter().flat_map(|record| record.tables.values());
        let tables: BTreeMap<String, u64> =
            tables.map(|version| (version.table.clone(), version.rows())).collect();
        let failed = match ended.error {
            Some(RunError::Checks(failed)) => failed.iter().map(Into::into).collect(),
            _ => Vec::new(),
        };
        let mut causes = ended.causes.into_iter();
        let millis = u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX);
        Self {
            pipeline: ended.pipeline.to_owned(),
            file: ended.file,
            lake: ended.lake,
            run: ended.record.map(|record| record.run.clone()),
            status: status.to_owned(),
            exit_code: ended.exit_code,
            started: ended.started,
            ended: ended.ended,
            seconds: Duration::from_millis(millis).as_secs_f64(),
            attempts: ended.attempts,
            stages: stages.collect(),
            rows: tables.values().sum(),
            tables,
            checks: Checks { held: ended.held, failed },
            failed: causes.next().map(|error| Failed { error, because: causes.collect() }),
            pruned: ended.pruned,
            warnings: ended.warnings,
            hooks: Vec::new(),
        }
    }

    /// The same in a line.
    pub fn line(&self) -> String {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let Self { pipeline, status, seconds, attempts, .. } = self;
        let tries = format!("{attempts} attempt{}", if *attempts == 1 { "" } else { "s" });
        let mut line = format!("{pipeline}: {status}, {seconds:.2} s, {tries}");
        match &self.failed {
            Some(failed) => {
                let said = [&failed.error].into_iter().chain(&failed.because);
                let first: Vec<&str> = said.filter_map(|text| text.lines().next()).collect();
                line = format!("{line}: {}", first.join(": "));
            }
            None => {
                let (tables, rows) = (self.tables.len(), HumanCount(self.rows));
                line = format!("{line}, {tables} table{} with {rows} rows", s(tables));
            }
        }
        if let Some(held) = self.checks.held {
            line = format!("{line}, {held} check{} held", s(held));
        }
        if let Some(Pruned { runs, versions, bytes }) = self.pruned {
            let freed = BinaryBytes(bytes);
            line = format!(
                "{line}, removed {runs} run{} and {versions} version{} ({freed})",
                s(runs),
                s(versions)
            );
        }
        match self.warnings.len() {
            0 => line,
            n => format!("{line}, {n} warning{}", s(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(record: Option<&RunRecord>) -> Ended<'_> {
        Ended {
            pipeline: "p",
            file: "pipelines/p.yaml".to_owned(),
            lake: "lake".to_owned(),
            record,
            started: "2026-03-01T02:00:00.000Z".to_owned(),
            ended: "2026-03-01T02:00:01.500Z".to_owned(),
            elapsed: Duration::from_micros(1_500_999),
            attempts: 2,
            held: None,
            exit_code: 0,
            causes: Vec::new(),
            error: None,
            pruned: None,
            warnings: Vec::new(),
        }
    }

    fn record() -> RunRecord {
        let file =
            serde_json::json!({"path": "t/a.parquet", "rows": 1200, "bytes": 9, "hash": "0"});
        let value = serde_json::json!({
            "run": "r1", "pipeline": "p", "command": "c", "started_at": "s", "ended_at": null,
            "status": "published", "error": null, "parts": {},
            "stages": [{"stage": "ingest", "action": "built", "why": "new", "millis": 250, "rows": 1200}],
            "tables": {"a.b": {
                "table": "a.b", "fingerprint": "f", "stage": "ingest", "files": [file], "key": [], "about": "",
                "columns": [], "made_at": "s",
            }},
        });
        serde_json::from_value(value).expect("a record")
    }

    #[test]
    fn what_went_well_is_summed_up() {
        let record = record();
        let pruned = Some(Pruned { runs: 1, versions: 3, bytes: 2_048 });
        let mut ended = ended(Some(&record));
        (ended.held, ended.pruned) = (Some(20), pruned);
        let summary = Summary::of(ended);
        assert_eq!(
            summary.line(),
            "p: published, 1.50 s, 2 attempts, 1 table with 1,200 rows, 20 checks held, removed 1 run and 3 versions \
             (2.00 KiB)"
        );
        let json = serde_json::to_value(&summary).expect("JSON");
        assert_eq!(json["run"], "r1");
        assert_eq!(json["seconds"], 1.5);
        assert_eq!(json["stages"][0]["seconds"], 0.25);
        assert_eq!(json["tables"], serde_json::json!({"a.b": 1200}));
        assert_eq!(json["failed"], serde_json::Value::Null);
        assert_eq!(json["pruned"]["bytes"], 2_048);
    }

    #[test]
    fn what_failed_is_told_with_its_reason() {
        let path = "checks/a.b__holds.sql".into();
        let first_rows = "| x |".to_owned();
        let error = RunError::Checks(vec![FailedCheck { path, n_rows: 3, first_rows }]);
        let mut ended = ended(None);
        ended.causes = vec![error.to_string(), "a cause\nof two lines".to_owned()];
        (ended.error, ended.exit_code, ended.attempts) = (Some(&error), 3, 1);
        ended.warnings = vec!["w".to_owned()];
        let summary = Summary::of(ended);
        assert_eq!(
            summary.line(),
            "p: failed, 1.50 s, 1 attempt: 1 data check failed; nothing was published: a cause, 1 warning"
        );
        assert_eq!(summary.run, None);
        let first_rows = "| x |".to_owned();
        let expected = FailedRows { check: "a.b__holds".to_owned(), rows: 3, first_rows };
        assert_eq!(summary.checks.failed, [expected]);
        let failed = summary.failed.expect("failed");
        assert_eq!(failed.because, ["a cause\nof two lines"]);
    }
}
