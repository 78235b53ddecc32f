//! Documents that are printed from code, or name files, stay true.

use crate::support::{Project, root};
use std::fmt::Write as _;

/// Holds a page against what is printed.
#[track_caller]
fn is_printed(page: &str, printed: &str) {
    let path = root().join(page);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, printed).expect("writable");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == printed, "{page} is out of date: run `make docs`");
}

#[test]
fn data_dictionary_is_what_the_contracts_say() {
    let printed = Project::new().rebound(&["describe", "--all"]).ok().out;
    is_printed("docs/tables.md", &printed);
}

#[test]
fn reference_pages_are_what_the_program_says() {
    let project = Project::new();
    for (name, page) in
        [("commands", "docs/reference/command-line.md"), ("config", "docs/reference/config.md")]
    {
        let printed = project.rebound(&["describe", name]).ok().out;
        assert!(printed.lines().count() > 100, "{printed}");
        is_printed(page, &printed);
    }
    // Of the page on conventions one table is printed.
    let printed = project.rebound(&["describe", "conventions"]).ok().out;
    let page = "docs/reference/conventions.md";
    let kept = std::fs::read_to_string(root().join(page)).expect("the page");
    let begin = kept.find("| `--like` |").expect("the table");
    let end = kept[begin..].find("\n\n").expect("its end") + begin + 1;
    is_printed(page, &[&kept[..begin], printed.as_str(), &kept[end..]].concat());
}

/// The words in a figure, but for the name of a run.
fn words(svg: &str) -> Vec<&str> {
    let texts = svg.split("<text").skip(1).filter_map(|rest| rest.split_once('>'));
    let texts = texts.filter_map(|(_, rest)| rest.split('<').next());
    texts.flat_map(str::split_whitespace).filter(|word| !word.contains("Z-")).collect()
}

/// Places of marks depend on the machine's fonts, so that what is written is compared.
#[test]
fn the_picture_of_the_readme_is_what_the_report_draws() {
    let project = Project::published();
    project.rebound(&["report", "pipelines/australia.yaml", "-o", "report"]).ok();
    let drawn = project.path().join("report/figures/quadrants-crisis_2008.svg");
    let drawn = std::fs::read_to_string(drawn).expect("a figure");
    let path = root().join("docs/pictures/quadrants.svg");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &drawn).expect("writable");
    }
    let kept = std::fs::read_to_string(path).expect("docs/pictures/quadrants.svg");
    assert_eq!(words(&kept), words(&drawn), "run `make pictures`");
    assert!(words(&drawn).contains(&"Tasmania"), "{drawn}");
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
