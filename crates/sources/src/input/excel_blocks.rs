//! Workbooks (xlsx, xlsb, xls, ods), as blocks of the rows of a sheet.

use super::block::{BLOCK_ROWS, BLOCK_TEXT_BYTES, Block, Stored};
use super::fault::text_of;
use super::sheet::{self, SheetRow, Table};
use super::words::{all_named, named};
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use calamine::{Data, Ods, Range, Reader, SheetType, SheetVisible, Sheets};
use calamine::{Xls, XlsError, Xlsb, Xlsx};
use calamine::{XlsbError, XlsxError};
use project::printable::printable;
use project::read_options::ReadOptions;
use project::sheets::SheetChoice;
use project::suggest::suggest;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Unpacked bytes that a part of a workbook may have: a sheet is held as a whole.
const MOST_BYTES: u64 = 1 << 30;

/// What begins a file of Excel 97 to 2003, and a workbook with a password.
const OLD: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];

type Workbook = Sheets<BufReader<File>>;

/// Reads the blocks of a sheet.
pub(super) struct ExcelBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// The sheet that was taken, and what of it was not.
    pub(super) seen: String,
    /// The sheet that was taken.
    pub(super) sheet: String,
    /// The other sheets that have cells.
    pub(super) others: Vec<String>,
    table: Table,
    /// The place of the next row.
    at: usize,
}

impl ExcelBlocks {
    /// Begins to read the sheet that `options` names, or the first with cells, of the workbook at
    /// `path`.
    pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Self, String> {
        let Sheet { rows, name, others, unstored } = sheet_of(path, options)?;
        let shown = named(&name);
        let table = sheet::table(rows, options).map_err(|why| format!("sheet {shown}: {why}"))?;
        let mut seen = format!("sheet {shown}");
        seen.push_str(&unstored);
        if !table.seen.is_empty() {
            seen.push_str(", ");
            seen.push_str(&table.seen);
        }
        if !others.is_empty() {
            seen.push_str("; not sheet ");
            seen.push_str(&all_named(others.iter().map(String::as_str)));
        }
        Ok(Self { header: table.header.clone(), seen, sheet: name, others, table, at: 0 })
    }

    /// The next rows; `None` at the end. Their numbers are those of the sheet, so that a block ends
    /// before empty rows.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let Some(first) = self.table.rows.get(self.at).map(|row| row.number) else {
            return Ok(None);
        };
        let mut columns: Vec<StringBuilder> =
            self.header.iter().map(|_| StringBuilder::new()).collect();
        let (mut next, mut n_bytes) = (first, 0);
        while let Some(row) = self.table.rows.get(self.at)
            && row.number == next
            && next - first < BLOCK_ROWS as u64
            && n_bytes < BLOCK_TEXT_BYTES
        {
            n_bytes += row.n_bytes();
            let mut cells = row.cells().peekable();
            for (texts, &column) in columns.iter_mut().zip(&self.table.columns) {
                while cells.next_if(|cell| cell.column < column).is_some() {}
                let cell = cells.next_if(|cell| cell.column == column);
                texts.append_option(cell.map(|cell| cell.text));
            }
            self.at += 1;
            next += 1;
        }
        let columns = self.header.iter().zip(&mut columns);
        let columns = columns.map(|(name, texts)| {
            let texts: ArrayRef = Arc::new(texts.finish());
            (name.as_str(), texts, true)
        });
        let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
        let stored = self.table.is_number.iter();
        let stored = stored.map(|is| if *is { Stored::Number } else { Stored::Text }).collect();
        Ok(Some(Block::Table { rows, row: first, stored }))
    }
}

/// A sheet of a workbook.
pub(super) struct Sheet {
    /// Its rows that have cells, in their order.
    pub(super) rows: Vec<SheetRow>,
    /// Its name.
    pub(super) name: String,
    /// The names of the others that have cells.
    pub(super) others: Vec<String>,
    /// What is said of formulas without a stored value; empty if there are none.
    pub(super) unstored: String,
}

/// The sheet that `options` names, or the first with cells, of the workbook at `path`.
pub(super) fn sheet_of(path: &Path, options: &ReadOptions) -> Result<Sheet, String> {
    let mut workbook = open_workbook(path)?;
    let (name, others) = chosen_sheet(&mut workbook, options.sheet.as_deref())?;
    let (rows, unstored) = rows(&mut workbook, &name)?;
    if let Unstored { n, first: Some(first) } = &unstored {
        let name = named(&name);
        tracing::warn!(
            cells = n,
            first,
            "formulas of sheet {name} have no value in the file, so their cells are empty: open it in Excel or \
             LibreOffice and save it"
        );
    }
    Ok(Sheet { rows, name, others, unstored: unstored.said() })
}

