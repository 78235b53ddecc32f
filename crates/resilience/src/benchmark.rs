//! The expected change of a region, or of one of its products.
//!
//! With `x` exports at the start of the stage, `g` growth over it, and `N` all regions:
//!
//! ```text
//! aggregate      D[r] = g[N] * x[r]                     Martin, Sunley, Gardiner & Tyler (2016)
//! mix            D[r] = sum over p of g[p] * x[r,p]     industry mix: takes composition out
//! aggregate_loo, mix_loo                                 the same growth rates without region r
//! own_trend      D[r] = (e^(n m) - 1) * x[r]            m the mean log growth before the base, n the periods of the
//!                                                        stage; Han & Goetz (2015)
//! reference, reference_mix                               the growth rates of another economy
//! ```
//!
//! For one product `mix` is the growth of that product alone.
//!
//! # Conventions
//!
//! * `aggregate` and `mix` add up: over all regions, the expected change is the actual one, under `mix`
//!   less what products new to the whole nation brought, which have no growth rate.
//! * Under `mix_loo` a product that no other region exports at the start is expected to grow at the
//!   `aggregate_loo` rate, as there is nothing else to compare it with; under `reference_mix` a product that the
//!   reference does not trade, at the `reference` rate.
//! * A product of which the others export less than a given share of what the region does has no growth rate without
//!   the region: a handful of exports can grow five hundredfold.
//! * A region that is all there is is not compared with itself: [`Stage::is_alone`].
//! * What others export is a difference of exact sums of hundredths: a region that is nearly the whole nation is
//!   not compared with rounding errors.

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
    /// Its own growth before the base.
    OwnTrend,
    /// Another economy, all products.
    Reference,
    /// Another economy, product by product.
    ReferenceMix,
}

impl Benchmark {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Aggregate,
        Self::Mix,
        Self::AggregateLeaveOneOut,
        Self::MixLeaveOneOut,
        Self::OwnTrend,
        Self::Reference,
        Self::ReferenceMix,
    ];

    /// Its name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Mix => "mix",
            Self::AggregateLeaveOneOut => "aggregate_loo",
            Self::MixLeaveOneOut => "mix_loo",
            Self::OwnTrend => "own_trend",
            Self::Reference => "reference",
            Self::ReferenceMix => "reference_mix",
        }
    }

    /// Whether each product has an expected growth of its own.
    pub fn is_by_product(self) -> bool {
        matches!(self, Self::Mix | Self::MixLeaveOneOut | Self::ReferenceMix)
    }

    /// Whether it is the growth of another economy.
    pub fn is_of_reference(self) -> bool {
        matches!(self, Self::Reference | Self::ReferenceMix)
    }
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no benchmark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown benchmark {0:?}: expected one of aggregate, mix, aggregate_loo, mix_loo, own_trend, reference, reference_mix"
)]
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

/// Hundredths of a value; exports are whole hundredths.
fn hundredths(value: f64) -> i128 {
    #[expect(clippy::cast_possible_truncation, reason = "money is far below 2^127")]
    let exact = (value * 100.0).round() as i128;
    exact
}

fn growth(start: i128, end: i128) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a ratio of sums")]
    let rate = (end - start) as f64 / start as f64;
    (start > 0).then_some(rate)
}

/// Growth of the reference economy over a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceGrowth {
    /// Of all its trade.
    pub total: Option<f64>,
    /// Of each product.
    pub products: Vec<Option<f64>>,
}

/// The exports of regions by product at both ends of a stage of an episode, and whom they are compared with.
#[derive(Debug, Clone)]
pub struct Stage {
    start: Exports,
    end: Exports,
    /// Sums at start and end, in hundredths.
    regions: Vec<(i128, i128)>,
    products: Vec<(i128, i128)>,
    total: (i128, i128),
    reference: Option<ReferenceGrowth>,
    trends: Vec<Option<f64>>,
    /// What others must export at the least, over what the region does.
    min_share: f64,
}

