//! Revealed comparative advantage and who is specialised in what.
//!
//! ```text
//! RCA[r,p]  = (x[r,p] / x[r]) / (w[p] / w)           w: the reference economy
//! RSCA      = (RCA - 1) / (RCA + 1)                   in [-1, 1)
//! RPOP[r,p] = (x[r,p] / n[r]) / (x[p] / n)            n: population
//! ```
//!
//! Balassa (1965); Laursen (2015) for the symmetric form; Stata's and py-ecomplexity's `rpop` for the last. With
//! the sum of the matrix's own regions as the reference, RCA is a location quotient.
//!
//! # Conventions
//!
//! * A region without exports has no RCA, nor has a product that the reference does not trade: undefined, not zero.

use crate::Exports;
use rayon::prelude::*;

/// RCA of each region in each product.
#[derive(Debug, Clone, PartialEq)]
pub struct Rca {
    n_regions: usize,
    n_products: usize,
    values: Vec<f64>,
    region_is_active: Vec<bool>,
    product_is_active: Vec<bool>,
}

/// The economy that regions are compared with.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'a> {
    /// The sum of the matrix's own regions.
    Own,
    /// Another, such as the world: its trade in each product of the matrix, and in all products there are.
    Other(&'a [f64], f64),
}

impl Rca {
    /// RCA of `region` in `product`; `None` where it is undefined.
    pub fn get(&self, region: usize, product: usize) -> Option<f64> {
        (self.region_is_active[region] && self.product_is_active[product])
            .then(|| self.values[region * self.n_products + product])
    }

    /// RCA of `region` by product; 0 where it is undefined.
    pub fn row(&self, region: usize) -> &[f64] {
        &self.values[region * self.n_products..][..self.n_products]
    }

    /// Rows.
    pub fn n_regions(&self) -> usize {
        self.n_regions
    }

    /// Columns.
    pub fn n_products(&self) -> usize {
        self.n_products
    }

    /// Whether the product has an RCA in the regions that have one.
    pub fn product_is_active(&self, product: usize) -> bool {
        self.product_is_active[product]
    }

    /// Whether the region has an RCA in the products that have one.
    pub fn region_is_active(&self, region: usize) -> bool {
        self.region_is_active[region]
    }
}

/// Symmetric RCA, in `[-1, 1)`.
pub fn symmetric(rca: f64) -> f64 {
    (rca - 1.0) / (rca + 1.0)
}

/// Computes the RCA of every region in every product (dimensionless).
///
/// # Panics
///
/// If another reference has not a value for each product.
pub fn rca(exports: &Exports, reference: Reference<'_>) -> Rca {
    let (of_products, total) = match reference {
        Reference::Own => (exports.product_totals(), exports.total()),
        Reference::Other(values, total) => (values, total),
    };
    assert_eq!(of_products.len(), exports.n_products(), "a value for each product");
    ratios(exports, exports.region_totals(), of_products, total)
}

/// Computes the RPOP of every region in every product (dimensionless): exports a head, as a ratio to those of
/// all regions. A region without population has none.
///
/// # Panics
///
/// If there is not a population for each region.
pub fn rpop(exports: &Exports, population: &[f64]) -> Rca {
    assert_eq!(population.len(), exports.n_regions(), "a population for each region");
    ratios(exports, population, exports.product_totals(), population.iter().sum())
}

/// `(x[r,p] / a[r]) / (b[p] / total)`.
fn ratios(exports: &Exports, of_regions: &[f64], of_products: &[f64], total: f64) -> Rca {
    let (n_regions, n_products) = (exports.n_regions(), exports.n_products());
    let region_is_active: Vec<bool> = of_regions.iter().map(|&x| x > 0.0).collect();
    let product_is_active: Vec<bool> = of_products.iter().map(|&x| x > 0.0).collect();
    let shares: Vec<f64> = of_products.iter().map(|x| x / total).collect();
    let mut values = vec![0.0; n_regions * n_products];
    let rows = values.par_chunks_exact_mut(n_products.max(1)).enumerate();
    rows.filter(|(region, _)| region_is_active[*region]).for_each(|(region, row)| {
        let of_region = of_regions[region];
        let cells = exports.row(region).iter().zip(shares.iter().zip(&product_is_active));
        for (value, (x, (share, is_active))) in row.iter_mut().zip(cells) {
            *value = if *is_active && *x > 0.0 { x / of_region / share } else { 0.0 };
        }
    });
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

impl RcaRule {
    /// Whether `rca` makes a specialisation.
    pub fn holds(self, rca: f64) -> bool {
        match self {
            Self::AtLeast(threshold) => rca >= threshold,
            Self::Above(threshold) => rca > threshold,
        }
    }
}

/// `M[r,p]`: region r is specialised in product p.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specialization {
    n_regions: usize,
    n_products: usize,
    /// The products of each region, ascending.
    products: Vec<Vec<usize>>,
    /// Words of 64 regions that each product takes in `regions`.
    n_words: usize,
    /// The regions of each product, one bit a region.
    regions: Vec<u64>,
}

impl Specialization {
    /// Applies `rule`; where RCA is undefined there is no specialisation.
    pub fn new(rca: &Rca, rule: RcaRule) -> Self {
        let of_region = |region: usize| -> Vec<usize> {
            let cells = rca.row(region).iter().zip(&rca.product_is_active).enumerate();
            let held = cells.filter(|(_, (rca, is_active))| **is_active && rule.holds(**rca));
            held.filter(|_| rca.region_is_active[region]).map(|(product, _)| product).collect()
        };
        let rows = (0..rca.n_regions).into_par_iter().map(of_region).collect();
        Self::from_rows(rca.n_products, rows)
    }

