//! Units of work: after any change of raw files and config, what is published is what a run on an empty lake
//! publishes, byte by byte.

use crate::support::Project;
use lake::Lake;
use project::pipeline_file::PipelineFile;
use rebound::run::{self, Options, Outcome, RunError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

const LAYOUT: &str = r#"name: made
format: csv
csv: {delimiter: ",", quote: "\"", encoding: utf-8, header: true}
fields:
  year: {column: [year]}
  month: {column: [month]}
  flow: {constant: export}
  region: {column: [region]}
  product: {column: [code]}
  destination: {column: [to]}
  trade_mode: {column: [mode]}
  value: {column: [value]}
product: {digits: 6, restore_leading_zero: false, revisions: [{from: 1990, to: 2011, revision: HS2007}, {from: 2012, to: 2030, revision: HS2012}]}
value: {currency: USD, decimal: ".", thousands: null, multiplier: 1, negative: keep, zero: keep}
missing: [""]
regions: {}
rules: []
"#;

const PIPELINE: &str = "name: made
config: [../config/default.yaml, made_config.yaml]
lake: ../lake
proximity: null
boundaries: {file: ../made.geojson, property: code}
sources:
  - {layout: ../config/layouts/made.yaml, files: [../raw/*.csv], exclude: []}
sql: made_sql
checks: checks
stages: [ingest, aggregate, plausibility, relatedness, diversification, resilience, policy, spatial, panels]
";

const GROWTH: &str = "-- each: year in select distinct year from trade.region_year order by year
-- key: year, region_code
-- about: growth of what a region exports
-- reads: trade.region_year of year - 1 to year, trade.region
select a.year, a.region_code, r.region_name, a.fob_value, b.fob_value as before
from trade.region_year a
join trade.region r on r.region_code = a.region_code
left join trade.region_year b on b.year = $year - 1 and b.region_code = a.region_code
where a.year = $year
order by a.year, a.region_code
";

const PRODUCTS: [&str; 12] = [
    "010190", "020110", "020120", "030110", "070190", "100190", "270900", "610910", "620342",
    "847130", "851712", "870323",
];

/// Squares beside each other that are regions; one region has none.
fn boundaries() -> Vec<u8> {
    let square = |(at, code): (u32, &str)| {
        let (west, east) = (at, at + 1);
        let ring = [[west, 0], [east, 0], [east, 1], [west, 1], [west, 0]];
        json!({"type": "Feature", "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": [ring]}})
    };
    let features: Vec<Value> = (0..).zip(["A", "B", "C", "D"]).map(square).collect();
    json!({"type": "FeatureCollection", "features": features}).to_string().into_bytes()
}

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len());
        &all[at]
    }
}

/// The raw files and the config as they are.
struct Work {
    project: Project,
    files: BTreeMap<String, Vec<String>>,
    config: BTreeMap<&'static str, String>,
    next_name: usize,
    runtime: Runtime,
}

impl Work {
    fn new(dice: &mut Dice) -> Self {
        let project = Project::new();
        project.write("config/layouts/made.yaml", LAYOUT.as_bytes());
        project.write("pipelines/made.yaml", PIPELINE.as_bytes());
        project.write("made.geojson", &boundaries());
        for name in
            ["panel.pair", "panel.region", "panel.region_product", "panel.region_product_year"]
        {
            let path = project.path().join(format!("pipelines/sql/{name}.sql"));
            let text = std::fs::read(path).expect("a table of SQL");
            project.write(&format!("pipelines/made_sql/{name}.sql"), &text);
        }
        project.write("pipelines/made_sql/panel.growth.sql", GROWTH.as_bytes());
        let mut work = Self {
            project,
            files: BTreeMap::new(),
            config: BTreeMap::from([
                ("relatedness", "{proximity_years: [2006, 2007]}".to_owned()),
                ("aggregate", "{months: true}".to_owned()),
                ("spatial", "{permutations: 99, weights: inverse_distance}".to_owned()),
            ]),
            next_name: 0,
            runtime: query::runtime(2).expect("a runtime"),
        };
        for year in 2005..=2012 {
            work.add(year, dice);
        }
        work
    }

    fn row(year: i32, dice: &mut Dice) -> String {
        let (region, code) = (*dice.of(&["A", "B", "C", "D", "E"]), *dice.of(&PRODUCTS));
        let (to, mode) = (*dice.of(&["DEU", "JPN", "USA"]), *dice.of(&["10", "14", ""]));
        let (month, cents) = (dice.below(12) + 1, dice.below(1_000_000));
        format!("{year},{month},{region},{code},{to},{mode},{}.{:02}", cents / 100, cents % 100)
    }

    /// Adds a file of a year; some have rows of another, too.
    fn add(&mut self, year: i32, dice: &mut Dice) {
        let mut rows: Vec<String> =
            (0..40 + dice.below(40)).map(|_| Self::row(year, dice)).collect();
        if dice.below(4) == 0 {
            let other = *dice.of(&[2005, 2008, 2012]);
            rows.extend((0..5).map(|_| Self::row(other, dice)));
        }
        if dice.below(5) == 0 {
            rows.push(format!("{year},13,A,010190,DEU,10,not a number"));
        }
        self.next_name += 1;
        self.files.insert(format!("f{:02}_{}.csv", dice.below(90), self.next_name), rows);
    }

    /// Changes something, and says what.
    fn change(&mut self, dice: &mut Dice) -> String {
        let name = dice.of(&self.files.keys().cloned().collect::<Vec<_>>()).clone();
        let first = self.files[&name].first().cloned().unwrap_or_default();
        let year: i32 = first.split(',').next().and_then(|y| y.parse().ok()).unwrap_or(2012);
        match dice.below(9) {
            0 => {
                let year = *dice.of(&[2008, 2012, 2013]);
                self.add(year, dice);
                format!("a file of {year} is new")
            }
            1 | 2 => {
                let rows = self.files.get_mut(&name).expect("a file");
                let at = dice.below(rows.len());
                rows[at] = Self::row(year, dice);
                format!("a row of {name} is another")
            }
            3 => {
                let rows = self.files.remove(&name).expect("a file");
                self.next_name += 1;
                let new = format!("g{:02}_{}.csv", dice.below(90), self.next_name);
                self.files.insert(new.clone(), rows);
                format!("{name} is {new}")
            }
            4 if self.files.len() > 8 => {
                self.files.remove(&name);
                format!("{name} is gone")
            }
            5 => {
                self.files.get_mut(&name).expect("a file").reverse();
                format!("the rows of {name} are turned round")
            }
            6 => {
                let threshold = *dice.of(&["1.0", "1.5"]);
                let persistence = *dice.of(&["1", "2"]);
                let said = format!(
                    "{{proximity_years: [2006, 2007], rca_threshold: {threshold}, persistence_years: {persistence}}}"
                );
                self.config.insert("relatedness", said.clone());
                format!("relatedness is {said}")
            }
            7 => {
                let said = *dice.of(&[
                    "{months: true}",
                    "{months: false}",
                    "{months: true, quantities: true}",
                ]);
                self.config.insert("aggregate", said.to_owned());
                format!("aggregate is {said}")
            }
            _ => {
                let method = *dice.of(&["one_to_one", "weights", "families"]);
                let said = format!("{{method: {method}}}");
                self.config.insert("harmonize", said.clone());
                format!("harmonize is {said}")
            }
        }
    }

    /// Takes something out of the lake, as a killed run, a broken disk or `gc` would.
    fn harm(&self, dice: &mut Dice) -> String {
        let lake = self.project.path().join("lake");
        let all = |folder: &Path, end: &str| -> Vec<PathBuf> {
            let mut found = Vec::new();
            let mut open = vec![folder.to_owned()];
            while let Some(folder) = open.pop() {
                for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                    match entry.path() {
                        path if path.is_dir() => open.push(path),
                        path if path.to_string_lossy().ends_with(end) => found.push(path),
                        _ => {}
                    }
                }
            }
            found.sort();
            found
        };
        let found = match dice.below(4) {
            0 => all(&lake.join("units"), ".json"),
            1 => all(&lake.join("tables"), "version.json"),
            2 => all(&lake.join("tables"), ".parquet"),
            _ => {
                let lake = Lake::open(&lake.display().to_string()).expect("a lake");
                self.runtime.block_on(lake.collect_garbage(1, None)).expect("collected");
                return "garbage is collected".to_owned();
            }
        };
        if found.is_empty() {
            return "nothing".to_owned();
        }
        let path = dice.of(&found);
        std::fs::remove_file(path).expect("removed");
        format!("{} is removed", path.display())
    }

    fn write(&self) {
        let raw = self.project.path().join("raw");
        // Files that are gone are gone there, too.
        let _ = std::fs::remove_dir_all(raw);
        for (name, rows) in &self.files {
            let text = format!("year,month,region,code,to,mode,value\n{}\n", rows.join("\n"));
            self.project.write(&format!("raw/{name}"), text.as_bytes());
        }
        let mut config = "ingest: {max_rejected_share: 0.5}\n".to_owned();
        for (section, said) in &self.config {
            config.extend([section, ": ", said, "\n"]);
        }
        self.project.write("pipelines/made_config.yaml", config.as_bytes());
    }

    fn run(&self, lake: &str, threads: usize) -> Result<Outcome, RunError> {
        let path = self.project.path().join("pipelines/made.yaml");
        let lake = self.project.path().join(lake).display().to_string();
        let file = PipelineFile::read(&path).expect("a pipeline");
        let options = Options { lake: Some(lake), threads: Some(threads), ..Options::default() };
        run::run(&self.runtime, file, &options)
    }

    /// The bytes of the data files of every published table, in order.
    fn published(&self, outcome: &Outcome) -> BTreeMap<String, Vec<Vec<u8>>> {
        let root = Path::new(&outcome.lake);
        let read = |version: &lake::TableVersion| {
            let bytes =
                |file: &lake::DataFile| std::fs::read(root.join(&file.path)).expect("a file");
            version.files.iter().map(bytes).collect()
        };
        outcome.tables.iter().map(|(table, version)| (table.clone(), read(version))).collect()
    }

    /// Runs on the lake with its history and on an empty one, and holds them against each other.
    fn compare(&self, said: &[String]) -> Option<Outcome> {
        let _ = std::fs::remove_dir_all(self.project.path().join("empty"));
        match (self.run("lake", 2), self.run("empty", 1)) {
            (Ok(found), Ok(expected)) => {
                let (of_history, of_nothing) = (self.published(&found), self.published(&expected));
                assert_eq!(
                    of_history.keys().collect::<Vec<_>>(),
                    of_nothing.keys().collect::<Vec<_>>(),
                    "{said:#?}"
                );
                for (table, files) in &of_history {
                    let expected = &of_nothing[table];
                    assert_eq!(files.len(), expected.len(), "files of {table} after {said:#?}");
                    for (at, (file, expected)) in files.iter().zip(expected).enumerate() {
                        assert!(file == expected, "file {at} of {table} after {said:#?}");
                    }
                }
                Some(found)
            }
            (Err(found), Err(expected)) => {
                assert_eq!(found.to_string(), expected.to_string(), "{said:#?}");
                None
            }
            (found, expected) => panic!(
                "{:?} with history, {:?} without, after {said:#?}",
                found.err().map(|e| e.to_string()),
                expected.err().map(|e| e.to_string())
            ),
        }
    }
}

fn sequence(seed: u64, n_steps: usize) {
    let mut dice = Dice(seed);
    let mut work = Work::new(&mut dice);
    let mut said = vec![format!("seed {seed}")];
    work.write();
    work.compare(&said);
    for _ in 0..n_steps {
        for _ in 0..=dice.below(2) {
            said.push(work.change(&mut dice));
        }
        if dice.below(3) == 0 {
            said.push(work.harm(&mut dice));
        }
        work.write();
        work.compare(&said);
    }
}

#[test]
fn any_history_gives_the_bytes_of_a_run_from_nothing() {
    let n = std::env::var("SEQUENCES").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let seeds: Vec<u64> = (1..=n).collect();
    std::thread::scope(|scope| {
        for share in seeds.chunks(seeds.len().div_ceil(2)) {
            scope.spawn(move || share.iter().for_each(|&seed| sequence(seed, 5)));
        }
    });
}

#[test]
fn a_new_month_makes_its_year_and_no_other() {
    let mut dice = Dice(99);
    let mut work = Work::new(&mut dice);
    work.write();
    work.compare(&[]).expect("tables");
    let row = "2012,12,A,010190,DEU,10,5.00".to_owned();
    work.files.insert("new.csv".to_owned(), vec![row]);
    work.write();
    let outcome = work.compare(&["a new month".to_owned()]).expect("tables");
    let units: BTreeMap<&str, (u64, u64)> = outcome
        .stages
        .iter()
        .map(|stage| (stage.stage.as_str(), (stage.units_made, stage.units_reused)))
        .collect();
    assert_eq!(units["ingest"], (1, 8));
    for stage in ["aggregate", "diversification", "panel.growth"] {
        assert_eq!(units[stage], (1, 7), "{stage}");
    }
    // Eight years, and the pairs of products.
    assert_eq!(units["relatedness"], (1, 8));
    // Three tables of a year and four of an episode, whose course goes on to the last year; and how
    // all of them differ, weighted by what regions export in all years.
    let (made, reused) = units["spatial"];
    assert_eq!(made + reused, 3 * 8 + 4 + 1);
    assert!((4..=5).contains(&made), "{made} parts of spatial");
    // A row that ends in the same sums stops the work where they are summed.
    let rows = work.files.get_mut("new.csv").expect("a file");
    *rows =
        vec!["2012,12,A,010190,DEU,10,2.00".to_owned(), "2012,12,A,010190,DEU,10,3.00".to_owned()];
    rows.rotate_left(1);
    work.write();
    let first = work.compare(&["two rows".to_owned()]).expect("tables");
    let rows = work.files.get_mut("new.csv").expect("a file");
    rows.rotate_left(1);
    work.write();
    let outcome = work.compare(&["in another order".to_owned()]).expect("tables");
    for stage in &outcome.stages {
        let made = if ["ingest", "aggregate"].contains(&&*stage.stage) { 1 } else { 0 };
        let is_whole_again = stage.stage == "plausibility" || stage.stage == "resilience";
        assert!(stage.units_made == made || is_whole_again, "{stage:?}");
    }
    assert_eq!(first.tables.len(), outcome.tables.len());
}

#[test]
fn a_table_of_sql_that_reads_more_than_it_says_is_told() {
    let mut dice = Dice(7);
    let work = Work::new(&mut dice);
    let text = GROWTH.replace("of year - 1 to year", "of year");
    work.project.write("pipelines/made_sql/panel.growth.sql", text.as_bytes());
    work.write();
    let error = work.run("lake", 2).expect_err("it reads the year before").to_string();
    assert!(error.contains("panel.growth.sql"), "{error}");
    assert!(
        error.contains("with all of `trade.region_year` the rows of year 2012 are others"),
        "{error}"
    );
    // A value that comes later is none that the last one could show.
    let text = GROWTH.replace("of year - 1 to year", "of year").replace("$year - 1", "$year + 1");
    work.project.write("pipelines/made_sql/panel.growth.sql", text.as_bytes());
    let error = work.run("lake", 2).expect_err("it reads the year after").to_string();
    assert!(error.contains("the rows of year 2005 are others"), "{error}");
    // Parts must not depend on each other.
    let text = "-- each: year in select distinct year from trade.region_year order by year
-- part: first_year of panel.pair
-- key: year, first_year, region_code, product
-- reads: trade.region_year of year
select $year as year, first_year, region_code, product, count(*) over () as n
from panel.pair where (select count(*) from trade.region_year where year = $year) > 0
order by 1, 2, 3, 4
";
    work.project.write("pipelines/made_sql/panel.window.sql", text.as_bytes());
    work.project.write("pipelines/made_sql/panel.growth.sql", GROWTH.as_bytes());
    let error = work.run("lake", 2).expect_err("it counts all parts").to_string();
    assert!(error.contains("are others where they are made alone"), "{error}");
    std::fs::remove_file(work.project.path().join("pipelines/made_sql/panel.window.sql"))
        .expect("gone");
    for (from, to, expected) in [
        ("-- reads:", "-- Reads:", "write `-- reads: ...` at the head of the file"),
        ("of year - 1 to year", "of year 1", "expected `schema.table`, `schema.table of year`"),
        (
            ", trade.region\n",
            ", trade.region, trade.region\n",
            "`reads` names `trade.region` twice",
        ),
        (", trade.region\n", "\n", "it reads `trade.region`, which `reads` does not name"),
        (
            ", trade.region\n",
            ", trade.region, trade.product\n",
            "`reads` names `trade.product`, which it does not read",
        ),
        ("of year - 1 to year", "of 2008", "expected `schema.table`, `schema.table of year`"),
        (
            "-- each: year in",
            "-- each: year, other in",
            "`each` has 2 names, and its query gives 1 columns",
        ),
        (
            "of year - 1 to year",
            "of year - 1 to year up to year",
            "has no parts that are numbers: say `reads: trade.region_year` without `up to`",
        ),
        (
            "-- key: year, region_code",
            "-- key: region_code, year",
            "its key begins with `region_code`",
        ),
    ] {
        let text = GROWTH.replace(from, to);
        work.project.write("pipelines/made_sql/panel.growth.sql", text.as_bytes());
        let error = work.run("lake", 2).expect_err("a fault").to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
