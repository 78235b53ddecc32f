//! What columns of models are called in words, in which units they are, and how far regressors
//! vary.

use super::error::ReportError;
use super::source::Source;
use super::words::{Words, key};
use crate::regression_table::renamed;
use lake::{Catalog, Column, Kind, TableVersion};
use project::formula::quote;
use project::model_spec::Heading;
use serde_json::{Value, json};
use stages::regression::{Coefficient, Estimated};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Short names of columns, where what their contract says is long, or means something beside its
/// neighbours only.
const WORDS: [(&str, &str); 56] = [
    ("base_value", key("exports at the base")),
    ("collective_share", key("share of collective firms")),
    ("density", key("relatedness density")),
    ("destination_hhi", key("concentration over destinations")),
    ("dhs_value", key("midpoint growth over the year")),
    ("dlog_value", key("log growth over the year")),
    ("eci", key("economic complexity of the region")),
    ("end_value", key("exports at the end")),
    ("episode", key("episode")),
    ("expy_change", key("change of EXPY")),
    ("firm_hhi", key("concentration over firms")),
    ("fob_value", key("exports")),
    ("foreign_share", key("share of foreign-invested firms")),
    ("group_entropy", key("entropy within the group")),
    ("has_rebate_rise", key("whether the rebate rose")),
    ("hong_kong_share", key("share of Hong Kong")),
    ("hs2", key("chapter")),
    ("hs4", key("heading")),
    ("hs6", key("product")),
    ("is_entry", key("entry")),
    ("is_exit", key("exit")),
    ("is_recovered", key("recovered")),
    ("log_base_value", key("log of exports at the base")),
    ("log_export_tax", key("log of the export tax")),
    ("log_export_tax_exposure", key("log of the export tax, of what is eligible")),
    ("log_firms", key("log of exporting firms")),
    ("log_value", key("log of exports")),
    ("market_share", key("share of the nation's exports")),
    ("mean_density", key("mean density")),
    ("pci", key("product complexity")),
    ("private_share", key("share of private firms")),
    ("processing_share", key("share of processing trade")),
    ("product", key("product")),
    ("product_hhi", key("concentration over regions")),
    ("rca", key("revealed comparative advantage")),
    ("rebate_exposure", key("rise of the rebate, of what is eligible")),
    ("rebate_exposure_low", key("rise of the rebate, lower bound of what is eligible")),
    ("rebate_step", key("rise of the rebate")),
    ("recovery", key("recovery")),
    ("recovery_dhs", key("recovery (midpoint growth)")),
    ("recovery_diff", key("recovery (growth less the nation's)")),
    ("recovery_dlog", key("recovery (log growth less the nation's)")),
    ("region_code", key("region")),
    ("related_variety", key("related variety")),
    ("resistance", key("resistance")),
    ("resistance_dhs", key("resistance (midpoint growth)")),
    ("resistance_diff", key("resistance (growth less the nation's)")),
    ("resistance_dlog", key("resistance (log growth less the nation's)")),
    ("state_share", key("share of state-owned firms")),
    ("supplied_processing_share", key("share of processing with supplied materials")),
    ("trough_value", key("exports at the trough")),
    ("unrelated_variety", key("unrelated variety")),
    ("upgrading", key("upgrading")),
    ("us_eu_japan_share", key("share of the US, the EU and Japan")),
    ("value_density", key("density by shares of exports")),
    ("year", key("year")),
];

/// Characters of what a contract says that are a name still.
const SHORT: usize = 48;

/// Standard deviations by the names of columns.
type Deviations = BTreeMap<String, f64>;

/// Names in words by the names of columns.
type Names = BTreeMap<String, String>;

/// What a column is called: by its short name, by what its contract says if that is short, or as it
/// is, with blanks.
fn in_words(words: &Words, name: &str, about: &str) -> String {
    if let Ok(at) = WORDS.binary_search_by(|(known, _)| known.cmp(&name)) {
        return words.say(WORDS[at].1).to_owned();
    }
    let said = about.split([';', '(']).next().unwrap_or_default().trim();
    // What is said of the column before is nothing by itself.
    let is_part = ["of ", "the same", "why ", "whether "].iter().any(|of| said.starts_with(of));
    if said.is_empty() || is_part || said.chars().count() > SHORT {
        return name.replace('_', " ");
    }
    said.strip_prefix("ln of ").map_or_else(|| said.to_owned(), |of| format!("log of {of}"))
}

/// The parts of a text that can be names of columns.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|part| !part.is_empty())
}

