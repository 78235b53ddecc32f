//! Levels of a column of categories, and their order: numbers as numbers, periods as times, the
//! rest as text.

use std::cmp::Ordering;
use trade::NO_CODE;
use trade::interner::Interner;

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

/// Level numbers of texts, in the order in which they are met.
#[derive(Default)]
pub(crate) struct Met {
    texts: Interner,
    of_row: Vec<u32>,
}

impl std::fmt::Debug for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Met").field("rows", &self.of_row.len()).finish_non_exhaustive()
    }
}

impl Met {
    /// Adds a row; `None` has no level.
    pub(crate) fn add(&mut self, text: Option<&str>) {
        self.of_row.push(text.map_or(NO_CODE, |text| self.texts.code(text)));
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
        let place = |level: &u32| places.get(*level as usize).copied().unwrap_or(NO_CODE);
        Levels { of_row: self.of_row.iter().map(place).collect(), texts: names, order }
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
}
