//! Versions in a lake: whether they are there, and writing them.

use crate::contract::{Column, Contract, Kind};
use crate::durable;
use crate::error::{LakeError, unreadable};
use crate::fingerprint::{ContentHash, Fingerprint};
use crate::parquet_writer::GroupWriter;
use crate::seal::{in_words, sealed, unsealed};
use crate::store::Lake;
use crate::table::TableWriter;
use crate::version::{DataFile, TableVersion, folder_of};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;

/// What the store says of a file: whoever changes it, changes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState(String);

/// What a folder says of a file beside its size.
fn state_of(meta: &std::fs::Metadata) -> std::io::Result<String> {
    let modified = meta.modified()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Unlike the time of change, no copy sets this one back.
        let changed = (meta.ctime(), meta.ctime_nsec());
        Ok(format!("{modified:?} {changed:?} {}", meta.ino()))
    }
    #[cfg(not(unix))]
    Ok(format!("{modified:?}"))
}

pub(crate) const COMPLETE: &str = "version.json";

/// Files of a version that a store is asked for at a time.
const ASKED: usize = 32;

impl Lake {
    /// The complete version of `table` under `fingerprint`, if it is there.
    ///
    /// # Errors
    ///
    /// [`LakeError::Version`] if what describes it is damaged, or describes something else: it is
    /// to be made again. [`LakeError::Store`] if the store fails.
    pub async fn version(
        &self,
        table: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Option<TableVersion>, LakeError> {
        let path = format!("{}/{COMPLETE}", folder_of(table, fingerprint));
        let Some(bytes) = self.get_if_there(&path).await? else { return Ok(None) };
        let found = serde_json::from_slice(&bytes).map_err(|error| in_words(&error));
        let why = match found.and_then(unsealed::<TableVersion>) {
            Ok(version) if version.table == table && version.fingerprint == *fingerprint => {
                return Ok(Some(version));
            }
            Ok(version) => format!("describes `{}`", version.folder()),
            Err(why) => format!("is damaged ({why})"),
        };
        Err(LakeError::Version { path: self.shown(&path), why })
    }

    /// Looks whether all files of a version are there in full.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] if one is not, [`LakeError::Store`] if the store fails.
    pub async fn verify(&self, version: &TableVersion) -> Result<(), LakeError> {
        let looked = version.files.iter().map(|file| self.verify_size(&version.table, file));
        let mut looked =
            stream::iter(looked).buffered(if self.folder().is_some() { 1 } else { ASKED });
        while looked.try_next().await?.is_some() {}
        Ok(())
    }

    /// Looks whether a file of `table` is there in full. As long as its state stays, its bytes do.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] if it is not, [`LakeError::Store`] if the store fails.
    pub async fn verify_size(&self, table: &str, file: &DataFile) -> Result<FileState, LakeError> {
        let path = file.path.as_str();
        let found = match self.folder() {
            // A store asks another thread for each file, which costs more than what it answers.
            Some(root) => {
                let path = root.join(path);
                std::fs::metadata(&path)
                    .and_then(|meta| Ok((meta.len(), state_of(&meta)?)))
                    .map_err(|error| unreadable(&path, error))
            }
            None => self.store().head(&Path::from(path)).await.map(|meta| {
                (meta.size, format!("{:?} {:?} {}", meta.e_tag, meta.version, meta.last_modified))
            }),
        };
        match found {
            Ok((bytes, state)) if bytes == file.bytes => Ok(FileState(state)),
            Ok((bytes, _)) => Err(file.lost(table, format!("{bytes} bytes"))),
            Err(object_store::Error::NotFound { .. }) => Err(file.lost(table, "gone".to_owned())),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    /// Reads a file of `table` through, and looks whether it holds the bytes that were written. In
    /// a folder the calling thread reads it, and the threads of its pool hash it.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if it does not, [`LakeError::Store`] if the
    /// store fails.
    pub async fn verify_content(
        &self,
        table: &str,
        file: &DataFile,
    ) -> Result<FileState, LakeError> {
        let state = self.verify_size(table, file).await?;
        let path = file.path.as_str();
        let store = |source| LakeError::Store { path: self.shown(path), source };
        let hash = match self.folder() {
            Some(root) => File::open(root.join(path))
                .and_then(ContentHash::of_reader)
                .map_err(|error| store(unreadable(&root.join(path), error)))?,
            None => {
                let mut hasher = blake3::Hasher::new();
                let found = self.store().get(&Path::from(path)).await.map_err(store)?;
                let mut parts = found.into_stream();
                while let Some(part) = parts.try_next().await.map_err(store)? {
                    hasher.update(&part);
                }
                ContentHash::from(hasher.finalize())
            }
        };
        if hash == file.hash {
            return Ok(state);
        }
        let (table, path) = (table.to_owned(), file.path.clone());
        Err(LakeError::Damaged { table, path, bytes: file.bytes })
    }

    /// Takes the mark of completeness off a version that is lost or damaged, so that the next run
    /// makes it again. Who has it open is not disturbed.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn unmark(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.delete_if_there(&format!("{}/{COMPLETE}", version.folder())).await
    }

    /// The same of a version with a file that is lost or damaged: what made that file is forgotten
    /// too.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn unmark_damaged(
        &self,
        version: &TableVersion,
        file: &str,
    ) -> Result<(), LakeError> {
        self.forget_units_of(file).await?;
        self.unmark(version).await
    }

    /// A new version of a table with a contract, still without files.
    pub fn draft(
        &self,
        contract: &Contract,
        stage: &str,
        fingerprint: &Fingerprint,
        made_at: &str,
    ) -> TableVersion {
        TableVersion {
            table: contract.table.to_owned(),
            stage: stage.to_owned(),
            fingerprint: fingerprint.clone(),
            files: Vec::new(),
            key: contract.key.iter().map(|&name| name.to_owned()).collect(),
            about: contract.about.to_owned(),
            columns: contract.columns.clone(),
            metadata: std::collections::BTreeMap::new(),
            made_at: made_at.to_owned(),
        }
    }

    /// The columns of a table that has no contract in code, from the schema of its rows.
    ///
    /// # Errors
    ///
    /// [`LakeError::Unsupported`] on a type that tables do not hold.
    pub fn columns_of(table: &str, schema: &SchemaRef) -> Result<Vec<Column>, LakeError> {
        schema
            .fields()
            .iter()
            .map(|field| match Kind::of(field.data_type()) {
                Some(kind) => Ok(Column {
                    name: field.name().clone(),
                    kind,
                    is_nullable: true,
                    unit: String::new(),
                    about: String::new(),
                }),
                None => Err(LakeError::Unsupported {
                    table: table.to_owned(),
                    column: field.name().clone(),
                    found: field.data_type().to_string(),
                }),
            })
            .collect()
    }

    /// Starts the next Parquet file of `version`.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the writer cannot be made.
    pub fn writer(&self, version: &TableVersion) -> Result<TableWriter, LakeError> {
        self.named_writer(version, &format!("part-{:05}.parquet", version.files.len()))
    }

    /// Starts a Parquet file of `version` under a name of its own.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the writer cannot be made.
    pub fn named_writer(
        &self,
        version: &TableVersion,
        name: &str,
    ) -> Result<TableWriter, LakeError> {
        TableWriter::new(self, version, name)
    }

    /// Removes the files of a version that was never completed.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`].
    pub async fn remove(&self, version: &TableVersion) -> Result<(), LakeError> {
        for file in &version.files {
            let path = file.path.clone();
            let removed = self.store().delete(&Path::from(path.as_str())).await;
            removed.map_err(|source| LakeError::Store { path: self.shown(&path), source })?;
        }
        if let Some(root) = self.folder() {
            // An empty folder left behind does no harm.
            let _ = std::fs::remove_dir(root.join(version.folder()));
        }
        Ok(())
    }

    /// Removes a file that no version names.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`].
    pub async fn remove_file(&self, file: &DataFile) -> Result<(), LakeError> {
        self.delete_if_there(&file.path).await
    }

    /// Starts a Parquet file of `version` under a name of its own, for columns whose texts are
    /// numbered. Files are read in the order of [`TableVersion::files`], and the key ascends over
    /// them.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the writer cannot be made.
    pub fn group_writer(
        &self,
        version: &TableVersion,
        name: &str,
    ) -> Result<GroupWriter, LakeError> {
        GroupWriter::new(self, version, name)
    }

    /// Writes `batches` as one file and marks the version complete.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the rows break the contract or cannot be written.
    pub async fn write(
        &self,
        mut version: TableVersion,
        batches: Vec<RecordBatch>,
    ) -> Result<TableVersion, LakeError> {
        let mut writer = self.writer(&version)?;
        for batch in batches {
            writer.write(batch).await?;
        }
        version.files.push(writer.finish().await?);
        self.complete(&version).await?;
        Ok(version)
    }

    /// Adds a file that a writer of [`Self::writer`] finished.
    pub fn add_file(version: &mut TableVersion, file: DataFile) {
        version.files.push(file);
    }

    /// Marks a version complete. From now on it can be used, and used again, also after a power
    /// cut.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the store fails.
    pub async fn complete(&self, version: &TableVersion) -> Result<(), LakeError> {
        let path = format!("{}/{COMPLETE}", version.folder());
        let sealed = sealed(self.shown(&path), version)?;
        let Some(root) = self.folder() else { return self.put_json(&path, &sealed).await };
        let mut folders = BTreeSet::new();
        for file in &version.files {
            let flushed = self.flushes.end(root, &file.path).await;
            flushed.map_err(|error| match error.kind() {
                ErrorKind::NotFound => file.lost(&version.table, "gone".to_owned()),
                _ => self.unflushed(&file.path, error),
            })?;
            folders.extend(file.path.rsplit_once('/').map(|(folder, _)| folder));
        }
        let flush = |folder: &str| {
            durable::flush_folder(&root.join(folder)).map_err(|error| self.unflushed(folder, error))
        };
        folders.into_iter().try_for_each(flush)?;
        self.keep_json(&path, &sealed).await?;
        // The names of the folders that lead there.
        let above = std::path::Path::new(&path).ancestors().skip(2);
        above.filter_map(std::path::Path::to_str).try_for_each(flush)
    }
}
