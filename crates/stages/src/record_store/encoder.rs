//! Records as rows of numbers.

use super::super::error::StageError;
use super::coded_rows::{CodedRows, WORDS, broken};
use super::codes::OTHER;
use super::collector::{ASKED, Collector, FileValues, Scratch};
use super::row::{CODE_BITS, FIRST_YEAR, MONTH_BITS, NO_WORD, REGION_BITS, Row};
use super::texts::Numbers;
use lake::Codes;
use trade::Column;
use trade::interner::LookupCache;

/// Rows that are handed over together.
const HANDED_OVER: usize = 1 << 17;

/// Bits of the places where rows that were met are looked for.
const MET_BITS: u32 = 12;

/// Hands records to a [`Collector`], as long as the codes of a column stand for the same texts.
#[derive(Debug, Default)]
pub(crate) struct RecordEncoder {
    /// The numbers of texts, by column and code.
    numbers: [Numbers; Column::ALL.len()],
    /// The numbers of revisions with codes, by revision and the code of the code.
    codes: Vec<Numbers>,
    /// The numbers of ownerships with trade modes, by both.
    kinds: Vec<Numbers>,
    /// What texts were found to be by their bytes, for when codes come to stand for others.
    caches: [LookupCache; Column::ALL.len()],
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

impl RecordEncoder {
    /// Forgets what codes stand for.
    pub(super) fn forget(&mut self) {
        self.numbers.iter_mut().for_each(Numbers::clear);
        self.codes.iter_mut().for_each(Numbers::clear);
    }

    /// Encodes `records`, and hands them over when there are many.
    ///
    /// # Errors
    ///
    /// [`StageError`] if there are too many different texts, or the disk fails.
    pub(crate) fn encode(
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
        let (regions, codes) = (column(Column::Region), column(Column::Analysed));
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
        let mut found = std::mem::take(&mut columns[Column::Analysed as usize]);
        found.clear();
        found.resize(taken.len(), NO_WORD);
        let all = records.codes(Column::Analysed);
        let revisions = &columns[Column::Revision as usize];
        let mut rows = found.iter_mut().zip(&*taken);
        for of_revision in revisions.chunk_by(|a, b| a == b) {
            // Codes of other classifications have none.
            let revision = if of_revision[0] == NO_WORD { OTHER } else { of_revision[0] };
            let numbers = numbers_of(codes, revision);
            for (found, &row) in rows.by_ref().take(of_revision.len()) {
                let code = all.of(row as usize);
                *found = numbers.number(code, || {
                    let number = into.code(revision, records.text(Column::Analysed, code))?;
                    let place = into.codes.number(number);
                    if place >> CODE_BITS == 0 {
                        Ok(place)
                    } else {
                        Err(broken(&format!("more than 2^{CODE_BITS} different products")))
                    }
                })?;
            }
        }
        columns[Column::Analysed as usize] = found;
        Ok(())
    }

    /// Finds which records are taken.
    fn take(&mut self, records: &impl CodedRows, into: &Collector) -> Result<(), StageError> {
        let mut other_flows = 0;
        self.taken.clear();
        let (flows, years) = (records.codes(Column::Flow), records.years());
        let mut last = (i32::MIN, false);
        let mut is_asked = |year: i32| match &into.years {
            None => true,
            Some(_) if last.0 == year => last.1,
            Some(asked) => {
                last = (year, asked.contains(&year));
                last.1
            }
        };
        let (is_excluded, values) = (records.excluded(), records.values());
        for (row, at) in (0..records.n_rows()).zip(0..) {
            if is_excluded(row) || !is_asked(years(row)) {
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
            into.add_other_flows(other_flows);
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
        let Self { numbers, caches, taken, columns, .. } = self;
        let (numbers, cache) = (&mut numbers[column as usize], &mut caches[column as usize]);
        let mut find = |code: u32| {
            let text = records.text(column, code);
            if let Some(number) = cache.get(text.as_bytes()) {
                return Ok(number);
            }
            let number = into.number(column, text)?;
            cache.put(text.as_bytes(), number);
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

    /// Hands over what was encoded.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(crate) fn hand_over(&mut self, into: &Collector) -> Result<(), StageError> {
        into.add(&self.rows, &mut self.scratch)?;
        self.rows.clear();
        Ok(())
    }

    /// Hands over what was encoded of a file, which ends here; gives what was reported in all of it.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn end_file(&mut self, into: &Collector) -> Result<FileValues, StageError> {
        self.hand_over(into)?;
        Ok(self.scratch.end_file())
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

#[cfg(test)]
mod tests {
    use super::*;

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
