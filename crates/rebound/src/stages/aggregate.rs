//! `customs.records` to `trade.*`: sums by region, product and year on the target HS revision.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables divide
//! a split code alike. Sums are of hundredths, exact, so that they do not depend on their order.
//!
//! The records are read once, file by file, into rows of 32 bytes that [`packed`] keeps by year and region, in
//! memory up to the config's limit and on disk beyond it. The regions of a year are then summed side by side.

mod quantities;

use super::packed::{self, Collector, Group, NO_WORD, Packed, RECORDS, Row, Texts};
use super::rows::Rows;
use super::{Files, GroupWriter, Made, Output, StageError, table};
use crate::away::{Away, Work};
use crate::codes;
use crate::pipeline::Pipeline;
use lake::{Cells, DataFile, GROUP_ROWS, NO_COUNT, TableVersion};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use trade::money::allocate;
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Money};

/// Rows whose sums are made at a time.
const CHUNK_ROWS: usize = 1 << 20;

/// Places of [`TABLES`] that are not of a part of a product.
const CELLS: usize = 0;
const BOTH: usize = 4;
const MONTHS: usize = 6;
const YEARS: usize = 7;

/// The numbers of months, by month.
const MONTH_NUMBERS: [i32; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// The tables that have rows by year and region, in the order of [`Summed::sheets`].
const TABLES: [&str; 8] = [
    "trade.region_product_year",
    "trade.region_product_year_destination",
    "trade.region_product_year_ownership",
    "trade.region_product_year_trade_mode",
    "trade.region_product_year_ownership_trade_mode",
    "trade.region_product_year_firm",
    "trade.region_product_month",
    "trade.region_year",
];

/// A record, or what a split code gives one product of it.
#[derive(Debug, Clone, Copy)]
struct Part {
    product: u32,
    month: u32,
    /// Destination, ownership, trade mode and firm, by alphabetical place.
    words: [u32; 4],
    value: i64,
    /// 0 if the row before has counted the record.
    n: u32,
}

/// Rows of one of the tables, by column, with codes for texts. Columns that the table does not have are empty.
#[derive(Debug, Default)]
struct Sheet {
    region: Vec<u32>,
    product: Vec<u32>,
    words: [Vec<u32>; 2],
    value: Vec<i128>,
    share: Vec<f64>,
    counts: [Vec<i64>; 3],
}

impl Sheet {
    fn part(&mut self, region: u32, product: u32, words: &[u32], part: Money, whole: Money) {
        self.region.push(region);
        self.product.push(product);
        for (column, &word) in self.words.iter_mut().zip(words) {
            column.push(word);
        }
        self.value.push(part.hundredths());
        let has_share = whole > Money::ZERO;
        self.share.push(if has_share { part.to_f64() / whole.to_f64() } else { f64::NAN });
    }

    fn n_rows(&self) -> usize {
        self.value.len()
    }

    fn append(&mut self, other: &Self) {
        self.region.extend_from_slice(&other.region);
        self.product.extend_from_slice(&other.product);
        for (column, more) in self.words.iter_mut().zip(&other.words) {
            column.extend_from_slice(more);
        }
        self.value.extend_from_slice(&other.value);
        self.share.extend_from_slice(&other.share);
        for (column, more) in self.counts.iter_mut().zip(&other.counts) {
            column.extend_from_slice(more);
        }
    }

    fn clear(&mut self) {
        self.region.clear();
        self.product.clear();
        self.words.iter_mut().for_each(Vec::clear);
        self.value.clear();
        self.share.clear();
        self.counts.iter_mut().for_each(Vec::clear);
    }

    /// Its columns, in the order of the contract of the table at this place of [`TABLES`].
    fn cells<'a>(&'a self, table: usize, year: i32, texts: &'a Harmony<'a>) -> Vec<Cells<'a>> {
        let word = |at: usize| Cells::Texts(texts.words, &self.words[at]);
        let mut cells = vec![Cells::SameInt(year), Cells::Texts(texts.regions, &self.region)];
        if table != YEARS {
            cells.push(Cells::Texts(&texts.products, &self.product));
        }
        match table {
            CELLS | YEARS => {}
            MONTHS => cells.push(Cells::Ints(&MONTH_NUMBERS, &self.words[0])),
            BOTH => cells.extend([word(0), word(1)]),
            _ => cells.push(word(0)),
        }
        cells.push(Cells::Money(&self.value));
        match table {
            CELLS => cells.extend(self.counts.iter().map(|counts| Cells::Counts(counts))),
            MONTHS => {}
            YEARS => cells.extend(self.counts[..2].iter().map(|counts| Cells::Counts(counts))),
            _ => cells.push(Cells::Floats(&self.share)),
        }
        cells
    }
}

