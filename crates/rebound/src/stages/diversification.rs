//! `trade.region_product_year` and its destinations to `diversification.*`: variety and concentration.

use super::context::{Files, Input, Output};
use super::cube::{Cube, texts};
use super::error::StageError;
use super::rows::Rows;
use super::rows::table;
use crate::codes;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int32Type};
use rayon::prelude::*;
use space::{
    Classes, Concentration, Specificity, concentration, entropy, related_variety, specificity,
};
use std::collections::BTreeMap;
use trade::Money;

/// The number of each text's group, by `key`.
fn groups<'t>(all: &'t [String], key: impl Fn(&'t str) -> &'t str) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    all.iter()
        .map(|text| {
            let next = numbers.len();
            *numbers.entry(key(text)).or_insert(next)
        })
        .collect()
}

/// Exports by year, region code and destination.
type Markets = BTreeMap<i32, BTreeMap<String, BTreeMap<String, Money>>>;

fn markets(input: &Input) -> Result<Markets, StageError> {
    let mut markets = Markets::new();
    for batch in input.get("trade.region_product_year_destination").into_iter().flatten() {
        let schema = batch.schema();
        let years = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
        let values = batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
        let (regions, destinations) = (texts(batch, "region_code")?, texts(batch, "destination")?);
        for row in 0..batch.num_rows() {
            let of_year = markets.entry(years.value(row)).or_default();
            // Rows come region after region: most texts are known.
            if !of_year.contains_key(regions.value(row)) {
                of_year.insert(regions.value(row).to_owned(), BTreeMap::new());
            }
            let Some(of_region) = of_year.get_mut(regions.value(row)) else { continue };
            let value = Money::from_hundredths(values.value(row));
            match of_region.get_mut(destinations.value(row)) {
                Some(sum) => *sum += value,
                None => {
                    of_region.insert(destinations.value(row).to_owned(), value);
                }
            }
        }
    }
    Ok(markets)
}

/// What a region's products say.
struct Found {
    varieties: [Option<f64>; 6],
    active: Option<Concentration>,
    all: Option<Concentration>,
    specificity: Option<Specificity>,
}

/// Computes variety and concentration of every region, product and year.
pub(super) fn run(input: &Input, files: &Files<'_>) -> Result<Output, StageError> {
    let cube = Cube::read(files)?;
    let markets = markets(input)?;
    let subcontinents = codes::subcontinents()?;
    let [hs6, hs4, hs2] = [6, 4, 2].map(|digits| groups(&cube.products, |code| &code[..digits]));
    let mut by_region = Rows::of("diversification.region_year");
    let mut by_product = Rows::of("diversification.product_year");
    for &year in &cube.years {
        let slice = cube.slice(&[year], 1, "diversification")?;
        let exports = &slice.exports;
        let found: Vec<Found> = (0..cube.regions.len())
            .into_par_iter()
            .map(|region| {
                let row = exports.row(region);
                let traded: Vec<f64> = row
                    .iter()
                    .zip(exports.product_totals())
                    .filter(|(_, total)| **total > 0.0)
                    .map(|(x, _)| *x)
                    .collect();
                Found {
                    varieties: [
                        entropy(row, &hs6),
                        entropy(row, &hs4),
                        entropy(row, &hs2),
                        related_variety(row, &hs4, &hs2),
                        related_variety(row, &hs6, &hs2),
                        related_variety(row, &hs6, &hs4),
                    ],
                    active: concentration(row, Classes::Active),
                    all: concentration(&traded, Classes::All),
                    specificity: specificity(row, exports.product_totals()),
                }
            })
            .collect();
        for (region, found) in found.into_iter().enumerate() {
            if !slice.is_reported[region] {
                continue;
            }
            let code = &*cube.regions[region];
            let active = found.active;
            by_region.int(year).text(code).count(active.map_or(0, |c| c.n_active));
            for variety in found.varieties {
                by_region.float(variety);
            }
            by_region
                .float(active.map(|c| c.hhi))
                .float(active.and_then(|c| c.hhi_normalized))
                .float(active.map(|c| c.theil))
                .float(active.map(|c| c.gini))
                .float(active.map(|c| c.largest_share))
                .text(active.is_none().then_some("no_exports"))
                .float(active.map(|c| c.hirschman()))
                .float(active.map(|c| c.inverse_hhi()))
                .float(found.all.map(|c| c.gini))
                .float(found.specificity.map(|s| s.krugman))
                .float(found.specificity.map(|s| s.hoover()))
                .float(found.specificity.map(|s| s.hachman));
            let market = markets.get(&year).and_then(|of_year| of_year.get(code));
            market_cells(market, &subcontinents, &mut by_region);
        }
        products_of_year(&cube, year, exports, &mut by_product);
    }
    let mut output = Output::new();
    table(&mut output, "diversification.region_year", by_region)?;
    table(&mut output, "diversification.product_year", by_product)?;
    Ok(output)
}

