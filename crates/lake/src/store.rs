//! A lake's root on an object store, and the objects below it.

use crate::durable::{self, Flushes};
use crate::error::{LakeError, unreadable};
use crate::pinned::PinnedStore;
use crate::prefix_store::PrefixStore;
use crate::remote;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::sync::Arc;

/// A lake: a root on an object store.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    /// The root as the user gave it.
    url: String,
    folder: Option<PathBuf>,
    /// Files that are on their way to the disk.
    pub(crate) flushes: Arc<Flushes>,
}

/// The schemes of object stores on which catalogs can be replaced on a condition.
const STORES: [&str; 6] = ["s3", "s3a", "gs", "az", "abfs", "abfss"];

impl Lake {
    /// Opens the lake at `url`: a folder (made if absent), a `file://` URL, a folder of an object
    /// store (`s3://`, `gs://`, `az://`), or `memory://`. Credentials come from the usual
    /// environment variables of the store.
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
                let store = Arc::new(PrefixStore::new(store, root));
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

    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, LakeError> {
        self.check_is_file(path)?;
        let store = |source| LakeError::Store { path: self.shown(path), source };
        self.store.get(&Path::from(path)).await.map_err(store)?.bytes().await.map_err(store)
    }

    /// What is no file, such as a pipe, is not opened: that may never end.
    pub(crate) fn check_is_file(&self, path: &str) -> Result<(), LakeError> {
        let Some(root) = &self.folder else { return Ok(()) };
        match root.join(path).metadata() {
            Ok(meta) if !meta.is_file() => Err(LakeError::NoFile { path: path.to_owned() }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn get_if_there(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
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
    pub(crate) async fn keep_json<T: Serialize>(
        &self,
        path: &str,
        value: &T,
    ) -> Result<(), LakeError> {
        let Some(root) = &self.folder else { return self.put_json(path, value).await };
        let text = serde_json::to_vec_pretty(value)
            .map_err(|source| LakeError::Json { path: self.shown(path), source })?;
        durable::replace(&root.join(path), &text).map_err(|error| self.unflushed(path, error))
    }

    pub(crate) fn unflushed(&self, path: &str, error: std::io::Error) -> LakeError {
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
            ) => Err(LakeError::Conflict(self.url.clone())),
            Err(source) => Err(LakeError::Store { path: self.shown(path), source }),
        }
    }

    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<ObjectMeta>, LakeError> {
        self.store
            .list(Some(&Path::from(folder)))
            .try_collect()
            .await
            .map_err(|source| LakeError::Store { path: folder.to_owned(), source })
    }
}
