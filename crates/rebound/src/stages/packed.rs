//! Records as rows of numbers, kept by year and region.

mod row;
mod runs;

use self::row::{CODE_BITS, FIRST_YEAR, MONTH_BITS, REGION_BITS, year_of};
pub(super) use self::row::{Row, by_place};
use self::runs::{Order, Piece, Run, Runs};
use super::context::Files;
use super::error::StageError;
use super::sync::locked;
use crate::config::Parts;
use lake::{CodedReader, Codes, DataFile};
use rayon::slice::ParallelSliceMut;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use trade::Column;
use trade::memo::Memo;
use trade::{Hs6, HsRevision, Money, NO_CODE};

pub(super) const RECORDS: &str = "customs.records";

/// The columns whose texts are the words that records are summed by.
pub(super) const WORDS: [Column; 4] =
    [Column::Destination, Column::Ownership, Column::TradeMode, Column::Firm];

/// The word of a row that has none.
pub(super) const NO_WORD: u32 = u32::MAX;

/// Codes have six digits.
pub(super) const N_CODES: u32 = 1_000_000;

#[expect(clippy::disallowed_types, reason = "lookup only; what comes out is sorted")]
type Lookup = std::collections::HashMap<String, u32>;

/// Revision and code in one number.
pub(super) fn reported_code(revision: HsRevision, code: Hs6) -> u32 {
    u32::try_from(revision.index()).unwrap_or(0) * N_CODES + number_of(code)
}

/// What [`reported_code`] made.
pub(super) fn revision_and_code(number: u32) -> (HsRevision, Hs6) {
    let revisions = HsRevision::ALL;
    let at = (number / N_CODES) as usize;
    (revisions[at.min(revisions.len() - 1)], code_of(number % N_CODES))
}

/// The six digits as a number.
pub(super) fn number_of(code: Hs6) -> u32 {
    code.as_str().bytes().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'))
}

/// The six digits of a number below [`N_CODES`].
pub(super) fn code_of(number: u32) -> Hs6 {
    let digit = |power: u32| u8::try_from(number / power % 10).unwrap_or(0) + b'0';
    let digits = [100_000, 10_000, 1000, 100, 10, 1].map(digit);
    Hs6::from_digits(&digits).unwrap_or_else(|| unreachable!("six digits"))
}

/// Texts and their numbers, in the order they were met.
#[derive(Debug, Default)]
pub(super) struct Interner {
    inner: Mutex<(Lookup, Vec<String>)>,
}

impl Interner {
    fn number(&self, text: &str) -> Result<u32, StageError> {
        let (numbers, texts) = &mut *locked(&self.inner);
        if let Some(&number) = numbers.get(text) {
            return Ok(number);
        }
        let number = u32::try_from(texts.len()).ok().filter(|&number| number < UNSEEN);
        let number = number.ok_or_else(|| {
            StageError::Data("more than 2^32 different codes or firms in the records".to_owned())
        })?;
        numbers.insert(text.to_owned(), number);
        texts.push(text.to_owned());
        Ok(number)
    }

    /// The texts by their alphabetical places.
    pub(super) fn in_order(&self) -> Texts {
        let (_, texts) = &*locked(&self.inner);
        let mut numbers: Vec<u32> = (0u32..).take(texts.len()).collect();
        numbers.par_sort_unstable_by_key(|&number| texts[number as usize].as_str());
        let mut places = vec![0; texts.len()];
        for (place, &number) in (0u32..).zip(&numbers) {
            places[number as usize] = place;
        }
        let texts = numbers.into_iter().map(|number| texts[number as usize].clone()).collect();
        Texts { texts, places }
    }
}

/// Texts in alphabetical order.
#[derive(Debug)]
pub(super) struct Texts {
    texts: Vec<String>,
    places: Vec<u32>,
}

impl Texts {
    /// The place of the text of a row's number.
    #[inline]
    pub(super) fn place(&self, number: u32) -> u32 {
        self.places.get(number as usize).copied().unwrap_or(NO_WORD)
    }

