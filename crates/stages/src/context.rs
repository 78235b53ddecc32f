//! What a stage is given, and what it gives.

use super::error::StageError;
use super::sync::locked;
use super::unit::{Choice, Unit, UnitCounts, UnitName};
use crate::remote::RemoteExecutor;
use arrow::array::RecordBatch;
use lake::{CodedReader, DataFile, Fingerprint, Lake, LakeError, TableVersion, UnitRecord};
use project::pipeline::External;
use project::raw_files::RawFile;
use query::{Memory, QueryError, Session, SessionParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::Span;

/// The target of spans, which go into traces and nowhere else: the log does not ask for it.
pub const SPANS: &str = "spans";

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

/// What looks whether files of the lake are as they were written, before they are read.
pub trait Verify: fmt::Debug + Send + Sync {
    /// Looks at the files of a version.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if one is not what was written.
    fn verify(&self, version: &TableVersion) -> Result<(), LakeError>;
}

/// What units a stage made and used again.
#[derive(Debug, Default)]
struct UnitLog {
    /// The names of the units that were looked up, where some are chosen.
    names: BTreeSet<String>,
    counts: UnitCounts,
    /// What was made, to be kept when it is known that what was read did not change meanwhile.
    made: Vec<UnitRecord>,
    /// Files of units that were used again.
    reused: Vec<DataFile>,
}

/// What a stage works with: the inputs that it declared, its tables, and what the machine has. It
/// never shows the pipeline.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    lake: &'a Lake,
    runtime: Handle,
    /// The stage and the version of its code.
    code: Arc<str>,
    /// The version of each table of the stage.
    drafts: Arc<BTreeMap<String, TableVersion>>,
    /// What files are named by where the work is a unit's.
    unit: Option<UnitName>,
    /// The tables it reads; none of what the pipeline does not make.
    inputs: Arc<BTreeMap<String, Option<TableVersion>>>,
    /// Labels of the files from outside that it reads.
    files: Arc<BTreeSet<String>>,
    /// Hashes of these.
    hashes: Arc<BTreeMap<String, Fingerprint>>,
    memory: Memory,
    verifier: Option<&'a dyn Verify>,
    choice: Choice,
    log: Arc<Mutex<UnitLog>>,
    remote: Option<Arc<RemoteExecutor<'a>>>,
    /// The span that the work is in: threads that share it have none of their own.
    span: Span,
}

