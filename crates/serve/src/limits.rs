//! What a query may use: memory of its own within that of the server, and time.

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use datafusion_postgres::pgwire::api::results::Response;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use futures::StreamExt;
use futures::stream;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The memory of one connection, which runs one query at a time, taken out of the server's.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: usize,
    used: AtomicUsize,
    server: Arc<dyn MemoryPool>,
}

impl Quota {
    /// Of `limit` bytes, as long as `server` has them.
    pub(crate) fn new(limit: usize, server: Arc<dyn MemoryPool>) -> Self {
        Self { limit, used: AtomicUsize::new(0), server }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quota of {} bytes", self.limit)
    }
}

impl MemoryPool for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.server.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.server.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let fits = |used: usize| used.checked_add(additional).filter(|&sum| sum <= self.limit);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return Err(resources_datafusion_err!(
                "a query may use {} MiB of memory here and this one needs more: read fewer rows or columns, or ask for the server to be started with more --memory-mib",
                self.limit >> 20
            ));
        }
        self.server.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

/// How a query ends before it is done.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    limit: Duration,
    deadline: Instant,
    cancelled: watch::Receiver<()>,
}

impl Ending {
    /// `limit` from now, or when `cancel` sends.
    pub(crate) fn new(limit: Duration, cancel: &watch::Sender<()>) -> Self {
        Self { limit, deadline: Instant::now() + limit, cancelled: cancel.subscribe() }
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
    PgWireError::UserError(Box::new(ErrorInfo::new(
        "ERROR".to_owned(),
        "57014".to_owned(),
        format!("canceling statement due to {why}"),
    )))
}

/// The same response, whose rows end in an error if the query is ended.
pub(crate) fn until(response: Response, ending: &Ending) -> Response {
    let Response::Query(mut query) = response else { return response };
    let rows = std::mem::replace(&mut query.data_rows, Box::pin(stream::empty()));
    let rows = Some((rows, ending.clone()));
    query.data_rows = Box::pin(stream::unfold(rows, |rows| async move {
        let (mut rows, mut ending) = rows?;
        match ending.or(rows.next()).await {
            Ok(Some(row)) => Some((row, Some((rows, ending)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }));
    Response::Query(query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer};

    #[test]
    fn a_query_gets_its_quota_and_the_server_what_all_have() {
        let server: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(150));
        let quota = || Arc::new(Quota::new(100, Arc::clone(&server))) as Arc<dyn MemoryPool>;
        let (one, two) = (quota(), quota());
        let first = MemoryConsumer::new("first").register(&one);
        let second = MemoryConsumer::new("second").register(&two);
        first.try_grow(80).expect("within both");
        assert!(first.try_grow(30).is_err(), "beyond its own");
        assert!(second.try_grow(80).is_err(), "beyond the server's");
        assert_eq!((one.reserved(), two.reserved(), server.reserved()), (80, 0, 80));
        second.try_grow(70).expect("what is left");
        first.free();
        second.try_grow(30).expect("what the first gave back");
        assert_eq!((one.reserved(), server.reserved()), (0, 100));
    }
}
