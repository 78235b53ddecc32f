//! The book, `README.md` and `docs`: what its pages say is what the program does.

use crate::sessions;
use crate::support::{PLAIN_LAYOUT, Project, root};
use report::words::Words;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A block of code on a page.
struct Block {
    /// What stands behind the three signs that begin it.
    info: String,
    /// The line of these, counted from 1.
    line: usize,
    text: String,
}

/// The pages, by their paths from the root.
fn pages() -> Vec<String> {
    let mut found = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/notebooks", "docs/reference"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            if Path::new(&name).extension().is_some_and(|ending| ending == "md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

fn text_of(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// The blocks of a page, and the lines that are in none, each with its number.
fn parts(page: &str) -> (Vec<Block>, Vec<(usize, String)>) {
    let (mut blocks, mut others) = (Vec::new(), Vec::new());
    let mut open: Option<(usize, Block)> = None;
    for (line, text) in (1_usize..).zip(text_of(page).lines()) {
        let indent = text.len() - text.trim_start().len();
        match (text.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some((_, block))) => blocks.push(block),
            (Some(info), None) => {
                open = Some((indent, Block { info: info.to_owned(), line, text: String::new() }));
            }
            (None, Some((indent, mut block))) => {
                block.text += text.get(indent..).unwrap_or_default();
                block.text.push('\n');
                open = Some((indent, block));
            }
            (None, None) => others.push((line, text.to_owned())),
        }
    }
    assert!(open.is_none(), "{page}: a block does not end");
    (blocks, others)
}

/// Blocks of one kind of all pages, with their pages.
fn blocks_of(info: &str) -> Vec<(String, Block)> {
    let all = pages().into_iter().flat_map(|page| {
        let blocks = parts(&page).0;
        blocks.into_iter().map(move |block| (page.clone(), block))
    });
    all.filter(|(_, block)| block.info == info).collect()
}

/// Kinds of blocks. What is of `console`, `sql`, `python` and `yaml` is run or read by a test, of
/// `r` and `stata` by the tests of those packages or, as the page says, by nobody.
const KINDS: [&str; 12] = [
    "console",
    "python",
    "r",
    "sql",
    "stata",
    "text",
    "yaml config",
    "yaml layout",
    "yaml model",
    "yaml pipeline",
    "yaml prometheus",
    "yaml words",
];

/// Pages whose sessions this file runs, with the number of commands.
const RUN_HERE: [(&str, usize); 9] = [
    ("README.md", 2),
    ("docs/start.md", 6),
    ("docs/indices.md", 9),
    ("docs/product-space.md", 7),
    ("docs/models.md", 1),
    ("docs/sql.md", 1),
    ("docs/checks.md", 1),
    ("docs/meta.md", 1),
    ("docs/history.md", 10),
];

/// Pages whose sessions another file runs, from this line on.
const RUN_ELSEWHERE: [(&str, &str, &str); 3] = [
    ("docs/own-data.md", "init.rs", "# Your own data, from the file to the tables"),
    ("docs/nightly.md", "nightly_week.rs", "## A week of a customs office"),
    ("docs/resilience.md", "resilience_table.rs", "## Employment of three regions"),
];

/// Blocks of commands that no test runs as they stand, by page and beginning, and why.
const NOT_RUN: [(&str, &str, &str); 16] = [
    ("README.md", "make demo", "`make ci` runs both"),
    ("docs/start.md", "make demo", "`make ci` runs both"),
    ("docs/layouts.md", "rebound init exports_*", "forms of calls: docs/own-data.md runs them"),
    ("docs/resilience.md", "rebound resilience exports.csv", "a form of the call: run below it"),
    (
        "docs/checks.md",
        "$ OTEL_EXPORTER",
        "a collector elsewhere: tests/whole/telemetry.rs has one",
    ),
    ("docs/nightly.md", "$ rebound --quiet nightly", "a form of the call: run below it"),
    ("docs/nightly.md", "$ jq", "a summary of another night: tests/whole/nightly.rs reads some"),
    ("docs/nightly.md", "# useradd", "systemd; tests/whole/nightly.rs reads the units"),
    ("docs/nightly.md", "0 2 * * *", "cron"),
    ("docs/sql.md", "$ make build-serve", "a program of its own: tests/python/serve.py"),
    ("docs/sql.md", "$ rebound serve --flight", "a program of its own: tests/python/flight.py"),
    ("docs/sql.md", "$ rebound export", "forms of calls: tests/whole/exports.rs"),
    ("docs/more-machines.md", "$ make cluster-demo", "a build of its own: tests/python/cluster.py"),
    ("docs/more-machines.md", "$ make build-cluster", "several machines: tests/python/cluster.py"),
    ("docs/python.md", "pip install .", "the tests of the package build it"),
    ("docs/python.md", "rebound export --format dta", "forms of calls: tests/python/models.py"),
];

/// Pages that are printed by the program, whose blocks are its usage.
const PRINTED: [&str; 3] =
    ["docs/reference/command-line.md", "docs/reference/config.md", "docs/tables.md"];

#[test]
fn each_block_is_run_or_said_not_to_be() {
    let mut not_run: BTreeSet<(&str, &str)> =
        NOT_RUN.iter().map(|&(page, begin, _)| (page, begin)).collect();
    for page in pages() {
        let begins = |line: &str| {
            let signs = ["$ ", "# ", "rebound ", "make ", "pip ", "0 2 * * *"];
            signs.iter().any(|sign| line.starts_with(sign))
        };
        for block in parts(&page).0 {
            let Block { info, line, text } = &block;
            assert!(KINDS.contains(&info.as_str()), "{page}:{line}: no kind of block: {info:?}");
            if info == "console" {
                let here = RUN_HERE.iter().any(|(run, _)| *run == page);
                let elsewhere = RUN_ELSEWHERE.iter().find(|(run, _, _)| *run == page);
                let is_below = elsewhere.is_some_and(|(_, _, from)| {
                    let text = text_of(&page);
                    text.lines().position(|line| line == *from).is_some_and(|at| at < *line)
                });
                assert!(here || is_below, "{page}:{line}: no test runs these commands");
            } else if info == "text"
                && !PRINTED.contains(&page.as_str())
                && text.lines().any(begins)
            {
                let found =
                    not_run.iter().find(|(of, begin)| *of == page && text.starts_with(begin));
                let found = found.copied();
                let found =
                    found.unwrap_or_else(|| panic!("{page}:{line}: commands that none runs"));
                not_run.remove(&found);
            }
        }
    }
    assert!(not_run.is_empty(), "blocks that are not there: {not_run:?}");
    for (page, file, from) in RUN_ELSEWHERE {
        let tests = text_of(&format!("tests/whole/{file}"));
        assert!(tests.contains(page), "tests/whole/{file} does not run {page}");
        assert!(text_of(page).lines().any(|line| line == from), "{page}: no line {from:?}");
    }
}

/// Runs the sessions of a page in a copy of the sample.
#[track_caller]
fn runs(page: &str, project: &Project) {
    let (_, expected) = RUN_HERE.iter().find(|(run, _)| *run == page).expect("a page");
    let text = text_of(page);
    let first = text.lines().next().expect("a heading");
    assert_eq!(sessions::check(project, page, first), *expected, "commands of {page}");
}

#[test]
fn the_start_goes_as_it_is_told() {
    runs("docs/start.md", &Project::new());
}

#[test]
fn old_runs_are_looked_back_at_as_it_is_told() {
    runs("docs/history.md", &Project::published());
}

#[test]
fn what_the_indices_mean_is_what_they_are() {
    let project = Project::published();
    project.copy_fixtures("indices", "");
    runs("docs/indices.md", &project);
}

#[test]
fn the_product_space_is_as_it_is_told() {
    let project = Project::published();
    project.copy_fixtures("indices", "");
    project.copy_fixtures("init", "");
    runs("docs/product-space.md", &project);
}

#[test]
fn other_pages_go_as_they_are_told() {
    let project = Project::published();
    project.copy_fixtures("resilience", "tests/fixtures/resilience");
    for page in ["README.md", "docs/models.md", "docs/sql.md", "docs/checks.md", "docs/meta.md"] {
        runs(page, &project);
    }
}

#[test]
fn queries_of_the_book_are_answered() {
    let project = Project::published();
    // The sample has no table of other countries' imports: its own exports stand in for it.
    let imports = "(select destination as importer, product as hs6, year, fob_value as value \
         from trade.region_product_year_destination)";
    let mut n = 0;
    for (page, block) in blocks_of("sql") {
        let text = block.text.replace("external.world_imports", imports);
        for query in text.split(';').filter(|query| !query.trim().is_empty()) {
            let ran = project.rebound(&["sql", query, "--format", "csv"]);
            assert_eq!(ran.code, 0, "{page}:{}: {}", block.line, ran.err);
            n += 1;
        }
    }
    assert_eq!(n, 6);
}

/// The keys at the top level of a text of YAML.
fn keys(text: &str) -> BTreeSet<&str> {
    let keys = text.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key);
    keys.filter(|key| !key.is_empty() && !key.starts_with([' ', '#', '-'])).collect()
}

