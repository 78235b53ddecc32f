//! The rows of a specification: one SQL statement, read as columns of numbers and of levels.

use super::error::RegressionError;
use crate::levels::{Categories, Levels, Met};
use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use estimate::Factor;
use project::formula::Term;
use project::model_spec::Spec;
use project::suggest::suggest;
use query::Session;
use std::sync::mpsc::sync_channel;
use tokio::runtime::Handle;
use trade::NO_CODE;

/// Batches that are read before they are taken over.
const BATCHES_AHEAD: usize = 8;

/// Rows of a specification, complete but for what the outcomes lack.
pub struct Rows {
    /// What the columns of numbers are.
    pub(super) terms: Vec<Term>,
    /// The columns of numbers; NaN stands for null.
    pub(super) numbers: Vec<Vec<f64>>,
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
        let mut numbers: Vec<Vec<f64>> = vec![Vec::new(); terms.len()];
        let mut met: Vec<Met> = categories.iter().map(|_| Met::default()).collect();
        let mut without_text: Option<(&String, ArrowError)> = None;
        let mut take = |batch: &RecordBatch| {
            for (out, column) in numbers.iter_mut().zip(batch.columns()) {
                add(out, column.as_primitive::<Float64Type>());
            }
            let columns = categories.iter().zip(&batch.columns()[terms.len()..]);
            for (out, (name, column)) in met.iter_mut().zip(columns) {
                if let Err(error) = out.add_all(column) {
                    without_text.get_or_insert((name, error));
                }
            }
        };
        let sql = spec.sql();
        // A file of one row group is read by one thread: another takes over what it has read.
        let (sender, receiver) = sync_channel::<RecordBatch>(BATCHES_AHEAD);
        let read = std::thread::scope(|scope| {
            scope.spawn(move || receiver.iter().for_each(|batch| take(&batch)));
            // Nobody receives where the other thread panicked, which the scope passes on.
            let send = move |batch: &RecordBatch| drop(sender.send(batch.clone()));
            runtime.block_on(session.stream(&sql, send))
        });
        read.map_err(|source| RegressionError::Query { of: of.to_owned(), sql, source })?;
        if let Some((name, error)) = without_text {
            return Err(RegressionError::Data {
                of: of.to_owned(),
                why: format!("`{name}` cannot be read as categories: {error}"),
            });
        }
        for (term, column) in terms.iter().zip(&numbers) {
            let n = column.iter().filter(|value| value.is_infinite()).count();
            if n > 0 {
                return Err(RegressionError::Data {
                    of: of.to_owned(),
                    why: format!(
                        "`{}` is infinite or no number in {n} of {} rows, as the logarithm of zero is: leave them out by \
                         `where`, or take another form (dhs, ppml)",
                        term.name,
                        column.len()
                    ),
                });
            }
        }
        let of_column = |column: &String| match schema.field_with_name(column) {
            Ok(field) if values(field.data_type()).is_floating() => Categories::Floats,
            _ => Categories::Others,
        };
        let factors = met
            .into_iter()
            .zip(&categories)
            .map(|(met, column)| met.levels(of_column(column)))
            .collect();
        Ok(Self { terms, numbers, categories, factors })
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
        self.numbers.first().map_or(0, Vec::len)
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

/// Adds the numbers of a batch. NaN stands for null from here on; that of a computation becomes
/// infinite, to be told apart.
fn add(out: &mut Vec<f64>, column: &Float64Array) {
    if column.null_count() == 0 {
        out.extend(column.values().iter().map(|v| if v.is_nan() { f64::INFINITY } else { *v }));
    } else {
        out.extend(column.iter().map(|v| match v {
            None => f64::NAN,
            Some(v) if v.is_nan() => f64::INFINITY,
            Some(v) => v,
        }));
    }
}
