//! Regressions, what came of them as columns, and tables of them.

use crate::call::call;
use crate::errors;
use crate::frames::{Rows, table};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use clap::{Parser, ValueEnum};
use lake::{Catalog, Lake};
use project::config::count;
use project::model_spec::Heading;
use project::suggest::suggest;
use pyo3::prelude::*;
use query::Memory;
use rebound::cli::reading::refused;
use rebound::estimate_command::{self, EstimateArgs, EstimateCommandError, Frame, Shown};
use report::output::{CsvArgs, text_width};
use report::regression_table::{self, Shape, TableFormat};
use stages::regression::{Coefficient, Confidence, Estimated, Summary};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What `rebound estimate` is asked for.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Asked {
    #[command(flatten)]
    args: EstimateArgs,
    /// The lake: a folder or URL.
    #[arg(long, env = "REBOUND_LAKE", default_value = "lake")]
    lake: String,
    /// Memory of a query in MiB.
    #[arg(long, env = "REBOUND_MEMORY_MIB", default_value_t = 4096, value_parser = count(64..=1 << 24))]
    memory_mib: usize,
}

/// A regression that was estimated, or the reason why it was not.
#[pyclass(frozen, module = "rebound_trade._rebound")]
#[derive(Debug)]
pub(crate) struct Estimate {
    heading: Heading,
    result: Estimated,
}

#[pymethods]
impl Estimate {
    /// The formula, or the title of the model's file.
    #[getter]
    fn formula(&self) -> &str {
        &self.heading.title
    }

    #[getter]
    fn outcome(&self) -> &str {
        &self.result.outcome
    }

    /// What tells the regression from others of its formula.
    #[getter]
    fn specification(&self) -> &str {
        &self.result.specification
    }

    /// Rows that were used.
    #[getter]
    fn nobs(&self) -> usize {
        self.result.summary.n_used
    }

    /// The level of confidence of its intervals.
    #[getter]
    fn level(&self) -> f64 {
        self.result.summary.confidence.level()
    }

    /// Why there are no estimates.
    #[getter]
    fn failure(&self) -> Option<&str> {
        self.result.summary.failure.as_deref()
    }

    /// What a reader must know besides the numbers.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        regression_table::warnings(&self.result)
    }
}

/// A lake that is there, and what is published in it.
fn open(runtime: &Runtime, lake: &str) -> anyhow::Result<(Lake, Catalog)> {
    if !lake.contains("://") && !Path::new(lake).is_dir() {
        let why = format!(
            "no lake in `{lake}`: name its folder by `lake`, or make one with `rebound run`"
        );
        return Err(EstimateCommandError::Request(why).into());
    }
    let lake = Lake::open(lake)?;
    let catalog = runtime.block_on(lake.catalog())?.ok_or_else(|| {
        let why = format!("nothing is published in `{}` yet: `rebound run` publishes", lake.url());
        EstimateCommandError::Request(why)
    })?;
    Ok((lake, catalog))
}

/// Estimates on rows in memory, a file or a lake, or reads the published models of some names.
/// `arguments` are those of `rebound estimate`.
#[pyfunction]
#[pyo3(signature = (arguments, frame=None, names=Vec::new(), focus=Vec::new()))]
pub(crate) fn estimate(
    py: Python<'_>,
    arguments: Vec<String>,
    frame: Option<Rows>,
    names: Vec<String>,
    focus: Vec<String>,
) -> PyResult<Vec<Estimate>> {
    let asked = Asked::try_parse_from(arguments);
    let mut asked = asked.map_err(|error| errors::raised(py, &refused(&error)))?;
    asked.args.name = names;
    asked.args.focus.clone_from(&focus);
    let frame = frame.map(|Rows { schema, batches }| Frame { schema, batches });
    let shown = call(py, move |runtime| {
        let Asked { args, lake, memory_mib } = &asked;
        let memory = Memory { mib: *memory_mib, setting: "a query (`memory_mib`)" };
        estimate_command::results(runtime, args, frame, memory, || open(runtime, lake))
    })?;
    let mut found = Vec::new();
    for Shown { mut heading, results } in shown {
        if !focus.is_empty() {
            heading.focus.clone_from(&focus);
        }
        let of_heading = |result| Estimate { heading: heading.clone(), result };
        found.extend(results.into_iter().map(of_heading));
    }
    Ok(found)
}

