//! Raw files of every form, as blocks of rows that can be worked on side by side.
//!
//! How a file is packed is seen from its first bytes: gzip, zstd, bzip2, xz, or a zip archive, each of whose
//! members is read as a file of its own. A text is cut after whole rows into blocks whose size depends on
//! the text alone.

use crate::bounded::{self, BoundedRows, LongRow, RowLimit};
use crate::causes::causes;
use crate::layout_file::FileFormat;
use crate::raw_files::{Place, RawFile};
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::record_reader::RecordReader;
use dta::stata::dta::release::Release;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable_type::VariableType;
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use lake::{ExternalParquet, RemoteError, RemoteFault};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
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
    copy: OnceLock<Result<TempPath, Unreadable>>,
}

/// Why a file cannot be read, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    why: String,
    /// Whether it is the file's fault, or that of who names it; otherwise its store's or this machine's.
    pub is_users: bool,
}

impl From<String> for Unreadable {
    fn from(why: String) -> Self {
        Self { why, is_users: true }
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Local {
    fn path(&self) -> Result<&Path, Unreadable> {
        let remote = match &self.place {
            Place::Local(path) => return Ok(path),
            Place::Remote(remote) => remote,
        };
        let copy = || {
            let failed = |error| RemoteError { url: remote.url().to_owned(), source: error };
            let copied = tempfile::NamedTempFile::new()
                .map_err(|error| failed(RemoteFault::Copy(error)))
                .and_then(|mut file| {
                    self.runtime.block_on(remote.copy_to(&mut file))?;
                    Ok(file.into_temp_path())
                });
            copied.map_err(|error| Unreadable {
                why: causes(&error).join(": "),
                is_users: error.is_users(),
            })
        };
        self.copy.get_or_init(copy).as_deref().map_err(Clone::clone)
    }
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
        /// What each column has.
        stored: Vec<Stored>,
    },
}

/// What a column of a table has in its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Texts, or what has one text wherever it is written.
    Text,
    /// Bytes, which are texts in this encoding.
    Bytes(&'static Encoding),
    /// Numbers that may have a fraction.
    Number,
    /// Such numbers of single precision.
    Single,
}

impl Stored {
    /// A column of this Arrow type, in `encoding` if it is of bytes.
    fn of(kind: &DataType, encoding: &'static Encoding) -> Self {
        match kind {
            DataType::Dictionary(_, values) => Self::of(values, encoding),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                Self::Bytes(encoding)
            }
            DataType::Float32 => Self::Single,
            DataType::Float16 | DataType::Float64 => Self::Number,
            decimal if decimal.is_decimal() => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Memory of blocks that are done with, for those to come: of any file, from any thread.
#[derive(Debug, Clone)]
pub struct Buffers {
    /// Bytes of text of a block, but for its last row.
    n_bytes: usize,
    /// How long a row may be.
    limit: RowLimit,
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new(RowLimit::default())
    }
}

impl Buffers {
    /// For rows of so many bytes.
    pub fn new(limit: RowLimit) -> Self {
        Self { n_bytes: BLOCK_BYTES, limit, spare: Arc::default() }
    }

