//! Rows many at a time: where their fields are, and how they are looked up.

use crate::marks::{Finder, Words};
use crate::memo::Text;
use crate::text::{Row, Rows};
use std::borrow::Cow;

/// The texts of a row's columns.
pub type Texts<'a, 't> = &'a [Cow<'t, [u8]>];

/// The texts of a batch of rows.
pub trait RowTexts {
    /// How many rows.
    fn n_rows(&self) -> usize;

    /// How many columns a row has.
    fn n_columns(&self, row: usize) -> usize;

    /// The text of a column; empty if the row does not have it.
    fn text(&self, row: usize, column: usize) -> Text<'_>;

    /// Puts the text of a column in each row into `texts`.
    fn texts<'s>(&'s self, column: usize, texts: &mut Vec<Text<'s>>);

    /// One text, and where in it the texts of the columns from `_first` to `_last` begin and end in each row, with the
    /// delimiters between them, if they lie so.
    fn parts(
        &self,
        _first: usize,
        _last: usize,
    ) -> Option<(&[u8], impl Iterator<Item = (usize, usize)>)> {
        None::<(&[u8], std::iter::Empty<(usize, usize)>)>
    }

    /// All texts of a row.
    fn row(&self, row: usize) -> Cow<'_, [Cow<'_, [u8]>]>;
}

impl RowTexts for [Texts<'_, '_>] {
    fn n_rows(&self) -> usize {
        self.len()
    }

    fn n_columns(&self, row: usize) -> usize {
        self[row].len()
    }

    fn text(&self, row: usize, column: usize) -> Text<'_> {
        let bytes = self[row].get(column).map_or(&[][..], |bytes| bytes);
        Text::of(bytes)
    }

    fn texts<'s>(&'s self, column: usize, texts: &mut Vec<Text<'s>>) {
        texts.clear();
        for row in self {
            put_next(texts, row.get(column).map_or(&[][..], |bytes| bytes));
        }
    }

    fn row(&self, row: usize) -> Cow<'_, [Cow<'_, [u8]>]> {
        Cow::Borrowed(self[row])
    }
}

/// Adds the text of `bytes`.
fn put_next<'t>(texts: &mut Vec<Text<'t>>, bytes: &'t [u8]) {
    texts.push(Text::default());
    match &mut texts[..] {
        [.., before, text] => text.put(bytes, before),
        [text] => text.put(bytes, &Text::default()),
        [] => {}
    }
}

/// The next rows of a text.
#[derive(Debug)]
pub struct RowBatch<'t> {
    text: &'t [u8],
    rows: Vec<Row<'t>>,
    /// The first field of each row, and the end of the last.
    firsts: Vec<u32>,
    /// Where each field begins and ends, if fields stand as they are.
    spans: Vec<(u32, u32)>,
    /// The fields, if some may be quoted.
    fields: Vec<Cow<'t, [u8]>>,
    is_plain: bool,
    /// The number of columns that all rows have.
    n_columns: Option<usize>,
}

impl<'t> RowBatch<'t> {
    /// No rows yet, of those of `rows`.
    pub fn new(rows: &Rows<'t>) -> Self {
        Self {
            text: rows.text,
            rows: Vec::new(),
            firsts: Vec::new(),
            spans: Vec::new(),
            fields: Vec::new(),
            is_plain: !rows.has_quotes && u32::try_from(rows.text.len()).is_ok(),
            n_columns: None,
        }
    }

    /// Reads the next rows, at most `n`.
    pub fn fill(&mut self, rows: &mut Rows<'t>, n: usize) {
        self.rows.clear();
        self.firsts.clear();
        self.spans.clear();
        self.fields.clear();
        self.firsts.push(0);
        if self.is_plain {
            let split = Split { batch: self, rows, n };
            #[cfg(target_arch = "x86_64")]
            match pulp::x86::V3::try_new() {
                Some(simd) => simd.vectorize(WithAvx2 { simd, split }),
                None => split.with(Words),
            }
            #[cfg(not(target_arch = "x86_64"))]
            split.with(Words);
        } else {
            while self.rows.len() < n
                && let Some(row) = rows.next_row(&mut self.fields)
            {
                self.rows.push(row);
                self.firsts.push(u32::try_from(self.fields.len()).unwrap_or(u32::MAX));
            }
        }
        let mut counts = self.firsts.windows(2).map(|pair| pair[1] - pair[0]);
        let first = counts.next();
        self.n_columns = first.filter(|first| counts.all(|n| n == *first)).map(|n| n as usize);
    }

    /// The rows.
    pub fn rows(&self) -> &[Row<'t>] {
        &self.rows
    }

    /// Adds a field.
    #[inline(always)]
    fn put(&mut self, start: usize, end: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "plain texts are below 4 GiB")]
        self.spans.push((start as u32, end as u32));
    }
}

