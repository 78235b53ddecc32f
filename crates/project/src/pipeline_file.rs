//! The file of a pipeline, and all that it names.

use crate::config::choice::{Named, ProximitySource, RcaReference};
use crate::config::{Config, ConfigError, Setting};
use crate::expectation::{Expectation, Scope};
use crate::fault::{Fault, Faults, Step};
use crate::layout_file;
use crate::model_spec::{Model, ModelError};
use crate::nightly::{Nightly, NightlyText};
use crate::paths::resolve_path;
use crate::pipeline::{
    BoundaryNames, ByProduct, Engine, External, GroupColumns, IncomeColumns, PciColumns, Pipeline,
    PipelineError, ProximityColumns, RebateColumns, ReferenceColumns, Source, Table,
};
use crate::raw_files::{self, RawFile, RawFileError, label_of};
use crate::read_options::{ColumnTypes, ReadOptions};
use crate::report_settings::{ReportSettings, ReportText};
use crate::severity_header::{self, Purpose};
use crate::sql_file::SqlFile;
use crate::stage_name::StageName;
use crate::suggest::suggest;
use crate::yaml::{self, YamlError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use trade::{HsRevision, TargetRevision};

/// The key of what the report shows: settings of it are of no config.
pub const REPORT: &str = "report";

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
    report: Option<ReportText>,
    #[serde(default = "yes")]
    records: bool,
    #[serde(default)]
    engine: Engine,
    scheduler: Option<String>,
    nightly: Option<NightlyText>,
    groups: Option<RegionTableText<GroupColumns>>,
    rebate_rates: Option<ProductTableText<RebateColumns>>,
    #[serde(default)]
    tables: BTreeMap<String, TableText>,
    #[serde(default)]
    models: Vec<String>,
    sql: Option<String>,
    checks: Option<String>,
    expect: Option<Expectation>,
    metrics: Option<String>,
    stages: Vec<Named<StageName>>,
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
    years: Option<[i32; 2]>,
    expect: Option<Expectation>,
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
    columns: C,
    hs_revision: Named<HsRevision>,
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
    text: String,
    file: File,
}