/// `base` with the keys that `part` has as it has them.
fn overlaid(base: &str, part: &str) -> String {
    let later = keys(part);
    let mut is_kept = true;
    let kept = base.lines().filter(|line| {
        if !line.starts_with([' ', '#', '-']) {
            is_kept = !line.split_once(':').is_some_and(|(key, _)| later.contains(key));
        }
        is_kept
    });
    kept.map(|line| format!("{line}\n")).collect::<String>() + part
}

const PIPELINE: &str = "name: page
config: [../config/default.yaml]
lake: ../page_lake
sources:
  - {layout: ../config/layouts/australia_state_ahecc8.yaml, files: [../samples/australia/*.csv.gz], exclude: []}
proximity: null
sql: none
checks: none
stages: [ingest, aggregate]
";

#[test]
fn pieces_of_pipelines_configs_and_models_are_read() {
    let project = Project::new();
    project.write("pipelines/none/README", b"");
    project.write("pipelines/layouts/customs.yaml", PLAIN_LAYOUT.as_bytes());
    project.write("pipelines/raw/2008.csv", b"year,region,product,value\n2008,A,010121,5\n");
    let of_kind = |kind: &str, pipeline: &dyn Fn(&str) -> String, expected: usize| {
        let blocks = blocks_of(kind);
        assert_eq!(blocks.len(), expected, "{kind}");
        for (page, block) in blocks {
            project.write("pipelines/piece.yaml", block.text.as_bytes());
            project.write("pipelines/page.yaml", pipeline(&block.text).as_bytes());
            for command in ["config", "plan"] {
                let ran = project.rebound(&[command, "pipelines/page.yaml"]);
                assert_eq!(ran.code, 0, "{page}:{}: {}", block.line, ran.err);
            }
        }
    };
    of_kind("yaml pipeline", &|part| overlaid(PIPELINE, part), 6);
    let with_piece = PIPELINE.replace("default.yaml]", "default.yaml, piece.yaml]");
    of_kind("yaml config", &|_| with_piece.clone(), 1);
    of_kind("yaml model", &|_| format!("{PIPELINE}models: [piece.yaml]\n"), 1);
    // A key that there is not would be told.
    project.write("pipelines/page.yaml", format!("{PIPELINE}income: {{}}\n").as_bytes());
    project.rebound(&["plan", "pipelines/page.yaml"]).fails(2, "income");
}

#[test]
fn words_of_a_language_are_read() {
    let project = Project::new();
    let blocks = blocks_of("yaml words");
    assert_eq!(blocks.len(), 1);
    for (page, block) in blocks {
        project.write("words.yaml", block.text.as_bytes());
        let read = Words::read(&project.path().join("words.yaml"));
        let words = read.unwrap_or_else(|error| panic!("{page}:{}: {error}", block.line));
        assert!(words.warning().is_some(), "a page shows only some texts");
        project.write("words.yaml", format!("{}  Overviews: a\n", block.text).as_bytes());
        let wrong = Words::read(&project.path().join("words.yaml")).expect_err("no such text");
        assert!(wrong.to_string().contains("did you mean"), "{wrong}");
    }
}

/// What a piece of a layout is tried on.
struct Piece {
    /// What its base has otherwise.
    others: &'static [(&'static str, &'static str)],
    file: &'static str,
    /// What is read of it.
    expected: &'static [&'static str],
}

/// For each piece of a layout, in order.
const LAYOUTS: [Piece; 5] = [
    Piece {
        others: &[],
        file: "date,exp_imp,city,hs_id,country,type,value\n200811,0,Shenzhen,851712,USA,国有企业,100\n\
         200811,0,Shenzhen,851712,USA,other,100\n",
        expected: &[
            "2008-11 export Shenzhen 851712 with USA: 100.00",
            "unmapped_code: type \"other\"",
        ],
    },
    Piece {
        others: &[],
        file: "day,Province,hs2,Is Leaf Code,exports,imports,kg,note\n15/09/2008,Ontario,1,1,5,7,,\n\
         15/09/2008,Ontario,1,0,5,7,,\n15/09/2008,Total All Countries,1,1,9,9,,\n\
         15/09/2008,Quebec,27,1,,3,4,\n",
        expected: &[
            "2008-09 export Ontario 01: 5.00, 0",
            "left out by `where`: 2 of 12.00",
            "left out by `where`: 2 of 18.00",
            "2008-09 import Quebec 27: 3.00, 4",
            "1 empty or zero",
            "4 rows, 3 entries, 0 rejects",
        ],
    },
    Piece {
        others: &[
            ("year: {column: [year]}", "year: {constant: \"2008\"}"),
            ("region: {column: [region]}", "region: {column: [Province]}"),
            ("product: {column: [product]}", "product: {column: [chapter]}"),
            ("value: {column: [value]}", "value: {column: [2008 exports]}"),
            ("digits: 6", "digits: 2"),
        ],
        file: "# made up\nHS 27\nProvince,2008,\n,exports,imports\nOntario,5,7\n,6,8\nSource: us\nx,1,2\n",
        expected: &[
            "2008 export Ontario 27: 5.00",
            "2008 export Ontario 27: 6.00",
            "2 entries, 0 rejects",
        ],
    },
    Piece {
        others: &[],
        file: "year,region,product,value\n2008,A,3361,5\n2008,A,336,5\n",
        expected: &["2008 export A 3361: 5.00", "invalid_product_code: product \"336\""],
    },
    Piece {
        others: &[],
        file: "year,region,product,value\n2008,A,bakers,5\n",
        expected: &["2008 export A bakers: 5.00", "1 rows, 1 entries, 0 rejects"],
    },
];

#[test]
fn pieces_of_layouts_read_files() {
    let project = Project::new();
    project
        .write("codes/naics.csv", b"naics,title\n3361,Motor vehicles\n336,Transport equipment\n");
    project.write("codes/trades.csv", b"trade,sector,branch,english\nbakers,food,bread,Bakers\n");
    let blocks = blocks_of("yaml layout");
    assert_eq!(blocks.len(), LAYOUTS.len());
    for ((page, block), Piece { others, file, expected }) in blocks.into_iter().zip(LAYOUTS) {
        let mut base = PLAIN_LAYOUT.to_owned();
        for (from, to) in others {
            assert!(base.contains(from), "{from}");
            base = base.replace(from, to);
        }
        project.write("layouts/page.yaml", overlaid(&base, &block.text).as_bytes());
        project.write("page.csv", file.as_bytes());
        let ran = project.rebound(&["preview", "layouts/page.yaml", "page.csv"]);
        assert_eq!(ran.code, 0, "{page}:{}: {}", block.line, ran.err);
        for text in expected {
            assert!(ran.out.contains(text), "{page}:{}: {text}: {}", block.line, ran.out);
        }
    }
}

/// The commands that a page names, with their options: those in code within a line, and those in
/// blocks.
fn named_commands(page: &str) -> Vec<(usize, String)> {
    let (blocks, others) = parts(page);
    let mut found = Vec::new();
    for (line, text) in others {
        let code = text.split('`').skip(1).step_by(2);
        let of_us = code.filter_map(|code| code.strip_prefix("rebound "));
        found.extend(of_us.map(|code| (line, code.to_owned())));
    }
    for block in blocks.iter().filter(|block| ["text", "console"].contains(&block.info.as_str())) {
        for (at, text) in (block.line + 1..).zip(block.text.lines()) {
            let command = text.strip_prefix("$ ").unwrap_or(text).strip_prefix("rebound ");
            found.extend(command.map(|command| (at, command.to_owned())));
        }
    }
    found
}

#[test]
fn commands_and_options_that_are_named_are_there() {
    let project = Project::new();
    let all = project.rebound(&["--help"]).ok().out;
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut n = 0;
    for page in pages() {
        for (line, command) in named_commands(&page) {
            let words = command
                .split_whitespace()
                .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
            let words: Vec<&str> = words.collect();
            let is_name = |word: &&&str| !word.is_empty() && !word.starts_with('-');
            // A placeholder is in capitals.
            let Some(name) = words
                .iter()
                .find(is_name)
                .filter(|name| name.chars().all(|c| c.is_ascii_lowercase()))
            else {
                continue;
            };
            assert!(all.contains(&format!("\n  {name} ")), "{page}:{line}: no command `{name}`");
            // These are programs of their own.
            if ["serve", "cluster"].contains(name) {
                continue;
            }
            let help = helps
                .entry((*name).to_owned())
                .or_insert_with(|| project.rebound(&[*name, "--help"]).ok().out);
            for word in words.iter().filter_map(|word| word.strip_prefix("--")) {
                let option = word.split('=').next().unwrap_or_default();
                let is_there = option.is_empty() || help.contains(&format!("--{option}"));
                assert!(is_there, "{page}:{line}: `rebound {name}` has no `--{option}`");
            }
            n += 1;
        }
    }
    assert!(n > 150, "{n}");
}

/// A heading as forges name its place.
fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut n = 0;
    for page in pages() {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for (line, text) in parts(&page).1 {
            for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                let (file, place) = target.split_once('#').unwrap_or((target, ""));
                let path = if file.is_empty() { root().join(&page) } else { folder.join(file) };
                assert!(path.exists(), "{page}:{line}: no file {target}");
                if !place.is_empty() {
                    let path = path.canonicalize().expect("a file");
                    let of_root = path.strip_prefix(root()).expect("a file of ours");
                    let headings = parts(&of_root.display().to_string()).1;
                    let mut headings = headings.iter().filter(|(_, line)| line.starts_with('#'));
                    let is_there = headings
                        .any(|(_, line)| anchor(line.trim_start_matches('#').trim()) == place);
                    assert!(is_there, "{page}:{line}: no heading {target}");
                }
                n += 1;
            }
        }
    }
    assert!(n > 60, "{n}");
}

#[test]
fn the_summary_has_every_page_and_the_readme_is_short() {
    let summary = text_of("docs/SUMMARY.md");
    for page in pages() {
        let Some(name) = page.strip_prefix("docs/").filter(|name| *name != "SUMMARY.md") else {
            continue;
        };
        assert!(summary.contains(&format!("]({name})")), "{name} is not in docs/SUMMARY.md");
    }
    let n = text_of("README.md").lines().count();
    assert!(n <= 150, "README.md has {n} lines");
}

#[test]
fn lines_of_prose_have_at_most_100_columns() {
    for page in pages().iter().filter(|page| !PRINTED.contains(&page.as_str())) {
        for (line, text) in parts(page).1 {
            let is_prose = !text.starts_with('|') && !text.starts_with('!');
            let n = text.chars().count();
            assert!(n <= 100 || !is_prose, "{page}:{line}: {n} columns");
        }
    }
}

#[test]
fn what_is_said_of_us_beside_peers_is_held_by_tests_that_there_are() {
    let (_, lines) = parts("docs/peers.md");
    let (mut n_rows, mut n_tests) = (0, 0);
    for (line, text) in lines {
        let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
        let is_row = text.starts_with("| ") && !text.starts_with("| ---");
        let named = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
        let mut is_held = false;
        for (file, test) in named {
            let path =
                if file.contains('/') { file.to_owned() } else { format!("tests/whole/{file}") };
            let is_there = [format!("fn {test}("), format!("def {test}(")];
            let tests = text_of(&path);
            let is_there = is_there.iter().any(|head| tests.contains(head.as_str()));
            assert!(is_there, "docs/peers.md:{line}: no test `{test}` in {path}");
            is_held = true;
            n_tests += 1;
        }
        // The last cell but one says whether we have it.
        if is_row && cells.len() > 2 && cells[cells.len() - 2].starts_with("yes") {
            assert!(is_held, "docs/peers.md:{line}: no test holds {:?}", cells[0]);
            n_rows += 1;
        }
    }
    assert!(n_rows > 40 && n_tests >= n_rows, "{n_rows} rows, {n_tests} tests");
}
