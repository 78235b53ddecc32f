//! The product space: all products, how those that are related lie and are joined, and what regions
//! are specialised in.
//!
//! Lists of a region's products are short texts ([`coded`]): 340 regions with 700 products each in
//! four years take one megabyte.

use super::error::ReportError;
use super::layout;
use super::products::Products;
use super::source::{Source, integer, text};
use super::trade;
use project::config::choice::ProximitySource;
use project::pipeline::Pipeline;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Products of a region's frontier, of all regions together, and the least and the most of one.
const LISTED: usize = 25_000;
const LISTED_OF_ONE: (usize, usize) = (50, 200);
/// What a code of a list is made of: the first half ends a number.
const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// Growing numbers as a text, each by its difference to the one before, and the first to -1:
/// five bits a character, the lowest first, and 32 more where others of the number follow.
fn coded(numbers: &BTreeSet<usize>) -> String {
    let mut text = String::new();
    let mut next = 0;
    for &number in numbers {
        let mut rest = number - next;
        next = number + 1;
        while rest >= 32 {
            text.push(char::from(DIGITS[32 + rest % 32]));
            rest /= 32;
        }
        text.push(char::from(DIGITS[rest]));
    }
    text
}

/// The links of the maximum spanning tree, and as many of the strongest others as products: both
/// products and their proximity. Also how many are of the tree.
fn links(rows: &[Value], products: &Products) -> (Vec<(usize, usize, Value)>, usize) {
    let of = |row: &Value| {
        let [a, b] = ["product_a", "product_b"].map(|end| products.number(text(row, end)));
        Some((a?, b?, row["proximity"].clone()))
    };
    let n_tree = rows.iter().filter(|row| row["is_in_tree"].as_bool() == Some(true)).count();
    (rows.iter().take(n_tree + products.n_placed).filter_map(of).collect(), n_tree)
}

/// How many pieces links leave products in, and how many products the largest has.
fn pieces(n: usize, links: &[(usize, usize)]) -> (usize, usize) {
    let mut parents: Vec<usize> = (0..n).collect();
    for &(a, b) in links {
        let (a, b) = (layout::root(&mut parents, a), layout::root(&mut parents, b));
        parents[a] = b;
    }
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for at in 0..n {
        *sizes.entry(layout::root(&mut parents, at)).or_default() += 1;
    }
    (sizes.len(), sizes.values().copied().max().unwrap_or(0))
}

/// For each category, the place of the product in the middle of its largest cluster, which is of
/// products that links within the category join; null without a product that has a place.
fn middles(products: &Products, links: &[(usize, usize)], points: &[layout::Point]) -> Vec<Value> {
    let of = &products.categories.of;
    let mut parents: Vec<usize> = (0..points.len()).collect();
    for &(a, b) in links.iter().filter(|(a, b)| of[*a] == of[*b]) {
        let (a, b) = (layout::root(&mut parents, a), layout::root(&mut parents, b));
        parents[a] = b;
    }
    let mut clusters: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, &category) in of.iter().enumerate().take(points.len()) {
        clusters.entry((category, layout::root(&mut parents, at))).or_default().push(at);
    }
    let mut largest: BTreeMap<usize, &Vec<usize>> = BTreeMap::new();
    for ((category, _), members) in &clusters {
        let found = largest.entry(*category).or_insert(members);
        if members.len() > found.len() {
            *found = members;
        }
    }
    let middle = |members: &&Vec<usize>| members.get(median(members, points)).copied();
    (0..products.categories.all.len())
        .map(|category| json!(largest.get(&category).and_then(middle)))
        .collect()
}

/// Which of some products lies nearest to the medians of their places.
fn median(members: &[usize], points: &[layout::Point]) -> usize {
    let middle = [0, 1].map(|axis| {
        let mut along: Vec<f64> = members.iter().map(|&at| points[at][axis]).collect();
        along.sort_by(f64::total_cmp);
        along[along.len() / 2]
    });
    let off = |at: usize| {
        let [x, y] = points[members[at]];
        (x - middle[0]).powi(2) + (y - middle[1]).powi(2)
    };
    (0..members.len()).min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(0)
}

/// What regions are specialised in, by year and region.
fn specialised(
    source: &Source<'_>,
    years: &BTreeSet<i64>,
    products: &Products,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, ReportError> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for year in years {
        let rows = source.rows(
            &["space.region_product_year"],
            &format!(
                "select region_code, string_agg(product, chr(10) order by product) as products from space.region_product_year \
                 where year = {year} and is_specialized group by region_code order by region_code"
            ),
        )?;
        let regions = found.entry(year.to_string()).or_default();
        for row in &rows {
            let numbers =
                text(row, "products").lines().filter_map(|code| products.number(code)).collect();
            regions.insert(text(row, "region_code").to_owned(), coded(&numbers));
        }
    }
    Ok(found)
}

/// What all regions export of each product in a year; null where nothing is exported.
fn values(source: &Source<'_>, year: i64, products: &Products) -> Result<Vec<Value>, ReportError> {
    let rows = source.rows(
        &["trade.region_product_year"],
        &format!(
            "select product, cast(sum(fob_value) as double) as value from trade.region_product_year where year = {year} \
             group by product order by product"
        ),
    )?;
    Ok(by_product(&rows, "value", products))
}

