//! The file of a pipeline, and all that it names.

use crate::config::choice::{Named, ProximitySource, RcaReference};
use crate::config::{Config, Setting};
use crate::layout_file;
use crate::model_spec::{Model, ModelError};
use crate::paths::resolve_path;
use crate::pipeline::{
    BoundaryNames, ByProduct, Engine, External, GroupColumns, IncomeColumns, PciColumns, Pipeline,
    PipelineError, ProximityColumns, RebateColumns, ReferenceColumns, Source, SqlFile, Table,
};
use crate::raw_files::{self, RawFile, RawFileError, label_of};
use crate::read_options::{ColumnTypes, ReadOptions};
use crate::stage_name::StageName;
use crate::yaml;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use trade::HsRevision;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    config: Vec<String>,
    lake: String,
    sources: Vec<SourceText>,
    proximity: Option<ProductTableText<ProximityColumns>>,
    reference: Option<ProductTableText<ReferenceColumns>>,
    incomes: Option<RegionTableText<IncomeColumns>>,
    population: Option<RegionTableText<IncomeColumns>>,
    pci: Option<ProductTableText<PciColumns>>,
    boundaries: Option<BoundariesText>,
    report: Option<String>,
    #[serde(default = "yes")]
    records: bool,
    #[serde(default)]
    engine: Engine,
    scheduler: Option<String>,
    groups: Option<RegionTableText<GroupColumns>>,
    rebate_rates: Option<ProductTableText<RebateColumns>>,
    #[serde(default)]
    tables: BTreeMap<String, TableText>,
    #[serde(default)]
    models: Vec<String>,
    sql: Option<String>,
    checks: Option<String>,
    stages: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceText {
    layout: String,
    files: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundariesText {
    file: String,
    property: String,
    names: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText {
    file: String,
    #[serde(default)]
    types: ColumnTypes,
    #[serde(default)]
    read: ReadOptions,
    #[serde(default)]
    about: String,
}

/// A table of products of another origin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductTableText<C> {
    file: String,
    #[serde(default = "ReadOptions::default")]
    read: ReadOptions,
    hs_revision: Named<HsRevision>,
    columns: C,
}

/// A table of regions of another origin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionTableText<C> {
    file: String,
    #[serde(default = "ReadOptions::default")]
    read: ReadOptions,
    columns: C,
}

/// The file of a pipeline as it is written; nothing that it names is read yet.
#[derive(Debug)]
pub struct PipelineFile {
    path: PathBuf,
    file: File,
}

