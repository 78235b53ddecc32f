//! `customs.records` to `trade.*`: sums by region, product and year on the target HS revision.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables divide
//! a split code alike. Sums are of hundredths, exact, so that they do not depend on their order.
//!
//! The records are read once, file by file, into rows of numbers that [`packed`] keeps by year and region, in
//! memory up to the config's limit and on disk beyond it. The regions of a year are then summed side by side.

mod quantities;
mod split;

use self::split::split;
use super::context::{Files, Finishing, GroupWriter, Made, Output};
use super::error::StageError;
use super::packed::{self, Collector, Group, NO_WORD, Packed, RECORDS, Row, Texts, WORDS};
use super::rows::{Rows, table};
use super::sync::locked;
use crate::codes;
use crate::config::Parts;
use crate::pipeline::Pipeline;
use crate::remote::{RemoteExecutor, Task};
use lake::{Cells, DataFile, GROUP_ROWS, NO_COUNT, TableVersion};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use trade::concordance::Method;
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Money};

/// Rows whose sums a thread makes before they are written.
const CHUNK_ROWS: usize = 1 << 14;

/// Places of [`TABLES`].
const CELLS: usize = 0;
const BOTH: usize = 4;
const FIRMS: usize = 5;
const MONTHS: usize = 6;
const YEARS: usize = 7;

/// Places of [`WORDS`].
const DESTINATION: usize = 0;
const OWNERSHIP: usize = 1;
const TRADE_MODE: usize = 2;
const FIRM: usize = 3;

/// The numbers of months, by month.
const MONTH_NUMBERS: [i32; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// The tables that have rows by year and region, in the order of [`Summed::sheets`].
const TABLES: [&str; 8] = [
    "trade.region_product_year",
    "trade.region_product_year_destination",
    "trade.region_product_year_ownership",
    "trade.region_product_year_trade_mode",
    "trade.region_product_year_ownership_trade_mode",
    "trade.region_product_year_firm",
    "trade.region_product_month",
    "trade.region_year",
];

/// Rows of one of the tables, by column, with codes for texts. Columns that the table does not have are empty.
#[derive(Debug, Default)]
struct Sheet {
    region: Vec<u32>,
    product: Vec<u32>,
    words: [Vec<u32>; 2],
    value: Vec<i128>,
    share: Vec<f64>,
    counts: [Vec<i64>; 3],
}

impl Sheet {
    /// Adds a part of a cell that is worth `whole`, if above zero.
    fn part(
        &mut self,
        (region, product): (u32, u32),
        words: &[u32],
        part: i128,
        whole: Option<f64>,
    ) {
        self.region.push(region);
        self.product.push(product);
        for (column, &word) in self.words.iter_mut().zip(words) {
            column.push(word);
        }
        self.value.push(part);
        let share = whole.map(|whole| Money::from_hundredths(part).to_f64() / whole);
        self.share.push(share.unwrap_or(f64::NAN));
    }

    fn n_rows(&self) -> usize {
        self.value.len()
    }

    fn append(&mut self, other: &Self) {
        fn extend<T: Copy>(column: &mut Vec<T>, more: &[T]) {
            if column.is_empty() && !more.is_empty() {
                // Memory that grows is copied, and what it had lies idle.
                column.reserve_exact(GROUP_ROWS + GROUP_ROWS / 8);
            }
            column.extend_from_slice(more);
        }
        extend(&mut self.region, &other.region);
        extend(&mut self.product, &other.product);
        for (column, more) in self.words.iter_mut().zip(&other.words) {
            extend(column, more);
        }
        extend(&mut self.value, &other.value);
        extend(&mut self.share, &other.share);
        for (column, more) in self.counts.iter_mut().zip(&other.counts) {
            extend(column, more);
        }
    }

    fn clear(&mut self) {
        self.region.clear();
        self.product.clear();
        self.words.iter_mut().for_each(Vec::clear);
        self.value.clear();
        self.share.clear();
        self.counts.iter_mut().for_each(Vec::clear);
    }

    /// Its columns, in the order of the contract of the table at this place of [`TABLES`].
    fn cells<'a>(&'a self, table: usize, year: i32, texts: &'a Harmony<'a>) -> Vec<Cells<'a>> {
        let word = |kind: usize, at: usize| Cells::Texts(&texts.words[kind], &self.words[at]);
        let mut cells = vec![Cells::SameInt(year), Cells::Texts(texts.regions, &self.region)];
        if table != YEARS {
            cells.push(Cells::Texts(&texts.products, &self.product));
        }
        match table {
            CELLS | YEARS => {}
            MONTHS => cells.push(Cells::Ints(&MONTH_NUMBERS, &self.words[0])),
            BOTH => cells.extend([word(OWNERSHIP, 0), word(TRADE_MODE, 1)]),
            FIRMS => cells.push(word(FIRM, 0)),
            _ => cells.push(word(table - 1, 0)),
        }
        cells.push(Cells::Money(&self.value));
        match table {
            CELLS => cells.extend(self.counts.iter().map(|counts| Cells::Counts(counts))),
            MONTHS => {}
            YEARS => cells.extend(self.counts[..2].iter().map(|counts| Cells::Counts(counts))),
            _ => cells.push(Cells::Floats(&self.share)),
        }
        cells
    }
}