    /// The same for blocks of so many bytes, but for their last rows.
    #[must_use]
    pub fn of_blocks(self, n_bytes: usize) -> Self {
        Self { n_bytes, ..self }
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
        /// Of columns of bytes.
        encoding: &'static Encoding,
        /// Of columns that the file says are text; none as long as all met was ASCII.
        of_texts: Option<&'static Encoding>,
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
    input: BoundedRows<Box<dyn Read + Send>>,
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
pub fn items(file: &RawFile, runtime: &Handle) -> Result<Vec<Item>, Unreadable> {
    let RawFile { label, place } = file;
    let file =
        Arc::new(Local { place: place.clone(), runtime: runtime.clone(), copy: OnceLock::new() });
    let is_archive = match place {
        Place::Local(path) => {
            let mut first = Vec::new();
            bounded::is_regular(path).map_err(text_of)?;
            File::open(path).and_then(|f| f.take(4).read_to_end(&mut first)).map_err(text_of)?;
            is_zip(&first)
        }
        // Nothing is copied before its turn.
        Place::Remote(file) => file.url().to_ascii_lowercase().ends_with(".zip"),
    };
    if !is_archive {
        return Ok(vec![Item { label: label.clone(), file, member: None }]);
    }
    let path = file.path()?;
    let mut archive = open_zip(path)?;
    // Its index keeps but the last member of a name.
    if archive.has_duplicate_names() {
        let mut directory = Vec::new();
        let mut file = File::open(path).map_err(text_of)?;
        file.seek(SeekFrom::Start(archive.central_directory_start())).map_err(text_of)?;
        file.read_to_end(&mut directory).map_err(text_of)?;
        if let Some(name) = repeated_name(&directory) {
            return Err(repeated(&name).into());
        }
    }
    let mut items: Vec<Item> = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(text_of)?;
        if member.is_file() {
            let name = member.name().map_err(text_of)?;
            let label = format!("{label}/{name}");
            items.push(Item { label, file: Arc::clone(&file), member: Some(at) });
        }
    }
    items.sort_by(|a, b| a.label.cmp(&b.label));
    // Names of other bytes may be the same characters.
    match items.windows(2).find(|pair| pair[0].label == pair[1].label) {
        Some(pair) => Err(repeated(&pair[0].label[label.len() + 1..]).into()),
        None => Ok(items),
    }
}

fn repeated(name: &str) -> String {
    format!(
        "two of its members have the name `{name}`: unpack it into files of different names, and name those instead"
    )
}

/// Bytes of an entry of a zip archive's directory before the member's name.
const ZIP_ENTRY: usize = 46;

/// The first name that stands twice in the directory of a zip archive. Folders may.
fn repeated_name(directory: &[u8]) -> Option<String> {
    let mut names = BTreeSet::new();
    let mut rest = directory;
    while let Some((entry, after)) = rest.split_first_chunk::<ZIP_ENTRY>()
        && entry.starts_with(b"PK\x01\x02")
    {
        // The sizes of the name, of what is added to it, and of a comment.
        let size = |at: usize| usize::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
        let name = after.get(..size(28))?;
        if !name.ends_with(b"/") && !names.insert(name) {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
        rest = after.get(size(28) + size(30) + size(32)..)?;
    }
    None
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
    fn unpacked(&self) -> Result<Box<dyn Read + Send>, Unreadable> {
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
                        )
                        .into());
                    }
                }
            }
        };
        Ok(unpack(packed)?)
    }

    fn plain_path(&self, what: &str) -> Result<&Path, Unreadable> {
        match self.member {
            None => self.file.path(),
            Some(_) => {
                let why = format!("a {what} file inside an archive cannot be read");
                Err(format!("{why}: unpack it first").into())
            }
        }
    }

    /// Opens the file as `format` says.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(&self, format: &FileFormat, buffers: &Buffers) -> Result<BlockReader, Unreadable> {
        // A Parquet or Stata file is known by its first bytes, whatever form the layout expects.
        let mut first = Vec::new();
        File::open(self.file.path()?)
            .and_then(|file| file.take(11).read_to_end(&mut first))
            .map_err(text_of)?;
        let (FileFormat::Csv { encoding, .. }
        | FileFormat::Parquet { encoding }
        | FileFormat::Dta { encoding }) = *format;
        let found = match (first.as_slice(), format) {
            ([b'P', b'A', b'R', b'1', ..], _) => &FileFormat::Parquet { encoding },
            ([b'<', b's', b't', b'a', b't', b'a', b'_', b'd', b't', b'a', b'>'], _)
            | ([105..=115, 1 | 2, 1, 0, ..], _) => &FileFormat::Dta { encoding },
            (_, format) => format,
        };
        match found {
            FileFormat::Csv { dialect, encoding, has_header } => {
                let input = self.unpacked()?;
                let (header, text) =
                    TextBlocks::open(input, *dialect, encoding, *has_header, buffers)?;
                Ok(BlockReader { header, source: Source::Text(Box::new(text)) })
            }
            FileFormat::Parquet { encoding } => {
                let path = self.plain_path("Parquet")?;
                let batches = ExternalParquet::open(path, BLOCK_ROWS).map_err(|error| {
                    format!("it is no Parquet file, or a damaged one ({error}); fetch it again")
                })?;
                let header = batches.columns().to_vec();
                let of_texts = (*encoding == encoding_rs::UTF_8).then_some(encoding_rs::UTF_8);
                let source = Source::Parquet { batches, encoding, of_texts, row: 1 };
                Ok(BlockReader { header, source })
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
            Source::Parquet { batches, encoding, of_texts, row } => match batches.next() {
                None => Ok(None),
                Some(Err(error)) => Err(format!("its Parquet data are damaged ({error})")),
                Some(Ok(rows)) => {
                    let first = *row;
                    *row += rows.num_rows() as u64;
                    let is_text = batches.is_text();
                    if of_texts.is_none() {
                        *of_texts = encoding_of_texts(&rows, is_text, encoding);
                    }
                    let of_texts = of_texts.unwrap_or(encoding_rs::UTF_8);
                    let (rows, stored) = with_texts(&rows, is_text, of_texts, encoding)?;
                    Ok(Some(Block::Table { rows, row: first, stored }))
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
                let variables = records.schema().variables().iter();
                let stored = variables.map(|variable| match variable.variable_type() {
                    VariableType::Float => Stored::Single,
                    VariableType::Double => Stored::Number,
                    _ => Stored::Text,
                });
                let stored = stored.collect();
                Ok(Some(Block::Table { rows, row: first, stored }))
            }
        }
    }

    /// The encoding of the blocks of a text.
    pub fn encoding(&self) -> &'static Encoding {
        match &self.source {
            Source::Text(text) => text.encoding,
            Source::Parquet { .. } | Source::Dta { .. } => encoding_rs::UTF_8,
        }
    }
}

