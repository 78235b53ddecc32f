//! Sheets of a workbook that are read as one table: what each is called, and that it has the columns
//! of the first of them.

use super::words::{all_named, named};
use project::read_options::ReadOptions;
use project::sheets::label_of_sheet;
use std::sync::{Arc, OnceLock};

/// A sheet of several that are read as one table.
#[derive(Debug, Clone)]
pub(super) struct OwnSheet {
    pub(super) name: String,
    /// Its label, behind that of its file.
    pub(super) label: String,
    first: Arc<First>,
}

/// The first of the sheets that are read as one table.
#[derive(Debug)]
struct First {
    name: String,
    label: String,
    /// Its header; `None` if it cannot be read.
    header: OnceLock<Option<Vec<String>>>,
}

/// Whether columns are found by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// By their names alone.
    ByName,
    /// Some by their places, so that the order must be the same.
    ByPlace,
}

impl OwnSheet {
    /// The sheets of these names of the file of this label.
    pub(super) fn all(file: &str, names: Vec<String>) -> Result<Vec<Self>, String> {
        if let Some(name) = names.iter().find(|name| name.contains('/')) {
            return Err(format!(
                "the name of its sheet {} has a `/`: rename the sheet",
                named(name)
            ));
        }
        let Some(name) = names.first() else { return Ok(Vec::new()) };
        let label = label_of_sheet(file, name);
        let first = Arc::new(First { name: name.clone(), label, header: OnceLock::new() });
        let sheet = |name: String| Self {
            label: label_of_sheet(file, &name),
            name,
            first: Arc::clone(&first),
        };
        Ok(names.into_iter().map(sheet).collect())
    }

    /// How it is read: as `options` tell, and from this sheet.
    pub(super) fn options(&self, options: &ReadOptions) -> ReadOptions {
        ReadOptions { sheet: Some(self.name.clone()), ..options.clone() }
    }

    /// Refuses another header than that of the first of the sheets, which `header_of` gives.
    pub(super) fn check(
        &self,
        header: &[String],
        columns: Columns,
        header_of: impl FnOnce(Self) -> Option<Vec<String>>,
    ) -> Result<(), String> {
        let first = &self.first;
        let known = first.header.get_or_init(|| match self.name == first.name {
            true => Some(header.to_vec()),
            false => header_of(Self {
                name: first.name.clone(),
                label: first.label.clone(),
                first: Arc::clone(first),
            }),
        });
        // What is wrong with the first is said where it is read.
        let differs = known.as_ref().and_then(|known| difference(known, header, columns));
        match differs {
            None => Ok(()),
            Some(how) => Err(format!(
                "sheet {} has other columns than sheet {}, and both are read as one table \
                 (`excel.sheets`): {how}; leave the sheet out of `excel.sheets`, and save it as a \
                 file if you need it",
                named(&self.name),
                named(&first.name)
            )),
        }
    }
}

