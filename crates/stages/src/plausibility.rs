//! `trade.*` to `trade.findings`: what looks misread in the sums. Each finding is a warning, and
//! stops the run where its share of the value is above the config's limit.
//!
//! What is looked for is seen in all years together. So the work is one unit, but what labels come to
//! in a year is kept (`year_sums`), and nearly all is seen from that.

mod tables;
mod year_sums;

use self::tables::{FindingRow, FindingTable};
use self::year_sums::SummedTable;
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, texts};
use super::error::StageError;
use super::rows::Rows;
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use lake::{Contract, DataFile, TableVersion};
use project::config;
use project::pipeline::Pipeline;
use project::stage_name::StageName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;
use trade::plausibility::{Axis, Dimension, Finding, Kind, Part, RowCounts};

const REGION: &str = "trade.region";
const PRODUCT: &str = "trade.product";
const DESTINATIONS: &str = "trade.region_product_year_destination";
const CONVERSION: &str = "trade.conversion";
const RECONCILIATION: &str = "customs.reconciliation";

/// Rows that two files have at the least before they are taken for one.
const FEW_ROWS: i64 = 10;

/// Codes that a revision does not have, below which they are no sign of another revision.
const FEW_CODES: usize = 10;

/// Codes that a message names.
const EXAMPLES: usize = 3;

/// The stage.
pub(super) struct Plausibility;

/// See [`Stage::Params`].
#[derive(Serialize)]
pub(super) struct Params {
    plausibility: config::Plausibility,
    /// Whether products are of HS, whose codes are known.
    is_hs: bool,
    /// Whether a layout has products of two or four digits, which stand for what is below them.
    has_headings: bool,
}

impl Stage for Plausibility {
    const NAME: StageName = StageName::Plausibility;
    const VERSION: u32 = 4;
    const BY_UNITS: bool = true;
    type Params = Params;

    /// Nobody has to ask for it.
    fn is_asked(pipeline: &Pipeline) -> bool {
        [Self::NAME, StageName::Aggregate].iter().any(|stage| pipeline.stages.contains(stage))
    }

    fn params(pipeline: &Pipeline) -> Params {
        let is_hs = pipeline.classification().is_hs();
        let digits = || {
            let formats = pipeline.sources.iter().map(|source| &source.layout.layout.product);
            formats.filter(|_| is_hs).filter_map(|format| format.digits)
        };
        Params {
            is_hs,
            plausibility: pipeline.config.plausibility.clone(),
            has_headings: digits().any(|n| n < 6),
        }
    }

    fn reads(_params: &Params) -> Vec<Input> {
        let mut inputs = Input::tables(&[REGION, PRODUCT, CELLS, DESTINATIONS, CONVERSION]);
        inputs.push(Input::TableIfMade(RECONCILIATION));
        inputs
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let whole = whole(params, context)?;
        let made = match context.kept::<FindingFile>(&whole)? {
            Some(kept) => kept,
            None => {
                let file = rows(params, context)?.file(&context.named(&whole, None), FILE)?;
                let made = FindingFile { file };
                context.keep(&whole, made.file.iter().cloned().collect(), &made)?;
                made
            }
        };
        Ok(Output::from([(FindingTable::NAME, Made::Files(made.file.into_iter().collect()))]))
    }
}

/// The name of the file.
const FILE: &str = "part-00000.parquet";

/// The file of what was found, if something was.
#[derive(Serialize, Deserialize)]
struct FindingFile {
    file: Option<DataFile>,
}

/// All of the work: it reads all inputs.
fn whole(params: &Params, context: &Context<'_>) -> Result<Unit, StageError> {
    let unit = Unit::new("findings").of("params", params)?;
    let read = |unit: Unit, version: &TableVersion| {
        unit.reading(&version.table, version.files.iter().cloned())
    };
    Ok(context.input_versions().fold(unit, read))
}

