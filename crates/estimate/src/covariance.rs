//! Covariances of coefficients, and the tests that go with them.
//!
//! `V = c B M B`, with the bread `B = (X'WX)^-1` and the meat `M` of the scores; computed as
//! `c R^-1 M' R^-T`, with the meat `M'` of the scores of `Q`, where `QR` is the weighted `X`, so
//! that the distance of regressors from zero costs no digits.
//!
//! Corrections are those of `fixest`: `(N-1)/(N-K)`, where `K` leaves out effects nested in a
//! cluster variable, `G/(G-1)` with the smallest G of several cluster variables, and Student's t
//! with G - 1 degrees of freedom; the normal law for generalised models, whatever the errors.
//! Several ways: Cameron, Gelbach & Miller (2011); the sum is left as it is while all variances are
//! positive.

use crate::EstimateError;
use crate::absorb::Absorber;
use crate::dense::{
    self, Eigen, eigen, float, inverse_triangle, product, triangle, with_eigenvalues,
};
use crate::factor::Factor;
use crate::least_squares::Fit;
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, Normal, StudentsT};

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
    /// Dependent within the levels of this factor, by leaving out one of them at a time (CRV3, the
    /// cluster jackknife; MacKinnon, Nielsen & Webb 2023): more honest than the others where
    /// clusters are few or uneven.
    Jackknife(usize),
    /// Dependent across all rows of a period and, fading, of `lags` periods before (Driscoll &
    /// Kraay 1998). The factor's levels are in the order of time. `None`: `floor(4 (T/100)^(2/9))`.
    DriscollKraay {
        /// The factor of the periods.
        time: usize,
        /// Lags of Bartlett's kernel.
        lags: Option<usize>,
    },
    /// Dependent between places up to a cutoff (Conley 1999).
    Conley {
        /// The factor of the places.
        place: usize,
        /// Kilometres between its levels, a row a level.
        distances: Vec<f64>,
        /// Kilometres beyond which errors are independent.
        cutoff_km: f64,
        /// How dependence fades until there.
        kernel: Kernel,
    },
}

/// How dependence fades with distance, from 1 at none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Linearly to nothing at the cutoff.
    Bartlett,
    /// Not at all up to and including the cutoff, as in fixest.
    Uniform,
}

impl Kernel {
    fn weight(self, distance: f64, cutoff: f64) -> f64 {
        match self {
            Self::Bartlett => (1.0 - distance / cutoff).max(0.0),
            Self::Uniform => f64::from(u8::from(distance <= cutoff)),
        }
    }
}

/// What is done to a covariance that is not positive semi-definite, as a difference of several can
/// be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// If some variance is not positive, eigenvalues below zero are set to zero.
    Variances,
    /// Eigenvalues below zero are set to zero.
    Psd,
    /// Nothing.
    Never,
}

/// Why a coefficient has no standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Degenerate {
    /// No residual is left.
    #[error("no standard error: the fit is exact, so that no residual is left to estimate it from")]
    ExactFit,
    /// The scores add up to zero in every group.
    #[error("no standard error: its variance is zero, as its scores add up to zero in every group")]
    Zero,
    /// The variance is below zero.
    #[error(
        "no standard error: its variance is negative, as the covariances of several cluster variables can add up to"
    )]
    Negative,
}

/// Variance, relative to that of equal and independent errors, that is zero but for rounding.
const ZERO: f64 = 1e-14;
/// A leverage this close to one is one.
const FULL_LEVERAGE: f64 = 1e-9;

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
    /// Whether effects count by the rank of their dummies, and not by their levels less one for
    /// each after the first. fixest's `K.exact`.
    pub k_exact: bool,
    /// What is done to a covariance that is not positive semi-definite.
    pub repair: Repair,
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
            k_exact: false,
            repair: Repair::Variances,
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
    /// Rows with a leverage of one, which HC2 and HC3 leave out: they are fitted exactly, whatever
    /// their outcome.
    pub n_full_leverage: usize,
    /// Lags of Driscoll and Kraay's errors.
    pub lags: Option<usize>,
}

/// What a coefficient lies between, with the confidence that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// That of an estimate with a standard error, at a level of confidence (0.95): by Student's t
    /// with so many degrees of freedom, or by the normal law without.
    pub fn of(estimate: f64, se: f64, df_t: Option<usize>, level: f64) -> Self {
        Self::around(estimate, Reference::new(df_t).width(level) * se)
    }

    fn around(estimate: f64, half: f64) -> Self {
        Self { low: estimate - half, high: estimate + half }
    }
}

