//! Sums by key.

use super::super::record_store::{NO_WORD, Texts};
use lake::NO_COUNT;

/// Most keys that have a place each in a [`SumTable`].
const MOST_PLACES: u64 = 1 << 14;

/// Sums by key, which come out in the order of their keys. Few different keys have a place each,
/// and a bit that says whether there is a sum; of more, what is added is sorted.
#[derive(Debug, Default)]
pub(super) struct SumTable {
    places: Vec<i128>,
    is_there: Vec<u64>,
    added: Vec<(u64, i128)>,
}

impl SumTable {
    /// The keys to come are below `n`.
    pub(super) fn begin(&mut self, n: u64) {
        let n = usize::try_from(n).ok().filter(|_| n <= MOST_PLACES).unwrap_or(0);
        if self.places.len() != n {
            self.places = vec![0; n];
            self.is_there = vec![0; n.div_ceil(64)];
        }
    }

    /// Adds a value.
    #[inline]
    pub(super) fn add(&mut self, key: u64, value: i64) {
        self.add_sum(key, i128::from(value));
    }

    /// Adds a sum of values.
    #[inline]
    pub(super) fn add_sum(&mut self, key: u64, value: i128) {
        let at = usize::try_from(key).unwrap_or(usize::MAX);
        match self.places.get_mut(at) {
            Some(sum) => {
                *sum += value;
                self.is_there[at / 64] |= 1 << (at % 64);
            }
            None => self.added.push((key, value)),
        }
    }

    /// Sums values by word, leaving out those without one, and takes the sums out by the words'
    /// places.
    #[inline]
    pub(super) fn of_words(
        &mut self,
        texts: &Texts,
        values: impl Iterator<Item = (u32, i64)>,
        each: impl FnMut(u64, i128),
    ) -> i64 {
        for (word, value) in values {
            let place = texts.place(word);
            if place != NO_WORD {
                self.add(u64::from(place), value);
            }
        }
        self.drain(each)
    }

    /// Takes the sums out; how many there are, [`NO_COUNT`] for none.
    #[inline]
    pub(super) fn drain(&mut self, mut each: impl FnMut(u64, i128)) -> i64 {
        let mut n = 0;
        for (first, bits) in (0_u64..).step_by(64).zip(&mut self.is_there) {
            while *bits != 0 {
                let key = first + u64::from(bits.trailing_zeros());
                *bits &= *bits - 1;
                let sum = &mut self.places[usize::try_from(key).unwrap_or(0)];
                each(key, std::mem::take(sum));
                n += 1;
            }
        }
        if !self.added.is_empty() {
            self.added.sort_unstable_by_key(|(key, _)| *key);
            for of_key in self.added.chunk_by(|a, b| a.0 == b.0) {
                each(of_key[0].0, of_key.iter().map(|(_, value)| value).sum());
                n += 1;
            }
            self.added.clear();
        }
        if n == 0 { NO_COUNT } else { n }
    }
}
