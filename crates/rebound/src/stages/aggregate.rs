//! `customs.records` to `trade.*`: sums by region, product and year on the target HS revision.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables divide
//! a split code alike. Sums are of hundredths, exact, so that they do not depend on their order.
//!
//! The records are read twice, file by file: once for the words in them, which become numbers, and once for
//! the sums, a year at a time, so that memory holds the sums of a year and not the records.

use super::rows::Rows;
use super::{Files, Made, Output, StageError, table};
use crate::codes;
use crate::pipeline::Pipeline;
use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int32Type};
use lake::DataFile;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use trade::money::allocate;
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Money};

const RECORDS: &str = "customs.records";

const COLUMNS: [&str; 11] = [
    "year",
    "flow",
    "region_code",
    "hs6",
    "hs_revision",
    "destination",
    "trade_mode",
    "ownership",
    "firm",
    "fob_value",
    "is_excluded",
];

#[expect(clippy::disallowed_types, reason = "lookup only; what comes out is sorted")]
type Lookup<K, V> = std::collections::HashMap<K, V>;

/// What is summed beside the total of a cell.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Total = 0,
    Destination = 1,
    Ownership = 2,
    TradeMode = 3,
    Firm = 4,
}

/// A sum: region, product, kind and word in one number, in the order of the tables' keys.
#[derive(Debug, Clone, Copy)]
struct Sum {
    key: u128,
    value: i128,
    n: u64,
}

/// Product codes have six digits.
const PRODUCT_BITS: u32 = 20;

fn key(region: u32, product: Hs6, kind: Kind, word: u32) -> u128 {
    let product: u32 = product.as_str().parse().unwrap_or(0);
    let cell = u128::from(region) << PRODUCT_BITS | u128::from(product);
    (cell << 8 | kind as u128) << 32 | u128::from(word)
}

/// Adds up the sums of one key; they come sorted by it.
fn add_up(sums: &mut Vec<Sum>) {
    sums.dedup_by(|next, sum| {
        let is_same = next.key == sum.key;
        if is_same {
            sum.value += next.value;
            sum.n += next.n;
        }
        is_same
    });
}

/// Words and their numbers, in alphabetical order.
#[derive(Debug)]
struct Words {
    texts: Vec<String>,
    numbers: Lookup<String, u32>,
}

impl Words {
    fn new(texts: BTreeSet<String>) -> Result<Self, StageError> {
        let texts: Vec<String> = texts.into_iter().collect();
        let too_many = |_| StageError::Data("more than 2^32 different codes or firms".to_owned());
        let numbers = texts
            .iter()
            .enumerate()
            .map(|(at, text)| Ok((text.clone(), u32::try_from(at).map_err(too_many)?)))
            .collect::<Result<_, StageError>>()?;
        Ok(Self { texts, numbers })
    }

