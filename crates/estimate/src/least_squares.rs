//! Least squares, with and without instruments, once the effects are out (Frisch, Waugh & Lovell).

use crate::EstimateError;
use crate::absorb::{ABSORBED, Absorber};
use crate::dense::{self, inverse_triangle, squared_length, triangle};
use crate::factor::{Factor, absorbed_by, chosen, finest, n_components};
use crate::sample::{Options, Sample};
use rayon::prelude::*;

/// Share of what a fit adds up that rounding may leave of it.
const ROUNDING: f64 = 256.0 * f64::EPSILON;
/// The same, of what the effects leave, where they were taken out by iterations.
const ROUNDING_AFTER_EFFECTS: f64 = 1e-9;
/// Share of an outcome's size that does not count as variation.
const CONSTANT: f64 = 1e-14;
/// Levels of effects, beside those of the largest, whose dense matrix is affordable.
const MOST_LEVELS: usize = 2_000;
/// Share of a column's length outside the span of the columns before it, below which it is in that span.
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
    /// It is a combination of these regressors and, with `true`, of the intercept.
    Combination(Vec<usize>, bool),
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
    /// F of the instruments left out of the second stage, under iid errors; `None` if they explain all of it, or no degrees
    /// of freedom are left.
    pub f: Option<f64>,
    /// Its degrees of freedom.
    pub df: (usize, usize),
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
    /// Orthonormal combinations of the kept regressors (`Q` of their decomposition), effects out: the scores of these do not lose
    /// their digits where regressors are far from zero or nearly collinear.
    pub(crate) basis: Vec<Vec<f64>>,
    /// `R^-1`: regressors times it are the basis, and it times coefficients of the basis are those of the regressors.
    pub(crate) root: Vec<f64>,
    pub(crate) outcome: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) effects: Vec<usize>,
    pub(crate) is_generalised: bool,
    pub(crate) has_instruments: bool,
    pub(crate) options: Options,
}

/// Columns that are independent, with the triangle of their decomposition.
pub(crate) struct Independent {
    /// Places of the columns kept.
    pub(crate) kept: Vec<usize>,
    /// Places left out, with the kept columns each combines.
    pub(crate) combined: Vec<(usize, Vec<usize>)>,
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
        let all: Vec<&[f64]> =
            kept.iter().map(|&at| columns[at]).chain(extra.iter().copied()).collect();
        let k = all.len();
        let r = triangle(&all, weights);
        let length = |j: usize| (0..=j).map(|i| r[i * k + j].powi(2)).sum::<f64>().sqrt();
        let bad = (0..kept.len()).find(|&j| r[j * k + j].abs() <= tolerance * length(j));
        let Some(j) = bad else { return Independent { kept, combined, r } };
        let inverse = inverse_triangle(&r, j, k);
        let parts = (0..j)
            .filter(|&i| {
                let share: f64 = (i..j).map(|m| inverse[i * j + m] * r[m * k + j]).sum();
                share.abs() * length(i) > 1e-6 * length(j)
            })
            .map(|i| kept[i])
            .collect();
        combined.push((kept.remove(j), parts));
    }
}

fn length(column: &[f64], weights: Option<&[f64]>) -> f64 {
    let weight = |at: usize| weights.map_or(1.0, |weights| weights[at]);
    let total: f64 = (0..column.len()).map(weight).sum();
    let mean = (0..column.len()).map(|at| weight(at) * column[at]).sum::<f64>() / total;
    (0..column.len()).map(|at| weight(at) * (column[at] - mean).powi(2)).sum::<f64>().sqrt()
}

/// The factors within whose levels a column does not vary.
fn constant_within(column: &[f64], factors: &[Factor], effects: &[usize]) -> Vec<usize> {
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
    effects.iter().copied().filter(|&at| is_constant(&factors[at])).collect()
}

