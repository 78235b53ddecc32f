//! `trade.*` to `resilience.*`, for every episode of the config.
//!
//! An episode is looked at on cubes of exports by period, unit and part: regions by product, groups
//! of regions by product, products by region, all regions as one, and regions by trade mode,
//! ownership and destination. What is done on each is the same.
//!
//! Episodes are units of work. Their rows, the courses of regions, which go on to the last year of
//! the data, unit values, and each of the other parts of regions' exports are kept apart, since
//! they are made from other files. Cubes are of the years that the missing ones read.

mod cells;
mod components;
mod donor_rows;
mod donors;
mod episode;
pub mod in_memory;
mod interval_rows;
mod intervals;
mod own_past;
mod params;
mod quality;
mod ranks;
mod reach;
mod shift_shares;
mod shock_dates;
mod structure;
mod table_years;
pub(super) mod tables;
mod units;

use self::episode::{EpisodeParams, EpisodePath, Side};
use self::intervals::Replicated;
use self::params::Params;
use self::ranks::{RankTables, Responses};
use self::reach::{Reach, YearsBefore};
use self::structure::Weights;
use self::table_years::{Codes, TableYears};
use self::tables::{
    CellRow, Component, CompositeRank, Donor, IndexInterval, MacroRegion, Margins, Nation,
    NationPeriod, Placebo, Product, ProductTransformation, Region, RegionCycle, RegionDestination,
    RegionOwnership, RegionPeriod, RegionProduct, RegionTradeMode, Robustness, ShiftShare,
    ShiftShareArcelus, ShiftShareProduct, ShockDate, Transformation,
};
use self::units::ExpectedPaths;
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, Cube};
use super::error::StageError;
use super::rows::{LongTable, Rows};
use super::sink::Sink;
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use ::resilience::Benchmark;
use lake::{Contract, DataFile};
use project::config::Episode;
use project::config::choice::Choice;
use project::pipeline::{External, GroupColumns, Pipeline};
use project::stage_name::StageName;
use serde::{Deserialize, Serialize};
use sources::reference_tables;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use trade::Frequency;

/// The cube of regions by product, and those seen from other sides.
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
    fn new(params: &Params, context: &Context<'_>, regions: Cube) -> Result<Self, StageError> {
        let table = params.groups.as_ref().map(|table| context.outside(table)).transpose()?;
        Self::grouped(params, table, regions)
    }

    /// The cubes, with groups of the regions from a table or from their codes.
    fn grouped(
        params: &Params,
        table: Option<&External<GroupColumns>>,
        regions: Cube,
    ) -> Result<Self, StageError> {
        let codes: Vec<&str> = regions.regions.iter().map(String::as_str).collect();
        let groups = reference_tables::groups_of(table, params.spatial.group_digits, &codes)?;
        let years = &regions.years;
        let macro_regions = regions.merged(&groups).among(years);
        let place = |group: &String| macro_regions.regions.binary_search(group).unwrap_or(0);
        Ok(Self {
            groups: groups.iter().map(place).collect(),
            macro_regions,
            products: regions.transposed().among(years),
            one_group: vec![0; codes.len()],
            nation: regions.merged(&nation_of(&regions)).among(years),
            regions,
        })
    }
}

/// The group of each region, where all are one.
fn nation_of(regions: &Cube) -> Vec<String> {
    vec!["nation".to_owned(); regions.regions.len()]
}

/// The stage.
pub(super) struct Resilience;

const MONTHS: &str = "trade.region_product_month";

/// A table of a part of regions' exports.
trait Part: for<'a> Table<Row<'a> = CellRow<'a>> + Send {
    /// The table that it is made from.
    const FROM: &'static str;
    /// The column of the part there.
    const COLUMN: &'static str;
}

impl Part for RegionTradeMode {
    const FROM: &'static str = "trade.region_product_year_trade_mode";
    const COLUMN: &'static str = "trade_mode";
}

