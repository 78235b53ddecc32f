//! How files are packed: members of zip archives, gzip, zstd, bzip2 and xz.

use super::fault::{text_of, unreadable};
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

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
            members.push(Member { name, at });
        }
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    // Names of other bytes may be the same characters.
    match members.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(repeated(&pair[0].name)),
        None => Ok(members),
    }
}

fn repeated(name: &str) -> String {
    format!(
        "two of its members have the name `{name}`: unpack it into files of different names, and name those instead"
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

fn open_zip(path: &Path) -> Result<zip::ZipArchive<BufReader<File>>, String> {
    let file = BufReader::new(File::open(path).map_err(text_of)?);
    zip::ZipArchive::new(file).map_err(|error| {
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

/// The bytes that are packed in `input`, by what its first bytes say.
pub(super) fn unpack(mut input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, String> {
    let mut first = Vec::new();
    input.by_ref().take(6).read_to_end(&mut first).map_err(unreadable)?;
    let whole = Cursor::new(first.clone()).chain(input);
    let damaged = |error: &dyn std::fmt::Display| {
        format!("its packed data are damaged or cut short ({error}); fetch it again")
    };
    Ok(match first.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::Decoder::new(whole).map_err(|error| damaged(&error))?)
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(BufReader::new(whole))),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(lzma_rust2::XzReader::new(BufReader::new(whole), true))
        }
        _ => Box::new(whole),
    })
}