    /// All of them.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

impl lake::Texts for Texts {
    fn n_texts(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, code: u32) -> &str {
        &self.texts[code as usize]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

/// Keys and their numbers, in the order they were met.
#[derive(Debug)]
struct Register<K>(Mutex<(BTreeMap<K, u32>, Vec<K>)>);

impl<K> Default for Register<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Copy> Register<K> {
    fn number(&self, key: K) -> u32 {
        let (numbers, keys) = &mut *locked(&self.0);
        *numbers.entry(key).or_insert_with(|| {
            keys.push(key);
            u32::try_from(keys.len() - 1).unwrap_or(0)
        })
    }

    fn into_keys(self) -> Vec<K> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// A number that no text of a dictionary was looked up for yet.
const UNSEEN: u32 = u32::MAX - 1;

/// The numbers of the texts of a dictionary, by code.
#[derive(Debug, Default)]
struct Numbers(Vec<u32>);

impl Numbers {
    /// The number of the text with this code, [`NO_WORD`] for none; `find` is asked once for each.
    #[inline(always)]
    fn number(
        &mut self,
        code: u32,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        match self.0.get(code as usize) {
            Some(&number) if number != UNSEEN => Ok(number),
            _ => self.learn(code, find),
        }
    }

    #[cold]
    #[inline(never)]
    fn learn(
        &mut self,
        code: u32,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        if code == NO_CODE {
            return Ok(NO_WORD);
        }
        let number = find()?;
        let at = code as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, UNSEEN);
        }
        self.0[at] = number;
        Ok(number)
    }
}

/// Values by number of revision and code.
#[derive(Debug, Default)]
struct Values {
    sums: Vec<i128>,
    is_there: Vec<bool>,
}

impl Values {
    #[inline]
    fn add(&mut self, at: usize, value: i128) {
        if at >= self.sums.len() {
            self.sums.resize(at + 1, 0);
            self.is_there.resize(at + 1, false);
        }
        self.sums[at] += value;
        self.is_there[at] = true;
    }

    fn clear(&mut self) {
        self.sums.fill(0);
        self.is_there.fill(false);
    }

    fn iter(&self) -> impl Iterator<Item = (usize, i128)> {
        let all = (0..).zip(&self.sums).zip(&self.is_there);
        all.filter(|(_, is_there)| **is_there).map(|((code, &sum), _)| (code, sum))
    }
}

/// What the threads share.
#[derive(Debug, Default)]
struct Shared {
    runs: Runs,
    /// By year.
    reported: BTreeMap<i32, Values>,
    other_flows: i128,
}

/// The rows of a region in a year.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The region's alphabetical place.
    pub(super) region: u32,
    /// Rows.
    pub(super) n_rows: usize,
    /// Year and region of rows.
    number: u64,
    pieces: Vec<Piece>,
}

/// The number of the flow that is summed.
const ASKED: u32 = 1;

/// Takes the records of a flow that no rule excludes, from any thread and in any order.
#[derive(Debug)]
pub(super) struct Collector {
    flow: String,
    /// The only year that is taken, if there is one.
    year: Option<i32>,
    /// Bytes of rows that stay in memory.
    limit: usize,
    /// Whether each kind of word is kept.
    keeps: [bool; WORDS.len()],
    keeps_months: bool,
    /// Whether records that differ in nothing but their value become one row.
    merges: bool,
    /// Revisions with codes.
    codes: Register<u32>,
    /// Ownerships with trade modes.
    kinds: Register<(u32, u32)>,
    regions: Interner,
    words: [Interner; WORDS.len()],
    shared: Mutex<Shared>,
}

impl Collector {
    /// Keeps at most `limit` bytes of rows in memory, and of each what `parts` are made of. Where a record's value `is_split`,
    /// each must be split alone, as the parts are rounded.
    pub(super) fn new(flow: &str, parts: Parts, is_split: bool, limit: usize) -> Self {
        Self {
            flow: flow.to_owned(),
            year: None,
            limit,
            keeps: [
                parts.needs_destinations(),
                parts.ownership || parts.ownership_trade_mode,
                parts.trade_mode || parts.ownership_trade_mode,
                parts.needs_firms(),
            ],
            keeps_months: parts.month,
            // Few records are of the same firm.
            merges: !is_split && !parts.needs_firms(),
            codes: Register::default(),
            kinds: Register::default(),
            regions: Interner::default(),
            words: Default::default(),
            shared: Mutex::default(),
        }
    }

    /// The columns whose texts it has a use for.
    pub(super) fn columns(&self) -> [bool; Column::ALL.len()] {
        let mut columns = [false; Column::ALL.len()];
        for column in [Column::Flow, Column::Region, Column::Hs6, Column::Revision] {
            columns[column as usize] = true;
        }
        for (word, keeps) in WORDS.into_iter().zip(self.keeps) {
            columns[word as usize] = keeps;
        }
        columns
    }

