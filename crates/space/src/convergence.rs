//! Whether regions become more alike.
//!
//! ```text
//! sigma  standard deviation over regions of ln x     falls from year to year if they converge
//! beta   ln(x1/x0) / T = a + b ln x0 + e,  T years    b < 0: who has less grows faster
//! speed  -ln(1 + b T) / T,  half-life  ln 2 / speed                  Barro & Sala-i-Martin (1992)
//! ```
//!
//! Regions count alike. Williamson's (1965) index is the weighted coefficient of variation:
//! [`crate::spatial::coefficient_of_variation`].
//!
//! # Conventions
//!
//! * Sigma divides by the number of regions, as the coefficient of variation does.
//! * The standard error of b is that of least squares, with n - 2.
//! * Beta convergence is no proof of sigma convergence: see Quah (1993) on Galton's fallacy.

/// The standard deviation of the logarithms of `values`; `None` if one is not above 0 or there are
/// none.
pub fn sigma(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|x| *x <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = values.iter().map(|x| x.ln()).collect();
    Some(crate::complexity::moments(&logs, 0).1)
}

/// The regression of growth on the initial level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaConvergence {
    /// Growth a year, in log points, that goes with a level higher by one log point.
    pub beta: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Share of the variance of growth that it explains; `None` if all grew alike.
    pub r_squared: Option<f64>,
    /// Share of the gap to the common level that is closed in a year, in log points; `None` if
    /// `beta` is so far below zero that regions would change places.
    pub speed: Option<f64>,
    /// Years to close half of the gap; `None` if it does not close.
    pub half_life: Option<f64>,
}

/// Regresses growth over `n_years` on the initial level, `(initial, final)` of each region, both
/// above 0.
///
/// `None` with fewer than three regions, a level that is not above 0, no time between, or initial
/// levels that are all alike.
pub fn beta_convergence(levels: &[(f64, f64)], n_years: f64) -> Option<BetaConvergence> {
    let n = levels.len();
    let is_there = levels.iter().all(|(initial, last)| *initial > 0.0 && *last > 0.0);
    if n < 3 || !is_there || n_years <= 0.0 {
        return None;
    }
    let initial: Vec<f64> = levels.iter().map(|(initial, _)| initial.ln()).collect();
    let growth: Vec<f64> = levels.iter().map(|(x0, x1)| (x1 / x0).ln() / n_years).collect();
    let ((mean, sd), (mean_growth, _)) =
        (crate::complexity::moments(&initial, 0), crate::complexity::moments(&growth, 0));
    // All alike, but for rounding.
    if sd <= 1e-12 * mean.abs().max(1.0) {
        return None;
    }
    let (mut square, mut product, mut total) = (0.0, 0.0, 0.0);
    for (level, growth) in initial.iter().zip(&growth) {
        let (level, growth) = (level - mean, growth - mean_growth);
        square += level * level;
        product += level * growth;
        total += growth * growth;
    }
    let beta = product / square;
    let left: f64 = initial
        .iter()
        .zip(&growth)
        .map(|(level, growth)| (growth - mean_growth - beta * (level - mean)).powi(2))
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "a count of regions")]
    let freedom = (n - 2) as f64;
    let kept = 1.0 + beta * n_years;
    let speed = (kept > 0.0).then(|| -kept.ln() / n_years);
    let half_life = speed.filter(|speed| *speed > 0.0).map(|speed| std::f64::consts::LN_2 / speed);
    Some(BetaConvergence {
        beta,
        standard_error: (left / freedom / square).sqrt(),
        r_squared: (total > 0.0).then(|| (1.0 - left / total).max(0.0)),
        speed,
        half_life: half_life.filter(|years| years.is_finite()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn sigma_by_hand() {
        // Logarithms 0 and 2: a deviation of 1.
        close(sigma(&[1.0, 2.0_f64.exp()]).expect("positive"), 1.0);
        assert_eq!(sigma(&[1.0, 0.0]), None);
        assert_eq!(sigma(&[]), None);
    }

    #[test]
    fn beta_by_hand() {
        // Logarithms 0, 1, 2 grow by 0.6, 0.3, 0.3 in two years: by 0.3, 0.15, 0.15 a year.
        let of = |log: f64, growth: f64| (log.exp(), (log + growth).exp());
        let found = beta_convergence(&[of(0.0, 0.6), of(1.0, 0.3), of(2.0, 0.3)], 2.0);
        let found = found.expect("three");
        close(found.beta, -0.075);
        // Left: 0.025, -0.05, 0.025: squares 0.00375, over one degree of freedom and 2.
        close(found.standard_error, (0.003_75_f64 / 2.0).sqrt());
        close(found.r_squared.expect("spread"), 1.0 - 0.003_75 / 0.015);
        close(found.speed.expect("no change of places"), -(0.85_f64.ln()) / 2.0);
        close(found.half_life.expect("converges"), 2.0 * 2.0_f64.ln() / -(0.85_f64.ln()));
    }

    #[test]
    fn what_diverges_has_no_half_life() {
        let of = |log: f64, growth: f64| (log.exp(), (log + growth).exp());
        let apart = beta_convergence(&[of(0.0, 0.0), of(1.0, 0.2), of(2.0, 0.4)], 1.0);
        let apart = apart.expect("three");
        close(apart.beta, 0.2);
        assert!(apart.speed.expect("a speed") < 0.0 && apart.half_life.is_none());
        let over = beta_convergence(&[of(0.0, 3.0), of(1.0, 1.5), of(2.0, 0.0)], 1.0);
        let over = over.expect("three");
        assert!(over.speed.is_none() && over.half_life.is_none(), "they change places: {over:?}");
        let alike = [(2.0, 3.0), (2.0, 4.0), (2.0, 5.0)];
        assert_eq!(beta_convergence(&alike, 1.0), None);
        assert_eq!(beta_convergence(&[(1.0, 2.0), (2.0, 3.0)], 1.0), None);
        assert_eq!(beta_convergence(&[(1.0, 2.0), (2.0, 0.0), (3.0, 3.0)], 1.0), None);
        assert_eq!(beta_convergence(&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)], 0.0), None);
    }

    proptest! {
        #[test]
        fn units_and_common_growth_change_nothing(
            levels in prop::collection::vec((1.0f64..1e6, 1.0f64..1e6), 4..20),
            unit in 0.01f64..100.0,
            common in 0.1f64..10.0,
        ) {
            let scaled: Vec<(f64, f64)> =
                levels.iter().map(|(x0, x1)| (x0 * unit, x1 * unit * common)).collect();
            let found = [&levels, &scaled].map(|of| beta_convergence(of, 3.0));
            if let [Some(a), Some(b)] = found {
                prop_assert!((a.beta - b.beta).abs() < 1e-8 * (1.0 + a.beta.abs()));
                let (a, b) = (a.standard_error, b.standard_error);
                prop_assert!((a - b).abs() < 1e-8 * (1.0 + a));
            }
            let (initial, moved): (Vec<f64>, Vec<f64>) =
                levels.iter().zip(&scaled).map(|(a, b)| (a.0, b.0)).unzip();
            let sigmas = [initial, moved].map(|of| sigma(&of).unwrap());
            prop_assert!((sigmas[0] - sigmas[1]).abs() < 1e-9);
        }
    }
}
