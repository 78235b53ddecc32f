//! The records in a file of their table.

use super::super::context::Context;
use super::super::error::StageError;
use super::coded_rows::{CodedRows, RECORDS};
use super::collector::Collector;
use super::encoder::RecordEncoder;
use lake::{CodedReader, Codes, DataFile};
use trade::{Column, NO_CODE};

/// The name of a column in the table of records.
fn name_of(column: Column) -> &'static str {
    match column {
        Column::Flow => "flow",
        Column::Region => "region_code",
        Column::Product => "product_code",
        Column::Analysed => "product",
        Column::Revision => "hs_revision",
        Column::Destination => "destination",
        Column::TradeMode => "trade_mode",
        Column::Ownership => "ownership",
        Column::Firm => "firm",
        Column::FirmName => "firm_name",
        Column::QuantityUnit => "quantity_unit",
    }
}

/// Rows that are read together: few enough to stay in the processor's cache.
const READ_ROWS: usize = 4096;

/// The columns of a file of records, read batch after batch.
pub(super) struct FileRows {
    reader: CodedReader,
    n_rows: usize,
    /// The places of the columns that a text, year, month, value or flag is in.
    texts: [Option<usize>; Column::ALL.len()],
    year: usize,
    month: Option<usize>,
    value: usize,
    is_excluded: usize,
}

impl FileRows {
    pub(super) fn open(
        context: &Context<'_>,
        file: &DataFile,
        collector: &Collector,
    ) -> Result<Self, StageError> {
        let is_kept = collector.columns();
        let texts: Vec<Column> =
            Column::ALL.into_iter().filter(|column| is_kept[*column as usize]).collect();
        let months = collector.keeps_months.then_some("month");
        let columns: Vec<&str> = ["year", "fob_value", "is_excluded"]
            .into_iter()
            .chain(texts.iter().map(|column| name_of(*column)))
            .chain(months)
            .collect();
        let of_text = |column| Some(3 + texts.iter().position(|text| *text == column)?);
        Ok(Self {
            reader: context.coded(RECORDS, file, &columns)?,
            n_rows: 0,
            texts: Column::ALL.map(of_text),
            year: 0,
            month: months.map(|_| columns.len() - 1),
            value: 1,
            is_excluded: 2,
        })
    }

    /// Reads the next rows; whether there are some. `encoder` forgets what their codes do not stand
    /// for any more.
    pub(super) fn read(&mut self, encoder: &mut RecordEncoder) -> Result<bool, StageError> {
        self.n_rows = self.reader.read(READ_ROWS)?;
        if self.reader.is_new_group() {
            encoder.forget();
        }
        Ok(self.n_rows > 0)
    }
}

impl CodedRows for FileRows {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        let (codes, years) = (self.reader.codes(self.year), self.reader.ints(self.year));
        move |row| years[codes.of(row) as usize]
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        let months = self.month.map(|at| (self.reader.codes(at), self.reader.ints(at)));
        move |row| {
            let month = months.and_then(|(codes, months)| months.get(codes.of(row) as usize));
            month.map_or(0, |month| (*month).clamp(0, 12).unsigned_abs())
        }
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        let values = self.reader.money(self.value);
        |row| values[row]
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        let codes = self.reader.codes(self.is_excluded);
        move |row| codes.of(row) == 1
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        self.texts[column as usize].map_or(Codes::Same(NO_CODE), |at| self.reader.codes(at))
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.texts[column as usize].map_or("", |at| self.reader.text(at, code))
    }
}
