//! Commands that give rows, and what is made of them: `sql`, `measure`, `resilience`, `convert`,
//! `export` and `estimate`.

use super::drawing;
use super::failure::UsersError;
use super::lake_args::{KeptArgs, LakeArgs, MemoryArgs, Read, catalog};
use super::programs;
use super::reading;
use crate::convert::{self, ConvertArgs};
use crate::estimate_command::{self, EstimateArgs};
use crate::log;
use crate::measure::{self, MeasureArgs};
use crate::resilience::{self, Page, ResilienceArgs, Resilient};
use crate::run::{self, Options, RunError};
use crate::shell::{self, Tables};
use anyhow::Context;
use arrow::array::RecordBatch;
use clap::Args;
use lake::Lake;
use project::pipeline_file::PipelineFile;
use report::ReportArgs;
use report::destination::{self, DestinationError, FileForm};
use report::export::{self, Asked, ExportArgs};
use report::new_file::NewFile;
use report::output::{self, CsvArgs, Format, OutputArgs, OutputError};
use report::screen::{self, Look};
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
    #[command(flatten)]
    out: OutputArgs,
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

/// Writes rows to a file, or to standard output. At a terminal a table is made for it.
fn put<E: From<OutputError> + Into<anyhow::Error>>(
    format: Format,
    csv: CsvArgs,
    path: Option<&Path>,
    schema: &arrow::datatypes::SchemaRef,
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
) -> anyhow::Result<()> {
    let Some(path) = path else {
        if format == Format::Table && std::io::stdout().is_terminal() {
            let batches = batches.into_iter().collect::<Result<Vec<_>, E>>().map_err(Into::into)?;
            let width = Some(output::text_width());
            let text = screen::shown(schema, &batches, &Look::default(), width)?;
            std::io::stdout().write_all(text.as_bytes()).map_err(OutputError::from)?;
            return Ok(());
        }
        return output::write(format, csv, schema, batches, std::io::stdout()).map_err(Into::into);
    };
    let failed = |error| UsersError(format!("failed to write `{}`: {error}", path.display()));
    let mut file = NewFile::create(path).map_err(failed)?;
    output::write(format, csv, schema, batches, std::io::BufWriter::new(&mut file))
        .map_err(Into::into)?;
    Ok(file.keep().map_err(failed)?)
}

