//! What the rows of raw files came to, and the tables that say so.

use super::super::context::Output;
use super::super::error::StageError;
use super::super::rows::{Rows, table};
use super::params::Params;
use super::raw_input::RawInput;
use super::tables::{
    ReconciliationRow, Reconciliations, RuleRow, Rules, UnmappedCodeRow, UnmappedCodes,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use trade::layout::Field;
use trade::repeated_rows::{Repeated, repeated};
use trade::{Layout, LeftOut, Money, Remainder, RowSample};

/// Entries, and their value.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct EntrySum {
    n: u64,
    value: Money,
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
struct Unmapped {
    code: String,
    sum: EntrySum,
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
    left_out: [EntrySum; LeftOut::ALL.len()],
    pub(super) reasons: BTreeMap<Cow<'static, str>, u64>,
    /// By field and text.
    unmapped: BTreeMap<Cow<'static, str>, BTreeMap<String, Unmapped>>,
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

/// Whether a layout, or what it is read for, leaves entries out.
fn is_asked(layout: &Layout, why: LeftOut) -> bool {
    match why {
        LeftOut::Where => !layout.conditions.is_empty(),
        LeftOut::Years => layout.years.is_some(),
    }
}

/// The rows of the tables that say what each file came to.
#[derive(Default)]
struct AccountRows {
    reconciliations: Rows<Reconciliations>,
    rules: Rows<Rules>,
    unmapped: Rows<UnmappedCodes>,
}

impl AccountRows {
    fn add(
        &mut self,
        RawInput { source, item, .. }: &RawInput<'_>,
        found: &Reconciliation,
        repeated: Repeated,
    ) {
        let layout = &source.layout.layout;
        if let Some(first) = &found.first_reject {
            tracing::warn!(
                file = item.label,
                entries = found.n_rejected,
                first,
                "entries rejected"
            );
        }
        self.reconciliations.push(ReconciliationRow {
            source_file: &item.label,
            layout: &layout.name,
            currency: layout.measure.currency(),
            n_rows: usize_of(found.n_rows),
            n_left_out: usize_of(found.n_left_out),
            n_mended: usize_of(found.n_mended),
            n_entries: usize_of(found.n_entries),
            n_records: usize_of(found.n_records),
            n_excluded: usize_of(found.n_excluded),
            n_rejected: usize_of(found.n_rejected),
            n_empty: usize_of(found.n_empty),
            n_unreadable_values: usize_of(found.n_unreadable),
            value_in: found.value_in,
            value_records: found.value_records,
            value_excluded: found.value_excluded,
            value_rejected: found.value_rejected,
            rounded_difference: &found.rounded.to_string(),
            n_repeated: usize_of(repeated.n_rows),
            value_repeated: repeated.value,
        });
        let of_rules = layout.rules.iter().zip(&found.rules).map(|(rule, sum)| RuleRow {
            source_file: &item.label,
            rule: &rule.name,
            why: &rule.why,
            is_excluded: source.exclude.contains(&rule.name),
            n_entries: usize_of(sum.n),
            fob_value: sum.value,
        });
        let left_out = LeftOut::ALL.into_iter().zip(&found.left_out);
        let left_out =
            left_out.filter(|(why, _)| is_asked(layout, *why)).map(|(why, sum)| RuleRow {
                source_file: &item.label,
                rule: why.name(),
                why: why.why(),
                is_excluded: true,
                n_entries: usize_of(sum.n),
                fob_value: sum.value,
            });
        let mut by_name: Vec<_> = of_rules.chain(left_out).collect();
        by_name.sort_by(|a, b| a.rule.cmp(b.rule));
        by_name.into_iter().for_each(|row| self.rules.push(row));
        if !found.unmapped.is_empty() {
            let texts = || found.unmapped.values().flat_map(BTreeMap::values);
            let (codes, n) = (texts().count(), texts().map(|text| text.sum.n).sum::<u64>());
            tracing::warn!(file = item.label, entries = n, codes, "codes without a meaning kept");
        }
        for (field, texts) in &found.unmapped {
            for (text, Unmapped { code, sum }) in texts {
                self.unmapped.push(UnmappedCodeRow {
                    source_file: &item.label,
                    field,
                    raw_code: text,
                    code,
                    n_entries: usize_of(sum.n),
                    fob_value: sum.value,
                });
            }
        }
    }
}

/// The tables that say what each file came to.
///
/// # Errors
///
/// [`StageError`] if too many entries were rejected.
pub(super) fn account_for(
    params: &Params,
    inputs: &[RawInput<'_>],
    by_file: &[Reconciliation],
) -> Result<Output, StageError> {
    let mut rows = AccountRows::default();
    for ((input, found), repeated) in inputs.iter().zip(by_file).zip(repeats(inputs, by_file)) {
        rows.add(input, found, repeated);
    }
    check_rejects(params.ingest.max_rejected_share, by_file)?;
    let mut output = Output::new();
    table(&mut output, rows.reconciliations)?;
    table(&mut output, rows.rules)?;
    table(&mut output, rows.unmapped)?;
    Ok(output)
}

/// The rows of each file that are repeated, in it or from files before it that the same layout
/// reads. Where the names of files say something of their rows, only files that say the same are
/// held against each other.
fn repeats(inputs: &[RawInput<'_>], by_file: &[Reconciliation]) -> Vec<Repeated> {
    let mut sets: Vec<(Layout, Vec<usize>)> = Vec::new();
    for (at, RawInput { source, item, .. }) in inputs.iter().enumerate() {
        let layout = source.layout.for_file(&item.label);
        let layout = layout.unwrap_or_else(|_| source.layout.layout.clone());
        match sets.iter_mut().find(|(known, _)| *known == layout) {
            Some((_, files)) => files.push(at),
            None => sets.push((layout, vec![at])),
        }
    }
    let mut found = vec![Repeated::default(); inputs.len()];
    for (_, files) in sets {
        let samples: Vec<&RowSample> = files.iter().map(|&at| &by_file[at].sample).collect();
        for (at, of_file) in files.into_iter().zip(repeated(&samples)) {
            found[at] = of_file;
        }
    }
    found
}

/// Refuses a share of rejected entries above `limit`.
fn check_rejects(limit: f64, by_file: &[Reconciliation]) -> Result<(), StageError> {
    let n_entries: u64 = by_file.iter().map(|found| found.n_entries).sum();
    let n_rejected: u64 = by_file.iter().map(|found| found.n_rejected).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let is_over = n_rejected > 0 && n_rejected as f64 > limit * n_entries as f64;
    if !is_over {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, n) in by_file.iter().flat_map(|found| &found.reasons) {
        *reasons.entry(reason).or_default() += n;
    }
    let reasons: Vec<_> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    Err(StageError::TooManyRejects {
        rejected: n_rejected,
        entries: n_entries,
        limit,
        reasons: reasons.join(", "),
    })
}

/// A count of rows or entries.
pub(super) fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
