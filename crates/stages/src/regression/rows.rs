//! The rows of a specification: one SQL statement, read as columns of numbers and of levels.

use super::error::RegressionError;
use crate::levels::{Categories, Levels, Met};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use estimate::Factor;
use project::formula::Term;
use project::model_spec::Spec;
use project::suggest::suggest;
use query::Session;
use rayon::prelude::*;
use std::borrow::Cow;
use tokio::runtime::Handle;
use trade::NO_CODE;

/// Rows of a specification, complete but for what the outcomes lack.
pub struct Rows {
    /// What the columns of numbers are.
    pub(super) terms: Vec<Term>,
    /// The columns of numbers; NaN stands for null. None once they were taken.
    numbers: Vec<Vec<f64>>,
    n: usize,
    /// The names of the columns of categories.
    pub(super) categories: Vec<String>,
    /// The columns of categories.
    pub(super) factors: Vec<Levels>,
}

impl Rows {
    /// Reads the rows of a specification.
    ///
    /// # Errors
    ///
    /// [`RegressionError`] if columns are absent or hold what is no number, or the query fails.
    pub(super) fn read(
        session: &Session,
        runtime: &Handle,
        spec: &Spec,
        of: &str,
    ) -> Result<Self, RegressionError> {
        let terms = spec.numbers();
        let categories = spec.factors();
        let schema = columns(session, runtime, spec, of)?;
        let read = read_columns(session, runtime, spec, of)?;
        let (mut numbers, mut met) = (Vec::new(), Vec::new());
        for column in read {
            match column {
                Column::Numbers { values, n_infinite } => {
                    if let Some(term) = terms.get(numbers.len()).filter(|_| n_infinite > 0) {
                        return Err(infinite(of, term, n_infinite, values.len()));
                    }
                    numbers.push(values);
                }
                Column::Categories(column) => met.push(column),
            }
        }
        let of_column = |column: &String| match schema.field_with_name(column) {
            Ok(field) if values(field.data_type()).is_floating() => Categories::Floats,
            _ => Categories::Others,
        };
        let factors = met
            .into_par_iter()
            .zip(&categories)
            .map(|(met, column)| met.levels(of_column(column)))
            .collect();
        let n = numbers.first().map_or(0, Vec::len);
        Ok(Self { terms, numbers, n, categories, factors })
    }

    /// The columns of categories beside each other, of the rows that have all of them.
    pub fn coded(&self) -> Coded<'_> {
        Coded { rows: self, kept: (0..self.n()).filter(|row| self.has_all(*row)).collect() }
    }

    /// Whether an outcome, by its place, is below zero in a row that has all categories.
    pub fn is_below_zero(&self, place: usize) -> bool {
        let mut values = self.numbers[place].iter().enumerate();
        values.any(|(row, value)| *value < 0.0 && self.has_all(row))
    }

    /// Whether a row has a level of all categories.
    fn has_all(&self, row: usize) -> bool {
        self.factors.iter().all(|of| of.of_row[row] != NO_CODE)
    }

    /// How many there are.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// The columns of numbers, in the order of the terms.
    pub(super) fn numbers(&self) -> Vec<Cow<'_, [f64]>> {
        self.numbers.iter().map(|column| Cow::Borrowed(column.as_slice())).collect()
    }

    /// The same, and has them no longer.
    pub(super) fn take_numbers(&mut self) -> Vec<Cow<'static, [f64]>> {
        std::mem::take(&mut self.numbers).into_iter().map(Cow::Owned).collect()
    }

    /// The place of a column of categories.
    pub(super) fn place_of(&self, column: &str) -> usize {
        self.categories.iter().position(|name| name == column).unwrap_or(0)
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("rows", &self.n()).finish_non_exhaustive()
    }
}

/// The rows that have all categories.
#[derive(Debug)]
pub struct Coded<'r> {
    rows: &'r Rows,
    /// Which of the rows they are.
    kept: Vec<usize>,
}

