//! With what values: `config/*.yaml`, read once, checked once, and made into the types of the crates.

use crate::yaml::{self, YamlError};
use resilience::Benchmark;
use serde::{Deserialize, Serialize};
use space::{Diagonal, RcaRule};
use std::path::{Path, PathBuf};
use trade::{HsRevision, Method};

/// Why the config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// No file gives a section.
    #[error(
        "no config file gives the section `{section}`: name config/default.yaml first, among {files}"
    )]
    Section {
        /// The section.
        section: &'static str,
        /// The files read.
        files: String,
    },
    /// A value makes no sense.
    #[error("invalid `{key}` in `{file}`: {why}")]
    Value {
        /// The key.
        key: String,
        /// The file that gave its section.
        file: String,
        /// What is wrong and what was expected.
        why: String,
    },
}

/// One config file: any sections, each complete.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    ingest: Option<Ingest>,
    harmonize: Option<Harmonize>,
    aggregate: Option<Aggregate>,
    relatedness: Option<Relatedness>,
    resilience: Option<Resilience>,
    engine: Option<Engine>,
}

/// Section `ingest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// The largest share of entries that may be rejected, 0 to 1.
    pub max_rejected_share: f64,
}

/// Section `harmonize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harmonize {
    /// The one HS revision of the analysis.
    pub target_revision: String,
    /// How codes are brought to it.
    pub method: String,
}

/// Section `aggregate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// `export` or `import`.
    pub flow: String,
}

/// Section `relatedness`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relatedness {
    /// `at_least` or `above`.
    pub rca_rule: String,
    /// The RCA that the rule compares with.
    pub rca_threshold: f64,
    /// `regions` or `external`.
    pub proximity_source: String,
    /// Years pooled for the proximity of the data's own regions.
    pub proximity_years: Vec<i32>,
    /// Products below this ubiquity are related to nothing.
    pub min_ubiquity: usize,
    /// `excluded` or `included`.
    pub diagonal: String,
    /// The smallest proximity that `space.proximity` holds.
    pub publish_proximity_from: f64,
}

/// Section `resilience`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resilience {
    /// The smallest expected growth, in absolute value, that an index is divided by.
    pub near_zero: f64,
    /// Benchmarks of regions.
    pub region_benchmarks: Vec<String>,
    /// Benchmarks of region-products.
    pub product_benchmarks: Vec<String>,
    /// The shocks.
    pub episodes: Vec<Episode>,
}

/// One shock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Its name.
    pub name: String,
    /// Years whose mean is the base.
    pub base_years: Vec<i32>,
    /// The trough.
    pub trough_year: i32,
    /// The end of the recovery.
    pub end_year: i32,
    /// The year whose structure is compared with the base's.
    pub transformation_year: i32,
}

/// Section `engine`: nothing here changes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Threads; 0: one a core.
    pub threads: usize,
    /// Memory of sums and of SQL operators before they spill, in MiB.
    pub memory_mib: usize,
}

impl Engine {
    /// [`Self::memory_mib`] in bytes; less than 64 MiB is no use.
    pub fn memory_bytes(&self) -> usize {
        self.memory_mib.max(64) << 20
    }
}

/// The whole config, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Section `ingest`.
    pub ingest: Ingest,
    /// Section `harmonize`.
    pub harmonize: Harmonize,
    /// Section `aggregate`.
    pub aggregate: Aggregate,
    /// Section `relatedness`.
    pub relatedness: Relatedness,
    /// Section `resilience`.
    pub resilience: Resilience,
    /// Section `engine`.
    pub engine: Engine,
}

/// Where proximity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProximitySource {
    /// The data's own regions.
    Regions,
    /// The pipeline's table.
    External,
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("unknown choice {text:?}: expected one of {}", names.join(", "))
    })
}

impl Harmonize {
    /// The target revision.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn revision(&self) -> Result<HsRevision, String> {
        self.target_revision.parse().map_err(|e: trade::hs::ParseRevisionError| e.to_string())
    }

    /// The method.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn method(&self) -> Result<Method, String> {
        self.method.parse().map_err(|e: trade::concordance::ParseMethodError| e.to_string())
    }
}

