//! What runs on which data: `pipelines/*.yaml`.

use crate::config::{Config, ConfigError, ProximitySource, beside};
use crate::graph::StageName;
use crate::layout_file::{self, LayoutError, LayoutFile};
use crate::yaml::{self, YamlError};
use lake::{RemoteError, RemoteFile};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use trade::HsRevision;

/// A pipeline that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The config is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A layout is.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A value makes no sense.
    #[error("invalid `{key}` in `{path}`: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong and what was expected.
        why: String,
    },
    /// Raw files on an object store cannot be found.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A file that the pipeline names cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    config: Vec<String>,
    lake: String,
    sources: Vec<SourceText>,
    proximity: Option<ProximityText>,
    sql: String,
    checks: String,
    stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceText {
    layout: String,
    files: Vec<String>,
    exclude: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProximityText {
    file: String,
    hs_revision: String,
    columns: ProximityColumns,
}

/// Header names of a table of proximities.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProximityColumns {
    /// One product.
    pub a: String,
    /// The other.
    pub b: String,
    /// Their proximity.
    pub proximity: String,
}

/// Raw files of one layout.
#[derive(Debug, Clone)]
pub struct Source {
    /// How they are read.
    pub layout: LayoutFile,
    /// The files, sorted.
    pub files: Vec<RawFile>,
    /// The rules whose entries are left out.
    pub exclude: Vec<String>,
}

/// A raw file and its name in tables.
#[derive(Debug, Clone)]
pub struct RawFile {
    /// Its path from the pipeline's folder, without the steps that lead out of it: the same on every
    /// machine that has the same tree. Its URL, if it is on an object store.
    pub label: String,
    /// Where it is.
    pub place: Place,
}

/// Where a raw file is.
#[derive(Debug, Clone)]
pub enum Place {
    /// On this machine.
    Local(PathBuf),
    /// On an object store or a web server.
    Remote(RemoteFile),
}

/// Proximities that were computed elsewhere.
#[derive(Debug, Clone)]
pub struct ExternalProximity {
    /// Its name in the records of runs.
    pub label: String,
    /// The table.
    pub path: PathBuf,
    /// The revision of its codes.
    pub revision: HsRevision,
    /// Its header names.
    pub columns: ProximityColumns,
}

/// A text file of the pipeline: a table's SQL, or a check's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// The file.
    pub path: PathBuf,
    /// Its name without `.sql`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A pipeline with everything it names.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The values it runs with.
    pub config: Config,
    /// The lake it writes to.
    pub lake: String,
    /// Its raw data.
    pub sources: Vec<Source>,
    /// External proximities, if it has them.
    pub proximity: Option<ExternalProximity>,
    /// The tables made by SQL.
    pub sql: Vec<SqlFile>,
    /// The claims checked before publication.
    pub checks: Vec<SqlFile>,
    /// The stages that run.
    pub stages: Vec<StageName>,
}

/// The lake that the pipeline at `path` writes to.
///
/// # Errors
///
/// [`PipelineError::Yaml`].
pub fn lake_of(path: &Path) -> Result<String, PipelineError> {
    let file: File = yaml::read(path)?;
    Ok(lake_url(path, &file.lake))
}

/// Reads the pipeline at `path`, its config, layouts and SQL, and finds its raw files.
///
/// # Errors
///
/// [`PipelineError`], naming the file and key at fault.
pub fn read(runtime: &Runtime, path: &Path) -> Result<Pipeline, PipelineError> {
    let file: File = yaml::read(path)?;
    let invalid = |key: &str, why: String| PipelineError::Value {
        path: path.to_owned(),
        key: key.to_owned(),
        why,
    };
    let config_paths: Vec<_> = file.config.iter().map(|text| beside(path, text)).collect();
    let config = Config::read(&config_paths)?;
    let mut sources: Vec<Source> = Vec::new();
    for text in file.sources {
        let layout_path = beside(path, &text.layout);
        let layout = layout_file::read(&layout_path)?;
        for rule in &text.exclude {
            if !layout.layout.rules.iter().any(|known| known.name == *rule) {
                let known: Vec<_> = layout.layout.rules.iter().map(|r| r.name.as_str()).collect();
                let why = format!("unknown rule {rule:?}: the layout has {}", known.join(", "));
                return Err(invalid("sources.exclude", why));
            }
        }
        if let Some(first) = sources.first() {
            let (a, b) = (&first.layout.layout.currency, &layout.layout.currency);
            if a != b {
                return Err(invalid(
                    "sources",
                    format!("layouts have different currencies, {a} and {b}"),
                ));
            }
        }
        let mut files: BTreeMap<String, RawFile> = BTreeMap::new();
        for pattern in &text.files {
            let found = raw_files(runtime, path, pattern, &invalid)?;
            files.extend(found.into_iter().map(|file| (file.label.clone(), file)));
        }
        let is_known = |label: &String| {
            sources.iter().any(|source| source.files.iter().any(|file| file.label == *label))
        };
        if let Some(twice) = files.keys().find(|label| is_known(label)) {
            return Err(invalid("sources.files", format!("`{twice}` is matched by two sources")));
        }
        let files = files.into_values().collect();
        sources.push(Source { layout, files, exclude: text.exclude });
    }
    if sources.is_empty() {
        return Err(invalid("sources", "expected at least one".to_owned()));
    }
    let proximity = match file.proximity {
        None => None,
        Some(text) => Some(ExternalProximity {
            label: label_of(path, &beside(path, &text.file)),
            path: beside(path, &text.file),
            revision: text.hs_revision.parse().map_err(|e: trade::hs::ParseRevisionError| {
                invalid("proximity.hs_revision", e.to_string())
            })?,
            columns: text.columns,
        }),
    };
    if config.relatedness.source() == Ok(ProximitySource::External) && proximity.is_none() {
        let why = "the config says `proximity_source: external`, but there is no `proximity` here";
        return Err(invalid("proximity", why.to_owned()));
    }
    let mut stages = Vec::new();
    for text in &file.stages {
        let stage: StageName = text.parse().map_err(|why| invalid("stages", why))?;
        stages.push(stage);
    }
    Ok(Pipeline {
        name: file.name,
        config,
        lake: lake_url(path, &file.lake),
        sources,
        proximity,
        sql: sql_files(&beside(path, &file.sql))?,
        checks: sql_files(&beside(path, &file.checks))?,
        stages,
    })
}

