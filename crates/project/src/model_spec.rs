//! Models: what is regressed on what, read from YAML files or from a formula.

use crate::config;
use crate::formula::{Formula, InferenceText, Term, combination, quote};
use crate::yaml::{self, YamlError};
use estimate::{Correction, Counted, Repair, WildWeights};
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// A model that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is no such YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value makes no sense.
    #[error("invalid `{key}` of {of}: {why}")]
    Value {
        /// The model and specification.
        of: String,
        /// The key.
        key: &'static str,
        /// What is wrong, and what was expected.
        why: String,
    },
}

/// What a specification says; what it leaves out is as in the model's `estimate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecText {
    name: Option<String>,
    outcomes: Option<Vec<String>>,
    regressors: Option<Vec<String>>,
    add: Option<Vec<String>>,
    without: Option<Vec<String>>,
    endogenous: Option<Vec<String>>,
    instruments: Option<Vec<String>>,
    effects: Option<Vec<String>>,
    weights: Option<String>,
    r#where: Option<String>,
    and_where: Option<String>,
    estimator: Option<String>,
    inference: Option<String>,
    correction: Option<CorrectionText>,
    singletons: Option<String>,
    empty: Option<String>,
    winsor: Option<f64>,
    wild: Option<WildText>,
}

/// Small-sample corrections, by `fixest`'s names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionText {
    k_adj: Option<bool>,
    k_fixef: Option<String>,
    g_adj: Option<bool>,
    k_exact: Option<bool>,
    g_df: Option<String>,
    repair: Option<String>,
}

/// A wild cluster bootstrap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WildText {
    cluster: String,
    replicates: Option<usize>,
    weights: Option<String>,
    seed: Option<u64>,
    at_most: Option<usize>,
}

/// A model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelText {
    name: String,
    title: String,
    #[serde(default)]
    about: String,
    table: String,
    #[serde(default)]
    estimate: SpecText,
    #[serde(default)]
    specifications: Vec<SpecText>,
    #[serde(default)]
    grid: Vec<Vec<SpecText>>,
    #[serde(default)]
    focus: Vec<String>,
}

/// A model: columns of one regression table.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What its table is called.
    pub title: String,
    /// What is to be said below it.
    pub about: String,
    /// The coefficients that a table of specifications follows.
    pub focus: Vec<String>,
    /// Its specifications, each with its outcomes.
    pub specs: Vec<Spec>,
    /// The file's text, which a version of the results is known by.
    pub text: String,
}

/// What a model's table is called and shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heading {
    /// What it is called.
    pub title: String,
    /// What is to be said below it.
    pub about: String,
    /// The coefficients that a table of specifications follows.
    pub focus: Vec<String>,
}

/// A regression of each of some outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Its name; empty if the model has but one.
    pub name: String,
    /// The table.
    pub table: String,
    /// Outcomes.
    pub outcomes: Vec<Term>,
    /// Regressors.
    pub regressors: Vec<Term>,
    /// Endogenous regressors.
    pub endogenous: Vec<Term>,
    /// Instruments.
    pub instruments: Vec<Term>,
    /// Absorbed effects, each a combination of columns.
    pub effects: Vec<Vec<String>>,
    /// Weights.
    pub weights: Option<Term>,
    /// A SQL condition on the rows.
    pub condition: Option<String>,
    /// The estimator.
    pub estimator: Estimator,
    /// What is assumed of the errors.
    pub inference: InferenceText,
    /// Small-sample corrections.
    pub correction: Correction,
    /// Whether rows alone in an effect are left out.
    pub drop_singletons: bool,
    /// Whether a regressor without any value is left out, and not an error.
    pub drop_empty: bool,
    /// Share at each end that outcomes are pulled in to.
    pub winsor: f64,
    /// A wild cluster bootstrap.
    pub wild: Option<Wild>,
}

/// An estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// Least squares, in two stages with instruments.
    Ols,
    /// Poisson pseudo maximum likelihood.
    Ppml,
    /// Logit.
    Logit,
}

