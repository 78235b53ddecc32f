//! Models to `model.*`: their results as rows, and back. A model is a unit of work, which reads its
//! tables as a whole.

pub(super) mod tables;

use self::tables::{CoefficientRow, Coefficients, Fit, FitRow, RegressionColumns};
use super::context::{Context, Input, Made, Output};
use super::error::StageError;
use super::rows::Rows;
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use crate::regression::{Coefficient, Confidence, Estimated, Level, Runner, Summary};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use estimate::{Interval, WaldTest};
use lake::{Contract, DataFile};
use project::model_spec::{Heading, Model};
use project::pipeline::Pipeline;
use project::stage_name::StageName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Between the coefficients that a model follows.
const SEPARATOR: &str = "; ";

/// The stage.
#[derive(Debug)]
pub struct Models;

/// See [`Stage::Params`].
#[derive(Debug, Serialize)]
pub struct Params {
    /// What each model says, by its name.
    models: BTreeMap<String, String>,
    /// Their names in the order of the pipeline, which regressions have their places by.
    model_order: Vec<String>,
    #[serde(skip)]
    parsed: Vec<Model>,
}

impl Stage for Models {
    const NAME: StageName = StageName::Models;
    const VERSION: u32 = 2;
    const BY_UNITS: bool = true;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        let said = |model: &Model| (model.name.clone(), model.text.clone());
        Params {
            models: pipeline.models.iter().map(said).collect(),
            model_order: pipeline.models.iter().map(|model| model.name.clone()).collect(),
            parsed: pipeline.models.clone(),
        }
    }

    fn reads(params: &Params) -> Vec<Input> {
        let tables: BTreeSet<&str> = params.parsed.iter().flat_map(Model::tables).collect();
        Input::tables(&tables.into_iter().collect::<Vec<_>>())
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let mut placed = Vec::new();
        let mut n_before = 0;
        for model in &params.parsed {
            placed.push(Placed { model, n_before });
            n_before += model.specs.iter().map(|spec| spec.outcomes.len()).sum::<usize>();
        }
        // Keys begin with the name.
        placed.sort_by(|a, b| a.model.name.cmp(&b.model.name));
        let units =
            placed.iter().map(|of| of.unit(context)).collect::<Result<Vec<Unit>, StageError>>()?;
        let kept = context.all_kept::<ModelFiles>(&units)?;
        let (mut coefficients, mut fits) = (Vec::new(), Vec::new());
        for ((of, unit), kept) in placed.iter().zip(&units).zip(kept) {
            let files = match kept {
                Some(files) => files,
                None => {
                    let _making = context.making(&unit.name);
                    let files = of.files(&context.of_unit(unit, Some(&unit.name))?)?;
                    context.keep(unit, files.all().cloned().collect(), &files)?;
                    files
                }
            };
            coefficients.extend(files.coefficients);
            fits.extend(files.fit);
        }
        Ok(Output::from([
            (Coefficients::NAME, Made::Files(coefficients)),
            (Fit::NAME, Made::Files(fits)),
        ]))
    }
}

/// The files of a model.
#[derive(Serialize, Deserialize)]
struct ModelFiles {
    coefficients: Option<DataFile>,
    fit: Option<DataFile>,
}

impl ModelFiles {
    fn all(&self) -> impl Iterator<Item = &DataFile> {
        self.coefficients.iter().chain(&self.fit)
    }
}

/// A model with how many regressions those before it in the pipeline have.
struct Placed<'m> {
    model: &'m Model,
    n_before: usize,
}

impl Placed<'_> {
    fn unit(&self, context: &Context<'_>) -> Result<Unit, StageError> {
        let Self { model, n_before } = self;
        let mut unit = Unit::new(model.name.as_str())
            .of("name", &model.name)?
            .of("model", &model.text)?
            .of("place", n_before)?;
        for table in model.tables() {
            unit = unit.reading(table, context.files_of(table)?);
        }
        Ok(unit)
    }

    /// Runs the model on the tables that `context` has, and writes its files.
    fn files(&self, context: &Context<'_>) -> Result<ModelFiles, StageError> {
        let session = context.session()?;
        let runner = Runner { session: &session, runtime: context.runtime() };
        let found = runner.run(self.model).map_err(Box::new)?;
        for result in &found {
            if let Some(failure) = &result.summary.failure {
                let Estimated { model, specification, outcome, .. } = result;
                tracing::warn!(model, specification, outcome, "not estimated: {failure}");
            }
        }
        let (coefficients, fits) = rows(&self.model.heading(), &found, self.n_before);
        Ok(ModelFiles {
            coefficients: coefficients.file(context, FILE)?,
            fit: fits.file(context, FILE)?,
        })
    }
}