/// A table's file of a year, and the rows that are not in it yet.
struct SheetWriter<'f> {
    table: usize,
    year: i32,
    writer: Option<GroupWriter<'f>>,
    sheet: Sheet,
}

impl<'f> SheetWriter<'f> {
    fn add(
        &mut self,
        rows: &Sheet,
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<(), StageError> {
        self.sheet.append(rows);
        if self.sheet.n_rows() >= GROUP_ROWS { self.flush(texts, files) } else { Ok(()) }
    }

    fn flush(&mut self, texts: &Harmony<'_>, files: &'f Files<'_>) -> Result<(), StageError> {
        let n = self.sheet.n_rows();
        if n == 0 {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let name = format!("{}.parquet", self.year);
                self.writer.insert(files.create(TABLES[self.table], &name)?)
            }
        };
        writer.write(n, &self.sheet.cells(self.table, self.year, texts))?;
        self.sheet.clear();
        Ok(())
    }

    fn finish(
        mut self,
        texts: &Harmony<'_>,
        files: &'f Files<'_>,
    ) -> Result<Option<DataFile>, StageError> {
        self.flush(texts, files)?;
        self.writer.map(GroupWriter::finish).transpose()
    }
}

/// Product codes by their number.
#[derive(Debug)]
struct Products(String);

impl Products {
    fn all() -> Self {
        let mut text = String::with_capacity(6 * packed::N_CODES as usize);
        for number in 0..packed::N_CODES {
            text.push_str(packed::code_of(number).as_str());
        }
        Self(text)
    }
}

impl lake::Texts for Products {
    fn n_texts(&self) -> usize {
        packed::N_CODES as usize
    }

    fn text(&self, code: u32) -> &str {
        &self.0[6 * code as usize..][..6]
    }

    fn is_sorted(&self) -> bool {
        true
    }
}

/// Calls `each` with the place, code and part of every target that gets some of `value`.
fn split(conversion: &Conversion, value: Money, mut each: impl FnMut(usize, Hs6, Money)) {
    if let [(code, _)] = conversion.targets[..] {
        return each(0, code, value);
    }
    let values = allocate(value, &conversion.weights());
    // A record of nothing stays one.
    let first = values.iter().position(|value| !value.is_zero()).unwrap_or(0);
    for (at, ((code, _), value)) in conversion.targets.iter().zip(values).enumerate() {
        if at == first || !value.is_zero() {
            each(at, *code, value);
        }
    }
}

/// The sums of a region in a year.
struct Summed {
    sheets: [Sheet; TABLES.len()],
    /// Revision, code and value of what was reported.
    reported: Vec<(u32, Money)>,
}

/// How codes are brought to the target revision, and words to their places.
struct Harmony<'a> {
    conversions: &'a BTreeMap<u32, Conversion>,
    regions: &'a Texts,
    words: &'a Texts,
    products: Products,
    /// Products that have rows.
    is_traded: Vec<AtomicBool>,
    keeps_firms: bool,
    keeps_months: bool,
}

impl<'a> Harmony<'a> {
    fn new(
        pipeline: &Pipeline,
        conversions: &'a BTreeMap<u32, Conversion>,
        regions: &'a Texts,
        words: &'a Texts,
    ) -> Self {
        Self {
            conversions,
            regions,
            words,
            products: Products::all(),
            is_traded: (0..packed::N_CODES).map(|_| AtomicBool::new(false)).collect(),
            keeps_firms: pipeline.config.aggregate.firms,
            keeps_months: pipeline.config.aggregate.months,
        }
    }

