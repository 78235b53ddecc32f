//! `rebound report`: one page with figures and tables of what is published, and the figures as files.
//!
//! SQL over the published tables makes the data; `charts/` makes options of ECharts of them, in the page and here alike, where a small
//! JavaScript engine draws them as SVG.

mod categories;
mod certainty;
mod data;
pub mod destination;
pub mod draw;
mod error;
mod evidence;
mod expected;
pub mod export;
mod figure_files;
pub mod figures;
mod fonts;
mod grid;
mod layout;
mod live;
mod made_files;
mod nested;
mod network;
pub mod new_file;
pub mod output;
mod page;
mod parquet_rows;
mod products;
pub mod published;
mod region_products;
pub mod regression_table;
pub mod screen;
mod shapes;
mod source;
pub mod stata;
mod terms;
pub mod words;

pub use self::error::ReportError;
pub use self::figure_files::{FigureForm, Width};

use self::source::Source;
use self::words::Words;
use clap::Args;
use lake::{Catalog, Lake};
use project::pipeline::{Pipeline, PipelineError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Where a report is served if nobody says.
pub const USUAL_ADDRESS: &str = "127.0.0.1:8080";

/// Arguments of `rebound report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The pipeline file, for names, boundaries and what it says of the report.
    pub pipeline: PathBuf,
    /// Another lake than the pipeline's.
    #[arg(long, env = "REBOUND_LAKE")]
    pub lake: Option<String>,
    /// The folder to write to: `report.html`, and `figures/` with each figure, its data as CSV and its SQL.
    #[arg(long, short, default_value = "report")]
    pub output: PathBuf,
    /// Forms of the figures, with commas between them.
    #[arg(
        long, value_enum, value_delimiter = ',', value_name = "FORMS",
        default_values = ["svg", "png"]
    )]
    pub figures: Vec<FigureForm>,
    /// Width of the figures on paper, in mm, cm, in, pt or px: `8cm`. Words keep their size, and PNG has 300 dots an inch.
    #[arg(long, value_name = "WIDTH")]
    pub width: Option<Width>,
    /// Only the page.
    #[arg(long, conflicts_with_all = ["figures", "width"])]
    pub no_figures: bool,
    /// Also show what changed since a run: its name or how that begins, its number, or `previous`.
    #[arg(long, value_name = "RUN")]
    pub since: Option<String>,
    /// Serve the report to browsers of this machine, and draw it anew after each run, until Ctrl-C.
    #[arg(long)]
    pub serve: bool,
    /// Where to serve it: a loopback address; without one, 127.0.0.1:8080. Port 0 is one that is free.
    #[arg(long, value_name = "ADDRESS", requires = "serve", value_parser = loopback)]
    pub bind: Option<SocketAddr>,
}

impl ReportArgs {
    /// What is asked for where only the places are said: the page, and its figures as SVG and PNG.
    pub fn usual(pipeline: PathBuf, lake: Option<String>, output: PathBuf) -> Self {
        Self {
            pipeline,
            lake,
            output,
            figures: vec![FigureForm::Svg, FigureForm::Png],
            width: None,
            no_figures: false,
            since: None,
            serve: false,
            bind: None,
        }
    }
}

/// An address that only this machine reaches.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected 127.0.0.1:PORT, [::1]:PORT or localhost:PORT";
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address: SocketAddr =
        named.as_deref().unwrap_or(text).parse().map_err(|_| expected.to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "other machines reach it, and the report is for whoever sits at this one: {expected}; \
             report.html is one file that can be put on any web server"
        ))
    }
}

/// What was drawn.
#[derive(Debug)]
pub struct Drawn {
    /// The page.
    pub page: PathBuf,
    /// Its text.
    pub html: String,
    /// The files of each figure, drawings first.
    pub figures: Vec<Vec<PathBuf>>,
}

