//! What came of the checks of a run, all of them, also where one fails.

use super::error::{FailedCheck, RunError};
use crate::telemetry;
use lake::{CheckOutcome, CheckRecord, Fingerprint, Severity};
use std::collections::BTreeMap;

/// Bytes of the rows that a record keeps as text: one cell may be a whole raw row.
const MOST_BYTES: usize = 16_384;

/// What came of the checks so far.
#[derive(Debug, Default)]
pub(super) struct CheckResults {
    /// Those that hold, each with what it holds on.
    pub(super) held: BTreeMap<String, Fingerprint>,
    /// All, for the record of the run.
    pub(super) records: Vec<CheckRecord>,
    /// Those that let nothing be published.
    pub(super) failed: Vec<FailedCheck>,
}

impl CheckResults {
    fn add(&mut self, check: CheckRecord) {
        telemetry::tell_check(&check);
        self.records.push(check);
    }

    /// Notes a check that found no rows, or did not look.
    pub(super) fn note(&mut self, name: &str, severity: Severity, outcome: CheckOutcome) {
        let (name, first_rows) = (name.to_owned(), String::new());
        self.add(CheckRecord { name, severity, outcome, rows: 0, first_rows });
    }

    /// Notes a check that found rows. `follows` is what follows in this run.
    pub(super) fn note_rows(
        &mut self,
        name: &str,
        severity: Severity,
        follows: Severity,
        found: FailedCheck,
    ) {
        let outcome = match follows {
            Severity::Warn => CheckOutcome::Warned,
            Severity::Error => CheckOutcome::Failed,
        };
        self.add(CheckRecord {
            name: name.to_owned(),
            severity,
            outcome,
            rows: u64::try_from(found.n_rows).unwrap_or(u64::MAX),
            first_rows: cut(&found.first_rows),
        });
        match follows {
            Severity::Warn => tracing::warn!("{found}"),
            Severity::Error => self.failed.push(found),
        }
    }

    /// Checks that looked and found no rows.
    pub(super) fn n_passed(&self) -> usize {
        self.records.iter().filter(|check| check.outcome == CheckOutcome::Held).count()
    }

    /// That nothing is published, if a check says so.
    pub(super) fn failure(&mut self) -> Result<(), RunError> {
        let failed = std::mem::take(&mut self.failed);
        if failed.is_empty() { Ok(()) } else { Err(RunError::Checks(failed)) }
    }
}

/// The beginning of a text, so that the record of a run stays small.
fn cut(text: &str) -> String {
    match text.split_at_checked(text.floor_char_boundary(MOST_BYTES)) {
        Some((shown, rest)) if !rest.is_empty() => format!("{shown}..."),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(n_rows: usize) -> FailedCheck {
        FailedCheck { path: "c.sql".into(), n_rows, first_rows: "ä".repeat(10_000) }
    }

    #[test]
    fn only_what_is_to_follow_follows() {
        let mut results = CheckResults::default();
        results.note("a", Severity::Error, CheckOutcome::Held);
        results.note("b", Severity::Error, CheckOutcome::NotRun);
        results.note_rows("c", Severity::Error, Severity::Warn, found(3));
        assert!(results.failure().is_ok(), "warned of");
        results.note_rows("d", Severity::Error, Severity::Error, found(4));
        let error = results.failure().expect_err("a check failed");
        assert!(
            error
                .to_string()
                .starts_with("1 data check failed; nothing was published\nc.sql: 4 rows")
        );
        assert_eq!(results.n_passed(), 1);
        let outcomes: Vec<_> = results.records.iter().map(|check| check.outcome.name()).collect();
        assert_eq!(outcomes, ["held", "not run", "warned", "failed"]);
        let kept = &results.records[2];
        assert_eq!((kept.rows, kept.severity), (3, Severity::Error));
        assert_eq!(kept.first_rows.len(), MOST_BYTES + 3);
        assert!(kept.first_rows.ends_with("ä..."));
    }
}
