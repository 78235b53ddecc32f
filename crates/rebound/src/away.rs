//! Work that other machines do: pieces of the stages `ingest`, `aggregate` and `panels`, as text there and back.
//!
//! A piece writes its Parquet files where they belong and returns what they are; the machine that runs the pipeline completes and
//! publishes them. A piece done twice gives the same bytes under the same names, so that one which was lost can be done again.
//! All machines must see the pipeline's folder under the same path, and the raw files and the lake there or at URLs.

use crate::graph;
use crate::pipeline::{self, Pipeline};
use crate::run::{self, RunError};
use crate::stages::aggregate::{self, AllSums, Reported};
use crate::stages::ingest::{self, OfFile};
use crate::stages::{Files, StageError};
use lake::{DataFile, Fingerprint, Lake, TableVersion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use trade::Money;

/// Other machines.
pub trait Cluster: fmt::Debug + Send + Sync {
    /// Has [`perform`] called on every task, wherever, and gives what it returned, in the order of the tasks.
    ///
    /// # Errors
    ///
    /// Why it could not be done, and what to do.
    fn perform_all(&self, tasks: Vec<String>) -> Result<Vec<String>, String>;
}

/// A piece of work.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// To read a raw file, or all of an archive, that is known by `hash`.
    Ingest { file: String, hash: Option<Fingerprint>, first: usize },
    /// To look through records for codes and years.
    Reported { records: TableVersion },
    /// To sum the records of a year.
    Year { records: TableVersion, year: i32, reported: BTreeMap<u32, Money> },
    /// To write the rows of a statement as the file `name` of a version.
    Sql { text: String, reads: Vec<TableVersion>, version: TableVersion, name: String },
}

/// What a piece of work is part of.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    pipeline: PathBuf,
    lake: String,
    /// The program and the settings that the rows depend on.
    same: Fingerprint,
    drafts: BTreeMap<String, TableVersion>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Task {
    order: Order,
    work: Work,
}

/// How a task failed, and on which machine.
#[derive(Debug, Serialize, Deserialize)]
struct Failure {
    place: String,
    message: String,
    is_users: bool,
}

/// Other machines, and the node that they work for.
#[derive(Debug)]
pub struct Away<'a> {
    cluster: &'a dyn Cluster,
    order: Order,
    planned: BTreeMap<String, Fingerprint>,
}

impl<'a> Away<'a> {
    /// Work of `pipeline` that reads raw files known by `planned`, and writes `drafts`.
    pub fn new(
        cluster: &'a dyn Cluster,
        pipeline: &Pipeline,
        lake: &Lake,
        planned: BTreeMap<String, Fingerprint>,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let place = match lake.folder() {
            Some(folder) => whole(folder).display().to_string(),
            None => lake.url().to_owned(),
        };
        let order = Order {
            pipeline: whole(&pipeline.path),
            lake: place,
            same: graph::identity(pipeline),
            drafts,
        };
        Self { cluster, order, planned }
    }

    /// What a raw file was known by when the run was planned.
    pub(crate) fn planned(&self, file: &str) -> Option<&Fingerprint> {
        self.planned.get(file)
    }

    /// Has pieces of work done, and gives what they came to, in their order.
    pub(crate) fn perform<T: DeserializeOwned>(
        &self,
        works: impl IntoIterator<Item = Work>,
    ) -> Result<Vec<T>, StageError> {
        let broken = |error: serde_json::Error| {
            StageError::Cluster(format!("it does not speak this program's language ({error})"))
        };
        let task = |work| serde_json::to_string(&Task { order: self.order.clone(), work });
        let tasks = works.into_iter().map(task).collect::<Result<Vec<_>, _>>().map_err(broken)?;
        let n = tasks.len();
        let answers = self.cluster.perform_all(tasks).map_err(StageError::Cluster)?;
        if answers.len() != n {
            let why = format!("{} of {n} pieces of work came back", answers.len());
            return Err(StageError::Cluster(why));
        }
        let result = |answer: String| {
            let answer: Result<T, Failure> = serde_json::from_str(&answer).map_err(broken)?;
            answer.map_err(|Failure { place, message, is_users }| StageError::Away {
                place,
                message,
                is_users,
            })
        };
        // In the order of the work, so the same fault is always the one named.
        answers.into_iter().map(result).collect()
    }
}

