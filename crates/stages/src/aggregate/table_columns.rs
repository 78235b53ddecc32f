//! The rows of the tables that are summed, by column, and their files.

use super::super::context::{Context, Finishing, GroupWriter};
use super::super::error::StageError;
use super::super::record_store::{Texts, WORDS};
use super::super::table::Table;
use super::products::Products;
use super::tables::{
    RegionProductMonth, RegionProductYear, RegionProductYearDestination, RegionProductYearFirm,
    RegionProductYearOwnership, RegionProductYearOwnershipTradeMode, RegionProductYearTradeMode,
    RegionYear,
};
use lake::{Cells, GROUP_ROWS};
use rayon::prelude::*;
use trade::Money;

/// The tables that have rows by year and region, in the order of [`Summed::tables`].
pub(super) const TABLES: [&str; 8] = [
    RegionProductYear::NAME,
    RegionProductYearDestination::NAME,
    RegionProductYearOwnership::NAME,
    RegionProductYearTradeMode::NAME,
    RegionProductYearOwnershipTradeMode::NAME,
    RegionProductYearFirm::NAME,
    RegionProductMonth::NAME,
    RegionYear::NAME,
];

/// Places of [`TABLES`].
const CELLS: usize = 0;
const BOTH: usize = 4;
const FIRMS: usize = 5;
const MONTHS: usize = 6;
const YEARS: usize = 7;

/// Places of [`WORDS`].
pub(super) const DESTINATION: usize = 0;
pub(super) const OWNERSHIP: usize = 1;
pub(super) const TRADE_MODE: usize = 2;
pub(super) const FIRM: usize = 3;

/// The columns of [`WORDS`].
const WORD_COLUMNS: [&str; WORDS.len()] = ["destination", "ownership", "trade_mode", "firm"];

/// The numbers of months, by month.
pub(super) const MONTH_NUMBERS: [i32; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// The texts that the codes of columns stand for.
#[derive(Clone, Copy)]
pub(super) struct ColumnTexts<'a> {
    pub(super) regions: &'a Texts,
    pub(super) words: &'a [Texts; WORDS.len()],
    pub(super) products: &'a Products,
}

/// Rows of one of the tables, by column, with codes for texts. Columns that the table does not have
/// are empty.
#[derive(Debug, Default)]
pub(super) struct TableColumns {
    pub(super) region: Vec<u32>,
    pub(super) product: Vec<u32>,
    pub(super) words: [Vec<u32>; 2],
    pub(super) value: Vec<i128>,
    share: Vec<f64>,
    pub(super) counts: [Vec<i64>; 3],
}

impl TableColumns {
    /// Adds a part of a cell that is worth `whole`, if above zero.
    #[inline]
    pub(super) fn part(
        &mut self,
        (region, product): (u32, u32),
        words: &[u32],
        part: i128,
        whole: Option<f64>,
    ) {
        self.region.push(region);
        self.product.push(product);
        for (column, &word) in self.words.iter_mut().zip(words) {
            column.push(word);
        }
        self.value.push(part);
        let share = whole.map(|whole| Money::from_hundredths(part).to_f64() / whole);
        self.share.push(share.unwrap_or(f64::NAN));
    }

    fn n_rows(&self) -> usize {
        self.value.len()
    }

    fn append(&mut self, other: &Self) {
        fn extend<T: Copy>(column: &mut Vec<T>, more: &[T]) {
            if column.is_empty() && !more.is_empty() {
                // Memory that grows is copied, and what it had lies idle.
                column.reserve_exact(GROUP_ROWS + GROUP_ROWS / 8);
            }
            column.extend_from_slice(more);
        }
        extend(&mut self.region, &other.region);
        extend(&mut self.product, &other.product);
        for (column, more) in self.words.iter_mut().zip(&other.words) {
            extend(column, more);
        }
        extend(&mut self.value, &other.value);
        extend(&mut self.share, &other.share);
        for (column, more) in self.counts.iter_mut().zip(&other.counts) {
            extend(column, more);
        }
    }

    /// Goes on without the rows.
    pub(super) fn clear(&mut self) {
        self.region.clear();
        self.product.clear();
        self.words.iter_mut().for_each(Vec::clear);
        self.value.clear();
        self.share.clear();
        self.counts.iter_mut().for_each(Vec::clear);
    }

