//! The wild cluster bootstrap for few clusters, null imposed (Cameron, Gelbach & Miller 2008).
//!
//! Residuals of the model without the coefficient are given one random sign a cluster. As scores are linear in them, one solve of the effects a
//! cluster serves all replicates, which is the fast algorithm of Roodman, Nielsen, MacKinnon & Webb (2019) for any effects.

use crate::EstimateError;
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
    /// Share of replicates whose |t| is as large, the sample itself among them, so that it is never zero; NaN if t is none.
    pub p: f64,
    /// Replicates.
    pub n_replicates: usize,
}

/// The restricted wild cluster bootstrap of each coefficient, clustered by the factor at `cluster`.
///
/// # Errors
///
/// [`EstimateError`] if the model is not least squares, there is one cluster, or the effects do not converge.
pub fn wild_bootstrap(
    fit: &Fit,
    cluster: usize,
    n_replicates: usize,
    weights: WildWeights,
    seed: u64,
) -> Result<Vec<WildResult>, EstimateError> {
    if fit.is_generalised || fit.has_instruments {
        return Err(EstimateError::Inference(
            "the wild cluster bootstrap is for least squares without instruments",
        ));
    }
    let factor = &fit.factors[cluster];
    let g = factor.n_levels;
    if g < 2 {
        return Err(EstimateError::FewClusters(g));
    }
    let k = fit.coefficients.len();
    let n = fit.n_rows();
    let absorber = fit.absorber();
    // Scores of the basis in cluster h of the part of column c (the basis, then the outcome) in cluster s, effects out.
    let columns: Vec<&[f64]> =
        fit.basis.iter().map(Vec::as_slice).chain([fit.outcome.as_slice()]).collect();
    let n_columns = columns.len();
    let mut scores = vec![0.0; g * n_columns * g * k];
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
            let out = &mut scores[(s * n_columns + c) * g * k..][..g * k];
            for row in 0..n {
                let error = part[row] * fit.weight(row);
                let out = &mut out[factor.of_row[row] as usize * k..][..k];
                out.iter_mut().zip(&fit.basis).for_each(|(o, x)| *o += x[row] * error);
            }
        }
    }
    // Q_h'Q_h of each cluster, for residuals of the unrestricted model in each replicate.
    let mut crosses = vec![0.0; g * k * k];
    for row in 0..n {
        let weight = fit.weight(row);
        let out = &mut crosses[factor.of_row[row] as usize * k * k..][..k * k];
        for i in 0..k {
            for j in 0..k {
                out[i * k + j] += weight * fit.basis[i][row] * fit.basis[j][row];
            }
        }
    }
    // A coefficient of the regressors is its row of the root times those of the basis.
    let row_of = |place: usize| &fit.root[place * k..(place + 1) * k];
    let t_of = |sums: &[f64], place: usize, gamma: &[f64]| -> f64 {
        let row = row_of(place);
        let variance: f64 = sums.chunks_exact(k).map(|s| inner(s, row).powi(2)).sum();
        inner(gamma, row) / variance.sqrt()
    };
    // Of the outcome without effects, since the basis is orthonormal.
    let whole: Vec<f64> = (0..k)
        .map(|i| (0..n).map(|row| fit.basis[i][row] * fit.outcome[row] * fit.weight(row)).sum())
        .collect();
    let actual = fit.score_sums(factor);
    let mut results = Vec::with_capacity(k);
    for place in 0..k {
        // The closest coefficients of the basis that make this one zero.
        let row = row_of(place);
        let share = inner(&whole, row) / inner(row, row);
        let restricted: Vec<f64> =
            whole.iter().zip(row).map(|(gamma, row)| gamma - share * row).collect();
        // Scores of the restricted residuals of cluster s, seen in cluster h.
        let mut table = vec![0.0; g * g * k];
        for s in 0..g {
            let out = &mut table[s * g * k..(s + 1) * g * k];
            let of = |c: usize| &scores[(s * n_columns + c) * g * k..][..g * k];
            out.copy_from_slice(of(n_columns - 1));
            for (c, beta) in restricted.iter().enumerate() {
                out.iter_mut().zip(of(c)).for_each(|(o, x)| *o -= beta * x);
            }
        }
        let t = t_of(&actual, place, &whole);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut n_larger = 0;
        let mut sums = vec![0.0; g * k];
        for _ in 0..n_replicates {
            sums.fill(0.0);
            for s in 0..g {
                let v = weights.draw(&mut random);
                sums.iter_mut()
                    .zip(&table[s * g * k..(s + 1) * g * k])
                    .for_each(|(o, x)| *o += v * x);
            }
            // Of an orthonormal basis the sums of scores are the coefficients.
            let total: Vec<f64> = (0..k).map(|i| sums.iter().skip(i).step_by(k).sum()).collect();
            for h in 0..g {
                for i in 0..k {
                    let fitted: f64 =
                        (0..k).map(|j| crosses[h * k * k + i * k + j] * total[j]).sum();
                    sums[h * k + i] -= fitted;
                }
            }
            let replicate = t_of(&sums, place, &total);
            // Rounding must not tell a replicate that is the sample itself from it.
            n_larger += usize::from(replicate.abs() >= t.abs() * (1.0 - 1e-10));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts")]
        let p = (n_larger + 1) as f64 / (n_replicates + 1) as f64;
        let p = if t.is_finite() && !fit.is_exact { p } else { f64::NAN };
        results.push(WildResult { t, p, n_replicates });
    }
    Ok(results)
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
