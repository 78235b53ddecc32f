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
use datafusion::arrow::array::{
    AsArray, BooleanArray, Int32Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::arrow::compute::{concat_batches, filter_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion::prelude::SessionContext;
use query::CATALOG;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What PostgreSQL's own catalog has rows of, and this one has none.
const WITHOUT_ROWS: [&str; 7] = [
    "pg_auth_members",
    "pg_depend",
    "pg_extension",
    "pg_init_privs",
    "pg_rewrite",
    "pg_shdescription",
    "pg_statistic",
];

/// What comes with `datafusion-pg-catalog` and is not made here. It is as PostgreSQL has it.
const AS_IT_COMES: [&str; 41] = [
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
    /// The functions of PostgreSQL, by number.
    pub(crate) functions: BTreeMap<i32, Signature>,
}

/// A function: its name, and the numbers of the types that it takes and returns.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) takes: Vec<i32>,
    pub(crate) returns: i32,
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
    let mut own = as_they_come(context).await?;
    let types = names_of_types(rows_of(&own, "pg_type"));
    let functions = signatures(rows_of(&own, "pg_proc"));
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
        let is_empty = table.rows.as_ref().is_some_and(|rows| rows.num_rows() == 0);
        let has = if is_empty { HasRows::Never } else { HasRows::Maybe };
        (format!("{}.{}", table.schema, table.name), has)
    });
    let has_rows = has_rows.collect();
    for schema in [PG_CATALOG, INFORMATION_SCHEMA] {
        let tables = own.iter().filter(|table| table.schema == schema);
        let tables = tables.map(|table| (table.name.clone(), Arc::clone(&table.table)));
        catalog.register_schema(schema, Arc::new(Fixed(tables.collect())))?;
    }
    Ok(Made { relations, own: has_rows, types, functions })
}

/// The tables that `datafusion-pg-catalog` has registered, as far as they are taken.
async fn as_they_come(context: &SessionContext) -> Result<Vec<Own>> {
    let provider = context.catalog(CATALOG).and_then(|catalog| catalog.schema(PG_CATALOG));
    let provider =
        provider.ok_or_else(|| internal_datafusion_err!("the session has no pg_catalog"))?;
    let mut own = Vec::new();
    for name in AS_IT_COMES.into_iter().chain(OF_TEXT_SEARCH).chain(WITHOUT_ROWS) {
        let table = provider.table(name).await?;
        let table = table.ok_or_else(|| internal_datafusion_err!("pg_catalog has no {name}"))?;
        let schema = table.schema();
        let rows = if WITHOUT_ROWS.contains(&name) {
            with_lists(&RecordBatch::new_empty(schema))?
        } else {
            let all = context.read_table(table)?.collect().await?;
            let all = concat_batches(&schema, &all)?;
            let all = with_lists(&all)?;
            if name == "pg_type" { without_rows_of_tables(&all)? } else { all }
        };
        own.push(Own::of(PG_CATALOG, name, rows)?);
    }
    Ok(own)
}

/// The types without those of rows of tables, which are tables of another server.
fn without_rows_of_tables(types: &RecordBatch) -> Result<RecordBatch> {
    let numbers = |name: &str| {
        numbers_of(types, name).ok_or_else(|| exec_datafusion_err!("pg_type has no {name}"))
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

/// What is granted and set of objects of another server: lists, which are text in those tables.
const LISTS: [&str; 16] = [
    "defaclacl",
    "evttags",
    "extconfig",
    "fdwacl",
    "fdwoptions",
    "ftoptions",
    "lanacl",
    "lomacl",
    "proacl",
    "proconfig",
    "setconfig",
    "spcacl",
    "spcoptions",
    "srvacl",
    "srvoptions",
    "typacl",
];

/// The rows with null for such lists.
fn with_lists(rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
        if LISTS.contains(&field.name().as_str()) {
            let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
            let nulls = new_null_array(&texts, rows.num_rows());
            (Arc::new(Field::new(field.name(), texts, true)), nulls)
        } else {
            (Arc::clone(field), Arc::clone(column))
        }
    });
    let (fields, columns): (Vec<_>, Vec<_>) = columns.unzip();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The rows of a table that is the same in every session.
fn rows_of<'o>(own: &'o [Own], name: &str) -> Option<&'o RecordBatch> {
    own.iter().find(|table| table.name == name).and_then(|table| table.rows.as_ref())
}

fn numbers_of<'r>(rows: &'r RecordBatch, name: &str) -> Option<&'r Int32Array> {
    rows.column_by_name(name)?.as_primitive_opt::<Int32Type>()
}

fn texts_of<'r>(rows: &'r RecordBatch, name: &str) -> Option<&'r StringArray> {
    rows.column_by_name(name)?.as_string_opt::<i32>()
}

/// The names of types, by number.
fn names_of_types(types: Option<&RecordBatch>) -> BTreeMap<i32, String> {
    let pairs = types.and_then(|types| {
        Some(numbers_of(types, "oid")?.iter().zip(texts_of(types, "typname")?.iter()))
    });
    let pairs = pairs.into_iter().flatten();
    pairs.filter_map(|(number, name)| Some((number?, name?.to_owned()))).collect()
}

/// The functions, by number.
fn signatures(functions: Option<&RecordBatch>) -> BTreeMap<i32, Signature> {
    let found = functions.and_then(|rows| {
        let (oids, names) = (numbers_of(rows, "oid")?, texts_of(rows, "proname")?);
        let (takes, returns) = (texts_of(rows, "proargtypes")?, numbers_of(rows, "prorettype")?);
        let all = (0..rows.num_rows()).map(|at| {
            let takes = takes.value(at).split_whitespace().filter_map(|oid| oid.parse().ok());
            let name = names.value(at).to_owned();
            let signature = Signature { name, takes: takes.collect(), returns: returns.value(at) };
            (oids.value(at), signature)
        });
        Some(all.collect())
    });
    found.unwrap_or_default()
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