/// All rows of an input, whose files are looked at before; none of a table that is not made.
fn read(context: &Context<'_>, table: &str) -> Result<Vec<RecordBatch>, StageError> {
    let versions = context.input_versions().filter(|version| version.table == table);
    let files: Vec<DataFile> = versions.flat_map(|version| &version.files).cloned().collect();
    if files.is_empty() { Ok(Vec::new()) } else { context.part(table, &files)?.rows(table) }
}

/// Looks at the tables; says what is found.
fn rows(params: &Params, context: &Context<'_>) -> Result<Rows<FindingTable>, StageError> {
    let found = found(params, context)?;
    for finding in &found {
        let Finding { n, value, share, .. } = finding;
        tracing::warn!(n, value, share, "{finding}");
    }
    let limits = Limits(&params.plausibility);
    let mut rows = Rows::<FindingTable>::default();
    for (at, finding) in found.iter().enumerate() {
        limits.hold(finding)?;
        rows.push(FindingRow {
            finding: i32::try_from(at + 1).unwrap_or(i32::MAX),
            kind: finding.kind.name(),
            dimension: finding.dimension.name(),
            name: &finding.name,
            n: finding.n,
            value: has_value(finding).then_some(finding.value),
            share: has_value(finding).then_some(finding.share),
            limit_share: limits.of(finding.kind).map(|(_, limit)| limit),
            note: &finding.to_string(),
        });
    }
    Ok(rows)
}

fn has_value(finding: &Finding) -> bool {
    finding.kind != Kind::AllZero
}

/// Whether a finding is of too few codes to tell that another revision is meant.
fn is_few(finding: &Finding) -> bool {
    finding.kind == Kind::UnlistedProducts && finding.n < FEW_CODES
}

/// The shares above which a run stops.
struct Limits<'a>(&'a config::Plausibility);

impl Limits<'_> {
    /// The key and value of a kind's limit.
    fn of(&self, kind: Kind) -> Option<(&'static str, f64)> {
        match kind {
            Kind::TotalAmongParts | Kind::TotalByName => {
                Some(("max_total_share", self.0.max_total_share))
            }
            Kind::NestedLevels => Some(("max_nested_share", self.0.max_nested_share)),
            Kind::UnlistedProducts => {
                Some(("max_unknown_product_share", self.0.max_unknown_product_share))
            }
            Kind::MixedLengths => Some(("max_mixed_length_share", self.0.max_mixed_length_share)),
            Kind::RepeatedRows => Some(("max_repeated_share", self.0.max_repeated_share)),
            Kind::AllZero | Kind::FilesAlike => None,
        }
    }

    fn hold(&self, finding: &Finding) -> Result<(), StageError> {
        match self.of(finding.kind) {
            Some((key, limit)) if finding.share > limit && !is_few(finding) => {
                Err(StageError::Implausible {
                    finding: finding.to_string(),
                    share: finding.share,
                    key,
                    limit,
                })
            }
            _ => Ok(()),
        }
    }
}

/// All that is found, in order.
fn found(params: &Params, context: &Context<'_>) -> Result<Vec<Finding>, StageError> {
    let mut found = Vec::new();
    if let Some(sums) = SummedTable::of(context, CELLS, "product")? {
        let names = region_names(context, &sums.regions)?;
        let regions = Axis::new(Dimension::Region, &sums.regions).named(&names);
        let products = Axis::new(Dimension::Product, &sums.parts);
        // Codes of other classifications have as many digits as they are fine.
        let is_level = |finding: &Finding| {
            finding.dimension == Dimension::Product && finding.kind == Kind::MixedLengths
        };
        let all = sums.findings([regions, products])?.into_iter();
        found.extend(all.filter(|finding| params.is_hs || !is_level(finding)));
        // What a layout's own table lacks is in customs.unmapped.
        if params.is_hs {
            found.extend(unlisted_products(params, context, &sums)?);
        }
    }
    if let Some(sums) = SummedTable::of(context, DESTINATIONS, "destination")? {
        let regions = Axis::new(Dimension::Region, &sums.regions);
        let destinations = Axis::new(Dimension::Destination, &sums.parts);
        let of_destinations = |finding: &Finding| finding.dimension == Dimension::Destination;
        let all = sums.findings([regions, destinations])?.into_iter();
        found.extend(all.filter(of_destinations));
    }
    found.extend(files_alike(context)?);
    found.extend(repeated_rows(context)?);
    Ok(found)
}

