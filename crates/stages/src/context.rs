//! What a stage is given, and what it gives.

use super::error::StageError;
use crate::remote::RemoteExecutor;
use arrow::array::RecordBatch;
use lake::{CodedReader, DataFile, Lake, LakeError, TableVersion};
use project::pipeline::External;
use project::raw_files::RawFile;
use query::{Memory, QueryError, Session, SessionParams};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What a stage reads.
#[derive(Debug, Clone)]
pub enum Input {
    /// A table, which the pipeline must make.
    Table(String),
    /// A table, if the pipeline makes it.
    TableIfMade(&'static str),
    /// A file from outside.
    File(FileInput),
}

/// A file from outside that a stage reads.
#[derive(Debug, Clone)]
pub struct FileInput {
    /// The file.
    pub file: RawFile,
    /// By what it is read, where files of the stage are read differently.
    pub read_as: Option<String>,
}

impl From<RawFile> for FileInput {
    fn from(file: RawFile) -> Self {
        Self { file, read_as: None }
    }
}

impl Input {
    /// Tables that the pipeline must make.
    pub fn tables(names: &[&str]) -> Vec<Self> {
        names.iter().map(|&name| Self::Table(name.to_owned())).collect()
    }

    /// A file that is read as the stage's params say.
    pub fn file(file: RawFile) -> Self {
        Self::File(file.into())
    }
}

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

/// What a stage works with: the inputs that it declared, its tables, and what the machine has. It
/// never shows the pipeline.
#[derive(Debug)]
pub struct Context<'a> {
    lake: &'a Lake,
    runtime: Handle,
    /// The version of each table of the stage.
    drafts: BTreeMap<String, TableVersion>,
    /// The tables it reads; none of what the pipeline does not make.
    inputs: BTreeMap<String, Option<TableVersion>>,
    /// Labels of the files from outside that it reads.
    files: BTreeSet<String>,
    memory: Memory,
    remote: Option<RemoteExecutor<'a>>,
}

impl<'a> Context<'a> {
    /// For a stage that writes `drafts`, and reads nothing yet.
    pub fn new(
        lake: &'a Lake,
        runtime: Handle,
        memory: Memory,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Self {
        let (inputs, files) = (BTreeMap::new(), BTreeSet::new());
        Self { lake, runtime, drafts, inputs, files, memory, remote: None }
    }

    /// The same with what the stage declared: each of its tables in the version that `current` has.
    #[must_use]
    pub fn reading(mut self, inputs: &[Input], current: &BTreeMap<String, TableVersion>) -> Self {
        for input in inputs {
            let table = match input {
                Input::Table(table) => table.as_str(),
                Input::TableIfMade(table) => table,
                Input::File(FileInput { file, .. }) => {
                    self.files.insert(file.label.clone());
                    continue;
                }
            };
            self.inputs.insert(table.to_owned(), current.get(table).cloned());
        }
        self
    }

    /// The same with other machines that do parts of the work.
    #[must_use]
    pub fn with_remote(mut self, remote: Option<RemoteExecutor<'a>>) -> Self {
        self.remote = remote;
        self
    }

    /// The version of each table of the stage.
    pub fn drafts(&self) -> &BTreeMap<String, TableVersion> {
        &self.drafts
    }

    /// What drives the storage.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Memory that the work may take. It changes no number.
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Other machines, if they do the work.
    pub fn remote(&self) -> Option<&RemoteExecutor<'a>> {
        self.remote.as_ref()
    }

