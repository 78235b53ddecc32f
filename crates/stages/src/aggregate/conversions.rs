//! How the codes that were reported are brought to the target revision.

use super::super::error::StageError;
use super::super::record_store::ReportedCode;
use super::params::Params;
use project::config::choice::Choice;
use sources::hs_tables;
use std::collections::{BTreeMap, BTreeSet};
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Money};

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

/// What HS codes of the revision that has a concordance to the target become there.
struct Onward {
    codes: BTreeMap<Hs6, String>,
    /// How many codes become each product.
    n_codes: BTreeMap<String, usize>,
}

impl Onward {
    fn read(params: &Params) -> Result<Option<Self>, StageError> {
        let target = *params.harmonize.target_revision;
        if target.is_hs() || !params.is_of_hs {
            return Ok(None);
        }
        let codes = hs_tables::to_target(target)?;
        let mut n_codes: BTreeMap<String, usize> = BTreeMap::new();
        for product in codes.values() {
            *n_codes.entry(product.clone()).or_default() += 1;
        }
        Ok(Some(Self { codes, n_codes }))
    }

    /// The products that codes of that revision become. What no table has keeps the name of the
    /// revision, so that it is no code of the target.
    fn bring(&self, from: HsRevision, conversion: Conversion) -> Conversion<String> {
        let Conversion { kind, targets } = conversion;
        let mut products: BTreeMap<String, u128> = BTreeMap::new();
        let mut is_listed = kind != MatchKind::Unlisted;
        for (code, weight) in targets {
            let product = self.codes.get(&code).cloned();
            is_listed &= product.is_some();
            *products.entry(product.unwrap_or_else(|| format!("{from} {code}"))).or_default() +=
                weight;
        }
        let is_alone = kind == MatchKind::Same || kind == MatchKind::OneToOne;
        let kind = match products.len() {
            _ if !is_listed => MatchKind::Unlisted,
            1 if is_alone
                && products.keys().all(|product| self.n_codes.get(product) == Some(&1)) =>
            {
                MatchKind::OneToOne
            }
            1 => MatchKind::Merge,
            _ => MatchKind::SplitAndMerge,
        };
        Conversion { kind, targets: products.into_iter().collect() }
    }
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
    let concordance = concordance(params, reported)?;
    let onward = Onward::read(params)?;
    let convert = |reported: &ReportedCode| {
        let ReportedCode { revision, code } = reported;
        let conversion = match (revision, code.parse::<Hs6>()) {
            (Some(revision), Ok(code)) => {
                let found = concordance.convert(*revision, code);
                match &onward {
                    Some(onward) => onward.bring(concordance.target(), found),
                    None => {
                        let targets = found.targets.into_iter();
                        let targets = targets.map(|(code, weight)| (code.to_string(), weight));
                        Conversion { kind: found.kind, targets: targets.collect() }
                    }
                }
            }
            _ => Conversion { kind: MatchKind::Same, targets: vec![(code.clone(), 1)] },
        };
        (reported.clone(), conversion)
    };
    Ok(reported.keys().map(convert).collect())
}

/// The concordance of the revisions of HS that were reported.
fn concordance(
    params: &Params,
    reported: &BTreeMap<ReportedCode, Money>,
) -> Result<Concordance, StageError> {
    let harmonize = &params.harmonize;
    let (target, method) = (harmonize.target_revision.hs(), *harmonize.method);
    let revisions: BTreeSet<HsRevision> =
        reported.keys().filter_map(|reported| reported.revision).collect();
    let mut between = revisions.clone();
    between.insert(target);
    let tables = hs_tables::tables(&between)?;
    let weight = |code: Hs6| {
        let of = ReportedCode { revision: Some(target), code: code.to_string() };
        let value = reported.get(&of);
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    Ok(Concordance::new(method, target, &revisions, &tables, weight))
}