impl PipelineFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Yaml`].
    pub fn read(path: &Path) -> Result<Self, PipelineError> {
        Ok(Self { path: path.to_owned(), file: yaml::read(path)? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lake that it writes to: a folder is relative to the file, a URL is as it is.
    pub fn lake(&self) -> String {
        let lake = &self.file.lake;
        if lake.contains("://") { lake.clone() } else { self.resolved(lake).display().to_string() }
    }

    /// The folder of the report that is drawn when it has published.
    pub fn report(&self) -> Option<PathBuf> {
        self.file.report.as_ref().map(|folder| self.resolved(folder))
    }

    /// What does the work.
    pub fn engine(&self) -> Engine {
        self.file.engine
    }

    /// The address of the cluster's scheduler.
    pub fn scheduler(&self) -> Option<&str> {
        self.file.scheduler.as_deref()
    }

    /// The values of its config, with where they come from.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Config`] if the config cannot be read.
    pub fn settings(&self) -> Result<Vec<Setting>, PipelineError> {
        Ok(Config::settings(&self.configs())?)
    }

    fn resolved(&self, path: &str) -> PathBuf {
        resolve_path(&self.path, path)
    }

    fn configs(&self) -> Vec<PathBuf> {
        self.file.config.iter().map(|text| self.resolved(text)).collect()
    }

    fn invalid(&self, key: &str, why: impl Into<String>) -> PipelineError {
        PipelineError::Value { path: self.path.clone(), key: key.to_owned(), why: why.into() }
    }

    /// Name in the records of runs, and place, of a file under `key`.
    fn labelled(&self, key: &str, file: &str) -> (String, PathBuf) {
        let path = self.resolved(file);
        (format!("{key}: {}", label_of(&self.path, &path)), path)
    }

    fn by_product<C>(
        &self,
        key: &str,
        text: Option<ProductTableText<C>>,
    ) -> Option<External<ByProduct<C>>> {
        let ProductTableText { file, read, hs_revision, columns } = text?;
        let (label, path) = self.labelled(key, &file);
        Some(External { label, path, read, columns: ByProduct { hs_revision, columns } })
    }

    fn by_region<C>(&self, key: &str, text: Option<RegionTableText<C>>) -> Option<External<C>> {
        let RegionTableText { file, read, columns } = text?;
        let (label, path) = self.labelled(key, &file);
        Some(External { label, path, read, columns })
    }

    /// Reads its config, layouts, models and SQL, and finds its raw files.
    ///
    /// # Errors
    ///
    /// [`PipelineError`], naming the file and key at fault.
    pub fn pipeline(mut self, runtime: &Runtime) -> Result<Pipeline, PipelineError> {
        let config = Config::read(&self.configs())?;
        let sources = self.sources(runtime)?;
        let mut stages = Vec::new();
        for text in &self.file.stages {
            let stage: StageName =
                text.parse().map_err(|why: String| self.invalid("stages", why))?;
            stages.push(stage);
        }
        let file = &mut self.file;
        let (proximity, reference) = (file.proximity.take(), file.reference.take());
        let (incomes, population) = (file.incomes.take(), file.population.take());
        let (pci, rebate_rates) = (file.pci.take(), file.rebate_rates.take());
        let (boundaries, groups) = (file.boundaries.take(), file.groups.take());
        let tables = std::mem::take(&mut file.tables);
        let boundaries = boundaries.map(|text| {
            let (label, path) = self.labelled("boundaries", &text.file);
            let names = text.names.unwrap_or_default();
            let columns = BoundaryNames { property: text.property, names };
            External { label, path, read: ReadOptions::default(), columns }
        });
        let pipeline = Pipeline {
            name: self.file.name.clone(),
            lake: self.lake(),
            sources,
            proximity: self.by_product("proximity", proximity),
            reference: self.by_product("reference", reference),
            incomes: self.by_region("incomes", incomes),
            population: self.by_region("population", population),
            pci: self.by_product("pci", pci),
            boundaries,
            groups: self.by_region("groups", groups),
            rebate_rates: self.by_product("rebate_rates", rebate_rates),
            tables: self.tables(tables)?,
            models: self.models()?,
            sql: self.sql_files(self.file.sql.as_deref())?,
            checks: self.sql_files(self.file.checks.as_deref())?,
            stages,
            engine: self.file.engine,
            keeps_records: self.file.records,
            config,
            path: self.path.clone(),
        };
        self.has_what_the_config_asks_for(&pipeline)?;
        Ok(pipeline)
    }

    fn has_what_the_config_asks_for(&self, pipeline: &Pipeline) -> Result<(), PipelineError> {
        let Pipeline { config, proximity, reference, .. } = pipeline;
        let has_proximity = proximity.is_some();
        let is_external = config.relatedness.proximity_source == ProximitySource::External;
        if is_external && !has_proximity {
            let why =
                "the config says `proximity_source: external`, but there is no `proximity` here";
            return Err(self.invalid("proximity", why));
        }
        let why = if config.relatedness.rca_reference == RcaReference::External {
            "the config says `rca_reference: external`, but there is no `reference` here"
        } else if config.resilience.uses_reference() {
            "a benchmark of the config is `reference`, but there is no `reference` here"
        } else {
            return Ok(());
        };
        if reference.is_some() { Ok(()) } else { Err(self.invalid("reference", why)) }
    }

    fn sources(&mut self, runtime: &Runtime) -> Result<Vec<Source>, PipelineError> {
        let mut sources: Vec<Source> = Vec::new();
        for text in std::mem::take(&mut self.file.sources) {
            let source = self.source(runtime, text)?;
            if let Some(first) = sources.first() {
                let (a, b) = (&first.layout.layout.currency, &source.layout.layout.currency);
                if a != b {
                    let why = format!("layouts have different currencies, {a} and {b}");
                    return Err(self.invalid("sources", why));
                }
            }
            let is_known = |file: &&RawFile| {
                let known = sources.iter().flat_map(|source| &source.files);
                known.into_iter().any(|known| known.label == file.label)
            };
            if let Some(twice) = source.files.iter().find(is_known) {
                let why = format!("`{}` is matched by two sources", twice.label);
                return Err(self.invalid("sources.files", why));
            }
            sources.push(source);
        }
        if sources.is_empty() {
            return Err(self.invalid("sources", "expected at least one"));
        }
        Ok(sources)
    }

    fn source(&self, runtime: &Runtime, text: SourceText) -> Result<Source, PipelineError> {
        let layout = layout_file::read(&self.resolved(&text.layout))?;
        for rule in &text.exclude {
            if !layout.layout.rules.iter().any(|known| known.name == *rule) {
                let known: Vec<_> = layout.layout.rules.iter().map(|r| r.name.as_str()).collect();
                let why = format!("unknown rule {rule:?}: the layout has {}", known.join(", "));
                return Err(self.invalid("sources.exclude", why));
            }
        }
        if text.files.is_empty() {
            let why = "expected at least one path, pattern or URL of raw files";
            return Err(self.invalid("sources.files", why));
        }
        let mut files: BTreeMap<String, RawFile> = BTreeMap::new();
        for pattern in &text.files {
            let found = raw_files::find(runtime, &self.path, pattern);
            let found = found.map_err(|error| match error {
                RawFileError::Pattern(why) => self.invalid("sources.files", why),
                RawFileError::Remote(error) => error.into(),
            })?;
            files.extend(found.into_iter().map(|file| (file.label.clone(), file)));
        }
        Ok(Source { layout, files: files.into_values().collect(), exclude: text.exclude })
    }

    fn tables(
        &self,
        texts: BTreeMap<String, TableText>,
    ) -> Result<BTreeMap<String, Table>, PipelineError> {
        let mut tables = BTreeMap::new();
        for (name, text) in texts {
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !is_name {
                let why = format!(
                    "{name:?}: expected small letters, digits and _: SQL reads it as external.<name>"
                );
                return Err(self.invalid("tables", why));
            }
            let (label, path) = self.labelled(&format!("tables.{name}"), &text.file);
            let mut read = text.read;
            read.types.0.extend(text.types.0);
            tables.insert(name, Table { label, path, read, about: text.about });
        }
        Ok(tables)
    }

    fn models(&self) -> Result<Vec<Model>, PipelineError> {
        let read = |text: &String| {
            let path = self.resolved(text);
            Model::read(&path).map_err(|source| PipelineError::Model { path, source })
        };
        let models = self.file.models.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        match models.iter().find(|model| !names.insert(&model.name)) {
            Some(twice) => Err(PipelineError::Models(ModelError::Value {
                of: format!("model `{}`", twice.name),
                key: "name",
                why: "two files have this name".to_owned(),
            })),
            None => Ok(models),
        }
    }

    /// The SQL files in a folder that the file names, if it does.
    fn sql_files(&self, folder: Option<&str>) -> Result<Vec<SqlFile>, PipelineError> {
        let Some(folder) = folder.map(|folder| self.resolved(folder)) else {
            return Ok(Vec::new());
        };
        let unreadable = |source| PipelineError::Read { path: folder.clone(), source };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().and_then(|n| n.to_str());
            if let Some(name) = name.and_then(|name| name.strip_suffix(".sql")) {
                let file = SqlFile {
                    name: name.to_owned(),
                    text: yaml::text_of(&path)?,
                    path: path.clone(),
                };
                files.insert(name.to_owned(), file);
            }
        }
        Ok(files.into_values().collect())
    }
}
