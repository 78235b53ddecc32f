//! All entries of a raw file as a layout reads them, as rows. [`crate::preview`] shows the first of
//! them beside the text of their rows.

use crate::preview::PreviewError;
use crate::raw_rows;
use arrow::array::{
    ArrayRef, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, RecordBatch,
    StringBuilder,
};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use lake::contract::{self, MONEY};
use lake::{Column, Kind};
use project::layout_file;
use sources::input;
use sources::table_reader::Place;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use trade::layout::Field;
use trade::{Entry, Layout, LeftOut, Money, Reject, Sink};

/// Rows that are gathered until they are a batch.
const BATCH: usize = 65_536;

/// Columns as `customs.records` names them: name, kind, whether they may be null.
const ENTRY: [(&str, Kind, bool); 17] = [
    ("source_file", Kind::Text, false),
    ("source_row", Kind::Count, false),
    ("year", Kind::Int, false),
    ("month", Kind::Int, true),
    ("flow", Kind::Text, false),
    ("region_code", Kind::Text, false),
    ("product_code", Kind::Text, false),
    ("product", Kind::Text, false),
    ("destination", Kind::Text, true),
    ("trade_mode", Kind::Text, true),
    ("ownership", Kind::Text, true),
    ("firm", Kind::Text, true),
    ("firm_name", Kind::Text, true),
    ("quantity", Kind::Float, true),
    ("quantity_unit", Kind::Text, true),
    ("fob_value", Kind::Money, false),
    ("rules", Kind::Text, false),
];

/// Columns as `customs.rejects` names them.
const REJECT: [(&str, Kind, bool); 7] = [
    ("source_file", Kind::Text, false),
    ("source_row", Kind::Count, false),
    ("reason", Kind::Text, false),
    ("column_name", Kind::Text, false),
    ("found", Kind::Text, false),
    ("n_entries", Kind::Count, false),
    ("fob_value", Kind::Money, false),
];

/// What a raw file has.
#[derive(Debug)]
pub struct Entries {
    /// The columns of its entries: those of `customs.records` that a file alone has.
    pub schema: SchemaRef,
    /// Its entries, in the order of the file. `source_row` is a line of a text, and a row of a
    /// table; `rules` are the names of the layout's rules that cover the entry, with commas.
    pub rows: Vec<RecordBatch>,
    /// The columns of its rejects: those of `customs.rejects`.
    pub reject_schema: SchemaRef,
    /// What could not be read, and why.
    pub rejects: Vec<RecordBatch>,
}

fn schema(columns: &[(&str, Kind, bool)]) -> SchemaRef {
    let column = |&(name, kind, is_nullable): &(&str, Kind, bool)| Column {
        name: name.to_owned(),
        kind,
        is_nullable,
        unit: String::new(),
        about: String::new(),
    };
    contract::schema(&columns.iter().map(column).collect::<Vec<_>>())
}

/// A column of money.
fn money() -> Result<Decimal128Builder, ArrowError> {
    Decimal128Builder::new().with_precision_and_scale(MONEY.0, MONEY.1)
}

/// A count that a column of 64 bits holds.
fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Where the row stands that is read.
#[derive(Debug, Default)]
struct At {
    file: String,
    row: i64,
}

/// Columns of entries.
struct EntryColumns {
    file: StringBuilder,
    row: Int64Builder,
    year: Int32Builder,
    month: Int32Builder,
    flow: StringBuilder,
    region: StringBuilder,
    product_code: StringBuilder,
    product: StringBuilder,
    /// Destination, trade mode, ownership, firm and its name.
    others: [StringBuilder; 5],
    quantity: Float64Builder,
    quantity_unit: StringBuilder,
    value: Decimal128Builder,
    rules: StringBuilder,
    n: usize,
}

impl EntryColumns {
    fn new() -> Result<Self, ArrowError> {
        Ok(Self {
            file: StringBuilder::new(),
            row: Int64Builder::new(),
            year: Int32Builder::new(),
            month: Int32Builder::new(),
            flow: StringBuilder::new(),
            region: StringBuilder::new(),
            product_code: StringBuilder::new(),
            product: StringBuilder::new(),
            others: Default::default(),
            quantity: Float64Builder::new(),
            quantity_unit: StringBuilder::new(),
            value: money()?,
            rules: StringBuilder::new(),
            n: 0,
        })
    }