/// A table's file of the year being summed, and the rows that are not in it yet.
struct SheetWriter<'f> {
    table: usize,
    writer: Option<GroupWriter<'f>>,
    sheet: Sheet,
}

impl<'f> SheetWriter<'f> {
    fn add(
        &mut self,
        year: i32,
        rows: &Sheet,
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<(), StageError> {
        self.sheet.append(rows);
        if self.sheet.n_rows() >= GROUP_ROWS { self.flush(year, texts, files) } else { Ok(()) }
    }

    fn flush(
        &mut self,
        year: i32,
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<(), StageError> {
        let n = self.sheet.n_rows();
        if n == 0 {
            return Ok(());
        }
        let name = format!("{year}.parquet");
        let writer = files.opened(&mut self.writer, TABLES[self.table], &name)?;
        writer.write(n, &self.sheet.cells(self.table, year, texts))?;
        self.sheet.clear();
        Ok(())
    }

    /// Ends the file of a year, if it has rows.
    fn finish(
        &mut self,
        year: i32,
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<Option<Finishing<'f>>, StageError> {
        self.flush(year, texts, files)?;
        Ok(self.writer.take().map(GroupWriter::finish_aside))
    }
}

/// The files of the years, one year after the other.
struct YearWriter<'f> {
    year: Option<i32>,
    writers: [SheetWriter<'f>; TABLES.len()],
    done: Vec<(i32, Vec<Option<Finishing<'f>>>)>,
}

impl<'f> YearWriter<'f> {
    fn new() -> Self {
        let writer = |table| SheetWriter { table, writer: None, sheet: Sheet::default() };
        Self { year: None, writers: std::array::from_fn(writer), done: Vec::new() }
    }

    /// Writes the sums of regions of `year`.
    fn add(
        &mut self,
        year: i32,
        summed: &[Summed],
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<(), StageError> {
        if self.year != Some(year) {
            self.end_year(texts, files)?;
            self.year = Some(year);
        }
        let added = self.writers.par_iter_mut().enumerate().map(|(at, writer)| {
            summed.iter().try_for_each(|of| writer.add(year, &of.sheets[at], texts, files))
        });
        in_order(added)
    }

    fn end_year(&mut self, texts: &Harmony<'_>, files: &'f Files<'_>) -> Result<(), StageError> {
        let Some(year) = self.year.take() else { return Ok(()) };
        let made = self.writers.par_iter_mut().map(|writer| writer.finish(year, texts, files));
        self.done.push((year, in_order(made)?));
        Ok(())
    }
}

/// What was made of each of [`TABLES`], or the fault of the first that has one: of a sum that no table holds, always the same place
/// is named.
fn in_order<T: Send, C: FromIterator<T>>(
    made: impl IndexedParallelIterator<Item = Result<T, StageError>>,
) -> Result<C, StageError> {
    made.collect::<Vec<_>>().into_iter().collect()
}

/// Product codes in ascending order, six digits each.
#[derive(Debug)]
struct Products(String);

impl Products {
    fn of(conversions: &BTreeMap<u32, Conversion>) -> Self {
        let targets = conversions.values().flat_map(|conversion| &conversion.targets);
        let codes: BTreeSet<Hs6> = targets.map(|(code, _)| *code).collect();
        Self(codes.iter().map(Hs6::as_str).collect())
    }

    /// The place of a code that is there.
    fn place(&self, code: Hs6) -> u32 {
        let (codes, _) = self.0.as_bytes().as_chunks::<6>();
        let place = codes.partition_point(|other| other[..] < *code.as_str().as_bytes());
        u32::try_from(place).unwrap_or(0)
    }
}

impl lake::Texts for Products {
    fn n_texts(&self) -> usize {
        self.0.len() / 6
    }

    fn text(&self, code: u32) -> &str {
        &self.0[6 * code as usize..][..6]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

fn n_texts(texts: &impl lake::Texts) -> u64 {
    texts.n_texts() as u64
}

/// The sums of a region in a year.
#[derive(Default)]
struct Summed {
    sheets: [Sheet; TABLES.len()],
}

/// The products that a reported code is brought to.
struct Target<'a> {
    conversion: &'a Conversion,
    /// By place, in the order of the conversion.
    products: Vec<u32>,
}

/// How codes are brought to the target revision, and words to their places.
struct Harmony<'a> {
    /// By number of revision and code.
    targets: Vec<Target<'a>>,
    /// The product of each, if none has several.
    single: Option<Vec<u32>>,
    regions: &'a Texts,
    words: &'a [Texts; WORDS.len()],
    /// Places of ownership and trade mode, by number of both; for none the place after the last.
    kinds: Vec<(u64, u64)>,
    products: Products,
    /// Products that have rows.
    is_traded: Vec<AtomicBool>,
    parts: Parts,
    /// Memory that is used again.
    scratch: Mutex<Vec<Scratch>>,
    summed: Mutex<Vec<Summed>>,
}

impl<'a> Harmony<'a> {
    fn new(
        parts: Parts,
        conversions: &'a BTreeMap<u32, Conversion>,
        packed: &Packed,
        regions: &'a Texts,
        words: &'a [Texts; WORDS.len()],
    ) -> Result<Self, StageError> {
        let products = Products::of(conversions);
        let targets = packed.codes.iter().map(|&code| {
            let conversion = conversions.get(&code).ok_or_else(|| {
                StageError::Data("a code appeared after the codes were read".to_owned())
            })?;
            let targets = conversion.targets.iter();
            let products = targets.map(|(code, _)| products.place(*code)).collect();
            Ok(Target { conversion, products })
        });
        let place = |kind: usize, number: u32| match words[kind].place(number) {
            NO_WORD => n_texts(&words[kind]),
            place => u64::from(place),
        };
        let kinds = packed.kinds.iter();
        let targets: Vec<Target<'_>> = targets.collect::<Result<_, StageError>>()?;
        let product = |target: &Target<'_>| match target.products[..] {
            [product] => Some(product),
            _ => None,
        };
        Ok(Self {
            single: targets.iter().map(product).collect(),
            targets,
            regions,
            words,
            kinds: kinds
                .map(|&(owner, mode)| (place(OWNERSHIP, owner), place(TRADE_MODE, mode)))
                .collect(),
            is_traded: (0..n_texts(&products)).map(|_| AtomicBool::new(false)).collect(),
            products,
            parts,
            scratch: Mutex::default(),
            summed: Mutex::default(),
        })
    }

    /// The products that have rows in the years summed so far.
    fn traded(&self) -> impl Iterator<Item = u32> {
        let (codes, _) = self.products.0.as_bytes().as_chunks::<6>();
        codes
            .iter()
            .zip(&self.is_traded)
            .filter(|(_, is_traded)| is_traded.load(Ordering::Relaxed))
            .filter_map(|(digits, _)| Hs6::from_digits(digits))
            .map(packed::number_of)
    }

    /// Sums all years, and writes their files.
    fn sum_years(&self, files: &Files<'_>, packed: &Packed) -> Result<Vec<YearSums>, StageError> {
        let years = packed.groups(self.regions);
        let largest = years.values().flatten().map(|group| group.n_rows).max().unwrap_or(0);
        let chunk_rows = CHUNK_ROWS * rayon::current_num_threads();
        let chunks = years.iter().flat_map(|(&year, groups)| {
            let mut n_rows = 0;
            let is_room = move |group: &Group, _: &Group| {
                n_rows += group.n_rows;
                let is_room = n_rows < chunk_rows;
                n_rows *= usize::from(is_room);
                is_room
            };
            groups.chunk_by(is_room).map(move |chunk| (year, chunk))
        });
        let mut writer = YearWriter::new();
        let mut last: Option<(i32, Vec<Summed>)> = None;
        for (year, chunk) in chunks {
            // One chunk is written while the next is summed.
            let (written, summed) = rayon::join(
                || match &last {
                    Some((year, summed)) => writer.add(*year, summed, self, files),
                    None => Ok(()),
                },
                || self.sum_all(packed, chunk, largest),
            );
            written?;
            if let Some((_, mut summed)) = last.replace((year, summed?)) {
                locked(&self.summed).append(&mut summed);
            }
        }
        if let Some((year, summed)) = &last {
            writer.add(*year, summed, self, files)?;
        }
        writer.end_year(self, files)?;
        let sums = |(year, files): (i32, Vec<Option<Finishing<'_>>>)| {
            let files = files.into_iter().map(|file| file.map(Finishing::wait).transpose());
            Ok(YearSums {
                year,
                files: files.collect::<Result<_, StageError>>()?,
                reported: packed.reported.get(&year).cloned().unwrap_or_default(),
            })
        };
        writer.done.into_iter().map(sums).collect()
    }

    /// The sums of each group, of which none has more than `largest` rows.
    fn sum_all(
        &self,
        packed: &Packed,
        groups: &[Group],
        largest: usize,
    ) -> Result<Vec<Summed>, StageError> {
        let sum = |group: &Group| {
            let mut scratch = locked(&self.scratch).pop().unwrap_or_default();
            let mut summed = locked(&self.summed).pop().unwrap_or_default();
            scratch.rows.clear();
            // Memory that grows is copied, and what it had lies idle.
            scratch.rows.reserve(largest);
            packed.rows(group, &mut scratch.rows)?;
            self.sum(group.region, &mut scratch, &mut summed);
            locked(&self.scratch).push(scratch);
            Ok(summed)
        };
        groups.par_iter().map(sum).collect()
    }

    /// The sums of the rows in `work`.
    fn sum(&self, region: u32, work: &mut Scratch, summed: &mut Summed) {
        summed.sheets.iter_mut().for_each(Sheet::clear);
        self.divide(work);
        by_product(work, self.is_traded.len());
        let [
            cells,
            by_destination,
            by_ownership,
            by_trade_mode,
            by_both,
            by_firm,
            by_month,
            totals,
        ] = &mut summed.sheets;
        let Scratch { sorted, destinations, firms, pairs, modes, .. } = work;
        let parts = self.parts;
        let [n_owners, n_modes] = [OWNERSHIP, TRADE_MODE].map(|kind| n_texts(&self.words[kind]));
        destinations.begin(n_texts(&self.words[DESTINATION]));
        firms.begin(n_texts(&self.words[FIRM]));
        pairs.begin((n_owners + 1).saturating_mul(n_modes + 1));
        modes.begin(n_modes);
        let code = |place: u64| u32::try_from(place).unwrap_or(NO_WORD);
        let (mut total, mut n_products, mut n_records) = (0, 0, 0);
        for of_cell in sorted.chunk_by(|a, b| a.code() == b.code()) {
            let at = of_cell[0].code();
            let product = u32::try_from(at).unwrap_or(NO_WORD);
            self.is_traded[at].store(true, Ordering::Relaxed);
            let value: i128 = of_cell.iter().map(|part| i128::from(part.value)).sum();
            let n: i64 = of_cell.iter().map(|part| i64::from(part.n)).sum();
            let whole = (value > 0).then(|| Money::from_hundredths(value).to_f64());
            let cell = (region, product);
            let mut counts = [NO_COUNT; 2];
            if parts.needs_destinations() {
                let words = of_cell.iter().map(|part| (part.destination, part.value));
                let n = destinations.of_words(&self.words[DESTINATION], words, |place, sum| {
                    if parts.destination {
                        by_destination.part(cell, &[code(place)], sum, whole);
                    }
                });
                if parts.counts_destinations {
                    counts[0] = n;
                }
            }
            if parts.ownership || parts.trade_mode || parts.ownership_trade_mode {
                for part in of_cell {
                    let (owner, mode) = self.kinds[part.kind as usize];
                    pairs.add(owner * (n_modes + 1) + mode, part.value);
                }
                let mut of_owner: Option<(u64, i128)> = None;
                let mut put_owner = |of_owner: Option<(u64, i128)>| {
                    if let Some((owner, sum)) = of_owner
                        && parts.ownership
                        && owner < n_owners
                    {
                        by_ownership.part(cell, &[code(owner)], sum, whole);
                    }
                };
                pairs.drain(|pair, sum| {
                    let (owner, mode) = (pair / (n_modes + 1), pair % (n_modes + 1));
                    match &mut of_owner {
                        Some((last, of_last)) if *last == owner => *of_last += sum,
                        _ => put_owner(of_owner.replace((owner, sum))),
                    }
                    if mode < n_modes {
                        if parts.trade_mode {
                            modes.add_sum(mode, sum);
                        }
                        if parts.ownership_trade_mode && owner < n_owners {
                            by_both.part(cell, &[code(owner), code(mode)], sum, whole);
                        }
                    }
                });
                put_owner(of_owner);
                modes.drain(|mode, sum| by_trade_mode.part(cell, &[code(mode)], sum, whole));
            }
            if parts.needs_firms() {
                let words = of_cell.iter().map(|part| (part.firm, part.value));
                let n = firms.of_words(&self.words[FIRM], words, |place, sum| {
                    if parts.firm {
                        by_firm.part(cell, &[code(place)], sum, whole);
                    }
                });
                if parts.counts_firms {
                    counts[1] = n;
                }
            }
            if parts.month {
                let mut months = [None; MONTH_NUMBERS.len()];
                for part in of_cell {
                    *months[part.month() as usize].get_or_insert(0) += i128::from(part.value);
                }
                for (month, sum) in (0..).zip(months).skip(1) {
                    if let Some(sum) = sum {
                        by_month.region.push(region);
                        by_month.product.push(product);
                        by_month.words[0].push(month);
                        by_month.value.push(sum);
                    }
                }
            }
            cells.region.push(region);
            cells.product.push(product);
            cells.value.push(value);
            for (column, count) in cells.counts.iter_mut().zip([n, counts[0], counts[1]]) {
                column.push(count);
            }
            total += value;
            n_products += i64::from(value > 0);
            n_records += n;
        }
        totals.region.push(region);
        totals.value.push(total);
        totals.counts[0].push(n_products);
        totals.counts[1].push(n_records);
    }

    /// Makes of the rows in `work` their parts, with the places of products for codes.
    fn divide(&self, work: &mut Scratch) {
        let Scratch { rows, parts, .. } = work;
        if let Some(products) = &self.single {
            for row in rows {
                row.set_code(products[row.code()]);
            }
            return;
        }
        parts.clear();
        for row in &*rows {
            let Target { conversion, products } = &self.targets[row.code()];
            if let [product] = products[..] {
                parts.push(row.part(product, row.value));
                continue;
            }
            let value = Money::from_hundredths(i128::from(row.value));
            // A part is no larger than its row.
            split(conversion, value, |at, _, value| {
                let value = i64::try_from(value.hundredths()).unwrap_or(row.value);
                parts.push(row.part(products[at], value));
            });
        }
        std::mem::swap(rows, parts);
    }
}

/// Memory for the sums of one region after the other.
#[derive(Default)]
struct Scratch {
    rows: Vec<Row>,
    parts: Vec<Row>,
    /// By product.
    sorted: Vec<Row>,
    places: Vec<usize>,
    destinations: Tally,
    firms: Tally,
    /// Ownerships with trade modes.
    pairs: Tally,
    modes: Tally,
}

/// Brings the parts of a product together, in the order of the products: by counting, where there are not many more
/// products than parts.
fn by_product(Scratch { rows, sorted, places, .. }: &mut Scratch, n_products: usize) {
    if n_products > 4 * rows.len() {
        sorted.clear();
        sorted.extend_from_slice(rows);
        sorted.sort_unstable_by_key(Row::code);
    } else {
        packed::by_place(rows, n_products, Row::code, places, sorted);
    }
}

/// Most keys that have a place each in a [`Tally`].
const MOST_PLACES: u64 = 1 << 14;

/// Sums by key, which come out in the order of their keys. Few different keys have a place each, and a bit that says
/// whether there is a sum; of more, what is added is sorted.
#[derive(Debug, Default)]
struct Tally {
    places: Vec<i128>,
    is_there: Vec<u64>,
    added: Vec<(u64, i128)>,
}

impl Tally {
    /// The keys to come are below `n`.
    fn begin(&mut self, n: u64) {
        let n = usize::try_from(n).ok().filter(|_| n <= MOST_PLACES).unwrap_or(0);
        if self.places.len() != n {
            self.places = vec![0; n];
            self.is_there = vec![0; n.div_ceil(64)];
        }
    }

    #[inline]
    fn add(&mut self, key: u64, value: i64) {
        self.add_sum(key, i128::from(value));
    }

    #[inline]
    fn add_sum(&mut self, key: u64, value: i128) {
        let at = usize::try_from(key).unwrap_or(usize::MAX);
        match self.places.get_mut(at) {
            Some(sum) => {
                *sum += value;
                self.is_there[at / 64] |= 1 << (at % 64);
            }
            None => self.added.push((key, value)),
        }
    }

    /// Sums values by word, leaving out those without one, and takes the sums out by the words' places.
    #[inline]
    fn of_words(
        &mut self,
        texts: &Texts,
        values: impl Iterator<Item = (u32, i64)>,
        each: impl FnMut(u64, i128),
    ) -> i64 {
        for (word, value) in values {
            let place = texts.place(word);
            if place != NO_WORD {
                self.add(u64::from(place), value);
            }
        }
        self.drain(each)
    }

    /// Takes the sums out; how many there are, [`NO_COUNT`] for none.
    #[inline]
    fn drain(&mut self, mut each: impl FnMut(u64, i128)) -> i64 {
        let mut n = 0;
        for (first, bits) in (0_u64..).step_by(64).zip(&mut self.is_there) {
            while *bits != 0 {
                let key = first + u64::from(bits.trailing_zeros());
                *bits &= *bits - 1;
                let sum = &mut self.places[usize::try_from(key).unwrap_or(0)];
                each(key, std::mem::take(sum));
                n += 1;
            }
        }
        if !self.added.is_empty() {
            self.added.sort_unstable_by_key(|(key, _)| *key);
            for of_key in self.added.chunk_by(|a, b| a.0 == b.0) {
                each(of_key[0].0, of_key.iter().map(|(_, value)| value).sum());
                n += 1;
            }
            self.added.clear();
        }
        if n == 0 { NO_COUNT } else { n }
    }
}

fn money_and_share(rows: &mut Rows, part: Money, whole: Money) {
    rows.money(part).float((whole > Money::ZERO).then(|| part.to_f64() / whole.to_f64()));
}

/// Sums the records.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    if let Some(remote) = &files.remote {
        return run_remotely(pipeline, files, remote);
    }
    let packed = Packed::read(files, &files.files_of(RECORDS)?, None, collector(pipeline)?)?;
    sums(pipeline, files, &packed)
}

fn parts(pipeline: &Pipeline) -> Result<Parts, StageError> {
    pipeline.config.aggregate.made().map_err(|(_, why)| StageError::Data(why))
}

/// What takes the records, for [`sums`].
pub(super) fn collector(pipeline: &Pipeline) -> Result<Collector, StageError> {
    // The other half is for reading, sorting and writing.
    let limit = pipeline.config.engine.memory().bytes() / 2;
    let is_split = pipeline.config.harmonize.method() == Ok(Method::Weights);
    Ok(Collector::new(&pipeline.config.aggregate.flow, parts(pipeline)?, is_split, limit))
}

/// Sums records that are packed already.
pub(super) fn sums(
    pipeline: &Pipeline,
    files: &Files<'_>,
    packed: &Packed,
) -> Result<Output, StageError> {
    let conversions = conversions(pipeline, &packed.reported_in_all())?;
    let (sums, texts) =
        rayon::join(|| all_sums(pipeline, files, packed, &conversions), || descriptions(pipeline));
    finish(pipeline, files, &conversions, sums?, &texts?)
}

/// What the products of the target revision are.
fn descriptions(pipeline: &Pipeline) -> Result<BTreeMap<Hs6, String>, StageError> {
    let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
    Ok(codes::descriptions(target)?)
}

fn all_sums(
    pipeline: &Pipeline,
    files: &Files<'_>,
    packed: &Packed,
    conversions: &BTreeMap<u32, Conversion>,
) -> Result<AllSums, StageError> {
    let regions = packed.regions.in_order();
    let words = packed.words.each_ref().map(packed::Interner::in_order);
    let harmony = Harmony::new(parts(pipeline)?, conversions, packed, &regions, &words)?;
    let years = harmony.sum_years(files, packed)?;
    let traded = harmony.traded().collect();
    Ok(AllSums { years, traded, regions: regions.texts().map(str::to_owned).collect() })
}

/// What the records of some files are, before they are summed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reported {
    codes: BTreeMap<u32, Money>,
    /// Of each file.
    years: Vec<BTreeSet<i32>>,
}

