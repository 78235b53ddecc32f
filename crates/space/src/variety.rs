//! Variety of one region's exports, over products or destinations.
//!
//! With shares `s[p]` of products that nest in groups `g`, and `S[g]` the share of a group,
//!
//! ```text
//! H    = - sum over p of s[p] log2 s[p]                   entropy
//! UV   = - sum over g of S[g] log2 S[g]                   unrelated variety
//! RV   = sum over g of S[g] * H[g]                        related variety
//! H[g] = - sum over p in g of (s[p]/S[g]) log2 (s[p]/S[g])
//! ```
//!
//! so that `H = UV + RV` exactly (Frenken, Van Oort & Verburg 2007). Three tiers take the entropies at
//! two, four and six digits and their differences (Castaldi, Frenken & Los 2015).
//!
//! Around one product `p`, with `phi` the relatedness and `w[p,q]` its row divided by its sum:
//!
//! ```text
//! group entropy       entropy of what the region exports within the group of p, p itself left out
//! weighted entropy    - sum over q != p of w[p,q] s[q] log2 s[q]
//! unrelated entropy   entropy of what the region exports and is not related to p, p itself left out
//! ```
//!
//! Group and unrelated entropy are of shares in the part that they look at, which add up to 1; weighted entropy is a weighted mean
//! of terms of the whole.
//!
//! # Conventions
//!
//! * In bits; divide by log2(e) for nats. `0 log 0 = 0`. One product: 0. No exports: `None`.

use crate::Exports;
use crate::relatedness::{Neighbourhoods, Relatedness};
use crate::sums::{SumsAround, WeightedList, shares_and_terms, weighted_sums};
use rayon::prelude::*;

/// Entropy in bits of the groups that `group` puts the products in; `group[p]` counts from 0.
///
/// With every product its own group, this is the entropy of products. `None` without exports.
///
/// # Panics
///
/// If `group` is shorter than `exports`.
pub fn entropy(exports: &[f64], group: &[usize]) -> Option<f64> {
    let sums = group_sums(exports, group);
    let total: f64 = sums.iter().sum();
    (total > 0.0).then(|| {
        sums.iter()
            .filter(|&&x| x > 0.0)
            .map(|x| x / total)
            .map(|s| -s * s.log2())
            .sum::<f64>()
            .max(0.0)
    })
}

/// Related variety in bits of products (`fine` groups) within `coarse` groups; `None` without exports.
///
/// # Panics
///
/// If a group list is shorter than `exports`.
pub fn related_variety(exports: &[f64], fine: &[usize], coarse: &[usize]) -> Option<f64> {
    let fine_sums = group_sums(exports, fine);
    let coarse_sums = group_sums(exports, coarse);
    let total: f64 = coarse_sums.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let mut parent = vec![0; fine_sums.len()];
    for (&fine, &coarse) in fine.iter().zip(coarse) {
        parent[fine] = coarse;
    }
    let mut within = vec![0.0; coarse_sums.len()];
    for (&sum, &parent) in fine_sums.iter().zip(&parent) {
        if sum > 0.0 {
            let share = sum / coarse_sums[parent];
            within[parent] -= share * share.log2();
        }
    }
    let related: f64 = within.iter().zip(&coarse_sums).map(|(h, sum)| sum / total * h).sum();
    Some(related.max(0.0))
}

fn group_sums(exports: &[f64], group: &[usize]) -> Vec<f64> {
    let n_groups = group.iter().max().map_or(0, |last| last + 1);
    let mut sums = vec![0.0; n_groups];
    for (value, &group) in exports.iter().zip(group) {
        sums[group] += value;
    }
    sums
}

/// Entropies of each region around each product, in bits.
#[derive(Debug, Clone)]
pub struct Around {
    n_products: usize,
    is_active: Vec<bool>,
    /// NaN for none.
    group: Vec<f64>,
    weighted: Vec<f64>,
    is_isolated: Vec<bool>,
    /// NaN for none.
    unrelated: Vec<f64>,
}

