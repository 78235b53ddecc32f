//! `rebound measure` on a table of its own.

use crate::support::{Project, Ran, root};
use std::collections::BTreeMap;

fn measure(project: &Project, file: &str, more: &[&str]) -> Ran {
    project.rebound(&[&["measure", file], more].concat())
}

fn rows(ran: Ran) -> Vec<BTreeMap<String, String>> {
    let ran = ran.ok();
    let mut reader = ::csv::Reader::from_reader(ran.out.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("CSV")
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or(f64::NAN)
}

const CELLS: &str = "tests/fixtures/sitc4-country-product/cells.parquet";

fn cells() -> String {
    root().join(CELLS).display().to_string()
}

#[test]
fn one_call_gives_what_py_ecomplexity_gives() {
    let project = Project::new();
    let found = rows(measure(&project, &cells(), &["--like", "py-ecomplexity", "--quiet"]));
    assert_eq!(found.len(), 113 * 785);
    let names: Vec<&str> = found[0].keys().map(String::as_str).collect();
    for name in
        ["country", "product", "value", "rca", "density", "outlook_gain", "eci", "pci", "ubiquity"]
    {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let path = root().join("tests/fixtures/sitc4-country-product/country.csv");
    let mut reader = ::csv::Reader::from_path(path).expect("a fixture");
    let mut n_compared = 0;
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row.expect("a row");
        let own = found.iter().find(|own| own["country"] == row["country"]).expect("a country");
        assert!((number(own, "eci") - number(&row, "eci")).abs() < 1e-9);
        assert!((number(own, "outlook_index") - number(&row, "coi")).abs() < 1e-9);
        n_compared += 1;
    }
    assert_eq!(n_compared, 113);
}

#[test]
fn conventions_of_other_tools_change_the_numbers_and_are_said() {
    let project = Project::new();
    let of = |more: &[&str]| {
        let fixed = ["--metrics", "diversity,mean-density,eci", "--rows", "regions"];
        rows(measure(&project, &cells(), &[&fixed[..], more].concat()))
    };
    let py = of(&["--like", "py-ecomplexity"]);
    let stata = of(&["--like", "stata"]);
    let econgeo = of(&["--like", "econgeo"]);
    let half = of(&["--rca-threshold", "0.5"]);
    assert_eq!(py.len(), 113);
    assert!(py.iter().zip(&stata).any(|(a, b)| a["mean_density"] != b["mean_density"]));
    assert!(py.iter().zip(&econgeo).any(|(a, b)| a["mean_density"] != b["mean_density"]));
    assert!(py.iter().zip(&half).all(|(a, b)| number(a, "diversity") <= number(b, "diversity")));
    let said = measure(&project, &cells(), &["--like", "stata", "--metrics", "eci"]).ok();
    assert!(
        said.err.contains("specialised if RCA > 1") && said.err.contains("diagonal excluded"),
        "{}",
        said.err
    );
}

const TABLE: &str = "Land;Branche;Jahr;Personen\nA;010101;2008;40\nA;010102;2008;10\nA;010201;2008;20\nA;840101;2008;20\n\
    A;840102;2008;10\nB;010101;2008;1\nB;010101;2008;2\nB;840101;2008;7\nC;010102;2009;5\nA;010101;2009;5\nB;840102;2009;\n";

#[test]
fn any_columns_periods_and_marks_will_do() {
    let project = Project::new();
    project.write("table.csv", TABLE.as_bytes());
    let named =
        ["--region", "Land", "--product", "Branche", "--value", "Personen", "--year", "Jahr"];
    let metrics = ["--metrics", "entropy,related-variety,unrelated-variety,hhi"];
    let found = rows(measure(&project, "table.csv", &[&named[..], &metrics].concat()));
    assert_eq!(found.len(), 4, "A and B in 2008, A and C in 2009: {found:?}");
    // Vector 1 of the methodology; two rows of one cell are summed.
    let a = &found[0];
    assert_eq!((a["Jahr"].as_str(), a["Land"].as_str()), ("2008", "A"));
    assert!((number(a, "entropy") - 2.121_928_094_887_362_4).abs() < 1e-12);
    assert!((number(a, "related_variety") - 1.240_637_195_656_669_7).abs() < 1e-12);
    assert!((number(a, "unrelated_variety") - 0.881_290_899_230_692_7).abs() < 1e-12);
    assert!((number(&found[1], "hhi") - 0.58).abs() < 1e-12);
    let links = rows(measure(&project, "table.csv", &[&named[..], &["--rows", "pairs"]].concat()));
    assert!(links.iter().all(|link| number(link, "relatedness") > 0.0) && !links.is_empty());
    // What has no unique answer is null, with a word on why.
    let few = measure(&project, "table.csv", &[&named[..], &["--metrics", "eci"]].concat()).ok();
    assert!(few.err.contains("complexity needs three regions"), "{}", few.err);
    for format in ["parquet", "arrow", "json", "table"] {
        let more = ["--metrics", "rca", "--format", format, "-o", "out"];
        measure(&project, "table.csv", &[&named[..], &more].concat()).ok();
        assert!(std::fs::metadata(project.path().join("out")).expect("written").len() > 100);
    }
}

#[test]
fn what_cannot_be_measured_is_named() {
    let project = Project::new();
    project.write("table.csv", TABLE.as_bytes());
    measure(&project, "table.csv", &[])
        .fails(2, "which column holds the regions?")
        .fails(2, "say --region NAME");
    measure(&project, "table.csv", &["--region", "Lande"]).fails(2, "did you mean `Land`?");
    measure(&project, "nothing.csv", &[]).fails(2, "failed to measure `nothing.csv`");
    project.write("bad.csv", b"region,product,value\na,b,1\na,c,x\n");
    measure(&project, "bad.csv", &[]).fails(2, "line 3: value \"x\": expected a number");
    project.write("bad.csv", b"region,product,value\na,b,-1\n");
    measure(&project, "bad.csv", &[]).fails(2, "line 2: value \"-1\"");
    project.write("bad.csv", b"region,product,value\na,b\n");
    measure(&project, "bad.csv", &[]).fails(2, "line 2: 2 columns, expected 3");
    project.write("bad.csv", b"region,product,value\na,b,\n");
    measure(&project, "bad.csv", &[]).fails(2, "it has no rows with a value");
    project.write("bad.csv", b"region,product,rca\na,b,1\n");
    measure(&project, "bad.csv", &["--value", "rca"]).fails(2, "two columns `rca`");
    project.write("bad.csv", b"");
    measure(&project, "bad.csv", &[]).fails(2, "it is empty");
    measure(&project, "bad.csv", &["--rca-threshold", "0"]).fails(2, "must be above 0");
}
