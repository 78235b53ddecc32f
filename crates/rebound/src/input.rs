//! Raw files of every form, as blocks of rows that can be worked on side by side.
//!
//! How a file is packed is seen from its first bytes: gzip, zstd, bzip2, xz, or a zip archive, each of whose
//! members is read as a file of its own. A text is cut after whole rows into blocks whose size depends on
//! the text alone.

use crate::layout_file::FileFormat;
use crate::pipeline::{Place, RawFile};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::DataType;
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::record_reader::RecordReader;
use dta::stata::dta::release::Release;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable_type::VariableType;
use encoding_rs::Encoding;
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use lake::ExternalParquet;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tempfile::TempPath;
use tokio::runtime::Handle;
use trade::Dialect;
use trade::Marks;
use trade::text::Rows;

/// Bytes of text of a block, but for its last row, where nobody asks for others.
const BLOCK_BYTES: usize = 32 << 20;

/// Bytes that are read at a time: few enough to be looked through while they are in the processor's cache.
const PIECE_BYTES: usize = 256 << 10;

/// Rows of a block of a file that is a table already.
const BLOCK_ROWS: usize = 1 << 18;

/// A raw file, or a member of an archive.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name in tables.
    pub label: String,
    file: Arc<Local>,
    /// The member, if the file is an archive.
    member: Option<usize>,
}

/// A file of this machine, or a copy on it, made when it is first read and removed with its last item.
struct Local {
    place: Place,
    runtime: Handle,
    copy: OnceLock<Result<TempPath, String>>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Local {
    fn path(&self) -> Result<&Path, String> {
        let remote = match &self.place {
            Place::Local(path) => return Ok(path),
            Place::Remote(remote) => remote,
        };
        let copy = || {
            let mut file = tempfile::NamedTempFile::new().map_err(text_of)?;
            self.runtime.block_on(remote.copy_to(&mut file)).map_err(|error| chain(&error))?;
            Ok(file.into_temp_path())
        };
        self.copy.get_or_init(copy).as_deref().map_err(Clone::clone)
    }
}

/// An error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    std::iter::once(error.to_string())
        .chain(causes.map(ToString::to_string))
        .collect::<Vec<_>>()
        .join(": ")
}

/// Some rows of a file.
#[derive(Debug)]
pub enum Block {
    /// Text, which begins on a line of this number.
    Text {
        /// The rows, in the file's encoding.
        text: Vec<u8>,
        /// Number of its first line.
        line: u64,
        /// Its marks: without quotes if none is in it.
        dialect: Dialect,
        /// Whether it may have a byte of zero.
        has_nul: bool,
    },
    /// A table, whose first row has this number, counted from 1.
    Table {
        /// The rows.
        rows: RecordBatch,
        /// Number of the first.
        row: u64,
    },
}

/// Memory of blocks that are done with, for those to come: of any file, from any thread.
#[derive(Debug, Clone)]
pub struct Buffers {
    /// Bytes of text of a block, but for its last row.
    n_bytes: usize,
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self::of_blocks(BLOCK_BYTES)
    }
}

impl Buffers {
    /// For blocks of so many bytes, but for their last rows.
    pub fn of_blocks(n_bytes: usize) -> Self {
        Self { n_bytes, spare: Arc::default() }
    }

