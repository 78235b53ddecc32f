//! Rows in the form a user asked for.

use crate::destination::FileForm;
use crate::nested;
use crate::parquet_rows::ParquetRows;
use crate::stata::{self, StataError};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};
use lake::{Column, Contract, TableVersion};
use maud::Render;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use project::classification;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// The form of a query's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for reading.
    Table,
    /// Comma-separated, with a header; lists and structs as JSON.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// An array of JSON objects.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// A table of Markdown.
    Markdown,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC file (Feather version 2).
    Arrow,
    /// A Stata file, version 118 (Stata 14 and later).
    Dta,
}

impl FileForm for Format {
    fn endings(&self) -> &'static [&'static str] {
        match self {
            Self::Table => &["txt"],
            Self::Csv => &["csv"],
            Self::Tsv => &["tsv", "tab"],
            Self::Json => &["json"],
            Self::Jsonl => &["jsonl", "ndjson"],
            Self::Markdown => &["md"],
            Self::Parquet => &["parquet", "pq"],
            Self::Arrow => &["arrow", "feather", "ipc"],
            Self::Dta => &["dta"],
        }
    }
}

impl Format {
    /// Whether it is text, which a terminal can show.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Parquet | Self::Arrow | Self::Dta)
    }
}

/// Arguments of commands that give rows: in which form, and where to.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Form of the rows; otherwise what the name of --output says, or else csv (a table of `sql`, and of `resilience` at
    /// a terminal, which shows what is read first). A name that says another form is refused; names in .txt, and those
    /// that say none, go with any.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write to a file instead of standard output; of `resilience` every table to a folder if it ends in `/` or is one.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// Arguments of commands that write CSV.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct CsvArgs {
    /// In CSV and TSV, put ' before texts that a spreadsheet would run as a formula: those that begin with =, +, -, @, a tab or a line break.
    #[arg(long)]
    pub csv_safe: bool,
}

impl CsvArgs {
    /// A text as a cell of CSV has it.
    pub fn cell<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let begins = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
        if self.csv_safe && text.starts_with(begins) && text.parse::<f64>().is_err() {
            format!("'{text}").into()
        } else {
            text.into()
        }
    }

    fn schema(&self, schema: &Schema) -> SchemaRef {
        let named = |field: &FieldRef| {
            let name = self.cell(field.name()).into_owned();
            field.as_ref().clone().with_name(name)
        };
        Arc::new(Schema::new(schema.fields().iter().map(named).collect::<Vec<_>>()))
    }

    fn rows(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        if !self.csv_safe {
            return Ok(batch.clone());
        }
        let column = |column: &ArrayRef| -> ArrayRef {
            match column.as_string_opt::<i32>() {
                Some(texts) => Arc::new(
                    texts.iter().map(|text| text.map(|t| self.cell(t))).collect::<StringArray>(),
                ),
                None => Arc::clone(column),
            }
        };
        RecordBatch::try_new(
            self.schema(&batch.schema()),
            batch.columns().iter().map(column).collect(),
        )
    }
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
    Arrow(#[from] ArrowError),
    /// Parquet failed.
    #[error("failed to write the rows as Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Text with commas could not be written.
    #[error("failed to write the rows")]
    Csv(#[from] csv::Error),
    /// A Stata file has no place for them, or could not be written.
    #[error("failed to write the rows as a Stata file")]
    Stata(#[from] StataError),
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
            Self::Csv(error) => {
                matches!(error.kind(), csv::ErrorKind::Io(error) if is_closed(error))
            }
            Self::Arrow(ArrowError::IoError(_, error)) => is_closed(error),
            Self::Arrow(ArrowError::CsvError(text) | ArrowError::JsonError(text)) => {
                text.contains("Broken pipe")
            }
            Self::Arrow(_) | Self::Parquet(_) | Self::Stata(_) => false,
        }
    }
}

/// The rows as a table for reading, with their number below.
///
/// # Errors
///
/// [`OutputError`] if a value cannot be shown.
pub fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, OutputError> {
    let options = FormatOptions::new().with_null("null");
    // Without rows there is still a header to show.
    let empty = [RecordBatch::new_empty(schema.clone())];
    let shown = if batches.is_empty() { &empty } else { batches };
    let text = arrow::util::pretty::pretty_format_batches_with_options(shown, &options)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(format!("{text}\n({rows} row{})", if rows == 1 { "" } else { "s" }))
}

