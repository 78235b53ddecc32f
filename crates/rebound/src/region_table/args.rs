//! Which table is read, and how.

use clap::{Args, ValueEnum};
use project::config::count;
use project::read_options::ReadOptions;
use sources::input::Frame;
use std::path::PathBuf;
use std::sync::Arc;

/// A table of regions, and how it is read.
#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    /// A table with a row a region and product (and year): delimited text, a workbook, Parquet,
    /// Arrow, Stata or JSON, plain or packed.
    pub(crate) file: PathBuf,
    /// Rows that are read instead of the file, whose name then only stands for them.
    #[arg(skip)]
    pub(crate) rows: Option<Arc<Frame>>,
    /// Its column of regions (found by its name if it is a usual one).
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Its column of products.
    #[arg(long)]
    pub(crate) product: Option<String>,
    /// Its column of values: exports, employees, patents.
    #[arg(long)]
    pub(crate) value: Option<String>,
    /// Its column of years, quarters or months; `none` if it has one that must not be used.
    #[arg(long, visible_alias = "period")]
    pub(crate) year: Option<String>,
    /// Its column of months (3, 03, Mar), where years and months stand in two columns.
    #[arg(long)]
    pub(crate) month: Option<String>,
    /// Its column of quarters (3, Q3), where years and quarters stand in two columns.
    #[arg(long, conflicts_with = "month")]
    pub(crate) quarter: Option<String>,
    /// The rows that are read: a SQL condition, as in "flowCode = 'X' and partnerISO <> 'W00'".
    #[arg(long = "where", short = 'w', value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// What becomes of rows with a negative value.
    #[arg(long, value_enum, default_value = "refuse")]
    pub(crate) negative: Negative,
    /// Fill product codes up to so many digits with zeros in front, which numbers have lost.
    #[arg(long, value_parser = count(1..=12))]
    pub(crate) product_digits: Option<usize>,
    /// How the file is read.
    #[command(flatten, next_help_heading = "Reading the file (what is not told is seen in it)")]
    pub(crate) read: ReadOptions,
}

/// What becomes of rows with a negative value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Negative {
    /// They are an error.
    Refuse,
    /// They are left out, which is said with their number and value.
    LeaveOut,
}
