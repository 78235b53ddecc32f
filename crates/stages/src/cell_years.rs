//! The years of `trade.region_product_year`, to be read by themselves: a year's numbers stand in
//! matrices of the regions and products of all years.

use super::context::Context;
use super::cube::{CELLS, Cube, coded};
use super::error::StageError;
use super::unit::Unit;
use lake::DataFile;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trade::interner::Interner;

/// The regions and products of a file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct FileCodes {
    regions: BTreeSet<String>,
    products: BTreeSet<String>,
}

impl FileCodes {
    fn read(context: &Context<'_>, file: &DataFile) -> Result<Self, StageError> {
        let (mut regions, mut products) = (Interner::default(), Interner::default());
        context.each_coded(CELLS, file, &["region_code", "product"], |batch| {
            coded(batch, "region_code", &mut regions)?;
            coded(batch, "product", &mut products)?;
            Ok(())
        })?;
        let all = |codes: &Interner| {
            let n = u32::try_from(codes.n_texts()).unwrap_or(0);
            (0..n).map(|code| codes.text(code).to_owned()).collect()
        };
        Ok(Self { regions: all(&regions), products: all(&products) })
    }
}

/// The files of each year, and the codes of all.
#[derive(Debug)]
pub(super) struct CellYears {
    files: BTreeMap<i32, Vec<DataFile>>,
    /// Region codes, ascending.
    pub(super) regions: Vec<String>,
    /// Product codes, ascending.
    pub(super) products: Vec<String>,
}

impl CellYears {
    /// Looks the codes of every file up, and through the files of which no earlier run kept them.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is not one of the stage's inputs, or a file cannot be read.
    pub(super) fn of(context: &Context<'_>) -> Result<Self, StageError> {
        let files: Vec<DataFile> =
            context.files_of(CELLS)?.into_iter().filter(|file| file.rows > 0).collect();
        let what = Unit::new("codes of cells");
        let codes = context.known_of(CELLS, &files, &what, |missing| {
            let part = context.part(CELLS, missing)?;
            missing.par_iter().map(|file| FileCodes::read(&part, file)).collect()
        })?;
        let mut by_year: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
        let (mut regions, mut products) = (BTreeSet::new(), BTreeSet::new());
        for (file, codes) in files.into_iter().zip(codes) {
            regions.extend(codes.regions);
            products.extend(codes.products);
            by_year.entry(year_of(CELLS, &file)?).or_default().push(file);
        }
        if by_year.is_empty() {
            return Err(StageError::Data(format!(
                "{CELLS} has no rows: nothing is left after flow and exclusions"
            )));
        }
        Ok(Self {
            files: by_year,
            regions: regions.into_iter().collect(),
            products: products.into_iter().collect(),
        })
    }

    /// The years there are, ascending.
    pub(super) fn years(&self) -> Vec<i32> {
        self.files.keys().copied().collect()
    }

    /// The files of those of `years` that there are.
    pub(super) fn files(&self, years: &BTreeSet<i32>) -> Vec<DataFile> {
        let of_years = self.files.iter().filter(|(year, _)| years.contains(year));
        of_years.flat_map(|(_, files)| files).cloned().collect()
    }

    /// A unit that reads those of `years` that there are, and depends on which regions and products
    /// there are in all.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if that cannot be written down.
    pub(super) fn unit(&self, name: &str, years: &BTreeSet<i32>) -> Result<Unit, StageError> {
        Ok(Unit::new(name)
            .of("regions", &self.regions)?
            .of("products", &self.products)?
            .reading(CELLS, self.files(years)))
    }

    /// The exports of those of `years` that there are.
    ///
    /// # Errors
    ///
    /// [`StageError`] if a file is damaged or cannot be read.
    pub(super) fn cube(
        &self,
        context: &Context<'_>,
        years: &BTreeSet<i32>,
    ) -> Result<Cube, StageError> {
        let files = self.files(years);
        let codes = (self.regions.clone(), self.products.clone());
        let mut cube = Cube::of_files(&context.part(CELLS, &files)?, &files, codes)?;
        // What is not there is said with all years that are.
        cube.years = self.years();
        Ok(cube)
    }
}

/// The year that a file of `table` is of.
pub(super) fn year_of(table: &str, file: &DataFile) -> Result<i32, StageError> {
    let year = file.unit.as_deref().and_then(|unit| unit.parse().ok());
    year.ok_or_else(|| {
        StageError::Data(format!(
            "`{}` of {table} does not say of which year it is: a fault of the program",
            file.path
        ))
    })
}

/// The files of an input that are of one of `years`, as they say.
pub(super) fn files_of_years(
    context: &Context<'_>,
    table: &str,
    years: &BTreeSet<i32>,
) -> Result<Vec<DataFile>, StageError> {
    let mut found = Vec::new();
    for file in context.files_of(table)?.into_iter().filter(|file| file.rows > 0) {
        if years.contains(&year_of(table, &file)?) {
            found.push(file);
        }
    }
    Ok(found)
}
