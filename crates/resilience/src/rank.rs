//! Ranks of units by an index, and how sure they are.
//!
//! With `x[u,b]` the index of unit `u` in replicate `b` (such as those of [`Bootstrap`]):
//!
//! ```text
//! p[i above j]    mean over b of  1 if x[i,b] > x[j,b], 1/2 if equal, else 0
//! p[top k]        mean over b of the places among the first k that i has
//! p[place k]      mean over b of  1/n if i is one of n equal ones with the place k among theirs, else 0
//! p[above median] mean over b of  1 if x[i,b] > median of x[.,b], 1/2 if equal, else 0
//! rank interval   quantiles over b of the rank of i in b
//! ```
//!
//! How much a weighted sum of scores hangs on its weights: the weights are drawn from the simplex,
//! all points of it alike (Dirichlet(1): exponentials over their sum), and the units ranked in each
//! draw ([`weight_sensitivity`]).
//!
//! # Conventions
//!
//! * Rank 1 is the highest; equal values have the mean of their ranks, and share the places of the
//!   first k alike. Values are indices: those that differ by 1e-9 of the larger, or by 1e-12, are
//!   equal, as what is left is rounding.
//! * A unit that has no value in a replicate is left out of it: the others are ranked without it,
//!   and its own numbers are of the replicates in which it has one. Pairs are of those in which
//!   both have one.
//! * Replicates of different units stand beside each other by their number, and say nothing of how
//!   units move together unless they were drawn together.
//!
//! [`Bootstrap`]: crate::Bootstrap

use crate::bootstrap::{Interval, quantile};
use crate::rounding::is_tied;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Places and values that are there, the highest first.
fn descending(values: &[Option<f64>]) -> Vec<(usize, f64)> {
    let there = values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
    let mut order: Vec<(usize, f64)> = there.collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order
}

#[expect(clippy::cast_precision_loss, reason = "counts of units or replicates")]
fn float(count: usize) -> f64 {
    count as f64
}

/// The rank of each value: 1 is the highest, equal ones have the mean of theirs. `None` where there
/// is no value.
///
/// No value may be NaN.
pub fn ranks(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut ranks = vec![None; values.len()];
    let mut above = 0;
    for tied in descending(values).chunk_by(|a, b| is_tied(a.1, b.1)) {
        let rank = float(above) + (float(tied.len()) + 1.0) / 2.0;
        tied.iter().for_each(|(at, _)| ranks[*at] = Some(rank));
        above += tied.len();
    }
    ranks
}

/// An index of units in replicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    n: usize,
    /// By unit.
    units: Vec<Vec<Option<f64>>>,
}

/// How sure the rank of a unit is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSpread {
    /// The interval of its rank; 1 is the highest.
    pub rank: Interval,
    /// Probability of being among the first k.
    pub p_top: f64,
    /// Probability of being above the median.
    pub p_above_median: f64,
}

impl Replicates {
    /// `n` replicates of no unit yet.
    pub fn new(n: usize) -> Self {
        Self { n, units: Vec::new() }
    }

    /// Adds a unit: its index in each replicate, `None` where it has none. Of more than there are
    /// replicates the first count, and what is not given is missing. No value may be NaN.
    pub fn push(&mut self, of_unit: impl IntoIterator<Item = Option<f64>>) {
        let mut values: Vec<Option<f64>> = of_unit.into_iter().take(self.n).collect();
        values.resize(self.n, None);
        self.units.push(values);
    }

    /// Units.
    pub fn n_units(&self) -> usize {
        self.units.len()
    }

    /// The probability that unit `a` is above unit `b`, equal ones half; `None` if no replicate has
    /// both.
    ///
    /// # Panics
    ///
    /// If there is no such unit.
    pub fn p_above(&self, a: usize, b: usize) -> Option<f64> {
        let both = self.units[a].iter().zip(&self.units[b]).filter_map(|(a, b)| (*a).zip(*b));
        let (mut n, mut above) = (0, 0.0);
        for (a, b) in both {
            n += 1;
            above += share_above(a, b);
        }
        (n > 0).then(|| above / float(n))
    }

