//! Writing a file of a version from columns whose texts are already numbered.
//!
//! Arrow's Parquet writer looks every text up in a table of its own, row by row. A stage of many rows has
//! numbers for its texts, so here they become the codes of Parquet's dictionary pages as they are.

use crate::buffer_pool;
use crate::cells::{Cells, NO_CODE, NO_COUNT, NO_MONEY, Texts};
use crate::contract::{Column, Kind};
use crate::error::LakeError;
use crate::object::Object;
use crate::properties::{is_sought, properties};
use crate::store::Lake;
use crate::version::{DataFile, TableVersion};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use rayon::prelude::*;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Rows of a page.
const PAGE_ROWS: usize = 65_536;

/// Bytes of the header of a page, or a few more.
const HEADER_BYTES: usize = 128;

/// More bytes than the writer of a file holds back.
const HELD_BACK: usize = 1 << 16;

/// Bytes of money in a file, the highest first.
pub(crate) const MONEY_BYTES: usize = 9;

/// Writes one Parquet file of a version, row group by row group. Rows must come in ascending order of the key,
/// without repeats.
#[derive(Debug)]
pub struct GroupWriter {
    table: String,
    columns: Vec<Column>,
    key: Vec<usize>,
    /// Whether bounds are kept of a column.
    has_bounds: Vec<bool>,
    file: SerializedFileWriter<Vec<u8>>,
    object: Object,
    last: Option<Vec<KeyValue>>,
    rows: u64,
    bytes: u64,
}

