//! How files are packed: members of zip archives, gzip, zstd, bzip2 and xz.

use super::block::PIECE_BYTES;
use super::fault::{text_of, unreadable};
use super::words::named;
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use project::printable::printable;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// A member of an archive.
pub(super) struct Member {
    pub(super) name: String,
    /// Its place in the archive.
    pub(super) at: usize,
}

/// The members of the zip archive at `path`, in the order of their names.
pub(super) fn members(path: &Path) -> Result<Vec<Member>, String> {
    let mut archive = open_zip(path)?;
    // Its index keeps but the last member of a name.
    if archive.has_duplicate_names() {
        let mut directory = Vec::new();
        let mut file = File::open(path).map_err(text_of)?;
        file.seek(SeekFrom::Start(archive.central_directory_start())).map_err(text_of)?;
        file.read_to_end(&mut directory).map_err(text_of)?;
        if let Some(name) = repeated_name(&directory) {
            return Err(repeated(&name));
        }
    }
    let mut members: Vec<Member> = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(text_of)?;
        if member.is_file() {
            let name = member.name().map_err(text_of)?.into_owned();
            if !is_litter(&name) {
                members.push(Member { name, at });
            }
        }
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    // Names of other bytes may be the same characters.
    match members.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(repeated(&pair[0].name)),
        None => Ok(members),
    }
}

/// Whether a member is what macOS or Windows add to archives and folders beside what was packed.
fn is_litter(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    let file = parts.next_back().unwrap_or_default();
    let is_named = [".DS_Store", "Thumbs.db", "desktop.ini"]
        .iter()
        .any(|litter| file.eq_ignore_ascii_case(litter));
    is_named || file.starts_with("._") || parts.any(|folder| folder == "__MACOSX")
}

fn repeated(name: &str) -> String {
    format!(
        "two of its members have the name {}: unpack it into files of different names, and name \
         those instead",
        named(name)
    )
}

/// Bytes of an entry of a zip archive's directory before the member's name.
const ZIP_ENTRY: usize = 46;

/// The first name that stands twice in the directory of a zip archive. Folders may.
fn repeated_name(directory: &[u8]) -> Option<String> {
    let mut names = BTreeSet::new();
    let mut rest = directory;
    while let Some((entry, after)) = rest.split_first_chunk::<ZIP_ENTRY>()
        && entry.starts_with(b"PK\x01\x02")
    {
        // The sizes of the name, of what is added to it, and of a comment.
        let size = |at: usize| usize::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
        let name = after.get(..size(28))?;
        if !name.ends_with(b"/") && !names.insert(name) {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
        rest = after.get(size(28) + size(30) + size(32)..)?;
    }
    None
}

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether a file that begins with these bytes is packed so that [`unpack`] unpacks it.
pub(super) fn is_packed(first: &[u8]) -> bool {
    let marks: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0"];
    marks.iter().any(|mark| first.starts_with(mark))
}

fn open_zip(path: &Path) -> Result<zip::ZipArchive<BufReader<File>>, String> {
    let file = BufReader::new(File::open(path).map_err(text_of)?);
    zip::ZipArchive::new(file).map_err(|error| {
        let error = printable(&error.to_string(), 100);
        format!("its zip archive is damaged or cut short ({error}); fetch it again")
    })
}

/// A reader that compares what went through it with a checksum.
struct Checked<R> {
    input: R,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.crc.update(&buffer[..n]);
        if n == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(std::io::Error::other("the checksum is another"));
        }
        Ok(n)
    }
}

