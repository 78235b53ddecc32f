//! Bad files and bad configs: what is said, and that nothing is lost.

use crate::support::Project;

/// One edit of the sample project, and what the run says then.
#[track_caller]
fn check(file: &str, from: &str, to: &str, expected: &[&str]) {
    let project = Project::new();
    project.edit(file, from, to);
    let mut ran = project.run();
    for text in expected {
        ran = ran.fails(2, text);
    }
}

const LAYOUT: &str = "config/layouts/australia_state_ahecc8.yaml";
const CONFIG: &str = "config/australia.yaml";
const DEFAULT: &str = "config/default.yaml";
const PIPELINE: &str = "pipelines/australia.yaml";

#[test]
fn unknown_keys_are_refused_with_file_line_and_the_keys_there_are() {
    check(
        CONFIG,
        "proximity_source",
        "proximity_sorce",
        &[
            "unknown key `relatedness.proximity_sorce` in `config/australia.yaml`, line 5: expected one of rca_rule",
            "(did you mean `proximity_source`?)",
        ],
    );
    check(
        PIPELINE,
        "\nsql: sql",
        "\nsqls: sql",
        &["pipelines/australia.yaml", "unknown key `sqls`", "(did you mean `sql`?)", "line"],
    );
    check(
        LAYOUT,
        "  digits: 8",
        "  digit: 8",
        &["australia_state_ahecc8.yaml", "unknown key `product.digit`", "(did you mean `digits`?)"],
    );
}

#[test]
fn missing_keys_and_senseless_values_are_refused() {
    check(
        DEFAULT,
        "  min_ubiquity: 1\n",
        "",
        &["missing key `relatedness.min_ubiquity`", "name config/default.yaml"],
    );
    check(
        DEFAULT,
        "rca_threshold: 1.0",
        "rca_threshold: high",
        &[
            "invalid `relatedness.rca_threshold` in `config/default.yaml`, line ",
            "\"high\": expected a number",
        ],
    );
    check(
        DEFAULT,
        "  measure: proximity",
        "  measure: closeness",
        &[
            "relatedness.measure",
            "unknown choice `closeness`: expected one of proximity, conditional, cosine",
        ],
    );
    check(
        CONFIG,
        "proximity_source: external",
        "measure: additions",
        &["relatedness.measure", "it needs `proximity_source: firms`"],
    );
    check(
        CONFIG,
        "proximity_source: external",
        "proximity_source: firms",
        &["relatedness.proximity_source: firms` needs `firms: true`"],
    );
    check(
        CONFIG,
        "proximity_source: external",
        "rca_reference: external",
        &["but there is no `reference` here"],
    );
    check(DEFAULT, "  ddof: 0", "  ddof: 2", &["invalid `complexity.ddof`", "2: expected 0 to 1"]);
    check(
        DEFAULT,
        "  diagonal: excluded",
        "  diagonal: out",
        &["expected one of excluded, included"],
    );
    check(
        "config/default.yaml",
        "method: one_to_one",
        "method: magic",
        &["harmonize.method", "expected one of one_to_one, families, weights"],
    );
    check(
        "config/default.yaml",
        "target_revision: HS2007",
        "target_revision: HS2008",
        &["unknown HS revision"],
    );
    check(CONFIG, "base: [2008]", "base: [2010]", &["trough 2009: expected a period after"]);
    check(
        CONFIG,
        "transformation: 2014",
        "transformation: 2044",
        &["episode crisis_2008_long: year 2044 is not in the data, which has 2005 to 2014"],
    );
    check(
        CONFIG,
        "transformation: 2014",
        "transformation: 2014Q5",
        &[
            "invalid `resilience.episodes[1].transformation` in `config/australia.yaml`, line ",
            "\"2014Q5\" is no period",
        ],
    );
    check(
        CONFIG,
        "end: 2010",
        "end: 2010-06",
        &["2010-06 is a month, the trough 2009 a year: expected periods of one length"],
    );
    check(
        CONFIG,
        "  episodes:",
        "  episodes:\n    - {name: m, base: [2008-06], trough: 2009-02, end: 2010-02}",
        &["aggregate.months", "the episode `m` needs `months: true`"],
    );
    check(
        CONFIG,
        "aggregate_loo, mix_loo, own_trend]",
        "reference]",
        &["a benchmark of the config is `reference`, but there is no `reference` here"],
    );
    check(
        "config/default.yaml",
        "  winsorized_share: 0.01",
        "  winsorized_share: 0.5",
        &["resilience.winsorized_share", "expected 0 or more and below 0.5"],
    );
    check(
        CONFIG,
        "region_benchmarks: [aggregate, mix, aggregate_loo, mix_loo, own_trend]",
        "region_benchmarks: [mix]",
        &["expected `aggregate` among them"],
    );
    check(
        PIPELINE,
        "exclude: [re_exports,",
        "exclude: [reexports,",
        &["unknown rule \"reexports\": the layout has re_exports"],
    );
    check(PIPELINE, "ahecc8_*.csv.gz", "ahecc9_*.csv.gz", &["no file matches `samples/australia/"]);
    check(
        PIPELINE,
        "[../samples/australia/state_exports_ahecc8_*.csv.gz]",
        "[]",
        &["sources[0].files", "expected at least one path, pattern or URL"],
    );
    check(
        PIPELINE,
        "weight}",
        "weights}",
        &["no column `weights`: the header has source, target, weight"],
    );
    check(PIPELINE, "stages: [ingest,", "stages: [ingestion,", &["unknown stage \"ingestion\""]);
    check(
        LAYOUT,
        "    column: [ahecc_8]",
        "    column: [hs8]",
        &["state_exports_ahecc8_2005.csv.gz", "expects hs8, the header has year, ahecc_8"],
    );
    check(LAYOUT, "encoding: utf-8", "encoding: utf-9", &["unknown encoding \"utf-9\""]);
    check(LAYOUT, "to: 2006, revision", "to: 2007, revision", &["2007-2011 overlaps 2002-2007"]);
}

