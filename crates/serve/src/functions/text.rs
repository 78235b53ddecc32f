//! Functions that write values as texts.

use super::udf::{Takes, put, register, register_text};
use super::{numbers, times};
use crate::pg_types::{PgType, formatted};
use crate::relations::quoted;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr_fn::SimpleScalarUDF;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, Volatility};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// As PostgreSQL writes bytes: whole units, the next from 10 times its size on.
fn pretty(bytes: i64) -> String {
    let mut size = i128::from(bytes);
    if size.abs() < 10 * 1024 {
        return format!("{size} bytes");
    }
    // One bit more than shown, for rounding.
    size >>= 9;
    for unit in ["kB", "MB", "GB"] {
        if size.abs() < 20 * 1024 - 1 {
            return format!("{} {unit}", (size + size.signum()) / 2);
        }
        size >>= 10;
    }
    format!("{} TB", (size + size.signum()) / 2)
}

/// A text as SQL writes it.
fn literal(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", text.replace('\'', "''").replace('\\', "\\\\"))
}

/// A text with arguments in it: `%s` as they are, `%I` as names, `%L` as literals.
fn formatted_text(pattern: &str, args: &[Option<&str>]) -> Result<String> {
    let (mut text, mut letters, mut next) = (String::new(), pattern.chars(), args.iter());
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let kind = letters.next();
        if kind == Some('%') {
            text.push('%');
            continue;
        }
        let Some(value) = next.next() else { return exec_err!("too few arguments for format()") };
        match (kind, value) {
            (Some('s'), value) => text.push_str(value.unwrap_or_default()),
            (Some('I'), Some(value)) => text.push_str(&quoted(value)),
            (Some('L'), value) => {
                text.push_str(&value.map_or_else(|| "NULL".to_owned(), literal));
            }
            _ => return exec_err!("format() takes %s, %I and %L, not those with widths or places"),
        }
    }
    Ok(text)
}

