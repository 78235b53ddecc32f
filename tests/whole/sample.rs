//! The main job on the shipped sample, as a user runs it.

use crate::support::{Project, root};
use std::collections::BTreeMap;
use std::io::Read;

/// Sums of the raw files by state column and year, read without any of our code. Values are whole numbers
/// below 2^53, so a float holds each exactly.
fn raw_sums() -> BTreeMap<(String, i32), i128> {
    let mut sums = BTreeMap::new();
    for year in 2005..=2014 {
        let path = root().join(format!("samples/australia/state_exports_ahecc8_{year}.csv.gz"));
        let mut text = String::new();
        let packed = std::fs::File::open(path).expect("a sample");
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("gzip");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        for row in reader.records() {
            let row = row.expect("a row");
            for (name, value) in header.iter().zip(&row).skip(4) {
                let value: f64 = value.parse().expect("a number");
                assert!(value.fract().abs() < f64::EPSILON);
                #[expect(clippy::cast_possible_truncation, reason = "whole, below 2^53")]
                let value = value as i128;
                *sums.entry((name.to_uppercase(), year)).or_default() += value;
            }
        }
    }
    sums
}

#[test]
fn money_is_divided_as_doubles_are() {
    let project = Project::published();
    let rows = project.sql(
        "select base_value, trough_value, ln(trough_value / base_value), base_value / 1000000000 \
         from resilience.region_product where base_value > 0 and trough_value > 0",
    );
    assert!(rows.len() > 100);
    for row in rows {
        let cells: Vec<f64> = row.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let [base, trough, logarithm, billions] = cells[..] else { panic!("{row}") };
        let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-15 * expected.abs();
        assert!(near(logarithm, (trough / base).ln()), "{row}");
        assert!(near(billions, base / 1e9), "{row}");
    }
}

#[test]
fn totals_are_those_of_the_raw_files_to_the_last_unit() {
    let project = Project::published();
    let expected: Vec<String> =
        raw_sums().iter().map(|((state, year), sum)| format!("{state},{year},{sum}.00")).collect();
    let found = project.sql(
        "select region_code, year, sum(fob_value) from customs.records \
         group by region_code, year order by region_code, year",
    );
    assert_eq!(found, expected);

    // What is analysed is that less what the named rules exclude.
    let found = project.sql(
        "select sum(r.value_in) - sum(r.value_excluded) - sum(r.value_rejected) \
         - (select sum(fob_value) from trade.region_product_year) from customs.reconciliation r",
    );
    assert_eq!(found, ["0.00"]);
    let total: i128 = raw_sums().values().sum();
    assert_eq!(
        project.sql("select sum(value_in) from customs.reconciliation"),
        [format!("{total}.00")]
    );
    let reconciled = project.rebound(&["reconcile"]).ok();
    assert!(reconciled.out.contains("exact: in every file"), "{}", reconciled.out);
    assert!(reconciled.out.contains("re_exports"));
}

#[test]
fn core_window_needs_no_conversion() {
    let project = Project::new();
    let of = |method: &str| {
        project.run().ok();
        let kinds = project.sql(
            "select distinct kind from trade.conversion where year between 2007 and 2011 order by kind",
        );
        assert_eq!(kinds, ["same_revision", "unlisted"], "{method}");
    };
    of("one_to_one");
    // Chapter 98 is all that the revision does not list.
    let unlisted =
        project.sql("select distinct hs2 from trade.product where not is_listed order by hs2");
    assert_eq!(unlisted.last().map(String::as_str), Some("98"));
    project.edit("config/default.yaml", "  method: one_to_one", "  method: weights");
    of("weights");
}

#[test]
fn every_method_keeps_every_cent() {
    let project = Project::published();
    let total = "select sum(fob_value) from trade.region_product_year";
    let by_year =
        "select year, region_code, fob_value from trade.region_year order by year, region_code";
    let (expected, expected_by_year) = (project.sql(total), project.sql(by_year));
    for (from, to) in [("one_to_one", "families"), ("families", "weights")] {
        project.edit(
            "config/default.yaml",
            &format!("  method: {from}"),
            &format!("  method: {to}"),
        );
        project.run().ok();
        assert_eq!(project.sql(total), expected, "{to}");
        assert_eq!(project.sql(by_year), expected_by_year, "{to}");
    }
}

