//! What a line of the shell is made of: where statements end, and how words go on.

use super::command_list::{COMMANDS, Choices};
use super::tokens::{Kind, Token, is_of_word, statement_at, tokens};
use lake::{Catalog, Column, meta};
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

/// Words behind a table's name that are no other name of it.
const NO_ALIAS: &[&str] = &[
    "anti",
    "asof",
    "cross",
    "except",
    "fetch",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "join",
    "lateral",
    "left",
    "limit",
    "natural",
    "offset",
    "on",
    "order",
    "qualify",
    "right",
    "select",
    "semi",
    "set",
    "tablesample",
    "union",
    "using",
    "where",
    "window",
];

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
    /// Those of what is published, and of the tables over the records of runs.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let names = |columns: &[Column]| -> Vec<String> {
            columns.iter().map(|column| column.name.clone()).collect()
        };
        let published = catalog.tables.iter().map(|(name, of)| (name.clone(), names(&of.columns)));
        let of_meta = meta::contracts().iter();
        let of_meta = of_meta.map(|of| (of.table.to_owned(), names(&of.columns)));
        Self { tables: published.chain(of_meta).collect() }
    }

    /// Where the word at `at` begins, and what it may become: tables behind `from` and `join`, columns of an alias
    /// or a table behind its dot, elsewhere columns of the tables of the statement, tables and keywords. Before a
    /// statement names a table, its columns may be any.
    pub(super) fn complete(&self, text: &str, at: usize) -> (usize, Vec<String>) {
        let before = &text[..at];
        let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
        if line.starts_with('\\') && !is_within_text(before) {
            return self.of_command(before, line);
        }
        let start = start_of_word(before);
        let word = before[start..].to_lowercase();
        if word.is_empty() || is_within_text(before) {
            return (start, Vec::new());
        }
        let all = tokens(text);
        let statement = statement_at(&all, start);
        let named = self.named(&statement);
        if let Some((of, begun)) = word.rsplit_once('.')
            && let Some(columns) = named.get(of).and_then(|table| self.tables.get(*table))
        {
            let found = columns.iter().filter(|column| column.starts_with(begun));
            return (at - begun.len(), found.cloned().collect());
        }
        let last = statement.iter().rev().find(|token| token.end() <= start);
        if last.is_some_and(|token| token.is("from") || token.is("join")) {
            return (start, self.tables_like(&word));
        }
        let columns: BTreeSet<&String> = if named.is_empty() {
            self.tables.values().flatten().collect()
        } else {
            named.values().filter_map(|table| self.tables.get(*table)).flatten().collect()
        };
        let columns = columns.into_iter().filter(|column| column.starts_with(&word));
        let mut found: Vec<String> = columns.cloned().collect();
        found.extend(self.tables_like(&word));
        let keywords = KEYWORDS.iter().filter(|keyword| keyword.starts_with(&word));
        found.extend(keywords.map(|&keyword| keyword.to_owned()));
        (start, found)
    }

    /// What a command may become, or what follows it.
    fn of_command(&self, before: &str, line: &str) -> (usize, Vec<String>) {
        let typed = line.trim_start_matches('\\');
        let Some((name, _)) = typed.split_once(char::is_whitespace) else {
            let known = COMMANDS.iter().map(|command| command.name);
            let known = known.filter(|name| name.starts_with(typed));
            let known: BTreeSet<String> = known.map(|name| format!("\\{name}")).collect();
            return (before.len() - line.len(), known.into_iter().collect());
        };
        let start = start_of_word(before);
        let word = before[start..].to_lowercase();
        let command = COMMANDS.iter().find(|command| command.name == name);
        let found = match command.map(|command| command.choices) {
            Some(Choices::Tables) => self.tables_like(&word),
            Some(Choices::Of(known)) => {
                let known = known.iter().filter(|known| known.starts_with(&word));
                known.map(|&known| known.to_owned()).collect()
            }
            Some(Choices::Any) | None => Vec::new(),
        };
        (start, found)
    }

    /// The tables that a statement names, by all names that they have in it: their own, without their schema, and
    /// the alias behind it.
    fn named(&self, statement: &[Token<'_>]) -> BTreeMap<String, &String> {
        let mut named = BTreeMap::new();
        for (at, token) in statement.iter().enumerate() {
            let name = token.text.replace('"', "").to_lowercase();
            let Some((table, _)) = self.tables.get_key_value(&name) else { continue };
            let alone = name.rsplit('.').next().unwrap_or_default().to_owned();
            named.entry(alone).or_insert(table);
            named.insert(name, table);
            let mut behind = statement[at + 1..].iter().skip_while(|token| token.is("as"));
            let alias = behind.next().filter(|token| token.kind == Kind::Word);
            let alias = alias.map(|token| token.text.replace('"', "").to_lowercase());
            if let Some(alias) = alias.filter(|alias| !NO_ALIAS.contains(&alias.as_str())) {
                named.insert(alias, table);
            }
        }
        named
    }

    fn tables_like(&self, word: &str) -> Vec<String> {
        self.tables.keys().filter(|table| table.starts_with(word)).cloned().collect()
    }
}

/// Where the word begins that a text ends with.
fn start_of_word(text: &str) -> usize {
    let behind = |place: usize| place + text[place..].chars().next().map_or(1, char::len_utf8);
    text.rfind(|c| !is_of_word(c)).map_or(0, behind)
}

/// Whether a text ends within quotes.
fn is_within_text(text: &str) -> bool {
    let last = tokens(text).last().copied();
    last.is_some_and(|token| {
        let is_closed = match token.text.strip_prefix("$$") {
            Some(rest) => rest.ends_with("$$"),
            None => token.text.len() > 1 && token.text.ends_with('\''),
        };
        token.kind == Kind::Text && !is_closed
    })
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
        check("select 'pa", (8, &[]));
        check("\\wat", (0, &["\\watch"]));
        check("\\x a", (3, &["auto"]));
        check("select 1\n\\ti", (9, &["\\timing"]));
        check("\\copy tra", (6, &["trade.region_year"]));
    }

    #[test]
    fn columns_are_those_of_the_tables_of_the_statement() {
        let both = "select 1 from panel.region r join trade.region_year as t where ";
        let n = both.len();
        check(&format!("{both}t.r"), (n + 2, &["region_code"]));
        check(&format!("{both}T.ye"), (n + 2, &["year"]));
        check(&format!("{both}r.ye"), (n + 2, &[]));
        check(&format!("{both}region_year.fo"), (n + 12, &["fob_value"]));
        check(&format!("{both}panel.region.rec"), (n + 13, &["recovery"]));
        check(&format!("{both}rec"), (n, &["recovery"]));
        // Of another table, and of another statement.
        check("select 1 from panel.region where fo", (33, &[]));
        check("select 1 from panel.region; select fo", (35, &["fob_value"]));
        check("select 1 from trade.region_year; select 1 from panel.region where ye", (66, &[]));
        // Behind `from` there are tables alone, whose schema may be an alias elsewhere.
        check("select 1 from r", (14, &[]));
        check("select 1 from panel.re", (14, &["panel.region"]));
        let line = "select r. from panel.region r";
        assert_eq!(
            words().complete(line, 9),
            (9, ["region_code", "resistance", "recovery"].map(str::to_owned).to_vec())
        );
        check("select 'é' as x, resi", (18, &["resistance"]));
    }
}
