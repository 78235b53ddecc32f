//! Delimited text: where a block may be cut, and the fields of its rows.
//!
//! Rows end with LF or CRLF. A field that begins with a quote goes on to the next single quote, over
//! delimiters and line ends; two quotes stand for one. A quote elsewhere is plain text. A quoted field
//! that does not end within [`MAX_QUOTED`] bytes is a fault of its row, which then ends with its line, so
//! that one stray quote cannot swallow a file. So is one that goes over several lines each of which
//! has the fields of a whole row: two stray quotes do not swallow the rows between them.
//!
//! The text is in UTF-8 or another encoding in which the bytes of these marks stand for nothing else.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter, memrchr};
use std::borrow::Cow;

/// Bytes after which a quoted field is taken for a stray quote.
pub const MAX_QUOTED: usize = 1 << 16;

/// The marks of a delimited text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields that hold marks; `None`: quotes are plain text.
    pub quote: Option<u8>,
    /// Fields of a row; 0 where that is not known.
    pub n_columns: usize,
}

/// What follows a block of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Perhaps more of it.
    More,
    /// Nothing: the text is whole.
    Nothing,
}

enum Quoted {
    /// The place of the closing quote, and whether quotes are doubled inside.
    Ends(usize, bool),
    /// It does not close soon enough, or at all.
    Stray,
    /// The block ends before this can be told.
    Unknown,
}

impl Dialect {
    /// The end of the quoted field that opens with `quote` before `start`.
    fn closing(self, text: &[u8], start: usize, quote: u8, rest: Rest) -> Quoted {
        let limit = text.len().min(start + MAX_QUOTED);
        let (mut at, mut is_doubled) = (start, false);
        while let Some(found) = memchr(quote, &text[at..limit]) {
            at += found;
            match text.get(at + 1) {
                Some(&next) if next == quote => {
                    is_doubled = true;
                    at += 2;
                    if at > limit {
                        break;
                    }
                }
                None if rest == Rest::More => return Quoted::Unknown,
                _ => {
                    return match self.holds_rows(text, start, at, rest) {
                        Some(true) => Quoted::Stray,
                        Some(false) => Quoted::Ends(at, is_doubled),
                        None => Quoted::Unknown,
                    };
                }
            }
        }
        if limit == text.len() && rest == Rest::More { Quoted::Unknown } else { Quoted::Stray }
    }

    /// Whether each of the lines that the quoted field from `start` to `end` goes over has the
    /// delimiters of a whole row; `None` if the text ends before that can be told.
    fn holds_rows(self, text: &[u8], start: usize, end: usize, rest: Rest) -> Option<bool> {
        let is_one_line = memchr(b'\n', &text[start..end]).is_none();
        if is_one_line || self.n_columns < 2 {
            return Some(false);
        }
        let first = memrchr(b'\n', &text[..start]).map_or(0, |at| at + 1);
        let last = match memchr(b'\n', &text[end..]) {
            Some(found) => end + found,
            None if rest == Rest::More => return None,
            None => text.len(),
        };
        let is_row = |line: &[u8]| memchr_iter(self.delimiter, line).count() == self.n_columns - 1;
        Some(text[first..last].split(|byte| *byte == b'\n').all(is_row))
    }
}

impl Dialect {
    /// How much of `block`, which begins with a row, is whole rows; `None` if not even one is for sure.
    /// The last block of a file is whole.
    pub fn whole_rows(self, block: &[u8], rest: Rest) -> Option<usize> {
        if rest == Rest::Nothing {
            return Some(block.len());
        }
        let quote = self.quote.filter(|&quote| memchr(quote, block).is_some());
        let Some(quote) = quote else { return memrchr(b'\n', block).map(|at| at + 1) };
        let (mut at, mut end) = (0, None);
        while let Some(found) = memchr2(quote, b'\n', &block[at..]) {
            let place = at + found;
            at = place + 1;
            if block[place] == b'\n' {
                end = Some(at);
            } else if place == 0 || block[place - 1] == self.delimiter || block[place - 1] == b'\n'
            {
                match self.closing(block, at, quote, Rest::More) {
                    Quoted::Ends(close, _) => at = close + 1,
                    Quoted::Stray => {}
                    Quoted::Unknown => break,
                }
            }
        }
        end
    }
}

/// A row of a [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'t> {
    /// Its line, counted from 1 over the file.
    pub line: u64,
    /// The row as it stands, without its line end.
    pub raw: &'t [u8],
    /// Whether a quote opens in it that does not close, or closes behind what look like whole rows.
    pub is_unclosed: bool,
}

/// Reads the rows of a text one after the other, leaving out empty lines.
#[derive(Debug, Clone)]
pub struct Rows<'t> {
    pub(crate) text: &'t [u8],
    pub(crate) dialect: Dialect,
    pub(crate) has_quotes: bool,
    pub(crate) at: usize,
    pub(crate) line: u64,
}

