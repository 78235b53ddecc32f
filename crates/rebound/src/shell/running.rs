//! A query that runs beside the shell, which can stop it.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use query::{QueryError, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;

/// How often a running query is asked whether it should go on.
const HEED: Duration = Duration::from_millis(5);

/// How soon it is looked again whether there are rows; later and later where there are none.
const SHORTEST: Duration = Duration::from_micros(50);

/// Why there are no further rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Ctrl-C was pressed.
    #[error("stopped")]
    Stopped,
    /// Its task broke.
    #[error("the query ended without an answer: a fault of the program")]
    Broken,
}

/// What a query sends: its columns first, then its rows.
enum Message {
    Schema(SchemaRef),
    Rows(RecordBatch),
    End,
}

/// A query that is running. It ends when this is dropped.
pub(super) struct Running {
    /// Its columns.
    pub(super) schema: SchemaRef,
    rows: Receiver<Result<Message, QueryError>>,
    task: JoinHandle<()>,
    is_stopped: Arc<AtomicBool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the query sends next. Threads of the runtime may all be at work, so that none would wake who waits there.
fn next(
    is_stopped: &AtomicBool,
    rows: &mut Receiver<Result<Message, QueryError>>,
) -> Result<Message, Ended> {
    let mut pause = SHORTEST;
    loop {
        match rows.try_recv() {
            Ok(found) => return Ok(found?),
            Err(TryRecvError::Disconnected) => return Err(Ended::Broken),
            Err(TryRecvError::Empty) if is_stopped.load(Ordering::Relaxed) => {
                return Err(Ended::Stopped);
            }
            Err(TryRecvError::Empty) => std::thread::sleep(pause),
        }
        pause = HEED.min(pause * 2);
    }
}

impl Running {
    /// Starts a query.
    pub(super) fn start(
        runtime: &Runtime,
        session: &Arc<Session>,
        sql: &str,
        is_stopped: &Arc<AtomicBool>,
    ) -> Result<Self, Ended> {
        // A batch ahead: what is not asked for is not made.
        let (sender, mut rows) = mpsc::channel(1);
        let (session, text) = (Arc::clone(session), sql.to_owned());
        let task = runtime.spawn(async move {
            let failed = async {
                let mut rows = session.open(&text).await?;
                // Who hears nothing has gone.
                let mut is_heard =
                    sender.send(Ok(Message::Schema(Arc::clone(&rows.schema)))).await.is_ok();
                while is_heard && let Some(batch) = rows.next().await? {
                    is_heard = sender.send(Ok(Message::Rows(batch))).await.is_ok();
                }
                Ok::<_, QueryError>(())
            };
            let last = failed.await.map(|()| Message::End);
            let _ = sender.send(last).await;
        });
        let begun = next(is_stopped, &mut rows);
        match begun {
            Ok(Message::Schema(schema)) => {
                Ok(Self { schema, rows, task, is_stopped: Arc::clone(is_stopped) })
            }
            Ok(_) => Err(Ended::Broken),
            Err(error) => {
                task.abort();
                Err(error)
            }
        }
    }

    /// The next rows; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, Ended> {
        match next(&self.is_stopped, &mut self.rows)? {
            Message::Rows(batch) => Ok(Some(batch)),
            Message::Schema(_) | Message::End => Ok(None),
        }
    }
}
