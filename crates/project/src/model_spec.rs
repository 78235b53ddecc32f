//! Models: what is regressed on what, read from YAML files or from a formula.

use crate::config;
use crate::fault::{Fault, Faults, Step};
use crate::formula::{Formula, InferenceText, Term, combination, quote};
use crate::yaml::{self, YamlError};
use clap::ValueEnum;
use estimate::{Correction, Counted, Repair, WildWeights};
use indexmap::IndexSet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::path::Path;

/// A model that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file is no such YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Values make no sense: all that do not.
    #[error("{0}")]
    Faults(Faults),
}

/// A text that was read, and what it says.
#[derive(Debug, Clone, PartialEq)]
struct Read<T> {
    text: String,
    value: T,
}

/// What a text of a model may say.
trait FromText: Sized {
    /// Reads it; what is wrong with it is an error.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for Term {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl FromText for Vec<String> {
    fn from_text(text: &str) -> Result<Self, String> {
        combination(text)
    }
}

impl FromText for InferenceText {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// A SQL condition.
#[derive(Debug, Clone, PartialEq)]
struct Condition;

impl FromText for Condition {
    fn from_text(text: &str) -> Result<Self, String> {
        let why = "it is empty: expected a SQL condition, as in base_value > 0";
        if text.trim().is_empty() { Err(why.to_owned()) } else { Ok(Self) }
    }
}

impl<T: FromText> Read<T> {
    fn new(text: String) -> Result<Self, String> {
        let value = T::from_text(&text)?;
        Ok(Self { text, value })
    }
}

impl<T> Serialize for Read<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de, T: FromText> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What a specification says; what it leaves out is as in the model's `estimate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecText {
    name: Option<String>,
    outcomes: Option<Vec<Read<Term>>>,
    regressors: Option<Vec<Read<Term>>>,
    add: Option<Vec<Read<Term>>>,
    without: Option<Vec<String>>,
    endogenous: Option<Vec<Read<Term>>>,
    instruments: Option<Vec<Read<Term>>>,
    effects: Option<Vec<Read<Vec<String>>>>,
    weights: Option<Read<Term>>,
    r#where: Option<Read<Condition>>,
    and_where: Option<Read<Condition>>,
    estimator: Option<Estimator>,
    inference: Option<Read<InferenceText>>,
    correction: Option<CorrectionText>,
    singletons: Option<Singletons>,
    empty: Option<Empty>,
    winsor: Option<f64>,
    wild: Option<WildText>,
}

/// What becomes of rows that are alone in an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Singletons {
    Drop,
    Keep,
}

/// What becomes of a regressor without any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Empty {
    Drop,
    Error,
}

/// Which effects count among the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CountedEffects {
    None,
    Nonnested,
    Full,
}

/// What the number of groups is of several clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Groups {
    Min,
    Conventional,
}

/// What is done with a covariance that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RepairOf {
    Variances,
    Psd,
    Never,
}

/// Weights of a wild bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WeightsOf {
    Auto,
    Rademacher,
    Webb,
}

/// Small-sample corrections, by `fixest`'s names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionText {
    k_adj: Option<bool>,
    k_fixef: Option<CountedEffects>,
    g_adj: Option<bool>,
    k_exact: Option<bool>,
    g_df: Option<Groups>,
    repair: Option<RepairOf>,
}

/// A wild cluster bootstrap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WildText {
    cluster: Read<Vec<String>>,
    replicates: Option<usize>,
    weights: Option<WeightsOf>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// Least squares: weighted with weights, in two stages with instruments.
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

/// `b` where it says something, otherwise `a`.
fn overlay(a: &SpecText, b: &SpecText) -> SpecText {
    let both = match (&a.and_where, &b.and_where) {
        (Some(a), Some(b)) => {
            let text = format!("({}) and ({})", a.text, b.text);
            Some(Read { text, value: Condition })
        }
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
        add: joined(a.add.as_ref(), b.add.as_ref()),
        without: joined(a.without.as_ref(), b.without.as_ref()),
        endogenous: later!(endogenous),
        instruments: later!(instruments),
        effects: later!(effects),
        weights: later!(weights),
        r#where: later!(r#where),
        and_where: both,
        estimator: later!(estimator),
        inference: later!(inference),
        correction: later!(correction),
        singletons: later!(singletons),
        empty: later!(empty),
        winsor: later!(winsor),
        wild: later!(wild),
    }
}

