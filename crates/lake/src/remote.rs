//! Raw files on an object store or a web server, named by URLs.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
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

/// Times that a store may stop sending before anything more has come.
const TRIES: u32 = 8;

/// How long is waited after the first of them; after each other twice as long.
const PAUSE: Duration = Duration::from_millis(100);

impl RemoteError {
    /// Whether whoever named the file is at fault, and not its store or this machine.
    pub fn is_users(&self) -> bool {
        use object_store::Error;
        match &self.source {
            RemoteFault::Url | RemoteFault::Changed { .. } => true,
            RemoteFault::Store(error @ Error::Generic { .. }) => is_refused(error),
            RemoteFault::Store(error) => {
                !matches!(error, Error::JoinError { .. } | Error::Precondition { .. })
            }
            RemoteFault::Cut { .. } | RemoteFault::Copy(_) => false,
        }
    }
}

/// Whether the store answered that what was asked for cannot be had, such as a file of a bucket
/// that is not there. object_store has no type for this: it is in the text alone.
pub(crate) fn is_refused(error: &object_store::Error) -> bool {
    let text = error.to_string();
    let status = text.split("non-2xx status code: ").nth(1).unwrap_or_default();
    status.starts_with('4') && !status.starts_with("408") && !status.starts_with("429")
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
    /// It is not what it was when it was found.
    #[error(
        "it changed while it was copied ({found}, before {before}): run again when it is at rest"
    )]
    Changed {
        /// Its state then.
        before: String,
        /// Its state now.
        found: String,
    },
    /// The store stopped sending, again and again.
    #[error("the store sent {sent} of {size} bytes and then no more, {TRIES} times in a row")]
    Cut {
        /// Bytes that came.
        sent: u64,
        /// Bytes that it has.
        size: u64,
        /// What went wrong last, if the store said.
        #[source]
        source: Option<Box<object_store::Error>>,
    },
    /// The copy cannot be written.
    #[error("failed to write a copy to the temporary folder `{}`", std::env::temp_dir().display())]
    Copy(#[source] std::io::Error),
}

/// The store that `url` names, with credentials from its usual environment variables, and the path
/// there.
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

/// Size and tag. Without a tag it is the version, or the time of the last change. The listings of a
/// store have no versions.
fn state(meta: &ObjectMeta) -> String {
    let version = meta.e_tag.clone().or_else(|| meta.version.clone());
    format!("{} {}", meta.size, version.unwrap_or_else(|| meta.last_modified.to_rfc3339()))
}

/// A copy that is being made.
struct Copy<'w, W> {
    into: &'w mut W,
    /// Bytes written.
    sent: u64,
    /// Bytes that the file has; 0 as long as the store has not said.
    size: u64,
    /// [`state`] of what was copied first.
    state: Option<String>,
    /// Whether the store gives the rest of a file.
    takes_ranges: bool,
}

impl RemoteFile {
    /// The files that `pattern` names, in the order of their URLs. It names one file, unless it has
    /// `*`, `?` or `[`, or ends with `/`. Then it names those below its fixed part whose URL
    /// `matches`. Credentials come from the usual environment variables of the store.
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

    /// Copies it. Where the store stops sending, it is asked for the rest.
    ///
    /// # Errors
    ///
    /// [`RemoteError`], if it cannot be read to its end, or changes meanwhile.
    pub async fn copy_to(&self, into: &mut impl Write) -> Result<(), RemoteError> {
        let mut copy = Copy { into, sent: 0, size: 0, state: None, takes_ranges: true };
        let mut n_failed = 0;
        loop {
            let before = copy.sent;
            let failed = match self.copy_rest(&mut copy).await {
                Ok(()) if copy.sent == copy.size => break,
                Ok(()) => None,
                Err(RemoteFault::Store(error @ object_store::Error::Generic { .. }))
                    if copy.size > 0 =>
                {
                    Some(error)
                }
                Err(RemoteFault::Store(object_store::Error::NotSupported { .. }))
                    if copy.takes_ranges && copy.sent > 0 =>
                {
                    copy.takes_ranges = false;
                    continue;
                }
                Err(error) => return Err(self.failed(error)),
            };
            n_failed = if copy.sent > before { 1 } else { n_failed + 1 };
            if n_failed > TRIES {
                let Copy { sent, size, .. } = copy;
                return Err(self.failed(RemoteFault::Cut {
                    sent,
                    size,
                    source: failed.map(Box::new),
                }));
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(n_failed - 1)).await;
        }
        copy.into.flush().map_err(|error| self.failed(RemoteFault::Copy(error)))
    }

    /// Copies what is not copied yet, until the store stops sending.
    async fn copy_rest<W: Write>(&self, copy: &mut Copy<'_, W>) -> Result<(), RemoteFault> {
        // Without ranges the store sends it from its start.
        let mut n_known = if copy.takes_ranges { 0 } else { copy.sent };
        let is_rest = copy.takes_ranges && copy.sent > 0;
        let range = is_rest.then_some(GetRange::Offset(copy.sent));
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.store.get_opts(&self.path, options).await?;
        let found_state = state(&found.meta);
        let before = copy.state.get_or_insert_with(|| found_state.clone());
        if *before != found_state {
            return Err(RemoteFault::Changed { before: before.clone(), found: found_state });
        }
        copy.size = found.meta.size;
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await? {
            let skipped = part.len().min(usize::try_from(n_known).unwrap_or(usize::MAX));
            n_known -= skipped as u64;
            let part = &part[skipped..];
            copy.into.write_all(part).map_err(RemoteFault::Copy)?;
            copy.sent += part.len() as u64;
        }
        Ok(())
    }

    fn failed(&self, source: RemoteFault) -> RemoteError {
        RemoteError { url: self.url.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_at_fault_is_seen_from_the_answer() {
        let of = |text: &str| {
            let source = object_store::Error::Generic { store: "S3", source: text.into() };
            RemoteError { url: "s3://a/b".into(), source: source.into() }.is_users()
        };
        assert!(of("Server returned non-2xx status code: 404 Not Found: <?xml"));
        assert!(of("Server returned non-2xx status code: 400 Bad Request: <?xml"));
        assert!(!of("Server returned non-2xx status code: 429 Too Many Requests: "));
        assert!(!of("Server returned non-2xx status code: 503 Service Unavailable: "));
        assert!(!of("error reading a body from connection: end of file"));
    }
}
