//! What is counted of the rows of an export before they are written: for codebooks, and for forms
//! that must know how large values are.

use super::error::ExportError;
use super::rows::{Exported, Opened, Origin, PRODUCT};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// What a codebook says of a variable.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) n: u64,
    pub(super) n_missing: u64,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) mean: f64,
    squares: f64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) texts: BTreeSet<String>,
    pub(super) longest: usize,
}

/// Different texts of a column beyond which they are not listed.
pub(super) const MANY_TEXTS: usize = 200;

impl Counted {
    fn add(&mut self, value: f64) {
        self.n += 1;
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
        let n = self.n as f64;
        // Welford's sums: means far from zero do not swallow the spread.
        let gap = value - self.mean;
        self.mean += gap / n;
        self.squares += gap * (value - self.mean);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
    }

    fn add_text(&mut self, text: &str) {
        self.n += 1;
        self.longest = self.longest.max(text.len());
        if self.texts.len() <= MANY_TEXTS && !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
    }

    /// The standard deviation; none of fewer than two numbers.
    pub(super) fn sd(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
        let n = self.n as f64;
        (self.n > 1).then(|| (self.squares / (n - 1.0)).sqrt())
    }

    /// How far from zero a value is at most.
    pub(super) fn largest(&self) -> f64 {
        self.max.unwrap_or(0.0).abs().max(self.min.unwrap_or(0.0).abs())
    }
}

/// The column that says why `name` is null: that of the longest beginning of its name, or of the shares.
fn reason_of(name: &str, columns: &[String]) -> Option<usize> {
    let of_prefix = columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some((column.strip_suffix("_null_reason")?, at)))
        .filter(|(prefix, _)| name != format!("{prefix}_null_reason"))
        .filter(|(prefix, _)| {
            name.starts_with(prefix) || (*prefix == "shares" && name.ends_with("_share"))
        })
        .max_by_key(|(prefix, _)| prefix.len());
    of_prefix.map(|(_, at)| at)
}

/// Whether values of a type are numbers, or counted as such.
pub(super) fn is_number(data: &DataType) -> bool {
    match data {
        DataType::Dictionary(_, of) => is_number(of),
        data => data.is_numeric() || *data == DataType::Boolean,
    }
}

/// A column as doubles where it has numbers or flags, or else as texts; none where it has neither.
fn plain(column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    let data = column.data_type();
    let kind = if is_number(data) { DataType::Float64 } else { DataType::Utf8 };
    can_cast_types(data, &kind).then(|| cast(column, &kind)).transpose()
}

/// Counts the values of a column; `reasons` says why they are null.
fn count(
    variable: &mut Counted,
    column: &ArrayRef,
    reasons: Option<&ArrayRef>,
) -> Result<(), ArrowError> {
    let plain = plain(column)?;
    let texts = plain.as_ref().and_then(|plain| plain.as_string_opt::<i32>());
    let numbers = plain.as_ref().and_then(|plain| plain.as_primitive_opt::<Float64Type>());
    let reasons = reasons.and_then(|reasons| reasons.as_string_opt::<i32>());
    let nulls = plain.as_ref().unwrap_or(column);
    for row in 0..column.len() {
        match (texts, numbers) {
            _ if nulls.is_null(row) => {
                variable.n_missing += 1;
                let reason = reasons
                    .filter(|reasons| reasons.is_valid(row))
                    .map_or("", |reasons| reasons.value(row));
                match variable.reasons.get_mut(reason) {
                    Some(n) => *n += 1,
                    None => {
                        variable.reasons.insert(reason.to_owned(), 1);
                    }
                }
            }
            (Some(texts), _) => variable.add_text(texts.value(row)),
            (None, Some(numbers)) => variable.add(numbers.value(row)),
            (None, None) => variable.n += 1,
        }
    }
    Ok(())
}

/// Reads the rows once and counts: how many there are, and what the values of each column are.
///
/// # Errors
///
/// [`ExportError`] if they cannot be read.
pub(super) fn examine(
    runtime: &Runtime,
    opened: &Opened,
) -> Result<(u64, Vec<Counted>), ExportError> {
    let names: Vec<String> =
        opened.exported.columns.iter().map(|column| column.name.clone()).collect();
    let reasons: Vec<Option<usize>> = names.iter().map(|name| reason_of(name, &names)).collect();
    let mut found: Vec<Counted> = names.iter().map(|_| Counted::default()).collect();
    let mut n_rows = 0;
    for batch in opened.rows(runtime)? {
        let batch: RecordBatch = batch?;
        n_rows += batch.num_rows() as u64;
        for ((variable, column), reason) in found.iter_mut().zip(batch.columns()).zip(&reasons) {
            count(variable, column, reason.map(|at| batch.column(at)))?;
        }
    }
    Ok((n_rows, found))
}

/// Whether the texts of the column at `at` are categories to be labelled, and not codes.
pub(super) fn is_labelled(exported: &Exported, at: usize, variable: &Counted) -> bool {
    let Some(column) = exported.columns.get(at) else { return false };
    let codes = [PRODUCT, "product_subgroup", "product_group", "hs2", "hs4", "hs6", "region_code"];
    let is_code = codes.contains(&column.name.as_str());
    let is_key = exported.key.contains(&column.name) && column.name != "episode";
    exported.origin != Origin::Query
        && column.is_text()
        && !is_code
        && !is_key
        && variable.texts.len() <= MANY_TEXTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Decimal128Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_null_is_explained_by_the_column_of_its_measure() {
        let columns = [
            "resistance",
            "resistance_dhs",
            "resistance_null_reason",
            "foreign_share",
            "shares_null_reason",
        ];
        let columns = columns.map(str::to_owned);
        assert_eq!(reason_of("resistance_dhs", &columns), Some(2));
        assert_eq!(reason_of("foreign_share", &columns), Some(4));
        assert_eq!(reason_of("resistance_null_reason", &columns), None);
    }

    #[test]
    fn values_of_every_type_are_counted() {
        let tenths = Decimal128Array::from(vec![Some(15), None, Some(-25)]);
        let tenths = tenths.with_precision_and_scale(10, 1).expect("tenths");
        let reasons: ArrayRef = Arc::new(StringArray::from(vec![None, Some("no_base"), None]));
        let mut found = Counted::default();
        count(&mut found, &(Arc::new(tenths) as ArrayRef), Some(&reasons)).expect("numbers");
        assert_eq!((found.n, found.n_missing, found.largest()), (2, 1, 2.5));
        assert_eq!(found.reasons, BTreeMap::from([("no_base".to_owned(), 1)]));
        let mut found = Counted::default();
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), Some(1), None]));
        count(&mut found, &days, None).expect("dates");
        assert_eq!(found.texts, ["1970-01-01", "1970-01-02"].map(str::to_owned).into());
        assert_eq!((found.n_missing, found.max), (1, None));
    }
}
