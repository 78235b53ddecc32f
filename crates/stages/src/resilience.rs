//! `trade.*` to `resilience.*`, for every episode of the config.
//!
//! An episode is looked at on cubes of exports by period, unit and part: regions by product, groups
//! of regions by product, products by region, all regions as one, and regions by trade mode,
//! ownership and destination. What is done on each is the same.

mod cells;
mod episode;
mod params;
mod quality;
mod structure;
pub(super) mod tables;
mod units;

use self::episode::{EpisodeParams, EpisodePath, Side};
use self::params::Params;
use self::tables::{
    CellRow, MacroRegion, Margins, Nation, NationPeriod, Product, ProductTransformation, Region,
    RegionCycle, RegionDestination, RegionOwnership, RegionPeriod, RegionProduct, RegionTradeMode,
    ShiftShare, Transformation, UnitValue,
};
use self::units::ExpectedPaths;
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, Cube};
use super::error::StageError;
use super::params::{ComplexityScale, GroupDigits, Specialised, Target};
use super::rows::{LongTable, Rows, table};
use super::stage::Stage;
use super::table::Table;
use ::resilience::Benchmark;
use lake::Contract;
use project::config::Episode;
use project::config::choice::Choice;
use project::pipeline::{External, Pipeline};
use project::stage_name::StageName;
use sources::reference_tables;
use std::collections::BTreeMap;
use trade::Frequency;

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
    fn new(params: &Params, context: &Context<'_>, regions: Cube) -> Result<Self, StageError> {
        let codes: Vec<&str> = regions.regions.iter().map(String::as_str).collect();
        let table = params.groups.as_ref().map(|table| context.outside(table)).transpose()?;
        let groups = reference_tables::groups_of(table, params.spatial.group_digits, &codes)?;
        let macro_regions = regions.merged(&groups);
        let place = |group: &String| macro_regions.regions.binary_search(group).unwrap_or(0);
        Ok(Self {
            groups: groups.iter().map(place).collect(),
            macro_regions,
            products: regions.transposed(),
            one_group: vec![0; codes.len()],
            nation: regions.merged(&nation_of(&regions)),
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
    const VERSION: u32 = 5;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        let config = &pipeline.config;
        let has_reference = config.resilience.uses_reference();
        Params {
            resilience: config.resilience.clone(),
            relatedness: Specialised::from(config),
            complexity: ComplexityScale::from(config),
            spatial: GroupDigits::from(config),
            harmonize: Target::from(config),
            reference: pipeline.reference.clone().filter(|_| has_reference),
            incomes: pipeline.incomes.clone(),
            pci: pipeline.pci.clone(),
            groups: pipeline.groups.clone(),
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
        let asked = asked(params);
        let mut episodes: Vec<&Episode> = params.resilience.episodes.iter().collect();
        episodes.sort_by(|a, b| a.name.cmp(&b.name));
        let regions = asked.filled(Cube::read(context)?);
        let reference = match &params.reference {
            Some(table) => {
                let target = params.harmonize.target_revision.hs();
                Some(reference_tables::reference(
                    context.outside(table)?,
                    target,
                    &regions.products,
                )?)
            }
            None => None,
        };
        let asked = EpisodeParams { reference, ..asked };
        let cubes = CubesByFrequency::read(params, context, &asked, &episodes, regions)?;
        let mut output = of_regions(params, context, &asked, &episodes, &cubes)?;
        put(&mut output, of_part::<RegionTradeMode>(context, &asked, &episodes)?)?;
        put(&mut output, of_part::<RegionOwnership>(context, &asked, &episodes)?)?;
        put(&mut output, of_part::<RegionDestination>(context, &asked, &episodes)?)?;
        Ok(output)
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

/// The cubes of each length of period that an episode has.
struct CubesByFrequency {
    annual: Cubes,
    shorter: BTreeMap<Frequency, Cubes>,
}

impl CubesByFrequency {
    fn read(
        params: &Params,
        context: &Context<'_>,
        asked: &EpisodeParams<'_>,
        episodes: &[&Episode],
        regions: Cube,
    ) -> Result<Self, StageError> {
        let annual = Cubes::new(params, context, regions)?;
        for change in &asked.config.region_changes {
            if annual.regions.regions.binary_search(&change.region).is_err() {
                tracing::warn!(
                    region = change.region,
                    "a region of resilience.region_changes is not in the data"
                );
            }
        }
        let mut shorter: BTreeMap<Frequency, Cubes> = BTreeMap::new();
        for episode in episodes {
            let frequency = episode.frequency();
            if frequency != Frequency::Year && !shorter.contains_key(&frequency) {
                let cube = Cube::stream(context, MONTHS, "product", frequency)?;
                let cube = cube.ok_or_else(|| {
                    StageError::Data(format!(
                        "episode {}: no record has a month; give the episode years, or the layout a column for `month`",
                        episode.name
                    ))
                })?;
                shorter.insert(frequency, Cubes::new(params, context, asked.filled(cube))?);
            }
        }
        Ok(Self { annual, shorter })
    }

    fn of(&self, episode: &Episode) -> &Cubes {
        self.shorter.get(&episode.frequency()).unwrap_or(&self.annual)
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
            let regions = cubes.regions.only(&is_compared);
            let (episode, asked) = (of_regions.episode, of_regions.asked);
            let path = EpisodePath::new(episode, asked, &regions, Side::Regions)?;
            add(&path, &regions.merged(&nation_of(&regions)))
        };
        let (groups, (products, nation)) =
            rayon::join(of_groups, || rayon::join(of_products, of_nation));
        groups.and(products).and(nation)
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

/// The tables of regions by product, and those of the same cells seen from other sides.
fn of_regions(
    params: &Params,
    context: &Context<'_>,
    asked: &EpisodeParams<'_>,
    episodes: &[&Episode],
    cubes: &CubesByFrequency,
) -> Result<Output, StageError> {
    let mut summary = Rows::<tables::Episode>::default();
    let mut shares = Rows::<ShiftShare>::default();
    let mut margins = Rows::<Margins>::default();
    let mut cycles = Rows::<RegionCycle>::default();
    let mut periods = Rows::<RegionPeriod>::default();
    let mut of_regions = Rows::<Region>::default();
    let mut structure = Rows::<Transformation>::default();
    let mut products = long::<RegionProduct>(context)?;
    let mut product_structure = long::<ProductTransformation>(context)?;
    let mut unit_values = long::<UnitValue>(context)?;
    let weights = structure::Weights::read(params, context, &cubes.annual.regions)?;
    let mut sides = Sides::default();
    for (number, episode) in episodes.iter().enumerate() {
        let cubes = cubes.of(episode);
        let path = EpisodePath::new(episode, asked, &cubes.regions, Side::Regions)?;
        warn_of_overlap(episode);
        units::summarize(&path, &mut summary);
        let expected = ExpectedPaths::new(&path)?;
        units::rows(&path, &expected, number, &mut of_regions);
        units::period_rows(&path, &expected, &mut periods);
        let nation = cubes.nation.levels(episode.trailing);
        units::cycle_rows(&path, nation.first().map_or(&[], Vec::as_slice), &mut cycles);
        units::shift_share_rows(&path, &mut shares);
        cells::rows(&path, &mut products)?;
        quality::rows(context, asked, episode, &mut unit_values)?;
        structure::margin_rows(&path, &mut margins);
        let rule = params.relatedness.rule();
        structure::rows(&path, rule, &weights, &mut structure, &mut product_structure)?;
        sides.add(&path, cubes, number)?;
    }
    let mut output = Output::new();
    put(&mut output, products)?;
    put(&mut output, unit_values)?;
    put(&mut output, product_structure)?;
    table(&mut output, summary)?;
    table(&mut output, shares)?;
    table(&mut output, margins)?;
    table(&mut output, cycles)?;
    table(&mut output, periods)?;
    table(&mut output, of_regions)?;
    table(&mut output, structure)?;
    table(&mut output, sides.macro_regions)?;
    table(&mut output, sides.products)?;
    table(&mut output, sides.nation)?;
    table(&mut output, sides.nation_periods)?;
    Ok(output)
}

fn long<'f, T: Table>(context: &'f Context<'_>) -> Result<LongTable<'f, T>, StageError> {
    LongTable::create(context, "part-00000.parquet")
}

/// Ends a table of many rows and puts it into what the stage made.
fn put<T: Table>(output: &mut Output, rows: LongTable<'_, T>) -> Result<(), StageError> {
    output.insert(T::NAME, Made::Files(vec![rows.finish()?]));
    Ok(())
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

/// The table of a part of regions' exports, of episodes in years.
fn of_part<'f, T: Part>(
    context: &'f Context<'_>,
    asked: &EpisodeParams<'_>,
    episodes: &[&Episode],
) -> Result<LongTable<'f, T>, StageError> {
    let cube = Cube::stream(context, T::FROM, T::COLUMN, Frequency::Year)?;
    let cube = cube.map(|cube| asked.filled(cube));
    let mut rows = long::<T>(context)?;
    if let Some(cube) = &cube {
        for episode in episodes.iter().filter(|of| of.frequency() == Frequency::Year) {
            let path = EpisodePath::new(episode, asked, cube, Side::Parts)?;
            cells::rows(&path, &mut rows)?;
        }
    }
    Ok(rows)
}
