//! Why there is no report.

use crate::draw::DrawError;
use crate::figures::error::FigureError;
use crate::fonts::FontError;
use crate::output::OutputError;
use crate::words::WordsError;
use arrow::datatypes::DataType;
use lake::LakeError;
use project::pipeline::PipelineError;
use query::QueryError;
use sources::boundaries::BoundaryError;
use std::path::PathBuf;

/// The stage that makes a table, and what the pipeline must name for it.
fn remedy(table: &str) -> &'static str {
    match table {
        "panel.region" => {
            "put `panels` into `stages` of the pipeline, and say by `sql:` the folder that has \
             panel.region.sql (`rebound init` writes one, pipelines/sql is one); it needs the stages \
             relatedness, diversification, resilience and policy"
        }
        "resilience.episode" => {
            "put `resilience` into `stages` of the pipeline, with an episode in `resilience.episodes` \
             of the config whose years the data have"
        }
        _ => "put `ingest` and `aggregate` into `stages` of the pipeline, and run it",
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The tables it needs are not published.
    #[error("the report needs the table `{table}`, which is not published: {}", remedy(.table))]
    NotThere {
        /// The first of them.
        table: &'static str,
    },
    /// What the pipeline says of the report does not go with the data.
    #[error(transparent)]
    Pipeline(Box<PipelineError>),
    /// The boundaries cannot be read.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// The words of the language cannot be read.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The fonts cannot be embedded.
    #[error(transparent)]
    Font(#[from] FontError),
    /// A query failed.
    #[error("failed to read what the report shows")]
    Query(#[from] QueryError),
    /// A column that the report reads has a type that it does not show.
    #[error("the report cannot show the column `{column}`: it is of the type {kind}")]
    NoJson {
        /// The column.
        column: String,
        /// Its type.
        kind: DataType,
    },
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
    /// Rows that a figure cannot be drawn of.
    #[error(transparent)]
    Figure(#[from] FigureError),
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
        match self {
            Self::NotThere { .. }
            | Self::Pipeline(_)
            | Self::Boundaries(_)
            | Self::Words(_)
            | Self::Write { .. } => true,
            Self::Figure(error) => error.is_users(),
            Self::Draw(error) => error.is_users(),
            _ => false,
        }
    }
}