/// The sums of a year.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct YearSums {
    year: i32,
    /// Of each of [`TABLES`], if it has rows.
    files: Vec<Option<DataFile>>,
    /// Revision and code, and the value reported under it.
    reported: BTreeMap<u32, Money>,
}

/// What the records of the input are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read.
pub(crate) fn reported(pipeline: &Pipeline, files: &Files<'_>) -> Result<Reported, StageError> {
    let mut found = Reported::default();
    for file in files.files_of(RECORDS)? {
        let packed = Packed::read(files, &[file], None, collector(pipeline)?)?;
        found.years.push(packed.groups(&packed.regions.in_order()).into_keys().collect());
        for (code, value) in packed.reported_in_all() {
            *found.codes.entry(code).or_default() += value;
        }
    }
    Ok(found)
}

/// Sums a year of the input, when `reported` is what the records of all years are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read or written.
pub(crate) fn year_alone(
    pipeline: &Pipeline,
    files: &Files<'_>,
    year: i32,
    reported: &BTreeMap<u32, Money>,
) -> Result<AllSums, StageError> {
    let packed = Packed::read(files, &files.files_of(RECORDS)?, Some(year), collector(pipeline)?)?;
    all_sums(pipeline, files, &packed, &conversions(pipeline, reported)?)
}