/// The encoding of columns that a file says are text in UTF-8: `encoding` if more of their cells are no UTF-8 than
/// are. So a few damaged cells do not make a file one of that encoding, nor a few of its cells that happen to be UTF-8
/// a file in UTF-8. `None` if all is ASCII.
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

/// Rows of a Parquet file with columns of text as such where they are UTF-8 throughout, and what each column has.
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

/// A number as text: a whole one in full, another by the shortest decimal that no other number is nearer to.
fn number_text(number: f64) -> String {
    // The shortest decimal of a large whole number ends with zeros that are not its own digits.
    if number.fract() == 0.0 { format!("{number:.0}") } else { number.to_string() }
}

/// Numbers of single precision, as [`texts`] gives them, by their shortest decimals: so money is meant, as hardly a hundredth is
/// such a number.
pub fn as_decimals(cells: &BinaryArray) -> BinaryArray {
    let decimal = |text: &[u8]| {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
        match number {
            Some(number) if number.fract() != 0.0 => number.to_string().into_bytes(),
            _ => text.to_vec(),
        }
    };
    cells.iter().map(|cell| cell.map(decimal)).collect()
}

/// Codes of single precision, as [`texts`] gives them; those that may be of another code, since there are fewer such numbers than
/// codes, with a comma, which no code has.
pub fn without_long_codes(cells: &BinaryArray) -> BinaryArray {
    let marked = |text: &[u8]| -> Vec<u8> {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
        let is_long = number.is_some_and(|number| number.abs() > 16_777_216.0);
        text.iter().copied().chain(is_long.then_some(b',')).collect()
    };
    cells.iter().map(|cell| cell.map(marked)).collect()
}

/// Numbers, as [`texts`] gives them, with `mark` before their fractions.
pub fn with_mark(cells: &BinaryArray, mark: u8) -> BinaryArray {
    let marked = |text: &[u8]| -> Vec<u8> {
        text.iter().map(|&byte| if byte == b'.' { mark } else { byte }).collect()
    };
    cells.iter().map(|cell| cell.map(marked)).collect()
}

