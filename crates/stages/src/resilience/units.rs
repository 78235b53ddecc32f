//! Rows of regions, groups of regions, products and the nation, each as a whole.

use super::super::error::StageError;
use super::super::rows::Rows;
use super::super::table::Table;
use super::episode::{EpisodePath, PathStage, Side, Span, forms, level, recovered_share};
use super::intervals::{self, UnitIntervals};
use super::tables::{self, EpisodeRow, PeriodRow, RegionCycle, RegionCycleRow, UnitRow};
use ::resilience::cycle::{
    HillRule, Loss, cumulative_loss, cycle, drop_rebound, first_at_least, hill_flags,
};
use ::resilience::{Benchmark, Interval, NullReason, Quadrant, Response, Stage};
use rayon::prelude::*;
use space::Exports;

/// The path of an episode's nation.
pub(super) fn summarize(path: &EpisodePath<'_>, rows: &mut Rows<tables::Episode>) {
    let episode = path.episode;
    let base: Vec<_> = episode.base.iter().map(ToString::to_string).collect();
    let n_exporting = |stage: &Stage| {
        let totals = stage.start().region_totals().iter().zip(stage.end().region_totals());
        totals.filter(|(start, end)| **start > 0.0 || **end > 0.0).count()
    };
    let places = episode.base.iter().chain([&episode.trough, &episode.end]);
    let places: Vec<i32> = places.map(|period| period.place).collect();
    let (n_negative_cells, negative_value) = path.cube.negative(&places, episode.trailing);
    rows.push(EpisodeRow {
        episode: &episode.name,
        frequency: episode.frequency().name(),
        base: &base.join(", "),
        trough: &episode.trough.to_string(),
        end: &episode.end.to_string(),
        transformation: &episode.transformation.to_string(),
        trailing: i32::try_from(episode.trailing).unwrap_or(i32::MAX),
        base_year: episode.last_base().year(),
        trough_year: episode.trough.year(),
        end_year: episode.end.year(),
        transformation_year: episode.transformation.year(),
        regressor_year: episode.regressor_year(),
        levels: path.values(|slice| Some(slice.total_money())),
        resistance_growth: path.resistance.national_growth(),
        recovery_growth: path.recovery.national_growth(),
        n_regions_resistance: n_exporting(&path.resistance),
        n_regions_recovery: n_exporting(&path.recovery),
        n_regions_compared: path.compared().into_iter().filter(|is_compared| *is_compared).count(),
        n_negative_cells,
        negative_value,
    });
}

/// The levels that the benchmarks expect of each unit after the base.
pub(super) struct ExpectedPaths {
    /// Place of the first period after the last of the base.
    first: i32,
    /// By benchmark, unit and period.
    pub(super) levels: Vec<Vec<Vec<Option<f64>>>>,
}

impl ExpectedPaths {
    pub(super) fn new(path: &EpisodePath<'_>) -> Result<Self, StageError> {
        let episode = path.episode;
        let first = episode.last_base().place + 1;
        let last = episode.end.place.max(episode.transformation.place);
        let n_units = path.cube.regions.len();
        let benchmarks = path.benchmarks();
        let mut levels = vec![vec![Vec::new(); n_units]; benchmarks.len()];
        for place in first..=last {
            let stage = if place == episode.trough.place {
                None
            } else if path.cube.has(place, episode.trailing) {
                Some(path.base_to(place)?)
            } else {
                // Nothing is known of a period that the data leave out.
                for unit in levels.iter_mut().flatten() {
                    unit.push(None);
                }
                continue;
            };
            let stage: &Stage = stage.as_ref().unwrap_or(&path.resistance);
            for (benchmark, units) in benchmarks.iter().zip(&mut levels) {
                let found: Vec<Option<f64>> = (0..n_units)
                    .into_par_iter()
                    .map(|unit| {
                        let change = stage.expected_change(*benchmark, unit)?;
                        Some((level(&path.base, unit)? + change).max(0.0))
                    })
                    .collect();
                units.iter_mut().zip(found).for_each(|(unit, level)| unit.push(level));
            }
        }
        Ok(Self { first, levels })
    }
}

