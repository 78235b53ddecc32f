//! What two runs published differently: which tables, rows and columns, how far, and why.
//!
//! Versions share files. A file that both versions of a table have holds the same rows, so only the
//! others are read (`files`). Their rows are sorted by key, and both sides are gone through together
//! (`sorted`, `compare`), so that memory holds a batch of each open file.

mod amount;
mod causes;
mod cells;
mod changes;
mod compare;
mod error;
mod files;
mod found;
mod sorted;
mod tally;
mod text;

pub use self::amount::Amount;
pub use self::changes::changes;
pub use self::error::DiffError;
pub use self::found::{
    Cause, CauseKind, ColumnChange, Difference, FilesFound, Moved, MovedBy, RowChange, RowFate,
    RunFound, TableChange,
};
pub use self::text::write;

use self::files::{Comparison, are_same};
use lake::{HistoryError, KeptRun, Lake, Runs, TableVersion};
use report::published;
use std::collections::BTreeSet;
use tokio::runtime::Runtime;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Tables; empty: all.
    pub tables: Vec<String>,
    /// How many rows, regions and products are told of each table.
    pub top: usize,
}

/// Holds what two runs published against each other. A lease on both is the caller's.
///
/// # Errors
///
/// [`DiffError`] if a table is in neither, files that differ are gone, or cannot be read.
pub fn diff(
    runtime: &Runtime,
    lake: &Lake,
    (old, new): (&KeptRun, &KeptRun),
    runs: &Runs,
    asked: &Asked,
) -> Result<Difference, DiffError> {
    let (before, after) = (&old.catalog.tables, &new.catalog.tables);
    for table in &asked.tables {
        if !before.contains_key(table) {
            published::version(&new.catalog, table)?;
        }
    }
    let is_asked = |table: &&String| asked.tables.is_empty() || asked.tables.contains(table);
    let tables: BTreeSet<&String> = before.keys().chain(after.keys()).filter(is_asked).collect();
    let (causes, unknown_causes) = causes::causes(old, new, runs);
    let mut found = Difference {
        old: run_found(old),
        new: run_found(new),
        causes,
        unknown_causes,
        tables_added: Vec::new(),
        tables_gone: Vec::new(),
        tables_same: Vec::new(),
        tables_changed: Vec::new(),
    };
    let mut comparisons = Vec::new();
    for table in tables {
        match (before.get(table), after.get(table)) {
            (Some(old), Some(new)) if are_same(old, new) => found.tables_same.push(table.clone()),
            (Some(old), Some(new)) => {
                comparisons.push(((old.rows(), new.rows()), Comparison::of(old, new)));
            }
            (Some(_), None) => found.tables_gone.push(table.clone()),
            (None, _) => found.tables_added.push(table.clone()),
        }
    }
    verify(runtime, lake, old, comparisons.iter().map(|(_, compared)| &compared.old))?;
    verify(runtime, lake, new, comparisons.iter().map(|(_, compared)| &compared.new))?;
    for (rows, comparison) in comparisons {
        let change = compare::compare(runtime, lake, comparison, rows, asked.top)?;
        found.tables_changed.push(change);
    }
    Ok(found)
}

/// Looks whether the files that are to be read are there.
fn verify<'v>(
    runtime: &Runtime,
    lake: &Lake,
    run: &KeptRun,
    versions: impl Iterator<Item = &'v TableVersion>,
) -> Result<(), HistoryError> {
    runtime.block_on(lake.verify_kept(run, versions))
}

fn run_found(run: &KeptRun) -> RunFound {
    let record = run.record.as_ref();
    RunFound {
        run: run.catalog.run.clone(),
        number: record.map(|record| record.number).filter(|number| *number > 0),
        pipeline: run.catalog.pipeline.clone(),
        published_at: run.catalog.published_at.clone(),
        command: record.map(|record| record.command.clone()),
    }
}
