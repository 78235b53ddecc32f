//! Cells, and rows of them one after the other.

use crate::row::RowDamage;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How a cell is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CellKind {
    /// As text.
    #[default]
    Text,
    /// As a number, whose text here has a point before its fraction.
    Number,
    /// As a number of single precision, whose text here is its own in double precision.
    Single,
}

/// A cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is in it.
    pub text: Vec<u8>,
    /// How it is stored.
    pub kind: CellKind,
}

impl Cell {
    /// A cell with a text.
    pub fn of_text(text: &[u8]) -> Self {
        Self { text: text.to_vec(), kind: CellKind::Text }
    }

    /// Whether it has nothing but white space.
    pub fn is_empty(&self) -> bool {
        std::str::from_utf8(&self.text).is_ok_and(|text| text.trim().is_empty())
    }

    /// Its text; bytes that are no characters are U+FFFD.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }
}

/// Rows with the same number of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShapedRows {
    n_columns: usize,
    lines: Vec<u64>,
    raw: Vec<u8>,
    /// Where the raw text of each row ends.
    raw_ends: Vec<usize>,
    text: Vec<u8>,
    /// Where the text of each cell ends, and how it is stored.
    cells: Vec<(usize, CellKind)>,
    damage: BTreeMap<usize, RowDamage>,
}

impl ShapedRows {
    /// How many rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// How many cells each has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Bytes of their texts.
    pub fn n_bytes(&self) -> usize {
        self.text.len().max(self.raw.len())
    }

    /// The line on which a row begins.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// A row as it stands in the file.
    pub fn raw(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.raw_ends[before]);
        &self.raw[start..self.raw_ends[row]]
    }

    /// Why a row cannot be read, if it cannot.
    pub fn damage(&self, row: usize) -> Option<RowDamage> {
        self.damage.get(&row).copied()
    }

    /// The texts of a row's cells, and how they are stored.
    pub fn cells(&self, row: usize) -> impl Iterator<Item = (&[u8], CellKind)> {
        let first = row * self.n_columns;
        (first..first + self.n_columns).map(move |at| {
            let start = at.checked_sub(1).map_or(0, |before| self.cells[before].0);
            let (end, kind) = self.cells[at];
            (&self.text[start..end], kind)
        })
    }

    /// Adds a row, which has as many cells as those before.
    pub(super) fn push(
        &mut self,
        line: u64,
        raw: &[u8],
        cells: &[Cell],
        damage: Option<RowDamage>,
    ) {
        if let Some(damage) = damage {
            self.damage.insert(self.lines.len(), damage);
        }
        self.n_columns = cells.len();
        self.lines.push(line);
        self.raw.extend_from_slice(raw);
        self.raw_ends.push(self.raw.len());
        for Cell { text, kind } in cells {
            self.text.extend_from_slice(text);
            self.cells.push((self.text.len(), *kind));
        }
    }
}
