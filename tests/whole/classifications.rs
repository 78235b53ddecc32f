//! Products of any classification: industries, goods and names of one's own, from raw files to
//! indices.

use crate::support::{Project, Ran};

/// A project whose raw file has these rows of year, region, code and value, and whose layout says
/// this of its products and values.
pub(crate) fn project(product: &str, value: &str, rows: &[(i32, &str, &str, &str)]) -> Project {
    let project = Project::new();
    let lines = rows
        .iter()
        .map(|(year, region, code, value)| format!("{year},{region},\"{code}\",{value}\n"));
    let text = format!("year,region,code,value\n{}", lines.collect::<String>());
    project.write("raw/trade.csv", text.as_bytes());
    project.write("config/layouts/plain.yaml", layout("plain", product, value).as_bytes());
    let pipeline = "name: plain\nconfig: [../config/default.yaml, plain_config.yaml]\nlake: ../lake\nproximity: null\nsources:\n  \
        - {layout: ../config/layouts/plain.yaml, files: [../raw/trade.csv], exclude: []}\nsql: sql\nchecks: checks\n\
        stages: [ingest, aggregate, relatedness, diversification, resilience, policy, panels]\n";
    project.write("pipelines/plain.yaml", pipeline.as_bytes());
    configure(&project, "");
    project
}

/// Has the project run with `more` than that relatedness is of the first year.
fn configure(project: &Project, more: &str) {
    let config = format!("relatedness: {{proximity_years: [2008]}}\n{more}");
    project.write("pipelines/plain_config.yaml", config.as_bytes());
}

fn layout(name: &str, product: &str, value: &str) -> String {
    format!(
        "name: {name}\nformat: csv\ncsv: {{delimiter: \",\", quote: \"\\\"\", encoding: utf-8, header: true}}\nfields:\n  \
         year: {{column: [year]}}\n  flow: {{constant: export}}\n  region: {{column: [region]}}\n  product: {{column: [code]}}\n  \
         value: {{column: [value]}}\nproduct: {product}\nvalue: {{{value}, decimal: \".\", thousands: null, multiplier: 1, \
         negative: keep, zero: keep}}\nmissing: [\"\"]\nregions: {{}}\nrules: []\n"
    )
}

pub(crate) fn run(project: &Project) -> Ran {
    project.rebound(&["run", "pipelines/plain.yaml"])
}

const VARIETY: &str = "select region_code, round(entropy_products, 9), round(entropy_subgroups, 9), \
    round(unrelated_variety, 9), round(semi_related_variety, 9), round(related_variety, 9), \
    round(related_variety_subgroups, 9), variety_null_reason from diversification.region_year \
    where year = 2008 order by region_code";

