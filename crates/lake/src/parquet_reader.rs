//! Reads the columns of a file that [`GroupWriter`](crate::GroupWriter) wrote as they stand in it:
//! the codes of dictionary pages, and the texts that they stand for.
//!
//! Arrow makes arrays of every batch, with keys that it checks and dictionaries that it copies. A
//! stage that sums many rows needs the codes alone, and only the columns that it asks for.

use crate::cells::{NO_CODE, NO_MONEY};
use crate::contract::{self, Kind};
use crate::error::LakeError;
use crate::parquet_writer::MONEY_BYTES;
use crate::version::{DataFile, TableVersion};
use bytes::{Buf, Bytes};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a file's end in which its metadata are looked for first.
const END_BYTES: u64 = 1 << 16;

/// Parts of a file.
struct Parts {
    /// Where each begins.
    parts: Vec<(u64, Bytes)>,
    n_bytes: u64,
}

impl Length for Parts {
    fn len(&self) -> u64 {
        self.n_bytes
    }
}

impl ChunkReader for Parts {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let part = self.parts.iter().find_map(|(first, part)| {
            let at = usize::try_from(start.checked_sub(*first)?).ok()?;
            (at < part.len()).then(|| part.slice(at..))
        });
        let part = part.ok_or_else(|| damaged("a page is outside its column"))?;
        Ok(part.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let part = self.get_read(start)?.into_inner();
        if length > part.len() {
            return Err(damaged("a page goes beyond its column"));
        }
        Ok(part.slice(..length))
    }
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!(
        "{what}: the file is damaged, or was not written by this program"
    ))
}

/// The codes of a column in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes<'a> {
    /// The same in every row.
    Same(u32),
    /// Of each row.
    Each(&'a [u32]),
}

impl Codes<'_> {
    /// The code of a row.
    #[inline]
    pub fn of(&self, row: usize) -> u32 {
        match self {
            Self::Same(code) => *code,
            Self::Each(codes) => codes[row],
        }
    }
}

/// Columns of one Parquet file of a version, read batch after batch.
pub struct CodedReader {
    table: String,
    /// The file, below the root of the lake.
    file: String,
    metadata: ParquetMetaData,
    parts: Arc<Parts>,
    columns: Vec<Column>,
    /// Row groups that were opened.
    n_groups: usize,
    is_new_group: bool,
    /// Rows of the last of them that were not read.
    n_left: usize,
}

impl fmt::Debug for CodedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodedReader").field("table", &self.table).finish_non_exhaustive()
    }
}

impl CodedReader {
    /// Opens a file of `version`, of which `get` gets ranges.
    pub(crate) async fn open<F>(
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
        get: impl Fn(Vec<Range<u64>>) -> F,
    ) -> Result<Self, LakeError>
    where
        F: Future<Output = Result<Vec<Bytes>, LakeError>>,
    {
        let (n_bytes, path) = (file.bytes, file.path.clone());
        let unreadable =
            |source| LakeError::File { table: version.table.clone(), file: path.clone(), source };
        let mut n_end = END_BYTES.min(n_bytes);
        let metadata = loop {
            let ranges = std::iter::once(n_bytes - n_end..n_bytes).collect();
            let end = get(ranges).await?.pop().unwrap_or_default();
            let mut reader = ParquetMetaDataReader::new();
            match reader.try_parse_sized(&end, n_bytes) {
                Ok(()) => break reader.finish().map_err(unreadable)?,
                Err(ParquetError::NeedMoreData(more)) if n_end < n_bytes => {
                    n_end = n_bytes.min((more as u64).max(n_end + 1));
                }
                Err(error) => return Err(unreadable(error)),
            }
        };
        let schema = metadata.file_metadata().schema_descr();
        let mut found = Vec::with_capacity(columns.len());
        for name in columns {
            let column = version.columns.iter().find(|column| column.name == *name);
            let column = column.ok_or_else(|| LakeError::Columns {
                table: version.table.clone(),
                expected: (*name).to_owned(),
                found: version.column_names(),
            })?;
            let place = schema.columns().iter().position(|column| column.name() == *name);
            let place = place.ok_or_else(|| unreadable(damaged(&format!("no column `{name}`"))))?;
            found.push(Column::new(place, column));
        }
        let columns = found;
        let mut ranges = Vec::new();
        for group in metadata.row_groups() {
            for column in &columns {
                let range = group.columns().get(column.at).and_then(|chunk| {
                    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
                    let start = u64::try_from(start).ok()?;
                    let end = start.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?;
                    (end <= n_bytes).then_some(start..end)
                });
                let range = range.ok_or_else(|| unreadable(damaged("a column is outside")))?;
                ranges.push(range);
            }
        }
        let parts = get(ranges.clone()).await?;
        let parts = ranges.iter().map(|range| range.start).zip(parts).collect();
        Ok(Self {
            table: version.table.clone(),
            file: path,
            metadata,
            parts: Arc::new(Parts { parts, n_bytes }),
            columns,
            n_groups: 0,
            is_new_group: false,
            n_left: 0,
        })
    }

