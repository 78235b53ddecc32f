//! What the rows of raw files come to, as a draft of their layout reads them.

use super::draft::{Draft, Origin};
use super::keys::name_behind;
use super::known_forms::Known;
use super::look::MOST_ROWS;
use super::words::{comtrade_revision, product_code, year_of};
use crate::raw_rows::{self, RawRow, TextsOf};
use indexmap::IndexSet;
use project::layout_file;
use project::sheets::file_and_sheet;
use sources::input::Item;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use trade::code;
use trade::layout::Field;
use trade::money::{MoneyFormat, ParseMoneyError, Rounding};
use trade::plausibility::{Axis, Cell, Cells, Dimension, Findings};
use trade::{DateForm, Entry, HsRevision, LeftOut, Money, NumberFormat, Reject, Sink};

/// Cells of a table of regions and products that are told apart.
const MOST_CELLS: usize = 2_000_000;

/// The rows of one flow.
#[derive(Debug, Default)]
pub(super) struct FlowTally {
    /// The regions, as they were met.
    pub(super) regions: IndexSet<String>,
    /// The products.
    pub(super) products: IndexSet<String>,
    /// The partners.
    pub(super) partners: IndexSet<String>,
    /// The years.
    pub(super) years: IndexSet<i32>,
    /// Values by the places of region, product and year.
    cells: BTreeMap<(usize, usize, usize), f64>,
    /// Values by the places of partner and year.
    of_partners: BTreeMap<(usize, usize), f64>,
    /// Entries.
    pub(super) n: u64,
    /// What they come to.
    pub(super) value: f64,
}

/// A side of a table of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Region,
    Product,
}

/// What rows come to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By flow.
    pub(super) flows: BTreeMap<String, FlowTally>,
    /// The codes of each year.
    pub(super) codes: BTreeMap<i32, BTreeSet<String>>,
    /// How often each year's rows say a revision of the HS.
    pub(super) revisions: BTreeMap<i32, BTreeMap<HsRevision, u64>>,
    /// Values below zero.
    pub(super) n_negative: u64,
    /// Values that are zero.
    pub(super) n_zero: u64,
    /// Values finer than a hundredth.
    pub(super) n_fine: u64,
    /// Cells without a value.
    pub(super) n_empty: u64,
    /// Rows that conditions leave out.
    pub(super) n_left_out: u64,
    /// Texts that are no numbers, with one of them.
    pub(super) n_unreadable: u64,
    /// The first of them.
    pub(super) unreadable: Option<String>,
    /// Rows without a year.
    pub(super) n_undated: u64,
    /// The names of products by code.
    pub(super) labels: BTreeMap<String, String>,
    /// The names of regions by code.
    pub(super) regions: BTreeMap<String, String>,
}

/// The part of a sum by which a total may differ from it, as parts are rounded or secret.
const NEAR: f64 = 0.01;

/// Names that are kept.
const MOST_LABELS: usize = 20_000;

/// The place of a text among those that were met.
fn place(all: &mut IndexSet<String>, text: &str) -> usize {
    match all.get_index_of(text) {
        Some(at) => at,
        None => all.insert_full(text.to_owned()).0,
    }
}

impl FlowTally {
    fn add(&mut self, region: &str, product: &str, partner: Option<&str>, year: i32, value: f64) {
        let region = place(&mut self.regions, region);
        let product = place(&mut self.products, product);
        let year = self.years.insert_full(year).0;
        self.n += 1;
        self.value += value;
        let has_room = self.cells.len() < MOST_CELLS;
        match self.cells.get_mut(&(region, product, year)) {
            Some(cell) => *cell += value,
            None if has_room => {
                self.cells.insert((region, product, year), value);
            }
            None => {}
        }
        if let Some(partner) = partner.filter(|partner| !partner.is_empty()) {
            let partner = place(&mut self.partners, partner);
            *self.of_partners.entry((partner, year)).or_default() += value;
        }
    }

    /// What is summed in each year, in their order.
    pub(super) fn by_year(&self) -> BTreeMap<i32, f64> {
        let mut sums = BTreeMap::new();
        for (&(_, _, year), value) in &self.cells {
            if let Some(year) = self.years.get_index(year) {
                *sums.entry(*year).or_default() += value;
            }
        }
        sums
    }

    /// Whether there are rows without a text of a side, and each is the sum of the others: of all
    /// that has the same text of the other side, or, if nothing has, of everything in its year.
    pub(super) fn blanks_are_totals(&self, side: Side) -> bool {
        let blank = match side {
            Side::Region => self.regions.get_index_of(""),
            Side::Product => self.products.get_index_of(""),
        };
        let Some(blank) = blank else { return false };
        let (mut by_other, mut by_year) = (BTreeMap::new(), BTreeMap::new());
        let mut blanks: Vec<((usize, usize), f64)> = Vec::new();
        for (&(region, product, year), &value) in &self.cells {
            let (own, other) = match side {
                Side::Region => (region, product),
                Side::Product => (product, region),
            };
            if own == blank {
                blanks.push(((other, year), value));
            } else {
                *by_other.entry((other, year)).or_insert(0.0) += value;
                *by_year.entry(year).or_insert(0.0) += value;
            }
        }
        let is_total = |(key, value): &((usize, usize), f64)| {
            let sum: Option<&f64> = by_other.get(key).or_else(|| by_year.get(&key.1));
            sum.is_some_and(|sum| (value - sum).abs() <= NEAR * sum.abs())
        };
        blanks.iter().all(is_total)
    }

