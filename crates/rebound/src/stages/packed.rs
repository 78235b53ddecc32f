//! Records as rows of 32 bytes, kept by year and region: in memory up to a limit, in an unnamed file beyond it.

use super::{Files, StageError};
use crate::config::Parts;
use arrow::array::{Array, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type};
use lake::DataFile;
use rayon::slice::ParallelSliceMut;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use trade::coded::Column;
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

/// Bytes of a row on disk.
const ROW_BYTES: usize = 32;

const CODE_BITS: u32 = 24;
const MONTH_BITS: u32 = 4;
const REGION_BITS: u32 = 27;
const FIRST_YEAR: i32 = 1900;

#[expect(clippy::disallowed_types, reason = "lookup only; what comes out is sorted")]
type Lookup = std::collections::HashMap<String, u32>;

/// A record, or several that differ in nothing but their value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// From the highest bit: years since 1900, region, month (0: none), and the number of revision and code.
    place: u64,
    /// Hundredths.
    pub(super) value: i64,
    /// [`NO_WORD`] for none.
    pub(super) destination: u32,
    /// The place of ownership and trade mode in [`Packed::kinds`].
    pub(super) kind: u32,
    /// [`NO_WORD`] for none.
    pub(super) firm: u32,
    /// How many records; 0 if the row only holds more of the value of the row before.
    pub(super) n: u32,
}

impl Row {
    /// The place of revision and code in [`Packed::codes`].
    pub(super) fn code(&self) -> usize {
        usize::try_from(self.place & ((1 << CODE_BITS) - 1)).unwrap_or(0)
    }

    /// 1 to 12; 0 if the source has no months.
    pub(super) fn month(&self) -> u32 {
        u32::try_from(self.place >> CODE_BITS & ((1 << MONTH_BITS) - 1)).unwrap_or(0)
    }

    /// Year and region.
    fn group(&self) -> u64 {
        self.place >> (CODE_BITS + MONTH_BITS)
    }

    /// Adds `other` if it differs in nothing but its value, and the sum has room.
    fn merge(&mut self, other: &Self) -> bool {
        let is_same = self.place == other.place
            && (self.destination, self.kind, self.firm)
                == (other.destination, other.kind, other.firm);
        let (value, n) = (self.value.checked_add(other.value), self.n.checked_add(other.n));
        if let (true, Some(value), Some(n)) = (is_same, value, n) {
            (self.value, self.n) = (value, n);
            return true;
        }
        false
    }

    fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..8].copy_from_slice(&self.place.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        let words = [self.destination, self.kind, self.firm, self.n];
        for (into, word) in bytes[16..].chunks_exact_mut(4).zip(words) {
            into.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn of_bytes(bytes: &[u8; ROW_BYTES]) -> Self {
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let eight = |at: usize| {
            let [a, b, c, d] = four(at);
            let [e, f, g, h] = four(at + 4);
            [a, b, c, d, e, f, g, h]
        };
        let word = |at: usize| u32::from_le_bytes(four(at));
        Self {
            place: u64::from_le_bytes(eight(0)),
            value: i64::from_le_bytes(eight(8)),
            destination: word(16),
            kind: word(20),
            firm: word(24),
            n: word(28),
        }
    }
}

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

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    #[inline]
    fn number(
        &mut self,
        code: u32,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        match self.0.get(code as usize) {
            Some(&number) if number != UNSEEN => Ok(number),
            _ if code == NO_CODE => Ok(NO_WORD),
            _ => {
                let number = find()?;
                self.put(code as usize, number);
                Ok(number)
            }
        }
    }

    #[cold]
    fn put(&mut self, code: usize, number: u32) {
        if code >= self.0.len() {
            self.0.resize(code + 1, UNSEEN);
        }
        self.0[code] = number;
    }
}

/// Rows in the order of their groups: each group, where it begins, how many rows it has.
type Index = Vec<(u64, usize, usize)>;

#[derive(Debug)]
enum Store {
    Memory(Vec<Row>),
    /// Where the rows begin in the file.
    Disk(u64),
}

#[derive(Debug)]
struct Run {
    store: Store,
    index: Index,
}

/// What the threads share.
#[derive(Debug, Default)]
struct Shared {
    runs: Vec<Run>,
    bytes_in_memory: usize,
    spilled: Option<File>,
    bytes_on_disk: u64,
    /// By number of revision and code.
    reported: Vec<i128>,
    other_flows: i128,
}

