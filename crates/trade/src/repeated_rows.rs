//! Rows that are repeated to the last field: how many, in bounded memory.
//!
//! A hash decides of each row whether it is kept, so rows that are the same are all kept or all
//! left. While the rows that are kept are few, these are all rows, and what is said of them is exact.
//! Beyond [`EXACT_ROWS`] different ones half of them are left, by one more bit of the hash, as often as
//! needed; what is said is then an estimate. Which rows are left in the end depends on the rows alone,
//! not on their order and not on how they were divided.

use crate::Money;
use foldhash::quality::FixedState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

/// Rows that are all kept; of more, about half as many to as many.
pub const EXACT_ROWS: usize = 1 << 12;

/// Bits beyond which no more are looked at.
const MOST_BITS: u32 = 32;

const STATE: FixedState = FixedState::with_seed(0);

/// The hash of a row, by its bytes or by those of its fields.
#[inline]
pub fn row_hash<'r>(parts: impl IntoIterator<Item = &'r [u8]>) -> u64 {
    let mut hasher = STATE.build_hasher();
    for part in parts {
        hasher.write(part);
    }
    hasher.finish()
}

/// How often a row was met, and what it is worth once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Met {
    n: u64,
    value: Money,
}

/// Rows that stand for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSample {
    /// Bits of a hash that are zero, of rows that are kept.
    level: u32,
    rows: BTreeMap<u64, Met>,
}

/// Rows that were there before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Repeated {
    /// How many.
    pub n_rows: u64,
    /// What they are worth together.
    pub value: f64,
}

impl RowSample {
    /// No rows yet, where a sample of other rows of the same table has come to this
    /// [level](Self::level).
    pub fn at(level: u32) -> Self {
        Self { level, rows: BTreeMap::new() }
    }

    /// Bits of a hash that are zero, of rows that are kept.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// Adds a row.
    #[inline]
    pub fn add(&mut self, hash: u64, value: Money) {
        if hash.trailing_zeros() >= self.level {
            self.keep(hash, Met { n: 1, value });
            self.thin();
        }
    }

    fn keep(&mut self, hash: u64, met: Met) {
        let known = self.rows.entry(hash).or_insert(Met { n: 0, ..met });
        known.n += met.n;
    }

    fn thin(&mut self) {
        while self.rows.len() > EXACT_ROWS && self.level < MOST_BITS {
            self.raise(self.level + 1);
        }
    }

    fn raise(&mut self, level: u32) {
        if level > self.level {
            self.level = level;
            self.rows.retain(|hash, _| hash.trailing_zeros() >= level);
        }
    }

    /// Adds the rows of another.
    pub fn add_all(&mut self, other: &Self) {
        self.raise(other.level);
        for (hash, met) in &other.rows {
            if hash.trailing_zeros() >= self.level {
                self.keep(*hash, *met);
            }
        }
        self.thin();
    }
}

/// The rows of each table that were there before, in it or in a table before it.
pub fn repeated(tables: &[&RowSample]) -> Vec<Repeated> {
    let mut all = RowSample::default();
    tables.iter().for_each(|table| all.add_all(table));
    // What is counted of one must be counted of the others.
    let mut met = RowSample::at(all.level);
    let of_table = |table: &&RowSample| {
        let mut found = Repeated::default();
        let kept = table.rows.iter().filter(|(hash, _)| hash.trailing_zeros() >= all.level);
        for (hash, of_row) in kept {
            let n = of_row.n - u64::from(!met.rows.contains_key(hash));
            met.keep(*hash, *of_row);
            found.n_rows += n << all.level;
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let times = (n << all.level) as f64;
            found.value += times * of_row.value.to_f64();
        }
        found
    };
    tables.iter().map(of_table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(row: u64) -> u64 {
        row_hash([row.to_string().as_bytes()])
    }

    /// `rows` in samples of so many rows each.
    fn samples(rows: &[u64], n: usize) -> RowSample {
        let mut all = RowSample::default();
        for rows in rows.chunks(n) {
            let mut one = RowSample::at(all.level());
            rows.iter().for_each(|row| one.add(hash(*row), Money::from_hundredths(250)));
            all.add_all(&one);
        }
        all
    }

    #[test]
    fn few_rows_are_counted_exactly() {
        let sample = samples(&[1, 2, 3, 2, 2], 2);
        assert_eq!(repeated(&[&sample]), [Repeated { n_rows: 2, value: 5.0 }]);
        let other = samples(&[4, 3, 4], 3);
        let found = repeated(&[&sample, &other]);
        // One of the first table, and one of its own.
        assert_eq!(found[1], Repeated { n_rows: 2, value: 5.0 });
        assert_eq!(repeated(&[&samples(&[1, 2, 3], 1)]), [Repeated::default()]);
        assert!(repeated(&[]).is_empty());
    }

    #[test]
    fn many_rows_are_estimated_however_they_are_divided() {
        // 400,000 rows, of which 100,000 are there twice.
        let rows: Vec<u64> = (0..400_000_u64).chain(0..100_000).collect();
        let whole = samples(&rows, rows.len());
        assert!(whole.level() >= 4 && whole.rows.len() <= EXACT_ROWS);
        let turned: Vec<u64> = rows.iter().rev().copied().collect();
        assert_eq!(samples(&turned, 7_777), whole);
        assert_eq!(samples(&rows, 100_000), whole);
        let found = repeated(&[&whole])[0];
        assert!((90_000..110_000).contains(&found.n_rows), "{found:?}");
    }

    #[test]
    fn one_row_over_and_over_is_one_row() {
        let rows = vec![7; 100_000];
        let sample = samples(&rows, 1_000);
        assert_eq!((sample.level(), sample.rows.len()), (0, 1));
        assert_eq!(repeated(&[&sample])[0].n_rows, 99_999);
    }
}
