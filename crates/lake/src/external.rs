//! Parquet files that are not the lake's own: raw data in that form.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use std::fs::File;
use std::path::Path;

/// A Parquet file, read batch after batch.
pub struct ExternalParquet {
    columns: Vec<String>,
    batches: ParquetRecordBatchReader,
}

impl std::fmt::Debug for ExternalParquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalParquet").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl ExternalParquet {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// [`ParquetError`] if it cannot be read, or is no Parquet.
    pub fn open(path: &Path, rows_of_a_batch: usize) -> Result<Self, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        let columns = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { columns, batches: builder.with_batch_size(rows_of_a_batch).build()? })
    }

    /// Names of its columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl Iterator for ExternalParquet {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}
