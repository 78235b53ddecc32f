//! The names of the stages.

use crate::suggest::suggest;
use std::fmt;
use std::str::FromStr;

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageName {
    /// Raw files to records.
    Ingest,
    /// Records to sums on one HS revision.
    Aggregate,
    /// What looks misread in the sums.
    Plausibility,
    /// RCA, proximity, density, complexity.
    Relatedness,
    /// Variety and concentration.
    Diversification,
    /// Resistance, recovery, transformation.
    Resilience,
    /// Inequality and autocorrelation of what regions have.
    Spatial,
    /// Rates of export VAT rebates to variables of products.
    Policy,
    /// Tables from elsewhere, for SQL and models.
    Tables,
    /// Tables by SQL.
    Panels,
    /// Regressions.
    Models,
}

impl StageName {
    /// Every stage, in order.
    pub const ALL: [Self; 11] = [
        Self::Ingest,
        Self::Aggregate,
        Self::Plausibility,
        Self::Relatedness,
        Self::Diversification,
        Self::Resilience,
        Self::Spatial,
        Self::Policy,
        Self::Tables,
        Self::Panels,
        Self::Models,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Aggregate => "aggregate",
            Self::Plausibility => "plausibility",
            Self::Relatedness => "relatedness",
            Self::Diversification => "diversification",
            Self::Resilience => "resilience",
            Self::Spatial => "spatial",
            Self::Policy => "policy",
            Self::Tables => "tables",
            Self::Panels => "panels",
            Self::Models => "models",
        }
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|stage| stage.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let close = suggest(text, Self::ALL.map(Self::name));
            format!("unknown stage {text:?}: expected one of {names}{close}")
        })
    }
}
