//! Rows of our own in the tables of PostgreSQL's catalog.

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::prelude::SessionContext;
use query::CATALOG;
use std::sync::Arc;

const SCHEMA: &str = "pg_catalog";

/// The rows of a table of PostgreSQL's catalog.
pub(crate) async fn of(context: &SessionContext, table: &str) -> Result<RecordBatch> {
    let of_postgres = context.sql(&format!("select * from {SCHEMA}.{table}")).await?;
    let schema = Arc::clone(of_postgres.schema().inner());
    Ok(concat_batches(&schema, &of_postgres.collect().await?)?)
}

/// Makes a table of PostgreSQL's catalog have the rows `own` and `ours`, of the same columns.
pub(crate) fn set(
    context: &SessionContext,
    table: &'static str,
    own: RecordBatch,
    ours: RecordBatch,
) -> Result<()> {
    let catalog = context
        .catalog(CATALOG)
        .ok_or_else(|| internal_datafusion_err!("the session has no catalog"))?;
    let inner = catalog
        .schema(SCHEMA)
        .ok_or_else(|| internal_datafusion_err!("the session has no pg_catalog"))?;
    let all = MemTable::try_new(own.schema(), vec![vec![own], vec![ours]])?;
    let provider = WithRows { inner, name: table, table: Arc::new(all) };
    catalog.register_schema(SCHEMA, Arc::new(provider))?;
    Ok(())
}

/// PostgreSQL's catalog, with another table of this name.
#[derive(Debug)]
struct WithRows {
    inner: Arc<dyn SchemaProvider>,
    name: &'static str,
    table: Arc<MemTable>,
}

#[async_trait]
impl SchemaProvider for WithRows {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name.eq_ignore_ascii_case(self.name) {
            return Ok(Some(Arc::clone(&self.table) as _));
        }
        self.inner.table(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
