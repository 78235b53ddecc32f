//! Tables that go in and out by Arrow's C interface.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;
use pyo3_arrow::input::AnyRecordBatch;

/// The rows of a frame, without a copy where its library has them as Arrow does.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// The columns.
    pub(crate) schema: SchemaRef,
    /// The rows, in order.
    pub(crate) batches: Vec<RecordBatch>,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Rows {
    type Error = PyErr;

    fn extract(frame: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let has = |name| frame.hasattr(name);
        if !has("__arrow_c_stream__")? && !has("__arrow_c_array__")? {
            let kind = frame.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "expected a table that speaks Arrow's C interface, as those of pandas, Polars, pyarrow and DuckDB do; \
                 found `{kind}`"
            )));
        }
        let table = frame.extract::<AnyRecordBatch>()?.into_table()?;
        let (batches, schema) = table.into_inner();
        Ok(Self { schema, batches })
    }
}

/// A table for Python: an object with `__arrow_c_stream__`.
///
/// # Errors
///
/// If a batch has other columns than the schema.
pub(crate) fn table(
    py: Python<'_>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, PyTable::try_new(batches, schema)?)?.into_any())
}
