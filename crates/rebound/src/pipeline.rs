//! What runs on which data: `pipelines/*.yaml`.

use crate::config::{Config, ConfigError, ProximitySource, Setting, beside};
use crate::layout_file::{self, LayoutError, LayoutFile};
use crate::model_spec::{Model, ModelError};
use crate::raw_files::{self, RawFile, RawFileError, label_of};
use crate::stage_name::StageName;
use crate::yaml::{self, YamlError};
use lake::RemoteError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
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
    /// A model file is.
    #[error("failed to read the model `{path}`")]
    Model {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: ModelError,
    },
    /// Two model files have one name.
    #[error(transparent)]
    Models(ModelError),
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

impl PipelineError {
    /// Whether the user's files are at fault, and not a store.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_users(),
            _ => true,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    config: Vec<String>,
    lake: String,
    sources: Vec<SourceText>,
    proximity: Option<ProximityText>,
    reference: Option<ReferenceText>,
    incomes: Option<IncomesText>,
    population: Option<IncomesText>,
    pci: Option<PciText>,
    boundaries: Option<BoundariesText>,
    report: Option<String>,
    #[serde(default = "yes")]
    records: bool,
    #[serde(default)]
    engine: Engine,
    scheduler: Option<String>,
    groups: Option<GroupsText>,
    rebate_rates: Option<RebateText>,
    #[serde(default)]
    tables: BTreeMap<String, TableText>,
    #[serde(default)]
    models: Vec<String>,
    sql: Option<String>,
    checks: Option<String>,
    stages: Vec<String>,
}

/// What does the work of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// This machine.
    #[default]
    Embedded,
    /// A Ballista cluster.
    Ballista,
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
struct ProximityText {
    file: String,
    hs_revision: String,
    columns: ProximityColumns,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceText {
    file: String,
    hs_revision: String,
    columns: ReferenceColumns,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncomesText {
    file: String,
    columns: IncomeColumns,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PciText {
    file: String,
    hs_revision: String,
    columns: PciColumns,
}

/// Header names of a table of product complexity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PciColumns {
    /// Product.
    pub product: String,
    /// Its complexity.
    pub value: String,
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
struct GroupsText {
    file: String,
    columns: GroupColumns,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RebateText {
    file: String,
    hs_revision: String,
    columns: RebateColumns,
}

/// Header names of a table of rebate rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebateColumns {
    /// Tariff line, product, heading or chapter.
    pub hs: String,
    /// Rate.
    pub rate: String,
    /// First day in force.
    pub valid_from: String,
    /// Last day in force.
    pub valid_to: String,
    /// `fraction` or `percent`.
    pub unit: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText {
    file: String,
    #[serde(default)]
    types: BTreeMap<String, String>,
    #[serde(default)]
    about: String,
}

/// A table from elsewhere that SQL reads as `external.<name>`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in the records of runs.
    pub label: String,
    /// The file.
    pub path: PathBuf,
    /// Types of columns, where the user gives them.
    pub types: BTreeMap<String, String>,
    /// What it holds.
    pub about: String,
}

/// Header names of a table of groups of regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupColumns {
    /// Region.
    pub region: String,
    /// Its group.
    pub group: String,
}

/// How features are matched with regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoundaryNames {
    /// The property that holds a region's code or name.
    pub property: String,
    /// The text there of regions that go by another one, by region code.
    pub names: BTreeMap<String, String>,
}

/// Header names of a table of a reference economy's trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceColumns {
    /// Year.
    pub year: String,
    /// Product.
    pub product: String,
    /// Value, in any one unit.
    pub value: String,
}

/// Header names of a table of incomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomeColumns {
    /// Year.
    pub year: String,
    /// Region.
    pub region: String,
    /// Income a head or people, in any one unit.
    pub value: String,
}

/// Header names of a table of proximities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A table from elsewhere, as CSV.
#[derive(Debug, Clone)]
pub struct External<C> {
    /// Its name in the records of runs.
    pub label: String,
    /// The table.
    pub path: PathBuf,
    /// The revision of its codes; that of the analysis if it has none.
    pub revision: HsRevision,
    /// Its header names.
    pub columns: C,
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

impl SqlFile {
    /// A line `-- name: text` at the head of the file.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .take_while(|line| line.starts_with("--"))
            .find_map(|line| {
                line.trim_start_matches("--").trim().strip_prefix(name)?.strip_prefix(':')
            })
            .map(str::trim)
    }