    /// What looks misread in regions and products.
    pub(super) fn findings(&self) -> Findings {
        let labels = |all: &IndexSet<String>| all.iter().cloned().collect::<Vec<_>>();
        let (regions, products) = (labels(&self.regions), labels(&self.products));
        let cell = |(&(row, column, period), &value): (&(usize, usize, usize), &f64)| Cell {
            row,
            column,
            period,
            value,
        };
        Findings::of(&Cells {
            rows: Axis::new(Dimension::Region, &regions),
            columns: Axis::new(Dimension::Product, &products),
            n_periods: self.years.len(),
            cells: self.cells.iter().map(cell),
        })
    }

    /// What looks misread in partners.
    pub(super) fn findings_of_partners(&self) -> Findings {
        let partners: Vec<String> = self.partners.iter().cloned().collect();
        let one = [String::new()];
        let cell = |(&(row, period), &value): (&(usize, usize), &f64)| Cell {
            row,
            column: 0,
            period,
            value,
        };
        Findings::of(&Cells {
            rows: Axis::new(Dimension::Destination, &partners),
            columns: Axis::new(Dimension::Product, &one),
            n_periods: self.years.len(),
            cells: self.of_partners.iter().map(cell),
        })
    }
}

/// Reads rows as a draft says.
struct Reading<'d> {
    draft: &'d Draft,
    label: &'d str,
    /// The columns of values, each with the code of its header.
    values: Vec<(usize, Option<&'d str>)>,
    numbers: NumberFormat,
    money: MoneyFormat,
    /// The form of dates.
    date: Option<DateForm>,
}

impl Reading<'_> {
    /// The text of a field of a row, of which the header of a wide column may say it.
    fn text<'r>(
        &'r self,
        row: &'r RawRow<'_>,
        field: Field,
        wide: Option<&'r str>,
    ) -> Cow<'r, str> {
        let Some(of) = self.draft.fields.get(&field) else { return Cow::Borrowed("") };
        match &of.from {
            Origin::Column(at) => {
                let text = row.text(*at);
                let text = match of.characters {
                    None => text,
                    Some((first, last)) => {
                        let cut = text.chars().take(last).skip(first.saturating_sub(1));
                        Cow::Owned(cut.collect())
                    }
                };
                match of.map.is_empty() {
                    true => text,
                    false => Cow::Owned(of.meaning(&text).to_owned()),
                }
            }
            Origin::Constant(text) => Cow::Borrowed(text),
            Origin::FileName(_) | Origin::Sheet(_) => {
                let (file, sheet) = match self.draft.sheets.is_empty() {
                    true => (self.label, ""),
                    false => file_and_sheet(self.label),
                };
                let name = match of.from {
                    Origin::Sheet(_) => sheet,
                    _ => file.rsplit('/').next().unwrap_or(""),
                };
                let said = of.map.iter().find(|(raw, _)| name.contains(raw.as_str()));
                Cow::Borrowed(said.map_or(name, |(_, code)| code.as_str()))
            }
            Origin::Header => Cow::Borrowed(wide.unwrap_or("")),
        }
    }

    /// The year of a row.
    fn year(&self, row: &RawRow<'_>, wide: Option<&str>) -> Option<i32> {
        let text = self.text(row, Field::Year, wide);
        match &self.date {
            Some(form) => form.read(&text)?.year,
            None => year_of(&text),
        }
    }

    /// Keeps the names of a product and of a region.
    fn names(&self, row: &RawRow<'_>, product: &str, region: &str, tally: &mut Tally) {
        if let Some(at) = self.draft.product.names
            && !product.is_empty()
            && tally.labels.len() < MOST_LABELS
            && !tally.labels.contains_key(product)
        {
            let text = row.text(at);
            let own = self.draft.column_of(Field::Product) == Some(at);
            let characters = self.draft.fields.get(&Field::Product).and_then(|of| of.characters);
            let name = match characters {
                Some((_, last)) if own => name_behind(&text, last),
                _ => &text,
            };
            tally.labels.insert(product.to_owned(), name.to_owned());
        }
        if let Some(at) = self.draft.region_names
            && !region.is_empty()
            && tally.regions.len() < MOST_LABELS
            && !tally.regions.contains_key(region)
        {
            tally.regions.insert(region.to_owned(), row.text(at).into_owned());
        }
    }

    fn add(&self, row: &RawRow<'_>, tally: &mut Tally) {
        if !self.draft.conditions.iter().all(|of| of.holds(&row.text(of.column))) {
            tally.n_left_out += 1;
            return;
        }
        for &(at, wide) in &self.values {
            let text = row.text(at);
            if self.draft.missing.contains(&*text) {
                tally.n_empty += 1;
                continue;
            }
            let Ok(value) = self.numbers.parse(&text) else {
                tally.n_unreadable += 1;
                tally.unreadable.get_or_insert_with(|| format!("{}: {text:?}", row.place));
                continue;
            };
            let value = value * f64::from(self.money.multiplier);
            tally.n_negative += u64::from(value < 0.0);
            tally.n_zero += u64::from(value.abs() <= 0.0);
            let parsed = self.money.parse(text.as_bytes());
            tally.n_fine += u64::from(matches!(parsed, Err(ParseMoneyError::TooPrecise)));
            let Some(year) = self.year(row, wide) else {
                tally.n_undated += 1;
                continue;
            };
            let flow = self.text(row, Field::Flow, wide);
            let region = self.text(row, Field::Region, wide);
            let product = self.text(row, Field::Product, wide);
            let partner = self.text(row, Field::Destination, wide);
            let plain = match self.draft.product.digits {
                Some(_) => product_code(&product),
                None => Cow::Borrowed(code::whole(&product)),
            };
            let product = self.code(&plain);
            self.names(row, &product, code::whole(&region), tally);
            let of_flow = tally.flows.entry(flow.into_owned()).or_default();
            let partner = (!partner.is_empty()).then_some(&*partner);
            of_flow.add(code::whole(&region), &product, partner, year, value);
            let codes = tally.codes.entry(year).or_default();
            if !codes.contains(&*product) {
                codes.insert(product.into_owned());
            }
            if let Some(at) = self.draft.revision_column
                && let Some(revision) = comtrade_revision(&row.text(at))
            {
                *tally.revisions.entry(year).or_default().entry(revision).or_default() += 1;
            }
        }
    }

    /// A code with the zero that it has lost.
    fn code<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let digits = self.draft.product.digits.unwrap_or(0);
        match self.draft.product.restore && text.len() + 1 == digits {
            true => Cow::Owned(format!("0{text}")),
            false => Cow::Borrowed(text),
        }
    }
}

