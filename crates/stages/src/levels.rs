//! Levels of a column of categories, and their order: numbers as numbers, periods as times, the
//! rest as text.

use arrow::array::{
    Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, StringArray, UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;
use std::cmp::Ordering;
use std::sync::Arc;
use trade::NO_CODE;
use trade::interner::{Interner, Lookup, LookupCache, UNKNOWN};

/// What decides the order of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelOrder {
    /// All are numbers.
    Number,
    /// All are periods or dates that begin with the year: `2008-1`, `2008q3`, `2008-09-15`.
    Time,
    /// Neither.
    Text,
}

/// What a column of categories holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Categories {
    /// Numbers with a point, which SQL writes as `2008.0`.
    Floats,
    /// Anything else.
    Others,
}

/// The levels of a column: the level of each row, or [`NO_CODE`], and their texts in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Levels {
    /// The level of each row.
    pub(crate) of_row: Vec<u32>,
    /// The texts, in their order.
    pub(crate) texts: Vec<String>,
    /// What they are in the order of.
    pub(crate) order: LevelOrder,
}

/// Level numbers of the values of a column, in the order in which they are met.
#[derive(Default)]
pub(crate) struct Met {
    texts: Interner,
    /// Codes of these.
    codes: LookupCache,
    found: Lookup,
    of_row: Vec<u32>,
    numbers: Numbers,
    dictionary: Option<Dictionary>,
}

impl std::fmt::Debug for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Met").field("rows", &self.of_row.len()).finish_non_exhaustive()
    }
}

/// Values that rows name by their place.
struct Dictionary {
    values: ArrayRef,
    texts: StringArray,
    /// Of each value the code of its text; [`UNKNOWN`] if no row has it yet.
    codes: Vec<u32>,
}

/// Numbers by their bits, in the order in which they are met.
#[derive(Default)]
struct Numbers {
    /// Bits and place of a number; [`NO_CODE`] where a slot is free.
    slots: Vec<(u64, u32)>,
    /// Of each number the code of its text.
    codes: Vec<u32>,
    n: u32,
}

impl Numbers {
    /// The place of a number, and whether it is new.
    fn place(&mut self, bits: u64) -> (u32, bool) {
        if (self.n as usize + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let at = self.slot(bits);
        match self.slots[at] {
            (_, NO_CODE) => {
                self.slots[at] = (bits, self.n);
                self.n += 1;
                (self.n - 1, true)
            }
            (_, place) => (place, false),
        }
    }

    /// The slot of a number, or the one that is free for it.
    fn slot(&self, bits: u64) -> usize {
        let mask = self.slots.len() - 1;
        let hash = (bits ^ bits >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut at = usize::try_from(hash).unwrap_or(0) & mask;
        while self.slots[at].1 != NO_CODE && self.slots[at].0 != bits {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, NO_CODE); size]);
        for (bits, place) in old.into_iter().filter(|(_, place)| *place != NO_CODE) {
            let at = self.slot(bits);
            self.slots[at] = (bits, place);
        }
    }
}

/// The values of an array as SQL writes them.
fn texts(array: &dyn Array) -> Result<StringArray, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = cast_with_options(array, &DataType::Utf8, &options)?;
    Ok(cast.as_string::<i32>().clone())
}

impl Met {
    /// Puts the levels of rows into `of_row`, which is empty.
    pub(crate) fn with_rows(of_row: Vec<u32>) -> Self {
        Self { of_row, ..Self::default() }
    }

    /// How many rows it has.
    pub(crate) fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    /// Adds a row; `None` has no level.
    pub(crate) fn add(&mut self, text: Option<&str>) {
        let code = self.code(text);
        self.of_row.push(code);
    }

