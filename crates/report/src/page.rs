//! The page of a report.

mod captioned;
mod quality;

use self::captioned::captioned;
use super::error::ReportError;
use super::source::{Source, integer};
use super::terms;
use super::words::{Words, key};
use crate::draw::{CHARTS, ECHARTS, NAMES};
use crate::fonts;
use crate::live::POLICY;
use crate::output::{HtmlText, json_in_html};
use crate::regression_table::{self, Shape};
use base64::Engine as _;
use indicatif::HumanCount;
use lake::Catalog;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use project::model_spec::Heading;
use project::pipeline::Pipeline;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use stages::regression::Estimated;

/// The parts of the page's script, in this order.
const PAGE: &str = concat!(
    include_str!("../assets/page/parts.js"),
    include_str!("../assets/page/zoom.js"),
    include_str!("../assets/page/figures.js"),
    include_str!("../assets/page/tables.js"),
    include_str!("../assets/page/region.js"),
    include_str!("../assets/page/changed.js"),
    include_str!("../assets/page/begin.js"),
);
const TABLES: &str = include_str!("../assets/tables.js");
const STYLE: &str =
    concat!(include_str!("../assets/page.css"), include_str!("../assets/tables.css"));

/// What runs in the page, in this order.
const SCRIPTS: [&str; 5] = [NAMES, ECHARTS, CHARTS, TABLES, PAGE];

/// The sections in their usual order, and what they are called.
const SECTIONS: [(&str, &str); 11] = [
    ("overview", key("Overview")),
    ("changed", key("What changed")),
    ("maps", key("Maps")),
    ("places", key("Regions compared")),
    ("sure", key("How sure is this")),
    ("list", key("All regions")),
    ("pages", key("Region pages")),
    ("space", key("Product space")),
    ("relations", key("What explains it")),
    ("models", key("Models")),
    ("quality", key("Data quality")),
];

/// What the page is made of.
struct Page<'a> {
    source: &'a Source<'a>,
    pipeline: &'a Pipeline,
    data: &'a Value,
    words: &'a Words,
}

