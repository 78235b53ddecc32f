//! The one place that reads the clock. Times go into run records, never into tables.

pub use lake::check_clock;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use indicatif::HumanDuration;
use std::time::{Duration, SystemTime};

/// Now, as RFC 3339 with milliseconds, UTC.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A name for a run that begins now: time and process, so that names sort by time.
pub fn run_name() -> String {
    format!("{}-{}", Utc::now().format("%Y%m%dT%H%M%S%3fZ"), std::process::id())
}

/// The day, UTC.
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// `duration` ago.
pub fn ago(duration: Duration) -> SystemTime {
    SystemTime::from(Utc::now()) - duration
}

/// When `time` (RFC 3339) was: milliseconds since the epoch.
pub fn millis_since_epoch(time: &str) -> Option<u64> {
    u64::try_from(DateTime::parse_from_rfc3339(time).ok()?.timestamp_millis()).ok()
}

/// When `time` was: since the epoch.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// How long ago `time` (RFC 3339) was, in words: `3 minutes ago`.
pub fn age(time: &str) -> String {
    let Ok(time) = DateTime::parse_from_rfc3339(time) else { return "unknown".to_owned() };
    let passed = Utc::now() - time.with_timezone(&Utc);
    // Clocks of two machines are seldom the same.
    if passed.num_seconds() < -60 {
        return "in the future".to_owned();
    }
    format!("{} ago", HumanDuration(passed.to_std().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_words() {
        let before = |seconds| (Utc::now() - chrono::Duration::seconds(seconds)).to_rfc3339();
        assert_eq!(age(&before(3 * 3600 + 5)), "3 hours ago");
        assert_eq!(age(&before(61)), "61 seconds ago");
        assert_eq!(age(&before(40 * 3600)), "2 days ago");
        assert_eq!(age(&before(-30)), "0 seconds ago");
        assert_eq!(age(&before(-3600)), "in the future");
        assert_eq!(age("x"), "unknown");
    }
}
