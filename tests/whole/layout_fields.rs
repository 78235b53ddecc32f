//! What layouts may say of fields, rows and headers, on files as people have them.

use crate::support::{Project, Ran, Raw, root};

/// The layout of Canada's exports and imports by province and chapter: two flows in two columns, and a
/// total among the provinces.
const CANADA: &str = "name: canada
fields:
  year: {column: [year]}
  flow: {unpivoted: true}
  region: {column: [cou]}
  product: {column: [hs2]}
unpivot: {field: flow, columns: {exports: export, imports: import}}
product: {digits: 2, restore_leading_zero: true, revisions: [{from: 1996, to: 2026, revision: HS2007}]}
value: {currency: CAD, decimal: '.', thousands: null, multiplier: 1, negative: keep, zero: keep}
where:
  - {column: cou, not_in: [Total All Countries]}
";

/// The layout of downloads from the old site of UN Comtrade, with all levels of codes in one file.
const COMTRADE: &str = "name: comtrade
fields:
  year: {column: [Year]}
  flow: {column: [Trade Flow], map: {Export: export, Import: import}}
  region: {column: [Reporter ISO]}
  product: {column: [Commodity Code]}
  destination: {column: [Partner ISO]}
  quantity: {column: [Netweight (kg)]}
  quantity_unit: {constant: kg}
  value: {column: [Trade Value (US$)]}
product: {digits: 6, restore_leading_zero: false, revisions: [{from: 2017, to: 2021, revision: HS2017}]}
value: {currency: USD, decimal: '.', thousands: null, multiplier: 1, negative: reject, zero: keep}
where:
  - {column: Is Leaf Code, in: ['1']}
  - {column: Classification, matches: '^H[0-9]$'}
";

const ACCOUNT: &str = "select n_rows, n_entries, n_records, n_excluded, n_rejected, n_empty, value_in, value_records, \
     value_excluded, value_rejected from customs.reconciliation";

const RULES: &str =
    "select rule, is_excluded, n_entries, fob_value from customs.rules order by rule";

/// A file read by a layout.
fn raw(layout: &str, name: &str, bytes: &[u8]) -> Raw {
    let raw = Raw::new("own");
    raw.0.write("config/layouts/own.yaml", layout.as_bytes());
    raw.file(name, bytes);
    // The checks of what raw files came to hold whatever a layout says.
    for check in [
        "customs.reconciliation__nothing_is_lost.sql",
        "customs.records__add_up_to_the_reconciliation.sql",
    ] {
        let text = std::fs::read(root().join("pipelines/checks").join(check)).expect("a check");
        raw.0.write(&format!("pipelines/account/{check}"), &text);
    }
    raw.0.edit("pipelines/raw.yaml", "checks: none", "checks: account");
    raw
}

fn fixture(layout: &str, name: &str) -> Raw {
    let path = root().join("tests/fixtures/layouts").join(name);
    raw(layout, name, &std::fs::read(path).expect("a fixture"))
}

#[test]
fn two_flows_in_two_columns_without_the_total_among_the_regions() {
    let raw = fixture(CANADA, "canada_province_hs2.csv");
    raw.run().ok();
    // By Python's decimals: the total of 2000 is the sum of its provinces.
    assert_eq!(
        raw.sql(ACCOUNT),
        ["50,100,92,4,0,4,230179931228.00,147120685357.00,83059245871.00,0.00"]
    );
    assert_eq!(raw.sql(RULES), ["where,true,4,83059245871.00"]);
    assert_eq!(
        raw.sql(
            "select year, flow, count(*), sum(fob_value) from customs.records group by 1, 2 order by 1, 2"
        ),
        [
            "2000,export,23,33044875060.00",
            "2000,import,23,50014370811.00",
            "2008,export,24,21464207519.00",
            "2008,import,22,42597231967.00",
        ]
    );
    assert_eq!(
        raw.sql("select distinct product_code, product from customs.records order by 1"),
        ["01,010000", "85,850000"]
    );
    let ran = raw.0.rebound(&["reconcile", "--lake", "raw_lake"]).ok();
    assert!(ran.out.contains("where"), "{}", ran.out);
}

