//! A penalised synthetic control: Abadie & L'Hour (2021).
//!
//! With `x1` the values of the treated unit before the shock, and `x[j]` those of donor `j`:
//!
//! ```text
//! minimise  |x1 - sum over j of w[j] x[j]|^2  +  lambda * sum over j of w[j] |x1 - x[j]|^2
//! over      w[j] >= 0,  sum over j of w[j] = 1
//! ```
//!
//! The larger `lambda`, the nearer the donors; without end, it is the nearest one. Above zero the
//! weights are unique, and at most as many as there are periods before the shock, and one.
//!
//! # The solver
//!
//! An active set: the optimum on the donors that have a weight, by an orthogonal factor of their
//! differences; a donor whose weight would fall below zero leaves, and the one with the least
//! gradient joins, until `w'g - min(g)`, with `g` the gradient of half the objective, is at most
//! 1e-12 of half the objective of the nearest donor alone. That bounds how far half the objective
//! is above its minimum (Frank & Wolfe 1956).
//!
//! # Conventions
//!
//! * Donors with the same values before the shock share their weight evenly.
//! * A weight below 1e-12 is none.
//! * The penalty is chosen once for all units, as proposed for several treated ones: from periods
//!   before the shock alone, each of the last of which is predicted from those before it.

use super::factor::{Factor, dot, float};
use super::panel::{Expected, FEWEST_BEFORE, Found, Panel, Scale};
use crate::response::NullReason;

/// Penalties that are tried, in falling order.
pub const PENALTIES: [f64; 13] =
    [100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001];

/// Periods that are predicted from those before them, at the most.
const MOST_ORIGINS: usize = 4;

/// What `w'g - min(g)` may be, over half the objective of the nearest donor.
const TOLERANCE: f64 = 1e-12;

/// Times that an optimum on some donors is looked for.
const MOST_ITERATIONS: usize = 10_000;

/// The smallest weight.
const LEAST_WEIGHT: f64 = 1e-12;

/// Donors of the same values.
struct Alike {
    /// Of these donors, by number.
    donors: std::ops::Range<usize>,
    /// What they are off the treated unit, by period before the shock.
    off: Vec<f64>,
    /// Its square.
    square: f64,
}

/// Half the objective, of donors off a treated unit.
struct Problem {
    alike: Vec<Alike>,
    nearest: usize,
}

/// Weights above zero, or at it for what joined last.
#[derive(Debug, Clone)]
struct Mixture {
    /// Places among those alike.
    places: Vec<usize>,
    weights: Vec<f64>,
}

/// A direction of a mixture, and how far it may be followed.
struct Step {
    direction: Vec<f64>,
    limit: f64,
}

impl Problem {
    /// The problem of `x1` with donors of these values, in an order in which those of the same
    /// values before the shock follow each other. `None` without donors.
    fn new(x1: &[f64], donors: &[(usize, Vec<f64>)]) -> Option<Self> {
        let before = |donor: usize| &donors[donor].1[..x1.len()];
        let mut alike: Vec<Alike> = Vec::new();
        for donor in 0..donors.len() {
            let is_same = donor > 0 && before(donor) == before(donor - 1);
            match alike.last_mut().filter(|_| is_same) {
                Some(last) => last.donors.end = donor + 1,
                None => {
                    let pairs = before(donor).iter().zip(x1);
                    let off: Vec<f64> = pairs.map(|(x, x1)| x - x1).collect();
                    let square = dot(&off, &off);
                    alike.push(Alike { donors: donor..donor + 1, off, square });
                }
            }
        }
        let squares = alike.iter().map(|alike| alike.square).enumerate();
        let (nearest, _) = squares.reduce(|a, b| if b.1 < a.1 { b } else { a })?;
        Some(Self { alike, nearest })
    }

    /// The nearest donor alone.
    fn nearest(&self) -> Mixture {
        Mixture { places: vec![self.nearest], weights: vec![1.0] }
    }

    /// What a mixture is off the treated unit.
    fn off(&self, mixture: &Mixture) -> Vec<f64> {
        let mut sum = vec![0.0; self.alike[self.nearest].off.len()];
        for (&place, &weight) in mixture.places.iter().zip(&mixture.weights) {
            sum.iter_mut().zip(&self.alike[place].off).for_each(|(sum, off)| *sum += weight * off);
        }
        sum
    }

