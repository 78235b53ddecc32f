//! Layouts that say which lines of a file are rows.

use crate::front_door::workbook;
use crate::support::{Raw, root};

#[test]
fn reports_of_trade_data_online_are_read_by_their_layout() {
    let raw = Raw::new("canada_trade_data_online");
    let folder = root().join("tests/fixtures/canada_reports");
    for chapter in ["01", "27", "84"] {
        for year in [2008, 2009] {
            let name = format!("prov_{year}_{chapter}.csv");
            raw.file(&name, &std::fs::read(folder.join(&name)).expect("a fixture"));
        }
    }
    raw.run().ok();
    let totals = raw.sql(
        "select year, product_code, flow, sum(fob_value) from customs.records \
         group by year, product_code, flow order by year, product_code, flow",
    );
    let expected = [
        "2008,01,export,2323041207.00",
        "2008,01,import,158595846.00",
        "2008,27,export,133324050482.00",
        "2008,27,import,53742632398.00",
        "2008,84,export,36324248236.00",
        "2008,84,import,63571797965.00",
        "2009,01,export,1631445730.00",
        "2009,01,import,161387855.00",
        "2009,27,export,82026650023.00",
        "2009,27,import,34372190831.00",
        "2009,84,export,29867046282.00",
        "2009,84,import,52862958800.00",
    ];
    assert_eq!(totals, expected, "{:?}", raw.rejects());
    // Lines whose province stands in the line above.
    let imports = raw.sql(
        "select region_code, fob_value from customs.records where year = 2009 and flow = 'import' \
         and product_code = '27' and region_code in ('NT', 'NU', 'NL') order by region_code",
    );
    assert_eq!(imports, ["NL,2252854401.00", "NT,1202723.00", "NU,28850789.00"]);
    // Six titles, the chapter, the source and five blank lines; an empty cell is no entry.
    let accounts = raw.sql(
        "select n_left_out, n_mended, n_rejected, count(*) from customs.reconciliation \
         group by n_left_out, n_mended, n_rejected",
    );
    assert_eq!(accounts, ["13,0,0,6"]);
    let sums = raw.sql("select sum(n_records), sum(n_empty) from customs.reconciliation");
    assert_eq!(sums, ["142,14"]);
}

#[test]
fn a_title_that_is_nowhere_is_an_error_with_file_and_pattern() {
    let raw = Raw::new("canada_trade_data_online");
    let path = root().join("tests/fixtures/canada_reports/prov_2008_01.csv");
    let text = std::fs::read_to_string(path).expect("a fixture");
    raw.file("a.csv", text.replace("\"HS 01 - Live animals\"\n", "").as_bytes());
    raw.run().fails(2, "raw/a.csv").fails(2, "`rows.titles.chapter` `^HS ([0-9]{2}) - `");
    raw.file("a.csv", text.replace("\"\",\"\",\"2008\"\n", "").as_bytes());
    let ran = raw.run().fails(2, "raw/a.csv");
    let ran = ran.fails(2, "no line matches `rows.header.match` `^\"\",\"\",\"[0-9]{4}\"`");
    ran.fails(
        2,
        "`\"Title\",\"Canadian trade balances\"`, `\"Products\",\"Hs 01 - live animals\"`",
    );
}

/// A layout whose `rows` say what stands between the braces.
fn layout(rows: &str) -> String {
    format!(
        "name: shaped
rows: {{{rows}}}
fields:
  year: {{column: [year]}}
  flow: {{constant: export}}
  product: {{column: [product]}}
  region: {{column: [region]}}
  value: {{column: [value]}}
product: {{digits: 6, restore_leading_zero: true, revisions: [{{from: 2000, to: 2020, revision: HS2007}}]}}
value: {{currency: USD, multiplier: 1, negative: reject, zero: keep}}
"
    )
}

fn raw(layout: &str, name: &str, bytes: &[u8]) -> Raw {
    let raw = Raw::new("shaped");
    raw.0.write("config/layouts/shaped.yaml", layout.as_bytes());
    raw.file(name, bytes);
    raw
}

/// The rows of a file: their lines and what they say; and its lines that are none.
#[track_caller]
fn check(layout: &str, name: &str, bytes: &[u8], records: &[&str], n_left_out: usize) -> Raw {
    let raw = raw(layout, name, bytes);
    raw.run().ok();
    let found = raw.sql(
        "select source_row, year, region_code, product_code, fob_value from customs.records \
         order by source_row",
    );
    assert_eq!(found, records, "{layout}: {:?}", raw.rejects());
    let left_out = raw.sql("select n_left_out from customs.reconciliation");
    assert_eq!(left_out, [n_left_out.to_string()], "{layout}");
    raw
}

