//! The rows of a block, read and counted.

use super::super::rows::Rows;
use super::reconciliation::{Reconciliation, usize_of};
use super::records::RecordColumns;
use super::tables::{RejectRow, Rejects};
use std::borrow::Cow;
use trade::layout::Field;
use trade::repeated_rows::row_hash;
use trade::text::Row;
use trade::{
    CodedBatch, CodedEntry, CodedParser, CodedSink, Layout, LeftOut, Money, NO_CODE, Reject,
    RowBatch, RowDamage, RowSample, RowTexts,
};

/// What is hashed after each cell of a table: a byte that no text has.
const END_OF_CELL: &[u8] = &[0xff];

/// What is hashed of cells.
fn parts_of<T: AsRef<[u8]>>(cells: &[T]) -> impl Iterator<Item = &[u8]> {
    cells.iter().flat_map(|cell| [cell.as_ref(), END_OF_CELL])
}

/// The entries that the same rules cover.
struct Covered {
    rules: u64,
    is_excluded: bool,
    /// Of the rules' names; [`NO_CODE`] for no rule.
    code: u32,
    n: u64,
    value: Money,
}

/// Whether a block has bytes of value 0, which no text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NulBytes {
    None,
    Some,
}

/// Rows of a block, on their way into tables.
pub(super) struct BlockParser<'a> {
    pub(super) label: &'a str,
    pub(super) layout: &'a Layout,
    /// The rules whose entries are excluded.
    excluded: u64,
    /// Entries by the rules that cover them, and the place of the last that was counted.
    counts: Vec<Covered>,
    last: usize,
    /// The names of the rules of each that has a code.
    pub(super) rule_names: Vec<String>,
    /// Of the row being read.
    pub(super) line: u64,
    /// Rejects of the row being read, until its text is put beside them.
    fresh: Vec<Reject>,
    reconciliation: Reconciliation,
    /// Of each entry of a batch whether a rule excludes it, and the code of the rules' names.
    pub(super) counted: Vec<(bool, u32)>,
    /// A hash of the header: rows below different ones are different.
    of_header: u64,
    pub(super) records: RecordColumns,
    refused: Rows<Rejects>,
}

impl<'a> BlockParser<'a> {
    /// For rows of the file `label`, of whose other rows a sample has come to `level`; entries that
    /// rules of the mask `excluded` cover are excluded.
    pub(super) fn new(
        label: &'a str,
        layout: &'a Layout,
        excluded: u64,
        records: RecordColumns,
        level: u32,
        header: &[String],
    ) -> Self {
        let mut reconciliation = Reconciliation::new(layout.rules.len());
        reconciliation.sample = RowSample::at(level);
        Self {
            label,
            layout,
            of_header: row_hash(parts_of(header)),
            excluded,
            counts: Vec::new(),
            last: 0,
            rule_names: Vec::new(),
            line: 0,
            fresh: Vec::new(),
            reconciliation,
            counted: Vec::new(),
            records,
            refused: Rows::default(),
        }
    }

    /// Counts lines that are no rows, and rows whose number of cells was mended.
    pub(super) fn leave_out(&mut self, n_lines: u64, n_mended: u64) {
        self.reconciliation.n_left_out += n_lines;
        self.reconciliation.n_mended += n_mended;
    }

    /// Reads the rows of the batch that was looked up, one after the other.
    pub(super) fn rows(
        &mut self,
        parser: &mut CodedParser<'_, '_>,
        batch: &RowBatch<'_>,
        nuls: NulBytes,
    ) {
        for (at, row) in batch.rows().iter().enumerate() {
            self.line = row.line;
            let damage = match nuls {
                _ if row.is_unclosed => Some(RowDamage::Unclosed),
                NulBytes::None => None,
                NulBytes::Some => RowDamage::nul_in(row.raw),
            };
            let raw = || String::from_utf8_lossy(row.raw);
            if let Some(value) = self.row(parser, at, batch, damage, raw) {
                self.sample([row.raw], value);
            }
        }
    }

