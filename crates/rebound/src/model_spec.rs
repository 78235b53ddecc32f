//! Models: what is regressed on what, read from YAML files or from a formula.
//!
//! A term is a column, a product `a:b`, a SQL expression, any of them with a name before it (`size = ln(base_value)`), or `i(year, x, ref
//! = 2008)`: `x` in each year but the reference. Effects and clusters are columns or combinations, `hs4^year`.

use crate::config;
use crate::yaml::{self, YamlError};
use estimate::{Correction, Counted, Kernel, Repair, WildWeights};
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

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Its name in tables.
    pub name: String,
    /// Its value, in SQL.
    pub sql: String,
    /// The column of a plain term, to be looked for.
    pub columns: Vec<String>,
    /// `i(by, x, ref)`: the column, and its reference level.
    pub by: Option<(String, Option<String>)>,
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

/// What is assumed of the errors, by names of columns.
#[derive(Debug, Clone, PartialEq)]
pub enum InferenceText {
    /// One variance.
    Iid,
    /// HC1, HC2 or HC3.
    Hc(u8),
    /// Clusters.
    Cluster(Vec<Vec<String>>),
    /// The jackknife of a cluster.
    Jackknife(Vec<String>),
    /// Time, lags.
    DriscollKraay(Vec<String>, Option<usize>),
    /// Place, latitude, longitude, kilometres, kernel.
    Conley(String, String, String, f64, Kernel),
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

/// Parts of `text` between `separator`s that are in no brackets and no quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut from) = (0_i32, false, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            c if c == separator && depth == 0 && !quoted => {
                parts.push(text[from..at].trim());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || c == '_')
}

/// The arguments of `name(...)`.
fn call<'t>(text: &'t str, name: &str) -> Option<Vec<&'t str>> {
    let inner =
        text.trim().strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    Some(split(inner, ','))
}

impl Term {
    /// Reads a term.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("an empty term".to_owned());
        }
        if let [name, sql] = split(text, '=')[..]
            && is_name(name)
            && !sql.is_empty()
        {
            return Ok(Self { name: name.to_owned(), ..Self::parse(sql)? });
        }
        if let Some(arguments) = call(text, "i") {
            // Without a regressor it is the level itself, yes or no.
            let is_reference =
                |text: &&&str| text.trim_start_matches("ref").trim_start().starts_with('=');
            let (by, what, rest) = match &arguments[..] {
                [by] => (by, "1", &[][..]),
                [by, rest] if Some(rest).filter(is_reference).is_some() => {
                    (by, "1", std::slice::from_ref(rest))
                }
                [by, what, rest @ ..] => (by, *what, rest),
                [] => return Err(format!("{text:?}: expected i(column, regressor, ref = level)")),
            };
            let reference = match rest {
                [] => None,
                [reference] => {
                    let value = split(reference, '=');
                    let ["ref", value] = value[..] else {
                        return Err(format!(
                            "{text:?}: expected `ref = level` as the third argument"
                        ));
                    };
                    Some(value.trim_matches(['\'', '"']).to_owned())
                }
                _ => return Err(format!("{text:?}: expected i(column, regressor, ref = level)")),
            };
            if !is_name(by) {
                return Err(format!("{text:?}: {by:?} is no column"));
            }
            let inner = Self::parse(what)?;
            return Ok(Self { by: Some(((*by).to_owned(), reference)), ..inner });
        }
        let parts = split(text, ':');
        if parts.iter().all(|part| is_name(part)) {
            let columns: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            let quoted: Vec<String> = columns.iter().map(|name| number(&quote(name))).collect();
            return Ok(Self { name: text.to_owned(), sql: quoted.join(" * "), columns, by: None });
        }
        if text.contains('^') {
            return Err(format!("{text:?}: ^ is no power in SQL: write power(x, 2)"));
        }
        if text == "0" || text == "-1" || text.replace(' ', "").ends_with("-1") {
            return Err(format!(
                "{text:?}: the intercept cannot be left out; without effects it is always there"
            ));
        }
        Ok(Self { name: text.to_owned(), sql: number(text), columns: Vec::new(), by: None })
    }
}

