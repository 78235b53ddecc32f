//! What the records of runs and the catalog say, as the tables of the schema `meta`. Their rows are
//! made when they are asked for and are no files of the lake.

use crate::catalog::{Catalog, RunRecord, Runs};
use crate::contract::{Column, Contract, Kind};
use crate::version::TableVersion;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::error::ArrowError;
use chrono::DateTime;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The schema of these tables.
pub const SCHEMA: &str = "meta";

/// The table of the lineage of columns, whose rows are made from SQL.
pub const LINEAGE: &str = "meta.lineage";

/// A column as it is declared: its name, its kind, whether it may be null, its unit and meaning.
type Declared = (&'static str, Kind, bool, &'static str, &'static str);

const RUN: Declared =
    ("run", Kind::Text, false, "", "name of the run: when it began, and its process");
const STAGE: Declared = ("stage", Kind::Text, false, "", "the stage, or the table that SQL makes");
const TABLE: Declared = ("table_name", Kind::Text, false, "", "the table, `schema.table`");

static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    vec![
        contract_of("meta.run", "one run", &["run"], RUNS),
        contract_of(
            "meta.stage",
            "what a run did with a stage",
            &["run", "stage"],
            &[
                RUN,
                STAGE,
                ("action", Kind::Text, false, "", "`built` or `reused`"),
                ("why", Kind::Text, false, "", "why"),
                ("seconds", Kind::Float, false, "seconds", "time it took"),
                ("n_rows", Kind::Count, false, "", "rows of all its tables"),
            ],
        ),
        contract_of(
            "meta.raw_file",
            "a file from outside that the record of a run names",
            &["run", "source_file"],
            &[
                RUN,
                ("source_file", Kind::Text, false, "", "the file, as tables name it"),
                (
                    "hash",
                    Kind::Text,
                    false,
                    "",
                    "hash of its bytes; of a remote file, of its version",
                ),
            ],
        ),
        contract_of(
            "meta.check_result",
            "a check that held on what a run was about to publish",
            &["run", "check_name"],
            &[
                RUN,
                ("check_name", Kind::Text, false, "", "the check: its file without `.sql`"),
                ("fingerprint", Kind::Text, false, "", "hash of its text and of what it read"),
            ],
        ),
        contract_of(
            "meta.table_version",
            "a version of a table that a run made or used",
            &["run", "table_name"],
            VERSIONS,
        ),
        contract_of(
            "meta.column",
            "a column of a published table",
            &["table_name", "position"],
            COLUMNS,
        ),
        contract_of(
            "meta.config",
            "a value of the config that a stage of a run depended on",
            &["run", "stage", "key"],
            &[
                RUN,
                STAGE,
                ("key", Kind::Text, false, "", "the key with its section, by points"),
                ("value", Kind::Text, false, "", "the value as JSON; a text without its quotes"),
            ],
        ),
        contract_of(
            LINEAGE,
            "what a column of a published table is computed from",
            &["table_name", "column_name", "from_table", "from_column"],
            EDGES,
        ),
    ]
});

const RUNS: &[Declared] = &[
    RUN,
    ("number", Kind::Count, false, "", "its place among the runs of the lake"),
    ("pipeline", Kind::Text, false, "", "the pipeline"),
    ("command", Kind::Text, false, "", "the command line"),
    ("started_at", Kind::Text, false, "", "when it began, RFC 3339"),
    ("ended_at", Kind::Text, true, "", "when it ended, RFC 3339; null if it goes on or was killed"),
    ("seconds", Kind::Float, true, "seconds", "time from its beginning to its end"),
    (
        "status",
        Kind::Text,
        false,
        "",
        "started, published, unchanged, held, check_failed, failed or unknown",
    ),
    ("error", Kind::Text, true, "", "what went wrong"),
    ("n_built", Kind::Count, false, "", "stages that it made"),
    ("n_reused", Kind::Count, false, "", "stages whose tables were there"),
    ("is_published", Kind::Flag, false, "", "whether its tables are the published ones"),
];

