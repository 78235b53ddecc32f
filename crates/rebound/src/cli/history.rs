//! Looking back and going back: `diff` and `rollback`.

use super::lake_args::LakeArgs;
use super::programs::command_line;
use crate::diff::{Asked, Difference};
use crate::{diff, kept, rollback};
use clap::{Args, ValueEnum};
use lake::Lake;
use std::io::Write;
use tokio::runtime::Runtime;

/// The form of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For reading.
    Text,
    /// One JSON object, with all causes and money as text.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The run to compare with; without one, `previous`, the one that was published before.
    #[arg(value_name = "RUN")]
    old: Option<String>,
    /// The run to compare; without one, `published`.
    #[arg(value_name = "RUN")]
    new: Option<String>,
    /// A table, `schema.table`; without one, all. May be repeated.
    #[arg(long, short)]
    table: Vec<String>,
    /// Rows, regions and products that are told of each table.
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Form.
    #[arg(long, value_enum, default_value = "text")]
    format: DiffFormat,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Args)]
pub(super) struct RollbackArgs {
    /// The run: its name or how that begins, its number, or `previous`, the one that was published before.
    run: String,
    #[command(flatten)]
    lake: LakeArgs,
}

/// Publishes a kept run again.
pub(super) fn rollback(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &RollbackArgs,
) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let done = rollback::rollback(runtime, &lake, &args.run, &command_line())?;
    let back_to = done.back_to.shown();
    let Some(run) = done.run else {
        writeln!(out, "nothing to do: what run {back_to} published is what is published")?;
        return Ok(());
    };
    writeln!(
        out,
        "published again, as run {run}, what run {back_to} published, in the place of run {}",
        done.before
    )?;
    match &done.changed[..] {
        [] => writeln!(out, "all tables are the same")?,
        changed => writeln!(out, "tables that are others now: {}", changed.join(", "))?,
    }
    writeln!(
        out,
        "raw files and config stay as they are: the next `rebound run` of `{}` publishes what they give",
        done.back_to.catalog.pipeline
    )?;
    Ok(())
}

/// What two runs published differently.
fn found(runtime: &Runtime, args: &DiffArgs) -> anyhow::Result<Difference> {
    let old = args.old.as_deref().unwrap_or("previous");
    let new = args.new.as_deref().unwrap_or("published");
    let asked = Asked { tables: args.table.clone(), top: args.top };
    difference(runtime, &args.lake.open()?, [old, new], &asked)
}

/// What two runs of a lake published differently, the older one first.
pub(super) fn difference(
    runtime: &Runtime,
    lake: &Lake,
    runs: [&str; 2],
    asked: &Asked,
) -> anyhow::Result<Difference> {
    let (found, all) = kept::find(runtime, lake, &runs)?;
    let [old, new] = &found[..] else { anyhow::bail!("two runs were asked for") };
    let lease = kept::lease(runtime, lake, &[&old.catalog, &new.catalog], &command_line());
    let found = diff::diff(runtime, lake, (old, new), &all, asked);
    kept::release(runtime, lease);
    Ok(found?)
}

/// Says what two runs published differently.
pub(super) fn diff(runtime: &Runtime, out: &mut impl Write, args: &DiffArgs) -> anyhow::Result<()> {
    let found = found(runtime, args)?;
    match args.format {
        DiffFormat::Text => diff::write(out, &found)?,
        DiffFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &found)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The same in both forms: JSON and text.
pub(super) fn both(runtime: &Runtime, args: &DiffArgs) -> anyhow::Result<(String, String)> {
    let found = found(runtime, args)?;
    let mut text = Vec::new();
    diff::write(&mut text, &found)?;
    Ok((serde_json::to_string(&found)?, String::from_utf8_lossy(&text).into_owned()))
}
