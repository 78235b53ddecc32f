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

/// What a label comes to in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelSum {
    /// Its place on its side.
    pub label: usize,
    /// The sum of its cells, in their order.
    pub value: f64,
    /// Whether one of them is not zero.
    pub has_value: bool,
}

/// By label, of those that have cells.
type Sums = Vec<Option<LabelSum>>;

/// What the labels of both sides of a table come to in a period: those that have cells, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PeriodSums {
    /// Of the labels of rows.
    pub rows: Vec<LabelSum>,
    /// Of the labels of columns.
    pub columns: Vec<LabelSum>,
}

impl PeriodSums {
    /// Those of each period of a table. Cells of one period give the same bits whatever stands in
    /// the others.
    pub fn of<C: Iterator<Item = Cell> + Clone>(table: &Cells<'_, C>) -> Vec<Self> {
        let (n_rows, n_columns) = (table.rows.labels.len(), table.columns.labels.len());
        let none = || (vec![None; n_rows], vec![None; n_columns]);
        let mut found: Vec<(Sums, Sums)> = (0..table.n_periods).map(|_| none()).collect();
        for cell in table.each() {
            let (rows, columns) = &mut found[cell.period];
            for (sums, label) in [(rows, cell.row), (columns, cell.column)] {
                let none = LabelSum { label, value: 0.0, has_value: false };
                let sum = sums[label].get_or_insert(none);
                sum.value += cell.value;
                sum.has_value |= cell.value.abs() > 0.0;
            }
        }
        let sums = |(rows, columns): (Sums, Sums)| Self {
            rows: rows.into_iter().flatten().collect(),
            columns: columns.into_iter().flatten().collect(),
        };
        found.into_iter().map(sums).collect()
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

    /// Puts in what a label comes to in a period, in the place of its cells.
    pub(super) fn put(&mut self, period: usize, sum: LabelSum) {
        let LabelSum { label, value, has_value } = sum;
        if label >= self.n_labels() || period >= self.n_periods {
            return;
        }
        self.sums[label * self.n_periods + period] = value;
        if has_value {
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
