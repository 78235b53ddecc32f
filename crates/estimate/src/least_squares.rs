//! Least squares, with and without instruments, once the effects are out (Frisch, Waugh & Lovell).

use crate::EstimateError;
use crate::absorb::{ABSORBED, Absorber};
use crate::dense::{self, float, inverse_triangle, squared_length, triangle};
use crate::factor::{Factor, ROWS_A_PIECE, absorbed_by, chosen, finest, n_components};
use crate::sample::{Options, Sample};
use rayon::prelude::*;
use std::ops::Range;

/// Share of what a fit adds up that rounding may leave of it.
const ROUNDING: f64 = 256.0 * f64::EPSILON;
/// The same, of what the effects leave, where they were taken out by iterations.
const ROUNDING_AFTER_EFFECTS: f64 = 1e-9;
/// Share of an outcome's size that does not count as variation.
const CONSTANT: f64 = 1e-14;
/// Levels of effects, beside those of the largest, whose dense matrix is affordable.
const MOST_LEVELS: usize = 2_000;
/// Share of a column's length outside the span of the columns before it, below which it is in that
/// span.
const COLLINEAR_AFTER_EFFECTS: f64 = 1e-7;
/// The same of projections on instruments, which inherit the rounding of what they project.
const COLLINEAR_PROJECTION: f64 = 1e-9;
/// The same where nothing but rounding of doubles comes between.
const COLLINEAR: f64 = 1e-12;

/// Why a regressor has no coefficient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It has one value in all rows.
    Constant,
    /// The effects explain all of it; these factors do so alone.
    Absorbed(Vec<usize>),
    /// It is a combination of others.
    Combination {
        /// The regressors among them.
        regressors: Vec<usize>,
        /// Whether the intercept is among them.
        with_intercept: bool,
    },
}

/// A regressor without coefficient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its place among the regressors; instruments follow them.
    pub regressor: usize,
    /// Why.
    pub cause: Cause,
}

/// How well the instruments explain an endogenous regressor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstStage {
    /// The regressor.
    pub regressor: usize,
    /// F of the instruments left out of the second stage, under iid errors; `None` if they explain
    /// all of it, or no degrees of freedom are left.
    pub f: Option<f64>,
    /// Instruments left out of the second stage: the degrees of freedom above the line.
    pub df_instruments: usize,
    /// Degrees of freedom below the line.
    pub df_residual: usize,
}

/// An estimated model.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Coefficients, one a kept regressor.
    pub coefficients: Vec<f64>,
    /// The place of each coefficient's regressor; `None` is the intercept, there without effects.
    pub kept: Vec<Option<usize>>,
    /// Regressors without coefficient.
    pub dropped: Vec<Dropped>,
    /// The number of each used row where the sample began.
    pub rows: Vec<u32>,
    /// Rows left out as their weight is zero.
    pub n_zero_weights: usize,
    /// Rows left out as alone in a level.
    pub n_singletons: usize,
    /// Rows left out as their outcome is fitted exactly in the limit (generalised models).
    pub n_separated: usize,
    /// Whether the outcome is fitted but for rounding, so that no error can be estimated.
    pub is_exact: bool,
    /// Weighted sum of squared residuals.
    pub rss: f64,
    /// Coefficient of determination; of the deviance for generalised models.
    pub r2: f64,
    /// The same of what is left once the effects are out.
    pub r2_within: Option<f64>,
    /// Root of the mean squared residual.
    pub rmse: f64,
    /// Deviance of generalised models.
    pub deviance: Option<f64>,
    /// Iterations of generalised models.
    pub n_iterations: usize,
    /// First stages, if there are instruments.
    pub first_stages: Vec<FirstStage>,
    /// The outcome less the fitted value (working residual of generalised models), by used row.
    pub residuals: Vec<f64>,
    /// Orthonormal combinations of the kept regressors (`Q` of their decomposition), effects out:
    /// the scores of these do not lose their digits where regressors are far from zero or nearly
    /// collinear.
    pub(crate) basis: Vec<Vec<f64>>,
    /// `R^-1`: regressors times it are the basis, and it times coefficients of the basis are those
    /// of the regressors.
    pub(crate) root: Vec<f64>,
    pub(crate) outcome: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) effects: Vec<usize>,
    pub(crate) is_generalised: bool,
    pub(crate) has_instruments: bool,
    pub(crate) options: Options,
}

