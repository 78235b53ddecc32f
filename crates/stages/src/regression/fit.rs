//! Estimating: the model, what is assumed of its errors, and the wild bootstrap.

use super::design::{Coordinates, Groups, Regression};
use super::error::RegressionError;
use estimate::{
    EstimateError, Family, Fit, Inference, Options, Replicates, Sample, WildResult, WildWeights,
    glm, ols, wild_bootstrap,
};
use project::formula::InferenceText;
use project::model_spec::{Estimator, Spec};
use sources::boundaries::km;

/// Clusters below which two weights give too few different samples.
const FEW_FOR_RADEMACHER: usize = 12;

/// Fits the model of a specification.
///
/// # Errors
///
/// [`EstimateError`] if nothing can be estimated.
pub(super) fn fit(spec: &Spec, sample: Sample) -> Result<Fit, EstimateError> {
    let options = Options { drop_singletons: spec.drop_singletons, ..Options::default() };
    match spec.estimator {
        Estimator::Ols => ols(sample, &options),
        Estimator::Ppml => glm(sample, Family::Poisson, &options),
        Estimator::Logit => glm(sample, Family::Logit, &options),
    }
}

/// What is assumed of the errors of a fit.
///
/// # Errors
///
/// [`RegressionError::Data`] if places are at no place, or at several.
pub(super) fn inference(
    regression: Regression<'_>,
    groups: &Groups,
    fit: &Fit,
) -> Result<Inference, RegressionError> {
    Ok(match &regression.spec.inference {
        InferenceText::Iid => Inference::Iid,
        InferenceText::Hc(1) => Inference::Hc1,
        InferenceText::Hc(2) => Inference::Hc2,
        InferenceText::Hc(_) => Inference::Hc3,
        InferenceText::Cluster(_) => Inference::Cluster(groups.factors.clone()),
        InferenceText::Jackknife(_) => Inference::Jackknife(groups.factors[0]),
        InferenceText::DriscollKraay { lags, .. } => {
            Inference::DriscollKraay { time: groups.factors[0], lags: *lags }
        }
        InferenceText::Conley { km: cutoff_km, kernel, .. } => {
            let place = groups.factors[0];
            let distances =
                distances(fit, place, &groups.coordinates).map_err(|why| regression.data(why))?;
            Inference::Conley { place, distances, cutoff_km: *cutoff_km, kernel: *kernel }
        }
    })
}

/// The wild bootstrap of a specification, clustered by the factor at `place`; `None` where none is
/// asked for or clusters are too many.
///
/// # Errors
///
/// [`EstimateError`] if it does not go with the model.
pub(super) fn wild(
    spec: &Spec,
    place: Option<usize>,
    fit: &Fit,
) -> Result<Option<Vec<WildResult>>, EstimateError> {
    let Some((wild, place)) = spec.wild.as_ref().zip(place) else { return Ok(None) };
    let n = fit.n_clusters(place);
    if n > wild.at_most {
        return Ok(None);
    }
    let weights = wild.weights.unwrap_or(if n < FEW_FOR_RADEMACHER {
        WildWeights::Webb
    } else {
        WildWeights::Rademacher
    });
    let replicates = Replicates { n: wild.n_replicates, weights, seed: wild.seed };
    wild_bootstrap(fit, place, replicates).map(Some)
}

/// Kilometres between the levels of a factor, or why there are none: each must lie at one place on
/// the globe.
fn distances(fit: &Fit, place: usize, coordinates: &Coordinates) -> Result<Vec<f64>, String> {
    let Coordinates { latitudes, longitudes } = coordinates;
    let mut points: Vec<Option<[f64; 2]>> = vec![None; fit.n_clusters(place)];
    for (level, &row) in fit.levels(place).iter().zip(&fit.rows) {
        let here = [longitudes[row as usize], latitudes[row as usize]];
        let [longitude, latitude] = here;
        if latitude.abs() > 90.0 || longitude.abs() > 360.0 {
            return Err(format!(
                "conley: latitude {latitude} and longitude {longitude} are no place: expected degrees, from -90 to 90 and from -180 to 360"
            ));
        }
        let known = points[*level as usize].get_or_insert(here);
        if known.iter().zip(here).any(|(known, here)| (*known - here).abs() > 1e-9) {
            return Err(format!(
                "conley: rows of one place are at different ones, latitude {} and longitude {}, and {latitude} and {longitude}: give \
                 each place its coordinates, or take a finer place",
                known[1], known[0]
            ));
        }
    }
    let points: Vec<[f64; 2]> = points.into_iter().flatten().collect();
    Ok(points.iter().flat_map(|a| points.iter().map(|b| km(*a, *b))).collect())
}