impl<'t> Rows<'t> {
    /// The rows of `text`, whose first line is number `line` of its file.
    pub fn new(text: &'t [u8], dialect: Dialect, line: u64) -> Self {
        let has_quotes = dialect.quote.is_some_and(|quote| memchr(quote, text).is_some());
        Self { text, dialect, has_quotes, at: 0, line }
    }

    /// Number of the line to come.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Puts the fields of the next row after those in `fields`; `None` at the end.
    #[inline]
    pub fn next_row(&mut self, fields: &mut Vec<Cow<'t, [u8]>>) -> Option<Row<'t>> {
        let n_before = fields.len();
        loop {
            fields.truncate(n_before);
            let start = self.at;
            if start >= self.text.len() {
                return None;
            }
            let line = self.line;
            let (end, is_unclosed) = if self.has_quotes {
                self.fields_quoted(fields)
            } else {
                self.fields_plain(fields)
            };
            let raw = &self.text[start..end];
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            if !raw.is_empty() {
                return Some(Row { line, raw, is_unclosed });
            }
        }
    }

    /// Takes the next line that is not empty as it stands, whatever marks are in it, if it begins
    /// with `mark`. Empty lines before it are passed over in any case.
    pub fn next_line_with(&mut self, mark: &[u8]) -> Option<Row<'t>> {
        let text = self.text;
        let is_empty = |rest: &[u8]| rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
        while is_empty(&text[self.at..]) {
            self.at += 1 + usize::from(text[self.at] == b'\r');
            self.line += 1;
        }
        let rest = &text[self.at..];
        if mark.is_empty() || !rest.starts_with(mark) {
            return None;
        }
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let raw = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let row = Row { line: self.line, raw, is_unclosed: false };
        self.at = (self.at + end + 1).min(text.len());
        self.line += 1;
        Some(row)
    }

    fn fields_plain(&mut self, fields: &mut Vec<Cow<'t, [u8]>>) -> (usize, bool) {
        let text = self.text;
        let mut from = self.at;
        let mut end = text.len();
        for found in memchr2_iter(self.dialect.delimiter, b'\n', &text[self.at..]) {
            let place = self.at + found;
            if text[place] == b'\n' {
                end = place;
                break;
            }
            fields.push(Cow::Borrowed(&text[from..place]));
            from = place + 1;
        }
        let last = &text[from..end];
        fields.push(Cow::Borrowed(last.strip_suffix(b"\r").unwrap_or(last)));
        self.at = (end + 1).min(text.len());
        self.line += 1;
        (end, false)
    }

    fn fields_quoted(&mut self, fields: &mut Vec<Cow<'t, [u8]>>) -> (usize, bool) {
        let text = self.text;
        let quote = self.dialect.quote.unwrap_or(b'"');
        let mut from = self.at;
        let mut is_unclosed = false;
        loop {
            let mut value = None;
            let mut rest = from;
            if text.get(from) == Some(&quote) {
                match self.dialect.closing(text, from + 1, quote, Rest::Nothing) {
                    Quoted::Ends(close, is_doubled) => {
                        let inner = &text[from + 1..close];
                        self.line += memchr_iter(b'\n', inner).count() as u64;
                        value = Some(if is_doubled {
                            Cow::Owned(undouble(inner, quote))
                        } else {
                            Cow::Borrowed(inner)
                        });
                        rest = close + 1;
                    }
                    Quoted::Stray | Quoted::Unknown => is_unclosed = true,
                }
            }
            let stop = memchr2(self.dialect.delimiter, b'\n', &text[rest..])
                .map_or(text.len(), |found| rest + found);
            let is_last = text.get(stop) != Some(&self.dialect.delimiter);
            let mut tail = &text[rest..stop];
            if is_last {
                tail = tail.strip_suffix(b"\r").unwrap_or(tail);
            }
            fields.push(match value {
                None => Cow::Borrowed(tail),
                Some(value) if tail.is_empty() => value,
                // Text after the closing quote belongs to the field.
                Some(value) => Cow::Owned([&value[..], tail].concat()),
            });
            if !is_last {
                from = stop + 1;
                continue;
            }
            self.at = (stop + 1).min(text.len());
            self.line += 1;
            return (stop, is_unclosed);
        }
    }
}

