//! Rows for Stata: files of `sql`, `measure` and `resilience`, read back.

use crate::resilience_table::{CRISIS, PLAIN, resilience, rows};
use crate::support::Project;
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::value::Value;
use dta::stata::dta::value_label_table::ValueLabelTable;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use std::path::Path;

/// A Stata file: its variables, its cells as texts (`.` where a number is missing), and its value
/// labels.
struct Found {
    variables: Vec<Variable>,
    cells: Vec<Vec<String>>,
    labels: ValueLabelTable,
}

impl Found {
    fn of(path: &Path) -> Self {
        let reader = DtaReader::new().from_path(path).expect("a file");
        let mut reader = reader.read_header().expect("a header").read_schema().expect("variables");
        reader.skip_to_end().expect("no more");
        let mut records = reader.into_record_reader().expect("rows");
        let variables = records.schema().variables().to_vec();
        let mut cells = Vec::new();
        while let Some(record) = records.read_record().expect("a row") {
            cells.push(record.values().iter().map(shown).collect());
        }
        let mut labels = ValueLabelTable::new();
        let mut reader = records.seek_value_labels().expect("labels");
        reader.read_remaining_into(&mut labels).expect("labels");
        Self { variables, cells, labels }
    }

    #[track_caller]
    fn variable(&self, name: &str) -> (&Variable, Vec<&str>) {
        let at = self.variables.iter().position(|v| v.name() == name).expect(name);
        (&self.variables[at], self.cells.iter().map(|row| row[at].as_str()).collect())
    }

    fn names(&self) -> Vec<&str> {
        self.variables.iter().map(Variable::name).collect()
    }
}

fn shown(value: &Value<'_>) -> String {
    let of = |n: Option<f64>| n.map_or_else(|| ".".to_owned(), |n| n.to_string());
    match value {
        Value::Byte(n) => of(n.present().map(f64::from)),
        Value::Long(n) => of(n.present().map(f64::from)),
        Value::Double(n) => of(n.present()),
        Value::String(text) => text.clone().into_owned(),
        other => panic!("{other:?}"),
    }
}

const QUARTERS: &str = "Land,quarter,hs 6,value\nA,2008Q3,010121,10\nA,2008Q3,610910,1.5\nA,2008Q4,610910,3\n\
    B,2008Q3,010121,2\nB,2008Q4,610910,0.25\n";

#[test]
fn measures_are_read_back_from_stata() {
    let project = Project::new();
    project.write("q.csv", QUARTERS.as_bytes());
    let of = |more: &[&str]| {
        let columns = ["--region", "Land", "--product", "hs 6", "--year", "quarter"];
        let metrics = ["--metrics", "rca,specialized,ubiquity"];
        project.rebound(&[&["measure", "q.csv"][..], &columns, &metrics, more].concat())
    };
    let expected = rows(of(&[]));
    of(&["-o", "q.dta"]).ok();
    let found = Found::of(&project.path().join("q.dta"));
    assert_eq!(
        found.names(),
        ["quarter", "Land", "hs_6", "value", "rca", "specialized", "ubiquity"]
    );
    let (product, codes) = found.variable("hs_6");
    assert_eq!(product.variable_type(), VariableType::FixedString(6));
    assert_eq!(product.label(), "hs 6");
    assert!(codes.contains(&"010121"), "{codes:?}");
    let (quarter, counts) = found.variable("quarter");
    assert_eq!((quarter.variable_type(), quarter.format()), (VariableType::Long, "%tq"));
    assert_eq!(expected.len(), counts.len());
    for (row, count) in expected.iter().zip(counts) {
        let places = [("2008Q3", "194"), ("2008Q4", "195")];
        assert!(places.contains(&(row["quarter"].as_str(), count)), "{row:?}, {count}");
    }
    for name in ["value", "rca", "ubiquity"] {
        for (row, cell) in expected.iter().zip(found.variable(name).1) {
            let [theirs, own] = [row[name].as_str(), cell].map(|n| n.parse::<f64>());
            assert_eq!(theirs, own, "{name}");
        }
    }
    let (specialized, flags) = found.variable("specialized");
    for (row, flag) in expected.iter().zip(flags) {
        assert_eq!(flag == "1", row["specialized"] == "true");
    }
    assert_eq!(found.labels.label_for(specialized, 1), Some("yes"));
    // The program reads its own file as it reads the text.
    let again = rows(project.rebound(&[
        "measure",
        "q.dta",
        "--region",
        "Land",
        "--product",
        "hs_6",
        "--year",
        "quarter",
        "--metrics",
        "rca",
    ]));
    assert_eq!(again.len(), expected.len());
    for (own, row) in again.iter().zip(&expected) {
        assert_eq!((&own["hs_6"], &own["rca"]), (&row["hs 6"], &row["rca"]));
    }
}