impl Stage {
    /// Compares `end` with `start`, which have the same regions and products.
    ///
    /// A region that was not reported at one of the ends must be zero at both: it would look like growth of the
    /// nation.
    pub fn new(start: Exports, end: Exports) -> Self {
        let (n_regions, n_products) = (start.n_regions(), start.n_products());
        let mut regions = vec![(0, 0); n_regions];
        let mut products = vec![(0, 0); n_products];
        let mut total = (0, 0);
        for (region, sums) in regions.iter_mut().enumerate() {
            let cells = start.row(region).iter().zip(end.row(region));
            for ((&x0, &x1), of_product) in cells.zip(&mut products) {
                if x0 > 0.0 || x1 > 0.0 {
                    let (x0, x1) = (hundredths(x0), hundredths(x1));
                    for sum in [&mut *sums, of_product, &mut total] {
                        sum.0 += x0;
                        sum.1 += x1;
                    }
                }
            }
        }
        Self {
            start,
            end,
            regions,
            products,
            total,
            reference: None,
            trends: Vec::new(),
            min_share: 0.0,
        }
    }

    /// With the growth of another economy over the stage.
    #[must_use]
    pub fn with_reference(mut self, reference: ReferenceGrowth) -> Self {
        self.reference = Some(reference);
        self
    }

    /// With the growth that each region's own trend gives over the stage: see [`trend_growth`].
    #[must_use]
    pub fn with_trends(mut self, trends: Vec<Option<f64>>) -> Self {
        self.trends = trends;
        self
    }

    /// Compares a region's product with that of the others only if they export at least this share of what it does at
    /// the start.
    #[must_use]
    pub fn with_min_share(mut self, min_share: f64) -> Self {
        self.min_share = min_share;
        self
    }

    /// Exports at the start.
    pub fn start(&self) -> &Exports {
        &self.start
    }

    /// Exports at the end.
    pub fn end(&self) -> &Exports {
        &self.end
    }

    /// Growth of all regions together; `None` if they start from nothing.
    pub fn national_growth(&self) -> Option<f64> {
        growth(self.total.0, self.total.1)
    }

    /// Growth of a product over all regions.
    pub fn product_growth(&self, product: usize) -> Option<f64> {
        growth(self.products[product].0, self.products[product].1)
    }

    /// The growth rate that `region` is compared with in `product`.
    ///
    /// [`Benchmark::OwnTrend`] gives the region's as a whole. `None` if there is nothing to grow from.
    pub fn expected_growth(
        &self,
        benchmark: Benchmark,
        region: usize,
        product: usize,
    ) -> Option<f64> {
        let others = |all: (i128, i128), own: (i128, i128)| growth(all.0 - own.0, all.1 - own.1);
        match benchmark {
            Benchmark::Aggregate => self.national_growth(),
            Benchmark::Mix => self.product_growth(product),
            Benchmark::AggregateLeaveOneOut => others(self.total, self.regions[region]),
            Benchmark::MixLeaveOneOut => {
                let own = |exports: &Exports| hundredths(exports.get(region, product));
                let own = (own(&self.start), own(&self.end));
                #[expect(clippy::cast_precision_loss, reason = "a share")]
                let share = (self.products[product].0 - own.0) as f64 / own.0.max(1) as f64;
                others(self.products[product], own).filter(|_| share >= self.min_share)
            }
            Benchmark::OwnTrend => self.trends.get(region).copied().flatten(),
            Benchmark::Reference => self.reference.as_ref()?.total,
            Benchmark::ReferenceMix => self.reference.as_ref()?.products[product],
        }
    }

    /// Whether the growth of all regions is that of `region`, as no other has exports at either end.
    pub fn is_alone(&self, region: usize) -> bool {
        self.regions[region] == self.total
    }

    /// Whether the growth that `benchmark` expects of a product of `region` is the product's own there,
    /// as there is nothing else.
    pub fn is_own_growth(&self, benchmark: Benchmark, region: usize, product: usize) -> bool {
        let own = |of: &Exports| hundredths(of.get(region, product).max(0.0));
        match benchmark {
            Benchmark::Aggregate => self.total == (own(&self.start), own(&self.end)),
            Benchmark::Mix => self.is_alone(region),
            _ => false,
        }
    }

    /// The growth rate that a product without one of its own is expected to have.
    fn fallback(&self, benchmark: Benchmark, region: usize) -> Option<f64> {
        let general = match benchmark {
            Benchmark::ReferenceMix => Benchmark::Reference,
            _ => Benchmark::AggregateLeaveOneOut,
        };
        self.expected_growth(general, region, 0)
    }