/// The rows of a region in a year.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The region's alphabetical place.
    pub(super) region: u32,
    /// Rows.
    pub(super) n_rows: usize,
    /// Run, first row, rows.
    pieces: Vec<(usize, usize, usize)>,
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

    /// The columns of records that it has a use for.
    fn columns(&self) -> Vec<&'static str> {
        let months = self.keeps_months.then_some("month");
        let words = WORDS.into_iter().zip(self.keeps).filter(|(_, keeps)| *keeps);
        ["year", "flow", "region_code", "hs6", "hs_revision", "fob_value", "is_excluded"]
            .into_iter()
            .chain(months)
            .chain(words.map(|(word, _)| name_of(word)))
            .collect()
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
    fn add(&self, rows: &[Row], reported: &[i128]) -> Result<(), StageError> {
        let (rows, index) = grouped(rows);
        let mut shared = locked(&self.shared);
        let n_codes = shared.reported.len().max(reported.len());
        shared.reported.resize(n_codes, 0);
        for (sum, value) in shared.reported.iter_mut().zip(reported) {
            *sum += value;
        }
        shared.bytes_in_memory += rows.len() * size_of::<Row>();
        shared.runs.push(Run { store: Store::Memory(rows), index });
        if shared.bytes_in_memory > self.limit { shared.spill() } else { Ok(()) }
    }

    /// All that was taken.
    pub(super) fn finish(self) -> Packed {
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        if shared.bytes_on_disk > 0 {
            tracing::info!(
                mib = shared.bytes_on_disk >> 20,
                "records beyond the memory limit went to disk"
            );
        }
        let codes = self.codes.into_keys();
        let values = shared.reported.into_iter().map(Money::from_hundredths);
        Packed {
            runs: shared.runs,
            spilled: Mutex::new(shared.spilled),
            regions: self.regions,
            words: self.words,
            kinds: self.kinds.into_keys(),
            reported: codes.iter().copied().zip(values).collect(),
            codes,
            other_flows: Money::from_hundredths(shared.other_flows),
        }
    }
}

/// Brings the rows of a group together: by counting, where there are fewer groups than rows.
fn grouped(rows: &[Row]) -> (Vec<Row>, Index) {
    let region_of = |row: &Row| row.group() & ((1 << REGION_BITS) - 1);
    let year_of = |row: &Row| row.group() >> REGION_BITS;
    let first = rows.iter().map(year_of).min().unwrap_or(0);
    let n_years = rows.iter().map(|row| year_of(row) - first + 1).max().unwrap_or(0);
    let n_regions = rows.iter().map(|row| region_of(row) + 1).max().unwrap_or(0);
    let n_groups = usize::try_from(n_years * n_regions).unwrap_or(usize::MAX);
    let mut sorted = Vec::new();
    if n_groups > rows.len() {
        sorted.extend_from_slice(rows);
        sorted.sort_unstable_by_key(Row::group);
    } else {
        let place = |row: &Row| {
            usize::try_from((year_of(row) - first) * n_regions + region_of(row)).unwrap_or(0)
        };
        by_place(rows, n_groups, place, &mut Vec::new(), &mut sorted);
    }
    let mut index = Index::new();
    let mut at = 0;
    for group in sorted.chunk_by(|a, b| a.group() == b.group()) {
        index.push((group[0].group(), at, group.len()));
        at += group.len();
    }
    (sorted, index)
}

