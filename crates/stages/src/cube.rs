//! Exports by period, region and product (or another part of a region's exports), as matrices:
//! codes become indices here.

use super::context::Context;
use super::error::StageError;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use space::Exports;
use std::collections::{BTreeMap, BTreeSet};
use trade::interner::Interner;
use trade::plausibility::Cell;
use trade::{Frequency, Money, Period};

/// A table of exports by period, region and product with its labels.
#[derive(Debug, Clone)]
pub struct Cube {
    /// Region codes, ascending.
    pub regions: Vec<String>,
    /// Product codes (or what else divides a region's exports), ascending.
    pub products: Vec<String>,
    /// Places of the periods, ascending: years are their own.
    pub years: Vec<i32>,
    /// How long the periods are.
    pub frequency: Frequency,
    /// Cells of each period.
    cells: BTreeMap<i32, Vec<CubeCell>>,
    /// Cells below zero, as corrections can make them, which count as zero: how many, and their
    /// sum, by period.
    negative: BTreeMap<i32, (usize, Money)>,
    /// Regions that reported anything in the period; in its year, if it is shorter.
    reported: BTreeMap<i32, Vec<bool>>,
}

/// Exports of a region in a product, by their places.
#[derive(Debug, Clone, Copy)]
struct CubeCell {
    region: usize,
    product: usize,
    value: Money,
}

/// Exports of a region in a product and period, by the places of region and product among the codes
/// of a cube.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Place of the period.
    pub period: i32,
    /// Place of the region.
    pub region: usize,
    /// Place of the product.
    pub product: usize,
    /// Exports.
    pub value: Money,
}

/// Exports of one or the mean of several years, exact, with what was reported.
#[derive(Debug, Clone)]
pub struct Slice {
    /// As floats, for arithmetic, not rounded to hundredths; a region that was not reported has
    /// zeros.
    pub exports: Exports,
    /// Sums over the years, row after row.
    sums: Vec<Money>,
    /// Years.
    n_periods: usize,
    /// Whether each region reported in all the years.
    pub is_reported: Vec<bool>,
}

/// Exports by year, region and product.
pub(super) const CELLS: &str = "trade.region_product_year";

/// The different codes in order, and the place of each.
pub(super) fn index(
    codes: impl IntoIterator<Item = String>,
) -> (Vec<String>, BTreeMap<String, usize>) {
    let codes: Vec<_> = codes.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let places = codes.iter().cloned().enumerate().map(|(at, code)| (code, at)).collect();
    (codes, places)
}

/// A column of a batch with coded texts, and the code that each entry of its dictionary has in
/// `dictionary`.
pub(super) fn coded<'b>(
    batch: &'b RecordBatch,
    column: &str,
    dictionary: &mut Interner,
) -> Result<(&'b arrow::array::DictionaryArray<Int32Type>, Vec<u32>), StageError> {
    let column = batch.column(batch.schema().index_of(column)?).as_dictionary::<Int32Type>();
    let texts = column.values().as_string::<i32>();
    let codes = (0..texts.len()).map(|at| dictionary.code(texts.value(at))).collect();
    Ok((column, codes))
}

/// A column of texts.
pub(super) fn texts<'a>(
    batch: &'a RecordBatch,
    column: &str,
) -> Result<&'a arrow::array::StringArray, StageError> {
    Ok(batch.column(batch.schema().index_of(column)?).as_string::<i32>())
}

/// The texts of a dictionary, in the order of their codes.
fn words(dictionary: &Interner) -> impl Iterator<Item = &str> {
    let n = u32::try_from(dictionary.n_texts()).unwrap_or(0);
    (0..n).map(move |code| dictionary.text(code))
}

/// Exports of a region in a part and period, by the codes of a file.
struct FileSum {
    place: i32,
    region: u32,
    part: u32,
    value: Money,
}

/// What a file of a table has rows of.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SumCodes {
    /// Regions.
    pub(super) regions: BTreeSet<String>,
    /// What divides a region's exports.
    pub(super) parts: BTreeSet<String>,
    /// Places of the periods.
    pub(super) places: BTreeSet<i32>,
}

/// The exports of one file of a table, by period, region and part.
#[derive(Default)]
pub(super) struct FileSums {
    regions: Interner,
    parts: Interner,
    /// Region after region; of a region, period after period.
    sums: Vec<FileSum>,
    /// The region being read, whose rows stand together.
    region: Option<u32>,
    /// Its sums so far, by period and part.
    open: BTreeMap<(i32, u32), Money>,
}

