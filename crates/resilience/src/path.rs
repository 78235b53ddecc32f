//! What a path is made of, held against the path that was expected: how far below it fell, how much
//! was lost, when it came back, how steady it was, where it ended; and one number of all that.
//!
//! With `x[t]` the levels after the base, `y[t]` those expected and `G[t] = y[t] - x[t]` the gaps,
//! above zero where less was found:
//!
//! ```text
//! gross loss  sum of G[t] above 0            gross gain  sum of -G[t] above 0
//! area        of the polygon through the gaps, from 0 at the last base period on; where the sign
//!             changes, split where the line between two gaps crosses zero
//! recovered   at the first t from the trough on with G <= tolerance y in it and the k - 1 after
//! RRI         (max(x[trough+1], x[trough+2]) - x[trough]) / (base - x[trough])
//! ```
//!
//! Areas that are split so are those of Ratcliff, Nair & Goldstein's package arse; the RRI is the
//! relative recovery indicator of Frazier et al. (2018), as is the return to a share of the base.
//!
//! # Conventions
//!
//! * A gap that is rounding of the level, 1e-12 of it, is none.
//! * A path with a missing level has no gaps: missing is not zero.
//! * The largest gap is the largest in levels; its relative size is that of the same period.
//! * What cannot be computed is an error that says why.
//!
//! # The composite
//!
//! Ours, for those who must have one number; no published index is claimed to be it. Six scores, 0
//! to 100, each a function of the unit's path and the one expected: none is scaled by what other
//! units score. Values are pulled into that range:
//!
//! ```text
//! depth      100 (1 - G/y at the largest gap)           loss      100 (1 - gross loss / sum of y)
//! recovery   100 / (1 + years to recover), never: 0     strength  100 (1 - G[end] / largest gap);
//!                                                                 no gap above 0: 100
//! stability  100 (1 - sd of growth after the trough)    end       50 x[end] / y[end]
//! composite  sum of w score / sum of w
//! ```
//!
//! A path that ends as expected has 50 for its end. Depth is in the loss, and time is too: the sum
//! counts some things twice. Its parts are published beside it.

use crate::response::NullReason;
use crate::rounding::difference;

/// What is found of the gaps between a path and the one expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaps {
    /// The largest gap, in units of the series; below zero if the path never was below.
    pub largest: f64,
    /// Its place, the first of equals.
    pub largest_at: usize,
    /// The same over the level expected there; `None` if nothing was.
    pub largest_relative: Option<f64>,
    /// Sum of the gaps above zero, in units of the series.
    pub gross_loss: f64,
    /// Sum of those below zero, with the sign turned.
    pub gross_gain: f64,
    /// Sum of the levels expected.
    pub expected: f64,
    /// Area below the expected path, in units of the series times periods.
    pub loss_area: f64,
    /// Area above it.
    pub gain_area: f64,
    /// Periods with a gap above zero.
    pub n_below: usize,
    /// The last gap, in units of the series.
    pub end: f64,
    /// The last level over the one expected, less 1: above zero, it ended above the path; `None` if
    /// nothing was expected.
    pub end_relative: Option<f64>,
}

impl Gaps {
    /// Loss less gain.
    pub fn net_loss(&self) -> f64 {
        self.gross_loss - self.gross_gain
    }
}

/// The gaps between `levels`, from the first period after the base on, and those `expected`.
///
/// # Errors
///
/// [`NullReason::TooFewPeriods`] without a period, [`NullReason::YearMissing`] if a level is
/// missing, [`NullReason::NoBenchmark`] if an expected one is.
pub fn gaps(levels: &[Option<f64>], expected: &[Option<f64>]) -> Result<Gaps, NullReason> {
    let pairs = pairs(levels, expected)?;
    let Some(&(found_end, expected_end)) = pairs.last() else {
        return Err(NullReason::TooFewPeriods);
    };
    let over = |gap: f64, expected: f64| (expected > 0.0).then(|| gap / expected);
    let mut found = Gaps {
        largest: f64::NEG_INFINITY,
        largest_at: 0,
        largest_relative: None,
        gross_loss: 0.0,
        gross_gain: 0.0,
        expected: 0.0,
        loss_area: 0.0,
        gain_area: 0.0,
        n_below: 0,
        end: difference(expected_end, found_end),
        end_relative: over(difference(found_end, expected_end), expected_end),
    };
    let mut before = 0.0;
    for (at, (level, expected)) in pairs.into_iter().enumerate() {
        let gap = difference(expected, level);
        if gap > found.largest {
            found.largest = gap;
            found.largest_at = at;
            found.largest_relative = over(gap, expected);
        }
        found.gross_loss += gap.max(0.0);
        found.gross_gain += (-gap).max(0.0);
        found.expected += expected;
        found.n_below += usize::from(gap > 0.0);
        let (loss, gain) = areas(before, gap);
        found.loss_area += loss;
        found.gain_area += gain;
        before = gap;
    }
    Ok(found)
}

