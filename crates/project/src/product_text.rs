//! The section `product` of a layout: what its product codes are codes of, how they are written, and
//! the tables that say their groups and names.

use crate::fault::Invalid;
use crate::paths::resolve_path;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use trade::classification::{Classification, Hierarchy, TableGroups};
use trade::hs::ParseRevisionError;
use trade::layout::{ProductFormat, RevisionYears};
use trade::row::ProductCode;

/// Classifications that are called by their initials, however they are written in a layout.
const KNOWN: [&str; 8] = ["SITC", "BEC", "ISIC", "NACE", "NAICS", "SCIAN", "CPC", "ANZSIC"];

/// The most characters of a classification's name.
const MAX_NAME: usize = 64;

/// The section as it stands in the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductText {
    classification: Option<String>,
    revision: Option<RevisionName>,
    digits: Option<usize>,
    restore_leading_zero: Option<bool>,
    revisions: Option<Vec<RevisionText>>,
    hierarchy: Option<HierarchyText>,
    labels: Option<LabelsText>,
}

/// The name of a revision, which YAML may take for a number.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum RevisionName {
    Number(u32),
    Text(String),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RevisionText {
    from: i32,
    to: i32,
    revision: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HierarchyText {
    digits: Option<Vec<usize>>,
    file: Option<String>,
    columns: Option<HierarchyColumns>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HierarchyColumns {
    code: String,
    group: String,
    subgroup: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LabelsText {
    file: String,
    columns: LabelColumns,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LabelColumns {
    code: String,
    name: String,
}

/// The section as it is meant.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) format: ProductFormat,
    /// The texts of the tables that it names, on which records depend.
    pub(crate) tables: String,
}

/// Reads the section of the layout at `path`.
///
/// # Errors
///
/// [`Invalid`] if a value makes no sense, or a table cannot be read.
pub(crate) fn read(path: &Path, text: &ProductText) -> Result<Product, Invalid> {
    let name = text.classification.as_deref().unwrap_or("hs").trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let why = format!("{name:?}: expected hs, another classification, or a name of your own");
        return Err(Invalid::new("product.classification", why));
    }
    if name.eq_ignore_ascii_case(trade::classification::HS) {
        return hs(path, text);
    }
    let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name));
    other(path, text, known.copied().unwrap_or(name))
}

/// Codes of the Harmonized System.
fn hs(path: &Path, text: &ProductText) -> Result<Product, Invalid> {
    if text.revision.is_some() {
        let why = "HS has `revisions`, each with its years";
        return Err(Invalid::new("product.revision", why));
    }
    if text.hierarchy.is_some() {
        let why = "it has no effect: the groups of HS are its chapters and headings";
        return Err(Invalid::new("product.hierarchy", why));
    }
    let digits = match text.digits {
        Some(digits @ (2 | 4 | 6..=12)) => digits,
        Some(digits) => {
            let why = format!("{digits}: expected 2, 4 or 6 to 12");
            return Err(Invalid::new("product.digits", why));
        }
        None => {
            return Err(Invalid::new("product.digits", "HS codes have 2, 4 or 6 to 12: say it"));
        }
    };
    let Some(restore_leading_zero) = text.restore_leading_zero else {
        let why = "expected true or false: whether a code with one digit less has lost its zero";
        return Err(Invalid::new("product.restore_leading_zero", why));
    };
    let Some(revisions) = &text.revisions else {
        let why = "expected the HS revisions of the codes, each with its years";
        return Err(Invalid::new("product.revisions", why));
    };
    let mut tables = String::new();
    let mut classification = Classification::hs();
    if let Some(labels) = &text.labels {
        // Codes of any level.
        let plain = |code: &str| code.replace(['.', ' '], "");
        read_labels(path, labels, plain, &mut classification, &mut tables)?;
    }
    let format = ProductFormat {
        classification: Arc::new(classification),
        digits: Some(digits),
        restore_leading_zero,
        revisions: revision_years(revisions)?,
    };
    Ok(Product { format, tables })
}