const VERSIONS: &[Declared] = &[
    RUN,
    TABLE,
    ("fingerprint", Kind::Text, false, "", "name of the version: hash of all it is made from"),
    STAGE,
    ("n_rows", Kind::Count, false, "", "rows"),
    ("n_bytes", Kind::Count, false, "bytes", "size of its files"),
    ("n_files", Kind::Count, false, "", "Parquet files"),
    ("made_at", Kind::Text, false, "", "when it was made, RFC 3339"),
    ("is_published", Kind::Flag, false, "", "whether it is the published version of the table"),
];

const COLUMNS: &[Declared] = &[
    TABLE,
    ("position", Kind::Int, false, "", "place of the column, from 1"),
    ("column_name", Kind::Text, false, "", "the column"),
    ("type", Kind::Text, false, "", "its type"),
    ("is_nullable", Kind::Flag, false, "", "whether it may be null"),
    ("unit", Kind::Text, false, "", "its unit; empty for codes and texts"),
    ("about", Kind::Text, false, "", "what it means"),
    ("key_position", Kind::Int, true, "", "its place in the key, from 1; null if it is not in it"),
];

const EDGES: &[Declared] = &[
    TABLE,
    (
        "column_name",
        Kind::Text,
        true,
        "",
        "the column; null where all rows of the table depend on `from_column`, or no column is known",
    ),
    ("from_table", Kind::Text, false, "", "a table that it is made from"),
    ("from_column", Kind::Text, true, "", "the column there; null if it is not known which"),
    ("is_condition", Kind::Flag, false, "", "whether it only chooses, groups or orders rows"),
];

fn contract_of(
    table: &'static str,
    about: &'static str,
    key: &'static [&'static str],
    columns: &[Declared],
) -> Contract {
    let column = |&(name, kind, is_nullable, unit, about): &Declared| Column {
        name: name.to_owned(),
        kind,
        is_nullable,
        unit: unit.to_owned(),
        about: about.to_owned(),
    };
    Contract { table, about, key, columns: columns.iter().map(column).collect() }
}

/// The contracts of these tables.
pub fn contracts() -> &'static [Contract] {
    &CONTRACTS
}

/// The contract of `table`, if it is one of them.
pub fn contract(table: &str) -> Option<&'static Contract> {
    CONTRACTS.iter().find(|contract| contract.table == table)
}

fn texts<'r>(cells: impl Iterator<Item = &'r str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(cells))
}

fn texts_or_null<'r>(cells: impl Iterator<Item = Option<&'r str>>) -> ArrayRef {
    Arc::new(cells.collect::<StringArray>())
}

fn counts(cells: impl Iterator<Item = u64>) -> ArrayRef {
    let cells = cells.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    Arc::new(Int64Array::from_iter_values(cells))
}

fn flags(cells: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(cells.collect::<Vec<bool>>()))
}

/// From the beginning of a run to its end.
fn seconds(run: &RunRecord) -> Option<f64> {
    let at = |time: &str| DateTime::parse_from_rfc3339(time).ok();
    let took = at(run.ended_at.as_deref()?)? - at(&run.started_at)?;
    Some(took.num_milliseconds() as f64 / 1000.0)
}

fn run_rows(runs: &[RunRecord], catalog: &Catalog) -> Vec<ArrayRef> {
    let n_of = |action: &'static str| {
        counts(runs.iter().map(move |run| {
            run.stages.iter().filter(|stage| stage.action == action).count() as u64
        }))
    };
    vec![
        texts(runs.iter().map(|run| run.run.as_str())),
        counts(runs.iter().map(|run| run.number)),
        texts(runs.iter().map(|run| run.pipeline.as_str())),
        texts(runs.iter().map(|run| run.command.as_str())),
        texts(runs.iter().map(|run| run.started_at.as_str())),
        texts_or_null(runs.iter().map(|run| run.ended_at.as_deref())),
        Arc::new(runs.iter().map(seconds).collect::<Float64Array>()),
        texts(runs.iter().map(|run| run.status.name())),
        texts_or_null(runs.iter().map(|run| run.error.as_deref())),
        n_of("built"),
        n_of("reused"),
        flags(runs.iter().map(|run| run.run == catalog.run)),
    ]
}

