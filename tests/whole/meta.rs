//! The tables of the schema `meta` and the lineage of columns, on the sample.

use crate::support::{Project, root};
use serde_json::Value;

#[test]
fn records_and_catalog_can_be_asked() {
    let project = Project::published();
    // Nothing is made; the record says so.
    project.run().ok();
    assert_eq!(
        project.sql(
            "select number, status, n_built > 0, n_reused > 0, seconds > 0, is_published \
             from meta.run order by number"
        ),
        ["1,published,true,false,true,true", "2,unchanged,false,true,true,false"]
    );
    let published = "from meta.table_version where is_published and run = \
                     (select run from meta.run where is_published)";
    assert_eq!(
        project.sql(&format!("select count(*) {published}")),
        project.sql("select count(distinct table_name) from meta.column")
    );
    assert_eq!(
        project.sql(&format!("select n_rows {published} and table_name = 'panel.region'")),
        project.sql("select count(*) from panel.region")
    );
    assert_eq!(
        project.sql(
            "select column_name, type, is_nullable, key_position from meta.column \
             where table_name = 'panel.region' and key_position is not null order by key_position"
        ),
        ["episode,text,false,1", "region_code,text,false,2"]
    );
    let of_raw = "source_file like '%state_exports_ahecc8_%'";
    assert_eq!(
        project.sql(&format!(
            "select count(distinct source_file), count(distinct hash) from meta.raw_file where {of_raw}"
        )),
        ["10,10"]
    );
    let value = "select distinct value from meta.config \
                 where stage = 'relatedness' and key like '%.rca_threshold'";
    assert_eq!(project.sql(value), ["1.0"]);
    assert_eq!(
        project.sql("select count(*) from meta.stage where run = (select max(run) from meta.run) and action = 'built'"),
        ["0"]
    );
    let catalog = std::fs::read(project.path().join("lake/catalog.json")).expect("published");
    let catalog: Value = serde_json::from_slice(&catalog).expect("JSON");
    let n_checks = catalog["checks"].as_object().expect("checks").len();
    assert_eq!(
        project.sql(
            "select count(*) from meta.check_result c join meta.run r on r.run = c.run and r.is_published"
        ),
        [n_checks.to_string()]
    );

    // They are no tables of the lake, and nobody else sees them.
    assert!(!project.rebound(&["tables"]).ok().out.contains("meta."));
    assert_eq!(
        project.sql("select count(*) from information_schema.tables where table_schema = 'meta'"),
        ["0"]
    );
    assert!(!project.path().join("lake/tables/meta.run").exists());
    let described = project.rebound(&["describe", "meta.run"]).ok().out;
    assert!(described.contains("meta.run: one run\nkey: run"), "{described}");
    let listed = project.rebound(&["describe", "meta"]).ok().out;
    assert!(listed.contains("meta.lineage"), "{listed}");
    project.rebound(&["sql", "select * from meta.runs"]).fails(2, "did you mean `meta.run`?");
    project.rebound(&["describe", "meta.runs"]).fails(2, "did you mean `meta.run`?");
}

#[test]
fn lineage_goes_from_panels_to_records() {
    let project = Project::published();
    let from = |table: &str, column: &str| {
        project.sql(&format!(
            "select from_table, from_column from meta.lineage \
             where table_name = '{table}' and column_name = '{column}' and not is_condition order by 1, 2"
        ))
    };
    let ownership = "trade.region_product_year_ownership";
    assert_eq!(
        from("panel.region", "foreign_share"),
        [format!("{ownership},fob_value"), format!("{ownership},ownership")]
    );
    assert_eq!(from("panel.region", "resistance_mix"), ["resilience.region,resistance"]);
    // Made year by year, and planned without a year.
    assert_eq!(from("panel.region_product_year", "region_code"), ["panel.pair,region_code"]);
    assert_eq!(from("trade.region_product_year", "year"), ["customs.records,year"]);
    let stage = "select from_column is null, is_condition from meta.lineage where table_name = 'trade.region_product_year' \
                 and column_name is null and from_table = 'customs.records'";
    assert_eq!(project.sql(stage), ["true,false"]);

    let pipeline = "pipelines/australia.yaml";
    let lineage = |name: &str| project.rebound(&["lineage", pipeline, name]);
    let tree = lineage("panel.region.foreign_share").ok().out;
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "panel.region.foreign_share (SQL)",
            format!("├─ {ownership}.fob_value (aggregate)").as_str(),
            "│  └─ customs.records (ingest)",
        ]
    );
    assert!(lines[lines.len() - 1].starts_with("└─ rows by "), "{tree}");
    assert!(tree.contains("resilience.region.benchmark"), "{tree}");

    // The pipeline's texts and the records of its run say the same.
    let told = project.rebound(&["lineage", pipeline, "panel.region", "--format", "json"]).ok().out;
    let steps: Vec<Value> = serde_json::from_str(&told).expect("JSON");
    let n = steps.iter().filter(|step| step["table"] == "panel.region").count();
    assert_eq!(
        project.sql("select count(*) from meta.lineage where table_name = 'panel.region'"),
        [n.to_string()]
    );
    assert!(steps.iter().any(|step| step["from_table"] == "customs.records"), "{told}");

    lineage("panel.regions").fails(2, "no table `panel.regions` (did you mean `panel.region`?)");
    lineage("panel.region.foreign_shares").fails(2, "(did you mean `foreign_share`?)");
    // It needs no lake.
    std::fs::remove_dir_all(project.path().join("lake")).expect("removed");
    assert_eq!(lineage("panel.region.foreign_share").ok().out, tree);
}

#[test]
fn every_table_and_column_of_meta_is_in_its_document() {
    let text = std::fs::read_to_string(root().join("docs/meta.md")).expect("docs/meta.md");
    for contract in lake::meta::contracts() {
        let head = format!("| `{}` |", contract.table);
        let line = text.lines().find(|line| line.starts_with(&head));
        let line = line.unwrap_or_else(|| panic!("no line of `{}`", contract.table));
        for column in &contract.columns {
            assert!(line.contains(&format!("`{}`", column.name)), "{}: {}", line, column.name);
        }
    }
}
