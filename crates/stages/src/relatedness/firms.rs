//! Relatedness from what firms export.

use super::super::context::Context;
use super::super::cube::{Cube, texts};
use super::super::error::StageError;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int32Type};
use project::config;
use space::{Specialization, revealed_by_additions};
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// Exports by year, region, product and firm.
pub(super) const FIRMS: &str = "trade.region_product_year_firm";

/// What firms export, by firm and product.
pub(super) struct Firms {
    cells: BTreeMap<String, BTreeMap<usize, Money>>,
}

impl Firms {
    pub(super) fn of(
        context: &Context<'_>,
        cube: &Cube,
        years: &[i32],
    ) -> Result<Self, StageError> {
        let places: BTreeMap<&str, usize> =
            cube.products.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
        let mut cells: BTreeMap<String, BTreeMap<usize, Money>> = BTreeMap::new();
        for batch in &context.rows(FIRMS)? {
            let schema = batch.schema();
            let found = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
            let values =
                batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
            let (firms, products) = (texts(batch, "firm")?, texts(batch, "product")?);
            for row in (0..batch.num_rows()).filter(|&row| years.contains(&found.value(row))) {
                let Some(&product) = places.get(products.value(row)) else { continue };
                let value = Money::from_hundredths(values.value(row));
                if !cells.contains_key(firms.value(row)) {
                    cells.insert(firms.value(row).to_owned(), BTreeMap::new());
                }
                if let Some(of_firm) = cells.get_mut(firms.value(row)) {
                    *of_firm.entry(product).or_default() += value;
                }
            }
        }
        if cells.is_empty() {
            return Err(StageError::Data(format!(
                "no firm exports anything in {years:?}: `proximity_source: firms` needs records with firms, and relatedness.proximity_years that the data have"
            )));
        }
        Ok(Self { cells })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.cells.keys()
    }

    /// Which of `n_products` each of `firms` exports for `floor` or more.
    pub(super) fn specialization(
        &self,
        firms: &[&String],
        n_products: usize,
        floor: f64,
    ) -> Specialization {
        let row = |firm: &&String| match self.cells.get(*firm) {
            None => Vec::new(),
            Some(cells) => {
                let has = |value: &Money| *value > Money::ZERO && value.to_f64() >= floor;
                cells.iter().filter(|(_, value)| has(value)).map(|(&p, _)| p).collect()
            }
        };
        Specialization::from_rows(n_products, firms.iter().map(row).collect())
    }
}

/// What firms with one product add from the first year to the last.
pub(super) fn additions(
    config: &config::Relatedness,
    context: &Context<'_>,
    cube: &Cube,
) -> Result<space::Relatedness, StageError> {
    let years = &config.proximity_years;
    let ends = [years.iter().min(), years.iter().max()].map(|year| year.copied().unwrap_or(0));
    let [before, after] = ends.map(|year| Firms::of(context, cube, &[year]));
    let (before, after) = (before?, after?);
    let firms: BTreeSet<&String> = before.names().chain(after.names()).collect();
    let firms: Vec<&String> = firms.into_iter().collect();
    let [before, after] = [&before, &after]
        .map(|year| year.specialization(&firms, cube.products.len(), config.firm_floor));
    Ok(revealed_by_additions(&before, &after).floored(0.0))
}
