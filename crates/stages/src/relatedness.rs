//! `trade.region_product_year` to `space.*`: RCA, relatedness, density, complexity.

mod cells;
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
use self::tables::{ProductYear, Proximity, RegionProductYear, RegionYear, Year};
use self::year::{Basis, YearSpace};
use super::cell_years::{CellYears, files_of_years};
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, Cube};
use super::error::StageError;
use super::params::Target;
use super::rows::{LongTable, Rows};
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use lake::{Contract, DataFile};
use project::config::choice::{ProximitySource, RcaReference};
use project::pipeline::{External, Pipeline};
use project::stage_name::StageName;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use space::complexity::eci_from_pci;
use std::collections::{BTreeMap, BTreeSet};

/// The stage.
pub(super) struct Relatedness;

impl Stage for Relatedness {
    const NAME: StageName = StageName::Relatedness;
    const VERSION: u32 = 7;
    const BY_UNITS: bool = true;
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
        let cells = CellYears::of(context)?;
        let work = Work { params, context, cells: &cells, firms: firms_files(params, context)? };
        let years = cells.years();
        let mut units =
            years.iter().map(|&year| work.unit(year)).collect::<Result<Vec<Unit>, StageError>>()?;
        units.push(work.pairs_unit()?);
        let mut made = context.all_kept::<YearFiles>(&units)?;
        let missing: Vec<usize> = (0..units.len()).filter(|&at| made[at].is_none()).collect();
        if !missing.is_empty() {
            let found = work.make(&missing, &units, &years)?;
            for (at, files) in missing.into_iter().zip(found) {
                context.keep(&units[at], files.all().cloned().collect(), &files)?;
                made[at] = Some(files);
            }
        }
        let mut output = Output::new();
        let mut put = |table, files: Vec<DataFile>| output.insert(table, Made::Files(files));
        let made: Vec<YearFiles> = made.into_iter().flatten().collect();
        let all =
            |of: fn(&YearFiles) -> &Vec<DataFile>| made.iter().flat_map(of).cloned().collect();
        put(RegionProductYear::NAME, all(|files| &files.cells));
        put(RegionYear::NAME, all(|files| &files.regions));
        put(ProductYear::NAME, all(|files| &files.products));
        put(Year::NAME, all(|files| &files.year));
        put(Proximity::NAME, all(|files| &files.pairs));
        Ok(output)
    }
}

/// The files of a year, or those of the pairs of products.
#[derive(Debug, Default, Serialize, Deserialize)]
struct YearFiles {
    cells: Vec<DataFile>,
    regions: Vec<DataFile>,
    products: Vec<DataFile>,
    year: Vec<DataFile>,
    pairs: Vec<DataFile>,
}

impl YearFiles {
    fn all(&self) -> impl Iterator<Item = &DataFile> {
        let of_year = self.cells.iter().chain(&self.regions).chain(&self.products);
        of_year.chain(&self.year).chain(&self.pairs)
    }
}

/// The exports of firms that relatedness is measured by, if it is.
fn firms_files(params: &Params, context: &Context<'_>) -> Result<Vec<DataFile>, StageError> {
    let config = &params.relatedness;
    if config.proximity_source != ProximitySource::Firms {
        return Ok(Vec::new());
    }
    files_of_years(context, FIRMS, &config.proximity_years.iter().copied().collect())
}

/// The years and pairs that are to be made.
struct Work<'w, 'a> {
    params: &'w Params,
    context: &'w Context<'a>,
    cells: &'w CellYears,
    firms: Vec<DataFile>,
}

impl Work<'_, '_> {
    /// The years that relatedness is of.
    fn pooled(&self) -> BTreeSet<i32> {
        let config = &self.params.relatedness;
        match config.proximity_source {
            ProximitySource::Regions => config.proximity_years.iter().copied().collect(),
            ProximitySource::Firms | ProximitySource::External => BTreeSet::new(),
        }
    }

    /// The years before that a year is held against, and itself.
    fn seen(&self, year: i32) -> BTreeSet<i32> {
        let n = i32::try_from(self.params.relatedness.persistence_years).unwrap_or(i32::MAX / 4);
        (year - (2 * n - 1).max(1)..=year).collect()
    }

