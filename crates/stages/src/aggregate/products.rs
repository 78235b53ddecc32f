//! The products that records are brought to.

use super::conversions::Conversions;
use std::collections::BTreeSet;

/// Product codes in ascending order.
#[derive(Debug)]
pub(super) struct Products(Vec<String>);

impl Products {
    /// Those that codes are brought to.
    pub(super) fn of(conversions: &Conversions) -> Self {
        let targets = conversions.values().flat_map(|conversion| &conversion.targets);
        let codes: BTreeSet<&String> = targets.map(|(code, _)| code).collect();
        Self(codes.into_iter().cloned().collect())
    }

    /// All of them.
    pub(super) fn codes(&self) -> &[String] {
        &self.0
    }

    /// The place of a code that is there.
    pub(super) fn place(&self, code: &str) -> u32 {
        let place = self.0.partition_point(|other| other.as_str() < code);
        u32::try_from(place).unwrap_or(0)
    }
}

impl lake::Texts for Products {
    fn n_texts(&self) -> usize {
        self.0.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.0[code as usize]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}
