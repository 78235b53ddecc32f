//! What the rows of a table say, gathered one after the other.
//!
//! Keys are numbered by their texts: what is to be known of a text is found out once, however many
//! rows have it.

use super::args::{Negative, TableArgs};
use super::beside::{self, Beside};
use super::columns::{Columns, Places};
use super::table::{Cell, Partners, PeriodCells, Table};
use indexmap::{IndexMap, IndexSet};
use project::printable::printable;
use project::read_options::{MISSING_NUMBERS, ReadOptions};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use trade::code;
use trade::number::NumberFormat;

/// Texts of a column of kinds that are told apart.
const MOST_KINDS: usize = 1000;

/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// Cells for each row up to which those that have rows are marked one by one.
const MOST_MARKED: usize = 64;

/// Labels, numbered as they are met.
#[derive(Default)]
struct Labels(IndexSet<String>);

impl Labels {
    fn number(&mut self, text: &str) -> usize {
        match self.0.get_index_of(text) {
            Some(number) => number,
            None => self.0.insert_full(text.to_owned()).0,
        }
    }

    /// The labels, as they were met.
    fn texts(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    /// Whether they are codes of digits, one of which begins with a zero: `0101`.
    fn are_codes(&self) -> bool {
        let is_code = |text: &String| {
            text.len() > 1
                && text.starts_with('0')
                && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        self.0.iter().any(is_code)
    }

    /// The labels in order, and for each number its place there. Numbers are in the order of numbers
    /// and before texts. Codes, one of which begins with a zero, are in that of texts, as in tables of
    /// the classification.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let are_codes = self.are_codes();
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| !are_codes);
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.0[a], &self.0[b]);
            match (number(a), number(b)) {
                (Some(x), Some(y)) => x.cmp(&y).then(a.cmp(b)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            }
        });
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &number)| places[number] = place);
        (order.into_iter().map(|number| self.0[number].clone()).collect(), places)
    }
}

/// What is known of a text that is a key.
#[derive(Debug, Clone, Copy)]
struct Facts {
    /// Whether it stands for a missing value, as it was told.
    is_missing: bool,
    /// Whether it usually does.
    is_mark: bool,
    /// Why it can be no code.
    fault: Option<&'static str>,
    /// The number of its label, once a row with it was taken.
    label: Option<usize>,
}

/// The texts of a column of keys, numbered as they are met.
#[derive(Default)]
pub(super) struct Keys {
    texts: IndexSet<String>,
    facts: Vec<Facts>,
}

impl Keys {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &str, options: &ReadOptions) -> usize {
        if let Some(number) = self.texts.get_index_of(text) {
            return number;
        }
        self.facts.push(Facts {
            is_missing: options.is_missing(text),
            is_mark: MISSING_NUMBERS.contains(&text),
            fault: code_fault(text).err(),
            label: None,
        });
        self.texts.insert_full(text.to_owned()).0
    }

    fn text(&self, key: usize) -> &str {
        self.texts.get_index(key).map_or("", String::as_str)
    }

    /// The number of a key's label, which `label` gives where none of its rows was taken before.
    fn label(&mut self, key: usize, label: impl FnOnce(&str) -> usize) -> usize {
        if let Some(number) = self.facts[key].label {
            return number;
        }
        let number = label(self.text(key));
        self.facts[key].label = Some(number);
        number
    }
}

/// The value of a row.
#[derive(Clone, Copy)]
pub(super) enum Value<'r> {
    /// As it is written; empty for none.
    Text(&'r str),
    /// A finite number that stands for no missing value, and how it would be written.
    Number(f64, &'r dyn Fn() -> String),
}

impl Value<'_> {
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => printable(text, SHOWN),
            Self::Number(_, text) => printable(&text(), SHOWN),
        }
    }
}

/// A row, by the numbers of its keys.
pub(super) struct RowKeys<'r> {
    pub(super) region: usize,
    pub(super) product: usize,
    pub(super) period: usize,
    /// Of months or quarters, where they stand beside years.
    pub(super) part: usize,
    pub(super) partner: usize,
    /// Of the columns that say what kind of row it is.
    pub(super) kinds: &'r [usize],
    pub(super) value: Value<'r>,
}

/// Rows and their value.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    n: u64,
    value: f64,
}

impl Counted {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.value += value;
    }
}

/// Rows by what a column says of them.
#[derive(Default)]
pub(super) struct Kinds {
    name: String,
    pub(super) keys: Keys,
    by_text: IndexMap<String, Counted>,
    /// By key, where it stands among them, once that was looked for.
    places: Vec<Option<Option<usize>>>,
    /// By period, the text that was met first.
    first: Vec<Option<usize>>,
    /// Whether a period has several.
    is_mixed: bool,
}

