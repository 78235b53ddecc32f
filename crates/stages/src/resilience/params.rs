//! What the stage depends on.

use super::super::params::{ComplexityScale, GroupDigits, Specialised, Target};
use project::config;
use project::pipeline::{
    ByProduct, External, GroupColumns, IncomeColumns, PciColumns, ReferenceColumns,
};
use serde::Serialize;

/// All that the rows depend on beside the inputs.
#[derive(Clone, Serialize)]
pub(crate) struct Params {
    pub(super) resilience: config::Resilience,
    pub(super) relatedness: Specialised,
    pub(super) complexity: ComplexityScale,
    pub(super) spatial: GroupDigits,
    pub(super) harmonize: Target,
    pub(super) reference: Option<External<ByProduct<ReferenceColumns>>>,
    pub(super) incomes: Option<External<IncomeColumns>>,
    pub(super) pci: Option<External<ByProduct<PciColumns>>>,
    pub(super) groups: Option<External<GroupColumns>>,
}

impl Params {
    /// What a config says, without tables from outside.
    pub(super) fn alone(config: &config::Config) -> Self {
        Self {
            resilience: config.resilience.clone(),
            relatedness: Specialised::from(config),
            complexity: ComplexityScale::from(config),
            spatial: GroupDigits::from(config),
            harmonize: Target::from(config),
            reference: None,
            incomes: None,
            pci: None,
            groups: None,
        }
    }

    /// What the rows of every episode depend on.
    pub(super) fn without_episodes(&self) -> Self {
        let mut common = self.clone();
        common.resilience.episodes.clear();
        common
    }
}
