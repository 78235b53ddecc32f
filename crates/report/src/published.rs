//! What is published in a lake, for the commands that read it.

use lake::meta;
use lake::{Catalog, Lake, LakeError, TableVersion};
use project::model_spec::Heading;
use project::suggest::suggest;
use query::{Memory, QueryError, Session, SessionParams};
use stages;
use stages::regression::Estimated;
use tokio::runtime::Runtime;

/// A table that is not published.
#[derive(Debug, thiserror::Error)]
#[error("the table `{table}` is not published{hint}: `rebound tables` lists those that are")]
pub struct NotPublished {
    table: String,
    hint: String,
}

/// The published version of a table.
///
/// # Errors
///
/// [`NotPublished`], with the closest name.
pub fn version<'c>(catalog: &'c Catalog, table: &str) -> Result<&'c TableVersion, NotPublished> {
    catalog.tables.get(table).ok_or_else(|| NotPublished {
        hint: suggest(table, catalog.tables.keys().map(String::as_str)),
        table: table.to_owned(),
    })
}

/// A session of `threads` partitions, without tables. With one, the order of rows and the last digits of sums do not
/// depend on the number of cores.
///
/// # Errors
///
/// [`QueryError::Start`].
pub fn session(lake: &Lake, threads: usize, memory: Memory) -> Result<Session, QueryError> {
    Session::new(lake, SessionParams { threads, memory })
}

/// A session over all published tables, of a partition for each core.
///
/// # Errors
///
/// [`QueryError`] if it cannot be made, or a table not be opened.
pub fn open(lake: &Lake, catalog: &Catalog, memory: Memory) -> Result<Session, QueryError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let session = session(lake, threads, memory)?;
    for version in catalog.tables.values() {
        session.register(version)?;
    }
    Ok(session)
}

/// Looks whether the files of the tables that `text` reads are there: one that is gone must not read as no rows.
///
/// # Errors
///
/// [`LakeError`], naming the file.
pub fn verify(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
    session: &Session,
    text: &str,
) -> Result<(), LakeError> {
    // What is no query is told when it is run.
    for table in session.tables_read(text).unwrap_or_default() {
        if let Some(version) = catalog.tables.get(&table) {
            runtime.block_on(lake.verify(version))?;
        }
    }
    Ok(())
}

/// Makes the tables of the schema `meta` that `text` reads known to `session`, as the lake is now. Gives the files among the
/// records of runs that are none.
///
/// # Errors
///
/// [`QueryError`] if the records cannot be read, or the session does not take what they say.
pub fn register_meta(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
    session: &Session,
    text: &str,
) -> Result<Vec<LakeError>, QueryError> {
    // Other texts are not parsed for it.
    if !text.to_ascii_lowercase().contains(meta::SCHEMA) {
        return Ok(Vec::new());
    }
    // What is no query is told when it is run.
    let mut read = session.tables_read(text).unwrap_or_default();
    read.retain(|table| meta::contract(table).is_some());
    if read.is_empty() {
        return Ok(Vec::new());
    }
    let runs = runtime.block_on(lake.runs());
    let runs = runs.map_err(|error| QueryError::Lake(error.to_string()))?;
    runtime.block_on(session.register_meta(&runs, catalog, &read))?;
    Ok(runs.left_out)
}

/// What to tell of a query that reads a table which is not published, with the closest name.
pub fn missing_table(session: &Session, catalog: &Catalog, sql: &str) -> Option<String> {
    let read = session.tables_read(sql).ok()?;
    let missing = read.iter().find(|table| {
        !catalog.tables.contains_key(*table)
            && !table.starts_with("information_schema.")
            && meta::contract(table).is_none()
    })?;
    let known = meta::contracts().iter().map(|contract| contract.table);
    let hint = suggest(missing, catalog.tables.keys().map(String::as_str).chain(known));
    Some(format!(
        "no table `{missing}` is published{hint}; `rebound tables` (in the shell `\\d`) lists them"
    ))
}

/// The published results of models, with what is said of these, in their order; `None` if there is no such table.
///
/// # Errors
///
/// [`LakeError`] if they cannot be read.
pub fn results(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Option<Vec<(Heading, Estimated)>>, LakeError> {
    let tables = &catalog.tables;
    let found = tables.get("model.coefficients").zip(tables.get("model.fit"));
    let Some((coefficients, fit)) = found else { return Ok(None) };
    let coefficients = runtime.block_on(lake.read(coefficients, &[]))?;
    let fits = runtime.block_on(lake.read(fit, &[]))?;
    Ok(Some(stages::models::results(&coefficients, &fits)))
}
