//! The page of a report.

use super::error::ReportError;
use super::source::{Source, integer};
use super::terms;
use crate::draw::{CHARTS, ECHARTS, NAMES};
use crate::live::POLICY;
use crate::output::{CsvArgs, HtmlText, TEXT_WIDTH, json_in_html};
use crate::regression_table::{self, Shape, TableFormat};
use base64::Engine as _;
use indicatif::HumanCount;
use lake::Catalog;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use project::model_spec::Heading;
use project::pipeline::Pipeline;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use stages::regression::Estimated;

const PAGE: &str = include_str!("../assets/page.js");
const TABLES: &str = include_str!("../assets/tables.js");
const STYLE: &str =
    concat!(include_str!("../assets/page.css"), include_str!("../assets/tables.css"));

/// What runs in the page, in this order.
const SCRIPTS: [&str; 5] = [NAMES, ECHARTS, CHARTS, TABLES, PAGE];

/// A table in a box that scrolls, also by the keyboard. Its caption stands before the box, so that
/// a narrow one does not cut it.
fn captioned(id: &str, caption: &str, content: &Markup) -> Markup {
    let named = format!("{id}-caption");
    html! {
        p class="caption" id=(named) { (HtmlText(caption)) }
        div class="scroll" tabindex="0" role="group" aria-labelledby=(named) {
            table id=(id) aria-labelledby=(named) { (content) }
        }
    }
}

/// A table of rows of JSON: columns by key and heading.
fn table(id: &str, caption: &str, columns: &[(&str, &str)], rows: &[Value]) -> Markup {
    let content = html! {
        thead { tr { @for (_, name) in columns { th scope="col" { (HtmlText(name)) } } } }
        tbody {
            @for row in rows {
                tr { @for (key, _) in columns { td { (HtmlText(&said(&row[*key]))) } } }
            }
        }
    };
    captioned(id, caption, &content)
}

/// A table that `page.js` fills.
fn filled_later(id: &str, caption: &str) -> Markup {
    captioned(id, caption, &html! { thead { tr {} } tbody {} })
}

/// A cell of a table.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_f64() => format!("{:.4}", n.as_f64().unwrap_or(0.0)),
        Value::Number(n) => n.as_u64().map_or_else(|| n.to_string(), |n| HumanCount(n).to_string()),
        other => other.to_string(),
    }
}

/// Where records were made up, as the folder's own truth says.
fn is_made_up(pipeline: &Pipeline) -> bool {
    pipeline.sources.iter().flat_map(|source| &source.files).any(|file| match &file.place {
        project::raw_files::Place::Local(path) => {
            path.ancestors().skip(1).take(2).any(|folder| folder.join("truth.yaml").is_file())
        }
        project::raw_files::Place::Remote(_) => false,
    })
}

/// An inline script or style as a content security policy names it.
fn source_of(text: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    format!("'sha256-{hash}'")
}

/// What became of the raw files.
fn quality(source: &Source<'_>, files: &[Value]) -> Result<Markup, ReportError> {
    let rejects = source.rows(
        &["customs.rejects"],
        "select reason, count(*) as n from customs.rejects group by reason order by 2 desc, 1",
    )?;
    let conversion = source.rows(
        &["trade.conversion"],
        "select year, revision, kind, n_codes, value_share from trade.conversion order by year, revision, kind",
    )?;
    let of_files = table(
        "of-files",
        "Every raw file: entries and value in = records + excluded + rejected (+ empty). Source: customs.reconciliation.",
        &[
            ("source_file", "file"),
            ("n_entries", "entries"),
            ("n_records", "records"),
            ("n_excluded", "excluded"),
            ("n_rejected", "rejected"),
            ("n_empty", "empty"),
            ("value_in", "value in"),
            ("value_records", "value of records"),
            ("value_excluded", "excluded"),
            ("value_rejected", "rejected"),
        ],
        files,
    );
    let of_rejects = table(
        "of-rejects",
        "Rejected entries by reason. Source: customs.rejects.",
        &[("reason", "reason"), ("n", "entries")],
        &rejects,
    );
    let of_conversion = table(
        "of-conversion",
        "How codes were brought to the revision of the analysis. Source: trade.conversion.",
        &[
            ("year", "year"),
            ("revision", "from"),
            ("kind", "kind"),
            ("n_codes", "codes"),
            ("value_share", "share of value"),
        ],
        &conversion,
    );
    Ok(html! { (of_files) (of_rejects) (of_conversion) })
}