    fn add(&mut self, at: &At, layout: &Layout, entry: &Entry<'_>) {
        self.file.append_value(&at.file);
        self.row.append_value(at.row);
        self.year.append_value(entry.year);
        self.month.append_option(entry.month);
        self.flow.append_value(&entry.flow);
        self.region.append_value(&entry.region);
        self.product_code.append_value(entry.product.as_str());
        self.product.append_value(entry.product.analysed());
        let others = [
            &entry.destination,
            &entry.trade_mode,
            &entry.ownership,
            &entry.firm,
            &entry.firm_name,
        ];
        for (column, text) in self.others.iter_mut().zip(others) {
            column.append_option(text.as_deref());
        }
        self.quantity.append_option(entry.quantity);
        self.quantity_unit.append_option(entry.quantity_unit.as_deref());
        self.value.append_value(entry.value.hundredths());
        let rules = layout.rules.iter().enumerate();
        let rules = rules.filter(|(at, _)| (entry.rules >> at) & 1 == 1);
        let rules: Vec<&str> = rules.map(|(_, rule)| rule.name.as_str()).collect();
        self.rules.append_value(rules.join(", "));
        self.n += 1;
    }

    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        self.n = 0;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.file.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.year.finish()),
            Arc::new(self.month.finish()),
            Arc::new(self.flow.finish()),
            Arc::new(self.region.finish()),
            Arc::new(self.product_code.finish()),
            Arc::new(self.product.finish()),
        ];
        for column in &mut self.others {
            columns.push(Arc::new(column.finish()));
        }
        columns.push(Arc::new(self.quantity.finish()));
        columns.push(Arc::new(self.quantity_unit.finish()));
        columns.push(Arc::new(self.value.finish()));
        columns.push(Arc::new(self.rules.finish()));
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

/// Columns of rejects.
struct RejectColumns {
    file: StringBuilder,
    row: Int64Builder,
    reason: StringBuilder,
    column: StringBuilder,
    found: StringBuilder,
    n_entries: Int64Builder,
    value: Decimal128Builder,
    n: usize,
}

impl RejectColumns {
    fn new() -> Result<Self, ArrowError> {
        Ok(Self {
            file: StringBuilder::new(),
            row: Int64Builder::new(),
            reason: StringBuilder::new(),
            column: StringBuilder::new(),
            found: StringBuilder::new(),
            n_entries: Int64Builder::new(),
            value: money()?,
            n: 0,
        })
    }

    fn add(&mut self, at: &At, reject: &Reject) {
        self.file.append_value(&at.file);
        self.row.append_value(at.row);
        self.reason.append_value(reject.reason.code());
        self.column.append_value(&reject.column);
        self.found.append_value(&reject.found);
        self.n_entries.append_value(count(reject.n_entries));
        self.value.append_value(reject.value.hundredths());
        self.n += 1;
    }

    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        self.n = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.file.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.column.finish()),
            Arc::new(self.found.finish()),
            Arc::new(self.n_entries.finish()),
            Arc::new(self.value.finish()),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

/// Gathers what becomes of rows.
struct Gathering {
    at: At,
    entries: EntryColumns,
    rejects: RejectColumns,
    found: Entries,
    n_rejected: u64,
}

/// A row that is read.
struct OfRow<'g> {
    layout: &'g Layout,
    at: &'g At,
    entries: &'g mut EntryColumns,
    rejects: &'g mut RejectColumns,
    n_rejected: &'g mut u64,
}

impl Sink for OfRow<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        self.entries.add(self.at, self.layout, entry);
    }

    fn reject(&mut self, reject: Reject) {
        *self.n_rejected += reject.n_entries;
        self.rejects.add(self.at, &reject);
    }

    // The layout leaves them out, and gives them codes.
    fn left_out(&mut self, _: LeftOut, _: u64, _: Money) {}

    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