/// Adds the rows of every benchmark and unit; `number` is the episode's.
pub(super) fn rows<T>(
    path: &EpisodePath<'_>,
    expected: &ExpectedPaths,
    number: usize,
    rows: &mut Rows<T>,
) where
    for<'a> T: Table<Row<'a> = UnitRow<'a>>,
{
    // What was drawn of a unit is not kept: there may be many of them.
    let found: Vec<Vec<UnitIntervals>> = (0..path.cube.regions.len())
        .into_par_iter()
        .map(|unit| intervals::by_products(path, unit, number))
        .collect();
    with_intervals(path, expected, &found, rows);
}

/// Adds the rows of every benchmark and unit, which have these intervals, by unit and benchmark.
pub(super) fn with_intervals<T>(
    path: &EpisodePath<'_>,
    expected: &ExpectedPaths,
    intervals: &[Vec<UnitIntervals>],
    rows: &mut Rows<T>,
) where
    for<'a> T: Table<Row<'a> = UnitRow<'a>>,
{
    for (at, &benchmark) in path.benchmarks().iter().enumerate() {
        for (unit, intervals) in intervals.iter().enumerate() {
            let expected = &expected.levels[at][unit];
            rows.push(unit_row(path, benchmark, unit, expected, intervals[at]));
        }
    }
}

/// Resistance and recovery of a unit.
pub(super) fn responses(
    path: &EpisodePath<'_>,
    benchmark: Benchmark,
    unit: usize,
) -> [Response; 2] {
    let code = path.cube.regions[unit].as_str();
    let is_of_all = matches!(benchmark, Benchmark::Aggregate | Benchmark::Mix);
    path.stages().map(|PathStage { span: Span { from, to, years, .. }, stage, no_base }| {
        // Of many regions, those are compared that were reported at both ends.
        let total = |exports: &Exports| exports.region_totals()[unit];
        let ends = match path.side {
            Side::Regions | Side::Parts => (level(from, unit), level(to, unit)),
            _ => (Some(total(stage.start())), Some(total(stage.end()))),
        };
        let expected = stage.expected_change(benchmark, unit);
        let found = path.respond(code, years, ends, expected, no_base);
        // The nation, and a region that is all of it.
        if is_of_all && stage.is_alone(unit) {
            return found.of_benchmark();
        }
        // Why its own past or the other regions say nothing, rather than that nothing does.
        let null_reason = match found.null_reason {
            Some(NullReason::NoBenchmark) => Some(path.no_benchmark(benchmark, unit)),
            other => other,
        };
        Response { null_reason, ..found }
    })
}

/// What a unit's levels after the base, up to the end, fall short of those `expected`.
fn loss(path: &EpisodePath<'_>, unit: usize, expected: &[Option<f64>]) -> Option<Loss> {
    let (base, end) = (path.episode.last_base().place, path.episode.end.place);
    let n = usize::try_from(end - base).unwrap_or(0);
    let from = path.at(base + 1)?;
    cumulative_loss(path.levels[unit].get(from..from + n)?, expected.get(..n)?)
}

