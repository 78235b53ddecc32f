use super::*;
use stages::regression::{Confidence, Summary};
use unicode_width::UnicodeWidthStr;

const SHAPES: [Shape; 2] = [Shape::Columns, Shape::Specifications];
/// As wide as any table of these tests.
const WIDE: usize = 2000;
const AWKWARD: [&str; 7] = [
    "a|b",
    "left(code, 2) = '44' & x",
    "ln(a, b)",
    "\"quoted\", x",
    "back\\slash",
    "two\nlines",
    "区域韧性",
];

fn coefficient(term: &str, estimate: f64) -> Coefficient {
    Coefficient {
        term: term.to_owned(),
        level: None,
        estimate: Some(estimate),
        se: Some(0.25),
        t: Some(estimate / 0.25),
        p: Some(0.5),
        interval: Some(Interval { low: estimate - 0.5, high: estimate + 0.5 }),
        wild_p: None,
        null_reason: None,
    }
}

fn result(specification: &str, coefficients: Vec<Coefficient>) -> Estimated {
    Estimated {
        model: "m".to_owned(),
        specification: specification.to_owned(),
        outcome: "y".to_owned(),
        coefficients,
        summary: Summary {
            table: "panel.region".to_owned(),
            estimator: "ols".to_owned(),
            effects: "region_code + hs2".to_owned(),
            inference: "clustered by region_code".to_owned(),
            clusters: "region_code 31".to_owned(),
            n_used: 1234,
            r2: Some(0.75),
            r2_within: Some(0.125),
            ..Summary::default()
        },
    }
}

/// Regressions with all that can befall them: odd names, no estimate, no coefficient that is followed.
fn results(wild_p: Option<f64>) -> Vec<Estimated> {
    let mut terms: Vec<Coefficient> = AWKWARD.map(|term| coefficient(term, 1.5)).into();
    terms[0].wild_p = wild_p;
    let mut without = coefficient("a|b", 1.5);
    without.estimate = None;
    without.se = None;
    without.t = None;
    without.p = None;
    without.interval = None;
    without.null_reason = Some("a combination of x, y | z".to_owned());
    let mut failed = result("a, \"b\" | c & d", Vec::new());
    failed.outcome = "ln(y, 2) | z".to_owned();
    failed.summary =
        Summary { failure: Some("no rows: none where a | b & c".to_owned()), ..Summary::default() };
    vec![
        result("all", terms),
        result("", vec![without, coefficient("other", 2.5)]),
        failed,
        result("other & terms", vec![coefficient("other", 3.5)]),
    ]
}

fn heading(focus: &[&str]) -> Heading {
    Heading {
        title: "A | title & more".to_owned(),
        about: "About it.\nIn two lines.".to_owned(),
        focus: focus.iter().map(|term| (*term).to_owned()).collect(),
    }
}

fn table(format: TableFormat, shape: Shape, results: &[Estimated], width: usize) -> String {
    let results: Vec<&Estimated> = results.iter().collect();
    let of_csv = CsvArgs::default();
    render(format, of_csv, shape, &heading(&AWKWARD), &results, width).expect("a table")
}

/// Parts of a line between separators that no backslash stands before.
fn split(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_escaped = false;
    for c in line.chars() {
        if c == separator && !is_escaped {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn markdown_rows(text: &str) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let cells = split(line, '|');
        cells[1..cells.len() - 1].to_vec()
    };
    text.lines().filter(|line| line.starts_with('|')).map(row).collect()
}

fn latex_rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_suffix(" \\\\"));
    lines.map(|line| split(line, '&')).collect()
}

fn html_rows(text: &str) -> Vec<Vec<String>> {
    let row = |line: &str| -> Vec<String> {
        let line = line.replace("</td>", "</th>");
        let cells: Vec<&str> = line.split("</th>").collect();
        let text = |cell: &&str| cell.rsplit('>').next().unwrap_or_default().to_owned();
        cells[..cells.len() - 1].iter().map(text).collect()
    };
    text.lines().filter(|line| line.starts_with("<tr>")).map(row).collect()
}

