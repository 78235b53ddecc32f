//! Revealed comparative advantage and who is specialised in what.
//!
//! ```text
//! RCA[r,p] = (x[r,p] / x[r]) / (x[p] / x)
//! ```
//!
//! Balassa (1965). The reference economy is the sum of the matrix's own regions, so that of a country's
//! regions it is a location quotient.
//!
//! # Conventions
//!
//! * A region without exports has no RCA, nor has a product that nobody exports: undefined, not zero.

use crate::Exports;

/// RCA of each region in each product.
#[derive(Debug, Clone, PartialEq)]
pub struct Rca {
    n_regions: usize,
    n_products: usize,
    values: Vec<f64>,
    region_is_active: Vec<bool>,
    product_is_active: Vec<bool>,
}

impl Rca {
    /// RCA of `region` in `product`; `None` where it is undefined.
    pub fn get(&self, region: usize, product: usize) -> Option<f64> {
        (self.region_is_active[region] && self.product_is_active[product])
            .then(|| self.values[region * self.n_products + product])
    }
}

/// Computes the RCA of every region in every product (dimensionless).
pub fn rca(exports: &Exports) -> Rca {
    let (n_regions, n_products) = (exports.n_regions(), exports.n_products());
    let region_is_active: Vec<bool> = exports.region_totals().iter().map(|&x| x > 0.0).collect();
    let product_is_active: Vec<bool> = exports.product_totals().iter().map(|&x| x > 0.0).collect();
    let product_shares: Vec<f64> =
        exports.product_totals().iter().map(|x| x / exports.total()).collect();
    let mut values = vec![0.0; n_regions * n_products];
    for region in (0..n_regions).filter(|&r| region_is_active[r]) {
        let total = exports.region_totals()[region];
        let row = &mut values[region * n_products..][..n_products];
        for product in (0..n_products).filter(|&p| product_is_active[p]) {
            row[product] = exports.get(region, product) / total / product_shares[product];
        }
    }
    Rca { n_regions, n_products, values, region_is_active, product_is_active }
}

/// Which RCA makes a specialisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RcaRule {
    /// At or above the threshold: py-ecomplexity, economiccomplexity, EconGeo.
    AtLeast(f64),
    /// Above it: Stata's ecomplexity.
    Above(f64),
}

/// `M[r,p]`: region r is specialised in product p.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specialization {
    n_regions: usize,
    n_products: usize,
    /// The products of each region, ascending.
    products: Vec<Vec<usize>>,
    /// The regions of each product, one bit a region.
    regions: Vec<Vec<u64>>,
}

impl Specialization {
    /// Applies `rule`; where RCA is undefined there is no specialisation.
    pub fn new(rca: &Rca, rule: RcaRule) -> Self {
        let holds = |value: f64| match rule {
            RcaRule::AtLeast(threshold) => value >= threshold,
            RcaRule::Above(threshold) => value > threshold,
        };
        Self::from_fn(rca.n_regions, rca.n_products, |r, p| rca.get(r, p).is_some_and(holds))
    }

    /// The matrix with `M[r,p] = holds(r, p)`.
    pub fn from_fn(
        n_regions: usize,
        n_products: usize,
        holds: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let mut regions = vec![vec![0u64; n_regions.div_ceil(64)]; n_products];
        let mut products = vec![Vec::new(); n_regions];
        for (region, products) in products.iter_mut().enumerate() {
            for (product, regions) in regions.iter_mut().enumerate() {
                if holds(region, product) {
                    products.push(product);
                    regions[region / 64] |= 1 << (region % 64);
                }
            }
        }
        Self { n_regions, n_products, products, regions }
    }

    /// Rows.
    pub fn n_regions(&self) -> usize {
        self.n_regions
    }

    /// Columns.
    pub fn n_products(&self) -> usize {
        self.n_products
    }

    /// Whether `region` is specialised in `product`.
    pub fn get(&self, region: usize, product: usize) -> bool {
        self.regions[product][region / 64] >> (region % 64) & 1 == 1
    }

    /// The products that `region` is specialised in, ascending.
    pub fn products(&self, region: usize) -> &[usize] {
        &self.products[region]
    }

    /// Products that `region` is specialised in: its diversity.
    pub fn diversity(&self, region: usize) -> usize {
        self.products[region].len()
    }

    /// Regions specialised in `product`: its ubiquity.
    pub fn ubiquity(&self, product: usize) -> usize {
        self.regions[product].iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Regions specialised in both.
    pub fn co_occurrence(&self, p: usize, q: usize) -> usize {
        let (p, q) = (&self.regions[p], &self.regions[q]);
        p.iter().zip(q).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn region_without_exports_has_no_rca() {
        let exports = Exports::new(3, 2, vec![1.0, 0.0, 3.0, 0.0, 0.0, 0.0]).expect("valid");
        let rca = rca(&exports);
        assert_eq!(rca.get(0, 0), Some(1.0));
        assert_eq!(rca.get(2, 0), None, "a region without exports");
        assert_eq!(rca.get(0, 1), None, "a product nobody exports");
    }

    #[test]
    fn rule_decides_at_the_threshold() {
        let exports = Exports::new(2, 2, vec![1.0; 4]).expect("valid");
        let rca = rca(&exports);
        assert!(Specialization::new(&rca, RcaRule::AtLeast(1.0)).get(0, 0));
        assert!(!Specialization::new(&rca, RcaRule::Above(1.0)).get(0, 0));
    }

    proptest! {
        #[test]
        fn shares_average_to_one(values in prop::collection::vec(1.0f64..1e6, 12), scale in 1e-3f64..1e3) {
            let exports = Exports::new(3, 4, values.clone()).expect("valid");
            let scaled = Exports::new(3, 4, values.iter().map(|v| v * scale).collect()).expect("valid");
            let (a, b) = (rca(&exports), rca(&scaled));
            for p in 0..4 {
                // Weighted by the regions' sizes, RCA averages to one.
                let mean: f64 = (0..3)
                    .map(|r| a.get(r, p).unwrap() * exports.region_totals()[r] / exports.total())
                    .sum();
                prop_assert!((mean - 1.0).abs() < 1e-12);
                for r in 0..3 {
                    let (a, b) = (a.get(r, p).unwrap(), b.get(r, p).unwrap());
                    prop_assert!((a - b).abs() <= 1e-12 * a);
                }
            }
        }
    }
}
