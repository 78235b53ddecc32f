//! Rows in memory that are found by their key.
//!
//! Keys of small numbers and short texts are numbers that stand in the order of the keys. They are
//! looked for from the place where the last was found, so that rows that come in the order of the
//! key cost a comparison or two.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Result, exec_datafusion_err};
use std::cmp::Ordering;
use std::ops::Range;

/// Whether keys of this type are looked up.
pub(crate) fn is_key(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Utf8 | DataType::Boolean | DataType::Date32 | DataType::Decimal128(..)
        )
}

/// Bytes of a text that go into a number, beside how many there are.
const SHORT: usize = 7;

/// The bits of the first bytes of eight, by how many of them are a text's own.
const OWN: [u64; SHORT + 1] = {
    let mut own = [0; SHORT + 1];
    let mut n = 1;
    while n <= SHORT {
        own[n] = own[n - 1] >> 8 | 0xff << 56;
        n += 1;
    }
    own
};

/// The text at a place of `bytes` as a number. A later text has no lower number, and each of at most
/// [`SHORT`] bytes has a number of its own.
#[inline]
fn word(bytes: &[u8], text: Range<usize>) -> u64 {
    let n = text.len();
    // Eight bytes at a time, where there are as many: of other texts, which are left out again.
    let eight = match bytes[text.start..].first_chunk() {
        Some(eight) => *eight,
        None => {
            let mut eight = [0; SHORT + 1];
            let n = n.min(SHORT);
            eight[..n].copy_from_slice(&bytes[text.start..text.start + n]);
            eight
        }
    };
    let length = if n > SHORT { u64::from(u8::MAX) } else { n as u64 };
    u64::from_be_bytes(eight) & OWN[n.min(SHORT)] | length
}

/// Keys of so many columns as numbers.
type Words<const N: usize> = Vec<[u64; N]>;

/// The keys of some rows as numbers, and whether each key has a number of its own; `None` where
/// their types have none.
fn words<const N: usize>(columns: &[ArrayRef]) -> Option<(Words<N>, bool)> {
    let n_rows = columns.first()?.len();
    let mut keys = vec![[0; N]; n_rows];
    let mut is_exact = true;
    for (at, column) in columns.iter().enumerate() {
        let cells = keys.iter_mut().map(|key| &mut key[at]);
        match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let bytes = texts.value_data();
                for (cell, ends) in cells.zip(texts.value_offsets().windows(2)) {
                    let from = ends[0].unsigned_abs() as usize;
                    let to = ends[1].unsigned_abs() as usize;
                    is_exact &= to - from <= SHORT;
                    *cell = word(bytes, from..to);
                }
            }
            DataType::Int32 => {
                let values = column.as_primitive::<Int32Type>().values();
                cells.zip(values).for_each(|(cell, value)| *cell = ordered(i64::from(*value)));
            }
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>().values();
                cells.zip(values).for_each(|(cell, value)| *cell = ordered(*value));
            }
            _ => return None,
        }
    }
    Some((keys, is_exact))
}

/// A number without a sign in the order of those with one.
fn ordered(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// The keys, in their order.
enum Keys {
    One(Words<1>),
    Two(Words<2>),
    Three(Words<3>),
    Any(RowConverter, Rows),
}

/// The rows that have a key, as places of those that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The first of them, in the order of the key.
    pub(crate) first: u32,
    /// How many there are.
    pub(crate) n: u32,
}

/// Where keys are.
pub(crate) struct Index {
    keys: Keys,
    /// The rows in the order of their keys; none where they stand in it.
    order: Option<Vec<u32>>,
    n: usize,
    has_repeats: bool,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("n", &self.n).finish_non_exhaustive()
    }
}

