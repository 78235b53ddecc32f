//! The databases that clients connect to: what is published, and what each kept run published.

use crate::pg_rows;
use datafusion::arrow::array::{
    ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, UInt32Array,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::prelude::SessionContext;
use lake::{KeptRun, RunRecord, Runs};
use query::CATALOG;
use std::sync::Arc;

const TABLE: &str = "pg_database";

/// The number of the first database of a run.
const FIRST: i32 = 1_000_000;

/// Databases that are named in an error.
const NAMED: usize = 12;

/// The run that a client of the database `name` asks for; `None` if it asks for what is published.
pub(crate) fn asked<'n>(name: &'n str, user: &str) -> Option<&'n str> {
    // A client that names no database names its user.
    let (_, run) = name.split_once('@').filter(|_| name != user)?;
    Some(run)
}

/// The database of a run.
fn of_record(run: &RunRecord) -> String {
    match run.number {
        // Runs of old lakes have none.
        0 => format!("{CATALOG}@{}", run.run),
        number => format!("{CATALOG}@{number}"),
    }
}

/// The database of a run that published.
pub(crate) fn of_run(run: &KeptRun) -> String {
    match &run.record {
        Some(record) => of_record(record),
        None => format!("{CATALOG}@{}", run.catalog.run),
    }
}

/// The databases of all runs that published, oldest first. The run `now` published last.
pub(crate) fn all(runs: &Runs, now: &str) -> Vec<String> {
    runs.published(now).into_iter().map(of_record).collect()
}

/// The newest of them, as an error names them.
pub(crate) fn listed(names: &[String]) -> String {
    let newest: Vec<&str> = names.iter().rev().take(NAMED).map(String::as_str).collect();
    let more = if names.len() > NAMED { ", ..." } else { "" };
    let all: Vec<&str> = std::iter::once(CATALOG).chain(newest).collect();
    format!("{}{more}", all.join(", "))
}

/// Lists `names` among the databases, beside that of what is published.
pub(crate) async fn register(context: &SessionContext, names: &[String]) -> Result<()> {
    let own = pg_rows::of(context, TABLE).await?;
    let ours = rows(&own, names)?;
    pg_rows::set(context, TABLE, own, ours)
}

/// A row for each name, which is otherwise as the row of what is published is.
fn rows(own: &RecordBatch, names: &[String]) -> Result<RecordBatch> {
    let none = || internal_datafusion_err!("pg_database does not have {}", CATALOG);
    let known = cast(own.column_by_name("datname").ok_or_else(none)?, &DataType::Utf8)?;
    let place = known.as_string::<i32>().iter().position(|name| name == Some(CATALOG));
    let place = place.and_then(|at| u32::try_from(at).ok()).ok_or_else(none)?;
    let places = UInt32Array::from(vec![place; names.len()]);
    let columns = own.schema_ref().fields().iter().zip(own.columns()).map(
        |(field, column)| -> Result<ArrayRef> {
            let column: ArrayRef = match field.name().as_str() {
                "oid" => Arc::new((FIRST..).take(names.len()).collect::<Int32Array>()),
                "datname" => Arc::new(names.iter().map(Some).collect::<StringArray>()),
                _ => take(column, &places, None)?,
            };
            Ok(cast(&column, field.data_type())?)
        },
    );
    Ok(RecordBatch::try_new(own.schema(), columns.collect::<Result<Vec<_>>>()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{Field, Schema};

    #[test]
    fn databases_with_an_at_are_runs() {
        for (name, user, expected) in [
            ("rebound", "ada", None),
            ("anything", "ada", None),
            ("rebound@12", "ada", Some("12")),
            ("lake@20260731", "ada", Some("20260731")),
            ("rebound@", "ada", Some("")),
            // Without a database.
            ("ada@example.org", "ada@example.org", None),
            ("ada@example.org", "bob", Some("example.org")),
        ] {
            assert_eq!(asked(name, user), expected, "{name}");
        }
    }

    #[test]
    fn errors_name_the_newest() {
        let names: Vec<String> = (1..=14).map(|n| format!("rebound@{n}")).collect();
        assert_eq!(listed(&names[..2]), "rebound, rebound@2, rebound@1");
        assert_eq!(listed(&[]), "rebound");
        let told = listed(&names);
        assert!(told.starts_with("rebound, rebound@14, ") && told.ends_with("@3, ..."), "{told}");
    }

    #[test]
    fn each_is_a_row_like_that_of_what_is_published() {
        let fields = [
            Field::new("oid", DataType::Int32, false),
            Field::new("datname", DataType::Utf8, false),
            Field::new("encoding", DataType::Int32, false),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![7, 8])),
            Arc::new(StringArray::from(vec!["postgres", "rebound"])),
            Arc::new(Int32Array::from(vec![1, 6])),
        ];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let own = RecordBatch::try_new(schema, columns).expect("rows");
        let names = ["rebound@1".to_owned(), "rebound@2".to_owned()];
        let found = rows(&own, &names).expect("rows");
        let expected: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![FIRST, FIRST + 1])),
            Arc::new(StringArray::from(vec!["rebound@1", "rebound@2"])),
            Arc::new(Int32Array::from(vec![6, 6])),
        ];
        assert_eq!(found.columns(), expected);
        assert_eq!(rows(&own, &[]).expect("rows").num_rows(), 0);
    }
}
