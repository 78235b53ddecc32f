//! `trade.*` to `resilience.*`, for every episode of the config.
//!
//! An episode is looked at on cubes of exports by period, unit and part: regions by product, groups of regions by
//! product, products by region, all regions as one, and regions by trade mode, ownership and destination. What is
//! done on each is the same.

mod cells;
mod quality;
mod structure;
mod units;

use super::cube::{Cube, Slice};
use super::rows::{LongTable, Rows};
use super::{Files, Made, Output, StageError, table};
use crate::config::{Episode, Resilience};
use crate::external;
use crate::pipeline::Pipeline;
use ::resilience::{
    Benchmark, Bootstrap, NullReason, ReferenceGrowth, Response, Stage, respond, trend_growth,
};
use rayon::prelude::*;
use space::Exports;
use std::collections::BTreeMap;
use trade::Frequency;

/// Regions whose rows are made before they are written.
const CHUNK: usize = 64;

/// The reference economy's trade in each product and in all, by year.
type ReferenceTrade = BTreeMap<i32, (Vec<f64>, f64)>;

/// What the config asks for, read once.
struct Asked<'p> {
    config: &'p Resilience,
    of_regions: Vec<Benchmark>,
    of_products: Vec<(String, Benchmark)>,
    reference: Option<ReferenceTrade>,
}

impl Asked<'_> {
    fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            n: self.config.bootstrap_replicates,
            level: self.config.bootstrap_level,
            seed: self.config.bootstrap_seed,
        }
    }

    /// Whether the borders of `region` changed between two years.
    fn has_changed(&self, region: &str, from: i32, to: i32) -> bool {
        let changes = &self.config.region_changes;
        changes
            .iter()
            .any(|change| change.region == region && from < change.year && change.year <= to)
    }
}

/// What the units and parts of a cube are.
enum Side<'a> {
    /// Regions by product.
    Regions,
    /// Regions by something else.
    Parts,
    /// Groups of the regions of another course by product: the group of each region.
    Groups(&'a Course<'a>, &'a [usize]),
    /// The products of another course by region.
    Products(&'a Course<'a>),
}

impl Side<'_> {
    /// The course of regions that it is another view of.
    fn origin(&self) -> Option<&Course<'_>> {
        match self {
            Self::Regions | Self::Parts => None,
            Self::Groups(origin, _) | Self::Products(origin) => Some(origin),
        }
    }

    /// Exports of the origin's regions, seen from this side.
    fn view(&self, exports: &Exports, n_units: usize) -> Result<Exports, StageError> {
        let (n_regions, n_products) = (exports.n_regions(), exports.n_products());
        let seen = match self {
            Self::Regions | Self::Parts => return Ok(exports.clone()),
            Self::Groups(_, groups) => {
                let mut values = vec![0.0; n_units * n_products];
                for (region, &group) in groups.iter().enumerate() {
                    let sums = &mut values[group * n_products..][..n_products];
                    sums.iter_mut().zip(exports.row(region)).for_each(|(sum, value)| *sum += value);
                }
                Exports::new(n_units, n_products, values)
            }
            Self::Products(_) => {
                let mut values = vec![0.0; n_regions * n_products];
                for region in 0..n_regions {
                    for (product, &value) in exports.row(region).iter().enumerate() {
                        values[product * n_regions + region] = value;
                    }
                }
                Exports::new(n_products, n_regions, values)
            }
        };
        seen.map_err(|error| StageError::Data(error.to_string()))
    }
}

/// An episode on a cube, before anything is compared.
struct Ground<'a> {
    episode: &'a Episode,
    asked: &'a Asked<'a>,
    cube: &'a Cube,
    side: Side<'a>,
    /// Each unit's level in every period from the first of the data.
    levels: Vec<Vec<Option<f64>>>,
    /// Places of the base periods.
    bases: Vec<i32>,
}

/// An episode on a cube.
struct Course<'a> {
    ground: Ground<'a>,
    base: Slice,
    trough: Slice,
    end: Slice,
    /// The transformation period.
    after: Slice,
    resistance: Stage,
    recovery: Stage,
}

impl<'a> std::ops::Deref for Course<'a> {
    type Target = Ground<'a>;

    fn deref(&self) -> &Ground<'a> {
        &self.ground
    }
}

