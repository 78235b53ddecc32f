//! The rows of a result.

use super::args::{Metric, Of};
use super::metrics;
use super::period::Period;
use super::question::Question;
use super::values::Values;
use arrow::array::{
    ArrayRef, BooleanBuilder, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use rayon::prelude::*;
use report::stata::PERIOD;
use space::backbone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is the same in all batches: the columns, and the labels that stand in them.
pub(super) struct Form {
    pub(super) schema: SchemaRef,
    periods: ArrayRef,
    regions: ArrayRef,
    products: ArrayRef,
}

/// The columns of a result.
fn fields(question: &Question) -> Vec<Field> {
    let label = |name: &str| {
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Field::new(name, kind, false)
    };
    let columns = &question.table.columns;
    let of_period = |name: &String| {
        let said = BTreeMap::from([(PERIOD.to_owned(), String::new())]);
        label(name).with_metadata(said.into_iter().collect())
    };
    let mut fields: Vec<Field> = columns.period.iter().map(of_period).collect();
    match question.of {
        Of::Cells => {
            fields.extend([label(&columns.region), label(columns.product())]);
            fields.push(Field::new(&columns.value, DataType::Float64, false));
        }
        Of::Regions => fields.push(label(&columns.region)),
        Of::Products => fields.push(label(columns.product())),
        Of::Pairs => {
            let product = columns.product();
            fields.extend([label(&format!("{product}_a")), label(&format!("{product}_b"))]);
            fields.push(Field::new("relatedness", DataType::Float64, false));
            fields.push(Field::new("is_in_tree", DataType::Boolean, false));
        }
    }
    for metric in &question.metrics {
        let kind = match metric {
            Metric::Specialized => DataType::Boolean,
            Metric::Diversity | Metric::Ubiquity | Metric::RelatedCount => DataType::Int64,
            _ => DataType::Float64,
        };
        fields.push(Field::new(metric.name(), kind, true));
    }
    fields
}

fn texts<'t>(of: impl Iterator<Item = &'t String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(of))
}

/// A column of labels by their places.
fn labels(texts: &ArrayRef, places: Vec<i32>) -> Result<ArrayRef, ArrowError> {
    let keys = Int32Array::from(places);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(texts))?))
}

fn place(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

impl Form {
    /// That of a question, with the conventions in words; otherwise why it can have no columns.
    pub(super) fn of(question: &Question, conventions: String) -> Result<Self, String> {
        let fields = fields(question);
        let names: Vec<&String> = fields.iter().map(Field::name).collect();
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name))
        {
            let name = twice.1;
            return Err(format!(
                "the result would have two columns `{name}`: rename the one of the table"
            ));
        }
        let notes = BTreeMap::from([("rebound.conventions".to_owned(), conventions)]);
        let table = &question.table;
        Ok(Self {
            schema: Arc::new(Schema::new_with_metadata(fields, notes.into_iter().collect())),
            periods: texts(table.periods.iter().map(|period| &period.label)),
            regions: texts(table.regions.iter()),
            products: texts(table.products.iter()),
        })
    }

    /// The column of periods, if the table has one, for so many rows of a period.
    fn period_column(&self, period: &Period<'_>, n: usize) -> Result<Vec<ArrayRef>, ArrowError> {
        if period.question.table.columns.period.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![labels(&self.periods, vec![place(period.at); n])?])
    }

    /// The rows of a period.
    pub(super) fn batch(&self, period: &Period<'_>) -> Result<RecordBatch, ArrowError> {
        let question = period.question;
        let (n_regions, n_products) = (period.regions.len(), period.products.len());
        let n = match question.of {
            Of::Cells => n_regions * n_products,
            Of::Regions => n_regions,
            Of::Products => n_products,
            Of::Pairs => return self.pairs(period),
        };
        let regions = || period.regions.iter().map(|&r| place(r));
        let products = || period.products.iter().map(|&p| place(p));
        let of_keys = || {
            let mut columns = self.period_column(period, n)?;
            match question.of {
                Of::Cells => {
                    let of_cells = regions().flat_map(|r| std::iter::repeat_n(r, n_products));
                    columns.push(labels(&self.regions, of_cells.collect())?);
                    let of_cells = products().collect::<Vec<_>>().repeat(n_regions);
                    columns.push(labels(&self.products, of_cells)?);
                    columns.push(period.of_cells(|r, p| Some(period.exports.get(r, p))).array());
                }
                Of::Regions => columns.push(labels(&self.regions, regions().collect())?),
                Of::Products | Of::Pairs => {
                    columns.push(labels(&self.products, products().collect())?);
                }
            }
            Ok::<_, ArrowError>(columns)
        };
        // What measures of cells are made of is large: one after the other.
        let mut measured = Vec::with_capacity(question.metrics.len());
        for &metric in &question.metrics {
            cancel::check();
            measured.push((metric, metrics::values(period, metric)));
        }
        let of_metric = |(metric, values): (Metric, Values)| match question.of {
            Of::Cells if metric.of() != Of::Cells => {
                values.spread(metric.of(), n_regions, n_products).array()
            }
            _ => values.array(),
        };
        let (keys, of_metrics): (_, Vec<ArrayRef>) =
            rayon::join(of_keys, || measured.into_par_iter().map(of_metric).collect());
        let columns = keys?.into_iter().chain(of_metrics).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// The pairs of related products of a period.
    fn pairs(&self, period: &Period<'_>) -> Result<RecordBatch, ArrowError> {
        let related = period.relatedness.as_ref();
        let links = related.map_or_else(Vec::new, |found| backbone(found, f64::MIN_POSITIVE));
        let mut columns = self.period_column(period, links.len())?;
        columns.push(labels(&self.products, links.iter().map(|l| place(l.p)).collect())?);
        columns.push(labels(&self.products, links.iter().map(|l| place(l.q)).collect())?);
        columns.push(Arc::new(Float64Array::from_iter_values(links.iter().map(|l| l.value))));
        let mut flags = BooleanBuilder::with_capacity(links.len());
        links.iter().for_each(|l| flags.append_value(l.is_in_tree));
        columns.push(Arc::new(flags.finish()));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
