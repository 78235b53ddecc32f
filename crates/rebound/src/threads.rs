//! Threads that work side by side.

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

/// So many threads, of one a core if 0, with stacks of so many bytes. Those that are made for a call
/// that can be [cancelled](cancel) stop with it, and say what they say to whom it listens.
///
/// # Errors
///
/// If they cannot be had.
pub fn pool(n_threads: usize, stack: Option<usize>) -> Result<ThreadPool, ThreadPoolBuildError> {
    let builder = ThreadPoolBuilder::new().num_threads(n_threads);
    let builder = match stack {
        Some(bytes) => builder.stack_size(bytes),
        None => builder,
    };
    let Some(token) = cancel::token() else { return builder.build() };
    let dispatch = get_default(Dispatch::clone);
    let start = move |thread: ThreadBuilder| {
        let (token, dispatch) = (token.clone(), dispatch.clone());
        let mut builder = std::thread::Builder::new();
        if let Some(bytes) = thread.stack_size() {
            builder = builder.stack_size(bytes);
        }
        let work = move || with_default(&dispatch, || token.within(|| thread.run()));
        builder.spawn(work).map(drop)
    };
    builder.spawn_handler(start).build()
}