impl<'a> Course<'a> {
    fn new(
        episode: &'a Episode,
        asked: &'a Asked<'a>,
        cube: &'a Cube,
        side: Side<'a>,
    ) -> Result<Self, StageError> {
        let ground = Ground {
            episode,
            asked,
            cube,
            side,
            levels: cube.levels(episode.trailing),
            bases: episode.base.iter().map(|period| period.place).collect(),
        };
        let what = format!("episode {}", episode.name);
        let slice = |places: &[i32]| cube.slice(places, episode.trailing, &what);
        let base = slice(&ground.bases)?;
        let trough = slice(&[episode.trough.place])?;
        let end = slice(&[episode.end.place])?;
        let after = if episode.transformation == episode.end {
            end.clone()
        } else {
            slice(&[episode.transformation.place])?
        };
        let (trough_at, end_at) = (episode.trough.place, episode.end.place);
        let (resistance, recovery) = match ground.side.origin() {
            Some(origin) => (
                ground.seen(&origin.resistance, &ground.bases, trough_at)?,
                ground.seen(&origin.recovery, &[trough_at], end_at)?,
            ),
            None => (
                ground.stage(&base, &trough, &ground.bases, trough_at)?,
                ground.stage(&trough, &end, &[trough_at], end_at)?,
            ),
        };
        Ok(Self { ground, base, trough, end, after, resistance, recovery })
    }

    /// The stage from the base to another period.
    fn base_to(&self, place: i32) -> Result<Stage, StageError> {
        if let Some(origin) = self.side.origin() {
            return self.seen(&origin.base_to(place)?, &self.bases, place);
        }
        let slice = self.cube.slice(&[place], self.episode.trailing, "a path")?;
        self.stage(&self.base, &slice, &self.bases, place)
    }
}

