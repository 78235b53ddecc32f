//! What raw files have in them, column by column.

use super::header::{self, HeaderRows, Line};
use super::pairs::Pairs;
use super::words::{is_like_number, is_product_code, product_code};
use crate::raw_rows::{self, RawRow, TextsOf};
use encoding_rs::Encoding;
use project::printable::printable;
use project::read_options::{MISSING_NUMBERS, ReadOptions};
use project::sheets::file_and_sheet;
use sources::input::{Block, BlockReader, Buffers, Item};
use sources::table_reader::Place;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use trade::NumberSample;
use trade::shape::{HeaderShape, Shape};

/// Rows of a file that are looked at.
pub(super) const MOST_ROWS: u64 = 3_000_000;

/// Texts of a column that are told apart.
const MOST_TEXTS: usize = 50_000;

/// Characters of a text that are kept.
const TEXT_CHARACTERS: usize = 200;

/// Of ten cells, how many must be numbers in a column of numbers.
const NUMBERS: u64 = 9;

/// Words among numbers that are told apart.
const MOST_WORDS: usize = 6;

/// Characters of a word that may stand for a number.
const WORD_CHARACTERS: usize = 16;

/// Lines of one cell that wait until it is known whether they are the last.
const MOST_NOTES: usize = 200;

/// First lines of a file that are looked at for its header.
const MOST_LINES: usize = 48;

/// A column.
#[derive(Debug, Clone, Default)]
pub(super) struct ColumnLook {
    /// Its name as the header has it.
    pub(super) name: String,
    /// Cells with a text.
    pub(super) n_filled: u64,
    /// Cells without.
    pub(super) n_empty: u64,
    /// Cells written as numbers are.
    pub(super) n_numbers: u64,
    /// Marks that may stand for a missing value.
    pub(super) marks: BTreeMap<String, u64>,
    /// Other texts that are no numbers: at most so many that they may stand for one.
    words: BTreeMap<String, u64>,
    /// Whether there are more of them, or longer ones.
    has_text: bool,
    /// Whether its first cell has a text.
    pub(super) begins_filled: bool,
    /// Texts with how often they stand there.
    pub(super) texts: BTreeMap<String, u64>,
    /// Whether there are more texts than are told apart.
    pub(super) is_many: bool,
    /// How its numbers are written.
    pub(super) numbers: NumberSample,
}

/// A file, or a member of an archive.
#[derive(Debug, Clone)]
pub(super) struct FileLook {
    /// Its name.
    pub(super) label: String,
    /// The names of the files that were put together, with its own.
    pub(super) labels: Vec<String>,
    /// What it was taken for.
    pub(super) seen: String,
    /// Whether its rows are text, whose numbers have marks of their own.
    pub(super) is_text: bool,
    /// The encoding of its text, if it was guessed from its letters.
    pub(super) encoding: Option<String>,
    /// Its columns.
    pub(super) columns: Vec<ColumnLook>,
    /// Its rows, as far as they were looked at.
    pub(super) n_rows: u64,
    /// Rows with other columns than the header.
    pub(super) n_odd: u64,
    /// The first of them.
    pub(super) first_odd: Option<String>,
    /// Whether all rows were looked at.
    pub(super) is_whole: bool,
    /// Its sheet, if that is not the one that is read where none is named.
    pub(super) sheet: Option<String>,
    /// The sheet that was looked at.
    pub(super) own_sheet: Option<String>,
    /// The other sheets.
    pub(super) other_sheets: Vec<String>,
    /// The sheets that are read as one table, if it is one of several.
    pub(super) sheets: Vec<String>,
    /// Where its header of several rows stands, if it has several.
    pub(super) header_rows: Option<HeaderRows>,
    /// What stands above its header, cell by cell.
    pub(super) above: Vec<String>,
    /// The first cells of the lines at its end that are notes.
    pub(super) notes: Vec<String>,
    /// Columns that tell another, each with that one.
    pub(super) told: BTreeSet<(usize, usize)>,
}

