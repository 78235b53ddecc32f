//! The response of one series to a stage of the crisis, against an expected change.
//!
//! With `x0`, `x1` the levels at both ends and `D` the expected change:
//!
//! ```text
//! index = ((x1 - x0) - D) / |D|            Martin et al. (2016); > 0: better than expected
//! diff  = (x1 - x0)/x0 - D/x0
//! dlog  = ln(x1/x0) - ln(1 + D/x0)
//! dhs   = 2 (x1 - x0) / (x1 + x0)          midpoint growth, Davis, Haltiwanger & Schuh (1996)
//! ratio = (x1/x0) / (1 + D/x0)             relative ratio, Faggian, Gemmiti, Jaquet & Santini (2018); > 1: better
//! ```
//!
//! The absolute value keeps "positive is better" when a fall is expected.
//!
//! # Conventions
//!
//! * A change that differs from the one expected by rounding alone is as expected: the index is 0.
//! * What cannot be computed is `None`, and [`Response::null_reason`] says why the index is.
//! * A series that ends (`x1 = 0`) has an index: exits are the least resistant, and stay in the sample.

use crate::rounding::beyond_expected;
use std::fmt;

/// Why an index is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NullReason {
    /// The region reported nothing at all in a year of the stage: missing, not zero.
    YearMissing,
    /// Nothing to start from.
    NoBase,
    /// Nothing at the trough to recover from.
    TroughZero,
    /// Less at the start than the config asks for.
    SmallBase,
    /// The region's borders changed within the stage.
    RegionChanged,
    /// It is what it would be compared with.
    IsBenchmark,
    /// There is nothing to compare with.
    NoBenchmark,
    /// The expected growth is too near zero to divide by.
    BenchmarkNearZero,
    /// Fewer periods than are needed.
    TooFewPeriods,
    /// A level of zero, which has no logarithm and no growth rate.
    ZeroLevel,
    /// Levels that are all one, where something is said by how they differ.
    NoVariation,
    /// A level of zero is expected, to which nothing is relative.
    NothingExpected,
    /// It did not come back within the episode.
    NotRecovered,
    /// Nothing was lost that could be made up.
    NoLoss,
    /// No other unit misses no period.
    NoDonors,
    /// The iterations ended before the result was known.
    NoConvergence,
}

impl NullReason {
    /// Its name in the tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::YearMissing => "year_missing",
            Self::NoBase => "no_base",
            Self::TroughZero => "trough_zero",
            Self::SmallBase => "small_base",
            Self::RegionChanged => "region_changed",
            Self::IsBenchmark => "is_benchmark",
            Self::NoBenchmark => "no_benchmark",
            Self::BenchmarkNearZero => "benchmark_near_zero",
            Self::TooFewPeriods => "too_few_periods",
            Self::ZeroLevel => "zero_level",
            Self::NoVariation => "no_variation",
            Self::NothingExpected => "nothing_expected",
            Self::NotRecovered => "not_recovered",
            Self::NoLoss => "no_loss",
            Self::NoDonors => "no_donors",
            Self::NoConvergence => "no_convergence",
        }
    }
}

impl fmt::Display for NullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The four forms of a response. Ratios without unit, in fractions (not percent).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Response {
    /// Growth of the series itself.
    pub growth: Option<f64>,
    /// Expected change, in units of the currency.
    pub expected_change: Option<f64>,
    /// Deviation from the expected change, relative to its size.
    pub index: Option<f64>,
    /// Growth less expected growth.
    pub diff: Option<f64>,
    /// Log growth less expected log growth.
    pub dlog: Option<f64>,
    /// Midpoint growth, in `[-2, 2]`; of the series itself.
    pub dhs: Option<f64>,
    /// Growth factor over the expected one.
    pub ratio: Option<f64>,
    /// Why the index is missing.
    pub null_reason: Option<NullReason>,
}

