//! `rebound init` on files as people have them: what it writes runs as it is, and the tables come to
//! what the file does. Expected totals were computed with Python's decimals.

use crate::front_door::workbook_of;
use crate::sessions;
use crate::support::{Project, Ran, root};
use std::fmt::Write as _;

/// A project with a raw file of the fixtures.
fn with_fixture(name: &str) -> Project {
    let project = Project::new();
    let path = root().join("tests/fixtures/init").join(name);
    project.write(&format!("data/{name}"), &std::fs::read(path).expect("a fixture"));
    project
}

/// Makes a pipeline `own` of the file, and runs it.
#[track_caller]
fn run(project: &Project, file: &str) -> Ran {
    let seen = project.rebound(&["init", file, "--name", "own"]).ok();
    project.rebound(&["run", "own/pipeline.yaml"]).ok();
    seen
}

/// What the regions of the analysed flow come to.
#[track_caller]
fn total(project: &Project) -> String {
    project.sql_in("own/lake", "select sum(fob_value) from trade.region_year").join("\n")
}

/// Entries that were rejected.
#[track_caller]
fn n_rejects(project: &Project) -> String {
    project.sql_in("own/lake", "select sum(n_rejected) from customs.reconciliation").join("\n")
}

#[track_caller]
fn says(seen: &Ran, texts: &[&str]) {
    for text in texts {
        assert!(seen.out.contains(text), "{text} is not in {}", seen.out);
    }
}

#[test]
fn comtrade_of_today_is_without_the_world() {
    let project = with_fixture("comtrade_plus.csv");
    let seen = run(&project, "data/comtrade_plus.csv");
    says(
        &seen,
        &["UN Comtrade", "W00 is the total of the others", "analysed: import", "not relatedness"],
    );
    assert_eq!(total(&project), "52841969532.20");
    assert_eq!(n_rejects(&project), "0");
    let revisions = project
        .sql_in("own/lake", "select distinct year, hs_revision from customs.records order by year");
    let of = |year: i32| match year {
        ..=2016 => "HS2012",
        2017..=2021 => "HS2017",
        _ => "HS2022",
    };
    let expected: Vec<String> = (2014..=2024).map(|year| format!("{year},{}", of(year))).collect();
    assert_eq!(revisions, expected);
}

#[test]
fn comtrade_of_the_old_site_is_its_leaves() {
    let project = with_fixture("comtrade_classic.csv");
    says(&run(&project, "data/comtrade_classic.csv"), &["left out by `Is Leaf Code`"]);
    assert_eq!(total(&project), "48624875197.00");
    assert_eq!(n_rejects(&project), "0");
}

#[test]
fn baci_is_in_dollars_with_whole_codes() {
    let project = with_fixture("baci.csv");
    says(&run(&project, "data/baci.csv"), &["BACI", "HS1992 in 2021"]);
    assert_eq!(total(&project), "258703616.00");
    assert_eq!(n_rejects(&project), "0");
    let sql = "select count(*) from customs.records where length(product_code) <> 6";
    assert_eq!(project.sql_in("own/lake", sql), ["0"]);
}

#[test]
fn canadas_provinces_are_without_their_total() {
    let project = with_fixture("canada.csv");
    let seen = run(&project, "data/canada.csv");
    says(&seen, &["value of flow export", "Total All Countries is the total", "crisis_2008"]);
    assert_eq!(total(&project), "806364270091.00");
    assert_eq!(n_rejects(&project), "0");
    project
        .rebound(&["report", "own/pipeline.yaml", "-o", "own/report", "--lake", "own/lake"])
        .ok();
}

