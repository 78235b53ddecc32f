//! Relatedness of products: how much more often they go together than not.
//!
//! With `M[r,p] = 1` where region (or firm) `r` is specialised in product `p`, `k[p]` the number of such regions
//! (ubiquity), `N` the number of all regions that have anything, and `C[p,q]` the regions that have both:
//!
//! ```text
//! proximity           C / max(k[p], k[q])                              Hidalgo et al. (2007)
//! conditional         C / k[q]: P(p | q), not symmetric
//! cosine              C / sqrt(k[p] k[q])
//! Jaccard             C / (k[p] + k[q] - C)
//! association         C N / (k[p] k[q])                                van Eck & Waltman (2009)
//! probability         C / (((k[p]/T)(k[q]/(T-k[p])) + (k[q]/T)(k[p]/(T-k[q]))) T/2),  T = sum of k   Steijn (2017)
//! survivor            (C - mu) / sqrt(var),  mu = k[p] k[q] / N,  var = mu (1 - k[p]/N) (N - k[q]) / (N - 1)
//!                                                                      Teece, Rumelt, Dosi & Winter (1994)
//! revealed            (R - 1) / (R + 1),  R = F[p,q] F / (F[p,.] F[.,q])    Neffke & Henning (2013)
//! correlation         (1 + corr(RCA[.,p], RCA[.,q])) / 2               py-ecomplexity, continuous
//! coagglomeration     sum of (s[r,p] - x[r]) (s[r,q] - x[r]) / (1 - sum of x[r]^2)   Ellison, Glaeser & Kerr (2010)
//! ```
//!
//! EconGeo takes margins of co-occurrence in place of ubiquity, `S[p] = sum of C[p,q]` over `q != p` and `T` their
//! sum, with association `C T / (S[p] S[q])`: see [`Margin`].
//!
//! # Conventions
//!
//! * Only pairs of different products are stored; each use says what it takes a product to be to itself: see
//!   [`Diagonal`].
//! * A product of which a measure says nothing (no region has it; every region has it, for the survivor measure;
//!   its RCA is the same everywhere, for the correlation) is *unknown*: 0 to all, and [`Relatedness::is_known`]
//!   says so.

use crate::co_occurrence::CoOccurrence;
use crate::kernel::{self, BLOCK, Block};
use crate::{Exports, Rca, Specialization};
use rayon::prelude::*;
use std::borrow::Cow;

/// How relatedness is made of co-occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The smaller of the two conditional probabilities.
    Proximity,
    /// The probability of the first product given the second; not symmetric.
    Conditional,
    /// Cosine of the columns.
    Cosine(Margin),
    /// Share of the regions of either that have both.
    Jaccard(Margin),
    /// Observed over expected.
    Association(Margin),
    /// Observed over expected, by Steijn.
    Probability(Margin),
    /// Standard deviations above the hypergeometric mean.
    Survivor,
    /// Observed over expected, rescaled to `[-1, 1)`.
    Revealed,
}

/// What a product's co-occurrence is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// The regions that have it.
    Ubiquity,
    /// The sum of its co-occurrences with other products: EconGeo.
    CoOccurrence,
}

/// What a product is to itself where relatedness is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagonal {
    /// It counts with 1 if it is known: py-ecomplexity, economiccomplexity.
    Included,
    /// It does not count: Stata's ecomplexity, EconGeo, econcomplex, Datawheel.
    Excluded,
}

/// Relatedness of every pair of different products. What is counted is computed when it is asked for, from one bit a
/// region and product: the square of all pairs takes no memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Relatedness {
    n_products: usize,
    pairs: Pairs,
    is_known: Vec<bool>,
    /// Of each row.
    sums: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Pairs {
    /// Row after row, the diagonal 0; and column after column where that is not the same.
    Given {
        rows: Vec<f64>,
        columns: Option<Vec<f64>>,
    },
    Counted(Counted),
}

/// Co-occurrence, and what a measure makes of it.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    co_occurrence: CoOccurrence,
    measure: Measure,
    margins: Vec<f64>,
    /// What association compares with.
    total: f64,
    /// Sum of the margins.
    sum: f64,
    /// What is below counts as 0.
    floor: f64,
}

/// What of a square of pairs is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// How a product is related to others.
    Row,
    /// How others are related to a product.
    Column,
}

impl Counted {
    /// A part of the line of `q`: the products from `from` on.
    fn put(&self, q: usize, from: usize, line: Line, is_known: &[bool], into: &mut [f64]) {
        if is_known[q] {
            self.co_occurrence.put(q, from, into);
            self.measure(q, from, line, is_known, into);
        } else {
            into.fill(0.0);
        }
    }

