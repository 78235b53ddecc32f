//! Labels that are the sums of some of the others: a country among its parts and other countries.
//!
//! Parts are known by codes, `DE11` and `DE12` below `DE1`, or by values alone. For the latter, cells
//! are folded to some hundred sums, in which what is a sum of others still is one, and a label is
//! fitted on those that are nowhere larger. The work of a fit is at most [`MOST_ROWS`] times the
//! square of [`MOST_LABELS`]. What is so found is looked at again in all cells.

use super::finding::Dimension;
use super::side::{Cell, Cells, Side, is_sum};
use std::collections::{BTreeMap, BTreeSet};

/// The share of a label's value that must stand in cells where it is the sum of its parts.
const SUMMED: f64 = 0.9;

/// Cells that labels of one length must have in all, where codes say what their parts are.
const FEW_CELLS: usize = 2;

/// Labels above which only codes tell parts.
const MOST_LABELS: usize = 100;

/// Sums that cells are folded to, unless there are more periods.
const MOST_ROWS: usize = 512;

/// Different values that a label must have at the least, where values alone tell its parts.
const FEW_VALUES: usize = 8;

/// Different values that a label must have for each other that may be a part of it.
const VALUES_PER_LABEL: usize = 2;

/// The largest share in a label's cells below which another cannot be told from none.
const TOO_SMALL: f64 = 1e-6;

/// How far a coefficient may be from zero or one.
const NEAR: f64 = 0.1;

/// The share of its square that a column must have beside those before it.
const INDEPENDENT: f64 = 1e-10;

/// A label that is the sum of others.
pub(super) struct Subtotal {
    pub(super) label: usize,
    pub(super) parts: Vec<usize>,
}

/// Whether a label has a value in a period.
fn stands(side: &Side<'_>, label: usize, period: usize) -> bool {
    side.value(label, period).abs() > 0.0
}

/// The labels that are looked at: not out, and with a value.
fn looked_at(side: &Side<'_>, is_out: &[bool]) -> Vec<usize> {
    let is_in = |label: &usize| !is_out.get(*label).copied().unwrap_or(false);
    let has_value = |label: &usize| (0..side.n_periods).any(|at| stands(side, *label, at));
    (0..side.n_labels()).filter(is_in).filter(has_value).collect()
}

/// What a label is in a cell, and what its parts come to.
#[derive(Default)]
struct Compared {
    own: f64,
    parts: f64,
}

/// Those that are the sums of their parts in nearly all cells of the periods in which they stand,
/// each with the number of these cells.
fn confirmed<C: Iterator<Item = Cell> + Clone>(
    found: Vec<Subtotal>,
    side: &Side<'_>,
    table: &Cells<'_, C>,
) -> Vec<(Subtotal, usize)> {
    if found.is_empty() {
        return Vec::new();
    }
    let mut wholes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut uppers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, of) in found.iter().enumerate() {
        wholes.insert(of.label, at);
        of.parts.iter().for_each(|&part| uppers.entry(part).or_default().push(at));
    }
    let mut cells: BTreeMap<(usize, usize, usize), Compared> = BTreeMap::new();
    for cell in table.each() {
        let (label, other) = side.places(cell);
        if let Some(&at) = wholes.get(&label) {
            cells.entry((at, other, cell.period)).or_default().own += cell.value;
        }
        for &at in uppers.get(&label).into_iter().flatten() {
            if stands(side, found[at].label, cell.period) {
                cells.entry((at, other, cell.period)).or_default().parts += cell.value;
            }
        }
    }
    let mut sums = vec![(0.0, 0.0, 0); found.len()];
    for ((at, ..), Compared { own, parts }) in cells {
        let (summed, all, n) = &mut sums[at];
        *all += own.abs().max(parts.abs());
        if own.abs() > 0.0 && is_sum(parts, own) {
            *summed += own.abs();
            *n += 1;
        }
    }
    let is_whole = |(_, (summed, all, _)): &(Subtotal, (f64, f64, usize))| *summed >= SUMMED * *all;
    let found = found.into_iter().zip(sums).filter(is_whole);
    found.map(|(of, (_, _, n))| (of, n)).filter(|(_, n)| *n > 0).collect()
}

