//! Results: coefficients or the reasons why there are none, and how a regression went.

use super::design::Groups;
use super::labels::{Label, Labels, Level};
use estimate::{Covariance, Fit, Interval, WaldTest, WildResult};
use project::formula::InferenceText;
use project::model_spec::{Estimator, Spec};
use std::fmt;
use std::str::FromStr;

/// Clusters below which t and p of clustered errors are not to be trusted.
const FEW_CLUSTERS: usize = 40;

/// A level of confidence: the share of samples whose interval holds what is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence(f64);

impl Confidence {
    /// A level between 0 and 1; `None` otherwise.
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The level.
    pub fn level(self) -> f64 {
        self.0
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self(0.95)
    }
}

impl FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let level = text.parse().ok().and_then(Self::new);
        level.ok_or_else(|| "expected a level between 0 and 1, as 0.95".to_owned())
    }
}

/// As `95 %`.
impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 100 times a level has digits that it has not: 7.000000000000001.
        write!(f, "{} %", (1e12 * self.0).round() / 1e10)
    }
}

/// A coefficient, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// The regressor.
    pub term: String,
    /// Its level, of a dynamic form.
    pub level: Option<Level>,
    /// The estimate, its standard error, t, p and interval.
    pub estimate: Option<f64>,
    /// Standard error.
    pub se: Option<f64>,
    /// t.
    pub t: Option<f64>,
    /// p.
    pub p: Option<f64>,
    /// Its interval, of the summary's level of confidence.
    pub interval: Option<Interval>,
    /// p of the wild cluster bootstrap.
    pub wild_p: Option<f64>,
    /// Why there is no estimate.
    pub null_reason: Option<String>,
}

impl Coefficient {
    /// One without an estimate, and why.
    pub fn without(term: String, level: Option<Level>, reason: String) -> Self {
        Self {
            term,
            level,
            estimate: None,
            se: None,
            t: None,
            p: None,
            interval: None,
            wild_p: None,
            null_reason: Some(reason),
        }
    }
}

/// How a regression went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// The table.
    pub table: String,
    /// The condition on the rows.
    pub condition: String,
    /// The estimator, in words.
    pub estimator: String,
    /// Absorbed effects, `a + b^c`.
    pub effects: String,
    /// What is assumed of the errors.
    pub inference: String,
    /// Weights.
    pub weights: String,
    /// Rows of the condition.
    pub n_selected: usize,
    /// Of them, rows without a value in some column.
    pub n_missing: usize,
    /// Which columns those are, with counts.
    pub missing: String,
    /// Rows whose weight is zero.
    pub n_zero_weights: usize,
    /// Rows alone in an effect.
    pub n_singletons: usize,
    /// Separated rows.
    pub n_separated: usize,
    /// Rows used.
    pub n_used: usize,
    /// Levels of each effect, `a 31 + b 4000`.
    pub levels: String,
    /// Parameters the effects stand for.
    pub n_absorbed: usize,
    /// Clusters, `r 31 & p 4000`.
    pub clusters: String,
    /// K of the correction.
    pub df_k: Option<usize>,
    /// Degrees of freedom of t.
    pub df_t: Option<usize>,
    /// The level of confidence of intervals.
    pub confidence: Confidence,
    /// R2.
    pub r2: Option<f64>,
    /// R2 once the effects are out.
    pub r2_within: Option<f64>,
    /// Root mean squared residual.
    pub rmse: Option<f64>,
    /// Wald's test that all coefficients are zero.
    pub wald: Option<WaldTest>,
    /// The smallest first-stage F.
    pub first_stage_f: Option<f64>,
    /// Deviance.
    pub deviance: Option<f64>,
    /// Iterations.
    pub n_iterations: usize,
    /// What a reader must know.
    pub notes: String,
    /// Why there are no estimates.
    pub failure: Option<String>,
}

/// A column of a regression table.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimated {
    /// The model.
    pub model: String,
    /// The specification.
    pub specification: String,
    /// The outcome.
    pub outcome: String,
    /// Its coefficients.
    pub coefficients: Vec<Coefficient>,
    /// How it went.
    pub summary: Summary,
}

impl Estimated {
    /// Gives intervals another level of confidence.
    pub fn set_confidence(&mut self, confidence: Confidence) {
        self.summary.confidence = confidence;
        for c in self.coefficients.iter_mut().filter(|c| c.interval.is_some()) {
            if let (Some(estimate), Some(se)) = (c.estimate, c.se) {
                let level = confidence.level();
                c.interval = Some(Interval::of(estimate, se, self.summary.df_t, level));
            }
        }
    }

    /// Names of its coefficients, and of the regressors of dynamic forms.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.coefficients
            .iter()
            .flat_map(|c| [Some(c.term.as_str()), c.level.as_ref().map(|level| level.of.as_str())])
            .flatten()
    }
}

