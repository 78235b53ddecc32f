//! What models of the units' own past expect, for the benchmarks of an episode that are such.

use ::resilience::{Benchmark, Interval, NullReason, OwnPast};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Models of the units' own past, by benchmark.
#[derive(Default)]
pub(super) struct OwnPasts {
    /// The model of each unit, or why there is none.
    of: BTreeMap<Benchmark, Vec<Result<OwnPast, NullReason>>>,
    /// The level of each unit at the base.
    bases: Vec<Option<f64>>,
    /// Place of the last base period.
    last: i32,
}

impl OwnPasts {
    /// Fits those of `benchmarks` that are models of the own past to the `pasts` of units, which
    /// end with the period at `last`.
    pub(super) fn new(
        benchmarks: &[Benchmark],
        pasts: &[Vec<Option<f64>>],
        bases: Vec<Option<f64>>,
        last: i32,
    ) -> Self {
        let models = benchmarks.iter().filter_map(|of| Some((*of, of.own_model()?)));
        let of = models
            .map(|(benchmark, model)| {
                (benchmark, pasts.par_iter().map(|past| OwnPast::fit(model, past)).collect())
            })
            .collect();
        Self { of, bases, last }
    }

    /// The benchmarks that there are models of.
    pub(super) fn benchmarks(&self) -> impl Iterator<Item = Benchmark> {
        self.of.keys().copied()
    }

    fn of(&self, benchmark: Benchmark, unit: usize) -> Option<&Result<OwnPast, NullReason>> {
        self.of.get(&benchmark)?.get(unit)
    }

    /// The model of a unit, if it has one.
    pub(super) fn model(&self, benchmark: Benchmark, unit: usize) -> Option<&OwnPast> {
        self.of(benchmark, unit)?.as_ref().ok()
    }

    /// Why a unit has no model.
    pub(super) fn reason(&self, benchmark: Benchmark, unit: usize) -> Option<NullReason> {
        self.of(benchmark, unit)?.as_ref().err().copied()
    }

    fn base(&self, unit: usize) -> Option<f64> {
        self.bases.get(unit).copied().flatten().filter(|base| *base > 0.0)
    }

    /// Periods from the last one of the base to the one at `place`.
    pub(super) fn ahead(&self, place: i32) -> usize {
        usize::try_from(place - self.last).unwrap_or(0)
    }

    /// The growth that the model of each unit expects from the middle of the periods `from` to the
    /// one at `to`: see [`Self::rate`].
    pub(super) fn growth(&self, benchmark: Benchmark, from: &[i32], to: i32) -> Vec<Option<f64>> {
        let of_unit = |unit: usize| {
            let model = self.model(benchmark, unit)?;
            self.rate(unit, (from, to), |ahead| model.expected(ahead))
        };
        (0..self.bases.len()).map(of_unit).collect()
    }

    /// The growth from the middle of the periods `from` to the one at `to` on a path of which these
    /// levels are `expected` so many periods after the base: from the level that was found at the
    /// base, else from the one expected there. A level expected below zero is zero.
    pub(super) fn rate(
        &self,
        unit: usize,
        (from, to): (&[i32], i32),
        expected: impl Fn(usize) -> Option<f64>,
    ) -> Option<f64> {
        let start = match from.first().copied().filter(|place| *place > self.last) {
            Some(place) => expected(self.ahead(place))?,
            None => self.base(unit)?,
        };
        let end = expected(self.ahead(to))?.max(0.0);
        let growth = (start > 0.0).then(|| end / start - 1.0);
        growth.filter(|growth| growth.is_finite())
    }

    /// The prediction interval of a unit's level at `place`, over its level at the base; ends below
    /// zero are zero.
    pub(super) fn interval(
        &self,
        benchmark: Benchmark,
        unit: usize,
        place: i32,
        level: f64,
    ) -> Option<Interval> {
        let base = self.base(unit)?;
        let found = self.model(benchmark, unit)?.interval(self.ahead(place), level)?;
        Some(Interval { low: found.low.max(0.0) / base, high: found.high.max(0.0) / base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_the_base_that_was_found_or_the_level_expected() {
        let line = |start: f64, slope: f64| -> Vec<Option<f64>> {
            (0..4).map(|t| Some(start + slope * f64::from(t))).collect()
        };
        // 40 at the last base, of which 50 was found as the mean of other periods; 20 less a period.
        let pasts = [line(100.0, -20.0), vec![Some(1.0); 3]];
        let benchmarks = [Benchmark::Aggregate, Benchmark::OwnLinear, Benchmark::OwnMean];
        let own = OwnPasts::new(&benchmarks, &pasts, vec![Some(50.0), Some(1.0)], 2008);
        assert_eq!(own.benchmarks().count(), 2);
        let near = |found: Option<f64>, expected: f64| {
            let found = found.expect("growth");
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        };
        near(own.growth(Benchmark::OwnLinear, &[2007, 2008], 2009)[0], 20.0 / 50.0 - 1.0);
        // 20 is expected of 2009 and nothing of 2010; what is expected of 2011 is below zero.
        near(own.growth(Benchmark::OwnLinear, &[2009], 2010)[0], -1.0);
        near(own.growth(Benchmark::OwnLinear, &[2009], 2011)[0], -1.0);
        assert_eq!(own.growth(Benchmark::OwnLinear, &[2011], 2012)[0], None);
        assert_eq!(own.growth(Benchmark::OwnLinear, &[2008], 2009)[1], None);
        assert_eq!(own.reason(Benchmark::OwnLinear, 1), Some(NullReason::TooFewPeriods));
        assert_eq!(own.reason(Benchmark::OwnLinear, 0), None);
        near(own.growth(Benchmark::OwnMean, &[2008], 2009)[1], 0.0);
        let interval = own.interval(Benchmark::OwnMean, 0, 2009, 0.95).expect("a mean");
        assert!(interval.low <= 0.0 && interval.high > 70.0 / 50.0, "{interval:?}");
    }
}
