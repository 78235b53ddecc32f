//! The columns of a table by their distinct cells: each is made a text once, however many rows have
//! it. Rows by their hash.

use super::block::Stored;
use super::cells::{decoded_text, text};
use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, UInt32Type, UInt64Type};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hash};

/// A column by its distinct cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// For each row the place of its text.
    pub of_rows: Vec<u32>,
    /// The texts in UTF-8, without white space around them; empty for none. Some may stand twice, and
    /// some be of no row.
    pub texts: Vec<String>,
}

/// Rows by the first one that has the same cell.
struct Distinct {
    of_rows: Vec<u32>,
    firsts: Vec<u32>,
}

/// The places of what was met.
#[expect(clippy::disallowed_types, reason = "asked only where a cell was met first")]
type Met<K> = std::collections::HashMap<Option<K>, u32, FixedState>;

/// A place within a block, which has fewer rows.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Distinct {
    /// Those of so many rows with these cells.
    fn of<K: Copy + Eq + Hash>(n_rows: usize, cell: impl Fn(usize) -> Option<K>) -> Self {
        let mut met: Met<K> = Met::with_hasher(FixedState::with_seed(0));
        let (mut of_rows, mut firsts) = (Vec::with_capacity(n_rows), Vec::new());
        let mut last: Option<(Option<K>, u32)> = None;
        for row in 0..n_rows {
            let cell = cell(row);
            // Tables are often in the order of a column.
            let code = match last {
                Some((before, code)) if before == cell => code,
                _ => *met.entry(cell).or_insert_with(|| {
                    firsts.push(place(row));
                    place(firsts.len() - 1)
                }),
            };
            last = Some((cell, code));
            of_rows.push(code);
        }
        Self { of_rows, firsts }
    }

    /// Those of a column; `None` if it is of a rare type.
    fn of_column(column: &ArrayRef) -> Option<Self> {
        /// Those of texts or bytes, whatever the width of their offsets.
        macro_rules! of_bytes {
            ($cells:expr) => {{
                let cells = $cells;
                Self::of(cells.len(), |row| {
                    let bytes: &[u8] = cells.value(row).as_ref();
                    cells.is_valid(row).then_some(bytes)
                })
            }};
        }
        Some(match column.data_type() {
            DataType::Utf8 => of_bytes!(column.as_string::<i32>()),
            DataType::LargeUtf8 => of_bytes!(column.as_string::<i64>()),
            DataType::Utf8View => of_bytes!(column.as_string_view()),
            DataType::Binary => of_bytes!(column.as_binary::<i32>()),
            DataType::LargeBinary => of_bytes!(column.as_binary::<i64>()),
            DataType::BinaryView => of_bytes!(column.as_binary_view()),
            DataType::Decimal128(..) => {
                let cells = column.as_primitive::<Decimal128Type>();
                Self::of(cells.len(), |row| cells.is_valid(row).then(|| cells.value(row)))
            }
            _ => {
                let cells = bits(column)?;
                Self::of(cells.len(), |row| cells.is_valid(row).then(|| cells.value(row)))
            }
        })
    }
}

/// The cells of a column of numbers, flags or times as they are stored, in 64 bits: two are the same
/// exactly if their texts are. `None` if it is of another type.
fn bits(column: &ArrayRef) -> Option<UInt64Array> {
    let of_whole = |cells: &Int64Array| -> UInt64Array { cells.unary(i64::cast_unsigned) };
    let kind = column.data_type();
    if *kind == DataType::UInt64 {
        return Some(column.as_primitive::<UInt64Type>().clone());
    }
    if kind.is_floating() {
        let cells = cast(column, &DataType::Float64).ok()?;
        let of = |number: f64| if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
        return Some(cells.as_primitive::<Float64Type>().unary(of));
    }
    let whole = match kind {
        kind if kind.is_integer() || *kind == DataType::Boolean => cast(column, &DataType::Int64),
        DataType::Date32 | DataType::Time32(_) => {
            cast(column, &DataType::Int32).and_then(|days| cast(&days, &DataType::Int64))
        }
        DataType::Date64 | DataType::Time64(_) | DataType::Timestamp(..) => {
            cast(column, &DataType::Int64)
        }
        _ => return None,
    };
    Some(of_whole(whole.ok()?.as_primitive::<Int64Type>()))
}

/// The texts of cells, as [`Coded`] has them.
fn trimmed(texts: &StringArray) -> Vec<String> {
    texts.iter().map(|text| text.unwrap_or("").trim().to_owned()).collect()
}

