//! Which lines of a raw file are rows. Titles, comments, footers and a header of several lines are
//! told from them, empty cells take the text above, and what titles say stands beside each row.
//!
//! A [`Shaper`] takes the lines of a file in their order. Each becomes a row, a part of the header,
//! or is left out and counted, so that none is lost unsaid.

mod rows;

pub use self::rows::{Cell, CellKind, ShapedRows};

use crate::pattern::Pattern;
use crate::row::RowDamage;
use std::collections::VecDeque;
use std::sync::Arc;

/// Lines above the header that an error shows.
const FIRST_LINES: usize = 5;

/// What to do with rows of more or fewer fields than the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ragged {
    /// They are rejected.
    #[default]
    Reject,
    /// Those with fewer get empty ones at their end.
    Fill,
    /// Those with more lose them if they are empty.
    Cut,
}

/// Where the names of columns stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderShape {
    /// The line of the file that they begin in, counted from 1.
    pub line: Option<u64>,
    /// What the first of their lines looks like.
    pub pattern: Option<Pattern>,
    /// How many rows they have, 1 or more.
    pub n_rows: usize,
    /// What stands between the texts of a column that has some in several of them.
    pub join: String,
}

impl Default for HeaderShape {
    fn default() -> Self {
        Self { line: None, pattern: None, n_rows: 1, join: " ".to_owned() }
    }
}

/// What a layout says of the lines of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// How lines begin that are comments.
    pub comment: Option<String>,
    /// Where the names of columns stand.
    pub header: HeaderShape,
    /// How many lines at the end are no rows, without blank ones and comments.
    pub skip_last: usize,
    /// What the first cell of the line looks like from which on nothing is a row.
    pub footer: Option<Pattern>,
    /// What becomes of rows of another length than the header's.
    pub ragged: Ragged,
    /// The columns whose empty cells take the text above.
    pub fill_down: Vec<String>,
    /// Columns made of titles, by name.
    pub titles: Vec<(String, Pattern)>,
}

/// Where rows begin, as far as the shape does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The header is the first line from this one on that is neither blank nor a comment.
    Header(u64),
    /// There is no header. Rows begin on this line, and columns are `column 1` and so on.
    Rows {
        /// The line.
        from: u64,
        /// How many columns there are.
        n_columns: usize,
    },
    /// The names are known, and all lines are below them.
    Names(Vec<String>),
}

/// A line of a file, or what a quoted field makes one of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawLine {
    /// Its number, counted from 1.
    pub number: u64,
    /// How many lines it goes over.
    pub n_lines: u64,
    /// As it stands in the file.
    pub raw: Vec<u8>,
    /// Its cells, unquoted.
    pub cells: Vec<Cell>,
    /// Whether a quote opens in it that does not close.
    pub is_unclosed: bool,
}

impl RawLine {
    /// How many of its cells have text.
    fn n_filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    /// The texts of its cells up to the last that has one.
    fn text(&self, delimiter: char) -> String {
        let end = self.cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        let mut text = String::new();
        for (at, cell) in self.cells[..end].iter().enumerate() {
            if at > 0 {
                text.push(delimiter);
            }
            text.push_str(cell.lossy().trim());
        }
        text
    }
}

/// Lines that are not as the shape says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// No line is the header.
    #[error("no line matches `rows.header.match` `{pattern}`")]
    NoHeader {
        /// What was looked for.
        pattern: String,
        /// The first lines, as they stand.
        first: Vec<String>,
    },
    /// The file ends above its header or rows.
    #[error("it ends before line {line}: expected the header there, or rows")]
    TooShort {
        /// Where they were to begin.
        line: u64,
    },
    /// The line that was to be the header is none.
    #[error(
        "line {line} is to be the header (`rows.header.line`), and it is blank, a comment, or the inside of a quoted field"
    )]
    NoLine {
        /// The line.
        line: u64,
    },
    /// The header has fewer rows than it should.
    #[error("it ends within the header: expected {expected} rows of it (`rows.header.lines`)")]
    CutHeader {
        /// How many it should have.
        expected: usize,
    },
    /// A column that is filled is not there, or more than once.
    #[error("`rows.fill_down` names {column:?}, which stands {n} times in the header: {header}")]
    NoColumn {
        /// Its name.
        column: String,
        /// How often it is there.
        n: usize,
        /// The names that are there.
        header: String,
    },
    /// A title has the name of a column.
    #[error("`rows.titles` names {name:?}, which is a column of the file: give it another name")]
    TitleIsColumn {
        /// The name.
        name: String,
    },
    /// No line is the title.
    #[error("no title matches `rows.titles.{name}` `{pattern}`")]
    NoTitle {
        /// Its column.
        name: String,
        /// What was looked for.
        pattern: String,
    },
}

