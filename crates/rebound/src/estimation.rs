//! Runs models: reads their rows by SQL, estimates, and gives results as rows of `model.*`.

use crate::boundaries::km;
use crate::levels::{self, LevelOrder, Levels, Met};
use crate::model_spec::{Estimator, InferenceText, Model, Spec, Term};
use crate::suggest::suggest;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use estimate::{
    Cause, Covariance, EstimateError, Factor, Family, Fit, Inference, Options, Sample, WildWeights,
    glm, ols, wild_bootstrap,
};
use query::{QueryError, Session};
use std::collections::BTreeMap;
use tokio::runtime::Handle;
use trade::NO_CODE;

/// Clusters below which t and p of clustered errors are not to be trusted.
const FEW_CLUSTERS: usize = 40;
/// Clusters below which two weights give too few different samples.
const FEW_FOR_RADEMACHER: usize = 12;

/// A model that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum EstimationError {
    /// A column is not there.
    #[error("{of}: `{table}` has no column `{column}`{hint}; it has {known}")]
    Column {
        /// The model and specification.
        of: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The closest name.
        hint: String,
        /// All names.
        known: String,
    },
    /// The rows cannot be read.
    #[error("{of}: failed to read its rows by `{sql}`")]
    Query {
        /// The model and specification.
        of: String,
        /// The statement.
        sql: String,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A column holds what cannot be estimated with.
    #[error("{of}: {why}")]
    Data {
        /// The model and specification.
        of: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// A coefficient, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficient {
    /// The regressor.
    pub term: String,
    /// The level and the regressor of a dynamic form.
    pub level: Option<(String, String)>,
    /// The estimate, its standard error, t, p and interval.
    pub estimate: Option<f64>,
    /// Standard error.
    pub se: Option<f64>,
    /// t.
    pub t: Option<f64>,
    /// p.
    pub p: Option<f64>,
    /// Interval of 95 %.
    pub interval: Option<(f64, f64)>,
    /// p of the wild cluster bootstrap.
    pub wild_p: Option<f64>,
    /// Why there is no estimate.
    pub null_reason: Option<String>,
}

impl Coefficient {
    /// One without an estimate, and why.
    pub fn without(term: String, level: Option<(String, String)>, reason: String) -> Self {
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
    /// R2.
    pub r2: Option<f64>,
    /// R2 once the effects are out.
    pub r2_within: Option<f64>,
    /// Root mean squared residual.
    pub rmse: Option<f64>,
    /// Wald's F and its p.
    pub f: Option<(f64, f64)>,
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
    /// Names of its coefficients, and of the regressors of dynamic forms.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.coefficients
            .iter()
            .flat_map(|c| [Some(c.term.as_str()), c.level.as_ref().map(|(_, of)| of.as_str())])
            .flatten()
    }
}

/// Rows of a specification, complete but for what the outcomes lack.
struct Rows {
    numbers: Vec<Vec<f64>>,
    factors: Vec<Levels>,
}

/// Runs the models of a pipeline or a command.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The tables.
    pub session: &'a Session,
    /// What drives them.
    pub runtime: &'a Handle,
}

