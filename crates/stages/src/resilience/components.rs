//! What the paths of regions are made of, against every benchmark.

use super::super::rows::Rows;
use super::episode::{EpisodePath, level};
use super::intervals::piece;
use super::tables::{Component, ComponentRow, CompositeRank, CompositeRankRow};
use super::units::ExpectedPaths;
use ::resilience::path::{
    CompositeWeights, Gaps, RecoveryRule, Score, Scores, Spread, gaps, growth_sd,
    periods_to_recover, periods_to_regain, relative_recovery,
};
use ::resilience::{
    Benchmark, Interval, NullReason, OwnModel, WeightDraws, ranks, weight_sensitivity,
};
use rayon::prelude::*;

/// The share of the base whose return is told.
const REGAINED_SHARE: f64 = 0.8;

/// Growth rates that a spread is of, at the least.
const FEWEST_RATES: usize = 3;

/// What is asked of every path.
struct Asked {
    rule: RecoveryRule,
    weights: CompositeWeights,
    /// Place of the first period after the base among the levels.
    from: usize,
    /// Periods from there to the end.
    n: usize,
    /// Place of the trough among these.
    trough: usize,
    /// Periods of a year.
    a_year: f64,
}

impl Asked {
    fn of(path: &EpisodePath<'_>) -> Option<Self> {
        let config = path.asked.config;
        let last_base = path.episode.last_base().place;
        let periods = |place: i32| usize::try_from(place - last_base).ok();
        Some(Self {
            rule: RecoveryRule {
                tolerance: config.recover_tolerance,
                n_periods: config.recover_periods,
            },
            weights: config.composite_weights.into(),
            from: path.at(last_base)? + 1,
            n: periods(path.episode.end.place)?,
            trough: periods(path.episode.trough.place)?.checked_sub(1)?,
            a_year: float(path.years_long(1)),
        })
    }

    /// The levels of a unit after the base, up to the end.
    fn levels<'p>(&self, path: &'p EpisodePath<'_>, unit: usize) -> &'p [Option<f64>] {
        path.levels[unit].get(self.from..self.from + self.n).unwrap_or_default()
    }
}

/// Adds the rows of every benchmark and region, and the ranks of their composites; `number` is the
/// episode's.
pub(super) fn rows(
    path: &EpisodePath<'_>,
    expected: &ExpectedPaths,
    number: usize,
    (rows, of_composites): (&mut Rows<Component>, &mut Rows<CompositeRank>),
) {
    let Some(asked) = Asked::of(path) else { return };
    for (at, &benchmark) in path.benchmarks().iter().enumerate() {
        let of_unit = |(unit, expected): (usize, &Vec<Option<f64>>)| {
            let found = Found::of(path, &asked, benchmark, unit, expected);
            (found, PathIntervals::of(path, &asked, (benchmark, unit), &found, number))
        };
        let of_units: Vec<(Found, PathIntervals)> =
            expected.levels[at].par_iter().enumerate().map(of_unit).collect();
        for (unit, (found, intervals)) in of_units.iter().enumerate() {
            let period = found.gaps.ok().map(|gaps| period_name(path, gaps.largest_at));
            let of = (benchmark, unit);
            rows.push(row(path, of, (found, intervals), &asked, period.as_deref()));
        }
        let scores: Vec<Scores> =
            of_units.iter().map(|(found, _)| found.scores(asked.a_year)).collect();
        rank_rows(path, benchmark, &scores, &asked.weights, of_composites);
    }
}

/// Adds the ranks of the composites of regions, and how far they hang on the weights.
fn rank_rows(
    path: &EpisodePath<'_>,
    benchmark: Benchmark,
    scores: &[Scores],
    weights: &CompositeWeights,
    rows: &mut Rows<CompositeRank>,
) {
    let config = path.asked.config;
    let draws = WeightDraws {
        n: config.weight_draws,
        level: config.bootstrap_level,
        seed: config.bootstrap_seed,
    };
    let composites: Vec<Score> = scores.iter().map(|of| of.composite(weights)).collect();
    let there: Vec<Option<f64>> = composites.iter().map(|of| of.ok()).collect();
    let n_ranked = there.iter().flatten().count();
    let that_weigh: Vec<Vec<Option<f64>>> =
        scores.iter().map(|of| of.that_weigh(weights)).collect();
    let sensitive = weight_sensitivity(&that_weigh, draws);
    let found = composites.iter().zip(ranks(&there)).zip(sensitive);
    for (region_code, ((composite, rank), sensitive)) in path.cube.regions.iter().zip(found) {
        let why = composite.err().map(NullReason::code);
        rows.push(CompositeRankRow {
            episode: &path.episode.name,
            benchmark: benchmark.name(),
            region_code,
            composite: composite.ok(),
            rank,
            rank_low: sensitive.map(|of| of.rank.low),
            rank_high: sensitive.map(|of| of.rank.high),
            rank_median: sensitive.map(|of| of.rank_median),
            n_ranked,
            null_reason: why.or(sensitive.is_none().then_some("no_draws")),
        });
    }
}

