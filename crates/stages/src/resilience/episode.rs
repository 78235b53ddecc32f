//! An episode on a cube: its levels, periods and responses.

use super::super::cube::{Cube, Slice};
use super::super::error::StageError;
use super::super::rows::{LongTable, Rows};
use super::super::table::Table;
use super::super::years;
use super::donors::{Donors, Window};
use super::own_past::OwnPasts;
use super::tables::{Forms, Levels};
use ::resilience::{
    Benchmark, Bootstrap, NullReason, ReferenceGrowth, Response, Stage, respond, trend_growth,
};
use project::config::choice::{AbsentRegions, ProductBenchmark};
use project::config::{Episode, Resilience};
use rayon::prelude::*;
use space::Exports;
use std::collections::BTreeMap;
use trade::{Frequency, Money};

/// Regions whose rows are made before they are written.
pub(super) const CHUNK: usize = 64;

/// The reference economy's trade in each product and in all, by year.
pub(super) type ReferenceTrade = BTreeMap<i32, (Vec<f64>, f64)>;

/// What the config asks for, read once.
pub(super) struct EpisodeParams<'p> {
    pub(super) config: &'p Resilience,
    pub(super) of_regions: Vec<Benchmark>,
    pub(super) of_products: Vec<ProductBenchmark>,
    pub(super) reference: Option<ReferenceTrade>,
}

impl EpisodeParams<'_> {
    /// The cube, with regions that have no rows in a period as those that exported nothing, if they
    /// are so.
    pub(super) fn filled(&self, cube: Cube) -> Cube {
        match self.config.absent_regions {
            AbsentRegions::Zero => cube.with_absent_as_zero(),
            AbsentRegions::Missing => cube,
        }
    }

    pub(super) fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            n: self.config.bootstrap_replicates,
            level: self.config.bootstrap_level,
            seed: self.config.bootstrap_seed,
        }
    }

    /// Whether the borders of `region` changed between two years.
    pub(super) fn has_changed(&self, region: &str, from: i32, to: i32) -> bool {
        let changes = &self.config.region_changes;
        changes
            .iter()
            .any(|change| change.region == region && from < change.year && change.year <= to)
    }
}

/// What the units and parts of a cube are.
pub(super) enum Side<'a> {
    /// Regions by product.
    Regions,
    /// Regions by something else.
    Parts,
    /// Groups of the regions of another path by product: the group of each region.
    Groups(&'a EpisodePath<'a>, &'a [usize]),
    /// The products of another path by region.
    Products(&'a EpisodePath<'a>),
}

impl Side<'_> {
    /// The path of regions that it is another view of.
    pub(super) fn origin(&self) -> Option<&EpisodePath<'_>> {
        match self {
            Self::Regions | Self::Parts => None,
            Self::Groups(origin, _) | Self::Products(origin) => Some(origin),
        }
    }

    /// Exports of the origin's regions, seen from this side.
    pub(super) fn view(&self, exports: &Exports, n_units: usize) -> Result<Exports, StageError> {
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
pub(super) struct EpisodeContext<'a> {
    pub(super) episode: &'a Episode,
    pub(super) asked: &'a EpisodeParams<'a>,
    pub(super) cube: &'a Cube,
    pub(super) side: Side<'a>,
    /// Each unit's level in every period from the first of the data.
    pub(super) levels: Vec<Vec<Option<f64>>>,
    /// Places of the base periods.
    pub(super) bases: Vec<i32>,
    /// Models of the units' own past.
    pub(super) own: OwnPasts,
    /// What regions would have been by the other regions, where that was looked for.
    pub(super) donors: Option<Donors>,
}

/// An episode on a cube.
pub(super) struct EpisodePath<'a> {
    pub(super) context: EpisodeContext<'a>,
    pub(super) base: Slice,
    pub(super) trough: Slice,
    pub(super) end: Slice,
    /// The transformation period.
    pub(super) after: Slice,
    pub(super) resistance: Stage,
    pub(super) recovery: Stage,
}

