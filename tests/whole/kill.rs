//! A run killed at any moment, and two runs at once.

use crate::support::Project;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// A change of the layout that makes everything again, of the same rows: a name that no column has.
const CHANGED: [&str; 2] = ["    column: [ahecc_8]", "    column: [ahecc_8, no_such_column]"];

/// Starts a run and kills it when `stage` begins, plus `wait`. Whether it was killed in time.
fn kill_in(project: &Project, stage: &str, wait: Duration) {
    let mut child = project
        .command()
        .args(["--log-format", "json", "run", "pipelines/australia.yaml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let stderr = child.stderr.take().expect("piped");
    for line in BufReader::new(stderr).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        if line["fields"]["message"] == "stage started" && line["fields"]["stage"] == stage {
            std::thread::sleep(wait);
            break;
        }
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("ended");
}

#[test]
fn killed_run_leaves_the_published_one_and_the_next_run_just_works() {
    let clean = Project::new();
    clean.edit("config/layouts/australia_state_ahecc8.yaml", CHANGED[0], CHANGED[1]);
    clean.run().ok();
    let expected = clean.published_bytes();

    let project = Project::published();
    let before = project.published_bytes();
    project.edit("config/layouts/australia_state_ahecc8.yaml", CHANGED[0], CHANGED[1]);
    let moments = [
        ("ingest", 0),
        ("ingest", 120),
        ("aggregate", 20),
        ("relatedness", 150),
        ("resilience", 60),
        ("panel.region_product", 30),
    ];
    for (stage, millis) in moments {
        kill_in(&project, stage, Duration::from_millis(millis));
        assert!(project.published_bytes() == before, "after {stage}");
        let rows = project.sql("select count(*) from panel.region");
        assert_eq!(rows, ["16"], "readable after {stage}");
    }
    project.run().ok();
    assert!(project.published_bytes() == expected, "other bytes than without history");
    let runs = project.rebound(&["runs"]).ok();
    assert_eq!(runs.out.matches("not ended").count(), moments.len(), "{}", runs.out);
    // What the killed runs left half done is garbage.
    project.rebound(&["gc", "--keep", "1"]).ok();
    assert!(project.published_bytes() == expected, "other bytes than without history");
}

#[test]
fn second_run_waits_or_says_who_holds_the_lake() {
    let project = Project::new();
    let first = project
        .command()
        .args(["run", "pipelines/australia.yaml"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut first = first.expect("the binary runs");
    let mut line = String::new();
    let mut stderr = BufReader::new(first.stderr.take().expect("piped"));
    stderr.read_line(&mut line).expect("text");
    assert!(line.contains("stage started"), "{line}");
    let refused = project.rebound(&["run", "pipelines/australia.yaml", "--no-wait"]);
    let waited = project.run();
    std::io::copy(&mut stderr, &mut std::io::sink()).expect("drained");
    assert!(first.wait().expect("ended").success());
    refused.fails(2, &format!("in use by process {}", first.id()));
    let waited = waited.ok();
    assert!(waited.err.contains("waiting for it to end"), "{}", waited.err);
    assert!(waited.out.contains("nothing to do"), "{}", waited.out);
}
