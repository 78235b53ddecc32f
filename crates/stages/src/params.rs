//! Parts of the config that several stages depend on, by section and key as the config has them.

use project::config::Config;
use project::config::choice::{Named, PciScale, RcaComparison};
use serde::Serialize;
use space::{ComplexityParams, RcaRule};
use trade::TargetRevision;

/// The revision of the products.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Target {
    pub(super) target_revision: Named<TargetRevision>,
}

impl From<&Config> for Target {
    fn from(config: &Config) -> Self {
        Self { target_revision: config.harmonize.target_revision }
    }
}

/// When a region is specialised.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Specialised {
    rca_rule: RcaComparison,
    rca_threshold: f64,
}

impl Specialised {
    pub(super) fn rule(&self) -> RcaRule {
        project::config::rca_rule(self.rca_rule, self.rca_threshold)
    }
}

impl From<&Config> for Specialised {
    fn from(config: &Config) -> Self {
        let section = &config.relatedness;
        Self { rca_rule: section.rca_rule, rca_threshold: section.rca_threshold }
    }
}

/// In what complexity is measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ComplexityScale {
    pci_scale: PciScale,
    ddof: u8,
}

impl ComplexityScale {
    pub(super) fn params(&self) -> ComplexityParams {
        ComplexityParams { pci_scale: self.pci_scale.into(), ddof: self.ddof }
    }
}

impl From<&Config> for ComplexityScale {
    fn from(config: &Config) -> Self {
        Self { pci_scale: config.complexity.pci_scale, ddof: config.complexity.ddof }
    }
}

/// The groups of regions where there is no table of them.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GroupDigits {
    pub(super) group_digits: usize,
}

impl From<&Config> for GroupDigits {
    fn from(config: &Config) -> Self {
        Self { group_digits: config.spatial.group_digits }
    }
}