    /// The header `each`: a name, and the query of the values that `$name` stands for in turn.
    pub fn each(&self) -> Option<(&str, &str)> {
        let (name, query) = self.header("each")?.split_once(" in ")?;
        Some((name.trim(), query.trim()))
    }

    /// What its table depends on: all but how it is laid out and other comments.
    pub fn meaning(&self) -> String {
        let headers = ["key", "about", "each"].map(|name| self.header(name).unwrap_or_default());
        format!("{}\n{}", headers.join("\n"), query::meaning(&self.text))
    }
}

/// A pipeline with everything it names.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its file.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// The values it runs with.
    pub config: Config,
    /// The lake it writes to.
    pub lake: String,
    /// Its raw data.
    pub sources: Vec<Source>,
    /// External proximities, if it has them.
    pub proximity: Option<External<ProximityColumns>>,
    /// The trade of a reference economy.
    pub reference: Option<External<ReferenceColumns>>,
    /// Incomes of regions.
    pub incomes: Option<External<IncomeColumns>>,
    /// Population of regions.
    pub population: Option<External<IncomeColumns>>,
    /// Complexity of products, computed elsewhere.
    pub pci: Option<External<PciColumns>>,
    /// Boundaries of regions, as GeoJSON.
    pub boundaries: Option<External<BoundaryNames>>,
    /// Groups of regions.
    pub groups: Option<External<GroupColumns>>,
    /// Rebates of export VAT.
    pub rebate_rates: Option<External<RebateColumns>>,
    /// Tables from elsewhere, by the name under `external`.
    pub tables: BTreeMap<String, Table>,
    /// Models that are estimated.
    pub models: Vec<Model>,
    /// The tables made by SQL.
    pub sql: Vec<SqlFile>,
    /// The claims checked before publication.
    pub checks: Vec<SqlFile>,
    /// The stages that run.
    pub stages: Vec<StageName>,
    /// What does the work.
    pub engine: Engine,
    /// Whether records are kept in `customs.records`; if not, they go from the raw files into the sums.
    pub keeps_records: bool,
}

impl Pipeline {
    /// Whether records can be left out, if they are.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Value`] if something needs them.
    pub fn can_do_without_records(&self) -> Result<(), PipelineError> {
        let why = if self.keeps_records {
            return Ok(());
        } else if self.engine == Engine::Ballista {
            "a cluster sums what it finds in kept records"
        } else if self.config.aggregate.quantities {
            "the config says `aggregate.quantities: true`, and quantities are summed from kept records"
        } else if [StageName::Ingest, StageName::Aggregate]
            .iter()
            .any(|stage| !self.stages.contains(stage))
        {
            "records that are not kept are summed as they are read: expected both `ingest` and `aggregate` in `stages`"
        } else {
            return Ok(());
        };
        let why = format!("{why}; keep them (`records: true`, no --no-records)");
        Err(PipelineError::Value { path: self.path.clone(), key: "records".to_owned(), why })
    }

    /// The proximities, if the config takes them from elsewhere.
    pub fn used_proximity(&self) -> Option<&External<ProximityColumns>> {
        let is_used = self.config.relatedness.source() == Ok(ProximitySource::External);
        self.proximity.as_ref().filter(|_| is_used)
    }

