//! Cells of a sheet.

use crate::export::error::ExportError;
use crate::export::rows::Exported;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rust_xlsxwriter::{ColNum, Format, RowNum, Worksheet, XlsxError};
use std::sync::Arc;

/// What messages call the form.
pub(super) const FORM: &str = "a sheet of Excel";

/// Numbers below it have at most 15 digits: Excel shows and keeps no more.
const EXACT: f64 = 1e15;

/// Digits behind the point that a power of ten in double precision is exact for.
const MOST_SCALE: i8 = 22;

/// UTF-16 units of a text.
const MOST_TEXT: usize = 32_767;

/// Days from the beginning of Excel's count to that of 1970.
const DAYS: f64 = 25_569.0;

/// The days that Excel counts right, from 1970 on: 1 March 1900 to 31 December 9999. It takes 1900 for
/// a leap year.
const FIRST_DAY: i64 = -25_508;
const LAST_DAY: i64 = 2_932_896;

/// Why a cell cannot be written.
#[derive(Debug)]
pub(super) enum CellError {
    /// A text is too long: its UTF-16 units.
    Long(usize),
    /// Something else.
    Other(XlsxError),
}

impl From<XlsxError> for CellError {
    fn from(error: XlsxError) -> Self {
        Self::Other(error)
    }
}

/// What is told of a cell, by the place of its column and the number of its row.
pub(super) fn located(error: CellError, exported: &Exported, at: usize, row: u64) -> ExportError {
    let n = match error {
        CellError::Long(n) => n,
        CellError::Other(error) => return error.into(),
    };
    let name = exported.columns.get(at).map_or("", |column| column.name.as_str());
    ExportError::TooLarge {
        table: exported.name.clone(),
        form: FORM,
        why: format!(
            "the text of `{name}` in row {row} has {n} characters, above {MOST_TEXT}: take its beginning in a \
             query, left({name}, {MOST_TEXT})"
        ),
    }
}

/// The beginning of a text that a cell has room for.
pub(super) fn cut(text: &str) -> &str {
    match text.char_indices().nth(MOST_TEXT / 2) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// How values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// A number with so many digits behind the point.
    Exact(i8),
    /// A text.
    Text,
    /// A date.
    Day,
    /// A date with a time, without a zone.
    Clock,
    /// What has more digits than Excel keeps, as text.
    Digits,
    /// What Excel has no type for, as text.
    Shown,
}

impl Stored {
    /// How a column of a type is stored, none of whose numbers is further from zero than `largest`.
    pub(super) fn of(data: &DataType, largest: f64) -> Self {
        match data {
            DataType::Dictionary(_, of) => Self::of(of, largest),
            DataType::Boolean => Self::Flag,
            data if data.is_integer() => {
                if largest < EXACT {
                    Self::Number
                } else {
                    Self::Digits
                }
            }
            data if data.is_floating() => Self::Number,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => {
                let is_exact = (0..=MOST_SCALE).contains(scale)
                    && largest * 10_f64.powi((*scale).into()) < EXACT;
                if is_exact { Self::Exact(*scale) } else { Self::Digits }
            }
            data if data.is_string() => Self::Text,
            DataType::Date32 | DataType::Date64 => Self::Day,
            DataType::Timestamp(_, None) => Self::Clock,
            _ => Self::Shown,
        }
    }

    /// What the codebook says of it behind the type.
    pub(super) fn note(self) -> Option<&'static str> {
        match self {
            Self::Digits => Some(" as text: Excel keeps 15 digits"),
            Self::Shown => Some(" as text"),
            _ => None,
        }
    }
}

/// How cells look.
pub(super) struct Formats {
    pub(super) header: Format,
    text: Format,
    day: Format,
    clock: Format,
    /// By the digits behind the point.
    exact: Vec<Format>,
}

