//! What the digits of codes tell: several levels in one table, and lost zeros.

use super::finding::{Dimension, Finding, Kind, Part};
use super::side::{Side, is_sum};
use std::collections::{BTreeMap, BTreeSet};

/// The share of the value of codes with longer ones below them that must be the sum of these.
const SUMMED: f64 = 0.5;

/// The share of labels that may be no codes: a total, a rest.
const NO_CODES: usize = 10;

/// Codes of several levels.
pub(super) struct Nested {
    /// By label, whether it is a sum of longer codes.
    pub(super) is_upper: Vec<bool>,
    /// Digits of the upper levels.
    lengths: BTreeSet<usize>,
    pub(super) finding: Finding,
}

/// The labels of a side that are digits alone, by place.
fn codes<'a>(side: &Side<'a>) -> Vec<(usize, &'a str)> {
    let labels = side.axis.labels.iter().enumerate();
    let is_code = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    labels.map(|(at, text)| (at, text.as_str())).filter(|(_, text)| is_code(text)).collect()
}

/// Whether nearly all labels are codes.
fn are_codes(side: &Side<'_>, codes: &[(usize, &str)]) -> bool {
    !codes.is_empty() && codes.len() * NO_CODES >= side.n_labels() * (NO_CODES - 1)
}

/// A code without pairs of zeros at its end, which stand for all that is below it.
fn unpadded(code: &str) -> &str {
    let mut short = code;
    while short.len() > 2
        && let Some(rest) = short.strip_suffix("00")
    {
        short = rest;
    }
    short
}

/// What the codes below another come to.
struct Below {
    /// By period.
    sums: Vec<f64>,
    n_codes: usize,
}

/// Codes of one length that have longer ones below them.
#[derive(Default)]
struct Level {
    labels: BTreeSet<usize>,
    /// Their value, and how much of it is the sum of what is below.
    value: f64,
    summed: f64,
    /// Codes below those that are sums.
    n_below: usize,
    n_summed: usize,
}

/// The sums of longer codes below each shorter one, by its label and their length.
fn below(side: &Side<'_>, codes: &[(usize, &str)]) -> BTreeMap<(usize, usize), Below> {
    let places: BTreeMap<&str, usize> = codes.iter().map(|(at, code)| (*code, *at)).collect();
    let lengths: BTreeSet<usize> = codes.iter().map(|(_, code)| code.len()).collect();
    let mut found: BTreeMap<(usize, usize), Below> = BTreeMap::new();
    for &(label, code) in codes {
        for &length in lengths.range(..code.len()) {
            let Some(&upper) = code.get(..length).and_then(|prefix| places.get(prefix)) else {
                continue;
            };
            let below = found
                .entry((upper, code.len()))
                .or_insert_with(|| Below { sums: vec![0.0; side.n_periods], n_codes: 0 });
            below.n_codes += 1;
            for (period, sum) in below.sums.iter_mut().enumerate() {
                *sum += side.value(label, period);
            }
        }
    }
    found
}

/// The levels that are sums of lower ones, by digits.
fn levels(side: &Side<'_>, codes: &[(usize, &str)]) -> BTreeMap<usize, Level> {
    let found = below(side, codes);
    let uppers: BTreeSet<usize> = found.keys().map(|(upper, _)| *upper).collect();
    let mut levels: BTreeMap<usize, Level> = BTreeMap::new();
    for &(label, code) in codes.iter().filter(|(label, _)| uppers.contains(label)) {
        let level = levels.entry(code.len()).or_default();
        level.labels.insert(label);
        let of_label = || found.range((label, 0)..=(label, usize::MAX)).map(|(_, below)| below);
        let mut is_summed = false;
        for period in 0..side.n_periods {
            let value = side.value(label, period);
            level.value += value.abs();
            let is_total = |below: &&Below| is_sum(below.sums[period], value);
            if value > 0.0 && of_label().any(|below| is_total(&below)) {
                level.summed += value;
                is_summed = true;
            }
        }
        if is_summed {
            level.n_summed += 1;
            level.n_below += of_label().map(|below| below.n_codes).max().unwrap_or(0);
        }
    }
    // Where each has one code below it, the same is there twice, or by chance.
    levels.retain(|_, level| level.summed > SUMMED * level.value && level.n_below > level.n_summed);
    levels
}

