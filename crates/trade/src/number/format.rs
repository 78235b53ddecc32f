//! How numbers are written, and what one is.

use std::fmt;

/// Spaces that stand between groups of digits. A mark that is one of them stands for all.
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// Apostrophes that do.
const APOSTROPHES: [char; 2] = ['\'', '\u{2019}'];

/// The most letters that a flag has.
const MOST_FLAGS: usize = 3;

/// Exponents are cut to this, which is far beyond any number that is kept.
const MOST_EXPONENT: i64 = 1_000_000;

/// What becomes of letters behind a number: Eurostat writes `1234.5 b` and `12 p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// A text with them is no number.
    Refused,
    /// Up to three of them are left out.
    LeftOut,
}

/// How numbers are written.
///
/// A number is `1234.5` or `1.2345E+03`, with the marks of the format:
///
/// * There may be white space around it.
/// * Its sign is `-`, `+` or U+2212, in front of it or behind it. In parentheses it is below zero: `(30)`.
/// * The thousands mark stands between groups of three digits, or between groups of two with a last one of
///   three, as in India: `12,34,567`. It stands between all groups or none, and not in a fraction. The first group
///   does not begin with 0.
/// * A thousands mark that is a space stands for a space, U+00A0, U+202F and U+2009; one that is an apostrophe for `'`
///   and U+2019.
///
/// Percent signs, signs of currencies and other letters are no part of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberFormat {
    /// The mark before the fraction.
    pub decimal: char,
    /// The mark between groups of digits, if there is one.
    pub thousands: Option<char>,
    /// What becomes of letters behind the number.
    pub flags: Flags,
}

impl Default for NumberFormat {
    /// `1234.5`: a decimal point, no thousands mark, no flags.
    fn default() -> Self {
        Self { decimal: '.', thousands: None, flags: Flags::Refused }
    }
}

/// Why a text is not a number. What was found is for the caller to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// It is none with these marks.
    #[error(
        "expected a number with {} before its fraction and {} between groups of digits",
        Mark(Some(*decimal)), Mark(*thousands)
    )]
    NotANumber {
        /// The mark before the fraction.
        decimal: char,
        /// The mark between groups of digits.
        thousands: Option<char>,
    },
    /// The thousands mark stands where none belongs.
    #[error(
        "expected {} between groups of three digits, or of two and a last of three, and not in the fraction",
        Mark(Some(*thousands))
    )]
    Grouping {
        /// The mark between groups of digits.
        thousands: char,
    },
    /// It is beyond what a float of double precision holds.
    #[error("expected a number of at most 1.8e308 either way")]
    TooLarge,
}

/// A mark in a message.
pub(super) struct Mark(pub(super) Option<char>);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("nothing"),
            Some(mark) if SPACES.contains(&mark) => f.write_str("a space"),
            Some(mark) if APOSTROPHES.contains(&mark) => f.write_str("an apostrophe"),
            Some(mark) => write!(f, "`{}`", mark.escape_debug()),
        }
    }
}

/// Whether a mark that is told as one stands for the other.
fn are_alike(a: char, b: char) -> bool {
    let both_in = |marks: &[char]| marks.contains(&a) && marks.contains(&b);
    a == b || both_in(&SPACES) || both_in(&APOSTROPHES)
}

/// The parts of a text that is a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScannedNumber<'t> {
    /// Whether it has a sign that says so.
    pub(crate) is_negative: bool,
    /// Digits, with right marks between them.
    integer: &'t str,
    /// Digits.
    fraction: &'t str,
    has_negative_exponent: bool,
    /// Digits; empty for none.
    exponent: &'t str,
}

impl<'t> ScannedNumber<'t> {
    /// The digits before the fraction.
    fn integer_digits(&self) -> impl Iterator<Item = u8> + use<'t> {
        self.integer.bytes().filter(u8::is_ascii_digit)
    }

    /// All its digits.
    pub(crate) fn digits(&self) -> impl Iterator<Item = u8> + use<'t> {
        self.integer_digits().chain(self.fraction.bytes())
    }

    /// The power of ten that the last of its digits counts.
    pub(crate) fn power(&self) -> i64 {
        let exponent = self.exponent.bytes().fold(0, |exponent, digit| {
            (exponent * 10 + i64::from(digit - b'0')).min(MOST_EXPONENT)
        });
        let exponent = if self.has_negative_exponent { -exponent } else { exponent };
        exponent - i64::try_from(self.fraction.len()).unwrap_or(MOST_EXPONENT)
    }
}