#[test]
fn a_run_draws_the_report_that_its_pipeline_asks_for() {
    let project = Project::new();
    project.edit("pipelines/australia.yaml", "lake: ../lake", "lake: ../lake\nreport: ../drawn");
    let page = project.path().join("drawn/report.html");
    let first = project.run().ok();
    assert!(first.out.contains("drew"), "{}", first.out);
    let drawn = std::fs::read(&page).expect("a page");
    assert!(project.path().join("drawn/figures").is_dir());
    assert!(!project.run().ok().out.contains("drew"), "nothing was published");
    std::fs::remove_file(&page).expect("removed");
    project.run().ok();
    assert_eq!(std::fs::read(&page).expect("drawn again"), drawn);
    std::fs::remove_file(&page).expect("removed");
    std::fs::create_dir(&page).expect("in its way");
    let failed = project.run().fails(2, "the tables are published, but the report");
    assert!(failed.out.contains("nothing to do"), "{}", failed.out);
}

#[test]
fn second_run_does_nothing_and_one_parameter_rebuilds_what_depends_on_it() {
    let project = Project::new();
    let first = project.run().ok();
    assert!(first.out.contains("published"), "{}", first.out);
    let again = project.run().ok();
    assert!(again.out.starts_with("nothing to do: everything is up to date"), "{}", again.out);

    project.edit("config/default.yaml", "  diagonal: excluded", "  diagonal: included");
    let plan = project.rebound(&["plan", "pipelines/australia.yaml"]).ok();
    let line = |stage: &str| {
        let line = plan.out.lines().find(|l| l.split_whitespace().nth(1) == Some(stage));
        line.unwrap_or_default().to_owned()
    };
    for stage in ["ingest", "aggregate", "diversification", "resilience"] {
        assert!(line(stage).starts_with("reuse"), "{}", plan.out);
    }
    assert!(
        line("relatedness")
            .contains("config changed: relatedness.diagonal \"excluded\" -> \"included\""),
        "{}",
        plan.out
    );
    assert!(line("panel.region_product").contains("space.region_product_year"));
    assert!(plan.out.contains("6 of 14 to build"), "{}", plan.out);
    let ran = project.run().ok();
    assert!(ran.out.contains("published"), "{}", ran.out);

    // Back again: the old versions are still there.
    project.edit("config/default.yaml", "  diagonal: included", "  diagonal: excluded");
    let plan = project.rebound(&["plan", "pipelines/australia.yaml"]).ok();
    assert!(plan.out.contains("nothing to build; a run publishes 13 tables"), "{}", plan.out);
    let back = project.run().ok();
    assert!(back.out.contains("published 66 tables"), "{}", back.out);
}

#[test]
fn single_stages_run_and_stale_tables_are_not_mixed_with_new_ones() {
    let project = Project::new();
    let run =
        |select: &str| project.rebound(&["run", "pipelines/australia.yaml", "--select", select]);
    run("relatedness").fails(2, "`relatedness` needs `trade.region_product_year`");
    run("ingest").ok();
    assert_eq!(project.sql("select count(*) from customs.reconciliation"), ["10"]);
    run("+relatedness").ok();
    let tables = project.rebound(&["tables"]).ok();
    assert!(tables.out.contains("space.region_year") && !tables.out.contains("panel."));
    run("relatednes").fails(2, "did you mean `relatedness`?");
    run("+panels").ok();
    let before = project.sql("select sum(density) from panel.region_product");

    project.edit("config/default.yaml", "  diagonal: excluded", "  diagonal: included");
    let held = run("relatedness").ok();
    assert!(held.out.contains("made but not published: panel.region"), "{}", held.out);
    assert_eq!(project.sql("select sum(density) from panel.region_product"), before);
    run("relatedness+").ok();
    assert_ne!(project.sql("select sum(density) from panel.region_product"), before);
    // Specialisations gained depend on the threshold too, and they do not follow from relatedness.
    project.edit("config/default.yaml", "  rca_threshold: 1.0", "  rca_threshold: 2.0");
    run("relatedness+").fails(2, "`spatial` needs `resilience.episode`");
    run("+panels").ok();
    let runs = project.rebound(&["runs"]).ok();
    assert!(runs.out.contains("held") && runs.out.contains("<- published"), "{}", runs.out);
}

