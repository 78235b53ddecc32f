//! The words of customs trade: product codes and their HS revisions, exact money, the layout of a raw
//! file, and the reading of one raw row.
//!
//! Nothing here does IO, logs, or reads a clock. A row that cannot be read is data, not an error: it
//! becomes a [`Reject`] with a [`RejectReason`].

pub mod batch;
pub mod coded;
pub mod column;
pub mod concordance;
pub mod hs;
pub mod layout;
mod marks;
pub mod memo;
pub mod money;
mod multi_pattern;
pub mod period;
pub mod row;
pub mod text;

pub use batch::{RowBatch, RowTexts};
pub use coded::{CodedBatch, CodedEntry, CodedParser, CodedSink};
pub use column::Column;
pub use concordance::{Concordance, Conversion, Correlation, MatchKind, Method};
pub use hs::{Hs6, HsRevision};
pub use layout::Layout;
pub use marks::Marks;
pub use memo::NO_CODE;
pub use money::{Money, MoneyFormat};
pub use period::{Frequency, Period};
pub use row::{Counts, Entry, Reject, RejectReason, RowParser, Sink};
pub use text::Dialect;
