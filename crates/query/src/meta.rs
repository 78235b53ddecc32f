//! The tables of the schema `meta`, as sessions know them.

use crate::{QueryError, Session, lineage};
use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use lake::meta::{self, LineageEdge};
use lake::{Catalog, Runs};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Session {
    /// Makes rows in memory known under the name of a table, `schema.table`, in the place of what
    /// had the name.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if the session does not take them.
    pub fn register_batch(&self, table: &str, rows: RecordBatch) -> Result<(), QueryError> {
        let broken = |source| QueryError::Register { table: table.to_owned(), source };
        let (schema, name) = table.split_once('.').unwrap_or(("public", table));
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(broken)?;
        let provider = self.schema(schema).map_err(broken)?;
        provider.deregister_table(name).map_err(broken)?;
        provider.register_table(name.to_owned(), Arc::new(memory)).map_err(broken)?;
        Ok(())
    }

    /// Makes those of `tables` known that are of the schema `meta`. The tables of `catalog` must be
    /// known: for lineage, the texts of SQL are planned over them.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if the session does not take them, and [`QueryError::NoThread`].
    pub async fn register_meta(
        &self,
        runs: &Runs,
        catalog: &Catalog,
        tables: &BTreeSet<String>,
    ) -> Result<(), QueryError> {
        // A table of the pipeline that has such a name stays.
        for table in tables.iter().filter(|table| !catalog.tables.contains_key(*table)) {
            let rows = if table == meta::LINEAGE {
                meta::lineage_rows(&self.lineage_of(runs, catalog).await?)
            } else {
                meta::rows(table, runs, catalog)
            };
            let rows = rows.map_err(|error| QueryError::Register {
                table: table.clone(),
                source: DataFusionError::from(error),
            })?;
            if let Some(rows) = rows {
                self.register_batch(table, rows)?;
            }
        }
        Ok(())
    }

    /// What the columns of `catalog` are made from, as far as the records of runs say it.
    async fn lineage_of(
        &self,
        runs: &Runs,
        catalog: &Catalog,
    ) -> Result<Vec<LineageEdge>, QueryError> {
        let mut edges = Vec::new();
        for (table, version) in &catalog.tables {
            let Some(made) = meta::made_from(runs, version) else { continue };
            if let Some(sql) = made.sql {
                match self.lineage(sql).await {
                    Ok(found) => {
                        edges.extend(found.edges(table));
                        continue;
                    }
                    // Over what is published now, a text of before may be no query. Its tables are
                    // known all the same.
                    Err(error) if error.is_users() => {}
                    Err(error) => return Err(error),
                }
            }
            let key = version.key.iter().map(String::as_str);
            // Of what SQL makes, the key may come from elsewhere.
            let key = key.filter(|_| !made.is_sql);
            let reads = made.tables.iter().map(|&from| {
                let columns = catalog.tables.get(from).map(|read| read.columns.as_slice());
                (from, columns.unwrap_or_default())
            });
            edges.extend(lineage::of_stage(table, key, reads));
        }
        Ok(edges)
    }
}