    /// Takes the memory of a block that is done with.
    pub fn recycle(&self, block: Block) {
        if let Block::Text { text, .. } = block {
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    fn take(&self) -> Vec<u8> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = spare.unwrap_or_else(|| Vec::with_capacity(self.n_bytes + PIECE_BYTES));
        buffer.clear();
        buffer
    }
}

/// Reads the blocks of a file.
pub struct BlockReader {
    header: Vec<String>,
    source: Source,
}

/// Texts of type strL, by the variable and observation that name them; none where the data are binary.
type LongTexts = BTreeMap<(u32, u64), Option<String>>;

enum Source {
    Text(Box<TextBlocks>),
    Parquet {
        batches: ExternalParquet,
        row: u64,
    },
    Dta {
        records: Box<RecordReader<BufReader<File>>>,
        /// The texts of type strL, which stand after the rows.
        texts: LongTexts,
        row: u64,
    },
}

struct TextBlocks {
    input: Box<dyn Read + Send>,
    dialect: Dialect,
    /// The characters of the blocks.
    encoding: &'static Encoding,
    /// Whether lines end with CR alone.
    is_cr_only: bool,
    /// What was read beyond the last block.
    rest: Vec<u8>,
    /// What is in it.
    marks: Marks,
    buffers: Buffers,
    line: u64,
    is_done: bool,
}

impl std::fmt::Debug for BlockReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockReader").field("header", &self.header).finish_non_exhaustive()
    }
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The items of a file: itself, or the members of an archive in the order of their names.
///
/// # Errors
///
/// Why it cannot be read.
pub fn items(file: &RawFile, runtime: &Handle) -> Result<Vec<Item>, String> {
    let RawFile { label, place } = file;
    let file =
        Arc::new(Local { place: place.clone(), runtime: runtime.clone(), copy: OnceLock::new() });
    let is_archive = match place {
        Place::Local(path) => {
            let mut first = Vec::new();
            File::open(path).and_then(|f| f.take(4).read_to_end(&mut first)).map_err(text_of)?;
            is_zip(&first)
        }
        // Nothing is copied before its turn.
        Place::Remote(file) => file.url().to_ascii_lowercase().ends_with(".zip"),
    };
    if !is_archive {
        return Ok(vec![Item { label: label.clone(), file, member: None }]);
    }
    let mut archive = open_zip(file.path()?)?;
    let mut items = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(text_of)?;
        if member.is_file() {
            let name = member.name().map_err(text_of)?;
            let label = format!("{label}/{name}");
            items.push(Item { label, file: Arc::clone(&file), member: Some(at) });
        }
    }
    items.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(items)
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn open_zip(path: &Path) -> Result<zip::ZipArchive<BufReader<File>>, String> {
    let file = BufReader::new(File::open(path).map_err(text_of)?);
    zip::ZipArchive::new(file).map_err(|error| {
        format!("its zip archive is damaged or cut short ({error}); fetch it again")
    })
}

/// A reader that compares what went through it with a checksum.
struct Checked<R> {
    input: R,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.crc.update(&buffer[..n]);
        if n == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(std::io::Error::other("the checksum is another"));
        }
        Ok(n)
    }
}

impl Item {
    /// The unpacked bytes.
    fn unpacked(&self) -> Result<Box<dyn Read + Send>, String> {
        let path = self.file.path()?;
        let mut file = File::open(path).map_err(text_of)?;
        let packed: Box<dyn Read + Send> = match self.member {
            None => Box::new(file),
            Some(at) => {
                let mut archive = open_zip(path)?;
                let member = archive.by_index_raw(at).map_err(text_of)?;
                let start = member
                    .data_start()
                    .ok_or_else(|| "its zip archive does not say where members begin".to_owned())?;
                let (size, expected) = (member.compressed_size(), member.crc32());
                let method = member.compression();
                file.seek(SeekFrom::Start(start)).map_err(text_of)?;
                let data = BufReader::new(file).take(size);
                let crc = Crc::new();
                match method {
                    zip::CompressionMethod::Stored => {
                        Box::new(Checked { input: data, crc, expected })
                    }
                    zip::CompressionMethod::Deflated => {
                        Box::new(Checked { input: DeflateDecoder::new(data), crc, expected })
                    }
                    other => {
                        return Err(format!(
                            "its zip archive is packed by {other}: expected deflate; pack it again"
                        ));
                    }
                }
            }
        };
        unpack(packed)
    }

    fn plain_path(&self, what: &str) -> Result<&Path, String> {
        match self.member {
            None => self.file.path(),
            Some(_) => {
                Err(format!("a {what} file inside an archive cannot be read: unpack it first"))
            }
        }
    }

