//! Columns of labels, in the types that they came in with.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use std::sync::Arc;

/// What a column of labels says: the name of the column that it is from.
const SOURCE: &str = "rebound.source";

/// Rows whose columns of labels have the types that the columns of `came` have from which they are.
/// `source` names that column for a column of the result, if it has labels; the result's says it by
/// [`SOURCE`], for types that only a library has. A label that does not say the same in that type
/// leaves its column as text: `0101` of the number 101.
///
/// # Errors
///
/// None, unless columns and schema do not match.
pub(crate) fn as_they_came(
    came: &Schema,
    (schema, batches): (SchemaRef, Vec<RecordBatch>),
    source: impl Fn(&Field) -> Option<String>,
) -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
    let mut fields: Vec<Field> =
        schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns: Vec<Vec<ArrayRef>> =
        batches.iter().map(|batch| batch.columns().to_vec()).collect();
    for (at, field) in fields.iter_mut().enumerate() {
        let Some(name) = source(field) else { continue };
        let mut said = field.metadata().clone();
        said.insert(SOURCE.to_owned(), name.clone());
        *field = field.clone().with_metadata(said);
        let is_named = |field: &&Arc<Field>| field.name().trim() == name;
        let Some(kind) = came.fields().iter().find(is_named).map(|field| field.data_type()) else {
            continue;
        };
        let found = columns.iter().map(|columns| like(&columns[at], kind));
        let Some(found) = found.collect::<Option<Vec<ArrayRef>>>() else { continue };
        // Without rows the type is that of no rows.
        let empty = arrow::array::new_empty_array(field.data_type());
        let kind = match found.first() {
            Some(column) => column.data_type().clone(),
            None => like(&empty, kind).unwrap_or(empty).data_type().clone(),
        };
        *field = field.clone().with_data_type(kind);
        for (columns, found) in columns.iter_mut().zip(found) {
            columns[at] = found;
        }
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let batches = columns
        .into_iter()
        .map(|columns| RecordBatch::try_new(Arc::clone(&schema), columns))
        .collect::<Result<_, _>>()?;
    Ok((schema, batches))
}

/// A column of texts, plain or by a dictionary, in a type; by a dictionary if that is one.
fn like(column: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    let (values, is_by_dictionary) = match kind {
        DataType::Dictionary(_, values) => (values.as_ref(), true),
        DataType::RunEndEncoded(_, values) => (values.data_type(), false),
        kind => (kind, false),
    };
    // Not every library takes views; those that have them take long texts as well.
    let values = if *values == DataType::Utf8View { &DataType::LargeUtf8 } else { values };
    let Some(dictionary) = column.as_any_dictionary_opt() else {
        let typed = typed(column, values)?;
        let by_dictionary =
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(values.clone()));
        return match is_by_dictionary {
            true => cast(&typed, &by_dictionary).ok(),
            false => Some(typed),
        };
    };
    let values = typed(dictionary.values(), values)?;
    match is_by_dictionary {
        true => Some(dictionary.with_values(values)),
        false => take(&values, dictionary.keys(), None).ok(),
    }
}

/// Texts in a type, if they say the same in it.
fn typed(texts: &ArrayRef, kind: &DataType) -> Option<ArrayRef> {
    let texts = texts.as_string_opt::<i32>()?;
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8);
    let is_float = kind.is_floating();
    let is_other = kind.is_integer() || kind.is_temporal() || *kind == DataType::Boolean;
    if !is_text && !is_float && !is_other {
        return None;
    }
    if is_float && !texts.iter().flatten().all(is_of_float) {
        return None;
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let found = cast_with_options(texts, kind, &options).ok()?;
    let again = cast(&found, &DataType::Utf8).ok()?;
    let again: &StringArray = again.as_string_opt()?;
    let is_same = is_float || again.iter().eq(texts.iter());
    is_same.then_some(found)
}

/// Whether a text is how a float is read as one: 2008 of 2008.0.
fn is_of_float(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| match number.fract() == 0.0 {
        true => format!("{number:.0}") == text,
        false => number.to_string() == text,
    })
}
