//! What a model of its own past expects of the nation.

use super::certainty::OWN_MODELS;
use super::error::ReportError;
use super::source::{Source, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// By episode: the path that a model of the nation's own past expects, with its prediction
/// interval. As of regions, the first of the models that there are is shown.
pub(super) fn of_nation(source: &Source<'_>) -> Result<BTreeMap<String, Value>, ReportError> {
    const TABLE: &str = "resilience.nation_period";
    let mut episodes: BTreeMap<String, Value> = BTreeMap::new();
    if !source.has_column(TABLE, "expected_low") {
        return Ok(episodes);
    }
    for model in OWN_MODELS {
        let rows = source.rows(
            &[TABLE],
            &format!(
                "select episode, period, max(expected_value) as expected_value, max(expected_low) as expected_low, \
                 max(expected_high) as expected_high from {TABLE} where benchmark = '{model}' and expected_low is not null \
                 group by episode, period order by episode, period"
            ),
        )?;
        let mut found: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for row in &rows {
            found.entry(text(row, "episode")).or_default().insert(
                text(row, "period").to_owned(),
                json!([row["expected_value"], row["expected_low"], row["expected_high"]]),
            );
        }
        for (episode, periods) in found {
            episodes
                .entry(episode.to_owned())
                .or_insert_with(|| json!({"model": model, "periods": periods}));
        }
    }
    Ok(episodes)
}
