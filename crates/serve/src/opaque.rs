//! What the compiler need not look into.
//!
//! Every asynchronous method must be shown to be safe to send between threads. For those of
//! `async_trait` that is shown anew each time, down to the last field of the engine's session, which
//! takes seconds of compiling a method. Of a trait object it is known.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

trait Holds<T> {
    fn held(&self) -> &T;
}

impl<T> Holds<T> for T {
    fn held(&self) -> &T {
        self
    }
}

/// A shared value whose fields stay unknown.
pub(crate) struct Opaque<T>(Arc<dyn Holds<T> + Send + Sync>);

impl<T: Send + Sync + 'static> Opaque<T> {
    /// Shares `value`.
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for Opaque<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Opaque<T> {
    type Target = T;

    fn deref(&self) -> &T {
        (*self.0).held()
    }
}

impl<T: fmt::Debug> fmt::Debug for Opaque<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
