//! The command `rebound`, as Python starts it.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line `argv`, whose first word is the program's name; gives the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| rebound::cli::main_of(argv, None))
}
