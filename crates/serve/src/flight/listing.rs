//! What is in a database: schemas, tables, columns and keys, and what the server can do.

use crate::flight::seat::Entered;
use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTableTypes,
    CommandGetTables, Nullable, Searchable, SqlInfo, SqlSupportedTransaction, XdbcDataType,
};
use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use lake::{Column, Kind, meta};
use query::CATALOG;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const TABLE: &str = "TABLE";

/// A table.
struct Table<'p> {
    schema: &'p str,
    name: &'p str,
    about: &'p str,
    key: Vec<&'p str>,
    columns: &'p [Column],
}

/// The tables of a database, which is a catalog to clients.
pub(crate) struct Listing<'p> {
    catalog: &'p str,
    tables: Vec<Table<'p>>,
}

impl<'p> Listing<'p> {
    /// Those of what a client reads.
    pub(crate) fn of(entered: &'p Entered) -> Self {
        let published = entered.publication.catalog.tables.values().map(|version| {
            let key: Vec<&str> = version.key.iter().map(String::as_str).collect();
            (version.table.as_str(), version.about.as_str(), key, version.columns.as_slice())
        });
        let of_meta = meta::contracts().iter().map(|contract| {
            (contract.table, contract.about, contract.key.to_vec(), contract.columns.as_slice())
        });
        let tables = published.chain(of_meta).map(|(table, about, key, columns)| {
            let (schema, name) = table.split_once('.').unwrap_or(("public", table));
            Table { schema, name, about, key, columns }
        });
        Self { catalog: entered.of_run.as_deref().unwrap_or(CATALOG), tables: tables.collect() }
    }

    /// The database alone: others are chosen, and not joined.
    pub(crate) fn catalogs(&self, asked: CommandGetCatalogs) -> Result<RecordBatch> {
        let mut found = asked.into_builder();
        found.append(self.catalog);
        found.build()
    }

    pub(crate) fn schemas(&self, asked: CommandGetDbSchemas) -> Result<RecordBatch> {
        let mut found = asked.into_builder();
        let schemas: BTreeSet<&str> = self.tables.iter().map(|table| table.schema).collect();
        for schema in schemas {
            found.append(self.catalog, schema);
        }
        found.build()
    }

    pub(crate) fn tables(&self, asked: CommandGetTables) -> Result<RecordBatch> {
        let mut found = asked.into_builder();
        for table in &self.tables {
            found.append(self.catalog, table.schema, table.name, TABLE, &table.columns())?;
        }
        found.build()
    }

    /// The columns of the key of a table, in the order that its rows are sorted by.
    pub(crate) fn primary_keys(&self, asked: &CommandGetPrimaryKeys) -> Result<RecordBatch> {
        let is_asked = |table: &&Table<'_>| {
            table.name == asked.table
                && asked.db_schema.as_ref().is_none_or(|schema| schema == table.schema)
                && asked.catalog.as_ref().is_none_or(|catalog| catalog == self.catalog)
        };
        let rows: Vec<(&Table<'_>, &str, i32)> = self
            .tables
            .iter()
            .filter(is_asked)
            .flat_map(|table| table.key.iter().zip(1..).map(move |(key, at)| (table, *key, at)))
            .collect();
        let texts = |of: &dyn Fn(&Table<'p>, &'p str) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|&(table, key, _)| of(table, key)),
            ))
        };
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("catalog_name", texts(&|_, _| self.catalog.to_owned()), true),
            ("db_schema_name", texts(&|table, _| table.schema.to_owned()), true),
            ("table_name", texts(&|table, _| table.name.to_owned()), false),
            ("column_name", texts(&|_, key| key.to_owned()), false),
            ("key_name", texts(&|table, _| format!("{}_key", table.name)), true),
            (
                "key_sequence",
                Arc::new(rows.iter().map(|(_, _, at)| *at).collect::<Int32Array>()),
                false,
            ),
        ];
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

impl Table<'_> {
    /// Its columns, with what they mean where clients of Flight SQL look for it.
    fn columns(&self) -> Schema {
        let fields = self.columns.iter().map(|column| {
            let unit =
                if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
            let said = [
                ("DB_SCHEMA_NAME", self.schema.to_owned()),
                ("TABLE_NAME", self.name.to_owned()),
                ("TYPE_NAME", column.kind.name().to_owned()),
                ("REMARKS", format!("{}{unit}", column.about)),
                ("IS_READ_ONLY", "1".to_owned()),
            ];
            let said = said.map(|(name, value)| (format!("ARROW:FLIGHT:SQL:{name}"), value));
            Field::new(&column.name, column.kind.arrow(), column.is_nullable)
                .with_metadata(said.into())
        });
        let said = [
            ("rebound.about".to_owned(), self.about.to_owned()),
            ("rebound.key".to_owned(), self.key.join(",")),
        ];
        Schema::new_with_metadata(fields.collect::<Vec<_>>(), said.into())
    }
}