impl Drawn {
    /// The text of the page as it is served: it listens at `events`, and loads itself anew when another
    /// report is told there.
    pub fn live(&self) -> String {
        live::live(&self.html)
    }
}

/// Writes the report. `changed` is what it shows under *What changed*.
///
/// # Errors
///
/// [`ReportError`].
pub fn report(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &Pipeline,
    lake: &Lake,
    catalog: &Catalog,
    changed: Option<Value>,
) -> Result<Drawn, ReportError> {
    for table in ["trade.region_year", "resilience.episode", "panel.region"] {
        if !catalog.tables.contains_key(table) {
            return Err(ReportError::NotThere { table });
        }
    }
    // One partition: the same tables give the same page.
    let session = published::session(lake, 1, pipeline.config.engine.memory())?;
    for version in catalog.tables.values() {
        session.register(version)?;
    }
    let source = Source { runtime, session, catalog };
    let results = published::results(runtime, lake, catalog)?.unwrap_or_default();
    let words = words::of(&pipeline.report.language)?;
    if let Some(warning) = words.warning() {
        tracing::warn!("{warning}");
    }
    let mut data = data::data(&source, pipeline, &words, &results)?;
    check_focus(pipeline, &data)?;
    if let Some(fields) = data.as_object_mut() {
        fields.insert("report".to_owned(), output::visible_data(settings(pipeline, &words)));
        fields.insert("words".to_owned(), words.dictionary());
        fields.extend(changed.map(|of| ("changed".to_owned(), output::visible_data(of))));
    }
    let figures = args.output.join("figures");
    let folder = if args.no_figures { &args.output } else { &figures };
    std::fs::create_dir_all(folder)
        .map_err(|source| ReportError::Write { path: folder.clone(), source })?;
    let page = || -> Result<(PathBuf, String), ReportError> {
        let html = page::page(&source, pipeline, &data, &words, &results)?;
        let page = made_files::put(args.output.join("report.html"), html.as_bytes())?;
        Ok((page, html))
    };
    let figures = || match args.no_figures {
        true => Ok(Vec::new()),
        false => figure_files::write(&figures, &data, &args.figures, args.width),
    };
    let (page, figures) = rayon::join(page, figures);
    let ((page, html), figures) = (page?, figures?);
    Ok(Drawn { page, html, figures })
}

/// What the pipeline says of the report, as the page has it.
fn settings(pipeline: &Pipeline, words: &Words) -> Value {
    let settings = &pipeline.report;
    let focus: Vec<&str> = settings.regions.iter().map(|region| region.code.as_str()).collect();
    json!({"sections": settings.sections, "title": settings.title, "notes": settings.notes, "focus": focus,
        "language": words.language()})
}

/// Looks whether the regions in focus are among those of the report.
fn check_focus(pipeline: &Pipeline, data: &Value) -> Result<(), ReportError> {
    let names: BTreeMap<String, String> = data["names"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(code, name)| (code.clone(), name.as_str().unwrap_or_default().to_owned()))
        .collect();
    let checked = pipeline.report.check_regions(&pipeline.path, &names);
    checked.map_err(|faults| ReportError::Pipeline(Box::new(PipelineError::Faults(faults))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_served_to_this_machine_alone() {
        for text in [USUAL_ADDRESS, "localhost:8080"] {
            assert_eq!(loopback(text).map(|of| of.to_string()), Ok("127.0.0.1:8080".to_owned()));
        }
        assert_eq!(loopback("[::1]:0").map(|of| of.to_string()), Ok("[::1]:0".to_owned()));
        for (text, why) in [
            ("0.0.0.0:8080", "other machines reach it"),
            ("192.168.1.5:80", "other machines reach it"),
            ("[::]:80", "other machines reach it"),
            ("8080", "expected 127.0.0.1:PORT"),
            ("localhost", "expected 127.0.0.1:PORT"),
            ("localhost:99999", "expected 127.0.0.1:PORT"),
        ] {
            let error = loopback(text).expect_err(text);
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }
}
