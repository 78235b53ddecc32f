//! Records brought to the target revision, and summed.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::record_store::{
    Group, NO_WORD, RecordStore, ReportedCode, Row, Texts, WORDS, by_place,
};
use super::conversions::Conversions;
use super::products::Products;
use super::split::split;
use super::sum_table::SumTable;
use super::table_columns::{
    ColumnTexts, DESTINATION, FIRM, MONTH_NUMBERS, OWNERSHIP, Summed, TRADE_MODE, TableColumns,
    YearFiles, YearWriter,
};
use lake::{DataFile, NO_COUNT, Pool, Texts as _};
use project::config::Parts;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use trade::{Conversion, Money};

/// Rows whose sums a thread makes before they are written.
const CHUNK_ROWS: usize = 1 << 14;

/// The sums of a year.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct YearSums {
    pub(super) year: i32,
    /// Of each of [`TABLES`](super::table_columns::TABLES), if it has rows.
    pub(super) files: Vec<Option<DataFile>>,
    /// Each reported code, and the value reported under it.
    pub(super) reported: BTreeMap<ReportedCode, Money>,
    /// The products that have rows.
    pub(super) traded: BTreeSet<String>,
    /// The regions that have some.
    pub(super) regions: BTreeSet<String>,
}

/// Where the files of each year go.
pub(super) enum YearContexts<'a> {
    /// Among those of the stage, whatever the year.
    Whole(&'a Context<'a>),
    /// Among those of the unit that the year is; no other years are summed.
    ByYear(BTreeMap<i32, Context<'a>>),
}

impl<'a> YearContexts<'a> {
    fn has(&self, year: i32) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::ByYear(years) => years.contains_key(&year),
        }
    }

    /// That of a year, if it is summed.
    fn of(&self, year: i32) -> Result<&Context<'a>, StageError> {
        match self {
            Self::Whole(context) => Ok(context),
            Self::ByYear(years) => years
                .get(&year)
                .ok_or_else(|| StageError::Data(format!("the year {year} is not to be summed"))),
        }
    }
}

fn n_texts(texts: &impl lake::Texts) -> u64 {
    texts.n_texts() as u64
}

/// The products that a reported code is brought to.
struct Target<'a> {
    conversion: &'a Conversion<String>,
    /// By place, in the order of the conversion.
    products: Vec<u32>,
}

/// How codes are brought to the target revision, and words to their places.
pub(super) struct Harmonizer<'a> {
    /// By number of revision and code.
    targets: Vec<Target<'a>>,
    /// The product of each, if none has several.
    single: Option<Vec<u32>>,
    regions: &'a Texts,
    words: &'a [Texts; WORDS.len()],
    /// Places of ownership and trade mode, by number of both; for none the place after the last.
    kinds: Vec<(u64, u64)>,
    products: Products,
    /// Products that have rows.
    is_traded: Vec<AtomicBool>,
    parts: Parts,
    /// Memory that is used again.
    scratch: Pool<Scratch>,
    summed: Pool<Summed>,
}