impl Formats {
    pub(super) fn new() -> Self {
        let of = |scale: usize| match scale {
            0 => "0".to_owned(),
            scale => format!("0.{}", "0".repeat(scale)),
        };
        let most = usize::try_from(MOST_SCALE).unwrap_or_default();
        Self {
            header: Format::new().set_bold().set_num_format("@"),
            text: Format::new().set_num_format("@"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            clock: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            exact: (0..=most).map(|scale| Format::new().set_num_format(of(scale))).collect(),
        }
    }

    /// How a number looks that is stored so.
    fn number(&self, stored: Stored) -> Option<&Format> {
        match stored {
            Stored::Exact(scale) => self.exact.get(usize::try_from(scale).ok()?),
            Stored::Day => Some(&self.day),
            Stored::Clock => Some(&self.clock),
            _ => None,
        }
    }
}

/// Values of a column, as cells: each is a flag, or else a number, or else a text, or else empty.
#[derive(Debug)]
pub(super) struct Cells {
    stored: Stored,
    flags: Option<BooleanArray>,
    numbers: Option<Float64Array>,
    texts: Option<StringArray>,
}

/// Each value as it is shown, where `is_asked` for.
fn shown(column: &dyn Array, is_asked: impl Fn(usize) -> bool) -> Result<StringArray, ArrowError> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text = |row: usize| {
        let is_there = column.is_valid(row) && is_asked(row);
        is_there.then(|| formatter.value(row).to_string())
    };
    Ok((0..column.len()).map(text).collect())
}

/// A count of days, and the part of the next one that is over, as Excel counts; none where it does
/// not.
#[expect(clippy::cast_precision_loss, reason = "days are few, and parts of a day below 2^53")]
fn serial(days: i64, part: i64, of: i64) -> Option<f64> {
    (FIRST_DAY..=LAST_DAY).contains(&days).then(|| days as f64 + DAYS + part as f64 / of as f64)
}

/// Times as Excel counts them; null where it cannot, or not to the last digit.
fn clocks(column: &ArrayRef, unit: TimeUnit) -> Result<Float64Array, ArrowError> {
    let per_second: i64 = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let counts = cast(column, &DataType::Int64)?;
    let of = |count: i64| {
        // Excel keeps thousandths of seconds.
        let is_kept = per_second <= 1_000 || count % (per_second / 1_000) == 0;
        let day = per_second * 86_400;
        let found = serial(count.div_euclid(day), count.rem_euclid(day), day);
        found.filter(|_| is_kept)
    };
    Ok(counts.as_primitive::<Int64Type>().iter().map(|count| of(count?)).collect())
}

impl Cells {
    /// The values of `column` as they are `stored`.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if they cannot be read.
    pub(super) fn of(column: &ArrayRef, stored: Stored) -> Result<Self, ArrowError> {
        let unpacked = match column.data_type() {
            DataType::Dictionary(_, of) => cast(column, of)?,
            _ => Arc::clone(column),
        };
        let column = &unpacked;
        let mut found = Self { stored, flags: None, numbers: None, texts: None };
        match (stored, column.data_type()) {
            (Stored::Flag, _) => found.flags = Some(column.as_boolean().clone()),
            (Stored::Number | Stored::Exact(_), _) => {
                let numbers = cast(column, &DataType::Float64)?;
                let numbers = numbers.as_primitive::<Float64Type>();
                let finite = numbers.iter().map(|of| of.filter(|number| number.is_finite()));
                found.numbers = Some(finite.collect());
                found.texts = Some(shown(column, |row| !numbers.value(row).is_finite())?);
            }
            (Stored::Text, _) => {
                let texts = cast(column, &DataType::Utf8)?;
                found.texts = Some(texts.as_string::<i32>().clone());
            }
            (Stored::Day, _) => {
                let days = cast(&cast(column, &DataType::Date32)?, &DataType::Int32)?;
                let days = days.as_primitive::<Int32Type>().iter();
                let numbers: Float64Array = days.map(|day| serial(i64::from(day?), 0, 1)).collect();
                found.texts = Some(shown(column, |row| numbers.is_null(row))?);
                found.numbers = Some(numbers);
            }
            (Stored::Clock, DataType::Timestamp(unit, _)) => {
                let numbers = clocks(column, *unit)?;
                found.texts = Some(shown(column, |row| numbers.is_null(row))?);
                found.numbers = Some(numbers);
            }
            (Stored::Clock | Stored::Digits | Stored::Shown, _) => {
                found.texts = Some(shown(column, |_| true)?);
            }
        }
        Ok(found)
    }