impl FileSums {
    /// Reads a file of one of the tables that the stage reads; see [`TableSums::read`].
    pub(super) fn read(
        context: &Context<'_>,
        table: &str,
        file: &lake::DataFile,
        column: &str,
        frequency: Frequency,
    ) -> Result<Self, StageError> {
        let mut columns = vec!["year", "region_code", column, "fob_value"];
        columns.extend((frequency != Frequency::Year).then_some("month"));
        let mut found = Self::default();
        context.each_coded(table, file, &columns, |batch| found.add(batch, column, frequency))?;
        found.close();
        Ok(found)
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        column: &str,
        frequency: Frequency,
    ) -> Result<(), StageError> {
        let schema = batch.schema();
        let ints = |name: &str| {
            Ok::<_, StageError>(batch.column(schema.index_of(name)?).as_primitive::<Int32Type>())
        };
        let years = ints("year")?;
        let months = if frequency == Frequency::Year { None } else { Some(ints("month")?) };
        let values = batch.column(schema.index_of("fob_value")?);
        let values = values.as_primitive::<Decimal128Type>().values();
        let (codes, known) = coded(batch, "region_code", &mut self.regions)?;
        let (parts, of_parts) = coded(batch, column, &mut self.parts)?;
        for row in 0..batch.num_rows() {
            let (Some(code), Some(part)) = (codes.key(row), parts.key(row)) else { continue };
            let (region, part) = (known[code], of_parts[part]);
            if self.region != Some(region) {
                self.close();
                self.region = Some(region);
            }
            let place = match months {
                None => years.value(row),
                Some(months) => frequency.of_month(years.value(row), months.value(row)).place,
            };
            *self.open.entry((place, part)).or_default() += Money::from_hundredths(values[row]);
        }
        Ok(())
    }

    /// What it has rows of.
    pub(super) fn codes(&self) -> SumCodes {
        let all = |codes: &Interner| words(codes).map(str::to_owned).collect();
        SumCodes {
            regions: all(&self.regions),
            parts: all(&self.parts),
            places: self.sums.iter().map(|sum| sum.place).collect(),
        }
    }

    /// Puts the sums of the region that was read among those of the file.
    fn close(&mut self) {
        if let Some(region) = self.region.take() {
            let sums = std::mem::take(&mut self.open).into_iter();
            let sum = |((place, part), value)| FileSum { place, region, part, value };
            self.sums.extend(sums.map(sum));
        }
    }
}

/// The exports of a table by period, region and part, as they stand there: cells below zero too.
pub(super) struct TableSums {
    /// Region codes, ascending.
    pub(super) regions: Vec<String>,
    /// What divides a region's exports, ascending.
    pub(super) parts: Vec<String>,
    /// Cells of each period.
    cells: BTreeMap<i32, Vec<CubeCell>>,
}

impl TableSums {
    /// Reads a table file by file: its exports by region and `column`, summed over all else; by
    /// quarter or month if `frequency` says so, from its column `month`. `None` if it has no rows.
    pub(super) fn read(
        context: &Context<'_>,
        table: &str,
        column: &str,
        frequency: Frequency,
    ) -> Result<Option<Self>, StageError> {
        let read = |file: &lake::DataFile| FileSums::read(context, table, file, column, frequency);
        let found: Vec<FileSums> =
            context.files_of(table)?.par_iter().map(read).collect::<Result<_, _>>()?;
        let all = |of: fn(&FileSums) -> &Interner| {
            index(found.iter().map(of).flat_map(words).map(str::to_owned)).0
        };
        let codes = (all(|file| &file.regions), all(|file| &file.parts));
        let sums = Self::of(found, codes);
        Ok((!sums.cells.is_empty()).then_some(sums))
    }