/// Why a piece of work failed here.
#[derive(Debug, thiserror::Error)]
enum AwayError {
    #[error(
        "the task is not one of this program's: all machines must run the same file of the program"
    )]
    Task(#[source] serde_json::Error),
    #[error(
        "`{0}` is not what the machine that asks has: all machines must run the same file of the program and see the same \
         pipeline, config and layouts"
    )]
    Other(PathBuf),
    #[error(
        "the raw file `{0}` is not what the machine that asks has: put the same file there, or have both share a folder"
    )]
    OtherFile(String),
    #[error("failed to start a runtime")]
    Runtime(#[source] std::io::Error),
    #[error("failed to start a thread")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("failed to write down the answer")]
    Answer(#[source] serde_json::Error),
}

/// Does a piece of work, on one thread; gives what it came to or why it failed, as text. `place` names this machine.
pub fn perform(task: &str, place: &str) -> String {
    let answer = serde_json::from_str(task).map_err(AwayError::Task).and_then(|task| done(&task));
    answer.unwrap_or_else(|error| {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        let is_users = match &error {
            AwayError::Task(_) | AwayError::Other(_) | AwayError::OtherFile(_) => true,
            AwayError::Stage(error) => error.is_users(),
            AwayError::Run(error) => error.is_users(),
            AwayError::Runtime(_) | AwayError::Threads(_) | AwayError::Answer(_) => false,
        };
        let failure = Failure { place: place.to_owned(), message, is_users };
        serde_json::to_string(&Err::<(), _>(failure)).unwrap_or_default()
    })
}

fn done(task: &Task) -> Result<String, AwayError> {
    let Task { order, work } = task;
    let runtime = query::runtime(1).map_err(AwayError::Runtime)?;
    let pipeline = pipeline::read(&runtime, &order.pipeline).map_err(RunError::from)?;
    if graph::identity(&pipeline) != order.same {
        return Err(AwayError::Other(order.pipeline.clone()));
    }
    let lake = Lake::open(&order.lake).map_err(RunError::from)?;
    let inputs = match work {
        Work::Reported { records } | Work::Year { records, .. } => {
            BTreeMap::from([(records.table.clone(), records.clone())])
        }
        Work::Ingest { .. } | Work::Sql { .. } => BTreeMap::new(),
    };
    let files = Files {
        lake: &lake,
        runtime: runtime.handle().clone(),
        drafts: order.drafts.clone(),
        inputs,
        away: None,
    };
    fn told<T: Serialize>(found: T) -> Result<String, AwayError> {
        serde_json::to_string(&Ok::<T, Failure>(found)).map_err(AwayError::Answer)
    }
    // A machine does as many tasks at a time as it has cores.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    match work {
        Work::Ingest { file, hash, first } => {
            let found: Vec<OfFile> =
                pool.install(|| ingest::run_one(&pipeline, &files, file, *first))?;
            // After reading: what changed meanwhile is another file too.
            let raw = pipeline.sources.iter().flat_map(|source| &source.files);
            for raw in raw.filter(|raw| raw.label == *file) {
                if hash.as_ref() != Some(&run::content_of(raw, None)?.hash) {
                    return Err(AwayError::OtherFile(file.clone()));
                }
            }
            told(found)
        }
        Work::Reported { .. } => {
            let found: Reported = pool.install(|| aggregate::reported(&pipeline, &files))?;
            told(found)
        }
        Work::Year { year, reported, .. } => {
            let found: AllSums =
                pool.install(|| aggregate::year_alone(&pipeline, &files, *year, reported))?;
            told(found)
        }
        Work::Sql { text, reads, version, name } => {
            let written: Result<DataFile, RunError> = runtime.block_on(async {
                // One partition, as where the run was started.
                let session = run::sql_session(&lake, &pipeline, 1)?;
                for table in reads {
                    session.register(table)?;
                }
                let mut rows = session.open(text).await?;
                let mut writer = lake.named_writer(version, name)?;
                while let Some(batch) = rows.next().await? {
                    writer.write(batch).await?;
                }
                Ok(writer.finish().await?)
            });
            told(written?)
        }
    }
}
