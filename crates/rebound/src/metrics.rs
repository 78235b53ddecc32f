//! What is measured of a run, and the file of it that Prometheus reads: its text exposition format,
//! as the textfile collector of its node exporter takes it.
//!
//! Every series names the pipeline, so that one collector can read the files of several.

use crate::clock;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lake::{CheckOutcome, Lake, LakeError, RunRecord, RunStatus, Severity};
use report::new_file::NewFile;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How a run may have ended, whoever looks at it.
const STATUSES: [RunStatus; 6] = [
    RunStatus::Published,
    RunStatus::Unchanged,
    RunStatus::Held,
    RunStatus::CheckFailed,
    RunStatus::Failed,
    RunStatus::Unknown,
];

/// A run that ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'r> {
    /// The pipeline.
    pub pipeline: &'r str,
    /// What it did; `None` if it stopped before it began to do something.
    pub record: Option<&'r RunRecord>,
    /// How long it took.
    pub elapsed: Duration,
    /// Its lake, if that can be asked.
    pub lake: Option<&'r Lake>,
}

/// What a record does not say of a run.
#[derive(Debug, Default)]
struct Found {
    /// When the last run ended that did what it should, RFC 3339.
    last_success: Option<String>,
    /// Entries that were rejected in all raw files.
    n_rejected: Option<u64>,
}

/// What the numbers of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A count that each run begins anew.
    Counter,
    /// A number as it was when the run ended.
    Gauge,
    /// The same of milliseconds, which are told in seconds.
    Seconds,
}

impl Kind {
    /// The type as the format has it.
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Seconds => "gauge",
        }
    }

    /// A number as it is told.
    fn told(self, number: u64) -> String {
        match self {
            Self::Counter | Self::Gauge => number.to_string(),
            Self::Seconds => format!("{}.{:03}", number / 1000, number % 1000),
        }
    }
}

/// A label and its text.
pub type Label = (&'static str, String);

/// A metric of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What its numbers are.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
    /// Labels beside the pipeline, and a number. Labels that are there twice have the last.
    pub series: Vec<(Vec<Label>, u64)>,
}

/// What is measured of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The pipeline.
    pub pipeline: String,
    /// The metrics, without those that the run does not have.
    pub metrics: Vec<Metric>,
}

/// A metric: its name, kind and meaning.
type Described = (&'static str, Kind, &'static str);

const STATUS: Described =
    ("rebound_run_status", Kind::Gauge, "1 for how the last run ended, 0 for how it did not.");
const SECONDS: Described = (
    "rebound_run_seconds",
    Kind::Seconds,
    "Seconds that the last run took, waiting for the lake included.",
);
const ENDED: Described =
    ("rebound_run_ended_timestamp_seconds", Kind::Seconds, "When the last run ended.");
const SUCCESS: Described = (
    "rebound_last_success_timestamp_seconds",
    Kind::Seconds,
    "When the last run ended that published, or found everything up to date.",
);
const STAGE_SECONDS: Described = (
    "rebound_stage_seconds",
    Kind::Seconds,
    "Seconds that a stage of the last run took, and whether it was built or reused.",
);
const STAGE_ROWS: Described = ("rebound_stage_rows", Kind::Gauge, "Rows of the tables of a stage.");
const TABLE_ROWS: Described =
    ("rebound_table_rows", Kind::Gauge, "Rows of a table that the last run made or used.");
const TABLE_BYTES: Described = ("rebound_table_bytes", Kind::Gauge, "Bytes of its files.");
const REJECTED: Described = (
    "rebound_entries_rejected_total",
    Kind::Counter,
    "Entries rejected in all raw files of the last run, counted anew by each run.",
);
const CHECKS: Described = (
    "rebound_checks",
    Kind::Gauge,
    "Checks of the last run, by severity and by what came of them.",
);

/// The metrics of a run.
pub fn of(runtime: &Runtime, ended: &Ended<'_>) -> Measured {
    measured(ended, &found(runtime, ended))
}

