//! Small dense matrices, and the triangular factor of a tall one.

use faer::{Mat, Side};
use rayon::prelude::*;

/// Rows whose triangular factor is one piece.
const ROWS_A_PIECE: usize = 1 << 16;
/// Rows that are folded into the factor at once.
const ROWS_A_BLOCK: usize = 128;

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "rows and levels are far fewer than 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// The upper triangle `R` of the QR decomposition of the columns, each times the square root of
/// `weights`: row-major, k x k. Rows are taken in pieces that do not depend on the threads.
pub(crate) fn triangle(columns: &[&[f64]], weights: Option<&[f64]>) -> Vec<f64> {
    let k = columns.len();
    let n = columns.first().map_or(0, |column| column.len());
    let pieces = n.div_ceil(ROWS_A_PIECE).max(1);
    let parts: Vec<Vec<f64>> = (0..pieces)
        .into_par_iter()
        .map(|piece| {
            cancel::check();
            let mut fold = Fold::new(k);
            for from in
                (piece * ROWS_A_PIECE..((piece + 1) * ROWS_A_PIECE).min(n)).step_by(ROWS_A_BLOCK)
            {
                let to = (from + ROWS_A_BLOCK).min((piece + 1) * ROWS_A_PIECE).min(n);
                fold.add(to - from, |row, column| {
                    let value = columns[column][from + row];
                    weights.map_or(value, |weights| value * weights[from + row].sqrt())
                });
            }
            fold.r
        })
        .collect();
    let mut fold = Fold::new(k);
    for part in parts {
        fold.add(k, |row, column| part[row * k + column]);
    }
    fold.r
}

/// A triangle into which rows are folded by Householder reflections.
struct Fold {
    k: usize,
    r: Vec<f64>,
    block: Vec<f64>,
}

impl Fold {
    fn new(k: usize) -> Self {
        Self { k, r: vec![0.0; k * k], block: Vec::new() }
    }

    fn add(&mut self, n: usize, value: impl Fn(usize, usize) -> f64) {
        let k = self.k;
        // By column, so that each reflection goes along memory.
        self.block.clear();
        self.block.extend(
            (0..k)
                .flat_map(|column| (0..n).map(move |row| (row, column)))
                .map(|(row, column)| value(row, column)),
        );
        let mut products = vec![0.0; k];
        for j in 0..k {
            let (before, after) = self.block.split_at_mut((j + 1) * n);
            let own = &mut before[j * n..];
            // Sums that do not wait for each other, each in the order of the rows.
            let products = &mut products[j..];
            products.fill(-0.0);
            let (below, others) = products.split_at_mut(1);
            for (row, a) in own.iter().enumerate() {
                below[0] += a * a;
                for (product, other) in others.iter_mut().zip(after.chunks_exact(n)) {
                    *product += a * other[row];
                }
            }
            let below = below[0];
            if below == 0.0 {
                continue;
            }
            let head = self.r[j * k + j];
            let norm = (head * head + below).sqrt();
            let alpha = if head > 0.0 { -norm } else { norm };
            let u = head - alpha;
            let scale = 2.0 / (u * u + below);
            self.r[j * k + j] = alpha;
            for l in j + 1..k {
                let other = &mut after[(l - j - 1) * n..(l - j) * n];
                let top = &mut self.r[j * k + l];
                let inner = scale * (u * *top + others[l - j - 1]);
                *top -= inner * u;
                other.iter_mut().zip(own.iter()).for_each(|(b, a)| *b -= inner * a);
            }
        }
    }
}

/// The sum of squares of a column, each times its weight (1 without).
pub(crate) fn squared_length(column: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => column.iter().map(|value| value * value).sum(),
        Some(weights) => column.iter().zip(weights).map(|(value, w)| w * value * value).sum(),
    }
}

/// The inverse of the upper triangle of `r` (row-major, its first `k` rows and columns of
/// `stride`).
pub(crate) fn inverse_triangle(r: &[f64], k: usize, stride: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; k * k];
    for column in 0..k {
        for row in (0..=column).rev() {
            let unit = f64::from(u8::from(row == column));
            let sum: f64 =
                (row + 1..=column).map(|m| r[row * stride + m] * inverse[m * k + column]).sum();
            inverse[row * k + column] = (unit - sum) / r[row * stride + row];
        }
    }
    inverse
}

