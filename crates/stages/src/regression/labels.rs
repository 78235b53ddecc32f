//! What the columns of a regression are called, and what is said of those without a coefficient.

use estimate::{Cause, EstimateError};

/// A level of a dynamic form `i(column, regressor)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The level.
    pub name: String,
    /// The regressor.
    pub of: String,
}

/// The name of a regressor.
#[derive(Clone)]
pub(super) struct Label {
    pub(super) term: String,
    /// Its level, of a dynamic form.
    pub(super) level: Option<Level>,
    /// The place of its level among all.
    pub(super) place: u32,
}

/// The names of the columns of a regression.
pub(super) struct Labels {
    /// Those of its regressors, in their order.
    pub(super) regressors: Vec<Label>,
    /// Those of regressors that the data have no value of.
    pub(super) empty: Vec<Label>,
    /// Those of instruments, whose places follow those of the regressors.
    pub(super) instruments: Vec<String>,
    /// Those of effects.
    pub(super) effects: Vec<String>,
}

impl Labels {
    /// The name of a regressor or an instrument.
    pub(super) fn name(&self, at: usize) -> String {
        match self.regressors.get(at) {
            Some(label) => label.term.clone(),
            None => self.instruments[at - self.regressors.len()].clone(),
        }
    }

    /// Why a column has no coefficient, in words.
    pub(super) fn cause(&self, cause: &Cause) -> String {
        match cause {
            Cause::Constant => "it has one value in all rows".to_owned(),
            Cause::Absorbed(effects) if effects.is_empty() => {
                "absorbed by the effects together".to_owned()
            }
            Cause::Absorbed(effects) => {
                let names: Vec<&str> =
                    effects.iter().map(|&at| self.effects[at].as_str()).collect();
                format!("absorbed: it does not vary within {}", names.join(", nor within "))
            }
            Cause::Combination { regressors, with_intercept } => {
                let mut names: Vec<String> = regressors.iter().map(|&at| self.name(at)).collect();
                if *with_intercept {
                    names.push("the intercept".to_owned());
                }
                format!("a combination of {}", names.join(", "))
            }
        }
    }

    /// Why nothing could be estimated, in words.
    pub(super) fn failure(&self, error: &EstimateError) -> String {
        match error {
            EstimateError::NoRegressors(dropped) => {
                let parts: Vec<String> = dropped
                    .iter()
                    .map(|d| format!("{}: {}", self.name(d.regressor), self.cause(&d.cause)))
                    .collect();
                format!("no regressor is left ({})", parts.join("; "))
            }
            _ => error.to_string(),
        }
    }
}
