//! Economic complexity: ECI of regions and PCI of products, by eigenvector, reflections or fitness.
//!
//! With `D` the diversities and `U` the ubiquities on diagonals, `kp` is the eigenvector of the second largest
//! eigenvalue of `U^-1 M' D^-1 M`, of unit length, and
//!
//! ```text
//! kc   = D^-1 M kp                       a region's mean of what it is specialised in
//! ECI  = (kc - mean kc) / sd kc
//! PCI  = (kp - mean kc) / sd kc          so that ECI is the mean PCI of what a region is specialised in
//! ```
//!
//! Hidalgo & Hausmann (2009), in the eigenvector form of Mealy, Farmer & Teytelboym (2019). The symmetric
//! `D^-1/2 M U^-1 M' D^-1/2` has the same eigenvalues, so a symmetric solver of the size of the smaller side
//! serves: regions, whatever the number of products.
//!
//! ```text
//! reflections   k[c,n] = (1/k[c,0]) sum of M[c,p] k[p,n-1],  k[p,n] = (1/k[p,0]) sum of M[c,p] k[c,n-1]
//! fitness       F[c] = sum of M[c,p] Q[p],  Q[p] = 1 / sum of M[c,p] / F[c]      Tacchella et al. (2012)
//!               both from the iterate before, each divided by its mean
//! ```
//!
//! # Conventions
//!
//! * The sign makes ECI correlate positively with diversity.
//! * Regions and products without specialisation have none.
//! * An eigenvector that is not unique is an error, not one of the possible answers.

use crate::Specialization;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{
    PartialEigenParams, partial_self_adjoint_eigen, partial_self_adjoint_eigen_scratch,
};
use faer::{Col, Mat, Par, Side};
use rayon::prelude::*;
use std::cmp::Reverse;

/// What PCI is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Mean and standard deviation of the regions' ECI: py-ecomplexity, Stata's ecomplexity.
    Regions,
    /// Mean and standard deviation of the products themselves: economiccomplexity, econcomplex.
    Products,
}

/// Choices that change the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComplexityParams {
    /// What PCI is measured in.
    pub pci_scale: Scale,
    /// Subtracted from the number of regions in a standard deviation: 0 (population) or 1 (sample).
    pub ddof: u8,
}

impl ComplexityParams {
    /// Those of py-ecomplexity.
    pub const PY_ECOMPLEXITY: Self = Self { pci_scale: Scale::Regions, ddof: 0 };
}

/// Complexity of regions and products.
#[derive(Debug, Clone, PartialEq)]
pub struct Complexity {
    /// ECI of each region; `None` where it has no specialisation.
    pub eci: Vec<Option<f64>>,
    /// PCI of each product; `None` where nobody is specialised in it.
    pub pci: Vec<Option<f64>>,
    /// `kp / sd kc`: PCI on the scale of regions without its mean taken off, as the outlook of py-ecomplexity
    /// takes it.
    pub pci_uncentered: Vec<Option<f64>>,
    /// The second largest eigenvalue.
    pub lambda_2: f64,
    /// The third largest.
    pub lambda_3: f64,
}

/// Why there is no complexity.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ComplexityError {
    /// Fewer than three regions or products with a specialisation.
    #[error("complexity needs three regions and three products with a specialisation, found {0}")]
    TooFewRegions(usize),
    /// Regions fall apart into groups without a product in common, or two vectors serve equally.
    #[error(
        "complexity is not unique: the eigenvalues 1, {lambda_2}, {lambda_3} leave a gap below 1e-9"
    )]
    NotUnique {
        /// The second largest eigenvalue.
        lambda_2: f64,
        /// The third largest.
        lambda_3: f64,
    },
    /// All regions are equally complex.
    #[error("complexity has no spread: all regions are alike")]
    NoSpread,
    /// The eigenvalue solver gave up.
    #[error("the eigenvalue decomposition of the {0} x {0} matrix did not converge")]
    NotConverged(usize),
}

const GAP: f64 = 1e-9;

/// Sides above this are solved for the three largest eigenvalues only.
const LARGE: usize = 1200;

/// Regions and products with a specialisation, renumbered.
#[derive(Debug, Clone)]
struct Active {
    regions: Vec<usize>,
    products: Vec<usize>,
    matrix: Specialization,
}

