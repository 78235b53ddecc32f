//! Files of users: tables in any form, raw files by a layout, and pipelines that are made for them.

use crate::call::call;
use crate::frames::table;
use pyo3::prelude::*;
use rebound::cli;
use rebound::cli::reading;
use std::path::PathBuf;

/// A table from a file, in the types that it would have in SQL. `arguments` are options of reading,
/// as on the command line.
#[pyfunction]
pub(crate) fn read_file(
    py: Python<'_>,
    path: PathBuf,
    arguments: Vec<String>,
) -> PyResult<Py<PyAny>> {
    let (schema, rows) = call(py, move |_| reading::file(&path, &arguments))?;
    table(py, schema, vec![rows])
}

/// All entries of a raw file as a layout reads them, and what it rejects.
#[pyfunction]
pub(crate) fn read_entries(
    py: Python<'_>,
    path: PathBuf,
    layout: PathBuf,
) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let found = call(py, move |_| reading::entries(&path, &layout))?;
    let rejects = table(py, found.reject_schema, found.rejects)?;
    Ok((table(py, found.schema, found.rows)?, rejects))
}

/// What `init` writes, and what it says.
#[pyfunction]
pub(crate) fn init(py: Python<'_>, arguments: Vec<String>) -> PyResult<(Vec<PathBuf>, String)> {
    call(py, move |runtime| cli::initialised(runtime, &arguments))
}
