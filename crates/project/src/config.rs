//! With what values: `config/*.yaml`, read once, checked once, and made into the types of the crates.

pub mod choice;
mod episode;
mod may_be;
mod overlay;
pub mod range;
mod section;

pub use episode::{Episode, EpisodeFault};
pub use section::{
    Aggregate, Cleaning, Complexity, CompositeWeights, Config, Day, Engine, Harmonize, Ingest,
    Parts, Plausibility, Policy, RegionChange, Relatedness, Resilience, Spatial, rca_rule,
};

use self::choice::{ProximitySource, RcaReference};
use self::overlay::{Origins, Sections};
use self::section::{ConfigText, SECTIONS};
use crate::fault::Faults;
use crate::yaml::YamlError;
use clap::builder::RangedU64ValueParser;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use trade::{Frequency, Method};

/// Why the config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Keys or values are at fault.
    #[error("{0}")]
    Faults(Faults),
}

/// A value of the config, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its section.
    pub section: &'static str,
    /// Its key there.
    pub key: &'static str,
    /// The value, as JSON, which is YAML.
    pub value: String,
    /// The file that says so.
    pub path: PathBuf,
    /// The line there.
    pub line: usize,
}

/// A key of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its section.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What its value may be, in words.
    pub may_be: String,
}

/// Every key, in the order of sections.
pub fn keys() -> Vec<Key> {
    let values = section::values().into_iter();
    values.map(|(section, name, may_be)| Key { section, name, may_be }).collect()
}

/// A number of the command line that is in a range.
pub fn count(range: RangeInclusive<usize>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(*range.start() as u64..=*range.end() as u64)
}

impl Config {
    /// Reads `paths` in order; a key of a later file replaces the earlier one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] on an unreadable file, or with every key that is absent or unknown and every
    /// value that makes no sense.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ConfigError> {
        Ok(Self::with_origins(paths)?.0)
    }

    /// The same of the text of one file, which faults say is at `path`.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn of_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Self::of_texts(&[(path, text)])
    }

    /// The same of the texts of several files, in order, each with the path that faults say it is at.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn of_texts(texts: &[(&Path, &str)]) -> Result<Self, ConfigError> {
        let mut faults = Faults::default();
        let mut all = ConfigText::default();
        for &(path, text) in texts {
            let sections = Sections::of_text(path, text.to_owned(), &mut faults)?;
            all = all.under(ConfigText::read(sections, &mut faults));
        }
        Ok(Self::of_all(all, faults)?.0)
    }

    fn with_origins(paths: &[PathBuf]) -> Result<(Self, Origins), ConfigError> {
        let mut faults = Faults::default();
        let mut all = ConfigText::default();
        for path in paths {
            let sections = Sections::read(path, &mut faults)?;
            all = all.under(ConfigText::read(sections, &mut faults));
        }
        Self::of_all(all, faults)
    }

    /// The config of all that files say, which have these faults.
    fn of_all(all: ConfigText, mut faults: Faults) -> Result<(Self, Origins), ConfigError> {
        let mut origins = Origins::new();
        let config = all.whole(&mut origins, &mut faults);
        let mismatches = config.iter().flat_map(Self::mismatches);
        for (section, key, why) in mismatches {
            faults.0.extend(origins.get(&(section, key)).map(|of| of.fault(&[section, key], why)));
        }
        match config.filter(|_| faults.0.is_empty()) {
            Some(config) => Ok((config, origins)),
            None => Err(ConfigError::Faults(faults)),
        }
    }

    /// Values that do not go with others: section, key and why.
    fn mismatches(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut found = Vec::new();
        found.extend(self.relatedness.mismatch().map(|(key, why)| ("relatedness", key, why)));
        found.extend(self.policy.mismatch().map(|(key, why)| ("policy", key, why)));
        let is_external = self.relatedness.rca_reference == RcaReference::External;
        if is_external && *self.harmonize.method != Method::OneToOne {
            let why = "`relatedness.rca_reference: external` needs `method: one_to_one`: the reference is brought to the revision code by code";
            found.push(("harmonize", "method", why.to_owned()));
        }
        let target = *self.harmonize.target_revision;
        if !target.is_hs() && *self.harmonize.method == Method::Families {
            let why =
                format!("families are of HS codes: to {target} codes go by one_to_one or weights");
            found.push(("harmonize", "method", why));
        }
        if self.relatedness.proximity_source == ProximitySource::Firms && !self.aggregate.firms {
            let why = "`relatedness.proximity_source: firms` needs `firms: true`";
            found.push(("aggregate", "firms", why.to_owned()));
        }
        let is_by_month = |episode: &&Episode| episode.frequency() != Frequency::Year;
        if let Some(episode) = self.resilience.episodes.iter().find(is_by_month)
            && !self.aggregate.months
        {
            let why = format!("the episode `{}` needs `months: true`", episode.name);
            found.push(("aggregate", "months", why));
        }
        found
    }

    /// Every value of [`Self::read`], in the order of sections and keys, with the file that says so
    /// last.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn settings(paths: &[PathBuf]) -> Result<Vec<Setting>, ConfigError> {
        let (config, origins) = Self::with_origins(paths)?;
        let values = serde_json::to_value(&config).unwrap_or_default();
        let keys = SECTIONS
            .iter()
            .flat_map(|&(section, keys)| keys.iter().map(move |&key| (section, key)));
        let setting = |(section, key): (&'static str, &'static str)| {
            let origin = origins.get(&(section, key))?;
            let value = values.get(section)?.get(key)?.to_string();
            let line = origin.line(&[section, key])?;
            Some(Setting { section, key, value, path: origin.path().to_owned(), line })
        };
        Ok(keys.filter_map(setting).collect())
    }
}
