//! Exact money: a count of hundredths, read from text without passing through floating point.
//!
//! Statistical offices write values as `1234`, `1,234.50`, `(30)`, `1.2E+05` or `5e+05`; all of them are exact
//! decimal numbers and stay so. A value with more digits than hundredths can hold is refused, or rounded where
//! that is asked, and then what it lost is kept. One that leaves no room for sums is refused:
//! [`Money::MAX_ENTRY`].

use crate::number::{NumberFault, NumberFormat};
use std::fmt;

/// Digits after the decimal point of every stored value.
pub const SCALE: u32 = 2;

/// Digits a stored value may have in all, those after the point included.
pub const PRECISION: u32 = 20;

const LIMIT: i128 = 10i128.pow(PRECISION);

/// An amount of one currency, in hundredths of its unit.
///
/// * Its magnitude is below 10^18 units wherever it is stored, and that of an entry is at most [`Money::MAX_ENTRY`].
/// * It has no multiplication by another amount, and no conversion from a float.
/// * It is serialised as the whole number of hundredths.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Money(i128);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The most that one entry may be worth, either way: a hundredth of what a sum may be.
    pub const MAX_ENTRY: Self = Self(LIMIT / 100 - 1);

    /// An amount of `hundredths` hundredths.
    pub fn from_hundredths(hundredths: i128) -> Self {
        Self(hundredths)
    }

    /// The amount as a count of hundredths.
    pub fn hundredths(self) -> i128 {
        self.0
    }

    /// The nearest float, in units (not hundredths). For indices only: sums are made before this.
    #[expect(clippy::cast_precision_loss, reason = "the documented purpose")]
    pub fn to_f64(self) -> f64 {
        // Out of the way, or the compiler makes one slow conversion of both.
        #[cold]
        #[inline(never)]
        fn wide(hundredths: i128) -> f64 {
            hundredths as f64
        }
        // The same number, in one instruction.
        let hundredths = match i64::try_from(self.0) {
            Ok(hundredths) => hundredths as f64,
            Err(_) => wide(self.0),
        };
        hundredths / 100.0
    }

    /// Whether the amount is zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let hundredths = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// What rounding took from amounts: the number that was written less the amount that was kept, exactly, in units of
/// 10^-24 of the currency's unit.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Remainder(i128);

impl Remainder {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Digits after the point that it has.
    pub const SCALE: u32 = 24;

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::AddAssign for Remainder {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl fmt::Display for Remainder {
    /// `-0.0012`: all digits, but no zeros at the end of the fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(Self::SCALE);
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / one, self.0.unsigned_abs() % one);
        let text = format!("{sign}{whole}.{part:0>24}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// An amount, and what rounding took from the number it was written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The amount.
    pub amount: Money,
    /// What it lost.
    pub remainder: Remainder,
}

impl Parsed {
    /// An amount that lost nothing.
    pub fn exact(amount: Money) -> Self {
        Self { amount, remainder: Remainder::ZERO }
    }
}

/// What becomes of a value that is finer than a hundredth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// It is refused.
    Refuse,
    /// It becomes the nearest hundredth, the even one of two that are as near.
    HalfEven,
}

/// How a source writes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyFormat {
    /// How it writes numbers.
    pub numbers: NumberFormat,
    /// What one unit of the source is worth in units of the currency: 1000 for "thousand dollars".
    pub multiplier: u32,
    /// What becomes of a value that is finer than a hundredth.
    pub round: Rounding,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseMoneyError {
    /// Not a decimal number at all.
    #[error("expected a decimal number")]
    NotANumber,
    /// The thousands mark stands where none belongs.
    #[error("expected the thousands mark between groups of three digits")]
    Grouping,
    /// More digits after the point than hundredths hold.
    #[error(
        "expected at most {SCALE} digits after the point once scaled to units; the layout's \
         `value: {{round: half_even}}` rounds others"
    )]
    TooPrecise,
    /// More digits after the point than the account of what is rounded holds.
    #[error(
        "expected at most {} digits after the point once scaled to units, as the account of what is \
         rounded has no more",
        Remainder::SCALE
    )]
    TooPreciseToRound,
    /// More than [`Money::MAX_ENTRY`].
    #[error("expected a magnitude of at most {}", Money::MAX_ENTRY)]
    TooLarge,
}

