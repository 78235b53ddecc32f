//! Rows many at a time: where their fields are, and how they are looked up.

use crate::interner::Text;
use crate::structural_scan::{Finder, Words};
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
///
/// Where no field can be quoted, the next rows that have as many columns and the same line end are known by where their
/// delimiters are; else each is read field by field.
#[derive(Debug)]
pub struct RowBatch<'t> {
    text: &'t [u8],
    rows: Vec<Row<'t>>,
    is_plain: bool,
    even: Option<Even>,
    /// How many rows are looked at together: fewer where they differ often.
    n_ahead: usize,
    /// Before the first field, and after each field of each row, if they are even.
    marks: Vec<u32>,
    /// Where the lines end.
    ends: Vec<u32>,
    /// The fields, if they are not.
    fields: Vec<Cow<'t, [u8]>>,
    /// The first field of each row, and the end of the last.
    firsts: Vec<usize>,
}

/// The fewest rows that are looked at together.
const LEAST_AHEAD: usize = 4;

/// The form of rows that are all alike.
#[derive(Debug, Clone, Copy)]
struct Even {
    n_columns: usize,
    /// Bytes between the last field and the mark after it.
    n_before_end: u32,
}

impl Even {
    /// Bytes between the end of `column` and the mark after it.
    #[inline(always)]
    fn n_after(self, column: usize) -> u32 {
        if column + 1 == self.n_columns { self.n_before_end } else { 0 }
    }
}

impl<'t> RowBatch<'t> {
    /// No rows yet, of those of `rows`.
    pub fn new(rows: &Rows<'t>) -> Self {
        Self {
            text: rows.text,
            rows: Vec::new(),
            is_plain: !rows.has_quotes && u32::try_from(rows.text.len()).is_ok(),
            even: None,
            n_ahead: usize::MAX,
            marks: Vec::new(),
            ends: Vec::new(),
            fields: Vec::new(),
            firsts: Vec::new(),
        }
    }

    /// Reads the next rows, at most `n`.
    pub fn fill(&mut self, rows: &mut Rows<'t>, n: usize) {
        self.rows.clear();
        self.even = None;
        if self.is_plain {
            let n = self.n_ahead.min(n);
            let find = Find { batch: self, rows, n };
            #[cfg(target_arch = "x86_64")]
            match pulp::x86::V3::try_new() {
                Some(simd) => simd.vectorize(WithAvx2 { simd, find }),
                None => find.with(Words),
            }
            #[cfg(not(target_arch = "x86_64"))]
            find.with(Words);
            self.even = self.evened(rows, n);
            let n_lines = self.ends.len().min(n);
            self.n_ahead = match self.rows.len() < n_lines {
                true => (n_lines / 2).max(LEAST_AHEAD),
                false => n_lines.saturating_mul(2).max(LEAST_AHEAD),
            };
        }
        if self.even.is_some() {
            return;
        }
        let n = if self.is_plain { n.min(1) } else { n };
        self.fields.clear();
        self.firsts.clear();
        self.firsts.push(0);
        while self.rows.len() < n
            && let Some(row) = rows.next_row(&mut self.fields)
        {
            self.rows.push(row);
            self.firsts.push(self.fields.len());
        }
    }

    /// Takes the rows of the lines that were found, at most `n`, up to the first that is not like the first of all; `None` if
    /// that is none.
    fn evened(&mut self, rows: &mut Rows<'t>, n: usize) -> Option<Even> {
        let text = self.text;
        let (first, ends) = (*self.ends.first()?, &self.ends[..self.ends.len().min(n)]);
        let n_columns = self.marks.iter().skip(1).position(|mark| *mark == first)? + 1;
        let has_return = |end: usize| end > 0 && text[end - 1] == b'\r';
        let n_before_end = u32::from(has_return(first as usize));
        let mut start = rows.at;
        for (at, &end) in (1..).zip(ends) {
            let raw = start..(end - n_before_end) as usize;
            let is_alike = self.marks.get(at * n_columns) == Some(&end)
                && has_return(end as usize) == (n_before_end > 0);
            if !is_alike || raw.is_empty() {
                break;
            }
            let line = rows.line + (at - 1) as u64;
            self.rows.push(Row { line, raw: &text[raw], is_unclosed: false });
            start = end as usize + 1;
        }
        if self.rows.is_empty() {
            return None;
        }
        rows.line += self.rows.len() as u64;
        rows.at = start.min(text.len());
        Some(Even { n_columns, n_before_end })
    }

