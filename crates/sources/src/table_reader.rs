//! Tables from elsewhere, row by row, in any form that [`input`] reads.
//!
//! What programs read differently is a fault of its row: a quote that does not close, a CR within
//! the row, other columns than the header has. Notes below the table are no rows of it.

use crate::input::{self, Block, BlockReader, Buffers, Frame, Item, Stored};
use arrow::array::{Array, StringArray};
use foldhash::fast::FixedState;
use project::printable::printable;
use project::read_options::ReadOptions;
use project::suggest::suggest;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::path::Path;
use trade::number::{NumberFormat, NumberSample};
use trade::text::{self, Rows};

/// Rows that are looked at to see how numbers are written.
const SAMPLE_ROWS: usize = 10_000;

/// Rows that are remembered to find those that are repeated.
const MOST_REMEMBERED: usize = 4 << 20;

/// Whole numbers above it that are stored in single precision may have been others.
pub const EXACT_SINGLES: f64 = 16_777_216.0;

/// Characters of a note that are shown.
const NOTE_CHARACTERS: usize = 60;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a line of a text, counted from 1.
    Line(u64),
    /// Among the rows of a table, counted from 1.
    Row(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Something is wrong in a row.
    #[error("{place}: {why}")]
    Row {
        /// Where it stands.
        place: Place,
        /// What is wrong.
        why: String,
    },
    /// The file is at fault.
    #[error("{0}")]
    File(String),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::File(why)
    }
}

/// The cells of a row.
#[derive(Debug, Clone, Copy)]
enum Cells<'r> {
    Fields(&'r [Cow<'r, [u8]>]),
    /// A row of columns.
    Columns(&'r [StringArray], usize),
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    cells: Cells<'r>,
    is_repeated: bool,
}

impl<'r> Row<'r> {
    /// Whether a row before it was the same to the last field, where [that is
    /// asked](TableReader::find_repeated).
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// The text in the column at `place`, without white space around it; empty for none.
    ///
    /// # Errors
    ///
    /// If it is no UTF-8.
    ///
    /// # Panics
    ///
    /// If the header has no such place.
    pub fn text(&self, place: usize) -> Result<&'r str, String> {
        let text = match self.cells {
            Cells::Fields(fields) => std::str::from_utf8(&fields[place]).map_err(|_| {
                "its bytes are no UTF-8: say the encoding of the file (`encoding`)".to_owned()
            })?,
            Cells::Columns(columns, row) if columns[place].is_valid(row) => {
                columns[place].value(row)
            }
            Cells::Columns(..) => "",
        };
        Ok(text.trim())
    }
}

/// Whether empty lines stand before a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Before,
}

/// Rows that hold but a note, which may stand below a table.
#[derive(Debug, Default)]
struct Notes {
    first: Option<(Place, String)>,
    n: u64,
}

/// Reads the rows of a table.
#[derive(Debug)]
pub struct TableReader {
    blocks: BlockReader,
    options: ReadOptions,
    notes: Notes,
    /// The rows so far, if those are asked for that are repeated.
    repeats: Option<Repeats>,
    /// The places of columns whose cells are codes.
    codes: Vec<usize>,
}

/// Rows that were met, by their hash, as far as they are remembered.
#[derive(Debug, Default)]
#[expect(clippy::disallowed_types, reason = "asked only whether it has a number")]
struct Repeats(std::collections::HashSet<u64, FixedState>);

impl Repeats {
    /// Whether the row with these fields was met before.
    fn is_met<'t>(&mut self, fields: impl Iterator<Item = &'t [u8]>) -> bool {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        for field in fields {
            hasher.write(field);
            hasher.write_u8(0xff);
        }
        self.is_hash_met(hasher.finish())
    }

    /// Whether a row with this hash was met before.
    fn is_hash_met(&mut self, hash: u64) -> bool {
        match self.0.len() < MOST_REMEMBERED {
            true => !self.0.insert(hash),
            false => self.0.contains(&hash),
        }
    }
}