impl Part for RegionOwnership {
    const FROM: &'static str = "trade.region_product_year_ownership";
    const COLUMN: &'static str = "ownership";
}

impl Part for RegionDestination {
    const FROM: &'static str = "trade.region_product_year_destination";
    const COLUMN: &'static str = "destination";
}

impl Stage for Resilience {
    const NAME: StageName = StageName::Resilience;
    const VERSION: u32 = 7;
    const BY_UNITS: bool = true;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        let config = &pipeline.config;
        let has_reference = config.resilience.uses_reference();
        Params {
            reference: pipeline.reference.clone().filter(|_| has_reference),
            incomes: pipeline.incomes.clone(),
            pci: pipeline.pci.clone(),
            groups: pipeline.groups.clone(),
            ..Params::alone(config)
        }
    }

    fn reads(params: &Params) -> Vec<Input> {
        let mut inputs = Input::tables(&[CELLS, MONTHS, quality::TABLE]);
        inputs.extend(Input::tables(&[
            RegionTradeMode::FROM,
            RegionOwnership::FROM,
            RegionDestination::FROM,
        ]));
        let files = [
            params.reference.as_ref().map(External::file),
            params.incomes.as_ref().map(External::file),
            params.pci.as_ref().map(External::file),
            params.groups.as_ref().map(External::file),
        ];
        inputs.extend(files.into_iter().flatten().map(Input::file));
        inputs
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let episodes = Numbered::all(&params.resilience.episodes);
        let of = |frequency: Frequency| -> Vec<Numbered<'_>> {
            episodes.iter().copied().filter(|of| of.episode.frequency() == frequency).collect()
        };
        let annual = TableYears::of(context, CELLS, "product", Frequency::Year)?;
        let annual = annual.ok_or_else(|| {
            StageError::Data(format!(
                "{CELLS} has no rows: nothing is left after flow and exclusions"
            ))
        })?;
        let work = Work::new(params, context, annual.codes.clone());
        warn_of_changes(params, &work.data.regions);
        let mut made = Gathered::default();
        let in_years = of(Frequency::Year);
        work.of_regions(annual, &in_years, &mut made)?;
        for frequency in [Frequency::Quarter, Frequency::Month] {
            let shorter = of(frequency);
            let Some(first) = shorter.first() else { continue };
            let months = TableYears::of(context, MONTHS, "product", frequency)?;
            let months = months.ok_or_else(|| {
                StageError::Data(format!(
                    "episode {}: no record has a month; give the episode years, or the layout a column for `month`",
                    first.episode.name
                ))
            })?;
            work.of_regions(months, &shorter, &mut made)?;
        }
        work.unit_values(&in_years, &mut made)?;
        work.of_part::<RegionTradeMode>(&in_years, &mut made)?;
        work.of_part::<RegionOwnership>(&in_years, &mut made)?;
        work.of_part::<RegionDestination>(&in_years, &mut made)?;
        Ok(made.output())
    }
}

/// An episode with its place among all, in the order of their names.
#[derive(Clone, Copy)]
struct Numbered<'e> {
    number: usize,
    episode: &'e Episode,
}

impl<'e> Numbered<'e> {
    fn all(episodes: &'e [Episode]) -> Vec<Self> {
        let mut episodes: Vec<&Episode> = episodes.iter().collect();
        episodes.sort_by(|a, b| a.name.cmp(&b.name));
        let numbered = |(number, episode)| Self { number, episode };
        episodes.into_iter().enumerate().map(numbered).collect()
    }
}

/// What the config asks for, but for the reference economy.
fn asked(params: &Params) -> EpisodeParams<'_> {
    let config = &params.resilience;
    let mut of_regions: Vec<Benchmark> =
        config.region_benchmarks.iter().map(|benchmark| benchmark.0).collect();
    of_regions.sort_by_key(|benchmark| benchmark.name());
    let mut of_products = config.product_benchmarks.clone();
    of_products.sort_by_key(Choice::name);
    EpisodeParams { config, of_regions, of_products, reference: None }
}

