//! The sums of all years, and the tables of a few rows beside them.

use super::super::context::{Context, Made, Output};
use super::super::error::StageError;
use super::super::record_store::{Interner, RecordStore, ReportedCode};
use super::super::rows::{Rows, table};
use super::conversions::Conversions;
use super::harmonizer::{Harmonizer, YearContexts, YearSums};
use super::params::Params;
use super::quantities;
use super::table_columns::TABLES;
use super::tables::{CodeConversion, CodeConversionRow, Product, ProductRow, Region, RegionRow};
use lake::DataFile;
use project::config::choice::Choice;
use std::collections::{BTreeMap, BTreeSet};
use trade::{MatchKind, Money, TargetRevision};

/// Sums the records in `store` of the years that have a context, and writes their files.
pub(super) fn sum(
    params: &Params,
    contexts: &YearContexts<'_>,
    store: &RecordStore,
    conversions: &Conversions,
) -> Result<Vec<YearSums>, StageError> {
    let regions = store.regions.in_order();
    let words = store.words.each_ref().map(Interner::in_order);
    let harmonizer =
        Harmonizer::new(params.aggregate.made(), conversions, store, &regions, &words)?;
    harmonizer.sum_years(contexts, store)
}

/// The tables: those of the years, which ascend, and those of a few rows. Quantities are of the
/// records that `context` has.
pub(super) fn finish(
    params: &Params,
    context: &Context<'_>,
    conversions: &Conversions,
    sums: Vec<YearSums>,
    texts: &BTreeMap<String, String>,
) -> Result<Output, StageError> {
    let mut made: BTreeMap<&'static str, Vec<DataFile>> = BTreeMap::new();
    let mut matches = Rows::default();
    let (mut all_traded, mut all_regions) = (BTreeSet::new(), BTreeSet::new());
    for YearSums { year, files, reported, traded, regions } in sums {
        all_traded.extend(traded);
        all_regions.extend(regions);
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
    table(&mut output, regions(params, &all_regions))?;
    table(&mut output, products(params, &all_traded, conversions, texts))?;
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
    rows: &mut Rows<CodeConversion>,
    params: &Params,
    year: i32,
    reported: &BTreeMap<ReportedCode, Money>,
    conversions: &Conversions,
    texts: &BTreeMap<String, String>,
) {
    let harmonize = &params.harmonize;
    let (target, method) = (*harmonize.target_revision, (*harmonize.method).to_string());
    // Codes of another classification than HS stay what they are.
    let other = params.classification.to_string();
    let mut kinds: BTreeMap<(&str, &'static str), Matched> = BTreeMap::new();
    let mut total = Money::ZERO;
    for (reported, &value) in reported {
        let revision = reported.revision;
        let is_of_target = revision.map(TargetRevision::Hs) == Some(target);
        let is_known = !is_of_target || texts.contains_key(&reported.code);
        let kind = match conversions.get(reported) {
            Some(conversion) if is_known => conversion.kind,
            _ => MatchKind::Unlisted,
        };
        let name = match revision {
            Some(revision) => revision.name(),
            None => other.as_str(),
        };
        let of = (name, kind.code());
        let sum = kinds.entry(of).or_default();
        sum.n_codes += 1;
        sum.value += value;
        total += value;
    }
    for ((revision, kind), Matched { n_codes, value }) in kinds {
        rows.push(CodeConversionRow {
            year,
            revision,
            kind,
            target_revision: if revision == other { revision } else { target.name() },
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

/// The products, with their groups and what they are called: a layout's labels stand over official
/// texts.
fn products(
    params: &Params,
    traded: &BTreeSet<String>,
    conversions: &Conversions,
    texts: &BTreeMap<String, String>,
) -> Rows<Product> {
    let classification = &params.classification;
    let is_hs = classification.is_hs();
    let mut n_sources: BTreeMap<&str, usize> = BTreeMap::new();
    for conversion in conversions.values() {
        let is_split = conversion.targets.len() > 1;
        for (code, weight) in &conversion.targets {
            if !is_split || *weight > 0 {
                *n_sources.entry(code).or_default() += 1;
            }
        }
    }
    let mut rows = Rows::default();
    for product in traded {
        let of_hs = |n: usize| product.get(..n).filter(|_| is_hs);
        let official =
            |code: &str| texts.get(code).map(String::as_str).filter(|text| !text.is_empty());
        let group = classification.group(product);
        rows.push(ProductRow {
            product,
            hs6: of_hs(6),
            hs4: of_hs(4),
            hs2: of_hs(2),
            product_subgroup: classification.subgroup(product),
            product_group: group,
            group_name: group
                .and_then(|group| classification.label(group).or_else(|| official(group))),
            description: classification.label(product).or_else(|| official(product)),
            is_listed: if is_hs || !texts.is_empty() {
                Some(texts.contains_key(product))
            } else {
                classification.lists(product)
            },
            n_codes: n_sources.get(product.as_str()).copied().unwrap_or(1),
        });
    }
    rows
}