    /// The products that have rows in the years summed so far.
    fn traded(&self) -> impl Iterator<Item = u32> {
        (0u32..)
            .zip(&self.is_traded)
            .filter(|(_, is_traded)| is_traded.load(Ordering::Relaxed))
            .map(|(number, _)| number)
    }

    /// Sums a year, and writes its files.
    fn sum_year(
        &self,
        files: &Files<'_>,
        packed: &Packed,
        year: i32,
        groups: &[Group],
    ) -> Result<YearSums, StageError> {
        let mut reported: BTreeMap<u32, Money> = BTreeMap::new();
        let mut writers: [SheetWriter<'_>; TABLES.len()] = std::array::from_fn(|table| {
            SheetWriter { table, year, writer: None, sheet: Sheet::default() }
        });
        let mut left = groups;
        while !left.is_empty() {
            let mut n_rows = 0;
            let n = left
                .iter()
                .take_while(|group| {
                    let is_room = n_rows < CHUNK_ROWS;
                    n_rows += group.n_rows;
                    is_room
                })
                .count();
            let summed: Vec<Summed> = left[..n]
                .par_iter()
                .map(|group| self.sum(group.region, packed.rows(group)?))
                .collect::<Result<_, _>>()?;
            left = &left[n..];
            writers.par_iter_mut().enumerate().try_for_each(|(at, writer)| {
                summed.iter().try_for_each(|of| writer.add(&of.sheets[at], self, files))
            })?;
            for (code, value) in summed.into_iter().flat_map(|summed| summed.reported) {
                *reported.entry(code).or_default() += value;
            }
        }
        let files = writers
            .into_par_iter()
            .map(|writer| writer.finish(self, files))
            .collect::<Result<_, _>>()?;
        Ok(YearSums { year, files, reported })
    }

    /// Calls `each` with every part of `row`.
    fn parts(&self, row: &Row, conversion: &Conversion, mut each: impl FnMut(Part)) {
        let words = row.words.map(|word| self.words.place(word));
        let n = u32::from(row.is_first());
        split(conversion, Money::from_hundredths(i128::from(row.value)), |_, code, value| {
            // A part is no larger than its row.
            let value = i64::try_from(value.hundredths()).unwrap_or(row.value);
            each(Part { product: packed::number_of(code), month: row.month(), words, value, n });
        });
    }

    fn sum(&self, region: u32, mut rows: Vec<Row>) -> Result<Summed, StageError> {
        rows.sort_unstable_by_key(|row| row.reported_code());
        let mut parts: Vec<Part> = Vec::with_capacity(rows.len());
        let mut reported = Vec::new();
        for of_code in rows.chunk_by(|a, b| a.reported_code() == b.reported_code()) {
            let code = of_code[0].reported_code();
            let conversion = self.conversions.get(&code).ok_or_else(|| {
                StageError::Data("a code appeared after the codes were read".to_owned())
            })?;
            let mut value = Money::ZERO;
            for row in of_code {
                value += Money::from_hundredths(i128::from(row.value));
                self.parts(row, conversion, |part| parts.push(part));
            }
            reported.push((code, value));
        }
        drop(rows);
        if !parts.is_sorted_by_key(|part| part.product) {
            parts.sort_by_key(|part| part.product);
        }
        let mut sheets: [Sheet; TABLES.len()] = Default::default();
        let [
            cells,
            by_destination,
            by_ownership,
            by_trade_mode,
            by_both,
            by_firm,
            by_month,
            totals,
        ] = &mut sheets;
        let (mut total, mut n_products, mut n_records) = (Money::ZERO, 0, 0);
        let mut sums = Sums::default();
        for of_cell in parts.chunk_by(|a, b| a.product == b.product) {
            let product = of_cell[0].product;
            self.is_traded[product as usize].store(true, Ordering::Relaxed);
            let value: Money =
                of_cell.iter().map(|part| Money::from_hundredths(i128::from(part.value))).sum();
            let n: i64 = of_cell.iter().map(|part| i64::from(part.n)).sum();
            let mut n_words = [NO_COUNT; 2];
            let kinds =
                [(0, &mut *by_destination), (1, &mut *by_ownership), (2, &mut *by_trade_mode)];
            for (at, sheet) in kinds {
                sums.of(of_cell, |part| (part.words[at], 0));
                for &((word, _), part) in &sums.0 {
                    sheet.part(region, product, &[word], part, value);
                }
                if at == 0 {
                    n_words[0] = sums.n();
                }
            }
            sums.of(of_cell, |part| {
                let [_, ownership, trade_mode, _] = part.words;
                if trade_mode == NO_WORD { (NO_WORD, 0) } else { (ownership, trade_mode) }
            });
            for &((ownership, trade_mode), part) in &sums.0 {
                by_both.part(region, product, &[ownership, trade_mode], part, value);
            }
            sums.of(of_cell, |part| (part.words[3], 0));
            n_words[1] = sums.n();
            if self.keeps_firms {
                for &((firm, _), part) in &sums.0 {
                    by_firm.part(region, product, &[firm], part, value);
                }
            }
            if self.keeps_months {
                sums.of(of_cell, |part| (if part.month == 0 { NO_WORD } else { part.month }, 0));
                for &((month, _), part) in &sums.0 {
                    by_month.region.push(region);
                    by_month.product.push(product);
                    by_month.words[0].push(month);
                    by_month.value.push(part.hundredths());
                }
            }
            cells.region.push(region);
            cells.product.push(product);
            cells.value.push(value.hundredths());
            for (column, count) in cells.counts.iter_mut().zip([n, n_words[0], n_words[1]]) {
                column.push(count);
            }
            total += value;
            n_products += i64::from(value > Money::ZERO);
            n_records += n;
        }
        totals.region.push(region);
        totals.value.push(total.hundredths());
        totals.counts[0].push(n_products);
        totals.counts[1].push(n_records);
        Ok(Summed { sheets, reported })
    }
}