/// Items of both lists, if there is one.
fn joined<T: Clone>(a: Option<&Vec<T>>, b: Option<&Vec<T>>) -> Option<Vec<T>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.iter().chain(b).cloned().collect()),
        (a, b) => b.or(a).cloned(),
    }
}

/// What is wrong with a specification: the keys below it, and why.
#[derive(Debug, Default)]
struct Misfits(Vec<(&'static [&'static str], String)>);

impl Misfits {
    fn tell(&mut self, keys: &'static [&'static str], why: impl Into<String>) {
        self.0.push((keys, why.into()));
    }
}

/// What is explained, and by what.
struct Variables {
    outcomes: Vec<Term>,
    regressors: Vec<Term>,
    endogenous: Vec<Term>,
    instruments: Vec<Term>,
}

impl Variables {
    fn of(text: &SpecText, misfits: &mut Misfits) -> Self {
        let values = |texts: &Option<Vec<Read<Term>>>| -> Vec<Term> {
            texts.iter().flatten().map(|read| read.value.clone()).collect()
        };
        let outcomes = values(&text.outcomes);
        if outcomes.is_empty() {
            misfits.tell(&["outcomes"], "expected at least one");
        }
        let mut regressors = values(&text.regressors);
        regressors.extend(values(&text.add));
        for name in text.without.iter().flatten() {
            let before = regressors.len();
            regressors.retain(|term| term.name != *name);
            if regressors.len() == before {
                misfits.tell(&["without"], format!("{name:?} is not among the regressors"));
            }
        }
        let (endogenous, instruments) = (values(&text.endogenous), values(&text.instruments));
        let found = Self { outcomes, regressors, endogenous, instruments };
        found.check(misfits);
        found
    }

    /// Refuses what cannot be told apart.
    fn check(&self, misfits: &mut Misfits) {
        let Self { outcomes, regressors, endogenous, instruments } = self;
        if endogenous.is_empty() != instruments.is_empty() {
            misfits.tell(&["instruments"], "endogenous regressors and instruments go together");
        }
        if regressors.is_empty() && endogenous.is_empty() {
            misfits.tell(&["regressors"], "expected at least one");
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) =
            regressors.iter().chain(endogenous).find(|term| !seen.insert((&term.name, &term.by)))
        {
            misfits.tell(&["regressors"], format!("`{}` is there twice", twice.name));
        }
        let explains =
            |outcome: &Term, term: &&Term| (&outcome.sql, &outcome.by) == (&term.sql, &term.by);
        for outcome in outcomes {
            if let Some(term) =
                regressors.iter().chain(endogenous).find(|term| explains(outcome, term))
            {
                let why = format!(
                    "`{}` is among the regressors too, as `{}`: it would explain itself",
                    outcome.name, term.name
                );
                misfits.tell(&["outcomes"], why);
            }
        }
    }
}

impl CorrectionText {
    fn correction(&self) -> Correction {
        let default = Correction::default();
        Correction {
            k_adj: self.k_adj.unwrap_or(default.k_adj),
            k_fixef: self.k_fixef.map_or(default.k_fixef, |counted| match counted {
                CountedEffects::None => Counted::None,
                CountedEffects::Nonnested => Counted::Nonnested,
                CountedEffects::Full => Counted::Full,
            }),
            g_adj: self.g_adj.unwrap_or(default.g_adj),
            g_min: self.g_df.map_or(default.g_min, |groups| groups == Groups::Min),
            k_exact: self.k_exact.unwrap_or(default.k_exact),
            repair: self.repair.map_or(default.repair, |repair| match repair {
                RepairOf::Variances => Repair::Variances,
                RepairOf::Psd => Repair::Psd,
                RepairOf::Never => Repair::Never,
            }),
        }
    }
}

