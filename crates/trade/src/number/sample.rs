//! The marks of numbers, seen in a sample of their cells.

use super::format::{Flags, Mark, NumberFormat};
use std::collections::BTreeMap;

/// Bytes of the longest cell that is looked at: no number is longer.
const LONGEST: usize = 60;

/// Forms of cells after which others are left out.
const MOST_FORMS: usize = 4096;

/// Marks before a fraction, that which is taken where nothing tells first.
const DECIMAL: [char; 2] = ['.', ','];

/// Marks between groups of digits, likewise.
const THOUSANDS: [Option<char>; 5] = [None, Some(','), Some('.'), Some(' '), Some('\'')];

/// Cells of columns of numbers, which show the marks that these are written with.
///
/// A format is that of the sample if it reads every cell that is a number in some format. Of the marks that are not
/// told, the decimal mark is a point or a comma, and the thousands mark a comma, a point, a space, an apostrophe
/// or none. So
///
/// * both marks in a cell: the last is the decimal mark (`1.234,5`);
/// * one mark several times, with right groups: a thousands mark (`1,234,567`, `12,34,567`);
/// * one mark, with other than three digits behind it, with 0 or more than three digits before it: the decimal mark
///   (`1,5`, `0,125`, `1234,567`);
/// * spaces and apostrophes between digits: thousands marks;
/// * nothing but digits: a decimal point, and no thousands mark.
///
/// If formats are left that read other numbers in the same cells, nothing has shown which it is:
///
/// * cells such as `1,234` alone are an [`Ambiguity`];
/// * cells such as `1.234` alone have a decimal point.
///
/// Cells that are no numbers in any format (missing values, words) say nothing. A later cell that is written in
/// another way is refused by [`NumberFormat::parse`].
#[derive(Debug, Clone, Default)]
pub struct NumberSample {
    /// The first cell of each form, which is the cell with a 1 for every digit, but for a 0 that is the first.
    cells: BTreeMap<String, String>,
}

/// Why a sample does not show how its numbers are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// A cell is one number or another.
    #[error("`{cell}` is {} or {} (is the comma the decimal mark?), and no cell shows which: tell `decimal` or `thousands`", readings[0], readings[1])]
    Unclear {
        /// The cell.
        cell: String,
        /// What it may be.
        readings: [String; 2],
    },
    /// No format reads two cells.
    #[error(
        "`{first}` and `{second}` are not written with the same marks: write all numbers alike, or tell `decimal` and \
         `thousands`, so that the others are rejected"
    )]
    Contradiction {
        /// One cell.
        first: String,
        /// The other.
        second: String,
    },
    /// One mark is told for both.
    #[error("`decimal` and `thousands` are both {}: tell two marks", Mark(Some(*mark)))]
    SameMark {
        /// The mark.
        mark: char,
    },
}

/// Whether `cell` is a number in `format`.
fn reads(format: NumberFormat, cell: &str) -> bool {
    format.scan(cell).is_ok()
}

/// The number that `cell` is in `format`; empty for none.
fn reading(format: NumberFormat, cell: &str) -> String {
    let mut buffer = String::new();
    format.plain(cell, &mut buffer).map(str::to_owned).unwrap_or_default()
}