/// Computes the response from `start` to `end` against `expected` (a change, in the same units).
///
/// A level that is `None` was never reported. `near_zero` is the smallest expected growth, in absolute
/// value, that an index is divided by. `no_base` is the reason given when `start` is zero.
pub fn respond(
    start: Option<f64>,
    end: Option<f64>,
    expected: Option<f64>,
    near_zero: f64,
    no_base: NullReason,
) -> Response {
    let (Some(start), Some(end)) = (start, end) else {
        return Response { null_reason: Some(NullReason::YearMissing), ..Response::default() };
    };
    let dhs = (start + end > 0.0).then(|| 2.0 * (end - start) / (end + start));
    if start <= 0.0 {
        return Response { dhs, null_reason: Some(no_base), ..Response::default() };
    }
    let change = end - start;
    let growth = change / start;
    let Some(expected) = expected else {
        return Response {
            growth: Some(growth),
            dhs,
            null_reason: Some(NullReason::NoBenchmark),
            ..Response::default()
        };
    };
    let expected_growth = expected / start;
    let beyond = beyond_expected(start, end, expected);
    let is_as_expected = beyond.abs() <= 0.0;
    let unless_as_expected = |value: f64, found: f64| if is_as_expected { value } else { found };
    let is_near_zero = expected_growth.abs() < near_zero || expected.abs() <= 0.0;
    Response {
        growth: Some(growth),
        expected_change: Some(expected),
        index: (!is_near_zero).then(|| beyond / expected.abs()),
        diff: Some(unless_as_expected(0.0, growth - expected_growth)),
        dlog: (end > 0.0 && expected_growth > -1.0)
            .then(|| unless_as_expected(0.0, (end / start).ln() - (1.0 + expected_growth).ln())),
        dhs,
        ratio: (expected_growth > -1.0)
            .then(|| unless_as_expected(1.0, (end / start) / (1.0 + expected_growth))),
        null_reason: is_near_zero.then_some(NullReason::BenchmarkNearZero),
    }
}

impl Response {
    /// The same of a series that is what it would be compared with: nothing is said of its distance
    /// from itself.
    #[must_use]
    pub fn of_benchmark(self) -> Self {
        match self.null_reason {
            None | Some(NullReason::BenchmarkNearZero) => Self {
                index: None,
                diff: None,
                dlog: None,
                ratio: None,
                null_reason: Some(NullReason::IsBenchmark),
                ..self
            },
            Some(_) => self,
        }
    }

    /// The same without what is relative to the start, for `reason`: midpoint growth stays.
    #[must_use]
    pub fn without_ratios(self, reason: NullReason) -> Self {
        Self { dhs: self.dhs, null_reason: Some(reason), ..Self::default() }
    }
}

/// Whether a region resisted and recovered better than expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quadrant {
    /// Both better.
    ResistantRecovering,
    /// Resisted, recovers slower.
    ResistantLagging,
    /// Fell further, recovers faster.
    VulnerableRecovering,
    /// Both worse.
    VulnerableLagging,
}

impl Quadrant {
    /// By the signs of the indices; an index of zero is as expected, and counts as better.
    pub fn of(resistance: f64, recovery: f64) -> Self {
        match (resistance >= 0.0, recovery >= 0.0) {
            (true, true) => Self::ResistantRecovering,
            (true, false) => Self::ResistantLagging,
            (false, true) => Self::VulnerableRecovering,
            (false, false) => Self::VulnerableLagging,
        }
    }

    /// Its name in the tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::ResistantRecovering => "resistant_recovering",
            Self::ResistantLagging => "resistant_lagging",
            Self::VulnerableRecovering => "vulnerable_recovering",
            Self::VulnerableLagging => "vulnerable_lagging",
        }
    }
}

/// What became of a region's product over an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Exported at base, trough and end.
    Continuing,
    /// Not at the base; at the trough and the end.
    Entry,
    /// At the base; neither at the trough nor at the end.
    Exit,
    /// At the base and the end, not at the trough.
    ReEntry,
    /// At base and trough, gone by the end.
    LateExit,
    /// Only from the end on.
    LateEntry,
    /// Only at the trough.
    Passing,
    /// Not reported at one of the three.
    Unknown,
    /// At none of the three.
    Absent,
}

impl Status {
    /// Its name in the tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Continuing => "continuing",
            Self::Entry => "entry",
            Self::Exit => "exit",
            Self::ReEntry => "re_entry",
            Self::LateExit => "late_exit",
            Self::LateEntry => "late_entry",
            Self::Passing => "passing",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
        }
    }
}

