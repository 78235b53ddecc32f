//! The columns of a table as texts.

#[cfg(test)]
use super::block::Block;
use super::block::Stored;
use super::words::named;
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use encoding_rs::Encoding;
use project::printable::printable;
use std::borrow::Cow;

/// The columns of a table as texts. A number of single precision is the one that it is in double
/// precision. Bytes that are no UTF-8, though they should be, stay as they are.
///
/// # Errors
///
/// If a column has a type that cannot be written as text.
pub fn texts(rows: &RecordBatch, stored: &[Stored]) -> Result<Vec<BinaryArray>, String> {
    let columns = rows.columns().iter().zip(rows.schema_ref().fields()).zip(stored);
    let columns = columns.map(|((column, field), stored)| {
        let encoding = match *stored {
            Stored::Bytes(encoding) => encoding,
            Stored::Text | Stored::Number | Stored::Single => encoding_rs::UTF_8,
        };
        text(field.name(), column, encoding)
    });
    columns.collect()
}

/// The columns of a table as texts in UTF-8; its first row has the number `first`.
///
/// # Errors
///
/// If a column has a type that cannot be written as text, or bytes that are no UTF-8.
pub fn utf8_texts(rows: &RecordBatch, first: u64) -> Result<Vec<StringArray>, String> {
    let columns = rows.columns().iter().zip(rows.schema_ref().fields());
    columns.map(|(column, field)| utf8_text(field.name(), column, first)).collect()
}

/// The columns of a table as texts in UTF-8, those of bytes from the encoding that `stored` says.
///
/// # Errors
///
/// As [`utf8_texts`].
pub fn decoded_texts(
    rows: &RecordBatch,
    stored: &[Stored],
    first: u64,
) -> Result<Vec<StringArray>, String> {
    let columns = rows.columns().iter().zip(rows.schema_ref().fields()).zip(stored);
    let columns =
        columns.map(|((column, field), stored)| decoded_text(field.name(), column, *stored, first));
    columns.collect()
}

/// A column as texts in UTF-8, as [`decoded_texts`].
///
/// # Errors
///
/// As [`utf8_texts`].
pub fn decoded_text(
    name: &str,
    column: &ArrayRef,
    stored: Stored,
    first: u64,
) -> Result<StringArray, String> {
    let encoding = match stored {
        Stored::Bytes(encoding) => encoding,
        Stored::Text | Stored::Number | Stored::Single => encoding_rs::UTF_8,
    };
    in_utf8(name, text(name, column, encoding)?, first)
}

/// The cells of a block of a table, row by row.
#[cfg(test)]
pub(super) fn cells_of(block: &Block) -> Vec<Vec<Option<String>>> {
    let Block::Table { rows, row, stored } = block else { panic!("a table") };
    assert_eq!(stored.len(), rows.num_columns());
    let columns = utf8_texts(rows, *row).expect("texts");
    let row = |at| {
        let cells = columns.iter().map(|column| column.iter().nth(at).flatten());
        cells.map(|cell| cell.map(str::to_owned)).collect()
    };
    (0..rows.num_rows()).map(row).collect()
}

/// A column as texts in UTF-8, as [`utf8_texts`].
///
/// # Errors
///
/// As [`utf8_texts`].
pub fn utf8_text(name: &str, column: &ArrayRef, first: u64) -> Result<StringArray, String> {
    in_utf8(name, text(name, column, encoding_rs::UTF_8)?, first)
}

fn in_utf8(name: &str, cells: BinaryArray, first: u64) -> Result<StringArray, String> {
    let bad = |cell: Option<&[u8]>| cell.is_some_and(|bytes| std::str::from_utf8(bytes).is_err());
    if let Some(at) = cells.iter().position(bad) {
        let row = first + at as u64;
        return Err(format!(
            "row {row}, column {}: its bytes are no UTF-8: write its texts in UTF-8, or say the \
             encoding (`encoding`)",
            named(name)
        ));
    }
    StringArray::try_from_binary(cells).map_err(|error| fault(name, &error))
}

/// What is wrong in a column.
fn fault(name: &str, error: &ArrowError) -> String {
    format!("column {}: {}", named(name), printable(&error.to_string(), 100))
}

