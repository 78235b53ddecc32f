//! What a value may be.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Numbers that work is repeated by: more could not end.
pub const REPEATED: RangeInclusive<usize> = 1..=1_000_000;

/// Numbers of things that are compared with how many there are.
pub(super) const ANY: RangeInclusive<usize> = 0..=1_000_000_000;

/// Numbers of things of which there must be one.
pub(super) const SOME: RangeInclusive<usize> = 1..=1_000_000_000;

/// Numbers of years.
pub(super) const YEARS: RangeInclusive<usize> = 1..=100;

/// Threads of a run.
pub const THREADS: RangeInclusive<usize> = 0..=1024;

/// Years that data may be of.
const CALENDAR: RangeInclusive<i32> = 1900..=2100;

/// Whether a value is in a range; else what was expected.
///
/// # Errors
///
/// The value, and what was expected.
pub fn within<T: PartialOrd + Display>(value: &T, range: &RangeInclusive<T>) -> Result<(), String> {
    let why = || format!("{value}: expected {} to {}", range.start(), range.end());
    range.contains(value).then_some(()).ok_or_else(why)
}

/// A check of [`within`] a range.
pub(super) fn of<T: PartialOrd + Display>(
    range: RangeInclusive<T>,
) -> impl Fn(&T) -> Result<(), String> {
    move |value| within(value, &range)
}

/// Any value of its type.
pub(super) fn any<T>(_: &T) -> Result<(), String> {
    Ok(())
}

/// A year that data may be of.
pub(super) fn year(value: i32) -> Result<(), String> {
    within(&value, &CALENDAR)
}

/// Years that data may be of.
pub(super) fn years(values: &[i32]) -> Result<(), String> {
    values.iter().try_for_each(|value| year(*value))
}

fn check(value: f64, is_good: impl Fn(f64) -> bool, what: &str) -> Result<(), String> {
    if !value.is_finite() {
        return Err(format!("{value}: expected a finite number"));
    }
    is_good(value).then_some(()).ok_or_else(|| format!("{value}: expected {what}"))
}

/// A share.
pub(super) fn share(value: &f64) -> Result<(), String> {
    check(*value, |value| (0.0..=1.0).contains(&value), "a share, 0 to 1")
}

/// A share that is neither nothing nor all.
pub(super) fn fraction(value: &f64) -> Result<(), String> {
    check(*value, |value| value > 0.0 && value < 1.0, "a fraction, above 0 and below 1")
}

/// A share of each of two tails.
pub(super) fn tail(value: &f64) -> Result<(), String> {
    check(*value, |value| (0.0..0.5).contains(&value), "0 or more and below 0.5")
}

/// A finite number above zero.
pub(super) fn above_zero(value: &f64) -> Result<(), String> {
    check(*value, |value| value > 0.0 && value.is_finite(), "a number above 0")
}

/// A finite number that is not below zero.
pub(super) fn at_least_zero(value: &f64) -> Result<(), String> {
    check(*value, |value| value >= 0.0 && value.is_finite(), "0 or more")
}

/// A finite number above one.
pub(super) fn above_one(value: &f64) -> Result<(), String> {
    check(*value, |value| value > 1.0 && value.is_finite(), "a number above 1, such as 5")
}

/// An even number of steps.
pub(super) fn even(value: &usize) -> Result<(), String> {
    within(value, &(2..=10_000))?;
    let why = || format!("{value}: expected an even number: high is complex after even steps only");
    value.is_multiple_of(2).then_some(()).ok_or_else(why)
}

/// A list that names nothing twice.
pub(super) fn distinct<T: PartialEq + serde::Serialize>(values: &[T]) -> Result<(), String> {
    let twice = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value));
    match twice {
        Some((_, value)) => {
            let text = serde_json::to_string(value).unwrap_or_default();
            Err(format!("{text} is there twice"))
        }
        None => Ok(()),
    }
}