impl From<NumberFault> for ParseMoneyError {
    fn from(fault: NumberFault) -> Self {
        match fault {
            NumberFault::NotANumber { .. } => Self::NotANumber,
            NumberFault::Grouping { .. } => Self::Grouping,
            NumberFault::TooLarge => Self::TooLarge,
        }
    }
}

/// Digits of the longest number that is looked at: with a multiplier it is inside i128.
const MOST_DIGITS: i64 = 28;

/// Digits before the point of [`Money::MAX_ENTRY`].
const ENTRY_DIGITS: i64 = 16;

/// A number as all its digits but the zeros at both ends, and the power of ten that the last of them counts. The
/// digits are zero if it is.
struct Digits {
    value: i128,
    power: i64,
}

impl Digits {
    /// The digits, of which the last counts the power `power`.
    fn new(digits: impl Iterator<Item = u8>, power: i64) -> Result<Self, ParseMoneyError> {
        let (mut value, mut n, mut n_zeros) = (0_i128, 0_i64, 0_u32);
        for digit in digits {
            if digit == b'0' {
                n_zeros += u32::from(n > 0);
                continue;
            }
            n += i64::from(n_zeros) + 1;
            if n <= MOST_DIGITS {
                value = value * 10_i128.pow(n_zeros + 1) + i128::from(digit - b'0');
            }
            n_zeros = 0;
        }
        let power = power + i64::from(n_zeros);
        if n > 0 && n + power > ENTRY_DIGITS {
            return Err(ParseMoneyError::TooLarge);
        }
        // Its last digit is far behind the point then.
        if n > MOST_DIGITS {
            return Err(ParseMoneyError::TooPrecise);
        }
        Ok(Self { value, power })
    }
}

impl MoneyFormat {
    /// Reads an amount from text in UTF-8, exactly.
    ///
    /// # Errors
    ///
    /// [`ParseMoneyError`] when the text is no decimal number, is finer than a hundredth where that is refused, has
    /// more than 24 digits after the point, or is too large.
    pub fn parse(&self, text: &[u8]) -> Result<Parsed, ParseMoneyError> {
        if let Some(amount) = self.parse_plain(text) {
            return Ok(Parsed::exact(amount));
        }
        let text = std::str::from_utf8(text).map_err(|_| ParseMoneyError::NotANumber)?;
        let number = self.numbers.scan(text)?;
        let Digits { value, mut power } = Digits::new(number.digits(), number.power())?;
        if value == 0 {
            return Ok(Parsed::exact(Money::ZERO));
        }
        let mut scaled = value * i128::from(self.multiplier);
        // Of hundredths.
        power += i64::from(SCALE);
        while power < 0 && scaled % 10 == 0 {
            scaled /= 10;
            power += 1;
        }
        let (hundredths, remainder) = match u32::try_from(power) {
            Ok(power) => {
                let hundredths = 10_i128.checked_pow(power).and_then(|ten| scaled.checked_mul(ten));
                (hundredths.ok_or(ParseMoneyError::TooLarge)?, 0)
            }
            Err(_) => self.rounded(scaled, power)?,
        };
        if hundredths > Money::MAX_ENTRY.0 {
            return Err(ParseMoneyError::TooLarge);
        }
        let sign = if number.is_negative { -1 } else { 1 };
        Ok(Parsed { amount: Money(sign * hundredths), remainder: Remainder(sign * remainder) })
    }