#[test]
fn failing_check_stops_publication_and_shows_the_rows() {
    let project = Project::published();
    let before = project.published_bytes();
    project.write(
        "pipelines/checks/trade.region__no_tasmania.sql",
        b"select region_code, region_name from trade.region where region_code = 'TAS'",
    );
    project.edit("config/default.yaml", "  diagonal: excluded", "  diagonal: included");
    let failed = project.run().fails(3, "1 data check failed; nothing was published");
    assert!(failed.err.contains("trade.region__no_tasmania.sql: 1 row"), "{}", failed.err);
    assert!(failed.err.contains("| TAS         | Tasmania    |"), "{}", failed.err);
    assert!(project.published_bytes() == before, "other bytes");
    assert!(project.rebound(&["runs"]).ok().out.contains("check_failed"));
}

#[test]
fn garbage_goes_and_what_is_published_stays() {
    let project = Project::published();
    project.edit("config/default.yaml", "  diagonal: excluded", "  diagonal: included");
    project.run().ok();
    let before = project.published_bytes();
    let freed = project.rebound(&["gc", "--keep", "2"]).ok();
    assert!(freed.out.contains("in 0 versions"), "{}", freed.out);
    let freed = project.rebound(&["gc", "--keep", "1"]).ok();
    assert!(freed.out.contains("in 13 versions"), "{}", freed.out);
    let freed = project.rebound(&["gc", "--keep", "0"]).ok();
    assert!(freed.out.contains("in 0 versions"), "{}", freed.out);
    assert!(project.published_bytes() == before, "other bytes");
    assert_eq!(project.sql("select count(*) from panel.region"), ["16"]);
}

#[test]
fn resilience_equals_an_independent_formulation_in_sql() {
    let project = Project::published();
    // Martin et al. (2016) from the published sums, by a query that shares nothing with the code.
    let found = project.sql(
        "with x as (
             select region_code,
                 sum(case when year = 2008 then cast(fob_value as double) end) as x0,
                 sum(case when year = 2009 then cast(fob_value as double) end) as x1,
                 sum(case when year = 2011 then cast(fob_value as double) end) as x2
             from trade.region_year group by region_code
         ),
         n as (select sum(x1) / sum(x0) - 1 as g1, sum(x2) / sum(x1) - 1 as g2 from x)
         select count(*) from x cross join n
         join resilience.region r on r.region_code = x.region_code
             and r.episode = 'crisis_2008' and r.benchmark = 'aggregate'
         where abs(r.resistance - ((x1 - x0) - g1 * x0) / abs(g1 * x0)) < 1e-9
             and abs(r.recovery - ((x2 - x1) - g2 * x1) / abs(g2 * x1)) < 1e-9",
    );
    assert_eq!(found, ["8"]);
    let found = project.sql(
        "with s as (
             select p.year, p.region_code, p.product,
                 cast(p.fob_value as double) / cast(t.fob_value as double) as share
             from trade.region_product_year p
             join trade.region_year t on t.year = p.year and t.region_code = p.region_code
         ),
         m as (
             select coalesce(a.region_code, b.region_code) as region_code,
                 sum(abs(coalesce(b.share, 0) - coalesce(a.share, 0))) / 2 as michaely
             from (select * from s where year = 2008) a
             full join (select * from s where year = 2011) b
                 on a.region_code = b.region_code and a.product = b.product
             group by 1
         )
         select count(*) from m join resilience.transformation t
             on t.region_code = m.region_code and t.episode = 'crisis_2008'
         where abs(t.michaely - m.michaely) < 1e-9",
    );
    assert_eq!(found, ["8"]);
}

