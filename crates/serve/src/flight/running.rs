//! Queries that run, by the names that clients cancel them by.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Those that run.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<BTreeMap<String, watch::Sender<()>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Query {
    all: Arc<Running>,
    name: String,
    /// What ends it when it is sent to.
    pub(crate) cancel: watch::Sender<()>,
}

impl Running {
    /// Another one. One that a client asks for again while it runs is cancelled with the first.
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> Query {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cancel = all.entry(name.to_owned()).or_insert_with(|| watch::Sender::new(())).clone();
        Query { all: Arc::clone(self), name: name.to_owned(), cancel }
    }

    /// Cancels the query `name`; whether it runs.
    pub(crate) fn cancel(&self, name: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).is_some_and(|cancel| cancel.send(()).is_ok())
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cancel.receiver_count() == 0 {
            all.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_known_as_long_as_they_run() {
        let running = Arc::new(Running::default());
        assert!(!running.cancel("one"));
        let query = running.begin("one");
        let ending = query.cancel.subscribe();
        assert!(running.cancel("one") && ending.has_changed().expect("it runs"));
        assert!(!running.cancel("two"));
        drop(ending);
        drop(query);
        assert!(!running.cancel("one"));
        assert!(running.0.lock().expect("not poisoned").is_empty());
    }
}
