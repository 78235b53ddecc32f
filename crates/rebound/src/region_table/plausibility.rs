//! What looks misread in a table that is measured, said before its measures.

use super::table::Table;
use crate::plausibility::say;
use trade::plausibility::{Axis, Cell, Cells, Dimension, Findings};

/// Warns of totals among their parts, codes of mixed lengths, and products without any value.
pub(crate) fn warn(table: &Table) {
    let cells = table.periods.iter().enumerate().flat_map(|(period, of)| {
        of.cells.iter().map(move |cell| Cell {
            row: cell.region,
            column: cell.product,
            period,
            value: cell.value,
        })
    });
    let of_table = Cells {
        rows: Axis::new(Dimension::Region, &table.regions),
        columns: Axis::new(Dimension::Product, &table.products),
        n_periods: table.periods.len(),
        cells,
    };
    say(&Findings::of(&of_table));
    let one = [String::new()];
    let partners = &table.partners;
    let cells =
        partners.values.iter().map(|&(row, period, value)| Cell { row, column: 0, period, value });
    let of_partners = Cells {
        rows: Axis::new(Dimension::Destination, &partners.labels),
        columns: Axis::new(Dimension::Product, &one),
        n_periods: table.periods.len(),
        cells,
    };
    say(&Findings::of(&of_partners));
}
