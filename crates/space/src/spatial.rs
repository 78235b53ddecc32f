//! Spatial differences of one number of each region: inequality, and whether neighbours are alike.
//!
//! With `x[r]` the numbers, weights `v[r]` that add up to 1 (equal, or by size), and `z = x - mean`:
//!
//! ```text
//! Theil T       sum of v[r] (x[r]/m) ln(x[r]/m),  m the weighted mean
//!               = between + within:  sum over groups of V[g] (m[g]/m) ln(m[g]/m)
//!                                  + sum over groups of V[g] (m[g]/m) T[g]
//! Gini, coefficient of variation     weighted alike
//! Moran's I     (n / sum of w[i,j]) sum of w[i,j] z[i] z[j] / sum of z[i]^2
//! local I       z[i] / m2 * sum over j of w[i,j] z[j],  m2 = sum of z^2 / n           Anselin (1995)
//! ```
//!
//! Inference is by permutation: of all values for the global index, of the others for each local one
//! (conditional), seeded, the same for any number of threads.
//!
//! # Conventions
//!
//! * Theil needs numbers above 0: `None` otherwise.
//! * Weights `w` are put to row sums of 1. A region without neighbours has no local index; in the global one it counts in
//!   n, in the mean and in the sum of squares, but has no weights, as in PySAL.
//! * p-values are two-sided, `(1 + more extreme) / (1 + permutations)`, the smaller tail doubled and at most 1.

use crate::random::{below, random_of};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// Theil's T and its parts between and within groups.
#[derive(Debug, Clone, PartialEq)]
pub struct TheilParts {
    /// The whole: `between + within`.
    pub total: f64,
    /// Between the groups' means.
    pub between: f64,
    /// Within the groups.
    pub within: f64,
    /// What each group adds to `within`.
    pub of_groups: Vec<f64>,
}

/// Decomposes Theil's T of `values` with `weights` (any positive scale) into `groups` numbered from 0; `None` if a
/// value is not above 0 or nothing is given.
///
/// # Panics
///
/// If the lists are not of the same length.
pub fn theil(values: &[f64], weights: &[f64], groups: &[usize]) -> Option<TheilParts> {
    let n = values.len();
    assert!(weights.len() == n && groups.len() == n, "lists of the same regions");
    let total_weight: f64 = weights.iter().sum();
    if n == 0 || values.iter().any(|x| *x <= 0.0) || total_weight <= 0.0 {
        return None;
    }
    let v = |r: usize| weights[r] / total_weight;
    let mean: f64 = (0..n).map(|r| v(r) * values[r]).sum();
    let n_groups = groups.iter().max().map_or(0, |last| last + 1);
    let (mut size, mut sum) = (vec![0.0; n_groups], vec![0.0; n_groups]);
    for r in 0..n {
        size[groups[r]] += v(r);
        sum[groups[r]] += v(r) * values[r];
    }
    let mut of_groups = vec![0.0; n_groups];
    for r in 0..n {
        let g = groups[r];
        if size[g] > 0.0 {
            of_groups[g] += v(r) * values[r] / mean * (values[r] / (sum[g] / size[g])).ln();
        }
    }
    let between = (0..n_groups)
        .filter(|&g| size[g] > 0.0)
        .map(|g| sum[g] / mean * (sum[g] / size[g] / mean).ln())
        .sum::<f64>()
        .max(0.0);
    let within: f64 = of_groups.iter().sum::<f64>().max(0.0);
    Some(TheilParts { total: between + within, between, within, of_groups })
}

/// Weighted Gini of values of zero or more; `None` if they are all zero or one is negative.
///
/// # Panics
///
/// If the lists are not of the same length.
pub fn gini(values: &[f64], weights: &[f64]) -> Option<f64> {
    assert_eq!(values.len(), weights.len(), "lists of the same regions");
    let total: f64 = values.iter().zip(weights).map(|(x, w)| x * w).sum();
    let size: f64 = weights.iter().sum();
    if values.iter().any(|x| *x < 0.0) || total <= 0.0 || size <= 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut below, mut curve) = (0.0, 0.0);
    for r in order {
        let part = values[r] * weights[r] / total;
        curve += weights[r] / size * (2.0 * below + part);
        below += part;
    }
    Some((1.0 - curve).max(0.0))
}

