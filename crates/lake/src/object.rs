//! What a file of a version is written to: the store, and a hash of all that goes there.

use crate::fingerprint::ContentHash;
use crate::store::Lake;
use crate::version::TableVersion;
use bytes::Bytes;
use futures::future::BoxFuture;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::errors::{ParquetError, Result};
use std::fmt;

/// An object that is being written.
pub(crate) struct Object {
    lake: Lake,
    path: String,
    writer: BufWriter,
    hasher: blake3::Hasher,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Object {
    fn new(lake: Lake, path: String) -> Self {
        let writer = BufWriter::new(lake.store(), Path::from(path.as_str()));
        Self { lake, path, writer, hasher: blake3::Hasher::new() }
    }

    /// The file `name` of a version.
    pub(crate) fn of_version(lake: &Lake, version: &TableVersion, name: &str) -> Self {
        Self::new(lake.clone(), format!("{}/{name}", version.folder()))
    }

    /// Adds bytes.
    pub(crate) async fn put(&mut self, bytes: Bytes) -> object_store::Result<()> {
        self.hasher.update(&bytes);
        self.writer.put(bytes).await
    }

    /// Where it is below the root of the lake, now that it is complete, and the hash of what was
    /// written. It is on its way to the disk.
    pub(crate) fn written(self) -> (String, ContentHash) {
        self.lake.begin_flush(&self.path);
        (self.path, ContentHash::from(self.hasher.finalize()))
    }
}

impl AsyncFileWriter for Object {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<()>> {
        let external = |error| ParquetError::External(Box::new(error));
        Box::pin(async move { self.put(bytes).await.map_err(external) })
    }

    fn complete(&mut self) -> BoxFuture<'_, Result<()>> {
        self.writer.complete()
    }
}
