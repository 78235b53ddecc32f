//! JSON, as blocks of rows: an object a line, or an array of objects or arrays.
//!
//! A file is read twice: first for the names of the columns, which any row may add to, then for the
//! rows. Neither holds more of it than a row and a block.

use super::block::{BLOCK_ROWS, BLOCK_TEXT_BYTES, Block, Stored};
use super::fault::{text_of, unreadable};
use super::json_scanner::{Scalar, Scanner, fault_at};
use super::words::{all_named, named};
use super::{magic, sniff};
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use project::read_options::ReadOptions;
use project::suggest::suggest;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

/// Columns that a table may have; an object of more keys has rows under them.
const MOST_COLUMNS: usize = 20_000;

/// Levels of keys above an array that is found without being named.
const LEVELS: usize = 3;

/// Levels of objects in objects whose keys become names of columns.
const MOST_LEVELS: usize = 64;

/// Reads the blocks of a JSON file.
pub(super) struct JsonBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// What was taken for rows.
    pub(super) seen: String,
    scanner: Scanner,
    /// The place of each column.
    places: BTreeMap<String, usize>,
    stored: Vec<Stored>,
    form: Form,
    /// Whether rows are arrays.
    is_arrays: bool,
    is_begun: bool,
    is_done: bool,
    row: u64,
}

/// Where rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One after the other.
    Lines,
    /// In an array, which is open.
    Array,
}

/// The columns of some rows.
#[derive(Debug, Default)]
struct Columns {
    places: BTreeMap<String, usize>,
    all: Vec<Column>,
    /// Whether there are more than a table may have.
    is_full: bool,
}

#[derive(Debug)]
struct Column {
    name: String,
    has_number: bool,
    has_other: bool,
}

impl Columns {
    /// Takes notice of a value in the column `name`.
    fn see(&mut self, name: &str, is_number: Option<bool>) {
        let at = match self.places.get(name) {
            Some(at) => *at,
            None if self.all.len() == MOST_COLUMNS => {
                self.is_full = true;
                return;
            }
            None => {
                self.places.insert(name.to_owned(), self.all.len());
                let name = name.to_owned();
                self.all.push(Column { name, has_number: false, has_other: false });
                self.all.len() - 1
            }
        };
        if let Some(column) = self.all.get_mut(at) {
            column.has_number |= is_number == Some(true);
            column.has_other |= is_number == Some(false);
        }
    }
}

/// An array that has rows.
#[derive(Debug)]
struct Found {
    /// The keys that lead to it, with points between them; empty for the file itself.
    key: String,
    columns: Columns,
    /// Whether its rows are arrays.
    is_arrays: bool,
    /// What is wrong in it, if something is.
    fault: Option<String>,
}