/// A column that others add up to.
pub(crate) struct Combined {
    /// Its place.
    column: usize,
    /// The places of the columns that it combines.
    of: Vec<usize>,
}

/// Columns that are independent, with the triangle of their decomposition.
pub(crate) struct Independent {
    /// Places of the columns kept.
    pub(crate) kept: Vec<usize>,
    /// Columns left out.
    pub(crate) combined: Vec<Combined>,
    /// `R` of the kept columns and the extra ones after them.
    pub(crate) r: Vec<f64>,
}

/// Finds which of `columns` are combinations of those before them.
pub(crate) fn independent(
    columns: &[&[f64]],
    candidates: &[usize],
    extra: &[&[f64]],
    weights: Option<&[f64]>,
    tolerance: f64,
) -> Independent {
    let mut kept = candidates.to_vec();
    let mut combined = Vec::new();
    loop {
        cancel::check();
        let all: Vec<&[f64]> =
            kept.iter().map(|&at| columns[at]).chain(extra.iter().copied()).collect();
        let k = all.len();
        let r = triangle(&all, weights);
        let length = |j: usize| (0..=j).map(|i| r[i * k + j].powi(2)).sum::<f64>().sqrt();
        let bad = (0..kept.len()).find(|&j| r[j * k + j].abs() <= tolerance * length(j));
        let Some(j) = bad else { return Independent { kept, combined, r } };
        let inverse = inverse_triangle(&r, j, k);
        let of = (0..j)
            .filter(|&i| {
                let share: f64 = (i..j).map(|m| inverse[i * j + m] * r[m * k + j]).sum();
                share.abs() * length(i) > 1e-6 * length(j)
            })
            .map(|i| kept[i])
            .collect();
        combined.push(Combined { column: kept.remove(j), of });
    }
}

fn length(column: &[f64], weights: Option<&[f64]>) -> f64 {
    let Some(weights) = weights else {
        let mean = column.iter().sum::<f64>() / float(column.len());
        return column.iter().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt();
    };
    let total: f64 = weights.iter().sum();
    let both = || weights.iter().zip(column);
    let mean = both().map(|(weight, value)| weight * value).sum::<f64>() / total;
    both().map(|(weight, value)| weight * (value - mean).powi(2)).sum::<f64>().sqrt()
}

/// The effects of a sample within whose levels a column does not vary.
fn constant_within(column: &[f64], sample: &Sample) -> Vec<usize> {
    let size = largest(column);
    let is_constant = |factor: &Factor| {
        let mut first = vec![f64::NAN; factor.n_levels];
        factor.of_row.iter().zip(column).all(|(&level, value)| {
            let known = &mut first[level as usize];
            if known.is_nan() {
                *known = *value;
            }
            (*known - value).abs() <= 1e-12 * size
        })
    };
    sample.effects.iter().copied().filter(|&at| is_constant(&sample.factors[at])).collect()
}

