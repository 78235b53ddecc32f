//! JSON, token by token, without a tree in memory: numbers keep their digits.

use super::fault::unreadable;
use project::printable::printable;
use std::io::Read;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Bytes that a text, or a value that is kept as its text, may have.
const MOST_BYTES: usize = 64 << 20;

/// Levels that values may have in each other.
const MOST_LEVELS: usize = 128;

/// A value that has no others in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar {
    /// `null`, or `NaN`, which Python writes for it.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, digit by digit.
    Number(String),
    /// A text.
    Text(String),
}

impl Scalar {
    /// Its text; none for null.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(is) => Some(is.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text),
        }
    }
}

/// Reads JSON.
pub(super) struct Scanner {
    input: Box<dyn Read + Send>,
    piece: Vec<u8>,
    /// Bytes in the piece, and how many of them are read.
    n: usize,
    at: usize,
    line: u64,
    column: u64,
    /// What was read of a value that is kept as it stands, if one is.
    kept: Option<Vec<u8>>,
}

impl Scanner {
    /// Begins to read UTF-8 without a byte order mark.
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, piece: vec![0; PIECE_BYTES], n: 0, at: 0, line: 1, column: 1, kept: None }
    }

    /// The line and the character in it that come next, counted from 1.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.line, self.column)
    }

    /// What is wrong where it is.
    pub(super) fn fault(&self, what: &str) -> String {
        fault_at(self.place(), what)
    }

    /// The next byte, which stays.
    fn peek(&mut self) -> Result<Option<u8>, String> {
        while self.at == self.n {
            match self.input.read(&mut self.piece) {
                Ok(0) => return Ok(None),
                Ok(n) => (self.n, self.at) = (n, 0),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        Ok(self.piece.get(self.at).copied())
    }

    /// Goes on by the byte that was looked at.
    fn bump(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'\n' => (self.line, self.column) = (self.line + 1, 1),
            // Bytes that go on with a character are none of their own.
            0x80..=0xbf => {}
            _ => self.column += 1,
        }
    }

    /// As [`Self::bump`] for a byte of a value.
    fn take(&mut self, byte: u8) -> Result<(), String> {
        if let Some(kept) = &mut self.kept {
            kept.push(byte);
            if kept.len() > MOST_BYTES {
                return Err(self.fault("a value of more than 64 MiB: the file is damaged"));
            }
        }
        self.bump(byte);
        Ok(())
    }

    /// The next byte that is no white space, which stays; none at the end.
    pub(super) fn next_token(&mut self) -> Result<Option<u8>, String> {
        loop {
            match self.peek()? {
                Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) => self.bump(byte),
                other => return Ok(other),
            }
        }
    }

    /// Takes a mark.
    pub(super) fn expect(&mut self, mark: u8) -> Result<(), String> {
        match self.next_token()? {
            Some(byte) if byte == mark => self.take(mark),
            other => Err(self.unexpected(other, &format!("`{}`", char::from(mark)))),
        }
    }

    /// Takes a mark if it is next; whether it was.
    pub(super) fn takes(&mut self, mark: u8) -> Result<bool, String> {
        match self.next_token()? == Some(mark) {
            true => self.take(mark).map(|()| true),
            false => Ok(false),
        }
    }

    fn unexpected(&self, found: Option<u8>, expected: &str) -> String {
        match found {
            None => self.fault(&format!("the file ends: expected {expected}; fetch it again")),
            Some(byte) => {
                let found = match byte.is_ascii() {
                    true => printable(&char::from(byte).to_string(), 1),
                    false => "a character".to_owned(),
                };
                self.fault(&format!("found `{found}`: expected {expected}"))
            }
        }
    }

    /// After a member: whether another is to come before `end`, which is taken.
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, String> {
        match self.next_token()? {
            Some(b',') => self.take(b',').map(|()| true),
            Some(byte) if byte == end => self.take(end).map(|()| false),
            other => Err(self.unexpected(other, &format!("a comma or `{}`", char::from(end)))),
        }
    }

    /// Takes the name of a member and the colon behind it.
    pub(super) fn key(&mut self) -> Result<String, String> {
        match self.next_token()? {
            Some(b'"') => {
                let key = self.string()?;
                self.expect(b':')?;
                Ok(key)
            }
            other => Err(self.unexpected(other, "a name in double quotes")),
        }
    }

    /// Takes a value that has no others in it.
    pub(super) fn scalar(&mut self) -> Result<Scalar, String> {
        match self.next_token()? {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => self.word(),
            other => Err(self.unexpected(other, "a value")),
        }
    }

    /// Takes a number or a word.
    fn word(&mut self) -> Result<Scalar, String> {
        let place = self.place();
        let mut word = String::new();
        while let Some(byte) = self.peek()?
            && (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'))
        {
            self.take(byte)?;
            word.push(char::from(byte));
            if word.len() > 4096 {
                return Err(self.fault("a number of more than 4096 digits: the file is damaged"));
            }
        }
        Ok(match word.as_str() {
            "null" | "NaN" => Scalar::Null,
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            "Infinity" | "-Infinity" => Scalar::Number(word),
            _ if is_number(&word) => Scalar::Number(word),
            _ => {
                let shown = printable(&word, 40);
                let what = format!("found `{shown}`: expected a value, texts in double quotes");
                return Err(fault_at(place, &what));
            }
        })
    }

    /// Takes a text in double quotes.
    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.peek()? else {
                return Err(self.unexpected(None, "the end of a text"));
            };
            if bytes.len() > MOST_BYTES {
                return Err(self.fault("a text of more than 64 MiB: a quote does not close"));
            }
            match byte {
                b'"' => {
                    self.take(byte)?;
                    break;
                }
                b'\\' => {
                    self.take(byte)?;
                    let c = self.escaped()?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                b'\n' | b'\r' => {
                    return Err(self.fault("a line ends within a text: a quote does not close"));
                }
                byte => {
                    self.take(byte)?;
                    bytes.push(byte);
                }
            }
        }
        String::from_utf8(bytes)
            .map_err(|_| self.fault("a text that is no UTF-8: name its characters by `encoding`"))
    }

    /// Takes what follows a backslash.
    fn escaped(&mut self) -> Result<char, String> {
        let Some(byte) = self.peek()? else {
            return Err(self.unexpected(None, "the end of a text"));
        };
        let c = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.take(byte)?;
                let first = self.unit()?;
                return self.character(first);
            }
            other => return Err(self.unexpected(Some(other), "what a backslash stands before")),
        };
        self.take(byte)?;
        Ok(c)
    }

    /// The character that begins with a unit of UTF-16. What is no character is a replacement.
    fn character(&mut self, first: u16) -> Result<char, String> {
        let mut first = first;
        loop {
            // The second half of a pair is asked for behind the first only.
            if !(0xd800..0xdc00).contains(&first) || self.peek()? != Some(b'\\') {
                break;
            }
            self.take(b'\\')?;
            if self.peek()? != Some(b'u') {
                // The first half stands alone, and is left out: what follows it is a character.
                return self.escaped();
            }
            self.take(b'u')?;
            let second = self.unit()?;
            let pair = char::decode_utf16([first, second]).next();
            if let Some(Ok(c)) = pair {
                return Ok(c);
            }
            first = second;
        }
        Ok(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Takes four digits of base 16.
    fn unit(&mut self) -> Result<u16, String> {
        let mut unit = 0;
        for _ in 0..4 {
            let found = self.peek()?;
            let digit = found.and_then(|byte| char::from(byte).to_digit(16));
            match (found, digit.and_then(|digit| u16::try_from(digit).ok())) {
                (Some(byte), Some(digit)) => {
                    self.take(byte)?;
                    unit = unit * 16 + digit;
                }
                _ => return Err(self.unexpected(found, "four digits of base 16")),
            }
        }
        Ok(unit)
    }

    /// Takes a value, whatever it is.
    pub(super) fn skip_value(&mut self) -> Result<(), String> {
        // The ends of what the value is in, from the outside.
        let mut ends = Vec::new();
        loop {
            let is_open = match self.next_token()? {
                Some(open @ (b'{' | b'[')) => {
                    self.take(open)?;
                    let end = if open == b'{' { b'}' } else { b']' };
                    if ends.len() == MOST_LEVELS {
                        return Err(self.fault("more than 128 levels of values in each other"));
                    }
                    ends.push(end);
                    !self.takes(end)?
                }
                _ => {
                    self.scalar()?;
                    // No value is in it, as in an empty array, but nothing closes.
                    ends.push(0);
                    false
                }
            };
            if !is_open {
                ends.pop();
                // What ends with it.
                while let Some(&end) = ends.last()
                    && !self.goes_on(end)?
                {
                    ends.pop();
                }
            }
            match ends.last() {
                None => return Ok(()),
                Some(b'}') => drop(self.key()?),
                Some(_) => {}
            }
        }
    }

    /// Takes a value and gives its text without white space between its parts.
    pub(super) fn value_text(&mut self) -> Result<String, String> {
        self.next_token()?;
        self.kept = Some(Vec::new());
        let taken = self.skip_value();
        let kept = self.kept.take().unwrap_or_default();
        taken?;
        String::from_utf8(kept)
            .map_err(|_| self.fault("a text that is no UTF-8: name its characters by `encoding`"))
    }
}

/// What is wrong at a line and a character in it.
pub(super) fn fault_at((line, column): (u64, u64), what: &str) -> String {
    format!("line {line}, column {column}: {what}")
}

/// Whether a word is a number of JSON.
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix('-').unwrap_or(word);
    let (n, mut rest) = digits(word);
    if n == 0 || (n > 1 && word.starts_with('0')) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let (n, after) = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = after;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let (n, after) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        if n == 0 {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// How many digits a text begins with, and what follows them.
fn digits(text: &str) -> (usize, &str) {
    let n = text.bytes().take_while(u8::is_ascii_digit).count();
    (n, text.get(n..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn scanner(text: &str) -> Scanner {
        Scanner::new(Box::new(Cursor::new(text.as_bytes().to_vec())))
    }

    #[test]
    fn numbers_keep_their_digits() {
        for text in ["11267085662.933", "123456789012345678", "-0.10", "1e-7", "0", "-Infinity"] {
            let expected = Scalar::Number(text.to_owned());
            assert_eq!(scanner(text).scalar(), Ok(expected), "{text}");
        }
        for text in ["01", "1.", ".5", "-", "1e", "0x1", "nil", "+1"] {
            assert!(scanner(text).scalar().is_err(), "{text}");
        }
        assert_eq!(scanner(" NaN").scalar(), Ok(Scalar::Null));
        assert_eq!(scanner("true").scalar(), Ok(Scalar::Bool(true)));
    }

    #[test]
    fn texts_are_unescaped() {
        let is = |text: &str, expected: &str| {
            assert_eq!(scanner(text).scalar(), Ok(Scalar::Text(expected.to_owned())), "{text}");
        };
        is(r#""a\"b\\\/\n\t""#, "a\"b\\/\n\t");
        is(r#""\u00e9\u6d77\ud83d\ude42""#, "é海🙂");
        is(r#""\ud83dx""#, "\u{fffd}x");
        is("\"नेपाल\"", "नेपाल");
    }

    #[test]
    fn values_are_taken_as_they_stand() {
        let text = r#" { "a" : [ 1.50 , { } , "x \" y" ] , "b" : [ [ ] ] } ,"#;
        let mut scanner = scanner(text);
        let expected = r#"{"a":[1.50,{},"x \" y"],"b":[[]]}"#;
        assert_eq!(scanner.value_text(), Ok(expected.to_owned()));
        assert_eq!(scanner.next_token(), Ok(Some(b',')));
    }

    #[test]
    fn faults_are_named_by_line_and_column() {
        let is = |text: &str, expected: &str| {
            let error = scanner(text).skip_value().expect_err("a fault");
            assert!(error.starts_with(expected), "{text:?}: {error}");
        };
        is("{\"é\": 1,\n 'b': 2}", "line 2, column 2: found `'`: expected a name in double quotes");
        is("[1, 2", "line 1, column 6: the file ends: expected a comma or `]`");
        is("[1 2]", "line 1, column 4: found `2`: expected a comma or `]`");
        is("{\"a\" 1}", "line 1, column 6: found `1`: expected `:`");
        is("[nil]", "line 1, column 2: found `nil`: expected a value");
        is("[\"a\nb\"]", "line 1, column 4: a line ends within a text");
        is("[1,]", "line 1, column 4: found `]`: expected a value");
        is(&"[".repeat(200), "line 1, column 130: more than 128 levels");
    }
}
