//! What a file may be and how much of it may be held: a regular file, in rows that fit into memory.

use crate::suggest::suggest;
use memchr::{memchr2, memrchr2};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Bytes that are read at a time; no smaller row is too long.
const PIECE_BYTES: usize = 256 << 10;

/// How long a row may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLimit {
    /// In MiB.
    pub mib: usize,
    /// The setting that says so, if there is one.
    pub setting: Option<&'static str>,
}

impl Default for RowLimit {
    fn default() -> Self {
        Self { mib: 64, setting: None }
    }
}

impl RowLimit {
    /// In bytes.
    pub fn bytes(self) -> usize {
        self.mib << 20
    }
}

/// A row that is longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a row of more than {mib} MiB{limit}: expected rows that end with LF, CRLF or CR; the file is damaged, or no text", mib = .0.mib,
    limit = .0.setting.map(|setting| format!(" (`{setting}`)")).unwrap_or_default()
)]
pub struct LongRow(pub RowLimit);

/// A reader of text that fails with [`LongRow`] before it gives more of a row than is allowed.
#[derive(Debug)]
pub struct BoundedRows<R> {
    input: R,
    limit: RowLimit,
    /// Bytes since the last end of a row.
    n: usize,
}

impl<R: Read> BoundedRows<R> {
    /// The same text.
    pub fn new(input: R, limit: RowLimit) -> Self {
        Self { input, limit, n: 0 }
    }
}

impl<R: Read> Read for BoundedRows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let room = buffer.len().min(PIECE_BYTES);
        let n = self.input.read(&mut buffer[..room])?;
        let piece = &buffer[..n];
        // Rows that begin and end in one piece are short.
        let longest = match (memchr2(b'\n', b'\r', piece), memrchr2(b'\n', b'\r', piece)) {
            (Some(first), Some(last)) => {
                let before = self.n + first;
                self.n = n - last - 1;
                before
            }
            _ => {
                self.n += n;
                self.n
            }
        };
        match longest > self.limit.bytes() {
            true => Err(Error::other(LongRow(self.limit))),
            false => Ok(n),
        }
    }
}

/// The [`LongRow`] that a reader failed with, if it did.
pub fn long_row(error: &Error) -> Option<LongRow> {
    error.get_ref()?.downcast_ref::<LongRow>().copied()
}

/// The error of a file that is not there, with the one in its folder that may be meant.
fn missing(path: &Path, error: Error) -> Error {
    let named = path.file_name().filter(|_| error.kind() == ErrorKind::NotFound);
    let (Some(name), Some(folder)) = (named, path.parent()) else { return error };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(others) = folder.read_dir() else { return error };
    let others = others.flatten().map(|other| other.file_name().to_string_lossy().into_owned());
    let others: Vec<String> = others.collect();
    let meant = suggest(&name.to_string_lossy(), others.iter().map(String::as_str));
    if meant.is_empty() { error } else { Error::new(error.kind(), format!("no such file{meant}")) }
}

/// Looks whether there is a regular file at `path`, which can be read from its start more than once.
///
/// # Errors
///
/// What there is instead, and what to do.
pub fn is_regular(path: &Path) -> Result<()> {
    let kind = path.metadata().map_err(|error| missing(path, error))?.file_type();
    if kind.is_file() {
        return Ok(());
    }
    #[cfg(unix)]
    let special = {
        use std::os::unix::fs::FileTypeExt;
        [
            (kind.is_fifo(), "a pipe"),
            (kind.is_socket(), "a socket"),
            (kind.is_char_device() || kind.is_block_device(), "a device"),
        ]
    };
    #[cfg(not(unix))]
    let special = [];
    let special = special.into_iter().find_map(|(is, name)| is.then_some(name));
    let what = special.unwrap_or(if kind.is_dir() { "a folder" } else { "no regular file" });
    Err(Error::other(format!("it is {what}, which cannot be read twice: write it to a file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: RowLimit = RowLimit { mib: 1, setting: Some("ingest.max_row_mib") };

    /// Bytes that were read, and the error after them.
    fn read(text: &[u8]) -> (usize, Option<LongRow>) {
        let mut rows = BoundedRows::new(text, LIMIT);
        let (mut buffer, mut n) = (vec![0; 3 << 20], 0);
        loop {
            match rows.read(&mut buffer) {
                Ok(0) => return (n, None),
                Ok(more) => n += more,
                Err(error) => return (n, long_row(&error)),
            }
        }
    }

    #[test]
    fn a_row_may_have_as_many_bytes_as_the_limit_says() {
        for end in [b'\n', b'\r'] {
            let row = |n: usize| [vec![b'x'; n], vec![end]].concat();
            let whole = [row(1 << 20), row(1 << 20), row(3), vec![b'y'; 1 << 20]].concat();
            assert_eq!(read(&whole), (whole.len(), None));
            let long = [row(5), row((1 << 20) + 1), row(5)].concat();
            let (n, error) = read(&long);
            assert_eq!(error, Some(LongRow(LIMIT)));
            assert!(n <= 6 + (1 << 20), "{n}");
        }
    }

    #[test]
    fn memory_is_not_spent_on_a_row_without_an_end() {
        let mut rows = BoundedRows::new(std::io::repeat(0), LIMIT);
        let mut held = Vec::new();
        let error = rows.read_to_end(&mut held).expect_err("without an end");
        assert!(held.capacity() <= 4 << 20, "{}", held.capacity());
        let expected = "a row of more than 1 MiB (`ingest.max_row_mib`): expected rows that end with LF, CRLF or CR; the file is \
                        damaged, or no text";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let is = |path: &Path| is_regular(path).expect_err("no file").to_string();
        assert!(is(folder.path()).starts_with("it is a folder"));
        #[cfg(unix)]
        assert!(is(Path::new("/dev/null")).starts_with("it is a device"));
        let file = folder.path().join("x");
        std::fs::write(&file, "x").expect("written");
        is_regular(&file).expect("a file");
    }

    #[test]
    fn what_is_missing_is_told_with_what_may_be_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("australia.yaml"), "x").expect("written");
        let is = |name: &str| is_regular(&folder.path().join(name)).expect_err("no file");
        assert_eq!(is("austrlia.yml").to_string(), "no such file (did you mean `australia.yaml`?)");
        assert_eq!(is("austrlia.yml").kind(), ErrorKind::NotFound);
        assert!(!is("parana.yaml").to_string().contains("mean"));
        assert!(!is("no/australia.yaml").to_string().contains("mean"));
    }
}