/// A table that `page/tables.js` fills.
fn filled_later(id: &str, caption: &str) -> Markup {
    captioned(id, caption, &html! { thead { tr {} } tbody {} })
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

/// The regression tables, with names in words; the first is open. `tables.js` sets them in panels.
fn models(catalog: &Catalog, words: &Words, results: &[(Heading, Estimated)]) -> Markup {
    let mut tables = Vec::new();
    for (_, heading, results) in regression_table::by_model(results.to_vec()) {
        let (heading, results) = terms::in_words_of(catalog, words, &heading, &results);
        let results: Vec<&Estimated> = results.iter().collect();
        let shape = Shape::of(&heading);
        let html = regression_table::html(words, shape, &heading, &results);
        tables.push((heading.title, html));
    }
    html! {
        @for (at, (title, table)) in tables.iter().enumerate() {
            details open[at == 0] {
                summary { (HtmlText(title)) }
                div class="regressions" { (PreEscaped(table)) }
            }
        }
        @if tables.is_empty() {
            p class="soft" {
                (words.say("No models are published: name model files under `models` of the pipeline."))
            }
        }
    }
}

/// What begins the page.
fn head(title: &str, fonts: &str) -> Markup {
    // What is in the page may run, and nothing else: whatever a text of the data makes of itself. Styles in attributes are ECharts'.
    // Pictures that are saved are drawn from a `data:` address, as fonts are.
    let policy = format!(
        "{POLICY}script-src {}; style-src {style}; style-src-elem {style}; style-src-attr 'unsafe-inline'; \
         img-src data:; font-src data:; base-uri 'none'; form-action 'none'",
        SCRIPTS.map(source_of).join(" "),
        style = [fonts, STYLE].map(source_of).join(" "),
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (HtmlText(title)) }
            link rel="icon" href="data:,";
            style id="fonts" { (PreEscaped(fonts)) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

impl Page<'_> {
    /// The title of the page, and whose it is.
    fn header(&self) -> Markup {
        let Self { source, pipeline, data, words } = self;
        let catalog = source.catalog;
        let published = catalog.published_at.chars().take(16).collect::<String>().replace('T', " ");
        let measure = data["meta"]["measure"].as_str().unwrap_or("exports");
        let usual = words.say_with(
            "How regions' {measure} withstood the shock, and came back",
            &[("measure", words.say(measure))],
        );
        let n_years = data["national"].as_array().map_or(0, Vec::len);
        let lead = words.say_with(
            "Pipeline {pipeline}: {regions}, {years}. Run {run}, published {published} UTC. Every figure names the table it is made from; the command rebound describe says what its columns mean.",
            &[
                ("pipeline", &pipeline.name),
                ("regions", &words.say_many(n_regions(data), "{n} region", "{n} regions")),
                ("years", &words.say_many(n_years, "{n} year", "{n} years")),
                ("run", &catalog.run),
                ("published", &published),
            ],
        );
        html! {
            header {
                h1 { (HtmlText(data["report"]["title"].as_str().unwrap_or(&usual))) }
                p class="lead" { (HtmlText(&lead)) }
                @for note in texts(&data["report"]["notes"]) { p class="remark" { (HtmlText(note)) } }
                @if is_made_up(pipeline) {
                    p class="made-up" {
                        (words.say("Made up. These records were written by the command rebound synth: nothing here is a finding."))
                    }
                }
            }
        }
    }

    /// The sections that the report has, in its order, and what they are called.
    fn sections(&self) -> Vec<(&'static str, &str)> {
        let data = self.data;
        // Without a choice what was not asked for is left out.
        let is_chosen =
            data["report"]["sections"].as_array().is_some_and(|of| of.len() < SECTIONS.len());
        let is_there = |id: &str| match id {
            "maps" => has_maps(data),
            "changed" => !data["changed"].is_null() || is_chosen,
            _ => true,
        };
        let named = |id: &str| SECTIONS.into_iter().find(|(known, _)| *known == id);
        let chosen: Vec<(&'static str, &'static str)> = match &data["report"]["sections"] {
            Value::Array(ids) => ids.iter().filter_map(|id| named(id.as_str()?)).collect(),
            _ => SECTIONS.to_vec(),
        };
        chosen
            .into_iter()
            .filter(|(id, _)| is_there(id))
            .map(|(id, name)| (id, self.words.say(name)))
            .collect()
    }

    /// The way to the sections; `page/begin.js` hides those that have no figures in an episode.
    fn navigation(&self) -> Markup {
        html! {
            nav aria-label=(self.words.say("Sections")) {
                div {
                    @for (id, name) in self.sections() { a href={ "#" (id) } { (name) } }
                    label { (self.words.say("Episode")) " " select id="episode" {} }
                }
            }
        }
    }

    /// What stands in a section below its name; `page/begin.js` puts the figures in.
    fn section(&self, id: &str, facts: &Markup, models: &Markup, quality: &Markup) -> Markup {
        let words = self.words;
        let figures = html! { div class="figures" {} };
        match id {
            "overview" => html! { (facts) (figures) },
            "changed" if self.data["changed"].is_null() => html! {
                p {
                    (words.say("No run is compared with. Say one by --since, as in: rebound report --since previous. The command rebound runs lists them."))
                }
            },
            "changed" => html! { div class="changes" {} },
            "maps" => html! {
                p class="soft" {
                    (words.say("An index above 0 is better than expected: the region fell less, or came back more, than all regions together."))
                }
                p class="soft aside" {}
                (figures)
            },
            "sure" => html! {
                p class="soft" {
                    (words.say("What is expected of a region is a choice. An answer that holds whatever the choice is surer than one that does not; a rank is as sure as its interval is short."))
                }
                (figures)
                div class="tools" { label { (words.say("Ranks against")) " " select id="against" {} } }
                div class="ranks figures" {}
                (filled_later(
                    "components",
                    words.say("What each path is made of, beside what it would have been as all regions grew. Choose a region to see its page. Source: resilience.component."),
                ))
            },
            "list" => html! {
                div class="tools" {
                    label { (words.say("Search")) " " input id="search" type="search"; }
                    span id="found" class="soft" role="status" {}
                }
                (filled_later(
                    "regions",
                    words.say("Click a heading to sort, a region to see its page. Source: panel.region."),
                ))
            },
            "pages" => html! {
                div class="tools" { label { (words.say("Region")) " " select id="pick" {} } }
                div id="region" {}
            },
            "models" => html! { (models) (figures) },
            "quality" => html! { (quality) (figures) },
            _ => figures,
        }
    }

    /// What the data are, in numbers.
    fn facts(&self, files: &[Value]) -> Markup {
        let Self { data, words, .. } = self;
        let sum = |key: &str| {
            let sum: i64 = files.iter().map(|file| integer(file, key)).sum();
            HumanCount(u64::try_from(sum).unwrap_or(0)).to_string()
        };
        let regions = if n_regions(data) == 1 { key("region") } else { key("regions") };
        let facts = [
            (sum("n_records"), key("records")),
            (sum("n_rejected"), key("rejected entries, kept with their reason")),
            (n_regions(data).to_string(), regions),
            (self.source.catalog.checks.len().to_string(), key("checks held")),
        ];
        html! {
            div class="facts" {
                @for (number, of) in &facts { div { b { (number) } span { (words.say(of)) } } }
            }
        }
    }
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn n_regions(data: &Value) -> usize {
    data["names"].as_object().map_or(0, Map::len)
}

/// Whether there are boundaries to draw maps in.
fn has_maps(data: &Value) -> bool {
    !data["geo"].is_null()
}

/// The page, which the scripts of `page/` fill with the figures.
pub(super) fn page(
    source: &Source<'_>,
    pipeline: &Pipeline,
    data: &Value,
    words: &Words,
    results: &[(Heading, Estimated)],
) -> Result<String, ReportError> {
    let page = Page { source, pipeline, data, words };
    let files = quality::files(source)?;
    let facts = page.facts(&files);
    let models = models(source.catalog, words, results);
    let quality = quality::quality(source, words, &files)?;
    let json = json_in_html(&serde_json::to_string(data)?);
    let footer = words.say_with(
        "Made by Rebound from run {run} of pipeline {pipeline}. Boundaries are for maps only and carry no claim about borders.",
        &[("run", &source.catalog.run), ("pipeline", &pipeline.name)],
    );
    let title = words.say_with("Regional resilience: {pipeline}", &[("pipeline", &pipeline.name)]);
    let content = html! {
        (page.header())
        (page.navigation())
        main {
            @for (id, name) in page.sections() {
                section id=(id) { h2 { (name) } (page.section(id, &facts, &models, &quality)) }
            }
        }
        footer { (HtmlText(&footer)) }
    };
    let fonts = fonts::style([content.0.as_str(), &json, CHARTS, TABLES, PAGE])?;
    let html = html! {
        (DOCTYPE) "\n"
        html lang=(HtmlText(words.language())) dir=(words.direction()) {
            (head(data["report"]["title"].as_str().unwrap_or(&title), &fonts))
            "\n"
            body {
                (content)
                "\n" script type="application/json" id="data" { (PreEscaped(json)) }
                @for text in SCRIPTS { "\n" script { (PreEscaped(text)) } }
            }
        }
        "\n"
    };
    Ok(html.into_string())
}