    /// The same of a block; 0 beyond the last product.
    fn put_block(&self, q: usize, block: usize, line: Line, is_known: &[bool], into: &mut Block) {
        if is_known[q] {
            let from = block * BLOCK;
            let width = BLOCK.min(is_known.len() - from);
            self.co_occurrence.of_block(q, block, into);
            self.measure(q, from, line, is_known, &mut into[..width]);
        } else {
            into.fill(0.0);
        }
    }

    /// Makes relatedness of the co-occurrences of `q`, which is known, with the products from `from` on.
    fn measure(&self, q: usize, from: usize, line: Line, is_known: &[bool], into: &mut [f64]) {
        let last = from + into.len();
        let (own, others) = (self.margins[q], &self.margins[from..last]);
        if self.measure == Measure::Proximity && self.floor <= 0.0 {
            // A product that nobody has shares nothing.
            kernel::divide_by_larger(into, own, others);
        } else {
            for ((value, &other), is_known) in
                into.iter_mut().zip(others).zip(&is_known[from..last])
            {
                let (a, b) = match line {
                    Line::Row => (own, other),
                    Line::Column => (other, own),
                };
                let found = self.measure.of(*value, a, b, self.total, self.sum);
                *value = if *is_known && found >= self.floor { found } else { 0.0 };
            }
        }
        if let Some(own) = q.checked_sub(from).and_then(|at| into.get_mut(at)) {
            *own = 0.0;
        }
    }
}

/// Difference, relative to their size, up to which two relatednesses are the same.
const EQUALLY_CLOSE: f64 = 1e-12;

/// Products around each product, and how related they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbourhoods {
    lists: Vec<Vec<(usize, f64)>>,
    /// Where the products that each product is around begin in the next two, and where the last end.
    starts: Vec<usize>,
    around: Vec<u32>,
    weights: Vec<f64>,
}

impl Neighbourhoods {
    /// Of lists that ascend.
    fn of_lists(lists: Vec<Vec<(usize, f64)>>) -> Self {
        let mut starts = vec![0; lists.len() + 1];
        lists.iter().flatten().for_each(|(q, _)| starts[q + 1] += 1);
        for at in 0..lists.len() {
            starts[at + 1] += starts[at];
        }
        let n = starts[lists.len()];
        let (mut next, mut around, mut weights) = (starts.clone(), vec![0; n], vec![0.0; n]);
        for (p, list) in (0u32..).zip(&lists) {
            for &(q, weight) in list {
                (around[next[q]], weights[next[q]]) = (p, weight);
                next[q] += 1;
            }
        }
        Self { lists, starts, around, weights }
    }

    /// The products around `product`, ascending, and their relatedness to it, times their share of a place where equally close
    /// ones share places.
    pub fn of(&self, product: usize) -> &[(usize, f64)] {
        &self.lists[product]
    }

    /// Products there are.
    pub fn n_products(&self) -> usize {
        self.lists.len()
    }

    /// The products that `product` is around, ascending, and what [`Self::of`] each of them gives it.
    pub(crate) fn around(&self, product: usize) -> (&[u32], &[f64]) {
        let range = self.starts[product]..self.starts[product + 1];
        (&self.around[range.clone()], &self.weights[range])
    }
}

/// A table of pairs that is no relatedness.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RelatednessError {
    /// A product index beyond the matrix.
    #[error("product {product} is beyond the {n_products} products of the matrix")]
    Product {
        /// The index.
        product: usize,
        /// Products there are.
        n_products: usize,
    },
    /// A proximity that is none.
    #[error("invalid proximity {value} of products {p} and {q}: expected a number between 0 and 1")]
    Value {
        /// One product.
        p: usize,
        /// The other.
        q: usize,
        /// What was given.
        value: f64,
    },
    /// Not a square of counts.
    #[error("expected {expected} co-occurrences of zero or more, found {found}")]
    Counts {
        /// How many.
        expected: usize,
        /// How many there are, or how many are valid.
        found: usize,
    },
}

impl Relatedness {
    /// Of pairs that are the same in both orders.
    fn symmetric(rows: Vec<f64>, is_known: Vec<bool>) -> Self {
        Self::of(Pairs::Given { rows, columns: None }, is_known)
    }

    /// Of pairs whose order counts.
    fn ordered(rows: Vec<f64>, is_known: Vec<bool>) -> Self {
        let n = is_known.len();
        let mut columns = vec![0.0; rows.len()];
        columns.par_chunks_exact_mut(n.max(1)).enumerate().for_each(|(q, column)| {
            cancel::check();
            column.iter_mut().enumerate().for_each(|(p, value)| *value = rows[p * n + q]);
        });
        Self::of(Pairs::Given { rows, columns: Some(columns) }, is_known)
    }

    fn of(pairs: Pairs, is_known: Vec<bool>) -> Self {
        let mut found = Self { n_products: is_known.len(), pairs, is_known, sums: Vec::new() };
        found.sums = found.row_sums();
        found
    }

