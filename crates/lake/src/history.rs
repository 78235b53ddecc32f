//! Looking back: which runs published, and what of it is still there.

use crate::catalog::{Catalog, RunRecord, RunStatus, Runs};
use crate::error::LakeError;
use crate::lease::{HeldLease, LeaseTimes};
use crate::store::Lake;
use crate::version::TableVersion;
use std::collections::BTreeSet;
use tokio::runtime::Handle;

/// Why what a run published cannot be seen.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is nothing at all.
    #[error("nothing is published in `{0}` yet: `rebound run` publishes")]
    Nothing(String),
    /// No run has that name.
    #[error("no run `{asked}` in `{lake}`; {published}")]
    NoRun {
        /// What was asked for.
        asked: String,
        /// The lake.
        lake: String,
        /// The runs that published, in words.
        published: String,
    },
    /// Several names begin so.
    #[error("`{asked}` may be any of {found}: say more of the name, or give the number")]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The runs that it may be.
        found: String,
    },
    /// The run is there, and published nothing.
    #[error("run {run} published nothing (its status is {status}); {published}")]
    NotPublished {
        /// The run.
        run: String,
        /// How it ended.
        status: &'static str,
        /// The runs that published, in words.
        published: String,
    },
    /// It is the first.
    #[error("nothing that is still recorded was published before run {0}")]
    NoPrevious(String),
    /// Files of the run are gone.
    #[error(
        "run {run} is no longer whole: `rebound gc` removes what only old runs need. Gone: {gone}. Still whole: {whole}"
    )]
    Collected {
        /// The run.
        run: String,
        /// The tables that are asked for and not there.
        gone: String,
        /// The tables that can be read, in words.
        whole: String,
    },
    /// The lake failed.
    #[error(transparent)]
    Lake(Box<LakeError>),
}

impl From<LakeError> for HistoryError {
    fn from(error: LakeError) -> Self {
        Self::Lake(Box::new(error))
    }
}

impl HistoryError {
    /// Whether what was asked for is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Lake(error) => matches!(
                **error,
                LakeError::Url(_) | LakeError::Folder { .. } | LakeError::Format { .. }
            ),
            _ => true,
        }
    }
}

/// A run that published, and what it published.
#[derive(Debug, Clone)]
pub struct KeptRun {
    /// What it published.
    pub catalog: Catalog,
    /// What it did. `None` only of what is published now, where its record is gone.
    pub record: Option<RunRecord>,
    /// Whether it is what is published now.
    pub is_published: bool,
}

impl KeptRun {
    /// Its number and name, as messages have them.
    pub fn shown(&self) -> String {
        match &self.record {
            Some(record) => shown(record),
            None => self.catalog.run.clone(),
        }
    }
}

/// Runs that are named in a message.
const NAMED: usize = 12;

/// A run's number and name.
fn shown(run: &RunRecord) -> String {
    match run.number {
        // Runs of old lakes have none.
        0 => run.run.clone(),
        number => format!("{number} ({})", run.run),
    }
}

/// Runs, the newest first, as far as a message has room.
fn listed(runs: &[&RunRecord]) -> String {
    let named: Vec<String> = runs.iter().rev().take(NAMED).map(|run| shown(run)).collect();
    match runs.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{}, and {more} older ones", named.join(", ")),
    }
}

impl Runs {
    /// The runs that are known to have published, oldest first: those that say so, those that a later
    /// run found published, and `now`, whose catalog is there.
    pub fn published(&self, now: &str) -> Vec<&RunRecord> {
        let found: BTreeSet<&str> =
            self.records.iter().filter_map(|run| run.found.as_deref()).collect();
        let has_published = |run: &&RunRecord| {
            run.published_at.is_some()
                && (run.status == RunStatus::Published
                    || run.run == now
                    || found.contains(run.run.as_str()))
        };
        self.records.iter().filter(has_published).collect()
    }

