//! Tables from elsewhere that SQL and models read: CSV (packed or not), Parquet, Stata.

use crate::input::{self, Block, Buffers};
use crate::layout_file::FileFormat;
use crate::pipeline::{Place, RawFile};
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;

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
        Kind::Float
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
        Kind::Int => {
            Arc::new(Int32Array::from(parsed!(|t: &str| t.parse::<i32>().ok(), "whole number")))
        }
        Kind::Float => Arc::new(Float64Array::from(parsed!(
            |t: &str| t.parse::<f64>().ok().filter(|v| v.is_finite()),
            "number"
        ))),
        Kind::Flag => Arc::new(BooleanArray::from(parsed!(flag, "true or false"))),
        _ => Arc::new(StringArray::from(values.to_vec())),
    })
}

/// Reads a table. Columns of text take the type of `types`, or the first of whole number, number, true or false, and text that all values
/// have; digits with a leading zero are text.
///
/// # Errors
///
/// [`TableError`], naming the file and what is wrong in it.
pub fn read(
    path: &Path,
    types: &BTreeMap<String, String>,
    runtime: &Handle,
) -> Result<(SchemaRef, RecordBatch), TableError> {
    let failed = |why: String| TableError { path: path.to_owned(), why };
    let file = RawFile { label: path.display().to_string(), place: Place::Local(path.to_owned()) };
    let items = input::items(&file, runtime).map_err(failed)?;
    let [item] = &items[..] else {
        return Err(failed(format!("it holds {} files: name one", items.len())));
    };
    let format = FileFormat::Csv {
        dialect: trade::Dialect { delimiter: b',', quote: Some(b'"') },
        encoding: encoding_rs::UTF_8,
        has_header: true,
    };
    let mut reader = item.open(&format, &Buffers::default()).map_err(failed)?;
    let names: Vec<String> = reader.header().to_vec();
    for name in types.keys() {
        if !names.contains(name) {
            let close = crate::graph::hint(name, names.iter().map(String::as_str));
            return Err(failed(format!(
                "no column `{name}`{close}: the header has {}",
                names.join(", ")
            )));
        }
    }
    let mut texts = Texts::new(names);
    let mut typed: Vec<RecordBatch> = Vec::new();
    let mut header = Vec::new();
    while let Some(block) = reader.next_block().map_err(failed)? {
        match block {
            Block::Table { rows, .. } if is_typed(&rows) => typed.push(rows),
            Block::Table { rows, .. } => {
                for (out, column) in
                    texts.columns.iter_mut().zip(input::texts(&rows).map_err(failed)?)
                {
                    out.extend(
                        column.iter().map(|text| text.map(str::to_owned).filter(|t| !t.is_empty())),
                    );
                }
            }
            Block::Text { text, line, .. } => {
                let mut rows = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(&text[..]);
                for row in rows.records() {
                    let row = row.map_err(|error| failed(error.to_string()))?;
                    let at = line + row.position().map_or(0, csv::Position::line).saturating_sub(1);
                    if row.len() != texts.columns.len() {
                        return Err(failed(format!(
                            "line {at}: {} fields, where the header has {}",
                            row.len(),
                            texts.columns.len()
                        )));
                    }
                    for (out, field) in texts.columns.iter_mut().zip(&row) {
                        let field = field.trim();
                        out.push((!field.is_empty()).then(|| field.to_owned()));
                    }
                }
            }
        }
    }
    if let Some(first) = typed.first() {
        let schema = first.schema();
        let whole =
            arrow::compute::concat_batches(&schema, &typed).map_err(|e| failed(e.to_string()))?;
        return plain(&whole).map_err(failed);
    }
    let mut arrays = Vec::new();
    for (name, values) in texts.names.iter().zip(&texts.columns) {
        let kind = match types.get(name) {
            None => inferred(values),
            Some(text) => kind(text).ok_or_else(|| {
                failed(format!(
                    "column `{name}`: unknown type {text:?}: expected text, int, double or boolean"
                ))
            })?,
        };
        header.push(Field::new(name, kind.arrow(), true));
        arrays.push(array(name, values, kind).map_err(failed)?);
    }
    let schema = Arc::new(Schema::new(header));
    let rows =
        RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| failed(e.to_string()))?;
    Ok((schema, rows))
}

/// Whether the columns of a table have types of their own.
fn is_typed(rows: &RecordBatch) -> bool {
    rows.schema().fields().iter().any(|field| field.data_type() != &DataType::Utf8)
}

/// The rows in types that a lake keeps: what has none becomes a number or text.
fn plain(rows: &RecordBatch) -> Result<(SchemaRef, RecordBatch), String> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let to = match (Kind::of(field.data_type()), field.data_type()) {
            (Some(kind), _) => kind.arrow(),
            (
                None,
                DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..),
            ) => DataType::Float64,
            (None, _) => DataType::Utf8,
        };
        let cast = arrow::compute::cast(column, &to)
            .map_err(|error| format!("column `{}`: {error}", field.name()))?;
        fields.push(Field::new(field.name(), to, true));
        columns.push(cast);
    }
    let schema = Arc::new(Schema::new(fields));
    let rows =
        RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|error| error.to_string())?;
    Ok((schema, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, types: &[(&str, &str)]) -> Result<RecordBatch, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).expect("written");
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let types = types.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        read(&path, &types, runtime.handle())
            .map(|(_, rows)| rows)
            .map_err(|error| error.to_string())
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
