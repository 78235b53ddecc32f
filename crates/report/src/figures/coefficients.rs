//! Coefficients with their intervals.

use super::drawn::{Drawn, named, rows};
use super::error::FigureError;
use super::frame::Frame;
use super::look::Look;
use crate::regression_table::number;
use project::suggest::suggest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a figure of coefficients is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoefficientOptions {
    /// The column of models.
    pub model: Option<String>,
    /// The column of terms.
    pub term: Option<String>,
    /// The column of estimates.
    pub estimate: Option<String>,
    /// The column of lower ends of the intervals.
    pub low: Option<String>,
    /// The column of their upper ends.
    pub high: Option<String>,
    /// The terms that are drawn, in this order; none is all but the intercept.
    pub terms: Option<Vec<String>>,
    /// The level of the intervals.
    pub level: f64,
    /// What all figures can be told.
    #[serde(default)]
    pub look: Look,
}

/// Whether a term is the intercept.
fn is_intercept(term: &str) -> bool {
    let bare = term.trim_matches(['(', ')']);
    ["intercept", "_cons", "const"].iter().any(|name| bare.eq_ignore_ascii_case(name))
}

/// The rows that are drawn: those of the terms that are asked for, in their order, or all but those
/// of the intercept.
fn chosen(
    terms: &[Option<String>],
    asked: Option<&Vec<String>>,
) -> Result<Vec<usize>, FigureError> {
    let all = || terms.iter().enumerate().filter_map(|(at, term)| Some((at, term.as_deref()?)));
    let Some(asked) = asked else {
        return Ok(all().filter(|(_, term)| !is_intercept(term)).map(|(at, _)| at).collect());
    };
    let mut found = Vec::new();
    for name in asked {
        let before = found.len();
        found.extend(all().filter(|(_, term)| term == name).map(|(at, _)| at));
        if found.len() == before {
            let known: BTreeSet<&str> = all().map(|(_, term)| term).collect();
            let hint = suggest(name, known.iter().copied());
            let known: Vec<&str> = known.into_iter().collect();
            let has = named(&known);
            return Err(FigureError::Asked(format!("no term is `{name}`{hint}: there are {has}")));
        }
    }
    Ok(found)
}

/// Draws a row a coefficient, with its interval and its numbers, on one scale. Coefficients without
/// an interval are left out, with a warning.
///
/// # Errors
///
/// [`FigureError`] if a column or a term is not there, or no coefficient has an interval.
pub fn coefficients(frame: &Frame, options: &CoefficientOptions) -> Result<Drawn, FigureError> {
    if !(options.level > 0.0 && options.level < 1.0) {
        let found = options.level;
        return Err(FigureError::Asked(format!("`level` is {found}: expected between 0 and 1")));
    }
    let term = frame.find(options.term.as_deref(), &["term", "Coefficient"], "term")?;
    let usual = ["estimate", "Estimate"];
    let estimate = frame.find(options.estimate.as_deref(), &usual, "estimate")?;
    let low =
        frame.find(options.low.as_deref(), &["low", "conf_low", "conf.low", "2.5%"], "low")?;
    let high = frame.find(
        options.high.as_deref(),
        &["high", "conf_high", "conf.high", "97.5%"],
        "high",
    )?;
    let model = frame.maybe(options.model.as_deref(), &["model"])?;
    let (terms, estimates) = (frame.texts(&term)?, frame.numbers(&estimate)?);
    let (lows, highs) = (frame.numbers(&low)?, frame.numbers(&high)?);
    let models = match &model {
        Some(model) => frame.texts(model)?,
        None => vec![None; frame.len()],
    };
    // What all have in common tells none from another.
    let is_one = models.windows(2).all(|pair| pair[0] == pair[1]);
    let mut marks: Vec<Value> = Vec::new();
    let mut drawn = Vec::new();
    let mut without: Vec<String> = Vec::new();
    for at in chosen(&terms, options.terms.as_ref())? {
        let of_model = models[at].as_deref().filter(|_| !is_one);
        let parts: Vec<&str> = of_model.into_iter().chain(terms[at].as_deref()).collect();
        let label = parts.join(" · ");
        if let (Some(estimate), Some(low), Some(high)) = (estimates[at], lows[at], highs[at]) {
            let said = format!("{} ({} to {})", number(estimate), number(low), number(high));
            marks.push(json!({
                "label": label, "estimate": estimate, "low": low, "high": high,
                "said": said.replace('-', "−"),
            }));
            drawn.push(at);
        } else {
            without.push(label);
        }
    }
    if marks.is_empty() {
        return Err(FigureError::Asked(format!(
            "no coefficient has numbers in `{estimate}`, `{low}` and `{high}`"
        )));
    }
    let mut warnings = Vec::new();
    let mut notes = Vec::new();
    if !without.is_empty() {
        let names: Vec<&str> = without.iter().map(String::as_str).collect();
        warnings.push(format!("without an interval, and not drawn: {}", named(&names)));
        notes.push(format!("Without an interval, and not drawn: {}.", without.len()));
    }
    let mut fields = options.look.fields("Coefficients".to_owned(), &notes)?;
    fields.extend([("level".to_owned(), json!(options.level)), ("marks".to_owned(), json!(marks))]);
    let mut columns: Vec<&str> = model.as_deref().into_iter().collect();
    columns.extend([term.as_str(), &estimate, &low, &high]);
    let table = rows(frame, &columns, &drawn, None)?;
    Drawn::new("figures.coefficients", fields, warnings, table)
}