    /// The sum of each row, in the order of the products: a block of rows side by side.
    fn row_sums(&self) -> Vec<f64> {
        let of_block = |block: usize| {
            cancel::check();
            let (mut sums, mut column) = ([0.0; BLOCK], [0.0; BLOCK]);
            for q in 0..self.n_products {
                self.block(q, block, Line::Column, &mut column);
                kernel::add(&mut sums, &column);
            }
            sums
        };
        let blocks: Vec<Block> =
            (0..self.n_products.div_ceil(BLOCK)).into_par_iter().map(of_block).collect();
        let mut sums = blocks.concat();
        sums.truncate(self.n_products);
        sums
    }

    /// Proximities that were computed elsewhere. Pairs that are not given have 0, each pair counts for both
    /// orders, and self-pairs only say that the product is known.
    ///
    /// # Errors
    ///
    /// [`RelatednessError`] on an index beyond `n_products` or a value outside `[0, 1]`.
    pub fn from_pairs(
        n_products: usize,
        pairs: impl IntoIterator<Item = (usize, usize, f64)>,
    ) -> Result<Self, RelatednessError> {
        let mut values = vec![0.0; n_products * n_products];
        let mut is_known = vec![false; n_products];
        for (p, q, value) in pairs {
            if p.max(q) >= n_products {
                return Err(RelatednessError::Product { product: p.max(q), n_products });
            }
            if !(0.0..=1.0).contains(&value) {
                return Err(RelatednessError::Value { p, q, value });
            }
            is_known[p] = true;
            is_known[q] = true;
            if p != q {
                values[p * n_products + q] = value;
                values[q * n_products + p] = value;
            }
        }
        Ok(Self::symmetric(values, is_known))
    }

    /// Relatedness from a square matrix of co-occurrences that was counted elsewhere, row after row; its diagonal
    /// does not count. The margins are those of co-occurrence, so measures of ubiquity take them too.
    ///
    /// # Errors
    ///
    /// [`RelatednessError::Counts`] if it is no square of numbers of zero or more.
    pub fn from_counts(
        n_products: usize,
        counts: &[f64],
        measure: Measure,
    ) -> Result<Self, RelatednessError> {
        let n = n_products;
        let n_valid = counts.iter().filter(|c| c.is_finite() && **c >= 0.0).count();
        if counts.len() != n * n || n_valid != n * n {
            let found = n_valid.min(counts.len());
            return Err(RelatednessError::Counts { expected: n * n, found });
        }
        let count = |p: usize, q: usize| if p == q { 0.0 } else { counts[p * n + q] };
        let sums: Vec<f64> = (0..n).map(|p| (0..n).map(|q| count(p, q)).sum()).collect();
        let columns: Vec<f64> = (0..n).map(|q| (0..n).map(|p| count(p, q)).sum()).collect();
        let total: f64 = sums.iter().sum();
        let mut values = vec![0.0; n * n];
        for p in 0..n {
            for q in (0..n).filter(|&q| q != p && sums[p] > 0.0 && sums[q] > 0.0) {
                values[p * n + q] = match measure {
                    Measure::Revealed if columns[q] <= 0.0 => 0.0,
                    Measure::Revealed => rescaled(count(p, q) * total / (sums[p] * columns[q])),
                    measure => measure.of(count(p, q), sums[p], sums[q], total, total),
                };
            }
        }
        let is_known = sums.iter().map(|&s| s > 0.0).collect();
        Ok(Self::ordered(values, is_known))
    }

    /// Products there are.
    pub fn n_products(&self) -> usize {
        self.n_products
    }

    /// Relatedness of two different products; of a product to itself, 0.
    pub fn get(&self, p: usize, q: usize) -> f64 {
        match &self.pairs {
            Pairs::Given { rows, .. } => rows[p * self.n_products + q],
            Pairs::Counted(counted) => {
                let mut value = [0.0];
                counted.put(p, q, Line::Row, &self.is_known, &mut value);
                value[0]
            }
        }
    }

