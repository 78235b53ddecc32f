//! Doing the tasks of another machine.

use crate::graph;
use crate::run::RunError;
use crate::run::content::content_of;
use crate::run::plan::sql_session;
use lake::{DataFile, Lake};
use project::causes::causes;
use project::pipeline_file::PipelineFile;
use serde::Serialize;
use stages::remote::{Failure, Job, Task};
use stages::{StageError, tasks};
use std::path::PathBuf;

/// Why a task failed here.
#[derive(Debug, thiserror::Error)]
enum WorkerError {
    #[error(
        "the task is not one of this program's: all machines must run the same file of the program"
    )]
    Job(#[source] serde_json::Error),
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

/// Does a job, on one thread; gives what it came to or why it failed, as text. `place` names this machine.
pub fn perform(job: &str, place: &str) -> String {
    let answer = serde_json::from_str(job).map_err(WorkerError::Job).and_then(|job| done(&job));
    answer.unwrap_or_else(|error| {
        let message = causes(&error).join(": ");
        let is_users = match &error {
            WorkerError::Job(_) | WorkerError::Other(_) | WorkerError::OtherFile(_) => true,
            WorkerError::Stage(error) => error.is_users(),
            WorkerError::Run(error) => error.is_users(),
            WorkerError::Runtime(_) | WorkerError::Threads(_) | WorkerError::Answer(_) => false,
        };
        let failure = Failure { place: place.to_owned(), message, is_users };
        serde_json::to_string(&Err::<(), _>(failure)).unwrap_or_default()
    })
}

fn done(job: &Job) -> Result<String, WorkerError> {
    let Job { context, task } = job;
    let runtime = query::runtime(1).map_err(WorkerError::Runtime)?;
    let file = PipelineFile::read(&context.pipeline).map_err(RunError::from)?;
    let pipeline = file.pipeline(&runtime).map_err(RunError::from)?;
    if graph::identity(&pipeline).map_err(RunError::from)? != context.same {
        return Err(WorkerError::Other(context.pipeline.clone()));
    }
    let lake = Lake::open(&context.lake).map_err(RunError::from)?;
    // A machine does as many tasks at a time as it has cores.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let handle = runtime.handle().clone();
    let of_stage =
        pool.install(|| tasks::perform(task, &pipeline, &lake, handle, &context.drafts))?;
    match task {
        Task::Ingest { file, hash, .. } => {
            // After reading: what changed meanwhile is another file too.
            let raw = pipeline.sources.iter().flat_map(|source| &source.files);
            for raw in raw.filter(|raw| raw.label == *file) {
                if hash.as_ref() != Some(&content_of(raw, None)?.hash) {
                    return Err(WorkerError::OtherFile(file.clone()));
                }
            }
            Ok(said(of_stage))
        }
        Task::Reported { .. } | Task::Year { .. } => Ok(said(of_stage)),
        Task::Sql { text, reads, version, name } => {
            let written: Result<DataFile, RunError> = runtime.block_on(async {
                // One partition, as where the run was started.
                let session = sql_session(&lake, &pipeline, 1)?;
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

/// The answer of a stage, which is JSON already.
fn said(of_stage: Option<String>) -> String {
    format!("{{\"Ok\":{}}}", of_stage.unwrap_or_else(|| "null".to_owned()))
}

/// An answer, as text.
fn told<T: Serialize>(found: T) -> Result<String, WorkerError> {
    serde_json::to_string(&Ok::<T, Failure>(found)).map_err(WorkerError::Answer)
}