#[test]
fn the_panel_has_what_paths_are_made_of_against_all_regions() {
    let project = Project::published();
    // From the paths, by a query that shares nothing with the code.
    let found = project.sql(
        "with x as (
             select r.episode, r.region_code, r.period, e.\"end\", r.value, r.expected_value,
                 r.expected_value - r.value as gap
             from resilience.region_period r join resilience.episode e on e.episode = r.episode
             where r.benchmark = 'aggregate' and r.expected_value is not null and r.period <= e.\"end\"
         ),
         s as (
             select episode, region_code,
                 sum(case when gap > 0 then gap else 0 end) / sum(expected_value) as loss,
                 max(case when period = \"end\" then value / expected_value - 1 end) as at_end,
                 max(gap) as largest
             from x group by episode, region_code
         )
         select count(*) from s
         join x on x.episode = s.episode and x.region_code = s.region_code and x.gap = s.largest
         join panel.region p on p.episode = s.episode and p.region_code = s.region_code
         where abs(p.gross_loss_share - s.loss) < 1e-9 and abs(p.end_relative - s.at_end) < 1e-9
             and abs(p.largest_gap_relative - s.largest / x.expected_value) < 1e-9
             and p.gaps_null_reason is null",
    );
    assert_eq!(found, ["16"]);
    let other = project.sql(
        "select count(*) from panel.region p
         join resilience.component c on c.episode = p.episode and c.region_code = p.region_code and c.benchmark = 'aggregate'
         where (p.rri is not distinct from c.rri) and (p.composite is not distinct from c.composite)
             and (p.n_periods_to_recover_expected is not distinct from c.n_periods_to_recover)
             and (p.n_periods_to_recover_expected is null) = (p.recover_expected_null_reason is not null)
             and (p.rri is null) = (p.rri_null_reason is not null)
             and (p.composite is null) = (p.composite_null_reason is not null)",
    );
    assert_eq!(other, ["16"]);
}

#[test]
fn rows_come_in_every_form() {
    let project = Project::published();
    let query =
        "select region_code, resistance from panel.region where episode = 'crisis_2008' order by 1";
    let json = project.rebound(&["sql", query, "--format", "json"]).ok();
    let rows: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(8));
    let lines = project.rebound(&["sql", query, "--format", "jsonl"]).ok().out;
    let objects: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Some(&objects), rows.as_array());
    let markdown = project.rebound(&["sql", query, "--format", "markdown"]).ok().out;
    assert!(markdown.starts_with("| region_code | resistance |\n| --- | ---: |\n| "), "{markdown}");
    project.rebound(&["sql", query, "-o", "out.tsv"]).ok();
    let separated = std::fs::read_to_string(project.path().join("out.tsv")).expect("written");
    assert!(separated.starts_with("region_code\tresistance\n"), "{separated}");
    // Lists and structs are JSON in cells; null is an empty cell.
    let nested = "select make_array(1, 2) as l, named_struct('a', 'x,y') as s, null as n";
    let nested = project.rebound(&["sql", nested, "--format", "csv"]).ok().out;
    assert_eq!(nested, "l,s,n\n\"[1,2]\",\"{\"\"a\"\":\"\"x,y\"\"}\",\n");
    for (format, magic) in [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1")] {
        let file = format!("out.{format}");
        project.rebound(&["sql", query, "--format", format, "-o", &file]).ok();
        let bytes = std::fs::read(project.path().join(file)).expect("written");
        assert!(bytes.starts_with(magic));
    }
    project.write("q.sql", b"select count(*) as n from trade.region");
    let table = project.rebound(&["sql", "-f", "q.sql"]).ok();
    assert!(table.out.contains("| 8 |") && table.out.contains("(1 row)"), "{}", table.out);
    let described = project.rebound(&["describe", "resilience.region"]).ok();
    assert!(described.out.contains("key: episode, benchmark, region_code"));
    assert!(described.out.contains("sensitivity") && !described.out.contains("products: "));
    let products = |arguments: &[&str], expected: &str| {
        let told = project.rebound(arguments).ok();
        assert!(told.out.contains(expected), "{}", told.out);
    };
    products(&["tables"], "HS (HS2007)");
    products(&["describe", "space.product_year"], "\nproducts: HS (HS2007)\n");
    products(&["describe", "customs.records"], "\nproducts: HS (column hs_revision)\n");
    let alone = project.rebound(&["describe", "space.product_year", "--lake", "elsewhere"]).ok();
    assert!(alone.out.contains("ubiquity") && !alone.out.contains("products: "));
    project
        .rebound(&["sql", "select 1 from panel.regions"])
        .fails(2, "did you mean `panel.region`?");
    project.rebound(&["sql", "drop table panel.region"]).fails(2, "not supported");
    project.rebound(&["sql", "select nothing from panel.region"]).fails(2, "nothing");
    project.rebound(&["describe", "panel.regin"]).fails(2, "did you mean `panel.region`?");
    project.rebound(&["tables", "--lake", "elsewhere"]).fails(2, "no lake in `elsewhere`");
}

