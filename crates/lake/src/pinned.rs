//! A lake's store for SQL, in which each file of a version is what the version says, or reading it
//! fails.
//!
//! DataFusion lists the files of a table when it plans. A file that is gone is not in the list, and
//! a table without files has no rows. Here a file is said to be there as its version has it,
//! without asking. So the reading fails when it is not.
//!
//! DataFusion reads files in the order of their paths, and a version has them in that of its key. So
//! each file has a path here that begins with its place in the version.

use crate::error::LakeError;
use crate::version::{DataFile, TableVersion};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

/// A file that a version names.
#[derive(Debug)]
struct Pin {
    table: String,
    path: String,
    /// Where it is in the lake.
    location: Path,
    bytes: u64,
    /// Whether it was seen to be as large as it should be.
    is_seen: AtomicBool,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct PinnedStore {
    store: Arc<dyn ObjectStore>,
    pins: Arc<RwLock<BTreeMap<Path, Arc<Pin>>>>,
}

impl PinnedStore {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, pins: Arc::default() }
    }

    /// Makes the files of a version known, and gives the path that each has here.
    pub fn pin(&self, version: &TableVersion) -> Vec<String> {
        let mut pins = self.pins.write().unwrap_or_else(PoisonError::into_inner);
        let mut paths = Vec::with_capacity(version.files.len());
        for (place, DataFile { path, bytes, .. }) in version.files.iter().enumerate() {
            let pin = Pin {
                table: version.table.clone(),
                path: path.clone(),
                location: Path::from(path.as_str()),
                bytes: *bytes,
                is_seen: AtomicBool::new(false),
            };
            let here = format!("{place:08}/{path}");
            pins.insert(Path::from(here.as_str()), Arc::new(pin));
            paths.push(here);
        }
        paths
    }

    fn pin_of(&self, location: &Path) -> Option<Arc<Pin>> {
        self.pins.read().unwrap_or_else(PoisonError::into_inner).get(location).cloned()
    }
}

impl Pin {
    fn lost(&self, found: String) -> Error {
        let (table, path) = (self.table.clone(), self.path.clone());
        let source = Box::new(LakeError::Lost { table, path, expected: self.bytes, found });
        Error::Generic { store: "lake", source }
    }

    /// Says of a file that is gone which it was.
    fn told(&self, error: Error) -> Error {
        match error {
            Error::NotFound { .. } => self.lost("gone".to_owned()),
            error => error,
        }
    }

    /// Looks once whether the file is as large as it should be.
    async fn see(&self, store: &dyn ObjectStore) -> Result<()> {
        match self.is_seen.load(Ordering::Relaxed) {
            true => Ok(()),
            false => {
                let found = store.head(&self.location).await.map_err(|error| self.told(error))?;
                self.has_size(found.size)
            }
        }
    }

    /// Whether a size is the one that the file should have.
    fn has_size(&self, bytes: u64) -> Result<()> {
        if bytes != self.bytes {
            return Err(self.lost(format!("{bytes} bytes")));
        }
        self.is_seen.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What is wrong with a file that was not given: that it is shorter than what was asked for, if
    /// it is.
    async fn why(&self, store: &dyn ObjectStore, error: Error) -> Error {
        match self.told(error) {
            error if matches!(error, Error::Generic { store: "lake", .. }) => error,
            error => self.see(store).await.err().unwrap_or(error),
        }
    }

    fn meta(&self, location: &Path) -> ObjectMeta {
        ObjectMeta {
            location: location.clone(),
            last_modified: SystemTime::UNIX_EPOCH.into(),
            size: self.bytes,
            e_tag: None,
            version: None,
        }
    }
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for PinnedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(pin) = self.pin_of(location) else {
            return self.store.get_opts(location, options).await;
        };
        if options.head {
            let meta = pin.meta(location);
            return Ok(GetResult {
                range: 0..meta.size,
                payload: GetResultPayload::Stream(Box::pin(futures::stream::empty())),
                attributes: object_store::Attributes::default(),
                meta,
            });
        }
        // The answer says how large the whole is: nothing else has to be asked.
        match self.store.get_opts(&pin.location, options).await {
            Ok(found) => pin.has_size(found.meta.size).map(|()| found),
            Err(error) => Err(pin.why(&*self.store, error).await),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(pin) = self.pin_of(location) else {
            return self.store.get_ranges(location, ranges).await;
        };
        pin.see(&*self.store).await?;
        self.store.get_ranges(&pin.location, ranges).await.map_err(|error| pin.told(error))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
