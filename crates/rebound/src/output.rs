//! Rows in the form a user asked for.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::io::Write;

/// The form of a query's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for reading.
    Table,
    /// Comma-separated, with a header.
    Csv,
    /// An array of JSON objects.
    Json,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC file (Feather version 2).
    Arrow,
}

/// Columns of text where nothing says how many there are.
pub const TEXT_WIDTH: usize = 100;

/// Columns of text on standard output: as many as `COLUMNS` says, else as its terminal has, else [`TEXT_WIDTH`].
pub fn text_width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<usize>().ok());
    let of_terminal = || {
        let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0))
    };
    asked.filter(|n| *n > 0).or_else(of_terminal).unwrap_or(TEXT_WIDTH)
}

/// Rows that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Arrow failed.
    #[error("failed to write the rows")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet failed.
    #[error("failed to write the rows as Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The file or the terminal failed.
    #[error("failed to write the rows")]
    Io(#[from] std::io::Error),
}

impl OutputError {
    /// Whether whoever read the output has gone away, as `head` does.
    pub fn is_closed_pipe(&self) -> bool {
        let is_closed = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
        match self {
            Self::Io(error) => is_closed(error),
            Self::Arrow(arrow::error::ArrowError::IoError(_, error)) => is_closed(error),
            Self::Arrow(
                arrow::error::ArrowError::CsvError(text)
                | arrow::error::ArrowError::JsonError(text),
            ) => text.contains("Broken pipe"),
            Self::Arrow(_) | Self::Parquet(_) => false,
        }
    }
}

/// The rows as a table for reading, with their number below.
///
/// # Errors
///
/// [`OutputError`] if a value cannot be shown.
pub fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, OutputError> {
    let options = arrow::util::display::FormatOptions::new().with_null("null");
    // Without rows there is still a header to show.
    let empty = [RecordBatch::new_empty(schema.clone())];
    let shown = if batches.is_empty() { &empty } else { batches };
    let text = arrow::util::pretty::pretty_format_batches_with_options(shown, &options)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(format!("{text}\n({rows} row{})", if rows == 1 { "" } else { "s" }))
}

/// A text as HTML's, also inside quotes.
pub fn html_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text of at most `limit` characters; one that is longer ends in an ellipsis.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Lines of columns, each as wide as its widest cell; numbers are the caller's to align.
///
/// # Errors
///
/// What `out` fails with.
pub fn columns(out: &mut impl Write, rows: &[Vec<String>]) -> std::io::Result<()> {
    let n = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A text to the right of a column of this width.
pub fn right(text: impl ToString, width: usize) -> String {
    format!("{:>width$}", text.to_string())
}

/// A table's contract.
///
/// # Errors
///
/// What `out` fails with.
pub fn contract(
    out: &mut impl Write,
    table: &str,
    about: &str,
    key: &str,
    columns_of: &[lake::Column],
) -> std::io::Result<()> {
    writeln!(out, "{table}: {about}\nkey: {key}\n")?;
    let mut rows = vec![["column", "type", "null", "unit", "meaning"].map(str::to_owned).to_vec()];
    for column in columns_of {
        rows.push(vec![
            column.name.clone(),
            column.kind.name().to_owned(),
            if column.is_nullable { "null" } else { "" }.to_owned(),
            column.unit.clone(),
            column.about.clone(),
        ]);
    }
    columns(out, &rows)
}

/// A count with commas between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Snappy; a dictionary of floats that hardly repeat costs time and saves no room.
fn parquet_properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    for field in schema.fields().iter().filter(|field| field.data_type().is_floating()) {
        let path = ColumnPath::from(field.name().as_str());
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    properties.build()
}

/// Writes `batches` to `out` as `format`, one after the other as they come; a table for reading needs them all.
///
/// # Errors
///
/// What `batches` fail with, or [`OutputError`] if they cannot be written.
pub fn write<E: From<OutputError>>(
    format: Format,
    schema: &SchemaRef,
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
    mut out: impl Write + Send,
) -> Result<(), E> {
    let arrow = |error: arrow::error::ArrowError| E::from(OutputError::from(error));
    let parquet = |error: parquet::errors::ParquetError| E::from(OutputError::from(error));
    let io = |error: std::io::Error| E::from(OutputError::from(error));
    match format {
        Format::Table => {
            let batches: Vec<RecordBatch> = batches.into_iter().collect::<Result<_, E>>()?;
            writeln!(out, "{}", table(schema, &batches)?).map_err(io)?;
        }
        Format::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(&mut out);
            writer.write(&RecordBatch::new_empty(schema.clone())).map_err(arrow)?;
            for batch in batches {
                writer.write(&batch?).map_err(arrow)?;
            }
        }
        Format::Json => {
            let mut writer = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::JsonArray>(&mut out);
            for batch in batches {
                writer.write(&batch?).map_err(arrow)?;
            }
            writer.finish().map_err(arrow)?;
            drop(writer);
            writeln!(out).map_err(io)?;
        }
        Format::Parquet => {
            let properties = parquet_properties(schema);
            let mut writer =
                parquet::arrow::ArrowWriter::try_new(&mut out, schema.clone(), Some(properties))
                    .map_err(parquet)?;
            for batch in batches {
                writer.write(&batch?).map_err(parquet)?;
            }
            writer.close().map_err(parquet)?;
        }
        Format::Arrow => {
            let mut writer =
                arrow::ipc::writer::FileWriter::try_new(&mut out, schema).map_err(arrow)?;
            for batch in batches {
                writer.write(&batch?).map_err(arrow)?;
            }
            writer.finish().map_err(arrow)?;
        }
    }
    out.flush().map_err(io)
}
