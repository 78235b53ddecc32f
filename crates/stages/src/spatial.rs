//! Region-level measures to `spatial.*`: inequality and its parts, and whether neighbours are
//! alike.

pub(super) mod tables;

use self::tables::{InequalityColumns, Measure, MeasureColumns, MeasureRow, Region, RegionRow};
use super::context::{Context, Input, Output};
use super::cube::texts;
use super::error::StageError;
use super::rows::{Rows, table};
use super::stage::Stage;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use indexmap::IndexSet;
use lake::Contract;
use project::config;
use project::config::choice::SpatialWeights;
use project::pipeline::{BoundaryNames, External, GroupColumns, Pipeline};
use project::stage_name::StageName;
use rayon::prelude::*;
use serde::Serialize;
use sources::boundaries::{Boundaries, km};
use sources::reference_tables;
use space::spatial::{
    LocalMoran, Moran, Neighbours, Permutations, coefficient_of_variation, gini, local_moran,
    moran, theil,
};
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// Tables of regions whose numbers are looked at, and the columns that tell their periods.
const MEASURED: [(&str, &[&str]); 7] = [
    ("diversification.region_year", &["year"]),
    ("resilience.margins", &["episode", "stage"]),
    ("resilience.region", &["episode", "benchmark"]),
    ("resilience.region_cycle", &["episode"]),
    ("resilience.transformation", &["episode"]),
    ("space.region_year", &["year"]),
    ("trade.region_year", &["year"]),
];

/// A region, by its place, and its value.
#[derive(Clone, Copy)]
struct RegionValue {
    region: usize,
    value: f64,
}

/// A measure in a period.
struct PeriodMeasure {
    table: &'static str,
    column: String,
    period: String,
    values: Vec<RegionValue>,
}

impl PeriodMeasure {
    fn columns(&self) -> MeasureColumns<'_> {
        MeasureColumns { source_table: self.table, measure: &self.column, period: &self.period }
    }
}

struct Found {
    measure: PeriodMeasure,
    mean: f64,
    inequality: InequalityColumns,
    n_groups: usize,
    n_with_neighbours: usize,
    moran: Option<Moran>,
    why: Option<&'static str>,
    local: Vec<Option<LocalMoran>>,
}

/// A region of the data.
struct NamedRegion {
    code: String,
    name: String,
}

/// The stage.
pub(super) struct Spatial;

/// See [`Stage::Params`].
#[derive(Serialize)]
pub(super) struct Params {
    spatial: config::Spatial,
    boundaries: Option<External<BoundaryNames>>,
    groups: Option<External<GroupColumns>>,
}

const REGION: &str = "trade.region";
const REGION_YEAR: &str = "trade.region_year";

impl Stage for Spatial {
    const NAME: StageName = StageName::Spatial;
    const VERSION: u32 = 3;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        Params {
            spatial: pipeline.config.spatial.clone(),
            boundaries: pipeline.boundaries.clone(),
            groups: pipeline.groups.clone(),
        }
    }

    fn reads(params: &Params) -> Vec<Input> {
        // What the pipeline does not make has no differences.
        let tables = [REGION, REGION_YEAR].into_iter().chain(MEASURED.map(|(table, _)| table));
        let tables: BTreeSet<&'static str> = tables.collect();
        let mut inputs: Vec<Input> = tables.into_iter().map(Input::TableIfMade).collect();
        inputs.extend(params.boundaries.iter().map(|table| Input::file(table.file())));
        inputs.extend(params.groups.iter().map(|table| Input::file(table.file())));
        inputs
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        run(params, context)
    }
}

/// Looks at every number of every table of regions.
fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
    let config = &params.spatial;
    let regions = regions(context)?;
    let codes: BTreeMap<&str, usize> =
        regions.iter().enumerate().map(|(at, region)| (region.code.as_str(), at)).collect();
    let sizes = sizes(context, &codes)?;
    let groups = groups(params, context, &regions)?;
    let neighbours = neighbours(params, context, &regions, &sizes)?;
    let mut measures = Vec::new();
    for (name, periods) in MEASURED {
        for batch in &context.rows(name)? {
            measures_of(name, periods, batch, &codes, &mut measures)?;
        }
    }
    measures.sort_by(|a, b| (a.table, &a.column, &a.period).cmp(&(b.table, &b.column, &b.period)));
    let permutations = Permutations { n: config.permutations, seed: config.seed };
    let found: Vec<Found> = measures
        .into_par_iter()
        .map(|measure| look_at(measure, &sizes, &groups, neighbours.as_ref(), permutations))
        .collect();
    let mut by_measure = Rows::<Measure>::default();
    let mut by_region = Rows::<Region>::default();
    for found in &found {
        by_measure.push(measure_row(found));
        region_rows(found, &regions, config.significance, &mut by_region);
    }
    let mut output = Output::new();
    table(&mut output, by_measure)?;
    table(&mut output, by_region)?;
    Ok(output)
}