/// What names a regression has: of its outcome, terms, weights, effects and errors.
fn texts(result: &Estimated) -> impl Iterator<Item = &str> {
    let summary = &result.summary;
    [&result.outcome, &summary.weights, &summary.effects, &summary.inference, &summary.clusters]
        .into_iter()
        .map(String::as_str)
        .chain(result.terms())
}

/// Names in words of all columns that some regressions name. Two of one name keep their own beside
/// it.
fn names(words: &Words, version: Option<&TableVersion>, results: &[&Estimated]) -> Names {
    let used: BTreeSet<&str> =
        results.iter().flat_map(|result| texts(result)).flat_map(parts).collect();
    let columns = version.map_or(&[][..], |version| &version.columns[..]);
    let about = |name: &str| columns.iter().find(|column| column.name == name);
    let mut names: Names = BTreeMap::new();
    for name in used {
        match about(name) {
            Some(column) => {
                names.insert(name.to_owned(), in_words(words, name, &column.about));
            }
            // A name that the model's file gives.
            None if results.iter().any(|r| r.outcome == name || r.terms().any(|t| t == name)) => {
                names.insert(name.to_owned(), name.replace('_', " "));
            }
            None => {}
        }
    }
    let mut n_of: BTreeMap<String, usize> = BTreeMap::new();
    for label in names.values() {
        *n_of.entry(label.clone()).or_default() += 1;
    }
    for (name, label) in &mut names {
        if n_of.get(label).is_some_and(|n| *n > 1) {
            *label = format!("{label} ({name})");
        }
    }
    names
}

/// Which columns the names stand for, to be said below a table; nothing where all are the columns'
/// own.
fn said(words: &Words, names: &Names) -> Option<String> {
    let of = names.iter().filter(|(name, label)| name != label);
    let all: Vec<String> = of.map(|(name, label)| format!("{label}: {name}")).collect();
    let columns = all.join(words.say("; "));
    (!all.is_empty()).then(|| words.say_with("Columns: {columns}.", &[("columns", &columns)]))
}

/// A model with its regressions, all of whose columns have names in words.
pub(super) fn in_words_of(
    catalog: &Catalog,
    words: &Words,
    heading: &Heading,
    results: &[Estimated],
) -> (Heading, Vec<Estimated>) {
    let all: Vec<&Estimated> = results.iter().collect();
    let table = all.first().and_then(|result| catalog.tables.get(&result.summary.table));
    let names = names(words, table, &all);
    let heading = Heading {
        title: heading.title.clone(),
        about: [said(words, &names).unwrap_or_default().as_str(), heading.about.trim()]
            .join(" ")
            .trim()
            .to_owned(),
        focus: heading.focus.iter().map(|term| label(term, &names)).collect(),
    };
    (heading, results.iter().map(|result| renamed(result, &names)).collect())
}

/// What a term that is followed is called.
fn label(term: &str, names: &Names) -> String {
    let parts: Vec<&str> =
        term.split(':').map(|part| names.get(part).map_or(part, String::as_str)).collect();
    names.get(term).cloned().unwrap_or_else(|| parts.join(":"))
}

/// The column that a coefficient is of: the regressor, or that of which it is a level.
fn column_of(c: &Coefficient) -> &str {
    c.level.as_ref().map_or(c.term.as_str(), |level| level.of.as_str())
}

/// Standard deviations of the columns that a regression's coefficients are of, over the rows of its
/// condition that have a value.
fn deviations(
    source: &Source<'_>,
    version: &TableVersion,
    result: &Estimated,
) -> Result<Deviations, ReportError> {
    let named: BTreeSet<&str> = result.coefficients.iter().map(column_of).collect();
    let is_number = |column: &&Column| column.kind != Kind::Text;
    let columns: Vec<&Column> = version
        .columns
        .iter()
        .filter(|column| named.contains(column.name.as_str()))
        .filter(is_number)
        .collect();
    if columns.is_empty() {
        return Ok(Deviations::new());
    }
    let asked: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| format!("stddev(cast({} as double)) as c{at}", quote(&column.name)))
        .collect();
    let condition = match result.summary.condition.as_str() {
        "" => String::new(),
        condition => format!(" where {condition}"),
    };
    let table = result.summary.table.as_str();
    let rows =
        source.rows(&[table], &format!("select {} from {table}{condition}", asked.join(", ")))?;
    let found = rows.first();
    let of = |at: usize| found.and_then(|row| row[format!("c{at}").as_str()].as_f64());
    Ok(columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some((column.name.clone(), of(at)?)))
        .filter(|(_, deviation)| *deviation > 0.0)
        .collect())
}

