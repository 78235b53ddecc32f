//! The official HS tables, which come with the program (`config/codes/hs`, see SOURCE.md there).

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use trade::concordance::Tables;
use trade::{Hs6, HsRevision};

const CORRELATIONS: &[u8] = include_bytes!("../../../config/codes/hs/correlations.csv.gz");
const CONVERSIONS: &[u8] = include_bytes!("../../../config/codes/hs/conversions.csv.gz");
const DESCRIPTIONS: &[u8] = include_bytes!("../../../config/codes/hs/descriptions.csv.gz");

const COUNTRY_GROUPS: &str = include_str!("../../../config/codes/books/country_group.csv");

/// The subcontinent (UN M49) of each country, by ISO 3166-1 alpha-3 code.
///
/// # Errors
///
/// [`CodesError`] if the built-in table is damaged.
pub fn subcontinents() -> Result<BTreeMap<String, String>, CodesError> {
    csv::Reader::from_reader(COUNTRY_GROUPS.as_bytes())
        .records()
        .map(|row| {
            let row = row.map_err(|e| CodesError { table: "country_group", why: e.to_string() })?;
            Ok((row[0].to_owned(), row[1].to_owned()))
        })
        .collect()
}

/// A table that came with the program is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the HS table `{table}` that came with the program is damaged: {why}")]
pub struct CodesError {
    table: &'static str,
    why: String,
}

fn rows(table: &'static str, packed: &[u8]) -> Result<Vec<csv::StringRecord>, CodesError> {
    let mut text = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut text)
        .map_err(|e| CodesError { table, why: e.to_string() })?;
    csv::Reader::from_reader(&text[..])
        .records()
        .collect::<Result<_, _>>()
        .map_err(|e| CodesError { table, why: e.to_string() })
}

fn links(
    table: &'static str,
    packed: &[u8],
    mut each: impl FnMut(usize, Hs6, Hs6),
) -> Result<(), CodesError> {
    for row in rows(table, packed)? {
        let damaged = |why: String| CodesError { table, why };
        let after: HsRevision = row[0].parse().map_err(|e| damaged(format!("{e}")))?;
        let [newer, older] = [&row[2], &row[3]].map(|code| code.parse::<Hs6>());
        let newer = newer.map_err(|e| damaged(e.to_string()))?;
        let older = older.map_err(|e| damaged(e.to_string()))?;
        let Some(at) = after.index().checked_sub(1) else {
            return Err(damaged(format!("{after} has no revision before it")));
        };
        each(at, newer, older);
    }
    Ok(())
}

/// The correlations and conversions between neighbouring revisions.
///
/// # Errors
///
/// [`CodesError`] if the built-in tables are damaged.
pub fn tables() -> Result<Tables, CodesError> {
    let mut tables = Tables::default();
    links("correlations", CORRELATIONS, |at, newer, older| {
        tables.correlations[at].pairs.push((newer, older));
    })?;
    links("conversions", CONVERSIONS, |at, newer, older| {
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
    let mut texts = BTreeMap::new();
    for row in rows("descriptions", DESCRIPTIONS)? {
        if &row[0] == revision.name()
            && let Ok(code) = row[1].parse()
        {
            texts.insert(code, row[2].to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_official_sizes() {
        let tables = tables().expect("sound tables");
        let sizes = [2, 3].map(|at| tables.conversions[at].len());
        // Rows of the UN conversion tables HS2007 to HS2002 and HS2012 to HS2007.
        assert_eq!(sizes, [5052, 5205]);
        assert!(tables.correlations.iter().all(|c| c.pairs.len() > 5_000));
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