    /// The tables from elsewhere that are used.
    pub fn externals(&self) -> Vec<Elsewhere> {
        fn of<C: Serialize>(
            key: &'static str,
            external: Option<&External<C>>,
            readers: &[(StageName, bool)],
        ) -> Option<Elsewhere> {
            let external = external?;
            let columns = serde_json::to_string(&external.columns).unwrap_or_default();
            let readers: Vec<_> =
                readers.iter().filter(|(_, is_used)| *is_used).map(|(stage, _)| *stage).collect();
            (!readers.is_empty()).then(|| Elsewhere {
                key,
                label: external.label.clone(),
                path: external.path.clone(),
                settings: format!("{} {columns}", external.revision),
                readers,
            })
        }
        use StageName::{Policy, Relatedness, Resilience, Spatial};
        let in_rca = self.config.relatedness.has_external_reference() == Ok(true);
        let as_benchmark = self.config.resilience.uses_reference();
        [
            of("proximity", self.used_proximity(), &[(Relatedness, true)]),
            of(
                "reference",
                self.reference.as_ref(),
                &[(Relatedness, in_rca), (Resilience, as_benchmark)],
            ),
            of("incomes", self.incomes.as_ref(), &[(Relatedness, true), (Resilience, true)]),
            of("population", self.population.as_ref(), &[(Relatedness, true)]),
            of("pci", self.pci.as_ref(), &[(Relatedness, true), (Resilience, true)]),
            of("boundaries", self.boundaries.as_ref(), &[(Spatial, true)]),
            of("groups", self.groups.as_ref(), &[(Spatial, true), (Resilience, true)]),
            of("rebate_rates", self.rebate_rates.as_ref(), &[(Policy, true)]),
        ]
        .into_iter()
        .flatten()
        .chain(self.tables.values().map(|table| Elsewhere {
            key: "tables",
            label: table.label.clone(),
            path: table.path.clone(),
            settings: serde_json::to_string(&(&table.types, &table.about)).unwrap_or_default(),
            readers: vec![StageName::Tables],
        }))
        .collect()
    }
}

/// A table from elsewhere, and what it is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its key in the pipeline.
    pub key: &'static str,
    /// Its name in the records of runs.
    pub label: String,
    /// The table.
    pub path: PathBuf,
    /// How it is read.
    pub settings: String,
    /// The stages that read it.
    pub readers: Vec<StageName>,
}

/// What a pipeline's file says of a run as a whole.
#[derive(Debug, Clone)]
pub struct Head {
    /// The lake that it writes to.
    pub lake: String,
    /// The folder of the report that is drawn when it has published.
    pub report: Option<PathBuf>,
    /// What does the work.
    pub engine: Engine,
    /// The address of the cluster's scheduler.
    pub scheduler: Option<String>,
}

/// Reads the file of the pipeline at `path`, and nothing that it names.
///
/// # Errors
///
/// [`PipelineError::Yaml`].
pub fn head(path: &Path) -> Result<Head, PipelineError> {
    let file: File = yaml::read(path)?;
    Ok(Head {
        lake: lake_url(path, &file.lake),
        report: file.report.map(|folder| beside(path, &folder)),
        engine: file.engine,
        scheduler: file.scheduler,
    })
}

