//! Formulas and what they are made of: terms, combinations of columns, and assumptions on errors.
//!
//! A term is a column, a product `a:b`, a SQL expression, any of them with a name before it
//! (`size = ln(base_value)`), or `i(year, x, ref = 2008)`: `x` in each year but the reference.
//! Effects and clusters are columns or combinations, `hs4^year`.
//!
//! Regressors and effects may be stepwise, as in `fixest`: `sw(a, b)` takes one after the other,
//! `csw(a, b)` adds one after the other, `sw0` and `csw0` begin with none.

use estimate::Kernel;

/// The parts of a formula `y + z ~ a + b:c | f + g^h | endogenous ~ instruments`, as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formula {
    /// What is explained.
    pub outcomes: Vec<String>,
    /// What explains it; nothing of `1`.
    pub regressors: Vec<String>,
    /// Absorbed effects; none of `0`.
    pub effects: Option<Vec<String>>,
    /// Endogenous regressors.
    pub endogenous: Option<Vec<String>>,
    /// What stands for them.
    pub instruments: Option<Vec<String>>,
}

impl Formula {
    /// Takes a formula apart.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let list = |text: &str| -> Vec<String> {
            split(text, '+').into_iter().map(str::to_owned).collect()
        };
        let parts = split(text, '|');
        let [main, others @ ..] = &parts[..] else { return Err("it is empty".to_owned()) };
        let [outcomes, regressors] = split(main, '~')[..] else {
            return Err(format!("{main:?}: expected outcome ~ regressors"));
        };
        let mut formula = Self {
            outcomes: list(outcomes),
            regressors: if regressors == "1" { Vec::new() } else { list(regressors) },
            ..Self::default()
        };
        for part in others {
            match split(part, '~')[..] {
                [effects] if formula.effects.is_none() => {
                    formula.effects = Some(if effects == "0" { Vec::new() } else { list(effects) });
                }
                [endogenous, instruments] if formula.endogenous.is_none() => {
                    formula.endogenous = Some(list(endogenous));
                    formula.instruments = Some(list(instruments));
                }
                _ => {
                    return Err(format!("{part:?}: expected effects, or endogenous ~ instruments"));
                }
            }
        }
        Ok(formula)
    }

    /// The formulas without stepwise terms that it stands for, each with what is chosen in it; the
    /// formula itself, without a name, if it has none.
    ///
    /// # Errors
    ///
    /// What is wrong with a stepwise term.
    pub fn choices(&self) -> Result<Vec<(String, Self)>, String> {
        let of_regressors = choices(&self.regressors)?;
        let of_effects = match &self.effects {
            Some(effects) => choices(effects)?,
            None => vec![(Vec::new(), Vec::new())],
        };
        let n = of_regressors.len() * of_effects.len();
        if n > MOST_CHOICES {
            return Err(format!(
                "its stepwise terms make {n} specifications: expected at most {MOST_CHOICES}"
            ));
        }
        let mut found = Vec::with_capacity(n);
        for (of_effect, effects) in &of_effects {
            for (of_regressor, regressors) in &of_regressors {
                let name = [&of_regressor[..], &of_effect[..]].concat().join(", ");
                let formula = Self {
                    regressors: regressors.clone(),
                    effects: self.effects.as_ref().map(|_| effects.clone()),
                    ..self.clone()
                };
                found.push((name, formula));
            }
        }
        Ok(found)
    }
}

/// Specifications that stepwise terms may make.
const MOST_CHOICES: usize = 1000;

/// What is chosen of stepwise terms, and the terms that come of it.
type Choice = (Vec<String>, Vec<String>);

/// Every way to choose among the stepwise ones of `terms`.
fn choices(terms: &[String]) -> Result<Vec<Choice>, String> {
    let mut found: Vec<Choice> = vec![Choice::default()];
    for term in terms {
        let Some(steps) = steps(term)? else {
            found.iter_mut().for_each(|(_, chosen)| chosen.push(term.clone()));
            continue;
        };
        if found.len() * steps.len() > MOST_CHOICES {
            return Err(format!(
                "{term:?}: the stepwise terms make more than {MOST_CHOICES} specifications"
            ));
        }
        let with = |(names, chosen): &Choice, step: &Vec<String>| -> Choice {
            let name = if step.is_empty() { "none".to_owned() } else { step.join(" + ") };
            ([&names[..], &[name]].concat(), [&chosen[..], &step[..]].concat())
        };
        found = found.iter().flat_map(|of| steps.iter().map(move |step| with(of, step))).collect();
    }
    Ok(found)
}

