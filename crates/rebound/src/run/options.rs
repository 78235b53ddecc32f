//! How a run is asked for.

use project::pipeline::Engine;
use stages::remote::Cluster;
use std::sync::Arc;

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
    /// Stop at once.
    Stop,
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What to run; empty: everything.
    pub select: Vec<String>,
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
    /// Other machines that do the work of `ingest`, `aggregate` and `panels`.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether to show progress on the terminal.
    pub progress: bool,
    /// The command line, for records.
    pub command: String,
}
