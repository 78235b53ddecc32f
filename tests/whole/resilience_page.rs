//! The page that `rebound resilience --report` draws of a table.

use crate::resilience_table::{CRISIS, PLAIN, Row, resilience, rows};
use crate::support::Project;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The data of the page in a folder.
#[track_caller]
fn page_data(project: &Project, folder: &str) -> serde_json::Value {
    let page = std::fs::read_to_string(project.path().join(folder).join("report.html"));
    let page = page.expect("the page");
    let (_, data) = page.split_once("id=\"data\">").expect("its data");
    let (data, _) = data.split_once("</script>").expect("their end");
    serde_json::from_str(data).expect("JSON")
}

/// Holds the indices of a page against rows; gives how many regions there are.
#[track_caller]
fn page_is_of(data: &serde_json::Value, rows: &[Row]) -> usize {
    let shown = data["regions"].as_array().expect("regions");
    let of_page = rows.iter().filter(|row| row["benchmark"] == "aggregate");
    let of_page: BTreeMap<&str, &Row> =
        of_page.map(|row| (row["region_code"].as_str(), row)).collect();
    assert_eq!(shown.len(), of_page.len());
    for region in shown {
        let row = of_page[region["region_code"].as_str().expect("a code")];
        assert_eq!(region["region_name"], region["region_code"]);
        for column in ["base_value", "resistance", "resistance_low", "resistance_high", "recovery"]
        {
            let (shown, cell) = (region[column].as_f64(), row[column].parse::<f64>().ok());
            // JSON is read to the last digit but one.
            let is_same = match (shown, cell) {
                (Some(shown), Some(cell)) => (shown - cell).abs() <= 1e-14 * cell.abs(),
                _ => shown.is_none() && cell.is_none(),
            };
            assert!(is_same, "{column} of {region}: {cell:?}");
        }
        assert_eq!(region["type"].as_str().unwrap_or_default(), row["type"]);
    }
    shown.len()
}

/// Two products of two regions in the quarters of four years.
fn quarters() -> String {
    let cells = [
        ("\"A, b\"", "Bread", 70),
        ("\"A, b\"", "Cars", 30),
        ("C", "Bread", 20),
        ("C", "Cars", 90),
    ];
    let quarters = (2007..2011).flat_map(|year| (1..=4).map(move |q| format!("{year}Q{q}")));
    let mut table = "region,product,period,exports\n".to_owned();
    for (at, quarter) in quarters.enumerate() {
        // They fall from the seventh quarter on, and are back in the eleventh.
        let level = if (6..10).contains(&at) { 80 } else { 100 + at };
        for (region, product, value) in cells {
            let value = value * level + at * value * 3 % 41 * 10;
            writeln!(table, "{region},{product},{quarter},{value}.25").expect("memory");
        }
    }
    table
}

#[test]
fn a_page_shows_the_indices_of_a_table() {
    let project = Project::new();
    project.copy_fixtures("resilience", ".");
    let more = [&CRISIS[..], &["--report", "page"]].concat();
    let ran = resilience(&project, "employment.csv", &more).ok();
    assert!(ran.err.contains("drew page/report.html"), "{}", ran.err);
    // Nothing is told of the pipeline that draws it.
    assert!(!ran.err.contains("stage started") && !ran.err.contains("coarse"), "{}", ran.err);
    let data = page_data(&project, "page");
    assert_eq!(page_is_of(&data, &rows(ran)), 3);
    assert_eq!(data["meta"]["unit"], "employees");
    assert_eq!(data["meta"]["pipeline"], "employment");
    assert_eq!(data["episodes"][0]["episode"], "2008_2009_2011");
    let figures = std::fs::read_dir(project.path().join("page/figures")).expect("figures");
    assert!(figures.count() >= 8);

    // Products, and quarters.
    project.write("quarters.csv", quarters().as_bytes());
    let dates = ["--base", "2008Q1", "--trough", "2008Q4", "--end", "2010Q2", "--trailing", "4"];
    let more = [&dates[..], &["--report", "page"]].concat();
    let ran = resilience(&project, "quarters.csv", &more).ok();
    let data = page_data(&project, "page");
    let rows = rows(ran);
    assert_eq!(page_is_of(&data, &rows), 2);
    assert!(
        rows.iter().all(|row| !row["resistance"].is_empty() && !row["recovery_low"].is_empty())
    );
    assert_eq!(data["episodes"][0]["base"], "2008Q1");
    assert_eq!(data["meta"]["unit"], "exports");
    assert!(data["parts"].as_object().is_some_and(|parts| !parts.is_empty()));
}

#[test]
fn a_page_that_would_say_something_else_is_refused() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    project.write("own.csv", b"region,base,trough,end\nA,2008,2009,2011\n");
    let asked =
        |more: &[&str]| resilience(&project, "plain.csv", &[more, &["--report", "page"]].concat());
    asked(&[&CRISIS[..], &["--benchmark", "own_trend"]].concat())
        .fails(2, "`aggregate` is not among");
    asked(&[&CRISIS[..], &["--where", "region = 'A'"]].concat())
        .fails(2, "`aggregate` is not among");
    asked(&["--episodes", "own.csv"]).fails(2, "cannot be used with");
    let named = [&CRISIS[..], &["--report", "page.html"]].concat();
    resilience(&project, "plain.csv", &named).fails(2, "is the name of a file");
    assert!(!project.path().join("page").exists());
    // Values of three digits are held as tenths of the unit.
    project.write("small.csv", PLAIN.replace(",2008,200", ",2008,200.125").as_bytes());
    resilience(&project, "small.csv", &[&CRISIS[..], &["--report", "page"]].concat()).ok();
    let data = page_data(&project, "page");
    assert_eq!(data["meta"]["unit"], "10^-1 value");
    assert_eq!(data["regions"][0]["base_value"], 2001.25);
}