/// A text as a part of HTML: texts of data, which may say anything, stand in pages as these.
#[derive(Debug, Clone, Copy)]
pub struct HtmlText<'t>(pub &'t str);

impl Render for HtmlText<'_> {
    fn render_to(&self, buffer: &mut String) {
        let shown: String = self.0.chars().map(visible).collect();
        shown.render_to(buffer);
    }
}

/// The character, or what stands for one that neither HTML nor SVG can hold.
pub fn visible(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
            char::REPLACEMENT_CHARACTER
        }
        c => c,
    }
}

/// Data with what neither HTML nor SVG can hold made visible.
pub fn visible_data(mut data: Value) -> Value {
    make_visible(&mut data);
    data
}

fn make_visible(data: &mut Value) {
    // Most texts are as they are: only the others are written anew.
    let is_visible = |text: &str| text.chars().all(|c| visible(c) == c);
    let shown = |text: &str| text.chars().map(visible).collect::<String>();
    match data {
        Value::String(text) if !is_visible(text) => *text = shown(text),
        Value::Array(values) => values.iter_mut().for_each(make_visible),
        Value::Object(fields) => {
            if !fields.keys().all(|name| is_visible(name)) {
                let own = std::mem::take(fields);
                fields.extend(own.into_iter().map(|(name, value)| (shown(&name), value)));
            }
            fields.values_mut().for_each(make_visible);
        }
        _ => {}
    }
}