/// A number, unless it is none.
fn number(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

impl Around {
    /// Entropy of the other products of the group of `product`; `None` where `region` exports none of them.
    pub fn group(&self, region: usize, product: usize) -> Option<f64> {
        number(self.group[region * self.n_products + product])
    }

    /// Entropy weighted by relatedness; `None` for a region without exports, or a product related to nothing.
    pub fn weighted(&self, region: usize, product: usize) -> Option<f64> {
        (self.is_active[region] && !self.is_isolated[product])
            .then(|| self.weighted[region * self.n_products + product])
    }

    /// Entropy of the products that are not related to `product`; `None` where `region` exports none of them.
    pub fn unrelated(&self, region: usize, product: usize) -> Option<f64> {
        number(self.unrelated[region * self.n_products + product])
    }
}

/// Computes the entropies of every region around every product, itself left out: `n_regions` x `n_products`. What is not
/// among `related` is unrelated.
///
/// # Panics
///
/// If the arguments are not of the same products.
pub fn entropies_around(
    exports: &Exports,
    group: &[usize],
    relatedness: &Relatedness,
    related: &Neighbourhoods,
) -> Around {
    assert_eq!(relatedness.n_products(), exports.n_products(), "the same products");
    let lists = shares_and_terms(exports);
    let term = |&(product, [_, term]): &(usize, [f64; 2])| (product, [term]);
    let terms: Vec<WeightedList<1>> =
        lists.iter().map(|list| list.iter().map(term).collect()).collect();
    let [weighted] = weighted_sums(relatedness, &terms);
    around_of(weighted, &lists, exports, group, relatedness, related)
}

impl SumsAround {
    /// [`entropies_around()`] of the exports and relatedness that were summed.
    ///
    /// # Panics
    ///
    /// If the arguments are not of the same products.
    pub fn entropies(
        &self,
        exports: &Exports,
        group: &[usize],
        relatedness: &Relatedness,
        related: &Neighbourhoods,
    ) -> Around {
        let lists = shares_and_terms(exports);
        around_of(self.terms.clone(), &lists, exports, group, relatedness, related)
    }
}

/// The entropies, with what the terms of each region add up to around each product, and its shares and terms.
fn around_of(
    mut weighted: Vec<f64>,
    lists: &[WeightedList<2>],
    exports: &Exports,
    group: &[usize],
    relatedness: &Relatedness,
    related: &Neighbourhoods,
) -> Around {
    let n = exports.n_products();
    assert!(group.len() == n && related.n_products() == n, "the same products");
    let row_sums: Vec<f64> = (0..n).map(|p| relatedness.sum(p)).collect();
    let n_groups = group.iter().max().map_or(0, |last| last + 1);
    let (mut unrelated, mut of_groups) =
        (vec![f64::NAN; weighted.len()], vec![f64::NAN; weighted.len()]);
    weighted
        .par_chunks_exact_mut(n.max(1))
        .zip(unrelated.par_chunks_exact_mut(n.max(1)))
        .zip(of_groups.par_chunks_exact_mut(n.max(1)))
        .enumerate()
        .for_each(|(region, ((weighted, unrelated), of_groups))| {
            cancel::check();
            for (value, sum) in weighted.iter_mut().zip(&row_sums) {
                *value = if *sum > 0.0 { *value / sum } else { 0.0 };
            }
            unrelated_entropies(&lists[region], related, unrelated);
            group_entropies(exports.row(region), group, n_groups, of_groups);
        });
    Around {
        n_products: n,
        is_active: exports.region_totals().iter().map(|&x| x > 0.0).collect(),
        group: of_groups,
        weighted,
        is_isolated: row_sums.iter().map(|&sum| sum <= 0.0).collect(),
        unrelated,
    }
}

/// Puts the entropy of what is not related to each product, of a region with these shares and terms; leaves those that have
/// none as they are.
fn unrelated_entropies(list: &[(usize, [f64; 2])], related: &Neighbourhoods, into: &mut [f64]) {
    if list.is_empty() {
        return;
    }
    // What is near each product and the product itself, and then what is not.
    let mut near = vec![[0.0; 2]; into.len()];
    for &(q, [share, term]) in list {
        for &p in related.around(q).0 {
            let [shares, terms] = &mut near[p as usize];
            *shares += share;
            *terms += term;
        }
    }
    let mut own = vec![[0.0; 2]; into.len()];
    list.iter().for_each(|&(q, of_product)| own[q] = of_product);
    let all = list.iter().fold(0.0, |sum, (_, [_, term])| sum + term);
    for (p, (into, ([near_shares, near_terms], [own_share, own_term]))) in
        into.iter_mut().zip(near.iter().zip(&own)).enumerate()
    {
        let share = 1.0 - own_share - near_shares;
        let term = all - own_term - near_terms;
        let found = share.log2() + term / share;
        // Where hardly anything is left, or one product of it, rounding takes the rest: sum it anew.
        if share > 1e-6 && found > 1e-6 {
            *into = found;
        } else if let Some(found) = entropy_of_unrelated(list, p, related.of(p)) {
            *into = found;
        }
    }
}

/// Entropy of the products of a region's `shares` that are neither `product` nor `related` to it, both ascending; `None` without
/// any.
fn entropy_of_unrelated(
    shares: &[(usize, [f64; 2])],
    product: usize,
    related: &[(usize, f64)],
) -> Option<f64> {
    let mut near = related.iter().map(|(q, _)| *q).peekable();
    let mut rest = Vec::new();
    for &(q, [share, _]) in shares {
        while near.next_if(|at| *at < q).is_some() {}
        if q != product && near.peek() != Some(&q) {
            rest.push(share);
        }
    }
    let sum: f64 = rest.iter().sum();
    (sum > 0.0).then(|| rest.iter().map(|s| -s / sum * (s / sum).log2()).sum::<f64>().max(0.0))
}

/// Puts for each product the entropy of its group without it; leaves those that have none as they are.
fn group_entropies(exports: &[f64], group: &[usize], n_groups: usize, into: &mut [f64]) {
    // The entropy of a group without one product follows from the sums of x and of x log2 x.
    let (mut sums, mut logs) = (vec![0.0; n_groups], vec![0.0; n_groups]);
    let mut sizes = vec![0usize; n_groups];
    for (x, &g) in exports.iter().zip(group).filter(|(x, _)| **x > 0.0) {
        sums[g] += x;
        logs[g] += x * x.log2();
        sizes[g] += 1;
    }
    // A product that is not exported leaves its group as it is: one number for all of them.
    let whole: Vec<f64> = (0..n_groups)
        .map(|g| match sizes[g] {
            0 => f64::NAN,
            1 => 0.0,
            _ => (sums[g].log2() - logs[g] / sums[g]).max(0.0),
        })
        .collect();
    for (at, (into, (&x, &g))) in into.iter_mut().zip(exports.iter().zip(group)).enumerate() {
        if x <= 0.0 {
            *into = whole[g];
            continue;
        }
        let sum = sums[g] - x;
        *into = match sizes[g] - 1 {
            0 => f64::NAN,
            1 => 0.0,
            _ if sum > 1e-6 * sums[g] => (sum.log2() - (logs[g] - x * x.log2()) / sum).max(0.0),
            // Where one product is nearly all of its group, rounding takes the rest: sum it anew.
            _ => {
                let rest = || {
                    let of_group = exports.iter().zip(group).enumerate();
                    of_group
                        .filter(|&(q, (y, h))| q != at && *h == g && *y > 0.0)
                        .map(|(_, (y, _))| *y)
                };
                let sum: f64 = rest().sum();
                rest().map(|y| -y / sum * (y / sum).log2()).sum::<f64>().max(0.0)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 010101, 010102, 010201, 840101, 840102: vector 1 of the methodology.
    const EXPORTS: [f64; 5] = [40.0, 10.0, 20.0, 20.0, 10.0];
    const HS6: [usize; 5] = [0, 1, 2, 3, 4];
    const HS4: [usize; 5] = [0, 0, 1, 2, 2];
    const HS2: [usize; 5] = [0, 0, 0, 1, 1];

    fn check(found: Option<f64>, expected: f64) {
        let found = found.expect("there are exports");
        assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
    }

    #[test]
    fn worked_example() {
        check(entropy(&EXPORTS, &HS6), 2.121_928_094_887_362_4);
        check(entropy(&EXPORTS, &HS2), 0.881_290_899_230_692_7);
        check(related_variety(&EXPORTS, &HS6, &HS2), 1.240_637_195_656_669_7);
        check(related_variety(&EXPORTS, &HS4, &HS2), 0.604_184_397_996_641_7);
        check(related_variety(&EXPORTS, &HS6, &HS4), 0.636_452_797_660_028);
    }

    #[test]
    fn nothing_has_no_variety_and_one_product_has_none() {
        assert_eq!(entropy(&[0.0, 0.0], &[0, 1]), None);
        assert_eq!(related_variety(&[0.0], &[0], &[0]), None);
        check(entropy(&[0.0, 5.0], &[0, 1]), 0.0);
    }

    #[test]
    fn entropies_around_a_product_by_hand() {
        let phi =
            Relatedness::from_pairs(5, [(0, 1, 0.6), (0, 3, 0.2), (1, 2, 0.5)]).expect("valid");
        let exports =
            Exports::new(3, 5, [&EXPORTS[..], &[0.0; 5], &[5.0, 0.0, 0.0, 0.0, 0.0]].concat())
                .expect("valid");
        let around = entropies_around(&exports, &HS2, &phi, &phi.at_least(0.5));
        // Chapter 01 without 010101: 10 and 20 of 30.
        let two = |a: f64, b: f64| -(a * a.log2() + b * b.log2());
        check(around.group(0, 0), two(1.0 / 3.0, 2.0 / 3.0));
        check(around.group(0, 3), 0.0);
        let h = |s: f64| -s * s.log2();
        check(around.weighted(0, 0), 0.75 * h(0.1) + 0.25 * h(0.2));
        assert_eq!(around.weighted(0, 4), None, "related to nothing");
        // All but 010101 and, at 0.6 of it, 010102: 20, 20 and 10 of 50.
        check(around.unrelated(0, 0), 2.0 * h(0.4) + h(0.2));
        assert_eq!(
            (around.weighted(1, 0), around.unrelated(1, 0), around.group(1, 0)),
            (None, None, None)
        );
        let groups = [0, 1, 3].map(|p| around.group(2, p));
        assert_eq!(groups, [None, Some(0.0), None], "one product alone, beside it, and elsewhere");
        let unrelated = [0, 1, 3].map(|p| around.unrelated(2, p));
        assert_eq!(unrelated, [None, None, Some(0.0)], "itself, related, and unrelated");
    }

    proptest! {
        #[test]
        fn unrelated_entropy_is_that_of_the_rest(
            exports in prop::collection::vec(prop_oneof![Just(0.0), 1e-9f64..1.0, 1.0f64..1e9], 12),
            pairs in prop::collection::vec((0usize..12, 0usize..12, 0.1f64..1.0), 0..40),
        ) {
            let pairs = pairs.into_iter().filter(|(p, q, _)| p < q);
            let phi = Relatedness::from_pairs(12, pairs).expect("valid");
            let related = phi.at_least(0.5);
            let of = Exports::new(1, 12, exports.clone()).expect("valid");
            let around = entropies_around(&of, &[0; 12], &phi, &related);
            for p in 0..12 {
                let mut rest = exports.clone();
                rest[p] = 0.0;
                related.of(p).iter().for_each(|(q, _)| rest[*q] = 0.0);
                match (around.unrelated(0, p), entropy(&rest, &(0..12).collect::<Vec<_>>())) {
                    (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-8, "{found} {expected}"),
                    (found, expected) => prop_assert_eq!(found, expected),
                }
            }
        }

        #[test]
        fn entropy_is_unrelated_plus_related(exports in prop::collection::vec(0.0f64..1e9, 24)) {
            let fine: Vec<usize> = (0..24).collect();
            let coarse: Vec<usize> = (0..24).map(|p| p / 5).collect();
            if let Some(h) = entropy(&exports, &fine) {
                let uv = entropy(&exports, &coarse).unwrap();
                let rv = related_variety(&exports, &fine, &coarse).unwrap();
                prop_assert!((h - uv - rv).abs() < 1e-12);
                prop_assert!(h <= 24f64.log2() + 1e-12);
            }
        }
    }
}
