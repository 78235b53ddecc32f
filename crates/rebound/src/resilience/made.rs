//! The tables that were made, as they are given: values of the user's own unit, rows of the regions
//! that were asked for.

use super::dates::Dates;
use super::exact::Shift;
use super::names::is_of_periods;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use lake::Contract;
use report::stata::{ABOUT, PERIOD};
use stages::contracts::holds_values;
use stages::resilience::in_memory::MadeTable;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns that name a region of a row.
const REGIONS: [&str; 3] = ["region_code", "region_a", "region_b"];

/// What a region's values are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Products.
    Products,
    /// Nothing.
    None,
}

/// A table as it is given.
#[derive(Debug, Clone)]
pub struct GivenTable {
    /// What it is; values are of the user's unit.
    pub contract: &'static Contract,
    /// Its columns, with the conventions among their metadata.
    pub schema: SchemaRef,
    /// Its rows, in the order of the key.
    pub rows: Vec<RecordBatch>,
}

/// Whether a table says anything where there are no products.
fn is_of_products(contract: &Contract) -> bool {
    let name = contract.table;
    let structure = ["resilience.shift_share", "resilience.margins", "resilience.transformation"];
    contract.key.contains(&"product") || structure.iter().any(|of| name.starts_with(of))
}

/// The columns of a table, with the conventions.
fn schema_of(contract: &Contract, shift: Shift, conventions: &str) -> SchemaRef {
    let fields = contract.schema();
    let field = |(column, field): (&lake::Column, &Arc<Field>)| {
        let is_scaled = !shift.is_none() && holds_values(column);
        let about = match column.unit.as_str() {
            "" => column.about.clone(),
            unit => format!("{} ({unit})", column.about),
        };
        let mut said = BTreeMap::from([(ABOUT.to_owned(), about)]);
        if is_of_periods(field) {
            said.insert(PERIOD.to_owned(), String::new());
        }
        let field = field.as_ref().clone().with_metadata(said.into_iter().collect());
        let is_money = matches!(field.data_type(), DataType::Decimal128(..));
        if is_scaled && is_money { field.with_data_type(DataType::Float64) } else { field }
    };
    let fields: Vec<Field> =
        contract.columns.iter().zip(fields.fields().iter()).map(field).collect();
    let notes = BTreeMap::from([("rebound.conventions".to_owned(), conventions.to_owned())]);
    Arc::new(Schema::new_with_metadata(fields, notes.into_iter().collect()))
}

/// Values of a result, brought back to what the user's were.
fn brought_back(column: &ArrayRef, shift: Shift) -> ArrayRef {
    if let Some(money) = column.as_primitive_opt::<Decimal128Type>() {
        let back = |value: Option<i128>| value.and_then(|value| shift.money_back(value));
        return Arc::new(money.iter().map(back).collect::<Float64Array>());
    }
    match column.as_primitive_opt::<Float64Type>() {
        Some(floats) => {
            let back = |value: Option<f64>| value.map(|value| shift.back(value));
            Arc::new(floats.iter().map(back).collect::<Float64Array>())
        }
        None => Arc::clone(column),
    }
}

/// Spreads brought back where they are of levels; the others are ratios.
fn spreads_brought_back(batch: &RecordBatch, spreads: &ArrayRef, shift: Shift) -> ArrayRef {
    let floats = spreads.as_primitive_opt::<Float64Type>();
    let Some((of, floats)) = texts_of(batch, "spread_of").zip(floats) else {
        return Arc::clone(spreads);
    };
    let back = |(of, spread): (Option<&str>, Option<f64>)| match of {
        Some("level_residuals") => spread.map(|spread| shift.back(spread)),
        _ => spread,
    };
    Arc::new(of.iter().zip(floats.iter()).map(back).collect::<Float64Array>())
}

/// The rows of regions in the episodes that are of their own dates, and all rows that are of no region.
fn of_own_dates(batch: &RecordBatch, dates: &Dates) -> Result<RecordBatch, ArrowError> {
    let regions: Vec<&StringArray> =
        REGIONS.iter().filter_map(|name| texts_of(batch, name)).collect();
    let Some(episodes) = texts_of(batch, "episode").filter(|_| !regions.is_empty()) else {
        return Ok(batch.clone());
    };
    let is_kept = |row: usize| {
        let own = dates.regions.get(episodes.value(row));
        own.is_some_and(|own| regions.iter().all(|of| own.contains(of.value(row))))
    };
    let kept: Vec<bool> = (0..batch.num_rows()).map(is_kept).collect();
    filter_record_batch(batch, &BooleanArray::from(kept))
}

/// The tables as they are given. Without products those that are about products are left out.
pub(super) fn given(
    made: Vec<MadeTable>,
    shift: Shift,
    dates: &Dates,
    conventions: &str,
    parts: Parts,
) -> Result<Vec<GivenTable>, ArrowError> {
    let mut given = Vec::new();
    for MadeTable { contract, rows } in made {
        if parts == Parts::None && is_of_products(contract) {
            continue;
        }
        let schema = schema_of(contract, shift, conventions);
        let mut batches = Vec::new();
        for batch in rows {
            let columns = contract.columns.iter().zip(batch.columns()).map(|(column, values)| {
                match column.name.as_str() {
                    _ if shift.is_none() => Arc::clone(values),
                    _ if holds_values(column) => brought_back(values, shift),
                    "spread" => spreads_brought_back(&batch, values, shift),
                    _ => Arc::clone(values),
                }
            });
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect())?;
            batches.push(match dates.regions.is_empty() {
                true => batch,
                false => of_own_dates(&batch, dates)?,
            });
        }
        given.push(GivenTable { contract, schema, rows: batches });
    }
    Ok(given)
}

/// A column of texts, if the rows have it.
pub(super) fn texts_of<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>())
}

/// The number of a row, if there is one.
pub(super) fn number(batch: &RecordBatch, name: &str, row: usize) -> Option<f64> {
    let column = batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
    column.is_valid(row).then(|| column.value(row))
}