/// The values of the config of the pipeline at `path`, with where they come from.
///
/// # Errors
///
/// [`PipelineError`] if it or its config cannot be read.
pub fn settings(path: &Path) -> Result<Vec<Setting>, PipelineError> {
    let file: File = yaml::read(path)?;
    let paths: Vec<_> = file.config.iter().map(|text| beside(path, text)).collect();
    Ok(Config::settings(&paths)?)
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
        if text.files.is_empty() {
            let why = "expected at least one path, pattern or URL of raw files".to_owned();
            return Err(invalid("sources.files", why));
        }
        let mut files: BTreeMap<String, RawFile> = BTreeMap::new();
        for pattern in &text.files {
            let found = raw_files::find(runtime, path, pattern).map_err(|error| match error {
                RawFileError::Pattern(why) => invalid("sources.files", why),
                RawFileError::Remote(error) => error.into(),
            })?;
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
    let revision = |key: &str, text: &str| {
        text.parse().map_err(|e: trade::hs::ParseRevisionError| {
            invalid(&format!("{key}.hs_revision"), e.to_string())
        })
    };
    let place = |key: &str, file: &str| {
        let place = beside(path, file);
        (format!("{key}: {}", label_of(path, &place)), place)
    };
    let proximity = match file.proximity {
        None => None,
        Some(text) => {
            let (label, place) = place("proximity", &text.file);
            let revision = revision("proximity", &text.hs_revision)?;
            Some(External { label, path: place, revision, columns: text.columns })
        }
    };
    let reference = match file.reference {
        None => None,
        Some(text) => {
            let (label, place) = place("reference", &text.file);
            let revision = revision("reference", &text.hs_revision)?;
            Some(External { label, path: place, revision, columns: text.columns })
        }
    };
    let target = config.harmonize.revision().map_err(|why| invalid("config", why))?;
    let of_regions = |key: &str, text: IncomesText| {
        let (label, path) = place(key, &text.file);
        External { label, path, revision: target, columns: text.columns }
    };
    let incomes = file.incomes.map(|text| of_regions("incomes", text));
    let population = file.population.map(|text| of_regions("population", text));
    let pci = match file.pci {
        None => None,
        Some(text) => {
            let (label, place) = place("pci", &text.file);
            let revision = revision("pci", &text.hs_revision)?;
            Some(External { label, path: place, revision, columns: text.columns })
        }
    };
    let boundaries = file.boundaries.map(|text| {
        let (label, path) = place("boundaries", &text.file);
        let names = text.names.unwrap_or_default();
        let columns = BoundaryNames { property: text.property, names };
        External { label, path, revision: target, columns }
    });
    let groups = file.groups.map(|text| {
        let (label, path) = place("groups", &text.file);
        External { label, path, revision: target, columns: text.columns }
    });
    let rebate_rates = match file.rebate_rates {
        None => None,
        Some(text) => {
            let (label, place) = place("rebate_rates", &text.file);
            let revision = revision("rebate_rates", &text.hs_revision)?;
            Some(External { label, path: place, revision, columns: text.columns })
        }
    };
    let mut tables = BTreeMap::new();
    for (name, text) in file.tables {
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_name {
            let why = format!(
                "{name:?}: expected small letters, digits and _: SQL reads it as external.<name>"
            );
            return Err(invalid("tables", why));
        }
        let (label, place) = place(&format!("tables.{name}"), &text.file);
        tables.insert(name, Table { label, path: place, types: text.types, about: text.about });
    }
    let model_paths: Vec<PathBuf> = file.models.iter().map(|text| beside(path, text)).collect();
    let models = read_models(&model_paths)?;
    if config.relatedness.source() == Ok(ProximitySource::External) && proximity.is_none() {
        let why = "the config says `proximity_source: external`, but there is no `proximity` here";
        return Err(invalid("proximity", why.to_owned()));
    }
    if config.relatedness.has_external_reference() == Ok(true) && reference.is_none() {
        let why = "the config says `rca_reference: external`, but there is no `reference` here";
        return Err(invalid("reference", why.to_owned()));
    }
    if config.resilience.uses_reference() && reference.is_none() {
        let why = "a benchmark of the config is `reference`, but there is no `reference` here";
        return Err(invalid("reference", why.to_owned()));
    }
    let mut stages = Vec::new();
    for text in &file.stages {
        let stage: StageName = text.parse().map_err(|why| invalid("stages", why))?;
        stages.push(stage);
    }
    Ok(Pipeline {
        path: path.to_owned(),
        name: file.name,
        config,
        lake: lake_url(path, &file.lake),
        sources,
        proximity,
        reference,
        incomes,
        population,
        pci,
        boundaries,
        groups,
        rebate_rates,
        tables,
        models,
        sql: sql_files(path, file.sql.as_deref())?,
        checks: sql_files(path, file.checks.as_deref())?,
        stages,
        engine: file.engine,
        keeps_records: file.records,
    })
}

/// The model files that a pipeline names.
fn read_models(paths: &[PathBuf]) -> Result<Vec<Model>, PipelineError> {
    let read = |path: &PathBuf| {
        Model::read(path).map_err(|source| PipelineError::Model { path: path.clone(), source })
    };
    let models = paths.iter().map(read).collect::<Result<Vec<_>, _>>()?;
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

/// A folder is relative to the pipeline file; a URL is as it is.
fn lake_url(path: &Path, lake: &str) -> String {
    if lake.contains("://") { lake.to_owned() } else { beside(path, lake).display().to_string() }
}

fn read_text(path: &Path) -> Result<String, PipelineError> {
    std::fs::read_to_string(path)
        .map_err(|source| PipelineError::Read { path: path.to_owned(), source })
}

/// The SQL files in a folder that the pipeline names, if it does.
fn sql_files(pipeline: &Path, folder: Option<&str>) -> Result<Vec<SqlFile>, PipelineError> {
    let Some(folder) = folder.map(|folder| beside(pipeline, folder)) else { return Ok(Vec::new()) };
    let folder = folder.as_path();
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
