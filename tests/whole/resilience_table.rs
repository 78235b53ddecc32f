//! `rebound resilience` on tables of its own, and on what a pipeline publishes.

use crate::sessions;
use crate::support::{Project, Ran};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub(crate) type Row = BTreeMap<String, String>;

pub(crate) fn resilience(project: &Project, file: &str, more: &[&str]) -> Ran {
    project.rebound(&[&["resilience", file], more].concat())
}

#[track_caller]
pub(crate) fn rows(ran: Ran) -> Vec<Row> {
    let ran = ran.ok();
    let mut reader = ::csv::Reader::from_reader(ran.out.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("CSV")
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or(f64::NAN)
}

/// The lines of CSV, sorted below the header: a query gives no order.
pub(crate) fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[1..].sort();
    lines
}

/// Two regions: 200, 150, 240 and 200, 170, 240 at 2008, 2009, 2011; together 400, 320, 480.
pub(crate) const PLAIN: &str = "region,year,value\nA,2007,190\nA,2008,200\nA,2009,150\nA,2010,180\nA,2011,240\n\
    B,2007,190\nB,2008,200\nB,2009,170\nB,2010,190\nB,2011,240\n";

/// A table whose values are so much smaller.
fn a_hundred_thousandth(table: &str) -> String {
    let small = |line: &str| match line.rsplit_once(',') {
        Some((keys, value)) => match value.parse::<u32>() {
            Ok(value) => format!("{keys},0.{value:05}\n"),
            Err(_) => format!("{line}\n"),
        },
        None => format!("{line}\n"),
    };
    table.lines().map(small).collect()
}

pub(crate) const CRISIS: [&str; 6] = ["--base", "2008", "--trough", "2009", "--end", "2011"];

#[test]
fn rows_are_those_of_the_stage_to_the_last_digit() {
    let project = Project::published();
    let cells = "select year, region_code, product, fob_value from trade.region_product_year";
    project.rebound(&["sql", cells, "--format", "csv", "-o", "cells.csv"]).ok();
    let with = ["--config", "config/australia.yaml"];
    let ran = resilience(&project, "cells.csv", &[&with[..], &["--all", "-o", "made"]].concat());
    let files = ran.ok().out;
    assert!(files.lines().count() >= 13, "{files}");
    for file in files.lines() {
        let table = file.trim_start_matches("made/").trim_end_matches(".csv");
        let query = format!("select * from {table}");
        let published = project.rebound(&["sql", &query, "--format", "csv"]).ok().out;
        let made = std::fs::read_to_string(project.path().join(file)).expect("written");
        assert!(sorted(&published) == sorted(&made), "{table} is another");
    }
    // One table by a short name is the same, and in the order of the key.
    for (rows, table) in [("regions", "region"), ("cells", "region_product")] {
        let one = resilience(&project, "cells.csv", &[&with[..], &["--rows", rows]].concat()).ok();
        let path = project.path().join(format!("made/resilience.{table}.csv"));
        assert!(one.out == std::fs::read_to_string(path).expect("written"), "{rows}");
        assert!(one.err.contains("index (change - expected change)"), "{}", one.err);
    }
    resilience(&project, "cells.csv", &[&with[..], &["--rows", "unit-value"]].concat())
        .fails(2, "no rows `unit-value`");
}

#[test]
fn a_series_of_regions_is_enough() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let ran = resilience(&project, "plain.csv", &CRISIS).ok();
    assert!(ran.err.contains("there are no products: benchmarks left out: mix"), "{}", ran.err);
    let found = rows(ran);
    assert_eq!(found.len(), 2, "one benchmark");
    let a = &found[0];
    assert_eq!((a["region_code"].as_str(), a["benchmark"].as_str()), ("A", "aggregate"));
    assert_eq!((a["base_value"].as_str(), a["episode"].as_str()), ("200.00", "2008_2009_2011"));
    // -50 where -0.2 x 200 is expected; 90 where 0.5 x 150 is.
    assert!((number(a, "resistance") + 0.25).abs() < 1e-12);
    assert!((number(a, "recovery") - 0.2).abs() < 1e-12);
    let ran = resilience(&project, "plain.csv", &[&CRISIS[..], &["--rows", "periods"]].concat());
    let path: Vec<Row> = rows(ran).into_iter().filter(|row| row["region_code"] == "A").collect();
    let expected: Vec<(&str, f64)> =
        path.iter().map(|row| (row["period"].as_str(), number(row, "expected_value"))).collect();
    assert!(expected.contains(&("2009", 160.0)) && expected.contains(&("2011", 240.0)));
    resilience(&project, "plain.csv", &[&CRISIS[..], &["--rows", "shift-share"]].concat())
        .fails(2, "no rows `shift-share`: it is about products");
    // Products may be there and not be meant.
    let with_product = PLAIN.replace("region,year", "region,hs6,year").replace("A,", "A,010101,");
    let with_product = with_product.replace("B,", "B,840101,");
    project.write("products.csv", with_product.as_bytes());
    let none = [&CRISIS[..], &["--product", "none"]].concat();
    assert_eq!(rows(resilience(&project, "products.csv", &none)), found);
    let by_product = rows(resilience(&project, "products.csv", &CRISIS));
    assert_eq!(by_product.len(), 4, "two benchmarks");
    let table = resilience(&project, "plain.csv", &[&CRISIS[..], &["--format", "table"]].concat());
    assert!(table.ok().out.contains("|  -0.250 "));
    for format in ["parquet", "arrow", "json"] {
        let more = ["--format", format, "-o", "out"];
        resilience(&project, "plain.csv", &[&CRISIS[..], &more].concat()).ok();
        assert!(std::fs::metadata(project.path().join("out")).expect("written").len() > 100);
    }
}