    /// How likely each unit has each place: the probabilities of the first, the second and so on, 1 in
    /// sum. `None` for a unit without a value.
    pub fn places(&self) -> Vec<Option<Vec<f64>>> {
        let n_units = self.n_units();
        let mut of_units: Vec<(usize, Vec<f64>)> = vec![(0, vec![0.0; n_units]); n_units];
        for replicate in 0..self.n {
            cancel::check();
            let values: Vec<Option<f64>> = self.units.iter().map(|of| of[replicate]).collect();
            let mut above = 0;
            for tied in descending(&values).chunk_by(|a, b| is_tied(a.1, b.1)) {
                let share = 1.0 / float(tied.len());
                for &(unit, _) in tied {
                    let (n, places) = &mut of_units[unit];
                    *n += 1;
                    places[above..above + tied.len()].iter_mut().for_each(|p| *p += share);
                }
                above += tied.len();
            }
        }
        let of_all = |(n, places): (usize, Vec<f64>)| {
            (n > 0).then(|| places.into_iter().map(|p| p / float(n)).collect())
        };
        of_units.into_iter().map(of_all).collect()
    }

    /// How sure the rank of each unit is: intervals hold `level` of the replicates, such as 0.95,
    /// and the first `n_top` are the top. `None` for a unit without a value.
    pub fn spread(&self, level: f64, n_top: usize) -> Vec<Option<RankSpread>> {
        let mut of_units: Vec<(Vec<f64>, f64, f64)> = vec![Default::default(); self.n_units()];
        for replicate in 0..self.n {
            cancel::check();
            let values: Vec<Option<f64>> = self.units.iter().map(|of| of[replicate]).collect();
            let order = descending(&values);
            let ascending: Vec<f64> = order.iter().rev().map(|(_, value)| *value).collect();
            if ascending.is_empty() {
                continue;
            }
            let median = quantile(&ascending, 0.5);
            let mut above = 0;
            for tied in order.chunk_by(|a, b| is_tied(a.1, b.1)) {
                let n = tied.len();
                let rank = float(above) + (float(n) + 1.0) / 2.0;
                let top = float(n_top.saturating_sub(above).min(n)) / float(n);
                for &(unit, value) in tied {
                    let (ranks, p_top, p_above) = &mut of_units[unit];
                    ranks.push(rank);
                    *p_top += top;
                    *p_above += share_above(value, median);
                }
                above += n;
            }
        }
        let spread = |(mut ranks, p_top, p_above): (Vec<f64>, f64, f64)| {
            if ranks.is_empty() {
                return None;
            }
            let n = float(ranks.len());
            ranks.sort_by(f64::total_cmp);
            let rank = inner(&ranks, level);
            Some(RankSpread { rank, p_top: p_top / n, p_above_median: p_above / n })
        };
        of_units.into_iter().map(spread).collect()
    }
}

/// 1 if `a` is above `b`, a half if they are equal.
fn share_above(a: f64, b: f64) -> f64 {
    match (is_tied(a, b), a > b) {
        (true, _) => 0.5,
        (false, true) => 1.0,
        (false, false) => 0.0,
    }
}

/// What holds `level` of sorted values.
fn inner(sorted: &[f64], level: f64) -> Interval {
    let tail = (1.0 - level) / 2.0;
    Interval { low: quantile(sorted, tail), high: quantile(sorted, 1.0 - tail) }
}

/// How weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightDraws {
    /// Draws.
    pub n: usize,
    /// Share of the draws inside the intervals, such as 0.95.
    pub level: f64,
    /// What the random numbers start from.
    pub seed: u64,
}

/// How much the index of a unit, and its rank, hang on the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightSensitivity {
    /// The interval of the index, in the units of the scores.
    pub index: Interval,
    /// Its median.
    pub index_median: f64,
    /// The interval of the rank; 1 is the highest.
    pub rank: Interval,
    /// Its median.
    pub rank_median: f64,
}