/// The files of an episode, by table.
#[derive(Default, Serialize, Deserialize)]
struct Files(BTreeMap<String, DataFile>);

impl Files {
    fn put<'f, 'a: 'f, T: Table>(
        &mut self,
        to: impl Into<Sink<'f, 'a>>,
        rows: Rows<T>,
    ) -> Result<(), StageError> {
        match to.into() {
            Sink::Lake(context) => {
                let file = rows.file(context, FILE)?;
                self.0.extend(file.map(|file| (T::NAME.to_owned(), file)));
            }
            Sink::Memory(tables) => tables.add(T::NAME, rows.finish()?),
        }
        Ok(())
    }

    fn put_long<T: Table>(&mut self, rows: LongTable<'_, T>) -> Result<(), StageError> {
        let file = rows.finish()?;
        self.0.extend(file.map(|file| (T::NAME.to_owned(), file)));
        Ok(())
    }
}

/// The name of the file of an episode, of any table.
const FILE: &str = "part-00000.parquet";

fn long<'f, 'a: 'f, T: Table>(to: impl Into<Sink<'f, 'a>>) -> Result<LongTable<'f, T>, StageError> {
    LongTable::create_in(to.into(), FILE)
}

/// The files of all episodes, by table and number of the episode: keys begin with its name.
#[derive(Default)]
struct Gathered(BTreeMap<String, BTreeMap<usize, DataFile>>);

impl Gathered {
    fn add(&mut self, pieces: impl IntoIterator<Item = (usize, Files)>) {
        for (number, Files(files)) in pieces {
            for (table, file) in files {
                self.0.entry(table).or_default().insert(number, file);
            }
        }
    }

    fn output(mut self) -> Output {
        let files = |contract: &'static Contract| {
            let files = self.0.remove(contract.table).unwrap_or_default();
            (contract.table, Made::Files(files.into_values().collect()))
        };
        tables::contracts().into_iter().map(files).collect()
    }
}

/// Rows of an episode that are a unit of work.
struct Piece<'e> {
    of: Numbered<'e>,
    unit: Unit,
    /// The years that it reads.
    years: BTreeSet<i32>,
    /// What was made of it, once it was.
    made: Option<Files>,
}

impl Piece<'_> {
    /// Its files, with the number of the episode.
    fn files(self) -> (usize, Files) {
        (self.of.number, self.made.unwrap_or_default())
    }
}

/// The years that those read that are not made yet; `None` if all are.
fn missing<'p, 'e: 'p>(pieces: impl Iterator<Item = &'p Piece<'e>>) -> Option<BTreeSet<i32>> {
    let missing: Vec<&Piece<'e>> = pieces.filter(|piece| piece.made.is_none()).collect();
    let years = || missing.iter().flat_map(|piece| &piece.years).copied().collect();
    (!missing.is_empty()).then(years)
}

/// What the rows of all episodes are made from.
struct Work<'w, 'a> {
    params: &'w Params,
    /// Those that all episodes depend on.
    common: Params,
    context: &'w Context<'a>,
    /// Regions, products and years of the data.
    data: Codes,
    /// What is asked for, once something is to be made.
    asked: OnceCell<EpisodeParams<'w>>,
}

impl<'w, 'a> Work<'w, 'a> {
    fn new(params: &'w Params, context: &'w Context<'a>, data: Codes) -> Self {
        let common = params.without_episodes();
        Self { params, common, context, data, asked: OnceCell::new() }
    }