#[test]
fn all_faults_of_all_config_files_are_told_together() {
    let project = Project::new();
    project.edit(DEFAULT, "  nearest: 50", "  nearest: many");
    project.edit(DEFAULT, "  seed: 1", "  seed: -1");
    project.edit(DEFAULT, "trough: 2009", "trough: {year: 2009}");
    let more =
        "policy: {step_to: yesterday, vat: 17}\nengine: [1]\nspatail: {}\ncleaning: {repeated: }\n";
    project.write("config/more.yaml", more.as_bytes());
    let files = "  - ../config/australia.yaml\n";
    project.edit(PIPELINE, files, &format!("{files}  - ../config/more.yaml\n"));
    let mut ran = project.run();
    for text in [
        "8 faults\n",
        "invalid `relatedness.nearest` in `config/default.yaml`, line ",
        "\"many\": expected a whole number of at least 0",
        "invalid `spatial.seed` in `config/default.yaml`, line ",
        "-1: expected a whole number of at least 0",
        "invalid `resilience.episodes[0].trough` in `config/default.yaml`, line ",
        "keys with values: expected a period: a year (2008), quarter (2008Q3) or month (2008-09)",
        "invalid `policy.vat` in `config/more.yaml`, line 1: 17: expected a fraction, above 0 and below 1",
        "invalid `policy.step_to` in `config/more.yaml`, line 1: \"yesterday\": expected a date, YYYY-MM-DD",
        "invalid `engine` in `config/more.yaml`, line 2: a list: expected keys with values",
        "invalid `cleaning.repeated` in `config/more.yaml`, line 4: nothing: expected a value",
        "unknown section `spatail` in `config/more.yaml`, line 3: expected one of ingest, harmonize",
        "(did you mean `spatial`?)",
    ] {
        ran = ran.fails(2, text);
    }
    for name in ["usize", "f64", "struct", "untagged", "NaiveDate", "variant"] {
        assert!(!ran.err.contains(name), "{}", ran.err);
    }
}

