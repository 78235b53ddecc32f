//! Tasks for other machines: parts of the stages `ingest`, `aggregate` and `panels`, as text there and back.
//!
//! A task writes its Parquet files where they belong and returns what they are; the machine that runs the pipeline completes and
//! publishes them. One that is done twice gives the same bytes under the same names, so that one which was lost can be done again.
//! All machines must see the pipeline's folder under the same path, and the raw files and the lake there or at URLs.

use crate::error::StageError;
use crate::unit::UnitName;
use lake::{Fingerprint, Lake, TableVersion};
use project::pipeline::Pipeline;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use trade::Money;

/// Other machines.
pub trait Cluster: fmt::Debug + Send + Sync {
    /// Has `rebound::worker::perform` called on every job, wherever, and gives what it returned, in the order of the jobs.
    ///
    /// # Errors
    ///
    /// Why it could not be done, and what to do.
    fn perform_all(&self, jobs: Vec<String>) -> Result<Vec<String>, String>;
}

/// A part of a stage.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// To read a raw file, or all of an archive.
    Ingest {
        /// Its label.
        file: String,
        /// What it is known by.
        hash: Option<Fingerprint>,
        /// How its files are named.
        unit: Option<UnitName>,
    },
    /// To look through records for codes and years.
    Reported {
        /// The files that are looked through.
        records: TableVersion,
    },
    /// To sum the records of a year.
    Year {
        /// The files that have some.
        records: TableVersion,
        /// The year.
        year: i32,
        /// The value reported under each code, of all years.
        reported: BTreeMap<String, Money>,
        /// How its files are named.
        unit: Option<UnitName>,
    },
    /// To write the rows of a statement.
    Sql {
        /// The statement.
        text: String,
        /// The tables that it reads.
        reads: Vec<TableVersion>,
        /// The version that they are of.
        version: TableVersion,
        /// The file there.
        name: String,
    },
}

/// What a task is part of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobContext {
    /// The pipeline's file.
    pub pipeline: PathBuf,
    /// The lake.
    pub lake: String,
    /// The program and the settings that the rows depend on.
    pub same: Fingerprint,
    /// The versions that are written.
    pub drafts: BTreeMap<String, TableVersion>,
}

/// A task with what it is part of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// What it is part of.
    pub context: JobContext,
    /// The task.
    pub task: Task,
}

/// How a task failed, and on which machine.
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The machine.
    pub place: String,
    /// The error there, and its causes.
    pub message: String,
    /// Whether the user's input or config is at fault.
    pub is_users: bool,
}

/// Other machines, and the node of the graph that they work for.
#[derive(Debug)]
pub struct RemoteExecutor<'a> {
    cluster: &'a dyn Cluster,
    context: JobContext,
    planned: BTreeMap<String, Fingerprint>,
}

impl<'a> RemoteExecutor<'a> {
    /// For tasks of `pipeline`, whose program and settings are known by `same`: they read raw files known by `planned`, and write
    /// `drafts`.
    pub fn new(
        cluster: &'a dyn Cluster,
        pipeline: &Pipeline,
        same: Fingerprint,
        lake: &Lake,
        planned: BTreeMap<String, Fingerprint>,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let place = match lake.folder() {
            Some(folder) => whole(folder).display().to_string(),
            None => lake.url().to_owned(),
        };
        let context = JobContext { pipeline: whole(&pipeline.path), lake: place, same, drafts };
        Self { cluster, context, planned }
    }

    /// What a raw file was known by when the run was planned.
    pub fn planned(&self, file: &str) -> Option<&Fingerprint> {
        self.planned.get(file)
    }

    /// Has tasks done, and gives what they came to, in their order.
    ///
    /// # Errors
    ///
    /// [`StageError::Remote`] with the first that failed, [`StageError::Cluster`] if some were not done.
    pub fn perform<T: DeserializeOwned>(
        &self,
        tasks: impl IntoIterator<Item = Task>,
    ) -> Result<Vec<T>, StageError> {
        let broken = |error: serde_json::Error| {
            StageError::Cluster(format!("it does not speak this program's language ({error})"))
        };
        let job = |task| serde_json::to_string(&Job { context: self.context.clone(), task });
        let jobs = tasks.into_iter().map(job).collect::<Result<Vec<_>, _>>().map_err(broken)?;
        let n = jobs.len();
        let answers = self.cluster.perform_all(jobs).map_err(StageError::Cluster)?;
        if answers.len() != n {
            let why = format!("{} of {n} tasks came back", answers.len());
            return Err(StageError::Cluster(why));
        }
        let result = |answer: String| {
            let answer: Result<T, Failure> = serde_json::from_str(&answer).map_err(broken)?;
            answer.map_err(|Failure { place, message, is_users }| StageError::Remote {
                place,
                message,
                is_users,
            })
        };
        // In the order of the tasks, so the same fault is always the one named.
        answers.into_iter().map(result).collect()
    }
}
