//! The rows of one version of a table in the order of its key, over all of its files.
//!
//! Each file is sorted. Files may hold keys between each other's, or none, and stand in any order. So
//! a file is opened when its first key comes, and closed behind its last: in memory is a batch of
//! each file that is open.

use super::cells::{Cells, RowAt};
use super::error::DiffError;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use lake::{Column, DataFile, Lake, LakeError, TableVersion};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;
use tokio::runtime::Runtime;

/// How the files of a table are read: which columns, and what makes comparable keys of the first of
/// them.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    runtime: &'a Runtime,
    lake: &'a Lake,
    table: &'a str,
    columns: &'a [&'a Column],
    n_key: usize,
    converter: RowConverter,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, LakeError>>>;

impl<'a> Reading<'a> {
    /// Of `columns`, of which the first `n_key` are compared.
    pub(super) fn new(
        runtime: &'a Runtime,
        lake: &'a Lake,
        table: &'a str,
        columns: &'a [&'a Column],
        n_key: usize,
    ) -> Result<Self, DiffError> {
        let fields = columns[..n_key].iter().map(|column| SortField::new(column.kind.arrow()));
        let converter = RowConverter::new(fields.collect())
            .map_err(|source| DiffError::Rows { table: table.to_owned(), source })?;
        Ok(Self { runtime, lake, table, columns, n_key, converter })
    }

    pub(super) fn broken(&self, source: ArrowError) -> DiffError {
        DiffError::Rows { table: self.table.to_owned(), source }
    }

    pub(super) fn converter(&self) -> &RowConverter {
        &self.converter
    }

    pub(super) fn columns(&self) -> &'a [&'a Column] {
        self.columns
    }

    /// Opens the first `n` columns of a file.
    pub(super) fn open(
        &self,
        version: &TableVersion,
        file: &DataFile,
        n: usize,
    ) -> Result<Batches, DiffError> {
        let names: Vec<&str> =
            self.columns[..n].iter().map(|column| column.name.as_str()).collect();
        let opened = self.lake.read_stepwise(version, file, &names);
        Ok(Box::new(self.runtime.block_on(opened)?))
    }

    /// The first `n` columns of a batch, in their order here.
    pub(super) fn arrays(&self, batch: &RecordBatch, n: usize) -> Result<Vec<ArrayRef>, DiffError> {
        let of = |column: &&Column| {
            let array = batch.column_by_name(&column.name);
            let array = array.filter(|array| *array.data_type() == column.kind.arrow());
            array.cloned().ok_or_else(|| {
                let why = format!("no column `{}` of its type", column.name);
                self.broken(ArrowError::SchemaError(why))
            })
        };
        self.columns[..n].iter().map(of).collect()
    }

    /// The comparable keys of a batch.
    fn keys(&self, arrays: &[ArrayRef]) -> Result<Rows, DiffError> {
        self.converter.convert_columns(&arrays[..self.n_key]).map_err(|error| self.broken(error))
    }

    /// The values of arrays in the order of the columns.
    pub(super) fn cells(&self, arrays: &[ArrayRef]) -> Result<Vec<Cells>, DiffError> {
        let of = |(array, column): (&ArrayRef, &&Column)| {
            Cells::of(array, column.kind).ok_or_else(|| {
                self.broken(ArrowError::SchemaError(format!("column `{}`", column.name)))
            })
        };
        arrays.iter().zip(self.columns).map(of).collect()
    }

    /// The first key of a file. `None` if it has no rows.
    fn first_key(
        &self,
        version: &TableVersion,
        file: &DataFile,
    ) -> Result<Option<Vec<u8>>, DiffError> {
        for batch in self.open(version, file, self.n_key)? {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let keys = self.keys(&self.arrays(&batch.slice(0, 1), self.n_key)?)?;
                return Ok(Some(keys.row(0).data().to_vec()));
            }
        }
        Ok(None)
    }
}

