//! Region-level measures to `spatial.*`: inequality and its parts, and whether neighbours are alike.

use super::context::{Input, Output};
use super::cube::texts;
use super::error::StageError;
use super::rows::Rows;
use super::rows::table;
use crate::boundaries::{Boundaries, km};
use crate::config::SpatialWeights;
use crate::external;
use crate::pipeline::Pipeline;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use rayon::prelude::*;
use space::spatial::{
    LocalMoran, Moran, Neighbours, Permutations, coefficient_of_variation, gini, local_moran,
    moran, theil,
};
use std::collections::BTreeMap;
use trade::Money;

/// Tables of regions whose numbers are looked at, and the columns that tell their periods.
pub const MEASURED: [(&str, &[&str]); 7] = [
    ("diversification.region_year", &["year"]),
    ("resilience.margins", &["episode", "stage"]),
    ("resilience.region", &["episode", "benchmark"]),
    ("resilience.region_cycle", &["episode"]),
    ("resilience.transformation", &["episode"]),
    ("space.region_year", &["year"]),
    ("trade.region_year", &["year"]),
];

/// A measure in a period: each region's place and value.
struct Measure {
    table: &'static str,
    column: String,
    period: String,
    values: Vec<(usize, f64)>,
}

struct Found {
    measure: Measure,
    n_groups: usize,
    n_with_neighbours: usize,
    mean: f64,
    cv: [Option<f64>; 2],
    gini: [Option<f64>; 2],
    theil: [Option<[f64; 3]>; 2],
    moran: Option<Moran>,
    why: Option<&'static str>,
    local: Vec<Option<LocalMoran>>,
}

/// Looks at every number of every table of regions.
pub(super) fn run(pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    let config = &pipeline.config.spatial;
    let regions = regions(input)?;
    let codes: BTreeMap<&str, usize> =
        regions.iter().enumerate().map(|(at, (code, _))| (code.as_str(), at)).collect();
    let sizes = sizes(input, &codes)?;
    let groups = groups(pipeline, &regions)?;
    let neighbours = neighbours(pipeline, &regions)?;
    let mut measures = Vec::new();
    for (name, periods) in MEASURED {
        for batch in input.get(name).into_iter().flatten() {
            measures_of(name, periods, batch, &codes, &mut measures)?;
        }
    }
    measures.sort_by(|a, b| (a.table, &a.column, &a.period).cmp(&(b.table, &b.column, &b.period)));
    let permutations = Permutations { n: config.permutations, seed: config.seed };
    let found: Vec<Found> = measures
        .into_par_iter()
        .map(|measure| look_at(measure, &sizes, &groups, neighbours.as_ref(), permutations))
        .collect();
    let (mut by_measure, mut by_region) = (Rows::of("spatial.measure"), Rows::of("spatial.region"));
    for found in &found {
        measure_row(found, &mut by_measure);
        for (&(region, value), local) in found.measure.values.iter().zip(&found.local) {
            let cluster = local.map(|local| {
                let is_clear = local.p_value <= config.significance;
                if is_clear { local.cluster.name() } else { "not_significant" }
            });
            by_region
                .text(found.measure.table)
                .text(&*found.measure.column)
                .text(&*found.measure.period)
                .text(&*regions[region].0)
                .float(value)
                .float(local.map(|local| local.lag))
                .float(local.map(|local| local.index))
                .float(local.map(|local| local.p_value))
                .text(cluster);
        }
    }
    let mut output = Output::new();
    table(&mut output, "spatial.measure", by_measure)?;
    table(&mut output, "spatial.region", by_region)?;
    Ok(output)
}

/// Code and name of every region, in order.
fn regions(input: &Input) -> Result<Vec<(String, String)>, StageError> {
    let mut regions = Vec::new();
    for batch in input.get("trade.region").into_iter().flatten() {
        let (codes, names) = (texts(batch, "region_code")?, texts(batch, "region_name")?);
        let rows = codes.iter().flatten().zip(names.iter().flatten());
        regions.extend(rows.map(|(code, name)| (code.to_owned(), name.to_owned())));
    }
    Ok(regions)
}