impl<'r> Coded<'r> {
    /// The columns of categories, each with its name and its levels.
    pub fn columns(&self) -> impl Iterator<Item = (&'r str, &'r [String])> {
        let names = self.rows.categories.iter().map(String::as_str);
        names.zip(self.rows.factors.iter().map(|levels| levels.texts.as_slice()))
    }

    /// The values of an outcome, by its place; one that is missing adds nothing to a sum.
    pub fn outcome(&self, place: usize) -> Vec<f64> {
        let column = &self.rows.numbers[place];
        let value = |row: &usize| if column[*row].is_nan() { 0.0 } else { column[*row] };
        self.kept.iter().map(value).collect()
    }

    /// The level of each row in the column at `place`.
    pub fn levels(&self, place: usize) -> Vec<u32> {
        let of_row = &self.rows.factors[place].of_row;
        self.kept.iter().map(|row| of_row[*row]).collect()
    }

    /// Of each row the combination of its levels in all columns but that at `place`, and how many
    /// combinations there are. Without other columns all rows are one.
    pub fn others(&self, place: usize) -> (Vec<u32>, usize) {
        let places = (0..self.rows.factors.len()).filter(|other| *other != place);
        let others: Vec<Factor> = places
            .map(|other| Factor {
                of_row: self.levels(other),
                n_levels: self.rows.factors[other].texts.len(),
            })
            .collect();
        if others.is_empty() {
            return (vec![0; self.kept.len()], usize::from(!self.kept.is_empty()));
        }
        let mut factor = Factor::combine(&others.iter().collect::<Vec<_>>());
        factor.compact();
        (factor.of_row, factor.n_levels)
    }
}

