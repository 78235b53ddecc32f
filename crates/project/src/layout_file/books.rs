//! Code books: the CSV files that say what a source's codes mean.

use super::error::LayoutError;
use super::keys::BookText;
use super::reading::Reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trade::layout::{Codes, Field, Meaning, Unmapped};

/// A row of a code book.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct BookRow {
    release: String,
    from: Option<i32>,
    to: Option<i32>,
    raw: String,
    code: String,
    name: String,
}

impl Reading<'_> {
    /// The rows of a code book that hold for a release: its own stand over those of any release.
    pub(super) fn book(
        &mut self,
        key: &str,
        field: Field,
        book: &BookText,
    ) -> Result<Codes, LayoutError> {
        let path = crate::paths::resolve_path(self.path, &book.file);
        let invalid =
            |why: String| LayoutError::Value { path: path.clone(), key: key.to_owned(), why };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| invalid(format!("failed to read the code book: {error}")))?;
        let mut general: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
        let mut own = general.clone();
        let mut is_known = book.release.is_empty();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for (at, row) in reader.deserialize::<BookRow>().enumerate() {
            let line = at + 2;
            let row = row.map_err(|error| invalid(format!("line {line}: {error}")))?;
            let said = serde_json::to_string(&row).map_err(|error| invalid(error.to_string()))?;
            self.books += &said;
            is_known |= row.release == book.release;
            let into = match row.release.as_str() {
                "" => &mut general,
                release if release == book.release => &mut own,
                _ => continue,
            };
            let (first, last) = (row.from.unwrap_or(i32::MIN), row.to.unwrap_or(i32::MAX));
            let meanings = into.entry(row.raw.clone()).or_default();
            if first > last || meanings.iter().any(|of| first <= of.last && of.first <= last) {
                let why = format!("line {line}: the years of {:?} overlap", row.raw);
                return Err(invalid(why));
            }
            if field == Field::Region {
                self.region_names.insert(row.code.clone(), row.name);
            }
            meanings.push(Meaning { first, last, code: row.code });
        }
        if !is_known {
            return Err(invalid(format!("it has no release {:?}", book.release)));
        }
        general.extend(own);
        let then = book.unmapped.trim_start_matches('?');
        let unmapped = match (book.unmapped.as_str(), book.unmapped.len() - then.len()) {
            ("reject", _) => Unmapped::Reject,
            ("keep", _) => Unmapped::Keep,
            (_, first @ 1..) => Unmapped::First { first, then: then.to_owned() },
            (other, _) => {
                let why = format!(
                    "unmapped: {other:?}: expected reject, keep, or a pattern such as ??9000, the first two characters and 9000"
                );
                return Err(self.invalid(key, why));
            }
        };
        Ok(Codes { by_text: general, unmapped })
    }
}
