//! A record's value among the codes that its own becomes.

use trade::money::allocate;
use trade::{Conversion, Hs6, Money};

/// Calls `each` with the place, code and part of every target that gets some of `value`.
pub(super) fn split(
    conversion: &Conversion,
    value: Money,
    mut each: impl FnMut(usize, Hs6, Money),
) {
    if let [(code, _)] = conversion.targets[..] {
        return each(0, code, value);
    }
    let values = allocate(value, &conversion.weights());
    // A record of nothing stays one.
    let first = values.iter().position(|value| !value.is_zero()).unwrap_or(0);
    for (at, ((code, _), value)) in conversion.targets.iter().zip(values).enumerate() {
        if at == first || !value.is_zero() {
            each(at, *code, value);
        }
    }
}
