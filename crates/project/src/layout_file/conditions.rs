//! What must hold of the texts of raw columns.

use super::error::LayoutError;
use super::keys::WhereText;
use super::reading::Reading;
use std::collections::{BTreeMap, BTreeSet};
use trade::Pattern;
use trade::layout::{Condition, Test};

impl Reading<'_> {
    /// The rows that are meant.
    pub(super) fn conditions(&mut self, texts: Vec<WhereText>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            let tests = self.tests(&format!("where[{at}]"), &text);
            for test in self.kept(tests).unwrap_or_default() {
                conditions.push(Condition { column: text.column.clone(), test });
            }
        }
        conditions
    }

    fn tests(&self, key: &str, text: &WhereText) -> Result<Vec<Test>, LayoutError> {
        let pattern = |pattern: &String| {
            Pattern::new(pattern).map_err(|error| self.invalid(key, error.to_string()))
        };
        let mut tests = Vec::new();
        for texts in [&text.is_in, &text.not_in].into_iter().flatten() {
            if texts.is_empty() {
                return Err(self.invalid(key, "expected at least one text".to_owned()));
            }
        }
        tests.extend(text.is_in.clone().map(Test::In));
        tests.extend(text.not_in.clone().map(Test::NotIn));
        tests.extend(text.matches.as_ref().map(pattern).transpose()?.map(Test::Matches));
        tests.extend(text.not_matches.as_ref().map(pattern).transpose()?.map(Test::NotMatches));
        if tests.is_empty() {
            let why = "expected one or more of in, not_in, matches, not_matches";
            return Err(self.invalid(key, why.to_owned()));
        }
        Ok(tests)
    }
}

/// Conditions that a rule puts on raw columns.
pub(super) fn cells(
    columns: Option<BTreeMap<String, BTreeSet<String>>>,
    not_columns: Option<BTreeMap<String, BTreeSet<String>>>,
) -> Vec<Condition> {
    let of = |columns: Option<BTreeMap<String, BTreeSet<String>>>,
              test: fn(BTreeSet<String>) -> Test| {
        let columns = columns.unwrap_or_default().into_iter();
        columns
            .map(|(column, texts)| Condition { column, test: test(texts) })
            .collect::<Vec<Condition>>()
    };
    let mut cells = of(columns, Test::In);
    cells.extend(of(not_columns, Test::NotIn));
    cells
}
