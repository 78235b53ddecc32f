//! The tables of the stage for a cube that no lake holds, by the code of the stage.

use super::super::cube::Cube;
use super::super::error::StageError;
use super::super::sink::{MemoryTables, Sink};
use super::episode::{EpisodePath, Side};
use super::params::Params;
use super::structure::Weights;
use super::{Cubes, Making, Numbered, asked, tables, warn_of_changes};
use arrow::array::RecordBatch;
use lake::Contract;
use project::config::Config;

/// A table that was made in memory.
#[derive(Debug, Clone)]
pub struct MadeTable {
    /// What it is.
    pub contract: &'static Contract,
    /// Its rows, in the order of the key.
    pub rows: Vec<RecordBatch>,
}

/// All tables of the stage, in their order.
pub fn contracts() -> Vec<&'static Contract> {
    tables::contracts()
}

/// The tables that a cube alone gives, in their order: all but those of quantities, trade modes,
/// ownership and destinations. The rows are those that the stage makes of the same exports and
/// config. PCI, PRODY and groups of regions are as where a pipeline has no tables of them.
///
/// # Errors
///
/// [`StageError::Data`] if the cube lacks a period of an episode or has periods of another length,
/// or if the config asks for the growth of another economy, of which a cube knows nothing.
pub fn tables_of(cube: Cube, config: &Config) -> Result<Vec<MadeTable>, StageError> {
    let params = Params::alone(config);
    if params.resilience.uses_reference() {
        let why = "the benchmarks `reference`, `reference_mix` and `reference_product` are the growth of another \
                   economy, which a pipeline has as its table `reference`";
        return Err(StageError::Data(why.to_owned()));
    }
    warn_of_changes(&params, &cube.regions);
    let asked = asked(&params);
    let cubes = Cubes::grouped(&params, None, asked.filled(cube))?;
    let (making, weights) = (Making { params: &params }, Weights::own(&params));
    let tables = MemoryTables::default();
    for Numbered { number, episode } in Numbered::all(&params.resilience.episodes) {
        let (found, frequency) = (cubes.regions.frequency, episode.frequency());
        if found != frequency {
            return Err(StageError::Data(format!(
                "episode {}: a period of it is a {frequency}, one of the data a {found}",
                episode.name
            )));
        }
        let path = EpisodePath::new(episode, &asked, &cubes.regions, Side::Regions)?;
        making.all(Sink::Memory(&tables), &path, &cubes, number, &weights)?;
        making.course(Sink::Memory(&tables), &path, &cubes)?;
    }
    let mut made = tables.into_tables();
    let of = |contract: &'static Contract| {
        let rows = made.remove(contract.table)?;
        Some(MadeTable { contract, rows })
    };
    Ok(contracts().into_iter().filter_map(of).collect())
}

#[cfg(test)]
mod tests;