/// Puts `items` into `sorted` in the order of their places, which are below `n`, as they come at each place.
pub(super) fn by_place<T: Copy + Default>(
    items: &[T],
    n: usize,
    place: impl Fn(&T) -> usize,
    next: &mut Vec<usize>,
    sorted: &mut Vec<T>,
) {
    next.clear();
    next.resize(n, 0);
    for item in items {
        next[place(item)] += 1;
    }
    let mut start = 0;
    for next in next.iter_mut() {
        start += std::mem::replace(next, start);
    }
    sorted.resize(items.len(), T::default());
    for item in items {
        let next = &mut next[place(item)];
        sorted[*next] = *item;
        *next += 1;
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
    /// The year of one.
    fn year(&self, row: usize) -> i32;
    /// Its month, 1 to 12; 0 for none.
    fn month(&self, row: usize) -> u32;
    /// Hundredths.
    fn value(&self, row: usize) -> i128;
    /// Whether a rule excludes it.
    fn is_excluded(&self, row: usize) -> bool;
    /// Gives the code of the text of a column in each; [`NO_CODE`] for none.
    fn codes(&self, column: Column) -> impl Fn(usize) -> u32;
    /// The text of a code.
    fn text(&self, column: Column, code: u32) -> &str;
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
    taken: Vec<usize>,
    /// Their numbers, column by column.
    columns: [Vec<u32>; Column::ALL.len()],
    /// What is handed over next: rows, and values by number of revision and code.
    rows: Vec<Row>,
    reported: Vec<i128>,
    /// Hash and place of some of the rows, by hash: where the same is looked for.
    met: Vec<(u32, u32)>,
}

impl Packer {
    /// Forgets what the codes of `column` stand for.
    fn forget(&mut self, column: Column) {
        self.numbers[column as usize] = Numbers::default();
        if column == Column::Hs6 {
            self.codes.clear();
        }
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
        let Self { kinds, columns, rows, reported, met, taken, .. } = self;
        let column = |column: Column| columns[column as usize].iter().copied();
        let words = column(Column::Destination).zip(column(Column::Firm));
        let of_kinds = column(Column::Ownership).zip(column(Column::TradeMode));
        let places = column(Column::Region).zip(column(Column::Hs6));
        met.resize(if into.merges { 1 << MET_BITS } else { 0 }, (0, u32::MAX));
        let mut years = (FIRST_YEAR, 0);
        let all = taken.iter().zip(places).zip(of_kinds).zip(words);
        for (((&row, (region, code)), (owner, mode)), (destination, firm)) in all {
            let year = records.year(row);
            if year != years.0 {
                years = (year, years_since_first(year)?);
            }
            let month = if into.keeps_months { records.month(row) } else { 0 };
            let group =
                (years.1 << REGION_BITS | u64::from(region)) << MONTH_BITS | u64::from(month);
            let place = group << CODE_BITS | u64::from(code);
            // One more than each, so that none has a place too.
            let kind = numbers_of(kinds, owner.wrapping_add(1))
                .number(mode.wrapping_add(1), || Ok(into.kinds.number((owner, mode))))?;
            let value = records.value(row);
            if code as usize >= reported.len() {
                reported.resize(code as usize + 1, 0);
            }
            reported[code as usize] += value;
            let new = Row { place, value: 0, destination, kind, firm, n: 1 };
            let Ok(value) = i64::try_from(value) else {
                push_large(rows, new, value);
                continue;
            };
            let new = Row { value, ..new };
            if into.merges {
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
        let code_of = records.codes(Column::Hs6);
        for (&row, &revision) in taken.iter().zip(&columns[Column::Revision as usize]) {
            let code = code_of(row);
            found.push(numbers_of(codes, revision).number(code, || {
                let code = into.number(Column::Hs6, records.text(Column::Hs6, code))?;
                Ok(into.codes.number(revision * N_CODES + code))
            })?);
        }
        columns[Column::Hs6 as usize] = found;
        Ok(())
    }

    /// Finds which records are taken.
    fn take(&mut self, records: &impl CodedRows, into: &Collector) -> Result<(), StageError> {
        let mut other_flows = 0;
        self.taken.clear();
        let flow_of = records.codes(Column::Flow);
        for row in 0..records.n_rows() {
            let is_of_year = into.year.is_none_or(|year| year == records.year(row));
            if records.is_excluded(row) || !is_of_year {
                continue;
            }
            let code = flow_of(row);
            let number = self.numbers[Column::Flow as usize]
                .number(code, || into.number(Column::Flow, records.text(Column::Flow, code)))?;
            if number == ASKED {
                self.taken.push(row);
            } else {
                other_flows += records.value(row);
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
        let found = &mut columns[column as usize];
        found.clear();
        found.reserve(taken.len());
        let code_of = records.codes(column);
        for &row in &*taken {
            let code = code_of(row);
            found.push(numbers.number(code, || {
                let text = records.text(column, code);
                if let Some(number) = memo.get(text.as_bytes()) {
                    return Ok(number);
                }
                let number = into.number(column, text)?;
                memo.put(text.as_bytes(), number);
                Ok(number)
            })?);
        }
        Ok(())
    }

    /// Hands over what was packed.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn hand_over(&mut self, into: &Collector) -> Result<(), StageError> {
        into.add(&self.rows, &self.reported)?;
        self.rows.clear();
        self.reported.clear();
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

/// Rows that are handed over together.
const HANDED_OVER: usize = 1 << 19;

/// Bits of the places where rows that were met are looked for.
const MET_BITS: u32 = 14;

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
    runs: Vec<Run>,
    spilled: Mutex<Option<File>>,
    /// The regions.
    pub(super) regions: Interner,
    /// Destinations, ownerships, trade modes and firms.
    pub(super) words: [Interner; WORDS.len()],
    /// Every revision with a code, by number.
    pub(super) codes: Vec<u32>,
    /// The numbers of every ownership with a trade mode, by number; [`NO_WORD`] for none.
    pub(super) kinds: Vec<(u32, u32)>,
    /// Every revision and code, and its value.
    pub(super) reported: BTreeMap<u32, Money>,
    other_flows: Money,
}

impl Packed {
    /// The value of all records that were packed, with those of other flows.
    pub(super) fn value_met(&self) -> Money {
        self.reported.values().copied().sum::<Money>() + self.other_flows
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
        let columns = collector.columns();
        let next = AtomicUsize::new(0);
        // Each thread knows the texts that it has met.
        let results = rayon::broadcast(|_| {
            let mut packer = Packer::default();
            let mut values = Dictionaries::default();
            while let Some(file) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
                files.each_coded(RECORDS, file, &columns, |batch| {
                    let batch = Batch::of(batch, &collector)?;
                    values.begin(&batch, &mut packer);
                    packer.pack(&batch, &collector)
                })?;
            }
            packer.hand_over(&collector)
        });
        results.into_iter().collect::<Result<(), StageError>>()?;
        Ok(collector.finish())
    }

    /// The groups of each year, regions in alphabetical order.
    pub(super) fn groups(&self, regions: &Texts) -> BTreeMap<i32, Vec<Group>> {
        let mut years: BTreeMap<i32, BTreeMap<u32, Group>> = BTreeMap::new();
        for (run, Run { index, .. }) in self.runs.iter().enumerate() {
            for &(group, first, n_rows) in index {
                let year = FIRST_YEAR + i32::try_from(group >> REGION_BITS).unwrap_or(0);
                let number = u32::try_from(group & ((1 << REGION_BITS) - 1)).unwrap_or(0);
                let region = regions.place(number);
                let group = years.entry(year).or_default().entry(region).or_default();
                group.region = region;
                group.n_rows += n_rows;
                group.pieces.push((run, first, n_rows));
            }
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
        for &(run, first, n_rows) in &group.pieces {
            match &self.runs[run].store {
                Store::Memory(all) => rows.extend_from_slice(&all[first..][..n_rows]),
                Store::Disk(start) => {
                    let mut bytes = vec![0; n_rows * ROW_BYTES];
                    let place = start + (first * ROW_BYTES) as u64;
                    if let Some(file) = &mut *locked(&self.spilled) {
                        file.seek(SeekFrom::Start(place)).map_err(StageError::Scratch)?;
                        file.read_exact(&mut bytes).map_err(StageError::Scratch)?;
                    }
                    rows.extend(bytes.as_chunks().0.iter().map(Row::of_bytes));
                }
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Brings the rows in memory to disk, as one run.
    fn spill(&mut self) -> Result<(), StageError> {
        let in_memory: Vec<Run> =
            self.runs.extract_if(.., |run| matches!(run.store, Store::Memory(_))).collect();
        let mut pieces: Vec<(u64, &[Row])> = Vec::new();
        for run in &in_memory {
            if let Store::Memory(rows) = &run.store {
                pieces.extend(run.index.iter().map(|&(group, at, n)| (group, &rows[at..][..n])));
            }
        }
        pieces.sort_by_key(|(group, _)| *group);
        if self.spilled.is_none() {
            self.spilled = Some(tempfile::tempfile().map_err(StageError::Scratch)?);
        }
        let Some(file) = &mut self.spilled else { return Ok(()) };
        let mut index = Index::new();
        let mut n_rows = 0;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for (group, rows) in pieces {
            for row in rows {
                out.write_all(&row.to_bytes()).map_err(StageError::Scratch)?;
            }
            match index.last_mut() {
                Some((last, _, n)) if *last == group => *n += rows.len(),
                _ => index.push((group, n_rows, rows.len())),
            }
            n_rows += rows.len();
        }
        out.flush().map_err(StageError::Scratch)?;
        drop(out);
        self.runs.push(Run { store: Store::Disk(self.bytes_on_disk), index });
        self.bytes_on_disk += (n_rows * ROW_BYTES) as u64;
        self.bytes_in_memory = 0;
        Ok(())
    }
}

/// The columns of records in a batch of the table.
struct Batch<'a> {
    years: &'a Int32Array,
    months: Option<&'a Int32Array>,
    values: &'a [i128],
    is_excluded: &'a BooleanArray,
    texts: [Option<&'a DictionaryArray<Int32Type>>; Column::ALL.len()],
}

impl<'a> Batch<'a> {
    fn of(batch: &'a RecordBatch, collector: &Collector) -> Result<Self, StageError> {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .ok_or_else(|| StageError::Data(format!("{RECORDS} has no column `{name}`")))
        };
        let mut texts = [None; Column::ALL.len()];
        let kept = WORDS.into_iter().zip(collector.keeps).filter(|(_, keeps)| *keeps);
        let always = [Column::Flow, Column::Region, Column::Hs6, Column::Revision];
        for of in always.into_iter().chain(kept.map(|(word, _)| word)) {
            texts[of as usize] = Some(column(name_of(of))?.as_dictionary());
        }
        let months = collector.keeps_months.then(|| column("month")).transpose()?;
        Ok(Self {
            years: column("year")?.as_primitive(),
            months: months.map(|months| months.as_primitive()),
            values: column("fob_value")?.as_primitive::<Decimal128Type>().values(),
            is_excluded: column("is_excluded")?.as_boolean(),
            texts,
        })
    }
}

impl CodedRows for Batch<'_> {
    fn n_rows(&self) -> usize {
        self.values.len()
    }

    fn year(&self, row: usize) -> i32 {
        self.years.value(row)
    }

    fn month(&self, row: usize) -> u32 {
        let month = self.months.filter(|months| months.is_valid(row));
        month.map_or(0, |months| months.value(row).clamp(0, 12)).unsigned_abs()
    }

    fn value(&self, row: usize) -> i128 {
        self.values[row]
    }

    fn is_excluded(&self, row: usize) -> bool {
        self.is_excluded.value(row)
    }

    fn codes(&self, column: Column) -> impl Fn(usize) -> u32 {
        let texts = self.texts[column as usize];
        let (keys, nulls) = match texts {
            Some(texts) => (&texts.keys().values()[..], texts.nulls()),
            None => (&[][..], None),
        };
        move |row| match keys.get(row) {
            Some(&key) if nulls.is_none_or(|nulls| nulls.is_valid(row)) => key.cast_unsigned(),
            _ => NO_CODE,
        }
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.texts[column as usize]
            .map_or("", |texts| texts.values().as_string::<i32>().value(code as usize))
    }
}

/// The texts of the dictionaries that were last met, which go on from batch to batch.
#[derive(Default)]
struct Dictionaries([Option<arrow::array::ArrayRef>; Column::ALL.len()]);

impl Dictionaries {
    /// Has `packer` forget what changed.
    fn begin(&mut self, batch: &Batch<'_>, packer: &mut Packer) {
        for column in Column::ALL {
            let Some(texts) = batch.texts[column as usize] else { continue };
            let last = &mut self.0[column as usize];
            let values = texts.values();
            if !last.as_ref().is_some_and(|last| last.to_data().ptr_eq(&values.to_data())) {
                packer.forget(column);
                *last = Some(values.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_disk_as_they_were() {
        let row = Row {
            place: u64::MAX - 7,
            value: i64::MIN,
            destination: NO_WORD,
            kind: 1,
            firm: 1 << 30,
            n: 2,
        };
        assert_eq!(Row::of_bytes(&row.to_bytes()), row);
        let rows = |group: u64, n: usize| -> Vec<Row> {
            let place = group << (CODE_BITS + MONTH_BITS);
            (0..n).map(|at| Row { place, value: at as i64, ..Row::default() }).collect()
        };
        let run = |groups: &[(u64, usize)]| {
            let mut all = Vec::new();
            let mut index = Index::new();
            for &(group, n) in groups {
                index.push((group, all.len(), n));
                all.extend(rows(group, n));
            }
            Run { store: Store::Memory(all), index }
        };
        let mut shared = Shared::default();
        shared.runs.push(run(&[(1, 3), (5, 2)]));
        shared.runs.push(run(&[(1, 1), (2, 4)]));
        shared.spill().expect("a disk");
        shared.runs.push(run(&[(2, 2)]));
        shared.spill().expect("a disk");
        shared.runs.push(run(&[(2, 1)]));
        let packed = Packed {
            runs: shared.runs,
            spilled: Mutex::new(shared.spilled),
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
        let found: Vec<(u32, usize)> =
            groups[&FIRST_YEAR].iter().map(|group| (group.region, group.n_rows)).collect();
        assert_eq!(found, [(0, 2), (3, 7), (4, 4)], "regions in alphabetical order");
        let values = |at: usize| -> Vec<i64> {
            let mut rows = Vec::new();
            packed.rows(&groups[&FIRST_YEAR][at], &mut rows).expect("a disk");
            rows.iter().map(|row| row.value).collect()
        };
        assert_eq!(values(2), [0, 1, 2, 0]);
        assert_eq!(values(1), [0, 1, 2, 3, 0, 1, 0]);
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