fn money_and_share(rows: &mut Rows, part: Money, whole: Money) {
    rows.money(part).float((whole > Money::ZERO).then(|| part.to_f64() / whole.to_f64()));
}

/// Sums by one or two words, in their alphabetical order; the memory is used again.
#[derive(Debug, Default)]
struct Sums(Vec<((u32, u32), Money)>);

impl Sums {
    /// How many there are; none if there are none.
    fn n(&self) -> i64 {
        if self.0.is_empty() { NO_COUNT } else { i64::try_from(self.0.len()).unwrap_or(i64::MAX) }
    }

    fn of(&mut self, parts: &[Part], key: impl Fn(&Part) -> (u32, u32)) {
        self.0.clear();
        self.0.extend(
            parts
                .iter()
                .map(|part| (key(part), Money::from_hundredths(i128::from(part.value))))
                .filter(|((word, _), _)| *word != NO_WORD),
        );
        self.0.sort_unstable_by_key(|(key, _)| *key);
        self.0.dedup_by(|next, sum| {
            let is_same = next.0 == sum.0;
            if is_same {
                sum.1 += next.1;
            }
            is_same
        });
    }
}

/// Sums the records.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    if let Some(away) = &files.away {
        return run_away(pipeline, files, away);
    }
    let (flow, limit) = asked(pipeline);
    sums(pipeline, files, &Packed::read(files, &files.files_of(RECORDS)?, flow, None, limit)?)
}

/// The flow that is summed, and how many bytes of its records stay in memory.
fn asked(pipeline: &Pipeline) -> (&str, usize) {
    // The other half is for reading, sorting and writing.
    (&pipeline.config.aggregate.flow, pipeline.config.engine.memory_bytes() / 2)
}

/// What takes the records as they are read, for [`sums`].
pub(super) fn collector(pipeline: &Pipeline) -> Collector {
    let (flow, limit) = asked(pipeline);
    Collector::new(flow, limit)
}

/// Sums records that are packed already.
pub(super) fn sums(
    pipeline: &Pipeline,
    files: &Files<'_>,
    packed: &Packed,
) -> Result<Output, StageError> {
    let conversions = conversions(pipeline, &packed.reported)?;
    let sums = all_sums(pipeline, files, packed, &conversions)?;
    finish(pipeline, files, &conversions, sums)
}

