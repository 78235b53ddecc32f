//! Codebooks: what the files of an export say, as Markdown and HTML, and as rows for a workbook.

use super::counted::{Counted, MANY_TEXTS, is_labelled, is_number};
use super::rows::{Exported, Origin};
use crate::output::{HtmlText, markdown_text, visible};
use crate::stata;
use lake::Catalog;
use maud::{DOCTYPE, PreEscaped, html};
use std::fmt::Write as _;

/// What the columns of a codebook are called.
pub(super) const HEADER: [&str; 13] = [
    "variable",
    "label",
    "unit",
    "type",
    "n",
    "missing",
    "missing by reason",
    "mean",
    "sd",
    "min",
    "max",
    "values",
    "from",
];

/// A number in few digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if value.fract() == 0.0 && size < 1e12 {
        format!("{value:.0}")
    } else if (1e-3..1e7).contains(&size) {
        #[expect(clippy::cast_possible_truncation, reason = "between -3 and 7")]
        let digits = usize::try_from(4 - size.log10().floor() as i32).unwrap_or(0);
        format!("{value:.digits$}")
    } else {
        format!("{value:.4e}")
    }
}

/// Which texts a column has, in words.
fn values_of(exported: &Exported, at: usize, variable: &Counted) -> String {
    if exported.columns.get(at).is_none_or(|column| is_number(&column.data)) {
        String::new()
    } else if is_labelled(exported, at, variable) && variable.texts.len() <= 12 {
        let numbered = variable.texts.iter().zip(1..).map(|(text, n)| format!("{n} {text}"));
        numbered.collect::<Vec<_>>().join("; ")
    } else if variable.texts.len() > MANY_TEXTS {
        format!("more than {MANY_TEXTS} values")
    } else {
        format!("{} values", variable.texts.len())
    }
}

/// Why values are null, in words.
fn reasons_of(variable: &Counted) -> String {
    let named = variable.reasons.iter().filter(|(reason, _)| !reason.is_empty());
    let mut reasons: Vec<String> = named.map(|(reason, n)| format!("{reason} {n}")).collect();
    if let (Some(n), false) = (variable.reasons.get(""), reasons.is_empty()) {
        reasons.push(format!("other {n}"));
    }
    reasons.join("; ")
}

/// A row of texts for each column, in the order of [`HEADER`].
pub(super) fn rows(exported: &Exported, variables: &[Counted]) -> Vec<Vec<String>> {
    let shown = |value: Option<f64>| value.map_or_else(String::new, short);
    let mut rows = Vec::new();
    for (at, (column, variable)) in exported.columns.iter().zip(variables).enumerate() {
        let numbers = Some(variable).filter(|of| is_number(&column.data) && of.n > 0);
        rows.push(vec![
            column.name.clone(),
            column.about.clone(),
            column.unit.clone(),
            column.type_name(),
            variable.n.to_string(),
            variable.n_missing.to_string(),
            reasons_of(variable),
            shown(numbers.map(|of| of.mean)),
            shown(numbers.and_then(Counted::sd)),
            shown(numbers.and_then(|of| of.min)),
            shown(numbers.and_then(|of| of.max)),
            values_of(exported, at, variable),
            column.origin(),
        ]);
    }
    rows
}

/// The codebook of the files of an export.
pub(super) struct Codebook<'b> {
    pub(super) exported: &'b Exported,
    pub(super) catalog: &'b Catalog,
    pub(super) n_rows: u64,
    /// Of [`rows`], with the names that Stata takes.
    rows: Vec<Vec<String>>,
}

/// How a codebook as Markdown begins.
const MARKDOWN_HEAD: &str = "# Codebook of ";

/// Whether a text is a codebook of an export, as Markdown or as HTML.
pub(super) fn is_codebook(text: &str) -> bool {
    text.starts_with(MARKDOWN_HEAD)
        || text.lines().take(3).any(|line| line.contains("<title>Codebook of "))
}

