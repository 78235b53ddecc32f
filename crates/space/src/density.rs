//! Density: how much of what surrounds a product a region already has.
//!
//! ```text
//! omega[r,p] = sum over q of phi[p,q] * M[r,q]  /  sum over q of phi[p,q]
//! ```
//!
//! Hidalgo et al. (2007). With [`Diagonal::Excluded`] the sums leave `q = p` out, so that the density of
//! a product does not contain the region's own presence in it.
//!
//! # Conventions
//!
//! * In `[0, 1]`.
//! * A product related to nothing has no density.

use crate::proximity::{Diagonal, Proximity};
use crate::rca::Specialization;
use rayon::prelude::*;

/// Density of each region around each product.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    n_products: usize,
    values: Vec<f64>,
    is_isolated: Vec<bool>,
}

impl Density {
    /// Density of `region` around `product`; `None` if the product is related to nothing.
    pub fn get(&self, region: usize, product: usize) -> Option<f64> {
        (!self.is_isolated[product]).then(|| self.values[region * self.n_products + product])
    }
}

/// Computes the density of every region around every product: `n_regions` x `n_products`, in `[0, 1]`.
///
/// # Panics
///
/// If the two were not made for the same products.
pub fn density(
    specialization: &Specialization,
    proximity: &Proximity,
    diagonal: Diagonal,
) -> Density {
    let n_products = specialization.n_products();
    assert_eq!(n_products, proximity.n_products(), "one matrix and its proximities");
    let total: Vec<f64> = (0..n_products)
        .into_par_iter()
        .map(|p| proximity.row(p).iter().sum::<f64>() + proximity.to_itself(p, diagonal))
        .collect();
    let mut values = vec![0.0; specialization.n_regions() * n_products];
    values.par_chunks_exact_mut(n_products.max(1)).enumerate().for_each(|(region, row)| {
        for &q in specialization.products(region) {
            for (sum, phi) in row.iter_mut().zip(proximity.row(q)) {
                *sum += phi;
            }
            row[q] += proximity.to_itself(q, diagonal);
        }
        for (value, total) in row.iter_mut().zip(&total) {
            // Both sums are made of the same terms in another order: keep rounding inside the range.
            *value = if *total > 0.0 { (*value / total).min(1.0) } else { 0.0 };
        }
    });
    let is_isolated = total.iter().map(|&total| total <= 0.0).collect();
    Density { n_products, values, is_isolated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proximity::proximity;

    fn check(diagonal: Diagonal, expected: [f64; 4]) {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        let specialization = Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1);
        let density = density(&specialization, &proximity(&specialization), diagonal);
        for (product, expected) in expected.into_iter().enumerate() {
            let found = density.get(2, product).expect("not isolated");
            assert!((found - expected).abs() < 1e-6, "{diagonal:?} {product}: {found}");
        }
    }

    #[test]
    fn worked_example_under_both_conventions() {
        check(Diagonal::Included, [0.357_143, 0.357_143, 0.625, 0.714_286]);
        check(Diagonal::Excluded, [0.625, 0.625, 0.4, 0.5]);
    }

    #[test]
    fn product_related_to_nothing_has_no_density() {
        let specialization = Specialization::from_fn(2, 2, |r, p| r == p);
        let proximity = proximity(&specialization);
        let density = density(&specialization, &proximity, Diagonal::Excluded);
        assert_eq!(density.get(0, 0), None);
        assert_eq!(density.get(0, 1), None);
    }

    #[test]
    fn region_with_everything_has_density_one() {
        let specialization = Specialization::from_fn(3, 5, |r, p| r == 0 || p % 2 == r % 2);
        let proximity = proximity(&specialization);
        let density = density(&specialization, &proximity, Diagonal::Excluded);
        for product in 0..5 {
            assert!((density.get(0, product).expect("related") - 1.0).abs() < 1e-15);
        }
    }
}
