//! `trade.*` to `resilience.*`, for every episode of the config.
//!
//! An episode is looked at on cubes of exports by period, unit and part: regions by product, groups of regions by
//! product, products by region, all regions as one, and regions by trade mode, ownership and destination. What is
//! done on each is the same.

mod cells;
mod episode;
mod quality;
mod structure;
mod units;

use self::episode::{Asked, EpisodePath, Side};
use super::context::{Files, Made, Output};
use super::cube::Cube;
use super::error::StageError;
use super::rows::{LongTable, Rows, table};
use crate::config::Episode;
use crate::external;
use crate::pipeline::Pipeline;
use rayon::prelude::*;
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
        let course = EpisodePath::new(episode, &asked, &cubes.regions, Side::Regions)?;
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
            let course = EpisodePath::new(episode, &asked, cube, side)?;
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
                cells::rows(
                    name,
                    &EpisodePath::new(episode, &asked, cube, Side::Parts)?,
                    &mut rows,
                )?;
            }
        }
        output.insert(name, Made::Files(vec![rows.finish()?]));
    }
    Ok(output)
}