    /// Opens the file as `format` says.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(&self, format: &FileFormat, buffers: &Buffers) -> Result<BlockReader, String> {
        // A Parquet or Stata file is known by its first bytes, whatever form the layout expects.
        let mut first = Vec::new();
        File::open(self.file.path()?)
            .and_then(|file| file.take(11).read_to_end(&mut first))
            .map_err(text_of)?;
        let found = match (first.as_slice(), format) {
            ([b'P', b'A', b'R', b'1', ..], _) => &FileFormat::Parquet,
            ([b'<', b's', b't', b'a', b't', b'a', b'_', b'd', b't', b'a', b'>'], _)
            | ([105..=115, 1 | 2, 1, 0, ..], _) => &FileFormat::Dta {
                encoding: match format {
                    FileFormat::Csv { encoding, .. } | FileFormat::Dta { encoding } => encoding,
                    FileFormat::Parquet => encoding_rs::UTF_8,
                },
            },
            (_, format) => format,
        };
        match found {
            FileFormat::Csv { dialect, encoding, has_header } => {
                let input = self.unpacked()?;
                let (header, text) =
                    TextBlocks::open(input, *dialect, encoding, *has_header, buffers)?;
                Ok(BlockReader { header, source: Source::Text(Box::new(text)) })
            }
            FileFormat::Parquet => {
                let path = self.plain_path("Parquet")?;
                let batches = ExternalParquet::open(path, BLOCK_ROWS).map_err(|error| {
                    format!("it is no Parquet file, or a damaged one ({error}); fetch it again")
                })?;
                let header = batches.columns().to_vec();
                Ok(BlockReader { header, source: Source::Parquet { batches, row: 1 } })
            }
            FileFormat::Dta { encoding } => {
                let path = self.plain_path("Stata")?;
                let damaged = |error| format!("it is no Stata file, or a damaged one ({error})");
                let open = |reader: DtaReader| {
                    reader.from_path(path).and_then(|reader| reader.read_header()).map_err(damaged)
                };
                let mut reader = open(DtaReader::new())?;
                // Stata writes UTF-8 from version 118 on.
                if reader.header().release() < Release::V118 {
                    reader = open(DtaReader::new().encoding(encoding))?;
                }
                let mut reader = reader.read_schema().map_err(damaged)?;
                reader.skip_to_end().map_err(damaged)?;
                let records = reader.into_record_reader().map_err(damaged)?;
                let variables = records.schema().variables();
                let header = variables.iter().map(|v| v.name().to_owned()).collect();
                let mut texts = LongTexts::new();
                let is_long =
                    variables.iter().any(|v| v.variable_type() == VariableType::LongString);
                let records = if is_long {
                    let mut reader = records.seek_long_strings().map_err(damaged)?;
                    let encoding = reader.encoding();
                    while let Some(text) = reader.read_long_string().map_err(damaged)? {
                        let key = (text.variable(), text.observation());
                        texts.insert(key, text.data_str(encoding).map(Cow::into_owned));
                    }
                    reader.seek_records().map_err(damaged)?
                } else {
                    records
                };
                let source = Source::Dta { records: Box::new(records), texts, row: 1 };
                Ok(BlockReader { header, source })
            }
        }
    }
}

fn unpack(mut input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, String> {
    let mut first = Vec::new();
    input.by_ref().take(6).read_to_end(&mut first).map_err(unreadable)?;
    let whole = Cursor::new(first.clone()).chain(input);
    let damaged = |error: &dyn std::fmt::Display| {
        format!("its packed data are damaged or cut short ({error}); fetch it again")
    };
    Ok(match first.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::Decoder::new(whole).map_err(|error| damaged(&error))?)
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(BufReader::new(whole))),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(lzma_rust2::XzReader::new(BufReader::new(whole), true))
        }
        _ => Box::new(whole),
    })
}

