//! What runs on which data: `pipelines/*.yaml`.

use crate::config::choice::{Choice, Named};
use crate::config::{Config, ConfigError};
use crate::expectation::Expectation;
use crate::fault::Faults;
use crate::layout_file::{LayoutError, LayoutFile};
use crate::model_spec::{Model, ModelError};
use crate::raw_files::{Place, RawFile};
use crate::read_options::ReadOptions;
use crate::report_settings::ReportSettings;
use crate::sql_file::SqlFile;
use crate::stage_name::StageName;
use crate::yaml::YamlError;
use lake::RemoteError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use trade::layout::Measure;
use trade::{Classification, HsRevision};

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
    /// All that is wrong with the file, its config and its models.
    #[error("{0}")]
    Faults(Faults),
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

/// Header names of a table of product complexity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PciColumns {
    /// Product.
    pub product: String,
    /// Its complexity.
    pub value: String,
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

/// A table from elsewhere that SQL reads as `external.<name>`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in the records of runs.
    pub label: String,
    /// The file.
    pub path: PathBuf,
    /// How it is read, where the user tells; the types of columns among it.
    pub read: ReadOptions,
    /// What it holds.
    pub about: String,
}

impl Table {
    /// The file.
    pub fn file(&self) -> RawFile {
        RawFile::new(self.label.clone(), Place::Local(self.path.clone()))
    }
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
    /// What is expected of its records.
    pub expect: Option<Expectation>,
}

/// A table from elsewhere. What is in it is known by its hash; here it is known by how it is read.
#[derive(Debug, Clone, Serialize)]
pub struct External<C> {
    /// Its name in the records of runs.
    #[serde(skip)]
    pub label: String,
    /// The table.
    #[serde(skip)]
    pub path: PathBuf,
    /// How it is read, where the user tells.
    pub read: ReadOptions,
    /// Its header names.
    #[serde(flatten)]
    pub columns: C,
}

impl<C> External<C> {
    /// The file.
    pub fn file(&self) -> RawFile {
        RawFile::new(self.label.clone(), Place::Local(self.path.clone()))
    }
}

/// Columns of a table that has products.
#[derive(Debug, Clone, Serialize)]
pub struct ByProduct<C> {
    /// The revision of its codes.
    pub hs_revision: Named<HsRevision>,
    /// The columns.
    pub columns: C,
}

impl<C> Deref for ByProduct<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.columns
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
    pub proximity: Option<External<ByProduct<ProximityColumns>>>,
    /// The trade of a reference economy.
    pub reference: Option<External<ByProduct<ReferenceColumns>>>,
    /// Incomes of regions.
    pub incomes: Option<External<IncomeColumns>>,
    /// Population of regions.
    pub population: Option<External<IncomeColumns>>,
    /// Complexity of products, computed elsewhere.
    pub pci: Option<External<ByProduct<PciColumns>>>,
    /// Boundaries of regions, as GeoJSON.
    pub boundaries: Option<External<BoundaryNames>>,
    /// Groups of regions.
    pub groups: Option<External<GroupColumns>>,
    /// Rebates of export VAT.
    pub rebate_rates: Option<External<ByProduct<RebateColumns>>>,
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
    /// What is expected of the sums.
    pub expect: Option<Expectation>,
    /// Whether records are kept in `customs.records`; if not, they go from the raw files into the sums.
    pub keeps_records: bool,
    /// What the report shows. No table depends on it.
    pub report: ReportSettings,
}

impl Pipeline {
    /// What its products are codes of: where sources are of HS, what these codes are brought to.
    pub fn classification(&self) -> Classification {
        let found = self.source_classification();
        let target = *self.config.harmonize.target_revision;
        if found.is_hs() && !target.is_hs() {
            self.labelled(target.classification())
        } else {
            found
        }
    }

    /// What the products of its sources are codes of, before HS codes are brought elsewhere: all have
    /// the same classification, or else HS and the one that it is brought to.
    pub fn source_classification(&self) -> Classification {
        let mut all = self.of_sources();
        let of_hs = self.of_sources().find(|classification| classification.is_hs());
        let found = of_hs.or_else(|| all.next()).cloned();
        self.labelled(found.unwrap_or_else(Classification::hs))
    }

    fn of_sources(&self) -> impl Iterator<Item = &Classification> {
        self.sources.iter().map(|source| &*source.layout.layout.product.classification)
    }

    /// The classification with the labels of all sources that have it: each may have its own.
    fn labelled(&self, mut classification: Classification) -> Classification {
        let is_hs = classification.is_hs();
        for other in self.of_sources().filter(|other| other.is_hs() == is_hs) {
            for (code, label) in &other.labels {
                let known = classification.labels.entry(code.clone());
                known.or_insert_with(|| label.clone());
            }
        }
        classification
    }

    /// What the values of its tables are: the same in all sources.
    pub fn measure(&self) -> Measure {
        let first = self.sources.first().map(|source| source.layout.layout.measure.clone());
        first.unwrap_or_else(|| Measure::Money(String::new()))
    }

    /// What its values are called, and their unit: exports and USD, or employment and persons.
    pub fn measured(&self) -> (String, String) {
        let measure = self.measure();
        let unit = measure.unit().to_owned();
        match measure {
            Measure::Money(_) => (format!("{}s", self.config.aggregate.flow.name()), unit),
            Measure::Other { name, .. } => (name, unit),
        }
    }

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
        } else if self.sources.iter().any(|source| source.expect.is_some()) {
            "a source has `expect`, and its periods and totals are looked up in kept records"
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

    /// The users' tables, by name, if the pipeline asks for them.
    pub fn asked_tables(&self) -> impl Iterator<Item = (&String, &Table)> {
        let is_asked = self.stages.contains(&StageName::Tables);
        self.tables.iter().filter(move |_| is_asked)
    }

    /// The tables made by SQL, if the pipeline asks for them.
    pub fn asked_sql(&self) -> impl Iterator<Item = &SqlFile> {
        let is_asked = self.stages.contains(&StageName::Panels);
        self.sql.iter().filter(move |_| is_asked)
    }
}