/// The status of a series with these levels at base, trough and end; `None` was not reported.
pub fn status(base: Option<f64>, trough: Option<f64>, end: Option<f64>) -> Status {
    let (Some(base), Some(trough), Some(end)) = (base, trough, end) else {
        return Status::Unknown;
    };
    match (base > 0.0, trough > 0.0, end > 0.0) {
        (true, true, true) => Status::Continuing,
        (false, true, true) => Status::Entry,
        (true, false, false) => Status::Exit,
        (true, false, true) => Status::ReEntry,
        (true, true, false) => Status::LateExit,
        (false, false, true) => Status::LateEntry,
        (false, true, false) => Status::Passing,
        (false, false, false) => Status::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(
        start: f64,
        end: f64,
        expected: f64,
        forms: [Option<f64>; 4],
        reason: Option<NullReason>,
    ) {
        let found = respond(Some(start), Some(end), Some(expected), 0.01, NullReason::NoBase);
        let found_forms = [found.index, found.diff, found.dlog, found.dhs];
        for (found, expected) in found_forms.into_iter().zip(forms) {
            match (found, expected) {
                (None, None) => {}
                (Some(f), Some(e)) if (f - e).abs() < 1e-7 => {}
                _ => panic!("{start} -> {end} | {expected:?}: {found_forms:?} is not {forms:?}"),
            }
        }
        assert_eq!(found.null_reason, reason);
    }

    #[test]
    fn worked_example() {
        let dlog = |g: f64, e: f64| Some((1.0 + g).ln() - (1.0 + e).ln());
        let a = [Some(-0.5), Some(-0.05), dlog(-0.15, -0.1), Some(-0.162_162_16)];
        check(200.0, 170.0, -20.0, a, None);
        let b = [Some(1.0 / 3.0), Some(1.0 / 30.0), dlog(-20.0 / 300.0, -0.1), Some(-0.068_965_52)];
        check(300.0, 280.0, -30.0, b, None);
        let mix = |start, end, expected: f64, index: f64| {
            let found = respond(Some(start), Some(end), Some(expected), 0.01, NullReason::NoBase);
            assert!((found.index.expect("an index") - index).abs() < 1e-7);
        };
        mix(200.0, 170.0, -220.0 / 7.0, 0.045_454_5);
        mix(300.0, 280.0, -130.0 / 7.0, -0.076_923_1);
    }

    #[test]
    fn entry_has_only_midpoint_growth() {
        check(0.0, 5.0, 1.0, [None, None, None, Some(2.0)], Some(NullReason::NoBase));
    }

    #[test]
    fn exit_keeps_its_index() {
        let forms = [Some((-1.0 + 0.1) / 0.1), Some(-0.9), None, Some(-2.0)];
        check(50.0, 0.0, -5.0, forms, None);
    }

    #[test]
    fn expected_change_near_zero_leaves_the_difference() {
        let found = respond(Some(100.0), Some(90.0), Some(0.5), 0.01, NullReason::NoBase);
        assert_eq!((found.index, found.null_reason), (None, Some(NullReason::BenchmarkNearZero)));
        assert!((found.diff.expect("a difference") + 0.105).abs() < 1e-12);
    }

    #[test]
    fn missing_year_is_not_zero() {
        let found = respond(None, Some(1.0), Some(1.0), 0.01, NullReason::NoBase);
        assert_eq!(found.null_reason, Some(NullReason::YearMissing));
        assert_eq!((found.dhs, found.growth), (None, None));
        let both = respond(Some(0.0), Some(0.0), None, 0.01, NullReason::TroughZero);
        assert_eq!((both.dhs, both.null_reason), (None, Some(NullReason::TroughZero)));
    }

    #[test]
    fn every_path_has_a_status() {
        let found = [(1., 0., 1.), (0., 0., 1.), (1., 1., 0.), (0., 1., 0.), (0., 0., 0.)]
            .map(|(a, b, c)| status(Some(a), Some(b), Some(c)).code());
        assert_eq!(found, ["re_entry", "late_entry", "late_exit", "passing", "absent"]);
        assert_eq!(status(Some(1.0), None, Some(1.0)), Status::Unknown, "missing is not zero");
    }

    proptest! {
        #[test]
        fn a_share_of_all_that_grows_as_all_is_as_expected(
            start in 1.0f64..1e9,
            factor in 0.01f64..5.0,
            share in 0.001f64..1000.0,
        ) {
            let rate = start * factor / start - 1.0;
            let (from, to) = (share * start, share * (start * factor));
            let found = respond(Some(from), Some(to), Some(rate * from), 0.01, NullReason::NoBase);
            let forms = [found.diff, found.dlog, found.ratio].map(Option::unwrap);
            prop_assert_eq!(forms.map(f64::to_bits), [0.0, 0.0, 1.0].map(f64::to_bits));
            if let Some(index) = found.index {
                prop_assert_eq!(Quadrant::of(index, index), Quadrant::ResistantRecovering);
            }
        }

        #[test]
        fn better_than_expected_is_positive(start in 1.0f64..1e9, end in 0.0f64..1e9, expected in -1e9f64..1e9) {
            let found = respond(Some(start), Some(end), Some(expected), 0.01, NullReason::NoBase);
            if let Some(index) = found.index {
                prop_assert_eq!(index > 0.0, end - start > expected);
            }
            let dhs = found.dhs.unwrap();
            prop_assert!((-2.0..=2.0).contains(&dhs));
        }

        #[test]
        fn midpoint_growth_is_symmetric(a in 0.0f64..1e9, b in 1.0f64..1e9) {
            let there = respond(Some(a), Some(b), None, 0.01, NullReason::NoBase).dhs.unwrap();
            let back = respond(Some(b), Some(a), None, 0.01, NullReason::NoBase).dhs.unwrap();
            prop_assert!((there + back).abs() < 1e-12);
        }
    }
}
