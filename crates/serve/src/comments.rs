//! The contracts of tables and columns as PostgreSQL's comments.

use crate::{functions, pg_rows};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{Signature, TypeSignature, Volatility};
use datafusion::prelude::SessionContext;
use lake::TableVersion;
use std::collections::BTreeMap;
use std::sync::Arc;

const TABLE: &str = "pg_description";

/// The catalog of tables.
const PG_CLASS: &str = "pg_catalog.pg_class";

/// The number of each table in the session's catalog.
pub(crate) async fn numbers(context: &SessionContext) -> Result<BTreeMap<String, i32>> {
    let sql = "select n.nspname || '.' || c.relname as name, c.oid as oid from pg_catalog.pg_class c \
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace";
    by_name(context, sql).await
}

/// The number of each type.
pub(crate) async fn types(context: &SessionContext) -> Result<BTreeMap<String, i32>> {
    by_name(context, "select typname as name, oid as oid from pg_catalog.pg_type").await
}

async fn by_name(context: &SessionContext, sql: &str) -> Result<BTreeMap<String, i32>> {
    let mut numbers = BTreeMap::new();
    for batch in context.sql(sql).await?.collect().await? {
        let names = cast(batch.column(0), &DataType::Utf8)?;
        let oids = cast(batch.column(1), &DataType::Int32)?;
        let (names, oids) = (names.as_string::<i32>(), oids.as_primitive::<Int32Type>());
        for at in 0..batch.num_rows() {
            numbers.insert(names.value(at).to_owned(), oids.value(at));
        }
    }
    Ok(numbers)
}

/// Comments by the number of the table, and of the column; 0 for the table itself.
#[derive(Debug)]
pub(crate) struct Comments {
    texts: BTreeMap<(i32, i32), String>,
    pg_class: i32,
}

impl Comments {
    /// Those of `versions`.
    pub(crate) fn of<'v>(
        numbers: &BTreeMap<String, i32>,
        versions: impl Iterator<Item = &'v TableVersion>,
    ) -> Self {
        let mut comments = BTreeMap::new();
        for version in versions {
            let Some(&number) = numbers.get(&version.table) else { continue };
            let key = version.key.join(", ");
            comments.insert((number, 0), format!("{}. Key: {key}.", version.about));
            for (place, column) in (1..).zip(&version.columns) {
                let unit = if column.unit.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", column.unit)
                };
                comments.insert((number, place), format!("{}{unit}", column.about));
            }
        }
        Self { texts: comments, pg_class: numbers.get(PG_CLASS).copied().unwrap_or(0) }
    }
}

impl Comments {
    /// Their rows in `pg_description`, which has `own`.
    fn rows(&self, own: &RecordBatch) -> Result<RecordBatch> {
        let numbers = |of: &dyn Fn((i32, i32)) -> i32| -> ArrayRef {
            Arc::new(self.texts.keys().map(|&key| of(key)).collect::<Int32Array>())
        };
        let columns = own.schema_ref().fields().iter().map(|field| -> Result<ArrayRef> {
            let found: ArrayRef = match field.name().as_str() {
                "objoid" => numbers(&|(table, _)| table),
                "classoid" => numbers(&|_| self.pg_class),
                "objsubid" => numbers(&|(_, column)| column),
                _ => Arc::new(self.texts.values().map(Some).collect::<StringArray>()),
            };
            Ok(cast(&found, field.data_type())?)
        });
        Ok(RecordBatch::try_new(own.schema(), columns.collect::<Result<Vec<_>>>()?)?)
    }

    /// Those of tables, whose numbers are the first column, or of their columns, if the second has
    /// their places.
    fn of_columns(&self, arguments: &[ArrayRef]) -> Result<ArrayRef> {
        let [tables, rest @ ..] = arguments else {
            return Err(exec_datafusion_err!("expected the number of a table"));
        };
        let tables = functions::numbers_of::<Int32Type>(tables)?;
        let places = rest.first().and_then(|column| column.as_primitive_opt::<Int32Type>());
        let found: StringArray = (0..tables.len())
            .map(|at| {
                let place = match places {
                    Some(places) if places.is_null(at) => return None,
                    Some(places) => places.value(at),
                    None => 0,
                };
                let table = tables.is_valid(at).then(|| tables.value(at))?;
                self.texts.get(&(table, place))
            })
            .collect();
        Ok(Arc::new(found))
    }
}

/// Makes `comments` known where clients look for them: in `pg_description`, and by
/// `obj_description` and `col_description`.
pub(crate) async fn register(context: &SessionContext, comments: Comments) -> Result<()> {
    let own = pg_rows::of(context, TABLE).await?;
    let ours = comments.rows(&own)?;
    pg_rows::set(context, TABLE, own, ours)?;

    let comments = Arc::new(comments);
    let (number, text) = (DataType::Int32, DataType::Utf8);
    let two = |second: &DataType| TypeSignature::Exact(vec![number.clone(), second.clone()]);
    let of_tables = vec![TypeSignature::Exact(vec![number.clone()]), two(&text)];
    for (name, taken) in [("obj_description", of_tables), ("col_description", vec![two(&number)])] {
        let comments = Arc::clone(&comments);
        let signature = Signature::one_of(taken, Volatility::Stable);
        functions::register(context, name, signature, DataType::Utf8, move |columns| {
            comments.of_columns(columns)
        });
    }
    Ok(())
}
