//! Raw files of every form, as blocks of rows that can be worked on side by side.
//!
//! How a file is packed is seen from its first bytes: gzip, zstd, bzip2, xz, or a zip archive, each
//! of whose members is read as a file of its own. A text is cut after whole rows into blocks whose
//! size depends on the text alone.

mod arrow_blocks;
mod block;
mod cells;
mod coded;
mod eurostat_blocks;
mod excel_blocks;
mod fault;
mod json_blocks;
mod json_scanner;
mod local;
mod magic;
mod packed;
mod parquet_blocks;
mod shaped;
mod sheet;
mod sheets;
mod sniff;
mod stata_blocks;
mod text_blocks;
mod words;

pub use self::block::{Block, Buffers, Frame, Stored};
pub use self::cells::{
    as_decimal, as_decimals, decode, decoded_text, decoded_texts, marked, texts, utf8_text,
    utf8_texts, with_mark, without_long_code, without_long_codes,
};
pub use self::coded::{Coded, coded, row_hashes};
pub use self::fault::Unreadable;
pub use self::sheets::Columns;

#[cfg(test)]
pub(crate) use self::excel_blocks::tests as excel_tests;

use self::arrow_blocks::ArrowBlocks;
use self::eurostat_blocks::EurostatBlocks;
use self::excel_blocks::ExcelBlocks;
use self::fault::{caught, text_of};
use self::json_blocks::JsonBlocks;
use self::local::Local;
use self::magic::{Magic, NoTable};
use self::parquet_blocks::ParquetBlocks;
use self::shaped::ShapedBlocks;
use self::sheets::OwnSheet;
use self::stata_blocks::StataBlocks;
use self::text_blocks::TextBlocks;
use encoding_rs::Encoding;
use project::bounded;
use project::raw_files::{Place, RawFile};
use project::read_options::{ColumnType, Form, ReadOptions};
use project::sheets::SheetChoice;
use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempPath;
use tokio::runtime::Handle;
use trade::shape::Shape;

/// A raw file, a member of an archive, or a sheet of several that are read as one table.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name in tables.
    pub label: String,
    file: Arc<Local>,
    /// The member, if the file is an archive.
    member: Option<usize>,
    /// The sheet, if several are read.
    sheet: Option<OwnSheet>,
}

/// Reads the blocks of a file.
pub struct BlockReader {
    source: Source,
    /// What the file was taken for, in words.
    seen: String,
    /// A block that was looked at and put back.
    ahead: Option<Block>,
    /// A copy of what was packed, which goes when it was read.
    _copy: Option<TempPath>,
}

enum Source {
    Text(Box<TextBlocks>),
    Eurostat(Box<EurostatBlocks>),
    Excel(Box<ExcelBlocks>),
    Json(Box<JsonBlocks>),
    Parquet(Box<ParquetBlocks>),
    Arrow(Box<ArrowBlocks>),
    Stata(Box<StataBlocks>),
    Shaped(Box<ShapedBlocks>),
}

/// How a file is read.
#[derive(Clone, Copy)]
struct Told<'o> {
    options: &'o ReadOptions,
    /// Which of its lines are rows, if that is told.
    shape: Option<&'o Arc<Shape>>,
    buffers: &'o Buffers,
}

impl Source {
    /// Opens a file of a form in which one must go back and forth.
    fn at(path: &Path, form: Form, told: Told<'_>) -> Result<Self, String> {
        let Told { options, shape, buffers } = told;
        if let Some(shape) = shape {
            let blocks = match form {
                Form::Excel => ShapedBlocks::of_workbook(path, options, shape, buffers)?,
                _ => {
                    let mut table = Self::at(path, form, Told { shape: None, ..told })?;
                    let (names, seen) = (table.header().to_vec(), table.words().to_owned());
                    let blocks = Box::new(move || table.next_block());
                    ShapedBlocks::of_table(form, names, seen, blocks, shape, buffers)?
                }
            };
            return Ok(Self::Shaped(Box::new(blocks)));
        }
        let encoding = options.encoding.map_or(encoding_rs::UTF_8, |told| told.0);
        Ok(match form {
            Form::Excel => Self::Excel(Box::new(caught(|| ExcelBlocks::open(path, options))?)),
            Form::Json => Self::Json(Box::new(JsonBlocks::open(path, options)?)),
            Form::Parquet => {
                Self::Parquet(Box::new(caught(|| ParquetBlocks::open(path, encoding))?))
            }
            Form::Arrow => Self::Arrow(Box::new(caught(|| ArrowBlocks::open(path, options))?)),
            Form::Dta => {
                Self::Stata(Box::new(caught(|| StataBlocks::open(path, encoding, options))?))
            }
            Form::Csv | Form::Eurostat => {
                return Err(format!("{} is read from its start", form.name()));
            }
        })
    }

