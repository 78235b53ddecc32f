//! Names of a file in messages.

use project::printable::printable;

/// Names that a message has at most.
const MOST_NAMES: usize = 6;

/// Characters of a name that a message has at most.
const MOST_CHARACTERS: usize = 40;

/// A name as messages have it.
pub(super) fn named(name: &str) -> String {
    format!("`{}`", printable(name, MOST_CHARACTERS))
}

/// Names as messages have them: the first of them, and how many more there are.
pub(super) fn all_named<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut rest = names.into_iter();
    let first: Vec<String> = rest.by_ref().take(MOST_NAMES).map(named).collect();
    match rest.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// What is said of columns that are left out, each with what it has in a cell; nothing for none.
pub(super) fn left_out(columns: &[(String, &str)]) -> String {
    let (first, rest) = columns.split_at(columns.len().min(MOST_NAMES));
    let first: Vec<String> =
        first.iter().map(|(name, what)| format!("{} ({what})", named(name))).collect();
    match (columns.len(), rest.len()) {
        (0, _) => String::new(),
        (1, _) => format!("column {} left out", first.join(", ")),
        (_, 0) => format!("columns {} left out", first.join(", ")),
        (_, more) => format!("columns {} and {more} more left out", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_names_are_printable() {
        assert_eq!(all_named(["a", "b\u{1b}"]), "`a`, `b?`");
        let many: Vec<String> = (0..9).map(|at| at.to_string()).collect();
        let found = all_named(many.iter().map(String::as_str));
        assert_eq!(found, "`0`, `1`, `2`, `3`, `4`, `5` and 3 more");
        assert_eq!(left_out(&[]), "");
        let columns = [("x".to_owned(), "a list"), ("y".to_owned(), "a map")];
        assert_eq!(left_out(&columns[..1]), "column `x` (a list) left out");
        assert_eq!(left_out(&columns), "columns `x` (a list), `y` (a map) left out");
    }
}