#[test]
fn values_that_are_no_money_are_as_exact() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    project.write("small.csv", a_hundred_thousandth(PLAIN).as_bytes());
    let more = [&CRISIS[..], &["--min-base-value", "0.00199"]].concat();
    let ran = resilience(&project, "small.csv", &more).ok();
    assert!(ran.err.contains("values as floats"), "{}", ran.err);
    let found = rows(ran);
    for (small, plain) in found.iter().zip(rows(resilience(&project, "plain.csv", &CRISIS))) {
        assert!((number(small, "base_value") - number(&plain, "base_value") / 1e5).abs() < 1e-15);
        assert!((number(small, "resistance") - number(&plain, "resistance")).abs() < 1e-12);
        let change = "resistance_expected_change";
        assert!((number(small, change) - number(&plain, change) / 1e5).abs() < 1e-15);
    }
    assert_eq!(found.len(), 2);
    // The smallest base is of the values as they are written.
    let more = [&CRISIS[..], &["--min-base-value", "0.00201"]].concat();
    let found = rows(resilience(&project, "small.csv", &more));
    assert!(found.iter().all(|row| row["resistance_null_reason"] == "small_base"), "{found:?}");
    // So are areas, and spreads where they are of levels.
    let past = "region,year,value\nA,2005,100\nA,2006,110\nA,2007,121\nA,2008,133\nA,2009,120\n\
        A,2010,130\nA,2011,150\n";
    project.write("past.csv", past.as_bytes());
    project.write("small_past.csv", a_hundred_thousandth(past).as_bytes());
    let more = [&CRISIS[..], &["--benchmark", "own_linear", "--rows", "component"]].concat();
    let [plain, small] =
        ["past.csv", "small_past.csv"].map(|file| rows(resilience(&project, file, &more)));
    assert_eq!((plain.len(), small.len()), (1, 1));
    for (column, by) in [("net_loss", 1e5), ("loss_area", 1e5), ("spread", 1e5), ("growth_sd", 1.0)]
    {
        let ratio = number(&plain[0], column) / number(&small[0], column) / by;
        assert!((ratio - 1.0).abs() < 1e-9, "{column}: {ratio}");
    }
    // Gaps in units of values are refused.
    project.write("config.yaml", b"resilience: {donor_scale: level}\n");
    let more = ["--config", "config.yaml", "--benchmark", "synthetic"];
    resilience(&project, "small.csv", &[&CRISIS[..], &more].concat())
        .fails(2, "say `log` or `index`, or round them");
    resilience(&project, "plain.csv", &[&CRISIS[..], &more].concat()).ok();
}

#[test]
fn months_and_quarters_add_up_to_years() {
    let project = Project::new();
    let (mut months, mut quarters) = (String::new(), String::new());
    for text in [&mut months, &mut quarters] {
        text.push_str("region,period,value\n");
    }
    for (at, region) in (1_u32..).zip(["A", "B", "C"]) {
        for year in 2007..=2011_u32 {
            let level = if year == 2009 { 2 } else { 3 };
            let value =
                |month: u32| ((7 * year * at + 13 * month * month) % 101 + at * month) * level;
            for month in 1..=12 {
                writeln!(months, "{region},{year}-{month:02},{}", value(month)).expect("a string");
            }
            for quarter in 1..=4_u32 {
                let sum: u32 = (3 * quarter - 2..=3 * quarter).map(value).sum();
                writeln!(quarters, "{region},{year}-Q{quarter},{sum}").expect("a string");
            }
        }
    }
    project.write("months.csv", months.as_bytes());
    project.write("quarters.csv", quarters.as_bytes());
    let of = |file: &str, dates: [&str; 3], more: &[&str]| {
        let [base, trough, end] = dates;
        let asked = ["--base", base, "--trough", trough, "--end", end, "--name", "x"];
        let found = rows(resilience(&project, file, &[&asked[..], more].concat()));
        let columns = ["region_code", "base_value", "trough_value", "end_value", "resistance"];
        let cut = |row: Row| columns.map(|column| row[column].clone());
        found.into_iter().map(cut).collect::<Vec<_>>()
    };
    let years = of("months.csv", ["2008", "2009", "2011"], &[]);
    assert_eq!(years.len(), 3);
    assert!(years.iter().flatten().all(|cell| !cell.is_empty()), "{years:?}");
    let last = ["2008-12", "2009-12", "2011-12"];
    assert_eq!(of("months.csv", last, &["--trailing", "12"]), years);
    let last = ["2008Q4", "2009Q4", "2011Q4"];
    assert_eq!(of("months.csv", last, &["--trailing", "4"]), years);
    assert_eq!(of("quarters.csv", last, &["--trailing", "4"]), years);
    assert_eq!(of("quarters.csv", last, &[]), of("months.csv", last, &[]));
    // A base of several periods is their mean.
    let mean = of("quarters.csv", ["2007Q1,2008Q1", "2009Q1", "2010Q1"], &[]);
    let first = of("quarters.csv", ["2007Q1", "2009Q1", "2010Q1"], &[]);
    let second = of("quarters.csv", ["2008Q1", "2009Q1", "2010Q1"], &[]);
    for ((mean, a), b) in mean.iter().zip(&first).zip(&second) {
        let base = |row: &[String; 5]| row[1].parse::<f64>().expect("a number");
        assert!((2.0 * base(mean) - base(a) - base(b)).abs() < 0.011);
    }
    resilience(
        &project,
        "quarters.csv",
        &["--base", "2008-06", "--trough", "2009-01", "--end", "2010-01"],
    )
    .fails(2, "the episode is in months, the periods of column `period` are quarters");
}