/// The revisions of HS, each year once at most.
fn revision_years(texts: &[RevisionText]) -> Result<Vec<RevisionYears>, Invalid> {
    let invalid = |why: String| Invalid::new("product.revisions", why);
    let mut revisions: Vec<RevisionYears> = Vec::new();
    for years in texts {
        let revision =
            years.revision.parse().map_err(|e: ParseRevisionError| invalid(e.to_string()))?;
        let (first, last) = (years.from, years.to);
        if first > last {
            return Err(invalid(format!("{first} is after {last}")));
        }
        if let Some(of) = revisions.iter().find(|of| first <= of.last && of.first <= last) {
            return Err(invalid(format!("{first}-{last} overlaps {}-{}", of.first, of.last)));
        }
        revisions.push(RevisionYears { first, last, revision });
    }
    Ok(revisions)
}

/// Codes of another classification, or names.
fn other(path: &Path, text: &ProductText, name: &str) -> Result<Product, Invalid> {
    if text.revisions.is_some() {
        let why = format!("only HS has revisions by year; say `revision` of {name}");
        return Err(Invalid::new("product.revisions", why));
    }
    if let Some(digits) = text.digits.filter(|digits| !(1..=12).contains(digits)) {
        let why = format!("{digits}: expected 1 to 12, or no `digits` where codes are texts");
        return Err(Invalid::new("product.digits", why));
    }
    if text.digits.is_none() && text.restore_leading_zero.is_some() {
        let why = "it has no effect without `digits`";
        return Err(Invalid::new("product.restore_leading_zero", why));
    }
    let revision = text.revision.as_ref().map(|revision| match revision {
        RevisionName::Number(number) => number.to_string(),
        RevisionName::Text(text) => text.trim().to_owned(),
    });
    let mut format = ProductFormat {
        classification: Arc::new(Classification {
            name: name.to_owned(),
            revision: revision.filter(|revision| !revision.is_empty()),
            hierarchy: Hierarchy::Flat,
            labels: BTreeMap::new(),
        }),
        digits: text.digits,
        restore_leading_zero: text.restore_leading_zero.unwrap_or(false),
        revisions: Vec::new(),
    };
    let mut classification = (*format.classification).clone();
    let mut tables = String::new();
    if let Some(hierarchy) = &text.hierarchy {
        read_hierarchy(path, hierarchy, &format, &mut classification, &mut tables)?;
    }
    if let Some(labels) = &text.labels {
        let clean = |code: &str| analysed(&format, code).unwrap_or_else(|| code.to_owned());
        read_labels(path, labels, clean, &mut classification, &mut tables)?;
    }
    format.classification = Arc::new(classification);
    Ok(Product { format, tables })
}

/// The product that a text stands for, as it is analysed; none if the text is no code.
fn analysed(format: &ProductFormat, text: &str) -> Option<String> {
    ProductCode::clean(text, format).map(|code| code.analysed().to_owned())
}

fn read_hierarchy(
    path: &Path,
    text: &HierarchyText,
    format: &ProductFormat,
    into: &mut Classification,
    tables: &mut String,
) -> Result<(), Invalid> {
    match (&text.digits, &text.file, &text.columns) {
        (Some(digits), None, None) => {
            into.hierarchy = by_digits(digits, format.digits)?;
            Ok(())
        }
        (None, Some(file), Some(columns)) => {
            into.hierarchy = by_table(path, file, columns, format, into, tables)?;
            Ok(())
        }
        _ => {
            let why = "expected digits ([2, 3]: of the group, then the subgroup), or a file and its columns {code, group, subgroup, name}";
            Err(Invalid::new("product.hierarchy", why))
        }
    }
}

fn by_digits(levels: &[usize], digits: Option<usize>) -> Result<Hierarchy, Invalid> {
    let (group, subgroup) = match *levels {
        [group] => (group, None),
        [group, subgroup] => (group, Some(subgroup)),
        _ => (0, None),
    };
    let last = subgroup.unwrap_or(group);
    let is_ascending = group >= 1 && subgroup.is_none_or(|subgroup| subgroup > group);
    if !is_ascending || digits.is_some_and(|digits| last > digits) {
        let why = format!(
            "{levels:?}: expected the digits of the group and, beyond them, of the subgroup, no more than a code has"
        );
        return Err(Invalid::new("product.hierarchy.digits", why));
    }
    Ok(Hierarchy::Digits { group, subgroup })
}