    /// The hundredths next to `scaled` times a power of ten below zero, and what they are short of it.
    fn rounded(&self, scaled: i128, power: i64) -> Result<(i128, i128), ParseMoneyError> {
        /// Digits after hundredths.
        const MOST: u32 = Remainder::SCALE - SCALE;
        match self.round {
            Rounding::Refuse => Err(ParseMoneyError::TooPrecise),
            Rounding::HalfEven => {
                let n = u32::try_from(-power).ok().filter(|n| *n <= MOST);
                let n = n.ok_or(ParseMoneyError::TooPreciseToRound)?;
                let one = 10_i128.pow(n);
                let (whole, part) = (scaled / one, scaled % one);
                let is_up = 2 * part > one || 2 * part == one && whole % 2 == 1;
                let (whole, part) = if is_up { (whole + 1, part - one) } else { (whole, part) };
                Ok((whole, part * 10_i128.pow(MOST - n)))
            }
        }
    }

    /// Up to 16 digits with at most two after the point, which nearly all values are and none of which is more than
    /// [`Money::MAX_ENTRY`]; `None` on all else.
    #[inline]
    pub(crate) fn parse_plain(&self, text: &[u8]) -> Option<Money> {
        if text.is_empty() || text.len() > 16 || self.multiplier != 1 {
            return None;
        }
        let mut digits: i64 = 0;
        for (at, &byte) in text.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                digits = digits * 10 + i64::from(digit);
                continue;
            }
            let (1.., fraction) = (at, &text[at + 1..]) else { return None };
            if char::from(byte) != self.numbers.decimal || !byte.is_ascii() {
                return None;
            }
            let hundredths = match *fraction {
                [a @ b'0'..=b'9'] => i64::from(a - b'0') * 10,
                [a @ b'0'..=b'9', b @ b'0'..=b'9'] => {
                    i64::from(a - b'0') * 10 + i64::from(b - b'0')
                }
                _ => return None,
            };
            return Some(Money(i128::from(digits * 100 + hundredths)));
        }
        Some(Money(i128::from(digits) * 100))
    }
}

