//! `customs.records` to `trade.*`: sums by region, product and year on the target HS revision.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables divide
//! a split code alike. Sums are of hundredths, exact.

use super::rows::Rows;
use super::{Input, Output, StageError, table};
use crate::codes;
use crate::pipeline::Pipeline;
use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int32Type};
use std::collections::{BTreeMap, BTreeSet};
use trade::money::allocate;
use trade::{Concordance, Conversion, Hs6, HsRevision, Money};

/// A year, a region and a product.
type Cell = (i32, u32, Hs6);

#[derive(Debug, Default)]
struct Sum {
    value: Money,
    n_records: usize,
    destinations: BTreeSet<u32>,
    firms: BTreeSet<u32>,
    has_destinations: bool,
    has_firms: bool,
}

/// Gives each text a number, and each number its text.
#[derive(Debug, Default)]
struct Words {
    numbers: BTreeMap<String, u32>,
    texts: Vec<String>,
}

impl Words {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

struct Columns<'a> {
    years: &'a [i32],
    values: &'a [i128],
    flow: &'a StringArray,
    region: &'a StringArray,
    hs6: &'a StringArray,
    revision: &'a StringArray,
    destination: &'a StringArray,
    trade_mode: &'a StringArray,
    ownership: &'a StringArray,
    firm: &'a StringArray,
    is_excluded: &'a arrow::array::BooleanArray,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, StageError> {
        let schema = batch.schema();
        let column = |name: &str| Ok::<_, StageError>(batch.column(schema.index_of(name)?));
        let text = |name: &str| Ok::<_, StageError>(column(name)?.as_string::<i32>());
        Ok(Self {
            years: column("year")?.as_primitive::<Int32Type>().values(),
            values: column("fob_value")?.as_primitive::<Decimal128Type>().values(),
            flow: text("flow")?,
            region: text("region_code")?,
            hs6: text("hs6")?,
            revision: text("hs_revision")?,
            destination: text("destination")?,
            trade_mode: text("trade_mode")?,
            ownership: text("ownership")?,
            firm: text("firm")?,
            is_excluded: column("is_excluded")?.as_boolean(),
        })
    }

    /// Revision and code of the record at `row`.
    fn code(&self, row: usize) -> Result<(HsRevision, Hs6), StageError> {
        let broken = |e: &dyn std::fmt::Display| StageError::Data(format!("customs.records: {e}"));
        let revision = self.revision.value(row).parse().map_err(|e| broken(&e))?;
        let code = self.hs6.value(row).parse().map_err(|e| broken(&e))?;
        Ok((revision, code))
    }
}

