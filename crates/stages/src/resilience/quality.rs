//! Rows of unit values and quality before and after, where records have quantities.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::rows::Rows;
use super::episode::EpisodeParams;
use super::tables::{UnitValue, UnitValueRow};
use ::resilience::{Quality, QualityParams, quality};
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use lake::DataFile;
use project::config::Episode;
use std::collections::BTreeMap;
use trade::Money;

pub(super) const TABLE: &str = "trade.region_product_year_quantity";

/// A product in a unit of measure.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Measured {
    product: String,
    unit: String,
}

/// Sums of what records have.
#[derive(Clone, Copy, Default)]
struct Sums {
    quantity: f64,
    value: Money,
}

/// By what is measured, and by region, the sums before and after.
type Observed = BTreeMap<Measured, BTreeMap<String, [Sums; 2]>>;

/// What a row is of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cell<'a> {
    region: &'a str,
    product: &'a str,
    unit: &'a str,
}

/// The files that the rows of an episode in years are made from: those of its years, and those that
/// do not say of which year they are.
pub(super) fn files(context: &Context<'_>, episode: &Episode) -> Result<Vec<DataFile>, StageError> {
    let mut files = context.files_of(TABLE)?;
    files.retain(|file| {
        let year = file.unit.as_deref().and_then(|unit| unit.parse::<i32>().ok());
        let is_read = |year: i32| {
            let mut periods = episode.base.iter().chain([&episode.transformation]);
            periods.any(|period| period.place == year)
        };
        file.rows > 0 && year.is_none_or(is_read)
    });
    Ok(files)
}

/// The rows of an episode in years, of the files that `context` has.
pub(super) fn rows(
    context: &Context<'_>,
    asked: &EpisodeParams<'_>,
    episode: &Episode,
) -> Result<Rows<UnitValue>, StageError> {
    let observed = read(context, episode)?;
    let params = QualityParams {
        sigma: asked.config.quality_sigma,
        trimmed_share: asked.config.winsorized_share,
    };
    let mut found: BTreeMap<Cell<'_>, [Option<Quality>; 2]> = BTreeMap::new();
    for (Measured { product, unit }, regions) in &observed {
        let measured = [0, 1].map(|at| {
            let pair = |sums: &[Sums; 2]| (sums[at].quantity, sums[at].value.to_f64());
            let pairs: Vec<(f64, f64)> = regions.values().map(pair).collect();
            quality(&pairs, params)
        });
        for (at, region) in regions.keys().enumerate() {
            let cell = Cell { region, product, unit };
            found.insert(cell, [measured[0][at], measured[1][at]]);
        }
    }
    let mut rows = Rows::<UnitValue>::default();
    let base = episode.base.first().map_or(0, |period| period.year());
    for (Cell { region, product, unit }, [before, after]) in found {
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
        rows.push(UnitValueRow {
            episode: &episode.name,
            region_code: region,
            product,
            quantity_unit: unit,
            unit_value_before: before.map(|of| of.unit_value),
            unit_value_after: after.map(|of| of.unit_value),
            relative_before: relative[0],
            relative_after: relative[1],
            relative_change: change(relative, |before, after| (after / before).ln()),
            quality_before: level[0],
            quality_after: level[1],
            quality_change: change(level, |before, after| after - before),
            null_reason: why,
        });
    }
    Ok(rows)
}

fn read(context: &Context<'_>, episode: &Episode) -> Result<Observed, StageError> {
    let mut observed = Observed::new();
    let columns = ["year", "region_code", "product", "quantity_unit", "quantity", "fob_value"];
    for file in &context.files_of(TABLE)? {
        context.each_coded(TABLE, file, &columns, |batch| {
            let schema = batch.schema();
            let column = |name: &str| Ok::<_, StageError>(batch.column(schema.index_of(name)?));
            let years = column("year")?.as_primitive::<Int32Type>().values();
            let quantities = column("quantity")?.as_primitive::<Float64Type>().values();
            let values = column("fob_value")?.as_primitive::<Decimal128Type>().values();
            let texts = ["region_code", "product", "quantity_unit"];
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
                let measured = Measured { product: text(1), unit: text(2) };
                let of_regions = observed.entry(measured).or_default();
                let sums = of_regions.entry(text(0)).or_default();
                let sum = &mut sums[usize::from(is_after)];
                sum.quantity += quantities[row];
                sum.value += Money::from_hundredths(values[row]);
            }
            Ok(())
        })?;
    }
    Ok(observed)
}
