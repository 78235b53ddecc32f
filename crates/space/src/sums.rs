//! What lists of products add up to around each product, by relatedness: all lists in one pass, so that how related two
//! products are is computed once for all of them.

use crate::Exports;
use crate::kernel::{self, BLOCK, Block, Entries, N_STRIPS, STRIP, Strip, TILE};
use crate::rca::Specialization;
use crate::relatedness::{Line, Relatedness};
use rayon::prelude::*;

/// Lists of products, tile after tile.
#[derive(Debug)]
pub(crate) struct Lists {
    n_lists: usize,
    /// Where the entries of each list begin, tile after tile, and where the last end.
    starts: Vec<usize>,
    /// The place in its tile of the product of each entry.
    places: Vec<u8>,
}

impl Lists {
    /// Of lists of products below `n`, which ascend; `product` gives that of an entry of a list. `met` is called with each entry, in
    /// their order here.
    fn new<'l, E: 'l>(
        n: usize,
        lists: impl Iterator<Item = &'l [E]>,
        product: impl Fn(&E) -> usize,
        mut met: impl FnMut(&'l E),
    ) -> Self {
        let mut rest: Vec<&[E]> = lists.collect();
        let mut starts = Vec::with_capacity(n.div_ceil(TILE) * rest.len() + 1);
        let mut places = Vec::with_capacity(rest.iter().map(|list| list.len()).sum());
        for first in (0..n).step_by(TILE) {
            for list in &mut rest {
                starts.push(places.len());
                let n_here = list.partition_point(|entry| product(entry) < first + TILE);
                let (here, later) = list.split_at(n_here);
                *list = later;
                for entry in here {
                    places.push(u8::try_from(product(entry) - first).unwrap_or(u8::MAX));
                    met(entry);
                }
            }
        }
        starts.push(places.len());
        Self { n_lists: rest.len(), starts, places }
    }

    /// Of lists of products below `n`, which ascend.
    pub(crate) fn of<'l>(n: usize, lists: impl Iterator<Item = &'l [usize]>) -> Self {
        Self::new(n, lists, |&product| product, |_| {})
    }

    /// No lists.
    fn none(n: usize) -> Self {
        Self::of(n, std::iter::empty())
    }

    /// What regions are specialised in.
    pub(crate) fn held(m: &Specialization) -> Self {
        Self::of(m.n_products(), (0..m.n_regions()).map(|region| m.products(region)))
    }

    /// The entries of a tile, and which of all they are.
    fn entries(&self, tile: usize) -> (Vec<usize>, std::ops::Range<usize>) {
        let starts = &self.starts[tile * self.n_lists..][..=self.n_lists];
        let (first, last) = (starts[0], starts[self.n_lists]);
        (starts.iter().map(|at| at - first).collect(), first..last)
    }
}

/// Lists of products with `K` weights each, of which each gives a sum.
#[derive(Debug)]
pub(crate) struct Weighted<const K: usize> {
    lists: Lists,
    weights: Vec<[f64; K]>,
}

/// Weights of products, which ascend.
pub(crate) type WeightedList<const K: usize> = Vec<(usize, [f64; K])>;

impl<const K: usize> Weighted<K> {
    /// Of lists of products below `n`, which ascend, with their weights.
    pub(crate) fn of(n: usize, lists: &[WeightedList<K>]) -> Self {
        let mut weights = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        let slices = lists.iter().map(Vec::as_slice);
        let lists =
            Lists::new(n, slices, |(product, _)| *product, |(_, weight)| weights.push(*weight));
        Self { lists, weights }
    }
}

/// Which of two products comes first in the relatedness that is summed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Toward<'w> {
    /// `phi[p,q]`: of the product around which is summed to those of the list.
    List,
    /// `phi[q,p] w[q]`, with a worth of each product.
    Product(&'w [f64]),
}

/// The sums of a block, strip after strip, list after list.
struct BlockSums<const K: usize> {
    plain: Vec<Strip>,
    weighted: Vec<[Strip; K]>,
}

