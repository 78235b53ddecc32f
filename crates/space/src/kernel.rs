//! The few loops in which all the time goes. Each output is computed by one thread in one order, so
//! the bits do not depend on the threads; instructions are chosen when it runs, without contracting
//! products and sums.
//!
//! Each loop is a struct of its arguments whose `call` is always inlined into the function that has
//! the wide instructions. A closure would not do: what calls a closure is a function of its own,
//! which is compiled for the oldest processors unless it happens to be inlined, and the larger loops
//! are not.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Products of a block of outputs: what is summed around them stays in the processor's own caches.
pub(crate) const BLOCK: usize = 64;

/// Products of a block whose sums are made together, in registers.
pub(crate) const STRIP: usize = 16;

/// Strips of a block.
pub(crate) const N_STRIPS: usize = BLOCK / STRIP;

/// Products that are summed at a time. They are added four by four, and what is left of a tile one by one: another number
/// would give other bits.
pub(crate) const TILE: usize = 128;

/// A value of each product of a block.
pub(crate) type Block = [f64; BLOCK];

/// A value of each product of a strip.
pub(crate) type Strip = [f64; STRIP];

/// The values of a strip for each product of a tile: as many as a byte tells apart, so that no place
/// needs to be looked at before it is taken.
pub(crate) type Rows = [Strip; 1 << u8::BITS];

/// Puts the number of regions that a product shares with each of the products from another on into `row`: `own` are its
/// regions, one bit a region, and `others` those of the others.
pub(crate) fn co_occurrences(own: &[u64], others: &[u64], row: &mut [f64]) {
    Arch::new().dispatch(CoOccurrences { own, others, row });
}

struct CoOccurrences<'a> {
    own: &'a [u64],
    others: &'a [u64],
    row: &'a mut [f64],
}

impl NullaryFnOnce for CoOccurrences<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { own, others, row } = self;
        // Plain loops here too: iterators are functions that are inlined or not.
        let n_words = own.len();
        for at in 0..row.len() {
            let other = &others[at * n_words..][..n_words];
            let mut n = 0u32;
            for word in 0..n_words {
                n += (own[word] & other[word]).count_ones();
            }
            row[at] = f64::from(n);
        }
    }
}

/// Counts in how many rows of `regions` each product of a block is, where `rows` has a 1 for those that are and a 0 for
/// others.
pub(crate) fn counts(rows: &[[u8; BLOCK]], regions: &[u32], into: &mut Block) {
    Arch::new().dispatch(Counts { rows, regions, into });
}

struct Counts<'a> {
    rows: &'a [[u8; BLOCK]],
    regions: &'a [u32],
    into: &'a mut Block,
}

impl NullaryFnOnce for Counts<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        /// As many as a byte counts.
        const BYTE: usize = 255;
        let Self { rows, regions, into } = self;
        let mut all = [0u32; BLOCK];
        let mut from = 0;
        while from < regions.len() {
            let mut bytes = [0u8; BLOCK];
            let to = if regions.len() - from > BYTE { from + BYTE } else { regions.len() };
            for &region in &regions[from..to] {
                let row = &rows[region as usize];
                for at in 0..BLOCK {
                    bytes[at] = bytes[at].wrapping_add(row[at]);
                }
            }
            for at in 0..BLOCK {
                all[at] += bytes[at] as u32;
            }
            from = to;
        }
        for at in 0..BLOCK {
            into[at] = all[at] as f64;
        }
    }
}

/// Divides each value by the larger of `own` and its own divisor.
pub(crate) fn divide_by_larger(values: &mut [f64], own: f64, others: &[f64]) {
    let others = &others[..values.len()];
    Arch::new().dispatch(DivideByLarger { values, own, others });
}

struct DivideByLarger<'a> {
    values: &'a mut [f64],
    own: f64,
    others: &'a [f64],
}

impl NullaryFnOnce for DivideByLarger<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { values, own, others } = self;
        for at in 0..values.len() {
            let other = others[at];
            values[at] /= if other > own { other } else { own };
        }
    }
}

/// `sum over rows of x[row,p] x[row,q]`, for every pair of the `n` columns.
pub(crate) fn gram(rows: &[f64], n: usize) -> Vec<f64> {
    const ROWS: usize = 64;
    let mut sums = vec![0.0; n * n];
    if n == 0 || rows.is_empty() {
        return sums;
    }
    let x = MatRef::from_row_major_slice(rows, rows.len() / n, n);
    sums.par_chunks_mut(ROWS * n).enumerate().for_each(|(chunk, into)| {
        cancel::check();
        let n_rows = into.len() / n;
        let part = x.subcols(chunk * ROWS, n_rows).transpose();
        let into = MatMut::from_row_major_slice_mut(into, n_rows, n);
        matmul(into, Accum::Replace, part, x, 1.0, Par::Seq);
    });
    sums
}

/// The entries of lists in one tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entries<'a> {
    /// Where those of each list begin, and where the last end.
    pub(crate) starts: &'a [usize],
    /// The place in the tile of the product of each.
    pub(crate) places: &'a [u8],
}