/// Writes metrics to the file at `path`, whole or not at all.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(path: &Path, measured: &Measured) -> std::io::Result<()> {
    NewFile::write(path, measured.text().as_bytes())
}

/// Whether a run did what it should.
fn is_success(status: RunStatus) -> bool {
    matches!(status, RunStatus::Published | RunStatus::Unchanged)
}

/// What the lake says beside the record. What it does not say is left out.
fn found(runtime: &Runtime, ended: &Ended<'_>) -> Found {
    let mut found = Found::default();
    let told = |error: LakeError| tracing::warn!("{error}: the metrics are without what it says");
    match ended.record {
        Some(record) if is_success(record.status) => {
            found.last_success.clone_from(&record.ended_at)
        }
        _ => {
            if let Some(lake) = ended.lake {
                match runtime.block_on(lake.runs()) {
                    Ok(runs) => found.last_success = last_success(&runs.records),
                    Err(error) => told(error),
                }
            }
        }
    }
    let table = ended.record.and_then(|record| record.tables.get("customs.reconciliation"));
    if let (Some(lake), Some(version)) = (ended.lake, table) {
        match runtime.block_on(lake.read(version, &["n_rejected"])) {
            Ok(batches) => {
                let counts = batches.iter().flat_map(|batch| {
                    batch.column(0).as_primitive::<Int64Type>().values().iter().copied()
                });
                // A sum below zero would be of no count.
                found.n_rejected = u64::try_from(counts.sum::<i64>()).ok();
            }
            Err(error) => told(error),
        }
    }
    found
}

/// When the last of some runs ended that did what it should.
fn last_success(runs: &[RunRecord]) -> Option<String> {
    let mut good = runs.iter().rev().filter(|run| is_success(run.status));
    good.find_map(|run| run.ended_at.clone())
}

impl Measured {
    /// Adds a metric, if there are series of it.
    fn add(
        &mut self,
        (name, kind, help): Described,
        series: impl IntoIterator<Item = (Vec<Label>, u64)>,
    ) {
        let series: Vec<_> = series.into_iter().collect();
        if !series.is_empty() {
            self.metrics.push(Metric { name, kind, help, series });
        }
    }

    /// The text of a metrics file.
    fn text(&self) -> String {
        let mut text = String::new();
        for Metric { name, kind, help, series } in &self.metrics {
            let mut lines = BTreeMap::new();
            for (labels, number) in series {
                let mut said = format!("pipeline=\"{}\"", escaped(&self.pipeline));
                for (label, text) in labels {
                    // Writing to a string cannot fail.
                    let _ = write!(said, ",{label}=\"{}\"", escaped(text));
                }
                lines.insert(said, kind.told(*number));
            }
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
            for (labels, number) in lines {
                let _ = writeln!(text, "{name}{{{labels}}} {number}");
            }
        }
        text
    }
}