    fn form(&self) -> Form {
        match self {
            Self::Text(_) => Form::Csv,
            Self::Eurostat(_) => Form::Eurostat,
            Self::Excel(_) => Form::Excel,
            Self::Json(_) => Form::Json,
            Self::Parquet(_) => Form::Parquet,
            Self::Arrow(_) => Form::Arrow,
            Self::Stata(_) => Form::Dta,
            Self::Shaped(rows) => rows.form,
        }
    }

    /// What it was taken for, beside its form.
    fn words(&self) -> &str {
        match self {
            Self::Text(text) => &text.seen,
            Self::Eurostat(table) => &table.seen,
            Self::Excel(table) => &table.seen,
            Self::Json(table) => &table.seen,
            Self::Parquet(table) => &table.seen,
            Self::Arrow(table) => &table.seen,
            Self::Stata(table) => &table.seen,
            Self::Shaped(rows) => &rows.seen,
        }
    }

    fn header(&self) -> &[String] {
        match self {
            Self::Text(text) => &text.header,
            Self::Eurostat(table) => &table.header,
            Self::Excel(table) => &table.header,
            Self::Json(table) => &table.header,
            Self::Parquet(table) => table.header(),
            Self::Arrow(table) => &table.header,
            Self::Stata(table) => &table.header,
            Self::Shaped(rows) => &rows.header,
        }
    }

    fn next_block(&mut self) -> Result<Option<Block>, String> {
        match self {
            Self::Text(text) => text.next_block(),
            Self::Eurostat(table) => table.next_block(),
            Self::Excel(table) => table.next_block(),
            Self::Json(table) => table.next_block(),
            Self::Parquet(table) => caught(|| table.next_block()),
            Self::Arrow(table) => caught(|| table.next_block()),
            Self::Stata(table) => caught(|| table.next_block()),
            Self::Shaped(rows) => rows.next_block(),
        }
    }

    fn seen(&self) -> String {
        let (form, seen) = (self.form(), self.words());
        match seen.is_empty() {
            true => form.name().to_owned(),
            false => format!("{}: {seen}", form.name()),
        }
    }
}

/// The form of what begins so, as far as it is one in which one must go back and forth.
fn seekable(magic: Magic, told: Option<Form>) -> Option<Form> {
    match (magic, told) {
        (Magic::Parquet, _) => Some(Form::Parquet),
        (Magic::Arrow, _) => Some(Form::Arrow),
        (Magic::Stata, _) => Some(Form::Dta),
        (Magic::Xls | Magic::ZipWorkbook, _) => Some(Form::Excel),
        (Magic::Json, None) => Some(Form::Json),
        (_, Some(Form::Csv | Form::Eurostat) | None) => None,
        (_, told) => told,
    }
}

impl std::fmt::Debug for BlockReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockReader").field("header", &self.header()).finish_non_exhaustive()
    }
}

/// The items of a file: itself, or the members of an archive in the order of their names; of
/// workbooks the sheets, if several are read.
///
/// # Errors
///
/// Why it cannot be read.
pub fn items(file: &RawFile, runtime: &Handle) -> Result<Vec<Item>, Unreadable> {
    let RawFile { label, place, sheets } = file;
    let items = match place {
        Place::Local(path) => items_at(path, label),
        Place::Remote(remote) => {
            let file = Local::copy_of(remote.clone(), runtime.clone());
            // Nothing is copied before its turn.
            match remote.url().to_ascii_lowercase().ends_with(".zip") {
                true => members(file, label),
                false => Ok(vec![alone(file, label)]),
            }
        }
    };
    by_sheet(items?, sheets.as_ref())
}

/// The items of the file at `path`, as [`items`].
///
/// # Errors
///
/// As [`items`].
pub fn items_at(path: &Path, label: &str) -> Result<Vec<Item>, Unreadable> {
    bounded::is_regular(path).map_err(text_of)?;
    let file = Local::at(path);
    match Magic::of_file(path)? {
        Magic::Zip => members(file, label),
        _ => Ok(vec![alone(file, label)]),
    }
}

/// A file that is no archive.
fn alone(file: Local, label: &str) -> Item {
    Item { label: label.to_owned(), file: Arc::new(file), member: None, sheet: None }
}

