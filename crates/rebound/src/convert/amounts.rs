//! The values of a column as whole numbers of its smallest unit, so that the parts of one add up to it.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use std::sync::Arc;
use trade::Money;
use trade::money::allocate;

/// A value that can be divided has fewer of its smallest units.
const MOST: u128 = 10_u128.pow(20);

/// Digits after the point that a float has at least.
const FEWEST_DIGITS: u32 = 2;

/// Values in their smallest unit.
#[derive(Debug)]
pub(super) struct Amounts {
    /// By row; none where there is no value.
    pub(super) units: Vec<Option<i128>>,
    kind: DataType,
    /// Digits after the point.
    digits: u32,
}

/// The digits of the shortest decimal number that is a double, and the power of ten of the last.
fn decimal(value: f64) -> Option<(i128, i32)> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    Some((digits, exponent - i32::try_from(fraction.len()).ok()?))
}

/// A number in units of so many digits after the point; `None` if it is none of them, or too large.
fn units((digits, exponent): (i128, i32), n_digits: u32) -> Option<i128> {
    if digits == 0 {
        return Some(0);
    }
    let power = u32::try_from(exponent + i32::try_from(n_digits).ok()?).ok()?;
    let units = digits.checked_mul(10_i128.checked_pow(power)?)?;
    (units.unsigned_abs() < MOST).then_some(units)
}

impl Amounts {
    /// Those of a column of numbers; otherwise why it cannot be divided.
    pub(super) fn of(name: &str, column: &ArrayRef) -> Result<Self, String> {
        let kind = column.data_type().clone();
        let failed = |error: arrow::error::ArrowError| format!("column `{name}`: {error}");
        if kind.is_integer() {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            let whole = cast_with_options(column, &DataType::Int64, &options).map_err(failed)?;
            let units = whole.as_primitive::<Int64Type>().iter();
            return Ok(Self {
                units: units.map(|unit| unit.map(i128::from)).collect(),
                kind,
                digits: 0,
            });
        }
        if let DataType::Decimal128(..) = kind {
            let units: Vec<Option<i128>> = column.as_primitive::<Decimal128Type>().iter().collect();
            let is_long = |units: &Option<i128>| units.is_some_and(|n| n.unsigned_abs() >= MOST);
            if let Some(row) = units.iter().position(is_long) {
                return Err(too_long(name, row));
            }
            return Ok(Self { units, kind, digits: 0 });
        }
        if !kind.is_floating() {
            return Err(format!(
                "column `{name}` holds no numbers but {kind}: make numbers of them first"
            ));
        }
        let floats = cast(column, &DataType::Float64).map_err(failed)?;
        let floats = floats.as_primitive::<Float64Type>();
        // A value of single precision is the decimal number that was meant.
        let of = |value: f64| match kind {
            DataType::Float64 => decimal(value),
            _ => value.to_string().parse::<f32>().ok().and_then(decimal_of_single),
        };
        let mut found = Vec::with_capacity(floats.len());
        for (row, value) in floats.iter().enumerate() {
            let value = value.filter(|value| !value.is_nan());
            if value.is_some_and(f64::is_infinite) {
                return Err(format!("row {}, column `{name}`: an infinite value", row + 1));
            }
            found.push(value.and_then(of));
        }
        let lowest = found.iter().flatten().filter(|(digits, _)| *digits != 0);
        let lowest = lowest.map(|(_, exponent)| *exponent).min().unwrap_or(0);
        let digits = u32::try_from(-lowest).unwrap_or(0).max(FEWEST_DIGITS);
        let mut of_rows = Vec::with_capacity(found.len());
        for (row, number) in found.into_iter().enumerate() {
            of_rows.push(match number {
                Some(number) => Some(units(number, digits).ok_or_else(|| too_long(name, row))?),
                None => None,
            });
        }
        Ok(Self { units: of_rows, kind, digits })
    }

