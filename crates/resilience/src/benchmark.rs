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
//! own_mean, own_linear, own_log_linear, own_ar1          from the base: yhat[end] - x[r]
//!                D[r] = (yhat[end]/yhat[start] - 1) * x[r]   after it; yhat by a model: OwnPast
//! reference, reference_mix                               the growth rates of another economy
//! synthetic, matrix_completion                           D[r] = (c[end] / c[start] - 1) * x[r], c what r would have been
//!                                                        by the other regions: see `donors`
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
//! * What others export is a difference of exact sums: a region that is nearly the whole nation is not compared with
//!   rounding errors. Exports are whole hundredths; a start that is the mean of several periods is whole hundredths over
//!   their number, and is not rounded.

use crate::own_past::OwnModel;
use crate::response::NullReason;
use space::Exports;
use std::collections::BTreeMap;
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
    /// The mean of its own levels up to the base.
    OwnMean,
    /// A line through them.
    OwnLinear,
    /// A line through their logs.
    OwnLogLinear,
    /// A first-order autoregression of them.
    OwnAr1,
    /// Another economy, all products.
    Reference,
    /// Another economy, product by product.
    ReferenceMix,
    /// A weighted mean of other regions that had been alike: see [`crate::donors`].
    Synthetic,
    /// What factors of all regions give of it: see [`crate::donors`].
    MatrixCompletion,
}