    /// A unit that reads some years, those of the relatedness, and all from outside.
    fn reading(&self, name: &str, mut years: BTreeSet<i32>) -> Result<Unit, StageError> {
        years.extend(self.pooled());
        let mut unit = self.cells.unit(name, &years)?.of("params", self.params)?;
        if self.params.relatedness.proximity_source == ProximitySource::Firms {
            unit = unit.reading(FIRMS, self.firms.iter().cloned());
        }
        for input in Relatedness::reads(self.params) {
            if let Input::File(file) = input {
                unit = self.context.with_file(unit, &file.file.label)?;
            }
        }
        Ok(unit)
    }

    fn unit(&self, year: i32) -> Result<Unit, StageError> {
        self.reading(&year.to_string(), self.seen(year))
    }

    fn pairs_unit(&self) -> Result<Unit, StageError> {
        self.reading("pairs of products", BTreeSet::new())
    }

    /// Relatedness of the products, and what it is measured on.
    fn space(&self, years: BTreeSet<i32>) -> Result<(Cube, ProductSpace, Outside), StageError> {
        let unit = self.reading("", years.clone())?;
        let context = self.context.of_unit(&unit, None)?;
        let cube = self.cells.cube(&context, &years.union(&self.pooled()).copied().collect())?;
        let space = ProductSpace::of(self.params, &context, &cube)?;
        let outside = Outside::read(self.params, &context, &cube)?;
        Ok((cube, space, outside))
    }

    /// Makes the units at the places that are `missing`, which ascend: those of years, and after them that of the pairs of products.
    fn make(
        &self,
        missing: &[usize],
        units: &[Unit],
        years: &[i32],
    ) -> Result<Vec<YearFiles>, StageError> {
        let asked: BTreeSet<i32> =
            missing.iter().filter_map(|&at| years.get(at).copied()).collect();
        let needed: BTreeSet<i32> = asked.iter().flat_map(|&year| self.seen(year)).collect();
        let (cube, space, outside) = self.space(needed.clone())?;
        let of_years = years.iter().copied().zip(units);
        let needed: Vec<(i32, &Unit)> =
            of_years.filter(|(year, _)| needed.contains(year)).collect();
        let of_pairs = missing.last().filter(|&&at| at == years.len()).map(|&at| &units[at]);
        let (pairs, made) = rayon::join(
            || of_pairs.map(|unit| self.pairs(unit, &cube, &space)).transpose(),
            || self.years(&asked, &needed, (&cube, &space, &outside)),
        );
        let mut made = made?;
        made.extend(pairs?);
        Ok(made)
    }

    /// Makes the years that are `asked` for; `needed` are they and those that they are held against, which ascend.
    fn years(
        &self,
        asked: &BTreeSet<i32>,
        needed: &[(i32, &Unit)],
        (cube, space, outside): (&Cube, &ProductSpace, &Outside),
    ) -> Result<Vec<YearFiles>, StageError> {
        let side_by_side = self.side_by_side(cube);
        let params = self.params;
        let mut years = Years { params, cube, space, outside, seen: BTreeMap::new(), last: None };
        let mut made = Vec::new();
        for some in needed.chunks(side_by_side) {
            let mut looked_at: Vec<LookedAt> = some
                .par_iter()
                .map(|&(year, _)| years.look_at(year))
                .collect::<Result<_, StageError>>()?;
            years.see(&looked_at);
            let files: Vec<Option<YearFiles>> = some
                .par_iter()
                .enumerate()
                .filter(|(_, (year, _))| asked.contains(year))
                .map(|(at, (_, unit))| {
                    let _making = self.context.making(&unit.name);
                    let context = self.context.named(unit, Some(&unit.name));
                    let last = match at {
                        0 => years.last.as_ref(),
                        _ => Some(&looked_at[at - 1]),
                    };
                    years.make(&looked_at[at], last, &context).map(Some)
                })
                .collect::<Result<_, StageError>>()?;
            made.extend(files.into_iter().flatten());
            years.last = looked_at.pop();
        }
        Ok(made)
    }

