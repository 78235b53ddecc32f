//! Writes a file of a version from columns whose texts are already numbered.
//!
//! Arrow's Parquet writer looks every text up in a table of its own, row by row. A stage of many
//! rows has numbers for its texts. Here these become the codes of Parquet's dictionary pages as
//! they are.

mod chunk;
mod encodings;
mod key;
mod pages;

pub(crate) use self::chunk::MONEY_BYTES;

use self::chunk::Chunk;
use self::key::{KeyValue, Ranks};
use self::pages::MadeChunk;
use crate::buffer_pool;
use crate::cells::{Cells, NO_CODE, NO_COUNT, NO_MONEY};
use crate::contract::{Column, Kind};
use crate::error::LakeError;
use crate::object::Object;
use crate::properties::{is_sought, properties};
use crate::store::Lake;
use crate::version::{DataFile, TableVersion};
use parquet::arrow::ArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;
use rayon::prelude::*;
use std::cmp::Ordering;

/// More bytes than the writer of a file holds back.
const HELD_BACK: usize = 1 << 16;

/// Writes one Parquet file of a version, row group by row group. Rows must come in ascending order
/// of the key, without repeats.
#[derive(Debug)]
pub struct GroupWriter {
    table: String,
    columns: Vec<Column>,
    key: Vec<usize>,
    /// Whether bounds are kept of a column.
    has_bounds: Vec<bool>,
    file: SerializedFileWriter<Vec<u8>>,
    object: Object,
    last: Option<Vec<KeyValue>>,
    rows: u64,
    bytes: u64,
}