#[test]
fn all_faults_of_a_pipeline_its_config_and_models_are_told_together() {
    let project = Project::new();
    project.edit(PIPELINE, "exclude: [re_exports,", "exclude: [reexports,");
    project.edit(PIPELINE, "ahecc8_*.csv.gz", "ahecc9_*.csv.gz");
    project.edit(CONFIG, "proximity_source: external", "proximity_source: firms");
    project.edit("pipelines/models/density.yaml", "weights: base_value", "winsor: 2");
    let mut ran = project.run();
    for text in [
        "4 faults\n",
        "relatedness.proximity_source: firms` needs `firms: true`",
        "invalid `sources[0].exclude[0]` in `pipelines/australia.yaml`, line 12: unknown rule \"reexports\": the layout has re_exports",
        "(did you mean `re_exports`?)",
        "invalid `sources[0].files[0]` in `pipelines/australia.yaml`, line 9: no file matches `samples/australia/",
        "invalid `specifications[1].winsor` in `pipelines/models/density.yaml`, line 15: 2: expected a share from 0 to below 0.5",
    ] {
        ran = ran.fails(2, text);
    }
    let project = Project::new();
    project.edit(PIPELINE, "stages: [ingest,", "stages: [ingst,");
    project.edit(PIPELINE, "lake: ../lake\n", "");
    project.edit(PIPELINE, "hs_revision: HS1992", "hs_revision: HS1993");
    project.edit(PIPELINE, "{hs6: text, bec: text}", "{hs6: text, bec: txt}");
    project.edit(PIPELINE, "property: name}", "property: name, simplify: 3}");
    let mut ran = project.run();
    for text in [
        "5 faults\n",
        "invalid `stages[0]` in `pipelines/australia.yaml`, line ",
        "unknown stage \"ingst\": expected one of ingest, aggregate",
        "(did you mean `ingest`?)",
        "missing key `lake` in `pipelines/australia.yaml`: ",
        "invalid `proximity.hs_revision` in `pipelines/australia.yaml`, line ",
        "invalid `tables.product_classes.types.bec` in `pipelines/australia.yaml`, line ",
        "unknown choice `txt`: expected one of text, int, double, boolean, label (did you mean `text`?)",
        "unknown key `boundaries.simplify` in `pipelines/australia.yaml`, line ",
        "expected one of file, property, names",
    ] {
        ran = ran.fails(2, text);
    }
    for name in ["usize", "struct", "variant", "enum", "Option"] {
        assert!(!ran.err.contains(name), "{}", ran.err);
    }
}

#[test]
fn what_is_there_twice_is_refused() {
    let twice = "ingest: {max_row_mib: 3}\npolicy: {vat: 0.1}\ningest: {max_rejected_share: 0.5}\n";
    let project = Project::new();
    project.write("config/more.yaml", twice.as_bytes());
    let files = "  - ../config/australia.yaml\n";
    project.edit(PIPELINE, files, &format!("{files}  - ../config/more.yaml\n"));
    project.run().fails(2, "config/more.yaml").fails(2, "duplicate entry with key \"ingest\"");
    // A region that stands for two columns would take the values of both.
    check(
        LAYOUT,
        "NSW: NSW",
        "NSW: NSW\n    NSW: VIC",
        &["australia_state_ahecc8.yaml", "duplicate entry with key \"NSW\""],
    );
}