impl Kinds {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes a row of the period at a place.
    fn add(&mut self, key: usize, value: f64, period: usize) {
        if self.places.len() <= key {
            self.places.resize(key + 1, None);
        }
        let (keys, by_text) = (&self.keys, &mut self.by_text);
        let place = *self.places[key].get_or_insert_with(|| {
            let has_room = by_text.len() < MOST_KINDS;
            has_room.then(|| by_text.insert_full(keys.text(key).to_owned(), Counted::default()).0)
        });
        let Some(place) = place else { return };
        self.by_text[place].add(value);
        if self.first.len() <= period {
            self.first.resize(period + 1, None);
        }
        self.is_mixed |= *self.first[period].get_or_insert(place) != place;
    }
}

/// The keys of each column, but for those of kinds.
#[derive(Default)]
pub(super) struct ColumnKeys {
    pub(super) regions: Keys,
    pub(super) products: Keys,
    pub(super) periods: Keys,
    pub(super) parts: Keys,
    pub(super) partners: Keys,
}

/// What rows said so far, with labels in the order they came.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) keys: ColumnKeys,
    pub(super) kinds: Vec<Kinds>,
    regions: Labels,
    products: Labels,
    periods: Labels,
    partners: Labels,
    /// The periods of years' keys with those of parts of them.
    of_parts: IndexMap<(usize, usize), usize>,
    /// By period.
    cells: Vec<Vec<Cell>>,
    /// By partner and period.
    of_partners: IndexMap<(usize, usize), f64>,
    repeated: Counted,
    /// Rows without a value, by the mark that stands for it.
    missing: BTreeMap<String, u64>,
    /// Marks of missing values that were taken as a region or product.
    marks: BTreeMap<(&'static str, String), u64>,
    negative: Counted,
    total: f64,
    /// Whether a month was met that can be no quarter.
    has_months: bool,
}

/// How rows are read.
pub(super) struct Reading<'a> {
    pub(super) format: NumberFormat,
    pub(super) options: &'a ReadOptions,
    negative: Negative,
    digits: usize,
    has_periods: bool,
    beside: Option<Beside>,
}

impl<'a> Reading<'a> {
    /// Numbers as SQL writes them; the rest as the arguments say.
    pub(super) fn of(args: &'a TableArgs, places: &Places) -> Self {
        Self {
            format: NumberFormat::default(),
            options: &args.read,
            negative: args.negative,
            digits: places.digits,
            has_periods: places.period.is_some(),
            beside: places.beside,
        }
    }

    /// A code without the point that a data frame adds, filled up with zeros in front.
    fn product<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let code = code::whole(text);
        match code.bytes().all(|byte| byte.is_ascii_digit()) && code.len() < self.digits {
            true => Cow::Owned(format!("{code:0>width$}", width = self.digits)),
            false => Cow::Borrowed(code),
        }
    }
}

/// Whether a text can be a code.
fn code_fault(text: &str) -> Result<(), &'static str> {
    if text.contains(char::is_control) {
        return Err("a control character, which no code has");
    }
    match code::is_shortened(text) {
        true => {
            Err("a number that a spreadsheet has shortened, where a code is needed: write the \
                     column as text")
        }
        false => Ok(()),
    }
}

impl Gathered {
    /// Takes a row, and gives its value; nothing if it is left out.
    pub(super) fn add(
        &mut self,
        row: &RowKeys<'_>,
        reading: &Reading<'_>,
    ) -> Result<Option<f64>, String> {
        let Some(number) = self.number(row, reading)? else { return Ok(None) };
        self.total += number;
        if self.total.is_infinite() {
            return Err(format!(
                "value {:?}: with it the values add up to more than a number of double precision \
                 can hold; measure them in a larger unit",
                row.value.shown()
            ));
        }
        if !self.has_right_keys(row, reading)? {
            *self.missing.entry("in a key".to_owned()).or_default() += 1;
            return Ok(None);
        }
        let at = self.period(row, reading)?;
        if at == self.cells.len() {
            self.cells.push(Vec::new());
        }
        let (regions, products) = (&mut self.regions, &mut self.products);
        self.cells[at].push(Cell {
            region: self.keys.regions.label(row.region, |text| regions.number(code::whole(text))),
            product: self
                .keys
                .products
                .label(row.product, |text| products.number(&reading.product(text))),
            value: number,
        });
        if !self.keys.partners.text(row.partner).is_empty() {
            let partners = &mut self.partners;
            let partner = self.keys.partners.label(row.partner, |text| partners.number(text));
            *self.of_partners.entry((partner, at)).or_default() += number;
        }
        for (kinds, key) in self.kinds.iter_mut().zip(row.kinds) {
            kinds.add(*key, number, at);
        }
        Ok(Some(number))
    }