/// The labels next below each, by the beginnings of codes.
fn next_below(side: &Side<'_>, labels: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let text = |label: usize| side.axis.labels[label].as_str();
    let places: BTreeMap<&str, usize> = labels.iter().map(|&label| (text(label), label)).collect();
    let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &label in labels {
        let code = text(label);
        let ends = code.char_indices().rev().map(|(end, _)| end).filter(|end| *end > 0);
        let mut prefixes = ends.filter_map(|end| code.get(..end));
        if let Some(&upper) = prefixes.find_map(|prefix| places.get(prefix)) {
            below.entry(upper).or_default().push(label);
        }
    }
    below
}

/// The labels that are the sums of those whose codes begin with theirs. A label with one code below
/// it is taken for such a sum where others of its length are.
pub(super) fn by_codes<C: Iterator<Item = Cell> + Clone>(
    side: &Side<'_>,
    is_out: &[bool],
    table: &Cells<'_, C>,
) -> Vec<Subtotal> {
    if side.axis.dimension == Dimension::File {
        return Vec::new();
    }
    let below = next_below(side, &looked_at(side, is_out));
    let is_whole = |of: &Subtotal| {
        (0..side.n_periods).filter(|&at| stands(side, of.label, at)).all(|at| {
            let parts = of.parts.iter().map(|&part| side.value(part, at)).sum();
            is_sum(parts, side.value(of.label, at))
        })
    };
    let found = below.into_iter().map(|(label, parts)| Subtotal { label, parts });
    let found = confirmed(found.filter(is_whole).collect(), side, table);
    let length = |of: &Subtotal| side.axis.labels[of.label].chars().count();
    let mut n_cells: BTreeMap<usize, usize> = BTreeMap::new();
    for (of, n) in found.iter().filter(|(of, _)| of.parts.len() > 1) {
        *n_cells.entry(length(of)).or_default() += n;
    }
    let is_level = |of: &Subtotal| n_cells.get(&length(of)).is_some_and(|n| *n >= FEW_CELLS);
    found.into_iter().map(|(of, _)| of).filter(is_level).collect()
}

/// The cells of some labels, folded to few rows each of which is of one period.
struct Folded {
    /// Rows of a period.
    n_of_period: usize,
    n_rows: usize,
    /// By label and row.
    values: BTreeMap<usize, Vec<f64>>,
}

impl Folded {
    fn new<C: Iterator<Item = Cell> + Clone>(
        side: &Side<'_>,
        labels: &[usize],
        table: &Cells<'_, C>,
    ) -> Self {
        let most = MOST_ROWS / side.n_periods.max(1);
        let n_of_period = most.min(side.n_others).max(1);
        let n_rows = n_of_period * side.n_periods;
        let mut values: BTreeMap<usize, Vec<f64>> =
            labels.iter().map(|&label| (label, vec![0.0; n_rows])).collect();
        for cell in table.each() {
            let (label, other) = side.places(cell);
            if let Some(rows) = values.get_mut(&label) {
                rows[cell.period * n_of_period + other % n_of_period] += cell.value;
            }
        }
        Self { n_of_period, n_rows, values }
    }

    fn of(&self, label: usize) -> &[f64] {
        self.values.get(&label).map_or(&[], Vec::as_slice)
    }