impl WildText {
    fn wild(&self, misfits: &mut Misfits) -> Wild {
        let wild = Wild {
            cluster: self.cluster.value.clone(),
            n_replicates: self.replicates.unwrap_or(999),
            weights: match self.weights {
                None | Some(WeightsOf::Auto) => None,
                Some(WeightsOf::Rademacher) => Some(WildWeights::Rademacher),
                Some(WeightsOf::Webb) => Some(WildWeights::Webb),
            },
            seed: self.seed.unwrap_or(1),
            at_most: self.at_most.unwrap_or(50),
        };
        if let Err(why) = config::range::within(&wild.n_replicates, &config::range::REPEATED) {
            misfits.tell(&["wild", "replicates"], why);
        }
        if let Err(why) = config::range::within(&wild.at_most, &(0..=1_000_000)) {
            misfits.tell(&["wild", "at_most"], why);
        }
        wild
    }
}

impl Spec {
    fn of(table: &str, text: &SpecText, misfits: &mut Misfits) -> Self {
        let variables = Variables::of(text, misfits);
        let estimator = text.estimator.unwrap_or(Estimator::Ols);
        if estimator != Estimator::Ols && !variables.endogenous.is_empty() {
            misfits.tell(&["endogenous"], "instruments are for ols only");
        }
        let winsor = text.winsor.unwrap_or(0.0);
        if !(0.0..0.5).contains(&winsor) {
            let why = format!("{winsor}: expected a share from 0 to below 0.5");
            misfits.tell(&["winsor"], why);
        }
        let condition = match (&text.r#where, &text.and_where) {
            (Some(a), Some(b)) => Some(format!("({}) and ({})", a.text, b.text)),
            (a, b) => a.as_ref().or(b.as_ref()).map(|read| read.text.clone()),
        };
        let inference = text.inference.as_ref().map(|read| read.value.clone());
        Self {
            name: text.name.clone().unwrap_or_default(),
            table: table.to_owned(),
            outcomes: variables.outcomes,
            regressors: variables.regressors,
            endogenous: variables.endogenous,
            instruments: variables.instruments,
            effects: text.effects.iter().flatten().map(|read| read.value.clone()).collect(),
            weights: text.weights.as_ref().map(|read| read.value.clone()),
            condition,
            estimator,
            inference: inference.unwrap_or(InferenceText::Hc(1)),
            correction: text
                .correction
                .as_ref()
                .map_or_else(Correction::default, |text| text.correction()),
            drop_singletons: text.singletons != Some(Singletons::Keep),
            drop_empty: text.empty == Some(Empty::Drop),
            winsor,
            wild: text.wild.as_ref().map(|wild| wild.wild(misfits)),
        }
    }

    /// The statement that reads its rows: the columns of numbers, then those of categories in the
    /// types that they have.
    pub fn sql(&self) -> String {
        self.sql_of(&self.columns())
    }

    /// The same of these of its [columns](Self::columns) alone.
    pub fn sql_of(&self, columns: &[String]) -> String {
        let condition = self
            .condition
            .as_ref()
            .map_or_else(String::new, |condition| format!(" where {condition}"));
        format!("select {} from {}{condition}", columns.join(", "), self.table)
    }

