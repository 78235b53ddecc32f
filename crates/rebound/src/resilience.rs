//! Resilience of the regions of any table, without a pipeline: one call, by the code of the stage.

mod args;
mod conventions;
mod dates;
mod empty;
mod exact;
mod exports;
mod first;
mod intervals;
mod made;
mod names;
mod page;
mod reading;
mod settings;

pub use self::args::ResilienceArgs;
pub use self::made::GivenTable;
pub use self::page::Page;

use self::empty::Made;
use self::exports::Exports;
use self::intervals::Intervals;
use self::made::Parts;
use self::names::{name_of, table_named};
use self::page::Told;
use self::reading::Readable;
use crate::region_table::{self, Columns, Products, Table};
use project::causes::causes;
use report::output::{Format, OutputError};
use stages::StageError;
use stages::resilience::in_memory::{self, MadeTable};
use stages::spatial::convergence;
use std::path::PathBuf;
use tokio::runtime::Handle;

/// A table or a question that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ResilienceError {
    /// The table, or what is asked of it, cannot be used.
    #[error("no resilience of `{path}`: {why}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The indices cannot be computed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl ResilienceError {
    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Table { .. })
    }
}

/// All tables of a table's resilience.
#[derive(Debug)]
pub struct Resilient {
    /// Those that could be made.
    pub tables: Vec<GivenTable>,
    /// What a page of the table is drawn from, if one is asked for.
    pub page: Option<Page>,
    /// The name of the user's column of regions.
    pub region: String,
    /// That of the column of products, if there is one.
    pub product: Option<String>,
    /// That of the column of periods.
    pub period: Option<String>,
    path: PathBuf,
    made: Made,
}

/// Reads the table and computes the resilience of its regions.
///
/// # Errors
///
/// [`ResilienceError::Table`], naming the file, and line and column where there are.
pub fn resilience(args: &ResilienceArgs, runtime: &Handle) -> Result<Resilient, ResilienceError> {
    let path = &args.table.file;
    let failed = |why: String| ResilienceError::Table { path: path.clone(), why };
    // What is wrong with the question is told before a large table is read.
    let dates = dates::dates(args).map_err(failed)?;
    let mut settings = settings::settings(args, &dates).map_err(failed)?;
    dates::check_lengths(&settings.config.resilience.episodes).map_err(failed)?;
    let table = Table::read(&args.table, Products::Optional, runtime).map_err(failed)?;
    region_table::warn(&table);
    dates.check(&table.regions, args).map_err(failed)?;
    settings.choose(&table, args).map_err(failed)?;
    let mut config = settings.config;
    let Some(first) = config.resilience.episodes.first() else {
        return Err(failed("there is no episode: say --base, --trough and --end".to_owned()));
    };
    let found = exports::exports(&table, first.frequency()).map_err(failed)?;
    let Exports { cube, shift, places } = found;
    dates.check_periods(&config.resilience.episodes, &places, args).map_err(failed)?;
    settings::check_scale(&config, shift).map_err(failed)?;
    let parts = if table.columns.product.is_some() { Parts::Products } else { Parts::None };
    let values = match shift.is_none() {
        true => "exact, with two digits after the point",
        false => "as floats, since two digits after the point do not hold them",
    };
    let conventions = conventions::text(&config, parts, values);
    tell(&table, &conventions);
    if !dates.regions.is_empty() {
        tracing::info!(
            episodes = dates.regions.len(),
            "rows are of regions in the episode of their own dates; all regions of the table are among whom they are \
             compared with"
        );
    }
    if parts == Parts::None {
        tracing::info!("there are no products: tables that are about products are not made");
    }
    let n_regions = table.regions.len();
    let Columns { region, product, value, period, .. } = table.columns.clone();
    drop(table);
    let asked = config.clone();
    config.resilience.min_base_value = shift.there(config.resilience.min_base_value);
    let told = Told { path, value: &value, shift, parts };
    let page = args.report.as_ref().map(|_| Page::of(&cube, &config, told));
    let page = page.transpose().map_err(failed)?;
    let episodes = config.resilience.episodes.iter();
    let spans = episodes.map(|episode| (episode.last_base().year(), episode.end.year()));
    let convergence = convergence::of_cube(&cube, spans)?;
    let made = in_memory::tables_of(cube, &config);
    let mut made = made.map_err(|error| match error.is_users() {
        true => failed(causes(&error).join(": ")),
        false => error.into(),
    })?;
    made.extend(
        convergence.map(|rows| MadeTable { contract: convergence::contract(), rows: vec![rows] }),
    );
    let tables = made::given(made, shift, &dates, &conventions, parts);
    let tables = tables.map_err(OutputError::from)?;
    let made = Made { config: asked, n_regions, parts };
    Ok(Resilient { tables, page, region, product, period, path: path.clone(), made })
}