/// A wild cluster bootstrap.
#[derive(Debug, Clone, PartialEq)]
pub struct Wild {
    /// The cluster.
    pub cluster: Vec<String>,
    /// Replicates.
    pub n_replicates: usize,
    /// Weights; `None`: Webb's below 12 clusters, otherwise Rademacher's.
    pub weights: Option<WildWeights>,
    /// What random numbers start from.
    pub seed: u64,
    /// Clusters beyond which it is not needed, and left out.
    pub at_most: usize,
}

fn each<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    texts.iter().map(|text| parse(text)).collect()
}

/// What `text` names among `choices`, or without a text `default`.
fn one_of<T: Copy>(text: Option<&str>, default: T, choices: &[(&str, T)]) -> Result<T, String> {
    let Some(text) = text else { return Ok(default) };
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
    found.ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        format!("{text:?}: expected {} or {last}", others.join(", "))
    })
}

impl Estimator {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "ols" => Ok(Self::Ols),
            "ppml" => Ok(Self::Ppml),
            "logit" => Ok(Self::Logit),
            other => Err(format!(
                "{other:?}: expected ols (weighted with weights, in two stages with instruments), ppml or logit"
            )),
        }
    }
}

/// `b` where it says something, otherwise `a`.
fn overlay(a: &SpecText, b: &SpecText) -> SpecText {
    let both = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => Some(format!("({a}) and ({b})")),
        (a, b) => b.clone().or_else(|| a.clone()),
    };
    let joined = |a: &Option<Vec<String>>, b: &Option<Vec<String>>| match (a, b) {
        (Some(a), Some(b)) => Some(a.iter().chain(b).cloned().collect()),
        (a, b) => b.clone().or_else(|| a.clone()),
    };
    macro_rules! later {
        ($field:ident) => {
            b.$field.clone().or_else(|| a.$field.clone())
        };
    }
    SpecText {
        name: match (&a.name, &b.name) {
            (Some(a), Some(b)) => Some(format!("{a}, {b}")),
            (a, b) => b.clone().or_else(|| a.clone()),
        },
        outcomes: later!(outcomes),
        regressors: later!(regressors),
        add: joined(&a.add, &b.add),
        without: joined(&a.without, &b.without),
        endogenous: later!(endogenous),
        instruments: later!(instruments),
        effects: later!(effects),
        weights: later!(weights),
        r#where: later!(r#where),
        and_where: both(&a.and_where, &b.and_where),
        estimator: later!(estimator),
        inference: later!(inference),
        correction: later!(correction),
        singletons: later!(singletons),
        empty: later!(empty),
        winsor: later!(winsor),
        wild: later!(wild),
    }
}

/// Makes errors that name a key of a specification.
fn at(of: &str, key: &'static str) -> impl FnOnce(String) -> ModelError {
    let of = of.to_owned();
    move |why| ModelError::Value { of, key, why }
}

/// What is explained, and by what.
struct Variables {
    outcomes: Vec<Term>,
    regressors: Vec<Term>,
    endogenous: Vec<Term>,
    instruments: Vec<Term>,
}

impl Variables {
    fn read(of: &str, text: &SpecText) -> Result<Self, ModelError> {
        let terms = |texts: Option<&[String]>| each(texts.unwrap_or_default(), Term::parse);
        let outcomes = terms(text.outcomes.as_deref()).map_err(at(of, "outcomes"))?;
        if outcomes.is_empty() {
            return Err(at(of, "outcomes")("expected at least one".to_owned()));
        }
        let names: Vec<String> =
            text.regressors.iter().chain(&text.add).flatten().cloned().collect();
        let mut regressors = terms(Some(names.as_slice())).map_err(at(of, "regressors"))?;
        for name in text.without.iter().flatten() {
            let before = regressors.len();
            regressors.retain(|term| term.name != *name);
            if regressors.len() == before {
                return Err(at(of, "without")(format!("{name:?} is not among the regressors")));
            }
        }
        let endogenous = terms(text.endogenous.as_deref()).map_err(at(of, "endogenous"))?;
        let instruments = terms(text.instruments.as_deref()).map_err(at(of, "instruments"))?;
        let found = Self { outcomes, regressors, endogenous, instruments };
        found.check(of)?;
        Ok(found)
    }