/// The sheets of workbooks that are read, each as an item of its own; the items as they are if
/// nobody says which sheets are.
///
/// # Errors
///
/// If an item is no workbook, or has no such sheet.
pub fn by_sheet(items: Vec<Item>, choice: Option<&SheetChoice>) -> Result<Vec<Item>, Unreadable> {
    let Some(choice) = choice else { return Ok(items) };
    let is_alone = items.len() == 1;
    let mut sheets = Vec::new();
    for item in items {
        let found = sheets_of(&item, choice).map_err(|error| match is_alone {
            true => error,
            // A member of an archive is named.
            false => error.within(&item.label),
        });
        sheets.extend(found?);
    }
    Ok(sheets)
}

/// The sheets of a workbook that are read.
fn sheets_of(item: &Item, choice: &SheetChoice) -> Result<Vec<Item>, Unreadable> {
    let is_workbook = |file: &Local| {
        let magic = Magic::of_file(file.path()?)?;
        Ok::<_, Unreadable>(matches!(magic, Magic::Xls | Magic::ZipWorkbook))
    };
    // What is packed is unpacked once for all sheets.
    let file = match item.member.is_none() && is_workbook(&item.file)? {
        true => Arc::clone(&item.file),
        false => Arc::new(Local::of_copy(packed::to_temporary_file(item.unpacked()?)?)),
    };
    if !is_workbook(&file)? {
        let why = format!(
            "it is no workbook, and the layout reads sheets of one (`excel.sheets`: {choice}): \
             leave the key out, or give the file a layout of its own"
        );
        return Err(why.into());
    }
    let path = file.path()?;
    let names = caught(|| excel_blocks::sheets_of(path, choice))?;
    let sheet = |sheet: OwnSheet| Item {
        label: sheet.label.clone(),
        file: Arc::clone(&file),
        member: None,
        sheet: Some(sheet),
    };
    Ok(OwnSheet::all(&item.label, names)?.into_iter().map(sheet).collect())
}

/// The members of an archive.
fn members(file: Local, label: &str) -> Result<Vec<Item>, Unreadable> {
    let file = Arc::new(file);
    let members = packed::members(file.path()?)?.into_iter();
    let item = |packed::Member { name, at }| Item {
        label: format!("{label}/{name}"),
        file: Arc::clone(&file),
        member: Some(at),
        sheet: None,
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

    /// Opens the file: as `options` tell, and as it looks. A Parquet, Arrow or Stata file and a
    /// workbook are known by their first bytes, whatever form is told.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(
        &self,
        options: &ReadOptions,
        buffers: &Buffers,
    ) -> Result<BlockReader, Unreadable> {
        self.open_as(Told { options: &self.own(options), shape: None, buffers })
    }

    /// Opens the file, as [`Self::open`], for the rows that `shape` tells from its other lines.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and if the file is not as `shape` says.
    pub fn open_shaped(
        &self,
        options: &ReadOptions,
        shape: &Arc<Shape>,
        buffers: &Buffers,
    ) -> Result<BlockReader, Unreadable> {
        self.open_as(Told { options: &self.own(options), shape: Some(shape), buffers })
    }

    /// How it is read: as `options` tell, and from its own sheet if it is one of several.
    fn own<'o>(&self, options: &'o ReadOptions) -> Cow<'o, ReadOptions> {
        match &self.sheet {
            None => Cow::Borrowed(options),
            Some(sheet) => Cow::Owned(sheet.options(options)),
        }
    }

    /// Refuses a sheet with other columns than the first of those that are read as one table, whose
    /// header `open` gives.
    ///
    /// # Errors
    ///
    /// How its header differs.
    pub fn check_columns(
        &self,
        header: &[String],
        columns: Columns,
        open: impl FnOnce(&Self) -> Result<Vec<String>, Unreadable>,
    ) -> Result<(), String> {
        let Some(sheet) = &self.sheet else { return Ok(()) };
        let of = |sheet: OwnSheet| Self {
            label: sheet.label.clone(),
            file: Arc::clone(&self.file),
            member: None,
            sheet: Some(sheet),
        };
        sheet.check(header, columns, |first| open(&of(first)).ok())
    }

    fn open_as(&self, told: Told<'_>) -> Result<BlockReader, Unreadable> {
        let reader = self.opened(told)?;
        let asked = told.options.types.0.iter().find(|(_, kind)| **kind == ColumnType::Label);
        let is_stata = matches!(reader.source, Source::Stata(_));
        match asked {
            Some((name, _)) if !is_stata => Err(format!(
                "column {}: only Stata files have value labels, and it was taken for {} (`types`)",
                words::named(name),
                reader.seen
            )
            .into()),
            _ => Ok(reader),
        }
    }

    fn opened(&self, told: Told<'_>) -> Result<BlockReader, Unreadable> {
        let Told { options, shape, buffers } = told;
        let path = self.file.path()?;
        // What is not known as it stands may be packed.
        if self.member.is_none()
            && let Some(magic) = Some(Magic::of_file(path)?).filter(|found| *found != Magic::Other)
            && let Some(form) = seekable(magic, options.form)
        {
            return Ok(BlockReader::new(Source::at(path, form, told)?, None));
        }
        let mut input = self.unpacked()?;
        let mut first = Vec::new();
        input.by_ref().take(magic::LOOKED_AT).read_to_end(&mut first).map_err(fault::unreadable)?;
        let magic = Magic::of(&first);
        let whole = Cursor::new(first).chain(input);
        if magic == Magic::Zip || seekable(magic, options.form).is_some() {
            let copy = packed::to_temporary_file(Box::new(whole))?;
            let form = seekable(Magic::of_file(&copy)?, options.form)
                .ok_or_else(|| "it is an archive within another: unpack it first".to_owned())?;
            return Ok(BlockReader::new(Source::at(&copy, form, told)?, Some(copy)));
        }
        // Bytes in an encoding that was told are what it says.
        let is_told = options.encoding.is_some() || options.form == Some(Form::Csv);
        let is_refused = !is_told || magic != Magic::NoTable(NoTable::Binary);
        if let Some(why) = magic::refusal(magic, &self.label).filter(|_| is_refused) {
            return Err(why.into());
        }
        let is_eurostat =
            matches!((magic, options.form), (_, Some(Form::Eurostat)) | (Magic::Eurostat, None));
        let source = match shape {
            Some(_) if is_eurostat => {
                return Err(shaped::no_effect("rows", Form::Eurostat).into());
            }
            Some(shape) => {
                let rows = ShapedBlocks::of_text(Box::new(whole), options, shape, buffers)?;
                Source::Shaped(Box::new(rows))
            }
            None if is_eurostat => {
                let table = EurostatBlocks::open(Box::new(whole), buffers.limit)?;
                Source::Eurostat(Box::new(table))
            }
            None => Source::Text(Box::new(TextBlocks::open(Box::new(whole), options, buffers)?)),
        };
        Ok(BlockReader::new(source, None))
    }
}

