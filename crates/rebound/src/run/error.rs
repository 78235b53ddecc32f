//! Why a run stops.

use crate::graph::GraphError;
use lake::{LakeError, LockError};
use project::pipeline::PipelineError;
use query::QueryError;
use sources::user_tables::TableError;
use stages::StageError;
use std::path::PathBuf;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The pipeline is at fault.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The graph or the selection is.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A raw file cannot be read.
    #[error("failed to read `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A raw file changed between planning and reading.
    #[error("`{0}` changed while the run read it: nothing was kept; run again when it is at rest")]
    FileChanged(String),
    /// A stage stopped.
    #[error("stage `{stage}` stopped")]
    Stage {
        /// The stage.
        stage: String,
        /// The cause.
        #[source]
        source: Box<StageError>,
    },
    /// A SQL file is at fault.
    #[error("failed to run `{path}`")]
    Sql {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A table from elsewhere cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The SQL engine failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A selected stage needs a table that is not made yet.
    #[error(
        "`{node}` needs `{table}`, which is not made with this data and config: select `+{node}`"
    )]
    NotMade {
        /// The stage.
        node: String,
        /// The table.
        table: String,
    },
    /// The lake belongs to another pipeline.
    #[error(
        "the lake `{lake}` holds the tables of pipeline `{found}`: give `{asked}` a lake of its own (`lake:` in its file, or --lake)"
    )]
    OtherPipeline {
        /// The lake.
        lake: String,
        /// The pipeline in the lake.
        found: String,
        /// The pipeline to run.
        asked: String,
    },
    /// What an executor wrote is not in the lake.
    #[error(
        "an executor wrote `{path}`, which is not in the lake `{lake}` as seen from here: the lake must be in a folder that all \
         machines share, or at a URL"
    )]
    NotShared {
        /// The lake.
        lake: String,
        /// The file.
        path: String,
    },
    /// A SQL file could not be run by executors.
    #[error("failed to run `{path}`")]
    RemoteSql {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<StageError>,
    },
    /// The run could not say what it did.
    #[error("the record of the run could not be written, and {publication}")]
    Record {
        /// What became of the publication.
        publication: &'static str,
        /// The cause.
        #[source]
        source: Box<LakeError>,
    },
    /// The store stopped answering while the run published.
    #[error(
        "it is not known whether this run published: the lake `{lake}` stopped answering. `rebound runs` says which run is \
         published as soon as the lake can be read"
    )]
    Unknown {
        /// The lake.
        lake: String,
        /// The cause.
        #[source]
        source: Box<LakeError>,
    },
    /// Checks found rows that should not be.
    #[error("{} data check{} failed; nothing was published\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Checks(Vec<FailedCheck>),
    /// A pool of threads could not be made.
    #[error("failed to start {0} threads")]
    Threads(usize),
    /// The program failed where it should not.
    #[error(
        "rebound stopped at a fault of its own, and published nothing: {0}; please report it, with the pipeline if you can"
    )]
    Panic(String),
}

impl RunError {
    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        self.exit_code() == 2
    }

    /// What is said of a version that is not what it was when it was made, wherever that is found.
    pub(super) fn damage(&self) -> Option<&LakeError> {
        let error = match self {
            Self::Lake(error) => error,
            Self::Stage { source, .. } => match &**source {
                StageError::Lake(error) => error,
                _ => return None,
            },
            _ => return None,
        };
        matches!(error, LakeError::Damaged { .. } | LakeError::Lost { .. }).then_some(error)
    }

    /// The exit code: 2 for the user's input and config, 3 for the data, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Checks(_) => 3,
            Self::Stage { source, .. } if matches!(**source, StageError::TooManyRejects { .. }) => {
                3
            }
            Self::Pipeline(error) if !error.is_users() => 1,
            Self::Pipeline(_)
            | Self::Graph(_)
            | Self::Table(_)
            | Self::NotMade { .. }
            | Self::OtherPipeline { .. }
            | Self::NotShared { .. }
            | Self::File { .. }
            | Self::FileChanged(_)
            | Self::Lock(LockError::Held(_))
            | Self::Lake(
                LakeError::Url(_)
                | LakeError::Folder { .. }
                | LakeError::Format { .. }
                | LakeError::Number { .. },
            ) => 2,
            Self::Sql { source: error, .. } | Self::Query(error) if error.is_users() => 2,
            Self::Stage { source, .. } | Self::RemoteSql { source, .. } if source.is_users() => 2,
            Self::Stage { .. }
            | Self::RemoteSql { .. }
            | Self::Lake(_)
            | Self::Lock(_)
            | Self::Sql { .. }
            | Self::Query(_)
            | Self::Threads(_)
            | Self::Record { .. }
            | Self::Unknown { .. }
            | Self::Panic(_) => 1,
        }
    }
}

/// A check and the rows that broke it.
#[derive(Debug, Clone)]
pub struct FailedCheck {
    /// The file.
    pub path: PathBuf,
    /// Rows in all.
    pub n_rows: usize,
    /// The first of them, as a table.
    pub first_rows: String,
}

impl std::fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = if self.n_rows == 1 { "" } else { "s" };
        write!(f, "{}: {} row{s}\n{}", self.path.display(), self.n_rows, self.first_rows)
    }
}
