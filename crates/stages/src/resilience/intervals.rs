//! How sure the indices of regions are: what is drawn anew of them, and the intervals that it
//! gives.
//!
//! Products of a unit are drawn, with the growth that a benchmark expects as it is. Where a
//! benchmark is a model of the own past, its residuals are drawn too: the model is fitted again,
//! and what was found after the base stays. Both have random numbers of their own, so that the
//! replicates of one number are one draw of both.

use super::episode::EpisodePath;
use ::resilience::{Benchmark, Interval, NullReason, Summands, beyond_expected};
use rayon::prelude::*;

/// An index in every replicate, of resistance and of recovery: `None` where a replicate has none;
/// empty if nothing is drawn.
pub(super) type OfStages = [Vec<Option<f64>>; 2];

/// Start and end of resistance and of recovery.
type Ends = [[f64; 2]; 2];

/// What is drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Both of the others, each by itself.
    Both,
    /// Residuals of the model of its own past, which is fitted again.
    Counterfactual,
    /// Products.
    Products,
}

impl Source {
    /// In the order of their names.
    pub(super) const ALL: [Self; 3] = [Self::Both, Self::Counterfactual, Self::Products];

    /// Its name in the tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Counterfactual => "counterfactual",
            Self::Products => "products",
        }
    }

    /// Whether there is such a thing of a benchmark.
    pub(super) fn is_of(self, benchmark: Benchmark) -> bool {
        self == Self::Products || benchmark.own_model().is_some()
    }
}

/// What is drawn of the model of a region's own past.
struct OwnPastDrawn {
    counterfactual: OfStages,
    both: OfStages,
    /// The share of replicates that an interval leaves out at each end; `None` if the past is too
    /// short for one.
    tail: Option<f64>,
}

/// The indices of a region against a benchmark in every replicate.
pub(super) struct Drawn {
    products: OfStages,
    own_past: Option<OwnPastDrawn>,
}

impl Drawn {
    /// The index of a stage in every replicate; empty if nothing is drawn.
    pub(super) fn of(&self, source: Source, stage: usize) -> &[Option<f64>] {
        let found = match (source, &self.own_past) {
            (Source::Products, _) => &self.products,
            (Source::Counterfactual, Some(own)) => &own.counterfactual,
            (Source::Both, Some(own)) => &own.both,
            (_, None) => return &[],
        };
        &found[stage]
    }

    /// Why there is no interval of a stage, where something might be drawn.
    pub(super) fn no_interval(&self, source: Source, stage: usize) -> &'static str {
        let is_short = self.own_past.as_ref().is_some_and(|own| own.tail.is_none());
        if self.of(source, stage).is_empty() {
            "one_product"
        } else if is_short && source != Source::Products {
            NullReason::TooFewPeriods.code()
        } else {
            "no_interval"
        }
    }

    fn interval(&self, path: &EpisodePath<'_>, source: Source, stage: usize) -> Option<Interval> {
        let bootstrap = path.asked.bootstrap();
        let found = self.of(source, stage).iter().flatten().copied().collect();
        match &self.own_past {
            Some(own) if source != Source::Products => bootstrap.interval_between(found, own.tail?),
            _ => bootstrap.interval(found),
        }
    }
}

/// The intervals of a unit's indices of resistance and of recovery.
pub(super) type UnitIntervals = [Option<Interval>; 2];

/// The intervals of a region's indices against a benchmark, by source.
pub(super) struct Intervals([UnitIntervals; 3]);

impl Intervals {
    fn new(path: &EpisodePath<'_>, drawn: &Drawn) -> Self {
        Self(Source::ALL.map(|source| [0, 1].map(|stage| drawn.interval(path, source, stage))))
    }

    /// Those of both stages.
    pub(super) fn of(&self, source: Source) -> UnitIntervals {
        let [both, counterfactual, products] = self.0;
        match source {
            Source::Both => both,
            Source::Counterfactual => counterfactual,
            Source::Products => products,
        }
    }
}

