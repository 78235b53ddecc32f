//! The one place that reads the clock. Times go into run records, never into tables.

pub use lake::check_clock;

use chrono::{DateTime, SecondsFormat, Utc};
use std::time::{Duration, SystemTime};

/// Now, as RFC 3339 with milliseconds, UTC.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A name for a run that begins now: time and process, so that names sort by time.
pub fn run_name() -> String {
    format!("{}-{}", Utc::now().format("%Y%m%dT%H%M%S%3fZ"), std::process::id())
}

/// `duration` ago.
pub fn ago(duration: Duration) -> SystemTime {
    SystemTime::from(Utc::now()) - duration
}

/// When `time` was: since the epoch.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// How long ago `time` (RFC 3339) was, in words: `3 minutes ago`.
pub fn age(time: &str) -> String {
    let Ok(time) = DateTime::parse_from_rfc3339(time) else { return "unknown".to_owned() };
    let seconds = (Utc::now() - time.with_timezone(&Utc)).num_seconds();
    // Clocks of two machines are seldom the same.
    if seconds < -60 {
        return "in the future".to_owned();
    }
    let seconds = seconds.max(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_words() {
        let before = |seconds| (Utc::now() - chrono::Duration::seconds(seconds)).to_rfc3339();
        assert_eq!(age(&before(3 * 3600 + 5)), "3 hours ago");
        assert_eq!(age(&before(61)), "1 minute ago");
        assert_eq!(age(&before(-30)), "0 seconds ago");
        assert_eq!(age(&before(-3600)), "in the future");
        assert_eq!(age("x"), "unknown");
    }
}
