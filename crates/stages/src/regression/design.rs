//! From rows to what is estimated from: the rows that are complete, regressors, weights, effects
//! and clusters.

use super::error::{RegressionError, Stop};
use super::labels::{Label, Labels, Level};
use super::rows::Rows;
use crate::levels::{LevelOrder, Levels, number, order_of_one};
use estimate::{Factor, Sample};
use project::formula::{By, InferenceText, Term};
use project::model_spec::Spec;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use trade::NO_CODE;

/// Rows that are looked through at once.
const ROWS_A_CHUNK: usize = 1 << 15;

/// A regression that is asked for: an outcome of a specification.
#[derive(Clone, Copy)]
pub(super) struct Regression<'a> {
    /// The specification.
    pub(super) spec: &'a Spec,
    /// The model and specification, in words.
    pub(super) of: &'a str,
    /// The rows of the specification.
    pub(super) rows: &'a Rows,
    /// The place of the outcome among those of the specification.
    pub(super) outcome: usize,
}

impl Regression<'_> {
    /// Whether it uses the column of numbers at this place.
    fn uses(&self, column: usize) -> bool {
        column == self.outcome || column >= Columns::of(self.spec).endogenous
    }

    /// An error of what the data hold.
    pub(super) fn data(&self, why: String) -> RegressionError {
        RegressionError::Data { of: self.of.to_owned(), why }
    }
}

/// Where columns of numbers begin after the outcomes, in the order of [`Spec::numbers`].
struct Columns {
    endogenous: usize,
    regressors: usize,
    instruments: usize,
    weights: usize,
    coordinates: usize,
}

impl Columns {
    fn of(spec: &Spec) -> Self {
        let endogenous = spec.outcomes.len();
        let regressors = endogenous + spec.endogenous.len();
        let instruments = regressors + spec.regressors.len();
        let weights = instruments + spec.instruments.len();
        let coordinates = weights + usize::from(spec.weights.is_some());
        Self { endogenous, regressors, instruments, weights, coordinates }
    }
}

/// The rows that have a value in every column of a regression.
pub(super) struct Complete<'a> {
    regression: Regression<'a>,
    /// The columns of numbers of all rows, in the order of the terms.
    numbers: Vec<Cow<'a, [f64]>>,
    /// Which rows they are.
    keep: Vec<bool>,
    n_left: usize,
    /// Which columns of numbers hold nothing at all.
    is_empty: Vec<bool>,
    /// In which columns values are missing, with counts.
    pub(super) missing: String,
}

impl<'a> Complete<'a> {
    /// Finds the complete rows of a regression.
    ///
    /// # Errors
    ///
    /// [`Stop::Failed`] if there are no rows, or a column without any value.
    pub(super) fn of(
        regression: Regression<'a>,
        numbers: Vec<Cow<'a, [f64]>>,
    ) -> Result<Self, Stop> {
        let Regression { spec, rows, .. } = regression;
        let n_rows = rows.n();
        if n_rows == 0 {
            let why = match &spec.condition {
                Some(condition) => format!("no rows: `{}` has none where {condition}", spec.table),
                None => format!("no rows: `{}` has none", spec.table),
            };
            return Err(Stop::Failed(why));
        }
        let columns = Columns::of(spec);
        // Which of the columns that this regression uses hold nothing at all.
        let mut used: Vec<usize> =
            (0..rows.terms.len()).filter(|at| regression.uses(*at)).collect();
        let is_empty: Vec<bool> =
            numbers.iter().map(|column| column.iter().all(|value| value.is_nan())).collect();
        let may_drop = |column: usize| {
            spec.drop_empty && (columns.regressors..columns.instruments).contains(&column)
        };
        if let Some(&empty) = used.iter().find(|&&column| is_empty[column] && !may_drop(column)) {
            return Err(Stop::Failed(format!(
                "`{}` has no value in any of {n_rows} rows: leave it out, or see its null reasons (`empty: drop` leaves out such regressors)",
                rows.terms[empty].name
            )));
        }
        used.retain(|&column| !is_empty[column]);
        let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
        let mut keep = vec![true; n_rows];
        for &column in &used {
            let n = leave_out(&mut keep, &numbers[column], |value| value.is_nan());
            *missing.entry(rows.terms[column].name.as_str()).or_default() += n;
        }
        for (name, levels) in rows.categories.iter().zip(&rows.factors) {
            let n = leave_out(&mut keep, &levels.of_row, |level| *level == NO_CODE);
            *missing.entry(name).or_default() += n;
        }
        missing.retain(|_, n| *n > 0);
        let n_left = keep.iter().filter(|keep| **keep).count();
        let missing =
            missing.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join("; ");
        Ok(Self { regression, numbers, keep, n_left, is_empty, missing })
    }

