//! `rebound estimate`: regressions of a formula or a model file, and the tables of those that are
//! published.

use crate::plausibility;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use clap::Args;
use lake::{Catalog, Lake, LakeError};
use project::formula::quote;
use project::model_spec::{Estimator, FormulaOptions, Heading, Model, ModelError, Spec};
use project::read_options::ReadOptions;
use project::suggest::suggest;
use query::{Memory, QueryError, Session};
use report::destination::{self, DestinationError};
use report::draw::DrawError;
use report::new_file::NewFile;
use report::output::{CsvArgs, OutputError, TEXT_WIDTH, text_width};
use report::published::{self, NotPublished};
use report::regression_table::{self, Shape, TableFormat};
use sources::table_reader::{EXACT_SINGLES, TableReader};
use sources::user_tables::{self, TableError, Uses};
use stages::regression::{Confidence, Estimated, RegressionError, Rows, Runner};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Arguments of `rebound estimate`.
#[derive(Debug, Args)]
pub struct EstimateArgs {
    /// `outcome ~ regressors | effects | endogenous ~ instruments`, as in `resistance_dhs ~ density + log_base_value | region_code + hs2`.
    /// Terms are columns, products a:b, SQL expressions, or i(year, x, ref = 2008); sw(a, b) takes one after the other, csw(a, b) adds them.
    /// Without a formula and --model: the published models.
    pub formula: Option<String>,
    /// A model file.
    #[arg(long, short, conflicts_with = "formula")]
    pub model: Option<PathBuf>,
    /// The table of the formula, in the lake.
    #[arg(long, short, default_value = "panel.region_product")]
    pub table: String,
    /// A file in its place: delimited text, a workbook, Parquet, Arrow, Stata or JSON.
    #[arg(long, short, conflicts_with_all = ["table", "model"])]
    pub data: Option<PathBuf>,
    /// How that file is read.
    #[command(flatten, next_help_heading = "Reading --data (what is not told is seen in it)")]
    pub read: ReadOptions,
    /// Rows: a SQL condition.
    #[arg(
        help_heading = "The regression",
        long = "where",
        short = 'w',
        requires = "formula",
        conflicts_with = "model"
    )]
    pub condition: Option<String>,
    /// A column of weights.
    #[arg(long, requires = "formula", conflicts_with = "model")]
    pub weights: Option<String>,
    /// The estimator.
    #[arg(long, value_enum, default_value = "ols", requires = "formula", conflicts_with = "model")]
    pub estimator: Estimator,
    /// iid, hc1, hc2, hc3, cluster(a + b), crv3(a), `driscoll_kraay(time, lags = n)` or conley(place, latitude, longitude, km = n, kernel =
    /// uniform).
    #[arg(long, short, default_value = "hc1", requires = "formula", conflicts_with = "model")]
    pub inference: String,
    /// Share at each end that outcomes are pulled in to.
    #[arg(long, requires = "formula", conflicts_with = "model")]
    pub winsor: Option<f64>,
    /// Only the published models of this name.
    #[arg(long, short)]
    pub name: Vec<String>,
    /// Form of the table; otherwise what the name of --output says, or text. Text fits `COLUMNS`, else the terminal, else 100 columns, as in a file.
    #[arg(long, value_enum)]
    pub format: Option<TableFormat>,
    /// A column a regression, or a row a regression with the coefficients of interest.
    #[arg(long, value_enum)]
    pub shape: Option<Shape>,
    /// Coefficients of interest (otherwise the model's `focus`).
    #[arg(long)]
    pub focus: Vec<String>,
    /// The level of confidence of intervals, between 0 and 1; 0.95 if it is not said.
    #[arg(long)]
    pub level: Option<Confidence>,
    /// Also draw the coefficients and their intervals, as SVG.
    #[arg(long)]
    pub plot: Option<PathBuf>,
    /// Write to a file instead of standard output.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// Why nothing could be estimated or shown.
#[derive(Debug, thiserror::Error)]
pub enum EstimateCommandError {
    /// A model is at fault.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model cannot be run.
    #[error(transparent)]
    Run(#[from] RegressionError),
    /// A file cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A table is not there.
    #[error(transparent)]
    NotPublished(#[from] NotPublished),
    /// Every regression failed, or what was asked for is not there.
    #[error("{0}")]
    Request(String),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The SQL engine failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A table cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The coefficients cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl EstimateCommandError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Model(_)
            | Self::Run(_)
            | Self::Table(_)
            | Self::Request(_)
            | Self::NotPublished(_)
            | Self::Write { .. } => true,
            Self::Query(error) => error.is_users(),
            Self::Lake(_) | Self::Output(_) | Self::Draw(_) => false,
        }
    }
}

