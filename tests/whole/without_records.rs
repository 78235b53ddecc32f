//! `--no-records`: what is summed as it is read is what is summed from kept records.

use crate::support::Project;
use crate::synth::nation;
use std::collections::BTreeMap;

/// The published files by table and place there, whatever units and versions they are of.
fn files(project: &Project) -> BTreeMap<String, Vec<u8>> {
    let catalog = std::fs::read(project.path().join("lake/catalog.json")).expect("published");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).expect("JSON");
    let mut found = BTreeMap::new();
    for (table, version) in catalog["tables"].as_object().expect("tables") {
        let of_table = version["files"].as_array().expect("files");
        let with_rows = of_table.iter().filter(|file| file["rows"] != 0);
        for (at, file) in with_rows.enumerate() {
            let path = project.path().join("lake").join(file["path"].as_str().expect("a path"));
            found.insert(format!("{table}/{at}"), std::fs::read(path).expect("a file"));
        }
    }
    found
}

#[test]
fn sums_have_the_same_bytes_as_those_of_kept_records() {
    let size = [
        "--rows",
        "20000",
        "--regions",
        "20",
        "--products",
        "60",
        "--dirt",
        "0.02",
        "--to",
        "2009",
    ];
    let project = nation("china_2007_2011", &size, "ingest, aggregate");
    let config = "ingest: {max_rejected_share: 0.05}\naggregate: {firms: true, months: true}\n";
    for engine in ["engine: {memory_mib: 64}\n", "engine: {memory_mib: 1}\n"] {
        project.write("pipelines/made_config.yaml", format!("{config}{engine}").as_bytes());
        project.rebound(&["run", "pipelines/made.yaml"]).ok();
        let mut kept = files(&project);
        let n = kept.len();
        kept.retain(|name, _| !name.starts_with("customs.records/"));
        assert!(kept.len() < n && kept.contains_key("trade.region_product_month/1"));
        for threads in ["1", "3"] {
            std::fs::remove_dir_all(project.path().join("lake")).expect("a lake");
            let options = ["run", "pipelines/made.yaml", "--no-records", "--threads", threads];
            project.rebound(&options).ok();
            let summed = files(&project);
            assert_eq!(summed.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
            for (name, bytes) in &summed {
                assert!(*bytes == kept[name], "{name} differs, {engine}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_whole_pipeline_does_without_records() {
    let project = Project::new();
    let options = ["run", "pipelines/australia.yaml", "--no-records"];
    let ran = project.rebound(&options).ok();
    assert!(
        ran.err.contains(
            "2 checks not run, as the tables are not made here tables=\"customs.records\""
        ),
        "{ran:?}"
    );
    project.rebound(&["sql", "select 1 from customs.records"]).fails(2, "customs.records");
    let found = project.sql(
        "select (select sum(value_records) from customs.reconciliation) - sum(fob_value) from trade.region_product_year",
    );
    assert_eq!(found, ["0.00"]);
    project.rebound(&["reconcile"]).ok();
    let plan = ["plan", "pipelines/australia.yaml", "--no-records", "--select", "aggregate"];
    assert!(project.rebound(&plan).ok().out.contains("nothing to do"));

    // Records that are kept after all are a table more; what was made of them is known to be the same rows.
    let summed = files(&project);
    let plan = project.rebound(&["plan", "pipelines/australia.yaml"]).ok();
    assert!(plan.out.contains("without the stage aggregate"), "{plan:?}");
    project.run().ok();
    let kept = files(&project);
    for (name, bytes) in &summed {
        assert!(*bytes == kept[name], "{name} differs");
    }
    assert_eq!(
        kept.len(),
        summed.len() + kept.keys().filter(|n| n.starts_with("customs.records/")).count()
    );
}

#[test]
fn what_needs_records_says_so() {
    let project = Project::new();
    let run = |pipeline: &str| project.rebound(&["run", pipeline, "--no-records"]);
    run("pipelines/parana.yaml").fails(2, "`aggregate.quantities: true`");
    project.edit("pipelines/australia.yaml", "name: australia", "name: australia\nrecords: false");
    project.rebound(&["plan", "pipelines/australia.yaml"]).ok();
    project.write(
        "pipelines/sql/panel.codes.sql",
        b"-- about: codes\n-- key: product\nselect distinct product from customs.records order by product\n",
    );
    project
        .rebound(&["plan", "pipelines/australia.yaml"])
        .fails(2, "without --no-records and `records: false`");
    std::fs::remove_file(project.path().join("pipelines/sql/panel.codes.sql")).expect("a file");
    let text =
        std::fs::read_to_string(project.path().join("pipelines/australia.yaml")).expect("it");
    let line = text.lines().find(|line| line.starts_with("stages:")).expect("stages").to_owned();
    project.edit("pipelines/australia.yaml", &line, "stages: [ingest]");
    project
        .rebound(&["plan", "pipelines/australia.yaml"])
        .fails(2, "expected both `ingest` and `aggregate` in `stages`");
}