    /// Its columns by name, for the table at this place of [`TABLES`].
    fn named<'a>(
        &'a self,
        table: usize,
        year: i32,
        ColumnTexts { regions, words, products }: ColumnTexts<'a>,
    ) -> Vec<(&'static str, Cells<'a>)> {
        let word = |kind: usize, at: usize| {
            (WORD_COLUMNS[kind], Cells::Texts(&words[kind], &self.words[at]))
        };
        let counts = |names: &[&'static str]| {
            let counts = self.counts.iter().map(|counts| Cells::Counts(counts));
            names.iter().copied().zip(counts).collect::<Vec<_>>()
        };
        let mut columns = vec![
            ("year", Cells::SameInt(year)),
            ("region_code", Cells::Texts(regions, &self.region)),
        ];
        if table != YEARS {
            columns.push(("product", Cells::Texts(products, &self.product)));
        }
        match table {
            CELLS | YEARS => {}
            MONTHS => columns.push(("month", Cells::Ints(&MONTH_NUMBERS, &self.words[0]))),
            BOTH => columns.extend([word(OWNERSHIP, 0), word(TRADE_MODE, 1)]),
            FIRMS => columns.push(word(FIRM, 0)),
            _ => columns.push(word(table - 1, 0)),
        }
        columns.push(("fob_value", Cells::Money(&self.value)));
        match table {
            CELLS => columns.extend(counts(&["n_records", "n_destinations", "n_firms"])),
            MONTHS => {}
            YEARS => columns.extend(counts(&["n_products", "n_records"])),
            _ => columns.push(("value_share", Cells::Floats(&self.share))),
        }
        columns
    }
}

/// The sums of a region in a year.
#[derive(Default)]
pub(super) struct Summed {
    pub(super) tables: [TableColumns; TABLES.len()],
}

/// A table's file of the year being summed, and the rows that are not in it yet.
struct TableWriter<'f> {
    table: usize,
    writer: Option<GroupWriter<'f>>,
    columns: TableColumns,
}

impl<'f> TableWriter<'f> {
    fn add(
        &mut self,
        year: i32,
        rows: &TableColumns,
        texts: ColumnTexts<'_>,
        context: &'f Context<'_>,
    ) -> Result<(), StageError> {
        self.columns.append(rows);
        if self.columns.n_rows() >= GROUP_ROWS { self.flush(year, texts, context) } else { Ok(()) }
    }

    fn flush(
        &mut self,
        year: i32,
        texts: ColumnTexts<'_>,
        context: &'f Context<'_>,
    ) -> Result<(), StageError> {
        let n = self.columns.n_rows();
        if n == 0 {
            return Ok(());
        }
        let name = format!("{year}.parquet");
        let writer = context.opened(&mut self.writer, TABLES[self.table], &name)?;
        writer.write(n, &self.columns.named(self.table, year, texts))?;
        self.columns.clear();
        Ok(())
    }

    /// Ends the file of a year, if it has rows.
    fn finish(
        &mut self,
        year: i32,
        texts: ColumnTexts<'_>,
        context: &'f Context<'_>,
    ) -> Result<Option<Finishing<'f>>, StageError> {
        self.flush(year, texts, context)?;
        Ok(self.writer.take().map(GroupWriter::finish_aside))
    }
}

/// The files of a year, of each of [`TABLES`] if it has rows.
pub(super) struct YearFiles<'f> {
    pub(super) year: i32,
    pub(super) files: Vec<Option<Finishing<'f>>>,
}

/// The files of the years, one year after the other.
pub(super) struct YearWriter<'f> {
    year: Option<(i32, &'f Context<'f>)>,
    writers: [TableWriter<'f>; TABLES.len()],
    done: Vec<YearFiles<'f>>,
}

impl<'f> YearWriter<'f> {
    /// No year yet.
    pub(super) fn new() -> Self {
        let writer = |table| TableWriter { table, writer: None, columns: TableColumns::default() };
        Self { year: None, writers: std::array::from_fn(writer), done: Vec::new() }
    }

    /// Writes the sums of regions of `year`, whose files are those of `context`.
    pub(super) fn add(
        &mut self,
        year: i32,
        summed: &[Summed],
        texts: ColumnTexts<'_>,
        context: &'f Context<'f>,
    ) -> Result<(), StageError> {
        if self.year.is_none_or(|(open, _)| open != year) {
            self.end_year(texts)?;
            self.year = Some((year, context));
        }
        let added = self.writers.par_iter_mut().enumerate().map(|(at, writer)| {
            summed.iter().try_for_each(|of| writer.add(year, &of.tables[at], texts, context))
        });
        in_order(added)
    }

    /// Ends the files of the year.
    fn end_year(&mut self, texts: ColumnTexts<'_>) -> Result<(), StageError> {
        let Some((year, context)) = self.year.take() else { return Ok(()) };
        let made = self.writers.par_iter_mut().map(|writer| writer.finish(year, texts, context));
        self.done.push(YearFiles { year, files: in_order(made)? });
        Ok(())
    }

    /// Ends the files of the last year; gives those of all.
    pub(super) fn finish(
        mut self,
        texts: ColumnTexts<'_>,
    ) -> Result<Vec<YearFiles<'f>>, StageError> {
        self.end_year(texts)?;
        Ok(self.done)
    }
}

/// What was made of each of [`TABLES`], or the fault of the first that has one: of a sum that no
/// table holds, always the same place is named.
fn in_order<T: Send, C: FromIterator<T>>(
    made: impl IndexedParallelIterator<Item = Result<T, StageError>>,
) -> Result<C, StageError> {
    made.collect::<Vec<_>>().into_iter().collect()
}