impl Index {
    /// Of rows with these keys, a column each, in batches. Rows of which a part of the key is null
    /// are never found.
    pub(crate) fn of(columns: &[Vec<ArrayRef>]) -> Result<Self> {
        let whole = |batches: &Vec<ArrayRef>| -> Result<ArrayRef> {
            let batches: Vec<&dyn Array> = batches.iter().map(AsRef::as_ref).collect();
            Ok(concat(&batches)?)
        };
        let columns = columns.iter().map(whole).collect::<Result<Vec<_>>>()?;
        let is_whole = whole_keys(&columns);
        let (keys, order) = match columns.len() {
            1 => exact(&columns, is_whole.as_ref(), Keys::One),
            2 => exact(&columns, is_whole.as_ref(), Keys::Two),
            3 => exact(&columns, is_whole.as_ref(), Keys::Three),
            _ => None,
        }
        .map_or_else(
            || -> Result<_> {
                let field = |column: &ArrayRef| SortField::new(column.data_type().clone());
                let converter = RowConverter::new(columns.iter().map(field).collect())?;
                let rows = converter.convert_columns(&columns)?;
                let order = order(rows.num_rows(), is_whole.as_ref(), |at| rows.row(at));
                Ok((Keys::Any(converter, rows), order))
            },
            Ok,
        )?;
        let n_rows = columns.first().map_or(0, |column| column.len());
        if u32::try_from(n_rows).is_err() {
            return Err(exec_datafusion_err!(
                "a join looks among {n_rows} rows: at most 2^32 can be"
            ));
        }
        let n = order.as_ref().map_or(n_rows, Vec::len);
        let mut index = Self { keys, order, n, has_repeats: false };
        index.has_repeats = index.repeats();
        Ok(index)
    }

    /// Whether a key has more rows than one.
    fn repeats(&self) -> bool {
        match &self.keys {
            Keys::One(keys) => keys.windows(2).any(|pair| pair[0] == pair[1]),
            Keys::Two(keys) => keys.windows(2).any(|pair| pair[0] == pair[1]),
            Keys::Three(keys) => keys.windows(2).any(|pair| pair[0] == pair[1]),
            Keys::Any(_, rows) => {
                (1..self.n).any(|at| rows.row(self.row(at - 1)) == rows.row(self.row(at)))
            }
        }
    }

    pub(crate) fn has_repeats(&self) -> bool {
        self.has_repeats
    }

    /// The number of rows that can be found.
    pub(crate) fn n(&self) -> usize {
        self.n
    }

    /// The row at a place.
    fn row(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }

    /// The row at a place.
    #[inline]
    pub(crate) fn row_at(&self, at: u32) -> u32 {
        self.order.as_ref().map_or(at, |order| order[at as usize])
    }

    /// Whether places are rows.
    pub(crate) fn is_in_place(&self) -> bool {
        self.order.is_none()
    }

    /// Bytes.
    pub(crate) fn size(&self) -> usize {
        let keys = match &self.keys {
            Keys::One(keys) => size_of_val(keys.as_slice()),
            Keys::Two(keys) => size_of_val(keys.as_slice()),
            Keys::Three(keys) => size_of_val(keys.as_slice()),
            Keys::Any(converter, rows) => converter.size() + rows.size(),
        };
        keys + self.order.as_ref().map_or(0, |order| size_of_val(order.as_slice()))
    }

    /// What is found of each of some keys, a column each.
    pub(crate) fn find(&self, columns: &[ArrayRef], found: &mut Vec<Found>) -> Result<()> {
        let is_whole = whole_keys(columns);
        let is_whole = is_whole.as_ref();
        found.clear();
        let none = || exec_datafusion_err!("the keys of a join are of other types than planned");
        match &self.keys {
            Keys::One(keys) => {
                self.seek(keys, &words(columns).ok_or_else(none)?.0, is_whole, found)
            }
            Keys::Two(keys) => {
                self.seek(keys, &words(columns).ok_or_else(none)?.0, is_whole, found)
            }
            Keys::Three(keys) => {
                self.seek(keys, &words(columns).ok_or_else(none)?.0, is_whole, found);
            }
            Keys::Any(converter, rows) => {
                let sought = converter.convert_columns(columns)?;
                let compare = |at: usize, row: usize| rows.row(self.row(at)).cmp(&sought.row(row));
                let same = |row: usize| sought.row(row - 1) == sought.row(row);
                self.seek_by(sought.num_rows(), is_whole, compare, same, found);
            }
        }
        Ok(())
    }

