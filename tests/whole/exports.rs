//! Exports as other programs read them: workbooks, GeoJSON, GeoParquet, rows of queries with what is
//! known of their columns.

use crate::support::{Project, Ran};
use calamine::{Data, Reader, Xlsx, open_workbook};
use geojson::{Feature, FeatureCollection, GeoJson, GeometryValue};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use std::fs::File;

const YEARS: &str = "select year, region_code as region, fob_value, fob_value / 1e6 as millions from trade.region_year order by 1, 2";

fn text(project: &Project, file: &str) -> String {
    std::fs::read_to_string(project.path().join(file)).expect("a text")
}

fn export(project: &Project, arguments: &[&str]) -> Ran {
    project.rebound(&[&["export"], arguments].concat())
}

/// The cells of a sheet.
fn sheet(project: &Project, file: &str, name: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = open_workbook(project.path().join(file)).expect("a workbook");
    let formulas = book.worksheet_formula(name).expect("a sheet");
    assert!(formulas.rows().flatten().all(String::is_empty), "no cell is a formula");
    let range = book.worksheet_range(name).expect("a sheet");
    range.rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn a_query_is_exported_with_what_is_known_of_its_columns() {
    let project = Project::published();
    let asked = ["--query", YEARS, "--name", "crisis", "--format", "csv", "-o", "out"];
    let ran = export(&project, &asked).ok();
    let files = ["out/crisis_codebook.md", "out/crisis_codebook.html", "out/crisis.csv"];
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), files);
    let rows = text(&project, "out/crisis.csv");
    assert!(rows.starts_with("year,region,fob_value,millions\n2005,"), "{rows}");
    let book = text(&project, "out/crisis_codebook.md");
    let row = |name: &str| {
        let begin = format!("| {name} |");
        book.lines().find(|line| line.starts_with(&begin)).expect("a row").to_owned()
    };
    let of_value = row("fob_value");
    assert!(of_value.contains("| FOB value |"), "{of_value}");
    assert!(of_value.ends_with("| trade.region_year.fob_value |"), "{of_value}");
    assert!(row("region").ends_with("| trade.region_year.region_code |"), "{book}");
    let computed = row("millions");
    assert!(computed.starts_with("| millions |  |  | double |"), "{computed}");
    assert!(computed.ends_with("| computed from trade.region_year.fob_value |"), "{computed}");
    assert!(book.contains(&format!("\n    {YEARS}\n")), "{book}");
    let catalog: Value = serde_json::from_str(&text(&project, "lake/catalog.json")).expect("JSON");
    let version = &catalog["tables"]["trade.region_year"]["fingerprint"];
    for said in [&catalog["run"], version] {
        assert!(book.contains(said.as_str().expect("a text")), "{said}: {book}");
    }

    // Stata has the meaning as a label, and a file of SQL gives its name.
    project.write("by_year.sql", format!("-- exports\n{YEARS};\n").as_bytes());
    export(&project, &["-f", "by_year.sql", "-o", "out"]).ok();
    let bytes = std::fs::read(project.path().join("out/by_year.dta")).expect("a Stata file");
    let label = b"FOB value (";
    assert!(bytes.windows(label.len()).any(|found| found == label));
    export(&project, &["-f", "by_year.sql", "-o", "by_year.parquet"]).ok();
    assert!(project.path().join("by_year_codebook.md").exists());

    for (asked, why) in [
        (&["--query", "select * from trade.regoin_year"][..], "did you mean `trade.region_year`?"),
        (
            &["--query", "select nothing from trade.region"][..],
            "the query `query` cannot be exported",
        ),
        (&["--query", "drop table trade.region"][..], "only read here"),
    ] {
        export(&project, &[asked, &["-o", "none"]].concat()).fails(2, why);
    }
    assert!(!project.path().join("none").exists(), "all or nothing");
}