/// Adds what a layout reads to a tally.
struct ByLayout<'t>(&'t mut Tally);

impl Sink for ByLayout<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let (product, year) = (entry.product.as_str(), entry.year);
        let of_flow = self.0.flows.entry(entry.flow.to_string()).or_default();
        let partner = entry.destination.as_deref();
        of_flow.add(&entry.region, product, partner, year, entry.value.to_f64());
        self.0.codes.entry(year).or_default().insert(product.to_owned());
    }

    fn reject(&mut self, reject: Reject) {
        self.0.n_unreadable += reject.n_entries;
        self.0.unreadable.get_or_insert_with(|| format!("{}: {:?}", reject.column, reject.found));
    }

    // What is counted is of the draft's conditions.
    fn left_out(&mut self, _: LeftOut, _: u64, _: Money) {}

    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

/// The same where a layout that is shipped says all of the columns.
fn by_layout(items: &[Item], form: &Known, layout: &str) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let told = layout_file::of_text(Path::new(form.name), layout);
    let told = told.map_err(|error| error.to_string())?;
    for item in items {
        let mut n_rows = 0;
        raw_rows::each_by_layout(item, &told, |row, parser, _| {
            n_rows += 1;
            let counts = row.parse(parser, &mut ByLayout(&mut tally));
            tally.n_empty += counts.n_empty;
            match n_rows < MOST_ROWS {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
    }
    Ok(tally)
}

/// What the rows of files come to.
///
/// # Errors
///
/// Why one cannot be read.
pub(super) fn tally(items: &[Item], draft: &Draft) -> Result<Tally, String> {
    if let Some(form) = draft.known
        && let Some(layout) = form.layout.filter(|_| draft.fields.is_empty())
    {
        return by_layout(items, form, layout);
    }
    let mut tally = Tally::default();
    let (decimal, thousands) = draft.value.marks.unwrap_or(('.', None));
    let numbers = NumberFormat { decimal, thousands, ..NumberFormat::default() };
    let multiplier = draft.value.multiplier;
    for item in items {
        let mut reader = draft.open(item)?;
        let n_cells = reader.header().len() + usize::from(reader.has_trailing_delimiter());
        let reading = Reading {
            draft,
            label: &item.label,
            values: draft.values(),
            numbers,
            money: MoneyFormat { numbers, multiplier, round: Rounding::Refuse },
            date: draft.fields.get(&Field::Year).and_then(|of| of.date.as_ref()?.date_form()),
        };
        let mut n_rows = 0;
        while n_rows < MOST_ROWS
            && let Some(block) = reader.next_block()?
        {
            let _ = raw_rows::each_row(&block, reader.encoding(), TextsOf::File, |row| {
                n_rows += 1;
                if row.cells.len() == n_cells {
                    reading.add(row, &mut tally);
                }
                match n_rows < MOST_ROWS {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
        }
    }
    Ok(tally)
}
