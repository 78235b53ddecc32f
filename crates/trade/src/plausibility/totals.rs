//! Labels that are totals of the others, or of some of them.

use super::finding::{Finding, Kind, Part, shown};
use super::side::{Cell, Cells, Side, is_sum};
use super::subtotals::{self, Subtotal};
use std::collections::{BTreeMap, BTreeSet};

/// The share of a label's value that must stand in cells where it is the sum of the others.
const SUMMED: f64 = 0.9;

/// The share of all from which on a label is taken for the total that its name says.
const NAMED: f64 = 0.4;

/// How many totals one table may have beside each other.
const MOST: usize = 4;

/// Labels that a message names.
const EXAMPLES: usize = 3;

/// Names of totals, in lower case.
const NAMES: [&str; 21] = [
    "w00",
    "wld",
    "world",
    "total",
    "totals",
    "totaux",
    "all",
    "sum",
    "todos",
    "todas",
    "mundo",
    "welt",
    "monde",
    "gesamt",
    "insgesamt",
    "全国",
    "合计",
    "总计",
    "总值",
    "总额",
    "全部",
];

/// How names of totals begin.
const BEGINNINGS: [&str; 3] = ["total ", "all ", "sum of "];

/// Whether a label is called as totals of all others are: `W00`, `World`, `TOTAL`, `All countries`.
pub fn is_named_total(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let begins = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    // "All other countries" are a part.
    NAMES.contains(&text.as_str()) || begins && !text.contains("other")
}

/// The labels of a side that are looked at.
struct Looked<'s, 'a> {
    side: &'s Side<'a>,
    /// By label, whether it is left out; empty: none is.
    is_out: &'s [bool],
}

impl Looked<'_, '_> {
    fn has(&self, label: usize) -> bool {
        !self.is_out.get(label).copied().unwrap_or(false)
    }

    fn labels(&self) -> impl Iterator<Item = usize> {
        (0..self.side.n_labels()).filter(|&label| self.has(label))
    }

    /// Labels with a value in a period.
    fn standing(&self, period: usize) -> impl Iterator<Item = (usize, f64)> {
        let value = move |label| (label, self.side.value(label, period));
        self.labels().map(value).filter(|(_, value)| value.abs() > 0.0)
    }

    /// The periods in which a label has a value.
    fn periods(&self, label: usize) -> impl Iterator<Item = usize> {
        (0..self.side.n_periods).filter(move |&at| self.side.value(label, at).abs() > 0.0)
    }

    /// The totals of a period: the largest labels, each the sum of those that are none.
    fn totals_of(&self, period: usize) -> BTreeSet<usize> {
        let mut largest: Vec<(usize, f64)> = Vec::with_capacity(MOST + 1);
        let (mut n, mut sum) = (0, 0.0);
        for (label, value) in self.standing(period) {
            n += 1;
            sum += value;
            let at = largest.partition_point(|(_, other)| *other >= value);
            largest.insert(at, (label, value));
            largest.truncate(MOST);
        }
        for k in 1..=largest.len() {
            let parts = sum - largest[..k].iter().map(|(_, value)| value).sum::<f64>();
            let is_total = |(_, value): &(usize, f64)| *value > 0.0 && is_sum(parts, *value);
            // Two labels of one value are no total, nor are three.
            if n > 2 * k && largest[..k].iter().all(is_total) {
                return largest[..k].iter().map(|(label, _)| *label).collect();
            }
        }
        BTreeSet::new()
    }

    /// The labels that are totals in every period in which they stand, each with how many totals
    /// there are beside each other in each period.
    fn candidates(&self) -> BTreeMap<usize, Vec<usize>> {
        let by_period: Vec<BTreeSet<usize>> =
            (0..self.side.n_periods).map(|period| self.totals_of(period)).collect();
        let all: BTreeSet<usize> = by_period.iter().flatten().copied().collect();
        let is_always =
            |&label: &usize| self.periods(label).all(|at| by_period[at].contains(&label));
        let n_totals: Vec<usize> = by_period.iter().map(BTreeSet::len).collect();
        all.into_iter().filter(is_always).map(|label| (label, n_totals.clone())).collect()
    }