impl Active {
    fn of(m: &Specialization) -> Self {
        let regions: Vec<usize> = (0..m.n_regions()).filter(|&r| m.diversity(r) > 0).collect();
        let products: Vec<usize> = (0..m.n_products()).filter(|&p| m.ubiquity(p) > 0).collect();
        let mut places = vec![0; m.n_products()];
        products.iter().enumerate().for_each(|(at, &p)| places[p] = at);
        let rows =
            regions.iter().map(|&r| m.products(r).iter().map(|&p| places[p]).collect()).collect();
        let matrix = Specialization::from_rows(products.len(), rows);
        Self { regions, products, matrix }
    }

    /// At least three of each, as a ranking needs.
    fn of_three(m: &Specialization) -> Result<Self, ComplexityError> {
        let active = Self::of(m);
        match active.regions.len().min(active.products.len()) {
            smaller @ 0..3 => Err(ComplexityError::TooFewRegions(smaller)),
            _ => Ok(active),
        }
    }

    fn whole<T: Copy>(places: &[usize], n: usize, values: &[T]) -> Vec<Option<T>> {
        let mut whole = vec![None; n];
        places.iter().zip(values).for_each(|(&at, &value)| whole[at] = Some(value));
        whole
    }
}

/// Lists of places whose values are summed again and again, each in its order: several side by side, so
/// that no sum waits for its own last addition.
struct Sums {
    /// Where each list belongs, the longest first.
    order: Vec<usize>,
    /// Where each begins among the places, in that order, and where the last ends.
    starts: Vec<usize>,
    places: Vec<u32>,
}

impl Sums {
    /// How many are made side by side.
    const LANES: usize = 8;

    /// Of what each region is specialised in.
    fn of(m: &Specialization) -> Self {
        let mut order: Vec<usize> = (0..m.n_regions()).collect();
        order.sort_by_key(|&region| Reverse(m.diversity(region)));
        let (mut starts, mut places) = (vec![0], Vec::new());
        for &region in &order {
            let products = m.products(region).iter();
            places.extend(products.map(|&p| u32::try_from(p).unwrap_or(u32::MAX)));
            starts.push(places.len());
        }
        Self { order, starts, places }
    }

    fn list(&self, at: usize) -> &[u32] {
        &self.places[self.starts[at]..self.starts[at + 1]]
    }

    /// The sum of `values` over each list.
    fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut found = vec![0.0; self.order.len()];
        let value = |place: u32| values[place as usize];
        for first in (0..self.order.len()).step_by(Self::LANES) {
            let lists: [&[u32]; Self::LANES] = std::array::from_fn(|lane| match first + lane {
                at if at < self.order.len() => self.list(at),
                _ => &[],
            });
            let shortest = lists[Self::LANES - 1].len();
            let mut sums = [0.0; Self::LANES];
            let heads = lists.map(|list| &list[..shortest]);
            for at in 0..shortest {
                for (sum, head) in sums.iter_mut().zip(&heads) {
                    *sum += value(head[at]);
                }
            }
            for (lane, &at) in self.order[first..].iter().take(Self::LANES).enumerate() {
                found[at] =
                    lists[lane][shortest..].iter().fold(sums[lane], |sum, &p| sum + value(p));
            }
        }
        found
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of regions and products")]
fn counts(m: &Specialization) -> (Vec<f64>, Vec<f64>) {
    let diversity = (0..m.n_regions()).map(|r| m.diversity(r) as f64).collect();
    let ubiquity = (0..m.n_products()).map(|p| m.ubiquity(p) as f64).collect();
    (diversity, ubiquity)
}

/// Mean over each region's products.
fn mean_of_products(m: &Specialization, diversity: &[f64], of: &[f64]) -> Vec<f64> {
    (0..m.n_regions())
        .map(|r| m.products(r).iter().map(|&p| of[p]).sum::<f64>() / diversity[r])
        .collect()
}

/// Mean over each product's regions.
fn mean_of_regions(m: &Specialization, ubiquity: &[f64], of: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; m.n_products()];
    for (r, value) in of.iter().enumerate() {
        m.products(r).iter().for_each(|&p| sums[p] += value);
    }
    sums.iter().zip(ubiquity).map(|(sum, k)| sum / k).collect()
}

