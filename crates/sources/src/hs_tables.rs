//! The official HS tables, and those to other classifications, which come with the program
//! (`config/codes/hs` and `config/codes/concordances`, see SOURCE.md there).

use crate::table_reader::{Row, TableReader};
use project::read_options::{Delimiter, ReadOptions};
use std::collections::{BTreeMap, BTreeSet};
use trade::concordance::Tables;
use trade::{Hs6, HsRevision, TargetRevision};

const CORRELATIONS: &[u8] = include_bytes!("../../../config/codes/hs/correlations.csv.gz");
const CONVERSIONS: &[u8] = include_bytes!("../../../config/codes/hs/conversions.csv.gz");
const DESCRIPTIONS: &[u8] = include_bytes!("../../../config/codes/hs/descriptions.csv.gz");

const TO_TARGETS: &[u8] = include_bytes!("../../../config/codes/concordances/from_hs2007.csv.gz");
const TARGET_DESCRIPTIONS: &[u8] =
    include_bytes!("../../../config/codes/concordances/descriptions.csv.gz");

const COUNTRY_GROUPS: &[u8] = include_bytes!("../../../config/codes/books/country_group.csv");

/// The subcontinent (UN M49) of each country, by ISO 3166-1 alpha-3 code.
///
/// # Errors
///
/// [`CodesError`] if the built-in table is damaged.
pub fn subcontinents() -> Result<BTreeMap<String, String>, CodesError> {
    let mut found = BTreeMap::new();
    each_row("country_group", COUNTRY_GROUPS, |row| {
        found.insert(row.text(0)?.to_owned(), row.text(1)?.to_owned());
        Ok(())
    })?;
    Ok(found)
}

/// A table that came with the program is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the HS table `{table}` that came with the program is damaged: {why}")]
pub struct CodesError {
    table: &'static str,
    why: String,
}