/// Whether rows of this form go where they are asked for: a Stata file is written from its end too.
fn has_place(format: Format, path: Option<&Path>) -> Result<(), UsersError> {
    match (format, path) {
        (Format::Dta, None) => {
            Err(UsersError("a Stata file is no text: give -o FILE.dta".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Runs a query, or a shell.
pub(super) fn sql(runtime: &Runtime, args: &SqlArgs) -> anyhow::Result<()> {
    let text = match (&args.query, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| UsersError(format!("failed to read `{}`: {error}", path.display())))?,
        (None, None) if args.out.output.is_none() && std::io::stdin().is_terminal() => {
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
    let format = destination::form(args.out.output.as_deref(), args.out.format, Format::Table)?;
    if let Some(path) = &args.out.output {
        destination::is_file_name(path)?;
        destination::is_no_input(path, args.file.as_deref())?;
    }
    has_place(format, args.out.output.as_deref())?;
    if !format.is_text() && args.out.output.is_none() && std::io::stdout().is_terminal() {
        return Err(UsersError("this form is not for a terminal: give -o FILE".to_owned()).into());
    }
    let lake = args.lake.open()?;
    if let Some(path) = &args.out.output {
        destination::is_outside(path, lake.folder())?;
    }
    args.kept.read(runtime, &lake, |read| query(runtime, (args, format), &lake, &read, &text))
}

/// Runs a shell: over what is published, also when that changes, or over what an earlier run
/// published.
fn shell(runtime: &Runtime, args: &SqlArgs) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let memory = args.memory.memory();
    args.kept.read(runtime, &lake, |read| {
        let tables = read.kept().map_or(Tables::Published, Tables::of);
        let catalog = read.whole(runtime, &lake)?.catalog;
        Ok(shell::run(runtime, &lake, catalog, tables, memory)?)
    })
}

/// Runs a query, and writes its rows.
fn query(
    runtime: &Runtime,
    (args, format): (&SqlArgs, Format),
    lake: &Lake,
    read: &Read,
    text: &str,
) -> anyhow::Result<()> {
    // The session lives as long as its query.
    let (_session, rows) = reading::start(runtime, lake, read, args.memory.memory(), text)?;
    let schema = rows.schema.clone();
    let batches = runtime.block_on(rows.all())?.into_iter().map(Ok::<_, OutputError>);
    put(format, args.out.csv, args.out.output.as_deref(), &schema, batches)
}

/// Measures a table.
pub(super) fn measure(runtime: &Runtime, args: &MeasureArgs) -> anyhow::Result<()> {
    let format = destination::form(args.out.output.as_deref(), args.out.format, Format::Csv)?;
    has_place(format, args.out.output.as_deref())?;
    if let Some(path) = &args.out.output {
        destination::is_file_name(path)?;
        destination::is_no_input(path, args.inputs())?;
    }
    let measured = measure::measure(args, runtime.handle())?;
    let schema = measured.schema.clone();
    put(format, args.out.csv, args.out.output.as_deref(), &schema, measured)
}

/// The folder that all tables of a table's resilience are asked for in.
fn folder(args: &ResilienceArgs) -> anyhow::Result<Option<&Path>> {
    let Some(path) = args.out.output.as_deref() else { return Ok(None) };
    if args.all {
        destination::is_folder_name(path)?;
    }
    let is_folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if is_folder && args.rows.is_some() {
        let path = path.display();
        let why =
            format!("`{path}` is a folder, for every table: leave --rows out, or name a file");
        return Err(UsersError(why).into());
    }
    Ok((is_folder || args.all).then_some(path))
}

/// Writes every table to a folder, and lists the files.
fn put_all(found: &Resilient, args: &ResilienceArgs, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        UsersError(format!("failed to make the folder `{}`: {error}", folder.display()))
    })?;
    let format = args.out.format.unwrap_or(Format::Csv);
    let path_of = |name: &str| folder.join(format!("{name}.{}", format.ending()));
    for (name, _) in found.files() {
        destination::is_no_input(&path_of(name), args.inputs())?;
    }
    let mut out = std::io::stdout().lock();
    for (name, table) in found.files() {
        let path = path_of(name);
        let rows = table.rows.iter().cloned().map(Ok::<_, OutputError>);
        put(format, args.out.csv, Some(&path), &table.schema, rows)?;
        if let Some(why) = found.why_empty(table) {
            tracing::info!("`{}` has no rows: {why}", path.display());
        }
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// Draws the page of a table into a folder, and says where it is.
fn draw_page(
    runtime: &Runtime,
    page: &Page,
    threads: Option<usize>,
    folder: &Path,
) -> anyhow::Result<()> {
    let file = page.pipeline();
    // What is told of a run is of a pipeline that the user has not written.
    let drawn = log::hushed(|| -> anyhow::Result<()> {
        let options = Options { threads, command: programs::command_line(), ..Options::default() };
        run::run(runtime, PipelineFile::read(&file)?, &options)?;
        let asked = ReportArgs::usual(file.clone(), None, folder.to_owned());
        drawing::draw(runtime, &asked, &PipelineFile::read(&file)?.pipeline(runtime)?)?;
        Ok(())
    });
    drawn.context("the rows are written, but the page could not be drawn")?;
    tracing::info!("drew {}", folder.join("report.html").display());
    Ok(())
}

/// Computes the resilience of a table's regions.
pub(super) fn resilience(runtime: &Runtime, args: &ResilienceArgs) -> anyhow::Result<()> {
    let folder = folder(args)?;
    let is_read = args.out.output.is_none() && std::io::stdout().is_terminal();
    let unless = if is_read { Format::Table } else { Format::Csv };
    let file = args.out.output.as_deref().filter(|_| folder.is_none());
    let format = destination::form(file, args.out.format, unless)?;
    has_place(format, args.out.output.as_deref())?;
    if let Some(path) = file {
        destination::is_file_name(path)?;
        destination::is_no_input(path, args.inputs())?;
    }
    if let Some(path) = &args.report {
        destination::is_folder_name(path)?;
    }
    let compute = || resilience::resilience(args, runtime.handle());
    let found = match args.threads.filter(|n| *n > 0) {
        None => compute()?,
        Some(n) => {
            let pool = crate::threads::pool(n, None);
            pool.map_err(|_| RunError::Threads(n))?.install(compute)?
        }
    };
    if let Some(folder) = folder {
        put_all(&found, args, folder)?;
    } else {
        // A file is as wide as its rows.
        let width = if file.is_some() { usize::MAX } else { output::text_width() };
        let table = found.rows(args.rows.as_deref().unwrap_or("regions"), format, width)?;
        let rows = table.rows.into_iter().map(Ok::<_, OutputError>);
        put(format, args.out.csv, args.out.output.as_deref(), &table.schema, rows)?;
    }
    match (&found.page, &args.report) {
        (Some(page), Some(folder)) => draw_page(runtime, page, args.threads, folder),
        _ => Ok(()),
    }
}

/// Brings a table to another classification.
pub(super) fn convert(args: &ConvertArgs) -> anyhow::Result<()> {
    let format = destination::form(args.out.output.as_deref(), args.out.format, Format::Csv)?;
    has_place(format, args.out.output.as_deref())?;
    let paths = [&args.out.output, &args.matches, &args.unmatched];
    let paths: Vec<&Path> = paths.into_iter().filter_map(|path| path.as_deref()).collect();
    for (at, path) in paths.iter().enumerate() {
        destination::is_file_name(path)?;
        destination::is_no_input(path, args.inputs())?;
        if paths[..at].contains(path) {
            let path = path.display();
            return Err(UsersError(format!("`{path}` is named twice: write to other files")).into());
        }
    }
    let of_file = |path: Option<&Path>| -> Result<Option<(PathBuf, Format)>, DestinationError> {
        let Some(path) = path else { return Ok(None) };
        Ok(Some((path.to_owned(), destination::form(Some(path), None, Format::Csv)?)))
    };
    let beside = [of_file(args.matches.as_deref())?, of_file(args.unmatched.as_deref())?];
    let found = convert::convert(args, None, None)?;
    let given = |rows: Vec<RecordBatch>| rows.into_iter().map(Ok::<_, OutputError>);
    for (place, (schema, rows)) in beside.into_iter().zip([found.matches, found.unmatched]) {
        if let Some((path, format)) = place {
            put(format, args.out.csv, Some(&path), &schema, given(rows))?;
        }
    }
    let (schema, rows) = found.rows;
    put(format, args.out.csv, args.out.output.as_deref(), &schema, given(rows))
}

/// Writes tables and rows of queries as files, and lists these.
pub(super) fn export(
    runtime: &Runtime,
    out: &mut impl Write,
    command: &ExportCommand,
) -> anyhow::Result<()> {
    let asked = Asked::of(&command.args)?;
    let lake = command.lake.open()?;
    destination::is_outside(&command.args.output, lake.folder())?;
    let memory = command.memory.memory();
    let written = command.kept.read(runtime, &lake, |read| {
        let tables = asked.reads(&lake, &read.catalog, memory)?;
        read.verify_kept(runtime, &lake, tables.iter().map(String::as_str))?;
        Ok(export::export(runtime, &asked, memory, &lake, &read.catalog)?)
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
