//! Files of this machine, and copies on it of others.

use super::fault::Unreadable;
use lake::{RemoteError, RemoteFault, RemoteFile};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempPath;
use tokio::runtime::Handle;

/// A file of this machine, or a copy on it, made when it is first read and removed with its last
/// item.
pub(super) struct Local {
    origin: Origin,
    copy: OnceLock<Result<TempPath, Unreadable>>,
}

/// Where the bytes of a file are.
#[derive(Debug)]
enum Origin {
    Path(PathBuf),
    /// Unpacked on this machine.
    Copy(TempPath),
    /// On a store, asked for in this runtime.
    Remote(RemoteFile, Handle),
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Local {
    /// The file at `path`.
    pub(super) fn at(path: &Path) -> Self {
        Self { origin: Origin::Path(path.to_owned()), copy: OnceLock::new() }
    }

    /// An unpacked copy, which goes with its last item.
    pub(super) fn of_copy(path: TempPath) -> Self {
        Self { origin: Origin::Copy(path), copy: OnceLock::new() }
    }

    /// A copy of `file`, which is not made yet.
    pub(super) fn copy_of(file: RemoteFile, runtime: Handle) -> Self {
        Self { origin: Origin::Remote(file, runtime), copy: OnceLock::new() }
    }

    /// Where it is on this machine.
    pub(super) fn path(&self) -> Result<&Path, Unreadable> {
        let (remote, runtime) = match &self.origin {
            Origin::Path(path) => return Ok(path),
            Origin::Copy(path) => return Ok(path),
            Origin::Remote(remote, runtime) => (remote, runtime),
        };
        let copy = || {
            let failed = |error| RemoteError { url: remote.url().to_owned(), source: error };
            let copied = tempfile::NamedTempFile::new()
                .map_err(|error| failed(RemoteFault::Copy(error)))
                .and_then(|mut file| {
                    runtime.block_on(remote.copy_to(&mut file))?;
                    Ok(file.into_temp_path())
                });
            copied.map_err(Unreadable::from)
        };
        self.copy.get_or_init(copy).as_deref().map_err(Clone::clone)
    }
}
