//! Exports by year, region and product, as matrices: codes become indices here.

use super::{Input, StageError};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type};
use space::Exports;
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// `trade.region_product_year` with its labels.
#[derive(Debug, Clone)]
pub struct Cube {
    /// Region codes, ascending.
    pub regions: Vec<String>,
    /// HS6 codes, ascending.
    pub products: Vec<String>,
    /// Years, ascending.
    pub years: Vec<i32>,
    /// Cells of each year: region, product, value.
    cells: BTreeMap<i32, Vec<(usize, usize, Money)>>,
    /// Regions that reported anything in the year.
    reported: BTreeMap<i32, Vec<bool>>,
}

/// Exports of one or the mean of several years, exact, with what was reported.
#[derive(Debug, Clone)]
pub struct Slice {
    /// As floats, for arithmetic; a region that was not reported has zeros.
    pub exports: Exports,
    /// As money, row after row.
    pub money: Vec<Money>,
    /// Whether each region reported in all the years.
    pub is_reported: Vec<bool>,
}

/// The different codes in order, and the place of each.
pub(super) fn index(
    codes: impl IntoIterator<Item = String>,
) -> (Vec<String>, BTreeMap<String, usize>) {
    let codes: Vec<_> = codes.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let places = codes.iter().cloned().enumerate().map(|(at, code)| (code, at)).collect();
    (codes, places)
}

/// A column of texts.
pub(super) fn texts<'a>(
    batch: &'a RecordBatch,
    column: &str,
) -> Result<&'a arrow::array::StringArray, StageError> {
    Ok(batch.column(batch.schema().index_of(column)?).as_string::<i32>())
}

impl Cube {
    /// Reads `trade.region_product_year`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is not among the inputs, or has no rows.
    pub fn read(input: &Input) -> Result<Self, StageError> {
        let batches = input.get("trade.region_product_year").map_or(&[][..], Vec::as_slice);
        let mut codes = (BTreeSet::new(), BTreeSet::new());
        for batch in batches {
            codes.0.extend(texts(batch, "region_code")?.iter().flatten().map(str::to_owned));
            codes.1.extend(texts(batch, "hs6")?.iter().flatten().map(str::to_owned));
        }
        let (regions, region_at) = index(codes.0);
        let (products, product_at) = index(codes.1);
        let mut cells: BTreeMap<i32, Vec<_>> = BTreeMap::new();
        for batch in batches {
            let schema = batch.schema();
            let years = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
            let values =
                batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
            let (region_codes, hs6) = (texts(batch, "region_code")?, texts(batch, "hs6")?);
            for row in 0..batch.num_rows() {
                let (region, product) =
                    (region_at[region_codes.value(row)], product_at[hs6.value(row)]);
                let value = Money::from_hundredths(values.value(row));
                cells.entry(years.value(row)).or_default().push((region, product, value));
            }
        }
        if cells.is_empty() {
            return Err(StageError::Data(
                "trade.region_product_year has no rows: nothing is left after flow and exclusions"
                    .to_owned(),
            ));
        }
        let reported = cells
            .iter()
            .map(|(&year, cells)| {
                let mut reported = vec![false; regions.len()];
                cells.iter().for_each(|&(region, _, _)| reported[region] = true);
                (year, reported)
            })
            .collect();
        Ok(Self { regions, products, years: cells.keys().copied().collect(), cells, reported })
    }

    fn need(&self, year: i32, what: &str) -> Result<&[(usize, usize, Money)], StageError> {
        self.cells.get(&year).map(Vec::as_slice).ok_or_else(|| {
            let (first, last) = (self.years[0], self.years[self.years.len() - 1]);
            StageError::Data(format!(
                "{what}: year {year} is not in the data, which has {first} to {last}; correct the config, or add the year's files"
            ))
        })
    }

    /// The mean of `years` (one year: itself), rounded to hundredths, halves away from zero.
    ///
    /// A cell that is negative, as corrections can make it, counts as zero in `exports`; `money` keeps it.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`], naming `what` asked, if the data do not have a year.
    pub fn mean(&self, years: &[i32], what: &str) -> Result<Slice, StageError> {
        let n = self.products.len();
        let mut sums = vec![0i128; self.regions.len() * n];
        let mut is_reported = vec![true; self.regions.len()];
        for &year in years {
            for &(region, product, value) in self.need(year, what)? {
                sums[region * n + product] += value.hundredths();
            }
            for (all, this) in is_reported.iter_mut().zip(&self.reported[&year]) {
                *all &= this;
            }
        }
        let count = i128::try_from(years.len().max(1)).unwrap_or(1);
        let money: Vec<_> = sums
            .into_iter()
            .map(|sum| Money::from_hundredths((2 * sum.abs() + count) / (2 * count) * sum.signum()))
            .enumerate()
            .map(|(at, value)| if is_reported[at / n] { value } else { Money::ZERO })
            .collect();
        let values: Vec<f64> = money.iter().map(|value| value.to_f64().max(0.0)).collect();
        let n_negative = money.iter().filter(|value| **value < Money::ZERO).count();
        if n_negative > 0 {
            tracing::warn!(
                cells = n_negative,
                what,
                "region-products with a negative value count as zero"
            );
        }
        let exports = Exports::new(self.regions.len(), n, values)
            .map_err(|error| StageError::Data(format!("{what}: {error}")))?;
        Ok(Slice { exports, money, is_reported })
    }

    /// The sum of `years`, for shares that are pooled over them.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`] if the data do not have a year.
    pub fn pooled(&self, years: &[i32], what: &str) -> Result<Exports, StageError> {
        let n = self.products.len();
        let mut sums = vec![Money::ZERO; self.regions.len() * n];
        for &year in years {
            for &(region, product, value) in self.need(year, what)? {
                sums[region * n + product] += value;
            }
        }
        let values = sums.into_iter().map(|value| value.to_f64().max(0.0)).collect();
        Exports::new(self.regions.len(), n, values)
            .map_err(|error| StageError::Data(format!("{what}: {error}")))
    }
}

impl Slice {
    /// Total of `region`; `None` if it was not reported.
    pub fn region_money(&self, region: usize) -> Option<Money> {
        let n = self.exports.n_products();
        self.is_reported[region].then(|| self.money[region * n..][..n].iter().copied().sum())
    }

    /// Value of a cell; `None` if the region was not reported.
    pub fn cell_money(&self, region: usize, product: usize) -> Option<Money> {
        self.is_reported[region].then(|| self.money[region * self.exports.n_products() + product])
    }

    /// Total of all regions that were reported.
    pub fn total_money(&self) -> Money {
        self.money.iter().copied().sum()
    }
}