#[test]
fn only_the_leaves_of_all_levels_are_read() {
    let raw = fixture(COMTRADE, "comtrade_classic.csv");
    raw.run().ok();
    assert_eq!(raw.sql(ACCOUNT), ["13,13,9,4,0,0,33155579.00,813372.00,32342207.00,0.00"]);
    assert_eq!(raw.sql(RULES), ["where,true,4,32342207.00"]);
    assert_eq!(
        raw.sql("select product_code, quantity, fob_value from customs.records where quantity is not null order by 1"),
        ["010229,25650.0,76951.00", "010290,15642.0,47546.00", "010310,2735.0,19764.00"]
    );
}

#[test]
fn years_of_a_source_are_limited_and_what_is_left_out_is_counted() {
    let raw = fixture(CANADA, "canada_province_hs2.csv");
    let limit = |raw: &Raw, years: &str| {
        raw.0.edit("pipelines/raw.yaml", "exclude: []", &format!("exclude: [], years: {years}"));
    };
    limit(&raw, "[2001, 2010]");
    raw.run().ok();
    assert_eq!(
        raw.sql(ACCOUNT),
        ["50,100,46,50,0,4,230179931228.00,64061439486.00,166118491742.00,0.00"]
    );
    let rules = ["where,true,4,83059245871.00", "years,true,46,83059245871.00"];
    assert_eq!(raw.sql(RULES), rules);
    // Other years are other records.
    raw.0.edit("pipelines/raw.yaml", "years: [2001, 2010]", "years: [2000, 2010]");
    raw.run().ok();
    let rules = ["where,true,4,83059245871.00", "years,true,0,0.00"];
    assert_eq!(raw.sql(RULES), rules);
    raw.0.edit("pipelines/raw.yaml", "years: [2000, 2010]", "years: [2010, 2000]");
    raw.run().fails(2, "invalid `sources[0].years`");
}

/// A wide table: a column for each month, whose name has more in it, and a total among the regions.
const WIDE: &str = "name: wide
fields:
  year: {unpivoted: true, date: '%b-%Y'}
  month: {unpivoted: true, date: '%b-%Y'}
  flow: {constant: export}
  region: {column: [Province]}
  product: {column: [Code]}
unpivot: {field: month, pattern: '^(.*) value$'}
product: {digits: 8, restore_leading_zero: true, revisions: [{from: 2007, to: 2011, revision: HS2007}]}
value: {currency: USD, decimal: '.', thousands: null, multiplier: 1, negative: keep, zero: keep, empty: reject}
rules:
  - {name: national_total, why: the sum of all, columns: {Province: [Total]}, not_columns: {note: [kept]}}
";

const WIDE_ROWS: &[u8] = b"Province,Code,Sep-2008 value,Jan-2009 value,Dec-2010 value,note
NSW,85171100,1.5,2,,x
Vic,1019000,3,,0.5,
Total,85171100,4.5,2,0.5,x
Total,1019000,7,7,7,kept
";

#[test]
fn months_are_found_in_headers_and_rules_in_raw_columns() {
    let raw = raw(WIDE, "wide.csv", WIDE_ROWS);
    raw.0.edit("pipelines/raw.yaml", "exclude: []", "exclude: [national_total]");
    raw.run().ok();
    assert_eq!(raw.sql(ACCOUNT), ["4,12,7,3,2,0,35.00,28.00,7.00,0.00"]);
    assert_eq!(raw.sql(RULES), ["national_total,true,3,7.00"]);
    assert_eq!(
        raw.sql(
            "select year, month, region_code, product, fob_value from customs.records where not is_excluded \
             and region_code <> 'Total' order by source_row, entry"
        ),
        [
            "2008,9,NSW,851711,1.50",
            "2009,1,NSW,851711,2.00",
            "2008,9,Vic,010190,3.00",
            "2010,12,Vic,010190,0.50",
        ]
    );
    assert_eq!(
        raw.rejects(),
        ["2,missing_value,Dec-2010 value,", "3,missing_value,Jan-2009 value,"]
    );
}

