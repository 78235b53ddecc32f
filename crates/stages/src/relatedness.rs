//! `trade.region_product_year` to `space.*`: RCA, relatedness, density, complexity.

mod changes;
mod firms;
mod outside;
mod params;
mod product_space;
mod rows;
pub(super) mod tables;
mod year;

pub(super) use self::year::reason;

use self::changes::{Changes, Seen};
use self::firms::FIRMS;
use self::outside::Outside;
use self::params::Params;
use self::product_space::ProductSpace;
use self::rows::{YearRows, pairs};
use self::tables::{ProductYear, RegionProductYear, RegionYear, Year};
use self::year::YearSpace;
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, Cube};
use super::error::StageError;
use super::params::Target;
use super::rows::{Rows, table};
use super::stage::Stage;
use super::table::Table;
use lake::Contract;
use project::config::choice::{ProximitySource, RcaReference};
use project::pipeline::{External, Pipeline};
use project::stage_name::StageName;
use rayon::prelude::*;
use space::Rca;
use space::complexity::eci_from_pci;
use std::collections::BTreeMap;

/// The stage.
pub(super) struct Relatedness;

impl Stage for Relatedness {
    const NAME: StageName = StageName::Relatedness;
    const VERSION: u32 = 7;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        let config = &pipeline.config;
        let section = &config.relatedness;
        let has_proximity = section.proximity_source == ProximitySource::External;
        let has_reference = section.rca_reference == RcaReference::External;
        Params {
            relatedness: section.clone(),
            complexity: config.complexity.clone(),
            cleaning: config.cleaning.clone(),
            harmonize: Target::from(config),
            classification: pipeline.classification(),
            proximity: pipeline.proximity.clone().filter(|_| has_proximity),
            reference: pipeline.reference.clone().filter(|_| has_reference),
            incomes: pipeline.incomes.clone(),
            population: pipeline.population.clone(),
            pci: pipeline.pci.clone(),
        }
    }

    fn reads(params: &Params) -> Vec<Input> {
        let mut inputs = Input::tables(&[CELLS]);
        if params.relatedness.proximity_source == ProximitySource::Firms {
            inputs.extend(Input::tables(&[FIRMS]));
        }
        let files = [
            params.proximity.as_ref().map(External::file),
            params.reference.as_ref().map(External::file),
            params.incomes.as_ref().map(External::file),
            params.population.as_ref().map(External::file),
            params.pci.as_ref().map(External::file),
        ];
        inputs.extend(files.into_iter().flatten().map(Input::file));
        inputs
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        run(params, context)
    }
}

/// RCA of the year that was looked at last.
struct LastYear {
    year: i32,
    rca: Rca,
}

/// Computes the product space of every year.
fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
    let cube = Cube::read(context)?;
    let config = &params.relatedness;
    let space = ProductSpace::of(params, context, &cube)?;
    let outside = Outside::read(params, context, &cube)?;
    let mut last: Option<LastYear> = None;
    let mut made: Vec<lake::DataFile> = Vec::new();
    let mut by_region = Rows::<RegionYear>::default();
    let mut by_product = Rows::<ProductYear>::default();
    let mut by_year = Rows::<Year>::default();
    let mut seen: BTreeMap<i32, Seen> = BTreeMap::new();
    for &year in &cube.years {
        let slice = cube.slice(&[year], 1, "relatedness")?;
        let incomes = outside.incomes(&cube, year, &slice);
        let world = outside.world(year)?;
        let mut found = YearSpace::of(params, &space, &slice.exports, world, incomes.as_deref());
        let pci = outside.pci.as_ref();
        found.eci_external = pci.map(|pci| eci_from_pci(&found.specialization, pci));
        found.rpop = outside.rpop(&cube, year, &found.exports);
        found.before = last.take().filter(|last| last.year + 1 == year).map(|last| last.rca);
        let now = Seen::of(&found);
        if found.cleaned.regions.is_empty() {
            tracing::warn!(
                year,
                "the cleaning leaves nothing: see the section `cleaning` of the config"
            );
        }
        let changes = Changes::of(&seen, year, &now, config.persistence_years);
        let rows = YearRows { cube: &cube, year, space: &found, changes: changes.as_ref() };
        made.extend(write_cells(&rows, context)?);
        rows.regions(&mut by_region);
        rows.products(&mut by_product);
        by_year.push(rows.year());
        seen.insert(year, now);
        last = Some(LastYear { year, rca: found.rca });
    }
    let mut output = Output::new();
    output.insert(RegionProductYear::NAME, Made::Files(made));
    table(&mut output, by_region)?;
    table(&mut output, by_product)?;
    table(&mut output, by_year)?;
    table(&mut output, pairs(&cube, &space, config.publish_proximity_from))?;
    Ok(output)
}

/// Writes the cells of a year: files of about one group of rows each are made side by side.
fn write_cells(
    year: &YearRows<'_>,
    context: &Context<'_>,
) -> Result<Vec<lake::DataFile>, StageError> {
    let cube = year.cube;
    let n_regions = (lake::GROUP_ROWS / cube.products.len().max(1)).max(1);
    let made: Vec<Option<lake::DataFile>> = (0..cube.regions.len().div_ceil(n_regions))
        .into_par_iter()
        .map(|chunk| {
            let first = chunk * n_regions;
            let last = cube.regions.len().min(first + n_regions);
            let mut rows = year.cells(first..last);
            if rows.n_rows() == 0 {
                return Ok(None);
            }
            let name = format!("{}-{chunk:05}.parquet", year.year);
            let mut writer = context.create(RegionProductYear::NAME, &name)?;
            rows.write(&mut writer)?;
            writer.finish().map(Some)
        })
        .collect::<Result<_, StageError>>()?;
    Ok(made.into_iter().flatten().collect())
}
