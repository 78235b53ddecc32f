//! Work by other machines, here other calls: the same bytes, and what they must have in common.

use crate::support::Project;
use project::pipeline::Engine;
use project::pipeline_file::PipelineFile;
use rebound::run::{self, Options, RunError};
use rebound::worker;
use stages::remote::Cluster;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Does every task when it is asked to, after this change of its text.
#[derive(Debug)]
struct Here(fn(String) -> String);

impl Cluster for Here {
    fn perform_all(&self, tasks: Vec<String>) -> Result<Vec<String>, String> {
        // Whatever the order of the work, answers are in the order of the tasks.
        let mut answers: Vec<String> =
            tasks.into_iter().rev().map(|task| worker::perform(&(self.0)(task), "a:1")).collect();
        answers.reverse();
        Ok(answers)
    }
}

fn run(project: &Project, lake: &str, change: fn(String) -> String) -> Result<(), RunError> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = Options {
        lake: Some(project.path().join(lake).display().to_string()),
        engine: Some(Engine::Ballista),
        cluster: Some(Arc::new(Here(change))),
        ..Options::default()
    };
    let path = project.path().join("pipelines/australia.yaml");
    let file = PipelineFile::read(&path).expect("a pipeline");
    run::run(&runtime, file, &options).map(|_| ())
}

fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>, root: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found, root);
        } else if path.extension().is_some_and(|e| e == "parquet") {
            let name = path.strip_prefix(root).expect("below").display().to_string();
            found.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
}

/// Every Parquet file of a lake, named by the catalog or not.
fn tables(project: &Project, lake: &str) -> BTreeMap<String, Vec<u8>> {
    let root = project.path().join(lake).join("tables");
    let mut found = BTreeMap::new();
    files(&root, &mut found, &root);
    found
}

#[test]
fn the_lake_has_the_same_bytes_and_nothing_else() {
    let project = Project::new();
    project.rebound(&["run", "pipelines/australia.yaml", "--lake", "alone"]).ok();
    run(&project, "away", |task| task).expect("a run");
    let (alone, away) = (tables(&project, "alone"), tables(&project, "away"));
    assert!(alone.len() > 50);
    assert_eq!(alone.keys().collect::<Vec<_>>(), away.keys().collect::<Vec<_>>());
    for (name, bytes) in &alone {
        assert!(*bytes == away[name], "{name} differs");
    }
    assert!(project.path().join("away/catalog.json").is_file());
}

#[test]
fn machines_that_have_something_else_refuse() {
    let project = Project::new();
    let check = |change: fn(String) -> String, code: u8, expected: &str| {
        let error = run(&project, "away", change).expect_err("refused");
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let text: Vec<String> = causes.map(ToString::to_string).collect();
        let text = text.join(": ");
        assert!(text.contains(expected), "{expected} is not in: {text}");
        assert_eq!(error.exit_code(), code, "{text}");
        assert!(!project.path().join("away/catalog.json").exists());
    };
    check(|task| task.replace("\"same\":\"", "\"same\":\"0"), 2, "on the executor a:1: `");
    check(|task| task.replace("\"Ingest\"", "\"Digest\""), 2, "is not one of this program's");
    check(
        |task| task.replace("\"hash\":\"", "\"hash\":\"0"),
        2,
        "is not what the machine that asks has",
    );
    check(|_| String::new(), 2, "is not one of this program's");
    // Another machine's own folder.
    check(
        |task| task.replace("/away\"", "/elsewhere\""),
        2,
        "the lake must be in a folder that all machines share",
    );
    let memory = run::run(
        &tokio::runtime::Runtime::new().expect("a runtime"),
        PipelineFile::read(&project.path().join("pipelines/australia.yaml")).expect("a pipeline"),
        &Options {
            lake: Some("memory://".to_owned()),
            engine: Some(Engine::Ballista),
            ..Options::default()
        },
    );
    assert!(memory.expect_err("refused").to_string().contains("do not see a lake in memory"));
}
