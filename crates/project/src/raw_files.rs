//! The raw files that a pipeline names.

use crate::bounded;
use crate::paths::resolve_path;
use crate::sheets::SheetChoice;
use lake::{RemoteError, RemoteFile};
use std::path::{Component, Path, PathBuf};
use tokio::runtime::Runtime;

/// A raw file and its name in tables.
#[derive(Debug, Clone)]
pub struct RawFile {
    /// Its path from the pipeline's folder, without the steps that lead out of it: the same on every
    /// machine that has the same tree. Its URL, if it is on an object store.
    pub label: String,
    /// Where it is.
    pub place: Place,
    /// Which sheets of a workbook are read, each as a file of its own, if several are.
    pub sheets: Option<SheetChoice>,
}

impl RawFile {
    /// A file that is read as a whole, or, if it is a workbook, as one sheet.
    pub fn new(label: String, place: Place) -> Self {
        Self { label, place, sheets: None }
    }
}

/// Where a raw file is.
#[derive(Debug, Clone)]
pub enum Place {
    /// On this machine.
    Local(PathBuf),
    /// On an object store or a web server.
    Remote(RemoteFile),
}

/// Why raw files cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum RawFileError {
    /// What is wrong with what names them, or with one of them.
    #[error("{0}")]
    Pattern(String),
    /// The store refuses or fails.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// The name of an entry of a folder.
fn name_of(entry: &std::fs::DirEntry) -> Result<String, String> {
    entry.file_name().into_string().map_err(|name| {
        let folder = entry.path();
        let folder = folder.parent().unwrap_or(Path::new("")).display();
        format!(
            "the name {name:?} in `{folder}` is no UTF-8, so tables cannot hold it: rename the file"
        )
    })
}

/// The entries of a folder.
fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, String> {
    let failed = |error: std::io::Error| format!("failed to read `{}`: {error}", folder.display());
    std::fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map_err(failed)).collect()
}

/// A file as it is; of a folder, every file in it and below, but hidden ones.
fn within(path: PathBuf, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !path.is_dir() {
        found.push(path);
        return Ok(());
    }
    for entry in entries(&path)? {
        if !name_of(&entry)?.starts_with('.') {
            within(entry.path(), found)?;
        }
    }
    Ok(())
}

/// The paths below `folder` that match `parts`, one part a level, of which `**` stands for any number.
fn matching(
    folder: PathBuf,
    parts: &[Component<'_>],
    options: glob::MatchOptions,
    found: &mut Vec<PathBuf>,
) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        found.push(folder);
        return Ok(());
    };
    let text = part.as_os_str().to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        let path = folder.join(part);
        // A link to nothing is there, too.
        return match path.symlink_metadata() {
            Ok(_) => matching(path, rest, options, found),
            Err(_) => Ok(()),
        };
    }
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    if text == "**" {
        matching(folder.clone(), rest, options, found)?;
    }
    if !folder.is_dir() {
        return Ok(());
    }
    let pattern = glob::Pattern::new(&text).map_err(|error| error.to_string())?;
    for entry in entries(&folder)? {
        if text == "**" {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !is_hidden {
                name_of(&entry)?;
                matching(entry.path(), parts, options, found)?;
            }
        } else if pattern.matches_with(&entry.file_name().to_string_lossy(), options) {
            name_of(&entry)?;
            let path = entry.path();
            if rest.is_empty() || path.is_dir() {
                matching(path, rest, options, found)?;
            }
        }
    }
    Ok(())
}

/// The files that `pattern` names: a glob of paths from the folder of the file `pipeline`, or a URL.
///
/// # Errors
///
/// [`RawFileError`] if it names none, or what cannot be read as a file.
pub fn find(
    runtime: &Runtime,
    pipeline: &Path,
    pattern: &str,
) -> Result<Vec<RawFile>, RawFileError> {
    let bad = |error: &dyn std::fmt::Display| RawFileError::Pattern(error.to_string());
    let options = glob::MatchOptions {
        require_literal_leading_dot: true,
        require_literal_separator: true,
        ..Default::default()
    };
    let (shown, files) = if pattern.contains("://") {
        let glob = glob::Pattern::new(pattern).map_err(|error| bad(&error))?;
        let matches = |url: &str| glob.matches_with(url, options);
        let found = runtime.block_on(RemoteFile::find(pattern, matches))?;
        let file = |file: RemoteFile| RawFile::new(file.url().to_owned(), Place::Remote(file));
        (pattern.to_owned(), found.into_iter().map(file).collect::<Vec<_>>())
    } else {
        let pattern = resolve_path(pipeline, pattern);
        glob::Pattern::new(&pattern.to_string_lossy()).map_err(|error| bad(&error))?;
        let parts: Vec<_> = pattern.components().collect();
        let (mut matched, mut found) = (Vec::new(), Vec::new());
        matching(PathBuf::new(), &parts, options, &mut matched).map_err(|why| bad(&why))?;
        for path in matched {
            within(path, &mut found).map_err(|why| bad(&why))?;
        }
        for path in &found {
            bounded::is_regular(path)
                .map_err(|error| bad(&format!("`{}`: {error}", path.display())))?;
        }
        let file = |path: PathBuf| RawFile::new(label_of(pipeline, &path), Place::Local(path));
        (pattern.display().to_string(), found.into_iter().map(file).collect())
    };
    if files.is_empty() {
        return Err(bad(&format!("no file matches `{shown}`")));
    }
    Ok(files)
}

/// The name of the file at `path` in tables, for the pipeline in the file `pipeline`.
pub fn label_of(pipeline: &Path, path: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (folder, file) = (whole(pipeline), whole(path));
    let folder: Vec<_> = folder.parent().map(|p| p.components().collect()).unwrap_or_default();
    let parts: Vec<_> = file.components().collect();
    let n_shared = folder.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let label: Vec<_> =
        parts[n_shared..].iter().map(|part| part.as_os_str().to_string_lossy()).collect();
    label.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_name_the_machine() {
        let label = |pipeline: &str, path: &str| label_of(Path::new(pipeline), Path::new(path));
        assert_eq!(label("/home/a/p/pipelines/x.yaml", "/home/a/p/samples/y.csv"), "samples/y.csv");
        assert_eq!(label("pipelines/x.yaml", "samples/y.csv"), "samples/y.csv");
        assert_eq!(label("/home/a/x.yaml", "/home/a/raw/y.csv"), "raw/y.csv");
    }
}