    fn seek<const N: usize>(
        &self,
        keys: &[[u64; N]],
        sought: &[[u64; N]],
        is_whole: Option<&NullBuffer>,
        found: &mut Vec<Found>,
    ) {
        let compare = |at: usize, row: usize| keys[at].cmp(&sought[row]);
        let same = |row: usize| sought[row - 1] == sought[row];
        self.seek_by(sought.len(), is_whole, compare, same, found);
    }

    /// `compare` says how the key at a place stands to that of a row, `same` whether a row has the
    /// key of the row before.
    fn seek_by(
        &self,
        n_rows: usize,
        is_whole: Option<&NullBuffer>,
        compare: impl Fn(usize, usize) -> Ordering,
        same: impl Fn(usize) -> bool,
        found: &mut Vec<Found>,
    ) {
        let mut from = 0;
        found.reserve(n_rows);
        for row in 0..n_rows {
            if is_whole.is_some_and(|is_whole| is_whole.is_null(row)) {
                found.push(Found { first: 0, n: 0 });
                continue;
            }
            let is_again =
                row > 0 && is_whole.is_none_or(|is_whole| is_whole.is_valid(row - 1)) && same(row);
            if let Some(&before) = found.last().filter(|_| is_again) {
                found.push(before);
                continue;
            }
            let Range { start, end } = self.places(from, |at| compare(at, row));
            from = end;
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            found.push(Found { first: number(start), n: number(end - start) });
        }
    }

    /// The places of a key, to which `compare` says how the one at a place stands: looked for from a
    /// place on.
    #[inline]
    fn places(&self, from: usize, compare: impl Fn(usize) -> Ordering) -> Range<usize> {
        // Where rows come in the order of the key, it most often is the next.
        if !self.has_repeats && from < self.n && compare(from).is_eq() {
            return from..from + 1;
        }
        let first = place(self.n, from, |at| compare(at).is_lt());
        let is_more = |end| (self.has_repeats || end == first) && end < self.n;
        let mut end = first;
        while is_more(end) && compare(end).is_eq() {
            end += 1;
        }
        first..end
    }
}

/// Of each row whether no part of its key is null; `None` where that is all of them.
fn whole_keys(columns: &[ArrayRef]) -> Option<NullBuffer> {
    let nulls = columns.iter().map(|column| column.logical_nulls());
    let all = nulls.fold(None, |all, nulls| NullBuffer::union(all.as_ref(), nulls.as_ref()));
    all.filter(|all| all.null_count() > 0)
}

/// The rows that have a whole key, in the order of the keys, and as they stand where these are
/// equal; `None` if that is all of them as they stand.
fn order<K: Ord>(
    n: usize,
    is_whole: Option<&NullBuffer>,
    key: impl Fn(usize) -> K,
) -> Option<Vec<u32>> {
    if is_whole.is_none() && (1..n).all(|row| key(row - 1) <= key(row)) {
        return None;
    }
    let is_there = |row: &usize| is_whole.is_none_or(|is_whole| is_whole.is_valid(*row));
    let rows = (0..n).filter(is_there).map(|row| u32::try_from(row).unwrap_or(u32::MAX));
    let mut rows: Vec<u32> = rows.collect();
    rows.sort_by_key(|row| key(*row as usize));
    Some(rows)
}

/// The keys as numbers, in their order, where each key has a number of its own, and the rows in it.
fn exact<const N: usize>(
    columns: &[ArrayRef],
    is_whole: Option<&NullBuffer>,
    keys_of: impl FnOnce(Words<N>) -> Keys,
) -> Option<(Keys, Option<Vec<u32>>)> {
    let (keys, is_exact) = words::<N>(columns)?;
    if !is_exact {
        return None;
    }
    let order = order(keys.len(), is_whole, |row| keys[row]);
    let keys = match &order {
        Some(order) => order.iter().map(|row| keys[*row as usize]).collect(),
        None => keys,
    };
    Some((keys_of(keys), order))
}