/// Adds to the sums of each list the rows of its entries, four at a time.
pub(crate) fn add_rows(sums: &mut [Strip], entries: Entries<'_>, rows: &Rows) {
    Arch::new().dispatch(AddRows { sums, entries, rows });
}

struct AddRows<'a> {
    sums: &'a mut [Strip],
    entries: Entries<'a>,
    rows: &'a Rows,
}

impl NullaryFnOnce for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { sums, entries: Entries { starts, places }, rows } = self;
        let row = |place: u8| &rows[place as usize];
        for list in 0..sums.len() {
            let mut sum = sums[list];
            let (fours, rest) = places[starts[list]..starts[list + 1]].as_chunks::<4>();
            for &[a, b, c, d] in fours {
                let (a, b, c, d) = (row(a), row(b), row(c), row(d));
                for at in 0..STRIP {
                    sum[at] += (a[at] + b[at]) + (c[at] + d[at]);
                }
            }
            for &a in rest {
                let a = row(a);
                for at in 0..STRIP {
                    sum[at] += a[at];
                }
            }
            sums[list] = sum;
        }
    }
}

/// The same where each entry has `K` weights, of which each gives a sum.
pub(crate) fn add_weighted<const K: usize>(
    sums: &mut [[Strip; K]],
    entries: Entries<'_>,
    weights: &[[f64; K]],
    rows: &Rows,
) {
    Arch::new().dispatch(AddWeighted { sums, entries, weights, rows });
}

struct AddWeighted<'a, const K: usize> {
    sums: &'a mut [[Strip; K]],
    entries: Entries<'a>,
    weights: &'a [[f64; K]],
    rows: &'a Rows,
}

impl<const K: usize> NullaryFnOnce for AddWeighted<'_, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { sums, entries: Entries { starts, places }, weights, rows } = self;
        let row = |place: u8| &rows[place as usize];
        for list in 0..sums.len() {
            let entries = starts[list]..starts[list + 1];
            let (fours, rest) = places[entries.clone()].as_chunks::<4>();
            let (weights_of_fours, weights_of_rest) = weights[entries].as_chunks::<4>();
            // Weight after weight, whose sum stays in registers.
            for k in 0..K {
                let mut sum = sums[list][k];
                for (&[a, b, c, d], [t, u, v, w]) in fours.iter().zip(weights_of_fours) {
                    let (a, b, c, d) = (row(a), row(b), row(c), row(d));
                    let (t, u, v, w) = (t[k], u[k], v[k], w[k]);
                    for at in 0..STRIP {
                        sum[at] += (t * a[at] + u * b[at]) + (v * c[at] + w * d[at]);
                    }
                }
                for (&a, weights) in rest.iter().zip(weights_of_rest) {
                    let (a, weight) = (row(a), weights[k]);
                    for at in 0..STRIP {
                        sum[at] += weight * a[at];
                    }
                }
                sums[list][k] = sum;
            }
        }
    }
}

/// Adds `row` to `sums`.
pub(crate) fn add(sums: &mut Block, row: &Block) {
    Arch::new().dispatch(Add { sums, row });
}

struct Add<'a> {
    sums: &'a mut Block,
    row: &'a Block,
}

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { sums, row } = self;
        for at in 0..BLOCK {
            sums[at] += row[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gram_is_the_product_of_columns() {
        let (rows, n) = (5, 67);
        let x: Vec<f64> =
            (0..rows * n).map(|at| f64::from(u32::try_from(at % 13).expect("small"))).collect();
        let found = gram(&x, n);
        for p in 0..n {
            for q in 0..n {
                let expected: f64 = (0..rows).map(|r| x[r * n + p] * x[r * n + q]).sum();
                assert!((found[p * n + q] - expected).abs() < 1e-9);
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_and_bits_count_the_same(
            cells in prop::collection::vec(any::<[bool; 3]>(), 0..700),
        ) {
            // Products 0 to 2 have the regions that say so, the others of the block none.
            let rows: Vec<[u8; BLOCK]> = cells
                .iter()
                .map(|has| std::array::from_fn(|at| u8::from(has.get(at) == Some(&true))))
                .collect();
            let n_words = cells.len().div_ceil(64);
            let mut bits = vec![0u64; n_words * 3];
            for (region, has) in cells.iter().enumerate() {
                for product in (0..3).filter(|&product| has[product]) {
                    bits[product * n_words + region / 64] |= 1 << (region % 64);
                }
            }
            for product in 0..3 {
                let own = &bits[product * n_words..][..n_words];
                let mut expected = [0.0; 3];
                co_occurrences(own, &bits, &mut expected);
                let regions: Vec<u32> =
                    (0u32..).zip(&cells).filter(|(_, has)| has[product]).map(|(r, _)| r).collect();
                let mut found = [1.0; BLOCK];
                counts(&rows, &regions, &mut found);
                prop_assert_eq!(&found[..3], &expected);
                prop_assert!(found[3..].iter().all(|count| *count == 0.0));
            }
        }
    }
}
