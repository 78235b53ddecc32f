//! Files whose layout says which lines are rows: all of their lines go through a
//! [`trade::shape::Shaper`], one after the other, and what it makes of them is read in blocks.

use super::block::{Block, Buffers, Stored};
use super::cells::{decode, texts};
use super::excel_blocks::{self, Sheet};
use super::fault::caught;
use super::sheet::{self, SheetRow};
use super::sniff;
use super::text_blocks::TextBlocks;
use super::words::{all_named, named};
use arrow::array::{Array, BinaryArray};
use project::layout_file::without_effect;
use project::printable::printable;
use project::read_options::{Form, ReadOptions};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use trade::Pattern;
use trade::shape::{
    Cell, CellKind, HeaderShape, RawLine, Shape, ShapeError, ShapedRows, Shaper, Start,
};
use trade::text::Rows;

/// Bytes of a text that are gone through at a time.
const TEXT_BYTES: usize = 1 << 20;

/// Bytes of rows of a block, about.
const BLOCK_BYTES: usize = 8 << 20;

/// Rows of a sheet that are gone through at a time.
const SHEET_ROWS: usize = 4096;

/// Characters of a line that an error shows.
const LINE_CHARACTERS: usize = 60;

/// Gives the next block of a table; `None` at the end.
pub(super) type NextBlock = Box<dyn FnMut() -> Result<Option<Block>, String> + Send>;

/// Where lines come from.
enum Lines {
    /// From a text.
    Text(Box<TextBlocks>),
    /// From a sheet with cells in these columns.
    Sheet { rows: std::vec::IntoIter<SheetRow>, columns: Vec<u32>, next: u64 },
    /// From the rows of a table.
    Table(NextBlock),
}

/// Reads the rows of a file as a layout shapes them.
pub(super) struct ShapedBlocks {
    /// The names of the columns, those of titles last.
    pub(super) header: Vec<String>,
    /// The form of the file.
    pub(super) form: Form,
    /// What it was taken for.
    pub(super) seen: String,
    lines: Lines,
    shaper: Shaper,
    /// Rows of the next block.
    rows: ShapedRows,
    n_bytes: usize,
    /// Lines that were left out and rows that were mended, up to the last block.
    n_left_out: u64,
    n_mended: u64,
    is_done: bool,
}

impl ShapedBlocks {
    /// Begins to read a text: as `options` tell, and as the first bytes look.
    pub(super) fn of_text(
        input: Box<dyn Read + Send>,
        options: &ReadOptions,
        shape: &Arc<Shape>,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        let pieces = buffers.clone().of_blocks(TEXT_BYTES);
        let look = |sample: &str| seen_in(sample, options, shape);
        let (text, look) = TextBlocks::open_lines(input, options, &pieces, look)?;
        let first = look.n_above as u64 + 1;
        let start = match options.header {
            Some(false) => Start::Rows {
                from: first,
                n_columns: look.dialect.n_columns - usize::from(look.has_trailing),
            },
            None | Some(true) => Start::Header(first),
        };
        let delimiter = char::from(look.dialect.delimiter);
        let seen = text.seen.clone();
        Self::open(Form::Csv, seen, Lines::Text(Box::new(text)), shape, (start, delimiter), buffers)
    }

    /// Begins to read the sheet that `options` names, or the first with cells, of the workbook at
    /// `path`.
    pub(super) fn of_workbook(
        path: &Path,
        options: &ReadOptions,
        shape: &Arc<Shape>,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        check(shape, Form::Excel)?;
        let Sheet { rows, name, others, unstored } =
            caught(|| excel_blocks::sheet_of(path, options))?;
        let name = named(&name);
        let start = sheet::start(&rows, options).map_err(|why| format!("sheet {name}: {why}"))?;
        let first = rows.get(start).map_or(1, |row| row.number);
        let columns: BTreeSet<u32> =
            rows.iter().flat_map(SheetRow::cells).map(|cell| cell.column).collect();
        let start = match options.header {
            Some(false) => Start::Rows { from: first, n_columns: columns.len() },
            None | Some(true) => Start::Header(first),
        };
        let mut seen = format!("sheet {name}{unstored}");
        if !others.is_empty() {
            seen = format!("{seen}; not sheet {}", all_named(others.iter().map(String::as_str)));
        }
        let columns = columns.into_iter().collect();
        let lines = Lines::Sheet { rows: rows.into_iter(), columns, next: 1 };
        Self::open(Form::Excel, seen, lines, shape, (start, ','), buffers)
    }