fn unit_row<'a>(
    path: &'a EpisodePath<'_>,
    benchmark: Benchmark,
    unit: usize,
    expected: &[Option<f64>],
    intervals: UnitIntervals,
) -> UnitRow<'a> {
    let (cube, episode) = (path.cube, path.episode);
    let near_zero = path.asked.config.near_zero;
    let [resistance, recovery] = responses(path, benchmark, unit);
    let indices = resistance.index.zip(recovery.index);
    let national = path.resistance.national_growth().filter(|g| g.abs() >= near_zero);
    // What compares the ends of the episode means nothing over new borders.
    let is_whole = path.is_whole(unit, episode.end.year());
    let [base, trough, end] =
        [&path.base, &path.trough, &path.end].map(|slice| level(slice, unit).filter(|_| is_whole));
    let expected_trough =
        base.zip(resistance.expected_change).map(|(base, change)| (base + change).max(0.0));
    let han_goetz = expected_trough
        .zip(trough.zip(end))
        .and_then(|(expected, (trough, end))| drop_rebound(expected, trough, end, near_zero));
    let loss = if is_whole { loss(path, unit, expected) } else { None };
    // Sums of trailing periods hold each period so many times.
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let times = episode.trailing as f64;
    let [of_resistance, of_recovery] = intervals;
    let of_resistance = of_resistance.filter(|_| resistance.index.is_some());
    let of_recovery = of_recovery.filter(|_| recovery.index.is_some());
    let parts = path.base.exports.row(unit).iter().copied().enumerate();
    let largest = parts.reduce(|a, b| if b.1 > a.1 { b } else { a }).filter(|(_, x)| *x > 0.0);
    let share = largest.zip(base.filter(|b| *b > 0.0)).map(|((_, x), base)| x / base);
    let largest = largest.filter(|_| share.is_some());
    let sign = |change: f64| if change > 0.0 { 1 } else { -i32::from(change < 0.0) };
    UnitRow {
        episode: &episode.name,
        benchmark: benchmark.name(),
        unit: &cube.regions[unit],
        levels: path.values(|slice| slice.region_money(unit)),
        resistance: forms(&resistance),
        recovery: forms(&recovery),
        quadrant: indices.map(|(resistance, recovery)| Quadrant::of(resistance, recovery).code()),
        sensitivity: resistance.growth.zip(national).map(|(own, national)| own / national),
        level_recovery: base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b),
        recovered_share: recovered_share(base, trough, end, near_zero),
        drop: han_goetz.map(|found| found.drop),
        rebound: trough.filter(|t| *t > 0.0).zip(end).map(|(trough, end)| end / trough - 1.0),
        drop_rebound: han_goetz.and_then(|found| found.resilience),
        cumulative_loss: loss.map(|loss| loss.sum / times),
        cumulative_loss_share: loss.map(|loss| loss.share),
        expected_sign: resistance.expected_change.map(sign),
        resistance_low: of_resistance.map(|interval| interval.low),
        resistance_high: of_resistance.map(|interval| interval.high),
        recovery_low: of_recovery.map(|interval| interval.low),
        recovery_high: of_recovery.map(|interval| interval.high),
        largest_part: largest.map(|(part, _)| cube.products[part].as_str()),
        largest_part_share: share,
    }
}