impl Summary {
    /// What is known of a specification's regressions before they are estimated from so many rows.
    pub(super) fn of(spec: &Spec, n_selected: usize) -> Self {
        let estimator = match spec.estimator {
            Estimator::Ols if !spec.endogenous.is_empty() => "2sls",
            Estimator::Ols if spec.weights.is_some() => "wls",
            Estimator::Ols => "ols",
            Estimator::Ppml => "ppml",
            Estimator::Logit => "logit",
        };
        let effects: Vec<String> = spec.effects.iter().map(|columns| columns.join("^")).collect();
        Self {
            table: spec.table.clone(),
            condition: spec.condition.clone().unwrap_or_default(),
            estimator: estimator.to_owned(),
            effects: effects.join(" + "),
            inference: spec.inference.name(None),
            weights: spec.weights.as_ref().map(|term| term.name.clone()).unwrap_or_default(),
            n_selected,
            ..Self::default()
        }
    }

    /// Adds how the model fits.
    pub(super) fn add_fit(&mut self, labels: &Labels, fit: &Fit) {
        self.n_zero_weights = fit.n_zero_weights;
        self.n_singletons = fit.n_singletons;
        self.n_separated = fit.n_separated;
        self.n_used = fit.n_rows();
        self.n_absorbed = fit.n_absorbed();
        self.levels = labels
            .effects
            .iter()
            .zip(fit.n_levels())
            .map(|(name, n)| format!("{name} {n}"))
            .collect::<Vec<_>>()
            .join(" + ");
        self.r2 = Some(fit.r2);
        self.r2_within = fit.r2_within;
        self.rmse = Some(fit.rmse);
        self.deviance = fit.deviance;
        self.n_iterations = fit.n_iterations;
        self.first_stage_f = fit.first_stages.iter().filter_map(|stage| stage.f).reduce(f64::min);
    }

    /// Adds what is found with errors.
    pub(super) fn add_errors(&mut self, found: &Found<'_>) {
        let vcov = &found.covariance.vcov;
        self.inference = found.spec.inference.name(vcov.lags);
        self.df_k = Some(vcov.df_k);
        self.df_t = vcov.df_t;
        self.wald = found.covariance.wald;
        self.clusters = found
            .groups
            .columns
            .iter()
            .zip(&vcov.n_clusters)
            .map(|(columns, n)| format!("{} {n}", columns.join("^")))
            .collect::<Vec<_>>()
            .join(" & ");
        self.notes = found.notes();
    }
}

/// A regression that is estimated.
pub(super) struct Found<'a> {
    /// The specification.
    pub(super) spec: &'a Spec,
    /// The names of its columns.
    pub(super) labels: &'a Labels,
    /// Within what its errors depend on each other.
    pub(super) groups: &'a Groups,
    /// The model.
    pub(super) fit: &'a Fit,
    /// Its errors.
    pub(super) covariance: &'a Covariance,
    /// The wild bootstrap of each coefficient.
    pub(super) wild: Option<&'a [WildResult]>,
}

