//! Parquet, as blocks of its rows.

use super::block::{BLOCK_ROWS, Block, Stored};
use super::fault::text_of;
use super::words;
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use encoding_rs::Encoding;
use lake::ExternalParquet;
use project::printable::printable;
use std::path::Path;
use std::sync::Arc;

/// Reads the blocks of a Parquet file.
pub(super) struct ParquetBlocks {
    batches: ExternalParquet,
    /// Which columns are left out; empty if none is.
    pub(super) seen: String,
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
            let error = printable(&error.to_string(), 100);
            format!("it is no Parquet file, or a damaged one ({error}); fetch it again")
        })?;
        let seen = words::left_out(batches.left_out());
        if batches.columns().is_empty() {
            return Err(match seen.is_empty() {
                true => "it has no columns".to_owned(),
                false => format!("{seen}: no other is there; write a column for each value"),
            });
        }
        let of_texts = (encoding == encoding_rs::UTF_8).then_some(encoding_rs::UTF_8);
        Ok(Self { batches, seen, encoding, of_texts, row: 1 })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        self.batches.columns()
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let rows = match self.batches.next() {
            None => return Ok(None),
            Some(Err(error)) => {
                let error = printable(&error.to_string(), 100);
                return Err(format!("its Parquet data are damaged ({error})"));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::cells::cells_of;
    use arrow::array::{
        BinaryArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
        LargeStringArray, ListArray, StringViewArray, StructArray, TimestampNanosecondArray,
    };
    use arrow::datatypes::{DataType, Field, Int32Type};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
    use parquet::column::writer::ColumnWriter;
    use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::fs::File;

    fn texts(path: &Path) -> (Vec<String>, String, Vec<Vec<String>>) {
        let mut blocks = ParquetBlocks::open(path, encoding_rs::UTF_8).expect("Parquet");
        let mut found = Vec::new();
        while let Some(block) = blocks.next_block().expect("a block") {
            let rows = cells_of(&block).into_iter();
            let cell = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
            found.extend(rows.map(|row| row.into_iter().map(cell).collect()));
        }
        (blocks.header().to_vec(), blocks.seen.clone(), found)
    }

    #[test]
    fn nested_columns_are_left_out_and_all_others_are_texts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        let codes: DictionaryArray<Int32Type> = ["01", "02"].into_iter().collect();
        let lists = vec![Some(vec![Some(1)]), None];
        let inner: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
        let inner = (Arc::new(Field::new("a", DataType::Utf8, false)), inner);
        let money = Decimal128Array::from(vec![Some(150), None]);
        let columns: [(&str, ArrayRef); 10] = [
            ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
            ("code", Arc::new(codes)),
            ("long", Arc::new(LargeStringArray::from(vec![Some("é"), None]))),
            ("view", Arc::new(StringViewArray::from(vec!["a", "a rather long text"]))),
            ("bytes", Arc::new(BinaryArray::from(vec![&b"0012"[..], b"x"]))),
            ("struct", Arc::new(StructArray::from(vec![inner]))),
            ("money", Arc::new(money.with_precision_and_scale(30, 2).expect("room"))),
            ("single", Arc::new(Float32Array::from(vec![0.1, 2.0]))),
            ("double", Arc::new(Float64Array::from(vec![11_267_085_662.933, 0.1 + 0.2]))),
            ("time", Arc::new(TimestampNanosecondArray::from(vec![1_221_472_800_000_000_000, 0]))),
        ];
        let table = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .expect("a table");
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::GZIP(GzipLevel::default()),
            Compression::BROTLI(BrotliLevel::default()),
            Compression::LZ4_RAW,
            Compression::ZSTD(ZstdLevel::default()),
        ] {
            let file = File::create(&path).expect("a file");
            let properties = WriterProperties::builder().set_compression(compression).build();
            let mut writer =
                ArrowWriter::try_new(file, table.schema(), Some(properties)).expect("a writer");
            writer.write(&table).expect("written");
            writer.close().expect("written");
            let (header, seen, rows) = texts(&path);
            let expected = ["code", "long", "view", "bytes", "money", "single", "double", "time"];
            assert_eq!(header, expected);
            assert_eq!(seen, "columns `list` (a list), `struct` (a struct) left out");
            let expected = [
                [
                    "01",
                    "é",
                    "a",
                    "0012",
                    "1.5",
                    "0.10000000149011612",
                    "11267085662.933",
                    "2008-09-15T10:00:00",
                ],
                [
                    "02",
                    "-",
                    "a rather long text",
                    "x",
                    "-",
                    "2",
                    "0.30000000000000004",
                    "1970-01-01T00:00:00",
                ],
            ];
            assert_eq!(rows, expected);
        }
    }

    #[test]
    fn times_of_int96_and_decimals_of_every_physical_type_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        let schema = parse_message_type(
            "message t { required int96 time; required int32 a (DECIMAL(9,2));
             required int64 b (DECIMAL(18,3)); required binary c (DECIMAL(20,2));
             required fixed_len_byte_array(4) d (DECIMAL(8,1)); }",
        )
        .expect("a schema");
        let file = File::create(&path).expect("a file");
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer =
            SerializedFileWriter::new(file, Arc::new(schema), properties).expect("a writer");
        let mut group = writer.next_row_group().expect("a group");
        while let Some(mut column) = group.next_column().expect("a column") {
            let written = match column.untyped() {
                ColumnWriter::Int96ColumnWriter(cells) => {
                    // Nanoseconds of the day, then the day of the Julian calendar.
                    let nanoseconds = 36_000_000_000_000_u64;
                    let low = u32::try_from(nanoseconds & 0xffff_ffff).expect("32 bits");
                    let high = u32::try_from(nanoseconds >> 32).expect("32 bits");
                    let mut time = Int96::new();
                    time.set_data(low, high, 2_440_588 + 14_137);
                    cells.write_batch(&[time], None, None)
                }
                ColumnWriter::Int32ColumnWriter(cells) => cells.write_batch(&[-150], None, None),
                ColumnWriter::Int64ColumnWriter(cells) => cells.write_batch(&[1], None, None),
                ColumnWriter::ByteArrayColumnWriter(cells) => {
                    cells.write_batch(&[ByteArray::from(vec![1, 0])], None, None)
                }
                ColumnWriter::FixedLenByteArrayColumnWriter(cells) => {
                    let bytes = FixedLenByteArray::from(vec![0, 0, 0, 25]);
                    cells.write_batch(&[bytes], None, None)
                }
                _ => panic!("no other column is in the schema"),
            };
            written.expect("written");
            column.close().expect("written");
        }
        group.close().expect("written");
        writer.close().expect("written");
        let (header, seen, rows) = texts(&path);
        assert_eq!((header.len(), seen.as_str()), (5, ""));
        assert_eq!(rows, [["2008-09-15T10:00:00", "-1.5", "0.001", "2.56", "2.5"]]);
    }
}