#[test]
fn damaged_files_are_named() {
    let file = "samples/australia/state_exports_ahecc8_2009.csv.gz";
    let project = Project::new();
    let whole = std::fs::read(project.path().join(file)).expect("a sample");
    project.write(file, &whole[..whole.len() / 2]);
    project.run().fails(2, "state_exports_ahecc8_2009.csv.gz").fails(2, "damaged or cut short");
    project.write(file, b"");
    project.run().fails(2, "it is empty: expected a header and rows");
    assert!(!project.path().join("lake/catalog.json").exists());
}

/// A long table of another country, with most kinds of dirt, read by a layout of its own.
const OTHER: &str = "name: other
config: [../config/default.yaml, other_config.yaml]
lake: ../other_lake
sources:
  - layout: other_layout.yaml
    files: [../raw/*.csv]
    exclude: [returns]
sql: no_sql
checks: checks
stages: [ingest, aggregate, diversification]
";

const OTHER_LAYOUT: &str = "name: other
format: csv
csv: {delimiter: ';', quote: '\"', encoding: gb18030, header: true}
fields:
  year: {column: [Date, date], characters: [1, 4]}
  month: {column: [Date, date], characters: [5, 6]}
  flow: {column: [Flow], map: {'0': export, '1': import}}
  region: {column: [City]}
  product: {column: [Code]}
  destination: {column: [Country]}
  trade_mode: {column: [Mode]}
  ownership: {column: [Type], map: {国有: state, 私营: private}}
  firm: {column: [Firm]}
  value: {column: [Value]}
product:
  digits: 8
  restore_leading_zero: true
  revisions: [{from: 2007, to: 2011, revision: HS2007}]
value: {currency: USD, decimal: '.', thousands: ',', multiplier: 1, negative: reject, zero: keep}
missing: ['', '-']
regions: {}
rules:
  - {name: returns, why: came back, destinations: [CN]}
";

const OTHER_ROWS: &str = "Date;Flow;City;Code;Country;Mode;Type;Firm;Value
200801;0;4403;85171200;US;10;国有;A;1,000.50
200801;0;4403;85171200;JP;14;私营;B;\"500\"
200802;0;4404;1019000;US;10;国有;A;200
200802;0;4404;85171200;CN;10;国有;A;50
200803;1;4404;85171200;US;10;国有;A;70
200813;0;4404;85171200;US;10;国有;A;7
200804;0;4404;85171200;US;10;外资;A;8
200804;0;4404;851;US;10;国有;A;9
200804;0;4404;85171200;US;10;国有;A;-10
200804;0;4404;85171200;US;10;国有;A;abc
200804;0;4404;85171200;US;10;国有
";

fn other() -> Project {
    let project = Project::new();
    project.write("pipelines/other.yaml", OTHER.as_bytes());
    project.write("pipelines/other_layout.yaml", OTHER_LAYOUT.as_bytes());
    project.write("pipelines/other_config.yaml", b"ingest: {max_rejected_share: 0.6}\n");
    for check in std::fs::read_dir(project.path().join("pipelines/checks")).expect("checks") {
        let path = check.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if !(name.starts_with("customs")
            || name.starts_with("trade")
            || name.starts_with("diversification"))
        {
            std::fs::remove_file(path).expect("removed");
        }
    }
    std::fs::create_dir(project.path().join("pipelines/no_sql")).expect("a folder");
    // The source is in another encoding.
    let bytes: Vec<u8> = {
        let mut bytes = Vec::new();
        for c in OTHER_ROWS.chars() {
            match c {
                '国' => bytes.extend([0xb9, 0xfa]),
                '有' => bytes.extend([0xd3, 0xd0]),
                '私' => bytes.extend([0xcb, 0xbd]),
                '营' => bytes.extend([0xd3, 0xaa]),
                '外' => bytes.extend([0xcd, 0xe2]),
                '资' => bytes.extend([0xd7, 0xca]),
                c => bytes.push(u8::try_from(c).expect("ASCII")),
            }
        }
        bytes
    };
    project.write("raw/a.csv", &bytes);
    project
}

#[test]
fn another_country_takes_one_yaml_file_and_loses_nothing() {
    let project = other();
    project.rebound(&["run", "pipelines/other.yaml"]).ok();
    let sql = |query: &str| project.sql_in("other_lake", query);
    assert_eq!(
        sql(
            "select n_rows, n_records, n_excluded, n_rejected, n_unreadable_values, value_in, value_records, \
             value_excluded, value_rejected from customs.reconciliation"
        ),
        ["11,4,1,6,2,1834.50,1770.50,50.00,14.00"]
    );
    assert_eq!(
        sql(
            "select source_row, reason, column_name, found, fob_value from customs.rejects order by source_row"
        ),
        [
            "7,invalid_month,Date,13,7.00",
            "8,unmapped_code,Type,外资,8.00",
            "9,invalid_product_code,Code,851,9.00",
            "10,negative_value,Value,-10.00,-10.00",
            "11,not_a_number,Value,abc,0.00",
            "12,column_count,,\"7 columns, expected 9\",0.00",
        ]
    );
    assert_eq!(
        sql("select raw_text from customs.rejects where source_row = 9"),
        ["200804;0;4404;851;US;10;国有;A;9"]
    );
    // Imports and returns are not exports; the leading zero is back.
    assert_eq!(
        sql(
            "select region_code, product, fob_value, n_destinations, n_firms from trade.region_product_year order by 1, 2"
        ),
        ["4403,851712,1500.50,2,2", "4404,010190,200.00,1,1"]
    );
    assert_eq!(
        sql(
            "select ownership, sum(fob_value) from trade.region_product_year_ownership group by 1 order by 1"
        ),
        ["private,500.00", "state,1200.50"]
    );
    assert_eq!(
        sql(
            "select trade_mode, value_share from trade.region_product_year_trade_mode where region_code = '4403' order by 1"
        ),
        ["10,0.6667777407530823", "14,0.3332222592469177"]
    );
}

#[test]
fn a_region_that_the_layout_does_not_name_is_counted() {
    let project = other();
    let layout = OTHER_LAYOUT.replace("regions: {}", "regions: {'4403': Shenzhen}");
    project.write("pipelines/other_layout.yaml", layout.as_bytes());
    project.rebound(&["run", "pipelines/other.yaml"]).ok();
    let sql = |query: &str| project.sql_in("other_lake", query);
    assert_eq!(
        sql("select field, raw_code, code, n_entries, fob_value from customs.unmapped"),
        ["region,4404,4404,3,320.00"]
    );
    assert_eq!(
        sql("select region_code, region_name from trade.region order by 1"),
        ["4403,Shenzhen", "4404,4404"]
    );
}

#[test]
fn a_sum_that_no_table_holds_names_region_product_and_year() {
    let project = other();
    let (header, _) = OTHER_ROWS.split_once('\n').expect("a header");
    let row = "200801;0;4403;85171200;US;10;;A;9999999999999999\n";
    let rows = format!("{header}\n{}", row.repeat(60));
    project.write("raw/a.csv", rows.as_bytes());
    project.write("raw/b.csv", rows.as_bytes());
    let place = "column `fob_value` of table `trade.region_product_year` has 1199999999999999880.00 at year 2008, \
                 region_code 4403, product 851712: expected less than 10^18";
    for config in [
        "aggregate: {months: true}\n",
        "aggregate: {firms: true, months: true}\nengine: {memory_mib: 1}\n",
    ] {
        project.write("pipelines/other_config.yaml", config.as_bytes());
        project.rebound(&["run", "pipelines/other.yaml"]).fails(2, place);
        project.rebound(&["run", "pipelines/other.yaml", "--no-records"]).fails(2, place);
    }
    // One file alone is too much for its account.
    let rows = format!("{header}\n{}", row.repeat(120));
    project.write("raw/a.csv", rows.as_bytes());
    project.rebound(&["run", "pipelines/other.yaml"]).fails(
        2,
        "column `value_in` of table `customs.reconciliation` has 1199999999999999880.00 at source_file raw/a.csv: ",
    );
}

#[test]
fn too_many_rejects_stop_the_run() {
    let project = other();
    project.write("pipelines/other_config.yaml", b"ingest: {max_rejected_share: 0.1}\n");
    let ran = project.rebound(&["run", "pipelines/other.yaml"]);
    ran.fails(3, "6 of 11 entries were rejected")
        .fails(3, "1 not_a_number")
        .fails(3, r#"line 7, Date \"13\": invalid_month"#);
}

#[test]
fn one_lake_holds_one_pipeline() {
    let project = other();
    project.run().ok();
    project
        .rebound(&["run", "pipelines/other.yaml", "--lake", "lake"])
        .fails(2, "the lake `lake` holds the tables of pipeline `australia`");
    project
        .rebound(&["run", "pipelines/other.yaml", "--lake", "ftp://b/x"])
        .fails(2, "unsupported lake");
}

#[test]
fn the_whole_config_is_printed_with_where_it_comes_from() {
    let project = Project::published();
    let printed = project.rebound(&["config", "pipelines/australia.yaml"]).ok().out;
    let line = |begin: &str| {
        let found = printed.lines().find(|line| line.trim_start().starts_with(begin));
        found.unwrap_or_else(|| panic!("{begin} in {printed}")).trim().to_owned()
    };
    // The line that is named says so.
    for begin in ["max_rejected_share:", "bootstrap_replicates:", "memory_mib:", "vat:"] {
        let found = line(begin);
        let (said, place) = found.split_once(" # ").expect("a place");
        let (path, number) = place.rsplit_once(':').expect("a line");
        let text = std::fs::read_to_string(project.path().join(path)).expect("the file");
        let number: usize = number.parse().expect("a number");
        assert_eq!(text.lines().nth(number - 1).map(str::trim), Some(said), "{found}");
    }
    assert!(line("episodes:").contains("# config/australia.yaml:"), "{printed}");
    // It is a config, and the same.
    project.write("config/whole.yaml", printed.as_bytes());
    project.edit(
        "pipelines/australia.yaml",
        "  - ../config/default.yaml\n  - ../config/australia.yaml\n",
        "  - ../config/whole.yaml\n",
    );
    let again = project.rebound(&["run", "pipelines/australia.yaml"]).ok();
    assert!(again.out.starts_with("nothing to do"), "{}", again.out);
    project.rebound(&["config", "pipelines/nothing.yaml"]).fails(2, "pipelines/nothing.yaml");
}

#[test]
fn keys_with_one_sensible_value_need_not_be_written() {
    let project = Project::new();
    project.write(
        "config/layouts/short.yaml",
        b"name: short\nformat: csv\ncsv: {delimiter: ',', quote: '\"', encoding: utf-8, header: true}\n\
          fields: {year: {column: [year]}, flow: {constant: export}, region: {column: [region]}, product: {column: [product]}, value: {column: [value]}}\n\
          product: {digits: 6, restore_leading_zero: true, revisions: [{from: 2007, to: 2011, revision: HS2007}]}\n\
          value: {currency: USD, decimal: '.', multiplier: 1, negative: reject, zero: keep}\n",
    );
    project.write("raw/a.csv", b"year,region,product,value\n2008,A,851711,10\n");
    project.write(
        "pipelines/short.yaml",
        b"name: short\nconfig: [../config/default.yaml]\nlake: ../short\nsources: [{layout: ../config/layouts/short.yaml, files: [../raw/*.csv]}]\n\
          stages: [ingest, aggregate]\n",
    );
    project.rebound(&["run", "pipelines/short.yaml"]).ok();
    let rows = project
        .sql_in("short", "select region_code, product, fob_value from trade.region_product_year");
    assert_eq!(rows, ["A,851711,10.00"]);
}