impl Relatedness {
    /// The rule of specialisation.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn rule(&self) -> Result<RcaRule, String> {
        let threshold = self.rca_threshold;
        one_of(
            &self.rca_rule,
            &[("at_least", RcaRule::AtLeast(threshold)), ("above", RcaRule::Above(threshold))],
        )
    }

    /// Where proximity comes from.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn source(&self) -> Result<ProximitySource, String> {
        one_of(
            &self.proximity_source,
            &[("regions", ProximitySource::Regions), ("external", ProximitySource::External)],
        )
    }

    /// The convention for a product's proximity to itself.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn diagonal(&self) -> Result<Diagonal, String> {
        one_of(
            &self.diagonal,
            &[("excluded", Diagonal::Excluded), ("included", Diagonal::Included)],
        )
    }
}

impl Resilience {
    /// The benchmarks of regions.
    ///
    /// # Errors
    ///
    /// A text names none.
    pub fn of_regions(&self) -> Result<Vec<Benchmark>, String> {
        self.region_benchmarks
            .iter()
            .map(|text| text.parse().map_err(|e: resilience::ParseBenchmarkError| e.to_string()))
            .collect()
    }

    /// The benchmarks of region-products with their names: `product` is what `mix` is for regions.
    ///
    /// # Errors
    ///
    /// A text names none.
    pub fn of_products(&self) -> Result<Vec<(String, Benchmark)>, String> {
        let choices = [
            ("aggregate", Benchmark::Aggregate),
            ("product", Benchmark::Mix),
            ("aggregate_loo", Benchmark::AggregateLeaveOneOut),
            ("product_loo", Benchmark::MixLeaveOneOut),
        ];
        self.product_benchmarks
            .iter()
            .map(|text| one_of(text, &choices).map(|benchmark| (text.clone(), benchmark)))
            .collect()
    }
}

/// A later file's section stands for an earlier one's.
fn last<T>(
    files: &[(PathBuf, File)],
    section: &'static str,
    get: impl Fn(&File) -> Option<&T>,
) -> Result<(T, String), ConfigError>
where
    T: Clone,
{
    files
        .iter()
        .rev()
        .find_map(|(path, file)| Some((get(file)?.clone(), path.display().to_string())))
        .ok_or_else(|| ConfigError::Section {
            section,
            files: files
                .iter()
                .map(|(path, _)| format!("`{}`", path.display()))
                .collect::<Vec<_>>()
                .join(", "),
        })
}

impl Config {
    /// Reads `paths` in order; a section of a later file replaces the earlier one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] on an unreadable file, an absent section, or a value that makes no sense.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ConfigError> {
        let files = paths
            .iter()
            .map(|path| Ok((path.clone(), yaml::read::<File>(path)?)))
            .collect::<Result<Vec<_>, YamlError>>()?;
        let (ingest, ingest_file) = last(&files, "ingest", |f| f.ingest.as_ref())?;
        let (harmonize, harmonize_file) = last(&files, "harmonize", |f| f.harmonize.as_ref())?;
        let (aggregate, aggregate_file) = last(&files, "aggregate", |f| f.aggregate.as_ref())?;
        let (relatedness, related_file) = last(&files, "relatedness", |f| f.relatedness.as_ref())?;
        let (resilience, resilience_file) = last(&files, "resilience", |f| f.resilience.as_ref())?;
        let (engine, _) = last(&files, "engine", |f| f.engine.as_ref())?;
        let config = Self { ingest, harmonize, aggregate, relatedness, resilience, engine };
        let check = |file: &str, key: &str, outcome: Result<(), String>| {
            outcome.map_err(|why| ConfigError::Value {
                key: key.to_owned(),
                file: file.to_owned(),
                why,
            })
        };
        let share = |value: f64| {
            let is_share = (0.0..=1.0).contains(&value);
            is_share.then_some(()).ok_or_else(|| format!("{value} is not between 0 and 1"))
        };
        check(&ingest_file, "ingest.max_rejected_share", share(config.ingest.max_rejected_share))?;
        check(
            &harmonize_file,
            "harmonize.target_revision",
            config.harmonize.revision().map(|_| ()),
        )?;
        check(&harmonize_file, "harmonize.method", config.harmonize.method().map(|_| ()))?;
        let flow = one_of(&config.aggregate.flow, &[("export", ()), ("import", ())]);
        check(&aggregate_file, "aggregate.flow", flow)?;
        let related = &config.relatedness;
        check(&related_file, "relatedness.rca_rule", related.rule().map(|_| ()))?;
        let threshold = (related.rca_threshold > 0.0 && related.rca_threshold.is_finite())
            .then_some(())
            .ok_or_else(|| format!("{} is not above 0", related.rca_threshold));
        check(&related_file, "relatedness.rca_threshold", threshold)?;
        check(&related_file, "relatedness.proximity_source", related.source().map(|_| ()))?;
        check(&related_file, "relatedness.diagonal", related.diagonal().map(|_| ()))?;
        check(
            &related_file,
            "relatedness.publish_proximity_from",
            share(related.publish_proximity_from),
        )?;
        if related.source() == Ok(ProximitySource::Regions) && related.proximity_years.is_empty() {
            let why = "expected at least one year with `proximity_source: regions`".to_owned();
            check(&related_file, "relatedness.proximity_years", Err(why))?;
        }
        let resilience = &config.resilience;
        let near_zero = (resilience.near_zero >= 0.0 && resilience.near_zero.is_finite())
            .then_some(())
            .ok_or_else(|| format!("{} is below 0", resilience.near_zero));
        check(&resilience_file, "resilience.near_zero", near_zero)?;
        check(
            &resilience_file,
            "resilience.region_benchmarks",
            resilience.of_regions().map(|_| ()),
        )?;
        check(
            &resilience_file,
            "resilience.product_benchmarks",
            resilience.of_products().map(|_| ()),
        )?;
        check(
            &resilience_file,
            "resilience.region_benchmarks",
            benchmarks(&resilience.region_benchmarks),
        )?;
        check(
            &resilience_file,
            "resilience.product_benchmarks",
            benchmarks(&resilience.product_benchmarks),
        )?;
        let names: Vec<_> = resilience.episodes.iter().map(|e| e.name.clone()).collect();
        check(&resilience_file, "resilience.episodes", unique(&names))?;
        for episode in &resilience.episodes {
            let key = format!("resilience.episodes ({})", episode.name);
            check(&resilience_file, &key, episode.check())?;
        }
        Ok(config)
    }
}

