//! Arrow IPC, as a file (Feather 2) or a stream, or rows that are in memory, as blocks of rows.

use super::block::{BLOCK_ROWS, Block, Frame, Stored};
use super::fault::text_of;
use super::words;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use encoding_rs::Encoding;
use project::printable::printable;
use project::read_options::ReadOptions;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Reads the blocks of an Arrow file or stream.
pub(super) struct ArrowBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// Which columns are left out; empty if none is.
    pub(super) seen: String,
    batches: Batches,
    /// What is left of a batch that is longer than a block.
    rest: Option<RecordBatch>,
    /// Of columns of bytes.
    encoding: &'static Encoding,
    row: u64,
}

/// The batches of a file, or those in memory with the places of the columns that are read.
enum Batches {
    File(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
    InMemory(std::vec::IntoIter<RecordBatch>, Vec<usize>),
}

/// Which columns of a table are read: those that are not nested.
struct Columns {
    names: Vec<String>,
    kept: Vec<usize>,
    /// Which are left out, in words; empty if none is.
    left_out: String,
}

impl Columns {
    /// Those of a schema; otherwise what is wrong with it.
    fn of(schema: &SchemaRef) -> Result<Self, String> {
        let (mut names, mut kept, mut nested) = (Vec::new(), Vec::new(), Vec::new());
        for (at, field) in schema.fields().iter().enumerate() {
            match lake::nested(field.data_type()) {
                Some(what) => nested.push((field.name().clone(), what)),
                None => {
                    names.push(field.name().clone());
                    kept.push(at);
                }
            }
        }
        let left_out = words::left_out(&nested);
        match names.is_empty() {
            false => Ok(Self { names, kept, left_out }),
            true if left_out.is_empty() => Err("it has no columns".to_owned()),
            true => Err(format!("{left_out}: no other is there; write a column for each value")),
        }
    }
}

impl Batches {
    /// Opens the file at `path` for the columns at these places, or for all.
    fn open(path: &Path, columns: Option<Vec<usize>>) -> Result<Self, String> {
        let damaged = |error: ArrowError| {
            let error = printable(&error.to_string(), 100);
            format!(
                "it is no Arrow file, or a damaged one ({error}): fetch it again, or write it by \
                 `write_feather` in version 2"
            )
        };
        let mut first = Vec::new();
        File::open(path).and_then(|f| f.take(6).read_to_end(&mut first)).map_err(text_of)?;
        if !has_right_sizes(path).map_err(|error| damaged(error.into()))? {
            let why = "a message that is larger than the file".to_owned();
            return Err(damaged(ArrowError::IpcError(why)));
        }
        let file = File::open(path).map_err(text_of)?;
        let opened = match first == b"ARROW1" {
            true => FileReader::try_new_buffered(file, columns).map(Self::File),
            false => StreamReader::try_new_buffered(file, columns).map(Self::Stream),
        };
        opened.map_err(damaged)
    }

