//! Takes records from any thread into a store.

use super::super::error::StageError;
use super::super::sync::locked;
use super::coded_rows::{WORDS, broken};
use super::codes::{N_CODES, OTHER, ReportedCode, number_of, revision_and_code};
use super::row::{FIRST_YEAR, REGION_BITS, Row, year_of};
use super::spill::{Order, Run, Runs};
use super::store::RecordStore;
use super::texts::{Interner, Register};
use project::config::Parts;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use trade::{Column, HsRevision, Money};

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

/// Memory that is used again for the rows that are handed over next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    order: Order,
    /// By year.
    reported: BTreeMap<i32, Values>,
    /// The same of all that was handed over of a file.
    of_file: BTreeMap<i32, Values>,
}

/// The values of a file by year and the place of the code they are reported under.
#[derive(Debug, Default)]
pub(super) struct FileValues(BTreeMap<i32, Vec<(usize, i128)>>);

impl FileValues {
    /// The same by code.
    pub(super) fn by_code(self, codes: &[ReportedCode]) -> FileCodes {
        let money = |(code, sum): (usize, i128)| (codes[code].clone(), Money::from_hundredths(sum));
        let of_year = |(year, values): (i32, Vec<(usize, i128)>)| {
            (year, values.into_iter().map(money).collect())
        };
        FileCodes { years: self.0.into_iter().map(of_year).collect() }
    }
}

/// The codes of the records of a file, and the value reported under each, by year.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct FileCodes {
    pub(crate) years: BTreeMap<i32, BTreeMap<ReportedCode, Money>>,
}

impl Scratch {
    /// What was handed over of a file, which ends here.
    pub(super) fn end_file(&mut self) -> FileValues {
        let of_year = |(&year, values): (&i32, &Values)| (year, values.iter().collect::<Vec<_>>());
        let all = self.of_file.iter().map(of_year).filter(|(_, values)| !values.is_empty());
        let found = FileValues(all.collect());
        self.of_file.values_mut().for_each(Values::clear);
        found
    }
}

/// The number of the flow that is summed.
pub(super) const ASKED: u32 = 1;

/// Takes the records of a flow that no rule excludes, from any thread and in any order.
#[derive(Debug)]
pub(crate) struct Collector {
    flow: String,
    /// The years that are taken; all, if none are named.
    pub(super) years: Option<BTreeSet<i32>>,
    /// Bytes of rows that stay in memory.
    limit: usize,
    /// Whether each kind of word is kept.
    pub(super) keeps: [bool; WORDS.len()],
    pub(super) keeps_months: bool,
    /// Whether records that differ in nothing but their value become one row.
    pub(super) merges: bool,
    /// Revisions with codes, as numbers.
    pub(super) codes: Register<u32>,
    /// Ownerships with trade modes.
    pub(super) kinds: Register<(u32, u32)>,
    /// Codes of other classifications than HS.
    texts: Interner,
    regions: Interner,
    words: [Interner; WORDS.len()],
    shared: Mutex<Shared>,
}

/// What becomes of a record's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordValues {
    /// It goes to one product.
    Whole,
    /// It is split between products: each record by itself, as the parts are rounded.
    Split,
}

impl Collector {
    /// Keeps at most `limit` bytes of rows in memory, and of each what `parts` are made of.
    pub(crate) fn new(flow: &str, parts: Parts, values: RecordValues, limit: usize) -> Self {
        Self {
            flow: flow.to_owned(),
            years: None,
            limit,
            keeps: [
                parts.needs_destinations(),
                parts.ownership || parts.ownership_trade_mode,
                parts.trade_mode || parts.ownership_trade_mode,
                parts.needs_firms(),
            ],
            keeps_months: parts.month,
            // Few records are of the same firm.
            merges: values == RecordValues::Whole && !parts.needs_firms(),
            codes: Register::default(),
            kinds: Register::default(),
            texts: Interner::default(),
            regions: Interner::default(),
            words: Default::default(),
            shared: Mutex::default(),
        }
    }

