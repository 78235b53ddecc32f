//! The process that moves exports.

/// Coefficients of the fall: constant, density, rebate, foreign share, processing share.
pub(super) const RESISTANCE: [f64; 5] = [-0.20, 0.30, 2.0, -0.10, -0.15];

/// The same for the return.
pub(super) const RECOVERY: [f64; 5] = [0.35, 0.20, 0.5, 0.05, 0.10];

/// The same for the chance that a product enters.
pub(super) const UPGRADING: [f64; 5] = [0.01, 0.20, 0.6, 0.0, 0.05];

/// Standard deviation of the noise of the fall and of the return.
pub(super) const NOISE: f64 = 0.25;

/// The year from which products that enter are exported.
pub(super) const ENTRY_YEAR: i32 = 2010;

/// The product of coefficients and regressors, which begin behind the constant.
pub(super) fn effect(c: [f64; 5], x: [f64; 4]) -> f64 {
    c[0] + c[1..].iter().zip(x).map(|(c, x)| c * x).sum::<f64>()
}