/// A folder is relative to the pipeline file; a URL is as it is.
fn lake_url(path: &Path, lake: &str) -> String {
    if lake.contains("://") { lake.to_owned() } else { beside(path, lake).display().to_string() }
}

fn read_text(path: &Path) -> Result<String, PipelineError> {
    std::fs::read_to_string(path)
        .map_err(|source| PipelineError::Read { path: path.to_owned(), source })
}

fn sql_files(folder: &Path) -> Result<Vec<SqlFile>, PipelineError> {
    let unreadable = |source| PipelineError::Read { path: folder.to_owned(), source };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".sql"));
        if let Some(name) = name {
            let file =
                SqlFile { name: name.to_owned(), text: read_text(&path)?, path: path.clone() };
            files.insert(name.to_owned(), file);
        }
    }
    Ok(files.into_values().collect())
}

/// A file as it is; of a folder, every file in it and below, but hidden ones.
fn within(path: PathBuf, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        found.push(path);
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            within(entry.path(), found)?;
        }
    }
    Ok(())
}

/// The files that `pattern` names: a glob of paths from the pipeline's folder, or a URL.
fn raw_files(
    runtime: &Runtime,
    pipeline: &Path,
    pattern: &str,
    invalid: &dyn Fn(&str, String) -> PipelineError,
) -> Result<Vec<RawFile>, PipelineError> {
    let bad = |error: &dyn std::fmt::Display| invalid("sources.files", error.to_string());
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        require_literal_separator: true,
        ..Default::default()
    };
    let (shown, files) = if pattern.contains("://") {
        let glob = glob::Pattern::new(pattern).map_err(|error| bad(&error))?;
        let matches = |url: &str| glob.matches_with(url, options);
        let found = runtime.block_on(RemoteFile::find(pattern, matches))?;
        let file =
            |file: RemoteFile| RawFile { label: file.url().to_owned(), place: Place::Remote(file) };
        (pattern.to_owned(), found.into_iter().map(file).collect::<Vec<_>>())
    } else {
        let pattern = beside(pipeline, pattern);
        let mut found = Vec::new();
        for path in glob::glob_with(&pattern.to_string_lossy(), options).map_err(|e| bad(&e))? {
            within(path.map_err(|error| bad(&error))?, &mut found).map_err(|error| bad(&error))?;
        }
        let file =
            |path: PathBuf| RawFile { label: label_of(pipeline, &path), place: Place::Local(path) };
        (pattern.display().to_string(), found.into_iter().map(file).collect())
    };
    if files.is_empty() {
        return Err(bad(&format!("no file matches `{shown}`")));
    }
    Ok(files)
}

fn label_of(pipeline: &Path, path: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (folder, file) = (whole(pipeline), whole(path));
    let folder: Vec<_> = folder.parent().map(|p| p.components().collect()).unwrap_or_default();
    let parts: Vec<_> = file.components().collect();
    let n_shared = folder.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let label: Vec<_> =
        parts[n_shared..].iter().map(|part| part.as_os_str().to_string_lossy()).collect();
    label.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_name_the_machine() {
        let label = |pipeline: &str, path: &str| label_of(Path::new(pipeline), Path::new(path));
        assert_eq!(label("/home/a/p/pipelines/x.yaml", "/home/a/p/samples/y.csv"), "samples/y.csv");
        assert_eq!(label("pipelines/x.yaml", "samples/y.csv"), "samples/y.csv");
        assert_eq!(label("/home/a/x.yaml", "/home/a/raw/y.csv"), "raw/y.csv");
    }
}