fn optional(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// Sums the records.
pub(super) fn run(pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    let batches = input.get("customs.records").map_or(&[][..], Vec::as_slice);
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let flow = pipeline.config.aggregate.flow.as_str();

    let mut revisions = BTreeSet::new();
    let mut in_target: BTreeMap<Hs6, i128> = BTreeMap::new();
    let mut rows_used = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch)?;
        let used: Vec<usize> = (0..batch.num_rows())
            .filter(|&row| !columns.is_excluded.value(row) && columns.flow.value(row) == flow)
            .collect();
        for &row in &used {
            let (revision, code) = columns.code(row)?;
            revisions.insert(revision);
            if revision == target {
                *in_target.entry(code).or_default() += columns.values[row];
            }
        }
        rows_used.push(used);
    }
    if revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{flow}` is left after the excluded rules; see customs.reconciliation"
        )));
    }
    let tables = codes::tables()?;
    let weight =
        |code: Hs6| u128::try_from(in_target.get(&code).copied().unwrap_or(0)).unwrap_or(0);
    let concordance = Concordance::new(method, target, &revisions, &tables, weight);
    let texts = codes::descriptions(target)?;

    let (mut regions, mut words) = (Words::default(), Words::default());
    let mut conversions: BTreeMap<(HsRevision, Hs6), Conversion> = BTreeMap::new();
    let mut sums: BTreeMap<Cell, Sum> = BTreeMap::new();
    let mut by: [BTreeMap<(Cell, u32), Money>; 3] = Default::default();
    let mut matches: BTreeMap<(i32, HsRevision, &'static str), (BTreeSet<Hs6>, Money)> =
        BTreeMap::new();
    let mut sources: BTreeMap<Hs6, BTreeSet<(HsRevision, Hs6)>> = BTreeMap::new();
    for (batch, used) in batches.iter().zip(&rows_used) {
        let columns = Columns::of(batch)?;
        for &row in used {
            let (revision, code) = columns.code(row)?;
            let year = columns.years[row];
            let value = Money::from_hundredths(columns.values[row]);
            let region = regions.number(columns.region.value(row));
            let conversion = conversions
                .entry((revision, code))
                .or_insert_with(|| concordance.convert(revision, code));
            let known = texts.contains_key(&code) || revision != target;
            let kind = if known { conversion.kind } else { trade::MatchKind::Unlisted };
            let entry = matches.entry((year, revision, kind.code())).or_default();
            entry.0.insert(code);
            entry.1 += value;
            let weights: Vec<u128> = conversion.targets.iter().map(|(_, weight)| *weight).collect();
            let parts = allocate(value, &weights);
            for (&(product, _), &part) in conversion.targets.iter().zip(&parts) {
                if part.is_zero() && parts.len() > 1 {
                    continue;
                }
                sources.entry(product).or_default().insert((revision, code));
                let cell = (year, region, product);
                let sum = sums.entry(cell).or_default();
                sum.value += part;
                sum.n_records += 1;
                if let Some(destination) = optional(columns.destination, row) {
                    sum.has_destinations = true;
                    sum.destinations.insert(words.number(destination));
                }
                if let Some(firm) = optional(columns.firm, row) {
                    sum.has_firms = true;
                    sum.firms.insert(words.number(firm));
                }
                let fields = [columns.destination, columns.ownership, columns.trade_mode];
                for (by, field) in by.iter_mut().zip(fields) {
                    if let Some(text) = optional(field, row) {
                        *by.entry((cell, words.number(text))).or_default() += part;
                    }
                }
            }
        }
    }

    // From here on in the order of region codes, not of their first appearance.
    let mut ordered: Vec<(&Cell, &Sum)> = sums.iter().collect();
    ordered.sort_by(|((y0, r0, p0), _), ((y1, r1, p1), _)| {
        (y0, regions.text(*r0), p0).cmp(&(y1, regions.text(*r1), p1))
    });
    let mut output = Output::new();
    let mut cells = Rows::of("trade.region_product_year");
    let mut by_region: BTreeMap<(i32, &str), (Money, usize, usize)> = BTreeMap::new();
    for &(&(year, region, product), sum) in &ordered {
        cells
            .int(year)
            .text(regions.text(region))
            .text(product.as_str())
            .money(sum.value)
            .count(sum.n_records)
            .count(sum.has_destinations.then_some(sum.destinations.len()))
            .count(sum.has_firms.then_some(sum.firms.len()));
        let total = by_region.entry((year, regions.text(region))).or_default();
        total.0 += sum.value;
        total.1 += usize::from(sum.value > Money::ZERO);
        total.2 += sum.n_records;
    }
    table(&mut output, "trade.region_product_year", cells)?;

    let mut totals = Rows::of("trade.region_year");
    for (&(year, region), &(value, n_products, n_records)) in &by_region {
        totals.int(year).text(region).money(value).count(n_products).count(n_records);
    }
    table(&mut output, "trade.region_year", totals)?;

    let names = [
        "trade.region_product_year_destination",
        "trade.region_product_year_ownership",
        "trade.region_product_year_trade_mode",
    ];
    for (name, by) in names.into_iter().zip(&by) {
        let mut ordered: Vec<_> = by.iter().collect();
        ordered.sort_by_key(|((cell, word), _)| {
            (cell.0, regions.text(cell.1), cell.2, words.text(*word))
        });
        let mut rows = Rows::of(name);
        for (&(cell, word), &value) in ordered {
            let total = sums[&cell].value;
            rows.int(cell.0)
                .text(regions.text(cell.1))
                .text(cell.2.as_str())
                .text(words.text(word))
                .money(value)
                .float((total > Money::ZERO).then(|| value.to_f64() / total.to_f64()));
        }
        table(&mut output, name, rows)?;
    }

    let region_names: BTreeMap<&str, &str> = pipeline
        .sources
        .iter()
        .flat_map(|source| &source.layout.layout.region_names)
        .map(|(code, name)| (code.as_str(), name.as_str()))
        .collect();
    let mut rows = Rows::of("trade.region");
    for code in regions.numbers.keys() {
        rows.text(&**code).text(region_names.get(code.as_str()).copied().unwrap_or(code));
    }
    table(&mut output, "trade.region", rows)?;

    let mut rows = Rows::of("trade.product");
    for (product, sources) in &sources {
        let text = texts.get(product).map(String::as_str);
        rows.text(product.as_str())
            .text(product.heading())
            .text(product.chapter())
            .text(text)
            .flag(text.is_some())
            .count(sources.len());
    }
    table(&mut output, "trade.product", rows)?;

    let mut by_year: BTreeMap<i32, Money> = BTreeMap::new();
    for ((year, _, _), (_, value)) in &matches {
        *by_year.entry(*year).or_default() += *value;
    }
    let mut rows = Rows::of("trade.hs_conversion");
    for ((year, revision, kind), (codes, value)) in &matches {
        let total = by_year[year];
        rows.int(*year)
            .text(revision.name())
            .text(*kind)
            .text(target.name())
            .text(&*method.to_string())
            .count(codes.len())
            .money(*value)
            .float((total > Money::ZERO).then(|| value.to_f64() / total.to_f64()));
    }
    table(&mut output, "trade.hs_conversion", rows)?;
    Ok(output)
}