/// Levels found and expected, if all are there.
fn pairs(levels: &[Option<f64>], expected: &[Option<f64>]) -> Result<Vec<(f64, f64)>, NullReason> {
    let pair = |(level, expected): (&Option<f64>, &Option<f64>)| -> Result<_, NullReason> {
        let level = level.ok_or(NullReason::YearMissing)?;
        Ok((level, expected.ok_or(NullReason::NoBenchmark)?))
    };
    levels.iter().zip(expected).map(pair).collect()
}

/// The areas above and below zero under the line from one gap to the next, a period later.
fn areas(from: f64, to: f64) -> (f64, f64) {
    let (above, below) = (from.max(0.0) + to.max(0.0), (-from).max(0.0) + (-to).max(0.0));
    if from * to >= 0.0 {
        return (above / 2.0, below / 2.0);
    }
    // Two triangles, whose bases are as their heights: the period is split at the crossing.
    let whole = above + below;
    (above * (above / whole) / 2.0, below * (below / whole) / 2.0)
}

/// How much a series varied before, as a standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// In units of the series.
    Level(f64),
    /// A fraction, or log points.
    Relative(f64),
}

impl Spread {
    /// The largest of `gaps` in units of it: the gap itself of one in levels, its relative size of
    /// a relative one.
    ///
    /// # Errors
    ///
    /// [`NullReason::NoVariation`] if the series did not vary, [`NullReason::NothingExpected`] if
    /// the gap has no relative size.
    pub fn units_of(self, gaps: &Gaps) -> Score {
        let (gap, sd, least) = match self {
            Self::Level(sd) => (Some(gaps.largest), sd, 1e-12 * gaps.expected),
            Self::Relative(sd) => (gaps.largest_relative, sd, 1e-12),
        };
        let gap = gap.ok_or(NullReason::NothingExpected)?;
        if sd > least { Ok(gap / sd) } else { Err(NullReason::NoVariation) }
    }
}

/// When a path counts as back at the one expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecoveryRule {
    /// How far below it may be, over what is expected.
    pub tolerance: f64,
    /// For how many periods in a row; 0 is as 1.
    pub n_periods: usize,
}

/// Periods from the `trough`, a place of `levels`, to the first of so many in a row that are within
/// the tolerance: 0 if the trough is.
///
/// # Errors
///
/// [`NullReason::YearMissing`] or [`NullReason::NoBenchmark`] if a level that is found or expected
/// is missing before that, [`NullReason::NotRecovered`] if the levels end before.
pub fn periods_to_recover(
    levels: &[Option<f64>],
    expected: &[Option<f64>],
    trough: usize,
    rule: RecoveryRule,
) -> Result<usize, NullReason> {
    let mut n_in_row = 0;
    let places = levels.iter().zip(expected).skip(trough).enumerate();
    for (after, (level, expected)) in places {
        let level = level.ok_or(NullReason::YearMissing)?;
        let expected = expected.ok_or(NullReason::NoBenchmark)?;
        if difference(expected, level) <= rule.tolerance * expected {
            n_in_row += 1;
            if n_in_row >= rule.n_periods {
                return Ok(after + 1 - n_in_row);
            }
        } else {
            n_in_row = 0;
        }
    }
    Err(NullReason::NotRecovered)
}