/// The level at the base of a unit that can be followed.
fn base(path: &EpisodePath<'_>, unit: usize) -> Score {
    if !path.is_whole(unit, path.episode.end.year()) {
        return Err(NullReason::RegionChanged);
    }
    let base = level(&path.base, unit).ok_or(NullReason::YearMissing)?;
    if base <= 0.0 {
        Err(NullReason::NoBase)
    } else if base < path.asked.config.min_base_value {
        Err(NullReason::SmallBase)
    } else {
        Ok(base)
    }
}

/// How much a unit varied before the shock: around the model of its own past, else in its growth.
fn spread(
    path: &EpisodePath<'_>,
    benchmark: Benchmark,
    unit: usize,
) -> (&'static str, Result<Spread, NullReason>) {
    let of_model = || match path.own.model(benchmark, unit) {
        Some(model) => Ok(model.residual_sd()),
        None => Err(path.no_benchmark(benchmark, unit)),
    };
    match benchmark.own_model() {
        Some(OwnModel::LogLinear) => ("log_residuals", of_model().map(Spread::Relative)),
        Some(_) => ("level_residuals", of_model().map(Spread::Level)),
        None => ("growth", growth_before(path, unit).map(Spread::Relative)),
    }
}

/// The standard deviation of growth over a year in the periods of the own trend.
fn growth_before(path: &EpisodePath<'_>, unit: usize) -> Score {
    let episode = path.episode;
    let first = episode.base.first().and_then(|period| path.at(period.place));
    let last = path.at(episode.last_base().place);
    let (first, last) = first.zip(last).ok_or(NullReason::TooFewPeriods)?;
    let n_before = path.years_long(path.asked.config.trend_years);
    // The first periods have no sum of those trailing them.
    let from = first.saturating_sub(n_before).max(episode.trailing - 1);
    let place = path.first().saturating_add(i32::try_from(from).unwrap_or(i32::MAX));
    let years = (path.cube.period(place).year(), episode.last_base().year());
    if path.has_changed(&path.cube.regions[unit], years) {
        return Err(NullReason::RegionChanged);
    }
    let levels = path.levels[unit].get(from..=last).ok_or(NullReason::TooFewPeriods)?;
    growth_sd(levels, path.years_long(1), FEWEST_RATES)
}

/// What is found of a path; each part, or why there is none.
#[derive(Clone, Copy)]
struct Found {
    gaps: Result<Gaps, NullReason>,
    to_recover: Result<usize, NullReason>,
    growth_sd: Score,
    rri: Score,
    to_80: Result<usize, NullReason>,
}

impl Found {
    fn of(
        path: &EpisodePath<'_>,
        asked: &Asked,
        benchmark: Benchmark,
        unit: usize,
        expected: &[Option<f64>],
    ) -> Self {
        let base = base(path, unit);
        let levels = asked.levels(path, unit);
        let expected = expected.get(..asked.n).unwrap_or_default();
        let is_of_all = matches!(benchmark, Benchmark::Aggregate | Benchmark::Mix);
        let is_compared = match base {
            Ok(_) if is_of_all && path.resistance.is_alone(unit) => Err(NullReason::IsBenchmark),
            other => other,
        };
        // Why its own past or the other regions say nothing, rather than that nothing does.
        let own = |why: NullReason| match why {
            NullReason::NoBenchmark => path.no_benchmark(benchmark, unit),
            other => other,
        };
        let after = levels.get(asked.trough..).unwrap_or_default();
        let near_zero = path.asked.config.near_zero;
        Self {
            gaps: is_compared.and_then(|_| gaps(levels, expected)).map_err(own),
            to_recover: is_compared
                .and_then(|_| periods_to_recover(levels, expected, asked.trough, asked.rule))
                .map_err(own),
            growth_sd: base.and_then(|_| growth_sd(after, 1, 2)),
            rri: base.and_then(|base| relative_recovery(base, levels, asked.trough, near_zero)),
            to_80: base
                .and_then(|base| periods_to_regain(levels, asked.trough, REGAINED_SHARE * base)),
        }
    }

    /// Whether the share of the base came back, where that is known.
    fn is_80_regained(&self) -> Option<bool> {
        match self.to_80 {
            Ok(_) => Some(true),
            Err(NullReason::NotRecovered) => Some(false),
            Err(_) => None,
        }
    }
}

impl Found {
    /// Its scores, with `a_year` periods a year.
    fn scores(&self, a_year: f64) -> Scores {
        let years = self.to_recover.map(|periods| float(periods) / a_year);
        Scores::of(self.gaps, years, self.growth_sd)
    }
}

/// How sure the largest gap and the composite are.
#[derive(Clone, Copy, Default)]
struct PathIntervals {
    largest: Option<Interval>,
    composite: Option<Interval>,
    /// Why there is none of what is there.
    why: Option<&'static str>,
}

