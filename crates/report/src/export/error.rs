//! Why an export fails.

use crate::destination::DestinationError;
use crate::output::OutputError;
use crate::published::NotPublished;
use crate::stata::StataError;
use arrow::error::ArrowError;
use lake::LakeError;
use project::pipeline::PipelineError;
use query::QueryError;
use rust_xlsxwriter::XlsxError;
use sources::boundaries::BoundaryError;
use std::path::PathBuf;

/// Why a table or a query could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table is not published.
    #[error(transparent)]
    Unknown(#[from] NotPublished),
    /// The condition does not go with a table.
    #[error(
        "the condition does not go with `{table}`; nothing was written: name the tables that it is for"
    )]
    Condition {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A query is at fault.
    #[error("{told}")]
    Query {
        /// Which one, and what table may be meant.
        told: String,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// What is asked for does not go together.
    #[error("{0}")]
    Asked(String),
    /// A file cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The name is none that can be written to.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// A file is in the way.
    #[error(
        "`{path}` is there, and is nothing that `rebound export` wrote: move it away, or write to another folder"
    )]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A Stata file cannot be written.
    #[error("failed to write `{path}` as Stata's")]
    Dta {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: StataError,
    },
    /// A workbook cannot be written.
    #[error("failed to write the workbook")]
    Workbook(#[from] XlsxError),
    /// A value does not fit into a form of files.
    #[error("`{table}` does not fit into {form}: {why}; or take another form")]
    TooLarge {
        /// The table, or the name of the query.
        table: String,
        /// The form, as in *a Stata file*.
        form: &'static str,
        /// What does not fit, and what to do.
        why: String,
    },
    /// The pipeline file is at fault.
    #[error(transparent)]
    Pipeline(Box<PipelineError>),
    /// The boundaries cannot be read.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// Rows could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The SQL engine failed.
    #[error(transparent)]
    Engine(#[from] QueryError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl From<ArrowError> for ExportError {
    fn from(error: ArrowError) -> Self {
        Self::Output(error.into())
    }
}

impl From<parquet::errors::ParquetError> for ExportError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Output(error.into())
    }
}

impl From<PipelineError> for ExportError {
    fn from(error: PipelineError) -> Self {
        Self::Pipeline(Box::new(error))
    }
}

impl ExportError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Unknown(_)
            | Self::Condition { .. }
            | Self::Asked(_)
            | Self::Read { .. }
            | Self::Destination(_)
            | Self::Taken { .. }
            | Self::Write { .. }
            | Self::TooLarge { .. }
            | Self::Boundaries(_) => true,
            Self::Query { source, .. } | Self::Engine(source) => source.is_users(),
            Self::Pipeline(error) => error.is_users(),
            Self::Dta { .. } | Self::Workbook(_) | Self::Output(_) | Self::Lake(_) => false,
        }
    }
}