    /// The number of a text of `column`.
    fn number(&self, column: Column, text: &str) -> Result<u32, StageError> {
        match column {
            Column::Flow => Ok(if text == self.flow { ASKED } else { 0 }),
            Column::Revision => {
                let revision: HsRevision = text.parse().map_err(|e| broken(&e))?;
                Ok(u32::try_from(revision.index()).unwrap_or(0))
            }
            Column::Hs6 => Ok(number_of(text.parse().map_err(|e| broken(&e))?)),
            Column::Region => {
                let number = self.regions.number(text)?;
                if number >> REGION_BITS == 0 {
                    Ok(number)
                } else {
                    Err(broken(&format!("more than 2^{REGION_BITS} regions")))
                }
            }
            _ => {
                let kind = WORDS.iter().position(|word| *word == column).unwrap_or(0);
                self.words[kind].number(text)
            }
        }
    }

    /// Takes rows, brings those of a group together, and puts some on disk if there are too many.
    fn add(&self, rows: &[Row], scratch: &mut Scratch) -> Result<(), StageError> {
        let Scratch { order, reported } = scratch;
        let run = Run::of(rows, order);
        reported.values_mut().for_each(Values::clear);
        for of_year in rows.chunk_by(|a, b| year_of(a) == year_of(b)) {
            let year = FIRST_YEAR + i32::try_from(year_of(&of_year[0])).unwrap_or(0);
            let values = reported.entry(year).or_default();
            for row in of_year {
                values.add(row.code(), i128::from(row.value));
            }
        }
        let mut shared = locked(&self.shared);
        for (year, values) in &*reported {
            let sums = shared.reported.entry(*year).or_default();
            values.iter().for_each(|(code, value)| sums.add(code, value));
        }
        shared.runs.add(run, self.limit)
    }

    /// All that was taken.
    pub(super) fn finish(self) -> Packed {
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let on_disk = shared.runs.bytes_on_disk();
        if on_disk > 0 {
            tracing::info!(mib = on_disk >> 20, "records beyond the memory limit went to disk");
        }
        let codes = self.codes.into_keys();
        let of_year = |values: Values| {
            let money = |(code, sum): (usize, i128)| (codes[code], Money::from_hundredths(sum));
            values.iter().map(money).collect()
        };
        let reported =
            shared.reported.into_iter().map(|(year, values)| (year, of_year(values))).collect();
        Packed {
            runs: shared.runs,
            regions: self.regions,
            words: self.words,
            kinds: self.kinds.into_keys(),
            reported,
            codes,
            other_flows: Money::from_hundredths(shared.other_flows),
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> StageError {
    StageError::Data(format!("{RECORDS}: {error}"))
}

/// The name of a column in the table of records.
fn name_of(column: Column) -> &'static str {
    match column {
        Column::Flow => "flow",
        Column::Region => "region_code",
        Column::Product => "product_code",
        Column::Hs6 => "hs6",
        Column::Revision => "hs_revision",
        Column::Destination => "destination",
        Column::TradeMode => "trade_mode",
        Column::Ownership => "ownership",
        Column::Firm => "firm",
        Column::FirmName => "firm_name",
        Column::QuantityUnit => "quantity_unit",
    }
}

/// Records by column, with codes for texts.
pub(super) trait CodedRows {
    /// How many.
    fn n_rows(&self) -> usize;
    /// Gives the year of each.
    fn years(&self) -> impl Fn(usize) -> i32;
    /// Gives the month of each, 1 to 12; 0 for none.
    fn months(&self) -> impl Fn(usize) -> u32;
    /// Gives the value of each, in hundredths.
    fn values(&self) -> impl Fn(usize) -> i128;
    /// Tells whether a rule excludes it.
    fn excluded(&self) -> impl Fn(usize) -> bool;
    /// The codes of the texts of a column; [`NO_CODE`] for none.
    fn codes(&self, column: Column) -> Codes<'_>;
    /// The text of a code.
    fn text(&self, column: Column, code: u32) -> &str;
}

/// Memory that is used again for the rows that are handed over next.
#[derive(Debug, Default)]
struct Scratch {
    order: Order,
    /// By year.
    reported: BTreeMap<i32, Values>,
}

/// Hands records to a [`Collector`], as long as the codes of a column stand for the same texts.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// The numbers of texts, by column and code.
    numbers: [Numbers; Column::ALL.len()],
    /// The numbers of revisions with codes, by revision and the code of the code.
    codes: Vec<Numbers>,
    /// The numbers of ownerships with trade modes, by both.
    kinds: Vec<Numbers>,
    /// What texts were found to be by their bytes, for when codes come to stand for others.
    memos: [Memo; Column::ALL.len()],
    /// The records that are taken.
    taken: Vec<u32>,
    /// Their numbers, column by column.
    columns: [Vec<u32>; Column::ALL.len()],
    /// What is handed over next.
    rows: Vec<Row>,
    /// Hash and place of some of the rows, by hash: where the same is looked for.
    met: Vec<(u32, u32)>,
    scratch: Scratch,
}

impl Packer {
    /// Forgets what codes stand for.
    fn forget(&mut self) {
        self.numbers.iter_mut().for_each(|numbers| numbers.0.clear());
        self.codes.iter_mut().for_each(|numbers| numbers.0.clear());
    }

