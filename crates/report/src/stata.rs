//! Stata files of version 118 (Stata 14 and later): the variables that columns become, and their
//! rows.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
};
use arrow::error::ArrowError;
use dta::stata::dta::byte_order::ByteOrder;
use dta::stata::dta::dta_error::DtaError;
use dta::stata::dta::dta_writer::DtaWriter;
use dta::stata::dta::header::Header;
use dta::stata::dta::record_writer::RecordWriter;
use dta::stata::dta::release::Release;
use dta::stata::dta::schema::Schema;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use dta::stata::missing_value::MissingValue;
use dta::stata::stata_byte::StataByte;
use dta::stata::stata_double::StataDouble;
use dta::stata::stata_long::StataLong;
use project::printable::printable;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key of a field's metadata that says what its column is: the label of its variable.
pub const ABOUT: &str = "rebound.about";

/// The key of a field's metadata that says that its texts are years, quarters or months.
pub const PERIOD: &str = "rebound.period";

/// Variables of a file of version 118.
const MOST_VARIABLES: usize = 32_767;

/// Characters of a name.
const NAME: usize = 32;

/// Characters of a label.
const LABEL: usize = 80;

/// Bytes of a text of a fixed width.
const TEXT: usize = 2045;

/// The largest value of type long.
const LARGEST_LONG: f64 = 2_147_483_620.0;

/// Whole numbers below it are exact in double precision; the next one is not told from it.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The largest value of type double; above it are the missing values.
const LARGEST_DOUBLE: f64 = f64::from_bits(0x7fdf_ffff_ffff_ffff);

