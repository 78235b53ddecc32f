//! From one raw row to its entries, or to a reject with a reason.
//!
//! A row of a long table has one entry; a row of a wide table has one for each unpivoted column. A
//! fault in a field that all entries share rejects the row whole; a fault in one value rejects that
//! entry alone. Rows that the layout's conditions leave out, and entries of other years, are not read
//! further. The value of what is rejected or left out is kept beside the reason wherever it can be
//! read, so that value in = value of records + value of rejects + value left out, exactly.

mod conditions;
mod damage;
mod entry;
mod error;
mod fit;
mod parse;
mod parser;
mod reject;
mod rules;
mod texts;
mod unpivot;
mod values;

pub use self::damage::RowDamage;
pub use self::entry::{Counts, Entry, LeftOut, MAX_PRODUCT_BYTES, ProductCode, Sink};
pub use self::error::HeaderError;
pub use self::parser::RowParser;
pub use self::reject::{Reject, RejectReason};

pub(crate) use self::fit::{Fitted, Source};
pub(crate) use self::rules::FittedRule;

#[cfg(test)]
mod tests;