impl GroupWriter {
    pub(crate) fn new(lake: &Lake, version: &TableVersion, name: &str) -> Result<Self, LakeError> {
        let unwritable = |source| LakeError::Parquet { table: version.table.clone(), source };
        let properties = properties(version).map_err(unwritable)?;
        let (file, _) = ArrowWriter::try_new(Vec::new(), version.schema(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(unwritable)?;
        Ok(Self {
            table: version.table.clone(),
            columns: version.columns.clone(),
            key: version.key_columns()?,
            has_bounds: version.columns.iter().map(|c| is_sought(version, &c.name)).collect(),
            file,
            object: Object::of_version(lake, version, name),
            last: None,
            rows: 0,
            bytes: 0,
        })
    }

    /// Adds a row group of `n` rows, its columns in the order of the contract. [`Self::flush`]
    /// writes it. Columns are encoded side by side.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the cells are not of the table's columns, have a null where none may be or
    /// a number that tables do not hold, break the order of the key, or cannot be encoded.
    pub fn add(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), LakeError> {
        if n == 0 {
            return Ok(());
        }
        self.check(n, cells)?;
        self.encode(n, cells)
            .map_err(|source| LakeError::Parquet { table: self.table.clone(), source })?;
        self.rows += n as u64;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if it cannot be written.
    pub async fn finish(mut self) -> Result<DataFile, LakeError> {
        let unwritable = |source| LakeError::Parquet { table: self.table.clone(), source };
        self.file.finish().map_err(unwritable)?;
        self.flush().await?;
        self.object
            .complete()
            .await
            .map_err(|source| LakeError::Parquet { table: self.table.clone(), source })?;
        let (path, hash) = self.object.written();
        Ok(DataFile::new(path, self.rows, self.bytes, hash))
    }

    /// Writes the row groups that were added.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if they cannot be written.
    pub async fn flush(&mut self) -> Result<(), LakeError> {
        let bytes = std::mem::take(self.file.inner_mut());
        self.bytes += bytes.len() as u64;
        self.object.put(buffer_pool::recycle(bytes)).await.map_err(|error| LakeError::Parquet {
            table: self.table.clone(),
            source: ParquetError::External(Box::new(error)),
        })
    }

    fn check(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), LakeError> {
        let kinds = |kinds: &mut dyn Iterator<Item = Kind>| {
            kinds.map(Kind::name).collect::<Vec<_>>().join(", ")
        };
        let fits = cells.len() == self.columns.len()
            && cells.iter().zip(&self.columns).all(|(cells, column)| {
                cells.kind() == column.kind && cells.len().is_none_or(|len| len == n)
            });
        if !fits {
            return Err(LakeError::Columns {
                table: self.table.clone(),
                expected: kinds(&mut self.columns.iter().map(|column| column.kind)),
                found: kinds(&mut cells.iter().map(Cells::kind)),
            });
        }
        for (cells, column) in cells.iter().zip(&self.columns) {
            let has_null = || match cells {
                Cells::Same(text) => text.is_none(),
                Cells::SameInt(_) => false,
                Cells::Texts(_, codes) | Cells::Ints(_, codes) => codes.contains(&NO_CODE),
                Cells::Money(values) => values.contains(&NO_MONEY),
                Cells::Floats(values) => values.iter().any(|value| value.is_nan()),
                Cells::Counts(values) => values.contains(&NO_COUNT),
                Cells::Flags(values) => values.contains(&None),
            };
            if !column.is_nullable && has_null() {
                let column = column.name.clone();
                return Err(LakeError::Null { table: self.table.clone(), column });
            }
        }
        let values = |row: usize| -> Vec<KeyValue> {
            self.key.iter().map(|&at| KeyValue::of(&cells[at], row)).collect()
        };
        let place = |row: usize| -> String {
            let key = self.key.iter().zip(values(row));
            let key = key.map(|(&at, value)| format!("{} {value}", self.columns[at].name));
            key.collect::<Vec<_>>().join(", ")
        };
        for (of_column, column) in cells.iter().zip(&self.columns) {
            if let Some((row, found)) = of_column.misfit() {
                return Err(LakeError::Number {
                    table: self.table.clone(),
                    column: column.name.clone(),
                    found,
                    row: match self.key[..] {
                        [] => format!("in row {}", self.rows + row as u64 + 1),
                        _ => format!("at {}", place(row)),
                    },
                    advice: column.kind.advice(),
                });
            }
        }
        if self.key.is_empty() {
            return Ok(());
        }
        let keys: Vec<Ranks<'_>> =
            self.key.iter().map(|&at| Ranks::of(&cells[at])).collect::<Option<_>>().ok_or_else(
                || LakeError::Columns {
                    table: self.table.clone(),
                    expected: "a key of texts and integers".to_owned(),
                    found: "another".to_owned(),
                },
            )?;
        let broken =
            |row: usize| LakeError::KeyOrder { table: self.table.clone(), key: place(row) };
        if self.last.as_ref().is_some_and(|last| *last >= values(0)) {
            return Err(broken(0));
        }
        // Of each row how it stands to the one before, column by column until they differ.
        let mut orders = vec![Ordering::Equal; n - 1];
        keys.iter().for_each(|ranks| ranks.compare(&mut orders));
        if let Some(at) = orders.iter().position(|order| *order != Ordering::Less) {
            return Err(broken(at + 1));
        }
        self.last = Some(values(n - 1));
        Ok(())
    }

    fn encode(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), ParquetError> {
        let columns: Vec<ColumnDescPtr> = self.file.schema_descr().columns().to_vec();
        let chunks = cells.par_iter().enumerate().map(|(at, cells)| {
            let chunk = Chunk {
                column: &columns[at],
                is_nullable: self.columns[at].is_nullable,
                has_bounds: self.has_bounds[at],
                n,
            };
            chunk.made(cells)
        });
        let chunks: Vec<MadeChunk> = chunks.collect::<Result<_, ParquetError>>()?;
        // Room for all, rather than one copy after the other as it grows.
        let n_bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let file = self.file.inner_mut();
        // The writer holds some bytes back that come before.
        let mut roomy = buffer_pool::take(file.len() + n_bytes + HELD_BACK);
        roomy.append(file);
        *file = roomy;
        let mut group = self.file.next_row_group()?;
        for MadeChunk { bytes, close } in chunks {
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