/// Days from the beginning of 1960, where Stata counts from, to that of 1970.
const DAYS: i64 = 3653;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Rows that could not be written as Stata's.
#[derive(Debug, thiserror::Error)]
pub enum StataError {
    /// A Stata file has no place for a column or a value.
    #[error("{0}")]
    Limit(String),
    /// The values cannot be read.
    #[error("failed to read the values")]
    Values(#[from] ArrowError),
    /// The variables or the rows cannot be written.
    #[error("failed to write the rows as Stata's")]
    Rows(#[from] DtaError),
    /// The file cannot be written.
    #[error("failed to write the file")]
    File(#[from] std::io::Error),
}

impl StataError {
    /// Whether the user's rows are at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

/// How the values of a variable are stored.
#[derive(Debug)]
pub(crate) enum Stored {
    Byte,
    Long,
    Double,
    /// A text of at most so many bytes.
    Text(u16),
    /// Texts by their numbers from 1.
    Label(BTreeMap<String, i32>),
}

impl Stored {
    /// Whole numbers, none of which is further from zero than `largest`.
    pub(crate) fn whole(name: &str, largest: f64) -> Result<Self, StataError> {
        if largest <= LARGEST_LONG {
            Ok(Self::Long)
        } else if largest < EXACT {
            Ok(Self::Double)
        } else {
            Err(StataError::Limit(format!(
                "column `{name}` has whole numbers of more digits than a double holds: cast it to text"
            )))
        }
    }

    /// Floats, none of which is further from zero than `largest`.
    pub(crate) fn float(name: &str, largest: f64) -> Result<Self, StataError> {
        match largest <= LARGEST_DOUBLE {
            true => Ok(Self::Double),
            false => Err(StataError::Limit(format!(
                "column `{name}` has {largest:e}, beyond Stata's largest number, 8.99e307: leave such rows out, or \
                 make them null"
            ))),
        }
    }

    /// Texts of at most `longest` bytes.
    pub(crate) fn text(name: &str, longest: usize) -> Result<Self, StataError> {
        let width = u16::try_from(longest.max(1)).ok().filter(|_| longest <= TEXT);
        width.map(Self::Text).ok_or_else(|| {
            StataError::Limit(format!("a text of `{name}` has {longest} bytes, above {TEXT}"))
        })
    }

    fn kind(&self) -> VariableType {
        match self {
            Self::Byte => VariableType::Byte,
            Self::Long | Self::Label(_) => VariableType::Long,
            Self::Double => VariableType::Double,
            Self::Text(width) => VariableType::FixedString(*width),
        }
    }

    /// How Stata shows the values, where nothing else is said.
    pub(crate) fn format(&self) -> String {
        match self {
            Self::Byte => "%8.0g".to_owned(),
            Self::Long => "%12.0g".to_owned(),
            Self::Double => "%10.0g".to_owned(),
            Self::Text(width) => format!("%{}s", width.min(&244)),
            Self::Label(_) => "%24.0g".to_owned(),
        }
    }
}

/// The variable that a column becomes.
#[derive(Debug)]
pub(crate) struct StataVariable {
    /// The name of the column.
    pub(crate) name: String,
    /// What it is; empty if nobody says.
    pub(crate) about: String,
    /// How its values are stored.
    pub(crate) stored: Stored,
    /// How Stata shows them.
    pub(crate) format: String,
}

impl StataVariable {
    /// The label: what the column is, behind its name if the variable has another.
    fn label(&self, name: &str) -> String {
        let label = match (self.name == name, self.about.is_empty()) {
            (true, _) => self.about.clone(),
            (false, true) => self.name.clone(),
            (false, false) => format!("{}: {}", self.name, self.about),
        };
        match label.chars().count() <= LABEL {
            true => printable(&label, LABEL),
            false => printable(&label, LABEL - 1),
        }
    }
}

/// Whether Stata takes a name: letters, digits and _, no digit first, 32 at most, no word of its own.
fn is_legal(name: &str) -> bool {
    const RESERVED: [&str; 20] = [
        "_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n",
        "_N", "_pi", "_pred", "_rc", "_skip", "strL", "using", "with",
    ];
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_of_texts = name
        .strip_prefix("str")
        .is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    name.len() <= NAME
        && name.chars().all(is_letter)
        && name.starts_with(|c: char| !c.is_ascii_digit())
        && !RESERVED.contains(&name)
        && !is_of_texts
}

/// Names that Stata takes, none twice. A name that it takes stays as it is.
pub(crate) fn legal_names(names: &[String]) -> Vec<String> {
    let mut taken: BTreeSet<String> = names.iter().filter(|name| is_legal(name)).cloned().collect();
    let mut kept = BTreeSet::new();
    let mut found = Vec::new();
    for name in names {
        if is_legal(name) && kept.insert(name) {
            found.push(name.clone());
            continue;
        }
        let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut legal: String = name.chars().map(letter).take(NAME).collect();
        if !is_legal(&legal) {
            legal.insert(0, 'v');
            legal.truncate(NAME);
        }
        let whole = legal.clone();
        let mut n = 1;
        while !taken.insert(legal.clone()) {
            n += 1;
            let suffix = format!("_{n}");
            legal = format!("{}{suffix}", &whole[..whole.len().min(NAME - suffix.len())]);
        }
        found.push(legal);
    }
    found
}

/// A set of value labels: its name, and numbers with their texts.
type Labels = (String, Vec<(i32, String)>);

/// The value labels of a variable.
fn labels_of(name: &str, stored: &Stored) -> Option<Labels> {
    match stored {
        Stored::Label(numbers) if !numbers.is_empty() => {
            let entries = numbers.iter().map(|(text, number)| (*number, text.clone()));
            Some((name.to_owned(), entries.collect()))
        }
        Stored::Byte => {
            Some(("yes_no".to_owned(), vec![(0, "no".to_owned()), (1, "yes".to_owned())]))
        }
        _ => None,
    }
}

/// A file that is being written.
pub(crate) struct StataFile {
    path: PathBuf,
    records: RecordWriter<BufWriter<File>>,
    stored: Vec<Stored>,
    labels: Vec<Labels>,
}

impl StataFile {
    /// Begins the file at `path`, of rows that `about` describes.
    pub(crate) fn begin(
        path: &Path,
        about: &str,
        variables: Vec<StataVariable>,
    ) -> Result<Self, StataError> {
        if variables.len() > MOST_VARIABLES {
            return Err(StataError::Limit(format!(
                "there are {} columns, above {MOST_VARIABLES}",
                variables.len()
            )));
        }
        let names: Vec<String> = variables.iter().map(|variable| variable.name.clone()).collect();
        let mut schema = Schema::builder();
        let mut stored = Vec::new();
        let mut labels: Vec<Labels> = Vec::new();
        for (variable, name) in variables.into_iter().zip(legal_names(&names)) {
            let label = variable.label(&name);
            let StataVariable { stored: form, format, .. } = variable;
            let mut built = Variable::builder(form.kind(), &name).format(format).label(label);
            if let Some((set_name, set)) = labels_of(&name, &form) {
                built = built.value_label_name(&set_name);
                if !labels.iter().any(|(known, _)| *known == set_name) {
                    labels.push((set_name, set));
                }
            }
            schema = schema.add_variable(built);
            stored.push(form);
        }
        let header = Header::builder(Release::V118, ByteOrder::LittleEndian)
            .dataset_label(printable(about, LABEL - 1))
            .build();
        let writer = DtaWriter::new().from_path(path)?.write_header(header)?;
        let records = writer.write_schema(schema.build()?)?.into_record_writer()?;
        Ok(Self { path: path.to_owned(), records, stored, labels })
    }

    /// Writes rows, whose columns are 32-bit or 64-bit integers, doubles, hundredths, flags or texts.
    pub(crate) fn write(&mut self, columns: &[ArrayRef], n_rows: usize) -> Result<(), StataError> {
        for row in 0..n_rows {
            let cells = columns.iter().zip(&self.stored);
            let values: Vec<Value<'_>> =
                cells.map(|(column, stored)| value(column, row, stored)).collect();
            let is_cut =
                |value: &Value<'_>| matches!(value, Value::String(text) if text.contains('\0'));
            if let Some(at) = values.iter().position(is_cut) {
                let name = self.records.schema().variables()[at].name();
                return Err(StataError::Limit(format!(
                    "a text of `{name}` has a character of the code 0, where it would end: replace it"
                )));
            }
            self.records.write_record(&values)?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(), StataError> {
        let writer = self.records.into_long_string_writer()?;
        drop(writer.into_value_label_writer()?.finish()?);
        Ok(add_value_labels(&self.path, &self.labels)?)
    }
}

/// Puts sets of value labels into a Stata file that has none: the library writes only sets that it has read.
fn add_value_labels(path: &Path, sets: &[Labels]) -> std::io::Result<()> {
    const END: &[u8] = b"</value_labels></stata_dta>";
    let damaged = || std::io::Error::other("the file just written has not the form of version 118");
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut head = vec![0; 4096];
    let n = file.read(&mut head)?;
    let map =
        head[..n].windows(5).position(|found| found == b"<map>").ok_or_else(damaged)? as u64 + 5;
    let end = i64::try_from(END.len()).map_err(|_| damaged())?;
    let start = file.seek(SeekFrom::End(-end))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    if tail != END {
        return Err(damaged());
    }
    let mut bytes = Vec::new();
    for (name, entries) in sets {
        let mut texts = Vec::new();
        let mut offsets = Vec::new();
        for (_, text) in entries {
            offsets.extend(i32::try_from(texts.len()).map_err(|_| damaged())?.to_le_bytes());
            texts.extend(text.as_bytes());
            texts.push(0);
        }
        let count = |n: usize| i32::try_from(n).map(i32::to_le_bytes).map_err(|_| damaged());
        bytes.extend(b"<lbl>");
        bytes.extend(count(8 + 8 * entries.len() + texts.len())?);
        let mut padded = name.as_bytes().to_vec();
        padded.resize(129 + 3, 0);
        bytes.extend(padded);
        bytes.extend(count(entries.len())?);
        bytes.extend(count(texts.len())?);
        bytes.extend(offsets);
        bytes.extend(entries.iter().flat_map(|(number, _)| number.to_le_bytes()));
        bytes.extend(texts);
        bytes.extend(b"</lbl>");
    }
    file.seek(SeekFrom::Start(start))?;
    file.write_all(&bytes)?;
    file.write_all(END)?;
    // The map's last two places: where the closing tag begins, and the end of the file.
    let size = file.stream_position()?;
    file.seek(SeekFrom::Start(map + 12 * 8))?;
    file.write_all(&(size - b"</stata_dta>".len() as u64).to_le_bytes())?;
    file.write_all(&size.to_le_bytes())?;
    file.flush()
}

/// A column's values as numbers, where it has numbers.
pub(crate) fn number(column: &dyn Array, row: usize) -> Option<f64> {
    if column.is_null(row) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts and hundredths below 2^53 are exact")]
    match column.data_type() {
        DataType::Int32 => Some(f64::from(column.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row) as f64),
        DataType::Float64 => Some(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            Some(column.as_primitive::<Decimal128Type>().value(row) as f64 / 100.0)
        }
        DataType::Boolean => Some(f64::from(u8::from(column.as_boolean().value(row)))),
        _ => None,
    }
}

fn value<'a>(column: &'a dyn Array, row: usize, stored: &Stored) -> Value<'a> {
    let text = || {
        column
            .as_string_opt::<i32>()
            .filter(|texts| texts.is_valid(row))
            .map(|texts| texts.value(row))
    };
    #[expect(clippy::cast_possible_truncation, reason = "a long was chosen as all values fit")]
    match stored {
        Stored::Byte => Value::Byte(
            number(column, row)
                .map_or(StataByte::Missing(MissingValue::System), |v| StataByte::Present(v as i8)),
        ),
        Stored::Long => Value::Long(
            number(column, row)
                .map_or(StataLong::Missing(MissingValue::System), |v| StataLong::Present(v as i32)),
        ),
        Stored::Double => Value::Double(
            number(column, row)
                .filter(|v| v.is_finite())
                .map_or(StataDouble::Missing(MissingValue::System), StataDouble::Present),
        ),
        Stored::Text(_) => Value::String(Cow::Borrowed(text().unwrap_or(""))),
        Stored::Label(numbers) => Value::Long(
            text()
                .and_then(|text| numbers.get(text))
                .map_or(StataLong::Missing(MissingValue::System), |n| StataLong::Present(*n)),
        ),
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Flag,
    Whole,
    Float,
    Text,
    Day,
    /// A time of a day.
    Clock,
    /// Texts of years.
    Year,
    /// Texts of quarters, as 2008Q3 or 2008-Q3.
    Quarter,
    /// Texts of months, as 2008-09.
    Month,
}

impl Form {
    /// What a column is, by its type and, where it has periods, by its texts.
    fn of(field: &Field, columns: &[&ArrayRef]) -> Result<Self, StataError> {
        let kind = match field.data_type() {
            DataType::Dictionary(_, of) => of.as_ref(),
            kind => kind,
        };
        Ok(match kind {
            DataType::Boolean => Self::Flag,
            kind if kind.is_integer() => Self::Whole,
            kind if kind.is_floating() || kind.is_decimal() => Self::Float,
            kind if kind.is_string() && field.metadata().contains_key(PERIOD) => {
                Self::of_periods(columns)?
            }
            kind if kind.is_string() || kind.is_null() => Self::Text,
            DataType::Date32 | DataType::Date64 => Self::Day,
            DataType::Timestamp(..) => Self::Clock,
            kind => {
                return Err(StataError::Limit(format!(
                    "column `{}` is of the type {kind}, which Stata does not have: cast it to text, or leave it out",
                    field.name()
                )));
            }
        })
    }

    /// The form that all texts of periods have.
    fn of_periods(columns: &[&ArrayRef]) -> Result<Self, ArrowError> {
        for form in [Self::Year, Self::Quarter, Self::Month] {
            let mut is_of = true;
            for column in columns {
                let texts = cast(column, &DataType::Utf8)?;
                let mut texts = texts.as_string::<i32>().iter().flatten();
                is_of &= texts.all(|text| form.count(text).is_some());
            }
            if is_of {
                return Ok(form);
            }
        }
        Ok(Self::Text)
    }

    /// A period as Stata counts it, from the beginning of 1960 on, years from the first; `None` if
    /// the text is none of this form.
    fn count(self, text: &str) -> Option<i64> {
        let part = |text: &str, n_digits: usize| {
            let is_number = text.len() == n_digits && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| is_number)
        };
        let of_year = |year: &str, part: i64, n: i64| -> Option<i64> {
            let year = year.parse::<i64>().ok().filter(|_| year.len() == 4)?;
            (1..=n).contains(&part).then_some((year - 1960) * n + part - 1)
        };
        match self {
            Self::Year => part(text, 4),
            Self::Quarter => {
                let (year, quarter) = text.split_once('Q')?;
                of_year(year.strip_suffix('-').unwrap_or(year), part(quarter, 1)?, 4)
            }
            Self::Month => {
                let (year, month) = text.split_once('-')?;
                of_year(year, part(month, 2)?, 12)
            }
            _ => None,
        }
    }

    /// The column as flags, 64-bit integers, doubles or texts; dates and periods as Stata counts
    /// them.
    fn plain(self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let counted = |counts: &ArrayRef, from: i64| -> ArrayRef {
            let counts = counts.as_primitive::<Int64Type>().iter();
            Arc::new(counts.map(|n| n.map(|n| n.saturating_add(from))).collect::<Int64Array>())
        };
        match self {
            Self::Flag => cast(column, &DataType::Boolean),
            Self::Whole => cast(column, &DataType::Int64),
            Self::Float => cast(column, &DataType::Float64),
            Self::Text => cast(column, &DataType::Utf8),
            Self::Day => {
                let days = cast(&cast(column, &DataType::Date32)?, &DataType::Int64)?;
                Ok(counted(&days, DAYS))
            }
            Self::Clock => {
                // Times of a zone are counted in UTC.
                let times = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
                Ok(counted(&cast(&times, &DataType::Int64)?, DAYS * DAY))
            }
            Self::Year | Self::Quarter | Self::Month => {
                let texts = cast(column, &DataType::Utf8)?;
                let texts = texts.as_string::<i32>().iter();
                Ok(Arc::new(texts.map(|text| self.count(text?)).collect::<Int64Array>()))
            }
        }
    }

    /// How Stata shows dates and periods.
    fn format(self) -> Option<&'static str> {
        match self {
            Self::Day => Some("%td"),
            Self::Clock => Some("%tc"),
            Self::Quarter => Some("%tq"),
            Self::Month => Some("%tm"),
            _ => None,
        }
    }
}

/// A column of another type; a value that it does not have is an error.
fn cast(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(column, kind, &CastOptions { safe: false, ..CastOptions::default() })
}

/// The variable of a column, and what its values are.
fn variable(field: &Field, columns: &[&ArrayRef]) -> Result<(StataVariable, Form), StataError> {
    let name = field.name();
    let form = Form::of(field, columns)?;
    let (mut largest, mut longest) = (0.0_f64, 0);
    for column in columns {
        let column = form
            .plain(column)
            .map_err(|error| StataError::Limit(format!("column `{name}`: {error}")))?;
        for row in 0..column.len() {
            largest = number(&column, row).map_or(largest, |v| largest.max(v.abs()));
        }
        if let Some(texts) = column.as_string_opt::<i32>() {
            longest = texts.iter().flatten().map(str::len).max().unwrap_or(0).max(longest);
        }
    }
    let stored = match form {
        Form::Flag => Stored::Byte,
        Form::Float => Stored::float(name, largest)?,
        Form::Text => Stored::text(name, longest)?,
        _ => Stored::whole(name, largest)?,
    };
    let about = field.metadata().get(ABOUT).cloned().unwrap_or_default();
    let format = form.format().map_or_else(|| stored.format(), str::to_owned);
    Ok((StataVariable { name: name.clone(), about, stored, format }, form))
}

/// Writes rows to a Stata file at `path`. Flags have value labels, dates and periods (see
/// [`PERIOD`]) are counted from 1960 on, dictionaries are texts, and the label of a variable is what
/// its field says by [`ABOUT`]. Null and NaN are missing; a text that is null is empty.
///
/// # Errors
///
/// [`StataError`], of [`StataError::Limit`] if a column or a value has no place in such a file.
pub(crate) fn write(
    path: &Path,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<(), StataError> {
    let mut variables = Vec::new();
    let mut forms = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        let columns: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
        let (variable, form) = variable(field, &columns)?;
        variables.push(variable);
        forms.push(form);
    }
    let mut file = StataFile::begin(path, "", variables)?;
    for batch in batches {
        let columns = batch.columns().iter().zip(&forms).map(|(column, form)| form.plain(column));
        file.write(&columns.collect::<Result<Vec<_>, _>>()?, batch.num_rows())?;
    }
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, StringArray,
        TimestampMicrosecondArray, UInt64Array,
    };
    use dta::stata::dta::dta_reader::DtaReader;
    use dta::stata::dta::value_label_table::ValueLabelTable;

    fn column<A: Array + 'static>(values: A) -> ArrayRef {
        Arc::new(values)
    }

    /// Of the file of these columns: the variables (name, type, format, label), the cells as texts,
    /// and the value labels of the last variable.
    type Found = (Vec<[String; 4]>, Vec<Vec<String>>, Vec<(i32, String)>);

    fn written(columns: Vec<(Field, ArrayRef)>) -> Result<Found, StataError> {
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("rows.dta");
        write(&path, &schema, &[rows.clone(), RecordBatch::new_empty(Arc::clone(&schema)), rows])?;
        let mut reader = DtaReader::new().from_path(&path)?.read_header()?.read_schema()?;
        reader.skip_to_end()?;
        let mut records = reader.into_record_reader()?;
        let of = |v: &Variable| {
            [v.name(), v.variable_type().to_string().as_str(), v.format(), v.label()]
                .map(str::to_owned)
        };
        let variables = records.schema().variables().to_vec();
        let mut cells = Vec::new();
        while let Some(record) = records.read_record()? {
            cells.push(record.values().iter().map(shown).collect());
        }
        let mut table = ValueLabelTable::new();
        records.seek_value_labels()?.read_remaining_into(&mut table)?;
        let set = variables.last().and_then(|v| table.get(v.value_label_name()));
        let labels = set.map_or_else(Vec::new, |set| {
            set.entries().iter().map(|entry| (entry.value(), entry.label().to_owned())).collect()
        });
        Ok((variables.iter().map(of).collect(), cells, labels))
    }

    fn shown(value: &Value<'_>) -> String {
        let of = |n: Option<f64>| n.map_or_else(|| ".".to_owned(), |n| n.to_string());
        match value {
            Value::Byte(n) => of(n.present().map(f64::from)),
            Value::Long(n) => of(n.present().map(f64::from)),
            Value::Double(n) => of(n.present()),
            Value::String(text) => text.clone().into_owned(),
            other => format!("{other:?}"),
        }
    }

    fn field(name: &str, of: &ArrayRef) -> Field {
        Field::new(name, of.data_type().clone(), true)
    }

    fn noted(name: &str, of: &ArrayRef, key: &str, value: &str) -> (Field, ArrayRef) {
        let notes = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        (field(name, of).with_metadata(notes.into_iter().collect()), Arc::clone(of))
    }

    fn plain(name: &str, of: ArrayRef) -> (Field, ArrayRef) {
        (field(name, &of), of)
    }

    #[test]
    fn every_type_is_read_back() {
        let labels = column(StringArray::from(vec!["0101", "98"]));
        let keys = Int32Array::from(vec![Some(1), Some(0), None]);
        let codes = DictionaryArray::try_new(keys, labels).expect("codes");
        let periods = column(StringArray::from(vec!["2008Q3", "1959-Q4", "1960Q1"]));
        let value = column(Float64Array::from(vec![Some(0.1), Some(f64::NAN), None]));
        let found = written(vec![
            plain("hs 6", column(codes)),
            noted("quarter", &periods, PERIOD, ""),
            noted("value", &value, ABOUT, "exports (USD)"),
            plain("big", column(UInt64Array::from(vec![Some(4_000_000_000), Some(0), None]))),
            plain("day", column(Date32Array::from(vec![Some(0), Some(-3653), None]))),
            plain("at", column(TimestampMicrosecondArray::from(vec![Some(1_500), None, None]))),
            plain("is_new", column(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ]);
        let (variables, cells, labels) = found.expect("written");
        let expected = [
            ["hs_6", "str4", "%4s", "hs 6"],
            ["quarter", "long", "%tq", ""],
            ["value", "double", "%10.0g", "exports (USD)"],
            ["big", "double", "%10.0g", ""],
            ["day", "long", "%td", ""],
            ["at", "double", "%tc", ""],
            ["is_new", "byte", "%8.0g", ""],
        ];
        assert_eq!(variables, expected.map(|of| of.map(str::to_owned)));
        let rows = [
            ["98", "194", "0.1", "4000000000", "3653", "315619200001", "1"],
            ["0101", "-1", ".", "0", "0", ".", "0"],
            ["", "0", ".", ".", ".", ".", "."],
        ];
        assert_eq!(cells.len(), 6);
        assert_eq!(cells[..3], rows);
        assert_eq!(cells[3..], rows);
        assert_eq!(labels, [(0, "no".to_owned()), (1, "yes".to_owned())]);
    }

    #[test]
    fn periods_are_numbers_where_all_are_of_one_form() {
        let cells_of = |texts: &[&str], key: &str| {
            let texts = column(StringArray::from(texts.to_vec()));
            let (variables, cells, _) =
                written(vec![noted("t", &texts, key, "")]).expect("written");
            (variables[0][1].clone(), variables[0][2].clone(), cells[0][0].clone())
        };
        let of = |kind: &str, format: &str, cell: &str| {
            (kind.to_owned(), format.to_owned(), cell.to_owned())
        };
        assert_eq!(cells_of(&["2008", "2009"], PERIOD), of("long", "%12.0g", "2008"));
        assert_eq!(cells_of(&["2008-09", "2009-12"], PERIOD), of("long", "%tm", "584"));
        assert_eq!(cells_of(&["2008-13"], PERIOD), of("str7", "%7s", "2008-13"));
        assert_eq!(cells_of(&["2008", "2009Q1"], PERIOD), of("str6", "%6s", "2008"));
        // Codes may be four digits too.
        assert_eq!(cells_of(&["2008", "0101"], ABOUT), of("str4", "%4s", "2008"));
    }

    #[test]
    fn what_stata_has_no_place_for_is_told() {
        let refused = |of: ArrayRef, why: &str| {
            let error = written(vec![plain("x", of)]).expect_err(why);
            assert!(error.is_users() && error.to_string().contains(why), "{error}");
        };
        refused(column(Float64Array::from(vec![f64::INFINITY])), "beyond Stata's largest number");
        refused(column(Float64Array::from(vec![-1e308])), "has 1e308, beyond");
        refused(column(Int64Array::from(vec![9_007_199_254_740_993])), "more digits than a double");
        refused(column(UInt64Array::from(vec![u64::MAX])), "column `x`: ");
        refused(column(StringArray::from(vec!["x".repeat(2046)])), "has 2046 bytes, above 2045");
        refused(column(StringArray::from(vec!["a\0b"])), "a character of the code 0");
        let lists = Int32Array::from(vec![1]);
        let lists = arrow::compute::cast(
            &lists,
            &DataType::List(Arc::new(Field::new("item", DataType::Int32, true))),
        );
        refused(lists.expect("a list"), "which Stata does not have");
        let texts = column(StringArray::from(vec!["é".repeat(1022)]));
        assert!(written(vec![plain("x", texts)]).is_ok());
    }

    #[test]
    fn names_are_legal_and_apart() {
        let names = [
            "if",
            "2nd",
            "a b",
            "a_b",
            "str5",
            "",
            "Région",
            "x_very_long_name_of_a_column_beyond",
            "x_very_long_name_of_a_column_beyond_2",
            "x_very_long_name_of_a_column_bey",
        ];
        let legal = legal_names(&names.map(str::to_owned));
        assert_eq!(legal[..7], ["vif", "v2nd", "a_b_2", "a_b", "vstr5", "v", "R_gion"]);
        assert_eq!(legal[9], names[9], "a legal name stays");
        assert!(legal.iter().all(|name| is_legal(name)), "{legal:?}");
        let apart: BTreeSet<&String> = legal.iter().collect();
        assert_eq!(apart.len(), names.len(), "{legal:?}");
    }
}