#[test]
fn canadas_reports_have_their_layout() {
    let project = Project::new();
    let folder = root().join("tests/fixtures/canada_reports");
    let mut files = Vec::new();
    for year in [2008, 2009] {
        for chapter in ["01", "27", "84"] {
            let name = format!("prov_{year}_{chapter}.csv");
            let bytes = std::fs::read(folder.join(&name)).expect("a fixture");
            project.write(&format!("data/{name}"), &bytes);
            files.push(format!("data/{name}"));
        }
    }
    let mut arguments = vec!["init", "--name", "own"];
    arguments.extend(files.iter().map(String::as_str));
    says(&project.rebound(&arguments).ok(), &["Trade Data Online", "2008 to 2009"]);
    project.rebound(&["run", "own/pipeline.yaml"]).ok();
    assert_eq!(total(&project), "285496481960.00");
}

#[test]
fn brazils_states_have_their_layout() {
    let project = with_fixture("EXP_2025.csv");
    says(&run(&project, "data/EXP_2025.csv"), &["ComexStat"]);
    let sql = "select value_in, n_rejected from customs.reconciliation";
    assert_eq!(project.sql_in("own/lake", sql), ["15510715.00,0"]);
}

#[test]
fn nepals_offices_are_wide_by_year_and_flow() {
    let project = with_fixture("customs_offices.xlsx");
    let seen = run(&project, "data/customs_offices.xlsx");
    says(
        &seen,
        &["value of year 2081", "Total is the total of the others", "no column has products"],
    );
    assert_eq!(total(&project), "1274523980.81");
    assert_eq!(n_rejects(&project), "0");
}