/// How complex products are in a year; null where that is not known.
fn complexity(
    source: &Source<'_>,
    year: i64,
    products: &Products,
) -> Result<Vec<Value>, ReportError> {
    let rows = source.rows(
        &["space.product_year"],
        &format!(
            "select product, pci from space.product_year where year = {year} order by product"
        ),
    )?;
    Ok(by_product(&rows, "pci", products))
}

fn by_product(rows: &[Value], column: &str, products: &Products) -> Vec<Value> {
    let mut found = vec![Value::Null; products.codes.len()];
    for row in rows {
        if let Some(at) = products.number(text(row, "product")) {
            found[at] = row[column].clone();
        }
    }
    found
}

/// By region, the products that it is not specialised in and that lie nearest to what it is
/// specialised in: at most so many, with their density.
fn frontier(
    source: &Source<'_>,
    year: i64,
    listed: usize,
    products: &Products,
) -> Result<BTreeMap<String, Vec<Value>>, ReportError> {
    let rows = source.rows(
        &["space.region_product_year", "space.product_year"],
        &format!(
            "select region_code, product, density from (select s.region_code, s.product, s.density, row_number() over \
             (partition by s.region_code order by s.density desc, s.product) as place from space.region_product_year s \
             join space.product_year p on p.product = s.product where s.year = {year} and p.year = {year} \
             and not s.is_specialized and s.density is not null and p.pci is not null) where place <= {listed} \
             order by region_code, place"
        ),
    )?;
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in &rows {
        if let Some(at) = products.number(text(row, "product")) {
            let of = found.entry(text(row, "region_code").to_owned()).or_default();
            of.push(json!([at, row["density"]]));
        }
    }
    Ok(found)
}

/// Products that a region's frontier has at the most.
fn listed(n_regions: usize) -> usize {
    (LISTED / n_regions.max(1)).clamp(LISTED_OF_ONE.0, LISTED_OF_ONE.1)
}

/// The product space and trade by product, of the years of the episodes; null without episodes.
pub(super) fn space(
    source: &Source<'_>,
    episodes: &[Value],
    n_regions: usize,
    pipeline: &Pipeline,
) -> Result<Value, ReportError> {
    let Some(first) = episodes.first() else { return Ok(Value::Null) };
    let before: BTreeSet<i64> = episodes.iter().map(|of| integer(of, "regressor_year")).collect();
    let after = episodes.iter().map(|of| integer(of, "transformation_year"));
    let years: BTreeSet<i64> = before.iter().copied().chain(after).collect();
    let rows = source.rows(
        &["space.proximity"],
        "select product_a, product_b, proximity, is_in_tree from space.proximity order by is_in_tree desc, proximity desc, product_a, product_b",
    )?;
    let products = Products::of(source, integer(first, "regressor_year"), &rows)?;
    let (links, n_tree) = links(&rows, &products);
    let pairs: Vec<(usize, usize)> = links.iter().map(|(a, b, _)| (*a, *b)).collect();
    // The places hang on the links alone: products stand in the order of their codes.
    let place = || layout::place(products.n_placed, &pairs);
    let (points, traded) = rayon::join(place, || trade::trade(source, &products));
    let (n_pieces, n_largest) = pieces(points.len(), &pairs);
    let (mut of_year, mut pci, mut reach) = (Map::new(), Map::new(), Map::new());
    let listed = listed(n_regions);
    for &year in &before {
        of_year.insert(year.to_string(), json!(values(source, year, &products)?));
        pci.insert(year.to_string(), json!(complexity(source, year, &products)?));
        reach.insert(year.to_string(), json!(frontier(source, year, listed, &products)?));
    }
    let joined_by = match pipeline.config.relatedness.proximity_source {
        ProximitySource::Firms => "firms",
        ProximitySource::External => "countries",
        ProximitySource::Regions => "regions",
    };
    // Hundredths as whole numbers: links end where dots are, however they are rounded.
    let whole =
        |axis: usize| -> Vec<i64> { points.iter().map(|at| hundredths(at[axis])).collect() };
    Ok(json!({
        "products": products.list(), "x": whole(0), "y": whole(1), "spacing": hundredths(layout::SPACING),
        "links": links, "n_tree": n_tree, "n_pieces": n_pieces, "n_largest": n_largest,
        "categories": products.categories.all, "middles": middles(&products, &pairs, &points),
        "section": products.categories.sql, "joined": joined_by, "values": of_year, "pci": pci,
        "specialised": specialised(source, &years, &products)?, "frontier": reach, "listed": listed,
        "trade": traded?,
    }))
}

#[expect(clippy::cast_possible_truncation, reason = "a layout is small")]
fn hundredths(of: f64) -> i64 {
    (of * 100.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short_texts() {
        let of = |numbers: &[usize]| coded(&numbers.iter().copied().collect());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[0, 1, 2]), "000");
        // 32 is 0 and 1 of 32; 1055 is 31, 0 of 32 and 1 of 1024.
        assert_eq!(of(&[31]), "v");
        assert_eq!(of(&[32]), "w1");
        assert_eq!(of(&[1055]), "_w1");
        assert_eq!(of(&[5, 38]), "5w1");
    }

    #[test]
    fn pieces_are_counted() {
        assert_eq!(pieces(6, &[(0, 1), (1, 2), (4, 5)]), (3, 3));
        assert_eq!(pieces(0, &[]), (0, 0));
    }

    #[test]
    fn a_frontier_is_shorter_where_regions_are_many() {
        assert_eq!([listed(0), listed(8), listed(340), listed(5000)], [200, 200, 73, 50]);
    }
}