    /// A table from outside, to be read.
    ///
    /// # Errors
    ///
    /// [`StageError`] if it is not one of the stage's inputs.
    pub fn outside<'t, C>(&self, table: &'t External<C>) -> Result<&'t External<C>, StageError> {
        if self.files.contains(&table.label) {
            return Ok(table);
        }
        let why = format!("the stage reads `{}`, which is not one of its inputs", table.label);
        Err(StageError::Data(why))
    }

    fn declared(&self, table: &str) -> Result<Option<&TableVersion>, StageError> {
        self.inputs.get(table).map(Option::as_ref).ok_or_else(|| {
            StageError::Data(format!("the stage reads `{table}`, which is not one of its inputs"))
        })
    }

    /// An input.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not read the table, or the pipeline does not make it.
    pub fn input(&self, table: &str) -> Result<&TableVersion, StageError> {
        self.declared(table)?.ok_or_else(|| {
            StageError::Data(format!("the stage needs `{table}`, which the pipeline does not make"))
        })
    }

    /// The Parquet files of an input.
    ///
    /// # Errors
    ///
    /// As [`Self::input`].
    pub fn files_of(&self, table: &str) -> Result<Vec<DataFile>, StageError> {
        Ok(self.input(table)?.files.clone())
    }

    /// All rows of an input, all columns; none of a table that the pipeline does not make.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not read the table, or the lake fails.
    pub fn rows(&self, table: &str) -> Result<Vec<RecordBatch>, StageError> {
        match self.declared(table)? {
            Some(version) => Ok(self.runtime.block_on(self.lake.read(version, &[]))?),
            None => Ok(Vec::new()),
        }
    }

    /// A session of SQL over the inputs, in one partition: sums of floats must not depend on the
    /// number of cores.
    ///
    /// # Errors
    ///
    /// [`QueryError`].
    pub fn session(&self) -> Result<Session, QueryError> {
        let session = Session::new(self.lake, SessionParams { threads: 1, memory: self.memory })?;
        for version in self.inputs.values().flatten() {
            session.register(version)?;
        }
        Ok(session)
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
        Ok(GroupWriter {
            runtime: &self.runtime,
            table: draft.table.clone(),
            columns: draft.columns.iter().map(|column| column.name.clone()).collect(),
            writer: self.lake.group_writer(draft, name)?,
        })
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
    table: String,
    /// The names of its columns, in the order of the contract.
    columns: Vec<String>,
    writer: lake::GroupWriter,
}

impl GroupWriter<'_> {
    /// Adds a row group of `n` rows, given by the names of their columns in the order of the contract.
    ///
    /// # Errors
    ///
    /// [`StageError`] if these are not the columns of the table, the rows break the contract, or they
    /// cannot be written.
    pub fn write(
        &mut self,
        n: usize,
        columns: &[(&str, lake::Cells<'_>)],
    ) -> Result<(), StageError> {
        let names = || columns.iter().map(|(name, _)| *name);
        if !names().eq(self.columns.iter().map(String::as_str)) {
            let (table, expected) = (&self.table, self.columns.join(", "));
            let found = names().collect::<Vec<_>>().join(", ");
            return Err(StageError::Data(format!(
                "the stage gives `{table}` the columns {found}, and its contract has {expected}"
            )));
        }
        let cells: Vec<lake::Cells<'_>> = columns.iter().map(|(_, cells)| *cells).collect();
        // Outside the runtime: a thread that waits for another's columns may take up what blocks on it.
        self.writer.add(n, &cells)?;
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

#[cfg(test)]
mod tests {
    use super::super::table::{column, region};
    use super::*;
    use lake::{Cells, Contract, Fingerprint, Kind};

    #[test]
    fn a_writer_takes_the_columns_of_its_table_alone() {
        let contract = Contract {
            table: "test.region",
            about: "a region",
            key: &["region_code"],
            columns: vec![region(), column("name", Kind::Text, "", "its name")],
        };
        let runtime = query::runtime(1).expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let draft = lake.draft(&contract, "test", &Fingerprint::of(b"test"), "now");
        let drafts = BTreeMap::from([(contract.table.to_owned(), draft)]);
        let memory = Memory { mib: 64, setting: "engine.memory_mib" };
        let context = Context::new(&lake, runtime.handle().clone(), memory, drafts);
        let mut writer = context.create(contract.table, "rows.parquet").expect("a writer");
        let (code, name) = (Cells::Same(Some("NSW")), Cells::Same(Some("New South Wales")));
        let others = [
            vec![("name", name), ("region_code", code)],
            vec![("region_code", code), ("title", name)],
            vec![("region_code", code)],
        ];
        for columns in others {
            let error = writer.write(1, &columns).expect_err("other columns").to_string();
            assert!(error.contains("its contract has region_code, name"), "{error}");
        }
        writer.write(1, &[("region_code", code), ("name", name)]).expect("its columns");
        assert_eq!(writer.finish().expect("a file").rows, 1);
    }
}