#[test]
fn regions_may_have_dates_of_their_own() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    project.write("own.csv", b"region,base,trough,end\nA,2008,2009,2011\nB,2007+2008,2010,2011\n");
    let own = rows(resilience(&project, "plain.csv", &["--episodes", "own.csv"]));
    assert_eq!(own.len(), 2);
    let one = |dates: [&str; 3], region: usize| {
        let [base, trough, end] = dates;
        let asked = ["--base", base, "--trough", trough, "--end", end];
        rows(resilience(&project, "plain.csv", &asked))[region].clone()
    };
    assert_eq!(own, [one(["2007,2008", "2010", "2011"], 1), one(["2008", "2009", "2011"], 0)]);
    assert_eq!(own[0]["base_value"], "195.00");
    project.write("own.csv", b"region,base,trough\nA,2008,2009\n");
    let asked = ["--episodes", "own.csv", "--end", "2011"];
    resilience(&project, "plain.csv", &asked).fails(2, "regions without dates: `B`");
    let listed =
        rows(resilience(&project, "plain.csv", &[&asked[..], &["--only-listed"]].concat()));
    assert_eq!(listed, own[1..], "B is still among whom A is compared with");
    resilience(&project, "plain.csv", &["--episodes", "own.csv"])
        .fails(2, "the end is empty, and there is no --end");
    project.write("own.csv", b"region,base,trough,end\nA,2008,2009,2011\nX,2008,2009,2011\n");
    resilience(&project, "plain.csv", &["--episodes", "own.csv"])
        .fails(2, "regions that the table does not have: `X`");
    project.write("own.csv", b"region,trough,end\nA,2009,2011\n");
    resilience(&project, "plain.csv", &["--episodes", "own.csv"])
        .fails(2, "the dates of `own.csv`: no column `base`");
}

#[test]
fn a_region_alone_is_compared_with_its_own_past() {
    let project = Project::new();
    let alone = "region,year,value\nA,2005,100\nA,2006,110\nA,2007,121\nA,2008,133.1\nA,2009,120\n\
        A,2010,130\nA,2011,150\n";
    project.write("alone.csv", alone.as_bytes());
    let ran = resilience(&project, "alone.csv", &CRISIS).ok();
    assert!(ran.err.contains("there is one region"), "{}", ran.err);
    let found = rows(ran);
    assert_eq!((found.len(), found[0]["benchmark"].as_str()), (1, "own_trend"));
    // A tenth a year before; 13.31 more was expected, 13.1 less came.
    let index = (-13.1 - 13.31) / 13.31;
    assert!((number(&found[0], "resistance") - index).abs() < 1e-9, "{found:?}");
    resilience(&project, "alone.csv", &[&CRISIS[..], &["--benchmark", "mix"]].concat())
        .fails(2, "there is one region, and no product: --benchmark mix means nothing then");
}

