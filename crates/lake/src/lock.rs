//! One writer at a time.
//!
//! The lock is the operating system's, on a file of the lake's folder. It ends with the process
//! that holds it, however that ends. So a killed run leaves nothing to clean up.

use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// What it is doing.
    pub command: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the lake is in use by process {pid} (`{command}`, since {since})", pid = .0.pid, command = .0.command, since = .0.since)]
    Held(Holder),
    /// The lock file could not be used.
    #[error("failed to lock `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of the lake in `folder`, or says who holds it. Does not wait.
    ///
    /// # Errors
    ///
    /// [`LockError`] if it is held, or the file cannot be made or locked.
    pub fn try_take(folder: &Path, me: &Holder) -> Result<Self, LockError> {
        let path = folder.join(".lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        check_is_file(&path).map_err(io)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| serde_json::from_str(&text).ok())
                    .unwrap_or(Holder { pid: 0, command: "unknown".into(), since: "now".into() });
                return Err(LockError::Held(holder));
            }
        }
        let text = serde_json::to_vec(me).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&text))
            .map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// What is no file is not opened: a pipe may never be.
fn check_is_file(path: &Path) -> std::io::Result<()> {
    match path.symlink_metadata() {
        Ok(meta) if !meta.is_file() => {
            Err(std::io::Error::other(format!("`{}` is no file: remove it", path.display())))
        }
        _ => Ok(()),
    }
}

/// The lock that a collection of garbage holds in a folder while it is at work. Of one that was
/// killed only its mark is left.
#[derive(Debug)]
pub(crate) struct CollectionLock {
    _file: File,
}

const COLLECTION: &str = ".gc.lock";

impl CollectionLock {
    /// Takes the lock, if no other collection has it.
    pub(crate) fn try_take(folder: &Path) -> std::io::Result<Option<Self>> {
        let path = folder.join(COLLECTION);
        check_is_file(&path)?;
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        Ok(match file.try_lock() {
            Ok(()) => Some(Self { _file: file }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => return Err(error),
        })
    }

    /// Whether a collection has it.
    pub(crate) fn is_held(folder: &Path) -> std::io::Result<bool> {
        check_is_file(&folder.join(COLLECTION))?;
        let file = match File::open(folder.join(COLLECTION)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_writer_is_told_who_is_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let me = Holder { pid: 7, command: "rebound run".into(), since: "today".into() };
        let first = Lock::try_take(folder.path(), &me).expect("free");
        match Lock::try_take(folder.path(), &me) {
            Err(LockError::Held(holder)) => assert_eq!(holder, me),
            other => panic!("{other:?}"),
        }
        drop(first);
        Lock::try_take(folder.path(), &me).expect("free again");
    }
}