    /// Begins to read a table of a form in which columns have names, from its blocks.
    pub(super) fn of_table(
        form: Form,
        names: Vec<String>,
        seen: String,
        blocks: NextBlock,
        shape: &Arc<Shape>,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        check(shape, form)?;
        Self::open(form, seen, Lines::Table(blocks), shape, (Start::Names(names), ','), buffers)
    }

    fn open(
        form: Form,
        seen: String,
        lines: Lines,
        shape: &Arc<Shape>,
        (start, delimiter): (Start, char),
        buffers: &Buffers,
    ) -> Result<Self, String> {
        let shaper = Shaper::new(Arc::clone(shape), start, delimiter).map_err(|e| said(&e))?;
        let mut blocks = Self {
            header: Vec::new(),
            form,
            seen,
            lines,
            shaper,
            rows: ShapedRows::default(),
            n_bytes: buffers.n_bytes.min(BLOCK_BYTES),
            n_left_out: 0,
            n_mended: 0,
            is_done: false,
        };
        while blocks.shaper.header().is_none() && blocks.advance()? {}
        blocks.header = blocks.shaper.header().unwrap_or_default().to_vec();
        Ok(blocks)
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        while self.rows.n_bytes() < self.n_bytes && self.advance()? {}
        let (n_left_out, n_mended) = (self.shaper.n_left_out(), self.shaper.n_mended());
        let block = Block::Shaped {
            rows: std::mem::take(&mut self.rows),
            n_left_out: n_left_out - std::mem::replace(&mut self.n_left_out, n_left_out),
            n_mended: n_mended - std::mem::replace(&mut self.n_mended, n_mended),
        };
        let is_empty = matches!(
            &block,
            Block::Shaped { rows, n_left_out: 0, n_mended: 0 } if rows.n_rows() == 0
        );
        Ok((!is_empty).then_some(block))
    }

    /// Goes through more lines; whether there may be more.
    fn advance(&mut self) -> Result<bool, String> {
        if self.is_done {
            return Ok(false);
        }
        let Self { lines, shaper, rows, .. } = self;
        let has_more = match lines {
            Lines::Text(text) => of_text(text, shaper, rows)?,
            Lines::Sheet { rows: from, columns, next } => {
                of_sheet(from, columns, next, shaper, rows)?
            }
            Lines::Table(next_block) => of_table(next_block, shaper, rows)?,
        };
        if !has_more {
            self.is_done = true;
            self.shaper.finish().map_err(|error| said(&error))?;
        }
        Ok(has_more)
    }
}

/// Refuses a key that has no effect on files of a form.
fn check(shape: &Shape, form: Form) -> Result<(), String> {
    match without_effect(shape, form) {
        Some(key) => Err(no_effect(key, form)),
        None => Ok(()),
    }
}

/// That a key of a layout has no effect on files of a form.
pub(super) fn no_effect(key: &str, form: Form) -> String {
    format!(
        "it is {}, on which `{key}` of the layout has no effect: leave the key out",
        form.name()
    )
}

/// What is wrong with the lines of a file, in words.
fn said(error: &ShapeError) -> String {
    match error {
        ShapeError::NoHeader { first, .. } if !first.is_empty() => {
            let first: Vec<String> = first
                .iter()
                .map(|line| format!("`{}`", printable(line, LINE_CHARACTERS)))
                .collect();
            format!("{error}: its first lines are {}", first.join(", "))
        }
        error => printable(&error.to_string(), 400),
    }
}

/// What the text of a sample is like, from its header on: what stands above it shows nothing.
fn seen_in(sample: &str, options: &ReadOptions, shape: &Shape) -> sniff::Shape {
    let is_comment =
        |line: &str| shape.comment.as_ref().is_some_and(|mark| line.starts_with(mark.as_str()));
    let HeaderShape { line, pattern, .. } = &shape.header;
    let from = line.and_then(|line| usize::try_from(line - 1).ok()).unwrap_or(0);
    let is_header = |pattern: &Pattern| {
        let mut lines = sample.lines().enumerate().skip(from);
        lines.find(|(_, line)| !is_comment(line) && pattern.find(line).is_some()).map(|(at, _)| at)
    };
    // Where a header is known only by its cells, these are not known yet.
    let known = match pattern {
        Some(pattern) => is_header(pattern),
        None => line.map(|_| from).or(options.skip),
    };
    let (mut text, mut places) = (String::with_capacity(sample.len()), Vec::new());
    for (at, line) in sample.split_inclusive('\n').enumerate().skip(known.unwrap_or(0)) {
        if !is_comment(line) {
            text.push_str(line);
            places.push(at);
        }
    }
    let skip = known.map(|_| 0);
    let look = sniff::shape(&text, &ReadOptions { skip, ..options.clone() });
    let n_above = places.get(look.n_above).copied().unwrap_or(known.unwrap_or(0) + look.n_above);
    sniff::Shape { n_above, ..look }
}

