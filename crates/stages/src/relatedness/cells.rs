//! The cells of a year, column by column: most rows of the stage are these.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::table::Table;
use super::rows::YearRows;
use super::tables::RegionProductYear;
use lake::{Cells, DataFile, NO_CODE};
use rayon::prelude::*;
use space::{Change, jump, symmetric};
use std::ops::Range;

/// Codes in their order.
#[derive(Debug)]
struct Ascending<'a>(&'a [String]);

impl lake::Texts for Ascending<'_> {
    fn n_texts(&self) -> usize {
        self.0.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.0[code as usize]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

/// Writes the cells of a year: files of about one group of rows each are made side by side.
pub(super) fn write(
    year: &YearRows<'_>,
    context: &Context<'_>,
) -> Result<Vec<DataFile>, StageError> {
    let cube = year.cube;
    let n_regions = (lake::GROUP_ROWS / cube.products.len().max(1)).max(1);
    let made: Vec<Option<DataFile>> = (0..cube.regions.len().div_ceil(n_regions))
        .into_par_iter()
        .map(|chunk| {
            let first = chunk * n_regions;
            let last = cube.regions.len().min(first + n_regions);
            let name = format!("{}-{chunk:05}.parquet", year.year);
            CellRows::of(year, first..last).file(context, &name)
        })
        .collect::<Result<_, StageError>>()?;
    Ok(made.into_iter().flatten().collect())
}

/// Which cells of some regions have a row: each of these regions with each of these products.
struct CellRows<'a> {
    year: &'a YearRows<'a>,
    regions: Vec<usize>,
    products: Vec<usize>,
}

impl<'a> CellRows<'a> {
    fn of(year: &'a YearRows<'a>, regions: Range<usize>) -> Self {
        let (space, rca) = (year.space, &year.space.rca);
        let is_traded = |&p: &usize| rca.product_is_active(p) && space.product_is_active(p);
        Self {
            year,
            regions: regions.filter(|&region| rca.region_is_active(region)).collect(),
            products: (0..year.cube.products.len()).filter(is_traded).collect(),
        }
    }

    /// A value of each cell, region after region.
    fn each<T>(&self, of: impl Fn(usize, usize) -> T) -> Vec<T> {
        let mut cells = Vec::with_capacity(self.regions.len() * self.products.len());
        for &region in &self.regions {
            cells.extend(self.products.iter().map(|&product| of(region, product)));
        }
        cells
    }

    /// A number of each cell, which is finite.
    fn floats(
        &self,
        name: &str,
        of: impl Fn(usize, usize) -> Option<f64>,
    ) -> Result<Vec<f64>, StageError> {
        let mut is_finite = true;
        let mut number = |value: f64| {
            is_finite &= value.is_finite();
            value
        };
        let mut cells = Vec::with_capacity(self.regions.len() * self.products.len());
        for &region in &self.regions {
            let value = |&product: &usize| of(region, product).map_or(f64::NAN, &mut number);
            cells.extend(self.products.iter().map(value));
        }
        if is_finite {
            return Ok(cells);
        }
        let table = RegionProductYear::NAME;
        Err(StageError::Data(format!("a number in `{name}` of `{table}` is not finite")))
    }

    /// Writes the rows as a file of their own, if there are some.
    fn file(&self, context: &Context<'_>, name: &str) -> Result<Option<DataFile>, StageError> {
        let n = self.regions.len() * self.products.len();
        if n == 0 {
            return Ok(None);
        }
        let YearRows { cube, year, space, changes } = *self.year;
        let code = |at: usize| u32::try_from(at).unwrap_or(NO_CODE);
        let (regions, products) = (Ascending(&cube.regions), Ascending(&cube.products));
        let (of_regions, of_products) = (self.each(|r, _| code(r)), self.each(|_, p| code(p)));
        let rca = self.floats("rca", |r, p| space.rca.get(r, p))?;
        let rsca = self.floats("rsca", |r, p| space.rca.get(r, p).map(symmetric))?;
        let is_specialized = self.each(|r, p| Some(space.specialization.get(r, p)));
        let density = self.floats("density", |r, p| space.density.get(r, p))?;
        let is_isolated = density.iter().map(|d| if d.is_nan() { 0 } else { NO_CODE });
        let is_isolated: Vec<u32> = is_isolated.collect();
        let value_density = self.floats("value_density", |r, p| space.value_density.get(r, p))?;
        let nearest = self.floats("nearest_density", |r, p| space.nearest.get(r, p))?;
        let mass = self.floats("related_mass", |r, p| Some(space.surroundings.mass(r, p)))?;
        let count =
            self.each(|r, p| i64::try_from(space.surroundings.count(r, p)).unwrap_or(i64::MAX));
        let group = self.floats("group_entropy", |r, p| {
            space.around.group(r, p).filter(|_| space.has_groups)
        })?;
        let weighted = self.floats("weighted_entropy", |r, p| space.around.weighted(r, p))?;
        let unrelated = self.floats("unrelated_entropy", |r, p| space.around.unrelated(r, p))?;
        let gain = self.floats("outlook_gain", |r, p| space.outlook.as_ref()?.gain(r, p))?;
        let change = self.each(|r, p| changes?.at(r, p));
        let entered: Vec<_> = change.iter().map(|change| change.and_then(Change::entry)).collect();
        let exited: Vec<_> = change.iter().map(|change| change.and_then(Change::exit)).collect();
        let (low, high) = (space.jump_from, space.jump_to);
        let jumped = self.each(|r, p| jump(space.before.as_ref()?, space.rca, r, p, low, high));
        let rpop = self.floats("rpop", |r, p| space.rpop.as_ref()?.get(r, p))?;
        let isolated = vec!["isolated"];
        let mut writer = context.create(RegionProductYear::NAME, name)?;
        writer.write(
            n,
            &[
                ("year", Cells::SameInt(year)),
                ("region_code", Cells::Texts(&regions, &of_regions)),
                ("product", Cells::Texts(&products, &of_products)),
                ("rca", Cells::Floats(&rca)),
                ("rsca", Cells::Floats(&rsca)),
                ("is_specialized", Cells::Flags(&is_specialized)),
                ("density", Cells::Floats(&density)),
                ("density_null_reason", Cells::Texts(&isolated, &is_isolated)),
                ("value_density", Cells::Floats(&value_density)),
                ("nearest_density", Cells::Floats(&nearest)),
                ("related_mass", Cells::Floats(&mass)),
                ("related_count", Cells::Counts(&count)),
                ("group_entropy", Cells::Floats(&group)),
                ("weighted_entropy", Cells::Floats(&weighted)),
                ("unrelated_entropy", Cells::Floats(&unrelated)),
                ("outlook_gain", Cells::Floats(&gain)),
                ("entered", Cells::Flags(&entered)),
                ("exited", Cells::Flags(&exited)),
                ("jumped", Cells::Flags(&jumped)),
                ("rpop", Cells::Floats(&rpop)),
            ],
        )?;
        writer.finish().map(Some)
    }
}