fn number(sql: &str) -> String {
    format!("cast(({sql}) as double)")
}

/// A column's name in SQL.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn combination(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = text.split('^').map(str::trim).collect();
    match parts.iter().find(|part| !is_name(part)) {
        Some(part) => Err(format!("{part:?} is no column; combine columns by ^, as in hs4^year")),
        None => Ok(parts.into_iter().map(str::to_owned).collect()),
    }
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

impl InferenceText {
    fn parse(text: &str) -> Result<Self, String> {
        let arguments = |name: &str| call(text, name);
        let setting = |text: &str, name: &str| -> Option<String> {
            match split(text, '=')[..] {
                [found, value] if found == name => Some(value.to_owned()),
                _ => None,
            }
        };
        if let Some(inner) = arguments("cluster") {
            let columns = inner
                .iter()
                .flat_map(|part| split(part, '+'))
                .map(combination)
                .collect::<Result<_, _>>()?;
            return Ok(Self::Cluster(columns));
        }
        if let Some(inner) = arguments("crv3") {
            let [column] = &inner[..] else {
                return Err(format!("{text:?}: expected crv3(column), of one cluster variable"));
            };
            return Ok(Self::Jackknife(combination(column)?));
        }
        if let Some(inner) = arguments("driscoll_kraay") {
            let lags = match inner.get(1) {
                None => None,
                Some(part) => {
                    let value = setting(part, "lags").and_then(|value| value.parse().ok());
                    Some(value.ok_or_else(|| format!("{part:?}: expected lags = a count"))?)
                }
            };
            return Ok(Self::DriscollKraay(combination(inner[0])?, lags));
        }
        if let Some(inner) = arguments("conley") {
            let ([place, latitude, longitude, km] | [place, latitude, longitude, km, _]) =
                &inner[..]
            else {
                return Err(format!(
                    "{text:?}: expected conley(place, latitude, longitude, km = distance, kernel = bartlett or uniform)"
                ));
            };
            let km = setting(km, "km")
                .and_then(|value| value.parse::<f64>().ok())
                .filter(|km| *km > 0.0);
            let km = km.ok_or_else(|| format!("{text:?}: expected km = a distance above zero"))?;
            let kernel = match inner.get(4) {
                None => Kernel::Bartlett,
                Some(part) => match setting(part, "kernel").as_deref() {
                    Some("bartlett") => Kernel::Bartlett,
                    Some("uniform") => Kernel::Uniform,
                    _ => {
                        return Err(format!("{part:?}: expected kernel = bartlett or uniform"));
                    }
                },
            };
            return Ok(Self::Conley(
                (*place).to_owned(),
                (*latitude).to_owned(),
                (*longitude).to_owned(),
                km,
                kernel,
            ));
        }
        match text.trim() {
            "iid" => Ok(Self::Iid),
            "hc1" => Ok(Self::Hc(1)),
            "hc2" => Ok(Self::Hc(2)),
            "hc3" => Ok(Self::Hc(3)),
            other => Err(format!(
                "{other:?}: expected iid, hc1, hc2, hc3, cluster(a + b), crv3(a), driscoll_kraay(time, lags = n) or conley(place, latitude, longitude, km = n, kernel = bartlett or uniform)"
            )),
        }
    }

