//! Tables from elsewhere that SQL and models read, in any form that [`input`] reads.

use crate::input::{self, Block, Stored};
use crate::table_reader::{self, TableReader};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use lake::Kind;
use project::printable::printable;
use project::read_options::{ColumnType, MISSING_NUMBERS, ReadOptions};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trade::code;
use trade::number::{Ambiguity, NumberFormat, NumberSample};
use trade::plausibility::{self, Axis, Cell, Cells, Dimension, Finding, Findings};

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the table `{path}`: {why}")]
pub struct TableError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub why: String,
}

/// Rows of other columns that are looked at to see how numbers are written.
const SAMPLE_ROWS: usize = 10_000;

/// What columns are used for, where that is known: a column is a number where it is used as one.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// Columns whose cells are codes: effects, clusters, keys. They keep their digits.
    pub codes: BTreeSet<String>,
    /// Columns whose cells are numbers.
    pub numbers: BTreeSet<String>,
}

fn kind(of: ColumnType) -> Kind {
    match of {
        ColumnType::Text | ColumnType::Label => Kind::Text,
        ColumnType::Int => Kind::Int,
        ColumnType::Double => Kind::Float,
        ColumnType::Boolean => Kind::Flag,
    }
}

/// The texts of a column that are to be read as a kind.
type TypedTexts<'v> = (Kind, Cow<'v, Vec<Option<String>>>);

/// Columns of texts, as they are read.
struct Texts {
    names: Vec<String>,
    columns: Vec<Vec<Option<String>>>,
    /// Whether a column has numbers, not texts that say some.
    are_stored: Vec<bool>,
    n_repeated: u64,
}

impl Texts {
    fn new(reader: &TableReader) -> Self {
        let names: Vec<String> =
            reader.header().iter().map(|name| name.trim().to_owned()).collect();
        Self {
            columns: names.iter().map(|_| Vec::new()).collect(),
            are_stored: vec![true; names.len()],
            names,
            n_repeated: 0,
        }
    }

    /// Adds the rows of a block.
    fn add(&mut self, reader: &mut TableReader, block: &Block) -> Result<(), String> {
        let Self { columns, are_stored, n_repeated, .. } = self;
        for (place, is_stored) in are_stored.iter_mut().enumerate() {
            *is_stored &= table_reader::is_stored_number(block, place);
        }
        let options = reader.options().clone();
        let is_missing = |text: &str| text.is_empty() || options.is_missing(text);
        let added = reader.each_of(block, |row| {
            *n_repeated += u64::from(row.is_repeated());
            for (place, out) in columns.iter_mut().enumerate() {
                let text = row.text(place)?;
                out.push((!is_missing(text)).then(|| text.to_owned()));
            }
            Ok(())
        });
        added.map_err(|fault| fault.to_string())
    }

