//! Rows of unit values and quality before and after, where records have quantities.

use super::super::context::Files;
use super::super::error::StageError;
use super::super::rows::LongTable;
use super::super::rows::Rows;
use super::episode::Asked;
use crate::config::Episode;
use ::resilience::{Quality, QualityParams, quality};
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use std::collections::BTreeMap;
use trade::{Frequency, Money};

const TABLE: &str = "trade.region_product_year_quantity";

/// Product and unit of measure, and by region the sums of quantity and value before and after.
type Observed = BTreeMap<(String, String), BTreeMap<String, [(f64, Money); 2]>>;

/// Adds the rows of an episode in years.
pub(super) fn rows(
    files: &Files<'_>,
    asked: &Asked<'_>,
    episode: &Episode,
    long: &mut LongTable<'_>,
) -> Result<(), StageError> {
    if episode.frequency() != Frequency::Year {
        return Ok(());
    }
    let observed = read(files, episode)?;
    let params = QualityParams {
        sigma: asked.config.quality_sigma,
        trimmed_share: asked.config.winsorized_share,
    };
    let mut found: BTreeMap<(&str, &str, &str), [Option<Quality>; 2]> = BTreeMap::new();
    for ((product, unit), regions) in &observed {
        let measured = [0, 1].map(|at| {
            let pairs: Vec<(f64, f64)> =
                regions.values().map(|of| (of[at].0, of[at].1.to_f64())).collect();
            quality(&pairs, params)
        });
        for (at, region) in regions.keys().enumerate() {
            found.insert((region, product, unit), [measured[0][at], measured[1][at]]);
        }
    }
    let mut rows = Rows::of("resilience.unit_value");
    let base = episode.base.first().map_or(0, |period| period.year());
    for ((region, product, unit), [before, after]) in found {
        let has_changed = asked.has_changed(region, base, episode.transformation.year());
        let why = match (before, after) {
            _ if has_changed => Some("region_changed"),
            (None, _) => Some("no_quantity_before"),
            (_, None) => Some("no_quantity_after"),
            (Some(before), Some(after)) => {
                let is_compared = before.relative.is_some() && after.relative.is_some();
                (!is_compared).then_some("outlier_or_alone")
            }
        };
        let pair = [before, after];
        let relative = pair.map(|of| of.and_then(|of| of.relative));
        let level = pair.map(|of| of.and_then(|of| of.quality));
        let is_whole = why.is_none();
        let change = |of: [Option<f64>; 2], change: fn(f64, f64) -> f64| {
            of[0].zip(of[1]).filter(|_| is_whole).map(|(before, after)| change(before, after))
        };
        rows.text(&*episode.name).text(region).text(product).text(unit);
        pair.iter().for_each(|of| {
            rows.float(of.map(|of| of.unit_value));
        });
        rows.float(relative[0])
            .float(relative[1])
            .float(change(relative, |before, after| (after / before).ln()))
            .float(level[0])
            .float(level[1])
            .float(change(level, |before, after| after - before))
            .text(why);
    }
    long.add(rows)
}

fn read(files: &Files<'_>, episode: &Episode) -> Result<Observed, StageError> {
    let mut observed = Observed::new();
    let columns = ["year", "region_code", "hs6", "quantity_unit", "quantity", "fob_value"];
    for file in &files.files_of(TABLE)? {
        files.each_coded(TABLE, file, &columns, |batch| {
            let schema = batch.schema();
            let column = |name: &str| Ok::<_, StageError>(batch.column(schema.index_of(name)?));
            let years = column("year")?.as_primitive::<Int32Type>().values();
            let quantities = column("quantity")?.as_primitive::<Float64Type>().values();
            let values = column("fob_value")?.as_primitive::<Decimal128Type>().values();
            let texts = ["region_code", "hs6", "quantity_unit"];
            let texts: Vec<_> = texts
                .iter()
                .map(|name| Ok(column(name)?.as_dictionary::<Int32Type>()))
                .collect::<Result<_, StageError>>()?;
            for row in 0..batch.num_rows() {
                let is_base = episode.base.iter().any(|period| period.place == years[row]);
                let is_after = episode.transformation.place == years[row];
                if !(is_base || is_after) {
                    continue;
                }
                let text = |at: usize| {
                    let key = texts[at].key(row).unwrap_or(0);
                    texts[at].values().as_string::<i32>().value(key).to_owned()
                };
                let of_product = observed.entry((text(1), text(2))).or_default();
                let sums = of_product.entry(text(0)).or_default();
                let sum = &mut sums[usize::from(is_after)];
                sum.0 += quantities[row];
                sum.1 += Money::from_hundredths(values[row]);
            }
            Ok(())
        })?;
    }
    Ok(observed)
}