/// Takes the effects of a sample out of columns and of an outcome, and tells which columns they
/// explain wholly.
pub(crate) fn absorb_columns(
    absorber: Option<&Absorber>,
    columns: &mut [Vec<f64>],
    outcome: &mut [f64],
    weights: Option<&[f64]>,
    sample: &Sample,
) -> Result<Vec<Dropped>, EstimateError> {
    let measure = |columns: &[Vec<f64>]| -> Vec<f64> {
        columns.par_iter().map(|column| length(column, weights)).collect()
    };
    let before = measure(columns);
    let mut dropped: Vec<Dropped> = Vec::new();
    let is_flat: Vec<bool> = columns
        .iter()
        .zip(&before)
        .map(|(column, before)| *before <= 1e-13 * largest(column) * float(column.len()).sqrt())
        .collect();
    let within: Vec<Vec<usize>> =
        columns.par_iter().map(|column| constant_within(column, sample)).collect();
    if let Some(absorber) = absorber {
        // What is solved side by side takes as long as one of it.
        let columns = columns.iter_mut().map(Vec::as_mut_slice);
        let mut all: Vec<&mut [f64]> = columns.chain([outcome]).collect();
        absorber.absorb(&mut all, weights)?;
    }
    let after = measure(columns);
    for (regressor, within) in within.into_iter().enumerate() {
        let cause = if is_flat[regressor] {
            Cause::Constant
        } else if absorber.is_some()
            && (!within.is_empty() || after[regressor] <= ABSORBED * before[regressor])
        {
            Cause::Absorbed(within)
        } else {
            continue;
        };
        dropped.push(Dropped { regressor, cause });
    }
    Ok(dropped)
}

/// Ordinary least squares of the outcome on the regressors and the absorbed effects; weighted with
/// weights; in two stages with instruments.
///
/// # Errors
///
/// [`EstimateError`] if nothing can be estimated or the effects do not converge.
pub fn ols(mut sample: Sample, options: &Options) -> Result<Fit, EstimateError> {
    let n_zero_weights = sample.without_zero_weights()?;
    let n_singletons = sample.prepare(options)?;
    let mut design = Design::of(&mut sample, options)?;
    let found = design.independent()?;
    let solution = if design.n_endogenous > 0 {
        design.in_two_stages(&found, n_absorbed(&chosen(&sample.effects, &sample.factors)))?
    } else {
        design.in_one_stage(&found)
    };
    let kept = solution.kept.clone();
    let residuals = residuals_of(&design.outcome, &kept, &design.columns, &solution.coefficients);
    let rss = squared_length(&residuals, design.weights.as_deref());
    let is_exact = design.is_rounding(&solution, rss);
    if !solution.coefficients.iter().chain(&solution.root).all(|value| value.is_finite()) {
        return Err(EstimateError::NotFinite);
    }
    // The columns were needed last.
    let mut of_kept = || kept.iter().map(|&at| std::mem::take(&mut design.columns[at])).collect();
    let basis = solution.basis.unwrap_or_else(|| orthonormal(of_kept(), &solution.root));
    let fit = Fit {
        coefficients: solution.coefficients,
        kept: solution.kept.iter().map(|&at| (at != design.intercept).then_some(at)).collect(),
        dropped: design.dropped,
        rows: sample.rows,
        n_zero_weights,
        n_singletons,
        n_separated: 0,
        is_exact,
        rss,
        r2: 1.0 - rss / design.tss,
        r2_within: design.has_effects.then_some(1.0 - rss / design.tss_within),
        rmse: (rss / float(residuals.len())).sqrt(),
        deviance: None,
        n_iterations: 0,
        first_stages: solution.first_stages,
        residuals,
        basis,
        root: solution.root,
        outcome: design.outcome,
        weights: design.weights,
        factors: sample.factors,
        effects: sample.effects,
        is_generalised: false,
        has_instruments: design.n_endogenous > 0,
        options: *options,
    };
    fit.check_degrees()?;
    Ok(fit)
}

/// What is left of the columns of a sample once the effects are out.
struct Design {
    /// Regressors, endogenous ones first, then instruments, then, without effects, the intercept.
    columns: Vec<Vec<f64>>,
    /// The squared length of each column before the effects were out.
    sizes: Vec<f64>,
    outcome: Vec<f64>,
    weights: Option<Vec<f64>>,
    n_endogenous: usize,
    n_regressors: usize,
    /// The place of the intercept, and how many other columns there are.
    intercept: usize,
    has_effects: bool,
    /// Whether the effects were found by iterations.
    is_iterated: bool,
    /// The squared length of the outcome before the effects were out.
    outcome_size: f64,
    /// The same about its mean.
    tss: f64,
    /// The squared length of the outcome.
    tss_within: f64,
    /// Columns that are left out, and why.
    dropped: Vec<Dropped>,
}

