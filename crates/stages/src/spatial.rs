//! Region-level measures to `spatial.*`: inequality and its parts, and whether neighbours are
//! alike.
//!
//! The rows of a table in a year or episode are a unit of work, as the tests of their neighbours take
//! most of the time. What regions export in all years weighs them in each, so that differences are
//! one unit, which takes what the tests came to.

pub mod convergence;
mod nearby;
mod regions;
pub(super) mod tables;

use self::nearby::Nearby;
use self::regions::{NamedRegion, REGION, REGION_YEAR};
use self::tables::{InequalityColumns, Measure, MeasureColumns, MeasureRow, Region, RegionRow};
use super::context::{Context, Input, Made, Output};
use super::cube::texts;
use super::error::StageError;
use super::rows::{Rows, table};
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use indexmap::IndexSet;
use lake::{Contract, DataFile, Fingerprint};
use project::config;
use project::pipeline::{BoundaryNames, External, GroupColumns, Pipeline};
use project::stage_name::StageName;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sources::reference_tables;
use space::convergence::sigma;
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

    /// The order of the key.
    fn key(&self) -> (&str, &str, &str) {
        (self.table, &self.period, &self.column)
    }

    /// Its regions and their values.
    fn unzipped(&self) -> (Vec<usize>, Vec<f64>) {
        self.values.iter().map(|of| (of.region, of.value)).unzip()
    }
}

/// Whether the neighbours of a measure are alike.
#[derive(Debug, Clone, PartialEq)]
struct Likeness {
    n_with_neighbours: usize,
    moran: Option<Moran>,
}

struct Found<'m> {
    measure: &'m PeriodMeasure,
    mean: f64,
    inequality: InequalityColumns,
    n_groups: usize,
    likeness: Likeness,
    why: Option<&'static str>,
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

impl Stage for Spatial {
    const NAME: StageName = StageName::Spatial;
    const VERSION: u32 = 4;
    const BY_UNITS: bool = true;
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
        let tables = [REGION, REGION_YEAR, convergence::EPISODE]
            .into_iter()
            .chain(MEASURED.map(|(table, _)| table));
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
    let regions = regions::named(context)?;
    let places: BTreeMap<&str, usize> =
        regions.iter().enumerate().map(|(at, region)| (region.code.as_str(), at)).collect();
    let sizes = regions::sizes(context, &places)?;
    let groups = groups(params, context, &regions)?;
    let nearby = params
        .boundaries
        .as_ref()
        .map(|file| Nearby::of(&params.spatial, file, context, &regions))
        .transpose()?;
    if let Some(nearby) = &nearby {
        nearby.warn(&regions, &sizes);
    }
    let hash = nearby.as_ref().map(Nearby::fingerprint).transpose()?;
    let parts = parts(&params.spatial, context, &regions, hash.as_ref())?;
    let differences = differences(context, &parts, &sizes, &groups)?;
    let mut units: Vec<Unit> = parts.iter().map(|part| part.unit.clone()).collect();
    units.push(differences.clone());
    let mut kept = context.all_kept::<PartFiles>(&units)?;
    let of_differences = kept.pop().flatten();
    let all = All { config: &params.spatial, regions: &regions, places, sizes, groups, nearby };
    let needed = if of_differences.is_some() { Needed::Tests } else { Needed::All };
    let made = all.parts(context, &parts, kept, needed)?;
    let measures = match of_differences {
        Some(kept) => kept,
        None => {
            let files = all.differences(&context.named(&differences, None), &made)?;
            context.keep(&differences, files.file.iter().cloned().collect(), &files)?;
            files
        }
    };
    let of_regions = made.into_iter().filter_map(|part| part.files.file).collect();
    let mut output = Output::from([
        (Measure::NAME, Made::Files(measures.file.into_iter().collect())),
        (Region::NAME, Made::Files(of_regions)),
    ]);
    table(&mut output, convergence::rows(context, REGION_YEAR)?)?;
    Ok(output)
}

/// The rows of a table in a year or an episode, as a unit of work.
struct Part {
    table: &'static str,
    /// The columns that tell its periods.
    periods: &'static [&'static str],
    /// The year or episode.
    label: String,
    unit: Unit,
}

/// What is kept of a unit.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PartFiles {
    file: Option<DataFile>,
    /// What the tests of each measure came to, in the order of the key.
    tests: Vec<KeptTest>,
}

/// What the tests of a measure came to, in bits: a number that is read from a text may differ in its
/// last one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeptTest {
    n_with_neighbours: usize,
    /// Index, what is expected by chance, and p-value.
    moran: Option<[u64; 3]>,
}

