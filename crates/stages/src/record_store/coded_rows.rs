//! Records by column, with codes for texts.

use super::super::error::StageError;
use lake::Codes;
use trade::Column;

/// The table of records.
pub(crate) const RECORDS: &str = "customs.records";

/// The columns whose texts are the words that records are summed by.
pub(crate) const WORDS: [Column; 4] =
    [Column::Destination, Column::Ownership, Column::TradeMode, Column::Firm];

/// Records by column, with codes for texts.
pub(crate) trait CodedRows {
    /// How many.
    fn n_rows(&self) -> usize;
    /// Gives the year of each.
    fn years(&self) -> impl Fn(usize) -> i32;
    /// Gives the month of each, 1 to 12; 0 for none.
    fn months(&self) -> impl Fn(usize) -> u32;
    /// Gives the value of each, in hundredths.
    fn values(&self) -> impl Fn(usize) -> i128;
    /// Tells whether a rule excludes it.
    fn excluded(&self) -> impl Fn(usize) -> bool;
    /// The codes of the texts of a column; [`NO_CODE`](trade::NO_CODE) for none.
    fn codes(&self, column: Column) -> Codes<'_>;
    /// The text of a code.
    fn text(&self, column: Column, code: u32) -> &str;
}

/// The records are not what they must be.
pub(super) fn broken(error: &dyn std::fmt::Display) -> StageError {
    StageError::Data(format!("{RECORDS}: {error}"))
}
