//! Taking fixed effects out of columns: weighted least squares on the dummies of any number of
//! factors.
//!
//! Rows that share the levels of all factors are one cell. The factor with most levels is
//! eliminated exactly, level by level; what is left, the Schur complement on the other factors, is
//! solved by conjugate gradients with its diagonal as preconditioner. With one factor nothing is
//! left; with two this is symmetric Kaczmarz accelerated by conjugate gradients (Correia 2016, "A
//! feasible estimator for linear models with multi-way fixed effects").

use crate::EstimateError;
use crate::dense::{float, squared_length};
use crate::factor::{Crossed, Factor, ROWS_A_PIECE, by_pieces, chosen, finest, pieces};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Columns that are solved side by side.
const LANES: usize = 4;
type Lanes = [f64; LANES];
const ZERO: Lanes = [0.0; LANES];

/// Length of what the effects explain of a column's rest, relative to that rest, at which they are
/// out.
const OUT: f64 = 1e-8;
/// The same where more iterations change nothing, since rounding hides the rest.
const OUT_BUT_FOR_ROUNDING: f64 = 1e-6;
/// Share of a column's length about its mean that must be left once effects are out; below it, what
/// is left is rounding.
pub(crate) const ABSORBED: f64 = 1e-7;
/// Times that the effects are taken out of what was left of a column.
const ROUNDS: usize = 5;
/// What rounding leaves of a column, as a share of its length.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// Eigenvalues of the Schur complement, in units of its diagonal before elimination, that are zero
/// but for rounding.
const ZERO_EIGENVALUE: f64 = 1e-10;

/// When the solver stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Norm of what the effects still explain, relative to what they explained at first.
    pub relative: f64,
    /// Iterations after which it gives up.
    pub max_iterations: usize,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { relative: 1e-10, max_iterations: 20_000 }
    }
}

/// Factors to take out of columns, with their weights.
#[derive(Debug)]
pub(crate) struct Absorber {
    /// Rows that share the levels of all factors, in the order of the factor that is eliminated.
    crossed: Crossed,
    /// The cell of each row.
    cell_of_row: Vec<AtomicU32>,
    /// Places of each cell in the vector of the other factors' levels, `n_other` a cell.
    places: Vec<u32>,
    n_other: usize,
    n_places: usize,
    weights: Vec<f64>,
    first_diagonal: Vec<f64>,
    other_diagonal: Vec<f64>,
    /// First and last level of the eliminated factor in each piece.
    pieces: Vec<(usize, usize)>,
    tolerance: Tolerance,
}

impl Absorber {
    /// An absorber of those of `factors` that are `effects` and add something to the others; `None`
    /// without any.
    pub(crate) fn of(
        effects: &[usize],
        factors: &[Factor],
        weights: Option<&[f64]>,
        tolerance: Tolerance,
    ) -> Option<Self> {
        let finest = finest(&chosen(effects, factors));
        (!finest.is_empty()).then(|| Self::new(&finest, weights, tolerance))
    }