/// A cell in a message.
fn shown(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The formats with these marks where they are told, that which is taken where nothing tells first.
fn candidates(decimal: Option<char>, thousands: Option<Option<char>>) -> Vec<NumberFormat> {
    let decimals = decimal.map_or(DECIMAL.to_vec(), |mark| vec![mark]);
    let thousands = thousands.map_or(THOUSANDS.to_vec(), |mark| vec![mark]);
    let of_decimal = |decimal: char| {
        // Flags behind numbers say nothing of their marks.
        let format =
            move |&thousands: &_| NumberFormat { decimal, thousands, flags: Flags::LeftOut };
        thousands.iter().map(format).filter(NumberFormat::marks_differ).collect::<Vec<_>>()
    };
    decimals.into_iter().flat_map(of_decimal).collect()
}

impl NumberSample {
    /// Adds a cell.
    pub fn add(&mut self, text: &str) {
        let cell = text.trim();
        if cell.len() > LONGEST || self.cells.len() >= MOST_FORMS {
            return;
        }
        let mut is_first = true;
        let mut digit = |c: char| {
            let digit = if is_first && c == '0' { '0' } else { '1' };
            is_first = false;
            digit
        };
        let form: String =
            cell.chars().map(|c| if c.is_ascii_digit() { digit(c) } else { c }).collect();
        if !is_first {
            self.cells.entry(form).or_insert_with(|| cell.to_owned());
        }
    }

    /// Adds the cells of another sample.
    pub fn extend(&mut self, other: &Self) {
        for (form, cell) in &other.cells {
            if self.cells.len() >= MOST_FORMS {
                return;
            }
            self.cells.entry(form.clone()).or_insert_with(|| cell.clone());
        }
    }

    /// The first cell whose point is one before a fraction and no other: `2.5`, `1234.567`.
    fn decimal_point(&self) -> Option<&str> {
        let grouped =
            NumberFormat { decimal: ',', thousands: Some('.'), ..NumberFormat::default() };
        let is = |cell: &&str| {
            cell.contains('.') && reads(NumberFormat::default(), cell) && !reads(grouped, cell)
        };
        self.cells.values().map(String::as_str).find(is)
    }

    /// A cell whose point may stand before a fraction or between thousands, where no cell shows
    /// which: `1.234`. It is taken for a decimal point.
    pub fn unclear_point(&self) -> Option<&str> {
        let is = |cell: &&str| cell.contains('.') && reads(NumberFormat::default(), cell);
        let cell = self.cells.values().map(String::as_str).find(is)?;
        self.decimal_point().is_none().then_some(cell)
    }

    /// As [`Self::format`]. Where no mark is told and these cells do not show them, they are those
    /// of `others`, the cells of other columns of the same file.
    ///
    /// # Errors
    ///
    /// [`Ambiguity`] if neither shows it.
    pub fn format_beside(
        &self,
        others: &Self,
        decimal: Option<char>,
        thousands: Option<Option<char>>,
    ) -> Result<NumberFormat, Ambiguity> {
        let own = self.format(decimal, thousands);
        if decimal.is_some() || thousands.is_some() || self.decimal_point().is_some() {
            return own;
        }
        let has_comma = others.format(None, None).is_ok_and(|format| format.decimal == ',');
        match own {
            Ok(format) if format == NumberFormat::default() && has_comma => {
                self.format(Some(','), None)
            }
            Err(Ambiguity::Unclear { .. }) if has_comma => self.format(Some(','), None),
            Err(Ambiguity::Unclear { .. }) if others.decimal_point().is_some() => {
                self.format(Some('.'), None)
            }
            own => own,
        }
    }

    /// How the numbers are written, with the marks that are told: `decimal`, and `thousands`, which may be told to be
    /// none. Flags are refused: a caller that leaves them out says so.
    ///
    /// # Errors
    ///
    /// [`Ambiguity`] if the cells do not show it.
    pub fn format(
        &self,
        decimal: Option<char>,
        thousands: Option<Option<char>>,
    ) -> Result<NumberFormat, Ambiguity> {
        let all = candidates(decimal, thousands);
        if let (Some(mark), true) = (decimal, all.is_empty()) {
            return Err(Ambiguity::SameMark { mark });
        }
        let is_number = |cell: &&str| all.iter().any(|format| reads(*format, cell));
        let cells: Vec<&str> = self.cells.values().map(String::as_str).filter(is_number).collect();
        let mut left = all.clone();
        for (at, &cell) in cells.iter().enumerate() {
            left.retain(|format| reads(*format, cell));
            if !left.is_empty() {
                continue;
            }
            let agree = |other: &&&str| {
                all.iter().any(|format| reads(*format, cell) && reads(*format, other))
            };
            let before = &cells[..at];
            let first = before.iter().find(|other| !agree(other)).or(before.first());
            return Err(Ambiguity::Contradiction {
                first: shown(first.copied().unwrap_or_default()),
                second: shown(cell),
            });
        }
        let best = left.first().copied().unwrap_or_default();
        // Where only points are unclear, the first format is one with a decimal point.
        for &cell in cells.iter().filter(|cell| cell.contains(',')) {
            let is_it = reading(best, cell);
            if let Some(or) = left.iter().map(|f| reading(*f, cell)).find(|or| *or != is_it) {
                return Err(Ambiguity::Unclear { cell: shown(cell), readings: [is_it, or] });
            }
        }
        Ok(NumberFormat { flags: Flags::Refused, ..best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(cells: &[&str]) -> NumberSample {
        let mut sample = NumberSample::default();
        cells.iter().for_each(|cell| sample.add(cell));
        sample
    }

    #[track_caller]
    fn check(cells: &[&str], decimal: char, thousands: Option<char>) {
        let found = sample(cells).format(None, None).map(|found| (found.decimal, found.thousands));
        assert_eq!(found, Ok((decimal, thousands)), "{cells:?}");
    }

    #[track_caller]
    fn check_fault(cells: &[&str], expected: &str) {
        let fault = sample(cells).format(None, None).expect_err("unclear").to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }

    #[test]
    fn marks_are_seen() {
        check(&[], '.', None);
        check(&["NA", "-", "words", "192.168.1.1", "2008-11-30", "5%"], '.', None);
        check(&["1", "-20", "(3)", "4e5"], '.', None);
        check(&["1.5", "2.25"], '.', None);
        check(&["1,5"], ',', None);
        check(&["1.234,5"], ',', Some('.'));
        check(&["1,234.5"], '.', Some(','));
        check(&["1,234,567"], '.', Some(','));
        check(&["1.234.567"], ',', Some('.'));
        check(&["12,34,567"], '.', Some(','));
        check(&["0,125"], ',', None);
        check(&["1234,567"], ',', None);
        check(&["1,2345"], ',', None);
        check(&["1 234", "5"], '.', Some(' '));
        check(&["1\u{202f}234,5"], ',', Some(' '));
        check(&["1'234.50"], '.', Some('\''));
        check(&["1\u{2019}234"], '.', Some('\''));
        check(&["1,234 p", "1,5 b"], ',', None);
    }

    #[test]
    fn one_cell_shows_what_others_are() {
        check(&["1,234", "0.5"], '.', Some(','));
        check(&["1,234", "12,5"], ',', None);
        check(&["1,234", "1,234,567"], '.', Some(','));
        check(&["1,234", "1 234"], ',', Some(' '));
        check(&["1.234", "1,5"], ',', Some('.'));
        check(&["1.234", "1.5"], '.', None);
        check(&["1.234", "1.234.567"], ',', Some('.'));
        check(&["1.234", "1'234"], '.', Some('\''));
    }

    #[test]
    fn what_a_column_does_not_show_another_may() {
        let of = |cells: &[&str]| {
            let mut sample = NumberSample::default();
            cells.iter().for_each(|cell| sample.add(cell));
            sample
        };
        let marks = |own: &[&str], others: &[&str]| {
            let format = of(own).format_beside(&of(others), None, None).ok()?;
            Some((format.decimal, format.thousands))
        };
        assert_eq!(marks(&["1.234", "500"], &["1.234,5"]), Some((',', Some('.'))));
        assert_eq!(marks(&["1.234", "500"], &["1,5"]), Some((',', Some('.'))));
        assert_eq!(marks(&["1.234", "2.5"], &["1,5"]), Some(('.', None)));
        assert_eq!(marks(&["1.234"], &["A", "2008"]), Some(('.', None)));
        assert_eq!(marks(&["1,234"], &["1,5"]), Some((',', None)));
        assert_eq!(marks(&["1,234"], &["1.5"]), Some(('.', Some(','))));
        assert_eq!(marks(&["1,234"], &["2008"]), None);
        assert_eq!(of(&["1.234", "2"]).unclear_point(), Some("1.234"));
        assert_eq!(of(&["1.234", "2.5"]).unclear_point(), None);
    }

    #[test]
    fn points_that_may_be_either_are_decimal_points() {
        check(&["1.234", "56.789"], '.', None);
    }

    #[test]
    fn what_may_be_two_numbers_is_told_of() {
        check_fault(
            &["1,234", "12"],
            "`1,234` is 1234 or 1.234 (is the comma the decimal mark?), and no cell shows which: tell `decimal` or `thousands`",
        );
        check_fault(&["1,234", "1.234"], "`1,234` is 1234 or 1.234");
        check_fault(&["1,234e5"], "`1,234e5` is 1234e5 or 1.234e5");
        check_fault(
            &["1,234.5", "1.234,5"],
            "`1,234.5` and `1.234,5` are not written with the same marks",
        );
        check_fault(&["1.5", "1,5"], "`1,5` and `1.5` are not written");
        check_fault(&["1 234", "1.234", "5,5"], "`1 234` and `1.234` are not written");
    }

    #[test]
    fn what_is_told_holds() {
        let of = |cells: &[&str], decimal, thousands| {
            let found = sample(cells).format(decimal, thousands);
            found.map(|found| (found.decimal, found.thousands))
        };
        assert_eq!(of(&["1,234"], Some('.'), None), Ok(('.', Some(','))));
        assert_eq!(of(&["1,234"], Some(','), None), Ok((',', None)));
        assert_eq!(of(&["1,234"], None, Some(None)), Ok((',', None)));
        assert_eq!(of(&["1,234"], None, Some(Some(','))), Ok(('.', Some(','))));
        assert_eq!(of(&["1.234"], Some(','), None), Ok((',', Some('.'))));
        assert_eq!(of(&["1.234"], None, Some(Some('.'))), Ok((',', Some('.'))));
        assert_eq!(of(&["1.234"], None, Some(None)), Ok(('.', None)));
        assert_eq!(of(&["1,5"], Some('.'), None), Ok(('.', None)));
        assert_eq!(
            of(&["1_234\u{b7}5"], Some('\u{b7}'), Some(Some('_'))),
            Ok(('\u{b7}', Some('_')))
        );
        assert_eq!(of(&[], Some(','), Some(Some(','))), Err(Ambiguity::SameMark { mark: ',' }));
        let same = of(&[], Some(','), Some(Some(','))).expect_err("one mark").to_string();
        assert_eq!(same, "`decimal` and `thousands` are both `,`: tell two marks");
    }

    /// A number of `digits`, of which the last `n_fraction` are a fraction.
    fn written(digits: u64, n_fraction: usize, decimal: char, thousands: Option<char>) -> String {
        let digits = format!("{digits:0width$}", width = n_fraction + 1);
        let (integer, fraction) = digits.split_at(digits.len() - n_fraction);
        let mut text = String::new();
        for (at, digit) in integer.chars().enumerate() {
            if at > 0 && (integer.len() - at).is_multiple_of(3) {
                text.extend(thousands);
            }
            text.push(digit);
        }
        if n_fraction > 0 {
            text.push(decimal);
        }
        text + fraction
    }

    proptest! {
        #[test]
        fn a_sample_gives_its_own_numbers_or_none(
            cells in prop::collection::vec((any::<u64>(), 0u32..64, 0usize..5), 1..12),
            decimal in prop::sample::select(vec!['.', ',']),
            thousands in prop::sample::select(vec![None, Some('.'), Some(','), Some('\u{a0}'), Some('\u{2019}')]),
        ) {
            let style = NumberFormat { decimal, thousands, flags: Flags::Refused };
            prop_assume!(style.marks_differ());
            let texts: Vec<String> = cells
                .iter()
                .map(|&(digits, shift, n)| written(digits >> shift, n, decimal, thousands))
                .collect();
            let mut sample = NumberSample::default();
            texts.iter().for_each(|text| sample.add(text));
            // Points alone are taken for decimal points.
            let bare = NumberFormat::default();
            let is_default = thousands == Some('.') && texts.iter().all(|text| bare.parse(text).is_ok());
            match sample.format(None, None) {
                Err(fault) => {
                    let is_unclear = matches!(fault, Ambiguity::Unclear { .. });
                    prop_assert!(is_unclear, "{fault}");
                }
                Ok(found) if is_default => prop_assert_eq!(found, bare),
                Ok(found) => {
                    for (text, &(digits, shift, n)) in texts.iter().zip(&cells) {
                        let number: f64 = format!("{}e-{n}", digits >> shift).parse().expect("a number");
                        prop_assert_eq!(found.parse(text).map(f64::to_bits), Ok(number.to_bits()), "{} by {:?}", text, found);
                    }
                }
            }
            // With what is told, nothing is unclear.
            prop_assert!(sample.format(Some(decimal), None).is_ok());
            prop_assert!(sample.format(None, Some(thousands)).is_ok());
        }

        #[test]
        fn any_cells_are_read_as_they_are_or_told_of(
            cells in prop::collection::vec("[-(]?[0-9]{1,4}[., ']?[0-9]{0,4}[.,]?[0-9]{0,3}[)eE%]?", 0..8),
        ) {
            let mut sample = NumberSample::default();
            cells.iter().for_each(|cell| sample.add(cell));
            if let Ok(found) = sample.format(None, None) {
                // What some format reads, this one does.
                for cell in &cells {
                    let is_read = candidates(None, None).into_iter().any(|format| reads(format, cell));
                    let found = NumberFormat { flags: Flags::LeftOut, ..found };
                    prop_assert_eq!(is_read, reads(found, cell), "{}", cell);
                }
            }
        }
    }
}