/// Several levels of products, of which the upper ones are the sums of the lower ones.
pub(super) fn nested_levels(side: &Side<'_>) -> Option<Nested> {
    if side.axis.dimension != Dimension::Product {
        return None;
    }
    let mut codes = codes(side);
    let lengths: BTreeSet<usize> = codes.iter().map(|(_, code)| code.len()).collect();
    let is_padded = lengths.len() == 1 && lengths.iter().all(|n| n % 2 == 0);
    if is_padded {
        codes.iter_mut().for_each(|(_, code)| *code = unpadded(code));
    }
    let found = levels(side, &codes);
    if found.is_empty() {
        return None;
    }
    let mut is_upper = vec![false; side.n_labels()];
    let labels = found.values().flat_map(|level| &level.labels);
    labels.for_each(|&label| is_upper[label] = true);
    let uppers = || (0..is_upper.len()).filter(|&label| is_upper[label]);
    let value = uppers().map(|label| side.total(label)).sum();
    let part = Part { value, whole: side.whole() };
    let n = uppers().count();
    let lengths: BTreeSet<usize> = found.keys().copied().collect();
    let longest = codes.iter().map(|(_, code)| code.len()).max().unwrap_or(0);
    let short: Vec<String> = lengths.iter().map(usize::to_string).collect();
    let (short, padded) =
        (short.join(" and "), if is_padded { ", filled up by zeros," } else { "" });
    let said = format!(
        "products are there at several levels: the {n} codes of {short} digits{padded} are the sums of longer ones that \
         begin with them, up to {longest} digits ({}): keep one level, in a layout by `rules` and `exclude`, in `measure`, \
         `resilience` and `estimate` by --where",
        part.percent()
    );
    let name = format!("{short} of {longest} digits");
    let finding = Finding::new(Kind::NestedLevels, Dimension::Product, name, n, part).saying(said);
    Some(Nested { is_upper, lengths, finding })
}

/// Codes of one length.
#[derive(Default)]
struct OfLength {
    n: usize,
    value: f64,
    has_zero: bool,
}

/// Whether codes count without a gap, as numbers of things do.
fn are_counted(codes: &[(usize, &str)]) -> bool {
    let numbers: BTreeSet<u64> = codes.iter().filter_map(|(_, code)| code.parse().ok()).collect();
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => last - first < numbers.len() as u64,
        _ => false,
    }
}

/// Codes that lost their leading zeros, by the lengths of those with and without.
pub(super) fn mixed_lengths(side: &Side<'_>, nested: Option<&Nested>) -> Vec<Finding> {
    let codes = codes(side);
    if !are_codes(side, &codes) || are_counted(&codes) {
        return Vec::new();
    }
    let mut by_length: BTreeMap<usize, OfLength> = BTreeMap::new();
    for &(label, code) in &codes {
        let of = by_length.entry(code.len()).or_default();
        of.n += 1;
        of.value += side.total(label);
        of.has_zero |= code.starts_with('0');
    }
    let dimension = side.axis.dimension;
    let is_product = dimension == Dimension::Product;
    // Regions and destinations are numbered in many ways.
    let is_plain = is_product || by_length.len() == 2 && by_length.keys().all(|&n| n > 2);
    let is_nested = |n: usize| nested.is_some_and(|nested| nested.lengths.contains(&n));
    let whole = side.whole();
    let mut found = Vec::new();
    for (&length, short) in by_length.iter().filter(|(n, _)| *n % 2 == 1) {
        let Some(long) = by_length.get(&(length + 1)) else { continue };
        if !is_plain || short.has_zero || is_nested(length) {
            continue;
        }
        let (part, of_long) =
            (Part { value: short.value, whole }, Part { value: long.value, whole });
        let name = format!("{length} and {} digits", length + 1);
        let said = format!(
            "{dimension}s have codes of {length} digits ({}, {}) and of {} ({}, {}): the shorter ones seem to have lost a \
             leading zero; give it back, in a layout by `restore_leading_zero`, elsewhere by writing codes as text",
            short.n,
            part.percent(),
            length + 1,
            long.n,
            of_long.percent()
        );
        let finding = Finding::new(Kind::MixedLengths, dimension, name, short.n, part);
        found.push(finding.saying(said));
    }
    found
}
