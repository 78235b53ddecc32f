//! What files from outside are known by.

use super::error::RunError;
use crate::clock;
use lake::{FileRecord, Fingerprint};
use project::bounded;
use project::raw_files::{Place, RawFile};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What a file is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) hash: Fingerprint,
    /// Of a local file.
    pub(super) state: Option<State>,
}

impl Content {
    /// What later plans may go by.
    pub(super) fn record(&self) -> Option<FileRecord> {
        let state = self.state.as_ref().filter(|state| state.is_settled)?;
        Some(FileRecord { hash: self.hash.clone(), state: state.text.clone() })
    }
}

/// What the folder says of a file: as long as it stays, so does what is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Size, times of change and inode.
    pub(super) text: String,
    /// Whether the last change is so long ago that another would have another time.
    is_settled: bool,
}

/// Changes that come closer after each other may have the same time.
const SETTLED: Duration = Duration::from_secs(2);

impl State {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let modified = clock::since_epoch(meta.modified()?);
        #[cfg(unix)]
        let (changed, inode) = {
            use std::os::unix::fs::MetadataExt;
            // Unlike the other time, no copy or unpacking sets this one back.
            let seconds = Duration::from_secs(u64::try_from(meta.ctime()).unwrap_or(0));
            let nanos = Duration::from_nanos(u64::try_from(meta.ctime_nsec()).unwrap_or(0));
            (seconds + nanos, meta.ino())
        };
        #[cfg(not(unix))]
        let (changed, inode) = (modified, 0);
        let times = format!("{} {}", modified.as_nanos(), changed.as_nanos());
        Ok(Self {
            text: format!("{} bytes, {times}, {inode}", meta.len()),
            is_settled: modified.max(changed) < clock::since_epoch(clock::ago(SETTLED)),
        })
    }
}

/// Reads the file through, unless it is as it was `before`.
fn content_of_path(path: &Path, before: Option<&FileRecord>) -> Result<Content, RunError> {
    let content = || {
        bounded::is_regular(path)?;
        let state = State::of(path)?;
        let hash = match before {
            Some(before) if before.state == state.text => before.hash.clone(),
            _ => Fingerprint::of_reader(std::fs::File::open(path)?)?,
        };
        Ok(Content { hash, state: Some(state) })
    };
    content().map_err(|source| RunError::File { path: path.to_owned(), source })
}

/// What a raw file is known by; it is not read if it is as it was `before`.
pub(crate) fn content_of(file: &RawFile, before: Option<&FileRecord>) -> Result<Content, RunError> {
    match &file.place {
        Place::Local(path) => content_of_path(path, before),
        Place::Remote(file) => {
            Ok(Content { hash: Fingerprint::of(file.state().as_bytes()), state: None })
        }
    }
}

/// What each of `files` is known by, by its label; `before` is what the last runs found.
pub(super) fn contents<'f>(
    files: impl Iterator<Item = &'f RawFile>,
    before: &BTreeMap<String, FileRecord>,
) -> Result<BTreeMap<String, Content>, RunError> {
    let by_label: BTreeMap<&str, &RawFile> =
        files.map(|file| (file.label.as_str(), file)).collect();
    let content = |(label, file): (&str, &RawFile)| {
        Ok((label.to_owned(), content_of(file, before.get(label))?))
    };
    by_label.into_par_iter().map(content).collect()
}

/// Whether a file still is what it was when the run was planned.
pub(super) fn is_as_planned(
    runtime: &tokio::runtime::Runtime,
    file: &RawFile,
    planned: Option<&Content>,
) -> Result<bool, RunError> {
    match &file.place {
        Place::Local(path) => {
            let unreadable = |source| RunError::File { path: path.clone(), source };
            let Some(planned) = planned else { return Ok(false) };
            let state = State::of(path).map_err(unreadable)?;
            if planned.state.as_ref().is_some_and(|of| of.text == state.text) {
                return Ok(true);
            }
            let file = std::fs::File::open(path).map_err(unreadable)?;
            Ok(planned.hash == Fingerprint::of_reader(file).map_err(unreadable)?)
        }
        Place::Remote(remote) => {
            let state = runtime.block_on(remote.state_now());
            Ok(state.map_err(project::pipeline::PipelineError::from)? == remote.state())
        }
    }
}
