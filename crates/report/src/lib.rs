//! `rebound report`: one page with figures and tables of what is published, and the figures as SVG and PNG.
//!
//! SQL over the published tables makes the data; `charts/` makes options of ECharts of them, in the page and here alike, where a small
//! JavaScript engine draws them as SVG.

mod categories;
mod certainty;
mod data;
pub mod destination;
pub mod draw;
mod error;
pub mod export;
pub mod figures;
mod grid;
mod layout;
pub mod new_file;
pub mod output;
mod page;
pub mod published;
pub mod regression_table;
mod shapes;
mod source;
pub mod stata;
pub mod words;

pub use self::error::ReportError;

use self::new_file::NewFile;
use self::source::Source;
use self::words::Words;
use clap::Args;
use lake::{Catalog, Lake};
use project::pipeline::Pipeline;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Arguments of `rebound report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The pipeline file, for names and boundaries.
    pub pipeline: PathBuf,
    /// Another lake than the pipeline's.
    #[arg(long, env = "REBOUND_LAKE")]
    pub lake: Option<String>,
    /// The folder to write to: `report.html`, and `figures/` with SVG and PNG.
    #[arg(long, short, default_value = "report")]
    pub output: PathBuf,
    /// Only the page.
    #[arg(long)]
    pub no_figures: bool,
}

/// Writes the report; gives the files.
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
) -> Result<Vec<PathBuf>, ReportError> {
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
    let words = Words::english();
    let mut data = data::data(&source, pipeline, &results)?;
    data["words"] = words.dictionary();
    let html = page::page(&source, pipeline, &data, &words, &results)?;
    let write = |path: PathBuf, bytes: &[u8]| -> Result<PathBuf, ReportError> {
        NewFile::write(&path, bytes)
            .map_err(|source| ReportError::Write { path: path.clone(), source })?;
        Ok(path)
    };
    let figures = args.output.join("figures");
    std::fs::create_dir_all(if args.no_figures { &args.output } else { &figures })
        .map_err(|source| ReportError::Write { path: args.output.clone(), source })?;
    let mut written = vec![write(args.output.join("report.html"), html.as_bytes())?];
    if !args.no_figures {
        for figure in draw::figures(&data)? {
            // An episode may be called what no file can be.
            let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            let name: String =
                figure.name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
            written.push(write(figures.join(format!("{name}.svg")), figure.svg.as_bytes())?);
            written.push(write(figures.join(format!("{name}.png")), &figure.png)?);
        }
    }
    Ok(written)
}