    /// The sums of files, of which these are the regions and parts of all, ascending.
    fn of(found: Vec<FileSums>, (regions, parts): (Vec<String>, Vec<String>)) -> Self {
        let places = |codes: &[String]| -> BTreeMap<String, usize> {
            codes.iter().cloned().enumerate().map(|(at, code)| (code, at)).collect()
        };
        let (region_at, part_at) = (places(&regions), places(&parts));
        let mut cells: BTreeMap<i32, Vec<CubeCell>> = BTreeMap::new();
        for file in found {
            let of_regions: Vec<usize> = words(&file.regions).map(|text| region_at[text]).collect();
            let of_parts: Vec<usize> = words(&file.parts).map(|text| part_at[text]).collect();
            // Rows of one period stand together.
            for sums in file.sums.chunk_by(|a, b| a.place == b.place) {
                let cell = |sum: &FileSum| CubeCell {
                    region: of_regions[sum.region as usize],
                    product: of_parts[sum.part as usize],
                    value: sum.value,
                };
                cells.entry(sums[0].place).or_default().extend(sums.iter().map(cell));
            }
        }
        Self { regions, parts, cells }
    }

    /// How many periods there are.
    pub(super) fn n_periods(&self) -> usize {
        self.cells.len()
    }

    /// The cells, by the places of region, part and period.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> + Clone {
        self.cells.values().enumerate().flat_map(|(period, cells)| {
            cells.iter().map(move |cell| Cell {
                row: cell.region,
                column: cell.product,
                period,
                value: cell.value.to_f64(),
            })
        })
    }
}

