//! Reading and writing versions on an object store.

use crate::below::Below;
use crate::catalog::{Catalog, RunRecord, Runs};
use crate::coded::CodedReader;
use crate::contract::{Column, Contract, Kind};
use crate::durable::{self, Flushes};
use crate::fingerprint::{ContentHash, Fingerprint};
use crate::groups::GroupWriter;
use crate::lease::{Collection, LEASES, LeaseTimes};
use crate::pinned::PinnedStore;
use crate::remote;
use crate::spare;
use crate::table::{DataFile, TableVersion, TableWriter, folder_of};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Why the lake could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The URL is of a kind that is not supported.
    #[error(
        "unsupported lake `{0}`: expected a folder, or a URL with file://, s3://, gs://, az:// or memory://"
    )]
    Url(String),
    /// Another run published meanwhile.
    #[error(
        "another run published in `{0}` while this one ran, so nothing was published: `rebound run` again, what was made is reused"
    )]
    Raced(String),
    /// The folder cannot be used.
    #[error("failed to open the lake `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The object store failed.
    #[error("failed to access `{path}` in the lake")]
    Store {
        /// The object.
        path: String,
        /// The cause.
        #[source]
        source: object_store::Error,
    },
    /// A JSON file of the lake is damaged.
    #[error("failed to read `{path}` in the lake")]
    Json {
        /// The object.
        path: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The catalog was written by another version of this program.
    #[error(
        "the catalog has format {found}, expected {expected}: use the version of rebound that wrote it, or name another lake (or a new \
         folder), where `rebound run` makes all tables"
    )]
    Format {
        /// What the file says.
        found: u32,
        /// What this code reads.
        expected: u32,
    },
    /// Parquet failed.
    #[error("failed to read or write table `{table}`")]
    Parquet {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: ParquetError,
    },
    /// A file of a table cannot be read as it was written.
    #[error(
        "failed to read file `{file}` of table `{table}`: if it is damaged, delete it, and `rebound run` makes the table again"
    )]
    File {
        /// The table.
        table: String,
        /// The file, below the root of the lake.
        file: String,
        /// The cause.
        #[source]
        source: ParquetError,
    },
    /// Arrow failed.
    #[error("failed to handle the rows of table `{table}`")]
    Arrow {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: ArrowError,
    },
    /// Other columns than the contract's.
    #[error("table `{table}` has columns {found}; its contract has {expected}")]
    Columns {
        /// The table.
        table: String,
        /// The contract's columns.
        expected: String,
        /// The columns there are.
        found: String,
    },
    /// A column of another type.
    #[error(
        "column `{column}` of table `{table}` is of type {found}; its contract says {expected}"
    )]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The contract's type.
        expected: String,
        /// The type there is.
        found: String,
    },
    /// A null where the contract allows none.
    #[error("column `{column}` of table `{table}` has a null; its contract allows none")]
    Null {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A number that tables do not hold.
    #[error("column `{column}` of table `{table}` has {found} {row}: {advice}")]
    Number {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The number.
        found: String,
        /// Where it is: `at` a key, or `in` a row.
        row: String,
        /// What was expected, and what to do.
        advice: &'static str,
    },
    /// Rows out of order, or one key twice.
    #[error(
        "rows of table `{table}` are not in ascending order of its key, or one key is there twice: at {key}"
    )]
    KeyOrder {
        /// The table.
        table: String,
        /// The row at fault.
        key: String,
    },
    /// A file of a version is gone, or not whole.
    #[error(
        "file `{path}` of table `{table}` is {found}: expected {expected} bytes; `rebound run` makes the table again"
    )]
    Lost {
        /// The table.
        table: String,
        /// The file.
        path: String,
        /// How large it should be.
        expected: u64,
        /// What is there.
        found: String,
    },
    /// A file of a version that holds other bytes than were written.
    #[error(
        "file `{path}` of table `{table}` is damaged: its {bytes} bytes are not those that were written; `rebound run` makes the table \
         again"
    )]
    Damaged {
        /// The table.
        table: String,
        /// The file.
        path: String,
        /// Its size, which is right.
        bytes: u64,
    },
    /// A catalog that does not say what was written.
    #[error(
        "`{path}` in the lake is damaged ({why}): `rebound verify --repair` makes it again from the record of the run that published"
    )]
    Catalog {
        /// The catalog.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A damaged catalog that cannot be made again.
    #[error(
        "`{path}` in the lake is damaged or gone, and no run is on record whose published tables are all there{why}: delete what is \
         left of it, and `rebound run` makes and publishes what is not there"
    )]
    Unrepairable {
        /// The catalog.
        path: String,
        /// What the newest record lacks.
        why: String,
    },
    /// The description of a version that does not say what was written, or that is another table's.
    #[error("`{path}` in the lake {why}: the table is made again")]
    Version {
        /// The description.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file among the records of runs that is none.
    #[error("`{path}` in the lake is left out, as it is no record of a run ({why}): delete it")]
    Record {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A lease that nobody can read.
    #[error(
        "`{path}` in the lake is damaged, so it is not known which tables a program at work reads: it writes the file again within \
         a minute, if it lives; then try again"
    )]
    Lease {
        /// The lease.
        path: String,
    },
    /// Garbage is being collected, for too long to wait.
    #[error("`rebound gc` is at work in `{lake}` (since {since}): try again when it has ended")]
    Collecting {
        /// The lake.
        lake: String,
        /// Since when.
        since: String,
    },
    /// A column that is not of a type tables may have.
    #[error(
        "column `{column}` of table `{table}` has type {found}, which tables do not hold: cast it to text, int, bigint, double, boolean or decimal(20, 2)"
    )]
    Unsupported {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
}

