//! What runs on which data: `pipelines/*.yaml`.

use crate::bounded;
use crate::config::{Config, ConfigError, ProximitySource, beside};
use crate::graph::StageName;
use crate::layout_file::{self, LayoutError, LayoutFile};
use crate::models::{self, Model, ModelError};
use crate::yaml::{self, YamlError};
use lake::{RemoteError, RemoteFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
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
    sql: String,
    checks: String,
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
    let models = models::read_all(&model_paths)?;
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
        sql: sql_files(&beside(path, &file.sql))?,
        checks: sql_files(&beside(path, &file.checks))?,
        stages,
        engine: file.engine,
        keeps_records: file.records,
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

/// The name of an entry of a folder.
fn name_of(entry: &std::fs::DirEntry) -> Result<String, String> {
    entry.file_name().into_string().map_err(|name| {
        let folder = entry.path();
        let folder = folder.parent().unwrap_or(Path::new("")).display();
        format!(
            "the name {name:?} in `{folder}` is no UTF-8, so tables cannot hold it: rename the file"
        )
    })
}

/// The entries of a folder.
fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, String> {
    let failed = |error: std::io::Error| format!("failed to read `{}`: {error}", folder.display());
    std::fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map_err(failed)).collect()
}

/// A file as it is; of a folder, every file in it and below, but hidden ones.
fn within(path: PathBuf, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !path.is_dir() {
        found.push(path);
        return Ok(());
    }
    for entry in entries(&path)? {
        if !name_of(&entry)?.starts_with('.') {
            within(entry.path(), found)?;
        }
    }
    Ok(())
}

/// The paths below `folder` that match `parts`, one part a level, of which `**` stands for any number.
fn matching(
    folder: PathBuf,
    parts: &[Component<'_>],
    options: glob::MatchOptions,
    found: &mut Vec<PathBuf>,
) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        found.push(folder);
        return Ok(());
    };
    let text = part.as_os_str().to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        let path = folder.join(part);
        // A link to nothing is there, too.
        return match path.symlink_metadata() {
            Ok(_) => matching(path, rest, options, found),
            Err(_) => Ok(()),
        };
    }
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    if text == "**" {
        matching(folder.clone(), rest, options, found)?;
    }
    if !folder.is_dir() {
        return Ok(());
    }
    let pattern = glob::Pattern::new(&text).map_err(|error| error.to_string())?;
    for entry in entries(&folder)? {
        if text == "**" {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !is_hidden {
                name_of(&entry)?;
                matching(entry.path(), parts, options, found)?;
            }
        } else if pattern.matches_with(&entry.file_name().to_string_lossy(), options) {
            name_of(&entry)?;
            let path = entry.path();
            if rest.is_empty() || path.is_dir() {
                matching(path, rest, options, found)?;
            }
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
        glob::Pattern::new(&pattern.to_string_lossy()).map_err(|error| bad(&error))?;
        let parts: Vec<_> = pattern.components().collect();
        let (mut matched, mut found) = (Vec::new(), Vec::new());
        matching(PathBuf::new(), &parts, options, &mut matched).map_err(|why| bad(&why))?;
        for path in matched {
            within(path, &mut found).map_err(|why| bad(&why))?;
        }
        for path in &found {
            bounded::is_regular(path)
                .map_err(|error| bad(&format!("`{}`: {error}", path.display())))?;
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