/// A decimal number without zeros at the end of its fraction.
fn shortest(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// A Stata value as text; `None` if it is missing.
fn stata_text<'v>(
    value: &'v Value<'_>,
    texts: &'v LongTexts,
) -> Result<Option<Cow<'v, str>>, String> {
    let number = |n: Option<i64>| n.map(|n| Cow::Owned(n.to_string()));
    Ok(match value {
        Value::Byte(n) => number(n.present().map(i64::from)),
        Value::Int(n) => number(n.present().map(i64::from)),
        Value::Long(n) => number(n.present().map(i64::from)),
        Value::Float(n) => n.present().map(|n| Cow::Owned(number_text(f64::from(n)))),
        Value::Double(n) => n.present().map(|n| Cow::Owned(number_text(n))),
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
        fill(&mut input, &mut rest, 3).map_err(unreadable)?;
        let mut encoding = encoding;
        if let Some((found, n)) = Encoding::for_bom(&rest) {
            encoding = found;
            rest.drain(..n);
        }
        if !encoding.is_ascii_compatible() {
            // Rows cannot be told apart before it is decoded.
            let decoder = DecodeReaderBytesBuilder::new()
                .encoding(Some(encoding))
                .bom_sniffing(false)
                .clone();
            let raw = Cursor::new(std::mem::take(&mut rest)).chain(input);
            input = Box::new(decoder.build(raw));
            encoding = encoding_rs::UTF_8;
        }
        // What was looked at is read again, so that it counts.
        let whole = Cursor::new(std::mem::take(&mut rest)).chain(input);
        let mut input = BoundedRows::new(Box::new(whole) as Box<dyn Read + Send>, buffers.limit);
        let in_header = |error, read: &[u8]| fault(error, 1 + line_ends(read));
        fill(&mut input, &mut rest, 1 << 20).map_err(|error| in_header(error, &rest))?;
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
                    text.check_row()?;
                    fill(&mut text.input, &mut text.rest, 2 * n)
                        .map_err(|error| in_header(error, &text.rest))?;
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
                self.check_row()?;
                size *= 2;
                continue;
            };
            if end > self.buffers.limit.bytes() && dialect.quote.is_some() {
                self.check_rows(end, dialect)?;
            }
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

    /// Whether the rest, of which not even one row is whole, is not too long for one: its quoted fields may have line ends.
    fn check_row(&self) -> Result<(), String> {
        let limit = self.buffers.limit;
        match self.rest.len() > limit.bytes() {
            true => Err(too_long(self.line, LongRow(limit))),
            false => Ok(()),
        }
    }

    /// The same of each of whole rows.
    fn check_rows(&self, end: usize, dialect: Dialect) -> Result<(), String> {
        let limit = self.buffers.limit;
        let mut rows = Rows::new(&self.rest[..end], dialect, self.line);
        let mut fields = Vec::new();
        while let Some(row) = rows.next_row(&mut fields) {
            if row.raw.len() > limit.bytes() {
                return Err(too_long(row.line, LongRow(limit)));
            }
            fields.clear();
        }
        Ok(())
    }

    /// Reads until the rest has `size` bytes; whether there may be more.
    fn fill(&mut self, size: usize) -> Result<bool, String> {
        while self.rest.len() < size {
            let from = self.rest.len();
            let piece = PIECE_BYTES.min(size - from);
            let read = fill(&mut self.input, &mut self.rest, from + piece);
            let n_lines = self.marks.n_lines;
            let may_be_more = read.map_err(|error| fault(error, self.line + n_lines))?;
            self.mend(from);
            self.marks.add(&self.rest[from..], self.dialect);
            if !may_be_more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn too_long(line: u64, row: LongRow) -> String {
    format!("line {line}: {row}")
}

/// What is wrong in line `line` of a text.
fn fault(error: std::io::Error, line: u64) -> String {
    match bounded::long_row(&error) {
        Some(long) => too_long(line, long),
        None => unreadable(error),
    }
}

fn line_ends(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

fn unreadable(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => error.to_string(),
        _ => format!("its data are damaged or cut short ({error}); fetch it again"),
    }
}

/// Reads until `buffer` has `size` bytes; whether there may be more.
fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, size: usize) -> std::io::Result<bool> {
    let mut n = buffer.len();
    buffer.resize(size.max(n), 0);
    while n < buffer.len() {
        match input.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                buffer.truncate(n);
                return Err(error);
            }
        }
    }
    let is_full = n == buffer.len();
    buffer.truncate(n);
    Ok(is_full)
}

/// The columns of a table as texts. A number of single precision is the one that it is in double precision. Bytes that are
/// no UTF-8, though they should be, stay as they are.
///
/// # Errors
///
/// If a column has a type that cannot be written as text.
pub fn texts(rows: &RecordBatch, stored: &[Stored]) -> Result<Vec<BinaryArray>, String> {
    let columns = rows.columns().iter().zip(rows.schema_ref().fields()).zip(stored);
    let columns = columns.map(|((column, field), stored)| {
        let encoding = match *stored {
            Stored::Bytes(encoding) => encoding,
            Stored::Text | Stored::Number | Stored::Single => encoding_rs::UTF_8,
        };
        text(field.name(), column, encoding)
    });
    columns.collect()
}

/// The columns of a table as texts in UTF-8; its first row has the number `first`.
///
/// # Errors
///
/// If a column has a type that cannot be written as text, or bytes that are no UTF-8.
pub fn utf8_texts(rows: &RecordBatch, first: u64) -> Result<Vec<StringArray>, String> {
    let columns = rows.columns().iter().zip(rows.schema_ref().fields());
    columns.map(|(column, field)| utf8_text(field.name(), column, first)).collect()
}