#[derive(Debug)]
enum State {
    Above,
    /// The rows of the header so far.
    Header(Vec<Vec<String>>),
    Below,
}

/// A column whose empty cells take the text above.
#[derive(Debug)]
struct Filled {
    at: usize,
    above: Option<Cell>,
}

/// A column made of titles.
#[derive(Debug)]
struct Title {
    text: String,
    is_found: bool,
}

/// Tells the rows of a file from its other lines.
#[derive(Debug)]
pub struct Shaper {
    shape: Arc<Shape>,
    start: Start,
    delimiter: char,
    state: State,
    header: Vec<String>,
    /// Columns of the file, without those of titles.
    n_columns: usize,
    filled: Vec<Filled>,
    titles: Vec<Title>,
    /// Lines that may be the last.
    waiting: VecDeque<RawLine>,
    has_ended: bool,
    first_lines: Vec<String>,
    n_left_out: u64,
    n_mended: u64,
}

impl Shaper {
    /// For a file whose cells are apart by `delimiter`. Patterns see the texts of a line with it
    /// between them.
    ///
    /// # Errors
    ///
    /// If the names are known, and do not fit the shape.
    pub fn new(shape: Arc<Shape>, start: Start, delimiter: char) -> Result<Self, ShapeError> {
        let no_title = || Title { text: String::new(), is_found: false };
        let titles = shape.titles.iter().map(|_| no_title()).collect();
        let mut shaper = Self {
            shape,
            start,
            delimiter,
            state: State::Above,
            header: Vec::new(),
            n_columns: 0,
            filled: Vec::new(),
            titles,
            waiting: VecDeque::new(),
            has_ended: false,
            first_lines: Vec::new(),
            n_left_out: 0,
            n_mended: 0,
        };
        if let Start::Names(names) = &mut shaper.start {
            let names = std::mem::take(names);
            shaper.name(names)?;
        }
        Ok(shaper)
    }

    /// What the layout says.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The names of the columns, those of titles last; `None` as long as they are not known.
    pub fn header(&self) -> Option<&[String]> {
        matches!(self.state, State::Below).then_some(&self.header[..])
    }

    /// The columns of the file, without those of titles; 0 as long as they are not known.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Lines so far that are neither rows nor of the header.
    pub fn n_left_out(&self) -> u64 {
        self.n_left_out
    }

    /// Rows so far that had another number of fields than the header, and were mended.
    pub fn n_mended(&self) -> u64 {
        self.n_mended
    }

    /// Counts lines that were left out before they were read.
    pub fn leave_out(&mut self, n_lines: u64) {
        self.n_left_out += n_lines;
    }

    /// Takes the next line of the file. The rows that are now known go to `rows`.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if the header is not as the shape says.
    pub fn take(&mut self, line: RawLine, rows: &mut ShapedRows) -> Result<(), ShapeError> {
        if (!line.is_unclosed && line.n_filled() == 0) || self.is_comment(&line) {
            self.n_left_out += line.n_lines;
            return Ok(());
        }
        match &mut self.state {
            State::Above => self.above(line, rows),
            State::Header(names) => {
                names.push(names_of(&line));
                self.end_header()
            }
            State::Below => {
                self.below(line, rows);
                Ok(())
            }
        }
    }

