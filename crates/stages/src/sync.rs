//! Locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, whoever panicked while holding it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