/// The second eigenvector of `a^-1/2 N b^-1 N' a^-1/2`, where `a` and `b` are the row and column sums of `m`, and
/// the second and third eigenvalues.
fn second_vector(
    m: &Specialization,
    a: &[f64],
    b: &[f64],
) -> Result<(Vec<f64>, f64, f64), ComplexityError> {
    let n = m.n_regions();
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); m.n_products()];
    for region in 0..n {
        m.products(region).iter().for_each(|&product| holders[product].push(region));
    }
    let shares: Vec<f64> = b.iter().map(|k| 1.0 / k).collect();
    let mut shared = vec![0.0; n * n];
    shared.par_chunks_exact_mut(n).enumerate().for_each(|(region, row)| {
        for &product in m.products(region) {
            let (share, others) = (shares[product], &holders[product]);
            others.iter().take_while(|&&other| other <= region).for_each(|&j| row[j] += share);
        }
    });
    let matrix = Mat::from_fn(n, n, |i, j| {
        let (i, j) = (i.max(j), i.min(j));
        shared[i * n + j] / (a[i] * a[j]).sqrt()
    });
    drop(shared);
    let (values, vector) = if n <= LARGE {
        let eigen =
            matrix.self_adjoint_eigen(Side::Lower).map_err(|_| ComplexityError::NotConverged(n))?;
        let values = eigen.S().column_vector();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let vector: Vec<f64> = eigen.U().col(order[1]).iter().copied().collect();
        ([values[order[0]], values[order[1]], values[order[2]]], vector)
    } else {
        largest_three(&matrix)?
    };
    let [lambda_1, lambda_2, lambda_3] = values;
    if lambda_1 - lambda_2 < GAP || lambda_2 - lambda_3 < GAP {
        return Err(ComplexityError::NotUnique { lambda_2, lambda_3 });
    }
    Ok((vector, lambda_2, lambda_3))
}

/// The three largest eigenvalues and the vector of the second.
#[expect(clippy::cast_precision_loss, reason = "a place in a vector")]
fn largest_three(matrix: &Mat<f64>) -> Result<([f64; 3], Vec<f64>), ComplexityError> {
    let n = matrix.nrows();
    let params = PartialEigenParams { min_dim: 24, max_dim: 72, ..Default::default() };
    let mut vectors = Mat::<f64>::zeros(n, 3);
    let mut values = [0.0f64; 3];
    // Of no direction that the vectors could be at right angles to.
    let start = Col::from_fn(n, |i| 1.0 + ((i as f64 + 1.0) * 0.618_033_988_749_895).fract());
    let matrix = matrix.as_ref();
    let scratch = partial_self_adjoint_eigen_scratch(&matrix, 3, Par::Seq, params);
    let mut buffer = MemBuffer::new(scratch);
    let info = partial_self_adjoint_eigen(
        vectors.as_mut(),
        &mut values,
        &matrix,
        start.as_ref(),
        1e-14,
        Par::Seq,
        MemStack::new(&mut buffer),
        params,
    );
    if info.n_converged_eigen < 3 {
        return Err(ComplexityError::NotConverged(n));
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let vector = vectors.col(order[1]).iter().copied().collect();
    Ok((order.map(|at| values[at]), vector))
}

/// Mean and standard deviation.
#[expect(clippy::cast_precision_loss, reason = "a count")]
pub(crate) fn moments(values: &[f64], ddof: u8) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, (square / (n - f64::from(ddof))).sqrt())
}

/// The second eigenvector, which ECI and PCI are made of.
#[derive(Debug, Clone)]
pub struct Spectrum {
    active: Active,
    n_regions: usize,
    n_products: usize,
    /// Of the active regions.
    kc: Vec<f64>,
    /// Of the active products.
    kp: Vec<f64>,
    lambda_2: f64,
    lambda_3: f64,
}

