//! The course of one series: its turning points, how long it takes to come back, and what is lost on the way.
//!
//! Series are levels by period, `None` where nothing was reported. Places are places in the series.
//!
//! ```text
//! amplitude = x[trough]/x[peak] - 1
//! drop      = (xhat1 - x1)/xhat1,  rebound = (x2 - x1)/x1,  their ratio    Han & Goetz (2015)
//! loss      = sum over t of xhat[t] - x[t]                                  area under the expected path
//! ```

use std::ops::RangeInclusive;

/// A contraction, dated by the series itself (after Sensier, Bristow & Healy 2016).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// Place of the highest level before the fall.
    pub peak: usize,
    /// Place of the lowest level after it.
    pub trough: usize,
    /// Relative change from peak to trough, below zero.
    pub amplitude: f64,
    /// First place after the trough at which the level of the peak is reached again; `None` if the series ends
    /// before that.
    pub regained: Option<usize>,
}

/// Dates the contraction whose peak lies in `peaks` and whose trough comes after it, up to `last`.
///
/// The peak is the highest level of its window, the last of equals; the trough the lowest one up to `last`, the first
/// of equals. `None` if a level of these windows is missing, or the series does not fall after its peak.
pub fn cycle(levels: &[Option<f64>], peaks: RangeInclusive<usize>, last: usize) -> Option<Cycle> {
    let of = |range: RangeInclusive<usize>| -> Option<Vec<(usize, f64)>> {
        range.map(|at| Some((at, levels.get(at).copied().flatten()?))).collect()
    };
    let (peak, high) =
        of(peaks)?.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))?;
    let (trough, low) =
        of(peak..=last)?.into_iter().min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))?;
    if low >= high {
        return None;
    }
    Some(Cycle {
        peak,
        trough,
        amplitude: low / high - 1.0,
        regained: first_at_least(levels, trough + 1, high),
    })
}

/// The first place from `from` on whose level is at least `level`.
pub fn first_at_least(levels: &[Option<f64>], from: usize, level: f64) -> Option<usize> {
    (from..levels.len()).find(|&at| levels[at].is_some_and(|found| found >= level))
}

/// Drop, rebound and their ratio (Han & Goetz 2015). Fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropRebound {
    /// How far the trough is below the level that was expected for it.
    pub drop: f64,
    /// Growth from the trough; `None` if there is nothing at the trough.
    pub rebound: Option<f64>,
    /// Rebound over drop; `None` without a drop.
    pub resilience: Option<f64>,
}

/// Computes them from the level `expected` at the trough and those found at trough and end; `None` if nothing was
/// expected. No ratio is taken of a drop below `near_zero`.
pub fn drop_rebound(expected: f64, trough: f64, end: f64, near_zero: f64) -> Option<DropRebound> {
    if expected <= 0.0 {
        return None;
    }
    let drop = (expected - trough) / expected;
    let rebound = (trough > 0.0).then(|| (end - trough) / trough);
    Some(DropRebound {
        drop,
        rebound,
        resilience: rebound.filter(|_| drop > near_zero).map(|rebound| rebound / drop),
    })
}

/// What is lost against an expected path, period by period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Sum of expected less found, in units of the series; below zero for a gain.
    pub sum: f64,
    /// The same relative to the sum expected.
    pub share: f64,
}

/// Sums the gaps between `expected` and `levels`; `None` if one of them is missing or nothing was expected.
pub fn cumulative_loss(levels: &[Option<f64>], expected: &[Option<f64>]) -> Option<Loss> {
    let (mut sum, mut whole) = (0.0, 0.0);
    for (level, expected) in levels.iter().zip(expected) {
        let (level, expected) = ((*level)?, (*expected)?);
        sum += expected - level;
        whole += expected;
    }
    (whole > 0.0).then(|| Loss { sum, share: sum / whole })
}

/// Shock, resistance and resilience by growth alone, after Hill et al. (2012).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HillFlags {
    /// Growth fell more than the margin below its mean of the periods before.
    pub is_shocked: bool,
    /// Back at that mean within the time allowed; `None` if not shocked, or the series ends too early to say no.
    pub is_resilient: Option<bool>,
}

/// How the flags are set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HillRule {
    /// Periods that a growth rate is over: those of a year, so that seasons do not look like shocks.
    pub lag: usize,
    /// Growth rates whose mean is the norm: those of 8 years.
    pub n_before: usize,
    /// How far growth must fall below it: 0.02.
    pub margin: f64,
    /// Periods within which growth must be back: those of 4 years.
    pub n_after: usize,
}

