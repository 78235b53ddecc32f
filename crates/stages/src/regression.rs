//! Runs models: reads their rows by SQL, estimates, and gives results as rows of `model.*`.

mod design;
mod error;
mod fit;
mod labels;
mod results;
mod rows;

pub use error::RegressionError;
pub use labels::Level;
pub use results::{Coefficient, Confidence, Estimated, Summary};
pub use rows::{Coded, Rows};

use design::{Complete, Design, Regression};
use error::Stop;
use project::model_spec::{Model, Spec};
use query::Session;
use results::Found;
use std::borrow::Cow;
use tokio::runtime::Handle;

/// Runs the models of a pipeline or a command.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The tables.
    pub session: &'a Session,
    /// What drives them.
    pub runtime: &'a Handle,
}

impl Runner<'_> {
    /// Runs a model: one result a specification and outcome.
    ///
    /// # Errors
    ///
    /// [`RegressionError`] if columns are absent or a query fails; what cannot be estimated is a
    /// result with a failure.
    pub fn run(&self, model: &Model) -> Result<Vec<Estimated>, RegressionError> {
        self.run_looking(model, |_, _| {})
    }

    /// The same, and lets `look` see the rows of each specification before they are estimated on.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub fn run_looking(
        &self,
        model: &Model,
        mut look: impl FnMut(&Spec, &Rows),
    ) -> Result<Vec<Estimated>, RegressionError> {
        let mut results = Vec::new();
        for spec in &model.specs {
            let of = match spec.name.as_str() {
                "" => format!("model `{}`", model.name),
                name => format!("model `{}`, specification `{name}`", model.name),
            };
            let mut rows = Rows::read(self.session, self.runtime, spec, &of)?;
            look(spec, &rows);
            let n_outcomes = spec.outcomes.len();
            for outcome in 0..n_outcomes {
                // The last regression has no need of copies.
                let taken = (outcome + 1 == n_outcomes).then(|| rows.take_numbers());
                let numbers = taken.unwrap_or_else(|| rows.numbers());
                let regression = Regression { spec, of: &of, rows: &rows, outcome };
                results.push(estimated(&model.name, regression, numbers)?);
            }
        }
        Ok(results)
    }
}

/// One result of a model.
fn estimated(
    model: &str,
    regression: Regression<'_>,
    numbers: Vec<Cow<'_, [f64]>>,
) -> Result<Estimated, RegressionError> {
    let Regression { spec, rows, outcome, .. } = regression;
    let mut summary = Summary::of(spec, rows.n());
    let coefficients = match coefficients(regression, numbers, &mut summary) {
        Ok(coefficients) => coefficients,
        Err(Stop::Failed(why)) => {
            summary.failure = Some(why);
            Vec::new()
        }
        Err(Stop::Error(error)) => return Err(*error),
    };
    Ok(Estimated {
        model: model.to_owned(),
        specification: spec.name.clone(),
        outcome: spec.outcomes[outcome].name.clone(),
        coefficients,
        summary,
    })
}

/// The coefficients of a regression. Its summary has what is known of it, however far it comes.
fn coefficients(
    regression: Regression<'_>,
    numbers: Vec<Cow<'_, [f64]>>,
    summary: &mut Summary,
) -> Result<Vec<Coefficient>, Stop> {
    let spec = regression.spec;
    let complete = Complete::of(regression, numbers)?;
    summary.n_missing = complete.n_missing();
    summary.missing.clone_from(&complete.missing);
    complete.are_left()?;
    let Design { sample, labels, groups } = Design::of(complete)?;
    let fit = fit::fit(spec, sample).map_err(|error| Stop::Failed(labels.failure(&error)))?;
    summary.add_fit(&labels, &fit);
    let inference = fit::inference(regression, &groups, &fit)?;
    let level = summary.confidence.level();
    let covariance = fit.covariance(&inference, spec.correction, level).map_err(|error| {
        let clusters: Vec<String> = groups.columns.iter().map(|c| c.join("^")).collect();
        let why = labels.failure(&error);
        Stop::Failed(format!("{why} (errors: {})", clusters.join(" & ")))
    })?;
    let wild =
        fit::wild(spec, groups.wild, &fit).map_err(|error| Stop::Failed(labels.failure(&error)))?;
    let found = Found {
        spec,
        labels: &labels,
        groups: &groups,
        fit: &fit,
        covariance: &covariance,
        wild: wild.as_deref(),
    };
    summary.add_errors(&found);
    Ok(found.coefficients())
}
