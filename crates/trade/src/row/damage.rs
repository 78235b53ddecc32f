//! Rows that cannot be read, whatever their cells say.

use super::reject::RejectReason;
use memchr::memchr;
use std::fmt;

/// Why a row cannot be read, whatever its cells say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowDamage {
    /// A quote opens in it that does not close.
    Unclosed,
    /// It has a byte of value 0, which no text has.
    Nul,
    /// It has another number of cells than the header.
    Cells {
        /// How many it has.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
}

impl RowDamage {
    /// That of a row with this text, if it has a byte of value 0.
    pub fn nul_in(raw: &[u8]) -> Option<Self> {
        memchr(0, raw).map(|_| Self::Nul)
    }

    /// Why it is refused.
    pub fn reason(self) -> RejectReason {
        match self {
            Self::Unclosed => RejectReason::UnclosedQuote,
            Self::Nul => RejectReason::NulByte,
            Self::Cells { .. } => RejectReason::ColumnCount,
        }
    }
}

impl fmt::Display for RowDamage {
    /// What was found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("a quote that does not close"),
            Self::Nul => f.write_str("a NUL byte"),
            Self::Cells { found, expected } => write!(f, "{found} columns, expected {expected}"),
        }
    }
}
