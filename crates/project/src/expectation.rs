//! What a pipeline expects of data that comes again and again.

use lake::Severity;
use serde::Deserialize;

/// What is expected of a source, or of the whole.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Days that may have passed since the end of the newest period. Of a source alone.
    pub newest_within_days: Option<u32>,
    /// By which share the total of a year that is published may move.
    pub max_change: Option<f64>,
    /// What follows where it is not met.
    #[serde(default)]
    pub severity: Severity,
}

/// Of what something is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Of a source.
    Source,
    /// Of all sources together.
    Whole,
}

impl Expectation {
    /// The key that makes no sense, and why.
    pub(crate) fn fault(&self, scope: Scope) -> Option<(&'static str, String)> {
        let newest = "newest_within_days";
        match (self.newest_within_days, self.max_change) {
            (Some(_), _) if scope == Scope::Whole => {
                Some((newest, "a period is that of a source: expected it there".to_owned()))
            }
            (_, Some(share)) if !(share.is_finite() && share >= 0.0) => {
                Some(("max_change", format!("{share}: expected a share, such as 0.2")))
            }
            (None, None) => {
                let keys = match scope {
                    Scope::Source => "`newest_within_days`, `max_change` or both",
                    Scope::Whole => "`max_change`",
                };
                Some(("", format!("nothing is expected: say {keys}")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(newest_within_days: Option<u32>, max_change: Option<f64>, scope: Scope) -> String {
        let expectation =
            Expectation { newest_within_days, max_change, severity: Severity::default() };
        expectation.fault(scope).map_or_else(String::new, |(key, why)| format!("{key}: {why}"))
    }

    #[test]
    fn an_expectation_expects_something_that_can_be_looked_at() {
        assert_eq!(fault(Some(45), None, Scope::Source), "");
        assert_eq!(fault(None, Some(0.0), Scope::Whole), "");
        assert_eq!(fault(Some(1), Some(1.5), Scope::Source), "");
        let period = "newest_within_days: a period is that of a source: expected it there";
        assert_eq!(fault(Some(1), Some(0.1), Scope::Whole), period);
        let negative = "max_change: -0.1: expected a share, such as 0.2";
        assert_eq!(fault(None, Some(-0.1), Scope::Source), negative);
        assert!(fault(None, Some(f64::NAN), Scope::Whole).starts_with("max_change: NaN"));
        assert_eq!(fault(None, None, Scope::Whole), ": nothing is expected: say `max_change`");
    }
}
