//! A column of a result.

use super::args::Of;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use rayon::prelude::*;
use std::sync::Arc;

/// A column of numbers, counts or flags of a result.
pub(super) enum Values {
    Float(Column<f64>),
    Flag(Column<bool>),
    Count(Column<i64>),
}

/// Values of a column, some of which may not be there.
pub(super) struct Column<T> {
    values: Vec<T>,
    is_there: Vec<bool>,
}

impl<T: Copy + Default + Send + Sync> Column<T> {
    /// `value` of the places of each row, `width` to a row.
    pub(super) fn of_rows(
        n_rows: usize,
        width: usize,
        value: impl Fn(usize, usize) -> Option<T> + Sync,
    ) -> Self {
        let n = n_rows * width;
        let (mut values, mut is_there) = (vec![T::default(); n], vec![false; n]);
        values
            .par_chunks_exact_mut(width.max(1))
            .zip(is_there.par_chunks_exact_mut(width.max(1)))
            .enumerate()
            .for_each(|(row, (values, is_there))| {
                cancel::check();
                for (at, (into, is_there)) in values.iter_mut().zip(is_there).enumerate() {
                    let value = value(row, at);
                    (*into, *is_there) = (value.unwrap_or_default(), value.is_some());
                }
            });
        Self { values, is_there }
    }

    /// The value of its region or product for each cell, region after region.
    fn spread(self, of: Of, n_regions: usize, n_products: usize) -> Self {
        match of {
            Of::Regions => Self {
                values: each_repeated(&self.values, n_products),
                is_there: each_repeated(&self.is_there, n_products),
            },
            _ => Self {
                values: self.values.repeat(n_regions),
                is_there: self.is_there.repeat(n_regions),
            },
        }
    }

    /// The values, and which are there, if some are not.
    fn parts(self) -> (Vec<T>, Option<NullBuffer>) {
        let is_whole = self.is_there.iter().all(|is_there| *is_there);
        (self.values, (!is_whole).then(|| NullBuffer::from(self.is_there)))
    }
}

/// Each value so many times, one after the other.
fn each_repeated<T: Copy>(values: &[T], times: usize) -> Vec<T> {
    let mut repeated = Vec::with_capacity(values.len() * times);
    for &value in values {
        repeated.resize(repeated.len() + times, value);
    }
    repeated
}

impl<T: Copy + Default> FromIterator<Option<T>> for Column<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let of = |value: Option<T>| (value.unwrap_or_default(), value.is_some());
        let (values, is_there) = values.into_iter().map(of).unzip();
        Self { values, is_there }
    }
}

impl Values {
    /// Values of regions or products, given to every cell of theirs.
    pub(super) fn spread(self, of: Of, n_regions: usize, n_products: usize) -> Self {
        match self {
            Self::Float(column) => Self::Float(column.spread(of, n_regions, n_products)),
            Self::Flag(column) => Self::Flag(column.spread(of, n_regions, n_products)),
            Self::Count(column) => Self::Count(column.spread(of, n_regions, n_products)),
        }
    }

    pub(super) fn array(self) -> ArrayRef {
        match self {
            Self::Float(column) => {
                let (values, nulls) = column.parts();
                Arc::new(Float64Array::new(values.into(), nulls))
            }
            Self::Flag(column) => {
                let (values, nulls) = column.parts();
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Self::Count(column) => {
                let (values, nulls) = column.parts();
                Arc::new(Int64Array::new(values.into(), nulls))
            }
        }
    }
}