    /// The columns in the types that are asked for, or that their use or texts give them.
    fn rows(
        &self,
        options: &ReadOptions,
        asked: &BTreeMap<&str, Kind>,
        uses: &Uses,
    ) -> Result<(SchemaRef, RecordBatch), String> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        let plain = ReadOptions { decimal: None, thousands: None, ..options.clone() };
        let shown = self.samples();
        let columns = self.names.iter().zip(&self.columns).zip(&self.are_stored);
        for ((name, values), is_stored) in columns {
            // What is told of the marks of texts says nothing of stored numbers.
            let options = if *is_stored { &plain } else { options };
            let asked = asked.get(name.as_str()).copied();
            let (kind, values) = match (asked, uses.codes.contains(name)) {
                (Some(Kind::Text), _) => (Kind::Text, Cow::Borrowed(values)),
                (None, true) => codes(name, values, options, uses)?,
                (asked, _) => self.numbers(name, values, options, &shown, asked, uses)?,
            };
            let kind = with_room(kind, &values);
            fields.push(Field::new(name, kind.arrow(), true));
            arrays.push(array(name, &values, kind)?);
        }
        let schema = Arc::new(Schema::new(fields));
        let rows = RecordBatch::try_new(Arc::clone(&schema), arrays);
        Ok((schema, rows.map_err(|error| error.to_string())?))
    }

    /// How the numbers of a column are written, with a sample of them. What other columns show
    /// counts where its own cells do not tell.
    fn number_format(
        &self,
        name: &str,
        values: &[Option<String>],
        options: &ReadOptions,
        shown: &[NumberSample],
    ) -> (NumberSample, Result<NumberFormat, Ambiguity>) {
        let (mut sample, mut others) = (NumberSample::default(), NumberSample::default());
        for text in values.iter().flatten().filter(|text| !options.is_missing_number(text)) {
            sample.add(text);
        }
        for (_, other) in self.names.iter().zip(shown).filter(|(of, _)| *of != name) {
            others.extend(other);
        }
        let format = options.number_format(&sample, &others);
        (sample, format)
    }

    /// The numbers in the first rows of each column.
    fn samples(&self) -> Vec<NumberSample> {
        let sample = |values: &Vec<Option<String>>| {
            let mut sample = NumberSample::default();
            values.iter().flatten().take(SAMPLE_ROWS).for_each(|text| sample.add(text));
            sample
        };
        self.columns.iter().map(sample).collect()
    }

    /// A column of numbers, however they are written, or of text if not all are numbers.
    fn numbers<'v>(
        &self,
        name: &str,
        values: &'v Vec<Option<String>>,
        options: &ReadOptions,
        shown: &[NumberSample],
        asked: Option<Kind>,
        uses: &Uses,
    ) -> Result<TypedTexts<'v>, String> {
        let is_number =
            uses.numbers.contains(name) || matches!(asked, Some(Kind::Int | Kind::Float));
        let is_mark = |text: &str| options.is_missing_number(text);
        let (sample, format) = self.number_format(name, values, options, shown);
        let format = match format {
            Ok(format) => format,
            Err(error) if is_number => return Err(format!("column `{name}`: {error}")),
            Err(_) => return Ok((asked.unwrap_or(Kind::Text), Cow::Borrowed(values))),
        };
        if let Some(cell) = options.unclear_point(&sample, format).filter(|_| is_number) {
            table_reader::warn_of_point(name, cell);
        }
        let is_plain = |text: &str| format.plain(text, &mut String::new()).is_ok();
        let mut buffer = String::new();
        let mut marks: BTreeMap<&str, u64> = BTreeMap::new();
        let mut plain = Vec::with_capacity(values.len());
        for (row, text) in values.iter().enumerate() {
            let Some(text) = text else {
                plain.push(None);
                continue;
            };
            if is_mark(text) {
                *marks.entry(text).or_default() += 1;
                plain.push(None);
                continue;
            }
            match format.plain(text, &mut buffer) {
                // A leading zero makes a code of it, unless it is used as a number.
                Ok(number) if is_number || (looks_plain(text) && float(number).is_some()) => {
                    plain.push(Some(number.to_owned()));
                }
                // A column without any number is text: what asks for numbers says so.
                Err(_)
                    if asked.is_none() && !values.iter().flatten().any(|text| is_plain(text)) =>
                {
                    return Ok((inferred(values), Cow::Borrowed(values)));
                }
                Err(fault) if is_number => {
                    let text = printable(text, 40);
                    return Err(format!(
                        "row {}, column `{name}`: {text:?}: {fault} (`decimal`, `thousands`, \
                         `missing`, `flags`)",
                        row + 1
                    ));
                }
                Ok(_) | Err(_) => {
                    let kind = asked.unwrap_or_else(|| inferred(values));
                    return Ok((kind, Cow::Borrowed(values)));
                }
            }
        }
        if plain.iter().all(Option::is_none) && !is_number {
            return Ok((asked.unwrap_or_else(|| inferred(values)), Cow::Borrowed(values)));
        }
        if !marks.is_empty() {
            let marks: Vec<String> =
                marks.iter().map(|(mark, n)| format!("`{mark}` in {n} rows")).collect();
            tracing::info!(column = name, "taken as missing: {} (`missing`)", marks.join(", "));
        }
        let kind = match (asked, inferred(&plain)) {
            (Some(kind), _) => kind,
            (None, Kind::Text) if is_number => Kind::Float,
            (None, Kind::Text) => {
                tracing::info!(
                    column = name,
                    "stays text: a whole number has more digits than 64 bits or a double hold; \
                     say `types` double if the last of them do not matter"
                );
                Kind::Text
            }
            (None, kind) => kind,
        };
        Ok((kind, Cow::Owned(plain)))
    }
}

