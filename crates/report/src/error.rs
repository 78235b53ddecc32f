//! Why there is no report.

use crate::draw::DrawError;
use crate::output::OutputError;
use lake::LakeError;
use query::QueryError;
use sources::boundaries::BoundaryError;
use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The tables it needs are not published.
    #[error(
        "the report needs the table `{0}`, which is not published: run the stages that make it"
    )]
    NotThere(&'static str),
    /// The boundaries cannot be read.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// A query failed.
    #[error("failed to read what the report shows")]
    Query(#[from] QueryError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A table of models could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// JSON failed.
    #[error("failed to prepare the data of the report")]
    Json(#[from] serde_json::Error),
    /// A figure could not be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl ReportError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::Boundaries(_) | Self::Write { .. })
    }
}
