//! Cleaning: which regions and products are large enough to be measured.
//!
//! Small regions with a few odd shipments have RCA in anything and rank absurdly; the Atlas of Economic Complexity
//! and most studies leave them out. Leaving some out makes others smaller, so the rules are applied again until
//! nothing changes (a *core*, in the words of networks).

use crate::{Exports, RcaRule, Reference, Specialization, rca};

/// What is asked of a region and of a product. Zeros ask for nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterParams {
    /// Exports of a region, in the currency.
    pub min_region_total: f64,
    /// Exports of a product.
    pub min_product_total: f64,
    /// Products that a region is specialised in.
    pub min_diversity: usize,
    /// Regions that are specialised in a product.
    pub min_ubiquity: usize,
    /// What makes a specialisation.
    pub rule: RcaRule,
    /// Whether to go on until nothing changes; otherwise once.
    pub is_repeated: bool,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// Places of the regions kept, ascending.
    pub regions: Vec<usize>,
    /// Places of the products kept, ascending.
    pub products: Vec<usize>,
    /// Rounds made.
    pub rounds: usize,
    /// Share of the exports kept.
    pub value_share: f64,
}

impl Exports {
    /// The exports of some regions in some products, by their places, which ascend.
    ///
    /// # Panics
    ///
    /// If a place is beyond the matrix.
    pub fn select(&self, regions: &[usize], products: &[usize]) -> Self {
        if regions.len() == self.n_regions() && products.len() == self.n_products() {
            return self.clone();
        }
        let mut values = Vec::with_capacity(regions.len() * products.len());
        for &r in regions {
            let row = self.row(r);
            values.extend(products.iter().map(|&p| row[p]));
        }
        // Values of a valid matrix are valid.
        Self::new(regions.len(), products.len(), values)
            .unwrap_or_else(|_| unreachable!("values of a valid matrix"))
    }
}

impl Exports {
    /// The same matrix with nothing but the exports of some regions in some products, by their places, which ascend.
    ///
    /// # Panics
    ///
    /// If a place is beyond the matrix.
    pub fn only(&self, regions: &[usize], products: &[usize]) -> Self {
        let n = self.n_products();
        if regions.len() == self.n_regions() && products.len() == n {
            return self.clone();
        }
        let mut values = vec![0.0; self.n_regions() * n];
        for &r in regions {
            let (row, into) = (self.row(r), &mut values[r * n..][..n]);
            products.iter().for_each(|&p| into[p] = row[p]);
        }
        Self::new(self.n_regions(), n, values)
            .unwrap_or_else(|_| unreachable!("values of a valid matrix"))
    }
}

/// Applies the filters, RCA always being that of what is still there, against `reference`. What exports nothing is never kept.
pub fn filter(exports: &Exports, reference: Reference<'_>, params: FilterParams) -> Filtered {
    let mut regions: Vec<usize> = (0..exports.n_regions()).collect();
    let mut products: Vec<usize> = (0..exports.n_products()).collect();
    let mut rounds = 0;
    let kept = loop {
        cancel::check();
        let kept = exports.select(&regions, &products);
        if rounds > 0 && !params.is_repeated {
            break kept;
        }
        let of_kept: Vec<f64> = match reference {
            Reference::Own => Vec::new(),
            Reference::Other(values, _) => products.iter().map(|&p| values[p]).collect(),
        };
        let against = match reference {
            Reference::Own => Reference::Own,
            Reference::Other(_, total) => Reference::Other(&of_kept, total),
        };
        let m = Specialization::new(&rca(&kept, against), params.rule);
        let next = |places: &[usize], keeps: &dyn Fn(usize) -> bool| -> Vec<usize> {
            places.iter().enumerate().filter(|(at, _)| keeps(*at)).map(|(_, &p)| p).collect()
        };
        let next_regions = next(&regions, &|r| {
            kept.region_totals()[r] > 0.0
                && kept.region_totals()[r] >= params.min_region_total
                && m.diversity(r) >= params.min_diversity
        });
        let next_products = next(&products, &|p| {
            kept.product_totals()[p] > 0.0
                && kept.product_totals()[p] >= params.min_product_total
                && m.ubiquity(p) >= params.min_ubiquity
        });
        rounds += 1;
        if (next_regions.len(), next_products.len()) == (regions.len(), products.len()) {
            break kept;
        }
        (regions, products) = (next_regions, next_products);
    };
    let value_share = if kept.total() > 0.0 { kept.total() / exports.total() } else { 0.0 };
    Filtered { regions, products, rounds, value_share }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: FilterParams = FilterParams {
        min_region_total: 0.0,
        min_product_total: 0.0,
        min_diversity: 0,
        min_ubiquity: 0,
        rule: RcaRule::AtLeast(1.0),
        is_repeated: true,
    };

    fn exports() -> Exports {
        // Region 2 is small; without it, product 2 has only region 1, and region 1 then only product 1.
        Exports::new(3, 3, vec![90.0, 10.0, 0.0, 10.0, 50.0, 40.0, 0.0, 0.0, 5.0]).expect("valid")
    }

    #[test]
    fn filters_chase_each_other_until_nothing_changes() {
        let all = filter(&exports(), Reference::Own, PARAMS);
        assert_eq!((all.regions.len(), all.products.len(), all.rounds), (3, 3, 1));
        let small = FilterParams { min_region_total: 6.0, min_ubiquity: 1, ..PARAMS };
        let found = filter(&exports(), Reference::Own, small);
        assert_eq!(
            (found.regions.as_slice(), found.products.as_slice()),
            (&[0, 1][..], &[0, 1, 2][..])
        );
        assert!((found.value_share - 200.0 / 205.0).abs() < 1e-15);
        let once =
            FilterParams { min_region_total: 6.0, min_ubiquity: 2, is_repeated: false, ..PARAMS };
        let found = filter(&exports(), Reference::Own, once);
        assert_eq!((found.rounds, found.products.as_slice()), (1, &[2][..]));
        let repeated = FilterParams { is_repeated: true, ..once };
        let found = filter(&exports(), Reference::Own, repeated);
        assert!(found.rounds > 1 && found.products.is_empty() && found.regions.is_empty());
    }
}