/// Opens a workbook as what it is, whatever its name says.
fn open_workbook(path: &Path) -> Result<Workbook, String> {
    let file = || File::open(path).map(BufReader::new).map_err(text_of);
    let mut first = Vec::new();
    file()?.take(4).read_to_end(&mut first).map_err(text_of)?;
    if first == OLD {
        return match Xls::new(file()?) {
            Ok(workbook) => Ok(Sheets::Xls(workbook)),
            Err(XlsError::Password) => Err(protected()),
            // A workbook of a newer form is in one of the old form if it has a password.
            Err(error) => match Xlsx::new(file()?) {
                Err(XlsxError::Password) => Err(protected()),
                _ => Err(damaged(&error)),
            },
        };
    }
    let mut archive = zip::ZipArchive::new(file()?).map_err(|error| damaged(&error))?;
    let (mut is_binary, mut is_ods) = (false, false);
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(|error| damaged(&error))?;
        let name = part.name().map_err(|error| damaged(&error))?.to_ascii_lowercase();
        if part.size() > MOST_BYTES {
            return Err(format!(
                "it is a workbook whose part {} has more than {} GiB unpacked, which does not fit \
                 into memory: save the sheet as CSV",
                named(&name),
                MOST_BYTES >> 30
            ));
        }
        is_binary |= name.ends_with("workbook.bin");
        is_ods |= name == "content.xml";
    }
    drop(archive);
    if is_ods {
        Ods::new(file()?).map(Sheets::Ods).map_err(|error| match error {
            calamine::OdsError::Password => protected(),
            other => damaged(&other),
        })
    } else if is_binary {
        Xlsb::new(file()?).map(Sheets::Xlsb).map_err(|error| match error {
            XlsbError::Password => protected(),
            other => damaged(&other),
        })
    } else {
        Xlsx::new(file()?).map(Sheets::Xlsx).map_err(|error| match error {
            XlsxError::Password => protected(),
            other => damaged(&other),
        })
    }
}

fn protected() -> String {
    "it is a workbook with a password: open it, take the password off and save it, or save the \
     sheet as CSV"
        .to_owned()
}

fn damaged(error: &dyn std::fmt::Display) -> String {
    let error = printable(&error.to_string(), 100);
    format!(
        "it is a damaged workbook, or none ({error}): open it in Excel or LibreOffice and save it \
         as xlsx or CSV"
    )
}

/// The sheets of the workbook at `path` that are meant: those of a pattern in the order of the
/// workbook, others in that of their names.
pub(super) fn sheets_of(path: &Path, choice: &SheetChoice) -> Result<Vec<String>, String> {
    let workbook = open_workbook(path)?;
    let (shown, hidden) = worksheets(&workbook);
    match choice {
        SheetChoice::Matching(pattern) => {
            let found: Vec<String> =
                shown.iter().filter(|name| pattern.is_in(name)).cloned().collect();
            match found.is_empty() {
                false => Ok(found),
                true => Err(format!(
                    "no sheet matches `excel.sheets` `{pattern}`: its sheets are {}",
                    all_named(shown.iter().map(String::as_str))
                )),
            }
        }
        SheetChoice::Named(names) => {
            let all = || shown.iter().chain(&hidden).map(String::as_str);
            match names.iter().find(|name| !all().any(|sheet| sheet == name.as_str())) {
                None => Ok(names.clone()),
                Some(name) => Err(no_sheet(name, all)),
            }
        }
    }
}

/// The names of the sheets that are shown, and of those that are hidden.
fn worksheets(workbook: &Workbook) -> (Vec<String>, Vec<String>) {
    let sheets = workbook.sheets_metadata().iter();
    let sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (shown, hidden): (Vec<_>, Vec<_>) = sheets
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .partition(|(_, is_shown)| *is_shown);
    let names = |of: Vec<(String, bool)>| of.into_iter().map(|(name, _)| name).collect();
    (names(shown), names(hidden))
}

/// A workbook has no sheet of a name, but these.
fn no_sheet<'s, S: Iterator<Item = &'s str>>(name: &str, all: impl Fn() -> S) -> String {
    format!(
        "it has no sheet {}: its sheets are {}{}",
        named(name),
        all_named(all()),
        suggest(name, all())
    )
}

/// The name of the sheet to be read, and of the others that have cells. Hidden sheets are read
/// only if they are named.
fn chosen_sheet(
    workbook: &mut Workbook,
    name: Option<&str>,
) -> Result<(String, Vec<String>), String> {
    let (shown, hidden) = worksheets(workbook);
    if let Some(name) = name {
        let all = || shown.iter().chain(&hidden).map(String::as_str);
        return match all().any(|sheet| sheet == name) {
            true => Ok((name.to_owned(), Vec::new())),
            false => Err(no_sheet(name, all)),
        };
    }
    let mut with_cells = Vec::new();
    for name in shown {
        if has_cells(workbook, &name)? {
            with_cells.push(name);
        }
    }
    match with_cells.is_empty() {
        true if hidden.is_empty() => Err("it is a workbook without cells".to_owned()),
        true => Err(format!(
            "it is a workbook whose sheets with cells are hidden: name one by `sheet`: {}",
            all_named(hidden.iter().map(String::as_str))
        )),
        false => Ok((with_cells.remove(0), with_cells)),
    }
}