impl BlockReader {
    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn next_block(&mut self) -> Result<Option<Block>, String> {
        match &mut self.source {
            Source::Text(text) => text.next_block(),
            Source::Parquet { batches, row } => match batches.next() {
                None => Ok(None),
                Some(Err(error)) => Err(format!("its Parquet data are damaged ({error})")),
                Some(Ok(rows)) => {
                    let first = *row;
                    *row += rows.num_rows() as u64;
                    Ok(Some(Block::Table { rows, row: first }))
                }
            },
            Source::Dta { records, texts, row } => {
                let n_columns = self.header.len();
                let mut columns: Vec<StringBuilder> =
                    (0..n_columns).map(|_| StringBuilder::new()).collect();
                let mut n_rows = 0;
                while n_rows < BLOCK_ROWS {
                    let damaged = |error| {
                        format!("its Stata data are damaged or cut short ({error}); fetch it again")
                    };
                    let Some(record) = records.read_record().map_err(damaged)? else { break };
                    for (cells, value) in columns.iter_mut().zip(record.values()) {
                        cells.append_option(stata_text(value, texts)?);
                    }
                    n_rows += 1;
                }
                if n_rows == 0 {
                    return Ok(None);
                }
                let columns = self.header.iter().zip(&mut columns).map(|(name, cells)| {
                    (name.as_str(), Arc::new(cells.finish()) as ArrayRef, true)
                });
                let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
                let first = *row;
                *row += n_rows as u64;
                Ok(Some(Block::Table { rows, row: first }))
            }
        }
    }

    /// The encoding of the blocks of a text.
    pub fn encoding(&self) -> &'static Encoding {
        match &self.source {
            Source::Text(text) => text.encoding,
            _ => encoding_rs::UTF_8,
        }
    }
}

/// A Stata value as text, numbers by their shortest decimal; `None` if it is missing.
fn stata_text<'v>(
    value: &'v Value<'_>,
    texts: &'v LongTexts,
) -> Result<Option<Cow<'v, str>>, String> {
    let number = |n: Option<i64>| n.map(|n| Cow::Owned(n.to_string()));
    Ok(match value {
        Value::Byte(n) => number(n.present().map(i64::from)),
        Value::Int(n) => number(n.present().map(i64::from)),
        Value::Long(n) => number(n.present().map(i64::from)),
        Value::Float(n) => n.present().map(|n| Cow::Owned(n.to_string())),
        Value::Double(n) => n.present().map(|n| Cow::Owned(n.to_string())),
        Value::String(text) => Some(Cow::Borrowed(&**text)),
        // No text is no reference.
        Value::LongStringRef(reference) if reference.variable() == 0 => None,
        Value::LongStringRef(reference) => {
            let text = texts.get(&(reference.variable(), reference.observation()));
            let text = text.ok_or_else(|| {
                "a row names a text of type strL that is not there; fetch the file again".to_owned()
            })?;
            let text = text.as_deref().ok_or_else(|| {
                "it has binary data of type strL: drop those variables in Stata".to_owned()
            })?;
            Some(Cow::Borrowed(text))
        }
    })
}

impl TextBlocks {
    /// Begins to read, and gives the names of the columns.
    fn open(
        mut input: Box<dyn Read + Send>,
        dialect: Dialect,
        encoding: &'static Encoding,
        has_header: bool,
        buffers: &Buffers,
    ) -> Result<(Vec<String>, Self), String> {
        let mut rest = Vec::new();
        fill(&mut input, &mut rest, 3)?;
        let mut encoding = encoding;
        if let Some((found, n)) = Encoding::for_bom(&rest) {
            encoding = found;
            rest.drain(..n);
        }
        if !encoding.is_ascii_compatible() {
            // Rows cannot be told apart before it is decoded.
            input.read_to_end(&mut rest).map_err(unreadable)?;
            let text = encoding.decode_without_bom_handling(&rest).0.into_owned();
            input = Box::new(Cursor::new(text.into_bytes()));
            rest = Vec::new();
            encoding = encoding_rs::UTF_8;
        }
        fill(&mut input, &mut rest, 1 << 20)?;
        let is_cr_only = !rest.contains(&b'\n') && rest.contains(&b'\r');
        let mut text = Self {
            input,
            dialect,
            encoding,
            is_cr_only,
            is_done: false,
            rest,
            marks: Marks::default(),
            buffers: buffers.clone(),
            line: 1,
        };
        text.mend(0);
        let header = loop {
            let is_last = text.rest.len() < (1 << 20);
            let whole = dialect.whole_rows(&text.rest, is_last);
            match whole {
                Some(end) => break text.header(end, has_header),
                None => {
                    let n = text.rest.len();
                    fill(&mut text.input, &mut text.rest, 2 * n)?;
                    text.mend(n);
                    if text.rest.len() == n {
                        break text.header(n, has_header);
                    }
                }
            }
        };
        if header.iter().all(|name| name.trim().is_empty()) {
            return Err("it is empty: expected a header and rows".to_owned());
        }
        text.marks.add(&text.rest, dialect);
        Ok((header, text))
    }