/// A model's results, with what is said of it.
#[derive(Debug)]
pub struct Shown {
    /// What its table is called.
    pub heading: Heading,
    /// One a specification and outcome.
    pub results: Vec<Estimated>,
}

/// Rows in memory, in the place of a file.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Their columns.
    pub schema: SchemaRef,
    /// The rows, all of these columns.
    pub batches: Vec<RecordBatch>,
}

const DATA: &str = "data";

/// Estimates, or reads what is published. `frame` stands in for the file of `--data`.
///
/// # Errors
///
/// [`EstimateCommandError`], also if each regression of a model failed.
pub fn results(
    runtime: &Runtime,
    args: &EstimateArgs,
    frame: Option<Frame>,
    memory: Memory,
    lake: impl FnOnce() -> anyhow::Result<(Lake, Catalog)>,
) -> anyhow::Result<Vec<Shown>> {
    let model = model(args, frame.as_ref())?;
    let shown = match (&model, frame) {
        (Some(model), Some(frame)) => vec![of_frame(runtime, memory, model, frame)?],
        (None, Some(_)) => {
            let why = "nothing says what is estimated on the data: give a formula or a model file";
            return Err(EstimateCommandError::Request(why.to_owned()).into());
        }
        (model, None) => of_source(runtime, args, model.as_ref(), memory, lake)?,
    };
    let shown = at_level(args, shown);
    some_is_estimated(model.as_ref(), &shown)?;
    focus_is_there(args, &shown)?;
    Ok(shown)
}

/// Estimates, or reads what is published, and gives the tables as text.
///
/// # Errors
///
/// [`EstimateCommandError`].
pub fn estimate(
    runtime: &Runtime,
    args: &EstimateArgs,
    memory: Memory,
    lake: impl FnOnce() -> anyhow::Result<(Lake, Catalog)>,
) -> anyhow::Result<String> {
    let format = format(args)?;
    let model = model(args, None)?;
    let shown = at_level(args, of_source(runtime, args, model.as_ref(), memory, lake)?);
    focus_is_there(args, &shown)?;
    let mut out = tables_of(args, format, &shown)?;
    if let Some(path) = &args.plot {
        write(path, &plot(args, &shown)?)?;
    }
    if let Some(path) = &args.output {
        write(path, &out)?;
        out.clear();
    }
    some_is_estimated(model.as_ref(), &shown)?;
    Ok(out)
}

/// The results of a model of a file or of the lake, or those that are published.
fn of_source(
    runtime: &Runtime,
    args: &EstimateArgs,
    model: Option<&Model>,
    memory: Memory,
    lake: impl FnOnce() -> anyhow::Result<(Lake, Catalog)>,
) -> anyhow::Result<Vec<Shown>> {
    Ok(match (model, &args.data) {
        (Some(model), Some(path)) => {
            vec![of_file(runtime, memory, model, path, &args.read)?]
        }
        (Some(model), None) => {
            let (lake, catalog) = lake()?;
            vec![of_lake(runtime, memory, model, &lake, &catalog)?]
        }
        (None, _) => {
            let (lake, catalog) = lake()?;
            published_models(runtime, &lake, &catalog, &args.name)?
        }
    })
}

/// The same with intervals of the level that is asked for, if one is.
fn at_level(args: &EstimateArgs, mut shown: Vec<Shown>) -> Vec<Shown> {
    if let Some(level) = args.level {
        shown.iter_mut().flat_map(|of| &mut of.results).for_each(|of| of.set_confidence(level));
    }
    shown
}

/// Refuses a model all of whose regressions failed. Those that are published are shown all the same.
fn some_is_estimated(asked: Option<&Model>, shown: &[Shown]) -> Result<(), EstimateCommandError> {
    let failures: Vec<String> = shown
        .iter()
        .flat_map(|model| &model.results)
        .filter_map(|r| Some(format!("{}: {}", r.outcome, r.summary.failure.as_ref()?)))
        .collect();
    let n = shown.iter().map(|model| model.results.len()).sum::<usize>();
    if asked.is_some() && failures.len() == n {
        return Err(EstimateCommandError::Request(failures.join("\n")));
    }
    Ok(())
}

/// The form of the tables, if what they are written to is no file that is read.
fn format(args: &EstimateArgs) -> Result<TableFormat, DestinationError> {
    let format = destination::form(args.output.as_deref(), args.format, TableFormat::Text)?;
    if let Some(path) = &args.output {
        destination::is_file_name(path)?;
    }
    for path in [&args.output, &args.plot].into_iter().flatten() {
        let inputs = [&args.data, &args.model].into_iter().flatten();
        destination::is_no_input(path, inputs.map(PathBuf::as_path))?;
    }
    Ok(format)
}

