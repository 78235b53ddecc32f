//! Folders whose files outlast a power cut.
//!
//! What names a file is renamed into place only once the file is on the disk. An object store keeps
//! what it has taken. The operating system of a folder may keep it in memory for half a minute, and
//! write names before what they name. So the files of a version are flushed before its mark of
//! completeness, and that mark before a catalog that names it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Files that are on their way to the disk, by their paths below the root of the lake.
#[derive(Debug, Default)]
pub(crate) struct Flushes(Mutex<BTreeMap<String, JoinHandle<Result<()>>>>);

impl Flushes {
    /// Begins to flush a file that is written, while work goes on.
    pub(crate) fn begin(&self, root: &Path, path: &str) {
        // Without a runtime it is flushed when it is waited for.
        let Ok(runtime) = Handle::try_current() else { return };
        let file = root.join(path);
        let flush = runtime.spawn_blocking(move || flush(&file));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), flush);
    }

    /// Waits until a file is on the disk.
    pub(crate) async fn end(&self, root: &Path, path: &str) -> Result<()> {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        match begun {
            Some(begun) => begun.await.unwrap_or_else(|error| Err(std::io::Error::other(error))),
            None => flush(&root.join(path)),
        }
    }
}

/// Flushes a file.
fn flush(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Flushes the names in a folder.
pub(crate) fn flush_folder(path: &Path) -> Result<()> {
    // Other systems have no such thing.
    if cfg!(unix) { flush(path) } else { Ok(()) }
}

/// Where a file is while it is written. No listing of the lake shows this name, and nothing else
/// has it.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    name.push(format!("#{}{number:06}", std::process::id()));
    path.with_file_name(name)
}

/// Whether a file is one that was being written.
pub(crate) fn is_beside(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Puts a file in the place of what was there. After a power cut it is the one or the other, and
/// whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let new = beside(path);
    let written = File::create_new(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&new, path)) {
        // The error is told, and not what is left.
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    flush_folder(folder)
}

/// The files below `folder` that were being written when their program ended.
pub(crate) fn left_behind(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() && is_beside(&entry.file_name().to_string_lossy()) => {
                    found.push(entry.path());
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b.json");
        replace(&path, b"old").expect("written");
        replace(&path, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert!(left_behind(folder.path()).is_empty());
        let names = std::fs::read_dir(folder.path().join("a")).expect("a folder").count();
        assert_eq!(names, 1);
        // A folder in the way: what was begun is taken away again.
        std::fs::create_dir(folder.path().join("c")).expect("made");
        assert!(replace(&folder.path().join("c"), b"new").is_err());
        assert!(left_behind(folder.path()).is_empty());
    }

    #[test]
    fn what_was_being_written_is_known_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["part-00000.parquet#1", "version.json#17000001", "a#b", "a#", "#", "plain"] {
            std::fs::write(folder.path().join(name), "x").expect("written");
        }
        let found = left_behind(folder.path());
        let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["part-00000.parquet#1", "version.json#17000001"]);
    }
}