fn stage_rows(runs: &[RunRecord]) -> Vec<ArrayRef> {
    let rows: Vec<_> =
        runs.iter().flat_map(|run| run.stages.iter().map(move |stage| (run, stage))).collect();
    let millis = rows.iter().map(|(_, stage)| stage.millis as f64 / 1000.0);
    vec![
        texts(rows.iter().map(|(run, _)| run.run.as_str())),
        texts(rows.iter().map(|(_, stage)| stage.stage.as_str())),
        texts(rows.iter().map(|(_, stage)| stage.action.as_str())),
        texts(rows.iter().map(|(_, stage)| stage.why.as_str())),
        Arc::new(Float64Array::from_iter_values(millis)),
        counts(rows.iter().map(|(_, stage)| stage.rows)),
    ]
}

/// The files that a record names, each with its hash: those that its stages are made from, and those
/// that it read through.
fn files_of(run: &RunRecord) -> BTreeMap<&str, &str> {
    let read = run.files.iter().map(|(label, file)| (label.as_str(), file.hash.as_str()));
    let mut files: BTreeMap<&str, &str> = read.collect();
    for (name, said) in run.parts.values().flatten() {
        if let Some(label) = name.strip_prefix("file ") {
            // How it is read stands behind its hash.
            files.insert(label, said.split(" as ").next().unwrap_or(said));
        }
    }
    files
}

fn file_rows(runs: &[RunRecord]) -> Vec<ArrayRef> {
    let of = |run| files_of(run).into_iter().map(move |(label, hash)| (run, label, hash));
    let rows: Vec<(&RunRecord, &str, &str)> = runs.iter().flat_map(of).collect();
    vec![
        texts(rows.iter().map(|(run, ..)| run.run.as_str())),
        texts(rows.iter().map(|(_, label, _)| *label)),
        texts(rows.iter().map(|(.., hash)| *hash)),
    ]
}

fn check_rows(runs: &[RunRecord]) -> Vec<ArrayRef> {
    let rows: Vec<_> =
        runs.iter().flat_map(|run| run.checks.iter().map(move |check| (run, check))).collect();
    vec![
        texts(rows.iter().map(|(run, _)| run.run.as_str())),
        texts(rows.iter().map(|(_, (name, _))| name.as_str())),
        texts(rows.iter().map(|(_, (_, fingerprint))| fingerprint.as_str())),
    ]
}

fn version_rows(runs: &[RunRecord], catalog: &Catalog) -> Vec<ArrayRef> {
    let rows: Vec<(&RunRecord, &TableVersion)> = runs
        .iter()
        .flat_map(|run| run.tables.values().map(move |version| (run, version)))
        .collect();
    let is_published = |version: &TableVersion| {
        let published = catalog.tables.get(&version.table);
        published.is_some_and(|published| published.fingerprint == version.fingerprint)
    };
    vec![
        texts(rows.iter().map(|(run, _)| run.run.as_str())),
        texts(rows.iter().map(|(_, version)| version.table.as_str())),
        texts(rows.iter().map(|(_, version)| version.fingerprint.as_str())),
        texts(rows.iter().map(|(_, version)| version.stage.as_str())),
        counts(rows.iter().map(|(_, version)| version.rows())),
        counts(rows.iter().map(|(_, version)| version.bytes())),
        counts(rows.iter().map(|(_, version)| version.files.len() as u64)),
        texts(rows.iter().map(|(_, version)| version.made_at.as_str())),
        flags(rows.iter().map(|(_, version)| is_published(version))),
    ]
}