/// The terms of each step of a stepwise term; `None` of any other.
fn steps(term: &str) -> Result<Option<Vec<Vec<String>>>, String> {
    let forms =
        [("sw", false, false), ("sw0", true, false), ("csw", false, true), ("csw0", true, true)];
    let found = forms.into_iter().find_map(|(name, from_none, adds)| {
        call(term, name).map(|arguments| (arguments, from_none, adds))
    });
    let Some((arguments, from_none, adds)) = found else { return Ok(None) };
    if arguments.iter().any(|argument| argument.is_empty()) {
        return Err(format!("{term:?}: expected terms between commas, as in csw(a, b)"));
    }
    let mut steps: Vec<Vec<String>> = Vec::new();
    if from_none {
        steps.push(Vec::new());
    }
    for argument in arguments {
        let own = split(argument, '+').into_iter().map(str::to_owned);
        let before = steps.last().filter(|_| adds).cloned().unwrap_or_default();
        steps.push(before.into_iter().chain(own).collect());
    }
    Ok(Some(steps))
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
    /// In whose levels it is taken one by one.
    pub by: Option<By>,
}

/// The levels of `i(column, x, ref = level)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct By {
    /// The column.
    pub column: String,
    /// The level that the others are held against.
    pub reference: Option<String>,
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
    /// Driscoll and Kraay's.
    DriscollKraay {
        /// The columns of the periods.
        time: Vec<String>,
        /// Lags; `None`: by the number of periods.
        lags: Option<usize>,
    },
    /// Conley's.
    Conley {
        /// The column of the places.
        place: String,
        /// The column of their latitudes.
        latitude: String,
        /// The column of their longitudes.
        longitude: String,
        /// Kilometres beyond which errors are independent.
        km: f64,
        /// How dependence fades until there.
        kernel: Kernel,
    },
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

/// The value of `name = value`.
fn setting<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    match split(text, '=')[..] {
        [found, value] if found == name => Some(value),
        _ => None,
    }
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
            return Self::in_levels(text, &arguments);
        }
        if call(text, "C").or_else(|| call(text, "factor")).is_some() {
            return Err(format!(
                "{text:?}: levels are written i(year) or i(year, ref = 2008), effects behind |"
            ));
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

    /// The term `i(...)` with these arguments.
    fn in_levels(text: &str, arguments: &[&str]) -> Result<Self, String> {
        // Without a regressor it is the level itself, yes or no.
        let is_reference =
            |text: &&&str| text.trim_start_matches("ref").trim_start().starts_with('=');
        let (by, what, rest) = match arguments {
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
                let value = setting(reference, "ref").ok_or_else(|| {
                    format!("{text:?}: expected `ref = level` as the third argument")
                })?;
                Some(value.trim_matches(['\'', '"']).to_owned())
            }
            _ => return Err(format!("{text:?}: expected i(column, regressor, ref = level)")),
        };
        if !is_name(by) {
            return Err(format!("{text:?}: {by:?} is no column"));
        }
        let by = By { column: (*by).to_owned(), reference };
        Ok(Self { by: Some(by), ..Self::parse(what)? })
    }

    /// A column of numbers, whatever its name.
    pub fn of_column(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sql: number(&quote(name)),
            columns: vec![name.to_owned()],
            by: None,
        }
    }
}

fn number(sql: &str) -> String {
    format!("cast(({sql}) as double)")
}

/// A column's name in SQL.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns of `hs4^year`.
///
/// # Errors
///
/// What is wrong with it.
pub fn combination(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = text.split('^').map(str::trim).collect();
    match parts.iter().find(|part| !is_name(part)) {
        Some(part) => Err(format!("{part:?} is no column; combine columns by ^, as in hs4^year")),
        None => Ok(parts.into_iter().map(str::to_owned).collect()),
    }
}

