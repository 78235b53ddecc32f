//! Tables from elsewhere that SQL and models read: CSV (packed or not), Parquet, Stata.

use crate::delimited::{self, Fault, Reader};
use crate::input::{self, Block, Stored};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use lake::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the table `{path}`: {why}")]
pub struct TableError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub why: String,
}

/// The type of a column that the user gives.
fn kind(text: &str) -> Option<Kind> {
    match text {
        "text" => Some(Kind::Text),
        "int" => Some(Kind::Int),
        "double" => Some(Kind::Float),
        "boolean" => Some(Kind::Flag),
        _ => None,
    }
}

/// Columns of texts, as they are read.
#[derive(Default)]
struct Texts {
    names: Vec<String>,
    columns: Vec<Vec<Option<String>>>,
}

impl Texts {
    fn new(names: Vec<String>) -> Self {
        Self { columns: names.iter().map(|_| Vec::new()).collect(), names }
    }

    /// Adds the rows of a table whose columns are all text; its first has the number `row`.
    fn add_table(&mut self, rows: &RecordBatch, row: u64) -> Result<(), String> {
        for (out, column) in self.columns.iter_mut().zip(input::utf8_texts(rows, row)?) {
            let texts = column.iter().map(|text| text.filter(|text| !text.is_empty()));
            out.extend(texts.map(|text| text.map(str::to_owned)));
        }
        Ok(())
    }

    /// Adds the rows of a block of text.
    fn add_text(&mut self, block: &Block) -> Result<(), String> {
        let columns = &mut self.columns;
        let added = delimited::each_row(block, columns.len(), |row| {
            for (place, out) in columns.iter_mut().enumerate() {
                let text = row.text(place)?;
                out.push((!text.is_empty()).then(|| text.to_owned()));
            }
            Ok(())
        });
        added.map_err(|fault| match fault {
            Fault::Columns { line, found, expected } => {
                format!("line {line}: {found} fields, where the header has {expected}")
            }
            other => other.to_string(),
        })
    }

    /// The columns in the types that are asked for, or that their texts have.
    fn rows(&self, asked: &BTreeMap<&str, Kind>) -> Result<(SchemaRef, RecordBatch), String> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, values) in self.names.iter().zip(&self.columns) {
            let kind = asked.get(name.as_str()).copied().unwrap_or_else(|| inferred(values));
            fields.push(Field::new(name, kind.arrow(), true));
            arrays.push(array(name, values, kind)?);
        }
        let schema = Arc::new(Schema::new(fields));
        let rows = RecordBatch::try_new(Arc::clone(&schema), arrays);
        Ok((schema, rows.map_err(|error| error.to_string())?))
    }
}

/// A whole number without a leading zero, which would make it a code.
fn int(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    text.parse().ok()
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
    text.parse().ok().filter(|_| is_number && (digits.len() == 1 || !digits.starts_with('0')))
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

/// The kind that all values of a column can be read as.
fn inferred(values: &[Option<String>]) -> Kind {
    let mut met = values.iter().flatten().peekable();
    if met.peek().is_none() {
        return Kind::Text;
    }
    let all = |is: fn(&str) -> bool| values.iter().flatten().all(|text| is(text));
    if all(|text| int(text).is_some()) {
        Kind::Int
    } else if all(|text| float(text).is_some()) {
        // Two numbers of firms must not become one.
        match (all(is_kept_by_a_double), all(|text| count(text).is_some())) {
            (true, _) => Kind::Float,
            (false, true) => Kind::Count,
            (false, false) => Kind::Text,
        }
    } else if all(|text| flag(text).is_some()) {
        Kind::Flag
    } else {
        Kind::Text
    }
}

fn array(name: &str, values: &[Option<String>], kind: Kind) -> Result<ArrayRef, String> {
    let each = |row: usize, text: &str, what: &str| {
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
            "whole number of 32 bits"
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
        _ => Arc::new(StringArray::from(values.to_vec())),
    })
}

/// Reads a table. Columns take the type of `types`; without, those that have none of their own take the first of whole number, number,
/// true or false, and text that all values have; digits with a leading zero are text.
///
/// # Errors
///
/// [`TableError`], naming the file and what is wrong in it.
pub fn read(
    path: &Path,
    types: &BTreeMap<String, String>,
) -> Result<(SchemaRef, RecordBatch), TableError> {
    rows(path, types).map_err(|why| TableError { path: path.to_owned(), why })
}

