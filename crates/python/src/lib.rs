//! The native part of the Python package `rebound_trade`: tables go in and out by Arrow's C
//! interface, options as the command line has them.
//!
//! A function of a file is added to the module on a line of its own. What users call is in
//! `python/rebound_trade`.

mod call;
mod command;
mod errors;
mod frames;
mod labels;
mod logs;
mod tables;

use mimalloc::MiMalloc;
use pyo3::prelude::*;

// As the program has it: many threads make and free large columns. What Python itself allocates stays
// with its own allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The module `rebound_trade._rebound`.
#[pymodule]
fn _rebound(m: &Bound<'_, PyModule>) -> PyResult<()> {
    // command.rs
    m.add_function(wrap_pyfunction!(command::main, m)?)?;
    // tables.rs
    m.add_function(wrap_pyfunction!(tables::measure, m)?)?;
    m.add_function(wrap_pyfunction!(tables::resilience, m)?)?;
    m.add_function(wrap_pyfunction!(tables::convert, m)?)?;
    m.add_function(wrap_pyfunction!(tables::options, m)?)?;
    Ok(())
}
