//! Memory of pages and columns that is used again: fresh memory costs more than what is put there.

use bytes::Bytes;
use std::sync::{Mutex, PoisonError};

/// How many wait to be used again.
const MOST_SPARE: usize = 64;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// No bytes, with room for `n`.
pub(crate) fn take(n: usize) -> Vec<u8> {
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    let rooms = spare.iter().map(Vec::capacity).enumerate();
    match rooms.filter(|(_, room)| *room >= n).min_by_key(|(_, room)| *room) {
        Some((at, _)) => spare.swap_remove(at),
        None => Vec::with_capacity(n),
    }
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
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE {
            self.0.clear();
            spare.push(std::mem::take(&mut self.0));
        }
    }
}
