//! Units of work: what was made of a part of the inputs, to be used again by any version of which it
//! is a part.

use crate::error::LakeError;
use crate::fingerprint::{ContentHash, Fingerprint};
use crate::store::Lake;
use crate::version::DataFile;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

/// The folder of the records of units.
pub(crate) const UNITS: &str = "units";

/// What a unit of work made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// A hash of all that it was made from: its part of the params, and the content of the parts that
    /// it read.
    pub fingerprint: Fingerprint,
    /// The stage or table whose work it is a part of.
    pub node: String,
    /// Its name there: a raw file, a year, an episode.
    pub unit: String,
    /// The files that it made.
    pub files: Vec<DataFile>,
    /// The paths of the files of the lake that it read, if it made none: it is garbage when they are.
    pub of: Vec<String>,
    /// What the stage needs to know of it, as JSON: a text, as sums have more digits than numbers
    /// of JSON in memory.
    pub made: String,
}

/// Records that are read at a time: an object store answers many at once.
const AT_A_TIME: usize = 32;

fn path_of(fingerprint: &Fingerprint) -> String {
    format!("{UNITS}/{fingerprint}.json")
}

impl Lake {
    /// What the unit with this fingerprint made, if it is kept and its files are there in full. A
    /// record that is damaged, or whose files are lost, is none: the unit is to be made again.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn unit(&self, fingerprint: &Fingerprint) -> Result<Option<UnitRecord>, LakeError> {
        Ok(self.units_of(vec![fingerprint.clone()]).await?.pop().flatten())
    }

    /// What each of several units made, as [`Self::unit`] has it, in their order.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn units_of(
        &self,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<Vec<Option<UnitRecord>>, LakeError> {
        let find = |name: Fingerprint| async move {
            let bytes = self.get_if_there(&path_of(&name)).await?;
            let record = bytes.and_then(|bytes| record_of(&bytes));
            Ok::<_, LakeError>(record.filter(|unit| unit.fingerprint == name))
        };
        let mut records: Vec<Option<UnitRecord>> =
            futures::stream::iter(fingerprints.into_iter().map(find))
                .buffered(AT_A_TIME)
                .try_collect()
                .await?;
        let files: Vec<&DataFile> =
            records.iter().flatten().flat_map(|record| &record.files).collect();
        let found = self.found(&files).await?;
        let is_there = files
            .iter()
            .zip(&found)
            .map(|(file, found)| found.as_ref().is_some_and(|(bytes, _)| *bytes == file.bytes));
        let is_there: Vec<bool> = is_there.collect();
        let mut is_there = is_there.into_iter();
        for record in &mut records {
            let n_files = record.as_ref().map_or(0, |record| record.files.len());
            // Each file has its answer, whatever came of others of its unit.
            let n_there = is_there.by_ref().take(n_files).filter(|is_there| *is_there).count();
            if n_there < n_files {
                *record = None;
            }
        }
        Ok(records)
    }

    /// Keeps what a unit made.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn keep_unit(&self, record: &UnitRecord) -> Result<(), LakeError> {
        let path = path_of(&record.fingerprint);
        let text = serde_json::to_vec(record)
            .map_err(|source| LakeError::Json { path: self.shown(&path), source })?;
        let hash = ContentHash::from(blake3::hash(&text));
        let sealed = [hash.as_str().as_bytes(), b"\n", &text].concat();
        let put = self.store().put(&Path::from(path.as_str()), PutPayload::from(sealed)).await;
        put.map(|_| ()).map_err(|source| LakeError::Store { path: self.shown(&path), source })
    }

    /// Forgets the units that made one of the files, as it is not what they made.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub(crate) async fn forget_units_of(&self, file: &str) -> Result<(), LakeError> {
        for (path, record) in self.units().await? {
            if record.is_none_or(|record| record.files.iter().any(|made| made.path == file)) {
                self.delete_if_there(&path).await?;
            }
        }
        Ok(())
    }

    /// The records of units, with their paths; none where one is damaged.
    pub(crate) async fn units(&self) -> Result<Vec<(String, Option<UnitRecord>)>, LakeError> {
        let mut found = Vec::new();
        for meta in self.list(UNITS).await? {
            let path = meta.location.to_string();
            let Some(bytes) = self.get_if_there(&path).await? else { continue };
            found.push((path, record_of(&bytes)));
        }
        Ok(found)
    }
}

/// The record that a file is, if it says what was written.
fn record_of(bytes: &[u8]) -> Option<UnitRecord> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let (seal, text) = (&bytes[..at], &bytes[at + 1..]);
    let hash = ContentHash::from(blake3::hash(text));
    if seal == hash.as_str().as_bytes() { serde_json::from_slice(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_unit_is_what_was_kept_or_none() {
        let lake = Lake::open("memory://").expect("a lake");
        let fingerprint = Fingerprint::of(b"2008");
        assert_eq!(lake.unit(&fingerprint).await.expect("a store"), None);
        let record = UnitRecord {
            fingerprint: fingerprint.clone(),
            node: "aggregate".to_owned(),
            unit: "2008".to_owned(),
            files: Vec::new(),
            of: Vec::new(),
            made: "{\"value\": \"1.20\"}".to_owned(),
        };
        lake.keep_unit(&record).await.expect("kept");
        assert_eq!(lake.unit(&fingerprint).await.expect("a store"), Some(record.clone()));
        // One byte of it is another.
        let path = Path::from(path_of(&fingerprint));
        let mut bytes = lake.get(path.as_ref()).await.expect("there").to_vec();
        let at = bytes.iter().rposition(|&byte| byte == b'2').expect("a digit");
        bytes[at] = b'3';
        lake.store().put(&path, PutPayload::from(bytes)).await.expect("put");
        assert_eq!(lake.unit(&fingerprint).await.expect("a store"), None);
    }

    #[tokio::test]
    async fn a_unit_whose_file_is_gone_is_none() {
        let lake = Lake::open("memory://").expect("a lake");
        let hash = ContentHash::from(blake3::hash(b"abc"));
        let file = DataFile::new("tables/a.b/c/2008.parquet".to_owned(), 1, 3, hash);
        let record = UnitRecord {
            fingerprint: Fingerprint::of(b"2008"),
            node: "aggregate".to_owned(),
            unit: "2008".to_owned(),
            files: vec![file.clone()],
            of: Vec::new(),
            made: String::new(),
        };
        lake.keep_unit(&record).await.expect("kept");
        assert_eq!(lake.unit(&record.fingerprint).await.expect("a store"), None);
        let path = Path::from(file.path.as_str());
        lake.store().put(&path, PutPayload::from_static(b"abc")).await.expect("put");
        assert_eq!(lake.unit(&record.fingerprint).await.expect("a store"), Some(record.clone()));
        lake.forget_units_of(&file.path).await.expect("a store");
        assert_eq!(lake.unit(&record.fingerprint).await.expect("a store"), None);
    }
}