    /// Writes the value of `row` to a place.
    ///
    /// # Errors
    ///
    /// [`CellError`] if it has no room there.
    pub(super) fn write(
        &self,
        sheet: &mut Worksheet,
        formats: &Formats,
        (to_row, to_column): (RowNum, ColNum),
        row: usize,
    ) -> Result<(), CellError> {
        if let Some(flags) = self.flags.as_ref().filter(|flags| flags.is_valid(row)) {
            sheet.write_boolean(to_row, to_column, flags.value(row))?;
        } else if let Some(numbers) = self.numbers.as_ref().filter(|of| of.is_valid(row)) {
            let number = numbers.value(row);
            match formats.number(self.stored) {
                Some(format) => {
                    sheet.write_number_with_format(to_row, to_column, number, format)?
                }
                None => sheet.write_number(to_row, to_column, number)?,
            };
        } else if let Some(texts) = self.texts.as_ref().filter(|texts| texts.is_valid(row)) {
            let text = texts.value(row);
            // A unit of UTF-16 takes a byte of UTF-8 at least.
            if text.len() > MOST_TEXT {
                let n = text.encode_utf16().count();
                if n > MOST_TEXT {
                    return Err(CellError::Long(n));
                }
            }
            // A text is none of Excel's to read: no formula, no number, no date.
            sheet.write_string_with_format(to_row, to_column, text, &formats.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        Date32Array, Decimal128Array, Int32Array, Int64Array, TimestampMicrosecondArray,
    };

    /// What a column becomes: flags, numbers and texts, as they would be written.
    fn told(column: ArrayRef, largest: f64) -> Vec<String> {
        let stored = Stored::of(column.data_type(), largest);
        let cells = Cells::of(&column, stored).expect("cells");
        let told = |row: usize| {
            let number = cells.numbers.as_ref().filter(|of| of.is_valid(row));
            let text = cells.texts.as_ref().filter(|of| of.is_valid(row));
            match (number, text) {
                (Some(of), _) => of.value(row).to_string(),
                (None, Some(of)) => format!("'{}", of.value(row)),
                (None, None) => String::new(),
            }
        };
        (0..column.len()).map(told).collect()
    }

    #[test]
    fn numbers_of_more_digits_than_excel_keeps_are_texts() {
        let whole = |n: i64| Arc::new(Int64Array::from(vec![Some(n), Some(1), None])) as ArrayRef;
        assert_eq!(
            told(whole(999_999_999_999_999), 999_999_999_999_999.0),
            ["999999999999999", "1", ""]
        );
        let large = 9_007_199_254_740_993;
        assert_eq!(told(whole(large), 9_007_199_254_740_992.0), ["'9007199254740993", "'1", ""]);
        let money = |hundredths: i128| {
            let found = Decimal128Array::from(vec![Some(hundredths), None]);
            Arc::new(found.with_precision_and_scale(20, 2).expect("money")) as ArrayRef
        };
        assert_eq!(told(money(12_345), 123.45), ["123.45", ""]);
        assert_eq!(told(money(99_999_999_999_999_999), 1e15), ["'999999999999999.99", ""]);
    }

    #[test]
    fn dates_that_excel_does_not_have_are_texts() {
        let days = Date32Array::from(vec![Some(0), Some(-25_508), Some(-25_509), None]);
        assert_eq!(told(Arc::new(days), 0.0), ["25569", "61", "'1900-02-28", ""]);
        let times = TimestampMicrosecondArray::from(vec![Some(43_200_000_000), Some(1), None]);
        let found = told(Arc::new(times), 0.0);
        assert_eq!((found[0].as_str(), found[2].as_str()), ("25569.5", ""));
        assert!(found[1].starts_with("'1970-01-01T00:00:00.000001"), "{found:?}");
    }

    #[test]
    fn no_number_is_a_text_and_texts_stay_what_they_are() {
        let floats = Float64Array::from(vec![Some(0.1), Some(f64::NAN), None]);
        assert_eq!(told(Arc::new(floats), 0.1), ["0.1", "'NaN", ""]);
        let texts = StringArray::from(vec![Some("=1+1"), Some("010110"), None]);
        assert_eq!(told(Arc::new(texts), 0.0), ["'=1+1", "'010110", ""]);
        assert_eq!(told(Arc::new(Int32Array::from(vec![7])), 7.0), ["7"]);
    }
}
