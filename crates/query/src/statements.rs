//! Where the statements of a text end.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};
use std::ops::ControlFlow;

/// What a statement of a text ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementEnd {
    /// A semicolon.
    Semicolon,
    /// A backslash with which a line begins, or, after white space, the statement.
    Backslash,
    /// The text.
    Text,
    /// The text, within quotes or a comment.
    Open,
}

/// A statement of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'t> {
    /// All of it before its end.
    pub text: &'t str,
    /// Its end.
    pub end: StatementEnd,
    /// Whether it is nothing but white space and comments.
    pub is_blank: bool,
}

/// The statements of a text up to the first [`StatementEnd::Backslash`], and what follows from that
/// backslash on. Quotes and comments are taken as the engine takes them.
pub fn statements(text: &str) -> (Vec<Statement<'_>>, &str) {
    let (mut found, mut rest) = (Vec::new(), text);
    loop {
        match scanned(rest, &mut found) {
            ControlFlow::Continue(after) => rest = after,
            ControlFlow::Break(after) => return (found, after),
        }
    }
}

/// Adds the statements of a text up to what cannot be taken apart. Gives the place from which on
/// there is more to look at.
fn scanned<'t>(text: &'t str, found: &mut Vec<Statement<'t>>) -> ControlFlow<&'t str, &'t str> {
    let mut tokens = Vec::new();
    let ended =
        Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens);
    let mut reader = Reader { rest: text, here: Location::new(1, 1) };
    let (mut statement, mut is_blank) = (text, true);
    for TokenWithSpan { token, span } in &tokens {
        match token {
            Token::Whitespace(_) => {}
            Token::SemiColon => {
                let at = reader.at(span.start);
                if let Some(after) = at.strip_prefix(';') {
                    let text = before(statement, at);
                    found.push(Statement { text, end: StatementEnd::Semicolon, is_blank });
                    (statement, is_blank) = (after, true);
                }
            }
            Token::Backslash => {
                let at = reader.at(span.start);
                let text = before(statement, at);
                let is_first = text.ends_with('\n') || text.trim_start().is_empty();
                if is_first && at.starts_with('\\') {
                    found.push(Statement { text, end: StatementEnd::Backslash, is_blank });
                    return ControlFlow::Break(at);
                }
                is_blank = false;
            }
            _ => is_blank = false,
        }
    }
    let wrong = match ended {
        Ok(()) => "",
        Err(_) => reader.at(tokens.last().map_or(reader.here, |token| token.span.end)),
    };
    if is_begun(wrong) {
        found.push(Statement { text: statement, end: StatementEnd::Open, is_blank });
    } else if let Some((_, after)) = wrong.split_once(';') {
        // Whoever plans it says what is wrong with it.
        let text = before(statement, after).trim_end_matches(';');
        found.push(Statement { text, end: StatementEnd::Semicolon, is_blank: false });
        return ControlFlow::Continue(after);
    } else if !statement.is_empty() {
        let is_blank = is_blank && wrong.is_empty();
        found.push(Statement { text: statement, end: StatementEnd::Text, is_blank });
    }
    ControlFlow::Break("")
}

/// Whether quotes or a comment begin where a text could not be taken apart: their end is missing.
fn is_begun(wrong: &str) -> bool {
    // Before quotes may stand how they are meant, as in E'...' and U&'...'.
    let unnamed = wrong.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let quotes = if unnamed.len() < wrong.len() { unnamed.trim_start_matches('&') } else { wrong };
    wrong.starts_with("/*") || quotes.starts_with(['\'', '"', '`', '$'])
}

/// What of `text` stands before its end `at`.
fn before<'t>(text: &'t str, at: &str) -> &'t str {
    text.get(..text.len().saturating_sub(at.len())).unwrap_or_default()
}

/// A text that is read on from place to place.
struct Reader<'t> {
    rest: &'t str,
    here: Location,
}

impl<'t> Reader<'t> {
    /// The text from a place on, which is none before those that were asked for.
    fn at(&mut self, place: Location) -> &'t str {
        while self.here < place
            && let Some(c) = self.rest.chars().next()
        {
            let Location { line, column } = self.here;
            self.here = match c {
                '\n' => Location::new(line + 1, 1),
                _ => Location::new(line, column + 1),
            };
            self.rest = &self.rest[c.len_utf8()..];
        }
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, StatementEnd)], after: &str) {
        let (found, rest) = statements(text);
        let found: Vec<(&str, StatementEnd)> = found
            .iter()
            .filter(|statement| !statement.is_blank)
            .map(|statement| (statement.text, statement.end))
            .collect();
        assert_eq!((found.as_slice(), rest), (expected, after), "{text:?}");
    }

    #[test]
    fn semicolons_end_statements_outside_of_quotes_and_comments() {
        use StatementEnd::{Semicolon, Text};
        for statement in [
            "select 1",
            "select ';' as \"a;b\", `c;`",
            "select 'it''s;'",
            "select e'it\\'s;'",
            "select $$a;'b$$, $x1$;$$;$x1$",
            "select 1 -- ;\r\n + 1",
            "select /* ; /* ; */ ; */ 1",
            "select 'é区;',\n 'ü' as ö",
            "select a ._b",
            "select :x \\ 2",
        ] {
            check(statement, &[(statement, Text)], "");
            let twice = format!("{statement};{statement};-- ;\n");
            check(&twice, &[(statement, Semicolon), (statement, Semicolon)], "");
        }
        check(" ;; /* */ ;", &[], "");
    }

    #[test]
    fn what_is_open_is_said() {
        for text in [
            "select ';",
            "select 'it''s",
            "select e'it\\';",
            "select u&';",
            "select \";",
            "select `;",
            "select $$;",
            "select $a$ $$;",
            "select /* ; /* */ ;",
        ] {
            check(text, &[(text, StatementEnd::Open)], "");
        }
        let (found, _) = statements("select 1; /* open");
        let last = Statement { text: " /* open", end: StatementEnd::Open, is_blank: true };
        assert_eq!(found.last(), Some(&last));
    }

    #[test]
    fn a_line_that_begins_with_a_backslash_is_no_sql() {
        use StatementEnd::{Backslash, Semicolon};
        check("\\i it's.sql;", &[], "\\i it's.sql;");
        check("select 1\n\\x 'a", &[("select 1\n", Backslash)], "\\x 'a");
        check("select 1; \\d;\n", &[("select 1", Semicolon)], "\\d;\n");
        check("select '\n\\d';", &[("select '\n\\d'", Semicolon)], "");
        check("-- a\n\\d", &[], "\\d");
    }
}
