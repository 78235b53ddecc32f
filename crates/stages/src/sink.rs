//! Where the rows of a table go: to a file of the lake, or to memory.

use super::context::Context;
use super::sync::locked;
use arrow::array::RecordBatch;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Rows of tables that no lake holds, by table, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct MemoryTables(Mutex<BTreeMap<&'static str, Vec<RecordBatch>>>);

impl MemoryTables {
    /// Adds rows of a table, also none: the table is then there without rows.
    pub(crate) fn add(&self, table: &'static str, rows: RecordBatch) {
        locked(&self.0).entry(table).or_default().push(rows);
    }

    /// All of them.
    pub(crate) fn into_tables(self) -> BTreeMap<&'static str, Vec<RecordBatch>> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the rows of a table go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sink<'f, 'a> {
    /// To files of the context's tables.
    Lake(&'f Context<'a>),
    /// To memory.
    Memory(&'f MemoryTables),
}

impl<'f, 'a> From<&'f Context<'a>> for Sink<'f, 'a> {
    fn from(context: &'f Context<'a>) -> Self {
        Self::Lake(context)
    }
}
