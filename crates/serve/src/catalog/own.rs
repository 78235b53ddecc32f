//! A table of PostgreSQL's own, made here.

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::Result;
use std::sync::Arc;

/// A table of the catalog.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) schema: &'static str,
    pub(super) name: String,
    pub(super) table: Arc<dyn TableProvider>,
    /// Its rows, unless each session has others.
    pub(super) rows: Option<RecordBatch>,
}

impl Own {
    pub(super) fn of(schema: &'static str, name: &str, rows: RecordBatch) -> Result<Self> {
        let table = Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?);
        Ok(Self { schema, name: name.to_owned(), table, rows: Some(rows) })
    }
}
