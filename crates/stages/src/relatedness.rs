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
use space::Rca;
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
            let asked: Vec<i32> = missing.iter().filter_map(|&at| years.get(at).copied()).collect();
            let mut found = work.make(&asked, &units, &years)?.into_iter();
            for at in missing {
                let files = match years.get(at) {
                    Some(_) => found.next().unwrap_or_default(),
                    None => work.pairs(&units[at])?,
                };
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

    /// Makes the years that are asked for, which ascend; `units` are those of `all` years.
    fn make(
        &self,
        asked: &[i32],
        units: &[Unit],
        all: &[i32],
    ) -> Result<Vec<YearFiles>, StageError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let needed: BTreeSet<i32> = asked.iter().flat_map(|&year| self.seen(year)).collect();
        let (cube, space, outside) = self.space(needed.clone())?;
        let mut years = Years { params: self.params, seen: BTreeMap::new(), last: None };
        let mut made = Vec::new();
        for (&year, unit) in all.iter().zip(units).filter(|(year, _)| needed.contains(year)) {
            if asked.contains(&year) {
                let _making = self.context.making(&unit.name);
                let context = self.context.named(unit, Some(&unit.name));
                made.push(years.make(&cube, &space, &outside, year, &context)?);
            } else {
                years.look_at(&cube, &outside, year)?;
            }
        }
        Ok(made)
    }

    /// Makes the pairs of products.
    fn pairs(&self, unit: &Unit) -> Result<YearFiles, StageError> {
        let _making = self.context.making(&unit.name);
        let (cube, space, _) = self.space(BTreeSet::new())?;
        let context = self.context.named(unit, None);
        let rows = pairs(&cube, &space, self.params.relatedness.publish_proximity_from);
        let mut table = LongTable::<Proximity>::create(&context, "pairs.parquet")?;
        table.add(rows)?;
        Ok(YearFiles { pairs: table.finish()?.into_iter().collect(), ..YearFiles::default() })
    }
}

/// RCA of the year that was looked at last.
struct LastYear {
    year: i32,
    rca: Rca,
}

/// The years, one after the other.
struct Years<'p> {
    params: &'p Params,
    seen: BTreeMap<i32, Seen>,
    last: Option<LastYear>,
}

impl Years<'_> {
    /// Makes the files of a year.
    fn make(
        &mut self,
        cube: &Cube,
        space: &ProductSpace,
        outside: &Outside,
        year: i32,
        context: &Context<'_>,
    ) -> Result<YearFiles, StageError> {
        let slice = cube.slice(&[year], 1, "relatedness")?;
        let incomes = outside.incomes(cube, year, &slice);
        let world = outside.world(year)?;
        let mut found =
            YearSpace::of(self.params, space, &slice.exports, world, incomes.as_deref());
        let pci = outside.pci.as_ref();
        found.eci_external = pci.map(|pci| eci_from_pci(&found.specialization, pci));
        found.rpop = outside.rpop(cube, year, &found.exports);
        let before = self.last.take().filter(|last| last.year + 1 == year);
        found.before = before.map(|last| last.rca);
        if found.cleaned.regions.is_empty() {
            tracing::warn!(
                year,
                "the cleaning leaves nothing: see the section `cleaning` of the config"
            );
        }
        let now = Seen::of(&found.rca, &found.specialization, &found.exports);
        let n = self.params.relatedness.persistence_years;
        let changes = Changes::of(&self.seen, year, &now, n);
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
        let files = YearFiles {
            cells: write_cells(&rows, context)?,
            regions: by_region.file(context, &name)?.into_iter().collect(),
            products: by_product.file(context, &name)?.into_iter().collect(),
            year: by_year.file(context, &name)?.into_iter().collect(),
            pairs: Vec::new(),
        };
        self.seen.insert(year, now);
        self.last = Some(LastYear { year, rca: found.rca });
        Ok(files)
    }

    /// Looks at a year that others are held against.
    fn look_at(&mut self, cube: &Cube, outside: &Outside, year: i32) -> Result<(), StageError> {
        let slice = cube.slice(&[year], 1, "relatedness")?;
        let basis = Basis::of(self.params, &slice.exports, outside.world(year)?);
        let now = Seen::of(&basis.rca, &basis.specialization, &basis.exports);
        self.seen.insert(year, now);
        self.last = Some(LastYear { year, rca: basis.rca });
        Ok(())
    }
}

/// Writes the cells of a year: files of about one group of rows each are made side by side.
fn write_cells(year: &YearRows<'_>, context: &Context<'_>) -> Result<Vec<DataFile>, StageError> {
    let cube = year.cube;
    let n_regions = (lake::GROUP_ROWS / cube.products.len().max(1)).max(1);
    let made: Vec<Option<DataFile>> = (0..cube.regions.len().div_ceil(n_regions))
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