    fn number(&self, text: &str) -> u32 {
        self.numbers.get(text).copied().unwrap_or(u32::MAX)
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
    is_excluded: &'a BooleanArray,
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

/// What a first reading finds in a file.
#[derive(Debug, Default)]
struct Found {
    years: BTreeSet<i32>,
    revisions: BTreeSet<HsRevision>,
    /// Value of the codes of the target revision.
    in_target: BTreeMap<Hs6, i128>,
    regions: BTreeSet<String>,
    words: BTreeSet<String>,
}

/// Puts `text` among `texts` if it is new; most repeat.
fn put(texts: &mut BTreeSet<String>, text: &str) {
    if !texts.contains(text) {
        texts.insert(text.to_owned());
    }
}

/// The records of a file that are analysed: calls `work` on each.
fn each_record(
    files: &Files<'_>,
    file: &DataFile,
    flow: &str,
    mut work: impl FnMut(&Columns<'_>, usize) -> Result<(), StageError>,
) -> Result<(), StageError> {
    for batch in files.read(RECORDS, file, &COLUMNS)? {
        let columns = Columns::of(&batch)?;
        for row in 0..batch.num_rows() {
            if !columns.is_excluded.value(row) && columns.flow.value(row) == flow {
                work(&columns, row)?;
            }
        }
    }
    Ok(())
}

fn first_reading(
    files: &Files<'_>,
    file: &DataFile,
    flow: &str,
    target: HsRevision,
) -> Result<Found, StageError> {
    let mut found = Found::default();
    each_record(files, file, flow, |columns, row| {
        let (revision, code) = columns.code(row)?;
        found.years.insert(columns.years[row]);
        found.revisions.insert(revision);
        if revision == target {
            *found.in_target.entry(code).or_default() += columns.values[row];
        }
        put(&mut found.regions, columns.region.value(row));
        let fields = [columns.destination, columns.ownership, columns.trade_mode, columns.firm];
        for text in fields.into_iter().filter_map(|field| optional(field, row)) {
            put(&mut found.words, text);
        }
        Ok(())
    })?;
    Ok(found)
}

/// By year, revision and kind of match: the codes, and their value.
type Matches = BTreeMap<(i32, HsRevision, &'static str), (BTreeSet<Hs6>, Money)>;

/// By product: the codes that were brought to it.
type Sources = BTreeMap<Hs6, BTreeSet<(HsRevision, Hs6)>>;

/// How codes are brought to the target revision.
struct Harmony<'a> {
    concordance: &'a Concordance,
    target: HsRevision,
    texts: &'a BTreeMap<Hs6, String>,
    regions: &'a Words,
    words: &'a Words,
    flow: &'a str,
}

impl Harmony<'_> {
    /// The sums of a year in a file.
    fn sums(
        &self,
        files: &Files<'_>,
        file: &DataFile,
        year: i32,
    ) -> Result<(Vec<Sum>, Matches, Sources), StageError> {
        let mut sums = Vec::new();
        let (mut matches, mut sources) = (Matches::new(), Sources::new());
        let mut conversions: Lookup<(HsRevision, Hs6), (Conversion, Vec<u128>)> = Lookup::new();
        let mut of_codes: BTreeMap<(HsRevision, Hs6), Money> = BTreeMap::new();
        each_record(files, file, self.flow, |columns, row| {
            if columns.years[row] != year {
                return Ok(());
            }
            let (revision, code) = columns.code(row)?;
            let value = Money::from_hundredths(columns.values[row]);
            *of_codes.entry((revision, code)).or_default() += value;
            let region = self.regions.number(columns.region.value(row));
            let (conversion, weights) = conversions.entry((revision, code)).or_insert_with(|| {
                let conversion = self.concordance.convert(revision, code);
                let weights = conversion.targets.iter().map(|(_, weight)| *weight).collect();
                (conversion, weights)
            });
            let parts = if weights.len() == 1 { vec![value] } else { allocate(value, weights) };
            for (&(product, _), &part) in conversion.targets.iter().zip(&parts) {
                if part.is_zero() && parts.len() > 1 {
                    continue;
                }
                sources.entry(product).or_default().insert((revision, code));
                let value = part.hundredths();
                sums.push(Sum { key: key(region, product, Kind::Total, 0), value, n: 1 });
                let fields = [
                    (Kind::Destination, columns.destination),
                    (Kind::Ownership, columns.ownership),
                    (Kind::TradeMode, columns.trade_mode),
                    (Kind::Firm, columns.firm),
                ];
                for (kind, field) in fields {
                    if let Some(text) = optional(field, row) {
                        let key = key(region, product, kind, self.words.number(text));
                        sums.push(Sum { key, value, n: 1 });
                    }
                }
            }
            Ok(())
        })?;
        for ((revision, code), value) in of_codes {
            let known = self.texts.contains_key(&code) || revision != self.target;
            let kind = match conversions.get(&(revision, code)) {
                Some((conversion, _)) if known => conversion.kind,
                _ => MatchKind::Unlisted,
            };
            let entry = matches.entry((year, revision, kind.code())).or_default();
            entry.0.insert(code);
            entry.1 += value;
        }
        sums.sort_unstable_by_key(|sum| sum.key);
        add_up(&mut sums);
        Ok((sums, matches, sources))
    }
}

/// Sums the records.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let flow = pipeline.config.aggregate.flow.as_str();
    let records = files.files_of(RECORDS)?;

    let readings: Vec<Found> = records
        .par_iter()
        .map(|file| first_reading(files, file, flow, target))
        .collect::<Result<_, _>>()?;
    let mut found = Found::default();
    let years_of: Vec<BTreeSet<i32>> = readings.iter().map(|found| found.years.clone()).collect();
    for reading in readings {
        found.years.extend(reading.years);
        found.revisions.extend(reading.revisions);
        found.regions.extend(reading.regions);
        found.words.extend(reading.words);
        for (code, value) in reading.in_target {
            *found.in_target.entry(code).or_default() += value;
        }
    }
    if found.revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{flow}` is left after the excluded rules; see customs.reconciliation"
        )));
    }
    let tables = codes::tables()?;
    let weight =
        |code: Hs6| u128::try_from(found.in_target.get(&code).copied().unwrap_or(0)).unwrap_or(0);
    let concordance = Concordance::new(method, target, &found.revisions, &tables, weight);
    let texts = codes::descriptions(target)?;
    let (regions, words) = (Words::new(found.regions)?, Words::new(found.words)?);
    let harmony = Harmony {
        concordance: &concordance,
        target,
        texts: &texts,
        regions: &regions,
        words: &words,
        flow,
    };

    let (mut matches, mut sources) = (Matches::new(), Sources::new());
    let mut made: BTreeMap<&'static str, Vec<RecordBatch>> = BTreeMap::new();
    for &year in &found.years {
        let of_year: Vec<&DataFile> = records
            .iter()
            .zip(&years_of)
            .filter(|(_, years)| years.contains(&year))
            .map(|(file, _)| file)
            .collect();
        let parts: Vec<_> = of_year
            .par_iter()
            .map(|file| harmony.sums(files, file, year))
            .collect::<Result<_, _>>()?;
        let mut sums = Vec::new();
        for (part, of_part, from) in parts {
            sums.extend(part);
            for (key, (codes, value)) in of_part {
                let entry = matches.entry(key).or_default();
                entry.0.extend(codes);
                entry.1 += value;
            }
            for (product, codes) in from {
                sources.entry(product).or_default().extend(codes);
            }
        }
        sums.par_sort_unstable_by_key(|sum| sum.key);
        add_up(&mut sums);
        tables_of_year(year, &sums, &regions, &words, &mut made)?;
    }
    let mut output: Output =
        made.into_iter().map(|(name, rows)| (name, Made::Rows(rows))).collect();

    let region_names: BTreeMap<&str, &str> = pipeline
        .sources
        .iter()
        .flat_map(|source| &source.layout.layout.region_names)
        .map(|(code, name)| (code.as_str(), name.as_str()))
        .collect();
    let mut rows = Rows::of("trade.region");
    for code in &regions.texts {
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

/// The rows of a year, in the order of the tables' keys.
fn tables_of_year(
    year: i32,
    sums: &[Sum],
    regions: &Words,
    words: &Words,
    made: &mut BTreeMap<&'static str, Vec<RecordBatch>>,
) -> Result<(), StageError> {
    let mut cells = Rows::of("trade.region_product_year");
    let mut totals = Rows::of("trade.region_year");
    let names = [
        "trade.region_product_year_destination",
        "trade.region_product_year_ownership",
        "trade.region_product_year_trade_mode",
    ];
    let mut by = names.map(Rows::of);
    let kind = |sum: &Sum| usize::try_from(sum.key >> 32 & 0xff).unwrap_or(usize::MAX);
    let region_of = |sum: &Sum| u32::try_from(sum.key >> (40 + PRODUCT_BITS)).unwrap_or(u32::MAX);
    for of_region in sums.chunk_by(|a, b| region_of(a) == region_of(b)) {
        let region = regions.text(region_of(&of_region[0]));
        let (mut total, mut n_products, mut n_records) = (Money::ZERO, 0, 0);
        for cell in of_region.chunk_by(|a, b| a.key >> 40 == b.key >> 40) {
            let product = format!("{:06}", cell[0].key >> 40 & ((1 << PRODUCT_BITS) - 1));
            let value = Money::from_hundredths(cell[0].value);
            let count = |of: Kind| {
                let n = cell.iter().filter(|sum| kind(sum) == of as usize).count();
                (n > 0).then_some(n)
            };
            let n = usize::try_from(cell[0].n).unwrap_or(usize::MAX);
            cells
                .int(year)
                .text(region)
                .text(&*product)
                .money(value)
                .count(n)
                .count(count(Kind::Destination))
                .count(count(Kind::Firm));
            total += value;
            n_products += usize::from(value > Money::ZERO);
            n_records += n;
            for sum in &cell[1..] {
                let Some(rows) = by.get_mut(kind(sum) - 1) else { continue };
                let part = Money::from_hundredths(sum.value);
                let word = u32::try_from(sum.key & u128::from(u32::MAX)).unwrap_or(u32::MAX);
                rows.int(year)
                    .text(region)
                    .text(&*product)
                    .text(words.text(word))
                    .money(part)
                    .float((value > Money::ZERO).then(|| part.to_f64() / value.to_f64()));
            }
        }
        totals.int(year).text(region).money(total).count(n_products).count(n_records);
    }
    for (name, rows) in names
        .into_iter()
        .zip(by)
        .chain([("trade.region_product_year", cells), ("trade.region_year", totals)])
    {
        made.entry(name).or_default().push(rows.finish()?);
    }
    Ok(())
}