/// The bytes of the member at place `at` of the zip archive at `path`.
pub(super) fn member(path: &Path, at: usize) -> Result<Box<dyn Read + Send>, String> {
    let mut file = File::open(path).map_err(text_of)?;
    let mut archive = open_zip(path)?;
    let member = archive.by_index_raw(at).map_err(text_of)?;
    let start = member
        .data_start()
        .ok_or_else(|| "its zip archive does not say where members begin".to_owned())?;
    let (size, expected) = (member.compressed_size(), member.crc32());
    let method = member.compression();
    file.seek(SeekFrom::Start(start)).map_err(text_of)?;
    let data = BufReader::new(file).take(size);
    let crc = Crc::new();
    match method {
        zip::CompressionMethod::Stored => Ok(Box::new(Checked { input: data, crc, expected })),
        zip::CompressionMethod::Deflated => {
            Ok(Box::new(Checked { input: DeflateDecoder::new(data), crc, expected }))
        }
        other => {
            Err(format!("its zip archive is packed by {other}: expected deflate; pack it again"))
        }
    }
}

/// Layers of packing that are taken off: a file may have been packed again.
const MOST_LAYERS: usize = 4;

/// The bytes that are packed in `input`, by what its first bytes say, and those that are packed in
/// these.
pub(super) fn unpack(mut input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, String> {
    let damaged = |error: &dyn std::fmt::Display| {
        format!("its packed data are damaged or cut short ({error}); fetch it again")
    };
    for _ in 0..=MOST_LAYERS {
        let mut first = Vec::new();
        input.by_ref().take(6).read_to_end(&mut first).map_err(unreadable)?;
        let whole = Cursor::new(first.clone()).chain(input);
        input = match first.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Box::new(zstd::Decoder::new(whole).map_err(|error| damaged(&error))?)
            }
            [b'B', b'Z', b'h', ..] => {
                Box::new(bzip2::read::MultiBzDecoder::new(BufReader::new(whole)))
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                Box::new(lzma_rust2::XzReader::new(BufReader::new(whole), true))
            }
            _ => return Ok(Box::new(whole)),
        };
    }
    Err(format!("it is packed more than {MOST_LAYERS} times, each in the other: unpack it first"))
}

/// Writes what `input` gives to a temporary file, for forms in which one must go back and forth.
/// The file goes with the path that is given.
pub(super) fn to_temporary_file(mut input: Box<dyn Read + Send>) -> Result<TempPath, String> {
    let failed = |error: std::io::Error| {
        let folder = std::env::temp_dir();
        format!(
            "its unpacked copy cannot be written in `{}` ({error}): set TMPDIR to a folder with \
             room",
            folder.display()
        )
    };
    let mut file = NamedTempFile::new().map_err(failed)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => file.write_all(piece.get(..n).unwrap_or_default()).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    file.flush().map_err(failed)?;
    Ok(file.into_temp_path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    #[test]
    fn what_a_mac_adds_to_an_archive_is_left_alone() {
        let names = [
            "exports/2010.csv",
            "__MACOSX/exports/._2010.csv",
            "__MACOSX/2011.csv",
            "exports/.DS_Store",
            "exports/._x",
            "exports/Thumbs.db",
            "desktop.ini",
            "a.csv",
            "_b.csv",
        ];
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            archive.start_file(name, options).expect("a member");
            archive.write_all(b"x").expect("written");
        }
        let bytes = archive.finish().expect("an archive").into_inner();
        let path = to_temporary_file(Box::new(Cursor::new(bytes))).expect("a file");
        let found: Vec<String> =
            members(&path).expect("members").into_iter().map(|member| member.name).collect();
        assert_eq!(found, ["_b.csv", "a.csv", "exports/2010.csv"]);
    }

    #[test]
    fn a_copy_has_the_unpacked_bytes_and_goes_with_its_path() {
        let text = b"a,b\n".repeat(200_000);
        let packed = zstd::encode_all(&*text, 1).expect("packed");
        let unpacked = unpack(Box::new(Cursor::new(packed.clone()))).expect("a reader");
        let path = to_temporary_file(unpacked).expect("a file");
        assert_eq!(std::fs::read(&path).expect("readable"), text);
        let at = path.to_path_buf();
        drop(path);
        assert!(!at.exists());
        let cut = packed[..packed.len() - 4].to_vec();
        let unpacked = unpack(Box::new(Cursor::new(cut))).expect("a reader");
        let error = to_temporary_file(unpacked).expect_err("cut short");
        assert!(error.contains("damaged or cut short"), "{error}");
    }
}
