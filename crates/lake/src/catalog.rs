//! What is published, and what runs did.

use crate::check::CheckRecord;
use crate::error::LakeError;
use crate::fingerprint::Fingerprint;
use crate::version::TableVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The published state of a lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Version of this format.
    pub format: u32,
    /// The run that published.
    pub run: String,
    /// The pipeline it ran.
    pub pipeline: String,
    /// When, RFC 3339.
    pub published_at: String,
    /// The version of each table.
    pub tables: BTreeMap<String, TableVersion>,
    /// The checks that hold, each with the fingerprint of its text and of what it read.
    pub checks: BTreeMap<String, Fingerprint>,
}

impl Catalog {
    /// The format written by this code.
    pub const FORMAT: u32 = 2;
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It goes on, or was killed.
    Started,
    /// Its tables are published.
    Published,
    /// Nothing had changed; what was published stays.
    Unchanged,
    /// A part was made. Published tables that depend on it are out of date, so it was not
    /// published.
    Held,
    /// A data check failed; nothing was published.
    CheckFailed,
    /// It stopped with an error; nothing was published.
    Failed,
    /// The store stopped answering while the run published: the catalog says whether it did.
    Unknown,
}

impl RunStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Published => "published",
            Self::Unchanged => "unchanged",
            Self::Held => "held",
            Self::CheckFailed => "check_failed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What a run did with one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    /// The stage.
    pub stage: String,
    /// `built`, `reused`, `failed`, or `left` where it follows from one that failed.
    pub action: String,
    /// Why.
    pub why: String,
    /// Milliseconds it took.
    pub millis: u64,
    /// Rows of all its tables.
    pub rows: u64,
    /// Parts of its work that were made: raw files, years, or the whole.
    #[serde(default)]
    pub units_made: u64,
    /// Parts that an earlier run had made from the same.
    #[serde(default)]
    pub units_reused: u64,
}

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its name: the time it began, and its process.
    pub run: String,
    /// Its place among the runs of its lake. Unlike a time, it does not depend on a clock that may
    /// be wrong.
    #[serde(default)]
    pub number: u64,
    /// The pipeline.
    pub pipeline: String,
    /// The command line.
    pub command: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
    /// The run whose tables were published when it began.
    #[serde(default)]
    pub found: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// What went wrong.
    pub error: Option<String>,
    /// What it did with each stage.
    pub stages: Vec<StageRecord>,
    /// The fingerprints of the parts that each stage was made from, by name. By them the next plan
    /// gives its reasons.
    pub parts: BTreeMap<String, BTreeMap<String, String>>,
    /// Raw files as they were when they were read through, so that the next plan need not read
    /// them. Those that earlier runs found to be the same are not among them.
    #[serde(default)]
    pub files: BTreeMap<String, FileRecord>,
    /// The tables it made or used.
    pub tables: BTreeMap<String, TableVersion>,
    /// When it was about to publish these tables, RFC 3339: from then on it may have.
    #[serde(default)]
    pub published_at: Option<String>,
    /// The checks that held on what it was about to publish.
    #[serde(default)]
    pub checks: BTreeMap<String, Fingerprint>,
    /// The texts of the tables that SQL made, by table: from them the lineage of columns is told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sql: BTreeMap<String, String>,
    /// What came of each check, whether or not it published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check_results: Vec<CheckRecord>,
}

impl RunRecord {
    /// The catalog that the run published, or was about to publish. `None` if it did not come that
    /// far.
    pub fn catalog(&self) -> Option<Catalog> {
        Some(Catalog {
            format: Catalog::FORMAT,
            run: self.run.clone(),
            pipeline: self.pipeline.clone(),
            published_at: self.published_at.clone()?,
            tables: self.tables.clone(),
            checks: self.checks.clone(),
        })
    }

    /// Whether it may have published without having said so.
    fn is_open(&self) -> bool {
        self.published_at.is_some()
            && matches!(self.status, RunStatus::Started | RunStatus::Unknown)
    }
}

/// The runs of a lake.
#[derive(Debug, Default)]
pub struct Runs {
    /// Their records, oldest first.
    pub records: Vec<RunRecord>,
    /// Of each file among the records that is none: [`LakeError::Record`].
    pub left_out: Vec<LakeError>,
}

impl Runs {
    /// The run that published last, and whether that is certain. If the newest run was killed while
    /// it published, nobody can say whether it had.
    pub fn last_published(&self) -> Option<(&RunRecord, bool)> {
        let is_known = |run: &&RunRecord| {
            run.status == RunStatus::Published
                || self.records.iter().any(|later| later.found.as_ref() == Some(&run.run))
        };
        let known = self.records.iter().rev().find(is_known);
        match self.records.last() {
            Some(last) if last.is_open() && known.is_none_or(|known| known.run != last.run) => {
                Some((last, false))
            }
            _ => known.map(|known| (known, true)),
        }
    }

    /// A run that says that something was published.
    pub fn witness(&self) -> Option<&RunRecord> {
        let saw = |run: &&RunRecord| {
            matches!(run.status, RunStatus::Published | RunStatus::Unchanged) || run.found.is_some()
        };
        self.records.iter().rev().find(saw)
    }

    /// The number of the next run.
    pub fn next_number(&self) -> u64 {
        self.records.iter().map(|run| run.number).max().map_or(1, |number| number.saturating_add(1))
    }
}

/// A raw file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// A hash of its bytes.
    pub hash: Fingerprint,
    /// What its folder says of it: as long as this stays, so do its bytes.
    pub state: String,
}
