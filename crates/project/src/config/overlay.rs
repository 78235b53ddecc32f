//! Config files as they are written: each by itself, then one over the other.
//!
//! Every value keeps the file that says it, so that what is wrong with it is told with its place;
//! all faults are told together.

use crate::fault::{Fault, Faults};
use crate::yaml::{self, Value, YamlError};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A config file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    text: String,
}

/// Where a value of the config is from.
#[derive(Debug, Clone)]
pub(super) struct Origin(Arc<ConfigFile>);

impl Origin {
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// The line of a key there, counted from 1.
    pub(super) fn line(&self, keys: &[&str]) -> Option<usize> {
        yaml::line_of(&self.0.text, keys)
    }

    pub(super) fn fault(&self, keys: &[&str], why: String) -> Fault {
        let place = Some((self.0.path.clone(), self.line(keys)));
        Fault { what: format!("invalid `{}`", keys.join(".")), place, why }
    }
}

/// A value as a file gives it.
#[derive(Debug)]
pub(super) struct Said<T> {
    value: T,
    origin: Origin,
}

/// Where each value is from, by section and key.
pub(super) type Origins = BTreeMap<(&'static str, &'static str), Origin>;

/// The sections of one file that nobody has read yet.
pub(super) struct Sections {
    file: Arc<ConfigFile>,
    sections: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Sections {
    /// Those of the file at `path`.
    pub(super) fn read(path: &Path, faults: &mut Faults) -> Result<Self, YamlError> {
        Self::of_text(path, yaml::text_of(path)?, faults)
    }

    /// Those of `text`, which faults say is at `path`.
    pub(super) fn of_text(
        path: &Path,
        text: String,
        faults: &mut Faults,
    ) -> Result<Self, YamlError> {
        let file = Arc::new(ConfigFile { path: path.to_owned(), text });
        let content = |text| YamlError::Content { path: path.to_owned(), text };
        let all: Option<BTreeMap<String, Value>> = yaml::of_text(&file.text).map_err(content)?;
        let mut sections = BTreeMap::new();
        for (name, value) in all.unwrap_or_default() {
            match yaml::of_value::<Option<BTreeMap<String, Value>>>(value) {
                Ok(keys) => {
                    sections.insert(name, keys.unwrap_or_default());
                }
                Err(why) => faults.0.push(Origin(Arc::clone(&file)).fault(&[&name], why)),
            }
        }
        Ok(Self { file, sections })
    }

    /// Takes the keys of a section out.
    pub(super) fn take(&mut self, section: &'static str) -> Keys {
        let keys = self.sections.remove(section).unwrap_or_default();
        Keys { section, origin: Origin(Arc::clone(&self.file)), keys }
    }

    /// What is left is of no section.
    pub(super) fn end(self, known: &[&'static str], faults: &mut Faults) {
        let origin = Origin(self.file);
        for section in self.sections.keys() {
            faults.0.push(unknown(&origin, "section", &[section], known));
        }
    }
}

/// A key or section that there is not.
fn unknown(origin: &Origin, what: &str, keys: &[&str], known: &[&str]) -> Fault {
    let name = keys.last().copied().unwrap_or_default();
    let close = crate::suggest::suggest(name, known.iter().copied());
    Fault {
        what: format!("unknown {what} `{}`", keys.join(".")),
        place: Some((origin.0.path.clone(), origin.line(keys))),
        why: format!("expected one of {}{close}", known.join(", ")),
    }
}

/// The keys of a section of one file that nobody has read yet.
pub(super) struct Keys {
    section: &'static str,
    origin: Origin,
    keys: BTreeMap<String, Value>,
}

impl Keys {
    /// Takes the value of a key out, if the file gives it and it is one that may be.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        check: impl Fn(&T) -> Result<(), String>,
        faults: &mut Faults,
    ) -> Option<Said<T>> {
        let value = self.keys.remove(key)?;
        let keys = [self.section, key];
        if value.is_null() {
            let why =
                "nothing: expected a value; leave the key out to keep what an earlier file says";
            faults.0.push(self.origin.fault(&keys, why.to_owned()));
            return None;
        }
        match yaml::of_value::<T>(value) {
            Ok(value) => {
                if let Err(why) = check(&value) {
                    faults.0.push(self.origin.fault(&keys, why));
                }
                Some(Said { value, origin: self.origin.clone() })
            }
            Err(why) => {
                // Read from the text, the error knows where in a list it is.
                let found = yaml::fault_at::<T>(&self.origin.0.text, &keys);
                let fault = match found {
                    None => self.origin.fault(&keys, why),
                    Some(yaml::Misfit { below, line, why }) => Fault {
                        what: format!("invalid `{}{below}`", keys.join(".")),
                        place: Some((self.origin.0.path.clone(), Some(line))),
                        why,
                    },
                };
                faults.0.push(fault);
                None
            }
        }
    }

    /// What is left is of no key.
    pub(super) fn end(self, known: &[&'static str], faults: &mut Faults) {
        for key in self.keys.keys() {
            faults.0.push(unknown(&self.origin, "key", &[self.section, key], known));
        }
    }
}

/// The value of a key that some file gives; its origin is noted. Else a fault.
pub(super) fn whole<T>(
    said: Option<Said<T>>,
    (section, key): (&'static str, &'static str),
    origins: &mut Origins,
    faults: &mut Faults,
) -> Option<T> {
    let Some(Said { value, origin }) = said else {
        let what = format!("missing key `{section}.{key}`");
        // One that was refused is there.
        if !faults
            .0
            .iter()
            .any(|fault| fault.what.starts_with(&format!("invalid `{section}.{key}")))
        {
            let why = "no file of `config` gives it: name config/default.yaml, which has every key, first";
            faults.0.push(Fault { what, place: None, why: why.to_owned() });
        }
        return None;
    };
    origins.insert((section, key), origin);
    Some(value)
}