    /// The columns whose texts it has a use for.
    pub(crate) fn columns(&self) -> [bool; Column::ALL.len()] {
        let mut columns = [false; Column::ALL.len()];
        for column in [Column::Flow, Column::Region, Column::Analysed, Column::Revision] {
            columns[column as usize] = true;
        }
        for (word, keeps) in WORDS.into_iter().zip(self.keeps) {
            columns[word as usize] = keeps;
        }
        columns
    }

    /// The number of a text of `column`.
    pub(super) fn number(&self, column: Column, text: &str) -> Result<u32, StageError> {
        match column {
            Column::Flow => Ok(if text == self.flow { ASKED } else { 0 }),
            Column::Revision => {
                let revision: HsRevision = text.parse().map_err(|e| broken(&e))?;
                Ok(u32::try_from(revision.index()).unwrap_or(0))
            }
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

    /// The number of a code of a revision, or of a text where that is [`OTHER`].
    pub(super) fn code(&self, revision: u32, text: &str) -> Result<u32, StageError> {
        let code = if revision == OTHER {
            self.texts.number(text)?
        } else {
            number_of(text.parse().map_err(|e| broken(&e))?)
        };
        let number = (revision * N_CODES).checked_add(code);
        number.ok_or_else(|| broken(&"too many different products"))
    }

    /// What [`Self::code`] gave the number for.
    fn reported(&self, number: u32) -> ReportedCode {
        match revision_and_code(number) {
            Some((revision, code)) => {
                ReportedCode { revision: Some(revision), code: code.to_string() }
            }
            None => {
                ReportedCode { revision: None, code: self.texts.text(number - OTHER * N_CODES) }
            }
        }
    }

    /// The same for the records of some years, if they are named.
    #[must_use]
    pub(super) fn of_years(self, years: Option<BTreeSet<i32>>) -> Self {
        Self { years, ..self }
    }

    /// Counts the value of records of other flows.
    pub(super) fn add_other_flows(&self, hundredths: i128) {
        locked(&self.shared).other_flows += hundredths;
    }

    /// Takes rows, brings those of a group together, and puts some on disk if there are too many.
    pub(super) fn add(&self, rows: &[Row], scratch: &mut Scratch) -> Result<(), StageError> {
        let Scratch { order, reported, of_file } = scratch;
        let run = Run::of(rows, order);
        reported.values_mut().for_each(Values::clear);
        for of_year in rows.chunk_by(|a, b| year_of(a) == year_of(b)) {
            let year = FIRST_YEAR + i32::try_from(year_of(&of_year[0])).unwrap_or(0);
            let values = reported.entry(year).or_default();
            for row in of_year {
                values.add(row.code(), i128::from(row.value));
            }
        }
        for (year, values) in &*reported {
            let sums = of_file.entry(*year).or_default();
            values.iter().for_each(|(code, value)| sums.add(code, value));
        }
        let mut shared = locked(&self.shared);
        for (year, values) in &*reported {
            let sums = shared.reported.entry(*year).or_default();
            values.iter().for_each(|(code, value)| sums.add(code, value));
        }
        shared.runs.add(run, self.limit)
    }

    /// All that was taken.
    pub(crate) fn finish(self) -> RecordStore {
        let keys = self.codes.keys();
        let codes: Vec<ReportedCode> = keys.into_iter().map(|key| self.reported(key)).collect();
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let on_disk = shared.runs.bytes_on_disk();
        if on_disk > 0 {
            tracing::info!(mib = on_disk >> 20, "records beyond the memory limit went to disk");
        }
        let of_year = |values: Values| {
            let money =
                |(code, sum): (usize, i128)| (codes[code].clone(), Money::from_hundredths(sum));
            values.iter().map(money).collect()
        };
        let reported =
            shared.reported.into_iter().map(|(year, values)| (year, of_year(values))).collect();
        RecordStore {
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
