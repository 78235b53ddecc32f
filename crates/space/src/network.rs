//! The product space as a network: its skeleton, how coherent regions are in it, and how nested it is.
//!
//! ```text
//! coherence[r] = sum over p of s[r,p] * (sum over q != p of phi[p,q] s[r,q]) / (sum over q != p of s[r,q])
//!                                                  Nesta & Saviotti (2005), with s the shares of what r exports
//! NODF         = 100 * mean over pairs with k[a] > k[b] of (shared / k[b]), pairs of equal degree counting 0,
//!                over rows, over columns, and over both                Almeida-Neto et al. (2008)
//! ```

use crate::co_occurrence::CoOccurrence;
use crate::relatedness::Relatedness;
use crate::sums::{SumsAround, shares, weighted_sums};
use crate::{Exports, Specialization};
use rayon::prelude::*;

/// A pair of products and their relatedness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The product with the lower index.
    pub p: usize,
    /// The other.
    pub q: usize,
    /// Their relatedness.
    pub value: f64,
    /// Whether it belongs to the maximum spanning tree.
    pub is_in_tree: bool,
}

/// Where relatedness has two directions, a link has the larger. The links of the maximum spanning tree (of each part that hangs together), and every link at or above
/// `threshold`, in the order of their products. Links of relatedness 0 or less are none. Of equal links the tree
/// takes the one with the lower indices.
pub fn backbone(relatedness: &Relatedness, threshold: f64) -> Vec<Link> {
    let n = relatedness.n_products();
    let mut parent: Vec<Option<usize>> = vec![None; n];
    let mut best = vec![f64::NEG_INFINITY; n];
    let mut is_done = vec![false; n];
    // Prim (1957): the matrix is dense, so no heap is needed.
    for _ in 0..n {
        let next = (0..n)
            .filter(|&p| !is_done[p])
            .max_by(|&a, &b| best[a].total_cmp(&best[b]).then(b.cmp(&a)));
        let Some(p) = next else { break };
        is_done[p] = true;
        for (q, value) in relatedness.either_way(p).iter().copied().enumerate() {
            if !is_done[q] && value > 0.0 && value > best[q] {
                best[q] = value;
                parent[q] = Some(p);
            }
        }
    }
    let is_in_tree = |p: usize, q: usize| parent[p] == Some(q) || parent[q] == Some(p);
    let links: Vec<Vec<Link>> = (0..n)
        .into_par_iter()
        .map(|p| {
            cancel::check();
            let row = relatedness.either_way(p);
            let row = row.iter().copied().enumerate().skip(p + 1);
            row.map(|(q, value)| Link { p, q, value, is_in_tree: is_in_tree(p, q) })
                .filter(|link| link.is_in_tree || link.value >= threshold && link.value > 0.0)
                .collect()
        })
        .collect();
    links.into_iter().flatten().collect()
}

/// Coherence of each region: how related the products are that make up its exports, in units of the relatedness.
/// `None` for a region with fewer than two products.
///
/// # Panics
///
/// If the two were not made for the same products.
pub fn coherence(exports: &Exports, relatedness: &Relatedness) -> Vec<Option<f64>> {
    assert_eq!(exports.n_products(), relatedness.n_products(), "the same products");
    let [around] = weighted_sums(relatedness, &shares(exports));
    of_shares(exports, &around)
}

impl SumsAround {
    /// [`coherence()`] of the exports and relatedness that were summed.
    pub fn coherence(&self, exports: &Exports) -> Vec<Option<f64>> {
        of_shares(exports, &self.shares)
    }
}

/// Coherence of what the shares of each region add up to around each product.
fn of_shares(exports: &Exports, around: &[f64]) -> Vec<Option<f64>> {
    let n = exports.n_products();
    (0..exports.n_regions())
        .into_par_iter()
        .map(|region| {
            let around = &around[region * n..][..n];
            let shares: Vec<(usize, f64)> = exports.shares_of(region).collect();
            (shares.len() > 1).then(|| {
                shares
                    .iter()
                    .map(|&(p, share)| {
                        // What is left of all but one product may be less than rounding.
                        let others = 1.0 - share;
                        if others > 0.0 { share * around[p] / others } else { 0.0 }
                    })
                    .sum()
            })
        })
        .collect()
}

/// Nestedness by overlap and decreasing fill, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nestedness {
    /// Over pairs of regions.
    pub regions: f64,
    /// Over pairs of products.
    pub products: f64,
    /// Over both.
    pub all: f64,
}