    /// Reads the row at a place of the batch that was looked up, of a table; `texts` are its cells.
    pub(super) fn table_row(
        &mut self,
        parser: &mut CodedParser<'_, '_>,
        at: usize,
        rows: &(impl RowTexts + ?Sized),
        texts: &[Cow<'_, [u8]>],
    ) {
        let raw = || {
            let texts: Vec<_> = texts.iter().map(|text| String::from_utf8_lossy(text)).collect();
            Cow::Owned(texts.join(","))
        };
        if let Some(value) = self.row(parser, at, rows, None, raw) {
            self.sample(parts_of(texts), value);
        }
    }

    /// Reads the row at a place of the batch that was looked up, of a file whose layout says which
    /// lines are rows; `raw` is its text. What stands above a row is part of it.
    pub(super) fn shaped_row(
        &mut self,
        parser: &mut CodedParser<'_, '_>,
        at: usize,
        rows: &[&[Cow<'_, [u8]>]],
        damage: Option<RowDamage>,
        raw: &[u8],
    ) {
        let raw = || String::from_utf8_lossy(raw);
        if let Some(value) = self.row(parser, at, rows, damage, raw) {
            self.sample(parts_of(rows[at]), value);
        }
    }

    /// Puts a row of these parts among those that are looked through for repeated ones.
    fn sample<'r>(&mut self, parts: impl IntoIterator<Item = &'r [u8]>, value: Money) {
        self.reconciliation.sample.add(self.of_header ^ row_hash(parts), value);
    }

    /// Entries so far that go on: rows without any are not repeated, as nothing of them is summed.
    fn n_summed(&self) -> u64 {
        self.counts.iter().filter(|counts| !counts.is_excluded).map(|counts| counts.n).sum()
    }

    /// Reads the row at a place of the batch that was looked up; `raw` gives its text if it must be
    /// kept. Gives the value of its entries, if one of them goes on.
    fn row<'t>(
        &mut self,
        parser: &mut CodedParser<'_, '_>,
        at: usize,
        rows: &(impl RowTexts + ?Sized),
        damage: Option<RowDamage>,
        raw: impl FnOnce() -> Cow<'t, str>,
    ) -> Option<Money> {
        self.reconciliation.n_rows += 1;
        let mut summed = None;
        self.reconciliation.n_entries += parser.rows().n_entries();
        match damage {
            None => {
                let n_before = self.n_summed();
                let counts = parser.parse(at, rows, self);
                summed = (self.n_summed() > n_before).then_some(counts.value_in);
                self.reconciliation.n_empty += counts.n_empty;
                self.reconciliation.value_in += counts.value_in;
                self.reconciliation.rounded += counts.rounded;
            }
            Some(damage) => self.reject(parser.rows().damaged(damage)),
        }
        if self.fresh.is_empty() {
            return summed;
        }
        let raw = raw();
        for (at, fault) in std::mem::take(&mut self.fresh).into_iter().enumerate() {
            let sums = &mut self.reconciliation;
            sums.n_rejected += fault.n_entries;
            sums.n_unreadable += fault.n_unreadable;
            sums.value_rejected += fault.value;
            *sums.reasons.entry(Cow::Borrowed(fault.reason.code())).or_default() += fault.n_entries;
            if sums.first_reject.is_none() {
                let remedy = fault.reason.remedy().map(|remedy| format!(" ({remedy})"));
                sums.first_reject = Some(format!(
                    "line {}, {} {:?}: {}{}",
                    self.line,
                    fault.column,
                    fault.found,
                    fault.reason,
                    remedy.unwrap_or_default()
                ));
            }
            self.refused.push(RejectRow {
                source_file: self.label,
                source_row: usize_of(self.line),
                reject: i32::try_from(at).unwrap_or(i32::MAX),
                reason: fault.reason.code(),
                column_name: &fault.column,
                found: &fault.found,
                raw_text: &raw,
                n_entries: usize_of(fault.n_entries),
                n_unreadable_values: usize_of(fault.n_unreadable),
                fob_value: fault.value,
            });
        }
        summed
    }

    /// Counts an entry that `rules` cover; gives whether it is excluded, and the code of the rules'
    /// names.
    #[inline]
    fn count(&mut self, value: Money, rules: u64) -> (bool, u32) {
        let is_last = self.counts.get(self.last).is_some_and(|counts| counts.rules == rules);
        if !is_last {
            self.last = self.place_of(rules);
        }
        let counts = &mut self.counts[self.last];
        counts.n += 1;
        counts.value += value;
        (counts.is_excluded, counts.code)
    }

    /// The place of the entries that `rules` cover among those that are counted together.
    #[cold]
    fn place_of(&mut self, rules: u64) -> usize {
        if let Some(at) = self.counts.iter().position(|counts| counts.rules == rules) {
            return at;
        }
        let code = if rules == 0 {
            NO_CODE
        } else {
            let covers = |at: usize| rules & 1 << at != 0;
            let of_mask = self.layout.rules.iter().enumerate().filter(|(at, _)| covers(*at));
            let names: Vec<_> = of_mask.map(|(_, rule)| rule.name.as_str()).collect();
            self.rule_names.push(names.join(","));
            u32::try_from(self.rule_names.len() - 1).unwrap_or(NO_CODE)
        };
        let is_excluded = rules & self.excluded != 0;
        self.counts.push(Covered { rules, is_excluded, code, n: 0, value: Money::ZERO });
        self.counts.len() - 1
    }

    /// What the rows came to.
    pub(super) fn accounted(self) -> (Reconciliation, RecordColumns, Rows<Rejects>) {
        let mut sums = self.reconciliation;
        for Covered { rules, is_excluded, n, value, .. } in self.counts {
            if is_excluded {
                sums.n_excluded += n;
                sums.value_excluded += value;
            } else {
                sums.n_records += n;
                sums.value_records += value;
            }
            for (at, sum) in sums.rules.iter_mut().enumerate() {
                if rules & 1 << at != 0 {
                    sum.add(n, value);
                }
            }
        }
        (sums, self.records, self.refused)
    }

    /// Counts `rows`, which have one entry each.
    pub(super) fn count_all(&mut self, entries: &CodedBatch<'_>, rows: &[Row<'_>]) {
        let n = entries.value.len() as u64;
        self.reconciliation.n_rows += n;
        self.reconciliation.n_entries += n;
        self.counted.clear();
        let mut value_in = Money::ZERO;
        for ((&value, &rules), row) in entries.value.iter().zip(entries.rules).zip(rows) {
            value_in += value;
            let counted = self.count(value, rules);
            self.counted.push(counted);
            let (is_excluded, _) = counted;
            if !is_excluded {
                self.sample([row.raw], value);
            }
        }
        self.reconciliation.value_in += value_in;
    }
}

impl CodedSink for BlockParser<'_> {
    #[inline]
    fn entry(&mut self, entry: &CodedEntry) {
        let (is_excluded, rules) = self.count(entry.value, entry.rules);
        self.records.add(self.line, entry, (is_excluded, rules));
    }

    fn reject(&mut self, reject: Reject) {
        self.fresh.push(reject);
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.reconciliation.leave_out(why, n_entries, value);
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        self.reconciliation.add_unmapped(field, text, code, n_entries, value);
    }
}