/// What each region is called.
fn region_names(context: &Context<'_>, regions: &[String]) -> Result<Vec<String>, StageError> {
    let mut by_code: BTreeMap<String, String> = BTreeMap::new();
    for batch in &read(context, REGION)? {
        let (codes, names) = (texts(batch, "region_code")?, texts(batch, "region_name")?);
        let rows = codes.iter().flatten().zip(names.iter().flatten());
        by_code.extend(rows.map(|(code, name)| (code.to_owned(), name.to_owned())));
    }
    let name = |code: &String| by_code.get(code).unwrap_or(code).clone();
    Ok(regions.iter().map(name).collect())
}

/// The products that the target revision does not list.
fn unlisted(context: &Context<'_>) -> Result<BTreeSet<String>, StageError> {
    let mut found = BTreeSet::new();
    for batch in &read(context, PRODUCT)? {
        let listed = batch.column(batch.schema().index_of("is_listed")?).as_boolean();
        let products = texts(batch, "product")?.iter().zip(listed.iter());
        let unlisted = products.filter(|(_, is_listed)| *is_listed == Some(false));
        found.extend(unlisted.filter_map(|(product, _)| product).map(str::to_owned));
    }
    Ok(found)
}

/// Codes that were reported and that no table has: how many in the year with most, and their value.
fn reported_unlisted(context: &Context<'_>) -> Result<(usize, Part), StageError> {
    let (mut unlisted, mut whole) = (Money::ZERO, Money::ZERO);
    let mut n_of_year: BTreeMap<i32, i64> = BTreeMap::new();
    for batch in &read(context, CONVERSION)? {
        let schema = batch.schema();
        let years = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
        let counts = batch.column(schema.index_of("n_codes")?).as_primitive::<Int64Type>();
        let values = batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
        for (row, kind) in texts(batch, "kind")?.iter().enumerate() {
            let value = Money::from_hundredths(values.value(row));
            whole += value;
            if kind == Some(trade::MatchKind::Unlisted.code()) {
                unlisted += value;
                *n_of_year.entry(years.value(row)).or_default() += counts.value(row);
            }
        }
    }
    let n = n_of_year.into_values().max().unwrap_or(0);
    let part = Part { value: unlisted.to_f64(), whole: whole.to_f64() };
    Ok((usize::try_from(n).unwrap_or(0), part))
}

/// Products that the revision does not have, and what they are worth. Headings are known where a
/// layout has them for products.
fn unlisted_products(
    params: &Params,
    context: &Context<'_>,
    sums: &SummedTable<'_, '_>,
) -> Result<Option<Finding>, StageError> {
    let products = unlisted(context)?;
    let mut by_product = vec![0.0; sums.parts.len()];
    for sum in sums.periods.iter().flat_map(|period| &period.columns) {
        by_product[sum.label] += sum.value;
    }
    let of_all = sums.parts.iter().zip(&by_product);
    let mut values: Vec<(&str, f64)> = of_all
        .filter(|(product, _)| products.contains(*product))
        .map(|(product, value)| (product.as_str(), *value))
        .collect();
    values.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let examples: Vec<&str> = values.iter().take(EXAMPLES).map(|(product, _)| *product).collect();
    let (n, part) = if params.has_headings {
        let value = values.iter().map(|(_, value)| value).sum();
        (values.len(), Part { value, whole: by_product.iter().sum() })
    } else {
        reported_unlisted(context)?
    };
    Ok((n > 0).then(|| Finding::unlisted_products(n, &examples, part)))
}

