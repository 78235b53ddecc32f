//! Columns as orthonormal ones times an upper triangle: modified Gram-Schmidt, twice.

/// What is left of a column, over its length, that counts as nothing.
const DEPENDENT: f64 = 1e-10;

/// Columns that do not depend on each other.
#[derive(Debug, Default)]
pub(super) struct Factor {
    basis: Vec<Vec<f64>>,
    /// The triangle by column, above the diagonal.
    above: Vec<Vec<f64>>,
    /// Its diagonal.
    lengths: Vec<f64>,
}

/// The sum of products.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "units and periods are far fewer than 2^52")]
pub(super) fn float(count: usize) -> f64 {
    count as f64
}

impl Factor {
    /// Columns so far.
    pub(super) fn n(&self) -> usize {
        self.lengths.len()
    }

    /// Adds a column that does not depend on those before it.
    ///
    /// # Errors
    ///
    /// The coefficients of those before it that give it.
    pub(super) fn push(&mut self, column: &[f64]) -> Result<(), Vec<f64>> {
        let mut left = column.to_vec();
        let mut above = vec![0.0; self.n()];
        for _ in 0..2 {
            for (basis, above) in self.basis.iter().zip(&mut above) {
                let part = dot(basis, &left);
                *above += part;
                left.iter_mut().zip(basis).for_each(|(left, basis)| *left -= part * basis);
            }
        }
        let length = dot(&left, &left).sqrt();
        if length <= DEPENDENT * dot(column, column).sqrt() {
            return Err(self.back(above));
        }
        left.iter_mut().for_each(|left| *left /= length);
        self.basis.push(left);
        self.above.push(above);
        self.lengths.push(length);
        Ok(())
    }

    /// `Q' v`.
    pub(super) fn onto(&self, vector: &[f64]) -> Vec<f64> {
        self.basis.iter().map(|basis| dot(basis, vector)).collect()
    }

    /// `x` of `R x = y`.
    pub(super) fn back(&self, mut y: Vec<f64>) -> Vec<f64> {
        for (at, (above, length)) in self.above.iter().zip(&self.lengths).enumerate().rev() {
            let value = y[at] / length;
            y[at] = value;
            y[..at].iter_mut().zip(above).for_each(|(y, above)| *y -= above * value);
        }
        y
    }

    /// `x` of `R' x = y`.
    pub(super) fn forward(&self, y: &[f64]) -> Vec<f64> {
        let mut found: Vec<f64> = Vec::with_capacity(self.n());
        for ((above, length), y) in self.above.iter().zip(&self.lengths).zip(y) {
            found.push((y - dot(above, &found)) / length);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_squares_of_three_points() {
        // A line through (0, 1), (1, 2), (2, 4): 5/6 + 3/2 t, by the normal equations.
        let mut factor = Factor::default();
        factor.push(&[1.0, 1.0, 1.0]).expect("independent");
        factor.push(&[0.0, 1.0, 2.0]).expect("independent");
        let found = factor.back(factor.onto(&[1.0, 2.0, 4.0]));
        assert!((found[0] - 5.0 / 6.0).abs() < 1e-14 && (found[1] - 1.5).abs() < 1e-14);
        // R'R x = A'A x: forward, then back.
        let x = factor.back(factor.forward(&[6.0, 8.0]));
        assert!((3.0 * x[0] + 3.0 * x[1] - 6.0).abs() < 1e-13);
        assert!((3.0 * x[0] + 5.0 * x[1] - 8.0).abs() < 1e-13);
    }

    #[test]
    fn a_dependent_column_is_given_by_the_others() {
        let mut factor = Factor::default();
        factor.push(&[1.0, 0.0, 2.0]).expect("independent");
        factor.push(&[0.0, 1.0, 1.0]).expect("independent");
        let found = factor.push(&[3.0, -2.0, 4.0]).expect_err("3 a - 2 b");
        assert!((found[0] - 3.0).abs() < 1e-13 && (found[1] + 2.0).abs() < 1e-13);
        assert_eq!(factor.n(), 2);
    }
}