    /// Refuses what cannot be told apart.
    fn check(&self, of: &str) -> Result<(), ModelError> {
        let Self { outcomes, regressors, endogenous, instruments } = self;
        if endogenous.is_empty() != instruments.is_empty() {
            return Err(at(of, "instruments")(
                "endogenous regressors and instruments go together".to_owned(),
            ));
        }
        if regressors.is_empty() && endogenous.is_empty() {
            return Err(at(of, "regressors")("expected at least one".to_owned()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) =
            regressors.iter().chain(endogenous).find(|term| !seen.insert((&term.name, &term.by)))
        {
            return Err(at(of, "regressors")(format!("`{}` is there twice", twice.name)));
        }
        let explains =
            |outcome: &Term, term: &&Term| (&outcome.sql, &outcome.by) == (&term.sql, &term.by);
        for outcome in outcomes {
            if let Some(term) =
                regressors.iter().chain(endogenous).find(|term| explains(outcome, term))
            {
                return Err(at(of, "outcomes")(format!(
                    "`{}` is among the regressors too, as `{}`: it would explain itself",
                    outcome.name, term.name
                )));
            }
        }
        Ok(())
    }
}

impl CorrectionText {
    fn read(&self, of: &str) -> Result<Correction, ModelError> {
        let default = Correction::default();
        let counted =
            [("none", Counted::None), ("nonnested", Counted::Nonnested), ("full", Counted::Full)];
        let smallest = [("min", true), ("conventional", false)];
        let repairs =
            [("variances", Repair::Variances), ("psd", Repair::Psd), ("never", Repair::Never)];
        Ok(Correction {
            k_adj: self.k_adj.unwrap_or(default.k_adj),
            k_fixef: one_of(self.k_fixef.as_deref(), default.k_fixef, &counted)
                .map_err(at(of, "correction.k_fixef"))?,
            g_adj: self.g_adj.unwrap_or(default.g_adj),
            g_min: one_of(self.g_df.as_deref(), default.g_min, &smallest)
                .map_err(at(of, "correction.g_df"))?,
            k_exact: self.k_exact.unwrap_or(default.k_exact),
            repair: one_of(self.repair.as_deref(), default.repair, &repairs)
                .map_err(at(of, "correction.repair"))?,
        })
    }
}

impl WildText {
    fn read(&self, of: &str) -> Result<Wild, ModelError> {
        let weights = [
            ("auto", None),
            ("rademacher", Some(WildWeights::Rademacher)),
            ("webb", Some(WildWeights::Webb)),
        ];
        let wild = Wild {
            cluster: combination(&self.cluster).map_err(at(of, "wild.cluster"))?,
            n_replicates: self.replicates.unwrap_or(999),
            weights: one_of(self.weights.as_deref(), None, &weights)
                .map_err(at(of, "wild.weights"))?,
            seed: self.seed.unwrap_or(1),
            at_most: self.at_most.unwrap_or(50),
        };
        config::range::within(&wild.n_replicates, &config::range::REPEATED)
            .map_err(at(of, "wild.replicates"))?;
        config::range::within(&wild.at_most, &(0..=1_000_000)).map_err(at(of, "wild.at_most"))?;
        Ok(wild)
    }
}

impl SpecText {
    fn estimator(&self, of: &str, variables: &Variables) -> Result<Estimator, ModelError> {
        let estimator = self.estimator.as_deref().map_or(Ok(Estimator::Ols), Estimator::parse);
        let estimator = estimator.map_err(at(of, "estimator"))?;
        if estimator != Estimator::Ols && !variables.endogenous.is_empty() {
            return Err(at(of, "endogenous")("instruments are for ols only".to_owned()));
        }
        Ok(estimator)
    }

    fn winsor(&self, of: &str) -> Result<f64, ModelError> {
        let share = self.winsor.unwrap_or(0.0);
        if (0.0..0.5).contains(&share) {
            return Ok(share);
        }
        Err(at(of, "winsor")(format!("{share}: expected a share from 0 to below 0.5")))
    }

    fn condition(&self, of: &str) -> Result<Option<String>, ModelError> {
        if self.r#where.iter().chain(&self.and_where).any(|text| text.trim().is_empty()) {
            return Err(at(of, "where")(
                "it is empty: expected a SQL condition, as in base_value > 0".to_owned(),
            ));
        }
        Ok(match (&self.r#where, &self.and_where) {
            (Some(a), Some(b)) => Some(format!("({a}) and ({b})")),
            (a, b) => a.clone().or_else(|| b.clone()),
        })
    }
}

impl Spec {
    fn read(model: &str, table: &str, text: &SpecText) -> Result<Self, ModelError> {
        let name = text.name.clone().unwrap_or_default();
        let of = if name.is_empty() {
            format!("model `{model}`")
        } else {
            format!("model `{model}`, specification `{name}`")
        };
        let of = of.as_str();
        let variables = Variables::read(of, text)?;
        let effects = each(text.effects.as_deref().unwrap_or_default(), combination)
            .map_err(at(of, "effects"))?;
        let estimator = text.estimator(of, &variables)?;
        let inference = text
            .inference
            .as_deref()
            .map_or(Ok(InferenceText::Hc(1)), InferenceText::parse)
            .map_err(at(of, "inference"))?;
        let correction = match &text.correction {
            None => Correction::default(),
            Some(correction) => correction.read(of)?,
        };
        let wild = text.wild.as_ref().map(|wild| wild.read(of)).transpose()?;
        let winsor = text.winsor(of)?;
        let condition = text.condition(of)?;
        let singletons = [("drop", true), ("keep", false)];
        let empty = [("drop", true), ("error", false)];
        Ok(Self {
            drop_singletons: one_of(text.singletons.as_deref(), true, &singletons)
                .map_err(at(of, "singletons"))?,
            drop_empty: one_of(text.empty.as_deref(), false, &empty).map_err(at(of, "empty"))?,
            weights: text
                .weights
                .as_deref()
                .map(Term::parse)
                .transpose()
                .map_err(at(of, "weights"))?,
            name,
            table: table.to_owned(),
            outcomes: variables.outcomes,
            regressors: variables.regressors,
            endogenous: variables.endogenous,
            instruments: variables.instruments,
            effects,
            condition,
            estimator,
            inference,
            correction,
            winsor,
            wild,
        })
    }

