//! Categories of rows: fixed effects and clusters.

use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Rows or cells whose work is one piece; pieces are put together in their order, whatever the
/// number of threads.
pub(crate) const ROWS_A_PIECE: usize = 1 << 15;

/// Numbers of rows in the order of the rows' levels, those of one level in the order of the rows.
struct InOrder {
    /// Where those of each level start, and after the last where they end.
    starts: Vec<u32>,
    /// A number and the row that it is of, as [`both`] puts them together. They are shared by the
    /// threads that put them there.
    numbers: Vec<AtomicU64>,
}

/// A category of each row: `of_row[i] < n_levels`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// The level of each row.
    pub of_row: Vec<u32>,
    /// How many levels there are.
    pub n_levels: usize,
}

impl Factor {
    /// Levels numbered anew, in their old order, without those that no row has.
    pub fn compact(&mut self) {
        let mut numbers = vec![u32::MAX; self.n_levels];
        for &level in &self.of_row {
            numbers[level as usize] = 0;
        }
        let mut n = 0;
        for number in numbers.iter_mut().filter(|number| **number == 0) {
            *number = n;
            n += 1;
        }
        if n as usize != self.n_levels {
            self.of_row.iter_mut().for_each(|level| *level = numbers[*level as usize]);
            self.n_levels = n as usize;
        }
    }

    /// One level for each combination of levels that occurs, in the order of the levels.
    pub fn combine(factors: &[&Self]) -> Self {
        match factors {
            [] => Self { of_row: Vec::new(), n_levels: 0 },
            [one] => (*one).clone(),
            [first, others @ ..] => {
                let crossed = Crossed::of(first, others);
                let numbers: Vec<u32> = (0u32..).take(crossed.n()).collect();
                Self { of_row: crossed.to_rows(&numbers), n_levels: numbers.len() }
            }
        }
    }

    /// A number below `2^32` of each row, in the order of their levels.
    fn in_order(&self, number: impl Fn(usize) -> u64 + Sync) -> InOrder {
        // Each piece counts its own rows, so that it knows where to put them.
        let n_pieces = rayon::current_num_threads();
        let n_pieces = n_pieces.min(self.of_row.len() / self.n_levels.max(1)).max(1);
        let rows_a_piece = self.of_row.len().div_ceil(n_pieces).max(1);
        let mut next: Vec<Vec<u32>> =
            self.of_row.par_chunks(rows_a_piece).map(|levels| self.counts(levels)).collect();
        let mut starts = Vec::with_capacity(self.n_levels + 1);
        let mut n = 0;
        for level in 0..self.n_levels {
            starts.push(n);
            for next in &mut next {
                let start = n;
                n += next[level];
                next[level] = start;
            }
        }
        starts.push(n);
        let n_rows = self.of_row.len();
        let numbers: Vec<AtomicU64> =
            (0..n_rows).into_par_iter().map(|_| AtomicU64::default()).collect();
        let pieces = self.of_row.par_chunks(rows_a_piece).zip(next).enumerate();
        pieces.for_each(|(piece, (levels, mut next))| {
            for (row, &level) in (piece * rows_a_piece..).zip(levels) {
                let place = &mut next[level as usize];
                numbers[*place as usize].store(both(number(row), row), Ordering::Relaxed);
                *place += 1;
            }
        });
        InOrder { starts, numbers }
    }

    /// How many of some rows are in each level.
    fn counts(&self, levels: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.n_levels];
        levels.iter().for_each(|&level| counts[level as usize] += 1);
        counts
    }

    /// Whether all rows of each of its levels are in one level of `other`.
    pub fn is_nested_in(&self, other: &Self) -> bool {
        let mut of_level = vec![u32::MAX; self.n_levels];
        self.of_row.iter().zip(&other.of_row).all(|(&level, &cluster)| {
            let known = &mut of_level[level as usize];
            if *known == u32::MAX {
                *known = cluster;
            }
            *known == cluster
        })
    }

    /// The sum of `values` in each level.
    pub fn sums(&self, values: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.n_levels];
        for (row, &level) in self.of_row.iter().enumerate() {
            sums[level as usize] += values(row);
        }
        sums
    }
}

/// The combinations of levels that occur, in the order of the levels.
#[derive(Debug)]
pub(crate) struct Crossed {
    /// The rows in the order of their combinations, those of one combination in their own order.
    pub(crate) rows: Vec<u32>,
    /// Where among these those of each combination start, and after the last where they end.
    pub(crate) row_starts: Vec<u32>,
    /// Where the combinations of each level of the first factor start, and after the last where
    /// they end.
    pub(crate) starts: Vec<u32>,
}

