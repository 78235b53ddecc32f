//! The few loops in which all the time goes. Each output is computed by one thread in one order, so the bits do
//! not depend on the threads; instructions are chosen when it runs, without contracting products and sums.

use crate::{Neighbourhoods, Relatedness, Specialization};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::Arch;
use rayon::prelude::*;

/// Products of a block of outputs.
const BLOCK: usize = 512;

/// Products summed into a block at a time: their part of the matrix stays in the processor's cache.
const TILE: usize = 128;

/// Puts the number of regions that `product` shares with each of the products from `from` on into `row`.
pub(crate) fn co_occurrences(
    specialization: &Specialization,
    product: usize,
    from: usize,
    row: &mut [f64],
) {
    cancel::check();
    let own = specialization.bits(product);
    let others = specialization.bits_from(from);
    Arch::new().dispatch(
        #[inline(always)]
        || {
            // Plain loops: what is not inlined here would be compiled for the oldest processors.
            let n_words = own.len();
            for at in 0..row.len() {
                let other = &others[at * n_words..][..n_words];
                let mut n = 0u32;
                for word in 0..n_words {
                    n += (own[word] & other[word]).count_ones();
                }
                row[at] = f64::from(n);
            }
        },
    );
}

/// Divides each value by the larger of `own` and its own divisor.
pub(crate) fn divide_by_larger(values: &mut [f64], own: f64, others: &[f64]) {
    let others = &others[..values.len()];
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for at in 0..values.len() {
                let other = others[at];
                values[at] /= if other > own { other } else { own };
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
        cancel::check();
        let n_rows = into.len() / n;
        let part = x.subcols(chunk * ROWS, n_rows).transpose();
        let into = MatMut::from_row_major_slice_mut(into, n_rows, n);
        matmul(into, Accum::Replace, part, x, 1.0, Par::Seq);
    });
    sums
}

/// Which of two products comes first in the relatedness that is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// `phi[p,q]`: of the product around which is summed to those of the list.
    List,
    /// `phi[q,p]`.
    Product,
}

/// What a list of weighted products adds up to: `sum over q of w[q] phi[p,q]` (or `phi[q,p]`) for each list and each p, row
/// after row. Lists ascend.
pub(crate) fn weighted_sums(
    relatedness: &Relatedness,
    lists: &[Vec<(usize, f64)>],
    toward: Toward,
) -> Vec<f64> {
    let n = relatedness.n_products();
    let blocks: Vec<Vec<f64>> = (0..n.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let from = block * BLOCK;
            let width = BLOCK.min(n - from);
            let mut sums = vec![0.0; lists.len() * width];
            let mut done = vec![0; lists.len()];
            let mut part = vec![0.0; TILE * width];
            for start in (0..n).step_by(TILE) {
                cancel::check();
                let end = n.min(start + TILE);
                for (q, row) in (start..end).zip(part.chunks_exact_mut(width)) {
                    match toward {
                        Toward::List => relatedness.column(q, from, row),
                        Toward::Product => relatedness.row_part(q, from, row),
                    }
                }
                for ((list, done), sums) in
                    lists.iter().zip(&mut done).zip(sums.chunks_exact_mut(width))
                {
                    let rest = &list[*done..];
                    let n_here = rest.partition_point(|(q, _)| *q < end);
                    *done += n_here;
                    let row = |q: usize| &part[(q - start) * width..][..width];
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
    let n = sums.len();
    let (fours, rest) = list.as_chunks::<4>();
    for &[(a, u), (b, v), (c, w), (d, x)] in fours {
        let (a, b, c, d) = (&row(a)[..n], &row(b)[..n], &row(c)[..n], &row(d)[..n]);
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for at in 0..n {
                    sums[at] += (u * a[at] + v * b[at]) + (w * c[at] + x * d[at]);
                }
            },
        );
    }
    for &(a, u) in rest {
        let a = &row(a)[..n];
        for at in 0..n {
            sums[at] += u * a[at];
        }
    }
}

/// Regions whose values of a product are looked up at a time.
const SIDE_BY_SIDE: usize = 8;

/// `sum over (q, w) of lists.of(p) of w * values(region)[q]`, for each of `n_regions` and each p, row after row; `weight` gives w.
pub(crate) fn gathered(
    n_regions: usize,
    lists: &Neighbourhoods,
    values: impl Fn(usize) -> Vec<f64> + Sync,
    weight: impl Fn(f64) -> f64 + Sync,
) -> Vec<f64> {
    let n = lists.n_products();
    let mut sums = vec![0.0; n_regions * n];
    sums.par_chunks_mut((SIDE_BY_SIDE * n).max(1)).enumerate().for_each(|(chunk, rows)| {
        cancel::check();
        // A product's values stand together, so that a list is gone through once for all of these regions.
        let mut of_product = vec![[0.0; SIDE_BY_SIDE]; n];
        for lane in 0..rows.len() / n {
            let of_region = values(chunk * SIDE_BY_SIDE + lane);
            for (lanes, value) in of_product.iter_mut().zip(of_region) {
                lanes[lane] = value;
            }
        }
        for p in 0..n {
            let mut sum = [0.0; SIDE_BY_SIDE];
            for &(q, listed) in lists.of(p) {
                let w = weight(listed);
                for (sum, value) in sum.iter_mut().zip(&of_product[q]) {
                    *sum += w * value;
                }
            }
            for (row, sum) in rows.chunks_exact_mut(n).zip(sum) {
                row[p] = sum;
            }
        }
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_tiles_leave_nothing_out() {
        let n = 2 * BLOCK + 7;
        let m = Specialization::from_fn(70, n, |r, p| (p * 31 + r * r * 7 + r * p) % 11 < 3);
        let phi = crate::relatedness(&m, crate::Measure::Conditional);
        let lists: Vec<Vec<(usize, f64)>> = vec![
            (0..n).map(|q| (q, 1.0)).collect(),
            (0..n).filter(|q| q % 3 == 0).map(|q| (q, -0.5)).collect(),
            Vec::new(),
        ];
        for toward in [Toward::List, Toward::Product] {
            let found = weighted_sums(&phi, &lists, toward);
            for (at, list) in lists.iter().enumerate() {
                for p in 0..n {
                    let of = |q: usize| match toward {
                        Toward::List => phi.get(p, q),
                        Toward::Product => phi.get(q, p),
                    };
                    let expected: f64 = list.iter().map(|(q, w)| w * of(*q)).sum();
                    assert!((found[at * n + p] - expected).abs() < 1e-9);
                }
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
