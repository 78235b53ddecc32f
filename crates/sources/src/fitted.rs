//! Layouts as they fit the files that they read: columns, marks of numbers, numbers stored as such.

use crate::input::{self, Block, BlockReader, Buffers, Columns, Item, Stored, Unreadable};
use arrow::array::{BinaryArray, RecordBatch};
use encoding_rs::Encoding;
use project::layout_file::LayoutFile;
use project::suggest::suggest;
use std::borrow::Cow;
use trade::layout::{Field, FieldSpec, Origin};
use trade::row::HeaderError;
use trade::shape::CellKind;
use trade::text::Rows;
use trade::{Layout, NumberSample, RowParser};

/// Rows that are looked at to see how numbers are written.
const SAMPLE_ROWS: usize = 10_000;

/// A layout fitted to a file: what all its blocks share, and often those of other files.
#[derive(Debug, PartialEq)]
pub struct Fitted {
    /// The layout, with what the name of the file tells and the marks of its numbers.
    pub layout: Layout,
    /// The names of its columns.
    pub header: Vec<String>,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Whether rows end with a delimiter that the header lacks.
    pub has_trailing: bool,
}

impl Fitted {
    /// Opens a raw file by its layout, and sees what the layout does not tell.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, or how it does not fit the layout, and what to do.
    pub fn open(
        item: &Item,
        told: &LayoutFile,
        buffers: &Buffers,
    ) -> Result<(BlockReader, Self), Unreadable> {
        let open = |item: &Item| match &told.rows {
            Some(shape) => item.open_shaped(&told.options, shape, buffers),
            None => item.open(&told.options, buffers),
        };
        let mut reader = open(item)?;
        item.check_columns(reader.header(), columns_of(&told.layout), |first| {
            Ok(open(first)?.header().to_vec())
        })?;
        let mut fitted = Self {
            layout: told.for_file(&item.label)?,
            header: reader.header().to_vec(),
            encoding: reader.encoding(),
            has_trailing: reader.has_trailing_delimiter(),
        };
        let parser = fitted.parser().map_err(|error| header_fault(&error, &fitted.header))?;
        if let Some((a, b, code)) = parser.columns_alike() {
            tracing::warn!(
                file = item.label,
                "columns {a:?} and {b:?} both stand for `{code}`, so their values are added up: is `unpivot` to take both?"
            );
        }
        fitted.see_numbers(told, &mut reader)?;
        Ok((reader, fitted))
    }

    /// Sees how numbers are written in the first rows, as far as the layout does not tell.
    ///
    /// # Errors
    ///
    /// If they can be read in two ways, or the rows cannot be read.
    fn see_numbers(&mut self, told: &LayoutFile, reader: &mut BlockReader) -> Result<(), String> {
        if let (Some(_), Some(_)) = (told.options.decimal, told.options.thousands) {
            return Ok(());
        }
        let (mut sample, mut others) = (NumberSample::default(), NumberSample::default());
        if let Some(block) = reader.next_block()? {
            if let Ok(parser) = self.parser() {
                let values: Vec<usize> =
                    parser.value_columns().chain(parser.columns_of(Field::Quantity)).collect();
                let mut add = |at: usize, cell: &[u8]| {
                    let cell = std::str::from_utf8(cell).unwrap_or("").trim();
                    match values.contains(&at) {
                        _ if cell.is_empty() || self.layout.missing.contains(cell) => {}
                        true => sample.add(cell),
                        false => others.add(cell),
                    }
                };
                sample_cells(&block, self.encoding, &mut add);
            }
            reader.put_back(block);
        }
        let format = told.options.number_format(&sample, &others);
        let format = format.map_err(|error| error.to_string())?;
        self.layout.money.numbers = format;
        if let Some(cell) = told.options.unclear_point(&sample, format) {
            tracing::warn!(
                layout = told.layout.name,
                "`{cell}` is taken for a number with a fraction: say `value.thousands` if it has none"
            );
        }
        Ok(())
    }

    /// What reads its rows.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if the layout does not fit the header.
    pub fn parser(&self) -> Result<RowParser<'_>, HeaderError> {
        let names: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let parser = RowParser::new(&self.layout, &names)?;
        Ok(if self.has_trailing { parser.with_trailing_delimiter() } else { parser })
    }
}

/// Whether a layout takes columns by their places.
fn columns_of(layout: &Layout) -> Columns {
    let is_by_place = |spec: &FieldSpec| {
        std::iter::successors(Some(spec), |spec| spec.fallback.as_deref())
            .any(|spec| matches!(spec.origin, Origin::Position(_)))
    };
    match layout.fields.values().any(is_by_place) {
        true => Columns::ByPlace,
        false => Columns::ByName,
    }
}

