//! Calls from Python: the work is done on threads of its own, and Python runs on meanwhile.

use crate::errors;
use crate::logs::{self, Message};
use anyhow::Context;
use cancel::{Cancelled, Token};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rebound::threads;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tracing::dispatcher::with_default;

/// How often Python's signals are looked at.
const POLL: Duration = Duration::from_millis(50);

/// How long work that was told to stop is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of the stack of a call's thread, as a program's first thread has them.
const STACK: usize = 8 << 20;

/// The runtime of a call or a query. Work that was told to stop may hold a thread on: nobody waits
/// for it.
#[derive(Debug)]
pub(crate) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    /// Threads of its own.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Some(rebound::runtime(0).context("failed to start the runtime")?)))
    }

    /// It, until it is dropped.
    pub(crate) fn get(&self) -> anyhow::Result<&Runtime> {
        self.0.as_ref().context("the runtime is gone")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a call's threads tell the one that waits.
enum Told<T> {
    Said(Message),
    Done(Ended<T>),
}

/// How work ends.
enum Ended<T> {
    Made(anyhow::Result<T>),
    Panicked(String),
    Cancelled,
}

fn ended<T>(done: Result<anyhow::Result<T>, Box<dyn Any + Send>>) -> Ended<T> {
    let panic = match done {
        Ok(made) => return Ended::Made(made),
        Err(panic) => panic,
    };
    if panic.is::<Cancelled>() {
        return Ended::Cancelled;
    }
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Ended::Panicked(text.unwrap_or("no reason is given").to_owned())
}

/// Waits a while for what is told next, with the GIL released.
fn next<T: Send>(
    py: Python<'_>,
    told: &mut Receiver<Told<T>>,
) -> Result<Told<T>, RecvTimeoutError> {
    py.detach(move || told.recv_timeout(POLL))
}

/// Does `work` with as many threads as there are cores, as [`call_on`].
///
/// # Errors
///
/// As [`call_on`].
pub(crate) fn call<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(&Runtime) -> anyhow::Result<T> + Send + 'static,
) -> PyResult<T> {
    call_on(py, 0, work)
}

/// Does `work` on so many threads of its own, one a core if 0, with the GIL released. What it says
/// is handed to Python on the way.
///
/// # Errors
///
/// `InputError` or `Error`, by the work's own error. What a signal handler or a filter of warnings
/// raises, such as `KeyboardInterrupt`: the work is told to stop.
pub(crate) fn call_on<T: Send + 'static>(
    py: Python<'_>,
    n_threads: usize,
    work: impl FnOnce(&Runtime) -> anyhow::Result<T> + Send + 'static,
) -> PyResult<T> {
    let token = Token::default();
    let (tell, mut told) = channel();
    let say = tell.clone();
    let dispatch = logs::dispatch(move |message| drop(say.send(Told::Said(message))));
    let own = token.clone();
    let done = move || {
        let made = || {
            let runtime = OwnRuntime::new()?;
            let pool = threads::pool(n_threads, Some(STACK)).context("failed to start threads")?;
            pool.install(|| work(runtime.get()?))
        };
        let made = || own.within(|| with_default(&dispatch, made));
        let _ = tell.send(Told::Done(ended(catch_unwind(AssertUnwindSafe(made)))));
    };
    std::thread::Builder::new().name("rebound".to_owned()).stack_size(STACK).spawn(done)?;
    loop {
        let heard = match next(py, &mut told) {
            Ok(Told::Said(message)) => message.hand_over(py),
            Ok(Told::Done(Ended::Made(made))) => {
                return made.map_err(|error| errors::raised(py, &error));
            }
            Ok(Told::Done(Ended::Panicked(text))) => return Err(errors::of_panic(py, &text)),
            // Nobody but this thread tells it to stop.
            Ok(Told::Done(Ended::Cancelled)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the call was stopped"));
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
        };
        if let Err(raised) = heard.and_then(|()| py.check_signals()) {
            token.cancel();
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE
                && !matches!(
                    next(py, &mut told),
                    Ok(Told::Done(_)) | Err(RecvTimeoutError::Disconnected)
                )
            {}
            return Err(raised);
        }
    }
}