/// Coefficients, and what their covariance is made from.
struct Solution {
    /// Places of the columns that have a coefficient.
    kept: Vec<usize>,
    coefficients: Vec<f64>,
    /// See [`Fit`], as for the rest. `None` is that of the kept columns.
    basis: Option<Vec<Vec<f64>>>,
    root: Vec<f64>,
    first_stages: Vec<FirstStage>,
}

impl Design {
    /// Takes the columns of `sample`, and the effects out of them.
    fn of(sample: &mut Sample, options: &Options) -> Result<Self, EstimateError> {
        let n = sample.n_rows();
        let weights = sample.weights.take();
        let weights_of = weights.as_deref();
        let n_regressors = sample.regressors.len();
        let mut columns = std::mem::take(&mut sample.regressors);
        columns.append(&mut sample.instruments);
        let squared = |column: &Vec<f64>| squared_length(column, weights_of);
        let of_outcome = || (squared(&sample.outcome), length(&sample.outcome, weights_of).powi(2));
        let ((outcome_size, tss), (mut sizes, absorber)) = rayon::join(of_outcome, || {
            let sizes: Vec<f64> = columns.par_iter().map(squared).collect();
            (sizes, sample.absorber(weights_of, options.tolerance))
        });
        let scale = largest(&sample.outcome);
        let mut outcome = std::mem::take(&mut sample.outcome);
        let dropped =
            absorb_columns(absorber.as_ref(), &mut columns, &mut outcome, weights_of, sample)?;
        let tss_within = squared_length(&outcome, weights_of);
        let rounding = (CONSTANT * scale).powi(2) * float(n);
        if tss <= rounding || absorber.is_some() && tss_within <= ABSORBED.powi(2) * tss {
            return Err(EstimateError::ConstantOutcome);
        }
        let has_effects = !sample.effects.is_empty();
        let intercept = columns.len();
        if !has_effects {
            columns.push(vec![1.0; n]);
            sizes.push(squared_length(&columns[intercept], weights_of));
        }
        Ok(Self {
            columns,
            sizes,
            outcome,
            weights,
            n_endogenous: sample.n_endogenous,
            n_regressors,
            intercept,
            has_effects,
            is_iterated: absorber.as_ref().is_some_and(Absorber::is_iterated),
            outcome_size,
            tss,
            tss_within,
            dropped,
        })
    }

    /// Share of a column's length outside the span of those before it, below which it is in that
    /// span.
    fn tolerance(&self) -> f64 {
        if self.has_effects { COLLINEAR_AFTER_EFFECTS } else { COLLINEAR }
    }

    /// The independent columns: the intercept first, then exogenous regressors, instruments, and
    /// endogenous regressors. The triangle has the outcome after them.
    fn independent(&mut self) -> Result<Independent, EstimateError> {
        let is_in = |at: usize| !self.dropped.iter().any(|d| d.regressor == at);
        let first: Vec<usize> = (!self.has_effects)
            .then_some(self.intercept)
            .into_iter()
            .chain(self.n_endogenous..self.n_regressors)
            .chain(self.n_regressors..self.intercept)
            .filter(|&at| at == self.intercept || is_in(at))
            .collect();
        // An endogenous regressor may be a combination of instruments: it is then its own
        // projection.
        let endogenous: Vec<usize> = (0..self.n_endogenous).filter(|&at| is_in(at)).collect();
        let views: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let after: Vec<&[f64]> =
            endogenous.iter().map(|&at| views[at]).chain([self.outcome.as_slice()]).collect();
        let mut found =
            independent(&views, &first, &after, self.weights.as_deref(), self.tolerance());
        found.kept.extend(&endogenous);
        let combined = std::mem::take(&mut found.combined);
        self.dropped.extend(combined.into_iter().map(|found| combination(found, self.intercept)));
        self.dropped.sort_by_key(|d| d.regressor);
        if !found.kept.iter().any(|&at| at < self.n_regressors) {
            return Err(EstimateError::NoRegressors(std::mem::take(&mut self.dropped)));
        }
        Ok(found)
    }

