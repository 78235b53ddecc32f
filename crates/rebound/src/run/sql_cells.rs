//! What the names of the header `each` of a table of SQL stand for.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// What a `$name` of the header `each` stands for.
pub(super) struct Cell {
    /// As SQL writes it.
    pub(super) literal: String,
    /// As a text.
    pub(super) text: String,
}

/// The cells of a column of values; nothing where one is null.
pub(super) fn cells(column: &ArrayRef) -> Result<Vec<Option<Cell>>, ArrowError> {
    let is_number = column.data_type().is_numeric();
    let texts = arrow::compute::cast(column, &DataType::Utf8)?;
    let cell = |text: &str| {
        let literal = if is_number {
            // A sign in front of another would begin a comment.
            if text.starts_with('-') { format!("({text})") } else { text.to_owned() }
        } else {
            format!("'{}'", text.replace('\'', "''"))
        };
        Cell { literal, text: text.to_owned() }
    };
    Ok(texts.as_string::<i32>().iter().map(|text| text.map(cell)).collect())
}
