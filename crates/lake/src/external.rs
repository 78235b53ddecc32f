//! Parquet files that are not the lake's own: raw data in that form.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::schema::types::{SchemaDescriptor, Type};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A Parquet file, read batch after batch. Columns of text come as bytes, since not every writer
/// keeps to UTF-8. Nested columns are left out.
pub struct ExternalParquet {
    columns: Vec<String>,
    is_text: Vec<bool>,
    left_out: Vec<(String, &'static str)>,
    batches: ParquetRecordBatchReader,
}

impl std::fmt::Debug for ExternalParquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalParquet").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl ExternalParquet {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// [`ParquetError`] if it cannot be read, or is no Parquet.
    pub fn open(path: &Path, rows_of_a_batch: usize) -> Result<Self, ParquetError> {
        let file = File::open(path)?;
        let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        let (mut columns, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (at, field) in found.schema().fields().iter().enumerate() {
            match nested(field.data_type()) {
                Some(what) => left_out.push((field.name().clone(), what)),
                None => {
                    columns.push(field.name().clone());
                    kept.push(at);
                }
            }
        }
        let (metadata, is_text) = texts_as_bytes(&found)?;
        let is_text = kept.iter().filter_map(|&at| is_text.get(at).copied()).collect();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), kept);
        let batches = builder.with_projection(mask).with_batch_size(rows_of_a_batch).build()?;
        Ok(Self { columns, is_text, left_out, batches })
    }

    /// The columns that are left out, each with what it has in a cell: `a list`, `a struct`.
    pub fn left_out(&self) -> &[(String, &'static str)] {
        &self.left_out
    }

    /// Names of its columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether a column is text in UTF-8, as the file says; it comes as [`DataType::Binary`].
    pub fn is_text(&self) -> &[bool] {
        &self.is_text
    }
}

impl Iterator for ExternalParquet {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}

/// What a cell of this type has if it is more than one value: `a list`, `a struct`, `a map` or `a
/// union`.
pub fn nested(kind: &DataType) -> Option<&'static str> {
    match kind {
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => Some("a list"),
        DataType::Struct(_) => Some("a struct"),
        DataType::Map(..) => Some("a map"),
        DataType::Union(..) => Some("a union"),
        DataType::Dictionary(_, values) => nested(values),
        DataType::RunEndEncoded(_, values) => nested(values.data_type()),
        _ => None,
    }
}

/// The same file without a word of its columns of text being text, and which they are.
fn texts_as_bytes(
    found: &ArrowReaderMetadata,
) -> Result<(ArrowReaderMetadata, Vec<bool>), ParquetError> {
    let (schema, root) = (found.schema(), found.parquet_schema().root_schema());
    let (mut is_text, mut fields, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(root.get_fields()) {
        let is_of_text = is_of_text(field, column);
        is_text.push(is_of_text);
        if is_of_text {
            fields.push(Arc::new(Field::clone(field).with_data_type(DataType::Binary)));
            let bytes = Type::primitive_type_builder(column.name(), PhysicalType::BYTE_ARRAY)
                .with_repetition(column.get_basic_info().repetition());
            columns.push(Arc::new(bytes.build()?));
        } else {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
        }
    }
    let root = Type::group_type_builder(root.name()).with_fields(columns).build()?;
    let file = found.metadata().file_metadata();
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(Arc::new(root))),
        file.column_orders().cloned(),
    );
    let metadata = ParquetMetaData::new(file, found.metadata().row_groups().to_vec());
    // The types of the other columns as they were found, some of which only the writer's own schema says.
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    Ok((ArrowReaderMetadata::try_new(Arc::new(metadata), options)?, is_text))
}

fn is_of_text(field: &Field, column: &Type) -> bool {
    let mut kind = field.data_type();
    if let DataType::Dictionary(_, values) = kind {
        kind = values;
    }
    let info = column.get_basic_info();
    let is_enum = info.converted_type() == ConvertedType::ENUM
        || info.logical_type_ref() == Some(&LogicalType::Enum);
    kind.is_string() || (*kind == DataType::Binary && is_enum)
}
