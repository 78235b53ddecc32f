//! Rows of regions, groups of regions, products and the nation, each as a whole.

use super::super::error::StageError;
use super::super::rows::Rows;
use super::episode::{EpisodePath, Side, forms, level, recovered_share};
use ::resilience::cycle::{
    HillRule, cumulative_loss, cycle, drop_rebound, first_at_least, hill_flags,
};
use ::resilience::{
    Benchmark, Interval, NullReason, Quadrant, Response, Stage, Summands, shift_share,
};
use rayon::prelude::*;

/// The path of an episode's nation.
pub(super) fn summarize(course: &EpisodePath<'_>, rows: &mut Rows) {
    let episode = course.episode;
    let base: Vec<_> = episode.base.iter().map(ToString::to_string).collect();
    let trailing = i32::try_from(episode.trailing).unwrap_or(i32::MAX);
    rows.text(&*episode.name).text(episode.frequency().name()).text(&*base.join(", "));
    for period in [episode.trough, episode.end, episode.transformation] {
        rows.text(&*period.to_string());
    }
    rows.int(trailing);
    for period in [episode.last_base(), episode.trough, episode.end, episode.transformation] {
        rows.int(period.year());
    }
    rows.int(episode.regressor_year());
    for slice in [&course.base, &course.trough, &course.end] {
        rows.money(slice.total_money());
    }
    rows.float(course.resistance.national_growth()).float(course.recovery.national_growth());
    for stage in [&course.resistance, &course.recovery] {
        let totals = stage.start().region_totals().iter().zip(stage.end().region_totals());
        rows.count(totals.filter(|(start, end)| **start > 0.0 || **end > 0.0).count());
    }
    let places = episode.base.iter().chain([&episode.trough, &episode.end]);
    let places: Vec<i32> = places.map(|period| period.place).collect();
    let (n_negative, negative) = course.cube.negative(&places, episode.trailing);
    rows.count(n_negative).money(negative);
}

/// The levels that the benchmarks expect of each unit after the base.
pub(super) struct Paths {
    /// Place of the first period after the last of the base.
    first: i32,
    /// By benchmark, unit and period.
    expected: Vec<Vec<Vec<Option<f64>>>>,
}

impl Paths {
    pub(super) fn new(course: &EpisodePath<'_>) -> Result<Self, StageError> {
        let episode = course.episode;
        let first = episode.last_base().place + 1;
        let last = episode.end.place.max(episode.transformation.place);
        let n_units = course.cube.regions.len();
        let benchmarks = &course.asked.of_regions;
        let mut expected = vec![vec![Vec::new(); n_units]; benchmarks.len()];
        for place in first..=last {
            let stage = if place == episode.trough.place {
                None
            } else if course.cube.has(place, episode.trailing) {
                Some(course.base_to(place)?)
            } else {
                // Nothing is known of a period that the data leave out.
                for unit in expected.iter_mut().flatten() {
                    unit.push(None);
                }
                continue;
            };
            let stage: &Stage = stage.as_ref().unwrap_or(&course.resistance);
            for (benchmark, units) in benchmarks.iter().zip(&mut expected) {
                let found: Vec<Option<f64>> = (0..n_units)
                    .into_par_iter()
                    .map(|unit| {
                        let change = stage.expected_change(*benchmark, unit)?;
                        Some((level(&course.base, unit)? + change).max(0.0))
                    })
                    .collect();
                units.iter_mut().zip(found).for_each(|(unit, level)| unit.push(level));
            }
        }
        Ok(Self { first, expected })
    }
}

