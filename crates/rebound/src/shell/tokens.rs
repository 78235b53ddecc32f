//! The words of a statement that may not be finished yet.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number, with its dots: `panel.region`.
    Word,
    /// A text in single quotes or dollars. Its end may be missing.
    Text,
    /// Any other character.
    Sign,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// Where it begins.
    pub(super) start: usize,
    /// As it stands there.
    pub(super) text: &'t str,
}

impl Token<'_> {
    /// Where it ends.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this word, in large or small letters.
    pub(super) fn is(&self, word: &str) -> bool {
        self.kind != Kind::Text && self.text.eq_ignore_ascii_case(word)
    }
}

/// Whether a character may be of a word.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// The length of what begins `text`: up to and with `end` behind its first character, or all of it.
fn up_to(text: &str, end: &str) -> usize {
    let begun = text.chars().next().map_or(0, char::len_utf8);
    text[begun..].find(end).map_or(text.len(), |at| begun + at + end.len())
}

/// The tokens of a text, without white space and comments.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = if rest.starts_with("--") {
            (None, up_to(rest, "\n"))
        } else if rest.starts_with("/*") {
            (None, up_to(rest, "*/"))
        } else if first.is_whitespace() {
            (None, first.len_utf8())
        } else if first == '\'' {
            (Some(Kind::Text), up_to(rest, "'"))
        } else if rest.starts_with("$$") {
            (Some(Kind::Text), 1 + up_to(&rest[1..], "$$"))
        } else if first == '"' {
            (Some(Kind::Word), up_to(rest, "\""))
        } else if is_of_word(first) {
            let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            (Some(Kind::Word), end)
        } else {
            (Some(Kind::Sign), first.len_utf8())
        };
        if let Some(kind) = kind {
            found.push(Token { kind, start: at, text: &rest[..length] });
        }
        at += length;
    }
    found
}

/// The tokens of the statement that the place `at` is in.
pub(super) fn statement_at<'t>(all: &[Token<'t>], at: usize) -> Vec<Token<'t>> {
    let is_end = |token: &&Token<'_>| token.is(";");
    let begin = all.iter().filter(is_end).map(Token::end).filter(|end| *end <= at).max();
    let end = all.iter().filter(is_end).map(|token| token.start).find(|start| *start >= at);
    let (begin, end) = (begin.unwrap_or(0), end.unwrap_or(usize::MAX));
    all.iter().filter(|token| token.start >= begin && token.end() <= end).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text).collect()
    }

    #[test]
    fn a_text_has_tokens() {
        assert_eq!(
            texts("select r.a, 'x; y''z' -- from b\nfrom \"t u\" /* ; */ where é >= $$a;b$$;"),
            [
                "select", "r.a", ",", "'x; y'", "'z'", "from", "\"t u\"", "where", "é", ">", "=",
                "$$a;b$$", ";"
            ]
        );
        assert_eq!(texts("a 'b c"), ["a", "'b c"]);
        assert_eq!(texts("a $$"), ["a", "$$"]);
        assert_eq!(texts("'"), ["'"]);
        assert_eq!(texts("--"), [""; 0]);
    }

    #[test]
    fn the_statement_of_a_place_is_found() {
        let text = "select 1; select ';' from b; select 3";
        let at = |place: usize| -> Vec<&str> {
            statement_at(&tokens(text), place).iter().map(|token| token.text).collect()
        };
        assert_eq!(at(3), ["select", "1"]);
        assert_eq!(at(20), ["select", "';'", "from", "b"]);
        assert_eq!(at(text.len()), ["select", "3"]);
    }
}
