//! Covariances of coefficients, and the tests that go with them.
//!
//! `V = c B M B`, with the bread `B = (X'WX)^-1` and the meat `M` of the scores. Corrections are those of `fixest`: `(N-1)/(N-K)`, where
//! `K` leaves out effects nested in a cluster variable, `G/(G-1)` with the smallest G of several cluster variables, and Student's t
//! with G - 1 degrees of freedom. Several ways: Cameron, Gelbach & Miller (2011), eigenvalues below zero set to zero.

use crate::EstimateError;
use crate::dense::{eigen, product, with_eigenvalues};
use crate::factor::Factor;
use crate::least_squares::Fit;
use statrs::distribution::{ContinuousCDF, FisherSnedecor, Normal, StudentsT};

/// What is assumed of the errors.
#[derive(Debug, Clone, PartialEq)]
pub enum Inference {
    /// Independent, of one variance.
    Iid,
    /// Independent, of any variance (White 1980), with `N/(N-K)`.
    Hc1,
    /// The same, each squared residual by one less its leverage.
    Hc2,
    /// The same, by the square of that (close to the jackknife).
    Hc3,
    /// Dependent within the levels of each of these factors.
    Cluster(Vec<usize>),
    /// Dependent across all rows of a period and, fading, of `lags` periods before (Driscoll & Kraay 1998). The factor's levels are
    /// in the order of time. `None`: `floor(4 (T/100)^(2/9))`.
    DriscollKraay {
        /// The factor of the periods.
        time: usize,
        /// Lags of Bartlett's kernel.
        lags: Option<usize>,
    },
    /// Dependent between places, fading linearly to nothing at the cutoff (Conley 1999).
    Conley {
        /// The factor of the places.
        place: usize,
        /// Kilometres between its levels, a row a level.
        distances: Vec<f64>,
        /// Kilometres beyond which errors are independent.
        cutoff_km: f64,
    },
}

/// Small-sample corrections, by `fixest`'s names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// Whether to multiply by `(N-1)/(N-K)`.
    pub k_adj: bool,
    /// Which effects count in K.
    pub k_fixef: Counted,
    /// Whether to multiply by `G/(G-1)`.
    pub g_adj: bool,
    /// Whether several cluster variables all take the smallest G.
    pub g_min: bool,
    /// Whether eigenvalues below zero, which several cluster variables can give, are set to zero.
    pub fix_eigenvalues: bool,
}

/// Which effects count as parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// None.
    None,
    /// Those not nested in a cluster variable.
    Nonnested,
    /// All.
    Full,
}

impl Default for Correction {
    fn default() -> Self {
        Self {
            k_adj: true,
            k_fixef: Counted::Nonnested,
            g_adj: true,
            g_min: true,
            fix_eigenvalues: true,
        }
    }
}

/// A covariance and what it was made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Vcov {
    /// k x k, row-major.
    pub matrix: Vec<f64>,
    /// Clusters of each cluster variable.
    pub n_clusters: Vec<usize>,
    /// K of the correction.
    pub df_k: usize,
    /// Degrees of freedom of t; `None`: normal.
    pub df_t: Option<usize>,
    /// Whether eigenvalues below zero were set to zero.
    pub is_repaired: bool,
}

/// Estimates with their standard errors and tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// The covariance.
    pub vcov: Vcov,
    /// Standard errors.
    pub se: Vec<f64>,
    /// Estimates by standard errors.
    pub t: Vec<f64>,
    /// Two-sided p values.
    pub p: Vec<f64>,
    /// Intervals.
    pub interval: Vec<(f64, f64)>,
    /// Wald's F that every coefficient but the intercept is zero, and its p value; `None` if the covariance is singular.
    pub f: Option<(f64, f64)>,
}

