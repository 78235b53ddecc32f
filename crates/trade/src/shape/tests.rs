//! Worked examples of each key, and what holds for all of them together.

use super::*;
use proptest::prelude::*;

/// What begins with a text; it finds what follows that.
fn after(text: &'static str) -> Pattern {
    Pattern::new(&format!("(?s)^{}(.*)$", regex::escape(text))).expect("an expression")
}

fn line(number: u64, text: &str) -> RawLine {
    RawLine {
        number,
        n_lines: 1,
        raw: text.as_bytes().to_vec(),
        cells: text.split(',').map(|cell| Cell::of_text(cell.as_bytes())).collect(),
        is_unclosed: false,
    }
}

/// What the lines of a text come to.
#[derive(Debug)]
struct Found {
    header: Vec<String>,
    /// Each with its line, its cells with bars between them, and its damage.
    rows: Vec<(u64, String, Option<RowDamage>)>,
    n_left_out: u64,
    n_mended: u64,
}

fn shaped(shape: Shape, text: &str) -> Result<Found, ShapeError> {
    let mut shaper = Shaper::new(Arc::new(shape), Start::Header(1), ',')?;
    let mut rows = ShapedRows::default();
    for (number, text) in (1..).zip(text.lines()) {
        shaper.take(line(number, text), &mut rows)?;
    }
    shaper.finish()?;
    let cells = |at: usize| {
        let cells: Vec<_> = rows.cells(at).map(|(text, _)| String::from_utf8_lossy(text)).collect();
        cells.join("|")
    };
    let row = |at: usize| (rows.line(at), cells(at), rows.damage(at));
    Ok(Found {
        header: shaper.header().expect("a header").to_vec(),
        rows: (0..rows.n_rows()).map(row).collect(),
        n_left_out: shaper.n_left_out(),
        n_mended: shaper.n_mended(),
    })
}

/// The header, the sound rows with their lines, and the number of lines left out.
#[track_caller]
fn check(shape: Shape, text: &str, header: &str, rows: &[(u64, &str)], n_left_out: u64) {
    let found = shaped(shape, text).expect("as the shape says");
    assert_eq!(found.header.join("|"), header);
    let sound: Vec<_> = found.rows.iter().map(|(line, cells, _)| (*line, cells.as_str())).collect();
    assert_eq!(sound, rows);
    assert!(found.rows.iter().all(|(.., damage)| damage.is_none()), "{found:?}");
    assert_eq!(found.n_left_out, n_left_out);
}

#[test]
fn comments_and_blank_lines_are_left_out() {
    let shape = Shape { comment: Some("#".to_owned()), ..Shape::default() };
    let text = "# a\n\na,b\n1,2\n#3,4\n,\n5,#6\n# end";
    check(shape, text, "a|b", &[(4, "1|2"), (7, "5|#6")], 5);
}

#[test]
fn a_header_is_found_by_its_line_or_by_what_it_looks_like() {
    let header = |line, pattern: Option<&'static str>| Shape {
        header: HeaderShape { line, pattern: pattern.map(after), ..HeaderShape::default() },
        ..Shape::default()
    };
    let text = "Exports\nyears,2008\nyear,value\n2008,1";
    check(header(Some(3), None), text, "year|value", &[(4, "2008|1")], 2);
    check(header(None, Some("year,")), text, "year|value", &[(4, "2008|1")], 2);
    check(header(None, Some("year")), text, "years|2008", &[(3, "year|value"), (4, "2008|1")], 1);
    check(header(Some(3), Some("year")), text, "year|value", &[(4, "2008|1")], 2);
    let error = shaped(header(Some(2), None), "a\n\nb,c\n").expect_err("blank");
    assert_eq!(error, ShapeError::NoLine { line: 2 });
    let error = shaped(header(None, Some("x")), text).expect_err("no header");
    let ShapeError::NoHeader { pattern, first } = error else { panic!("{error:?}") };
    assert_eq!((pattern, first.len()), (after("x").to_string(), 4));
    assert_eq!(first[1], "years,2008");
    let error = shaped(header(Some(9), None), text).expect_err("too short");
    assert_eq!(error, ShapeError::TooShort { line: 9 });
}

#[test]
fn several_rows_of_a_header_are_joined() {
    let header = HeaderShape { n_rows: 2, ..HeaderShape::default() };
    let shape = Shape { header, ..Shape::default() };
    let text = ",,Exports,,Imports,\nyear,region,2008,2009,2008,2009\n1,2,3,4,5,6";
    let names = "year|region|Exports 2008|Exports 2009|Imports 2008|Imports 2009";
    check(shape.clone(), text, names, &[(3, "1|2|3|4|5|6")], 0);
    let error = shaped(shape.clone(), "a,b\n").expect_err("one row");
    assert_eq!(error, ShapeError::CutHeader { expected: 2 });
    let header = HeaderShape { n_rows: 2, join: "/".to_owned(), ..HeaderShape::default() };
    check(Shape { header, ..shape }, "a,b\nc\n1,2", "a/c|b", &[(3, "1|2")], 0);
}