/// How a header differs from the first one, if it does: columns without a name are not compared.
fn difference(first: &[String], header: &[String], columns: Columns) -> Option<String> {
    let named_in = |header: &[String]| -> Vec<String> {
        header.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let (expected, found) = (named_in(first), named_in(header));
    let beyond = |all: &[String], other: &[String]| -> Vec<String> {
        let mut rest = other.to_vec();
        let mut more = Vec::new();
        for name in all {
            match rest.iter().position(|of| of == name) {
                Some(at) => {
                    rest.swap_remove(at);
                }
                None => more.push(name.clone()),
            }
        }
        more
    };
    let listed = |names: &[String]| all_named(names.iter().map(String::as_str));
    let (missing, more) = (beyond(&expected, &found), beyond(&found, &expected));
    match (missing.is_empty(), more.is_empty()) {
        (false, false) => Some(format!("it lacks {}, and has {}", listed(&missing), listed(&more))),
        (false, true) => Some(format!("it lacks {}", listed(&missing))),
        (true, false) => Some(format!("it has {} more", listed(&more))),
        (true, true) if columns == Columns::ByPlace && first != header => Some(
            "they stand in another order, and the layout takes columns by `position`".to_owned(),
        ),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::excel_tests::{book, row};
    use super::super::{Block, Buffers, Item, by_sheet, items_at, texts};
    use super::*;
    use project::sheets::SheetChoice;
    use trade::Pattern;

    fn table(names: &[&str], value: &str) -> String {
        [row(1, &["Exports"]), row(2, names), row(3, &["A", "0101", value])].concat()
    }

    /// The sheets of a workbook.
    fn sheets(book: &[u8], choice: &SheetChoice) -> Result<Vec<Item>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.xlsx");
        std::fs::write(&path, book).expect("written");
        let items = items_at(&path, "book.xlsx").expect("a file");
        let items = by_sheet(items, Some(choice)).map_err(|error| error.to_string())?;
        // Read while the file is there.
        for item in &items {
            let options = ReadOptions::default();
            let header = |of: &Item| {
                of.open(&options, &Buffers::default()).map(|reader| reader.header().to_vec())
            };
            let own = header(item).map_err(|error| error.to_string())?;
            item.check_columns(&own, Columns::ByName, header)?;
        }
        Ok(items)
    }

    fn matching(pattern: &str) -> SheetChoice {
        SheetChoice::Matching(Pattern::new(pattern).expect("an expression"))
    }

    fn labels(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.label.as_str()).collect()
    }

    #[test]
    fn sheets_are_items_in_their_order() {
        let names = ["region", "product", "value"];
        let book = book(&[
            ("Notes", "visible", &row(1, &["See the years"])),
            ("2009", "visible", &table(&names, "=2")),
            ("2008", "visible", &table(&["value", "region", "product"], "=1")),
            ("2007", "hidden", &table(&names, "=3")),
        ]);
        let found = sheets(&book, &matching("^[0-9]{4}$")).expect("sheets");
        assert_eq!(labels(&found), ["book.xlsx/2009", "book.xlsx/2008"]);
        let named = SheetChoice::Named(vec!["2007".to_owned(), "2009".to_owned()]);
        let found = sheets(&book, &named).expect("sheets");
        assert_eq!(labels(&found), ["book.xlsx/2007", "book.xlsx/2009"]);
        let error = sheets(&book, &matching("^19")).expect_err("none");
        let expected =
            "no sheet matches `excel.sheets` `^19`: its sheets are `Notes`, `2009`, `2008`";
        assert_eq!(error, expected);
        let lacking = SheetChoice::Named(vec!["2010".to_owned()]);
        let error = sheets(&book, &lacking).expect_err("none");
        assert!(error.starts_with("it has no sheet `2010`: its sheets are "), "{error}");
        let error = sheets(b"a,b\n1,2\n", &matching("x")).expect_err("a text");
        assert!(error.starts_with("it is no workbook"), "{error}");
    }

    #[test]
    fn a_sheet_of_other_columns_is_refused_by_name() {
        let book = book(&[
            ("2008", "visible", &table(&["region", "product", "value"], "=1")),
            ("2009", "visible", &table(&["region", "code", "value"], "=2")),
        ]);
        let error = sheets(&book, &matching("^20")).expect_err("another header");
        let expected = "sheet `2009` has other columns than sheet `2008`, and both are read as one \
                        table (`excel.sheets`): it lacks `product`, and has `code`";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_packed_workbook_is_unpacked_once_for_its_sheets() {
        let names = ["region", "product", "value"];
        let book = book(&[
            ("2008", "visible", &table(&names, "=1")),
            ("2009", "visible", &table(&names, "=2")),
        ]);
        let packed = zstd::encode_all(&*book, 1).expect("packed");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.xlsx.zst");
        std::fs::write(&path, packed).expect("written");
        let items = items_at(&path, "book.xlsx.zst").expect("a file");
        let items = by_sheet(items, Some(&matching("^20"))).expect("sheets");
        let values: Vec<String> = items
            .iter()
            .map(|item| {
                let reader = item.open(&ReadOptions::default(), &Buffers::default());
                let mut reader = reader.expect("a sheet");
                let block = reader.next_block().expect("rows").expect("one block");
                let Block::Table { rows, stored, row } = block else { panic!("a table") };
                assert_eq!(row, 3);
                let columns = texts(&rows, &stored).expect("texts");
                String::from_utf8_lossy(columns[2].value(0)).into_owned()
            })
            .collect();
        assert_eq!(values, ["1", "2"]);
    }

    #[test]
    fn headers_differ_by_names_and_by_order_only_where_it_counts() {
        let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (first, other) = (of(&["a", "", "b"]), of(&["b", " a"]));
        assert_eq!(difference(&first, &other, Columns::ByName), None);
        let order = difference(&first, &other, Columns::ByPlace).expect("another order");
        assert!(order.contains("another order"), "{order}");
        let more = difference(&first, &of(&["a", "b", "b"]), Columns::ByName);
        assert_eq!(more.as_deref(), Some("it has `b` more"));
    }
}
