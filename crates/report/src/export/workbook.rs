//! Workbooks of Excel: a sheet for each table or query, one with the meaning of their columns, and
//! one on where they come from.
//!
//! What Excel would change is a text: more digits than it keeps, dates that it does not have, codes
//! that begin with a zero, and what looks like a formula.

mod cells;

use self::cells::{Cells, FORM, Formats, Stored};
use super::codebook;
use super::counted::Counted;
use super::error::ExportError;
use super::rows::{Batches, Exported, Origin};
use lake::Catalog;
use rust_xlsxwriter::{
    ColNum, DocProperties, ExcelDateTime, IgnoreError, RowNum, Workbook, Worksheet, XlsxError,
};
use std::collections::BTreeSet;
use std::io::Write;

/// Rows of a sheet, its header among them.
const MOST_ROWS: u64 = 1_048_576;

/// Columns of a sheet.
const MOST_COLUMNS: usize = 16_384;

/// Characters of the name of a sheet.
const MOST_NAME: usize = 31;

/// Characters of a line of SQL in one cell.
const MOST_LINE: usize = 32_000;

/// Cells beyond which the parts of a workbook may be longer than 4 GiB.
const MANY_CELLS: u64 = 20_000_000;

/// The names of the last two sheets.
const CODEBOOK: &str = "Codebook";
const ABOUT: &str = "About";

/// Whether rows have room on a sheet.
///
/// # Errors
///
/// [`ExportError::TooLarge`], with what to do.
pub(super) fn has_room(exported: &Exported, n_rows: u64) -> Result<(), ExportError> {
    let too_large = |why| ExportError::TooLarge { table: exported.name.clone(), form: FORM, why };
    let n_columns = exported.columns.len();
    if n_rows >= MOST_ROWS {
        return Err(too_large(format!(
            "it has {n_rows} rows, above {}: leave some out by --where or in the query",
            MOST_ROWS - 1
        )));
    }
    if n_columns > MOST_COLUMNS {
        return Err(too_large(format!(
            "it has {n_columns} columns, above {MOST_COLUMNS}: name those that you need in a query"
        )));
    }
    Ok(())
}

/// A name for a sheet, none twice and none of those of Excel or of ours.
fn sheet_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let allowed = |c: char| if "[]:*?/\\'".contains(c) || c.is_control() { '_' } else { c };
    let shortened = |limit: usize| {
        let mut n_units = 0;
        let is_within = |c: &char| {
            n_units += c.len_utf16();
            n_units <= limit
        };
        name.chars().map(allowed).take_while(is_within).collect::<String>()
    };
    let mut found = shortened(MOST_NAME);
    let mut n = 1;
    while found.is_empty() || !taken.insert(found.to_lowercase()) {
        n += 1;
        let suffix = format!("_{n}");
        found = format!("{}{suffix}", shortened(MOST_NAME - suffix.len()));
    }
    found
}

/// When tables were published, as a workbook says when it was made. It does not know the time of its
/// writing: the same rows give the same file.
fn made_at(published_at: &str) -> Result<ExcelDateTime, ExportError> {
    // RFC 3339 without fractions of seconds.
    let whole = published_at.get(..19).unwrap_or_default();
    match ExcelDateTime::parse_from_str(whole) {
        Ok(time) => Ok(time),
        Err(_) => Ok(ExcelDateTime::from_ymd(1980, 1, 1)?),
    }
}

fn column_number(at: usize) -> ColNum {
    // Sheets are looked at by `has_room` before.
    ColNum::try_from(at).unwrap_or(ColNum::MAX)
}

/// A workbook that is being written.
pub(super) struct Book<'c> {
    workbook: Workbook,
    formats: Formats,
    catalog: &'c Catalog,
    taken: BTreeSet<String>,
    /// Rows of the codebook, the name of the sheet first.
    codebook: Vec<Vec<String>>,
    /// Rows of what is said of the sheets.
    about: Vec<[String; 2]>,
    titles: Vec<String>,
    n_cells: u64,
}