#[test]
fn what_makes_no_sense_is_named() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let asked = |more: &[&str]| resilience(&project, "plain.csv", more);
    asked(&[]).fails(2, "say --base, --trough and --end");
    asked(&["--base", "2008"]).fails(2, "an episode has a base, a trough and an end: say --trough");
    asked(&["--trough", "2009"]).fails(2, "say --base PERIOD, too");
    asked(&["--base", "2008", "--trough", "2007", "--end", "2011"])
        .fails(2, "expected a period after the last base period, 2008");
    asked(&["--base", "2008", "--trough", "2009", "--end", "2019"])
        .fails(2, "year 2019 is not in the data, which has 2007 to 2011");
    asked(&["--base", "208", "--trough", "2009", "--end", "2011"]).fails(2, "\"208\" is no period");
    let with = |more: &[&str]| asked(&[&CRISIS[..], more].concat());
    with(&["--value", "valu"]).fails(2, "did you mean `value`?");
    with(&["--benchmark", "nation"]).fails(2, "invalid value 'nation' for '--benchmark");
    with(&["--benchmark", "reference"]).fails(2, "as its table `reference`");
    resilience(&project, "-", &CRISIS).fails(2, "a file is read, not standard input");
    with(&["--rows", "countries"]).fails(2, "countries");
    with(&["--level", "1.5"]).fails(2, "--level 1.5: expected a fraction");
    with(&["--year", "none"]).fails(2, "say --period NAME");
    with(&["--all"]).fails(2, "--output");
    with(&["--rows", "regions", "-o", "made/"]).fails(2, "`made/` is a folder");
    project.write("config.yaml", b"resilience: {near_zeroo: 1}\n");
    with(&["--config", "config.yaml"])
        .fails(2, "unknown key `resilience.near_zeroo` in `config.yaml`");
    project.write("config.yaml", b"resilience: {near_zero: 0.3}\n");
    let null = rows(with(&["--config", "config.yaml"]));
    assert_eq!(null[0]["resistance"], "", "-0.2 is nearer to zero");
    // What an option says goes over the file.
    assert_eq!(rows(with(&["--config", "config.yaml", "--near-zero", "0.01"])), rows(with(&[])));
    project.write("bad.csv", b"region,year,value\nA,2008,1\nA,2009,x\n");
    resilience(&project, "bad.csv", &CRISIS).fails(2, "line 3: value \"x\": expected a number");
    project.write("bad.csv", b"region,year,value\nA,2008,1\nA,2009,-1\n");
    resilience(&project, "bad.csv", &CRISIS).fails(2, "--negative leave-out");
    project.write("bad.csv", b"region,year,value\nA,2008,1\nA,crisis,2\n");
    resilience(&project, "bad.csv", &CRISIS).fails(2, "column `year`, `crisis`");
    project.write("bad.csv", b"region,period,value\nA,2008,1\nA,2009Q1,2\n");
    resilience(&project, "bad.csv", &CRISIS).fails(2, "expected periods of one length");
    project.write("bad.csv", b"region,year,value\nA,2008,1e300\nA,2009,1e-300\n");
    resilience(&project, "bad.csv", &CRISIS).fails(2, "than can be summed exactly");
    resilience(&project, "nothing.csv", &CRISIS).fails(2, "no resilience of `nothing.csv`");
}

#[test]
fn the_name_of_a_file_says_its_form() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let written = |more: &[&str], name: &str| {
        resilience(&project, "plain.csv", &[&CRISIS[..], more, &["-o", name]].concat()).ok();
        std::fs::read(project.path().join(name)).expect("written")
    };
    for (name, begin) in [
        ("o.csv", "episode,"),
        ("o.tsv", "episode\t"),
        ("o.json", "[{"),
        ("o.jsonl", "{\"episode\":"),
        ("o.md", "| episode |"),
        ("o.parquet", "PAR1"),
        ("o.arrow", "ARROW1"),
        ("o.feather", "ARROW1"),
        ("o.txt", "+--"),
        ("o", "episode,"),
    ] {
        assert!(written(&[], name).starts_with(begin.as_bytes()), "{name}");
    }
    assert!(written(&["--format", "json"], "rows").starts_with(b"[{"));
    let refused = |more: &[&str], why: &str| {
        resilience(&project, "plain.csv", &[&CRISIS[..], more].concat()).fails(2, why);
    };
    for name in ["o.xlsx", "o.csv.gz"] {
        let known = ".txt, .csv, .tsv, .json, .jsonl, .md, .parquet, .arrow";
        refused(&["-o", name], &format!("expected a name that ends in {known}"));
        assert!(!project.path().join(name).exists());
    }
    refused(&["--format", "csv", "-o", "p.parquet"], "`p.parquet` is no name for --format csv");
    refused(&["--all", "-o", "all.csv"], "`all.csv` is the name of a file");
    // Other commands that write rows, tables or folders do the same.
    let ran = |args: &[&str]| project.rebound(args);
    ran(&["sql", "select 1", "-o", "o.xlsx"]).fails(2, "nothing is written as .xlsx");
    ran(&["measure", "plain.csv", "-o", "o.xlsx"]).fails(2, "nothing is written as .xlsx");
    ran(&["estimate", "value ~ year", "--data", "plain.csv", "-o", "o.dta"])
        .fails(2, "`convert` and `export` write files for Stata");
    ran(&["estimate", "value ~ year", "--data", "plain.csv", "-o", "o.xlsx"])
        .fails(2, "expected a name that ends in .txt, .md, .tex, .html, .csv");
    ran(&["estimate", "value ~ year", "--data", "plain.csv", "-o", "o.md"]).ok();
    let table = std::fs::read_to_string(project.path().join("o.md")).expect("written");
    assert!(table.contains('|') && !table.contains("</table>"), "{table}");
    for command in [&["sql", "select 1"][..], &["measure", "plain.csv"]] {
        let to = |path| ran(&[command, &["-o", path]].concat());
        to("new/").fails(2, "`new` is a folder, and one file is written");
        to(".").fails(2, "`.` is a folder, and one file is written");
        to("none/o.csv").fails(2, "there is no folder `none`");
    }
    refused(&["-o", "none/o.csv"], "there is no folder `none`");
    ran(&["export", "a.b", "a.c", "-o", "o.csv"]).fails(2, "`o.csv` is the name of a file");
    ran(&["report", "pipeline.yaml", "-o", "o.html"]).fails(2, "`o.html` is the name of a file");
}