/// The claims that held.
fn checks(catalog: &Catalog) -> Markup {
    html! {
        details {
            summary { "Checks that held before publication" }
            ul {
                @for name in catalog.checks.keys() {
                    li { (HtmlText(&name.replace("__", ": ").replace('_', " "))) }
                }
            }
        }
    }
}

/// The regression tables, with names in words; the first is open. `tables.js` sets them in panels.
fn models(catalog: &Catalog, results: &[(Heading, Estimated)]) -> Result<Markup, ReportError> {
    let mut tables = Vec::new();
    for (_, heading, results) in regression_table::by_model(results.to_vec()) {
        let (heading, results) = terms::in_words_of(catalog, &heading, &results);
        let results: Vec<&Estimated> = results.iter().collect();
        let shape = Shape::of(&heading);
        let html = regression_table::render(
            TableFormat::Html,
            CsvArgs::default(),
            shape,
            &heading,
            &results,
            TEXT_WIDTH,
        )?;
        tables.push((heading.title, html));
    }
    Ok(html! {
        @for (at, (title, table)) in tables.iter().enumerate() {
            details open[at == 0] {
                summary { (HtmlText(title)) }
                div class="regressions" { (PreEscaped(table)) }
            }
        }
        @if tables.is_empty() {
            p class="soft" {
                "No models are published: name model files under " code { "models" }
                " of the pipeline."
            }
        }
    })
}

/// What begins the page.
fn head(title: &str) -> Markup {
    // What is in the page may run, and nothing else: whatever a text of the data makes of itself. Styles in attributes are ECharts'.
    let policy = format!(
        "{POLICY}script-src {}; style-src {style}; style-src-elem {style}; style-src-attr 'unsafe-inline'; \
         img-src data:; base-uri 'none'; form-action 'none'",
        SCRIPTS.map(source_of).join(" "),
        style = source_of(STYLE),
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (HtmlText(title)) }
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// The title of the page, and whose it is.
fn header(source: &Source<'_>, pipeline: &Pipeline, data: &Value) -> Markup {
    let catalog = source.catalog;
    let published = catalog.published_at.chars().take(16).collect::<String>().replace('T', " ");
    html! {
        header {
            h1 {
                "How regions' "
                (HtmlText(data["meta"]["measure"].as_str().unwrap_or("exports")))
                " withstood the shock, and came back"
            }
            p class="lead" {
                "Pipeline " b { (HtmlText(&pipeline.name)) } ": "
                (counted(n_regions(data), "region")) ", "
                (counted(data["national"].as_array().map_or(0, Vec::len), "year")) ". Run "
                (HtmlText(&catalog.run)) ", published " (HtmlText(&published))
                " UTC. Every figure names the table it is made from; " code { "rebound describe" }
                " says what its columns mean."
            }
            @if is_made_up(pipeline) {
                p class="made-up" {
                    b { "Made up." } " These records were written by " code { "rebound synth" }
                    ": nothing here is a finding."
                }
            }
        }
    }
}

/// A number of things.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn n_regions(data: &Value) -> usize {
    data["names"].as_object().map_or(0, Map::len)
}

/// Whether there are boundaries to draw maps in.
fn has_maps(data: &Value) -> bool {
    !data["geo"].is_null()
}

/// The way to the sections; `page.js` hides those that have no figures in an episode.
fn navigation(data: &Value) -> Markup {
    let sections = [
        ("overview", "Overview"),
        ("maps", "Maps"),
        ("places", "Regions compared"),
        ("sure", "How sure is this"),
        ("list", "All regions"),
        ("pages", "Region pages"),
        ("space", "Product space"),
        ("relations", "What explains it"),
        ("models", "Models"),
        ("quality", "Data quality"),
    ];
    let is_there = |id: &str| id != "maps" || has_maps(data);
    html! {
        nav aria-label="Sections" {
            div {
                @for (id, name) in sections.into_iter().filter(|(id, _)| is_there(id)) { a href={ "#" (id) } { (name) } }
                label { "Episode " select id="episode" {} }
            }
        }
    }
}