impl Crossed {
    /// The combinations of levels of `first` and of `others`; without others, its own levels.
    pub(crate) fn of(first: &Factor, others: &[&Factor]) -> Self {
        if others.is_empty() {
            let InOrder { starts: row_starts, numbers } = first.in_order(|_| 0);
            let rows = numbers.into_par_iter().map(|of| low(of.into_inner())).collect();
            let starts = (0..row_starts.len()).map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            return Self { rows, starts: starts.collect(), row_starts };
        }
        let numbered = numbered(others);
        let number = |row: usize| {
            numbered.iter().fold(0, |number, factor| {
                number * factor.n_levels as u64 + u64::from(factor.of_row[row])
            })
        };
        let InOrder { starts: of_level, numbers } = first.in_order(number);
        let mut rows = vec![0; numbers.len()];
        let found: Vec<CrossedPart> = by_pieces(&mut rows, &pieces(&of_level), &of_level)
            .into_par_iter()
            .map(|(levels, rows)| CrossedPart::of(levels, rows, &of_level, &numbers))
            .collect();
        let mut row_starts = Vec::with_capacity(found.iter().map(|of| of.row_starts.len()).sum());
        let (mut starts, mut n_rows) = (vec![0u32], 0);
        for part in found {
            let before = starts.last().copied().unwrap_or(0);
            starts.extend(part.ends.iter().map(|end| before + end));
            row_starts.extend(part.row_starts.iter().map(|start| n_rows + start));
            n_rows += part.n_rows;
        }
        row_starts.push(n_rows);
        Self { rows, row_starts, starts }
    }

    /// How many there are.
    pub(crate) fn n(&self) -> usize {
        self.row_starts.len() - 1
    }

    /// Where the rows of a combination are among all.
    pub(crate) fn range_of(&self, combination: usize) -> Range<usize> {
        self.row_starts[combination] as usize..self.row_starts[combination + 1] as usize
    }

    /// The rows of a combination, at least one where it is one of several factors.
    pub(crate) fn rows_of(&self, combination: usize) -> &[u32] {
        &self.rows[self.range_of(combination)]
    }

    /// What each row has of `values`, one a combination.
    pub(crate) fn to_rows<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut of_row = vec![T::default(); self.rows.len()];
        for (combination, value) in values.iter().enumerate() {
            self.rows_of(combination).iter().for_each(|&row| of_row[row as usize] = *value);
        }
        of_row
    }

    /// The combination of each row. They are shared by the threads that put them there.
    pub(crate) fn of_rows(&self) -> Vec<AtomicU32> {
        let of_row: Vec<AtomicU32> =
            (0..self.rows.len()).into_par_iter().map(|_| AtomicU32::default()).collect();
        (0..self.n()).into_par_iter().for_each(|at| {
            let combination = u32::try_from(at).unwrap_or(u32::MAX);
            for &row in self.rows_of(at) {
                of_row[row as usize].store(combination, Ordering::Relaxed);
            }
        });
        of_row
    }
}

/// The combinations of some levels of the first factor.
struct CrossedPart {
    n_rows: u32,
    /// Where those of each level end, counted from the first of these levels.
    ends: Vec<u32>,
    /// Where the rows of each start, counted from the first of these.
    row_starts: Vec<u32>,
}

impl CrossedPart {
    /// Puts the rows of `levels` into `rows`, in the order of combinations.
    fn of(levels: Range<usize>, rows: &mut [u32], of_level: &[u32], numbers: &[AtomicU64]) -> Self {
        cancel::check();
        let (mut ends, mut row_starts) = (Vec::with_capacity(levels.len()), Vec::new());
        let (mut n, mut n_rows) = (0u32, 0u32);
        let mut keys: Vec<u64> = Vec::new();
        let mut rest = rows;
        for level in levels {
            let of_level = of_level[level] as usize..of_level[level + 1] as usize;
            let (rows, after) = std::mem::take(&mut rest).split_at_mut(of_level.len());
            rest = after;
            keys.clear();
            keys.extend(numbers[of_level].iter().map(|number| number.load(Ordering::Relaxed)));
            keys.sort_unstable();
            let mut before = None;
            for (row, &key) in rows.iter_mut().zip(&keys) {
                let number = high(key);
                if before != Some(number) {
                    before = Some(number);
                    n += 1;
                    row_starts.push(n_rows);
                }
                *row = low(key);
                n_rows += 1;
            }
            ends.push(n);
        }
        Self { n_rows, ends, row_starts }
    }
}