    /// The change of `region`'s exports that the benchmark expects, in units of the currency.
    ///
    /// `None` if the region exports nothing at the start, or there is nothing to compare it with.
    pub fn expected_change(&self, benchmark: Benchmark, region: usize) -> Option<f64> {
        let own = self.start.region_totals()[region];
        if own <= 0.0 {
            return None;
        }
        if !benchmark.is_by_product() {
            return self.expected_growth(benchmark, region, 0).map(|growth| growth * own);
        }
        let fallback = self.fallback(benchmark, region);
        let mut change = 0.0;
        for (product, &value) in self.start.row(region).iter().enumerate() {
            if value > 0.0 {
                let rate = self.expected_growth(benchmark, region, product);
                change += rate.or(fallback)? * value;
            }
        }
        Some(change)
    }

    /// What the benchmark expects of each product of `region` at the start, as [`Self::expected_change`] sums it.
    pub fn expected_changes(&self, benchmark: Benchmark, region: usize) -> Vec<Option<f64>> {
        let general = self.fallback(benchmark, region);
        let rows = self.start.row(region).iter().enumerate();
        rows.map(|(product, &value)| {
            if value <= 0.0 {
                return Some(0.0);
            }
            let rate = self.expected_growth(benchmark, region, product);
            rate.or(general.filter(|_| benchmark.is_by_product())).map(|rate| rate * value)
        })
        .collect()
    }
}