impl Cube {
    /// The sums of `entries` in periods of one length; `regions` and `products` ascend.
    ///
    /// # Panics
    ///
    /// If an entry is of a region or product that is not among them.
    pub fn new(
        (regions, products): (Vec<String>, Vec<String>),
        frequency: Frequency,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Self {
        let mut cells: BTreeMap<i32, Vec<CubeCell>> = BTreeMap::new();
        for Entry { period, region, product, value } in entries {
            cells.entry(period).or_default().push(CubeCell { region, product, value });
        }
        for cells in cells.values_mut() {
            cells.sort_by_key(|cell| (cell.region, cell.product));
            cells.dedup_by(|next, sum| {
                let is_same = (next.region, next.product) == (sum.region, sum.product);
                if is_same {
                    sum.value += next.value;
                }
                is_same
            });
        }
        Self::of(regions, products, frequency, cells)
    }

    fn of(
        regions: Vec<String>,
        products: Vec<String>,
        frequency: Frequency,
        mut cells: BTreeMap<i32, Vec<CubeCell>>,
    ) -> Self {
        let mut negative: BTreeMap<i32, (usize, Money)> = BTreeMap::new();
        for (&place, cells) in &mut cells {
            for cell in cells.iter_mut().filter(|cell| cell.value < Money::ZERO) {
                let sum = negative.entry(place).or_default();
                sum.0 += 1;
                sum.1 += cell.value;
                cell.value = Money::ZERO;
            }
        }
        let mut of_year: BTreeMap<i32, Vec<bool>> = BTreeMap::new();
        let year = |place: i32| Period { frequency, place }.year();
        for (&place, cells) in &cells {
            let reported = of_year.entry(year(place)).or_insert_with(|| vec![false; regions.len()]);
            cells.iter().for_each(|cell| reported[cell.region] = true);
        }
        let reported = cells.keys().map(|&place| (place, of_year[&year(place)].clone())).collect();
        let years = cells.keys().copied().collect();
        Self { regions, products, years, frequency, cells, negative, reported }
    }

    /// The same with a region that has no rows in a period as one that exported nothing.
    #[must_use]
    pub fn with_absent_as_zero(mut self) -> Self {
        self.reported.values_mut().for_each(|reported| reported.fill(true));
        self
    }

    /// Cells below zero in these periods and those trailing them, which count as zero: how many,
    /// and their sum.
    pub fn negative(&self, periods: &[i32], trailing: usize) -> (usize, Money) {
        let trailing = i32::try_from(trailing).unwrap_or(i32::MAX);
        let places = periods.iter().flat_map(|&last| last - trailing + 1..=last);
        places
            .filter_map(|place| self.negative.get(&place))
            .fold((0, Money::ZERO), |sum, more| (sum.0 + more.0, sum.1 + more.1))
    }

    /// Reads some files of `trade.region_product_year`, of which these are the regions and products
    /// of all, ascending.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is not one of the stage's inputs, or the lake fails.
    pub(super) fn of_files(
        context: &Context<'_>,
        files: &[lake::DataFile],
        codes: (Vec<String>, Vec<String>),
    ) -> Result<Self, StageError> {
        let read = |file| FileSums::read(context, CELLS, file, "product", Frequency::Year);
        let found = files.par_iter().map(read).collect::<Result<_, _>>()?;
        let sums = TableSums::of(found, codes);
        let cube = Self::of(sums.regions, sums.parts, Frequency::Year, sums.cells);
        cube.warn_of_negative(CELLS);
        Ok(cube)
    }

    /// The exports of some files of `table`, of all of which these are the regions and parts,
    /// ascending.
    pub(super) fn of_sums(
        table: &str,
        frequency: Frequency,
        found: Vec<FileSums>,
        codes: (Vec<String>, Vec<String>),
    ) -> Self {
        let sums = TableSums::of(found, codes);
        let cube = Self::of(sums.regions, sums.parts, frequency, sums.cells);
        cube.warn_of_negative(table);
        cube
    }

    /// The same with all periods that there are, of which it has the cells of some: what is not
    /// there is said with them, and levels begin with the first.
    #[must_use]
    pub(super) fn among(mut self, periods: &[i32]) -> Self {
        periods.clone_into(&mut self.years);
        self
    }

    fn warn_of_negative(&self, table: &str) {
        if !self.negative.is_empty() {
            let (cells, value) = self.negative(&self.years, 1);
            tracing::warn!(cells, %value, table, "cells below zero count as zero");
        }
    }

    /// The same with products in the place of regions and regions in that of products. What is not
    /// exported is zero.
    pub fn transposed(&self) -> Self {
        let turned = |&CubeCell { region, product, value }: &CubeCell| CubeCell {
            region: product,
            product: region,
            value,
        };
        let turn = |cells: &Vec<CubeCell>| cells.iter().map(turned).collect();
        let (regions, products) = (self.products.clone(), self.regions.clone());
        let cells = self.cells.par_iter().map(|(&place, cells)| (place, turn(cells))).collect();
        let mut cube = Self::of(regions, products, self.frequency, cells);
        cube.reported.values_mut().for_each(|reported| reported.fill(true));
        cube
    }

    /// The same with nothing reported by regions other than these.
    #[must_use]
    pub fn only(&self, is_kept: &[bool]) -> Self {
        let keep = |cells: &Vec<CubeCell>| {
            cells.iter().copied().filter(|cell| is_kept[cell.region]).collect::<Vec<_>>()
        };
        let cells = self.cells.iter().map(|(&place, cells)| (place, keep(cells))).collect();
        let (regions, products) = (self.regions.clone(), self.products.clone());
        let mut cube = Self::of(regions, products, self.frequency, cells);
        cube.reported.clone_from(&self.reported);
        for reported in cube.reported.values_mut() {
            reported.iter_mut().zip(is_kept).for_each(|(reported, is_kept)| *reported &= is_kept);
        }
        cube
    }

    /// The same with the regions of one of `groups` as one; a region that was not reported counts
    /// as nothing.
    pub fn merged(&self, groups: &[String]) -> Self {
        let (names, at) = index(groups.iter().cloned());
        let places: Vec<usize> = groups.iter().map(|group| at[group]).collect();
        let n = self.products.len();
        let merge = |cells: &Vec<CubeCell>| {
            let mut sums = vec![None; names.len() * n];
            for &CubeCell { region, product, value } in cells {
                *sums[places[region] * n + product].get_or_insert(Money::ZERO) += value;
            }
            let cell = |(at, sum): (usize, Option<Money>)| {
                Some(CubeCell { region: at / n, product: at % n, value: sum? })
            };
            sums.into_iter().enumerate().filter_map(cell).collect()
        };
        let cells = self.cells.par_iter().map(|(&place, cells)| (place, merge(cells))).collect();
        Self::of(names, self.products.clone(), self.frequency, cells)
    }

    /// The cells, period after period; those below zero are zero.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.cells.iter().flat_map(|(&period, cells)| {
            cells.iter().map(move |&CubeCell { region, product, value }| Entry {
                period,
                region,
                product,
                value,
            })
        })
    }

    /// The period at a place.
    pub fn period(&self, place: i32) -> Period {
        Period { frequency: self.frequency, place }
    }

    /// Each region's level in every period from the first to the last of the data, for the sums of
    /// `trailing` periods; `None` where it was not reported.
    pub fn levels(&self, trailing: usize) -> Vec<Vec<Option<f64>>> {
        let (Some(&first), Some(&last)) = (self.years.first(), self.years.last()) else {
            return Vec::new();
        };
        let n = usize::try_from(last - first + 1).unwrap_or(0);
        let mut totals: Vec<Vec<Option<Money>>> = vec![vec![None; n]; self.regions.len()];
        for (&place, cells) in &self.cells {
            let at = usize::try_from(place - first).unwrap_or(0);
            for (region, is_reported) in self.reported[&place].iter().enumerate() {
                totals[region][at] = is_reported.then_some(Money::ZERO);
            }
            for cell in cells {
                if let Some(total) = &mut totals[cell.region][at] {
                    *total += cell.value;
                }
            }
        }
        let trailed = |levels: Vec<Option<Money>>| {
            (0..n)
                .map(|at| {
                    let first = (at + 1).checked_sub(trailing)?;
                    levels[first..=at].iter().copied().sum::<Option<Money>>()
                })
                .map(|sum| sum.map(Money::to_f64))
                .collect()
        };
        totals.into_iter().map(trailed).collect()
    }

    /// Whether the data have all periods whose sum stands for the one at `place`.
    pub fn has(&self, place: i32, trailing: usize) -> bool {
        let trailing = i32::try_from(trailing).unwrap_or(i32::MAX);
        (place - trailing + 1..=place).all(|place| self.cells.contains_key(&place))
    }

    fn need(&self, place: i32, what: &str) -> Result<&[CubeCell], StageError> {
        self.cells.get(&place).map(Vec::as_slice).ok_or_else(|| {
            let period = self.period(place);
            let [first, last] = [self.years[0], self.years[self.years.len() - 1]].map(|p| self.period(p));
            let kind = self.frequency;
            StageError::Data(format!(
                "{what}: {kind} {period} is not in the data, which has {first} to {last}; correct the config, or add the {kind}'s files"
            ))
        })
    }

    /// The mean of `periods` (one: itself), each the sum of the `trailing` periods that end with
    /// it.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`], naming `what` asked, if the data do not have a period.
    pub fn slice(&self, periods: &[i32], trailing: usize, what: &str) -> Result<Slice, StageError> {
        let n = self.products.len();
        let mut sums = vec![Money::ZERO; self.regions.len() * n];
        let mut is_reported = vec![true; self.regions.len()];
        let trailing = i32::try_from(trailing).unwrap_or(i32::MAX);
        for place in periods.iter().flat_map(|&last| last - trailing + 1..=last) {
            for &CubeCell { region, product, value } in self.need(place, what)? {
                sums[region * n + product] += value;
            }
            for (all, this) in is_reported.iter_mut().zip(&self.reported[&place]) {
                *all &= this;
            }
        }
        for (at, sum) in sums.iter_mut().enumerate() {
            if !is_reported[at / n] {
                *sum = Money::ZERO;
            }
        }
        let n_periods = periods.len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "a few periods")]
        let count = n_periods as f64;
        let values: Vec<f64> = sums.iter().map(|sum| sum.to_f64() / count).collect();
        let exports = Exports::new(self.regions.len(), n, values)
            .map_err(|error| StageError::Data(format!("{what}: {error}")))?;
        Ok(Slice { exports, sums, n_periods, is_reported })
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
            for &CubeCell { region, product, value } in self.need(year, what)? {
                sums[region * n + product] += value;
            }
        }
        let values = sums.into_iter().map(Money::to_f64).collect();
        Exports::new(self.regions.len(), n, values)
            .map_err(|error| StageError::Data(format!("{what}: {error}")))
    }
}

impl Slice {
    /// The mean that a sum over the years gives, rounded to hundredths, halves up.
    fn mean(&self, sum: Money) -> Money {
        let count = i128::try_from(self.n_periods).unwrap_or(1);
        Money::from_hundredths((2 * sum.hundredths() + count) / (2 * count))
    }

    /// Total of `region`, rounded to hundredths; `None` if it was not reported.
    pub fn region_money(&self, region: usize) -> Option<Money> {
        let n = self.exports.n_products();
        let sum: Money = self.sums[region * n..][..n].iter().copied().sum();
        self.is_reported[region].then(|| self.mean(sum))
    }

    /// Value of a cell, rounded to hundredths; `None` if the region was not reported.
    pub fn cell_money(&self, region: usize, product: usize) -> Option<Money> {
        let at = region * self.exports.n_products() + product;
        self.is_reported[region].then(|| self.mean(self.sums[at]))
    }

    /// Total of all regions that were reported, rounded to hundredths.
    pub fn total_money(&self) -> Money {
        self.mean(self.sums.iter().copied().sum())
    }
}
