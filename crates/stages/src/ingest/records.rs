//! Records of a block, by column.

use super::super::context::GroupWriter;
use super::super::error::StageError;
use super::super::record_store::CodedRows;
use super::super::row_cells::Words;
use lake::{Cells, Codes};
use std::collections::BTreeSet;
use trade::dictionary_encoding::Dictionaries;
use trade::layout::Measure;
use trade::{CodedBatch, CodedEntry, Column, NO_CODE};

/// Rows of `customs.records`, by column, with codes for texts.
#[derive(Default)]
pub(super) struct RecordColumns {
    /// The columns that are kept, and whether what nobody sums is kept too.
    columns: [bool; Column::ALL.len()],
    is_written: bool,
    source_row: Vec<i64>,
    entry: Vec<u32>,
    /// The years met, and the place of each row's among them.
    years: Vec<i32>,
    year: Vec<u32>,
    month: Vec<u32>,
    codes: [Vec<u32>; Column::ALL.len()],
    ownership_source: Vec<u32>,
    quantity: Vec<f64>,
    value: Vec<i128>,
    rules: Vec<u32>,
    is_excluded: Vec<Option<bool>>,
}

/// Where the ownership of a record is from, by code.
const OWNERSHIP_SOURCES: [&str; 2] = ["field", "fallback"];

impl RecordColumns {
    /// No records yet, which are to be written.
    pub(super) fn to_write() -> Self {
        Self { columns: [true; Column::ALL.len()], is_written: true, ..Self::default() }
    }

    /// No records yet, of which these columns are summed and nothing else is kept.
    pub(super) fn to_sum(columns: [bool; Column::ALL.len()]) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds the record of an entry on this line.
    #[inline]
    pub(super) fn add(&mut self, line: u64, entry: &CodedEntry, (is_excluded, rules): (bool, u32)) {
        let year = self.year_code(entry.year);
        self.year.push(year);
        self.month.push(entry.month.checked_sub(1).unwrap_or(NO_CODE));
        for ((column, code), is_kept) in self.codes.iter_mut().zip(entry.codes).zip(self.columns) {
            if is_kept {
                column.push(code);
            }
        }
        self.value.push(entry.value.hundredths());
        self.is_excluded.push(Some(is_excluded));
        if !self.is_written {
            return;
        }
        self.source_row.push(i64::try_from(line).unwrap_or(i64::MAX));
        self.entry.push(u32::try_from(entry.place).unwrap_or(NO_CODE));
        let has_ownership = entry.codes[Column::Ownership as usize] != NO_CODE;
        let source = u32::from(entry.ownership_is_fallback);
        self.ownership_source.push(if has_ownership { source } else { NO_CODE });
        self.quantity.push(entry.quantity.unwrap_or(f64::NAN));
        self.rules.push(rules);
    }

    /// Adds rows on these lines by column, to be written.
    pub(super) fn extend(
        &mut self,
        entries: &CodedBatch<'_>,
        lines: impl Iterator<Item = u64>,
        counted: &[(bool, u32)],
    ) {
        for &year in entries.year {
            let code = self.year_code(year.cast_signed());
            self.year.push(code);
        }
        let month = |&month: &u32| if month == NO_CODE { NO_CODE } else { month - 1 };
        self.month.extend(entries.month.iter().map(month));
        for (column, codes) in self.codes.iter_mut().zip(entries.codes) {
            column.extend_from_slice(codes);
        }
        self.value.extend(entries.value.iter().map(|value| value.hundredths()));
        self.is_excluded.extend(counted.iter().map(|(is_excluded, _)| Some(*is_excluded)));
        self.rules.extend(counted.iter().map(|(_, rules)| *rules));
        self.source_row.extend(lines.map(|line| i64::try_from(line).unwrap_or(i64::MAX)));
        self.entry.resize(self.source_row.len(), 0);
        let owners = entries.codes[Column::Ownership as usize].iter().zip(entries.ownership_at);
        self.ownership_source.extend(
            owners.map(|(&owner, &at)| if owner == NO_CODE { NO_CODE } else { u32::from(at > 0) }),
        );
        self.quantity.extend_from_slice(entries.quantity);
    }

    fn year_code(&mut self, year: i32) -> u32 {
        let at = self.years.iter().rposition(|&known| known == year).unwrap_or_else(|| {
            self.years.push(year);
            self.years.len() - 1
        });
        u32::try_from(at).unwrap_or(NO_CODE)
    }

