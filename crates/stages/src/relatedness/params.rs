//! What the stage depends on.

use super::super::params::Target;
use project::config;
use project::pipeline::{
    ByProduct, External, IncomeColumns, PciColumns, ProximityColumns, ReferenceColumns,
};
use serde::Serialize;
use trade::Classification;

/// All that the rows depend on beside the inputs.
#[derive(Serialize)]
pub(crate) struct Params {
    pub(super) relatedness: config::Relatedness,
    pub(super) complexity: config::Complexity,
    pub(super) cleaning: config::Cleaning,
    pub(super) harmonize: Target,
    pub(super) classification: Classification,
    pub(super) proximity: Option<External<ByProduct<ProximityColumns>>>,
    pub(super) reference: Option<External<ByProduct<ReferenceColumns>>>,
    pub(super) incomes: Option<External<IncomeColumns>>,
    pub(super) population: Option<External<IncomeColumns>>,
    pub(super) pci: Option<External<ByProduct<PciColumns>>>,
}