#[test]
fn columns_without_a_name_have_their_numbers() {
    let shape = Shape { fill_down: vec!["column 1".to_owned()], ..Shape::default() };
    let text = ",,2009\nA,x,1\n,y,2\nB,x,3\n";
    let rows = [(2, "A|x|1"), (3, "A|y|2"), (4, "B|x|3")];
    check(shape, text, "column 1|column 2|2009", &rows, 0);
}

#[test]
fn the_last_lines_are_no_rows() {
    let shape = Shape { skip_last: 2, ..Shape::default() };
    check(
        shape.clone(),
        "a,b\n1,2\n3,4\nTotal,6\n\nSource: x\n",
        "a|b",
        &[(2, "1|2"), (3, "3|4")],
        3,
    );
    check(shape, "a,b\n1,2\n", "a|b", &[], 1);
}

#[test]
fn nothing_below_a_footer_is_a_row() {
    let shape = Shape { footer: Some(after("Source")), ..Shape::default() };
    let text = "Source of all\na,b\n1,2\nx,Source\nSource: x\n5,6\n";
    let header = HeaderShape { line: Some(2), ..HeaderShape::default() };
    let told = Shape { header, ..shape.clone() };
    check(told, text, "a|b", &[(3, "1|2"), (4, "x|Source")], 3);
    check(shape, "a,b\n1,2", "a|b", &[(2, "1|2")], 0);
}

#[test]
fn ragged_rows_follow_their_rule() {
    let text = "a,b,c\n1\n1,2,3,,\n1,2,3,4\n1,2,3\n";
    let fields = |found| Some(RowDamage::Cells { found, expected: 3 });
    for (ragged, damage, n_mended) in [
        (Ragged::Reject, [fields(1), fields(5), fields(4), None], 0),
        (Ragged::Fill, [None, fields(5), fields(4), None], 1),
        (Ragged::Cut, [fields(1), None, fields(4), None], 1),
    ] {
        let found = shaped(Shape { ragged, ..Shape::default() }, text).expect("rows");
        let of_rows: Vec<_> = found.rows.iter().map(|(.., damage)| *damage).collect();
        assert_eq!((&of_rows[..], found.n_mended), (&damage[..], n_mended), "{ragged:?}");
        assert_eq!(found.rows[3].1, "1|2|3");
    }
}

#[test]
fn empty_cells_take_the_text_above() {
    let fill_down = vec!["a".to_owned()];
    let shape = Shape { fill_down, ..Shape::default() };
    let text = "a,b\n,1\nx,2\n ,3\n,4\ny,5\n,6\n";
    let rows = [(2, "|1"), (3, "x|2"), (4, "x|3"), (5, "x|4"), (6, "y|5"), (7, "y|6")];
    check(shape.clone(), text, "a|b", &rows, 0);
    // What was above a damaged row is not known.
    let found = shaped(shape.clone(), "a,b\nx,1\ny,2,3\n,4\nz,5\n,6\n").expect("rows");
    let cells: Vec<&str> = found.rows.iter().map(|(_, cells, _)| cells.as_str()).collect();
    assert_eq!(cells, ["x|1", "y|2", "|4", "z|5", "z|6"]);
    let error = shaped(Shape { fill_down: vec!["c".to_owned()], ..shape.clone() }, text);
    assert!(matches!(error, Err(ShapeError::NoColumn { n: 0, .. })), "{error:?}");
    let error = shaped(shape, "a,a\n1,2\n");
    assert!(matches!(error, Err(ShapeError::NoColumn { n: 2, .. })), "{error:?}");
}

#[test]
fn titles_hold_until_the_next() {
    let titles = vec![("chapter".to_owned(), after("HS ")), ("unit".to_owned(), after("Unit,"))];
    let header = HeaderShape { pattern: Some(after("region")), ..HeaderShape::default() };
    let shape = Shape { titles, header, ..Shape::default() };
    let text = "Unit,dollars\nregion,value\nA,0\nHS 01\nA,1\nB,2\nHS 02,\nA,3\nHS 03,4\nNote\n";
    let found = shaped(shape.clone(), text).expect("rows");
    assert_eq!(found.header, ["region", "value", "chapter", "unit"]);
    let cells: Vec<&str> = found.rows.iter().map(|(_, cells, _)| cells.as_str()).collect();
    // A title has a line for itself; a line alone that is none is a row.
    let expected = [
        "A|0||dollars",
        "A|1|01|dollars",
        "B|2|01|dollars",
        "A|3|02|dollars",
        "HS 03|4|02|dollars",
        "Note||02|dollars",
    ];
    assert_eq!(cells, expected);
    assert_eq!(found.rows[5].2, Some(RowDamage::Cells { found: 1, expected: 2 }));
    assert_eq!(found.n_left_out, 3);
    let error = shaped(shape.clone(), "Unit,x\nregion,value\nA,1\n").expect_err("no chapter");
    let (name, pattern) = ("chapter".to_owned(), after("HS ").to_string());
    assert_eq!(error, ShapeError::NoTitle { name, pattern });
    let error = shaped(shape, "region,unit\n").expect_err("a column");
    assert_eq!(error, ShapeError::TitleIsColumn { name: "unit".to_owned() });
}

