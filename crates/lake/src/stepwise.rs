//! Reading one file of a version step by step: in a folder no more of it is in memory than a batch
//! needs.

use crate::error::{LakeError, unreadable};
use crate::store::Lake;
use crate::version::{DataFile, TableVersion};
use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::reader::ChunkReader;
use std::fs::File;
use std::io::ErrorKind;

/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;

impl Lake {
    /// Reads `columns` of one file of a version, batch after batch, in the order of its rows. The
    /// columns come in the order of the version.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file cannot be read, is not as large as the version says, or has no such
    /// columns.
    pub async fn read_stepwise(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LakeError>> + use<>, LakeError> {
        self.check_is_file(&file.path)?;
        let lost = |found: String| file.lost(&version.table, found);
        let reader = if let Some(root) = self.folder() {
            let path = root.join(&file.path);
            let failed = |error: std::io::Error| match error.kind() {
                ErrorKind::NotFound => lost("gone".to_owned()),
                _ => LakeError::Store {
                    path: self.shown(&file.path),
                    source: unreadable(&path, error),
                },
            };
            let opened = File::open(&path).map_err(failed)?;
            let bytes = opened.metadata().map_err(failed)?.len();
            if bytes != file.bytes {
                return Err(lost(format!("{bytes} bytes")));
            }
            reader(version, opened, columns)?
        } else {
            let bytes = self.get_if_there(&file.path).await?;
            let bytes = bytes.ok_or_else(|| lost("gone".to_owned()))?;
            if bytes.len() as u64 != file.bytes {
                return Err(lost(format!("{} bytes", bytes.len())));
            }
            reader(version, bytes, columns)?
        };
        let table = version.table.clone();
        Ok(reader.map(move |batch| {
            batch.map_err(|source| LakeError::Arrow { table: table.clone(), source })
        }))
    }
}

fn reader(
    version: &TableVersion,
    input: impl ChunkReader + 'static,
    columns: &[&str],
) -> Result<ParquetRecordBatchReader, LakeError> {
    let parquet = |source| LakeError::Parquet { table: version.table.clone(), source };
    let options = ArrowReaderOptions::new().with_schema(version.schema());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(input, options)
        .map_err(parquet)?
        .with_batch_size(BATCH_ROWS);
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    builder.with_projection(mask).build().map_err(parquet)
}