impl From<&Likeness> for KeptTest {
    fn from(found: &Likeness) -> Self {
        let bits = |of: Moran| [of.index, of.expected, of.p_value].map(f64::to_bits);
        Self { n_with_neighbours: found.n_with_neighbours, moran: found.moran.map(bits) }
    }
}

impl From<&KeptTest> for Likeness {
    fn from(kept: &KeptTest) -> Self {
        let moran = kept.moran.map(|bits| {
            let [index, expected, p_value] = bits.map(f64::from_bits);
            Moran { index, expected, p_value }
        });
        Self { n_with_neighbours: kept.n_with_neighbours, moran }
    }
}

/// What a part made, and its measures where they are needed.
struct MadePart {
    files: PartFiles,
    measures: Vec<PeriodMeasure>,
}

/// Which measures are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    /// Those of parts whose tests are not kept.
    Tests,
    /// All of them.
    All,
}

/// The parts of all tables, in the order of the key. `neighbours` is a hash of who is whose.
fn parts(
    config: &config::Spatial,
    context: &Context<'_>,
    regions: &[NamedRegion],
    neighbours: Option<&Fingerprint>,
) -> Result<Vec<Part>, StageError> {
    let codes: Vec<&str> = regions.iter().map(|region| region.code.as_str()).collect();
    let tests = (config.permutations, config.seed, config.significance.to_bits());
    let mut parts = Vec::new();
    for (table, periods) in MEASURED {
        let mut by_label: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
        for file in regions::files(context, table) {
            by_label.entry(file.unit.clone().unwrap_or_default()).or_default().push(file);
        }
        let mut labels: Vec<(String, Vec<DataFile>)> = by_label.into_iter().collect();
        labels.sort_by_cached_key(|(label, _)| first_period(label, periods));
        for (label, files) in labels {
            // Random numbers begin anew with each measure: they do not depend on its place.
            let unit = Unit::new(format!("{label}: {table}"))
                .of("measured", &(table, periods))?
                .of("tests", &tests)?
                .of("regions", &codes)?
                .of("neighbours", &neighbours)?
                .reading(table, files);
            parts.push(Part { table, periods, label, unit });
        }
    }
    Ok(parts)
}

/// How the texts of the periods of a year or an episode begin.
fn first_period(label: &str, periods: &[&str]) -> String {
    if periods.len() > 1 { format!("{label}{SEPARATOR}") } else { label.to_owned() }
}

/// The differences of all measures as a unit: they depend on what the parts are made from.
fn differences(
    context: &Context<'_>,
    parts: &[Part],
    sizes: &[f64],
    groups: &[usize],
) -> Result<Unit, StageError> {
    let made_from: Vec<Fingerprint> =
        parts.iter().map(|part| context.unit_folder(&part.unit)).collect();
    let sizes: Vec<u64> = sizes.iter().map(|size| size.to_bits()).collect();
    Unit::new("differences").of("parts", &made_from)?.of("sizes", &sizes)?.of("groups", &groups)
}

/// What all parts are looked at with.
struct All<'c> {
    config: &'c config::Spatial,
    regions: &'c [NamedRegion],
    /// The place of each region, by code.
    places: BTreeMap<&'c str, usize>,
    /// Exports of each region, all years.
    sizes: Vec<f64>,
    /// The number of each region's group.
    groups: Vec<usize>,
    nearby: Option<Nearby>,
}

