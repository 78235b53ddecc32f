//! What looks misread is warned of and published, and stops the run where its share is large.

use crate::support::{PLAIN_LAYOUT, Project, Ran};

const PIPELINE: &str = "name: plain
config: [../config/default.yaml, plain_config.yaml]
lake: ../lake
sources:
  - {layout: ../config/layouts/plain.yaml, files: [../raw/*.csv], exclude: []}
stages: [ingest, aggregate]
";

/// Two regions and their sum.
const WITH_TOTAL: [&str; 6] = [
    "2008,A,010190,100",
    "2008,A,020110,40",
    "2008,B,010190,30",
    "2008,B,020110,7",
    "2008,W00,010190,130",
    "2008,W00,020110,47",
];

const FINDINGS: &str =
    "select kind, dimension, name, n, value, share, limit_share from trade.findings";

struct Plain(Project);

impl Plain {
    fn new() -> Self {
        let project = Project::new();
        let rule = "rules:\n  - {name: world, why: the sum of all, regions: [W00]}";
        let layout = PLAIN_LAYOUT.replace("rules: []", rule);
        project.write("config/layouts/plain.yaml", layout.as_bytes());
        project.write("pipelines/plain.yaml", PIPELINE.as_bytes());
        Self(project)
    }

    fn file(&self, name: &str, rows: &[&str]) {
        let text = format!("year,region,product,value\n{}\n", rows.join("\n"));
        self.0.write(&format!("raw/{name}.csv"), text.as_bytes());
    }

    fn run(&self, config: &str, options: &[&str]) -> Ran {
        self.0.write("pipelines/plain_config.yaml", config.as_bytes());
        self.0.rebound(&[&["run", "pipelines/plain.yaml"], options].concat())
    }
}

const NOTHING: &str = "ingest: {max_rejected_share: 0.01}\n";

#[test]
fn a_total_among_the_regions_stops_the_run_unless_the_config_lets_it() {
    let plain = Plain::new();
    plain.file("a", &WITH_TOTAL);
    let total =
        "region `W00` is the sum of the other 2 regions (50.0 % of the value): leave it out";
    for options in [&[][..], &["--no-records"]] {
        plain
            .run(NOTHING, options)
            .fails(2, "the share, 0.500, is above plausibility.max_total_share = 0.05")
            .fails(2, total);
        assert!(!plain.0.path().join("lake/catalog.json").exists());
        let ran = plain.run("plausibility: {max_total_share: 1}\n", options).ok();
        assert!(ran.err.contains(total), "{ran:?}");
        assert_eq!(plain.0.sql(FINDINGS), ["total_among_parts,region,W00,2,177.0,0.5,1.0"]);
        std::fs::remove_dir_all(plain.0.path().join("lake")).expect("a lake");
    }
    // Left out by its rule it is none of the regions.
    plain.0.edit("pipelines/plain.yaml", "exclude: []", "exclude: [world]");
    plain.run(NOTHING, &[]).ok();
    assert_eq!(plain.0.sql(FINDINGS), [""; 0]);
}

#[test]
fn products_that_the_revision_does_not_have_stop_the_run() {
    let plain = Plain::new();
    let unlisted = (1..=10).map(|code| format!("2008,A,0105{code:02},6"));
    let rows: Vec<String> = unlisted.chain(["2008,B,010190,40".to_owned()]).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    plain.file("a", &rows);
    plain
        .run(NOTHING, &[])
        .fails(2, "not in the HS revision that the layout names: 10 (such as `010501`")
        .fails(2, "60.0 %")
        .fails(2, "plausibility.max_unknown_product_share = 0.2");
    plain.run("plausibility: {max_unknown_product_share: 0.6}\n", &[]).ok();
    // A few codes are no sign of another revision, and only said.
    plain.file("a", &["2008,A,440316,60", "2008,B,010190,40"]);
    plain.run(NOTHING, &[]).ok();
    assert_eq!(plain.0.sql(FINDINGS), ["unlisted_products,product,440316,1,60.0,0.6,0.2"]);
    // Headings stand for their products where the layout says so, and only those that there are.
    plain.file("a", &["2008,A,4403,60", "2008,B,0101,30", "2008,B,0100,10"]);
    plain.0.edit("config/layouts/plain.yaml", "digits: 6", "digits: 4");
    plain.run(NOTHING, &[]).ok();
    assert_eq!(plain.0.sql(FINDINGS), ["unlisted_products,product,010000,1,10.0,0.1,0.2"]);
}

#[test]
fn files_that_are_there_twice_are_named() {
    let plain = Plain::new();
    let cells = ["A", "B", "C", "D"]
        .map(|region| ["010190", "020110", "851712"].map(|product| (region, product)));
    let rows: Vec<String> = (0..)
        .zip(cells.as_flattened())
        .map(|(at, (region, product))| format!("2008,{region},{product},{}", 1 << at))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    plain.file("a", &rows);
    let ran = plain.run(NOTHING, &[]).ok();
    assert!(!ran.err.contains("byte by byte"), "{ran:?}");
    assert_eq!(plain.0.sql(FINDINGS), [""; 0]);
    plain.file("b", &rows);
    let ran = plain.run(NOTHING, &[]).ok();
    let same = "the raw files `raw/a.csv` and `raw/b.csv` are the same, byte by byte";
    assert!(ran.err.contains(same), "{ran:?}");
    let alike = [
        "files_alike,file,raw/a.csv = raw/b.csv,12,4095.0,0.5,",
        "repeated_rows,file,plain,12,4095.0,0.5,1.0",
    ];
    assert_eq!(plain.0.sql(FINDINGS), alike);
    // The same in another order is told by what it comes to.
    let turned: Vec<&str> = rows.iter().rev().copied().collect();
    plain.file("b", &turned);
    let ran = plain.run(NOTHING, &[]).ok();
    assert!(!ran.err.contains("byte by byte"), "{ran:?}");
    assert_eq!(plain.0.sql(FINDINGS), alike);
}

#[test]
fn rows_that_are_repeated_are_said_and_stop_the_run_where_the_config_says_so() {
    let plain = Plain::new();
    plain.file("a", &["2008,A,010190,5", "2008,B,010190,30", "2008,A,010190,5", "2008,A,020110,0"]);
    plain.file("b", &["2008,B,020110,50", "2008,B,010190,30", "2008,B,010190,3"]);
    let said =
        "2 of 7 rows of the layout `plain` are repeated to the last field (28.5 % of the value)";
    for options in [&[][..], &["--no-records"]] {
        let ran = plain.run(NOTHING, options).ok();
        assert!(ran.err.contains(said), "{ran:?}");
        let found = plain.0.sql(FINDINGS);
        assert_eq!(found, ["repeated_rows,file,plain,2,35.0,0.2845528455284553,1.0"]);
        let by_file =
            "select source_file, n_repeated, value_repeated from customs.reconciliation order by 1";
        assert_eq!(plain.0.sql(by_file), ["raw/a.csv,1,5.0", "raw/b.csv,1,30.0"]);
        plain
            .run("plausibility: {max_repeated_share: 0.2}\n", options)
            .fails(2, "the share, 0.285, is above plausibility.max_repeated_share = 0.2");
        std::fs::remove_dir_all(plain.0.path().join("lake")).expect("a lake");
    }
}

#[test]
fn rows_of_files_of_other_years_are_no_repeats() {
    let plain = Plain::new();
    let by_name = "year: {file_name: '([0-9]{4})'}";
    plain.0.edit("config/layouts/plain.yaml", "year: {column: [year]}", by_name);
    for year in ["2007", "2008"] {
        plain.file(year, &["x,A,010190,5", "x,B,010190,30", "x,A,010190,5"]);
    }
    plain.run(NOTHING, &[]).ok();
    let by_file = "select source_file, n_repeated from customs.reconciliation order by 1";
    assert_eq!(plain.0.sql(by_file), ["raw/2007.csv,1", "raw/2008.csv,1"]);
    // What no entry is summed of is not there twice.
    let where_b = "where: [{column: region, in: [B]}]\nfields:";
    plain.0.edit("config/layouts/plain.yaml", "fields:", where_b);
    plain.run(NOTHING, &[]).ok();
    assert_eq!(plain.0.sql(by_file), ["raw/2007.csv,0", "raw/2008.csv,0"]);
}
