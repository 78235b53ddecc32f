//! `trade.region_product_year` to `diversification.region_year`.

use super::cube::Cube;
use super::rows::Rows;
use super::{Input, Output, StageError, table};
use rayon::prelude::*;
use space::{concentration, entropy, related_variety};
use std::collections::BTreeMap;

/// The number of each product's group: the first `digits` digits of its code.
fn groups(products: &[String], digits: usize) -> Vec<usize> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    products
        .iter()
        .map(|code| {
            let next = numbers.len();
            *numbers.entry(&code[..digits]).or_insert(next)
        })
        .collect()
}

/// Computes variety and concentration of every region and year.
pub(super) fn run(input: &Input) -> Result<Output, StageError> {
    let cube = Cube::read(input)?;
    let [hs6, hs4, hs2] = [6, 4, 2].map(|digits| groups(&cube.products, digits));
    let mut rows = Rows::of("diversification.region_year");
    for &year in &cube.years {
        let slice = cube.mean(&[year], "diversification")?;
        let found: Vec<_> = (0..cube.regions.len())
            .into_par_iter()
            .map(|region| {
                let exports = slice.exports.row(region);
                let varieties = [
                    entropy(exports, &hs6),
                    entropy(exports, &hs4),
                    entropy(exports, &hs2),
                    related_variety(exports, &hs4, &hs2),
                    related_variety(exports, &hs6, &hs2),
                    related_variety(exports, &hs6, &hs4),
                ];
                (varieties, concentration(exports))
            })
            .collect();
        for (region, (varieties, concentration)) in found.into_iter().enumerate() {
            if !slice.is_reported[region] {
                continue;
            }
            rows.int(year)
                .text(&*cube.regions[region])
                .count(concentration.map_or(0, |c| c.n_active));
            for variety in varieties {
                rows.float(variety);
            }
            rows.float(concentration.map(|c| c.hhi))
                .float(concentration.and_then(|c| c.hhi_normalized))
                .float(concentration.map(|c| c.theil))
                .float(concentration.map(|c| c.gini))
                .float(concentration.map(|c| c.largest_share))
                .text(concentration.is_none().then_some("no_exports"));
        }
    }
    let mut output = Output::new();
    table(&mut output, "diversification.region_year", rows)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_grouped_by_their_first_digits() {
        let products = ["010110", "010190", "020110"].map(str::to_owned);
        assert_eq!(groups(&products, 2), [0, 0, 1]);
        assert_eq!(groups(&products, 6), [0, 1, 2]);
    }
}