/// The index of what goes from `start` to `end`, and is expected to change so; `None` where it is
/// compared with nothing that is clear of zero.
fn index([start, end]: [f64; 2], expected: Option<f64>, near_zero: f64) -> Option<f64> {
    let is_clear = |expected: &f64| expected.abs() > 0.0 && (expected / start).abs() >= near_zero;
    let expected = expected.filter(|_| start > 0.0).filter(is_clear)?;
    Some(beyond_expected(start, end, expected) / expected.abs())
}

/// What names the random numbers of a unit; `number` is the episode's.
pub(super) fn piece(path: &EpisodePath<'_>, unit: usize, number: usize) -> u64 {
    u64::try_from(number * path.cube.regions.len() + unit).unwrap_or(0)
}

/// Draws the products of a unit: its indices in every replicate, by benchmark. Calls `ends` with
/// what each replicate goes from and to. `number` is the episode's.
fn of_products(
    path: &EpisodePath<'_>,
    unit: usize,
    number: usize,
    mut ends: impl FnMut(Ends),
) -> Vec<OfStages> {
    let benchmarks = path.benchmarks();
    let bootstrap = path.asked.bootstrap();
    let mut found = vec![OfStages::default(); benchmarks.len()];
    if bootstrap.n == 0 {
        return found;
    }
    // Of each product: start and end of both stages, and what is expected of it where each has a
    // rate of its own.
    let stages = [&path.resistance, &path.recovery];
    let by_product: Vec<Benchmark> =
        benchmarks.iter().copied().filter(|benchmark| benchmark.is_by_product()).collect();
    let expected: Vec<Vec<Option<f64>>> = stages
        .iter()
        .flat_map(|stage| by_product.iter().map(|of| stage.expected_changes(*of, unit)))
        .collect();
    let rows = stages.map(|stage| (stage.start().row(unit), stage.end().row(unit)));
    let mut products = Summands::new(4 + expected.len());
    let mut numbers = Vec::with_capacity(4 + expected.len());
    for part in 0..path.cube.products.len() {
        let values = rows.map(|(start, end)| [start[part], end[part]]);
        if values.as_flattened().iter().all(|value| *value <= 0.0) {
            continue;
        }
        numbers.clear();
        numbers.extend(values.as_flattened());
        numbers.extend(expected.iter().map(|of| of[part].unwrap_or(f64::NAN)));
        products.push(&numbers);
    }
    let near_zero = path.asked.config.near_zero;
    // Where all products have one rate, it is the unit's.
    let rates = stages.map(|stage| {
        let rate = |of: &Benchmark| stage.expected_growth(*of, unit, 0);
        benchmarks.iter().map(rate).collect::<Vec<_>>()
    });
    bootstrap.replicates(&products, piece(path, unit, number), |sums| {
        let drawn = [[sums[0], sums[1]], [sums[2], sums[3]]];
        for stage in 0..2 {
            let mut of_products = sums[4 + stage * by_product.len()..].iter();
            for (at, benchmark) in benchmarks.iter().enumerate() {
                let expected = if benchmark.is_by_product() {
                    of_products.next().copied()
                } else {
                    rates[stage][at].map(|rate| rate * drawn[stage][0])
                };
                found[at][stage].push(index(drawn[stage], expected, near_zero));
            }
        }
        ends(drawn);
    });
    found
}

