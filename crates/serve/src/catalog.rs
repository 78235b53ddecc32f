//! PostgreSQL's own tables, and the standard's views of them: what clients read to learn which
//! tables there are.
//!
//! They are made of the contracts of what is published. Tables that say nothing of it, of types and
//! operators, are those that `datafusion-pg-catalog` brings.

mod of_session;
mod own;
mod pg;
mod standard;

use self::own::Own;
use crate::relations::{INFORMATION_SCHEMA, PG_CATALOG, Relations};
use crate::rows::Rows;
use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, BooleanArray, Int32Array, RecordBatch};
use datafusion::arrow::compute::{concat_batches, filter_record_batch};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion::prelude::SessionContext;
use query::CATALOG;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What PostgreSQL's own catalog has rows of, and this one has none.
const WITHOUT_ROWS: [&str; 9] = [
    "pg_auth_members",
    "pg_collation",
    "pg_depend",
    "pg_extension",
    "pg_init_privs",
    "pg_rewrite",
    "pg_shdescription",
    "pg_statistic",
    "pg_ts_config_map",
];

/// What comes with `datafusion-pg-catalog` and is not made here. It is as PostgreSQL has it.
const AS_IT_COMES: [&str; 42] = [
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_cast",
    "pg_conversion",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_enum",
    "pg_event_trigger",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_language",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_partitioned_table",
    "pg_policy",
    "pg_proc",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_range",
    "pg_seclabel",
    "pg_sequence",
    "pg_shdepend",
    "pg_shseclabel",
    "pg_statistic_ext",
    "pg_statistic_ext_data",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_tablespace",
    "pg_transform",
    "pg_trigger",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_type",
];

/// Those of them for text search.
const OF_TEXT_SEARCH: [&str; 2] = ["pg_ts_parser", "pg_ts_template"];

/// What the catalog of a publication has.
#[derive(Debug)]
pub(crate) struct Made {
    /// The tables, and PostgreSQL's own among them.
    pub(crate) relations: Relations,
    /// The names of PostgreSQL's own tables, of those without rows.
    pub(crate) own: BTreeMap<String, HasRows>,
    /// The names of types, by number.
    pub(crate) types: BTreeMap<i32, String>,
}

/// Whether a table has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HasRows {
    /// It may have.
    Maybe,
    /// In no session.
    Never,
}

/// Makes the catalog of what `relations` has, and of `databases`, and registers it. What
/// `datafusion-pg-catalog` has is registered already.
pub(crate) async fn register(
    context: &SessionContext,
    mut relations: Relations,
    databases: &[String],
) -> Result<Made> {
    let (mut own, types) = as_they_come(context).await?;
    // First which there are, as they tell of themselves too.
    for table in &own {
        relations.add_own(PG_CATALOG, &table.name, table.table.schema());
    }
    for (name, columns) in pg::COLUMNS {
        relations.add_own(PG_CATALOG, name, Rows::new(columns)?.schema());
    }
    for table in of_session::tables()? {
        relations.add_own(PG_CATALOG, &table.name, table.table.schema());
        own.push(table);
    }
    for (name, columns) in standard::COLUMNS {
        relations.add_own(INFORMATION_SCHEMA, name, Rows::new(columns)?.schema());
    }
    for (name, rows) in pg::tables(&relations, databases)? {
        own.push(Own::of(PG_CATALOG, name, rows)?);
    }
    for (name, rows) in standard::tables(&relations)? {
        own.push(Own::of(INFORMATION_SCHEMA, name, rows)?);
    }
    let catalog = context
        .catalog(CATALOG)
        .ok_or_else(|| internal_datafusion_err!("the session has no catalog"))?;
    let has_rows = own.iter().map(|table| {
        let has = if table.n_rows == Some(0) { HasRows::Never } else { HasRows::Maybe };
        (format!("{}.{}", table.schema, table.name), has)
    });
    let has_rows = has_rows.collect();
    for schema in [PG_CATALOG, INFORMATION_SCHEMA] {
        let tables = own.iter().filter(|table| table.schema == schema);
        let tables = tables.map(|table| (table.name.clone(), Arc::clone(&table.table)));
        catalog.register_schema(schema, Arc::new(Fixed(tables.collect())))?;
    }
    Ok(Made { relations, own: has_rows, types })
}

/// The tables that `datafusion-pg-catalog` has registered, as far as they are taken, and the names
/// of types by number.
async fn as_they_come(context: &SessionContext) -> Result<(Vec<Own>, BTreeMap<i32, String>)> {
    let provider = context.catalog(CATALOG).and_then(|catalog| catalog.schema(PG_CATALOG));
    let provider =
        provider.ok_or_else(|| internal_datafusion_err!("the session has no pg_catalog"))?;
    let (mut own, mut types) = (Vec::new(), BTreeMap::new());
    for name in AS_IT_COMES.into_iter().chain(OF_TEXT_SEARCH).chain(WITHOUT_ROWS) {
        let table = provider.table(name).await?;
        let table = table.ok_or_else(|| internal_datafusion_err!("pg_catalog has no {name}"))?;
        let schema = table.schema();
        let rows = if WITHOUT_ROWS.contains(&name) {
            RecordBatch::new_empty(schema)
        } else {
            let all = context.read_table(table)?.collect().await?;
            let all = concat_batches(&schema, &all)?;
            if name == "pg_type" {
                let kept = without_rows_of_tables(&all)?;
                types = names_of_types(&kept);
                kept
            } else {
                all
            }
        };
        own.push(Own::of(PG_CATALOG, name, rows)?);
    }
    Ok((own, types))
}

/// The types without those of rows of tables, which are tables of another server.
fn without_rows_of_tables(types: &RecordBatch) -> Result<RecordBatch> {
    let numbers = |name: &str| {
        let column = types.column_by_name(name);
        let column = column.and_then(|column| column.as_primitive_opt::<Int32Type>());
        column.ok_or_else(|| exec_datafusion_err!("pg_type has no {name}"))
    };
    let (schemas, tables) = (numbers("typnamespace")?, numbers("typrelid")?);
    let elements = numbers("typelem")?;
    let all = numbers("oid")?;
    let rows: BTreeSet<i32> =
        (0..types.num_rows()).filter(|&at| tables.value(at) != 0).map(|at| all.value(at)).collect();
    let kept: BooleanArray = (0..types.num_rows())
        .map(|at| {
            let is_of_rows = rows.contains(&all.value(at)) || rows.contains(&elements.value(at));
            Some(schemas.value(at) == 11 && !is_of_rows)
        })
        .collect();
    Ok(filter_record_batch(types, &kept)?)
}

/// The names of types, by number.
fn names_of_types(types: &RecordBatch) -> BTreeMap<i32, String> {
    let numbers = types.column_by_name("oid").and_then(|column| column.as_primitive_opt());
    let names = types.column_by_name("typname").and_then(|column| column.as_string_opt::<i32>());
    let (Some(numbers), Some(names)) = (numbers, names) else { return BTreeMap::new() };
    let numbers: &Int32Array = numbers;
    let pairs = numbers.iter().zip(names.iter());
    pairs.filter_map(|(number, name)| Some((number?, name?.to_owned()))).collect()
}

/// A schema of tables that stay as they are.
#[derive(Debug)]
struct Fixed(BTreeMap<String, Arc<dyn TableProvider>>);

#[async_trait]
impl SchemaProvider for Fixed {
    fn table_names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.0.get(name).cloned())
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