impl<'c> Book<'c> {
    /// A workbook of what `catalog` has, without sheets.
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        Self {
            workbook: Workbook::new(),
            formats: Formats::new(),
            catalog,
            // Excel keeps `History` for itself.
            taken: [CODEBOOK, ABOUT, "history"].map(str::to_lowercase).into(),
            codebook: Vec::new(),
            about: Vec::new(),
            titles: Vec::new(),
            n_cells: 0,
        }
    }

    /// Adds a sheet with rows, of which `n_rows` and `variables` were counted.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if they cannot be read, or have no room there.
    pub(super) fn add(
        &mut self,
        exported: &Exported,
        (n_rows, variables): (u64, &[Counted]),
        rows: Batches<'_>,
    ) -> Result<(), ExportError> {
        has_room(exported, n_rows)?;
        let name = sheet_name(&exported.name, &mut self.taken);
        let stored: Vec<Stored> = exported
            .columns
            .iter()
            .zip(variables)
            .map(|(column, counted)| Stored::of(&column.data, counted.largest()))
            .collect();
        let header: Vec<&str> =
            exported.columns.iter().map(|column| column.name.as_str()).collect();
        let sheet = begin(&mut self.workbook, &name, &self.formats, &header)?;
        let mut n_written: RowNum = 0;
        for batch in rows {
            let batch = batch?;
            let columns: Vec<Cells> = batch
                .columns()
                .iter()
                .zip(&stored)
                .map(|(column, stored)| Cells::of(column, *stored))
                .collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                n_written = n_written.saturating_add(1);
                if u64::from(n_written) >= MOST_ROWS {
                    return has_room(exported, MOST_ROWS);
                }
                for (at, cells) in columns.iter().enumerate() {
                    let place = (n_written, column_number(at));
                    cells.write(sheet, &self.formats, place, row).map_err(|error| {
                        cells::located(error, exported, at, u64::from(n_written))
                    })?;
                }
            }
        }
        if n_written > 0 {
            // Codes are meant to be texts: Excel need not mark them.
            let last = column_number(exported.columns.len().saturating_sub(1));
            sheet.ignore_error_range(1, 0, n_written, last, IgnoreError::NumberStoredAsText)?;
        }
        self.n_cells += n_rows * exported.columns.len() as u64;
        self.describe(exported, (n_rows, variables), &name, &stored);
        Ok(())
    }

    /// Notes what a sheet has.
    fn describe(
        &mut self,
        exported: &Exported,
        (n_rows, variables): (u64, &[Counted]),
        sheet: &str,
        stored: &[Stored],
    ) {
        for (mut row, stored) in codebook::rows(exported, variables).into_iter().zip(stored) {
            if let (Some(kind), Some(note)) = (row.get_mut(3), stored.note()) {
                kind.push_str(note);
            }
            row.insert(0, sheet.to_owned());
            self.codebook.push(row);
        }
        let mut note = |what: &str, text: String| self.about.push([what.to_owned(), text]);
        note("", String::new());
        note("sheet", sheet.to_owned());
        let what = match &exported.origin {
            Origin::Table { .. } => "table",
            Origin::Query => "query",
        };
        note(what, exported.name.clone());
        note("a row is", exported.about.clone());
        note("rows", n_rows.to_string());
        if !exported.key.is_empty() {
            note("key", exported.key.join(", "));
        }
        if let Origin::Table { condition: Some(condition) } = &exported.origin {
            note("where", condition.clone());
        }
        for (table, fingerprint) in &exported.tables {
            note("made from", format!("{table} {fingerprint}").trim_end().to_owned());
        }
        for line in exported.sql.trim().lines() {
            let letters: Vec<char> = line.chars().collect();
            for part in letters.chunks(MOST_LINE / 2) {
                note("SQL", part.iter().collect());
            }
        }
        self.titles.push(exported.name.clone());
    }

    /// Adds the sheets on columns and sources, and writes the workbook.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if it cannot be written.
    pub(super) fn finish(mut self, mut out: impl Write + Send) -> Result<(), ExportError> {
        let mut header = vec!["sheet"];
        header.extend(codebook::HEADER);
        let sheet = begin(&mut self.workbook, CODEBOOK, &self.formats, &header)?;
        for (row, texts) in (1..).zip(&self.codebook) {
            for (at, text) in texts.iter().enumerate() {
                // Counts and moments are numbers.
                let is_number = matches!(at, 5 | 6 | 8..=11);
                match text.parse::<f64>().ok().filter(|_| is_number) {
                    Some(number) => sheet.write_number(row, column_number(at), number)?,
                    None => sheet.write_string(row, column_number(at), cells::cut(text))?,
                };
            }
        }
        let Catalog { run, pipeline, published_at, .. } = self.catalog;
        let sheet = begin(&mut self.workbook, ABOUT, &self.formats, &["what", "text"])?;
        let head = [
            ["written by", "rebound export"],
            ["pipeline", pipeline.as_str()],
            ["run", run.as_str()],
            ["published", published_at.as_str()],
            ["empty cells", "null, or a text without characters"],
        ];
        let head = head.map(|row| row.map(str::to_owned));
        for (row, texts) in (1..).zip(head.iter().chain(&self.about)) {
            for (at, text) in (0..).zip(texts) {
                sheet.write_string(row, at, cells::cut(text))?;
            }
        }
        sheet.set_column_width(1, 100)?;
        let properties = DocProperties::new()
            .set_title(cells::cut(&self.titles.join(", ")))
            .set_author("rebound export")
            .set_comment(format!("run {run} of pipeline {pipeline}"))
            .set_creation_datetime(&made_at(published_at)?);
        self.workbook.set_properties(&properties);
        self.workbook.use_zip_large_file(self.n_cells > MANY_CELLS);
        self.workbook.save_to_writer(&mut out)?;
        Ok(out.flush().map_err(XlsxError::from)?)
    }
}

/// Begins a sheet with a header that stays in view. Its rows go to a file as they come, each after the
/// one before it.
fn begin<'w>(
    workbook: &'w mut Workbook,
    name: &str,
    formats: &Formats,
    header: &[&str],
) -> Result<&'w mut Worksheet, ExportError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    for (at, name) in header.iter().enumerate() {
        let width = u32::try_from(name.chars().count()).unwrap_or(u32::MAX).clamp(8, 40) + 2;
        sheet.set_column_width(column_number(at), width)?;
        sheet.write_string_with_format(0, column_number(at), cells::cut(name), &formats.header)?;
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::IntoCustomDateTime;

    #[test]
    fn names_of_sheets_are_short_legal_and_apart() {
        let mut taken = BTreeSet::from(["codebook".to_owned()]);
        let mut named = |name: &str| sheet_name(name, &mut taken);
        assert_eq!(named("panel.region_product"), "panel.region_product");
        let long = "resilience.region_transformation_products";
        assert_eq!(named(long), "resilience.region_transformatio");
        assert_eq!(named(long), "resilience.region_transformat_2");
        assert_eq!(named("Codebook"), "Codebook_2");
        assert_eq!(named("a/b:c"), "a_b_c");
    }

    #[test]
    fn a_workbook_is_dated_by_what_was_published() {
        let told = |text: &str| made_at(text).expect("a time").utc_datetime();
        assert_eq!(told("2026-01-02T03:04:05.678Z"), told("2026-01-02T03:04:05Z"));
        assert_ne!(told("2026-01-02T03:04:05Z"), told("2026-01-02T03:04:06Z"));
        assert_eq!(told("now"), told(""));
    }
}