/// Files of records that another machine looks through at a time.
const FILES_OF_A_TASK: usize = 8;

fn run_remotely(
    pipeline: &Pipeline,
    files: &Files<'_>,
    remote: &RemoteExecutor<'_>,
) -> Result<Output, StageError> {
    let records = files.input(RECORDS)?;
    let part = |files: &[DataFile]| TableVersion { files: files.to_vec(), ..records.clone() };
    let parts: Vec<TableVersion> = records.files.chunks(FILES_OF_A_TASK).map(part).collect();
    let found: Vec<Reported> =
        remote.perform(parts.iter().map(|records| Task::Reported { records: records.clone() }))?;
    let mut reported: BTreeMap<u32, Money> = BTreeMap::new();
    let mut of_year: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
    for (part, found) in parts.iter().zip(found) {
        for (code, value) in found.codes {
            *reported.entry(code).or_default() += value;
        }
        for (file, years) in part.files.iter().zip(found.years) {
            for year in years {
                of_year.entry(year).or_default().push(file.clone());
            }
        }
    }
    let conversions = conversions(pipeline, &reported)?;
    let found: Vec<AllSums> = remote.perform(of_year.iter().map(|(&year, files)| Task::Year {
        records: part(files),
        year,
        reported: reported.clone(),
    }))?;
    let mut sums = AllSums::default();
    for of_year in found {
        sums.years.extend(of_year.years);
        sums.traded.extend(of_year.traded);
        sums.regions.extend(of_year.regions);
    }
    finish(pipeline, files, &conversions, sums, &descriptions(pipeline)?)
}

