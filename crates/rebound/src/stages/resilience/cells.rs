//! Rows of regions by product, trade mode, ownership or destination.

use super::super::cube::Slice;
use super::super::error::StageError;
use super::super::rows::{LongTable, Rows};
use super::episode::{EpisodePath, each_region, forms, recovered_share};
use ::resilience::{Benchmark, NullReason, Response, quantile, status};
use rayon::prelude::*;

/// The levels of the cells before the base, which their own trends are of: the base last.
struct Trends {
    slices: Vec<Slice>,
    /// Periods of resistance and of recovery.
    n_periods: [f64; 2],
}

impl Trends {
    fn read(course: &EpisodePath<'_>) -> Result<Self, StageError> {
        let (trough, end) = (course.episode.trough.place, course.episode.end.place);
        let n_periods = [course.n_periods(&course.bases, trough), course.n_periods(&[trough], end)];
        let last = course.episode.last_base().place;
        let n = course.years_long(course.asked.config.trend_years);
        let places = last - i32::try_from(n).unwrap_or(i32::MAX)..=last;
        let trailing = course.episode.trailing;
        let is_asked = course.asked.of_products.iter().any(|(_, of)| *of == Benchmark::OwnTrend);
        if !is_asked || !places.clone().all(|place| course.cube.has(place, trailing)) {
            return Ok(Self { slices: Vec::new(), n_periods });
        }
        let slices = places.map(|place| course.cube.slice(&[place], trailing, "own trend"));
        Ok(Self { slices: slices.collect::<Result<_, _>>()?, n_periods })
    }

    /// The growth over a stage that a cell expects.
    fn growth(&self, region: usize, part: usize, stage: usize) -> Option<f64> {
        let level = |of: &Slice| of.is_reported[region].then(|| of.exports.get(region, part));
        let levels: Vec<Option<f64>> = self.slices.iter().map(level).collect();
        ::resilience::trend_growth(&levels, self.n_periods[stage])
    }
}

/// A cell's exports at base, trough and end; `None` where its region was not reported.
fn path(course: &EpisodePath<'_>, region: usize, part: usize) -> [Option<f64>; 3] {
    [&course.base, &course.trough, &course.end]
        .map(|slice| slice.is_reported[region].then(|| slice.exports.get(region, part)))
}

/// Resistance and recovery of one cell.
fn responses(
    course: &EpisodePath<'_>,
    benchmark: Benchmark,
    trends: &Trends,
    region: usize,
    part: usize,
) -> [Response; 2] {
    let code = course.cube.regions[region].as_str();
    let [base, trough, end] = path(course, region, part);
    let stages = [
        (&course.resistance, (base, trough), NullReason::NoBase),
        (&course.recovery, (trough, end), NullReason::TroughZero),
    ];
    let years = course.years();
    std::array::from_fn(|at| {
        let (stage, ends, no_base) = stages[at];
        let rate = match benchmark {
            Benchmark::OwnTrend => trends.growth(region, part, at),
            _ => stage.expected_growth(benchmark, region, part),
        };
        let expected = ends.0.zip(rate).map(|(from, rate)| from * rate);
        course.respond(code, years[at], ends, expected, no_base)
    })
}

/// The values that pull the tails in, or none without an index.
fn tails(mut found: Vec<f64>, share: f64) -> Option<(f64, f64)> {
    if found.is_empty() {
        return None;
    }
    found.sort_by(f64::total_cmp);
    Some((quantile(&found, share), quantile(&found, 1.0 - share)))
}

/// Adds the rows of an episode to `long`, the table `name`, by benchmark.
pub(super) fn rows(
    name: &str,
    course: &EpisodePath<'_>,
    long: &mut LongTable<'_>,
) -> Result<(), StageError> {
    let (cube, asked) = (course.cube, course.asked);
    let trends = Trends::read(course)?;
    let is_traded = |region: usize, part: usize| {
        let slices = [&course.base, &course.trough, &course.end, &course.after];
        slices.iter().any(|slice| slice.exports.get(region, part) > 0.0)
    };
    let n_regions = cube.regions.len();
    for (benchmark_name, benchmark) in &asked.of_products {
        let indices: Vec<[Option<f64>; 2]> = (0..n_regions)
            .into_par_iter()
            .flat_map_iter(|region| {
                (0..cube.products.len()).filter(move |&part| is_traded(region, part)).map({
                    let trends = &trends;
                    move |part| responses(course, *benchmark, trends, region, part).map(|r| r.index)
                })
            })
            .collect();
        let limits: [Option<(f64, f64)>; 2] = std::array::from_fn(|at| {
            let found = indices.iter().filter_map(|of| of[at]).collect();
            tails(found, asked.config.winsorized_share)
        });
        drop(indices);
        each_region(n_regions, long, |region| {
            let mut rows = Rows::of(name);
            for (part, code) in cube.products.iter().enumerate() {
                if !(asked.config.balanced || is_traded(region, part)) {
                    continue;
                }
                let [base, trough, end] = path(course, region, part);
                rows.text(&*course.episode.name)
                    .text(&**benchmark_name)
                    .text(&*cube.regions[region])
                    .text(&**code)
                    .text(status(base, trough, end).code());
                for slice in [&course.base, &course.trough, &course.end] {
                    rows.money(slice.cell_money(region, part));
                }
                let found = responses(course, *benchmark, &trends, region, part);
                found.iter().for_each(|response| forms(response, &mut rows));
                for (response, limits) in found.iter().zip(limits) {
                    let pulled = response.index.zip(limits);
                    rows.float(pulled.map(|(index, (low, high))| index.clamp(low, high)));
                }
                // What compares the ends of the episode means nothing over new borders.
                let is_whole = course.is_whole(region, course.episode.end.year());
                let [base, trough, end] =
                    [base, trough, end].map(|level| level.filter(|_| is_whole));
                rows.float(base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b));
                rows.float(recovered_share(base, trough, end, asked.config.near_zero));
            }
            rows
        })?;
    }
    Ok(())
}