    /// An absorber of `factors`, at least one, over rows with `weights` (all 1 without).
    pub(crate) fn new(factors: &[&Factor], weights: Option<&[f64]>, tolerance: Tolerance) -> Self {
        let first = (0..factors.len())
            .max_by_key(|&at| (factors[at].n_levels, std::cmp::Reverse(at)))
            .unwrap_or(0);
        let others: Vec<&Factor> = factors
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != first)
            .map(|(_, factor)| *factor)
            .collect();
        let crossed = Crossed::of(factors[first], &others);
        let pieces = pieces(&crossed.starts);
        let mut absorber = Self {
            weights: vec![0.0; crossed.n()],
            cell_of_row: crossed.of_rows(),
            places: places(&crossed, &others),
            n_other: others.len(),
            n_places: others.iter().map(|factor| factor.n_levels).sum(),
            crossed,
            first_diagonal: Vec::new(),
            other_diagonal: Vec::new(),
            pieces,
            tolerance,
        };
        absorber.set_weights(weights);
        absorber
    }

    /// Whether the effects are found by iterations, and not at once.
    pub(crate) fn is_iterated(&self) -> bool {
        self.n_other > 0
    }

    /// Gives the rows other weights, all 1 with `None`.
    pub(crate) fn set_weights(&mut self, weights: Option<&[f64]>) {
        let of_cell = |cell: usize| -> f64 {
            let rows = self.crossed.rows_of(cell);
            match weights {
                None => float(rows.len()),
                Some(weights) => rows.iter().fold(0.0, |sum, &row| sum + weights[row as usize]),
            }
        };
        self.weights = (0..self.crossed.n()).into_par_iter().map(of_cell).collect();
        self.first_diagonal = (0..self.n_first())
            .into_par_iter()
            .map(|level| self.weights[self.cells(level)].iter().sum())
            .collect();
        self.other_diagonal = vec![0.0; self.n_places];
        if self.n_other > 0 {
            for (weight, places) in self.weights.iter().zip(self.places.chunks_exact(self.n_other))
            {
                places.iter().for_each(|&place| self.other_diagonal[place as usize] += weight);
            }
        }
    }

    /// The levels of the factor that is eliminated.
    fn n_first(&self) -> usize {
        self.crossed.starts.len() - 1
    }

    /// The cells of one of them.
    fn cells(&self, level: usize) -> Range<usize> {
        self.crossed.starts[level] as usize..self.crossed.starts[level + 1] as usize
    }

    /// Takes the effects out of `columns`, each of as many rows as the factors. Their values are
    /// meaningless after an error.
    ///
    /// # Errors
    ///
    /// [`EstimateError::NotConverged`] with the share that the effects still explain of what is
    /// left.
    pub(crate) fn absorb(
        &self,
        columns: &mut [&mut [f64]],
        weights: Option<&[f64]>,
    ) -> Result<(), EstimateError> {
        for group in columns.chunks_mut(LANES) {
            cancel::check();
            // A constant is among the effects. Without it, rounding is that of what varies.
            let before = per_lane(group, |column| {
                center(column, weights);
                squared_length(column, weights)
            });
            let mut values = by_row(group);
            let mut sums = self.cell_sums(&values, weights);
            let mut explained: Lanes = [f64::INFINITY; LANES];
            let mut n_iterations = 0;
            for round in 1..=ROUNDS {
                let effects = self.solve(&mut sums, &before, &mut n_iterations);
                self.subtract(&mut values, &effects);
                let after;
                (after, sums) = rayon::join(
                    || squared_lengths(&values, weights),
                    || self.cell_sums(&values, weights),
                );
                let last = explained;
                explained = self.explained(&sums);
                let is_last = round == ROUNDS || n_iterations >= self.tolerance.max_iterations;
                let mut is_settled = true;
                for lane in 0..group.len() {
                    let share = explained[lane] / after[lane];
                    let stalls = is_last || explained[lane] > 0.25 * last[lane];
                    // A column of next to nothing has no digits to tell shares by.
                    let is_out = after[lane] <= (ABSORBED.powi(2) * before[lane]).max(1e-280)
                        || explained[lane] <= OUT.powi(2) * after[lane]
                        || stalls && explained[lane] <= OUT_BUT_FOR_ROUNDING.powi(2) * after[lane];
                    // A lane that is out keeps its values.
                    if is_out {
                        sums.iter_mut().for_each(|sum| sum[lane] = 0.0);
                    } else if !share.is_finite() {
                        return Err(EstimateError::NotFinite);
                    } else if is_last {
                        let residual = share.sqrt();
                        return Err(EstimateError::NotConverged {
                            iterations: n_iterations,
                            residual,
                        });
                    }
                    is_settled &= is_out;
                }
                if is_settled {
                    break;
                }
            }
            for (lane, column) in group.iter_mut().enumerate() {
                let pieces = column.par_chunks_mut(ROWS_A_PIECE);
                pieces.zip(values.par_chunks(ROWS_A_PIECE)).for_each(|(column, values)| {
                    column.iter_mut().zip(values).for_each(|(of, value)| *of = value[lane]);
                });
            }
        }
        Ok(())
    }

    /// Takes the effect of each row's cell out of the values of the rows.
    fn subtract(&self, values: &mut [Lanes], effects: &[Lanes]) {
        let pieces = values.par_chunks_mut(ROWS_A_PIECE);
        pieces.zip(self.cell_of_row.par_chunks(ROWS_A_PIECE)).for_each(|(values, cells)| {
            for (value, cell) in values.iter_mut().zip(cells) {
                let effect = &effects[cell.load(Ordering::Relaxed) as usize];
                *value = std::array::from_fn(|k| value[k] - effect[k]);
            }
        });
    }

    /// The weighted sum of the rows' values in each cell.
    fn cell_sums(&self, values: &[Lanes], weights: Option<&[f64]>) -> Vec<Lanes> {
        let of_cell = |cell: usize| -> Lanes {
            let rows = self.crossed.rows_of(cell).iter().map(|&row| row as usize);
            match weights {
                None => rows.fold(ZERO, |sum, row| add(&sum, &values[row])),
                Some(weights) => {
                    rows.fold(ZERO, |sum, row| add(&sum, &scaled(&values[row], weights[row])))
                }
            }
        };
        (0..self.crossed.n()).into_par_iter().map(of_cell).collect()
    }

    fn first_sums(&self, sums: &[Lanes]) -> Vec<Lanes> {
        (0..self.n_first())
            .into_par_iter()
            .map(|level| sums[self.cells(level)].iter().fold(ZERO, |a, b| add(&a, b)))
            .collect()
    }

    /// The squared lengths of what each factor alone explains of columns with these sums by cell,
    /// added up over the factors.
    fn explained(&self, sums: &[Lanes]) -> Lanes {
        let share = |total: Lanes, sum: &Lanes, diagonal: f64| -> Lanes {
            let by = if diagonal > 0.0 { 1.0 / diagonal } else { 0.0 };
            std::array::from_fn(|k| total[k] + sum[k] * sum[k] * by)
        };
        let of_first = self
            .first_sums(sums)
            .iter()
            .zip(&self.first_diagonal)
            .fold(ZERO, |total, (sum, d)| share(total, sum, *d));
        let mut others = vec![ZERO; self.n_places];
        for (cell, sum) in sums.iter().enumerate() {
            for &place in self.places_of(cell) {
                others[place as usize] = add(&others[place as usize], sum);
            }
        }
        others
            .iter()
            .zip(&self.other_diagonal)
            .fold(of_first, |total, (sum, d)| share(total, sum, *d))
    }

    /// The sum of the effects of each cell, for columns with these sums by cell and squared
    /// lengths.
    fn solve(
        &self,
        sums: &mut Vec<Lanes>,
        lengths: &Lanes,
        n_iterations: &mut usize,
    ) -> Vec<Lanes> {
        let first_sums = self.first_sums(sums);
        if self.n_other == 0 {
            return first_sums
                .iter()
                .zip(&self.first_diagonal)
                .map(|(sum, diagonal)| scaled(sum, 1.0 / diagonal))
                .collect();
        }
        let mut target = vec![ZERO; self.n_places];
        for (level, first_sum) in first_sums.iter().enumerate() {
            let mean = scaled(first_sum, 1.0 / self.first_diagonal[level]);
            for cell in self.cells(level) {
                let left: Lanes =
                    std::array::from_fn(|k| sums[cell][k] - self.weights[cell] * mean[k]);
                for &place in self.places_of(cell) {
                    target[place as usize] = add(&target[place as usize], &left);
                }
            }
        }
        let others = self.conjugate_gradients(&target, lengths, n_iterations);
        let mut effects = std::mem::take(sums);
        let parts = by_pieces(&mut effects, &self.pieces, &self.crossed.starts);
        parts.into_par_iter().for_each(|(levels, effects)| {
            let start = self.cells(levels.start).start;
            for level in levels {
                let mut left = first_sums[level];
                let cells = self.cells(level);
                let of_level = &mut effects[cells.start - start..cells.end - start];
                for (cell, effect) in cells.zip(of_level.iter_mut()) {
                    let of_others = self.gathered(&others, cell);
                    *effect = of_others;
                    left = std::array::from_fn(|k| left[k] - self.weights[cell] * of_others[k]);
                }
                let own = scaled(&left, 1.0 / self.first_diagonal[level]);
                of_level.iter_mut().for_each(|effect| *effect = add(effect, &own));
            }
        });
        effects
    }

    fn places_of(&self, cell: usize) -> &[u32] {
        &self.places[cell * self.n_other..(cell + 1) * self.n_other]
    }

    fn gathered(&self, vector: &[Lanes], cell: usize) -> Lanes {
        self.places_of(cell).iter().fold(ZERO, |sum, &place| add(&sum, &vector[place as usize]))
    }

    /// The Schur complement on the other factors, times `vector`.
    fn apply(&self, vector: &[Lanes]) -> Vec<Lanes> {
        let parts: Vec<Vec<Lanes>> = self
            .pieces
            .par_iter()
            .map(|&(from, to)| {
                let mut out = vec![ZERO; self.n_places];
                let mut gathered: Vec<Lanes> = Vec::new();
                for level in from..to {
                    gathered.clear();
                    let mut mean = ZERO;
                    for cell in self.cells(level) {
                        let of_others = self.gathered(vector, cell);
                        let weight = self.weights[cell];
                        mean = std::array::from_fn(|k| mean[k] + weight * of_others[k]);
                        gathered.push(of_others);
                    }
                    let mean = scaled(&mean, 1.0 / self.first_diagonal[level]);
                    for (cell, of_others) in self.cells(level).zip(&gathered) {
                        let weight = self.weights[cell];
                        let left: Lanes =
                            std::array::from_fn(|k| weight * (of_others[k] - mean[k]));
                        for &place in self.places_of(cell) {
                            let out = &mut out[place as usize];
                            *out = add(out, &left);
                        }
                    }
                }
                out
            })
            .collect();
        let mut parts = parts.into_iter();
        let mut sum = parts.next().unwrap_or_default();
        for part in parts {
            sum.iter_mut().zip(&part).for_each(|(a, b)| *a = add(a, b));
        }
        sum
    }

    /// Solves for the effects of the other factors, until what is left is `tolerance.relative` of
    /// the target or the rounding of columns with these squared lengths.
    fn conjugate_gradients(
        &self,
        target: &[Lanes],
        lengths: &Lanes,
        n_iterations: &mut usize,
    ) -> Vec<Lanes> {
        let preconditioned = |r: &[Lanes]| -> Vec<Lanes> {
            r.iter()
                .zip(&self.other_diagonal)
                .map(|(r, d)| scaled(r, if *d > 0.0 { 1.0 / d } else { 0.0 }))
                .collect()
        };
        let mut solution = vec![ZERO; self.n_places];
        let mut residual = target.to_vec();
        let mut z = preconditioned(&residual);
        let mut direction = z.clone();
        let mut size = dot(&residual, &z);
        let limit: Lanes = std::array::from_fn(|k| {
            (size[k] * self.tolerance.relative.powi(2)).max(lengths[k] * ROUNDING.powi(2))
        });
        while *n_iterations < self.tolerance.max_iterations
            && (0..LANES).any(|k| size[k] > limit[k])
        {
            cancel::check();
            *n_iterations += 1;
            let image = self.apply(&direction);
            let curvature = dot(&direction, &image);
            let step: Lanes = std::array::from_fn(|k| {
                if size[k] <= limit[k] || curvature[k] <= 0.0 {
                    0.0
                } else {
                    size[k] / curvature[k]
                }
            });
            for (s, d) in solution.iter_mut().zip(&direction) {
                *s = std::array::from_fn(|k| s[k] + step[k] * d[k]);
            }
            for (r, a) in residual.iter_mut().zip(&image) {
                *r = std::array::from_fn(|k| r[k] - step[k] * a[k]);
            }
            z = preconditioned(&residual);
            let next = dot(&residual, &z);
            let share: Lanes = std::array::from_fn(|k| {
                if step[k] > 0.0 && size[k] > 0.0 { next[k] / size[k] } else { 0.0 }
            });
            for (d, z) in direction.iter_mut().zip(&z) {
                *d = std::array::from_fn(|k| z[k] + share[k] * d[k]);
            }
            // A lane that cannot move has reached what rounding allows.
            size = std::array::from_fn(|k| if curvature[k] <= 0.0 { 0.0 } else { next[k] });
        }
        solution
    }

    /// The Schur complement on the other factors as a dense matrix, `n_places` x `n_places`.
    ///
    /// # Errors
    ///
    /// [`EstimateError::TooManyLevels`] if these factors have more than `limit` levels.
    fn schur(&self, limit: usize) -> Result<Vec<f64>, EstimateError> {
        if self.n_places > limit {
            return Err(EstimateError::TooManyLevels { levels: self.n_places, limit });
        }
        let n = self.n_places;
        let mut schur = vec![0.0; n * n];
        for level in 0..self.n_first() {
            let inverse = 1.0 / self.first_diagonal[level];
            for a in self.cells(level) {
                for &p in self.places_of(a) {
                    for &q in self.places_of(a) {
                        schur[p as usize * n + q as usize] += self.weights[a];
                    }
                    for b in self.cells(level) {
                        for &q in self.places_of(b) {
                            schur[p as usize * n + q as usize] -=
                                self.weights[a] * self.weights[b] * inverse;
                        }
                    }
                }
            }
        }
        // In units of the diagonal before elimination, so that zero is zero whatever the weights.
        let root: Vec<f64> = self.other_diagonal.iter().map(|d| d.sqrt()).collect();
        for p in 0..n {
            for q in 0..n {
                schur[p * n + q] /= root[p] * root[q];
            }
        }
        Ok(schur)
    }

    /// The rank of the dummies of all factors: how many parameters they are.
    ///
    /// # Errors
    ///
    /// [`EstimateError::TooManyLevels`] if the factors other than the largest have more than
    /// `limit` levels.
    pub(crate) fn rank(&self, limit: usize) -> Result<usize, EstimateError> {
        let schur = self.schur(limit)?;
        let eigen = crate::dense::eigen(&schur, self.n_places).ok_or(EstimateError::NotFinite)?;
        let n_others = eigen.values.iter().filter(|value| **value > ZERO_EIGENVALUE).count();
        Ok(self.n_first() + n_others)
    }

    /// The leverage of each row a unit of weight, `d' (D'WD)^- d`, by a dense inverse of the Schur
    /// complement.
    ///
    /// # Errors
    ///
    /// [`EstimateError::TooManyLevels`] if the factors other than the largest have more than
    /// `limit` levels.
    pub(crate) fn leverages(&self, limit: usize) -> Result<Vec<f64>, EstimateError> {
        let n = self.n_places;
        let schur = self.schur(limit)?;
        let mut inverse = crate::dense::generalised_inverse(&schur, n, ZERO_EIGENVALUE)
            .ok_or(EstimateError::NotFinite)?;
        for p in 0..n {
            for q in 0..n {
                inverse[p * n + q] /= (self.other_diagonal[p] * self.other_diagonal[q]).sqrt();
            }
        }
        let mut leverages = vec![0.0; self.weights.len()];
        for level in 0..self.n_first() {
            let first = 1.0 / self.first_diagonal[level];
            let mut mean = vec![0.0; n];
            for cell in self.cells(level) {
                self.places_of(cell)
                    .iter()
                    .for_each(|&p| mean[p as usize] += self.weights[cell] * first);
            }
            let image: Vec<f64> =
                (0..n).map(|p| (0..n).map(|q| inverse[p * n + q] * mean[q]).sum()).collect();
            let of_mean: f64 = mean.iter().zip(&image).map(|(a, b)| a * b).sum();
            for cell in self.cells(level) {
                let places = self.places_of(cell);
                let own: f64 = places
                    .iter()
                    .map(|&p| {
                        places.iter().map(|&q| inverse[p as usize * n + q as usize]).sum::<f64>()
                    })
                    .sum();
                let cross: f64 = places.iter().map(|&p| image[p as usize]).sum();
                leverages[cell] = first + own - 2.0 * cross + of_mean;
            }
        }
        Ok(self.crossed.to_rows(&leverages))
    }
}

