//! Documents that are printed from code, or name files, stay true.

use crate::support::{Project, root};
use std::fmt::Write as _;

#[test]
fn data_dictionary_is_what_the_contracts_say() {
    let printed = Project::new().rebound(&["describe", "--all"]).ok().out;
    let path = root().join("docs/tables.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &printed).expect("writable");
    }
    let kept = std::fs::read_to_string(path).expect("docs/tables.md");
    assert!(kept == printed, "docs/tables.md is out of date: run `make docs`");
}

/// The rows sorted, with numbers cut to seven digits: logarithms differ in their last bits between
/// machines, and a query gives no order.
fn settled(rows: &str) -> String {
    let cut = |cell: &str| match cell.parse::<f64>() {
        Ok(x) if cell.contains(['.', 'e']) && x.abs() < 1e-9 => "0".to_owned(),
        Ok(x) if cell.contains(['.', 'e']) => format!("{x:.6e}"),
        _ => cell.to_owned(),
    };
    let mut lines: Vec<String> =
        rows.lines().map(|line| line.split(',').map(cut).collect::<Vec<_>>().join(",")).collect();
    lines.sort();
    lines.join("\n")
}

/// The rows of each stage on the sample, against the version of its code. When a stage gives other rows
/// its version must be raised, or old versions in users' lakes would be taken for new ones.
#[test]
fn rows_change_only_with_the_version_of_their_stage() {
    let project = Project::published();
    let mut found = String::from("stage,version,table,rows,hash\n");
    let json = |file: &str| -> serde_json::Value {
        let text = std::fs::read(project.path().join("lake").join(file)).expect("published");
        serde_json::from_slice(&text).expect("JSON")
    };
    let catalog = json("catalog.json");
    let run = catalog["run"].as_str().expect("a run");
    let record = json(&format!("runs/{run}.json"));
    for (table, version) in catalog["tables"].as_object().expect("tables") {
        let stage = version["stage"].as_str().expect("a stage");
        let name = if stage.contains('.') { "panels" } else { stage };
        let parts = &record["parts"];
        let node = if parts.get(stage).is_some() { stage } else { table.as_str() };
        let number = parts[node]["code"].as_str().expect("a version");
        let rows = project
            .rebound(&["sql", &format!("select * from {table}"), "--format", "csv"])
            .ok()
            .out;
        let hash = lake::Fingerprint::of(settled(&rows).as_bytes());
        writeln!(found, "{name},{number},{table},{},{hash}", rows.lines().count() - 1)
            .expect("a string");
    }
    let path = root().join("tests/fixtures/sample_rows.csv");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &found).expect("writable");
    }
    let kept = std::fs::read_to_string(path).expect("tests/fixtures/sample_rows.csv");
    let changed: Vec<_> = found.lines().filter(|line| !kept.lines().any(|k| k == *line)).collect();
    assert!(
        kept == found,
        "these rows changed; raise the `VERSION` of the stage, then UPDATE_EXPECT=1 make test:\n{}",
        changed.join("\n")
    );
}

#[test]
fn the_questions_have_the_answers_that_stand_below_them() {
    let project = Project::published();
    let path = root().join("docs/questions.sql");
    let text = std::fs::read_to_string(&path).expect("the questions");
    let mut blocks = text.split("\n\n");
    let mut found = blocks.next().unwrap_or_default().trim_end().to_owned();
    let mut n = 0;
    for block in blocks {
        let asked: Vec<&str> = block.lines().filter(|line| !line.starts_with("-- |")).collect();
        let ran = project.rebound(&["sql", &asked.join("\n"), "--format", "csv"]).ok();
        assert!(ran.out.lines().count() > 1, "no answer to {}", asked[0]);
        let answer: Vec<String> =
            ran.out.lines().map(|line| format!("-- | {}", line.replace(',', ", "))).collect();
        write!(found, "\n\n{}\n{}", asked.join("\n"), answer.join("\n")).expect("a string");
        n += 1;
    }
    found.push('\n');
    assert_eq!(n, 20);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    assert_eq!(
        found,
        std::fs::read_to_string(&path).expect("the questions"),
        "run with UPDATE_EXPECT=1 and read the change"
    );
}
