//! What is no difference but rounding: units that are alike must not differ by how their numbers
//! were added up.

/// Numbers that differ by less than this share of them are the same: what is left is rounding.
pub(crate) const TIED: f64 = 1e-9;

/// The same share of the numbers that a difference was taken of.
const OF_TERMS: f64 = 1e-12;

/// Whether two indices are the same. They are ratios and differences of ratios, whose terms are of
/// the size of one: so is their rounding, also where they are near zero.
pub(crate) fn is_tied(a: f64, b: f64) -> bool {
    let largest = a.abs().max(b.abs());
    let is_near = largest.is_finite() && (a - b).abs() <= (TIED * largest).max(OF_TERMS);
    is_near || a.total_cmp(&b).is_eq()
}

/// `a - b`, or 0 where that is rounding of either.
pub(crate) fn difference(a: f64, b: f64) -> f64 {
    let found = a - b;
    if found.abs() <= OF_TERMS * a.abs().max(b.abs()) { 0.0 } else { found }
}

/// How much more a level changes from `start` to `end` than the change that is `expected`, in their
/// units: 0 where that is rounding.
///
/// Changes that differ by 1e-9 of the larger, or by 1e-12 of the larger level, are the same.
pub fn beyond_expected(start: f64, end: f64, expected: f64) -> f64 {
    let change = end - start;
    let found = change - expected;
    let of_changes = TIED * change.abs().max(expected.abs());
    let of_levels = OF_TERMS * start.abs().max(end.abs());
    if found.abs() <= of_changes.max(of_levels) { 0.0 } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn exactly(found: f64, expected: f64) {
        assert_eq!(found.to_bits(), expected.to_bits(), "{found} is not {expected}");
    }

    #[test]
    fn rounding_is_no_difference() {
        assert!(is_tied(0.1 + 0.2, 0.3) && is_tied(2e-16, -1e-16) && is_tied(0.0, -0.0));
        assert!(is_tied(1e6, 1e6 + 1e-4) && !is_tied(1e6, 1e6 + 1e-2));
        assert!(!is_tied(0.1, 0.1 + 1e-9) && !is_tied(1e-6, 1.1e-6) && !is_tied(0.0, 1e-11));
        assert!(is_tied(f64::INFINITY, f64::INFINITY) && !is_tied(f64::INFINITY, 1.0));
        exactly(difference(0.1 + 0.2, 0.3), 0.0);
        exactly(difference(3.0, 1.0), 2.0);
        exactly(beyond_expected(100.0, 90.0, -10.0 + 1e-12), 0.0);
        exactly(beyond_expected(100.0, 90.0, -8.0), -2.0);
        // A change of nothing, where what is expected is a sum that comes to nothing.
        exactly(beyond_expected(1e9, 1e9, 1e-6), 0.0);
        assert!(beyond_expected(100.0, 90.0, -10.0 + 1e-6) < 0.0);
        assert!(beyond_expected(100.0, 90.0, f64::NAN).is_nan());
    }
}
