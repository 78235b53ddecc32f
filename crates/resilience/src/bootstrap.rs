//! How much a region's indices hang on which products it has: percentile intervals by bootstrap over products.
//!
//! Each replicate draws as many products as the region has, with replacement, and computes the indices from sums over
//! them. The benchmark's growth rates stay those of the data. (Efron & Tibshirani 1993, ch. 13.)

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Numbers of a product that are summed at a time.
const LANES: usize = 4;

/// What is summed over products: the same numbers of each, such as its exports at both ends of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Summands {
    width: usize,
    /// Rows of a multiple of [`LANES`] numbers.
    rows: Vec<[f64; LANES]>,
}

impl Summands {
    /// No products yet, of `width` numbers each.
    pub fn new(width: usize) -> Self {
        Self { width, rows: Vec::new() }
    }

    /// Adds a product; what is missing counts as zero.
    pub fn push(&mut self, numbers: &[f64]) {
        for at in 0..self.chunks() {
            let mut chunk = [0.0; LANES];
            let there = numbers.iter().take(self.width).skip(at * LANES);
            chunk.iter_mut().zip(there).for_each(|(into, number)| *into = *number);
            self.rows.push(chunk);
        }
    }

    fn chunks(&self) -> usize {
        self.width.div_ceil(LANES).max(1)
    }

    /// Products.
    pub fn n(&self) -> usize {
        self.rows.len() / self.chunks()
    }

