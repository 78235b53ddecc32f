//! What a fingerprint covers: each value of the config changes those of the stages that have it in
//! their params, and of what follows them, and no others.

use crate::support::Project;
use project::pipeline_file::PipelineFile;
use rebound::node::{Node, Work};
use rebound::run::{self, Options, Plan};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const CHANGED: &str = "config/changed.yaml";

/// A project with all tables from outside that a config can ask for, and few raw files.
fn project() -> Project {
    let project = Project::new();
    let pipeline = "pipelines/australia.yaml";
    project.edit(pipeline, "  - ../config/australia.yaml\n", "  - ../config/changed.yaml\n");
    project.edit(pipeline, "ahecc8_*.csv.gz", "ahecc8_2009.csv.gz");
    let reference = "\nreference: {file: reference.csv, hs_revision: HS2007, \
                     columns: {year: year, product: product, value: value}}\nstages:";
    project.edit(pipeline, "\nstages:", reference);
    project.write("pipelines/reference.csv", b"year,product,value\n");
    project
}

fn read(project: &Project, changed: &Value) -> Result<Plan, String> {
    project.write(CHANGED, changed.to_string().as_bytes());
    let runtime = query::runtime(1).expect("a runtime");
    let path = project.path().join("pipelines/australia.yaml");
    let file = PipelineFile::read(&path).map_err(|error| error.to_string())?;
    let options = Options { lake: Some("memory://".to_owned()), ..Options::default() };
    run::plan(&runtime, file, &options).map_err(|error| error.to_string())
}

/// Values that may stand in the place of `value`, most of which are refused somewhere.
fn others(value: &Value, refusal: &str) -> Vec<Value> {
    let choices = || {
        let (_, named) = refusal.split_once("expected one of ").unwrap_or_default();
        let named = named.split(" (").next().unwrap_or_default();
        named.split(", ").map(|name| json!(name)).collect::<Vec<_>>()
    };
    match value {
        Value::Bool(is) => vec![json!(!is)],
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            let integers = [number + 1.0, number + 2.0, number - 1.0];
            let whole = integers.iter().filter(|n| n.fract() == 0.0 && **n >= 0.0);
            #[expect(clippy::cast_possible_truncation, reason = "a small number")]
            let whole = whole.map(|number| json!(*number as i64));
            whole.chain([json!(number / 2.0), json!(number * 2.0), json!(0.25)]).collect()
        }
        Value::String(text) if text.starts_with("20") => {
            vec![json!(text.replace("-06-", "-05-").replace("-07-", "-08-"))]
        }
        Value::String(_) => choices(),
        Value::Array(items) => {
            let region = json!([{"region": "1", "year": 2000}]);
            let mut episodes = items.clone();
            if let Some(Value::Object(episode)) = episodes.first_mut() {
                episode.insert("name".to_owned(), json!("another"));
            }
            vec![json!(items[..items.len().min(1)]), json!(episodes), json!([]), region]
        }
        Value::Object(fields) => {
            let mut fields = fields.clone();
            if let Some(first) = fields.values_mut().next() {
                *first = json!(first.as_f64().expect("a number") + 1.0);
            }
            vec![json!(fields)]
        }
        _ => Vec::new(),
    }
}

fn of_config(section: &str, key: &str, value: &Value) -> Value {
    json!({ section: { key: value } })
}

/// The plan with another value than `value`.
fn with_another(project: &Project, section: &str, key: &str, value: &Value) -> Plan {
    let refusal = read(project, &of_config(section, key, &json!("no such thing"))).err();
    let mut refused = Vec::new();
    for other in others(value, refusal.as_deref().unwrap_or_default()) {
        if other == *value {
            continue;
        }
        match read(project, &of_config(section, key, &other)) {
            Ok(plan) => return plan,
            Err(error) => refused.push(error),
        }
    }
    panic!("no other value of {section}.{key}, {value}, is taken: {refused:#?}")
}

fn has(node: &Node, section: &str, key: &str) -> bool {
    let Work::Stage(stage) = &node.work else { return false };
    stage.params.get(section).is_some_and(|said| said.get(key).is_some())
}

fn fingerprints(plan: &Plan) -> BTreeMap<&str, &str> {
    plan.steps.iter().map(|step| (step.node.name.as_str(), step.fingerprint.as_str())).collect()
}

#[test]
fn each_value_of_the_config_changes_the_stages_that_have_it_and_their_followers() {
    let project = project();
    let base = read(&project, &json!({})).expect("a plan");
    let before = fingerprints(&base);
    let file = PipelineFile::read(&project.path().join("pipelines/australia.yaml")).expect("read");
    let settings = file.settings().expect("settings");
    assert!(settings.len() > 60, "{}", settings.len());
    for setting in settings {
        let (section, key) = (setting.section, setting.key);
        let value: Value = serde_json::from_str(&setting.value).expect("JSON");
        let changed = with_another(&project, section, key, &value);
        let after = fingerprints(&changed);
        let found: BTreeSet<&str> = after
            .iter()
            .filter(|(node, of)| before.get(*node) != Some(of))
            .map(|(n, _)| *n)
            .collect();
        // Nodes stand after what they read.
        let mut expected = BTreeSet::new();
        let mut tables = BTreeSet::new();
        for step in &changed.steps {
            let node = &step.node;
            if has(node, section, key) || node.reads.iter().any(|table| tables.contains(table)) {
                expected.insert(node.name.as_str());
                tables.extend(&node.writes);
            }
        }
        assert_eq!(found, expected, "{section}.{key}");
        assert_eq!(found.is_empty(), section == "engine", "{section}.{key} is used");
    }
}

#[test]
fn files_that_are_read_by_another_layout_are_read_again() {
    let project = project();
    let pipeline = "pipelines/australia.yaml";
    let layout =
        std::fs::read_to_string(project.path().join("config/layouts/australia_state_ahecc8.yaml"));
    let layout = layout.expect("a layout").replace("multiplier: 1", "multiplier: 1000");
    project.write("config/layouts/thousands.yaml", layout.as_bytes());
    let other = "sources:\n  - layout: ../config/layouts/thousands.yaml\n    files: \
                 [../samples/australia/state_exports_ahecc8_2010.csv.gz]\n";
    project.edit(pipeline, "sources:\n", other);
    let of_ingest = |plan: &Plan| {
        let step = plan.steps.iter().find(|step| step.node.name == "ingest").expect("ingest");
        step.fingerprint.clone()
    };
    let before = of_ingest(&read(&project, &json!({})).expect("a plan"));
    project.edit(pipeline, "ahecc8_2010.csv.gz", "ahecc8_later.csv.gz");
    project.edit(pipeline, "ahecc8_2009.csv.gz", "ahecc8_2010.csv.gz");
    project.edit(pipeline, "ahecc8_later.csv.gz", "ahecc8_2009.csv.gz");
    let after = of_ingest(&read(&project, &json!({})).expect("a plan"));
    assert_ne!(before, after, "each file is read by the other layout now");
}