#[test]
fn dates_are_read_and_those_that_are_none_are_rejected_with_the_cell() {
    let layout = "name: dated
fields:
  year: {column: [day], date: ['%d/%m/%Y', iso]}
  month: {column: [day], date: ['%d/%m/%Y', iso]}
  flow: {constant: export}
  region: {column: [region]}
  product: {column: [hs]}
  quantity: {column: [kg], empty: zero}
  value: {column: [usd]}
product: {digits: 6, restore_leading_zero: true, revisions: [{from: 2007, to: 2011, revision: HS2007}]}
value: {currency: USD, decimal: '.', thousands: null, multiplier: 1, negative: keep, zero: keep, empty: missing}
";
    let rows = b"day,region,hs,kg,usd
31/12/2008,A,010190,2,1
2009-01-02T00:00:00,A,010190,,2
31/02/2008,A,010190,2,4
12/31/2008,A,010190,2,8
1/9/2008,A,010190,2,
";
    let raw = raw(layout, "dated.csv", rows);
    raw.run().ok();
    assert_eq!(
        raw.sql("select year, month, quantity, fob_value from customs.records order by source_row"),
        ["2008,12,2.0,1.00", "2009,1,0.0,2.00"]
    );
    assert_eq!(raw.rejects(), ["4,invalid_date,day,31/02/2008", "5,invalid_date,day,12/31/2008"]);
    assert_eq!(raw.sql(ACCOUNT), ["5,5,2,0,2,1,15.00,3.00,0.00,12.00"]);
}

#[test]
fn what_is_of_no_state_of_brazil_is_excluded_by_a_rule() {
    let raw = Raw::new("brazil_comexstat");
    // Rows of EXP_2025.csv, and one of a re-export.
    raw.file(
        "EXP_2025.csv",
        b"CO_ANO;CO_MES;CO_NCM;CO_UNID;CO_PAIS;SG_UF_NCM;CO_VIA;CO_URF;QT_ESTAT;KG_LIQUIDO;VL_FOB
2025;09;84713019;11;063;SP;07;1017500;42;13;608
2025;04;04061090;10;741;PR;01;0917800;6;6;39
2025;04;04061090;10;741;ND;01;0917800;6;6;3566
2025;04;04061090;10;741;RE;01;0917800;6;6;7
",
    );
    raw.0.edit("pipelines/raw.yaml", "exclude: []", "exclude: [no_state]");
    raw.run().ok();
    assert_eq!(
        raw.sql(
            "select region_code, fob_value, is_excluded from customs.records order by source_row"
        ),
        ["35,608.00,false", "41,39.00,false", "ND,3566.00,true", "RE,7.00,true"]
    );
    assert_eq!(
        raw.sql("select rule, n_entries, fob_value from customs.rules where is_excluded"),
        ["no_state,2,3573.00"]
    );
}

/// What a run says of Canada's layout when `from` is `to`.
fn told(from: &str, to: &str) -> Ran {
    assert_eq!(CANADA.matches(from).count(), 1, "{from}");
    let raw = fixture(&CANADA.replace(from, to), "canada_province_hs2.csv");
    raw.run()
}

#[test]
fn keys_that_say_nothing_where_they_stand_are_refused() {
    let region = "region: {column: [cou]}";
    for (from, to, expected) in [
        (region, "region: {constant: A, characters: [1, 2]}", "`fields.region.characters`"),
        (region, "region: {constant: A, optional: true}", "`fields.region.optional`"),
        (region, "region: {constant: A, fallback: {column: [cou]}}", "`fields.region.fallback`"),
        (region, "region: {position: 3, optional: true}", "`fields.region.optional`"),
        (region, "region: {column: [cou], date: iso}", "`fields.region.date`"),
        (region, "region: {unpivoted: true}", "`fields.region.unpivoted`"),
        (
            region,
            "region: {column: [cou], fallback: {column: [cou], empty: reject}}",
            "`fields.region.fallback.empty`",
        ),
        (
            "year: {column: [year]}",
            "year: {column: [year], date: '%Y', map: {Ene: '1'}}",
            "`fields.year.map`",
        ),
        (region, "region: {column: [cou]}\n  value: {column: [exports]}", "`fields.value`"),
        (
            region,
            "region: {column: [cou]}\n  value: {column: [exports], empty: zero}",
            "say `empty` in the section `value`",
        ),
        (
            region,
            "region: {column: [cou]}\n  value: {column: [exports], map: {a: b}}",
            "`fields.value.map`",
        ),
        ("unpivot: {field: flow,", "unpivot: {field: flow, code: $1,", "`unpivot.code`"),
    ] {
        let ran = told(from, to).fails(2, expected);
        assert!(ran.err.contains("no effect here") || ran.err.contains("say by"), "{}", ran.err);
    }
}