/// Whether a sheet has a cell with something in it.
fn has_cells(workbook: &mut Workbook, sheet: &str) -> Result<bool, String> {
    let mut has = false;
    each_cell(workbook, sheet, &mut |_, _, content| {
        has = match content {
            Content::Value(value) => sheet::cell_text(value).is_some(),
            Content::Unstored => true,
        };
        !has
    })?;
    Ok(has)
}

/// What is in a cell.
enum Content<'c> {
    /// A value.
    Value(&'c Data),
    /// A formula whose value nobody stored.
    Unstored,
}

/// Formulas without a stored value.
#[derive(Debug, Default)]
struct Unstored {
    n: u64,
    /// The first cell, as workbooks name it.
    first: Option<String>,
}

impl Unstored {
    fn add(&mut self, row: u32, column: u32) {
        self.n += 1;
        self.first.get_or_insert_with(|| cell_name(row, column));
    }

    fn said(&self) -> String {
        let first = self.first.as_deref().unwrap_or_default();
        match self.n {
            0 => String::new(),
            1 => format!(", a formula without a stored value ({first})"),
            n => format!(", {n} formulas without a stored value (first {first})"),
        }
    }
}

/// The name of a cell, whose row and column are counted from 0: `B2`.
fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
}

/// The rows of a sheet that have cells, in their order, and formulas that nobody computed.
fn rows(workbook: &mut Workbook, sheet: &str) -> Result<(Vec<SheetRow>, Unstored), String> {
    let mut rows: Vec<SheetRow> = Vec::new();
    let mut unstored = Unstored::default();
    each_cell(workbook, sheet, &mut |row, column, content| {
        let Content::Value(value) = content else {
            unstored.add(row, column);
            return true;
        };
        if let Some(text) = sheet::cell_text(value) {
            let number = u64::from(row) + 1;
            let is_new = rows.last().is_none_or(|last| last.number != number);
            if is_new {
                rows.push(SheetRow::new(number));
            }
            if let Some(last) = rows.last_mut() {
                last.push(column, &text);
            }
        }
        true
    })?;
    // Not every writer keeps to the order of a sheet.
    rows.iter_mut().for_each(SheetRow::sort);
    rows.sort_by_key(|row| row.number);
    Ok((rows, unstored))
}

/// What is done with a cell in a row and a column, counted from 0; false if it was enough.
type Each<'e> = dyn FnMut(u32, u32, Content<'_>) -> bool + 'e;

/// Calls `each` on the cells of a sheet for as long as it says so.
fn each_cell(workbook: &mut Workbook, sheet: &str, each: &mut Each<'_>) -> Result<(), String> {
    match workbook {
        // What is far from the others takes no room where cells are read one by one.
        Sheets::Xlsx(workbook) => {
            let mut cells =
                workbook.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
            loop {
                let cell = cells.next_cell_with_formula_metadata();
                let Some(cell) = cell.map_err(|error| damaged(&error))? else { return Ok(()) };
                let ((row, column), value) = (cell.pos, Data::from(cell.value));
                // A formula may give an empty text, which is a value.
                let content = match cell.formula {
                    Some(_) if value == Data::Empty => Content::Unstored,
                    _ => Content::Value(&value),
                };
                if !each(row, column, content) {
                    return Ok(());
                }
            }
        }
        // These two store the value of every formula.
        Sheets::Xlsb(workbook) => {
            let mut cells =
                workbook.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
            while let Some(cell) = cells.next_cell().map_err(|error| damaged(&error))? {
                let (row, column) = cell.get_position();
                let value = Data::from(cell.get_value().clone());
                if !each(row, column, Content::Value(&value)) {
                    return Ok(());
                }
            }
            Ok(())
        }
        Sheets::Xls(workbook) => {
            let range = workbook.worksheet_range(sheet).map_err(|error| damaged(&error))?;
            each_of_range(&range, &Range::default(), each);
            Ok(())
        }
        Sheets::Ods(workbook) => {
            let range = workbook.worksheet_range(sheet).map_err(|error| damaged(&error))?;
            let formulas = workbook.worksheet_formula(sheet).map_err(|error| damaged(&error))?;
            each_of_range(&range, &formulas, each);
            Ok(())
        }
    }
}

/// Calls `each` on the cells of a range, and before them on those of formulas that have no value
/// there.
fn each_of_range(range: &Range<Data>, formulas: &Range<String>, each: &mut Each<'_>) {
    let first = formulas.start().unwrap_or_default();
    for (row, cells) in (first.0..).zip(formulas.rows()) {
        for (column, formula) in (first.1..).zip(cells) {
            let value = range.get_value((row, column));
            let is_unstored =
                !formula.is_empty() && value.is_none_or(|value| *value == Data::Empty);
            if is_unstored && !each(row, column, Content::Unstored) {
                return;
            }
        }
    }
    let first = range.start().unwrap_or_default();
    for (row, cells) in (first.0..).zip(range.rows()) {
        for (column, value) in (first.1..).zip(cells) {
            if !each(row, column, Content::Value(value)) {
                return;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