/// Flags the first shock at the places `window`, whose first is not 0.
///
/// `None` if a growth rate that is needed is missing: the norm takes `n_before` rates before the window.
pub fn hill_flags(
    levels: &[Option<f64>],
    window: RangeInclusive<usize>,
    rule: HillRule,
) -> Option<HillFlags> {
    let growth = |at: usize| -> Option<f64> {
        let (before, now) = (
            levels.get(at.checked_sub(rule.lag)?).copied().flatten()?,
            levels.get(at).copied().flatten()?,
        );
        (before > 0.0).then(|| now / before - 1.0)
    };
    let first = *window.start();
    let before: Vec<f64> =
        (first.checked_sub(rule.n_before)?..first).map(growth).collect::<Option<_>>()?;
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let norm = before.iter().sum::<f64>() / before.len() as f64;
    for at in window {
        if growth(at)? < norm - rule.margin {
            let mut is_resilient = Some(false);
            for after in at + 1..=at + rule.n_after {
                match growth(after) {
                    Some(rate) if rate >= norm => {
                        is_resilient = Some(true);
                        break;
                    }
                    Some(_) => {}
                    None => {
                        is_resilient = None;
                        break;
                    }
                }
            }
            return Some(HillFlags { is_shocked: true, is_resilient });
        }
    }
    Some(HillFlags { is_shocked: false, is_resilient: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(levels: &[f64]) -> Vec<Option<f64>> {
        levels.iter().map(|&level| Some(level)).collect()
    }

    #[test]
    fn contraction_is_dated_by_the_series() {
        let levels = series(&[80.0, 100.0, 100.0, 70.0, 60.0, 90.0, 101.0]);
        let found = cycle(&levels, 0..=3, 5).expect("a fall");
        assert_eq!((found.peak, found.trough, found.regained), (2, 4, Some(6)));
        assert!((found.amplitude + 0.4).abs() < 1e-12);
        let early = cycle(&levels[..6], 0..=3, 5).expect("a fall");
        assert_eq!(early.regained, None, "the data end before the peak is regained");
        assert_eq!(
            cycle(&series(&[1.0, 2.0, 3.0]), 0..=1, 2),
            None,
            "what only grows does not contract"
        );
        assert_eq!(cycle(&[Some(1.0), None, Some(0.5)], 0..=0, 2), None, "missing is not zero");
    }

    #[test]
    fn drop_and_rebound_of_the_worked_example() {
        // Expected 110, found 88, then 99: a fifth lost, an eighth regained.
        let found = drop_rebound(110.0, 88.0, 99.0, 0.01).expect("comparable");
        assert!((found.drop - 0.2).abs() < 1e-12);
        assert!((found.rebound.expect("a trough") - 0.125).abs() < 1e-12);
        assert!((found.resilience.expect("a drop") - 0.625).abs() < 1e-12);
        assert_eq!(drop_rebound(80.0, 88.0, 99.0, 0.01).expect("comparable").resilience, None);
        assert_eq!(drop_rebound(80.0, 0.0, 9.0, 0.01).expect("comparable").rebound, None);
        assert_eq!(drop_rebound(0.0, 1.0, 1.0, 0.01), None);
    }

    #[test]
    fn loss_is_the_area_below_the_expected_path() {
        let found = cumulative_loss(&series(&[90.0, 80.0, 130.0]), &series(&[100.0, 110.0, 120.0]));
        let found = found.expect("comparable");
        assert!((found.sum - 30.0).abs() < 1e-12 && (found.share - 30.0 / 330.0).abs() < 1e-12);
        assert_eq!(cumulative_loss(&[None], &series(&[1.0])), None);
    }

    #[test]
    fn flags_of_growth() {
        let rule = HillRule { lag: 1, n_before: 2, margin: 0.02, n_after: 2 };
        let flags = |levels: &[f64], window| hill_flags(&series(levels), window, rule);
        // 10 % twice, then a fall, then 5 % and 20 %.
        let found =
            flags(&[100.0, 110.0, 121.0, 100.0, 105.0, 126.0], 3..=3).expect("enough before");
        assert_eq!(found, HillFlags { is_shocked: true, is_resilient: Some(true) });
        let found =
            flags(&[100.0, 110.0, 121.0, 100.0, 105.0, 110.0], 3..=3).expect("enough before");
        assert_eq!(found.is_resilient, Some(false));
        let found = flags(&[100.0, 110.0, 121.0, 100.0, 105.0], 3..=3).expect("enough before");
        assert_eq!(found.is_resilient, None, "the data end too early to say no");
        let found = flags(&[100.0, 110.0, 121.0, 132.0], 3..=3).expect("enough before");
        assert_eq!(found, HillFlags { is_shocked: false, is_resilient: None });
        // By quarter, the same quarters of two years are compared.
        let seasons = [10.0, 40.0, 11.0, 44.0, 12.1, 48.4, 12.0, 48.0];
        let rule = HillRule { lag: 2, n_before: 2, margin: 0.02, n_after: 2 };
        let found = hill_flags(&series(&seasons), 5..=5, rule).expect("enough before");
        assert!(
            !found.is_shocked,
            "it grows 10 % as before, though it is four times the quarter before"
        );
        assert!(hill_flags(&series(&seasons), 6..=6, rule).expect("enough before").is_shocked);
        assert_eq!(
            flags(&[100.0, 110.0, 121.0], 2..=2),
            None,
            "one rate before where two are needed"
        );
    }
}
