//! What the texts of a batch of rows are found to be.

use crate::column::Column;
use crate::layout::Field;
use crate::money::Money;

/// The column of each field that has one.
pub(super) const COLUMN_OF: [(Field, Column); 9] = [
    (Field::Flow, Column::Flow),
    (Field::Region, Column::Region),
    (Field::Product, Column::Product),
    (Field::Destination, Column::Destination),
    (Field::TradeMode, Column::TradeMode),
    (Field::Ownership, Column::Ownership),
    (Field::Firm, Column::Firm),
    (Field::FirmName, Column::FirmName),
    (Field::QuantityUnit, Column::QuantityUnit),
];

/// What the texts of a batch of rows are found to be.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The rows that the slow way must read.
    pub(super) is_unusual: Vec<bool>,
    pub(super) year: Vec<u32>,
    pub(super) month: Vec<u32>,
    pub(super) codes: [Vec<u32>; Column::ALL.len()],
    /// Which of its places had the ownership.
    pub(super) ownership_at: Vec<u32>,
    pub(super) rules: Vec<u64>,
    pub(super) quantity: Vec<f64>,
    pub(super) value: Vec<Money>,
}

impl Found {
    /// The codes of `field`, if it has some.
    pub(super) fn of(&mut self, field: Field) -> Option<&mut Vec<u32>> {
        match field {
            Field::Year => Some(&mut self.year),
            Field::Month => Some(&mut self.month),
            _ => {
                let (_, column) = COLUMN_OF.iter().find(|(of, _)| *of == field)?;
                Some(&mut self.codes[*column as usize])
            }
        }
    }
}

/// The year of a batch of rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Year {
    Of(i32),
    Differs,
}

impl Year {
    pub(super) fn of_all(years: &[u32]) -> Self {
        match years.split_first() {
            Some((first, others)) if others.iter().all(|year| year == first) => {
                Self::Of(first.cast_signed())
            }
            _ => Self::Differs,
        }
    }
}

/// Whether one of `items` is `sought`: all are looked at, which takes less time than to stop.
pub(super) fn has<T: Copy + PartialEq>(items: &[T], sought: T) -> bool {
    items.iter().fold(false, |found, &item| found | (item == sought))
}