impl Found<'_> {
    /// All coefficients, in the order of the model and of the levels.
    pub(super) fn coefficients(&self) -> Vec<Coefficient> {
        let Self { spec, labels, fit, .. } = self;
        let mut found: Vec<(u32, Coefficient)> = Vec::new();
        for (at, kept) in fit.kept.iter().enumerate() {
            let intercept = || Label { term: "(intercept)".to_owned(), level: None, place: 0 };
            let label = kept.map_or_else(intercept, |at| labels.regressors[at].clone());
            found.push((label.place, self.coefficient(at, label)));
        }
        for dropped in &fit.dropped {
            let instrument = || Label {
                term: format!("{} (instrument)", labels.name(dropped.regressor)),
                level: None,
                place: 0,
            };
            let label = labels.regressors.get(dropped.regressor).cloned();
            let Label { term, level, place } = label.unwrap_or_else(instrument);
            found.push((place, Coefficient::without(term, level, labels.cause(&dropped.cause))));
        }
        for Label { term, level, place } in labels.empty.iter().cloned() {
            let reason = "the data have no value of it".to_owned();
            found.push((place, Coefficient::without(term, level, reason)));
        }
        let order: Vec<&String> =
            spec.endogenous.iter().chain(&spec.regressors).map(|term| &term.name).collect();
        found.sort_by_key(|(place, c)| {
            let name = c.level.as_ref().map_or(&c.term, |level| &level.of);
            (order.iter().position(|known| *known == name).unwrap_or(usize::MAX), *place)
        });
        found.into_iter().map(|(_, coefficient)| coefficient).collect()
    }

    /// The coefficient at a place of the fit.
    fn coefficient(&self, at: usize, label: Label) -> Coefficient {
        let finite = |value: f64| value.is_finite().then_some(value);
        let covariance = self.covariance;
        let se = finite(covariance.se[at]);
        Coefficient {
            term: label.term,
            level: label.level,
            estimate: Some(self.fit.coefficients[at]),
            se,
            t: finite(covariance.t[at]),
            p: finite(covariance.p[at]),
            interval: se.map(|_| covariance.interval[at]),
            wild_p: self.wild.and_then(|wild| finite(wild[at].p)),
            null_reason: covariance.degenerate[at].map(|why| why.to_string()),
        }
    }

    /// What a reader must know.
    fn notes(&self) -> String {
        let Self { spec, fit, covariance, .. } = self;
        let mut notes = Vec::new();
        if let InferenceText::Cluster(_) | InferenceText::Jackknife(_) = spec.inference
            && let Some(n) = covariance.vcov.n_clusters.iter().min()
            && *n < FEW_CLUSTERS
            && spec.wild.is_none()
        {
            notes.push(format!("only {n} clusters: see a wild cluster bootstrap (`wild`)"));
        }
        for (at, by) in fit.nested_effects().into_iter().enumerate() {
            if let Some(by) = by {
                let (name, by) = (&self.labels.effects[at], &self.labels.effects[by]);
                let counted = if spec.correction.k_exact {
                    ""
                } else {
                    "; its levels count in K all the same"
                };
                notes.push(format!("{name} adds nothing: {by} is nested in it{counted}"));
            }
        }
        if covariance.vcov.is_repaired {
            notes.push(
                "the covariance was not positive semi-definite: its eigenvalues below zero were set to zero, on the scale of correlations"
                    .to_owned(),
            );
        }
        let s = |n: usize| if n == 1 { "" } else { "s" };
        match covariance.vcov.n_full_leverage {
            0 => {}
            n => notes.push(format!(
                "{n} row{} with a leverage of one, fitted exactly, add{} nothing to the errors",
                s(n),
                if n == 1 { "s" } else { "" }
            )),
        }
        if fit.n_zero_weights > 0 {
            let n = fit.n_zero_weights;
            notes.push(format!("{n} row{} of weight zero left out", s(n)));
        }
        if fit.n_separated > 0 {
            let n = fit.n_separated;
            let name = match spec.estimator {
                Estimator::Logit => "perfect prediction",
                _ => "separation",
            };
            notes.push(format!("{n} row{} left out by {name}", s(n)));
        }
        if covariance.wald.is_none() {
            let why = if fit.is_exact { "the fit is exact" } else { "the covariance is singular" };
            notes.push(format!("no F: {why}"));
        }
        if fit.first_stages.iter().any(|stage| stage.f.is_none()) {
            notes.push(
                "no first-stage F: the instruments explain an endogenous regressor exactly, or no degree of freedom is left".to_owned(),
            );
        }
        if let Some(weak) = fit
            .first_stages
            .iter()
            .filter_map(|stage| stage.f)
            .reduce(f64::min)
            .filter(|f| *f < 10.0)
        {
            notes.push(format!("weak instruments: first-stage F {weak:.1}"));
        }
        if let Some((wild, n)) =
            spec.wild.as_ref().zip(self.groups.wild.map(|place| fit.n_clusters(place)))
            && n > wild.at_most
        {
            notes.push(format!("no wild bootstrap: {n} clusters are more than {}", wild.at_most));
        }
        notes.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimated(df_t: Option<usize>) -> Estimated {
        let coefficient = Coefficient {
            estimate: Some(2.0),
            se: Some(0.5),
            interval: Some(Interval { low: 1.0, high: 3.0 }),
            ..Coefficient::without("x".to_owned(), None, String::new())
        };
        let without = Coefficient::without("z".to_owned(), None, "a combination of x".to_owned());
        Estimated {
            model: String::new(),
            specification: String::new(),
            outcome: "y".to_owned(),
            coefficients: vec![coefficient, without],
            summary: Summary { df_t, ..Summary::default() },
        }
    }

    #[test]
    fn intervals_are_of_the_level_that_is_asked_for() {
        // Tables of Student's t and of the normal law.
        for (df_t, level, width) in [
            (Some(10), 0.9, 1.812_461_122_811_676),
            (Some(10), 0.95, 2.228_138_851_964_939),
            (None, 0.99, 2.575_829_303_548_901),
        ] {
            let mut found = estimated(df_t);
            found.set_confidence(Confidence::new(level).expect("a level"));
            let of = found.coefficients[0].interval.expect("an interval");
            assert!((of.low - (2.0 - 0.5 * width)).abs() < 1e-9, "{of:?}");
            assert!((of.high - (2.0 + 0.5 * width)).abs() < 1e-9, "{of:?}");
            assert_eq!(found.coefficients[1].interval, None);
        }
    }

    #[test]
    fn levels_are_between_zero_and_one() {
        for text in ["0", "1", "95", "-0.5", "nan", "inf", "x"] {
            assert!(text.parse::<Confidence>().is_err(), "{text}");
        }
        assert_eq!(Confidence::default().to_string(), "95 %");
        let said = |text: &str| text.parse::<Confidence>().expect("a level").to_string();
        assert_eq!([said("0.07"), said("0.9"), said("0.999")], ["7 %", "90 %", "99.9 %"]);
    }
}
