//! What a run does behind a stage that fails.

use super::error::RunError;
use super::options::Failing;
use super::plan::Step;
use crate::telemetry;
use lake::{RunRecord, StageRecord};
use project::causes::causes;
use std::collections::BTreeSet;
use std::time::Duration;

/// The stages of a run that failed, and those that follow from them.
#[derive(Debug)]
pub(super) struct Failures {
    failing: Failing,
    failed: Vec<RunError>,
    /// Stages that are not made, as they follow.
    left: Vec<String>,
    /// The tables of both.
    missing: BTreeSet<String>,
}

impl Failures {
    pub(super) fn new(failing: Failing) -> Self {
        Self { failing, failed: Vec::new(), left: Vec::new(), missing: BTreeSet::new() }
    }

    /// Whether a step is not made because a table that it reads was not; if so, that is noted.
    pub(super) fn leaves(&mut self, step: &Step, record: &mut RunRecord) -> bool {
        let missing = step.node.reads.iter().find(|table| self.missing.contains(*table));
        let Some(table) = missing else { return false };
        let why = format!("`{table}` could not be made");
        tracing::warn!(stage = step.node.name, why, "stage left");
        note(step, "left", why, Duration::ZERO, record);
        self.left.push(step.node.name.clone());
        self.missing.extend(step.node.writes.iter().cloned());
        true
    }

    /// Adds a step that failed.
    ///
    /// # Errors
    ///
    /// The same error, where it ends the run: where the run is not to go on, where what is damaged is
    /// made again, and where a store does not answer, which would fail all others too.
    pub(super) fn add(
        &mut self,
        step: &Step,
        error: RunError,
        elapsed: Duration,
        record: &mut RunRecord,
    ) -> Result<(), RunError> {
        let said = causes(&error).join(": ");
        note(step, "failed", said.clone(), elapsed, record);
        if self.failing == Failing::Stop || error.damage().is_some() || error.may_pass() {
            return Err(error);
        }
        tracing::error!(stage = step.node.name, "stage failed: {said}");
        self.failed.push(error);
        self.missing.extend(step.node.writes.iter().cloned());
        Ok(())
    }

    /// Ends the making of tables.
    ///
    /// # Errors
    ///
    /// All that failed.
    pub(super) fn end(mut self) -> Result<(), RunError> {
        match self.failed.pop() {
            None => Ok(()),
            Some(only) if self.failed.is_empty() && self.left.is_empty() => Err(only),
            Some(last) => {
                self.failed.push(last);
                Err(RunError::Several { failed: self.failed, left: self.left })
            }
        }
    }
}

/// Notes a step that has no tables.
fn note(step: &Step, action: &str, why: String, elapsed: Duration, record: &mut RunRecord) {
    let stage = step.node.name.clone();
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    record.stages.retain(|known| known.stage != stage);
    let done = StageRecord {
        stage,
        action: action.to_owned(),
        why,
        millis,
        rows: 0,
        units_made: 0,
        units_reused: 0,
    };
    telemetry::tell_stage(&done);
    record.stages.push(done);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Node, Parts, Work};
    use crate::run::plan::Action;
    use lake::{Fingerprinter, LakeError};
    use project::sql_file::SqlFile;
    use stages::Choice;

    fn step(name: &str, reads: &[&str]) -> Step {
        let file = SqlFile { path: name.into(), name: name.to_owned(), text: String::new() };
        Step {
            node: Node {
                name: name.to_owned(),
                reads: reads.iter().map(|&table| table.to_owned()).collect(),
                files: Vec::new(),
                writes: vec![name.to_owned()],
                work: Work::Sql(file),
            },
            parts: Parts::new(),
            fingerprint: Fingerprinter::default().finish(),
            action: Action::Build,
            why: String::new(),
            choice: Choice::default(),
            versions: None,
        }
    }

    fn record() -> RunRecord {
        let text = r#"{"run": "r", "pipeline": "p", "command": "c", "started_at": "s", "ended_at": null,
            "status": "started", "error": null, "stages": [], "parts": {}, "tables": {}}"#;
        serde_json::from_str(text).expect("a record")
    }

    fn fault(text: &str) -> RunError {
        RunError::Panic(text.to_owned())
    }

    #[test]
    fn what_follows_is_left_and_all_that_failed_is_told() {
        let (mut record, mut failures) = (record(), Failures::new(Failing::GoOn));
        assert!(!failures.leaves(&step("a", &[]), &mut record));
        failures.add(&step("a", &[]), fault("first"), Duration::ZERO, &mut record).expect("on");
        assert!(failures.leaves(&step("b", &["x", "a"]), &mut record));
        assert!(
            failures.leaves(&step("c", &["b"]), &mut record),
            "what follows is far behind, too"
        );
        assert!(!failures.leaves(&step("d", &["x"]), &mut record));
        failures.add(&step("d", &["x"]), fault("second"), Duration::ZERO, &mut record).expect("on");
        let error = failures.end().expect_err("failed");
        let text = error.to_string();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("2 stages failed; nothing was published"));
        assert!(lines.next().is_some_and(|line| line.contains("first")), "{text}");
        assert!(lines.next().is_some_and(|line| line.contains("second")), "{text}");
        assert_eq!(lines.next(), Some("  not made, as they follow: b, c"));
        let actions: Vec<(&str, &str)> =
            record.stages.iter().map(|s| (s.stage.as_str(), s.action.as_str())).collect();
        assert_eq!(actions, [("a", "failed"), ("b", "left"), ("c", "left"), ("d", "failed")]);
    }

    #[test]
    fn one_alone_is_what_it_is() {
        let (mut record, mut failures) = (record(), Failures::new(Failing::GoOn));
        failures.add(&step("a", &[]), fault("x"), Duration::ZERO, &mut record).expect("on");
        assert!(matches!(failures.end(), Err(RunError::Panic(_))));
        assert!(Failures::new(Failing::GoOn).end().is_ok());
    }

    #[test]
    fn what_ends_the_run_is_given_back() {
        let mut record = record();
        let mut add = |failing, error| {
            Failures::new(failing).add(&step("a", &[]), error, Duration::ZERO, &mut record).is_err()
        };
        assert!(add(Failing::Stop, fault("x")));
        assert!(!add(Failing::GoOn, fault("x")));
        let gc = || LakeError::Collecting { lake: "l".to_owned(), since: "now".to_owned() };
        assert!(add(Failing::GoOn, RunError::Lake(gc())), "it may pass");
        let (table, path, found) = ("t".to_owned(), "p".to_owned(), "gone".to_owned());
        let lost = LakeError::Lost { table, path, expected: 1, found };
        assert!(add(Failing::GoOn, RunError::Lake(lost)), "it is made again");
    }
}