#[test]
fn names_may_be_numbers_or_known() {
    let take = |start: Start, text: &str| {
        let mut shaper = Shaper::new(Arc::new(Shape::default()), start, ',').expect("a shape");
        let mut rows = ShapedRows::default();
        for (number, text) in (1..).zip(text.lines()) {
            shaper.take(line(number, text), &mut rows).expect("a line");
        }
        shaper.finish().expect("all of it");
        (shaper.header().expect("names").join("|"), rows.n_rows(), shaper.n_left_out())
    };
    let start = Start::Rows { from: 2, n_columns: 2 };
    assert_eq!(take(start, "Exports\n1,2\n3,4\n"), ("column 1|column 2".to_owned(), 2, 1));
    let start = Start::Names(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(take(start, "1,2\n3,4\n"), ("a|b".to_owned(), 2, 0));
}

#[test]
fn kinds_of_cells_are_kept() {
    let cell = |text: &str, kind| Cell { text: text.as_bytes().to_vec(), kind };
    let shape = Shape { fill_down: vec!["a".to_owned()], ..Shape::default() };
    let start = Start::Names(vec!["a".to_owned(), "b".to_owned()]);
    let mut shaper = Shaper::new(Arc::new(shape), start, ',').expect("a shape");
    let mut rows = ShapedRows::default();
    for (number, first) in [(1, "7"), (2, "")] {
        let cells = vec![cell(first, CellKind::Number), cell("0.5", CellKind::Single)];
        let line = RawLine { number, n_lines: 1, cells, ..RawLine::default() };
        shaper.take(line, &mut rows).expect("a row");
    }
    let kinds: Vec<_> = rows.cells(1).collect();
    assert_eq!(kinds, [(&b"7"[..], CellKind::Number), (&b"0.5"[..], CellKind::Single)]);
}

fn shapes() -> impl Strategy<Value = Shape> {
    let header = (
        prop::option::of(1_u64..5),
        prop::option::of(prop::sample::select(vec!["a", "b,", ""])),
        1_usize..4,
    );
    let ragged = prop::sample::select(vec![Ragged::Reject, Ragged::Fill, Ragged::Cut]);
    let fill_down = prop::sample::subsequence(vec!["a", "b", "column 1", "column 2"], 0..2);
    let titles = prop::sample::subsequence(vec!["a", "x", "#"], 0..3);
    let footer = prop::option::of(prop::sample::select(vec!["F", "a"]));
    let comment = prop::option::of(prop::sample::select(vec!["#", "a", "\""]));
    (comment, header, 0_usize..4, footer, ragged, fill_down, titles).prop_map(
        |(comment, (line, pattern, n_rows), skip_last, footer, ragged, fill_down, titles)| Shape {
            comment: comment.map(str::to_owned),
            header: HeaderShape { line, pattern: pattern.map(after), n_rows, join: " ".to_owned() },
            skip_last,
            footer: footer.map(after),
            ragged,
            fill_down: fill_down.into_iter().map(str::to_owned).collect(),
            titles: titles.into_iter().map(|text| (format!("title {text}"), after(text))).collect(),
        },
    )
}

proptest! {
    // Each line is a row, of the header, or counted as left out; and none is taken twice.
    #[test]
    fn every_line_is_accounted_for(
        shape in shapes(),
        lines in prop::collection::vec("[abxF#\" ]{0,2}(,[abxF12 ]{0,2}){0,4}", 0..30),
    ) {
        let n_header = shape.header.n_rows;
        let n_lines = lines.len();
        let mut rows = ShapedRows::default();
        let mut shaper = Shaper::new(Arc::new(shape), Start::Header(1), ',').expect("no names yet");
        for (number, text) in (1..).zip(&lines) {
            if shaper.take(line(number, text), &mut rows).is_err() {
                return Ok(());
            }
        }
        let ended = shaper.finish();
        if let (Err(ShapeError::NoTitle { .. }) | Ok(()), Some(header)) = (ended, shaper.header()) {
            let n_left_out = usize::try_from(shaper.n_left_out()).expect("few");
            prop_assert_eq!(n_header + rows.n_rows() + n_left_out, n_lines);
            prop_assert!(rows.n_rows() == 0 || rows.n_columns() == header.len());
            for at in 0..rows.n_rows() {
                let number = usize::try_from(rows.line(at)).expect("few");
                prop_assert_eq!(rows.raw(at), lines[number - 1].as_bytes());
                prop_assert_eq!(rows.cells(at).count(), header.len());
                prop_assert!(at == 0 || rows.line(at - 1) < rows.line(at));
            }
        }
    }
}