/// NODF of the regions and products that have anything; `None` with fewer than two of either.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
pub fn nestedness(specialization: &Specialization) -> Option<Nestedness> {
    let (products, n_products) = overlap(specialization)?;
    let (regions, n_regions) = overlap(&specialization.transposed())?;
    let mean = |sum: f64, n: usize| 100.0 * sum / n as f64;
    Some(Nestedness {
        regions: mean(regions, n_regions),
        products: mean(products, n_products),
        all: mean(regions + products, n_regions + n_products),
    })
}

/// Sum of the overlaps of pairs of columns, and how many pairs there are.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
fn overlap(m: &Specialization) -> Option<(f64, usize)> {
    let degrees: Vec<usize> = (0..m.n_products()).map(|p| m.ubiquity(p)).collect();
    let active: Vec<usize> = (0..degrees.len()).filter(|&p| degrees[p] > 0).collect();
    let n = active.len();
    let shared = CoOccurrence::of(m.clone());
    let parts: Vec<f64> = active
        .par_iter()
        .enumerate()
        .map(|(at, &p)| {
            cancel::check();
            let mut with_later = vec![0.0; degrees.len() - p];
            shared.put(p, p, &mut with_later);
            active[at + 1..]
                .iter()
                .filter(|&&q| degrees[p] != degrees[q])
                .map(|&q| with_later[q - p] / degrees[p].min(degrees[q]) as f64)
                .sum()
        })
        .collect();
    (n > 1).then(|| (parts.iter().sum(), n * (n - 1) / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relatedness::proximity;
    use proptest::prelude::*;

    #[test]
    fn tree_takes_the_closest_and_strong_links_join_it() {
        let pairs = [(0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.7), (3, 4, 0.2), (0, 3, 0.1)];
        let phi = Relatedness::from_pairs(6, pairs).expect("valid");
        let found: Vec<_> = backbone(&phi, 0.65).iter().map(|l| (l.p, l.q, l.is_in_tree)).collect();
        let expected = [(0, 1, true), (0, 2, false), (0, 3, true), (1, 2, true), (3, 4, true)];
        assert_eq!(found, expected);
    }

    #[test]
    fn coherence_by_hand() {
        let phi = Relatedness::from_pairs(3, [(0, 1, 0.5), (1, 2, 0.2)]).expect("valid");
        let exports =
            Exports::new(3, 3, vec![1.0, 1.0, 2.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0]).expect("valid");
        // p0: (.25*.5)/.75; p1: (.25*.5 + .5*.2)/.75; p2: (.25*.2)/.5.
        let expected = 0.25 * 0.125 / 0.75 + 0.25 * 0.225 / 0.75 + 0.5 * 0.05 / 0.5;
        let found = coherence(&exports, &phi);
        assert!((found[0].expect("three products") - expected).abs() < 1e-15);
        assert_eq!(found[1..], [None, None]);
    }

    #[test]
    fn triangle_is_perfectly_nested_and_a_diagonal_is_not() {
        let triangle = Specialization::from_fn(4, 4, |r, p| r + p < 4);
        let found = nestedness(&triangle).expect("pairs");
        assert!((found.all - 100.0).abs() < 1e-12);
        let diagonal = Specialization::from_fn(4, 4, |r, p| r == p);
        assert!(nestedness(&diagonal).expect("pairs").all.abs() < 1e-12);
        assert_eq!(nestedness(&Specialization::from_fn(2, 2, |r, p| r + p == 0)), None);
        // The worked matrix of Almeida-Neto et al. (2008), figure 1: NODF 58.33 of 5 x 5.
        let rows =
            [[1, 0, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]];
        let found =
            nestedness(&Specialization::from_fn(5, 5, |r, p| rows[r][p] == 1)).expect("pairs");
        assert!((found.all - 58.333_333_3).abs() < 1e-6, "{found:?}");
    }

    proptest! {
        #[test]
        fn tree_spans_each_part_once(cells in prop::collection::vec(any::<bool>(), 6 * 12)) {
            let phi = proximity(&Specialization::from_fn(6, 12, |r, p| cells[r * 12 + p]));
            let links = backbone(&phi, 2.0);
            // Parts by union, and no link closes a circle.
            let mut part: Vec<usize> = (0..12).collect();
            for link in &links {
                let (a, b) = (part[link.p], part[link.q]);
                prop_assert!(a != b && link.is_in_tree);
                part.iter_mut().filter(|x| **x == b).for_each(|x| *x = a);
            }
            for p in 0..12 {
                for q in 0..12 {
                    prop_assert!(part[p] == part[q] || phi.get(p, q) <= 0.0);
                }
            }
        }
    }
}