    /// The parts of a row's value, by weights.
    pub(super) fn parts(&self, row: usize, weights: &[u128]) -> Vec<Option<i128>> {
        match self.units[row] {
            None => vec![None; weights.len()],
            Some(units) if weights.len() == 1 => vec![Some(units)],
            Some(units) => allocate(Money::from_hundredths(units), weights)
                .into_iter()
                .map(|part| Some(part.hundredths()))
                .collect(),
        }
    }

    /// A sum as a float.
    pub(super) fn float(&self, units: i128) -> f64 {
        let scale = match self.kind {
            DataType::Decimal128(_, scale) => i32::from(scale),
            _ => i32::try_from(self.digits).unwrap_or(0),
        };
        // Read from its digits, it is the nearest there is.
        format!("{units}e{}", -scale).parse().unwrap_or(f64::NAN)
    }

    /// A column of sums, in the type that the values have.
    pub(super) fn column(&self, sums: &[Option<i128>]) -> Result<ArrayRef, String> {
        let failed = |error: arrow::error::ArrowError| format!("the values add up to {error}");
        let options = CastOptions { safe: false, ..CastOptions::default() };
        if let DataType::Decimal128(precision, scale) = self.kind {
            let sums = sums.iter().copied().collect::<Decimal128Array>();
            let sums = sums.with_precision_and_scale(precision, scale).map_err(failed)?;
            sums.validate_decimal_precision(precision).map_err(failed)?;
            return Ok(Arc::new(sums));
        }
        let column: ArrayRef = match self.kind.is_integer() {
            true => {
                let whole = |sum: &Option<i128>| sum.map(i64::try_from).transpose();
                let whole: Result<Int64Array, _> = sums.iter().map(whole).collect();
                Arc::new(whole.map_err(|_| "the values add up to more than 64 bits hold")?)
            }
            false => {
                let float = |sum: &Option<i128>| sum.map(|sum| self.float(sum));
                Arc::new(sums.iter().map(float).collect::<Float64Array>())
            }
        };
        cast_with_options(&column, &self.kind, &options).map_err(failed)
    }
}

fn decimal_of_single(value: f32) -> Option<(i128, i32)> {
    // The shortest decimal number of a single is a double's, too.
    decimal(value.to_string().parse().ok()?)
}

fn too_long(name: &str, row: usize) -> String {
    format!(
        "row {}, column `{name}`: with as many digits after the point as the values have it is too long to be divided \
         exactly: round the values, to hundredths for instance",
        row + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float32Array;

    #[test]
    fn parts_add_up_in_the_values_own_digits() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![Some(10.0), None, Some(0.125)]));
        let amounts = Amounts::of("v", &column).expect("amounts");
        assert_eq!(amounts.units, [Some(10_000), None, Some(125)]);
        assert_eq!(amounts.parts(0, &[1, 1, 1]), [Some(3334), Some(3333), Some(3333)]);
        assert_eq!(amounts.parts(1, &[1, 1]), [None, None]);
        let sums = amounts.column(&[Some(3334), None, Some(125)]).expect("a column");
        assert_eq!(sums.as_ref(), &Float64Array::from(vec![Some(3.334), None, Some(0.125)]));
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![10, -7]));
        let amounts = Amounts::of("v", &whole).expect("amounts");
        assert_eq!(amounts.parts(1, &[1, 1]), [Some(-4), Some(-3)]);
        assert_eq!(amounts.column(&[Some(5)]).expect("a column").data_type(), &DataType::Int64);
        let single: ArrayRef = Arc::new(Float32Array::from(vec![0.1, 2.5]));
        assert_eq!(Amounts::of("v", &single).expect("amounts").units, [Some(10), Some(250)]);
        let long: ArrayRef = Arc::new(Float64Array::from(vec![1e18, 0.001]));
        let error = Amounts::of("v", &long).expect_err("too long");
        assert!(error.starts_with("row 1, column `v`"), "{error}");
    }
}