impl Gathering {
    fn new() -> Result<Self, ArrowError> {
        Ok(Self {
            at: At::default(),
            entries: EntryColumns::new()?,
            rejects: RejectColumns::new()?,
            found: Entries {
                schema: schema(&ENTRY),
                rows: Vec::new(),
                reject_schema: schema(&REJECT),
                rejects: Vec::new(),
            },
            n_rejected: 0,
        })
    }

    /// Makes batches of columns of at least so many rows.
    fn cut(&mut self, n_rows: usize) -> Result<(), ArrowError> {
        if self.entries.n >= n_rows {
            self.found.rows.push(self.entries.batch(&self.found.schema)?);
        }
        if self.rejects.n >= n_rows {
            self.found.rejects.push(self.rejects.batch(&self.found.reject_schema)?);
        }
        Ok(())
    }
}

impl Entries {
    /// Reads a file, or all files of an archive, by a layout.
    ///
    /// # Errors
    ///
    /// [`PreviewError`], naming the file at fault.
    pub fn read(path: &Path, layout: &Path) -> Result<Self, PreviewError> {
        let told = layout_file::read(layout)?;
        let failed = |why: String| PreviewError::File { path: path.to_owned(), why };
        let label = path.display().to_string();
        let items = input::items_at(path, &label)
            .and_then(|items| input::by_sheet(items, told.sheets.as_ref()))
            .map_err(|error| failed(error.to_string()))?;
        let of_arrow = |error: ArrowError| failed(error.to_string());
        let mut gathering = Gathering::new().map_err(of_arrow)?;
        for item in &items {
            gathering.at.file.clone_from(&item.label);
            let mut broken = None;
            let seen = raw_rows::each_by_layout(item, &told, |row, parser, layout| {
                gathering.at.row = match row.place {
                    Place::Line(n) | Place::Row(n) => count(n),
                };
                let Gathering { at, entries, rejects, n_rejected, .. } = &mut gathering;
                row.parse(parser, &mut OfRow { layout, at, entries, rejects, n_rejected });
                match gathering.cut(BATCH) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        broken = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
            let seen = seen.map_err(failed)?;
            if let Some(error) = broken {
                return Err(of_arrow(error));
            }
            tracing::info!(file = item.label, "{seen}");
        }
        gathering.cut(1).map_err(of_arrow)?;
        if gathering.n_rejected > 0 {
            tracing::warn!(
                entries = gathering.n_rejected,
                "entries are rejected: they are not among the rows"
            );
        }
        Ok(gathering.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::{Decimal128Type, Int64Type};

    #[test]
    fn all_entries_of_a_file_are_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let (layout, file) = (folder.path().join("layout.yaml"), folder.path().join("raw.csv"));
        std::fs::write(
            &layout,
            "name: t\nfields:\n  year: {column: [y]}\n  flow: {constant: export}\n  region: {column: [r]}\n  \
             product: {column: [p]}\n  value: {column: [v]}\n\
             product: {digits: 6, restore_leading_zero: true, revisions: [{from: 2007, to: 2011, revision: HS2007}]}\n\
             value: {currency: AUD, decimal: \".\", thousands: null, multiplier: 1, negative: reject, zero: keep}\n",
        )
        .expect("written");
        let rows: String =
            (0..70_000).map(|n| format!("2008,R{},010110,{n}.25\n", n % 3)).collect();
        std::fs::write(&file, format!("y,r,p,v\n{rows}2008,R1,010110,much\n")).expect("written");
        let found = Entries::read(&file, &layout).expect("readable");
        let n: usize = found.rows.iter().map(RecordBatch::num_rows).sum();
        assert_eq!((n, found.rows.len()), (70_000, 2));
        let last = &found.rows[1];
        let value = last.column_by_name("fob_value").expect("a column");
        assert_eq!(value.as_primitive::<Decimal128Type>().value(last.num_rows() - 1), 6_999_925);
        let row = last.column_by_name("source_row").expect("a column");
        assert_eq!(row.as_primitive::<Int64Type>().value(last.num_rows() - 1), 70_001);
        let reject = &found.rejects[0];
        let text =
            |name| reject.column_by_name(name).expect("a column").as_string::<i32>().value(0);
        assert_eq!((text("reason"), text("found")), ("not_a_number", "much"));
        assert_eq!(reject.num_rows(), 1);
    }
}
