//! Rows as a Parquet file, whose columns are encoded side by side: its bytes are those of arrow's own
//! writer, which encodes one after the other.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;
use std::io::Write;
use std::sync::Arc;

/// A Parquet file that is written.
pub(crate) struct ParquetRows<W: Write + Send> {
    schema: SchemaRef,
    file: SerializedFileWriter<W>,
    groups: ArrowRowGroupWriterFactory,
    /// Most rows of a row group.
    group_rows: usize,
    /// The columns of the row group that is not full; none before its first row.
    columns: Vec<ArrowColumnWriter>,
    /// Its rows.
    n_in_group: usize,
}

impl<W: Write + Send> ParquetRows<W> {
    /// Begins the file.
    pub(crate) fn new(
        out: W,
        schema: &SchemaRef,
        properties: WriterProperties,
    ) -> Result<Self, ParquetError> {
        let group_rows = properties.max_row_group_row_count().unwrap_or(usize::MAX);
        let (file, groups) = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?
            .into_serialized_writer()?;
        let schema = Arc::clone(schema);
        Ok(Self { schema, file, groups, group_rows, columns: Vec::new(), n_in_group: 0 })
    }

    /// Adds rows, and writes the row groups that are full.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let n = (self.group_rows - self.n_in_group).min(batch.num_rows() - from);
            self.encode(&batch.slice(from, n))?;
            from += n;
        }
        Ok(())
    }

    /// Adds rows to the row group, which they do not go beyond.
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            let at = self.file.flushed_row_groups().len();
            self.columns = self.groups.create_column_writers(at)?;
        }
        // A field of structs has a column for each of theirs.
        let mut leaves = Vec::with_capacity(self.columns.len());
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            leaves.extend(compute_leaves(field, array)?);
        }
        let columns = self.columns.par_iter_mut().zip(&leaves);
        columns.try_for_each(|(column, leaf)| column.write(leaf))?;
        self.n_in_group += batch.num_rows();
        if self.n_in_group >= self.group_rows { self.close_group() } else { Ok(()) }
    }

    fn close_group(&mut self) -> Result<(), ParquetError> {
        if self.n_in_group == 0 {
            return Ok(());
        }
        self.n_in_group = 0;
        let columns = std::mem::take(&mut self.columns);
        let chunks: Vec<ArrowColumnChunk> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<(), ParquetError> {
        self.close_group()?;
        self.file.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        ArrayRef, DictionaryArray, Float64Array, Int32Array, ListArray, StringArray, StructArray,
    };
    use arrow::datatypes::{Field, FieldRef, Int32Type, Schema};

    /// Columns of several kinds, some with none, one with lists and one with two columns of its own.
    fn rows(n: i32) -> RecordBatch {
        let every = |k: i32| (0..n).map(move |at| (at % k != 0).then_some(at));
        let names: DictionaryArray<Int32Type> =
            every(3).map(|at| at.map(|at| if at % 2 == 0 { "a" } else { "b" })).collect();
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
            every(5).map(|at| at.map(|at| (0..at % 4).map(Some).collect::<Vec<_>>())),
        );
        let field = |name: &str, array: &ArrayRef| {
            Arc::new(Field::new(name, array.data_type().clone(), true))
        };
        let ints: ArrayRef = Arc::new(every(2).collect::<Int32Array>());
        let texts: ArrayRef =
            Arc::new(every(7).map(|at| at.map(|at| at.to_string())).collect::<StringArray>());
        let pairs =
            StructArray::from(vec![(field("int", &ints), ints), (field("text", &texts), texts)]);
        let floats: Float64Array = every(4).map(|at| at.map(|at| f64::from(at) / 7.0)).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("name", Arc::new(names)),
            ("list", Arc::new(lists)),
            ("pair", Arc::new(pairs)),
            ("float", Arc::new(floats)),
        ];
        let fields: Vec<FieldRef> =
            columns.iter().map(|(name, array)| field(name, array) as FieldRef).collect();
        let columns = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("rows")
    }

    #[test]
    fn the_bytes_are_those_of_arrows_own_writer() {
        for batches in [vec![], vec![0], vec![10], vec![1, 0, 99], vec![100], vec![250, 70, 33, 1]]
        {
            let batches: Vec<RecordBatch> = batches.into_iter().map(rows).collect();
            let schema = rows(0).schema();
            let properties =
                || WriterProperties::builder().set_max_row_group_row_count(Some(100)).build();
            let mut expected = Vec::new();
            let mut writer =
                ArrowWriter::try_new(&mut expected, Arc::clone(&schema), Some(properties()))
                    .expect("a writer");
            batches.iter().for_each(|batch| writer.write(batch).expect("written"));
            writer.close().expect("closed");
            let mut found = Vec::new();
            let mut writer = ParquetRows::new(&mut found, &schema, properties()).expect("a writer");
            batches.iter().for_each(|batch| writer.write(batch).expect("written"));
            writer.finish().expect("finished");
            assert!(
                found == expected,
                "{:?}",
                batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>()
            );
        }
    }
}