/// Computes the second eigenvector, in the direction in which ECI goes with diversity.
///
/// # Errors
///
/// [`ComplexityError`] if there are fewer than three regions or products, or if the eigenvector is not unique.
pub fn spectrum(specialization: &Specialization) -> Result<Spectrum, ComplexityError> {
    let active = Active::of_three(specialization)?;
    let m = &active.matrix;
    let (diversity, ubiquity) = counts(m);
    let (mut kp, lambda_2, lambda_3) = if m.n_regions() <= m.n_products() {
        let (vector, lambda_2, lambda_3) = second_vector(m, &diversity, &ubiquity)?;
        let raw: Vec<f64> = vector.iter().zip(&diversity).map(|(v, d)| v / d.sqrt()).collect();
        (mean_of_regions(m, &ubiquity, &raw), lambda_2, lambda_3)
    } else {
        let (vector, lambda_2, lambda_3) = second_vector(&m.transposed(), &ubiquity, &diversity)?;
        (vector.iter().zip(&ubiquity).map(|(v, u)| v / u.sqrt()).collect(), lambda_2, lambda_3)
    };
    let mut kc = mean_of_products(m, &diversity, &kp);
    let (mean_diversity, _) = moments(&diversity, 0);
    let agreement: f64 = kc.iter().zip(&diversity).map(|(e, d)| e * (d - mean_diversity)).sum();
    if agreement < 0.0 {
        kc.iter_mut().chain(&mut kp).for_each(|value| *value = -*value);
    }
    let (n_regions, n_products) = (specialization.n_regions(), specialization.n_products());
    Ok(Spectrum { active, n_regions, n_products, kc, kp, lambda_2, lambda_3 })
}

impl Spectrum {
    /// ECI and PCI.
    ///
    /// # Errors
    ///
    /// [`ComplexityError::NoSpread`] if all regions are equally complex.
    pub fn complexity(&self, params: ComplexityParams) -> Result<Complexity, ComplexityError> {
        let Self { active, n_regions, n_products, kc, kp, lambda_2, lambda_3 } = self;
        let (mean, sd) = moments(kc, params.ddof);
        let length = kp.iter().map(|x| x * x).sum::<f64>().sqrt();
        if sd < 1e-12 * length {
            return Err(ComplexityError::NoSpread);
        }
        let (product_mean, product_sd) = match params.pci_scale {
            Scale::Regions => (mean, sd),
            Scale::Products => moments(kp, params.ddof),
        };
        let eci: Vec<f64> = kc.iter().map(|value| (value - mean) / sd).collect();
        let pci: Vec<f64> = kp.iter().map(|value| (value - product_mean) / product_sd).collect();
        let uncentered: Vec<f64> = kp.iter().map(|value| value / sd).collect();
        Ok(Complexity {
            eci: Active::whole(&active.regions, *n_regions, &eci),
            pci: Active::whole(&active.products, *n_products, &pci),
            pci_uncentered: Active::whole(&active.products, *n_products, &uncentered),
            lambda_2: *lambda_2,
            lambda_3: *lambda_3,
        })
    }
}

/// Computes ECI and PCI by eigenvector.
///
/// # Errors
///
/// [`ComplexityError`] if there are fewer than three regions or products, if the eigenvector is not unique, or if it
/// has no spread.
pub fn complexity(
    specialization: &Specialization,
    params: ComplexityParams,
) -> Result<Complexity, ComplexityError> {
    spectrum(specialization)?.complexity(params)
}

/// What a method of iteration gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Reflections {
    /// Of each region; high is complex after an even number of steps.
    pub regions: Vec<Option<f64>>,
    /// Of each product; high is complex after an odd number of steps.
    pub products: Vec<Option<f64>>,
}

/// The method of reflections after `steps` steps, as z-scores; `None` for all of a side without spread. Means are taken off at every step, which changes
/// nothing of a z-score and keeps its digits.
///
/// # Errors
///
/// [`ComplexityError`] if there are fewer than three regions, or they are all alike.
pub fn reflections(
    specialization: &Specialization,
    steps: usize,
    ddof: u8,
) -> Result<Reflections, ComplexityError> {
    let active = Active::of_three(specialization)?;
    let m = &active.matrix;
    let (diversity, ubiquity) = counts(m);
    let (mut kc, mut kp) = (diversity.clone(), ubiquity.clone());
    // Whether there is any spread to standardise.
    let standard = |values: &mut [f64], ddof: u8| {
        let (mean, sd) = moments(values, ddof);
        let has_spread = sd > 1e-13 * mean.abs().max(1e-300);
        if has_spread {
            values.iter_mut().for_each(|value| *value = (*value - mean) / sd);
        }
        has_spread
    };
    for _ in 0..steps {
        cancel::check();
        let next_kc = mean_of_products(m, &diversity, &kp);
        let next_kp = mean_of_regions(m, &ubiquity, &kc);
        (kc, kp) = (next_kc, next_kp);
        standard(&mut kc, 0);
        standard(&mut kp, 0);
    }
    // One of the two may have spread where the other has none.
    let (has_kc, has_kp) = (standard(&mut kc, ddof), standard(&mut kp, ddof));
    if !has_kc && !has_kp {
        return Err(ComplexityError::NoSpread);
    }
    let whole = |has_spread: bool, places: &[usize], n: usize, values: &[f64]| {
        if has_spread { Active::whole(places, n, values) } else { vec![None; n] }
    };
    Ok(Reflections {
        regions: whole(has_kc, &active.regions, specialization.n_regions(), &kc),
        products: whole(has_kp, &active.products, specialization.n_products(), &kp),
    })
}