/// A line that may be a note.
struct Note {
    cells: Vec<String>,
    /// What is said of it if it has other columns than the header.
    odd: Option<String>,
}

/// Gathers what the rows of a file have.
struct Looking {
    look: FileLook,
    pairs: Pairs,
    /// Lines that are notes if no row follows.
    waiting: Vec<Note>,
    n_cells: usize,
}

impl Looking {
    fn add(&mut self, row: &RawRow<'_>) {
        let n_cells = row.cells.len();
        let texts: Vec<Cow<'_, str>> = (0..n_cells).map(|at| row.text(at)).collect();
        let n_filled = texts.iter().filter(|text| !text.is_empty()).count();
        let is_odd = n_cells != self.n_cells;
        let is_alone = n_filled <= 1 && self.n_cells > 2;
        if is_odd || is_alone {
            if self.waiting.len() == MOST_NOTES {
                self.settle();
            }
            let raw = String::from_utf8_lossy(row.raw);
            self.waiting.push(Note {
                cells: texts.iter().map(|text| (**text).to_owned()).collect(),
                odd: is_odd.then(|| format!("{}: {}", row.place, printable(&raw, 60))),
            });
            return;
        }
        self.settle();
        self.row(&texts);
    }

    /// Lines before a row are no notes at the end.
    fn settle(&mut self) {
        for note in std::mem::take(&mut self.waiting) {
            match note.odd {
                Some(said) => {
                    self.look.n_odd += 1;
                    self.look.first_odd.get_or_insert(said);
                }
                None => self.row(&note.cells.iter().map(Cow::from).collect::<Vec<_>>()),
            }
        }
    }

    fn row(&mut self, texts: &[Cow<'_, str>]) {
        self.look.n_rows += 1;
        for (column, text) in self.look.columns.iter_mut().zip(texts) {
            column.add(text);
        }
        self.pairs.add(texts);
    }

    fn end(mut self) -> FileLook {
        let is_note = |note: &Note| note.cells.first().is_some_and(|first| !first.is_empty());
        if self.look.n_rows == 0 || !self.waiting.first().is_some_and(is_note) {
            self.settle();
        }
        let notes = std::mem::take(&mut self.waiting).into_iter();
        self.look.notes = notes.filter_map(|note| note.cells.into_iter().next()).collect();
        self.look.told = self.pairs.told();
        self.look
    }
}

impl ColumnLook {
    fn add(&mut self, text: &str) {
        if text.is_empty() {
            self.n_empty += 1;
            return;
        }
        self.begins_filled |= self.n_empty == 0;
        self.n_filled += 1;
        if MISSING_NUMBERS.contains(&text) {
            *self.marks.entry(text.to_owned()).or_default() += 1;
        } else if is_like_number(text) {
            self.n_numbers += 1;
            self.numbers.add(text);
        } else if let Some(n) = self.words.get_mut(text) {
            *n += 1;
        } else if self.words.len() < MOST_WORDS && text.chars().count() <= WORD_CHARACTERS {
            self.words.insert(text.to_owned(), 1);
        } else {
            self.has_text = true;
        }
        let is_known = match self.texts.get_mut(text) {
            Some(n) => {
                *n += 1;
                true
            }
            None => false,
        };
        if is_known {
            return;
        }
        if self.texts.len() < MOST_TEXTS && text.chars().count() <= TEXT_CHARACTERS {
            self.texts.insert(text.to_owned(), 1);
        } else {
            self.is_many = true;
        }
    }