impl Ground<'_> {
    /// The stage from a slice of the periods `from` to the one of `to`.
    ///
    /// Both ends have the same regions: one that is missing at an end, or whose borders changed, must not look like
    /// growth of the nation.
    fn stage(
        &self,
        start: &Slice,
        end: &Slice,
        from: &[i32],
        to: i32,
    ) -> Result<Stage, StageError> {
        let years = (
            from.first().map_or(0, |&place| self.cube.period(place).year()),
            self.cube.period(to).year(),
        );
        let is_compared: Vec<bool> = self
            .cube
            .regions
            .iter()
            .enumerate()
            .map(|(at, code)| {
                let is_reported = start.is_reported[at] && end.is_reported[at];
                is_reported && !self.has_changed(code, years)
            })
            .collect();
        let cut = |exports: &Exports| {
            let n = exports.n_products();
            let mut values = Vec::with_capacity(exports.n_regions() * n);
            for (region, &is_compared) in is_compared.iter().enumerate() {
                if is_compared {
                    values.extend_from_slice(exports.row(region));
                } else {
                    values.resize(values.len() + n, 0.0);
                }
            }
            let cut = Exports::new(exports.n_regions(), n, values);
            cut.map_err(|error| StageError::Data(error.to_string()))
        };
        self.compared(Stage::new(cut(&start.exports)?, cut(&end.exports)?), from, to)
    }

    /// A stage of the origin's regions, seen from this side.
    fn seen(&self, stage: &Stage, from: &[i32], to: i32) -> Result<Stage, StageError> {
        let view = |exports: &Exports| self.side.view(exports, self.cube.regions.len());
        self.compared(Stage::new(view(stage.start())?, view(stage.end())?), from, to)
    }

    /// The stage with what its benchmarks need.
    fn compared(&self, stage: Stage, from: &[i32], to: i32) -> Result<Stage, StageError> {
        let n_periods = self.n_periods(from, to);
        let stage = stage
            .with_min_share(self.asked.config.min_benchmark_share)
            .with_trends(self.levels.iter().map(|of| self.trend(of, n_periods)).collect());
        match &self.asked.reference {
            Some(reference) => {
                Ok(stage.with_reference(self.reference_growth(reference, from, to)?))
            }
            None => Ok(stage),
        }
    }

    /// Whether the borders of a unit are the same from the base to `year`.
    fn is_whole(&self, unit: usize, year: i32) -> bool {
        let from = self.years()[0].0;
        !self.has_changed(&self.cube.regions[unit], (from, year))
    }

    fn has_changed(&self, code: &str, (from, to): (i32, i32)) -> bool {
        let has_regions = matches!(self.side, Side::Regions | Side::Parts);
        has_regions && self.asked.has_changed(code, from, to)
    }

    /// Periods that stand for some years.
    fn years_long(&self, years: usize) -> usize {
        years * usize::try_from(self.episode.frequency().per_year()).unwrap_or(1)
    }

    /// From the middle of some periods to another.
    fn n_periods(&self, from: &[i32], to: i32) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few periods")]
        let middle = from.iter().map(|&place| f64::from(place)).sum::<f64>() / from.len() as f64;
        f64::from(to) - middle
    }

    fn first(&self) -> i32 {
        self.cube.years.first().copied().unwrap_or(0)
    }

    /// The place of a period among the levels.
    fn at(&self, place: i32) -> Option<usize> {
        usize::try_from(place - self.first()).ok()
    }

    /// The growth over `n_periods` that a series expects of its own trend before the base.
    fn trend(&self, levels: &[Option<f64>], n_periods: f64) -> Option<f64> {
        let last = self.at(self.episode.last_base().place)?;
        let first = last.checked_sub(self.years_long(self.asked.config.trend_years))?;
        trend_growth(levels.get(first..=last)?, n_periods)
    }

    fn reference_growth(
        &self,
        reference: &ReferenceTrade,
        from: &[i32],
        to: i32,
    ) -> Result<ReferenceGrowth, StageError> {
        if self.episode.frequency() != Frequency::Year {
            return Err(StageError::Data(format!(
                "episode {}: the benchmark `reference` is by year, the episode by {}; take the benchmark out of the \
                 config, or give the episode years",
                self.episode.name,
                self.episode.frequency()
            )));
        }
        if self.episode.trailing > 1 {
            return Err(StageError::Data(format!(
                "episode {}: the benchmark `reference` is of single years, the episode of {} trailing ones; take the benchmark \
                 out of the config, or `trailing` out of the episode",
                self.episode.name, self.episode.trailing
            )));
        }
        let of = |year: i32| {
            reference.get(&year).ok_or_else(|| {
                StageError::Data(format!(
                    "episode {}: the table `reference` has no year {year}; add it, or take the benchmark `reference` \
                     out of the config",
                    self.episode.name
                ))
            })
        };
        let starts = from.iter().map(|&year| of(year)).collect::<Result<Vec<_>, _>>()?;
        let end = of(to)?;
        #[expect(clippy::cast_precision_loss, reason = "a few years")]
        let n = starts.len() as f64;
        let growth = |start: f64, end: f64| (start > 0.0).then(|| end / start - 1.0);
        let products = if matches!(self.side, Side::Regions | Side::Groups(..)) {
            (0..self.cube.products.len())
                .map(|at| growth(starts.iter().map(|(of, _)| of[at]).sum::<f64>() / n, end.0[at]))
                .collect()
        } else {
            vec![None; self.cube.products.len()]
        };
        let total = growth(starts.iter().map(|(_, total)| total).sum::<f64>() / n, end.1);
        Ok(ReferenceGrowth { total, products })
    }

    /// The years that resistance and recovery begin and end in.
    fn years(&self) -> [(i32, i32); 2] {
        let base = self.episode.base.first().map_or(0, |period| period.year());
        let [trough, end] = [self.episode.trough.year(), self.episode.end.year()];
        [(base, trough), (trough, end)]
    }

    /// The response of a series over a stage of a region; `start` and `end` are none where it was not reported.
    fn respond(
        &self,
        region: &str,
        years: (i32, i32),
        (start, end): (Option<f64>, Option<f64>),
        expected: Option<f64>,
        no_base: NullReason,
    ) -> Response {
        let config = self.asked.config;
        if self.has_changed(region, years) {
            return Response {
                null_reason: Some(NullReason::RegionChanged),
                ..Response::default()
            };
        }
        let found = respond(start, end, expected, config.near_zero, no_base);
        match start {
            Some(start) if start > 0.0 && start < config.min_base_value => {
                found.without_ratios(NullReason::SmallBase)
            }
            _ => found,
        }
    }
}

fn level(slice: &Slice, unit: usize) -> Option<f64> {
    slice.is_reported[unit].then(|| slice.exports.region_totals()[unit])
}

