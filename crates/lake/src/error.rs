//! What goes wrong in a lake.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why the lake could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The URL is of a kind that is not supported.
    #[error(
        "unsupported lake `{0}`: expected a folder, or a URL with file://, s3://, gs://, az:// or memory://"
    )]
    Url(String),
    /// Another run published meanwhile.
    #[error(
        "another run published in `{0}` while this one ran, so nothing was published: `rebound run` again, what was made is reused"
    )]
    Conflict(String),
    /// The folder cannot be used.
    #[error("failed to open the lake `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The object store failed.
    #[error("failed to access `{path}` in the lake")]
    Store {
        /// The object.
        path: String,
        /// The cause.
        #[source]
        source: object_store::Error,
    },
    /// A JSON file of the lake is damaged.
    #[error("failed to read `{path}` in the lake")]
    Json {
        /// The object.
        path: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The catalog was written by another version of this program.
    #[error(
        "the catalog has format {found}, expected {expected}: use the version of rebound that wrote it, or name another lake (or a new \
         folder), where `rebound run` makes all tables"
    )]
    Format {
        /// What the file says.
        found: u32,
        /// What this code reads.
        expected: u32,
    },
    /// Parquet failed.
    #[error("failed to read or write table `{table}`")]
    Parquet {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: ParquetError,
    },
    /// A file of a table cannot be read as it was written.
    #[error(
        "failed to read file `{file}` of table `{table}`: if it is damaged, delete it, and `rebound run` makes the table again"
    )]
    File {
        /// The table.
        table: String,
        /// The file, below the root of the lake.
        file: String,
        /// The cause.
        #[source]
        source: ParquetError,
    },
    /// Arrow failed.
    #[error("failed to handle the rows of table `{table}`")]
    Arrow {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: ArrowError,
    },
    /// Other columns than the contract's.
    #[error("table `{table}` has columns {found}; its contract has {expected}")]
    Columns {
        /// The table.
        table: String,
        /// The contract's columns.
        expected: String,
        /// The columns there are.
        found: String,
    },
    /// A column of another type.
    #[error(
        "column `{column}` of table `{table}` is of type {found}; its contract says {expected}"
    )]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The contract's type.
        expected: String,
        /// The type there is.
        found: String,
    },
    /// A null where the contract allows none.
    #[error("column `{column}` of table `{table}` has a null; its contract allows none")]
    Null {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A number that tables do not hold.
    #[error("column `{column}` of table `{table}` has {found} {row}: {advice}")]
    Number {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The number.
        found: String,
        /// Where it is: `at` a key, or `in` a row.
        row: String,
        /// What was expected, and what to do.
        advice: &'static str,
    },
    /// Rows out of order, or one key twice.
    #[error(
        "rows of table `{table}` are not in ascending order of its key, or one key is there twice: at {key}"
    )]
    KeyOrder {
        /// The table.
        table: String,
        /// The row at fault.
        key: String,
    },
    /// A file of a version is gone, or not whole.
    #[error(
        "file `{path}` of table `{table}` is {found}: expected {expected} bytes; `rebound run` makes the table again"
    )]
    Lost {
        /// The table.
        table: String,
        /// The file.
        path: String,
        /// How large it should be.
        expected: u64,
        /// What is there.
        found: String,
    },
    /// A file of a version that holds other bytes than were written.
    #[error(
        "file `{path}` of table `{table}` is damaged: its {bytes} bytes are not those that were written; `rebound run` makes the table \
         again"
    )]
    Damaged {
        /// The table.
        table: String,
        /// The file.
        path: String,
        /// Its size, which is right.
        bytes: u64,
    },
    /// A catalog that does not say what was written.
    #[error(
        "`{path}` in the lake is damaged ({why}): `rebound verify --repair` makes it again from the record of the run that published"
    )]
    Catalog {
        /// The catalog.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A damaged catalog that cannot be made again.
    #[error(
        "`{path}` in the lake is damaged or gone, and no record of a run says what was published{why}: delete what is left of it and the \
         folder `runs`, and `rebound run` makes what is not there and publishes"
    )]
    Unrepairable {
        /// The catalog.
        path: String,
        /// What the newest record lacks.
        why: String,
    },
    /// The description of a version that does not say what was written, or that is another table's.
    #[error("`{path}` in the lake {why}: the table is made again")]
    Version {
        /// The description.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file among the records of runs that is none.
    #[error("`{path}` in the lake is left out, as it is no record of a run ({why}): delete it")]
    Record {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something else where a file should be.
    #[error("`{path}` in the lake is no file: remove it")]
    NoFile {
        /// What is in the way.
        path: String,
    },
    /// A damaged record of a run whose tables are to be kept.
    #[error("{0}; then what it names is garbage, or `--keep 0` collects all that is not published")]
    Unkept(String),
    /// A lease that nobody can read.
    #[error(
        "`{path}` in the lake is damaged, so it is not known which tables a program at work reads: it writes the file again within \
         a minute, if it lives; then try again"
    )]
    Lease {
        /// The lease.
        path: String,
    },
    /// Garbage is being collected, for too long to wait.
    #[error("`rebound gc` is at work in `{lake}` (since {since}): try again when it has ended")]
    Collecting {
        /// The lake.
        lake: String,
        /// Since when.
        since: String,
    },
    /// A column that is not of a type tables may have.
    #[error(
        "column `{column}` of table `{table}` has type {found}, which tables do not hold: cast it to text, int, bigint, double, boolean or decimal(20, 2)"
    )]
    Unsupported {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
}

impl LakeError {
    /// Whether it is of a file that has the name of a run's record.
    pub(crate) fn is_of_a_run(&self) -> bool {
        matches!(self, Self::Record { path, .. } if is_named_like_a_run(path))
    }
}

/// Whether a file among the records has the name of a run: time and process.
pub(crate) fn is_named_like_a_run(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((time, process)) = name.strip_suffix(".json").and_then(|name| name.split_once('Z'))
    else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    time.len() > 8
        && time.split('T').all(is_digits)
        && process.strip_prefix('-').is_some_and(is_digits)
}

/// The store's error for a file of a folder.
pub(crate) fn unreadable(path: &std::path::Path, error: std::io::Error) -> object_store::Error {
    let (path, not_found) = (path.display().to_string(), error.kind() == ErrorKind::NotFound);
    let source = Box::new(error);
    match not_found {
        true => object_store::Error::NotFound { path, source },
        false => object_store::Error::Generic { store: "folder", source },
    }
}
