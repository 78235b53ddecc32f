//! Why a run stops.

use crate::graph::GraphError;
use lake::{LakeError, LockError};
use project::causes::causes;
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
    /// The lock was held for longer than the run was to wait.
    #[error("waited {seconds} s for another run to end, and the lake is still in use")]
    Waited {
        /// How long it waited.
        seconds: u64,
        /// Who has it.
        #[source]
        source: LockError,
    },
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
    /// Stages stopped, and all that does not follow from them was made.
    #[error("{}", all_that_failed(.failed, .left))]
    Several {
        /// Why each stopped; the first comes first.
        failed: Vec<Self>,
        /// Those that were not made because of them.
        left: Vec<String>,
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
        "`{node}` needs `{table}`, which is not made with this data and config: select `+{node}`, or exclude `{node}` too"
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
    /// What a SQL file says that it reads is not what it reads.
    #[error("{}: {why}", path.display())]
    SqlReads {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Checks found rows that should not be.
    #[error("{} data check{} failed; nothing was published\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Checks(Vec<FailedCheck>),
    /// The file of metrics could not be written, by a run that did what it should.
    #[error("failed to write the metrics to `{path}`; the run itself ended as it should")]
    Metrics {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A pool of threads could not be made.
    #[error("failed to start {0} threads")]
    Threads(usize),
    /// The program failed where it should not.
    #[error(
        "rebound stopped at a fault of its own, and published nothing: {0}; please report it, with the pipeline if you can"
    )]
    Panic(String),
}

/// All that failed of a run, a line each, and what was not made because of it.
fn all_that_failed(failed: &[RunError], left: &[String]) -> String {
    let s = if failed.len() == 1 { "" } else { "s" };
    let mut text = format!("{} stage{s} failed; nothing was published", failed.len());
    for error in failed {
        text.push_str("\n  ");
        text.push_str(&causes(error).join(": "));
    }
    if !left.is_empty() {
        text.push_str("\n  not made, as they follow: ");
        text.push_str(&left.join(", "));
    }
    text
}

/// Whether the same stage may go well when it is tried again.
fn stage_may_pass(error: &StageError) -> bool {
    match error {
        StageError::RawFile { fault, .. } => !fault.is_users,
        StageError::Cluster(_) => true,
        StageError::Lake(error) => lake::may_pass(error),
        error => lake::may_pass(error),
    }
}

impl RunError {
    /// Whether the same run may go well when it is tried again: a store or a cluster did not answer,
    /// another program was at work, or a file was still being written.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::FileChanged(_) => true,
            Self::Pipeline(PipelineError::Remote(error)) => lake::may_pass(error),
            Self::Lake(error) => lake::may_pass(error),
            Self::Stage { source, .. } | Self::RemoteSql { source, .. } => stage_may_pass(source),
            Self::Several { failed, .. } => failed.iter().any(Self::may_pass),
            error => lake::may_pass(error),
        }
    }

    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        self.exit_code() == 2
    }

    /// Whether SQL needed more memory than it may use.
    pub(super) fn is_about_memory(&self) -> bool {
        match self {
            Self::Sql { source, .. } | Self::Query(source) => source.is_about_memory(),
            _ => false,
        }
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
            Self::Several { failed, .. } => failed.first().map_or(1, Self::exit_code),
            Self::Stage { source, .. } if matches!(**source, StageError::TooManyRejects { .. }) => {
                3
            }
            Self::Pipeline(error) if !error.is_users() => 1,
            Self::Pipeline(_)
            | Self::Graph(_)
            | Self::Table(_)
            | Self::NotMade { .. }
            | Self::SqlReads { .. }
            | Self::OtherPipeline { .. }
            | Self::NotShared { .. }
            | Self::File { .. }
            | Self::Metrics { .. }
            | Self::FileChanged(_)
            | Self::Lock(LockError::Held(_))
            | Self::Waited { .. }
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
