//! Rows of regions by product, trade mode, ownership or destination.

use super::super::cube::Slice;
use super::super::error::StageError;
use super::super::rows::{LongTable, Rows};
use super::super::table::Table;
use super::episode::{EpisodePath, PathStage, Span, each_region, forms, recovered_share};
use super::tables::CellRow;
use ::resilience::{Benchmark, NullReason, Response, quantile, status};
use project::config::choice::{Choice, ProductBenchmark};
use rayon::prelude::*;

/// The levels of the cells before the base, which their own trends are of: the base last.
struct Trends {
    slices: Vec<Slice>,
    /// Why there are none.
    no_slices: NullReason,
    /// Periods of resistance and of recovery.
    n_periods: [f64; 2],
}

impl Trends {
    fn read(path: &EpisodePath<'_>) -> Result<Self, StageError> {
        let (trough, end) = (path.episode.trough.place, path.episode.end.place);
        let n_periods = [path.n_periods(&path.bases, trough), path.n_periods(&[trough], end)];
        let last = path.episode.last_base().place;
        let n = path.years_long(path.asked.config.trend_years);
        let places = last - i32::try_from(n).unwrap_or(i32::MAX)..=last;
        let trailing = path.episode.trailing;
        let is_asked = path.asked.of_products.contains(&ProductBenchmark::OwnTrend);
        let begin_later = i32::try_from(trailing).map_or(i32::MAX, |n| path.first() + n - 1);
        let no_slices = match *places.start() < begin_later {
            true => NullReason::TooFewPeriods,
            false => NullReason::YearMissing,
        };
        if !is_asked || !places.clone().all(|place| path.cube.has(place, trailing)) {
            return Ok(Self { slices: Vec::new(), no_slices, n_periods });
        }
        let slices = places.map(|place| path.cube.slice(&[place], trailing, "own trend"));
        Ok(Self { slices: slices.collect::<Result<_, _>>()?, no_slices, n_periods })
    }

    /// The growth over a stage that a cell expects, or why it expects none.
    fn growth(&self, region: usize, part: usize, stage: usize) -> Result<f64, NullReason> {
        if self.slices.is_empty() {
            return Err(self.no_slices);
        }
        let levels: Vec<Option<f64>> =
            self.slices.iter().map(|slice| level(slice, region, part)).collect();
        ::resilience::trend_growth(&levels, self.n_periods[stage])
    }
}

/// A cell's exports; `None` where its region was not reported.
fn level(slice: &Slice, region: usize, part: usize) -> Option<f64> {
    slice.is_reported[region].then(|| slice.exports.get(region, part))
}

/// Resistance and recovery of one cell.
fn responses(
    path: &EpisodePath<'_>,
    benchmark: Benchmark,
    trends: &Trends,
    region: usize,
    part: usize,
) -> [Response; 2] {
    let code = path.cube.regions[region].as_str();
    let stages = path.stages();
    std::array::from_fn(|at| {
        let PathStage { span: Span { from, to, years, .. }, stage, no_base } = stages[at];
        let ends = (level(from, region, part), level(to, region, part));
        let rate = match benchmark {
            Benchmark::OwnTrend => trends.growth(region, part, at),
            _ => {
                let rate = stage.expected_growth(benchmark, region, part);
                rate.ok_or(NullReason::NoBenchmark)
            }
        };
        let expected = ends.0.zip(rate.ok()).map(|(from, rate)| from * rate);
        let mut found = path.respond(code, years, ends, expected, no_base);
        if found.null_reason == Some(NullReason::NoBenchmark) {
            found.null_reason = rate.err().or(found.null_reason);
        }
        let is_own = stage.is_own_growth(benchmark, region, part);
        if is_own { found.of_benchmark() } else { found }
    })
}

/// The values that pull the tails in.
#[derive(Clone, Copy)]
struct Limits {
    low: f64,
    high: f64,
}

