//! Looking back: what kept runs published, what two of them differ in, and publishing one again.

use crate::classifications;
use crate::support::{Project, Ran};
use serde_json::{Value, json};

const SITC: &str = "{classification: sitc, revision: 3, digits: 5, restore_leading_zero: false}";

const PIPELINE: &str = "name: plain\nconfig: [../config/default.yaml, plain_config.yaml]\nlake: ../lake\nproximity: null\nsources:\n  \
    - {layout: ../config/layouts/plain.yaml, files: ['../raw/20*.csv'], exclude: []}\nsql: none\nchecks: none\n\
    tables: {classes: {file: ../own/classes.csv}, names: {file: ../own/names.csv}}\nstages: [ingest, aggregate, tables]\n";

const SUM: &str = "select sum(fob_value) as total from trade.region_product_year where year = 2008";

/// A project with a raw file a year and two tables of its own.
fn project() -> Project {
    let project = classifications::project(SITC, "currency: USD", &[]);
    project.write("pipelines/plain.yaml", PIPELINE.as_bytes());
    project.write("pipelines/none/README", b"");
    for (year, first) in [("2008", "100.50"), ("2009", "120")] {
        let rows = format!(
            "year,region,code,value\n{year},A,33400,{first}\n{year},A,71100,40\n{year},B,33400,60.25\n"
        );
        project.write(&format!("raw/{year}.csv"), rows.as_bytes());
    }
    project.write("own/classes.csv", b"code,label\nA,first\nB,second\nB,second\nC,third\n");
    project.write("own/names.csv", b"code,name\nA,Aland\nB,Bland\n");
    project
}

fn run(project: &Project) -> Ran {
    classifications::run(project).ok()
}

fn diff(project: &Project, arguments: &[&str]) -> Value {
    let ran = project.rebound(&[&["diff", "--format", "json"], arguments].concat()).ok();
    serde_json::from_str(&ran.out).expect("JSON")
}

#[track_caller]
fn changed<'j>(found: &'j Value, table: &str) -> &'j Value {
    let tables = found["tables_changed"].as_array().expect("tables");
    let of = tables.iter().find(|of| of["table"] == table);
    of.unwrap_or_else(|| panic!("{table} is not in {found}"))
}

