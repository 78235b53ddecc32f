//! The stages: each reads tables, works, and gives the rows of other tables. It knows no other stage; only `ingest` hands records
//! that are not kept on to `aggregate`.

pub(crate) mod aggregate;
pub mod cube;
mod diversification;
pub(crate) mod ingest;
pub mod models;
mod packed;
mod policy;
mod relatedness;
mod resilience;
pub mod rows;
mod spatial;

pub use spatial::MEASURED;

use crate::away::Away;
use crate::boundaries::BoundaryError;
use crate::codes::CodesError;
use crate::external::ExternalError;
use crate::graph::StageName;
use crate::input::Unreadable;
use crate::pipeline::Pipeline;
use arrow::array::RecordBatch;
use lake::{CodedReader, DataFile, Lake, LakeError, TableVersion};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What a stage made of a table.
#[derive(Debug)]
pub enum Made {
    /// Rows, to be written as one Parquet file.
    Rows(Vec<RecordBatch>),
    /// Parquet files that the stage wrote itself, in the order of the key.
    Files(Vec<DataFile>),
}

/// What a stage made, by table.
pub type Output = BTreeMap<&'static str, Made>;

/// Lets a stage of many rows read and write them file by file, from any thread.
#[derive(Debug)]
pub struct Files<'a> {
    /// Where to.
    pub lake: &'a Lake,
    /// What drives the storage.
    pub runtime: Handle,
    /// The version of each table of the stage.
    pub drafts: BTreeMap<String, TableVersion>,
    /// The tables it reads.
    pub inputs: BTreeMap<String, TableVersion>,
    /// Other machines, if they do the work.
    pub away: Option<Away<'a>>,
}

impl Files<'_> {
    fn input(&self, table: &str) -> Result<&TableVersion, StageError> {
        self.inputs.get(table).ok_or_else(|| {
            StageError::Data(format!("the stage reads `{table}`, which is not one of its inputs"))
        })
    }

    /// The Parquet files of an input.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not read the table.
    pub fn files_of(&self, table: &str) -> Result<Vec<DataFile>, StageError> {
        Ok(self.input(table)?.files.clone())
    }

    /// Calls `work` on the batches of `columns` of one file of an input, texts as dictionaries.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not read the table, the lake fails, or `work` does.
    pub fn each_coded(
        &self,
        table: &str,
        file: &DataFile,
        columns: &[&str],
        mut work: impl FnMut(&RecordBatch) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let version = self.input(table)?;
        for batch in self.runtime.block_on(self.lake.read_coded(version, file, columns))? {
            work(&batch?)?;
        }
        Ok(())
    }

    /// Opens `columns` of one file of an input, to be read as codes.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not read the table, or the lake fails.
    pub fn coded(
        &self,
        table: &str,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<CodedReader, StageError> {
        let reader = self.lake.coded_reader(self.input(table)?, file, columns);
        Ok(self.runtime.block_on(reader)?)
    }

    /// Starts the file `name` of `table`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not write the table, or the lake fails.
    pub fn create(&self, table: &str, name: &str) -> Result<GroupWriter<'_>, StageError> {
        let draft = self.drafts.get(table).ok_or_else(|| {
            StageError::Data(format!("the stage writes `{table}`, which is not one of its tables"))
        })?;
        let writer = self.lake.group_writer(draft, name)?;
        Ok(GroupWriter { runtime: &self.runtime, writer })
    }

    /// The file in `writer`, begun by [`Self::create`] if there is none yet.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn opened<'w, 'f>(
        &'f self,
        writer: &'w mut Option<GroupWriter<'f>>,
        table: &str,
        name: &str,
    ) -> Result<&'w mut GroupWriter<'f>, StageError> {
        match writer {
            Some(writer) => Ok(writer),
            None => Ok(writer.insert(self.create(table, name)?)),
        }
    }
}