    /// Relatedness of `product` to all, 0 to itself.
    pub fn row(&self, product: usize) -> Cow<'_, [f64]> {
        match &self.pairs {
            Pairs::Given { rows, .. } => {
                Cow::Borrowed(&rows[product * self.n_products..][..self.n_products])
            }
            Pairs::Counted(counted) => {
                let mut row = vec![0.0; self.n_products];
                counted.put(product, 0, Line::Row, &self.is_known, &mut row);
                Cow::Owned(row)
            }
        }
    }

    /// The larger of the relatedness of `product` to all and of all to it.
    pub(crate) fn either_way(&self, product: usize) -> Cow<'_, [f64]> {
        let row = self.row(product);
        let column = match &self.pairs {
            Pairs::Given { columns: Some(columns), .. } => {
                Cow::Borrowed(&columns[product * self.n_products..][..self.n_products])
            }
            Pairs::Counted(counted) if !counted.measure.is_symmetric() => {
                let mut column = vec![0.0; self.n_products];
                counted.put(product, 0, Line::Column, &self.is_known, &mut column);
                Cow::Owned(column)
            }
            Pairs::Given { .. } | Pairs::Counted(_) => return row,
        };
        row.iter().zip(column.iter()).map(|(a, b)| a.max(*b)).collect()
    }

    /// How `product` is related to those of a block, or they to it; 0 beyond the last product.
    pub(crate) fn block(&self, product: usize, block: usize, line: Line, into: &mut Block) {
        match &self.pairs {
            Pairs::Given { rows, columns } => {
                let lines = match (line, columns) {
                    (Line::Column, Some(columns)) => columns,
                    _ => rows,
                };
                let from = block * BLOCK;
                let width = BLOCK.min(self.n_products - from);
                let start = product * self.n_products + from;
                into[..width].copy_from_slice(&lines[start..][..width]);
                into[width..].fill(0.0);
            }
            Pairs::Counted(counted) => {
                counted.put_block(product, block, line, &self.is_known, into);
            }
        }
    }

    /// The sum of a product's relatedness to all others.
    pub fn sum(&self, product: usize) -> f64 {
        self.sums[product]
    }

    /// Whether the measure says anything of `product`.
    pub fn is_known(&self, product: usize) -> bool {
        self.is_known[product]
    }

    /// Relatedness of `product` to itself under `diagonal`.
    pub fn to_itself(&self, product: usize, diagonal: Diagonal) -> f64 {
        match diagonal {
            Diagonal::Included if self.is_known[product] => 1.0,
            Diagonal::Included | Diagonal::Excluded => 0.0,
        }
    }

    /// The same with what is below `from` set to 0: how density takes measures that can be negative.
    pub fn floored(self, from: f64) -> Self {
        let floor = |values: &mut Vec<f64>| {
            values.par_iter_mut().for_each(|value| {
                if *value < from {
                    *value = 0.0;
                }
            });
        };
        let pairs = match self.pairs {
            Pairs::Given { mut rows, mut columns } => {
                floor(&mut rows);
                columns.iter_mut().for_each(floor);
                Pairs::Given { rows, columns }
            }
            Pairs::Counted(counted) => {
                // Measures that cannot be negative stay as they are.
                let is_signed = matches!(counted.measure, Measure::Survivor | Measure::Revealed);
                if from <= 0.0 && !is_signed {
                    return Self { pairs: Pairs::Counted(counted), ..self };
                }
                Pairs::Counted(Counted { floor: counted.floor.max(from), ..counted })
            }
        };
        Self::of(pairs, self.is_known)
    }

    /// For each product the `k` closest others; fewer where fewer are related to it. Products that are equally close share the
    /// places that are left for them, so that no name or order decides: `m` of them in `j` places stand for `j / m` each, and
    /// their relatedness is given times that.
    pub fn nearest(&self, k: usize) -> Neighbourhoods {
        let near = |p: usize| {
            let row = self.row(p);
            let row = row.iter().copied().enumerate();
            let mut near: Vec<(usize, f64)> =
                row.filter(|(q, phi)| *q != p && *phi > 0.0).collect();
            if k == 0 {
                return Vec::new();
            }
            if near.len() > k {
                let by_closeness = |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1);
                let (_, &mut (_, last), _) = near.select_nth_unstable_by(k - 1, by_closeness);
                // Sums in another order differ in their last digits.
                let (above, below) = (last * (1.0 + EQUALLY_CLOSE), last * (1.0 - EQUALLY_CLOSE));
                near.retain(|(_, phi)| *phi >= below);
                let n_closer = near.iter().filter(|(_, phi)| *phi > above).count();
                #[expect(clippy::cast_precision_loss, reason = "counts of products")]
                let share = (k - n_closer) as f64 / (near.len() - n_closer) as f64;
                for (_, phi) in near.iter_mut().filter(|(_, phi)| *phi <= above) {
                    *phi *= share;
                }
            }
            near.sort_unstable_by_key(|(q, _)| *q);
            near
        };
        Neighbourhoods::of_lists((0..self.n_products).into_par_iter().map(near).collect())
    }

    /// For each product the others that are related to it at or above `threshold`.
    pub fn at_least(&self, threshold: f64) -> Neighbourhoods {
        let near = |p: usize| {
            cancel::check();
            let row = self.row(p);
            let row = row.iter().copied().enumerate();
            row.filter(|(q, phi)| *q != p && *phi >= threshold && *phi > 0.0).collect()
        };
        Neighbourhoods::of_lists((0..self.n_products).into_par_iter().map(near).collect())
    }

    /// The value that a `share` of all pairs of different known products is above: 0.05 gives the threshold of
    /// the closest 5 percent. `None` without pairs.
    pub fn threshold_of_closest(&self, share: f64) -> Option<f64> {
        let known: Vec<usize> = (0..self.n_products).filter(|&p| self.is_known[p]).collect();
        let n_pairs = known.len() * known.len().saturating_sub(1) / 2;
        if n_pairs == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among the pairs"
        )]
        let place = ((1.0 - share.clamp(0.0, 1.0)) * n_pairs as f64).floor() as usize;
        let mut place = place.min(n_pairs - 1);
        // Pairs are not kept: they are counted by their first bits, and those of the right ones are looked at again.
        let of_rows = known.par_iter().enumerate().map(|(at, &p)| {
            cancel::check();
            (self.either_way(p), &known[at + 1..])
        });
        let count = |mut counts: Vec<usize>, (row, others): (Cow<'_, [f64]>, &[usize])| {
            others.iter().for_each(|&q| counts[first_bits(row[q])] += 1);
            counts
        };
        let none = || vec![0; 1 << N_FIRST_BITS];
        let counts = of_rows.clone().fold(none, count).reduce(none, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        });
        let first = counts.iter().position(|&n| {
            let is_here = place < n;
            place -= if is_here { 0 } else { n };
            is_here
        })?;
        let mut alike: Vec<f64> = of_rows
            .flat_map_iter(|(row, others)| {
                let values = others.iter().map(move |&q| row[q]);
                values.filter(move |value| first_bits(*value) == first)
            })
            .collect();
        let (_, value, _) = alike.select_nth_unstable_by(place, f64::total_cmp);
        Some(*value)
    }
}

