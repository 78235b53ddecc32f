//! Parts of a table that are made side by side.

use super::error::RunError;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// MiB that each part has at least.
const SHARE: usize = 1024;

/// What `make` gives for each number below `n`, in their order, made side by side by at most so many
/// threads that share so much memory. `make` is also told how many share it: what needs more than its
/// share is made once more, alone.
pub(super) fn sharing<T: Send>(
    n_threads: usize,
    mib: usize,
    n: usize,
    make: impl Fn(usize, usize) -> Result<T, RunError> + Sync,
) -> Result<Vec<T>, RunError> {
    let n_beside = n_beside(n_threads, mib, n);
    let made = side_by_side(n_beside, n, |at| match make(at, n_beside) {
        Err(error) if n_beside > 1 && error.is_about_memory() => Ok(None),
        made => made.map(Some),
    })?;
    let alone = |(at, made): (usize, Option<T>)| made.map_or_else(|| make(at, 1), Ok);
    made.into_iter().enumerate().map(alone).collect()
}

/// How many parts are made side by side by so many threads, with so much memory in all.
fn n_beside(n_threads: usize, mib: usize, n_parts: usize) -> usize {
    n_threads.min(mib / SHARE).min(n_parts).max(1)
}

/// What `make` gives for each number below `n`, in their order, by at most so many threads. After
/// an error no other number is begun, and the error of the lowest number is given.
fn side_by_side<T: Send, E: Send>(
    n_threads: usize,
    n: usize,
    make: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<T, E>>> = Mutex::default();
    let call = cancel::token();
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= n {
                return;
            }
            let made = make(at);
            if made.is_err() {
                next.store(n, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, made);
        }
    };
    let work = || match &call {
        Some(call) => call.within(work),
        None => work(),
    };
    std::thread::scope(|scope| {
        // Where no more threads can be had, those that there are do it.
        let beside =
            (1..n_threads.min(n)).map_while(|_| query::thread().spawn_scoped(scope, work).ok());
        let beside: Vec<_> = beside.collect();
        work();
        for thread in beside {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::Lake;
    use query::{Memory, Session, SessionParams};
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[test]
    fn parts_have_a_share_of_the_memory() {
        for (threads, mib, parts, expected) in
            [(2, 4096, 17, 2), (8, 4096, 17, 4), (8, 4096, 3, 3), (2, 1500, 17, 1), (2, 64, 17, 1)]
        {
            assert_eq!(n_beside(threads, mib, parts), expected, "{threads} {mib} {parts}");
        }
    }

    /// That of a query that needs more memory than it has.
    fn too_little() -> RunError {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(&folder.path().to_string_lossy()).expect("a lake");
        let memory = Memory { mib: 1, setting: "one that a test has" };
        let session = Session::new(&lake, SessionParams { threads: 1, memory }).expect("a session");
        let asked = session.run("select array_agg(value) from range(10000000)");
        let runtime = query::runtime(1).expect("a runtime");
        runtime.block_on(asked).expect_err("ten million numbers in 1 MiB").into()
    }

    #[test]
    fn what_needs_more_than_its_share_is_made_alone() {
        assert!(too_little().is_about_memory());
        let made = sharing(2, 4096, 3, |at, n_beside| match (at, n_beside) {
            (1, 2) => Err(too_little()),
            made => Ok(made),
        });
        assert_eq!(made.expect("enough alone"), [(0, 2), (1, 1), (2, 2)]);
        let alone = sharing(2, 4096, 1, |_, _| Err::<(), _>(too_little()));
        assert!(alone.is_err_and(|error| error.is_about_memory()));
        // Another error is not tried again.
        let tried = AtomicUsize::new(0);
        let failed = sharing(2, 4096, 2, |_, _| {
            tried.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(RunError::Threads(2))
        });
        assert!(failed.is_err() && tried.into_inner() <= 2);
    }

    #[test]
    fn all_are_made_in_their_order_by_several_threads() {
        for threads in [1, 2, 4] {
            let seen = Mutex::new(BTreeSet::new());
            let made = side_by_side(threads, 9, |at| {
                seen.lock().expect("whole").insert(format!("{:?}", std::thread::current().id()));
                std::thread::sleep(Duration::from_millis(20 * u64::from(at % 3 == 0)));
                Ok::<_, ()>(at * at)
            });
            assert_eq!(made, Ok(vec![0, 1, 4, 9, 16, 25, 36, 49, 64]));
            assert_eq!(seen.into_inner().expect("whole").len(), threads);
        }
        assert_eq!(side_by_side(2, 0, |_| Err::<(), ()>(())), Ok(Vec::new()));
    }

    #[test]
    fn after_an_error_nothing_is_begun() {
        let begun = AtomicUsize::new(0);
        let made = side_by_side(2, 1_000, |at| {
            begun.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(5));
            if at > 0 { Err(at) } else { Ok(at) }
        });
        assert_eq!(made, Err(1));
        assert!(begun.load(Ordering::Relaxed) < 10);
    }

    #[test]
    fn a_call_that_is_cancelled_stops_all() {
        let call = cancel::Token::default();
        let work = || {
            side_by_side(2, 1_000, |at| {
                if at == 3 {
                    call.cancel();
                }
                cancel::check();
                Ok::<_, ()>(())
            })
        };
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call.within(work)));
        assert!(found.is_err_and(|panic| panic.is::<cancel::Cancelled>()));
    }
}