#[test]
fn a_table_is_summarized() {
    let project = Project::published();
    let told = project.rebound(&["describe", "panel.region", "--summary"]).ok().out;
    assert!(told.starts_with("panel.region: 16 rows\n\ncolumn "), "{told}");
    let json = |more: &[&str]| -> serde_json::Value {
        let arguments = ["describe", "panel.region", "--summary", "--format", "json"];
        let ran = project.rebound(&[&arguments[..], more].concat()).ok();
        serde_json::from_str(&ran.out).expect("JSON")
    };
    let found = json(&[]);
    assert_eq!(found["n_rows"], 16);
    assert_eq!(found["is_approximate"], false);
    let column = |name: &str| {
        let all = found["columns"].as_array().expect("columns");
        all.iter().find(|column| column["name"] == name).expect(name).clone()
    };
    let region = column("region_code");
    assert_eq!(region["n_null"], 0);
    assert_eq!(region["n_distinct"], 8);
    assert_eq!(region["least"], "ACT");
    assert_eq!(region["greatest"], "WA");
    // Of as many, the first: each state stands in two episodes.
    assert_eq!(region["most_frequent"][0], serde_json::json!({"value": "ACT", "n_rows": 2}));
    let of_sql = project
        .sql("select min(resistance), avg(resistance), median(resistance) from panel.region");
    let resistance = column("resistance");
    let numbers: Vec<f64> = of_sql[0].split(',').map(|n| n.parse().expect("a number")).collect();
    for (name, number) in ["least", "mean", "median"].iter().zip(numbers) {
        let found = resistance[name].as_f64().expect("a number");
        assert!((found - number).abs() <= 1e-12 * number.abs(), "{name}: {found} for {number}");
    }
    assert_eq!(json(&["--run", "published"]), found);
    project.rebound(&["describe", "meta.run", "--summary"]).ok();
    project
        .rebound(&["describe", "panel.regin", "--summary"])
        .fails(2, "did you mean `panel.region`?");
}