/// Takes the lines of the next piece of a text; whether there was one.
fn of_text(
    text: &mut TextBlocks,
    shaper: &mut Shaper,
    rows: &mut ShapedRows,
) -> Result<bool, String> {
    let Some(Block::Text { text: piece, line, dialect, .. }) = text.next_block()? else {
        return Ok(false);
    };
    let decoded = decode(&piece, text.encoding);
    let comment = shaper.shape().comment.clone().unwrap_or_default();
    let mut lines = Rows::new(&decoded, dialect, line);
    let mut fields: Vec<Cow<'_, [u8]>> = Vec::new();
    loop {
        let next = lines.line();
        if lines.next_line_with(comment.as_bytes()).is_some() {
            shaper.leave_out(lines.line() - next);
            continue;
        }
        fields.clear();
        let row = lines.next_row(&mut fields);
        // What was passed over is blank.
        shaper.leave_out(row.map_or(lines.line(), |row| row.line) - next);
        let Some(row) = row else { return Ok(true) };
        let is_extra = |fields: &[Cow<'_, [u8]>]| {
            fields.len() == shaper.n_columns() + 1 && fields.last().is_some_and(|f| f.is_empty())
        };
        if text.has_trailing && is_extra(&fields) {
            fields.pop();
        }
        let line = RawLine {
            number: row.line,
            n_lines: lines.line() - row.line,
            raw: row.raw.to_vec(),
            cells: fields.iter().map(|field| Cell::of_text(field)).collect(),
            is_unclosed: row.is_unclosed,
        };
        shaper.take(line, rows).map_err(|error| said(&error))?;
    }
}

/// Takes the next rows of a sheet, of which `next` is to come; whether there were some.
fn of_sheet(
    from: &mut std::vec::IntoIter<SheetRow>,
    columns: &[u32],
    next: &mut u64,
    shaper: &mut Shaper,
    rows: &mut ShapedRows,
) -> Result<bool, String> {
    let mut has_some = false;
    for row in from.take(SHEET_ROWS) {
        has_some = true;
        let mut of_row = row.cells().peekable();
        let cell = |column: &u32| {
            while of_row.next_if(|cell| cell.column < *column).is_some() {}
            match of_row.next_if(|cell| cell.column == *column) {
                Some(cell) => Cell {
                    text: cell.text.as_bytes().to_vec(),
                    kind: if cell.is_number { CellKind::Number } else { CellKind::Text },
                },
                None => Cell::default(),
            }
        };
        let cells: Vec<Cell> = columns.iter().map(cell).collect();
        shaper.leave_out(row.number.saturating_sub(*next));
        *next = row.number + 1;
        take_row(row.number, cells, shaper, rows)?;
    }
    Ok(has_some)
}

/// Takes the rows of the next block of a table; whether there was one.
fn of_table(
    next_block: &mut NextBlock,
    shaper: &mut Shaper,
    rows: &mut ShapedRows,
) -> Result<bool, String> {
    let Some(Block::Table { rows: block, row: first, stored }) = next_block()? else {
        return Ok(false);
    };
    let columns: Vec<BinaryArray> = texts(&block, &stored)?;
    for at in 0..block.num_rows() {
        let cell = |(column, stored): (&BinaryArray, &Stored)| Cell {
            text: if column.is_valid(at) { column.value(at).to_vec() } else { Vec::new() },
            kind: match stored {
                Stored::Text | Stored::Bytes(_) => CellKind::Text,
                Stored::Number => CellKind::Number,
                Stored::Single => CellKind::Single,
            },
        };
        let cells: Vec<Cell> = columns.iter().zip(&stored).map(cell).collect();
        take_row(first + at as u64, cells, shaper, rows)?;
    }
    Ok(true)
}