    /// The number that a row's value is, if it has one that is taken.
    fn number(&mut self, row: &RowKeys<'_>, reading: &Reading<'_>) -> Result<Option<f64>, String> {
        let shown = || row.value.shown();
        let number = match row.value {
            Value::Text(text) if text.is_empty() || reading.options.is_missing_number(text) => {
                *self.missing.entry(text.to_owned()).or_default() += 1;
                return Ok(None);
            }
            Value::Text(text) => reading.format.parse(text).map_err(|fault| {
                format!("value {:?}: {fault} (--decimal, --thousands, --missing, --flags)", shown())
            })?,
            Value::Number(number, _) => number,
        };
        if number >= 0.0 {
            return Ok(Some(number));
        }
        self.negative.add(number);
        match reading.negative {
            Negative::Refuse => Err(format!(
                "value {:?}: expected zero or more: --negative leave-out leaves such rows out",
                shown()
            )),
            Negative::LeaveOut => Ok(None),
        }
    }

    /// Whether a row has all its keys; otherwise what is wrong with one of them.
    fn has_right_keys(&mut self, row: &RowKeys<'_>, reading: &Reading<'_>) -> Result<bool, String> {
        let keys = [
            ("region", &self.keys.regions, row.region),
            ("product", &self.keys.products, row.product),
            ("period", &self.keys.periods, row.period),
        ];
        if keys.iter().any(|(_, keys, key)| keys.facts[*key].is_missing) {
            return Ok(false);
        }
        for (what, keys, key) in keys {
            let Facts { is_mark, fault, .. } = keys.facts[key];
            if keys.text(key).is_empty() && (what != "period" || reading.has_periods) {
                return Err(format!(
                    "the {what} is empty, with a value of {:?}: leave such rows out by --where",
                    row.value.shown()
                ));
            }
            if is_mark {
                *self.marks.entry((what, keys.text(key).to_owned())).or_default() += 1;
            }
            if let Some(why) = fault {
                return Err(format!("{what} {:?}: {why}", printable(keys.text(key), SHOWN)));
            }
        }
        Ok(true)
    }

    /// The number of a row's period: of what is told, or of the part of the year that stands beside it.
    fn period(&mut self, row: &RowKeys<'_>, reading: &Reading<'_>) -> Result<usize, String> {
        let periods = &mut self.periods;
        let Some(of) = reading.beside else {
            return Ok(self
                .keys
                .periods
                .label(row.period, |text| periods.number(code::whole(text))));
        };
        if let Some(&at) = self.of_parts.get(&(row.period, row.part)) {
            return Ok(at);
        }
        let part = self.keys.parts.text(row.part);
        let year = code::whole(self.keys.periods.text(row.period));
        let at = periods.number(&of.label(year, part)?);
        self.has_months |= beside::is_month_alone(part);
        self.of_parts.insert((row.period, row.part), at);
        Ok(at)
    }

    /// Takes note of a row that stands twice.
    pub(super) fn add_repeated(&mut self, value: f64) {
        self.repeated.add(value);
    }

    /// Whether no row was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Numbers of a column of months which never exceed 4 are refused, if there is such a column.
    pub(super) fn check_months(&self, month: Option<&String>) -> Result<(), String> {
        match month.filter(|_| !self.has_months) {
            Some(month) => beside::check_months(month, &self.periods.texts()),
            None => Ok(()),
        }
    }

    /// Whether each cell has one row.
    pub(super) fn is_row_a_cell(&self) -> bool {
        self.n_rows() == self.n_cells()
    }

    fn n_rows(&self) -> usize {
        self.cells.iter().map(Vec::len).sum()
    }

    /// Cells that have rows, of all periods.
    fn n_cells(&self) -> usize {
        let (n_regions, n_products) = (self.regions.0.len(), self.products.0.len());
        let mut marks = Vec::new();
        let of = |cells: &Vec<Cell>| match n_regions.checked_mul(n_products) {
            Some(n) if n <= MOST_MARKED.saturating_mul(cells.len()) => {
                marks.clear();
                marks.resize(n.div_ceil(64), 0_u64);
                let mut n_marked = 0;
                for cell in cells {
                    let at = cell.region * n_products + cell.product;
                    let (word, bit) = (&mut marks[at / 64], 1_u64 << (at % 64));
                    n_marked += usize::from(*word & bit == 0);
                    *word |= bit;
                }
                n_marked
            }
            _ => {
                let mut of: Vec<(usize, usize)> =
                    cells.iter().map(|cell| (cell.region, cell.product)).collect();
                of.sort_unstable();
                of.dedup();
                of.len()
            }
        };
        self.cells.iter().map(of).sum()
    }