fn undouble(text: &[u8], quote: u8) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(byte);
        if byte == quote {
            bytes.next();
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), n_columns: 0 };

    fn read(text: &[u8], line: u64) -> Vec<(u64, bool, Vec<String>)> {
        read_as(COMMA, text, line)
    }

    fn read_as(dialect: Dialect, text: &[u8], line: u64) -> Vec<(u64, bool, Vec<String>)> {
        let mut rows = Rows::new(text, dialect, line);
        let (mut fields, mut found) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next_row(&mut fields) {
            let texts =
                fields.drain(..).map(|f| String::from_utf8_lossy(&f).into_owned()).collect();
            found.push((row.line, row.is_unclosed, texts));
        }
        found
    }

    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let found = read(text.as_bytes(), 1);
        let found: Vec<(u64, Vec<&str>)> =
            found.iter().map(|(l, _, f)| (*l, f.iter().map(String::as_str).collect())).collect();
        let expected: Vec<(u64, Vec<&str>)> =
            expected.iter().map(|(l, f)| (*l, f.to_vec())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn rows_and_lines_of_all_kinds() {
        check("a,b\nc,d", &[(1, &["a", "b"]), (2, &["c", "d"])]);
        check("a,b\r\n\r\n\nc,\n", &[(1, &["a", "b"]), (4, &["c", ""])]);
        check("\"a,1\",b\n", &[(1, &["a,1", "b"])]);
        check("\"a\n1\",b\nc,d\n", &[(1, &["a\n1", "b"]), (3, &["c", "d"])]);
        check("\"a \"\"q\"\"\",b\n", &[(1, &["a \"q\"", "b"])]);
        check("5\" pipe,b\n", &[(1, &["5\" pipe", "b"])]);
        check("\"a\"x,b\n", &[(1, &["ax", "b"])]);
        check(",\n", &[(1, &["", ""])]);
    }

    #[test]
    fn stray_quote_spoils_its_own_row_only() {
        let found = read(b"a,\"b\nc,d\n", 1);
        assert_eq!(found[0], (1, true, vec!["a".to_owned(), "\"b".to_owned()]));
        assert_eq!(found[1], (2, false, vec!["c".to_owned(), "d".to_owned()]));
    }

    #[test]
    fn two_stray_quotes_do_not_swallow_the_rows_between_them() {
        let dialect = Dialect { n_columns: 3, ..COMMA };
        let read = |text: &str| {
            let mut rows = Rows::new(text.as_bytes(), dialect, 1);
            let (mut fields, mut found) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next_row(&mut fields) {
                found.push((row.line, row.is_unclosed, fields.len()));
                fields.clear();
            }
            found
        };
        let found = read("1,\" a,2\n3,b,4\n5,c \",6\n7,d,8\n");
        assert_eq!(found, [(1, true, 3), (2, false, 3), (3, false, 3), (4, false, 3)]);
        // A text of several lines is one, though a line of it may have as many delimiters.
        assert_eq!(read("1,\"a\nb,c,d\ne\",2\n3,f,4\n"), [(1, false, 3), (4, false, 3)]);
        assert_eq!(read("1,\"a\nb,\",2\n3,f,4\n"), [(1, false, 3), (3, false, 3)]);
    }

    #[test]
    fn lines_with_a_mark_are_taken_whatever_is_in_them() {
        let mut rows = Rows::new(b"#,\"a\r\nx,y\n# b", COMMA, 3);
        let line = rows.next_line_with(b"#").expect("a comment");
        assert_eq!((line.line, line.raw), (3, &b"#,\"a"[..]));
        assert_eq!(rows.next_line_with(b"#"), None);
        assert_eq!(rows.next_line_with(b""), None);
        let row = rows.next_row(&mut Vec::new()).expect("a row");
        assert_eq!((row.line, row.raw, row.is_unclosed), (4, &b"x,y"[..], false));
        assert_eq!(rows.next_line_with(b"#").map(|line| line.raw), Some(&b"# b"[..]));
        assert_eq!((rows.next_line_with(b"#"), rows.line()), (None, 6));
    }

    proptest! {
        // What is read does not depend on where the text was cut.
        #[test]
        fn cuts_change_nothing(
            marks in prop::collection::vec(prop::sample::select(&b"a1,,\"\"\n\n\r"[..]), 0..200),
            size in 1usize..40,
            n_columns in 0usize..4,
        ) {
            let dialect = Dialect { n_columns, ..COMMA };
            let read = |text: &[u8], line: u64| read_as(dialect, text, line);
            let whole = read(&marks, 1);
            let (mut at, mut line, mut parts) = (0, 1, Vec::new());
            while at < marks.len() {
                let mut block = size;
                let (end, is_last) = loop {
                    let is_last = at + block >= marks.len();
                    let text = &marks[at..(at + block).min(marks.len())];
                    let rest = if is_last { Rest::Nothing } else { Rest::More };
                    match dialect.whole_rows(text, rest) {
                        Some(end) => break (at + end, is_last),
                        None => block += size,
                    }
                };
                parts.extend(read(&marks[at..end], line));
                let mut rows = Rows::new(&marks[at..end], dialect, line);
                while rows.next_row(&mut Vec::new()).is_some() {}
                line = rows.line();
                at = if is_last { marks.len() } else { end };
            }
            prop_assert_eq!(parts, whole);
        }
    }
}
