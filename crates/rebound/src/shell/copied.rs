//! What is copied where: the argument of `\copy`.

use super::tokens::{Kind, Token, tokens};
use clap::ValueEnum;
use report::output::Format;
use std::path::PathBuf;

/// How it is used.
const USAGE: &str = "`\\copy TABLE to FILE`, or `\\copy (QUERY) to FILE`; the form is the file's ending, or a word after it";

/// What is copied where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// The query.
    pub(super) sql: String,
    /// The file.
    pub(super) file: PathBuf,
    /// The form that is asked for.
    pub(super) format: Option<Format>,
}

/// Where the bracket is closed that all begins with.
fn closed(all: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    all.iter().position(|token| {
        match token.text {
            "(" if token.kind == Kind::Sign => depth += 1,
            ")" if token.kind == Kind::Sign => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

impl Copied {
    /// Reads what stands behind `\copy`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let usage = || format!("what is copied where? {USAGE}");
        let all = tokens(text);
        let first = all.first().ok_or_else(usage)?;
        let last = match first.is("(") {
            true => closed(&all).ok_or_else(|| format!("a bracket is not closed: {USAGE}"))?,
            false => 0,
        };
        let whole = all.get(last).ok_or_else(usage)?;
        let sql = match first.is("(") {
            true => text[first.end()..whole.start].trim().to_owned(),
            false if first.kind == Kind::Word => format!("select * from {}", first.text),
            false => return Err(usage()),
        };
        let way = all.get(last + 1).ok_or_else(usage)?;
        if way.is("from") {
            return Err("nothing is copied into a lake, whose tables are published by `rebound run` and only read here: \
                 a pipeline reads files"
                .to_owned());
        }
        if !way.is("to") {
            return Err(format!("expected `to` before `{}`: {USAGE}", way.text));
        }
        let (file, rest) = file_of(text[way.end()..].trim()).ok_or_else(usage)?;
        Ok(Self { sql, file: file.into(), format: format_of(rest)? })
    }
}

/// The name of a file, which may stand in quotes, and what follows it.
fn file_of(text: &str) -> Option<(&str, &str)> {
    let (file, rest) = match text.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'')?,
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    (!file.is_empty()).then_some((file, rest))
}

/// The form that is asked for behind the file, as in `csv`, `with csv` or `(format csv)`.
fn format_of(text: &str) -> Result<Option<Format>, String> {
    let is_filler = |word: &Token<'_>| ["with", "format", "header"].iter().any(|w| word.is(w));
    let all = tokens(text);
    let words: Vec<&Token<'_>> =
        all.iter().filter(|token| token.kind != Kind::Sign && !is_filler(token)).collect();
    match words.as_slice() {
        [] => Ok(None),
        [word] => Format::from_str(word.text, true).map(Some).map_err(|_| {
            let known = Format::value_variants().iter().filter_map(Format::to_possible_value);
            let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
            format!("no form `{}`: expected one of {}", word.text, known.join(", "))
        }),
        [_, more, ..] => Err(format!("nothing is known of `{}`: {USAGE}", more.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, sql: &str, file: &str, format: Option<Format>) {
        let expected = Copied { sql: sql.to_owned(), file: file.into(), format };
        assert_eq!(Copied::read(text), Ok(expected), "{text}");
    }

    #[test]
    fn what_is_copied_is_read() {
        check("panel.region to a.csv", "select * from panel.region", "a.csv", None);
        let query = "select ')' as a, (1 + 2) from t";
        check(&format!("({query}) TO 'my file.json'"), query, "my file.json", None);
        check("(select 1) to /tmp/a-b csv", "select 1", "/tmp/a-b", Some(Format::Csv));
        check("t to x (format tsv, header)", "select * from t", "x", Some(Format::Tsv));
        check("t to x with jsonl", "select * from t", "x", Some(Format::Jsonl));
    }

    #[test]
    fn what_cannot_be_copied_is_refused() {
        for (text, why) in [
            ("", "what is copied where?"),
            ("t", "what is copied where?"),
            ("t to", "what is copied where?"),
            ("(select 1", "a bracket is not closed"),
            ("t from x.csv", "only read here"),
            ("t where a to x", "expected `to` before `where`"),
            ("t to x xlsb", "no form `xlsb`: expected one of table, csv, tsv"),
            ("t to x csv more", "nothing is known of `more`"),
        ] {
            let error = Copied::read(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
