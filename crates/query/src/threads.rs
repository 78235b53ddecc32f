//! Threads that run queries.

use crate::bounds::WORKER_STACK;
use std::collections::BTreeMap;
use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use tokio::runtime::{Builder, Runtime};

/// A runtime of so many threads, of one a core if 0. Their stacks are large enough for the plans
/// that run on them.
///
/// # Errors
///
/// If the system has no threads or memory left: the runtime's own builder would panic.
pub fn runtime(n_threads: usize) -> io::Result<Runtime> {
    let n_threads = match n_threads {
        0 => std::thread::available_parallelism()?.get(),
        n => n,
    };
    // One more: the others need memory of their own beside their stacks.
    can_start(n_threads + 1, WORKER_STACK)?;
    Builder::new_multi_thread()
        .worker_threads(n_threads)
        .thread_stack_size(WORKER_STACK)
        .enable_all()
        .build()
}

/// A thread whose stack is large enough for the plans that run on it.
pub fn thread() -> std::thread::Builder {
    std::thread::Builder::new().stack_size(WORKER_STACK)
}

/// What `make` gives for each number below `n`, in their order, by at most so many threads. After
/// an error no other number is begun, and the error of the lowest number is given.
pub fn side_by_side<T: Send, E: Send>(
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
        let beside = (1..n_threads.min(n)).map_while(|_| thread().spawn_scoped(scope, work).ok());
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

/// Looks whether so many threads can be had at once.
fn can_start(n_threads: usize, stack: usize) -> io::Result<()> {
    let gate = RwLock::new(());
    std::thread::scope(|scope| {
        // All of them stay until the last is started.
        let closed = gate.write();
        let start = |_| {
            let builder = std::thread::Builder::new().stack_size(stack);
            builder.spawn_scoped(scope, || drop(gate.read())).map(drop)
        };
        let started = (0..n_threads).try_for_each(start);
        drop(closed);
        started.map_err(|error| {
            io::Error::other(format!(
                "{n_threads} threads with {} MiB of stack each cannot be had ({error}): allow more threads or address space \
                 (`ulimit -u`, `ulimit -v`)",
                stack >> 20
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[test]
    fn threads_that_cannot_be_had_are_an_error() {
        assert_eq!(runtime(3).expect("a runtime").metrics().num_workers(), 3);
        // More address space than a system has.
        let error = can_start(2, 1 << 60).expect_err("too much").to_string();
        assert!(error.contains("2 threads with 1099511627776 MiB of stack each"), "{error}");
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