impl RowTexts for RowBatch<'_> {
    fn n_rows(&self) -> usize {
        self.rows.len()
    }

    fn n_columns(&self, row: usize) -> usize {
        (self.firsts[row + 1] - self.firsts[row]) as usize
    }

    #[inline(always)]
    fn text(&self, row: usize, column: usize) -> Text<'_> {
        if column >= self.n_columns(row) {
            return Text::default();
        }
        let at = self.firsts[row] as usize + column;
        if self.is_plain {
            let (start, end) = self.spans[at];
            let mut text = Text::default();
            text.put_part(self.text, start as usize, end as usize, &Text::default());
            return text;
        }
        Text::of(&self.fields[at])
    }

    #[inline(always)]
    fn parts(
        &self,
        first: usize,
        last: usize,
    ) -> Option<(&[u8], impl Iterator<Item = (usize, usize)>)> {
        let n_columns = self.n_columns.filter(|n| self.is_plain && first <= last && last < *n)?;
        let n = last - first;
        // From the first column on: one check of bounds fewer.
        let part = move |rest: &[(u32, u32)]| (rest[0].0 as usize, rest[n].1 as usize);
        Some((self.text, self.spans.get(first..).unwrap_or(&[]).chunks(n_columns).map(part)))
    }

    fn texts<'s>(&'s self, column: usize, texts: &mut Vec<Text<'s>>) {
        texts.clear();
        if let Some((all, parts)) = self.parts(column, column) {
            let none = Text::default();
            texts.resize(self.rows.len(), none);
            for (at, (start, end)) in parts.enumerate() {
                let (before, text) = texts.split_at_mut(at);
                let before = before.last().unwrap_or(&none);
                text[0].put_part(all, start, end, before);
            }
            return;
        }
        for row in 0..self.n_rows() {
            put_next(texts, self.text(row, column).bytes());
        }
    }

    fn row(&self, row: usize) -> Cow<'_, [Cow<'_, [u8]>]> {
        let fields = self.firsts[row] as usize..self.firsts[row + 1] as usize;
        if self.is_plain {
            let field = |&(start, end): &(u32, u32)| {
                Cow::Borrowed(&self.text[start as usize..end as usize])
            };
            return self.spans[fields].iter().map(field).collect();
        }
        Cow::Borrowed(&self.fields[fields])
    }
}

/// Finds the fields of rows without quotes.
struct Split<'b, 't> {
    batch: &'b mut RowBatch<'t>,
    rows: &'b mut Rows<'t>,
    n: usize,
}

impl Split<'_, '_> {
    #[inline(always)]
    fn with(self, finder: impl Finder) {
        let Self { batch, rows, n } = self;
        let (text, marks) = (rows.text, [rows.dialect.delimiter, b'\n']);
        let (mut start, mut field) = (rows.at, rows.at);
        let mut base = rows.at;
        'text: while base < text.len() && batch.rows.len() < n {
            let mut hits = match text[base..].first_chunk() {
                Some(bytes) => finder.marks_of(bytes, marks),
                None => {
                    let mut bytes = [0; 64];
                    let rest = &text[base..];
                    bytes[..rest.len()].copy_from_slice(rest);
                    finder.marks_of(&bytes, marks) & ((1 << rest.len()) - 1)
                }
            };
            while hits != 0 {
                let place = base + hits.trailing_zeros() as usize;
                hits &= hits - 1;
                if text[place] != b'\n' {
                    batch.put(field, place);
                    field = place + 1;
                    continue;
                }
                rows.end_row(batch, start, field, place);
                (start, field) = (place + 1, place + 1);
                rows.at = start;
                if batch.rows.len() == n {
                    break 'text;
                }
            }
            base += 64;
        }
        if batch.rows.len() < n && start < text.len() {
            rows.end_row(batch, start, field, text.len());
            rows.at = text.len();
        }
    }
}

impl<'t> Rows<'t> {
    /// Ends a row without quotes, of which the last field begins at `field`.
    #[inline(always)]
    fn end_row(&mut self, batch: &mut RowBatch<'t>, start: usize, field: usize, end: usize) {
        let line = self.line;
        self.line += 1;
        let end = if end > start && self.text[end - 1] == b'\r' { end - 1 } else { end };
        if end == start {
            return;
        }
        batch.put(field, end);
        batch.rows.push(Row { line, raw: &self.text[start..end], is_unclosed: false });
        batch.firsts.push(u32::try_from(batch.spans.len()).unwrap_or(u32::MAX));
    }
}

#[cfg(target_arch = "x86_64")]
struct WithAvx2<'b, 't> {
    simd: pulp::x86::V3,
    split: Split<'b, 't>,
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for WithAvx2<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let simd = self.simd;
        self.split.with(simd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Dialect;
    use proptest::prelude::*;

    fn all_rows<'t>(text: &'t [u8], dialect: Dialect, n: usize) -> Vec<(Row<'t>, Vec<Vec<u8>>)> {
        let mut rows = Rows::new(text, dialect, 3);
        let mut batch = RowBatch::new(&rows);
        let mut found = Vec::new();
        loop {
            batch.fill(&mut rows, n);
            if batch.n_rows() == 0 {
                return found;
            }
            for (at, row) in batch.rows().iter().enumerate() {
                let fields: Vec<Vec<u8>> =
                    batch.row(at).iter().map(|field| field.to_vec()).collect();
                assert_eq!(batch.n_columns(at), fields.len());
                for (column, field) in fields.iter().enumerate() {
                    assert_eq!(batch.text(at, column).bytes(), field);
                }
                found.push((*row, fields));
            }
            let mut texts = Vec::new();
            batch.texts(1, &mut texts);
            let second: Vec<&[u8]> = found[found.len() - batch.n_rows()..]
                .iter()
                .map(|(_, fields)| fields.get(1).map_or(&[][..], Vec::as_slice))
                .collect();
            assert_eq!(texts.iter().map(Text::bytes).collect::<Vec<_>>(), second);
        }
    }

    proptest! {
        // Many rows at a time are what one after the other is.
        #[test]
        fn whatever_the_text_batches_are_its_rows(
            text in prop::collection::vec(prop::sample::select(&b"aaaa1111,,\"\n\n\r"[..]), 0..400),
            n in 1..9_usize,
            has_quotes in any::<bool>(),
        ) {
            let dialect = Dialect { delimiter: b',', quote: has_quotes.then_some(b'"') };
            let mut rows = Rows::new(&text, dialect, 3);
            let (mut expected, mut fields) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next_row(&mut fields) {
                expected.push((row, fields.drain(..).map(Cow::into_owned).collect()));
            }
            prop_assert_eq!(all_rows(&text, dialect, n), expected);
        }

    }
}
