//! A year that is summed, as a unit of work.

use super::super::unit::Unit;
use lake::DataFile;

/// A year that is summed.
pub(super) struct Year {
    pub(super) year: i32,
    pub(super) unit: Unit,
    /// The files that have records of it.
    pub(super) files: Vec<DataFile>,
}
