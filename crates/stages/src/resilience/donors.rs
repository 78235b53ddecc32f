//! What each region of an episode would have been by the other regions.

use super::super::cube::Cube;
use ::resilience::donors::{
    Expected, Fold, PENALTIES, Panel, Scale, best_penalty, complete, fold_errors, in_space,
    in_time, origins, singular_penalties, synthetic, validation_errors,
};
use ::resilience::{Benchmark, NullReason};
use project::config::Resilience;
use rayon::prelude::*;

/// The periods in which regions are found alike, and those after them.
pub(super) struct Window {
    /// Places of the periods up to the base, ascending.
    pub(super) before: Vec<i32>,
    /// Those of the periods after it.
    pub(super) after: Vec<i32>,
    /// Periods before the base in which a shock is made up.
    pub(super) n_earlier: usize,
}

/// What is found of a region against a benchmark.
pub(super) struct Found {
    /// Its path, or why there is none.
    pub(super) expected: Result<Expected, NullReason>,
    /// Whether its penalty is the first or the last of those that were tried.
    pub(super) is_penalty_at_end: bool,
    /// The share of regions whose gaps grow as much or more.
    pub(super) p: Option<f64>,
    /// The mean gap after the shock that is made up.
    pub(super) placebo_gap: Option<f64>,
}

/// What is found of all regions, by benchmark.
pub(super) struct Donors {
    places: Vec<i32>,
    pub(super) n_before: usize,
    pub(super) found: Vec<(Benchmark, Vec<Found>)>,
}

/// A penalty that was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Chosen {
    penalty: f64,
    /// Whether it is the first or the last of those that were tried.
    is_at_end: bool,
}

impl Chosen {
    /// The best of `penalties` by what each unit's errors come to.
    fn of(penalties: &[f64], errors: &[Vec<f64>]) -> Option<Self> {
        let penalty = best_penalty(penalties, errors)?;
        let is_at_end = [penalties.first(), penalties.last()].contains(&Some(&penalty));
        Some(Self { penalty, is_at_end })
    }
}

/// Regions in the periods of a window.
struct History<'a> {
    levels: Vec<Vec<Option<f64>>>,
    is_changed: &'a [bool],
    n_before: usize,
    n_earlier: usize,
    config: &'a Resilience,
}

impl Donors {
    /// Of those of `benchmarks` that are of donors, by the `levels` of regions, which begin with
    /// the cube; a region whose borders changed within the window is neither treated nor a donor.
    pub(super) fn of(
        benchmarks: &[Benchmark],
        config: &Resilience,
        (cube, levels): (&Cube, &[Vec<Option<f64>>]),
        window: Window,
        is_changed: &[bool],
    ) -> Self {
        let first = cube.years.first().copied().unwrap_or(0);
        let at = |place: &i32| usize::try_from(place - first).unwrap_or(usize::MAX);
        let n_before = window.before.len();
        let places: Vec<i32> = window.before.into_iter().chain(window.after).collect();
        let of_region = |(levels, is_changed): (&Vec<Option<f64>>, &bool)| {
            let level = |place: &i32| levels.get(at(place)).copied().flatten();
            places.iter().map(|place| level(place).filter(|_| !is_changed)).collect()
        };
        let history = History {
            levels: levels.iter().zip(is_changed).map(of_region).collect(),
            is_changed,
            n_before,
            n_earlier: window.n_earlier,
            config,
        };
        let of_donors = benchmarks.iter().copied().filter(|benchmark| benchmark.is_of_donors());
        let found = of_donors.map(|benchmark| (benchmark, history.found(benchmark))).collect();
        Self { places, n_before, found }
    }

    /// By benchmark, the growth of each region's path from the mean of some periods to another;
    /// `None` where it has no path, or a period is not in the window.
    pub(super) fn growth(&self, from: &[i32], to: i32) -> Vec<(Benchmark, Vec<Option<f64>>)> {
        let at = |place: &i32| self.places.binary_search(place).ok();
        let starts: Option<Vec<usize>> = from.iter().map(at).collect();
        let ends = starts.filter(|starts| !starts.is_empty()).zip(at(&to));
        let growth = |found: &Found| {
            let (starts, end) = ends.as_ref()?;
            let levels = &found.expected.as_ref().ok()?.levels;
            #[expect(clippy::cast_precision_loss, reason = "a few periods")]
            let start = starts.iter().map(|at| levels[*at]).sum::<f64>() / starts.len() as f64;
            (start > 0.0).then(|| levels[*end] / start - 1.0)
        };
        let of = |(benchmark, found): &(Benchmark, Vec<Found>)| {
            (*benchmark, found.iter().map(growth).collect())
        };
        self.found.iter().map(of).collect()
    }

