//! How a run is asked for.

use project::pipeline::Engine;
use stages::Kept;
use stages::remote::Cluster;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whether a run keeps records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Records {
    /// As the pipeline says.
    #[default]
    AsAsked,
    /// It does not, whatever the pipeline says.
    NotKept,
}

/// Which files are read through to see what changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hashed {
    /// Those whose size, times or inode did.
    #[default]
    Changed,
    /// All.
    All,
}

/// What to do if another run holds the lake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Held {
    /// Wait for it to end.
    #[default]
    Wait,
    /// Wait for so long, and then stop.
    WaitFor(Duration),
    /// Stop at once.
    Stop,
}

/// Whether totals may move by more than the pipeline expects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Changes {
    /// They may not.
    #[default]
    AsExpected,
    /// They may, this time.
    Accepted,
}

impl Held {
    /// Whether to wait on, after so long.
    pub(super) fn waits(self, waited: Duration) -> bool {
        match self {
            Self::Wait => true,
            Self::WaitFor(limit) => waited < limit,
            Self::Stop => false,
        }
    }
}

/// What to do when a stage fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Failing {
    /// Stop at once.
    #[default]
    Stop,
    /// Make all that does not follow from it, publish nothing, and tell all that failed.
    GoOn,
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What to run; empty: everything.
    pub select: Vec<String>,
    /// What to leave out of that.
    pub exclude: Vec<String>,
    /// What becomes of what earlier runs made of the same.
    pub kept: Kept,
    /// Another lake than the pipeline's.
    pub lake: Option<String>,
    /// Another number of threads than the config's.
    pub threads: Option<usize>,
    /// Another engine than the pipeline's.
    pub engine: Option<Engine>,
    /// Whether records are kept.
    pub records: Records,
    /// Which files are read to see what changed.
    pub hashed: Hashed,
    /// What to do if another run holds the lake.
    pub held: Held,
    /// What to do when a stage fails.
    pub failing: Failing,
    /// Other machines that do the work of `ingest`, `aggregate` and `panels`.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether totals may move.
    pub changes: Changes,
    /// Another file of metrics than the pipeline's.
    pub metrics: Option<PathBuf>,
    /// Whether to show progress on the terminal.
    pub progress: bool,
    /// The command line, for records.
    pub command: String,
}
