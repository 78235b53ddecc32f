//! Proximity: how often two products are specialised in by the same regions.
//!
//! With `M[r,p] = 1` where region `r` is specialised in product `p`, and `k[p]` the number of such
//! regions (the ubiquity of `p`),
//!
//! ```text
//! phi[p,q] = sum over r of M[r,p] * M[r,q]  /  max(k[p], k[q])
//! ```
//!
//! which is Hidalgo, Klinger, Barabasi & Hausmann (2007): the smaller of the two conditional
//! probabilities.
//!
//! # Conventions
//!
//! * `phi` is symmetric and lies in `[0, 1]`.
//! * A product that no region is specialised in has proximity 0 to all.
//! * Published tools disagree on whether a product is close to itself. Only pairs of different products
//!   are stored, and each use says what it takes `phi[p,p]` to be: see [`Diagonal`].

use crate::Specialization;
use rayon::prelude::*;

/// What a product is to itself where proximities are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagonal {
    /// It counts with proximity 1 if any region is specialised in it: py-ecomplexity,
    /// economiccomplexity.
    Included,
    /// It does not count: Stata's ecomplexity, EconGeo, econcomplex, Datawheel.
    Excluded,
}

/// Proximity of every pair of different products.
#[derive(Debug, Clone, PartialEq)]
pub struct Proximity {
    n_products: usize,
    /// Row after row, the diagonal 0.
    values: Vec<f64>,
    /// Whether a product has proximity 1 to itself under [`Diagonal::Included`].
    is_known: Vec<bool>,
}

/// A table of pairs that is no proximity.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProximityError {
    /// A product index beyond the matrix.
    #[error("product {product} is beyond the {n_products} products of the matrix")]
    Product {
        /// The index.
        product: usize,
        /// Products there are.
        n_products: usize,
    },
    /// A proximity that is none.
    #[error("invalid proximity {value} of products {p} and {q}: expected a number between 0 and 1")]
    Value {
        /// One product.
        p: usize,
        /// The other.
        q: usize,
        /// What was given.
        value: f64,
    },
}

impl Proximity {
    /// Proximities that were computed elsewhere. Pairs that are not given have proximity 0, each pair
    /// counts for both orders, and self-pairs only say that the product is known.
    ///
    /// # Errors
    ///
    /// [`ProximityError`] on an index beyond `n_products` or a value outside `[0, 1]`.
    pub fn from_pairs(
        n_products: usize,
        pairs: impl IntoIterator<Item = (usize, usize, f64)>,
    ) -> Result<Self, ProximityError> {
        let mut proximity = Self {
            n_products,
            values: vec![0.0; n_products * n_products],
            is_known: vec![false; n_products],
        };
        for (p, q, value) in pairs {
            if p.max(q) >= n_products {
                return Err(ProximityError::Product { product: p.max(q), n_products });
            }
            if !(0.0..=1.0).contains(&value) {
                return Err(ProximityError::Value { p, q, value });
            }
            proximity.is_known[p] = true;
            proximity.is_known[q] = true;
            if p != q {
                proximity.values[p * n_products + q] = value;
                proximity.values[q * n_products + p] = value;
            }
        }
        Ok(proximity)
    }

    /// Products there are.
    pub fn n_products(&self) -> usize {
        self.n_products
    }

    /// Proximity of two different products; of a product to itself, 0.
    pub fn get(&self, p: usize, q: usize) -> f64 {
        self.values[p * self.n_products + q]
    }

    /// Proximities of `product` to all, 0 to itself.
    pub fn row(&self, product: usize) -> &[f64] {
        &self.values[product * self.n_products..][..self.n_products]
    }

    /// Proximity of `product` to itself under `diagonal`.
    pub fn to_itself(&self, product: usize, diagonal: Diagonal) -> f64 {
        match diagonal {
            Diagonal::Included if self.is_known[product] => 1.0,
            Diagonal::Included | Diagonal::Excluded => 0.0,
        }
    }
}

/// Computes the proximity of every pair of products: `n_products` x `n_products`, in `[0, 1]`.
pub fn proximity(specialization: &Specialization) -> Proximity {
    let n_products = specialization.n_products();
    let ubiquity: Vec<usize> = (0..n_products).map(|p| specialization.ubiquity(p)).collect();
    let mut values = vec![0.0; n_products * n_products];
    // Counts of regions are small integers, exact as floats.
    #[expect(clippy::cast_precision_loss, reason = "counts of regions")]
    values.par_chunks_exact_mut(n_products.max(1)).enumerate().for_each(|(p, row)| {
        for (q, value) in row.iter_mut().enumerate() {
            let larger = ubiquity[p].max(ubiquity[q]);
            if p != q && ubiquity[p].min(ubiquity[q]) > 0 {
                *value = specialization.co_occurrence(p, q) as f64 / larger as f64;
            }
        }
    });
    Proximity { n_products, values, is_known: ubiquity.into_iter().map(|k| k > 0).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// C1:{P1..P4}, C2:{P2}, C3:{P3,P4}, C4:{P4}: vector 3 of the methodology.
    fn four_by_four() -> Specialization {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1)
    }

    fn check(p: usize, q: usize, expected: f64) {
        let found = proximity(&four_by_four()).get(p, q);
        assert!((found - expected).abs() < 1e-15, "phi[{p},{q}] = {found}");
    }

    #[test]
    fn worked_example() {
        check(0, 1, 0.5);
        check(0, 2, 0.5);
        check(1, 2, 0.5);
        check(0, 3, 1.0 / 3.0);
        check(1, 3, 1.0 / 3.0);
        check(2, 3, 2.0 / 3.0);
    }

    #[test]
    fn product_of_no_region_is_far_from_all() {
        let specialization = Specialization::from_fn(2, 3, |_, p| p < 2);
        let proximity = proximity(&specialization);
        assert_eq!(proximity.row(2), [0.0; 3]);
        assert_eq!(proximity.to_itself(2, Diagonal::Included).to_bits(), 0);
    }

    #[test]
    fn external_pairs_are_checked() {
        let error = Proximity::from_pairs(2, [(0, 1, 1.5)]).expect_err("above one");
        assert!(error.to_string().contains("expected a number between 0 and 1"), "{error}");
        assert!(Proximity::from_pairs(2, [(0, 2, 0.5)]).is_err());
    }

    proptest! {
        #[test]
        fn symmetric_and_between_zero_and_one(cells in prop::collection::vec(any::<bool>(), 7 * 70)) {
            let specialization = Specialization::from_fn(70, 7, |r, p| cells[r * 7 + p]);
            let phi = proximity(&specialization);
            for p in 0..7 {
                for q in 0..7 {
                    prop_assert_eq!(phi.get(p, q).to_bits(), phi.get(q, p).to_bits());
                    prop_assert!((0.0..=1.0).contains(&phi.get(p, q)));
                }
            }
        }
    }
}
