//! The sums of all years, and the tables of a few rows beside them.

use super::super::context::{Context, Made, Output};
use super::super::error::StageError;
use super::super::record_store::{Interner, RecordStore, code_of, number_of, revision_and_code};
use super::super::rows::{Rows, table};
use super::harmonizer::{Harmonizer, YearSums};
use super::params::Params;
use super::quantities;
use super::table_columns::TABLES;
use super::tables::{HsConversion, HsConversionRow, Product, ProductRow, Region, RegionRow};
use lake::DataFile;
use project::config::choice::Choice;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trade::{Conversion, Hs6, HsRevision, MatchKind, Money};

/// The sums of years, the products that have some, and the regions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AllSums {
    pub(super) years: Vec<YearSums>,
    pub(super) traded: BTreeSet<u32>,
    pub(super) regions: BTreeSet<String>,
}

/// Sums all records in `store`, and writes the files of their years.
pub(super) fn all_sums(
    params: &Params,
    context: &Context<'_>,
    store: &RecordStore,
    conversions: &BTreeMap<u32, Conversion>,
) -> Result<AllSums, StageError> {
    let regions = store.regions.in_order();
    let words = store.words.each_ref().map(Interner::in_order);
    let harmonizer =
        Harmonizer::new(params.aggregate.made(), conversions, store, &regions, &words)?;
    let years = harmonizer.sum_years(context, store)?;
    let traded = harmonizer.traded().collect();
    Ok(AllSums { years, traded, regions: regions.texts().map(str::to_owned).collect() })
}

/// The tables: those of the years, and those of a few rows.
pub(super) fn finish(
    params: &Params,
    context: &Context<'_>,
    conversions: &BTreeMap<u32, Conversion>,
    sums: AllSums,
    texts: &BTreeMap<Hs6, String>,
) -> Result<Output, StageError> {
    let mut made: BTreeMap<&'static str, Vec<DataFile>> = BTreeMap::new();
    let mut matches = Rows::default();
    for YearSums { year, files, reported } in sums.years {
        for (name, file) in TABLES.into_iter().zip(files) {
            made.entry(name).or_default().extend(file);
        }
        add_matches(&mut matches, params, year, &reported, conversions, texts);
    }
    let of_quantities = if params.aggregate.quantities {
        quantities::rows(context, &params.aggregate.flow.name(), conversions)?
    } else {
        Rows::default()
    };
    let mut output: Output =
        made.into_iter().map(|(name, files)| (name, Made::Files(files))).collect();
    table(&mut output, matches)?;
    table(&mut output, of_quantities)?;
    table(&mut output, regions(params, &sums.regions))?;
    table(&mut output, products(&sums.traded, conversions, texts))?;
    Ok(output)
}

/// Codes of a revision that are brought to the target in the same way.
#[derive(Default)]
struct Matched {
    n_codes: usize,
    value: Money,
}

/// Adds how the codes of a year were brought to the target revision.
fn add_matches(
    rows: &mut Rows<HsConversion>,
    params: &Params,
    year: i32,
    reported: &BTreeMap<u32, Money>,
    conversions: &BTreeMap<u32, Conversion>,
    texts: &BTreeMap<Hs6, String>,
) {
    let harmonize = &params.harmonize;
    let (target, method) = (*harmonize.target_revision, (*harmonize.method).to_string());
    let mut kinds: BTreeMap<(HsRevision, &'static str), Matched> = BTreeMap::new();
    let mut total = Money::ZERO;
    for (&number, &value) in reported {
        let (revision, code) = revision_and_code(number);
        let is_known = revision != target || texts.contains_key(&code);
        let kind = match conversions.get(&number) {
            Some(conversion) if is_known => conversion.kind,
            _ => MatchKind::Unlisted,
        };
        let sum = kinds.entry((revision, kind.code())).or_default();
        sum.n_codes += 1;
        sum.value += value;
        total += value;
    }
    for ((revision, kind), Matched { n_codes, value }) in kinds {
        rows.push(HsConversionRow {
            year,
            hs_revision: revision.name(),
            kind,
            target_revision: target.name(),
            method: &method,
            n_codes,
            fob_value: value,
            value_share: (total > Money::ZERO).then(|| value.to_f64() / total.to_f64()),
        });
    }
}

fn regions(params: &Params, codes: &BTreeSet<String>) -> Rows<Region> {
    let mut rows = Rows::default();
    for code in codes {
        rows.push(RegionRow {
            region_code: code,
            region_name: params.regions.get(code).unwrap_or(code),
        });
    }
    rows
}

fn products(
    traded: &BTreeSet<u32>,
    conversions: &BTreeMap<u32, Conversion>,
    texts: &BTreeMap<Hs6, String>,
) -> Rows<Product> {
    let mut n_sources: BTreeMap<u32, usize> = BTreeMap::new();
    for conversion in conversions.values() {
        let is_split = conversion.targets.len() > 1;
        for (code, weight) in &conversion.targets {
            if !is_split || *weight > 0 {
                *n_sources.entry(number_of(*code)).or_default() += 1;
            }
        }
    }
    let mut rows = Rows::default();
    for number in traded {
        let product = code_of(*number);
        let description = texts.get(&product).map(String::as_str);
        rows.push(ProductRow {
            product: product.as_str(),
            heading: product.heading(),
            chapter: product.chapter(),
            description,
            is_listed: description.is_some(),
            n_codes: n_sources.get(number).copied().unwrap_or(1),
        });
    }
    rows
}