#[test]
fn a_file_that_is_read_is_not_replaced() {
    let project = Project::new();
    let with_product = PLAIN.replace("region,year", "region,hs6,year").replace("A,", "A,010101,");
    let with_product = with_product.replace("B,", "B,840101,");
    let own = "region,base,trough,end\nA,2008,2009,2011\nB,2008,2009,2011\n";
    let config = "resilience: {near_zero: 0.01}\n";
    for (name, text) in
        [("plain.csv", with_product.as_str()), ("own.csv", own), ("config.json", config)]
    {
        project.write(name, text.as_bytes());
    }
    let why = "is read by this command, which would replace it";
    let asked = |more: &[&str]| resilience(&project, "plain.csv", more).fails(2, why);
    asked(&[&CRISIS[..], &["-o", "./plain.csv"]].concat());
    asked(&["--episodes", "own.csv", "-o", "own.csv"]);
    asked(&[&CRISIS[..], &["--config", "config.json", "-o", "config.json"]].concat());
    project.rebound(&["measure", "plain.csv", "-o", "plain.csv"]).fails(2, why);
    let formula = ["estimate", "value ~ year", "--data", "plain.csv", "-o", "plain.csv"];
    project.rebound(&formula).fails(2, why);
    std::fs::create_dir_all(project.path().join("lake/tables")).expect("made");
    for to in [&["sql", "select 1", "-o", "lake/tables/o.parquet"][..], &["export", "-o", "lake"]] {
        project.rebound(to).fails(2, "is in the lake");
    }
    project.write("q.txt", b"select 1");
    project.rebound(&["sql", "-f", "q.txt", "-o", "q.txt"]).fails(2, why);
    let kept = std::fs::read_to_string(project.path().join("plain.csv")).expect("there");
    assert_eq!(kept, with_product);
    // All tables go beside it, unless one has its name.
    std::fs::rename(project.path().join("plain.csv"), project.path().join("resilience.region.csv"))
        .expect("renamed");
    let all = [&CRISIS[..], &["--all", "-o", "."]].concat();
    resilience(&project, "resilience.region.csv", &all).fails(2, why);
}

#[test]
fn periods_are_read_in_columns_as_people_write_them() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let years = rows(resilience(&project, "plain.csv", &CRISIS));
    let dated = |form: &str| {
        let dated = |text: String, year: u32| {
            text.replace(
                &format!(",{year},"),
                &format!(",{},", form.replace('Y', &year.to_string())),
            )
        };
        let text = (2007..=2011).fold(PLAIN.to_owned(), dated);
        project.write("dated.csv", text.as_bytes());
        resilience(&project, "dated.csv", &CRISIS)
    };
    for form in ["Y-01-01", "Y-12-31 00:00:00", "31.12.Y", "31/12/Y", "12/31/Y", "31 Dec Y"] {
        let ran = dated(form).ok();
        assert!(ran.err.contains("a day stands for its year"), "{form}: {}", ran.err);
        assert!(!ran.err.contains("not all"), "{form}: {}", ran.err);
        assert_eq!(rows(ran), years, "{form}");
    }
    for form in ["Sep Y", "Y-Sep", "09/Y", "YM09", "Y.09", "Y-09"] {
        let ran = dated(form).ok();
        assert!(ran.err.contains("not all months of these years are in the table"), "{form}");
        assert_eq!(rows(ran), years, "{form}");
    }
    assert_eq!(rows(dated("Q3 Y")), years);
    dated("01/09/Y").fails(2, "may be a day of one month or of another");
    let spans = PLAIN.replace(",2007,", ",2007/08,").replace(",2008,", ",2008/09,");
    let spans = spans.replace(",2009,", ",2009/10,").replace(",2010,", ",2010/11,");
    project.write("spans.csv", spans.replace(",2011,", ",2011/12,").as_bytes());
    resilience(&project, "spans.csv", &CRISIS).fails(2, "or the year from 2007 to 2008");
    project.write("short.csv", PLAIN.replace(",2008,", ",09/08,").as_bytes());
    resilience(&project, "short.csv", &CRISIS)
        .fails(2, "may be a month of one year or of another, or a day: write it with the year");
}

