//! The products of a report, and what they are coloured by.

use super::categories::{Categories, Grouped};
use super::error::ReportError;
use super::source::{Source, text};
use crate::output::shortened;
use project::classification;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of an official description that are shown.
const DESCRIBED: usize = 71;

/// The products, those of links first.
pub(super) struct Products {
    rows: BTreeMap<String, Value>,
    pub(super) codes: Vec<String>,
    #[expect(clippy::disallowed_types, reason = "lookup only, for each row of large tables")]
    numbers: std::collections::HashMap<String, usize>,
    /// How many have a place.
    pub(super) n_placed: usize,
    pub(super) categories: Categories,
}

impl Products {
    /// The products of the tables and of links, and what they are coloured by.
    pub(super) fn of(source: &Source<'_>, year: i64, links: &[Value]) -> Result<Self, ReportError> {
        let rows = source.rows(
            &["trade.product", "trade.region_product_year"],
            &format!(
                "select p.product, p.product_group, p.group_name, p.description, x.value from trade.product p left join \
                 (select product, cast(sum(fob_value) as double) as value from trade.region_product_year where year = {year} \
                 group by product) x on x.product = p.product order by p.product"
            ),
        )?;
        let rows: BTreeMap<String, Value> =
            rows.into_iter().map(|row| (text(&row, "product").to_owned(), row)).collect();
        let placed: BTreeSet<&str> = links
            .iter()
            .flat_map(|link| [text(link, "product_a"), text(link, "product_b")])
            .collect();
        let others = rows.keys().map(String::as_str).filter(|code| !placed.contains(code));
        let codes: Vec<String> = placed.iter().copied().chain(others).map(str::to_owned).collect();
        let grouped: Vec<Grouped<'_>> = codes
            .iter()
            .map(|code| {
                let row = rows.get(code);
                let of = |column: &str| row.and_then(|row| row[column].as_str());
                let value = row.and_then(|row| row["value"].as_f64()).unwrap_or(0.0);
                let (group, group_name) = (of("product_group"), of("group_name"));
                Grouped { product: code, group, group_name, value }
            })
            .collect();
        let version = source.catalog.tables.get("trade.product");
        let categories = if version.is_some_and(classification::is_hs) {
            Categories::of_hs(&grouped)
        } else {
            Categories::of_groups(&grouped)
        };
        let n_placed = placed.len();
        let numbers = codes.iter().enumerate().map(|(at, code)| (code.clone(), at)).collect();
        Ok(Self { rows, codes, numbers, n_placed, categories })
    }

    /// The place of a product among all.
    pub(super) fn number(&self, code: &str) -> Option<usize> {
        self.numbers.get(code).copied()
    }

    /// Code, description and category of each.
    pub(super) fn list(&self) -> Vec<Value> {
        let of = |(code, category): (&String, &usize)| {
            let name = self.rows.get(code).and_then(|row| row["description"].as_str());
            json!([code, name.map(|name| shortened(name, DESCRIBED)), category])
        };
        self.codes.iter().zip(&self.categories.of).map(of).collect()
    }
}