/// Calls `each` on the rows of a table.
fn each_row(
    table: &'static str,
    text: &'static [u8],
    each: impl FnMut(&Row<'_>) -> Result<(), String>,
) -> Result<(), CodesError> {
    let failed = |why: String| CodesError { table, why };
    let options = ReadOptions { delimiter: Some(Delimiter(b',')), ..ReadOptions::default() };
    let mut reader = TableReader::of_text(text, &options).map_err(failed)?;
    reader.each(each).map_err(|fault| failed(fault.to_string()))
}

/// Calls `each` on the newer and older codes of a table from the first to the last of `revisions`.
fn links(
    table: &'static str,
    text: &'static [u8],
    revisions: &BTreeSet<HsRevision>,
    mut each: impl FnMut(usize, Hs6, Hs6),
) -> Result<(), CodesError> {
    let (Some(first), Some(last)) = (revisions.first(), revisions.last()) else { return Ok(()) };
    if first == last {
        return Ok(());
    }
    each_row(table, text, |row| {
        let after: HsRevision = row.text(0)?.parse().map_err(|e| format!("{e}"))?;
        let Some(at) = after.index().checked_sub(1) else {
            return Err(format!("{after} has no revision before it"));
        };
        if (first.index()..last.index()).contains(&at) {
            let code = |text: &str| text.parse::<Hs6>().map_err(|e| e.to_string());
            each(at, code(row.text(2)?)?, code(row.text(3)?)?);
        }
        Ok(())
    })
}

/// The correlations and conversions between neighbouring revisions, from the first to the last of `revisions`.
///
/// # Errors
///
/// [`CodesError`] if the built-in tables are damaged.
pub fn tables(revisions: &BTreeSet<HsRevision>) -> Result<Tables, CodesError> {
    let mut tables = Tables::default();
    links("correlations", CORRELATIONS, revisions, |at, newer, older| {
        tables.correlations[at].pairs.push((newer, older));
    })?;
    links("conversions", CONVERSIONS, revisions, |at, newer, older| {
        tables.conversions[at].insert(newer, older);
    })?;
    Ok(tables)
}

/// The official texts of the codes of `revision`.
///
/// # Errors
///
/// [`CodesError`] if the built-in table is damaged.
pub fn descriptions(revision: HsRevision) -> Result<BTreeMap<Hs6, String>, CodesError> {
    let texts = texts_of_all_levels(revision)?.into_iter();
    Ok(texts.filter_map(|(code, text)| Some((code.parse().ok()?, text))).collect())
}

/// The official texts of the chapters, headings and codes of `revision`, by their digits.
///
/// # Errors
///
/// [`CodesError`] if the built-in table is damaged.
pub fn texts_of_all_levels(revision: HsRevision) -> Result<BTreeMap<String, String>, CodesError> {
    let mut texts = BTreeMap::new();
    each_row("descriptions", DESCRIPTIONS, |row| {
        if row.text(0)? == revision.name() {
            texts.insert(row.text(1)?.to_owned(), row.text(2)?.to_owned());
        }
        Ok(())
    })?;
    Ok(texts)
}

/// The code of `target`, which is no revision of HS, that each code of HS2007 becomes.
///
/// # Errors
///
/// [`CodesError`] if the built-in table is damaged.
pub fn to_target(target: TargetRevision) -> Result<BTreeMap<Hs6, String>, CodesError> {
    let mut codes = BTreeMap::new();
    each_row("from_hs2007", TO_TARGETS, |row| {
        if row.text(0)? == target.name() {
            let code = row.text(1)?.parse::<Hs6>().map_err(|e| e.to_string())?;
            codes.insert(code, row.text(2)?.to_owned());
        }
        Ok(())
    })?;
    Ok(codes)
}

/// The official texts of the codes of `target`, which is no revision of HS, and of their groups;
/// empty where there is none.
///
/// # Errors
///
/// [`CodesError`] if a built-in table is damaged.
pub fn descriptions_of_target(
    target: TargetRevision,
) -> Result<BTreeMap<String, String>, CodesError> {
    let mut texts: BTreeMap<String, String> =
        to_target(target)?.into_values().map(|code| (code, String::new())).collect();
    each_row("descriptions", TARGET_DESCRIPTIONS, |row| {
        if row.text(0)? == target.name() {
            texts.insert(row.text(1)?.to_owned(), row.text(2)?.to_owned());
        }
        Ok(())
    })?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_official_sizes() {
        let tables = tables(&HsRevision::ALL.into()).expect("sound tables");
        let sizes = [2, 3].map(|at| tables.conversions[at].len());
        // Rows of the UN conversion tables HS2007 to HS2002 and HS2012 to HS2007.
        assert_eq!(sizes, [5052, 5205]);
        assert!(tables.correlations.iter().all(|c| c.pairs.len() > 5_000));
        let some = BTreeSet::from([HsRevision::Hs2002, HsRevision::Hs2012]);
        let some = super::tables(&some).expect("sound tables");
        for at in 0..6 {
            let is_between = at == 2 || at == 3;
            let expected = if is_between { tables.correlations[at].pairs.len() } else { 0 };
            assert_eq!(some.correlations[at].pairs.len(), expected);
        }
    }

    #[test]
    fn chapters_and_headings_have_texts_in_every_revision() {
        for revision in HsRevision::ALL {
            let texts = texts_of_all_levels(revision).expect("a sound table");
            assert_eq!(texts["01"], "Animals; live", "{revision}");
            assert!(texts.keys().all(|code| texts.contains_key(&code[..2])), "{revision}");
        }
    }

    #[test]
    fn every_other_target_has_a_concordance_from_hs2007() {
        let cars: Hs6 = "870323".parse().expect("a code");
        let found = TargetRevision::OTHERS.map(|target| {
            let codes = to_target(target).expect("a sound table");
            assert!(codes.len() > 5_000, "{target}");
            codes[&cars].clone()
        });
        assert_eq!(found, ["78100", "78120", "78120", "510", "3843", "3410"]);
        let texts = descriptions_of_target(TargetRevision::Sitc3).expect("a sound table");
        assert!(texts["78"].contains("vehicles") && !texts["78120"].is_empty());
        let texts = descriptions_of_target(TargetRevision::Sitc4).expect("a sound table");
        assert_eq!(texts["78120"], "", "there are no texts of SITC4");
    }

    #[test]
    fn codes_are_described_in_their_revision() {
        let texts = descriptions(HsRevision::Hs2007).expect("a sound table");
        let mobile: Hs6 = "851712".parse().expect("a code");
        assert!(texts[&mobile].to_lowercase().contains("telephones"), "{}", texts[&mobile]);
        let texts = descriptions(HsRevision::Hs2002).expect("a sound table");
        assert!(!texts.contains_key(&mobile));
    }
}