/// Whether the number with this sign is below zero, and all of the text but the sign, which is its first character.
fn after_sign(text: &str) -> Option<(bool, &str)> {
    let mut rest = text.chars();
    let is_negative = is_minus(rest.next()?)?;
    Some((is_negative, rest.as_str()))
}

/// The same of a sign that is its last character.
fn before_sign(text: &str) -> Option<(bool, &str)> {
    let mut rest = text.chars();
    let is_negative = is_minus(rest.next_back()?)?;
    Some((is_negative, rest.as_str()))
}

/// Whether a sign is a minus; `None` for no sign.
fn is_minus(sign: char) -> Option<bool> {
    match sign {
        '-' | '\u{2212}' => Some(true),
        '+' => Some(false),
        _ => None,
    }
}

/// The text without the letters behind a number.
fn without_flags(text: &str) -> &str {
    let rest = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    if text.len() - rest.len() > MOST_FLAGS { text } else { rest.trim_end() }
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `text` is `-?digits[.digits]`.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    !integer.is_empty() && !fraction.is_empty() && are_digits(integer) && are_digits(fraction)
}

impl NumberFormat {
    /// Whether the two marks differ, so that they can be told from each other.
    pub fn marks_differ(&self) -> bool {
        self.thousands.is_none_or(|thousands| !are_alike(thousands, self.decimal))
    }

    /// The number that `text` is, as `-?digits[.digits][e-?digits]`; `buffer` is room for it.
    ///
    /// # Errors
    ///
    /// [`NumberFault`] if it is none.
    pub fn plain<'t>(&self, text: &'t str, buffer: &'t mut String) -> Result<&'t str, NumberFault> {
        if is_plain(text) && (self.decimal == '.' || !text.contains('.')) {
            return Ok(text);
        }
        let number = self.scan(text)?;
        buffer.clear();
        if number.is_negative {
            buffer.push('-');
        }
        let n_before = buffer.len();
        buffer.extend(number.integer_digits().map(char::from));
        if buffer.len() == n_before {
            buffer.push('0');
        }
        if !number.fraction.is_empty() {
            buffer.push('.');
            buffer.push_str(number.fraction);
        }
        if !number.exponent.is_empty() {
            buffer.push_str(if number.has_negative_exponent { "e-" } else { "e" });
            buffer.push_str(number.exponent);
        }
        Ok(buffer)
    }

    /// The float that is nearest to the number that `text` is.
    ///
    /// # Errors
    ///
    /// [`NumberFault`] if it is none, or too large.
    pub fn parse(&self, text: &str) -> Result<f64, NumberFault> {
        let mut buffer = String::new();
        let number = self.plain(text, &mut buffer)?.parse::<f64>();
        let number = number.map_err(|_| self.not_a_number())?;
        if number.is_finite() { Ok(number) } else { Err(NumberFault::TooLarge) }
    }

    fn not_a_number(&self) -> NumberFault {
        NumberFault::NotANumber { decimal: self.decimal, thousands: self.thousands }
    }

    fn is_thousands(&self, found: char) -> bool {
        self.thousands.is_some_and(|mark| are_alike(mark, found))
    }