impl<'a> Harmonizer<'a> {
    /// For what is in `store`, of which each revision with a code has a conversion.
    pub(super) fn new(
        parts: Parts,
        conversions: &'a Conversions,
        store: &RecordStore,
        regions: &'a Texts,
        words: &'a [Texts; WORDS.len()],
    ) -> Result<Self, StageError> {
        let products = Products::of(conversions);
        let targets = store.codes.iter().map(|code| {
            let conversion = conversions.get(code).ok_or_else(|| {
                StageError::Data("a code appeared after the codes were read".to_owned())
            })?;
            let targets = conversion.targets.iter();
            let products = targets.map(|(code, _)| products.place(code)).collect();
            Ok(Target { conversion, products })
        });
        let place = |kind: usize, number: u32| match words[kind].place(number) {
            NO_WORD => n_texts(&words[kind]),
            place => u64::from(place),
        };
        let kinds = store.kinds.iter();
        let targets: Vec<Target<'_>> = targets.collect::<Result<_, StageError>>()?;
        let product = |target: &Target<'_>| match target.products[..] {
            [product] => Some(product),
            _ => None,
        };
        Ok(Self {
            single: targets.iter().map(product).collect(),
            targets,
            regions,
            words,
            kinds: kinds
                .map(|&(owner, mode)| (place(OWNERSHIP, owner), place(TRADE_MODE, mode)))
                .collect(),
            is_traded: (0..n_texts(&products)).map(|_| AtomicBool::new(false)).collect(),
            products,
            parts,
            scratch: Pool::default(),
            summed: Pool::default(),
        })
    }

    /// What the codes of columns stand for.
    fn texts(&self) -> ColumnTexts<'_> {
        ColumnTexts { regions: self.regions, words: self.words, products: &self.products }
    }

    /// The products that have rows in the sums since this was asked last.
    fn take_traded(&self) -> BTreeSet<String> {
        let products = self.products.codes().iter().zip(&self.is_traded);
        let traded = products.filter(|(_, is_traded)| is_traded.swap(false, Ordering::Relaxed));
        traded.map(|(code, _)| code.clone()).collect()
    }

    /// Sums the years that have a context, and writes their files.
    pub(super) fn sum_years(
        &self,
        contexts: &YearContexts<'_>,
        store: &RecordStore,
    ) -> Result<Vec<YearSums>, StageError> {
        let mut years = store.groups(self.regions);
        years.retain(|&year, _| contexts.has(year));
        let largest = years.values().flatten().map(|group| group.n_rows).max().unwrap_or(0);
        let chunk_rows = CHUNK_ROWS * rayon::current_num_threads();
        let chunks = years.iter().flat_map(|(&year, groups)| {
            let mut n_rows = 0;
            let is_room = move |group: &Group, _: &Group| {
                n_rows += group.n_rows;
                let is_room = n_rows < chunk_rows;
                n_rows *= usize::from(is_room);
                is_room
            };
            groups.chunk_by(is_room).map(move |chunk| (year, chunk))
        });
        let mut writer = YearWriter::new();
        let mut last: Option<(i32, Vec<Summed>)> = None;
        let mut making = BTreeMap::new();
        let mut traded: BTreeMap<i32, BTreeSet<String>> = BTreeMap::new();
        for (year, chunk) in chunks {
            if !making.contains_key(&year) {
                making = BTreeMap::from([(year, contexts.of(year)?.making(&year.to_string()))]);
            }
            if let Some((before, _)) = last.as_ref().filter(|(before, _)| *before != year) {
                traded.insert(*before, self.take_traded());
            }
            // One chunk is written while the next is summed.
            let (written, summed) = rayon::join(
                || match &last {
                    Some((year, summed)) => {
                        writer.add(*year, summed, self.texts(), contexts.of(*year)?)
                    }
                    None => Ok(()),
                },
                || self.sum_all(store, chunk, largest),
            );
            written?;
            if let Some((_, summed)) = last.replace((year, summed?)) {
                summed.into_iter().for_each(|used| self.summed.recycle(used));
            }
        }
        if let Some((year, summed)) = &last {
            traded.insert(*year, self.take_traded());
            writer.add(*year, summed, self.texts(), contexts.of(*year)?)?;
        }
        let written = writer.finish(self.texts())?;
        let region = |group: &Group| self.regions.text(group.region).to_owned();
        let sums = |YearFiles { year, files }: YearFiles<'_>| {
            // Stages read years by themselves, whatever the sums are made from.
            let named = |file| DataFile { unit: Some(year.to_string()), ..file };
            let files = files
                .into_iter()
                .map(|file| file.map(|file| Ok::<_, StageError>(named(file.wait()?))).transpose());
            Ok(YearSums {
                year,
                files: files.collect::<Result<_, StageError>>()?,
                reported: store.reported.get(&year).cloned().unwrap_or_default(),
                traded: traded.remove(&year).unwrap_or_default(),
                regions: years.get(&year).into_iter().flatten().map(region).collect(),
            })
        };
        written.into_iter().map(sums).collect()
    }

    /// The sums of each group, of which none has more than `largest` rows.
    fn sum_all(
        &self,
        store: &RecordStore,
        groups: &[Group],
        largest: usize,
    ) -> Result<Vec<Summed>, StageError> {
        let sum = |group: &Group| {
            let mut scratch = self.scratch.take().unwrap_or_default();
            let mut summed = self.summed.take().unwrap_or_default();
            scratch.rows.clear();
            // Memory that grows is copied, and what it had lies idle.
            scratch.rows.reserve(largest);
            store.rows(group, &mut scratch.rows)?;
            self.sum(group.region, &mut scratch, &mut summed);
            self.scratch.recycle(scratch);
            Ok(summed)
        };
        groups.par_iter().map(sum).collect()
    }

    /// The sums of the rows in `work`.
    #[expect(clippy::too_many_lines, reason = "one loop over cells, whose columns stay at hand")]
    fn sum(&self, region: u32, work: &mut Scratch, summed: &mut Summed) {
        summed.tables.iter_mut().for_each(TableColumns::clear);
        self.divide(work);
        by_product(work, self.is_traded.len());
        let [
            cells,
            by_destination,
            by_ownership,
            by_trade_mode,
            by_both,
            by_firm,
            by_month,
            totals,
        ] = &mut summed.tables;
        let Scratch { sorted, destinations, firms, pairs, modes, .. } = work;
        let parts = self.parts;
        let [n_owners, n_modes] = [OWNERSHIP, TRADE_MODE].map(|kind| n_texts(&self.words[kind]));
        destinations.begin(n_texts(&self.words[DESTINATION]));
        firms.begin(n_texts(&self.words[FIRM]));
        pairs.begin((n_owners + 1).saturating_mul(n_modes + 1));
        modes.begin(n_modes);
        let code = |place: u64| u32::try_from(place).unwrap_or(NO_WORD);
        let (mut total, mut n_products, mut n_records) = (0, 0, 0);
        for of_cell in sorted.chunk_by(|a, b| a.code() == b.code()) {
            let at = of_cell[0].code();
            let product = u32::try_from(at).unwrap_or(NO_WORD);
            self.is_traded[at].store(true, Ordering::Relaxed);
            let value: i128 = of_cell.iter().map(|part| i128::from(part.value)).sum();
            let n: i64 = of_cell.iter().map(|part| i64::from(part.n)).sum();
            let whole = (value > 0).then(|| Money::from_hundredths(value).to_f64());
            let cell = (region, product);
            let mut counts = [NO_COUNT; 2];
            if parts.needs_destinations() {
                let words = of_cell.iter().map(|part| (part.destination, part.value));
                let n = destinations.of_words(&self.words[DESTINATION], words, |place, sum| {
                    if parts.destination {
                        by_destination.part(cell, &[code(place)], sum, whole);
                    }
                });
                if parts.counts_destinations {
                    counts[0] = n;
                }
            }
            if parts.ownership || parts.trade_mode || parts.ownership_trade_mode {
                for part in of_cell {
                    let (owner, mode) = self.kinds[part.kind as usize];
                    pairs.add(owner * (n_modes + 1) + mode, part.value);
                }
                let mut of_owner: Option<(u64, i128)> = None;
                let mut put_owner = |of_owner: Option<(u64, i128)>| {
                    if let Some((owner, sum)) = of_owner
                        && parts.ownership
                        && owner < n_owners
                    {
                        by_ownership.part(cell, &[code(owner)], sum, whole);
                    }
                };
                pairs.drain(|pair, sum| {
                    let (owner, mode) = (pair / (n_modes + 1), pair % (n_modes + 1));
                    match &mut of_owner {
                        Some((last, of_last)) if *last == owner => *of_last += sum,
                        _ => put_owner(of_owner.replace((owner, sum))),
                    }
                    if mode < n_modes {
                        if parts.trade_mode {
                            modes.add_sum(mode, sum);
                        }
                        if parts.ownership_trade_mode && owner < n_owners {
                            by_both.part(cell, &[code(owner), code(mode)], sum, whole);
                        }
                    }
                });
                put_owner(of_owner);
                modes.drain(|mode, sum| by_trade_mode.part(cell, &[code(mode)], sum, whole));
            }
            if parts.needs_firms() {
                let words = of_cell.iter().map(|part| (part.firm, part.value));
                let n = firms.of_words(&self.words[FIRM], words, |place, sum| {
                    if parts.firm {
                        by_firm.part(cell, &[code(place)], sum, whole);
                    }
                });
                if parts.counts_firms {
                    counts[1] = n;
                }
            }
            if parts.month {
                let mut months = [None; MONTH_NUMBERS.len()];
                for part in of_cell {
                    *months[part.month() as usize].get_or_insert(0) += i128::from(part.value);
                }
                for (month, sum) in (0..).zip(months).skip(1) {
                    if let Some(sum) = sum {
                        by_month.region.push(region);
                        by_month.product.push(product);
                        by_month.words[0].push(month);
                        by_month.value.push(sum);
                    }
                }
            }
            cells.region.push(region);
            cells.product.push(product);
            cells.value.push(value);
            for (column, count) in cells.counts.iter_mut().zip([n, counts[0], counts[1]]) {
                column.push(count);
            }
            total += value;
            n_products += i64::from(value > 0);
            n_records += n;
        }
        totals.region.push(region);
        totals.value.push(total);
        totals.counts[0].push(n_products);
        totals.counts[1].push(n_records);
    }

    /// Makes of the rows in `work` their parts, with the places of products for codes.
    fn divide(&self, work: &mut Scratch) {
        let Scratch { rows, parts, .. } = work;
        if let Some(products) = &self.single {
            for row in rows {
                row.set_code(products[row.code()]);
            }
            return;
        }
        parts.clear();
        for row in &*rows {
            let Target { conversion, products } = &self.targets[row.code()];
            if let [product] = products[..] {
                parts.push(row.part(product, row.value));
                continue;
            }
            let value = Money::from_hundredths(i128::from(row.value));
            // A part is no larger than its row.
            split(conversion, value, |at, value| {
                let value = i64::try_from(value.hundredths()).unwrap_or(row.value);
                parts.push(row.part(products[at], value));
            });
        }
        std::mem::swap(rows, parts);
    }
}

/// Memory for the sums of one region after the other.
#[derive(Default)]
struct Scratch {
    rows: Vec<Row>,
    parts: Vec<Row>,
    /// By product.
    sorted: Vec<Row>,
    places: Vec<usize>,
    destinations: SumTable,
    firms: SumTable,
    /// Ownerships with trade modes.
    pairs: SumTable,
    modes: SumTable,
}

/// Brings the parts of a product together, in the order of the products: by counting, where there
/// are not many more products than parts.
fn by_product(Scratch { rows, sorted, places, .. }: &mut Scratch, n_products: usize) {
    if n_products > 4 * rows.len() {
        sorted.clear();
        sorted.extend_from_slice(rows);
        sorted.sort_unstable_by_key(Row::code);
    } else {
        by_place(rows, n_products, Row::code, places, sorted);
    }
}