impl Benchmark {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Aggregate,
        Self::Mix,
        Self::AggregateLeaveOneOut,
        Self::MixLeaveOneOut,
        Self::OwnTrend,
        Self::OwnMean,
        Self::OwnLinear,
        Self::OwnLogLinear,
        Self::OwnAr1,
        Self::Reference,
        Self::ReferenceMix,
        Self::Synthetic,
        Self::MatrixCompletion,
    ];

    /// Its name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregate => "aggregate",
            Self::Mix => "mix",
            Self::AggregateLeaveOneOut => "aggregate_loo",
            Self::MixLeaveOneOut => "mix_loo",
            Self::OwnTrend => "own_trend",
            Self::OwnMean => "own_mean",
            Self::OwnLinear => "own_linear",
            Self::OwnLogLinear => "own_log_linear",
            Self::OwnAr1 => "own_ar1",
            Self::Reference => "reference",
            Self::ReferenceMix => "reference_mix",
            Self::Synthetic => "synthetic",
            Self::MatrixCompletion => "matrix_completion",
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

    /// The model of a unit's own past that it is, if it is one.
    pub fn own_model(self) -> Option<OwnModel> {
        match self {
            Self::OwnMean => Some(OwnModel::Mean),
            Self::OwnLinear => Some(OwnModel::Linear),
            Self::OwnLogLinear => Some(OwnModel::LogLinear),
            Self::OwnAr1 => Some(OwnModel::Ar1),
            _ => None,
        }
    }

    /// Whether it is what a region would have been by the other regions: there is none of groups of
    /// regions, products and parts.
    pub fn is_of_donors(self) -> bool {
        matches!(self, Self::Synthetic | Self::MatrixCompletion)
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
    "unknown benchmark {0:?}: expected one of {names}",
    names = Benchmark::ALL.map(Benchmark::name).join(", ")
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

/// The units of a value at the start and of one at the end of a stage that begins with the mean of `n_periods`: a
/// hundredth over their number.
fn units((start, end): (f64, f64), n_periods: u32) -> (i128, i128) {
    (hundredths(start * f64::from(n_periods)), hundredths(end) * i128::from(n_periods))
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
    /// Periods whose mean the start is.
    n_periods: u32,
    /// Sums at start and end, in hundredths over the number of periods.
    regions: Vec<(i128, i128)>,
    products: Vec<(i128, i128)>,
    total: (i128, i128),
    reference: Option<ReferenceGrowth>,
    /// The growth that each region is expected to have over the stage, by benchmark.
    of_regions: BTreeMap<Benchmark, Vec<Option<f64>>>,
    /// What others must export at the least, over what the region does.
    min_share: f64,
}

impl Stage {
    /// Compares `end` with `start`, which have the same regions and products.
    ///
    /// A region that was not reported at one of the ends must be zero at both: it would look like growth of the
    /// nation.
    pub fn new(start: Exports, end: Exports) -> Self {
        Self::from_mean(start, 1, end)
    }

    /// The same where `start` is the mean of `n_periods`, at least one, whose exports are whole hundredths.
    pub fn from_mean(start: Exports, n_periods: u32, end: Exports) -> Self {
        let n_periods = n_periods.max(1);
        let (n_regions, n_products) = (start.n_regions(), start.n_products());
        let mut regions = vec![(0, 0); n_regions];
        let mut products = vec![(0, 0); n_products];
        let mut total = (0, 0);
        for (region, sums) in regions.iter_mut().enumerate() {
            let cells = start.row(region).iter().zip(end.row(region));
            for ((&x0, &x1), of_product) in cells.zip(&mut products) {
                if x0 > 0.0 || x1 > 0.0 {
                    let (x0, x1) = units((x0, x1), n_periods);
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
            n_periods,
            regions,
            products,
            total,
            reference: None,
            of_regions: BTreeMap::new(),
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
    pub fn with_trends(self, trends: Vec<Option<f64>>) -> Self {
        self.with_growth_of_regions(Benchmark::OwnTrend, trends)
    }

    /// With the growth that `benchmark`, which is not of the cells of the stage, expects of each
    /// region over it; `None` where it expects nothing.
    #[must_use]
    pub fn with_growth_of_regions(
        mut self,
        benchmark: Benchmark,
        growth: Vec<Option<f64>>,
    ) -> Self {
        self.of_regions.insert(benchmark, growth);
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

    /// A region's product at start and end, in the units of the sums.
    fn cell(&self, region: usize, product: usize) -> (i128, i128) {
        let at = |exports: &Exports| exports.get(region, product).max(0.0);
        units((at(&self.start), at(&self.end)), self.n_periods)
    }

    /// Growth of all regions together; `None` if they start from nothing.
    pub fn national_growth(&self) -> Option<f64> {
        growth(self.total.0, self.total.1)
    }

    /// Growth of a product over all regions.
    pub fn product_growth(&self, product: usize) -> Option<f64> {
        growth(self.products[product].0, self.products[product].1)
    }

    /// A product's share in the exports of all regions at the start; `None` if they start from
    /// nothing.
    pub fn start_share(&self, product: usize) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = self.products[product].0 as f64 / self.total.0 as f64;
        (self.total.0 > 0).then_some(share)
    }

    /// The growth rate that `region` is compared with in `product`.
    ///
    /// [`Benchmark::OwnTrend`], the models of the own past and those of donors give the region's as a
    /// whole. `None` if there is nothing to grow from.
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
                let own = self.cell(region, product);
                #[expect(clippy::cast_precision_loss, reason = "a share")]
                let share = (self.products[product].0 - own.0) as f64 / own.0.max(1) as f64;
                others(self.products[product], own).filter(|_| share >= self.min_share)
            }
            Benchmark::OwnTrend
            | Benchmark::OwnMean
            | Benchmark::OwnLinear
            | Benchmark::OwnLogLinear
            | Benchmark::OwnAr1
            | Benchmark::Synthetic
            | Benchmark::MatrixCompletion => {
                self.of_regions.get(&benchmark)?.get(region).copied().flatten()
            }
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
        match benchmark {
            Benchmark::Aggregate => self.total == self.cell(region, product),
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
/// `levels.len() - 1` periods before it.
///
/// # Errors
///
/// Why it has no trend: [`NullReason::TooFewPeriods`] with fewer than two levels, [`NullReason::YearMissing`] if one is
/// missing, [`NullReason::ZeroLevel`] if one is zero.
pub fn trend_growth(levels: &[Option<f64>], n_periods: f64) -> Result<f64, NullReason> {
    let (Some(first), Some(last), true) = (levels.first(), levels.last(), levels.len() > 1) else {
        return Err(NullReason::TooFewPeriods);
    };
    if levels.contains(&None) {
        return Err(NullReason::YearMissing);
    }
    if levels.iter().flatten().any(|level| *level <= 0.0) {
        return Err(NullReason::ZeroLevel);
    }
    let (first, last) =
        (first.ok_or(NullReason::YearMissing)?, last.ok_or(NullReason::YearMissing)?);
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let mean = (last / first).ln() / (levels.len() - 1) as f64;
    Ok((mean * n_periods).exp_m1())
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
    fn a_mean_is_not_rounded() {
        // 0.03 and 0.04, whose mean is no whole hundredth, and 0.02 for the other.
        let start = Exports::new(2, 1, vec![0.035, 0.02]).expect("valid");
        let end = Exports::new(2, 1, vec![0.03, 0.03]).expect("valid");
        let stage = Stage::from_mean(start, 2, end);
        let near = |found: Option<f64>, expected: f64| {
            let found = found.expect("comparable");
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        };
        near(stage.national_growth(), 0.06 / 0.055 - 1.0);
        near(stage.start_share(0), 1.0);
        near(stage.product_growth(0), 0.06 / 0.055 - 1.0);
        near(stage.expected_growth(Benchmark::AggregateLeaveOneOut, 1, 0), 0.03 / 0.035 - 1.0);
        near(stage.expected_growth(Benchmark::MixLeaveOneOut, 1, 0), 0.03 / 0.035 - 1.0);
        assert!(!stage.is_alone(0));
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
        let why = |levels: &[Option<f64>]| trend_growth(levels, 1.0).expect_err("no trend");
        assert_eq!(why(&[Some(1.0), None, Some(2.0)]), NullReason::YearMissing);
        assert_eq!(why(&[Some(1.0), Some(0.0), Some(2.0)]), NullReason::ZeroLevel);
        assert_eq!(why(&[Some(1.0)]), NullReason::TooFewPeriods);
        assert_eq!(why(&[]), NullReason::TooFewPeriods);
    }

    #[test]
    fn the_growth_of_regions_is_of_their_benchmark_alone() {
        let (start, end) = exports();
        for (one, other) in [
            (Benchmark::OwnAr1, Benchmark::OwnMean),
            (Benchmark::Synthetic, Benchmark::MatrixCompletion),
        ] {
            let stage = Stage::new(start.clone(), end.clone());
            assert_eq!(stage.expected_change(one, 0), None);
            let stage = stage.with_growth_of_regions(one, vec![Some(-0.25), None]);
            let change = stage.expected_change(one, 0).expect("comparable");
            assert!((change + 50.0).abs() < 1e-12, "a quarter of 200: {change}");
            assert_eq!(stage.expected_change(one, 1), None);
            assert_eq!(stage.expected_change(other, 0), None);
            assert_eq!(stage.expected_changes(one, 0), [Some(-25.0), Some(-25.0)]);
        }
    }

    #[test]
    fn a_benchmark_has_one_name() {
        for benchmark in Benchmark::ALL {
            assert_eq!(benchmark.name().parse::<Benchmark>(), Ok(benchmark));
            assert_eq!(
                benchmark.own_model().is_some(),
                benchmark.name().starts_with("own_") && benchmark != Benchmark::OwnTrend
            );
        }
        let error = "own".parse::<Benchmark>().expect_err("no benchmark");
        assert!(
            error.to_string().ends_with("reference_mix, synthetic, matrix_completion"),
            "{error}"
        );
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
