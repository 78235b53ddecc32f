//! What a text of SQL says, however it is laid out.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// The words and signs of `sql`, one a line, without comments and white space: texts of one meaning that differ in these only are
/// the same. A text that is no SQL is as it is.
pub fn meaning(sql: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return sql.to_owned();
    };
    let said = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    said.map(|token| format!("{token:?}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
