//! Records as rows of 32 bytes, kept by year and region: in memory up to a limit, in an unnamed file beyond it.

use super::{Files, StageError};
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray};
use arrow::datatypes::{Decimal128Type, Int32Type};
use lake::DataFile;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use trade::coded::{Column, Dictionaries};
use trade::{Hs6, HsRevision, Money};

pub(super) const RECORDS: &str = "customs.records";

const COLUMNS: [&str; 12] = [
    "year",
    "month",
    "flow",
    "region_code",
    "hs6",
    "hs_revision",
    "destination",
    "trade_mode",
    "ownership",
    "firm",
    "fob_value",
    "is_excluded",
];

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

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// From the highest bit: years since 1900, region, month (0: none), revision and code, and whether the row only
    /// holds more of the value of the row before.
    place: u64,
    /// Hundredths.
    pub(super) value: i64,
    /// Destination, ownership, trade mode and firm; [`NO_WORD`] for none.
    pub(super) words: [u32; 4],
}

impl Row {
    /// Whether it is the first of its record.
    pub(super) fn is_first(&self) -> bool {
        self.place & 1 == 0
    }

    /// Revision and code.
    pub(super) fn reported_code(&self) -> u32 {
        u32::try_from(self.place >> 1 & ((1 << CODE_BITS) - 1)).unwrap_or(0)
    }

    /// 1 to 12; 0 if the source has no months.
    pub(super) fn month(&self) -> u32 {
        u32::try_from(self.place >> (1 + CODE_BITS) & ((1 << MONTH_BITS) - 1)).unwrap_or(0)
    }

    /// Year and region.
    fn group(&self) -> u64 {
        self.place >> (1 + CODE_BITS + MONTH_BITS)
    }

    fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..8].copy_from_slice(&self.place.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        for (into, word) in bytes[16..].chunks_exact_mut(4).zip(self.words) {
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
        Self {
            place: u64::from_le_bytes(eight(0)),
            value: i64::from_le_bytes(eight(8)),
            words: [16, 20, 24, 28].map(|at| u32::from_le_bytes(four(at))),
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
    pub(super) fn place(&self, number: u32) -> u32 {
        if number == NO_WORD { NO_WORD } else { self.places[number as usize] }
    }

    /// The text at `place`.
    pub(super) fn text_at(&self, place: u32) -> &str {
        &self.texts[place as usize]
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
        self.text_at(code)
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

/// A number that no text of a dictionary was looked up for yet.
const UNSEEN: u32 = u32::MAX - 1;

/// The numbers of the texts of a dictionary.
#[derive(Debug, Default)]
struct Numbers(Vec<u32>);

impl Numbers {
    /// The number of the text with this code; `find` is asked once for each.
    fn number(
        &mut self,
        code: usize,
        find: impl FnOnce() -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        if code >= self.0.len() {
            self.0.resize(code + 1, UNSEEN);
        }
        if self.0[code] == UNSEEN {
            self.0[code] = find()?;
        }
        Ok(self.0[code])
    }
}

/// The numbers of the texts of a column's dictionary, which goes on from batch to batch.
#[derive(Debug, Default)]
struct Coder {
    values: Option<ArrayRef>,
    numbers: Numbers,
}

impl Coder {
    fn begin(&mut self, column: &DictionaryArray<Int32Type>) {
        let values = column.values();
        let is_same =
            self.values.as_ref().is_some_and(|old| old.to_data().ptr_eq(&values.to_data()));
        if !is_same {
            self.numbers = Numbers::default();
            self.values = Some(values.clone());
        }
    }

    /// The number of the text at `row`; [`NO_WORD`] for none.
    fn number(
        &mut self,
        column: &DictionaryArray<Int32Type>,
        row: usize,
        find: impl FnOnce(&str) -> Result<u32, StageError>,
    ) -> Result<u32, StageError> {
        let Some(key) = column.key(row) else { return Ok(NO_WORD) };
        self.numbers.number(key, || find(column.values().as_string::<i32>().value(key)))
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
    reported: BTreeMap<u32, Money>,
    other_flows: Money,
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
    regions: Interner,
    words: Interner,
    shared: Mutex<Shared>,
}

impl Collector {
    /// Keeps at most `limit` bytes of rows in memory.
    pub(super) fn new(flow: &str, limit: usize) -> Self {
        Self {
            flow: flow.to_owned(),
            year: None,
            limit,
            regions: Interner::default(),
            words: Interner::default(),
            shared: Mutex::default(),
        }
    }

    fn flow_number(&self, flow: &str) -> u32 {
        if flow == self.flow { ASKED } else { 0 }
    }

    fn region(&self, code: &str) -> Result<u32, StageError> {
        let number = self.regions.number(code)?;
        if number >> REGION_BITS == 0 {
            Ok(number)
        } else {
            Err(broken(&format!("more than 2^{REGION_BITS} regions")))
        }
    }

    /// Takes rows, sorts them, and puts some on disk if there are too many.
    fn add(&self, mut rows: Vec<Row>) -> Result<(), StageError> {
        rows.sort_unstable_by_key(|row: &Row| row.place);
        let mut reported = Vec::new();
        let mut index = Index::new();
        let mut at = 0;
        for group in rows.chunk_by(|a, b| a.group() == b.group()) {
            index.push((group[0].group(), at, group.len()));
            at += group.len();
            for of_code in group.chunk_by(|a, b| a.reported_code() == b.reported_code()) {
                let values = of_code.iter().map(|row| i128::from(row.value));
                reported.push((of_code[0].reported_code(), values.sum()));
            }
        }
        let mut shared = locked(&self.shared);
        for (code, value) in reported {
            *shared.reported.entry(code).or_default() += Money::from_hundredths(value);
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
        Packed {
            runs: shared.runs,
            spilled: Mutex::new(shared.spilled),
            regions: self.regions,
            words: self.words,
            reported: shared.reported,
            other_flows: shared.other_flows,
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> StageError {
    StageError::Data(format!("{RECORDS}: {error}"))
}

fn code_number(text: &str) -> Result<u32, StageError> {
    text.parse().map(number_of).map_err(|e| broken(&e))
}

fn revision_number(text: &str) -> Result<u32, StageError> {
    let revision: HsRevision = text.parse().map_err(|e| broken(&e))?;
    Ok(u32::try_from(revision.index()).unwrap_or(0))
}

/// What a record is summed by.
#[derive(Debug, Clone, Copy)]
struct Key {
    year: i32,
    /// 1 to 12, or 0.
    month: u32,
    region: u32,
    revision: u32,
    code: u32,
    words: [u32; 4],
}

/// Adds a record of `value` hundredths to `rows`: one row, or more if the value needs them.
fn push(rows: &mut Vec<Row>, key: Key, value: i128) -> Result<(), StageError> {
    let Key { year, month, region, revision, code, words } = key;
    let years = u64::try_from(year - FIRST_YEAR).ok().filter(|years| *years < 256);
    let years = years.ok_or_else(|| broken(&format!("year {year} is out of range")))?;
    let group = years << REGION_BITS | u64::from(region);
    let group = group << MONTH_BITS | u64::from(month);
    let place = (group << CODE_BITS | u64::from(revision * N_CODES + code)) << 1;
    let mut left = value;
    let mut goes_on = 0;
    loop {
        let value = i64::try_from(left).unwrap_or(if left > 0 { i64::MAX } else { i64::MIN });
        rows.push(Row { place: place | goes_on, value, words });
        left -= i128::from(value);
        if left == 0 {
            return Ok(());
        }
        goes_on = 1;
    }
}

/// The columns of a record that are summed by, or that say whether it is.
const CODED: [Column; 8] = [
    Column::Flow,
    Column::Region,
    Column::Hs6,
    Column::Revision,
    Column::Destination,
    Column::Ownership,
    Column::TradeMode,
    Column::Firm,
];

/// Records by column, coded as a parser does.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodedRecords<'a> {
    /// The years, and the place of each record's among them.
    pub(super) years: &'a [i32],
    pub(super) year: &'a [u32],
    /// 0 for January; [`trade::NO_CODE`] for none.
    pub(super) month: &'a [u32],
    pub(super) codes: &'a [Vec<u32>; Column::ALL.len()],
    /// Hundredths.
    pub(super) value: &'a [i128],
    pub(super) is_excluded: &'a [Option<bool>],
}

/// Hands a parser's records to a [`Collector`], as long as the parser's texts stay the same.
#[derive(Debug, Default)]
pub(super) struct CodedPacker([Numbers; CODED.len()]);

impl CodedPacker {
    /// Packs `records`, whose texts are `texts`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if there are too many different texts, or the disk fails.
    pub(super) fn pack(
        &mut self,
        records: CodedRecords<'_>,
        texts: &Dictionaries,
        into: &Collector,
    ) -> Result<(), StageError> {
        let mut rows = Vec::with_capacity(records.value.len());
        let mut other_flows = 0;
        for (row, &value) in records.value.iter().enumerate() {
            let mut number = |at: usize, find: &dyn Fn(&str) -> Result<u32, StageError>| {
                let column = CODED[at];
                let code = records.codes[column as usize][row];
                if code == trade::NO_CODE {
                    return Ok(NO_WORD);
                }
                self.0[at].number(code as usize, || find(texts.of(column).text(code)))
            };
            let flow = number(0, &|text| Ok(into.flow_number(text)))?;
            if records.is_excluded[row] == Some(true) {
                continue;
            }
            if flow != ASKED {
                other_flows += value;
                continue;
            }
            let word = |text: &str| into.words.number(text);
            let key = Key {
                year: records.years[records.year[row] as usize],
                month: records.month[row].wrapping_add(1),
                region: number(1, &|text| into.region(text))?,
                code: number(2, &code_number)?,
                revision: number(3, &revision_number)?,
                words: [number(4, &word)?, number(5, &word)?, number(6, &word)?, number(7, &word)?],
            };
            push(&mut rows, key, value)?;
        }
        locked(&into.shared).other_flows += Money::from_hundredths(other_flows);
        into.add(rows)
    }
}

/// All records of a flow that no rule excludes.
#[derive(Debug)]
pub(super) struct Packed {
    runs: Vec<Run>,
    spilled: Mutex<Option<File>>,
    /// The regions.
    pub(super) regions: Interner,
    /// Destinations, ownerships, trade modes and firms.
    pub(super) words: Interner,
    /// Every revision and code, and its value.
    pub(super) reported: BTreeMap<u32, Money>,
    other_flows: Money,
}

impl Packed {
    /// The value of all records that a [`CodedPacker`] packed, with those of other flows.
    pub(super) fn value_met(&self) -> Money {
        self.reported.values().copied().sum::<Money>() + self.other_flows
    }

    /// Reads the records of `flow` in some files, of all years or one, and keeps at most `limit` bytes of them in memory.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or the disk where the rest goes.
    pub(super) fn read(
        files: &Files<'_>,
        of: &[DataFile],
        flow: &str,
        year: Option<i32>,
        limit: usize,
    ) -> Result<Self, StageError> {
        let collector = Collector { year, ..Collector::new(flow, limit) };
        of.par_iter().try_for_each(|file| {
            let mut rows = Vec::with_capacity(usize::try_from(file.rows).unwrap_or(0));
            let mut packer = Packer { into: &collector, coders: Default::default() };
            files.each_coded(RECORDS, file, &COLUMNS, |batch| packer.pack(batch, &mut rows))?;
            collector.add(rows)
        })?;
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

    /// The rows of a group.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn rows(&self, group: &Group) -> Result<Vec<Row>, StageError> {
        let mut rows = Vec::with_capacity(group.n_rows);
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
        Ok(rows)
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

/// Packs the batches of a file.
struct Packer<'a> {
    into: &'a Collector,
    /// Of the columns in [`CODED`].
    coders: [Coder; CODED.len()],
}

impl Packer<'_> {
    fn pack(
        &mut self,
        batch: &arrow::array::RecordBatch,
        rows: &mut Vec<Row>,
    ) -> Result<(), StageError> {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .ok_or_else(|| StageError::Data(format!("{RECORDS} has no column `{name}`")))
        };
        let text = |name: &str| Ok::<_, StageError>(column(name)?.as_dictionary::<Int32Type>());
        let years = column("year")?.as_primitive::<Int32Type>().values();
        let months = column("month")?.as_primitive::<Int32Type>();
        let values = column("fob_value")?.as_primitive::<Decimal128Type>().values();
        let is_excluded = column("is_excluded")?.as_boolean();
        let columns = [
            text("flow")?,
            text("region_code")?,
            text("hs6")?,
            text("hs_revision")?,
            text("destination")?,
            text("ownership")?,
            text("trade_mode")?,
            text("firm")?,
        ];
        let Self { into, coders } = self;
        for (coder, column) in coders.iter_mut().zip(columns) {
            coder.begin(column);
        }
        let [of_flow, of_region, of_code, of_revision, of_words @ ..] = coders;
        for row in 0..batch.num_rows() {
            let flow = of_flow.number(columns[0], row, |text| Ok(into.flow_number(text)))?;
            let is_of_year = into.year.is_none_or(|year| year == years[row]);
            if is_excluded.value(row) || flow != ASKED || !is_of_year {
                continue;
            }
            let mut words = [NO_WORD; 4];
            for ((word, coder), column) in words.iter_mut().zip(&mut *of_words).zip(&columns[4..]) {
                *word = coder.number(column, row, |text| into.words.number(text))?;
            }
            let month = if months.is_valid(row) { months.value(row).clamp(0, 12) } else { 0 };
            let key = Key {
                year: years[row],
                month: month.unsigned_abs(),
                region: of_region.number(columns[1], row, |text| into.region(text))?,
                code: of_code.number(columns[2], row, code_number)?,
                revision: of_revision.number(columns[3], row, revision_number)?,
                words,
            };
            push(rows, key, values[row])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_disk_as_they_were() {
        let row = Row { place: u64::MAX - 7, value: i64::MIN, words: [0, 1, NO_WORD, 1 << 30] };
        assert_eq!(Row::of_bytes(&row.to_bytes()), row);
        let rows = |group: u64, n: usize| -> Vec<Row> {
            let place = group << (1 + CODE_BITS + MONTH_BITS);
            (0..n).map(|at| Row { place, value: at as i64, words: [NO_WORD; 4] }).collect()
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
            words: Interner::default(),
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
            let rows = packed.rows(&groups[&FIRST_YEAR][at]).expect("a disk");
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
}
