//! Why rows are not drawn.

use crate::draw::DrawError;
use arrow::error::ArrowError;
use sources::boundaries::BoundaryError;

/// Why rows are not drawn.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// A column that is asked for is not there.
    #[error("the frame has no column `{name}`{hint}: it has {has}")]
    NoColumn {
        /// The column.
        name: String,
        /// The one that was meant, in brackets.
        hint: String,
        /// The columns there are.
        has: String,
    },
    /// No column is asked for, and none has a usual name.
    #[error("no column is known by its name as `{option}`: name one of {has} by `{option}`")]
    NotKnown {
        /// The option.
        option: &'static str,
        /// The columns there are.
        has: String,
    },
    /// A column has no numbers.
    #[error("the column `{name}` has {kind}: expected numbers")]
    NotNumbers {
        /// The column.
        name: String,
        /// What it has.
        kind: String,
    },
    /// Rows or options of which nothing can be drawn.
    #[error("{0}")]
    Asked(String),
    /// The boundaries cannot be read.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// Columns could not be read.
    #[error("failed to read the columns of the frame")]
    Arrow(#[from] ArrowError),
    /// The figure could not be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
}

impl FigureError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Arrow(_) => false,
            Self::Draw(error) => error.is_users(),
            _ => true,
        }
    }
}