/// What a file is.
#[derive(Debug, Default)]
struct Document {
    /// The values of the file as rows, if they are objects.
    lines: Columns,
    n_values: u64,
    arrays: Vec<Found>,
    /// Keys of other values, and what those are.
    others: Vec<(String, &'static str)>,
}

/// Whether a value is a number; nothing for null.
fn is_number(value: &Scalar) -> Option<bool> {
    match value {
        Scalar::Null => None,
        Scalar::Number(_) => Some(true),
        Scalar::Bool(_) | Scalar::Text(_) => Some(false),
    }
}

/// What is done with a value that is no object: its name, its first byte and its level.
type Each<'e> = &'e mut dyn FnMut(&mut Scanner, &str, u8, usize) -> Result<(), String>;

/// Takes an object. `each` takes every value in it that is no object, whose name is the keys that
/// lead to it with points between them.
fn each_member(
    scanner: &mut Scanner,
    name: &mut String,
    level: usize,
    each: Each<'_>,
) -> Result<(), String> {
    if level > MOST_LEVELS {
        return Err(scanner.fault("more than 64 levels of objects in each other"));
    }
    scanner.expect(b'{')?;
    if scanner.takes(b'}')? {
        return Ok(());
    }
    let n = name.len();
    loop {
        let key = scanner.key()?;
        if n > 0 {
            name.push('.');
        }
        name.push_str(&key);
        match scanner.next_token()? {
            Some(b'{') => each_member(scanner, name, level + 1, each)?,
            Some(first) => each(scanner, name, first, level)?,
            None => return Err(scanner.fault("the file ends: expected a value; fetch it again")),
        }
        name.truncate(n);
        if !scanner.goes_on(b'}')? {
            return Ok(());
        }
    }
}

/// Takes an object that is a row, and notice of its columns.
fn see_row(scanner: &mut Scanner, columns: &mut Columns) -> Result<(), String> {
    each_member(scanner, &mut String::new(), 1, &mut |scanner, name, first, _| {
        if first == b'[' {
            columns.see(name, Some(false));
            return scanner.skip_value();
        }
        let value = scanner.scalar()?;
        columns.see(name, is_number(&value));
        Ok(())
    })
}

/// The text of a value, and whether it is a number; no text is neither.
type TextCell = (Option<String>, Option<bool>);

/// Takes an array of values that are no objects, and gives their texts and whether they are
/// numbers.
fn cells(scanner: &mut Scanner) -> Result<Vec<TextCell>, String> {
    let mut cells = Vec::new();
    scanner.expect(b'[')?;
    if scanner.takes(b']')? {
        return Ok(cells);
    }
    loop {
        cells.push(match scanner.next_token()? {
            Some(b'[' | b'{') => (Some(scanner.value_text()?), Some(false)),
            _ => {
                let value = scanner.scalar()?;
                let is_number = is_number(&value);
                (value.into_text(), is_number)
            }
        });
        if cells.len() > MOST_COLUMNS {
            return Err(scanner.fault(&format!("a row of more than {MOST_COLUMNS} cells")));
        }
        if !scanner.goes_on(b']')? {
            return Ok(cells);
        }
    }
}

/// Takes an array; what is in it, if those are rows.
fn see_array(
    scanner: &mut Scanner,
    key: &str,
    options: &ReadOptions,
) -> Result<Option<Found>, String> {
    scanner.expect(b'[')?;
    if scanner.takes(b']')? {
        return Ok(None);
    }
    let first = scanner.next_token()?;
    let is_arrays = first == Some(b'[');
    let is_rows = is_arrays || first == Some(b'{');
    let mut found =
        Found { key: key.to_owned(), columns: Columns::default(), is_arrays, fault: None };
    let mut width = None;
    loop {
        match scanner.next_token()? {
            Some(b'{') if is_rows && !is_arrays => see_row(scanner, &mut found.columns)?,
            Some(b'[') if is_arrays && found.fault.is_none() => {
                let place = scanner.place();
                let cells = cells(scanner)?;
                match width {
                    None => {
                        width = Some(cells.len());
                        begin_arrays(&mut found, cells, options);
                    }
                    Some(width) if width == cells.len() => {
                        for (at, (_, is_number)) in cells.into_iter().enumerate() {
                            if let Some(column) = found.columns.all.get_mut(at) {
                                column.has_number |= is_number == Some(true);
                                column.has_other |= is_number == Some(false);
                            }
                        }
                    }
                    Some(width) => {
                        let what = format!("{} cells, expected {width}", cells.len());
                        found.fault = Some(fault_at(place, &what));
                    }
                }
            }
            _ => {
                if is_rows && found.fault.is_none() {
                    let row = if is_arrays { "an array" } else { "an object" };
                    let what = format!("expected {row}, as the rows before it are");
                    found.fault = Some(scanner.fault(&what));
                }
                scanner.skip_value()?;
            }
        }
        if !scanner.goes_on(b']')? {
            return Ok(is_rows.then_some(found));
        }
    }
}

/// Takes the first of rows that are arrays: the names of the columns, if it has them.
fn begin_arrays(
    found: &mut Found,
    cells: Vec<(Option<String>, Option<bool>)>,
    options: &ReadOptions,
) {
    for (at, (text, is_number)) in cells.into_iter().enumerate() {
        let (name, is_number) = match options.header {
            Some(false) => (format!("column {}", at + 1), is_number),
            _ => (text.unwrap_or_default(), None),
        };
        // Columns may have one name; which is meant is asked where it matters.
        found.columns.all.push(Column {
            name,
            has_number: is_number == Some(true),
            has_other: is_number == Some(false),
        });
    }
}

impl Document {
    /// Reads all of a file for what it is.
    fn read(scanner: &mut Scanner, options: &ReadOptions) -> Result<Self, String> {
        let mut document = Self::default();
        while let Some(first) = scanner.next_token()? {
            document.n_values += 1;
            match (first, document.n_values) {
                (b'{', 1) => document.first_object(scanner, options)?,
                (b'{', _) if document.arrays.iter().all(|found| !found.key.is_empty()) => {
                    see_row(scanner, &mut document.lines)?;
                }
                (b'[', 1) => {
                    let found = see_array(scanner, "", options)?;
                    let why = "it is JSON without rows: expected an array of objects";
                    document.arrays.push(found.ok_or_else(|| why.to_owned())?);
                }
                (_, 1) => return Err(scanner.fault("expected an array of objects, or an object")),
                _ => {
                    let what = "more after the end: expected one array, or an object a line";
                    return Err(scanner.fault(what));
                }
            }
        }
        Ok(document)
    }

