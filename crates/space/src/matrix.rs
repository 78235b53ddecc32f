//! Exports by region and product.

/// Exports of `n_regions` regions in `n_products` products, in units of one currency.
///
/// * Every value is finite and not negative.
/// * Totals are sums over ascending index.
#[derive(Debug, Clone, PartialEq)]
pub struct Exports {
    n_regions: usize,
    n_products: usize,
    values: Vec<f64>,
    region_totals: Vec<f64>,
    product_totals: Vec<f64>,
    total: f64,
}

/// A matrix that is not one of exports.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExportsError {
    /// Not `n_regions * n_products` values.
    #[error("expected {n_regions} x {n_products} values, found {found}")]
    Shape {
        /// Rows asked for.
        n_regions: usize,
        /// Columns asked for.
        n_products: usize,
        /// Values given.
        found: usize,
    },
    /// A value below zero, infinite or NaN.
    #[error(
        "invalid export value {value} of region {region}, product {product}: expected a finite number of zero or more"
    )]
    Value {
        /// Row.
        region: usize,
        /// Column.
        product: usize,
        /// What was there.
        value: f64,
    },
}

impl Exports {
    /// A matrix from its values, row after row.
    ///
    /// # Errors
    ///
    /// [`ExportsError`] on another number of values, or on one that is negative or not finite.
    pub fn new(
        n_regions: usize,
        n_products: usize,
        values: Vec<f64>,
    ) -> Result<Self, ExportsError> {
        if values.len() != n_regions * n_products {
            return Err(ExportsError::Shape { n_regions, n_products, found: values.len() });
        }
        if let Some(at) = values.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
            return Err(ExportsError::Value {
                region: at / n_products,
                product: at % n_products,
                value: values[at],
            });
        }
        let mut region_totals = vec![0.0; n_regions];
        let mut product_totals = vec![0.0; n_products];
        for (row, total) in values.chunks_exact(n_products.max(1)).zip(&mut region_totals) {
            *total = row.iter().sum();
            for (sum, value) in product_totals.iter_mut().zip(row) {
                *sum += value;
            }
        }
        let total = region_totals.iter().sum();
        Ok(Self { n_regions, n_products, values, region_totals, product_totals, total })
    }

    /// Rows.
    pub fn n_regions(&self) -> usize {
        self.n_regions
    }

    /// Columns.
    pub fn n_products(&self) -> usize {
        self.n_products
    }

    /// Exports of `region` in `product`.
    pub fn get(&self, region: usize, product: usize) -> f64 {
        self.values[region * self.n_products + product]
    }

    /// Exports of `region`, by product.
    pub fn row(&self, region: usize) -> &[f64] {
        &self.values[region * self.n_products..][..self.n_products]
    }

    /// What `region` exports, in ascending order of the products, each with its share of the region's exports, in `(0, 1]`.
    pub(crate) fn shares_of(&self, region: usize) -> impl Iterator<Item = (usize, f64)> {
        let total = self.region_totals[region];
        let cells = self.row(region).iter().enumerate().filter(|(_, x)| **x > 0.0);
        cells.map(move |(product, x)| (product, x / total))
    }

    /// Exports of each region, all products.
    pub fn region_totals(&self) -> &[f64] {
        &self.region_totals
    }

    /// Exports of each product, all regions.
    pub fn product_totals(&self) -> &[f64] {
        &self.product_totals
    }

    /// All exports.
    pub fn total(&self) -> f64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_and_missing_values_are_refused() {
        let error = Exports::new(1, 2, vec![1.0, -2.0]).expect_err("negative");
        assert!(error.to_string().starts_with("invalid export value -2 of region 0, product 1"));
        assert!(Exports::new(1, 1, vec![f64::NAN]).is_err());
        assert!(Exports::new(2, 2, vec![0.0]).is_err());
        assert!(Exports::new(0, 0, Vec::new()).is_ok());
    }
}