/// A part of an episode, from one slice to another.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) name: &'static str,
    pub(super) from: &'a Slice,
    pub(super) to: &'a Slice,
    /// The years that it begins and ends in.
    pub(super) years: (i32, i32),
}

/// Resistance or recovery.
#[derive(Clone, Copy)]
pub(super) struct PathStage<'a> {
    pub(super) span: Span<'a>,
    pub(super) stage: &'a Stage,
    /// Why what begins at zero has no index.
    pub(super) no_base: NullReason,
}

impl<'a> std::ops::Deref for EpisodePath<'a> {
    type Target = EpisodeContext<'a>;

    fn deref(&self) -> &EpisodeContext<'a> {
        &self.context
    }
}

impl<'a> EpisodePath<'a> {
    /// The path with all that its benchmarks need: of regions, what the other regions say of each,
    /// if a benchmark is that.
    pub(super) fn new(
        episode: &'a Episode,
        asked: &'a EpisodeParams<'a>,
        cube: &'a Cube,
        side: Side<'a>,
    ) -> Result<Self, StageError> {
        Self::of(EpisodeContext::new(episode, asked, cube, side), EpisodeContext::find_donors)
    }

    /// The path of regions of which no rows against benchmarks are made: what the other regions say,
    /// which takes long to find, is not looked for, and is none of its benchmarks.
    pub(super) fn without_donors(
        episode: &'a Episode,
        asked: &'a EpisodeParams<'a>,
        cube: &'a Cube,
    ) -> Result<Self, StageError> {
        Self::of(EpisodeContext::new(episode, asked, cube, Side::Regions), |_| None)
    }

    fn of(
        mut context: EpisodeContext<'a>,
        donors: impl FnOnce(&EpisodeContext<'a>) -> Option<Donors>,
    ) -> Result<Self, StageError> {
        let (episode, cube) = (context.episode, context.cube);
        let what = format!("episode {}", episode.name);
        let slice = |places: &[i32]| cube.slice(places, episode.trailing, &what);
        let base = slice(&context.bases)?;
        let trough = slice(&[episode.trough.place])?;
        let end = slice(&[episode.end.place])?;
        let after = if episode.transformation == episode.end {
            end.clone()
        } else {
            slice(&[episode.transformation.place])?
        };
        // Periods that the data lack are told before anything long begins.
        context.own = context.own_pasts();
        context.donors = donors(&context);
        let (trough_at, end_at) = (episode.trough.place, episode.end.place);
        let (resistance, recovery) = match context.side.origin() {
            Some(origin) => (
                context.seen(&origin.resistance, &context.bases, trough_at)?,
                context.seen(&origin.recovery, &[trough_at], end_at)?,
            ),
            None => (
                context.stage(&base, &trough, &context.bases, trough_at)?,
                context.stage(&trough, &end, &[trough_at], end_at)?,
            ),
        };
        Ok(Self { context, base, trough, end, after, resistance, recovery })
    }

    /// The stage from the base to another period.
    pub(super) fn base_to(&self, place: i32) -> Result<Stage, StageError> {
        if let Some(origin) = self.side.origin() {
            return self.seen(&origin.base_to(place)?, &self.bases, place);
        }
        let slice = self.cube.slice(&[place], self.episode.trailing, "a path")?;
        self.stage(&self.base, &slice, &self.bases, place)
    }

    /// Resistance and recovery.
    pub(super) fn stages(&self) -> [PathStage<'_>; 2] {
        let [resistance, recovery] = self.years();
        let (base, trough, end) = (&self.base, &self.trough, &self.end);
        [
            PathStage {
                span: Span { name: "resistance", from: base, to: trough, years: resistance },
                stage: &self.resistance,
                no_base: NullReason::NoBase,
            },
            PathStage {
                span: Span { name: "recovery", from: trough, to: end, years: recovery },
                stage: &self.recovery,
                no_base: NullReason::TroughZero,
            },
        ]
    }

    /// From the base to the transformation.
    pub(super) fn transformation(&self) -> Span<'_> {
        let years = (self.years()[0].0, self.episode.transformation.year());
        Span { name: "transformation", from: &self.base, to: &self.after, years }
    }

