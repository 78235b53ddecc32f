//! How the codes that were reported are brought to the target revision.

use super::super::error::StageError;
use super::super::record_store::{reported_code, revision_and_code};
use super::params::Params;
use project::config::choice::Choice;
use sources::hs_tables;
use std::collections::{BTreeMap, BTreeSet};
use trade::{Concordance, Conversion, Hs6, HsRevision, Money};

/// What the products of the target revision are.
pub(super) fn descriptions(params: &Params) -> Result<BTreeMap<Hs6, String>, StageError> {
    let target = *params.harmonize.target_revision;
    Ok(hs_tables::descriptions(target)?)
}

/// The conversion of every code that was reported.
pub(super) fn conversions(
    params: &Params,
    reported: &BTreeMap<u32, Money>,
) -> Result<BTreeMap<u32, Conversion>, StageError> {
    let harmonize = &params.harmonize;
    let (target, method) = (*harmonize.target_revision, *harmonize.method);
    let revisions: BTreeSet<HsRevision> =
        reported.keys().map(|&number| revision_and_code(number).0).collect();
    if revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{}` is left after the excluded rules; see customs.reconciliation",
            params.aggregate.flow.name()
        )));
    }
    let mut between = revisions.clone();
    between.insert(target);
    let tables = hs_tables::tables(&between)?;
    let weight = |code: Hs6| {
        let value = reported.get(&reported_code(target, code));
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    let concordance = Concordance::new(method, target, &revisions, &tables, weight);
    let convert = |&code: &u32| {
        let (revision, hs6) = revision_and_code(code);
        (code, concordance.convert(revision, hs6))
    };
    Ok(reported.keys().map(convert).collect())
}