impl Runner<'_> {
    /// Runs a model: one result a specification and outcome.
    ///
    /// # Errors
    ///
    /// [`EstimationError`] if columns are absent or a query fails; what cannot be estimated is a result with a failure.
    pub fn run(&self, model: &Model) -> Result<Vec<Estimated>, EstimationError> {
        let mut results = Vec::new();
        for spec in &model.specs {
            let of = match spec.name.as_str() {
                "" => format!("model `{}`", model.name),
                name => format!("model `{}`, specification `{name}`", model.name),
            };
            let schema = self.columns_are_there(&of, spec)?;
            let rows = self.read(&of, spec, &schema)?;
            for at in 0..spec.outcomes.len() {
                results.push(of_outcome(model, spec, &of, &rows, at)?);
            }
        }
        Ok(results)
    }

    fn columns_are_there(&self, of: &str, spec: &Spec) -> Result<SchemaRef, EstimationError> {
        let sql = format!("select * from {} limit 0", spec.table);
        let found = self.runtime.block_on(self.session.run(&sql));
        let (schema, _) =
            found.map_err(|source| EstimationError::Query { of: of.to_owned(), sql, source })?;
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for column in spec.numbers().into_iter().flat_map(|term| term.columns) {
            if let Ok(field) = schema.field_with_name(&column)
                && lake::Kind::of(field.data_type()) == Some(lake::Kind::Text)
            {
                return Err(EstimationError::Data {
                    of: of.to_owned(),
                    why: format!(
                        "`{column}` is text, where a number is needed: absorb it as an effect, or take i({column}, 1) for one number a level"
                    ),
                });
            }
        }
        let asked = spec.numbers().into_iter().flat_map(|term| term.columns).chain(spec.factors());
        for column in asked {
            if !known.contains(&column.as_str()) {
                return Err(EstimationError::Column {
                    of: of.to_owned(),
                    table: spec.table.clone(),
                    hint: suggest(&column, known.iter().copied()),
                    known: known.join(", "),
                    column,
                });
            }
        }
        Ok(schema)
    }

    fn read(&self, of: &str, spec: &Spec, schema: &SchemaRef) -> Result<Rows, EstimationError> {
        let sql = spec.sql();
        let n_numbers = spec.numbers().len();
        let mut numbers: Vec<Vec<f64>> = vec![Vec::new(); n_numbers];
        let mut met: Vec<Met> = spec.factors().iter().map(|_| Met::default()).collect();
        let take = |batch: &RecordBatch| {
            for (out, column) in numbers.iter_mut().zip(batch.columns()) {
                let column = column.as_primitive::<Float64Type>();
                // NaN stands for null from here on; NaN of a computation is told apart below.
                if column.null_count() == 0 {
                    out.extend(
                        column.values().iter().map(|v| if v.is_nan() { f64::INFINITY } else { *v }),
                    );
                } else {
                    out.extend(column.iter().map(|v| match v {
                        None => f64::NAN,
                        Some(v) if v.is_nan() => f64::INFINITY,
                        Some(v) => v,
                    }));
                }
            }
            for (out, column) in met.iter_mut().zip(&batch.columns()[n_numbers..]) {
                column.as_string::<i32>().iter().for_each(|text| out.add(text));
            }
        };
        let failed =
            |source| EstimationError::Query { of: of.to_owned(), sql: sql.clone(), source };
        self.runtime.block_on(self.session.stream(&sql, take)).map_err(failed)?;
        for (term, column) in spec.numbers().iter().zip(&numbers) {
            let n = column.iter().filter(|value| value.is_infinite()).count();
            if n > 0 {
                return Err(EstimationError::Data {
                    of: of.to_owned(),
                    why: format!(
                        "`{}` is infinite or no number in {n} of {} rows, as the logarithm of zero is: leave them out by \
                         `where`, or take another form (dhs, ppml)",
                        term.name,
                        column.len()
                    ),
                });
            }
        }
        let is_float = |column: &String| {
            let field = schema.field_with_name(column);
            field.is_ok_and(|field| {
                matches!(field.data_type(), DataType::Float64 | DataType::Float32)
            })
        };
        let columns = spec.factors();
        let factors = met
            .into_iter()
            .zip(&columns)
            .map(|(met, column)| met.levels(is_float(column)))
            .collect();
        Ok(Rows { numbers, factors })
    }
}

/// The regressors of a term: itself, or one a level of its dynamic form.
struct Regressor {
    term: String,
    level: Option<(String, String)>,
    /// The place of its level among all.
    place: u32,
    values: Vec<f64>,
    is_empty: bool,
}

