//! Generalised linear models with absorbed effects, by iteratively reweighted least squares.
//!
//! Poisson pseudo maximum likelihood keeps zeros (Santos Silva & Tenreyro 2006). Rows that the
//! likelihood would fit exactly only in the limit are separated (Stata's and fixest's "perfect
//! prediction" in logit): they tell nothing of the coefficients that exist, and are left out and
//! counted (Correia, Guimaraes & Zylkin 2019). Those of a level whose outcomes are all at the edge
//! are found first, the others by how far their index runs away.

use crate::EstimateError;
use crate::absorb::Absorber;
use crate::dense::{self, float, inverse_triangle};
use crate::least_squares::{
    Dropped, Fit, Independent, absorb_columns, combination, independent, orthonormal, residuals_of,
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
/// Relative change of the deviance that is rounding: where it stays so, coefficients that still
/// move are known no better.
const AT_REST: f64 = 1e-12;
/// How far a row's index goes on in each iteration if it runs away.
const GOES_ON: f64 = 0.3;
/// Times that a step is halved.
const HALVINGS: usize = 30;

/// Root of the mean squared residual, relative to the outcome's, below which it is what the
/// iterations left.
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

/// Leaves out the rows of levels whose outcomes are all at the edge, with the singletons this
/// makes.
fn without_edges(
    sample: &mut Sample,
    family: Family,
    options: &Options,
) -> Result<(usize, usize), EstimateError> {
    let (mut n_singletons, mut n_separated) = (sample.prepare(options)?, 0);
    loop {
        cancel::check();
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
/// [`EstimateError`] if the outcome is not of the family, nothing can be estimated, or iterations
/// do not converge.
pub fn glm(mut sample: Sample, family: Family, options: &Options) -> Result<Fit, EstimateError> {
    if sample.n_endogenous > 0 {
        return Err(EstimateError::Inference("instruments are for least squares only"));
    }
    family.check(&sample.outcome)?;
    let n_zero_weights = sample.without_zero_weights()?;
    let (mut n_singletons, mut n_separated) = without_edges(&mut sample, family, options)?;
    let mut is_separated = false;
    loop {
        cancel::check();
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
    let mut at_work = Iterations::new(sample, family, options)?;
    while at_work.n_iterations < options.max_iterations {
        at_work.n_iterations += 1;
        at_work.weigh();
        at_work.absorb()?;
        let solution = at_work.solve()?;
        let last = at_work.step(&solution)?;
        let keep = at_work.stays(&last);
        if keep.iter().any(|keep| !keep) {
            return Ok(Step::Separated(keep));
        }
        if at_work.is_settled() {
            return Ok(Step::Done(Box::new(at_work.fit(solution))));
        }
    }
    Err(at_work.not_converged())
}

/// Iteratively reweighted least squares at work.
struct Iterations<'s> {
    sample: &'s Sample,
    family: Family,
    options: &'s Options,
    /// The weighted mean of the outcome.
    mean_y: f64,
    /// Regressors and, without effects, the intercept, effects out.
    columns: Vec<Vec<f64>>,
    absorber: Option<Absorber>,
    /// Regressors that are left out.
    dropped: Vec<Dropped>,
    /// The linear index of each row.
    index: Vec<f64>,
    /// The working outcome, effects out.
    working: Vec<f64>,
    /// The same before they were out.
    before: Vec<f64>,
    /// The weights of the rows, times the slope of the mean.
    weights: Vec<f64>,
    n_iterations: usize,
    coefficients: Vec<f64>,
    deviance: f64,
    /// The last relative change of the deviance.
    change: f64,
    /// The last relative change of any coefficient.
    moved: f64,
    /// Iterations in a row that changed the deviance by rounding only.
    n_at_rest: usize,
}

/// Weighted least squares of the working outcome.
struct Solution {
    /// Places of the columns that have a coefficient.
    kept: Vec<usize>,
    /// The inverse of their triangle.
    inverse: Vec<f64>,
    coefficients: Vec<f64>,
    residuals: Vec<f64>,
}

impl<'s> Iterations<'s> {
    fn new(
        sample: &'s Sample,
        family: Family,
        options: &'s Options,
    ) -> Result<Self, EstimateError> {
        let n = sample.n_rows();
        let y = &sample.outcome;
        let prior = |row: usize| sample.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..n).map(prior).sum();
        let mean_y = (0..n).map(|row| prior(row) * y[row]).sum::<f64>() / total;
        let is_one_value = y.iter().all(|v| (v - y[0]).abs() == 0.0);
        if is_one_value {
            return Err(EstimateError::ConstantOutcome);
        }
        let mut columns = sample.regressors.clone();
        if sample.effects.is_empty() {
            columns.push(vec![1.0; n]);
        }
        Ok(Self {
            sample,
            family,
            options,
            mean_y,
            columns,
            absorber: sample.absorber(None, options.tolerance),
            dropped: Vec::new(),
            index: y.iter().map(|&v| family.start(v, mean_y)).collect(),
            working: vec![0.0; n],
            before: vec![0.0; n],
            weights: vec![0.0; n],
            n_iterations: 0,
            coefficients: Vec::new(),
            deviance: f64::INFINITY,
            change: f64::INFINITY,
            moved: f64::INFINITY,
            n_at_rest: 0,
        })
    }

    /// The weight of a row in the sample.
    fn prior(&self, row: usize) -> f64 {
        self.sample.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// The place of the intercept among the columns.
    fn intercept(&self) -> usize {
        self.sample.regressors.len()
    }

    fn deviance_at(&self, index: &[f64]) -> f64 {
        let (y, family) = (&self.sample.outcome, self.family);
        (0..y.len())
            .map(|row| self.prior(row) * family.deviance(y[row], family.mean(index[row])))
            .sum()
    }

    fn not_converged(&self) -> EstimateError {
        let (iterations, change) = (self.n_iterations, self.change);
        EstimateError::LikelihoodNotConverged { iterations, change }
    }

    /// Makes the working outcome and its weights of the index.
    fn weigh(&mut self) {
        for row in 0..self.index.len() {
            let mean = self.family.mean(self.index[row]);
            let slope = self.family.variance(mean).max(f64::MIN_POSITIVE);
            self.weights[row] = self.prior(row) * slope;
            let z = self.index[row] + (self.sample.outcome[row] - mean) / slope;
            // What was taken out before stays out: only the change is new to the effects.
            self.working[row] += z - self.before[row];
            self.before[row] = z;
        }
        if let Some(absorber) = &mut self.absorber {
            absorber.set_weights(Some(&self.weights));
        }
    }

    /// Takes the effects out of the columns and the working outcome. The first time tells which
    /// columns they explain.
    fn absorb(&mut self) -> Result<(), EstimateError> {
        let weights = Some(self.weights.as_slice());
        let intercept = self.intercept();
        let (absorber, working) = (self.absorber.as_ref(), self.working.as_mut_slice());
        if self.n_iterations == 1 {
            let absorbed =
                absorb_columns(absorber, &mut self.columns, working, weights, self.sample)?;
            self.dropped = absorbed.into_iter().filter(|d| d.regressor != intercept).collect();
        } else if let Some(absorber) = absorber {
            let is_used = |at: usize| !self.dropped.iter().any(|d| d.regressor == at);
            let used = self.columns.iter_mut().enumerate().filter(|(at, _)| is_used(*at));
            let used = used.map(|(_, column)| column.as_mut_slice());
            let mut all: Vec<&mut [f64]> = used.chain([working]).collect();
            absorber.absorb(&mut all, weights)?;
        }
        Ok(())
    }

    /// Regresses the working outcome on the columns that are independent.
    fn solve(&mut self) -> Result<Solution, EstimateError> {
        let intercept = self.intercept();
        let is_used = |at: &usize| !self.dropped.iter().any(|d| d.regressor == *at);
        let candidates: Vec<usize> = self
            .sample
            .effects
            .is_empty()
            .then_some(intercept)
            .into_iter()
            .chain((0..intercept).filter(is_used))
            .collect();
        let views: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let found = independent(&views, &candidates, &[&self.working], Some(&self.weights), 1e-9);
        let Independent { kept, combined, r } = found;
        self.dropped.extend(combined.into_iter().map(|found| combination(found, intercept)));
        if !kept.iter().any(|&at| at < intercept) {
            return Err(EstimateError::NoRegressors(std::mem::take(&mut self.dropped)));
        }
        let k = kept.len();
        let inverse = inverse_triangle(&r, k, k + 1);
        let coefficients = dense::coefficients(&inverse, &r, k, k, k + 1);
        let residuals = residuals_of(&self.working, &kept, &self.columns, &coefficients);
        Ok(Solution { kept, inverse, coefficients, residuals })
    }

    /// Goes to the coefficients of a solution; the index before.
    fn step(&mut self, solution: &Solution) -> Result<Vec<f64>, EstimateError> {
        let mut index: Vec<f64> =
            self.before.iter().zip(&solution.residuals).map(|(z, e)| z - e).collect();
        let mut deviance = self.deviance_at(&index);
        // A step that goes too far is halved, but for the first, which leaves the start.
        let is_worse = |new: f64| !new.is_finite() || new > self.deviance * (1.0 + 1e-9) + 1e-9;
        for _ in 0..HALVINGS {
            if self.n_iterations == 1 && deviance.is_finite() || !is_worse(deviance) {
                break;
            }
            for (new, last) in index.iter_mut().zip(&self.index) {
                *new = f64::midpoint(*new, *last);
            }
            deviance = self.deviance_at(&index);
        }
        let new = &solution.coefficients;
        if !deviance.is_finite() || !new.iter().all(|b| b.is_finite()) {
            return Err(self.not_converged());
        }
        self.change = (self.deviance - deviance).abs() / (0.1 + deviance.abs());
        self.moved = if self.coefficients.len() == new.len() {
            let scale = new.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            let furthest =
                self.coefficients.iter().zip(new).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            furthest / scale.max(1e-300)
        } else {
            f64::INFINITY
        };
        self.n_at_rest = if self.change < AT_REST { self.n_at_rest + 1 } else { 0 };
        self.deviance = deviance;
        self.coefficients.clone_from(new);
        Ok(std::mem::replace(&mut self.index, index))
    }

    /// Which rows stay: those that do not run away to where their outcome is certain, since the
    /// index was `last`.
    fn stays(&self, last: &[f64]) -> Vec<bool> {
        let y = &self.sample.outcome;
        let level = self.mean_y.max(f64::MIN_POSITIVE);
        // How far a row ran to where its outcome is certain, beyond what counts as running away.
        let beyond = |row: usize, index: f64| match self.family {
            Family::Poisson if y[row] > 0.0 => f64::NEG_INFINITY,
            Family::Poisson => level.ln() - index - RUNAWAY,
            Family::Logit => (if y[row] > 0.0 { index } else { -index }) - RUNAWAY,
        };
        // A step that goes too far comes back; what runs away goes on, and changes the deviance
        // ever less.
        let is_away = |row: usize| {
            let (then, now) = (beyond(row, last[row]), beyond(row, self.index[row]));
            // Newton's steps go on by about one each; where a row has its place, they end.
            now > 0.0 && now - then > GOES_ON && self.change < NEARLY_SETTLED
        };
        (0..y.len()).map(|row| !is_away(row)).collect()
    }

    fn is_settled(&self) -> bool {
        self.change < SETTLED && (self.moved < SETTLED || self.n_at_rest >= 3)
    }

    /// What the iterations came to, with their last solution.
    fn fit(mut self, solution: Solution) -> Fit {
        let Solution { kept, inverse, residuals, .. } = solution;
        let (y, family) = (&self.sample.outcome, self.family);
        let n = y.len();
        let null_deviance: f64 =
            (0..n).map(|row| self.prior(row) * family.deviance(y[row], self.mean_y)).sum();
        let mse = (0..n)
            .map(|row| self.prior(row) * (y[row] - family.mean(self.index[row])).powi(2))
            .sum::<f64>();
        let size = (0..n).map(|row| self.prior(row) * y[row].powi(2)).sum::<f64>();
        let rss = (0..n).map(|row| self.weights[row] * residuals[row].powi(2)).sum();
        let intercept = self.intercept();
        let of_kept = kept.iter().map(|&at| std::mem::take(&mut self.columns[at])).collect();
        let basis = orthonormal(of_kept, &inverse);
        self.dropped.sort_by_key(|d| d.regressor);
        Fit {
            coefficients: self.coefficients,
            kept: kept.iter().map(|&at| (at != intercept).then_some(at)).collect(),
            dropped: self.dropped,
            rows: self.sample.rows.clone(),
            n_zero_weights: 0,
            n_singletons: 0,
            n_separated: 0,
            is_exact: mse <= EXACT.powi(2) * size,
            rss,
            r2: 1.0 - self.deviance / null_deviance,
            r2_within: None,
            rmse: (mse / float(n)).sqrt(),
            deviance: Some(self.deviance),
            n_iterations: self.n_iterations,
            first_stages: Vec::new(),
            residuals,
            basis,
            root: inverse,
            outcome: self.working,
            weights: Some(self.weights),
            factors: self.sample.factors.clone(),
            effects: self.sample.effects.clone(),
            is_generalised: true,
            has_instruments: false,
            options: *self.options,
        }
    }
}