/// `sum over q of phi[p,q]` for each list of `plain` and `sum over (q, w) of w phi[p,q]` for each list and weight of `weighted`, for
/// each p, list after list; or what `toward` says in place of `phi[p,q]`.
pub(crate) fn sums<const K: usize>(
    relatedness: &Relatedness,
    toward: Toward<'_>,
    plain: &Lists,
    weighted: &Weighted<K>,
) -> (Vec<f64>, [Vec<f64>; K]) {
    let n = relatedness.n_products();
    let of_block = |block: usize| block_sums(relatedness, block, toward, plain, weighted);
    let blocks: Vec<BlockSums<K>> = (0..n.div_ceil(BLOCK)).into_par_iter().map(of_block).collect();
    let n_plain = plain.n_lists;
    let n_weighted = weighted.lists.n_lists;
    let all = |n_lists: usize, strip: &(dyn Fn(&BlockSums<K>, usize) -> Strip + Sync)| {
        let mut all = vec![0.0; n_lists * n];
        all.par_chunks_exact_mut(n.max(1)).enumerate().for_each(|(list, row)| {
            for (part, block) in row.chunks_mut(BLOCK).zip(&blocks) {
                for (at, part) in part.chunks_mut(STRIP).enumerate() {
                    part.copy_from_slice(&strip(block, at * n_lists + list)[..part.len()]);
                }
            }
        });
        all
    };
    let of_plain = all(n_plain, &|block, at| block.plain[at]);
    let of_weighted = std::array::from_fn(|k| all(n_weighted, &|block, at| block.weighted[at][k]));
    (of_plain, of_weighted)
}

/// What lists without weights add up to, list after list.
pub(crate) fn plain_sums(relatedness: &Relatedness, toward: Toward<'_>, lists: &Lists) -> Vec<f64> {
    let none = Weighted::<0> { lists: Lists::none(relatedness.n_products()), weights: Vec::new() };
    sums(relatedness, toward, lists, &none).0
}

/// What lists with weights add up to, by weight, list after list.
pub(crate) fn weighted_sums<const K: usize>(
    relatedness: &Relatedness,
    lists: &[WeightedList<K>],
) -> [Vec<f64>; K] {
    let n = relatedness.n_products();
    sums(relatedness, Toward::List, &Lists::none(n), &Weighted::of(n, lists)).1
}

/// What each region has around each product: what several measures are made of, summed in one pass over relatedness. The
/// product itself is left out.
#[derive(Debug, Clone)]
pub struct SumsAround {
    /// `sum over q of phi[p,q] M[r,q]`.
    pub(crate) held: Vec<f64>,
    /// `sum over q of phi[p,q] s[r,q]`.
    pub(crate) shares: Vec<f64>,
    /// `- sum over q of phi[p,q] s[r,q] log2 s[r,q]`.
    pub(crate) terms: Vec<f64>,
}

/// Sums relatedness over what each region is specialised in, and over its shares and the terms of their entropy.
///
/// # Panics
///
/// If the arguments are not of the same regions and products.
pub fn sums_around(
    specialization: &Specialization,
    exports: &Exports,
    relatedness: &Relatedness,
) -> SumsAround {
    let n = relatedness.n_products();
    assert!(
        specialization.n_products() == n
            && exports.n_products() == n
            && specialization.n_regions() == exports.n_regions(),
        "the same regions and products"
    );
    let weighted = Weighted::of(n, &shares_and_terms(exports));
    let (held, [shares, terms]) =
        sums(relatedness, Toward::List, &Lists::held(specialization), &weighted);
    SumsAround { held, shares, terms }
}

/// What each region exports, in ascending order of the products, each with its share and the term of its entropy.
pub(crate) fn shares_and_terms(exports: &Exports) -> Vec<WeightedList<2>> {
    let of_region = |region: usize| {
        let shares = exports.shares_of(region);
        shares.map(|(product, share)| (product, [share, -share * share.log2()])).collect()
    };
    (0..exports.n_regions()).into_par_iter().map(of_region).collect()
}

/// What each region exports, in ascending order of the products, each with its share.
pub(crate) fn shares(exports: &Exports) -> Vec<WeightedList<1>> {
    let of_region = |region: usize| {
        exports.shares_of(region).map(|(product, share)| (product, [share])).collect()
    };
    (0..exports.n_regions()).into_par_iter().map(of_region).collect()
}

