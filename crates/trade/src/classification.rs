//! What product codes are codes of: the Harmonized System, another classification or names of one's
//! own; and the groups that products belong to.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The name of the Harmonized System.
pub const HS: &str = "HS";

/// The groups of a product that a table tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableGroups {
    /// The wider one.
    pub group: Option<String>,
    /// The narrower one, within the wider.
    pub subgroup: Option<String>,
}

/// How the groups of a product are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hierarchy {
    /// They are not: no product has a group.
    #[default]
    Flat,
    /// By its first characters.
    Digits {
        /// How many of them are the group.
        group: usize,
        /// How many are the subgroup, if there is one.
        subgroup: Option<usize>,
    },
    /// By a table.
    Table(BTreeMap<String, TableGroups>),
}

/// What products are codes of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classification {
    /// Its name: `HS`, `NAICS`, or a name of one's own.
    pub name: String,
    /// Its revision. That of the Harmonized System is by record, and brought to one of the config.
    pub revision: Option<String>,
    /// How products are grouped.
    pub hierarchy: Hierarchy,
    /// What codes of products and groups are called.
    pub labels: BTreeMap<String, String>,
}

impl Classification {
    /// The Harmonized System: groups are chapters, subgroups are headings.
    pub fn hs() -> Self {
        Self {
            name: HS.to_owned(),
            revision: None,
            hierarchy: Hierarchy::Digits { group: 2, subgroup: Some(4) },
            labels: BTreeMap::new(),
        }
    }

    /// Whether it is the Harmonized System.
    pub fn is_hs(&self) -> bool {
        self.name == HS
    }

    /// The group of a product; none if the hierarchy does not say.
    pub fn group<'c>(&'c self, code: &'c str) -> Option<&'c str> {
        match &self.hierarchy {
            Hierarchy::Flat => None,
            &Hierarchy::Digits { group, .. } => Some(first(code, group)),
            Hierarchy::Table(table) => table.get(code)?.group.as_deref(),
        }
    }

    /// The subgroup of a product; none if the hierarchy does not say.
    pub fn subgroup<'c>(&'c self, code: &'c str) -> Option<&'c str> {
        match &self.hierarchy {
            Hierarchy::Flat => None,
            &Hierarchy::Digits { subgroup, .. } => Some(first(code, subgroup?)),
            Hierarchy::Table(table) => table.get(code)?.subgroup.as_deref(),
        }
    }

    /// What a code of a product or group is called, if a table says so.
    pub fn label(&self, code: &str) -> Option<&str> {
        self.labels.get(code).map(String::as_str)
    }

    /// Whether the table of its hierarchy has this product; `None` if it has no table.
    pub fn lists(&self, code: &str) -> Option<bool> {
        match &self.hierarchy {
            Hierarchy::Table(table) => Some(table.contains_key(code)),
            Hierarchy::Flat | Hierarchy::Digits { .. } => None,
        }
    }

    /// Codes with a label that are neither products nor groups of the table of its hierarchy; none if
    /// it has no table.
    pub fn unlisted_labels(&self) -> Vec<&str> {
        let Hierarchy::Table(table) = &self.hierarchy else { return Vec::new() };
        let groups: BTreeSet<&str> = table
            .values()
            .flat_map(|of| [&of.group, &of.subgroup])
            .flatten()
            .map(String::as_str)
            .collect();
        let codes = self.labels.keys().map(String::as_str);
        codes.filter(|code| !table.contains_key(*code) && !groups.contains(code)).collect()
    }

    /// Whether codes of both can stand in one table: name, revision and groups are the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.revision, &self.hierarchy)
            == (&other.name, &other.revision, &other.hierarchy)
    }
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.revision {
            Some(revision) => write!(f, " ({revision})"),
            None => Ok(()),
        }
    }
}

/// The first `n` characters of a code; all of one that has no more, and of a name: no code has spaces.
fn first(code: &str, n: usize) -> &str {
    if code.contains(' ') {
        return code;
    }
    code.char_indices().nth(n).map_or(code, |(at, _)| &code[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hierarchy: Hierarchy) -> Classification {
        Classification { name: "own".to_owned(), hierarchy, ..Classification::hs() }
    }

    #[test]
    fn groups_are_the_first_digits_or_what_a_table_says() {
        let hs = Classification::hs();
        assert_eq!((hs.group("010190"), hs.subgroup("010190")), (Some("01"), Some("0101")));
        let one = of(Hierarchy::Digits { group: 2, subgroup: None });
        assert_eq!((one.group("311"), one.subgroup("311")), (Some("31"), None));
        assert_eq!((one.group("3"), one.group("año")), (Some("3"), Some("añ")));
        assert_eq!(one.group("HS2007 980000"), Some("HS2007 980000"));
        let groups = TableGroups { group: Some("food".to_owned()), subgroup: None };
        let table = of(Hierarchy::Table(BTreeMap::from([("bread".to_owned(), groups)])));
        assert_eq!((table.group("bread"), table.group("steel")), (Some("food"), None));
        assert_eq!((table.lists("bread"), table.lists("steel")), (Some(true), Some(false)));
        assert_eq!((of(Hierarchy::Flat).group("311"), hs.lists("010190")), (None, None));
    }

    #[test]
    fn labels_of_codes_that_a_table_lacks_are_known() {
        let groups = TableGroups { group: Some("F".to_owned()), subgroup: Some("F1".to_owned()) };
        let table = Hierarchy::Table(BTreeMap::from([("bread".to_owned(), groups)]));
        let labels =
            ["F", "F1", "bread", "steel", "M"].map(|code| (code.to_owned(), code.to_owned()));
        let labelled = |hierarchy: Hierarchy| Classification {
            labels: BTreeMap::from(labels.clone()),
            ..of(hierarchy)
        };
        assert_eq!(labelled(table).unlisted_labels(), ["M", "steel"]);
        assert!(labelled(Hierarchy::Flat).unlisted_labels().is_empty());
    }

    #[test]
    fn classifications_differ_by_revision_and_groups_not_by_labels() {
        let named = |revision: &str| Classification {
            revision: Some(revision.to_owned()),
            ..of(Hierarchy::Flat)
        };
        assert_eq!(
            (named("3").to_string(), Classification::hs().to_string()),
            ("own (3)".to_owned(), "HS".to_owned())
        );
        let mut labelled = named("3");
        labelled.labels.insert("a".to_owned(), "b".to_owned());
        assert!(named("3").is_same(&labelled) && !named("3").is_same(&named("4")));
        assert!(!of(Hierarchy::Flat).is_same(&of(Hierarchy::Digits { group: 1, subgroup: None })));
    }
}
