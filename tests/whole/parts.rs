//! `aggregate.parts` and `aggregate.counts`: what is made has the same rows whatever else is made beside it.

use crate::support::Project;
use crate::synth::nation;
use std::collections::BTreeMap;

const CELLS: &str = "select year, region_code, product, fob_value, n_records from trade.region_product_year order by 1, 2, 3";

/// The bytes of the published files of `table`, by name.
fn bytes(project: &Project, table: &str) -> BTreeMap<String, Vec<u8>> {
    let of_table = format!("/{table}/");
    let files = project.published_bytes().into_iter().filter(|(path, _)| path.contains(&of_table));
    files
        .map(|(path, bytes)| (path.rsplit('/').next().unwrap_or_default().to_owned(), bytes))
        .collect()
}

#[test]
fn a_part_is_the_same_whatever_else_is_made() {
    let size = [
        "--rows",
        "20000",
        "--regions",
        "12",
        "--products",
        "40",
        "--dirt",
        "0.02",
        "--to",
        "2009",
    ];
    let project = nation("china_2007_2011", &size, "ingest, aggregate");
    let run = |aggregate: &str, options: &[&str]| {
        let config = format!("ingest: {{max_rejected_share: 0.05}}\naggregate: {{{aggregate}}}\n");
        project.write("pipelines/made_config.yaml", config.as_bytes());
        project.rebound(&[&["run", "pipelines/made.yaml"], options].concat()).ok();
    };
    let part = |name: &str| format!("trade.region_product_year_{name}");
    run("firms: true, months: true", &[]);
    let names = ["destination", "ownership", "trade_mode", "ownership_trade_mode", "firm"];
    let whole: BTreeMap<&str, _> =
        names.iter().map(|name| (*name, bytes(&project, &part(name)))).collect();
    let months = bytes(&project, "trade.region_product_month");
    let years = bytes(&project, "trade.region_year");
    let cells = project.sql(CELLS);
    assert!(whole.values().all(|files| files.len() > 1), "files of years");
    assert!(cells.len() > 400, "{}", cells.len());

    let counts =
        "select count(n_destinations) > 0, count(n_firms) > 0 from trade.region_product_year";
    for (aggregate, made, counted) in [
        ("parts: [ownership_trade_mode], counts: []", &["ownership_trade_mode"][..], "false,false"),
        ("parts: [], counts: [destinations], months: true", &[], "true,false"),
        (
            "parts: [trade_mode, ownership], counts: [firms]",
            &["ownership", "trade_mode"],
            "false,true",
        ),
        ("parts: [destination], counts: [], firms: true", &["destination", "firm"], "false,false"),
    ] {
        for options in [&["--threads", "1"][..], &["--threads", "3"], &["--no-records"]] {
            let _ = std::fs::remove_dir_all(
                project.path().join("lake/tables/trade.region_product_year"),
            );
            run(aggregate, options);
            assert_eq!(project.sql(CELLS), cells, "{aggregate}");
            assert_eq!(project.sql(counts), [counted], "{aggregate}");
            assert!(bytes(&project, "trade.region_year") == years, "{aggregate}");
            let is_empty =
                |table: &str| project.sql(&format!("select count(*) from {table}")) == ["0"];
            for (name, files) in &whole {
                let table = part(name);
                let is_right = if made.contains(name) {
                    bytes(&project, &table) == *files
                } else {
                    is_empty(&table)
                };
                assert!(is_right, "{aggregate}: {name}");
            }
            let table = "trade.region_product_month";
            let has_months = aggregate.contains("months");
            assert!(if has_months { bytes(&project, table) == months } else { is_empty(table) });
        }
    }
}

#[test]
fn records_whose_codes_are_split_are_split_one_by_one() {
    let project = Project::new();
    let pipeline = "name: split\nconfig: [../config/default.yaml, split_config.yaml]\nlake: ../lake\nsources:\n  - \
         {layout: ../config/layouts/australia_state_ahecc8.yaml, files: ['../samples/australia/state_exports_ahecc8_*.csv.gz'], \
         exclude: []}\nproximity: null\nsql: none\nchecks: none\nstages: [ingest, aggregate]\n";
    project.write("pipelines/split.yaml", pipeline.as_bytes());
    project.write("pipelines/none/README", b"");
    let run = |aggregate: &str| {
        let config = format!("harmonize: {{method: weights}}\naggregate: {{{aggregate}}}\n");
        project.write("pipelines/split_config.yaml", config.as_bytes());
        project.rebound(&["run", "pipelines/split.yaml"]).ok();
        project.sql(CELLS)
    };
    let cells = run("counts: [destinations, firms]");
    assert_eq!(
        project.sql("select count(*) > 0 from trade.conversion where kind like 'split%'"),
        ["true"]
    );
    assert!(run("parts: [], counts: []") == cells);
}

#[test]
fn what_is_no_part_says_so() {
    let project = Project::new();
    for (text, says) in [
        ("parts: [owner]", "aggregate.parts"),
        ("parts: [destination, destination]", "\"destination\" is there twice"),
        ("counts: [products]", "expected one of destinations, firms"),
    ] {
        project.write("config/parts.yaml", format!("aggregate: {{{text}}}\n").as_bytes());
        project.edit(
            "pipelines/australia.yaml",
            "  - ../config/australia.yaml\n",
            "  - ../config/australia.yaml\n  - ../config/parts.yaml\n",
        );
        project.rebound(&["plan", "pipelines/australia.yaml"]).fails(2, says);
        project.edit("pipelines/australia.yaml", "  - ../config/parts.yaml\n", "");
    }
}
