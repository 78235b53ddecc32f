//! Writing one version of one table.

use crate::contract::{Kind, MONEY_LIMIT, money_text};
use crate::error::LakeError;
use crate::object::Object;
use crate::properties::{GROUP_ROWS, properties};
use crate::store::Lake;
use crate::version::{DataFile, TableVersion};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_comparator};
use arrow::compute::{BatchCoalescer, SortOptions};
use arrow::datatypes::{DataType, Decimal128Type, FieldRef, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Rows of a batch that is handed to the Parquet writer. The number is fixed, so that the bytes do
/// not depend on how the rows were cut before.
const BATCH_ROWS: usize = 16_384;

/// Writes one Parquet file of a version. Rows must come in ascending order of the key, without
/// repeats.
pub struct TableWriter {
    table: String,
    name: String,
    schema: SchemaRef,
    batches: BatchCoalescer,
    file: SerializedFileWriter<Vec<u8>>,
    groups: ArrowRowGroupWriterFactory,
    /// The columns of the row group that is being written.
    columns: Vec<ArrowColumnWriter>,
    /// Its rows.
    n_in_group: usize,
    object: Object,
    bytes: u64,
    key: KeyOrder,
    rows: u64,
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter")
            .field("table", &self.table)
            .field("name", &self.name)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl TableWriter {
    pub(crate) fn new(lake: &Lake, version: &TableVersion, name: &str) -> Result<Self, LakeError> {
        let schema = version.schema();
        let unwritable = |source| LakeError::Parquet { table: version.table.clone(), source };
        let properties = properties(version).map_err(unwritable)?;
        let (file, groups) =
            ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))
                .and_then(ArrowWriter::into_serialized_writer)
                .map_err(unwritable)?;
        Ok(Self {
            table: version.table.clone(),
            name: name.to_owned(),
            batches: BatchCoalescer::new(Arc::clone(&schema), BATCH_ROWS),
            key: KeyOrder { columns: version.key_columns()?, last: None },
            schema,
            file,
            groups,
            columns: Vec::new(),
            n_in_group: 0,
            object: Object::of_version(lake, version, name),
            bytes: 0,
            rows: 0,
        })
    }

    /// Adds rows, and writes the row groups that are full.
    ///
    /// # Errors
    ///
    /// As [`Self::add`], and if they cannot be written.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(), LakeError> {
        self.take(&batch, Columns::InTurn)?;
        self.flush().await
    }

    /// Adds rows; [`Self::flush`] writes them. Columns are encoded side by side: not for who holds a
    /// thread of the pool that others wait for.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the batch is not of the table's columns, has a null where none may be or a
    /// number that tables do not hold, breaks the order of the key, or cannot be encoded.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.take(batch, Columns::SideBySide)
    }

    fn take(&mut self, batch: &RecordBatch, columns: Columns) -> Result<(), LakeError> {
        let batch = conform(&self.table, &self.schema, batch, |row| match &self.key.columns[..] {
            [] => format!("in row {}", self.rows + row as u64 + 1),
            key => format!("at {}", key_of(key, batch, row)),
        })?;
        self.key.check(&self.table, &batch)?;
        self.rows += batch.num_rows() as u64;
        if batch.num_rows() == BATCH_ROWS && self.batches.is_empty() {
            return self.put(&batch, columns);
        }
        let broken = |source| LakeError::Arrow { table: self.table.clone(), source };
        self.batches.push_batch(batch).map_err(broken)?;
        self.drain(columns)
    }

    fn put(&mut self, batch: &RecordBatch, columns: Columns) -> Result<(), LakeError> {
        self.encode(batch, columns)
            .map_err(|source| LakeError::Parquet { table: self.table.clone(), source })
    }

    /// Adds a batch to the row group, which it does not go beyond.
    fn encode(&mut self, batch: &RecordBatch, columns: Columns) -> Result<(), ParquetError> {
        const { assert!(GROUP_ROWS.is_multiple_of(BATCH_ROWS)) };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.columns.is_empty() {
            let at = self.file.flushed_row_groups().len();
            self.columns = self.groups.create_column_writers(at)?;
        }
        let put = |((writer, field), array): ((&mut ArrowColumnWriter, &FieldRef), &ArrayRef)| {
            compute_leaves(field, array)?.iter().try_for_each(|leaf| writer.write(leaf))
        };
        let fields = self.schema.fields();
        match columns {
            Columns::InTurn => {
                self.columns.iter_mut().zip(fields).zip(batch.columns()).try_for_each(put)?;
            }
            Columns::SideBySide => {
                let writers = self.columns.par_iter_mut().zip(&fields[..]);
                writers.zip(batch.columns()).try_for_each(put)?;
            }
        }
        self.n_in_group += batch.num_rows();
        if self.n_in_group >= GROUP_ROWS { self.close_group(columns) } else { Ok(()) }
    }

    fn close_group(&mut self, columns: Columns) -> Result<(), ParquetError> {
        if self.n_in_group == 0 {
            return Ok(());
        }
        self.n_in_group = 0;
        let writers = std::mem::take(&mut self.columns);
        let chunks: Vec<ArrowColumnChunk> = match columns {
            Columns::InTurn => {
                writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?
            }
            Columns::SideBySide => {
                writers.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?
            }
        };
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    fn drain(&mut self, columns: Columns) -> Result<(), LakeError> {
        while let Some(batch) = self.batches.next_completed_batch() {
            self.put(&batch, columns)?;
        }
        Ok(())
    }

    /// Writes the row groups that are full.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if they cannot be written.
    pub async fn flush(&mut self) -> Result<(), LakeError> {
        // What the file begins with is written with the first of them.
        if self.file.flushed_row_groups().is_empty() || self.file.inner().is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(self.file.inner_mut());
        self.send(bytes).await
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), LakeError> {
        self.bytes += bytes.len() as u64;
        self.object.put(bytes.into()).await.map_err(|error| LakeError::Parquet {
            table: self.table.clone(),
            source: ParquetError::External(Box::new(error)),
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if it cannot be written.
    pub async fn finish(mut self) -> Result<DataFile, LakeError> {
        self.batches
            .finish_buffered_batch()
            .map_err(|source| LakeError::Arrow { table: self.table.clone(), source })?;
        self.drain(Columns::InTurn)?;
        let table = self.table.clone();
        let unwritable = |source| LakeError::Parquet { table: table.clone(), source };
        self.close_group(Columns::InTurn).map_err(unwritable)?;
        self.file.finish().map_err(unwritable)?;
        let bytes = std::mem::take(self.file.inner_mut());
        self.send(bytes).await?;
        self.object.complete().await.map_err(unwritable)?;
        let (path, hash) = self.object.written();
        Ok(DataFile::new(path, self.rows, self.bytes, hash))
    }
}

/// How the columns of a batch are encoded.
#[derive(Debug, Clone, Copy)]
enum Columns {
    InTurn,
    SideBySide,
}

/// The key of a row.
fn key_of(key: &[usize], batch: &RecordBatch, row: usize) -> String {
    let cell = |&at: &usize| {
        let value = array_value_to_string(batch.column(at), row);
        format!("{} {}", batch.schema_ref().field(at).name(), value.unwrap_or_default())
    };
    key.iter().map(cell).collect::<Vec<_>>().join(", ")
}

/// The text of a cell. Of money it has all digits, where arrow shows no more than the precision of
/// the type.
fn shown(given: &dyn Array, row: usize) -> Result<String, ArrowError> {
    match given.data_type() {
        DataType::Decimal128(_, 2) => {
            Ok(money_text(given.as_primitive::<Decimal128Type>().value(row)))
        }
        _ => array_value_to_string(given, row),
    }
}

/// The first row with a number of `given` that `column` does not hold: one that is not finite, too
/// large, or lost.
fn first_misfit(given: &dyn Array, column: &dyn Array) -> Option<usize> {
    let mut rows = 0..column.len();
    match column.data_type() {
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            rows.find(|&row| !values[row].is_finite() && given.is_valid(row))
        }
        DataType::Decimal128(..) => {
            let values = column.as_primitive::<Decimal128Type>().values();
            rows.find(|&row| {
                (values[row].unsigned_abs() >= MONEY_LIMIT || column.is_null(row))
                    && given.is_valid(row)
            })
        }
        _ if column.null_count() == given.null_count() => None,
        _ => rows.find(|&row| column.is_null(row) && given.is_valid(row)),
    }
}

/// Gives `batch` the schema of the table: the same columns in the same order. Types are cast only
/// where nothing can be lost, and nulls are only where they are allowed. `place` says where a row
/// is.
fn conform(
    table: &str,
    schema: &SchemaRef,
    batch: &RecordBatch,
    place: impl Fn(usize) -> String,
) -> Result<RecordBatch, LakeError> {
    let names = |schema: &SchemaRef| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    if names(schema) != names(&batch.schema()) {
        return Err(LakeError::Columns {
            table: table.to_owned(),
            expected: names(schema).join(", "),
            found: names(&batch.schema()).join(", "),
        });
    }
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (field, given) in schema.fields().iter().zip(batch.columns()) {
        let found = given.data_type();
        let broken = |source| LakeError::Arrow { table: table.to_owned(), source };
        let kind = Kind::of(found).filter(|kind| kind.arrow() == *field.data_type());
        let Some(kind) = kind else {
            return Err(LakeError::ColumnType {
                table: table.to_owned(),
                column: field.name().clone(),
                expected: field.data_type().to_string(),
                found: found.to_string(),
            });
        };
        let column = if found == field.data_type() {
            Arc::clone(given)
        } else {
            arrow::compute::cast(given, field.data_type()).map_err(broken)?
        };
        if let Some(row) = first_misfit(given, &column) {
            return Err(LakeError::Number {
                table: table.to_owned(),
                column: field.name().clone(),
                found: shown(given, row).map_err(broken)?,
                row: place(row),
                advice: kind.advice(),
            });
        }
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(LakeError::Null { table: table.to_owned(), column: field.name().clone() });
        }
        columns.push(column);
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|source| LakeError::Arrow { table: table.to_owned(), source })
}

/// Checks that rows come in ascending order of the key.
#[derive(Debug)]
struct KeyOrder {
    columns: Vec<usize>,
    /// The last row so far.
    last: Option<RecordBatch>,
}

impl KeyOrder {
    /// How row `i` of `a` stands to row `j` of `b`.
    fn comparator<'b>(
        &self,
        table: &str,
        a: &'b RecordBatch,
        b: &'b RecordBatch,
    ) -> Result<impl Fn(usize, usize) -> Ordering + use<'b>, LakeError> {
        let columns = self
            .columns
            .iter()
            .map(|&at| make_comparator(a.column(at), b.column(at), SortOptions::default()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| LakeError::Arrow { table: table.to_owned(), source })?;
        Ok(move |i, j| {
            columns
                .iter()
                .map(|compare| compare(i, j))
                .find(|o| o.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    }

    fn check(&mut self, table: &str, batch: &RecordBatch) -> Result<(), LakeError> {
        let n = batch.num_rows();
        if self.columns.is_empty() || n == 0 {
            return Ok(());
        }
        let order = |row: usize| LakeError::KeyOrder {
            table: table.to_owned(),
            key: key_of(&self.columns, batch, row),
        };
        if let Some(last) = &self.last
            && self.comparator(table, last, batch)?(0, 0).is_ge()
        {
            return Err(order(0));
        }
        let compare = self.comparator(table, batch, batch)?;
        if let Some(row) = (1..n).find(|&row| compare(row - 1, row).is_ge()) {
            return Err(order(row));
        }
        self.last = Some(batch.slice(n - 1, 1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Column;
    use arrow::array::{Decimal128Array, Float32Array, Float64Array, Int64Array, UInt64Array};

    /// A column of `kind` made of `given` is refused with `expected`, or taken.
    #[track_caller]
    fn check(kind: Kind, given: impl Array + 'static, expected: Option<&str>) {
        let column = Column {
            name: "x".to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        let batch = RecordBatch::try_from_iter([("x", Arc::new(given) as ArrayRef)]);
        let schema = crate::contract::schema(&[column]);
        let place = |row: usize| format!("in row {}", row + 1);
        let found = conform("panel.mine", &schema, &batch.expect("a column"), place);
        let found = found.err().map(|error| error.to_string());
        let of = |text: &str| format!("column `x` of table `panel.mine` has {text}");
        assert_eq!(found, expected.map(|text| format!("{}: {}", of(text), kind.advice())));
    }

    #[test]
    fn no_number_is_lost_and_none_is_not_finite() {
        let floats = [Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)];
        check(Kind::Float, Float64Array::from(floats[..2].to_vec()), None);
        check(Kind::Float, Float64Array::from(floats[1..].to_vec()), Some("NaN in row 2"));
        check(Kind::Float, Float64Array::from(floats[3..].to_vec()), Some("inf in row 1"));
        check(Kind::Float, Float32Array::from(vec![f32::NAN]), Some("NaN in row 1"));
        check(Kind::Count, Int64Array::from(vec![None, Some(i64::MAX)]), None);
        let counts = vec![None, Some(1), Some(u64::MAX)];
        let too_large = Some("18446744073709551615 in row 3");
        check(Kind::Count, UInt64Array::from(counts), too_large);
        let money = |hundredths: i128, precision| {
            let cells = Decimal128Array::from(vec![None, Some(hundredths)]);
            cells.with_precision_and_scale(precision, 2).expect("room")
        };
        check(Kind::Money, money(10_i128.pow(20) - 1, 20), None);
        let too_large = Some("1000000000000000000.00 in row 2");
        check(Kind::Money, money(10_i128.pow(20), 38), too_large);
    }
}
