//! What ends a regression before it has estimates.

use query::QueryError;

/// A model that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum RegressionError {
    /// A column is not there.
    #[error("{of}: `{table}` has no column `{column}`{hint}; it has {known}")]
    Column {
        /// The model and specification.
        of: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The closest name.
        hint: String,
        /// All names.
        known: String,
    },
    /// The rows cannot be read.
    #[error("{of}: failed to read its rows by `{sql}`")]
    Query {
        /// The model and specification.
        of: String,
        /// The statement.
        sql: String,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A column holds what cannot be estimated with.
    #[error("{of}: {why}")]
    Data {
        /// The model and specification.
        of: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// Why a regression has no estimates.
pub(super) enum Stop {
    /// The model cannot be run.
    Error(Box<RegressionError>),
    /// This regression has none, for this reason.
    Failed(String),
}

impl From<RegressionError> for Stop {
    fn from(error: RegressionError) -> Self {
        Self::Error(Box::new(error))
    }
}