    /// Adds the same column of another file.
    pub(super) fn extend(&mut self, other: &Self) {
        self.n_filled += other.n_filled;
        self.n_empty += other.n_empty;
        self.n_numbers += other.n_numbers;
        self.is_many |= other.is_many;
        self.numbers.extend(&other.numbers);
        for (mark, n) in &other.marks {
            *self.marks.entry(mark.clone()).or_default() += n;
        }
        for (word, n) in &other.words {
            *self.words.entry(word.clone()).or_default() += n;
        }
        self.has_text |= other.has_text || self.words.len() > MOST_WORDS;
        self.begins_filled &= other.begins_filled;
        for (text, n) in &other.texts {
            *self.texts.entry(text.clone()).or_default() += n;
        }
    }

    /// Cells that stand for a missing value.
    fn n_marks(&self) -> u64 {
        self.marks.values().sum()
    }

    /// Words that stand where numbers do, in a column of which at least half are numbers: `C` for
    /// confidential.
    pub(super) fn stand_ins(&self) -> BTreeMap<&str, u64> {
        let is_number = !self.has_text && 2 * self.n_numbers > self.n_filled;
        let has_digit = |word: &str| word.contains(|c: char| c.is_ascii_digit());
        let words = self.words.iter().filter(|(word, _)| is_number && !has_digit(word));
        words.map(|(word, n)| (word.as_str(), *n)).collect()
    }

    /// Whether it has numbers.
    pub(super) fn is_number(&self) -> bool {
        let n_words: u64 = self.stand_ins().values().sum();
        let n = self.n_filled - self.n_marks() - n_words;
        n > 0 && 10 * self.n_numbers >= NUMBERS * n
    }

    /// Whether all cells that have a text have a number.
    pub(super) fn is_all_numbers(&self) -> bool {
        self.n_numbers > 0 && self.n_numbers + self.n_marks() == self.n_filled
    }

    /// Whether all its texts are of a kind.
    pub(super) fn all(&self, is: impl Fn(&str) -> bool) -> bool {
        !self.texts.is_empty() && self.texts.keys().all(|text| is(text))
    }

    /// How many of its codes have so many digits.
    pub(super) fn lengths(&self) -> BTreeMap<usize, usize> {
        let mut lengths = BTreeMap::new();
        for text in self.texts.keys().filter(|text| is_product_code(text)) {
            *lengths.entry(product_code(text).len()).or_default() += 1;
        }
        lengths
    }

    /// The most usual of its texts.
    pub(super) fn usual(&self) -> Option<&str> {
        let found = self.texts.iter().max_by_key(|(_, n)| **n);
        found.map(|(text, _)| text.as_str())
    }

    /// Some of its texts, for people.
    pub(super) fn examples(&self) -> String {
        let some: Vec<String> = self.texts.keys().take(3).map(|text| printable(text, 24)).collect();
        match self.texts.len() {
            0 => String::new(),
            n if n > 3 => format!("{}, ...", some.join(", ")),
            _ => some.join(", "),
        }
    }

    /// How many different texts it has, for people.
    pub(super) fn n_different(&self) -> String {
        match self.is_many {
            true => format!("more than {}", self.texts.len()),
            false => self.texts.len().to_string(),
        }
    }
}

impl FileLook {
    /// Looks at a file: of a workbook at the first sheet that has a table.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub(super) fn of(item: &Item) -> Result<Self, String> {
        let first = Self::of_sheet(item, None)?;
        if first.has_table() {
            return Ok(first);
        }
        for name in &first.other_sheets {
            if let Ok(other) = Self::of_sheet(item, Some(name))
                && other.has_table()
            {
                let others = std::iter::once(&first.own_sheet).flatten().chain(&first.other_sheets);
                let others = others.filter(|of| *of != name).cloned().collect();
                return Ok(Self { other_sheets: others, sheet: Some(name.clone()), ..other });
            }
        }
        Ok(first)
    }

    /// The same as one of several sheets, of which the workbook has the `rest` beside.
    #[must_use]
    pub(super) fn named_as_one_of(self, label: &str, name: String, rest: Vec<String>) -> Self {
        Self {
            label: label.to_owned(),
            labels: vec![label.to_owned()],
            sheet: None,
            own_sheet: Some(name.clone()),
            other_sheets: rest,
            sheets: vec![name],
            ..self
        }
    }