    /// Packs `records`, and hands them over when there are many.
    ///
    /// # Errors
    ///
    /// [`StageError`] if there are too many different texts, or the disk fails.
    pub(super) fn pack(
        &mut self,
        records: &impl CodedRows,
        into: &Collector,
    ) -> Result<(), StageError> {
        self.push(records, into)?;
        if self.rows.len() >= HANDED_OVER { self.hand_over(into) } else { Ok(()) }
    }

    fn push(&mut self, records: &impl CodedRows, into: &Collector) -> Result<(), StageError> {
        self.take(records, into)?;
        self.find(Column::Region, records, into)?;
        self.find(Column::Revision, records, into)?;
        for (word, keeps) in WORDS.into_iter().zip(into.keeps) {
            if keeps {
                self.find(word, records, into)?;
            } else {
                let numbers = &mut self.columns[word as usize];
                numbers.clear();
                numbers.resize(self.taken.len(), NO_WORD);
            }
        }
        self.find_codes(records, into)?;
        let Self { kinds, columns, rows, met, taken, .. } = self;
        let column = |column: Column| &columns[column as usize][..taken.len()];
        let (regions, codes) = (column(Column::Region), column(Column::Hs6));
        let (owners, modes) = (column(Column::Ownership), column(Column::TradeMode));
        let (destinations, firms) = (column(Column::Destination), column(Column::Firm));
        let (year_of, month_of, values) = (records.years(), records.months(), records.values());
        met.resize(if into.merges { 1 << MET_BITS } else { 0 }, (0, u32::MAX));
        if rows.capacity() == 0 {
            rows.reserve(HANDED_OVER + records.n_rows());
        }
        let (mut last_year, mut year_bits) = (i32::MIN, 0);
        let (mut last_pair, mut kind) = (None, 0);
        for (at, &row) in taken.iter().enumerate() {
            let row = row as usize;
            let year = year_of(row);
            if year != last_year {
                (last_year, year_bits) = (year, years_since_first(year)? << REGION_BITS);
            }
            let month = if into.keeps_months { u64::from(month_of(row)) } else { 0 };
            let group = year_bits | u64::from(regions[at]);
            let place = (group << MONTH_BITS | month) << CODE_BITS | u64::from(codes[at]);
            let pair = (owners[at], modes[at]);
            if last_pair != Some(pair) {
                // One more than each, so that none has a place too.
                kind = numbers_of(kinds, pair.0.wrapping_add(1))
                    .number(pair.1.wrapping_add(1), || Ok(into.kinds.number(pair)))?;
                last_pair = Some(pair);
            }
            let (destination, firm) = (destinations[at], firms[at]);
            let new = Row { place, value: 0, destination, kind, firm, n: 1 };
            let Ok(value) = i64::try_from(values(row)) else {
                push_large(rows, new, values(row));
                continue;
            };
            let new = Row { value, ..new };
            if into.merges {
                // Often it is one more of the row before.
                if rows.last_mut().is_some_and(|last| last.merge(&new)) {
                    continue;
                }
                let hash = hash(&new);
                let met = &mut met[(hash >> (32 - MET_BITS)) as usize];
                if met.0 == hash
                    && let Some(known) = rows.get_mut(met.1 as usize)
                    && known.merge(&new)
                {
                    continue;
                }
                *met = (hash, u32::try_from(rows.len()).unwrap_or(u32::MAX));
            }
            rows.push(new);
        }
        Ok(())
    }

