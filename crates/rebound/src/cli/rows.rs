//! Commands that give rows, and what is made of them: `sql`, `measure`, `export` and `estimate`.

use super::failure::UsersError;
use super::lake_args::{KeptArgs, LakeArgs, MemoryArgs, Read, catalog};
use crate::estimate_command::{self, EstimateArgs};
use crate::measure::{self, MeasureArgs};
use crate::run::warn_of;
use crate::shell::{self, Renewal};
use anyhow::Context;
use clap::Args;
use lake::Lake;
use query::QueryError;
use report::export::{self, ExportArgs};
use report::new_file::NewFile;
use report::output::{self, CsvArgs, Format, OutputError};
use report::published;
use std::io::{IsTerminal, Read as _, Write};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct SqlArgs {
    /// The query; without it and without -f, a shell at a terminal, or else standard input.
    #[arg(allow_hyphen_values = true)]
    query: Option<String>,
    /// Read the query from a file.
    #[arg(long, short, conflicts_with = "query")]
    file: Option<PathBuf>,
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Write to a file instead of standard output.
    #[arg(long, short)]
    output: Option<PathBuf>,
    #[command(flatten)]
    csv: CsvArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    kept: KeptArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExportCommand {
    #[command(flatten)]
    args: ExportArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    kept: KeptArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
pub(super) struct EstimateCommand {
    #[command(flatten)]
    args: EstimateArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// Writes rows to a file, or to standard output.
fn put<E: From<OutputError> + Into<anyhow::Error>>(
    format: Format,
    csv: CsvArgs,
    path: Option<&Path>,
    schema: &arrow::datatypes::SchemaRef,
    batches: impl IntoIterator<Item = Result<arrow::array::RecordBatch, E>>,
) -> anyhow::Result<()> {
    let Some(path) = path else {
        return output::write(format, csv, schema, batches, std::io::stdout()).map_err(Into::into);
    };
    let failed = |error| UsersError(format!("failed to write `{}`: {error}", path.display()));
    let mut file = NewFile::create(path).map_err(failed)?;
    output::write(format, csv, schema, batches, std::io::BufWriter::new(&mut file))
        .map_err(Into::into)?;
    Ok(file.keep().map_err(failed)?)
}

/// Runs a query, or a shell.
pub(super) fn sql(runtime: &Runtime, args: &SqlArgs) -> anyhow::Result<()> {
    let text = match (&args.query, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| UsersError(format!("failed to read `{}`: {error}", path.display())))?,
        (None, None) if args.output.is_none() && std::io::stdin().is_terminal() => {
            return shell(runtime, args);
        }
        (None, None) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("failed to read standard input")?;
            text
        }
    };
    if text.trim().is_empty() {
        return Err(UsersError(
            "the query is empty: give it as an argument, with -f FILE, or on standard input"
                .to_owned(),
        )
        .into());
    }
    let is_binary = matches!(args.format, Format::Parquet | Format::Arrow);
    if is_binary && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(UsersError("this form is not for a terminal: give -o FILE".to_owned()).into());
    }
    let lake = args.lake.open()?;
    args.kept.read(runtime, &lake, |read| query(runtime, args, &lake, &read, &text))
}

/// Runs a shell: over what is published, also when that changes, or over what an earlier run
/// published.
fn shell(runtime: &Runtime, args: &SqlArgs) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let memory = args.memory.memory();
    args.kept.read(runtime, &lake, |read| {
        let renewal = match read.kept() {
            None => Renewal::Newest,
            Some(_) => Renewal::Never,
        };
        let catalog = read.whole(runtime, &lake)?.catalog;
        Ok(shell::run(runtime, &lake, catalog, renewal, memory)?)
    })
}

/// Runs a query, and writes its rows.
fn query(
    runtime: &Runtime,
    args: &SqlArgs,
    lake: &Lake,
    read: &Read,
    text: &str,
) -> anyhow::Result<()> {
    let catalog = &read.catalog;
    let session = published::open(lake, catalog, args.memory.memory())?;
    let tables = session.tables_read(text).unwrap_or_default();
    read.verify_kept(runtime, lake, tables.iter().map(String::as_str))?;
    published::verify(runtime, lake, catalog, &session, text)?;
    warn_of(&published::register_meta(runtime, lake, catalog, &session, text)?);
    let (schema, batches) = match runtime.block_on(session.run(text)) {
        Ok(found) => found,
        Err(error @ QueryError::Plan(_)) => {
            let is_about_a_table = error.is_about_a_table();
            let error = anyhow::Error::new(error);
            return Err(match published::missing_table(&session, catalog, text) {
                Some(help) if is_about_a_table => error.context(UsersError(help)),
                _ => error,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let batches = batches.into_iter().map(Ok::<_, OutputError>);
    put(args.format, args.csv, args.output.as_deref(), &schema, batches)
}

/// Measures a table.
pub(super) fn measure(runtime: &Runtime, args: &MeasureArgs) -> anyhow::Result<()> {
    let measured = measure::measure(args, runtime.handle())?;
    let schema = measured.schema.clone();
    put(args.format, args.csv, args.output.as_deref(), &schema, measured)
}

/// Writes tables as files, and lists these.
pub(super) fn export(
    runtime: &Runtime,
    out: &mut impl Write,
    command: &ExportCommand,
) -> anyhow::Result<()> {
    let lake = command.lake.open()?;
    let memory = command.memory.memory();
    let written = command.kept.read(runtime, &lake, |read| {
        let tables = export::tables(&command.args, &read.catalog);
        read.verify_kept(runtime, &lake, tables.iter().map(String::as_str))?;
        Ok(export::export(runtime, &command.args, memory, &lake, &read.catalog)?)
    })?;
    for path in written {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// Estimates a model, or shows those that are published.
pub(super) fn estimate(
    runtime: &Runtime,
    out: &mut impl Write,
    command: &EstimateCommand,
) -> anyhow::Result<()> {
    let memory = command.memory.memory();
    let text = estimate_command::estimate(runtime, &command.args, memory, || {
        let lake = command.lake.open()?;
        let catalog = catalog(runtime, &lake)?;
        Ok((lake, catalog))
    })?;
    out.write_all(text.as_bytes())?;
    Ok(())
}
