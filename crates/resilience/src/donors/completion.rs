//! Matrix completion by nuclear norm: Athey, Bayati, Doudchenko, Imbens & Khosravi (2021).
//!
//! With `Y` the values of units by period, `O` the cells that are seen, and `|M|*` the sum of the
//! singular values of `M`:
//!
//! ```text
//! minimise  1/2 * sum over (i,t) in O of (Y[i,t] - a[i] - b[t] - M[i,t])^2  +  lambda * |M|*
//! ```
//!
//! over the effects `a` of units and `b` of periods, which have no penalty, and `M`. (Their
//! `lambda` is twice this one over the number of cells seen.) The treated unit's cells after the
//! shock are not seen; they are `a[i] + b[t] + M[i,t]`.
//!
//! # The solver
//!
//! Soft-impute (Mazumder, Hastie & Tibshirani 2010) with effects: what is not seen is filled with
//! what the model gives. Of a whole matrix the optimum is known: `a` and `b` are its means by unit
//! and period, and `M` is what is left with its singular values lowered by `lambda`, not below
//! zero. Then what is not seen is filled again. With one unit treated, a step changes one row, and
//! the singular vectors are those of a Gram matrix of periods that changes by its square alone;
//! steps are extrapolated from the last ones (Anderson 1965), but where that raises the objective.
//!
//! # Conventions
//!
//! * It has converged where filling again moves no cell by more than 1e-10 of the root mean square
//!   of the others less effects; 1e-6 where a penalty is chosen.
//! * The penalty is chosen once for all units, by cross-validation over the cells of the units that
//!   miss none: of each unit, periods are dealt to the folds at random. One of its own cells after
//!   the shock is one of many that this number is from.

use super::factor::{Factor, float};
use super::panel::{Expected, Found, Panel};
use crate::response::NullReason;
use faer::{Mat, Side};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Penalties that are tried, and the ratio of one to the next.
const N_PENALTIES: usize = 21;
const STEP: f64 = 0.75;

/// What a cell may move by, over the root mean square of the matrix less effects.
const TOLERANCE: f64 = 1e-10;
const FOLD_TOLERANCE: f64 = 1e-6;

/// What is rounded away of a cell, over the largest.
const ROUNDED: f64 = 1e-14;

/// Times that cells are filled, of a unit and of a fold with one penalty.
const MOST_ITERATIONS: usize = 5_000;
const MOST_IN_FOLD: usize = 1_000;

/// Steps that are looked back on.
const DEPTH: usize = 5;

/// How far above the objective before one is that counts as uphill: less is rounded away.
const UPHILL: f64 = 1e-12;

/// The eigenvalues and eigenvectors (in columns, row-major) of a symmetric matrix.
fn eigen(matrix: &[f64], n: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let dense = Mat::from_fn(n, n, |i, j| matrix[i * n + j]);
    let found = dense.self_adjoint_eigen(Side::Lower).ok()?;
    let values = found.S().column_vector().iter().copied().collect();
    let vectors = (0..n * n).map(|at| found.U()[(at / n, at % n)]).collect();
    Some((values, vectors))
}

/// What lowers the singular values of a matrix.
struct Lowering {
    /// What the matrix is multiplied by, n x n.
    product: Vec<f64>,
    /// The least of the objective, half the square of what is left and the penalty, of the matrix.
    objective: f64,
}

impl Lowering {
    /// Of the singular values of a matrix of this Gram matrix (n x n) by `penalty`, not below zero;
    /// `None` if the Gram matrix holds what is no number.
    fn of(gram: &[f64], n: usize, penalty: f64) -> Option<Self> {
        let (values, vectors) = eigen(gram, n)?;
        let mut product = vec![0.0; n * n];
        let mut objective = 0.0;
        for (at, value) in values.iter().enumerate() {
            let singular = value.max(0.0).sqrt();
            if singular <= penalty {
                objective += singular * singular / 2.0;
                continue;
            }
            objective += penalty * (singular - penalty / 2.0);
            let kept = 1.0 - penalty / singular;
            let vector: Vec<f64> = (0..n).map(|row| vectors[row * n + at]).collect();
            for (row, left) in product.chunks_exact_mut(n).zip(&vector) {
                row.iter_mut().zip(&vector).for_each(|(cell, right)| *cell += kept * left * right);
            }
        }
        Some(Self { product, objective })
    }
}