/// The columns of destinations.
fn market_cells(
    market: Option<&BTreeMap<String, Money>>,
    subcontinents: &BTreeMap<String, String>,
    rows: &mut Rows,
) {
    let market: BTreeMap<&String, Money> = market
        .into_iter()
        .flatten()
        .filter(|(_, v)| **v > Money::ZERO)
        .map(|(c, v)| (c, *v))
        .collect();
    let values: Vec<f64> = market.values().map(|value| value.to_f64()).collect();
    let names: Vec<String> = market.keys().map(|&name| name.clone()).collect();
    let alone: Vec<usize> = (0..names.len()).collect();
    // A destination that is in no list is a group of its own.
    let group = groups(&names, |name| subcontinents.get(name).map_or(name, String::as_str));
    let found = concentration(&values, Classes::Active);
    rows.count((!names.is_empty()).then_some(names.len()))
        .float(entropy(&values, &alone))
        .float(entropy(&values, &group))
        .float(related_variety(&values, &alone, &group))
        .float(found.map(|c| c.hhi))
        .float(found.map(|c| c.gini));
}

fn products_of_year(cube: &Cube, year: i32, exports: &space::Exports, rows: &mut Rows) {
    for (product, code) in cube.products.iter().enumerate() {
        let column: Vec<f64> =
            (0..cube.regions.len()).map(|region| exports.get(region, product)).collect();
        let found = concentration(&column, Classes::Active);
        let against = specificity(&column, exports.region_totals());
        let (Some(found), Some(against)) = (found, against) else { continue };
        rows.int(year)
            .text(&**code)
            .count(found.n_active)
            .float(found.hhi)
            .float(found.gini)
            .float(against.locational_gini)
            .float(against.hoover())
            .float(found.largest_share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_grouped_by_their_first_digits() {
        let products = ["010110", "010190", "020110"].map(str::to_owned);
        assert_eq!(groups(&products, |code| &code[..2]), [0, 0, 1]);
        assert_eq!(groups(&products, |code| code), [0, 1, 2]);
    }

    #[test]
    fn markets_of_one_subcontinent_are_related() {
        let subcontinents = codes::subcontinents().expect("the table");
        let market = [("DEU", 50), ("FRA", 50), ("JPN", 100)]
            .map(|(code, value)| (code.to_owned(), Money::from_hundredths(value)));
        let mut rows = Rows::of("diversification.region_year");
        rows.int(2008).text("R").count(0);
        for _ in 0..11 {
            rows.float(None);
        }
        rows.text("no_exports");
        for _ in 0..6 {
            rows.float(None);
        }
        market_cells(Some(&BTreeMap::from(market)), &subcontinents, &mut rows);
        let batch = rows.finish().expect("whole");
        let value = |name: &str| {
            let column = batch.column_by_name(name).expect("a column");
            column.as_primitive::<arrow::datatypes::Float64Type>().value(0)
        };
        assert!((value("destination_entropy") - 1.5).abs() < 1e-12);
        assert!((value("market_unrelated_variety") - 1.0).abs() < 1e-12);
        assert!((value("market_related_variety") - 0.5).abs() < 1e-12);
    }
}
