//! Text, cut after whole rows into blocks.

use super::block::{Block, Buffers, PIECE_BYTES};
use super::fault::unreadable;
use super::sniff::{self, SAMPLE_BYTES, Shape};
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use project::bounded::{self, BoundedRows, LongRow};
use project::read_options::{Delimiter, ReadOptions};
use std::io::{Cursor, Read};
use trade::text::{Rest, Rows};
use trade::{Dialect, Marks};

/// Where the names of columns are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// The first row has them.
    Header,
    /// They are the numbers of the columns.
    Numbers,
}

/// Reads the blocks of a text.
pub(super) struct TextBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    input: BoundedRows<Box<dyn Read + Send>>,
    dialect: Dialect,
    /// The characters of the blocks.
    pub(super) encoding: &'static Encoding,
    /// Whether lines end with CR alone.
    is_cr_only: bool,
    /// What was read beyond the last block.
    rest: Vec<u8>,
    /// What is in it.
    marks: Marks,
    buffers: Buffers,
    line: u64,
    is_done: bool,
    /// Whether rows end with a delimiter that the header lacks.
    pub(super) has_trailing: bool,
    /// What it was taken for.
    pub(super) seen: String,
}

/// A text of which a sample was read.
struct Begun {
    text: TextBlocks,
    may_be_more: bool,
    /// The encoding of its bytes, which are decoded if rows cannot be told apart in it.
    name: &'static Encoding,
}

/// What a text was taken for, in words.
fn said(shape: &Shape, encoding: &'static Encoding, names: Names) -> String {
    let delimiter = Delimiter(shape.dialect.delimiter);
    let mut said = format!("{}, delimiter `{delimiter}`", encoding.name().to_ascii_lowercase());
    match (names, shape.n_above) {
        (Names::Header, 0) => {}
        (Names::Header, n) => said = format!("{said}, header in line {}", n + 1),
        (Names::Numbers, n) => said = format!("{said}, no header, rows from line {}", n + 1),
    }
    if shape.has_trailing {
        said += ", a delimiter at the end of every row";
    }
    said
}

impl TextBlocks {
    /// Begins to read: as `options` tell, and as the first bytes look.
    pub(super) fn open(
        input: Box<dyn Read + Send>,
        options: &ReadOptions,
        buffers: &Buffers,
    ) -> Result<Self, String> {
        let Begun { mut text, mut may_be_more, name } = Self::begin(input, options, buffers)?;
        let encoding = text.encoding;
        let names = match options.header {
            Some(false) => Names::Numbers,
            None | Some(true) => Names::Header,
        };
        let shape = sniff::shape(&encoding.decode_without_bom_handling(&text.rest).0, options);
        text.leave_out(shape.n_above);
        if text.rest.is_empty() && may_be_more {
            return Err(format!(
                "the first {} lines are left out, and its first MiB has no more: expected the \
                 header there (`skip`)",
                shape.n_above
            ));
        }
        text.dialect = shape.dialect;
        text.has_trailing = shape.has_trailing;
        text.seen = said(&shape, name, names);
        let dialect = text.dialect;
        text.header = loop {
            let after = if may_be_more { Rest::More } else { Rest::Nothing };
            match dialect.whole_rows(&text.rest, after) {
                Some(end) => break text.take_header(end, names),
                None => {
                    let n = text.rest.len();
                    text.check_row()?;
                    may_be_more = fill(&mut text.input, &mut text.rest, 2 * n)
                        .map_err(|error| in_header(error, &text.rest))?;
                    text.mend(n);
                }
            }
        };
        if text.header.iter().all(|name| name.trim().is_empty()) {
            let line = shape.n_above + 1;
            return Err(format!(
                "line {line}: expected the names of the columns (`skip`, `header`)"
            ));
        }
        text.marks.add(&text.rest, dialect);
        Ok(text)
    }

