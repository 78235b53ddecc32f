//! What is asked for, what was made, and why nothing was.

use sources::hs_tables;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to make.
#[derive(Debug, Clone)]
pub struct Nation {
    /// About how many records, over all years.
    pub rows: u64,
    /// Regions.
    pub regions: usize,
    /// Products.
    pub products: usize,
    /// First and last year.
    pub years: (i32, i32),
    /// Share of the rows that are spoiled, 0 to 1.
    pub dirt: f64,
    /// What the random numbers start from.
    pub seed: u64,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// What was asked for cannot be made.
    #[error("{0}")]
    Request(String),
    /// A built-in table is damaged.
    #[error(transparent)]
    Codes(#[from] hs_tables::CodesError),
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Records, the good ones.
    pub rows: u64,
    /// Their value.
    pub value: i128,
    /// Rows beside them that must be rejected, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Good rows that were made harder to read.
    pub mended: u64,
}