    /// Least squares of all columns that were found independent.
    fn in_one_stage(&self, found: &Independent) -> Solution {
        let views: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let k = found.kept.len();
        let inverse = inverse_triangle(&found.r, k, k + 1);
        let mut coefficients = dense::coefficients(&inverse, &found.r, k, k, k + 1);
        if !self.has_effects {
            let weights = self.weights.as_deref();
            refine(&mut coefficients, &found.kept, &views, &self.outcome, weights);
        }
        Solution {
            kept: found.kept.clone(),
            coefficients,
            basis: None,
            root: inverse,
            first_stages: Vec::new(),
        }
    }

    /// Two-stage least squares of the regressors on the projections of the endogenous ones.
    fn in_two_stages(
        &self,
        found: &Independent,
        n_absorbed: usize,
    ) -> Result<Solution, EstimateError> {
        let columns = &self.columns;
        let is_regressor = |at: usize| at < self.n_regressors || at == self.intercept;
        let stride = found.kept.len() + 1;
        let n_end = found.kept.iter().filter(|&&at| at < self.n_endogenous).count();
        let m = found.kept.len() - n_end;
        let exog: Vec<usize> = (0..m).filter(|&j| is_regressor(found.kept[j])).collect();
        let instruments = m - exog.len();
        if instruments < n_end {
            return Err(EstimateError::Underidentified { instruments, endogenous: n_end });
        }
        let places: Vec<usize> = (m..m + n_end).chain(exog.iter().copied()).collect();
        // In the space of the instruments: a small least-squares problem in the rows of R.
        let small: Vec<Vec<f64>> = places
            .iter()
            .chain(&[stride - 1])
            .map(|&j| (0..m).map(|i| if i <= j { found.r[i * stride + j] } else { 0.0 }).collect())
            .collect();
        let small_views: Vec<&[f64]> = small.iter().map(Vec::as_slice).collect();
        let k = places.len();
        let t = triangle(&small_views, None);
        let length = |j: usize| (0..=j).map(|i| t[i * (k + 1) + j].powi(2)).sum::<f64>().sqrt();
        let tolerance = self.tolerance().max(COLLINEAR_PROJECTION);
        if (0..k).any(|j| t[j * (k + 1) + j].abs() <= tolerance * length(j)) {
            return Err(EstimateError::RankCondition { endogenous: n_end });
        }
        let inverse = inverse_triangle(&t, k, k + 1);
        let outer = inverse_triangle(&found.r, m, stride);
        let fitted = |j: usize| -> Vec<f64> {
            let share = dense::coefficients(&outer, &found.r, m, j, stride);
            (0..self.outcome.len())
                .map(|row| (0..m).map(|i| share[i] * columns[found.kept[i]][row]).sum())
                .collect()
        };
        let hats: Vec<Vec<f64>> = places
            .iter()
            .map(|&j| if j >= m { fitted(j) } else { columns[found.kept[j]].clone() })
            .collect();
        Ok(Solution {
            kept: places.iter().map(|&j| found.kept[j]).collect(),
            coefficients: dense::coefficients(&inverse, &t, k, k, k + 1),
            basis: Some(orthonormal(hats, &inverse)),
            root: inverse,
            first_stages: self.first_stages(found, m, &exog, n_absorbed),
        })
    }

    /// The first stages of the endogenous regressors, which follow `m` columns, of which these are
    /// exogenous regressors and the others instruments.
    fn first_stages(
        &self,
        found: &Independent,
        m: usize,
        exog: &[usize],
        n_absorbed: usize,
    ) -> Vec<FirstStage> {
        let n_kept = found.kept.len();
        let r = |i: usize, j: usize| found.r[i * (n_kept + 1) + j];
        let df_instruments = m - exog.len();
        let df_residual = self.outcome.len().saturating_sub(m + n_absorbed);
        (m..n_kept)
            .map(|j| {
                let explained: f64 =
                    (0..m).filter(|i| !exog.contains(i)).map(|i| r(i, j).powi(2)).sum();
                let left: f64 = (m..=j).map(|i| r(i, j).powi(2)).sum();
                let f = (explained / float(df_instruments)) / (left / float(df_residual));
                // Instruments that leave nothing, or no rows to judge them by, have no F.
                let is_exact = left <= ROUNDING.powi(2) * (explained + left) || df_residual == 0;
                let f = (!is_exact && f.is_finite()).then_some(f);
                FirstStage { regressor: found.kept[j], f, df_instruments, df_residual }
            })
            .collect()
    }