    /// Reads the next rows, at most `n`, and gives how many: 0 at the end. No batch is of two row
    /// groups.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file is damaged, or holds what [`GroupWriter`](crate::GroupWriter) does
    /// not write.
    pub fn read(&mut self, n: usize) -> Result<usize, LakeError> {
        self.next_rows(n).map_err(|source| LakeError::File {
            table: self.table.clone(),
            file: self.file.clone(),
            source,
        })
    }

    fn next_rows(&mut self, n: usize) -> Result<usize, ParquetError> {
        self.is_new_group = false;
        while self.n_left == 0 {
            let Some(group) = self.metadata.row_groups().get(self.n_groups) else { return Ok(0) };
            self.n_groups += 1;
            self.is_new_group = true;
            self.n_left = usize::try_from(group.num_rows())
                .map_err(|_| damaged("a row group has less than no rows"))?;
            for column in &mut self.columns {
                let chunk = group.column(column.at);
                let parts = Arc::clone(&self.parts);
                column.begin(SerializedPageReader::new(parts, chunk, self.n_left, None)?);
            }
        }
        let n = n.min(self.n_left);
        for column in &mut self.columns {
            column.read(n)?;
        }
        self.n_left -= n;
        Ok(n)
    }

    /// Whether codes stand for other texts than in the batch before.
    pub fn is_new_group(&self) -> bool {
        self.is_new_group
    }

    /// The codes of the column at this place of those asked for, which has texts, small integers or
    /// flags. Of flags 1 is true and 0 false. [`NO_CODE`] is none.
    pub fn codes(&self, column: usize) -> Codes<'_> {
        let column = &self.columns[column];
        match column.same {
            Some(code) => Codes::Same(code),
            None => Codes::Each(&column.codes),
        }
    }

    /// The text of a code of the column at this place.
    pub fn text(&self, column: usize, code: u32) -> &str {
        let Column { texts, ends, .. } = &self.columns[column];
        let start = if code == 0 { 0 } else { ends[code as usize - 1] };
        &texts[start..ends[code as usize]]
    }

    /// The integers of the codes of the column at this place.
    pub fn ints(&self, column: usize) -> &[i32] {
        &self.columns[column].ints
    }

    /// Hundredths, [`NO_MONEY`] for none, of the column at this place, which has money.
    pub fn money(&self, column: usize) -> &[i128] {
        &self.columns[column].money
    }
}

/// A column of the batch, and where it is read on.
struct Column {
    /// Its place in the file.
    at: usize,
    kind: Kind,
    is_nullable: bool,
    pages: Option<SerializedPageReader<Parts>>,
    texts: String,
    /// Where each text ends.
    ends: Vec<usize>,
    ints: Vec<i32>,
    /// Cells of the page that were not read.
    n_left: usize,
    levels: Hybrid,
    values: Hybrid,
    money_left: Bytes,
    /// The code of all cells of the batch.
    same: Option<u32>,
    codes: Vec<u32>,
    money: Vec<i128>,
    is_there: Vec<u32>,
}

impl Column {
    /// The column that stands at this place of the file.
    fn new(at: usize, column: &contract::Column) -> Self {
        Self {
            at,
            kind: column.kind,
            is_nullable: column.is_nullable,
            pages: None,
            texts: String::new(),
            ends: Vec::new(),
            ints: Vec::new(),
            n_left: 0,
            levels: Hybrid::default(),
            values: Hybrid::default(),
            money_left: Bytes::new(),
            same: None,
            codes: Vec::new(),
            money: Vec::new(),
            is_there: Vec::new(),
        }
    }

    /// Begins a row group.
    fn begin(&mut self, pages: SerializedPageReader<Parts>) {
        self.pages = Some(pages);
        self.n_left = 0;
        self.texts.clear();
        self.ends.clear();
        self.ints.clear();
    }