    /// The parts of a label among `smaller` ones.
    fn parts(&self, side: &Side<'_>, label: usize, smaller: &[usize]) -> Option<Vec<usize>> {
        let own = self.of(label);
        let rows: Vec<usize> =
            (0..self.n_rows).filter(|row| stands(side, label, row / self.n_of_period)).collect();
        let is_within = |part: &&usize| {
            let part = self.of(**part);
            let is_within = |&row: &usize| part[row] <= own[row] * (1.0 + TOO_SMALL);
            let is_seen = |&row: &usize| part[row] > own[row] * TOO_SMALL;
            rows.iter().all(is_within) && rows.iter().any(is_seen)
        };
        let able: Vec<usize> = smaller.iter().filter(is_within).copied().collect();
        let rows: Vec<usize> = rows.into_iter().filter(|&row| own[row] > 0.0).collect();
        let n_needed = FEW_VALUES.max(VALUES_PER_LABEL * able.len());
        let n_values = |rows: &[usize]| {
            rows.iter().map(|&row| own[row].to_bits()).collect::<BTreeSet<u64>>().len()
        };
        if able.len() < 2 || n_values(&rows) < n_needed {
            return None;
        }
        // Each row counts alike, however large it is, as the tolerance is a share.
        let share = |part: &usize| {
            let part = self.of(*part);
            rows.iter().map(|&row| part[row] / own[row]).collect::<Vec<f64>>()
        };
        let coefficients = fit(&able.iter().map(share).collect::<Vec<_>>());
        if !coefficients.iter().all(|of| of.abs() <= NEAR || (of - 1.0).abs() <= NEAR) {
            return None;
        }
        let chosen = able.iter().zip(&coefficients).filter(|(_, of)| **of > 0.5);
        let parts: Vec<usize> = chosen.map(|(part, _)| *part).collect();
        let is_whole = |&row: &usize| {
            let sum = parts.iter().map(|&part| self.of(part)[row]).sum();
            is_sum(sum, own[row])
        };
        let summed: Vec<usize> = rows.iter().copied().filter(is_whole).collect();
        let value = |rows: &[usize]| rows.iter().map(|&row| own[row]).sum::<f64>();
        let is_found = parts.len() > 1
            && n_values(&summed) >= n_needed
            && value(&summed) >= SUMMED * value(&rows);
        is_found.then_some(parts)
    }
}

/// The coefficients of columns whose weighted sum is nearest to one in all rows, by the normal
/// equations of columns of unit length. A column that those before it make up has zero.
fn fit(columns: &[Vec<f64>]) -> Vec<f64> {
    let n = columns.len();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
    // A triangle by rows; a column that is left out has zero on the diagonal.
    let mut lower = vec![vec![0.0; n]; n];
    let mut solved = vec![0.0; n];
    for i in 0..n {
        for j in 0..i {
            if lower[j][j] > 0.0 {
                let all = dot(&columns[i], &columns[j]) / (lengths[i] * lengths[j]);
                lower[i][j] = (all - dot(&lower[i][..j], &lower[j][..j])) / lower[j][j];
            }
        }
        let rest = 1.0 - dot(&lower[i][..i], &lower[i][..i]);
        if rest > INDEPENDENT {
            lower[i][i] = rest.sqrt();
            let target = columns[i].iter().sum::<f64>() / lengths[i];
            solved[i] = (target - dot(&lower[i][..i], &solved[..i])) / lower[i][i];
        }
    }
    let mut found = vec![0.0; n];
    for i in (0..n).rev() {
        if lower[i][i] > 0.0 {
            let behind: f64 = (i + 1..n).map(|j| lower[j][i] * found[j]).sum();
            found[i] = (solved[i] - behind) / lower[i][i];
        }
    }
    found.iter().zip(&lengths).map(|(of, length)| of / length).collect()
}

/// The labels that are the sums of others by their values alone, which are taken to be positive.
/// Smaller ones that are so found are no parts of larger ones.
pub(super) fn by_values<C: Iterator<Item = Cell> + Clone>(
    side: &Side<'_>,
    is_out: &[bool],
    table: &Cells<'_, C>,
) -> Vec<Subtotal> {
    let mut labels = looked_at(side, is_out);
    let is_many = labels.len() > MOST_LABELS;
    if is_many || labels.len() < 3 || side.axis.dimension == Dimension::File {
        return Vec::new();
    }
    let folded = Folded::new(side, &labels, table);
    labels.sort_by(|a, b| side.total(*a).total_cmp(&side.total(*b)).then(a.cmp(b)));
    let mut smaller: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for label in labels {
        match folded.parts(side, label, &smaller) {
            Some(mut parts) => {
                parts.sort_unstable();
                found.push(Subtotal { label, parts });
            }
            None => smaller.push(label),
        }
    }
    let mut found: Vec<Subtotal> =
        confirmed(found, side, table).into_iter().map(|(of, _)| of).collect();
    found.sort_by_key(|of| of.label);
    found
}