/// Factors with the combinations of levels of `others`, in their order, which `u32` numbers.
fn numbered<'f>(others: &[&'f Factor]) -> Vec<Cow<'f, Factor>> {
    let mut numbered: Vec<Cow<'f, Factor>> =
        others.iter().map(|factor| Cow::Borrowed(*factor)).collect();
    let is_numbered = |factors: &[Cow<'f, Factor>]| {
        let n = factors.iter().try_fold(1u64, |n, factor| n.checked_mul(factor.n_levels as u64));
        n.is_some_and(|n| n <= 1 << 32)
    };
    while !is_numbered(&numbered)
        && let [.., a, b] = numbered.as_slice()
    {
        // Those that occur are no more than the rows.
        let both = Factor::combine(&[a.as_ref(), b.as_ref()]);
        numbered.truncate(numbered.len() - 2);
        numbered.push(Cow::Owned(both));
    }
    numbered
}

/// A number below `2^32` and a row in one: they are in the order of the numbers, those of one number
/// in the order of the rows.
fn both(number: u64, row: usize) -> u64 {
    number << 32 | row as u64
}

/// The upper half of a number.
fn high(number: u64) -> u32 {
    u32::try_from(number >> 32).unwrap_or(u32::MAX)
}

/// The lower half of a number.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// First and last level of pieces of work, by where the rows or cells of each level start.
pub(crate) fn pieces(starts: &[u32]) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in 1..starts.len() {
        if (starts[to] - starts[from]) as usize >= ROWS_A_PIECE || to + 1 == starts.len() {
            pieces.push((from, to));
            from = to;
        }
    }
    pieces
}

/// The values of each of `pieces`, of which those of a level start at its place in `starts`.
pub(crate) fn by_pieces<'v, T>(
    mut values: &'v mut [T],
    pieces: &[(usize, usize)],
    starts: &[u32],
) -> Vec<(Range<usize>, &'v mut [T])> {
    let mut parts = Vec::with_capacity(pieces.len());
    for &(from, to) in pieces {
        let n = (starts[to] - starts[from]) as usize;
        let (part, after) = std::mem::take(&mut values).split_at_mut(n);
        parts.push((from..to, part));
        values = after;
    }
    parts
}

/// For each factor, another whose levels are nested in its own and which therefore explains all
/// that it does; `None` if there is no such other. Of two with the same levels the first stays.
pub(crate) fn absorbed_by(factors: &[&Factor]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..factors.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(factors[at].n_levels));
    let mut by = vec![None; factors.len()];
    let mut kept: Vec<usize> = Vec::new();
    for at in order {
        by[at] = kept.iter().copied().find(|&finer| factors[finer].is_nested_in(factors[at]));
        if by[at].is_none() {
            kept.push(at);
        }
    }
    by
}

/// The factors at `places`.
pub(crate) fn chosen<'f>(places: &[usize], factors: &'f [Factor]) -> Vec<&'f Factor> {
    places.iter().map(|&at| &factors[at]).collect()
}

/// The factors that no other explains.
pub(crate) fn finest<'f>(factors: &[&'f Factor]) -> Vec<&'f Factor> {
    let by = absorbed_by(factors);
    factors.iter().zip(by).filter(|(_, by)| by.is_none()).map(|(factor, _)| *factor).collect()
}

