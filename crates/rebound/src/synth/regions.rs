//! The regions of a nation.

use super::nation::{Nation, SynthError};
use std::collections::BTreeMap;
use trade::Layout;
use trade::layout::{Field, Meaning};

/// A region: its text in raw files and the code that the layout makes of it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) raw: String,
    pub(super) code: String,
}

/// As many regions as asked for.
pub(super) fn regions(layout: &Layout, nation: &Nation) -> Result<Vec<Place>, SynthError> {
    let spec = layout.fields.get(&Field::Region);
    // Part of a column must be filled by the text.
    let fits = |text: &str| match spec.and_then(|spec| spec.characters) {
        None => true,
        Some((first, last)) => {
            text.len() == last + 1 - first && text.bytes().all(|byte| byte.is_ascii_digit())
        }
    };
    let as_is = |code: String| Place { raw: code.clone(), code };
    let found: Vec<Place> = match spec.and_then(|spec| spec.codes.as_ref()) {
        Some(codes) => {
            let mut by_code: BTreeMap<&str, &str> = BTreeMap::new();
            for (text, meanings) in &codes.by_text {
                let [Meaning { first: i32::MIN, last: i32::MAX, code }] = meanings.as_slice()
                else {
                    continue;
                };
                if !fits(text) {
                    continue;
                }
                let best = by_code.entry(code).or_insert(text);
                if (text.len(), text.as_str()) < (best.len(), *best) {
                    *best = text;
                }
            }
            let place =
                |(code, raw): (&str, &str)| Place { raw: raw.to_owned(), code: code.to_owned() };
            by_code.into_iter().map(place).collect()
        }
        None if layout.region_names.is_empty() => {
            (1..=nation.regions).map(|at| as_is(format!("R{at:04}"))).collect()
        }
        None => layout.region_names.keys().cloned().map(as_is).collect(),
    };
    if found.len() < nation.regions {
        let n = found.len();
        return Err(SynthError::Request(format!(
            "the layout knows {n} regions, fewer than asked for"
        )));
    }
    Ok((0..nation.regions).map(|at| found[at * found.len() / nation.regions].clone()).collect())
}
