//! Paths that files name.

use std::path::{Component, Path, PathBuf};

/// `path` as seen from the folder of `file`.
pub fn resolve_path(file: &Path, path: &str) -> PathBuf {
    if Path::new(path).is_absolute() {
        return PathBuf::from(path);
    }
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    // `pipelines/../samples` reads better, and labels better, as `samples`.
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let resolved =
            |path| resolve_path(Path::new("pipelines/a.yaml"), path).display().to_string();
        assert_eq!(resolved("../samples/x.csv"), "samples/x.csv");
        assert_eq!(resolved("sql"), "pipelines/sql");
        assert_eq!(resolved("../../other"), "../other");
        assert_eq!(resolved("/data/x"), "/data/x");
    }
}
