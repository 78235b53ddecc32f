//! The wild cluster bootstrap for few clusters, null imposed (Cameron, Gelbach & Miller 2008).
//!
//! Residuals of the model without the coefficient are given one random sign a cluster. As scores
//! are linear in them, one solve of the effects a cluster serves all replicates, which is the fast
//! algorithm of Roodman, Nielsen, MacKinnon & Webb (2019) for any effects.

use crate::EstimateError;
use crate::dense::float;
use crate::factor::Factor;
use crate::least_squares::Fit;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What a cluster's residuals are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WildWeights {
    /// 1 or -1.
    Rademacher,
    /// Six points (Webb 2014), for fewer than about a dozen clusters.
    Webb,
}

impl WildWeights {
    fn draw(self, random: &mut Pcg64Mcg) -> f64 {
        let bits = random.next_u64() >> 32;
        match self {
            Self::Rademacher => [-1.0, 1.0][(bits & 1) as usize],
            Self::Webb => {
                let root = [0.5_f64, 1.0, 1.5][(bits % 3) as usize].sqrt();
                if (bits / 3) & 1 == 1 { root } else { -root }
            }
        }
    }
}

/// The outcome of the bootstrap for one coefficient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WildResult {
    /// t of the estimate, with the clusters' covariance, without corrections.
    pub t: f64,
    /// Share of replicates whose |t| is as large, the sample itself among them, so that it is never
    /// zero; NaN if t is none.
    pub p: f64,
    /// Replicates.
    pub n_replicates: usize,
}

/// The replicates of a bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicates {
    /// How many there are.
    pub n: usize,
    /// What a cluster's residuals are multiplied by.
    pub weights: WildWeights,
    /// What random numbers start from, for each coefficient anew.
    pub seed: u64,
}

/// The restricted wild cluster bootstrap of each coefficient, clustered by the factor at `cluster`.
///
/// # Errors
///
/// [`EstimateError`] if the model is not least squares, there is one cluster, or the effects do not
/// converge.
pub fn wild_bootstrap(
    fit: &Fit,
    cluster: usize,
    replicates: Replicates,
) -> Result<Vec<WildResult>, EstimateError> {
    if fit.is_generalised || fit.has_instruments {
        return Err(EstimateError::Inference(
            "the wild cluster bootstrap is for least squares without instruments",
        ));
    }
    let factor = &fit.factors[cluster];
    if factor.n_levels < 2 {
        return Err(EstimateError::FewClusters(factor.n_levels));
    }
    let parts = Parts::of(fit, factor)?;
    let (k, n) = (fit.coefficients.len(), fit.n_rows());
    // Of the outcome without effects, since the basis is orthonormal.
    let whole: Vec<f64> = (0..k)
        .map(|i| (0..n).map(|row| fit.basis[i][row] * fit.outcome[row] * fit.weight(row)).sum())
        .collect();
    let actual = fit.score_sums(factor);
    let result = |place: usize| {
        // The closest coefficients of the basis that make this one zero.
        let row = parts.row(place);
        let share = inner(&whole, row) / inner(row, row);
        let restricted: Vec<f64> =
            whole.iter().zip(row).map(|(gamma, row)| gamma - share * row).collect();
        let t = parts.t(place, &actual, &whole);
        let n_larger = parts.n_larger(place, &parts.table(&restricted), t, replicates);
        let p = float(n_larger + 1) / float(replicates.n + 1);
        let p = if t.is_finite() && !fit.is_exact { p } else { f64::NAN };
        WildResult { t, p, n_replicates: replicates.n }
    };
    Ok((0..k).map(result).collect())
}

/// Sums over clusters that all replicates are made of.
struct Parts<'f> {
    fit: &'f Fit,
    /// Clusters.
    g: usize,
    /// Coefficients.
    k: usize,
    /// Scores of the basis in cluster h of the part of column c (the basis, then the outcome) in
    /// cluster s, effects out: s, c, h and the place in the basis.
    scores: Vec<f64>,
    /// `Q_h'Q_h` of each cluster, for residuals of the unrestricted model in each replicate.
    crosses: Vec<f64>,
}

impl<'f> Parts<'f> {
    fn of(fit: &'f Fit, factor: &Factor) -> Result<Self, EstimateError> {
        let (g, k) = (factor.n_levels, fit.coefficients.len());
        let scores = scores(fit, factor)?;
        Ok(Self { fit, g, k, scores, crosses: crosses(fit, factor) })
    }