    /// The regions that were reported at base, trough and end with the same borders: the nation that
    /// can be followed.
    pub(super) fn compared(&self) -> Vec<bool> {
        let end = self.episode.end.year();
        let is_compared = |unit: usize| {
            let slices = [&self.base, &self.trough, &self.end];
            slices.iter().all(|slice| slice.is_reported[unit]) && self.is_whole(unit, end)
        };
        (0..self.cube.regions.len()).map(is_compared).collect()
    }

    /// What `of` gives at base, trough and end.
    pub(super) fn values(&self, of: impl Fn(&Slice) -> Option<Money>) -> Levels {
        Levels {
            base_value: of(&self.base),
            trough_value: of(&self.trough),
            end_value: of(&self.end),
        }
    }
}

impl<'a> EpisodeContext<'a> {
    fn new(
        episode: &'a Episode,
        asked: &'a EpisodeParams<'a>,
        cube: &'a Cube,
        side: Side<'a>,
    ) -> Self {
        Self {
            episode,
            asked,
            cube,
            side,
            levels: cube.levels(episode.trailing),
            bases: episode.base.iter().map(|period| period.place).collect(),
            own: OwnPasts::default(),
            donors: None,
        }
    }

    /// The stage from a slice of the periods `from` to the one of `to`.
    ///
    /// Both ends have the same regions: one that is missing at an end, or whose borders changed,
    /// must not look like growth of the nation.
    pub(super) fn stage(
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
        let (start, end) = (cut(&start.exports)?, cut(&end.exports)?);
        self.compared(Stage::from_mean(start, n_of(from), end), from, to)
    }

    /// A stage of the origin's regions, seen from this side.
    pub(super) fn seen(&self, stage: &Stage, from: &[i32], to: i32) -> Result<Stage, StageError> {
        let view = |exports: &Exports| self.side.view(exports, self.cube.regions.len());
        let (start, end) = (view(stage.start())?, view(stage.end())?);
        self.compared(Stage::from_mean(start, n_of(from), end), from, to)
    }

    /// The stage with what its benchmarks need.
    pub(super) fn compared(
        &self,
        stage: Stage,
        from: &[i32],
        to: i32,
    ) -> Result<Stage, StageError> {
        let n_periods = self.n_periods(from, to);
        let mut stage = stage
            .with_min_share(self.asked.config.min_benchmark_share)
            .with_trends(self.levels.iter().map(|of| self.trend(of, n_periods).ok()).collect());
        for benchmark in self.own.benchmarks() {
            let growth = self.own.growth(benchmark, from, to);
            stage = stage.with_growth_of_regions(benchmark, growth);
        }
        for (benchmark, growth) in self.donors.iter().flat_map(|donors| donors.growth(from, to)) {
            stage = stage.with_growth_of_regions(benchmark, growth);
        }
        match &self.asked.reference {
            Some(reference) => {
                Ok(stage.with_reference(self.reference_growth(reference, from, to)?))
            }
            None => Ok(stage),
        }
    }

    /// The benchmarks of this side's units: what other regions say is said of regions alone, and
    /// where it was looked for.
    pub(super) fn benchmarks(&self) -> Vec<Benchmark> {
        let has_donors = self.donors.is_some();
        let of_regions = self.asked.of_regions.iter().copied();
        of_regions.filter(|benchmark| has_donors || !benchmark.is_of_donors()).collect()
    }

    /// What each region would have been by the other regions, if a benchmark is that.
    fn find_donors(&self) -> Option<Donors> {
        let EpisodeParams { config, of_regions, .. } = self.asked;
        if !(config.uses_donors() && matches!(self.side, Side::Regions)) {
            return None;
        }
        let (window, is_changed) = self.window();
        let cube = (self.cube, self.levels.as_slice());
        Some(Donors::of(of_regions, config, cube, window, &is_changed))
    }

