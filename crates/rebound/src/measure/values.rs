//! A column of a result.

use super::args::Of;
use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int64Builder};
use std::sync::Arc;

/// A column of numbers, counts or flags of a result.
pub(super) enum Values {
    Float(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
    Count(Vec<Option<i64>>),
}

/// The value of its region or product for each cell, region after region.
fn to_cells<T: Copy>(values: &[T], of: Of, n_regions: usize, n_products: usize) -> Vec<T> {
    match of {
        Of::Regions => values.iter().flat_map(|v| std::iter::repeat_n(*v, n_products)).collect(),
        _ => (0..n_regions).flat_map(|_| values.iter().copied()).collect(),
    }
}

impl Values {
    /// Values of regions or products, given to every cell of theirs.
    pub(super) fn spread(self, of: Of, n_regions: usize, n_products: usize) -> Self {
        match self {
            Self::Float(v) => Self::Float(to_cells(&v, of, n_regions, n_products)),
            Self::Flag(v) => Self::Flag(to_cells(&v, of, n_regions, n_products)),
            Self::Count(v) => Self::Count(to_cells(&v, of, n_regions, n_products)),
        }
    }

    pub(super) fn array(self) -> ArrayRef {
        match self {
            Self::Float(values) => {
                let mut cells = Float64Builder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
            Self::Flag(values) => {
                let mut cells = BooleanBuilder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
            Self::Count(values) => {
                let mut cells = Int64Builder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
        }
    }
}
