//! What is asked for by name and is not there.

use datafusion::common::DataFusionError;
use std::fmt;

/// What is not there: a table, type, setting or the like.
#[derive(Debug)]
pub(crate) struct Absent {
    /// What it would be.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            "regclass" => "relation",
            "regtype" => "type",
            "regnamespace" => "schema",
            "regproc" => "function",
            "regrole" => "role",
            "setting" => {
                return write!(f, "unrecognized configuration parameter \"{}\"", self.name);
            }
            kind => kind,
        };
        write!(f, "{what} \"{}\" does not exist", self.name)
    }
}

impl std::error::Error for Absent {}

impl Absent {
    /// PostgreSQL's code of the error.
    pub(crate) fn code(&self) -> &'static str {
        match self.kind {
            "regclass" => "42P01",
            "regnamespace" => "3F000",
            "regproc" => "42883",
            _ => "42704",
        }
    }
}

/// The error of a query that asks for it.
pub(crate) fn absent(kind: &'static str, name: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Absent { kind, name: name.to_owned() }))
}