    /// The rows.
    pub fn rows(&self) -> &[Row<'t>] {
        &self.rows
    }

    /// Where the text of a column of even rows begins and ends.
    #[inline(always)]
    fn span(&self, even: Even, row: usize, column: usize) -> (usize, usize) {
        let at = row * even.n_columns + column;
        let (start, end) =
            (self.marks[at].wrapping_add(1), self.marks[at + 1] - even.n_after(column));
        (start as usize, end as usize)
    }
}

impl RowTexts for RowBatch<'_> {
    fn n_rows(&self) -> usize {
        self.rows.len()
    }

    fn n_columns(&self, row: usize) -> usize {
        match self.even {
            Some(even) => even.n_columns,
            None => self.firsts[row + 1] - self.firsts[row],
        }
    }

    #[inline(always)]
    fn text(&self, row: usize, column: usize) -> Text<'_> {
        if column >= self.n_columns(row) {
            return Text::default();
        }
        match self.even {
            Some(even) => {
                let (start, end) = self.span(even, row, column);
                let mut text = Text::default();
                text.put_part(self.text, start, end, &Text::default());
                text
            }
            None => Text::of(&self.fields[self.firsts[row] + column]),
        }
    }

    #[inline(always)]
    fn parts(
        &self,
        first: usize,
        last: usize,
    ) -> Option<(&[u8], impl Iterator<Item = (usize, usize)>)> {
        let even = self.even?;
        let (n_columns, n_after) = (even.n_columns, even.n_after(last));
        let width = last.checked_sub(first)? + 1;
        // From the first mark of the part on, so that one check of bounds is enough. Not for whole rows.
        let n_marks = (self.rows.len().checked_sub(1)?) * n_columns + width + 1;
        let marks = self
            .marks
            .get(first..first + n_marks)
            .filter(|_| width < n_columns && last < n_columns)?;
        let part = move |rest: &[u32]| {
            (rest[0].wrapping_add(1) as usize, (rest[width] - n_after) as usize)
        };
        Some((self.text, marks.chunks(n_columns).map(part)))
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
        let Some(even) = self.even else {
            return Cow::Borrowed(&self.fields[self.firsts[row]..self.firsts[row + 1]]);
        };
        let field = |column: usize| {
            let (start, end) = self.span(even, row, column);
            Cow::Borrowed(&self.text[start..end])
        };
        (0..even.n_columns).map(field).collect()
    }
}

/// Finds the marks of the next lines, at least `n` if there are as many.
struct Find<'b, 't> {
    batch: &'b mut RowBatch<'t>,
    rows: &'b Rows<'t>,
    n: usize,
}

/// Marks of a chunk that are put down without a look at how many there are: most have fewer.
const AT_ONCE: usize = 12;

