//! What looks misread in a table that a user measures or estimates on, said before.

use project::formula::Term;
use stages::regression::{Coded, Rows};
use trade::plausibility::{Axis, Cell, Cells, Dimension, Finding, Findings};

/// Says what is found.
pub(crate) fn say<'f>(findings: impl IntoIterator<Item = &'f Finding>) {
    for finding in findings {
        tracing::warn!("{finding}");
    }
}

/// Warns of categories that are totals: in nearly all cells of the other columns the sum of an
/// outcome is that of the others. Where there is but one cell, or values are below zero, sums tell
/// nothing.
pub(crate) fn warn_of_totals(outcomes: &[Term], rows: &Rows) {
    let mut of_rows = None;
    for (place, outcome) in outcomes.iter().enumerate() {
        if rows.is_below_zero(place) {
            continue;
        }
        let coded = &*of_rows.get_or_insert_with(|| rows.coded());
        let values = coded.outcome(place);
        for (column, (name, labels)) in coded.columns().enumerate() {
            for finding in totals(coded, column, labels, &values) {
                tracing::warn!(column = name, outcome = outcome.name, "{finding}");
            }
        }
    }
}

/// The totals among the labels of a column, by the sums of `values`.
fn totals(coded: &Coded<'_>, column: usize, labels: &[String], values: &[f64]) -> Vec<Finding> {
    let (groups, n_groups) = coded.others(column);
    if n_groups < 2 {
        return Vec::new();
    }
    let levels = coded.levels(column);
    let unnamed = vec![String::new(); n_groups];
    let cells = levels.iter().zip(&groups).zip(values).map(|((level, group), value)| Cell {
        row: *level as usize,
        column: *group as usize,
        period: 0,
        value: *value,
    });
    let table = Cells {
        rows: Axis::new(Dimension::Label, labels),
        columns: Axis::new(Dimension::File, &unnamed),
        n_periods: 1,
        cells,
    };
    let is_total = |of: &Finding| of.dimension == Dimension::Label && of.kind.is_of_totals();
    Findings::of(&table).into_iter().filter(is_total).collect()
}
