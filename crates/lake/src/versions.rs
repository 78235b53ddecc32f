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
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use tokio::runtime::Handle;

/// What the store says of a file: whoever changes it, changes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState(String);

impl FileState {
    /// That of an object. What lists and single answers both say is its tag; times are less exact in
    /// some of them.
    fn of(meta: &ObjectMeta) -> Self {
        let tag = meta.e_tag.as_deref().map(|tag| tag.trim_start_matches("W/").trim_matches('"'));
        match tag {
            Some(tag) => Self(tag.to_owned()),
            None => Self(meta.last_modified.timestamp().to_string()),
        }
    }
}

/// What a list says of the files that are wanted.
#[derive(Debug, Default)]
struct Listed {
    found: BTreeMap<String, (u64, FileState)>,
    /// Whether all of the folder was listed.
    is_whole: bool,
}

/// What a list says of a file.
enum Known {
    There((u64, FileState)),
    Gone,
    /// It was not listed that far.
    Nothing,
}

impl Listed {
    fn of(&self, path: &str) -> Known {
        match self.found.get(path) {
            Some(found) => Known::There(found.clone()),
            None if self.is_whole => Known::Gone,
            None => Known::Nothing,
        }
    }
}

/// The folder above that of a file: of all versions of a table.
fn above_folder(path: &str) -> &str {
    let folder = |path: &'_ str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len());
    let of_version = folder(path);
    &path[..folder(&path[..of_version])]
}

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

/// Fewest files of a table that a store is asked to list, in place of asking for each.
const LISTED: usize = 4;

/// Other files that are listed for each that is wanted, before the rest is asked for one by one: of a
/// table of many versions a list would be longer than the questions.
const OTHERS: usize = 100;

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
        let files: Vec<&DataFile> = version.files.iter().collect();
        self.verify_sizes(&version.table, &files).await.map(|_| ())
    }

    /// Looks whether files of `table` are there in full; gives their states, in their order. As
    /// long as its state stays, a file's bytes do.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] with the first that is not, [`LakeError::Store`] if the store fails.
    pub async fn verify_sizes(
        &self,
        table: &str,
        files: &[&DataFile],
    ) -> Result<Vec<FileState>, LakeError> {
        let found = self.found(files).await?;
        let states = files.iter().zip(found).map(|(file, found)| match found {
            Some((bytes, state)) if bytes == file.bytes => Ok(state),
            Some((bytes, _)) => Err(file.lost(table, format!("{bytes} bytes"))),
            None => Err(file.lost(table, "gone".to_owned())),
        });
        states.collect()
    }

    /// How large files are, and their states, in their order; nothing of those that are not there.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub(crate) async fn found(
        &self,
        files: &[&DataFile],
    ) -> Result<Vec<Option<(u64, FileState)>>, LakeError> {
        if let Some(root) = self.folder() {
            // A store asks another thread for each file, which costs more than what it answers.
            let look = |file: &&DataFile| self.found_in(root, &file.path);
            return files.iter().map(look).collect();
        }
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in files {
            wanted.entry(above_folder(&file.path)).or_default().insert(&file.path);
        }
        wanted.retain(|_, paths| paths.len() >= LISTED);
        let lists = wanted.iter().map(|(folder, paths)| self.listed(folder, paths));
        let lists: Vec<Listed> = stream::iter(lists).buffered(ASKED).try_collect().await?;
        let lists: BTreeMap<&str, Listed> = wanted.into_keys().zip(lists).collect();
        let look = |path: String| {
            let known = lists.get(above_folder(&path)).map(|list| list.of(&path));
            async move {
                match known {
                    Some(Known::There(found)) => Ok(Some(found)),
                    Some(Known::Gone) => Ok(None),
                    Some(Known::Nothing) | None => self.asked(&path).await,
                }
            }
        };
        let looks: Vec<_> = files.iter().map(|file| look(file.path.clone())).collect();
        stream::iter(looks).buffered(ASKED).try_collect().await
    }

    fn found_in(
        &self,
        root: &std::path::Path,
        path: &str,
    ) -> Result<Option<(u64, FileState)>, LakeError> {
        let full = root.join(path);
        let found = std::fs::metadata(&full).and_then(|meta| Ok((meta.len(), state_of(&meta)?)));
        match found.map_err(|error| unreadable(&full, error)) {
            Ok((bytes, state)) => Ok(Some((bytes, FileState(state)))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    /// Asks the store for one file.
    async fn asked(&self, path: &str) -> Result<Option<(u64, FileState)>, LakeError> {
        match self.store().head(&Path::from(path)).await {
            Ok(meta) => Ok(Some((meta.size, FileState::of(&meta)))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    /// What the store lists in a folder, until all that is wanted was met.
    async fn listed(&self, folder: &str, wanted: &BTreeSet<&str>) -> Result<Listed, LakeError> {
        let failed = |source| LakeError::Store { path: self.shown(folder), source };
        let mut list = self.store().list(Some(&Path::from(folder)));
        let mut listed = Listed::default();
        let mut n_others = 0;
        while listed.found.len() < wanted.len() {
            let Some(meta) = list.try_next().await.map_err(failed)? else {
                listed.is_whole = true;
                break;
            };
            let path = meta.location.as_ref();
            if wanted.contains(path) {
                listed.found.insert(path.to_owned(), (meta.size, FileState::of(&meta)));
            } else {
                n_others += 1;
            }
            if n_others > OTHERS * wanted.len() {
                break;
            }
        }
        Ok(listed)
    }

    /// Reads a file of `table` through, and looks whether it holds the bytes that were written. In
    /// a folder the calling thread reads it, and the threads of its pool hash it. Blocks on
    /// `runtime`, which may not be driven by the calling thread.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if it does not, [`LakeError::Store`] if the
    /// store fails.
    pub fn verify_content(
        &self,
        runtime: &Handle,
        table: &str,
        file: &DataFile,
    ) -> Result<FileState, LakeError> {
        let path = file.path.as_str();
        let (state, hash) = match self.folder() {
            Some(root) => {
                let state = runtime.block_on(self.verify_sizes(table, &[file]))?.pop();
                // Outside the runtime: a thread that waits for others to hash may take up what
                // blocks on it.
                let hash = File::open(root.join(path)).and_then(ContentHash::of_reader).map_err(
                    |error| LakeError::Store {
                        path: self.shown(path),
                        source: unreadable(&root.join(path), error),
                    },
                )?;
                (state.ok_or_else(|| file.lost(table, "gone".to_owned()))?, hash)
            }
            None => runtime.block_on(self.content_in_store(table, file))?,
        };
        if hash == file.hash {
            return Ok(state);
        }
        let (table, path) = (table.to_owned(), file.path.clone());
        Err(LakeError::Damaged { table, path, bytes: file.bytes })
    }

    /// The state of a file that is in no folder, and the hash of its bytes.
    async fn content_in_store(
        &self,
        table: &str,
        file: &DataFile,
    ) -> Result<(FileState, ContentHash), LakeError> {
        let path = file.path.as_str();
        let store = |source| LakeError::Store { path: self.shown(path), source };
        let lost = |found: String| file.lost(table, found);
        let found = self.store().get(&Path::from(path)).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => lost("gone".to_owned()),
            error => store(error),
        })?;
        if found.meta.size != file.bytes {
            return Err(lost(format!("{} bytes", found.meta.size)));
        }
        let state = FileState::of(&found.meta);
        let mut hasher = blake3::Hasher::new();
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await.map_err(store)? {
            hasher.update(&part);
        }
        Ok((state, ContentHash::from(hasher.finalize())))
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
            metadata: BTreeMap::new(),
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