/// A column of a table, with its name.
type Column = (&'static str, ArrayRef);

fn texts<'t>(values: impl Iterator<Item = &'t str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn counts(values: impl Iterator<Item = Option<usize>>) -> ArrayRef {
    let whole = values.map(|n| n.map(|n| i64::try_from(n).unwrap_or(i64::MAX)));
    Arc::new(whole.collect::<Int64Array>())
}

fn to_python(py: Python<'_>, columns: Vec<Column>) -> PyResult<Py<PyAny>> {
    let field = |(name, values): &Column| Field::new(*name, values.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, values)| values).collect();
    let rows = RecordBatch::try_new(Arc::clone(&schema), arrays);
    let rows = rows.map_err(|error| errors::own(error.to_string()))?;
    table(py, schema, vec![rows])
}

/// A regression with intervals of a level, or as it is.
fn at_level(model: &Estimate, level: Option<f64>) -> PyResult<Estimated> {
    let mut result = model.result.clone();
    if let Some(level) = level {
        let confidence = Confidence::new(level).ok_or_else(|| {
            errors::input(format!("`level` is {level}: expected between 0 and 1, as 0.95"))
        })?;
        result.set_confidence(confidence);
    }
    Ok(result)
}

/// The coefficients of regressions: a row each, also of those that are left out, whose numbers are
/// null. p of a wild bootstrap is a column where there was one. Intervals are of a level of
/// confidence, or of their regression's own.
#[pyfunction]
#[pyo3(signature = (models, level=None))]
pub(crate) fn estimate_coefficients(
    py: Python<'_>,
    models: Vec<Py<Estimate>>,
    level: Option<f64>,
) -> PyResult<Py<PyAny>> {
    let models = models.iter().map(|model| at_level(model.get(), level));
    let models: Vec<Estimated> = models.collect::<PyResult<_>>()?;
    let rows: Vec<(&Estimated, &Coefficient)> = models
        .iter()
        .flat_map(|result| result.coefficients.iter().map(move |c| (result, c)))
        .collect();
    let number = |of: fn(&Coefficient) -> Option<f64>| numbers(rows.iter().map(|(_, c)| of(c)));
    let mut columns: Vec<Column> = vec![
        ("outcome", texts(rows.iter().map(|(result, _)| result.outcome.as_str()))),
        ("specification", texts(rows.iter().map(|(result, _)| result.specification.as_str()))),
        ("term", texts(rows.iter().map(|(_, c)| c.term.as_str()))),
        ("estimate", number(|c| c.estimate)),
        ("std_error", number(|c| c.se)),
        ("statistic", number(|c| c.t)),
        ("p_value", number(|c| c.p)),
        ("conf_low", number(|c| c.interval.map(|of| of.low))),
        ("conf_high", number(|c| c.interval.map(|of| of.high))),
    ];
    if rows.iter().any(|(_, c)| c.wild_p.is_some()) {
        columns.push(("wild_p_value", number(|c| c.wild_p)));
    }
    to_python(py, columns)
}

/// How regressions went: a row each.
#[pyfunction]
pub(crate) fn estimate_fits(py: Python<'_>, models: Vec<Py<Estimate>>) -> PyResult<Py<PyAny>> {
    let models: Vec<&Estimate> = models.iter().map(Py::get).collect();
    let text = |of: fn(&Estimate) -> &str| texts(models.iter().map(|model| of(model)));
    let each = || models.iter().map(|model| &model.result.summary);
    let number = |of: fn(&Summary) -> Option<f64>| numbers(each().map(of));
    let n = |of: fn(&Summary) -> Option<usize>| counts(each().map(of));
    let failure: StringArray = each().map(|of| of.failure.as_deref()).collect();
    let columns = vec![
        ("outcome", text(|of| &of.result.outcome)),
        ("specification", text(|of| &of.result.specification)),
        ("formula", text(|of| &of.heading.title)),
        ("estimator", text(|of| &of.result.summary.estimator)),
        ("inference", text(|of| &of.result.summary.inference)),
        ("effects", text(|of| &of.result.summary.effects)),
        ("weights", text(|of| &of.result.summary.weights)),
        ("n", n(|of| Some(of.n_used))),
        ("n_missing", n(|of| Some(of.n_missing))),
        ("n_zero_weights", n(|of| Some(of.n_zero_weights))),
        ("n_singletons", n(|of| Some(of.n_singletons))),
        ("n_separated", n(|of| Some(of.n_separated))),
        ("clusters", text(|of| &of.result.summary.clusters)),
        ("levels", text(|of| &of.result.summary.levels)),
        ("r2", number(|of| of.r2)),
        ("r2_within", number(|of| of.r2_within)),
        ("rmse", number(|of| of.rmse)),
        ("f", number(|of| of.wald.map(|wald| wald.f))),
        ("f_p_value", number(|of| of.wald.map(|wald| wald.p))),
        ("first_stage_f", number(|of| of.first_stage_f)),
        ("deviance", number(|of| of.deviance)),
        ("df_k", n(|of| of.df_k)),
        ("df_t", n(|of| of.df_t)),
        ("n_iterations", n(|of| Some(of.n_iterations))),
        ("condition", text(|of| &of.result.summary.condition)),
        ("notes", text(|of| &of.result.summary.notes)),
        ("failure", Arc::new(failure) as ArrayRef),
    ];
    to_python(py, columns)
}

