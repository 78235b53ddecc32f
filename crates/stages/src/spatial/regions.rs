//! The regions of the data, and what they export in all.

use super::super::context::Context;
use super::super::cube::texts;
use super::super::error::StageError;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use lake::DataFile;
use std::collections::BTreeMap;
use trade::Money;

pub(super) const REGION: &str = "trade.region";
pub(super) const REGION_YEAR: &str = "trade.region_year";

/// A region of the data.
pub(super) struct NamedRegion {
    pub(super) code: String,
    pub(super) name: String,
}

/// The files of an input that have rows; none of a table that the pipeline does not make.
pub(super) fn files(context: &Context<'_>, table: &str) -> Vec<DataFile> {
    let versions = context.input_versions().filter(|version| version.table == table);
    versions.flat_map(|version| &version.files).filter(|file| file.rows > 0).cloned().collect()
}

/// All rows of an input, whose files are looked at before.
fn rows(context: &Context<'_>, table: &str) -> Result<Vec<RecordBatch>, StageError> {
    let files = files(context, table);
    if files.is_empty() {
        return Ok(Vec::new());
    }
    context.part(table, &files)?.rows(table)
}

/// Every region, in order.
pub(super) fn named(context: &Context<'_>) -> Result<Vec<NamedRegion>, StageError> {
    let mut regions = Vec::new();
    for batch in &rows(context, REGION)? {
        let (codes, names) = (texts(batch, "region_code")?, texts(batch, "region_name")?);
        let rows = codes.iter().flatten().zip(names.iter().flatten());
        regions.extend(
            rows.map(|(code, name)| NamedRegion { code: code.to_owned(), name: name.to_owned() }),
        );
    }
    Ok(regions)
}

/// Exports of each region, all years. `places` are those of the regions, by code.
pub(super) fn sizes(
    context: &Context<'_>,
    places: &BTreeMap<&str, usize>,
) -> Result<Vec<f64>, StageError> {
    let mut sums = vec![Money::ZERO; places.len()];
    for batch in &rows(context, REGION_YEAR)? {
        let at = batch.schema().index_of("fob_value")?;
        let values = batch.column(at).as_primitive::<Decimal128Type>();
        for (row, code) in texts(batch, "region_code")?.iter().flatten().enumerate() {
            if let Some(&region) = places.get(code) {
                sums[region] += Money::from_hundredths(values.value(row));
            }
        }
    }
    Ok(sums.into_iter().map(|sum| sum.to_f64().max(0.0)).collect())
}
