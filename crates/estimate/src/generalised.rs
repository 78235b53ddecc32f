//! Generalised linear models with absorbed effects, by iteratively reweighted least squares.
//!
//! Poisson pseudo maximum likelihood keeps zeros (Santos Silva & Tenreyro 2006). Rows that the likelihood would fit exactly only in the
//! limit are separated (Stata's and fixest's "perfect prediction" in logit): they tell nothing of the coefficients that exist, and are left out and counted (Correia, Guimaraes & Zylkin
//! 2019). Those of a level whose outcomes are all at the edge are found first, the others by how far their index runs away.

use crate::EstimateError;
use crate::dense::{self, inverse_triangle};
use crate::least_squares::{
    Dropped, Fit, absorb_regressors, combination, independent, orthonormal, residuals_of,
};
use crate::sample::{Options, Sample};

/// The law of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `E y = exp(index)`, for outcomes of zero or more.
    Poisson,
    /// `P(y = 1) = 1 / (1 + exp(-index))`, for outcomes 0 and 1.
    Logit,
}

/// An index this far below (or, for logit, above) what the mean outcome asks for is running away.
const RUNAWAY: f64 = 21.0;
/// Relative change of the deviance, and of any coefficient, at which iterations end.
const SETTLED: f64 = 1e-10;
/// Relative change of the deviance at which a row that ran away is separated.
const NEARLY_SETTLED: f64 = 1e-8;
/// Relative change of the deviance that is rounding: where it stays so, coefficients that still move are known no better.
const AT_REST: f64 = 1e-12;
/// How far a row's index goes on in each iteration if it runs away.
const GOES_ON: f64 = 0.3;
/// Times that a step is halved.
const HALVINGS: usize = 30;

/// Root of the mean squared residual, relative to the outcome's, below which it is what the iterations left.
const EXACT: f64 = 1e-9;

impl Family {
    fn check(self, outcome: &[f64]) -> Result<(), EstimateError> {
        let (is_good, expected): (fn(f64) -> bool, _) = match self {
            Self::Poisson => (|y| y >= 0.0, "Poisson needs zero or more"),
            Self::Logit => (|y| [0.0, 1.0].contains(&y), "logit needs 0 or 1"),
        };
        match outcome.iter().position(|&y| !is_good(y)) {
            Some(row) => Err(EstimateError::Outcome { value: outcome[row], expected }),
            None => Ok(()),
        }
    }

    fn mean(self, index: f64) -> f64 {
        match self {
            Self::Poisson => index.exp(),
            Self::Logit => 1.0 / (1.0 + (-index).exp()),
        }
    }

    /// The variance of the outcome, which is also the slope of the mean: both links are canonical.
    fn variance(self, mean: f64) -> f64 {
        match self {
            Self::Poisson => mean,
            Self::Logit => mean * (1.0 - mean),
        }
    }

    fn deviance(self, y: f64, mean: f64) -> f64 {
        let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
        2.0 * match self {
            Self::Poisson => part(y, mean) - (y - mean),
            Self::Logit => part(y, mean) + part(1.0 - y, 1.0 - mean),
        }
    }

    fn start(self, y: f64, mean: f64) -> f64 {
        match self {
            Self::Poisson => f64::midpoint(y, mean).ln(),
            Self::Logit => {
                let p = (y + 0.5) / 2.0;
                (p / (1.0 - p)).ln()
            }
        }
    }
}

/// Leaves out the rows of levels whose outcomes are all at the edge, with the singletons this makes.
fn without_edges(
    sample: &mut Sample,
    family: Family,
    options: &Options,
) -> Result<(usize, usize), EstimateError> {
    let (mut n_singletons, mut n_separated) = (sample.prepare(options)?, 0);
    loop {
        let mut keep = vec![true; sample.n_rows()];
        for &at in &sample.effects {
            let factor = &sample.factors[at];
            let positive = factor.sums(|row| f64::from(u8::from(sample.outcome[row] > 0.0)));
            let rows = factor.sums(|_| 1.0);
            for (row, &level) in factor.of_row.iter().enumerate() {
                let (positive, rows) = (positive[level as usize], rows[level as usize]);
                #[expect(clippy::float_cmp, reason = "both are counts")]
                let is_edge = positive == 0.0 || (family == Family::Logit && positive == rows);
                keep[row] &= !is_edge;
            }
        }
        let n_out = keep.iter().filter(|keep| !**keep).count();
        if n_out == 0 {
            return Ok((n_singletons, n_separated));
        }
        n_separated += n_out;
        sample.retain(&keep);
        if sample.n_rows() == 0 {
            return Err(EstimateError::NoRows(
                "in every row some effect predicts the outcome perfectly, as it has outcomes of one kind only (perfect prediction)".to_owned(),
            ));
        }
        n_singletons += sample.prepare(options)?;
    }
}

