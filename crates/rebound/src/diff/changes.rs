//! A difference, for the report.

use super::found::{Cause, Difference, Moved, TableChange};
use serde_json::{Value, json};

/// What the report shows of a difference: `run` and the run `since` which, `tables` that are others,
/// with how many rows were added, removed and changed, the `regions` and `products` that moved most in
/// each table, regions also by each index, and `why`.
pub fn changes(found: &Difference) -> Value {
    let changed = found.tables_changed.iter().map(table);
    let added = found.tables_added.iter().map(|table| json!({"table": table, "fate": "added"}));
    let gone = found.tables_gone.iter().map(|table| json!({"table": table, "fate": "gone"}));
    let tables: Vec<Value> = changed.chain(added).chain(gone).collect();
    let unknown = found.unknown_causes.iter().map(|stage| {
        json!({"kind": "unknown", "change": "no record says what its tables were made from", "stages": stage})
    });
    let why: Vec<Value> = found.causes.iter().map(why).chain(unknown).collect();
    json!({
        "run": found.new.run, "since": found.old.run, "tables": tables, "n_same": found.tables_same.len(),
        "regions": moved(found, regions), "products": moved(found, |change| vec![(change.measure.as_deref(), change.products.as_slice())]),
        "why": why,
    })
}

fn table(change: &TableChange) -> Value {
    json!({"table": change.table, "fate": "changed", "rows": change.rows_new, "added": change.rows_added,
        "removed": change.rows_removed, "changed": change.rows_changed})
}

fn why(cause: &Cause) -> Value {
    json!({"kind": cause.kind, "change": cause.change, "stages": cause.stages.join(", ")})
}

/// By which column, and what moved most by it.
type By<'c> = (Option<&'c str>, &'c [Moved]);

/// The regions that moved most in a table: by its measure, and by each index.
fn regions(change: &TableChange) -> Vec<By<'_>> {
    let by_index =
        change.regions_by.iter().map(|by| (Some(by.measure.as_str()), by.regions.as_slice()));
    std::iter::once((change.measure.as_deref(), change.regions.as_slice()))
        .chain(by_index)
        .collect()
}

/// The regions or products that moved most, table by table: by which column, how far without signs,
/// and in sum.
fn moved(found: &Difference, of: fn(&TableChange) -> Vec<By<'_>>) -> Vec<Value> {
    let mut rows = Vec::new();
    for change in &found.tables_changed {
        for (measure, moved) in of(change) {
            // Where fewer moved than are listed, the last of them did not.
            let has_moved = |moved: &&Moved| moved.moved.float() != 0.0;
            rows.extend(moved.iter().filter(has_moved).map(|moved| {
                json!({"table": change.table, "measure": measure, "code": moved.code,
                    "moved": moved.moved.float(), "change": moved.change.float()})
            }));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Amount, CauseKind, FilesFound, MovedBy, RunFound};

    fn run(name: &str) -> RunFound {
        RunFound {
            run: name.to_owned(),
            number: None,
            pipeline: "p".to_owned(),
            published_at: format!("{name}Z"),
            command: None,
        }
    }

    #[test]
    fn a_difference_is_told_table_by_table() {
        let change = TableChange {
            table: "trade.region_year".to_owned(),
            key: vec!["region_code".to_owned()],
            note: None,
            files: FilesFound::default(),
            rows_old: 2,
            rows_new: 3,
            rows_added: 1,
            rows_removed: 0,
            rows_changed: 2,
            columns_added: Vec::new(),
            columns_gone: Vec::new(),
            columns_retyped: Vec::new(),
            columns: Vec::new(),
            measure: Some("fob_value".to_owned()),
            rows: Vec::new(),
            regions: vec![
                Moved {
                    code: "A".to_owned(),
                    moved: Amount::Money(3025),
                    change: Amount::Money(-3025),
                },
                Moved { code: "B".to_owned(), moved: Amount::Money(0), change: Amount::Money(0) },
            ],
            regions_by: vec![MovedBy {
                measure: "recovery".to_owned(),
                regions: vec![Moved {
                    code: "B".to_owned(),
                    moved: Amount::Float(0.5),
                    change: Amount::Float(0.25),
                }],
            }],
            products: Vec::new(),
        };
        let cause = Cause {
            kind: CauseKind::File,
            change: "raw/2008.csv has another content".to_owned(),
            stages: vec!["ingest".to_owned(), "models".to_owned()],
        };
        let found = Difference {
            old: run("1"),
            new: run("2"),
            causes: vec![cause],
            unknown_causes: Vec::new(),
            tables_added: vec!["panel.year".to_owned()],
            tables_gone: Vec::new(),
            tables_same: vec!["trade.region".to_owned()],
            tables_changed: vec![change],
        };
        let expected = json!({
            "run": "2", "since": "1", "n_same": 1,
            "tables": [
                {"table": "trade.region_year", "fate": "changed", "rows": 3, "added": 1, "removed": 0, "changed": 2},
                {"table": "panel.year", "fate": "added"},
            ],
            "regions": [
                {"table": "trade.region_year", "measure": "fob_value", "code": "A", "moved": 30.25, "change": -30.25},
                {"table": "trade.region_year", "measure": "recovery", "code": "B", "moved": 0.5, "change": 0.25},
            ],
            "products": [],
            "why": [{"kind": "file", "change": "raw/2008.csv has another content", "stages": "ingest, models"}],
        });
        assert_eq!(changes(&found), expected);
    }
}
