//! The product space: all products, how those that are related lie and are joined, and what regions
//! are specialised in.
//!
//! Lists of a region's products are short texts ([`coded`]): 340 regions with 700 products each in
//! four years take one megabyte.

use super::error::ReportError;
use super::layout;
use super::products::Products;
use super::region_products::{Codes, RegionProducts, region_products};
use super::source::{Source, integer, text, text_column};
use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use project::config::choice::ProximitySource;
use project::pipeline::Pipeline;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Products of a region's frontier, of all regions together, and the least and the most of one.
const LISTED: usize = 25_000;
const LISTED_OF_ONE: (usize, usize) = (50, 200);
/// What a code of a list is made of: the first half ends a number.
const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// Growing numbers as a text, each by its difference to the one before, and the first to -1:
/// five bits a character, the lowest first, and 32 more where others of the number follow.
fn coded(mut numbers: Vec<usize>) -> String {
    numbers.sort_unstable();
    let mut text = String::new();
    let mut next = 0;
    for number in numbers {
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

/// A product that a region may enter, and its density.
type Near = (usize, f64);

/// What regions are specialised in, and what lies near, by region.
type Specialised = (BTreeMap<String, String>, BTreeMap<String, Vec<Near>>);

/// What regions are specialised in, in a year, and if `pci` says how complex products are, which lie
/// nearest to that: those of highest density, `listed` of each region at the most.
fn specialised(
    source: &Source<'_>,
    (year, listed): (i64, usize),
    pci: Option<&[Value]>,
    products: &Products,
) -> Result<Specialised, ReportError> {
    const TABLE: &str = "space.region_product_year";
    let (mut regions, mut codes) = (Codes::default(), Codes::default());
    // The place of each product among all, by its number here.
    let mut places: Vec<Option<usize>> = Vec::new();
    // What each region is specialised in, and what lies near.
    let mut found: Vec<(Vec<usize>, Vec<Near>)> = Vec::new();
    if !source.has(TABLE) {
        return Ok((BTreeMap::new(), BTreeMap::new()));
    }
    let sql = format!(
        "select region_code, product, is_specialized, cast(density as double) as density from {TABLE} where year = {year}"
    );
    source.each(&sql, |batch| {
        let (region, product) = (text_column(batch, 0)?, text_column(batch, 1)?);
        let (is_own, density) =
            (batch.column(2).as_boolean(), batch.column(3).as_primitive::<Float64Type>());
        for row in 0..batch.num_rows() {
            let code = codes.number(product.of(row)) as usize;
            if code == places.len() {
                places.push(products.number(product.of(row)));
            }
            let Some(at) = places[code] else { continue };
            let of_region = regions.number(region.of(row)) as usize;
            if of_region == found.len() {
                found.push((Vec::new(), Vec::new()));
            }
            let (own, near) = &mut found[of_region];
            if is_own.is_null(row) {
                continue;
            }
            if is_own.value(row) {
                own.push(at);
            } else if density.is_valid(row) && pci.is_some_and(|pci| !pci[at].is_null()) {
                near.push((at, density.value(row)));
            }
        }
        Ok(())
    })?;
    // Of equally near ones the first by its code.
    let order = |a: &Near, b: &Near| {
        b.1.total_cmp(&a.1).then_with(|| products.codes[a.0].cmp(&products.codes[b.0]))
    };
    let nearest = |mut of: Vec<Near>| {
        if of.len() > listed {
            of.select_nth_unstable_by(listed, order);
            of.truncate(listed);
        }
        of.sort_unstable_by(order);
        of
    };
    let listed: Vec<(String, Vec<Near>)> =
        found.into_par_iter().map(|(own, near)| (coded(own), nearest(near))).collect();
    let (mut specialised, mut frontier) = (BTreeMap::new(), BTreeMap::new());
    for (region, (own, near)) in regions.into_texts().into_iter().zip(listed) {
        if !near.is_empty() {
            frontier.insert(region.clone(), near);
        }
        if !own.is_empty() {
            specialised.insert(region, own);
        }
    }
    Ok((specialised, frontier))
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

/// Products that a region's frontier has at the most.
fn listed(n_regions: usize) -> usize {
    (LISTED / n_regions.max(1)).clamp(LISTED_OF_ONE.0, LISTED_OF_ONE.1)
}

/// The product space and trade by product, of the years of the episodes, and what products of regions
/// did; null without episodes.
pub(super) fn space(
    source: &Source<'_>,
    episodes: &[Value],
    n_regions: usize,
    pipeline: &Pipeline,
) -> Result<(Value, RegionProducts), ReportError> {
    let Some(first) = episodes.first() else {
        return Ok((Value::Null, RegionProducts::default()));
    };
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
    // What is read by one thread alone is begun first.
    let asked = || {
        let of_years = || of_years(source, (&before, &years), listed(n_regions), &products);
        rayon::join(|| region_products(source, &products), of_years)
    };
    let (points, (sold, of_years)) = rayon::join(place, asked);
    let (OfYears { values, pci, specialised, frontier }, mut sold) = (of_years?, sold?);
    let (n_pieces, n_largest) = pieces(points.len(), &pairs);
    let joined_by = match pipeline.config.relatedness.proximity_source {
        ProximitySource::Firms => "firms",
        ProximitySource::External => "countries",
        ProximitySource::Regions => "regions",
    };
    // Hundredths as whole numbers: links end where dots are, however they are rounded.
    let whole =
        |axis: usize| -> Vec<i64> { points.iter().map(|at| hundredths(at[axis])).collect() };
    let space = json!({
        "products": products.list(), "x": whole(0), "y": whole(1), "spacing": hundredths(layout::SPACING),
        "links": links, "n_tree": n_tree, "n_pieces": n_pieces, "n_largest": n_largest,
        "categories": products.categories.all, "middles": middles(&products, &pairs, &points),
        "section": products.categories.sql, "joined": joined_by, "values": values, "pci": pci,
        "specialised": specialised, "frontier": frontier, "listed": listed(n_regions),
        "trade": std::mem::take(&mut sold.trade),
    });
    Ok((space, sold))
}

/// What is shown of the years of the space, each by year.
#[derive(Default)]
struct OfYears {
    values: Map<String, Value>,
    pci: Map<String, Value>,
    specialised: Map<String, Value>,
    frontier: Map<String, Value>,
}

/// What is shown of a year.
struct OfYear {
    specialised: BTreeMap<String, String>,
    before: Option<Before>,
}

/// What is shown of a year before a crisis besides.
struct Before {
    values: Vec<Value>,
    pci: Vec<Value>,
    frontier: BTreeMap<String, Vec<Near>>,
}

/// What is shown of years: of those `before` a crisis, and of all.
fn of_years(
    source: &Source<'_>,
    (before, years): (&BTreeSet<i64>, &BTreeSet<i64>),
    listed: usize,
    products: &Products,
) -> Result<OfYears, ReportError> {
    let of_year = |&year: &i64| -> Result<OfYear, ReportError> {
        if !before.contains(&year) {
            let (specialised, _) = specialised(source, (year, listed), None, products)?;
            return Ok(OfYear { specialised, before: None });
        }
        let pci = complexity(source, year, products)?;
        let (specialised, frontier) = specialised(source, (year, listed), Some(&pci), products)?;
        let values = values(source, year, products)?;
        Ok(OfYear { specialised, before: Some(Before { values, pci, frontier }) })
    };
    let years: Vec<i64> = years.iter().copied().collect();
    let of_each: Vec<OfYear> = years.par_iter().map(of_year).collect::<Result<_, ReportError>>()?;
    let mut found = OfYears::default();
    for (year, OfYear { specialised, before }) in years.iter().zip(of_each) {
        found.specialised.insert(year.to_string(), json!(specialised));
        if let Some(Before { values, pci, frontier }) = before {
            found.values.insert(year.to_string(), Value::Array(values));
            found.pci.insert(year.to_string(), Value::Array(pci));
            found.frontier.insert(year.to_string(), json!(frontier));
        }
    }
    Ok(found)
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
        let of = |numbers: &[usize]| coded(numbers.to_vec());
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
