//! The tables that say what each raw file came to.

use super::super::context::Output;
use super::super::error::StageError;
use super::super::rows::{Rows, table};
use super::gathered::OfFile;
use super::params::Params;
use super::reconciliation::{Reconciliation, Unmapped, usize_of};
use super::tables::{
    ReconciliationRow, Reconciliations, RuleRow, Rules, UnmappedCodeRow, UnmappedCodes,
};
use project::pipeline::Source;
use std::collections::BTreeMap;
use trade::repeated_rows::{Repeated, repeated};
use trade::{Layout, LeftOut, RowSample};

/// Whether a layout, or what it is read for, leaves entries out.
fn is_asked(layout: &Layout, why: LeftOut) -> bool {
    match why {
        LeftOut::Where => !layout.conditions.is_empty(),
        LeftOut::Years => layout.years.is_some(),
    }
}

/// Warns of what was not read in a file, or has no meaning.
fn warn_of(label: &str, found: &Reconciliation) {
    if let Some(first) = &found.first_reject {
        tracing::warn!(file = label, entries = found.n_rejected, first, "entries rejected");
    }
    if !found.unmapped.is_empty() {
        let texts = || found.unmapped.values().flat_map(BTreeMap::values);
        let (codes, n) = (texts().count(), texts().map(|text| text.sum.n).sum::<u64>());
        tracing::warn!(file = label, entries = n, codes, "codes without a meaning kept");
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
    fn add(&mut self, source: &Source, label: &str, found: &Reconciliation, repeated: Repeated) {
        let layout = &source.layout.layout;
        self.reconciliations.push(ReconciliationRow {
            source_file: label,
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
            source_file: label,
            rule: &rule.name,
            why: &rule.why,
            is_excluded: source.exclude.contains(&rule.name),
            n_entries: usize_of(sum.n),
            fob_value: sum.value,
        });
        let left_out = LeftOut::ALL.into_iter().zip(&found.left_out);
        let left_out =
            left_out.filter(|(why, _)| is_asked(layout, *why)).map(|(why, sum)| RuleRow {
                source_file: label,
                rule: why.name(),
                why: why.why(),
                is_excluded: true,
                n_entries: usize_of(sum.n),
                fob_value: sum.value,
            });
        let mut by_name: Vec<_> = of_rules.chain(left_out).collect();
        by_name.sort_by(|a, b| a.rule.cmp(b.rule));
        by_name.into_iter().for_each(|row| self.rules.push(row));
        for (field, texts) in &found.unmapped {
            for (text, Unmapped { code, sum }) in texts {
                self.unmapped.push(UnmappedCodeRow {
                    source_file: label,
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

/// What a raw file came to, with the source that it is of.
pub(super) struct OfSource<'p> {
    pub(super) source: &'p Source,
    pub(super) file: OfFile,
    /// Whether this run read it: of what an earlier run read, that one has warned.
    pub(super) is_new: bool,
}

/// The tables that say what each file came to.
///
/// # Errors
///
/// [`StageError`] if too many entries were rejected.
pub(super) fn account_for(params: &Params, found: &[OfSource<'_>]) -> Result<Output, StageError> {
    let mut rows = AccountRows::default();
    for (of, repeated) in found.iter().zip(repeats(found)) {
        if of.is_new {
            warn_of(&of.file.label, &of.file.reconciliation);
        }
        rows.add(of.source, &of.file.label, &of.file.reconciliation, repeated);
    }
    check_rejects(params.ingest.max_rejected_share, found)?;
    let mut output = Output::new();
    table(&mut output, rows.reconciliations)?;
    table(&mut output, rows.rules)?;
    table(&mut output, rows.unmapped)?;
    Ok(output)
}

/// The rows of each file that are repeated, in it or from files before it that the same layout
/// reads. Where the names of files say something of their rows, only files that say the same are
/// held against each other.
fn repeats(found: &[OfSource<'_>]) -> Vec<Repeated> {
    let mut sets: Vec<(Layout, Vec<usize>)> = Vec::new();
    for (at, OfSource { source, file: of_file, .. }) in found.iter().enumerate() {
        let layout = source.layout.for_file(&of_file.label);
        let layout = layout.unwrap_or_else(|_| source.layout.layout.clone());
        match sets.iter_mut().find(|(known, _)| *known == layout) {
            Some((_, files)) => files.push(at),
            None => sets.push((layout, vec![at])),
        }
    }
    let mut all = vec![Repeated::default(); found.len()];
    for (_, files) in sets {
        let samples: Vec<&RowSample> =
            files.iter().map(|&at| &found[at].file.reconciliation.sample).collect();
        for (at, of_file) in files.into_iter().zip(repeated(&samples)) {
            all[at] = of_file;
        }
    }
    all
}

/// Refuses a share of rejected entries above `limit`.
fn check_rejects(limit: f64, found: &[OfSource<'_>]) -> Result<(), StageError> {
    let by_file = || found.iter().map(|of| &of.file.reconciliation);
    let n_entries: u64 = by_file().map(|found| found.n_entries).sum();
    let n_rejected: u64 = by_file().map(|found| found.n_rejected).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let is_over = n_rejected > 0 && n_rejected as f64 > limit * n_entries as f64;
    if !is_over {
        return Ok(());
    }
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, n) in by_file().flat_map(|found| &found.reasons) {
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