    /// Begins to read all lines, those above the header too: blocks begin with the first line.
    /// `look` says what a sample of the text is like.
    pub(super) fn open_lines(
        input: Box<dyn Read + Send>,
        options: &ReadOptions,
        buffers: &Buffers,
        look: impl FnOnce(&str) -> Shape,
    ) -> Result<(Self, Shape), String> {
        let Begun { mut text, name, .. } = Self::begin(input, options, buffers)?;
        let shape = look(&text.encoding.decode_without_bom_handling(&text.rest).0);
        text.dialect = shape.dialect;
        text.has_trailing = shape.has_trailing;
        let above = Shape { n_above: 0, ..shape.clone() };
        text.seen = said(&above, name, Names::Header);
        text.marks.add(&text.rest, text.dialect);
        Ok((text, shape))
    }

    /// Reads a sample in an encoding in which rows can be told apart.
    fn begin(
        mut input: Box<dyn Read + Send>,
        options: &ReadOptions,
        buffers: &Buffers,
    ) -> Result<Begun, String> {
        let mut rest = Vec::new();
        fill(&mut input, &mut rest, PIECE_BYTES).map_err(unreadable)?;
        let marked = Encoding::for_bom(&rest);
        if let Some((_, n)) = marked {
            rest.drain(..n);
        }
        let mut known = marked.map(|(encoding, _)| encoding);
        known = known.or(options.encoding.map(|told| told.0)).or_else(|| sniff::utf16(&rest));
        let name = known.filter(|encoding| !encoding.is_ascii_compatible());
        if let Some(encoding) = name {
            // Rows cannot be told apart before it is decoded.
            let decoder = DecodeReaderBytesBuilder::new()
                .encoding(Some(encoding))
                .bom_sniffing(false)
                .clone();
            let raw = Cursor::new(std::mem::take(&mut rest)).chain(input);
            input = Box::new(decoder.build(raw));
            known = Some(encoding_rs::UTF_8);
        }
        // What was looked at is read again, so that it counts.
        let whole = Cursor::new(std::mem::take(&mut rest)).chain(input);
        let mut input = BoundedRows::new(Box::new(whole) as Box<dyn Read + Send>, buffers.limit);
        let sampled = fill(&mut input, &mut rest, SAMPLE_BYTES);
        let may_be_more = sampled.map_err(|error| in_header(error, &rest))?;
        if rest.trim_ascii().is_empty() {
            return Err("it is empty: expected a header and rows".to_owned());
        }
        let encoding = known.unwrap_or_else(|| sniff::encoding(&rest));
        let mut text = Self {
            header: Vec::new(),
            input,
            dialect: Dialect { delimiter: b',', quote: None, n_columns: 0 },
            encoding,
            is_cr_only: !rest.contains(&b'\n') && rest.contains(&b'\r'),
            is_done: false,
            rest,
            marks: Marks::default(),
            buffers: buffers.clone(),
            line: 1,
            has_trailing: false,
            seen: String::new(),
        };
        text.mend(0);
        Ok(Begun { text, may_be_more, name: name.unwrap_or(encoding) })
    }

    /// The names of the columns, from the rows before `end`. A header is taken off the rest.
    fn take_header(&mut self, end: usize, names: Names) -> Vec<String> {
        let text = self.encoding.decode_without_bom_handling(&self.rest[..end]).0;
        let mut rows = Rows::new(text.as_bytes(), self.dialect, 1);
        let mut fields = Vec::new();
        if rows.next_row(&mut fields).is_none() {
            return Vec::new();
        }
        if names == Names::Numbers {
            let n = fields.len() - usize::from(self.has_trailing);
            return (1..=n).map(|at| format!("column {at}")).collect();
        }
        let header = fields.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
        // Its length is taken from the bytes of the file, not of the decoded text.
        let mut raw = Rows::new(&self.rest[..end], self.dialect, self.line);
        raw.next_row(&mut Vec::new());
        self.line = raw.line();
        let n = raw.position();
        self.rest.drain(..n);
        header
    }

    /// Leaves out lines above the header.
    fn leave_out(&mut self, n_lines: usize) {
        let Some(last) = n_lines.checked_sub(1) else { return };
        let end = memchr::memchr_iter(b'\n', &self.rest).nth(last);
        self.rest.drain(..end.map_or(self.rest.len(), |at| at + 1));
        self.line += n_lines as u64;
    }

