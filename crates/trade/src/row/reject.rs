//! Rows and entries that are refused, and why.

use crate::money::{Money, ParseMoneyError};
use std::fmt;

/// A refused row, or a refused entry of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// Header of the column at fault, or the field's name.
    pub column: String,
    /// The text found there.
    pub found: String,
    /// How many entries go with it.
    pub n_entries: u64,
    /// The value that goes with it, where it can be read.
    pub value: Money,
    /// How many of its entries have a value that cannot be read.
    pub n_unreadable: u64,
}

/// Why a row or an entry was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// The row has more or fewer columns than the header.
    ColumnCount,
    /// A quote opens that does not close.
    UnclosedQuote,
    /// A NUL byte, which no text has.
    NulByte,
    /// A needed text is not valid in the source's encoding.
    Encoding,
    /// A required field is empty or says "missing".
    Missing,
    /// Not a year between 1900 and 2100.
    Year,
    /// Not a month between 1 and 12.
    Month,
    /// Not a date of the layout's form, or one that may be two.
    Date,
    /// Neither `export` nor `import` once mapped.
    Flow,
    /// Not a product code of the layout's length.
    Product,
    /// The layout names no HS revision for the year.
    Revision,
    /// A code that the layout's map does not have.
    UnmappedCode,
    /// Not a number.
    NotANumber,
    /// A number whose thousands mark stands where none belongs.
    Grouping,
    /// More decimals than money has.
    TooPrecise,
    /// A value above [`Money::MAX_ENTRY`].
    TooLarge,
    /// A value below zero where the layout allows none.
    Negative,
    /// A quantity that is not a number of zero or more, or one of 10^16 or more.
    Quantity,
}

impl RejectReason {
    /// The code that `customs.rejects` holds.
    pub fn code(self) -> &'static str {
        match self {
            Self::ColumnCount => "column_count",
            Self::UnclosedQuote => "unclosed_quote",
            Self::NulByte => "nul_byte",
            Self::Encoding => "invalid_encoding",
            Self::Missing => "missing_value",
            Self::Year => "invalid_year",
            Self::Month => "invalid_month",
            Self::Date => "invalid_date",
            Self::Flow => "invalid_flow",
            Self::Product => "invalid_product_code",
            Self::Revision => "no_hs_revision",
            Self::UnmappedCode => "unmapped_code",
            Self::NotANumber => "not_a_number",
            Self::Grouping => "wrong_grouping",
            Self::TooPrecise => "too_many_decimals",
            Self::TooLarge => "number_too_large",
            Self::Negative => "negative_value",
            Self::Quantity => "invalid_quantity",
        }
    }

    /// The key of the layout that takes such entries, where there is one.
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Self::TooPrecise => Some(
                "`value: {round: half_even}` in the layout rounds values of up to 24 digits after the point",
            ),
            Self::Date => Some("`date` of the field in the layout says how dates are written"),
            Self::NotANumber | Self::Grouping => Some(
                "`decimal` and `thousands` below `value` in the layout say how numbers are written",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<ParseMoneyError> for RejectReason {
    fn from(error: ParseMoneyError) -> Self {
        match error {
            ParseMoneyError::NotANumber => Self::NotANumber,
            ParseMoneyError::Grouping => Self::Grouping,
            ParseMoneyError::TooPrecise | ParseMoneyError::TooPreciseToRound => Self::TooPrecise,
            ParseMoneyError::TooLarge => Self::TooLarge,
        }
    }
}

/// What is wrong with a text of a row.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(super) reason: RejectReason,
    pub(super) column: String,
    pub(super) found: String,
}

impl Fault {
    pub(super) fn reject(self, n_entries: u64, value: Money, n_unreadable: u64) -> Reject {
        Reject {
            reason: self.reason,
            column: self.column,
            found: self.found,
            n_entries,
            value,
            n_unreadable,
        }
    }
}
