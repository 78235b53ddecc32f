//! What looks misread in a table that a user measures or estimates on, said before.

use indexmap::IndexSet;
use trade::plausibility::{Axis, Cell, Cells, Dimension, Finding, Findings};

/// Says what is found.
pub(crate) fn say<'f>(findings: impl IntoIterator<Item = &'f Finding>) {
    for finding in findings {
        tracing::warn!("{finding}");
    }
}

/// A column of codes, row by row.
#[derive(Debug, Default)]
pub(crate) struct CodeColumn {
    name: String,
    labels: IndexSet<String>,
    /// The place of each row's among the labels.
    places: Vec<usize>,
}

impl CodeColumn {
    /// No rows yet.
    pub(crate) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, text: &str) {
        let place = self.labels.get_index_of(text);
        let place = place.unwrap_or_else(|| self.labels.insert_full(text.to_owned()).0);
        self.places.push(place);
    }
}

/// Warns of codes that are totals: in nearly all cells of the other columns their value is the sum
/// of the others'. Where there is but one cell, or values are below zero, sums tell nothing.
pub(crate) fn warn_of_totals(columns: &[CodeColumn], outcome: &str, values: &[f64]) {
    if !values.iter().all(|value| value.is_finite() && *value >= 0.0) {
        return;
    }
    for (at, column) in columns.iter().enumerate() {
        let others = |row: usize| -> Vec<usize> {
            let others = columns.iter().enumerate().filter(|(other, _)| *other != at);
            others.map(|(_, other)| other.places[row]).collect()
        };
        let mut groups: IndexSet<Vec<usize>> = IndexSet::new();
        let group: Vec<usize> =
            (0..values.len()).map(|row| groups.insert_full(others(row)).0).collect();
        if groups.len() < 2 {
            continue;
        }
        let labels: Vec<String> = column.labels.iter().cloned().collect();
        let unnamed = vec![String::new(); groups.len()];
        let cells = (0..values.len()).map(|row| Cell {
            row: column.places[row],
            column: group[row],
            period: 0,
            value: values[row],
        });
        let table = Cells {
            rows: Axis::new(Dimension::Label, &labels),
            columns: Axis::new(Dimension::File, &unnamed),
            n_periods: 1,
            cells,
        };
        for finding in &Findings::of(&table) {
            if finding.dimension == Dimension::Label && finding.kind.is_of_totals() {
                tracing::warn!(column = column.name, outcome, "{finding}");
            }
        }
    }
}