/// A column by its distinct cells; the first row has the number `first`.
///
/// # Errors
///
/// As [`decoded_text`].
pub fn coded(name: &str, column: &ArrayRef, stored: Stored, first: u64) -> Result<Coded, String> {
    if let Some(found) = of_dictionary(name, column, stored, first) {
        return Ok(found);
    }
    let Some(Distinct { of_rows, firsts }) = Distinct::of_column(column) else {
        let texts = decoded_text(name, column, stored, first)?;
        let found = Distinct::of(texts.len(), |row| texts.is_valid(row).then(|| texts.value(row)));
        let of_first = |&row: &u32| match texts.is_valid(row as usize) {
            true => texts.value(row as usize).trim().to_owned(),
            false => String::new(),
        };
        return Ok(Coded {
            texts: found.firsts.iter().map(of_first).collect(),
            of_rows: found.of_rows,
        });
    };
    let distinct = take(column, &UInt32Array::from(firsts), None);
    let distinct = distinct.map_err(|error| error.to_string())?;
    match decoded_text(name, &distinct, stored, first) {
        Ok(texts) => Ok(Coded { of_rows, texts: trimmed(&texts) }),
        // The row that is at fault is another of the whole column.
        Err(why) => Err(decoded_text(name, column, stored, first).err().unwrap_or(why)),
    }
}

/// A column that has a dictionary, by that; `None` if it has none, or one that is no help.
fn of_dictionary(name: &str, column: &ArrayRef, stored: Stored, first: u64) -> Option<Coded> {
    let dictionary = column.as_any_dictionary_opt()?;
    if dictionary.values().len() > column.len() {
        return None;
    }
    let mut texts = trimmed(&decoded_text(name, dictionary.values(), stored, first).ok()?);
    let keys = cast(dictionary.keys(), &DataType::UInt32).ok()?;
    let keys = keys.as_primitive::<UInt32Type>();
    let none = place(texts.len());
    texts.push(String::new());
    let of_rows = keys.iter().map(|key| key.unwrap_or(none)).collect();
    Some(Coded { of_rows, texts })
}

/// Mixes a number into a hash.
#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are taken")]
fn mixed(hash: u64, number: u64) -> u64 {
    let product = u128::from(hash ^ number) * 0x9e37_79b9_7f4a_7c15;
    (product as u64) ^ ((product >> 64) as u64)
}

/// What stands for a cell that is empty.
const EMPTY: u64 = 0x2545_f491_4f6c_dd1d;

/// Mixes the cells of a column into the hashes of their rows.
fn mix(hashes: &mut [u64], name: &str, column: &ArrayRef) {
    let state = FixedState::with_seed(1);
    let of_bytes = |bytes: &[u8]| if bytes.is_empty() { EMPTY } else { state.hash_one(bytes) };
    /// Mixes in cells of texts or bytes.
    macro_rules! mix_bytes {
        ($cells:expr) => {{
            let cells = $cells;
            for (row, hash) in hashes.iter_mut().enumerate() {
                let cell = cells.is_valid(row).then(|| of_bytes(cells.value(row).as_ref()));
                *hash = mixed(*hash, cell.unwrap_or(EMPTY));
            }
        }};
    }
    if let Some(dictionary) = column.as_any_dictionary_opt() {
        let of_values = |values: &ArrayRef| {
            let mut hashes = vec![0; values.len()];
            mix(&mut hashes, name, values);
            hashes
        };
        let values = dictionary.values();
        let keys = cast(dictionary.keys(), &DataType::UInt32);
        let is_short = values.len() <= column.len();
        match keys {
            Ok(keys) if is_short => {
                let (of_values, none) = (of_values(values), mixed(0, EMPTY));
                for (hash, key) in hashes.iter_mut().zip(keys.as_primitive::<UInt32Type>()) {
                    let of_value = key.and_then(|key| of_values.get(key as usize));
                    *hash = mixed(*hash, of_value.copied().unwrap_or(none));
                }
            }
            _ => {
                // The same, of each row's own value.
                let plain = cast(column, values.data_type()).map(|plain| of_values(&plain));
                for (hash, of_value) in hashes.iter_mut().zip(plain.unwrap_or_default()) {
                    *hash = mixed(*hash, of_value);
                }
            }
        }
        return;
    }
    match column.data_type() {
        DataType::Utf8 => mix_bytes!(column.as_string::<i32>()),
        DataType::LargeUtf8 => mix_bytes!(column.as_string::<i64>()),
        DataType::Utf8View => mix_bytes!(column.as_string_view()),
        _ => match bits(column) {
            Some(cells) => {
                for (row, hash) in hashes.iter_mut().enumerate() {
                    let cell = cells.is_valid(row).then(|| cells.value(row));
                    *hash = mixed(*hash, cell.unwrap_or(EMPTY));
                }
            }
            None => {
                // A column that cannot be written as text is an error where it is read.
                if let Ok(texts) = text(name, column, encoding_rs::UTF_8) {
                    mix_bytes!(texts);
                }
            }
        },
    }
}

