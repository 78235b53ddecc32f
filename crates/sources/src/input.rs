//! Raw files of every form, as blocks of rows that can be worked on side by side.
//!
//! How a file is packed is seen from its first bytes: gzip, zstd, bzip2, xz, or a zip archive, each
//! of whose members is read as a file of its own. A text is cut after whole rows into blocks whose
//! size depends on the text alone.

mod block;
mod cells;
mod fault;
mod local;
mod packed;
mod parquet_blocks;
mod stata_blocks;
mod text_blocks;

pub use self::block::{Block, Buffers, Stored};
pub use self::cells::{as_decimals, texts, utf8_text, utf8_texts, with_mark, without_long_codes};
pub use self::fault::Unreadable;

use self::fault::text_of;
use self::local::Local;
use self::parquet_blocks::ParquetBlocks;
use self::stata_blocks::StataBlocks;
use self::text_blocks::{Names, TextBlocks};
use encoding_rs::Encoding;
use project::bounded;
use project::layout_file::FileFormat;
use project::raw_files::{Place, RawFile};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;
use trade::Dialect;

/// A raw file, or a member of an archive.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name in tables.
    pub label: String,
    file: Arc<Local>,
    /// The member, if the file is an archive.
    member: Option<usize>,
}

/// Reads the blocks of a file.
pub struct BlockReader {
    source: Source,
}

enum Source {
    Text(Box<TextBlocks>),
    Parquet(ParquetBlocks),
    Stata(StataBlocks),
}

impl std::fmt::Debug for BlockReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockReader").field("header", &self.header()).finish_non_exhaustive()
    }
}

/// The items of a file: itself, or the members of an archive in the order of their names.
///
/// # Errors
///
/// Why it cannot be read.
pub fn items(file: &RawFile, runtime: &Handle) -> Result<Vec<Item>, Unreadable> {
    let RawFile { label, place } = file;
    match place {
        Place::Local(path) => items_at(path, label),
        Place::Remote(remote) => {
            let file = Local::copy_of(remote.clone(), runtime.clone());
            // Nothing is copied before its turn.
            match remote.url().to_ascii_lowercase().ends_with(".zip") {
                true => members(file, label),
                false => Ok(vec![alone(file, label)]),
            }
        }
    }
}

/// The items of the file at `path`, as [`items`].
///
/// # Errors
///
/// As [`items`].
pub fn items_at(path: &Path, label: &str) -> Result<Vec<Item>, Unreadable> {
    let mut first = Vec::new();
    bounded::is_regular(path).map_err(text_of)?;
    File::open(path).and_then(|f| f.take(4).read_to_end(&mut first)).map_err(text_of)?;
    let file = Local::at(path);
    match packed::is_zip(&first) {
        true => members(file, label),
        false => Ok(vec![alone(file, label)]),
    }
}

/// A file that is no archive.
fn alone(file: Local, label: &str) -> Item {
    Item { label: label.to_owned(), file: Arc::new(file), member: None }
}

/// The members of an archive.
fn members(file: Local, label: &str) -> Result<Vec<Item>, Unreadable> {
    let file = Arc::new(file);
    let members = packed::members(file.path()?)?.into_iter();
    let item = |packed::Member { name, at }| Item {
        label: format!("{label}/{name}"),
        file: Arc::clone(&file),
        member: Some(at),
    };
    Ok(members.map(item).collect())
}

impl Item {
    /// The unpacked bytes.
    fn unpacked(&self) -> Result<Box<dyn Read + Send>, Unreadable> {
        let path = self.file.path()?;
        let packed: Box<dyn Read + Send> = match self.member {
            None => Box::new(File::open(path).map_err(text_of)?),
            Some(at) => packed::member(path, at)?,
        };
        Ok(packed::unpack(packed)?)
    }

    fn plain_path(&self, what: &str) -> Result<&Path, Unreadable> {
        match self.member {
            None => self.file.path(),
            Some(_) => {
                let why = format!("a {what} file inside an archive cannot be read");
                Err(format!("{why}: unpack it first").into())
            }
        }
    }

    /// Opens the file as `format` says.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(&self, format: &FileFormat, buffers: &Buffers) -> Result<BlockReader, Unreadable> {
        // A Parquet or Stata file is known by its first bytes, whatever form the layout expects.
        let mut first = Vec::new();
        File::open(self.file.path()?)
            .and_then(|file| file.take(11).read_to_end(&mut first))
            .map_err(text_of)?;
        let (FileFormat::Csv { encoding, .. }
        | FileFormat::Parquet { encoding }
        | FileFormat::Dta { encoding }) = *format;
        let found = match (first.as_slice(), format) {
            ([b'P', b'A', b'R', b'1', ..], _) => &FileFormat::Parquet { encoding },
            ([b'<', b's', b't', b'a', b't', b'a', b'_', b'd', b't', b'a', b'>'], _)
            | ([105..=115, 1 | 2, 1, 0, ..], _) => &FileFormat::Dta { encoding },
            (_, format) => format,
        };
        let source = match found {
            FileFormat::Csv { dialect, encoding, has_header } => {
                let names = if *has_header { Names::Header } else { Names::Numbers };
                let text = TextBlocks::open(self.unpacked()?, *dialect, encoding, names, buffers)?;
                Source::Text(Box::new(text))
            }
            FileFormat::Parquet { encoding } => {
                Source::Parquet(ParquetBlocks::open(self.plain_path("Parquet")?, encoding)?)
            }
            FileFormat::Dta { encoding } => {
                Source::Stata(StataBlocks::open(self.plain_path("Stata")?, encoding)?)
            }
        };
        Ok(BlockReader { source })
    }
}

impl BlockReader {
    /// Reads a delimited text with a header, plain or packed, in UTF-8 or what its byte order mark
    /// says.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_text(
        input: impl Read + Send + 'static,
        dialect: Dialect,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        let input = packed::unpack(Box::new(input))?;
        let text = TextBlocks::open(input, dialect, encoding_rs::UTF_8, Names::Header, buffers)?;
        Ok(Self { source: Source::Text(Box::new(text)) })
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        match &self.source {
            Source::Text(text) => &text.header,
            Source::Parquet(table) => table.header(),
            Source::Stata(table) => &table.header,
        }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn next_block(&mut self) -> Result<Option<Block>, String> {
        match &mut self.source {
            Source::Text(text) => text.next_block(),
            Source::Parquet(table) => table.next_block(),
            Source::Stata(table) => table.next_block(),
        }
    }

    /// The encoding of the blocks of a text.
    pub fn encoding(&self) -> &'static Encoding {
        match &self.source {
            Source::Text(text) => text.encoding,
            Source::Parquet(_) | Source::Stata(_) => encoding_rs::UTF_8,
        }
    }
}
