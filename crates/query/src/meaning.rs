//! What a text of SQL says, however it is laid out.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The words and signs of `sql`, one a line, without comments and white space. Texts that differ in
/// these only are the same. A text that is no SQL stays as it is.
pub fn meaning(sql: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return sql.to_owned();
    };
    let said = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    said.map(|token| format!("{token:?}\n")).collect()
}

/// `sql` with `literal` in the place of every placeholder `$name`. A longer name that begins so, as
/// `$name_base`, stays. So does what stands in texts and comments, and a text that is no SQL.
pub fn with_value(sql: &str, name: &str, literal: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        return sql.to_owned();
    };
    let placeholder = Token::Placeholder(format!("${name}"));
    let mut filled = String::with_capacity(sql.len());
    let mut rest = sql;
    let mut at = Location::new(1, 1);
    for token in tokens.iter().filter(|token| token.token == placeholder) {
        let n = n_bytes(rest, at, token.span.start);
        filled.push_str(&rest[..n]);
        filled.push_str(literal);
        rest = &rest[n + 1 + name.len()..];
        at = token.span.end;
    }
    filled.push_str(rest);
    filled
}

/// `sql` with `null` in the place of every placeholder.
pub fn with_nulls(sql: &str) -> String {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    let names: BTreeSet<&str> = tokens
        .iter()
        .filter_map(|token| match token {
            Token::Placeholder(name) => name.strip_prefix('$'),
            _ => None,
        })
        .collect();
    names.iter().fold(sql.to_owned(), |sql, name| with_value(&sql, name, "null"))
}

/// `sql` with `$1`, `$2` and so on in the place of its placeholders `?`, from the first to the last.
/// What stands in texts and comments stays, and so does a text that is no SQL.
pub fn with_numbers(sql: &str) -> Cow<'_, str> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location();
    let placeholder = Token::Placeholder("?".to_owned());
    let tokens = tokens.unwrap_or_default();
    let mut found = tokens.iter().filter(|token| token.token == placeholder).peekable();
    if found.peek().is_none() {
        return Cow::Borrowed(sql);
    }
    let mut numbered = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    let mut at = Location::new(1, 1);
    for (number, token) in (1..).zip(found) {
        let n = n_bytes(rest, at, token.span.start);
        numbered.push_str(&rest[..n]);
        numbered.push('$');
        numbered.push_str(&i32::to_string(&number));
        rest = &rest[n + 1..];
        at = token.span.end;
    }
    numbered.push_str(rest);
    Cow::Owned(numbered)
}

/// Which of `names` stand in `sql`, with quotes or without.
pub fn names_in<'n>(sql: &str, names: &[&'n str]) -> Vec<&'n str> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    let is_there = |name: &&&str| {
        tokens.iter().any(|token| matches!(token, Token::Word(word) if word.value == **name))
    };
    names.iter().filter(is_there).copied().collect()
}

/// `sql` with quotes around every word that is one of `names` to the letter. So names of columns
/// need no quotes though they have capital letters. A word that is called as a function stays, and
/// so do one with quotes and a text that is no SQL.
pub fn with_names(sql: &str, names: &[&str]) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        return sql.to_owned();
    };
    let mut quoted = String::with_capacity(sql.len());
    let mut rest = sql;
    let mut at = Location::new(1, 1);
    for (place, token) in tokens.iter().enumerate() {
        let Token::Word(word) = &token.token else { continue };
        let is_call = tokens.get(place + 1).is_some_and(|next| next.token == Token::LParen);
        let is_plain = word.value.chars().all(|c| !c.is_uppercase());
        if word.quote_style.is_some() || is_call || is_plain || !names.contains(&&*word.value) {
            continue;
        }
        let n = n_bytes(rest, at, token.span.start);
        quoted.push_str(&rest[..n]);
        quoted.push('"');
        quoted.push_str(&word.value);
        quoted.push('"');
        rest = &rest[n + word.value.len()..];
        at = token.span.end;
    }
    quoted.push_str(rest);
    quoted
}

/// The bytes of `text`, which begins at `from`, before the place `to`.
fn n_bytes(text: &str, mut from: Location, to: Location) -> usize {
    let before = text.chars().take_while(|c| {
        let is_before = (from.line, from.column) < (to.line, to.column);
        if *c == '\n' {
            from = Location::new(from.line + 1, 1);
        } else {
            from.column += 1;
        }
        is_before
    });
    before.map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        for (sql, expected) in [
            ("select ?", "select $1"),
            (
                "select 'é?', \"?\" -- ?\nfrom t where a = ? and b in (?,\n ?)",
                "select 'é?', \"?\" -- ?\nfrom t where a = $1 and b in ($2,\n $3)",
            ),
            ("select $1, 'it''s'", "select $1, 'it''s'"),
            ("select '?", "select '?"),
        ] {
            assert_eq!(with_numbers(sql), expected);
        }
    }

    #[test]
    fn names_are_found_in_expressions() {
        let sql = "log(\"my x\") * y - 'z' + f(Y)";
        assert_eq!(names_in(sql, &["my x", "y", "z", "f", "Y", "x"]), ["my x", "y", "f", "Y"]);
        assert_eq!(names_in("'", &["x"]), [""; 0]);
    }

    #[test]
    fn names_with_capital_letters_need_no_quotes() {
        let sql = "flowCode = 'flowCode' and \"Year\" > 2007 and Max(Year) > MAX + länge -- Year";
        let expected = "\"flowCode\" = 'flowCode' and \"Year\" > 2007 and Max(\"Year\") > \"MAX\" + länge -- Year";
        assert_eq!(with_names(sql, &["flowCode", "Year", "Max", "MAX", "länge"]), expected);
        assert_eq!(with_names("year = 'x", &["year"]), "year = 'x");
    }

    #[test]
    fn a_value_stands_for_its_placeholder_alone() {
        let sql = "-- $year\nselect '$year' as \"贸易\", $year as y,\n  $year_base + $year\nfrom t";
        let expected =
            "-- $year\nselect '$year' as \"贸易\", 2008 as y,\n  $year_base + 2008\nfrom t";
        assert_eq!(with_value(sql, "year", "2008"), expected);
        assert_eq!(with_value("$a$a 'open", "a", "1"), "$a$a 'open");
        assert_eq!(with_value("$a", "a", "'x'"), "'x'");
        assert_eq!(with_value("", "a", "1"), "");
        let found = with_nulls("select $a, '$b', $a_b -- $c\nfrom t where $a");
        assert_eq!(found, "select null, '$b', null -- $c\nfrom t where null");
    }

    #[test]
    fn comments_and_lines_mean_nothing_and_all_else_does() {
        let text = "select 'a  -- b' as x, \"c d\" from t where n > 1";
        let same = [
            "-- what it is\nselect 'a  -- b' as x,\n\n   \"c d\" from t /* of */ where n > 1\n",
            "select 'a  -- b' as x,\"c d\" from t where n>1 -- why",
        ];
        assert!(same.iter().all(|other| meaning(other) == meaning(text)));
        let others = [
            "select 'a -- b' as x, \"c d\" from t where n > 1",
            "select 'a  -- b' as x, \"cd\" from t where n > 1",
            "select 'a  -- b' as x, \"c d\" from t where n >= 1",
            "select 'a  -- b' as x, \"c d\" from t where n > 1 or true",
            "select 'a' '  -- b' as x, \"c d\" from t where n > 1",
        ];
        assert!(others.iter().all(|other| meaning(other) != meaning(text)));
        assert_eq!(meaning("select 'open"), "select 'open");
    }
}
