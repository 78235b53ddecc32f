//! The first rows of a raw file as a layout reads them: text, entries and rejects side by side.

use crate::raw_rows::{self, RawRow};
use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use project::config::count;
use project::layout_file::{self, LayoutError, LayoutFile};
use project::printable::printable;
use serde::Serialize;
use sources::input;
use std::borrow::Cow;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use trade::layout::Field;
use trade::{Entry, Layout, LeftOut, Money, Reject, RowParser, Sink};

/// Characters of a row that are shown.
const RAW_CHARACTERS: usize = 120;

/// Characters of a cell that are shown.
const CELL_CHARACTERS: usize = 40;

/// Entries of a row that are shown.
const MOST_ENTRIES: usize = 4;

/// Characters of a line of the table.
const TABLE_WIDTH: u16 = 140;

/// What to show of which file.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The layout file.
    layout: PathBuf,
    /// A raw file.
    file: PathBuf,
    /// Rows that are shown.
    #[arg(long, default_value_t = 10, value_parser = count(1..=10_000))]
    rows: usize,
    /// Form of what is shown.
    #[arg(long, value_enum, default_value = "table")]
    format: PreviewFormat,
}

/// The form of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PreviewFormat {
    /// A table for people.
    Table,
    /// One JSON object a row.
    Json,
}

/// A file that a layout does not fit.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The layout is at fault.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The file cannot be read by the layout.
    #[error("failed to preview `{path}`: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// What is shown cannot be written.
    #[error("failed to write what is shown")]
    Write(#[from] std::io::Error),
}

impl PreviewError {
    /// Whether the user's files are at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Layout(_) | Self::File { .. })
    }
}

/// An entry, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ShownEntry {
    year: i32,
    month: Option<i32>,
    flow: String,
    region: String,
    product: String,
    destination: Option<String>,
    quantity: Option<String>,
    value: String,
    rules: Vec<String>,
}

/// A reject, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ShownReject {
    reason: &'static str,
    column: String,
    found: String,
    value: String,
    remedy: Option<&'static str>,
}

/// A row with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ShownRow {
    place: String,
    raw: String,
    entries: Vec<ShownEntry>,
    rejects: Vec<ShownReject>,
    /// Entries that are left out as empty or zero.
    n_empty: u64,
    /// Why entries are left out, and how many.
    left_out: Vec<String>,
    /// Texts that the codes do not have, with what became of them.
    unmapped: Vec<String>,
}

/// Gathers what becomes of a row.
struct Gathered<'l> {
    layout: &'l Layout,
    row: ShownRow,
}

/// A text of the file as it may be shown.
fn shown(text: &str) -> String {
    printable(text, CELL_CHARACTERS)
}

impl Sink for Gathered<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let rules = self.layout.rules.iter().enumerate();
        let rules = rules.filter(|(at, _)| (entry.rules >> at) & 1 == 1);
        self.row.entries.push(ShownEntry {
            year: entry.year,
            month: entry.month,
            flow: entry.flow.to_string(),
            region: shown(&entry.region),
            product: entry.product.as_str().to_owned(),
            destination: entry.destination.as_deref().map(shown),
            quantity: entry.quantity.map(|quantity| {
                let unit = entry.quantity_unit.as_deref().unwrap_or_default();
                format!("{quantity} {}", shown(unit)).trim_end().to_owned()
            }),
            value: entry.value.to_string(),
            rules: rules.map(|(_, rule)| rule.name.clone()).collect(),
        });
    }

    fn reject(&mut self, reject: Reject) {
        self.row.rejects.push(ShownReject {
            reason: reject.reason.code(),
            column: shown(&reject.column),
            found: shown(&reject.found),
            value: reject.value.to_string(),
            remedy: reject.reason.remedy(),
        });
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.row.left_out.push(format!("left out by `{}`: {n_entries} of {value}", why.name()));
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, _: u64, _: Money) {
        self.row.unmapped.push(format!("{field}: {} became {}", shown(text), shown(code)));
    }
}

/// A row as it is read.
fn read_row(row: &RawRow<'_>, layout: &Layout, parser: &RowParser<'_>) -> ShownRow {
    let raw = String::from_utf8_lossy(row.raw);
    let mut gathered = Gathered {
        layout,
        row: ShownRow {
            place: row.place.to_string(),
            raw: printable(&raw, RAW_CHARACTERS),
            entries: Vec::new(),
            rejects: Vec::new(),
            n_empty: 0,
            left_out: Vec::new(),
            unmapped: Vec::new(),
        },
    };
    gathered.row.n_empty = row.parse(parser, &mut gathered).n_empty;
    gathered.row
}