    /// Makes LF of the CR of a text that ends its lines so, from byte `from` on.
    fn mend(&mut self, from: usize) {
        if self.is_cr_only {
            self.rest[from..].iter_mut().filter(|byte| **byte == b'\r').for_each(|b| *b = b'\n');
        }
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        if self.is_done {
            return Ok(None);
        }
        // The memory of a block is large and goes with it; what is read beyond it needs little.
        let mut rest = std::mem::replace(&mut self.rest, self.buffers.take());
        self.rest.extend_from_slice(&rest);
        rest.clear();
        let mut size = self.buffers.n_bytes;
        loop {
            let after = if self.fill(size)? { Rest::More } else { Rest::Nothing };
            let dialect = match self.marks.has_quote {
                true => self.dialect,
                false => Dialect { quote: None, ..self.dialect },
            };
            let Some(end) = dialect.whole_rows(&self.rest, after) else {
                self.check_row()?;
                size *= 2;
                continue;
            };
            if end > self.buffers.limit.bytes() && dialect.quote.is_some() {
                self.check_rows(end, dialect)?;
            }
            self.is_done = after == Rest::Nothing;
            if end == 0 {
                return Ok(None);
            }
            rest.extend_from_slice(&self.rest[end..]);
            let mut text = std::mem::replace(&mut self.rest, rest);
            text.truncate(end);
            let Marks { n_lines, has_nul, .. } = std::mem::take(&mut self.marks);
            self.marks.add(&self.rest, self.dialect);
            let line = self.line;
            self.line += n_lines - self.marks.n_lines;
            return Ok(Some(Block::Text { text, line, dialect, has_nul }));
        }
    }

    /// Whether the rest, of which not even one row is whole, is not too long for one: its quoted
    /// fields may have line ends.
    fn check_row(&self) -> Result<(), String> {
        let limit = self.buffers.limit;
        match self.rest.len() > limit.bytes() {
            true => Err(too_long(self.line, LongRow(limit))),
            false => Ok(()),
        }
    }

    /// The same of each of whole rows.
    fn check_rows(&self, end: usize, dialect: Dialect) -> Result<(), String> {
        let limit = self.buffers.limit;
        let mut rows = Rows::new(&self.rest[..end], dialect, self.line);
        let mut fields = Vec::new();
        while let Some(row) = rows.next_row(&mut fields) {
            if row.raw.len() > limit.bytes() {
                return Err(too_long(row.line, LongRow(limit)));
            }
            fields.clear();
        }
        Ok(())
    }

    /// Reads until the rest has `size` bytes; whether there may be more.
    fn fill(&mut self, size: usize) -> Result<bool, String> {
        while self.rest.len() < size {
            let from = self.rest.len();
            let piece = PIECE_BYTES.min(size - from);
            let read = fill(&mut self.input, &mut self.rest, from + piece);
            let n_lines = self.marks.n_lines;
            let may_be_more = read.map_err(|error| fault(error, self.line + n_lines))?;
            self.mend(from);
            self.marks.add(&self.rest[from..], self.dialect);
            if !may_be_more {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn too_long(line: u64, row: LongRow) -> String {
    format!("line {line}: {row}")
}

/// What is wrong in line `line` of a text.
fn fault(error: std::io::Error, line: u64) -> String {
    match bounded::long_row(&error) {
        Some(long) => too_long(line, long),
        None => unreadable(error),
    }
}

/// What is wrong at the end of what was read of a text before its rows.
fn in_header(error: std::io::Error, read: &[u8]) -> String {
    fault(error, 1 + line_ends(read))
}

fn line_ends(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Reads until `buffer` has `size` bytes; whether there may be more.
fn fill(input: &mut dyn Read, buffer: &mut Vec<u8>, size: usize) -> std::io::Result<bool> {
    let mut n = buffer.len();
    buffer.resize(size.max(n), 0);
    while n < buffer.len() {
        match input.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                buffer.truncate(n);
                return Err(error);
            }
        }
    }
    let is_full = n == buffer.len();
    buffer.truncate(n);
    Ok(is_full)
}