/// A generalised linear model of the outcome on the regressors and the absorbed effects.
///
/// # Errors
///
/// [`EstimateError`] if the outcome is not of the family, nothing can be estimated, or iterations do not converge.
pub fn glm(mut sample: Sample, family: Family, options: &Options) -> Result<Fit, EstimateError> {
    if sample.n_endogenous > 0 {
        return Err(EstimateError::Inference("instruments are for least squares only"));
    }
    family.check(&sample.outcome)?;
    let n_zero_weights = sample.without_zero_weights()?;
    let (mut n_singletons, mut n_separated) = without_edges(&mut sample, family, options)?;
    let mut is_separated = false;
    loop {
        let step = iterate(&sample, family, options).map_err(|error| match error {
            // What is left once others ran away has nothing of its own to explain.
            EstimateError::ConstantOutcome | EstimateError::NoRegressors(_) if is_separated => {
                EstimateError::PerfectPrediction
            }
            error => error,
        })?;
        match step {
            Step::Done(mut fit) => {
                fit.n_zero_weights = n_zero_weights;
                fit.n_singletons = n_singletons;
                fit.n_separated = n_separated;
                fit.check_degrees()?;
                return Ok(*fit);
            }
            Step::Separated(keep) => {
                is_separated = true;
                if keep.iter().all(|keep| !keep) {
                    return Err(EstimateError::PerfectPrediction);
                }
                n_separated += keep.iter().filter(|keep| !**keep).count();
                sample.retain(&keep);
                let edges = without_edges(&mut sample, family, options);
                let (singletons, separated) = edges.map_err(|error| match error {
                    EstimateError::NoRows(_) => EstimateError::PerfectPrediction,
                    error => error,
                })?;
                n_singletons += singletons;
                n_separated += separated;
            }
        }
    }
}

enum Step {
    Done(Box<Fit>),
    Separated(Vec<bool>),
}

