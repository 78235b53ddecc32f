//! Revisions and codes as numbers.

use trade::{Hs6, HsRevision};

/// Codes have six digits.
pub(super) const N_CODES: u32 = 1_000_000;

/// Revision and code in one number.
pub(crate) fn reported_code(revision: HsRevision, code: Hs6) -> u32 {
    u32::try_from(revision.index()).unwrap_or(0) * N_CODES + number_of(code)
}

/// What [`reported_code`] made.
pub(crate) fn revision_and_code(number: u32) -> (HsRevision, Hs6) {
    let revisions = HsRevision::ALL;
    let at = (number / N_CODES) as usize;
    (revisions[at.min(revisions.len() - 1)], code_of(number % N_CODES))
}

/// The six digits as a number.
pub(crate) fn number_of(code: Hs6) -> u32 {
    code.as_str().bytes().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'))
}

/// The six digits of a number below [`N_CODES`].
pub(crate) fn code_of(number: u32) -> Hs6 {
    let digit = |power: u32| u8::try_from(number / power % 10).unwrap_or(0) + b'0';
    let digits = [100_000, 10_000, 1000, 100, 10, 1].map(digit);
    Hs6::from_digits(&digits).unwrap_or_else(|| unreachable!("six digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_are_each_others() {
        for text in ["000000", "010190", "999999"] {
            let code: Hs6 = text.parse().expect("a code");
            for revision in HsRevision::ALL {
                assert_eq!(revision_and_code(reported_code(revision, code)), (revision, code));
            }
        }
    }
}