    /// The code of a text; `None` has none.
    fn code(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return NO_CODE };
        self.codes.get(text.as_bytes()).unwrap_or_else(|| {
            let code = self.texts.code(text);
            self.codes.put(text.as_bytes(), code);
            code
        })
    }

    /// Adds a row for each value of an array. A number, and a value of a dictionary, becomes a text
    /// once, however many rows have it.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if the values are none that a text can be made of.
    pub(crate) fn add_all(&mut self, array: &ArrayRef) -> Result<(), ArrowError> {
        match array.data_type() {
            DataType::Utf8 => self.add_texts(array.as_string::<i32>()),
            DataType::LargeUtf8 => self.add_texts(array.as_string::<i64>()),
            DataType::Utf8View => array.as_string_view().iter().for_each(|text| self.add(text)),
            DataType::Dictionary(..) => self.add_coded(array)?,
            other => match other.primitive_width() {
                Some(1) => self.add_numbers::<u8>(array)?,
                Some(2) => self.add_numbers::<u16>(array)?,
                Some(4) => self.add_numbers::<u32>(array)?,
                Some(8) => self.add_numbers::<u64>(array)?,
                _ => texts(array)?.iter().for_each(|text| self.add(text)),
            },
        }
        Ok(())
    }

    /// Adds the rows of an array of texts.
    fn add_texts<O: OffsetSizeTrait>(&mut self, array: &GenericStringArray<O>) {
        let ends = array.value_offsets().windows(2);
        let parts = ends.map(|ends| (ends[0].as_usize(), ends[1].as_usize()));
        let mut found = std::mem::take(&mut self.found);
        let is_found =
            array.null_count() == 0 && self.codes.get_parts(array.value_data(), parts, &mut found);
        if is_found {
            for (row, &known) in found.codes().iter().enumerate() {
                let code = match known {
                    UNKNOWN => self.code(Some(array.value(row))),
                    known => known,
                };
                self.of_row.push(code);
            }
        } else {
            array.iter().for_each(|text| self.add(text));
        }
        self.found = found;
    }

    /// Adds the rows of a dictionary.
    fn add_coded(&mut self, array: &ArrayRef) -> Result<(), ArrowError> {
        let coded = array.as_any_dictionary();
        let values = coded.values();
        if values.is_empty() {
            self.of_row.resize(self.of_row.len() + array.len(), NO_CODE);
            return Ok(());
        }
        let is_same = |known: &Dictionary| known.values.to_data().ptr_eq(&values.to_data());
        let mut dictionary = match self.dictionary.take().filter(is_same) {
            Some(known) => known,
            None => Dictionary {
                values: Arc::clone(values),
                texts: texts(values)?,
                codes: vec![UNKNOWN; values.len()],
            },
        };
        for (row, key) in coded.normalized_keys().into_iter().enumerate() {
            if coded.keys().is_null(row) {
                self.of_row.push(NO_CODE);
                continue;
            }
            let code = &mut dictionary.codes[key];
            if *code == UNKNOWN {
                let is_there = dictionary.texts.is_valid(key);
                *code = self.code(is_there.then(|| dictionary.texts.value(key)));
            }
            self.of_row.push(*code);
        }
        self.dictionary = Some(dictionary);
        Ok(())
    }

    /// Adds the rows of an array whose values are as wide as `T`.
    fn add_numbers<T: ArrowNativeType + Into<u64>>(
        &mut self,
        array: &ArrayRef,
    ) -> Result<(), ArrowError> {
        let (data, nulls) = (array.to_data(), array.nulls());
        let start = self.of_row.len();
        let mut new: Vec<u64> = Vec::new();
        for (row, value) in data.buffer::<T>(0).iter().enumerate().take(array.len()) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                self.of_row.push(NO_CODE);
                continue;
            }
            let (place, is_new) = self.numbers.place((*value).into());
            if is_new {
                new.push(row as u64);
            }
            self.of_row.push(place);
        }
        if !new.is_empty() {
            let met = take(array, &UInt64Array::from(new), None)?;
            for text in &texts(&met)? {
                let code = self.code(text);
                self.numbers.codes.push(code);
            }
        }
        for place in self.of_row[start..].iter_mut().filter(|place| **place != NO_CODE) {
            *place = self.numbers.codes[*place as usize];
        }
        Ok(())
    }

    /// The levels, in their order. Of a column of numbers with a point, `2008.0` is named `2008`.
    pub(crate) fn levels(self, of: Categories) -> Levels {
        let is_float = of == Categories::Floats;
        let name = |text: &str| match text.strip_suffix(".0") {
            Some("-0") if is_float => "0".to_owned(),
            Some(whole) if is_float => whole.to_owned(),
            _ => text.to_owned(),
        };
        let mut texts: Vec<(String, u32)> = (0..)
            .take(self.texts.n_texts())
            .map(|code| (name(self.texts.text(code)), code))
            .collect();
        let order = order_of(texts.iter().map(|(text, _)| text.as_str()));
        texts.sort_by(|(a, _), (b, _)| order.compare(a, b));
        let mut places = vec![0; texts.len()];
        let mut names: Vec<String> = Vec::new();
        for (text, level) in texts {
            if names.last() != Some(&text) {
                names.push(text);
            }
            places[level as usize] = u32::try_from(names.len() - 1).unwrap_or(NO_CODE);
        }
        let mut of_row = self.of_row;
        for level in &mut of_row {
            *level = places.get(*level as usize).copied().unwrap_or(NO_CODE);
        }
        Levels { of_row, texts: names, order }
    }
}