    /// The statement that reads its rows: the columns of numbers, then those of categories.
    pub fn sql(&self) -> String {
        let terms = self
            .numbers()
            .into_iter()
            .enumerate()
            .map(|(at, term)| format!("{} as n{at}", term.sql));
        let factors = self
            .factors()
            .into_iter()
            .enumerate()
            .map(|(at, column)| format!("cast({} as varchar) as f{at}", quote(&column)));
        let columns: Vec<String> = terms.chain(factors).collect();
        let condition = self
            .condition
            .as_ref()
            .map_or_else(String::new, |condition| format!(" where {condition}"));
        format!("select {} from {}{condition}", columns.join(", "), self.table)
    }

    /// The columns of numbers: outcomes, endogenous regressors, regressors, instruments, weights,
    /// and coordinates.
    pub fn numbers(&self) -> Vec<Term> {
        let coordinates = match &self.inference {
            InferenceText::Conley { latitude, longitude, .. } => vec![latitude, longitude],
            _ => Vec::new(),
        };
        self.outcomes
            .iter()
            .chain(&self.endogenous)
            .chain(&self.regressors)
            .chain(&self.instruments)
            .chain(&self.weights)
            .cloned()
            .chain(coordinates.into_iter().map(|column| Term::of_column(column)))
            .collect()
    }

    /// The columns of categories, each once.
    pub fn factors(&self) -> Vec<String> {
        let of_inference = self.inference.groups();
        let by = self.endogenous.iter().chain(&self.regressors).chain(&self.instruments);
        let by: Vec<String> =
            by.filter_map(|term| term.by.as_ref()).map(|by| by.column.clone()).collect();
        let wild = self.wild.iter().flat_map(|wild| wild.cluster.clone());
        let named = self.effects.iter().chain(&of_inference).flatten().cloned();
        let found: IndexSet<String> = named.chain(by).chain(wild).collect();
        found.into_iter().collect()
    }
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming the key.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let model: ModelText = yaml::read(path)?;
        let mut shared = model.estimate.clone();
        shared.name = None;
        let mut texts = vec![shared];
        if !model.specifications.is_empty() {
            texts = model.specifications.iter().map(|spec| overlay(&texts[0], spec)).collect();
        }
        for dimension in &model.grid {
            texts = texts
                .iter()
                .flat_map(|text| dimension.iter().map(move |spec| overlay(text, spec)))
                .collect();
        }
        let specs = texts
            .iter()
            .map(|text| Spec::read(&model.name, &model.table, text))
            .collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = specs.iter().find(|spec| !names.insert(&spec.name)) {
            let why = format!("{:?} is there twice: give each a name of its own", twice.name);
            return Err(ModelError::Value {
                of: format!("model `{}`", model.name),
                key: "specifications",
                why,
            });
        }
        let text = serde_json::to_string(&model).unwrap_or_default();
        Ok(Self {
            name: model.name,
            title: model.title,
            about: model.about,
            focus: model.focus,
            specs,
            text,
        })
    }