#[expect(clippy::too_many_lines, reason = "one regression from rows to results, in order")]
fn of_outcome(
    model: &Model,
    spec: &Spec,
    of: &str,
    rows: &Rows,
    at: usize,
) -> Result<Estimated, EstimationError> {
    let terms = spec.numbers();
    let n_rows = rows.numbers.first().map_or(0, Vec::len);
    let factor_names = spec.factors();
    let place_of = |column: &str| factor_names.iter().position(|name| name == column).unwrap_or(0);
    let mut summary = Summary {
        table: spec.table.clone(),
        condition: spec.condition.clone().unwrap_or_default(),
        estimator: match spec.estimator {
            Estimator::Ols if !spec.endogenous.is_empty() => "2sls",
            Estimator::Ols if spec.weights.is_some() => "wls",
            Estimator::Ols => "ols",
            Estimator::Ppml => "ppml",
            Estimator::Logit => "logit",
        }
        .to_owned(),
        effects: spec
            .effects
            .iter()
            .map(|columns| columns.join("^"))
            .collect::<Vec<_>>()
            .join(" + "),
        inference: spec.inference.name(None),
        weights: spec.weights.as_ref().map(|term| term.name.clone()).unwrap_or_default(),
        n_selected: n_rows,
        ..Summary::default()
    };
    let outcome = &spec.outcomes[at];
    let mut result = Estimated {
        model: model.name.clone(),
        specification: spec.name.clone(),
        outcome: outcome.name.clone(),
        coefficients: Vec::new(),
        summary: Summary::default(),
    };
    let fail = |mut result: Estimated, mut summary: Summary, why: String| {
        summary.failure = Some(why);
        result.summary = summary;
        Ok(result)
    };
    if n_rows == 0 {
        let condition = spec.condition.as_deref().unwrap_or("true");
        return fail(
            result,
            summary,
            format!("no rows: `{}` has none where {condition}", spec.table),
        );
    }
    let n_outcomes = spec.outcomes.len();
    // Which columns this regression uses, and which of them hold nothing at all.
    let mut used: Vec<usize> = std::iter::once(at).chain(n_outcomes..terms.len()).collect();
    let is_empty: Vec<bool> =
        rows.numbers.iter().map(|column| column.iter().all(|value| value.is_nan())).collect();
    let regressors_to = n_outcomes + spec.endogenous.len() + spec.regressors.len();
    let may_drop = |column: usize| {
        spec.drop_empty && (n_outcomes + spec.endogenous.len()..regressors_to).contains(&column)
    };
    if let Some(&empty) = used.iter().find(|&&column| is_empty[column] && !may_drop(column)) {
        let why = format!(
            "`{}` has no value in any of {n_rows} rows: leave it out, or see its null reasons (`empty: drop` leaves out such regressors)",
            terms[empty].name
        );
        return fail(result, summary, why);
    }
    used.retain(|&column| !is_empty[column]);
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    let mut keep = vec![true; n_rows];
    for &column in &used {
        for (keep, value) in keep.iter_mut().zip(&rows.numbers[column]) {
            if value.is_nan() {
                *keep = false;
                *missing.entry(terms[column].name.as_str()).or_default() += 1;
            }
        }
    }
    for (name, levels) in factor_names.iter().zip(&rows.factors) {
        for (keep, level) in keep.iter_mut().zip(&levels.of_row) {
            if *level == NO_CODE {
                *keep = false;
                *missing.entry(name).or_default() += 1;
            }
        }
    }
    let n_left = keep.iter().filter(|keep| **keep).count();
    summary.n_missing = n_rows - n_left;
    summary.missing =
        missing.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join("; ");
    if n_left == 0 {
        let why = format!("no rows are left: each of {n_rows} lacks a value ({})", summary.missing);
        return fail(result, summary, why);
    }
    let picked = |column: &[f64]| -> Vec<f64> {
        if n_left == n_rows {
            return column.to_vec();
        }
        column.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
    };
    let levels = |place: usize| -> Vec<u32> {
        let of_row = &rows.factors[place].of_row;
        of_row.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(level, _)| *level).collect()
    };
    let factor = |columns: &[String]| -> Factor {
        let parts: Vec<Factor> = columns
            .iter()
            .map(|column| {
                let place = place_of(column);
                Factor { of_row: levels(place), n_levels: rows.factors[place].texts.len() }
            })
            .collect();
        let mut factor = Factor::combine(&parts.iter().collect::<Vec<_>>());
        factor.compact();
        factor
    };
    let expand = |column: usize, term: &Term| -> Result<Vec<Regressor>, EstimationError> {
        let values = picked(&rows.numbers[column]);
        let Some((by, reference)) = &term.by else {
            return Ok(vec![Regressor {
                term: term.name.clone(),
                level: None,
                place: 0,
                values,
                is_empty: is_empty[column],
            }]);
        };
        let place = place_of(by);
        let of_row = levels(place);
        let names = &rows.factors[place].texts;
        // A number is itself however it is written.
        let is_reference = |name: &String| {
            reference.as_ref().is_some_and(|reference| {
                name == reference
                    || rows.factors[place].order == LevelOrder::Number
                        && levels::number(name)
                            .is_some_and(|n| levels::number(reference) == Some(n))
            })
        };
        if let Some(reference) = reference
            && !names.iter().any(is_reference)
        {
            return Err(EstimationError::Data {
                of: of.to_owned(),
                why: format!(
                    "i({by}, {}): no row has the reference {reference:?}: there are {}",
                    term.name,
                    names.join(", ")
                ),
            });
        }
        let mut met = vec![false; names.len()];
        of_row.iter().for_each(|level| met[*level as usize] = true);
        if let Some(reference) = reference
            && !names.iter().zip(&met).any(|(name, met)| *met && is_reference(name))
        {
            return Err(EstimationError::Data {
                of: of.to_owned(),
                why: format!(
                    "i({by}, {}): no row that is complete has the reference {reference:?}: take another, or see what the rows lack",
                    term.name
                ),
            });
        }
        Ok((0u32..)
            .zip(names)
            .filter(|(level, name)| !is_reference(name) && met[*level as usize])
            .map(|(level, name)| Regressor {
                term: if term.name == "1" {
                    format!("{by} = {name}")
                } else {
                    format!("{} x {by} = {name}", term.name)
                },
                level: Some((name.clone(), term.name.clone())),
                place: level,
                values: values
                    .iter()
                    .zip(&of_row)
                    .map(|(v, l)| if *l == level { *v } else { 0.0 })
                    .collect(),
                is_empty: is_empty[column],
            })
            .collect())
    };
    if let InferenceText::DriscollKraay(time, lags) = &spec.inference {
        let factor = factor(time);
        let data = |why: String| EstimationError::Data { of: of.to_owned(), why };
        for column in time {
            let levels = &rows.factors[place_of(column)];
            let is_odd = |text: &&String| levels::order_of_one(text) == LevelOrder::Text;
            if levels.order == LevelOrder::Text {
                let odd = levels.texts.iter().find(is_odd).or(levels.texts.first());
                return Err(data(format!(
                    "driscoll_kraay({}): {:?} of `{column}` has no place in time among the others: expected numbers, or periods \
                     that begin with the year, as 2008, 2008-9, 2008Q3 or 2008-09-15",
                    time.join("^"),
                    odd.map_or("", String::as_str),
                )));
            }
        }
        if lags.is_some_and(|lags| lags >= factor.n_levels) {
            return Err(data(format!(
                "driscoll_kraay: {} periods leave room for {} lags at most",
                factor.n_levels,
                factor.n_levels.saturating_sub(1)
            )));
        }
    }
    let mut outcome_values = picked(&rows.numbers[at]);
    if spec.winsor > 0.0 {
        winsorize(&mut outcome_values, spec.winsor);
    }
    let mut regressors: Vec<Regressor> = Vec::new();
    let mut n_endogenous = 0;
    for (offset, term) in spec.endogenous.iter().chain(&spec.regressors).enumerate() {
        let found = expand(n_outcomes + offset, term)?;
        if offset < spec.endogenous.len() {
            n_endogenous += found.len();
        }
        regressors.extend(found);
    }
    let mut instruments: Vec<Regressor> = Vec::new();
    for (offset, term) in spec.instruments.iter().enumerate() {
        instruments.extend(expand(regressors_to + offset, term)?);
    }
    let weights_at = regressors_to + spec.instruments.len();
    let weights = spec.weights.as_ref().map(|_| picked(&rows.numbers[weights_at]));
    let mut factors: Vec<Factor> = spec.effects.iter().map(|columns| factor(columns)).collect();
    let n_effects = factors.len();
    let cluster_columns: Vec<Vec<String>> = match &spec.inference {
        InferenceText::Cluster(columns) => columns.clone(),
        InferenceText::Jackknife(columns) => vec![columns.clone()],
        InferenceText::DriscollKraay(time, _) => vec![time.clone()],
        InferenceText::Conley(place, ..) => vec![vec![place.clone()]],
        InferenceText::Iid | InferenceText::Hc(_) => Vec::new(),
    };
    let mut place_of_cluster = Vec::new();
    let wild_columns = spec.wild.iter().map(|wild| &wild.cluster);
    for columns in cluster_columns.iter().chain(wild_columns) {
        // A cluster that is an effect is the same factor.
        let known = spec.effects.iter().position(|effect| effect == columns);
        place_of_cluster.push(known.unwrap_or_else(|| {
            factors.push(factor(columns));
            factors.len() - 1
        }));
    }
    let coordinates = match &spec.inference {
        InferenceText::Conley(..) => {
            let from = weights_at + usize::from(spec.weights.is_some());
            Some((picked(&rows.numbers[from]), picked(&rows.numbers[from + 1])))
        }
        _ => None,
    };
    let name = |r: &Regressor| (r.term.clone(), r.level.clone(), r.place);
    let empty: Vec<_> = regressors.iter().filter(|r| r.is_empty).map(name).collect();
    regressors.retain(|regressor| !regressor.is_empty);
    let names: Vec<_> = regressors.iter().map(name).collect();
    let instrument_names: Vec<String> = instruments.iter().map(|r| r.term.clone()).collect();
    let sample = Sample {
        outcome: outcome_values,
        regressors: regressors.into_iter().map(|r| r.values).collect(),
        n_endogenous,
        instruments: instruments.into_iter().map(|r| r.values).collect(),
        weights,
        factors,
        effects: (0..n_effects).collect(),
        rows: Vec::new(),
    };
    let options = Options { drop_singletons: spec.drop_singletons, ..Options::default() };
    let estimated = match spec.estimator {
        Estimator::Ols => ols(sample, &options),
        Estimator::Ppml => glm(sample, Family::Poisson, &options),
        Estimator::Logit => glm(sample, Family::Logit, &options),
    };
    let effect_name =
        |at: usize| spec.effects.get(at).map_or_else(String::new, |columns| columns.join("^"));
    let name_of = |at: usize| {
        names
            .get(at)
            .map_or_else(|| instrument_names[at - names.len()].clone(), |(name, ..)| name.clone())
    };
    let cause = |cause: &Cause| match cause {
        Cause::Constant => "it has one value in all rows".to_owned(),
        Cause::Absorbed(effects) if effects.is_empty() => {
            "absorbed by the effects together".to_owned()
        }
        Cause::Absorbed(effects) => {
            let names: Vec<String> = effects.iter().map(|&at| effect_name(at)).collect();
            format!("absorbed: it does not vary within {}", names.join(", nor within "))
        }
        Cause::Combination(parts, with_intercept) => {
            let mut names: Vec<String> = parts.iter().map(|&at| name_of(at)).collect();
            if *with_intercept {
                names.push("the intercept".to_owned());
            }
            format!("a combination of {}", names.join(", "))
        }
    };
    let in_words = |error: EstimateError| match &error {
        EstimateError::NoRegressors(dropped) => {
            let parts: Vec<String> = dropped
                .iter()
                .map(|d| format!("{}: {}", name_of(d.regressor), cause(&d.cause)))
                .collect();
            format!("no regressor is left ({})", parts.join("; "))
        }
        _ => error.to_string(),
    };
    let fit = match estimated {
        Ok(fit) => fit,
        Err(error) => return fail(result, summary, in_words(error)),
    };
    summary.n_zero_weights = fit.n_zero_weights;
    summary.n_singletons = fit.n_singletons;
    summary.n_separated = fit.n_separated;
    summary.n_used = fit.n_rows();
    summary.n_absorbed = fit.n_absorbed();
    summary.levels = fit
        .n_levels()
        .iter()
        .enumerate()
        .map(|(at, n)| format!("{} {n}", effect_name(at)))
        .collect::<Vec<_>>()
        .join(" + ");
    summary.r2 = Some(fit.r2);
    summary.r2_within = fit.r2_within;
    summary.rmse = Some(fit.rmse);
    summary.deviance = fit.deviance;
    summary.n_iterations = fit.n_iterations;
    summary.first_stage_f = fit.first_stages.iter().filter_map(|stage| stage.f).reduce(f64::min);
    let inference = match &spec.inference {
        InferenceText::Iid => Inference::Iid,
        InferenceText::Hc(1) => Inference::Hc1,
        InferenceText::Hc(2) => Inference::Hc2,
        InferenceText::Hc(_) => Inference::Hc3,
        InferenceText::Cluster(columns) => {
            Inference::Cluster(place_of_cluster[..columns.len()].to_vec())
        }
        InferenceText::Jackknife(_) => Inference::Jackknife(place_of_cluster[0]),
        InferenceText::DriscollKraay(_, lags) => {
            Inference::DriscollKraay { time: place_of_cluster[0], lags: *lags }
        }
        InferenceText::Conley(_, _, _, cutoff_km, kernel) => {
            let (latitudes, longitudes) = coordinates.unwrap_or_default();
            let place = place_of_cluster[0];
            let distances = distances(&fit, place, &latitudes, &longitudes)
                .map_err(|why| EstimationError::Data { of: of.to_owned(), why })?;
            Inference::Conley { place, distances, cutoff_km: *cutoff_km, kernel: *kernel }
        }
    };
    let covariance = match fit.covariance(&inference, spec.correction, 0.95) {
        Ok(covariance) => covariance,
        Err(error) => {
            let clusters: Vec<String> = cluster_columns.iter().map(|c| c.join("^")).collect();
            return fail(
                result,
                summary,
                format!("{} (errors: {})", in_words(error), clusters.join(" & ")),
            );
        }
    };
    let wild_place = place_of_cluster.get(cluster_columns.len()).copied();
    let few = spec
        .wild
        .as_ref()
        .zip(wild_place)
        .filter(|(wild, place)| fit.n_clusters(*place) <= wild.at_most);
    let wild = match few {
        None => None,
        Some((wild, place)) => {
            let n = fit.n_clusters(place);
            let weights = wild.weights.unwrap_or(if n < FEW_FOR_RADEMACHER {
                WildWeights::Webb
            } else {
                WildWeights::Rademacher
            });
            match wild_bootstrap(&fit, place, wild.n_replicates, weights, wild.seed) {
                Ok(found) => Some(found),
                Err(error) => return fail(result, summary, in_words(error)),
            }
        }
    };
    summary.inference = spec.inference.name(covariance.vcov.lags);
    summary.df_k = Some(covariance.vcov.df_k);
    summary.df_t = covariance.vcov.df_t;
    summary.f = covariance.f;
    summary.clusters = cluster_columns
        .iter()
        .zip(&covariance.vcov.n_clusters)
        .map(|(columns, n)| format!("{} {n}", columns.join("^")))
        .collect::<Vec<_>>()
        .join(" & ");
    summary.notes = notes(&covariance, spec, &fit, wild_place);
    let mut found: Vec<(u32, Coefficient)> = Vec::new();
    for (at, kept) in fit.kept.iter().enumerate() {
        let (term, level, place) =
            kept.map_or_else(|| ("(intercept)".to_owned(), None, 0), |at| names[at].clone());
        let finite = |value: f64| value.is_finite().then_some(value);
        let se = finite(covariance.se[at]);
        let coefficient = Coefficient {
            term,
            level,
            estimate: Some(fit.coefficients[at]),
            se,
            t: finite(covariance.t[at]),
            p: finite(covariance.p[at]),
            interval: se.map(|_| covariance.interval[at]),
            wild_p: wild.as_ref().and_then(|wild| finite(wild[at].p)),
            null_reason: covariance.degenerate[at].map(|why| why.to_string()),
        };
        found.push((place, coefficient));
    }
    for dropped in &fit.dropped {
        let (term, level, place) = match names.get(dropped.regressor) {
            Some(name) => name.clone(),
            None => (format!("{} (instrument)", name_of(dropped.regressor)), None, 0),
        };
        found.push((place, Coefficient::without(term, level, cause(&dropped.cause))));
    }
    for (term, level, place) in empty {
        let reason = "the data have no value of it".to_owned();
        found.push((place, Coefficient::without(term, level, reason)));
    }
    // In the order of the model, and of the levels.
    let order: Vec<&String> =
        spec.endogenous.iter().chain(&spec.regressors).map(|term| &term.name).collect();
    found.sort_by_key(|(place, c)| {
        let name = c.level.as_ref().map_or(&c.term, |(_, name)| name);
        (order.iter().position(|known| *known == name).unwrap_or(usize::MAX), *place)
    });
    result.coefficients = found.into_iter().map(|(_, coefficient)| coefficient).collect();
    result.summary = summary;
    Ok(result)
}