/// Weighted coefficient of variation: population standard deviation over the absolute mean; `None` if the mean is 0.
///
/// # Panics
///
/// If the lists are not of the same length.
pub fn coefficient_of_variation(values: &[f64], weights: &[f64]) -> Option<f64> {
    assert_eq!(values.len(), weights.len(), "lists of the same regions");
    let size: f64 = weights.iter().sum();
    if values.is_empty() || size <= 0.0 {
        return None;
    }
    let mean = values.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() / size;
    let square =
        values.iter().zip(weights).map(|(x, w)| w * (x - mean).powi(2)).sum::<f64>() / size;
    // The mean of z-scores is 0 but for rounding.
    let scale = values.iter().fold(0.0f64, |scale, x| scale.max(x.abs()));
    (mean.abs() > 1e-12 * scale).then(|| square.sqrt() / mean.abs())
}

/// Which regions are neighbours, and how much each counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// For each region its neighbours and their weights, which add up to 1.
    rows: Vec<Vec<(usize, f64)>>,
}

impl Neighbours {
    /// From weights of any positive scale; a region is no neighbour of itself, and weights of 0 or less are none.
    ///
    /// # Panics
    ///
    /// If a neighbour is beyond the regions.
    pub fn new(rows: Vec<Vec<(usize, f64)>>) -> Self {
        let n = rows.len();
        let rows = rows
            .into_iter()
            .enumerate()
            .map(|(region, mut row)| {
                row.retain(|(other, weight)| {
                    assert!(*other < n, "a neighbour among the regions");
                    *other != region && *weight > 0.0
                });
                row.sort_by_key(|(other, _)| *other);
                let sum: f64 = row.iter().map(|(_, weight)| weight).sum();
                row.iter_mut().for_each(|(_, weight)| *weight /= sum);
                row
            })
            .collect();
        Self { rows }
    }

    /// Those of some of the regions, renumbered; weights add up to 1 again.
    ///
    /// # Panics
    ///
    /// If a region is beyond those there are.
    pub fn select(&self, regions: &[usize]) -> Self {
        let mut places = vec![None; self.rows.len()];
        regions.iter().enumerate().for_each(|(at, &region)| places[region] = Some(at));
        let row = |&region: &usize| {
            let found = self.rows[region].iter().filter_map(|&(r, w)| Some((places[r]?, w)));
            found.collect()
        };
        Self::new(regions.iter().map(row).collect())
    }

    /// The neighbours of `region` and their weights.
    pub fn of(&self, region: usize) -> &[(usize, f64)] {
        &self.rows[region]
    }

    /// Regions there are.
    pub fn n_regions(&self) -> usize {
        self.rows.len()
    }

    fn lag(&self, region: usize, z: &[f64]) -> f64 {
        self.rows[region].iter().map(|&(other, weight)| weight * z[other]).sum()
    }
}

/// Spatial autocorrelation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moran {
    /// The index.
    pub index: f64,
    /// What it is expected to be by chance.
    pub expected: f64,
    /// Probability of something as far from it, by chance.
    pub p_value: f64,
}

/// How a region and its neighbours stand to the mean: the classes of LISA maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cluster {
    /// High among high.
    HighHigh,
    /// Low among low.
    LowLow,
    /// High among low.
    HighLow,
    /// Low among high.
    LowHigh,
}

impl Cluster {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::HighHigh => "high_high",
            Self::LowLow => "low_low",
            Self::HighLow => "high_low",
            Self::LowHigh => "low_high",
        }
    }
}

/// Local autocorrelation of one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalMoran {
    /// The index.
    pub index: f64,
    /// Weighted mean of its neighbours.
    pub lag: f64,
    /// Probability of something as extreme, by chance.
    pub p_value: f64,
    /// Where it stands, whether significant or not.
    pub cluster: Cluster,
}

/// How chance is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutations {
    /// How many.
    pub n: usize,
    /// What the random numbers start from.
    pub seed: u64,
}

fn shuffle(random: &mut Pcg64Mcg, values: &mut [f64]) {
    for at in (1..values.len()).rev() {
        values.swap(at, below(random, at + 1));
    }
}

/// Two-sided, from the simulated values.
#[expect(clippy::cast_precision_loss, reason = "counts of permutations")]
fn p_value(simulated: &[f64], found: f64) -> f64 {
    // What is equal but for rounding is equal.
    let scale = simulated.iter().fold(found.abs(), |scale, s| scale.max(s.abs()));
    let slack = 1e-12 * scale;
    let above = simulated.iter().filter(|s| **s >= found - slack).count();
    let below = simulated.iter().filter(|s| **s <= found + slack).count();
    (2.0 * (1.0 + above.min(below) as f64) / (1.0 + simulated.len() as f64)).min(1.0)
}

