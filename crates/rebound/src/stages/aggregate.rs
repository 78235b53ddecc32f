//! `customs.records` to `trade.*`: sums by region, product and year on the target HS revision.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables divide
//! a split code alike. Sums are of hundredths, exact, so that they do not depend on their order.
//!
//! The records are read once, file by file, into rows of 32 bytes that [`packed`] keeps by year and region, in
//! memory up to the config's limit and on disk beyond it. The regions of a year are then summed side by side.

mod packed;

use self::packed::{NO_WORD, Packed, Row, Texts};
use super::rows::Rows;
use super::{FileWriter, Files, Made, Output, StageError, table};
use crate::codes;
use crate::pipeline::Pipeline;
use arrow::array::RecordBatch;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use trade::money::allocate;
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Money};

/// Rows whose sums are made at a time.
const CHUNK_ROWS: usize = 1 << 20;

/// The tables that have rows by year and region, in the order of [`Summed::batches`].
const TABLES: [&str; 7] = [
    "trade.region_product_year",
    "trade.region_product_year_destination",
    "trade.region_product_year_ownership",
    "trade.region_product_year_trade_mode",
    "trade.region_product_year_ownership_trade_mode",
    "trade.region_product_year_firm",
    "trade.region_year",
];

/// A record, or what a split code gives one product of it.
#[derive(Debug, Clone, Copy)]
struct Part {
    product: u32,
    /// Destination, ownership, trade mode and firm, by alphabetical place.
    words: [u32; 4],
    value: i64,
    /// 0 if the row before has counted the record.
    n: u32,
}

/// The sums of a region in a year.
struct Summed {
    batches: [RecordBatch; TABLES.len()],
    /// Revision, code and value of what was reported.
    reported: Vec<(u32, Money)>,
}

/// How codes are brought to the target revision, and words to their places.
struct Harmony<'a> {
    conversions: BTreeMap<u32, Conversion>,
    regions: &'a Texts,
    words: &'a Texts,
    /// Products that have rows.
    is_traded: Vec<AtomicBool>,
    keeps_firms: bool,
}

impl Harmony<'_> {
    /// Calls `each` with every part of `row`.
    fn parts(&self, row: &Row, conversion: &Conversion, mut each: impl FnMut(Part)) {
        let words = row.words.map(|word| self.words.place(word));
        let n = u32::from(row.is_first());
        let mut part = |code: Hs6, value: i64| {
            each(Part { product: packed::number_of(code), words, value, n });
        };
        if let [(code, _)] = conversion.targets[..] {
            return part(code, row.value);
        }
        let weights: Vec<u128> = conversion.targets.iter().map(|(_, weight)| *weight).collect();
        let values = allocate(Money::from_hundredths(i128::from(row.value)), &weights);
        // A record of nothing stays one.
        let first = values.iter().position(|value| !value.is_zero()).unwrap_or(0);
        for (at, ((code, _), value)) in conversion.targets.iter().zip(&values).enumerate() {
            if at == first || !value.is_zero() {
                // A part is no larger than its row.
                part(*code, i64::try_from(value.hundredths()).unwrap_or(row.value));
            }
        }
    }

    fn sum(&self, year: i32, region: u32, mut rows: Vec<Row>) -> Result<Summed, StageError> {
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
        let mut tables = TABLES.map(Rows::of);
        let [cells, by_destination, by_ownership, by_trade_mode, by_both, by_firm, totals] =
            &mut tables;
        let region = self.regions.text_at(region);
        let (mut total, mut n_products, mut n_records) = (Money::ZERO, 0, 0);
        let mut sums = Sums::default();
        for of_cell in parts.chunk_by(|a, b| a.product == b.product) {
            let product = format!("{:06}", of_cell[0].product);
            self.is_traded[of_cell[0].product as usize].store(true, Ordering::Relaxed);
            let value: Money =
                of_cell.iter().map(|part| Money::from_hundredths(i128::from(part.value))).sum();
            let n: usize = of_cell.iter().map(|part| part.n as usize).sum();
            let mut n_words = [None; 2];
            let kinds =
                [(0, &mut *by_destination), (1, &mut *by_ownership), (2, &mut *by_trade_mode)];
            for (at, rows) in kinds {
                sums.of(of_cell, |part| (part.words[at], 0));
                for &((word, _), part) in &sums.0 {
                    rows.int(year).text(region).text(&*product).text(self.words.text_at(word));
                    money_and_share(rows, part, value);
                }
                if at == 0 {
                    n_words[0] = (!sums.0.is_empty()).then_some(sums.0.len());
                }
            }
            sums.of(of_cell, |part| {
                let [_, ownership, trade_mode, _] = part.words;
                if trade_mode == NO_WORD { (NO_WORD, 0) } else { (ownership, trade_mode) }
            });
            for &((ownership, trade_mode), part) in &sums.0 {
                by_both.int(year).text(region).text(&*product);
                by_both.text(self.words.text_at(ownership)).text(self.words.text_at(trade_mode));
                money_and_share(by_both, part, value);
            }
            sums.of(of_cell, |part| (part.words[3], 0));
            n_words[1] = (!sums.0.is_empty()).then_some(sums.0.len());
            if self.keeps_firms {
                for &((firm, _), part) in &sums.0 {
                    by_firm.int(year).text(region).text(&*product).text(self.words.text_at(firm));
                    money_and_share(by_firm, part, value);
                }
            }
            cells.int(year).text(region).text(&*product).money(value).count(n);
            cells.count(n_words[0]).count(n_words[1]);
            total += value;
            n_products += usize::from(value > Money::ZERO);
            n_records += n;
        }
        totals.int(year).text(region).money(total).count(n_products).count(n_records);
        let [a, b, c, d, e, f, g] = tables.map(Rows::finish);
        Ok(Summed { batches: [a?, b?, c?, d?, e?, f?, g?], reported })
    }
}

