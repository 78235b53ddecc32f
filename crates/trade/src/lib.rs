//! The words of customs trade: product codes, what they are codes of, HS revisions, exact money, the layout of a raw
//! file, and the reading of one raw row.
//!
//! Nothing here does IO, logs, or reads a clock. A row that cannot be read is data, not an error: it
//! becomes a [`Reject`] with a [`RejectReason`].

pub mod batch;
pub mod classification;
pub mod code;
pub mod column;
pub mod concordance;
pub mod date;
pub mod dictionary_encoding;
pub mod hs;
pub mod interner;
pub mod layout;
pub mod money;
mod multi_pattern;
pub mod number;
pub mod pattern;
pub mod period;
pub mod plausibility;
pub mod repeated_rows;
pub mod row;
pub mod shape;
mod structural_scan;
pub mod target;
pub mod text;

pub use batch::{RowBatch, RowTexts};
pub use classification::Classification;
pub use column::Column;
pub use concordance::{Concordance, Conversion, Correlation, MatchKind, Method};
pub use date::DateForm;
pub use dictionary_encoding::{CodedBatch, CodedEntry, CodedParser, CodedSink};
pub use hs::{Hs6, HsRevision};
pub use interner::NO_CODE;
pub use layout::Layout;
pub use money::{Money, MoneyFormat, Remainder, Rounding};
pub use number::{NumberFormat, NumberSample};
pub use pattern::Pattern;
pub use period::{Frequency, Period};
pub use repeated_rows::RowSample;
pub use row::{Counts, Entry, LeftOut, Reject, RejectReason, RowDamage, RowParser, Sink};
pub use structural_scan::Marks;
pub use target::TargetRevision;
pub use text::Dialect;
