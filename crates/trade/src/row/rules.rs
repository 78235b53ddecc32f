//! The rules of a layout, as they are asked of entries.

use super::conditions::FittedCondition;
use super::entry::Entry;
use super::error::HeaderError;
use crate::column::Column;
use crate::layout::{Layout, Rule};
use crate::multi_pattern::MultiPattern;

/// A rule with its conditions as lists.
#[derive(Debug, Clone)]
pub(crate) struct FittedRule<'l> {
    products: Vec<&'l str>,
    /// Whether these are products, which are texts as they stand, and no prefixes of codes.
    are_whole: bool,
    /// Words of firms' names.
    words: MultiPattern,
    rule: &'l Rule,
    /// Of the texts of the row.
    pub(super) cells: Vec<FittedCondition<'l>>,
}

impl<'l> FittedRule<'l> {
    /// A rule fitted to a header.
    pub(super) fn new(
        layout: &Layout,
        rule: &'l Rule,
        header: &[String],
    ) -> Result<Self, HeaderError> {
        let words = MultiPattern::new(rule.firm_names.iter().map(|word| &**word));
        let words = words.map_err(|error| HeaderError::Names {
            rule: rule.name.clone(),
            why: error.to_string(),
        })?;
        let what = format!("rules.{}", rule.name);
        Ok(Self {
            products: rule.products.iter().map(|prefix| &**prefix).collect(),
            are_whole: layout.product.digits.is_none(),
            words,
            rule,
            cells: FittedCondition::all(layout, &what, &rule.cells, header)?,
        })
    }
}

impl FittedRule<'_> {
    /// Whether what it says of entries holds; what it says of rows is asked of the row.
    pub(super) fn covers(&self, entry: &Entry<'_>) -> bool {
        self.is_of_product(entry.product.as_str())
            && self.is_of_name(entry.firm_name.as_deref().unwrap_or(""))
            && self.is_of_region(&entry.region)
            && self.is_of_destination(entry.destination.as_deref())
    }

    /// Whether it depends on `column`.
    pub(crate) fn asks(&self, column: Column) -> bool {
        match column {
            Column::Product => !self.products.is_empty(),
            Column::FirmName => !self.words.is_empty(),
            Column::Region => !self.rule.regions.is_empty(),
            Column::Destination => !self.rule.destinations.is_empty(),
            _ => false,
        }
    }

    pub(crate) fn is_of_product(&self, product: &str) -> bool {
        self.products.is_empty()
            || self.products.iter().any(|known| match self.are_whole {
                true => product == *known,
                false => product.as_bytes().starts_with(known.as_bytes()),
            })
    }

    /// `name` is empty if the firm has none.
    pub(crate) fn is_of_name(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.is_in(name.as_bytes())
    }

    pub(crate) fn is_of_region(&self, region: &str) -> bool {
        self.rule.covers_region(region)
    }

    pub(crate) fn is_of_destination(&self, destination: Option<&str>) -> bool {
        self.rule.covers_destination(destination)
    }
}
