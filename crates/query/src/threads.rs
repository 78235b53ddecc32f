//! Threads that run queries.

use crate::bounds::WORKER_STACK;
use std::io::{Error, Result};
use std::sync::RwLock;
use tokio::runtime::{Builder, Runtime};

/// A runtime of so many threads, of one a core if 0. Their stacks are large enough for the plans
/// that run on them.
///
/// # Errors
///
/// If the system has no threads or memory left: the runtime's own builder would panic.
pub fn runtime(n_threads: usize) -> Result<Runtime> {
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

/// Looks whether so many threads can be had at once.
fn can_start(n_threads: usize, stack: usize) -> Result<()> {
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
            Error::other(format!(
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

    #[test]
    fn threads_that_cannot_be_had_are_an_error() {
        assert_eq!(runtime(3).expect("a runtime").metrics().num_workers(), 3);
        // More address space than a system has.
        let error = can_start(2, 1 << 60).expect_err("too much").to_string();
        assert!(error.contains("2 threads with 1099511627776 MiB of stack each"), "{error}");
    }
}
