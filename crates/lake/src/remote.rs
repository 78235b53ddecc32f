//! Raw files on an object store or a web server, named by URLs.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use url::Url;

/// A remote file that cannot be found or read.
#[derive(Debug, thiserror::Error)]
#[error("failed to access `{url}`")]
pub struct RemoteError {
    /// What was asked for.
    pub url: String,
    /// The cause.
    #[source]
    pub source: RemoteFault,
}

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFault {
    /// It is no URL, or none of the stores'.
    #[error(
        "expected a URL such as s3://bucket/folder/*.csv.gz, gs://, az://, https:// or file://"
    )]
    Url,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// The copy cannot be written.
    #[error("failed to write a copy to the temporary folder `{}`", std::env::temp_dir().display())]
    Copy(#[source] std::io::Error),
}

/// The store that `url` names, with credentials from its usual environment variables, and the path there.
pub(crate) fn store_of(url: &Url) -> object_store::Result<(Arc<dyn ObjectStore>, Path)> {
    // A web server without TLS is asked for by name.
    let plain = (url.scheme() == "http").then(|| ("allow_http".to_owned(), "true".to_owned()));
    let (store, path) = object_store::parse_url_opts(url, std::env::vars().chain(plain))?;
    Ok((Arc::from(store), path))
}

/// A remote file as it was found.
#[derive(Clone)]
pub struct RemoteFile {
    url: String,
    state: String,
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl fmt::Debug for RemoteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteFile").field("url", &self.url).field("state", &self.state).finish()
    }
}

/// Size and version; without a version, when it was changed.
fn state(meta: &ObjectMeta) -> String {
    let version = meta.version.clone().or_else(|| meta.e_tag.clone());
    format!("{} {}", meta.size, version.unwrap_or_else(|| meta.last_modified.to_rfc3339()))
}

impl RemoteFile {
    /// The files that `pattern` names, in the order of their URLs: one file, or, if it has `*`, `?` or `[`, or ends
    /// with `/`, those below its fixed part whose URL `matches`. Credentials come from the store's usual
    /// environment variables.
    ///
    /// # Errors
    ///
    /// [`RemoteError`] if it is no URL, or the store refuses.
    pub async fn find(
        pattern: &str,
        matches: impl Fn(&str) -> bool,
    ) -> Result<Vec<Self>, RemoteError> {
        let failed = |source: RemoteFault| RemoteError { url: pattern.to_owned(), source };
        let start = pattern.find("://").map_or(0, |at| at + 3);
        let glob = pattern[start..].find(['*', '?', '[']).map(|at| start + at);
        let fixed = match glob {
            Some(at) => &pattern[..pattern[..at].rfind('/').map_or(at, |slash| slash + 1)],
            None => pattern,
        };
        let url = Url::parse(fixed).map_err(|_| failed(RemoteFault::Url))?;
        let (store, path) = store_of(&url).map_err(|error| match error {
            object_store::Error::Generic { .. } => failed(RemoteFault::Url),
            error => failed(error.into()),
        })?;
        if glob.is_none() && !fixed.ends_with('/') {
            let meta = store.head(&path).await.map_err(|error| failed(error.into()))?;
            let url = pattern.to_owned();
            return Ok(vec![Self { url, state: state(&meta), store, path }]);
        }
        let found: Vec<ObjectMeta> =
            store.list(Some(&path)).try_collect().await.map_err(|error| failed(error.into()))?;
        let root = path.as_ref();
        let mut files: Vec<Self> = found
            .into_iter()
            .filter_map(|meta| {
                let below = meta.location.as_ref().strip_prefix(root)?.trim_start_matches('/');
                let url = format!("{fixed}{below}");
                let is_hidden = below.split('/').any(|part| part.starts_with('.'));
                let is_asked = glob.is_none() || matches(&url);
                (is_asked && !is_hidden && !below.is_empty()).then(|| Self {
                    state: state(&meta),
                    store: Arc::clone(&store),
                    path: meta.location,
                    url,
                })
            })
            .collect();
        files.sort_by(|a, b| a.url.cmp(&b.url));
        Ok(files)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What tells whether it was changed: size and version.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// [`Self::state`] as it is now.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub async fn state_now(&self) -> Result<String, RemoteError> {
        let meta = self.store.head(&self.path).await.map_err(|error| self.failed(error.into()))?;
        Ok(state(&meta))
    }

    /// Copies it.
    ///
    /// # Errors
    ///
    /// [`RemoteError`].
    pub async fn copy_to(&self, into: &mut impl Write) -> Result<(), RemoteError> {
        let found = self.store.get(&self.path).await.map_err(|error| self.failed(error.into()))?;
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await.map_err(|error| self.failed(error.into()))? {
            into.write_all(&part).map_err(|error| self.failed(RemoteFault::Copy(error)))?;
        }
        into.flush().map_err(|error| self.failed(RemoteFault::Copy(error)))
    }

    fn failed(&self, source: RemoteFault) -> RemoteError {
        RemoteError { url: self.url.clone(), source }
    }
}
