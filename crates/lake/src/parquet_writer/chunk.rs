//! Column chunks from cells.

use super::encodings::{put_codes, put_deltas, put_levels};
use super::pages::{MadeChunk, Pages, Press, Pressed, room};
use crate::cells::{Cells, NO_CODE, NO_COUNT, NO_MONEY, Texts};
use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;
use rayon::prelude::*;
use std::cell::RefCell;

/// Rows of a page.
const PAGE_ROWS: usize = 65_536;

/// Bytes of money in a file, the highest first.
pub(crate) const MONEY_BYTES: usize = 9;

/// A column chunk to be.
pub(super) struct Chunk<'a> {
    pub(super) column: &'a ColumnDescPtr,
    pub(super) is_nullable: bool,
    pub(super) has_bounds: bool,
    pub(super) n: usize,
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

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
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
    /// Encodes `cells` in this thread's memory.
    pub(super) fn made(&self, cells: &Cells<'_>) -> Result<MadeChunk, ParquetError> {
        let mut scratch = SCRATCH.take().unwrap_or_default();
        let made = self.of(cells, &mut scratch);
        SCRATCH.set(Some(scratch));
        made
    }

    fn of(&self, cells: &Cells<'_>, scratch: &mut Scratch) -> Result<MadeChunk, ParquetError> {
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
    ) -> Result<MadeChunk, ParquetError> {
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
    ) -> Result<MadeChunk, ParquetError> {
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

    fn of_money(&self, values: &[i128]) -> Result<MadeChunk, ParquetError> {
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

    fn of_floats(&self, values: &[f64]) -> Result<MadeChunk, ParquetError> {
        self.plain(|from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| !values[at].is_nan());
            }
            // Each is put down, and the next one over it if it is none: nothing is asked of a cell.
            let mut end = page.len();
            page.resize(end + values.len() * 8, 0);
            for value in values {
                page[end..end + 8].copy_from_slice(&value.to_le_bytes());
                end += if value.is_nan() { 0 } else { 8 };
            }
            page.truncate(end);
            Ok(())
        })
    }

    fn of_counts(&self, values: &[i64]) -> Result<MadeChunk, ParquetError> {
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

    fn of_flags(&self, values: &[Option<bool>]) -> Result<MadeChunk, ParquetError> {
        self.plain(|from, to, Press { page, .. }| {
            let values = &values[from..to];
            if self.is_nullable {
                put_levels(page, values.len(), |at| values[at].is_some());
            }
            let (mut byte, mut n_bits) = (0_u8, 0);
            for &flag in values.iter().flatten() {
                byte |= u8::from(flag) << n_bits;
                n_bits += 1;
                if n_bits == 8 {
                    page.push(byte);
                    (byte, n_bits) = (0, 0);
                }
            }
            if n_bits > 0 {
                page.push(byte);
            }
            Ok(())
        })
    }

    fn plain(
        &self,
        put: impl Fn(usize, usize, &mut Press) -> Result<(), ParquetError> + Sync,
    ) -> Result<MadeChunk, ParquetError> {
        self.pages(Encoding::PLAIN, None, put)
    }

    fn pages(
        &self,
        encoding: Encoding,
        bounds: Option<Statistics>,
        put: impl Fn(usize, usize, &mut Press) -> Result<(), ParquetError> + Sync,
    ) -> Result<MadeChunk, ParquetError> {
        let pressed = self.pressed(put)?;
        let mut pages = Pages::new(room(&pressed));
        for page in pressed {
            pages.put(page, encoding)?;
        }
        pages.finish(self.column, self.n, vec![encoding, Encoding::RLE], bounds)
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
                press.pressed(to - from)
            })
        });
        pages.collect()
    }

    /// A dictionary page, and pages of codes.
    fn coded(
        &self,
        bounds: Option<Statistics>,
        scratch: &Scratch,
    ) -> Result<MadeChunk, ParquetError> {
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
        let encodings = vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
        pages.finish(self.column, self.n, encodings, bounds)
    }
}