/// A row times a matrix (n x n).
fn times(row: &[f64], matrix: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; row.len()];
    for (value, of) in row.iter().zip(matrix.chunks_exact(row.len().max(1))) {
        product.iter_mut().zip(of).for_each(|(sum, cell)| *sum += value * cell);
    }
    product
}

/// Adds `times` the products of a row's cells to a Gram matrix.
fn add_square(gram: &mut [f64], row: &[f64], times: f64) {
    for (sums, left) in gram.chunks_exact_mut(row.len().max(1)).zip(row) {
        sums.iter_mut().zip(row).for_each(|(sum, right)| *sum += times * left * right);
    }
}

fn mean(row: &[f64]) -> f64 {
    row.iter().sum::<f64>() / float(row.len().max(1))
}

/// A row less its mean.
fn centred(row: &[f64]) -> Vec<f64> {
    let mean = mean(row);
    row.iter().map(|value| value - mean).collect()
}

/// Rows less their means, and what is known of all of them together.
struct Centred {
    rows: Vec<Vec<f64>>,
    /// Their sum, by period.
    sum: Vec<f64>,
    /// Their Gram matrix.
    gram: Vec<f64>,
}

impl Centred {
    fn of<'r>(rows: impl Iterator<Item = &'r [f64]>, n_periods: usize) -> Self {
        let rows: Vec<Vec<f64>> = rows.map(centred).collect();
        let mut sum = vec![0.0; n_periods];
        let mut gram = vec![0.0; n_periods * n_periods];
        for row in &rows {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            add_square(&mut gram, row, 1.0);
        }
        Self { rows, sum, gram }
    }

    /// The effects of periods, and the Gram matrix of the rows less them.
    fn less_periods(&self) -> (Vec<f64>, Vec<f64>) {
        let n = float(self.rows.len().max(1));
        let periods: Vec<f64> = self.sum.iter().map(|sum| sum / n).collect();
        let mut gram = self.gram.clone();
        add_square(&mut gram, &periods, -n);
        (periods, gram)
    }
}

/// What a cell may move by: a share of the root mean square of the matrix less effects, and what is
/// rounded away in any case.
fn tolerance(share: f64, all: &Centred, largest: f64) -> f64 {
    let n_periods = all.sum.len();
    let (_, gram) = all.less_periods();
    let trace: f64 = gram.iter().step_by(n_periods + 1).sum();
    let n_cells = float((all.rows.len() * n_periods).max(1));
    share * (trace.max(0.0) / n_cells).sqrt() + ROUNDED * largest
}

