//! Rows as a terminal shows them: numbers to the right, and rows that are too wide turned.

use crate::output::{OutputError, visible};
use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use comfy_table::{CellAlignment, Table, TableComponent, presets};
use std::fmt::Write as _;

/// Lines and corners of a table, as Arrow draws them.
const LINES: &str = "||--+-++|    ++++++";

/// Whether rows are turned, to stand one column a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Where they are wider than the place for them.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How rows look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What stands for null. Texts that say the same, in large or small letters, stand in quotes.
    pub null: String,
    /// Whether they are turned.
    pub turn: Turn,
}

impl Default for Look {
    fn default() -> Self {
        Self { null: "null".to_owned(), turn: Turn::Auto }
    }
}

/// The cells of a column.
struct Cells<'b> {
    formatter: ArrayFormatter<'b>,
    nulls: Option<NullBuffer>,
    null: &'b str,
}

impl<'b> Cells<'b> {
    fn of(
        column: &'b dyn Array,
        null: &'b str,
        options: &FormatOptions<'b>,
    ) -> Result<Self, ArrowError> {
        let formatter = ArrayFormatter::try_new(column, options)?;
        Ok(Self { formatter, nulls: column.logical_nulls(), null })
    }

    fn at(&self, row: usize) -> Result<String, ArrowError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(self.null.to_owned());
        }
        let text = self.formatter.value(row).try_to_string()?;
        let text: String = text.chars().map(visible).collect();
        Ok(match text.eq_ignore_ascii_case(self.null) {
            true => format!("\"{text}\""),
            false => text,
        })
    }
}

/// The cells of all columns.
fn cells<'b>(batch: &'b RecordBatch, look: &'b Look) -> Result<Vec<Cells<'b>>, ArrowError> {
    let options = FormatOptions::new().with_null(&look.null);
    batch.columns().iter().map(|column| Cells::of(column, &look.null, &options)).collect()
}

/// The rows with their number below, a line each; rows one column a line if `look` says so, or they
/// are to be turned where a line is longer than `width` characters.
///
/// # Errors
///
/// [`OutputError`] if a value cannot be shown.
pub fn shown(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    look: &Look,
    width: Option<usize>,
) -> Result<String, OutputError> {
    if look.turn == Turn::On {
        return Ok(turned(schema, batches, look)?);
    }
    let text = in_lines(schema, batches, look)?;
    let has_rows = batches.iter().any(|batch| batch.num_rows() > 0);
    // The first line is the rule above the table.
    let is_wide = |width: usize| text.lines().next().is_some_and(|line| line.len() > width);
    match look.turn == Turn::Auto && has_rows && width.is_some_and(is_wide) {
        true => Ok(turned(schema, batches, look)?),
        false => Ok(text),
    }
}

fn n_rows(n: usize) -> String {
    format!("({n} row{})\n", if n == 1 { "" } else { "s" })
}

/// A row a line.
fn in_lines(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    look: &Look,
) -> Result<String, ArrowError> {
    let mut table = Table::new();
    table.load_preset(LINES);
    let name = |name: &str| name.chars().map(visible).collect::<String>();
    table.set_header(schema.fields().iter().map(|field| name(field.name())).collect::<Vec<_>>());
    for batch in batches {
        let cells = cells(batch, look)?;
        for row in 0..batch.num_rows() {
            let row = cells.iter().map(|cells| cells.at(row));
            table.add_row(row.collect::<Result<Vec<String>, _>>()?);
        }
    }
    for (column, field) in table.column_iter_mut().zip(schema.fields()) {
        if field.data_type().is_numeric() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let n = batches.iter().map(RecordBatch::num_rows).sum();
    Ok(format!("{}\n{}", table.trim_fmt(), n_rows(n)))
}

/// A column a line.
fn turned(schema: &SchemaRef, batches: &[RecordBatch], look: &Look) -> Result<String, ArrowError> {
    let (mut text, mut n) = (String::new(), 0);
    for batch in batches {
        let cells = cells(batch, look)?;
        for row in 0..batch.num_rows() {
            n += 1;
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_style(TableComponent::VerticalLines, '|');
            for (field, cells) in schema.fields().iter().zip(&cells) {
                let name: String = field.name().chars().map(visible).collect();
                table.add_row([name, cells.at(row)?]);
            }
            for (column, padding) in table.column_iter_mut().zip([(0, 1), (1, 0)]) {
                column.set_padding(padding);
            }
            let _ = writeln!(text, "-- row {n}\n{}", table.trim_fmt());
        }
    }
    Ok(text + &n_rows(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int32Array, NullArray, StringArray};
    use std::sync::Arc;

    fn rows() -> RecordBatch {
        let texts = StringArray::from(vec![Some("NULL"), Some(""), None]);
        let rows = RecordBatch::try_from_iter([
            ("text", Arc::new(texts) as ArrayRef),
            ("n", Arc::new(Int32Array::from(vec![Some(1), Some(-200), None]))),
            ("share", Arc::new(Float64Array::from(vec![0.5, 10.25, 3.0]))),
            ("none", Arc::new(NullArray::new(3))),
        ]);
        rows.expect("rows")
    }

    fn check(null: &str, turn: Turn, width: usize, expected: &str) {
        let (rows, look) = (rows(), Look { null: null.to_owned(), turn });
        let found =
            shown(&rows.schema(), std::slice::from_ref(&rows), &look, Some(width)).expect("shown");
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_stand_to_the_right_and_null_is_no_text() {
        let lines = "\
+--------+------+-------+------+
| text   |    n | share | none |
+--------+------+-------+------+
| \"NULL\" |    1 |   0.5 | null |
|        | -200 | 10.25 | null |
| null   | null |   3.0 | null |
+--------+------+-------+------+
(3 rows)
";
        check("null", Turn::Auto, 32, lines);
        check("null", Turn::Off, 10, lines);
        let empty = "\
+------+------+-------+------+
| text |    n | share | none |
+------+------+-------+------+
| NULL |    1 |   0.5 |      |
| \"\"   | -200 | 10.25 |      |
|      |      |   3.0 |      |
+------+------+-------+------+
(3 rows)
";
        check("", Turn::Auto, 80, empty);
    }

    #[test]
    fn rows_that_are_too_wide_are_turned() {
        let turned = "\
-- row 1
text  | \"NULL\"
n     | 1
share | 0.5
none  | null
-- row 2
text  |
n     | -200
share | 10.25
none  | null
-- row 3
text  | null
n     | null
share | 3.0
none  | null
(3 rows)
";
        check("null", Turn::Auto, 31, turned);
        check("null", Turn::On, 1000, turned);
        // Without rows there is nothing to turn.
        let none = rows().slice(0, 0);
        let found = shown(&none.schema(), std::slice::from_ref(&none), &Look::default(), Some(5));
        let found = found.expect("shown");
        assert!(found.starts_with("+--") && found.ends_with("(0 rows)\n"), "{found}");
    }
}