/// Industries of four digits, of three years.
fn naics() -> Vec<(i32, &'static str, &'static str, &'static str)> {
    let base = [
        ("A", "3111", "400"),
        ("A", "3112", "200.25"),
        ("A", "3121", "199.75"),
        ("A", "3211", "100"),
        ("A", "3361", "100"),
        ("B", "3111", "100"),
        ("B", "3361", "300"),
        ("B", "3362", "100"),
    ];
    let later = [("A", "3111", "500"), ("A", "3211", "300"), ("B", "3361", "450")];
    let of = |year, rows: &[(&'static str, &'static str, &'static str)]| {
        rows.iter().map(|&(region, code, value)| (year, region, code, value)).collect::<Vec<_>>()
    };
    [of(2008, &base), of(2009, &later), of(2011, &base)].concat()
}

const NAICS: &str = "{classification: naics, revision: 2017, digits: 4, restore_leading_zero: false, \
    hierarchy: {digits: [2, 3]}, labels: {file: ../codes/naics.csv, columns: {code: naics, name: title}}}";

#[test]
fn industries_have_their_own_groups_labels_and_no_word_of_hs() {
    let project = project(NAICS, "currency: USD", &naics());
    project.write(
        "config/codes/naics.csv",
        b"naics,title\n31,\"Food, drink, textiles\"\n3111,Animal food\n",
    );
    run(&project).ok();
    // All of the value is there, from the records to the panels.
    let records =
        project.sql("select sum(fob_value), count(hs_revision), min(product) from customs.records");
    assert_eq!(records, ["4250.00,0,3111"]);
    let sums = project.sql(
        "select year, sum(fob_value) from trade.region_product_year group by year order by year",
    );
    assert_eq!(sums, ["2008,1500.00", "2009,1250.00", "2011,1500.00"]);
    let kinds =
        project.sql("select distinct revision, kind, target_revision from trade.conversion");
    assert_eq!(kinds, ["NAICS (2017),same_revision,NAICS (2017)"]);
    let products = project.sql(
        "select product, hs6, hs4, hs2, product_subgroup, product_group, group_name, description, is_listed, n_codes \
         from trade.product order by product",
    );
    assert_eq!(products[0], "3111,,,,311,31,\"Food, drink, textiles\",Animal food,,1");
    assert_eq!(products[3], "3211,,,,321,32,,,,1");
    // By Python, from the definitions: entropies of the shares of products, and of their first three and two digits.
    let found = project.sql(VARIETY);
    assert_eq!(
        found,
        [
            "A,2.121927644,1.570554053,0.921928095,0.648625958,1.199999549,0.551373591,",
            "B,1.370950594,0.721928095,0.721928095,0.0,0.6490225,0.6490225,",
        ]
    );
    let panel = project.sql(
        "select distinct product, hs6, hs2, product_subgroup, product_group from panel.region_product order by product limit 1",
    );
    assert_eq!(panel, ["3111,,,311,31"]);
    // No sector of HS is said of an industry: groups have their labels.
    project.rebound(&["report", "pipelines/plain.yaml", "--no-figures", "-o", "report"]).ok();
    let page = project.path().join("report/report.html");
    let page = std::fs::read_to_string(page).expect("the report");
    assert!(page.contains("31 Food, drink, textiles"), "the label of a group");
    // Nor is there a way to maps without boundaries, or a nation in any group of regions.
    assert!(page.contains("href=\"#places\"") && page.contains("than all regions together"));
    for word in
        ["minerals, fuels", "Harmonized", "chapter", "vehicles", "href=\"#maps\"", "the nation"]
    {
        assert!(!page.contains(word), "{word}");
    }
    let said = project.rebound(&["tables"]).ok().out;
    assert!(said.contains("NAICS (2017)") && !said.contains("HS2"), "{said}");
}

#[test]
fn names_of_ones_own_are_grouped_by_a_table() {
    let rows = [
        (2008, "A", "Motor vehicles", "250"),
        (2008, "A", " Aircraft", "250"),
        (2008, "A", "Bread", "400"),
        (2008, "A", "Beer", "60"),
        (2008, "A", "Toys, other", "40"),
        (2009, "A", "Bread", "500"),
        (2011, "A", "Bread", "700"),
    ];
    let product = "{classification: my trades, hierarchy: {file: ../codes/own.csv, \
        columns: {code: trade, group: sector, subgroup: branch, name: english}}, \
        labels: {file: ../codes/names.csv, columns: {code: code, name: name}}}";
    let project = project(product, "currency: EUR", &rows);
    let table = "trade,sector,branch,english\nMotor vehicles,M,road,Cars\nAircraft,M,air,\nBread,F,food,\nBeer,F,drink,\n";
    project.write("config/codes/own.csv", table.as_bytes());
    // A group has a name, and so has a code that is nowhere else.
    project.write("config/codes/names.csv", b"code,name\nF,Food\nBoats,Ships and boats\n");
    let ran = run(&project).ok();
    assert!(ran.err.contains("Boats") && ran.err.contains("`product.labels`"), "{}", ran.err);
    let found = project.sql(
        "select product, product_subgroup, product_group, description, is_listed from trade.product order by product",
    );
    assert_eq!(
        found,
        [
            "Aircraft,air,M,,true",
            "Beer,drink,F,,true",
            "Bread,food,F,,true",
            "Motor vehicles,road,M,Cars,true",
            "\"Toys, other\",,,,false",
        ]
    );
    // What the table lacks is counted, and a group of its own.
    let unmapped =
        project.sql("select field, raw_code, code, n_entries, fob_value from customs.unmapped");
    assert_eq!(unmapped, ["product,\"Toys, other\",\"Toys, other\",1,40.00"]);
    assert_eq!(
        project.sql(VARIETY),
        ["A,1.958059107,1.958059107,1.201089595,0.756969512,0.756969512,0.0,"]
    );
    let said = project.rebound(&["tables"]).ok().out;
    assert!(said.contains("my trades"), "{said}");
}

#[test]
fn codes_with_dots_and_without_groups_have_no_related_variety() {
    let rows = [
        (2008, "A", "784.11", "300"),
        (2008, "A", "1.11", "100"),
        (2008, "A", "784.1", "1"),
        (2009, "A", "784.11", "200"),
        (2011, "A", "784.11", "300"),
    ];
    let product = "{classification: SITC, revision: \"3\", digits: 5, restore_leading_zero: true}";
    let project = project(product, "currency: USD", &rows);
    configure(&project, "ingest: {max_rejected_share: 1.0}\n");
    run(&project).ok();
    let rejects =
        project.sql("select reason, found, fob_value from customs.rejects order by found");
    assert_eq!(rejects, ["invalid_product_code,1.11,100.00"]);
    let found = project
        .sql("select product_code, fob_value from customs.records where year = 2008 order by 1");
    assert_eq!(found, ["07841,1.00", "78411,300.00"]);
    let variety = project.sql(
        "select related_variety, unrelated_variety, variety_null_reason from diversification.region_year where year = 2008",
    );
    assert_eq!(variety, [",,no_groups"]);
    let entropy = project
        .sql("select count(*) from space.region_product_year where group_entropy is not null");
    assert_eq!(entropy, ["0"]);
}

#[test]
fn employment_is_a_measure_and_no_money() {
    let project = project(NAICS, "measure: employment, unit: persons", &naics());
    project.write("config/codes/naics.csv", b"naics,title\n31,Food\n");
    run(&project).ok();
    let sums = project.sql("select sum(fob_value), count(currency) from customs.records");
    assert_eq!(sums, ["4250.00,0"]);
    let said = project.rebound(&["describe", "trade.region_year"]).ok().out;
    assert!(said.contains("employment") && said.contains("persons"), "{said}");
    assert!(!said.contains("currency") && !said.contains("FOB"), "{said}");
    project.rebound(&["report", "pipelines/plain.yaml", "--no-figures", "-o", "report"]).ok();
    let page = project.path().join("report/report.html");
    let page = std::fs::read_to_string(page).expect("the report");
    assert!(page.contains("How regions' employment withstood the shock"), "the title");
    assert!(page.contains("\"unit\":\"persons\""), "the unit");
    let both = "currency: USD, measure: employment, unit: persons";
    let text = layout("plain", NAICS, both);
    project.write("config/layouts/plain.yaml", text.as_bytes());
    run(&project).fails(2, "expected a currency, or a measure and its unit");
}

#[test]
fn records_that_are_not_kept_come_to_the_same_sums() {
    let of = |more: &[&str]| {
        let project = project(NAICS, "currency: USD", &naics());
        project.write("config/codes/naics.csv", b"naics,title\n31,Food\n");
        project.edit("pipelines/plain.yaml", "checks: checks", "checks: none");
        project.write("pipelines/none/README", b"");
        project.rebound(&[&["run", "pipelines/plain.yaml"], more].concat()).ok();
        let bytes = project.published_bytes().into_iter();
        // Paths hold fingerprints, which say whether records are kept.
        let name = |path: &str| path.split('/').rev().nth(2).expect("a table").to_owned();
        let mut found: Vec<_> = bytes.map(|(path, bytes)| (name(&path), bytes)).collect();
        found.retain(|(table, _)| table.starts_with("trade."));
        found.sort();
        found
    };
    let kept = of(&[]);
    assert!(!kept.is_empty());
    assert!(kept == of(&["--no-records"]), "other bytes");
    assert!(kept == of(&["--no-records", "--threads", "1"]), "other bytes by one thread");
}

#[test]
fn headings_stay_what_they_are_whatever_codes_they_look_like() {
    // 1201 became 1201 with two subheadings in 2012: before, 120100 was a code that became 120110.
    let rows: Vec<(i32, &str, &str, &str)> = [2008, 2009, 2011, 2012, 2013]
        .into_iter()
        .flat_map(|year| {
            [(year, "A", "1201", "100"), (year, "B", "1201", "50"), (year, "B", "8703", "20")]
        })
        .collect();
    let hs = "{digits: 4, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, revision: HS2007}, {from: 2012, to: 2014, revision: HS2012}]}";
    let project = project(hs, "currency: USD", &rows);
    configure(&project, "harmonize: {target_revision: HS2012}\n");
    run(&project).ok();
    let found = project.sql(
        "select product, description, is_listed, sum(fob_value), count(distinct year) from trade.region_product_year \
         join trade.product using (product) group by product, description, is_listed order by product",
    );
    let expected = [
        "120100,\"Soya beans, whether or not broken\",true,750.00,5",
        "870300,Motor cars and other motor vehicles; principally designed for the transport of persons (other than those of heading no. 8702), including station wagons and racing cars,true,100.00,5",
    ];
    assert_eq!(found.len(), 2);
    for (found, expected) in found.iter().zip(expected) {
        let end = |text: &str| text.rsplit(',').take(3).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((&found[..6], end(found)), (&expected[..6], end(expected)));
    }
    // Nothing varies within headings.
    let reasons = project.sql(
        "select distinct variety_null_reason, related_variety_subgroups from diversification.region_year",
    );
    assert_eq!(reasons, ["products_are_subgroups,"]);
    configure(&project, "harmonize: {target_revision: SITC3}\n");
    run(&project).fails(2, "has HS products of 4 digits, and `harmonize.target_revision` SITC3");
}

#[test]
fn hs_codes_are_brought_to_sitc() {
    let rows = [
        (2008, "A", "010110", "100"),
        (2008, "A", "010190", "50"),
        (2008, "A", "020110", "25.25"),
        (2008, "B", "870322", "300"),
        (2008, "B", "870323", "400"),
        (2008, "B", "980000", "7"),
        (2009, "A", "010110", "80"),
        (2009, "B", "870323", "500"),
        (2011, "A", "010110", "90"),
        (2011, "B", "870323", "700"),
    ];
    let hs = "{digits: 6, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, revision: HS2007}]}";
    let project = project(hs, "currency: USD", &rows);
    configure(&project, "harmonize: {target_revision: SITC3}\n");
    run(&project).ok();
    let found = project.sql(
        "select product, fob_value, product_subgroup, product_group, is_listed, n_codes, hs6 \
         from trade.region_product_year join trade.product using (product) where year = 2008 order by product",
    );
    assert_eq!(
        found,
        [
            "00151,100.00,001,00,true,1,",
            "00152,50.00,001,00,true,1,",
            "01111,25.25,011,01,true,1,",
            "78120,700.00,781,78,true,2,",
            // What no table has is no code of SITC.
            "HS2007 980000,7.00,HS2007 980000,HS2007 980000,false,1,",
        ]
    );
    let named = project.sql("select group_name from trade.product where product = '78120'");
    assert_eq!(named, ["Road vehicles (including air-cushion vehicles)"]);
    let kinds = project.sql(
        "select revision, kind, target_revision, n_codes, fob_value from trade.conversion where year = 2008 order by kind",
    );
    assert_eq!(
        kinds,
        [
            "HS2007,merge,SITC3,3,725.25",
            "HS2007,one_to_one,SITC3,2,150.00",
            "HS2007,unlisted,SITC3,1,7.00",
        ]
    );
    let said = project.rebound(&["describe", "trade.product"]).ok().out;
    assert!(said.contains("SITC (3)"), "{said}");
    let said = project.rebound(&["describe", "customs.records"]).ok().out;
    assert!(said.contains("HS (column hs_revision)"), "{said}");
    configure(&project, "harmonize: {target_revision: SITC3, method: families}\n");
    run(&project).fails(2, "to SITC3 codes go by one_to_one or weights");
}

#[test]
fn hs_codes_stand_beside_those_of_what_they_are_brought_to() {
    let rows =
        [(2008, "A", "010110", "100"), (2009, "A", "010110", "80"), (2011, "A", "010110", "90")];
    let hs = "{digits: 6, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, revision: HS2007}]}";
    let project = project(hs, "currency: USD", &rows);
    let sitc = "{classification: sitc, revision: 3, digits: 5, restore_leading_zero: false, \
        hierarchy: {digits: [2, 3]}, labels: {file: ../codes/own.csv, columns: {code: sitc, name: text}}}";
    project.write("config/layouts/other.yaml", layout("other", sitc, "currency: USD").as_bytes());
    project.write("config/codes/own.csv", b"sitc,text\n78120,Cars\n");
    let more =
        b"year,region,code,value\n2008,B,00151,7\n2008,B,78120,1\n2009,B,78120,2\n2011,B,78120,3\n";
    project.write("raw2/trade.csv", more);
    let second = "exclude: []}\n  - {layout: ../config/layouts/other.yaml, files: [../raw2/*], exclude: []}\n";
    project.edit("pipelines/plain.yaml", "exclude: []}\n", second);
    configure(&project, "harmonize: {target_revision: SITC3}\n");
    run(&project).ok();
    let found = project.sql(
        "select product, sum(fob_value), max(description) from trade.region_product_year join trade.product using (product) \
         where year = 2008 group by product order by product",
    );
    assert_eq!(found, ["00151,107.00,Horses", "78120,1.00,Cars"]);
    let kinds = project.sql(
        "select revision, kind, target_revision, fob_value from trade.conversion where year = 2008 order by revision",
    );
    assert_eq!(kinds, ["HS2007,one_to_one,SITC3,100.00", "SITC (3),same_revision,SITC (3),8.00"]);
}

#[test]
fn a_table_is_brought_to_another_revision_by_one_call() {
    let project = Project::new();
    let codes = "region,year,hs6,usd\nA,2012,010121,5\nA,2012,999999,7\n";
    project.write("codes.csv", codes.as_bytes());
    let convert = |file: &str, from: &str, to: &str, more: &[&str]| {
        let words = ["convert", file, "--from", from, "--to", to];
        project.rebound(&[&words[..], more].concat())
    };
    let beside = ["--matches", "matches.csv", "--unmatched", "unmatched.csv"];
    let ran = convert("codes.csv", "HS2012", "HS2007", &beside).ok();
    assert_eq!(ran.out, "region,year,hs6,usd\nA,2012,010110,5\nA,2012,999999,7\n");
    let read =
        |name: &str| std::fs::read_to_string(project.path().join(name)).expect("a written file");
    assert!(read("matches.csv").contains("\nmerge,1,1,5.0,0.5,"), "{}", read("matches.csv"));
    assert!(read("unmatched.csv").contains("\n999999,1,7.0,0.5,"), "{}", read("unmatched.csv"));
    // A code of no table is called by the revision that it was said to be of.
    let ran = convert("codes.csv", "HS2012", "SITC4", &[]).ok();
    assert!(ran.out.contains(",HS2012 999999,7\n"), "{}", ran.out);
    assert!(ran.err.contains("no table brings from HS2012 to SITC4"), "{}", ran.err);

    // What was split is divided by what was traded under its parts.
    project.write("split.csv", b"hs6,value\n010110,1001\n");
    let equal = convert("split.csv", "HS2007", "HS2012", &[]).ok();
    let parts: Vec<&str> = equal.out.lines().skip(1).filter_map(|row| row.get(..6)).collect();
    assert!(parts.len() > 1, "{}", equal.out);
    project.write("w.csv", format!("hs6;value\n{};3\n{};1\n", parts[0], parts[1]).as_bytes());
    let weighted = convert("split.csv", "HS2007", "HS2012", &["--weights", "w.csv"]).ok();
    assert_eq!(weighted.out, format!("hs6,value\n{},751\n{},250\n", parts[0], parts[1]));

    convert("split.csv", "HS2008", "HS2007", &[]).fails(2, "unknown HS revision");
    convert("nowhere.csv", "HS2012", "HS2007", &[]).fails(2, "failed to convert `nowhere.csv`");
    project.write("other.csv", b"a,b\n1,2\n");
    convert("split.csv", "HS2007", "HS2012", &["--weights", "other.csv"])
        .fails(2, "the weights of `other.csv`: ");
    let twice = ["-o", "x.csv", "--matches", "x.csv"];
    convert("split.csv", "HS2007", "HS2012", &twice).fails(2, "`x.csv` is named twice");
    convert("split.csv", "HS2007", "HS2012", &["-o", "split.csv"]).fails(2, "is read by this");
}

#[test]
fn a_pipeline_has_one_classification() {
    let project = project(NAICS, "currency: USD", &naics());
    project.write("config/codes/naics.csv", b"naics,title\n31,Food\n");
    let sitc = "{classification: sitc, revision: 3, digits: 5, restore_leading_zero: false}";
    project.write("config/layouts/other.yaml", layout("other", sitc, "currency: USD").as_bytes());
    project.write("raw2/trade.csv", b"year,region,code,value\n2008,A,78411,1\n");
    let second = "exclude: []}\n  - {layout: ../config/layouts/other.yaml, files: [../raw2/*], exclude: []}\n";
    project.edit("pipelines/plain.yaml", "exclude: []}\n", second);
    let why = "the layout `plain` has products of NAICS (2017), and `other` of SITC (3): a pipeline has one classification";
    run(&project).fails(2, why);
    project.edit("pipelines/plain.yaml", second, "exclude: []}\n");
    let table = "proximity: {file: ../raw2/trade.csv, hs_revision: HS2007, columns: {a: a, b: b, proximity: c}}";
    project.edit("pipelines/plain.yaml", "proximity: null", table);
    run(&project)
        .fails(2, "its codes are of HS, and the products of the sources are of NAICS (2017)");
}