    /// What the config asks for, with the reference economy.
    fn asked(&self) -> Result<&EpisodeParams<'w>, StageError> {
        if let Some(asked) = self.asked.get() {
            return Ok(asked);
        }
        let reference = match &self.params.reference {
            Some(table) => {
                let target = self.params.harmonize.target_revision.hs();
                let table = self.context.outside(table)?;
                Some(reference_tables::reference(table, target, &self.data.parts)?)
            }
            None => None,
        };
        let whole = EpisodeParams { reference, ..asked(self.params) };
        Ok(self.asked.get_or_init(|| whole))
    }

    /// A unit of an episode that makes `what`: it depends on what all of them do.
    fn unit(&self, of: Numbered<'_>, what: &str) -> Result<Unit, StageError> {
        let mut unit = Unit::new(format!("{}: {what}", of.episode.name))
            .of("what", &what)?
            .of("params", &self.common)?
            .of("episode", of.episode)?
            .of("regions", &self.data.regions)?
            .of("products", &self.data.parts)?;
        for input in Resilience::reads(self.params) {
            if let Input::File(file) = input {
                unit = self.context.with_file(unit, &file.file.label)?;
            }
        }
        Ok(unit)
    }

    /// Units of episodes, which read what is in their reach of a table, and what earlier runs made
    /// of them.
    fn look_up<'e>(
        &self,
        table: &TableYears,
        episodes: &[Numbered<'e>],
        unit: impl Fn(Numbered<'e>) -> Result<(Unit, Reach), StageError>,
    ) -> Result<Vec<Piece<'e>>, StageError> {
        let piece = |&of: &Numbered<'e>| -> Result<Piece<'e>, StageError> {
            let (unit, reach) = unit(of)?;
            let years = table.years(&reach);
            Ok(Piece { of, unit: table.read_by(unit, &reach, &years)?, years, made: None })
        };
        let mut pieces = episodes.iter().map(piece).collect::<Result<Vec<_>, StageError>>()?;
        let units: Vec<Unit> = pieces.iter().map(|piece| piece.unit.clone()).collect();
        for (piece, kept) in pieces.iter_mut().zip(self.context.all_kept(&units)?) {
            piece.made = kept;
        }
        Ok(pieces)
    }

    /// The context of a unit, whose files say of which episode they are.
    fn named(&self, unit: &Unit, episode: &Episode) -> Context<'a> {
        self.context.named(unit, Some(&episode.name))
    }

    /// Keeps what was made of a unit.
    fn keep(&self, unit: &Unit, files: Files) -> Result<Files, StageError> {
        self.context.keep(unit, files.0.values().cloned().collect(), &files)?;
        Ok(files)
    }

    /// The tables of regions by product, and those of the same cells seen from other sides, of
    /// episodes in periods of one length.
    fn of_regions(
        &self,
        mut table: TableYears,
        episodes: &[Numbered<'_>],
        gathered: &mut Gathered,
    ) -> Result<(), StageError> {
        let config = &self.params.resilience;
        let before = YearsBefore::from(config);
        let mut rows = self.look_up(&table, episodes, |of| {
            // Random numbers of the intervals follow from the episode's place among all.
            let number = (config.bootstrap_replicates > 0).then_some(of.number);
            let unit = self.unit(of, "rows")?.of("number", &number)?;
            Ok((unit, Reach::of_rows(of.episode, before)))
        })?;
        let mut courses = self.look_up(&table, episodes, |of| {
            Ok((self.unit(of, "turning points")?, Reach::of_course(of.episode, before)))
        })?;
        if let Some(years) = missing(rows.iter().chain(&courses)) {
            let cube = self.asked()?.filled(table.cube(self.context, &years)?);
            let cubes = Cubes::new(self.params, self.context, cube)?;
            let weights = Weights::read(self.params, self.context, &self.data)?;
            for (rows, course) in rows.iter_mut().zip(&mut courses) {
                self.make(rows, course, &cubes, &weights)?;
            }
        }
        gathered.add(rows.into_iter().chain(courses).map(Piece::files));
        Ok(())
    }

    /// Makes what is missing of an episode.
    fn make(
        &self,
        rows: &mut Piece<'_>,
        course: &mut Piece<'_>,
        cubes: &Cubes,
        weights: &Weights,
    ) -> Result<(), StageError> {
        if rows.made.is_some() && course.made.is_some() {
            return Ok(());
        }
        let Numbered { number, episode } = rows.of;
        let asked = self.asked()?;
        let path = if rows.made.is_none() {
            EpisodePath::new(episode, asked, &cubes.regions, Side::Regions)?
        } else {
            EpisodePath::without_donors(episode, asked, &cubes.regions)?
        };
        let making = Making { params: self.params };
        if rows.made.is_none() {
            let context = self.named(&rows.unit, episode);
            let _making = context.making(&rows.unit.name);
            let files = making.all(Sink::from(&context), &path, cubes, number, weights)?;
            rows.made = Some(self.keep(&rows.unit, files)?);
        }
        if course.made.is_none() {
            let context = self.named(&course.unit, episode);
            let _making = context.making(&course.unit.name);
            let files = making.course(Sink::from(&context), &path, cubes)?;
            course.made = Some(self.keep(&course.unit, files)?);
        }
        Ok(())
    }
}

