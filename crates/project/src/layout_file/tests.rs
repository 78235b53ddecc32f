use super::*;
use crate::read_options::NumberMark;
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use trade::{Entry, LeftOut, Money, NumberSample, Reject, Rounding, RowParser, Sink};

struct Nowhere(u64);

impl Sink for Nowhere {
    fn entry(&mut self, _: &Entry<'_>) {
        self.0 += 1;
    }
    fn reject(&mut self, reject: Reject) {
        self.0 += reject.n_entries;
    }
    fn left_out(&mut self, _: LeftOut, n_entries: u64, _: Money) {
        self.0 += n_entries;
    }
    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/layouts");
    let entries = std::fs::read_dir(folder).expect("the layouts");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The shipped layout for Paraná's exports with other lines for its marks.
fn with_marks(lines: &str) -> Result<LayoutFile, LayoutError> {
    let path = shipped().into_iter().find(|path| path.ends_with("brazil_parana_mun.yaml"));
    let path = path.expect("the layout");
    let text = std::fs::read_to_string(&path).expect("readable");
    let marks = "  decimal: \".\"\n  thousands: null\n";
    assert!(text.contains(marks), "{text}");
    let books = path.parent().and_then(Path::parent).expect("config").join("codes");
    let text = text.replace("../codes", &books.display().to_string()).replace(marks, lines);
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    read(file.path())
}

/// The layout that a text is.
fn of(text: &str) -> Result<LayoutFile, LayoutError> {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    read(file.path())
}

const SMALL: &str = "name: small
fields:
  year: {column: [year], optional: true, fallback: {file_name: '([0-9]{4})'}}
  flow: {constant: export}
  region: {column: [region]}
  product: {column: [hs]}
  value: {column: [usd]}
product: {digits: 6, restore_leading_zero: true, revisions: []}
value: {currency: USD, multiplier: 1, negative: keep, zero: keep}
";

#[test]
fn the_name_of_a_file_may_say_what_its_rows_do_not() {
    let layout = of(SMALL).expect("a layout");
    let year = |label: &str| {
        let layout = layout.for_file(label).expect("a layout");
        layout.fields[&Field::Year].fallback.as_ref().map(|spec| spec.origin.clone())
    };
    assert_eq!(year("exports_2008.csv"), Some(Origin::Constant("2008".to_owned())));
    assert_eq!(year("exports.csv"), Some(Origin::Constant(String::new())));
}

#[test]
fn sheets_are_chosen_by_a_pattern_or_by_names() {
    let with = |excel: &str, year: &str| {
        let year = format!("year: {{{year}}}");
        let text = SMALL.replace(
            "year: {column: [year], optional: true, fallback: {file_name: '([0-9]{4})'}}",
            &year,
        );
        assert!(text.contains(&year), "{text}");
        of(&format!("{text}{excel}"))
    };
    let of_sheet = "sheet: '^Year ([0-9]{4})$'";
    let layout = with("excel: {sheets: '^Year'}\n", of_sheet).expect("a layout");
    assert!(matches!(&layout.sheets, Some(SheetChoice::Matching(of)) if of.as_str() == "^Year"));
    let year = |layout: &LayoutFile, label: &str| {
        layout.for_file(label).map(|layout| layout.fields[&Field::Year].origin.clone())
    };
    let constant = |text: &str| Ok(Origin::Constant(text.to_owned()));
    assert_eq!(year(&layout, "of 1999/book.xlsx/Year 2008"), constant("2008"));
    let error = year(&layout, "2009/book 2010.xlsx/All").expect_err("no year");
    assert!(error.contains("finds `year` in the sheet's name by `^Year ([0-9]{4})$`"), "{error}");
    // The name of a file has no sheet in it.
    let layout =
        with("excel: {sheets: [a, 'b c']}\n", "file_name: '([0-9]{4})[^/]*$'").expect("a layout");
    let names = vec!["a".to_owned(), "b c".to_owned()];
    assert_eq!(layout.sheets, Some(SheetChoice::Named(names)));
    assert_eq!(year(&layout, "raw/book_2010.xlsx/a"), constant("2010"));
    for (excel, year, expected) in [
        ("excel: {sheets: a, sheet: b}\n", of_sheet, "leave one of them out"),
        ("excel: {sheets: []}\n", of_sheet, "at least one name"),
        ("excel: {sheets: [a, a]}\n", of_sheet, "\"a\" is there twice"),
        ("excel: {sheets: '['}\n", of_sheet, "`excel.sheets`"),
        ("excel: {sheet: a}\n", of_sheet, "`fields.year.sheet`"),
        ("excel: {sheets: a}\n", "sheet: '['", "`fields.year`"),
        ("excel: {sheets: a}\n", "sheet: x, file_name: y", "expected exactly one of"),
    ] {
        let error = with(excel, year).map(|_| ()).expect_err(excel).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let meaning = |excel: &str| with(excel, "column: [year]").expect(excel).meaning;
    assert_ne!(meaning("excel: {sheets: a}\n"), meaning("excel: {sheets: [a]}\n"));
}

#[test]
fn what_rows_are_meant_is_part_of_what_a_layout_says() {
    let more = |lines: &str| of(&format!("{SMALL}{lines}")).expect(lines);
    let (all, some) = (more(""), more("where: [{column: kind, in: [A], matches: x}]\n"));
    assert_ne!(all.meaning, some.meaning);
    assert_eq!((all.layout.conditions.len(), some.layout.conditions.len()), (0, 2));
    let rules = "rules: [{name: r, why: w, columns: {a: [b]}, not_columns: {c: [d]}}]\n";
    assert_eq!(more(rules).layout.rules[0].cells.len(), 2);
    for (lines, expected) in [
        ("where: [{column: kind}]\n", "`where[0]`"),
        ("where: [{column: kind, in: []}]\n", "at least one text"),
        ("rules: [{name: r, why: w, columns: {a: []}}]\n", "at least one text of each column"),
        ("rules: [{name: where, why: w, regions: [a]}]\n", "the name of what `where` leaves out"),
        ("rules: [{name: r, why: w, columns: {}}]\n", "covers everything"),
        ("unpivot: {field: flow, columns: {a: export}}\n", "must say `unpivoted: true`"),
    ] {
        let error = of(&format!("{SMALL}{lines}")).map(|_| ()).expect_err(lines).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn marks_of_numbers_are_told_or_left_to_the_file() {
    let told = |lines: &str| {
        let layout = with_marks(lines).expect(lines);
        let of = |mark: Option<NumberMark>| mark.map(|NumberMark(mark)| mark);
        let numbers = layout.layout.money.numbers;
        let ReadOptions { decimal, thousands, .. } = layout.options;
        (of(decimal), of(thousands), numbers.decimal, numbers.thousands)
    };
    assert_eq!(told(""), (None, None, '.', None));
    assert_eq!(told("  thousands: null\n"), (None, Some(None), '.', None));
    assert_eq!(told("  thousands: none\n"), (None, Some(None), '.', None));
    assert_eq!(told("  thousands: \".\"\n"), (None, Some(Some('.')), ',', Some('.')));
    assert_eq!(told("  thousands: space\n"), (None, Some(Some(' ')), '.', Some(' ')));
    assert_eq!(
        told("  decimal: \",\"\n  thousands: \"\u{2019}\"\n"),
        (Some(Some(',')), Some(Some('\u{2019}')), ',', Some('\u{2019}'))
    );
    assert_eq!(told("  decimal: \"\u{b7}\"\n"), (Some(Some('\u{b7}')), None, '\u{b7}', None));
    for (lines, expected) in [
        ("  decimal: \",\"\n  thousands: \",\"\n", "`decimal` and `thousands` are both `,`"),
        ("  decimal: none\n", "leave the key out"),
        ("  decimal: ab\n", "is not one character"),
        ("  round: up\n", "half_even"),
    ] {
        let error = with_marks(lines).map(|_| ()).expect_err(lines).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_shows_the_marks_that_its_layout_does_not_tell() {
    let mut cells = NumberSample::default();
    cells.add("1,234");
    let numbers = |lines: &str| {
        let layout = with_marks(lines).expect(lines);
        layout.options.number_format(&cells, &NumberSample::default())
    };
    assert!(numbers("").is_err());
    let told = numbers("  decimal: \".\"\n").map(|found| found.thousands);
    assert_eq!(told, Ok(Some(',')));
    let told = numbers("  thousands: null\n").map(|found| found.decimal);
    assert_eq!(told, Ok(','));
}

#[test]
fn values_are_rounded_where_the_layout_says_so() {
    let round = |lines: &str| with_marks(lines).expect(lines).layout.money.round;
    assert_eq!(round(""), Rounding::Refuse);
    assert_eq!(round("  round: half_even\n"), Rounding::HalfEven);
}

/// The text with some of its lines cut, doubled, changed or swapped.
fn damaged(text: &str, edits: &[(usize, usize, u8, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (line, at, kind, with) in edits {
        if lines.is_empty() {
            break;
        }
        let line = line % lines.len();
        let n = lines[line].chars().count();
        let cut: String = lines[line].chars().take(at % (n + 1)).collect();
        match kind % 5 {
            0 => drop(lines.remove(line)),
            1 => lines.insert(line, lines[line].clone()),
            2 => lines[line] = cut,
            3 => lines[line] = format!("{cut}{with}"),
            _ => {
                let tail: String = lines[line].chars().skip(at % (n + 1) + 1).collect();
                lines[line] = format!("{cut}{with}{tail}");
            }
        }
    }
    lines.join("\n")
}

proptest! {
    // `make fuzz` asks for more by PROPTEST_CASES.
    #[test]
    fn layouts_are_read_or_refused_whatever_they_say(
        at in any::<prop::sample::Index>(),
        edits in prop::collection::vec(
            (any::<usize>(), any::<usize>(), any::<u8>(),
             prop_oneof![prop::sample::select(vec!["-1", "0", "99999999999", "[", "{", "''", ": ", "~", "true", "[9, 1]"])
                 .prop_map(str::to_owned), "\\PC{0,4}"]),
            1..4,
        ),
        cells in prop::collection::vec("\\PC{0,12}|[0-9]{1,10}", 1..12),
    ) {
        let paths = shipped();
        let path = at.get(&paths);
        let text = damaged(&std::fs::read_to_string(path).expect("readable"), &edits);
        // Beside the others, so that its code books are found.
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
        let books = path.parent().and_then(Path::parent).expect("config").join("codes");
        let text = text.replace("../codes", &books.display().to_string());
        std::fs::write(file.path(), text).expect("written");
        match read(file.path()) {
            Err(error) => prop_assert!(error.to_string().contains('`'), "{error}"),
            Ok(layout) => {
                let Ok(layout) = layout.for_file("exports/EXP_2008-11.csv") else { return Ok(()) };
                let names: Vec<String> = layout
                    .fields
                    .values()
                    .filter_map(|spec| match &spec.origin {
                        Origin::Column(names) => names.first().cloned(),
                        _ => None,
                    })
                    .chain(layout.unpivot.iter().flat_map(|u| u.columns.iter().map(|(name, _)| name.clone())))
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect();
                let header: Vec<&str> = names.iter().map(String::as_str).collect();
                if let Ok(parser) = RowParser::new(&layout, &header) {
                    let cells: Vec<_> = cells.iter().cycle().take(header.len()).collect();
                    let row: Vec<Cow<'_, [u8]>> =
                        cells.into_iter().map(|cell| Cow::Borrowed(cell.as_bytes())).collect();
                    let mut sink = Nowhere(0);
                    let counts = parser.parse(&row, &mut sink);
                    prop_assert_eq!(sink.0 + counts.n_empty, parser.n_entries());
                }
            }
        }
    }
}
