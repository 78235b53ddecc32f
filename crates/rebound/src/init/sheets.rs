//! What the names of sheets tell that are read as one table.

use super::draft::{FieldDraft, Origin};
use super::finder::Finder;
use super::words::{flow_of_file, year_of};
use trade::layout::Field;

/// A year in the name of a sheet.
const YEAR: &str = "((?:19|20)[0-9]{2})";

impl Finder<'_> {
    /// Takes from the names of sheets what is in no column: year and flow, or region, or product.
    pub(super) fn of_sheets(&mut self) {
        let names = &self.look.sheets;
        if names.len() < 2 {
            return;
        }
        let has = |field: Field| self.draft.fields.contains_key(&field);
        let mut found: Vec<(Field, FieldDraft)> = Vec::new();
        if !has(Field::Year) && names.iter().all(|name| year_of(name).is_some()) {
            let year = FieldDraft::of(Origin::Sheet(YEAR.to_owned()));
            let choose = "the year in the sheet's name, or constant: and another year";
            found.push((Field::Year, year.choose(choose)));
        }
        let mut flows: Vec<(String, String)> = names
            .iter()
            .filter_map(|name| flow_of_file(name))
            .map(|(word, flow)| (word.to_owned(), flow.to_owned()))
            .collect();
        let is_all = flows.len() == names.len();
        flows.sort();
        flows.dedup();
        let is_several = flows.iter().any(|(_, flow)| *flow != flows[0].1);
        if !has(Field::Flow) && self.said_flow().is_none() && is_all && is_several {
            let words: Vec<&str> = flows.iter().map(|(word, _)| word.as_str()).collect();
            let pattern = format!("({})", words.join("|"));
            let flow = FieldDraft { map: flows, ..FieldDraft::of(Origin::Sheet(pattern)) };
            found.push((Field::Flow, flow));
        }
        if found.is_empty() {
            let whole = FieldDraft::of(Origin::Sheet("^.+$".to_owned()));
            if !has(Field::Region) {
                let choose = "the names of the sheets as regions, or constant: and the one region";
                found.push((Field::Region, whole.choose(choose)));
            } else if !has(Field::Product) {
                self.draft.product.classification = Some("goods".to_owned());
                self.draft.product.why = "no column has products: the sheets do".to_owned();
                let choose = "the names of the sheets as products, or constant: all";
                found.push((Field::Product, whole.choose(choose)));
            }
        }
        self.draft.fields.extend(found);
    }
}
