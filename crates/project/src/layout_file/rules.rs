//! Kinds of entries that a pipeline may exclude.

use super::conditions::cells;
use super::error::LayoutError;
use super::keys::RuleText;
use super::reading::Reading;
use std::collections::{BTreeMap, BTreeSet};
use trade::LeftOut;
use trade::layout::Rule;

impl Reading<'_> {
    pub(super) fn rules(&self, texts: Vec<RuleText>) -> Result<Vec<Rule>, LayoutError> {
        let asks_nothing = |text: &&RuleText| {
            [&text.columns, &text.not_columns].into_iter().flatten().any(no_texts)
        };
        if let Some(text) = texts.iter().find(asks_nothing) {
            let why = format!("{:?}: expected at least one text of each column", text.name);
            return Err(self.invalid("rules", why));
        }
        let rule = |text: RuleText| Rule {
            name: text.name,
            why: text.why,
            regions: text.regions.unwrap_or_default(),
            products: text.products.unwrap_or_default(),
            destinations: text.destinations.unwrap_or_default(),
            firm_names: text.firm_names.unwrap_or_default(),
            cells: cells(text.columns, text.not_columns),
        };
        let rules: Vec<Rule> = texts.into_iter().map(rule).collect();
        if rules.len() > 64 {
            let why = format!("{} rules: expected at most 64", rules.len());
            return Err(self.invalid("rules", why));
        }
        for (at, rule) in rules.iter().enumerate() {
            if rules[..at].iter().any(|other| other.name == rule.name) {
                return Err(self.invalid("rules", format!("{:?} is there twice", rule.name)));
            }
            if LeftOut::ALL.iter().any(|why| why.name() == rule.name) {
                let why = format!(
                    "{:?} is the name of what `{}` leaves out: expected another",
                    rule.name, rule.name
                );
                return Err(self.invalid("rules", why));
            }
            let conditions = [&rule.regions, &rule.products, &rule.destinations, &rule.firm_names];
            if conditions.into_iter().all(BTreeSet::is_empty) && rule.cells.is_empty() {
                let why = format!(
                    "{:?} covers everything: give regions, products, destinations, firm_names, columns or not_columns",
                    rule.name
                );
                return Err(self.invalid("rules", why));
            }
        }
        Ok(rules)
    }
}

/// Whether a column has no texts.
fn no_texts(columns: &BTreeMap<String, BTreeSet<String>>) -> bool {
    columns.values().any(BTreeSet::is_empty)
}
