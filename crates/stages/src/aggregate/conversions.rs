//! How the codes that were reported are brought to the target revision.

use super::super::error::StageError;
use super::super::hs_codes::Harmonized;
use super::super::record_store::ReportedCode;
use super::params::Params;
use project::config::choice::Choice;
use sources::hs_tables;
use std::collections::{BTreeMap, BTreeSet};
use trade::{Conversion, Hs6, HsRevision, MatchKind, Money, TargetRevision};

/// The products that each reported code becomes.
pub(super) type Conversions = BTreeMap<ReportedCode, Conversion<String>>;

/// What the products of the target revision are, and their groups: the text is empty where no table
/// has one. Of classifications that no concordance leads to there is no official list.
pub(super) fn descriptions(params: &Params) -> Result<BTreeMap<String, String>, StageError> {
    let target = *params.harmonize.target_revision;
    if params.classification.is_hs() {
        let mut texts = hs_tables::texts_of_all_levels(target.hs())?;
        let is_filled = |(code, _): &(&String, &String)| params.filled_digits.contains(&code.len());
        let filled = |(code, text): (&String, &String)| (format!("{code:0<6}"), text.clone());
        let above: Vec<_> = texts.iter().filter(is_filled).map(filled).collect();
        for (code, text) in above {
            texts.entry(code).or_insert(text);
        }
        return Ok(texts);
    }
    if !target.is_hs() && params.is_of_hs {
        return Ok(hs_tables::descriptions_of_target(target)?);
    }
    Ok(BTreeMap::new())
}

/// The same of headings and chapters, filled up by zeros: they stay what they are, as they may look
/// like codes, and no concordance is of them.
fn of_short_codes(
    params: &Params,
    reported: &BTreeMap<ReportedCode, Money>,
) -> Result<Conversions, StageError> {
    let listed = descriptions(params)?;
    let target = params.harmonize.target_revision.hs();
    let convert = |reported: &ReportedCode| {
        let kind = match reported.revision {
            Some(revision) if revision != target => match listed.contains_key(&reported.code) {
                true => MatchKind::OneToOne,
                false => MatchKind::Unlisted,
            },
            _ => MatchKind::Same,
        };
        (reported.clone(), Conversion { kind, targets: vec![(reported.code.clone(), 1)] })
    };
    Ok(reported.keys().map(convert).collect())
}

/// The conversion of every code that was reported. Codes of other classifications than HS stay.
pub(super) fn conversions(
    params: &Params,
    reported: &BTreeMap<ReportedCode, Money>,
) -> Result<Conversions, StageError> {
    if reported.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{}` is left after the excluded rules; see customs.reconciliation",
            params.aggregate.flow.name()
        )));
    }
    if !params.filled_digits.is_empty() {
        return of_short_codes(params, reported);
    }
    let harmonized = harmonized(params, reported)?;
    let convert = |reported: &ReportedCode| {
        let ReportedCode { revision, code } = reported;
        let conversion = match (revision, code.parse::<Hs6>()) {
            (Some(revision), Ok(code)) => harmonized.convert(*revision, code),
            _ => Conversion { kind: MatchKind::Same, targets: vec![(code.clone(), 1)] },
        };
        (reported.clone(), conversion)
    };
    Ok(reported.keys().map(convert).collect())
}

/// What becomes of the codes of HS that were reported.
fn harmonized(
    params: &Params,
    reported: &BTreeMap<ReportedCode, Money>,
) -> Result<Harmonized, StageError> {
    let (target, method) = (*params.harmonize.target_revision, *params.harmonize.method);
    // Of other classifications than HS there is no code to bring on.
    let target = if params.is_of_hs { target } else { TargetRevision::Hs(target.hs()) };
    let revisions: BTreeSet<HsRevision> =
        reported.keys().filter_map(|reported| reported.revision).collect();
    let weight = |code: Hs6| {
        let of = ReportedCode { revision: Some(target.hs()), code: code.to_string() };
        let value = reported.get(&of);
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    Ok(Harmonized::new(method, target, &revisions, weight)?)
}
