//! How much a region's index hangs on which products it has: percentile intervals by bootstrap over products.
//!
//! Each replicate draws as many products as the region has, with replacement, and computes the index from their levels
//! and expected changes. The benchmark's growth rates stay those of the data. (Efron & Tibshirani 1993, ch. 13.)

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What one product adds to a region: levels at both ends of a stage and the expected change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// Exports at the start.
    pub start: f64,
    /// Exports at the end.
    pub end: f64,
    /// Expected change.
    pub expected: f64,
}

/// How intervals are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Replicates.
    pub n: usize,
    /// Share of the replicates inside the interval, such as 0.95.
    pub level: f64,
    /// What the random numbers start from.
    pub seed: u64,
}

/// Lower and upper end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Bootstrap {
    /// The interval of `((x1 - x0) - D)/|D|` over `products`, for piece `what` of the work, which names its random
    /// numbers.
    ///
    /// `None` with fewer than two products or two replicates, or if a replicate in ten has no index, as nothing is
    /// expected of it (`|D/x0| < near_zero`).
    pub fn interval(
        &self,
        products: &[Contribution],
        near_zero: f64,
        what: u64,
    ) -> Option<Interval> {
        if products.len() < 2 || self.n < 2 {
            return None;
        }
        let seed = self.seed ^ (what + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let n = products.len() as u64;
        let mut found = Vec::with_capacity(self.n);
        for _ in 0..self.n {
            let (mut start, mut change, mut expected) = (0.0, 0.0, 0.0);
            let mut left = products.len();
            while left > 0 {
                // A random number of 64 bits names two products: there are far fewer than 2^32.
                let bits = random.next_u64();
                for half in [bits >> 32, bits & 0xffff_ffff].into_iter().take(left) {
                    let at = usize::try_from((half * n) >> 32).unwrap_or(0);
                    let product = &products[at];
                    start += product.start;
                    change += product.end - product.start;
                    expected += product.expected;
                    left -= 1;
                }
            }
            if start > 0.0 && (expected / start).abs() >= near_zero {
                found.push((change - expected) / expected.abs());
            }
        }
        if found.len() * 10 < self.n * 9 {
            return None;
        }
        found.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Interval { low: quantile(&found, tail), high: quantile(&found, 1.0 - tail) })
    }
}

/// The value at the share `at` of `sorted`, which has values, between its neighbours (R's type 7).
pub fn quantile(sorted: &[f64], at: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let place = at * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
    let below = (place.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(n: u32) -> Vec<Contribution> {
        (0..n)
            .map(|at| {
                let start = 100.0;
                // Deviations from -10 to 10 around what is expected.
                let deviation = f64::from(at % 21) - 10.0;
                Contribution { start, end: start - 20.0 + deviation, expected: -20.0 }
            })
            .collect()
    }

    #[test]
    fn intervals_have_the_width_of_a_mean() {
        let products = products(2100);
        let bootstrap = Bootstrap { n: 4000, level: 0.95, seed: 1 };
        let found = bootstrap.interval(&products, 0.01, 0).expect("products");
        // The index is the mean deviation over 20; its standard error is sd/sqrt(n)/20.
        let sd = (0..21_i32).map(|d| f64::from((d - 10).pow(2))).sum::<f64>() / 21.0;
        let half = 1.96 * sd.sqrt() / 2100_f64.sqrt() / 20.0;
        assert!((found.high - half).abs() < 0.06 * half, "{found:?}, expected {half}");
        assert!((found.low + half).abs() < 0.06 * half, "{found:?}, expected -{half}");
    }

    #[test]
    fn one_product_alone_makes_the_interval_wide() {
        let mut products = products(21);
        products.push(Contribution { start: 2000.0, end: 4000.0, expected: -400.0 });
        let bootstrap = Bootstrap { n: 999, level: 0.9, seed: 1 };
        let found = bootstrap.interval(&products, 0.01, 0).expect("products");
        assert!(found.low < 0.1, "without it the index is near 0: {found:?}");
        assert!(found.high > 4.0, "with it twice, near its own: {found:?}");
    }

    #[test]
    fn the_same_seed_and_piece_give_the_same() {
        let bootstrap = Bootstrap { n: 50, level: 0.9, seed: 7 };
        let of = |what| bootstrap.interval(&products(40), 0.01, what);
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        assert_eq!(bootstrap.interval(&products(1), 0.01, 0), None, "one product says nothing");
        let flat = vec![Contribution { start: 1.0, end: 1.0, expected: 0.0 }; 5];
        assert_eq!(bootstrap.interval(&flat, 0.01, 0), None, "nothing is expected");
    }

    #[test]
    fn quantiles_between_values() {
        let sorted = [1.0, 2.0, 4.0];
        for (at, value) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert!((quantile(&sorted, at) - value).abs() < 1e-12, "{at}");
        }
    }
}
