//! What a run reads is what was written: each file is hashed once in a run, before something is made from it, and again if it was
//! touched since.

use lake::{DataFile, FileState, Lake, LakeError, TableVersion};
use stages::Verify;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Runtime;

/// The files that this run has hashed.
#[derive(Debug)]
pub struct Verified<'a> {
    lake: &'a Lake,
    runtime: &'a Runtime,
    pool: &'a rayon::ThreadPool,
    states: Mutex<BTreeMap<String, FileState>>,
}

/// What becomes of files that were not hashed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum New {
    /// They are hashed.
    Hashed,
    /// They are looked at.
    Seen,
    LeftOut,
}

impl<'a> Verified<'a> {
    /// None yet.
    pub fn new(lake: &'a Lake, runtime: &'a Runtime, pool: &'a rayon::ThreadPool) -> Self {
        Self { lake, runtime, pool, states: Mutex::default() }
    }

    /// Looks at the files of a version that something is made from, before and after: hashes those that were not hashed yet, or that
    /// are not in the state in which they were.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if one is not what was written: the version is then to be made again.
    pub fn read(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.check(version, New::Hashed)
    }

    /// Looks whether the files of a version are there, as large as they should be; those that were hashed, as [`Self::read`] does.
    ///
    /// # Errors
    ///
    /// [`LakeError::Lost`] or [`LakeError::Damaged`] if one is not: the version is then to be made again.
    pub fn look(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.check(version, New::Seen)
    }

    /// Looks whether the files of a version that were hashed still are what they were then.
    ///
    /// # Errors
    ///
    /// As [`Self::look`].
    pub fn is_untouched(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.check(version, New::LeftOut)
    }

    /// Looks at the files of a version: hashes again those that are in another state than they were in.
    fn check(&self, version: &TableVersion, new: New) -> Result<(), LakeError> {
        let table = &version.table;
        // One file after the other: all threads hash it, and none may wait for another file meanwhile.
        let looked = self.pool.install(|| {
            let known: Vec<Option<FileState>> =
                version.files.iter().map(|file| self.state_of(file)).collect();
            let files = || version.files.iter().zip(&known);
            let asked: Vec<(&DataFile, &Option<FileState>)> =
                files().filter(|(_, known)| known.is_some() || new == New::Seen).collect();
            let of_asked: Vec<&DataFile> = asked.iter().map(|(file, _)| *file).collect();
            let now = self.runtime.handle().block_on(self.lake.verify_sizes(table, &of_asked))?;
            for ((file, known), now) in asked.iter().zip(&now) {
                if known.as_ref().is_some_and(|known| known != now) {
                    self.hash(table, file)?;
                }
            }
            let unknown = files().filter(|(_, known)| known.is_none() && new == New::Hashed);
            unknown.map(|(file, _)| file).try_for_each(|file| self.hash(table, file))
        });
        self.told(version, looked)
    }

    fn hash(&self, table: &str, file: &DataFile) -> Result<(), LakeError> {
        let hashed = self.lake.verify_content(self.runtime.handle(), table, file)?;
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(file.path.clone(), hashed);
        Ok(())
    }

    fn state_of(&self, file: &DataFile) -> Option<FileState> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.get(&file.path).cloned()
    }

    fn told(&self, version: &TableVersion, found: Result<(), LakeError>) -> Result<(), LakeError> {
        if let Err(LakeError::Lost { path, .. } | LakeError::Damaged { path, .. }) = &found {
            self.runtime.handle().block_on(self.lake.unmark_damaged(version, path))?;
        }
        found
    }
}

impl Verify for Verified<'_> {
    fn verify(&self, version: &TableVersion) -> Result<(), LakeError> {
        self.read(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::{ContentHash, Fingerprint};

    /// Files are hashed by all threads of a pool: one that waits for the others may take up what
    /// another asked for, which waits for the lake, too.
    #[test]
    fn tables_are_read_through_side_by_side() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(&folder.path().display().to_string()).expect("a lake");
        let versions: Vec<TableVersion> = (0..4_u8)
            .map(|at| {
                let path = format!("tables/t.{at}/all.parquet");
                let bytes = vec![at; 8 << 20];
                let file = folder.path().join(&path);
                std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
                std::fs::write(file, &bytes).expect("written");
                let hash = ContentHash::of_reader(&bytes[..]).expect("bytes");
                TableVersion {
                    table: format!("t.{at}"),
                    stage: "x".to_owned(),
                    fingerprint: Fingerprint::of(&[at]),
                    files: vec![DataFile::new(path, 1, bytes.len() as u64, hash)],
                    key: Vec::new(),
                    about: String::new(),
                    columns: Vec::new(),
                    metadata: BTreeMap::new(),
                    made_at: "now".to_owned(),
                }
            })
            .collect();
        let runtime = Runtime::new().expect("a runtime");
        let pool = crate::threads::pool(3, None).expect("threads");
        for _ in 0..10 {
            let verified = Verified::new(&lake, &runtime, &pool);
            std::thread::scope(|scope| {
                for version in &versions {
                    scope.spawn(|| verified.read(version).expect("as it was written"));
                }
            });
        }
    }
}
