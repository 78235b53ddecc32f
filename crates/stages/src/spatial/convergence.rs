//! Rows of whether regions' exports become more alike.

use super::super::context::Context;
use super::super::cube::{Cube, texts};
use super::super::error::StageError;
use super::super::rows::Rows;
use super::super::table::Table;
use super::tables::{Convergence, ConvergenceRow};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type};
use lake::Contract;
use space::convergence::{beta_convergence, sigma};
use std::collections::{BTreeMap, BTreeSet};
use trade::{Frequency, Money};

/// The table of episodes, whose years are looked at.
pub(super) const EPISODE: &str = "resilience.episode";

/// Exports of each region, by year.
type RegionYears = BTreeMap<i32, BTreeMap<String, f64>>;

fn region_years(context: &Context<'_>, table: &str) -> Result<RegionYears, StageError> {
    let mut found = RegionYears::new();
    for batch in &context.rows(table)? {
        let schema = batch.schema();
        let years = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
        let values = batch.column(schema.index_of("fob_value")?);
        let values = values.as_primitive::<Decimal128Type>();
        for (row, code) in texts(batch, "region_code")?.iter().enumerate() {
            let Some(code) = code else { continue };
            let value = Money::from_hundredths(values.value(row)).to_f64();
            found.entry(years.value(row)).or_default().insert(code.to_owned(), value);
        }
    }
    Ok(found)
}

/// From the base to the end of every episode.
fn episodes(context: &Context<'_>) -> Result<Vec<(i32, i32)>, StageError> {
    let mut spans = Vec::new();
    for batch in &context.rows(EPISODE)? {
        let schema = batch.schema();
        let ints = |name: &str| {
            let column = batch.column(schema.index_of(name)?);
            Ok::<_, StageError>(column.as_primitive::<Int32Type>())
        };
        let (bases, ends) = (ints("base_year")?, ints("end_year")?);
        spans.extend((0..batch.num_rows()).map(|row| (bases.value(row), ends.value(row))));
    }
    Ok(spans)
}

/// Makes a row of each span of years; `table` has the exports of regions by year.
pub(super) fn rows(context: &Context<'_>, table: &str) -> Result<Rows<Convergence>, StageError> {
    Ok(of_years(&region_years(context, table)?, episodes(context)?))
}

/// What the table is.
pub fn contract() -> &'static Contract {
    Convergence::contract()
}

/// The rows of regions that no lake holds, as the stage makes them: from the first year to the last,
/// and over `episodes`, each from the year of its last base period to that of its end. `None` if the
/// cube's periods are no years.
///
/// # Errors
///
/// [`StageError`] if a number is not finite.
pub fn of_cube(
    cube: &Cube,
    episodes: impl IntoIterator<Item = (i32, i32)>,
) -> Result<Option<RecordBatch>, StageError> {
    let Some(&first) = cube.years.first().filter(|_| cube.frequency == Frequency::Year) else {
        return Ok(None);
    };
    let mut years = RegionYears::new();
    for (code, levels) in cube.regions.iter().zip(cube.levels(1)) {
        for (year, level) in (first..).zip(levels) {
            if let Some(level) = level {
                years.entry(year).or_default().insert(code.clone(), level);
            }
        }
    }
    Ok(Some(of_years(&years, episodes).finish()?))
}

/// A row of each span of years: from the first of the data to the last, and those of `episodes`.
fn of_years(
    years: &RegionYears,
    episodes: impl IntoIterator<Item = (i32, i32)>,
) -> Rows<Convergence> {
    let first = years.first_key_value().map(|(year, _)| *year);
    let last = years.last_key_value().map(|(year, _)| *year);
    let mut spans: BTreeSet<(i32, i32)> = first.zip(last).into_iter().collect();
    spans.extend(episodes);
    spans.retain(|(from, to)| from < to && years.contains_key(from) && years.contains_key(to));
    let mut rows = Rows::<Convergence>::default();
    for (from_year, to_year) in spans {
        let (Some(from), Some(to)) = (years.get(&from_year), years.get(&to_year)) else { continue };
        let levels: Vec<(f64, f64)> = from
            .iter()
            .filter_map(|(code, initial)| Some((*initial, *to.get(code)?)))
            .filter(|(initial, last)| *initial > 0.0 && *last > 0.0)
            .collect();
        let (initial, last): (Vec<f64>, Vec<f64>) = levels.iter().copied().unzip();
        let found = beta_convergence(&levels, f64::from(to_year - from_year));
        let speed = found.and_then(|of| of.speed);
        let half_life = found.and_then(|of| of.half_life);
        let why = match (found, speed, half_life) {
            (None, ..) if levels.len() < 3 => Some("too_few_regions"),
            (None, ..) => Some("no_spread"),
            (Some(_), None, _) => Some("changes_places"),
            (Some(_), Some(_), None) => Some("no_convergence"),
            (Some(_), Some(_), Some(_)) => None,
        };
        rows.push(ConvergenceRow {
            from_year,
            to_year,
            n_regions: levels.len(),
            sigma_from: sigma(&initial),
            sigma_to: sigma(&last),
            beta: found.map(|of| of.beta),
            beta_standard_error: found.map(|of| of.standard_error),
            r_squared: found.and_then(|of| of.r_squared),
            speed,
            half_life,
            null_reason: why,
        });
    }
    rows
}
