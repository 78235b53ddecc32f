//! What a line of the shell is made of: where statements end, and how words go on.

use lake::Catalog;
use std::collections::{BTreeMap, BTreeSet};

/// Keywords that are completed; what queries of these tables need.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "as",
    "asc",
    "avg(",
    "between",
    "by",
    "case",
    "cast(",
    "coalesce(",
    "corr(",
    "count(",
    "count(distinct",
    "cross join",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "explain",
    "extract(",
    "false",
    "filter (where",
    "from",
    "full join",
    "group by",
    "having",
    "in",
    "inner join",
    "intersect",
    "is not null",
    "is null",
    "join",
    "lag(",
    "lead(",
    "left join",
    "like",
    "limit",
    "max(",
    "median(",
    "min(",
    "not",
    "null",
    "nulls last",
    "on",
    "or",
    "order by",
    "over (",
    "partition by",
    "rank(",
    "round(",
    "row_number(",
    "select",
    "stddev(",
    "sum(",
    "then",
    "true",
    "union all",
    "when",
    "where",
];

/// Commands, with their backslash.
const COMMANDS: &[&str] =
    &["\\d", "\\timing", "\\x", "\\f", "\\rows", "\\pager", "\\o", "\\i", "\\q", "\\?"];

/// Where a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    /// In quotes of this kind.
    Quote(u8),
    Line,
    Block,
}

/// The bytes at which statements end: each `;` that stands in no quotes and no comment. And where the text ends.
fn ends(text: &str) -> (Vec<usize>, Place) {
    let bytes = text.as_bytes();
    let (mut place, mut ends, mut at) = (Place::Code, Vec::new(), 0);
    while at < bytes.len() {
        let two = (bytes[at], bytes.get(at + 1).copied().unwrap_or(0));
        let mut n = 1;
        place = match (place, two) {
            (Place::Code, (b'-', b'-')) => Place::Line,
            (Place::Code, (b'$', _)) if dollar_quote(&text[at..]).is_some() => {
                let quote = dollar_quote(&text[at..]).unwrap_or_default();
                match text[at + quote.len()..].find(quote) {
                    Some(inner) => {
                        n = inner + 2 * quote.len();
                        Place::Code
                    }
                    None => return (ends, Place::Quote(b'$')),
                }
            }
            (Place::Code, (b'/', b'*')) => {
                n = 2;
                Place::Block
            }
            (Place::Code, (quote @ (b'\'' | b'"'), _)) => Place::Quote(quote),
            (Place::Code, (b';', _)) => {
                ends.push(at);
                Place::Code
            }
            // A quote that is doubled ends and begins.
            (Place::Quote(quote), (byte, _)) if byte == quote => Place::Code,
            (Place::Line, (b'\n', _)) => Place::Code,
            (Place::Block, (b'*', b'/')) => {
                n = 2;
                Place::Code
            }
            (place, _) => place,
        };
        at += n;
    }
    (ends, place)
}

/// The `$$` or `$name$` that the text begins with.
fn dollar_quote(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?.find('$')?;
    let is_name = |c: char| c.is_alphabetic() || c == '_';
    text[1..=name].chars().all(is_name).then(|| &text[..name + 2])
}

/// A part of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// A query, without its `;`.
    Query(&'t str),
    /// A query whose `;` did not come.
    Open(&'t str),
    /// A command, without its backslash.
    Command(&'t str),
}

/// The queries and commands of a text. A line that begins with a backslash outside of quotes is a command.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if is_blank(rest) {
            return parts;
        }
        if let Some(command) = rest.strip_prefix('\\') {
            let (command, after) = command.split_once('\n').unwrap_or((command, ""));
            parts.push(Part::Command(command.trim().trim_end_matches(';').trim()));
            rest = after;
            continue;
        }
        let (ends, _) = ends(rest);
        let end = ends.first().copied().unwrap_or(rest.len());
        let in_code = |at: &usize| self::ends(&rest[..*at]).1 == Place::Code;
        let mut commands = rest[..end].match_indices("\n\\").map(|(at, _)| at + 1);
        if let Some(at) = commands.find(in_code) {
            if !is_blank(&rest[..at]) {
                parts.push(Part::Open(&rest[..at]));
            }
            rest = &rest[at..];
        } else if ends.is_empty() {
            parts.push(Part::Open(rest.trim_end()));
            return parts;
        } else {
            if !is_blank(&rest[..end]) {
                parts.push(Part::Query(rest[..end].trim()));
            }
            rest = &rest[end + 1..];
        }
    }
}

/// Whether a text needs no further line: nothing, queries to the last `;`, or a command at the end.
pub(super) fn is_complete(text: &str) -> bool {
    let is_open = matches!(ends(text).1, Place::Quote(_) | Place::Block);
    !is_open && !matches!(parts(text).last(), Some(Part::Open(_)))
}

/// Whether there are only spaces and comments.
fn is_blank(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else {
            return rest.is_empty();
        }
    }
}

/// What words may go on to.
#[derive(Debug)]
pub(super) struct Words {
    /// The columns of each table.
    tables: BTreeMap<String, Vec<String>>,
}