/// A column of codes: whole numbers where each is written as numbers are, text otherwise. A
/// data frame makes `11.0` of 11 as soon as a cell of the column is missing.
fn codes<'v>(
    name: &str,
    values: &'v Vec<Option<String>>,
    options: &ReadOptions,
    uses: &Uses,
) -> Result<TypedTexts<'v>, String> {
    if options.missing.is_none() {
        warn_of_marks(name, values);
    }
    warn_of_codes(name, values);
    // `007.0` is no number that a data frame wrote, unless others beside it are.
    let is_of_frame = |text: &String| text.ends_with(".0") && count(code::whole(text)).is_some();
    let values = match values.iter().flatten().any(is_of_frame) {
        true => {
            let mended =
                |text: &Option<String>| text.as_ref().map(|text| code::whole(text).to_owned());
            Cow::Owned(values.iter().map(mended).collect())
        }
        false => Cow::Borrowed(values),
    };
    let is_shortened = |text: &Option<String>| text.as_deref().is_some_and(code::is_shortened);
    if let Some(row) = values.iter().position(is_shortened) {
        return Err(format!(
            "row {}, column `{name}`: {:?} is a number that a spreadsheet has shortened, where \
             a code is needed: write the column as text",
            row + 1,
            printable(values[row].as_deref().unwrap_or(""), 40)
        ));
    }
    let kind = match inferred(&values) {
        // Numbers with a fraction are one code however they are written only as text.
        Kind::Float if uses.numbers.contains(name) => Kind::Float,
        kind @ (Kind::Int | Kind::Count) => kind,
        _ => Kind::Text,
    };
    Ok((kind, values))
}

/// Whether a text of unknown use looks like a number and nothing else: `50-` may be a class.
fn looks_plain(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    (is_digit(digits.as_bytes().first()) || digits.starts_with('.'))
        && is_digit(digits.as_bytes().last())
        && !digits.contains(char::is_whitespace)
}

/// Says what looks misread among the codes of a column: totals among their parts, and lengths that
/// tell of lost zeros.
fn warn_of_codes(name: &str, values: &[Option<String>]) {
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for text in values.iter().flatten() {
        *rows.entry(text).or_default() += 1;
    }
    for (code, n) in rows.iter().filter(|(code, _)| plausibility::is_named_total(code)) {
        tracing::warn!(
            column = name,
            rows = n,
            "{} is called as a total is, and stands among its parts: leave it out by --where",
            plausibility::shown(code)
        );
    }
    let labels: Vec<String> = rows.keys().map(|code| (*code).to_owned()).collect();
    let one = [String::new()];
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    let cells = rows.values().enumerate().map(|(row, n)| Cell {
        row,
        column: 0,
        period: 0,
        value: *n as f64,
    });
    let table = Cells {
        rows: Axis::new(Dimension::Product, &labels),
        columns: Axis::new(Dimension::Region, &one),
        n_periods: 1,
        cells,
    };
    let lost = |finding: &&Finding| finding.kind == plausibility::Kind::MixedLengths;
    for finding in Findings::of(&table).iter().filter(lost) {
        tracing::warn!(
            column = name,
            rows = finding.value,
            "codes of {} digits: some have lost the zero they begin with",
            finding.name
        );
    }
}

/// Says which marks of missing values stand among the codes of a column, where nobody said whether
/// they are codes: NA is Namibia.
fn warn_of_marks(name: &str, values: &[Option<String>]) {
    let mut marks: BTreeMap<&str, u64> = BTreeMap::new();
    for text in values.iter().flatten().filter(|text| MISSING_NUMBERS.contains(&text.as_str())) {
        *marks.entry(text).or_default() += 1;
    }
    for (mark, n) in marks {
        tracing::warn!(
            column = name,
            rows = n,
            "`{mark}` is taken as a code of `{name}` like any other: say `missing` if it stands for none"
        );
    }
}

/// A whole number without a leading zero, which would make it a code, or another sign than a minus.
fn int(text: &str) -> Option<i32> {
    count(text)?.try_into().ok()
}

fn float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_code =
        digits.len() > 1 && digits.starts_with('0') && !digits[1..].starts_with(['.', 'e', 'E']);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse::<f64>().ok().filter(|value| value.is_finite() && is_number && !is_code)
}

/// A whole number of 64 bits without a leading zero.
fn count(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
    let is_right = match digits.strip_prefix('0') {
        Some(rest) => rest.is_empty() && text == digits,
        None => is_number,
    };
    text.parse().ok().filter(|_| is_right)
}

