//! A row to be written, and what may be wrong with it.

use super::firms::Firm;
use trade::Hs6;

pub(super) const COUNTRIES: [&str; 20] = [
    "USA", "HKG", "JPN", "KOR", "DEU", "NLD", "GBR", "SGP", "IND", "RUS", "FRA", "ITA", "AUS",
    "CAN", "MEX", "BRA", "THA", "VNM", "ESP", "ZAF",
];

pub(super) struct Row<'a> {
    pub(super) month: usize,
    pub(super) region: &'a str,
    pub(super) hs6: Hs6,
    /// What follows the six digits.
    pub(super) tail: usize,
    pub(super) destination: &'static str,
    pub(super) firm: &'a Firm,
    pub(super) quantity: u64,
    pub(super) value: i128,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dirt {
    None,
    FloatCode,
    Spaces,
    NoOwner,
    BadMonth,
    NoNumber,
    ShortCode,
    CutRow,
}

impl Dirt {
    pub(super) const ALL: [Self; 7] = [
        Self::FloatCode,
        Self::Spaces,
        Self::NoOwner,
        Self::BadMonth,
        Self::NoNumber,
        Self::ShortCode,
        Self::CutRow,
    ];

    /// Why the row is rejected, if it must be.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::None | Self::FloatCode | Self::Spaces | Self::NoOwner => None,
            Self::BadMonth => Some("invalid_month"),
            Self::NoNumber => Some("not_a_number"),
            Self::ShortCode => Some("invalid_product_code"),
            Self::CutRow => Some("column_count"),
        }
    }
}