fn notes(covariance: &Covariance, spec: &Spec, fit: &Fit, wild_place: Option<usize>) -> String {
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
            let name = |at: usize| spec.effects[at].join("^");
            let counted =
                if spec.correction.k_exact { "" } else { "; its levels count in K all the same" };
            notes.push(format!("{} adds nothing: {} is nested in it{counted}", name(at), name(by)));
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
    if covariance.f.is_none() {
        let why = if fit.is_exact { "the fit is exact" } else { "the covariance is singular" };
        notes.push(format!("no F: {why}"));
    }
    if fit.first_stages.iter().any(|stage| stage.f.is_none()) {
        notes.push(
            "no first-stage F: the instruments explain an endogenous regressor exactly, or no degree of freedom is left".to_owned(),
        );
    }
    if let Some(weak) =
        fit.first_stages.iter().filter_map(|stage| stage.f).reduce(f64::min).filter(|f| *f < 10.0)
    {
        notes.push(format!("weak instruments: first-stage F {weak:.1}"));
    }
    if let Some((wild, n)) = spec.wild.as_ref().zip(wild_place.map(|place| fit.n_clusters(place)))
        && n > wild.at_most
    {
        notes.push(format!("no wild bootstrap: {n} clusters are more than {}", wild.at_most));
    }
    notes.join("; ")
}

/// Kilometres between the levels of a factor, or why there are none: each must lie at one place on the globe.
fn distances(
    fit: &Fit,
    place: usize,
    latitudes: &[f64],
    longitudes: &[f64],
) -> Result<Vec<f64>, String> {
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

/// Values beyond the quantiles at `share` and 1 - `share` are set to them.
fn winsorize(values: &mut [f64], share: f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let low = resilience::quantile(&sorted, share);
    let high = resilience::quantile(&sorted, 1.0 - share);
    values.iter_mut().for_each(|value| *value = value.clamp(low, high));
}