impl All<'_> {
    /// Makes the parts of which nothing is kept, and reads the measures that are needed.
    fn parts(
        &self,
        context: &Context<'_>,
        parts: &[Part],
        kept: Vec<Option<PartFiles>>,
        needed: Needed,
    ) -> Result<Vec<MadePart>, StageError> {
        // What is read is looked at before, one part after the other; then all are made side by side.
        let mut work = Vec::new();
        for (part, kept) in parts.iter().zip(kept) {
            let is_read = kept.is_none() || needed == Needed::All;
            let of_part =
                is_read.then(|| context.of_unit(&part.unit, Some(&part.label))).transpose()?;
            work.push((part, kept, of_part));
        }
        let neighbours = self.nearby.as_ref().map(Nearby::neighbours);
        let make = |(part, kept, of_part): (&Part, Option<PartFiles>, Option<Context<'_>>)|
         -> Result<MadePart, StageError> {
            let measures = match &of_part {
                Some(of_part) => self.measures(part, of_part)?,
                None => Vec::new(),
            };
            let files = match (kept, of_part) {
                (Some(kept), _) => kept,
                (None, None) => PartFiles::default(),
                (None, Some(of_part)) => {
                    let _making = context.making(&part.unit.name);
                    let files = self.tests(&of_part, &measures, neighbours.as_ref())?;
                    context.keep(&part.unit, files.file.iter().cloned().collect(), &files)?;
                    files
                }
            };
            Ok(MadePart { files, measures })
        };
        work.into_par_iter().map(make).collect()
    }

    /// The measures of a part that `context` has, in the order of the key; regions ascend.
    fn measures(
        &self,
        part: &Part,
        context: &Context<'_>,
    ) -> Result<Vec<PeriodMeasure>, StageError> {
        let mut measures = Vec::new();
        for batch in &context.rows(part.table)? {
            measures_of(part.table, part.periods, batch, &self.places, &mut measures)?;
        }
        measures.sort_by(|a, b| a.key().cmp(&b.key()));
        for measure in &mut measures {
            measure.values.sort_by_key(|of| of.region);
        }
        Ok(measures)
    }

    /// Looks whether the neighbours of each measure are alike, and writes the rows of its regions.
    fn tests(
        &self,
        context: &Context<'_>,
        measures: &[PeriodMeasure],
        neighbours: Option<&Neighbours>,
    ) -> Result<PartFiles, StageError> {
        let permutations = Permutations { n: self.config.permutations, seed: self.config.seed };
        let found: Vec<(Likeness, Vec<Option<LocalMoran>>)> = measures
            .par_iter()
            .map(|measure| likeness(measure, neighbours, permutations))
            .collect();
        let mut rows = Rows::<Region>::default();
        for (measure, (_, local)) in measures.iter().zip(&found) {
            region_rows(measure, local, self.regions, self.config.significance, &mut rows);
        }
        Ok(PartFiles {
            file: rows.file(context, FILE)?,
            tests: found.iter().map(|(likeness, _)| likeness.into()).collect(),
        })
    }

    /// Writes how the measures of all parts differ.
    fn differences(
        &self,
        context: &Context<'_>,
        parts: &[MadePart],
    ) -> Result<PartFiles, StageError> {
        let measures = parts.iter().flat_map(|part| part.measures.iter().zip(&part.files.tests));
        let measures: Vec<(&PeriodMeasure, &KeptTest)> = measures.collect();
        let mut found: Vec<Found<'_>> = measures
            .into_par_iter()
            .map(|(measure, test)| self.look_at(measure, test.into()))
            .collect();
        found.sort_by(|a, b| a.measure.key().cmp(&b.measure.key()));
        let mut rows = Rows::<Measure>::default();
        for found in &found {
            rows.push(measure_row(found));
        }
        Ok(PartFiles { file: rows.file(context, FILE)?, tests: Vec::new() })
    }

    /// How a measure differs over space.
    fn look_at<'m>(&self, measure: &'m PeriodMeasure, likeness: Likeness) -> Found<'m> {
        let (regions, values) = measure.unzipped();
        let of_groups: Vec<usize> = regions.iter().map(|&region| self.groups[region]).collect();
        let mut names = of_groups.clone();
        names.sort_unstable();
        names.dedup();
        let why = match &likeness {
            Likeness { moran: Some(_), .. } => None,
            _ if self.nearby.is_none() => Some("no_boundaries"),
            _ if regions.len() < 3 => Some("too_few_regions"),
            Likeness { n_with_neighbours: 0, .. } => Some("no_neighbours"),
            Likeness { .. } => Some("no_spread"),
        };
        let weighted: Vec<f64> = regions.iter().map(|&region| self.sizes[region]).collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of regions")]
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Found {
            mean,
            inequality: inequality(&values, &weighted, &of_groups),
            n_groups: names.len(),
            likeness,
            why,
            measure,
        }
    }
}

/// The name of the file of a unit, of either table.
const FILE: &str = "part-00000.parquet";

/// What stands between the texts of a period.
const SEPARATOR: &str = " / ";

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
        period_of.push(parts.join(SEPARATOR));
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

/// Whether the neighbours of a measure are alike, all together and around each region.
fn likeness(
    measure: &PeriodMeasure,
    neighbours: Option<&Neighbours>,
    permutations: Permutations,
) -> (Likeness, Vec<Option<LocalMoran>>) {
    let (regions, values) = measure.unzipped();
    let Some(near) = neighbours.map(|all| all.select(&regions)) else {
        return (Likeness { n_with_neighbours: 0, moran: None }, vec![None; regions.len()]);
    };
    let n_with_neighbours =
        (0..regions.len()).filter(|&region| !near.of(region).is_empty()).count();
    let moran = moran(&values, &near, permutations);
    (Likeness { n_with_neighbours, moran }, local_moran(&values, &near, permutations))
}