/// The kinds of tables: there is one.
pub(crate) fn table_types(asked: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut found = asked.into_builder();
    found.append(TABLE);
    found.build()
}

/// No keys of other tables: contracts have none.
pub(crate) fn no_foreign_keys() -> RecordBatch {
    let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
    let of = |side: &str| {
        [
            ("catalog_name", true),
            ("db_schema_name", true),
            ("table_name", false),
            ("column_name", false),
        ]
        .map(|(name, is_nullable)| text(&format!("{side}_{name}"), is_nullable))
    };
    let rest = [
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ];
    let fields: Vec<Field> = of("pk").into_iter().chain(of("fk")).chain(rest).collect();
    RecordBatch::new_empty(Arc::new(Schema::new(fields)))
}

/// What the server is and can do. A query ends after `timeout`.
pub(crate) fn server(timeout: Duration) -> Result<SqlInfoData> {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "Rebound");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, datafusion::arrow::ARROW_VERSION);
    info.append(SqlInfo::FlightSqlServerReadOnly, true);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    // Nothing changes, so each query is a transaction of its own.
    let transactions = SqlSupportedTransaction::None as i32;
    info.append(SqlInfo::FlightSqlServerTransaction, transactions);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    info.append(SqlInfo::FlightSqlServerStatementTimeout, millis);
    for refused in [SqlInfo::SqlDdlCatalog, SqlInfo::SqlDdlSchema, SqlInfo::SqlDdlTable] {
        info.append(refused, false);
    }
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    info.append(SqlInfo::SqlAllTablesAreSelectable, true);
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlCatalogTerm, "database");
    info.append(SqlInfo::SqlSupportsColumnAliasing, true);
    info.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    info.build()
}

/// The types of columns.
pub(crate) fn types() -> Result<XdbcTypeInfoData> {
    let mut types = XdbcTypeInfoDataBuilder::new();
    for (kind, data_type, size) in [
        (Kind::Text, XdbcDataType::XdbcVarchar, None),
        (Kind::Int, XdbcDataType::XdbcInteger, Some(32)),
        (Kind::Count, XdbcDataType::XdbcBigint, Some(64)),
        (Kind::Float, XdbcDataType::XdbcDouble, Some(53)),
        (Kind::Money, XdbcDataType::XdbcDecimal, Some(i32::from(lake::contract::MONEY.0))),
        (Kind::Flag, XdbcDataType::XdbcBit, Some(1)),
    ] {
        let quote = (kind == Kind::Text).then(|| "'".to_owned());
        let scale = (kind == Kind::Money).then_some(i32::from(lake::contract::MONEY.1));
        let is_number = !matches!(kind, Kind::Text | Kind::Flag);
        types.append(XdbcTypeInfo {
            type_name: kind.name().to_owned(),
            data_type,
            column_size: size,
            literal_prefix: quote.clone(),
            literal_suffix: quote,
            create_params: None,
            nullable: Nullable::NullabilityNullable,
            case_sensitive: kind == Kind::Text,
            searchable: Searchable::Full,
            unsigned_attribute: is_number.then_some(false),
            fixed_prec_scale: kind == Kind::Money,
            auto_increment: Some(false),
            local_type_name: Some(kind.name().to_owned()),
            minimum_scale: scale,
            maximum_scale: scale,
            sql_data_type: data_type,
            datetime_subcode: None,
            num_prec_radix: is_number.then_some(if kind == Kind::Money { 10 } else { 2 }),
            interval_precision: None,
        });
    }
    types.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_has_the_columns_of_the_protocol() {
        assert_eq!(no_foreign_keys().num_columns(), 13);
        let types = types().expect("types").record_batch(None).expect("rows");
        assert_eq!((types.num_rows(), types.num_columns()), (6, 19));
        let server = server(Duration::from_secs(300)).expect("what it is");
        let named = server.record_batch([SqlInfo::FlightSqlServerName as u32]).expect("rows");
        assert_eq!(named.num_rows(), 1);
    }
}
