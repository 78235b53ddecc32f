//! The table in a sheet: where it begins, its header, and its cells as texts.

use super::cells::{number_text, rounded};
use super::words::named;
use calamine::{Data, ExcelDateTime};
use project::printable::printable;
use project::read_options::ReadOptions;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Rows by which the width of a table is told.
const ROWS_LOOKED_AT: usize = 1000;

/// Days from the first that a workbook can have to the year 10000.
const DAYS: f64 = 2_958_466.0;

/// The whole numbers that are one number each in double precision.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A text of a cell, and whether the cell is a number.
pub(super) struct CellText<'c> {
    text: Cow<'c, str>,
    is_number: bool,
    /// Whether it is a whole number that may be another one in the cell.
    is_inexact: bool,
}

/// A row that has cells.
#[derive(Debug)]
pub(super) struct SheetRow {
    /// Its number in the sheet, counted from 1.
    pub(super) number: u64,
    /// The texts of its cells, one after the other.
    text: String,
    places: Vec<CellPlace>,
}

/// Where a cell's text is in that of its row.
#[derive(Debug)]
struct CellPlace {
    column: u32,
    start: usize,
    end: usize,
    is_number: bool,
    is_inexact: bool,
}

/// A cell.
#[derive(Debug)]
pub(super) struct Cell<'r> {
    /// Its column in the sheet, counted from 0.
    pub(super) column: u32,
    /// What is in it.
    pub(super) text: &'r str,
    /// Whether it is stored as a number.
    pub(super) is_number: bool,
    is_inexact: bool,
}

impl SheetRow {
    /// A row of this number, without cells.
    pub(super) fn new(number: u64) -> Self {
        Self { number, text: String::new(), places: Vec::new() }
    }

    /// Adds a cell.
    pub(super) fn push(&mut self, column: u32, cell: &CellText<'_>) {
        let start = self.text.len();
        self.text.push_str(&cell.text);
        self.places.push(CellPlace {
            column,
            start,
            end: self.text.len(),
            is_number: cell.is_number,
            is_inexact: cell.is_inexact,
        });
    }

    /// Puts cells into the order of their columns.
    pub(super) fn sort(&mut self) {
        self.places.sort_by_key(|place| place.column);
    }

    /// Its cells, from the left to the right.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.places.iter().map(|place| Cell {
            column: place.column,
            text: self.text.get(place.start..place.end).unwrap_or_default(),
            is_number: place.is_number,
            is_inexact: place.is_inexact,
        })
    }

    /// Bytes of the texts of its cells.
    pub(super) fn n_bytes(&self) -> usize {
        self.text.len()
    }

    fn n_cells(&self) -> usize {
        self.places.len()
    }

    fn is_all_text(&self) -> bool {
        self.places.iter().all(|place| !place.is_number)
    }
}

/// The table of a sheet.
#[derive(Debug)]
pub(super) struct Table {
    /// The names of its columns.
    pub(super) header: Vec<String>,
    /// The places of its columns in the sheet, counted from 0.
    pub(super) columns: Vec<u32>,
    /// Whether all cells of a column are numbers.
    pub(super) is_number: Vec<bool>,
    /// Its rows.
    pub(super) rows: Vec<SheetRow>,
    /// Where its header is and what is above it, if it is not the first row.
    pub(super) seen: String,
}

/// The place of the row that `options` say a table begins with, or that is seen to be its first.
pub(super) fn start(rows: &[SheetRow], options: &ReadOptions) -> Result<usize, String> {
    let start = match options.skip {
        Some(n) => rows.iter().position(|row| row.number > n as u64),
        None => first_of_table(rows),
    };
    start.ok_or_else(|| match options.skip {
        Some(n) => format!("it has no rows below the {n} that `skip` leaves out"),
        None => "it has no cells".to_owned(),
    })
}