    /// Finds the numbers of the revisions with codes of the records that are taken.
    fn find_codes(&mut self, records: &impl CodedRows, into: &Collector) -> Result<(), StageError> {
        let Self { codes, columns, taken, .. } = self;
        let mut found = std::mem::take(&mut columns[Column::Hs6 as usize]);
        found.clear();
        found.resize(taken.len(), NO_WORD);
        let all = records.codes(Column::Hs6);
        let revisions = &columns[Column::Revision as usize];
        let mut rows = found.iter_mut().zip(&*taken);
        for of_revision in revisions.chunk_by(|a, b| a == b) {
            let revision = of_revision[0];
            let numbers = numbers_of(codes, revision);
            for (found, &row) in rows.by_ref().take(of_revision.len()) {
                let code = all.of(row as usize);
                *found = numbers.number(code, || {
                    let code = into.number(Column::Hs6, records.text(Column::Hs6, code))?;
                    Ok(into.codes.number(revision * N_CODES + code))
                })?;
            }
        }
        columns[Column::Hs6 as usize] = found;
        Ok(())
    }

    /// Finds which records are taken.
    fn take(&mut self, records: &impl CodedRows, into: &Collector) -> Result<(), StageError> {
        let mut other_flows = 0;
        self.taken.clear();
        let (flows, years) = (records.codes(Column::Flow), records.years());
        let (is_excluded, values) = (records.excluded(), records.values());
        for (row, at) in (0..records.n_rows()).zip(0..) {
            let is_of_year = into.year.is_none_or(|year| year == years(row));
            if is_excluded(row) || !is_of_year {
                continue;
            }
            let code = flows.of(row);
            let number = self.numbers[Column::Flow as usize]
                .number(code, || into.number(Column::Flow, records.text(Column::Flow, code)))?;
            if number == ASKED {
                self.taken.push(at);
            } else {
                other_flows += values(row);
            }
        }
        if other_flows != 0 {
            locked(&into.shared).other_flows += other_flows;
        }
        Ok(())
    }

    /// Finds the numbers of the texts of `column` in the records that are taken.
    fn find(
        &mut self,
        column: Column,
        records: &impl CodedRows,
        into: &Collector,
    ) -> Result<(), StageError> {
        let Self { numbers, memos, taken, columns, .. } = self;
        let (numbers, memo) = (&mut numbers[column as usize], &mut memos[column as usize]);
        let mut find = |code: u32| {
            let text = records.text(column, code);
            if let Some(number) = memo.get(text.as_bytes()) {
                return Ok(number);
            }
            let number = into.number(column, text)?;
            memo.put(text.as_bytes(), number);
            Ok(number)
        };
        let found = &mut columns[column as usize];
        found.clear();
        match records.codes(column) {
            Codes::Same(_) if taken.is_empty() => {}
            Codes::Same(code) => {
                found.resize(taken.len(), numbers.number(code, || find(code))?);
            }
            Codes::Each(codes) => {
                found.resize(taken.len(), NO_WORD);
                for (found, &row) in found.iter_mut().zip(&*taken) {
                    let code = codes[row as usize];
                    *found = numbers.number(code, || find(code))?;
                }
            }
        }
        Ok(())
    }