    /// In words, as printed below tables; with the lags that were taken.
    pub fn name(&self, lags: Option<usize>) -> String {
        let joined = |parts: &[String]| parts.join("^");
        match self {
            Self::Iid => "iid".to_owned(),
            Self::Hc(n) => format!("HC{n}"),
            Self::Cluster(columns) => {
                let names: Vec<String> = columns.iter().map(|column| joined(column)).collect();
                format!("clustered by {}", names.join(" and "))
            }
            Self::Jackknife(column) => {
                format!("clustered by {}, jackknife (CRV3)", joined(column))
            }
            Self::DriscollKraay(time, asked) => {
                let lags = match (lags, asked) {
                    (Some(1), _) => "1 lag".to_owned(),
                    (Some(lags), _) => format!("{lags} lags"),
                    (None, Some(lags)) => format!("{lags} lags"),
                    (None, None) => "default lags".to_owned(),
                };
                let rule = if asked.is_none() { ", the floor of 4 (T / 100)^(2/9)" } else { "" };
                format!("Driscoll-Kraay ({}, {lags}{rule}, Bartlett kernel)", joined(time))
            }
            Self::Conley(place, _, _, km, kernel) => {
                let kernel = match kernel {
                    Kernel::Bartlett => "Bartlett",
                    Kernel::Uniform => "uniform",
                };
                format!("Conley ({place}, {km} km, {kernel} kernel)")
            }
        }
    }
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

impl Spec {
    fn of(model: &str, table: &str, text: &SpecText) -> Result<Self, ModelError> {
        let name = text.name.clone().unwrap_or_default();
        let of = if name.is_empty() {
            format!("model `{model}`")
        } else {
            format!("model `{model}`, specification `{name}`")
        };
        let at = |key: &'static str| {
            let of = of.clone();
            move |why: String| ModelError::Value { of, key, why }
        };
        let none = Vec::new();
        let list = |texts: &Option<Vec<String>>| texts.clone().unwrap_or_default();
        let outcomes =
            each(text.outcomes.as_ref().unwrap_or(&none), Term::parse).map_err(at("outcomes"))?;
        if outcomes.is_empty() {
            return Err(at("outcomes")("expected at least one".to_owned()));
        }
        let mut names = list(&text.regressors);
        names.extend(list(&text.add));
        let without = list(&text.without);
        let mut regressors = each(&names, Term::parse).map_err(at("regressors"))?;
        for name in &without {
            let before = regressors.len();
            regressors.retain(|term| term.name != *name);
            if regressors.len() == before {
                return Err(at("without")(format!("{name:?} is not among the regressors")));
            }
        }
        let endogenous = each(&list(&text.endogenous), Term::parse).map_err(at("endogenous"))?;
        let instruments = each(&list(&text.instruments), Term::parse).map_err(at("instruments"))?;
        if endogenous.is_empty() != instruments.is_empty() {
            return Err(at("instruments")(
                "endogenous regressors and instruments go together".to_owned(),
            ));
        }
        if regressors.is_empty() && endogenous.is_empty() {
            return Err(at("regressors")("expected at least one".to_owned()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) =
            regressors.iter().chain(&endogenous).find(|term| !seen.insert((&term.name, &term.by)))
        {
            return Err(at("regressors")(format!("`{}` is there twice", twice.name)));
        }
        let explains =
            |outcome: &Term, term: &&Term| (&outcome.sql, &outcome.by) == (&term.sql, &term.by);
        for outcome in &outcomes {
            if let Some(term) =
                regressors.iter().chain(&endogenous).find(|term| explains(outcome, term))
            {
                return Err(at("outcomes")(format!(
                    "`{}` is among the regressors too, as `{}`: it would explain itself",
                    outcome.name, term.name
                )));
            }
        }
        let effects = each(&list(&text.effects), combination).map_err(at("effects"))?;
        let estimator = text
            .estimator
            .as_deref()
            .map_or(Ok(Estimator::Ols), Estimator::parse)
            .map_err(at("estimator"))?;
        if estimator != Estimator::Ols && !endogenous.is_empty() {
            return Err(at("endogenous")("instruments are for ols only".to_owned()));
        }
        let inference = text
            .inference
            .as_deref()
            .map_or(Ok(InferenceText::Hc(1)), InferenceText::parse)
            .map_err(at("inference"))?;
        let correction = match &text.correction {
            None => Correction::default(),
            Some(text) => {
                let default = Correction::default();
                Correction {
                    k_adj: text.k_adj.unwrap_or(default.k_adj),
                    k_fixef: one_of(
                        text.k_fixef.as_deref(),
                        default.k_fixef,
                        &[
                            ("none", Counted::None),
                            ("nonnested", Counted::Nonnested),
                            ("full", Counted::Full),
                        ],
                    )
                    .map_err(at("correction.k_fixef"))?,
                    g_adj: text.g_adj.unwrap_or(default.g_adj),
                    g_min: one_of(
                        text.g_df.as_deref(),
                        default.g_min,
                        &[("min", true), ("conventional", false)],
                    )
                    .map_err(at("correction.g_df"))?,
                    k_exact: text.k_exact.unwrap_or(default.k_exact),
                    repair: one_of(
                        text.repair.as_deref(),
                        default.repair,
                        &[
                            ("variances", Repair::Variances),
                            ("psd", Repair::Psd),
                            ("never", Repair::Never),
                        ],
                    )
                    .map_err(at("correction.repair"))?,
                }
            }
        };
        let wild = match &text.wild {
            None => None,
            Some(wild) => Some(Wild {
                cluster: combination(&wild.cluster).map_err(at("wild.cluster"))?,
                n_replicates: wild.replicates.unwrap_or(999),
                weights: one_of(
                    wild.weights.as_deref(),
                    None,
                    &[
                        ("auto", None),
                        ("rademacher", Some(WildWeights::Rademacher)),
                        ("webb", Some(WildWeights::Webb)),
                    ],
                )
                .map_err(at("wild.weights"))?,
                seed: wild.seed.unwrap_or(1),
                at_most: wild.at_most.unwrap_or(50),
            }),
        };
        if let Some(Wild { n_replicates, at_most, .. }) = &wild {
            config::within(n_replicates, &config::REPEATED).map_err(at("wild.replicates"))?;
            config::within(at_most, &(0..=1_000_000)).map_err(at("wild.at_most"))?;
        }
        let winsor = text.winsor.unwrap_or(0.0);
        if !(0.0..0.5).contains(&winsor) {
            return Err(at("winsor")(format!("{winsor}: expected a share from 0 to below 0.5")));
        }
        if [&text.r#where, &text.and_where].into_iter().flatten().any(|text| text.trim().is_empty())
        {
            return Err(at("where")(
                "it is empty: expected a SQL condition, as in base_value > 0".to_owned(),
            ));
        }
        let condition = match (&text.r#where, &text.and_where) {
            (Some(a), Some(b)) => Some(format!("({a}) and ({b})")),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Ok(Self {
            drop_singletons: one_of(
                text.singletons.as_deref(),
                true,
                &[("drop", true), ("keep", false)],
            )
            .map_err(at("singletons"))?,
            drop_empty: one_of(text.empty.as_deref(), false, &[("drop", true), ("error", false)])
                .map_err(at("empty"))?,
            weights: text.weights.as_deref().map(Term::parse).transpose().map_err(at("weights"))?,
            name,
            table: table.to_owned(),
            outcomes,
            regressors,
            endogenous,
            instruments,
            effects,
            condition,
            estimator,
            inference,
            correction,
            winsor,
            wild,
        })
    }

    /// The statement that reads its rows, and how many columns of numbers come before those of text.
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

    /// The columns of numbers: outcomes, endogenous regressors, regressors, instruments, weights, and coordinates.
    pub fn numbers(&self) -> Vec<Term> {
        let coordinates = match &self.inference {
            InferenceText::Conley(_, latitude, longitude, ..) => vec![latitude, longitude],
            _ => Vec::new(),
        };
        let coordinate = |name: &&String| Term {
            name: (*name).clone(),
            sql: number(&quote(name)),
            columns: vec![(*name).clone()],
            by: None,
        };
        self.outcomes
            .iter()
            .chain(&self.endogenous)
            .chain(&self.regressors)
            .chain(&self.instruments)
            .chain(&self.weights)
            .cloned()
            .chain(coordinates.iter().map(coordinate))
            .collect()
    }

    /// The columns of categories, each once.
    pub fn factors(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let of_inference: Vec<Vec<String>> = match &self.inference {
            InferenceText::Cluster(columns) => columns.clone(),
            InferenceText::Jackknife(columns) => vec![columns.clone()],
            InferenceText::DriscollKraay(time, _) => vec![time.clone()],
            InferenceText::Conley(place, ..) => vec![vec![place.clone()]],
            _ => Vec::new(),
        };
        let by = self.endogenous.iter().chain(&self.regressors).chain(&self.instruments);
        let by: Vec<String> =
            by.filter_map(|term| term.by.as_ref()).map(|(by, _)| by.clone()).collect();
        let wild = self.wild.iter().flat_map(|wild| wild.cluster.clone());
        for column in
            self.effects.iter().chain(&of_inference).flatten().cloned().chain(by).chain(wild)
        {
            if !found.contains(&column) {
                found.push(column);
            }
        }
        found
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
            .map(|text| Spec::of(&model.name, &model.table, text))
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
        let bad =
            |why: String| ModelError::Value { of: "the formula".to_owned(), key: "formula", why };
        let parts = split(formula, '|');
        let [main, others @ ..] = &parts[..] else { return Err(bad("it is empty".to_owned())) };
        let [outcomes, regressors] = split(main, '~')[..] else {
            return Err(bad(format!("{main:?}: expected outcome ~ regressors")));
        };
        let list =
            |text: &str| Some(split(text, '+').into_iter().map(str::to_owned).collect::<Vec<_>>());
        let mut spec = SpecText {
            outcomes: list(outcomes),
            regressors: if regressors == "1" { None } else { list(regressors) },
            weights: rest.weights.clone(),
            r#where: rest.condition.clone(),
            estimator: rest.estimator.clone(),
            inference: rest.inference.clone(),
            winsor: rest.winsor,
            ..SpecText::default()
        };
        for part in others {
            match split(part, '~')[..] {
                [effects] if spec.effects.is_none() => {
                    spec.effects = if effects == "0" { Some(Vec::new()) } else { list(effects) };
                }
                [endogenous, instruments] if spec.endogenous.is_none() => {
                    spec.endogenous = list(endogenous);
                    spec.instruments = list(instruments);
                }
                _ => {
                    return Err(bad(format!(
                        "{part:?}: expected effects, or endogenous ~ instruments"
                    )));
                }
            }
        }
        let spec = Spec::of("formula", table, &spec)?;
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
    fn terms_are_columns_products_expressions_and_dynamics() {
        let term = |text| Term::parse(text).expect("a term");
        assert_eq!(term("density").columns, ["density"]);
        assert_eq!(term("a:b").sql, "cast((\"a\") as double) * cast((\"b\") as double)");
        assert_eq!(term("size = ln(x + 1)").name, "size");
        assert_eq!(term("size = ln(x + 1)").sql, "cast((ln(x + 1)) as double)");
        let dynamic = term("i(year, density, ref = 2008)");
        assert_eq!(
            (dynamic.name.as_str(), dynamic.by),
            ("density", Some(("year".to_owned(), Some("2008".to_owned()))))
        );
        // fixest's form without a regressor: the years themselves.
        let years = term("i(year, ref = 2008)");
        assert_eq!(
            (years.name.as_str(), years.by),
            ("1", Some(("year".to_owned(), Some("2008".to_owned()))))
        );
        assert_eq!(term("i(year)").by, Some(("year".to_owned(), None)));
        assert!(
            Term::parse("x^2").is_err()
                && Term::parse("x - 1").is_err()
                && Term::parse("0").is_err()
        );
        // A comparison is no name.
        assert_eq!(term("case when x = 1 then 1 else 0 end").columns.len(), 0);
    }

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