/// How a codebook looks.
const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}\
     table{border-collapse:collapse}\
     th,td{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}\
     td:nth-child(n+5):nth-child(-n+6),td:nth-child(n+8):nth-child(-n+11)\
     {text-align:right;font-variant-numeric:tabular-nums}\
     thead th{position:sticky;top:0;background:#fff}\
     @media(prefers-color-scheme:dark){body,thead th{background:#16181c;color:#e4e4e4}\
     th,td{border-color:#3a3d44}}";

impl<'b> Codebook<'b> {
    /// The codebook of these rows, of which `variables` were counted.
    pub(super) fn new(
        exported: &'b Exported,
        catalog: &'b Catalog,
        (n_rows, variables): (u64, &[Counted]),
    ) -> Self {
        let names: Vec<String> =
            exported.columns.iter().map(|column| column.name.clone()).collect();
        let mut rows = rows(exported, variables);
        for ((row, name), legal) in rows.iter_mut().zip(&names).zip(stata::legal_names(&names)) {
            if let Some(cell) = row.first_mut()
                && *name != legal
            {
                let _ = write!(cell, " (Stata: {legal})");
            }
        }
        Self { exported, catalog, n_rows, rows }
    }

    /// The condition that the rows are chosen by.
    fn condition(&self) -> Option<&str> {
        match &self.exported.origin {
            Origin::Table { condition } => condition.as_deref(),
            Origin::Query => None,
        }
    }

    /// What the rows are made from: the run, and the tables with their fingerprints.
    fn source(&self) -> String {
        let Catalog { run, pipeline, published_at, .. } = self.catalog;
        let table = |(table, fingerprint): &(String, String)| match fingerprint.is_empty() {
            true => table.clone(),
            false => format!("{table} ({fingerprint})"),
        };
        let tables: Vec<String> = self.exported.tables.iter().map(table).collect();
        let made = match tables.is_empty() {
            true => "of no table".to_owned(),
            false => format!("of {}", tables.join(", ")),
        };
        format!("Run {run} of pipeline {pipeline}, published {published_at}; {made}.")
    }

    /// As Markdown.
    pub(super) fn markdown(&self) -> String {
        let exported = self.exported;
        let about = markdown_text(&exported.about);
        let mut out = format!("{MARKDOWN_HEAD}{}\n\n{about}.\n\n", markdown_text(&exported.name));
        let condition = self.condition().map(|of| format!(" where {}", markdown_text(of)));
        let _ = write!(out, "{} rows{}", self.n_rows, condition.unwrap_or_default());
        if !exported.key.is_empty() {
            let _ = write!(out, "; key: {}", markdown_text(&exported.key.join(", ")));
        }
        let _ = writeln!(out, ".\n\n{}\n", markdown_text(&self.source()));
        let _ = writeln!(out, "| {} |\n|{}", HEADER.join(" | "), " --- |".repeat(HEADER.len()));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| markdown_text(cell)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out.push_str("\nSQL:\n\n");
        for line in exported.sql.trim().lines() {
            let line: String = line.chars().map(visible).collect();
            let _ = writeln!(out, "    {line}");
        }
        out
    }

    /// As HTML.
    pub(super) fn html(&self) -> String {
        let exported = self.exported;
        let title = html! { "Codebook of " (HtmlText(&exported.name)) };
        let page = html! {
            (DOCTYPE) "\n"
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                "\n"
                body {
                    h1 { (title) }
                    p {
                        (HtmlText(&exported.about)) ". " (self.n_rows) " rows"
                        @if let Some(condition) = self.condition() {
                            " where " code { (HtmlText(condition)) }
                        }
                        @if !exported.key.is_empty() {
                            "; key: " (HtmlText(&exported.key.join(", ")))
                        }
                        "."
                    }
                    p { (HtmlText(&self.source())) }
                    "\n"
                    table {
                        thead { tr { @for name in HEADER { th { (name) } } } }
                        tbody {
                            "\n"
                            @for row in &self.rows {
                                tr { @for cell in row { td { (HtmlText(cell)) } } } "\n"
                            }
                        }
                    }
                    "\n"
                    p { "SQL:" }
                    pre { (HtmlText(exported.sql.trim())) }
                }
            }
            "\n"
        };
        page.into_string()
    }
}