#[test]
fn rows_are_as_wide_as_their_heading() {
    for wild_p in [None, Some(0.0321)] {
        let results = results(wild_p);
        for shape in SHAPES {
            let width = match shape {
                Shape::Columns => 1 + results.len(),
                Shape::Specifications => 10 + usize::from(wild_p.is_some()),
            };
            let case = format!("{shape:?}, wild: {wild_p:?}");

            let text = table(TableFormat::Markdown, shape, &results, WIDE);
            let rows = markdown_rows(&text);
            assert!(rows.len() > 8, "{case}: {text}");
            assert!(rows[1].iter().all(|cell| ["---", "---:"].contains(&cell.as_str())));
            assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");

            let text = table(TableFormat::Latex, shape, &results, WIDE);
            let rows = latex_rows(&text);
            let (_, rest) = text.split_once("\\begin{tabular}{").expect("a tabular");
            let (columns, _) = rest.split_once('}').expect("its columns");
            assert_eq!(columns.len(), width, "{case}: {text}");
            assert!(rows.len() > 8, "{case}: {text}");
            assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");

            let text = table(TableFormat::Html, shape, &results, WIDE);
            let rows = html_rows(&text);
            assert!(rows.len() > 8, "{case}: {text}");
            assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");
            assert!(text.contains(&format!("colspan=\"{width}\"")), "{case}: {text}");

            let text = table(TableFormat::Csv, shape, &results, WIDE);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            assert_eq!(reader.headers().expect("headings").len(), 15);
            let rows: Vec<csv::StringRecord> =
                reader.records().collect::<Result<_, _>>().expect("rows of one width");
            let terms: Vec<&str> = rows.iter().map(|row| &row[3]).collect();
            assert_eq!(terms[..7], AWKWARD);
            for row in &rows {
                let n = if row[11].starts_with("not estimated: ") { "0" } else { "1234" };
                assert_eq!(&row[12], n, "{text}");
            }

            let text = table(TableFormat::Text, shape, &results, WIDE);
            let rules = text.lines().filter(|line| line.starts_with("===")).count();
            assert_eq!(rules, 2, "{case}: {text}");
        }
    }
}

#[test]
fn intervals_say_their_level() {
    let confidence = Confidence::new(0.9).expect("a level");
    let mut of_one = vec![result("a", vec![coefficient("x", 1.5)])];
    of_one[0].set_confidence(confidence);
    let headings = |results: &[Estimated]| {
        let heading = Heading::default();
        let results: Vec<&Estimated> = results.iter().collect();
        let TableCells { header, groups, .. } = cells(Shape::Specifications, &heading, &results);
        (header[0].join("|"), groups[0].iter().map(|row| row.join("|")).collect::<Vec<_>>())
    };
    let (header, rows) = headings(&of_one);
    assert!(header.contains("|90 % interval|"), "{header}");
    assert!(rows[0].contains("|1.089 to 1.911|"), "{rows:?}");
    of_one.push(result("b", vec![coefficient("x", 1.5)]));
    let (header, rows) = headings(&of_one);
    assert!(header.contains("|interval|"), "{header}");
    assert!(rows[0].contains("|1.089 to 1.911 (90 %)|"), "{rows:?}");
    assert!(rows[1].contains("|1.000 to 2.000 (95 %)|"), "{rows:?}");
}

#[test]
fn cells_of_specifications_stand_below_their_headings() {
    for wild_p in [None, Some(0.0321)] {
        let results = results(wild_p);
        let of = |format| table(format, Shape::Specifications, &results, WIDE);
        let mut tables = [
            markdown_rows(&of(TableFormat::Markdown)),
            latex_rows(&of(TableFormat::Latex)),
            html_rows(&of(TableFormat::Html)),
        ];
        tables[0].remove(1);
        for rows in tables {
            let at = |name: &str| rows[0].iter().position(|heading| heading == name);
            let cell = |row: usize, name: &str| rows[row][at(name).expect("a heading")].clone();
            assert_eq!(cell(1, "outcome"), "y");
            assert_eq!(cell(1, "specification"), "all");
            assert_eq!(cell(1, "estimate"), "1.500");
            assert_eq!(cell(1, "se"), "0.2500");
            assert_eq!(
                cell(1, "95 % interval".replace('%', percent(&rows[0])).as_str()),
                "1.000 to 2.000"
            );
            assert_eq!(cell(1, "p"), "0.5000");
            assert_eq!(cell(1, "N"), "1,234");
            assert_eq!(cell(1, "R2 within"), "0.1250");
            assert_eq!(at("wild p").is_some(), wild_p.is_some());
            if wild_p.is_some() {
                assert_eq!(cell(1, "wild p"), "0.03210");
            }
            // A dropped regressor, a regression that failed and one without the coefficient.
            for (row, number, n) in [(8, "(2)", "1,234"), (9, "(3)", "0"), (10, "(4)", "1,234")] {
                assert_eq!(cell(row, "no."), number);
                assert_eq!(cell(row, "estimate"), "-");
                assert_eq!(cell(row, "N"), n);
            }
            assert_eq!(rows.len(), 11);
        }
        let text = of(TableFormat::Text);
        for (name, value) in [("estimate", "1.500"), ("N", "1,234"), ("R2 within", "0.1250")] {
            for line in text.lines().filter(|line| line.starts_with("(1)")).take(7) {
                assert_eq!(cell_below(&text, name, line), value, "{text}");
            }
        }
    }
}