#[test]
fn each_key_tells_rows_from_other_lines() {
    let header = "year,region,product,value\n";
    let two = ["2,2008,A,010121,10.00", "3,2008,B,847130,2.50"];
    let rows = "2008,A,010121,10\n2008,B,847130,2.5\n";
    // Comments, one of them with a quote that does not close.
    let text = format!("# made up\n#,\"x\n{header}2008,A,010121,10\n\n# B:\n2008,B,847130,2.5\n");
    let records = ["4,2008,A,010121,10.00", "7,2008,B,847130,2.50"];
    check(&layout("comment: '#'"), "a.csv", text.as_bytes(), &records, 4);
    // A header by its line, by what it looks like, and of two lines.
    let text = format!("year,of,the,title\nUSD\n{header}{rows}");
    let records = ["4,2008,A,010121,10.00", "5,2008,B,847130,2.50"];
    for key in ["header: {line: 3}", "header: {match: '^year,region'}"] {
        check(&layout(key), "a.csv", text.as_bytes(), &records, 2);
    }
    let text = format!("Title\n,,,FOB\nyear,region,product,value\n{rows}");
    let of_two = layout("header: {line: 2, lines: 2, join: ' '}")
        .replace("column: [value]", "column: [FOB value]");
    check(&of_two, "a.csv", text.as_bytes(), &records, 1);
    // What stands below the table.
    let text = format!("{header}{rows}All,All,All,12.5\n\nSource: customs\n\n");
    check(&layout("skip_last: 2"), "a.csv", text.as_bytes(), &two, 4);
    check(&layout("footer: '^All$'"), "a.csv", text.as_bytes(), &two, 4);
    // Cells that take the text above.
    let text = "year,region,product,value\n2008,A,010121,10\n,,847130,2.5\n,B,010121,1\n";
    let records = ["2,2008,A,010121,10.00", "3,2008,A,847130,2.50", "4,2008,B,010121,1.00"];
    check(&layout("fill_down: [year, region]"), "a.csv", text.as_bytes(), &records, 0);
}

#[test]
fn titles_are_columns_beside_the_rows_below_them() {
    let of_titles = layout(
        "header: {match: '^product'}, titles: {year: '^Period,.* ([0-9]{4})$', region: '^Region (.*)$'}",
    );
    let text = "Exports\nPeriod,Specific year: 2008\nproduct,value\nRegion A\n010121,10\n\n\"Region B\",\n847130,2.5\n";
    let records = ["5,2008,A,010121,10.00", "8,2008,B,847130,2.50"];
    check(&of_titles, "a.csv", text.as_bytes(), &records, 5);
    // A row above the first title has none.
    let text = "Period,of 2008\nproduct,value\n010121,10\nRegion A\n847130,2.5\n";
    let raw = check(&of_titles, "a.csv", text.as_bytes(), &["5,2008,A,847130,2.50"], 2);
    assert_eq!(raw.rejects(), ["3,missing_value,region,"]);
    assert_eq!(raw.sql("select raw_text from customs.rejects"), ["\"010121,10\""]);
}

#[test]
fn ragged_rows_follow_the_rule_of_their_layout() {
    let text = "year,region,product,value,note\n2008,A,010121,10,x\n2008,A,847130,2\n2008,B,010121,1,,,\n2008,B,847130,1,x,y\n";
    let rejects = [
        "3,column_count,,\"4 columns, expected 5\"",
        "4,column_count,,\"7 columns, expected 5\"",
        "5,column_count,,\"6 columns, expected 5\"",
    ];
    for (rule, kept, n_mended) in [("reject", None, 0), ("fill", Some(0), 1), ("cut", Some(1), 1)] {
        let raw = raw(&layout(&format!("ragged: {rule}")), "a.csv", text.as_bytes());
        raw.run().ok();
        let expected: Vec<&str> = rejects
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != kept)
            .map(|(_, text)| *text)
            .collect();
        assert_eq!(raw.rejects(), expected, "{rule}");
        let mended = raw.sql("select n_records, n_mended from customs.reconciliation");
        assert_eq!(mended, [format!("{},{n_mended}", 1 + n_mended)], "{rule}");
    }
}

#[test]
fn rows_are_shaped_in_workbooks_and_tables_too() {
    let plain = "Year 2008\nregion,product,value\nA,010121,10\n,847130,2.5\nYear 2009\nB,010121,1\nTotal,,13.5\nSource: x\n";
    let titled = layout(
        "header: {match: '^region'}, titles: {year: '^Year (.*)$'}, fill_down: [region], footer: '^Total'",
    );
    let records = ["5,2008,A,010121,10.00", "6,2008,A,847130,2.50", "8,2009,B,010121,1.00"];
    check(&titled, "a.xlsx", &workbook(plain), &records, 6);
    // A number that is stored as one has no marks of the layout.
    let comma = titled.replace("multiplier: 1", "decimal: ',', multiplier: 1");
    check(&comma, "a.xlsx", &workbook(plain), &records, 6);
    let json = r#"[{"year":2008,"region":"A","product":"010121","value":10},
        {"year":2008,"region":"","product":"847130","value":2.5},{"year":"","region":"All","product":"","value":12.5}]"#;
    let keys = layout("fill_down: [region], skip_last: 1");
    let records = ["1,2008,A,010121,10.00", "2,2008,A,847130,2.50"];
    check(&keys, "a.json", json.as_bytes(), &records, 1);
    let raw = raw(&layout("comment: '#'"), "a.json", json.as_bytes());
    raw.run().fails(2, "raw/a.json").fails(2, "`rows.comment` of the layout has no effect");
}

#[test]
fn keys_that_contradict_are_refused() {
    for (keys, more, expected) in [
        ("header: {line: 3}", "csv: {skip: 2}\n", "`rows.header`"),
        ("header: {line: 3}", "csv: {header: false}\n", "`header: false`"),
        ("skip_last: 0", "", "`rows.skip_last`"),
        ("ragged: fill", "format: excel\n", "it has no effect on a workbook"),
    ] {
        let raw = raw(&format!("{more}{}", layout(keys)), "a.csv", b"x\n");
        raw.run().fails(2, expected);
    }
    let text = b"year,region,product,value\n2008,A,010121,10\n";
    let raw = raw(&layout("fill_down: [province]"), "a.csv", text);
    raw.run().fails(2, "raw/a.csv").fails(2, "\"province\", which stands 0 times in the header");
}
