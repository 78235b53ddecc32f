//! What a plan says of units, and runs of all, of some and of one of them.

use crate::support::{Project, Ran, monthly_layout};
use serde_json::{Value, json};

const PIPELINE: &str = "name: plain
config: [../config/default.yaml, plain_config.yaml]
lake: ../lake
sources:
  - layout: ../config/layouts/plain.yaml
    files: [../raw/*.csv]
sql: own
checks: none
stages: [ingest, aggregate, panels]
";

/// So little data would be implausible.
const CONFIG: &str =
    "plausibility: {max_total_share: 1.0, max_nested_share: 1.0, max_unknown_product_share: 1.0}\n";

const CODES: &str = "-- about: codes\n-- key: product\n\
                     select distinct product from trade.region_product_year order by product\n";

struct Plain(Project);

impl Plain {
    /// A project of two years, each a file.
    fn new() -> Self {
        let plain = Self(Project::new());
        plain.0.write("config/layouts/plain.yaml", monthly_layout().as_bytes());
        plain.0.write("pipelines/plain.yaml", PIPELINE.as_bytes());
        plain.0.write("pipelines/plain_config.yaml", CONFIG.as_bytes());
        plain.0.write("pipelines/none/README", b"");
        plain.0.write("pipelines/own/panel.codes.sql", CODES.as_bytes());
        plain.file(2007, "A");
        plain.file(2008, "A");
        plain
    }

    /// Writes the file of a year, in which a region exports.
    fn file(&self, year: i32, region: &str) {
        let text = format!("year,month,region,product,value\n{year},3,{region},847130,100\n");
        self.0.write(&format!("raw/{year}.csv"), text.as_bytes());
    }

    fn run(&self, options: &[&str]) -> Ran {
        self.0.rebound(&[&["run", "pipelines/plain.yaml"], options].concat())
    }

    fn plan(&self, options: &[&str]) -> Ran {
        self.0.rebound(&[&["plan", "pipelines/plain.yaml"], options].concat())
    }

    #[track_caller]
    fn plan_json(&self, options: &[&str]) -> Value {
        let ran = self.plan(&[&["--format", "json"], options].concat()).ok();
        serde_json::from_str(&ran.out).expect("JSON")
    }

    /// What the plan says of a stage.
    #[track_caller]
    fn line(&self, stage: &str, options: &[&str]) -> String {
        let plan = self.plan(options).ok();
        let of_stage = |line: &&str| line.split_whitespace().nth(1) == Some(stage);
        plan.out.lines().find(of_stage).expect("the stage").to_owned()
    }

    fn catalog(&self) -> Vec<u8> {
        std::fs::read(self.0.path().join("lake/catalog.json")).expect("published")
    }
}

#[test]
fn a_plan_says_how_many_units_are_made_and_why() {
    let plain = Plain::new();
    let first = plain.plan_json(&[]);
    assert_eq!(first["n_to_build"], 4);
    assert_eq!(first["steps"][0]["units"]["new"], json!(["raw/2007.csv", "raw/2008.csv"]));
    assert_eq!(first["steps"][0]["time"], Value::Null, "nothing is known of a first run");
    assert!(plain.line("ingest", &[]).contains("all 2 files"));
    plain.run(&[]).ok();
    assert!(plain.plan(&[]).ok().out.contains("nothing to do"));
    assert_eq!(plain.plan_json(&[])["steps"][0]["units"], Value::Null);

    plain.file(2009, "A");
    let line = plain.line("ingest", &[]);
    assert!(line.contains("1 of 3 files") && line.contains("raw/2009.csv (file added)"), "{line}");
    let line = plain.line("aggregate", &[]);
    assert!(line.contains("decided when `customs.records` is made (2 the last time)"), "{line}");
    let line = plain.line("panel.codes", &[]);
    assert!(line.contains("decided when `trade.region_product_year` is made "), "{line}");
    let told = plain.plan_json(&[]);
    assert_eq!((&told["pipeline"], &told["n_to_build"]), (&json!("plain"), &json!(4)));
    let ingest = &told["steps"][0];
    assert_eq!((&ingest["stage"], &ingest["action"]), (&json!("ingest"), &json!("build")));
    let expected = json!({
        "known": "each", "new": ["raw/2009.csv"], "changed": [], "again": [], "reused": 2,
    });
    assert_eq!(ingest["units"], expected);
    assert_eq!(ingest["time"]["is_most"], false);
    let aggregate = &told["steps"][1];
    let expected = json!({"known": "later", "after": "customs.records", "last": 2});
    assert_eq!(aggregate["units"], expected);
    assert_eq!(aggregate["time"]["is_most"], true);
    assert_eq!(told["time"]["is_known"], true);

    plain.file(2008, "B");
    let line = plain.line("ingest", &[]);
    assert!(line.contains("2 of 3 files"), "{line}");
    assert!(line.contains("raw/2008.csv (file changed); raw/2009.csv (file added)"), "{line}");
    plain.run(&[]).ok();
    std::fs::remove_file(plain.0.path().join("raw/2009.csv")).expect("it was there");
    let line = plain.line("ingest", &[]);
    assert!(line.contains("none of 2 files") && line.contains("file gone: raw/2009.csv"), "{line}");
    plain.run(&[]).ok();

    // A table that is made as a whole, whose description is lost while all that it reads is there.
    let catalog: Value = serde_json::from_slice(&plain.catalog()).expect("JSON");
    let fingerprint = catalog["tables"]["panel.codes"]["fingerprint"].as_str().expect("a name");
    let description = format!("lake/tables/panel.codes/{fingerprint}/version.json");
    std::fs::remove_file(plain.0.path().join(description)).expect("it was there");
    let line = plain.line("panel.codes", &[]);
    assert!(line.contains("none: its inputs are what they were"), "{line}");
}

#[test]
fn a_full_run_makes_all_again_and_changes_nothing() {
    let plain = Plain::new();
    plain.run(&[]).ok();
    let (before, catalog) = (plain.0.published_bytes(), plain.catalog());
    // A plan sees no damage that leaves the size.
    let (path, whole) =
        before.iter().find(|(path, _)| path.contains("trade.region_year/")).expect("one");
    std::fs::write(plain.0.path().join(path), vec![7; whole.len()]).expect("writable");
    assert!(plain.run(&[]).ok().out.starts_with("nothing to do"));

    assert!(plain.plan(&["--full"]).ok().out.contains("4 of 4 to build"));
    let line = plain.line("ingest", &["--full"]);
    assert!(line.contains("all 2 files") && line.contains("all is made again (--full)"), "{line}");
    let whole = plain.line("panel.codes", &["--full"]);
    assert!(whole.contains(" whole "), "{whole}");
    let units = &plain.plan_json(&["--full"])["steps"][0]["units"];
    assert_eq!(units["again"], json!(["raw/2007.csv", "raw/2008.csv"]));
    let full = plain.run(&["--full"]).ok();
    assert!(full.out.contains("published tables are unchanged"), "{full:?}");
    assert!(full.out.contains("all is made again (--full); all 2 parts"), "{full:?}");
    assert!(!full.err.contains("other bytes"), "{full:?}");
    assert!(plain.0.published_bytes() == before);
    assert!(plain.catalog() == catalog);
    assert!(plain.plan(&[]).ok().out.contains("nothing to do"));

    // One stage, and one unit of it.
    let line = plain.line("aggregate", &["--full", "--select", "ingest"]);
    assert!(line.starts_with("skip"), "{line}");
    let one = plain.run(&["--full", "--select", "aggregate@2008"]).ok();
    assert!(one.out.contains("1 of 2 parts: 2008"), "{one:?}");
    assert!(plain.0.published_bytes() == before);
}

#[test]
fn one_unit_is_made_and_stages_are_left_out() {
    let plain = Plain::new();
    plain.0.edit("pipelines/plain.yaml", ", panels]", "]");
    plain.run(&[]).ok();
    plain.file(2008, "B");
    let held = plain.run(&["--exclude", "aggregate+"]).ok();
    assert!(held.out.contains("made but not published"), "{held:?}");
    let line = plain.line("aggregate", &["--exclude", "aggregate"]);
    assert!(line.starts_with("skip") && line.contains("not selected, out of date"), "{line}");

    let one = plain.run(&["--select", "aggregate@2008+"]).ok();
    assert!(one.out.contains("1 of 2 parts: 2008") && one.out.contains("published"), "{one:?}");
    let regions =
        "select year, region_code from trade.region_year where fob_value > 0 order by 1, 2";
    assert_eq!(plain.0.sql(regions), ["2007,A", "2008,B"]);

    plain.file(2007, "C");
    plain.file(2008, "C");
    plain
        .run(&["--exclude", "ingest"])
        .fails(2, "`aggregate` needs `customs.records`")
        .fails(2, "or exclude `aggregate` too");
    plain
        .plan(&["--select", "ingest@raw/2008.csv"])
        .fails(2, "only raw/2008.csv may be made")
        .fails(2, "missing, too: raw/2007.csv; run the stage as a whole");
    plain.run(&["--select", "ingest"]).ok();
    plain
        .run(&["--select", "aggregate@2008"])
        .fails(2, "missing, too: 2007; run the stage as a whole");
    plain
        .run(&["--select", "aggregate@2061"])
        .fails(2, "only 2061 may be made")
        .fails(2, "missing, too: 2007, 2008; run the stage as a whole");
    plain.run(&["--exclude", "aggregate@2008"]).fails(2, "no unit can be left out of a table");
    plain.run(&["--select", "agregate@2008"]).fails(2, "did you mean `aggregate`?");
    plain.run(&["--select", "aggregate@2007", "--select", "aggregate@2008+"]).ok();
    assert_eq!(plain.0.sql(regions), ["2007,C", "2008,C"]);
}

#[test]
fn records_of_many_raw_files_are_small_and_say_all() {
    let plain = Plain::new();
    let file = |at: u32, value: u32| {
        let text = format!("year,month,region,product,value\n2007,3,A,847130,{value}\n");
        plain.0.write(&format!("raw/part_{at:04}.csv"), text.as_bytes());
    };
    for at in 0..198 {
        file(at, at + 1);
    }
    plain.run(&[]).ok();
    plain.run(&[]).ok();
    let runs = std::fs::read_dir(plain.0.path().join("lake/runs")).expect("runs");
    for run in runs {
        let text = std::fs::read(run.expect("a run").path()).expect("readable");
        let record: Value = serde_json::from_slice(&text).expect("JSON");
        let parts = record["parts"]["ingest"].as_object().expect("parts");
        assert!(parts.contains_key("code") && !parts.keys().any(|part| part.starts_with("file ")));
        assert_eq!(record["aside"]["files"]["ingest"]["n"], 200);
    }

    // A plan and a comparison name what changed.
    file(7, 1_000);
    let line = plain.line("ingest", &[]);
    assert!(line.contains("1 of 200 files"), "{line}");
    assert!(line.contains("raw/part_0007.csv (file changed)"), "{line}");
    plain.run(&[]).ok();
    let diff = plain.0.rebound(&["diff"]).ok();
    assert!(diff.out.contains("file changed: raw/part_0007.csv"), "{diff:?}");

    // What was published is made again from its record, and so is what was before.
    let (catalog, total) = (plain.catalog(), "select sum(fob_value) from trade.region_year");
    let now = plain.0.sql(total);
    std::fs::remove_file(plain.0.path().join("lake/catalog.json")).expect("it was there");
    plain.0.rebound(&["verify", "--repair"]).ok();
    assert!(plain.catalog() == catalog);
    plain.0.rebound(&["rollback", "previous"]).ok();
    assert_ne!(plain.0.sql(total), now);
}