impl PathIntervals {
    /// Those of a path by draws of the residuals of the model of its own past, if the benchmark is
    /// one.
    fn of(
        path: &EpisodePath<'_>,
        asked: &Asked,
        (benchmark, unit): (Benchmark, usize),
        found: &Found,
        number: usize,
    ) -> Self {
        let (config, bootstrap) = (path.asked.config, path.asked.bootstrap());
        let none = |why| Self { why, ..Self::default() };
        if found.gaps.is_err() {
            return none(None);
        }
        let Some(model) = path.own.model(benchmark, unit) else {
            return none(Some("not_own_past"));
        };
        if bootstrap.n == 0 {
            return none(Some("no_replicates"));
        }
        let Some(tail) = model.tail(bootstrap.level) else {
            return none(Some(NullReason::TooFewPeriods.code()));
        };
        let levels = asked.levels(path, unit);
        let (mut largest, mut composites, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let what = piece(path, unit, number);
        model.replicates(config.block_length, bootstrap, what, asked.n, |of| {
            expected.clear();
            // As of the path itself, a level expected below zero is zero.
            expected.extend(of.iter().map(|level| level.map(|level| level.max(0.0))));
            let drawn = Found {
                gaps: gaps(levels, &expected),
                to_recover: periods_to_recover(levels, &expected, asked.trough, asked.rule),
                ..*found
            };
            largest.extend(drawn.gaps.ok().map(|gaps| gaps.largest));
            composites.extend(drawn.scores(asked.a_year).composite(&asked.weights).ok());
        });
        let largest = bootstrap.interval_between(largest, tail);
        let has_composite = found.scores(asked.a_year).composite(&asked.weights).is_ok();
        let composite = bootstrap.interval_between(composites, tail).filter(|_| has_composite);
        let is_missing = largest.is_none() || (has_composite && composite.is_none());
        Self { largest, composite, why: is_missing.then_some("no_interval") }
    }
}

/// A period of a path by its name.
fn period_name(path: &EpisodePath<'_>, after_base: usize) -> String {
    let place = path.episode.last_base().place + 1;
    path.cube.period(place + i32::try_from(after_base).unwrap_or(0)).to_string()
}

fn float(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let float = n as f64;
    float
}

fn code<T>(found: Result<T, NullReason>) -> Option<&'static str> {
    found.err().map(NullReason::code)
}

fn row<'a>(
    path: &'a EpisodePath<'_>,
    (benchmark, unit): (Benchmark, usize),
    (found, intervals): (&Found, &PathIntervals),
    asked: &Asked,
    period: Option<&'a str>,
) -> ComponentRow<'a> {
    let Found { gaps, to_recover, growth_sd, rri, to_80 } = *found;
    let (spread_of, spread) = spread(path, benchmark, unit);
    let in_spread = gaps.and_then(|gaps| spread?.units_of(&gaps));
    let sd = spread.map(|spread| match spread {
        Spread::Level(sd) | Spread::Relative(sd) => sd,
    });
    // Sums of trailing periods hold each period so many times.
    let times = float(path.episode.trailing);
    let relative = gaps.and_then(|gaps| {
        let both = gaps.largest_relative.zip(gaps.end_relative);
        both.ok_or(NullReason::NothingExpected)
    });
    let gaps = gaps.ok();
    let scores = found.scores(asked.a_year);
    let composite = scores.composite(&asked.weights);
    ComponentRow {
        episode: &path.episode.name,
        benchmark: benchmark.name(),
        region_code: &path.cube.regions[unit],
        largest_gap: gaps.map(|gaps| gaps.largest),
        largest_gap_period: period,
        largest_gap_relative: gaps.and_then(|gaps| gaps.largest_relative),
        largest_gap_spread: in_spread.ok(),
        spread: sd.ok(),
        spread_of,
        gross_loss: gaps.map(|gaps| gaps.gross_loss / times),
        gross_gain: gaps.map(|gaps| gaps.gross_gain / times),
        net_loss: gaps.map(|gaps| gaps.net_loss() / times),
        loss_area: gaps.map(|gaps| gaps.loss_area / times),
        gain_area: gaps.map(|gaps| gaps.gain_area / times),
        n_periods_below: gaps.map(|gaps| gaps.n_below),
        end_relative: gaps.and_then(|gaps| gaps.end_relative),
        null_reason: code(found.gaps),
        relative_null_reason: code(relative),
        spread_null_reason: code(in_spread),
        n_periods_to_recover: to_recover.ok(),
        recover_null_reason: code(to_recover),
        growth_sd: growth_sd.ok(),
        growth_sd_null_reason: code(growth_sd),
        rri: rri.ok(),
        rri_null_reason: code(rri),
        is_80_regained: found.is_80_regained(),
        n_periods_to_80: to_80.ok(),
        regained_null_reason: code(to_80),
        depth_score: scores.depth.ok(),
        loss_score: scores.loss.ok(),
        recovery_score: scores.recovery.ok(),
        strength_score: scores.strength.ok(),
        stability_score: scores.stability.ok(),
        end_score: scores.end.ok(),
        composite: composite.ok(),
        composite_null_reason: code(composite),
        largest_gap_low: intervals.largest.map(|interval| interval.low),
        largest_gap_high: intervals.largest.map(|interval| interval.high),
        composite_low: intervals.composite.map(|interval| interval.low),
        composite_high: intervals.composite.map(|interval| interval.high),
        interval_null_reason: intervals.why,
    }
}
