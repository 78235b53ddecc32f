//! Parquet, as blocks of its rows.

use super::block::{BLOCK_ROWS, Block, Stored};
use super::fault::text_of;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use encoding_rs::Encoding;
use lake::ExternalParquet;
use std::path::Path;
use std::sync::Arc;

/// Reads the blocks of a Parquet file.
pub(super) struct ParquetBlocks {
    batches: ExternalParquet,
    /// Of columns of bytes.
    encoding: &'static Encoding,
    /// Of columns that the file says are text; none as long as all met was ASCII.
    of_texts: Option<&'static Encoding>,
    row: u64,
}

impl ParquetBlocks {
    /// Begins to read the file at `path`, whose columns of bytes are in `encoding`.
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Self, String> {
        let batches = ExternalParquet::open(path, BLOCK_ROWS).map_err(|error| {
            format!("it is no Parquet file, or a damaged one ({error}); fetch it again")
        })?;
        let of_texts = (encoding == encoding_rs::UTF_8).then_some(encoding_rs::UTF_8);
        Ok(Self { batches, encoding, of_texts, row: 1 })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        self.batches.columns()
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let rows = match self.batches.next() {
            None => return Ok(None),
            Some(Err(error)) => return Err(format!("its Parquet data are damaged ({error})")),
            Some(Ok(rows)) => rows,
        };
        let first = self.row;
        self.row += rows.num_rows() as u64;
        let is_text = self.batches.is_text();
        if self.of_texts.is_none() {
            self.of_texts = encoding_of_texts(&rows, is_text, self.encoding);
        }
        let of_texts = self.of_texts.unwrap_or(encoding_rs::UTF_8);
        let (rows, stored) = with_texts(&rows, is_text, of_texts, self.encoding)?;
        Ok(Some(Block::Table { rows, row: first, stored }))
    }
}

/// The encoding of columns that a file says are text in UTF-8: `encoding` if more of their cells
/// are no UTF-8 than are. So a few damaged cells do not make a file one of that encoding, nor a few
/// of its cells that happen to be UTF-8 a file in UTF-8. `None` if all is ASCII.
fn encoding_of_texts(
    rows: &RecordBatch,
    is_text: &[bool],
    encoding: &'static Encoding,
) -> Option<&'static Encoding> {
    let (mut n_utf8, mut n_other) = (0_usize, 0_usize);
    for (column, _) in rows.columns().iter().zip(is_text).filter(|(_, is_text)| **is_text) {
        for bytes in column.as_binary::<i32>().iter().flatten().filter(|bytes| !bytes.is_ascii()) {
            match std::str::from_utf8(bytes) {
                Ok(_) => n_utf8 += 1,
                Err(_) => n_other += 1,
            }
        }
    }
    match (n_utf8, n_other) {
        (0, 0) => None,
        _ if n_other > n_utf8 => Some(encoding),
        _ => Some(encoding_rs::UTF_8),
    }
}

/// Rows of a Parquet file with columns of text as such where they are UTF-8 throughout, and what
/// each column has.
fn with_texts(
    rows: &RecordBatch,
    is_text: &[bool],
    of_texts: &'static Encoding,
    of_bytes: &'static Encoding,
) -> Result<(RecordBatch, Vec<Stored>), String> {
    let mut columns: Vec<(&str, ArrayRef, bool)> = Vec::new();
    let mut stored = Vec::new();
    let fields = rows.schema_ref().fields().iter();
    for ((field, column), &is_text) in fields.zip(rows.columns()).zip(is_text) {
        let encoding = if is_text { of_texts } else { of_bytes };
        let text = match is_text && encoding == encoding_rs::UTF_8 {
            true => StringArray::try_from_binary(column.as_binary::<i32>().clone()).ok(),
            false => None,
        };
        let column = text.map_or_else(|| Arc::clone(column), |text| Arc::new(text) as ArrayRef);
        stored.push(Stored::of(column.data_type(), encoding));
        columns.push((field.name().as_str(), column, true));
    }
    let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
    Ok((rows, stored))
}