/// The type of a column's values, whether they are named by their place or not.
fn values(of: &DataType) -> &DataType {
    match of {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// The columns of a specification's table, among which are all that it names.
fn columns(
    session: &Session,
    runtime: &Handle,
    spec: &Spec,
    of: &str,
) -> Result<SchemaRef, RegressionError> {
    let sql = format!("select * from {} limit 0", spec.table);
    let found = runtime.block_on(session.run(&sql));
    let (schema, _) =
        found.map_err(|source| RegressionError::Query { of: of.to_owned(), sql, source })?;
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    for column in spec.numbers().into_iter().flat_map(|term| term.columns) {
        let Ok(field) = schema.field_with_name(&column) else { continue };
        let kind = values(field.data_type());
        let why = if lake::Kind::of(kind) == Some(lake::Kind::Text) {
            format!(
                "`{column}` is text, where a number is needed: absorb it as an effect, or take i({column}, 1) for one number a level"
            )
        } else if let Some(what) = lake::nested(kind) {
            format!(
                "`{column}` has {what} in a cell, where a number is needed: make one number of each"
            )
        } else {
            continue;
        };
        return Err(RegressionError::Data { of: of.to_owned(), why });
    }
    let asked = spec.numbers().into_iter().flat_map(|term| term.columns).chain(spec.factors());
    for column in asked {
        if !known.contains(&column.as_str()) {
            return Err(RegressionError::Column {
                of: of.to_owned(),
                table: spec.table.clone(),
                hint: suggest(&column, known.iter().copied()),
                known: known.join(", "),
                column,
            });
        }
    }
    Ok(schema)
}

/// Why a column of numbers is of no use that is infinite in some rows.
fn infinite(of: &str, term: &Term, n_infinite: usize, n_rows: usize) -> RegressionError {
    RegressionError::Data {
        of: of.to_owned(),
        why: format!(
            "`{}` is infinite or no number in {n_infinite} of {n_rows} rows, as the logarithm of zero is: leave them out by \
             `where`, or take another form (dhs, ppml)",
            term.name
        ),
    }
}

/// A column as it is read.
enum Column {
    /// Of numbers, and how many of them are infinite. NaN stands for null; that of a computation
    /// becomes infinite, to be told apart.
    Numbers { values: Vec<f64>, n_infinite: usize },
    /// Of categories.
    Categories(Box<Met>),
}

impl Column {
    /// Adds the rows of a batch.
    fn add(&mut self, column: &ArrayRef) -> Result<(), ArrowError> {
        match self {
            Self::Categories(met) => met.add_all(column),
            Self::Numbers { values, n_infinite } => {
                let column = column.as_primitive::<Float64Type>();
                let start = values.len();
                let number = |value: f64| if value.is_nan() { f64::INFINITY } else { value };
                if column.null_count() == 0 {
                    values.extend(column.values().iter().map(|value| number(*value)));
                } else {
                    values.extend(column.iter().map(|value| value.map_or(f64::NAN, number)));
                }
                *n_infinite += values[start..].iter().filter(|value| value.is_infinite()).count();
                Ok(())
            }
        }
    }

    fn n_rows(&self) -> usize {
        match self {
            Self::Numbers { values, .. } => values.len(),
            Self::Categories(met) => met.n_rows(),
        }
    }
}

/// Nothing yet, with room for so many values if there is as much memory: a file may say anything.
fn with_room<T>(n: usize) -> Vec<T> {
    let mut values = Vec::new();
    drop(values.try_reserve_exact(n));
    values
}

/// Reads the columns of a specification, in the order of its statement.
///
/// Several threads read some of the columns each, since a file of one row group is read by one
/// thread. They do so of columns as they are alone: what SQL computes may change the order of the
/// rows (windows, subqueries) or their number, and a condition may have other rows each time.
fn read_columns(
    session: &Session,
    runtime: &Handle,
    spec: &Spec,
    of: &str,
) -> Result<Vec<Column>, RegressionError> {
    let failed = |source| RegressionError::Query { of: of.to_owned(), sql: spec.sql(), source };
    let (selected, n_numbers) = (spec.columns(), spec.numbers().len());
    let is_as_it_is =
        spec.condition.is_none() && spec.numbers().iter().all(|term| !term.columns.is_empty());
    let (n_parts, n_rows) = match is_as_it_is {
        true => (
            rayon::current_num_threads().min(selected.len()),
            runtime.block_on(session.n_rows(&spec.table)).map_err(failed)?,
        ),
        false => (1, 0),
    };
    let read = |part: usize| -> Result<Vec<Column>, RegressionError> {
        let places: Vec<usize> = (part..selected.len()).step_by(n_parts).collect();
        let column = |place: &usize| match *place < n_numbers {
            true => Column::Numbers { values: with_room(n_rows), n_infinite: 0 },
            false => Column::Categories(Box::new(Met::with_rows(with_room(n_rows)))),
        };
        let mut columns: Vec<Column> = places.iter().map(column).collect();
        let mut without_text: Option<(usize, ArrowError)> = None;
        let take = |batch: &RecordBatch| {
            for ((place, column), array) in places.iter().zip(&mut columns).zip(batch.columns()) {
                if let Err(error) = column.add(array) {
                    without_text.get_or_insert((*place, error));
                }
            }
        };
        let selected: Vec<String> = places.iter().map(|place| selected[*place].clone()).collect();
        runtime.block_on(session.stream(&spec.sql_of(&selected), take)).map_err(failed)?;
        match without_text {
            None => Ok(columns),
            Some((place, error)) => Err(RegressionError::Data {
                of: of.to_owned(),
                why: format!(
                    "`{}` cannot be read as categories: {error}",
                    spec.factors()[place - n_numbers]
                ),
            }),
        }
    };
    let mut parts: Vec<_> =
        query::side_by_side(n_parts, n_parts, read)?.into_iter().map(Vec::into_iter).collect();
    let in_order = (0..selected.len()).filter_map(|place| parts[place % n_parts].next());
    let columns: Vec<Column> = in_order.collect();
    if columns.iter().any(|column| column.n_rows() != columns[0].n_rows()) {
        let why = format!("`{}` changed while it was read: try again", spec.table);
        return Err(RegressionError::Data { of: of.to_owned(), why });
    }
    Ok(columns)
}