    fn header(&mut self, end: usize, has_header: bool) -> Vec<String> {
        let text = self.encoding.decode_without_bom_handling(&self.rest[..end]).0;
        let mut rows = Rows::new(text.as_bytes(), self.dialect, 1);
        let mut fields = Vec::new();
        if rows.next_row(&mut fields).is_none() {
            return Vec::new();
        }
        if !has_header {
            return (1..=fields.len()).map(|at| format!("column {at}")).collect();
        }
        let header = fields.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
        // Its length is taken from the bytes of the file, not of the decoded text.
        let mut raw = Rows::new(&self.rest[..end], self.dialect, 1);
        raw.next_row(&mut Vec::new());
        self.line = raw.line();
        let n = raw.position();
        self.rest.drain(..n);
        header
    }

    /// Makes LF of the CR of a text that ends its lines so, from byte `from` on.
    fn mend(&mut self, from: usize) {
        if self.is_cr_only {
            self.rest[from..].iter_mut().filter(|byte| **byte == b'\r').for_each(|b| *b = b'\n');
        }
    }

    fn next_block(&mut self) -> Result<Option<Block>, String> {
        if self.is_done {
            return Ok(None);
        }
        // The memory of a block is large and goes with it; what is read beyond it needs little.
        let mut rest = std::mem::replace(&mut self.rest, self.buffers.take());
        self.rest.extend_from_slice(&rest);
        rest.clear();
        let mut size = self.buffers.n_bytes;
        loop {
            let is_last = !self.fill(size)?;
            let dialect = match self.marks.has_quote {
                true => self.dialect,
                false => Dialect { quote: None, ..self.dialect },
            };
            let Some(end) = dialect.whole_rows(&self.rest, is_last) else {
                size *= 2;
                continue;
            };
            self.is_done = is_last;
            if end == 0 {
                return Ok(None);
            }
            rest.extend_from_slice(&self.rest[end..]);
            let mut text = std::mem::replace(&mut self.rest, rest);
            text.truncate(end);
            let Marks { n_lines, has_nul, .. } = std::mem::take(&mut self.marks);
            self.marks.add(&self.rest, self.dialect);
            let line = self.line;
            self.line += n_lines - self.marks.n_lines;
            return Ok(Some(Block::Text { text, line, dialect, has_nul }));
        }
    }

    /// Reads until the rest has `size` bytes; whether there may be more.
    fn fill(&mut self, size: usize) -> Result<bool, String> {
        while self.rest.len() < size {
            let from = self.rest.len();
            let piece = PIECE_BYTES.min(size - from);
            let may_be_more = fill(&mut self.input, &mut self.rest, from + piece)?;
            self.mend(from);
            self.marks.add(&self.rest[from..], self.dialect);
            if !may_be_more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn unreadable(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => error.to_string(),
        _ => format!("its data are damaged or cut short ({error}); fetch it again"),
    }
}

/// Reads until `buffer` has `size` bytes; whether there may be more.
fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, size: usize) -> Result<bool, String> {
    let mut n = buffer.len();
    buffer.resize(size.max(n), 0);
    while n < buffer.len() {
        match input.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let is_full = n == buffer.len();
    buffer.truncate(n);
    Ok(is_full)
}

/// The columns of a table as texts.
///
/// # Errors
///
/// If a column has a type that cannot be written as text.
pub fn texts(rows: &RecordBatch) -> Result<Vec<StringArray>, String> {
    rows.columns()
        .iter()
        .zip(rows.schema().fields())
        .map(|(column, field)| {
            let text = arrow::compute::cast(column, &DataType::Utf8)
                .map_err(|error| format!("column `{}`: {error}", field.name()))?;
            Ok(text.as_string::<i32>().clone())
        })
        .collect()
}