/// The first bits of a number that are enough to tell most numbers apart.
const N_FIRST_BITS: u32 = 16;

/// They, as a number that rises with it.
fn first_bits(value: f64) -> usize {
    let bits = value.to_bits();
    // Of negative numbers those with more bits are lower.
    let rising = if value.is_sign_negative() { !bits } else { bits | 1 << 63 };
    usize::try_from(rising >> (u64::BITS - N_FIRST_BITS)).unwrap_or(usize::MAX)
}

fn rescaled(ratio: f64) -> f64 {
    (ratio - 1.0) / (ratio + 1.0)
}

impl Measure {
    fn margin(self) -> Margin {
        match self {
            Self::Cosine(margin)
            | Self::Jaccard(margin)
            | Self::Association(margin)
            | Self::Probability(margin) => margin,
            Self::Revealed => Margin::CoOccurrence,
            Self::Proximity | Self::Conditional | Self::Survivor => Margin::Ubiquity,
        }
    }

    /// Whether it is the same to the last bit with the two products exchanged.
    fn is_symmetric(self) -> bool {
        !matches!(self, Self::Conditional | Self::Survivor)
    }

    /// Of two products with `count` in common and margins `a` and `b`; `total` is what association compares with,
    /// `sum` the sum of the margins.
    #[inline(always)]
    fn of(self, count: f64, a: f64, b: f64, total: f64, sum: f64) -> f64 {
        match self {
            Self::Proximity => count / a.max(b),
            Self::Conditional => count / b,
            Self::Cosine(_) => count / (a * b).sqrt(),
            Self::Jaccard(_) => count / (a + b - count),
            Self::Association(_) => count * total / (a * b),
            Self::Probability(_) => {
                let (a, b) = (a / sum, b / sum);
                count / ((a * b / (1.0 - a) + b * a / (1.0 - b)) * sum / 2.0)
            }
            Self::Survivor => {
                let mean = a * b / total;
                let variance = mean * (1.0 - a / total) * (total - b) / (total - 1.0);
                (count - mean) / variance.sqrt()
            }
            Self::Revealed => rescaled(count * total / (a * b)),
        }
    }
}

/// [`Measure::Proximity`], in `[0, 1]`.
pub fn proximity(specialization: &Specialization) -> Relatedness {
    relatedness(specialization, Measure::Proximity)
}

/// Computes the relatedness of every pair of products: `n_products` x `n_products`.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
pub fn relatedness(specialization: &Specialization, measure: Measure) -> Relatedness {
    let n = specialization.n_products();
    let n_active =
        (0..specialization.n_regions()).filter(|&r| specialization.diversity(r) > 0).count() as f64;
    let margins: Vec<f64> = match measure.margin() {
        Margin::Ubiquity => (0..n).map(|p| specialization.ubiquity(p) as f64).collect(),
        Margin::CoOccurrence => {
            // A product meets every other product of each of its regions.
            let mut sums = vec![0.0; n];
            for region in 0..specialization.n_regions() {
                let others = specialization.diversity(region).saturating_sub(1) as f64;
                specialization.products(region).iter().for_each(|&p| sums[p] += others);
            }
            sums
        }
    };
    let sum: f64 = margins.iter().sum();
    let total = if measure.margin() == Margin::Ubiquity { n_active } else { sum };
    let is_known: Vec<bool> = margins
        .iter()
        .map(|&margin| margin > 0.0 && (measure != Measure::Survivor || margin < n_active))
        .collect();
    let co_occurrence = CoOccurrence::of(specialization.clone());
    let floor = f64::NEG_INFINITY;
    let counted = Counted { co_occurrence, measure, margins, total, sum, floor };
    Relatedness::of(Pairs::Counted(counted), is_known)
}

