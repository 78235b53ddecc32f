//! Where the lines of earlier shells over a lake are kept.

use lake::Lake;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Characters of a file's name; systems have room for 255.
const LONGEST: usize = 200;

/// The file of a lake, in the user's state folder, which is made if it is not there. `None` if it cannot be.
pub(super) fn file(lake: &Lake) -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let state = state.filter(|path| path.is_absolute()).or_else(home)?;
    let folder = state.join("rebound").join("sql");
    make(&folder).ok()?;
    let place = match lake.folder() {
        Some(path) => path.canonicalize().ok()?.display().to_string(),
        None => lake.url().to_owned(),
    };
    Some(folder.join(file_name(&place)))
}

/// Makes a folder that only the user can read.
fn make(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A name of a file for a folder or URL. Of long ones the end tells them apart.
fn file_name(place: &str) -> String {
    let mut name = String::new();
    for byte in place.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            other => {
                let _ = write!(name, "%{other:02X}");
            }
        }
    }
    // All of it is ASCII.
    name.split_off(name.len().saturating_sub(LONGEST)) + ".history"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_has_a_file_name_of_its_own() {
        assert_eq!(file_name("/data/lake_1"), "%2Fdata%2Flake_1.history");
        assert_eq!(file_name("s3://b/ä"), "s3%3A%2F%2Fb%2F%C3%A4.history");
        let long = file_name(&"/very-long".repeat(100));
        assert!(long.len() < 255 && long.ends_with("very-long.history"), "{long}");
    }
}
