//! Exports by section and product before and after a crisis, of all regions and of each.

use super::error::ReportError;
use super::products::Products;
use super::source::{Source, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TABLE: &str = "panel.region_product";
/// A product has a box of its own if it is at least this share of exports before or after: of all
/// regions, and of one.
const SHARE_OF_ALL: f64 = 0.003;
const SHARE_OF_ONE: f64 = 0.01;

/// By episode and region, products with what was exported before and after, and the rest of each
/// section; all regions together are the region without a name.
pub(super) fn trade(source: &Source<'_>, products: &Products) -> Result<Value, ReportError> {
    let section = &products.categories.sql;
    let all = format!(
        "select episode, '' as region_code, product, min({section}) as section, sum(base_value) as base_value, \
         sum(end_value) as end_value from {TABLE} group by episode, product"
    );
    let each = format!(
        "select episode, region_code, product, {section} as section, base_value, end_value from {TABLE}"
    );
    let mut episodes: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (from, share) in [(all, SHARE_OF_ALL), (each, SHARE_OF_ONE)] {
        for row in source.rows(&[TABLE], &boxes(&from, share))? {
            let section = text(&row, "section");
            let category = products.categories.all.iter().position(|(name, _)| name == section);
            let product = row["product"].as_str().and_then(|code| products.number(code));
            let region = episodes
                .entry(text(&row, "episode").to_owned())
                .or_default()
                .entry(text(&row, "region_code").to_owned())
                .or_insert_with(|| json!({"products": [], "rest": []}));
            // A product says its section; what is left of a section has no product.
            let (list, of) = match product {
                Some(product) => ("products", json!(product)),
                None => ("rest", json!(category)),
            };
            if let Some(list) = region[list].as_array_mut() {
                list.push(json!([of, row["before"], row["after"]]));
            }
        }
    }
    let shares = json!({"all": SHARE_OF_ALL, "one": SHARE_OF_ONE});
    Ok(json!({"shares": shares, "episodes": episodes}))
}

/// Sums of the products of rows that are at least a share of their region's exports before or
/// after, and of the others by section.
fn boxes(from: &str, share: f64) -> String {
    let is_large = |value: &str| {
        format!(
            "cast(x.{value} as double) >= {share} * cast(t.{value} as double) and x.{value} > 0"
        )
    };
    format!(
        "with x as ({from}), t as (select episode, region_code, sum(base_value) as base_value, sum(end_value) as end_value \
         from x group by episode, region_code), y as (select x.episode, x.region_code, x.section, \
         case when ({}) or ({}) then x.product end as product, x.base_value, x.end_value from x join t \
         on t.episode = x.episode and t.region_code = x.region_code) \
         select episode, region_code, section, product, cast(coalesce(sum(base_value), 0) as double) as before, \
         cast(coalesce(sum(end_value), 0) as double) as after from y group by episode, region_code, section, product \
         order by episode, region_code, section, product nulls last",
        is_large("base_value"),
        is_large("end_value"),
    )
}
