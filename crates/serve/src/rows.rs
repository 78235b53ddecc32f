//! Rows of PostgreSQL's own tables, made in memory by the names of their columns.

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder,
    Int64Builder, ListBuilder, PrimitiveBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int16Type, Int32Type, Schema, SchemaRef, TimeUnit,
};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion_postgres::arrow_pg::datatypes::PG_OID_ALIAS_KEY;
use std::sync::Arc;

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Ints(Vec<i64>),
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i16> for Cell {
    fn from(value: i16) -> Self {
        Self::Int(value.into())
    }
}

impl From<i32> for Cell {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<i64>> for Cell {
    fn from(value: Vec<i64>) -> Self {
        Self::Ints(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The types that columns of PostgreSQL's own tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Text,
    Time,
    Int2s,
    Oids,
    Texts,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "int2" => Self::Int2,
            "int4" => Self::Int4,
            "int8" => Self::Int8,
            "oid" => Self::Oid,
            "float4" => Self::Float4,
            "float8" => Self::Float8,
            "text" => Self::Text,
            "time" => Self::Time,
            "int2s" => Self::Int2s,
            "oids" => Self::Oids,
            "texts" => Self::Texts,
            _ => return None,
        })
    }

    fn arrow(self) -> DataType {
        let list = |of| DataType::List(Arc::new(Field::new_list_field(of, true)));
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 | Self::Oid => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int2s => list(DataType::Int16),
            Self::Oids => list(DataType::Int32),
            Self::Texts => list(DataType::Utf8),
        }
    }
}

/// The number as `i16` or `i32`; what does not fit is 0, which no row here has.
fn narrow<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

/// Appends the cells to a builder, each as `of` makes it.
macro_rules! column {
    ($builder:expr, $cells:expr, $value:pat => $made:expr) => {{
        let mut builder = $builder;
        for cell in $cells {
            match cell {
                $value => builder.append_value($made),
                _ => builder.append_null(),
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

/// Rows of a table.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: Vec<(&'static str, Kind, IsNullable)>,
    cells: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsNullable {
    Yes,
    No,
}

impl Rows {
    /// A table of these columns, without rows: `name type`, with commas between them. A `?` after
    /// the type says that cells may be null.
    pub(crate) fn new(columns: &'static str) -> Result<Self> {
        let columns = columns.split(',').map(|column| {
            let (name, kind) = column.trim().split_once(' ')?;
            let is_nullable = if kind.ends_with('?') { IsNullable::Yes } else { IsNullable::No };
            Some((name, Kind::of(kind.trim_end_matches('?'))?, is_nullable))
        });
        let columns: Option<Vec<_>> = columns.collect();
        let columns = columns.ok_or_else(|| internal_datafusion_err!("a column without a type"))?;
        let cells = vec![Vec::new(); columns.len()];
        Ok(Self { columns, cells })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        let field = |&(name, kind, is_nullable): &(&'static str, Kind, IsNullable)| {
            let field = Field::new(name, kind.arrow(), is_nullable == IsNullable::Yes);
            match kind {
                Kind::Oid => {
                    field.with_metadata([(PG_OID_ALIAS_KEY.to_owned(), "oid".to_owned())].into())
                }
                _ => field,
            }
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Adds a row. Columns that it does not name are null, or what says nothing: 0, false, ''.
    pub(crate) fn push<'n>(&mut self, row: impl IntoIterator<Item = (&'n str, Cell)>) {
        let row: Vec<_> = row.into_iter().collect();
        for (at, &(name, kind, is_nullable)) in self.columns.iter().enumerate() {
            let cell = row.iter().find(|(named, _)| *named == name).map(|(_, cell)| cell.clone());
            let cell = cell.unwrap_or_else(|| match kind {
                _ if is_nullable == IsNullable::Yes => Cell::Null,
                Kind::Bool => Cell::Bool(false),
                Kind::Text => Cell::Text(String::new()),
                Kind::Int2s | Kind::Oids | Kind::Texts => Cell::Ints(Vec::new()),
                _ => Cell::Int(0),
            });
            self.cells[at].push(cell);
        }
    }

    pub(crate) fn finish(self) -> Result<RecordBatch> {
        let schema = self.schema();
        let columns = self.columns.iter().zip(&self.cells);
        let columns = columns.map(|(&(_, kind, _), cells)| array(kind, cells));
        Ok(RecordBatch::try_new(schema, columns.collect())?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers that are given as floats are small")]
fn array(kind: Kind, cells: &[Cell]) -> ArrayRef {
    match kind {
        Kind::Bool => column!(BooleanBuilder::new(), cells, Cell::Bool(value) => *value),
        Kind::Int2 => column!(Int16Builder::new(), cells, Cell::Int(value) => narrow(*value)),
        Kind::Int4 | Kind::Oid => {
            column!(Int32Builder::new(), cells, Cell::Int(value) => narrow(*value))
        }
        Kind::Int8 => column!(Int64Builder::new(), cells, Cell::Int(value) => *value),
        Kind::Float4 => column!(Float32Builder::new(), cells, Cell::Int(value) => *value as f32),
        Kind::Float8 => column!(Float64Builder::new(), cells, Cell::Int(value) => *value as f64),
        Kind::Text => column!(StringBuilder::new(), cells, Cell::Text(value) => value),
        Kind::Time => column!(
            TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            cells,
            Cell::Int(value) => *value
        ),
        Kind::Int2s => lists::<Int16Type>(cells),
        Kind::Oids => lists::<Int32Type>(cells),
        Kind::Texts => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for cell in cells {
                match cell {
                    Cell::Ints(_) => lists.append(true),
                    _ => lists.append_null(),
                }
            }
            Arc::new(lists.finish())
        }
    }
}

/// Lists of whole numbers.
fn lists<T>(cells: &[Cell]) -> ArrayRef
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i64> + Default,
{
    let mut lists = ListBuilder::new(PrimitiveBuilder::<T>::new());
    for cell in cells {
        match cell {
            Cell::Ints(values) => {
                lists.append_value(values.iter().map(|value| Some(narrow(*value))));
            }
            _ => lists.append_null(),
        }
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Array;

    #[test]
    fn what_a_row_does_not_name_says_nothing() {
        let columns = "oid oid, name text, is bool, keys int2s, acl texts?, at time?, n float4";
        let mut rows = Rows::new(columns).expect("columns");
        rows.push([("name", "a".into()), ("keys", vec![1, 2].into())]);
        let batch = rows.finish().expect("rows");
        assert_eq!((batch.num_rows(), batch.num_columns()), (1, 7));
        for (column, is_null) in batch.columns().iter().zip([0, 0, 0, 0, 1, 1, 0]) {
            assert_eq!(column.null_count(), is_null);
        }
    }

    #[test]
    fn a_column_needs_a_type() {
        assert!(Rows::new("oid").is_err() && Rows::new("oid what").is_err());
    }
}