    /// A coefficient of the regressors is this row of the root times those of the basis.
    fn row(&self, place: usize) -> &[f64] {
        &self.fit.root[place * self.k..(place + 1) * self.k]
    }

    /// t of a coefficient, from the clusters' sums of scores and the coefficients of the basis.
    fn t(&self, place: usize, sums: &[f64], gamma: &[f64]) -> f64 {
        let row = self.row(place);
        let variance: f64 = sums.chunks_exact(self.k).map(|s| inner(s, row).powi(2)).sum();
        inner(gamma, row) / variance.sqrt()
    }

    /// Scores of the residuals of cluster s with these coefficients of the basis, seen in h.
    fn table(&self, restricted: &[f64]) -> Vec<f64> {
        let (g, k) = (self.g, self.k);
        let mut table = vec![0.0; g * g * k];
        for s in 0..g {
            let out = &mut table[s * g * k..(s + 1) * g * k];
            let of = |c: usize| &self.scores[(s * (k + 1) + c) * g * k..][..g * k];
            out.copy_from_slice(of(k));
            for (c, beta) in restricted.iter().enumerate() {
                out.iter_mut().zip(of(c)).for_each(|(o, x)| *o -= beta * x);
            }
        }
        table
    }

    /// In how many replicates |t| is as large as `t`.
    fn n_larger(&self, place: usize, table: &[f64], t: f64, replicates: Replicates) -> usize {
        let (g, k) = (self.g, self.k);
        let mut random = Pcg64Mcg::seed_from_u64(replicates.seed);
        let mut n_larger = 0;
        let mut sums = vec![0.0; g * k];
        for _ in 0..replicates.n {
            cancel::check();
            sums.fill(0.0);
            for s in 0..g {
                let v = replicates.weights.draw(&mut random);
                sums.iter_mut()
                    .zip(&table[s * g * k..(s + 1) * g * k])
                    .for_each(|(o, x)| *o += v * x);
            }
            // Of an orthonormal basis the sums of scores are the coefficients.
            let total: Vec<f64> = (0..k).map(|i| sums.iter().skip(i).step_by(k).sum()).collect();
            for h in 0..g {
                for i in 0..k {
                    let fitted: f64 =
                        (0..k).map(|j| self.crosses[h * k * k + i * k + j] * total[j]).sum();
                    sums[h * k + i] -= fitted;
                }
            }
            let replicate = self.t(place, &sums, &total);
            // Rounding must not tell a replicate that is the sample itself from it.
            n_larger += usize::from(replicate.abs() >= t.abs() * (1.0 - 1e-10));
        }
        n_larger
    }
}

/// See [`Parts`].
fn scores(fit: &Fit, factor: &Factor) -> Result<Vec<f64>, EstimateError> {
    let (g, k) = (factor.n_levels, fit.coefficients.len());
    let absorber = fit.absorber();
    let columns: Vec<&[f64]> =
        fit.basis.iter().map(Vec::as_slice).chain([fit.outcome.as_slice()]).collect();
    let mut scores = vec![0.0; g * columns.len() * g * k];
    for s in 0..g {
        let mut parts: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                let own = |(row, value): (usize, &f64)| {
                    if factor.of_row[row] as usize == s { *value } else { 0.0 }
                };
                column.iter().enumerate().map(own).collect()
            })
            .collect();
        if let Some(absorber) = &absorber {
            let mut views: Vec<&mut [f64]> = parts.iter_mut().map(Vec::as_mut_slice).collect();
            absorber.absorb(&mut views, fit.weights.as_deref())?;
        }
        for (c, part) in parts.iter().enumerate() {
            let out = &mut scores[(s * columns.len() + c) * g * k..][..g * k];
            for (row, value) in part.iter().enumerate() {
                let error = value * fit.weight(row);
                let out = &mut out[factor.of_row[row] as usize * k..][..k];
                out.iter_mut().zip(&fit.basis).for_each(|(o, x)| *o += x[row] * error);
            }
        }
    }
    Ok(scores)
}

/// See [`Parts`].
fn crosses(fit: &Fit, factor: &Factor) -> Vec<f64> {
    let k = fit.coefficients.len();
    let mut crosses = vec![0.0; factor.n_levels * k * k];
    for row in 0..fit.n_rows() {
        let weight = fit.weight(row);
        let out = &mut crosses[factor.of_row[row] as usize * k * k..][..k * k];
        for i in 0..k {
            for j in 0..k {
                out[i * k + j] += weight * fit.basis[i][row] * fit.basis[j][row];
            }
        }
    }
    crosses
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