/// Splits `total` in proportion to `weights`, to the last hundredth: the parts add up to `total`.
///
/// Largest remainder: each part is the floor of its exact share, and the hundredths left over go to
/// the largest remainders, the earlier part first among equals. All weights zero: equal shares.
pub fn allocate(total: Money, weights: &[u128]) -> Vec<Money> {
    if weights.is_empty() {
        return Vec::new();
    }
    let equal = vec![1; weights.len()];
    let weights = if weights.iter().all(|&w| w == 0) { &equal[..] } else { weights };
    // Weights are scaled down together until the products below fit; 2^60 keeps 18 digits of them.
    let mut sum: u128 = weights.iter().sum();
    let mut shift = 0;
    while sum >> shift >= 1 << 60 {
        shift += 1;
    }
    let weights: Vec<u128> = weights.iter().map(|w| w >> shift).collect();
    sum = weights.iter().sum::<u128>().max(1);
    let magnitude = total.0.unsigned_abs();
    let whole: Vec<u128> = weights.iter().map(|w| magnitude * w / sum).collect();
    let mut left = magnitude - whole.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(magnitude * weights[i] % sum), i));
    let mut parts = whole;
    for i in order {
        if left == 0 {
            break;
        }
        parts[i] += 1;
        left -= 1;
    }
    // A total and its parts are below 10^20, far inside i128.
    parts
        .into_iter()
        .map(|p| i128::try_from(p).unwrap_or(0) * total.0.signum())
        .map(Money)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Flags;
    use proptest::prelude::*;

    const fn format(decimal: char, thousands: Option<char>) -> MoneyFormat {
        let numbers = NumberFormat { decimal, thousands, flags: Flags::Refused };
        MoneyFormat { numbers, multiplier: 1, round: Rounding::Refuse }
    }

    const PLAIN: MoneyFormat = format('.', Some(','));

    #[track_caller]
    fn check(text: &str, expected: Result<i128, ParseMoneyError>) {
        check_in(PLAIN, text, expected);
    }

    #[track_caller]
    fn check_in(format: MoneyFormat, text: &str, expected: Result<i128, ParseMoneyError>) {
        let expected = expected.map(|hundredths| Parsed::exact(Money(hundredths)));
        assert_eq!(format.parse(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn reads_the_notations_of_statistical_offices() {
        check("0", Ok(0));
        check("0e99", Ok(0));
        check(" 45858865 ", Ok(4_585_886_500));
        check("-20408859353", Ok(-2_040_885_935_300));
        check("1,234.5", Ok(123_450));
        check("5e+05", Ok(50_000_000));
        check("5.4E7", Ok(5_400_000_000));
        check("1.2E-1", Ok(12));
        check("120000E-7", Err(ParseMoneyError::TooPrecise));
        check("1200000000E-10", Ok(12));
        check("12.340000", Ok(1_234));
        check(&format!("12.34{}", "0".repeat(90)), Ok(1_234));
        check(&format!("{}12.34", "0".repeat(90)), Ok(1_234));
        check(".5", Ok(50));
        check("50-", Ok(-5_000));
        check("(30)", Ok(-3_000));
        check("(1,234.50)", Ok(-123_450));
        check("\u{2212}7.1", Ok(-710));
        check("\u{a0}7\u{a0}", Ok(700));
        check("12,34,567.89", Ok(123_456_789));
        check_in(format(',', Some(' ')), "1\u{202f}234\u{a0}567,8", Ok(123_456_780));
        check_in(format('.', Some('\'')), "1\u{2019}234.5", Ok(123_450));
        check_in(format('\u{b7}', None), "7\u{b7}5", Ok(750));
        check_in(format('٫', Some('٬')), "1٬234٫5", Ok(123_450));
    }

    #[test]
    fn refuses_what_it_cannot_hold_exactly() {
        use ParseMoneyError::{Grouping, NotANumber, TooLarge, TooPrecise};
        check("", Err(NotANumber));
        check("-", Err(NotANumber));
        check("abc", Err(NotANumber));
        check("1.2.3", Err(NotANumber));
        check("1e", Err(NotANumber));
        check("#N/A", Err(NotANumber));
        check("5%", Err(NotANumber));
        check("$5", Err(NotANumber));
        check("1 234", Err(NotANumber));
        check("1,23", Err(Grouping));
        check("1,,234", Err(Grouping));
        check("1.234,5", Err(Grouping));
        check("0.005", Err(TooPrecise));
        check("1e-99", Err(TooPrecise));
        check("1000000000000000000", Err(TooLarge));
        check("999999999999999999.99", Err(TooLarge));
        check("10000000000000000", Err(TooLarge));
        check("-1e16", Err(TooLarge));
        check("9999999999999999", Ok(999_999_999_999_999_900));
        check("-9,999,999,999,999,999.99", Ok(-Money::MAX_ENTRY.hundredths()));
        check("1e99", Err(TooLarge));
        check("1e99999999999", Err(TooLarge));
        check(&"9".repeat(60), Err(TooLarge));
        check("0.1000000000000000055511151231257827", Err(TooPrecise));
        // A byte of a mark of two is no mark, and no text.
        assert_eq!(format('\u{b7}', None).parse(b"7\xb75"), Err(NotANumber));
        assert_eq!(PLAIN.parse(b"7\xff"), Err(NotANumber));
    }

    #[test]
    fn thousands_of_units_are_scaled() {
        let format = MoneyFormat { multiplier: 1000, ..format(',', None) };
        check_in(format, "1,2345", Ok(123_450));
        check_in(format, "9999999999999", Ok(999_999_999_999_900_000));
        check_in(format, "9999999999999999", Err(ParseMoneyError::TooLarge));
    }

    #[test]
    fn what_is_finer_than_a_hundredth_is_rounded_to_the_even_one_where_that_is_asked() {
        let round = MoneyFormat { round: Rounding::HalfEven, ..PLAIN };
        let thousands = MoneyFormat { multiplier: 1000, ..round };
        for (format, text, amount, remainder) in [
            (round, "12.5", "12.50", "0"),
            (round, "0.004", "0.00", "0.004"),
            (round, "0.005", "0.00", "0.005"),
            (round, "0.0050000001", "0.01", "-0.0049999999"),
            (round, "0.015", "0.02", "-0.005"),
            (round, "0.025", "0.02", "0.005"),
            (round, "-0.015", "-0.02", "0.005"),
            (round, "(1,234.5678)", "-1234.57", "0.0022"),
            (round, "1e-12", "0.00", "0.000000000001"),
            (round, "1e-24", "0.00", "0.000000000000000000000001"),
            // A double as data frames write it.
            (round, "1234567.0000000000930", "1234567.00", "0.000000000093"),
            (round, "0.000000000001000", "0.00", "0.000000000001"),
            (round, "9999999999999999.994", "9999999999999999.99", "0.004"),
            (thousands, "0.000005", "0.00", "0.005"),
            (thousands, "1.234567", "1234.57", "-0.003"),
        ] {
            let Parsed { amount: found, remainder: lost } =
                format.parse(text.as_bytes()).expect(text);
            assert_eq!([found.to_string(), lost.to_string()], [amount, remainder], "{text:?}");
        }
        let parse = |text: &str| round.parse(text.as_bytes());
        assert_eq!(parse("1e-25"), Err(ParseMoneyError::TooPreciseToRound));
        assert_eq!(parse("9999999999999999.999"), Err(ParseMoneyError::TooLarge));
        assert_eq!(
            ParseMoneyError::TooPrecise.to_string(),
            "expected at most 2 digits after the point once scaled to units; the layout's \
             `value: {round: half_even}` rounds others"
        );
    }

    #[test]
    fn what_rounding_took_adds_up() {
        let round = MoneyFormat { round: Rounding::HalfEven, ..PLAIN };
        let (mut kept, mut lost) = (Money::ZERO, Remainder::ZERO);
        for text in ["0.005", "0.005", "1.999999999999", "-3.3333"] {
            let Parsed { amount, remainder } = round.parse(text.as_bytes()).expect(text);
            kept += amount;
            lost += remainder;
        }
        assert_eq!(
            (kept.to_string(), lost.to_string()),
            ("-1.33".to_owned(), "0.006699999999".to_owned())
        );
        assert!(!lost.is_zero());
    }

    #[test]
    fn shares_of_ten_cents_in_three() {
        let parts = allocate(Money(10), &[1, 1, 1]);
        assert_eq!(parts, [Money(4), Money(3), Money(3)]);
        assert_eq!(allocate(Money(-10), &[0, 0]), [Money(-5), Money(-5)]);
    }

    /// A way to write a number.
    #[derive(Debug, Clone)]
    struct Style {
        decimal: char,
        thousands: Option<char>,
        /// Digits of a group that is not the last.
        group: usize,
        /// What stands around a number below zero, and around one that is not.
        signs: [&'static str; 4],
        around: &'static str,
        /// How the exponent begins, and which it is; digits that make up for it are moved.
        exponent: Option<(&'static str, usize)>,
        /// Zeros at the end of the fraction.
        n_zeros: usize,
    }

    impl Style {
        fn write(&self, hundredths: i128) -> String {
            let (begin, shift) = self.exponent.unwrap_or(("", 0));
            let n_fraction = shift + 2;
            let digits = hundredths.unsigned_abs();
            let digits = format!("{digits:0width$}", width = n_fraction + 1);
            let (integer, fraction) = digits.split_at(digits.len() - n_fraction);
            let mut text = String::new();
            for (at, digit) in integer.chars().enumerate() {
                let n_left = integer.len() - at;
                if at > 0 && (n_left == 3 || n_left > 3 && (n_left - 3).is_multiple_of(self.group))
                {
                    text.extend(self.thousands);
                }
                text.push(digit);
            }
            text.push(self.decimal);
            text += fraction;
            text += &"0".repeat(self.n_zeros);
            if let Some((_, exponent)) = self.exponent {
                text = format!("{text}{begin}{exponent}");
            }
            let (before, after) = match hundredths < 0 {
                true => (self.signs[0], self.signs[1]),
                false => (self.signs[2], self.signs[3]),
            };
            format!("{0}{before}{text}{after}{0}", self.around)
        }
    }

    fn style() -> impl Strategy<Value = Style> {
        let marks = prop::sample::select(vec![
            ('.', None),
            (',', None),
            ('.', Some(',')),
            (',', Some('.')),
            (',', Some(' ')),
            (',', Some('\u{a0}')),
            ('.', Some('\u{202f}')),
            ('.', Some('\'')),
            ('.', Some('\u{2019}')),
            ('\u{b7}', Some('_')),
        ]);
        let signs = prop::sample::select(vec![
            ["-", "", "", ""],
            ["\u{2212}", "", "+", ""],
            ["", "-", "", ""],
            ["", "\u{2212}", "", "+"],
            ["(", ")", "", ""],
        ]);
        let around = prop::sample::select(vec!["", " ", "\u{a0}", "\t\u{2009}"]);
        let begin = prop::sample::select(vec!["e", "E", "e+", "E+0"]);
        let exponent = prop::option::of((begin, 0usize..8));
        let group = prop::sample::select(vec![2usize, 3]);
        (marks, signs, around, exponent, group, 0usize..3).prop_map(
            |((decimal, thousands), signs, around, exponent, group, n_zeros)| Style {
                decimal,
                thousands,
                group,
                signs,
                around,
                exponent,
                n_zeros,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(hundredths in -Money::MAX_ENTRY.0..=Money::MAX_ENTRY.0) {
            let money = Money(hundredths);
            prop_assert_eq!(PLAIN.parse(money.to_string().as_bytes()), Ok(Parsed::exact(money)));
        }

        // However a number is written, it is the same amount and the nearest float.
        #[test]
        fn styles_change_no_number(
            hundredths in prop_oneof![
                -Money::MAX_ENTRY.0..=Money::MAX_ENTRY.0, -100_000_000_i128..=100_000_000, -99_i128..=99,
            ],
            style in style(),
        ) {
            let text = style.write(hundredths);
            let format = format(style.decimal, style.thousands);
            prop_assert_eq!(format.parse(text.as_bytes()), Ok(Parsed::exact(Money(hundredths))), "{:?}", text);
            let nearest: f64 = format!("{hundredths}e-2").parse().expect("a number");
            let found = format.numbers.parse(&text);
            prop_assert!(found.is_ok_and(|found| (found - nearest).abs() <= 0.0), "{text:?}: {found:?}, {nearest}");
        }

        #[test]
        fn rounded_amounts_and_what_they_lost_add_up_to_what_was_written(
            trillionths in prop_oneof![-10_i128.pow(25)..10_i128.pow(25), -10_i128.pow(11)..10_i128.pow(11)],
        ) {
            let round = MoneyFormat { round: Rounding::HalfEven, ..PLAIN };
            let text = format!("{trillionths}e-12");
            let Parsed { amount, remainder } = round.parse(text.as_bytes()).expect("an amount");
            prop_assert_eq!(amount.0 * 10_i128.pow(22) + remainder.0, trillionths * 10_i128.pow(12));
            prop_assert!(remainder.0.abs() <= 5 * 10_i128.pow(21));
            if remainder.0.abs() == 5 * 10_i128.pow(21) {
                prop_assert_eq!(amount.0 % 2, 0);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = PLAIN.parse(&bytes);
        }

        #[test]
        fn parts_add_up(total in -10_000_000_000_000_000i128..10_000_000_000_000_000i128,
                        weights in prop::collection::vec(0u128..1_000_000_000_000_000_000_000, 1..9)) {
            let parts = allocate(Money(total), &weights);
            prop_assert_eq!(parts.into_iter().sum::<Money>(), Money(total));
        }
    }
}