    /// Those of `candidates` that are the sums of the others in nearly all their cells, too.
    fn summed<C: Iterator<Item = Cell> + Clone>(
        &self,
        candidates: &BTreeMap<usize, Vec<usize>>,
        table: &Cells<'_, C>,
    ) -> BTreeSet<usize> {
        if candidates.is_empty() {
            return BTreeSet::new();
        }
        let side = self.side;
        let mut sums = vec![0.0; side.n_others * side.n_periods];
        let mut own: BTreeMap<(usize, usize, usize), f64> = BTreeMap::new();
        for cell in table.each() {
            let (label, other) = side.places(cell);
            if self.has(label) {
                sums[other * side.n_periods + cell.period] += cell.value;
            }
            if candidates.contains_key(&label) {
                *own.entry((label, other, cell.period)).or_default() += cell.value;
            }
        }
        let mut shares: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for ((label, other, period), value) in own {
            let (summed, all) = shares.entry(label).or_default();
            *all += value.abs();
            let n_totals = candidates.get(&label).and_then(|n| n.get(period)).copied().unwrap_or(1);
            let mut parts = sums[other * side.n_periods + period];
            (0..n_totals).for_each(|_| parts -= value);
            if is_sum(parts, value) {
                *summed += value.abs();
            }
        }
        let is_whole = |(_, (summed, all)): &(usize, (f64, f64))| *summed >= SUMMED * *all;
        shares.into_iter().filter(is_whole).map(|(label, _)| label).collect()
    }

    fn name(&self, label: usize) -> Option<&str> {
        self.side.axis.names.get(label).map(String::as_str)
    }

    /// The labels that are totals by name, and large enough.
    fn named(&self, totals: &BTreeSet<usize>) -> Vec<usize> {
        let is_named = |&label: &usize| {
            let texts = [Some(self.side.axis.labels[label].as_str()), self.name(label)];
            texts.into_iter().flatten().any(is_named_total)
        };
        let named: BTreeSet<usize> = self.labels().filter(is_named).collect();
        let is_large = |&label: &usize| {
            let mut own = 0.0;
            let mut others = 0.0;
            for period in self.periods(label) {
                own += self.side.value(label, period);
                let parts = self.standing(period);
                others += parts
                    .filter(|(other, _)| !named.contains(other) && !totals.contains(other))
                    .map(|(_, value)| value)
                    .sum::<f64>();
            }
            own > 0.0 && others > 0.0 && own >= NAMED * (own + others)
        };
        named.iter().copied().filter(|label| !totals.contains(label)).filter(is_large).collect()
    }
}

/// The totals among the labels of a side.
struct Totals {
    /// The sums of all others.
    summed: BTreeSet<usize>,
    /// The sums of some others.
    subtotals: Vec<Subtotal>,
    named: Vec<usize>,
    /// The labels that `summed` and `named` are the totals of.
    n_parts: [usize; 2],
}

impl Totals {
    fn of<C: Iterator<Item = Cell> + Clone>(
        looked: &Looked<'_, '_>,
        n: usize,
        table: &Cells<'_, C>,
    ) -> Self {
        let side = looked.side;
        let mut is_out: Vec<bool> = (0..side.n_labels()).map(|label| !looked.has(label)).collect();
        let mut summed = looked.summed(&looked.candidates(), table);
        summed.iter().for_each(|&label| is_out[label] = true);
        let mut subtotals = subtotals::by_codes(side, &is_out, table);
        subtotals.iter().for_each(|of| is_out[of.label] = true);
        let mut n_left_out = 0;
        if summed.is_empty() && !subtotals.is_empty() {
            let others = Looked { side, is_out: &is_out };
            summed = others.summed(&others.candidates(), table);
            n_left_out = subtotals.len();
            summed.iter().for_each(|&label| is_out[label] = true);
        }
        subtotals.extend(subtotals::by_values(side, &is_out, table));
        subtotals.sort_by_key(|of| of.label);
        let of_some = subtotals.iter().map(|of| of.label);
        let named = looked.named(&summed.iter().copied().chain(of_some).collect());
        let n_others = n - summed.len() - named.len();
        let n_parts = [n_others - n_left_out, n_others - subtotals.len()];
        Self { summed, subtotals, named, n_parts }
    }
}