fn block_sums<const K: usize>(
    relatedness: &Relatedness,
    block: usize,
    toward: Toward<'_>,
    plain: &Lists,
    weighted: &Weighted<K>,
) -> BlockSums<K> {
    let n = relatedness.n_products();
    let (n_plain, n_weighted) = (plain.n_lists, weighted.lists.n_lists);
    let mut of_plain = vec![[0.0; STRIP]; N_STRIPS * n_plain];
    let mut of_weighted = vec![[[0.0; STRIP]; K]; N_STRIPS * n_weighted];
    // The rows of a strip stand together.
    let mut strips = vec![[[0.0; STRIP]; 1 << u8::BITS]; N_STRIPS];
    let mut row: Block = [0.0; BLOCK];
    for (tile, first) in (0..n).step_by(TILE).enumerate() {
        cancel::check();
        for (at, q) in (first..n.min(first + TILE)).enumerate() {
            match toward {
                Toward::List => relatedness.block(q, block, Line::Column, &mut row),
                Toward::Product(worth) => {
                    relatedness.block(q, block, Line::Row, &mut row);
                    row.iter_mut().for_each(|value| *value *= worth[q]);
                }
            }
            for (strip, part) in strips.iter_mut().zip(row.as_chunks::<STRIP>().0) {
                strip[at] = *part;
            }
        }
        let (starts, range) = plain.entries(tile);
        let plain_entries = Entries { starts: &starts, places: &plain.places[range] };
        let (starts, range) = weighted.lists.entries(tile);
        let places = &weighted.lists.places[range.clone()];
        let (entries, weights) = (Entries { starts: &starts, places }, &weighted.weights[range]);
        for (at, rows) in strips.iter().enumerate() {
            let sums = &mut of_plain[at * n_plain..][..n_plain];
            kernel::add_rows(sums, plain_entries, rows);
            let sums = &mut of_weighted[at * n_weighted..][..n_weighted];
            kernel::add_weighted(sums, entries, weights, rows);
        }
    }
    BlockSums { plain: of_plain, weighted: of_weighted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Specialization, relatedness};
    use proptest::prelude::*;

    /// Four by four within each tile and then one by one, as all sums of floats here are made.
    fn by_hand(list: &[(usize, f64)], of: impl Fn(usize) -> f64) -> f64 {
        let mut sum = 0.0;
        for tile in list.chunk_by(|(a, _), (b, _)| a / TILE == b / TILE) {
            let (fours, rest) = tile.as_chunks::<4>();
            for [a, b, c, d] in fours {
                let [a, b, c, d] = [a, b, c, d].map(|(q, w)| w * of(*q));
                sum += (a + b) + (c + d);
            }
            rest.iter().for_each(|(q, w)| sum += w * of(*q));
        }
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn blocks_and_tiles_leave_nothing_out_and_change_no_bit(
            n in 1..(2 * TILE + 2 * BLOCK), n_regions in 1usize..300, seed in 1usize..1000, step in 1usize..5,
        ) {
            let has = |r: usize, p: usize| (p * 31 + r * r * seed + r * p) % 11 < 3;
            let m = Specialization::from_fn(n_regions, n, has);
            let weight = |q: usize| 1.0 / f64::from(u32::try_from(q + 3).expect("small"));
            let worth: Vec<f64> = (0..n).map(|q| weight(q) - 0.1).collect();
            let lists: Vec<Vec<usize>> = vec![
                (0..n).collect(),
                (0..n).filter(|q| q % (step + 1) == 0).collect(),
                Vec::new(),
            ];
            let weighted: Vec<WeightedList<2>> = lists
                .iter()
                .map(|list| list.iter().map(|&q| (q, [weight(q), -0.5])).collect())
                .collect();
            let plain = Lists::of(n, lists.iter().map(Vec::as_slice));
            for measure in [Measure::Conditional, Measure::Proximity] {
                let phi = relatedness(&m, measure);
                let rows: Vec<_> = (0..n).map(|p| phi.row(p)).collect();
                let (ones, [of_first, of_second]) =
                    sums(&phi, Toward::List, &plain, &Weighted::of(n, &weighted));
                let worths = plain_sums(&phi, Toward::Product(&worth), &plain);
                for (at, list) in lists.iter().enumerate() {
                    for p in 0..n {
                        let with = |w: &dyn Fn(usize) -> f64| -> Vec<(usize, f64)> {
                            list.iter().map(|&q| (q, w(q))).collect()
                        };
                        let check = |found: &[f64], w: &dyn Fn(usize) -> f64, of: &dyn Fn(usize) -> f64| {
                            let expected = by_hand(&with(w), of);
                            assert_eq!(found[at * n + p].to_bits(), expected.to_bits(), "{measure:?} {at} {p}");
                        };
                        check(&ones, &|_| 1.0, &|q| rows[p][q]);
                        check(&of_first, &weight, &|q| rows[p][q]);
                        check(&of_second, &|_| -0.5, &|q| rows[p][q]);
                        check(&worths, &|q| worth[q], &|q| rows[q][p]);
                    }
                }
                for p in 0..n {
                    let expected: f64 = phi.row(p).iter().sum();
                    prop_assert_eq!(phi.sum(p).to_bits(), expected.to_bits());
                }
            }
        }
    }
}