/// What makes the rows of an episode on cubes, wherever they go.
struct Making<'m> {
    params: &'m Params,
}

impl Making<'_> {
    /// All rows of an episode but the course of regions; `number` is the episode's.
    fn all(
        &self,
        to: Sink<'_, '_>,
        path: &EpisodePath<'_>,
        cubes: &Cubes,
        number: usize,
        weights: &Weights,
    ) -> Result<Files, StageError> {
        warn_of_overlap(path.episode);
        let mut files = self.rows(to, path, number, weights)?;
        let mut sides = Sides::default();
        sides.add(path, cubes, number)?;
        sides.put(to, &mut files)?;
        Ok(files)
    }

    /// The course of regions.
    fn course(
        &self,
        to: Sink<'_, '_>,
        path: &EpisodePath<'_>,
        cubes: &Cubes,
    ) -> Result<Files, StageError> {
        let nation = cubes.nation.levels(path.episode.trailing);
        let mut cycles = Rows::<RegionCycle>::default();
        units::cycle_rows(path, nation.first().map_or(&[], Vec::as_slice), &mut cycles);
        let mut files = Files::default();
        files.put(to, cycles)?;
        Ok(files)
    }

    /// The rows of regions by product, but for the course of regions; `number` is the episode's.
    fn rows(
        &self,
        context: Sink<'_, '_>,
        path: &EpisodePath<'_>,
        number: usize,
        weights: &Weights,
    ) -> Result<Files, StageError> {
        let mut files = Files::default();
        let mut summary = Rows::<tables::Episode>::default();
        units::summarize(path, &mut summary);
        files.put(context, summary)?;
        let expected = ExpectedPaths::new(path)?;
        let mut regions = Rows::<Region>::default();
        let replicated = Replicated::new(path, number);
        units::with_intervals(path, &expected, &replicated.by_products(), &mut regions);
        files.put(context, regions)?;
        Self::how_sure(context, path, &replicated, &mut files)?;
        drop(replicated);
        let mut breaks = Rows::<ShockDate>::default();
        shock_dates::rows(path, number, &mut breaks);
        files.put(context, breaks)?;
        let mut periods = Rows::<RegionPeriod>::default();
        units::period_rows(path, &expected, &mut periods);
        files.put(context, periods)?;
        let mut made_of = Rows::<Component>::default();
        let mut composites = Rows::<CompositeRank>::default();
        components::rows(path, &expected, number, (&mut made_of, &mut composites));
        files.put(context, made_of)?;
        files.put(context, composites)?;
        let (mut donors, mut placebos) = (Rows::<Donor>::default(), Rows::<Placebo>::default());
        donor_rows::rows(path, &mut donors, &mut placebos);
        files.put(context, donors)?;
        files.put(context, placebos)?;
        let mut shares = Rows::<ShiftShare>::default();
        let mut in_eight = Rows::<ShiftShareArcelus>::default();
        shift_shares::rows(path, &mut shares, &mut in_eight)?;
        files.put(context, shares)?;
        files.put(context, in_eight)?;
        let mut by_product = long::<ShiftShareProduct>(context)?;
        shift_shares::product_rows(path, &mut by_product)?;
        files.put_long(by_product)?;
        let mut products = long::<RegionProduct>(context)?;
        cells::rows(path, &mut products)?;
        files.put_long(products)?;
        let mut margins = Rows::<Margins>::default();
        structure::margin_rows(path, &mut margins);
        files.put(context, margins)?;
        let rule = self.params.relatedness.rule();
        let mut transformation = Rows::<Transformation>::default();
        let mut of_products = long::<ProductTransformation>(context)?;
        structure::rows(path, rule, weights, &mut transformation, &mut of_products)?;
        files.put(context, transformation)?;
        files.put_long(of_products)?;
        Ok(files)
    }

    /// How sure the indices of regions and their ranks are, and whether other benchmarks give
    /// others.
    fn how_sure(
        to: Sink<'_, '_>,
        path: &EpisodePath<'_>,
        replicated: &Replicated,
        files: &mut Files,
    ) -> Result<(), StageError> {
        let found = Responses::new(path);
        let mut of_indices = Rows::<IndexInterval>::default();
        interval_rows::rows(path, &found, replicated, &mut of_indices);
        files.put(to, of_indices)?;
        let mut of_ranks = RankTables::default();
        ranks::rows(path, &found, replicated, &mut of_ranks);
        files.put(to, of_ranks.regions)?;
        files.put(to, of_ranks.pairs)?;
        files.put(to, of_ranks.places)?;
        let mut robustness = Rows::<Robustness>::default();
        ranks::robustness_rows(path, &found, &mut robustness);
        files.put(to, robustness)
    }
}