/// Whether a text is no whole number of more digits than a double keeps.
fn is_kept_by_a_double(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    !is_whole || digits.parse::<u64>().is_ok_and(|value| value <= 1 << 53)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "TRUE" | "True" => Some(true),
        "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Whole numbers of 64 bits where one has no room in 32; other kinds as they are.
fn with_room(kind: Kind, values: &[Option<String>]) -> Kind {
    let is_long = |text: &String| text.parse::<i64>().is_ok_and(|of| i32::try_from(of).is_err());
    match kind {
        Kind::Int if values.iter().flatten().any(is_long) => Kind::Count,
        kind => kind,
    }
}

/// The kind that all values of a column can be read as.
fn inferred(values: &[Option<String>]) -> Kind {
    let mut met = values.iter().flatten().peekable();
    if met.peek().is_none() {
        return Kind::Text;
    }
    let all = |is: fn(&str) -> bool| values.iter().flatten().all(|text| is(text));
    if all(|text| int(text).is_some()) {
        Kind::Int
    } else if all(|text| count(text).is_some()) {
        Kind::Count
    } else if all(|text| float(text).is_some()) {
        // Two numbers of firms must not become one.
        if all(is_kept_by_a_double) { Kind::Float } else { Kind::Text }
    } else if all(|text| flag(text).is_some()) {
        Kind::Flag
    } else {
        Kind::Text
    }
}

fn array(name: &str, values: &[Option<String>], kind: Kind) -> Result<ArrayRef, String> {
    let each = |row: usize, text: &str, what: &str| {
        let (name, text) = (printable(name, 60), printable(text, 40));
        format!("row {}, column `{name}`: {text:?} is no {what}", row + 1)
    };
    macro_rules! parsed {
        ($parse:expr, $what:literal) => {
            values
                .iter()
                .enumerate()
                .map(|(row, text)| match text {
                    None => Ok(None),
                    Some(text) => {
                        $parse(text.as_str()).map(Some).ok_or_else(|| each(row, text, $what))
                    }
                })
                .collect::<Result<Vec<_>, String>>()?
        };
    }
    Ok(match kind {
        Kind::Int => Arc::new(Int32Array::from(parsed!(
            |t: &str| t.parse::<i32>().ok(),
            "whole number of 64 bits"
        ))),
        Kind::Float => Arc::new(Float64Array::from(parsed!(
            |t: &str| t.parse::<f64>().ok().filter(|v| v.is_finite()),
            "number"
        ))),
        Kind::Count => Arc::new(Int64Array::from(parsed!(
            |t: &str| t.parse::<i64>().ok(),
            "whole number of 64 bits"
        ))),
        Kind::Flag => Arc::new(BooleanArray::from(parsed!(flag, "true or false"))),
        _ => {
            let n_bytes: usize = values.iter().flatten().map(String::len).sum();
            if i32::try_from(n_bytes).is_err() {
                let name = printable(name, 60);
                return Err(format!(
                    "column `{name}` has more than 2 GiB of text: leave out what is not needed"
                ));
            }
            Arc::new(StringArray::from(values.to_vec()))
        }
    })
}

/// Reads a table. Columns take the types that `options` give. Others are what they are used for:
/// codes keep their digits, numbers are read however they are written. Where no use is known, a
/// column takes the first of whole number (of 32 bits, else of 64), number, true or false, and text
/// that all its values have; digits with a leading zero are text, and no whole number loses a digit.
///
/// # Errors
///
/// [`TableError`], naming the file and what is wrong in it.
pub fn read(
    path: &Path,
    options: &ReadOptions,
    uses: &Uses,
) -> Result<(SchemaRef, RecordBatch), TableError> {
    rows(path, options, uses).map_err(|why| TableError { path: path.to_owned(), why })
}

fn rows(
    path: &Path,
    options: &ReadOptions,
    uses: &Uses,
) -> Result<(SchemaRef, RecordBatch), String> {
    let mut reader = TableReader::open(path, options)?;
    tracing::info!(file = %path.display(), "{}", reader.seen());
    rows_of(&mut reader, uses)
}

/// All rows of a table that is open, as [`read`].
///
/// # Errors
///
/// What is wrong in it.
pub fn rows_of(reader: &mut TableReader, uses: &Uses) -> Result<(SchemaRef, RecordBatch), String> {
    table_reader::check_names(reader.header())?;
    reader.find_repeated(None);
    let options = reader.options().clone();
    let asked = kinds(&options, reader.header())?;
    let is_code = |at: &usize| uses.codes.contains(reader.header()[*at].trim());
    let codes: Vec<usize> = (0..reader.header().len()).filter(is_code).collect();
    reader.take_as_codes(codes);
    let mut texts = Texts::new(reader);
    let mut typed: Vec<RecordBatch> = Vec::new();
    while let Some(block) = reader.next_block()? {
        reader.check_codes(&block).map_err(|fault| fault.to_string())?;
        match block {
            Block::Table { rows, row, stored } if is_typed(&rows) => {
                check_texts(&rows, row, &stored)?;
                typed.push(rows);
            }
            block => texts.add(reader, &block)?,
        }
    }
    reader.end();
    if texts.n_repeated > 0 {
        tracing::warn!(
            rows = texts.n_repeated,
            of = texts.columns.first().map_or(0, Vec::len),
            "rows are repeated to the last field: all of them are taken"
        );
    }
    match typed.first() {
        Some(first) => {
            let whole = arrow::compute::concat_batches(&first.schema(), &typed);
            plain(&whole.map_err(|error| error.to_string())?, &asked)
        }
        None => texts.rows(&options, &asked, uses),
    }
}

/// The types that are asked for, by column.
fn kinds<'t>(
    options: &'t ReadOptions,
    header: &[String],
) -> Result<BTreeMap<&'t str, Kind>, String> {
    let of = |(name, of): (&'t String, &'t ColumnType)| {
        table_reader::place(header, name)?;
        Ok((name.as_str(), kind(*of)))
    };
    options.types.0.iter().map(of).collect()
}

