//! Whether what is taken for the header of a file is one.

use super::header::{are_codes, is_period};
use super::look::{ColumnLook, FileLook};
use super::words::is_like_number;
use project::printable::printable;

/// Characters of what is told of a text.
const SAID_CHARACTERS: usize = 40;

/// Why the header that was found may be none: what stands in it is a row.
pub(super) fn doubt(look: &FileLook) -> Option<String> {
    let numbers = || look.columns.iter().filter(|column| column.is_number());
    let names: Vec<&str> = numbers().map(|column| column.name.as_str()).collect();
    let n_unnamed = names.iter().filter(|name| name.is_empty()).count();
    let odd: Vec<&str> =
        names.iter().copied().filter(|name| is_like_number(name) && !is_period(name)).collect();
    // The name of a column is one of its own texts.
    let is_own =
        |column: &ColumnLook| !column.name.is_empty() && column.texts.contains_key(&column.name);
    let has_own = look.columns.iter().any(|column| !column.is_number() && is_own(column));
    let found = if n_unnamed > 1 {
        format!("{n_unnamed} columns of numbers have no name")
    } else if !odd.is_empty() && (has_own || !are_codes(&odd)) {
        let some: Vec<String> =
            odd.iter().take(3).map(|name| printable(name, SAID_CHARACTERS)).collect();
        format!("columns are named by numbers that are no years and no codes ({})", some.join(", "))
    } else {
        return None;
    };
    let header: Vec<String> = look
        .columns
        .iter()
        .take(6)
        .map(|column| printable(&column.name, SAID_CHARACTERS))
        .collect();
    Some(format!(
        "no header is found: of `{}` {found}. Write a layout that says where the header is, such as \
         `rows: {{header: {{match: \"^Region\", lines: 2}}}}` for names in two rows, or `csv: {{header: false}}` \
         where there is none, and look at it by `rebound preview`; or give the file one row of names",
        header.join(" | ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use project::read_options::ReadOptions;
    use sources::input::{BlockReader, Buffers};

    #[test]
    fn a_row_is_no_header() {
        let doubt_of = |text: &'static str| {
            let options = ReadOptions { header: Some(true), ..ReadOptions::default() };
            let reader = BlockReader::of_text(text.as_bytes(), &options, &Buffers::default());
            doubt(&FileLook::of_reader("x.csv", reader.expect("a table")).expect("a look"))
        };
        let why = doubt_of("Bern;Food;638;262\nBern;Wood;5;77\nGenf;Food;12;9\n").expect("a doubt");
        assert!(why.contains("Bern | Food | 638 | 262") && why.contains("lines: 2"), "{why}");
        assert!(doubt_of("Land;Ware;;\nBern;Food;5;77\nGenf;Food;12;9\n").is_some());
        assert_eq!(doubt_of("Land;Jahr;01;02;77\nBern;2008;5;77;1\nGenf;2009;12;9;3\n"), None);
        assert_eq!(doubt_of("Land;Ware;2008;2009\nBern;Food;5;77\nGenf;Food;12;9\n"), None);
    }
}