impl GroupWriter {
    pub(crate) fn new(lake: &Lake, version: &TableVersion, name: &str) -> Result<Self, LakeError> {
        let unwritable = |source| LakeError::Parquet { table: version.table.clone(), source };
        let properties = properties(version).map_err(unwritable)?;
        let (file, _) = ArrowWriter::try_new(Vec::new(), version.schema(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(unwritable)?;
        Ok(Self {
            table: version.table.clone(),
            columns: version.columns.clone(),
            key: version.key_columns()?,
            has_bounds: version.columns.iter().map(|c| is_sought(version, &c.name)).collect(),
            file,
            object: Object::of_version(lake, version, name),
            last: None,
            rows: 0,
            bytes: 0,
        })
    }

    /// Adds a row group of `n` rows, the columns in the order of the contract; [`Self::flush`] writes it. Columns are
    /// encoded side by side.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the cells are not of the table's columns, have a null where none may be or a number that tables
    /// do not hold, break the order of the key, or cannot be encoded.
    pub fn add(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), LakeError> {
        if n == 0 {
            return Ok(());
        }
        self.check(n, cells)?;
        self.encode(n, cells)
            .map_err(|source| LakeError::Parquet { table: self.table.clone(), source })?;
        self.rows += n as u64;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if it cannot be written.
    pub async fn finish(mut self) -> Result<DataFile, LakeError> {
        let unwritable = |source| LakeError::Parquet { table: self.table.clone(), source };
        self.file.finish().map_err(unwritable)?;
        self.flush().await?;
        self.object
            .complete()
            .await
            .map_err(|source| LakeError::Parquet { table: self.table.clone(), source })?;
        let (path, hash) = self.object.written();
        Ok(DataFile { path, rows: self.rows, bytes: self.bytes, hash })
    }

    /// Writes the row groups that were added.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if they cannot be written.
    pub async fn flush(&mut self) -> Result<(), LakeError> {
        let bytes = std::mem::take(self.file.inner_mut());
        self.bytes += bytes.len() as u64;
        self.object.put(buffer_pool::recycle(bytes)).await.map_err(|error| LakeError::Parquet {
            table: self.table.clone(),
            source: ParquetError::External(Box::new(error)),
        })
    }

    fn check(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), LakeError> {
        let kinds = |kinds: &mut dyn Iterator<Item = Kind>| {
            kinds.map(Kind::name).collect::<Vec<_>>().join(", ")
        };
        let fits = cells.len() == self.columns.len()
            && cells.iter().zip(&self.columns).all(|(cells, column)| {
                cells.kind() == column.kind && cells.len().is_none_or(|len| len == n)
            });
        if !fits {
            return Err(LakeError::Columns {
                table: self.table.clone(),
                expected: kinds(&mut self.columns.iter().map(|column| column.kind)),
                found: kinds(&mut cells.iter().map(Cells::kind)),
            });
        }
        for (cells, column) in cells.iter().zip(&self.columns) {
            let has_null = || match cells {
                Cells::Same(text) => text.is_none(),
                Cells::SameInt(_) => false,
                Cells::Texts(_, codes) | Cells::Ints(_, codes) => codes.contains(&NO_CODE),
                Cells::Money(values) => values.contains(&NO_MONEY),
                Cells::Floats(values) => values.iter().any(|value| value.is_nan()),
                Cells::Counts(values) => values.contains(&NO_COUNT),
                Cells::Flags(values) => values.contains(&None),
            };
            if !column.is_nullable && has_null() {
                let column = column.name.clone();
                return Err(LakeError::Null { table: self.table.clone(), column });
            }
        }
        let values = |row: usize| -> Vec<KeyValue> {
            self.key.iter().map(|&at| KeyValue::of(&cells[at], row)).collect()
        };
        let place = |row: usize| -> String {
            let key = self.key.iter().zip(values(row));
            let key = key.map(|(&at, value)| format!("{} {value}", self.columns[at].name));
            key.collect::<Vec<_>>().join(", ")
        };
        for (of_column, column) in cells.iter().zip(&self.columns) {
            if let Some((row, found)) = of_column.misfit() {
                return Err(LakeError::Number {
                    table: self.table.clone(),
                    column: column.name.clone(),
                    found,
                    row: match self.key[..] {
                        [] => format!("in row {}", self.rows + row as u64 + 1),
                        _ => format!("at {}", place(row)),
                    },
                    advice: column.kind.advice(),
                });
            }
        }
        if self.key.is_empty() {
            return Ok(());
        }
        let keys: Vec<Ranks<'_>> =
            self.key.iter().map(|&at| Ranks::of(&cells[at])).collect::<Option<_>>().ok_or_else(
                || LakeError::Columns {
                    table: self.table.clone(),
                    expected: "a key of texts and integers".to_owned(),
                    found: "another".to_owned(),
                },
            )?;
        let broken =
            |row: usize| LakeError::KeyOrder { table: self.table.clone(), key: place(row) };
        if self.last.as_ref().is_some_and(|last| *last >= values(0)) {
            return Err(broken(0));
        }
        // Of each row how it stands to the one before, column by column until they differ.
        let mut orders = vec![Ordering::Equal; n - 1];
        keys.iter().for_each(|ranks| ranks.compare(&mut orders));
        if let Some(at) = orders.iter().position(|order| *order != Ordering::Less) {
            return Err(broken(at + 1));
        }
        self.last = Some(values(n - 1));
        Ok(())
    }

    fn encode(&mut self, n: usize, cells: &[Cells<'_>]) -> Result<(), ParquetError> {
        let columns: Vec<ColumnDescPtr> = self.file.schema_descr().columns().to_vec();
        let chunks = cells.par_iter().enumerate().map(|(at, cells)| {
            let chunk = Chunk {
                column: &columns[at],
                is_nullable: self.columns[at].is_nullable,
                has_bounds: self.has_bounds[at],
                n,
            };
            let mut scratch = SCRATCH.take().unwrap_or_default();
            let made = chunk.of(cells, &mut scratch);
            SCRATCH.set(Some(scratch));
            made
        });
        let chunks: Vec<_> = chunks.collect::<Result<_, ParquetError>>()?;
        // Room for all, rather than one copy after the other as it grows.
        let n_bytes: usize = chunks.iter().map(|(bytes, _)| bytes.len()).sum();
        let file = self.file.inner_mut();
        // The writer holds some bytes back that come before.
        let mut roomy = buffer_pool::take(file.len() + n_bytes + HELD_BACK);
        roomy.append(file);
        *file = roomy;
        let mut group = self.file.next_row_group()?;
        for (bytes, close) in chunks {
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        Ok(())
    }
}

/// One cell of the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum KeyValue {
    None,
    Int(i64),
    Text(String),
}

impl KeyValue {
    fn of(cells: &Cells<'_>, row: usize) -> Self {
        match cells {
            Cells::Same(Some(text)) => Self::Text((*text).to_owned()),
            Cells::Texts(texts, codes) if codes[row] != NO_CODE => {
                Self::Text(texts.text(codes[row]).to_owned())
            }
            Cells::Ints(ints, codes) if codes[row] != NO_CODE => {
                Self::Int(i64::from(ints[codes[row] as usize]))
            }
            Cells::SameInt(int) => Self::Int(i64::from(*int)),
            Cells::Counts(values) => Self::Int(values[row]),
            _ => Self::None,
        }
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Int(int) => write!(f, "{int}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Numbers that stand to each other as the cells of a column do.
enum Ranks<'a> {
    Same,
    /// The codes themselves.
    Sorted(&'a [u32]),
    /// By code.
    Coded(Vec<i64>, &'a [u32]),
    Long(&'a [i64]),
}

impl<'a> Ranks<'a> {
    fn of(cells: &'a Cells<'_>) -> Option<Self> {
        Some(match cells {
            Cells::Same(_) | Cells::SameInt(_) => Self::Same,
            Cells::Texts(texts, codes) => {
                if texts.is_sorted() {
                    return Some(Self::Sorted(codes));
                }
                let numbers = 0..u32::try_from(texts.n_texts()).unwrap_or(NO_CODE);
                let mut ranks: Vec<i64> = numbers.clone().map(i64::from).collect();
                let mut sorted: Vec<u32> = numbers.collect();
                sorted.sort_by_key(|&number| texts.text(number));
                let mut rank = 0;
                for (at, &number) in sorted.iter().enumerate() {
                    if at > 0 && texts.text(sorted[at - 1]) != texts.text(number) {
                        rank += 1;
                    }
                    ranks[number as usize] = rank;
                }
                Self::Coded(ranks, codes)
            }
            Cells::Ints(ints, codes) => {
                Self::Coded(ints.iter().map(|&int| i64::from(int)).collect(), codes)
            }
            Cells::Counts(values) => Self::Long(values),
            Cells::Money(_) | Cells::Floats(_) | Cells::Flags(_) => return None,
        })
    }

    /// Puts into `orders` how the rows before the last stand to those after the first, where nothing is there yet.
    fn compare(&self, orders: &mut [Ordering]) {
        fn each<R: Ord>(orders: &mut [Ordering], codes: &[u32], rank: impl Fn(u32) -> R) {
            for (order, pair) in orders.iter_mut().zip(codes.windows(2)) {
                *order = order.then(rank(pair[0]).cmp(&rank(pair[1])));
            }
        }
        match self {
            Self::Same => {}
            // No code is below all others.
            Self::Sorted(codes) => each(orders, codes, |code| code.wrapping_add(1)),
            Self::Coded(ranks, codes) => {
                each(orders, codes, |code| ranks.get(code as usize).copied().unwrap_or(i64::MIN));
            }
            Self::Long(values) => {
                for (order, pair) in orders.iter_mut().zip(values.windows(2)) {
                    *order = order.then(pair[0].cmp(&pair[1]));
                }
            }
        }
    }
}

/// A column chunk to be.
struct Chunk<'a> {
    column: &'a ColumnDescPtr,
    is_nullable: bool,
    has_bounds: bool,
    n: usize,
}

/// Memory that one column after the other uses.
#[derive(Default)]
struct Scratch {
    dictionary: Vec<u8>,
    /// The new number of each code.
    numbers: Vec<u32>,
    /// The codes met, in the order of their new numbers.
    met: Vec<u32>,
    /// Each cell's new number.
    codes: Vec<u32>,
}

/// Memory that one page after the other uses.
struct Press {
    zstd: zstd::bulk::Compressor<'static>,
    page: Vec<u8>,
    codes: Vec<u32>,
}

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
    static PRESS: RefCell<Option<Press>> = const { RefCell::new(None) };
}

impl Press {
    /// Gives `make` this thread's memory, or another.
    fn with<T>(make: impl FnOnce(&mut Self) -> Result<T, ParquetError>) -> Result<T, ParquetError> {
        let mut press = match PRESS.take() {
            Some(press) => press,
            None => {
                Self { zstd: zstd::bulk::Compressor::new(1)?, page: Vec::new(), codes: Vec::new() }
            }
        };
        let made = make(&mut press);
        PRESS.set(Some(press));
        made
    }
}

/// A page of cells as it goes into the file.
struct Pressed {
    n: usize,
    bytes: Bytes,
    uncompressed: usize,
}

impl Scratch {
    /// Numbers the codes in the order in which they are first met.
    fn renumber(&mut self, n_codes: usize, codes: impl Iterator<Item = u32>) {
        let Self { numbers, met, codes: new, .. } = self;
        numbers.clear();
        numbers.resize(n_codes, NO_CODE);
        met.clear();
        new.clear();
        new.extend(codes.map(|code| {
            let Some(number) = numbers.get_mut(code as usize) else { return NO_CODE };
            if *number == NO_CODE {
                *number = u32::try_from(met.len()).unwrap_or(NO_CODE);
                met.push(code);
            }
            *number
        }));
    }

    fn n_null(&self) -> u64 {
        self.codes.iter().filter(|&&code| code == NO_CODE).count() as u64
    }
}

impl Chunk<'_> {
    fn of(
        &self,
        cells: &Cells<'_>,
        scratch: &mut Scratch,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        match cells {
            Cells::Texts(texts, codes) => self.of_texts(*texts, codes.iter().copied(), scratch),
            Cells::Same(text) => {
                let (texts, code) = match text {
                    Some(text) => (vec![*text], 0),
                    None => (Vec::new(), NO_CODE),
                };
                self.of_texts(&texts, std::iter::repeat_n(code, self.n), scratch)
            }
            Cells::Ints(ints, codes) => self.of_ints(ints, codes.iter().copied(), scratch),
            Cells::SameInt(int) => self.of_ints(&[*int], std::iter::repeat_n(0, self.n), scratch),
            Cells::Money(values) => self.of_money(values),
            Cells::Floats(values) => self.of_floats(values),
            Cells::Counts(values) => self.of_counts(values),
            Cells::Flags(values) => self.of_flags(values),
        }
    }

    fn of_texts(
        &self,
        texts: &dyn Texts,
        codes: impl Iterator<Item = u32>,
        scratch: &mut Scratch,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        scratch.renumber(texts.n_texts(), codes);
        scratch.dictionary.clear();
        for &code in &scratch.met {
            let text = texts.text(code);
            let n_bytes = u32::try_from(text.len()).unwrap_or(0);
            scratch.dictionary.extend_from_slice(&n_bytes.to_le_bytes());
            scratch.dictionary.extend_from_slice(text.as_bytes());
        }
        let bounds = self.has_bounds.then(|| {
            let all = || scratch.met.iter().map(|&code| texts.text(code));
            let bound = |text: Option<&str>| text.map(ByteArray::from);
            Statistics::ByteArray(ValueStatistics::new(
                bound(all().min()),
                bound(all().max()),
                None,
                Some(scratch.n_null()),
                false,
            ))
        });
        self.coded(bounds, scratch)
    }

    fn of_ints(
        &self,
        ints: &[i32],
        codes: impl Iterator<Item = u32>,
        scratch: &mut Scratch,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        scratch.renumber(ints.len(), codes);
        let met: Vec<i32> = scratch.met.iter().map(|&code| ints[code as usize]).collect();
        scratch.dictionary.clear();
        scratch.dictionary.extend(met.iter().flat_map(|int| int.to_le_bytes()));
        let bounds = self.has_bounds.then(|| {
            let (min, max) = (met.iter().min().copied(), met.iter().max().copied());
            let n_null = Some(scratch.n_null());
            Statistics::Int32(ValueStatistics::new(min, max, None, n_null, false))
        });
        self.coded(bounds, scratch)
    }

    fn of_money(&self, values: &[i128]) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        self.plain(|from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| values[at] != NO_MONEY);
            }
            page.reserve(values.len() * MONEY_BYTES);
            for value in values.iter().filter(|&&value| value != NO_MONEY) {
                page.extend_from_slice(&value.to_be_bytes()[16 - MONEY_BYTES..]);
            }
            Ok(())
        })
    }

    fn of_floats(&self, values: &[f64]) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        self.plain(|from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| !values[at].is_nan());
            }
            page.reserve(values.len() * 8);
            for value in values.iter().filter(|value| !value.is_nan()) {
                page.extend_from_slice(&value.to_le_bytes());
            }
            Ok(())
        })
    }

    fn of_counts(&self, values: &[i64]) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let there = || values.iter().copied().filter(|&value| value != NO_COUNT);
        let bounds = self.has_bounds.then(|| {
            let n_null = (values.len() - there().count()) as u64;
            let (min, max) = (there().min(), there().max());
            Statistics::Int64(ValueStatistics::new(min, max, None, Some(n_null), false))
        });
        let encoding = Encoding::DELTA_BINARY_PACKED;
        self.pages(encoding, bounds, |from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| values[at] != NO_COUNT);
            }
            let there: Vec<i64> =
                values.iter().copied().filter(|&value| value != NO_COUNT).collect();
            put_deltas(page, &there);
            Ok(())
        })
    }

    fn of_flags(
        &self,
        values: &[Option<bool>],
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        self.plain(|from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| values[at].is_some());
            }
            let there: Vec<bool> = values.iter().copied().flatten().collect();
            page.extend(
                there.chunks(8).map(|eight| {
                    eight.iter().rev().fold(0, |byte, &flag| byte << 1 | u8::from(flag))
                }),
            );
            Ok(())
        })
    }

    fn plain(
        &self,
        put: impl Fn(usize, usize, &mut Press) -> Result<(), ParquetError> + Sync,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        self.pages(Encoding::PLAIN, None, put)
    }

    fn pages(
        &self,
        encoding: Encoding,
        bounds: Option<Statistics>,
        put: impl Fn(usize, usize, &mut Press) -> Result<(), ParquetError> + Sync,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let pressed = self.pressed(put)?;
        let mut pages = Pages::new(room(&pressed));
        for page in pressed {
            pages.put(page, encoding)?;
        }
        pages.finish(self, vec![encoding, Encoding::RLE], bounds)
    }

    /// The pages that `put` makes of the rows from the first to before the second, side by side.
    fn pressed(
        &self,
        put: impl Fn(usize, usize, &mut Press) -> Result<(), ParquetError> + Sync,
    ) -> Result<Vec<Pressed>, ParquetError> {
        let pages = (0..self.n.div_ceil(PAGE_ROWS)).into_par_iter().map(|at| {
            let (from, to) = (at * PAGE_ROWS, ((at + 1) * PAGE_ROWS).min(self.n));
            Press::with(|press| {
                press.page.clear();
                put(from, to, press)?;
                let Press { zstd, page, .. } = press;
                Ok(Pressed { n: to - from, bytes: compress(zstd, page)?, uncompressed: page.len() })
            })
        });
        pages.collect()
    }

    /// A dictionary page, and pages of codes.
    fn coded(
        &self,
        bounds: Option<Statistics>,
        scratch: &Scratch,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let Scratch { dictionary, met, codes, .. } = scratch;
        let highest = u32::try_from(met.len().saturating_sub(1)).unwrap_or(0);
        let width = (u32::BITS - highest.leading_zeros()).max(1);
        let pressed = self.pressed(|from, to, Press { page, codes: there, .. }| {
            let codes = &codes[from..to];
            let mut codes_there = codes;
            if self.is_nullable {
                put_levels(page, codes.len(), |at| codes[at] != NO_CODE);
                if codes.contains(&NO_CODE) {
                    there.clear();
                    there.extend(codes.iter().copied().filter(|&code| code != NO_CODE));
                    codes_there = there;
                }
            }
            page.push(u8::try_from(width).unwrap_or(0));
            put_codes(page, codes_there, width);
            Ok(())
        })?;
        let mut pages = Pages::new(dictionary.len() + room(&pressed));
        pages.put_dictionary(dictionary, met.len())?;
        for page in pressed {
            pages.put(page, Encoding::RLE_DICTIONARY)?;
        }
        pages.finish(self, vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY], bounds)
    }
}