    /// The file ends here.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if something that the shape says was nowhere.
    pub fn finish(&mut self) -> Result<(), ShapeError> {
        self.n_left_out += self.waiting.drain(..).map(|line| line.n_lines).sum::<u64>();
        match &self.state {
            State::Above => return Err(self.no_header()),
            State::Header(_) => {
                return Err(ShapeError::CutHeader { expected: self.shape.header.n_rows });
            }
            State::Below => {}
        }
        let mut titles = self.shape.titles.iter().zip(&self.titles);
        match titles.find(|(_, title)| !title.is_found) {
            Some(((name, pattern), _)) => {
                Err(ShapeError::NoTitle { name: name.clone(), pattern: pattern.to_string() })
            }
            None => Ok(()),
        }
    }

    fn is_comment(&self, line: &RawLine) -> bool {
        self.shape.comment.as_ref().is_some_and(|mark| line.raw.starts_with(mark.as_bytes()))
    }

    /// Where the header begins, or the rows if there is none.
    fn first(&self) -> u64 {
        let of_start = match self.start {
            Start::Header(line) | Start::Rows { from: line, .. } => line,
            Start::Names(_) => 1,
        };
        match (self.shape.header.line, &self.shape.header.pattern) {
            (Some(line), _) => line,
            (None, Some(_)) => 1,
            (None, None) => of_start,
        }
    }

    fn no_header(&self) -> ShapeError {
        match &self.shape.header.pattern {
            Some(pattern) => ShapeError::NoHeader {
                pattern: pattern.to_string(),
                first: self.first_lines.clone(),
            },
            None => ShapeError::TooShort { line: self.first() },
        }
    }

    /// A line above the rows.
    fn above(&mut self, line: RawLine, rows: &mut ShapedRows) -> Result<(), ShapeError> {
        let text = line.text(self.delimiter);
        if self.first_lines.len() < FIRST_LINES {
            self.first_lines.push(String::from_utf8_lossy(&line.raw).into_owned());
        }
        let is_reached = line.number >= self.first();
        let HeaderShape { line: told, pattern, .. } = &self.shape.header;
        let is_like = pattern.as_ref().is_none_or(|pattern| {
            pattern.find(&text).is_some()
                || pattern.find(&String::from_utf8_lossy(&line.raw)).is_some()
        });
        if !is_reached || !is_like {
            self.find_titles(&text);
            self.n_left_out += line.n_lines;
            return Ok(());
        }
        if let (Some(told), None) = (*told, pattern)
            && told != line.number
        {
            return Err(ShapeError::NoLine { line: told });
        }
        if let Start::Rows { n_columns, .. } = self.start {
            self.name((1..=n_columns).map(numbered).collect())?;
            self.below(line, rows);
            return Ok(());
        }
        self.state = State::Header(vec![names_of(&line)]);
        self.end_header()
    }

    /// Takes the names of columns from the header, once all of it is there.
    fn end_header(&mut self) -> Result<(), ShapeError> {
        let State::Header(lines) = &self.state else { return Ok(()) };
        if lines.len() < self.shape.header.n_rows {
            return Ok(());
        }
        let names = joined(lines, &self.shape.header.join);
        self.name(names)
    }

    /// The columns of the file have these names.
    fn name(&mut self, mut names: Vec<String>) -> Result<(), ShapeError> {
        self.filled.clear();
        for column in &self.shape.fill_down {
            let places = names.iter().enumerate().filter(|(_, name)| *name == column);
            let places: Vec<usize> = places.map(|(at, _)| at).collect();
            match places[..] {
                [at] => self.filled.push(Filled { at, above: None }),
                _ => {
                    return Err(ShapeError::NoColumn {
                        column: column.clone(),
                        n: places.len(),
                        header: names.join(", "),
                    });
                }
            }
        }
        self.n_columns = names.len();
        for (name, _) in &self.shape.titles {
            if names.contains(name) {
                return Err(ShapeError::TitleIsColumn { name: name.clone() });
            }
        }
        names.extend(self.shape.titles.iter().map(|(name, _)| name.clone()));
        self.header = names;
        self.state = State::Below;
        Ok(())
    }