/// Exports of each region, all years.
fn sizes(input: &Input, codes: &BTreeMap<&str, usize>) -> Result<Vec<f64>, StageError> {
    let mut sums = vec![Money::ZERO; codes.len()];
    for batch in input.get("trade.region_year").into_iter().flatten() {
        let at = batch.schema().index_of("fob_value")?;
        let values = batch.column(at).as_primitive::<Decimal128Type>();
        for (row, code) in texts(batch, "region_code")?.iter().flatten().enumerate() {
            if let Some(&region) = codes.get(code) {
                sums[region] += Money::from_hundredths(values.value(row));
            }
        }
    }
    Ok(sums.into_iter().map(|sum| sum.to_f64().max(0.0)).collect())
}

/// The number of each region's group.
fn groups(pipeline: &Pipeline, regions: &[(String, String)]) -> Result<Vec<usize>, StageError> {
    let codes: Vec<&str> = regions.iter().map(|(code, _)| code.as_str()).collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let number = |group: String| {
        let next = numbers.len();
        *numbers.entry(group).or_insert(next)
    };
    Ok(external::groups_of(pipeline, &codes)?.into_iter().map(number).collect())
}

/// Who is whose neighbour, if the pipeline has boundaries.
fn neighbours(
    pipeline: &Pipeline,
    regions: &[(String, String)],
) -> Result<Option<Neighbours>, StageError> {
    let Some(file) = &pipeline.boundaries else { return Ok(None) };
    let config = &pipeline.config.spatial;
    let boundaries = Boundaries::read(&file.path, &file.columns.property)?;
    let shape_of = |(code, name): &(String, String)| -> Option<String> {
        let named = file.columns.names.get(code).map(String::as_str);
        let texts = [named, Some(code.as_str()), Some(name.as_str())];
        texts.into_iter().flatten().find(|text| boundaries.has(text)).map(str::to_owned)
    };
    let shapes: Vec<Option<String>> = regions.iter().map(shape_of).collect();
    let without: Vec<&str> = regions
        .iter()
        .zip(&shapes)
        .filter(|(_, shape)| shape.is_none())
        .map(|((_, name), _)| name.as_str())
        .collect();
    if without.len() == regions.len() {
        let some: Vec<&str> = boundaries.names().take(5).collect();
        return Err(StageError::Data(format!(
            "no region has a boundary: the property `{}` of `{}` holds {} and others, the regions are {} and others; \
             say which is which in `boundaries.names` of the pipeline",
            file.columns.property,
            file.path.display(),
            some.join(", "),
            without[..without.len().min(5)].join(", ")
        )));
    }
    if !without.is_empty() {
        tracing::warn!(
            regions = without.join(", "),
            "regions without a boundary have no neighbours"
        );
    }
    let names: Vec<Option<&str>> = shapes.iter().map(Option::as_deref).collect();
    let rows = match config.kind().map_err(StageError::Data)? {
        SpatialWeights::Contiguity => boundaries
            .touching(&names)
            .into_iter()
            .map(|near| near.into_iter().map(|other| (other, 1.0)).collect())
            .collect(),
        kind => {
            let centres = boundaries.centres(&names);
            (0..regions.len())
                .map(|region| {
                    let Some(own) = centres[region] else { return Vec::new() };
                    let mut near: Vec<(usize, f64)> = centres
                        .iter()
                        .enumerate()
                        .filter(|(other, _)| *other != region)
                        .filter_map(|(other, centre)| Some((other, km(own, (*centre)?))))
                        .filter(|(_, distance)| {
                            kind == SpatialWeights::Nearest || *distance <= config.band_km
                        })
                        .collect();
                    near.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
                    if kind == SpatialWeights::Nearest {
                        near.truncate(config.neighbours);
                        near.iter_mut().for_each(|(_, weight)| *weight = 1.0);
                    } else {
                        // Centres at one place are a metre apart.
                        near.iter_mut().for_each(|(_, weight)| *weight = 1.0 / weight.max(0.001));
                    }
                    near
                })
                .collect()
        }
    };
    Ok(Some(Neighbours::new(rows)))
}