    /// The parts of the number that `text` is.
    ///
    /// # Errors
    ///
    /// [`NumberFault`] if it is none.
    pub(crate) fn scan<'t>(&self, text: &'t str) -> Result<ScannedNumber<'t>, NumberFault> {
        let mut text = text.trim();
        if self.flags == Flags::LeftOut {
            text = without_flags(text);
        }
        let mut is_negative = false;
        if let Some(rest) = text.strip_prefix('(') {
            text = rest.strip_suffix(')').ok_or_else(|| self.not_a_number())?.trim();
            is_negative = true;
        } else if let Some((sign, rest)) = after_sign(text) {
            (is_negative, text) = (sign, rest.trim_start());
        } else if let Some((sign, rest)) = before_sign(text) {
            (is_negative, text) = (sign, rest.trim_end());
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            None => (text, None),
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        };
        let (has_negative_exponent, exponent) = match exponent {
            None => (false, ""),
            Some(exponent) => {
                let (is_negative, digits) = after_sign(exponent).unwrap_or((false, exponent));
                if digits.is_empty() || !are_digits(digits) {
                    return Err(self.not_a_number());
                }
                (is_negative, digits)
            }
        };
        let (integer, fraction) = mantissa.split_once(self.decimal).unwrap_or((mantissa, ""));
        if integer.is_empty() && fraction.is_empty() {
            return Err(self.not_a_number());
        }
        if !are_digits(integer) || !are_digits(fraction) {
            self.check_groups(integer, fraction)?;
        }
        Ok(ScannedNumber { is_negative, integer, fraction, has_negative_exponent, exponent })
    }

    /// Checks digits with other characters between them.
    fn check_groups(&self, integer: &str, fraction: &str) -> Result<(), NumberFault> {
        let is_known = |found: char| found.is_ascii_digit() || self.is_thousands(found);
        let Some(thousands) =
            self.thousands.filter(|_| integer.chars().chain(fraction.chars()).all(is_known))
        else {
            return Err(self.not_a_number());
        };
        let mut sizes = integer.split(|found| self.is_thousands(found)).map(str::len);
        let (first, last) = (sizes.next().unwrap_or(0), sizes.next_back());
        let (mut are_threes, mut are_twos) = ((1..=3).contains(&first), false);
        for (at, size) in sizes.enumerate() {
            are_threes &= size == 3;
            are_twos = size == 2 && if at == 0 { first <= 2 && first > 0 } else { are_twos };
        }
        let is_right = are_digits(fraction)
            && last == Some(3)
            && (are_threes || are_twos)
            && !integer.starts_with('0');
        if is_right { Ok(()) } else { Err(NumberFault::Grouping { thousands }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn format(decimal: char, thousands: Option<char>) -> NumberFormat {
        NumberFormat { decimal, thousands, flags: Flags::Refused }
    }

    const ENGLISH: NumberFormat = format('.', Some(','));
    const GERMAN: NumberFormat = format(',', Some('.'));
    const FRENCH: NumberFormat = format(',', Some(' '));
    const SWISS: NumberFormat = format('.', Some('\''));
    const BARE: NumberFormat = format('.', None);

    #[track_caller]
    fn check(format: NumberFormat, text: &str, expected: &str) {
        let mut buffer = String::new();
        assert_eq!(format.plain(text, &mut buffer), Ok(expected), "{text:?}");
        let expected: f64 = expected.parse().expect("a number");
        assert_eq!(format.parse(text).map(f64::to_bits), Ok(expected.to_bits()), "{text:?}");
    }

    #[track_caller]
    fn check_fault(format: NumberFormat, text: &str, expected: &str) {
        let fault = format.parse(text).expect_err(text);
        let kind = match fault {
            NumberFault::NotANumber { .. } => "not a number",
            NumberFault::Grouping { .. } => "grouping",
            NumberFault::TooLarge => "too large",
        };
        assert_eq!(kind, expected, "{text:?}: {fault}");
    }

    #[test]
    fn signs_spaces_and_exponents_are_read() {
        for (text, expected) in [
            ("0", "0"),
            ("007", "007"),
            (" \u{a0}12.50\u{202f}\t\u{2009}", "12.50"),
            ("-5", "-5"),
            ("+5", "5"),
            ("\u{2212}5", "-5"),
            ("50-", "-50"),
            ("50 -", "-50"),
            ("50\u{2212}", "-50"),
            ("50+", "50"),
            ("- 50", "-50"),
            ("(30)", "-30"),
            ("( 1,234.5 )", "-1234.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.2E+05", "1.2e05"),
            ("5e5", "5e5"),
            ("-5E-3", "-5e-3"),
            ("5e\u{2212}3", "5e-3"),
            ("5e3-", "-5e3"),
            ("1,234e2", "1234e2"),
        ] {
            check(ENGLISH, text, expected);
        }
    }

    #[test]
    fn groups_are_read_by_the_marks_of_the_format() {
        check(ENGLISH, "1,234,567.89", "1234567.89");
        check(ENGLISH, "12,34,567", "1234567");
        check(ENGLISH, "1,23,45,678.5", "12345678.5");
        check(GERMAN, "1.234.567,89", "1234567.89");
        check(GERMAN, "1234,5", "1234.5");
        check(FRENCH, "1 234\u{a0}567,5", "1234567.5");
        check(FRENCH, "1\u{202f}234,5", "1234.5");
        check(FRENCH, "1\u{2009}234", "1234");
        check(format(',', Some('\u{a0}')), "1 234", "1234");
        check(SWISS, "1'234.5", "1234.5");
        check(SWISS, "1\u{2019}234", "1234");
        check(format('.', Some('\u{2019}')), "1'234", "1234");
        check(BARE, "1234567.5", "1234567.5");
    }

    #[test]
    fn wrong_groups_are_refused() {
        for text in [
            "1,23",
            "1,2345",
            ",123",
            "1,,234",
            "1,234,",
            "1234,567",
            "1,234,56",
            "12,345,67",
            "123,45,678",
            "1,23,456,789",
            "1,234,56,789",
            "1.234,5",
            "1,234.567,8",
            "0,125",
            "0,001,234",
            "1,",
        ] {
            check_fault(ENGLISH, text, "grouping");
        }
        check_fault(FRENCH, "12 34", "grouping");
        check_fault(SWISS, "1'23", "grouping");
        let fault = ENGLISH.parse("1,23").expect_err("a wrong group").to_string();
        assert_eq!(
            fault,
            "expected `,` between groups of three digits, or of two and a last of three, and not in the fraction"
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", " ", "-", "+", "()", "(", "(5", "5)", "(-5)", "--5", "-5-", "+-5", ".", "-.", "e5",
            "5e", "5e+", "5e1.5", "5ee5", "abc", "NaN", "inf", "infinity", "0x10", "5%", "$5",
            "5 €", "1.2.3", "12 p", "１２", "5 5", "1_000", ",",
        ] {
            check_fault(BARE, text, "not a number");
        }
        check_fault(BARE, "1 234", "not a number");
        check_fault(BARE, "1,234", "not a number");
        check_fault(GERMAN, "1.234.567,8,9", "not a number");
        check_fault(BARE, "1e400", "too large");
        check_fault(BARE, "-1e99999999999999999999", "too large");
        assert_eq!(
            FRENCH.parse("1%").expect_err("no number").to_string(),
            "expected a number with `,` before its fraction and a space between groups of digits"
        );
        assert_eq!(
            BARE.parse("1,5").expect_err("no number").to_string(),
            "expected a number with `.` before its fraction and nothing between groups of digits"
        );
    }

    #[test]
    fn flags_are_left_out_where_that_is_asked() {
        let format = NumberFormat { flags: Flags::LeftOut, ..BARE };
        check(format, "1234.5 b", "1234.5");
        check(format, "12 p", "12");
        check(format, "12bep", "12");
        check(format, "5 e", "5");
        check(format, "5e", "5");
        check(format, "5e3 e", "5e3");
        check(format, "-12.5 p", "-12.5");
        check_fault(format, "12 tons", "not a number");
        check_fault(format, ": c", "not a number");
        check_fault(format, "p", "not a number");
        check_fault(format, "1 p 2", "not a number");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in "[-+(), .'0-9eE\u{a0}\u{2212}b%]{0,14}",
            at in 0usize..5,
        ) {
            let format = [ENGLISH, GERMAN, FRENCH, SWISS, BARE][at];
            let mut buffer = String::new();
            if let Ok(plain) = format.plain(&text, &mut buffer) {
                let plain = plain.to_owned();
                // What is given is plain to every format of its decimal mark, and the same number.
                let mut again = String::new();
                prop_assert_eq!(BARE.plain(&plain, &mut again), Ok(plain.as_str()));
                let n_digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
                let n_added = usize::from(n_digits(&plain) != n_digits(&text));
                prop_assert_eq!(n_digits(&plain), n_digits(&text) + n_added);
            }
        }
    }
}