/// Weights of `n` components, at least 0 and 1 in sum, all such weights alike: exponentials over
/// their sum.
pub fn simplex_weights(random: &mut Pcg64Mcg, n: usize) -> Vec<f64> {
    // Between 0 and 1, neither of them: its logarithm is finite and not zero.
    let mut unit = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
    let parts: Vec<f64> = (0..n).map(|_| -unit().ln()).collect();
    let sum: f64 = parts.iter().sum();
    parts.into_iter().map(|part| part / sum).collect()
}

/// Sums the scores of every unit (a row, a column for each component) with weights drawn from the
/// simplex, and ranks the units in each draw.
///
/// `None` for a unit that lacks a score or has another number of them than the first: the others
/// are ranked without it.
pub fn weight_sensitivity(
    scores: &[Vec<Option<f64>>],
    draws: WeightDraws,
) -> Vec<Option<WeightSensitivity>> {
    let n_components = scores.first().map_or(0, Vec::len);
    let whole = |row: &Vec<Option<f64>>| -> Option<Vec<f64>> {
        let row: Vec<f64> = row.iter().copied().collect::<Option<_>>()?;
        (row.len() == n_components && n_components > 0).then_some(row)
    };
    let scores: Vec<Option<Vec<f64>>> = scores.iter().map(whole).collect();
    let mut random = Pcg64Mcg::seed_from_u64(draws.seed);
    let mut found: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); scores.len()];
    for _ in 0..draws.n {
        cancel::check();
        let weights = simplex_weights(&mut random, n_components);
        let index = |row: &[f64]| -> f64 {
            row.iter().zip(&weights).map(|(score, weight)| score * weight).sum()
        };
        let indices: Vec<Option<f64>> =
            scores.iter().map(|row| row.as_deref().map(index)).collect();
        let both = indices.iter().zip(ranks(&indices));
        for ((of_index, of_rank), (index, rank)) in found.iter_mut().zip(both) {
            of_index.extend(*index);
            of_rank.extend(rank);
        }
    }
    let sensitivity = |(mut indices, mut ranks): (Vec<f64>, Vec<f64>)| {
        if indices.is_empty() {
            return None;
        }
        indices.sort_by(f64::total_cmp);
        ranks.sort_by(f64::total_cmp);
        Some(WeightSensitivity {
            index: inner(&indices, draws.level),
            index_median: quantile(&indices, 0.5),
            rank: inner(&ranks, draws.level),
            rank_median: quantile(&ranks, 0.5),
        })
    };
    found.into_iter().map(sensitivity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounding::beyond_expected;
    use proptest::prelude::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    fn replicates(units: &[&[Option<f64>]]) -> Replicates {
        let mut all = Replicates::new(units[0].len());
        units.iter().for_each(|of| all.push(of.iter().copied()));
        all
    }

    #[test]
    fn equal_values_share_their_ranks() {
        let found = ranks(&[Some(2.0), Some(5.0), None, Some(2.0), Some(-1.0)]);
        assert_eq!(found, [Some(2.5), Some(1.0), None, Some(2.5), Some(4.0)]);
        assert_eq!(ranks(&[Some(0.0), Some(-0.0)]), [Some(1.5); 2]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn rounding_breaks_no_tie() {
        let (found, same) = (0.1 + 0.2, 0.3);
        assert_eq!(ranks(&[Some(found), Some(same), Some(0.5)]), [2.5, 2.5, 1.0].map(Some));
        assert_eq!(ranks(&[Some(2e-16), Some(-1e-16)]), [Some(1.5); 2]);
        let all = replicates(&[&[Some(found)], &[Some(same)], &[Some(0.5)], &[Some(0.1)]]);
        close(all.p_above(0, 1).expect("both"), 0.5);
        close(all.p_above(1, 0).expect("both"), 0.5);
        let spread = all.spread(0.9, 2);
        for of in &spread[..2] {
            let of = of.expect("values");
            assert_eq!(of.rank, Interval { low: 2.5, high: 2.5 });
            close(of.p_top, 0.5);
            close(of.p_above_median, 0.5);
        }
    }

    #[test]
    fn probabilities_by_hand() {
        // Replicates: a wins, a wins, a tie, b is missing.
        let all = replicates(&[
            &[Some(3.0), Some(2.0), Some(1.0), Some(9.0)],
            &[Some(1.0), Some(1.0), Some(1.0), None],
            &[Some(2.0), Some(0.0), Some(0.0), Some(10.0)],
        ]);
        close(all.p_above(0, 1).expect("both"), 2.5 / 3.0);
        close(all.p_above(1, 0).expect("both"), 0.5 / 3.0);
        close(all.p_above(0, 2).expect("both"), 0.75);
        let found = all.spread(1.0, 1);
        let [a, b, c] = [0, 1, 2].map(|at| found[at].expect("values"));
        // Ranks of a: 1, 1, 1.5, 2; of b: 3, 2, 1.5; of c: 2, 3, 3, 1.
        assert_eq!(a.rank, Interval { low: 1.0, high: 2.0 });
        assert_eq!(b.rank, Interval { low: 1.5, high: 3.0 });
        assert_eq!(c.rank, Interval { low: 1.0, high: 3.0 });
        // The one place at the top is shared by a and b in the third.
        let places = all.places();
        for (unit, expected) in
            [[2.5, 1.5, 0.0], [0.5, 1.5, 1.0], [1.0, 1.0, 2.0]].iter().enumerate()
        {
            let found = places[unit].as_ref().expect("values");
            let n = if unit == 1 { 3.0 } else { 4.0 };
            for (found, expected) in found.iter().zip(expected) {
                close(*found, expected / n);
            }
        }
        close(a.p_top, 2.5 / 4.0);
        close(b.p_top, 0.5 / 3.0);
        close(c.p_top, 1.0 / 4.0);
        // Medians: 2, 1, 1, 9.5.
        close(a.p_above_median, (1.0 + 1.0 + 0.5 + 0.0) / 4.0);
        close(b.p_above_median, (0.0 + 0.5 + 0.5) / 3.0);
        close(c.p_above_median, (0.5 + 0.0 + 0.0 + 1.0) / 4.0);
    }

    #[test]
    fn who_is_never_there_has_no_rank() {
        let all = replicates(&[&[Some(1.0), None], &[None, None], &[None, Some(2.0)]]);
        let found = all.spread(0.95, 1);
        assert!(found[0].is_some() && found[1].is_none());
        assert_eq!(all.p_above(0, 1), None);
        assert_eq!(all.places()[1], None);
        assert_eq!(all.p_above(0, 2), None, "never in one replicate");
        let mut none = Replicates::new(0);
        none.push([Some(1.0)]);
        assert!(none.spread(0.95, 1)[0].is_none(), "no replicates");
    }

    const DRAWS: WeightDraws = WeightDraws { n: 4000, level: 0.9, seed: 3 };

    #[test]
    fn weights_are_uniform_on_the_simplex() {
        // Of three weights each has the density 2 (1 - w): mean 1/3, variance 1/18.
        let mut random = Pcg64Mcg::seed_from_u64(5);
        let draws: Vec<Vec<f64>> = (0..20_000).map(|_| simplex_weights(&mut random, 3)).collect();
        for at in 0..3 {
            let mean = draws.iter().map(|of| of[at]).sum::<f64>() / 20_000.0;
            let square = draws.iter().map(|of| (of[at] - mean).powi(2)).sum::<f64>() / 20_000.0;
            assert!((mean - 1.0 / 3.0).abs() < 0.008, "{mean}");
            assert!((square - 1.0 / 18.0).abs() < 0.003, "{square}");
        }
        assert!(draws.iter().all(|of| (of.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }

    #[test]
    fn who_is_better_in_all_is_first_whatever_the_weights() {
        let row = |scores: [f64; 2]| scores.map(Some).to_vec();
        let scores =
            [row([90.0, 80.0]), row([10.0, 70.0]), row([60.0, 20.0]), vec![Some(1.0), None]];
        let found = weight_sensitivity(&scores, DRAWS);
        let first = found[0].expect("whole");
        assert_eq!(first.rank, Interval { low: 1.0, high: 1.0 });
        // With two components the first weight is uniform: its index is uniform from 80 to 90.
        assert!((first.index_median - 85.0).abs() < 0.5, "{first:?}");
        assert!((first.index.low - 80.5).abs() < 0.3 && (first.index.high - 89.5).abs() < 0.3);
        // The second is above the third where w < 1/2, so half of the time.
        let second = found[1].expect("whole");
        assert_eq!(second.rank, Interval { low: 2.0, high: 3.0 });
        assert_eq!(found[3], None);
        assert_eq!(found, weight_sensitivity(&scores, DRAWS));
        assert_ne!(found, weight_sensitivity(&scores, WeightDraws { seed: 4, ..DRAWS }));
    }

    proptest! {
        #[test]
        fn probabilities_add_up(
            values in prop::collection::vec(0u8..20, 60),
            scale in 0.1f64..10.0,
        ) {
            let of = |factor: f64| {
                let mut all = Replicates::new(10);
                values.chunks(10).for_each(|of| {
                    all.push(of.iter().map(|&value| Some(f64::from(value) * factor)));
                });
                all
            };
            let all = of(1.0);
            let found = all.spread(0.9, 2);
            let top: f64 = found.iter().flatten().map(|of| of.p_top).sum();
            prop_assert!((top - 2.0).abs() < 1e-9);
            for a in 0..6 {
                for b in 0..6 {
                    let both = all.p_above(a, b).unwrap() + all.p_above(b, a).unwrap();
                    prop_assert!((both - 1.0).abs() < 1e-12);
                }
            }
            prop_assert_eq!(found, of(scale).spread(0.9, 2), "ranks have no scale");
        }

        #[test]
        fn those_that_are_shares_of_one_share_their_rank(
            path in prop::collection::vec(1.0f64..1e6, 2),
            shares in prop::collection::vec(0.001f64..1000.0, 2..6),
            expected in 0.05f64..0.5,
        ) {
            let index = |share: &f64| {
                let (start, end) = (share * path[0], share * path[1]);
                let rate = -expected;
                Some(beyond_expected(start, end, rate * start) / (rate * start).abs())
            };
            let indices: Vec<Option<f64>> = shares.iter().map(index).collect();
            let rank = f64::midpoint(1.0, float(shares.len()));
            prop_assert_eq!(ranks(&indices), vec![Some(rank); shares.len()]);
            let scores: Vec<Vec<Option<f64>>> =
                shares.iter().map(|share| vec![Some(share * path[0] / share); 3]).collect();
            for found in weight_sensitivity(&scores, WeightDraws { n: 20, ..DRAWS }) {
                prop_assert_eq!(found.unwrap().rank, Interval { low: rank, high: rank });
            }
        }

        #[test]
        fn ranks_follow_their_values_wherever_these_stand(
            values in prop::collection::vec(prop::option::of(-9i8..9), 1..20),
            by in 0usize..20,
        ) {
            let values: Vec<Option<f64>> = values.into_iter().map(|v| v.map(f64::from)).collect();
            let mut turned = values.clone();
            turned.rotate_left(by % values.len());
            let mut found = ranks(&values);
            found.rotate_left(by % values.len());
            prop_assert_eq!(found, ranks(&turned));
            let n = values.iter().flatten().count();
            let sum: f64 = ranks(&values).into_iter().flatten().sum();
            prop_assert!((sum - float(n * (n + 1)) / 2.0).abs() < 1e-9);
        }
    }
}