fn rows(path: &Path, types: &BTreeMap<String, String>) -> Result<(SchemaRef, RecordBatch), String> {
    let mut reader = Reader::open(path)?;
    let asked = kinds(types, reader.header())?;
    let mut texts = Texts::new(reader.header().to_vec());
    let mut typed: Vec<RecordBatch> = Vec::new();
    while let Some(block) = reader.next_block()? {
        match block {
            Block::Table { rows, row, stored } if is_typed(&rows) => {
                check_texts(&rows, row, &stored)?;
                typed.push(rows);
            }
            Block::Table { rows, row, .. } => texts.add_table(&rows, row)?,
            block @ Block::Text { .. } => texts.add_text(&block)?,
        }
    }
    match typed.first() {
        Some(first) => {
            let whole = arrow::compute::concat_batches(&first.schema(), &typed);
            plain(&whole.map_err(|error| error.to_string())?, &asked)
        }
        None => texts.rows(&asked),
    }
}

/// The types that are asked for, by column.
fn kinds<'t>(
    types: &'t BTreeMap<String, String>,
    header: &[String],
) -> Result<BTreeMap<&'t str, Kind>, String> {
    let mut asked = BTreeMap::new();
    for (name, text) in types {
        delimited::place(header, name)?;
        let kind = kind(text).ok_or_else(|| {
            format!("column `{name}`: unknown type {text:?}: expected text, int, double or boolean")
        })?;
        asked.insert(name.as_str(), kind);
    }
    Ok(asked)
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
        let kind = asked.get(field.name().as_str()).copied().unwrap_or(own);
        columns.push(match kind {
            Kind::Text => Arc::new(input::utf8_text(field.name(), column, 1)?),
            Kind::Float if column.data_type().is_decimal() => by_text(field.name(), column, kind)?,
            _ if kind == own => numbers(field.name(), column, kind)?,
            _ => by_text(field.name(), column, kind)?,
        });
        fields.push(Field::new(field.name(), kind.arrow(), true));
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
    let cells = array(name, &texts, kind)?;
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
mod tests {
    use super::*;
    use arrow::array::{BinaryArray, Decimal128Array, Int64Array, NullArray, UInt64Array};
    use parquet::arrow::ArrowSchemaConverter;
    use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};

    fn of(text: &str, types: &[(&str, &str)]) -> Result<RecordBatch, String> {
        of_file(text.as_bytes(), types)
    }

    fn of_file(bytes: &[u8], types: &[(&str, &str)]) -> Result<RecordBatch, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        std::fs::write(&path, bytes).expect("written");
        let types = types.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        read(&path, &types).map(|(_, rows)| rows).map_err(|error| error.to_string())
    }

    fn parquet_of(rows: &RecordBatch, options: ArrowWriterOptions) -> Vec<u8> {
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options);
        let mut writer = writer.expect("types that Parquet has");
        writer.write(rows).expect("memory");
        writer.close().expect("memory");
        bytes
    }

    #[test]
    fn text_in_parquet_that_is_no_utf8_is_named() {
        let said = Schema::new(vec![Field::new("x", DataType::Utf8, false)]);
        let said = ArrowSchemaConverter::new().convert(&said).expect("a type that Parquet has");
        let options = ArrowWriterOptions::new().with_parquet_schema(said);
        let texts: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&b"a"[..], &b"\xba\xbc"[..]]));
        let rows = RecordBatch::try_from_iter([("x", texts)]).expect("a column");
        let bytes = parquet_of(&rows, options.with_skip_arrow_metadata(true));
        let error = of_file(&bytes, &[]).expect_err("an error");
        assert!(error.contains("/t`: row 2, column `x`: its bytes are no UTF-8"), "{error}");
    }

    #[test]
    fn nothing_in_a_table_with_types_is_lost() {
        let error = |column: ArrayRef| {
            let rows = RecordBatch::try_from_iter([("x", column)]).expect("a column");
            plain(&rows, &BTreeMap::new()).expect_err("an error")
        };
        let text = error(Arc::new(UInt64Array::from(vec![Some(1), None, Some(u64::MAX)])));
        assert!(text.starts_with("row 3, column `x`: 18446744073709551615 does not"), "{text}");
        let text = error(Arc::new(BinaryArray::from_vec(vec![&b"a"[..], &b"\xff"[..]])));
        assert!(text.starts_with("row 2, column `x`: its bytes are no UTF-8"), "{text}");
        let nothing: ArrayRef = Arc::new(NullArray::new(2));
        let rows = RecordBatch::try_from_iter([("x", nothing)]).expect("a column");
        let (_, rows) = plain(&rows, &BTreeMap::new()).expect("rows");
        assert_eq!(rows.column(0).null_count(), 2);
    }

    #[test]
    fn columns_of_parquet_take_the_type_that_is_asked_for() {
        let read = |column: ArrayRef, kind: &str| {
            let beside: ArrayRef = Arc::new(Int32Array::from(vec![7; column.len()]));
            let rows = RecordBatch::try_from_iter([("x", column), ("n", beside)]);
            let bytes = parquet_of(&rows.expect("columns"), ArrowWriterOptions::new());
            of_file(&bytes, &[("x", kind)])
        };
        let check = |column: ArrayRef, kind: &str, expected: ArrayRef| {
            let rows = read(column, kind).expect("rows");
            assert_eq!(rows.column(0), &expected);
            assert_eq!(rows.column(1).data_type(), &DataType::Int32);
        };
        let ints = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        let texts = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        check(ints(&[10121, -1]), "text", texts(&["10121", "-1"]));
        check(ints(&[1 << 53, -1]), "double", doubles(&[9_007_199_254_740_992.0, -1.0]));
        let decimals = Decimal128Array::from(vec![1050, 200]).with_precision_and_scale(9, 2);
        check(Arc::new(decimals.expect("room")), "double", doubles(&[10.5, 2.0]));
        check(ints(&[7]), "int", Arc::new(Int32Array::from(vec![7])));
        check(doubles(&[10121.0, 0.5]), "text", texts(&["10121", "0.5"]));
        check(doubles(&[10121.0]), "int", Arc::new(Int32Array::from(vec![10121])));
        check(texts(&["0101", "-7"]), "int", Arc::new(Int32Array::from(vec![101, -7])));
        check(texts(&["0.1"]), "double", doubles(&[0.1]));
        check(Arc::new(BooleanArray::from(vec![true])), "text", texts(&["true"]));

        let error = |column: ArrayRef, kind: &str| read(column, kind).expect_err("an error");
        let text = error(ints(&[1, 5_000_000_000]), "int");
        assert!(text.contains("/t`: row 2, column `x`: \"5000000000\" is no whole"), "{text}");
        let text = error(ints(&[1, (1 << 53) + 1]), "double");
        assert!(text.contains("row 2, column `x`: 9007199254740993 does not fit"), "{text}");
        let large = Decimal128Array::from(vec![(1 << 53) + 1]).with_precision_and_scale(18, 0);
        let text = error(Arc::new(large.expect("room")), "double");
        assert!(text.contains("row 1, column `x`: 9007199254740993 does not fit"), "{text}");
        let text = error(doubles(&[7.5]), "int");
        assert!(text.contains("row 1, column `x`: \"7.5\" is no whole number"), "{text}");
        let text = error(texts(&["a"]), "double");
        assert!(text.contains("row 1, column `x`: \"a\" is no number"), "{text}");
        let text = error(ints(&[1]), "boolean");
        assert!(text.contains("row 1, column `x`: \"1\" is no true or false"), "{text}");
        let text = error(ints(&[1]), "float");
        assert!(text.contains("column `x`: unknown type \"float\""), "{text}");
    }

    #[test]
    fn columns_take_the_type_that_all_values_have() {
        let rows = of("code,n,x,is,name\n0101,1,1.5,true,a\n1702,-2,,false,\n", &[]).expect("rows");
        let types: Vec<DataType> =
            rows.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        use DataType::{Boolean, Float64, Int32, Utf8};
        assert_eq!(types, [Utf8, Int32, Float64, Boolean, Utf8]);
        let asked = of("code,n\n1101,1\n", &[("code", "text"), ("n", "double")]).expect("rows");
        assert_eq!(asked.schema().field(0).data_type(), &Utf8);
        assert_eq!(asked.schema().field(1).data_type(), &Float64);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = |text, types: &[_]| of(text, types).expect_err("an error");
        assert!(
            error("a,b\n1,2\n3\n", &[]).contains("line 3: 1 fields"),
            "{}",
            error("a,b\n1,2\n3\n", &[])
        );
        assert!(
            error("a\nx\n", &[("a", "int")])
                .contains("row 1, column `a`: \"x\" is no whole number")
        );
        assert!(error("alpha\nx\n", &[("alhpa", "int")]).contains("did you mean `alpha`"));
    }
}
