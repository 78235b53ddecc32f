//! Lakes: queries whose rows come as they are made, and what commands tell.

use crate::call::{OwnRuntime, call};
use crate::frames::table;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use cancel::Token;
use pyo3::prelude::*;
use rebound::cli;
use rebound::cli::reading::{self, Running, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// Batches that are made before they are asked for.
const AHEAD: usize = 4;

/// How long one call waits for rows. Between calls Ctrl-C is heard, whatever a query does.
const SLICE: Duration = Duration::from_millis(200);

/// The next rows of a query, or `None` behind the last of them. A query that stops without this had
/// no end.
type Sent = anyhow::Result<Option<RecordBatch>>;

/// Ends a query when nobody takes its rows any more. Its threads are its own: work that does not
/// look up, as a join of many rows by a condition, holds up no other query until it does.
#[derive(Debug)]
struct Stop {
    task: AbortHandle,
    /// What the query works for: it is told to stop while all threads are at work, too.
    token: Token,
    _threads: OwnRuntime,
}

impl Stop {
    fn now(&self) {
        self.token.cancel();
        self.task.abort();
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.now();
    }
}

/// A query that is running. It is ended when this is dropped.
#[pyclass(module = "rebound_trade._rebound", frozen)]
#[derive(Debug)]
pub(crate) struct Query {
    schema: SchemaRef,
    rows: Arc<Mutex<Receiver<Sent>>>,
    is_ended: AtomicBool,
    stop: Stop,
}

/// What came within a slice of time.
#[derive(Debug, Default)]
struct Taken {
    rows: Vec<RecordBatch>,
    is_ended: bool,
}

/// Hands the rows of a query on as they are made. What was read is let go before the end is told,
/// as nobody waits for it then.
async fn hand_on(mut running: Running, into: Sender<Sent>) {
    let last = loop {
        let next = running.next().await;
        if !matches!(next, Ok(Some(_))) {
            break Some(next);
        }
        if into.send(next).await.is_err() {
            break None;
        }
    };
    running.end().await;
    if let Some(last) = last {
        let _ = into.send(last).await;
    }
}

/// Takes up to `most` batches, as long as a slice of time lasts.
async fn take(rows: &Mutex<Receiver<Sent>>, most: usize) -> anyhow::Result<Taken> {
    let deadline = Instant::now() + SLICE;
    let mut rows = rows.lock().await;
    let mut taken = Taken::default();
    while taken.rows.len() < most && Instant::now() < deadline {
        match timeout_at(deadline, rows.recv()).await {
            Ok(Some(Ok(Some(batch)))) => taken.rows.push(batch),
            Ok(Some(Ok(None))) => {
                taken.is_ended = true;
                break;
            }
            Ok(Some(Err(error))) => return Err(error),
            Ok(None) => anyhow::bail!("the query was ended before all its rows were made"),
            Err(_) => break,
        }
    }
    Ok(taken)
}

impl Query {
    /// Takes up to `most` batches, as long as a slice of time lasts.
    fn taken(&self, py: Python<'_>, most: usize) -> PyResult<Taken> {
        if self.is_ended.load(Ordering::Acquire) {
            return Ok(Taken { rows: Vec::new(), is_ended: true });
        }
        let rows = Arc::clone(&self.rows);
        let taken = call(py, move |runtime| runtime.block_on(take(&rows, most)));
        match &taken {
            Ok(Taken { is_ended, .. }) => self.is_ended.store(*is_ended, Ordering::Release),
            // It broke, or is interrupted: nobody asks for more of it.
            Err(_) => self.stop.now(),
        }
        taken
    }
}

#[pymethods]
impl Query {
    /// The columns, as a table without rows.
    fn columns(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        table(py, Arc::clone(&self.schema), Vec::new())
    }

    /// The next rows; `None` behind the last.
    fn batch(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            let Taken { rows, is_ended } = self.taken(py, 1)?;
            if !rows.is_empty() {
                return table(py, Arc::clone(&self.schema), rows).map(Some);
            }
            if is_ended {
                return Ok(None);
            }
        }
    }

    /// All rows that are left.
    fn rows(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut all = Vec::new();
        loop {
            let Taken { rows, is_ended } = self.taken(py, usize::MAX)?;
            all.extend(rows);
            if is_ended {
                return table(py, Arc::clone(&self.schema), all);
            }
        }
    }

    /// Ends it.
    fn cancel(&self) {
        self.stop.now();
    }
}

/// Starts a query of what is published in a lake, or of what an earlier run published.
#[pyfunction]
#[pyo3(signature = (lake, text, run=None, memory_mib=4096))]
pub(crate) fn lake_query(
    py: Python<'_>,
    lake: String,
    text: String,
    run: Option<String>,
    memory_mib: usize,
) -> PyResult<Query> {
    let source = Source { lake, run, memory_mib };
    call(py, move |_| {
        let threads = OwnRuntime::new()?;
        let token = Token::part();
        let running = token.within(|| reading::query(threads.get()?, &source, &text))?;
        let schema = Arc::clone(running.schema());
        let (into, rows) = mpsc::channel(AHEAD);
        // On the runtime's own threads, whose stacks hold any plan.
        let task = threads.get()?.spawn(hand_on(running, into)).abort_handle();
        Ok(Query {
            schema,
            rows: Arc::new(Mutex::new(rows)),
            is_ended: AtomicBool::new(false),
            stop: Stop { task, token, _threads: threads },
        })
    })
}

/// What a command of the program prints that only tells something.
#[pyfunction]
pub(crate) fn printed(py: Python<'_>, arguments: Vec<String>) -> PyResult<String> {
    call(py, move |runtime| cli::printed(runtime, &arguments))
}

/// What `plan` or `diff` find, as JSON and as text.
#[pyfunction]
pub(crate) fn in_both_forms(py: Python<'_>, arguments: Vec<String>) -> PyResult<(String, String)> {
    call(py, move |runtime| cli::in_both_forms(runtime, &arguments))
}
