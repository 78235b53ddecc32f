//! The interval of each index that is read first, by what was drawn anew for it.

use super::made::{GivenTable, number, texts_of};
use arrow::array::{Array, RecordBatch};
use std::collections::BTreeMap;

/// What is drawn anew, the first to be shown before the others where it has an interval.
const SOURCES: [&str; 3] = ["both", "products", "counterfactual"];

/// The columns that tell of which index an interval is.
const KEY: [&str; 4] = ["episode", "benchmark", "region_code", "stage"];

/// An interval, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interval {
    /// Its ends, or the reason.
    pub(super) text: String,
    /// What was drawn anew; none: there is no interval.
    pub(super) source: Option<&'static str>,
}

/// Those of all indices, by [`KEY`].
#[derive(Debug, Default)]
pub(super) struct Intervals(BTreeMap<[String; 4], (usize, Interval)>);

/// What a row of `resilience.interval` says, and its place among those of an index: what has an
/// interval is before what has none, of which the last that is tried tells why.
fn found(batch: &RecordBatch, row: usize) -> Option<(usize, Interval)> {
    let source = texts_of(batch, "source")?.value(row);
    let at = SOURCES.iter().position(|of| *of == source)?;
    Some(match number(batch, "low", row).zip(number(batch, "high", row)) {
        Some((low, high)) => {
            (at, Interval { text: format!("{low:.3} to {high:.3}"), source: Some(SOURCES[at]) })
        }
        None => {
            let reasons = texts_of(batch, "null_reason").filter(|reasons| reasons.is_valid(row));
            let text = reasons.map_or_else(String::new, |reasons| reasons.value(row).to_owned());
            (2 * SOURCES.len() - at, Interval { text, source: None })
        }
    })
}

impl Intervals {
    /// Those of the table `resilience.interval`.
    pub(super) fn of(table: &GivenTable) -> Self {
        let mut intervals: BTreeMap<[String; 4], (usize, Interval)> = BTreeMap::new();
        for batch in &table.rows {
            let [Some(episodes), Some(benchmarks), Some(regions), Some(stages)] =
                KEY.map(|name| texts_of(batch, name))
            else {
                continue;
            };
            for row in 0..batch.num_rows() {
                let Some(of) = found(batch, row) else { continue };
                let key =
                    [episodes, benchmarks, regions, stages].map(|of| of.value(row).to_owned());
                let is_first = intervals.get(&key).is_none_or(|before| of.0 < before.0);
                if is_first {
                    intervals.insert(key, of);
                }
            }
        }
        Self(intervals)
    }

    /// That of the index of a stage in a row of `resilience.region`.
    pub(super) fn of_index(
        &self,
        batch: &RecordBatch,
        row: usize,
        stage: &str,
    ) -> Option<&Interval> {
        let text = |name| texts_of(batch, name).map(|texts| texts.value(row).to_owned());
        let [episode, benchmark, region, _] = KEY;
        let key = [text(episode)?, text(benchmark)?, text(region)?, stage.to_owned()];
        self.0.get(&key).map(|(_, interval)| interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::names::table_named;
    use arrow::array::{ArrayRef, Float64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use std::sync::Arc;

    /// Rows of region, source, ends and reason.
    fn table(rows: &[(&str, &str, Option<f64>, &str)]) -> GivenTable {
        let texts = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
            Arc::new((0..rows.len()).map(of).collect::<StringArray>())
        };
        let same = |text: &'static str| move |_: usize| Some(text.to_owned());
        let low: Float64Array = rows.iter().map(|row| row.2).collect();
        let high: Float64Array = rows.iter().map(|row| row.2.map(|low| low + 1.0)).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("episode", texts(&same("crisis"))),
            ("benchmark", texts(&same("own_linear"))),
            ("stage", texts(&same("recovery"))),
            ("region_code", texts(&|row| Some(rows[row].0.to_owned()))),
            ("source", texts(&|row| Some(rows[row].1.to_owned()))),
            ("low", Arc::new(low) as ArrayRef),
            ("high", Arc::new(high) as ArrayRef),
            ("null_reason", texts(&|row| Some(rows[row].3.to_owned()).filter(|of| !of.is_empty()))),
        ];
        let field =
            |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("rows");
        let contract = table_named("interval").expect("a table");
        GivenTable { contract, schema, rows: vec![batch] }
    }

    #[test]
    fn the_first_source_with_an_interval_is_read() {
        let table = table(&[
            ("A", "both", Some(0.5), ""),
            ("A", "counterfactual", Some(0.25), ""),
            ("A", "products", Some(0.125), ""),
            ("B", "both", None, "one_product"),
            ("B", "counterfactual", Some(0.25), ""),
            ("B", "products", None, "one_product"),
            ("C", "both", None, "one_product"),
            ("C", "counterfactual", None, "too_few_periods"),
            ("C", "products", None, "one_product"),
            ("D", "products", None, "one_product"),
        ]);
        let intervals = Intervals::of(&table);
        let batch = &table.rows[0];
        let of = |row: usize| {
            let found = intervals.of_index(batch, row, "recovery").expect("an interval");
            (found.text.as_str(), found.source)
        };
        assert_eq!(of(0), ("0.500 to 1.500", Some("both")));
        assert_eq!(of(3), ("0.250 to 1.250", Some("counterfactual")));
        assert_eq!(of(6), ("too_few_periods", None));
        assert_eq!(of(9), ("one_product", None));
        assert_eq!(intervals.of_index(batch, 0, "resistance"), None);
    }
}
