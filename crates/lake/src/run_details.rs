//! What records of runs say at length: the raw files that a stage was made from, and the files of
//! tables. Runs that say the same share it: it is kept once, under the hash of its bytes, so that the
//! record of a night on which nothing changed is small however many files there are.

use crate::catalog::{RunRecord, RunStatus};
use crate::durable;
use crate::error::{LakeError, is_named_like_a_run};
use crate::fingerprint::{ContentHash, Fingerprint};
use crate::seal::{in_words, unsealed};
use crate::store::Lake;
use crate::version::TableVersion;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// The folder of the records of runs.
pub(crate) const RUNS: &str = "runs";

/// The folder of what they keep aside.
const DETAILS: &str = "details";

/// The field of a record that says what it keeps aside.
const ASIDE: &str = "aside";

/// A record of fewer bytes is kept in one piece.
const IN_ONE: usize = 64 << 10;

/// So many raw files of a stage stay in a record.
const FEW: usize = 16;

/// A table of more files is kept by itself, and those of fewer together.
const MANY: usize = 256;

/// What a stage was made from, by name.
type Files = BTreeMap<String, String>;

/// The versions of tables.
type Tables = BTreeMap<String, TableVersion>;

/// What a record keeps aside.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Aside {
    /// The raw files of stages.
    files: BTreeMap<String, FilesAside>,
    tables: Vec<TablesAside>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FilesAside {
    details: ContentHash,
    /// How many.
    n: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TablesAside {
    details: ContentHash,
    /// By which they are found in the lake, should the details be lost.
    versions: BTreeMap<String, Fingerprint>,
}

/// A record as it is kept.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Without what is kept aside.
    pub(crate) record: RunRecord,
    aside: Aside,
}

/// Of which records all is read that they keep aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Of all.
    All,
    /// Of the newest that ended: for raw files, the newest of each stage.
    Newest,
}

/// The details that were read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    files: BTreeMap<ContentHash, Option<Files>>,
    tables: BTreeMap<ContentHash, Option<Tables>>,
    /// Stages of which a run that ended said what they were made from.
    stages: BTreeSet<String>,
    /// Whether one said what its tables are.
    has_tables: bool,
}

impl Stored {
    /// The record that a file of JSON is.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(crate) fn of(said: Value) -> Result<Self, String> {
        let aside = said.get(ASIDE).map(Aside::deserialize).transpose();
        let aside = aside.map_err(|error| in_words(&error))?.unwrap_or_default();
        // Lakes of before have records without numbers and seals.
        let record = match said.get("number") {
            None => serde_json::from_value(said).map_err(|error| in_words(&error))?,
            Some(_) => unsealed(said)?,
        };
        Ok(Self { record, aside })
    }

    fn details(&self) -> impl Iterator<Item = String> {
        let files = self.aside.files.values().map(|of| path_of(&of.details));
        files.chain(self.aside.tables.iter().map(|of| path_of(&of.details)))
    }
}

fn path_of(details: &ContentHash) -> String {
    format!("{DETAILS}/{details}.json")
}