/// Bytes of a chunk of these pages, or a few more.
fn room(pages: &[Pressed]) -> usize {
    pages.iter().map(|page| page.bytes.len() + HEADER_BYTES).sum()
}

/// The pages of a column chunk, as they stand in the file.
struct Pages {
    sink: TrackedWrite<Vec<u8>>,
    /// Bytes before compression, headers included.
    uncompressed: usize,
    dictionary: Option<usize>,
    data: Option<usize>,
    /// Rows, place and size of each page of data.
    places: Vec<(usize, usize, usize)>,
}

impl Pages {
    /// None yet, of about so many bytes.
    fn new(n_bytes: usize) -> Self {
        Self {
            sink: TrackedWrite::new(buffer_pool::take(n_bytes)),
            uncompressed: 0,
            dictionary: None,
            data: None,
            places: Vec::new(),
        }
    }

    fn put_page(&mut self, page: Page, uncompressed: usize) -> Result<(), ParquetError> {
        let start = self.sink.bytes_written();
        let n_compressed = page.buffer().len();
        SerializedPageWriter::new(&mut self.sink)
            .write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += self.sink.bytes_written() - start - n_compressed + uncompressed;
        Ok(())
    }

    fn put_dictionary(&mut self, dictionary: &[u8], n: usize) -> Result<(), ParquetError> {
        self.dictionary = Some(self.sink.bytes_written());
        let page = Page::DictionaryPage {
            buf: Press::with(|press| compress(&mut press.zstd, dictionary))?,
            num_values: u32::try_from(n).unwrap_or(NO_CODE),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.put_page(page, dictionary.len())
    }

    fn put(&mut self, page: Pressed, encoding: Encoding) -> Result<(), ParquetError> {
        let Pressed { n, bytes, uncompressed } = page;
        let start = self.sink.bytes_written();
        self.data.get_or_insert(start);
        let data = Page::DataPage {
            buf: bytes,
            num_values: u32::try_from(n).unwrap_or(NO_CODE),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.put_page(data, uncompressed)?;
        self.places.push((n, start, self.sink.bytes_written() - start));
        Ok(())
    }

    fn finish(
        self,
        chunk: &Chunk<'_>,
        encodings: Vec<Encoding>,
        bounds: Option<Statistics>,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let bytes = self.sink.into_inner()?;
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(chunk.column))
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_encodings(encodings)
            .set_num_values(signed(chunk.n))
            .set_total_compressed_size(signed(bytes.len()))
            .set_total_uncompressed_size(signed(self.uncompressed))
            .set_data_page_offset(signed(self.data.unwrap_or(0)))
            .set_dictionary_page_offset(self.dictionary.map(signed));
        if let Some(bounds) = bounds {
            metadata = metadata.set_statistics(bounds);
        }
        let mut index = OffsetIndexBuilder::new();
        for (n_rows, start, size) in self.places {
            index.append_row_count(signed(n_rows));
            index.append_offset_and_size(
                signed(start),
                i32::try_from(size).map_err(|_| ParquetError::General("a page of 2 GiB".into()))?,
            );
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: chunk.n as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(index.build()),
        };
        Ok((buffer_pool::recycle(bytes), close))
    }
}

fn compress(
    zstd: &mut zstd::bulk::Compressor<'static>,
    bytes: &[u8],
) -> Result<Bytes, ParquetError> {
    let mut compressed = buffer_pool::take(zstd::zstd_safe::compress_bound(bytes.len()));
    zstd.compress_to_buffer(bytes, &mut compressed)?;
    Ok(buffer_pool::recycle(compressed))
}

/// Which of `n` cells are there, with the length of that before it.
fn put_levels(page: &mut Vec<u8>, n: usize, is_there: impl Fn(usize) -> bool) {
    let start = page.len();
    page.extend([0; 4]);
    if (0..n).all(&is_there) {
        put_varint(page, (n as u64) << 1);
        page.push(1);
    } else {
        let levels: Vec<u32> = (0..n).map(|at| u32::from(is_there(at))).collect();
        put_codes(page, &levels, 1);
    }
    let n_bytes = u32::try_from(page.len() - start - 4).unwrap_or(0);
    page[start..start + 4].copy_from_slice(&n_bytes.to_le_bytes());
}

/// Codes of `width` bits in Parquet's hybrid of runs and packed bits.
fn put_codes(page: &mut Vec<u8>, codes: &[u32], width: u32) {
    let is_same = |eight: &[u32]| eight.iter().all(|&code| code == eight[0]);
    let mut rest = codes;
    while !rest.is_empty() {
        // A run of at least eight.
        if rest.len() >= 8 && is_same(&rest[..8]) {
            let n = 8 + rest[8..].iter().take_while(|&&code| code == rest[0]).count();
            put_varint(page, (n as u64) << 1);
            page.extend_from_slice(&rest[0].to_le_bytes()[..width.div_ceil(8) as usize]);
            rest = &rest[n..];
            continue;
        }
        // Eights up to the next run.
        let mut n = 8;
        while rest.len() >= n + 8 && !is_same(&rest[n..n + 8]) {
            n += 8;
        }
        // A tail of less than eight is filled up; readers know how many values there are.
        if rest.len() < n + 8 {
            n = rest.len().next_multiple_of(8);
        }
        put_varint(page, (n as u64 / 8) << 1 | 1);
        let there = rest.len().min(n);
        let zeros = std::iter::repeat_n(0, n - there);
        pack(page, rest[..there].iter().map(|&code| u64::from(code)).chain(zeros), width);
        rest = &rest[there..];
    }
}

fn put_varint(page: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        page.push(number.to_le_bytes()[0] & 127 | 128);
        number >>= 7;
    }
    page.push(number.to_le_bytes()[0]);
}