/// The coefficients of the column after the first `k` of the triangle `r`, from the inverse of
/// those.
pub(crate) fn coefficients(
    inverse: &[f64],
    r: &[f64],
    k: usize,
    column: usize,
    stride: usize,
) -> Vec<f64> {
    (0..k).map(|i| (i..k).map(|j| inverse[i * k + j] * r[j * stride + column]).sum()).collect()
}

/// `a b` of k x k matrices.
pub(crate) fn product(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let mut out = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..k {
            out[i * k + j] = (0..k).map(|m| a[i * k + m] * b[m * k + j]).sum();
        }
    }
    out
}

/// What a symmetric matrix is made of.
#[derive(Default)]
pub(crate) struct Eigen {
    /// Eigenvalues, in rising order.
    pub(crate) values: Vec<f64>,
    /// The eigenvector of each, in columns: k x k, row-major.
    pub(crate) vectors: Vec<f64>,
}

/// Eigenvalues and eigenvectors of a symmetric matrix; `None` if it holds what is no number.
pub(crate) fn eigen(matrix: &[f64], k: usize) -> Option<Eigen> {
    if k == 0 {
        return Some(Eigen::default());
    }
    let dense = Mat::from_fn(k, k, |i, j| matrix[i * k + j]);
    let found = dense.self_adjoint_eigen(Side::Lower).ok()?;
    let values = found.S().column_vector().iter().copied().collect();
    let vectors = (0..k * k).map(|at| found.U()[(at / k, at % k)]).collect();
    Some(Eigen { values, vectors })
}

/// The matrix with `change` done to its eigenvalues.
pub(crate) fn with_eigenvalues(
    matrix: &[f64],
    k: usize,
    change: impl Fn(f64) -> f64,
) -> Option<Vec<f64>> {
    let Eigen { values, vectors } = eigen(matrix, k)?;
    let left = Mat::from_fn(k, k, |i, j| vectors[i * k + j] * change(values[j]));
    let right = Mat::from_fn(k, k, |i, j| vectors[j * k + i]);
    let product = left * right;
    Some((0..k * k).map(|at| product[(at / k, at % k)]).collect())
}

/// The generalised inverse of a positive semi-definite matrix whose eigenvalues up to `limit` are
/// zero.
pub(crate) fn generalised_inverse(matrix: &[f64], k: usize, limit: f64) -> Option<Vec<f64>> {
    with_eigenvalues(matrix, k, |value| if value > limit { 1.0 / value } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangle_of_many_pieces_squares_to_the_cross_products() {
        let n = 3 * ROWS_A_PIECE / 2;
        let a: Vec<f64> = (0..n).map(|i| ((i * 37 % 101) as f64) - 50.0).collect();
        let b: Vec<f64> = (0..n).map(|i| ((i * 53 % 97) as f64) / 7.0).collect();
        let w: Vec<f64> = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
        let r = triangle(&[&a, &b], Some(&w));
        let cross = |x: &[f64], y: &[f64]| (0..n).map(|i| w[i] * x[i] * y[i]).sum::<f64>();
        let close = |x: f64, y: f64| assert!((x - y).abs() <= 1e-11 * y.abs(), "{x} {y}");
        close(r[0] * r[0], cross(&a, &a));
        close(r[0] * r[1], cross(&a, &b));
        close(r[1] * r[1] + r[3] * r[3], cross(&b, &b));
    }

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        let Eigen { values, vectors } = eigen(&[2.0, 1.0, 1.0, 2.0], 2).expect("finite");
        assert!((vectors[0] * vectors[1] + vectors[2] * vectors[3]).abs() < 1e-15);
        assert!((values[0] - 1.0).abs() < 1e-14 && (values[1] - 3.0).abs() < 1e-14);
    }

    #[test]
    fn a_generalised_inverse_solves_what_can_be_solved() {
        // The Laplacian of a triangle: constants are in its null space.
        let m = [2.0, -1.0, -1.0, -1.0, 2.0, -1.0, -1.0, -1.0, 2.0];
        let g = generalised_inverse(&m, 3, 1e-10).expect("finite");
        let back = product(&product(&m, &g, 3), &m, 3);
        assert!(back.iter().zip(&m).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
