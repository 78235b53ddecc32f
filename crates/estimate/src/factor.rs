//! Categories of rows: fixed effects and clusters.

use rayon::prelude::*;

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
            [first, rest @ ..] => rest.iter().fold((*first).clone(), |a, b| a.with(b)),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "combinations are at most as many as rows, which u32 counts"
    )]
    fn with(&self, other: &Self) -> Self {
        let Sorted { starts, rows } = self.sorted();
        let mut of_row = vec![0; self.of_row.len()];
        let mut n = 0;
        let mut levels: Vec<(u32, u32)> = Vec::new();
        for level in 0..self.n_levels {
            levels.clear();
            levels.extend(
                rows[starts[level]..starts[level + 1]]
                    .iter()
                    .map(|&row| (other.of_row[row as usize], row)),
            );
            levels.sort_unstable();
            for (at, &(of_other, row)) in levels.iter().enumerate() {
                n += usize::from(at == 0 || levels[at - 1].0 != of_other);
                of_row[row as usize] = (n - 1) as u32;
            }
        }
        Self { of_row, n_levels: n }
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