impl Limits {
    /// Those of the indices of cells; none without an index.
    fn of(mut indices: Vec<f64>, share: f64) -> Option<Self> {
        if indices.is_empty() {
            return None;
        }
        indices.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&indices, share), quantile(&indices, 1.0 - share));
        Some(Self { low, high })
    }
}

/// Whether a cell has exports in a period of the episode.
fn is_traded(path: &EpisodePath<'_>, region: usize, part: usize) -> bool {
    let slices = [&path.base, &path.trough, &path.end, &path.after];
    slices.iter().any(|slice| slice.exports.get(region, part) > 0.0)
}

/// What the cells of an episode are compared with.
struct Comparison<'a> {
    path: &'a EpisodePath<'a>,
    trends: &'a Trends,
    benchmark: Benchmark,
    name: String,
    /// Those of the index of resistance and of that of recovery.
    limits: [Option<Limits>; 2],
}

impl<'a> Comparison<'a> {
    fn new(path: &'a EpisodePath<'a>, trends: &'a Trends, named: ProductBenchmark) -> Self {
        let benchmark = Benchmark::from(named);
        let indices: Vec<[Option<f64>; 2]> = (0..path.cube.regions.len())
            .into_par_iter()
            .flat_map_iter(|region| {
                cancel::check();
                (0..path.cube.products.len())
                    .filter(move |&part| is_traded(path, region, part))
                    .map(move |part| {
                        responses(path, benchmark, trends, region, part).map(|r| r.index)
                    })
            })
            .collect();
        let limits = std::array::from_fn(|at| {
            let found = indices.iter().filter_map(|of| of[at]).collect();
            Limits::of(found, path.asked.config.winsorized_share)
        });
        Self { path, trends, benchmark, name: named.name(), limits }
    }

    fn row(&self, region: usize, part: usize) -> CellRow<'_> {
        let path = self.path;
        let levels = [&path.base, &path.trough, &path.end].map(|slice| level(slice, region, part));
        let [base, trough, end] = levels;
        let status = status(base, trough, end).code();
        let found = responses(path, self.benchmark, self.trends, region, part);
        let [resistance_winsorized, recovery_winsorized] = [0, 1].map(|at| {
            let pulled = found[at].index.zip(self.limits[at]);
            pulled.map(|(index, limits)| index.clamp(limits.low, limits.high))
        });
        let [resistance, recovery] = found;
        // What compares the ends of the episode means nothing over new borders.
        let is_whole = path.is_whole(region, path.episode.end.year());
        let [base, trough, end] = levels.map(|level| level.filter(|_| is_whole));
        CellRow {
            episode: &path.episode.name,
            benchmark: &self.name,
            region_code: &path.cube.regions[region],
            part: &path.cube.products[part],
            status,
            levels: path.values(|slice| slice.cell_money(region, part)),
            resistance: forms(&resistance),
            recovery: forms(&recovery),
            resistance_winsorized,
            recovery_winsorized,
            level_recovery: base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b),
            recovered_share: recovered_share(base, trough, end, path.asked.config.near_zero),
        }
    }
}

/// Adds the rows of an episode to `long`, by benchmark.
pub(super) fn rows<T>(path: &EpisodePath<'_>, long: &mut LongTable<'_, T>) -> Result<(), StageError>
where
    for<'a> T: Table<Row<'a> = CellRow<'a>> + Send,
{
    let (cube, asked) = (path.cube, path.asked);
    let trends = Trends::read(path)?;
    for named in &asked.of_products {
        let comparison = Comparison::new(path, &trends, *named);
        each_region(cube.regions.len(), long, |region| {
            let mut rows = Rows::<T>::default();
            for part in 0..cube.products.len() {
                if asked.config.balanced || is_traded(path, region, part) {
                    rows.push(comparison.row(region, part));
                }
            }
            rows
        })?;
    }
    Ok(())
}