/// How a table of regressions is laid out, by the keys of a dictionary.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Layout {
    /// A column a regression, or a row.
    shape: Option<String>,
    title: Option<String>,
    /// Coefficients of interest.
    focus: Vec<String>,
    /// What columns of the data are called.
    labels: BTreeMap<String, String>,
    /// The level of confidence of intervals; `None`: of each regression its own.
    level: Option<f64>,
    /// Columns of text; `None`: as many as the terminal has.
    width: Option<usize>,
    /// Whether texts of CSV that a spreadsheet would run are put in quotes.
    csv_safe: bool,
}

/// What a table of regressions is made of.
struct Prepared {
    heading: Heading,
    results: Vec<Estimated>,
    shape: Shape,
}

fn chosen<T: ValueEnum>(what: &str, text: &str) -> PyResult<T> {
    T::from_str(text, false).map_err(|_| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
        errors::input(format!("{what} {text:?}: expected {}", known.join(", ")))
    })
}

impl Prepared {
    fn new(models: &[Py<Estimate>], layout: &Layout) -> PyResult<Self> {
        let models: Vec<&Estimate> = models.iter().map(Py::get).collect();
        let Some(first) = models.first() else {
            return Err(errors::input("there is no regression to show"));
        };
        let is_one = models.iter().all(|model| model.heading == first.heading);
        let mut heading = if is_one {
            first.heading.clone()
        } else {
            Heading { title: "Regressions".to_owned(), ..Heading::default() }
        };
        if let Some(title) = &layout.title {
            heading.title.clone_from(title);
        }
        let renamed = |model: &&Estimate| {
            let result = at_level(model, layout.level)?;
            Ok(regression_table::renamed(&result, &layout.labels))
        };
        let results: Vec<Estimated> = models.iter().map(renamed).collect::<PyResult<_>>()?;
        // Coefficients are known by the names of the data and by those of the table.
        let terms: Vec<(&str, &str)> = models
            .iter()
            .zip(&results)
            .flat_map(|(model, result)| model.result.terms().zip(result.terms()))
            .collect();
        let shown = |asked: &String| {
            terms.iter().find(|(old, new)| old == asked || new == asked).map(|(_, new)| *new)
        };
        if let Some(absent) = layout.focus.iter().find(|asked| shown(asked).is_none()) {
            let hint = suggest(absent, terms.iter().map(|(old, _)| *old));
            let why = format!("no regression has the coefficient `{absent}`{hint}");
            return Err(errors::input(why));
        }
        let focus = if layout.focus.is_empty() { &heading.focus } else { &layout.focus };
        heading.focus = focus.iter().filter_map(shown).map(str::to_owned).collect();
        let shape = match &layout.shape {
            Some(shape) => chosen("shape", shape)?,
            None => Shape::of(&heading),
        };
        Ok(Self { heading, results, shape })
    }

    fn results(&self) -> Vec<&Estimated> {
        self.results.iter().collect()
    }
}

/// A table of regressions as text, in one of the forms of `rebound estimate`.
#[pyfunction]
pub(crate) fn estimate_table(
    models: Vec<Py<Estimate>>,
    form: &str,
    layout: Layout,
) -> PyResult<String> {
    let format: TableFormat = chosen("type", form)?;
    let prepared = Prepared::new(&models, &layout)?;
    let Prepared { heading, shape, .. } = &prepared;
    let csv = CsvArgs { csv_safe: layout.csv_safe };
    let width = layout.width.unwrap_or_else(text_width);
    let results = prepared.results();
    regression_table::render(format, csv, *shape, heading, &results, width)
        .map_err(|error| errors::own(error.to_string()))
}

/// Title, number of columns of labels, headings, groups of rows, and notes.
type Cells = (String, usize, Vec<Vec<String>>, Vec<Vec<Vec<String>>>, Vec<String>);

/// What stands in a table of regressions, cell by cell.
#[pyfunction]
pub(crate) fn estimate_cells(models: Vec<Py<Estimate>>, layout: Layout) -> PyResult<Cells> {
    let prepared = Prepared::new(&models, &layout)?;
    let cells = regression_table::cells(prepared.shape, &prepared.heading, &prepared.results());
    Ok((cells.title, cells.n_labels, cells.header, cells.groups, cells.notes))
}