/// A Parquet file that a stage writes.
#[derive(Debug)]
pub struct GroupWriter<'a> {
    runtime: &'a Handle,
    writer: lake::GroupWriter,
}

impl GroupWriter<'_> {
    /// Adds a row group of `n` rows.
    ///
    /// # Errors
    ///
    /// [`StageError::Lake`].
    pub fn write(&mut self, n: usize, cells: &[lake::Cells<'_>]) -> Result<(), StageError> {
        // Outside the runtime: a thread that waits for another's columns may take up what blocks on it.
        self.writer.add(n, cells)?;
        Ok(self.runtime.block_on(self.writer.flush())?)
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`StageError::Lake`].
    pub fn finish(self) -> Result<DataFile, StageError> {
        Ok(self.runtime.block_on(self.writer.finish())?)
    }
}

impl<'a> GroupWriter<'a> {
    /// Ends the file while other work goes on.
    pub fn finish_aside(self) -> Finishing<'a> {
        Finishing { runtime: self.runtime, task: self.runtime.spawn(self.writer.finish()) }
    }
}

/// A file that is being ended, unless it is dropped before.
#[derive(Debug)]
pub struct Finishing<'a> {
    runtime: &'a Handle,
    task: JoinHandle<Result<DataFile, LakeError>>,
}

impl Finishing<'_> {
    /// Waits until it is.
    ///
    /// # Errors
    ///
    /// [`StageError::Lake`].
    pub fn wait(mut self) -> Result<DataFile, StageError> {
        match self.runtime.block_on(&mut self.task) {
            Ok(file) => Ok(file?),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(StageError::Data(format!("a file was not written: {error}"))),
            },
        }
    }
}

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The rows a stage reads, by table, all columns.
pub type Input = BTreeMap<String, Vec<RecordBatch>>;

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
    /// The data do not have what the config asks for.
    #[error("{0}")]
    Data(String),
    /// Boundaries cannot be used.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// A table from elsewhere cannot be used.
    #[error(transparent)]
    External(#[from] ExternalError),
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
    Away {
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
        matches!(
            self,
            Self::RawFile { fault: Unreadable { is_users: true, .. }, .. }
                | Self::External(_)
                | Self::Boundaries(_)
                | Self::Data(_)
                | Self::Lake(LakeError::Number { .. })
                | Self::Away { is_users: true, .. }
        )
    }
}

/// The version of a stage's code: raised whenever the same input would give other rows. A test holds the
/// rows of the sample against it.
pub fn version(stage: StageName) -> u32 {
    match stage {
        StageName::Ingest => 4,
        StageName::Aggregate => 4,
        StageName::Relatedness => 5,
        StageName::Diversification | StageName::Tables | StageName::Models => 2,
        StageName::Resilience | StageName::Spatial => 3,
        StageName::Policy => 1,
        StageName::Panels => 4,
    }
}

/// Runs a stage that is written in code.
///
/// # Errors
///
/// [`StageError`].
pub fn run(
    stage: StageName,
    pipeline: &Pipeline,
    input: &Input,
    files: &Files<'_>,
) -> Result<Output, StageError> {
    match stage {
        StageName::Ingest if pipeline.keeps_records => ingest::run(pipeline, files),
        StageName::Ingest => ingest::run_to_sums(pipeline, files),
        StageName::Aggregate => aggregate::run(pipeline, files),
        StageName::Relatedness => relatedness::run(pipeline, input, files),
        StageName::Diversification => diversification::run(input, files),
        StageName::Resilience => resilience::run(pipeline, files),
        StageName::Spatial => spatial::run(pipeline, input),
        StageName::Policy => policy::run(pipeline, input),
        // These are made by SQL, or from files.
        StageName::Panels | StageName::Tables | StageName::Models => Ok(Output::new()),
    }
}

/// One table of one file.
fn table(output: &mut Output, name: &'static str, rows: rows::Rows) -> Result<(), StageError> {
    output.insert(name, Made::Rows(vec![rows.finish()?]));
    Ok(())
}