/// How many sets of rows hang together by sharing a level of either factor.
///
/// The dummies of both have a rank of their levels less this number (Abowd, Creecy & Kramarz 2002).
pub(crate) fn n_components(a: &Factor, b: &Factor) -> usize {
    let mut parents: Vec<usize> = (0..a.n_levels + b.n_levels).collect();
    fn root(parents: &mut [usize], mut at: usize) -> usize {
        while parents[at] != at {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        at
    }
    let mut n = parents.len();
    for (&of_a, &of_b) in a.of_row.iter().zip(&b.of_row) {
        let one = root(&mut parents, of_a as usize);
        let other = root(&mut parents, a.n_levels + of_b as usize);
        if one != other {
            parents[one.max(other)] = one.min(other);
            n -= 1;
        }
    }
    n
}

/// Which rows stay when, again and again, rows alone in a level of some factor are left out; `None`
/// if all do.
///
/// A row alone in its level is fitted exactly and tells nothing of the coefficients (Correia 2015).
pub(crate) fn without_singletons(factors: &[&Factor]) -> Option<Vec<bool>> {
    let n = factors.first()?.of_row.len();
    let mut counts: Vec<Vec<u32>> =
        factors.par_iter().map(|factor| factor.counts(&factor.of_row)).collect();
    let has_singletons = |counts: &[Vec<u32>]| counts.iter().any(|counts| counts.contains(&1));
    if !has_singletons(&counts) {
        return None;
    }
    let mut keep = vec![true; n];
    while has_singletons(&counts) {
        cancel::check();
        for (row, keep) in keep.iter_mut().enumerate().filter(|(_, keep)| **keep) {
            let mut levels = factors.iter().zip(&counts);
            if levels.any(|(factor, counts)| counts[factor.of_row[row] as usize] == 1) {
                *keep = false;
                for (factor, counts) in factors.iter().zip(&mut counts) {
                    counts[factor.of_row[row] as usize] -= 1;
                }
            }
        }
    }
    Some(keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N_ROWS: u32 = 5_000;

    /// A factor of `n_levels`, of which some occur, by a rule that mixes rows.
    fn factor(step: u32, n_levels: u32) -> Factor {
        let level = |row: u32| row.wrapping_mul(step) / 7 % n_levels;
        Factor { of_row: (0..N_ROWS).map(level).collect(), n_levels: n_levels as usize }
    }

    #[test]
    fn combinations_are_those_that_occur_in_the_order_of_the_levels() {
        let few = [factor(31, 90), factor(13, 12), factor(57, 5)];
        // More combinations than `u32` counts.
        let many = [40_000, 4_000_001, 4_000_000, 3].map(|n| factor(2_654_435_761, n));
        for factors in [&few[..2], &few[..], &many[..]] {
            let others: Vec<&Factor> = factors[1..].iter().collect();
            let crossed = Crossed::of(&factors[0], &others);
            let combined = Factor::combine(&factors.iter().collect::<Vec<_>>());
            let (of_row, n_found) = (combined.of_row, crossed.n());
            let Crossed { rows, row_starts, starts } = crossed;
            let levels = |row: u32| factors.iter().map(move |of| of.of_row[row as usize]);
            let mut in_order: Vec<u32> = (0..N_ROWS).collect();
            in_order.sort_by(|&a, &b| levels(a).cmp(levels(b)));
            let mut n = 0;
            for (at, &row) in in_order.iter().enumerate() {
                n += u32::from(at == 0 || !levels(row).eq(levels(in_order[at - 1])));
                assert_eq!(of_row[row as usize], n - 1);
                assert_eq!(rows[at], row);
                let of_same = row_starts[n as usize - 1]..row_starts[n as usize];
                assert!(of_same.contains(&u32::try_from(at).unwrap()));
                let of_first = factors[0].of_row[row as usize] as usize;
                assert!((starts[of_first]..starts[of_first + 1]).contains(&(n - 1)));
            }
            assert_eq!(n_found, n as usize);
            assert_eq!(starts.len(), factors[0].n_levels + 1);
            assert_eq!(combined.n_levels, n as usize);
        }
    }

    #[test]
    fn singletons_that_follow_one_from_the_other_are_left_out() {
        // A path whose ends are alone, backwards and forwards, beside pairs that stay.
        let path = 2_001_u32;
        for forwards in [false, true] {
            let at = |row: u32| if forwards { row } else { path - 1 - row };
            let of = |level: &dyn Fn(u32) -> u32| -> Vec<u32> {
                let pairs = (0..8).map(|pair| path + pair / 4);
                (0..path).map(|row| level(at(row))).chain(pairs).collect()
            };
            let n_levels = path as usize + 2;
            let a = Factor { of_row: of(&|row| row.div_ceil(2)), n_levels };
            let b = Factor { of_row: of(&|row| row / 2), n_levels };
            let keep = without_singletons(&[&a, &b]).expect("some");
            let expected: Vec<bool> = (0..path + 8).map(|row| row >= path).collect();
            assert_eq!(keep, expected);
        }
        let pairs = Factor { of_row: vec![0, 0, 1, 1], n_levels: 2 };
        assert_eq!(without_singletons(&[&pairs]), None);
    }
}