impl Find<'_, '_> {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "plain texts are below 4 GiB")]
    fn with(self, finder: impl Finder) {
        let Self { batch: RowBatch { marks, ends, .. }, rows, n } = self;
        let (text, kinds) = (rows.text, [rows.dialect.delimiter, b'\n']);
        ends.clear();
        marks.resize(marks.len().max(1), 0);
        marks[0] = (rows.at as u32).wrapping_sub(1);
        let mut n_marks = 1;
        let mut base = rows.at;
        while base < text.len() && ends.len() < n {
            let (mut hits, mut line_ends) = match text[base..].first_chunk() {
                Some(bytes) => finder.both_of(bytes, kinds),
                None => {
                    let mut bytes = [0; 64];
                    let rest = &text[base..];
                    bytes[..rest.len()].copy_from_slice(rest);
                    let there = (1 << rest.len()) - 1;
                    let (hits, line_ends) = finder.both_of(&bytes, kinds);
                    (hits & there, line_ends & there)
                }
            };
            if marks.len() < n_marks + 64 {
                marks.resize(2 * n_marks + 64, 0);
            }
            let n_hits = hits.count_ones() as usize;
            if let Some(places) = marks[n_marks..].first_chunk_mut::<64>() {
                for place in &mut places[..AT_ONCE] {
                    *place = (base as u32).wrapping_add(hits.trailing_zeros());
                    hits &= hits.wrapping_sub(1);
                }
                let mut at = AT_ONCE;
                while hits != 0 {
                    places[at % 64] = (base as u32).wrapping_add(hits.trailing_zeros());
                    hits &= hits - 1;
                    at += 1;
                }
            }
            n_marks += n_hits;
            while line_ends != 0 {
                ends.push(base as u32 + line_ends.trailing_zeros());
                line_ends &= line_ends - 1;
            }
            base += 64;
        }
        // The last line may end with the text.
        if base >= text.len() && ends.last().map_or(rows.at, |end| *end as usize + 1) < text.len() {
            marks.truncate(n_marks);
            marks.push(text.len() as u32);
            n_marks += 1;
            ends.push(text.len() as u32);
        }
        marks.truncate(n_marks);
    }
}

#[cfg(target_arch = "x86_64")]
struct WithAvx2<'b, 't> {
    simd: pulp::x86::V3,
    find: Find<'b, 't>,
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for WithAvx2<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let simd = self.simd;
        self.find.with(simd);
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
            let fields: Vec<&Vec<Vec<u8>>> =
                found[found.len() - batch.n_rows()..].iter().map(|(_, fields)| fields).collect();
            let second = fields.iter().map(|fields| fields.get(1).map_or(&[][..], Vec::as_slice));
            assert_eq!(
                texts.iter().map(Text::bytes).collect::<Vec<_>>(),
                second.collect::<Vec<_>>()
            );
            for (first, last) in (0..5).flat_map(|first| (0..5).map(move |last| (first, last))) {
                let Some((all, parts)) = batch.parts(first, last) else { continue };
                let parts: Vec<&[u8]> = parts.map(|(start, end)| &all[start..end]).collect();
                let group = |fields: &&Vec<Vec<u8>>| fields[first..=last].join(&dialect.delimiter);
                assert_eq!(parts, fields.iter().map(group).collect::<Vec<_>>());
            }
        }
    }

    /// Texts of which many rows are alike, and many are not.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let bytes = prop::sample::select(&b"aaaa1111,,\"\n\n\r"[..]);
        let unlike = prop::collection::vec(bytes, 0..400);
        let row = |columns| prop::collection::vec("[a1]{0,30}", columns);
        let end = || prop_oneof![Just("\n"), Just("\r\n")];
        let alike = (1..5_usize, end(), 0..4_u32).prop_flat_map(move |(n, usual, rarity)| {
            let rows = (
                prop_oneof![1 + 20 * rarity => row(n..=n), 1 => row(0..=4)],
                prop_oneof![
                    1 + 20 * rarity => Just(usual), 1 => end()
                ],
            );
            prop::collection::vec(rows, 0..60)
        });
        let alike = (alike, any::<bool>()).prop_map(|(rows, is_ended)| {
            let lines: Vec<String> =
                rows.iter().map(|(fields, end)| fields.join(",") + end).collect();
            let text = lines.concat().into_bytes();
            let n = text.len() - usize::from(!is_ended && !text.is_empty());
            text[..n].to_vec()
        });
        prop_oneof![1 => unlike, 3 => alike]
    }

    proptest! {
        // Many rows at a time are what one after the other is.
        #[test]
        fn whatever_the_text_batches_are_its_rows(
            text in text(),
            n in prop_oneof![1..9_usize, Just(128)],
            has_quotes in any::<bool>(),
        ) {
            let dialect = Dialect { delimiter: b',', quote: has_quotes.then_some(b'"'), n_columns: 0 };
            let mut rows = Rows::new(&text, dialect, 3);
            let (mut expected, mut fields) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next_row(&mut fields) {
                expected.push((row, fields.drain(..).map(Cow::into_owned).collect()));
            }
            prop_assert_eq!(all_rows(&text, dialect, n), expected);
        }

    }
}
