//! The rows a model is estimated on.

use crate::EstimateError;
use crate::absorb::{Absorber, Tolerance};
use crate::factor::{Factor, without_singletons};
use rayon::prelude::*;

/// Columns of a model, all of as many rows; nulls are out already.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The outcome.
    pub outcome: Vec<f64>,
    /// Regressors, in the order of their coefficients; endogenous ones come first.
    pub regressors: Vec<Vec<f64>>,
    /// How many of the regressors are endogenous, and stood for by instruments.
    pub n_endogenous: usize,
    /// Instruments that are no regressors.
    pub instruments: Vec<Vec<f64>>,
    /// Analytic weights; rows of weight zero are left out.
    pub weights: Option<Vec<f64>>,
    /// Categories of the rows.
    pub factors: Vec<Factor>,
    /// Which factors are absorbed.
    pub effects: Vec<usize>,
    /// The number of each row where the sample began.
    pub rows: Vec<u32>,
}

/// How to estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Whether rows alone in a level of an effect are left out.
    pub drop_singletons: bool,
    /// When the solver of effects stops.
    pub tolerance: Tolerance,
    /// Iterations of a generalised model after which it gives up.
    pub max_iterations: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { drop_singletons: true, tolerance: Tolerance::default(), max_iterations: 100 }
    }
}

impl Sample {
    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.outcome.len()
    }

    /// Keeps the rows that `keep` says.
    pub fn retain(&mut self, keep: &[bool]) {
        fn retain<T: Copy>(values: &mut Vec<T>, keep: &[bool]) {
            let mut at = 0;
            values.retain(|_| {
                at += 1;
                keep[at - 1]
            });
        }
        let columns = self.regressors.iter_mut().chain(&mut self.instruments);
        let columns = columns.chain(&mut self.weights).chain([&mut self.outcome]);
        let columns: Vec<&mut Vec<f64>> = columns.collect();
        columns.into_par_iter().for_each(|column| retain(column, keep));
        self.factors.par_iter_mut().for_each(|factor| {
            retain(&mut factor.of_row, keep);
            factor.compact();
        });
        retain(&mut self.rows, keep);
    }

    /// Leaves out rows whose weight is zero, which say nothing (as reghdfe and fixest do); how many
    /// they were.
    pub(crate) fn without_zero_weights(&mut self) -> Result<usize, EstimateError> {
        if self.rows.is_empty() {
            let n_rows = u32::try_from(self.n_rows()).unwrap_or(u32::MAX);
            self.rows = (0..n_rows).into_par_iter().collect();
        }
        let Some(weights) = &self.weights else { return Ok(0) };
        if let Some(&value) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
            return Err(EstimateError::Weight { value });
        }
        let keep: Vec<bool> = weights.iter().map(|weight| *weight > 0.0).collect();
        let n_zero = keep.iter().filter(|keep| !**keep).count();
        if n_zero > 0 {
            self.retain(&keep);
            if self.n_rows() == 0 {
                return Err(EstimateError::NoRows(format!("all {n_zero} weights are zero")));
            }
        }
        Ok(n_zero)
    }

    /// Leaves out singletons; how many they were.
    pub(crate) fn prepare(&mut self, options: &Options) -> Result<usize, EstimateError> {
        let n = self.n_rows();
        if n == 0 {
            return Err(EstimateError::NoRows("the sample is empty".to_owned()));
        }
        self.factors.par_iter_mut().for_each(Factor::compact);
        if !options.drop_singletons || self.effects.is_empty() {
            return Ok(0);
        }
        let effects: Vec<&Factor> = self.effects.iter().map(|&at| &self.factors[at]).collect();
        if let Some(keep) = without_singletons(&effects) {
            self.retain(&keep);
        }
        if self.n_rows() == 0 {
            return Err(EstimateError::NoRows(format!(
                "all {n} rows are alone in a level of some effect (singletons)"
            )));
        }
        Ok(n - self.n_rows())
    }

    /// What takes the effects out; `None` without effects.
    pub(crate) fn absorber(
        &self,
        weights: Option<&[f64]>,
        tolerance: Tolerance,
    ) -> Option<Absorber> {
        Absorber::of(&self.effects, &self.factors, weights, tolerance)
    }
}
