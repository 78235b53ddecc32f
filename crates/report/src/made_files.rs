//! Files that a report made in a folder: those of figures that are no longer drawn are removed, and no
//! others.
//!
//! What was made is listed with its hashes, as `sha256sum` lists files. One that has another content
//! now is somebody else's.

use crate::error::ReportError;
use crate::new_file::NewFile;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The list, in the folder of the files.
const LIST: &str = "SHA256SUMS";

/// A file that was made: its name, and the hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MadeFile {
    name: String,
    hash: String,
}

impl MadeFile {
    /// One of this name with these bytes.
    pub(crate) fn new(name: String, bytes: &[u8]) -> Self {
        Self { name, hash: hash(bytes) }
    }

    /// That of a line of the list. What is no name of a file in the folder is none.
    fn of(line: &str) -> Option<Self> {
        let (hash, name) = line.split_once("  ")?;
        let is_plain = Path::new(name).file_name().is_some_and(|own| own == name);
        is_plain.then(|| Self { name: name.to_owned(), hash: hash.to_owned() })
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes a file, and gives its path.
pub(crate) fn put(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    match NewFile::write(&path, bytes) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

/// Lists what was made in a folder, and removes what was listed there before, is not made any more,
/// and is as it was made.
pub(crate) fn replace(folder: &Path, made: &[MadeFile]) -> Result<(), ReportError> {
    let list = folder.join(LIST);
    let names: BTreeSet<&str> = made.iter().map(|file| file.name.as_str()).collect();
    // Without a list nothing is known to be the report's.
    let before = std::fs::read_to_string(&list).unwrap_or_default();
    let gone = before.lines().filter_map(MadeFile::of);
    for file in gone.filter(|file| !names.contains(file.name.as_str())) {
        let path = folder.join(&file.name);
        let is_own = path.symlink_metadata().is_ok_and(|of| of.is_file())
            && std::fs::read(&path).is_ok_and(|bytes| hash(&bytes) == file.hash);
        if is_own {
            std::fs::remove_file(&path).map_err(|source| ReportError::Write { path, source })?;
        }
    }
    let mut sorted = made.to_vec();
    sorted.sort();
    let lines: String =
        sorted.iter().map(|MadeFile { name, hash }| format!("{hash}  {name}\n")).collect();
    put(list, lines.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_longer_made_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let make = |names: &[&str]| {
            let made: Vec<MadeFile> = names
                .iter()
                .map(|name| {
                    put(at(name), name.as_bytes()).expect("written");
                    MadeFile::new((*name).to_owned(), name.as_bytes())
                })
                .collect();
            replace(folder.path(), &made).expect("listed");
        };
        std::fs::write(at("mine.svg"), "mine").expect("written");
        make(&["a.svg", "b.svg", "c.svg"]);
        let listed = std::fs::read_to_string(at(LIST)).expect("a list");
        assert_eq!(listed.lines().count(), 3, "{listed}");
        std::fs::write(at("b.svg"), "changed by hand").expect("written");
        std::fs::write(at("c.svg"), "c.svg").expect("written");
        make(&["a.svg"]);
        let is_there = ["a.svg", "b.svg", "c.svg", "mine.svg"].map(|name| at(name).exists());
        assert_eq!(is_there, [true, true, false, true]);
    }

    #[test]
    fn a_list_names_files_of_its_folder_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("figures");
        std::fs::create_dir(&inner).expect("a folder");
        std::fs::write(folder.path().join("x"), "x").expect("written");
        let line = format!("{}  ../x\nno line\n{0}  ..\n", hash(b"x"));
        std::fs::write(inner.join(LIST), line).expect("written");
        replace(&inner, &[]).expect("listed");
        assert!(folder.path().join("x").exists());
    }
}