/// The name of the file of a model, of either table.
const FILE: &str = "part-00000.parquet";

/// Which regression `result` is of.
fn regression(result: &Estimated) -> RegressionColumns<'_> {
    RegressionColumns {
        model: &result.model,
        specification: &result.specification,
        outcome: &result.outcome,
    }
}

/// A coefficient of `result`, which stands at `place`.
fn coefficient_row<'a>(
    result: &'a Estimated,
    place: usize,
    coefficient: &'a Coefficient,
) -> CoefficientRow<'a> {
    CoefficientRow {
        regression: regression(result),
        term: &coefficient.term,
        place,
        level: coefficient.level.as_ref().map(|level| level.name.as_str()),
        level_of: coefficient.level.as_ref().map(|level| level.of.as_str()),
        estimate: coefficient.estimate,
        se: coefficient.se,
        t: coefficient.t,
        p: coefficient.p,
        low: coefficient.interval.map(|of| of.low),
        high: coefficient.interval.map(|of| of.high),
        wild_p: coefficient.wild_p,
        null_reason: coefficient.null_reason.as_deref(),
    }
}

/// How `result` went, which stands at `place` and whose model follows the coefficients `focus`.
fn fit_row<'a>(
    result: &'a Estimated,
    place: usize,
    heading: &'a Heading,
    focus: &'a str,
) -> FitRow<'a> {
    let summary = &result.summary;
    FitRow {
        regression: regression(result),
        place,
        title: &heading.title,
        about: &heading.about,
        focus,
        estimator: &summary.estimator,
        source_table: &summary.table,
        condition: &summary.condition,
        effects: &summary.effects,
        inference: &summary.inference,
        weights: &summary.weights,
        n_selected: summary.n_selected,
        n_missing: summary.n_missing,
        missing: &summary.missing,
        n_zero_weights: summary.n_zero_weights,
        n_singletons: summary.n_singletons,
        n_separated: summary.n_separated,
        n_used: summary.n_used,
        levels: &summary.levels,
        n_absorbed: summary.n_absorbed,
        clusters: &summary.clusters,
        df_k: summary.df_k,
        df_t: summary.df_t,
        r2: summary.r2,
        r2_within: summary.r2_within,
        rmse: summary.rmse,
        f: summary.wald.map(|wald| wald.f).filter(|f| f.is_finite()),
        f_p: summary.wald.map(|wald| wald.p).filter(|p| p.is_finite()),
        first_stage_f: summary.first_stage_f.filter(|f| f.is_finite()),
        deviance: summary.deviance,
        n_iterations: summary.n_iterations,
        notes: &summary.notes,
        failure: summary.failure.as_deref(),
    }
}

/// The rows of `model.coefficients` and `model.fit`, of the results of a model with what is said of
/// it, of which `n_before` stand before.
fn rows(
    heading: &Heading,
    results: &[Estimated],
    n_before: usize,
) -> (Rows<Coefficients>, Rows<Fit>) {
    let mut sorted: Vec<(usize, &Estimated)> = results.iter().enumerate().collect();
    sorted.sort_by(|(_, a), (_, b)| {
        a.specification.cmp(&b.specification).then_with(|| a.outcome.cmp(&b.outcome))
    });
    let mut coefficients = Rows::<Coefficients>::default();
    let mut fits = Rows::<Fit>::default();
    let focus = heading.focus.join(SEPARATOR);
    for (place, result) in sorted {
        let mut of_terms: Vec<(usize, &Coefficient)> =
            result.coefficients.iter().enumerate().collect();
        of_terms.sort_by(|(_, a), (_, b)| a.term.cmp(&b.term));
        for (place, coefficient) in of_terms {
            coefficients.push(coefficient_row(result, place + 1, coefficient));
        }
        fits.push(fit_row(result, n_before + place + 1, heading, &focus));
    }
    (coefficients, fits)
}

/// Cells of a batch, by column.
struct Cells<'a>(&'a RecordBatch, usize);

impl Cells<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let column = self.0.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(self.1).then(|| column.value(self.1).to_owned())
    }

    fn float(&self, name: &str) -> Option<f64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(self.1).then(|| column.value(self.1))
    }

    fn count(&self, name: &str) -> Option<usize> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(self.1).then(|| usize::try_from(column.value(self.1)).unwrap_or(0))
    }
}

/// A row of `model.coefficients`.
fn coefficient(cells: &Cells<'_>) -> Coefficient {
    let level = cells.text("level").zip(cells.text("level_of"));
    let interval = cells.float("low").zip(cells.float("high"));
    Coefficient {
        term: cells.text("term").unwrap_or_default(),
        level: level.map(|(name, of)| Level { name, of }),
        estimate: cells.float("estimate"),
        se: cells.float("se"),
        t: cells.float("t"),
        p: cells.float("p"),
        interval: interval.map(|(low, high)| Interval { low, high }),
        wild_p: cells.float("wild_p"),
        null_reason: cells.text("null_reason"),
    }
}

