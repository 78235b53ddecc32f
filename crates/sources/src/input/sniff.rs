//! What a text is like, seen in its first bytes where nobody told it: its characters, the lines
//! above its header, its delimiter, and whether rows end with one.
//!
//! What is seen holds for the whole text. A later row that does not fit is an error of that row.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use project::read_options::{Delimiter, ReadOptions};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use trade::Dialect;
use trade::text::Rows;

/// Bytes of a text that are looked at.
pub(super) const SAMPLE_BYTES: usize = 1 << 20;

/// Rows of them.
const SAMPLE_ROWS: usize = 1000;

/// What may stand between fields, the likelier first where two fit alike. A comma comes last: it
/// may also be a decimal mark.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// What a text is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its marks, with the number of its columns.
    pub(super) dialect: Dialect,
    /// Lines above its header, or above its first row where it has none.
    pub(super) n_above: usize,
    /// Whether rows end with a delimiter that the header lacks.
    pub(super) has_trailing: bool,
}

/// The encoding of a text in whose characters rows cannot be told apart: UTF-16 without a byte
/// order mark, where every other byte is zero.
pub(super) fn utf16(sample: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = sample.as_chunks::<2>();
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let is_wide = |own: usize, other: usize| 2 * own > pairs.len() && 20 * other < pairs.len();
    match (is_wide(low, high), is_wide(high, low)) {
        (true, _) => Some(encoding_rs::UTF_16LE),
        (_, true) => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// The encoding of a text whose marks are ASCII: UTF-8 where it is that, otherwise what its letters
/// look like.
pub(super) fn encoding(sample: &[u8]) -> &'static Encoding {
    let is_utf8 = match std::str::from_utf8(sample) {
        Ok(_) => true,
        // The sample may end within a character.
        Err(error) => error.error_len().is_none(),
    };
    // A few bytes that are none do not make another of a text with characters of UTF-8.
    let (mut n_characters, mut n_other) = (0_usize, 0_usize);
    for chunk in sample.utf8_chunks() {
        n_characters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        n_other += usize::from(!chunk.invalid().is_empty());
    }
    if is_utf8 || n_characters > n_other {
        return encoding_rs::UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    match detector.guess(None, Utf8Detection::Deny) {
        // It has all characters of the other, and more.
        guess if guess == encoding_rs::GBK => encoding_rs::GB18030,
        guess if is_central_european(guess) && is_rather_western(sample) => {
            encoding_rs::WINDOWS_1252
        }
        guess => guess,
    }
}

fn is_central_european(encoding: &Encoding) -> bool {
    encoding == encoding_rs::WINDOWS_1250 || encoding == encoding_rs::ISO_8859_2
}

/// Different words beyond which letters tell one Latin encoding from another.
const FEW_WORDS: usize = 20;

/// Whether a text has few words with other characters than ASCII, all of which make sense in the
/// most usual Latin encoding: a pound sign alone is not the Polish letter that shares its byte.
fn is_rather_western(sample: &[u8]) -> bool {
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(sample);
    let mut words: BTreeSet<&str> = BTreeSet::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation()) {
        if word.is_ascii() {
            continue;
        }
        let chars: Vec<char> = word.chars().collect();
        // Apostrophes, hyphens and middle dots stand within words, other signs do not.
        let within = ['\u{2019}', '\u{ad}', '\u{b7}', '\u{2013}'];
        let is_sign = |c: char| !c.is_ascii() && !c.is_alphabetic() && !within.contains(&c);
        let is_within = |w: &[char]| w[0].is_alphabetic() && is_sign(w[1]) && w[2].is_alphabetic();
        if chars.iter().any(|c| c.is_control()) || chars.windows(3).any(is_within) {
            return false;
        }
        words.insert(word);
    }
    words.len() <= FEW_WORDS
}

/// The delimiter that a first line `sep=;` gives, which spreadsheets write and read.
fn separator(line: &str) -> Option<u8> {
    let line = line.trim_end_matches(['\r', '\n']).trim_matches('"');
    let mark = line.strip_prefix("sep=").or_else(|| line.strip_prefix("SEP="))?;
    match *mark.as_bytes() {
        [mark] if mark.is_ascii() => Some(mark),
        _ if mark == "\\t" => Some(b'\t'),
        _ => None,
    }
}

/// The place after the first `n` lines of a text.
fn after_lines(text: &str, n: usize) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    match n {
        0 => 0,
        n => ends.skip(n - 1).map(|at| at + 1).next().unwrap_or(text.len()),
    }
}

/// What the text of a sample is like.
pub(super) fn shape(sample: &str, options: &ReadOptions) -> Shape {
    let quote = options.quote.map_or(Some(b'"'), |quote| quote.0);
    let first = &sample[..after_lines(sample, 1)];
    let separator = separator(first).filter(|_| options.skip.is_none());
    let told = options.delimiter.map(|Delimiter(mark)| mark).or(separator);
    let n_above = options.skip.unwrap_or(usize::from(separator.is_some()));
    let text = &sample[after_lines(sample, n_above)..];
    let looks = |delimiter: &u8| {
        let dialect = Dialect { delimiter: *delimiter, quote, n_columns: 0 };
        Look::of(text, dialect, options.skip)
    };
    let look = match told {
        Some(delimiter) => looks(&delimiter),
        None => best(DELIMITERS.iter().map(looks).collect()),
    };
    Shape {
        dialect: Dialect { n_columns: look.n_columns, ..look.dialect },
        n_above: n_above + look.n_above,
        has_trailing: look.has_trailing,
    }
}

