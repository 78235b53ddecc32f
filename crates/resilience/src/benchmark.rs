//! The expected change of a region, or of one of its products.
//!
//! With `x` exports at the start of the stage, `g` growth over it, and `N` all regions:
//!
//! ```text
//! aggregate      D[r] = g[N] * x[r]                     Martin, Sunley, Gardiner & Tyler (2016)
//! mix            D[r] = sum over p of g[p] * x[r,p]     industry mix: takes composition out
//! aggregate_loo, mix_loo                                 the same growth rates without region r
//! ```
//!
//! # Conventions
//!
//! * `aggregate` and `mix` add up: over all regions, the expected change is the actual one, under `mix`
//!   less what products new to the whole nation brought, which have no growth rate.
//! * Under `mix_loo` a product that no other region exports at the start is expected to grow at the
//!   `aggregate_loo` rate, as there is nothing else to compare it with.

use space::Exports;
use std::fmt;
use std::str::FromStr;

/// What a region is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Benchmark {
    /// All regions, all products.
    Aggregate,
    /// All regions, product by product.
    Mix,
    /// All other regions, all products.
    AggregateLeaveOneOut,
    /// All other regions, product by product.
    MixLeaveOneOut,
}

impl Benchmark {
    const ALL: [Self; 4] =
        [Self::Aggregate, Self::Mix, Self::AggregateLeaveOneOut, Self::MixLeaveOneOut];

    /// Its name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Mix => "mix",
            Self::AggregateLeaveOneOut => "aggregate_loo",
            Self::MixLeaveOneOut => "mix_loo",
        }
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no benchmark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown benchmark {0:?}: expected one of aggregate, mix, aggregate_loo, mix_loo")]
pub struct ParseBenchmarkError(String);

impl FromStr for Benchmark {
    type Err = ParseBenchmarkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|benchmark| benchmark.name() == text)
            .ok_or_else(|| ParseBenchmarkError(text.to_owned()))
    }
}

fn growth(start: f64, end: f64) -> Option<f64> {
    (start > 0.0).then(|| (end - start) / start)
}

/// The growth rate that `region` is compared with in `product` from `start` to `end`.
///
/// For [`Benchmark::Aggregate`] this is one rate for all products; for [`Benchmark::Mix`] the product's.
/// `None` if there is nothing to grow from.
pub fn expected_growth(
    benchmark: Benchmark,
    start: &Exports,
    end: &Exports,
    region: usize,
    product: usize,
) -> Option<f64> {
    let own = |exports: &Exports| exports.region_totals()[region];
    match benchmark {
        Benchmark::Aggregate => growth(start.total(), end.total()),
        Benchmark::Mix => growth(start.product_totals()[product], end.product_totals()[product]),
        Benchmark::AggregateLeaveOneOut => {
            growth(start.total() - own(start), end.total() - own(end))
        }
        Benchmark::MixLeaveOneOut => {
            let others = |exports: &Exports| {
                (0..exports.n_regions())
                    .filter(|&r| r != region)
                    .map(|r| exports.get(r, product))
                    .sum::<f64>()
            };
            growth(others(start), others(end))
        }
    }
}

/// The change of `region`'s exports that the benchmark expects from `start` to `end`.
///
/// `None` if the region exports nothing at the start, or there is nothing to compare it with.
pub fn expected_change(
    benchmark: Benchmark,
    start: &Exports,
    end: &Exports,
    region: usize,
) -> Option<f64> {
    let own = start.region_totals()[region];
    if own <= 0.0 {
        return None;
    }
    match benchmark {
        Benchmark::Aggregate | Benchmark::AggregateLeaveOneOut => {
            expected_growth(benchmark, start, end, region, 0).map(|g| g * own)
        }
        Benchmark::Mix | Benchmark::MixLeaveOneOut => {
            let fallback = expected_growth(Benchmark::AggregateLeaveOneOut, start, end, region, 0);
            let mut change = 0.0;
            for (product, &value) in start.row(region).iter().enumerate() {
                if value > 0.0 {
                    let rate = expected_growth(benchmark, start, end, region, product);
                    change += rate.or(fallback)? * value;
                }
            }
            Some(change)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Vector 2 of the methodology.
    fn exports() -> (Exports, Exports) {
        let new = |values| Exports::new(2, 2, values).expect("valid");
        (new(vec![100.0, 100.0, 50.0, 250.0]), new(vec![60.0, 110.0, 45.0, 235.0]))
    }

    fn check(benchmark: Benchmark, expected: [f64; 2]) {
        let (start, end) = exports();
        for (region, expected) in expected.into_iter().enumerate() {
            let found = expected_change(benchmark, &start, &end, region).expect("comparable");
            assert!((found - expected).abs() < 1e-6, "{benchmark} {region}: {found}");
        }
    }

    #[test]
    fn worked_example() {
        check(Benchmark::Aggregate, [-20.0, -30.0]);
        check(Benchmark::Mix, [-220.0 / 7.0, -18.571_429]);
        check(Benchmark::AggregateLeaveOneOut, [-200.0 / 15.0, -45.0]);
        check(Benchmark::MixLeaveOneOut, [-16.0, -20.0 + 25.0]);
    }

    #[test]
    fn product_of_one_region_alone_is_expected_to_follow_the_others() {
        let start = Exports::new(2, 2, vec![100.0, 0.0, 0.0, 50.0]).expect("valid");
        let end = Exports::new(2, 2, vec![10.0, 0.0, 0.0, 60.0]).expect("valid");
        let change = expected_change(Benchmark::MixLeaveOneOut, &start, &end, 0);
        assert!((change.expect("comparable") - 20.0).abs() < 1e-12);
    }

    #[test]
    fn region_without_exports_has_no_expectation() {
        let start = Exports::new(2, 1, vec![0.0, 1.0]).expect("valid");
        assert_eq!(expected_change(Benchmark::Aggregate, &start, &start, 0), None);
        assert_eq!(expected_change(Benchmark::AggregateLeaveOneOut, &start, &start, 1), None);
    }

    #[test]
    fn products_new_to_the_nation_are_expected_by_nobody() {
        let start = Exports::new(2, 2, vec![100.0, 0.0, 50.0, 0.0]).expect("valid");
        let end = Exports::new(2, 2, vec![90.0, 7.0, 60.0, 0.0]).expect("valid");
        let expected: f64 = (0..2)
            .map(|r| expected_change(Benchmark::Mix, &start, &end, r).expect("comparable"))
            .sum();
        assert!(expected.abs() < 1e-12, "the old product did not change: {expected}");
    }

    proptest! {
        #[test]
        fn expected_changes_add_up_to_the_actual_one(
            start in prop::collection::vec(1.0f64..1e6, 20),
            end in prop::collection::vec(0.0f64..1e6, 20),
        ) {
            let start = Exports::new(4, 5, start).expect("valid");
            let end = Exports::new(4, 5, end).expect("valid");
            let actual = end.total() - start.total();
            for benchmark in [Benchmark::Aggregate, Benchmark::Mix] {
                let expected: f64 =
                    (0..4).map(|r| expected_change(benchmark, &start, &end, r).unwrap()).sum();
                prop_assert!((expected - actual).abs() < 1e-8 * start.total());
            }
        }
    }
}