    /// The label of a file: what is labelled may be a sheet of it.
    pub(super) fn file_of<'t>(&self, label: &'t str) -> &'t str {
        match self.sheets.is_empty() {
            true => label,
            false => file_and_sheet(label).0,
        }
    }

    /// The labels of the files that were put together.
    pub(super) fn files(&self) -> BTreeSet<&str> {
        self.labels.iter().map(|label| self.file_of(label)).collect()
    }

    /// Looks at a sheet of a workbook, or at the file where none is named.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub(super) fn of_sheet(item: &Item, sheet: Option<&String>) -> Result<Self, String> {
        let options = ReadOptions { sheet: sheet.cloned(), ..ReadOptions::default() };
        let open = |options: &ReadOptions| {
            item.open(options, &Buffers::default()).map_err(|error| error.to_string())
        };
        let plain = open(&options).and_then(|reader| Self::of_reader(&item.label, reader));
        if plain.as_ref().is_ok_and(|look| !look.is_text && look.own_sheet.is_none()) {
            return plain;
        }
        // What cannot be read so says nothing.
        let bare = ReadOptions { skip: Some(0), header: Some(false), ..options.clone() };
        let first = open(&bare).and_then(first_lines).unwrap_or_default();
        let of_rows = |rows: HeaderRows| {
            let shape = Arc::new(header_of(rows));
            let reader = item.open_shaped(&options, &shape, &Buffers::default()).ok()?;
            let of_rows = Self::of_reader(&item.label, reader).ok()?;
            (!of_rows.repeats_names() && of_rows.has_table()).then(|| Self {
                is_text: first.is_text,
                encoding: first.encoding.clone(),
                own_sheet: first.own_sheet.clone(),
                other_sheets: first.other_sheets.clone(),
                header_rows: Some(rows),
                above: header::texts_above(&first.lines, rows.line),
                ..of_rows
            })
        };
        if let Some(look) = header::of_several(&first.lines).and_then(&of_rows) {
            return Ok(look);
        }
        let look = plain?;
        let (above, last) = header::above(&first.lines, &look.header());
        let of_two = last.filter(|_| look.repeats_names());
        let found = of_two.and_then(|line| of_rows(HeaderRows { line, n: 2 }));
        Ok(Self { above, ..found.unwrap_or(look) })
    }

    /// Whether several columns have one name.
    fn repeats_names(&self) -> bool {
        let names: Vec<&String> = self
            .columns
            .iter()
            .map(|column| &column.name)
            .filter(|name| !name.is_empty())
            .collect();
        names.iter().copied().collect::<BTreeSet<_>>().len() < names.len()
    }

    /// Whether there are rows of several columns, of which one has a name and numbers.
    pub(super) fn has_table(&self) -> bool {
        let is_named = |column: &ColumnLook| column.is_number() && !column.name.is_empty();
        self.columns.len() > 1 && self.columns.iter().any(is_named)
    }

    /// Looks at what a reader gives.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub(super) fn of_reader(label: &str, mut reader: BlockReader) -> Result<Self, String> {
        let columns: Vec<ColumnLook> = reader
            .header()
            .iter()
            .map(|name| ColumnLook { name: clean(name), ..ColumnLook::default() })
            .collect();
        let sheets = reader.sheets();
        let mut looking = Looking {
            pairs: Pairs::new(columns.len()),
            waiting: Vec::new(),
            n_cells: columns.len() + usize::from(reader.has_trailing_delimiter()),
            look: Self {
                label: label.to_owned(),
                labels: vec![label.to_owned()],
                seen: reader.seen().to_owned(),
                is_text: false,
                encoding: guessed(reader.encoding()),
                columns,
                n_rows: 0,
                n_odd: 0,
                first_odd: None,
                is_whole: true,
                sheet: None,
                own_sheet: sheets.map(|(own, _)| own.to_owned()),
                other_sheets: sheets.map(|(_, others)| others.to_vec()).unwrap_or_default(),
                sheets: Vec::new(),
                header_rows: None,
                above: Vec::new(),
                notes: Vec::new(),
                told: BTreeSet::new(),
            },
        };
        while looking.look.is_whole
            && let Some(block) = reader.next_block()?
        {
            looking.look.is_text |= matches!(block, Block::Text { .. });
            let _ = raw_rows::each_row(&block, reader.encoding(), TextsOf::File, |row| {
                if looking.look.n_rows == MOST_ROWS {
                    looking.look.is_whole = false;
                    return ControlFlow::Break(());
                }
                looking.add(row);
                ControlFlow::Continue(())
            })?;
        }
        Ok(looking.end())
    }

    /// Whether a column tells another.
    pub(super) fn tells(&self, teller: usize, told: usize) -> bool {
        self.told.contains(&(teller, told))
    }

    /// The names of its columns.
    pub(super) fn header(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Adds another file of the same columns.
    pub(super) fn extend(&mut self, other: &Self) {
        self.n_rows += other.n_rows;
        self.n_odd += other.n_odd;
        self.is_whole &= other.is_whole;
        self.is_text |= other.is_text;
        if self.encoding != other.encoding {
            // Each file is read by its own letters.
            self.encoding = None;
        }
        self.notes.extend(other.notes.iter().cloned());
        self.labels.extend(other.labels.iter().cloned());
        for sheet in &other.sheets {
            if !self.sheets.contains(sheet) {
                self.sheets.push(sheet.clone());
            }
        }
        self.told = self.told.intersection(&other.told).copied().collect();
        if self.first_odd.is_none() {
            self.first_odd.clone_from(&other.first_odd);
        }
        for (column, same) in self.columns.iter_mut().zip(&other.columns) {
            column.extend(same);
        }
    }
}