    /// Says what looks misread, and what was left out.
    pub(super) fn warn(&self, columns: &Columns) {
        for ((what, mark), n) in &self.marks {
            tracing::warn!(
                rows = n,
                "`{mark}` is taken as a {what} like any other: say --missing if it stands for none"
            );
        }
        for (mark, n) in &self.missing {
            match mark.as_str() {
                "" => tracing::info!(rows = n, "rows without a value are left out"),
                mark => tracing::info!(rows = n, "rows without a value are left out: `{mark}`"),
            }
        }
        if self.negative.n > 0 {
            let Counted { n, value } = self.negative;
            tracing::warn!(rows = n, value, "rows with a negative value are left out");
        }
        if self.repeated.n > 0 {
            let Counted { n, value } = self.repeated;
            tracing::warn!(
                rows = n,
                value,
                share = value / self.total,
                "rows are repeated to the last field: all of them are summed"
            );
        }
        for Kinds { name, by_text, .. } in self.kinds.iter().filter(|kinds| kinds.is_mixed) {
            let said: Vec<String> = by_text
                .iter()
                .take(4)
                .map(|(text, of)| {
                    format!("{:?} ({} rows, {})", printable(text, 20), of.n, of.value)
                })
                .collect();
            let more = if by_text.len() > 4 { ", ..." } else { "" };
            tracing::warn!(
                "rows that differ in `{name}` are summed: {}{more}; take one of them by --where if \
                 they are not meant to be added",
                said.join(", ")
            );
        }
        let (n_rows, n_cells) = (self.n_rows(), self.n_cells());
        if n_rows > n_cells {
            tracing::info!(
                rows = n_rows,
                cells = n_cells,
                "rows of one `{}`{}{} are summed",
                columns.region,
                columns.product.as_ref().map(|name| format!(" and `{name}`")).unwrap_or_default(),
                columns.period.as_ref().map(|name| format!(" in one `{name}`")).unwrap_or_default()
            );
        }
    }

    /// All of it, with labels and periods in order.
    pub(super) fn table(self, columns: Columns) -> Table {
        let (regions, region_places) = self.regions.sorted();
        let (products, product_places) = self.products.sorted();
        let (periods, period_places) = self.periods.sorted();
        let mut by_period: Vec<PeriodCells> =
            periods.into_iter().map(|label| PeriodCells { label, cells: Vec::new() }).collect();
        for (number, cells) in self.cells.into_iter().enumerate() {
            let placed = cells.into_iter().map(|cell| Cell {
                region: region_places[cell.region],
                product: product_places[cell.product],
                value: cell.value,
            });
            by_period[period_places[number]].cells = placed.collect();
        }
        let partners = Partners {
            labels: self.partners.texts(),
            values: self
                .of_partners
                .into_iter()
                .map(|((partner, period), value)| (partner, period_places[period], value))
                .collect(),
        };
        Table { regions, products, periods: by_period, columns, partners }
    }
}

#[cfg(test)]
impl Gathered {
    /// All that rows said, in words.
    pub(super) fn said(&self) -> String {
        let cell = |cell: &Cell| (cell.region, cell.product, cell.value);
        let cells: Vec<Vec<_>> =
            self.cells.iter().map(|cells| cells.iter().map(cell).collect()).collect();
        let kinds = self.kinds.iter().map(|of| (&of.name, &of.by_text, &of.first, of.is_mixed));
        let labels = [&self.regions, &self.products, &self.periods, &self.partners];
        format!(
            "{:#?}, repeated rows: {}",
            (
                (labels.map(Labels::texts), cells, &self.of_partners, kinds.collect::<Vec<_>>()),
                (&self.missing, &self.marks, self.negative, self.total),
                (self.repeated.value, self.has_months, self.n_rows(), self.n_cells()),
            ),
            self.repeated.n
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(texts: &[&str]) -> Vec<String> {
        let mut labels = Labels::default();
        for text in texts {
            labels.number(text);
        }
        let (sorted, places) = labels.sorted();
        for (text, place) in texts.iter().zip(places) {
            assert_eq!(sorted[place], *text);
        }
        sorted
    }

    #[test]
    fn codes_that_begin_with_a_zero_are_in_the_order_of_codes() {
        assert_eq!(sorted(&["8703", "8708", "0101", "01"]), ["01", "0101", "8703", "8708"]);
        assert_eq!(sorted(&["10", "2", "09"]), ["09", "10", "2"]);
        assert_eq!(sorted(&["TOTAL", "9", "01"]), ["01", "9", "TOTAL"]);
    }

    #[test]
    fn numbers_are_in_the_order_of_numbers() {
        assert_eq!(sorted(&["b", "10", "a", "9", "0"]), ["0", "9", "10", "a", "b"]);
        assert_eq!(sorted(&["2008Q2", "2007Q4"]), ["2007Q4", "2008Q2"]);
    }
}