/// What is shown of a file.
struct Preview {
    /// What the file was taken for.
    seen: String,
    rows: Vec<ShownRow>,
}

impl Preview {
    /// Reads the first rows.
    fn read(args: &PreviewArgs, told: &LayoutFile) -> Result<Self, String> {
        let label = args.file.display().to_string();
        let items = input::items_at(&args.file, &label)
            .and_then(|items| input::by_sheet(items, told.sheets.as_ref()))
            .map_err(|error| error.to_string())?;
        let Some(item) = items.first() else {
            return Err("its archive has no files in it".to_owned());
        };
        let mut rows = Vec::new();
        let seen = raw_rows::each_by_layout(item, told, |row, parser, layout| {
            rows.push(read_row(row, layout, parser));
            if rows.len() < args.rows { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let seen = match items.len() {
            1 => seen,
            n => format!("{}: {seen} (the first of {n} files)", shown(&item.label)),
        };
        Ok(Self { seen, rows })
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_FULL).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(TABLE_WIDTH);
        table.set_header(["row", "text", "entries", "rejects"]);
        for row in &self.rows {
            table.add_row([row.place.clone(), row.raw.clone(), row.entries(), row.rejects()]);
        }
        table.trim_fmt()
    }
}

impl ShownEntry {
    fn text(&self) -> String {
        let month = self.month.map_or_else(String::new, |month| format!("-{month:02}"));
        let to = self.destination.as_ref().map_or_else(String::new, |to| format!(" with {to}"));
        let quantity = self.quantity.as_ref().map_or_else(String::new, |of| format!(", {of}"));
        let rules = match self.rules.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.rules.join(", ")),
        };
        format!(
            "{}{month} {} {} {}{to}: {}{quantity}{rules}",
            self.year, self.flow, self.region, self.product, self.value
        )
    }
}

impl ShownRow {
    fn entries(&self) -> String {
        let mut lines: Vec<String> =
            self.entries.iter().take(MOST_ENTRIES).map(ShownEntry::text).collect();
        if self.entries.len() > MOST_ENTRIES {
            lines.push(format!("and {} more", self.entries.len() - MOST_ENTRIES));
        }
        if self.n_empty > 0 {
            lines.push(format!("{} empty or zero", self.n_empty));
        }
        lines.extend(self.left_out.iter().cloned());
        if lines.is_empty() && self.rejects.is_empty() {
            lines.push("left out".to_owned());
        }
        lines.extend(self.unmapped.iter().cloned());
        lines.join("\n")
    }

    fn rejects(&self) -> String {
        let line = |reject: &ShownReject| {
            let column: Cow<'_, str> = match reject.column.as_str() {
                "" => "".into(),
                column => format!("{column} ").into(),
            };
            let remedy = reject.remedy.map_or_else(String::new, |remedy| format!(" ({remedy})"));
            format!("{}: {column}{:?}{remedy}", reject.reason, reject.found)
        };
        let mut lines: Vec<String> = self.rejects.iter().take(MOST_ENTRIES).map(line).collect();
        if self.rejects.len() > MOST_ENTRIES {
            lines.push(format!("and {} more", self.rejects.len() - MOST_ENTRIES));
        }
        lines.join("\n")
    }
}

/// Shows the first rows of a file as a layout reads them.
///
/// # Errors
///
/// [`PreviewError`], naming the file at fault.
pub fn preview(out: &mut impl Write, args: &PreviewArgs) -> Result<(), PreviewError> {
    let told = layout_file::read(&args.layout)?;
    let failed = |why: String| PreviewError::File { path: args.file.clone(), why };
    let preview = Preview::read(args, &told).map_err(failed)?;
    match args.format {
        PreviewFormat::Table => {
            let n_entries: usize = preview.rows.iter().map(|row| row.entries.len()).sum();
            let n_rejects: usize = preview.rows.iter().map(|row| row.rejects.len()).sum();
            writeln!(out, "{}", preview.table())?;
            writeln!(
                out,
                "{} rows, {n_entries} entries, {n_rejects} rejects; read as {}",
                preview.rows.len(),
                preview.seen
            )?;
        }
        PreviewFormat::Json => {
            for row in &preview.rows {
                let line = serde_json::to_string(row).map_err(std::io::Error::other)?;
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}