    /// The gradient of half the objective where the mixture is `off` the treated unit.
    fn gradient(&self, off: &[f64], penalty: f64) -> Vec<f64> {
        let of = |alike: &Alike| dot(&alike.off, off) + 0.5 * penalty * alike.square;
        self.alike.iter().map(of).collect()
    }

    /// The weights, from a mixture to start with, and the iterations that they took.
    fn solve(&self, penalty: f64, start: Mixture) -> Result<(Mixture, usize), NullReason> {
        let tolerance = TOLERANCE * 0.5 * (1.0 + penalty) * self.alike[self.nearest].square;
        if tolerance <= 0.0 {
            return Ok((self.nearest(), 0));
        }
        let mut mixture = start;
        let mut n = 0;
        loop {
            cancel::check();
            self.settle(&mut mixture, penalty, &mut n)?;
            let gradient = self.gradient(&self.off(&mixture), penalty);
            let own = mixture.places.iter().map(|&place| gradient[place]);
            let mean: f64 = own.zip(&mixture.weights).map(|(own, weight)| own * weight).sum();
            let places = gradient.iter().copied().enumerate();
            let least = places.reduce(|a, b| if b.1 < a.1 { b } else { a });
            let Some((place, least)) = least else { return Err(NullReason::NoDonors) };
            if mean - least <= tolerance {
                return Ok((mixture, n));
            }
            if !mixture.places.contains(&place) {
                mixture.places.push(place);
                mixture.weights.push(0.0);
            }
        }
    }

    /// Moves a mixture to the optimum on its own donors, of which some may leave.
    fn settle(&self, mixture: &mut Mixture, penalty: f64, n: &mut usize) -> Result<(), NullReason> {
        loop {
            cancel::check();
            *n += 1;
            if *n > MOST_ITERATIONS {
                return Err(NullReason::NoConvergence);
            }
            let Step { direction, limit } = self.step(mixture, penalty);
            let mut length = limit;
            let mut leaves = None;
            for (at, (weight, change)) in mixture.weights.iter().zip(&direction).enumerate() {
                if *change < 0.0 && -weight / change < length {
                    length = -weight / change;
                    leaves = Some(at);
                }
            }
            if !length.is_finite() {
                return Err(NullReason::NoConvergence);
            }
            for (weight, change) in mixture.weights.iter_mut().zip(&direction) {
                *weight = (*weight + length * change).max(0.0);
            }
            let Some(leaves) = leaves else { return Ok(()) };
            mixture.places.remove(leaves);
            mixture.weights.remove(leaves);
        }
    }

    /// From a mixture to the optimum on its donors, weights of any sign; or, where one depends on
    /// the others, the way along which the mixture stays as it is and the penalty falls.
    fn step(&self, mixture: &Mixture, penalty: f64) -> Step {
        let first = &self.alike[mixture.places[0]];
        let off = self.off(mixture);
        let mut factor = Factor::default();
        let mut slopes = Vec::with_capacity(mixture.places.len());
        let mut dependent = None;
        for &place in &mixture.places[1..] {
            let other = &self.alike[place];
            let difference: Vec<f64> =
                other.off.iter().zip(&first.off).map(|(other, first)| other - first).collect();
            slopes.push(0.5 * penalty * (other.square - first.square));
            if let Err(coefficients) = factor.push(&difference) {
                dependent = Some(coefficients);
                break;
            }
        }
        let (mut changes, limit) = match dependent {
            None => {
                // R'R v = -(B'r + h), with B = QR the differences, r the mixture and h the slopes.
                let of_penalty = factor.forward(&slopes);
                let pairs = factor.onto(&off).into_iter().zip(of_penalty);
                (factor.back(pairs.map(|(of_fit, of_penalty)| -of_fit - of_penalty).collect()), 1.0)
            }
            Some(coefficients) => {
                let mut changes: Vec<f64> = coefficients.into_iter().map(|a| -a).collect();
                changes.push(1.0);
                let slope = dot(&changes, &slopes);
                if slope > 0.0 {
                    changes.iter_mut().for_each(|change| *change = -*change);
                }
                (changes, f64::INFINITY)
            }
        };
        changes.resize(mixture.places.len() - 1, 0.0);
        let mut direction = vec![-changes.iter().sum::<f64>()];
        direction.append(&mut changes);
        Step { direction, limit }
    }