#[test]
fn user_adds_a_table_by_adding_a_file() {
    let project = Project::new();
    project.write(
        "pipelines/sql/panel.top_product.sql",
        b"-- about: the largest product of each state and year
-- key: year, region_code
select year, region_code, max(fob_value) as fob_value
from trade.region_product_year group by year, region_code order by year, region_code",
    );
    project.run().ok();
    assert_eq!(project.sql("select count(*) from panel.top_product"), ["80"]);
    let described = project.rebound(&["describe", "panel.top_product"]).ok();
    assert!(
        described.out.starts_with("panel.top_product: the largest product of each state and year")
    );

    project.edit("pipelines/sql/panel.top_product.sql", " order by year, region_code", "");
    let unordered = project.run();
    // Without an order the rows may still come sorted; with a wrong one they do not.
    assert!(unordered.code == 0 || unordered.err.contains("ascending order of its key"));
    project.edit(
        "pipelines/sql/panel.top_product.sql",
        "group by year, region_code",
        "group by year, region_code order by 2 desc",
    );
    project.run().fails(2, "ascending order of its key");
    project.edit(
        "pipelines/sql/panel.top_product.sql",
        "order by 2 desc",
        "order by year, region_code",
    );
    let value = "max(fob_value) as fob_value";
    let no_number = "cast(0 as double) / cast(min(year) - year as double) as fob_value";
    project.edit("pipelines/sql/panel.top_product.sql", value, no_number);
    project
        .run()
        .fails(
            2,
            "column `fob_value` of table `panel.top_product` has NaN at year 2005, region_code ",
        )
        .fails(2, "make it null");
    project.edit("pipelines/sql/panel.top_product.sql", no_number, value);
    project.edit(
        "pipelines/sql/panel.top_product.sql",
        "trade.region_product_year",
        "trade.region_product_yeer",
    );
    project.run().fails(2, "did you mean `trade.region_product_year`?");
}

#[test]
fn logs_are_json_and_quiet_is_quiet() {
    let project = Project::new();
    let ran = project.rebound(&["--log-format", "json", "run", "pipelines/australia.yaml"]).ok();
    let lines: Vec<serde_json::Value> =
        ran.err.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().any(|line| line["fields"]["message"] == "published"), "{}", ran.err);
    project.edit("config/default.yaml", "  diagonal: excluded", "  diagonal: included");
    let quiet = project.rebound(&["--quiet", "run", "pipelines/australia.yaml"]).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn lost_file_is_named_and_made_again() {
    let project = Project::published();
    let before = project.published_bytes();
    let (path, _) = before.iter().find(|(path, _)| path.contains("panel.region/")).expect("a file");
    std::fs::remove_file(project.path().join(path)).expect("removed");
    let asked = project.rebound(&["sql", "select count(*) from panel.region"]);
    asked
        .fails(1, "of table `panel.region` is gone")
        .fails(1, "`rebound run` makes the table again");
    project.run().ok();
    assert_eq!(project.sql("select count(*) from panel.region"), ["16"]);
}

/// Changes one bit of a published file.
fn damage(project: &Project, table: &str) -> std::path::PathBuf {
    damage_part(project, table, "")
}

/// Changes one bit of a published file whose name begins with `part`.
fn damage_part(project: &Project, table: &str, part: &str) -> std::path::PathBuf {
    let files = project.published_bytes();
    let (path, mut bytes) = files
        .into_iter()
        .find(|(path, _)| path.contains(table) && path.contains(&format!("/{part}")))
        .expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let path = project.path().join(path);
    std::fs::write(&path, bytes).expect("writable");
    path
}

#[test]
fn damage_is_said_and_made_again() {
    let project = Project::published();
    let before = project.published_bytes();
    for table in ["space.region_product_year/", "policy.rebate/"] {
        damage(&project, table);
    }
    let found = project
        .rebound(&["verify"])
        .fails(3, "2 damaged files in policy.rebate, space.region_product_year")
        .fails(3, "`rebound run` makes again: policy, relatedness");
    assert!(found.out.contains("of table `policy.rebate` is damaged: its "), "{}", found.out);
    project.rebound(&["verify", "panel.region"]).ok();
    project.rebound(&["verify", "panel.regio"]).fails(2, "did you mean `panel.region`?");
    project.run().ok();
    assert!(project.published_bytes() == before, "other bytes");
    project.rebound(&["verify"]).ok();
}

