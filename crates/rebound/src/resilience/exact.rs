//! Values of a table as whole hundredths, which sums are exact in.
//!
//! A value is the shortest decimal number that is the same double. Where one has more than two digits
//! after the point, all are multiplied by the smallest power of ten with which none has; where they
//! are too large for money, and end in zeros, they are divided by one. Results are brought back.

use trade::Money;

/// Digits after the point that money has.
const DIGITS: i32 = 2;

/// The sum of all values, in hundredths, that is below what a published table holds.
const MOST: i128 = 10_i128.pow(trade::money::PRECISION);

/// The same where results are given as floats: sums and means of it are far from overflow.
const MOST_SCALED: i128 = 10_i128.pow(36);

/// A decimal number: digits times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// The shortest that is the same double; `None` if that is no finite number.
    fn of(value: f64) -> Option<Self> {
        // Digits, perhaps with a point behind the first, and an exponent: `1.25e-3`.
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent: i32 = exponent.parse().ok()?;
        Some(Self { digits, exponent: exponent - i32::try_from(fraction.len()).ok()? })
    }

    /// The number in hundredths, multiplied by a power of ten; `None` if it is not whole, or too
    /// large.
    fn hundredths(self, shift: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let power = u32::try_from(self.exponent + DIGITS + shift).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(power)?)
    }
}

/// By which power of ten values were multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift(i32);

impl Shift {
    /// Whether values are as they were written.
    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// A number of the user's, multiplied as the values are.
    pub(super) fn there(self, value: f64) -> f64 {
        Self(-self.0).back(value)
    }

    /// A number of a result, as it is of the values that were written.
    pub(super) fn back(self, value: f64) -> f64 {
        // Powers of ten up to 22 are exact.
        let power = 10_f64.powi(self.0.abs());
        if self.0 >= 0 { value / power } else { value * power }
    }

    /// What values are in that were multiplied, if the user's are in `unit`.
    pub(super) fn unit(self, unit: &str) -> String {
        match self.0 {
            0 => unit.to_owned(),
            power => format!("10^{} {unit}", -power),
        }
    }

    /// Money of a result, as the nearest double.
    pub(super) fn money_back(self, hundredths: i128) -> Option<f64> {
        format!("{hundredths}e{}", -DIGITS - self.0).parse().ok()
    }
}

/// The values in hundredths, and what they were multiplied by; otherwise why they cannot be.
pub(super) fn exact(values: &[f64]) -> Result<(Vec<Money>, Shift), String> {
    let numbers: Option<Vec<Decimal>> = values.iter().copied().map(Decimal::of).collect();
    let numbers = numbers.ok_or("its values are not all numbers")?;
    let exponents = numbers.iter().filter(|number| number.digits != 0).map(|of| of.exponent);
    let needed = exponents.min().map_or(0, |least| -least - DIGITS);
    let shifts = if needed > 0 { vec![needed] } else { vec![0, needed] };
    let found = shifts.into_iter().find_map(|shift| {
        let hundredths: Vec<i128> =
            numbers.iter().map(|number| number.hundredths(shift)).collect::<Option<_>>()?;
        let sum = hundredths.iter().try_fold(0_i128, |sum, &of| sum.checked_add(of))?;
        let most = if shift == 0 { MOST } else { MOST_SCALED };
        (sum < most).then_some((hundredths, shift))
    });
    let Some((hundredths, shift)) = found else {
        let largest = values.iter().copied().fold(0.0, f64::max);
        let smallest =
            values.iter().copied().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        return Err(format!(
            "its values, from {smallest:e} to {largest:e}, have more digits between the first of the largest and the last \
             of the smallest than can be summed exactly: round them, or leave out by --where those that are nearly \
             nothing beside the others"
        ));
    };
    let money = hundredths.into_iter().map(Money::from_hundredths).collect();
    Ok((money, Shift(shift)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundredths(values: &[f64]) -> (Vec<i128>, Shift) {
        let (money, shift) = exact(values).expect("exact");
        (money.into_iter().map(Money::hundredths).collect(), shift)
    }

    #[test]
    fn values_of_two_digits_are_as_they_are() {
        let (found, shift) = hundredths(&[0.0, 12.0, 0.07, 1234.5, 99_999_999_999.99]);
        assert_eq!(found, [0, 1200, 7, 123_450, 9_999_999_999_999]);
        assert!(shift.is_none());
        assert_eq!(hundredths(&[]), (Vec::new(), Shift(0)));
        // What is no sum of powers of two is the number that was written all the same.
        assert_eq!(hundredths(&[1.1, 2.675_f64 * 2.0]).0, [110, 535]);
    }

    #[test]
    fn others_are_multiplied_and_brought_back() {
        let (found, shift) = hundredths(&[0.001, 2.5]);
        assert_eq!((found, shift), (vec![1, 2500], Shift(1)));
        assert!((shift.back(25.0) - 2.5).abs() < 1e-15 && (shift.there(2.5) - 25.0).abs() < 1e-13);
        assert_eq!(shift.money_back(2500), Some(2.5));
        let (found, shift) = hundredths(&[0.1 + 0.2, 1.0]);
        assert_eq!((found[0], shift), (30_000_000_000_000_004, Shift(15)));
        assert_eq!(shift.money_back(found[0]), Some(0.1 + 0.2));
        // Larger than money: whole numbers are divided by their zeros.
        let (found, shift) = hundredths(&[3e30, 1e28]);
        assert_eq!((found, shift), (vec![300, 1], Shift(-30)));
        assert_eq!(shift.money_back(300), Some(3e30));
    }

    #[test]
    fn what_cannot_be_summed_exactly_is_refused() {
        for values in [[1e-20, 1e20], [1e-300, 1e300]] {
            let error = exact(&values).expect_err("too many digits");
            assert!(error.contains("than can be summed exactly: round them"), "{error}");
        }
    }
}