/// The text of a label as the format has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The metrics of a run, of which `found` says what its record does not.
fn measured(ended: &Ended<'_>, found: &Found) -> Measured {
    let mut measured = Measured { pipeline: ended.pipeline.to_owned(), metrics: Vec::new() };
    let one = |number: u64| [(Vec::<Label>::new(), number)];
    let status = ended.record.map_or(RunStatus::Failed, |record| record.status);
    measured.add(
        STATUS,
        STATUSES
            .map(|other| (vec![("status", other.name().to_owned())], u64::from(other == status))),
    );
    let elapsed = u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX);
    measured.add(SECONDS, one(elapsed));
    let at = ended.record.and_then(|record| record.ended_at.clone()).unwrap_or_else(clock::now);
    measured.add(ENDED, clock::millis_since_epoch(&at).into_iter().flat_map(one));
    let success = found.last_success.as_deref().and_then(clock::millis_since_epoch);
    measured.add(SUCCESS, success.into_iter().flat_map(one));
    let Some(record) = ended.record else { return measured };
    let stage = |name: &str| ("stage", name.to_owned());
    measured.add(
        STAGE_SECONDS,
        record
            .stages
            .iter()
            .map(|done| (vec![stage(&done.stage), ("action", done.action.clone())], done.millis)),
    );
    let rows = record.stages.iter().map(|done| (vec![stage(&done.stage)], done.rows));
    measured.add(STAGE_ROWS, rows);
    let table = |name: &str| vec![("table", name.to_owned())];
    let tables = &record.tables;
    measured.add(TABLE_ROWS, tables.iter().map(|(name, t)| (table(name), t.rows())));
    measured.add(TABLE_BYTES, tables.iter().map(|(name, t)| (table(name), t.bytes())));
    measured.add(REJECTED, found.n_rejected.into_iter().flat_map(one));
    let checks = Severity::ALL.into_iter().flat_map(|severity| {
        CheckOutcome::ALL.into_iter().map(move |outcome| {
            let is_such =
                |check: &&lake::CheckRecord| (check.severity, check.outcome) == (severity, outcome);
            let n = record.check_results.iter().filter(is_such).count() as u64;
            let outcome = outcome.name().replace(' ', "_");
            (vec![("severity", severity.name().to_owned()), ("outcome", outcome)], n)
        })
    });
    measured.add(CHECKS, checks);
    measured
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    /// The series of a text: name and labels, and the value. Anything that the format does not let
    /// is refused.
    fn parsed(text: &str) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        assert!(text.ends_with('\n'), "the last line ends");
        let mut series = BTreeMap::new();
        let (mut helped, mut typed, mut done) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut current = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help");
                assert!(is_name(name) && !help.is_empty() && !help.contains('\\'), "{line}");
                assert!(helped.insert(name.to_owned()), "one HELP of {name}");
                done.insert(std::mem::replace(&mut current, name.to_owned()));
                assert!(!done.contains(name), "the series of {name} stand together");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert_eq!(name, current, "TYPE follows HELP");
                assert!(typed.insert(name.to_owned()), "one TYPE of {name}");
            } else {
                let (name, rest) = line.split_once('{').expect("labels");
                assert_eq!(name, current, "a series stands below its TYPE");
                assert!(typed.contains(name), "{line}");
                let (labels, value) = labels(rest);
                assert!(labels.keys().all(|label| is_name(label)), "{line}");
                let value: f64 =
                    value.strip_prefix(' ').expect("a space").parse().expect("a number");
                let known = series.insert((name.to_owned(), labels), value);
                assert!(known.is_none(), "{line} is there twice");
            }
        }
        assert_eq!(helped, typed);
        series
    }

    /// Labels up to their `}`, and what follows.
    fn labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
        let mut labels = BTreeMap::new();
        loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            let mut text = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().expect("a closing quote") {
                    (at, '"') => break at,
                    (_, '\\') => text.push(match chars.next().expect("an escape").1 {
                        'n' => '\n',
                        c @ ('\\' | '"') => c,
                        other => panic!("\\{other} is no escape"),
                    }),
                    (_, c) => text.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{label} twice");
            rest = &after[end + 1..];
            match rest.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => return (labels, more),
                (other, _) => panic!("{other} behind a label"),
            }
        }
    }

    fn text(ended: &Ended<'_>, found: &Found) -> String {
        measured(ended, found).text()
    }

    fn record(status: RunStatus, ended_at: &str) -> RunRecord {
        let stage = |stage: &str, action: &str, millis: u64| json!({"stage": stage, "action": action, "why": "", "millis": millis, "rows": 7});
        let check = |name: &str, severity: &str, outcome: &str| json!({"name": name, "severity": severity, "outcome": outcome, "rows": 0, "first_rows": ""});
        let table = json!({
            "table": "trade.region", "stage": "aggregate", "fingerprint": lake::Fingerprint::of(b"x"), "files": [],
            "key": [], "about": "", "columns": [], "made_at": "",
        });
        let record = json!({
            "run": "r", "number": 1, "pipeline": "p", "command": "", "started_at": "", "ended_at": ended_at,
            "status": status, "stages": [stage("ingest", "built", 1_050), stage("aggregate", "reused", 0)],
            "parts": {}, "tables": {"trade.region": table},
            "check_results": [
                check("a", "error", "held_before"), check("b", "error", "held_before"), check("c", "warn", "warned"),
            ],
        });
        serde_json::from_value(record).expect("a record")
    }

    /// The value of a series, its labels as `label=text` with spaces between.
    fn value(text: &str, name: &str, labels: &str) -> Option<String> {
        let labels = labels.split(' ').filter_map(|label| label.split_once('='));
        let labels: BTreeMap<String, String> = labels
            .map(|(label, text)| (label.to_owned(), text.to_owned()))
            .chain([("pipeline".to_owned(), "a \"b\" \\n\nc".to_owned())])
            .collect();
        parsed(text).get(&(name.to_owned(), labels)).map(ToString::to_string)
    }

    #[test]
    fn a_text_has_each_series_once_and_its_labels_as_they_are() {
        let record = record(RunStatus::Published, "2026-01-02T03:04:05.678Z");
        let pipeline = "a \"b\" \\n\nc";
        let elapsed = Duration::from_millis(2_345);
        let ended = Ended { pipeline, record: Some(&record), elapsed, lake: None };
        let found = Found { last_success: record.ended_at.clone(), n_rejected: Some(3) };
        let text = text(&ended, &found);
        let value = |name: &str, labels: &str| value(&text, name, labels);
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(value("rebound_run_status", "status=published"), is("1"));
        assert_eq!(value("rebound_run_status", "status=check_failed"), is("0"));
        assert_eq!(value("rebound_run_seconds", ""), is("2.345"));
        // 2026-01-02T03:04:05.678Z.
        assert_eq!(value("rebound_run_ended_timestamp_seconds", ""), is("1767323045.678"));
        assert_eq!(value("rebound_last_success_timestamp_seconds", ""), is("1767323045.678"));
        assert_eq!(value("rebound_stage_seconds", "stage=ingest action=built"), is("1.05"));
        assert_eq!(value("rebound_stage_rows", "stage=aggregate"), is("7"));
        assert_eq!(value("rebound_table_rows", "table=trade.region"), is("0"));
        assert_eq!(value("rebound_table_bytes", "table=trade.region"), is("0"));
        assert_eq!(value("rebound_entries_rejected_total", ""), is("3"));
        assert_eq!(value("rebound_checks", "severity=error outcome=held_before"), is("2"));
        assert_eq!(value("rebound_checks", "severity=warn outcome=warned"), is("1"));
        assert_eq!(value("rebound_checks", "severity=warn outcome=failed"), is("0"));
    }

    #[test]
    fn a_run_that_did_not_begin_has_failed() {
        let pipeline = "a \"b\" \\n\nc";
        let ended = Ended { pipeline, record: None, elapsed: Duration::ZERO, lake: None };
        let text = text(&ended, &Found::default());
        assert_eq!(value(&text, "rebound_run_status", "status=failed").as_deref(), Some("1"));
        assert_eq!(value(&text, "rebound_last_success_timestamp_seconds", ""), None);
        assert!(!text.contains("rebound_checks") && !text.contains("rebound_stage"), "{text}");
    }

    #[test]
    fn the_last_success_is_of_the_last_run_that_was_one() {
        let runs = [
            record(RunStatus::Published, "1"),
            record(RunStatus::Unchanged, "2"),
            record(RunStatus::Held, "3"),
            record(RunStatus::CheckFailed, "4"),
        ];
        assert_eq!(last_success(&runs).as_deref(), Some("2"));
        assert_eq!(last_success(&runs[2..]), None);
    }
}