/// Relatedness by correlation of RCA over regions, `(1 + corr) / 2`, in `[0, 1]`.
#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
pub fn correlation(rca: &Rca) -> Relatedness {
    let n = rca.n_products();
    // A region without exports has no RCA.
    let regions: Vec<usize> = (0..rca.n_regions()).filter(|&r| rca.region_is_active(r)).collect();
    let mut columns: Vec<f64> = regions.iter().flat_map(|&r| rca.row(r).to_vec()).collect();
    let count = regions.len().max(1) as f64;
    let mut means = vec![0.0; n];
    for row in columns.chunks_exact(n.max(1)) {
        means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count);
    }
    let mut squares = vec![0.0; n];
    for row in columns.chunks_exact_mut(n.max(1)) {
        for ((x, mean), square) in row.iter_mut().zip(&means).zip(&mut squares) {
            *x -= mean;
            *square += *x * *x;
        }
    }
    // Rounding alone gives a constant column a little spread.
    let is_known: Vec<bool> = squares
        .iter()
        .zip(&means)
        .map(|(square, mean)| *square > 1e-24 * count * mean * mean && *square > 0.0)
        .collect();
    for row in columns.chunks_exact_mut(n.max(1)) {
        for ((x, square), is_known) in row.iter_mut().zip(&squares).zip(&is_known) {
            *x = if *is_known { *x / square.sqrt() } else { 0.0 };
        }
    }
    let mut values = kernel::gram(&columns, n);
    values.par_chunks_exact_mut(n.max(1)).enumerate().for_each(|(p, row)| {
        for (q, value) in row.iter_mut().enumerate() {
            let is_pair = p != q && is_known[p] && is_known[q];
            *value = if is_pair { ((1.0 + *value) / 2.0).clamp(0.0, 1.0) } else { 0.0 };
        }
    });
    Relatedness::symmetric(values, is_known)
}

/// Pairwise coagglomeration of Ellison, Glaeser & Kerr (2010), at most 1; negative where products avoid each other.
/// Products that nobody exports are unknown, and all are if one region has everything.
pub fn coagglomeration(exports: &Exports) -> Relatedness {
    let (n_regions, n) = (exports.n_regions(), exports.n_products());
    let size: Vec<f64> = exports.region_totals().iter().map(|x| x / exports.total()).collect();
    let spread = 1.0 - size.iter().map(|x| x * x).sum::<f64>();
    let is_known: Vec<bool> =
        exports.product_totals().iter().map(|&x| x > 0.0 && spread > 1e-12).collect();
    let mut columns = vec![0.0; n_regions * n];
    for (region, row) in columns.chunks_exact_mut(n.max(1)).enumerate() {
        let cells = exports.row(region).iter().zip(exports.product_totals());
        for ((deviation, (x, total)), is_known) in row.iter_mut().zip(cells).zip(&is_known) {
            *deviation = if *is_known { x / total - size[region] } else { 0.0 };
        }
    }
    let mut values = kernel::gram(&columns, n);
    values.par_chunks_exact_mut(n.max(1)).enumerate().for_each(|(p, row)| {
        row.iter_mut()
            .for_each(|value| *value = if spread > 1e-12 { *value / spread } else { 0.0 });
        row[p] = 0.0;
    });
    Relatedness::symmetric(values, is_known)
}