    /// The periods of the data in which regions are found alike, and those after them to the end; and
    /// which regions are not the same in all of them.
    fn window(&self) -> (Window, Vec<bool>) {
        let (config, episode) = (self.asked.config, self.episode);
        let periods = |years: usize| i32::try_from(self.years_long(years)).unwrap_or(i32::MAX);
        let first_base = self.bases.first().copied().unwrap_or(episode.trough.place);
        let first = first_base.saturating_sub(periods(config.donor_years)).max(self.first());
        let base = episode.last_base().place;
        let last = episode.end.place.max(episode.transformation.place);
        let there = |from: i32, to: i32| -> Vec<i32> {
            (from..=to).filter(|place| self.cube.has(*place, episode.trailing)).collect()
        };
        let window = Window {
            before: there(first, base),
            after: there(base + 1, last),
            n_earlier: self.years_long(config.placebo_years),
        };
        let from = window.before.first().copied().unwrap_or(first);
        let years = (self.cube.period(from).year(), self.cube.period(last).year());
        let is_changed = |code: &String| self.has_changed(code, years);
        (window, self.cube.regions.iter().map(is_changed).collect())
    }

    /// Whether the borders of a unit are the same from the base to `year`.
    pub(super) fn is_whole(&self, unit: usize, year: i32) -> bool {
        let from = self.years()[0].0;
        !self.has_changed(&self.cube.regions[unit], (from, year))
    }

    pub(super) fn has_changed(&self, code: &str, (from, to): (i32, i32)) -> bool {
        let has_regions = matches!(self.side, Side::Regions | Side::Parts);
        has_regions && self.asked.has_changed(code, from, to)
    }

    /// Periods that stand for some years.
    pub(super) fn years_long(&self, years: usize) -> usize {
        years * usize::try_from(self.episode.frequency().per_year()).unwrap_or(1)
    }