/// Names of benchmarks: no repeats, and the headline, which the panels show, among them.
fn benchmarks(names: &[String]) -> Result<(), String> {
    unique(names)?;
    let has_headline = names.iter().any(|name| name == "aggregate");
    has_headline
        .then_some(())
        .ok_or_else(|| "expected `aggregate` among them: the panels show it".to_owned())
}

fn unique(names: &[String]) -> Result<(), String> {
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        Some((_, name)) => Err(format!("{name:?} is there twice")),
        None if names.is_empty() => Err("expected at least one".to_owned()),
        None => Ok(()),
    }
}

impl Episode {
    /// The last base year.
    pub fn last_base_year(&self) -> i32 {
        self.base_years.iter().copied().max().unwrap_or(self.trough_year)
    }

    fn check(&self) -> Result<(), String> {
        if self.base_years.is_empty() {
            return Err("base_years: expected at least one year".to_owned());
        }
        let mut years = self.base_years.clone();
        years.sort_unstable();
        years.dedup();
        if years.len() != self.base_years.len() {
            return Err("base_years: a year is there twice".to_owned());
        }
        let base = self.last_base_year();
        if !(base < self.trough_year && self.trough_year < self.end_year) {
            return Err(format!(
                "expected base < trough < end, found {base}, {}, {}",
                self.trough_year, self.end_year
            ));
        }
        if self.transformation_year <= base {
            return Err(format!(
                "expected a transformation_year after the base {base}, found {}",
                self.transformation_year
            ));
        }
        Ok(())
    }
}

/// `path` as seen from the folder of `file`.
pub fn beside(file: &Path, path: &str) -> PathBuf {
    if Path::new(path).is_absolute() {
        return PathBuf::from(path);
    }
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    // `pipelines/../samples` reads better, and labels better, as `samples`.
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            std::path::Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let beside = |path| beside(Path::new("pipelines/a.yaml"), path).display().to_string();
        assert_eq!(beside("../samples/x.csv"), "samples/x.csv");
        assert_eq!(beside("sql"), "pipelines/sql");
        assert_eq!(beside("../../other"), "../other");
        assert_eq!(beside("/data/x"), "/data/x");
    }

    #[test]
    fn episode_runs_forward() {
        let mut episode = Episode {
            name: "x".into(),
            base_years: vec![2007, 2008],
            trough_year: 2009,
            end_year: 2011,
            transformation_year: 2011,
        };
        assert_eq!(episode.check(), Ok(()));
        episode.trough_year = 2008;
        let error = episode.check().expect_err("no fall");
        assert_eq!(error, "expected base < trough < end, found 2008, 2008, 2011");
        episode.base_years = vec![2007, 2007];
        assert!(episode.check().is_err());
    }
}