#[test]
fn what_a_layout_says_wrong_is_told() {
    let condition = "{column: cou, not_in: [Total All Countries]}";
    let region = "region: {column: [cou]}";
    for (from, to, expected) in [
        (condition, "{column: coun, not_in: [A]}", "expects coun, the header has year, hs2, cou"),
        (condition, "{column: coun, not_in: [A]}", "did you mean `cou`?"),
        (condition, "{column: cou}", "expected one or more of in, not_in, matches, not_matches"),
        (condition, "{column: cou, matches: '('}", "invalid `where[0]`"),
        (condition, "{column: cou, is: [A]}", "unknown key `where[0].is`"),
        (region, "region: {column: [cou], empty: zero}", "only values and quantities may be"),
        ("year: {column: [year]}", "year: {column: [year], date: '%m'}", "has no year"),
        (
            "year: {column: [year]}",
            "year: {column: [year], date: 'yyyy'}",
            "neither year nor month",
        ),
        ("exports: export", "exports: exp", "expected export or import"),
        ("unpivot: {field: flow,", "unpivot: {field: firm,", "expected one of year, month, flow"),
        ("imports: import}}", "imports: import}, pattern: '('}", "invalid `unpivot.pattern`"),
    ] {
        told(from, to).fails(2, expected);
    }
    let ran = told(
        "  flow: {unpivoted: true}\n  region: {column: [cou]}\n",
        "  flow: {unpivoted: true, optional: true}\n  region: {column: [cou], characters: [2, 1]}\n  nation: {column: [cou]}\n",
    );
    let ran = ran.fails(2, "3 faults");
    let lines: Vec<&str> = ran.err.lines().filter(|line| line.contains(", line ")).collect();
    assert_eq!(lines.len(), 3, "{}", ran.err);
    for (line, text) in lines.iter().zip([
        "invalid `fields.flow.optional` in",
        "invalid `fields.region` in",
        "invalid `fields.nation` in",
    ]) {
        assert!(line.contains(text), "{}", ran.err);
    }
}

#[test]
fn all_keys_and_values_that_are_none_are_told_together() {
    let ran = told(
        "product: {digits: 2, restore_leading_zero: true,",
        "product: {digits: two, restore_leading_zero: true,",
    );
    ran.fails(2, "invalid `product.digits` in ");
    let ran = told(
        "  region: {column: [cou]}\n  product: {column: [hs2]}\nunpivot: {field: flow, columns:",
        "  region: {columns: [cou]}\n  product: {column: hs2}\nunpivot: {field: flow, column:",
    );
    let ran = ran.fails(2, "3 faults");
    for text in ["unknown key `fields.region.columns`", "`fields.product", "`unpivot"] {
        assert!(ran.err.contains(text), "{text}: {}", ran.err);
    }
}

#[test]
fn records_are_not_made_up_in_layouts_that_ask_more_of_rows() {
    let project = Project::new();
    for (name, layout, expected) in
        [("a", COMTRADE, "without `where` only"), ("b", CANADA, "a row an entry only")]
    {
        let path = format!("config/layouts/{name}.yaml");
        project.write(&path, layout.as_bytes());
        let ran = project.rebound(&["synth", "--layout", &path, "--output", "made"]);
        ran.fails(2, expected);
    }
}
