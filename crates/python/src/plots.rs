//! Figures of frames, by `report::figures`.

use crate::call::call;
use crate::frames::{Rows, table};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use report::ReportError;
use report::figures::error::FigureError;
use report::figures::{self, Drawn, Frame};
use sources::boundaries::Features;
use std::path::{Path, PathBuf};

/// A figure: the drawing as SVG, what is to be warned of, and the rows that are drawn.
type Figure = (String, Vec<String>, Py<PyAny>);

/// What messages call boundaries that are no file.
const GIVEN: &str = "boundaries";

/// Draws without the lock of the interpreter.
fn drawn(
    py: Python<'_>,
    draw: impl FnOnce() -> Result<Drawn, FigureError> + Send + 'static,
) -> PyResult<Figure> {
    let Drawn { svg, warnings, rows } =
        call(py, move |_| draw().map_err(|error| ReportError::from(error).into()))?;
    Ok((svg, warnings, table(py, rows.schema(), vec![rows])?))
}

fn frame(rows: &Rows) -> Result<Frame, FigureError> {
    Frame::new(&rows.schema, &rows.batches)
}

/// A map of `frame` on the boundaries of a file (`path`) or of a text of GeoJSON. `options` is the
/// JSON of `report::figures::MapOptions`.
#[pyfunction]
#[pyo3(signature = (frame, path, geojson, options))]
pub(crate) fn plot_map(
    py: Python<'_>,
    frame: Rows,
    path: Option<PathBuf>,
    geojson: Option<String>,
    options: String,
) -> PyResult<Figure> {
    drawn(py, move || {
        let features = match path {
            Some(path) => Features::read(&path)?,
            None => Features::parse(&geojson.unwrap_or_default(), Path::new(GIVEN))?,
        };
        figures::map(&self::frame(&frame)?, features, &figures::options(&options)?)
    })
}

/// Quadrants of two columns of `frame`. `options` is the JSON of
/// `report::figures::QuadrantOptions`.
#[pyfunction]
#[pyo3(signature = (frame, options))]
pub(crate) fn plot_quadrants(py: Python<'_>, frame: Rows, options: String) -> PyResult<Figure> {
    drawn(py, move || figures::quadrants(&self::frame(&frame)?, &figures::options(&options)?))
}

/// The product space of the pairs of `frame`; `second` has what is known of products. `options` is
/// the JSON of `report::figures::SpaceOptions`.
#[pyfunction]
#[pyo3(signature = (frame, second, options))]
pub(crate) fn plot_space(
    py: Python<'_>,
    frame: Rows,
    second: Option<Rows>,
    options: String,
) -> PyResult<Figure> {
    drawn(py, move || {
        let second = second.as_ref().map(self::frame).transpose()?;
        figures::space(&self::frame(&frame)?, second.as_ref(), &figures::options(&options)?)
    })
}

/// Paths of the regions of `frame`. `options` is the JSON of `report::figures::PathOptions`.
#[pyfunction]
#[pyo3(signature = (frame, options))]
pub(crate) fn plot_paths(py: Python<'_>, frame: Rows, options: String) -> PyResult<Figure> {
    drawn(py, move || figures::paths(&self::frame(&frame)?, &figures::options(&options)?))
}

/// Coefficients of `frame`. `options` is the JSON of `report::figures::CoefficientOptions`.
#[pyfunction]
#[pyo3(signature = (frame, options))]
pub(crate) fn plot_coefficients(py: Python<'_>, frame: Rows, options: String) -> PyResult<Figure> {
    drawn(py, move || figures::coefficients(&self::frame(&frame)?, &figures::options(&options)?))
}

/// A drawn figure as PNG, `scale` pixels a unit of the SVG.
#[pyfunction]
#[pyo3(signature = (svg, scale))]
pub(crate) fn plot_png(py: Python<'_>, svg: String, scale: f32) -> PyResult<Py<PyBytes>> {
    let png = call(py, move |_| {
        report::draw::png(&svg, scale).map_err(|error| ReportError::from(error).into())
    })?;
    Ok(PyBytes::new(py, &png).unbind())
}