/// Takes effects out of columns, and tells which columns they explain wholly.
pub(crate) fn absorb_regressors(
    absorber: Option<&Absorber>,
    columns: &mut [Vec<f64>],
    weights: Option<&[f64]>,
    factors: &[Factor],
    effects: &[usize],
) -> Result<Vec<Dropped>, EstimateError> {
    let measure = |columns: &[Vec<f64>]| -> Vec<f64> {
        columns.par_iter().map(|column| length(column, weights)).collect()
    };
    let before = measure(columns);
    let mut dropped: Vec<Dropped> = Vec::new();
    let is_flat: Vec<bool> = columns
        .iter()
        .zip(&before)
        .map(|(column, before)| *before <= 1e-13 * largest(column) * (column.len() as f64).sqrt())
        .collect();
    let within: Vec<Vec<usize>> =
        columns.par_iter().map(|column| constant_within(column, factors, effects)).collect();
    if let Some(absorber) = absorber {
        let mut all: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
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

/// Ordinary least squares of the outcome on the regressors and the absorbed effects; weighted with weights; in two stages with
/// instruments.
///
/// # Errors
///
/// [`EstimateError`] if nothing can be estimated or the effects do not converge.
pub fn ols(mut sample: Sample, options: &Options) -> Result<Fit, EstimateError> {
    let n_zero_weights = sample.without_zero_weights()?;
    let n_singletons = sample.prepare(options)?;
    let n = sample.n_rows();
    let weights = sample.weights.take();
    let weights_of = weights.as_deref();
    let outcome_size = squared_length(&sample.outcome, weights_of);
    let tss = length(&sample.outcome, weights_of).powi(2);
    let scale = largest(&sample.outcome);
    let absorber = sample.absorber(weights_of, options.tolerance);
    let n_regressors = sample.regressors.len();
    let mut columns = std::mem::take(&mut sample.regressors);
    columns.append(&mut sample.instruments);
    let mut sizes: Vec<f64> =
        columns.par_iter().map(|column| squared_length(column, weights_of)).collect();
    let mut dropped = absorb_regressors(
        absorber.as_ref(),
        &mut columns,
        weights_of,
        &sample.factors,
        &sample.effects,
    )?;
    let mut outcome = std::mem::take(&mut sample.outcome);
    if let Some(absorber) = &absorber {
        absorber.absorb(&mut [&mut outcome], weights_of)?;
    }
    let absorbed_outcome = absorber.is_some();
    let is_iterated = absorber.as_ref().is_some_and(Absorber::is_iterated);
    drop(absorber);
    let tss_within = squared_length(&outcome, weights_of);
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
    let rounding = (CONSTANT * scale).powi(2) * n as f64;
    if tss <= rounding || absorbed_outcome && tss_within <= ABSORBED.powi(2) * tss {
        return Err(EstimateError::ConstantOutcome);
    }
    let has_effects = !sample.effects.is_empty();
    let intercept = columns.len();
    if !has_effects {
        columns.push(vec![1.0; n]);
        sizes.push(squared_length(&columns[intercept], weights_of));
    }
    let tolerance = if has_effects { COLLINEAR_AFTER_EFFECTS } else { COLLINEAR };
    let is_out = |at: usize, dropped: &[Dropped]| dropped.iter().any(|d| d.regressor == at);
    let n_endogenous = sample.n_endogenous;
    // The intercept first, then exogenous regressors, instruments, and endogenous regressors.
    let first: Vec<usize> = (!has_effects)
        .then_some(intercept)
        .into_iter()
        .chain(n_endogenous..n_regressors)
        .chain(n_regressors..intercept)
        .filter(|&at| at == intercept || !is_out(at, &dropped))
        .collect();
    // An endogenous regressor may be a combination of instruments: it is then its own projection.
    let endogenous: Vec<usize> = (0..n_endogenous).filter(|&at| !is_out(at, &dropped)).collect();
    let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let after: Vec<&[f64]> =
        endogenous.iter().map(|&at| views[at]).chain([outcome.as_slice()]).collect();
    let mut found = independent(&views, &first, &after, weights_of, tolerance);
    let n_first = found.kept.len();
    found.kept.extend(&endogenous);
    dropped.extend(found.combined.into_iter().map(|found| combination(found, intercept)));
    dropped.sort_by_key(|d| d.regressor);
    let is_regressor = |at: usize| at < n_regressors || at == intercept;
    if !found.kept.iter().any(|&at| at < n_regressors) {
        return Err(EstimateError::NoRegressors(dropped));
    }
    let stride = found.kept.len() + 1;
    let has_instruments = n_endogenous > 0;
    let mut first_stages = Vec::new();
    let (kept, coefficients, basis, root) = if has_instruments {
        let (n_end, m) = (endogenous.len(), n_first);
        let n_instruments =
            found.kept.iter().filter(|&&at| (n_regressors..intercept).contains(&at)).count();
        if n_instruments < n_end {
            return Err(EstimateError::Underidentified {
                instruments: n_instruments,
                endogenous: n_end,
            });
        }
        let r = |i: usize, j: usize| found.r[i * stride + j];
        let exog: Vec<usize> = (0..m).filter(|&j| is_regressor(found.kept[j])).collect();
        let places: Vec<usize> = (m..m + n_end).chain(exog.iter().copied()).collect();
        // In the space of the instruments: a small least-squares problem in the rows of R.
        let small: Vec<Vec<f64>> = places
            .iter()
            .chain(&[stride - 1])
            .map(|&j| (0..m).map(|i| if i <= j { r(i, j) } else { 0.0 }).collect())
            .collect();
        let small_views: Vec<&[f64]> = small.iter().map(Vec::as_slice).collect();
        let k = places.len();
        let t = triangle(&small_views, None);
        let length = |j: usize| (0..=j).map(|i| t[i * (k + 1) + j].powi(2)).sum::<f64>().sqrt();
        if (0..k)
            .any(|j| t[j * (k + 1) + j].abs() <= tolerance.max(COLLINEAR_PROJECTION) * length(j))
        {
            return Err(EstimateError::RankCondition { endogenous: n_end });
        }
        let inverse = inverse_triangle(&t, k, k + 1);
        let coefficients = dense::coefficients(&inverse, &t, k, k, k + 1);
        let outer = inverse_triangle(&found.r, m, stride);
        let n_absorbed = n_absorbed(&chosen(&sample.effects, &sample.factors));
        let n_exog = exog.len();
        for j in m..m + n_end {
            let explained: f64 =
                (0..m).filter(|&i| !exog.contains(&i)).map(|i| r(i, j).powi(2)).sum();
            let left: f64 = (m..=j).map(|i| r(i, j).powi(2)).sum();
            let df = (n_instruments, n.saturating_sub(n_exog + n_instruments + n_absorbed));
            #[expect(clippy::cast_precision_loss, reason = "counts")]
            let f = (explained / df.0 as f64) / (left / df.1 as f64);
            // Instruments that leave nothing, or no rows to judge them by, have no F.
            let is_exact = left <= ROUNDING.powi(2) * (explained + left) || df.1 == 0;
            let f = (!is_exact && f.is_finite()).then_some(f);
            first_stages.push(FirstStage { regressor: found.kept[j], f, df });
        }
        let fitted = |j: usize| -> Vec<f64> {
            let share = dense::coefficients(&outer, &found.r, m, j, stride);
            (0..n).map(|row| (0..m).map(|i| share[i] * columns[found.kept[i]][row]).sum()).collect()
        };
        let hats: Vec<Vec<f64>> = places
            .iter()
            .map(|&j| if j >= m { fitted(j) } else { columns[found.kept[j]].clone() })
            .collect();
        let kept: Vec<usize> = places.iter().map(|&j| found.kept[j]).collect();
        let hats: Vec<&[f64]> = hats.iter().map(Vec::as_slice).collect();
        (kept, coefficients, orthonormal(&hats, &inverse), inverse)
    } else {
        let k = found.kept.len();
        let inverse = inverse_triangle(&found.r, k, stride);
        let mut coefficients = dense::coefficients(&inverse, &found.r, k, k, stride);
        if !has_effects {
            refine(&mut coefficients, &found.kept, &views, &outcome, weights_of);
        }
        let kept: Vec<&[f64]> = found.kept.iter().map(|&at| views[at]).collect();
        (found.kept.clone(), coefficients, orthonormal(&kept, &inverse), inverse)
    };
    let residuals = residuals_of(&outcome, &kept, &columns, &coefficients);
    let added = |size: &dyn Fn(usize) -> f64| -> f64 {
        kept.iter().zip(&coefficients).map(|(&at, b)| b * b * size(at)).sum()
    };
    let of_rounding = ROUNDING.powi(2) * (outcome_size + added(&|at| sizes[at]));
    let of_iterations = if is_iterated {
        let left = |at: usize| squared_length(&columns[at], weights_of);
        ROUNDING_AFTER_EFFECTS.powi(2) * (tss_within + added(&left))
    } else {
        0.0
    };
    let rss = squared_length(&residuals, weights_of);
    if !coefficients.iter().chain(&root).all(|value| value.is_finite()) {
        return Err(EstimateError::NotFinite);
    }
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
    let rmse = (rss / n as f64).sqrt();
    let fit = Fit {
        coefficients,
        kept: kept.iter().map(|&at| (at != intercept).then_some(at)).collect(),
        dropped,
        rows: sample.rows,
        n_zero_weights,
        n_singletons,
        n_separated: 0,
        is_exact: rss <= of_rounding.max(of_iterations),
        rss,
        r2: 1.0 - rss / tss,
        r2_within: has_effects.then_some(1.0 - rss / tss_within),
        rmse,
        deviance: None,
        n_iterations: 0,
        first_stages,
        residuals,
        basis,
        root,
        outcome,
        weights,
        factors: sample.factors,
        effects: sample.effects,
        is_generalised: false,
        has_instruments,
        options: *options,
    };
    fit.check_degrees()?;
    Ok(fit)
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
pub(crate) fn residuals_of<C: AsRef<[f64]>>(
    outcome: &[f64],
    kept: &[usize],
    columns: &[C],
    coefficients: &[f64],
) -> Vec<f64> {
    let mut residuals = outcome.to_vec();
    for (&at, beta) in kept.iter().zip(coefficients) {
        residuals.iter_mut().zip(columns[at].as_ref()).for_each(|(e, x)| *e -= beta * x);
    }
    residuals
}

/// A column that [`independent`] left out, in terms of regressors.
pub(crate) fn combination((regressor, parts): (usize, Vec<usize>), intercept: usize) -> Dropped {
    let with_intercept = parts.contains(&intercept);
    let parts = parts.into_iter().filter(|&at| at != intercept).collect();
    Dropped { regressor, cause: Cause::Combination(parts, with_intercept) }
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
pub(crate) fn orthonormal(columns: &[&[f64]], inverse: &[f64]) -> Vec<Vec<f64>> {
    let k = columns.len();
    (0..k)
        .into_par_iter()
        .map(|j| {
            let mut sum = vec![0.0; columns[0].len()];
            for (i, column) in columns.iter().enumerate().take(j + 1) {
                let share = inverse[i * k + j];
                sum.iter_mut().zip(*column).for_each(|(sum, x)| *sum += share * x);
            }
            sum
        })
        .collect()
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

    /// Parameters the effects stand for: their levels, less one for each factor after the first, as fixest and pyfixest count
    /// them also where effects are nested or fall apart.
    pub fn n_absorbed(&self) -> usize {
        n_absorbed(&chosen(&self.effects, &self.factors))
    }

    /// For each effect, the place among the effects of one that is finer and explains all that it does.
    pub fn nested_effects(&self) -> Vec<Option<usize>> {
        absorbed_by(&chosen(&self.effects, &self.factors))
    }

    /// Parameters that these of the factors stand for: the rank of their dummies.
    ///
    /// # Errors
    ///
    /// [`EstimateError::TooManyLevels`] if there are three or more that are not nested, of too many levels.
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