#[test]
fn years_and_months_may_stand_in_two_columns() {
    let project = Project::new();
    let mut one = String::from("region,period,value\n");
    let mut two = String::from("region,year,month,value\n");
    let names =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    for (region, step) in [("A", 3), ("B", 5)] {
        for year in 2007..=2010 {
            for (month, name) in (1..).zip(names) {
                let value = 500 + (step * month * month + year * 7) % 97;
                writeln!(one, "{region},{year}-{month:02},{value}").expect("a string");
                writeln!(two, "{region},{year},{name},{value}").expect("a string");
            }
        }
    }
    project.write("one.csv", one.as_bytes());
    project.write("two.csv", two.as_bytes());
    let asked = ["--base", "Sep 2008", "--trough", "2009-M03", "--end", "12/2009"];
    let found = rows(resilience(&project, "one.csv", &asked));
    assert_eq!(found[0]["episode"], "2008-09_2009-03_2009-12");
    let with = [&asked[..], &["--month", "month"]].concat();
    assert_eq!(rows(resilience(&project, "two.csv", &with)), found);
    let chosen = [&with[..], &["--where", "value > 0"]].concat();
    assert_eq!(rows(resilience(&project, "two.csv", &chosen)), found);
    resilience(&project, "two.csv", &asked).fails(2, "beside the years by --month month");
    project.write("two.csv", two.replace(",Jan,", ",13,").as_bytes());
    resilience(&project, "two.csv", &with).fails(2, "month \"13\": expected 1 to 12");
    // Options take what columns do.
    for base in ["2008-Q3", "2008q3", "Q3 2008"] {
        let asked = ["--base", base, "--trough", "2009Q1", "--end", "2009Q4"];
        let found = rows(resilience(&project, "one.csv", &asked));
        assert_eq!(found[0]["episode"], "2008Q3_2009Q1_2009Q4", "{base}");
    }
    let asked = ["--base", "2007, 2008", "--trough", "2009", "--end", "2010"];
    let found = rows(resilience(&project, "one.csv", &asked));
    assert_eq!(found[0]["episode"], "2007+2008_2009_2010");
}

#[test]
fn years_and_quarters_may_stand_in_two_columns() {
    let project = Project::new();
    let mut texts =
        ["period", "year,quarter", "year,part"].map(|columns| format!("region,{columns},value\n"));
    let [one, two, parts] = &mut texts;
    for (region, step) in [("A", 3), ("B", 5)] {
        for year in 2007..=2010 {
            for quarter in 1..=4 {
                let value = 500 + (step * quarter * quarter + year * 7) % 97;
                writeln!(one, "{region},{year}Q{quarter},{value}").expect("a string");
                writeln!(two, "{region},{year},{quarter},{value}").expect("a string");
                writeln!(parts, "{region},{year}-01-01,{quarter},{value}").expect("a string");
            }
        }
    }
    for (name, text) in ["one.csv", "two.csv", "parts.csv"].into_iter().zip(&texts) {
        project.write(name, text.as_bytes());
    }
    let asked = ["--base", "2008Q1", "--trough", "2009Q1", "--end", "2010Q1"];
    let found = rows(resilience(&project, "one.csv", &asked));
    assert_eq!(found[0]["episode"], "2008Q1_2009Q1_2010Q1");
    let with = |file: &str, more: &[&str]| resilience(&project, file, &[&asked[..], more].concat());
    assert_eq!(rows(with("two.csv", &["--quarter", "quarter"])), found);
    assert_eq!(rows(with("two.csv", &["--quarter", "quarter", "--where", "value > 0"])), found);
    assert_eq!(rows(with("parts.csv", &["--quarter", "part"])), found);
    with("two.csv", &[]).fails(2, "or the quarters beside the years by --quarter quarter");
    with("two.csv", &["--month", "quarter"]).fails(2, "say --quarter quarter");
    with("parts.csv", &["--month", "part"]).fails(2, "no number exceeds 4 in 4 years");
    with("two.csv", &["--month", "quarter", "--quarter", "quarter"])
        .fails(2, "cannot be used with");
    let named = texts[1].replace("year,quarter", "year,part").replace(",1,", ",Q1,");
    project.write("named.csv", named.as_bytes());
    assert_eq!(rows(with("named.csv", &["--quarter", "part"])), found);
    with("named.csv", &["--month", "part"]).fails(2, "month \"Q1\": it is a quarter");
}

#[test]
fn faults_are_told_in_the_words_of_options() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let asked = |more: &[&str], why: &str| {
        let ran = resilience(&project, "plain.csv", more);
        assert!(!ran.err.contains("the options") && !ran.err.contains("config"), "{}", ran.err);
        ran.fails(2, why);
    };
    let with = |more: &[&str], why: &str| asked(&[&CRISIS[..], more].concat(), why);
    with(&["--level", "95"], "--level 95: expected a fraction, above 0 and below 1");
    with(&["--trend-years", "0"], "--trend-years 0: expected 1 to 100");
    with(&["--near-zero", "NaN"], "--near-zero NaN: expected a finite number");
    let dates = |base, trough, end| ["--base", base, "--trough", trough, "--end", end];
    asked(&dates("2007-2008", "2009", "2011"), "--base: \"2007-2008\" is no period");
    asked(&dates("2008", "2007", "2011"), "--trough 2007: expected a period after");
    asked(&dates("2008", "2009", "2009"), "--end 2009: expected a period after the trough, 2009");
    asked(&dates("2008,2008", "2009", "2011"), "--base 2008: a period is there twice");
    asked(&dates("2008Q1", "2009", "2011"), "expected periods of one length");
    asked(
        &dates("2008", "2009", "2019"),
        "--end 2019: year 2019 is not in the data, which has 2007 to 2011",
    );
    let trailing = [&dates("2008", "2009", "2011")[..], &["--trailing", "3"]].concat();
    asked(&trailing, "--base 2008: year 2006 is not in the data");
    let own = |text: &str, why: &str| {
        project.write("own.csv", text.as_bytes());
        resilience(&project, "plain.csv", &["--episodes", "own.csv"]).fails(2, why);
    };
    let head = "region,base,trough,end\nA,2008,2009,2011\n";
    own(&format!("{head}B,2009,2008,2011\n"), "`own.csv`: line 3: trough 2008: expected a period");
    own(&format!("{head}B,2008,09/08,2011\n"), "`own.csv`: line 3: trough: \"09/08\" may be");
    own(
        &format!("{head}B,2008,2009,2012\n"),
        "`own.csv`, those of `B`: end 2012: year 2012 is not in the data",
    );
    own(
        &format!("{head}B,2008Q1,2009Q1,2010Q1\n"),
        "one call takes episodes in periods of one length",
    );
    let config = "resilience: {episodes: [{name: far, base: 2008, trough: 2009, end: 2015}]}\n";
    project.write("config.yaml", config.as_bytes());
    resilience(&project, "plain.csv", &["--config", "config.yaml"])
        .fails(2, "episode `far` of `config.yaml`: end 2015: year 2015 is not in the data");
}