    /// What its statement selects.
    pub fn columns(&self) -> Vec<String> {
        let terms = self
            .numbers()
            .into_iter()
            .enumerate()
            .map(|(at, term)| format!("{} as n{at}", term.sql));
        let factors = self
            .factors()
            .into_iter()
            .enumerate()
            .map(|(at, column)| format!("{} as f{at}", quote(&column)));
        terms.chain(factors).collect()
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

/// What a specification says, and the parts of the file that say it, a later over an earlier one.
#[derive(Clone)]
struct Layers {
    text: SpecText,
    parts: Vec<Vec<Step>>,
}

impl Layers {
    fn under(&self, text: &SpecText, part: Vec<Step>) -> Self {
        let mut parts = self.parts.clone();
        parts.push(part);
        Self { text: overlay(&self.text, text), parts }
    }

    /// The steps to a key of it, where it is said last, and the line.
    fn place(&self, file: &str, keys: &[&str]) -> (Vec<Step>, Option<usize>) {
        let below = |part: &Vec<Step>, keys: &[&str]| -> Vec<Step> {
            part.iter().cloned().chain(keys.iter().map(|key| Step::from(*key))).collect()
        };
        let said = self.parts.iter().rev().find_map(|part| {
            let steps = below(part, keys);
            yaml::line_at(file, &steps).map(|line| (steps, Some(line)))
        });
        said.unwrap_or_else(|| {
            let last = self.parts.iter().rev().find(|part| yaml::line_at(file, part).is_some());
            let line = last.and_then(|part| yaml::line_at(file, part));
            let part = last.or(self.parts.last());
            (part.map(|part| below(part, keys)).unwrap_or_default(), line)
        })
    }
}

impl ModelText {
    /// Every specification: the shared one, under each of `specifications`, under each combination
    /// of the grid.
    fn layers(&self) -> Vec<Layers> {
        let shared = Layers {
            text: SpecText { name: None, ..self.estimate.clone() },
            parts: vec![vec![Step::from("estimate")]],
        };
        let mut all = vec![shared.clone()];
        if !self.specifications.is_empty() {
            let part = |n: usize| vec![Step::from("specifications"), Step::from(n)];
            let specifications = self.specifications.iter().enumerate();
            all = specifications.map(|(n, spec)| shared.under(spec, part(n))).collect();
        }
        for (at, dimension) in self.grid.iter().enumerate() {
            let part = |n: usize| vec![Step::from("grid"), Step::from(at), Step::from(n)];
            let crossed = |layers: &Layers| -> Vec<Layers> {
                let variants = dimension.iter().enumerate();
                variants.map(|(n, spec)| layers.under(spec, part(n))).collect()
            };
            all = all.iter().flat_map(crossed).collect();
        }
        all
    }
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming all keys at fault, with their lines.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let file = yaml::text_of(path)?;
        let model: ModelText = yaml::all_of(path, &file)?;
        let (mut faults, mut specs) = (Faults::default(), Vec::<Spec>::new());
        for layers in model.layers() {
            let mut misfits = Misfits::default();
            let spec = Spec::of(&model.table, &layers.text, &mut misfits);
            for (keys, why) in misfits.0 {
                let (steps, line) = layers.place(&file, keys);
                faults.tell(Fault::invalid(path, line, &steps, why));
            }
            if specs.iter().any(|known| known.name == spec.name) {
                let (steps, line) = layers.place(&file, &["name"]);
                let why = format!("{:?} is there twice: give each a name of its own", spec.name);
                faults.tell(Fault::invalid(path, line, &steps, why));
            }
            specs.push(spec);
        }
        if !faults.0.is_empty() {
            return Err(ModelError::Faults(faults));
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

    /// A model of one formula, `y + z ~ a + b:c | f + g^h | endogenous ~ instruments`, of which each
    /// choice of its stepwise terms is a specification.
    ///
    /// # Errors
    ///
    /// [`ModelError`], saying what is wrong.
    pub fn of_formula(
        formula: &str,
        table: &str,
        rest: &FormulaOptions,
    ) -> Result<Self, ModelError> {
        let choices = Formula::parse(formula).and_then(|parts| parts.choices());
        let choices =
            choices.map_err(|why| ModelError::Faults(Faults(vec![of_formula("formula", why)])))?;
        let specs = choices.into_iter().map(|(name, parts)| Spec::chosen(name, parts, table, rest));
        Ok(Self {
            name: "formula".to_owned(),
            title: formula.to_owned(),
            about: String::new(),
            focus: Vec::new(),
            specs: specs.collect::<Result<_, _>>()?,
            text: formula.to_owned(),
        })
    }
}

impl Spec {
    /// The specification of a choice of a formula.
    fn chosen(
        name: String,
        parts: Formula,
        table: &str,
        rest: &FormulaOptions,
    ) -> Result<Self, ModelError> {
        let mut faults = Faults::default();
        let spec = SpecText {
            name: Some(name),
            outcomes: all(Some(parts.outcomes), "outcomes", &mut faults),
            regressors: all(Some(parts.regressors), "regressors", &mut faults),
            effects: all(parts.effects, "effects", &mut faults),
            endogenous: all(parts.endogenous, "endogenous", &mut faults),
            instruments: all(parts.instruments, "instruments", &mut faults),
            weights: one(rest.weights.clone(), "weights", &mut faults),
            r#where: one(rest.condition.clone(), "where", &mut faults),
            estimator: rest.estimator,
            inference: one(rest.inference.clone(), "inference", &mut faults),
            winsor: rest.winsor,
            ..SpecText::default()
        };
        let mut misfits = Misfits::default();
        let spec = Self::of(table, &spec, &mut misfits);
        // What cannot be read is missing from the rest, which is then at fault by that alone.
        if faults.0.is_empty() {
            for (keys, why) in misfits.0 {
                faults.tell(of_formula(&keys.join("."), why));
            }
        }
        if faults.0.is_empty() { Ok(spec) } else { Err(ModelError::Faults(faults)) }
    }
}

fn of_formula(key: &str, why: String) -> Fault {
    Fault { what: format!("invalid `{key}` of the formula"), place: None, why }
}

fn one<T: FromText>(text: Option<String>, key: &str, faults: &mut Faults) -> Option<Read<T>> {
    Read::new(text?).map_err(|why| faults.tell(of_formula(key, why))).ok()
}

fn all<T: FromText>(
    texts: Option<Vec<String>>,
    key: &str,
    faults: &mut Faults,
) -> Option<Vec<Read<T>>> {
    Some(texts?.into_iter().filter_map(|text| one(Some(text), key, faults)).collect())
}

/// What goes with a formula.
#[derive(Debug, Clone, Default)]
pub struct FormulaOptions {
    /// Weights.
    pub weights: Option<String>,
    /// Condition on the rows.
    pub condition: Option<String>,
    /// Estimator.
    pub estimator: Option<Estimator>,
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

    #[test]
    fn all_faults_of_a_file_are_told_with_key_and_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.yaml");
        let of = |text: &str| {
            std::fs::write(&path, text).expect("written");
            let error = Model::read(&path).expect_err("faults").to_string();
            error.replace(&path.display().to_string(), "m.yaml")
        };
        let error = of(
            "name: m\ntitle: t\ntable: panel.x\nestimate:\n  outcomes: [y]\n  regressors: [a, x^2]\n  \
                        estimator: olz\n  correction: {g_df: most}\nspecifications:\n  - {name: a, effect: [r]}\n  \
                        - {name: b, inference: hc9, wild: {cluster: 1 2}}\n",
        );
        for part in [
            "6 faults\n",
            "invalid `estimate.regressors[1]` in `m.yaml`, line 6: \"x^2\": ^ is no power in SQL",
            "invalid `estimate.estimator` in `m.yaml`, line 7: unknown choice `olz`: expected one of ols, ppml, logit \
             (did you mean `ols`?)",
            "invalid `estimate.correction.g_df` in `m.yaml`, line 8: unknown choice `most`: expected one of min, conventional",
            "unknown key `specifications[0].effect` in `m.yaml`, line 10: expected one of name, outcomes",
            "(did you mean `effects`?)",
            "invalid `specifications[1].inference` in `m.yaml`, line 11: \"hc9\": expected iid, hc1",
            "invalid `specifications[1].wild.cluster` in `m.yaml`, line 11: \"1 2\" is no column",
        ] {
            assert!(error.contains(part), "{part}\n{error}");
        }
        for name in ["usize", "struct", "variant", "enum", "Option"] {
            assert!(!error.contains(name), "{error}");
        }
        // Keys that are right each and do not go together.
        let error = of(
            "name: m\ntitle: t\ntable: panel.x\nestimate: {outcomes: [y], regressors: [a, a], winsor: 0.7}\n\
                        specifications:\n  - {name: a, without: [b]}\n  - {name: b, regressors: [y]}\n  - {name: b, \
                        instruments: [z], regressors: [q], wild: {cluster: r, replicates: 0}}\n",
        );
        for part in [
            "7 faults\n",
            "invalid `estimate.regressors` in `m.yaml`, line 4: `a` is there twice",
            "invalid `estimate.winsor` in `m.yaml`, line 4: 0.7: expected a share from 0 to below 0.5",
            "invalid `specifications[0].without` in `m.yaml`, line 6: \"b\" is not among the regressors",
            "invalid `estimate.outcomes` in `m.yaml`, line 4: `y` is among the regressors too, as `y`",
            "invalid `specifications[2].instruments` in `m.yaml`, line 8: endogenous regressors and instruments",
            "invalid `specifications[2].wild.replicates` in `m.yaml`, line 8: 0: expected 1 to 1000000",
            "invalid `specifications[2].name` in `m.yaml`, line 8: \"b\" is there twice",
        ] {
            assert!(error.contains(part), "{part}\n{error}");
        }
    }
}