    /// What its table is called and shows.
    pub fn heading(&self) -> Heading {
        Heading { title: self.title.clone(), about: self.about.clone(), focus: self.focus.clone() }
    }

    /// The tables it reads, as `schema.table`.
    pub fn tables(&self) -> BTreeSet<&str> {
        self.specs.iter().map(|spec| spec.table.as_str()).collect()
    }

    /// A model of one formula, `y + z ~ a + b:c | f + g^h | endogenous ~ instruments`.
    ///
    /// # Errors
    ///
    /// [`ModelError`], saying what is wrong.
    pub fn of_formula(
        formula: &str,
        table: &str,
        rest: &FormulaOptions,
    ) -> Result<Self, ModelError> {
        let parts = Formula::parse(formula).map_err(at("the formula", "formula"))?;
        let spec = SpecText {
            outcomes: Some(parts.outcomes),
            regressors: Some(parts.regressors),
            effects: parts.effects,
            endogenous: parts.endogenous,
            instruments: parts.instruments,
            weights: rest.weights.clone(),
            r#where: rest.condition.clone(),
            estimator: rest.estimator.clone(),
            inference: rest.inference.clone(),
            winsor: rest.winsor,
            ..SpecText::default()
        };
        let spec = Spec::read("formula", table, &spec)?;
        Ok(Self {
            name: "formula".to_owned(),
            title: formula.to_owned(),
            about: String::new(),
            focus: Vec::new(),
            specs: vec![spec],
            text: formula.to_owned(),
        })
    }
}

/// What goes with a formula.
#[derive(Debug, Clone, Default)]
pub struct FormulaOptions {
    /// Weights.
    pub weights: Option<String>,
    /// Condition on the rows.
    pub condition: Option<String>,
    /// Estimator.
    pub estimator: Option<String>,
    /// Inference.
    pub inference: Option<String>,
    /// Share to winsorize at each end.
    pub winsor: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_has_effects_and_instruments() {
        let rest = FormulaOptions {
            inference: Some("cluster(r + h^t)".to_owned()),
            ..FormulaOptions::default()
        };
        let model =
            Model::of_formula("y + z ~ a + b | f + g^h | c ~ d + e", "t", &rest).expect("a model");
        let spec = &model.specs[0];
        assert_eq!(spec.outcomes.len(), 2);
        assert_eq!(spec.effects, [vec!["f"], vec!["g", "h"]]);
        assert_eq!((spec.endogenous.len(), spec.instruments.len()), (1, 2));
        assert_eq!(spec.factors(), ["f", "g", "h", "r", "t"]);
        assert!(Model::of_formula("y", "t", &rest).is_err());
    }

    #[test]
    fn a_grid_crosses_its_dimensions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.yaml");
        let text = "name: m\ntitle: t\ntable: panel.x\nestimate: {outcomes: [y], regressors: [a, b], where: x > 0}\ngrid:\n\
                    - [{name: all}, {name: big, and_where: y > 1}]\n- [{name: plain}, {name: weighted, weights: w, without: [b]}]\n";
        std::fs::write(&path, text).expect("written");
        let model = Model::read(&path).expect("a model");
        let names: Vec<&str> = model.specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["all, plain", "all, weighted", "big, plain", "big, weighted"]);
        assert_eq!(model.specs[3].condition.as_deref(), Some("(x > 0) and (y > 1)"));
        assert_eq!(model.specs[3].regressors.len(), 1);
        std::fs::write(&path, text.replace("big,", "all,")).expect("written");
        assert!(Model::read(&path).expect_err("twice").to_string().contains("there twice"));
    }
}