/// The results that `model.*` hold, with what is said of their models, in the order of the models.
pub fn results(coefficients: &[RecordBatch], fits: &[RecordBatch]) -> Vec<(Heading, Estimated)> {
    let mut of_fit: BTreeMap<[String; 3], Vec<(usize, Coefficient)>> = BTreeMap::new();
    let key = |cells: &Cells<'_>| {
        ["model", "specification", "outcome"].map(|name| cells.text(name).unwrap_or_default())
    };
    for batch in coefficients {
        for row in 0..batch.num_rows() {
            let cells = Cells(batch, row);
            let found = coefficient(&cells);
            of_fit.entry(key(&cells)).or_default().push((cells.count("place").unwrap_or(0), found));
        }
    }
    let mut found = Vec::new();
    for batch in fits {
        for row in 0..batch.num_rows() {
            let cells = Cells(batch, row);
            let text = |name: &str| cells.text(name).unwrap_or_default();
            let count = |name: &str| cells.count(name).unwrap_or(0);
            let key = key(&cells);
            let mut terms = of_fit.remove(&key).unwrap_or_default();
            terms.sort_by_key(|(place, _)| *place);
            let [model, specification, outcome] = key;
            let summary = Summary {
                table: text("source_table"),
                condition: text("condition"),
                estimator: text("estimator"),
                effects: text("effects"),
                inference: text("inference"),
                weights: text("weights"),
                n_selected: count("n_selected"),
                n_missing: count("n_missing"),
                missing: text("missing"),
                n_zero_weights: count("n_zero_weights"),
                n_singletons: count("n_singletons"),
                n_separated: count("n_separated"),
                n_used: count("n_used"),
                levels: text("levels"),
                n_absorbed: count("n_absorbed"),
                clusters: text("clusters"),
                df_k: cells.count("df_k"),
                df_t: cells.count("df_t"),
                confidence: Confidence::default(),
                r2: cells.float("r2"),
                r2_within: cells.float("r2_within"),
                rmse: cells.float("rmse"),
                wald: cells.float("f").zip(cells.float("f_p")).map(|(f, p)| WaldTest { f, p }),
                first_stage_f: cells.float("first_stage_f"),
                deviance: cells.float("deviance"),
                n_iterations: count("n_iterations"),
                notes: text("notes"),
                failure: cells.text("failure"),
            };
            let coefficients = terms.into_iter().map(|(_, c)| c).collect();
            let focus = text("focus");
            let focus = focus.split(SEPARATOR).filter(|term| !term.is_empty());
            let heading = Heading {
                title: text("title"),
                about: text("about"),
                focus: focus.map(str::to_owned).collect(),
            };
            found.push((
                count("place"),
                heading,
                Estimated { model, specification, outcome, coefficients, summary },
            ));
        }
    }
    found.sort_by_key(|(place, _, _)| *place);
    found.into_iter().map(|(_, heading, result)| (heading, result)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_what_is_said_of_their_models_are_read_as_they_were_written() {
        let result = |model: &str, term: &str| Estimated {
            model: model.to_owned(),
            specification: "all".to_owned(),
            outcome: "y".to_owned(),
            coefficients: vec![Coefficient {
                term: term.to_owned(),
                level: None,
                estimate: Some(1.5),
                se: Some(0.5),
                t: Some(3.0),
                p: Some(0.01),
                interval: Some(Interval { low: 0.5, high: 2.5 }),
                wild_p: None,
                null_reason: None,
            }],
            summary: Summary { estimator: "ols".to_owned(), n_used: 7, ..Summary::default() },
        };
        let followed = Heading {
            title: "Followed".to_owned(),
            about: "Said below.".to_owned(),
            focus: vec!["ln(a, b)".to_owned(), "c".to_owned()],
        };
        let shown = Heading { title: "Shown".to_owned(), ..Heading::default() };
        let given = vec![(followed, result("z", "c")), (shown, result("a", "b"))];
        // Tables are in the order of names, results in that of the pipeline.
        let (mut coefficients, mut fits) = (Vec::new(), Vec::new());
        for n_before in [1, 0] {
            let (heading, result) = &given[n_before];
            let (of_terms, fit) = rows(heading, std::slice::from_ref(result), n_before);
            coefficients.push(of_terms.finish().expect("whole"));
            fits.push(fit.finish().expect("whole"));
        }
        assert_eq!(results(&coefficients, &fits), given);
    }
}