    /// Hands over what was packed.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn hand_over(&mut self, into: &Collector) -> Result<(), StageError> {
        into.add(&self.rows, &mut self.scratch)?;
        self.rows.clear();
        Ok(())
    }
}

fn years_since_first(year: i32) -> Result<u64, StageError> {
    let years = u64::try_from(year - FIRST_YEAR).ok().filter(|years| *years < 256);
    years.ok_or_else(|| broken(&format!("year {year} is out of range")))
}

/// Adds a record of so many hundredths to `rows` that they need more than one.
#[cold]
fn push_large(rows: &mut Vec<Row>, record: Row, hundredths: i128) {
    let mut left = hundredths;
    let mut n = record.n;
    while left != 0 {
        let value = i64::try_from(left).unwrap_or(if left > 0 { i64::MAX } else { i64::MIN });
        rows.push(Row { value, n, ..record });
        left -= i128::from(value);
        n = 0;
    }
}

/// Rows that are read together: few enough to stay in the processor's cache.
const READ_ROWS: usize = 4096;

/// Rows that are handed over together.
const HANDED_OVER: usize = 1 << 17;

/// Bits of the places where rows that were met are looked for.
const MET_BITS: u32 = 12;

/// The highest bits of a hash of all but a row's value.
#[inline]
fn hash(row: &Row) -> u32 {
    let words = u64::from(row.destination) << 32 | u64::from(row.kind);
    let mixed = (row.place ^ words.rotate_left(20)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed >> 32).unwrap_or(0)
}

/// The numbers of this place.
#[inline]
fn numbers_of(numbers: &mut Vec<Numbers>, place: u32) -> &mut Numbers {
    if place as usize >= numbers.len() {
        numbers.resize_with(place as usize + 1, Numbers::default);
    }
    &mut numbers[place as usize]
}

/// All records of a flow that no rule excludes.
#[derive(Debug)]
pub(super) struct Packed {
    runs: Runs,
    /// The regions.
    pub(super) regions: Interner,
    /// Destinations, ownerships, trade modes and firms.
    pub(super) words: [Interner; WORDS.len()],
    /// Every revision with a code, by number.
    pub(super) codes: Vec<u32>,
    /// The numbers of every ownership with a trade mode, by number; [`NO_WORD`] for none.
    pub(super) kinds: Vec<(u32, u32)>,
    /// Of each year every revision and code, and its value.
    pub(super) reported: BTreeMap<i32, BTreeMap<u32, Money>>,
    other_flows: Money,
}

impl Packed {
    /// Every revision and code, and its value.
    pub(super) fn reported_in_all(&self) -> BTreeMap<u32, Money> {
        let mut sums = BTreeMap::new();
        for (&code, &value) in self.reported.values().flatten() {
            *sums.entry(code).or_default() += value;
        }
        sums
    }

    /// The value of all records that were packed, with those of other flows.
    pub(super) fn value_met(&self) -> Money {
        self.reported.values().flat_map(BTreeMap::values).copied().sum::<Money>() + self.other_flows
    }

    /// Reads the records in some files, of all years or one, into `collector`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or the disk where the rest goes.
    pub(super) fn read(
        files: &Files<'_>,
        of: &[DataFile],
        year: Option<i32>,
        collector: Collector,
    ) -> Result<Self, StageError> {
        let collector = Collector { year, ..collector };
        let next = AtomicUsize::new(0);
        // Each thread knows the texts that it has met.
        let results = rayon::broadcast(|_| {
            let mut packer = Packer::default();
            while let Some(file) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut rows = FileRows::open(files, file, &collector)?;
                while rows.read(&mut packer)? {
                    packer.pack(&rows, &collector)?;
                }
            }
            packer.hand_over(&collector)
        });
        results.into_iter().collect::<Result<(), StageError>>()?;
        Ok(collector.finish())
    }

    /// The groups of each year, regions in alphabetical order.
    pub(super) fn groups(&self, regions: &Texts) -> BTreeMap<i32, Vec<Group>> {
        let mut years: BTreeMap<i32, BTreeMap<u32, Group>> = BTreeMap::new();
        for (number, piece) in self.runs.pieces() {
            let year = FIRST_YEAR + i32::try_from(number >> REGION_BITS).unwrap_or(0);
            let region = u32::try_from(number & ((1 << REGION_BITS) - 1)).unwrap_or(0);
            let region = regions.place(region);
            let group = years.entry(year).or_default().entry(region).or_default();
            group.region = region;
            group.number = number;
            group.n_rows += piece.n_rows;
            group.pieces.push(piece);
        }
        years.into_iter().map(|(year, groups)| (year, groups.into_values().collect())).collect()
    }

    /// Adds the rows of a group to `rows`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn rows(&self, group: &Group, rows: &mut Vec<Row>) -> Result<(), StageError> {
        rows.reserve(group.n_rows);
        group.pieces.iter().try_for_each(|piece| self.runs.rows(group.number, piece, rows))
    }
}

/// The columns of a file of records, read batch after batch.
struct FileRows {
    reader: CodedReader,
    n_rows: usize,
    /// The places of the columns that a text, year, month, value or flag is in.
    texts: [Option<usize>; Column::ALL.len()],
    year: usize,
    month: Option<usize>,
    value: usize,
    is_excluded: usize,
}