    /// The weights of the donors, by number: those alike have the same.
    fn weights(&self, mixture: &Mixture) -> Vec<(usize, f64)> {
        let kept = mixture.places.iter().zip(&mixture.weights);
        let kept: Vec<(usize, f64)> = kept
            .filter(|(_, weight)| **weight > LEAST_WEIGHT)
            .map(|(&place, &weight)| (place, weight))
            .collect();
        let sum: f64 = kept.iter().map(|(_, weight)| weight).sum();
        let of_donors = kept.into_iter().flat_map(|(place, weight)| {
            let donors = self.alike[place].donors.clone();
            let weight = weight / sum / float(donors.len());
            donors.map(move |donor| (donor, weight))
        });
        let mut weights: Vec<(usize, f64)> = of_donors.collect();
        weights.sort_by_key(|(donor, _)| *donor);
        weights
    }
}

/// The synthetic control of a unit of a panel.
///
/// # Errors
///
/// Why it has none: [`Panel::reason`], or [`NullReason::NoConvergence`].
pub fn synthetic(panel: &Panel, treated: usize, penalty: f64) -> Result<Expected, NullReason> {
    let x1 = panel.before(treated)?;
    let donors = panel.donors(Some(treated));
    let problem = Problem::new(&x1, &donors).ok_or(NullReason::NoDonors)?;
    let (mixture, n_iterations) = problem.solve(penalty, problem.nearest())?;
    let weights = problem.weights(&mixture);
    let mut values = vec![0.0; panel.n_periods()];
    for &(donor, weight) in &weights {
        values.iter_mut().zip(&donors[donor].1).for_each(|(sum, value)| *sum += weight * value);
    }
    let mut weights: Vec<(usize, f64)> =
        weights.into_iter().map(|(donor, weight)| (donors[donor].0, weight)).collect();
    weights.sort_by_key(|(place, _)| *place);
    panel.expected(treated, &values, Found { weights, penalty, n_iterations })
}

/// Panels on which a penalty is chosen: each of the last third of the `n_before` periods before the
/// shock, at least one and at most four, is predicted from those before it.
pub fn origins(levels: &[Vec<Option<f64>>], n_before: usize, scale: Scale) -> Vec<Panel> {
    let n = (n_before / 3).clamp(1, MOST_ORIGINS);
    let first = n_before.saturating_sub(n).max(FEWEST_BEFORE);
    let panel = |at: usize| {
        let until: Vec<Vec<Option<f64>>> =
            levels.iter().map(|levels| levels.iter().take(at + 1).copied().collect()).collect();
        Panel::new(&until, at, scale)
    };
    (first..n_before).map(panel).collect()
}

/// The sum over `panels`, as [`origins`] makes them, of the squared errors of a unit's synthetic
/// control with each of [`PENALTIES`]. `None` if it has one in none of them.
pub fn validation_errors(panels: &[Panel], treated: usize) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; PENALTIES.len()];
    let mut n = 0;
    for panel in panels {
        let Ok(x1) = panel.before(treated) else { continue };
        let Some(found) = panel.value(treated, panel.n_before()) else { continue };
        let donors = panel.donors(Some(treated));
        let Some(problem) = Problem::new(&x1, &donors) else { continue };
        n += 1;
        let mut start = problem.nearest();
        for (sum, penalty) in sums.iter_mut().zip(PENALTIES) {
            match problem.solve(penalty, start) {
                Ok((mixture, _)) => {
                    let value =
                        |(donor, weight): (usize, f64)| weight * donors[donor].1[panel.n_before()];
                    let expected: f64 = problem.weights(&mixture).into_iter().map(value).sum();
                    *sum += (found - expected) * (found - expected);
                    start = mixture;
                }
                Err(_) => {
                    *sum = f64::INFINITY;
                    start = problem.nearest();
                }
            }
        }
    }
    (n > 0).then_some(sums)
}

#[cfg(test)]
mod tests;