/// A lake: a root on an object store.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    /// The root as the user gave it.
    url: String,
    folder: Option<PathBuf>,
    flushes: Arc<Flushes>,
}

/// What the store says of a file: whoever changes it, changes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState(String);

/// The catalog that a run replaces.
#[derive(Debug, Clone)]
pub struct Replaced(Option<UpdateVersion>);

/// What a collection of garbage freed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Versions removed: table and fingerprint.
    pub versions: Vec<String>,
    /// Bytes freed.
    pub bytes: u64,
    /// Files removed that were being written when their program ended.
    pub n_unfinished: usize,
    /// Programs at work for whose sake versions stayed.
    pub holders: Vec<String>,
}

/// The schemes of object stores on which catalogs can be replaced on a condition.
const STORES: [&str; 6] = ["s3", "s3a", "gs", "az", "abfs", "abfss"];

/// Age at which a lease that is being written is one that was not written to its end.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// Rows of a batch that is read: few enough for their columns to stay in the processor's cache.
const BATCH_ROWS: usize = 16_384;

const CATALOG: &str = "catalog.json";
const RUNS: &str = "runs";
pub(crate) const COMPLETE: &str = "version.json";
/// The field of a catalog or version that holds the hash of all others.
const SEAL: &str = "seal";

/// The format of a catalog, which all of them say.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Lake {
    /// Opens the lake at `url`: a folder (made if absent), a `file://` URL, a folder of an object store (`s3://`, `gs://`,
    /// `az://`, with credentials from the store's usual environment variables), or `memory://`.
    ///
    /// # Errors
    ///
    /// [`LakeError`] on another kind of URL, or if the folder cannot be made.
    pub fn open(url: &str) -> Result<Self, LakeError> {
        if url == "memory://" {
            return Ok(Self::over(Arc::new(InMemory::new()), url, None));
        }
        let folder = match url::Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "file" => {
                parsed.to_file_path().map_err(|()| LakeError::Url(url.to_owned()))?
            }
            Ok(parsed) if STORES.contains(&parsed.scheme()) => {
                let (store, root) = remote::store_of(&parsed)
                    .map_err(|source| LakeError::Store { path: url.to_owned(), source })?;
                let store = Arc::new(Below::new(store, root));
                return Ok(Self::over(store, url, None));
            }
            Ok(parsed) if parsed.scheme().len() > 1 => return Err(LakeError::Url(url.to_owned())),
            _ => PathBuf::from(url),
        };
        let unusable = |source| LakeError::Folder { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(unusable)?;
        let folder = std::path::absolute(&folder).map_err(unusable)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|source| LakeError::Store { path: url.to_owned(), source })?;
        Ok(Self::over(Arc::new(store), url, Some(folder)))
    }

    fn over(store: Arc<dyn ObjectStore>, url: &str, folder: Option<PathBuf>) -> Self {
        Self { store, url: url.to_owned(), folder, flushes: Arc::default() }
    }

    /// The root as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder, if the lake is one.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// The object store, whose root is the lake's.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The object store for readers that list files before they read them.
    pub fn pinned_store(&self) -> PinnedStore {
        PinnedStore::new(self.store())
    }

    /// A path as a user knows it.
    pub(crate) fn shown(&self, path: &str) -> String {
        let root = self.url.trim_end_matches('/');
        if self.folder.is_some() { path.to_owned() } else { format!("{root}/{path}") }
    }

    async fn get(&self, path: &str) -> Result<Bytes, LakeError> {
        let store = |source| LakeError::Store { path: self.shown(path), source };
        self.store.get(&Path::from(path)).await.map_err(store)?.bytes().await.map_err(store)
    }

    async fn get_if_there(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
        match self.get(path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(LakeError::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object; one that is gone already is none.
    pub(crate) async fn delete_if_there(&self, path: &str) -> Result<(), LakeError> {
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, LakeError> {
        let Some(bytes) = self.get_if_there(path).await? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| LakeError::Json { path: self.shown(path), source })
    }

    /// Puts `value` as JSON; a power cut may take it away again.
    pub(crate) async fn put_json<T: Serialize>(
        &self,
        path: &str,
        value: &T,
    ) -> Result<(), LakeError> {
        self.put_json_if(path, value, PutMode::Overwrite).await
    }

    /// Puts `value` as JSON that outlasts a power cut.
    async fn keep_json<T: Serialize>(&self, path: &str, value: &T) -> Result<(), LakeError> {
        let Some(root) = &self.folder else { return self.put_json(path, value).await };
        let text = serde_json::to_vec_pretty(value)
            .map_err(|source| LakeError::Json { path: self.shown(path), source })?;
        durable::replace(&root.join(path), &text).map_err(|error| self.unflushed(path, error))
    }

    fn unflushed(&self, path: &str, error: std::io::Error) -> LakeError {
        LakeError::Store {
            path: self.shown(path),
            source: unreadable(std::path::Path::new(path), error),
        }
    }

    /// Begins to bring a file to the disk that was written.
    pub(crate) fn begin_flush(&self, path: &str) {
        if let Some(root) = &self.folder {
            self.flushes.begin(root, path);
        }
    }

    /// Puts `value` as JSON, if `mode` lets it.
    pub(crate) async fn put_json_if<T: Serialize>(
        &self,
        path: &str,
        value: &T,
        mode: PutMode,
    ) -> Result<(), LakeError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|source| LakeError::Json { path: self.shown(path), source })?;
        let path_of = Path::from(path);
        match self.store.put_opts(&path_of, PutPayload::from(text), mode.into()).await {
            Ok(_) => Ok(()),
            Err(
                object_store::Error::Precondition { .. }
                | object_store::Error::AlreadyExists { .. },
            ) => Err(LakeError::Raced(self.url.clone())),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    /// The text of a catalog or version with a hash of all that it says.
    fn sealed<T: Serialize>(path: String, value: &T) -> Result<serde_json::Value, LakeError> {
        let json = |source| LakeError::Json { path: path.clone(), source };
        let text = serde_json::to_vec(value).map_err(json)?;
        let mut sealed = serde_json::to_value(value).map_err(json)?;
        if let Some(fields) = sealed.as_object_mut() {
            let hash = ContentHash::from(blake3::hash(&text));
            fields.insert(SEAL.to_owned(), hash.as_str().into());
        }
        Ok(sealed)
    }

    /// What [`Self::sealed`] made, if it says what it said then; else what is wrong with it.
    fn unsealed<T: Serialize + DeserializeOwned>(
        mut sealed: serde_json::Value,
    ) -> Result<T, String> {
        let seal = sealed.as_object_mut().and_then(|fields| fields.remove(SEAL));
        let value: T = serde_json::from_value(sealed).map_err(|error| error.to_string())?;
        let text = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
        let hash = ContentHash::from(blake3::hash(&text));
        if seal.as_ref().and_then(serde_json::Value::as_str) == Some(hash.as_str()) {
            Ok(value)
        } else {
            Err(format!("its `{SEAL}` is not that of the rest"))
        }
    }

    /// The catalog that these bytes are.
    fn catalog_of(&self, bytes: &[u8]) -> Result<Catalog, LakeError> {
        let damaged = |why| LakeError::Catalog { path: self.shown(CATALOG), why };
        let not_json = |error: serde_json::Error| damaged(error.to_string());
        let mut sealed: serde_json::Value = serde_json::from_slice(bytes).map_err(not_json)?;
        let Format { format } = Format::deserialize(&sealed).map_err(not_json)?;
        if format == Catalog::FORMAT {
            return Self::unsealed(sealed).map_err(damaged);
        }
        // One of ours, of which the format alone is damaged?
        if let Some(fields) = sealed.as_object_mut() {
            fields.insert("format".to_owned(), Catalog::FORMAT.into());
        }
        match Self::unsealed::<Catalog>(sealed) {
            Ok(_) => Err(damaged(format!("it says format {format}"))),
            Err(_) => Err(LakeError::Format { found: format, expected: Catalog::FORMAT }),
        }
    }

    /// What is published; `None` in a new lake.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the catalog cannot be read.
    pub async fn catalog(&self) -> Result<Option<Catalog>, LakeError> {
        Ok(self.catalog_to_replace().await?.0)
    }

    /// What is published, and what [`Self::publish`] needs to replace just that.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the catalog cannot be read.
    pub async fn catalog_to_replace(&self) -> Result<(Option<Catalog>, Replaced), LakeError> {
        match self.catalog_and_state().await? {
            None => Ok((None, Replaced(None))),
            Some((catalog, replaced)) => Ok((Some(catalog?), replaced)),
        }
    }

    /// The catalog, or what is wrong with it, and the state that the store says it is in; `None` if there is none.
    async fn catalog_and_state(
        &self,
    ) -> Result<Option<(Result<Catalog, LakeError>, Replaced)>, LakeError> {
        let store = |source| LakeError::Store { path: self.shown(CATALOG), source };
        let found = match self.store.get(&Path::from(CATALOG)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(store(source)),
        };
        let replaced = Replaced(Some(UpdateVersion {
            e_tag: found.meta.e_tag.clone(),
            version: found.meta.version.clone(),
        }));
        let bytes = found.bytes().await.map_err(store)?;
        Ok(Some((self.catalog_of(&bytes), replaced)))
    }

    /// Makes a catalog again that is damaged or gone, from the newest record of a run that published tables which are all there:
    /// readers then see what they saw before. `None` if it is whole, or nothing was ever published. In a folder the writers'
    /// [`Lock`](crate::Lock) must be held.
    ///
    /// # Errors
    ///
    /// [`LakeError::Unrepairable`] if there is no such record, and others if the lake cannot be read or written.
    pub async fn repair(&self) -> Result<Option<Catalog>, LakeError> {
        let (damaged, is_there) = match self.catalog_and_state().await? {
            Some((Err(LakeError::Catalog { .. }), damaged)) => (damaged, true),
            Some((Err(error), _)) => return Err(error),
            Some((Ok(_), _)) => return Ok(None),
            None => (Replaced(None), false),
        };
        let mut why = String::new();
        for run in self.runs().await?.records.into_iter().rev() {
            let Some(catalog) = run.catalog() else { continue };
            match self.lost_of(&catalog).await? {
                None => {
                    self.publish(&catalog, &damaged).await?;
                    return Ok(Some(catalog));
                }
                Some(lost) if why.is_empty() => why = format!(" (of run {}: {lost})", run.run),
                Some(_) => {}
            }
        }
        if !is_there && why.is_empty() {
            return Ok(None);
        }
        Err(LakeError::Unrepairable { path: self.shown(CATALOG), why })
    }

    /// What a catalog names that is not there as it was written, by the marks and sizes of its versions.
    async fn lost_of(&self, catalog: &Catalog) -> Result<Option<String>, LakeError> {
        for version in catalog.tables.values() {
            let found = match self.version(&version.table, &version.fingerprint).await {
                Ok(Some(found)) if found == *version => self.verify(version).await,
                Ok(_) => return Ok(Some(format!("`{}` is not there", version.folder()))),
                Err(error) => Err(error),
            };
            match found {
                Ok(()) => {}
                Err(error @ (LakeError::Lost { .. } | LakeError::Version { .. })) => {
                    return Ok(Some(error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Publishes: readers see all of `catalog` from now on, if what it replaces is still what was published. In a folder
    /// the writers' [`Lock`](crate::Lock) sees to that, on an object store the store itself.
    ///
    /// # Errors
    ///
    /// [`LakeError::Raced`] if another run has published, and others if the catalog cannot be written.
    pub async fn publish(&self, catalog: &Catalog, replaced: &Replaced) -> Result<(), LakeError> {
        let sealed = Self::sealed(self.shown(CATALOG), catalog)?;
        if self.folder.is_some() {
            return self.keep_json(CATALOG, &sealed).await;
        }
        let mode = match &replaced.0 {
            None => PutMode::Create,
            Some(version) => PutMode::Update(version.clone()),
        };
        self.put_json_if(CATALOG, &sealed, mode).await
    }

    /// Keeps the record of a run.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if it cannot be written.
    pub async fn put_run(&self, record: &RunRecord) -> Result<(), LakeError> {
        self.keep_json(&format!("{RUNS}/{}.json", record.run), record).await
    }

    /// Every run. Files among the records that are none are left out, and told.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if a record cannot be read.
    pub async fn runs(&self) -> Result<Runs, LakeError> {
        let mut runs = Runs::default();
        for found in self.list(RUNS).await? {
            let path = found.location.as_ref();
            let Some(name) = found.location.filename().and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            // One that is removed meanwhile is none.
            let Some(bytes) = self.get_if_there(path).await? else { continue };
            let why = match serde_json::from_slice::<RunRecord>(&bytes) {
                Ok(run) if run.run == name => {
                    runs.records.push(run);
                    continue;
                }
                Ok(run) => format!("it is that of run {}", run.run),
                Err(error) => error.to_string(),
            };
            runs.left_out.push(LakeError::Record { path: self.shown(path), why });
        }
        runs.records.sort_by(|a, b| (a.number, &a.run).cmp(&(b.number, &b.run)));
        Ok(runs)
    }

    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<ObjectMeta>, LakeError> {
        self.store
            .list(Some(&Path::from(folder)))
            .try_collect()
            .await
            .map_err(|source| LakeError::Store { path: folder.to_owned(), source })
    }

    /// The complete version of `table` under `fingerprint`, if it is there.
    ///
    /// # Errors
    ///
    /// [`LakeError::Version`] if what describes it is damaged, or describes something else: it is to be made again.
    /// [`LakeError::Store`] if the store fails.
    pub async fn version(
        &self,
        table: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Option<TableVersion>, LakeError> {
        let path = format!("{}/{COMPLETE}", folder_of(table, fingerprint));
        let Some(bytes) = self.get_if_there(&path).await? else { return Ok(None) };
        let found = serde_json::from_slice(&bytes).map_err(|error| error.to_string());
        let why = match found.and_then(Self::unsealed::<TableVersion>) {
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
        for file in &version.files {
            self.verify_size(&version.table, file).await?;
        }
        Ok(())
    }

    /// Looks whether a file of `table` is there in full; as long as it stays in the state it is in, so does what is in it.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] if it is not, [`LakeError::Store`] if the store fails.
    pub async fn verify_size(&self, table: &str, file: &DataFile) -> Result<FileState, LakeError> {
        let path = file.path.as_str();
        match self.store.head(&Path::from(path)).await {
            Ok(meta) if meta.size == file.bytes => {
                Ok(FileState(format!("{:?} {:?} {}", meta.e_tag, meta.version, meta.last_modified)))
            }
            Ok(meta) => Err(lost(table, file, format!("{} bytes", meta.size))),
            Err(object_store::Error::NotFound { .. }) => Err(lost(table, file, "gone".to_owned())),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    /// Reads a file of `table` through, and looks whether it holds the bytes that were written. In a folder it is read by the
    /// calling thread, and hashed by the threads of its pool.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if it does not, [`LakeError::Store`] if the store fails.
    pub async fn verify_content(
        &self,
        table: &str,
        file: &DataFile,
    ) -> Result<FileState, LakeError> {
        let state = self.verify_size(table, file).await?;
        let path = file.path.as_str();
        let store = |source| LakeError::Store { path: self.shown(path), source };
        let hash = match &self.folder {
            Some(root) => File::open(root.join(path))
                .and_then(ContentHash::of_reader)
                .map_err(|error| store(unreadable(&root.join(path), error)))?,
            None => {
                let mut hasher = blake3::Hasher::new();
                let found = self.store.get(&Path::from(path)).await.map_err(store)?;
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

    /// Takes the mark of completeness off a version that is lost or damaged, so that the next run makes it again. Who has it open
    /// is not disturbed.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the store fails.
    pub async fn unmark(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.delete_if_there(&format!("{}/{COMPLETE}", version.folder())).await
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
            columns: contract.columns.iter().map(Column::clone).collect(),
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
            let removed = self.store.delete(&Path::from(path.as_str())).await;
            removed.map_err(|source| LakeError::Store { path: self.shown(&path), source })?;
        }
        if let Some(root) = &self.folder {
            // An empty folder left behind does no harm.
            let _ = std::fs::remove_dir(root.join(version.folder()));
        }
        Ok(())
    }

    /// Starts a Parquet file of `version` under a name of its own, for columns whose texts are numbered. Files are
    /// read in the order of [`TableVersion::files`], and the key ascends over them.
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

    /// Marks a version complete: from now on it can be used, and used again, also after a power cut.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the store fails.
    pub async fn complete(&self, version: &TableVersion) -> Result<(), LakeError> {
        let path = format!("{}/{COMPLETE}", version.folder());
        let sealed = Self::sealed(self.shown(&path), version)?;
        let Some(root) = &self.folder else { return self.put_json(&path, &sealed).await };
        let mut folders = BTreeSet::new();
        for file in &version.files {
            let flushed = self.flushes.end(root, &file.path).await;
            flushed.map_err(|error| match error.kind() {
                ErrorKind::NotFound => lost(&version.table, file, "gone".to_owned()),
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

    /// Reads `columns` of a version (all of them if empty), in the order of its rows.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if a file cannot be read, or a column is not there.
    pub async fn read(
        &self,
        version: &TableVersion,
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let mut batches = Vec::new();
        for file in &version.files {
            let reader = self.reader(version, file, columns, None).await?;
            for batch in reader {
                batches.push(
                    batch.map_err(|source| LakeError::Arrow {
                        table: version.table.clone(),
                        source,
                    })?,
                );
            }
        }
        Ok(batches)
    }

    /// Reads `columns` of one file of a version, batch after batch, texts as dictionaries of their values.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file cannot be read, or a column is not there.
    pub async fn read_coded(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LakeError>> + use<>, LakeError> {
        let coded = version.columns.iter().map(|column| {
            let kind = match column.kind {
                Kind::Text => {
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(column.kind.arrow()))
                }
                kind => kind.arrow(),
            };
            Field::new(&column.name, kind, column.is_nullable)
        });
        let schema = Arc::new(Schema::new(coded.collect::<Vec<_>>()));
        let reader = self.reader(version, file, columns, Some(schema)).await?;
        let table = version.table.clone();
        Ok(reader.map(move |batch| {
            batch.map_err(|source| LakeError::Arrow { table: table.clone(), source })
        }))
    }

    /// Opens `columns` of one file of a version that a [`GroupWriter`](crate::GroupWriter) wrote, to be read as codes: texts, small
    /// integers, flags and money.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the file cannot be read, or a column is not there.
    pub async fn coded_reader(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
    ) -> Result<CodedReader, LakeError> {
        let path = file.path.clone();
        let get = |ranges: Vec<Range<u64>>| {
            let place = Path::from(path.as_str());
            let (shown, local) = (|| self.shown(&path), self.folder.as_ref());
            let local = local.map(|root| root.join(&path));
            async move {
                // In memory that this thread has used before.
                let found = match local {
                    Some(path) => local_ranges(&path, &ranges),
                    None => self.store.get_ranges(&place, &ranges).await,
                };
                found.map_err(|source| match source {
                    object_store::Error::NotFound { .. } => {
                        lost(&version.table, file, "gone".to_owned())
                    }
                    source => LakeError::Store { path: shown(), source },
                })
            }
        };
        CodedReader::open(version, file, columns, get).await
    }

    async fn reader(
        &self,
        version: &TableVersion,
        file: &DataFile,
        columns: &[&str],
        schema: Option<SchemaRef>,
    ) -> Result<ParquetRecordBatchReader, LakeError> {
        let parquet = |source| LakeError::Parquet { table: version.table.clone(), source };
        if let Some(absent) =
            columns.iter().find(|c| !version.columns.iter().any(|v| v.name == **c))
        {
            return Err(LakeError::Columns {
                table: version.table.clone(),
                expected: (*absent).to_owned(),
                found: version.column_names(),
            });
        }
        let bytes = self.get_if_there(&file.path).await?;
        let bytes = bytes.ok_or_else(|| lost(&version.table, file, "gone".to_owned()))?;
        if bytes.len() as u64 != file.bytes {
            return Err(lost(&version.table, file, format!("{} bytes", bytes.len())));
        }
        let options = match schema {
            Some(schema) => ArrowReaderOptions::new().with_schema(schema),
            None => ArrowReaderOptions::new(),
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
            .map_err(parquet)?
            .with_batch_size(BATCH_ROWS);
        let mask = if columns.is_empty() {
            ProjectionMask::all()
        } else {
            ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
        };
        builder.with_projection(mask).build().map_err(parquet)
    }

    /// Removes the files that neither the catalog, nor any of the `keep` newest runs, nor a lease names. Versions with files
    /// younger than `young_from` stay, for where nothing else tells that no run is writing.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the store fails, or another collection is at work. What was removed until then stays removed; nothing
    /// published is ever touched.
    pub async fn collect_garbage(
        &self,
        keep: usize,
        young_from: Option<SystemTime>,
    ) -> Result<Garbage, LakeError> {
        let mut collection = self.begin_collection(LeaseTimes::default()).await?;
        let collected = self.collect(&mut collection, keep, young_from).await;
        collection.end().await?;
        collected
    }

    async fn collect(
        &self,
        collection: &mut Collection,
        keep: usize,
        young_from: Option<SystemTime>,
    ) -> Result<Garbage, LakeError> {
        let folder_of =
            |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        // Files may be of several versions, and in the folder of one that is gone.
        let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
        let mut use_version = |version: &TableVersion| {
            folders.insert(version.folder());
            files.extend(version.files.iter().map(|file| file.path.clone()));
        };
        if let Some(catalog) = self.catalog().await? {
            catalog.tables.values().for_each(&mut use_version);
        }
        for run in self.runs().await?.records.into_iter().rev().take(keep) {
            run.tables.values().for_each(&mut use_version);
        }
        let found = self.list("tables").await?;
        if let Some(since) = young_from {
            let young = found.iter().filter(|meta| SystemTime::from(meta.last_modified) > since);
            folders.extend(young.map(|meta| folder_of(meta.location.as_ref())));
        }
        let mut garbage = Garbage::default();
        let mut freed = BTreeSet::new();
        let mut unused = Vec::new();
        let mut holders = BTreeSet::new();
        for meta in found {
            let path = meta.location.to_string();
            let folder = folder_of(&path);
            if folders.contains(&folder) || files.contains(&path) {
                continue;
            }
            if let Some(holder) = collection.holder_of(&folder, &path) {
                holders.insert(holder);
                continue;
            }
            unused.push((!path.ends_with(COMPLETE), path, meta.size));
            freed.insert(folder);
        }
        // The mark of completeness goes first: half a version must not look like a whole one.
        unused.sort();
        for (_, path, bytes) in unused {
            collection.go_on().await?;
            self.store
                .delete(&Path::from(path.clone()))
                .await
                .map_err(|source| LakeError::Store { path, source })?;
            garbage.bytes += bytes;
        }
        if let Some(root) = &self.folder {
            for path in durable::left_behind(root) {
                // A holder of a lease may be writing it anew.
                let Ok(meta) = path.metadata() else { continue };
                let is_young = meta
                    .modified()
                    .is_ok_and(|time| time.elapsed().is_ok_and(|age| age < LEFT_BEHIND));
                if path.starts_with(root.join(LEASES)) && is_young {
                    continue;
                }
                let failed = |error| self.unflushed(&path.display().to_string(), error);
                std::fs::remove_file(&path).map_err(failed)?;
                garbage.bytes += meta.len();
                garbage.n_unfinished += 1;
            }
            for folder in &freed {
                // An empty folder left behind does no harm.
                let _ = std::fs::remove_dir(root.join(folder));
            }
        }
        garbage.versions = freed.into_iter().collect();
        garbage.holders = holders.into_iter().collect();
        Ok(garbage)
    }
}

fn lost(table: &str, file: &DataFile, found: String) -> LakeError {
    let (table, path) = (table.to_owned(), file.path.clone());
    LakeError::Lost { table, path, expected: file.bytes, found }
}

/// The store's error for a file of a folder.
fn unreadable(path: &std::path::Path, error: std::io::Error) -> object_store::Error {
    let (path, not_found) = (path.display().to_string(), error.kind() == ErrorKind::NotFound);
    let source = Box::new(error);
    match not_found {
        true => object_store::Error::NotFound { path, source },
        false => object_store::Error::Generic { store: "folder", source },
    }
}

/// Parts of a file.
fn local_ranges(
    path: &std::path::Path,
    ranges: &[Range<u64>],
) -> Result<Vec<Bytes>, object_store::Error> {
    let failed = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let get = |range: &Range<u64>| {
        let n = range.end - range.start;
        let mut bytes = spare::taken(usize::try_from(n).unwrap_or(0));
        file.seek(SeekFrom::Start(range.start))?;
        if file.by_ref().take(n).read_to_end(&mut bytes)? as u64 != n {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof));
        }
        Ok(spare::lent(bytes))
    };
    ranges.iter().map(get).collect::<Result<_, _>>().map_err(failed)
}

#[cfg(test)]
mod tests;