/// Takes a row of a table, whose raw text is its cells with commas between them.
fn take_row(
    number: u64,
    cells: Vec<Cell>,
    shaper: &mut Shaper,
    rows: &mut ShapedRows,
) -> Result<(), String> {
    let texts: Vec<&[u8]> = cells.iter().map(|cell| &cell.text[..]).collect();
    let raw = texts.join(&b","[..]);
    let line = RawLine { number, n_lines: 1, raw, cells, is_unclosed: false };
    shaper.take(line, rows).map_err(|error| said(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::io::Cursor;

    /// What begins with a text; it finds what follows that.
    fn begins(text: &'static str) -> Pattern {
        Pattern::new(&format!("^{text}(.*)")).expect("an expression")
    }

    /// The header, the rows as `line: cells`, and how many lines were left out.
    type Found = (String, Vec<String>, u64);

    fn of(
        text: &[u8],
        options: &ReadOptions,
        shape: Shape,
        n_bytes: usize,
    ) -> Result<Found, String> {
        let buffers = Buffers::default().of_blocks(n_bytes);
        let input = Box::new(Cursor::new(text.to_vec()));
        let mut blocks = ShapedBlocks::of_text(input, options, &Arc::new(shape), &buffers)?;
        let (mut found, mut n) = (Vec::new(), 0);
        while let Some(block) = blocks.next_block()? {
            let Block::Shaped { rows, n_left_out, .. } = block else { panic!("shaped rows") };
            n += n_left_out;
            for at in 0..rows.n_rows() {
                let cells: Vec<_> =
                    rows.cells(at).map(|(text, _)| String::from_utf8_lossy(text)).collect();
                found.push(format!("{}: {}", rows.line(at), cells.join("|")));
            }
        }
        Ok((blocks.header.join("|"), found, n))
    }

    #[test]
    fn lines_are_those_of_the_file_however_it_is_cut() {
        let mut text = "\u{feff}\"Title\",\"Exports; all\"\r\n\r\n# year;\"\r\n".to_owned();
        text += "\"\";\"year\";\"value\"\r\n\"HS 01\"\r\n";
        let rows = 80_000_u64;
        for row in 0..rows {
            let region = if row % 3 == 0 { "A" } else { "" };
            write!(text, "\"{region}\";\"20\n08\";{row}\r\n").expect("memory");
        }
        text += "\r\nSource: x\r\n\r\n";
        let shape = Shape {
            comment: Some("#".to_owned()),
            header: HeaderShape { pattern: Some(begins("\"\";")), ..HeaderShape::default() },
            footer: Some(begins("Source")),
            fill_down: vec!["column 1".to_owned()],
            titles: vec![("chapter".to_owned(), begins("HS "))],
            ..Shape::default()
        };
        for n_bytes in [1, 1000, 1 << 20] {
            let (header, found, n) =
                of(text.as_bytes(), &ReadOptions::default(), shape.clone(), n_bytes).expect("rows");
            assert_eq!(header, "column 1|year|value|chapter");
            assert_eq!(found.len() as u64, rows);
            for (at, row) in (0_u64..).zip(&found) {
                assert_eq!(*row, format!("{}: A|20\n08|{at}|01", 6 + 2 * at));
            }
            // The title, a blank line, a comment, the chapter, and three lines at the end.
            assert_eq!(n, 7);
        }
    }

    #[test]
    fn a_header_that_is_nowhere_is_an_error_with_the_first_lines() {
        let header = HeaderShape {
            pattern: Some(Pattern::new("year").expect("an expression")),
            ..HeaderShape::default()
        };
        let shape = Shape { header, ..Shape::default() };
        let error =
            of(b"a\x1b,b\n1,2\n", &ReadOptions::default(), shape, 1 << 20).expect_err("none");
        let expected =
            "no line matches `rows.header.match` `year`: its first lines are `a?,b`, `1,2`";
        assert_eq!(error, expected);
    }

    #[test]
    fn what_is_told_of_a_header_holds() {
        let skip = ReadOptions { skip: Some(2), ..ReadOptions::default() };
        let bare = ReadOptions { header: Some(false), ..ReadOptions::default() };
        let text = b"x\n#y\na;b\n#z\n1;2\n3;4;\n";
        let shape = || Shape { comment: Some("#".to_owned()), ..Shape::default() };
        let (header, rows, n) = of(text, &skip, shape(), 1 << 20).expect("rows");
        assert_eq!((header.as_str(), rows.len(), n), ("a|b", 2, 3));
        let (header, rows, n) = of(text, &ReadOptions::default(), shape(), 1 << 20).expect("rows");
        assert_eq!((header.as_str(), rows.len(), n), ("a|b", 2, 3));
        let (header, rows, n) = of(b"1;2\n#z\n3;4\n", &bare, shape(), 1 << 20).expect("rows");
        assert_eq!((header.as_str(), rows.len(), n), ("column 1|column 2", 2, 1));
    }

    #[test]
    fn a_delimiter_at_the_end_of_every_row_is_no_cell() {
        let shape = || Shape { comment: Some("#".to_owned()), ..Shape::default() };
        let text = b"a,b\n1,2,\n# x\n3,4,\n";
        let (header, rows, n) = of(text, &ReadOptions::default(), shape(), 1 << 20).expect("rows");
        assert_eq!((header.as_str(), n), ("a|b", 1));
        assert_eq!(rows, ["2: 1|2", "4: 3|4"]);
    }
}