/// How LaTeX writes a percent sign, where the headings are LaTeX's.
fn percent(headings: &[String]) -> &'static str {
    if headings.iter().any(|heading| heading.contains("\\%")) { "\\%" } else { "%" }
}

/// What ends in `line` where the heading ends.
fn cell_below(text: &str, heading: &str, line: &str) -> String {
    let head = text.lines().nth(2).expect("headings");
    let padded = format!("{head}  ");
    let end = padded.find(&format!("  {heading}  ")).expect("the heading") + 2 + heading.len();
    let mut taken = String::new();
    for c in line.chars() {
        if taken.width() == end {
            break;
        }
        taken.push(c);
    }
    taken.rsplit("  ").next().unwrap_or_default().to_owned()
}

#[test]
fn panels_hold_each_regression_once_and_fit() {
    let results: Vec<Estimated> = (1..=12)
        .map(|n| {
            let mut terms = vec![coefficient("density", f64::from(n) + 0.5)];
            if n == 12 {
                terms.push(coefficient("in_the_last_only", 99.5));
            }
            let mut result = result(&format!("specification {n}"), terms);
            result.summary.n_used = 0;
            result
        })
        .collect();
    for width in [40, 60, 77, 100, 140] {
        let text = table(TableFormat::Text, Shape::Columns, &results, width);
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
        let words: Vec<&str> = text.split_whitespace().collect();
        let times = |word: &str| words.iter().filter(|known| **known == word).count();
        for n in 1..=12 {
            assert_eq!(times(&format!("({n})")), 1, "{text}");
            assert_eq!(times(&number(f64::from(n) + 0.5)), 1, "{text}");
        }
        let panels: Vec<&str> = text.split("\n\n").collect();
        assert!(panels.len() > 1, "{text}");
        for (at, panel) in panels.iter().enumerate() {
            let title = format!("A | title & more (panel {} of {})\n=", at + 1, panels.len());
            assert!(panel.starts_with(&title), "{text}");
            assert_eq!(panel.matches("\ndensity ").count(), 1, "{text}");
            let is_last = at + 1 == panels.len();
            assert_eq!(panel.contains("\nin_the_last_only "), is_last, "{text}");
            assert_eq!(panel.contains("\nStandard errors"), is_last, "{text}");
        }
    }
    let text = table(TableFormat::Text, Shape::Columns, &results, WIDE);
    assert!(!text.contains("panel 1"), "{text}");
}

#[test]
fn nothing_is_too_long_for_a_narrow_page() {
    let mut results = results(Some(0.0321));
    results[0].coefficients[0].term = "long_name".repeat(40);
    results[0].specification = "a very long name of a specification ".repeat(10);
    results[0].outcome = "区域韧性".repeat(20);
    results[0].summary.notes = "only 31 clusters, as was to be expected".repeat(20);
    results[1].coefficients[0].term = results[0].coefficients[0].term.clone();
    for shape in SHAPES {
        for width in 40..=130 {
            let text = table(TableFormat::Text, shape, &results, width);
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
            assert!(
                text.contains("1.500") && text.contains("[0.03210]") == (shape == Shape::Columns),
                "{width}: {text}"
            );
            assert_eq!(text.matches("About it. In two").count(), 1, "{width}: {text}");
        }
        // Less than fits is not tried.
        assert_eq!(
            table(TableFormat::Text, shape, &results, 0),
            table(TableFormat::Text, shape, &results, 40)
        );
    }
}

#[test]
fn places_are_told_in_runs() {
    assert_eq!(places(&[1]), "(1)");
    assert_eq!(places(&[1, 2, 4, 5, 6, 9]), "(1), (2), (4)-(6), (9)");
}

#[test]
fn a_focus_makes_a_table_of_specifications() {
    assert_eq!(Shape::of(&heading(&[])), Shape::Columns);
    assert_eq!(Shape::of(&heading(&["density"])), Shape::Specifications);
}
