//! Rows of the published tables as JSON.

use super::error::ReportError;
use arrow::array::{
    Array, AsArray, Decimal128Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, UInt64Type};
use lake::Catalog;
use query::Session;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

/// The published tables, asked by SQL.
pub(super) struct Source<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) session: Session,
    pub(super) catalog: &'a Catalog,
}

impl Source<'_> {
    pub(super) fn has(&self, table: &str) -> bool {
        self.catalog.tables.contains_key(table)
    }

    /// Whether a published table has a column: lakes of before lack those that came later.
    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        let version = self.catalog.tables.get(table);
        version.is_some_and(|version| version.columns.iter().any(|of| of.name == column))
    }

    fn batches(&self, sql: &str) -> Result<Vec<RecordBatch>, ReportError> {
        Ok(self.runtime.block_on(self.session.run(sql))?.1)
    }

    /// Gives `see` the rows of a query, some at a time.
    pub(super) fn each(
        &self,
        sql: &str,
        mut see: impl FnMut(&RecordBatch) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let mut rows = self.runtime.block_on(self.session.open(sql))?;
        while let Some(batch) = self.runtime.block_on(rows.next())? {
            see(&batch)?;
        }
        Ok(())
    }

    /// The rows of a query as JSON objects; none where a table it needs is not published.
    pub(super) fn rows(&self, needs: &[&str], sql: &str) -> Result<Vec<Value>, ReportError> {
        if needs.iter().any(|table| !self.has(table)) {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for batch in self.batches(sql)? {
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let cells = schema.fields().iter().zip(batch.columns());
                let of: Result<Map<String, Value>, ReportError> = cells
                    .map(|(f, column)| Ok((f.name().clone(), cell(f.name(), column, row)?)))
                    .collect();
                rows.push(Value::Object(of?));
            }
        }
        Ok(rows)
    }
}

/// A column of texts, of whatever layout.
pub(super) enum TextColumn<'b> {
    Small(&'b StringArray),
    Large(&'b LargeStringArray),
    View(&'b StringViewArray),
}

impl<'b> TextColumn<'b> {
    /// The text of a row; the empty one if there is none.
    pub(super) fn of(&self, row: usize) -> &'b str {
        match self {
            Self::Small(of) => of.value(row),
            Self::Large(of) => of.value(row),
            Self::View(of) => of.value(row),
        }
    }
}

/// That a column has a type that is not shown.
fn no_json(batch: &RecordBatch, at: usize) -> ReportError {
    let schema = batch.schema();
    let field = schema.field(at);
    ReportError::NoJson { column: field.name().clone(), kind: field.data_type().clone() }
}

/// The texts of a column.
pub(super) fn text_column(batch: &RecordBatch, at: usize) -> Result<TextColumn<'_>, ReportError> {
    let column = batch.column(at);
    match column.data_type() {
        DataType::Utf8 => Ok(TextColumn::Small(column.as_string())),
        DataType::LargeUtf8 => Ok(TextColumn::Large(column.as_string())),
        DataType::Utf8View => Ok(TextColumn::View(column.as_string_view())),
        _ => Err(no_json(batch, at)),
    }
}

/// The money of a column, in hundredths.
pub(super) fn money_column(
    batch: &RecordBatch,
    at: usize,
) -> Result<&Decimal128Array, ReportError> {
    match batch.column(at).as_primitive_opt() {
        Some(of) if of.scale() == 2 => Ok(of),
        _ => Err(no_json(batch, at)),
    }
}

/// A cell as JSON, to the last digit.
fn cell(name: &str, column: &dyn Array, row: usize) -> Result<Value, ReportError> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match column.data_type() {
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        // What `string_agg` gives.
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).into(),
        DataType::Utf8View => column.as_string_view().value(row).into(),
        other => {
            return Err(ReportError::NoJson { column: name.to_owned(), kind: other.clone() });
        }
    })
}

/// A text of a row; none if there is none.
pub(super) fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number of a row; 0 if there is none.
pub(super) fn integer(row: &Value, key: &str) -> i64 {
    row.get(key).and_then(Value::as_i64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, UInt64Array};

    #[test]
    fn texts_of_any_size_are_texts() {
        let of: [&dyn Array; 3] = [
            &StringArray::from(vec!["a"]),
            &LargeStringArray::from(vec!["a"]),
            &StringViewArray::from(vec!["a"]),
        ];
        for column in of {
            assert_eq!(cell("product", column, 0).expect("a text"), Value::from("a"));
        }
        let number = UInt64Array::from(vec![u64::MAX]);
        assert_eq!(cell("place", &number, 0).expect("a number"), Value::from(u64::MAX));
    }

    #[test]
    fn what_has_no_json_is_an_error() {
        let error = cell("day", &Date32Array::from(vec![1]), 0).expect_err("a date");
        assert!(error.to_string().contains("`day`"), "{error}");
        let none = Date32Array::from(vec![None]);
        assert_eq!(cell("day", &none, 0).expect("a null"), Value::Null);
    }
}