    /// Puts the sums over as many products as there are, drawn with replacement, into `sums`.
    fn draw(&self, random: &mut Pcg64Mcg, sums: &mut [[f64; LANES]]) {
        let (n, chunks) = (self.n(), self.chunks());
        sums.fill([0.0; LANES]);
        let mut left = n;
        while left > 0 {
            // A random number of 64 bits names two products: there are far fewer than 2^32.
            let bits = random.next_u64();
            for half in [bits >> 32, bits & 0xffff_ffff].into_iter().take(left) {
                let at = usize::try_from((half * n as u64) >> 32).unwrap_or(0) * chunks;
                for (sums, numbers) in sums.iter_mut().zip(&self.rows[at..at + chunks]) {
                    for (sum, number) in sums.iter_mut().zip(numbers) {
                        *sum += number;
                    }
                }
                left -= 1;
            }
        }
    }
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

/// A random number below `n`, which is far below 2^32.
pub(crate) fn below(random: &mut Pcg64Mcg, n: usize) -> usize {
    let half = random.next_u64() >> 32;
    usize::try_from((half * n as u64) >> 32).unwrap_or(0)
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
    /// The random numbers of piece `what` of the work.
    pub(crate) fn random(&self, what: u64) -> Pcg64Mcg {
        let seed = self.seed ^ (what + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Pcg64Mcg::seed_from_u64(seed)
    }

    /// Calls `each` with the sums of every replicate, for piece `what` of the work, which names its random numbers.
    /// Not with fewer than two products: one says nothing of the others.
    pub fn replicates(&self, products: &Summands, what: u64, mut each: impl FnMut(&[f64])) {
        if products.n() < 2 {
            return;
        }
        let mut random = self.random(what);
        let mut sums = vec![[0.0; LANES]; products.chunks()];
        for _ in 0..self.n {
            cancel::check();
            products.draw(&mut random, &mut sums);
            each(sums.as_flattened());
        }
    }

    /// The interval of what the replicates `found`, missing ones left out.
    ///
    /// `None` if fewer than two replicates or nine in ten have a value.
    pub fn interval(&self, found: Vec<f64>) -> Option<Interval> {
        self.interval_between(found, (1.0 - self.level) / 2.0)
    }

    /// The same with the share `tail` of the replicates beyond each end, whatever the level is.
    pub fn interval_between(&self, mut found: Vec<f64>, tail: f64) -> Option<Interval> {
        if found.len() < 2 || found.len() * 10 < self.n * 9 {
            return None;
        }
        found.sort_by(f64::total_cmp);
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

    /// Exports at the start, change and expected change of products.
    fn interval(products: &[[f64; 3]], bootstrap: Bootstrap, what: u64) -> Option<Interval> {
        let mut summands = Summands::new(3);
        products.iter().for_each(|product| summands.push(product));
        assert_eq!(summands.n(), products.len());
        let mut found = Vec::new();
        bootstrap.replicates(&summands, what, |sums| {
            if sums[2].abs() > 0.0 {
                found.push((sums[1] - sums[2]) / sums[2].abs());
            }
        });
        bootstrap.interval(found)
    }

    /// Deviations from -10 to 10 around an expected fall of 20.
    fn products(n: u32) -> Vec<[f64; 3]> {
        (0..n).map(|at| [100.0, -20.0 + f64::from(at % 21) - 10.0, -20.0]).collect()
    }

    #[test]
    fn intervals_have_the_width_of_a_mean() {
        let bootstrap = Bootstrap { n: 4000, level: 0.95, seed: 1 };
        let found = interval(&products(2100), bootstrap, 0).expect("products");
        // The index is the mean deviation over 20; its standard error is sd/sqrt(n)/20.
        let sd = (0..21_i32).map(|d| f64::from((d - 10).pow(2))).sum::<f64>() / 21.0;
        let half = 1.96 * sd.sqrt() / 2100_f64.sqrt() / 20.0;
        assert!((found.high - half).abs() < 0.06 * half, "{found:?}, expected {half}");
        assert!((found.low + half).abs() < 0.06 * half, "{found:?}, expected -{half}");
    }

    #[test]
    fn one_product_alone_makes_the_interval_wide() {
        let mut products = products(21);
        products.push([2000.0, 2000.0, -400.0]);
        let bootstrap = Bootstrap { n: 999, level: 0.9, seed: 1 };
        let found = interval(&products, bootstrap, 0).expect("products");
        assert!(found.low < 0.1, "without it the index is near 0: {found:?}");
        assert!(found.high > 4.0, "with it twice, near its own: {found:?}");
    }

    #[test]
    fn the_same_seed_and_piece_give_the_same() {
        let bootstrap = Bootstrap { n: 50, level: 0.9, seed: 7 };
        let of = |what| interval(&products(40), bootstrap, what);
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        assert_eq!(interval(&products(1), bootstrap, 0), None, "one product says nothing");
        assert_eq!(interval(&[[1.0, 0.0, 0.0]; 5], bootstrap, 0), None, "nothing is expected");
    }

    #[test]
    fn an_interval_leaves_its_tails_out() {
        let bootstrap = Bootstrap { n: 5, level: 0.5, seed: 1 };
        let found = vec![3.0, 1.0, 5.0, 2.0, 4.0];
        let of = |tail| bootstrap.interval_between(found.clone(), tail).expect("five");
        assert_eq!(Some(of(0.25)), bootstrap.interval(found.clone()));
        assert_eq!(of(0.25), Interval { low: 2.0, high: 4.0 });
        assert_eq!(of(0.0), Interval { low: 1.0, high: 5.0 });
        assert_eq!(bootstrap.interval_between(vec![1.0; 4], 0.0), None, "a fifth is missing");
    }

    #[test]
    fn numbers_beyond_a_chunk_are_summed_too() {
        let mut summands = Summands::new(6);
        for _ in 0..3 {
            summands.push(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        }
        let bootstrap = Bootstrap { n: 2, level: 0.9, seed: 1 };
        bootstrap.replicates(&summands, 0, |sums| {
            let expected = [3.0, 6.0, 9.0, 12.0, 15.0, 18.0];
            assert!(sums.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{sums:?}");
        });
    }

    #[test]
    fn quantiles_between_values() {
        let sorted = [1.0, 2.0, 4.0];
        for (at, value) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert!((quantile(&sorted, at) - value).abs() < 1e-12, "{at}");
        }
    }
}