/// The conversion of every code that was reported.
fn conversions(
    pipeline: &Pipeline,
    reported: &BTreeMap<u32, Money>,
) -> Result<BTreeMap<u32, Conversion>, StageError> {
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let revisions: BTreeSet<HsRevision> =
        reported.keys().map(|&number| packed::revision_and_code(number).0).collect();
    if revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{}` is left after the excluded rules; see customs.reconciliation",
            pipeline.config.aggregate.flow
        )));
    }
    let mut between = revisions.clone();
    between.insert(target);
    let tables = codes::tables(&between)?;
    let weight = |code: Hs6| {
        let value = reported.get(&packed::reported_code(target, code));
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    let concordance = Concordance::new(method, target, &revisions, &tables, weight);
    let convert = |&code: &u32| {
        let (revision, hs6) = packed::revision_and_code(code);
        (code, concordance.convert(revision, hs6))
    };
    Ok(reported.keys().map(convert).collect())
}

/// The sums of years, the products that have some, and the regions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AllSums {
    years: Vec<YearSums>,
    traded: BTreeSet<u32>,
    regions: BTreeSet<String>,
}

/// The tables: those of the years, and those of a few rows.
fn finish(
    pipeline: &Pipeline,
    files: &Files<'_>,
    conversions: &BTreeMap<u32, Conversion>,
    sums: AllSums,
    texts: &BTreeMap<Hs6, String>,
) -> Result<Output, StageError> {
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let mut made: BTreeMap<&'static str, Vec<DataFile>> = BTreeMap::new();
    let mut matches = Rows::of("trade.hs_conversion");
    for YearSums { year, files, reported } in sums.years {
        for (name, file) in TABLES.into_iter().zip(files) {
            made.entry(name).or_default().extend(file);
        }
        let mut kinds: BTreeMap<(HsRevision, &'static str), (usize, Money)> = BTreeMap::new();
        let mut total = Money::ZERO;
        for (number, value) in reported {
            let (revision, code) = packed::revision_and_code(number);
            let is_known = revision != target || texts.contains_key(&code);
            let kind = match conversions.get(&number) {
                Some(conversion) if is_known => conversion.kind,
                _ => MatchKind::Unlisted,
            };
            let sum = kinds.entry((revision, kind.code())).or_default();
            sum.0 += 1;
            sum.1 += value;
            total += value;
        }
        for ((revision, kind), (n_codes, value)) in kinds {
            matches
                .int(year)
                .text(revision.name())
                .text(kind)
                .text(target.name())
                .text(&*method.to_string())
                .count(n_codes);
            money_and_share(&mut matches, value, total);
        }
    }
    let of_quantities = if pipeline.config.aggregate.quantities {
        quantities::rows(files, &pipeline.config.aggregate.flow, conversions)?
    } else {
        Rows::of("trade.region_product_year_quantity")
    };
    let mut output: Output =
        made.into_iter().map(|(name, files)| (name, Made::Files(files))).collect();
    table(&mut output, "trade.hs_conversion", matches)?;
    table(&mut output, "trade.region_product_year_quantity", of_quantities)?;

    let region_names: BTreeMap<&str, &str> = pipeline
        .sources
        .iter()
        .flat_map(|source| &source.layout.layout.region_names)
        .map(|(code, name)| (code.as_str(), name.as_str()))
        .collect();
    let mut rows = Rows::of("trade.region");
    for code in &sums.regions {
        rows.text(&**code).text(region_names.get(code.as_str()).copied().unwrap_or(code));
    }
    table(&mut output, "trade.region", rows)?;

    let mut n_sources: BTreeMap<u32, usize> = BTreeMap::new();
    for conversion in conversions.values() {
        let is_split = conversion.targets.len() > 1;
        for (code, weight) in &conversion.targets {
            if !is_split || *weight > 0 {
                *n_sources.entry(packed::number_of(*code)).or_default() += 1;
            }
        }
    }
    let mut rows = Rows::of("trade.product");
    for number in sums.traded {
        let product = packed::code_of(number);
        let text = texts.get(&product).map(String::as_str);
        rows.text(product.as_str())
            .text(product.heading())
            .text(product.chapter())
            .text(text)
            .flag(text.is_some())
            .count(n_sources.get(&number).copied().unwrap_or(1));
    }
    table(&mut output, "trade.product", rows)?;
    Ok(output)
}