/// The model that is asked for, by a formula or a file; of rows in memory, if there are any.
fn model(
    args: &EstimateArgs,
    frame: Option<&Frame>,
) -> Result<Option<Model>, EstimateCommandError> {
    match (&args.formula, &args.model) {
        (Some(formula), _) => {
            let options = FormulaOptions {
                weights: args.weights.clone(),
                condition: args.condition.clone(),
                estimator: Some(args.estimator),
                inference: Some(args.inference.clone()),
                winsor: args.winsor,
            };
            let is_data = frame.is_some() || args.data.is_some();
            let table = if is_data { DATA } else { args.table.as_str() };
            Ok(Some(Model::of_formula(formula, table, &options)?))
        }
        (None, Some(path)) => {
            let mut model = Model::read(path)?;
            if frame.is_some() {
                model.specs.iter_mut().for_each(|spec| DATA.clone_into(&mut spec.table));
            }
            Ok(Some(model))
        }
        (None, None) => Ok(None),
    }
}

/// A model of the rows of a file.
fn of_file(
    runtime: &Runtime,
    memory: Memory,
    model: &Model,
    path: &Path,
    read: &ReadOptions,
) -> Result<Shown, EstimateCommandError> {
    let nowhere = Lake::open("memory://")?;
    let session = published::session(&nowhere, 1, memory)?;
    let failed = |why| TableError { path: path.to_owned(), why };
    // Parquet is read as far as it is needed; other forms have to be read to know their types.
    let is_parquet = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"));
    let schema = if is_parquet && path.is_file() {
        let name = path.display().to_string();
        runtime.block_on(session.register_parquet(DATA, &name))?;
        // What is wrong with its columns is told when they are read.
        let columns = runtime.block_on(session.run(&format!("select * from {DATA} limit 0")));
        columns.ok().map(|(schema, _)| schema)
    } else {
        let mut reader = TableReader::open(path, read).map_err(failed)?;
        tracing::info!(file = %path.display(), "{}", reader.seen());
        let uses = uses(model, reader.header());
        let (schema, rows) = user_tables::rows_of(&mut reader, &uses).map_err(failed)?;
        session.register_rows(DATA, Arc::clone(&schema), vec![rows])?;
        Some(schema)
    };
    let Some(schema) = schema else { return run_looking(runtime, &session, model) };
    let model = with_names(model, &schema);
    check_codes(runtime, &session, &model, &schema).map_err(failed)?;
    run_looking(runtime, &session, &model)
}

/// What a model uses the columns of a text for.
fn uses(model: &Model, header: &[String]) -> Uses {
    let names: Vec<&str> = header.iter().map(|name| name.trim()).collect();
    let mut uses = Uses::default();
    for spec in &model.specs {
        uses.codes.extend(spec.factors());
        for term in spec.numbers() {
            let inside = query::names_in(&term.sql, &names).into_iter().map(str::to_owned);
            uses.numbers.extend(inside.chain(term.columns));
        }
    }
    uses
}

/// A model of rows in memory, which are not copied.
fn of_frame(
    runtime: &Runtime,
    memory: Memory,
    model: &Model,
    frame: Frame,
) -> Result<Shown, EstimateCommandError> {
    let nowhere = Lake::open("memory://")?;
    let session = published::session(&nowhere, 1, memory)?;
    let model = with_names(model, &frame.schema);
    session.register_rows(DATA, Arc::clone(&frame.schema), frame.batches)?;
    check_codes(runtime, &session, &model, &frame.schema).map_err(EstimateCommandError::Request)?;
    run_looking(runtime, &session, &model)
}

/// A model in whose conditions and expressions names of columns need no quotes though they have
/// capital letters.
fn with_names(model: &Model, schema: &SchemaRef) -> Model {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut model = model.clone();
    for spec in &mut model.specs {
        if let Some(condition) = &mut spec.condition {
            *condition = query::with_names(condition, &names);
        }
        let terms = spec.outcomes.iter_mut().chain(&mut spec.endogenous);
        let terms = terms.chain(&mut spec.regressors).chain(&mut spec.instruments);
        for term in terms.chain(&mut spec.weights) {
            term.sql = query::with_names(&term.sql, &names);
        }
    }
    model
}

/// Runs a model, and warns of totals among its effects and clusters, by the sums of its outcomes
/// over the rows that its condition leaves.
fn run_looking(
    runtime: &Runtime,
    session: &Session,
    model: &Model,
) -> Result<Shown, EstimateCommandError> {
    let look = |spec: &Spec, rows: &Rows| plausibility::warn_of_totals(&spec.outcomes, rows);
    let results = Runner { session, runtime: runtime.handle() }.run_looking(model, look)?;
    Ok(Shown { heading: model.heading(), results })
}