fn all_sums(
    pipeline: &Pipeline,
    files: &Files<'_>,
    packed: &Packed,
    conversions: &BTreeMap<u32, Conversion>,
) -> Result<AllSums, StageError> {
    let (regions, words) = (packed.regions.in_order(), packed.words.in_order());
    let harmony = Harmony::new(pipeline, conversions, &regions, &words);
    let groups = packed.groups(&regions);
    let years = groups.iter().map(|(&year, groups)| harmony.sum_year(files, packed, year, groups));
    let years = years.collect::<Result<_, StageError>>()?;
    let traded = harmony.traded().collect();
    Ok(AllSums { years, traded, regions: regions.texts().map(str::to_owned).collect() })
}

/// What the records of some files are, before they are summed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reported {
    codes: BTreeMap<u32, Money>,
    /// Of each file.
    years: Vec<BTreeSet<i32>>,
}

/// The sums of a year.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct YearSums {
    year: i32,
    /// Of each of [`TABLES`], if it has rows.
    files: Vec<Option<DataFile>>,
    /// Revision and code, and the value reported under it.
    reported: BTreeMap<u32, Money>,
}

/// What the records of the input are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read.
pub(crate) fn reported(pipeline: &Pipeline, files: &Files<'_>) -> Result<Reported, StageError> {
    let (flow, limit) = asked(pipeline);
    let mut found = Reported::default();
    for file in files.files_of(RECORDS)? {
        let packed = Packed::read(files, &[file], flow, None, limit)?;
        found.years.push(packed.groups(&packed.regions.in_order()).into_keys().collect());
        for (code, value) in packed.reported {
            *found.codes.entry(code).or_default() += value;
        }
    }
    Ok(found)
}

/// Sums a year of the input, when `reported` is what the records of all years are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read or written.
pub(crate) fn year_alone(
    pipeline: &Pipeline,
    files: &Files<'_>,
    year: i32,
    reported: &BTreeMap<u32, Money>,
) -> Result<AllSums, StageError> {
    let (flow, limit) = asked(pipeline);
    let packed = Packed::read(files, &files.files_of(RECORDS)?, flow, Some(year), limit)?;
    all_sums(pipeline, files, &packed, &conversions(pipeline, reported)?)
}

/// Files of records that another machine looks through at a time.
const FILES_AWAY: usize = 8;

fn run_away(pipeline: &Pipeline, files: &Files<'_>, away: &Away<'_>) -> Result<Output, StageError> {
    let records = files.input(RECORDS)?;
    let part = |files: &[DataFile]| TableVersion { files: files.to_vec(), ..records.clone() };
    let parts: Vec<TableVersion> = records.files.chunks(FILES_AWAY).map(part).collect();
    let found: Vec<Reported> =
        away.perform(parts.iter().map(|records| Work::Reported { records: records.clone() }))?;
    let mut reported: BTreeMap<u32, Money> = BTreeMap::new();
    let mut of_year: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
    for (part, found) in parts.iter().zip(found) {
        for (code, value) in found.codes {
            *reported.entry(code).or_default() += value;
        }
        for (file, years) in part.files.iter().zip(found.years) {
            for year in years {
                of_year.entry(year).or_default().push(file.clone());
            }
        }
    }
    let conversions = conversions(pipeline, &reported)?;
    let found: Vec<AllSums> = away.perform(of_year.iter().map(|(&year, files)| Work::Year {
        records: part(files),
        year,
        reported: reported.clone(),
    }))?;
    let mut sums = AllSums::default();
    for of_year in found {
        sums.years.extend(of_year.years);
        sums.traded.extend(of_year.traded);
        sums.regions.extend(of_year.regions);
    }
    finish(pipeline, files, &conversions, sums)
}