/// The standard deviation (n - 1) of growth over `lag` periods in `levels`, which has at least
/// `fewest` such rates; a fraction.
///
/// # Errors
///
/// [`NullReason::TooFewPeriods`], [`NullReason::YearMissing`] or [`NullReason::ZeroLevel`], from
/// which nothing grows.
pub fn growth_sd(levels: &[Option<f64>], lag: usize, fewest: usize) -> Result<f64, NullReason> {
    let n = levels.len().saturating_sub(lag);
    if n < fewest.max(2) {
        return Err(NullReason::TooFewPeriods);
    }
    let rate = |(before, now): (&Option<f64>, &Option<f64>)| -> Score {
        let before = before.ok_or(NullReason::YearMissing)?;
        let now = now.ok_or(NullReason::YearMissing)?;
        if before > 0.0 { Ok(now / before - 1.0) } else { Err(NullReason::ZeroLevel) }
    };
    let rates = levels.iter().zip(&levels[lag..]).map(rate).collect::<Result<Vec<f64>, _>>()?;
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let n = n as f64;
    let mean = rates.iter().sum::<f64>() / n;
    let squares: f64 = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum();
    Ok((squares / (n - 1.0)).sqrt())
}

/// The relative recovery indicator: the better of the two periods after the `trough`, a place of
/// `levels`, less the trough, over the loss from `base` to trough.
///
/// # Errors
///
/// [`NullReason::YearMissing`], [`NullReason::TooFewPeriods`] if the levels end before, or
/// [`NullReason::NoLoss`] if less than `near_zero` of the base was lost.
pub fn relative_recovery(
    base: f64,
    levels: &[Option<f64>],
    trough: usize,
    near_zero: f64,
) -> Result<f64, NullReason> {
    let from_trough = levels.get(trough..).unwrap_or_default();
    let Some(&[at_trough, first, second]) = from_trough.first_chunk::<3>() else {
        return Err(NullReason::TooFewPeriods);
    };
    let all = at_trough.zip(first.zip(second));
    let (at_trough, (first, second)) = all.ok_or(NullReason::YearMissing)?;
    let loss = base - at_trough;
    if loss <= near_zero * base {
        return Err(NullReason::NoLoss);
    }
    Ok((first.max(second) - at_trough) / loss)
}

/// Periods from the `trough`, a place of `levels`, to the first with at least `level`: 0 if it is
/// the trough.
///
/// # Errors
///
/// [`NullReason::YearMissing`] if one is missing before that, [`NullReason::NotRecovered`] if the
/// levels end before.
pub fn periods_to_regain(
    levels: &[Option<f64>],
    trough: usize,
    level: f64,
) -> Result<usize, NullReason> {
    for (after, found) in levels.iter().skip(trough).enumerate() {
        if found.ok_or(NullReason::YearMissing)? >= level {
            return Ok(after);
        }
    }
    Err(NullReason::NotRecovered)
}

/// What each part weighs in the composite, at least 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompositeWeights {
    /// Depth of the largest gap.
    pub depth: f64,
    /// Loss over all periods.
    pub loss: f64,
    /// Time to recover.
    pub recovery: f64,
    /// How much of the largest gap is made up.
    pub strength: f64,
    /// Steadiness after the trough.
    pub stability: f64,
    /// Where it ended.
    pub end: f64,
}

/// A score, or why there is none.
pub type Score = Result<f64, NullReason>;

/// The parts of the composite, 0 to 100 each; more is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Depth of the largest gap.
    pub depth: Score,
    /// Loss over all periods.
    pub loss: Score,
    /// Time to recover.
    pub recovery: Score,
    /// How much of the largest gap is made up.
    pub strength: Score,
    /// Steadiness after the trough.
    pub stability: Score,
    /// Where it ended.
    pub end: Score,
}

