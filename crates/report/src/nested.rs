//! Lists and structs as texts of JSON, for forms of rows whose cells are texts.

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use std::sync::Arc;

/// What a line of JSON begins with, before the value.
const BEFORE: &str = "{\"v\":";

/// The columns with texts instead of lists, structs and maps.
pub(crate) fn flat(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type().is_nested() {
        true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        false => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows with texts of JSON instead of lists, structs and maps: `[1,2]`, `{"a":1,"b":null}`. What is null stays null.
///
/// # Errors
///
/// If a value has no form in JSON.
pub(crate) fn flat_rows(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !rows.schema_ref().fields().iter().any(|field| field.data_type().is_nested()) {
        return Ok(rows.clone());
    }
    let columns = rows.columns().iter().map(|column| match column.data_type().is_nested() {
        true => json_texts(column),
        false => Ok(Arc::clone(column)),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new_with_options(flat(rows.schema_ref()), columns, &options)
}

/// Each value as a text of JSON.
fn json_texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let schema = Schema::new(vec![Field::new("v", column.data_type().clone(), true)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(column)])?;
    let mut json = Vec::new();
    let mut writer =
        WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut json);
    writer.write(&rows)?;
    writer.finish()?;
    drop(writer);
    let json = String::from_utf8(json).map_err(|error| ArrowError::JsonError(error.to_string()))?;
    let nulls = column.logical_nulls();
    let texts = json.lines().enumerate().map(|(row, line)| {
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let value = line.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix('}'));
        value.filter(|_| !is_null)
    });
    Ok(Arc::new(texts.collect::<StringArray>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int32Array, ListArray, StructArray};
    use arrow::datatypes::Int32Type;

    #[test]
    fn lists_and_structs_are_texts_of_json() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
        ]);
        let part = |name: &str, kind: DataType| Arc::new(Field::new(name, kind, true));
        let structs = StructArray::from(vec![
            (part("a", DataType::Int32), Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef),
            (
                part("b", DataType::Utf8),
                Arc::new(StringArray::from(vec![Some("x\n\"y\""), None, Some("z}")])) as ArrayRef,
            ),
        ]);
        let rows = RecordBatch::try_from_iter([
            ("l", Arc::new(lists) as ArrayRef),
            ("s", Arc::new(structs) as ArrayRef),
            ("n", Arc::new(Int32Array::from(vec![7, 8, 9])) as ArrayRef),
        ]);
        let found = flat_rows(&rows.expect("rows")).expect("flat");
        let texts = |at: usize| -> Vec<Option<String>> {
            found.column(at).as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(texts(0), [some("[1,null]"), None, some("[]")]);
        assert_eq!(
            texts(1),
            [
                some("{\"a\":1,\"b\":\"x\\n\\\"y\\\"\"}"),
                some("{\"a\":2,\"b\":null}"),
                some("{\"a\":3,\"b\":\"z}\"}")
            ]
        );
        assert_eq!(found.column(2).as_primitive::<Int32Type>().values(), &[7, 8, 9]);
    }
}