/// The number that a text is: digits with or without a sign, a point and an exponent.
pub(crate) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse::<f64>().ok().filter(|value| is_number && value.is_finite())
}

/// The numbers of a period or date that begins with a year of four digits.
fn time(text: &str) -> Option<Vec<u64>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if n_digits == 0 || (parts.is_empty() && n_digits != 4) {
            return None;
        }
        parts.push(rest[..n_digits].parse().ok()?);
        rest = &rest[n_digits..];
        if rest.is_empty() || rest == "Z" {
            return Some(parts);
        }
        let between = rest.bytes().take_while(|b| !b.is_ascii_digit()).count();
        let separator = rest.get(..between)?.trim();
        let is_known = ["", "-", "/", ".", ":", "_"].contains(&separator)
            || ["q", "m", "w", "t", "s", "h", "-q", "-m", "-w"]
                .contains(&separator.to_ascii_lowercase().as_str());
        if !is_known {
            return None;
        }
        rest = &rest[between..];
    }
}

/// What one text alone is in the order of.
pub(crate) fn order_of_one(text: &str) -> LevelOrder {
    order_of(std::iter::once(text))
}

fn order_of<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> LevelOrder {
    if texts.clone().all(|text| number(text).is_some()) {
        LevelOrder::Number
    } else if texts.clone().all(|text| time(text).is_some()) {
        LevelOrder::Time
    } else {
        LevelOrder::Text
    }
}

