//! What came of a check, as the records of runs keep it.

use serde::{Deserialize, Serialize};

/// What follows when a check finds rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run says so and publishes.
    Warn,
    /// Nothing is published.
    #[default]
    Error,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Warn, Self::Error];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It found no rows.
    Held,
    /// An earlier run found none in the same tables.
    HeldBefore,
    /// It found rows, and the run went on.
    Warned,
    /// It found rows, and nothing was published.
    Failed,
    /// There was nothing to look at.
    NotRun,
}

impl CheckOutcome {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Held, Self::HeldBefore, Self::Warned, Self::Failed, Self::NotRun];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldBefore => "held before",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::NotRun => "not run",
        }
    }

    /// Whether no rows break the claim, as far as is known.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Held | Self::HeldBefore)
    }
}

/// A check of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name.
    pub name: String,
    /// What follows when it finds rows.
    pub severity: Severity,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// Rows that it found.
    pub rows: u64,
    /// The first of them, as text.
    pub first_rows: String,
}