    /// The years of the rows.
    pub(super) fn years_met(&self) -> BTreeSet<i32> {
        let mut is_met = vec![false; self.years.len()];
        for &code in &self.year {
            if let Some(is_met) = is_met.get_mut(code as usize) {
                *is_met = true;
            }
        }
        self.years.iter().zip(is_met).filter(|(_, is_met)| *is_met).map(|(year, _)| *year).collect()
    }

    /// How many.
    pub(super) fn n_rows(&self) -> usize {
        self.value.len()
    }

    /// Writes the rows as one group.
    ///
    /// # Errors
    ///
    /// [`StageError`] if they cannot be written.
    pub(super) fn write(
        &self,
        writer: &mut GroupWriter<'_>,
        label: &str,
        measure: &Measure,
        texts: &Dictionaries,
        rule_names: &Vec<String>,
    ) -> Result<(), StageError> {
        let n = self.n_rows();
        let Self { codes, .. } = self;
        let words = Column::ALL.map(|column| Words(texts.of(column)));
        let text = |column: Column| Cells::Texts(&words[column as usize], &codes[column as usize]);
        let sources = OWNERSHIP_SOURCES.to_vec();
        let months: Vec<i32> = (1..=12).collect();
        let n_entries = self.entry.iter().max().map_or(0, |last| last + 1);
        let places: Vec<i32> = (0..i32::try_from(n_entries).unwrap_or(i32::MAX)).collect();
        let columns = [
            ("source_file", Cells::Same(Some(label))),
            ("source_row", Cells::Counts(&self.source_row)),
            ("entry", Cells::Ints(&places, &self.entry)),
            ("year", Cells::Ints(&self.years, &self.year)),
            ("month", Cells::Ints(&months, &self.month)),
            ("flow", text(Column::Flow)),
            ("region_code", text(Column::Region)),
            ("product_code", text(Column::Product)),
            ("product", text(Column::Analysed)),
            ("hs_revision", text(Column::Revision)),
            ("destination", text(Column::Destination)),
            ("trade_mode", text(Column::TradeMode)),
            ("ownership", text(Column::Ownership)),
            ("ownership_source", Cells::Texts(&sources, &self.ownership_source)),
            ("firm", text(Column::Firm)),
            ("firm_name", text(Column::FirmName)),
            ("quantity", Cells::Floats(&self.quantity)),
            ("quantity_unit", text(Column::QuantityUnit)),
            ("fob_value", Cells::Money(&self.value)),
            ("currency", Cells::Same(measure.currency())),
            ("rules", Cells::Texts(rule_names, &self.rules)),
            ("is_excluded", Cells::Flags(&self.is_excluded)),
        ];
        writer.write(n, &columns)
    }

    /// Goes on without the rows.
    pub(super) fn clear(&mut self) {
        self.source_row.clear();
        self.entry.clear();
        self.year.clear();
        self.month.clear();
        self.codes.iter_mut().for_each(Vec::clear);
        self.ownership_source.clear();
        self.quantity.clear();
        self.value.clear();
        self.rules.clear();
        self.is_excluded.clear();
    }
}

/// Entries that are encoded as they are, and what was counted of each.
pub(super) struct Counted<'a>(pub(super) CodedBatch<'a>, pub(super) &'a [(bool, u32)]);

impl CodedRows for Counted<'_> {
    fn n_rows(&self) -> usize {
        self.1.len()
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        |row| self.0.year[row].cast_signed()
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        |row| if self.0.month[row] == NO_CODE { 0 } else { self.0.month[row] }
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        |row| self.0.value[row].hundredths()
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        |row| self.1[row].0
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        Codes::Each(&self.0.codes[column as usize])
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.0.dictionaries.of(column).text(code)
    }
}

/// Rows, and the texts of their codes.
impl CodedRows for (&RecordColumns, &Dictionaries) {
    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        |row| self.0.years[self.0.year[row] as usize]
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        // The code of no month is the last number.
        |row| self.0.month[row].wrapping_add(1)
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        |row| self.0.value[row]
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        |row| self.0.is_excluded[row] == Some(true)
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        Codes::Each(&self.0.codes[column as usize])
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.1.of(column).text(code)
    }
}