/// Every number of a batch, by period.
fn measures_of(
    name: &'static str,
    periods: &[&str],
    batch: &RecordBatch,
    codes: &BTreeMap<&str, usize>,
    measures: &mut Vec<Measure>,
) -> Result<(), StageError> {
    let schema = batch.schema();
    let keys: Vec<usize> =
        periods.iter().map(|key| schema.index_of(key)).collect::<Result<_, _>>()?;
    let regions = texts(batch, "region_code")?;
    let mut period_of = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let parts: Vec<String> = keys
            .iter()
            .map(|&at| array_value_to_string(batch.column(at), row))
            .collect::<Result<_, _>>()?;
        period_of.push(parts.join(" / "));
    }
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        // Ends of intervals are no measures.
        if field.name().ends_with("_low") || field.name().ends_with("_high") {
            continue;
        }
        let value: Box<dyn Fn(usize) -> f64> = match field.data_type() {
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>();
                Box::new(|row| values.value(row))
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of products")]
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>();
                Box::new(|row| values.value(row) as f64)
            }
            DataType::Decimal128(_, _) => {
                let values = column.as_primitive::<Decimal128Type>();
                Box::new(|row| Money::from_hundredths(values.value(row)).to_f64())
            }
            _ => continue,
        };
        let mut by_period: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
        for row in (0..batch.num_rows()).filter(|&row| column.is_valid(row)) {
            if let Some(&region) = codes.get(regions.value(row)) {
                by_period.entry(&period_of[row]).or_default().push((region, value(row)));
            }
        }
        for (period, values) in by_period {
            let known = measures.iter_mut().find(|measure| {
                measure.table == name && measure.column == *field.name() && measure.period == period
            });
            match known {
                Some(measure) => measure.values.extend(values),
                None => measures.push(Measure {
                    table: name,
                    column: field.name().clone(),
                    period: period.to_owned(),
                    values,
                }),
            }
        }
    }
    Ok(())
}

fn look_at(
    mut measure: Measure,
    sizes: &[f64],
    groups: &[usize],
    neighbours: Option<&Neighbours>,
    permutations: Permutations,
) -> Found {
    measure.values.sort_by_key(|(region, _)| *region);
    let (regions, values): (Vec<usize>, Vec<f64>) = measure.values.iter().copied().unzip();
    let alike = vec![1.0; regions.len()];
    let weighted: Vec<f64> = regions.iter().map(|&region| sizes[region]).collect();
    let of_groups: Vec<usize> = regions.iter().map(|&region| groups[region]).collect();
    let mut names = of_groups.clone();
    names.sort_unstable();
    names.dedup();
    let near = neighbours.map(|all| all.select(&regions));
    let n_with_neighbours = near
        .as_ref()
        .map_or(0, |near| (0..regions.len()).filter(|&region| !near.of(region).is_empty()).count());
    let index = near.as_ref().and_then(|near| moran(&values, near, permutations));
    let why = match (&near, &index) {
        (_, Some(_)) => None,
        (None, None) => Some("no_boundaries"),
        (Some(_), None) if regions.len() < 3 => Some("too_few_regions"),
        (Some(_), None) if n_with_neighbours == 0 => Some("no_neighbours"),
        (Some(_), None) => Some("no_spread"),
    };
    let parts = |weights: &[f64]| {
        theil(&values, weights, &of_groups).map(|parts| [parts.total, parts.between, parts.within])
    };
    #[expect(clippy::cast_precision_loss, reason = "a count of regions")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Found {
        n_groups: names.len(),
        n_with_neighbours,
        mean,
        cv: [&alike, &weighted].map(|w| coefficient_of_variation(&values, w)),
        gini: [&alike, &weighted].map(|w| gini(&values, w)),
        theil: [parts(&alike), parts(&weighted)],
        moran: index,
        why,
        local: near.map_or_else(
            || vec![None; regions.len()],
            |near| local_moran(&values, &near, permutations),
        ),
        measure,
    }
}

fn measure_row(found: &Found, rows: &mut Rows) {
    rows.text(found.measure.table)
        .text(&*found.measure.column)
        .text(&*found.measure.period)
        .count(found.measure.values.len())
        .float(found.mean);
    for value in found.cv.into_iter().chain(found.gini) {
        rows.float(value);
    }
    for parts in found.theil {
        for at in 0..3 {
            rows.float(parts.map(|parts| parts[at]));
        }
    }
    rows.count(found.n_groups)
        .count(found.n_with_neighbours)
        .float(found.moran.map(|moran| moran.index))
        .float(found.moran.map(|moran| moran.expected))
        .float(found.moran.map(|moran| moran.p_value))
        .text(found.why);
}