/// How often a holder of the second product takes up the first: the temporal form of revealed relatedness, so that
/// density says whether what a region has leads to a product.
///
/// `F[p,q]` counts the holders (firms) that have `q` before, and `p` after but not before; the measure is
/// [`Measure::Revealed`] on it, not symmetric, in `[-1, 1)`.
///
/// # Panics
///
/// If the two are not of the same holders and products.
pub fn revealed_by_additions(before: &Specialization, after: &Specialization) -> Relatedness {
    let n = before.n_products();
    assert!(
        after.n_products() == n && after.n_regions() == before.n_regions(),
        "the same holders and products"
    );
    let mut counts = vec![0.0; n * n];
    for holder in 0..before.n_regions() {
        let added: Vec<usize> =
            after.products(holder).iter().copied().filter(|&q| !before.get(holder, q)).collect();
        for &q in before.products(holder) {
            added.iter().for_each(|&p| counts[p * n + q] += 1.0);
        }
    }
    let rows: Vec<f64> = (0..n).map(|p| counts[p * n..][..n].iter().sum()).collect();
    let columns: Vec<f64> = (0..n).map(|q| (0..n).map(|p| counts[p * n + q]).sum()).collect();
    let total: f64 = rows.iter().sum();
    let is_known: Vec<bool> = (0..n).map(|p| rows[p] > 0.0 || columns[p] > 0.0).collect();
    let mut values = counts;
    for p in 0..n {
        for q in 0..n {
            let value = &mut values[p * n + q];
            *value = if p != q && rows[p] > 0.0 && columns[q] > 0.0 {
                rescaled(*value * total / (rows[p] * columns[q]))
            } else {
                0.0
            };
        }
    }
    Relatedness::ordered(values, is_known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reference, rca};
    use proptest::prelude::*;

    /// C1:{P1..P4}, C2:{P2}, C3:{P3,P4}, C4:{P4}: vector 3 of the methodology.
    fn four_by_four() -> Specialization {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1)
    }

    #[track_caller]
    fn check(measure: Measure, p: usize, q: usize, expected: f64) {
        let found = relatedness(&four_by_four(), measure).get(p, q);
        assert!(
            (found - expected).abs() < 1e-14,
            "{measure:?} [{p},{q}] = {found}, not {expected}"
        );
    }

    #[test]
    fn proximity_of_the_worked_example() {
        check(Measure::Proximity, 0, 1, 0.5);
        check(Measure::Proximity, 0, 2, 0.5);
        check(Measure::Proximity, 1, 2, 0.5);
        check(Measure::Proximity, 0, 3, 1.0 / 3.0);
        check(Measure::Proximity, 1, 3, 1.0 / 3.0);
        check(Measure::Proximity, 2, 3, 2.0 / 3.0);
    }

    #[test]
    fn other_measures_of_the_worked_example() {
        // k = (1, 2, 2, 3), four regions; P3 and P4 have two in common, S = (3, 3, 4, 4).
        check(Measure::Conditional, 0, 3, 1.0 / 3.0);
        check(Measure::Conditional, 3, 0, 1.0);
        check(Measure::Cosine(Margin::Ubiquity), 2, 3, 2.0 / 6f64.sqrt());
        check(Measure::Jaccard(Margin::Ubiquity), 2, 3, 2.0 / 3.0);
        check(Measure::Association(Margin::Ubiquity), 2, 3, 2.0 * 4.0 / 6.0);
        check(Measure::Association(Margin::CoOccurrence), 2, 3, 2.0 * 14.0 / 16.0);
        check(Measure::Cosine(Margin::CoOccurrence), 2, 3, 0.5);
        // mu 1.5, var 1.5 (1 - 2/4) (4 - 3) / 3 = 0.25.
        check(Measure::Survivor, 2, 3, 1.0);
        check(Measure::Revealed, 2, 3, (1.75 - 1.0) / (1.75 + 1.0));
    }

    #[test]
    fn survivor_is_the_one_of_the_methodology() {
        // K = 100, n_i = 20, n_j = 10, J = 6.
        let specialization = Specialization::from_fn(100, 3, |r, p| match p {
            0 => r < 20,
            1 => (14..24).contains(&r),
            _ => r >= 20,
        });
        let found = relatedness(&specialization, Measure::Survivor).get(0, 1);
        assert!((found - 3.316_624_790_4).abs() < 1e-9, "{found}");
    }

    #[test]
    fn product_of_no_region_is_far_from_all() {
        let specialization = Specialization::from_fn(2, 3, |_, p| p < 2);
        let proximity = proximity(&specialization);
        assert_eq!(&*proximity.row(2), [0.0; 3]);
        assert!(!proximity.is_known(2));
        assert_eq!(proximity.to_itself(2, Diagonal::Included).to_bits(), 0);
        // Both others are everywhere: co-occurrence says nothing.
        let survivor = relatedness(&specialization, Measure::Survivor);
        assert!((0..3).all(|p| !survivor.is_known(p)));
    }

    #[test]
    fn external_pairs_and_counts_are_checked() {
        let error = Relatedness::from_pairs(2, [(0, 1, 1.5)]).expect_err("above one");
        assert!(error.to_string().contains("expected a number between 0 and 1"), "{error}");
        assert!(Relatedness::from_pairs(2, [(0, 2, 0.5)]).is_err());
        assert!(Relatedness::from_counts(2, &[0.0, 1.0, -1.0, 0.0], Measure::Revealed).is_err());
        assert!(Relatedness::from_counts(2, &[0.0], Measure::Revealed).is_err());
    }

    #[test]
    fn additions_are_counted_from_before_to_after() {
        // Of two firms with P1, one adds P2; a firm with P3 adds P1.
        let before = Specialization::from_rows(3, vec![vec![0], vec![0], vec![2]]);
        let after = Specialization::from_rows(3, vec![vec![0, 1], vec![0], vec![0, 2]]);
        let found = revealed_by_additions(&before, &after);
        assert!((found.get(1, 0) - 1.0 / 3.0).abs() < 1e-15, "R = 1 * 2 / (1 * 1)");
        assert_eq!(found.get(0, 1).to_bits(), 0, "nobody with P2 added anything");
        assert!((found.get(0, 2) - 1.0 / 3.0).abs() < 1e-15);
        // A region with P1 is near P2, which firms with P1 take up; one with P2 is not near P1.
        let regions = Specialization::from_rows(3, vec![vec![0], vec![1]]);
        let near = crate::density(&regions, &found.floored(0.0), Diagonal::Excluded);
        assert_eq!((near.get(0, 1), near.get(1, 0)), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn same_products_are_perfectly_correlated_and_constant_ones_unknown() {
        let values = vec![4.0, 8.0, 1.0, 2.0, 4.0, 5.0, 0.0, 0.0, 9.0];
        let exports = Exports::new(3, 3, values).expect("valid");
        let found = correlation(&rca(&exports, Reference::Own));
        assert!((found.get(0, 1) - 1.0).abs() < 1e-12);
        let even = Exports::new(2, 2, vec![1.0, 3.0, 2.0, 6.0]).expect("valid");
        assert!(!correlation(&rca(&even, Reference::Own)).is_known(0));
    }

    #[test]
    fn coagglomeration_by_hand() {
        // x = (.5, .5); s of P1 (.8, .2), of P2 (.2, .8): sum of products -0.18, over 1 - 0.5.
        let exports = Exports::new(2, 2, vec![8.0, 2.0, 2.0, 8.0]).expect("valid");
        assert!((coagglomeration(&exports).get(0, 1) + 0.36).abs() < 1e-15);
    }

    #[test]
    fn closest_share_of_pairs() {
        let proximity = proximity(&four_by_four());
        // Pairs: 1/3, 1/3, 1/2, 1/2, 1/2, 2/3.
        assert!((proximity.threshold_of_closest(0.1).expect("pairs") - 2.0 / 3.0).abs() < 1e-15);
        assert!((proximity.threshold_of_closest(1.0).expect("pairs") - 1.0 / 3.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn the_closest_share_is_that_of_all_pairs_in_order(
            values in prop::collection::vec(prop_oneof![Just(0.0), Just(-0.0), -1.0f64..1.0, 0.5f64..0.500_001], 15),
            share in 0.0f64..1.0,
        ) {
            let mut rows = vec![0.0; 36];
            let pairs = (0..6).flat_map(|p| (p + 1..6).map(move |q| (p, q)));
            for ((p, q), value) in pairs.zip(&values) {
                (rows[p * 6 + q], rows[q * 6 + p]) = (*value, *value);
            }
            let found = Relatedness::symmetric(rows, vec![true; 6]).threshold_of_closest(share);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            // A place of the fifteen.
            let place = (0..15u8).rev().find(|&at| f64::from(at) <= (1.0 - share) * 15.0).unwrap_or(0);
            prop_assert_eq!(found.map(f64::to_bits), Some(sorted[usize::from(place)].to_bits()));
        }

        #[test]
        fn symmetric_ranged_and_blind_to_the_order_of_regions(
            cells in prop::collection::vec(any::<bool>(), 70 * 7), shift in 0usize..70,
        ) {
            let of = |shift: usize| {
                Specialization::from_fn(70, 7, |r, p| cells[(r + shift) % 70 * 7 + p])
            };
            for measure in [
                Measure::Proximity,
                Measure::Cosine(Margin::Ubiquity),
                Measure::Jaccard(Margin::Ubiquity),
                Measure::Association(Margin::CoOccurrence),
                Measure::Probability(Margin::CoOccurrence),
                Measure::Survivor,
                Measure::Revealed,
            ] {
                let (a, b) = (relatedness(&of(0), measure), relatedness(&of(shift), measure));
                for p in 0..7 {
                    for q in 0..7 {
                        let value = a.get(p, q);
                        prop_assert!(value.is_finite());
                        prop_assert!((value - a.get(q, p)).abs() <= 1e-12 * value.abs());
                        prop_assert!((value - b.get(p, q)).abs() <= 1e-12 * value.abs());
                        if matches!(measure, Measure::Proximity | Measure::Cosine(_) | Measure::Jaccard(_)) {
                            prop_assert!((0.0..=1.0).contains(&value));
                        }
                    }
                }
            }
        }
    }
}