    /// How many years are made side by side: not every step of one uses all threads.
    fn side_by_side(&self, cube: &Cube) -> usize {
        let n_cells = cube.regions.len() * cube.products.len();
        let n_fitting = self.context.memory().bytes() / (BYTES_OF_CELL * n_cells).max(1);
        n_fitting.clamp(1, rayon::current_num_threads())
    }

    /// Makes the pairs of products.
    fn pairs(
        &self,
        unit: &Unit,
        cube: &Cube,
        space: &ProductSpace,
    ) -> Result<YearFiles, StageError> {
        let _making = self.context.making(&unit.name);
        let context = self.context.named(unit, None);
        let rows = pairs(cube, space, self.params.relatedness.publish_proximity_from);
        let mut table = LongTable::<Proximity>::create(&context, "pairs.parquet")?;
        table.add(rows)?;
        Ok(YearFiles { pairs: table.finish()?.into_iter().collect(), ..YearFiles::default() })
    }
}

/// What the numbers of a cell take in memory while a year is made, about.
const BYTES_OF_CELL: usize = 256;

/// A year that was looked at: what it is made of, and what others are held against.
struct LookedAt {
    year: i32,
    /// Of each region whether it reported anything.
    is_reported: Vec<bool>,
    basis: Basis,
}

/// The years, some side by side and then others.
struct Years<'y> {
    params: &'y Params,
    cube: &'y Cube,
    space: &'y ProductSpace,
    outside: &'y Outside,
    seen: BTreeMap<i32, Seen>,
    /// The last of those that were looked at before.
    last: Option<LookedAt>,
}

impl Years<'_> {
    /// Looks at a year.
    fn look_at(&self, year: i32) -> Result<LookedAt, StageError> {
        let slice = self.cube.slice(&[year], 1, "relatedness")?;
        let basis = Basis::of(self.params, &slice.exports, self.outside.world(year)?);
        Ok(LookedAt { year, is_reported: slice.is_reported, basis })
    }

    /// Keeps who is specialised in what.
    fn see(&mut self, looked_at: &[LookedAt]) {
        for LookedAt { year, basis, .. } in looked_at {
            let seen = Seen::of(&basis.rca, &basis.specialization, &basis.exports);
            self.seen.insert(*year, seen);
        }
    }

    /// Makes the files of a year that was looked at; `last` is the one that was looked at before it.
    fn make(
        &self,
        looked_at: &LookedAt,
        last: Option<&LookedAt>,
        context: &Context<'_>,
    ) -> Result<YearFiles, StageError> {
        let Self { params, cube, space, outside, seen, .. } = self;
        let LookedAt { year, is_reported, basis } = looked_at;
        let year = *year;
        let incomes = outside.incomes(cube, year, is_reported);
        let mut found = YearSpace::of(params, space, basis, incomes.as_deref());
        let pci = outside.pci.as_ref();
        found.eci_external = pci.map(|pci| eci_from_pci(found.specialization, pci));
        found.rpop = outside.rpop(cube, year, found.exports);
        let before = last.filter(|last| last.year + 1 == year);
        found.before = before.map(|last| &last.basis.rca);
        if found.cleaned.regions.is_empty() {
            tracing::warn!(
                year,
                "the cleaning leaves nothing: see the section `cleaning` of the config"
            );
        }
        let n = params.relatedness.persistence_years;
        let changes = seen.get(&year).and_then(|now| Changes::of(seen, year, now, n));
        let rows = YearRows { cube, year, space: &found, changes: changes.as_ref() };
        let (mut by_region, mut by_product, mut by_year) = (
            Rows::<RegionYear>::default(),
            Rows::<ProductYear>::default(),
            Rows::<Year>::default(),
        );
        rows.regions(&mut by_region);
        rows.products(&mut by_product);
        by_year.push(rows.year());
        let name = format!("{year}.parquet");
        Ok(YearFiles {
            cells: cells::write(&rows, context)?,
            regions: by_region.file(context, &name)?.into_iter().collect(),
            products: by_product.file(context, &name)?.into_iter().collect(),
            year: by_year.file(context, &name)?.into_iter().collect(),
            pairs: Vec::new(),
        })
    }
}
