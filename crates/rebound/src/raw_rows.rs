//! Rows of raw files as texts, each with its place.

use arrow::array::{Array, BinaryArray};
use encoding_rs::Encoding;
use project::layout_file::LayoutFile;
use sources::fitted::{Fitted, NumberColumns, header_fault, prepared};
use sources::input::{self, Block, Buffers, Item};
use sources::table_reader::Place;
use std::borrow::Cow;
use std::ops::ControlFlow;
use trade::shape::{CellKind, ShapedRows};
use trade::text::Rows;
use trade::{Counts, Layout, RowDamage, RowParser, Sink};

/// Whose texts the cells of a row are, where a file stores numbers as such.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TextsOf<'f> {
    /// The file's own.
    File,
    /// Those that a layout reads.
    Layout(&'f Fitted, &'f RowParser<'f>),
}

/// A row of a raw file.
pub(crate) struct RawRow<'r> {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its cells, without quotes.
    pub(crate) cells: &'r [Cow<'r, [u8]>],
    /// It as it stands; of a table its cells with commas between them.
    pub(crate) raw: &'r [u8],
    /// Why it cannot be read, if it cannot.
    damage: Option<RowDamage>,
}

impl RawRow<'_> {
    /// The text of a cell without white space around it; empty where there is none.
    pub(crate) fn text(&self, at: usize) -> Cow<'_, str> {
        let cell = self.cells.get(at).map_or(&b""[..], |cell| cell);
        String::from_utf8_lossy(cell.trim_ascii())
    }

    /// Reads it as ingest does.
    pub(crate) fn parse(&self, parser: &RowParser<'_>, sink: &mut impl Sink) -> Counts {
        match self.damage {
            None => parser.parse(self.cells, sink),
            Some(damage) => {
                sink.reject(parser.damaged(damage));
                Counts::default()
            }
        }
    }
}

/// Calls `each` on the rows of a block until it breaks.
///
/// # Errors
///
/// If a column has a type that cannot be written as text.
pub(crate) fn each_row(
    block: &Block,
    encoding: &'static Encoding,
    texts_of: TextsOf<'_>,
    mut each: impl FnMut(&RawRow<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, String> {
    match block {
        Block::Text { text, line, dialect, .. } => {
            let text = input::decode(text, encoding);
            let mut rows = Rows::new(&text, *dialect, *line);
            let mut cells = Vec::new();
            loop {
                cells.clear();
                let Some(row) = rows.next_row(&mut cells) else { break };
                let place = Place::Line(row.line);
                let damage = row.is_unclosed.then_some(RowDamage::Unclosed);
                let damage = damage.or_else(|| RowDamage::nul_in(row.raw));
                let row = RawRow { place, cells: &cells, raw: row.raw, damage };
                if each(&row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Block::Table { rows, row: first, stored } => {
            let columns = match texts_of {
                TextsOf::File => input::texts(rows, stored)?,
                TextsOf::Layout(fitted, parser) => {
                    prepared(rows, stored, parser, fitted.layout.money.numbers.decimal)?
                }
            };
            for at in 0..rows.num_rows() {
                let cell = |column: &BinaryArray| match column.is_valid(at) {
                    true => Cow::Owned(column.value(at).to_vec()),
                    false => Cow::Borrowed(&b""[..]),
                };
                let cells: Vec<Cow<'_, [u8]>> = columns.iter().map(cell).collect();
                let raw = cells.join(&b","[..]);
                let place = Place::Row(*first + at as u64);
                let row = RawRow { place, cells: &cells, raw: &raw, damage: None };
                if each(&row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Block::Shaped { rows, .. } => return Ok(each_shaped(rows, texts_of, each)),
    }
    Ok(ControlFlow::Continue(()))
}

/// Calls `each` on the rows of a file, with what reads them by its layout, until it breaks; gives
/// what the file was taken for.
///
/// # Errors
///
/// Why it cannot be read, or how it does not fit the layout.
pub(crate) fn each_by_layout(
    item: &Item,
    told: &LayoutFile,
    mut each: impl FnMut(&RawRow<'_>, &RowParser<'_>, &Layout) -> ControlFlow<()>,
) -> Result<String, String> {
    let opened = Fitted::open(item, told, &Buffers::default());
    let (mut reader, fitted) = opened.map_err(|error| error.to_string())?;
    let parser = fitted.parser().map_err(|error| header_fault(&error, &fitted.header))?;
    let texts_of = TextsOf::Layout(&fitted, &parser);
    while let Some(block) = reader.next_block()? {
        let flow =
            each_row(&block, fitted.encoding, texts_of, |row| each(row, &parser, &fitted.layout))?;
        if flow.is_break() {
            break;
        }
    }
    Ok(reader.seen().to_owned())
}

/// Calls `each` on rows that a layout tells from other lines, until it breaks.
fn each_shaped(
    rows: &ShapedRows,
    texts_of: TextsOf<'_>,
    mut each: impl FnMut(&RawRow<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let numbers = match texts_of {
        TextsOf::File => None,
        TextsOf::Layout(fitted, parser) => {
            Some(NumberColumns::new(parser, &fitted.layout, rows.n_columns()))
        }
    };
    for row in 0..rows.n_rows() {
        let text = |(at, (text, kind)): (usize, (_, CellKind))| match &numbers {
            Some(numbers) => numbers.text(at, text, kind),
            None => Cow::Borrowed(text),
        };
        let cells: Vec<Cow<'_, [u8]>> = rows.cells(row).enumerate().map(text).collect();
        let (place, raw) = (Place::Line(rows.line(row)), rows.raw(row));
        let damage = rows.damage(row).or_else(|| RowDamage::nul_in(raw));
        each(&RawRow { place, cells: &cells, raw, damage })?;
    }
    ControlFlow::Continue(())
}