/// The table in the rows of a sheet, from the row that `options` say, or that is seen to be its
/// first.
pub(super) fn table(mut rows: Vec<SheetRow>, options: &ReadOptions) -> Result<Table, String> {
    let start = start(&rows, options)?;
    let above: Vec<SheetRow> = rows.drain(..start).collect();
    let has_header = options.header != Some(false);
    let mut seen = Vec::new();
    if let Some(first) = rows.first().filter(|first| first.number > 1) {
        let what = if has_header { "header" } else { "first row" };
        seen.push(format!("{what} in row {}", first.number));
    }
    if let (Some(title), None) = (above.first(), options.skip) {
        let text = title.cells().next().map_or_else(String::new, |cell| printable(cell.text, 40));
        seen.push(match above.len() {
            1 => format!("row {} above it left out ({text})", title.number),
            n => format!("{n} rows above it left out ({text}, ...)"),
        });
    }
    let names: BTreeMap<u32, String> = match has_header {
        true => {
            let header = rows.remove(0);
            header.cells().map(|cell| (cell.column, cell.text.trim().to_owned())).collect()
        }
        false => BTreeMap::new(),
    };
    // Whether all of a column's cells are numbers.
    let mut found: BTreeMap<u32, bool> = BTreeMap::new();
    let mut inexact = BTreeSet::new();
    for cell in rows.iter().flat_map(SheetRow::cells) {
        *found.entry(cell.column).or_insert(true) &= cell.is_number;
        if cell.is_inexact {
            inexact.insert(cell.column);
        }
    }
    // Columns without a name and without cells only keep others apart.
    let columns: Vec<u32> =
        names.keys().chain(found.keys()).copied().collect::<BTreeSet<u32>>().into_iter().collect();
    let left = columns.first().copied().unwrap_or_default();
    let name = |column: &u32| match has_header {
        true => names.get(column).cloned().unwrap_or_default(),
        false => format!("column {}", u64::from(column - left) + 1),
    };
    let header: Vec<String> = columns.iter().map(name).collect();
    if let Some((_, name)) = columns.iter().zip(&header).find(|(at, _)| inexact.contains(at)) {
        seen.push(format!(
            "column {} has whole numbers of more than 15 digits, which a workbook rounds",
            named(name)
        ));
    }
    let is_number = columns.iter().map(|at| found.get(at).copied().unwrap_or(false)).collect();
    Ok(Table { header, columns, is_number, rows, seen: seen.join(", ") })
}

/// The place of the first row of a table: the first that has as many cells as most rows have. Rows
/// above it are titles.
fn first_of_table(rows: &[SheetRow]) -> Option<usize> {
    let looked_at = rows.get(..ROWS_LOOKED_AT).unwrap_or(rows);
    // Titles and notes are rows of one cell.
    let is_wide = |row: &&SheetRow| row.n_cells() > 1;
    let is_table = looked_at.iter().filter(is_wide).count() > 1;
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for row in looked_at.iter().filter(|row| !is_table || is_wide(row)) {
        *widths.entry(row.n_cells()).or_default() += 1;
    }
    // Of widths that are as frequent the largest.
    let (width, _) = widths.into_iter().max_by_key(|&(width, n)| (n, width))?;
    let first = looked_at.iter().position(|row| row.n_cells() >= width)?;
    // A header may lack names, as those of the columns that a program numbers rows in.
    let lacks_names = |above: &SheetRow, first: &SheetRow| {
        let n = above.n_cells();
        above.number + 1 == first.number
            && n > 1
            && 2 * n > width
            && above.is_all_text()
            && !first.is_all_text()
    };
    match (first.checked_sub(1).and_then(|above| rows.get(above)), rows.get(first)) {
        (Some(above), Some(row)) if lacks_names(above, row) => Some(first - 1),
        _ => Some(first),
    }
}

