//! Codes as they were reported, and as numbers.

use serde::{Deserialize, Serialize};
use trade::{Hs6, HsRevision};

/// Codes of HS have six digits.
pub(super) const N_CODES: u32 = 1_000_000;

/// What stands in the place of a revision where the classification is not HS: behind it, texts have
/// the numbers of an interner.
pub(super) const OTHER: u32 = 7;

/// A code as it was reported: of a revision of HS, or a text of another classification.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(crate) struct ReportedCode {
    pub(crate) revision: Option<HsRevision>,
    pub(crate) code: String,
}

// Maps of JSON have texts for keys: revision, space, code.
impl From<ReportedCode> for String {
    fn from(ReportedCode { revision, code }: ReportedCode) -> Self {
        format!("{} {code}", revision.map_or("", HsRevision::name))
    }
}

impl From<String> for ReportedCode {
    fn from(text: String) -> Self {
        let (revision, code) = text.split_once(' ').unwrap_or(("", text.as_str()));
        Self { revision: revision.parse().ok(), code: code.to_owned() }
    }
}

/// The revision and code of HS that a number of [`N_CODES`] for each revision stands for; none if it
/// stands for a text.
pub(super) fn revision_and_code(number: u32) -> Option<(HsRevision, Hs6)> {
    let revision = *HsRevision::ALL.get((number / N_CODES) as usize)?;
    Some((revision, code_of(number % N_CODES)))
}

/// The six digits as a number.
pub(super) fn number_of(code: Hs6) -> u32 {
    code.as_str().bytes().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'))
}

/// The six digits of a number below [`N_CODES`].
fn code_of(number: u32) -> Hs6 {
    let digit = |power: u32| u8::try_from(number / power % 10).unwrap_or(0) + b'0';
    let digits = [100_000, 10_000, 1000, 100, 10, 1].map(digit);
    Hs6::from_digits(&digits).unwrap_or_else(|| unreachable!("six digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn codes_and_numbers_are_each_others() {
        for text in ["000000", "010190", "999999"] {
            let code: Hs6 = text.parse().expect("a code");
            for (at, revision) in (0..).zip(HsRevision::ALL) {
                let number = at * N_CODES + number_of(code);
                assert_eq!(revision_and_code(number), Some((revision, code)));
            }
        }
        assert_eq!(HsRevision::ALL.len(), OTHER as usize);
        assert_eq!(revision_and_code(OTHER * N_CODES), None);
        assert_eq!(revision_and_code(u32::MAX), None);
    }

    #[test]
    fn reported_codes_are_keys_of_json() {
        let code = |revision, code: &str| ReportedCode { revision, code: code.to_owned() };
        let codes = [
            code(Some(HsRevision::Hs2007), "010190"),
            code(None, "010190"),
            code(None, "Motor vehicles, parts"),
            code(None, "HS2007 010190"),
        ];
        let codes: BTreeMap<ReportedCode, i32> = codes.into_iter().zip(0..).collect();
        let text = serde_json::to_string(&codes).expect("JSON");
        let found: BTreeMap<ReportedCode, i32> = serde_json::from_str(&text).expect("the codes");
        assert_eq!(found, codes);
    }
}