    /// Reads `n` cells, which are there.
    fn read(&mut self, n: usize) -> Result<(), ParquetError> {
        self.codes.clear();
        self.money.clear();
        self.same = None;
        let mut n_read = 0;
        while n_read < n {
            if self.n_left == 0 {
                self.next_page()?;
                continue;
            }
            let n_now = self.n_left.min(n - n_read);
            // Of most batches all cells are there, and of many columns all are the same.
            let is_there = !self.is_nullable || self.levels.skip_same(1, n_now);
            if n_now == n
                && is_there
                && self.kind != Kind::Money
                && let Some(code) = self.values.same(n)
            {
                self.same = Some(code);
            } else if is_there {
                self.values_of(n_now)?;
            } else {
                self.sparse(n_now)?;
            }
            self.n_left -= n_now;
            n_read += n_now;
        }
        let n_codes = match self.kind {
            Kind::Text => self.ends.len(),
            Kind::Int => self.ints.len(),
            _ => 2,
        };
        // One more than a code, and nothing for none.
        let end = self.codes.iter().fold(0, |end, code| code.wrapping_add(1).max(end));
        let end = end.max(self.same.map_or(0, |code| code.saturating_add(1)));
        if end as usize > n_codes {
            return Err(damaged("a code is in no dictionary"));
        }
        Ok(())
    }

    /// Reads `n` cells that are there.
    fn values_of(&mut self, n: usize) -> Result<(), ParquetError> {
        if self.kind != Kind::Money {
            return self.values.read(n, &mut self.codes);
        }
        if self.money_left.len() < n * MONEY_BYTES {
            return Err(damaged("a page of money ends early"));
        }
        let values = self.money_left.split_to(n * MONEY_BYTES);
        let (values, _) = values.as_chunks::<MONEY_BYTES>();
        self.money.extend(values.iter().map(|&[highest, a, b, c, d, e, f, g, h]| {
            let low = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            i128::from(highest.cast_signed()) << 64 | i128::from(low)
        }));
        Ok(())
    }

    /// Reads `n` cells of which some are not there.
    fn sparse(&mut self, n: usize) -> Result<(), ParquetError> {
        self.is_there.clear();
        self.levels.read(n, &mut self.is_there)?;
        let n_there = self.is_there.iter().filter(|&&level| level == 1).count();
        let before = (self.codes.len(), self.money.len());
        self.values_of(n_there)?;
        if self.kind == Kind::Money {
            spread(&mut self.money, before.1, &self.is_there, NO_MONEY);
        } else {
            spread(&mut self.codes, before.0, &self.is_there, NO_CODE);
        }
        Ok(())
    }

    fn next_page(&mut self) -> Result<(), ParquetError> {
        let page = match &mut self.pages {
            Some(pages) => pages.get_next_page()?,
            None => None,
        };
        match page.ok_or_else(|| damaged("a column ends early"))? {
            Page::DictionaryPage { buf, num_values, .. } => self.dictionary(&buf, num_values),
            Page::DataPage { mut buf, num_values, encoding, .. } => {
                self.n_left = num_values as usize;
                if self.is_nullable {
                    let early = || damaged("a page has no levels");
                    let n = buf.try_get_u32_le().map_err(|_| early())? as usize;
                    if n > buf.len() {
                        return Err(early());
                    }
                    self.levels = Hybrid::new(buf.split_to(n), 1);
                }
                match (self.kind, encoding) {
                    (Kind::Text | Kind::Int, Encoding::RLE_DICTIONARY) => {
                        let width = buf.try_get_u8().map_err(|_| damaged("a page has no codes"))?;
                        if width > 32 {
                            return Err(damaged("codes are too wide"));
                        }
                        self.values = Hybrid::new(buf, u32::from(width));
                    }
                    (Kind::Flag, Encoding::PLAIN) => self.values = Hybrid::packed(buf, 1),
                    (Kind::Money, Encoding::PLAIN) => self.money_left = buf,
                    (kind, encoding) => {
                        let kind = kind.name();
                        return Err(damaged(&format!(
                            "a column of {kind} is encoded as {encoding}"
                        )));
                    }
                }
                Ok(())
            }
            Page::DataPageV2 { .. } => Err(damaged("a page is of version 2")),
        }
    }

    fn dictionary(&mut self, mut page: &[u8], n: u32) -> Result<(), ParquetError> {
        let early = || damaged("a dictionary ends early");
        for _ in 0..n {
            if self.kind == Kind::Int {
                self.ints.push(page.try_get_i32_le().map_err(|_| early())?);
                continue;
            }
            let n_bytes = page.try_get_u32_le().map_err(|_| early())? as usize;
            let (text, rest) = page.split_at_checked(n_bytes).ok_or_else(early)?;
            let text = std::str::from_utf8(text).map_err(|_| damaged("a text is not UTF-8"))?;
            self.texts.push_str(text);
            self.ends.push(self.texts.len());
            page = rest;
        }
        Ok(())
    }
}