/// The text of a cell; `None` for an empty one.
pub(super) fn cell_text(value: &Data) -> Option<CellText<'_>> {
    let text = |text| CellText { text, is_number: false, is_inexact: false };
    let number = |text| CellText { text: Cow::Owned(text), is_number: true, is_inexact: false };
    Some(match value {
        Data::Empty => return None,
        Data::String(found) if found.trim().is_empty() => return None,
        Data::String(found) | Data::DurationIso(found) => text(Cow::Borrowed(found.as_str())),
        Data::Int(found) => number(found.to_string()),
        Data::Float(found) => {
            let is_inexact = found.abs() > EXACT;
            CellText { is_inexact, ..number(number_text(*found)) }
        }
        Data::Bool(found) => text(Cow::Borrowed(if *found { "true" } else { "false" })),
        Data::Error(error) => text(Cow::Owned(error.to_string())),
        Data::DateTimeIso(found) => {
            let date = found.strip_suffix("T00:00:00");
            text(Cow::Borrowed(date.unwrap_or(found.as_str())))
        }
        Data::DateTime(found) => text(Cow::Owned(time_text(found))),
    })
}

/// A date, a time, both, or a duration, in the manner of ISO 8601.
fn time_text(time: &ExcelDateTime) -> String {
    let value = time.as_f64();
    if time.is_duration() {
        let Some(seconds) = rounded(value * 86_400.0) else { return number_text(value) };
        let (sign, seconds) = (if seconds < 0 { "-" } else { "" }, seconds.unsigned_abs());
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        return format!("{sign}{:02}:{:02}:{seconds:02}", minutes / 60, minutes % 60);
    }
    if !(0.0..DAYS).contains(&value) {
        return number_text(value);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
    if milli > 0 {
        clock = format!("{clock}.{milli:03}");
    }
    match (hour, minute, second, milli) {
        // The days before the first are no dates: it is a time of day.
        _ if year < 1900 => clock,
        (0, 0, 0, 0) => date,
        _ => format!("{date}T{clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn shown(value: &Data) -> Option<String> {
        cell_text(value).map(|cell| cell.text.into_owned())
    }

    #[test]
    fn cells_are_texts_that_do_not_depend_on_how_they_are_shown() {
        let time = |value: f64| {
            Data::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false))
        };
        let span = |value: f64| {
            Data::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::TimeDelta, false))
        };
        let cases = [
            (Data::String("0101".to_owned()), "0101"),
            (Data::Float(12_345_678_901_234_568.0), "12345678901234568"),
            (Data::Float(101.0), "101"),
            (Data::Float(0.1), "0.1"),
            (Data::Float(1e21), "1000000000000000000000"),
            (Data::Int(-5), "-5"),
            (Data::Bool(true), "true"),
            (Data::Error(CellErrorType::NA), "#N/A"),
            (time(39_706.0), "2008-09-15"),
            (time(39_706.0 + 10.0 / 24.0), "2008-09-15T10:00:00"),
            (time(39_706.5 + 0.25 / 86_400.0), "2008-09-15T12:00:00.250"),
            (time(0.75), "18:00:00"),
            (time(-1.0), "-1"),
            (time(3e6), "3000000"),
            (span(1.5), "36:00:00"),
            (span(-0.25), "-06:00:00"),
            (Data::DateTimeIso("2008-09-15T00:00:00".to_owned()), "2008-09-15"),
            (Data::DateTimeIso("2008-09-15T10:00:00".to_owned()), "2008-09-15T10:00:00"),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(&value).as_deref(), Some(expected), "{value:?}");
        }
        for empty in [Data::Empty, Data::String(" \u{a0}".to_owned())] {
            assert_eq!(shown(&empty), None);
        }
    }

    /// Rows of a sheet, whose fields are apart by commas and empty for no cell.
    fn rows(lines: &[&str]) -> Vec<SheetRow> {
        let row = |(line, number): (&&str, u64)| {
            let mut row = SheetRow::new(number);
            for (text, column) in line.split(',').zip(0_u32..) {
                let value = match text.parse() {
                    Ok(number) => Data::Float(number),
                    Err(_) => Data::String(text.to_owned()),
                };
                if let Some(cell) = cell_text(&value) {
                    row.push(column, &cell);
                }
            }
            row
        };
        lines.iter().zip(1..).map(row).filter(|row| row.n_cells() > 0).collect()
    }

    fn found(lines: &[&str], options: &ReadOptions) -> (Vec<String>, usize, String) {
        let table = table(rows(lines), options).expect("a table");
        (table.header, table.rows.len(), table.seen)
    }

    #[test]
    fn titles_above_a_header_are_left_out_and_said() {
        let seen = ReadOptions::default();
        let (header, n, said) = found(&["a,b", "x,1", "y,2"], &seen);
        assert_eq!((header, n, said.as_str()), (vec!["a".to_owned(), "b".to_owned()], 2, ""));
        let lines = ["Exports", "", "in USD", "firm,year,value", "x,2008,1", "y,2008,2", "Note"];
        let (header, n, said) = found(&lines, &seen);
        assert_eq!((header, n), (["firm", "year", "value"].map(str::to_owned).to_vec(), 3));
        assert_eq!(said, "header in row 4, 2 rows above it left out (Exports, ...)");
        // A row of two is no header where one of three follows it.
        let (header, ..) = found(&["Source,Customs", "a,b,c", "x,1,2", "y,1,2"], &seen);
        assert_eq!(header, ["a", "b", "c"]);
        // One row of data below more titles.
        let (header, ..) = found(&["A", "B", "C", "a,b,c", "x,1,2"], &seen);
        assert_eq!(header, ["a", "b", "c"]);
        // Rows of which most lack a cell.
        let (header, n, _) = found(&["a,b,c", "x,,2", "y,1,", "z,1,2"], &seen);
        assert_eq!((header, n), (["a", "b", "c"].map(str::to_owned).to_vec(), 3));
        // A table of one column.
        let (header, n, _) = found(&["code", "1", "2"], &seen);
        assert_eq!((header, n), (vec!["code".to_owned()], 2));
    }

    #[test]
    fn a_header_may_lack_names() {
        let (header, n, _) =
            found(&[",firm,value", "0,x,1", "1,y,2", "2,z,3"], &ReadOptions::default());
        assert_eq!((header, n), (["", "firm", "value"].map(str::to_owned).to_vec(), 3));
    }

    #[test]
    fn what_is_told_goes_before_what_is_seen() {
        let lines = ["a,b", "x,1", "y,2", "z,3"];
        let options = |skip, header| ReadOptions { skip, header, ..ReadOptions::default() };
        let (header, n, said) = found(&lines, &options(Some(2), None));
        assert_eq!((header, n), (["y", "2"].map(str::to_owned).to_vec(), 1));
        assert_eq!(said, "header in row 3");
        let (header, n, _) = found(&lines, &options(None, Some(false)));
        assert_eq!((header, n), (["column 1", "column 2"].map(str::to_owned).to_vec(), 4));
        let error = table(rows(&lines), &options(Some(9), None)).expect_err("no rows");
        assert_eq!(error, "it has no rows below the 9 that `skip` leaves out");
        assert_eq!(table(Vec::new(), &options(None, None)).expect_err("none"), "it has no cells");
    }

    #[test]
    fn columns_are_numbers_if_all_their_cells_are() {
        let lines = ["a,,b,,c", "1,,2,,x", "3,,NA,,4", "5,,6,,7"];
        let table = table(rows(&lines), &ReadOptions::default()).expect("a table");
        assert_eq!(table.header, ["a", "b", "c"]);
        assert_eq!(table.columns, [0, 2, 4]);
        assert_eq!(table.is_number, [true, false, false]);
    }

    #[test]
    fn numbers_that_a_workbook_rounds_are_said() {
        let (.., said) = found(&["firm,b", "12345678901234567,1", "2,1"], &ReadOptions::default());
        assert!(said.starts_with("column `firm` has whole numbers of more than 15"), "{said}");
    }
}