    fn next(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        match self {
            Self::File(batches) => batches.next(),
            Self::Stream(batches) => batches.next(),
            Self::InMemory(batches, kept) => batches.next().map(|batch| batch.project(kept)),
        }
    }
}

/// Whether no message is said to be larger than what is left of the file: room for a message is
/// taken before it is read. What else is wrong is left to the reader.
fn has_right_sizes(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut first = [0; 6];
    file.read_exact(&mut first)?;
    if &first != b"ARROW1" {
        file.rewind()?;
        return has_right_messages(&mut BufReader::new(file), size);
    }
    let Some(end) = size.checked_sub(10) else { return Ok(true) };
    file.seek(SeekFrom::Start(end))?;
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let Some(start) = end.checked_sub(length) else { return Ok(false) };
    file.seek(SeekFrom::Start(start))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    let Ok(footer) = arrow::ipc::root_as_footer(&footer) else { return Ok(true) };
    let is_within = |offset: i64, metadata: i32, body: i64| {
        let parts = [offset, i64::from(metadata), body].map(u64::try_from);
        let end = parts.into_iter().try_fold(0_u64, |sum, part| sum.checked_add(part.ok()?));
        end.is_some_and(|end| end <= size)
    };
    let blocks = [footer.recordBatches(), footer.dictionaries()].into_iter().flatten();
    Ok(blocks
        .flat_map(|blocks| blocks.iter())
        .all(|block| is_within(block.offset(), block.metaDataLength(), block.bodyLength())))
}

/// The same of the messages of a stream, of which `left` bytes are left.
fn has_right_messages(input: &mut BufReader<File>, mut left: u64) -> std::io::Result<bool> {
    let mut metadata = Vec::new();
    loop {
        let mut length = [0; 4];
        // Before version 0.15 nothing stood before the length.
        let mut n_before = 4;
        if input.read_exact(&mut length).is_err() {
            return Ok(true);
        }
        if length == [0xff; 4] {
            n_before = 8;
            if input.read_exact(&mut length).is_err() {
                return Ok(true);
            }
        }
        let length = u64::from(u32::from_le_bytes(length));
        if length == 0 {
            return Ok(true);
        }
        let Some(after) = left.checked_sub(n_before + length) else { return Ok(false) };
        metadata.clear();
        input.by_ref().take(length).read_to_end(&mut metadata)?;
        let Ok(message) = arrow::ipc::root_as_message(&metadata) else { return Ok(true) };
        let body = u64::try_from(message.bodyLength()).ok();
        let Some(after) = body.and_then(|body| after.checked_sub(body)) else { return Ok(false) };
        input.seek_relative(message.bodyLength())?;
        left = after;
    }
}

impl ArrowBlocks {
    /// Begins to read the file at `path`.
    pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Self, String> {
        let all = Batches::open(path, None)?;
        let schema = match &all {
            Batches::File(batches) => batches.schema(),
            Batches::Stream(batches) => batches.schema(),
            Batches::InMemory(..) => return Err("it is no file".to_owned()),
        };
        let columns = Columns::of(&schema)?;
        let batches = match columns.left_out.is_empty() {
            true => all,
            false => Batches::open(path, Some(columns.kept.clone()))?,
        };
        Ok(Self::new(columns, batches, options))
    }

    /// Begins to read rows that are in memory.
    pub(super) fn of_frame(frame: &Frame, options: &ReadOptions) -> Result<Self, String> {
        let columns = Columns::of(&frame.schema)?;
        let batches = Batches::InMemory(frame.batches.clone().into_iter(), columns.kept.clone());
        Ok(Self::new(columns, batches, options))
    }

    fn new(columns: Columns, batches: Batches, options: &ReadOptions) -> Self {
        let Columns { names: header, left_out: seen, .. } = columns;
        let encoding = options.encoding.map_or(encoding_rs::UTF_8, |characters| characters.0);
        Self { header, seen, batches, rest: None, encoding, row: 1 }
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next() {
                None => return Ok(None),
                Some(Err(error)) => {
                    let error = printable(&error.to_string(), 100);
                    return Err(format!("its Arrow data are damaged ({error}): fetch it again"));
                }
                Some(Ok(batch)) => batch,
            },
        };
        let n = batch.num_rows();
        let rows = if n > BLOCK_ROWS {
            self.rest = Some(batch.slice(BLOCK_ROWS, n - BLOCK_ROWS));
            batch.slice(0, BLOCK_ROWS)
        } else {
            batch
        };
        let fields = rows.schema_ref().fields().iter();
        let stored = fields.map(|field| Stored::of(field.data_type(), self.encoding)).collect();
        let row = self.row;
        self.row += rows.num_rows() as u64;
        Ok(Some(Block::Table { rows, row, stored }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::cells::cells_of;
    use arrow::array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
        Int64Array, LargeStringArray, ListArray, StringArray, StringViewArray,
        TimestampSecondArray,
    };
    use arrow::datatypes::{Int32Type, UInt8Type};
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn table() -> RecordBatch {
        let codes: DictionaryArray<UInt8Type> = ["01", "02", "01"].into_iter().collect();
        let decimals = Decimal128Array::from(vec![Some(150), None, Some(-5)]);
        let lists = vec![Some(vec![Some(1)]), None, Some(vec![])];
        let columns: [(&str, ArrayRef); 9] = [
            ("code", Arc::new(codes)),
            ("long", Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("é")]))),
            ("view", Arc::new(StringViewArray::from(vec!["a", "a rather long text", ""]))),
            ("whole", Arc::new(Int64Array::from(vec![i64::MAX, 0, -1]))),
            ("money", Arc::new(decimals.with_precision_and_scale(10, 2).expect("room"))),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
            ("is", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("day", Arc::new(Date32Array::from(vec![14_137, 0, -1]))),
            ("time", Arc::new(TimestampSecondArray::from(vec![1_221_472_800, 0, -1]))),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .expect("a table")
    }