fn column_rows(catalog: &Catalog) -> Vec<ArrayRef> {
    let rows: Vec<(&TableVersion, i32, &Column)> = catalog
        .tables
        .values()
        .flat_map(|version| (1_i32..).zip(&version.columns).map(move |(at, c)| (version, at, c)))
        .collect();
    let key_position = |version: &TableVersion, column: &Column| {
        (1_i32..).zip(&version.key).find(|(_, name)| **name == column.name).map(|(at, _)| at)
    };
    vec![
        texts(rows.iter().map(|(version, ..)| version.table.as_str())),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|(_, at, _)| *at))),
        texts(rows.iter().map(|(.., column)| column.name.as_str())),
        texts(rows.iter().map(|(.., column)| column.kind.name())),
        flags(rows.iter().map(|(.., column)| column.is_nullable)),
        texts(rows.iter().map(|(.., column)| column.unit.as_str())),
        texts(rows.iter().map(|(.., column)| column.about.as_str())),
        Arc::new(
            rows.iter()
                .map(|(version, _, column)| key_position(version, column))
                .collect::<Int32Array>(),
        ),
    ]
}

/// Adds the values below `key`, each with its key.
fn add_values(key: &str, value: &Value, values: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                add_values(&format!("{key}.{name}"), value, values);
            }
        }
        Value::String(text) => values.push((key.to_owned(), text.clone())),
        other => values.push((key.to_owned(), other.to_string())),
    }
}

fn config_rows(runs: &[RunRecord]) -> Vec<ArrayRef> {
    let mut rows: Vec<(&str, &str, String, String)> = Vec::new();
    for run in runs {
        for (stage, parts) in &run.parts {
            for (name, said) in parts {
                let Some(section) = name.strip_prefix("config ") else { continue };
                let mut values = Vec::new();
                match serde_json::from_str(said) {
                    Ok(value) => add_values(section, &value, &mut values),
                    Err(_) => values.push((section.to_owned(), said.clone())),
                }
                rows.extend(
                    values.into_iter().map(|(key, value)| (&*run.run, &**stage, key, value)),
                );
            }
        }
    }
    vec![
        texts(rows.iter().map(|(run, ..)| *run)),
        texts(rows.iter().map(|(_, stage, ..)| *stage)),
        texts(rows.iter().map(|(_, _, key, _)| key.as_str())),
        texts(rows.iter().map(|(.., value)| value.as_str())),
    ]
}

/// The rows of a table of [`contracts`] but [`LINEAGE`]; `None` if it is none of them.
///
/// # Errors
///
/// [`ArrowError`] if they are not what the contract says.
pub fn rows(
    table: &str,
    runs: &Runs,
    catalog: &Catalog,
) -> Result<Option<RecordBatch>, ArrowError> {
    let Some(contract) = contract(table) else { return Ok(None) };
    let runs = &runs.records;
    let columns = match table {
        "meta.run" => run_rows(runs, catalog),
        "meta.stage" => stage_rows(runs),
        "meta.raw_file" => file_rows(runs),
        "meta.check_result" => check_rows(runs),
        "meta.table_version" => version_rows(runs, catalog),
        "meta.column" => column_rows(catalog),
        "meta.config" => config_rows(runs),
        _ => return Ok(None),
    };
    RecordBatch::try_new(contract.schema(), columns).map(Some)
}

/// What a column, or a table, is made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LineageEdge {
    /// The table, `schema.table`.
    pub table: String,
    /// The column; `None` of what all rows depend on, and where no column is known.
    pub column: Option<String>,
    /// A table that it is made from.
    pub from_table: String,
    /// The column there; `None` if it is not known which.
    pub from_column: Option<String>,
    /// Whether it only chooses, groups or orders rows.
    pub is_condition: bool,
}

/// The rows of [`LINEAGE`].
///
/// # Errors
///
/// [`ArrowError`] if they are not what the contract says.
pub fn lineage_rows(edges: &[LineageEdge]) -> Result<Option<RecordBatch>, ArrowError> {
    let Some(contract) = contract(LINEAGE) else { return Ok(None) };
    let columns = vec![
        texts(edges.iter().map(|edge| edge.table.as_str())),
        texts_or_null(edges.iter().map(|edge| edge.column.as_deref())),
        texts(edges.iter().map(|edge| edge.from_table.as_str())),
        texts_or_null(edges.iter().map(|edge| edge.from_column.as_deref())),
        flags(edges.iter().map(|edge| edge.is_condition)),
    ];
    RecordBatch::try_new(contract.schema(), columns).map(Some)
}

