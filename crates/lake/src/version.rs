//! Versions of tables: what they are named, and which files they have.

use crate::contract::Column;
use crate::error::LakeError;
use crate::fingerprint::{ContentHash, Fingerprint};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One Parquet file of a version. Versions may share files, so that each says where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path below the root of the lake.
    pub path: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// The hash of its bytes, taken while they were written.
    pub hash: ContentHash,
    /// The unit that it is: a year, an episode; none where the table is not divided by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where files of a unit are divided once more, what of it this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The raw file that its rows are of, if all are of one: what they have in the column
    /// `source_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_file: Option<String>,
    /// The years that its rows have in the column `year`, ascending, where the file is of no one
    /// year by its unit; none where nobody noted them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<i32>,
}

impl DataFile {
    /// A file of so many rows and bytes with this hash, of which nothing else is said.
    pub fn new(path: String, rows: u64, bytes: u64, hash: ContentHash) -> Self {
        Self {
            path,
            rows,
            bytes,
            hash,
            unit: None,
            part: None,
            source_file: None,
            years: Vec::new(),
        }
    }

    /// The error that it is not as it was written, but as `found` says.
    pub(crate) fn lost(&self, table: &str, found: String) -> LakeError {
        let (table, path) = (table.to_owned(), self.path.clone());
        LakeError::Lost { table, path, expected: self.bytes, found }
    }
}

/// A complete version of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVersion {
    /// `schema.table`.
    pub table: String,
    /// The stage that made it.
    pub stage: String,
    /// Its name in the lake.
    pub fingerprint: Fingerprint,
    /// Its Parquet files, in order.
    pub files: Vec<DataFile>,
    /// The columns that make a row unique, in the order the rows are sorted by.
    pub key: Vec<String>,
    /// One line on what a row is.
    pub about: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// What is said of it beside: the classification of its products. Its Parquet files say it too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// When it was made, RFC 3339.
    pub made_at: String,
}

impl TableVersion {
    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The Arrow schema of its files.
    pub fn schema(&self) -> SchemaRef {
        crate::contract::schema(&self.columns)
    }

    /// The names of its columns, with commas.
    pub(crate) fn column_names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    /// The places of the columns of its key.
    pub(crate) fn key_columns(&self) -> Result<Vec<usize>, LakeError> {
        let place = |name: &String| {
            let place = self.columns.iter().position(|column| column.name == *name);
            place.ok_or_else(|| LakeError::Columns {
                table: self.table.clone(),
                expected: self.key.join(", "),
                found: self.column_names(),
            })
        };
        self.key.iter().map(place).collect()
    }

    /// Where the version is, below the root of the lake.
    pub fn folder(&self) -> String {
        folder_of(&self.table, &self.fingerprint)
    }
}

/// Where a version of `table` is, below the root of the lake.
pub fn folder_of(table: &str, fingerprint: &Fingerprint) -> String {
    format!("{}/{fingerprint}", table_folder(table))
}

/// Where all versions of `table` are, below the root of the lake.
pub fn table_folder(table: &str) -> String {
    format!("tables/{table}")
}