impl Fit {
    /// Standard errors, tests and intervals of `level` (0.95).
    ///
    /// # Errors
    ///
    /// [`EstimateError`] if the inference does not go with the model.
    pub fn covariance(
        &self,
        inference: &Inference,
        correction: Correction,
        level: f64,
    ) -> Result<Covariance, EstimateError> {
        let vcov = self.vcov(inference, correction)?;
        let k = self.coefficients.len();
        let se: Vec<f64> = (0..k).map(|i| vcov.matrix[i * k + i].sqrt()).collect();
        let t: Vec<f64> = self.coefficients.iter().zip(&se).map(|(b, se)| b / se).collect();
        let reference = Reference::new(vcov.df_t);
        let p = t.iter().map(|t| reference.two_sided(*t)).collect();
        let width = reference.quantile(0.5 + level / 2.0);
        let interval = self
            .coefficients
            .iter()
            .zip(&se)
            .map(|(b, se)| (b - width * se, b + width * se))
            .collect();
        let f = self.wald(&vcov);
        Ok(Covariance { vcov, se, t, p, interval, f })
    }

    /// `b' V^-1 b / k` of all coefficients but the intercept.
    fn wald(&self, vcov: &Vcov) -> Option<(f64, f64)> {
        let k = self.coefficients.len();
        let places: Vec<usize> = (0..k).filter(|&i| self.kept[i].is_some()).collect();
        let q = places.len();
        let scale: Vec<f64> = places.iter().map(|&i| vcov.matrix[i * k + i].sqrt()).collect();
        let part: Vec<f64> = (0..q * q)
            .map(|at| {
                vcov.matrix[places[at / q] * k + places[at % q]] / (scale[at / q] * scale[at % q])
            })
            .collect();
        let (values, vectors) = eigen(&part, q)?;
        if values.iter().any(|value| *value <= 1e-12) {
            return None;
        }
        let b: Vec<f64> =
            places.iter().zip(&scale).map(|(&i, s)| self.coefficients[i] / s).collect();
        let sum: f64 = (0..q)
            .map(|j| (0..q).map(|i| vectors[i * q + j] * b[i]).sum::<f64>().powi(2) / values[j])
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "counts")]
        let (q, df) = (q as f64, vcov.df_t.unwrap_or(self.n_rows()) as f64);
        let f = sum / q;
        let p = FisherSnedecor::new(q, df).map_or(f64::NAN, |law| law.sf(f));
        Some((f, p))
    }

    /// The covariance of the coefficients.
    ///
    /// # Errors
    ///
    /// [`EstimateError`] if the inference does not go with the model.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn vcov(
        &self,
        inference: &Inference,
        correction: Correction,
    ) -> Result<Vcov, EstimateError> {
        let n = self.n_rows();
        let k = self.coefficients.len();
        let clusters: &[usize] = match inference {
            Inference::Cluster(clusters) => clusters,
            _ => &[],
        };
        let n_clusters: Vec<usize> = clusters.iter().map(|&at| self.factors[at].n_levels).collect();
        if let Some(&few) = n_clusters.iter().find(|n| **n < 2) {
            return Err(EstimateError::FewClusters(few));
        }
        let nested: Vec<usize> = self
            .effects
            .iter()
            .copied()
            .filter(|&e| {
                clusters.iter().any(|&c| c == e || self.factors[e].is_nested_in(&self.factors[c]))
            })
            .collect();
        let df_k = match correction.k_fixef {
            Counted::None => k,
            Counted::Full => k + self.n_absorbed(),
            Counted::Nonnested => {
                let levels: usize = nested.iter().map(|&at| self.factors[at].n_levels).sum();
                k + self.n_absorbed() + nested.len() - levels
            }
        };
        if df_k >= n {
            return Err(EstimateError::NoDegrees { rows: n, parameters: df_k });
        }
        let left = (n - df_k) as f64;
        let of_k = |top: f64| if correction.k_adj { top / left } else { 1.0 };
        let of_g = |g: usize| if correction.g_adj { g as f64 / (g as f64 - 1.0) } else { 1.0 };
        let sandwich = |meat: &[f64], c: f64| -> Vec<f64> {
            let filled = product(&product(&self.bread, meat, k), &self.bread, k);
            filled.iter().map(|v| v * c).collect()
        };
        let whole = |matrix, df_t| Vcov {
            matrix,
            n_clusters: n_clusters.clone(),
            df_k,
            df_t,
            is_repaired: false,
        };
        let df_n = (!self.is_generalised).then_some(n - df_k);
        Ok(match inference {
            Inference::Iid => {
                // A generalised model's variance follows from its mean.
                let variance = if self.is_generalised { 1.0 } else { self.rss / (n as f64 - 1.0) };
                let variance = variance * of_k(n as f64 - 1.0);
                whole(self.bread.iter().map(|v| v * variance).collect(), df_n)
            }
            Inference::Hc1 | Inference::Hc2 | Inference::Hc3 => {
                let power = match inference {
                    Inference::Hc2 => 1,
                    Inference::Hc3 => 2,
                    _ => 0,
                };
                let c = if power == 0 { of_k(n as f64) } else { 1.0 };
                let leverages = if power > 0 { self.leverages()? } else { Vec::new() };
                let meat = self.meat(|row| {
                    let divisor = if power > 0 { (1.0 - leverages[row]).powi(power) } else { 1.0 };
                    1.0 / divisor
                });
                whole(sandwich(&meat, c), df_n)
            }
            Inference::Cluster(clusters) => {
                let smallest = n_clusters.iter().copied().min().unwrap_or(2);
                let mut matrix = vec![0.0; k * k];
                for subset in 1_u32..1 << clusters.len() {
                    let chosen: Vec<&Factor> = (0..clusters.len())
                        .filter(|&at| subset >> at & 1 == 1)
                        .map(|at| &self.factors[clusters[at]])
                        .collect();
                    let crossed;
                    let factor = if let [one] = chosen[..] {
                        one
                    } else {
                        crossed = Factor::combine(&chosen);
                        &crossed
                    };
                    let g = if correction.g_min { smallest } else { factor.n_levels };
                    let sign = if subset.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
                    let c = sign * of_k(n as f64 - 1.0) * of_g(g);
                    let part = sandwich(&outer(&self.score_sums(factor), k), c);
                    matrix.iter_mut().zip(&part).for_each(|(v, part)| *v += part);
                }
                let (matrix, is_repaired) = if clusters.len() > 1 && correction.fix_eigenvalues {
                    repaired(matrix, k)?
                } else {
                    (matrix, false)
                };
                Vcov { matrix, n_clusters, df_k, df_t: Some(smallest - 1), is_repaired }
            }
            Inference::DriscollKraay { time, lags } => {
                let periods = &self.factors[*time];
                let t = periods.n_levels;
                if t < 2 {
                    return Err(EstimateError::FewClusters(t));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a small positive number"
                )]
                let lags = lags
                    .unwrap_or_else(|| (4.0 * (t as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize)
                    .min(t - 1);
                let sums = self.score_sums(periods);
                let mut meat = outer(&sums, k);
                for lag in 1..=lags {
                    let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
                    for at in lag..t {
                        for i in 0..k {
                            for j in 0..k {
                                let (now, before) = (at * k, (at - lag) * k);
                                meat[i * k + j] += weight
                                    * (sums[now + i] * sums[before + j]
                                        + sums[before + i] * sums[now + j]);
                            }
                        }
                    }
                }
                let c = of_k(n as f64 - 1.0) * of_g(t);
                let mut vcov = whole(sandwich(&meat, c), Some(t - 1));
                vcov.n_clusters = vec![t];
                vcov
            }
            Inference::Conley { place, distances, cutoff_km } => {
                let places = &self.factors[*place];
                let g = places.n_levels;
                if g < 2 {
                    return Err(EstimateError::FewClusters(g));
                }
                let sums = self.score_sums(places);
                let mut meat = vec![0.0; k * k];
                for a in 0..g {
                    for b in 0..g {
                        let weight =
                            if a == b { 1.0 } else { 1.0 - distances[a * g + b] / cutoff_km };
                        if weight > 0.0 {
                            for i in 0..k {
                                for j in 0..k {
                                    meat[i * k + j] += weight * sums[a * k + i] * sums[b * k + j];
                                }
                            }
                        }
                    }
                }
                let (matrix, is_repaired) = repaired(sandwich(&meat, of_k(n as f64 - 1.0)), k)?;
                Vcov { matrix, n_clusters: vec![g], df_k, df_t: Some(g - 1), is_repaired }
            }
        })
    }

    /// Sums of the scores in each level: `n_levels` x k.
    pub(crate) fn score_sums(&self, factor: &Factor) -> Vec<f64> {
        let k = self.coefficients.len();
        let mut sums = vec![0.0; factor.n_levels * k];
        for (row, &level) in factor.of_row.iter().enumerate() {
            let error = self.residuals[row] * self.weight(row);
            let sums = &mut sums[level as usize * k..][..k];
            for (sum, column) in sums.iter_mut().zip(&self.regressors) {
                *sum += column[row] * error;
            }
        }
        sums
    }

    /// `sum of s s'` of the rows' scores `s`, each times `factor`.
    fn meat(&self, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        let k = self.coefficients.len();
        let mut meat = vec![0.0; k * k];
        for row in 0..self.n_rows() {
            let squared = (self.residuals[row] * self.weight(row)).powi(2) * factor(row);
            for i in 0..k {
                for j in 0..=i {
                    meat[i * k + j] += self.regressors[i][row] * self.regressors[j][row] * squared;
                }
            }
        }
        for i in 0..k {
            for j in i + 1..k {
                meat[i * k + j] = meat[j * k + i];
            }
        }
        meat
    }

    /// The leverage of each row, effects and regressors together.
    fn leverages(&self) -> Result<Vec<f64>, EstimateError> {
        if self.is_generalised || self.has_instruments {
            return Err(EstimateError::Inference(
                "HC2 and HC3 are for least squares without instruments: take HC1 or clusters",
            ));
        }
        let k = self.coefficients.len();
        let of_effects = self.absorber().map(|absorber| absorber.leverages(2_000)).transpose()?;
        Ok((0..self.n_rows())
            .map(|row| {
                let x = |i: usize| self.regressors[i][row];
                let own: f64 = (0..k)
                    .flat_map(|i| (0..k).map(move |j| (i, j)))
                    .map(|(i, j)| x(i) * self.bread[i * k + j] * x(j))
                    .sum();
                // A row the model fits exactly has a residual of zero; its leverage of one would divide by zero.
                (self.weight(row) * (own + of_effects.as_ref().map_or(0.0, |of| of[row])))
                    .min(1.0 - 1e-12)
            })
            .collect())
    }
}