/// An open file, at a row.
struct Cursor<'a> {
    file: &'a DataFile,
    batches: Batches,
    keys: Rows,
    cells: Vec<Cells>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first row. `None` if there is none.
    fn open(
        reading: &Reading<'_>,
        version: &TableVersion,
        file: &'a DataFile,
    ) -> Result<Option<Self>, DiffError> {
        let mut batches = reading.open(version, file, reading.columns.len())?;
        let Some((keys, cells)) = load(reading, &mut batches)? else { return Ok(None) };
        Ok(Some(Self { file, batches, keys, cells, at: 0 }))
    }

    fn key(&self) -> &[u8] {
        self.keys.row(self.at).data()
    }

    /// Goes to the next row. Whether there is one.
    fn step(&mut self, reading: &Reading<'_>) -> Result<bool, DiffError> {
        self.at += 1;
        if self.at < self.keys.num_rows() {
            return Ok(true);
        }
        let Some((keys, cells)) = load(reading, &mut self.batches)? else { return Ok(false) };
        (self.keys, self.cells, self.at) = (keys, cells, 0);
        Ok(true)
    }
}

/// The next rows of a file.
fn load(
    reading: &Reading<'_>,
    batches: &mut Batches,
) -> Result<Option<(Rows, Vec<Cells>)>, DiffError> {
    for batch in batches {
        let batch = batch?;
        if batch.num_rows() > 0 {
            let arrays = reading.arrays(&batch, reading.columns.len())?;
            return Ok(Some((reading.keys(&arrays)?, reading.cells(&arrays)?)));
        }
    }
    Ok(None)
}

/// The rows of a version, one after the other.
pub(super) struct Sorted<'a> {
    reading: &'a Reading<'a>,
    version: &'a TableVersion,
    /// Files that are not open yet, with their first keys, the first of them last.
    waiting: Vec<(Vec<u8>, &'a DataFile)>,
    open: Vec<Option<Cursor<'a>>>,
    /// The keys at which the open files are, each with its place among them.
    heap: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

impl fmt::Debug for Sorted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sorted").field("table", &self.version.table).finish_non_exhaustive()
    }
}

impl<'a> Sorted<'a> {
    /// At the first row of `version`.
    pub(super) fn new(
        reading: &'a Reading<'a>,
        version: &'a TableVersion,
    ) -> Result<Self, DiffError> {
        let mut waiting = Vec::new();
        for file in version.files.iter().filter(|file| file.rows > 0) {
            // One alone need not be looked at before.
            let key = match version.files.len() {
                1 => Some(Vec::new()),
                _ => reading.first_key(version, file)?,
            };
            waiting.extend(key.map(|key| (key, file)));
        }
        waiting.sort_by(|(a, _): &(Vec<u8>, _), (b, _)| b.cmp(a));
        let mut sorted =
            Self { reading, version, waiting, open: Vec::new(), heap: BinaryHeap::new() };
        sorted.open_due()?;
        Ok(sorted)
    }

    /// Opens the files whose first keys have come.
    fn open_due(&mut self) -> Result<(), DiffError> {
        while let Some((first, _)) = self.waiting.last() {
            if self.heap.peek().is_some_and(|Reverse((key, _))| key < first) {
                break;
            }
            let Some((_, file)) = self.waiting.pop() else { break };
            let Some(cursor) = Cursor::open(self.reading, self.version, file)? else { continue };
            let key = cursor.key().to_vec();
            let place = match self.open.iter().position(Option::is_none) {
                Some(place) => {
                    self.open[place] = Some(cursor);
                    place
                }
                None => {
                    self.open.push(Some(cursor));
                    self.open.len() - 1
                }
            };
            self.heap.push(Reverse((key, place)));
        }
        Ok(())
    }

    /// The key of the row. `None` at the end.
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.heap.peek().map(|Reverse((key, _))| key.as_slice())
    }

    /// The row. `None` at the end.
    pub(super) fn row(&self) -> Option<RowAt<'_>> {
        let Reverse((_, place)) = self.heap.peek()?;
        let cursor = self.open[*place].as_ref()?;
        Some(RowAt { cells: &cursor.cells, at: cursor.at })
    }

    /// Goes to the next row.
    pub(super) fn step(&mut self) -> Result<(), DiffError> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(()) };
        let Reverse((key, place)) = &mut *top;
        let cursor = &mut self.open[*place];
        let has_next = match cursor {
            Some(cursor) => cursor.step(self.reading)?,
            None => false,
        };
        match cursor {
            Some(cursor) if has_next => {
                let next = cursor.key();
                if next < key.as_slice() {
                    let (table, file) = (self.version.table.clone(), cursor.file.path.clone());
                    return Err(DiffError::Order { table, file });
                }
                key.clear();
                key.extend_from_slice(next);
                drop(top);
            }
            cursor => {
                *cursor = None;
                PeekMut::pop(top);
            }
        }
        self.open_due()
    }
}