/// The models whose coefficients are shown: what they are called and follow.
pub(super) fn models(results: &[(Heading, Estimated)]) -> Vec<Value> {
    let mut models: Vec<Value> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for (heading, result) in results {
        if known.insert(&result.model) {
            models.push(
                json!({"model": result.model, "title": heading.title, "focus": heading.focus,
                "table": result.summary.table}),
            );
        }
    }
    models
}

/// All coefficients, with the names and units of their outcomes and regressors, and with the
/// standard deviation of the regressor where it is a column of the table.
pub(super) fn coefficients(
    source: &Source<'_>,
    words: &Words,
    results: &[(Heading, Estimated)],
) -> Result<Vec<Value>, ReportError> {
    let mut rows: Vec<Value> = Vec::new();
    // Specifications of one condition ask for the same deviations.
    let mut asked: BTreeMap<(&str, &str, BTreeSet<&str>), Deviations> = BTreeMap::new();
    for (_, result) in results {
        let summary = &result.summary;
        let version = source.catalog.tables.get(&summary.table);
        let of_model: Vec<&Estimated> = results
            .iter()
            .map(|(_, other)| other)
            .filter(|other| other.model == result.model)
            .collect();
        let shown = renamed(result, &names(words, version, &of_model));
        let key = (
            summary.table.as_str(),
            summary.condition.as_str(),
            result.coefficients.iter().map(column_of).collect(),
        );
        let deviations = match asked.entry(key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(none) => {
                let of = version.map(|version| deviations(source, version, result));
                none.insert(of.transpose()?.unwrap_or_default())
            }
        };
        let unit = |name: &str| {
            let columns = version.map_or(&[][..], |version| &version.columns[..]);
            columns.iter().find(|column| column.name == name).map(|column| column.unit.clone())
        };
        for (c, of) in result.coefficients.iter().zip(&shown.coefficients) {
            let column = column_of(c);
            rows.push(json!({
                "model": result.model, "specification": result.specification,
                "outcome": result.outcome, "term": c.term, "estimate": c.estimate, "se": c.se,
                "low": c.interval.map(|of| of.low), "high": c.interval.map(|of| of.high),
                "label": of.term, "outcome_label": shown.outcome, "unit": unit(column),
                "outcome_unit": unit(&result.outcome), "estimator": summary.estimator,
                "sd": deviations.get(column),
                "level_of": c.level.as_ref().map(|level| level.of.as_str()),
            }));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stages::contracts;
    use stages::regression::Summary;

    #[test]
    fn short_names_are_of_columns_and_in_order() {
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        let panels: BTreeSet<&str> = contracts::all()
            .iter()
            .filter(|contract| contract.table.starts_with("panel."))
            .flat_map(|contract| contract.columns.iter().map(|column| column.name.as_str()))
            .collect();
        for (name, _) in WORDS {
            assert!(panels.contains(name), "no panel has a column `{name}`");
        }
        let labels: BTreeSet<&str> = WORDS.iter().map(|(_, label)| *label).collect();
        // A product is called so by its code of any classification.
        assert_eq!(labels.len() + 1, WORDS.len());
    }

    #[test]
    fn what_has_no_short_name_is_called_as_its_contract_says() {
        let words = Words::english();
        assert_eq!(in_words(&words, "density", "whatever"), "relatedness density");
        assert_eq!(
            in_words(&words, "log_x", "ln of imports; null if not positive"),
            "log of imports"
        );
        assert_eq!(
            in_words(&words, "n_firms", "exporting firms; null without firms"),
            "exporting firms"
        );
        assert_eq!(in_words(&words, "ordinary_share", "of ordinary trade"), "ordinary share");
        assert_eq!(in_words(&words, "my_column", ""), "my column");
        assert_eq!(in_words(&words, "long_one", &"words ".repeat(20)), "long one");
    }

    #[test]
    fn names_of_a_table_are_said_below_it() {
        let result = Estimated {
            model: "m".to_owned(),
            specification: String::new(),
            outcome: "growth_of_it".to_owned(),
            coefficients: vec![Coefficient::without("x".to_owned(), None, String::new())],
            summary: Summary { effects: "region_code^hs2".to_owned(), ..Summary::default() },
        };
        let words = Words::english();
        let names = names(&words, None, &[&result]);
        assert_eq!(names.get("growth_of_it").map(String::as_str), Some("growth of it"));
        assert_eq!(names.get("region_code"), None, "no column of a table that is not there");
        assert_eq!(said(&words, &names).as_deref(), Some("Columns: growth of it: growth_of_it."));
        assert_eq!(said(&words, &Names::new()), None);
        assert_eq!(label("x:growth_of_it", &names), "x:growth of it");
    }
}