/// Puts the values from `first` on at the rows that are there, and `none` at the others.
fn spread<T: Copy>(values: &mut Vec<T>, first: usize, is_there: &[u32], none: T) {
    let mut from = values.len();
    values.resize(first + is_there.len(), none);
    for (row, &level) in is_there.iter().enumerate().rev() {
        values[first + row] = if level == 1 {
            from -= 1;
            values[from]
        } else {
            none
        };
    }
}

/// Numbers of `width` bits in Parquet's hybrid of runs and packed bits.
#[derive(Debug, Default)]
struct Hybrid {
    bytes: Bytes,
    width: u32,
    /// The first byte that was not read.
    at: usize,
    run: Run,
}

#[derive(Debug)]
enum Run {
    /// So many of the same number.
    Same(u32, usize),
    /// So many numbers from a bit on.
    Packed(usize, usize),
}

impl Default for Run {
    fn default() -> Self {
        Self::Same(0, 0)
    }
}

impl Hybrid {
    fn new(bytes: Bytes, width: u32) -> Self {
        Self { bytes, width, at: 0, run: Run::default() }
    }

    /// Packed bits alone.
    fn packed(bytes: Bytes, width: u32) -> Self {
        let n = bytes.len() * 8 / width.max(1) as usize;
        Self { at: bytes.len(), bytes, width, run: Run::Packed(0, n) }
    }

    /// The next run, if this one is over.
    fn open(&mut self) -> Result<(), ParquetError> {
        let early = || damaged("codes end early");
        while let Run::Same(_, 0) | Run::Packed(_, 0) = self.run {
            let mut rest = self.bytes.get(self.at..).unwrap_or_default();
            let n_before = rest.len();
            let mut header = 0_u64;
            for shift in (0..).step_by(7) {
                let byte = rest.try_get_u8().map_err(|_| early())?;
                if shift > 56 {
                    return Err(early());
                }
                header |= u64::from(byte & 127) << shift;
                if byte < 128 {
                    break;
                }
            }
            let n = usize::try_from(header >> 1).map_err(|_| early())?;
            self.at += n_before - rest.len();
            if header & 1 == 0 {
                let n_bytes = self.width.div_ceil(8) as usize;
                let bytes = rest.get(..n_bytes).ok_or_else(early)?;
                let code = bytes.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte));
                self.at += n_bytes;
                self.run = Run::Same(code, n);
            } else {
                let n_bytes = n.checked_mul(self.width as usize).ok_or_else(early)?;
                if n_bytes > rest.len() || self.width == 0 {
                    return Err(early());
                }
                self.run = Run::Packed(self.at * 8, n * 8);
                self.at += n_bytes;
            }
        }
        Ok(())
    }

    /// Skips the next `n` numbers if all are `number` in one run.
    fn skip_same(&mut self, number: u32, n: usize) -> bool {
        if self.open().is_ok()
            && let Run::Same(of_run, left) = &mut self.run
            && *of_run == number
            && *left >= n
        {
            *left -= n;
            return true;
        }
        false
    }

    /// The next `n` numbers, if all are the same in one run.
    fn same(&mut self, n: usize) -> Option<u32> {
        self.open().ok()?;
        match &mut self.run {
            Run::Same(number, left) if *left >= n => {
                *left -= n;
                Some(*number)
            }
            _ => None,
        }
    }

    /// Adds the next `n` numbers to `codes`.
    fn read(&mut self, mut n: usize, codes: &mut Vec<u32>) -> Result<(), ParquetError> {
        while n > 0 {
            self.open()?;
            match &mut self.run {
                Run::Same(number, left) => {
                    let now = n.min(*left);
                    codes.resize(codes.len() + now, *number);
                    *left -= now;
                    n -= now;
                }
                Run::Packed(bit, left) => {
                    let now = n.min(*left);
                    unpack(&self.bytes, *bit, self.width, now, codes);
                    *bit += now * self.width as usize;
                    *left -= now;
                    n -= now;
                }
            }
        }
        Ok(())
    }
}

/// Adds `n` numbers of `width` bits to `codes`, of which the first begins at bit `bit`.
fn unpack(bytes: &[u8], bit: usize, width: u32, n: usize, codes: &mut Vec<u32>) {
    let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
    let number = |at: usize| {
        let bit = bit + at * width as usize;
        let bytes = &bytes[bit / 8..];
        let word = match bytes.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        #[expect(clippy::cast_possible_truncation, reason = "the higher bits are another's")]
        let number = (word >> (bit % 8)) as u32 & mask;
        number
    };
    codes.extend((0..n).map(number));
}
