//! Exact money: a count of hundredths, read from text without passing through floating point.
//!
//! Statistical offices write values as `1234`, `1,234.50`, `1.2E+05` or `5e+05`; all of them are exact
//! decimal numbers and stay so. A value with more digits than hundredths can hold is refused, never
//! rounded, and so is one that leaves no room for sums: [`Money::MAX_ENTRY`].

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

/// How a source writes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyFormat {
    /// The byte between groups of three digits, if the source uses one.
    pub thousands: Option<u8>,
    /// The byte before the fraction.
    pub decimal: u8,
    /// What one unit of the source is worth in units of the currency: 1000 for "thousand dollars".
    pub multiplier: u32,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseMoneyError {
    /// Not a decimal number at all.
    #[error("expected a decimal number")]
    NotANumber,
    /// More digits after the point than hundredths hold.
    #[error("expected at most {SCALE} digits after the point once scaled to units")]
    TooPrecise,
    /// More than [`Money::MAX_ENTRY`].
    #[error("expected a magnitude of at most {}", Money::MAX_ENTRY)]
    TooLarge,
}

impl MoneyFormat {
    /// Reads an amount, exactly.
    ///
    /// # Errors
    ///
    /// [`ParseMoneyError`] when the text is no decimal number, is finer than a hundredth, or too large.
    pub fn parse(self, text: &[u8]) -> Result<Money, ParseMoneyError> {
        if let Some(amount) = self.parse_plain(text) {
            return Ok(amount);
        }
        let text = text.trim_ascii();
        let (negative, text) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let mut digits: i128 = 0;
        let mut n_digits = 0;
        let mut power = exponent;
        let mut in_fraction = false;
        for &byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    if digits >= LIMIT * 1_000 {
                        return Err(ParseMoneyError::TooLarge);
                    }
                    digits = digits * 10 + i128::from(byte - b'0');
                    n_digits += 1;
                    power -= i32::from(in_fraction);
                }
                _ if byte == self.decimal && !in_fraction => in_fraction = true,
                _ if Some(byte) == self.thousands && !in_fraction && n_digits > 0 => {}
                _ => return Err(ParseMoneyError::NotANumber),
            }
        }
        if n_digits == 0 {
            return Err(ParseMoneyError::NotANumber);
        }
        let mut hundredths = digits * i128::from(self.multiplier);
        let mut power = power + 2;
        while power < 0 && hundredths != 0 {
            if hundredths % 10 != 0 {
                return Err(ParseMoneyError::TooPrecise);
            }
            hundredths /= 10;
            power += 1;
        }
        while power > 0 && hundredths != 0 {
            hundredths = hundredths.checked_mul(10).ok_or(ParseMoneyError::TooLarge)?;
            power -= 1;
        }
        if hundredths > Money::MAX_ENTRY.0 {
            return Err(ParseMoneyError::TooLarge);
        }
        Ok(Money(if negative { -hundredths } else { hundredths }))
    }
}

impl MoneyFormat {
    /// Up to 16 digits with at most two after the point, which nearly all values are and none of which is more than
    /// [`Money::MAX_ENTRY`]; `None` on all else.
    fn parse_plain(self, text: &[u8]) -> Option<Money> {
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
            if byte != self.decimal {
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

fn parse_exponent(text: &[u8]) -> Result<i32, ParseMoneyError> {
    let text = std::str::from_utf8(text).map_err(|_| ParseMoneyError::NotANumber)?;
    match text.parse::<i32>() {
        Ok(exponent) if exponent.abs() <= 64 => Ok(exponent),
        Ok(_) => Err(ParseMoneyError::TooLarge),
        Err(_) => Err(ParseMoneyError::NotANumber),
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
    use proptest::prelude::*;

    const PLAIN: MoneyFormat = MoneyFormat { thousands: Some(b','), decimal: b'.', multiplier: 1 };

    fn check(text: &str, expected: Result<i128, ParseMoneyError>) {
        assert_eq!(PLAIN.parse(text.as_bytes()).map(Money::hundredths), expected, "{text:?}");
    }

    #[test]
    fn reads_the_notations_of_statistical_offices() {
        check("0", Ok(0));
        check(" 45858865 ", Ok(4_585_886_500));
        check("-20408859353", Ok(-2_040_885_935_300));
        check("1,234.5", Ok(123_450));
        check("5e+05", Ok(50_000_000));
        check("5.4E7", Ok(5_400_000_000));
        check("1.2E-1", Ok(12));
        check("12.340000", Ok(1_234));
        check(".5", Ok(50));
    }

    #[test]
    fn refuses_what_it_cannot_hold_exactly() {
        use ParseMoneyError::{NotANumber, TooLarge, TooPrecise};
        check("", Err(NotANumber));
        check("-", Err(NotANumber));
        check("abc", Err(NotANumber));
        check("1.2.3", Err(NotANumber));
        check("1e", Err(NotANumber));
        check("#N/A", Err(NotANumber));
        check("0.005", Err(TooPrecise));
        check("1000000000000000000", Err(TooLarge));
        check("999999999999999999.99", Err(TooLarge));
        check("10000000000000000", Err(TooLarge));
        check("-1e16", Err(TooLarge));
        check("9999999999999999", Ok(999_999_999_999_999_900));
        check("-9,999,999,999,999,999.99", Ok(-Money::MAX_ENTRY.hundredths()));
        check("1e99", Err(TooLarge));
        check(&"9".repeat(60), Err(TooLarge));
    }

    #[test]
    fn thousands_of_units_are_scaled() {
        let format = MoneyFormat { thousands: None, decimal: b',', multiplier: 1000 };
        assert_eq!(format.parse(b"1,2345").map(Money::hundredths), Ok(123_450));
        assert_eq!(
            format.parse(b"9999999999999").map(Money::hundredths),
            Ok(999_999_999_999_900_000)
        );
        assert_eq!(format.parse(b"9999999999999999"), Err(ParseMoneyError::TooLarge));
    }

    #[test]
    fn shares_of_ten_cents_in_three() {
        let parts = allocate(Money(10), &[1, 1, 1]);
        assert_eq!(parts, [Money(4), Money(3), Money(3)]);
        assert_eq!(allocate(Money(-10), &[0, 0]), [Money(-5), Money(-5)]);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(hundredths in -Money::MAX_ENTRY.0..=Money::MAX_ENTRY.0) {
            let money = Money(hundredths);
            prop_assert_eq!(PLAIN.parse(money.to_string().as_bytes()), Ok(money));
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
