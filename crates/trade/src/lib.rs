//! The words of customs trade: product codes and their HS revisions, exact money, the layout of a raw
//! file, and the reading of one raw row.
//!
//! Nothing here does IO, logs, or reads a clock. A row that cannot be read is data, not an error: it
//! becomes a [`Reject`] with a [`RejectReason`].

pub mod batch;
pub mod code;
pub mod column;
pub mod concordance;
pub mod dictionary_encoding;
pub mod hs;
pub mod interner;
pub mod layout;
pub mod money;
mod multi_pattern;
pub mod number;
pub mod period;
pub mod plausibility;
pub mod row;
mod structural_scan;
pub mod text;

pub use batch::{RowBatch, RowTexts};
pub use column::Column;
pub use concordance::{Concordance, Conversion, Correlation, MatchKind, Method};
pub use dictionary_encoding::{CodedBatch, CodedEntry, CodedParser, CodedSink};
pub use hs::{Hs6, HsRevision};
pub use interner::NO_CODE;
pub use layout::Layout;
pub use money::{Money, MoneyFormat, Remainder, Rounding};
pub use number::{NumberFormat, NumberSample};
pub use period::{Frequency, Period};
pub use row::{Counts, Entry, Reject, RejectReason, RowParser, Sink};
pub use structural_scan::Marks;
pub use text::Dialect;
