//! What the rows of raw files came to.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use trade::layout::Field;
use trade::{LeftOut, Money, Remainder, RowSample};

/// Entries, and their value.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct EntrySum {
    pub(super) n: u64,
    pub(super) value: Money,
}

impl EntrySum {
    /// Adds entries.
    pub(super) fn add(&mut self, n: u64, value: Money) {
        self.n += n;
        self.value += value;
    }
}

/// What a text without a meaning became, and its entries.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unmapped {
    pub(super) code: String,
    pub(super) sum: EntrySum,
}

/// What rows came to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Reconciliation {
    pub(super) n_rows: u64,
    pub(super) n_left_out: u64,
    pub(super) n_mended: u64,
    pub(super) n_entries: u64,
    pub(super) n_records: u64,
    pub(super) n_excluded: u64,
    pub(super) n_rejected: u64,
    pub(super) n_empty: u64,
    pub(super) n_unreadable: u64,
    pub(super) value_in: Money,
    pub(super) value_records: Money,
    pub(super) value_excluded: Money,
    pub(super) value_rejected: Money,
    /// What rounding took from `value_in`.
    pub(super) rounded: Remainder,
    /// Of each rule of the layout.
    pub(super) rules: Vec<EntrySum>,
    /// Excluded before they were read, by [`LeftOut`].
    pub(super) left_out: [EntrySum; LeftOut::ALL.len()],
    pub(super) reasons: BTreeMap<Cow<'static, str>, u64>,
    /// By field and text.
    pub(super) unmapped: BTreeMap<Cow<'static, str>, BTreeMap<String, Unmapped>>,
    pub(super) first_reject: Option<String>,
    /// Rows that stand for all, for those that are repeated.
    pub(super) sample: RowSample,
}

impl Reconciliation {
    /// Nothing yet, of a file whose layout has so many rules.
    pub(super) fn new(n_rules: usize) -> Self {
        Self { rules: vec![EntrySum::default(); n_rules], ..Self::default() }
    }

    /// Adds entries that are left out.
    pub(super) fn leave_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.left_out[why as usize].add(n_entries, value);
        self.n_excluded += n_entries;
        self.value_excluded += value;
    }

    /// Adds entries with a text that has no meaning, and became `code`.
    pub(super) fn add_unmapped(
        &mut self,
        field: Field,
        text: &str,
        code: &str,
        n_entries: u64,
        value: Money,
    ) {
        let texts = self.unmapped.entry(Cow::Borrowed(field.name())).or_default();
        let unmapped = match texts.get_mut(text) {
            Some(unmapped) => unmapped,
            None => texts
                .entry(text.to_owned())
                .or_insert(Unmapped { code: code.to_owned(), sum: EntrySum::default() }),
        };
        unmapped.sum.add(n_entries, value);
    }

    /// Adds what later rows of the same file came to.
    pub(super) fn add(&mut self, other: Self) {
        self.n_rows += other.n_rows;
        self.n_left_out += other.n_left_out;
        self.n_mended += other.n_mended;
        self.n_entries += other.n_entries;
        self.n_records += other.n_records;
        self.n_excluded += other.n_excluded;
        self.n_rejected += other.n_rejected;
        self.n_empty += other.n_empty;
        self.n_unreadable += other.n_unreadable;
        self.value_in += other.value_in;
        self.value_records += other.value_records;
        self.value_excluded += other.value_excluded;
        self.value_rejected += other.value_rejected;
        self.rounded += other.rounded;
        self.rules.resize(self.rules.len().max(other.rules.len()), EntrySum::default());
        for (sum, EntrySum { n, value }) in self.rules.iter_mut().zip(other.rules) {
            sum.add(n, value);
        }
        for (sum, EntrySum { n, value }) in self.left_out.iter_mut().zip(other.left_out) {
            sum.add(n, value);
        }
        for (reason, n) in other.reasons {
            *self.reasons.entry(reason).or_default() += n;
        }
        for (field, texts) in other.unmapped {
            let sums = self.unmapped.entry(field).or_default();
            for (text, Unmapped { code, sum: EntrySum { n, value } }) in texts {
                let unmapped = Unmapped { code, sum: EntrySum::default() };
                sums.entry(text).or_insert(unmapped).sum.add(n, value);
            }
        }
        self.first_reject = self.first_reject.take().or(other.first_reject);
        self.sample.add_all(&other.sample);
    }
}

/// A count of rows or entries.
pub(super) fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
