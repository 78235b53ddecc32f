//! Files that users asked for: each appears whole, or what was there before stays.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A file that is being written beside the one it will be.
#[derive(Debug)]
pub struct NewFile(Place);

#[derive(Debug)]
enum Place {
    /// To be renamed to the path.
    Beside(NamedTempFile, PathBuf),
    /// A pipe or a device, which is written to as it is.
    Itself(File, PathBuf),
}

impl NewFile {
    /// Begins the file at `path`. The file that is there stays until [`Self::keep`]; so does what a link points to.
    ///
    /// # Errors
    ///
    /// If the folder is not there or cannot be written, or `path` is one.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        // A link stays one, and goes to the new file.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let found = std::fs::metadata(&path).ok();
        if let Some(found) = &found
            && !found.is_file()
        {
            let file = File::options().write(true).open(&path)?;
            return Ok(Self(Place::Itself(file, path)));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".part");
        if let Some(permissions) = found.map_or_else(everyones, |found| Some(found.permissions())) {
            builder.permissions(permissions);
        }
        let file = builder.tempfile_in(folder.unwrap_or(Path::new("."))).map_err(without_name)?;
        Ok(Self(Place::Beside(file, path)))
    }

    /// Where it is until it is kept, for libraries that write to a path.
    pub fn path(&self) -> &Path {
        match &self.0 {
            Place::Beside(file, _) => file.path(),
            Place::Itself(_, path) => path,
        }
    }

    /// Where it will be.
    pub fn target(&self) -> &Path {
        match &self.0 {
            Place::Beside(_, path) | Place::Itself(_, path) => path,
        }
    }

    fn file(&mut self) -> &mut File {
        match &mut self.0 {
            Place::Beside(file, _) => file.as_file_mut(),
            Place::Itself(file, _) => file,
        }
    }

    /// Puts it where it was asked for, once it is on the disk.
    ///
    /// # Errors
    ///
    /// If it cannot be flushed or renamed: the file before is as it was.
    pub fn keep(self) -> std::io::Result<()> {
        match self.0 {
            Place::Beside(file, path) => {
                file.as_file().sync_all()?;
                file.persist(path)?;
                Ok(())
            }
            Place::Itself(mut file, _) => file.flush(),
        }
    }

    /// Writes all of `bytes` to the file at `path`, or leaves what was there.
    ///
    /// # Errors
    ///
    /// As of [`Self::create`], writing and [`Self::keep`].
    pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = Self::create(path)?;
        file.write_all(bytes)?;
        file.keep()
    }
}

/// An error of the folder, without the name that the file has meanwhile.
fn without_name(error: std::io::Error) -> std::io::Error {
    match error.kind() {
        kind @ ErrorKind::NotFound => std::io::Error::new(kind, "its folder is not there"),
        kind @ ErrorKind::PermissionDenied => {
            std::io::Error::new(kind, "its folder cannot be written")
        }
        _ => error,
    }
}

/// What a new file may be read by: everyone whom the user's mask lets.
fn everyones() -> Option<Permissions> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(Permissions::from_mode(0o666))
    }
    #[cfg(not(unix))]
    None
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file().flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let found = std::fs::read_dir(folder).expect("a folder");
        found.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        NewFile::write(&path, b"old").expect("written");
        let mut file = NewFile::create(&path).expect("begun");
        file.write_all(b"half").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"old");
        drop(file);
        assert_eq!(std::fs::read(&path).expect("there"), b"old");
        NewFile::write(&path, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_permissions_and_devices_stay_what_they_are() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        std::fs::write(&path, "old").expect("written");
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("set");
        symlink(&path, &link).expect("a link");
        NewFile::write(&link, b"new").expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert!(link.is_symlink());
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        NewFile::write(Path::new("/dev/null"), b"gone").expect("written");
        assert!(NewFile::write(folder.path(), b"x").is_err(), "a folder is no file");
        let error = NewFile::write(&folder.path().join("no/a.csv"), b"x").expect_err("no folder");
        assert_eq!(error.to_string(), "its folder is not there");
    }
}
