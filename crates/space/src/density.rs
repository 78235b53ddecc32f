//! Density: how much of what surrounds a product a region already has.
//!
//! ```text
//! density          omega[r,p] = sum over q of phi[p,q] M[r,q] / sum over q of phi[p,q]    Hidalgo et al. (2007)
//! value density    the same with shares s[r,q] = x[r,q] / x[r] in place of M
//! related mass     sum over q of phi[p,q] M[r,q]
//! related count    the number of q with M[r,q] = 1 and phi[p,q] at or above a threshold
//! nearest          density over the k products closest to p alone, weighted by phi; equally close ones share the last places
//! distance         1 - density
//! ```
//!
//! With [`Diagonal::Excluded`] the sums leave `q = p` out, so that the density of a product does not contain the
//! region's own presence in it.
//!
//! # Conventions
//!
//! * In `[0, 1]` for relatedness of zero or more; measures that can be negative are floored first:
//!   [`Relatedness::floored`].
//! * A product related to nothing has no density.

use crate::Exports;
use crate::rca::Specialization;
use crate::relatedness::{Diagonal, Neighbourhoods, Relatedness};
use crate::sums::{Lists, SumsAround, Toward, plain_sums, shares, weighted_sums};
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

    /// Mean density of `region` around the products that `keeps` says yes to and that have one; `None` without any.
    #[expect(clippy::cast_precision_loss, reason = "a count of products")]
    pub fn mean(&self, region: usize, keeps: impl Fn(usize) -> bool) -> Option<f64> {
        let (mut sum, mut n) = (0.0, 0usize);
        for product in (0..self.n_products).filter(|&p| keeps(p)) {
            if let Some(density) = self.get(region, product) {
                sum += density;
                n += 1;
            }
        }
        (n > 0).then(|| sum / n as f64)
    }
}

/// Sum of the relatedness of each product, with itself as `diagonal` says.
fn totals(relatedness: &Relatedness, diagonal: Diagonal) -> Vec<f64> {
    (0..relatedness.n_products())
        .map(|p| relatedness.sum(p) + relatedness.to_itself(p, diagonal))
        .collect()
}

/// Divides the sums of each region around each product, to which `put_own` adds what the region has of the product itself, by
/// what the product is related to in all.
fn divided(
    mut sums: Vec<f64>,
    relatedness: &Relatedness,
    diagonal: Diagonal,
    put_own: impl Fn(usize, &mut [f64]) + Sync,
) -> Density {
    let n_products = relatedness.n_products();
    let total = totals(relatedness, diagonal);
    sums.par_chunks_exact_mut(n_products.max(1)).enumerate().for_each(|(region, row)| {
        if diagonal == Diagonal::Included {
            put_own(region, row);
        }
        for (value, total) in row.iter_mut().zip(&total) {
            // Both sums are made of the same terms in another order: keep rounding inside the range.
            *value = if *total > 0.0 { (*value / total).clamp(0.0, 1.0) } else { 0.0 };
        }
    });
    let is_isolated = total.iter().map(|&total| total <= 0.0).collect();
    Density { n_products, values: sums, is_isolated }
}

/// Density of sums over what regions are specialised in.
fn of_held(
    sums: Vec<f64>,
    specialization: &Specialization,
    relatedness: &Relatedness,
    diagonal: Diagonal,
) -> Density {
    divided(sums, relatedness, diagonal, |region, row| {
        for &q in specialization.products(region) {
            row[q] += relatedness.to_itself(q, diagonal);
        }
    })
}

/// Density of sums over the shares of regions.
fn of_shares(
    sums: Vec<f64>,
    exports: &Exports,
    relatedness: &Relatedness,
    diagonal: Diagonal,
) -> Density {
    divided(sums, relatedness, diagonal, |region, row| {
        for (q, share) in exports.shares_of(region) {
            row[q] += share * relatedness.to_itself(q, diagonal);
        }
    })
}

/// Computes the density of every region around every product: `n_regions` x `n_products`, in `[0, 1]`.
///
/// # Panics
///
/// If the two were not made for the same products.
pub fn density(
    specialization: &Specialization,
    relatedness: &Relatedness,
    diagonal: Diagonal,
) -> Density {
    assert_eq!(specialization.n_products(), relatedness.n_products(), "the same products");
    let sums = plain_sums(relatedness, Toward::List, &Lists::held(specialization));
    of_held(sums, specialization, relatedness, diagonal)
}