impl LevelOrder {
    /// How two levels stand to each other; those of one number or time by their text.
    pub(crate) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Number => number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal),
            Self::Time => time(a).cmp(&time(b)),
            Self::Text => Ordering::Equal,
        }
        .then_with(|| a.cmp(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int8DictionaryArray,
        Int32Array, Int64Array, NullArray,
    };
    use arrow::compute::cast;

    fn sorted(texts: &[&str]) -> (Vec<String>, LevelOrder) {
        let mut met = Met::default();
        texts.iter().for_each(|text| met.add(Some(text)));
        let levels = met.levels(Categories::Others);
        for (text, level) in texts.iter().zip(&levels.of_row) {
            assert_eq!(levels.texts[*level as usize], *text);
        }
        (levels.texts, levels.order)
    }

    #[test]
    fn numbers_and_times_are_in_their_own_order() {
        let is = |texts: &[&str], expected: &[&str], order| {
            let expected = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(sorted(texts), (expected, order), "{texts:?}");
        };
        is(&["1", "10", "2", "-3", "-20"], &["-20", "-3", "1", "2", "10"], LevelOrder::Number);
        is(&["2008-10", "2008-1", "2007-12"], &["2007-12", "2008-1", "2008-10"], LevelOrder::Time);
        is(&["2008m10", "2008m2"], &["2008m2", "2008m10"], LevelOrder::Time);
        is(&["2008Q3", "2007Q4"], &["2007Q4", "2008Q3"], LevelOrder::Time);
        is(
            &["2008-09-15T00:00:00", "2008-09-02T10:00:00"],
            &["2008-09-02T10:00:00", "2008-09-15T00:00:00"],
            LevelOrder::Time,
        );
        is(&["b10", "b9", "1"], &["1", "b10", "b9"], LevelOrder::Text);
        is(&["1", "nan", "inf"], &["1", "inf", "nan"], LevelOrder::Text);
        is(&["10", "9", "09"], &["09", "9", "10"], LevelOrder::Number);
    }

    #[test]
    fn whole_numbers_of_a_float_column_have_no_point() {
        let mut met = Met::default();
        for text in [Some("10.0"), None, Some("-0.0"), Some("0.0"), Some("2.5")] {
            met.add(text);
        }
        let levels = met.levels(Categories::Floats);
        assert_eq!(levels.texts, ["0", "2.5", "10"]);
        assert_eq!(levels.of_row, [2, NO_CODE, 0, 0, 1]);
    }

    /// The text of each row's level.
    fn named(levels: &Levels) -> Vec<Option<&str>> {
        let name = |level: &u32| levels.texts.get(*level as usize).map(String::as_str);
        levels.of_row.iter().map(name).collect()
    }

    #[test]
    fn levels_of_any_type_are_those_of_its_texts() {
        let numbers = Int32Array::from(vec![Some(10), None, Some(-3), Some(10), Some(2)]);
        let wide = Decimal128Array::from(vec![Some(1050), None, Some(-3), Some(1050), Some(2)]);
        let wide = wide.with_precision_and_scale(20, 2).expect("a precision");
        let floats = [[1.5, f64::NAN, -0.0, 0.0, 2.0], [2.5, 1.5, 0.0, 7.0, 8.0]];
        let days = Date32Array::from(vec![14_000, 14_001, 14_000, 14_002, 13_999]);
        let texts = StringArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some("c")]);
        let known = StringArray::from(vec!["b", "", "a", "longer than a word", "b"]);
        let coded = |of: &dyn Array| {
            let coded =
                DataType::Dictionary(Box::new(DataType::Int8), Box::new(of.data_type().clone()));
            cast(of, &coded).expect("codes")
        };
        let arrays: Vec<Vec<ArrayRef>> = vec![
            vec![Arc::new(numbers.clone()), Arc::new(numbers.slice(1, 3)), coded(&numbers)],
            vec![Arc::new(wide)],
            floats.map(|of| Arc::new(Float64Array::from(of.to_vec())) as ArrayRef).to_vec(),
            vec![Arc::new(days.clone()), Arc::new(days.slice(2, 3)), coded(&days)],
            vec![
                coded(&texts),
                coded(&texts).slice(1, 2),
                cast(&texts, &DataType::Utf8View).expect("views"),
                cast(&texts, &DataType::LargeUtf8).expect("texts"),
                Arc::new(texts),
            ],
            vec![Arc::new(known.slice(0, 3)), Arc::new(known.slice(1, 4)), Arc::new(known)],
            vec![Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))],
            vec![Arc::new(NullArray::new(3))],
        ];
        for arrays in arrays {
            let (mut found, mut expected) = (Met::default(), Met::default());
            for array in &arrays {
                found.add_all(array).expect("values with texts");
                for text in &super::texts(array).expect("texts") {
                    expected.add(text);
                }
            }
            let kind = match arrays[0].data_type() {
                DataType::Float64 => Categories::Floats,
                _ => Categories::Others,
            };
            let (found, expected) = (found.levels(kind), expected.levels(kind));
            assert_eq!(found.texts, expected.texts);
            assert_eq!(named(&found), named(&expected), "{arrays:?}");
        }
    }

    #[test]
    fn only_values_that_rows_have_are_levels() {
        let texts = StringArray::from(vec!["n.a.", "2", "10"]);
        let rows = Int8Array::from(vec![Some(1), Some(2), None, Some(1)]);
        let coded: ArrayRef = Arc::new(Int8DictionaryArray::new(rows, Arc::new(texts)));
        let none: ArrayRef = Arc::new(Int8DictionaryArray::new(
            Int8Array::from(vec![None, None]),
            Arc::new(StringArray::from(Vec::<&str>::new())),
        ));
        let mut met = Met::default();
        for array in [&coded, &none, &coded.slice(1, 1)] {
            met.add_all(array).expect("texts");
        }
        let levels = met.levels(Categories::Others);
        assert_eq!((levels.texts.len(), levels.order), (2, LevelOrder::Number));
        let expected = [Some("2"), Some("10"), None, Some("2"), None, None, Some("10")];
        assert_eq!(named(&levels), expected);
    }

    #[test]
    fn many_numbers_keep_their_places() {
        let mut met = Met::default();
        for part in 0..4_i64 {
            let rows = (0..2_000).map(|row| (row * 37 + part * 500) % 3_001 - 7);
            let array: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
            met.add_all(&array).expect("numbers");
        }
        let levels = met.levels(Categories::Others);
        for (at, name) in named(&levels).into_iter().enumerate() {
            let (part, row) = (at / 2_000, at % 2_000);
            let expected = i64::try_from((row * 37 + part * 500) % 3_001).expect("small") - 7;
            assert_eq!(name, Some(expected.to_string().as_str()));
        }
    }
}