/// The conversion of every code that was reported.
fn conversions(
    pipeline: &Pipeline,
    reported: &BTreeMap<u32, Money>,
) -> Result<BTreeMap<u32, Conversion>, StageError> {
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let revisions: BTreeSet<HsRevision> =
        reported.keys().map(|&number| packed::revision_and_code(number).0).collect();
    if revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{}` is left after the excluded rules; see customs.reconciliation",
            pipeline.config.aggregate.flow
        )));
    }
    let tables = codes::tables()?;
    let weight = |code: Hs6| {
        let value = reported.get(&packed::reported_code(target, code));
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    let concordance = Concordance::new(method, target, &revisions, &tables, weight);
    let convert = |&code: &u32| {
        let (revision, hs6) = packed::revision_and_code(code);
        (code, concordance.convert(revision, hs6))
    };
    Ok(reported.keys().map(convert).collect())
}

/// The sums of years, the products that have some, and the regions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AllSums {
    years: Vec<YearSums>,
    traded: BTreeSet<u32>,
    regions: BTreeSet<String>,
}

/// The tables: those of the years, and those of a few rows.
fn finish(
    pipeline: &Pipeline,
    files: &Files<'_>,
    conversions: &BTreeMap<u32, Conversion>,
    sums: AllSums,
) -> Result<Output, StageError> {
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let texts = codes::descriptions(target)?;
    let mut made: BTreeMap<&'static str, Vec<DataFile>> = BTreeMap::new();
    let mut matches = Rows::of("trade.hs_conversion");
    for YearSums { year, files, reported } in sums.years {
        for (name, file) in TABLES.into_iter().zip(files) {
            made.entry(name).or_default().extend(file);
        }
        let mut kinds: BTreeMap<(HsRevision, &'static str), (usize, Money)> = BTreeMap::new();
        let mut total = Money::ZERO;
        for (number, value) in reported {
            let (revision, code) = packed::revision_and_code(number);
            let is_known = revision != target || texts.contains_key(&code);
            let kind = match conversions.get(&number) {
                Some(conversion) if is_known => conversion.kind,
                _ => MatchKind::Unlisted,
            };
            let sum = kinds.entry((revision, kind.code())).or_default();
            sum.0 += 1;
            sum.1 += value;
            total += value;
        }
        for ((revision, kind), (n_codes, value)) in kinds {
            matches
                .int(year)
                .text(revision.name())
                .text(kind)
                .text(target.name())
                .text(&*method.to_string())
                .count(n_codes);
            money_and_share(&mut matches, value, total);
        }
    }
    let of_quantities = if pipeline.config.aggregate.quantities {
        quantities::rows(files, &pipeline.config.aggregate.flow, conversions)?
    } else {
        Rows::of("trade.region_product_year_quantity")
    };
    let mut output: Output =
        made.into_iter().map(|(name, files)| (name, Made::Files(files))).collect();
    table(&mut output, "trade.hs_conversion", matches)?;
    table(&mut output, "trade.region_product_year_quantity", of_quantities)?;

    let region_names: BTreeMap<&str, &str> = pipeline
        .sources
        .iter()
        .flat_map(|source| &source.layout.layout.region_names)
        .map(|(code, name)| (code.as_str(), name.as_str()))
        .collect();
    let mut rows = Rows::of("trade.region");
    for code in &sums.regions {
        rows.text(&**code).text(region_names.get(code.as_str()).copied().unwrap_or(code));
    }
    table(&mut output, "trade.region", rows)?;

    let mut n_sources: BTreeMap<u32, usize> = BTreeMap::new();
    for conversion in conversions.values() {
        let is_split = conversion.targets.len() > 1;
        for (code, weight) in &conversion.targets {
            if !is_split || *weight > 0 {
                *n_sources.entry(packed::number_of(*code)).or_default() += 1;
            }
        }
    }
    let mut rows = Rows::of("trade.product");
    for number in sums.traded {
        let product = packed::code_of(number);
        let text = texts.get(&product).map(String::as_str);
        rows.text(product.as_str())
            .text(product.heading())
            .text(product.chapter())
            .text(text)
            .flag(text.is_some())
            .count(n_sources.get(&number).copied().unwrap_or(1));
    }
    table(&mut output, "trade.product", rows)?;
    Ok(output)
}