fn money_and_share(rows: &mut Rows, part: Money, whole: Money) {
    rows.money(part).float((whole > Money::ZERO).then(|| part.to_f64() / whole.to_f64()));
}

/// Sums by one or two words, in their alphabetical order; the memory is used again.
#[derive(Debug, Default)]
struct Sums(Vec<((u32, u32), Money)>);

impl Sums {
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
    let harmonize = &pipeline.config.harmonize;
    let target = harmonize.revision().map_err(StageError::Data)?;
    let method = harmonize.method().map_err(StageError::Data)?;
    let flow = pipeline.config.aggregate.flow.as_str();
    // The other half is for reading, sorting and writing.
    let packed = Packed::read(files, flow, pipeline.config.engine.memory_bytes() / 2)?;
    let revisions: BTreeSet<HsRevision> =
        packed.reported.keys().map(|&number| packed::revision_and_code(number).0).collect();
    if revisions.is_empty() {
        return Err(StageError::Data(format!(
            "no record of flow `{flow}` is left after the excluded rules; see customs.reconciliation"
        )));
    }
    let tables = codes::tables()?;
    let weight = |code: Hs6| {
        let value = packed.reported.get(&packed::reported_code(target, code));
        value.and_then(|value| u128::try_from(value.hundredths()).ok()).unwrap_or(0)
    };
    let concordance = Concordance::new(method, target, &revisions, &tables, weight);
    let conversions = packed
        .reported
        .keys()
        .map(|&code| {
            let (revision, hs6) = packed::revision_and_code(code);
            (code, concordance.convert(revision, hs6))
        })
        .collect();
    let (regions, words) = (packed.regions.in_order(), packed.words.in_order());
    let is_traded = (0..packed::N_CODES).map(|_| AtomicBool::new(false)).collect();
    let keeps_firms = pipeline.config.aggregate.firms;
    let harmony = Harmony { conversions, regions: &regions, words: &words, is_traded, keeps_firms };

    let groups = packed.groups(&regions);
    let texts = codes::descriptions(target)?;
    let mut made: BTreeMap<&'static str, Vec<lake::DataFile>> = BTreeMap::new();
    let mut matches = Rows::of("trade.hs_conversion");
    for (year, groups) in &groups {
        let mut reported: BTreeMap<u32, Money> = BTreeMap::new();
        let mut writers: [Option<FileWriter<'_>>; TABLES.len()] = [const { None }; TABLES.len()];
        let mut left = groups.as_slice();
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
                .map(|group| harmony.sum(*year, group.region, packed.rows(group)?))
                .collect::<Result<_, _>>()?;
            left = &left[n..];
            writers.par_iter_mut().zip(TABLES).enumerate().try_for_each(
                |(at, (writer, name))| {
                    for summed in &summed {
                        let rows = &summed.batches[at];
                        if rows.num_rows() > 0 {
                            if writer.is_none() {
                                *writer = Some(files.create(name, &format!("{year}.parquet"))?);
                            }
                            if let Some(writer) = writer {
                                writer.write(rows.clone())?;
                            }
                        }
                    }
                    Ok::<_, StageError>(())
                },
            )?;
            for (code, value) in summed.into_iter().flat_map(|summed| summed.reported) {
                *reported.entry(code).or_default() += value;
            }
        }
        let written: Vec<Option<lake::DataFile>> = writers
            .into_par_iter()
            .map(|writer| writer.map(FileWriter::finish).transpose())
            .collect::<Result<_, _>>()?;
        for (name, file) in TABLES.into_iter().zip(written) {
            made.entry(name).or_default().extend(file);
        }
        let mut kinds: BTreeMap<(HsRevision, &'static str), (usize, Money)> = BTreeMap::new();
        let mut total = Money::ZERO;
        for (&number, &value) in &reported {
            let (revision, code) = packed::revision_and_code(number);
            let is_known = revision != target || texts.contains_key(&code);
            let kind = match harmony.conversions.get(&number) {
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
                .int(*year)
                .text(revision.name())
                .text(kind)
                .text(target.name())
                .text(&*method.to_string())
                .count(n_codes);
            money_and_share(&mut matches, value, total);
        }
    }
    let mut output: Output =
        made.into_iter().map(|(name, files)| (name, Made::Files(files))).collect();
    table(&mut output, "trade.hs_conversion", matches)?;

    let region_names: BTreeMap<&str, &str> = pipeline
        .sources
        .iter()
        .flat_map(|source| &source.layout.layout.region_names)
        .map(|(code, name)| (code.as_str(), name.as_str()))
        .collect();
    let mut rows = Rows::of("trade.region");
    for code in regions.texts() {
        rows.text(code).text(region_names.get(code).copied().unwrap_or(code));
    }
    table(&mut output, "trade.region", rows)?;

    let mut n_sources: BTreeMap<u32, usize> = BTreeMap::new();
    for conversion in harmony.conversions.values() {
        let is_split = conversion.targets.len() > 1;
        for (code, weight) in &conversion.targets {
            if !is_split || *weight > 0 {
                *n_sources.entry(packed::number_of(*code)).or_default() += 1;
            }
        }
    }
    let mut rows = Rows::of("trade.product");
    for (number, is_traded) in (0u32..).zip(&harmony.is_traded) {
        if !is_traded.load(Ordering::Relaxed) {
            continue;
        }
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