    /// The run that `asked` names among those that published: by its name, its number, the
    /// beginning of its name, `published`, or `previous`, which is the one before that. `now` is
    /// what is published in `lake`.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] if it names none or several.
    pub fn kept(&self, asked: &str, now: &Catalog, lake: &str) -> Result<KeptRun, HistoryError> {
        let published = self.published(&now.run);
        let is_now = |run: &&&RunRecord| run.run == now.run;
        let kept = |record: Option<&RunRecord>| {
            let catalog = record.filter(|run| run.run != now.run).and_then(RunRecord::catalog);
            KeptRun {
                is_published: catalog.is_none(),
                catalog: catalog.unwrap_or_else(|| now.clone()),
                record: record.cloned(),
            }
        };
        if asked == "published" || asked == now.run {
            return Ok(kept(published.iter().find(is_now).copied()));
        }
        if asked == "previous" {
            let at = published.iter().position(|run| run.run == now.run);
            let before = &published[..at.unwrap_or(published.len())];
            let no_previous = || HistoryError::NoPrevious(now.run.clone());
            return before.last().map(|run| kept(Some(run))).ok_or_else(no_previous);
        }
        let there = || match published.is_empty() {
            true => "no run that published is recorded there".to_owned(),
            false => format!("those that published there are {}", listed(&published)),
        };
        let number = asked.parse::<u64>().ok().filter(|number| *number > 0);
        let is_named = |run: &&RunRecord| run.run == asked || number == Some(run.number);
        if let Some(run) = published.iter().find(|run| is_named(run)) {
            return Ok(kept(Some(run)));
        }
        let unpublished = self.records.iter().find(is_named);
        let begin = |run: &&&RunRecord| !asked.is_empty() && run.run.starts_with(asked);
        let found: Vec<&RunRecord> = match unpublished {
            Some(_) => Vec::new(),
            None => published.iter().filter(begin).copied().collect(),
        };
        match found[..] {
            [run] => Ok(kept(Some(run))),
            [] => Err(match unpublished {
                Some(run) => HistoryError::NotPublished {
                    run: shown(run),
                    status: run.status.name(),
                    published: there(),
                },
                None => HistoryError::NoRun {
                    asked: asked.to_owned(),
                    lake: lake.to_owned(),
                    published: there(),
                },
            }),
            _ => Err(HistoryError::Ambiguous { asked: asked.to_owned(), found: listed(&found) }),
        }
    }
}

/// The folders and files of all that `catalog` names, as leases name them.
fn keeps(catalog: &Catalog) -> impl Iterator<Item = String> {
    catalog.tables.values().flat_map(|version| {
        let files = version.files.iter().map(|file| file.path.clone());
        std::iter::once(version.folder()).chain(files)
    })
}

impl Lake {
    /// Takes a lease on all that these catalogs name: whoever reads an old run, which a collection of
    /// garbage may remove, holds one. What was there may be gone then, so look again.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the lake cannot be written, [`LakeError::Collecting`] if a collection
    /// does not end.
    pub async fn lease_on(
        &self,
        command: &str,
        catalogs: &[&Catalog],
        handle: &Handle,
    ) -> Result<HeldLease, LakeError> {
        let keeps = catalogs.iter().flat_map(|catalog| keeps(catalog)).collect();
        self.lease(command, keeps, LeaseTimes::default(), handle).await
    }