/// What a text looks like with some marks.
struct Look {
    dialect: Dialect,
    /// Fields that most rows have.
    n_columns: usize,
    n_above: usize,
    has_trailing: bool,
    /// How many of a thousand rows have as many fields as the header.
    fit: usize,
}

/// The look that fits best; a comma where no row has more than one field.
fn best(looks: Vec<Look>) -> Look {
    let rank = |look: &Look| match look.n_columns {
        0 | 1 => None,
        // A few notes below the rows are no reason for other marks. A header without a mark that
        // the rows have, as in `name;value` above `x;1,234`, is no title.
        n => Some((look.fit / 50, Reverse(look.n_above), n)),
    };
    let mut found: Option<Look> = None;
    for look in looks {
        let is_single = found.as_ref().is_some_and(|found| rank(found).is_none());
        if is_single || found.as_ref().is_none_or(|found| rank(&look) > rank(found)) {
            found = Some(look);
        }
    }
    found.unwrap_or(Look {
        dialect: Dialect { delimiter: b',', quote: Some(b'"'), n_columns: 0 },
        n_columns: 1,
        n_above: 0,
        has_trailing: false,
        fit: 0,
    })
}

/// A row of a sample.
struct SampleRow<'t> {
    line: u64,
    fields: Vec<Cow<'t, [u8]>>,
}

impl SampleRow<'_> {
    fn is_filled(field: &[u8]) -> bool {
        !field.trim_ascii().is_empty()
    }

    /// Whether it is a title of a table of so many columns: most of its fields are not there, or
    /// the first alone has text.
    fn is_title(&self, n_columns: usize) -> bool {
        let n_filled = self.fields.iter().filter(|field| Self::is_filled(field)).count();
        let is_first_alone =
            n_filled == 1 && self.fields.first().is_some_and(|field| Self::is_filled(field));
        match self.fields.len() == n_columns {
            true => n_columns >= 3 && is_first_alone,
            false => n_filled <= (n_columns.saturating_sub(1) / 2).max(1),
        }
    }

    /// Whether it is a title that lacks fields.
    fn is_narrow_title(&self, n_columns: usize) -> bool {
        self.fields.len() != n_columns && self.is_title(n_columns)
    }
}

impl Look {
    /// What `text` looks like with the marks of `dialect`.
    fn of(text: &str, dialect: Dialect, skip: Option<usize>) -> Self {
        let mut rows = Rows::new(text.as_bytes(), dialect, 0);
        let mut sample: Vec<SampleRow<'_>> = Vec::new();
        let mut fields = Vec::new();
        while sample.len() < SAMPLE_ROWS
            && let Some(row) = rows.next_row(&mut fields)
        {
            sample.push(SampleRow { line: row.line, fields: std::mem::take(&mut fields) });
        }
        // The last row of a sample may be cut.
        if sample.len() > 2 && rows.position() >= text.len() && text.len() >= SAMPLE_BYTES / 2 {
            sample.pop();
        }
        let n_columns = usual_width(&sample);
        // What stands above a title is one too: it may have as many fields as a header that lacks
        // a name.
        let is_below = |at: usize| sample.get(at).is_some_and(|row| row.is_narrow_title(n_columns));
        let is_above = |(at, row): &(usize, &SampleRow<'_>)| {
            row.is_title(n_columns) || (row.fields.len() != n_columns && is_below(at + 1))
        };
        let mut n_titles = sample.iter().enumerate().take_while(is_above).count();
        if skip.is_some() || n_titles == sample.len() {
            n_titles = 0;
        }
        let (above, table) = sample.split_at(n_titles);
        let Some((header, rows)) = table.split_first() else {
            return Self { dialect, n_columns, n_above: 0, has_trailing: false, fit: 0 };
        };
        let n_above = match above.is_empty() {
            true => 0,
            false => usize::try_from(header.line).unwrap_or(0),
        };
        let is_empty_at_end = |row: &SampleRow<'_>| {
            row.fields.len() != n_columns || row.fields.last().is_some_and(|last| last.is_empty())
        };
        let has_trailing = header.fields.len() + 1 == n_columns
            && header.fields.len() > 1
            && rows.iter().all(is_empty_at_end);
        let expected = header.fields.len() + usize::from(has_trailing);
        let n_fitting = rows.iter().filter(|row| row.fields.len() == expected).count();
        let fit = match rows.len() {
            0 => 1000,
            n => n_fitting * 1000 / n,
        };
        Self { dialect, n_columns, n_above, has_trailing, fit }
    }
}