    /// Sets the titles that are in a line; whether there is one.
    fn find_titles(&mut self, text: &str) -> bool {
        let mut has_one = false;
        for ((_, pattern), title) in self.shape.titles.iter().zip(&mut self.titles) {
            if let Some(found) = pattern.find(text) {
                found.clone_into(&mut title.text);
                title.is_found = true;
                has_one = true;
            }
        }
        has_one
    }

    /// A line below the header, which may be one of the last.
    fn below(&mut self, line: RawLine, rows: &mut ShapedRows) {
        self.waiting.push_back(line);
        if self.waiting.len() > self.shape.skip_last
            && let Some(line) = self.waiting.pop_front()
        {
            self.settle(line, rows);
        }
    }

    /// A line below the header that is not one of the last.
    fn settle(&mut self, line: RawLine, rows: &mut ShapedRows) {
        let is_footer = |line: &RawLine| {
            let first = line.cells.first().map(Cell::lossy).unwrap_or_default();
            self.shape.footer.as_ref().is_some_and(|footer| footer.find(first.trim()).is_some())
        };
        self.has_ended = self.has_ended || is_footer(&line);
        let is_alone = !line.is_unclosed && line.n_filled() == 1 && !self.titles.is_empty();
        if self.has_ended || (is_alone && self.find_titles(line.text(self.delimiter).trim())) {
            self.n_left_out += line.n_lines;
            return;
        }
        self.row(line, rows);
    }

    /// Makes a row of a line.
    fn row(&mut self, line: RawLine, rows: &mut ShapedRows) {
        let RawLine { number, raw, mut cells, is_unclosed, .. } = line;
        let (found, expected) = (cells.len(), self.n_columns);
        let damage = if is_unclosed {
            Some(RowDamage::Unclosed)
        } else if found == expected {
            None
        } else {
            let is_mended = match self.shape.ragged {
                Ragged::Reject => false,
                Ragged::Fill => found < expected,
                Ragged::Cut => cells.iter().skip(expected).all(Cell::is_empty) && found > expected,
            };
            self.n_mended += u64::from(is_mended);
            (!is_mended).then_some(RowDamage::Cells { found, expected })
        };
        cells.resize_with(expected, Cell::default);
        for filled in &mut self.filled {
            // Which cell is which is not known in a damaged row: nothing is taken from it, nor from
            // above it.
            if damage.is_some() {
                filled.above = None;
                continue;
            }
            let cell = &mut cells[filled.at];
            match &filled.above {
                Some(above) if cell.is_empty() => cell.clone_from(above),
                None if cell.is_empty() => {}
                _ => filled.above = Some(cell.clone()),
            }
        }
        cells.extend(self.titles.iter().map(|title| Cell::of_text(title.text.as_bytes())));
        rows.push(number, &raw, &cells, damage);
    }
}

/// The name of a column without one, counted from 1.
fn numbered(at: usize) -> String {
    format!("column {at}")
}

/// The texts of a line of the header.
fn names_of(line: &RawLine) -> Vec<String> {
    let name = |cell: &Cell| cell.lossy().trim_start_matches('\u{feff}').trim().to_owned();
    line.cells.iter().map(name).collect()
}

/// The names of columns from the rows of a header. In all rows but the last an empty cell has the
/// text to its left, as a cell that spans columns is written.
fn joined(rows: &[Vec<String>], join: &str) -> Vec<String> {
    let Some((last, above)) = rows.split_last() else { return Vec::new() };
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut lefts = vec![""; above.len()];
    let mut names = Vec::with_capacity(n_columns);
    for at in 0..n_columns {
        let mut parts: Vec<&str> = Vec::with_capacity(rows.len());
        for (left, row) in lefts.iter_mut().zip(above) {
            if let Some(text) = row.get(at).filter(|text| !text.is_empty()) {
                *left = text.as_str();
            }
            parts.push(*left);
        }
        parts.extend(last.get(at).map(String::as_str));
        parts.retain(|part| !part.is_empty());
        names.push(match parts.is_empty() {
            true => numbered(at + 1),
            false => parts.join(join),
        });
    }
    names
}

#[cfg(test)]
mod tests;