pub(super) fn text(
    name: &str,
    column: &ArrayRef,
    encoding: &'static Encoding,
) -> Result<BinaryArray, String> {
    let cast = |to: &DataType| {
        // A value that is lost is no null.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, to, &options).map_err(|error| fault(name, &error))
    };
    Ok(match column.data_type() {
        DataType::Dictionary(_, values) => return text(name, &cast(values)?, encoding),
        DataType::RunEndEncoded(_, values) => {
            return text(name, &cast(values.data_type())?, encoding);
        }
        DataType::Float16 | DataType::Float32 => {
            return text(name, &cast(&DataType::Float64)?, encoding);
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>().iter();
            numbers.map(|number| number.map(number_text)).collect()
        }
        decimal if decimal.is_decimal() => {
            let numbers = cast(&DataType::Utf8)?;
            numbers.as_string::<i32>().iter().map(|number| number.map(shortest)).collect()
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            decoded(cast(&DataType::Binary)?.as_binary::<i32>(), encoding)
        }
        _ => BinaryArray::from(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
    })
}

/// Texts in `encoding` as texts in UTF-8.
fn decoded(cells: &BinaryArray, encoding: &'static Encoding) -> BinaryArray {
    if encoding == encoding_rs::UTF_8 {
        return cells.clone();
    }
    let text = |bytes: &[u8]| encoding.decode_without_bom_handling(bytes).0.into_owned();
    cells.iter().map(|cell| cell.map(text)).collect()
}

/// A number as text: a whole one in full, another by the shortest decimal that no other number is
/// nearer to.
#[inline]
pub(super) fn number_text(number: f64) -> String {
    // The shortest decimal of a large whole number ends with zeros that are not its own digits.
    if number.fract() == 0.0 { format!("{number:.0}") } else { number.to_string() }
}

/// A number, rounded to a whole one; `None` if that is none or needs more than 64 bits.
pub(super) fn rounded(number: f64) -> Option<i64> {
    // By its text, since a cast of a number that is out of range would give another.
    format!("{number:.0}").parse().ok()
}

/// The text as UTF-8. Bytes that are no characters become U+FFFD unless the text is in UTF-8, where
/// they stay: they are a fault of the row they are needed in.
pub fn decode<'t>(text: &'t [u8], encoding: &'static Encoding) -> Cow<'t, [u8]> {
    if encoding == encoding_rs::UTF_8 {
        return Cow::Borrowed(text);
    }
    match encoding.decode_without_bom_handling(text).0 {
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
    }
}

/// A number of single precision, as [`texts`] gives it, by its shortest decimal: so money is meant,
/// as hardly a hundredth is such a number.
pub fn as_decimal(text: &[u8]) -> Vec<u8> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
    match number {
        Some(number) if number.fract() != 0.0 => number.to_string().into_bytes(),
        _ => text.to_vec(),
    }
}

/// [`as_decimal`] of each cell.
pub fn as_decimals(cells: &BinaryArray) -> BinaryArray {
    cells.iter().map(|cell| cell.map(as_decimal)).collect()
}

/// A code of single precision, as [`texts`] gives it; one that may be of another code, since there
/// are fewer such numbers than codes, with a comma, which no code has.
pub fn without_long_code(text: &[u8]) -> Vec<u8> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
    let is_long = number.is_some_and(|number| number.abs() > 16_777_216.0);
    text.iter().copied().chain(is_long.then_some(b',')).collect()
}

/// [`without_long_code`] of each cell.
pub fn without_long_codes(cells: &BinaryArray) -> BinaryArray {
    cells.iter().map(|cell| cell.map(without_long_code)).collect()
}

/// A number, as [`texts`] gives it, with `mark` before its fraction.
pub fn marked(text: &[u8], mark: char) -> Vec<u8> {
    let mut buffer = [0; 4];
    let mark: &[u8] = mark.encode_utf8(&mut buffer).as_bytes();
    let mut marked = Vec::with_capacity(text.len() + mark.len());
    for &byte in text {
        match byte {
            b'.' => marked.extend_from_slice(mark),
            byte => marked.push(byte),
        }
    }
    marked
}

/// [`marked`] of each cell.
pub fn with_mark(cells: &BinaryArray, mark: char) -> BinaryArray {
    cells.iter().map(|cell| cell.map(|text| marked(text, mark))).collect()
}

/// A decimal number without zeros at the end of its fraction.
fn shortest(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Float32Array, Float64Array};
    use std::sync::Arc;

    fn found(cells: &BinaryArray) -> Vec<&str> {
        let texts = cells.iter().map(|cell| std::str::from_utf8(cell.unwrap_or(b"none")));
        texts.map(|text| text.expect("UTF-8")).collect()
    }

    #[test]
    fn a_number_of_single_precision_is_read_as_it_is() {
        let single = Float32Array::from(vec![123_456_792.0, 0.1, 1234.56, -7.0]);
        let rows = RecordBatch::try_from_iter([("x", Arc::new(single) as ArrayRef)]);
        let columns = texts(&rows.expect("a column"), &[Stored::Single]).expect("texts");
        let widened = ["123456792", "0.10000000149011612", "1234.56005859375", "-7"];
        assert_eq!(found(&columns[0]), widened);
        let decimals = as_decimals(&columns[0]);
        assert_eq!(found(&decimals), ["123456792", "0.1", "1234.56", "-7"]);
    }

    #[test]
    fn a_whole_number_is_written_in_full() {
        let numbers = vec![Some(2_f64.powi(60)), None, Some(0.1 + 0.2), Some(f64::INFINITY)];
        let rows =
            RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(numbers)) as ArrayRef)]);
        let columns = texts(&rows.expect("a column"), &[Stored::Number]).expect("texts");
        let expected = ["1152921504606846976", "none", "0.30000000000000004", "inf"];
        assert_eq!(found(&columns[0]), expected);
        let decimals = Decimal128Array::from(vec![8_517_110_000, 100, -50, 0]);
        let decimals = decimals.with_precision_and_scale(12, 2).expect("room");
        let rows = RecordBatch::try_from_iter([("x", Arc::new(decimals) as ArrayRef)]);
        let columns = texts(&rows.expect("a column"), &[Stored::Number]).expect("texts");
        assert_eq!(found(&columns[0]), ["85171100", "1", "-0.5", "0"]);
        let comma = with_mark(&columns[0], ',');
        assert_eq!(found(&comma), ["85171100", "1", "-0,5", "0"]);
        let dot = with_mark(&columns[0], '\u{b7}');
        assert_eq!(found(&dot), ["85171100", "1", "-0\u{b7}5", "0"]);
    }
}