/// The number of fields that most rows have; of equally many the larger.
fn usual_width(sample: &[SampleRow<'_>]) -> usize {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for row in sample {
        let n = row.fields.len();
        match counts.iter_mut().find(|(width, _)| *width == n) {
            Some((_, count)) => *count += 1,
            None => counts.push((n, 1)),
        }
    }
    counts.into_iter().max_by_key(|&(width, count)| (count, width)).map_or(0, |(width, _)| width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (char, usize, bool, usize) {
        let Shape { dialect, n_above, has_trailing } = shape(text, &ReadOptions::default());
        (char::from(dialect.delimiter), n_above, has_trailing, dialect.n_columns)
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_alike_rows() {
        assert_eq!(seen("a,b\n1,2\n3,4\n"), (',', 0, false, 2));
        assert_eq!(seen("a;b\n1,5;2\n3,4;4\n"), (';', 0, false, 2));
        assert_eq!(seen("r;p;value (US$, mil)\nN;01;1,5\nS;02;2,5\n"), (';', 0, false, 3));
        assert_eq!(seen("r;value (US$, mil)\nN;1,5\nS;2,5\n"), (';', 0, false, 2));
        assert_eq!(seen("a\tb c, d\n1\t2\n"), ('\t', 0, false, 2));
        assert_eq!(seen("a|b|c\n1|2|3\n"), ('|', 0, false, 3));
        assert_eq!(seen("name,text\nx,\"a; b\"\ny,\"c; d\"\n"), (',', 0, false, 2));
        assert_eq!(seen("name;value\nx;1,234,567\ny;2,345,678\n"), (';', 0, false, 2));
        assert_eq!(seen("a\n1\n2\n").0, ',');
        assert_eq!(seen("sep=;\na;b\n1;2\n"), (';', 1, false, 2));
        assert_eq!(seen("").3, 0);
    }

    #[test]
    fn a_few_words_are_western_where_that_makes_sense() {
        use encoding_rs::{WINDOWS_1250, WINDOWS_1252};
        let text = |encoding: &'static Encoding, text: &str| encoding.encode(text).0.into_owned();
        for written in [
            "Region,Exports (\u{a3}m)\nWales,5\n",
            "r\u{e9}gion,ann\u{e9}e\n\u{ce}le-de-France,2008\n",
        ] {
            assert_eq!(encoding(&text(WINDOWS_1252, written)), WINDOWS_1252, "{written}");
        }
        let names = "Łódź, Wrocław, Poznań, Gdańsk, Białystok, Częstochowa, Rzeszów, Toruń\n";
        assert_eq!(encoding(&text(WINDOWS_1250, &names.repeat(3))), WINDOWS_1250);
    }

    #[test]
    fn titles_above_the_header_are_left_out() {
        let titled = "Exports by region, 2010\nUS dollars\n\nregion,product,value\nA,1,2\nB,1,3\n";
        assert_eq!(seen(titled), (',', 3, false, 3));
        let padded = "Exports,,,\nregion,product,year,value\nA,1,2008,2\nB,1,2008,3\n";
        assert_eq!(seen(padded), (',', 1, false, 4));
        // A header that lacks a name is a header.
        assert_eq!(seen("b,c\nx,1,2\ny,3,4\n"), (',', 0, false, 3));
        // A note below the rows changes nothing.
        let noted = "region,product,value\nA,1,2\nB,1,3\n\nSource: customs\n";
        assert_eq!(seen(noted), (',', 0, false, 3));
        let told = ReadOptions { skip: Some(1), ..ReadOptions::default() };
        assert_eq!(shape("x\na,b\n1,2\n", &told).n_above, 1);
    }

    #[test]
    fn a_delimiter_at_the_end_of_every_row_is_no_column() {
        assert_eq!(seen("a,b,c\n1,2,3,\n4,5,6,\n"), (',', 0, true, 4));
        assert_eq!(seen("a,b,c\n1,2,3,\n4,5,6,x\n"), (',', 0, false, 4));
        assert_eq!(seen("a,b,c,\n1,2,3,\n"), (',', 0, false, 4));
    }

    #[test]
    fn characters_are_those_of_the_letters() {
        let gb18030 = encoding_rs::GB18030.encode("企业名称,商品名称,出口金额\n上海,鞋靴,12\n").0;
        assert_eq!(encoding(&gb18030), encoding_rs::GB18030);
        let latin = encoding_rs::WINDOWS_1252.encode("região,código,valor\nSão Paulo,ção,12\n").0;
        assert_eq!(encoding(&latin), encoding_rs::WINDOWS_1252);
        assert_eq!(encoding("região".as_bytes()), encoding_rs::UTF_8);
        assert_eq!(encoding(&"região".as_bytes()[..5]), encoding_rs::UTF_8);
        let wide: Vec<u8> = "a,b\n1,é\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(utf16(&wide), Some(encoding_rs::UTF_16LE));
        let wide: Vec<u8> = "a,b\n1,é\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16(&wide), Some(encoding_rs::UTF_16BE));
        assert_eq!(utf16(b"a,b\n1,2\n"), None);
    }
}