/// A column as texts in UTF-8, as [`utf8_texts`].
///
/// # Errors
///
/// As [`utf8_texts`].
pub fn utf8_text(name: &str, column: &ArrayRef, first: u64) -> Result<StringArray, String> {
    let cells = text(name, column, encoding_rs::UTF_8)?;
    let bad = |cell: Option<&[u8]>| cell.is_some_and(|bytes| std::str::from_utf8(bytes).is_err());
    if let Some(at) = cells.iter().position(bad) {
        let row = first + at as u64;
        return Err(format!(
            "row {row}, column `{name}`: its bytes are no UTF-8: write its texts in UTF-8"
        ));
    }
    StringArray::try_from_binary(cells).map_err(|error| format!("column `{name}`: {error}"))
}

fn text(name: &str, column: &ArrayRef, encoding: &'static Encoding) -> Result<BinaryArray, String> {
    let cast = |to: &DataType| {
        // A value that is lost is no null.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, to, &options).map_err(|error| format!("column `{name}`: {error}"))
    };
    Ok(match column.data_type() {
        DataType::Dictionary(_, values) => return text(name, &cast(values)?, encoding),
        DataType::Float16 | DataType::Float32 => {
            return text(name, &cast(&DataType::Float64)?, encoding);
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>().iter();
            numbers.map(|number| number.map(number_text)).collect()
        }
        decimal if decimal.is_decimal() => {
            let numbers = cast(&DataType::Utf8)?;
            numbers.as_string::<i32>().iter().map(|number| number.map(shortest)).collect()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            decoded(cast(&DataType::Binary)?.as_binary::<i32>(), encoding)
        }
        _ => BinaryArray::from(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
    })
}

/// Texts in `encoding` as texts in UTF-8.
fn decoded(cells: &BinaryArray, encoding: &'static Encoding) -> BinaryArray {
    if encoding == encoding_rs::UTF_8 {
        return cells.clone();
    }
    let text = |bytes: &[u8]| encoding.decode_without_bom_handling(bytes).0.into_owned();
    cells.iter().map(|cell| cell.map(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Float32Array, Float64Array};
    use dta::stata::stata_float::StataFloat;

    const SINGLE: [f32; 4] = [123_456_792.0, 0.1, 1234.56, -7.0];

    /// The numbers that they are.
    const WIDENED: [&str; 4] = ["123456792", "0.10000000149011612", "1234.56005859375", "-7"];

    fn found(cells: &BinaryArray) -> Vec<&str> {
        let texts = cells.iter().map(|cell| std::str::from_utf8(cell.unwrap_or(b"none")));
        texts.map(|text| text.expect("UTF-8")).collect()
    }

    #[test]
    fn a_number_of_single_precision_is_read_as_it_is() {
        let rows = RecordBatch::try_from_iter([(
            "x",
            Arc::new(Float32Array::from(SINGLE.to_vec())) as ArrayRef,
        )]);
        let columns = texts(&rows.expect("a column"), &[Stored::Single]).expect("texts");
        assert_eq!(found(&columns[0]), WIDENED);
        let stata = SINGLE.map(|number| {
            let value = Value::Float(StataFloat::Present(number));
            stata_text(&value, &LongTexts::new()).expect("a text").map(Cow::into_owned)
        });
        assert_eq!(stata, WIDENED.map(|text| Some(text.to_owned())));
        let decimals = as_decimals(&columns[0]);
        assert_eq!(found(&decimals), ["123456792", "0.1", "1234.56", "-7"]);
    }

    #[test]
    fn a_whole_number_is_written_in_full() {
        let numbers = vec![Some(2_f64.powi(60)), None, Some(0.1 + 0.2), Some(f64::INFINITY)];
        let rows =
            RecordBatch::try_from_iter([("x", Arc::new(Float64Array::from(numbers)) as ArrayRef)]);
        let columns = texts(&rows.expect("a column"), &[Stored::Number]).expect("texts");
        let expected = ["1152921504606846976", "none", "0.30000000000000004", "inf"];
        assert_eq!(found(&columns[0]), expected);
        let decimals = Decimal128Array::from(vec![8_517_110_000, 100, -50, 0]);
        let decimals = decimals.with_precision_and_scale(12, 2).expect("room");
        let rows = RecordBatch::try_from_iter([("x", Arc::new(decimals) as ArrayRef)]);
        let columns = texts(&rows.expect("a column"), &[Stored::Number]).expect("texts");
        assert_eq!(found(&columns[0]), ["85171100", "1", "-0.5", "0"]);
        let comma = with_mark(&columns[0], b',');
        assert_eq!(found(&comma), ["85171100", "1", "-0,5", "0"]);
    }
}