/// Wald's test of several coefficients at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaldTest {
    /// `b' V^-1 b / k` of k coefficients.
    pub f: f64,
    /// Its p value.
    pub p: f64,
}

/// Estimates with their standard errors and tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// The covariance.
    pub vcov: Vcov,
    /// Why a coefficient has no standard error; NaN stands for it and what is made of it.
    pub degenerate: Vec<Option<Degenerate>>,
    /// Standard errors.
    pub se: Vec<f64>,
    /// Estimates by standard errors.
    pub t: Vec<f64>,
    /// Two-sided p values.
    pub p: Vec<f64>,
    /// Intervals.
    pub interval: Vec<Interval>,
    /// Wald's test that every coefficient but the intercept is zero; `None` if the covariance is
    /// singular or a standard error is not there.
    pub wald: Option<WaldTest>,
}

/// What a covariance is corrected by.
struct Corrected {
    correction: Correction,
    /// N.
    n_rows: usize,
    /// K.
    df_k: usize,
    /// Clusters of each cluster variable.
    n_clusters: Vec<usize>,
    /// Whether tests are by the normal law, and not by Student's t.
    is_normal: bool,
}

impl Corrected {
    /// `top / (N-K)`, where it is asked for.
    fn of_k(&self, top: f64) -> f64 {
        if self.correction.k_adj { top / float(self.n_rows - self.df_k) } else { 1.0 }
    }

    /// `G/(G-1)`, where it is asked for.
    fn of_g(&self, g: usize) -> f64 {
        if self.correction.g_adj { float(g) / (float(g) - 1.0) } else { 1.0 }
    }