/// Refuses columns of categories in single precision that hold more digits than that does.
fn check_codes(
    runtime: &Runtime,
    session: &Session,
    model: &Model,
    schema: &SchemaRef,
) -> Result<(), String> {
    let named: BTreeSet<String> = model.specs.iter().flat_map(Spec::factors).collect();
    for name in named {
        let column = quote(&name);
        let sql =
            format!("select {column} from {DATA} where abs({column}) > {EXACT_SINGLES} limit 1");
        // What is wrong with columns that are not there is told when they are read.
        let is_single = schema
            .field_with_name(&name)
            .is_ok_and(|field| *field.data_type() == DataType::Float32);
        if is_single
            && let Ok((_, batches)) = runtime.block_on(cancel::until(session.run(&sql)))
            && batches.iter().any(|batch| batch.num_rows() > 0)
        {
            return Err(format!(
                "column `{name}` has codes above 16777216 in single precision, which other codes may \
                 have become too: write the column as text, or in double precision"
            ));
        }
    }
    Ok(())
}

/// A model of tables of the lake.
fn of_lake(
    runtime: &Runtime,
    memory: Memory,
    model: &Model,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Shown, EstimateCommandError> {
    let session = published::session(lake, 1, memory)?;
    for table in model.tables() {
        let version = published::version(catalog, table)?;
        runtime.block_on(lake.verify(version))?;
        session.register(version)?;
    }
    let results = Runner { session: &session, runtime: runtime.handle() }.run(model)?;
    Ok(Shown { heading: model.heading(), results })
}

/// Refuses coefficients of interest that no regression has.
fn focus_is_there(args: &EstimateArgs, shown: &[Shown]) -> Result<(), EstimateCommandError> {
    for asked in &args.focus {
        let terms: Vec<&str> =
            shown.iter().flat_map(|model| &model.results).flat_map(Estimated::terms).collect();
        if !terms.contains(&asked.as_str()) {
            let hint = suggest(asked, terms.iter().copied());
            return Err(EstimateCommandError::Request(format!(
                "no regression has the coefficient `{asked}`{hint}"
            )));
        }
    }
    Ok(())
}

/// The tables of all models, one below the other.
fn tables_of(
    args: &EstimateArgs,
    format: TableFormat,
    shown: &[Shown],
) -> Result<String, EstimateCommandError> {
    let width = if args.output.is_some() { TEXT_WIDTH } else { text_width() };
    let mut out = String::new();
    for (at, model) in shown.iter().enumerate() {
        if at > 0 && format != TableFormat::Csv {
            out.push('\n');
        }
        let results: Vec<&Estimated> = model.results.iter().collect();
        let shape = args.shape.unwrap_or_else(|| Shape::of(&model.heading));
        let mut heading = model.heading.clone();
        if !args.focus.is_empty() {
            heading.focus.clone_from(&args.focus);
        }
        let table = regression_table::render(format, args.csv, shape, &heading, &results, width)?;
        // One header serves all rows.
        let is_next = at > 0 && format == TableFormat::Csv;
        out.push_str(if is_next {
            table.split_once('\n').map_or("", |(_, rows)| rows)
        } else {
            &table
        });
    }
    Ok(out)
}

/// The coefficients of all models, drawn.
fn plot(args: &EstimateArgs, shown: &[Shown]) -> Result<String, EstimateCommandError> {
    let results: Vec<&Estimated> = shown.iter().flat_map(|model| &model.results).collect();
    let title = shown.first().map_or("", |model| model.heading.title.as_str());
    let focus: &[String] = match shown.first() {
        Some(model) if args.focus.is_empty() => &model.heading.focus,
        _ => &args.focus,
    };
    Ok(regression_table::plot(title, focus, &results)?)
}

fn write(path: &Path, text: &str) -> Result<(), EstimateCommandError> {
    NewFile::write(path, text.as_bytes())
        .map_err(|source| EstimateCommandError::Write { path: path.to_owned(), source })
}

fn published_models(
    runtime: &Runtime,
    lake: &Lake,
    catalog: &Catalog,
    names: &[String],
) -> Result<Vec<Shown>, EstimateCommandError> {
    let results = published::results(runtime, lake, catalog)?.ok_or_else(|| {
        EstimateCommandError::Request(
            "no models are published: name model files under `models` of the pipeline, and `models` among its stages".to_owned(),
        )
    })?;
    let all = regression_table::by_model(results);
    let known = all.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    let shown: Vec<Shown> = all
        .into_iter()
        .filter(|(name, ..)| names.is_empty() || names.contains(name))
        .map(|(_, heading, results)| Shown { heading, results })
        .collect();
    if shown.is_empty() {
        return Err(EstimateCommandError::Request(format!(
            "no published model has that name: there are {known}"
        )));
    }
    Ok(shown)
}