/// Adds the four forms and what goes with them.
fn forms(response: &Response, rows: &mut Rows) {
    rows.float(response.growth)
        .float(response.expected_change)
        .float(response.index)
        .float(response.diff)
        .float(response.dlog)
        .float(response.dhs)
        .float(response.ratio)
        .text(response.null_reason.map(NullReason::code));
}

/// The share of what was lost from base to trough that is made up by the end; of a loss that is not near zero.
fn recovered_share(
    base: Option<f64>,
    trough: Option<f64>,
    end: Option<f64>,
    near_zero: f64,
) -> Option<f64> {
    match (base, trough, end) {
        (Some(base), Some(trough), Some(end)) if base - trough > near_zero * base => {
            Some((end - trough) / (base - trough))
        }
        _ => None,
    }
}

/// The cubes of regions by product, by how long their periods are, and those seen from other sides.
struct Cubes {
    regions: Cube,
    macro_regions: Cube,
    /// The group of each region.
    groups: Vec<usize>,
    products: Cube,
    nation: Cube,
    /// The same group for each region: the nation's.
    one_group: Vec<usize>,
}

impl Cubes {
    fn new(pipeline: &Pipeline, regions: Cube) -> Result<Self, StageError> {
        let codes: Vec<&str> = regions.regions.iter().map(String::as_str).collect();
        let groups = external::groups_of(pipeline, &codes)?;
        let macro_regions = regions.merged(&groups);
        let place = |group: &String| macro_regions.regions.binary_search(group).unwrap_or(0);
        Ok(Self {
            groups: groups.iter().map(place).collect(),
            macro_regions,
            products: regions.transposed(),
            one_group: vec![0; codes.len()],
            nation: regions.merged(&vec!["nation".to_owned(); codes.len()]),
            regions,
        })
    }
}