/// Inequality of `values`, regions counting alike and as `weighted` says.
fn inequality(values: &[f64], weighted: &[f64], groups: &[usize]) -> InequalityColumns {
    let alike = vec![1.0; values.len()];
    let parts = theil(values, &alike, groups);
    let parts_weighted = theil(values, weighted, groups);
    InequalityColumns {
        cv: coefficient_of_variation(values, &alike),
        cv_weighted: coefficient_of_variation(values, weighted),
        sd_log: sigma(values),
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

fn measure_row<'m>(found: &Found<'m>) -> MeasureRow<'m> {
    MeasureRow {
        measure: found.measure.columns(),
        n_regions: found.measure.values.len(),
        mean: found.mean,
        inequality: found.inequality.clone(),
        n_groups: found.n_groups,
        n_with_neighbours: found.likeness.n_with_neighbours,
        moran: found.likeness.moran.map(|moran| moran.index),
        moran_expected: found.likeness.moran.map(|moran| moran.expected),
        moran_p_value: found.likeness.moran.map(|moran| moran.p_value),
        moran_null_reason: found.why,
    }
}

/// The rows of a measure's regions; clusters with a p-value of `significance` or less are named.
fn region_rows(
    measure: &PeriodMeasure,
    local: &[Option<LocalMoran>],
    regions: &[NamedRegion],
    significance: f64,
    rows: &mut Rows<Region>,
) {
    for (&RegionValue { region, value }, local) in measure.values.iter().zip(local) {
        let class = |local: LocalMoran| {
            let is_clear = local.p_value <= significance;
            if is_clear { local.cluster.name() } else { "not_significant" }
        };
        rows.push(RegionRow {
            measure: measure.columns(),
            region_code: &regions[region].code,
            value,
            neighbour_mean: local.map(|local| local.lag),
            local_moran: local.map(|local| local.index),
            p_value: local.map(|local| local.p_value),
            lisa_class: local.map(class),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{region, tables, year};
    use super::*;
    use lake::{Lake, TableVersion};
    use project::config::choice::SpatialWeights;
    use query::Memory;
    use tokio::runtime::Runtime;

    tables! {
        /// A region.
        struct NameRow<'a> {
            region_code: Text = region();
            region_name: Text, "", "its name";
        }

        /// Regions.
        table Names(NameRow<'a>) = "trade.region", "a region", ["region_code"],
            NameRow::columns();

        /// What a region exports in a year.
        struct SumRow<'a> {
            year: Int = year();
            region_code: Text = region();
            fob_value: Money, "currency", "exports";
            n_products: Count, "products", "products that it exports";
        }

        /// Sums.
        table Sums(SumRow<'a>) = "trade.region_year", "a sum", ["year", "region_code"],
            SumRow::columns();
    }

    const MEMORY: Memory = Memory { mib: 64, setting: "engine.memory_mib" };

    const REGIONS: [&str; 3] = ["A", "B", "C"];

    /// A lake, and what drives it.
    struct Place {
        lake: Lake,
        runtime: Runtime,
    }

    impl Place {
        fn new() -> Self {
            let lake = Lake::open("memory://").expect("a lake");
            Self { lake, runtime: query::runtime(1).expect("a runtime") }
        }

        fn context(&self, contracts: &[&'static Contract]) -> Context<'_> {
            let draft = |contract: &&'static Contract| {
                let draft = self.lake.draft(contract, "test", &Fingerprint::of(b"test"), "now");
                (contract.table.to_owned(), draft)
            };
            let drafts = contracts.iter().map(draft).collect();
            Context::new(&self.lake, self.runtime.handle().clone(), MEMORY, drafts)
        }

        /// A version of a table with a file for each label.
        fn version<T: Table>(&self, files: Vec<(String, Rows<T>)>) -> TableVersion {
            let context = self.context(&[T::contract()]);
            let mut made = Vec::new();
            for (at, (label, rows)) in files.into_iter().enumerate() {
                let unit = Unit::new(label.as_str()).of("at", &at).expect("a number");
                let of_label = context.named(&unit, Some(&label));
                made.extend(rows.file(&of_label, FILE).expect("written"));
            }
            TableVersion { files: made, ..context.drafts()[T::NAME].clone() }
        }

        /// Regions, and what they export in cents, by year.
        fn tables(&self, years: &[(i32, [i128; 3])]) -> BTreeMap<String, TableVersion> {
            let mut names = Rows::<Names>::default();
            for code in REGIONS {
                names.push(NameRow { region_code: code, region_name: code });
            }
            let of_year = |&(year, cents): &(i32, [i128; 3])| {
                let mut sums = Rows::<Sums>::default();
                for (region_code, cents) in REGIONS.into_iter().zip(cents) {
                    let fob_value = Money::from_hundredths(cents);
                    sums.push(SumRow { year, region_code, fob_value, n_products: 3 });
                }
                (year.to_string(), sums)
            };
            let names = self.version(vec![("all".to_owned(), names)]);
            let sums = self.version(years.iter().map(of_year).collect());
            BTreeMap::from([(REGION.to_owned(), names), (REGION_YEAR.to_owned(), sums)])
        }

        /// The files of both tables, and the units that were made.
        fn run(
            &self,
            current: &BTreeMap<String, TableVersion>,
        ) -> ([Vec<DataFile>; 2], Vec<String>) {
            let spatial = config::Spatial {
                weights: SpatialWeights::Contiguity,
                neighbours: 4,
                band_km: 1000.0,
                group_digits: 1,
                permutations: 9,
                seed: 1,
                significance: 0.05,
            };
            let params = Params { spatial, boundaries: None, groups: None };
            let context =
                self.context(&tables::contracts()).reading(&Spatial::reads(&params), current);
            let mut output = Spatial::run(&params, &context).expect("tables");
            let mut files = |table: &str| match output.remove(table) {
                Some(Made::Files(files)) => files,
                _ => Vec::new(),
            };
            let files = [files(Measure::NAME), files(Region::NAME)];
            let (records, counts, _) = context.take_units();
            for record in records {
                self.runtime.block_on(self.lake.keep_unit(&record)).expect("kept");
            }
            (files, counts.made)
        }
    }

    #[test]
    fn a_year_that_did_not_change_is_not_tested_again() {
        let place = Place::new();
        let years = [(2007, [100, 200, 300]), (2008, [150, 250, 350])];
        let (first, made) = place.run(&place.tables(&years));
        let unit = |year: i32| format!("{year}: {REGION_YEAR}");
        assert_eq!(made, [unit(2007), unit(2008), "differences".to_owned()]);
        let labels: Vec<_> = first[1].iter().map(|file| file.unit.as_deref()).collect();
        assert_eq!(labels, [Some("2007"), Some("2008")]);
        // Two measures of a year, each of three regions; a measure and a year are a row.
        assert_eq!(first[1].iter().map(|file| file.rows).collect::<Vec<_>>(), [6, 6]);
        assert_eq!(first[0].iter().map(|file| file.rows).collect::<Vec<_>>(), [4]);
        assert_eq!(place.run(&place.tables(&years)), (first.clone(), vec![]));

        // What regions export in all years is another sum, by which they are weighted in each.
        let later = [(2007, [100, 200, 300]), (2008, [150, 250, 450])];
        let (second, made) = place.run(&place.tables(&later));
        assert_eq!(made, [unit(2008), "differences".to_owned()]);
        assert_eq!(second[1][0], first[1][0]);
        assert_ne!(second[1][1].hash, first[1][1].hash);
        assert_ne!(second[0], first[0]);
        // They are those of a lake without a history.
        let other = Place::new();
        assert_eq!(other.run(&other.tables(&later)).0, second);

        // A year that is gone takes its rows with it.
        let (third, made) = place.run(&place.tables(&later[1..]));
        assert_eq!(made, ["differences".to_owned()]);
        assert_eq!(third[1], second[1][1..]);
    }

    #[test]
    fn what_is_kept_of_a_test_has_every_bit() {
        let line = vec![
            vec![(1, 1.0)],
            vec![(0, 1.0), (2, 1.0)],
            vec![(1, 1.0), (3, 1.0)],
            vec![(2, 1.0)],
        ];
        let permutations = Permutations { n: 99, seed: 7 };
        let moran = moran(&[0.1, 0.7, 0.33, 2.0 / 3.0], &Neighbours::new(line), permutations);
        assert!(moran.is_some_and(|moran| moran.index.abs() > 0.0));
        for moran in [moran, None] {
            let found = Likeness { n_with_neighbours: 4, moran };
            let text = serde_json::to_string(&KeptTest::from(&found)).expect("written down");
            let kept: KeptTest = serde_json::from_str(&text).expect("read");
            assert_eq!(Likeness::from(&kept), found);
        }
    }

    #[test]
    fn episodes_come_in_the_order_of_their_periods() {
        let mut labels = ["b", "a-2", "a", "a 2"];
        labels.sort_by_cached_key(|label| first_period(label, &["episode", "stage"]));
        assert_eq!(labels, ["a", "a 2", "a-2", "b"]);
        assert_eq!(first_period("2008", &["year"]), "2008");
    }
}
