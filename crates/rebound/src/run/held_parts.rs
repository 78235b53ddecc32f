//! Which parts of a check are known to hold, as one small object of the lake.

use super::check_parts::{Part, Parts, fingerprint_of_parts};
use super::error::RunError;
use lake::{Fingerprint, Lake, LakeError, UnitRecord};
use project::sql_file::SqlFile;
use stages::Kept;
use std::collections::BTreeSet;
use tokio::runtime::Runtime;

/// What is known of the parts of a check. A part is known by the check and the content that it reads,
/// so that what is once known stays true, whoever writes it: of two runs side by side the last to
/// write decides what need not be asked again, and nothing else.
pub(super) struct HeldParts {
    /// The check.
    node: String,
    name: Fingerprint,
    /// What an earlier run kept.
    record: Option<UnitRecord>,
    /// The parts that held, those of the last run first.
    held: Vec<Fingerprint>,
    set: BTreeSet<Fingerprint>,
}

impl HeldParts {
    /// What earlier runs kept of a check, unless that is to be found out again.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the store fails.
    pub(super) fn kept(
        runtime: &Runtime,
        lake: &Lake,
        file: &SqlFile,
        kept: Kept,
    ) -> Result<Self, LakeError> {
        let name = fingerprint_of_parts(file);
        let record = match kept {
            Kept::Used => runtime.block_on(lake.unit(&name))?,
            Kept::Ignored => None,
        };
        let held: Option<Vec<Fingerprint>> =
            record.as_ref().and_then(|record| serde_json::from_str(&record.made).ok());
        let held = held.unwrap_or_default();
        let set = held.iter().cloned().collect();
        Ok(Self { node: format!("check {}", file.name), name, record, held, set })
    }

    /// Whether a part is known to hold.
    pub(super) fn has(&self, part: &Fingerprint) -> bool {
        self.set.contains(part)
    }

    /// Keeps that some parts hold beside those that are known. As many parts are known as there are,
    /// and as many that no longer are: they may come back.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the store fails.
    pub(super) fn keep(
        self,
        runtime: &Runtime,
        lake: &Lake,
        parts: &Parts<'_>,
        held: &[&Part],
    ) -> Result<(), RunError> {
        let new: BTreeSet<&Fingerprint> = held.iter().map(|part| &part.fingerprint).collect();
        let now = parts.all.iter().map(|part| &part.fingerprint);
        let now: Vec<&Fingerprint> =
            now.filter(|part| self.has(part) || new.contains(part)).collect();
        let is_now: BTreeSet<&Fingerprint> = now.iter().copied().collect();
        let others = self.held.iter().filter(|part| !is_now.contains(part)).take(parts.all.len());
        let all: Vec<&Fingerprint> = now.iter().copied().chain(others).collect();
        if all.is_empty() {
            return Ok(());
        }
        let made = serde_json::to_string(&all)
            .map_err(|source| LakeError::Json { path: self.name.to_string(), source })?;
        let record = UnitRecord {
            fingerprint: self.name,
            node: self.node,
            unit: "parts".to_owned(),
            files: Vec::new(),
            of: parts.paths(),
            made,
        };
        if self.record.as_ref() != Some(&record) {
            runtime.block_on(lake.keep_unit(&record))?;
        }
        Ok(())
    }
}