fn centered(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    let (mean, sd) = crate::complexity::moments(values, 0);
    let z: Vec<f64> = values.iter().map(|x| x - mean).collect();
    let square: f64 = z.iter().map(|z| z * z).sum();
    (values.len() > 2 && sd > 1e-12 * mean.abs().max(1e-300)).then_some((z, square))
}

/// Moran's I of `values`; `None` with fewer than three regions, without spread, or without neighbours.
///
/// # Panics
///
/// If there is not a value for each region.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
pub fn moran(values: &[f64], neighbours: &Neighbours, permutations: Permutations) -> Option<Moran> {
    assert_eq!(values.len(), neighbours.n_regions(), "a value for each region");
    let (z, square) = centered(values)?;
    let n = z.len() as f64;
    let weight = neighbours.rows.iter().filter(|row| !row.is_empty()).count() as f64;
    if weight <= 0.0 {
        return None;
    }
    let index = |z: &[f64]| {
        let sum: f64 = (0..z.len()).map(|r| z[r] * neighbours.lag(r, z)).sum();
        n / weight * sum / square
    };
    let found = index(&z);
    let simulated: Vec<f64> = (0..permutations.n as u64)
        .into_par_iter()
        .map(|at| {
            cancel::check();
            let mut z = z.clone();
            shuffle(&mut random_of(permutations.seed, at), &mut z);
            index(&z)
        })
        .collect();
    Some(Moran { index: found, expected: -1.0 / (n - 1.0), p_value: p_value(&simulated, found) })
}