/// The intervals of a unit's indices, by benchmark: of resistance and of recovery.
fn intervals(course: &EpisodePath<'_>, unit: usize, what: u64) -> Vec<[Option<Interval>; 2]> {
    let benchmarks = &course.asked.of_regions;
    let bootstrap = course.asked.bootstrap();
    if bootstrap.n == 0 {
        return vec![[None, None]; benchmarks.len()];
    }
    // Of each product: start and end of both stages, and what is expected of it where each has a rate of its own.
    let stages = [&course.resistance, &course.recovery];
    let by_product: Vec<Benchmark> =
        benchmarks.iter().copied().filter(|benchmark| benchmark.is_by_product()).collect();
    let expected: Vec<Vec<Option<f64>>> = stages
        .iter()
        .flat_map(|stage| by_product.iter().map(|of| stage.expected_changes(*of, unit)))
        .collect();
    let rows = stages.map(|stage| (stage.start().row(unit), stage.end().row(unit)));
    let mut products = Summands::new(4 + expected.len());
    let mut numbers = Vec::with_capacity(4 + expected.len());
    for part in 0..course.cube.products.len() {
        let values = rows.map(|(start, end)| [start[part], end[part]]);
        if values.as_flattened().iter().all(|value| *value <= 0.0) {
            continue;
        }
        numbers.clear();
        numbers.extend(values.as_flattened());
        numbers.extend(expected.iter().map(|of| of[part].unwrap_or(f64::NAN)));
        products.push(&numbers);
    }
    let mut found = vec![[Vec::new(), Vec::new()]; benchmarks.len()];
    let near_zero = course.asked.config.near_zero;
    // Where all products have one rate, it is the unit's.
    let rates = stages.map(|stage| {
        let rate = |of: &Benchmark| stage.expected_growth(*of, unit, 0);
        benchmarks.iter().map(rate).collect::<Vec<_>>()
    });
    bootstrap.replicates(&products, what, |sums| {
        for stage in 0..2 {
            let (start, end) = (sums[2 * stage], sums[2 * stage + 1]);
            let mut of_products = sums[4 + stage * by_product.len()..].iter();
            for (at, benchmark) in benchmarks.iter().enumerate() {
                let expected = if benchmark.is_by_product() {
                    of_products.next().copied()
                } else {
                    rates[stage][at].map(|rate| rate * start)
                };
                let Some(expected) = expected.filter(|_| start > 0.0) else { continue };
                if (expected / start).abs() >= near_zero {
                    found[at][stage].push((end - start - expected) / expected.abs());
                }
            }
        }
    });
    found.into_iter().map(|stages| stages.map(|of| bootstrap.interval(of))).collect()
}

/// Adds the rows of every benchmark and unit; `number` is the episode's.
pub(super) fn rows(course: &EpisodePath<'_>, paths: &Paths, number: usize, rows: &mut Rows) {
    let n_units = course.cube.regions.len();
    let found: Vec<Vec<[Option<Interval>; 2]>> = (0..n_units)
        .into_par_iter()
        .map(|unit| {
            let what = number * n_units + unit;
            intervals(course, unit, u64::try_from(what).unwrap_or(0))
        })
        .collect();
    for (at, &benchmark) in course.asked.of_regions.iter().enumerate() {
        for (unit, intervals) in found.iter().enumerate() {
            unit_row(course, benchmark, unit, &paths.expected[at][unit], intervals[at], rows);
        }
    }
}