/// Computes all resilience tables.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    let config = &pipeline.config.resilience;
    let rule = pipeline.config.relatedness.rule().map_err(StageError::Data)?;
    let mut of_regions = config.of_regions().map_err(StageError::Data)?;
    of_regions.sort_by_key(|benchmark| benchmark.name());
    let mut of_products = config.of_products().map_err(StageError::Data)?;
    of_products.sort();
    let mut episodes: Vec<&Episode> = config.episodes.iter().collect();
    episodes.sort_by(|a, b| a.name.cmp(&b.name));

    let are_zero = config.absent_are_zero().map_err(StageError::Data)?;
    let filled = |cube: Cube| if are_zero { cube.with_absent_as_zero() } else { cube };
    let annual = Cubes::new(pipeline, filled(Cube::read(files)?))?;
    for change in &config.region_changes {
        if annual.regions.regions.binary_search(&change.region).is_err() {
            tracing::warn!(
                region = change.region,
                "a region of resilience.region_changes is not in the data"
            );
        }
    }
    let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
    let reference = match pipeline.reference.as_ref().filter(|_| config.uses_reference()) {
        Some(table) => Some(external::reference(table, target, &annual.regions.products)?),
        None => None,
    };
    let asked = Asked { config, of_regions, of_products, reference };
    let mut shorter: BTreeMap<Frequency, Cubes> = BTreeMap::new();
    for episode in &episodes {
        let frequency = episode.frequency();
        if frequency != Frequency::Year && !shorter.contains_key(&frequency) {
            let cube = Cube::stream(files, "trade.region_product_month", "hs6", frequency)?;
            let cube = cube.ok_or_else(|| {
                StageError::Data(format!(
                    "episode {}: no record has a month; give the episode years, or the layout a column for `month`",
                    episode.name
                ))
            })?;
            shorter.insert(frequency, Cubes::new(pipeline, filled(cube))?);
        }
    }
    let mut output = Output::new();

    let mut summary = Rows::of("resilience.episode");
    let mut shares = Rows::of("resilience.shift_share");
    let mut margins = Rows::of("resilience.margins");
    let mut cycles = Rows::of("resilience.region_cycle");
    let mut periods = Rows::of("resilience.region_period");
    let mut of_regions = Rows::of("resilience.region");
    let mut structure = Rows::of("resilience.transformation");
    let long = |name: &str| LongTable::create(files, name, "part-00000.parquet");
    let mut products = long("resilience.region_product")?;
    let mut product_structure = long("resilience.product_transformation")?;
    let mut unit_values = long("resilience.unit_value")?;
    let weights = structure::Weights::read(pipeline, &annual.regions, target)?;
    // The nation alone has its path beside its indices.
    let mut sides = [
        ("resilience.macro_region", None),
        ("resilience.nation", Some("resilience.nation_period")),
        ("resilience.product", None),
    ]
    .map(|(name, path)| (name, Rows::of(name), path.map(|path| (path, Rows::of(path)))));
    for (number, episode) in episodes.iter().enumerate() {
        let cubes = shorter.get(&episode.frequency()).unwrap_or(&annual);
        let course = Course::new(episode, &asked, &cubes.regions, Side::Regions)?;
        let gap = usize::try_from(episode.trough.place - episode.last_base().place).unwrap_or(0);
        if gap < episode.trailing {
            tracing::warn!(
                episode = episode.name,
                "base and trough share periods, as `trailing` is longer than what lies between them"
            );
        }
        units::summarize(&course, &mut summary);
        let paths = units::Paths::new(&course)?;
        units::rows(&course, &paths, number, &mut of_regions);
        units::period_rows(&course, &paths, &mut periods);
        let nation = cubes.nation.levels(episode.trailing);
        units::cycle_rows(&course, nation.first().map_or(&[], Vec::as_slice), &mut cycles);
        units::shift_share_rows(&course, &mut shares);
        cells::rows("resilience.region_product", &course, &mut products)?;
        quality::rows(files, &asked, episode, &mut unit_values)?;
        structure::margin_rows(&course, &mut margins);
        structure::rows(&course, rule, &weights, &mut structure, &mut product_structure)?;
        sides.par_iter_mut().try_for_each(|(name, rows, path)| {
            let (cube, side) = match *name {
                "resilience.macro_region" => {
                    (&cubes.macro_regions, Side::Groups(&course, &cubes.groups))
                }
                "resilience.nation" => (&cubes.nation, Side::Groups(&course, &cubes.one_group)),
                _ => (&cubes.products, Side::Products(&course)),
            };
            let course = Course::new(episode, &asked, cube, side)?;
            let paths = units::Paths::new(&course)?;
            units::rows(&course, &paths, number, rows);
            if let Some((_, periods)) = path {
                units::period_rows(&course, &paths, periods);
            }
            Ok::<_, StageError>(())
        })?;
    }
    output.insert("resilience.region_product", Made::Files(vec![products.finish()?]));
    output.insert("resilience.unit_value", Made::Files(vec![unit_values.finish()?]));
    let file = product_structure.finish()?;
    output.insert("resilience.product_transformation", Made::Files(vec![file]));
    let tables = [
        ("resilience.episode", summary),
        ("resilience.shift_share", shares),
        ("resilience.margins", margins),
        ("resilience.region_cycle", cycles),
        ("resilience.region_period", periods),
        ("resilience.region", of_regions),
        ("resilience.transformation", structure),
    ];
    let sides = sides.into_iter().flat_map(|(name, rows, path)| [Some((name, rows)), path]);
    for (name, rows) in tables.into_iter().chain(sides.flatten()) {
        table(&mut output, name, rows)?;
    }

    let parts = [
        ("resilience.region_trade_mode", "trade.region_product_year_trade_mode", "trade_mode"),
        ("resilience.region_ownership", "trade.region_product_year_ownership", "ownership"),
        ("resilience.region_destination", "trade.region_product_year_destination", "destination"),
    ];
    for (name, from, column) in parts {
        let cube = Cube::stream(files, from, column, Frequency::Year)?.map(filled);
        let mut rows = long(name)?;
        if let Some(cube) = &cube {
            for episode in episodes.iter().filter(|of| of.frequency() == Frequency::Year) {
                cells::rows(name, &Course::new(episode, &asked, cube, Side::Parts)?, &mut rows)?;
            }
        }
        output.insert(name, Made::Files(vec![rows.finish()?]));
    }
    Ok(output)
}

/// Makes the rows of every region side by side, and adds them in the order of the regions.
fn each_region(
    n_regions: usize,
    long: &mut LongTable<'_>,
    rows: impl Fn(usize) -> Rows + Sync,
) -> Result<(), StageError> {
    for first in (0..n_regions).step_by(CHUNK) {
        let chunk = first..(first + CHUNK).min(n_regions);
        let made: Vec<Rows> = chunk.into_par_iter().map(&rows).collect();
        made.into_iter().try_for_each(|rows| long.add(rows))?;
    }
    Ok(())
}