    /// The matrix with `M[r,p] = holds(r, p)`.
    pub fn from_fn(
        n_regions: usize,
        n_products: usize,
        holds: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let rows =
            (0..n_regions).map(|r| (0..n_products).filter(|&p| holds(r, p)).collect()).collect();
        Self::from_rows(n_products, rows)
    }

    /// The matrix in which each region is specialised in the products listed for it, ascending.
    ///
    /// # Panics
    ///
    /// If a product is not below `n_products`.
    pub fn from_rows(n_products: usize, products: Vec<Vec<usize>>) -> Self {
        let n_regions = products.len();
        let n_words = n_regions.div_ceil(64);
        let mut regions = vec![0u64; n_words * n_products];
        for (region, products) in products.iter().enumerate() {
            for &product in products {
                regions[product * n_words + region / 64] |= 1 << (region % 64);
            }
        }
        Self { n_regions, n_products, products, n_words, regions }
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
        self.regions[product * self.n_words + region / 64] >> (region % 64) & 1 == 1
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
        self.bits(product).iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The regions of `product`, one bit a region.
    pub(crate) fn bits(&self, product: usize) -> &[u64] {
        &self.regions[product * self.n_words..][..self.n_words]
    }

    /// The same of `product` and those after it, one after the other.
    pub(crate) fn bits_from(&self, product: usize) -> &[u64] {
        &self.regions[product * self.n_words..]
    }

    /// The regions specialised in `product`, ascending.
    pub fn regions(&self, product: usize) -> impl Iterator<Item = usize> {
        (0..self.n_regions).filter(move |&region| self.get(region, product))
    }

    /// Regions specialised in both.
    pub fn co_occurrence(&self, p: usize, q: usize) -> usize {
        let both = self.bits(p).iter().zip(self.bits(q));
        both.map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// The same with regions and products exchanged.
    pub fn transposed(&self) -> Self {
        let mut rows = vec![Vec::new(); self.n_products];
        for (region, products) in self.products.iter().enumerate() {
            products.iter().for_each(|&product| rows[product].push(region));
        }
        Self::from_rows(self.n_regions, rows)
    }

    /// The same without what `keeps` says no to.
    pub fn filtered(&self, keeps: impl Fn(usize, usize) -> bool) -> Self {
        let rows = self
            .products
            .iter()
            .enumerate()
            .map(|(r, products)| products.iter().copied().filter(|&p| keeps(r, p)).collect())
            .collect();
        Self::from_rows(self.n_products, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn region_without_exports_has_no_rca() {
        let exports = Exports::new(3, 2, vec![1.0, 0.0, 3.0, 0.0, 0.0, 0.0]).expect("valid");
        let rca = rca(&exports, Reference::Own);
        assert_eq!(rca.get(0, 0), Some(1.0));
        assert_eq!(rca.get(2, 0), None, "a region without exports");
        assert_eq!(rca.get(0, 1), None, "a product nobody exports");
    }

    #[test]
    fn rule_decides_at_the_threshold() {
        let exports = Exports::new(2, 2, vec![1.0; 4]).expect("valid");
        let rca = rca(&exports, Reference::Own);
        assert!(Specialization::new(&rca, RcaRule::AtLeast(1.0)).get(0, 0));
        assert!(!Specialization::new(&rca, RcaRule::Above(1.0)).get(0, 0));
    }

    #[test]
    fn another_reference_and_population() {
        let exports = Exports::new(2, 2, vec![30.0, 10.0, 0.0, 60.0]).expect("valid");
        // Half of the world's trade is in each product.
        let world = rca(&exports, Reference::Other(&[500.0, 500.0], 1000.0));
        assert_eq!(world.get(0, 0), Some(1.5));
        assert_eq!(world.get(1, 1), Some(2.0));
        assert_eq!(rca(&exports, Reference::Other(&[0.0, 1.0], 1.0)).get(0, 0), None);
        // The world trades much that these regions do not.
        let wide = rca(&exports, Reference::Other(&[500.0, 500.0], 4000.0));
        assert_eq!(wide.get(0, 0), Some(6.0));
        // 3 a head in region 0, 30 over 40 heads in all.
        let heads = rpop(&exports, &[10.0, 30.0]);
        assert_eq!(heads.get(0, 0), Some(4.0));
        assert_eq!(rpop(&exports, &[0.0, 30.0]).get(0, 0), None);
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let m = Specialization::from_fn(70, 9, |r, p| (r * 7 + p * 3) % 5 == 0);
        assert_eq!(m.transposed().transposed(), m);
        assert_eq!(m.transposed().ubiquity(3), m.diversity(3));
    }

    proptest! {
        #[test]
        fn shares_average_to_one(values in prop::collection::vec(1.0f64..1e6, 12), scale in 1e-3f64..1e3) {
            let exports = Exports::new(3, 4, values.clone()).expect("valid");
            let scaled = Exports::new(3, 4, values.iter().map(|v| v * scale).collect()).expect("valid");
            let (a, b) = (rca(&exports, Reference::Own), rca(&scaled, Reference::Own));
            for p in 0..4 {
                // Weighted by the regions' sizes, RCA averages to one.
                let mean: f64 = (0..3)
                    .map(|r| a.get(r, p).unwrap() * exports.region_totals()[r] / exports.total())
                    .sum();
                prop_assert!((mean - 1.0).abs() < 1e-12);
                for r in 0..3 {
                    let (a, b) = (a.get(r, p).unwrap(), b.get(r, p).unwrap());
                    prop_assert!((a - b).abs() <= 1e-12 * a);
                    prop_assert!((-1.0..1.0).contains(&symmetric(a)));
                }
            }
        }
    }
}