/// What a version was made from, as the record of a run says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFrom<'r> {
    /// The tables that were read.
    pub tables: Vec<&'r str>,
    /// Whether SQL made it.
    pub is_sql: bool,
    /// Its text, where the record has it: records of before have none.
    pub sql: Option<&'r str>,
}

/// What `version` was made from; `None` if no record says it.
pub fn made_from<'r>(runs: &'r Runs, version: &TableVersion) -> Option<MadeFrom<'r>> {
    runs.records.iter().rev().find_map(|run| {
        let known = run.tables.get(&version.table)?;
        if known.fingerprint != version.fingerprint {
            return None;
        }
        // A stage's parts stand under its name, those of SQL and of users' tables under the table's.
        let parts = run.parts.get(&version.stage).or_else(|| run.parts.get(&version.table))?;
        Some(MadeFrom {
            tables: parts.keys().filter_map(|name| name.strip_prefix("table ")).collect(),
            is_sql: parts.contains_key("sql"),
            sql: run.sql.get(&version.table).map(String::as_str),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{FileRecord, RunStatus, StageRecord};
    use crate::fingerprint::Fingerprint;
    use arrow::util::pretty::pretty_format_batches;

    fn version(table: &str, stage: &str, seed: &str) -> TableVersion {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
            is_nullable: kind == Kind::Money,
            unit: String::new(),
            about: format!("the {name}"),
        };
        TableVersion {
            table: table.to_owned(),
            stage: stage.to_owned(),
            fingerprint: Fingerprint::of(seed.as_bytes()),
            files: Vec::new(),
            key: vec!["year".to_owned()],
            about: String::new(),
            columns: vec![column("fob_value", Kind::Money), column("year", Kind::Int)],
            metadata: BTreeMap::new(),
            made_at: "2026-01-01T00:00:00.000Z".to_owned(),
        }
    }

    fn record(run: &str, number: u64, versions: &[&TableVersion]) -> RunRecord {
        let tables = versions.iter().map(|version| (version.table.clone(), (*version).clone()));
        RunRecord {
            run: run.to_owned(),
            number,
            pipeline: "p".to_owned(),
            command: "rebound run p.yaml".to_owned(),
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
            ended_at: Some("2026-01-01T00:00:02.500Z".to_owned()),
            found: None,
            status: RunStatus::Published,
            error: None,
            stages: Vec::new(),
            parts: BTreeMap::new(),
            files: BTreeMap::new(),
            tables: tables.collect(),
            published_at: None,
            checks: BTreeMap::new(),
            sql: BTreeMap::new(),
            check_results: Vec::new(),
        }
    }

    /// Two runs: the second was killed after it had made `trade.region_year` again.
    fn lake() -> (Runs, Catalog) {
        let records = version("customs.records", "ingest", "records");
        let first = version("trade.region_year", "aggregate", "first");
        let second = version("trade.region_year", "aggregate", "second");
        let parts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|&(name, said)| (name.to_owned(), said.to_owned())).collect()
        };
        let mut published = record("a", 1, &[&records, &first]);
        published.stages = ["ingest", "aggregate"]
            .map(|stage| StageRecord {
                stage: stage.to_owned(),
                action: if stage == "ingest" { "reused" } else { "built" }.to_owned(),
                why: "new".to_owned(),
                millis: 1250,
                rows: 3,
                units_made: 1,
                units_reused: 0,
            })
            .to_vec();
        published.parts = BTreeMap::from([
            ("ingest".to_owned(), parts(&[("file raw/2008.csv", "00ff as australia")])),
            (
                "aggregate".to_owned(),
                parts(&[
                    ("code", "3"),
                    ("config aggregate", r#"{"min": 1.5, "by": {"flow": "export", "none": {}}}"#),
                    ("table customs.records", "12"),
                ]),
            ),
        ]);
        let (hash, state) = (Fingerprint::of(b"x"), String::new());
        published.files.insert("raw/2009.csv".to_owned(), FileRecord { hash, state });
        published.checks.insert("no_holes".to_owned(), Fingerprint::of(b"check"));
        let catalog = Catalog {
            format: Catalog::FORMAT,
            run: "a".to_owned(),
            pipeline: "p".to_owned(),
            published_at: "2026-01-01T00:00:02.000Z".to_owned(),
            tables: published.tables.clone(),
            checks: published.checks.clone(),
        };
        let mut killed = record("b", 2, &[&second]);
        killed.ended_at = None;
        killed.status = RunStatus::Started;
        (Runs { records: vec![published, killed], left_out: Vec::new() }, catalog)
    }

    #[track_caller]
    fn check(table: &str, columns: &[&str], expected: &[&str]) {
        let (runs, catalog) = lake();
        let batch = rows(table, &runs, &catalog).expect("as declared").expect("a table");
        let places: Vec<usize> =
            columns.iter().map(|name| batch.schema().index_of(name).expect("a column")).collect();
        let batch = batch.project(&places).expect("columns");
        let text = pretty_format_batches(&[batch]).expect("printable").to_string();
        let lines = text.lines().skip(3).filter(|line| line.starts_with('|'));
        let found: Vec<String> = lines
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                cells.join(",")
            })
            .collect();
        assert_eq!(found, expected, "{table}");
    }

    #[test]
    fn tables_say_what_records_and_catalog_say() {
        check(
            "meta.run",
            &["run", "number", "seconds", "status", "n_built", "n_reused", "is_published"],
            &["a,1,2.5,published,1,1,true", "b,2,,started,0,0,false"],
        );
        check(
            "meta.stage",
            &["run", "stage", "action", "seconds", "n_rows"],
            &["a,ingest,reused,1.25,3", "a,aggregate,built,1.25,3"],
        );
        let read = Fingerprint::of(b"x");
        check(
            "meta.raw_file",
            &["run", "source_file", "hash"],
            &["a,raw/2008.csv,00ff", &format!("a,raw/2009.csv,{read}")],
        );
        check("meta.check_result", &["run", "check_name"], &["a,no_holes"]);
        check(
            "meta.table_version",
            &["run", "table_name", "stage", "is_published"],
            &[
                "a,customs.records,ingest,true",
                "a,trade.region_year,aggregate,true",
                "b,trade.region_year,aggregate,false",
            ],
        );
        check(
            "meta.column",
            &["table_name", "position", "column_name", "type", "is_nullable", "key_position"],
            &[
                "customs.records,1,fob_value,decimal(20,2),true,",
                "customs.records,2,year,int,false,1",
                "trade.region_year,1,fob_value,decimal(20,2),true,",
                "trade.region_year,2,year,int,false,1",
            ],
        );
    }

    #[test]
    fn config_is_told_by_key() {
        check(
            "meta.config",
            &["run", "stage", "key", "value"],
            &[
                "a,aggregate,aggregate.by.flow,export",
                "a,aggregate,aggregate.by.none,{}",
                "a,aggregate,aggregate.min,1.5",
            ],
        );
    }

    #[test]
    fn every_declared_table_has_rows_but_lineage() {
        let (runs, catalog) = lake();
        for contract in contracts() {
            let has_rows = rows(contract.table, &runs, &catalog).expect("as declared").is_some();
            assert_eq!(has_rows, contract.table != LINEAGE, "{}", contract.table);
        }
        assert!(rows("meta.runs", &runs, &catalog).expect("nothing").is_none());
        assert!(lineage_rows(&[]).expect("as declared").is_some());
    }

    #[test]
    fn what_a_version_is_made_from_is_found_in_the_newest_record_that_says_it() {
        let (mut runs, catalog) = lake();
        let published = &catalog.tables["trade.region_year"];
        let made = made_from(&runs, published).expect("a record");
        assert_eq!(made, MadeFrom { tables: vec!["customs.records"], is_sql: false, sql: None });
        // The killed run's version is another, and its record has no parts.
        let other = runs.records[1].tables["trade.region_year"].clone();
        assert_eq!(made_from(&runs, &other), None);
        let sql = "select 1 as year".to_owned();
        runs.records[0].sql.insert("trade.region_year".to_owned(), sql);
        let made = made_from(&runs, published).expect("a record");
        assert_eq!(made.sql, Some("select 1 as year"));
    }
}