#[test]
fn nothing_is_made_from_what_is_damaged() {
    let project = Project::published();
    // One is read file by file, by a stage that is made anew, the other by SQL, of the base year.
    for table in ["trade.region_product_year/", "space.region_product_year/"] {
        damage_part(&project, table, "2008");
    }
    project.edit("config/default.yaml", "  min_base_value: 0", "  min_base_value: 5");
    let ran = project.run().ok();
    assert!(ran.err.contains("is damaged: its "), "{}", ran.err);
    assert!(ran.err.contains("it is made again now"), "{}", ran.err);
    let healed = project.published_bytes();
    project.rebound(&["verify"]).ok();
    let clean = Project::new();
    clean.edit("config/default.yaml", "  min_base_value: 0", "  min_base_value: 5");
    clean.run().ok();
    assert!(
        clean.published_bytes() == healed,
        "other bytes than those of a lake that was never damaged"
    );
}

#[test]
fn raw_files_that_look_the_same_are_not_read_through_again() {
    let project = Project::new();
    let plan = |options: &[&str]| {
        let arguments = ["plan", "pipelines/australia.yaml", "--select", "ingest"];
        project.rebound(&[&arguments, options].concat()).ok().out
    };
    // What changed in the last moments could change again at the same time.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    project.rebound(&["run", "pipelines/australia.yaml", "--select", "ingest"]).ok();
    let runs = std::fs::read_dir(project.path().join("lake/runs")).expect("runs");
    let record = runs.map(|run| run.expect("a run").path()).max().expect("a run");
    let text = std::fs::read_to_string(&record).expect("its record");
    let mut run: serde_json::Value = serde_json::from_str(&text).expect("its record");
    let files = run["files"].as_object_mut().expect("files");
    let (label, file) = files
        .iter_mut()
        .find(|(label, _)| label.contains("state_exports_ahecc8"))
        .expect("a raw file");
    let label = label.clone();
    assert!(plan(&[]).contains("nothing to do"));

    // With another hash in the record, only a reader of the file knows better. Records of before have neither number nor seal.
    file["hash"] = "0".repeat(32).into();
    let fields = run.as_object_mut().expect("fields");
    assert!(fields.remove("number").is_some() && fields.remove("seal").is_some());
    std::fs::write(&record, run.to_string()).expect("written");
    let found = plan(&[]);
    assert!(found.contains(&label) && !found.contains("nothing to do"), "{found}");
    assert!(plan(&["--rehash"]).contains("nothing to do"));

    // A file that was written again is read again, and is what it was.
    let raw = walk(project.path()).into_iter().find(|path| path.ends_with(&label)).expect("it");
    let bytes = std::fs::read(&raw).expect("its bytes");
    std::fs::write(&raw, &bytes).expect("written");
    assert!(plan(&[]).contains("nothing to do"));
}

/// All files of the samples.
fn walk(project: &std::path::Path) -> Vec<std::path::PathBuf> {
    let folder = project.join("samples/australia");
    let files = std::fs::read_dir(folder).expect("a folder");
    files.map(|file| file.expect("a file").path()).collect()
}

#[test]
fn comments_and_blank_lines_make_nothing_again() {
    let project = Project::published();
    let files = [
        ("config/default.yaml", "#"),
        ("config/layouts/australia_state_ahecc8.yaml", "#"),
        ("pipelines/australia.yaml", "#"),
        ("pipelines/models/density.yaml", "#"),
        ("pipelines/sql/panel.region.sql", "--"),
        ("pipelines/checks/trade.region_product_year__keeps_every_cent.sql", "--"),
    ];
    for (file, mark) in files {
        let path = project.path().join(file);
        let text = std::fs::read_to_string(&path).expect(file);
        std::fs::write(&path, format!("{text}\n\n{mark} said for people\n")).expect("writable");
    }
    let before = project.published_bytes();
    let again = project.run().ok();
    assert!(again.out.starts_with("nothing to do"), "{}", again.out);
    assert!(project.published_bytes() == before, "other bytes");
    // What such a line says to the program is no comment.
    let path = project.path().join("pipelines/sql/panel.region.sql");
    let text = std::fs::read_to_string(&path).expect("readable");
    std::fs::write(&path, format!("-- about: regions\n{text}")).expect("writable");
    let plan = project.rebound(&["plan", "pipelines/australia.yaml"]).ok();
    assert!(plan.out.contains("build   panel.region "), "{}", plan.out);
}