impl Work<'_, '_> {
    /// Unit values of episodes in years.
    fn unit_values(
        &self,
        episodes: &[Numbered<'_>],
        gathered: &mut Gathered,
    ) -> Result<(), StageError> {
        for &of in episodes {
            let read = quality::files(self.context, of.episode)?;
            if read.is_empty() {
                continue;
            }
            let unit = self.unit(of, "unit values")?.reading(quality::TABLE, read);
            let files = match self.context.kept::<Files>(&unit)? {
                Some(files) => files,
                None => {
                    let context = self.context.of_unit(&unit, Some(&of.episode.name))?;
                    let _making = context.making(&unit.name);
                    let mut files = Files::default();
                    files.put(&context, quality::rows(&context, self.asked()?, of.episode)?)?;
                    self.keep(&unit, files)?
                }
            };
            gathered.add([(of.number, files)]);
        }
        Ok(())
    }

    /// The table of a part of regions' exports, of episodes in years.
    fn of_part<T: Part>(
        &self,
        episodes: &[Numbered<'_>],
        gathered: &mut Gathered,
    ) -> Result<(), StageError> {
        if episodes.is_empty() {
            return Ok(());
        }
        let table = TableYears::of(self.context, T::FROM, T::COLUMN, Frequency::Year)?;
        let Some(mut table) = table else { return Ok(()) };
        let before = YearsBefore::from(&self.params.resilience);
        let mut pieces = self.look_up(&table, episodes, |of| {
            Ok((self.unit(of, T::COLUMN)?, Reach::of_parts(of.episode, before)))
        })?;
        if let Some(years) = missing(pieces.iter()) {
            let asked = self.asked()?;
            let cube = asked.filled(table.cube(self.context, &years)?);
            for piece in pieces.iter_mut().filter(|piece| piece.made.is_none()) {
                let episode = piece.of.episode;
                let path = EpisodePath::new(episode, asked, &cube, Side::Parts)?;
                let context = self.named(&piece.unit, episode);
                let _making = context.making(&piece.unit.name);
                let mut rows = long::<T>(&context)?;
                cells::rows(&path, &mut rows)?;
                let mut files = Files::default();
                files.put_long(rows)?;
                piece.made = Some(self.keep(&piece.unit, files)?);
            }
        }
        gathered.add(pieces.into_iter().map(Piece::files));
        Ok(())
    }
}

/// Rows of the cells of regions by product, seen from other sides.
#[derive(Default)]
struct Sides {
    macro_regions: Rows<MacroRegion>,
    products: Rows<Product>,
    nation: Rows<Nation>,
    /// The nation alone has its path beside its indices.
    nation_periods: Rows<NationPeriod>,
}

impl Sides {
    /// Adds the rows of an episode; `number` is the episode's.
    fn add(
        &mut self,
        of_regions: &EpisodePath<'_>,
        cubes: &Cubes,
        number: usize,
    ) -> Result<(), StageError> {
        let (macro_regions, products) = (&mut self.macro_regions, &mut self.products);
        let (nation, nation_periods) = (&mut self.nation, &mut self.nation_periods);
        let of_groups = || -> Result<(), StageError> {
            let side = Side::Groups(of_regions, &cubes.groups);
            let path = seen(of_regions, &cubes.macro_regions, side)?;
            units::rows(&path, &ExpectedPaths::new(&path)?, number, macro_regions);
            Ok(())
        };
        let of_products = || -> Result<(), StageError> {
            let path = seen(of_regions, &cubes.products, Side::Products(of_regions))?;
            units::rows(&path, &ExpectedPaths::new(&path)?, number, products);
            Ok(())
        };
        let of_nation = || -> Result<(), StageError> {
            let mut add = |of_regions: &EpisodePath<'_>, cube: &Cube| -> Result<(), StageError> {
                let side = Side::Groups(of_regions, &cubes.one_group);
                let path = seen(of_regions, cube, side)?;
                let expected = ExpectedPaths::new(&path)?;
                units::rows(&path, &expected, number, nation);
                units::period_rows(&path, &expected, nation_periods);
                Ok(())
            };
            let is_compared = of_regions.compared();
            if !is_compared.contains(&false) {
                return add(of_regions, &cubes.nation);
            }
            // A nation that gains or loses regions on its way has no growth.
            let years = &cubes.regions.years;
            let regions = cubes.regions.only(&is_compared).among(years);
            let (episode, asked) = (of_regions.episode, of_regions.asked);
            let path = EpisodePath::without_donors(episode, asked, &regions)?;
            add(&path, &regions.merged(&nation_of(&regions)).among(years))
        };
        let (groups, (products, nation)) =
            rayon::join(of_groups, || rayon::join(of_products, of_nation));
        groups.and(products).and(nation)
    }

    fn put(self, context: Sink<'_, '_>, files: &mut Files) -> Result<(), StageError> {
        files.put(context, self.macro_regions)?;
        files.put(context, self.products)?;
        files.put(context, self.nation)?;
        files.put(context, self.nation_periods)
    }
}

/// The path of the same episode on another cube.
fn seen<'a>(
    of_regions: &'a EpisodePath<'a>,
    cube: &'a Cube,
    side: Side<'a>,
) -> Result<EpisodePath<'a>, StageError> {
    EpisodePath::new(of_regions.episode, of_regions.asked, cube, side)
}

fn warn_of_changes(params: &Params, regions: &[String]) {
    for change in &params.resilience.region_changes {
        if regions.binary_search(&change.region).is_err() {
            tracing::warn!(
                region = change.region,
                "a region of resilience.region_changes is not in the data"
            );
        }
    }
}

fn warn_of_overlap(episode: &Episode) {
    let gap = usize::try_from(episode.trough.place - episode.last_base().place).unwrap_or(0);
    if gap < episode.trailing {
        tracing::warn!(
            episode = episode.name,
            "base and trough share periods, as `trailing` is longer than what lies between them"
        );
    }
}
