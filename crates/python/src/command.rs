//! The command `rebound`, as Python starts it.

use pyo3::prelude::*;
use std::ffi::OsString;
use std::io::Write;

/// Runs the command line `argv`, whose first word is the program's name; gives the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = rebound::cli::main_of(argv, None);
        // Nothing does so at the end of a program that is not ours.
        let _ = std::io::stdout().flush();
        code
    })
}