impl Lake {
    /// Keeps aside what a long record says at length; gives the rest, to be kept as the record.
    pub(crate) async fn put_details(&self, record: &RunRecord) -> Result<Value, LakeError> {
        let json = |source| LakeError::Json { path: self.shown(RUNS), source };
        let whole = serde_json::to_value(record).map_err(json)?;
        if whole.to_string().len() < IN_ONE {
            return Ok(whole);
        }
        let (mut own, mut aside) = (record.clone(), Aside::default());
        for (stage, parts) in &mut own.parts {
            let (files, others): (Files, Files) =
                std::mem::take(parts).into_iter().partition(|(name, _)| name.starts_with("file "));
            *parts = others;
            if files.len() <= FEW {
                parts.extend(files);
                continue;
            }
            let details = self.keep_details(serde_json::to_vec(&files).map_err(json)?).await?;
            aside.files.insert(stage.clone(), FilesAside { details, n: files.len() });
        }
        let tables = std::mem::take(&mut own.tables);
        let (large, small): (Tables, Tables) =
            tables.into_iter().partition(|(_, version)| version.files.len() > MANY);
        let alone = large.into_iter().map(|table| BTreeMap::from([table]));
        for tables in alone.chain([small]).filter(|tables| !tables.is_empty()) {
            let details = self.keep_details(serde_json::to_vec(&tables).map_err(json)?).await?;
            let version = |(table, version): (String, TableVersion)| (table, version.fingerprint);
            let versions = tables.into_iter().map(version).collect();
            aside.tables.push(TablesAside { details, versions });
        }
        let mut value = serde_json::to_value(own).map_err(json)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert(ASIDE.to_owned(), serde_json::to_value(aside).map_err(json)?);
        }
        Ok(value)
    }

    /// Keeps details, unless they are there.
    async fn keep_details(&self, bytes: Vec<u8>) -> Result<ContentHash, LakeError> {
        let hash = ContentHash::from(blake3::hash(&bytes));
        let path = path_of(&hash);
        if self.get_if_there(&path).await?.is_some_and(|there| there == bytes) {
            return Ok(hash);
        }
        match self.folder() {
            Some(root) => durable::replace(&root.join(&path), &bytes)
                .map_err(|error| self.unflushed(&path, error))?,
            None => {
                let put = self.store().put(&Path::from(path.as_str()), bytes.into()).await;
                put.map_err(|source| LakeError::Store { path: self.shown(&path), source })?;
            }
        }
        Ok(hash)
    }

    /// The details of this hash, if they are what was kept.
    async fn details<'r, T: DeserializeOwned>(
        &self,
        hash: &ContentHash,
        read: &'r mut BTreeMap<ContentHash, Option<T>>,
    ) -> Result<Option<&'r T>, LakeError> {
        let is_read = read.contains_key(hash);
        if !is_read {
            let bytes = self.get_if_there(&path_of(hash)).await?;
            let whole = bytes.filter(|bytes| ContentHash::from(blake3::hash(bytes)) == *hash);
            let said = whole.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            read.insert(hash.clone(), said);
        }
        Ok(read.get(hash).and_then(Option::as_ref))
    }

    /// These versions, as the lake has them; none if one is not there.
    async fn versions_of(
        &self,
        versions: &BTreeMap<String, Fingerprint>,
    ) -> Result<Option<Tables>, LakeError> {
        let mut found = Tables::new();
        for (table, fingerprint) in versions {
            match self.version(table, fingerprint).await {
                Ok(Some(version)) => found.insert(table.clone(), version),
                Ok(None) | Err(LakeError::Version { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(found))
    }

    /// A record with what it keeps aside, or what is wrong with that. Records are to be given the
    /// newest first.
    pub(crate) async fn with_details(
        &self,
        stored: Stored,
        told: Told,
        read: &mut Read,
    ) -> Result<Result<RunRecord, String>, LakeError> {
        let Stored { mut record, aside } = stored;
        for (stage, FilesAside { details, .. }) in &aside.files {
            let is_wanted = told == Told::All || !read.stages.contains(stage);
            let found =
                if is_wanted { self.details(details, &mut read.files).await? } else { None };
            match found {
                Some(files) => record.parts.entry(stage.clone()).or_default().extend(files.clone()),
                // Half of the parts would be taken for all. They give reasons, and no more.
                None => {
                    record.parts.remove(stage);
                }
            }
        }
        let has_all = told == Told::All || !read.has_tables;
        for TablesAside { details, versions } in aside.tables.iter().filter(|_| has_all) {
            let tables = match self.details(details, &mut read.tables).await? {
                Some(tables) => tables.clone(),
                None => match self.versions_of(versions).await? {
                    Some(tables) => tables,
                    None => {
                        let path = path_of(details);
                        return Ok(Err(format!(
                            "`{path}`, which says what its tables are, is gone or damaged"
                        )));
                    }
                },
            };
            record.tables.extend(tables);
        }
        if record.status != RunStatus::Started {
            read.stages.extend(record.parts.keys().cloned());
            read.has_tables |= !record.tables.is_empty();
        }
        Ok(Ok(record))
    }

    /// Removes what no record keeps aside any longer and is not younger than `young_from`; gives the
    /// bytes that it had.
    pub(crate) async fn forget_unused_details(
        &self,
        young_from: Option<SystemTime>,
    ) -> Result<u64, LakeError> {
        let mut used = BTreeSet::new();
        for found in self.list(RUNS).await? {
            let path = found.location.as_ref();
            let Some(bytes) = self.get_if_there(path).await? else { continue };
            let said = serde_json::from_slice(&bytes).ok();
            match said.and_then(|said| Stored::of(said).ok()) {
                Some(stored) => used.extend(stored.details()),
                // What a damaged record keeps aside is not known.
                None if is_named_like_a_run(path) => return Ok(0),
                None => {}
            }
        }
        let mut freed = 0;
        for found in self.list(DETAILS).await? {
            let path = found.location.as_ref();
            let is_young =
                young_from.is_some_and(|since| SystemTime::from(found.last_modified) > since);
            if !is_young && !used.contains(path) {
                self.delete_if_there(path).await?;
                freed += found.size;
            }
        }
        Ok(freed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CatalogVersion, Column, DataFile, Kind};
    use serde_json::json;

    const N_FILES: usize = 10_000;

    fn version(table: &str, n_files: usize) -> TableVersion {
        let column = |at: usize| Column {
            name: format!("column_{at}"),
            kind: Kind::Text,
            is_nullable: true,
            unit: "USD".to_owned(),
            about: "what a column of a table of the pipeline holds, in one line of text".to_owned(),
        };
        let file = |at: usize| {
            let path = format!("tables/{table}/{}/{at:06}.parquet", Fingerprint::of(b"unit"));
            let hash = ContentHash::from(blake3::hash(&at.to_le_bytes()));
            DataFile::new(path, 10_000, 1_000_000, hash)
        };
        TableVersion {
            table: table.to_owned(),
            stage: "ingest".to_owned(),
            fingerprint: Fingerprint::of(table.as_bytes()),
            files: (0..n_files).map(file).collect(),
            key: vec!["column_1".to_owned()],
            about: "a row of the table".to_owned(),
            columns: (0..20).map(column).collect(),
            metadata: BTreeMap::new(),
            made_at: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    /// The record of a run on so many raw files, which has no other to tell of them.
    fn record(run: &str, number: u64, status: &str, n_files: usize) -> RunRecord {
        let file = |at: usize| {
            let hash = Fingerprint::of(&at.to_le_bytes());
            (format!("file raw/exports_{at:06}.csv"), json!(format!("{hash} as plain")))
        };
        let mut parts: serde_json::Map<String, Value> = (0..n_files).map(file).collect();
        parts.insert("code".to_owned(), json!("7"));
        let stage = |at: usize| json!({"stage": format!("stage_{at}"), "action": "reused", "why": "up to date", "millis": 7, "rows": 9});
        let stages: Vec<Value> = (0..15).map(stage).collect();
        let sql: BTreeMap<String, String> =
            (0..5).map(|at| (format!("panel.table_{at}"), "select 1\n".repeat(700))).collect();
        let checks: BTreeMap<String, Fingerprint> =
            (0..60).map(|at| (format!("trade.check_{at}"), Fingerprint::of(b"check"))).collect();
        let record = json!({
            "run": run, "number": number, "pipeline": "p", "command": "rebound run p.yaml",
            "started_at": "2026-01-01T00:00:00Z", "status": status, "stages": stages,
            "parts": {"ingest": parts, "models": {"code": "3", "file gdp.csv": "1"}}, "tables": {},
            "published_at": "2026-01-01T00:00:00Z", "checks": checks, "sql": sql,
        });
        let mut record: RunRecord = serde_json::from_value(record).expect("a record");
        let tables = ["customs.records", "customs.rejects"].map(|table| version(table, n_files));
        let others = (0..50).map(|at| version(&format!("trade.table_{at}"), 17));
        record.tables = tables.into_iter().chain(others).map(|of| (of.table.clone(), of)).collect();
        record
    }

    async fn n_details(lake: &Lake) -> usize {
        lake.list(DETAILS).await.expect("a store").len()
    }

    async fn stores(lake: &Lake) {
        let first = record("1", 1, "published", N_FILES);
        let second = record("2", 2, "unchanged", N_FILES);
        for run in [&first, &second] {
            lake.put_run(run).await.expect("kept");
        }
        let bytes = lake.get("runs/2.json").await.expect("there").len();
        assert!(bytes < 100 << 10, "a night on which nothing changed has {bytes} bytes");
        // The raw files, the two tables that have many, and the others.
        assert_eq!(n_details(lake).await, 4);
        let runs = lake.runs().await.expect("readable");
        assert!(runs.left_out.is_empty(), "{:?}", runs.left_out);
        assert!(runs.records == [first.clone(), second.clone()]);
        assert!(runs.records[0].catalog() == first.catalog());
        let recent = lake.recent_runs().await.expect("readable").records;
        assert!(recent[1] == second);
        assert!(recent[0].tables.is_empty() && !recent[0].parts.contains_key("ingest"));
        assert_eq!(recent[0].parts["models"], second.parts["models"], "what is short is there");
        // A run that was killed before it had tables hides none.
        let mut third = record("3", 3, "started", 0);
        third.tables.clear();
        lake.put_run(&third).await.expect("kept");
        let recent = lake.recent_runs().await.expect("readable").records;
        assert!(recent[1] == second && recent[2] == third);
    }

    #[tokio::test]
    async fn a_night_on_which_nothing_changed_is_small() {
        let folder = tempfile::tempdir().expect("a folder");
        for url in ["memory://", folder.path().to_str().expect("utf-8")] {
            stores(&Lake::open(url).expect("a lake")).await;
        }
    }

    #[tokio::test]
    async fn details_stay_as_long_as_a_record_has_them() {
        let lake = Lake::open("memory://").expect("a lake");
        let (first, second) = (record("1", 1, "published", 300), record("2", 2, "published", 301));
        for run in [&first, &second] {
            lake.put_run(run).await.expect("kept");
        }
        let catalog = second.catalog().expect("published");
        lake.publish(&catalog, &CatalogVersion(None)).await.expect("published");
        assert_eq!(n_details(&lake).await, 7, "the other tables are the same");
        lake.collect_garbage(1, None).await.expect("collected");
        assert_eq!(n_details(&lake).await, 7);
        lake.remove_run("1").await.expect("removed");
        lake.collect_garbage(1, None).await.expect("collected");
        assert_eq!(n_details(&lake).await, 4);
        assert!(lake.runs().await.expect("readable").records == [second.clone()]);

        // Details that are damaged are none, and are made again by a run that has the same.
        for found in lake.list(DETAILS).await.expect("a store") {
            let damaged = object_store::PutPayload::from_static(b"{}");
            lake.store().put(&found.location, damaged).await.expect("written");
        }
        let runs = lake.runs().await.expect("readable");
        assert_eq!((runs.records.len(), runs.left_out.len()), (0, 1));
        let told = runs.left_out[0].to_string();
        assert!(told.contains("runs/2.json") && told.contains("gone or damaged"), "{told}");
        lake.put_run(&second).await.expect("kept");
        assert!(lake.runs().await.expect("readable").records == [second.clone()]);

        // Without its raw files a record gives no reasons, and is one.
        let whole = lake.get("runs/2.json").await.expect("there");
        let said: Value = serde_json::from_slice(&whole).expect("JSON");
        let files = said["aside"]["files"]["ingest"]["details"].as_str().expect("a hash");
        lake.delete_if_there(&format!("{DETAILS}/{files}.json")).await.expect("gone");
        let found = lake.runs().await.expect("readable").records;
        assert!(found[0].tables == second.tables && !found[0].parts.contains_key("ingest"));
    }

    #[tokio::test]
    async fn a_short_record_is_in_one_piece() {
        let lake = Lake::open("memory://").expect("a lake");
        let mut short = record("1", 1, "published", 10);
        short.tables = BTreeMap::from([("t.a".to_owned(), version("t.a", 3))]);
        short.sql.clear();
        lake.put_run(&short).await.expect("kept");
        assert_eq!(n_details(&lake).await, 0);
        assert!(lake.runs().await.expect("readable").records == [short]);
    }
}
