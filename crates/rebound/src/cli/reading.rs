//! Queries of what is published, and tables and raw files of users as rows: for `sql`, and for
//! programs that hold this one as a library.

use super::failure::UsersError;
use super::lake_args::{Read, begin, open};
use crate::entries::Entries;
use crate::kept;
use crate::run::warn_of;
use anyhow::Context;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use clap::Parser;
use lake::{HeldLease, Lake};
use project::read_options::ReadOptions;
use query::{Memory, QueryError, Rows, Session};
use report::published;
use sources::user_tables::{self, Uses};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Starts a query, once the files of the tables that it reads are found to be there.
///
/// # Errors
///
/// What is wrong with the text, with the closest name of a table that is not published; tables that
/// are damaged or gone.
pub(super) fn start(
    runtime: &Runtime,
    lake: &Lake,
    read: &Read,
    memory: Memory,
    text: &str,
) -> anyhow::Result<(Session, Rows)> {
    let catalog = &read.catalog;
    let session = published::open(lake, catalog, memory)?;
    let tables = session.tables_read(text).unwrap_or_default();
    read.verify_kept(runtime, lake, tables.iter().map(String::as_str))?;
    published::verify(runtime, lake, catalog, &session, text)?;
    warn_of(&published::register_meta(runtime, lake, catalog, &session, text)?);
    match runtime.block_on(session.open(text)) {
        Ok(rows) => Ok((session, rows)),
        Err(error @ QueryError::Plan(_)) => {
            let is_about_a_table = error.is_about_a_table();
            let error = anyhow::Error::new(error);
            Err(match published::missing_table(&session, catalog, text) {
                Some(help) if is_about_a_table => error.context(UsersError(help)),
                _ => error,
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Whose tables are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The lake: a folder or URL.
    pub lake: String,
    /// An earlier run, as `--run` names it; what is published without.
    pub run: Option<String>,
    /// Memory of a query in MiB, 64 to 2^24.
    pub memory_mib: usize,
}

/// A query that is running. An earlier run stays in the lake meanwhile.
#[derive(Debug)]
pub struct Running {
    schema: SchemaRef,
    rows: Rows,
    lease: Option<HeldLease>,
    /// It lives as long as its query.
    _session: Session,
}

/// Starts a query.
///
/// # Errors
///
/// As of `rebound sql`.
pub fn query(runtime: &Runtime, source: &Source, text: &str) -> anyhow::Result<Running> {
    if text.trim().is_empty() {
        return Err(UsersError("the query is empty".to_owned()).into());
    }
    if !(64..=1 << 24).contains(&source.memory_mib) {
        let why = format!("memory_mib is {}: expected 64 to {}", source.memory_mib, 1 << 24);
        return Err(UsersError(why).into());
    }
    let lake = open(&source.lake)?;
    let (read, lease) = begin(runtime, &lake, source.run.as_deref())?;
    let memory = Memory { mib: source.memory_mib, setting: "a query (`memory_mib`)" };
    match start(runtime, &lake, &read, memory, text) {
        Ok((session, rows)) => {
            let schema = nullable(&rows.schema);
            Ok(Running { schema, rows, lease, _session: session })
        }
        Err(error) => {
            kept::release(runtime, lease);
            Err(error)
        }
    }
}

/// The same columns. Each may have nulls, since what was planned need not be what comes.
fn nullable(schema: &Schema) -> SchemaRef {
    let columns = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(columns.collect::<Vec<Field>>()))
}

impl Running {
    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`QueryError::Run`] if the query breaks.
    pub async fn next(&mut self) -> anyhow::Result<Option<RecordBatch>> {
        let Some(rows) = self.rows.next().await? else { return Ok(None) };
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let columns = rows.columns().to_vec();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .context("the query gives rows of other columns than it was planned for")
    }

    /// Lets go of what was read.
    pub async fn end(self) {
        if let Some(lease) = self.lease
            && let Err(error) = lease.release().await
        {
            tracing::warn!(%error, "the lease on the tables expires by itself");
        }
    }
}

/// How a file is read.
#[derive(Debug, Parser)]
#[command(name = "read", no_binary_name = true)]
struct FileArgs {
    #[command(flatten)]
    options: ReadOptions,
}

/// A table from elsewhere, in the types that it would have in SQL. `arguments` are those of
/// [`ReadOptions`], as on the command line.
///
/// # Errors
///
/// What is wrong with the arguments or in the file.
pub fn file(path: &Path, arguments: &[String]) -> anyhow::Result<(SchemaRef, RecordBatch)> {
    let asked = FileArgs::try_parse_from(arguments).map_err(|error| refused(&error))?;
    let read = user_tables::read(path, &asked.options, &Uses::default());
    read.map_err(|error| UsersError(error.to_string()).into())
}

/// All entries of a raw file as a layout reads them, and what it rejects. No lake is made.
///
/// # Errors
///
/// What is wrong with the layout, or why the file cannot be read by it.
pub fn entries(path: &Path, layout: &Path) -> anyhow::Result<Entries> {
    Ok(Entries::read(path, layout)?)
}

/// Arguments that clap does not take, in its words, without what is for a command line alone.
pub fn refused(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let ends = ["\n\nUsage:", "\n\nFor more information"];
    let end = ends.iter().filter_map(|mark| text.find(*mark)).min().unwrap_or(text.len());
    let said = &text[..end];
    UsersError(said.strip_prefix("error: ").unwrap_or(said).trim_end().to_owned()).into()
}
