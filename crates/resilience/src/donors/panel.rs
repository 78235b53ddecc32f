//! Series of units over the same periods, some before a shock and some after it.

use super::factor::float;
use crate::response::NullReason;

/// Periods before the shock that there must be.
pub const FEWEST_BEFORE: usize = 2;

/// How far above the smallest error one is that counts as the smallest.
const AS_SMALL: f64 = 1e-6;

/// What units are compared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Logs of levels over the unit's mean before the shock: a gap is in log points.
    Log,
    /// Levels over that mean: a gap is a share of it.
    Index,
    /// Levels: large units are alike only to large ones.
    Level,
}

impl Scale {
    /// A level in this scale; `None` if it has no log.
    fn of(self, level: f64, norm: f64) -> Option<f64> {
        match self {
            Self::Log => (level > 0.0).then(|| (level / norm).ln()),
            Self::Index => Some(level / norm),
            Self::Level => Some(level),
        }
    }

    /// The level of a value in this scale.
    fn level(self, value: f64, norm: f64) -> f64 {
        match self {
            Self::Log => norm * value.exp(),
            Self::Index => norm * value,
            Self::Level => value,
        }
    }
}

/// A unit whose series before the shock is whole.
#[derive(Debug, Clone, PartialEq)]
struct Series {
    /// Its mean level before the shock.
    norm: f64,
    /// In the scale of the panel, by period; those before the shock are all there.
    values: Vec<Option<f64>>,
}

impl Series {
    fn new(
        levels: &[Option<f64>],
        (n_before, n_periods): (usize, usize),
        scale: Scale,
    ) -> Result<Self, NullReason> {
        if n_before < FEWEST_BEFORE {
            return Err(NullReason::TooFewPeriods);
        }
        let level = |at: usize| levels.get(at).copied().flatten();
        let before: Option<Vec<f64>> = (0..n_before).map(level).collect();
        let before = before.ok_or(NullReason::YearMissing)?;
        let norm = before.iter().sum::<f64>() / float(n_before);
        if norm <= 0.0 && scale != Scale::Level {
            return Err(NullReason::ZeroLevel);
        }
        let values: Vec<Option<f64>> =
            (0..n_periods).map(|at| scale.of(level(at)?, norm)).collect();
        if values[..n_before].contains(&None) {
            return Err(NullReason::ZeroLevel);
        }
        Ok(Self { norm, values })
    }
}

/// Units by period.
#[derive(Debug, Clone)]
pub struct Panel {
    scale: Scale,
    n_before: usize,
    n_periods: usize,
    units: Vec<Result<Series, NullReason>>,
    /// Places of the units that miss no period, in the order of their values.
    donors: Vec<usize>,
}

