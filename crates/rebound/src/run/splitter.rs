//! Rows that are divided into files, one for each value of a column.

use super::error::RunError;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::partition;
use arrow::util::display::array_value_to_string;
use lake::{DataFile, Fingerprint, Lake, LakeError, TableVersion, TableWriter};
use project::sql_file::SqlFile;
use query::{NoThread, QueryError};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use tokio::runtime::Runtime;

/// Batches of rows that wait to be written, at most.
const AHEAD: usize = 4;

/// What is wrong with a SQL file.
pub(super) fn wrong(sql: &SqlFile, why: String) -> RunError {
    RunError::SqlReads { path: sql.path.clone(), why }
}

/// An error of rows that are written, with the file that gives them.
fn said(sql: &SqlFile, error: LakeError) -> RunError {
    match error {
        LakeError::KeyOrder { .. } => wrong(
            sql,
            format!("{error}: order the rows by the header `key`, and let no key repeat"),
        ),
        error => error.into(),
    }
}

/// The files that rows may go to.
enum Folders<'s> {
    /// Those of some parts, each in a folder of its own.
    Parts(&'s [(String, Fingerprint)]),
    /// Those of a version, named by the parts that there are.
    Version,
}

/// Writes rows, which come part after part.
pub(super) struct Splitter<'s> {
    sql: &'s SqlFile,
    lake: &'s Lake,
    /// Encodes the columns.
    pool: &'s rayon::ThreadPool,
    draft: &'s TableVersion,
    /// The column that tells the part; without one all rows are one.
    column: Option<String>,
    folders: Folders<'s>,
    name: &'s str,
    open: Option<(String, TableWriter)>,
    done: Vec<(String, DataFile)>,
}

impl<'s> Splitter<'s> {
    /// For the parts that have `folders`.
    pub(super) fn new(
        sql: &'s SqlFile,
        (lake, pool): (&'s Lake, &'s rayon::ThreadPool),
        draft: &'s TableVersion,
        column: Option<String>,
        folders: &'s [(String, Fingerprint)],
        name: &'s str,
    ) -> Self {
        let folders = Folders::Parts(folders);
        Self { sql, lake, pool, draft, column, folders, name, open: None, done: Vec::new() }
    }

    /// For all the rows of a version, whatever parts there are.
    pub(super) fn whole(
        sql: &'s SqlFile,
        (lake, pool): (&'s Lake, &'s rayon::ThreadPool),
        draft: &'s TableVersion,
        column: Option<String>,
    ) -> Self {
        let (folders, name) = (Folders::Version, "part-00000.parquet");
        Self { sql, lake, pool, draft, column, folders, name, open: None, done: Vec::new() }
    }