#[test]
fn runs_are_looked_back_at_compared_and_published_again() {
    let project = project();
    project.write("lake/.keep", b"");
    project.rebound(&["diff"]).fails(2, "nothing is published");
    project.rebound(&["rollback", "1"]).fails(2, "nothing is published");
    run(&project);
    project.rebound(&["diff"]).fails(2, "was published before run");
    let first = project.published_bytes();
    project.edit("raw/2008.csv", "100.50", "70.25");
    project.write("own/classes.csv", b"code,label\nA,first\nB,second\nC,third\nD,fourth\n");
    run(&project);
    let second = project.published_bytes();

    // What changed, and why.
    let found = diff(&project, &[]);
    assert_eq!((&found["old"]["number"], &found["new"]["number"]), (&json!(1), &json!(2)));
    let cell = changed(&found, "trade.region_product_year");
    assert_eq!(cell["key"], json!(["year", "region_code", "product"]));
    let counts = ["rows_added", "rows_removed", "rows_changed"].map(|of| cell[of].as_u64());
    assert_eq!(counts, [Some(0), Some(0), Some(1)]);
    assert_eq!(
        cell["rows"],
        json!([{"key": ["2008", "A", "33400"], "fate": "changed", "old": "100.50", "new": "70.25", "columns": ["fob_value"]}])
    );
    assert_eq!(
        cell["columns"],
        json!([{"column": "fob_value", "type": "decimal(20,2)", "changed": 1, "from_or_to_null": 0,
            "largest": "30.25", "largest_at": ["2008", "A", "33400"], "mean": 30.25}])
    );
    assert_eq!(cell["regions"], json!([{"code": "A", "moved": "30.25", "change": "-30.25"}]));
    assert_eq!(cell["products"], json!([{"code": "33400", "moved": "30.25", "change": "-30.25"}]));
    let records = changed(&found, "customs.records");
    assert_eq!(records["rows_changed"], 1);
    assert_eq!(records["columns"][0]["column"], "fob_value");
    // The file of the other year is the same, and is not read.
    assert_eq!(records["files"], json!({"shared": 1, "read_old": 1, "read_new": 1}));
    let classes = changed(&found, "external.classes");
    assert_eq!(classes["key"], json!([]));
    let counts = ["rows_added", "rows_removed", "rows_changed"].map(|of| classes[of].as_u64());
    assert_eq!(counts, [Some(1), Some(1), Some(0)]);
    let same = found["tables_same"].as_array().expect("tables");
    for table in ["external.names", "customs.rejects", "trade.region"] {
        assert!(same.contains(&json!(table)), "{table}: {found}");
    }
    let causes = found["causes"].as_array().expect("causes");
    let told: Vec<String> = causes
        .iter()
        .map(|cause| format!("{} {}", cause["change"].as_str().expect("text"), cause["stages"]))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|text| text.starts_with("file changed: ")
                && text.ends_with("2008.csv [\"ingest\"]"))
    );
    assert!(told.iter().any(|text| text.ends_with("classes.csv [\"external.classes\"]")));
    let text = project.rebound(&["diff", "--table", "trade.region_product_year"]).ok().out;
    for part in ["file changed: ", "2008, A, 33400", "100.50 -> 70.25", "-30.25"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("customs.records,"), "{text}");
    project.rebound(&["diff", "--table", "trade.regions"]).fails(2, "trade.region");
    assert_eq!(diff(&project, &["2", "2"])["tables_changed"], json!([]));

    // An old run is read as the published one.
    let name = found["old"]["run"].as_str().expect("a name").to_owned();
    for asked in ["1", "previous", &name] {
        let rows = project.rebound(&["sql", SUM, "--format", "csv", "--run", asked]).ok().out;
        assert_eq!(rows, "total\n200.75\n", "{asked}");
    }
    assert_eq!(project.sql(SUM), ["170.50"]);
    let rows = project.rebound(&["sql", SUM, "--format", "csv", "--run", "published"]).ok();
    assert_eq!(rows.out, "total\n170.50\n");
    assert!(project.rebound(&["tables", "--run", "1"]).ok().out.contains(&name));
    project.rebound(&["describe", "external.classes", "--run", "1"]).ok();
    let table = "trade.region_product_year";
    project.rebound(&["export", table, "--format", "csv", "-o", "old", "--run", "1"]).ok();
    let exported = project.path().join(format!("old/{table}.csv"));
    assert!(std::fs::read_to_string(exported).expect("exported").contains("100.50"));
    project.rebound(&["sql", SUM, "--run", "9"]).fails(2, "no run `9`");
    project.rebound(&["sql", SUM, "--run", "9"]).fails(2, &name);

    // And published again.
    project.rebound(&["rollback", "nothing"]).fails(2, "no run `nothing`");
    assert_eq!(project.published_bytes(), second);
    let ran = project.rebound(&["rollback", "previous"]).ok();
    assert!(ran.out.contains("published again") && ran.out.contains("`plain`"), "{}", ran.out);
    assert_eq!(project.published_bytes(), first);
    assert_eq!(project.sql(SUM), ["200.75"]);
    assert!(project.rebound(&["rollback", "1"]).ok().out.contains("nothing to do"));
    let back = diff(&project, &[]);
    let cell = changed(&back, table);
    assert_eq!(cell["regions"], json!([{"code": "A", "moved": "30.25", "change": "30.25"}]));
    project.rebound(&["verify"]).ok();
    // The next run publishes what its inputs give.
    run(&project);
    assert_eq!(project.published_bytes(), second);

    // What was collected is said, and what is whole is read.
    project.rebound(&["gc", "--keep", "1"]).ok();
    let ran = project.rebound(&["sql", SUM, "--run", "1"]).fails(2, "is no longer whole");
    assert!(ran.err.contains("Gone: trade.region_product_year"), "{}", ran.err);
    let whole = ran.err.split("Still whole: ").nth(1).expect("a list");
    assert!(whole.contains("external.names") && !whole.contains("external.classes"), "{whole}");
    let names = "select count(*) as n from external.names";
    let rows = project.rebound(&["sql", names, "--format", "csv", "--run", "1"]).ok().out;
    assert_eq!(rows, "n\n2\n");
    let listed = project.rebound(&["tables", "--run", "1"]).ok();
    assert!(listed.err.contains("external.classes") && listed.out.contains("external.names"));
    for command in ["rollback", "diff"] {
        project.rebound(&[command, "1"]).fails(2, "is no longer whole");
    }
    assert_eq!(project.published_bytes(), second);
}
