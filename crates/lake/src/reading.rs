//! Reading the rows of versions.

use crate::buffer_pool;
use crate::contract::Kind;
use crate::error::{LakeError, unreadable};
use crate::parquet_reader::CodedReader;
use crate::store::Lake;
use crate::version::{DataFile, TableVersion};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// Rows of a batch that is read: few enough for their columns to stay in the processor's cache.
const BATCH_ROWS: usize = 16_384;

impl Lake {
    /// Reads `columns` of a version (all of them if empty), in the order of its rows.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if a file cannot be read, or a column is not there.
    pub async fn read(
        &self,
        version: &TableVersion,
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut batches = Vec::new();
        for file in &version.files {
            let reader = self.reader(version, file, columns, None).await?;
            for batch in reader {
                batches.push(
                    batch.map_err(|source| LakeError::Arrow {
                        table: version.table.clone(),
                        source,
                    })?,
                );
            }
        }
        Ok(batches)
    }

    /// Reads `columns` of one file of a version, batch after batch. Texts come as dictionaries of
    /// their values.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file cannot be read, or a column is not there.
    pub async fn read_coded(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LakeError>> + use<>, LakeError> {
        let coded = version.columns.iter().map(|column| {
            let kind = match column.kind {
                Kind::Text => {
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(column.kind.arrow()))
                }
                kind => kind.arrow(),
            };
            Field::new(&column.name, kind, column.is_nullable)
        });
        let schema = Arc::new(Schema::new(coded.collect::<Vec<_>>()));
        let reader = self.reader(version, file, columns, Some(schema)).await?;
        let table = version.table.clone();
        Ok(reader.map(move |batch| {
            batch.map_err(|source| LakeError::Arrow { table: table.clone(), source })
        }))
    }

    /// Opens `columns` of one file of a version that a [`GroupWriter`](crate::GroupWriter) wrote,
    /// to be read as codes: texts, small integers, flags and money.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file cannot be read, or a column is not there.
    pub async fn coded_reader(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<CodedReader, LakeError> {
        let path = file.path.clone();
        let get = |ranges: Vec<Range<u64>>| {
            let place = Path::from(path.as_str());
            let (shown, local) = (|| self.shown(&path), self.folder());
            let local = local.map(|root| root.join(&path));
            async move {
                // In memory that this thread has used before.
                let found = match local {
                    Some(path) => local_ranges(&path, &ranges),
                    None => self.store().get_ranges(&place, &ranges).await,
                };
                found.map_err(|source| match source {
                    object_store::Error::NotFound { .. } => {
                        file.lost(&version.table, "gone".to_owned())
                    }
                    source => LakeError::Store { path: shown(), source },
                })
            }
        };
        CodedReader::open(version, file, columns, get).await
    }

    async fn reader(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
        schema: Option<SchemaRef>,
    ) -> Result<ParquetRecordBatchReader, LakeError> {
        let parquet = |source| LakeError::Parquet { table: version.table.clone(), source };
        if let Some(absent) =
            columns.iter().find(|c| !version.columns.iter().any(|v| v.name == **c))
        {
            return Err(LakeError::Columns {
                table: version.table.clone(),
                expected: (*absent).to_owned(),
                found: version.column_names(),
            });
        }
        let bytes = self.get_if_there(&file.path).await?;
        let bytes = bytes.ok_or_else(|| file.lost(&version.table, "gone".to_owned()))?;
        if bytes.len() as u64 != file.bytes {
            return Err(file.lost(&version.table, format!("{} bytes", bytes.len())));
        }
        let options = match schema {
            Some(schema) => ArrowReaderOptions::new().with_schema(schema),
            None => ArrowReaderOptions::new(),
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
            .map_err(parquet)?
            .with_batch_size(BATCH_ROWS);
        let mask = if columns.is_empty() {
            ProjectionMask::all()
        } else {
            ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
        };
        builder.with_projection(mask).build().map_err(parquet)
    }
}

/// Parts of a file.
fn local_ranges(
    path: &std::path::Path,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>, object_store::Error> {
    let failed = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let get = |range: &Range<u64>| {
        let n = range.end - range.start;
        let mut bytes = buffer_pool::take(usize::try_from(n).unwrap_or(0));
        file.seek(SeekFrom::Start(range.start))?;
        if file.by_ref().take(n).read_to_end(&mut bytes)? as u64 != n {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof));
        }
        Ok(buffer_pool::recycle(bytes))
    };
    ranges.iter().map(get).collect::<Result<_, _>>().map_err(failed)
}