    /// Takes the first object of a file, which may be a row, or have the array of rows in it.
    fn first_object(&mut self, scanner: &mut Scanner, options: &ReadOptions) -> Result<(), String> {
        let Self { lines, arrays, others, .. } = self;
        each_member(scanner, &mut String::new(), 1, &mut |scanner, name, first, level| {
            if first != b'[' {
                let value = scanner.scalar()?;
                lines.see(name, is_number(&value));
                if options.key.as_deref() == Some(name) {
                    others.push((name.to_owned(), "a single value"));
                }
                return Ok(());
            }
            lines.see(name, Some(false));
            let is_named = options.key.as_deref() == Some(name);
            match level <= LEVELS || is_named {
                true => match see_array(scanner, name, options)? {
                    Some(found) => arrays.push(found),
                    None => others.push((name.to_owned(), "an array without rows")),
                },
                false => scanner.skip_value()?,
            }
            Ok(())
        })
    }

    /// The array of rows, if rows are in one, and what is said of it.
    fn rows(&mut self, options: &ReadOptions) -> Result<(Option<Found>, String), String> {
        if let Some(key) = &options.key {
            return self
                .at_key(key)
                .map(|found| (Some(found), format!("rows under {}", named(key))));
        }
        if self.n_values > 1 {
            return Ok((None, "an object a row".to_owned()));
        }
        let is_whole = |found: &Found| found.key.is_empty();
        if let Some(at) = self.arrays.iter().position(is_whole) {
            let found = self.arrays.swap_remove(at);
            let what = if found.is_arrays { "arrays" } else { "objects" };
            return Ok((Some(found), format!("an array of {what}")));
        }
        let of_objects: Vec<usize> = self
            .arrays
            .iter()
            .enumerate()
            .filter_map(|(at, found)| (!found.is_arrays).then_some(at))
            .collect();
        match of_objects[..] {
            [at] => {
                let found = self.arrays.swap_remove(at);
                let seen = format!("rows under {}, the only array of objects", named(&found.key));
                Ok((Some(found), seen))
            }
            [] if self.arrays.is_empty() => Ok((None, "one object, a row".to_owned())),
            _ => {
                Err(format!("it has arrays under {}: say which has the rows by `key`", self.keys()))
            }
        }
    }

