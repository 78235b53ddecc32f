//! Paths of regions over periods, a small figure each.

use super::drawn::{Drawn, rows};
use super::error::FigureError;
use super::frame::{Frame, REGIONS};
use super::look::Look;
use project::suggest::suggest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Regions that one figure has at most.
const MOST_REGIONS: usize = 200;

/// What a figure of paths is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathOptions {
    /// The column of regions.
    pub region: Option<String>,
    /// The column of periods.
    pub period: Option<String>,
    /// The column of values.
    pub value: String,
    /// The column of expected values.
    pub expected: Option<String>,
    /// The column of what values are expected to be at least.
    pub low: Option<String>,
    /// The column of what they are expected to be at most.
    pub high: Option<String>,
    /// What the interval between these is called.
    pub interval: String,
    /// The regions that are drawn, in this order; none is all, as they come.
    pub regions: Option<Vec<String>>,
    /// Small figures beside each other; none is as many as have room.
    pub columns: Option<usize>,
    /// Whether all have one scale.
    #[serde(default)]
    pub same_scale: bool,
    /// Whether scales have zero on them.
    #[serde(default)]
    pub from_zero: bool,
    /// What all figures can be told.
    #[serde(default)]
    pub look: Look,
}

/// The columns of a figure of paths: values, and what was expected, at least and at most.
struct Lines {
    region: String,
    period: String,
    values: [Option<Vec<Option<f64>>>; 4],
}

impl Lines {
    fn of(frame: &Frame, options: &PathOptions) -> Result<Self, FigureError> {
        if options.low.is_some() != options.high.is_some() {
            return Err(FigureError::Asked(
                "an interval has two ends: name both `low` and `high`".to_owned(),
            ));
        }
        let numbers = |name: Option<&String>| name.map(|name| frame.numbers(name)).transpose();
        Ok(Self {
            region: frame.find(options.region.as_deref(), &REGIONS, "region")?,
            period: frame.find(options.period.as_deref(), &["period", "year"], "period")?,
            values: [
                Some(frame.numbers(&options.value)?),
                numbers(options.expected.as_ref())?,
                numbers(options.low.as_ref())?,
                numbers(options.high.as_ref())?,
            ],
        })
    }

    fn has(&self, place: usize) -> bool {
        self.values[place].iter().flatten().any(Option::is_some)
    }

    /// What is to be warned of: columns without a number. Without values there is no figure.
    fn empty(&self, options: &PathOptions) -> Result<Vec<String>, FigureError> {
        if !self.has(0) {
            let why =
                format!("the column `{}` has no numbers: nothing can be drawn", options.value);
            return Err(FigureError::Asked(why));
        }
        let others = [(&options.expected, 1), (&options.low, 2), (&options.high, 3)];
        Ok(others
            .into_iter()
            .filter_map(|(name, place)| name.as_deref().filter(|_| !self.has(place)))
            .map(|name| format!("the column `{name}` has no numbers: it is not drawn"))
            .collect())
    }

    fn row(&self, at: usize) -> [Option<f64>; 4] {
        self.values.each_ref().map(|of| of.as_ref().and_then(|of| of[at]))
    }
}

/// The periods in their order: of numbers by size, of others by their texts.
fn ordered(
    frame: &Frame,
    period: &str,
    texts: &[Option<String>],
) -> Result<Vec<String>, FigureError> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    if !frame.is_numeric(period)? {
        all.extend(texts.iter().flatten().cloned());
        return Ok(all.into_iter().collect());
    }
    let mut found: Vec<(f64, String)> = Vec::new();
    for (number, text) in frame.numbers(period)?.into_iter().zip(texts) {
        if let (Some(number), Some(text)) = (number, text)
            && all.insert(text.clone())
        {
            found.push((number, text.clone()));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(found.into_iter().map(|(_, text)| text).collect())
}

/// The regions that are drawn, in their order.
fn chosen(
    asked: Option<&Vec<String>>,
    found: &[Option<String>],
) -> Result<Vec<String>, FigureError> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let come: Vec<&str> = found
        .iter()
        .filter_map(|name| name.as_deref())
        .filter(|name| known.insert(*name))
        .collect();
    let Some(asked) = asked else { return Ok(come.into_iter().map(str::to_owned).collect()) };
    if let Some(name) = asked.iter().find(|name| !known.contains(name.as_str())) {
        let hint = suggest(name, known.iter().copied());
        return Err(FigureError::Asked(format!("the frame has no region `{name}`{hint}")));
    }
    Ok(asked.clone())
}

/// Draws a small figure a region: its values over the periods, and what was expected of them.
///
/// # Errors
///
/// [`FigureError`] if a column is not there, a region has a period twice, or there are none or more
/// than 200 regions.
pub fn paths(frame: &Frame, options: &PathOptions) -> Result<Drawn, FigureError> {
    let lines = Lines::of(frame, options)?;
    let (regions, texts) = (frame.texts(&lines.region)?, frame.texts(&lines.period)?);
    let periods = ordered(frame, &lines.period, &texts)?;
    let shown = chosen(options.regions.as_ref(), &regions)?;
    let mut of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut n_without = 0;
    for (at, (region, period)) in regions.iter().zip(&texts).enumerate() {
        let (Some(region), Some(period)) = (region.as_deref(), period.as_deref()) else {
            n_without += 1;
            continue;
        };
        if of.insert((region, period), at).is_some() {
            return Err(FigureError::Asked(format!(
                "the region `{region}` has the period {period} more than once: expected one row \
                 each, as of one benchmark"
            )));
        }
    }
    if shown.is_empty() || periods.is_empty() {
        return Err(FigureError::Asked(
            "the frame has no rows with a region and a period".to_owned(),
        ));
    }
    if shown.len() > MOST_REGIONS {
        let n = shown.len();
        return Err(FigureError::Asked(format!(
            "there are {n} regions: choose at most {MOST_REGIONS} by `regions`"
        )));
    }
    let mut drawn = Vec::new();
    let mut panels: Vec<Value> = Vec::new();
    for region in &shown {
        let mut points: Vec<Value> = Vec::new();
        for period in &periods {
            let at = of.get(&(region.as_str(), period.as_str())).copied();
            let [value, expected, low, high] = at.map_or([None; 4], |at| lines.row(at));
            points.push(json!([period, value, expected, low, high]));
            drawn.extend(at);
        }
        panels.push(json!({"label": region, "points": points}));
    }
    let mut warnings = lines.empty(options)?;
    if n_without > 0 {
        warnings.push(format!("{n_without} rows without a region or a period are not drawn"));
    }
    let look = &options.look;
    let mut fields = look.fields(look.with_unit(&options.value), &[])?;
    let expected = options.expected.as_ref().filter(|_| lines.has(1));
    let interval = (lines.has(2) && lines.has(3)).then_some(&options.interval);
    fields.extend([
        ("value_name".to_owned(), json!(options.value)),
        ("expected_name".to_owned(), json!(expected)),
        ("interval_name".to_owned(), json!(interval)),
        ("columns".to_owned(), json!(options.columns)),
        ("same_scale".to_owned(), json!(options.same_scale)),
        ("from_zero".to_owned(), json!(options.from_zero)),
        ("panels".to_owned(), json!(panels)),
    ]);
    let mut columns = vec![lines.region.as_str(), &lines.period, &options.value];
    let others = [&options.expected, &options.low, &options.high];
    columns.extend(others.into_iter().filter_map(|name| name.as_deref()));
    let table = rows(frame, &columns, &drawn, None)?;
    Drawn::new("figures.paths", fields, warnings, table)
}
