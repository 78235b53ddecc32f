//! Categories of rows: fixed effects and clusters.

use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Rows or cells whose work is one piece; pieces are put together in their order, whatever the
/// number of threads.
const ROWS_A_PIECE: usize = 1 << 15;

/// Rows in the order of their levels.
pub(crate) struct Sorted {
    /// Where the rows of each level start, and after the last where they end.
    pub(crate) starts: Vec<usize>,
    /// The rows.
    pub(crate) rows: Vec<u32>,
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
                Self { n_levels: crossed.rows.len(), of_row: crossed.of_row }
            }
        }
    }

    /// Rows in the order of their levels.
    #[expect(clippy::cast_possible_truncation, reason = "rows are counted by u32")]
    pub(crate) fn sorted(&self) -> Sorted {
        let mut starts = vec![0usize; self.n_levels + 1];
        for &level in &self.of_row {
            starts[level as usize + 1] += 1;
        }
        for level in 0..self.n_levels {
            starts[level + 1] += starts[level];
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; self.of_row.len()];
        for (row, &level) in self.of_row.iter().enumerate() {
            let place = &mut next[level as usize];
            rows[*place] = row as u32;
            *place += 1;
        }
        Sorted { starts, rows }
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
pub(crate) struct Crossed {
    /// The combination of each row.
    pub(crate) of_row: Vec<u32>,
    /// Where those of each level of the first factor start, and after the last where they end.
    pub(crate) starts: Vec<u32>,
    /// A row of each.
    pub(crate) rows: Vec<u32>,
}

impl Crossed {
    /// The combinations of levels of `first` and of `others`, at least one.
    pub(crate) fn of(first: &Factor, others: &[&Factor]) -> Self {
        let sorted = first.sorted();
        let starts: Vec<u32> =
            sorted.starts.iter().map(|&start| u32::try_from(start).unwrap_or(u32::MAX)).collect();
        let mut keys = vec![0u64; sorted.rows.len()];
        let mut rest = keys.as_mut_slice();
        let mut parts = Vec::new();
        for (from, to) in pieces(&starts) {
            let n = sorted.starts[to] - sorted.starts[from];
            let (part, after) = std::mem::take(&mut rest).split_at_mut(n);
            parts.push((from..to, part));
            rest = after;
        }
        let numbered = numbered(others);
        let found: Vec<CrossedPart> = parts
            .into_par_iter()
            .map(|(levels, keys)| CrossedPart::of(levels, keys, &sorted, &numbered))
            .collect();
        let mut of_row = vec![0u32; keys.len()];
        let mut starts = vec![0u32];
        let mut rows = Vec::with_capacity(found.iter().map(|part| part.rows.len()).sum());
        let mut keys = keys.iter();
        for part in found {
            let before = starts.last().copied().unwrap_or(0);
            for &key in keys.by_ref().take(part.n_rows) {
                of_row[low(key) as usize] = before + high(key);
            }
            starts.extend(part.ends.iter().map(|end| before + end));
            rows.extend(part.rows);
        }
        Self { of_row, starts, rows }
    }
}

/// The combinations of some levels of the first factor.
struct CrossedPart {
    n_rows: usize,
    /// Where those of each level end, counted from the first of these levels.
    ends: Vec<u32>,
    /// A row of each.
    rows: Vec<u32>,
}

impl CrossedPart {
    /// Leaves in `keys` the number of a combination in the upper half, and one of its rows in the
    /// lower.
    fn of(
        levels: Range<usize>,
        keys: &mut [u64],
        sorted: &Sorted,
        numbered: &[Cow<'_, Factor>],
    ) -> Self {
        cancel::check();
        let n_rows = keys.len();
        let (mut ends, mut rows) = (Vec::with_capacity(levels.len()), Vec::new());
        let mut n = 0u32;
        let mut rest = keys;
        for level in levels {
            let of_level = &sorted.rows[sorted.starts[level]..sorted.starts[level + 1]];
            let (keys, after) = std::mem::take(&mut rest).split_at_mut(of_level.len());
            rest = after;
            for (key, &row) in keys.iter_mut().zip(of_level) {
                let number = numbered.iter().fold(0, |number, factor| {
                    number * factor.n_levels as u64 + u64::from(factor.of_row[row as usize])
                });
                *key = number << 32 | u64::from(row);
            }
            keys.sort_unstable();
            let mut before = None;
            for key in keys {
                let (number, row) = (high(*key), low(*key));
                if before != Some(number) {
                    before = Some(number);
                    n += 1;
                    rows.push(row);
                }
                *key = u64::from(n - 1) << 32 | u64::from(row);
            }
            ends.push(n);
        }
        Self { n_rows, ends, rows }
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
    let mut counts: Vec<Vec<u32>> = factors
        .par_iter()
        .map(|factor| {
            let mut counts = vec![0u32; factor.n_levels];
            factor.of_row.iter().for_each(|&level| counts[level as usize] += 1);
            counts
        })
        .collect();
    let mut keep: Option<Vec<bool>> = None;
    loop {
        cancel::check();
        let mut found = false;
        for row in 0..n {
            if keep.as_ref().is_some_and(|keep| !keep[row]) {
                continue;
            }
            let is_alone = factors
                .iter()
                .zip(&counts)
                .any(|(factor, counts)| counts[factor.of_row[row] as usize] == 1);
            if is_alone {
                keep.get_or_insert_with(|| vec![true; n])[row] = false;
                for (factor, counts) in factors.iter().zip(&mut counts) {
                    counts[factor.of_row[row] as usize] -= 1;
                }
                found = true;
            }
        }
        if !found {
            return keep;
        }
    }
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
            let Crossed { of_row, starts, rows } = Crossed::of(&factors[0], &others);
            let levels = |row: u32| factors.iter().map(move |of| of.of_row[row as usize]);
            let mut in_order: Vec<u32> = (0..N_ROWS).collect();
            in_order.sort_by(|&a, &b| levels(a).cmp(levels(b)));
            let mut n = 0;
            for (at, &row) in in_order.iter().enumerate() {
                n += u32::from(at == 0 || !levels(row).eq(levels(in_order[at - 1])));
                assert_eq!(of_row[row as usize], n - 1);
                assert!(levels(rows[n as usize - 1]).eq(levels(row)));
                let of_first = factors[0].of_row[row as usize] as usize;
                assert!((starts[of_first]..starts[of_first + 1]).contains(&(n - 1)));
            }
            assert_eq!(rows.len(), n as usize);
            assert_eq!(starts.len(), factors[0].n_levels + 1);
            let all: Vec<&Factor> = factors.iter().collect();
            assert_eq!(Factor::combine(&all), Factor { of_row, n_levels: n as usize });
        }
    }
}
