//! The products that records are brought to.

use std::collections::{BTreeMap, BTreeSet};
use trade::{Conversion, Hs6};

/// Product codes in ascending order, six digits each.
#[derive(Debug)]
pub(super) struct Products(String);

impl Products {
    /// Those that codes are brought to.
    pub(super) fn of(conversions: &BTreeMap<u32, Conversion>) -> Self {
        let targets = conversions.values().flat_map(|conversion| &conversion.targets);
        let codes: BTreeSet<Hs6> = targets.map(|(code, _)| *code).collect();
        Self(codes.iter().map(Hs6::as_str).collect())
    }

    /// The digits of each.
    pub(super) fn digits(&self) -> &[[u8; 6]] {
        self.0.as_bytes().as_chunks::<6>().0
    }

    /// The place of a code that is there.
    pub(super) fn place(&self, code: Hs6) -> u32 {
        let place = self.digits().partition_point(|other| other[..] < *code.as_str().as_bytes());
        u32::try_from(place).unwrap_or(0)
    }
}

impl lake::Texts for Products {
    fn n_texts(&self) -> usize {
        self.0.len() / 6
    }

    fn text(&self, code: u32) -> &str {
        &self.0[6 * code as usize..][..6]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}
