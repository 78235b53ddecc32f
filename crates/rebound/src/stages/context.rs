//! What a stage is given, and what it gives.

use super::error::StageError;
use crate::remote::RemoteExecutor;
use arrow::array::RecordBatch;
use lake::{CodedReader, DataFile, Lake, LakeError, TableVersion};
use std::collections::BTreeMap;
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
    pub remote: Option<RemoteExecutor<'a>>,
}

impl Files<'_> {
    pub(crate) fn input(&self, table: &str) -> Result<&TableVersion, StageError> {
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