#[test]
fn what_nobody_asked_for_is_no_warning_and_what_is_empty_says_why() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let quiet = |more: &[&str]| {
        resilience(&project, "plain.csv", &[&CRISIS[..], &["--quiet"], more].concat()).ok()
    };
    let said = quiet(&[]).err;
    assert!(!said.contains("left out"), "{said}");
    let asked = quiet(&["--benchmark", "aggregate,mix"]).err;
    assert!(asked.contains("benchmarks left out: mix"), "{asked}");
    for (rows, why) in [
        ("pairs", "`pairs` has no rows: it is made from replicates of the products"),
        ("donor", "say --benchmark synthetic"),
        ("placebo", "`synthetic` and `matrix_completion`"),
    ] {
        let ran = quiet(&["--rows", rows]);
        assert!(ran.err.contains(why), "{rows}: {}", ran.err);
        assert_eq!(ran.out.lines().count(), 1, "{rows}");
    }
    // Names of regions are no codes whose first letters are a group.
    let groups = rows(quiet(&["--rows", "macro-region"]));
    assert_eq!((groups.len(), groups[0]["macro_region"].as_str()), (1, "all"));
    project.write("config.yaml", b"spatial: {group_digits: 1}\n");
    assert_eq!(rows(quiet(&["--rows", "macro-region", "--config", "config.yaml"])).len(), 2);
    let help = project.rebound(&["resilience", "--help"]).ok().out;
    assert!(help.contains("matrix_completion") && help.contains("(rank-pair)"), "{help}");
}

#[test]
fn convergence_of_regions_is_had_from_a_table() {
    let project = Project::new();
    // Each begins a step of logs higher and grows less: over two years by 0.4, 0.2 and 0.
    let rows_of = |region: &str, log: f64, growth: f64| {
        let row = |year: u32, level: f64| format!("{region},{year},{level}\n");
        [row(2008, log.exp()), row(2009, log.exp()), row(2010, (log + growth).exp())].concat()
    };
    let table = format!(
        "region,year,value\n{}{}{}",
        rows_of("A", 5.0, 0.4),
        rows_of("B", 6.0, 0.2),
        rows_of("C", 7.0, 0.0)
    );
    project.write("three.csv", table.as_bytes());
    let dates = ["--base", "2008", "--trough", "2009", "--end", "2010", "--rows", "convergence"];
    let found = rows(resilience(&project, "three.csv", &dates));
    assert_eq!(found.len(), 1, "the episode has the first and the last year");
    // Growth a year falls by a tenth for each log point; what is left is (1 - 0.1 x 2) of the spread.
    assert!((number(&found[0], "beta") + 0.1).abs() < 1e-9, "{found:?}");
    assert!((number(&found[0], "sigma_to") / number(&found[0], "sigma_from") - 0.8).abs() < 1e-9);
    let months = "region,period,value\nA,2008-01,5\nA,2008-02,4\nA,2008-03,6\nB,2008-01,5\nB,2008-02,4\nB,2008-03,6\n";
    project.write("months.csv", months.as_bytes());
    let dates =
        ["--base", "2008-01", "--trough", "2008-02", "--end", "2008-03", "--rows", "convergence"];
    resilience(&project, "months.csv", &dates).fails(2, "it is about years");
}