/// Places of each cell in the vector of the levels of `others`, one a factor.
fn places(crossed: &Crossed, others: &[&Factor]) -> Vec<u32> {
    if others.is_empty() {
        return Vec::new();
    }
    let mut offsets = Vec::with_capacity(others.len());
    let mut n_places = 0;
    for factor in others {
        offsets.push(n_places);
        n_places += u32::try_from(factor.n_levels).unwrap_or(u32::MAX);
    }
    let mut places = vec![0; crossed.n() * others.len()];
    places.par_chunks_mut(others.len()).enumerate().for_each(|(cell, places)| {
        let row = crossed.rows_of(cell)[0] as usize;
        for ((place, factor), offset) in places.iter_mut().zip(others).zip(&offsets) {
            *place = offset + factor.of_row[row];
        }
    });
    places
}

/// Takes the weighted mean out.
fn center(column: &mut [f64], weights: Option<&[f64]>) {
    let (sum, total) = match weights {
        None => (column.iter().sum::<f64>(), float(column.len())),
        Some(weights) => (
            column.iter().zip(weights).map(|(value, weight)| value * weight).sum(),
            weights.iter().sum(),
        ),
    };
    let mean = sum / total;
    if mean.is_finite() {
        column.iter_mut().for_each(|value| *value -= mean);
    }
}

