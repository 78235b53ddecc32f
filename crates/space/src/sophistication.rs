//! Sophistication: what incomes (or any attribute of regions) go with products, and regions by their products.
//!
//! With `s[r,p] = x[r,p] / x[r]` and `Y[r]` the income a head:
//!
//! ```text
//! PRODY[p] = sum over r of (s[r,p] / sum over r' of s[r',p]) Y[r]
//! EXPY[r]  = sum over p of s[r,p] PRODY[p]                           Hausmann, Hwang & Rodrik (2007)
//! PGI[p]   = sum over r of M[r,p] s[r,p] G[r] / sum over r of M[r,p] s[r,p]     Hartmann et al. (2017)
//! ```
//!
//! the last with the Gini of incomes `G`; with emissions in their place it is the product emission intensity index.
//!
//! # Conventions
//!
//! * Regions without the attribute are left out of both sums.
//! * A product of no region with the attribute has none; a region's shares are then taken over the products that
//!   have one, and [`Expy::coverage`] says how much of its exports they are.

use crate::{Exports, Specialization};

/// The attribute of regions that goes with each product, in its units; `None` where no region has it.
///
/// # Panics
///
/// If there is not an attribute for each region.
pub fn prody(exports: &Exports, attribute: &[Option<f64>]) -> Vec<Option<f64>> {
    weighted(exports, attribute, |_, _| true)
}

/// The same over the regions that are specialised in the product: PGI of Ginis, PEII of emissions.
///
/// # Panics
///
/// If the arguments are not of the same regions and products.
pub fn specialized_mean(
    exports: &Exports,
    specialization: &Specialization,
    attribute: &[Option<f64>],
) -> Vec<Option<f64>> {
    assert!(
        specialization.n_products() == exports.n_products()
            && specialization.n_regions() == exports.n_regions(),
        "the same regions and products"
    );
    weighted(exports, attribute, |r, p| specialization.get(r, p))
}

fn weighted(
    exports: &Exports,
    attribute: &[Option<f64>],
    counts: impl Fn(usize, usize) -> bool,
) -> Vec<Option<f64>> {
    assert_eq!(attribute.len(), exports.n_regions(), "an attribute for each region");
    let n = exports.n_products();
    let (mut sums, mut weights) = (vec![0.0; n], vec![0.0; n]);
    for (region, attribute) in attribute.iter().enumerate() {
        let total = exports.region_totals()[region];
        let Some(attribute) = attribute.filter(|_| total > 0.0) else { continue };
        for (product, x) in exports.row(region).iter().enumerate() {
            if *x > 0.0 && counts(region, product) {
                let share = x / total;
                sums[product] += share * attribute;
                weights[product] += share;
            }
        }
    }
    sums.iter().zip(&weights).map(|(sum, w)| (*w > 0.0).then(|| sum / w)).collect()
}

/// Sophistication of a region's exports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expy {
    /// Mean PRODY of its exports.
    pub value: f64,
    /// Share of its exports in products that have a PRODY.
    pub coverage: f64,
}

/// EXPY of each region, in units of `prody`; `None` for a region without exports that have one.
///
/// # Panics
///
/// If there is not a PRODY for each product.
pub fn expy(exports: &Exports, prody: &[Option<f64>]) -> Vec<Option<Expy>> {
    assert_eq!(prody.len(), exports.n_products(), "a PRODY for each product");
    (0..exports.n_regions())
        .map(|region| {
            let total = exports.region_totals()[region];
            let (mut sum, mut covered) = (0.0, 0.0);
            for (x, prody) in exports.row(region).iter().zip(prody) {
                if let Some(prody) = prody {
                    sum += x * prody;
                    covered += x;
                }
            }
            (covered > 0.0).then(|| Expy { value: sum / covered, coverage: covered / total })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_regions_by_hand() {
        // Shares: region 0 (.5, .5, 0), region 1 (.25, 0, .75); region 2 has no income.
        let values = vec![5.0, 5.0, 0.0, 1.0, 0.0, 3.0, 0.0, 0.0, 9.0];
        let exports = Exports::new(3, 3, values).expect("valid");
        let income = [Some(100.0), Some(400.0), None];
        let found = prody(&exports, &income);
        assert_eq!(found, [Some(200.0), Some(100.0), Some(400.0)]);
        let expy = expy(&exports, &found);
        assert_eq!(expy[0], Some(Expy { value: 150.0, coverage: 1.0 }));
        assert_eq!(expy[1], Some(Expy { value: 350.0, coverage: 1.0 }));
        let m = Specialization::from_fn(3, 3, |r, p| r == 0 && p == 0);
        assert_eq!(specialized_mean(&exports, &m, &income), [Some(100.0), None, None]);
    }

    #[test]
    fn what_has_no_prody_is_left_out_and_said() {
        let exports = Exports::new(2, 2, vec![1.0, 3.0, 0.0, 0.0]).expect("valid");
        let found = expy(&exports, &[Some(10.0), None]);
        assert_eq!(found, [Some(Expy { value: 10.0, coverage: 0.25 }), None]);
    }
}