/// A label and what it is called beside.
fn called(side: &Side<'_>, label: usize) -> String {
    let text = side.axis.labels[label].as_str();
    match side.axis.names.get(label) {
        Some(name) if name != text => format!("{} ({})", shown(text), shown(name)),
        _ => shown(text),
    }
}

/// Some of many labels.
fn such(side: &Side<'_>, labels: &[usize]) -> String {
    let some = labels.iter().take(EXAMPLES).map(|&label| shown(&side.axis.labels[label]));
    let some: Vec<String> = some.collect();
    let more = if labels.len() > EXAMPLES { " and others" } else { "" };
    format!("{}{more}", some.join(", "))
}

/// Labels that are the sums of some others: each, or one finding where they are many, as each may
/// be small.
fn of_some(side: &Side<'_>, subtotals: &[Subtotal]) -> Vec<Finding> {
    let (dimension, whole) = (side.axis.dimension, side.whole());
    let text = |label: usize| side.axis.labels[label].clone();
    if subtotals.len() > MOST {
        let labels: Vec<usize> = subtotals.iter().map(|of| of.label).collect();
        let parts: BTreeSet<usize> = subtotals.iter().flat_map(|of| &of.parts).copied().collect();
        let part = Part { value: labels.iter().map(|&label| side.total(label)).sum(), whole };
        let said = format!(
            "{} {dimension}s are the sums of other {dimension}s ({}; {} in all): leave them out, in a layout by `rules` \
             and `exclude`, in `measure`, `resilience` and `estimate` by --where",
            labels.len(),
            such(side, &labels),
            part.percent()
        );
        let texts: Vec<String> = labels.iter().map(|&label| text(label)).collect();
        let name = texts.iter().take(EXAMPLES).cloned().collect::<Vec<_>>().join(", ");
        let finding = Finding::new(Kind::TotalAmongParts, dimension, name, parts.len(), part);
        return vec![finding.of_some(texts).saying(said)];
    }
    let finding = |of: &Subtotal| {
        let part = Part { value: side.total(of.label), whole };
        let n = of.parts.len();
        let said = format!(
            "{dimension} {} is the sum of {n} other {dimension}{} ({}; {}): leave it out, in a layout by `rules` and \
             `exclude`, in `measure`, `resilience` and `estimate` by --where",
            called(side, of.label),
            if n == 1 { "" } else { "s" },
            such(side, &of.parts),
            part.percent()
        );
        let name = text(of.label);
        let finding = Finding::new(Kind::TotalAmongParts, dimension, name.clone(), n, part);
        finding.of_some(vec![name]).saying(said)
    };
    subtotals.iter().map(finding).collect()
}

/// The totals among the labels of a side, but for those that `is_out` says.
pub(super) fn totals<C: Iterator<Item = Cell> + Clone>(
    side: &Side<'_>,
    is_out: &[bool],
    table: &Cells<'_, C>,
) -> Vec<Finding> {
    let looked = Looked { side, is_out };
    let with_value = looked.labels().filter(|&label| looked.periods(label).next().is_some());
    let n = with_value.count();
    if n < 3 {
        return Vec::new();
    }
    let totals = Totals::of(&looked, n, table);
    let whole = side.whole();
    let dimension = side.axis.dimension;
    let finding = |label: usize, kind: Kind| {
        let part = Part { value: side.total(label), whole };
        let text = side.axis.labels[label].clone();
        let (what, n_parts) = match kind {
            Kind::TotalByName => ("is by its name a total of the", totals.n_parts[1]),
            _ => ("is the sum of the", totals.n_parts[0]),
        };
        let said = format!(
            "{dimension} {} {what} other {n_parts} {dimension}s ({}): leave it out, in a layout by `rules` and \
             `exclude`, in `measure`, `resilience` and `estimate` by --where",
            called(side, label),
            part.percent()
        );
        let finding = Finding::new(kind, dimension, text.clone(), n_parts, part);
        finding.of_labels(vec![text]).saying(said)
    };
    let of_all = totals.summed.iter().map(|&label| finding(label, Kind::TotalAmongParts));
    let by_name = totals.named.iter().map(|&label| finding(label, Kind::TotalByName));
    of_all.chain(of_some(side, &totals.subtotals)).chain(by_name).collect()
}