    /// From the middle of some periods to another.
    pub(super) fn n_periods(&self, from: &[i32], to: i32) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few periods")]
        let middle = from.iter().map(|&place| f64::from(place)).sum::<f64>() / from.len() as f64;
        f64::from(to) - middle
    }

    pub(super) fn first(&self) -> i32 {
        self.cube.years.first().copied().unwrap_or(0)
    }

    /// The place of a period among the levels.
    pub(super) fn at(&self, place: i32) -> Option<usize> {
        usize::try_from(place - self.first()).ok()
    }

    /// The growth over `n_periods` that a series expects of its own trend before the base; or why it
    /// expects none.
    pub(super) fn trend(&self, levels: &[Option<f64>], n_periods: f64) -> Result<f64, NullReason> {
        let n = self.years_long(self.asked.config.trend_years);
        // The first periods have no sum of those trailing them.
        let of_trend = self.at(self.episode.last_base().place).and_then(|last| {
            let first = last.checked_sub(n).filter(|first| *first + 1 >= self.episode.trailing)?;
            levels.get(first..=last)
        });
        trend_growth(of_trend.ok_or(NullReason::TooFewPeriods)?, n_periods)
    }

    /// Models of the units' own past, if a benchmark is one: of the `own_past_years` that end with
    /// the base, with the borders that they have there.
    fn own_pasts(&self) -> OwnPasts {
        let benchmarks = &self.asked.of_regions;
        let last_base = self.episode.last_base();
        // Parts are compared with what products are, which is no such model.
        let is_asked = self.asked.config.uses_own_past() && !matches!(self.side, Side::Parts);
        let Some(last) = self.at(last_base.place).filter(|_| is_asked) else {
            return OwnPasts::default();
        };
        let n = self.years_long(self.asked.config.own_past_years);
        // The first periods have no sum of those trailing them.
        let first = (last + 1).saturating_sub(n).max(self.episode.trailing - 1);
        let year_of = |at: usize| {
            let place = self.first().saturating_add(i32::try_from(at).unwrap_or(i32::MAX));
            self.cube.period(place).year()
        };
        let of_unit = |(unit, levels): (usize, &Vec<Option<f64>>)| {
            let code = self.cube.regions[unit].as_str();
            let is_same = |at: &usize| !self.has_changed(code, (year_of(*at), last_base.year()));
            let window = (first..=last).skip_while(|at| !is_same(at));
            window.map(|at| levels.get(at).copied().flatten()).collect()
        };
        let pasts: Vec<Vec<Option<f64>>> = self.levels.iter().enumerate().map(of_unit).collect();
        let of_bases = |levels: &Vec<Option<f64>>| {
            let at = |place: &i32| levels.get(self.at(*place)?).copied().flatten();
            let found = self.bases.iter().map(at).collect::<Option<Vec<f64>>>()?;
            #[expect(clippy::cast_precision_loss, reason = "a few periods")]
            let n = found.len() as f64;
            Some(found.iter().sum::<f64>() / n)
        };
        let bases = self.levels.iter().map(of_bases).collect();
        OwnPasts::new(benchmarks, &pasts, bases, last_base.place)
    }

    pub(super) fn reference_growth(
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
                    "episode {}: the table `reference` has no year {year}: it has {}; add the year, give the episode \
                     years that are there, or take the benchmark `reference` out of the config",
                    self.episode.name,
                    years::spans(reference.keys().copied())
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
    pub(super) fn years(&self) -> [(i32, i32); 2] {
        let base = self.episode.base.first().map_or(0, |period| period.year());
        let [trough, end] = [self.episode.trough.year(), self.episode.end.year()];
        [(base, trough), (trough, end)]
    }

    /// Why a benchmark expects nothing of a unit.
    pub(super) fn no_benchmark(&self, benchmark: Benchmark, unit: usize) -> NullReason {
        let found = match benchmark {
            Benchmark::OwnTrend => self.trend(&self.levels[unit], 1.0).err(),
            _ if benchmark.is_of_donors() => {
                self.donors.as_ref().and_then(|donors| donors.reason(benchmark, unit))
            }
            _ => self.own.reason(benchmark, unit),
        };
        found.unwrap_or(NullReason::NoBenchmark)
    }

    /// The response of a series over a stage of a region; `start` and `end` are none where it was
    /// not reported.
    pub(super) fn respond(
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

/// How many periods there are.
fn n_of(periods: &[i32]) -> u32 {
    u32::try_from(periods.len()).unwrap_or(1)
}

pub(super) fn level(slice: &Slice, unit: usize) -> Option<f64> {
    slice.is_reported[unit].then(|| slice.exports.region_totals()[unit])
}

/// The forms of a response as columns.
pub(super) fn forms(response: &Response) -> Forms<'static> {
    Forms {
        growth: response.growth,
        expected_change: response.expected_change,
        index: response.index,
        diff: response.diff,
        dlog: response.dlog,
        dhs: response.dhs,
        ratio: response.ratio,
        null_reason: response.null_reason.map(NullReason::code),
    }
}

/// The share of what was lost from base to trough that is made up by the end; of a loss that is not
/// near zero.
pub(super) fn recovered_share(
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

/// Makes the rows of every region side by side, and adds them in the order of the regions.
pub(super) fn each_region<T: Table + Send>(
    n_regions: usize,
    long: &mut LongTable<'_, T>,
    rows: impl Fn(usize) -> Rows<T> + Sync,
) -> Result<(), StageError> {
    for first in (0..n_regions).step_by(CHUNK) {
        cancel::check();
        let chunk = first..(first + CHUNK).min(n_regions);
        let made: Vec<Rows<T>> = chunk.into_par_iter().map(&rows).collect();
        made.into_iter().try_for_each(|rows| long.add(rows))?;
    }
    Ok(())
}