/// Numbers as texts with as many digits behind the point.
fn rounded(numbers: &ArrayRef, digits: usize) -> Result<StringArray> {
    if let DataType::Float16 | DataType::Float32 | DataType::Float64 = numbers.data_type() {
        let numbers = cast(numbers, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        // To even, as PostgreSQL rounds what it is given as a double.
        return Ok(numbers.iter().map(|number| Some(format!("{:.digits$}", number?))).collect());
    }
    // Money and whole numbers stay exact.
    let scale = i8::try_from(digits.min(30)).unwrap_or(30);
    let exact = cast(numbers, &DataType::Decimal128(38, scale))?;
    Ok(cast(&exact, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn to_char(values: &ArrayRef, patterns: &StringArray) -> Result<StringArray> {
    let kind = values.data_type();
    if kind.is_temporal() && !matches!(kind, DataType::Interval(_) | DataType::Duration(_)) {
        let micros = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let micros = micros.as_primitive::<TimestampMicrosecondType>();
        let pairs = micros.iter().zip(patterns);
        return Ok(pairs.map(|(micros, pattern)| times::written(micros?, pattern?)).collect());
    }
    if !kind.is_numeric() && !kind.is_null() {
        return exec_err!("to_char takes numbers, dates and times, not {kind}");
    }
    // Mostly the same for all.
    let (mut last, mut texts) = (None, StringArray::new_null(values.len()));
    (0..values.len())
        .map(|at| {
            if values.is_null(at) || patterns.is_null(at) {
                return Ok(None);
            }
            let pattern = patterns.value(at);
            if last != Some(pattern) {
                texts = rounded(values, numbers::digits_behind(pattern)?)?;
                last = Some(pattern);
            }
            if texts.is_null(at) {
                return Ok(None);
            }
            numbers::written(texts.value(at), pattern).map(Some)
        })
        .collect()
}

/// `pg_typeof`, which looks at the type alone.
fn register_typeof(context: &SessionContext) {
    let function = |args: &[ColumnarValue]| {
        let kind = args.first().map_or(DataType::Null, ColumnarValue::data_type);
        let found = PgType::of(&Field::new("", kind, true));
        let name = formatted(&found.name, None);
        Ok(ColumnarValue::from(ScalarValue::from(name)))
    };
    let signature = Signature::any(1, Volatility::Stable);
    let function = SimpleScalarUDF::new_with_signature(
        "pg_typeof",
        signature,
        DataType::Utf8,
        Arc::new(function),
    );
    put(context, ScalarUDF::from(function));
}

/// Registers all of them.
pub(super) fn register_all(context: &SessionContext) {
    register_typeof(context);
    register(context, "pg_size_pretty", &[&[Takes::Any]], DataType::Utf8, |args| {
        let sizes = cast(args.column(0)?, &DataType::Int64)?;
        let sizes = sizes.as_primitive::<Int64Type>();
        Ok(Arc::new(sizes.iter().map(|size| size.map(pretty)).collect::<StringArray>()))
    });
    register(context, "to_char", &[&[Takes::Any, Takes::Text]], DataType::Utf8, |args| {
        Ok(Arc::new(to_char(args.column(0)?, args.texts(1)?)?))
    });
    const T: Takes = Takes::Text;
    let takes: [&[Takes]; 8] = [
        &[T],
        &[T, T],
        &[T, T, T],
        &[T, T, T, T],
        &[T, T, T, T, T],
        &[T, T, T, T, T, T],
        &[T, T, T, T, T, T, T],
        &[T, T, T, T, T, T, T, T],
    ];
    register(context, "format", &takes, DataType::Utf8, |args| {
        let columns = (0..args.len()).map(|at| args.texts(at)).collect::<Result<Vec<_>>>()?;
        let texts = (0..args.n).map(|row| {
            let cells: Vec<Option<&str>> = columns
                .iter()
                .map(|column| column.is_valid(row).then(|| column.value(row)))
                .collect();
            match cells.split_first() {
                Some((Some(pattern), rest)) => formatted_text(pattern, rest).map(Some),
                _ => Ok(None),
            }
        });
        Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
    });
    register_text(context, "quote_literal", |text| Some(literal(text)));
    register(context, "quote_nullable", &[&[Takes::Text]], DataType::Utf8, |args| {
        let texts = args.texts(0)?.iter();
        let quoted = texts.map(|text| Some(text.map_or_else(|| "NULL".to_owned(), literal)));
        Ok(Arc::new(quoted.collect::<StringArray>()))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Decimal128Array, Float64Array, Int64Array};

    #[test]
    fn sizes_are_written_as_postgresql_writes_them() {
        // Printed by PostgreSQL 15.
        for (bytes, expected) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (-10_240, "-10 kB"),
            (1_000_000_000, "954 MB"),
            (1_000_000_000_000, "931 GB"),
        ] {
            assert_eq!(pretty(bytes), expected);
        }
    }

    #[test]
    fn numbers_of_any_type_are_written() {
        let money = Decimal128Array::from(vec![Some(123_456), None]);
        let money = money.with_precision_and_scale(20, 2).expect("a type");
        for (values, expected) in [
            (Arc::new(money) as ArrayRef, [Some("1,234.6"), None]),
            (
                Arc::new(Float64Array::from(vec![Some(2.25), Some(-1.0)])),
                [Some("2.2"), Some("-1.0")],
            ),
            (Arc::new(Int64Array::from(vec![Some(1000), Some(7)])), [Some("1,000.0"), Some("7.0")]),
        ] {
            let patterns = StringArray::from(vec!["FM9,990.0"; 2]);
            let found = to_char(&values, &patterns).expect("numbers");
            assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn texts_are_quoted_for_sql() {
        let args = [Some("a b"), None, Some("it's")];
        assert_eq!(formatted_text("%I %s|%L%%", &args).expect("a text"), "\"a b\" |'it''s'%");
        assert!(formatted_text("%s", &[]).is_err() && formatted_text("%3$s", &args).is_err());
        assert_eq!(
            (literal("a'b"), literal("a\\b")),
            ("'a''b'".to_owned(), "E'a\\\\b'".to_owned())
        );
    }
}