impl Scores {
    /// The scores of a path: its gaps, the years that it took to recover, and the standard
    /// deviation of its growth after the trough.
    pub fn of(gaps: Result<Gaps, NullReason>, years_to_recover: Score, growth_sd: Score) -> Self {
        let percent = |share: f64| 100.0 * share.clamp(0.0, 1.0);
        let of_gaps = |of: fn(&Gaps) -> Option<f64>| -> Score {
            let found = of(&gaps?).ok_or(NullReason::NothingExpected)?;
            Ok(percent(found))
        };
        let recovery = match years_to_recover {
            Ok(years) => Ok(percent(1.0 / (1.0 + years))),
            Err(NullReason::NotRecovered) => Ok(0.0),
            Err(why) => Err(why),
        };
        Self {
            depth: of_gaps(|gaps| Some(1.0 - gaps.largest_relative?)),
            loss: of_gaps(|gaps| {
                (gaps.expected > 0.0).then(|| 1.0 - gaps.gross_loss / gaps.expected)
            }),
            recovery,
            strength: of_gaps(|gaps| {
                let share = if gaps.largest > 0.0 { gaps.end / gaps.largest } else { 0.0 };
                Some(1.0 - share)
            }),
            stability: growth_sd.map(|sd| percent(1.0 - sd)),
            end: of_gaps(|gaps| Some(f64::midpoint(1.0, gaps.end_relative?))),
        }
    }

    /// Each with what it weighs.
    fn weighed(&self, weights: &CompositeWeights) -> [(Score, f64); 6] {
        [
            (self.depth, weights.depth),
            (self.loss, weights.loss),
            (self.recovery, weights.recovery),
            (self.strength, weights.strength),
            (self.stability, weights.stability),
            (self.end, weights.end),
        ]
    }

    /// Those that weigh something, whatever that is; `None` where one is missing.
    pub fn that_weigh(&self, weights: &CompositeWeights) -> Vec<Option<f64>> {
        let parts = self.weighed(weights).into_iter().filter(|(_, weight)| *weight > 0.0);
        parts.map(|(score, _)| score.ok()).collect()
    }