/// Computes the value density: what a region exports counts by its share, without a threshold.
///
/// # Panics
///
/// If the two were not made for the same products.
pub fn value_density(exports: &Exports, relatedness: &Relatedness, diagonal: Diagonal) -> Density {
    assert_eq!(exports.n_products(), relatedness.n_products(), "the same products");
    let [sums] = weighted_sums(relatedness, &shares(exports));
    of_shares(sums, exports, relatedness, diagonal)
}

impl SumsAround {
    /// [`density()`] of the specialisation and relatedness that were summed.
    pub fn density(
        &self,
        specialization: &Specialization,
        relatedness: &Relatedness,
        diagonal: Diagonal,
    ) -> Density {
        of_held(self.held.clone(), specialization, relatedness, diagonal)
    }

    /// [`value_density()`] of the exports and relatedness that were summed.
    pub fn value_density(
        &self,
        exports: &Exports,
        relatedness: &Relatedness,
        diagonal: Diagonal,
    ) -> Density {
        of_shares(self.shares.clone(), exports, relatedness, diagonal)
    }

    /// [`surroundings()`] of the specialisation and relatedness that were summed.
    pub fn surroundings(
        &self,
        specialization: &Specialization,
        related: &Neighbourhoods,
    ) -> Surroundings {
        counted(self.held.clone(), specialization, related)
    }
}

/// The related products that a region has around each product.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    n_products: usize,
    mass: Vec<f64>,
    count: Vec<u32>,
}

impl Surroundings {
    /// Sum of the relatedness of `product` to the other products of `region`.
    pub fn mass(&self, region: usize, product: usize) -> f64 {
        self.mass[region * self.n_products + product]
    }

    /// How many other products of `region` are related to `product` at or above the threshold.
    pub fn count(&self, region: usize, product: usize) -> usize {
        self.count[region * self.n_products + product] as usize
    }
}

/// Computes related mass, and related count among `related`, the product itself left out: `n_regions` x `n_products`.
///
/// # Panics
///
/// If the arguments were not made for the same products.
pub fn surroundings(
    specialization: &Specialization,
    relatedness: &Relatedness,
    related: &Neighbourhoods,
) -> Surroundings {
    let n_products = relatedness.n_products();
    assert!(
        specialization.n_products() == n_products && related.n_products() == n_products,
        "the same products"
    );
    let mass = plain_sums(relatedness, Toward::List, &Lists::held(specialization));
    counted(mass, specialization, related)
}

fn counted(
    mass: Vec<f64>,
    specialization: &Specialization,
    related: &Neighbourhoods,
) -> Surroundings {
    let n_products = related.n_products();
    let mut count = vec![0; mass.len()];
    count.par_chunks_exact_mut(n_products.max(1)).enumerate().for_each(|(region, row)| {
        cancel::check();
        for &q in specialization.products(region) {
            let (around, _) = related.around(q);
            around.iter().for_each(|&p| row[p as usize] += 1);
        }
    });
    Surroundings { n_products, mass, count }
}