/// The sections, of which `page.js` fills those that have none of `models` and `quality`.
fn sections(data: &Value, facts: &[(String, &str)], models: &Markup, quality: &Markup) -> Markup {
    html! {
        section id="overview" {
            h2 { "Overview" }
            div class="facts" {
                @for (number, of) in facts { div { b { (number) } span { (of) } } }
            }
            div class="figures" {}
        }
        section id="maps" hidden[!has_maps(data)] {
            h2 { "Maps" }
            p class="soft" {
                "An index above 0 is better than expected: the region fell less, or came back more, than all regions together."
            }
            div class="figures" {}
        }
        section id="places" { h2 { "Regions compared" } div class="figures" {} }
        section id="sure" {
            h2 { "How sure is this" }
            p class="soft" {
                "What is expected of a region is a choice. An answer that holds whatever the choice is surer than one that does not; a rank is as sure as its interval is short."
            }
            div class="figures" {}
            div class="tools" { label { "Ranks against " select id="against" {} } }
            div class="ranks figures" {}
            (filled_later(
                "components",
                "What each path is made of, beside what it would have been as all regions grew. Choose a region to see its page. Source: resilience.component."
            ))
        }
        section id="list" {
            h2 { "All regions" }
            div class="tools" {
                label { "Search " input id="search" type="search"; }
                span id="found" class="soft" role="status" {}
            }
            (filled_later(
                "regions",
                "Click a heading to sort, a region to see its page. Source: panel.region."
            ))
        }
        section id="pages" {
            h2 { "Region pages" }
            div class="tools" { label { "Region " select id="pick" {} } }
            div id="region" {}
        }
        section id="space" { h2 { "Product space" } div class="figures" {} }
        section id="relations" { h2 { "What explains it" } div class="figures" {} }
        section id="models" { h2 { "Models" } (models) }
        section id="quality" { h2 { "Data quality" } (quality) }
    }
}

/// The page, which `page.js` fills with the figures.
pub(super) fn page(
    source: &Source<'_>,
    pipeline: &Pipeline,
    data: &Value,
    results: &[(Heading, Estimated)],
) -> Result<String, ReportError> {
    let catalog = source.catalog;
    let files = source.rows(
        &["customs.reconciliation"],
        "select source_file, n_entries, n_records, n_excluded, n_rejected, n_empty, cast(value_in as varchar) as value_in, \
         cast(value_records as varchar) as value_records, cast(value_excluded as varchar) as value_excluded, \
         cast(value_rejected as varchar) as value_rejected from customs.reconciliation order by source_file",
    )?;
    let sum = |key: &str| {
        let sum: i64 = files.iter().map(|file| integer(file, key)).sum();
        HumanCount(u64::try_from(sum).unwrap_or(0)).to_string()
    };
    let facts = [
        (sum("n_records"), "records"),
        (sum("n_rejected"), "rejected entries, kept with their reason"),
        (n_regions(data).to_string(), if n_regions(data) == 1 { "region" } else { "regions" }),
        (catalog.checks.len().to_string(), "checks held"),
    ];
    let quality = html! { (quality(source, &files)?) (checks(catalog)) };
    let json = json_in_html(&serde_json::to_string(data)?);
    let name = HtmlText(&pipeline.name);
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            (head(&format!("Regional resilience: {}", pipeline.name)))
            "\n"
            body {
                (header(source, pipeline, data))
                (navigation(data))
                main { (sections(data, &facts, &models(catalog, results)?, &quality)) }
                footer {
                    "Made by Rebound from run " (HtmlText(&catalog.run)) " of pipeline " (name)
                    ". Boundaries are for maps only and carry no claim about borders."
                }
                "\n" script type="application/json" id="data" { (PreEscaped(json)) }
                @for text in SCRIPTS { "\n" script { (PreEscaped(text)) } }
            }
        }
        "\n"
    };
    Ok(page.into_string())
}