    /// Writes the rows that `make` hands over, while it makes more of them; gives the files in the
    /// order of the parts, one without rows, too. Where they cannot be written, `make` is told to
    /// break off.
    pub(super) fn write_beside(
        mut self,
        runtime: &Runtime,
        make: impl FnOnce(&mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), RunError>,
    ) -> Result<Vec<DataFile>, RunError> {
        let (give, get) = sync_channel(AHEAD);
        let call = cancel::token();
        let write = move || loop {
            match get.recv() {
                Ok(Some(batch)) => runtime.block_on(self.add(batch))?,
                Ok(None) => return runtime.block_on(self.finish()),
                // Not all could be made.
                Err(_) => return Ok(Vec::new()),
            }
        };
        std::thread::scope(|scope| {
            let writing = query::thread().spawn_scoped(scope, move || match call {
                Some(call) => call.within(write),
                None => write(),
            });
            let writing = writing.map_err(|_| QueryError::from(NoThread))?;
            let made = make(&mut |batch| match give.send(Some(batch)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
            if made.is_ok() {
                // Who writes no longer has an error to tell.
                let _ = give.send(None);
            }
            drop(give);
            let written = writing.join().unwrap_or_else(|panic| resume_unwind(panic));
            made.and(written)
        })
    }

    /// Adds rows.
    async fn add(&mut self, batch: RecordBatch) -> Result<(), RunError> {
        let Some(name) = self.column.clone() else {
            return self.put("", &batch).await;
        };
        let Some(column) = batch.column_by_name(&name).cloned() else {
            return Err(wrong(
                self.sql,
                format!("`part` names `{name}`, which is no column of it"),
            ));
        };
        let ranges = partition(&[ArrayRef::clone(&column)]).map_err(|error| {
            wrong(self.sql, format!("its column `{name}` cannot divide it: {error}"))
        })?;
        for range in ranges.ranges() {
            if column.is_null(range.start) {
                return Err(wrong(
                    self.sql,
                    format!("`{name}` is null in a row: a part needs a value"),
                ));
            }
            let part = array_value_to_string(&column, range.start).unwrap_or_default();
            self.put(&part, &batch.slice(range.start, range.len())).await?;
        }
        Ok(())
    }

    /// Adds rows of a part.
    async fn put(&mut self, part: &str, rows: &RecordBatch) -> Result<(), RunError> {
        let (sql, pool) = (self.sql, self.pool);
        let writer = self.writer(part).await?;
        pool.install(|| writer.add(rows)).map_err(|error| said(sql, error))?;
        Ok(writer.flush().await?)
    }

    /// The writer of a part, which is the one that is open or comes after it.
    async fn writer(&mut self, part: &str) -> Result<&mut TableWriter, RunError> {
        if self.open.as_ref().is_none_or(|(open, _)| open != part) {
            self.close().await?;
            let column = self.column.as_deref().unwrap_or_default();
            if self.done.iter().any(|(done, _)| done == part) {
                return Err(wrong(
                    self.sql,
                    format!(
                        "rows of {column} {part} come after those of another: order them by it"
                    ),
                ));
            }
            let writer = self.create(part)?;
            self.open = Some((part.to_owned(), writer));
        }
        match &mut self.open {
            Some((_, writer)) => Ok(writer),
            None => Err(wrong(self.sql, "no part is open".to_owned())),
        }
    }

    fn create(&self, part: &str) -> Result<TableWriter, RunError> {
        let Folders::Parts(folders) = &self.folders else {
            let name = self.column.as_ref().map(|_| name_of(part));
            return Ok(self.lake.named_writer(self.draft, name.as_deref().unwrap_or(self.name))?);
        };
        match folders.iter().find(|(of, _)| of == part) {
            Some((_, fingerprint)) => {
                let fingerprint = fingerprint.clone();
                let draft = TableVersion { fingerprint, ..self.draft.clone() };
                Ok(self.lake.named_writer(&draft, self.name)?)
            }
            None => {
                let column = self.column.as_deref().unwrap_or_default();
                let why = format!(
                    "it gives rows of {column} {part}, which is none that it was asked for"
                );
                Err(wrong(self.sql, why))
            }
        }
    }

    async fn close(&mut self) -> Result<(), RunError> {
        if let Some((part, writer)) = self.open.take() {
            let file = writer.finish().await?;
            let file = DataFile { unit: Some(part.clone()), ..file };
            self.done.push((part, file));
        }
        Ok(())
    }

    /// Ends the files, in the order of the parts; one without rows is there, too.
    async fn finish(mut self) -> Result<Vec<DataFile>, RunError> {
        self.close().await?;
        let parts: Vec<String> = match &self.folders {
            Folders::Parts(folders) => folders.iter().map(|(part, _)| part.clone()).collect(),
            Folders::Version if self.done.is_empty() => vec![String::new()],
            Folders::Version => self.done.iter().map(|(part, _)| part.clone()).collect(),
        };
        let mut files = Vec::new();
        for part in parts {
            if !self.done.iter().any(|(done, _)| *done == part) {
                let file = self.create(&part)?.finish().await?;
                let file = DataFile { unit: Some(part.clone()), ..file };
                self.done.push((part.clone(), file));
            }
            let made = self.done.iter().find(|(done, _)| *done == part);
            files.extend(made.map(|(_, file)| file.clone()));
        }
        Ok(files)
    }
}

/// Characters of a value that a file is named by.
const NAME: usize = 40;

/// The name of the file of a part: its value, or a hash where that is no name everywhere.
fn name_of(part: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !part.is_empty()
        && part.len() <= NAME
        && part.chars().all(is_plain)
        && !part.starts_with("part-")
    {
        return format!("{part}.parquet");
    }
    format!("part-{}.parquet", Fingerprint::of(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_has_a_name_of_its_own() {
        assert_eq!(name_of("2008"), "2008.parquet");
        let odd = ["Qu\u{e9}bec", "", "a b", "..", "a/b", "part-00000", "50%", &"x".repeat(300)];
        let names: std::collections::BTreeSet<String> = odd.iter().map(|of| name_of(of)).collect();
        assert_eq!(names.len(), odd.len());
        assert!(names.iter().all(|name| name.starts_with("part-") && name.len() < 60), "{names:?}");
    }
}