    /// The array of rows under a key.
    fn at_key(&mut self, key: &str) -> Result<Found, String> {
        if self.n_values > 1 {
            return Err(format!(
                "it has an object a row, and no key {}: leave out `key`",
                named(key)
            ));
        }
        if self.arrays.iter().any(|found| found.key.is_empty()) {
            return Err(format!("it is an array, and has no key {}: leave out `key`", named(key)));
        }
        let is_it = |found: &Found| found.key == key;
        let n = self.arrays.iter().filter(|found| is_it(found)).count();
        match self.arrays.iter().position(is_it) {
            Some(_) if n > 1 => Err(format!("the key {} stands twice", named(key))),
            Some(at) => Ok(self.arrays.swap_remove(at)),
            None => match self.others.iter().find(|(other, _)| other == key) {
                Some((_, what)) => Err(format!(
                    "under the key {} is {what}: expected an array of objects, as under {}",
                    named(key),
                    self.keys()
                )),
                None => {
                    let known = self.arrays.iter().map(|found| found.key.as_str());
                    Err(format!(
                        "it has no array under the key {}: it has {}{}",
                        named(key),
                        self.keys(),
                        suggest(key, known)
                    ))
                }
            },
        }
    }

    /// The keys of arrays of rows as messages have them.
    fn keys(&self) -> String {
        let keys = self.arrays.iter().map(|found| found.key.as_str());
        match self.arrays.is_empty() {
            true => "no others".to_owned(),
            false => all_named(keys),
        }
    }
}

/// The bytes of a file as UTF-8 without a byte order mark.
fn utf8(path: &Path, options: &ReadOptions) -> Result<Box<dyn Read + Send>, String> {
    let mut file = File::open(path).map_err(text_of)?;
    let mut first = Vec::new();
    file.by_ref().take(magic::LOOKED_AT).read_to_end(&mut first).map_err(unreadable)?;
    let told = options.encoding.map(|characters| characters.0);
    let unmarked = || told.or_else(|| sniff::utf16(&first)).unwrap_or(encoding_rs::UTF_8);
    let (encoding, n_mark) = Encoding::for_bom(&first).unwrap_or_else(|| (unmarked(), 0));
    let first = first.split_off(n_mark);
    let whole = Cursor::new(first).chain(file);
    if encoding == encoding_rs::UTF_8 {
        return Ok(Box::new(whole));
    }
    let decoder =
        DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_sniffing(false).clone();
    Ok(Box::new(decoder.build(whole)))
}

impl JsonBlocks {
    /// Begins to read the file at `path`, after a look at all of it.
    pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Self, String> {
        let mut document = Document::read(&mut Scanner::new(utf8(path, options)?), options)?;
        if document.n_values == 0 {
            return Err("it is empty: expected JSON".to_owned());
        }
        let (found, seen) = document.rows(options)?;
        let mut scanner = Scanner::new(utf8(path, options)?);
        let (columns, form, is_arrays) = match found {
            None => (document.lines, Form::Lines, false),
            Some(Found { fault: Some(fault), .. }) => return Err(fault),
            Some(found) => {
                if !found.key.is_empty() && !go_to(&mut scanner, &mut String::new(), &found.key)? {
                    return Err("it was changed while it was read".to_owned());
                }
                scanner.expect(b'[')?;
                (found.columns, Form::Array, found.is_arrays)
            }
        };
        if columns.is_full {
            return Err(format!(
                "its rows have more than {MOST_COLUMNS} different keys: expected an array of \
                 objects with the same keys; say where it is by `key`"
            ));
        }
        if columns.all.is_empty() {
            return Err("its rows are empty: expected objects with keys".to_owned());
        }
        let stored = columns.all.iter().map(|column| match column {
            Column { has_number: true, has_other: false, .. } => Stored::Number,
            _ => Stored::Text,
        });
        let stored = stored.collect();
        let header = columns.all.into_iter().map(|column| column.name).collect();
        let mut blocks = Self {
            header,
            seen,
            scanner,
            places: columns.places,
            stored,
            form,
            is_arrays,
            is_begun: false,
            is_done: false,
            row: 1,
        };
        if is_arrays && options.header != Some(false) && blocks.goes_on()? {
            blocks.scanner.skip_value()?;
        }
        Ok(blocks)
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let mut columns: Vec<StringBuilder> =
            self.header.iter().map(|_| StringBuilder::new()).collect();
        let mut row: Vec<Option<String>> = Vec::new();
        let (mut n_rows, mut n_bytes) = (0, 0);
        while n_rows < BLOCK_ROWS && n_bytes < BLOCK_TEXT_BYTES && self.goes_on()? {
            row.clear();
            row.resize(self.header.len(), None);
            match self.is_arrays {
                true => {
                    let cells = cells(&mut self.scanner)?;
                    for (place, (text, _)) in row.iter_mut().zip(cells) {
                        *place = text;
                    }
                }
                false => self.object(&mut row)?,
            }
            for (texts, cell) in columns.iter_mut().zip(&row) {
                texts.append_option(cell.as_deref());
                n_bytes += cell.as_ref().map_or(0, String::len);
            }
            n_rows += 1;
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = self.header.iter().zip(&mut columns);
        let columns = columns.map(|(name, texts)| {
            let texts: ArrayRef = Arc::new(texts.finish());
            (name.as_str(), texts, true)
        });
        let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
        let first = self.row;
        self.row += n_rows as u64;
        Ok(Some(Block::Table { rows, row: first, stored: self.stored.clone() }))
    }

    /// Goes to the next row; whether there is one.
    fn goes_on(&mut self) -> Result<bool, String> {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let goes_on = !self.is_done
            && match (self.form, is_first) {
                (Form::Lines, _) => self.scanner.next_token()?.is_some(),
                (Form::Array, true) => !self.scanner.takes(b']')?,
                (Form::Array, false) => self.scanner.goes_on(b']')?,
            };
        self.is_done = !goes_on;
        Ok(goes_on)
    }

    /// Takes an object into the places of its columns.
    fn object(&mut self, row: &mut [Option<String>]) -> Result<(), String> {
        let Self { scanner, places, .. } = self;
        // A value may be null, and stand there all the same.
        let mut is_met = vec![false; row.len()];
        each_member(scanner, &mut String::new(), 1, &mut |scanner, name, first, _| {
            let place = scanner.place();
            let text = match first {
                b'[' => Some(scanner.value_text()?),
                _ => scanner.scalar()?.into_text(),
            };
            // No column has this place.
            let at = places.get(name).copied().unwrap_or(usize::MAX);
            let (Some(cell), Some(is_met)) = (row.get_mut(at), is_met.get_mut(at)) else {
                return Err("it was changed while it was read".to_owned());
            };
            if std::mem::replace(is_met, true) {
                let what = format!("the key {} stands twice in an object", named(name));
                return Err(fault_at(place, &what));
            }
            *cell = text;
            Ok(())
        })
    }
}

/// Goes to the value under the keys `key` in an object; whether it is there.
fn go_to(scanner: &mut Scanner, name: &mut String, key: &str) -> Result<bool, String> {
    scanner.expect(b'{')?;
    if scanner.takes(b'}')? {
        return Ok(false);
    }
    let n = name.len();
    loop {
        if n > 0 {
            name.push('.');
        }
        name.push_str(&scanner.key()?);
        let is_within = key.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
        match scanner.next_token()? {
            Some(b'[') if name.as_str() == key => return Ok(true),
            Some(b'{') if is_within => {
                if go_to(scanner, name, key)? {
                    return Ok(true);
                }
            }
            _ => scanner.skip_value()?,
        }
        name.truncate(n);
        if !scanner.goes_on(b'}')? {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests;