impl PipelineFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Yaml`], with every key that is unknown or missing and every value that is
    /// none of its key.
    pub fn read(path: &Path) -> Result<Self, PipelineError> {
        let text = yaml::text_of(path)?;
        let file = yaml::all_of(path, &text)?;
        Ok(Self { path: path.to_owned(), text, file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the pipeline.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The lake that it writes to: a folder is relative to the file, a URL is as it is.
    pub fn lake(&self) -> String {
        let lake = &self.file.lake;
        if lake.contains("://") { lake.clone() } else { self.resolved(lake).display().to_string() }
    }

    /// The folder of the report that is drawn when it has published.
    pub fn report(&self) -> Option<PathBuf> {
        let folder = self.file.report.as_ref().and_then(ReportText::folder);
        folder.map(|folder| self.resolved(folder))
    }

    /// The file of metrics that each run leaves.
    pub fn metrics(&self) -> Option<PathBuf> {
        self.file.metrics.as_ref().map(|file| self.resolved(file))
    }

    /// What does the work.
    pub fn engine(&self) -> Engine {
        self.file.engine
    }

    /// The address of the cluster's scheduler.
    pub fn scheduler(&self) -> Option<&str> {
        self.file.scheduler.as_deref()
    }

    /// What is done around a run at night.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Faults`] with all that is wrong with it.
    pub fn nightly(&self) -> Result<Nightly, PipelineError> {
        let Some(text) = &self.file.nightly else { return Ok(Nightly::default()) };
        text.nightly(&self.path).map_err(|wrong| {
            let faults = wrong.into_iter().map(|(steps, why)| self.invalid(&steps, why));
            PipelineError::Faults(Faults(faults.collect()))
        })
    }

    /// What the report shows.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Faults`] with all that is wrong with it.
    pub fn report_settings(&self) -> Result<ReportSettings, PipelineError> {
        let Some(text) = &self.file.report else { return Ok(ReportSettings::default()) };
        text.settings(&self.path, &self.text).map_err(|wrong| {
            let faults = wrong.into_iter().map(|(steps, why)| self.invalid(&steps, why));
            PipelineError::Faults(Faults(faults.collect()))
        })
    }

    /// The values of its config, and those that it says of the report, with where they come from.
    ///
    /// # Errors
    ///
    /// [`PipelineError`] if the config cannot be read, or a value of the report makes no sense.
    pub fn settings(&self) -> Result<Vec<Setting>, PipelineError> {
        let mut settings = Config::settings(&self.configs())?;
        self.report_settings()?;
        let said = self.file.report.as_ref().map(ReportText::said).unwrap_or_default();
        settings.extend(said.into_iter().filter_map(|(key, value)| {
            let steps = [REPORT, key];
            // A folder may stand for all keys.
            let line = yaml::line_of(&self.text, &steps)
                .or_else(|| yaml::line_of(&self.text, &steps[..1]))?;
            Some(Setting { section: REPORT, key, value, path: self.path.clone(), line })
        }));
        Ok(settings)
    }

    fn resolved(&self, path: &str) -> PathBuf {
        resolve_path(&self.path, path)
    }

    fn configs(&self) -> Vec<PathBuf> {
        self.file.config.iter().map(|text| self.resolved(text)).collect()
    }

    /// That the value at `steps` makes no sense.
    fn invalid(&self, steps: &[Step], why: impl Into<String>) -> Fault {
        let line = (1..=steps.len()).rev().find_map(|n| yaml::line_at(&self.text, &steps[..n]));
        Fault::invalid(&self.path, line, steps, why)
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
    /// [`PipelineError::Faults`] with all that is wrong with the file, the config and the models; a
    /// file that cannot be read.
    pub fn pipeline(mut self, runtime: &Runtime) -> Result<Pipeline, PipelineError> {
        let mut faults = Faults::default();
        let config = match Config::read(&self.configs()) {
            Ok(config) => Some(config),
            Err(ConfigError::Faults(found)) => {
                faults.0.extend(found.0);
                None
            }
            Err(error) => return Err(error.into()),
        };
        faults.0.extend(config.iter().flat_map(|config| self.what_the_config_misses(config)));
        if let Err(PipelineError::Faults(found)) = self.nightly() {
            faults.0.extend(found.0);
        }
        let report = match self.report_settings() {
            Ok(report) => report,
            Err(PipelineError::Faults(found)) => {
                faults.0.extend(found.0);
                ReportSettings::default()
            }
            Err(error) => return Err(error),
        };
        let sources = self.sources(runtime, &mut faults);
        let models = self.models(&mut faults);
        let tables = self.tables(&mut faults);
        let Some(config) = config.filter(|_| faults.0.is_empty()) else {
            return Err(PipelineError::Faults(faults));
        };
        let (sources, models) = (sources?, models?);
        let file = &mut self.file;
        let stages = std::mem::take(&mut file.stages).into_iter().map(|Named(name)| name).collect();
        let (proximity, reference) = (file.proximity.take(), file.reference.take());
        let (incomes, population) = (file.incomes.take(), file.population.take());
        let (pci, rebate_rates) = (file.pci.take(), file.rebate_rates.take());
        let (boundaries, groups) = (file.boundaries.take(), file.groups.take());
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
            tables,
            models,
            sql: self.sql_files(self.file.sql.as_deref(), Purpose::Table)?,
            checks: self.sql_files(self.file.checks.as_deref(), Purpose::Check)?,
            stages,
            engine: self.file.engine,
            expect: self.file.expect.take(),
            keeps_records: self.file.records,
            report,
            config,
            path: self.path.clone(),
        };
        let mut faults = Faults::default();
        faults.0.extend(self.other_classification(&pipeline));
        faults.0.extend(self.other_digits(&pipeline));
        faults.0.extend(self.tables_of_other_products(&pipeline));
        faults.0.extend(self.wrong_expectations(&pipeline));
        if faults.0.is_empty() { Ok(pipeline) } else { Err(PipelineError::Faults(faults)) }
    }

    /// Tables that the config asks for and the file does not name.
    fn what_the_config_misses(&self, config: &Config) -> Vec<Fault> {
        let missing = |key: &str, why: &str| Fault {
            what: format!("missing key `{key}`"),
            place: Some((self.path.clone(), None)),
            why: why.to_owned(),
        };
        let mut found = Vec::new();
        let is_external = config.relatedness.proximity_source == ProximitySource::External;
        if is_external && self.file.proximity.is_none() {
            let why =
                "the config says `proximity_source: external`, but there is no `proximity` here";
            found.push(missing("proximity", why));
        }
        let why = if config.relatedness.rca_reference == RcaReference::External {
            "the config says `rca_reference: external`, but there is no `reference` here"
        } else if config.resilience.uses_reference() {
            "a benchmark of the config is `reference`, but there is no `reference` here"
        } else {
            return found;
        };
        if self.file.reference.is_none() {
            found.push(missing("reference", why));
        }
        found
    }

    /// What it expects and nobody could look at.
    fn wrong_expectations(&self, pipeline: &Pipeline) -> Vec<Fault> {
        let whole = (vec![Step::from("expect")], pipeline.expect.as_ref(), Scope::Whole);
        let of_sources = pipeline.sources.iter().enumerate().map(|(n, source)| {
            let steps = vec![Step::from("sources"), Step::from(n), Step::from("expect")];
            (steps, source.expect.as_ref(), Scope::Source)
        });
        let mut faults = Vec::new();
        for (mut steps, expectation, scope) in std::iter::once(whole).chain(of_sources) {
            let Some(expectation) = expectation else { continue };
            if let Some((key, why)) = expectation.fault(scope) {
                if !key.is_empty() {
                    steps.push(Step::from(key));
                }
                faults.push(self.invalid(&steps, why));
                continue;
            }
            let (stage, table) = match scope {
                Scope::Source => (StageName::Ingest, "customs.records"),
                Scope::Whole => (StageName::Aggregate, "trade.region_year"),
            };
            if !pipeline.stages.contains(&stage) {
                let why =
                    format!("it is looked up in {table}: expected `{}` in `stages`", stage.name());
                faults.push(self.invalid(&steps, why));
            }
        }
        faults.extend(self.expectations_of_one_layout(pipeline));
        faults
    }

    /// Sources that expect something and share their layout: tables say of a file only that.
    fn expectations_of_one_layout(&self, pipeline: &Pipeline) -> Vec<Fault> {
        let name = |source: &Source| source.layout.layout.name.clone();
        let mut faults = Vec::new();
        for (n, source) in pipeline.sources.iter().enumerate() {
            let same = pipeline.sources.iter().map(name).filter(|other| *other == name(source));
            if source.expect.is_some() && same.count() > 1 {
                let why = format!(
                    "another source has the layout `{}`, too, and tables do not tell their files apart: put their files \
                     together, or give one of them a layout of another name",
                    name(source)
                );
                let steps = [Step::from("sources"), Step::from(n), Step::from("expect")];
                faults.push(self.invalid(&steps, why));
            }
        }
        faults
    }

    /// Tables from elsewhere whose codes are of HS, where products are of something else.
    fn tables_of_other_products(&self, pipeline: &Pipeline) -> Vec<Fault> {
        let classification = pipeline.classification();
        let tables = [
            ("proximity", pipeline.proximity.is_some()),
            ("reference", pipeline.reference.is_some()),
            ("pci", pipeline.pci.is_some()),
            ("rebate_rates", pipeline.rebate_rates.is_some()),
        ];
        let is_other = |(_, is_there): &(&str, bool)| *is_there && !classification.is_hs();
        let fault = |(key, _): (&str, bool)| {
            let why = format!(
                "its codes are of HS, and the products of the sources are of {classification}: leave it out"
            );
            self.invalid(&[Step::from(key)], why)
        };
        tables.into_iter().filter(is_other).map(fault).collect()
    }

    /// Its sources. What is wrong with the file is added to `faults`, and the rest read all the
    /// same.
    fn sources(
        &mut self,
        runtime: &Runtime,
        faults: &mut Faults,
    ) -> Result<Vec<Source>, PipelineError> {
        let mut sources: Vec<Source> = Vec::new();
        let mut failed = None;
        let texts = std::mem::take(&mut self.file.sources);
        if texts.is_empty() {
            faults.tell(self.invalid(&[Step::from("sources")], "expected at least one"));
        }
        for (n, text) in texts.into_iter().enumerate() {
            let at = |key: &str| [Step::from("sources"), Step::from(n), Step::from(key)];
            let source = match self.source(runtime, n, text, faults) {
                Ok(source) => source,
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            if let Some(first) = sources.first() {
                let (a, b) = (&first.layout.layout.measure, &source.layout.layout.measure);
                if a != b {
                    let why = format!("layouts have different currencies or measures, {a} and {b}");
                    faults.tell(self.invalid(&at("layout"), why));
                }
            }
            let is_known = |file: &&RawFile| {
                let known = sources.iter().flat_map(|source| &source.files);
                known.into_iter().any(|known| known.label == file.label)
            };
            if let Some(twice) = source.files.iter().find(is_known) {
                let why = format!("`{}` is matched by two sources", twice.label);
                faults.tell(self.invalid(&at("files"), why));
            }
            sources.push(source);
        }
        failed.map_or(Ok(sources), Err)
    }

    /// Sources whose products have other digits than those of the first: a product and what it is part
    /// of cannot stand in one table. HS codes of six digits and more are cut to six.
    fn other_digits(&self, pipeline: &Pipeline) -> Vec<Fault> {
        let mut faults = Vec::new();
        let target = *pipeline.config.harmonize.target_revision;
        let mut first: BTreeMap<bool, (&str, usize)> = BTreeMap::new();
        for (n, source) in pipeline.sources.iter().enumerate() {
            let layout = &source.layout.layout;
            let is_hs = layout.product.is_hs();
            let Some(digits) = layout.product.digits else { continue };
            let digits = if is_hs { digits.min(6) } else { digits };
            let steps = [Step::from("sources"), Step::from(n), Step::from("layout")];
            if is_hs && digits < 6 && !target.is_hs() {
                let why = format!(
                    "the layout `{}` has HS products of {digits} digits, and `harmonize.target_revision` {} takes those of six",
                    layout.name,
                    target.name()
                );
                faults.push(self.invalid(&steps, why));
            }
            let (other, of_other) = *first.entry(is_hs).or_insert((&layout.name, digits));
            if of_other != digits {
                let why = format!(
                    "the layout `{other}` has products of {of_other} digits, and `{}` of {digits}: run them as pipelines of their own",
                    layout.name
                );
                faults.push(self.invalid(&steps, why));
            }
        }
        faults
    }

    /// Sources with products of another classification than the first has: they cannot stand in one
    /// table, unless HS codes are brought to what the others are of.
    fn other_classification(&self, pipeline: &Pipeline) -> Vec<Fault> {
        let target = *pipeline.config.harmonize.target_revision;
        let Some((first, others)) = pipeline.sources.split_first() else { return Vec::new() };
        let brought = |source: &Source| {
            let own = &source.layout.layout.product.classification;
            if own.is_hs() { target.classification() } else { (**own).clone() }
        };
        let of_first = brought(first);
        let mut faults = Vec::new();
        for (n, source) in others.iter().enumerate() {
            let of_source = brought(source);
            if of_first.is_same(&of_source) {
                continue;
            }
            let same_name = of_first.to_string() == of_source.to_string();
            let groups = if same_name { ", in other groups" } else { "" };
            let why = format!(
                "the layout `{}` has products of {of_first}, and `{}` of {of_source}{groups}: a pipeline has one classification. \
                 `harmonize.target_revision` brings HS codes to {}; run others as pipelines of their own",
                first.layout.layout.name,
                source.layout.layout.name,
                TargetRevision::OTHERS.map(TargetRevision::name).join(", ")
            );
            let steps = [Step::from("sources"), Step::from(n + 1), Step::from("layout")];
            faults.push(self.invalid(&steps, why));
        }
        faults
    }

    fn source(
        &self,
        runtime: &Runtime,
        n: usize,
        text: SourceText,
        faults: &mut Faults,
    ) -> Result<Source, PipelineError> {
        let at = |key: &str, item: usize| {
            [Step::from("sources"), Step::from(n), Step::from(key), Step::from(item)]
        };
        let mut layout = layout_file::read(&self.resolved(&text.layout))?;
        if let Some([first, last]) = text.years {
            if first > last {
                let steps = [Step::from("sources"), Step::from(n), Step::from("years")];
                let why = format!("[{first}, {last}]: expected the first and the last year");
                faults.tell(self.invalid(&steps, why));
            }
            layout.layout.years = Some((first, last));
        }
        let known: Vec<&str> = layout.layout.rules.iter().map(|rule| rule.name.as_str()).collect();
        for (item, rule) in text.exclude.iter().enumerate() {
            if !known.contains(&rule.as_str()) {
                let close = suggest(rule, known.iter().copied());
                let why =
                    format!("unknown rule {rule:?}: the layout has {}{close}", known.join(", "));
                faults.tell(self.invalid(&at("exclude", item), why));
            }
        }
        if text.files.is_empty() {
            let why = "expected at least one path, pattern or URL of raw files";
            faults.tell(self.invalid(&at("files", 0)[..3], why));
        }
        let mut files: BTreeMap<String, RawFile> = BTreeMap::new();
        for (item, pattern) in text.files.iter().enumerate() {
            match raw_files::find(runtime, &self.path, pattern) {
                Ok(found) => {
                    files.extend(found.into_iter().map(|file| {
                        let sheets = layout.sheets.clone();
                        (file.label.clone(), RawFile { sheets, ..file })
                    }));
                }
                Err(RawFileError::Pattern(why)) => {
                    faults.tell(self.invalid(&at("files", item), why));
                }
                Err(RawFileError::Remote(error)) => return Err(error.into()),
            }
        }
        let files = files.into_values().collect();
        Ok(Source { layout, files, exclude: text.exclude, expect: text.expect })
    }

    fn tables(&mut self, faults: &mut Faults) -> BTreeMap<String, Table> {
        let mut tables = BTreeMap::new();
        for (name, text) in std::mem::take(&mut self.file.tables) {
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !is_name {
                let why = format!(
                    "{name:?}: expected small letters, digits and _: SQL reads it as external.<name>"
                );
                faults.tell(self.invalid(&[Step::from("tables"), Step::from(&name)], why));
            }
            let (label, path) = self.labelled(&format!("tables.{name}"), &text.file);
            let mut read = text.read;
            read.types.0.extend(text.types.0);
            tables.insert(name, Table { label, path, read, about: text.about });
        }
        tables
    }

    /// Its models. What is wrong with their files is added to `faults`.
    fn models(&self, faults: &mut Faults) -> Result<Vec<Model>, PipelineError> {
        let mut models: Vec<Model> = Vec::new();
        let mut failed = None;
        for (n, text) in self.file.models.iter().enumerate() {
            let path = self.resolved(text);
            let model = match Model::read(&path) {
                Ok(model) => model,
                Err(ModelError::Yaml(YamlError::Faults(found)) | ModelError::Faults(found)) => {
                    faults.0.extend(found.0);
                    continue;
                }
                Err(source) => {
                    failed = failed.or(Some(PipelineError::Model { path, source }));
                    continue;
                }
            };
            if models.iter().any(|known| known.name == model.name) {
                let why = format!("two files have the name `{}`", model.name);
                faults.tell(self.invalid(&[Step::from("models"), Step::from(n)], why));
            }
            models.push(model);
        }
        failed.map_or(Ok(models), Err)
    }

    /// The SQL files in a folder that the file names, if it does.
    fn sql_files(
        &self,
        folder: Option<&str>,
        purpose: Purpose,
    ) -> Result<Vec<SqlFile>, PipelineError> {
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
        let files: Vec<SqlFile> = files.into_values().collect();
        let faults = files.iter().flat_map(|file| severity_header::faults(file, purpose));
        let faults = Faults(faults.collect());
        if faults.0.is_empty() { Ok(files) } else { Err(PipelineError::Faults(faults)) }
    }
}