/// The first of `n` places that is not before what is sought, by a search from `from` on to either
/// side in growing steps.
#[inline]
fn place(n: usize, from: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high);
    let mut step = 1;
    if from < n && is_before(from) {
        low = from + 1;
        high = n;
        while low + step <= n {
            if is_before(low + step - 1) {
                low += step;
                step *= 2;
            } else {
                high = low + step - 1;
                break;
            }
        }
    } else if from > 0 && !is_before(from - 1) {
        high = from - 1;
        low = 0;
        while high >= step {
            if is_before(high - step) {
                low = high - step + 1;
                break;
            }
            high -= step;
            step *= 2;
        }
    } else {
        return from;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Int32Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_place_is_found_from_anywhere() {
        for n in 0..20 {
            for sought in 0..=n {
                for from in 0..=n {
                    assert_eq!(place(n, from, |at| at < sought), sought, "{n} {from}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_texts_stand_in_their_order() {
        let texts =
            ["", "\0", "\0\0", "1", "11", "110000", "1100000", "11000000", "110000000", "2"];
        // Alone, and with other texts behind it.
        let word = |text: &str| {
            let alone = word(text.as_bytes(), 0..text.len());
            let among = format!("~{text}~~~~~~~~");
            assert_eq!(word(among.as_bytes(), 1..text.len() + 1), alone, "{text:?}");
            alone
        };
        for pair in texts.windows(2) {
            assert!(word(pair[0]) <= word(pair[1]), "{pair:?}");
        }
        let short: Vec<u64> = texts[..7].iter().map(|text| word(text)).collect();
        assert!(short.windows(2).all(|pair| pair[0] < pair[1]));
    }

    /// The rows that are found of each key.
    fn found(rows: &[ArrayRef], keys: &[ArrayRef]) -> Vec<Vec<u32>> {
        let batches: Vec<Vec<ArrayRef>> = rows
            .iter()
            .map(|column| {
                let half = column.len() / 2;
                vec![column.slice(0, half), column.slice(half, column.len() - half)]
            })
            .collect();
        let index = Index::of(&batches).expect("an index");
        let mut found = Vec::new();
        index.find(keys, &mut found).expect("keys of the same types");
        let rows = |found: &Found| (found.first..found.first + found.n).map(|at| index.row_at(at));
        found.iter().map(|found| rows(found).collect()).collect()
    }

    #[test]
    fn rows_are_found_by_their_key_in_whatever_order_they_come() {
        let text = |texts: &[Option<&str>]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let int = |ints: &[Option<i32>]| Arc::new(Int32Array::from(ints.to_vec())) as ArrayRef;
        let money = |values: &[i128]| Arc::new(Decimal128Array::from(values.to_vec())) as ArrayRef;
        let (a, b, long) = (Some("a"), Some("b"), Some("a text of many letters"));
        let rows = [int(&[Some(2), Some(-1), Some(2), None, Some(2)]), text(&[b, a, a, a, b])];
        let keys = [
            int(&[Some(2), Some(2), Some(3), None, Some(-1), Some(2), Some(2)]),
            text(&[a, b, b, a, a, None, long]),
        ];
        let expected = [vec![2], vec![0, 4], vec![], vec![], vec![1], vec![], vec![]];
        assert_eq!(found(&rows, &keys), expected);
        // Long texts, and numbers that are compared as rows.
        let rows = [text(&[long, a, long, None]), money(&[1, 1, 2, 3])];
        let keys = [text(&[a, long, long, long, None]), money(&[1, 2, 1, 3, 3])];
        assert_eq!(found(&rows, &keys), [vec![1], vec![2], vec![0], vec![], vec![]]);
        assert_eq!(found(&[text(&[])], &[text(&[a, None])]), [Vec::<u32>::new(), vec![]]);
    }
}