/// Whether columns of text are UTF-8: those that are not come as bytes, and not in every block.
fn check_texts(rows: &RecordBatch, row: u64, stored: &[Stored]) -> Result<(), String> {
    let fields = rows.schema_ref().fields().iter();
    for ((field, column), stored) in fields.zip(rows.columns()).zip(stored) {
        if matches!(stored, Stored::Bytes(_)) {
            input::utf8_text(field.name(), column, row)?;
        }
    }
    Ok(())
}

/// Whether the columns of a table have types of their own.
fn is_typed(rows: &RecordBatch) -> bool {
    rows.schema().fields().iter().any(|field| field.data_type() != &DataType::Utf8)
}

/// The rows in the types that are asked for, or others that a lake keeps: what has none becomes a number or text.
fn plain(
    rows: &RecordBatch,
    asked: &BTreeMap<&str, Kind>,
) -> Result<(SchemaRef, RecordBatch), String> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let own = match (Kind::of(field.data_type()), field.data_type()) {
            (Some(kind), _) => kind,
            (
                None,
                DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
                | DataType::Float16,
            ) => Kind::Float,
            (None, _) => Kind::Text,
        };
        let kind = asked.get(field.name().trim()).copied().unwrap_or(own);
        columns.push(match kind {
            Kind::Text => Arc::new(input::utf8_text(field.name(), column, 1)?),
            Kind::Float if column.data_type().is_decimal() => by_text(field.name(), column, kind)?,
            _ if kind == own => numbers(field.name(), column, kind)?,
            _ => by_text(field.name(), column, kind)?,
        });
        let kind = columns.last().map_or(kind.arrow(), |column| column.data_type().clone());
        fields.push(Field::new(field.name().trim(), kind, true));
    }
    let schema = Arc::new(Schema::new(fields));
    let rows =
        RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| error.to_string())?;
    Ok((schema, rows))
}

/// A column as one of another `kind`, every value of which has the same text there.
fn by_text(name: &str, column: &ArrayRef, kind: Kind) -> Result<ArrayRef, String> {
    let texts = input::utf8_text(name, column, 1)?;
    let texts: Vec<Option<String>> =
        texts.iter().map(|text| text.filter(|t| !t.is_empty()).map(str::to_owned)).collect();
    let cells = array(name, &texts, with_room(kind, &texts))?;
    // The nearest double of a fraction is what is meant; a whole number that is stored as one may not move to it.
    if (column.data_type().is_integer() || column.data_type().is_decimal())
        && let Some(cells) = cells.as_primitive_opt::<Float64Type>()
    {
        let moved = texts.iter().zip(cells).position(|(text, cell)| match (text, cell) {
            (Some(text), Some(number)) => !text.contains('.') && *text != format!("{number:.0}"),
            _ => false,
        });
        if let Some(row) = moved {
            return Err(format!(
                "row {}, column `{name}`: {} does not fit double: give the column the type text",
                row + 1,
                texts[row].as_deref().unwrap_or("")
            ));
        }
    }
    Ok(cells)
}

/// A column that is no text as one of `kind`, every value of which has room there.
fn numbers(name: &str, column: &ArrayRef, kind: Kind) -> Result<ArrayRef, String> {
    let named = |error: ArrowError| format!("column `{name}`: {error}");
    let cells = arrow::compute::cast(column, &kind.arrow()).map_err(named)?;
    match (0..column.len()).find(|&row| column.is_valid(row) && cells.is_null(row)) {
        None => Ok(cells),
        Some(row) => Err(format!(
            "row {}, column `{name}`: {} does not fit {}: write the column as double or text",
            row + 1,
            array_value_to_string(column, row).map_err(named)?,
            kind.name()
        )),
    }
}

#[cfg(test)]
mod tests;
