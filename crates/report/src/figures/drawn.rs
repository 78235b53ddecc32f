//! A drawn figure.

use super::error::FigureError;
use super::frame::Frame;
use crate::draw;
use crate::output::visible_data;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A drawn figure.
#[derive(Debug)]
pub struct Drawn {
    /// The drawing.
    pub svg: String,
    /// What is to be warned of.
    pub warnings: Vec<String>,
    /// The rows that are drawn.
    pub rows: RecordBatch,
}

impl Drawn {
    /// Draws what `make`, a function of `figures.js`, makes of `fields`.
    pub(super) fn new(
        make: &str,
        fields: Map<String, Value>,
        warnings: Vec<String>,
        rows: RecordBatch,
    ) -> Result<Self, FigureError> {
        let svg = draw::figure(make, &visible_data(Value::Object(fields)))?;
        Ok(Self { svg, warnings, rows })
    }
}

/// Some rows of columns of a frame, in their types, and beside them texts under a name.
pub(super) fn rows(
    frame: &Frame,
    names: &[&str],
    at: &[usize],
    beside: Option<(&str, Vec<Option<String>>)>,
) -> Result<RecordBatch, FigureError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for name in names {
        if fields.iter().all(|field: &Arc<Field>| field.name() != name) {
            let (field, column) = frame.taken(name, at)?;
            fields.push(field);
            columns.push(column);
        }
    }
    if let Some((name, texts)) = beside {
        fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
        columns.push(Arc::new(StringArray::from(texts)));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Names as they are told: all of a few, or the first of many and how many they are.
pub(super) fn named(names: &[&str]) -> String {
    const TOLD: usize = 12;
    let told: Vec<String> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(TOLD);
    if more == 0 { told.join(", ") } else { format!("{} and {more} more", told.join(", ")) }
}
