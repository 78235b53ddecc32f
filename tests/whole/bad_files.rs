//! Every file of `tests/fixtures/bad` and what becomes of it: `expected.txt` there says it, file by file.

use crate::support::{Project, Ran, root};
use std::fmt::Write as _;
use std::io::Write as _;

/// What a run on one file of the layout `china_2000_2001` comes to.
fn outcome(project: &Project, name: &str) -> String {
    let path = root().join("tests/fixtures/bad").join(name);
    let _ = std::fs::remove_dir_all(project.path().join("raw"));
    let _ = std::fs::remove_dir_all(project.path().join("raw_lake"));
    project.write(&format!("raw/{name}"), &std::fs::read(path).expect("a fixture"));
    let ran = project.rebound(&["run", "pipelines/raw.yaml"]);
    assert!(!ran.err.contains("panicked"), "{name}: {ran:?}");
    if ran.code != 0 {
        let said = ran.err.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
        return format!("exit {}: {}\n", ran.code, said.join(" | "));
    }
    let sql = |query: &str| {
        let ran = project.rebound(&["sql", query, "--format", "csv", "--lake", "raw_lake"]).ok();
        ran.out.lines().skip(1).map(|l| l.trim_matches('"').to_owned()).collect::<Vec<_>>()
    };
    let records = sql(
        "select 'line ' || source_row || ': ' || fob_value || ' as ' || product_code || ' to ' || \
         coalesce(destination, 'nowhere') || ' in ' || year || coalesce('-' || month, '') from customs.records \
         order by source_row limit 20",
    );
    let rejects = sql(
        "select 'line ' || source_row || ': ' || reason || ' in ' || column_name || ': ' || found || ', value ' || \
         fob_value from customs.rejects order by source_row limit 20",
    );
    // Nothing is lost: what came in is what is kept and what was refused.
    let lost = sql(
        "select count(*) from customs.reconciliation where n_entries <> n_records + n_excluded + n_rejected + n_empty \
         or value_in <> value_records + value_excluded + value_rejected",
    );
    assert_eq!(lost, ["0"], "{name}");
    let counts =
        sql("select sum(n_entries) || ' entries, ' || sum(value_in) from customs.reconciliation");
    let mut text = format!("{}\n", counts.join(""));
    for (kind, lines) in [("record", records), ("reject", rejects)] {
        for line in lines {
            writeln!(text, "{kind} {line}").expect("memory");
        }
    }
    text
}

/// A project that reads `raw/*` as `china_2000_2001`.
fn project() -> Project {
    let project = Project::new();
    let pipeline = "name: raw\nconfig: [../config/default.yaml, raw_config.yaml]\nlake: ../raw_lake\nsources:\n  \
         - {layout: ../config/layouts/china_2000_2001.yaml, files: [../raw/*], exclude: []}\nproximity: null\n\
         sql: none\nchecks: none\nstages: [ingest]\n";
    project.write("pipelines/raw.yaml", pipeline.as_bytes());
    project.write("pipelines/raw_config.yaml", b"ingest: {max_rejected_share: 1.0}\n");
    project.write("pipelines/none/README", b"");
    project
}

#[test]
fn every_bad_file_has_its_outcome() {
    let project = project();
    let folder = root().join("tests/fixtures/bad");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".txt") && !name.ends_with(".md"))
        .collect();
    names.sort();
    let mut found = String::new();
    for name in names {
        write!(found, "# {name}\n{}\n", outcome(&project, &name)).expect("memory");
    }
    let path = folder.join("expected.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &found).expect("writable");
    }
    let expected = std::fs::read_to_string(&path).expect("expected.txt");
    for (found, expected) in found.split("# ").zip(expected.split("# ")) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn file_that_changes_while_it_is_read_keeps_nothing() {
    let project = project();
    let mut text = String::from(
        "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n",
    );
    let row = "200001,0,4403161234,A,6,85171100,502,7,1,10\n";
    text.push_str(&row.repeat(1_500_000));
    project.write("raw/a.csv", text.as_bytes());
    let run = ["run", "pipelines/raw.yaml"];
    let mut command = project.command();
    let started = command.args(run).stderr(std::process::Stdio::piped()).spawn().expect("it runs");
    let records = project.path().join("raw_lake/tables/customs.records");
    while !records.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(project.path().join("raw/a.csv"))
        .expect("it");
    file.write_all(row.as_bytes()).expect("written");
    drop(file);
    let ran: Ran = started.wait_with_output().expect("it ends").into();
    ran.fails(2, "`raw/a.csv` changed while the run read it: nothing was kept");
    assert!(!project.path().join("raw_lake/catalog.json").exists());
    project.rebound(&run).ok();
}
