//! YAML files to typed values. Only this module names the YAML library.

use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// A YAML file that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The file cannot be opened.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It does not say what it should; the text names the key, what was expected, and line and column.
    #[error("failed to read `{path}`: {text}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        text: String,
    },
}

/// Reads `path` as a `T`.
///
/// # Errors
///
/// [`YamlError`] if the file is not there, is no YAML, or has other keys than `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, YamlError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| YamlError::Read { path: path.to_owned(), source })?;
    serde_yaml::from_str(&text)
        .map_err(|error| YamlError::Content { path: path.to_owned(), text: error.to_string() })
}

/// Reads a text.
#[cfg(test)]
pub fn of_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}
