//! What is published in a lake, for the commands that read it.

use crate::estimation::Estimated;
use crate::graph::hint;
use crate::stages;
use lake::{Catalog, Lake, LakeError, TableVersion};
use query::{QueryError, Session, SessionParams};
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
        hint: hint(table, catalog.tables.keys().map(String::as_str)),
        table: table.to_owned(),
    })
}

/// A session of `threads` partitions, without tables. With one, the order of rows and the last digits of sums do not
/// depend on the number of cores.
///
/// # Errors
///
/// [`QueryError::Start`].
pub fn session(lake: &Lake, threads: usize) -> Result<Session, QueryError> {
    Session::new(lake, SessionParams { threads, memory: 4 << 30 })
}

/// The published results of models, with their titles, in the order of the models; `None` if there is no such table.
///
/// # Errors
///
/// [`LakeError`] if they cannot be read.
pub fn results(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Option<Vec<(String, Estimated)>>, LakeError> {
    let tables = &catalog.tables;
    let found = tables.get("model.coefficients").zip(tables.get("model.fit"));
    let Some((coefficients, fit)) = found else { return Ok(None) };
    let coefficients = runtime.block_on(lake.read(coefficients, &[]))?;
    let fits = runtime.block_on(lake.read(fit, &[]))?;
    Ok(Some(stages::models::results(&coefficients, &fits)))
}