/// A name of a column without what exporters leave around it.
fn clean(name: &str) -> String {
    name.trim_start_matches('\u{feff}').trim().to_owned()
}

/// What is told of a header of several rows.
pub(super) fn header_of(rows: HeaderRows) -> Shape {
    let header = HeaderShape { line: Some(rows.line), n_rows: rows.n, ..HeaderShape::default() };
    Shape { header, ..Shape::default() }
}

/// The first lines of a file as they stand.
#[derive(Debug, Default)]
struct FirstLines {
    lines: Vec<Line>,
    /// Whether they are text.
    is_text: bool,
    encoding: Option<String>,
    own_sheet: Option<String>,
    other_sheets: Vec<String>,
}

/// The name of an encoding that only letters tell; UTF-8 shows by itself.
fn guessed(encoding: &'static Encoding) -> Option<String> {
    let name = encoding.name().to_lowercase();
    (!name.starts_with("utf-")).then_some(name)
}

/// The first lines that a reader of all lines gives.
fn first_lines(mut reader: BlockReader) -> Result<FirstLines, String> {
    let sheets = reader.sheets();
    let mut first = FirstLines {
        encoding: guessed(reader.encoding()),
        own_sheet: sheets.map(|(own, _)| own.to_owned()),
        other_sheets: sheets.map(|(_, others)| others.to_vec()).unwrap_or_default(),
        ..FirstLines::default()
    };
    while first.lines.len() < MOST_LINES
        && let Some(block) = reader.next_block()?
    {
        first.is_text |= matches!(block, Block::Text { .. });
        let _ = raw_rows::each_row(&block, reader.encoding(), TextsOf::File, |row| {
            let cells = (0..row.cells.len()).map(|at| clean(&row.text(at))).collect();
            let (Place::Line(number) | Place::Row(number)) = row.place;
            first.lines.push(Line { number, cells });
            match first.lines.len() < MOST_LINES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
    }
    Ok(first)
}