    /// The error that a version is lost, if a file of it is.
    async fn loss(&self, version: &TableVersion) -> Result<Option<LakeError>, LakeError> {
        match self.verify(version).await {
            Ok(()) => Ok(None),
            Err(error @ LakeError::Lost { .. }) => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// The tables of a catalog of which a file is gone or not whole.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn lost_tables(&self, catalog: &Catalog) -> Result<BTreeSet<String>, LakeError> {
        let mut lost = BTreeSet::new();
        for (table, version) in &catalog.tables {
            if self.loss(version).await?.is_some() {
                lost.insert(table.clone());
            }
        }
        Ok(lost)
    }

    /// Looks whether all files of these versions of an old run are there in full.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Collected`] if one is not, with the tables that still are.
    pub async fn verify_kept<'v>(
        &self,
        run: &KeptRun,
        versions: impl IntoIterator<Item = &'v TableVersion>,
    ) -> Result<(), HistoryError> {
        let mut gone = Vec::new();
        for version in versions {
            match self.loss(version).await? {
                // What is published is not collected: it is damaged, and made again.
                Some(error) if run.is_published => return Err(error.into()),
                Some(_) => gone.push(version.table.clone()),
                None => {}
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let lost = self.lost_tables(&run.catalog).await?;
        let whole: Vec<&str> = run
            .catalog
            .tables
            .keys()
            .map(String::as_str)
            .filter(|table| !lost.contains(*table))
            .collect();
        Err(HistoryError::Collected {
            run: run.shown(),
            gone: gone.join(", "),
            whole: if whole.is_empty() { "none".to_owned() } else { whole.join(", ") },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn run(name: &str, number: u64, status: RunStatus, found: Option<&str>) -> RunRecord {
        RunRecord {
            run: name.to_owned(),
            number,
            pipeline: "p".to_owned(),
            command: "rebound run".to_owned(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            ended_at: None,
            found: found.map(str::to_owned),
            status,
            error: None,
            stages: Vec::new(),
            parts: BTreeMap::new(),
            files: BTreeMap::new(),
            tables: BTreeMap::new(),
            published_at: Some("2026-01-01T00:00:00Z".to_owned()),
            checks: BTreeMap::new(),
            sql: BTreeMap::new(),
            check_results: Vec::new(),
        }
    }

    #[test]
    fn runs_that_published_are_found_by_name_number_and_place() {
        let runs = Runs {
            records: vec![
                run("20260101T1Z-7", 1, RunStatus::Published, None),
                // Killed while it published, and the next run found that it had.
                run("20260102T1Z-7", 2, RunStatus::Started, Some("20260101T1Z-7")),
                run("20260102T2Z-7", 3, RunStatus::CheckFailed, Some("20260102T1Z-7")),
                run("20260103T1Z-7", 4, RunStatus::Published, Some("20260102T1Z-7")),
            ],
            left_out: Vec::new(),
        };
        let now = runs.records[3].catalog().expect("a catalog");
        let ask = |asked: &str| match runs.kept(asked, &now, "lake") {
            Ok(kept) => format!("{}{}", kept.catalog.run, if kept.is_published { "!" } else { "" }),
            Err(error) => error.to_string(),
        };
        for (asked, expected) in [
            ("published", "20260103T1Z-7!"),
            ("20260103T1Z-7", "20260103T1Z-7!"),
            ("4", "20260103T1Z-7!"),
            ("previous", "20260102T1Z-7"),
            ("1", "20260101T1Z-7"),
            ("20260101T1Z-7", "20260101T1Z-7"),
            ("20260102", "20260102T1Z-7"),
        ] {
            assert_eq!(ask(asked), expected, "{asked}");
        }
        for (asked, expected) in [
            (
                "3",
                "run 3 (20260102T2Z-7) published nothing (its status is check_failed); those that published there are 4 (",
            ),
            ("202601", "may be any of 4 (20260103T1Z-7), 2 (20260102T1Z-7), 1 ("),
            ("9", "no run `9` in `lake`; those that published there are 4 (20260103T1Z-7), 2 ("),
            ("", "no run ``"),
        ] {
            let found = ask(asked);
            assert!(found.contains(expected), "{asked}: {found}");
        }
        let first = runs.records[0].catalog().expect("a catalog");
        let error = Runs { records: runs.records[..1].to_vec(), left_out: Vec::new() }
            .kept("previous", &first, "lake")
            .expect_err("the first");
        assert!(error.to_string().contains("published before run 20260101T1Z-7"), "{error}");
    }
}