/// A hash of each row: those of two rows with the same cells are the same, those of others hardly
/// ever.
pub fn row_hashes(rows: &RecordBatch) -> Vec<u64> {
    let mut hashes = vec![0; rows.num_rows()];
    for (column, field) in rows.columns().iter().zip(rows.schema_ref().fields()) {
        mix(&mut hashes, field.name(), column);
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
        Float64Array, LargeStringArray, StringViewArray, TimestampSecondArray,
    };
    use arrow::datatypes::Int8Type;
    use std::sync::Arc;

    fn columns() -> Vec<(&'static str, ArrayRef, Stored)> {
        let texts = vec![Some(" a"), None, Some("b"), Some("b"), Some(""), Some("a")];
        let codes: DictionaryArray<Int8Type> = texts.iter().copied().collect();
        let wide: DictionaryArray<UInt32Type> = texts.iter().copied().collect();
        let numbers = vec![Some(0.1), None, Some(-0.0), Some(0.0), Some(f64::NAN), Some(0.1)];
        let decimals =
            Decimal128Array::from(vec![Some(150), None, Some(-5), Some(150), Some(0), None]);
        let text: DataType = DataType::Utf8;
        let bytes = [&b"x"[..], b"\xe9", b"x", b"", b"y", b"\xe9"];
        vec![
            ("text", Arc::new(StringArray::from(texts.clone())), Stored::Text),
            ("large", Arc::new(LargeStringArray::from(texts.clone())), Stored::Text),
            ("view", Arc::new(StringViewArray::from(texts)), Stored::Text),
            ("codes", Arc::new(codes), Stored::of(&text, encoding_rs::UTF_8)),
            ("wide", Arc::new(wide), Stored::Text),
            (
                "whole",
                Arc::new(Int64Array::from(vec![
                    Some(7),
                    None,
                    Some(-7),
                    Some(7),
                    Some(0),
                    Some(1),
                ])),
                Stored::Text,
            ),
            (
                "long",
                Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1, 1, 5, u64::MAX])),
                Stored::Text,
            ),
            ("double", Arc::new(Float64Array::from(numbers)), Stored::Number),
            (
                "single",
                Arc::new(Float32Array::from(vec![0.1, 2.0, 2.0, 0.1, -1.0, 3.0])),
                Stored::Single,
            ),
            (
                "money",
                Arc::new(decimals.with_precision_and_scale(10, 2).expect("room")),
                Stored::Number,
            ),
            (
                "flag",
                Arc::new(BooleanArray::from(vec![
                    Some(true),
                    None,
                    Some(false),
                    Some(true),
                    None,
                    Some(true),
                ])),
                Stored::Text,
            ),
            ("day", Arc::new(Date32Array::from(vec![0, 1, 0, 14_137, -1, 1])), Stored::Text),
            (
                "time",
                Arc::new(TimestampSecondArray::from(vec![0, 1, 0, 14_137, -1, 1])),
                Stored::Text,
            ),
            (
                "bytes",
                Arc::new(BinaryArray::from(bytes.to_vec())),
                Stored::Bytes(encoding_rs::WINDOWS_1252),
            ),
        ]
    }

    #[test]
    fn codes_have_the_texts_of_their_rows() {
        for (name, column, stored) in columns() {
            for (from, n) in [(0, 6), (1, 5), (2, 0)] {
                let column = column.slice(from, n);
                let texts = decoded_text(name, &column, stored, 1).expect("texts");
                let found = coded(name, &column, stored, 1).expect("codes");
                let text = |code: &u32| found.texts[*code as usize].clone();
                let found: Vec<String> = found.of_rows.iter().map(text).collect();
                assert_eq!(found, trimmed(&texts), "{name} from {from}");
            }
        }
    }

    #[test]
    fn rows_have_the_same_hash_if_they_have_the_same_cells() {
        for (name, column, stored) in columns() {
            let texts = decoded_text(name, &column, stored, 1).expect("texts");
            let rows = RecordBatch::try_from_iter_with_nullable([
                ("one", Arc::new(Int64Array::from(vec![5; 6])) as ArrayRef, true),
                (name, Arc::clone(&column), true),
            ]);
            let hashes = row_hashes(&rows.expect("rows"));
            for a in 0..6 {
                for b in 0..6 {
                    let is_same = texts.value(a) == texts.value(b);
                    assert_eq!(hashes[a] == hashes[b], is_same, "{name}: rows {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_is_none_is_told_with_its_row() {
        let bytes = BinaryArray::from(vec![&b"x"[..], b"x", b"y", b"\xff"]);
        let column: ArrayRef = Arc::new(bytes);
        let stored = Stored::Bytes(encoding_rs::UTF_8);
        let error = coded("b", &column, stored, 11).expect_err("no UTF-8");
        assert!(error.starts_with("row 14, column `b`"), "{error}");
        assert_eq!(decoded_text("b", &column, stored, 11).expect_err("no UTF-8"), error);
    }
}
