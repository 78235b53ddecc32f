//! Linear and generalised linear models with absorbed fixed effects, and the inference that goes
//! with them.
//!
//! * [`ols`]: ordinary and weighted least squares with any number of absorbed factors, with
//!   instruments two-stage least squares.
//! * [`glm`]: Poisson pseudo maximum likelihood and logit, with separated rows found and left out.
//! * [`Fit::covariance`]: iid, HC1-HC3, clusters in any number of ways, their jackknife,
//!   Driscoll-Kraay, Conley.
//! * [`wild_bootstrap`]: the restricted wild cluster bootstrap for few clusters.
//!
//! Small-sample corrections are those of `fixest`. Which column means what is the caller's:
//! regressors are places. The same input gives the same bytes, whatever the number of threads.

mod absorb;
mod covariance;
mod dense;
mod factor;
mod generalised;
mod least_squares;
mod sample;
mod wild;

pub use absorb::Tolerance;
pub use covariance::{
    Correction, Counted, Covariance, Degenerate, Inference, Interval, Kernel, Repair, Vcov,
    WaldTest,
};
pub use factor::Factor;
pub use generalised::{Family, glm};
pub use least_squares::{Cause, Dropped, FirstStage, Fit, ols};
pub use sample::{Options, Sample};
pub use wild::{Replicates, WildResult, WildWeights, wild_bootstrap};

/// Why a model could not be estimated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EstimateError {
    /// No row is left.
    #[error("no rows are left: {0}")]
    NoRows(String),
    /// Every regressor was left out.
    #[error("no regressor is left: every one is a combination of others or of the effects")]
    NoRegressors(Vec<Dropped>),
    /// As many coefficients and effects as rows.
    #[error(
        "{rows} rows cannot tell {parameters} coefficients and effects apart: use fewer effects or more rows"
    )]
    NoDegrees {
        /// Rows.
        rows: usize,
        /// Coefficients and effects.
        parameters: usize,
    },
    /// The outcome does not vary once the effects are out.
    #[error("the outcome does not vary: the effects explain all of it")]
    ConstantOutcome,
    /// The fixed effects did not settle.
    #[error(
        "the fixed effects did not converge in {iterations} iterations: they still explain a share of {residual:.1e} of what is \
         left; the levels hang together by too few rows: drop an effect"
    )]
    NotConverged {
        /// Iterations done.
        iterations: usize,
        /// Length of what the effects still explain, relative to what is left.
        residual: f64,
    },
    /// The iterations of a generalised model did not settle.
    #[error(
        "the likelihood did not converge in {iterations} iterations: its last relative change was {change:.1e}"
    )]
    LikelihoodNotConverged {
        /// Iterations done.
        iterations: usize,
        /// The last relative change of the deviance.
        change: f64,
    },
    /// Regressors and effects tell all outcomes apart.
    #[error(
        "perfect prediction: the regressors and effects fit every outcome in the limit (complete separation), so that no \
         coefficient is finite: leave out the regressor that tells the outcomes apart"
    )]
    PerfectPrediction,
    /// The outcome is not one the family can have.
    #[error("an outcome is {value}; {expected}")]
    Outcome {
        /// What it holds.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// Too few clusters.
    #[error("a cluster variable has {0} cluster{s}: at least two are needed", s = if *.0 == 1 { "" } else { "s" })]
    FewClusters(usize),
    /// Weights must be numbers of zero or more.
    #[error("a weight is {value}; weights must be zero or more")]
    Weight {
        /// What it holds.
        value: f64,
    },
    /// Too many levels for what needs a dense matrix.
    #[error(
        "exact leverages and an exact count of effects need a dense matrix of {levels} effects, above {limit}: take HC1 or \
         clusters, and `k_exact: false`"
    )]
    TooManyLevels {
        /// Levels.
        levels: usize,
        /// The limit.
        limit: usize,
    },
    /// Fewer instruments than what they stand for.
    #[error("{instruments} instruments cannot stand for {endogenous} endogenous regressors")]
    Underidentified {
        /// Instruments that are left.
        instruments: usize,
        /// Endogenous regressors.
        endogenous: usize,
    },
    /// Without one cluster the coefficients cannot be told apart.
    #[error(
        "cluster jackknife: without cluster {cluster} of {clusters} {why}; take cluster(...) or fewer regressors"
    )]
    Jackknife {
        /// The cluster, counted from 1.
        cluster: usize,
        /// Clusters.
        clusters: usize,
        /// What is wrong without it.
        why: &'static str,
    },
    /// The instruments do not tell the endogenous regressors apart.
    #[error(
        "the instruments explain the {endogenous} endogenous regressor{s} by too few independent combinations (the rank condition \
         fails): other instruments are needed",
        s = if *endogenous == 1 { "" } else { "s" }
    )]
    RankCondition {
        /// Endogenous regressors.
        endogenous: usize,
    },
    /// The inference asked for does not go with the model.
    #[error("{0}")]
    Inference(&'static str),
    /// A number overflowed.
    #[error("a result is not finite: rescale the regressors")]
    NotFinite,
}
