//! Why a layout file cannot be used.

use crate::fault::Faults;
use crate::yaml::YamlError;
use std::path::PathBuf;

/// A layout file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
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
    /// Values make no sense: all that do not.
    #[error("{0}")]
    Faults(Faults),
}
