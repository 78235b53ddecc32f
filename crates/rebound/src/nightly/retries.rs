//! Trying a run again.

use crate::run::RunError;
use std::time::Duration;

/// The longest that is waited between two tries.
const LONGEST: Duration = Duration::from_mins(30);

/// What is waited before try `n`, counted from 1 for the first that is tried again: `base`, and then
/// each time twice as long. Up to a quarter is added by process id, so that programs that lost a
/// store together do not all come back at once.
pub fn pause(base: Duration, n: u32, pid: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(n.saturating_sub(1));
    let whole = base.saturating_mul(doubled).min(LONGEST);
    whole + whole / 256 * (pid % 64)
}

/// Does `work` until it goes well, until it fails in a way that does not pass, or until it was tried
/// again `retries` times. Before each of these `sleep` is told which it is, and the error before it.
/// Gives how often it was tried, too.
pub fn with_retries<T>(
    retries: u32,
    mut sleep: impl FnMut(u32, &RunError),
    mut work: impl FnMut() -> Result<T, RunError>,
) -> (Result<T, RunError>, u32) {
    let mut again = 0;
    loop {
        match work() {
            Err(error) if again < retries && error.may_pass() => {
                again += 1;
                sleep(again, &error);
            }
            ended => return (ended, again + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::LakeError;

    fn gone() -> RunError {
        let (lake, since) = ("lake".to_owned(), "now".to_owned());
        RunError::Lake(LakeError::Collecting { lake, since })
    }

    /// Works that fail so, one after the other, until they go well: how that ended, how often it was
    /// tried, and what was waited for.
    fn tried(
        retries: u32,
        failures: Vec<RunError>,
    ) -> (Result<&'static str, String>, u32, Vec<u32>) {
        let (mut waits, mut left) = (Vec::new(), failures.into_iter());
        let work = || left.next().map_or(Ok("done"), Err);
        let (ended, attempts) = with_retries(retries, |n, _| waits.push(n), work);
        (ended.map_err(|error| error.to_string()), attempts, waits)
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert_eq!(tried(3, vec![gone(), gone()]), (Ok("done"), 3, vec![1, 2]));
        assert_eq!(tried(3, Vec::new()), (Ok("done"), 1, Vec::new()));
        let (ended, attempts, waits) = tried(1, vec![gone(), gone(), gone()]);
        assert!(ended.expect_err("it goes on").contains("try again when it has ended"));
        assert_eq!((attempts, waits), (2, vec![1]));
        assert_eq!(tried(0, vec![gone()]).1, 1);
    }

    #[test]
    fn what_does_not_pass_is_not() {
        let damage = || LakeError::NoFile { path: "catalog.json".to_owned() };
        for error in [
            RunError::Checks(Vec::new()),
            RunError::Panic("a sum is no number".to_owned()),
            RunError::Lake(damage()),
            RunError::Threads(3),
        ] {
            let text = error.to_string();
            assert_eq!(tried(3, vec![error]), (Err(text), 1, Vec::new()));
        }
        let (ended, attempts, _) = tried(3, vec![gone(), RunError::Threads(3)]);
        assert!(ended.is_err());
        assert_eq!(attempts, 2);
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_differ_by_process() {
        let base = Duration::from_secs(30);
        let of = |n| pause(base, n, 64).as_secs();
        assert_eq!([1, 2, 3, 4].map(of), [30, 60, 120, 240]);
        assert_eq!([7, 8, 40].map(of), [1800, 1800, 1800]);
        assert_eq!(pause(base, 1, 1), Duration::from_millis(30_000) + base / 256);
        assert!(pause(base, 1, 63) < Duration::from_secs(38), "at most a quarter more");
        assert_eq!(pause(Duration::ZERO, 3, 7), Duration::ZERO);
    }
}
