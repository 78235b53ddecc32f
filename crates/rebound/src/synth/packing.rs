//! Files of records as they are, or packed.

use clap::ValueEnum;
use report::new_file::NewFile;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// How files of records are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Packing {
    /// Zstandard: files end with `.zst`.
    Zstd,
}

/// The level of zstd: files are written once, and hardly smaller at a level that takes longer.
const LEVEL: i32 = 1;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 18;

impl Packing {
    /// What the names of packed files end with.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Zstd => ".zst",
        }
    }
}

/// A file of records that is being written.
pub(super) enum RecordsFile {
    Plain(BufWriter<NewFile>),
    Zstd(BufWriter<zstd::Encoder<'static, NewFile>>),
}

impl RecordsFile {
    /// Begins the file at `path`.
    pub(super) fn create(path: &Path, packing: Option<Packing>) -> io::Result<Self> {
        let file = NewFile::create(path)?;
        Ok(match packing {
            None => Self::Plain(BufWriter::with_capacity(BUFFER, file)),
            Some(Packing::Zstd) => {
                let mut packed = zstd::Encoder::new(file, LEVEL)?;
                packed.include_checksum(true)?;
                Self::Zstd(BufWriter::with_capacity(BUFFER, packed))
            }
        })
    }

    /// Writes `bytes` behind what was written.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Zstd(file) => file.write_all(bytes),
        }
    }

    /// Puts the file where it was asked for.
    pub(super) fn keep(self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.into_inner()?.keep(),
            Self::Zstd(file) => file.into_inner()?.finish()?.keep(),
        }
    }
}
