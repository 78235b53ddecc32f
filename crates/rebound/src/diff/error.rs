//! Why two runs cannot be compared.

use arrow::error::ArrowError;
use lake::{HistoryError, LakeError};
use report::published::NotPublished;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// There is no such run, or files of it are gone.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Neither run has the table.
    #[error(transparent)]
    NotPublished(#[from] NotPublished),
    /// A file cannot be read.
    #[error(transparent)]
    Lake(Box<LakeError>),
    /// Rows cannot be compared.
    #[error("failed to compare the rows of `{table}`")]
    Rows {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: ArrowError,
    },
    /// A file is not sorted.
    #[error(
        "the rows of file `{file}` of table `{table}` are not in the order of its key: `rebound verify` says whether it is damaged"
    )]
    Order {
        /// The table.
        table: String,
        /// The file.
        file: String,
    },
}

impl From<LakeError> for DiffError {
    fn from(error: LakeError) -> Self {
        Self::Lake(Box::new(error))
    }
}

impl DiffError {
    /// Whether what was asked for is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::History(error) => error.is_users(),
            Self::NotPublished(_) => true,
            Self::Lake(_) | Self::Rows { .. } | Self::Order { .. } => false,
        }
    }
}