/// When to stop iterating fitness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitnessParams {
    /// Steps at the most.
    pub max_iterations: usize,
    /// Stop when no logarithm of a fitness above 1e-12 changes by more in a step.
    pub tolerance: f64,
}

/// Fitness of regions and complexity of products.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitness {
    /// Fitness of each region, mean 1.
    pub fitness: Vec<Option<f64>>,
    /// Complexity of each product, mean 1.
    pub complexity: Vec<Option<f64>>,
    /// Steps made.
    pub iterations: usize,
    /// The largest change of a logarithm in the last.
    pub change: f64,
    /// Whether that is within the tolerance.
    pub converged: bool,
}

/// Fitness and complexity (Tacchella et al. 2012). Where the network forces it, some values tend to 0: those
/// below 1e-12 do not hold up convergence.
///
/// # Errors
///
/// [`ComplexityError::TooFewRegions`] if nobody is specialised in anything.
#[expect(clippy::cast_precision_loss, reason = "counts of regions and products")]
pub fn fitness(
    specialization: &Specialization,
    params: FitnessParams,
) -> Result<Fitness, ComplexityError> {
    let active = Active::of(specialization);
    let m = &active.matrix;
    if m.n_regions() == 0 {
        return Err(ComplexityError::TooFewRegions(0));
    }
    let of_regions = Sums::of(m);
    let of_products = Sums::of(&m.transposed());
    let (mut f, mut q) = (vec![1.0f64; m.n_regions()], vec![1.0f64; m.n_products()]);
    let normal = |values: &mut [f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|value| *value /= mean);
    };
    let (mut iterations, mut change) = (0, f64::INFINITY);
    while iterations < params.max_iterations && change > params.tolerance {
        cancel::check();
        let mut next_f = of_regions.sums(&q);
        // What has vanished weighs without bound; a bound keeps it a number.
        let weights: Vec<f64> = f.iter().map(|value| 1.0 / value.max(1e-300)).collect();
        let burden = of_products.sums(&weights);
        let mut next_q: Vec<f64> = burden.iter().map(|b| 1.0 / b).collect();
        normal(&mut next_f);
        normal(&mut next_q);
        change = next_f
            .iter()
            .zip(&f)
            .filter(|(next, _)| **next > 1e-12)
            .map(|(next, f)| (next.ln() - f.max(1e-300).ln()).abs())
            .fold(0.0, f64::max);
        (f, q) = (next_f, next_q);
        iterations += 1;
    }
    Ok(Fitness {
        fitness: Active::whole(&active.regions, specialization.n_regions(), &f),
        complexity: Active::whole(&active.products, specialization.n_products(), &q),
        iterations,
        change,
        converged: change <= params.tolerance,
    })
}

/// ECI of regions from PCI that was computed elsewhere, such as from the world's countries: the mean of what each
/// is specialised in. Products without PCI do not count; `None` without any.
///
/// # Panics
///
/// If there is not a PCI for each product.
#[expect(clippy::cast_precision_loss, reason = "a count of products")]
pub fn eci_from_pci(specialization: &Specialization, pci: &[Option<f64>]) -> Vec<Option<f64>> {
    assert_eq!(pci.len(), specialization.n_products(), "a PCI for each product");
    (0..specialization.n_regions())
        .map(|region| {
            let held: Vec<f64> =
                specialization.products(region).iter().filter_map(|&p| pci[p]).collect();
            (!held.is_empty()).then(|| held.iter().sum::<f64>() / held.len() as f64)
        })
        .collect()
}

/// Fitness of regions from complexity of products that was computed elsewhere: the sum of what each is specialised
/// in.
///
/// # Panics
///
/// If there is not a complexity for each product.
pub fn exogenous_fitness(specialization: &Specialization, complexity: &[f64]) -> Vec<f64> {
    assert_eq!(complexity.len(), specialization.n_products(), "a complexity for each product");
    (0..specialization.n_regions())
        .map(|region| specialization.products(region).iter().map(|&p| complexity[p]).sum())
        .collect()
}

