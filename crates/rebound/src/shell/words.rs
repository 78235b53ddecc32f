//! What a line of the shell is made of: where statements end, and how words go on.

use lake::Catalog;
use query::{Statement, StatementEnd};
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
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (statements, after) = query::statements(rest);
        parts.extend(statements.iter().filter_map(part));
        let (line, below) = after.split_once('\n').unwrap_or((after, ""));
        if let Some(command) = line.strip_prefix('\\') {
            parts.push(Part::Command(command.trim().trim_end_matches(';').trim()));
        }
        rest = below;
    }
    parts
}

fn part<'t>(statement: &Statement<'t>) -> Option<Part<'t>> {
    let Statement { text, end, is_blank } = *statement;
    match end {
        StatementEnd::Open => Some(Part::Open(text.trim_start())),
        _ if is_blank => None,
        StatementEnd::Semicolon => Some(Part::Query(text.trim())),
        // It goes on in the line after the command's.
        StatementEnd::Backslash => Some(Part::Open(text.trim_start())),
        StatementEnd::Text => Some(Part::Open(text.trim())),
    }
}

/// Whether a text needs no further line: nothing, queries to the last `;`, or a command at the end.
pub(super) fn is_complete(text: &str) -> bool {
    !matches!(parts(text).last(), Some(Part::Open(_)))
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
            "\\i it's.sql",
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
            "select e'it\\'s;",
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