/// JSON that can stand in an element of HTML: nothing in it begins a tag or a comment, or ends the element.
pub fn json_in_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    // Outside texts JSON has none of these.
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (before, from) = rest.split_at(at);
        let mut chars = from.chars();
        out.push_str(before);
        if let Some(c) = chars.next() {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// A text as Markdown's: what would be a mark, a tag or another cell is shown as it is.
pub fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().map(visible).peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Within a word it is no mark.
            '_' if before.is_alphanumeric()
                && chars.peek().is_some_and(|c| c.is_alphanumeric()) =>
            {
                out.push(c);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
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
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// A text to the right of a column of this width.
pub fn right(text: impl ToString, width: usize) -> String {
    format!("{:>width$}", text.to_string())
}

/// What is told of a table.
#[derive(Debug)]
pub struct Described {
    /// `schema.table`.
    pub table: String,
    /// What a row is.
    pub about: String,
    /// The columns that make a row unique.
    pub key: String,
    /// The classification of its products, if it has some.
    pub products: Option<String>,
    /// Its columns.
    pub columns: Vec<Column>,
}

impl Described {
    /// What a version tells of itself.
    pub fn of(version: &TableVersion) -> Self {
        Self {
            table: version.table.clone(),
            about: version.about.clone(),
            key: version.key.join(", "),
            products: classification::of(version),
            columns: version.columns.clone(),
        }
    }

    /// What a contract says.
    pub fn of_contract(contract: &Contract) -> Self {
        Self {
            table: contract.table.to_owned(),
            about: contract.about.to_owned(),
            key: contract.key.join(", "),
            products: None,
            columns: contract.columns.clone(),
        }
    }
}

/// A table's contract.
///
/// # Errors
///
/// What `out` fails with.
pub fn contract(out: &mut impl Write, described: &Described) -> std::io::Result<()> {
    writeln!(out, "{}: {}\nkey: {}", described.table, described.about, described.key)?;
    if let Some(products) = &described.products {
        writeln!(out, "products: {products}")?;
    }
    writeln!(out)?;
    let mut rows = vec![["column", "type", "null", "unit", "meaning"].map(str::to_owned).to_vec()];
    for column in &described.columns {
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

/// Snappy; a dictionary of floats that hardly repeat costs time and saves no room.
pub(crate) fn parquet_properties(schema: &SchemaRef) -> WriterPropertiesBuilder {
    let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    for field in schema.fields().iter().filter(|field| field.data_type().is_floating()) {
        let path = ColumnPath::from(field.name().as_str());
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    properties
}

/// The rows as a Stata file, put together in a file of its own: its head tells what comes of all rows.
fn write_stata(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    out: &mut impl Write,
) -> Result<(), OutputError> {
    let mut file = tempfile::NamedTempFile::new()?;
    stata::write(file.path(), schema, batches)?;
    std::io::copy(file.as_file_mut(), out)?;
    Ok(())
}

/// Rows whose cells a sign separates, below their names. One that has that sign, quotes or a line break stands in quotes.
fn write_separated<E: From<OutputError>>(
    separator: u8,
    csv: CsvArgs,
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
    out: &mut impl Write,
) -> Result<(), E> {
    let arrow = |error: ArrowError| E::from(OutputError::from(error));
    let mut writer = arrow::csv::WriterBuilder::new()
        .with_header(true)
        .with_delimiter(separator)
        .build(&mut *out);
    let names = csv.schema(&nested::flat(schema));
    writer.write(&RecordBatch::new_empty(names)).map_err(arrow)?;
    for batch in batches {
        let batch = nested::flat_rows(&batch?).map_err(arrow)?;
        writer.write(&csv.rows(&batch).map_err(arrow)?).map_err(arrow)?;
    }
    Ok(())
}

/// Rows as objects of JSON, in an array or a line each.
fn write_json<F: JsonFormat, E: From<OutputError>>(
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
    out: &mut impl Write,
) -> Result<(), E> {
    let arrow = |error: ArrowError| E::from(OutputError::from(error));
    let mut writer =
        arrow::json::WriterBuilder::new().with_explicit_nulls(true).build::<_, F>(&mut *out);
    for batch in batches {
        writer.write(&batch?).map_err(arrow)?;
    }
    writer.finish().map_err(arrow)
}

/// Rows as a table of Markdown, numbers to the right.
fn write_markdown<E: From<OutputError>>(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
    out: &mut impl Write,
) -> Result<(), E> {
    let arrow = |error: ArrowError| E::from(OutputError::from(error));
    let io = |error: std::io::Error| E::from(OutputError::from(error));
    let schema = nested::flat(schema);
    let names = schema.fields().iter().map(|field| markdown_text(field.name()));
    writeln!(out, "| {} |", names.collect::<Vec<_>>().join(" | ")).map_err(io)?;
    let rules = schema.fields().iter().map(|field| match field.data_type().is_numeric() {
        true => "---:",
        false => "---",
    });
    writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | ")).map_err(io)?;
    let options = FormatOptions::new().with_null("null");
    for batch in batches {
        let batch = nested::flat_rows(&batch?).map_err(arrow)?;
        let columns = batch.columns().iter();
        let columns = columns.map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(arrow)?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).try_to_string());
            let cells = cells.collect::<Result<Vec<_>, _>>().map_err(arrow)?;
            let cells = cells.iter().map(|cell| markdown_text(cell)).collect::<Vec<_>>();
            writeln!(out, "| {} |", cells.join(" | ")).map_err(io)?;
        }
    }
    Ok(())
}

/// Writes `batches` to `out` as `format`, one after the other as they come; a table for reading and a
/// Stata file need them all.
///
/// # Errors
///
/// What `batches` fail with, or [`OutputError`] if they cannot be written.
pub fn write<E: From<OutputError>>(
    format: Format,
    csv: CsvArgs,
    schema: &SchemaRef,
    batches: impl IntoIterator<Item = Result<RecordBatch, E>>,
    mut out: impl Write + Send,
) -> Result<(), E> {
    let arrow = |error: ArrowError| E::from(OutputError::from(error));
    let parquet = |error: parquet::errors::ParquetError| E::from(OutputError::from(error));
    let io = |error: std::io::Error| E::from(OutputError::from(error));
    match format {
        Format::Table => {
            let batches: Vec<RecordBatch> = batches.into_iter().collect::<Result<_, E>>()?;
            writeln!(out, "{}", table(schema, &batches)?).map_err(io)?;
        }
        Format::Csv => write_separated(b',', csv, schema, batches, &mut out)?,
        Format::Tsv => write_separated(b'\t', csv, schema, batches, &mut out)?,
        Format::Json => {
            write_json::<JsonArray, E>(batches, &mut out)?;
            writeln!(out).map_err(io)?;
        }
        Format::Jsonl => write_json::<LineDelimited, E>(batches, &mut out)?,
        Format::Markdown => write_markdown(schema, batches, &mut out)?,
        Format::Parquet => {
            let properties = parquet_properties(schema).build();
            let mut writer = ParquetRows::new(&mut out, schema, properties).map_err(parquet)?;
            for batch in batches {
                writer.write(&batch?).map_err(parquet)?;
            }
            writer.finish().map_err(parquet)?;
        }
        Format::Arrow => {
            let mut writer =
                arrow::ipc::writer::FileWriter::try_new(&mut out, schema).map_err(arrow)?;
            for batch in batches {
                writer.write(&batch?).map_err(arrow)?;
            }
            writer.finish().map_err(arrow)?;
        }
        Format::Dta => {
            let batches: Vec<RecordBatch> = batches.into_iter().collect::<Result<_, E>>()?;
            write_stata(schema, &batches, &mut out)?;
        }
    }
    out.flush().map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::html;

    #[test]
    fn cells_are_no_formulas_where_that_is_asked_for() {
        let rows = RecordBatch::try_from_iter([
            (
                "=name",
                Arc::new(StringArray::from(vec![Some("=1+1"), Some("-5"), None])) as ArrayRef,
            ),
            ("n", Arc::new(arrow::array::Float64Array::from(vec![-1.5, 2.0, 3.0]))),
            ("t", Arc::new(StringArray::from(vec!["@x", "a=b", "\tc"]))),
        ]);
        let rows = rows.expect("rows");
        for (csv_safe, expected) in [
            (false, "=name,n,t\n=1+1,-1.5,@x\n-5,2.0,a=b\n,3.0,\tc\n"),
            (true, "'=name,n,t\n'=1+1,-1.5,'@x\n-5,2.0,a=b\n,3.0,'\tc\n"),
        ] {
            let mut out = Vec::new();
            let batches = [Ok::<_, OutputError>(rows.clone())];
            write(Format::Csv, CsvArgs { csv_safe }, &rows.schema(), batches, &mut out)
                .expect("written");
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }

    fn written(format: Format, rows: &RecordBatch) -> String {
        let mut out = Vec::new();
        let batches = [Ok::<_, OutputError>(rows.clone())];
        write(format, CsvArgs::default(), &rows.schema(), batches, &mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn rows_are_lines_of_text() {
        let lists =
            arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>([
                Some(vec![Some(1), Some(2)]),
                None,
            ]);
        let rows = RecordBatch::try_from_iter([
            ("t", Arc::new(StringArray::from(vec!["a|b", "c\td"])) as ArrayRef),
            ("n", Arc::new(arrow::array::Float64Array::from(vec![Some(-1.5), None]))),
            ("l", Arc::new(lists)),
        ]);
        let rows = rows.expect("rows");
        for (format, expected) in [
            (Format::Csv, "t,n,l\na|b,-1.5,\"[1,2]\"\nc\td,,\n"),
            (Format::Tsv, "t\tn\tl\na|b\t-1.5\t[1,2]\n\"c\td\"\t\t\n"),
            (
                Format::Jsonl,
                "{\"t\":\"a|b\",\"n\":-1.5,\"l\":[1,2]}\n{\"t\":\"c\\td\",\"n\":null,\"l\":null}\n",
            ),
            (
                Format::Markdown,
                "| t | n | l |\n| --- | ---: | --- |\n| a\\|b | -1.5 | \\[1,2\\] |\n| c\td | null | null |\n",
            ),
        ] {
            assert_eq!(written(format, &rows), expected);
        }
        // Without rows there is still a header.
        assert_eq!(written(Format::Tsv, &rows.slice(0, 0)), "t\tn\tl\n");
        assert_eq!(written(Format::Jsonl, &rows.slice(0, 0)), "");
    }

    #[test]
    fn texts_stay_texts_in_pages() {
        let hostile = "<img src=x onerror='a()'> & \"b\"\u{0}\u{7}\t";
        let expected = "&lt;img src=x onerror='a()'&gt; &amp; &quot;b&quot;\u{fffd}\u{fffd}\t";
        let found = html! { b title=(HtmlText(hostile)) { (HtmlText(hostile)) } };
        assert_eq!(found.into_string(), format!("<b title=\"{expected}\">{expected}</b>"));
    }

    #[test]
    fn json_in_a_page_ends_no_element_and_says_the_same() {
        let value = serde_json::json!({"a": "<!--<script></script>&\u{2028}\u{2029}", "</b>": 1});
        let text = json_in_html(&value.to_string());
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn texts_have_no_marks_in_markdown() {
        for (text, expected) in [
            ("related_variety", "related_variety"),
            ("_a_ **b** `c`", "\\_a\\_ \\*\\*b\\*\\* \\`c\\`"),
            ("a|b\nc\\", "a\\|b c\\\\"),
            ("[x](javascript:y)", "\\[x\\](javascript:y)"),
            ("<b onclick=x>&amp;", "&lt;b onclick=x&gt;&amp;amp;"),
        ] {
            assert_eq!(markdown_text(text), expected);
        }
    }
}