impl Words {
    /// Those of what is published.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let columns = |version: &lake::TableVersion| {
            version.columns.iter().map(|column| column.name.clone()).collect()
        };
        Self {
            tables: catalog.tables.iter().map(|(name, of)| (name.clone(), columns(of))).collect(),
        }
    }

    /// Where the word at `at` begins, and what it may become. Columns of tables that the line names come first.
    pub(super) fn complete(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = &line[..at];
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let start = before
            .rfind(|c| !is_of_word(c))
            .map_or(0, |place| place + before[place..].chars().next().map_or(1, char::len_utf8));
        let word = before[start..].to_lowercase();
        if before.trim_start().starts_with('\\') {
            if !before.trim_start().contains(char::is_whitespace) {
                let begun = before.trim_start();
                let known = COMMANDS.iter().filter(|command| command.starts_with(begun));
                return (at - begun.len(), known.map(|&command| command.to_owned()).collect());
            }
            return (start, self.tables_like(&word));
        }
        if word.is_empty() {
            return (start, Vec::new());
        }
        let named: Vec<&String> =
            self.tables.keys().filter(|table| line.contains(table.as_str())).collect();
        let of_named = named.iter().filter_map(|table| self.tables.get(*table)).flatten();
        let columns: BTreeSet<&String> = if named.is_empty() {
            self.tables.values().flatten().collect()
        } else {
            of_named.collect()
        };
        // After an alias or a table, its columns.
        if let Some((_, begun)) = word.rsplit_once('.')
            && self.tables_like(&word).is_empty()
        {
            let found = columns.iter().filter(|column| column.starts_with(begun));
            return (at - begun.len(), found.map(|column| (*column).clone()).collect());
        }
        let mut found: Vec<String> = columns
            .iter()
            .filter(|column| column.starts_with(&word))
            .map(|column| (*column).clone())
            .collect();
        found.extend(self.tables_like(&word));
        let keywords = KEYWORDS.iter().filter(|keyword| keyword.starts_with(&word));
        found.extend(keywords.map(|&keyword| keyword.to_owned()));
        (start, found)
    }

    fn tables_like(&self, word: &str) -> Vec<String> {
        self.tables.keys().filter(|table| table.starts_with(word)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_at_a_semicolon_of_its_own() {
        for text in [
            "",
            "  ",
            "\\d",
            "\\d panel.region",
            "select 1;",
            "select ';';",
            "select 1; -- ;",
            "select 1 /* ; */ ;",
        ] {
            assert!(is_complete(text), "{text:?}");
        }
        for text in [
            "select 1",
            "select ';",
            "select 'it''s",
            "select \";",
            "select 1 -- ;",
            "select /* ;",
            "select $$;",
            "select $a$ $$;",
            "select 1; select 2",
            "select 1; /* open",
        ] {
            assert!(!is_complete(text), "{text:?}");
        }
    }

    #[test]
    fn a_text_is_taken_apart() {
        use Part::{Command, Open, Query};
        assert_eq!(
            parts("select ';' as a; -- one; two\nselect 'it''s'; ; select 3"),
            [Query("select ';' as a"), Query("-- one; two\nselect 'it''s'"), Open("select 3")]
        );
        assert_eq!(parts("-- nothing;\n"), []);
        assert_eq!(
            parts("select 1;\n\\d panel.region\nselect $$a;b$$;\n\\q"),
            [Query("select 1"), Command("d panel.region"), Query("select $$a;b$$"), Command("q")]
        );
        assert_eq!(parts("select 1\n\\timing"), [Open("select 1\n"), Command("timing")]);
        assert_eq!(parts("select '\n\\d';"), [Query("select '\n\\d'")]);
    }

    fn words() -> Words {
        let table = |name: &str, columns: &[&str]| {
            (name.to_owned(), columns.iter().map(|&column| column.to_owned()).collect())
        };
        Words {
            tables: BTreeMap::from([
                table("panel.region", &["region_code", "resistance", "recovery"]),
                table("trade.region_year", &["region_code", "year", "fob_value"]),
            ]),
        }
    }

    fn check(line: &str, expected: (usize, &[&str])) {
        let (start, found) = words().complete(line, line.len());
        assert_eq!(
            (start, found),
            (expected.0, expected.1.iter().map(|&w| w.to_owned()).collect())
        );
    }

    #[test]
    fn words_are_completed_by_their_place() {
        check("\\ti", (0, &["\\timing"]));
        check("\\d pan", (3, &["panel.region"]));
        check("select * from tra", (14, &["trade.region_year"]));
        check("select * from trade.re", (14, &["trade.region_year"]));
        check("select 1 from panel.region where resi", (33, &["resistance"]));
        check("select 1 from panel.region r where r.rec", (37, &["recovery"]));
        check("select fo", (7, &["fob_value"]));
        check("select 1 from panel.region order b", (33, &["between", "by"]));
        check("select ", (7, &[]));
        check("select 'é' as x, resi", (18, &["resistance"]));
    }
}