    /// Whether residuals of this squared length are what rounding leaves.
    fn is_rounding(&self, solution: &Solution, rss: f64) -> bool {
        let added = |size: &(dyn Fn(usize) -> f64 + Sync)| -> f64 {
            let sizes: Vec<f64> = solution.kept.par_iter().map(|&at| size(at)).collect();
            solution.coefficients.iter().zip(sizes).map(|(b, size)| b * b * size).sum()
        };
        let of_rounding = ROUNDING.powi(2) * (self.outcome_size + added(&|at| self.sizes[at]));
        let of_iterations = if self.is_iterated {
            let left = |at: usize| squared_length(&self.columns[at], self.weights.as_deref());
            ROUNDING_AFTER_EFFECTS.powi(2) * (self.tss_within + added(&left))
        } else {
            0.0
        };
        rss <= of_rounding.max(of_iterations)
    }
}

/// A step of iterative refinement, which matters where regressors are nearly collinear.
fn refine(
    coefficients: &mut [f64],
    kept: &[usize],
    columns: &[&[f64]],
    outcome: &[f64],
    weights: Option<&[f64]>,
) {
    let residuals = residuals_of(outcome, kept, columns, coefficients);
    let all: Vec<&[f64]> =
        kept.iter().map(|&at| columns[at]).chain([residuals.as_slice()]).collect();
    let k = kept.len();
    let r = triangle(&all, weights);
    let inverse = inverse_triangle(&r, k, k + 1);
    let steps = dense::coefficients(&inverse, &r, k, k, k + 1);
    coefficients.iter_mut().zip(steps).for_each(|(beta, step)| *beta += step);
}

/// What coefficients of the columns `kept` leave of the outcome.
pub(crate) fn residuals_of<C: AsRef<[f64]> + Sync>(
    outcome: &[f64],
    kept: &[usize],
    columns: &[C],
    coefficients: &[f64],
) -> Vec<f64> {
    let mut residuals = vec![0.0; outcome.len()];
    by_rows(&mut residuals, |rows, residuals| {
        residuals.copy_from_slice(&outcome[rows.clone()]);
        for (&at, beta) in kept.iter().zip(coefficients) {
            let column = &columns[at].as_ref()[rows.clone()];
            residuals.iter_mut().zip(column).for_each(|(e, x)| *e -= beta * x);
        }
    });
    residuals
}

/// Does the same to each piece of the rows.
fn by_rows(values: &mut [f64], make: impl Fn(Range<usize>, &mut [f64]) + Sync) {
    let pieces = values.par_chunks_mut(ROWS_A_PIECE).enumerate();
    pieces.for_each(|(piece, values)| {
        let start = piece * ROWS_A_PIECE;
        make(start..start + values.len(), values);
    });
}

/// A column that [`independent`] left out, in terms of regressors.
pub(crate) fn combination(found: Combined, intercept: usize) -> Dropped {
    let with_intercept = found.of.contains(&intercept);
    let regressors = found.of.into_iter().filter(|&at| at != intercept).collect();
    let cause = Cause::Combination { regressors, with_intercept };
    Dropped { regressor: found.column, cause }
}

/// Parameters that effects stand for: their levels, less one for each after the first.
fn n_absorbed(effects: &[&Factor]) -> usize {
    let levels: usize = effects.iter().map(|effect| effect.n_levels).sum();
    levels - effects.len().saturating_sub(1)
}

fn largest(column: &[f64]) -> f64 {
    column.iter().fold(0.0, |size, value| size.max(value.abs()))
}

