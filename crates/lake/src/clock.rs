//! Whether this machine's clock can be used.

use std::time::{Duration, SystemTime};

/// The first second of the year 10000, since 1970: later years have names that do not sort.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// A clock with a time that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock of this machine says a time {0}: set it, and try again")]
pub struct ClockError(&'static str);

/// Looks whether the clock says a time from 1970 to 9999. All that reads it can handle these. A
/// program asks this first.
///
/// # Errors
///
/// [`ClockError`].
pub fn check_clock() -> Result<(), ClockError> {
    #[expect(clippy::disallowed_methods, reason = "nothing is made of it")]
    let now = SystemTime::now();
    check(now)
}

fn check(now: SystemTime) -> Result<(), ClockError> {
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Err(_) => Err(ClockError("before 1970")),
        Ok(since) if since >= YEAR_10000 => Err(ClockError("after 9999")),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_refused() {
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(check(epoch), Ok(()));
        assert_eq!(check(epoch + YEAR_10000 - Duration::from_secs(1)), Ok(()));
        let text = |now| check(now).expect_err("refused").to_string();
        assert!(text(epoch - Duration::from_secs(1)).contains("before 1970"));
        assert!(text(epoch + YEAR_10000).contains("after 9999"));
        check_clock().expect("a clock that is set");
    }
}