/// Draws the residuals of the model of a unit's own past, which `benchmark` is: what the model then
/// expects is held against what was found, and against what each draw of products goes from and
/// to. `None` without a model.
fn of_own_past(
    path: &EpisodePath<'_>,
    (benchmark, unit): (Benchmark, usize),
    number: usize,
    drawn: &[Ends],
) -> Option<OwnPastDrawn> {
    let model = path.own.model(benchmark, unit)?;
    let (config, bootstrap) = (path.asked.config, path.asked.bootstrap());
    let (trough, end) = (path.episode.trough.place, path.episode.end.place);
    let found = [&path.resistance, &path.recovery]
        .map(|stage| [stage.start(), stage.end()].map(|of| of.region_totals()[unit]));
    let (mut counterfactual, mut both) = (OfStages::default(), OfStages::default());
    let (mut drawn, after) = (drawn.iter(), [trough]);
    let (what, n_ahead) = (piece(path, unit, number), path.own.ahead(end));
    model.replicates(config.block_length, bootstrap, what, n_ahead, |levels| {
        let expected = |ahead: usize| levels.get(ahead.checked_sub(1)?).copied().flatten();
        let rates = [(path.bases.as_slice(), trough), (after.as_slice(), end)]
            .map(|(from, to)| path.own.rate(unit, (from, to), expected));
        let of_products = drawn.next();
        for stage in 0..2 {
            let index = |ends: [f64; 2]| {
                index(ends, rates[stage].map(|rate| rate * ends[0]), config.near_zero)
            };
            counterfactual[stage].push(index(found[stage]));
            both[stage].extend(of_products.map(|ends| index(ends[stage])));
        }
    });
    Some(OwnPastDrawn { counterfactual, both, tail: model.tail(bootstrap.level) })
}

/// The intervals of a unit's indices by draws of its products, by benchmark; `number` is the
/// episode's.
pub(super) fn by_products(
    path: &EpisodePath<'_>,
    unit: usize,
    number: usize,
) -> Vec<UnitIntervals> {
    let drawn = of_products(path, unit, number, |_| {}).into_iter();
    let drawn = drawn.map(|products| Drawn { products, own_past: None });
    drawn.map(|of| Intervals::new(path, &of).of(Source::Products)).collect()
}

/// What is drawn of every region, by region and benchmark, and the intervals that it gives.
pub(super) struct Replicated {
    drawn: Vec<Vec<Drawn>>,
    intervals: Vec<Vec<Intervals>>,
}

impl Replicated {
    /// Draws what there is of every region; `number` is the episode's.
    pub(super) fn new(path: &EpisodePath<'_>, number: usize) -> Self {
        let benchmarks = path.benchmarks();
        let has_models = benchmarks.iter().any(|benchmark| benchmark.own_model().is_some());
        let of_region = |unit: usize| -> Vec<Drawn> {
            cancel::check();
            let mut ends = Vec::new();
            let products =
                of_products(path, unit, number, |of| ends.extend(has_models.then_some(of)));
            let both = benchmarks.iter().zip(products);
            both.map(|(&benchmark, products)| Drawn {
                products,
                own_past: of_own_past(path, (benchmark, unit), number, &ends),
            })
            .collect()
        };
        let regions = (0..path.cube.regions.len()).into_par_iter();
        let drawn: Vec<Vec<Drawn>> = regions.map(of_region).collect();
        let of_region = |drawn: &Vec<Drawn>| -> Vec<Intervals> {
            cancel::check();
            drawn.iter().map(|of| Intervals::new(path, of)).collect()
        };
        let intervals: Vec<Vec<Intervals>> = drawn.par_iter().map(of_region).collect();
        Self { drawn, intervals }
    }

    /// What is drawn of a region against a benchmark.
    pub(super) fn drawn(&self, region: usize, benchmark: usize) -> &Drawn {
        &self.drawn[region][benchmark]
    }

    /// The intervals of a region's indices against a benchmark.
    pub(super) fn intervals(&self, region: usize, benchmark: usize) -> &Intervals {
        &self.intervals[region][benchmark]
    }

    /// Those by draws of products, by region and benchmark.
    pub(super) fn by_products(&self) -> Vec<Vec<UnitIntervals>> {
        let of = |of: &Vec<Intervals>| of.iter().map(|of| of.of(Source::Products)).collect();
        self.intervals.iter().map(of).collect()
    }
}