/// Columns times the inverse of their triangle.
pub(crate) fn orthonormal(mut columns: Vec<Vec<f64>>, inverse: &[f64]) -> Vec<Vec<f64>> {
    let k = columns.len();
    let n_pieces = columns.first().map_or(0, |column| column.len().div_ceil(ROWS_A_PIECE));
    let mut pieces: Vec<Vec<&mut [f64]>> = (0..n_pieces).map(|_| Vec::new()).collect();
    for column in &mut columns {
        let of_column = column.chunks_mut(ROWS_A_PIECE);
        pieces.iter_mut().zip(of_column).for_each(|(piece, column)| piece.push(column));
    }
    pieces.into_par_iter().for_each(|mut columns| {
        cancel::check();
        // The last comes first: no other needs it.
        for j in (0..k).rev() {
            let (before, own) = columns.split_at_mut(j);
            let own = &mut *own[0];
            let mut sum = vec![0.0; own.len()];
            for (i, column) in before.iter().enumerate() {
                let share = inverse[i * k + j];
                sum.iter_mut().zip(column.iter()).for_each(|(sum, x)| *sum += share * x);
            }
            let share = inverse[j * k + j];
            own.iter_mut().zip(sum).for_each(|(x, sum)| *x = sum + share * *x);
        }
    });
    columns
}

impl Fit {
    /// Rows used.
    pub fn n_rows(&self) -> usize {
        self.residuals.len()
    }

    /// Levels of each absorbed factor that are left.
    pub fn n_levels(&self) -> Vec<usize> {
        self.effects.iter().map(|&at| self.factors[at].n_levels).collect()
    }

    /// Levels of the factor at `place`.
    pub fn n_clusters(&self, place: usize) -> usize {
        self.factors[place].n_levels
    }

    /// The level of each used row of the factor at `place`.
    pub fn levels(&self, place: usize) -> &[u32] {
        &self.factors[place].of_row
    }

    /// Parameters the effects stand for: their levels, less one for each factor after the first, as
    /// fixest and pyfixest count them also where effects are nested or fall apart.
    pub fn n_absorbed(&self) -> usize {
        n_absorbed(&chosen(&self.effects, &self.factors))
    }

    /// For each effect, the place among the effects of one that is finer and explains all that it
    /// does.
    pub fn nested_effects(&self) -> Vec<Option<usize>> {
        absorbed_by(&chosen(&self.effects, &self.factors))
    }

    /// Parameters that these of the factors stand for: the rank of their dummies.
    ///
    /// # Errors
    ///
    /// [`EstimateError::TooManyLevels`] if there are three or more that are not nested, of too many
    /// levels.
    pub(crate) fn rank(&self, effects: &[usize]) -> Result<usize, EstimateError> {
        self.rank_of(&finest(&chosen(effects, &self.factors)))
    }

    /// The rank of the dummies of factors of which none is nested in another.
    fn rank_of(&self, finest: &[&Factor]) -> Result<usize, EstimateError> {
        match *finest {
            [] => Ok(0),
            [one] => Ok(one.n_levels),
            [a, b] => Ok(a.n_levels + b.n_levels - n_components(a, b)),
            _ => Absorber::new(finest, None, self.options.tolerance).rank(MOST_LEVELS),
        }
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// What takes the effects out; `None` without effects.
    pub(crate) fn absorber(&self) -> Option<Absorber> {
        Absorber::of(&self.effects, &self.factors, self.weights.as_deref(), self.options.tolerance)
    }

    /// Refuses a fit without a degree of freedom, counting what the effects stand for at the least.
    pub(crate) fn check_degrees(&self) -> Result<(), EstimateError> {
        let finest = finest(&chosen(&self.effects, &self.factors));
        let at_most = n_absorbed(&finest);
        if self.coefficients.len() + at_most >= self.n_rows() {
            // Effects that fall apart stand for fewer.
            let parameters = self.coefficients.len() + self.rank_of(&finest).unwrap_or(at_most);
            if parameters >= self.n_rows() {
                return Err(EstimateError::NoDegrees { rows: self.n_rows(), parameters });
            }
        }
        Ok(())
    }
}