fn by_table(
    path: &Path,
    file: &str,
    columns: &HierarchyColumns,
    format: &ProductFormat,
    into: &mut Classification,
    tables: &mut String,
) -> Result<Hierarchy, Invalid> {
    const KEY: &str = "product.hierarchy";
    let HierarchyColumns { code, group, subgroup, name } = columns;
    let names = [Some(code), Some(group), subgroup.as_ref(), name.as_ref()];
    let mut table = Said::new("group", groups_text);
    let (mut labels, mut group_of) = (Said::new("name", quoted), Said::new("group", quoted));
    each_row(path, file, KEY, names, tables, |line| {
        let [code, group, subgroup, name] = line.cells;
        let product = analysed(format, code).ok_or_else(|| {
            format!(
                "{code:?} is no code of the layout (`digits` of `product` say how long they are)"
            )
        })?;
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let groups = TableGroups { group: text(group), subgroup: text(subgroup) };
        if let Some(subgroup) = &groups.subgroup {
            let Some(group) = &groups.group else {
                return Err(format!("the subgroup {subgroup:?} has no group"));
            };
            group_of
                .add(subgroup, group.clone(), line.number)
                .map_err(|why| format!("the subgroup {why}"))?;
        }
        if let Some(name) = text(name) {
            labels.add(&product, name, line.number)?;
        }
        table.add(&product, groups, line.number)
    })?;
    into.labels.extend(labels.by_code());
    Ok(Hierarchy::Table(table.by_code().collect()))
}

fn read_labels(
    path: &Path,
    text: &LabelsText,
    clean: impl Fn(&str) -> String,
    into: &mut Classification,
    tables: &mut String,
) -> Result<(), Invalid> {
    let LabelColumns { code, name } = &text.columns;
    let names = [Some(code), Some(name), None, None];
    let mut labels = Said::new("name", quoted);
    each_row(path, &text.file, "product.labels", names, tables, |line| {
        let [code, name, ..] = line.cells;
        match name.is_empty() {
            true => Ok(()),
            false => labels.add(&clean(code), name.to_owned(), line.number),
        }
    })?;
    into.labels.extend(labels.by_code());
    Ok(())
}

/// What lines of a table say of codes, each with the line that says it.
#[derive(Debug)]
struct Said<T> {
    what: &'static str,
    /// It in words.
    words: fn(&T) -> String,
    by_code: BTreeMap<String, (T, u64)>,
}

impl<T: PartialEq> Said<T> {
    /// Nothing yet, of what is called so.
    fn new(what: &'static str, words: fn(&T) -> String) -> Self {
        Self { what, words, by_code: BTreeMap::new() }
    }

    /// Adds what a line says; refuses what another line says otherwise.
    fn add(&mut self, code: &str, said: T, line: u64) -> Result<(), String> {
        match self.by_code.get(code) {
            None => {
                self.by_code.insert(code.to_owned(), (said, line));
                Ok(())
            }
            Some((known, _)) if *known == said => Ok(()),
            Some((known, first)) => Err(format!(
                "{code:?} has the {} {}, and in line {first} {}: leave one of the lines out",
                self.what,
                (self.words)(&said),
                (self.words)(known)
            )),
        }
    }

    /// What is said of each code.
    fn by_code(self) -> impl Iterator<Item = (String, T)> {
        self.by_code.into_iter().map(|(code, (said, _))| (code, said))
    }
}

fn quoted<T: fmt::Debug>(text: &T) -> String {
    format!("{text:?}")
}

fn groups_text(groups: &TableGroups) -> String {
    match (&groups.group, &groups.subgroup) {
        (Some(group), Some(subgroup)) => format!("{group:?} and the subgroup {subgroup:?}"),
        (Some(group), None) => format!("{group:?}"),
        (None, _) => "none".to_owned(),
    }
}