/// The path of every unit and the one expected of it.
pub(super) fn period_rows<T>(path: &EpisodePath<'_>, expected: &ExpectedPaths, rows: &mut Rows<T>)
where
    for<'a> T: Table<Row<'a> = PeriodRow<'a>>,
{
    let (cube, episode) = (path.cube, path.episode);
    let n_before = path.years_long(path.asked.config.trend_years);
    let n_before = i32::try_from(n_before).unwrap_or(i32::MAX);
    let first = episode.base.first().map_or(0, |period| period.place) - n_before;
    let last = episode.end.place.max(episode.transformation.place);
    for (at, &benchmark) in path.benchmarks().iter().enumerate() {
        for (unit, code) in cube.regions.iter().enumerate() {
            let (levels, expected_levels) = (&path.levels[unit], &expected.levels[at][unit]);
            let base = level(&path.base, unit);
            for place in first.max(path.first())..=last {
                let value = path.at(place).and_then(|at| levels.get(at).copied());
                let after = usize::try_from(place - expected.first).ok();
                let expected_value = after.and_then(|after| expected_levels.get(after).copied());
                let interval = expected_value.flatten().zip(base).and_then(|(_, base)| {
                    let level = path.asked.config.bootstrap_level;
                    let found = path.own.interval(benchmark, unit, place, level)?;
                    Some(Interval { low: base * found.low, high: base * found.high })
                });
                rows.push(PeriodRow {
                    episode: &episode.name,
                    benchmark: benchmark.name(),
                    unit: code,
                    period: &cube.period(place).to_string(),
                    value: value.flatten(),
                    expected_value: expected_value.flatten(),
                    expected_low: interval.map(|interval| interval.low),
                    expected_high: interval.map(|interval| interval.high),
                });
            }
        }
    }
}

/// Turning points and recovery of every region; `nation` are the levels of all regions together.
pub(super) fn cycle_rows(
    path: &EpisodePath<'_>,
    nation: &[Option<f64>],
    rows: &mut Rows<RegionCycle>,
) {
    let (cube, episode, config) = (path.cube, path.episode, path.asked.config);
    let name = |at: usize| cube.period(path.first() + i32::try_from(at).unwrap_or(0)).to_string();
    let first_base = episode.base.first().map_or(0, |period| period.place);
    let places = (path.at(first_base), path.at(episode.trough.place), path.at(episode.end.place));
    let (Some(first_base), Some(trough), Some(end)) = places else { return };
    // The first periods have no sum of those trailing them.
    let first = episode.trailing - 1;
    let from = first_base.saturating_sub(path.years_long(1)).max(first);
    let rule = HillRule {
        lag: path.years_long(1),
        n_before: path.years_long(config.shock_years_before),
        margin: config.shock_margin,
        n_after: path.years_long(config.shock_years_after),
    };
    let after_base = path.at(episode.last_base().place + 1).unwrap_or(0);
    let needed_from = after_base.checked_sub(rule.n_before + rule.lag).filter(|at| *at >= first);
    let flags = |levels: &[Option<f64>]| hill_flags(levels, after_base..=trough, rule);
    let of_nation = flags(nation);
    for (unit, code) in cube.regions.iter().enumerate() {
        let is_whole = path.is_whole(unit, episode.end.year());
        let levels: &[Option<f64>] = if is_whole { &path.levels[unit] } else { &[] };
        let is_reported = |from: usize, to: usize| {
            levels.get(from..=to).is_some_and(|levels| levels.iter().all(Option::is_some))
        };
        let found = cycle(levels, from..=trough, end);
        let no_cycle = match (is_whole, is_reported(from, end)) {
            (false, _) => "region_changed",
            (true, true) => "no_contraction",
            (true, false) => "year_missing",
        };
        let base = level(&path.base, unit).filter(|base| *base > 0.0 && is_whole);
        let back = base.map(|base| first_at_least(levels, trough, base));
        let shock = flags(levels);
        let no_shock = match (is_whole, needed_from) {
            (false, _) => "region_changed",
            (true, None) => "too_few_periods",
            (true, Some(from)) if !is_reported(from, trough) => "year_missing",
            (true, Some(_)) => "no_growth_rate",
        };
        rows.push(RegionCycleRow {
            episode: &episode.name,
            region_code: code,
            peak: found.map(|found| name(found.peak)).as_deref(),
            trough: found.map(|found| name(found.trough)).as_deref(),
            n_periods_down: found.map(|found| found.trough - found.peak),
            amplitude: found.map(|found| found.amplitude),
            regained: found.and_then(|found| found.regained).map(name).as_deref(),
            n_periods_to_regain: found.and_then(|found| Some(found.regained? - found.trough)),
            cycle_null_reason: found.is_none().then_some(no_cycle),
            n_periods_to_recover: back.flatten().map(|back| back - trough),
            is_recovered: back.map(|back| back.is_some()),
            is_shocked: shock.map(|own| own.is_shocked),
            is_resistant: shock
                .zip(of_nation)
                .map(|(own, nation)| !own.is_shocked && nation.is_shocked),
            is_resilient: shock.and_then(|own| own.is_resilient),
            shock_null_reason: shock.is_none().then_some(no_shock),
        });
    }
}