impl TableReader {
    /// Opens the table at `path`.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, String> {
        let items = input::items_at(path, &path.display().to_string());
        let items = items.map_err(|error| error.to_string())?;
        match &items[..] {
            [item] => Self::of_item(item, options),
            [] => Err("its archive has no files in it".to_owned()),
            _ => Err(format!("it holds {} files: unpack it, and name one", items.len())),
        }
    }

    /// Opens a file, or a member of an archive.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_item(item: &Item, options: &ReadOptions) -> Result<Self, String> {
        let blocks = item.open(options, &Buffers::default()).map_err(|error| error.to_string())?;
        blocks.header().iter().try_for_each(|name| check_name(name))?;
        Ok(Self::of_blocks(blocks, options))
    }

    /// Reads a text, plain or packed.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_text(
        input: impl Read + Send + 'static,
        options: &ReadOptions,
    ) -> Result<Self, String> {
        Ok(Self::of_blocks(BlockReader::of_text(input, options, &Buffers::default())?, options))
    }

    /// Reads rows that are in memory.
    ///
    /// # Errors
    ///
    /// If none of their columns can be read.
    pub fn of_frame(frame: &Frame, options: &ReadOptions) -> Result<Self, String> {
        Ok(Self::of_blocks(BlockReader::of_frame(frame, options)?, options))
    }

    fn of_blocks(blocks: BlockReader, options: &ReadOptions) -> Self {
        let (options, notes) = (options.clone(), Notes::default());
        Self { blocks, options, notes, repeats: None, codes: Vec::new() }
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        self.blocks.header()
    }

    /// What the file was taken for, in words.
    pub fn seen(&self) -> &str {
        self.blocks.seen()
    }

    /// Which columns are left out as their cells are lists or maps, in words.
    pub fn left_out(&self) -> Option<&str> {
        self.blocks.left_out()
    }

    /// How it is read, as it was told.
    pub fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// The place of the column `name`.
    ///
    /// # Errors
    ///
    /// If the header has none, or several, of that name.
    pub fn place(&self, name: &str) -> Result<usize, String> {
        place(self.header(), name)
    }

    /// Finds rows that are repeated, also those of a table before: members of one archive.
    pub fn find_repeated(&mut self, before: Option<Self>) {
        let before = before.and_then(|before| before.repeats);
        self.repeats = before.or_else(|| self.repeats.take()).or_else(|| Some(Repeats::default()));
    }

    /// Takes the cells of the columns at `places` as codes: one that is stored in single precision,
    /// and may be another code's number, is refused.
    pub fn take_as_codes(&mut self, places: impl IntoIterator<Item = usize>) {
        self.codes = places.into_iter().collect();
    }

    /// Whether the rows of a block are those of a table, without notes below them.
    pub fn is_of_columns(&self, block: &Block) -> bool {
        matches!(block, Block::Table { .. }) && !self.blocks.may_have_notes()
    }

    /// Whether a row with this [hash](input::row_hashes) was met before, where [that is
    /// asked](Self::find_repeated).
    pub fn is_met(&mut self, hash: u64) -> bool {
        self.repeats.as_mut().is_some_and(|met| met.is_hash_met(hash))
    }

    /// Refuses codes of a block that are stored in single precision and have more digits than that
    /// holds.
    ///
    /// # Errors
    ///
    /// [`Fault::Row`] with the first one.
    pub fn check_codes(&self, block: &Block) -> Result<(), Fault> {
        let Block::Table { rows, row: first, stored } = block else { return Ok(()) };
        for &at in self.codes.iter().filter(|&&at| stored.get(at) == Some(&Stored::Single)) {
            let name = &self.header()[at];
            let texts = input::utf8_text(name, rows.column(at), *first)?;
            let is_long = |text: Option<&str>| {
                let number = text.and_then(|text| text.parse::<f64>().ok());
                number.is_some_and(|number| number.abs() > EXACT_SINGLES)
            };
            if let Some(row) = texts.iter().position(is_long) {
                let why = format!(
                    "column `{}`: {} is a number of single precision, which other codes may have \
                     become too: write the column as text, or in double precision",
                    printable(name, NOTE_CHARACTERS),
                    texts.value(row)
                );
                return Err(Fault::Row { place: Place::Row(*first + row as u64), why });
            }
        }
        Ok(())
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn next_block(&mut self) -> Result<Option<Block>, String> {
        self.blocks.next_block()
    }

    /// How the numbers in the columns at `places` are written: as it was told, and as the first
    /// rows show. Those that are stored as numbers have a decimal point, whatever was told.
    ///
    /// # Errors
    ///
    /// If they can be read in two ways, or the rows cannot be read.
    pub fn numbers(&mut self, places: &[usize]) -> Result<NumberFormat, String> {
        let (mut sample, mut others) = (NumberSample::default(), NumberSample::default());
        if let Some(block) = self.next_block()? {
            if places.iter().all(|place| is_stored_number(&block, *place)) {
                self.blocks.put_back(block);
                return Ok(NumberFormat::default());
            }
            let mut n_rows = 0;
            let mut notes = Notes::default();
            // No more of a table is made texts than is looked at.
            let first = match &block {
                Block::Table { rows, row, stored } => Some(Block::Table {
                    rows: rows.slice(0, rows.num_rows().min(SAMPLE_ROWS)),
                    row: *row,
                    stored: stored.clone(),
                }),
                _ => None,
            };
            let looked_at = first.as_ref().unwrap_or(&block);
            // What is wrong in a row is told when it is read.
            let _ = self.rows_of(looked_at, &mut notes, &mut None, &mut |row: &Row<'_>| {
                n_rows += 1;
                if n_rows > SAMPLE_ROWS {
                    return Err(String::new());
                }
                for place in 0..self.header().len() {
                    let text = row.text(place)?;
                    match places.contains(&place) {
                        _ if text.is_empty() || self.options.is_missing_number(text) => {}
                        true => sample.add(text),
                        false => others.add(text),
                    }
                }
                Ok(())
            });
            self.blocks.put_back(block);
        }
        let columns: Vec<&str> = places.iter().map(|&at| self.header()[at].trim()).collect();
        let columns = printable(&columns.join(", "), NOTE_CHARACTERS);
        let format = self.options.number_format(&sample, &others);
        let format = format.map_err(|error| format!("column `{columns}`: {error}"))?;
        if let Some(cell) = self.options.unclear_point(&sample, format) {
            warn_of_point(&columns, cell);
        }
        Ok(format)
    }

    /// Calls `each` on every row that is left; what it says is wrong is an error with the place.
    ///
    /// # Errors
    ///
    /// [`Fault`], naming the line or row where there is one.
    pub fn each(
        &mut self,
        mut each: impl FnMut(&Row<'_>) -> Result<(), String>,
    ) -> Result<(), Fault> {
        while let Some(block) = self.next_block()? {
            self.each_of(&block, &mut each)?;
        }
        self.end();
        Ok(())
    }

    /// Calls `each` on every row of a block, as [`TableReader::each`].
    ///
    /// # Errors
    ///
    /// As [`TableReader::each`].
    pub fn each_of(
        &mut self,
        block: &Block,
        mut each: impl FnMut(&Row<'_>) -> Result<(), String>,
    ) -> Result<(), Fault> {
        let mut notes = std::mem::take(&mut self.notes);
        let mut repeats = std::mem::take(&mut self.repeats);
        let done = self.rows_of(block, &mut notes, &mut repeats, &mut each);
        (self.notes, self.repeats) = (notes, repeats);
        done
    }

    /// Says what stands below the table, once all of it was read.
    pub fn end(&mut self) {
        if let Notes { first: Some((place, text)), n } = std::mem::take(&mut self.notes) {
            let text = printable(&text, NOTE_CHARACTERS);
            tracing::warn!(rows = n, "{place}: notes below the table are left out: {text:?}");
        }
    }

    fn rows_of(
        &self,
        block: &Block,
        notes: &mut Notes,
        repeats: &mut Option<Repeats>,
        each: &mut impl FnMut(&Row<'_>) -> Result<(), String>,
    ) -> Result<(), Fault> {
        match block {
            Block::Text { text, line, dialect, .. } => {
                let text = input::decode(text, self.blocks.encoding());
                let mut rows = Rows::new(&text, *dialect, *line);
                let mut fields = Vec::new();
                let mut next = rows.line();
                while let Some(row) = rows.next_row(&mut fields) {
                    let place = Place::Line(row.line);
                    let is_apart = row.line > std::mem::replace(&mut next, rows.line());
                    check(&row).map_err(|why| Fault::Row { place, why: why.to_owned() })?;
                    let gap = if is_apart { Gap::Before } else { Gap::None };
                    if self.is_row(&fields, place, gap, notes)? {
                        let is_repeated = repeats
                            .as_mut()
                            .is_some_and(|met| met.is_met(fields.iter().map(|field| &**field)));
                        let cells = Cells::Fields(&fields);
                        each(&Row { cells, is_repeated })
                            .map_err(|why| Fault::Row { place, why })?;
                    }
                    fields.clear();
                }
            }
            Block::Table { rows, row: first, stored } => {
                self.check_codes(block)?;
                let columns = input::decoded_texts(rows, stored, *first)?;
                let hashes = repeats.as_ref().map(|_| input::row_hashes(rows));
                for at in 0..rows.num_rows() {
                    let place = Place::Row(*first + at as u64);
                    if self.blocks.may_have_notes() && is_note(&columns, at) {
                        notes.add(place, columns[0].value(at));
                        continue;
                    }
                    notes.are_below(place)?;
                    let met = repeats.as_mut().zip(hashes.as_ref());
                    let is_repeated = met.is_some_and(|(met, of)| met.is_hash_met(of[at]));
                    let cells = Cells::Columns(&columns, at);
                    each(&Row { cells, is_repeated }).map_err(|why| Fault::Row { place, why })?;
                }
            }
            // Tables are opened without a shape.
            Block::Shaped { .. } => {
                return Err("rows of a layout, where a table was expected".to_owned().into());
            }
        }
        Ok(())
    }

    /// Whether the fields are those of a row, and not those of a note below the table.
    fn is_row(
        &self,
        fields: &[Cow<'_, [u8]>],
        place: Place,
        gap: Gap,
        notes: &mut Notes,
    ) -> Result<bool, Fault> {
        let has_trailing = self.blocks.has_trailing_delimiter();
        let expected = self.header().len() + usize::from(has_trailing);
        if fields.len() == expected {
            let is_shifted = has_trailing && fields.last().is_some_and(|last| !last.is_empty());
            if is_shifted {
                let why = format!(
                    "text behind the delimiter at its end, where the header has {} columns",
                    self.header().len()
                );
                return Err(Fault::Row { place, why });
            }
            notes.are_below(place)?;
            return Ok(true);
        }
        let n_filled = fields.iter().filter(|field| !field.trim_ascii().is_empty()).count();
        if n_filled == 0 && fields.len() < expected {
            return Ok(false);
        }
        let is_apart = gap == Gap::Before || notes.n > 0;
        if (n_filled == 1 || is_apart) && fields.len() < expected && expected > 2 {
            let text = fields.iter().find(|field| !field.trim_ascii().is_empty());
            notes.add(place, &String::from_utf8_lossy(text.map_or(&b""[..], |text| text)));
            return Ok(false);
        }
        let why = format!(
            "{} columns, expected {expected} as in the header (`delimiter`, `quote`, `skip`)",
            fields.len()
        );
        Err(Fault::Row { place, why })
    }
}

impl Notes {
    fn add(&mut self, place: Place, text: &str) {
        if self.first.is_none() {
            self.first = Some((place, text.to_owned()));
        }
        self.n += 1;
    }

    /// Refuses a row below a note: the note is a row that lacks its fields.
    fn are_below(&self, row: Place) -> Result<(), Fault> {
        let Some((place, text)) = &self.first else { return Ok(()) };
        let text = printable(text, NOTE_CHARACTERS);
        let why = format!(
            "{text:?} alone, with rows below it ({row}): expected all columns of the header, or \
             notes at the end only"
        );
        Err(Fault::Row { place: *place, why })
    }
}

/// Whether the column at `place` has numbers, not texts that say some.
pub(crate) fn is_stored_number(block: &Block, place: usize) -> bool {
    match block {
        Block::Text { .. } | Block::Shaped { .. } => false,
        Block::Table { stored, .. } => {
            matches!(stored.get(place), Some(Stored::Number | Stored::Single))
        }
    }
}

/// Says that the point of a cell is taken for a decimal one, which nothing shows.
pub(crate) fn warn_of_point(column: &str, cell: &str) {
    tracing::warn!(
        column,
        "`{cell}` is taken for a number with a fraction: say `thousands` if it has none"
    );
}

/// Whether the first cell alone of a row has text.
fn is_note(columns: &[StringArray], row: usize) -> bool {
    let is_filled = |column: &StringArray| column.is_valid(row) && !column.value(row).is_empty();
    match columns {
        [first, rest @ ..] if rest.len() > 1 => is_filled(first) && !rest.iter().any(is_filled),
        _ => false,
    }
}

/// Whether other programs would find the same name in a header.
fn check_name(name: &str) -> Result<(), &'static str> {
    // What is decoded has this character in the place of bytes that are none.
    if name.contains(char::REPLACEMENT_CHARACTER) {
        return Err("its header is no UTF-8: write the texts of the file in UTF-8");
    }
    if name.starts_with('"') {
        return Err("a name in its header begins with a quote: close it, or leave it out");
    }
    // Within quotes a name may have lines.
    if name.replace("\r\n", "\n").contains('\r') {
        return Err("a CR within its header: end rows with LF or CRLF");
    }
    Ok(())
}

/// Whether other programs would find the same row.
fn check(row: &text::Row<'_>) -> Result<(), &'static str> {
    if row.is_unclosed {
        return Err(
            "a quote opens that closes nowhere, or behind what look like whole rows: write \
                    it as two, within quotes, or say that quotes are text (`quote`: none)",
        );
    }
    let mut raw = row.raw;
    while let Some(rest) = raw.strip_suffix(b"\r") {
        raw = rest;
    }
    // Every other part is within quotes, where it is text.
    let has_cr = memchr::memchr(b'\r', raw).is_some()
        && raw.split(|byte| *byte == b'"').step_by(2).any(|part| part.contains(&b'\r'));
    match has_cr {
        true => Err("a CR within the row: end rows with LF or CRLF, and put other CR in quotes"),
        false => Ok(()),
    }
}

/// The place of the column `name` in a header.
///
/// # Errors
///
/// If it has none, with what it has and the name that is closest, or several.
pub fn place(header: &[String], name: &str) -> Result<usize, String> {
    let mut places = (0..header.len()).filter(|&at| header[at].trim() == name);
    let shown = printable(name, NOTE_CHARACTERS);
    match (places.next(), places.count()) {
        (Some(place), 0) => Ok(place),
        (Some(_), n) => Err(format!(
            "column `{shown}` stands {} times in the header: rename those that are not meant",
            n + 1
        )),
        (None, _) => {
            let known: Vec<String> =
                header.iter().map(|name| printable(name, NOTE_CHARACTERS)).collect();
            let hint = suggest(name, known.iter().map(String::as_str));
            Err(format!("no column `{shown}`: the header has {}{hint}", names(header)))
        }
    }
}

/// Refuses two columns of one name.
///
/// # Errors
///
/// The first name that stands twice.
pub fn check_names(header: &[String]) -> Result<(), String> {
    header
        .iter()
        .filter(|name| !name.trim().is_empty())
        .try_for_each(|name| place(header, name.trim()).map(|_| ()))
}

/// The names of columns, as far as they can be shown.
pub fn names(header: &[String]) -> String {
    let names: Vec<String> =
        header.iter().take(60).map(|name| printable(name, NOTE_CHARACTERS)).collect();
    let more = if header.len() > names.len() { ", ..." } else { "" };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests;