    /// How many rows are not.
    pub(super) fn n_missing(&self) -> usize {
        self.keep.len() - self.n_left
    }

    /// Refuses to go on without rows.
    ///
    /// # Errors
    ///
    /// [`Stop::Failed`] if none is left.
    pub(super) fn are_left(&self) -> Result<(), Stop> {
        if self.n_left > 0 {
            return Ok(());
        }
        let (n_rows, missing) = (self.keep.len(), &self.missing);
        let why = format!("no rows are left: each of {n_rows} lacks a value ({missing})");
        Err(Stop::Failed(why))
    }

    /// What these rows have of a column.
    fn picked<T: Copy>(&self, column: &[T]) -> Vec<T> {
        if self.n_left == self.keep.len() {
            return column.to_vec();
        }
        column.iter().zip(&self.keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
    }

    /// What these rows have of the columns of numbers that the regression uses, which are not
    /// copied where they are its own.
    fn take_numbers(&mut self) -> Numbers {
        let numbers = std::mem::take(&mut self.numbers);
        let of_column = |(column, values): (usize, Cow<'_, [f64]>)| match values {
            _ if !self.regression.uses(column) => Vec::new(),
            Cow::Borrowed(values) => self.picked(values),
            Cow::Owned(mut values) => {
                let mut kept = self.keep.iter();
                if self.n_left < values.len() {
                    values.retain(|_| kept.next() == Some(&true));
                }
                values
            }
        };
        Numbers(numbers.into_par_iter().enumerate().map(of_column).collect())
    }

    /// A factor of combinations of columns.
    fn factor(&self, columns: &[String]) -> Factor {
        let rows = self.regression.rows;
        let parts: Vec<Factor> = columns
            .iter()
            .map(|column| {
                let levels = &rows.factors[rows.place_of(column)];
                Factor { of_row: self.picked(&levels.of_row), n_levels: levels.texts.len() }
            })
            .collect();
        let mut factor = Factor::combine(&parts.iter().collect::<Vec<_>>());
        factor.compact();
        factor
    }

    /// The regressors of terms, whose columns begin at `from`.
    fn regressors(
        &self,
        numbers: &mut Numbers,
        from: usize,
        terms: &[Term],
    ) -> Result<Vec<Regressor>, RegressionError> {
        let columns: Vec<(usize, Vec<f64>)> =
            (from..from + terms.len()).map(|column| (column, numbers.take(column))).collect();
        let of_term = |((column, values), term)| self.regressors_of(column, values, term);
        let found: Vec<Result<Vec<Regressor>, RegressionError>> =
            columns.into_par_iter().zip(terms).map(of_term).collect();
        // The first error in the order of the terms, whatever thread came first.
        let found: Vec<Vec<Regressor>> = found.into_iter().collect::<Result<_, _>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The regressors of a term: itself, or one a level of its dynamic form.
    fn regressors_of(
        &self,
        column: usize,
        values: Vec<f64>,
        term: &Term,
    ) -> Result<Vec<Regressor>, RegressionError> {
        let is_empty = self.is_empty[column];
        let Some(by) = &term.by else {
            let label = Label { term: term.name.clone(), level: None, place: 0 };
            return Ok(vec![Regressor { label, values, is_empty }]);
        };
        let rows = self.regression.rows;
        let levels = &rows.factors[rows.place_of(&by.column)];
        let of_row = self.picked(&levels.of_row);
        let mut met = vec![false; levels.texts.len()];
        of_row.iter().for_each(|level| met[*level as usize] = true);
        reference_is_met(term, by, levels, &met).map_err(|why| self.regression.data(why))?;
        let label = |level: u32, name: &String| Label {
            term: if term.name == "1" {
                format!("{} = {name}", by.column)
            } else {
                format!("{} x {} = {name}", term.name, by.column)
            },
            level: Some(Level { name: name.clone(), of: term.name.clone() }),
            place: level,
        };
        let in_level = |level: u32| -> Vec<f64> {
            values.iter().zip(&of_row).map(|(v, l)| if *l == level { *v } else { 0.0 }).collect()
        };
        Ok((0u32..)
            .zip(&levels.texts)
            .filter(|(level, name)| !is_reference(by, levels, name) && met[*level as usize])
            .map(|(level, name)| Regressor {
                label: label(level, name),
                values: in_level(level),
                is_empty,
            })
            .collect())
    }

    /// Refuses periods that are in no order, and more lags than there are periods.
    fn check_periods(&self) -> Result<(), RegressionError> {
        let Regression { spec, rows, .. } = self.regression;
        let InferenceText::DriscollKraay { time, lags } = &spec.inference else { return Ok(()) };
        for column in time {
            let levels = &rows.factors[rows.place_of(column)];
            let is_odd = |text: &&String| order_of_one(text) == LevelOrder::Text;
            if levels.order == LevelOrder::Text {
                let odd = levels.texts.iter().find(is_odd).or(levels.texts.first());
                return Err(self.regression.data(format!(
                    "driscoll_kraay({}): {:?} of `{column}` has no place in time among the others: expected numbers, or periods \
                     that begin with the year, as 2008, 2008-9, 2008Q3 or 2008-09-15",
                    time.join("^"),
                    odd.map_or("", String::as_str),
                )));
            }
        }
        let n_periods = self.factor(time).n_levels;
        if lags.is_some_and(|lags| lags >= n_periods) {
            return Err(self.regression.data(format!(
                "driscoll_kraay: {n_periods} periods leave room for {} lags at most",
                n_periods.saturating_sub(1)
            )));
        }
        Ok(())
    }
}

/// The columns of numbers of the complete rows, each to be taken once.
struct Numbers(Vec<Vec<f64>>);

impl Numbers {
    fn take(&mut self, column: usize) -> Vec<f64> {
        std::mem::take(&mut self.0[column])
    }
}

/// Leaves out the rows that lack a value of a column, and counts them.
fn leave_out<T: Sync>(keep: &mut [bool], column: &[T], lacks: impl Fn(&T) -> bool + Sync) -> usize {
    let of_chunk = |(keep, values): (&mut [bool], &[T])| {
        let mut n = 0;
        for (keep, value) in keep.iter_mut().zip(values) {
            let lacks = lacks(value);
            *keep &= !lacks;
            n += usize::from(lacks);
        }
        n
    };
    keep.par_chunks_mut(ROWS_A_CHUNK).zip(column.par_chunks(ROWS_A_CHUNK)).map(of_chunk).sum()
}

/// A regressor.
struct Regressor {
    label: Label,
    values: Vec<f64>,
    is_empty: bool,
}

/// Whether a level is the reference of the others. A number is itself however it is written.
fn is_reference(by: &By, levels: &Levels, name: &str) -> bool {
    by.reference.as_ref().is_some_and(|reference| {
        name == reference
            || levels.order == LevelOrder::Number
                && number(name).is_some_and(|n| number(reference) == Some(n))
    })
}

/// Refuses a reference that no row has. `met` says which levels the rows that are complete have.
fn reference_is_met(term: &Term, by: &By, levels: &Levels, met: &[bool]) -> Result<(), String> {
    let Some(reference) = &by.reference else { return Ok(()) };
    let form = format!("i({}, {})", by.column, term.name);
    let is_it = |name: &String| is_reference(by, levels, name);
    if !levels.texts.iter().any(is_it) {
        return Err(format!(
            "{form}: no row has the reference {reference:?}: there are {}",
            levels.texts.join(", ")
        ));
    }
    if !levels.texts.iter().zip(met).any(|(name, met)| *met && is_it(name)) {
        return Err(format!(
            "{form}: no row that is complete has the reference {reference:?}: take another, or see what the rows lack"
        ));
    }
    Ok(())
}

/// Degrees of the places of Conley's errors, by row.
#[derive(Default)]
pub(super) struct Coordinates {
    pub(super) latitudes: Vec<f64>,
    pub(super) longitudes: Vec<f64>,
}

/// Within what the errors depend on each other.
pub(super) struct Groups {
    /// The columns of each cluster variable, or of the periods or places in its stead.
    pub(super) columns: Vec<Vec<String>>,
    /// The factor of each of these.
    pub(super) factors: Vec<usize>,
    /// The factor that the wild bootstrap is clustered by.
    pub(super) wild: Option<usize>,
    /// Where the places are; empty without places.
    pub(super) coordinates: Coordinates,
}

impl Groups {
    /// The groups of a regression. Those that are no effects are added to the factors.
    fn of(complete: &Complete<'_>, factors: &mut Vec<Factor>, numbers: &mut Numbers) -> Self {
        let spec = complete.regression.spec;
        let mut place = |columns: &Vec<String>| {
            // A cluster that is an effect is the same factor.
            let known = spec.effects.iter().position(|effect| effect == columns);
            known.unwrap_or_else(|| {
                factors.push(complete.factor(columns));
                factors.len() - 1
            })
        };
        let columns = spec.inference.groups();
        let of_columns = columns.iter().map(&mut place).collect();
        let wild = spec.wild.as_ref().map(|wild| place(&wild.cluster));
        let coordinates = match &spec.inference {
            InferenceText::Conley { .. } => {
                let from = Columns::of(spec).coordinates;
                let (latitudes, longitudes) = (numbers.take(from), numbers.take(from + 1));
                Coordinates { latitudes, longitudes }
            }
            _ => Coordinates::default(),
        };
        Self { columns, factors: of_columns, wild, coordinates }
    }
}

/// What a regression is estimated from.
pub(super) struct Design {
    /// Its columns.
    pub(super) sample: Sample,
    /// Their names.
    pub(super) labels: Labels,
    /// Within what its errors depend on each other.
    pub(super) groups: Groups,
}

impl Design {
    /// Makes columns of the rows that are complete.
    ///
    /// # Errors
    ///
    /// [`RegressionError::Data`] if no row has a reference, or periods are in no order.
    pub(super) fn of(mut complete: Complete<'_>) -> Result<Self, RegressionError> {
        let Regression { spec, outcome, .. } = complete.regression;
        complete.check_periods()?;
        let columns = Columns::of(spec);
        let mut numbers = complete.take_numbers();
        let complete = &complete;
        let mut outcome = numbers.take(outcome);
        if spec.winsor > 0.0 {
            winsorize(&mut outcome, spec.winsor);
        }
        let mut regressors =
            complete.regressors(&mut numbers, columns.endogenous, &spec.endogenous)?;
        let n_endogenous = regressors.len();
        regressors.extend(complete.regressors(
            &mut numbers,
            columns.regressors,
            &spec.regressors,
        )?);
        let instruments =
            complete.regressors(&mut numbers, columns.instruments, &spec.instruments)?;
        let mut factors: Vec<Factor> =
            spec.effects.par_iter().map(|columns| complete.factor(columns)).collect();
        let groups = Groups::of(complete, &mut factors, &mut numbers);
        let (empty, regressors): (Vec<Regressor>, Vec<Regressor>) =
            regressors.into_iter().partition(|regressor| regressor.is_empty);
        let labels = Labels {
            regressors: regressors.iter().map(|regressor| regressor.label.clone()).collect(),
            empty: empty.into_iter().map(|regressor| regressor.label).collect(),
            instruments: instruments.iter().map(|of| of.label.term.clone()).collect(),
            effects: spec.effects.iter().map(|columns| columns.join("^")).collect(),
        };
        let sample = Sample {
            outcome,
            regressors: regressors.into_iter().map(|regressor| regressor.values).collect(),
            n_endogenous,
            instruments: instruments.into_iter().map(|of| of.values).collect(),
            weights: spec.weights.as_ref().map(|_| numbers.take(columns.weights)),
            factors,
            effects: (0..spec.effects.len()).collect(),
            rows: Vec::new(),
        };
        Ok(Self { sample, labels, groups })
    }
}

/// Values beyond the quantiles at `share` and 1 - `share` are set to them.
fn winsorize(values: &mut [f64], share: f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = resilience::quantile(&sorted, share);
    let high = resilience::quantile(&sorted, 1.0 - share);
    values.iter_mut().for_each(|value| *value = value.clamp(low, high));
}