impl<'a> Context<'a> {
    /// For a stage that writes `drafts`, and reads nothing yet.
    pub fn new(
        lake: &'a Lake,
        runtime: Handle,
        memory: Memory,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Self {
        Self {
            lake,
            runtime,
            code: "".into(),
            drafts: Arc::new(drafts),
            unit: None,
            inputs: Arc::default(),
            files: Arc::default(),
            hashes: Arc::default(),
            memory,
            verifier: None,
            choice: Choice::default(),
            log: Arc::default(),
            remote: None,
            span: Span::current(),
        }
    }

    /// The same with what the stage declared: each of its tables in the version that `current` has.
    #[must_use]
    pub fn reading(mut self, inputs: &[Input], current: &BTreeMap<String, TableVersion>) -> Self {
        let (mut tables, mut files) = (BTreeMap::new(), BTreeSet::new());
        for input in inputs {
            let table = match input {
                Input::Table(table) => table.as_str(),
                Input::TableIfMade(table) => table,
                Input::File(FileInput { file, .. }) => {
                    files.insert(file.label.clone());
                    continue;
                }
            };
            tables.insert(table.to_owned(), current.get(table).cloned());
        }
        (self.inputs, self.files) = (Arc::new(tables), Arc::new(files));
        self
    }

    /// The same for units: `code` is the stage and the version of its code, `hashes` are those of
    /// the files from outside that it reads, and `verifier` looks at parts before they are read.
    #[must_use]
    pub fn by_units(
        self,
        code: &str,
        hashes: BTreeMap<String, Fingerprint>,
        verifier: &'a dyn Verify,
    ) -> Self {
        Self { code: code.into(), hashes: Arc::new(hashes), verifier: Some(verifier), ..self }
    }

    /// The same where only some units may be made, or what earlier runs kept is made again.
    #[must_use]
    pub fn choosing(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Whether all is made again, whatever earlier runs kept.
    pub fn is_made_again(&self) -> bool {
        self.choice.ignores_all()
    }

    /// What an earlier run kept of `unit`.
    ///
    /// # Errors
    ///
    /// [`StageError::Lake`] if the lake fails.
    pub fn kept<T: DeserializeOwned>(&self, unit: &Unit) -> Result<Option<T>, StageError> {
        Ok(self.all_kept(std::slice::from_ref(unit))?.pop().flatten())
    }

    /// What an earlier run kept of each unit.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or others are missing than those that may be made.
    pub fn all_kept<T: DeserializeOwned>(
        &self,
        units: &[Unit],
    ) -> Result<Vec<Option<T>>, StageError> {
        let records = self.records(units)?;
        let mut log = locked(&self.log);
        let made = |record: UnitRecord| {
            // What another build of the program wrote down differently is made again.
            let made = serde_json::from_str(&record.made).ok()?;
            log.counts.n_reused += 1;
            log.reused.extend(record.files);
            Some(made)
        };
        let mut made = made;
        let found: Vec<Option<T>> =
            records.into_iter().map(|record| record.and_then(&mut made)).collect();
        let missing = units.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<&str> = missing.map(|(unit, _)| unit.name.as_str()).collect();
        self.choice.check(&missing)?;
        if self.choice.only.is_some() {
            log.names.extend(units.iter().map(|unit| unit.name.clone()));
        }
        Ok(found)
    }

    /// Looks whether all units that were chosen are units of the stage, which has looked all of its
    /// own up.
    ///
    /// # Errors
    ///
    /// [`StageError::Data`] with the first that is not.
    pub fn has_all_chosen(&self) -> Result<(), StageError> {
        let log = locked(&self.log);
        self.choice.are_among(&log.names.iter().map(String::as_str).collect())
    }

    /// The records of units, without those that are to be made again.
    fn records(&self, units: &[Unit]) -> Result<Vec<Option<UnitRecord>>, StageError> {
        let names = units.iter().map(|unit| unit.fingerprint(&self.code)).collect();
        let records = self.runtime.block_on(self.lake.units_of(names))?;
        let used = |(unit, record): (&Unit, Option<UnitRecord>)| {
            record.filter(|_| !self.choice.ignores(&unit.name))
        };
        Ok(units.iter().zip(records).map(used).collect())
    }

    /// Whether each unit would be used again, without counting it.
    ///
    /// # Errors
    ///
    /// As of [`Self::all_kept`].
    pub fn are_kept(&self, units: &[Unit]) -> Result<Vec<bool>, StageError> {
        let found: Vec<bool> = self.records(units)?.iter().map(Option::is_some).collect();
        let missing = units.iter().zip(&found).filter(|(_, found)| !**found);
        let missing: Vec<&str> = missing.map(|(unit, _)| unit.name.as_str()).collect();
        self.choice.check(&missing)?;
        self.choice.are_among(&units.iter().map(|unit| unit.name.as_str()).collect())?;
        Ok(found)
    }

    /// What an earlier run kept of each unit that is no work of its own: nobody counts them.
    ///
    /// # Errors
    ///
    /// [`StageError::Lake`] if the lake fails.
    pub fn looked_up<T: DeserializeOwned>(
        &self,
        units: &[Unit],
    ) -> Result<Vec<Option<T>>, StageError> {
        let names = units.iter().map(|unit| unit.fingerprint(&self.code)).collect();
        let records = self.runtime.block_on(self.lake.units_of(names))?;
        let is_used = !self.choice.ignores_all();
        let made = |record: UnitRecord| {
            if is_used { serde_json::from_str(&record.made).ok() } else { None }
        };
        Ok(records.into_iter().map(|record| record.and_then(made)).collect())
    }

    /// What is known of each of some files of a table: what an earlier run found out, and of all
    /// others what `find` gives, in their order, which is kept. `what` says what that depends on.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or `find` does.
    pub(crate) fn known_of<T: Serialize + DeserializeOwned>(
        &self,
        table: &str,
        files: &[DataFile],
        what: &Unit,
        find: impl FnOnce(&[DataFile]) -> Result<Vec<T>, StageError>,
    ) -> Result<Vec<T>, StageError> {
        let unit = |file: &DataFile| what.clone().reading(table, [file.clone()]);
        let units: Vec<Unit> = files.iter().map(unit).collect();
        let mut found: Vec<Option<T>> = self.looked_up(&units)?;
        let missing: Vec<usize> = (0..files.len()).filter(|&at| found[at].is_none()).collect();
        if !missing.is_empty() {
            let of: Vec<DataFile> = missing.iter().map(|&at| files[at].clone()).collect();
            for (at, known) in missing.into_iter().zip(find(&of)?) {
                self.keep_aside(&units[at], &known)?;
                found[at] = Some(known);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Keeps what is known of such a unit.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if it cannot be written down.
    pub fn keep_aside(&self, unit: &Unit, made: &impl Serialize) -> Result<(), StageError> {
        let record = self.record(unit, Vec::new(), made)?;
        locked(&self.log).made.push(record);
        Ok(())
    }

    fn record(
        &self,
        unit: &Unit,
        files: Vec<DataFile>,
        made: &impl Serialize,
    ) -> Result<UnitRecord, StageError> {
        let read = unit.parts.values().flatten().map(|file| file.path.clone());
        Ok(UnitRecord {
            fingerprint: unit.fingerprint(&self.code),
            node: self.code.to_string(),
            unit: unit.name.clone(),
            of: if files.is_empty() { read.collect() } else { Vec::new() },
            files,
            made: serde_json::to_string(made)?,
        })
    }

    /// Keeps what `unit` made: its files, and what the stage needs to know of it.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if that cannot be written down.
    pub fn keep(
        &self,
        unit: &Unit,
        files: Vec<DataFile>,
        made: &impl Serialize,
    ) -> Result<(), StageError> {
        let record = self.record(unit, files, made)?;
        let mut log = locked(&self.log);
        log.counts.made.push(unit.name.clone());
        log.made.push(record);
        Ok(())
    }

    /// A span of the trace: that a unit is being made, for as long as it is held.
    pub fn making(&self, unit: &str) -> Span {
        tracing::info_span!(target: SPANS, parent: &self.span, "unit", unit)
    }

    /// The units that were made, to be kept, how many were made and used again, and the files of
    /// those that were used again.
    pub fn take_units(&self) -> (Vec<UnitRecord>, UnitCounts, Vec<DataFile>) {
        let UnitLog { mut counts, made, reused, .. } = std::mem::take(&mut *locked(&self.log));
        // Units that are made side by side end in any order.
        counts.made.sort();
        (made, counts, reused)
    }

    /// The context of a unit: it reads what the unit declared and nothing else, and its files are
    /// the unit's. `label` is what they say that they are.
    ///
    /// # Errors
    ///
    /// [`StageError`] if a part is of no input of the stage, or is damaged.
    pub fn of_unit(&self, unit: &Unit, label: Option<&str>) -> Result<Self, StageError> {
        let mut inputs = BTreeMap::new();
        for (table, files) in &unit.parts {
            let part = TableVersion { files: files.clone(), ..self.described(table)? };
            if let Some(verifier) = self.verifier {
                verifier.verify(&part)?;
            }
            inputs.insert(table.clone(), Some(part));
        }
        Ok(Self {
            inputs: Arc::new(inputs),
            files: Arc::new(unit.outside.keys().cloned().collect()),
            remote: None,
            ..self.named(unit, label)
        })
    }

    /// The same context with only some files of one input, which are looked at before.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is no input of the stage, or a file is damaged.
    pub fn part(&self, table: &str, files: &[DataFile]) -> Result<Self, StageError> {
        let unit = Unit::new("").reading(table, files.iter().cloned());
        Ok(Self { unit: self.unit.clone(), ..self.of_unit(&unit, None)? })
    }

    /// The same context, whose files are those of a unit.
    #[must_use]
    pub(crate) fn named(&self, unit: &Unit, label: Option<&str>) -> Self {
        self.in_folder(UnitName {
            fingerprint: unit.fingerprint(&self.code),
            label: label.map(str::to_owned),
        })
    }

    /// The same context, whose files have the names of a unit.
    #[must_use]
    pub(crate) fn in_folder(&self, unit: UnitName) -> Self {
        Self { unit: Some(unit), ..self.clone() }
    }

    /// The folder of the files of a unit.
    pub fn unit_folder(&self, unit: &Unit) -> Fingerprint {
        unit.fingerprint(&self.code)
    }

    /// The versions of the inputs that there are.
    pub fn input_versions(&self) -> impl Iterator<Item = &TableVersion> {
        self.inputs.values().flatten()
    }

    /// How the files of the context's unit are named.
    pub(crate) fn unit_name(&self) -> Option<&UnitName> {
        self.unit.as_ref()
    }

    /// An input without its files.
    ///
    /// # Errors
    ///
    /// As [`Self::input`].
    pub(crate) fn described(&self, table: &str) -> Result<TableVersion, StageError> {
        let version = self.input(table)?;
        Ok(TableVersion {
            table: version.table.clone(),
            stage: version.stage.clone(),
            fingerprint: version.fingerprint.clone(),
            files: Vec::new(),
            key: version.key.clone(),
            about: version.about.clone(),
            columns: version.columns.clone(),
            metadata: version.metadata.clone(),
            made_at: version.made_at.clone(),
        })
    }

    /// A unit that reads a file from outside, too.
    ///
    /// # Errors
    ///
    /// [`StageError`] if it is not one of the stage's inputs.
    pub fn with_file(&self, mut unit: Unit, label: &str) -> Result<Unit, StageError> {
        let Some(hash) = self.hashes.get(label).filter(|_| self.files.contains(label)) else {
            let why = format!("the stage reads `{label}`, which is not one of its inputs");
            return Err(StageError::Data(why));
        };
        unit.outside.insert(label.to_owned(), hash.clone());
        Ok(unit)
    }

    /// The same with other machines that do parts of the work.
    #[must_use]
    pub fn with_remote(mut self, remote: Option<RemoteExecutor<'a>>) -> Self {
        self.remote = remote.map(Arc::new);
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
        self.remote.as_deref()
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
        let writer = match &self.unit {
            None => self.lake.group_writer(draft, name)?,
            Some(UnitName { fingerprint, .. }) => {
                let draft = TableVersion { fingerprint: fingerprint.clone(), ..draft.clone() };
                self.lake.group_writer(&draft, name)?
            }
        };
        Ok(GroupWriter {
            runtime: &self.runtime,
            table: draft.table.clone(),
            columns: draft.columns.iter().map(|column| column.name.clone()).collect(),
            label: self.unit.as_ref().and_then(|unit| unit.label.clone()),
            writer,
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
    /// What the file says that it is.
    label: Option<String>,
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
        let file = self.runtime.block_on(self.writer.finish())?;
        Ok(DataFile { unit: self.label, ..file })
    }
}

impl<'a> GroupWriter<'a> {
    /// Ends the file while other work goes on.
    pub fn finish_aside(self) -> Finishing<'a> {
        let task = self.runtime.spawn(self.writer.finish());
        Finishing { runtime: self.runtime, label: self.label, task }
    }
}

/// A file that is being ended, unless it is dropped before.
#[derive(Debug)]
pub struct Finishing<'a> {
    runtime: &'a Handle,
    label: Option<String>,
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
            Ok(file) => Ok(DataFile { unit: self.label.take(), ..file? }),
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
