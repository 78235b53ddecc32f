//! Results of models as rows of `model.*`, and back.

use super::context::{Made, Output};
use super::error::StageError;
use super::rows::Rows;
use crate::estimation::{Coefficient, Estimated, Summary};
use crate::model_spec::Heading;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use std::collections::BTreeMap;

/// Between the coefficients that a model follows.
const SEPARATOR: &str = "; ";

/// The rows of `model.coefficients` and `model.fit`, of results with what is said of their models.
///
/// # Errors
///
/// [`StageError`] if a number is not finite.
pub fn rows(results: &[(Heading, Estimated)]) -> Result<Output, StageError> {
    let mut sorted: Vec<(usize, &(Heading, Estimated))> = results.iter().enumerate().collect();
    sorted.sort_by_key(|(_, (_, r))| (r.model.clone(), r.specification.clone(), r.outcome.clone()));
    let mut coefficients = Rows::of("model.coefficients");
    let mut fits = Rows::of("model.fit");
    for (place, (heading, result)) in sorted {
        let mut of_terms: Vec<(usize, &Coefficient)> =
            result.coefficients.iter().enumerate().collect();
        of_terms.sort_by(|(_, a), (_, b)| a.term.cmp(&b.term));
        for (place, c) in of_terms {
            coefficients
                .text(result.model.as_str())
                .text(result.specification.as_str())
                .text(result.outcome.as_str())
                .text(c.term.as_str())
                .count(place + 1)
                .text(c.level.as_ref().map(|(level, _)| level.as_str()))
                .text(c.level.as_ref().map(|(_, of)| of.as_str()))
                .float(c.estimate)
                .float(c.se)
                .float(c.t)
                .float(c.p)
                .float(c.interval.map(|(low, _)| low))
                .float(c.interval.map(|(_, high)| high))
                .float(c.wild_p)
                .text(c.null_reason.as_deref());
        }
        let s = &result.summary;
        fits.text(result.model.as_str())
            .text(result.specification.as_str())
            .text(result.outcome.as_str())
            .count(place + 1)
            .text(heading.title.as_str())
            .text(heading.about.as_str())
            .text(heading.focus.join(SEPARATOR).as_str())
            .text(s.estimator.as_str())
            .text(s.table.as_str())
            .text(s.condition.as_str())
            .text(s.effects.as_str())
            .text(s.inference.as_str())
            .text(s.weights.as_str())
            .count(s.n_selected)
            .count(s.n_missing)
            .text(s.missing.as_str())
            .count(s.n_zero_weights)
            .count(s.n_singletons)
            .count(s.n_separated)
            .count(s.n_used)
            .text(s.levels.as_str())
            .count(s.n_absorbed)
            .text(s.clusters.as_str())
            .count(s.df_k)
            .count(s.df_t)
            .float(s.r2)
            .float(s.r2_within)
            .float(s.rmse)
            .float(s.f.map(|(f, _)| f).filter(|f| f.is_finite()))
            .float(s.f.map(|(_, p)| p).filter(|p| p.is_finite()))
            .float(s.first_stage_f.filter(|f| f.is_finite()))
            .float(s.deviance)
            .count(s.n_iterations)
            .text(s.notes.as_str())
            .text(s.failure.as_deref());
    }
    Ok(Output::from([
        ("model.coefficients", Made::Rows(vec![coefficients.finish()?])),
        ("model.fit", Made::Rows(vec![fits.finish()?])),
    ]))
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

/// The results that `model.*` hold, with what is said of their models, in the order of the models.
pub fn results(coefficients: &[RecordBatch], fits: &[RecordBatch]) -> Vec<(Heading, Estimated)> {
    let mut of_fit: BTreeMap<[String; 3], Vec<(usize, Coefficient)>> = BTreeMap::new();
    let key = |cells: &Cells<'_>| {
        ["model", "specification", "outcome"].map(|name| cells.text(name).unwrap_or_default())
    };
    for batch in coefficients {
        for row in 0..batch.num_rows() {
            let cells = Cells(batch, row);
            let found = Coefficient {
                term: cells.text("term").unwrap_or_default(),
                level: cells.text("level").zip(cells.text("level_of")),
                estimate: cells.float("estimate"),
                se: cells.float("se"),
                t: cells.float("t"),
                p: cells.float("p"),
                interval: cells.float("low").zip(cells.float("high")),
                wild_p: cells.float("wild_p"),
                null_reason: cells.text("null_reason"),
            };
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
                r2: cells.float("r2"),
                r2_within: cells.float("r2_within"),
                rmse: cells.float("rmse"),
                f: cells.float("f").zip(cells.float("f_p")),
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
                interval: Some((0.5, 2.5)),
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
        let output = rows(&given).expect("rows");
        let batches = |table: &str| match &output[table] {
            Made::Rows(batches) => batches.clone(),
            Made::Files(_) => Vec::new(),
        };
        assert_eq!(results(&batches("model.coefficients"), &batches("model.fit")), given);
    }
}