    fn texts(blocks: &mut ArrowBlocks) -> Vec<Vec<Option<String>>> {
        let mut found = Vec::new();
        while let Some(block) = blocks.next_block().expect("a block") {
            found.extend(cells_of(&block));
        }
        found
    }

    #[test]
    fn files_and_streams_have_the_same_texts_and_lists_are_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        let table = table();
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            for is_file in [true, false] {
                let file = File::create(&path).expect("a file");
                let options =
                    IpcWriteOptions::default().try_with_compression(compression).expect("known");
                if is_file {
                    let mut writer =
                        FileWriter::try_new_with_options(file, table.schema_ref(), options)
                            .expect("a writer");
                    writer.write(&table).expect("written");
                    writer.finish().expect("written");
                } else {
                    let mut writer =
                        StreamWriter::try_new_with_options(file, table.schema_ref(), options)
                            .expect("a writer");
                    writer.write(&table).expect("written");
                    writer.finish().expect("written");
                }
                let mut blocks = ArrowBlocks::open(&path, &ReadOptions::default()).expect("Arrow");
                assert_eq!(blocks.seen, "column `list` (a list) left out");
                let header = ["code", "long", "view", "whole", "money", "is", "day", "time"];
                assert_eq!(blocks.header, header);
                let expected = [
                    [
                        "01",
                        "x",
                        "a",
                        "9223372036854775807",
                        "1.5",
                        "true",
                        "2008-09-15",
                        "2008-09-15T10:00:00",
                    ],
                    [
                        "02",
                        "-",
                        "a rather long text",
                        "0",
                        "-",
                        "false",
                        "1970-01-01",
                        "1970-01-01T00:00:00",
                    ],
                    ["01", "é", "", "-1", "-0.05", "-", "1969-12-31", "1969-12-31T23:59:59"],
                ];
                let expected = expected
                    .map(|row| row.map(|text| (text != "-").then(|| text.to_owned())).to_vec());
                assert_eq!(texts(&mut blocks), expected);
            }
        }
    }

    #[test]
    fn what_is_no_arrow_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        for bytes in [&b"ARROW1\0\0rest"[..], b"", b"\xff\xff\xff\xff\x10\0\0\0abc"] {
            std::fs::write(&path, bytes).expect("written");
            let error = ArrowBlocks::open(&path, &ReadOptions::default()).err().expect("none");
            assert!(error.starts_with("it is no Arrow file"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn texts_and_numbers_are_read_as_they_were_written(
            rows in prop::collection::vec((any::<Option<String>>(), any::<Option<i64>>(), -1e6..1e6_f64), 1..20),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("t");
            let strings: StringArray = rows.iter().map(|row| row.0.as_deref()).collect();
            let wholes: Int64Array = rows.iter().map(|row| row.1).collect();
            let numbers: Float64Array = rows.iter().map(|row| Some(row.2)).collect();
            let columns: [(&str, ArrayRef, bool); 3] = [
                ("s", Arc::new(strings), true),
                ("w", Arc::new(wholes), true),
                ("n", Arc::new(numbers), true),
            ];
            let table = RecordBatch::try_from_iter_with_nullable(columns).expect("a table");
            let file = File::create(&path).expect("a file");
            let mut writer = FileWriter::try_new(file, table.schema_ref()).expect("a writer");
            writer.write(&table).expect("written");
            writer.finish().expect("written");
            let mut blocks = ArrowBlocks::open(&path, &ReadOptions::default()).expect("Arrow");
            for (found, row) in texts(&mut blocks).into_iter().zip(rows) {
                prop_assert_eq!(&found[0], &row.0);
                prop_assert_eq!(&found[1], &row.1.map(|number| number.to_string()));
                let number = found[2].as_deref().and_then(|text| text.parse::<f64>().ok());
                prop_assert_eq!(number.map(f64::to_bits), Some(row.2.to_bits()));
            }
        }
    }
}