/// The growth over `n_periods` of a series that goes on as it did: `levels` end with the base and begin
/// `levels.len() - 1` periods before it. `None` if one is missing or zero.
pub fn trend_growth(levels: &[Option<f64>], n_periods: f64) -> Option<f64> {
    let (Some(&Some(first)), Some(&Some(last)), true) =
        (levels.first(), levels.last(), levels.len() > 1)
    else {
        return None;
    };
    if levels.iter().any(|level| level.is_none_or(|level| level <= 0.0)) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let mean = (last / first).ln() / (levels.len() - 1) as f64;
    Some((mean * n_periods).exp_m1())
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

    #[test]
    fn a_region_that_is_all_there_is_is_its_own_benchmark() {
        let new = |values: [f64; 4]| Exports::new(2, 2, values.to_vec()).expect("valid");
        let of = |start, end| Stage::new(new(start), new(end));
        let two = of([100.0, 100.0, 50.0, 0.0], [60.0, 110.0, 45.0, 0.0]);
        assert!(!two.is_alone(0) && !two.is_alone(1));
        assert!(!two.is_own_growth(Benchmark::Mix, 0, 1), "sold by no other, but there are others");
        let one = of([100.0, 100.0, 0.0, 0.0], [60.0, 110.0, 0.0, 0.0]);
        assert!(one.is_alone(0) && !one.is_alone(1));
        assert!(one.is_own_growth(Benchmark::Mix, 0, 1));
        assert!(!one.is_own_growth(Benchmark::Aggregate, 0, 1), "one product among two");
        assert!(!one.is_own_growth(Benchmark::AggregateLeaveOneOut, 0, 1));
        let last = of([100.0, 0.0, 0.0, 0.0], [60.0, 0.0, 0.0, 0.0]);
        assert!(last.is_own_growth(Benchmark::Aggregate, 0, 0));
    }

    fn check(benchmark: Benchmark, expected: [f64; 2]) {
        let (start, end) = exports();
        for (region, expected) in expected.into_iter().enumerate() {
            let stage = Stage::new(start.clone(), end.clone());
            let found = stage.expected_change(benchmark, region).expect("comparable");
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
        let change = Stage::new(start, end).expected_change(Benchmark::MixLeaveOneOut, 0);
        assert!((change.expect("comparable") - 20.0).abs() < 1e-12);
    }

    #[test]
    fn region_without_exports_has_no_expectation() {
        let start = Exports::new(2, 1, vec![0.0, 1.0]).expect("valid");
        let stage = Stage::new(start.clone(), start);
        assert_eq!(stage.expected_change(Benchmark::Aggregate, 0), None);
        assert_eq!(stage.expected_change(Benchmark::AggregateLeaveOneOut, 1), None);
    }

    #[test]
    fn products_new_to_the_nation_are_expected_by_nobody() {
        let start = Exports::new(2, 2, vec![100.0, 0.0, 50.0, 0.0]).expect("valid");
        let end = Exports::new(2, 2, vec![90.0, 7.0, 60.0, 0.0]).expect("valid");
        let stage = Stage::new(start, end);
        let expected: f64 =
            (0..2).map(|r| stage.expected_change(Benchmark::Mix, r).expect("comparable")).sum();
        assert!(expected.abs() < 1e-12, "the old product did not change: {expected}");
    }

    #[test]
    fn nearly_the_whole_nation_is_compared_with_the_rest_exactly() {
        let start = Exports::new(2, 1, vec![1e13 + 0.01, 0.02]).expect("valid");
        let end = Exports::new(2, 1, vec![9e12 + 0.03, 0.03]).expect("valid");
        let stage = Stage::new(start, end);
        for benchmark in [Benchmark::AggregateLeaveOneOut, Benchmark::MixLeaveOneOut] {
            let found = stage.expected_growth(benchmark, 0, 0).expect("another region");
            assert!((found - 0.5).abs() < 1e-12, "{benchmark}: {found}");
        }
    }

    #[test]
    fn a_handful_of_exports_of_others_is_no_benchmark() {
        let start = Exports::new(2, 2, vec![1000.0, 100.0, 5.0, 300.0]).expect("valid");
        let end = Exports::new(2, 2, vec![900.0, 90.0, 500.0, 330.0]).expect("valid");
        let stage = Stage::new(start, end);
        let growth = |stage: &Stage| stage.expected_growth(Benchmark::MixLeaveOneOut, 0, 0);
        assert!(growth(&stage).expect("others") > 98.0);
        let stage = stage.with_min_share(0.01);
        assert_eq!(growth(&stage), None);
        let other = stage.expected_growth(Benchmark::MixLeaveOneOut, 0, 1).expect("others");
        assert!((other - 0.1).abs() < 1e-12);
        // As a part of the region, it is expected to do as all else of the others.
        let all = stage.expected_growth(Benchmark::AggregateLeaveOneOut, 0, 0).expect("others");
        let change = stage.expected_change(Benchmark::MixLeaveOneOut, 0).expect("comparable");
        assert!((change - (1000.0 * all + 10.0)).abs() < 1e-9);
    }

    #[test]
    fn trend_goes_on_at_its_mean_log_growth() {
        let doubling = [Some(1.0), Some(5.0), Some(4.0)];
        let found = trend_growth(&doubling, 2.0).expect("a trend");
        assert!((found - 3.0).abs() < 1e-12, "4 in two periods, 4 in the next: {found}");
        assert_eq!(trend_growth(&[Some(1.0), None, Some(2.0)], 1.0), None);
        assert_eq!(trend_growth(&[Some(1.0), Some(0.0), Some(2.0)], 1.0), None);
        assert_eq!(trend_growth(&[Some(1.0)], 1.0), None);
    }

    #[test]
    fn another_economy_gives_its_rates() {
        let (start, end) = exports();
        let reference = ReferenceGrowth { total: Some(-0.2), products: vec![Some(0.1), None] };
        let stage = Stage::new(start, end).with_reference(reference);
        let change = |benchmark| stage.expected_change(benchmark, 0).expect("comparable");
        assert!((change(Benchmark::Reference) + 40.0).abs() < 1e-12);
        assert!((change(Benchmark::ReferenceMix) - (10.0 - 20.0)).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn expected_changes_add_up_to_the_actual_one(
            start in prop::collection::vec(100u32..100_000_000, 20),
            end in prop::collection::vec(0u32..100_000_000, 20),
        ) {
            let new = |hundredths: &[u32]| {
                let values = hundredths.iter().map(|&n| f64::from(n) / 100.0).collect();
                Exports::new(4, 5, values).expect("valid")
            };
            let stage = Stage::new(new(&start), new(&end));
            let (start, actual) = (stage.start().total(), stage.end().total() - stage.start().total());
            for benchmark in [Benchmark::Aggregate, Benchmark::Mix] {
                let expected: f64 =
                    (0..4).map(|r| stage.expected_change(benchmark, r).unwrap()).sum();
                prop_assert!((expected - actual).abs() < 1e-8 * start);
            }
            // By product, the same.
            for benchmark in Benchmark::ALL {
                for region in 0..4 {
                    let parts = stage.expected_changes(benchmark, region);
                    let sum = parts.into_iter().sum::<Option<f64>>();
                    let whole = stage.expected_change(benchmark, region);
                    match (sum, whole) {
                        (Some(sum), Some(whole)) => prop_assert!((sum - whole).abs() < 1e-6 * start),
                        (sum, whole) => prop_assert_eq!(sum, whole),
                    }
                }
            }
        }
    }
}
