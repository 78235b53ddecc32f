//! Checks that are claims on each year, episode or raw file by itself: they find what they find in
//! whole tables, and a part that did not change is not asked again.

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
const CONFIG: &str = "ingest: {max_rejected_share: 0.5}
plausibility: {max_total_share: 1.0, max_nested_share: 1.0, max_unknown_product_share: 1.0}
";

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

    /// The parts of a check that are known to hold, and when that was last written.
    fn known(&self, check: &str) -> BTreeMap<String, SystemTime> {
        let mut found = BTreeMap::new();
        for unit in std::fs::read_dir(self.0.path().join("lake/units")).expect("units") {
            let unit = unit.expect("a unit");
            let text = std::fs::read_to_string(unit.path()).expect("readable");
            let (_, text) = text.split_once('\n').expect("a seal");
            let record: Value = serde_json::from_str(text).expect("JSON");
            if record["node"] == format!("check {check}") {
                let made = record["made"].as_str().expect("a text");
                let parts: Vec<String> = serde_json::from_str(made).expect("parts");
                let written = unit.metadata().expect("there").modified().expect("a time");
                found.extend(parts.into_iter().map(|part| (part, written)));
            }
        }
        found
    }

    /// How many parts of a check are known that were not.
    fn n_new(&self, check: &str, before: &BTreeMap<String, SystemTime>) -> usize {
        self.known(check).keys().filter(|part| !before.contains_key(*part)).count()
    }

    /// Changes a byte of the data of a raw file in `customs.records`.
    fn damage(&self, source_file: &str) {
        let lake = self.0.path().join("lake");
        let runtime = query::runtime(1).expect("a runtime");
        let opened = lake::Lake::open(&lake.display().to_string()).expect("a lake");
        let catalog = runtime.block_on(opened.catalog()).expect("readable").expect("published");
        let files = &catalog.tables["customs.records"].files;
        let of = |file: &&lake::DataFile| file.source_file.as_deref() == Some(source_file);
        let path = lake.join(&files.iter().find(of).expect("its data").path);
        let mut bytes = std::fs::read(&path).expect("readable");
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).expect("writable");
    }

    /// Takes over a check of the program.
    fn shipped(&self, check: &str) {
        let path = root().join(format!("pipelines/checks/{check}.sql"));
        self.check(check, &std::fs::read_to_string(path).expect("the check"));
    }
}

fn parts(known: &BTreeMap<String, SystemTime>) -> Vec<&String> {
    known.keys().collect()
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
    assert_eq!(first.len(), 4);
    plain.run(&[]).ok();
    assert_eq!(plain.found("large").0, "held_before");
    assert_eq!(plain.known("large"), first);

    plain.year(2010, [100, 200, 400]);
    plain.run(&[]).ok();
    assert_eq!(plain.found("large").0, "held");
    let second = plain.known("large");
    assert_eq!((second.len(), plain.n_new("large", &first)), (5, 1));

    // A year that breaks the claim is not known, and is asked until it does not.
    plain.year(2008, [100, 900, 300]);
    for _ in 0..2 {
        plain.run(&[]).fails(3, "large.sql: 1 row").fails(3, "| 2008 | B ");
        assert_eq!(parts(&plain.known("large")), parts(&second));
    }
    plain.year(2008, [100, 200, 300]);
    plain.run(&[]).ok();
    assert_eq!(parts(&plain.known("large")), parts(&second));

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

/// Shipped checks that read all records where nothing is known.
const OF_RECORDS: [&str; 2] = [
    "customs.records__add_up_to_the_reconciliation",
    "trade.region_product_year__keeps_every_cent",
];

/// A file of more than that is broken.
const LARGE_FILE: &str = "-- each: source_file
select r.source_file, c.fob_value
from customs.reconciliation r
join (select source_file, sum(fob_value) as fob_value from customs.records group by source_file) c
    on c.source_file = r.source_file
where c.fob_value > 5000 or r.value_records > 5000
order by r.source_file";

#[test]
fn a_new_month_asks_one_raw_file_and_one_year() {
    let plain = Plain::new();
    for year in 2007..=2009 {
        plain.year(year, [100, 200, 300]);
    }
    // One of several years, and one of rejects alone.
    plain.0.write("raw/both.csv", b"year,region,product,value\n2008,A,847130,5\n2009,B,847130,7\n");
    plain.0.write("raw/bad.csv", b"year,region,product,value\nsoon,A,847130,5\n");
    OF_RECORDS.iter().for_each(|check| plain.shipped(check));
    plain.check("large_file", LARGE_FILE);
    plain.run(&[]).ok();
    let [of_files, of_years] = OF_RECORDS;
    let known = || [of_files, of_years, "large_file"].map(|check| plain.known(check));
    let first = known();
    assert_eq!(first.each_ref().map(BTreeMap::len), [5, 3, 5]);

    // What did not change is not so much as read.
    plain.damage("raw/2007.csv");
    plain.year(2010, [100, 200, 300]);
    plain.run(&[]).ok();
    let n_new = |before: &[BTreeMap<String, SystemTime>; 3]| {
        [0, 1, 2].map(|at| plain.n_new([of_files, of_years, "large_file"][at], &before[at]))
    };
    assert_eq!(n_new(&first), [1, 1, 1]);
    let second = known();

    // One that has another name is another.
    let raw = plain.0.path().join("raw");
    std::fs::rename(raw.join("2010.csv"), raw.join("2010_final.csv")).expect("renamed");
    plain.run(&[]).ok();
    assert_eq!(n_new(&second), [1, 1, 1]);
    let third = known();

    // One that breaks the claim is named, and asked each time.
    plain.year(2009, [100, 4000, 300]);
    for _ in 0..2 {
        plain.run(&[]).fails(3, "large_file.sql: 1 row").fails(3, "raw/2009.csv");
        assert_eq!(n_new(&third), [1, 1, 0]);
    }
    plain.year(2009, [100, 200, 300]);
    plain.run(&[]).ok();
    // All is read again where that is asked for, and what was damaged is made again.
    plain.run(&["--full"]).ok();
    assert_eq!(known().each_ref().map(BTreeMap::len), [6, 4, 6]);
}

/// Sums of records, which stand in files of several years.
const SUMS: &str = "select year, region_code, sum(fob_value) as fob_value from customs.records
group by year, region_code having sum(fob_value) > 100 order by year, region_code";

#[test]
fn records_of_several_years_are_told_apart() {
    let plain = Plain::new();
    plain.check("sums", &format!("-- severity: warn\n{SUMS}"));
    plain.check("sums_by_year", &format!("-- severity: warn\n-- each: year\n{SUMS}"));
    let write = |file: &str, values: [u32; 3]| {
        let mut text = "year,region,product,value\n".to_owned();
        for (year, value) in (2007..).zip(values) {
            writeln!(text, "{year},A,847130,{value}\n{year},B,847130,{value}").expect("a string");
        }
        plain.0.write(&format!("raw/{file}.csv"), text.as_bytes());
    };
    write("a", [90, 20, 30]);
    write("b", [20, 90, 30]);
    for (c, n_rows) in [([0, 0, 0], 4), ([0, 0, 90], 6), ([0, 0, 10], 4)] {
        write("c", c);
        plain.run(&[]).ok();
        let whole = plain.found("sums");
        assert_eq!((whole.0.as_str(), whole.1), ("warned", n_rows));
        assert_eq!(plain.found("sums_by_year"), whole);
    }
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