/// Rows of eight regions, six products and five years, of values that add up to a known total.
fn made_up() -> (Vec<(i32, String, &'static str, u64)>, u64) {
    let products = ["010121", "020110", "100630", "270900", "640399", "851712"];
    let mut rows = Vec::new();
    for year in 2007_i32..=2011 {
        for region in 0..8_u64 {
            for (at, product) in (0_u64..).zip(products) {
                let step = u64::from(year.unsigned_abs());
                let hundredths =
                    (region + 2) * (at + 3) * 1_234_567 + (step * (at + 1) * 7919) % 99_991;
                if (region + at) % 4 != 0 {
                    rows.push((year, format!("Region {region}"), product, hundredths));
                }
            }
        }
    }
    let total = rows.iter().map(|(.., hundredths)| hundredths).sum();
    (rows, total)
}

fn money(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[test]
fn row_labels_may_have_no_name_in_a_header_of_two_rows() {
    let text = "Trade by canton\n;Exports;;Imports;\n;2018;2019;2018;2019\nNorth;5.5;6;7;8\nSouth;1;2;3;4.5\nWest;3;4;1;1\n";
    let project = Project::new();
    project.write("data/cantons.csv", text.as_bytes());
    let seen = project.rebound(&["init", "data/cantons.csv", "--name", "own"]).ok();
    says(&seen, &["read by layout.yaml: 6 entries of 21.50, 0 rejected"]);
    let layout = std::fs::read_to_string(project.path().join("own/layout.yaml")).expect("a layout");
    for text in ["header: {line: 2, lines: 2}", "  region:\n    column: [\"column 1\"]"] {
        assert!(layout.contains(text), "{text} is not in {layout}");
    }
}

#[test]
fn sheets_of_years_are_one_table() {
    let (rows, _) = made_up();
    let years = ["2008", "2009", "2010"];
    let sheet = |year: &str| {
        let mut text = "region,hs6,value\n".to_owned();
        for (of, region, product, hundredths) in &rows {
            if of.to_string() == year {
                writeln!(text, "{region},{product},{}", money(*hundredths)).expect("a string");
            }
        }
        text
    };
    let tables = years.map(|year| (year, sheet(year)));
    let mut sheets = vec![("Notes", "see the years,,")];
    sheets.extend(tables.iter().map(|(year, text)| (*year, text.as_str())));
    let project = Project::new();
    project.write("data/book.xlsx", &workbook_of(&sheets));
    let seen = run(&project, "data/book.xlsx");
    says(&seen, &["data/book.xlsx/2009: a workbook: sheet `2009`", "2008 to 2010"]);
    let layout = std::fs::read_to_string(project.path().join("own/layout.yaml")).expect("a layout");
    for text in [
        "sheets: \"^(?:19|20)[0-9]{2}$\"  # choose:",
        "  year:\n    sheet: \"((?:19|20)[0-9]{2})\"  # choose:",
        "# not read of the workbook: the sheet Notes",
    ] {
        assert!(layout.contains(text), "{text} is not in {layout}");
    }
    let expected: Vec<String> = years
        .iter()
        .map(|year| {
            let of_year = rows.iter().filter(|(of, ..)| of.to_string() == *year);
            let sum: u64 = of_year.map(|(.., hundredths)| hundredths).sum();
            format!("data/book.xlsx/{year},{},0", money(sum))
        })
        .collect();
    let sql =
        "select source_file, value_in, n_rejected from customs.reconciliation order by source_file";
    assert_eq!(project.sql_in("own/lake", sql), expected);
}

#[test]
fn sheets_of_regions_are_one_table_without_their_total() {
    let project = Project::new();
    let sheets = [
        ("North", "year,hs6,value\n2008,010121,10\n2009,847130,2.5\n"),
        ("South", "year,hs6,value\n2008,010121,5\n2009,847130,7\n"),
        ("Total", "year,hs6,value\n2008,010121,15\n2009,847130,9.5\n"),
    ];
    project.write("data/book.xlsx", &workbook_of(&sheets));
    let seen = project.rebound(&["init", "data/book.xlsx", "--name", "own"]).ok();
    says(&seen, &["read by layout.yaml: 4 entries of 24.50, 0 rejected"]);
    let layout = std::fs::read_to_string(project.path().join("own/layout.yaml")).expect("a layout");
    for text in ["sheets: [\"North\", \"South\"]", "  region:\n    sheet: \"^.+$\"  # choose:"] {
        assert!(layout.contains(text), "{text} is not in {layout}");
    }
    // Sheets of other columns, or whose year nothing says, are left to the user.
    let sheets = [
        ("North", "region,hs6,value\nA,010121,10\nB,847130,2.5\n"),
        ("South", "region,hs6,value\nC,010121,5\nD,847130,7\n"),
    ];
    project.write("data/other.xlsx", &workbook_of(&sheets));
    let seen = project.rebound(&["init", "data/other.xlsx", "--name", "other"]).ok();
    says(&seen, &["read by layout.yaml: 2 entries"]);
}

#[test]
fn semicolons_and_decimal_commas_are_seen() {
    let (rows, all) = made_up();
    let mut text = "Jahr;Region;HS6;Wert (EUR)\n".to_owned();
    for (year, region, product, hundredths) in &rows {
        let whole = hundredths / 100;
        let grouped = match whole {
            0..=999 => whole.to_string(),
            1000..=999_999 => format!("{}.{:03}", whole / 1000, whole % 1000),
            _ => format!("{}.{:03}.{:03}", whole / 1_000_000, whole / 1000 % 1000, whole % 1000),
        };
        writeln!(text, "{year};{region};{product};{grouped},{:02}", hundredths % 100)
            .expect("a string");
    }
    let project = Project::new();
    project.write("data/exporte.csv", text.as_bytes());
    let seen = run(&project, "data/exporte.csv");
    says(&seen, &["crisis_2008", "panels"]);
    assert_eq!(total(&project), money(all));
    let layout = std::fs::read_to_string(project.path().join("own/layout.yaml")).expect("written");
    assert!(layout.contains("currency: EUR\n") && layout.contains("decimal: \",\""), "{layout}");
}

#[test]
fn a_column_a_year_is_unpivoted() {
    let (rows, all) = made_up();
    let mut text = "province\tsh6\t2007\t2008\t2009\t2010\t2011\n".to_owned();
    let keys: std::collections::BTreeSet<(&String, &str)> =
        rows.iter().map(|(_, region, product, _)| (region, *product)).collect();
    for (region, product) in keys {
        let of = rows.iter().filter(|row| row.1 == *region && row.2 == product);
        let cells: Vec<String> = of.map(|row| money(row.3)).collect();
        writeln!(text, "{region}\t{product}\t{}", cells.join("\t")).expect("a string");
    }
    let project = Project::new();
    project.write("data/wide.tsv", text.as_bytes());
    says(&run(&project, "data/wide.tsv"), &["value of year 2007", "choose:"]);
    assert_eq!(total(&project), money(all));
}

/// Values by row number that add up to a known total: the row's value, and the sum of all.
fn numbered(n: u64) -> (Vec<u64>, u64) {
    let values: Vec<u64> = (1..=n).map(|at| (at * 7919) % 9973 + 1).collect();
    let total = values.iter().sum();
    (values, total)
}

/// Makes a file, and a pipeline of it that is run: what `init` says, and the layout.
#[track_caller]
fn run_made(name: &str, text: &[u8], expected: &str) -> (Project, Ran, String) {
    let project = Project::new();
    project.write(&format!("data/{name}"), text);
    let seen = run(&project, &format!("data/{name}"));
    assert_eq!(total(&project), expected, "{}", seen.out);
    assert_eq!(n_rejects(&project), "0", "{}", seen.out);
    let layout = std::fs::read_to_string(project.path().join("own/layout.yaml")).expect("written");
    (project, seen, layout)
}

#[track_caller]
fn has(layout: &str, lines: &[&str]) {
    for line in lines {
        assert!(layout.contains(line), "{line} is not in {layout}");
    }
}

#[test]
fn states_by_industry_are_in_thousands_with_secrets() {
    let industries = [("311", "Industria alimentaria"), ("325", "Industria qu\u{ed}mica")];
    let states = [("01", "Aguascalientes"), ("08", "Chihuahua"), ("19", "Nuevo Le\u{f3}n")];
    let mut text =
        "ANIO,TRIMESTRE,CVE_ENT,ENTIDAD,SUBSECTOR,DESCRIPCION,VALOR_MILES_USD\n".to_owned();
    let (values, mut all) = numbered(5 * 4 * 3 * 2);
    let mut values = values.into_iter();
    for (year, quarter) in (2007..2012).flat_map(|year| (1..=4).map(move |quarter| (year, quarter)))
    {
        for ((key, state), (code, name)) in
            states.iter().flat_map(|state| industries.iter().map(move |of| (state, of)))
        {
            let value = values.next().expect("as many");
            let is_secret = value % 11 == 0;
            let shown = if is_secret { "C".to_owned() } else { value.to_string() };
            all -= if is_secret { value } else { 0 };
            writeln!(text, "{year},{quarter},{key},{state},{code},{name},{shown}")
                .expect("a string");
        }
    }
    let latin: Vec<u8> =
        text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin 1")).collect();
    let expected = format!("{}.00", all * 1000);
    let (project, seen, layout) = run_made("estados.csv", &latin, &expected);
    says(&seen, &["as VALOR_MILES_USD says", "C stands for a number in"]);
    let quarters = "map: {\"1\": \"1\", \"2\": \"4\", \"3\": \"7\", \"4\": \"10\"}";
    has(
        &layout,
        &["column: [\"SUBSECTOR\"]", "multiplier: 1000", "missing: [\"\", \"C\"]", quarters],
    );
    let sql = "select description from trade.product order by product";
    assert_eq!(
        project.sql_in("own/lake", sql),
        ["Industria alimentaria", "Industria qu\u{ed}mica"]
    );
}

#[test]
fn areas_by_industry_are_in_millions_of_what_a_column_says() {
    let mut text = "\u{feff}Data values,Year,Area,Industry,Measure,Notes\n".to_owned();
    let (values, all) = numbered(5 * 3 * 3);
    let mut values = values.into_iter();
    for (year, industry) in (2006..2011).flat_map(|year| {
        ["Agriculture, fishing", "Basic metals", "Wholesale; repair"].map(|of| (year, of))
    }) {
        let mut whole = 0;
        for area in ["North Wales", "South Wales", "Mid Wales", "Wales"] {
            let value = if area == "Wales" { whole } else { values.next().expect("as many") };
            whole += value;
            writeln!(
                text,
                "{},{year},{area},\"{industry}\",Exports (\u{a3} million),",
                money(value)
            )
            .expect("a string");
        }
    }
    let (_, seen, layout) = run_made("wales.csv", text.as_bytes(), &format!("{}.00", all * 10_000));
    says(&seen, &["Wales is the total of the others", "45 entries", "GBP"]);
    has(&layout, &["currency: GBP\n", "multiplier: 1000000", "column: [\"Industry\"]"]);
    assert!(!layout.contains("constant: \"export\"  # choose"), "{layout}");
}

#[test]
fn a_column_a_chapter_is_unpivoted_and_shown_as_one() {
    let chapters: Vec<u64> = (1..=97).filter(|chapter| *chapter != 77).collect();
    let names: Vec<String> = chapters.iter().map(|chapter| format!("HS{chapter:02}")).collect();
    let mut text = format!("Country;Year;{}\n", names.join(";"));
    let (values, all) = numbered(4 * 3 * 96);
    let mut values = values.chunks(96);
    for (year, country) in
        (2007..2010).flat_map(|year| ["ARG", "BRA", "CHL", "PER"].map(|of| (year, of)))
    {
        let row: Vec<String> = values
            .next()
            .expect("as many")
            .iter()
            .map(|value| format!("{},{}", value / 10, value % 10))
            .collect();
        writeln!(text, "{country};{year};{}", row.join(";")).expect("a string");
    }
    let (project, seen, layout) = run_made("wide.csv", text.as_bytes(), &money(all * 10));
    says(&seen, &["HS01 ... HS97", "value of product, 96 columns", "products: HS, 2 digits"]);
    has(&layout, &["pattern: \"^HS([0-9]{2})$\"", "decimal: \",\""]);
    let sql = "select count(distinct product) from trade.region_product_year";
    assert_eq!(project.sql_in("own/lake", sql), ["96"]);
}

#[test]
fn persons_are_a_measure() {
    let mut text = "geo\tnace_r2\ttime\tpersons employed\n".to_owned();
    let (values, all) = numbered(3 * 3 * 5);
    let mut values = values.into_iter();
    for year in 2006..2011 {
        for (geo, industry) in
            ["DE1", "FR1", "ITC"].iter().flat_map(|geo| ["C10", "C29", "J62"].map(|of| (geo, of)))
        {
            let value = values.next().expect("as many");
            writeln!(text, "{geo}\t{industry}\t{year}\t{value}").expect("a string");
        }
    }
    let (_, seen, layout) = run_made("jobs.tsv", text.as_bytes(), &format!("{all}.00"));
    says(&seen, &["employment: 45 entries", "persons", "codes of nace", "analysed: employment"]);
    has(&layout, &["measure: employment\n  unit: persons", "classification: \"nace\""]);
}

#[test]
fn months_and_thousands_are_read_as_people_write_them() {
    let mut text = "State,SITC,Month,Value $000\n".to_owned();
    let (values, _) = numbered(5 * 2 * 3);
    let mut all = 0;
    for (at, value) in (0_usize..).zip(values) {
        let (year, month) = (2007 + at / 6, ["Apr", "Oct"][at / 3 % 2]);
        let code = ["001", "041", "781"][at % 3];
        let value = value + 1000;
        all += value;
        writeln!(text, "NSW,{code},{month}-{year},\"{},{:03}\"", value / 1000, value % 1000)
            .expect("a string");
    }
    let (project, seen, layout) =
        run_made("states.csv", text.as_bytes(), &format!("{}.00", all * 1000));
    says(&seen, &["products: codes of sitc, 3 digits", "is taken for"]);
    has(&layout, &["date: \"month\"", "thousands: \",\"", "decimal: \".\"  # choose:"]);
    let sql = "select distinct month from customs.records order by month";
    assert_eq!(project.sql_in("own/lake", sql), ["4", "10"]);
}

#[test]
fn keys_above_and_notes_below_are_no_rows() {
    let mut text = "Ausfuhr nach Bundesland;;;\nTsd. EUR;;;\n\n".to_owned();
    text += "Bundesland;Warengruppe;2007;2008;2009\n";
    let (values, all) = numbered(3 * 3 * 3);
    let mut values = values.chunks(3);
    for state in ["Bayern", "Berlin", "Hessen"] {
        for (at, goods) in ["Metalle", "Maschinen", "Papier"].into_iter().enumerate() {
            let of = values.next().expect("as many");
            let state = if at == 0 { state } else { "" };
            writeln!(text, "{state};{goods};{};{};{}", of[0], of[1], of[2]).expect("a string");
        }
    }
    text += "\nQuelle: Statistisches Bundesamt;;;;\n1) vorl\u{e4}ufig;;;;\n";
    let (_, seen, layout) = run_made("laender.csv", text.as_bytes(), &format!("{}.00", all * 1000));
    says(&seen, &["take the text above", "2 lines behind the rows are notes"]);
    has(
        &layout,
        &["fill_down: [\"Bundesland\"]", "footer: \"^", "multiplier: 1000", "currency: EUR\n"],
    );
}

#[test]
fn headers_of_two_rows_have_years_below_flows() {
    let mut text = "Trade of cantons, CHF million;;;;;;;\n;;;;;;;\n".to_owned();
    text += "Canton;Branch;Exports;;;Imports;;\n;;2016;2017;2018;2016;2017;2018\n";
    let (values, _) = numbered(4 * 3 * 6);
    let (mut values, mut exports) = (values.chunks(6), 0);
    for canton in ["Zurich", "Bern", "Basel", "Genf"] {
        for branch in ["Watches", "Chemicals", "Machines"] {
            let of = values.next().expect("as many");
            exports += of[..3].iter().sum::<u64>();
            let cells: Vec<String> = of.iter().map(u64::to_string).collect();
            writeln!(text, "{canton};{branch};{}", cells.join(";")).expect("a string");
        }
    }
    let expected = format!("{}.00", exports * 1_000_000);
    let (_, seen, layout) = run_made("cantons.csv", text.as_bytes(), &expected);
    says(&seen, &["4 regions, 3 products", "CHF"]);
    has(
        &layout,
        &[
            "header: {line: 3, lines: 2}",
            "pattern: \"^Exports ([0-9]{4})$\"",
            "or ^Imports ([0-9]{4})$ and flow: {constant: import}",
        ],
    );
}

#[test]
fn totals_without_a_product_are_left_out() {
    let mut text = "Region,Industry,Year,Exports (EUR)\n".to_owned();
    let (values, all) = numbered(6 * 3 * 3);
    let mut values = values.chunks(9);
    for year in 2006..2012 {
        let of = values.next().expect("as many");
        for (at, value) in of.iter().enumerate() {
            let (region, industry) =
                (["A-land", "B-land", "C-land"][at / 3], ["Fish", "Wood", "Steel"][at % 3]);
            writeln!(text, "{region},{industry},{year},{value}").expect("a string");
        }
        writeln!(text, "Whole country,,{year},{}", of.iter().sum::<u64>()).expect("a string");
    }
    let (_, seen, layout) = run_made("whole.csv", text.as_bytes(), &format!("{all}.00"));
    says(&seen, &["3 regions, 3 products", "rows without a product are the totals"]);
    has(&layout, &["{column: \"Industry\", not_in: [\"\"]}"]);
}

#[test]
fn a_run_that_will_stop_is_said() {
    let mut text = "Region,Industry,Year,Exports (EUR)\n".to_owned();
    for year in 2006..2012 {
        for region in ["A-land", "B-land", "C-land"] {
            writeln!(text, "{region},Fish,{year},5\n{region},Wood,{year},7").expect("a string");
        }
        // It is no total of the others.
        writeln!(text, "A-land,,{year},1").expect("a string");
    }
    let project = Project::new();
    project.write("my data/some.csv", text.as_bytes());
    let seen = project.rebound(&["init", "my data/some.csv", "--name", "own"]).ok();
    says(
        &seen,
        &[
            "rebound preview ./own/layout.yaml 'my data/some.csv'",
            "`rebound run` will stop: 6 of 42 entries are rejected",
            "`where` of layout.yaml",
        ],
    );
    project.rebound(&["run", "own/pipeline.yaml"]).fails(3, "6 of 42 entries were rejected");
}

#[test]
fn flows_are_in_the_names_of_files() {
    let project = Project::new();
    let (values, _) = numbered(40);
    let mut all = 0;
    for flow in ["exports", "imports"] {
        let mut text = "year,region,hs4,value\n".to_owned();
        for (at, value) in (0_usize..).zip(&values) {
            let (year, region, code) =
                (2007 + at / 8, ["A", "B"][at % 2], ["0101", "2709", "8703", "8517"][at / 2 % 4]);
            all += if flow == "exports" { *value } else { 0 };
            writeln!(text, "{year},{region},{code},{value}").expect("a string");
        }
        project.write(&format!("data/{flow}.csv"), text.as_bytes());
    }
    project.rebound(&["init", "data/exports.csv", "data/imports.csv", "--name", "own"]).ok();
    project.rebound(&["run", "own/pipeline.yaml"]).ok();
    assert_eq!(total(&project), format!("{all}.00"));
}

#[test]
fn files_that_are_there_are_not_replaced() {
    let project = with_fixture("baci.csv");
    project.rebound(&["init", "data/baci.csv"]).ok();
    let again = project.rebound(&["init", "data/baci.csv"]);
    again.fails(2, "would be replaced");
    project.rebound(&["init", "data/baci.csv", "--force"]).ok();
    project.rebound(&["init", "data/baci.csv", "--name", "../x"]).fails(2, "invalid name");
    project.rebound(&["init", "data/none.csv"]).fails(2, "data/none.csv");
}

#[test]
fn preview_shows_entries_and_rejects_side_by_side() {
    let project = Project::new();
    let layout = "name: x\nfields:\n  year: {column: [year]}\n  flow: {constant: export}\n  \
        region: {column: [region]}\n  product: {column: [hs6]}\n  value: {column: [value]}\n\
        product: {digits: 6, restore_leading_zero: true, revisions: [{from: 2002, to: 2006, revision: HS2002}]}\n\
        value: {currency: USD, decimal: \".\", thousands: null, multiplier: 1, negative: reject, zero: keep}\n\
        missing: [\"\"]\nrules: []\n";
    project.write("x.yaml", layout.as_bytes());
    project.write(
        "x.csv",
        b"year,region,hs6,value\n2002,A,10121,5\n2002,B,010121,five\n2009,C,010121,7\n",
    );
    let shown = project.rebound(&["preview", "x.yaml", "x.csv"]).ok().out;
    for text in [
        "2002 export A 010121: 5.00",
        "not_a_number",
        "no_hs_revision",
        "3 rows, 1 entries, 2 rejects",
    ] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    let lines = project
        .rebound(&["preview", "x.yaml", "x.csv", "--rows", "1", "--format", "json"])
        .ok()
        .out;
    let row: serde_json::Value = serde_json::from_str(lines.trim()).expect("one line of JSON");
    assert_eq!(row["entries"][0]["value"], "5.00");
    assert_eq!(row["place"], "line 2");
    project.rebound(&["preview", "x.yaml", "none.csv"]).fails(2, "none.csv");
}

#[test]
fn the_sessions_print_what_the_document_says() {
    let project = Project::new();
    project.copy_fixtures("init", "data");
    project.copy_fixtures("canada_reports", "data/reports");
    let first = "# Your own data, from the file to the tables";
    assert_eq!(sessions::check(&project, "docs/own-data.md", first), 23);
}
