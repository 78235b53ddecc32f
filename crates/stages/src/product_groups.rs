//! The groups that products are of, as the classification of the pipeline has them.

use indexmap::IndexSet;
use trade::Classification;

/// The number of each product's group and subgroup. One that has none is a group of its own.
#[derive(Debug)]
pub(super) struct ProductGroups {
    pub(super) groups: Vec<usize>,
    pub(super) subgroups: Vec<usize>,
    /// Whether a product has a group, or a subgroup: if none has, nothing is said of them.
    pub(super) has_groups: bool,
    pub(super) has_subgroups: bool,
    /// Whether products are the groups, or the subgroups, themselves: HS chapters or headings, filled
    /// up by zeros. Nothing varies within them.
    pub(super) are_groups: bool,
    pub(super) are_subgroups: bool,
}

impl ProductGroups {
    pub(super) fn of(classification: &Classification, products: &[String]) -> Self {
        let group = |code: &String| classification.group(code).is_some();
        let subgroup = |code: &String| classification.subgroup(code).is_some();
        let are_filled = |zeros: &str| {
            classification.is_hs() && products.iter().all(|code| code.ends_with(zeros))
        };
        Self {
            groups: numbers(products, |code| classification.group(code)),
            subgroups: numbers(products, |code| classification.subgroup(code)),
            has_groups: products.iter().any(group),
            has_subgroups: products.iter().any(subgroup),
            are_groups: are_filled("0000"),
            are_subgroups: are_filled("00"),
        }
    }
}

/// The number of each text's group; of one that has none a number of its own.
pub(super) fn numbers<'t>(
    all: &'t [String],
    group: impl Fn(&'t str) -> Option<&'t str>,
) -> Vec<usize> {
    // A group may be called as a product without one is.
    let mut known: IndexSet<(bool, &str)> = IndexSet::new();
    let key = |text: &'t String| match group(text) {
        Some(group) => (true, group),
        None => (false, text.as_str()),
    };
    all.iter().map(|text| known.insert_full(key(text)).0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use trade::classification::{Hierarchy, TableGroups};

    #[test]
    fn products_of_hs_are_grouped_by_their_first_digits() {
        let products = ["010110", "010190", "020110"].map(str::to_owned);
        let found = ProductGroups::of(&Classification::hs(), &products);
        assert_eq!((found.groups, found.subgroups), (vec![0, 0, 1], vec![0, 0, 1]));
        assert!(found.has_groups && found.has_subgroups);
    }

    #[test]
    fn chapters_and_headings_are_groups_themselves() {
        let are = |products: &[&str]| {
            let products: Vec<String> = products.iter().map(|code| (*code).to_owned()).collect();
            let found = ProductGroups::of(&Classification::hs(), &products);
            (found.are_groups, found.are_subgroups)
        };
        assert_eq!(are(&["010000", "020000"]), (true, true));
        assert_eq!(are(&["010100", "020000"]), (false, true));
        assert_eq!(are(&["010110", "020000"]), (false, false));
    }

    #[test]
    fn a_product_without_a_group_is_one_of_its_own_whatever_groups_are_called() {
        let groups = TableGroups { group: Some("steel".to_owned()), subgroup: None };
        let table =
            BTreeMap::from([("iron".to_owned(), groups.clone()), ("tin".to_owned(), groups)]);
        let classification = Classification {
            name: "own".to_owned(),
            hierarchy: Hierarchy::Table(table),
            ..Classification::hs()
        };
        let products = ["iron", "steel", "tin"].map(str::to_owned);
        let found = ProductGroups::of(&classification, &products);
        assert_eq!((found.groups, found.subgroups), (vec![0, 1, 0], vec![0, 1, 2]));
        assert!(found.has_groups && !found.has_subgroups);
    }
}
