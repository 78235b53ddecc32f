//! Columns of rows in memory, as texts and numbers.

use super::error::FigureError;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::{DataType, Field, Float64Type, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use project::suggest::suggest;
use std::sync::Arc;

/// Rows in memory.
#[derive(Debug)]
pub struct Frame {
    rows: RecordBatch,
}

impl Frame {
    /// Those of batches of one schema.
    ///
    /// # Errors
    ///
    /// [`FigureError::Arrow`] if the batches are of another schema.
    pub fn new(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Self, FigureError> {
        Ok(Self { rows: concat_batches(schema, batches)? })
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.num_rows()
    }

    fn names(&self) -> Vec<&str> {
        self.rows.schema_ref().fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn has(&self) -> String {
        self.names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// What the names of columns have before `end`, of those that end so.
    pub(super) fn ending(&self, end: &str) -> Vec<&str> {
        self.names().into_iter().filter_map(|name| name.strip_suffix(end)).collect()
    }

    fn place(&self, name: &str) -> Result<usize, FigureError> {
        let names = self.names();
        names.iter().position(|known| *known == name).ok_or_else(|| FigureError::NoColumn {
            name: name.to_owned(),
            hint: suggest(name, names.iter().copied()),
            has: self.has(),
        })
    }

    /// The column that is asked for, or the first there is of those with a usual name; `None`
    /// without either.
    pub(super) fn maybe(
        &self,
        asked: Option<&str>,
        usual: &[&str],
    ) -> Result<Option<String>, FigureError> {
        if let Some(name) = asked {
            self.place(name)?;
            return Ok(Some(name.to_owned()));
        }
        let names = self.names();
        Ok(usual.iter().find(|name| names.contains(*name)).map(|name| (*name).to_owned()))
    }

    /// As [`Self::maybe`], for a column that must be there.
    pub(super) fn find(
        &self,
        asked: Option<&str>,
        usual: &[&str],
        option: &'static str,
    ) -> Result<String, FigureError> {
        self.maybe(asked, usual)?.ok_or_else(|| FigureError::NotKnown { option, has: self.has() })
    }

    /// A column without its dictionary.
    fn column(&self, name: &str) -> Result<ArrayRef, FigureError> {
        let column = self.rows.column(self.place(name)?);
        Ok(match column.data_type() {
            DataType::Dictionary(_, of) => cast(column, of)?,
            _ => Arc::clone(column),
        })
    }

    /// Whether a column has numbers.
    pub(super) fn is_numeric(&self, name: &str) -> Result<bool, FigureError> {
        Ok(self.column(name)?.data_type().is_numeric())
    }

    /// The texts of a column. Whole numbers have no decimals, so that a year that is held as a
    /// float is one; days have no time.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<Option<String>>, FigureError> {
        let column = self.column(name)?;
        if column.data_type().is_floating() {
            let numbers = self.numbers(name)?;
            return Ok(numbers.into_iter().map(|number| Some(number?.to_string())).collect());
        }
        let formats = FormatOptions::default();
        let texts = ArrayFormatter::try_new(&*column, &formats)?;
        let text = |at: usize| {
            let text = texts.value(at).to_string();
            let day = text.strip_suffix("T00:00:00").map(str::to_owned);
            day.unwrap_or(text)
        };
        Ok((0..column.len()).map(|at| column.is_valid(at).then(|| text(at))).collect())
    }

    /// The numbers of a column; what is not finite is none.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, FigureError> {
        let column = self.column(name)?;
        let kind = column.data_type();
        if !(kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null)) {
            return Err(FigureError::NotNumbers {
                name: name.to_owned(),
                kind: match kind {
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "texts".to_owned(),
                    other => format!("values of type {other}"),
                },
            });
        }
        let numbers = cast(&column, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        Ok(numbers.iter().map(|number| number.filter(|of| of.is_finite())).collect())
    }

    /// Rows of a column, in its type.
    pub(super) fn taken(
        &self,
        name: &str,
        rows: &[usize],
    ) -> Result<(Arc<Field>, ArrayRef), FigureError> {
        let place = self.place(name)?;
        let rows: UInt64Array = rows.iter().map(|&row| Some(row as u64)).collect();
        let field = Arc::clone(&self.rows.schema_ref().fields()[place]);
        Ok((field, take(self.rows.column(place), &rows, None)?))
    }
}

/// The usual names of a column of regions.
pub(super) const REGIONS: [&str; 3] = ["region_name", "region", "region_code"];
