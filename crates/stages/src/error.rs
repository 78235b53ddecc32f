//! Why a stage stops.

use crate::regression::RegressionError;
use lake::LakeError;
use query::QueryError;
use sources::boundaries::BoundaryError;
use sources::hs_tables::CodesError;
use sources::input::Unreadable;
use sources::reference_tables::ExternalError;
use std::path::PathBuf;

/// Why a stage stopped.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A raw file cannot be read.
    #[error("failed to read the raw file `{path}`: {fault}")]
    RawFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        fault: Unreadable,
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
    /// Too much of the value looks misread.
    #[error(
        "{finding}; the share, {share:.3}, is above plausibility.{key} = {limit}: correct this, or raise the limit if it \
         is right"
    )]
    Implausible {
        /// What it is, and what to do.
        finding: String,
        /// Its share of the value.
        share: f64,
        /// The limit's key.
        key: &'static str,
        /// The limit.
        limit: f64,
    },
    /// The data do not have what the config asks for.
    #[error("{0}")]
    Data(String),
    /// Boundaries cannot be used.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// A table from elsewhere cannot be used.
    #[error(transparent)]
    External(#[from] ExternalError),
    /// A model cannot be run.
    #[error(transparent)]
    Model(#[from] Box<RegressionError>),
    /// The SQL engine failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// What a stage depends on cannot be written down.
    #[error("failed to write down what the stage depends on")]
    Params(#[from] serde_json::Error),
    /// A built-in table is damaged.
    #[error(transparent)]
    Codes(#[from] CodesError),
    /// Rows could not be handled.
    #[error("failed to handle rows")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Rows beyond the memory limit could not be put aside.
    #[error(
        "failed to put aside what is beyond `engine.memory_mib` in the temporary folder `{}`: make room there, name \
         another by TMPDIR, or raise the limit", std::env::temp_dir().display()
    )]
    Scratch(#[source] std::io::Error),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A piece of work failed on another machine.
    #[error("on the executor {place}: {message}")]
    Remote {
        /// The machine.
        place: String,
        /// The error there, and its causes.
        message: String,
        /// Whether the user's input or config is at fault.
        is_users: bool,
    },
    /// Other machines did not do the work.
    #[error(
        "the cluster failed: {0}; nothing was published, and a run again makes only what is missing"
    )]
    Cluster(String),
}

impl StageError {
    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::RawFile { fault: Unreadable { is_users, .. }, .. }
            | Self::Remote { is_users, .. } => *is_users,
            Self::Query(error) => error.is_users(),
            Self::External(_)
            | Self::Boundaries(_)
            | Self::Implausible { .. }
            | Self::Data(_)
            | Self::Model(_)
            | Self::Lake(LakeError::Number { .. }) => true,
            _ => false,
        }
    }
}