impl FileRows {
    fn open(files: &Files<'_>, file: &DataFile, collector: &Collector) -> Result<Self, StageError> {
        let is_kept = collector.columns();
        let texts: Vec<Column> =
            Column::ALL.into_iter().filter(|column| is_kept[*column as usize]).collect();
        let months = collector.keeps_months.then_some("month");
        let columns: Vec<&str> = ["year", "fob_value", "is_excluded"]
            .into_iter()
            .chain(texts.iter().map(|column| name_of(*column)))
            .chain(months)
            .collect();
        let of_text = |column| Some(3 + texts.iter().position(|text| *text == column)?);
        Ok(Self {
            reader: files.coded(RECORDS, file, &columns)?,
            n_rows: 0,
            texts: Column::ALL.map(of_text),
            year: 0,
            month: months.map(|_| columns.len() - 1),
            value: 1,
            is_excluded: 2,
        })
    }

    /// Reads the next rows; whether there are some. `packer` forgets what their codes do not stand for any more.
    fn read(&mut self, packer: &mut Packer) -> Result<bool, StageError> {
        self.n_rows = self.reader.read(READ_ROWS)?;
        if self.reader.is_new_group() {
            packer.forget();
        }
        Ok(self.n_rows > 0)
    }
}

impl CodedRows for FileRows {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        let (codes, years) = (self.reader.codes(self.year), self.reader.ints(self.year));
        move |row| years[codes.of(row) as usize]
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        let months = self.month.map(|at| (self.reader.codes(at), self.reader.ints(at)));
        move |row| {
            let month = months.and_then(|(codes, months)| months.get(codes.of(row) as usize));
            month.map_or(0, |month| (*month).clamp(0, 12).unsigned_abs())
        }
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        let values = self.reader.money(self.value);
        |row| values[row]
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        let codes = self.reader.codes(self.is_excluded);
        move |row| codes.of(row) == 1
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        self.texts[column as usize].map_or(Codes::Same(NO_CODE), |at| self.reader.codes(at))
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.texts[column as usize].map_or("", |at| self.reader.text(at, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_in_the_order_of_their_regions() {
        let row = |region: u64, value: i64| Row {
            place: region << (CODE_BITS + MONTH_BITS),
            value,
            ..Row::default()
        };
        let run = |rows: &[Row]| Run::of(rows, &mut Order::default());
        let mut runs = Runs::default();
        runs.add(run(&[row(1, 1), row(5, 2), row(1, 3)]), usize::MAX).expect("memory");
        runs.add(run(&[row(2, 4), row(1, 5)]), usize::MAX).expect("memory");
        let packed = Packed {
            runs,
            regions: Interner::default(),
            words: Default::default(),
            codes: Vec::new(),
            kinds: Vec::new(),
            reported: BTreeMap::new(),
            other_flows: Money::ZERO,
        };
        for text in ["f", "e", "d", "c", "b", "a"] {
            packed.regions.number(text).expect("room");
        }
        let groups = packed.groups(&packed.regions.in_order());
        let found: Vec<(u32, Vec<i64>)> = groups[&FIRST_YEAR]
            .iter()
            .map(|group| {
                let mut rows = Vec::new();
                packed.rows(group, &mut rows).expect("memory");
                assert_eq!(group.n_rows, rows.len());
                (group.region, rows.iter().map(|row| row.value).collect())
            })
            .collect();
        assert_eq!(found, [(0, vec![2]), (3, vec![4]), (4, vec![1, 3, 5])]);
    }

    #[test]
    fn codes_and_numbers_are_each_others() {
        for text in ["000000", "010190", "999999"] {
            let code: Hs6 = text.parse().expect("a code");
            for revision in HsRevision::ALL {
                assert_eq!(revision_and_code(reported_code(revision, code)), (revision, code));
            }
        }
    }

    #[test]
    fn merged_rows_hold_what_they_are_of() {
        let row = Row { place: 5, value: i64::MAX - 1, n: 1, ..Row::default() };
        let mut sum = row;
        assert!(!sum.merge(&Row { value: 2, ..row }), "no room");
        assert!(!sum.merge(&Row { kind: 1, ..row }) && !sum.merge(&Row { place: 4, ..row }));
        assert_eq!(sum, row);
        assert!(sum.merge(&Row { value: 1, n: 3, ..row }));
        assert_eq!((sum.value, sum.n), (i64::MAX, 4));
        let mut rows = Vec::new();
        let value = 3 * i128::from(i64::MAX);
        push_large(&mut rows, row, -value);
        assert_eq!(rows.iter().map(|row| i128::from(row.value)).sum::<i128>(), -value);
        assert_eq!(rows.iter().map(|row| row.n).sum::<u32>(), 1);
    }
}