fn outer(sums: &[f64], k: usize) -> Vec<f64> {
    let mut meat = vec![0.0; k * k];
    for s in sums.chunks_exact(k) {
        for i in 0..k {
            for j in 0..k {
                meat[i * k + j] += s[i] * s[j];
            }
        }
    }
    meat
}

/// The matrix with eigenvalues below zero set to zero, and whether there were any.
fn repaired(matrix: Vec<f64>, k: usize) -> Result<(Vec<f64>, bool), EstimateError> {
    // On the scale of correlations, so that units do not decide.
    let scale: Vec<f64> =
        (0..k).map(|i| matrix[i * k + i].abs().sqrt().max(f64::MIN_POSITIVE)).collect();
    let scaled: Vec<f64> =
        (0..k * k).map(|at| matrix[at] / (scale[at / k] * scale[at % k])).collect();
    let (values, _) = eigen(&scaled, k).ok_or(EstimateError::NotFinite)?;
    if values.iter().all(|value| *value >= -1e-12) {
        return Ok((matrix, false));
    }
    let fixed =
        with_eigenvalues(&matrix, k, |value| value.max(0.0)).ok_or(EstimateError::NotFinite)?;
    Ok((fixed, true))
}

/// Student's t, or the normal law.
pub(crate) enum Reference {
    T(StudentsT),
    Normal(Normal),
}

impl Reference {
    #[expect(clippy::cast_precision_loss, reason = "degrees of freedom are far below 2^52")]
    pub(crate) fn new(df: Option<usize>) -> Self {
        match df.and_then(|df| StudentsT::new(0.0, 1.0, df as f64).ok()) {
            Some(law) => Self::T(law),
            None => Self::Normal(Normal::standard()),
        }
    }

    fn two_sided(&self, t: f64) -> f64 {
        if !t.is_finite() {
            return f64::NAN;
        }
        2.0 * match self {
            Self::T(law) => law.sf(t.abs()),
            Self::Normal(law) => law.sf(t.abs()),
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        match self {
            Self::T(law) => law.inverse_cdf(p),
            Self::Normal(law) => law.inverse_cdf(p),
        }
    }
}