impl Panel {
    /// Units with these `levels` by period, of which the first `n_before` are before the shock.
    ///
    /// A unit that misses a period, or a log, is no donor; one that misses a period before the
    /// shock has no counterfactual either: see [`Self::reason`].
    pub fn new(levels: &[Vec<Option<f64>>], n_before: usize, scale: Scale) -> Self {
        let n_periods = levels.iter().map(Vec::len).max().unwrap_or(0);
        let n_before = n_before.min(n_periods);
        let series = |levels: &Vec<Option<f64>>| Series::new(levels, (n_before, n_periods), scale);
        let units: Vec<Result<Series, NullReason>> = levels.iter().map(series).collect();
        let rows = units.iter().enumerate().filter_map(|(unit, series)| {
            let values: Vec<f64> =
                series.as_ref().ok()?.values.iter().copied().collect::<Option<_>>()?;
            Some((unit, values))
        });
        let mut rows: Vec<(usize, Vec<f64>)> = rows.collect();
        rows.sort_by(|(_, a), (_, b)| {
            let mut pairs = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
            pairs.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let donors = rows.into_iter().map(|(unit, _)| unit).collect();
        Self { scale, n_before, n_periods, units, donors }
    }

    /// Units.
    pub fn n_units(&self) -> usize {
        self.units.len()
    }

    /// Periods before the shock.
    pub fn n_before(&self) -> usize {
        self.n_before
    }

    /// Periods.
    pub fn n_periods(&self) -> usize {
        self.n_periods
    }

    /// Why a unit has no counterfactual whatever the method; `None` if it may have one.
    pub fn reason(&self, unit: usize) -> Option<NullReason> {
        match self.units.get(unit) {
            Some(Ok(_)) if self.n_donors(unit) == 0 => Some(NullReason::NoDonors),
            Some(Ok(_)) => None,
            Some(Err(reason)) => Some(*reason),
            None => Some(NullReason::YearMissing),
        }
    }

    /// Units that miss no period, without the treated one.
    pub fn n_donors(&self, treated: usize) -> usize {
        self.donors.iter().filter(|donor| **donor != treated).count()
    }

    /// The place of each donor of a unit, with its values by period, in the order of these.
    pub(super) fn donors(&self, treated: Option<usize>) -> Vec<(usize, Vec<f64>)> {
        let others = self.donors.iter().copied().filter(|donor| Some(*donor) != treated);
        others.filter_map(|donor| Some((donor, self.values(donor)?))).collect()
    }

    /// The values of a unit that misses none.
    fn values(&self, unit: usize) -> Option<Vec<f64>> {
        self.units[unit].as_ref().ok()?.values.iter().copied().collect()
    }

    /// The values of a unit before the shock.
    ///
    /// # Errors
    ///
    /// Why it has no counterfactual.
    pub(super) fn before(&self, treated: usize) -> Result<Vec<f64>, NullReason> {
        if let Some(reason) = self.reason(treated) {
            return Err(reason);
        }
        let series = self.units[treated].as_ref().map_err(|reason| *reason)?;
        Ok(series.values[..self.n_before].iter().copied().flatten().collect())
    }

    /// The value of a unit in a period, if it has one.
    pub(super) fn value(&self, unit: usize, period: usize) -> Option<f64> {
        self.units.get(unit)?.as_ref().ok()?.values.get(period).copied().flatten()
    }

    /// What a method found of a unit, whose expected `values` are in the scale of the panel.
    ///
    /// # Errors
    ///
    /// [`NullReason::NoConvergence`] if a level is no number.
    pub(super) fn expected(
        &self,
        treated: usize,
        values: &[f64],
        found: Found,
    ) -> Result<Expected, NullReason> {
        let series = self.units[treated].as_ref().map_err(|reason| *reason)?;
        let levels: Vec<f64> =
            values.iter().map(|value| self.scale.level(*value, series.norm)).collect();
        if !levels.iter().all(|level| level.is_finite()) {
            return Err(NullReason::NoConvergence);
        }
        let gaps = |from: usize, to: usize| -> Vec<f64> {
            let pairs = series.values.iter().zip(values).skip(from).take(to - from);
            pairs.filter_map(|(found, expected)| Some((*found)? - expected)).collect()
        };
        let mean = |of: &[f64]| of.iter().sum::<f64>() / float(of.len());
        let rms = |of: &[f64]| mean(&of.iter().map(|gap| gap * gap).collect::<Vec<_>>()).sqrt();
        let after = gaps(self.n_before, self.n_periods);
        Ok(Expected {
            levels,
            weights: found.weights,
            penalty: found.penalty,
            n_donors: self.n_donors(treated),
            n_iterations: found.n_iterations,
            pre_rmspe: rms(&gaps(0, self.n_before)),
            post_rmspe: (!after.is_empty()).then(|| rms(&after)),
            mean_gap: (!after.is_empty()).then(|| mean(&after)),
        })
    }
}

/// How a counterfactual was found.
pub(super) struct Found {
    pub(super) weights: Vec<(usize, f64)>,
    pub(super) penalty: f64,
    pub(super) n_iterations: usize,
}

/// A unit's counterfactual.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The expected level in each period of the panel, in units of the series: before the shock,
    /// the fit. In logs it is the exponential of the expected log.
    pub levels: Vec<f64>,
    /// Places of donors with a weight above zero, ascending, and the weights, which add up to one;
    /// empty where the method has none.
    pub weights: Vec<(usize, f64)>,
    /// The penalty.
    pub penalty: f64,
    /// Units that might have had a weight.
    pub n_donors: usize,
    /// Iterations that it took.
    pub n_iterations: usize,
    /// Root of the mean squared gap (found less expected) before the shock, in the panel's scale.
    pub pre_rmspe: f64,
    /// The same after it, over the periods that have a value; `None` without one.
    pub post_rmspe: Option<f64>,
    /// Mean gap after the shock, in the panel's scale, over the same periods.
    pub mean_gap: Option<f64>,
}

impl Expected {
    /// How many times larger gaps are after the shock than before it; infinite where there are none
    /// before it, zero where there are none after it. `None` without a period after it.
    pub fn ratio(&self) -> Option<f64> {
        let after = self.post_rmspe?;
        Some(if after > 0.0 { after / self.pre_rmspe } else { 0.0 })
    }
}

/// The penalty with the smallest sum of squared errors, of `penalties` in falling order; `errors`
/// has those of each unit or fold by penalty. Errors a millionth above the smallest count as it:
/// the largest of the penalties is taken.
///
/// `None` if there are no errors, or none is finite.
pub fn best_penalty(penalties: &[f64], errors: &[Vec<f64>]) -> Option<f64> {
    if errors.is_empty() {
        return None;
    }
    let error = |of: &Vec<f64>, at: usize| of.get(at).copied().unwrap_or(f64::INFINITY);
    let sums: Vec<f64> =
        (0..penalties.len()).map(|at| errors.iter().map(|of| error(of, at)).sum()).collect();
    let least = sums.iter().copied().filter(|sum| sum.is_finite()).reduce(f64::min)?;
    let first = sums.iter().position(|sum| *sum <= least * (1.0 + AS_SMALL))?;
    penalties.get(first).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(levels: &[f64]) -> Vec<Option<f64>> {
        levels.iter().copied().map(Some).collect()
    }

    #[test]
    fn units_that_miss_a_period_are_no_donors() {
        let mut gone = some(&[1.0, 2.0, 3.0]);
        gone[2] = None;
        let mut late = some(&[1.0, 2.0, 3.0]);
        late[0] = None;
        let levels = [some(&[1.0, 2.0, 3.0]), gone, late, some(&[2.0, 0.0, 3.0])];
        let panel = Panel::new(&levels, 2, Scale::Log);
        assert_eq!((panel.n_units(), panel.n_before(), panel.n_periods()), (4, 2, 3));
        // The only donor has none itself.
        assert_eq!(panel.reason(0), Some(NullReason::NoDonors));
        assert_eq!(panel.reason(1), None, "it is whole before the shock");
        assert_eq!(panel.reason(2), Some(NullReason::YearMissing));
        assert_eq!(panel.reason(3), Some(NullReason::ZeroLevel));
        assert_eq!(panel.reason(4), Some(NullReason::YearMissing));
        assert_eq!((panel.n_donors(0), panel.n_donors(1)), (0, 1));
        let panel = Panel::new(&levels, 2, Scale::Index);
        assert_eq!((panel.reason(3), panel.n_donors(0)), (None, 1), "a zero is a share");
        let panel = Panel::new(&levels, 1, Scale::Log);
        assert_eq!(panel.reason(0), Some(NullReason::TooFewPeriods));
    }

    #[test]
    fn gaps_are_in_the_scale_and_levels_in_units() {
        let levels = [some(&[1.0, 3.0, 4.0]), some(&[1.0, 1.0, 1.0])];
        let panel = Panel::new(&levels, 2, Scale::Index);
        let found = || Found { weights: Vec::new(), penalty: 0.0, n_iterations: 1 };
        // Over the mean, 2: 0.5, 1.5, 2.
        let expected = panel.expected(0, &[0.6, 1.4, 1.5], found()).expect("finite");
        let levels: Vec<f64> = vec![1.2, 2.8, 3.0];
        assert!(expected.levels.iter().zip(levels).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!((expected.pre_rmspe - 0.1).abs() < 1e-12);
        assert!((expected.post_rmspe.expect("a period") - 0.5).abs() < 1e-12);
        assert!((expected.mean_gap.expect("a period") - 0.5).abs() < 1e-12);
        assert!((expected.ratio().expect("a period") - 5.0).abs() < 1e-9);
        assert_eq!(
            panel.expected(0, &[0.5, 1.5, f64::NAN], found()),
            Err(NullReason::NoConvergence)
        );
    }

    #[test]
    fn the_largest_of_the_best_penalties_is_taken() {
        let penalties = [8.0, 4.0, 2.0, 1.0];
        let errors = [vec![3.0, 1.0, 1.0, 2.0], vec![1.0, 1.0, 1.0 - 1e-9, 1.0]];
        assert_eq!(best_penalty(&penalties, &errors), Some(4.0));
        let failed = [vec![3.0, f64::INFINITY, f64::INFINITY, f64::INFINITY]];
        assert_eq!(best_penalty(&penalties, &failed), Some(8.0));
        assert_eq!(best_penalty(&penalties, &[]), None);
        assert_eq!(best_penalty(&penalties, &[vec![f64::INFINITY; 4]]), None);
    }
}