#[test]
fn resilience_says_in_stata_what_its_variables_are() {
    let project = Project::new();
    project.write("plain.csv", PLAIN.as_bytes());
    let expected = rows(resilience(&project, "plain.csv", &CRISIS));
    resilience(&project, "plain.csv", &[&CRISIS[..], &["-o", "r.dta"]].concat()).ok();
    let found = Found::of(&project.path().join("r.dta"));
    let columns: Vec<&String> = expected[0].keys().collect();
    assert_eq!(found.variables.len(), columns.len());
    for name in columns {
        let (variable, cells) = found.variable(name);
        assert!(!variable.label().is_empty() && variable.label().chars().count() <= 80, "{name}");
        for (row, cell) in expected.iter().zip(cells) {
            let is_text = matches!(variable.variable_type(), VariableType::FixedString(_));
            let theirs = row[name].as_str();
            let is_same = match (is_text, theirs) {
                (true, _) => theirs == cell,
                (false, "") => cell == ".",
                (false, "true" | "false") => (theirs == "true") == (cell == "1"),
                (false, _) => theirs.parse::<f64>() == cell.parse::<f64>(),
            };
            assert!(is_same, "{name}: {theirs} and {cell}");
        }
    }
    let folder = [&CRISIS[..], &["--all", "--format", "dta", "-o", "all"]].concat();
    let files = resilience(&project, "plain.csv", &folder).ok().out;
    assert!(files.lines().count() > 5 && files.lines().all(|file| file.ends_with(".dta")));
    for file in files.lines() {
        assert!(!Found::of(&project.path().join(file)).variables.is_empty(), "{file}");
    }
}

#[test]
fn queries_give_stata_their_types() {
    let project = Project::published();
    let sql = |query: &str, more: &[&str]| {
        project.rebound(&[&["sql", query, "-o", "s.dta"][..], more].concat())
    };
    let query = "select region_code as \"code of it\", year, product, fob_value, cast('2008-09-15' as date) as day,
        year > 2008 as late, case when year > 2008 then fob_value end as later
        from trade.region_product_year order by 1, 2, 3";
    sql(query, &[]).ok();
    let found = Found::of(&project.path().join("s.dta"));
    let kinds: Vec<String> =
        found.variables.iter().map(|v| format!("{} {}", v.name(), v.variable_type())).collect();
    let expected = [
        "code_of_it str3",
        "year long",
        "product str6",
        "fob_value double",
        "day long",
        "late byte",
        "later double",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(found.variable("code_of_it").0.label(), "code of it");
    // From the beginning of 1960 on.
    assert!(found.variable("day").1.iter().all(|day| *day == "17790"));
    let years = found.variable("year").1;
    for (year, later) in years.iter().zip(found.variable("later").1) {
        assert_eq!(*year > "2008", later != ".");
    }
    let n = project.sql("select count(*) from trade.region_product_year");
    assert_eq!(n, [found.cells.len().to_string()]);
    sql("select 1 as a where false", &[]).ok();
    assert!(Found::of(&project.path().join("s.dta")).cells.is_empty());

    let before = std::fs::read(project.path().join("s.dta")).expect("written");
    sql("select [1, 2] as list", &[]).fails(2, "column `list` is of the type List");
    sql("select repeat('x', 2046) as a", &[]).fails(2, "a text of `a` has 2046 bytes");
    sql("select 9007199254740993 as a", &[]).fails(2, "more digits than a double holds");
    let after = std::fs::read(project.path().join("s.dta")).expect("written");
    assert_eq!(before, after, "what was there stays");
    sql("select 1", &["--format", "csv"]).fails(2, "`s.dta` is no name for --format csv");
    let to = |more: &[&str]| project.rebound(&[&["sql", "select 1 as a"], more].concat());
    to(&["--format", "dta"]).fails(2, "a Stata file is no text: give -o FILE.dta");
    to(&["--format", "dta", "-o", "x.csv"]).fails(2, "end it in .dta");
    to(&["--format", "dta", "-o", "x.tmp"]).ok();
    assert_eq!(Found::of(&project.path().join("x.tmp")).names(), ["a"]);
}
