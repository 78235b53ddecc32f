//! What two runs differ in.

use super::amount::Amount;
use serde::Serialize;

/// What two runs published differently, and why.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The run that is compared with.
    pub old: RunFound,
    /// The run that is compared.
    pub new: RunFound,
    /// What is other in what the tables were made from.
    pub causes: Vec<Cause>,
    /// Stages of which no record says what their tables were made from.
    pub unknown_causes: Vec<String>,
    /// Tables that only the new run has.
    pub tables_added: Vec<String>,
    /// Tables that only the old run has.
    pub tables_gone: Vec<String>,
    /// Tables that are the same in every byte.
    pub tables_same: Vec<String>,
    /// Tables that are others.
    pub tables_changed: Vec<TableChange>,
}

/// A run that is compared.
#[derive(Debug, Serialize)]
pub struct RunFound {
    /// Its name.
    pub run: String,
    /// Its number.
    pub number: Option<u64>,
    /// Its pipeline.
    pub pipeline: String,
    /// When it published, RFC 3339.
    pub published_at: String,
    /// The command line.
    pub command: Option<String>,
}

/// What a cause is a change of, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A file from outside.
    File,
    /// Keys of the config.
    Config,
    /// A SQL file.
    Sql,
    /// The version of a stage's code.
    Code,
    /// The stages themselves.
    Stage,
}

/// Something that is other, and what it was made to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// In words.
    pub change: String,
    /// The stages whose tables are made from it.
    pub stages: Vec<String>,
}

/// How many files of a table were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FilesFound {
    /// Those that both versions have: their rows are not read.
    pub shared: usize,
    /// Those of the old version that were read.
    pub read_old: usize,
    /// Those of the new version that were read.
    pub read_new: usize,
}

/// What a table is other in.
#[derive(Debug, Serialize)]
pub struct TableChange {
    /// The table.
    pub table: String,
    /// The columns by which rows are compared. Without any, a row that changed is one that is gone
    /// and one that is new.
    pub key: Vec<String>,
    /// Why it is not the table's own key, if it is not.
    pub note: Option<String>,
    /// Its files.
    pub files: FilesFound,
    /// Rows of the old version.
    pub rows_old: u64,
    /// Rows of the new version.
    pub rows_new: u64,
    /// Rows that only the new version has.
    pub rows_added: u64,
    /// Rows that only the old version has.
    pub rows_removed: u64,
    /// Rows that both have, with other values.
    pub rows_changed: u64,
    /// Columns that only the new version has.
    pub columns_added: Vec<String>,
    /// Columns that only the old version has.
    pub columns_gone: Vec<String>,
    /// Columns of another type.
    pub columns_retyped: Vec<String>,
    /// The columns with changes, in their order.
    pub columns: Vec<ColumnChange>,
    /// The column by which rows, regions and products are said to have moved.
    pub measure: Option<String>,
    /// The rows that moved most.
    pub rows: Vec<RowChange>,
    /// The regions that moved most.
    pub regions: Vec<Moved>,
    /// Those that moved most by each index of the table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions_by: Vec<MovedBy>,
    /// The products that moved most.
    pub products: Vec<Moved>,
}

/// Changes of a column, in rows that both versions have.
#[derive(Debug, PartialEq, Serialize)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// Its type.
    pub r#type: &'static str,
    /// Rows in which it changed.
    pub changed: u64,
    /// Those of them in which it was null before or is now: they have no size.
    pub from_or_to_null: u64,
    /// The largest change, without its sign. `None` of texts and flags.
    pub largest: Option<Amount>,
    /// The key of the row with the largest change.
    pub largest_at: Option<Vec<String>>,
    /// The mean of the changes without their signs.
    pub mean: Option<f64>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFate {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Both have it, with other values.
    Changed,
}

/// A row that is other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowChange {
    /// The values of its key; without one, of all columns.
    pub key: Vec<String>,
    /// What became of it.
    pub fate: RowFate,
    /// The measure before.
    pub old: Option<Amount>,
    /// The measure now.
    pub new: Option<Amount>,
    /// The columns that changed, if both versions have the row.
    pub columns: Vec<String>,
}

/// How far a region or product moved.
#[derive(Debug, PartialEq, Serialize)]
pub struct Moved {
    /// Its code.
    pub code: String,
    /// The sum of the changes without their signs.
    pub moved: Amount,
    /// The sum of the changes.
    pub change: Amount,
}

/// The regions that moved most by an index, over the rows in which both versions have it.
#[derive(Debug, PartialEq, Serialize)]
pub struct MovedBy {
    /// The column of the index.
    pub measure: String,
    /// The regions.
    pub regions: Vec<Moved>,
}