fn iterate(sample: &Sample, family: Family, options: &Options) -> Result<Step, EstimateError> {
    let n = sample.n_rows();
    let y = &sample.outcome;
    let prior = |row: usize| sample.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let total: f64 = (0..n).map(prior).sum();
    let mean_y = (0..n).map(|row| prior(row) * y[row]).sum::<f64>() / total;
    let is_one_value = y.iter().all(|v| (v - y[0]).abs() == 0.0);
    if is_one_value {
        return Err(EstimateError::ConstantOutcome);
    }
    let mut index: Vec<f64> = y.iter().map(|&v| family.start(v, mean_y)).collect();
    let has_effects = !sample.effects.is_empty();
    let intercept = sample.regressors.len();
    let mut columns = sample.regressors.clone();
    if !has_effects {
        columns.push(vec![1.0; n]);
    }
    let mut absorber = sample.absorber(None, options.tolerance);
    let mut working = vec![0.0; n];
    let mut before = vec![0.0; n];
    let mut weights = vec![0.0; n];
    let mut deviance = f64::INFINITY;
    let mut coefficients: Vec<f64> = Vec::new();
    let mut dropped: Vec<Dropped> = Vec::new();
    let mut change = f64::INFINITY;
    let mut n_at_rest = 0;
    for iteration in 1..=options.max_iterations {
        for row in 0..n {
            let mean = family.mean(index[row]);
            let slope = family.variance(mean).max(f64::MIN_POSITIVE);
            weights[row] = prior(row) * slope;
            let z = index[row] + (y[row] - mean) / slope;
            // What was taken out before stays out: only the change is new to the effects.
            working[row] += z - before[row];
            before[row] = z;
        }
        if let Some(absorber) = &mut absorber {
            absorber.set_weights(Some(&weights));
        }
        if iteration == 1 {
            let absorbed = absorb_regressors(
                absorber.as_ref(),
                &mut columns,
                Some(&weights),
                &sample.factors,
                &sample.effects,
            )?;
            dropped = absorbed.into_iter().filter(|d| d.regressor != intercept).collect();
        } else if let Some(absorber) = &absorber {
            let is_used = |at: usize| !dropped.iter().any(|d| d.regressor == at);
            let used = columns.iter_mut().enumerate().filter(|(at, _)| is_used(*at));
            let mut used: Vec<&mut [f64]> = used.map(|(_, column)| column.as_mut_slice()).collect();
            absorber.absorb(&mut used, Some(&weights))?;
        }
        if let Some(absorber) = &absorber {
            absorber.absorb(&mut [&mut working], Some(&weights))?;
        }
        let candidates: Vec<usize> = (!has_effects)
            .then_some(intercept)
            .into_iter()
            .chain((0..intercept).filter(|at| !dropped.iter().any(|d| d.regressor == *at)))
            .collect();
        let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let found = independent(&views, &candidates, &[&working], Some(&weights), 1e-9);
        dropped.extend(found.combined.into_iter().map(|found| combination(found, intercept)));
        if !found.kept.iter().any(|&at| at < intercept) {
            return Err(EstimateError::NoRegressors(dropped));
        }
        let k = found.kept.len();
        let inverse = inverse_triangle(&found.r, k, k + 1);
        let new = dense::coefficients(&inverse, &found.r, k, k, k + 1);
        let residuals = residuals_of(&working, &found.kept, &columns, &new);
        let deviance_at = |index: &[f64]| -> f64 {
            (0..n).map(|row| prior(row) * family.deviance(y[row], family.mean(index[row]))).sum()
        };
        let last = std::mem::take(&mut index);
        index = (0..n).map(|row| before[row] - residuals[row]).collect();
        let mut new_deviance = deviance_at(&index);
        // A step that goes too far is halved, but for the first, which leaves the start.
        let is_worse = |new: f64| !new.is_finite() || new > deviance * (1.0 + 1e-9) + 1e-9;
        for _ in 0..HALVINGS {
            if iteration == 1 && new_deviance.is_finite() || !is_worse(new_deviance) {
                break;
            }
            for (new, last) in index.iter_mut().zip(&last) {
                *new = f64::midpoint(*new, *last);
            }
            new_deviance = deviance_at(&index);
        }
        if !new_deviance.is_finite() || !new.iter().all(|b| b.is_finite()) {
            return Err(EstimateError::LikelihoodNotConverged { iterations: iteration, change });
        }
        change = (deviance - new_deviance).abs() / (0.1 + new_deviance.abs());
        let moved = if coefficients.len() == k {
            let scale = new.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            coefficients.iter().zip(&new).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
                / scale.max(1e-300)
        } else {
            f64::INFINITY
        };
        deviance = new_deviance;
        coefficients.clone_from(&new);
        let level = mean_y.max(f64::MIN_POSITIVE);
        // How far a row ran to where its outcome is certain, beyond what counts as running away.
        let beyond = |row: usize, index: f64| match family {
            Family::Poisson if y[row] > 0.0 => f64::NEG_INFINITY,
            Family::Poisson => level.ln() - index - RUNAWAY,
            Family::Logit => (if y[row] > 0.0 { index } else { -index }) - RUNAWAY,
        };
        // A step that goes too far comes back; what runs away goes on, and changes the deviance ever less.
        let is_away = |row: usize| {
            let (then, now) = (beyond(row, last[row]), beyond(row, index[row]));
            // Newton's steps go on by about one each; where a row has its place, they end.
            now > 0.0 && now - then > GOES_ON && change < NEARLY_SETTLED
        };
        let keep: Vec<bool> = (0..n).map(|row| !is_away(row)).collect();
        if keep.iter().any(|keep| !keep) {
            return Ok(Step::Separated(keep));
        }
        n_at_rest = if change < AT_REST { n_at_rest + 1 } else { 0 };
        if change < SETTLED && (moved < SETTLED || n_at_rest >= 3) {
            let null_deviance: f64 =
                (0..n).map(|row| prior(row) * family.deviance(y[row], mean_y)).sum();
            let mse = (0..n)
                .map(|row| prior(row) * (y[row] - family.mean(index[row])).powi(2))
                .sum::<f64>();
            let rss = (0..n).map(|row| weights[row] * residuals[row].powi(2)).sum();
            let kept: Vec<&[f64]> = found.kept.iter().map(|&at| views[at]).collect();
            dropped.sort_by_key(|d| d.regressor);
            #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
            return Ok(Step::Done(Box::new(Fit {
                coefficients,
                kept: found.kept.iter().map(|&at| (at != intercept).then_some(at)).collect(),
                dropped,
                rows: sample.rows.clone(),
                n_zero_weights: 0,
                n_singletons: 0,
                n_separated: 0,
                is_exact: mse
                    <= EXACT.powi(2) * (0..n).map(|row| prior(row) * y[row].powi(2)).sum::<f64>(),
                rss,
                r2: 1.0 - deviance / null_deviance,
                r2_within: None,
                rmse: (mse / n as f64).sqrt(),
                deviance: Some(deviance),
                n_iterations: iteration,
                first_stages: Vec::new(),
                residuals,
                basis: orthonormal(&kept, &inverse),
                root: inverse,
                outcome: working,
                weights: Some(weights),
                factors: sample.factors.clone(),
                effects: sample.effects.clone(),
                is_generalised: true,
                has_instruments: false,
                options: *options,
            })));
        }
    }
    Err(EstimateError::LikelihoodNotConverged { iterations: options.max_iterations, change })
}