    /// A covariance with these degrees of freedom of t, where it is used.
    fn vcov(&self, matrix: Vec<f64>, df_t: usize) -> Vcov {
        Vcov {
            matrix,
            n_clusters: self.n_clusters.clone(),
            df_k: self.df_k,
            df_t: (!self.is_normal).then_some(df_t),
            is_repaired: false,
            n_full_leverage: 0,
            lags: None,
        }
    }
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
        // Errors of a generalised model that follow from its mean are there even if no residual is.
        let needs_residuals = !(self.is_generalised && *inference == Inference::Iid);
        let size = if self.is_generalised { 1.0 } else { self.rss / float(self.n_rows()) };
        let bread = self.bread();
        let degenerate: Vec<Option<Degenerate>> = (0..k)
            .map(|i| {
                let variance = vcov.matrix[i * k + i];
                let zero = ZERO * bread[i * k + i] * size;
                if self.is_exact && needs_residuals {
                    Some(Degenerate::ExactFit)
                } else if variance < -zero {
                    Some(Degenerate::Negative)
                } else if variance <= zero {
                    Some(Degenerate::Zero)
                } else {
                    None
                }
            })
            .collect();
        let se: Vec<f64> = degenerate
            .iter()
            .enumerate()
            .map(|(i, why)| why.map_or_else(|| vcov.matrix[i * k + i].sqrt(), |_| f64::NAN))
            .collect();
        let t: Vec<f64> = self.coefficients.iter().zip(&se).map(|(b, se)| b / se).collect();
        let reference = Reference::new(vcov.df_t);
        let p = t.iter().map(|t| reference.two_sided(*t)).collect();
        let width = reference.width(level);
        let interval = self.coefficients.iter().zip(&se);
        let interval = interval.map(|(b, se)| Interval::around(*b, width * se)).collect();
        let wald = if degenerate.iter().any(Option::is_some) { None } else { self.wald(&vcov) };
        Ok(Covariance { vcov, degenerate, se, t, p, interval, wald })
    }

    /// The test of all coefficients but the intercept.
    fn wald(&self, vcov: &Vcov) -> Option<WaldTest> {
        let k = self.coefficients.len();
        let places: Vec<usize> = (0..k).filter(|&i| self.kept[i].is_some()).collect();
        let q = places.len();
        let scale: Vec<f64> = places.iter().map(|&i| vcov.matrix[i * k + i].sqrt()).collect();
        let part: Vec<f64> = (0..q * q)
            .map(|at| {
                vcov.matrix[places[at / q] * k + places[at % q]] / (scale[at / q] * scale[at % q])
            })
            .collect();
        let Eigen { values, vectors } = eigen(&part, q)?;
        if values.iter().any(|value| *value <= 1e-12) {
            return None;
        }
        let b: Vec<f64> =
            places.iter().zip(&scale).map(|(&i, s)| self.coefficients[i] / s).collect();
        let sum: f64 = (0..q)
            .map(|j| (0..q).map(|i| vectors[i * q + j] * b[i]).sum::<f64>().powi(2) / values[j])
            .sum();
        let (q, f) = (float(q), sum / float(q));
        if !f.is_finite() {
            return None;
        }
        let p = match vcov.df_t {
            Some(df) => FisherSnedecor::new(q, float(df)).ok()?.sf(f),
            None => ChiSquared::new(q).ok()?.sf(sum),
        };
        Some(WaldTest { f, p })
    }

    /// The covariance of the coefficients.
    ///
    /// # Errors
    ///
    /// [`EstimateError`] if the inference does not go with the model.
    pub fn vcov(
        &self,
        inference: &Inference,
        correction: Correction,
    ) -> Result<Vcov, EstimateError> {
        let clusters: &[usize] = match inference {
            Inference::Cluster(clusters) => clusters,
            Inference::Jackknife(cluster) => std::slice::from_ref(cluster),
            _ => &[],
        };
        let n_clusters: Vec<usize> = clusters.iter().map(|&at| self.factors[at].n_levels).collect();
        if let Some(&few) = n_clusters.iter().find(|n| **n < 2) {
            return Err(EstimateError::FewClusters(few));
        }
        let n_rows = self.n_rows();
        let df_k = self.df_k(clusters, correction)?;
        if df_k >= n_rows {
            return Err(EstimateError::NoDegrees { rows: n_rows, parameters: df_k });
        }
        let is_normal = self.is_generalised;
        let corrected = Corrected { correction, n_rows, df_k, n_clusters, is_normal };
        match inference {
            Inference::Iid => Ok(self.of_one_variance(&corrected)),
            Inference::Hc1 => self.of_rows(0, &corrected),
            Inference::Hc2 => self.of_rows(1, &corrected),
            Inference::Hc3 => self.of_rows(2, &corrected),
            Inference::Cluster(clusters) => self.of_clusters(clusters, &corrected),
            Inference::Jackknife(cluster) => {
                // These factors are pyfixest's; MacKinnon, Nielsen & Webb have (G-1)/G instead.
                let g = self.factors[*cluster].n_levels;
                let c = corrected.of_k(float(n_rows) - 1.0) * corrected.of_g(g);
                let matrix = self.jackknife(*cluster)?.iter().map(|v| v * c).collect();
                Ok(corrected.vcov(matrix, g - 1))
            }
            Inference::DriscollKraay { time, lags } => self.of_periods(*time, *lags, &corrected),
            Inference::Conley { place, distances, cutoff_km, kernel } => {
                let g = self.factors[*place].n_levels;
                let weight = |a: usize, b: usize| {
                    if a == b { 1.0 } else { kernel.weight(distances[a * g + b], *cutoff_km) }
                };
                self.of_places(*place, weight, &corrected)
            }
        }
    }

    /// K of the corrections: the coefficients, and what the effects count for, where these factors
    /// are the clusters.
    fn df_k(&self, clusters: &[usize], correction: Correction) -> Result<usize, EstimateError> {
        let k = self.coefficients.len();
        let nested: Vec<usize> = self
            .effects
            .iter()
            .copied()
            .filter(|&e| {
                clusters.iter().any(|&c| c == e || self.factors[e].is_nested_in(&self.factors[c]))
            })
            .collect();
        let all = if correction.k_fixef == Counted::None {
            0
        } else if correction.k_exact {
            self.rank(&self.effects)?
        } else {
            self.n_absorbed()
        };
        if correction.k_fixef != Counted::Nonnested || nested.is_empty() {
            return Ok(k + all);
        }
        // The intercept that the nested ones share with the others stays.
        let of_nested = if correction.k_exact {
            self.rank(&nested)?
        } else {
            let levels: usize = nested.iter().map(|&at| self.factors[at].n_levels).sum();
            levels + 1 - nested.len()
        };
        Ok(k + all + 1 - of_nested)
    }

    /// `c R^-1 M' R^-T` of the meat `M'`.
    fn sandwich(&self, meat: &[f64], c: f64) -> Vec<f64> {
        self.of_regressors(meat).iter().map(|v| v * c).collect()
    }

    /// Of errors of one variance.
    fn of_one_variance(&self, corrected: &Corrected) -> Vcov {
        let n = corrected.n_rows;
        // A generalised model's variance follows from its mean.
        let variance = if self.is_generalised { 1.0 } else { self.rss / (float(n) - 1.0) };
        let variance = variance * corrected.of_k(float(n) - 1.0);
        corrected.vcov(self.bread().iter().map(|v| v * variance).collect(), n - corrected.df_k)
    }

    /// Of errors with a variance a row, each squared residual by this power of one less its
    /// leverage: HC1, HC2, HC3.
    fn of_rows(&self, power: i32, corrected: &Corrected) -> Result<Vcov, EstimateError> {
        let n = corrected.n_rows;
        let c = if power == 0 { corrected.of_k(float(n)) } else { 1.0 };
        let leverages = if power > 0 { self.leverages()? } else { Vec::new() };
        let is_full = |leverage: f64| leverage >= 1.0 - FULL_LEVERAGE;
        let meat = self.meat(|row| match leverages.get(row) {
            None => 1.0,
            // Its residual is zero whatever its outcome.
            Some(&leverage) if is_full(leverage) => 0.0,
            Some(leverage) => (1.0 - leverage).powi(-power),
        });
        let mut vcov = corrected.vcov(self.sandwich(&meat, c), n - corrected.df_k);
        vcov.n_full_leverage = leverages.iter().filter(|of| is_full(**of)).count();
        Ok(vcov)
    }

    /// Of errors that depend on each other within the levels of each of these factors (Cameron,
    /// Gelbach & Miller 2011).
    fn of_clusters(
        &self,
        clusters: &[usize],
        corrected: &Corrected,
    ) -> Result<Vcov, EstimateError> {
        let k = self.coefficients.len();
        let smallest = corrected.n_clusters.iter().copied().min().unwrap_or(2);
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
            let g = if corrected.correction.g_min { smallest } else { factor.n_levels };
            let sign = if subset.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
            let c = sign * corrected.of_k(float(corrected.n_rows) - 1.0) * corrected.of_g(g);
            let part = self.sandwich(&outer(&self.score_sums(factor), k), c);
            matrix.iter_mut().zip(&part).for_each(|(v, part)| *v += part);
        }
        let vcov = corrected.vcov(matrix, smallest - 1);
        if clusters.len() > 1 { self.repaired(vcov, corrected.correction.repair) } else { Ok(vcov) }
    }

    /// Of errors that depend on each other within the levels of the factor at `time` and, by
    /// Bartlett's kernel, over `lags` levels (Driscoll & Kraay 1998).
    fn of_periods(
        &self,
        time: usize,
        lags: Option<usize>,
        corrected: &Corrected,
    ) -> Result<Vcov, EstimateError> {
        let k = self.coefficients.len();
        let periods = &self.factors[time];
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
            .unwrap_or_else(|| (4.0 * (float(t) / 100.0).powf(2.0 / 9.0)).floor() as usize)
            .min(t - 1);
        let sums = self.score_sums(periods);
        let mut meat = outer(&sums, k);
        for lag in 1..=lags {
            let weight = 1.0 - float(lag) / (float(lags) + 1.0);
            for at in lag..t {
                for i in 0..k {
                    for j in 0..k {
                        let (now, before) = (at * k, (at - lag) * k);
                        meat[i * k + j] += weight
                            * (sums[now + i] * sums[before + j] + sums[before + i] * sums[now + j]);
                    }
                }
            }
        }
        let c = corrected.of_k(float(corrected.n_rows) - 1.0) * corrected.of_g(t);
        let vcov = corrected.vcov(self.sandwich(&meat, c), t - 1);
        Ok(Vcov { n_clusters: vec![t], lags: Some(lags), ..vcov })
    }

    /// Of errors that depend on each other between the levels of the factor at `place` by these
    /// weights (Conley 1999).
    fn of_places(
        &self,
        place: usize,
        weight: impl Fn(usize, usize) -> f64,
        corrected: &Corrected,
    ) -> Result<Vcov, EstimateError> {
        let k = self.coefficients.len();
        let places = &self.factors[place];
        let g = places.n_levels;
        if g < 2 {
            return Err(EstimateError::FewClusters(g));
        }
        let sums = self.score_sums(places);
        let mut meat = vec![0.0; k * k];
        for a in 0..g {
            for b in 0..g {
                let weight = weight(a, b);
                if weight > 0.0 {
                    for i in 0..k {
                        for j in 0..k {
                            meat[i * k + j] += weight * sums[a * k + i] * sums[b * k + j];
                        }
                    }
                }
            }
        }
        let c = corrected.of_k(float(corrected.n_rows) - 1.0);
        let vcov = corrected.vcov(self.sandwich(&meat, c), g - 1);
        self.repaired(Vcov { n_clusters: vec![g], ..vcov }, corrected.correction.repair)
    }

    /// The sum of `(b_g - b)(b_g - b)'`, where `b_g` are the coefficients without cluster g: k x k.
    /// Found for the basis.
    fn jackknife(&self, cluster: usize) -> Result<Vec<f64>, EstimateError> {
        if self.is_generalised || self.has_instruments {
            return Err(EstimateError::Inference(
                "the cluster jackknife is for least squares without instruments: take cluster(...)",
            ));
        }
        let k = self.coefficients.len();
        let clusters = &self.factors[cluster];
        let without = |g: usize| -> Result<Vec<f64>, EstimateError> {
            let rows: Vec<usize> =
                (0..self.n_rows()).filter(|&row| clusters.of_row[row] as usize != g).collect();
            let picked = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect();
            // What the effects explained of all rows, effects of these rows explain too.
            let mut columns: Vec<Vec<f64>> = self.basis.iter().map(picked).collect();
            columns.push(picked(&self.outcome));
            let weights: Option<Vec<f64>> = self.weights.as_ref().map(picked);
            let factors: Vec<Factor> = self
                .effects
                .iter()
                .map(|&at| {
                    let of = &self.factors[at];
                    let of_row = rows.iter().map(|&row| of.of_row[row]).collect();
                    let mut factor = Factor { of_row, n_levels: of.n_levels };
                    factor.compact();
                    factor
                })
                .collect();
            let effects: Vec<usize> = (0..factors.len()).collect();
            let weights = weights.as_deref();
            let size = |column: &Vec<f64>| dense::squared_length(column, None);
            let before: Vec<f64> = columns.iter().map(size).collect();
            if let Some(absorber) =
                Absorber::of(&effects, &factors, weights, self.options.tolerance)
            {
                let mut all: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
                absorber.absorb(&mut all, weights)?;
            }
            let lost =
                |why| EstimateError::Jackknife { cluster: g + 1, clusters: clusters.n_levels, why };
            if (0..k).any(|at| size(&columns[at]) <= 1e-14 * before[at]) {
                return Err(lost("a regressor does not vary"));
            }
            cancel::check();
            let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let r = triangle(&views, weights);
            let stride = k + 1;
            let length = |j: usize| (0..=j).map(|i| r[i * stride + j].powi(2)).sum::<f64>().sqrt();
            if (0..k).any(|j| r[j * stride + j].abs() <= 1e-9 * length(j)) {
                return Err(lost("regressors are combinations of each other"));
            }
            let inverse = inverse_triangle(&r, k, stride);
            Ok(dense::coefficients(&inverse, &r, k, k, stride))
        };
        let all =
            (0..clusters.n_levels).into_par_iter().map(without).collect::<Result<Vec<_>, _>>()?;
        let whole = self.of_basis();
        let mut sum = vec![0.0; k * k];
        for of_g in all {
            for i in 0..k {
                for j in 0..k {
                    sum[i * k + j] += (of_g[i] - whole[i]) * (of_g[j] - whole[j]);
                }
            }
        }
        Ok(self.of_regressors(&sum))
    }

    /// Sets eigenvalues below zero to zero, where `repair` says so. Units of the regressors change
    /// nothing but those of the result: the matrix is brought to the scale of correlations before.
    fn repaired(&self, vcov: Vcov, repair: Repair) -> Result<Vcov, EstimateError> {
        let k = self.coefficients.len();
        let variance = |i: usize| vcov.matrix[i * k + i];
        let is_asked = match repair {
            Repair::Never => false,
            Repair::Psd => true,
            Repair::Variances => (0..k).any(|i| variance(i) <= 0.0),
        };
        if !is_asked {
            return Ok(vcov);
        }
        // A variance that is next to nothing gives no scale: that of independent errors does.
        let bread = self.bread();
        let share = |i: usize| variance(i).abs() / bread[i * k + i];
        let largest = (0..k).map(share).fold(0.0, f64::max);
        let scale: Vec<f64> =
            (0..k).map(|i| (share(i).max(1e-12 * largest) * bread[i * k + i]).sqrt()).collect();
        if !scale.iter().all(|scale| *scale > 0.0 && scale.is_finite()) {
            return Ok(vcov);
        }
        let scaled: Vec<f64> =
            (0..k * k).map(|at| vcov.matrix[at] / (scale[at / k] * scale[at % k])).collect();
        let eigen = eigen(&scaled, k).ok_or(EstimateError::NotFinite)?;
        if eigen.values.iter().all(|value| *value >= -1e-12) {
            return Ok(vcov);
        }
        let fixed =
            with_eigenvalues(&scaled, k, |value| value.max(0.0)).ok_or(EstimateError::NotFinite)?;
        let matrix = (0..k * k).map(|at| fixed[at] * scale[at / k] * scale[at % k]).collect();
        Ok(Vcov { matrix, is_repaired: true, ..vcov })
    }

    /// `(X'WX)^-1`, k x k.
    pub(crate) fn bread(&self) -> Vec<f64> {
        let k = self.coefficients.len();
        let unit: Vec<f64> = (0..k * k).map(|at| f64::from(u8::from(at / k == at % k))).collect();
        self.of_regressors(&unit)
    }

    /// A covariance of coefficients of the basis as one of those of the regressors.
    fn of_regressors(&self, of_basis: &[f64]) -> Vec<f64> {
        let k = self.coefficients.len();
        let transposed: Vec<f64> = (0..k * k).map(|at| self.root[(at % k) * k + at / k]).collect();
        product(&product(&self.root, of_basis, k), &transposed, k)
    }

    /// The coefficients of the basis.
    fn of_basis(&self) -> Vec<f64> {
        let k = self.coefficients.len();
        // Solves the triangle upwards.
        let mut found = vec![0.0; k];
        for i in (0..k).rev() {
            let known: f64 = (i + 1..k).map(|j| self.root[i * k + j] * found[j]).sum();
            found[i] = (self.coefficients[i] - known) / self.root[i * k + i];
        }
        found
    }

    /// Sums of the scores of the basis in each level: `n_levels` x k.
    pub(crate) fn score_sums(&self, factor: &Factor) -> Vec<f64> {
        let k = self.coefficients.len();
        let of_column = |column: &Vec<f64>| {
            factor.sums(|row| column[row] * (self.residuals[row] * self.weight(row)))
        };
        let of_columns: Vec<Vec<f64>> = self.basis.par_iter().map(of_column).collect();
        (0..factor.n_levels * k).map(|at| of_columns[at % k][at / k]).collect()
    }

    /// `sum of s s'` of the rows' scores `s` of the basis, each times `factor`.
    fn meat(&self, factor: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
        let k = self.coefficients.len();
        let mut meat = vec![0.0; k * k];
        meat.par_chunks_mut(k.max(1)).enumerate().for_each(|(i, meat)| {
            for row in 0..self.n_rows() {
                let squared = (self.residuals[row] * self.weight(row)).powi(2) * factor(row);
                for (meat, basis) in meat.iter_mut().zip(&self.basis[..=i]) {
                    *meat += self.basis[i][row] * basis[row] * squared;
                }
            }
        });
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
                let own: f64 = (0..k).map(|i| self.basis[i][row].powi(2)).sum();
                self.weight(row) * (own + of_effects.as_ref().map_or(0.0, |of| of[row]))
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

/// Student's t, or the normal law.
pub(crate) enum Reference {
    T(StudentsT),
    Normal(Normal),
}

impl Reference {
    pub(crate) fn new(df: Option<usize>) -> Self {
        match df.and_then(|df| StudentsT::new(0.0, 1.0, float(df)).ok()) {
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

    /// Standard errors from an estimate to the ends of its interval.
    fn width(&self, level: f64) -> f64 {
        let p = 0.5 + level / 2.0;
        match self {
            Self::T(law) => law.inverse_cdf(p),
            Self::Normal(law) => law.inverse_cdf(p),
        }
    }
}
