//! A record's value among the codes that its own becomes.

use trade::money::allocate;
use trade::{Conversion, Money};

/// Calls `each` with the place and part of every target that gets some of `value`.
pub(super) fn split<C>(
    conversion: &Conversion<C>,
    value: Money,
    mut each: impl FnMut(usize, Money),
) {
    if conversion.targets.len() == 1 {
        return each(0, value);
    }
    let values = allocate(value, &conversion.weights());
    // A record of nothing stays one.
    let first = values.iter().position(|value| !value.is_zero()).unwrap_or(0);
    for (at, value) in values.into_iter().enumerate() {
        if at == first || !value.is_zero() {
            each(at, value);
        }
    }
}
