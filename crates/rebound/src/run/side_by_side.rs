//! Parts of a table that are made side by side.

use super::error::RunError;
use query::side_by_side;

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

#[cfg(test)]
mod tests {
    use super::*;
    use lake::Lake;
    use query::{Memory, Session, SessionParams};
    use std::sync::atomic::{AtomicUsize, Ordering};

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
}