#[test]
fn a_workbook_has_types_codes_and_no_formulas_and_is_the_same_each_time() {
    let project = Project::published();
    let hostile = "select '=1+1' as \"=f\", '010110' as code, cast(9007199254740993 as bigint) as big, 7 as n, \
         cast('2008-09-15' as date) as day, true as yes, cast(null as double) as nothing, 0.5 as half";
    let asked = ["trade.region_year", "--query", hostile, "--name", "hostile"];
    for file in ["one.xlsx", "two.xlsx"] {
        let ran = export(&project, &[&asked[..], &["-o", file]].concat()).ok();
        assert_eq!(ran.out.trim(), file);
    }
    let [one, two] =
        ["one.xlsx", "two.xlsx"].map(|file| std::fs::read(project.path().join(file)).expect("one"));
    assert!(one == two, "the same rows give the same bytes");

    let book: Xlsx<_> = open_workbook(project.path().join("one.xlsx")).expect("a workbook");
    assert_eq!(book.sheet_names(), ["trade.region_year", "hostile", "Codebook", "About"]);
    let rows = sheet(&project, "one.xlsx", "hostile");
    let string = |text: &str| Data::String(text.to_owned());
    assert_eq!(rows[0][0], string("=f"));
    let row = &rows[1];
    let texts = ["=1+1", "010110", "9007199254740993"].map(string);
    assert_eq!(row[..3], texts);
    assert_eq!(row[3], Data::Float(7.0));
    let Data::DateTime(day) = &row[4] else { panic!("{row:?}") };
    assert_eq!(day.as_f64().to_string(), "39706", "15 September 2008");
    assert_eq!(row[5..7], [Data::Bool(true), Data::Empty]);
    assert_eq!(row[7], Data::Float(0.5));

    let expected = project.sql("select sum(fob_value) from trade.region_year");
    let rows = sheet(&project, "one.xlsx", "trade.region_year");
    let hundredths = |cell: &Data| match cell {
        Data::Float(value) => format!("{:.0}", value * 100.0).parse::<i128>().expect("hundredths"),
        other => panic!("{other:?}"),
    };
    let sum: i128 = rows[1..].iter().map(|row| hundredths(&row[2])).sum();
    assert_eq!(format!("{}.{:02}", sum / 100, sum % 100), expected[0]);

    let codebook = sheet(&project, "one.xlsx", "Codebook");
    let of = |sheet: &str, name: &str| {
        let found = codebook.iter().find(|row| row[0] == string(sheet) && row[1] == string(name));
        found.expect("a row").clone()
    };
    assert_eq!(of("trade.region_year", "fob_value")[2], string("FOB value"));
    let big = of("hostile", "big");
    let Data::String(kind) = &big[4] else { panic!("{big:?}") };
    assert!(kind.contains("as text: Excel keeps 15 digits"), "{kind}");
    let about = sheet(&project, "one.xlsx", "About");
    let has = |what: &str, text: &str| {
        about.iter().any(|row| {
            row[0] == string(what) && matches!(&row[1], Data::String(said) if said.contains(text))
        })
    };
    assert!(has("SQL", "'=1+1'") && has("made from", "trade.region_year "), "{about:?}");
    let catalog: Value = serde_json::from_str(&text(&project, "lake/catalog.json")).expect("JSON");
    for (what, key) in [("run", "run"), ("published", "published_at")] {
        assert!(has(what, catalog[key].as_str().expect("a text")), "{about:?}");
    }

    // Limits say what to do.
    let long = ["--query", "select repeat('x', 32768) as long", "-o", "no.xlsx"];
    export(&project, &long).fails(2, "the text of `long` in row 1 has 32768 characters");
    let many = ["--query", "select unnest(range(0, 1048576)) as n", "-o", "no.xlsx"];
    export(&project, &many).fails(2, "it has 1048576 rows, above 1048575");
    assert!(!project.path().join("no.xlsx").exists());
}

#[test]
fn one_file_and_folders_replace_nothing_of_others() {
    let project = Project::published();
    let two = ["trade.region", "trade.region_year", "-o", "o.csv"];
    export(&project, &two).fails(2, "2 tables and queries are asked for: name a folder");
    export(&project, &["-o", "o.pdf"]).fails(2, "`o.pdf` is the name of a file");
    project.write("out/trade.region.csv", b"mine");
    let asked = ["trade.region", "--format", "csv", "-o", "out"];
    export(&project, &asked).fails(2, "is nothing that `rebound export` wrote");
    assert_eq!(text(&project, "out/trade.region.csv"), "mine");
    project.write("o_codebook.md", b"my notes");
    export(&project, &["trade.region", "-o", "o.csv"]).fails(2, "`o_codebook.md` is there");
    std::fs::remove_file(project.path().join("out/trade.region.csv")).expect("removed");
    for _ in 0..2 {
        export(&project, &asked).ok();
    }
    assert!(text(&project, "out/trade.region.csv").starts_with("region_code,region_name\n"));
}