/// The largest cell, without its sign.
fn largest<'r>(rows: impl Iterator<Item = &'r [f64]>) -> f64 {
    rows.flatten().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

/// One treated row under whole others.
struct Row {
    n_before: usize,
    /// Rows with it.
    n_rows: f64,
    /// The sum of the others less their means, by period.
    sum: Vec<f64>,
    /// Their Gram matrix.
    gram: Vec<f64>,
    penalty: f64,
}

impl Row {
    /// What the model gives of the row if it is `row`, and the objective there.
    fn given(&self, row: &[f64]) -> Option<(Vec<f64>, f64)> {
        let own = centred(row);
        let periods: Vec<f64> =
            self.sum.iter().zip(&own).map(|(sum, own)| (sum + own) / self.n_rows).collect();
        let mut gram = self.gram.clone();
        add_square(&mut gram, &own, 1.0);
        add_square(&mut gram, &periods, -self.n_rows);
        let left: Vec<f64> = own.iter().zip(&periods).map(|(own, period)| own - period).collect();
        let lowering = Lowering::of(&gram, row.len(), self.penalty)?;
        let low = times(&left, &lowering.product);
        let mean = mean(row);
        let given = periods.iter().zip(&low).map(|(period, low)| mean + period + low).collect();
        Some((given, lowering.objective))
    }

    /// Fills the row after the shock until it is what the model gives: what it gives of the whole
    /// row, and the times that it was filled.
    fn fill(&self, row: &mut [f64], tolerance: f64) -> Result<(Vec<f64>, usize), NullReason> {
        let mut past = Past::default();
        for n in 1..=MOST_ITERATIONS {
            let (given, objective) = self.given(row).ok_or(NullReason::NoConvergence)?;
            let (filled, next) = (&mut row[self.n_before..], &given[self.n_before..]);
            let moves: Vec<f64> = next.iter().zip(&*filled).map(|(next, now)| next - now).collect();
            if moves.iter().all(|by| by.abs() <= tolerance) {
                return Ok((given, n));
            }
            let to = past.next(filled, moves, objective);
            filled.copy_from_slice(&to);
        }
        Err(NullReason::NoConvergence)
    }
}

/// Points and their moves, the last ones last.
#[derive(Default)]
struct Past {
    points: Vec<(Vec<f64>, Vec<f64>)>,
    /// The objective of the last point, and where its own move leads.
    last: Option<(f64, Vec<f64>)>,
}

impl Past {
    /// Where to go from a point that would move so: further, along the last moves; or, if the last
    /// time that was uphill, where the move of the point before leads, which is downhill.
    fn next(&mut self, point: &[f64], moves: Vec<f64>, objective: f64) -> Vec<f64> {
        if let Some((before, back)) = self.last.take()
            && objective > before * (1.0 + UPHILL)
        {
            self.points.clear();
            return back;
        }
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let mut next: Vec<f64> = point.iter().zip(&moves).map(|(point, by)| point + by).collect();
        self.last = Some((objective, next.clone()));
        // The combination of the last moves that nearly cancels this one.
        let mut factor = Factor::default();
        for (_, earlier) in self.points.iter().rev() {
            if factor.push(&difference(&moves, earlier)).is_err() {
                break;
            }
        }
        let shares = factor.back(factor.onto(&moves));
        for ((from, earlier), share) in self.points.iter().rev().zip(shares) {
            let by = difference(point, from).into_iter().zip(difference(&moves, earlier));
            next.iter_mut().zip(by).for_each(|(next, (of_point, of_move))| {
                *next -= share * (of_point + of_move);
            });
        }
        if self.points.len() == DEPTH {
            self.points.remove(0);
        }
        self.points.push((point.to_vec(), moves));
        next
    }
}

/// The counterfactual of a unit: its cells after the shock, given the cells of all others.
///
/// # Errors
///
/// Why it has none: [`Panel::reason`], or [`NullReason::NoConvergence`].
pub fn complete(panel: &Panel, treated: usize, penalty: f64) -> Result<Expected, NullReason> {
    let before = panel.before(treated)?;
    let donors = panel.donors(Some(treated));
    let n = panel.n_periods();
    let others = Centred::of(donors.iter().map(|(_, values)| values.as_slice()), n);
    // To begin with, as if it moved as the others do.
    let mut periods = vec![0.0; n];
    for (_, values) in &donors {
        periods.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    periods.iter_mut().for_each(|sum| *sum /= float(donors.len()));
    let apart = mean(&before) - mean(&periods[..before.len()]);
    let mut row = before;
    row.extend(periods[row.len()..].iter().map(|period| period + apart));
    let cells = donors.iter().map(|(_, values)| values.as_slice()).chain([row.as_slice()]);
    let tolerance = tolerance(TOLERANCE, &others, largest(cells));
    let Centred { rows, sum, gram } = others;
    let n_before = panel.n_before();
    let problem = Row { n_before, n_rows: float(rows.len() + 1), sum, gram, penalty };
    let (values, n_iterations) = problem.fill(&mut row, tolerance)?;
    panel.expected(treated, &values, Found { weights: Vec::new(), penalty, n_iterations })
}

/// Penalties to try, in falling order: from the largest singular value of the units that miss no
/// period, less effects, with which there are only effects.
pub fn singular_penalties(panel: &Panel) -> Vec<f64> {
    let n = panel.n_periods();
    let rows = panel.donors(None);
    if rows.is_empty() {
        return Vec::new();
    }
    let all = Centred::of(rows.iter().map(|(_, values)| values.as_slice()), n);
    let Some((values, _)) = eigen(&all.less_periods().1, n) else { return Vec::new() };
    let largest = values.into_iter().fold(0.0_f64, f64::max).sqrt();
    let next = |last: &f64| Some(last * STEP);
    std::iter::successors(Some(largest), next).take(N_PENALTIES).collect()
}

/// A fold of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// Its number, from 0.
    pub number: usize,
    /// How many there are, two or more.
    pub n: usize,
    /// What random numbers start from.
    pub seed: u64,
}

impl Fold {
    /// The periods of each row that the fold hides.
    fn hidden(self, n_rows: usize, n_periods: usize) -> Vec<Vec<usize>> {
        let mut random = Pcg64Mcg::seed_from_u64(self.seed);
        let mut periods: Vec<usize> = (0..n_periods).collect();
        let hidden = |_| {
            for at in (1..n_periods).rev() {
                let bits = u128::from(random.next_u64()) * (at as u128 + 1);
                periods.swap(at, usize::try_from(bits >> 64).unwrap_or(0));
            }
            let dealt = periods.iter().copied().enumerate();
            let own = dealt.filter(|(at, _)| at % self.n.max(1) == self.number);
            let mut own: Vec<usize> = own.map(|(_, period)| period).collect();
            own.sort_unstable();
            own
        };
        (0..n_rows).map(hidden).collect()
    }
}

/// The sum of squared errors of the cells that a fold hides of the units that miss no period, with
/// each of `penalties`, in falling order, each from where the last one ended. Where one does not
/// converge, it and the rest are infinite.
pub fn fold_errors(panel: &Panel, penalties: &[f64], fold: Fold) -> Vec<f64> {
    let n = panel.n_periods();
    let truth: Vec<Vec<f64>> = panel.donors(None).into_iter().map(|(_, values)| values).collect();
    let hidden = fold.hidden(truth.len(), n);
    let mut rows = truth.clone();
    for (row, hidden) in rows.iter_mut().zip(&hidden) {
        let seen = (0..n).filter(|period| hidden.binary_search(period).is_err());
        let seen = mean(&seen.map(|period| row[period]).collect::<Vec<_>>());
        hidden.iter().for_each(|&period| row[period] = seen);
    }
    let whole = Centred::of(truth.iter().map(Vec::as_slice), n);
    let largest = largest(truth.iter().map(Vec::as_slice));
    let tolerance = tolerance(FOLD_TOLERANCE, &whole, largest);
    let mut errors = Vec::with_capacity(penalties.len());
    for &penalty in penalties {
        if settle(&mut rows, &hidden, penalty, tolerance).is_none() {
            break;
        }
        let cells = truth.iter().zip(&rows).zip(&hidden).flat_map(|((truth, row), hidden)| {
            hidden.iter().map(move |&period| (truth[period] - row[period]).powi(2))
        });
        errors.push(cells.sum());
    }
    errors.resize(penalties.len(), f64::INFINITY);
    errors
}

/// Fills the hidden cells of `rows` until they are what the model gives; `None` if they do not
/// converge.
fn settle(
    rows: &mut [Vec<f64>],
    hidden: &[Vec<usize>],
    penalty: f64,
    tolerance: f64,
) -> Option<()> {
    let n = rows.first().map_or(0, Vec::len);
    for _ in 0..MOST_IN_FOLD {
        cancel::check();
        let all = Centred::of(rows.iter().map(Vec::as_slice), n);
        let (periods, gram) = all.less_periods();
        let Lowering { product, .. } = Lowering::of(&gram, n, penalty)?;
        let mut largest: f64 = 0.0;
        for ((row, own), hidden) in rows.iter_mut().zip(&all.rows).zip(hidden) {
            let left: Vec<f64> =
                own.iter().zip(&periods).map(|(own, period)| own - period).collect();
            let low = times(&left, &product);
            let mean = mean(row);
            for &period in hidden {
                let given = mean + periods[period] + low[period];
                largest = largest.max((given - row[period]).abs());
                row[period] = given;
            }
        }
        if largest <= tolerance {
            return Some(());
        }
    }
    None
}

#[cfg(test)]
mod tests;