/// Says what was taken for what.
fn tell(table: &Table, conventions: &str) {
    let columns = &table.columns;
    tracing::info!(
        regions = table.regions.len(),
        products = table.products.len(),
        periods = table.periods.len(),
        region = columns.region,
        product = columns.product.as_deref().unwrap_or("none"),
        value = columns.value,
        period = columns.period.as_deref().unwrap_or("none"),
        conventions,
        "read"
    );
}

impl Resilient {
    /// The table that the rows are asked for by, whole.
    ///
    /// # Errors
    ///
    /// As [`Self::rows`].
    pub fn table(&self, name: &str) -> Result<GivenTable, ResilienceError> {
        self.rows(name, Format::Csv, usize::MAX)
    }

    /// The table that the rows are asked for by, in the form that they are written in; one for
    /// reading is at most so many characters wide, and says what it does not show.
    ///
    /// # Errors
    ///
    /// [`ResilienceError::Table`] if it cannot be made of the user's table.
    pub fn rows(
        &self,
        name: &str,
        format: Format,
        width: usize,
    ) -> Result<GivenTable, ResilienceError> {
        let contract = table_named(name);
        let is_asked = |table: &&GivenTable| contract.is_some_and(|of| of == table.contract);
        if let Some(found) = self.tables.iter().find(is_asked) {
            if let Some(why) = self.why_empty(found) {
                tracing::warn!("`{name}` has no rows: {why}");
            }
            if format != Format::Table {
                return Ok(found.clone());
            }
            let is_intervals = |table: &&GivenTable| table.contract.table == "resilience.interval";
            let intervals = self.tables.iter().find(is_intervals);
            let intervals = intervals.map(Intervals::of).unwrap_or_default();
            let Readable { table, left_out } =
                reading::readable(found, &intervals, width).map_err(OutputError::from)?;
            if !left_out.is_empty() {
                tracing::info!(
                    "there is no room for {}: -o FILE has them, and so has --format csv",
                    left_out.join(", ")
                );
            }
            return Ok(table);
        }
        let made: Vec<String> =
            self.tables.iter().map(|table| name_of(table.contract.table)).collect();
        let is_of_years = contract.is_some_and(|of| of == convergence::contract());
        let why = match self.made.parts {
            _ if is_of_years => "it is about years, and the episodes are in shorter periods",
            Parts::Products => {
                "a table of regions and products does not have what it is made from; a pipeline may"
            }
            Parts::None => {
                "it is about products, or made from what a pipeline has, and the table has none"
            }
        };
        Err(ResilienceError::Table {
            path: self.path.clone(),
            why: format!("no rows `{name}`: {why}; there are {}", made.join(", ")),
        })
    }

    /// Why a table has no rows, if it has none.
    pub fn why_empty(&self, table: &GivenTable) -> Option<String> {
        let is_empty = table.rows.iter().all(|batch| batch.num_rows() == 0);
        is_empty.then(|| self.made.why_empty(table.contract.table))
    }

    /// The names of the tables' files, without their ending.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &GivenTable)> {
        self.tables.iter().map(|table| (table.contract.table, table))
    }
}