/// Computes the density over the products of `nearest` alone, weighted by relatedness: `n_regions` x `n_products`, in
/// `[0, 1]`.
///
/// # Panics
///
/// If the two were not made for the same products.
pub fn nearest_density(specialization: &Specialization, nearest: &Neighbourhoods) -> Density {
    let n_products = nearest.n_products();
    assert_eq!(specialization.n_products(), n_products, "the same products");
    let totals: Vec<f64> =
        (0..n_products).map(|p| nearest.of(p).iter().map(|(_, phi)| phi).sum()).collect();
    let mut values = vec![0.0; specialization.n_regions() * n_products];
    values.par_chunks_exact_mut(n_products.max(1)).enumerate().for_each(|(region, row)| {
        cancel::check();
        for &q in specialization.products(region) {
            let (around, phi) = nearest.around(q);
            around.iter().zip(phi).for_each(|(&p, phi)| row[p as usize] += phi);
        }
        for (value, total) in row.iter_mut().zip(&totals) {
            *value = if *total > 0.0 { (*value / total).min(1.0) } else { 0.0 };
        }
    });
    let is_isolated = totals.iter().map(|&total| total <= 0.0).collect();
    Density { n_products, values, is_isolated }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relatedness::proximity;
    use proptest::prelude::*;

    fn four_by_four() -> Specialization {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1)
    }

    #[track_caller]
    fn check(found: &Density, region: usize, expected: [f64; 4]) {
        for (product, expected) in expected.into_iter().enumerate() {
            let found = found.get(region, product).expect("not isolated");
            assert!((found - expected).abs() < 1e-6, "{product}: {found}, not {expected}");
        }
    }

    #[test]
    fn worked_example_under_both_conventions() {
        let m = four_by_four();
        let phi = proximity(&m);
        let included = density(&m, &phi, Diagonal::Included);
        check(&included, 2, [0.357_143, 0.357_143, 0.625, 0.714_286]);
        check(&density(&m, &phi, Diagonal::Excluded), 2, [0.625, 0.625, 0.4, 0.5]);
    }

    #[test]
    fn mass_count_and_nearest_of_the_worked_example() {
        let m = four_by_four();
        let phi = proximity(&m);
        // Region 2 has P3 and P4.
        let around = surroundings(&m, &phi, &phi.at_least(0.5));
        assert!((around.mass(2, 0) - (0.5 + 1.0 / 3.0)).abs() < 1e-15);
        let counts: Vec<usize> = (0..4).map(|p| around.count(2, p)).collect();
        assert_eq!(counts, [1, 1, 1, 1]);
        // Two nearest of P1: P2 and P3, of P4: P3 and, at 1/3, half of P1 and half of P2.
        check(&nearest_density(&m, &phi.nearest(2)), 2, [0.5, 0.5, 4.0 / 7.0, 2.0 / 3.0]);
        check(&nearest_density(&m, &phi.nearest(9)), 2, [0.625, 0.625, 0.4, 0.5]);
        assert_eq!(nearest_density(&m, &phi.nearest(0)).get(2, 0), None);
    }

    #[test]
    fn value_density_of_equal_shares_is_density_over_diversity() {
        let m = four_by_four();
        let phi = proximity(&m);
        let values = (0..16).map(|at| f64::from(u8::from(m.get(at / 4, at % 4)))).collect();
        let exports = Exports::new(4, 4, values).expect("valid");
        let found = value_density(&exports, &phi, Diagonal::Excluded);
        check(&found, 2, [0.625 / 2.0, 0.625 / 2.0, 0.2, 0.25]);
    }

    #[test]
    fn product_related_to_nothing_has_no_density() {
        let specialization = Specialization::from_fn(2, 2, |r, p| r == p);
        let proximity = proximity(&specialization);
        let density = density(&specialization, &proximity, Diagonal::Excluded);
        assert_eq!(density.get(0, 0), None);
        assert_eq!(density.mean(0, |_| true), None);
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

    #[test]
    fn equally_close_products_share_places() {
        // P0 is at 0.5 of P1, and at 0.2 of P2, P3 and P4, of which there is room for one.
        let pairs = [(0, 1, 0.5), (0, 2, 0.2), (0, 3, 0.2), (0, 4, 0.2)];
        let phi = Relatedness::from_pairs(5, pairs).expect("valid");
        let m = Specialization::from_fn(2, 5, |r, p| if r == 0 { p == 3 } else { p != 3 });
        let found = nearest_density(&m, &phi.nearest(2));
        let third = 0.2 / 3.0;
        for (region, expected) in [(0, third / 0.7), (1, (0.5 + 2.0 * third) / 0.7)] {
            let found = found.get(region, 0).expect("related");
            assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
        }
    }

    proptest! {
        #[test]
        fn the_nearest_do_not_depend_on_the_order_of_products(
            cells in prop::collection::vec(any::<bool>(), 7 * 15), k in 1usize..15, step in 1usize..15,
        ) {
            prop_assume!(step % 3 != 0 && step % 5 != 0);
            let other = |p: usize| (p * step + 4) % 15;
            let m = Specialization::from_fn(7, 15, |r, p| cells[r * 15 + p]);
            let moved = Specialization::from_fn(7, 15, |r, p| cells[r * 15 + other(p)]);
            let a = nearest_density(&m, &proximity(&m).nearest(k));
            let b = nearest_density(&moved, &proximity(&moved).nearest(k));
            for (r, p) in (0..7).flat_map(|r| (0..15).map(move |p| (r, p))) {
                match (a.get(r, other(p)), b.get(r, p)) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-13),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }

        #[test]
        fn between_zero_and_one_and_growing_with_what_a_region_has(
            cells in prop::collection::vec(any::<bool>(), 9 * 20), region in 0usize..9, product in 0usize..20,
        ) {
            let m = Specialization::from_fn(9, 20, |r, p| cells[r * 20 + p]);
            let phi = proximity(&m);
            let more = m.filtered(|_, _| true);
            let more = Specialization::from_fn(9, 20, |r, p| more.get(r, p) || (r, p) == (region, product));
            let (a, b) = (density(&m, &phi, Diagonal::Excluded), density(&more, &phi, Diagonal::Excluded));
            for p in 0..20 {
                if let (Some(a), Some(b)) = (a.get(region, p), b.get(region, p)) {
                    prop_assert!((0.0..=1.0).contains(&a) && b >= a - 1e-15);
                }
            }
        }
    }
}