impl InferenceText {
    /// Reads what is assumed of the errors.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(inner) = call(text, "cluster") {
            let columns = inner
                .iter()
                .flat_map(|part| split(part, '+'))
                .map(combination)
                .collect::<Result<_, _>>()?;
            return Ok(Self::Cluster(columns));
        }
        if let Some(inner) = call(text, "crv3") {
            let [column] = &inner[..] else {
                return Err(format!("{text:?}: expected crv3(column), of one cluster variable"));
            };
            return Ok(Self::Jackknife(combination(column)?));
        }
        if let Some(inner) = call(text, "driscoll_kraay") {
            let lags = match inner.get(1) {
                None => None,
                Some(part) => {
                    let value = setting(part, "lags").and_then(|value| value.parse().ok());
                    Some(value.ok_or_else(|| format!("{part:?}: expected lags = a count"))?)
                }
            };
            return Ok(Self::DriscollKraay { time: combination(inner[0])?, lags });
        }
        if let Some(inner) = call(text, "conley") {
            return Self::conley(text, &inner);
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

    fn conley(text: &str, inner: &[&str]) -> Result<Self, String> {
        let ([place, latitude, longitude, km] | [place, latitude, longitude, km, _]) = inner else {
            return Err(format!(
                "{text:?}: expected conley(place, latitude, longitude, km = distance, kernel = bartlett or uniform)"
            ));
        };
        let km = setting(km, "km")
            .and_then(|value| value.parse::<f64>().ok())
            .filter(|km| *km > 0.0)
            .ok_or_else(|| format!("{text:?}: expected km = a distance above zero"))?;
        let kernel = match inner.get(4) {
            None => Kernel::Bartlett,
            Some(part) => match setting(part, "kernel") {
                Some("bartlett") => Kernel::Bartlett,
                Some("uniform") => Kernel::Uniform,
                _ => return Err(format!("{part:?}: expected kernel = bartlett or uniform")),
            },
        };
        Ok(Self::Conley {
            place: (*place).to_owned(),
            latitude: (*latitude).to_owned(),
            longitude: (*longitude).to_owned(),
            km,
            kernel,
        })
    }

    /// The columns of each cluster variable, or of the periods or places in its stead.
    pub fn groups(&self) -> Vec<Vec<String>> {
        match self {
            Self::Cluster(columns) => columns.clone(),
            Self::Jackknife(columns) => vec![columns.clone()],
            Self::DriscollKraay { time, .. } => vec![time.clone()],
            Self::Conley { place, .. } => vec![vec![place.clone()]],
            Self::Iid | Self::Hc(_) => Vec::new(),
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
            Self::DriscollKraay { time, lags: asked } => {
                let lags = match (lags, asked) {
                    (Some(1), _) => "1 lag".to_owned(),
                    (Some(lags), _) => format!("{lags} lags"),
                    (None, Some(lags)) => format!("{lags} lags"),
                    (None, None) => "default lags".to_owned(),
                };
                let rule = if asked.is_none() { ", the floor of 4 (T / 100)^(2/9)" } else { "" };
                format!("Driscoll-Kraay ({}, {lags}{rule}, Bartlett kernel)", joined(time))
            }
            Self::Conley { place, km, kernel, .. } => {
                let kernel = match kernel {
                    Kernel::Bartlett => "Bartlett",
                    Kernel::Uniform => "uniform",
                };
                format!("Conley ({place}, {km} km, {kernel} kernel)")
            }
        }
    }
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
        let by = |reference: Option<&str>| {
            Some(By { column: "year".to_owned(), reference: reference.map(str::to_owned) })
        };
        let dynamic = term("i(year, density, ref = 2008)");
        assert_eq!((dynamic.name.as_str(), dynamic.by), ("density", by(Some("2008"))));
        // fixest's form without a regressor: the years themselves.
        let years = term("i(year, ref = 2008)");
        assert_eq!((years.name.as_str(), years.by), ("1", by(Some("2008"))));
        assert_eq!(term("i(year)").by, by(None));
        assert!(
            Term::parse("x^2").is_err()
                && Term::parse("x - 1").is_err()
                && Term::parse("0").is_err()
        );
        // A comparison is no name.
        assert_eq!(term("case when x = 1 then 1 else 0 end").columns.len(), 0);
    }

    #[test]
    fn stepwise_terms_are_one_formula_after_the_other() {
        let of = |text: &str| -> Vec<(String, String, String)> {
            let choices = Formula::parse(text).and_then(|formula| formula.choices());
            let shown = |(name, of): (String, Formula)| {
                (name, of.regressors.join(" "), of.effects.unwrap_or_default().join(" "))
            };
            choices.expect("a formula").into_iter().map(shown).collect()
        };
        let is = |text: &str, expected: &[(&str, &str, &str)]| {
            let owned = |(a, b, c): &(&str, &str, &str)| {
                ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())
            };
            assert_eq!(of(text), expected.iter().map(owned).collect::<Vec<_>>(), "{text}");
        };
        is("y ~ x + swing | f", &[("", "x swing", "f")]);
        is("y ~ x + sw(a, ln(b, 2))", &[("a", "x a", ""), ("ln(b, 2)", "x ln(b, 2)", "")]);
        is(
            "y ~ csw0(a, b + c) + x",
            &[("none", "x", ""), ("a", "a x", ""), ("a + b + c", "a b c x", "")],
        );
        is(
            "y ~ sw(a, b) | csw0(f, g)",
            &[
                ("a, none", "a", ""),
                ("b, none", "b", ""),
                ("a, f", "a", "f"),
                ("b, f", "b", "f"),
                ("a, f + g", "a", "f g"),
                ("b, f + g", "b", "f g"),
            ],
        );
        let wrong =
            |text: &str| Formula::parse(text).and_then(|formula| formula.choices()).is_err();
        assert!(wrong("y ~ sw(a, )") && wrong("y ~ csw()"));
        let many = ["sw(a, b)"; 10].join(" + ");
        assert!(wrong(&format!("y ~ {many}")) && !wrong(&format!("y ~ {}", &many[11..])));
    }
}