    /// Their mean by `weights`, 0 to 100.
    ///
    /// # Errors
    ///
    /// The reason of the first score that weighs something and is missing;
    /// [`NullReason::NoBenchmark`] if nothing weighs.
    pub fn composite(&self, weights: &CompositeWeights) -> Score {
        let (mut sum, mut whole) = (0.0, 0.0);
        for (score, weight) in self.weighed(weights) {
            if weight > 0.0 {
                sum += weight * score?;
                whole += weight;
            }
        }
        if whole > 0.0 { Ok(sum / whole) } else { Err(NullReason::NoBenchmark) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(levels: &[f64]) -> Vec<Option<f64>> {
        levels.iter().map(|&level| Some(level)).collect()
    }

    fn near(found: f64, expected: f64) {
        let off = (found - expected).abs();
        assert!(off <= 1e-12 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    const RULE: RecoveryRule = RecoveryRule { tolerance: 0.02, n_periods: 2 };

    /// Gaps of 20, -10, 5 and -5 against 100, 100, 125 and 100. The areas were made by adding up
    /// the lines between them on a grid (numpy): 18.75 below and 6.25 above.
    #[test]
    fn gaps_of_a_path_that_crosses_the_expected_one() {
        let found =
            gaps(&series(&[80.0, 110.0, 120.0, 105.0]), &series(&[100.0, 100.0, 125.0, 100.0]));
        let found = found.expect("a path");
        near(found.largest, 20.0);
        near(found.largest_relative.expect("expected"), 0.2);
        assert_eq!((found.largest_at, found.n_below), (0, 2));
        near(found.gross_loss, 25.0);
        near(found.gross_gain, 15.0);
        near(found.net_loss(), 10.0);
        near(found.expected, 425.0);
        near(found.loss_area, 18.75);
        near(found.gain_area, 6.25);
        near(found.end, -5.0);
        near(found.end_relative.expect("expected"), 0.05);
        near(Spread::Level(4.0).units_of(&found).expect("varies"), 5.0);
        near(Spread::Relative(0.1).units_of(&found).expect("varies"), 2.0);
        assert_eq!(Spread::Level(0.0).units_of(&found), Err(NullReason::NoVariation));
    }

    #[test]
    fn a_path_as_expected_has_no_gap() {
        let found = gaps(&series(&[0.1 + 0.2, 3.0]), &series(&[0.3, 3.0 + 4e-16])).expect("a path");
        assert_eq!((found.n_below, found.largest_at), (0, 0));
        near(Scores::of(Ok(found), Ok(0.0), Ok(0.1)).strength.expect("a score"), 100.0);
        let found = gaps(&series(&[0.3, 3.0]), &series(&[0.1 + 0.2, 3.0])).expect("a path");
        assert_eq!((found.n_below, found.largest_at), (0, 0));
        near(Scores::of(Ok(found), Ok(0.0), Ok(0.1)).end.expect("a score"), 50.0);
    }

    #[test]
    fn a_path_that_stays_above_has_a_largest_gap_below_zero() {
        let found = gaps(&series(&[110.0, 130.0]), &series(&[100.0, 100.0])).expect("a path");
        near(found.largest, -10.0);
        assert_eq!((found.n_below, found.largest_at), (0, 0));
        near(found.gain_area, 5.0 + 20.0);
        near(found.loss_area, 0.0);
    }

    #[test]
    fn what_is_missing_has_its_reason() {
        let one = series(&[1.0]);
        assert_eq!(gaps(&[], &[]), Err(NullReason::TooFewPeriods));
        assert_eq!(gaps(&[None], &one), Err(NullReason::YearMissing));
        assert_eq!(gaps(&one, &[None]), Err(NullReason::NoBenchmark));
        let zero = gaps(&one, &series(&[0.0])).expect("a path");
        assert_eq!((zero.largest_relative, zero.end_relative), (None, None));
        assert_eq!(Spread::Relative(0.1).units_of(&zero), Err(NullReason::NothingExpected));
    }

    #[test]
    fn recovered_is_within_the_tolerance_for_periods_in_a_row() {
        let expected = series(&[100.0; 6]);
        let after =
            |levels: &[f64], trough| periods_to_recover(&series(levels), &expected, trough, RULE);
        assert_eq!(after(&[80.0, 99.0, 90.0, 98.0, 98.5, 90.0], 0), Ok(3), "98 is 2 % below");
        assert_eq!(after(&[80.0, 99.0, 90.0, 98.0, 90.0, 99.0], 0), Err(NullReason::NotRecovered));
        assert_eq!(after(&[80.0, 99.0, 120.0, 1.0, 1.0, 1.0], 1), Ok(0), "from the trough on");
        let found = [Some(80.0), None, Some(100.0), Some(100.0)];
        let found = periods_to_recover(&found, &expected, 0, RULE);
        assert_eq!(found, Err(NullReason::YearMissing));
        let once = RecoveryRule { tolerance: 0.0, n_periods: 1 };
        let found = periods_to_recover(&series(&[80.0, 100.0]), &expected, 0, once);
        assert_eq!(found, Ok(1));
    }

    #[test]
    fn growth_varies_around_its_mean() {
        // 10 %, -10 % and 30 %: deviations of 0, -0.2 and 0.2.
        let levels = series(&[100.0, 110.0, 99.0, 128.7]);
        near(growth_sd(&levels, 1, 2).expect("growth"), 0.2);
        assert_eq!(growth_sd(&levels, 1, 4), Err(NullReason::TooFewPeriods));
        // Over two periods: -1 % and 17 %.
        near(growth_sd(&levels, 2, 2).expect("growth"), 0.18 / 2.0_f64.sqrt());
        assert_eq!(growth_sd(&series(&[0.0, 1.0, 2.0]), 1, 2), Err(NullReason::ZeroLevel));
        assert_eq!(growth_sd(&[Some(1.0), None, Some(2.0)], 1, 2), Err(NullReason::YearMissing));
    }

    #[test]
    fn recovery_relative_to_the_fall_and_to_the_base() {
        // Lost 40 of 100; 30 and 20 above the trough after it.
        let levels = series(&[60.0, 90.0, 80.0]);
        near(relative_recovery(100.0, &levels, 0, 0.01).expect("a loss"), 0.75);
        let none = relative_recovery(60.5, &levels, 0, 0.01);
        assert_eq!(none, Err(NullReason::NoLoss), "less than a hundredth");
        let short = relative_recovery(100.0, &levels, 1, 0.01);
        assert_eq!(short, Err(NullReason::TooFewPeriods));
        assert_eq!(relative_recovery(100.0, &levels, 9, 0.01), Err(NullReason::TooFewPeriods));
        assert_eq!(periods_to_regain(&levels, 0, 80.0), Ok(1));
        assert_eq!(periods_to_regain(&levels, 0, 60.0), Ok(0));
        assert_eq!(periods_to_regain(&levels, 0, 91.0), Err(NullReason::NotRecovered));
        assert_eq!(periods_to_regain(&[Some(1.0), None], 0, 2.0), Err(NullReason::YearMissing));
    }

    const EQUAL: CompositeWeights = CompositeWeights {
        depth: 1.0,
        loss: 1.0,
        recovery: 1.0,
        strength: 1.0,
        stability: 1.0,
        end: 1.0,
    };

    #[test]
    fn the_composite_is_the_mean_of_its_scores() {
        let found =
            gaps(&series(&[80.0, 110.0, 120.0, 105.0]), &series(&[100.0, 100.0, 125.0, 100.0]));
        let scores = Scores::of(found, Ok(1.0), Ok(0.25));
        near(scores.depth.expect("a score"), 80.0);
        near(scores.loss.expect("a score"), 100.0 * (1.0 - 25.0 / 425.0));
        near(scores.recovery.expect("a score"), 50.0);
        near(scores.strength.expect("a score"), 100.0);
        near(scores.stability.expect("a score"), 75.0);
        near(scores.end.expect("a score"), 52.5);
        let sum = 80.0 + 100.0 * (1.0 - 25.0 / 425.0) + 50.0 + 100.0 + 75.0 + 52.5;
        near(scores.composite(&EQUAL).expect("a composite"), sum / 6.0);
        let never = Scores::of(found, Err(NullReason::NotRecovered), Err(NullReason::ZeroLevel));
        near(never.recovery.expect("a score"), 0.0);
        assert_eq!(never.composite(&EQUAL), Err(NullReason::ZeroLevel));
        // What weighs nothing need not be there.
        let depth = CompositeWeights { loss: 2.0, stability: 0.0, ..EQUAL };
        let sum = 80.0 + 200.0 * (1.0 - 25.0 / 425.0) + 100.0 + 52.5;
        near(never.composite(&depth).expect("a composite"), sum / 6.0);
        assert_eq!(never.that_weigh(&depth).len(), 5);
        assert_eq!(never.that_weigh(&EQUAL)[4], None, "growth from zero");
        assert_eq!(never.that_weigh(&EQUAL)[2], Some(0.0));
    }

    proptest! {
        #[test]
        fn losses_and_gains_are_what_the_gaps_add_up_to(
            pairs in prop::collection::vec((0.0f64..1e6, 1.0f64..1e6), 2..12),
            scale in 0.01f64..100.0,
        ) {
            let of = |scale: f64| {
                let levels: Vec<_> = pairs.iter().map(|pair| Some(scale * pair.0)).collect();
                let expected: Vec<_> = pairs.iter().map(|pair| Some(scale * pair.1)).collect();
                gaps(&levels, &expected).unwrap()
            };
            let (one, scaled) = (of(1.0), of(scale));
            let net: f64 = pairs.iter().map(|(level, expected)| expected - level).sum();
            let tiny = 1e-9 * one.expected;
            prop_assert!((one.net_loss() - net).abs() < tiny);
            // Trapezoids from zero: every gap but the last counts whole.
            let area = net - one.end / 2.0;
            prop_assert!((one.loss_area - one.gain_area - area).abs() < tiny);
            prop_assert!(one.loss_area >= 0.0 && one.gain_area >= 0.0);
            prop_assert!((scaled.gross_loss - scale * one.gross_loss).abs() < scale * tiny);
            prop_assert!((scaled.loss_area - scale * one.loss_area).abs() < scale * tiny);
            // Scores are of the path alone, whatever it is counted in.
            let scores = |gaps| Scores::of(Ok(gaps), Ok(2.0), Ok(0.1)).composite(&EQUAL).unwrap();
            prop_assert!((scores(one) - scores(scaled)).abs() < 1e-6);
            prop_assert!((0.0..=100.0).contains(&scores(one)));
        }
    }
}