/// Every region, in order.
fn regions(context: &Context<'_>) -> Result<Vec<NamedRegion>, StageError> {
    let mut regions = Vec::new();
    for batch in &context.rows(REGION)? {
        let (codes, names) = (texts(batch, "region_code")?, texts(batch, "region_name")?);
        let rows = codes.iter().flatten().zip(names.iter().flatten());
        regions.extend(
            rows.map(|(code, name)| NamedRegion { code: code.to_owned(), name: name.to_owned() }),
        );
    }
    Ok(regions)
}

/// Exports of each region, all years.
fn sizes(context: &Context<'_>, codes: &BTreeMap<&str, usize>) -> Result<Vec<f64>, StageError> {
    let mut sums = vec![Money::ZERO; codes.len()];
    for batch in &context.rows(REGION_YEAR)? {
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
fn groups(
    params: &Params,
    context: &Context<'_>,
    regions: &[NamedRegion],
) -> Result<Vec<usize>, StageError> {
    let codes: Vec<&str> = regions.iter().map(|region| region.code.as_str()).collect();
    let table = params.groups.as_ref().map(|table| context.outside(table)).transpose()?;
    let found = reference_tables::groups_of(table, params.spatial.group_digits, &codes)?;
    let mut groups = IndexSet::new();
    Ok(found.into_iter().map(|group| groups.insert_full(group).0).collect())
}

/// Who is whose neighbour, if the pipeline has boundaries; regions export `sizes`.
fn neighbours(
    params: &Params,
    context: &Context<'_>,
    regions: &[NamedRegion],
    sizes: &[f64],
) -> Result<Option<Neighbours>, StageError> {
    let Some(file) = &params.boundaries else { return Ok(None) };
    let (file, config) = (context.outside(file)?, &params.spatial);
    let boundaries = Boundaries::read(&file.path, &file.columns.property)?;
    let shape_of = |NamedRegion { code, name }: &NamedRegion| -> Option<String> {
        let named = file.columns.names.get(code).map(String::as_str);
        let texts = [named, Some(code.as_str()), Some(name.as_str())];
        texts.into_iter().flatten().find(|text| boundaries.has(text)).map(str::to_owned)
    };
    let shapes: Vec<Option<String>> = regions.iter().map(shape_of).collect();
    let without: Vec<&str> = regions
        .iter()
        .zip(&shapes)
        .filter(|(_, shape)| shape.is_none())
        .map(|(region, _)| region.name.as_str())
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
        let of_those = sizes.iter().zip(&shapes).filter(|(_, shape)| shape.is_none());
        let value: f64 = of_those.map(|(size, _)| size).sum();
        let value_share = value / sizes.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        tracing::warn!(
            regions = without.join(", "),
            n = without.len(),
            of = regions.len(),
            value_share,
            "regions without a boundary have no neighbours"
        );
    }
    let names: Vec<Option<&str>> = shapes.iter().map(Option::as_deref).collect();
    Ok(Some(Neighbours::new(weights(config, &boundaries, &names))))
}

/// The neighbours of each region, and what each counts.
fn weights(
    config: &config::Spatial,
    boundaries: &Boundaries,
    names: &[Option<&str>],
) -> Vec<Vec<(usize, f64)>> {
    if config.weights == SpatialWeights::Contiguity {
        return boundaries
            .touching(names)
            .into_iter()
            .map(|near| near.into_iter().map(|other| (other, 1.0)).collect())
            .collect();
    }
    let is_nearest = config.weights == SpatialWeights::Nearest;
    let centres = boundaries.centres(names);
    let of_region = |region: usize| {
        let Some(own) = centres[region] else { return Vec::new() };
        let mut near: Vec<(usize, f64)> = centres
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != region)
            .filter_map(|(other, centre)| Some((other, km(own, (*centre)?))))
            .filter(|(_, distance)| is_nearest || *distance <= config.band_km)
            .collect();
        near.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        if is_nearest {
            near.truncate(config.neighbours);
            near.iter_mut().for_each(|(_, weight)| *weight = 1.0);
        } else {
            // Centres at one place are a metre apart.
            near.iter_mut().for_each(|(_, weight)| *weight = 1.0 / weight.max(0.001));
        }
        near
    };
    (0..names.len()).map(of_region).collect()
}