/// Calls `add` on the texts of the first rows of a block, with their columns; cells that are stored
/// as numbers show no marks.
fn sample_cells(block: &Block, encoding: &'static Encoding, add: &mut impl FnMut(usize, &[u8])) {
    match block {
        Block::Text { text, line, dialect, .. } => {
            let text = input::decode(text, encoding);
            let mut rows = Rows::new(&text, *dialect, *line);
            let mut fields = Vec::new();
            for _ in 0..SAMPLE_ROWS {
                fields.clear();
                if rows.next_row(&mut fields).is_none() {
                    break;
                }
                fields.iter().enumerate().for_each(|(at, cell)| add(at, cell));
            }
        }
        Block::Shaped { rows, .. } => {
            let sound = (0..rows.n_rows()).filter(|row| rows.damage(*row).is_none());
            for row in sound.take(SAMPLE_ROWS) {
                for (at, (text, kind)) in rows.cells(row).enumerate() {
                    if kind == CellKind::Text {
                        add(at, text);
                    }
                }
            }
        }
        Block::Table { .. } => {}
    }
}

/// What the columns of a table are to a layout, by which numbers that are stored as such are
/// written.
#[derive(Debug)]
pub struct NumberColumns {
    columns: Vec<NumberColumn>,
    decimal: char,
}

/// What a column is to a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberColumn {
    Value,
    Quantity,
    Code,
    Other,
}

impl NumberColumns {
    /// Of a layout that is fitted to a header of so many columns.
    pub fn new(places: &RowParser<'_>, layout: &Layout, n_columns: usize) -> Self {
        let mut columns = vec![NumberColumn::Other; n_columns];
        let codes = places.columns_of(Field::Product).map(|at| (at, NumberColumn::Code));
        let quantities = places.columns_of(Field::Quantity).map(|at| (at, NumberColumn::Quantity));
        let values = places.value_columns().map(|at| (at, NumberColumn::Value));
        for (at, is) in codes.chain(quantities).chain(values) {
            if let Some(column) = columns.get_mut(at) {
                *column = is;
            }
        }
        Self { columns, decimal: layout.money.numbers.decimal }
    }

    /// The text that a layout reads in a cell, as [`prepared`] gives it.
    pub fn text<'c>(&self, at: usize, text: &'c [u8], kind: CellKind) -> Cow<'c, [u8]> {
        let column = self.columns.get(at).copied().unwrap_or(NumberColumn::Other);
        if kind == CellKind::Text || column == NumberColumn::Other {
            return Cow::Borrowed(text);
        }
        let whole: Cow<'c, [u8]> = match (kind, column) {
            (CellKind::Single, NumberColumn::Value) => Cow::Owned(input::as_decimal(text)),
            (CellKind::Single, NumberColumn::Code) => Cow::Owned(input::without_long_code(text)),
            _ => Cow::Borrowed(text),
        };
        let mark = if column == NumberColumn::Code { ',' } else { self.decimal };
        if mark == '.' { whole } else { Cow::Owned(input::marked(&whole, mark)) }
    }
}

/// The columns of a table as the texts that a layout reads.
///
/// # Errors
///
/// If a column has a type that cannot be written as text.
pub fn prepared(
    rows: &RecordBatch,
    stored: &[Stored],
    places: &RowParser<'_>,
    decimal: char,
) -> Result<Vec<BinaryArray>, String> {
    let mut columns = input::texts(rows, stored)?;
    for at in places.value_columns().filter(|&at| stored[at] == Stored::Single) {
        columns[at] = input::as_decimals(&columns[at]);
    }
    for at in places.columns_of(Field::Product).filter(|&at| stored[at] == Stored::Single) {
        columns[at] = input::without_long_codes(&columns[at]);
    }
    let numbers = places.value_columns().chain(places.columns_of(Field::Quantity));
    let numbers = numbers.map(|at| (at, decimal));
    // Points are left out of codes, and a number has lost the zeros that its code ends with: 8517.1
    // may be 8517.10. No code has a comma.
    let codes = places.columns_of(Field::Product).map(|at| (at, ','));
    for (at, mark) in numbers.chain(codes) {
        let is_number = matches!(stored[at], Stored::Number | Stored::Single);
        if is_number && mark != '.' {
            columns[at] = input::with_mark(&columns[at], mark);
        }
    }
    Ok(columns)
}

/// What is wrong with a header, and the name in it that comes closest to what was expected.
pub fn header_fault(error: &HeaderError, names: &[String]) -> String {
    let closest = match error {
        HeaderError::NoColumn { expected, .. } => expected
            .split(" or ")
            .map(|name| suggest(name, names.iter().map(String::as_str)))
            .find(|hint| !hint.is_empty()),
        HeaderError::NoPosition { .. }
        | HeaderError::Repeated { .. }
        | HeaderError::Names { .. } => None,
    };
    format!("{error}{}", closest.unwrap_or_default())
}