/// Does the same to each of at most [`LANES`] columns.
fn per_lane(columns: &mut [&mut [f64]], of: impl Fn(&mut [f64]) -> f64 + Sync) -> Lanes {
    let mut lanes = ZERO;
    let both = lanes.par_iter_mut().zip(columns.par_iter_mut());
    both.for_each(|(out, column)| *out = of(column));
    lanes
}

/// The values of up to [`LANES`] columns, those of a row beside each other: what a cell needs of a
/// row, which is far from the rows before and after it in the cell, is then looked for once.
fn by_row(columns: &[&mut [f64]]) -> Vec<Lanes> {
    let n_rows = columns.first().map_or(0, |column| column.len());
    let of_row = |row: usize| {
        let mut lanes = ZERO;
        lanes.iter_mut().zip(columns).for_each(|(lane, column)| *lane = column[row]);
        lanes
    };
    (0..n_rows).into_par_iter().map(of_row).collect()
}

/// The sums of squares of all values, each times its weight (1 without).
fn squared_lengths(values: &[Lanes], weights: Option<&[f64]>) -> Lanes {
    let add = |sum: Lanes, v: &Lanes, w: f64| std::array::from_fn(|k| sum[k] + w * v[k] * v[k]);
    match weights {
        None => values.iter().fold(ZERO, |sum, value| add(sum, value, 1.0)),
        Some(weights) => values.iter().zip(weights).fold(ZERO, |sum, (v, w)| add(sum, v, *w)),
    }
}

fn add(a: &Lanes, b: &Lanes) -> Lanes {
    std::array::from_fn(|k| a[k] + b[k])
}

fn scaled(a: &Lanes, factor: f64) -> Lanes {
    a.map(|value| value * factor)
}

fn dot(a: &[Lanes], b: &[Lanes]) -> Lanes {
    a.iter().zip(b).fold(ZERO, |sum, (a, b)| std::array::from_fn(|k| sum[k] + a[k] * b[k]))
}