/// Values of `width` bits each, from the lowest bit; whole bytes of them.
fn pack(page: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    let (mut bits, mut n_bits) = (0_u128, 0);
    for value in values {
        bits |= u128::from(value) << n_bits;
        n_bits += width;
        if n_bits >= 64 {
            page.extend_from_slice(&bits.to_le_bytes()[..8]);
            bits >>= 64;
            n_bits -= 64;
        }
    }
    page.extend_from_slice(&bits.to_le_bytes()[..n_bits as usize / 8]);
}

/// Values of a block of deltas, and of each of the four parts that have a width of their own.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Numbers by their differences, in Parquet's DELTA_BINARY_PACKED.
fn put_deltas(page: &mut Vec<u8>, values: &[i64]) {
    put_varint(page, BLOCK as u64);
    put_varint(page, (BLOCK / PART) as u64);
    put_varint(page, values.len() as u64);
    put_zigzag(page, values.first().copied().unwrap_or(0));
    let deltas: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    for block in deltas.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or(0);
        put_zigzag(page, least);
        let widths = page.len();
        page.extend([0; BLOCK / PART]);
        for (at, part) in block.chunks(PART).enumerate() {
            let above = |delta: &i64| delta.wrapping_sub(least).cast_unsigned();
            let width = 64 - part.iter().map(above).max().unwrap_or(0).leading_zeros();
            page[widths + at] = u8::try_from(width).unwrap_or(64);
            let zeros = std::iter::repeat_n(0, PART - part.len());
            pack(page, part.iter().map(above).chain(zeros), width);
        }
    }
}

fn put_zigzag(page: &mut Vec<u8>, value: i64) {
    put_varint(page, (value << 1 ^ value >> 63).cast_unsigned());
}

#[cfg(test)]
mod tests;
