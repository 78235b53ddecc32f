//! The stages: each reads tables, works, and gives the rows of other tables. It knows no other stage.

mod aggregate;
pub mod cube;
mod diversification;
mod ingest;
mod relatedness;
mod resilience;
pub mod rows;

use crate::codes::CodesError;
use crate::graph::StageName;
use crate::pipeline::Pipeline;
use arrow::array::RecordBatch;
use lake::LakeError;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The rows a stage made: of each table, the batches of each Parquet file.
pub type Output = BTreeMap<&'static str, Vec<Vec<RecordBatch>>>;

/// The rows a stage reads, by table, all columns.
pub type Input = BTreeMap<String, Vec<RecordBatch>>;

/// Why a stage stopped.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A raw file cannot be read.
    #[error("failed to read the raw file `{path}`: {why}")]
    RawFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// Too many entries were rejected.
    #[error(
        "{rejected} of {entries} entries were rejected, a share above ingest.max_rejected_share = {limit}: \
         {reasons}; see the first rows above, correct the layout, or raise the limit"
    )]
    TooManyRejects {
        /// Entries rejected.
        rejected: u64,
        /// Entries read.
        entries: u64,
        /// The limit.
        limit: f64,
        /// How many of each reason.
        reasons: String,
    },
    /// The data do not have what the config asks for.
    #[error("{0}")]
    Data(String),
    /// A built-in table is damaged.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// Rows could not be handled.
    #[error("failed to handle rows")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl StageError {
    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::RawFile { .. } | Self::Data(_))
    }
}

/// The version of a stage's code: raised whenever the same input would give other rows. A test holds the
/// rows of the sample against it.
pub fn version(stage: StageName) -> u32 {
    match stage {
        StageName::Ingest => 1,
        StageName::Aggregate => 1,
        StageName::Relatedness => 1,
        StageName::Diversification => 1,
        StageName::Resilience => 1,
        StageName::Panels => 1,
    }
}

/// Runs a stage that is written in code.
///
/// # Errors
///
/// [`StageError`].
pub fn run(stage: StageName, pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    match stage {
        StageName::Ingest => ingest::run(pipeline),
        StageName::Aggregate => aggregate::run(pipeline, input),
        StageName::Relatedness => relatedness::run(pipeline, input),
        StageName::Diversification => diversification::run(input),
        StageName::Resilience => resilience::run(pipeline, input),
        StageName::Panels => Ok(Output::new()),
    }
}

/// One table of one file.
fn table(output: &mut Output, name: &'static str, rows: rows::Rows) -> Result<(), StageError> {
    output.insert(name, vec![vec![rows.finish()?]]);
    Ok(())
}