impl BlockReader {
    /// Reads a delimited text with a header, plain or packed.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_text(
        input: impl Read + Send + 'static,
        options: &ReadOptions,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        let input = packed::unpack(Box::new(input))?;
        let text = TextBlocks::open(input, options, buffers)?;
        Ok(Self::new(Source::Text(Box::new(text)), None))
    }

    /// Reads rows that are in memory.
    ///
    /// # Errors
    ///
    /// If none of their columns can be read.
    pub fn of_frame(frame: &Frame, options: &ReadOptions) -> Result<Self, String> {
        let blocks = ArrowBlocks::of_frame(frame, options)?;
        let seen = match blocks.seen.as_str() {
            "" => "a frame".to_owned(),
            left_out => format!("a frame: {left_out}"),
        };
        Ok(Self { seen, ..Self::new(Source::Arrow(Box::new(blocks)), None) })
    }

    fn new(source: Source, copy: Option<TempPath>) -> Self {
        Self { seen: source.seen(), source, ahead: None, _copy: copy }
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        self.source.header()
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn next_block(&mut self) -> Result<Option<Block>, String> {
        cancel::check();
        if let Some(block) = self.ahead.take() {
            return Ok(Some(block));
        }
        self.source.next_block()
    }

    /// Puts the block back that was read last: it is the next one again.
    pub fn put_back(&mut self, block: Block) {
        self.ahead = Some(block);
    }

    /// What the file was taken for, in words.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// Which columns are left out as their cells are lists or maps, in words.
    pub fn left_out(&self) -> Option<&str> {
        let words = match &self.source {
            Source::Parquet(blocks) => &blocks.seen,
            Source::Arrow(blocks) => &blocks.seen,
            _ => return None,
        };
        (!words.is_empty()).then_some(words.as_str())
    }

    /// Whether rows end with a delimiter that the header lacks.
    pub fn has_trailing_delimiter(&self) -> bool {
        matches!(&self.source, Source::Text(text) if text.has_trailing)
    }

    /// Whether notes may stand below the rows, in their first column.
    pub fn may_have_notes(&self) -> bool {
        matches!(&self.source, Source::Excel(_))
    }

    /// The sheet of a workbook that is read, and the others that have cells.
    pub fn sheets(&self) -> Option<(&str, &[String])> {
        match &self.source {
            Source::Excel(table) => Some((&table.sheet, &table.others)),
            _ => None,
        }
    }

    /// The encoding of the blocks of a text.
    pub fn encoding(&self) -> &'static Encoding {
        match &self.source {
            Source::Text(text) => text.encoding,
            _ => encoding_rs::UTF_8,
        }
    }
}
