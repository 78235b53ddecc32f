//! Memory that is used again: fresh memory costs more than what is put there.

use bytes::Bytes;
use std::sync::{Mutex, PoisonError};

/// Values whose memory waits to be used again, from any thread.
#[derive(Debug)]
pub struct Pool<T> {
    spare: Mutex<Vec<T>>,
    most: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::of_at_most(usize::MAX)
    }
}

impl<T> Pool<T> {
    /// An empty one, of which at most so many values wait.
    pub const fn of_at_most(most: usize) -> Self {
        Self { spare: Mutex::new(Vec::new()), most }
    }

    /// The value that was given back last, if one waits.
    pub fn take(&self) -> Option<T> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// The value for which `size` is smallest, of those for which it is at least `least`.
    fn take_smallest(&self, least: usize, size: impl Fn(&T) -> usize) -> Option<T> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let sizes = spare.iter().map(size).enumerate();
        let (at, _) = sizes.filter(|(_, size)| *size >= least).min_by_key(|(_, size)| *size)?;
        Some(spare.swap_remove(at))
    }

    /// Gives a value back that nobody needs any more.
    pub fn recycle(&self, used: T) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < self.most {
            spare.push(used);
        }
    }
}

/// Bytes of pages and columns.
static BYTES: Pool<Vec<u8>> = Pool::of_at_most(64);

/// No bytes, with room for `n`.
pub(crate) fn take(n: usize) -> Vec<u8> {
    BYTES.take_smallest(n, Vec::capacity).unwrap_or_else(|| Vec::with_capacity(n))
}

/// Bytes whose memory [`take`] gives again once nobody needs them.
pub(crate) fn recycle(bytes: Vec<u8>) -> Bytes {
    Bytes::from_owner(Recycled(bytes))
}

struct Recycled(Vec<u8>);

impl AsRef<[u8]> for Recycled {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        self.0.clear();
        BYTES.recycle(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_taken_again_and_no_more_than_may_wait() {
        let pool: Pool<Vec<u8>> = Pool::of_at_most(2);
        assert_eq!(pool.take(), None);
        for room in [300, 100, 200] {
            pool.recycle(Vec::with_capacity(room));
        }
        assert_eq!(pool.take_smallest(400, Vec::capacity), None);
        let found = pool.take_smallest(50, Vec::capacity).expect("one with room");
        assert!((100..300).contains(&found.capacity()), "the smallest that has room");
        assert!(pool.take().is_some_and(|left| left.capacity() >= 300));
        assert_eq!(pool.take(), None, "the third was not kept");
    }
}
