//! What the rows of the stage depend on.

use super::super::context::{Context, FileInput, Input};
use super::super::error::StageError;
use super::super::unit::Unit;
use lake::Fingerprint;
use project::bounded::RowLimit;
use project::config;
use project::pipeline::{Pipeline, Source};
use project::raw_files::RawFile;
use serde::Serialize;
use std::collections::BTreeMap;

/// See [`Stage::Params`](super::super::stage::Stage::Params).
#[derive(Serialize)]
pub(crate) struct Params {
    pub(super) ingest: config::Ingest,
    /// How the files of each source are read, by the name of its layout.
    sources: BTreeMap<String, SourceParams>,
    #[serde(skip)]
    pub(super) read: Vec<Source>,
}

#[derive(Serialize)]
struct SourceParams {
    /// Of what the layout says.
    layout: Fingerprint,
    exclude: Vec<String>,
    /// The first and last year that are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<(i32, i32)>,
}

impl From<&Pipeline> for Params {
    fn from(pipeline: &Pipeline) -> Self {
        let params = |source: &Source| SourceParams {
            layout: Fingerprint::of(source.layout.meaning.as_bytes()),
            exclude: source.exclude.clone(),
            years: source.layout.layout.years,
        };
        let sources = pipeline.sources.iter().enumerate();
        Self {
            ingest: pipeline.config.ingest.clone(),
            sources: sources
                .map(|(at, source)| (name_of(&pipeline.sources, at), params(source)))
                .collect(),
            read: pipeline.sources.clone(),
        }
    }
}

/// The name of a source: its layout's, with its number where an earlier one has the same.
fn name_of(sources: &[Source], at: usize) -> String {
    let name = |source: &Source| source.layout.layout.name.clone();
    let own = name(&sources[at]);
    match sources[..at].iter().filter(|source| name(source) == own).count() {
        0 => own,
        n => format!("{own} {}", n + 1),
    }
}

impl Params {
    /// The raw files.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let sources = self.read.iter().enumerate();
        let inputs = sources.flat_map(|(at, source)| {
            let read_as = Some(name_of(&self.read, at));
            source.files.iter().map(move |file| {
                Input::File(FileInput { file: file.clone(), read_as: read_as.clone() })
            })
        });
        inputs.collect()
    }

    /// A raw file of the source at a place, as a unit of work.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the file is not one of the stage's inputs.
    pub(super) fn unit(
        &self,
        source: usize,
        file: &RawFile,
        context: &Context<'_>,
    ) -> Result<Unit, StageError> {
        let read_as = self.sources.get(&name_of(&self.read, source));
        let unit = Unit::new(&file.label)
            .of("max_row_mib", &self.ingest.max_row_mib)?
            .of("source", &read_as)?;
        context.with_file(unit, &file.label)
    }

    /// How long a row may be.
    pub(super) fn row_limit(&self) -> RowLimit {
        RowLimit { mib: self.ingest.max_row_mib, setting: Some("ingest.max_row_mib") }
    }
}