    /// Why a region has no path against a benchmark.
    pub(super) fn reason(&self, benchmark: Benchmark, unit: usize) -> Option<NullReason> {
        let (_, found) = self.found.iter().find(|(of, _)| *of == benchmark)?;
        found.get(unit)?.expected.as_ref().err().copied()
    }
}

impl History<'_> {
    fn n_units(&self) -> usize {
        self.levels.len()
    }

    fn scale(&self) -> Scale {
        self.config.donor_scale.into()
    }

    fn panel(&self) -> Panel {
        Panel::new(&self.levels, self.n_before, self.scale())
    }

    fn found(&self, benchmark: Benchmark) -> Vec<Found> {
        match benchmark {
            Benchmark::MatrixCompletion => self.of_all(self.completion_penalty(), complete),
            _ => self.of_all(self.synthetic_penalty(), synthetic),
        }
    }

    /// The penalty of synthetic controls: chosen before the base, for all regions.
    fn synthetic_penalty(&self) -> Option<Chosen> {
        let panels = origins(&self.levels, self.n_before, self.scale());
        let errors: Vec<Option<Vec<f64>>> = (0..self.n_units())
            .into_par_iter()
            .map(|unit| validation_errors(&panels, unit))
            .collect();
        Chosen::of(&PENALTIES, &errors.into_iter().flatten().collect::<Vec<_>>())
    }

    /// The penalty of the completion: chosen by cross-validation.
    fn completion_penalty(&self) -> Option<Chosen> {
        let panel = self.panel();
        let penalties = singular_penalties(&panel);
        let (n, seed) = (self.config.completion_folds, self.config.completion_seed);
        let errors: Vec<Vec<f64>> = (0..n)
            .into_par_iter()
            .map(|number| fold_errors(&panel, &penalties, Fold { number, n, seed }))
            .collect();
        Chosen::of(&penalties, &errors)
    }

    /// What a method finds of each region, with its placebos.
    fn of_all(
        &self,
        chosen: Option<Chosen>,
        method: impl Fn(&Panel, usize, f64) -> Result<Expected, NullReason> + Sync,
    ) -> Vec<Found> {
        let panel = self.panel();
        let penalty = chosen.map(|chosen| chosen.penalty);
        let is_penalty_at_end = chosen.is_some_and(|chosen| chosen.is_at_end);
        let earlier = in_time(&self.levels, self.n_before, self.n_earlier, self.scale());
        let found: Vec<(Result<Expected, NullReason>, Option<f64>)> = (0..self.n_units())
            .into_par_iter()
            .map(|unit| {
                cancel::check();
                if self.is_changed[unit] {
                    return (Err(NullReason::RegionChanged), None);
                }
                let Some(penalty) = penalty else {
                    return (Err(panel.reason(unit).unwrap_or(NullReason::TooFewPeriods)), None);
                };
                let expected = method(&panel, unit, penalty);
                let earlier = earlier.as_ref().filter(|_| expected.is_ok());
                let gap = earlier.and_then(|earlier| method(earlier, unit, penalty).ok()?.mean_gap);
                (expected, gap)
            })
            .collect();
        let ratios: Vec<Option<f64>> =
            found.iter().map(|(expected, _)| expected.as_ref().ok()?.ratio()).collect();
        let found = found.into_iter().zip(in_space(&ratios));
        found
            .map(|((expected, placebo_gap), p)| Found {
                expected,
                is_penalty_at_end,
                p,
                placebo_gap,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_at_the_end_of_those_tried_is_told() {
        let of = |errors: [f64; 3]| Chosen::of(&[3.0, 2.0, 1.0], &[errors.to_vec()]);
        let chosen = |penalty, is_at_end| Some(Chosen { penalty, is_at_end });
        assert_eq!(of([1.0, 2.0, 3.0]), chosen(3.0, true));
        assert_eq!(of([2.0, 1.0, 3.0]), chosen(2.0, false));
        assert_eq!(of([3.0, 2.0, 1.0]), chosen(1.0, true));
        assert_eq!(Chosen::of(&[1.0], &[]), None);
    }
}