fn unit_row(
    course: &EpisodePath<'_>,
    benchmark: Benchmark,
    unit: usize,
    expected: &[Option<f64>],
    intervals: [Option<Interval>; 2],
    rows: &mut Rows,
) {
    let (cube, episode) = (course.cube, course.episode);
    let code = cube.regions[unit].as_str();
    let slices = [&course.base, &course.trough, &course.end];
    let [base, trough, end] = slices.map(|slice| level(slice, unit));
    let years = course.years();
    let expect = |stage: &Stage| stage.expected_change(benchmark, unit);
    let is_nation = cube.regions.len() == 1 && matches!(course.side, Side::Groups(..));
    let is_benchmark = is_nation && matches!(benchmark, Benchmark::Aggregate | Benchmark::Mix);
    let respond = |at: usize, stage: &Stage, ends: (Option<f64>, Option<f64>), no_base| {
        // Of many regions, those are compared that were reported at both ends.
        let total = |exports: &space::Exports| exports.region_totals()[unit];
        let ends = match course.side {
            Side::Regions | Side::Parts => ends,
            _ => (Some(total(stage.start())), Some(total(stage.end()))),
        };
        let found = course.respond(code, years[at], ends, expect(stage), no_base);
        if is_benchmark && found.null_reason.is_none() {
            let reason = Some(NullReason::IsBenchmark);
            return Response { index: None, null_reason: reason, ..found };
        }
        found
    };
    let resistance = respond(0, &course.resistance, (base, trough), NullReason::NoBase);
    let recovery = respond(1, &course.recovery, (trough, end), NullReason::TroughZero);
    rows.text(&*episode.name).text(benchmark.name()).text(code);
    for slice in slices {
        rows.money(slice.region_money(unit));
    }
    forms(&resistance, rows);
    forms(&recovery, rows);
    let kind = resistance.index.zip(recovery.index);
    rows.text(kind.map(|(resistance, recovery)| Quadrant::of(resistance, recovery).code()));
    let near_zero = course.asked.config.near_zero;
    let national = course.resistance.national_growth().filter(|g| g.abs() >= near_zero);
    rows.float(resistance.growth.zip(national).map(|(own, national)| own / national));
    // What compares the ends of the episode means nothing over new borders.
    let is_whole = course.is_whole(unit, years[1].1);
    let [base, trough, end] = [base, trough, end].map(|level| level.filter(|_| is_whole));
    rows.float(base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b));
    rows.float(recovered_share(base, trough, end, near_zero));
    let expected_trough =
        base.zip(resistance.expected_change).map(|(base, change)| (base + change).max(0.0));
    let han_goetz = expected_trough
        .zip(trough.zip(end))
        .and_then(|(expected, (trough, end))| drop_rebound(expected, trough, end, near_zero));
    let rebound =
        trough.filter(|trough| *trough > 0.0).zip(end).map(|(trough, end)| end / trough - 1.0);
    rows.float(han_goetz.map(|found| found.drop))
        .float(rebound)
        .float(han_goetz.and_then(|found| found.resilience));
    let n = usize::try_from(episode.end.place - episode.last_base().place).unwrap_or(0);
    let levels = course
        .at(episode.last_base().place + 1)
        .and_then(|from| course.levels[unit].get(from..from + n));
    let loss = match (levels, expected.get(..n)) {
        (Some(levels), Some(expected)) if is_whole => cumulative_loss(levels, expected),
        _ => None,
    };
    // Sums of trailing periods hold each period so many times.
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let times = episode.trailing as f64;
    rows.float(loss.map(|loss| loss.sum / times)).float(loss.map(|loss| loss.share));
    let sign = resistance.expected_change.map(|d| if d > 0.0 { 1 } else { -i32::from(d < 0.0) });
    rows.int(sign);
    for (response, interval) in [&resistance, &recovery].into_iter().zip(intervals) {
        let interval = interval.filter(|_| response.index.is_some());
        rows.float(interval.map(|interval| interval.low))
            .float(interval.map(|interval| interval.high));
    }
    let parts = course.base.exports.row(unit).iter().copied().enumerate();
    let largest = parts.reduce(|a, b| if b.1 > a.1 { b } else { a }).filter(|(_, x)| *x > 0.0);
    let share = largest.zip(base.filter(|b| *b > 0.0)).map(|((_, x), base)| x / base);
    rows.text(largest.filter(|_| share.is_some()).map(|(part, _)| cube.products[part].as_str()));
    rows.float(share);
}

/// The path of every region and the one expected of it.
pub(super) fn period_rows(course: &EpisodePath<'_>, paths: &Paths, rows: &mut Rows) {
    let (cube, episode) = (course.cube, course.episode);
    let n_before = course.years_long(course.asked.config.trend_years);
    let n_before = i32::try_from(n_before).unwrap_or(i32::MAX);
    let first = episode.base.first().map_or(0, |period| period.place) - n_before;
    let last = episode.end.place.max(episode.transformation.place);
    for (at, benchmark) in course.asked.of_regions.iter().enumerate() {
        for (unit, code) in cube.regions.iter().enumerate() {
            for place in first.max(course.first())..=last {
                let value = course.at(place).and_then(|at| course.levels[unit].get(at).copied());
                let after = usize::try_from(place - paths.first).ok();
                let expected = after.and_then(|after| paths.expected[at][unit].get(after).copied());
                rows.text(&*episode.name)
                    .text(benchmark.name())
                    .text(&**code)
                    .text(&*cube.period(place).to_string())
                    .float(value.flatten())
                    .float(expected.flatten());
            }
        }
    }
}

