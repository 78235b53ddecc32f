//! The native part of the Python package `rebound_trade`: tables go in and out by Arrow's C
//! interface, options as the command line has them.
//!
//! A function of a file is added to the module on a line of its own. What users call is in
//! `python/rebound_trade`.

mod call;
mod command;
mod errors;
mod estimate;
mod files;
mod frames;
mod labels;
mod lake;
mod logs;
mod plots;
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
    // errors.rs
    m.add_function(wrap_pyfunction!(errors::keywords, m)?)?;
    // estimate.rs
    m.add_class::<estimate::Estimate>()?;
    m.add_function(wrap_pyfunction!(estimate::estimate, m)?)?;
    m.add_function(wrap_pyfunction!(estimate::estimate_coefficients, m)?)?;
    m.add_function(wrap_pyfunction!(estimate::estimate_fits, m)?)?;
    m.add_function(wrap_pyfunction!(estimate::estimate_table, m)?)?;
    m.add_function(wrap_pyfunction!(estimate::estimate_cells, m)?)?;
    // files.rs
    m.add_function(wrap_pyfunction!(files::read_file, m)?)?;
    m.add_function(wrap_pyfunction!(files::read_entries, m)?)?;
    m.add_function(wrap_pyfunction!(files::init, m)?)?;
    // lake.rs
    m.add_class::<lake::Query>()?;
    m.add_function(wrap_pyfunction!(lake::lake_query, m)?)?;
    m.add_function(wrap_pyfunction!(lake::printed, m)?)?;
    m.add_function(wrap_pyfunction!(lake::in_both_forms, m)?)?;
    // plots.rs
    m.add_function(wrap_pyfunction!(plots::plot_map, m)?)?;
    m.add_function(wrap_pyfunction!(plots::plot_quadrants, m)?)?;
    m.add_function(wrap_pyfunction!(plots::plot_space, m)?)?;
    m.add_function(wrap_pyfunction!(plots::plot_paths, m)?)?;
    m.add_function(wrap_pyfunction!(plots::plot_coefficients, m)?)?;
    m.add_function(wrap_pyfunction!(plots::plot_png, m)?)?;
    // tables.rs
    m.add_function(wrap_pyfunction!(tables::measure, m)?)?;
    m.add_function(wrap_pyfunction!(tables::resilience, m)?)?;
    m.add_function(wrap_pyfunction!(tables::convert, m)?)?;
    m.add_function(wrap_pyfunction!(tables::options, m)?)?;
    Ok(())
}