/// A line of a table.
#[derive(Debug)]
struct Line<'t> {
    /// Its number, counted from 1.
    number: u64,
    /// Its cells in some columns, trimmed; of a column without a name empty.
    cells: [&'t str; 4],
}

/// Calls `each` with some columns of the lines of a table.
fn each_row(
    layout: &Path,
    file: &str,
    key: &'static str,
    names: [Option<&String>; 4],
    tables: &mut String,
    mut each: impl FnMut(&Line<'_>) -> Result<(), String>,
) -> Result<(), Invalid> {
    let path = resolve_path(layout, file);
    let invalid = |why: String| Invalid::new(key, format!("`{}`: {why}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| invalid(format!("failed to read the table: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    *tables += text;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| invalid(error.to_string()))?.clone();
    let mut places = [None; 4];
    for (place, name) in places.iter_mut().zip(names) {
        let Some(name) = name else { continue };
        *place = header.iter().position(|column| column.trim() == name);
        if place.is_none() {
            let found: Vec<&str> = header.iter().collect();
            return Err(invalid(format!("no column {name:?}: it has {}", found.join(", "))));
        }
    }
    for row in reader.records() {
        // The error of a row says its line.
        let row = row.map_err(|error| invalid(error.to_string()))?;
        let number = row.position().map_or(0, csv::Position::line);
        let cell = |place: Option<usize>| place.and_then(|at| row.get(at)).unwrap_or("").trim();
        let line = Line { number, cells: places.map(cell) };
        each(&line).map_err(|why| invalid(format!("line {number}: {why}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The section of a layout in a folder with these tables.
    fn product(text: Value, tables: &[(&str, &str)]) -> Result<Product, String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, rows) in tables {
            std::fs::write(folder.path().join(name), rows).expect("written");
        }
        let text: ProductText = serde_json::from_value(text).map_err(|e| e.to_string())?;
        read(&folder.path().join("layout.yaml"), &text)
            .map_err(|Invalid { key, why }| format!("{key}: {why}"))
    }

    fn classification(text: Value, tables: &[(&str, &str)]) -> Classification {
        (*product(text, tables).expect("a section").format.classification).clone()
    }

    #[test]
    fn hs_is_what_is_meant_where_nothing_is_said() {
        let years = json!([{"from": 2007, "to": 2011, "revision": "HS2007"}]);
        for digits in [2, 4, 6, 8] {
            let text = json!({"digits": digits, "restore_leading_zero": true, "revisions": &years});
            let format = product(text, &[]).expect("a section").format;
            assert!(format.is_hs() && format.digits == Some(digits));
        }
        let labels = json!({"file": "l.csv", "columns": {"code": "hs", "name": "text"}});
        let text = json!({"classification": "hs", "digits": 6, "restore_leading_zero": false,
            "revisions": &years, "labels": labels});
        let found = classification(text, &[("l.csv", "hs,text\n01,Animals\n0101.21,Horses\n")]);
        assert_eq!((found.label("01"), found.label("010121")), (Some("Animals"), Some("Horses")));
    }

    #[test]
    fn another_classification_has_its_revision_and_groups_by_digits() {
        let text = json!({"classification": "naics", "revision": 2017, "digits": 4,
            "hierarchy": {"digits": [2, 3]}});
        let found = classification(text, &[]);
        assert_eq!(found.to_string(), "NAICS (2017)");
        assert_eq!((found.group("3114"), found.subgroup("3114")), (Some("31"), Some("311")));
        let found = classification(json!({"classification": "trades of 1900"}), &[]);
        assert_eq!((found.to_string().as_str(), found.group("a")), ("trades of 1900", None));
    }

    #[test]
    fn a_table_has_groups_and_names() {
        let columns = json!({"code": "c", "group": "g", "subgroup": "s", "name": "n"});
        let text = json!({"classification": "own", "digits": 3, "restore_leading_zero": true,
            "hierarchy": {"file": "t.csv", "columns": columns},
            "labels": {"file": "l.csv", "columns": {"code": "g", "name": "n"}}});
        let tables = [
            ("t.csv", "\u{feff}n,c,g,s\nBread,01,F,F1\nSteel,200,M,M1\nWool,201,,\n"),
            ("l.csv", "g,n\nF,Food\nM,Metals\n"),
        ];
        let found = classification(text.clone(), &tables);
        assert_eq!((found.group("001"), found.subgroup("200")), (Some("F"), Some("M1")));
        assert_eq!((found.group("201"), found.lists("201")), (None, Some(true)));
        assert_eq!((found.label("001"), found.label("F")), (Some("Bread"), Some("Food")));
        for (rows, expected) in [
            (
                "c,g,s,n\n01,F,F1,\n02,M,F1,\n",
                "line 3: the subgroup \"F1\" has the group \"M\", and in line 2 \"F\"",
            ),
            (
                "c,g,s,n\n01,F,,\n200,M,,\n01,M,,\n",
                "line 4: \"001\" has the group \"M\", and in line 2 \"F\"",
            ),
            (
                "c,g,s,n\n01,F,,Bread\n01,F,,Rolls\n",
                "line 3: \"001\" has the name \"Rolls\", and in line 2 \"Bread\"",
            ),
            ("c,g,s,n\nx,F,,\n", "line 2: \"x\" is no code"),
            ("c,g,n\n", "no column \"s\": it has c, g, n"),
        ] {
            let error = product(text.clone(), &[("t.csv", rows)]).map(|_| ()).expect_err(rows);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn two_names_of_one_code_are_refused_with_their_lines() {
        let years = json!([{"from": 2007, "to": 2011, "revision": "HS2007"}]);
        let labels = json!({"file": "l.csv", "columns": {"code": "hs", "name": "text"}});
        let hs = json!({"digits": 6, "restore_leading_zero": true, "revisions": &years,
            "labels": labels});
        let own = json!({"classification": "own", "labels": labels});
        let rows = "hs,text\n0101.21,Horses\n01,Animals\n010121,Horses\n010121,Ponies\n";
        let error = product(hs, &[("l.csv", rows)]).map(|_| ()).expect_err("two names");
        let expected = "line 5: \"010121\" has the name \"Ponies\", and in line 2 \"Horses\"";
        assert!(error.contains(expected), "{error}");
        let rows = "hs,text\n\"a\nb\",A\nc,C\n,\nc,\nc,D\n";
        let error = product(own, &[("l.csv", rows)]).map(|_| ()).expect_err("two names");
        let expected = "line 7: \"c\" has the name \"D\", and in line 4 \"C\"";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn keys_without_effect_are_errors() {
        let years = json!([{"from": 2007, "to": 2011, "revision": "HS2007"}]);
        let hs = |more: Value| {
            let mut text = json!({"digits": 6, "restore_leading_zero": true, "revisions": &years});
            for (key, value) in more.as_object().expect("keys") {
                text[key] = value.clone();
            }
            text
        };
        let own = |more: Value| {
            let mut text = json!({"classification": "own"});
            for (key, value) in more.as_object().expect("keys") {
                text[key] = value.clone();
            }
            text
        };
        for (text, expected) in [
            (hs(json!({"revision": "4"})), "product.revision: HS has `revisions`"),
            (hs(json!({"hierarchy": {"digits": [2]}})), "product.hierarchy: it has no effect"),
            (hs(json!({"digits": 5})), "product.digits: 5: expected 2, 4 or 6 to 12"),
            (own(json!({"revisions": &years})), "only HS has revisions by year"),
            (own(json!({"restore_leading_zero": true})), "no effect without `digits`"),
            (own(json!({"digits": 13})), "product.digits: 13"),
            (own(json!({"hierarchy": {"digits": [3, 2]}})), "product.hierarchy.digits: [3, 2]"),
            (own(json!({"digits": 2, "hierarchy": {"digits": [2, 3]}})), "[2, 3]"),
            (own(json!({"hierarchy": {"file": "t.csv"}})), "expected digits"),
            (json!({"classification": " "}), "product.classification"),
        ] {
            let error = product(text, &[]).map(|_| ()).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