/// Turning points and recovery of every region; `nation` are the levels of all regions together.
pub(super) fn cycle_rows(course: &EpisodePath<'_>, nation: &[Option<f64>], rows: &mut Rows) {
    let (cube, episode, config) = (course.cube, course.episode, course.asked.config);
    let name = |at: usize| cube.period(course.first() + i32::try_from(at).unwrap_or(0)).to_string();
    let first_base = episode.base.first().map_or(0, |period| period.place);
    let places =
        (course.at(first_base), course.at(episode.trough.place), course.at(episode.end.place));
    let (Some(first_base), Some(trough), Some(end)) = places else { return };
    // The first periods have no sum of those trailing them.
    let first = episode.trailing - 1;
    let from = first_base.saturating_sub(course.years_long(1)).max(first);
    let rule = HillRule {
        lag: course.years_long(1),
        n_before: course.years_long(config.shock_years_before),
        margin: config.shock_margin,
        n_after: course.years_long(config.shock_years_after),
    };
    let after_base = course.at(episode.last_base().place + 1).unwrap_or(0);
    let needed_from = after_base.checked_sub(rule.n_before + rule.lag).filter(|at| *at >= first);
    let flags = |levels: &[Option<f64>]| hill_flags(levels, after_base..=trough, rule);
    let of_nation = flags(nation);
    for (unit, code) in cube.regions.iter().enumerate() {
        let is_whole = course.is_whole(unit, episode.end.year());
        let levels: &[Option<f64>] = if is_whole { &course.levels[unit] } else { &[] };
        let is_reported = |from: usize, to: usize| {
            levels.get(from..=to).is_some_and(|levels| levels.iter().all(Option::is_some))
        };
        let found = cycle(levels, from..=trough, end);
        rows.text(&*episode.name).text(&**code);
        rows.text(found.map(|found| name(found.peak)).as_deref())
            .text(found.map(|found| name(found.trough)).as_deref())
            .count(found.map(|found| found.trough - found.peak))
            .float(found.map(|found| found.amplitude))
            .text(found.and_then(|found| found.regained).map(name).as_deref())
            .count(found.and_then(|found| Some(found.regained? - found.trough)));
        let why = match (is_whole, is_reported(from, end)) {
            (false, _) => "region_changed",
            (true, true) => "no_contraction",
            (true, false) => "year_missing",
        };
        rows.text(found.is_none().then_some(why));
        let base = level(&course.base, unit).filter(|base| *base > 0.0 && is_whole);
        let back = base.map(|base| first_at_least(levels, trough, base));
        rows.count(back.flatten().map(|back| back - trough)).flag(back.map(|back| back.is_some()));
        let found = flags(levels);
        rows.flag(found.map(|found| found.is_shocked))
            .flag(found.zip(of_nation).map(|(own, nation)| !own.is_shocked && nation.is_shocked))
            .flag(found.and_then(|found| found.is_resilient));
        let why = match (is_whole, needed_from) {
            (false, _) => "region_changed",
            (true, None) => "too_few_periods",
            (true, Some(from)) if !is_reported(from, trough) => "year_missing",
            (true, Some(_)) => "no_growth_rate",
        };
        rows.text(found.is_none().then_some(why));
    }
}

/// Shift-share of both stages.
pub(super) fn shift_share_rows(course: &EpisodePath<'_>, rows: &mut Rows) {
    let [resistance, recovery] = course.years();
    let stages = [
        ("recovery", &course.trough, &course.end, &course.recovery, recovery),
        ("resistance", &course.base, &course.trough, &course.resistance, resistance),
    ];
    for (name, from, to, stage, years) in stages {
        for (region, code) in course.cube.regions.iter().enumerate() {
            let is_there = from.is_reported[region] && to.is_reported[region];
            let has_changed = course.has_changed(code, years);
            let is_whole = is_there && !has_changed;
            let parts = if is_whole { shift_share(stage, region) } else { None };
            let total = |exports: &space::Exports| exports.region_totals()[region];
            let change = is_whole.then(|| total(stage.end()) - total(stage.start()));
            let why = match (is_there, has_changed) {
                (false, _) => NullReason::YearMissing,
                (true, true) => NullReason::RegionChanged,
                (true, false) => NullReason::NoBase,
            };
            rows.text(&*course.episode.name)
                .text(name)
                .text(&**code)
                .float(change)
                .float(parts.map(|p| p.national))
                .float(parts.map(|p| p.mix))
                .float(parts.map(|p| p.competitive))
                .text(parts.is_none().then(|| why.code()));
        }
    }
}