#[test]
fn tables_for_reading_are_short_and_narrow() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let table = ["--rows", "periods", "--format", "table"];
    let ran = resilience(&project, "plain.csv", &[&CRISIS[..], &table].concat()).ok();
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    assert!(ran.out.contains("| 160 "), "{}", ran.out);
    assert!(!ran.err.contains("there is no room"), "{}", ran.err);
    let table = ["--rows", "component", "--format", "table"];
    let ran = resilience(&project, "plain.csv", &[&CRISIS[..], &table].concat()).ok();
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    assert!(ran.err.contains("there is no room for"), "{}", ran.err);
    let first = ran.out.lines().nth(1).expect("a header");
    assert!(first.contains("composite") && first.contains("end_relative"), "{first}");
    let file = [&table[..2], &["-o", "all.txt"]].concat();
    let said = resilience(&project, "plain.csv", &[&CRISIS[..], &file].concat()).ok().err;
    assert!(!said.contains("there is no room"), "{said}");
    let all = std::fs::read_to_string(project.path().join("all.txt")).expect("written");
    let header = all.lines().nth(1).expect("a header");
    assert!(header.contains("loss_area") && header.contains("stability_score"), "{header}");
    for (rows, column) in [("robustness", "null_reason"), ("rank", "null_reason")] {
        let table = ["--rows", rows, "--format", "table"];
        let out = resilience(&project, "plain.csv", &[&CRISIS[..], &table].concat()).ok().out;
        assert!(out.lines().nth(1).expect("a header").contains(column), "{out}");
    }
    let thirds = PLAIN.replace(",150\n", ",150.123456789\n");
    project.write("thirds.csv", thirds.as_bytes());
    let ran = resilience(&project, "thirds.csv", &[&CRISIS[..], &["--format", "table"]].concat());
    let out = ran.ok().out;
    assert!(out.contains("| 150.123 ") && !out.contains("150.1234"), "{out}");
    // One region has no region-products to be compared.
    let alone = "region,year,value\nA,2005,100\nA,2006,110\nA,2007,121\nA,2008,133\nA,2009,120\n\
        A,2010,130\nA,2011,150\n";
    project.write("alone.csv", alone.as_bytes());
    let own = [&CRISIS[..], &["--benchmark", "own_linear"]].concat();
    let said = resilience(&project, "alone.csv", &own).ok().err;
    assert!(said.contains("regions against own_linear; index"), "{said}");
}

#[test]
fn regions_without_products_have_the_interval_that_there_is() {
    let project = Project::new();
    let mut table = String::from("region,year,value\n");
    for (region, step) in [("A", 3), ("B", 5), ("C", 11)] {
        for year in 1998..=2008 {
            let value = 500 + 40 * (year - 1998) + (step * year * year) % 17;
            writeln!(table, "{region},{year},{value}").expect("a string");
        }
        for (year, value) in [(2009, 800), (2010, 850), (2011, 900 + step)] {
            writeln!(table, "{region},{year},{value}").expect("a string");
        }
    }
    project.write("table.csv", table.as_bytes());
    let with = |more: &[&str]| resilience(&project, "table.csv", &[&CRISIS[..], more].concat());
    let own = ["--benchmark", "own_linear"];
    let intervals = rows(with(&[&own[..], &["--rows", "interval"]].concat()));
    let is_it = |row: &&Row| {
        row["source"] == "counterfactual"
            && row["stage"] == "resistance"
            && row["region_code"] == "A"
    };
    let row = intervals.iter().find(is_it).expect("an interval");
    let expected = format!("| {:.3} to {:.3} ", number(row, "low"), number(row, "high"));
    let ran = with(&[&own[..], &["--format", "table"]].concat()).ok();
    assert!(ran.out.contains(&expected), "{expected}: {}", ran.out);
    assert!(ran.out.contains("drawn anew") && ran.out.contains("counterfactual"), "{}", ran.out);
    let over = "replicates over residuals of models of the own past from seed";
    assert!(ran.err.contains(over), "{}", ran.err);
    let ran = with(&["--format", "table"]).ok();
    assert!(ran.out.contains("| one_product ") && !ran.out.contains("drawn anew"), "{}", ran.out);
    assert!(ran.err.contains("no intervals") && !ran.err.contains("replicates"), "{}", ran.err);
}

#[test]
fn usual_names_are_found_and_wide_tables_are_told() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let plain = rows(resilience(&project, "plain.csv", &CRISIS));
    for names in ["Bundesland,Jahr,Umsatz", "nuts2,time,GDP", "geo,period,jobs", "region,year,USD"]
    {
        project.write("named.csv", PLAIN.replace("region,year,value", names).as_bytes());
        assert_eq!(rows(resilience(&project, "named.csv", &CRISIS)), plain, "{names}");
    }
    let every =
        rows(resilience(&project, "plain.csv", &[&CRISIS[..], &["--benchmark", "all"]].concat()));
    let names: BTreeSet<&str> = every.iter().map(|row| row["benchmark"].as_str()).collect();
    assert!(names.contains("aggregate") && names.contains("own_trend"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("reference") || *name == "mix"), "{names:?}");
    for threads in ["1", "2"] {
        let with = [&CRISIS[..], &["--threads", threads]].concat();
        assert_eq!(rows(resilience(&project, "plain.csv", &with)), plain, "{threads}");
    }
    project.write("wide.csv", b"region,2007,2008,2009,2010,2011\nA,190,200,150,180,240\n");
    resilience(&project, "wide.csv", &CRISIS).fails(
        2,
        "`2007`, `2008`, `2009`, ... are periods: a row must be of one region and period",
    );
}

#[test]
fn the_sessions_of_the_document_go_as_they_are_told() {
    let project = Project::new();
    project.copy_fixtures("resilience", "");
    let n = sessions::check(&project, "docs/resilience.md", "## Employment of three regions");
    assert_eq!(n, 8);
}
