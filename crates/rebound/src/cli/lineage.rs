//! `lineage`: what a table or a column is made from.

use super::failure::UsersError;
use crate::lineage::Lineage;
use clap::{Args, ValueEnum};
use project::pipeline_file::PipelineFile;
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Form of a lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LineageFormat {
    /// A tree, for people.
    Tree,
    /// Its steps, as JSON.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct LineageArgs {
    /// The pipeline file.
    pipeline: PathBuf,
    /// A table or a column: `schema.table` or `schema.table.column`.
    #[arg(value_name = "TABLE[.COLUMN]")]
    table: String,
    /// Form of what is told.
    #[arg(long, value_enum, default_value = "tree")]
    format: LineageFormat,
}

/// Prints what a table or a column is made from.
pub(super) fn lineage(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &LineageArgs,
) -> anyhow::Result<()> {
    let lineage = Lineage::of(runtime, PipelineFile::read(&args.pipeline)?)?;
    let target = lineage.target(&args.table).map_err(|unknown| UsersError(unknown.to_string()))?;
    match args.format {
        LineageFormat::Tree => write!(out, "{}", lineage.tree(&target))?,
        LineageFormat::Json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&lineage.below(&target))?)?;
        }
    }
    Ok(())
}
