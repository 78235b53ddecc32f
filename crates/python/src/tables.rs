//! Functions of one table: `measure`, `resilience` and `convert`.

use crate::call::{call, call_on};
use crate::frames::{self, Rows};
use crate::labels;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};
use clap::{CommandFactory, Parser};
use pyo3::prelude::*;
use rebound::Frame;
use rebound::cli::reading::refused;
use rebound::convert::ConvertArgs;
use rebound::measure::MeasureArgs;
use rebound::resilience::ResilienceArgs;
use report::stata::PERIOD;

/// The options of `measure`.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Measure {
    #[command(flatten)]
    args: MeasureArgs,
}

/// The options of `resilience`.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Resilience {
    #[command(flatten)]
    args: ResilienceArgs,
}

/// The options of `convert`.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Convert {
    #[command(flatten)]
    args: ConvertArgs,
}

/// Columns and rows.
type Made = (SchemaRef, Vec<RecordBatch>);

/// What the words say; otherwise what is wrong with them, without what a command line would show.
fn parsed<P: Parser>(words: Vec<String>) -> anyhow::Result<P> {
    P::try_parse_from(words).map_err(|error| refused(&error))
}

fn frame(rows: Rows) -> Frame {
    Frame { schema: rows.schema, batches: rows.batches }
}

/// Measures of a table: of the file that the arguments name, or of a frame.
#[pyfunction]
#[pyo3(signature = (arguments, rows=None, threads=0))]
pub(crate) fn measure(
    py: Python<'_>,
    arguments: Vec<String>,
    rows: Option<Rows>,
    threads: usize,
) -> PyResult<Py<PyAny>> {
    let (schema, batches) = call_on(py, threads, move |runtime| {
        let mut args = parsed::<Measure>(arguments)?.args;
        let came = rows.as_ref().map(|rows| rows.schema.clone());
        if let Some(rows) = rows {
            args.take_rows(frame(rows));
        }
        let measured = rebound::measure::measure(&args, runtime.handle())?;
        let made: Made = (measured.schema.clone(), measured.collect::<Result<_, _>>()?);
        let Some(came) = came else { return Ok(made) };
        let source = |field: &Field| {
            let name = field.name().as_str();
            let is_label = matches!(field.data_type(), DataType::Dictionary(..));
            let of_pair = name.strip_suffix("_a").or_else(|| name.strip_suffix("_b"));
            let is_there = |name: &str| came.fields().iter().any(|of| of.name().trim() == name);
            let source = if is_there(name) { name } else { of_pair.unwrap_or(name) };
            is_label.then(|| source.to_owned())
        };
        Ok(labels::as_they_came(&came, made, source)?)
    })?;
    frames::table(py, schema, batches)
}

/// The tables of a table's resilience by name, or the one that the arguments ask for.
#[pyfunction]
#[pyo3(signature = (arguments, rows=None, episodes=None, threads=0))]
pub(crate) fn resilience(
    py: Python<'_>,
    arguments: Vec<String>,
    rows: Option<Rows>,
    episodes: Option<Rows>,
    threads: usize,
) -> PyResult<Vec<(String, Py<PyAny>)>> {
    let tables = call_on(py, threads, move |runtime| {
        let mut args = parsed::<Resilience>(arguments)?.args;
        let came = rows.as_ref().map(|rows| rows.schema.clone());
        if let Some(rows) = rows {
            args.take_rows(frame(rows));
        }
        if let Some(episodes) = episodes {
            args.take_dates(frame(episodes));
        }
        let found = rebound::resilience::resilience(&args, runtime.handle())?;
        let tables = match &args.rows {
            Some(name) => vec![found.table(name)?],
            None => found.tables.clone(),
        };
        let (region, product) = (&found.region, &found.product);
        let source = |field: &Field| match field.name().as_str() {
            "region_code" | "region_a" | "region_b" => Some(region.clone()),
            "product" => product.clone(),
            _ if field.metadata().contains_key(PERIOD) => found.period.clone(),
            _ => None,
        };
        let mut given = Vec::new();
        for table in tables {
            let name = table.contract.table.rsplit('.').next().unwrap_or_default().to_owned();
            let made: Made = (table.schema, table.rows);
            given.push(match &came {
                Some(came) => (name, labels::as_they_came(came, made, source)?),
                None => (name, made),
            });
        }
        Ok(given)
    })?;
    let table = |(name, (schema, batches)): (String, Made)| -> PyResult<_> {
        Ok((name, frames::table(py, schema, batches)?))
    };
    tables.into_iter().map(table).collect()
}

/// A table of one revision of the Harmonized System in another, the kinds of matches of its codes,
/// and the codes without one.
#[pyfunction]
#[pyo3(signature = (arguments, rows=None, weights=None))]
pub(crate) fn convert(
    py: Python<'_>,
    arguments: Vec<String>,
    rows: Option<Rows>,
    weights: Option<Rows>,
) -> PyResult<(Py<PyAny>, Py<PyAny>, Py<PyAny>)> {
    let (made, matches, unmatched) = call(py, move |_| {
        let args = parsed::<Convert>(arguments)?.args;
        let came = rows.as_ref().map(|rows| rows.schema.clone());
        let found = rebound::convert::convert(&args, rows.map(frame), weights.map(frame))?;
        let source = |field: &Field| {
            let name = field.name();
            (*name == found.product).then(|| name.trim().to_owned())
        };
        let made: Made = match &came {
            Some(came) => labels::as_they_came(came, found.rows, source)?,
            None => found.rows,
        };
        Ok((made, found.matches, found.unmatched))
    })?;
    let table = |(schema, batches): Made| frames::table(py, schema, batches);
    Ok((table(made)?, table(matches)?, table(unmatched)?))
}

/// The long names of the options of a function.
///
/// # Errors
///
/// If there is no such function.
#[pyfunction]
pub(crate) fn options(function: &str) -> PyResult<Vec<String>> {
    let command = match function {
        "measure" => Measure::command(),
        "resilience" => Resilience::command(),
        "convert" => Convert::command(),
        other => {
            let text = format!("no function `{other}`: expected measure, resilience or convert");
            return Err(pyo3::exceptions::PyValueError::new_err(text));
        }
    };
    Ok(command.get_arguments().filter_map(|of| of.get_long().map(str::to_owned)).collect())
}
