//! What is read of a table of regions.

use super::columns::Columns;

/// The value of a region and a product, by their places among the labels.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) region: usize,
    pub(crate) product: usize,
    pub(crate) value: f64,
}

/// A period with what it has.
pub(crate) struct PeriodCells {
    pub(crate) label: String,
    pub(crate) cells: Vec<Cell>,
}

/// Values by period, with labels in order.
pub(crate) struct Table {
    pub(crate) regions: Vec<String>,
    pub(crate) products: Vec<String>,
    pub(crate) periods: Vec<PeriodCells>,
    pub(crate) columns: Columns,
    pub(crate) partners: Partners,
}

/// What rows of partners come to, who are summed over.
pub(crate) struct Partners {
    pub(crate) labels: Vec<String>,
    /// Values by the places of partners and periods.
    pub(crate) values: Vec<(usize, usize, f64)>,
}