/// The values as z-scores; `None` stays, and all are `None` without spread.
pub fn standardized(values: &[Option<f64>], ddof: u8) -> Vec<Option<f64>> {
    let present: Vec<f64> = values.iter().copied().flatten().collect();
    let (mean, sd) = moments(&present, ddof);
    values
        .iter()
        .map(|value| value.filter(|_| sd > 1e-12 * mean.abs().max(1e-300)).map(|v| (v - mean) / sd))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARAMS: ComplexityParams = ComplexityParams::PY_ECOMPLEXITY;

    fn four_by_four() -> Specialization {
        let rows = [[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]];
        Specialization::from_fn(4, 4, |r, p| rows[r][p] == 1)
    }

    fn all(values: &[Option<f64>]) -> Vec<f64> {
        values.iter().map(|value| value.expect("active")).collect()
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < tolerance, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn worked_example() {
        let found = complexity(&four_by_four(), PARAMS).expect("a connected network");
        assert!((found.lambda_2 - 0.542_133_713_178_916_1).abs() < 1e-12);
        // Vector 4 of the methodology is up to sign; diversity (4, 1, 2, 1) settles it.
        let expected = [-0.075_353, -1.602_916, 0.747_788, 0.930_481];
        let eci = all(&found.eci);
        let sign = if (eci[1] - expected[1]).abs() < 1e-5 { 1.0 } else { -1.0 };
        close(&eci, &expected.map(|e| e * sign), 1e-6);
        let diversity = [4.0, 1.0, 2.0, 1.0];
        assert!(eci.iter().zip(diversity).map(|(e, d)| e * (d - 2.0)).sum::<f64>() > 0.0);
        let sample = ComplexityParams { ddof: 1, ..PARAMS };
        let eci = all(&complexity(&four_by_four(), sample).expect("connected").eci);
        close(&eci, &[-0.065_258, -1.388_166, 0.647_604, 0.805_820].map(|e| e * sign), 1e-6);
    }

    #[test]
    fn pci_has_the_scale_that_was_asked_for() {
        let found = complexity(&four_by_four(), PARAMS).expect("a connected network");
        close(&all(&eci_from_pci(&four_by_four(), &found.pci)), &all(&found.eci), 1e-12);
        let own = ComplexityParams { pci_scale: Scale::Products, ddof: 0 };
        let pci = all(&complexity(&four_by_four(), own).expect("connected").pci);
        let (mean, sd) = moments(&pci, 0);
        assert!(mean.abs() < 1e-12 && (sd - 1.0).abs() < 1e-12);
    }

    #[test]
    fn either_side_of_the_matrix_gives_the_same() {
        let m = Specialization::from_fn(12, 30, |r, p| (p * 7 + r * r) % (3 + r) < 2 || p == 0);
        let wide = complexity(&m, PARAMS).expect("connected");
        // The same regions and products, each product five times: more regions than products no more.
        let tall = complexity(&m.transposed(), PARAMS).expect("connected");
        assert!((wide.lambda_2 - tall.lambda_2).abs() < 1e-12);
        let (a, b) = (all(&standardized(&wide.eci, 0)), all(&standardized(&tall.pci, 0)));
        let sign = if a[0] * b[0] < 0.0 { -1.0 } else { 1.0 };
        close(&a, &b.iter().map(|b| b * sign).collect::<Vec<_>>(), 1e-9);
    }

    #[test]
    fn large_sides_agree_with_small_ones() {
        let m = Specialization::from_fn(150, 400, |r, p| (p * p + 13 * r) % (5 + r % 37) < 3);
        let active = Active::of(&m);
        let (d, u) = counts(&active.matrix);
        let (vector, ..) = second_vector(&active.matrix, &d, &u).expect("unique");
        let n = active.matrix.n_regions();
        let matrix = Mat::from_fn(n, n, |i, j| {
            let shared = active.matrix.products(i).iter().filter(|&&p| active.matrix.get(j, p));
            shared.map(|&p| 1.0 / u[p]).sum::<f64>() / (d[i] * d[j]).sqrt()
        });
        let (values, other) = largest_three(&matrix).expect("converged");
        assert!((values[0] - 1.0).abs() < 1e-10);
        let dot: f64 = vector.iter().zip(&other).map(|(a, b)| a * b).sum();
        assert!((dot.abs() - 1.0).abs() < 1e-9, "{dot}");
    }

    #[test]
    fn fitness_of_the_worked_example() {
        let params = |max_iterations| FitnessParams { max_iterations, tolerance: 1e-10 };
        let one = fitness(&four_by_four(), params(1)).expect("regions");
        close(&all(&one.fitness), &[2.0, 0.5, 1.0, 0.5], 1e-12);
        close(&all(&one.complexity), &[1.714_286, 0.857_143, 0.857_143, 0.571_429], 1e-6);
        let twenty = fitness(&four_by_four(), params(20)).expect("regions");
        close(&all(&twenty.fitness), &[3.654_724, 0.077_661, 0.249_049, 0.018_565], 1e-6);
        assert!(!twenty.converged && twenty.iterations == 20);
        let full = Specialization::from_fn(3, 5, |_, _| true);
        let even = fitness(&full, params(200)).expect("regions");
        assert!(even.converged);
        close(&all(&even.fitness), &[1.0; 3], 1e-12);
        close(&exogenous_fitness(&full, &[1.0, 2.0, 3.0, 4.0, 5.0]), &[15.0; 3], 1e-12);
    }

    #[test]
    fn sums_side_by_side_change_no_bit() {
        for (n_regions, n_products) in
            [(0, 0), (1, 5), (Sums::LANES, 9), (3 * Sums::LANES + 1, 130)]
        {
            let m = Specialization::from_fn(n_regions, n_products, |r, p| {
                (p * 31 + r * r) % (r + 2) < 2
            });
            let values: Vec<f64> =
                (1u32..).map(|at| 1.0 / f64::from(at)).take(n_products).collect();
            let expected: Vec<f64> = (0..n_regions)
                .map(|r| m.products(r).iter().fold(0.0, |sum, &p| sum + values[p]))
                .collect();
            assert_eq!(Sums::of(&m).sums(&values), expected);
        }
    }

    #[test]
    fn reflections_tend_to_the_eigenvector() {
        let m = Specialization::from_fn(12, 30, |r, p| (p * 7 + r * r) % (3 + r) < 2 || p == 0);
        let eigen = complexity(&m, PARAMS).expect("connected");
        let found = reflections(&m, 400, 0).expect("spread");
        let sign = if eigen.eci[0].expect("one") * found.regions[0].expect("one") < 0.0 {
            -1.0
        } else {
            1.0
        };
        close(
            &all(&found.regions),
            &all(&eigen.eci).iter().map(|e| e * sign).collect::<Vec<_>>(),
            1e-6,
        );
        // One step by hand: k[c,1] of the worked example is the mean ubiquity of what a region has.
        let one = reflections(&four_by_four(), 1, 0).expect("spread");
        let expected = standardized(&[2.0, 2.0, 2.5, 3.0].map(Some), 0);
        close(&all(&one.regions), &all(&expected), 1e-12);
    }

    #[test]
    fn what_has_no_unique_answer_is_an_error() {
        let apart = Specialization::from_fn(4, 4, |r, p| r / 2 == p / 2);
        assert!(matches!(complexity(&apart, PARAMS), Err(ComplexityError::NotUnique { .. })));
        let few = Specialization::from_fn(3, 3, |r, p| r < 2 && p == 0);
        assert_eq!(complexity(&few, PARAMS), Err(ComplexityError::TooFewRegions(1)));
        let alike = Specialization::from_fn(4, 4, |_, _| true);
        assert!(complexity(&alike, PARAMS).is_err() && reflections(&alike, 3, 0).is_err());
    }

    proptest! {
        #[test]
        fn blind_to_the_order_of_regions(cells in prop::collection::vec(any::<bool>(), 9 * 20), shift in 0usize..9) {
            let of = |shift: usize| Specialization::from_fn(9, 20, |r, p| cells[(r + shift) % 9 * 20 + p]);
            if let (Ok(a), Ok(b)) = (complexity(&of(0), PARAMS), complexity(&of(shift), PARAMS)) {
                // Vectors of nearly the same eigenvalue turn by rounding.
                prop_assume!(a.lambda_2 - a.lambda_3 > 1e-4);
                for r in 0..9 {
                    match (a.eci[(r + shift) % 9], b.eci[r]) {
                        (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-7 || (a + b).abs() < 1e-7),
                        (a, b) => prop_assert_eq!(a, b),
                    }
                }
            }
        }
    }
}