/// Twice the area of a ring: above zero if it runs counterclockwise.
fn turn(ring: &[geojson::Position]) -> f64 {
    let cross = |pair: &[geojson::Position]| match (pair[0].as_slice(), pair[1].as_slice()) {
        ([ax, ay], [bx, by]) => ax * by - bx * ay,
        other => panic!("{other:?}"),
    };
    ring.windows(2).map(cross).sum()
}

#[test]
fn rows_have_the_geometry_of_their_region() {
    let project = Project::published();
    let rows = "select region_code, region_name from trade.region where region_code in ('NSW', 'TAS') \
         union all select 'XX', 'nowhere' order by 1";
    let shapes = ["--pipeline", "pipelines/australia.yaml"];
    let asked = ["--query", rows, "--name", "states", "-o", "maps"];
    let forms = ["--format", "geojson", "--format", "geoparquet"];
    let ran = export(&project, &[&asked[..], &forms, &shapes].concat()).ok();
    let said = "rows without a geometry: 1; 1 of 3 regions have no shape: XX";
    assert_eq!(ran.err.matches(said).count(), 2, "{}", ran.err);

    let parsed: GeoJson = text(&project, "maps/states.geojson").parse().expect("GeoJSON");
    let GeoJson::FeatureCollection(FeatureCollection { features, foreign_members, .. }) = parsed
    else {
        panic!("no collection")
    };
    assert!(foreign_members.is_none_or(|members| !members.contains_key("crs")));
    let codes: Vec<&str> = features
        .iter()
        .filter_map(|feature| feature.property("region_code").and_then(Value::as_str))
        .collect();
    assert_eq!(codes, ["NSW", "TAS", "XX"]);
    let value = |feature: &Feature| feature.geometry.as_ref().map(|of| of.value.clone());
    assert!(value(&features[2]).is_none());
    for feature in &features[..2] {
        let Some(GeometryValue::MultiPolygon { coordinates }) = value(feature) else {
            panic!("{feature:?}")
        };
        for polygon in &coordinates {
            for (at, ring) in polygon.iter().enumerate() {
                assert_eq!(ring.first(), ring.last());
                assert_eq!(turn(ring) > 0.0, at == 0, "by the right-hand rule");
            }
        }
        let mut all = coordinates.iter().flatten().flatten().map(geojson::Position::as_slice);
        assert!(all.all(|at| at[0] > 110.0 && at[0] < 170.0 && at[1] < -25.0));
    }

    let file = File::open(project.path().join("maps/states.geo.parquet")).expect("there");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata.key_value_metadata().expect("metadata");
    let geo = pairs.iter().find(|pair| pair.key == "geo").and_then(|pair| pair.value.as_ref());
    let geo: Value = serde_json::from_str(geo.expect("the key geo")).expect("JSON");
    assert_eq!(geo["version"], "1.1.0");
    assert_eq!(geo["columns"]["geometry"]["geometry_types"], serde_json::json!(["MultiPolygon"]));
    let bounds: Vec<f64> =
        serde_json::from_value(geo["columns"]["geometry"]["bbox"].clone()).expect("a box");
    assert!(bounds[0] < bounds[2] && bounds[1] < bounds[3] && bounds[3] < -25.0, "{bounds:?}");
    assert_eq!(metadata.num_rows(), 3);

    // Boundaries of a file alone, into one file; names of regions are those of the tables.
    let own = ["--boundaries", "samples/australia/states.geojson.gz", "--property", "name"];
    let asked = ["--query", rows, "--name", "states", "-o", "states.geojson"];
    export(&project, &[&asked[..], &own].concat()).ok();
    assert_eq!(text(&project, "states.geojson"), text(&project, "maps/states.geojson"));

    let refused = |arguments: &[&str], why: &str| {
        let asked = ["--format", "geojson", "-o", "none"];
        export(&project, &[arguments, &asked].concat()).fails(2, why);
    };
    refused(&["trade.region"], "give the pipeline file");
    let with = |arguments: &[&'static str]| [arguments, &shapes].concat();
    refused(&with(&["trade.product"]), "has no text column `region_code`");
    refused(&with(&["--query", "select 'XX' as region_code"]), "has a shape");
    project.write(
        "flat.geojson",
        br#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"New South Wales"},
            "geometry":{"type":"Polygon","coordinates":[[[0,0],[900000,0],[0,900000],[0,0]]]}}]}"#,
    );
    let flat = ["trade.region", "--boundaries", "flat.geojson", "--property", "name"];
    refused(&flat, "expected longitude and latitude in degrees");
}