/// What tells one file from another: layout, rows, entries and value in hundredths.
type Account = (String, i64, i64, i128);

/// The accounts of a batch of files, each with its file.
fn accounts(batch: &RecordBatch) -> Result<Vec<(Account, String)>, StageError> {
    let schema = batch.schema();
    let counts = |name: &str| {
        Ok::<_, StageError>(batch.column(schema.index_of(name)?).as_primitive::<Int64Type>())
    };
    let (rows, entries) = (counts("n_rows")?, counts("n_entries")?);
    let values = batch.column(schema.index_of("value_in")?).as_primitive::<Decimal128Type>();
    let (files, layouts) = (texts(batch, "source_file")?, texts(batch, "layout")?);
    let account = |row: usize| {
        let layout = layouts.value(row).to_owned();
        let account = (layout, rows.value(row), entries.value(row), values.value(row));
        (account, files.value(row).to_owned())
    };
    Ok((0..batch.num_rows()).map(account).collect())
}

/// Raw files that came to the same: one may be the other again, packed or written in another way.
fn files_alike(context: &Context<'_>) -> Result<Vec<Finding>, StageError> {
    let mut by_account: BTreeMap<Account, Vec<String>> = BTreeMap::new();
    let mut whole = Money::ZERO;
    for batch in &read(context, RECONCILIATION)? {
        for (account, file) in accounts(batch)? {
            whole += Money::from_hundredths(account.3);
            by_account.entry(account).or_default().push(file);
        }
    }
    let mut found = Vec::new();
    for ((_, n_rows, _, value), files) in by_account {
        let Some((first, others)) = files.split_first() else { continue };
        if n_rows < FEW_ROWS || value <= 0 {
            continue;
        }
        let value = Money::from_hundredths(value).to_f64();
        let part = Part { value, whole: whole.to_f64() };
        let n_rows = usize::try_from(n_rows).unwrap_or(0);
        found.extend(others.iter().map(|other| Finding::files_alike([first, other], n_rows, part)));
    }
    Ok(found)
}

/// The rows of a layout's files, those that are repeated, and their value.
#[derive(Default)]
struct OfLayout {
    n_rows: i64,
    n_repeated: i64,
    value: Money,
    value_repeated: f64,
}

/// Rows that are repeated to the last field, by layout.
fn repeated_rows(context: &Context<'_>) -> Result<Vec<Finding>, StageError> {
    let mut by_layout: BTreeMap<String, OfLayout> = BTreeMap::new();
    for batch in &read(context, RECONCILIATION)? {
        let schema = batch.schema();
        let column = |name: &str| Ok::<_, StageError>(batch.column(schema.index_of(name)?));
        let rows = column("n_rows")?.as_primitive::<Int64Type>();
        let repeated = column("n_repeated")?.as_primitive::<Int64Type>();
        let values = column("value_in")?.as_primitive::<Decimal128Type>();
        let repeated_values = column("value_repeated")?.as_primitive::<Float64Type>();
        for (row, layout) in texts(batch, "layout")?.iter().enumerate() {
            let sums = by_layout.entry(layout.unwrap_or_default().to_owned()).or_default();
            sums.n_rows += rows.value(row);
            sums.n_repeated += repeated.value(row);
            sums.value += Money::from_hundredths(values.value(row));
            sums.value_repeated += repeated_values.value(row);
        }
    }
    let finding = |(layout, sums): (String, OfLayout)| {
        let count = |n: i64| usize::try_from(n).unwrap_or(0);
        let rows = RowCounts { n: count(sums.n_rows), n_repeated: count(sums.n_repeated) };
        let part = Part { value: sums.value_repeated, whole: sums.value.to_f64() };
        (rows.n_repeated > 0).then(|| Finding::repeated_rows(&layout, rows, part))
    };
    Ok(by_layout.into_iter().filter_map(finding).collect())
}