/// Every number of a batch, by period.
fn measures_of(
    name: &'static str,
    periods: &[&str],
    batch: &RecordBatch,
    codes: &BTreeMap<&str, usize>,
    measures: &mut Vec<PeriodMeasure>,
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
        let mut by_period: BTreeMap<&str, Vec<RegionValue>> = BTreeMap::new();
        for row in (0..batch.num_rows()).filter(|&row| column.is_valid(row)) {
            if let Some(&region) = codes.get(regions.value(row)) {
                let value = value(row);
                by_period.entry(&period_of[row]).or_default().push(RegionValue { region, value });
            }
        }
        for (period, values) in by_period {
            let known = measures.iter_mut().find(|measure| {
                measure.table == name && measure.column == *field.name() && measure.period == period
            });
            match known {
                Some(measure) => measure.values.extend(values),
                None => measures.push(PeriodMeasure {
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
    mut measure: PeriodMeasure,
    sizes: &[f64],
    groups: &[usize],
    neighbours: Option<&Neighbours>,
    permutations: Permutations,
) -> Found {
    measure.values.sort_by_key(|of| of.region);
    let (regions, values): (Vec<usize>, Vec<f64>) =
        measure.values.iter().map(|of| (of.region, of.value)).unzip();
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
    let weighted: Vec<f64> = regions.iter().map(|&region| sizes[region]).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of regions")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Found {
        mean,
        inequality: inequality(&values, &weighted, &of_groups),
        n_groups: names.len(),
        n_with_neighbours,
        moran: index,
        why,
        local: near.map_or_else(
            || vec![None; regions.len()],
            |near| local_moran(&values, &near, permutations),
        ),
        measure,
    }
}

/// Inequality of `values`, regions counting alike and as `weighted` says.
fn inequality(values: &[f64], weighted: &[f64], groups: &[usize]) -> InequalityColumns {
    let alike = vec![1.0; values.len()];
    let parts = theil(values, &alike, groups);
    let parts_weighted = theil(values, weighted, groups);
    InequalityColumns {
        cv: coefficient_of_variation(values, &alike),
        cv_weighted: coefficient_of_variation(values, weighted),
        gini: gini(values, &alike),
        gini_weighted: gini(values, weighted),
        theil: parts.as_ref().map(|parts| parts.total),
        theil_between: parts.as_ref().map(|parts| parts.between),
        theil_within: parts.as_ref().map(|parts| parts.within),
        theil_weighted: parts_weighted.as_ref().map(|parts| parts.total),
        theil_between_weighted: parts_weighted.as_ref().map(|parts| parts.between),
        theil_within_weighted: parts_weighted.as_ref().map(|parts| parts.within),
    }
}

fn measure_row(found: &Found) -> MeasureRow<'_> {
    MeasureRow {
        measure: found.measure.columns(),
        n_regions: found.measure.values.len(),
        mean: found.mean,
        inequality: found.inequality.clone(),
        n_groups: found.n_groups,
        n_with_neighbours: found.n_with_neighbours,
        moran: found.moran.map(|moran| moran.index),
        moran_expected: found.moran.map(|moran| moran.expected),
        moran_p_value: found.moran.map(|moran| moran.p_value),
        moran_null_reason: found.why,
    }
}

/// The rows of a measure's regions; clusters with a p-value of `significance` or less are named.
fn region_rows(found: &Found, regions: &[NamedRegion], significance: f64, rows: &mut Rows<Region>) {
    for (&RegionValue { region, value }, local) in found.measure.values.iter().zip(&found.local) {
        let class = |local: LocalMoran| {
            let is_clear = local.p_value <= significance;
            if is_clear { local.cluster.name() } else { "not_significant" }
        };
        rows.push(RegionRow {
            measure: found.measure.columns(),
            region_code: &regions[region].code,
            value,
            neighbour_mean: local.map(|local| local.lag),
            local_moran: local.map(|local| local.index),
            p_value: local.map(|local| local.p_value),
            lisa_class: local.map(class),
        });
    }
}
