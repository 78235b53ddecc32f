//! What clients and queries may use: memory, time, and a thread to be planned on.

use crate::errors::error;
use datafusion_postgres::pgwire::api::results::Response;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use futures::{FutureExt, Stream, StreamExt, stream};
use query::{Memory, Planning, SessionParams, planning};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep_until};

/// What clients and queries may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Clients at a time.
    pub connections: usize,
    /// Memory of a query.
    pub query_memory: Memory,
    /// Memory of all queries together.
    pub memory: Memory,
    /// How long a query may take; a client can ask for less.
    pub timeout: Duration,
    /// Partitions of a query that run side by side.
    pub threads: usize,
}

impl Limits {
    /// Those of a session.
    pub(crate) fn session(&self) -> SessionParams {
        SessionParams { threads: self.threads, memory: self.query_memory }
    }
}

/// How a query ends before it is done.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    limit: Duration,
    deadline: Instant,
    cancelled: watch::Receiver<()>,
    /// Counts the queries that run.
    _token: Arc<()>,
}

impl Ending {
    /// `limit` from now, or when `cancel` sends. Until then there is one more `token`.
    pub(crate) fn new(limit: Duration, cancel: &watch::Sender<()>, token: &Arc<()>) -> Self {
        let (deadline, cancelled) = (Instant::now() + limit, cancel.subscribe());
        Self { limit, deadline, cancelled, _token: Arc::clone(token) }
    }

    /// What `work` gives, or the error of a query that was ended.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = T>) -> PgWireResult<T> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            Ok(()) = self.cancelled.changed() => Err(ended("user request".to_owned())),
            () = sleep_until(self.deadline) => {
                Err(ended(format!("statement timeout ({} s)", self.limit.as_secs_f64())))
            }
        }
    }
}

fn ended(why: String) -> PgWireError {
    error("57014", format!("canceling statement due to {why}"))
}

/// A future that plans a query. Its tasks go to the runtime of `engine`. It is polled on a thread
/// for which nobody waits, and where a deep query has a large enough stack.
pub(crate) struct Within<F>(Planning<F>);

impl<F: Future> Within<F> {
    pub(crate) fn new(engine: &Handle, work: F) -> Self {
        Self(planning(work, Some(engine.clone())))
    }
}

impl<F> Future for Within<F>
where
    F: Future + Send,
    F::Output: Send,
{
    type Output = PgWireResult<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = block_in_place(|| self.0.poll_unpin(context));
        polled.map_err(|none| error("53000", none.to_string()))
    }
}

/// Rows that go from thread to thread together.
const ROWS: usize = 512;

/// The same response, whose rows are made by the runtime `engine`. So this runtime is free to hear
/// of cancellations. The rows end in an error if the query is ended.
pub(crate) fn until(response: Response, ending: &Ending, engine: &Handle) -> Response {
    match response {
        Response::Query(mut query) => {
            let made = std::mem::replace(&mut query.data_rows, Box::pin(stream::empty()));
            query.data_rows = Box::pin(made_elsewhere(made, ending, engine, ROWS));
            Response::Query(query)
        }
        Response::CopyOut(mut copy) => {
            let made = std::mem::replace(&mut copy.data_stream, Box::pin(stream::empty()));
            copy.data_stream = Box::pin(made_elsewhere(made, ending, engine, ROWS));
            Response::CopyOut(copy)
        }
        other => other,
    }
}

/// What `made` gives, made by the runtime `engine` as long as it is taken. At most `together` of
/// them go from thread to thread at once. It ends in an error if the query is ended.
pub(crate) fn made_elsewhere<T: Send + 'static>(
    made: impl Stream<Item = PgWireResult<T>> + Send + 'static,
    ending: &Ending,
    engine: &Handle,
    together: usize,
) -> impl Stream<Item = PgWireResult<T>> + Send + 'static {
    let (put, take) = mpsc::channel(2);
    let mut tasks = JoinSet::new();
    tasks.spawn_on(
        async move {
            let mut made = Box::pin(made.ready_chunks(together));
            while let Some(rows) = made.next().await {
                if put.send(rows).await.is_err() {
                    break;
                }
            }
        },
        engine,
    );
    // The task ends with the set, when nobody wants more rows.
    let state = Some((take, tasks, ending.clone()));
    let rows = stream::unfold(state, |state| async move {
        let (mut take, mut tasks, mut ending) = state?;
        match ending.or(take.recv()).await {
            Ok(Some(rows)) => Some((rows, Some((take, tasks, ending)))),
            Ok(None) => match tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => Some((vec![Err(broken())], None)),
                _ => None,
            },
            Err(error) => Some((vec![Err(error)], None)),
        }
    });
    rows.flat_map(stream::iter)
}

fn broken() -> PgWireError {
    error("XX000", "the query broke the engine; others go on".to_owned())
}
