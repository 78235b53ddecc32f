//! Checks that are claims on each year or episode by itself: they find what they find in whole
//! tables, and a part that did not change is not asked again.

use crate::support::{Project, Ran, root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::SystemTime;

const LAYOUT: &str = crate::support::PLAIN_LAYOUT;

const PIPELINE: &str = "name: plain
config: [../config/default.yaml, plain_config.yaml]
lake: ../lake
sources:
  - layout: ../config/layouts/plain.yaml
    files: [../raw/*.csv]
checks: own_checks
stages: [ingest, aggregate]
";

/// So little data would be implausible.
const CONFIG: &str =
    "plausibility: {max_total_share: 1.0, max_nested_share: 1.0, max_unknown_product_share: 1.0}\n";

/// Cells of a size.
const LARGE: &str = "select year, region_code, product, fob_value
from trade.region_product_year where fob_value > 500 order by year, region_code, product";

/// Regions that grow to more than twice what they were.
const GROWN: &str = "select b.year, b.region_code, a.fob_value as before, b.fob_value
from trade.region_year b
join trade.region_year a on a.year = b.year - 1 and a.region_code = b.region_code
where b.fob_value > 2 * a.fob_value order by b.year, b.region_code";

struct Plain(Project);

impl Plain {
    fn new() -> Self {
        let plain = Self(Project::new());
        plain.0.write("config/layouts/plain.yaml", LAYOUT.as_bytes());
        plain.0.write("pipelines/plain.yaml", PIPELINE.as_bytes());
        plain.0.write("pipelines/plain_config.yaml", CONFIG.as_bytes());
        plain.0.write("pipelines/own_checks/README", b"");
        plain
    }

    /// Writes the file of a year, in which regions export so much of two products.
    fn year(&self, year: i32, values: [u32; 3]) {
        let mut text = "year,region,product,value\n".to_owned();
        for (region, value) in ["A", "B", "C"].into_iter().zip(values) {
            for (product, value) in [("847130", value), ("010190", value / 2)] {
                writeln!(text, "{year},{region},{product},{value}").expect("a string");
            }
        }
        self.0.write(&format!("raw/{year}.csv"), text.as_bytes());
    }

    fn check(&self, name: &str, text: &str) {
        self.0.write(&format!("pipelines/own_checks/{name}.sql"), text.as_bytes());
    }

    fn run(&self, options: &[&str]) -> Ran {
        self.0.rebound(&[&["run", "pipelines/plain.yaml"], options].concat())
    }

    /// What the newest run says of a check: what came of it, how many rows, and the first of them.
    #[track_caller]
    fn found(&self, check: &str) -> (String, u64, String) {
        let mut runs: Vec<_> = std::fs::read_dir(self.0.path().join("lake/runs"))
            .expect("records")
            .map(|run| std::fs::read(run.expect("a record").path()).expect("readable"))
            .map(|text| serde_json::from_slice::<Value>(&text).expect("JSON"))
            .collect();
        runs.sort_by_key(|run| run["number"].as_u64());
        let checks = runs.last().expect("a run")["check_results"].as_array().expect("checks");
        let found = checks.iter().find(|of| of["name"] == check).expect("the check");
        let text = |key: &str| found[key].as_str().expect("a text").to_owned();
        (text("outcome"), found["rows"].as_u64().expect("a number"), text("first_rows"))
    }

    /// The parts of a check that are known to hold, and when they were last asked.
    fn known(&self, check: &str) -> BTreeMap<(String, String), SystemTime> {
        let mut found = BTreeMap::new();
        for unit in std::fs::read_dir(self.0.path().join("lake/units")).expect("units") {
            let unit = unit.expect("a unit");
            let text = std::fs::read_to_string(unit.path()).expect("readable");
            let (_, text) = text.split_once('\n').expect("a seal");
            let record: Value = serde_json::from_str(text).expect("JSON");
            if record["node"] == format!("check {check}") {
                let year = record["unit"].as_str().expect("a name").to_owned();
                let fingerprint = record["fingerprint"].as_str().expect("a name").to_owned();
                let asked = unit.metadata().expect("there").modified().expect("a time");
                found.insert((year, fingerprint), asked);
            }
        }
        found
    }
}

fn years(known: &BTreeMap<(String, String), SystemTime>) -> Vec<&str> {
    known.keys().map(|(year, _)| year.as_str()).collect()
}

#[test]
fn a_year_that_did_not_change_is_not_asked_again() {
    let plain = Plain::new();
    for year in 2007..=2010 {
        plain.year(year, [100, 200, 300]);
    }
    plain.check("large", &format!("-- each: year\n{LARGE}"));
    plain.run(&[]).ok();
    assert_eq!(plain.found("large"), ("held".to_owned(), 0, String::new()));
    let first = plain.known("large");
    assert_eq!(years(&first), ["2007", "2008", "2009", "2010"]);
    plain.run(&[]).ok();
    assert_eq!(plain.found("large").0, "held_before");
    assert_eq!(plain.known("large"), first);

    plain.year(2010, [100, 200, 400]);
    plain.run(&[]).ok();
    assert_eq!(plain.found("large").0, "held");
    let second = plain.known("large");
    assert_eq!(years(&second), ["2007", "2008", "2009", "2010", "2010"]);
    assert!(first.iter().all(|(part, asked)| second.get(part) == Some(asked)));

    // A year that breaks the claim is not known, and is asked until it does not.
    plain.year(2008, [100, 900, 300]);
    for _ in 0..2 {
        plain.run(&[]).fails(3, "large.sql: 1 row").fails(3, "| 2008 | B ");
        assert_eq!(plain.known("large"), second);
    }
    plain.year(2008, [100, 200, 300]);
    plain.run(&[]).ok();
    assert_eq!(plain.known("large"), second);

    // Another text is another claim, and a full run asks all again.
    plain.check("large", &format!("-- each: year\n{}", LARGE.replace("500", "501")));
    plain.run(&[]).ok();
    let third = plain.known("large");
    assert_eq!(third.len(), second.len() + 4);
    plain.run(&["--full"]).ok();
    let again = plain.known("large");
    let n_asked = again.iter().filter(|(part, asked)| third.get(*part) != Some(*asked)).count();
    assert_eq!((again.len(), n_asked), (third.len(), 4));
}

#[test]
fn rows_found_by_year_are_those_found_in_whole_tables() {
    let plain = Plain::new();
    let warn = "-- severity: warn";
    plain.check("large", &format!("{warn}\n{LARGE}"));
    plain.check("large_by_year", &format!("{warn}\n-- each: year\n{LARGE}"));
    plain.check("grown", &format!("{warn}\n{GROWN}"));
    let reads = "-- reads: trade.region_year of year - 1 to year";
    plain.check("grown_by_year", &format!("{warn}\n-- each: year\n{reads}\n{GROWN}"));
    // Numbers that look random, the same in each run of the test.
    let mut state = 7u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 22
    };
    for year in 2007..=2011 {
        plain.year(year, [value(), value(), value()]);
    }
    let mut n_rows = 0;
    for year in [2011, 2007, 2009, 2010, 2008] {
        plain.run(&[]).ok();
        for check in ["large", "grown"] {
            let whole = plain.found(check);
            assert_eq!(plain.found(&format!("{check}_by_year")), whole, "{check}");
            n_rows += whole.1;
        }
        plain.year(year, [value(), value(), value()]);
    }
    assert!(n_rows > 20, "{n_rows} rows show little");
}

#[test]
fn a_claim_that_is_none_on_each_year_is_told() {
    let plain = Plain::new();
    plain.year(2007, [100, 100, 100]);
    plain.year(2008, [100, 300, 100]);
    let by_year = format!("-- each: year\n{GROWN}");
    plain.check("grown", &by_year);
    plain
        .run(&[])
        .fails(2, "grown.sql")
        .fails(2, "1 rows in all at once, and 0 in each year alone")
        .fails(2, "say in `reads` what each year needs");
    assert!(plain.known("grown").is_empty(), "it would hold the next time");
    // What is only there beside another year.
    let last =
        "select m.year from (select min(year) as low, max(year) as year from trade.region_year) m
where m.low = m.year";
    plain.check("grown", &format!("-- each: year\n{last}"));
    plain.run(&[]).fails(2, "0 rows in all at once, and 1 in 2008 alone");
    let reads = |said: &str| format!("-- each: year\n-- reads: {said}\n{GROWN}");
    for (text, expected) in [
        (by_year.replace("year\n", "month\n"), "`each` is `month`: a check has `-- each: year`"),
        (reads("trade.region of year"), "it reads `trade.region_year`, which `reads` does not"),
        (
            reads("trade.region_year of year, trade.region"),
            "`reads` names `trade.region`, which it does not read",
        ),
        (reads("trade.region_year"), "no table of which each reads a part"),
    ] {
        plain.check("grown", &text);
        let plan = plain.0.rebound(&["plan", "pipelines/plain.yaml"]);
        plan.fails(2, expected);
    }
    // A table that is not made by year is asked as a whole, unless it is said to be.
    plain.check("grown", "-- each: year\nselect region_code from trade.region where false");
    plain.run(&[]).ok();
    assert!(plain.known("grown").is_empty());
    let text =
        "-- each: year\n-- reads: trade.region of year\nselect region_code from trade.region";
    plain.check("grown", text);
    plain.run(&[]).fails(2, "`trade.region` is not made by year: say `reads: trade.region` alone");
}

/// What breaks the claims of the program is found by year and episode as it is in whole tables: the
/// claims are turned round, so that all rows that hold are found.
#[test]
fn claims_of_the_program_find_the_same_by_part() {
    let project = Project::published();
    let pipeline = "pipelines/australia.yaml";
    let mut names = Vec::new();
    for file in std::fs::read_dir(root().join("pipelines/checks")).expect("checks") {
        let path = file.expect("a check").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let Some(each) = text.lines().find(|line| line.starts_with("-- each: ")) else { continue };
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let at = text.rfind("where ").expect("a condition");
        let (before, condition) = text.split_at(at + "where ".len());
        let (condition, order) = condition.split_once("order by").unwrap_or((condition, "1, 2, 3"));
        let turned = format!("{before}({condition}) is not true\norder by {order}");
        let by_part = format!("-- severity: warn\n{turned}");
        let whole = by_part.replace(&format!("{each}\n"), "");
        for (kind, text) in [("part", by_part), ("whole", whole)] {
            project.write(&format!("pipelines/turned/{name}_{kind}.sql"), text.as_bytes());
        }
        names.push(name);
    }
    assert!(names.len() >= 8, "{names:?}");
    let path = project.path().join(pipeline);
    let text = std::fs::read_to_string(&path).expect("the pipeline");
    assert_eq!(text.matches("checks: checks").count(), 1);
    project.write(pipeline, text.replace("checks: checks", "checks: turned").as_bytes());
    let plain = Plain(project);
    plain.0.rebound(&["run", pipeline]).ok();
    for name in names {
        let (outcome, n_rows, first) = plain.found(&format!("{name}_whole"));
        let by_part = plain.found(&format!("{name}_part"));
        assert_eq!(by_part, (outcome.clone(), n_rows, first), "{name}");
        assert_eq!((outcome.as_str(), n_rows > 0), ("warned", true), "{name}");
    }
}
