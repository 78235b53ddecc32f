//! A table of values, and its sums along each side.

use super::finding::Dimension;

/// How far a sum may be from its total, as a share of the total.
const TOLERANCE: f64 = 1e-6;

/// The labels along one side of a table.
#[derive(Debug, Clone, Copy)]
pub struct Axis<'a> {
    /// What they stand for.
    pub dimension: Dimension,
    /// The labels, by place.
    pub labels: &'a [String],
    /// What each is called beside; may be empty.
    pub names: &'a [String],
}

impl<'a> Axis<'a> {
    /// Labels that have no other name.
    pub fn new(dimension: Dimension, labels: &'a [String]) -> Self {
        Self { dimension, labels, names: &[] }
    }

    /// The same with what each label is called beside.
    #[must_use]
    pub fn named(mut self, names: &'a [String]) -> Self {
        self.names = names;
        self
    }
}

/// A value, by the places of its labels and of its period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Place among the labels of rows.
    pub row: usize,
    /// Place among the labels of columns.
    pub column: usize,
    /// Place among the periods.
    pub period: usize,
    /// The value; cells of the same places are summed.
    pub value: f64,
}

/// A table: `cells` is gone through a few times. Cells of places that no label or period has
/// are left out. A table of one side has one column, whatever its label is.
#[derive(Debug, Clone)]
pub struct Cells<'a, C> {
    /// The labels of rows.
    pub rows: Axis<'a>,
    /// The labels of columns.
    pub columns: Axis<'a>,
    /// How many periods there are.
    pub n_periods: usize,
    /// The values.
    pub cells: C,
}

impl<C: Iterator<Item = Cell> + Clone> Cells<'_, C> {
    pub(super) fn each(&self) -> impl Iterator<Item = Cell> {
        let (n_rows, n_columns) = (self.rows.labels.len(), self.columns.labels.len());
        let n_periods = self.n_periods;
        let is_placed = move |cell: &Cell| {
            cell.row < n_rows && cell.column < n_columns && cell.period < n_periods
        };
        self.cells.clone().filter(is_placed)
    }
}

/// Which of a cell's places is the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Row,
    Column,
}

/// One side of a table, summed over the other.
pub(super) struct Side<'a> {
    pub(super) axis: Axis<'a>,
    pub(super) n_periods: usize,
    /// Labels of the other side.
    pub(super) n_others: usize,
    pub(super) place: Place,
    /// By label and period.
    sums: Vec<f64>,
    /// Whether a label has cells, and one of them is not zero.
    pub(super) cells: Vec<Seen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Zeros,
    Values,
}

impl<'a> Side<'a> {
    pub(super) fn new(axis: Axis<'a>, n_periods: usize, n_others: usize, place: Place) -> Self {
        let n = axis.labels.len();
        let sums = vec![0.0; n * n_periods];
        Self { axis, n_periods, n_others, place, sums, cells: vec![Seen::Nothing; n] }
    }

    /// The label of a cell, and that of the other side.
    pub(super) fn places(&self, cell: Cell) -> (usize, usize) {
        match self.place {
            Place::Row => (cell.row, cell.column),
            Place::Column => (cell.column, cell.row),
        }
    }

    pub(super) fn add(&mut self, cell: Cell) {
        let (label, _) = self.places(cell);
        self.sums[label * self.n_periods + cell.period] += cell.value;
        if cell.value.abs() > 0.0 {
            self.cells[label] = Seen::Values;
        } else if self.cells[label] == Seen::Nothing {
            self.cells[label] = Seen::Zeros;
        }
    }

    pub(super) fn n_labels(&self) -> usize {
        self.axis.labels.len()
    }

    pub(super) fn value(&self, label: usize, period: usize) -> f64 {
        self.sums[label * self.n_periods + period]
    }

    /// The value of a label in all periods.
    pub(super) fn total(&self, label: usize) -> f64 {
        self.sums[label * self.n_periods..][..self.n_periods].iter().sum()
    }

    /// The value of all labels in all periods.
    pub(super) fn whole(&self) -> f64 {
        self.sums.iter().sum()
    }
}

/// Whether a sum is a total.
pub(super) fn is_sum(sum: f64, total: f64) -> bool {
    (sum - total).abs() <= TOLERANCE * total.abs()
}
