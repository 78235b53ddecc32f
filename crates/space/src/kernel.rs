//! The few loops in which all the time goes. Each output is computed by one thread in one order, so the bits do
//! not depend on the threads; instructions are chosen when it runs, without contracting products and sums.

use crate::Specialization;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::Arch;
use rayon::prelude::*;

/// Products of a block of outputs.
const BLOCK: usize = 256;

/// Products summed into a block at a time: their part of the matrix stays in the processor's cache.
const TILE: usize = 256;

/// Puts the number of regions that `product` shares with each product into `row`.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
pub(crate) fn co_occurrences(specialization: &Specialization, product: usize, row: &mut [f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let own = specialization.bits(product);
            for (other, value) in row.iter_mut().enumerate() {
                let both = own.iter().zip(specialization.bits(other));
                *value = both.map(|(a, b)| u64::from((a & b).count_ones())).sum::<u64>() as f64;
            }
        },
    );
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
        let n_rows = into.len() / n;
        let part = x.subcols(chunk * ROWS, n_rows).transpose();
        let into = MatMut::from_row_major_slice_mut(into, n_rows, n);
        matmul(into, Accum::Replace, part, x, 1.0, Par::Seq);
    });
    sums
}

/// What a list of weighted products adds up to in a matrix of `n` x `n`: `sum over q of w[q] values[q,p]` for each
/// list and each p, row after row. Lists ascend.
pub(crate) fn weighted_sums(values: &[f64], n: usize, lists: &[Vec<(usize, f64)>]) -> Vec<f64> {
    let blocks: Vec<Vec<f64>> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let from = block * BLOCK;
            let width = BLOCK.min(n - from);
            let mut sums = vec![0.0; lists.len() * width];
            let mut done = vec![0; lists.len()];
            for tile in 0..n.div_ceil(TILE) {
                let end = (tile + 1) * TILE;
                for ((list, done), sums) in
                    lists.iter().zip(&mut done).zip(sums.chunks_exact_mut(width))
                {
                    let rest = &list[*done..];
                    let n_here = rest.partition_point(|(q, _)| *q < end);
                    *done += n_here;
                    let row = |q: usize| &values[q * n + from..][..width];
                    add_rows(sums, &rest[..n_here], row);
                }
            }
            sums
        })
        .collect();
    let mut all = vec![0.0; lists.len() * n];
    all.par_chunks_exact_mut(n.max(1)).enumerate().for_each(|(list, row)| {
        for (into, block) in row.chunks_mut(BLOCK).zip(&blocks) {
            let width = into.len();
            into.copy_from_slice(&block[list * width..][..width]);
        }
    });
    all
}

/// Adds weighted rows to `sums`, four at a time.
fn add_rows<'v>(sums: &mut [f64], list: &[(usize, f64)], row: impl Fn(usize) -> &'v [f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let (fours, rest) = list.as_chunks::<4>();
            for &[(a, u), (b, v), (c, w), (d, x)] in fours {
                let rows = row(a).iter().zip(row(b)).zip(row(c).iter().zip(row(d)));
                for (sum, ((a, b), (c, d))) in sums.iter_mut().zip(rows) {
                    *sum += (u * a + v * b) + (w * c + x * d);
                }
            }
            for &(a, u) in rest {
                for (sum, a) in sums.iter_mut().zip(row(a)) {
                    *sum += u * a;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_tiles_leave_nothing_out() {
        let n = 2 * BLOCK + 7;
        let values: Vec<f64> =
            (0..n * n).map(|at| f64::from(u32::try_from(at % 97).expect("small"))).collect();
        let lists: Vec<Vec<(usize, f64)>> = vec![
            (0..n).map(|q| (q, 1.0)).collect(),
            (0..n).filter(|q| q % 3 == 0).map(|q| (q, -0.5)).collect(),
            Vec::new(),
        ];
        let found = weighted_sums(&values, n, &lists);
        for (at, list) in lists.iter().enumerate() {
            for p in 0..n {
                // Halves of small integers: exact in any order.
                let expected: f64 = list.iter().map(|(q, w)| w * values[q * n + p]).sum();
                assert!((found[at * n + p] - expected).abs() < 1e-9);
            }
        }
    }

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
}