/// The local indices; `None` for a region without neighbours, and for all without spread.
///
/// # Panics
///
/// If there is not a value for each region.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
pub fn local_moran(
    values: &[f64],
    neighbours: &Neighbours,
    permutations: Permutations,
) -> Vec<Option<LocalMoran>> {
    assert_eq!(values.len(), neighbours.n_regions(), "a value for each region");
    let Some((z, square)) = centered(values) else { return vec![None; values.len()] };
    let n = z.len();
    let m2 = square / n as f64;
    (0..n)
        .into_par_iter()
        .map(|region| {
            cancel::check();
            let weights = &neighbours.rows[region];
            if weights.is_empty() {
                return None;
            }
            let lag = neighbours.lag(region, &z);
            let index = |lag: f64| z[region] / m2 * lag;
            // Neighbours drawn anew from all other regions.
            let mut random = random_of(permutations.seed, region as u64);
            let mut others: Vec<f64> =
                (0..n).filter(|&other| other != region).map(|other| z[other]).collect();
            let simulated: Vec<f64> = (0..permutations.n)
                .map(|_| {
                    let mut sum = 0.0;
                    for (at, (_, weight)) in weights.iter().enumerate() {
                        let with = at + below(&mut random, others.len() - at);
                        others.swap(at, with);
                        sum += weight * others[at];
                    }
                    index(sum)
                })
                .collect();
            let cluster = match (z[region] >= 0.0, lag >= 0.0) {
                (true, true) => Cluster::HighHigh,
                (false, false) => Cluster::LowLow,
                (true, false) => Cluster::HighLow,
                (false, true) => Cluster::LowHigh,
            };
            let neighbour_mean = neighbours.lag(region, values);
            let p_value = p_value(&simulated, index(lag));
            Some(LocalMoran { index: index(lag), lag: neighbour_mean, p_value, cluster })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERMUTATIONS: Permutations = Permutations { n: 999, seed: 7 };

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    /// A line of regions, each a neighbour of the next.
    fn line(n: usize) -> Neighbours {
        let near = |r: usize| [r.checked_sub(1), (r + 1 < n).then_some(r + 1)];
        Neighbours::new(
            (0..n).map(|r| near(r).into_iter().flatten().map(|o| (o, 1.0)).collect()).collect(),
        )
    }

    #[test]
    fn inequality_by_hand() {
        let parts = theil(&[1.0, 1.0, 3.0, 3.0], &[1.0; 4], &[0, 0, 1, 1]).expect("positive");
        close(parts.within, 0.0);
        close(parts.between, 0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln());
        assert_eq!(theil(&[1.0, 0.0], &[1.0; 2], &[0, 0]), None);
        close(gini(&[1.0, 1.0, 2.0], &[1.0; 3]).expect("positive"), 1.0 / 6.0);
        // A region of twice the weight is two regions.
        close(gini(&[1.0, 2.0], &[2.0, 1.0]).expect("positive"), 1.0 / 6.0);
        close(coefficient_of_variation(&[1.0, 3.0], &[1.0; 2]).expect("a mean"), 0.5);
        assert_eq!(coefficient_of_variation(&[-1.0, 1.0], &[1.0; 2]), None);
        assert_eq!(
            coefficient_of_variation(&[-0.3, 0.1, 0.2], &[1.0; 3]),
            None,
            "a mean of rounding"
        );
    }

    #[test]
    fn moran_of_a_line_by_hand() {
        // z = (-1.5, -.5, .5, 1.5), lags (-.5, -.5, .5, .5): sum .75 + .25 + .25 + .75 over 5.
        let found = moran(&[1.0, 2.0, 3.0, 4.0], &line(4), PERMUTATIONS).expect("spread");
        close(found.index, 0.4);
        close(found.expected, -1.0 / 3.0);
        let local = local_moran(&[1.0, 2.0, 3.0, 4.0], &line(4), PERMUTATIONS);
        let first = local[0].expect("a neighbour");
        close(first.index, -1.5 / 1.25 * -0.5);
        close(first.lag, 2.0);
        assert_eq!(first.cluster, Cluster::LowLow);
        // The global index is the mean of the local ones where each row adds up to 1.
        let mean = local.iter().flatten().map(|l| l.index).sum::<f64>() / 4.0;
        close(mean, found.index);
        assert_eq!(moran(&[1.0; 4], &line(4), PERMUTATIONS), None);
    }

    #[test]
    fn gradient_is_significant_and_disorder_is_not() {
        let gradient: Vec<f64> = (0..40u32).map(f64::from).collect();
        assert!(moran(&gradient, &line(40), PERMUTATIONS).expect("spread").p_value < 0.01);
        let mixed: Vec<f64> = (0..40u32).map(|r| f64::from(r * 17 % 40)).collect();
        let found = moran(&mixed, &line(40), PERMUTATIONS).expect("spread");
        assert_eq!(found, moran(&mixed, &line(40), PERMUTATIONS).expect("spread"));
        assert!(found.p_value > 0.001);
        let local = local_moran(&gradient, &line(40), PERMUTATIONS);
        assert!(local[0].expect("a neighbour").p_value < 0.1);
    }

    #[test]
    fn what_permutation_cannot_change_is_no_cluster() {
        // All others are neighbours: every draw gives the same mean, but for rounding.
        let all = (0..8).map(|r| (0..8).filter(|&o| o != r).map(|o| (o, 1.0)).collect()).collect();
        let values = [0.1, 0.7, 0.33, 0.91, 0.2, 0.57, 0.14, 0.85];
        let local = local_moran(&values, &Neighbours::new(all), PERMUTATIONS);
        assert!(local.iter().flatten().all(|local| local.p_value > 0.999), "{local:?}");
    }

    #[test]
    fn island_has_no_local_index() {
        let neighbours =
            Neighbours::new(vec![vec![(1, 2.0)], vec![(0, 1.0)], vec![], vec![(0, 1.0), (3, 9.0)]]);
        assert_eq!(neighbours.of(3), [(0, 1.0)]);
        let local = local_moran(&[1.0, 2.0, 3.0, 5.0], &neighbours, PERMUTATIONS);
        assert!(local[2].is_none() && local[3].is_some());
        assert_eq!(neighbours.select(&[2, 1, 0]).of(2), [(1, 1.0)]);
    }

    proptest! {
        #[test]
        fn parts_add_up(values in prop::collection::vec(0.1f64..1e6, 12), weights in prop::collection::vec(0.1f64..10.0, 12)) {
            let groups: Vec<usize> = (0..12).map(|r| r % 3).collect();
            let parts = theil(&values, &weights, &groups).unwrap();
            let one = theil(&values, &weights, &[0; 12]).unwrap();
            prop_assert!((parts.total - one.total).abs() < 1e-10);
            prop_assert!(parts.between >= 0.0 && one.between < 1e-12);
        }
    }
}
