//! From one raw row to its entries, or to a reject with a reason.
//!
//! A row of a long table has one entry; a row of a wide table has one for each unpivoted column. A
//! fault in a field that all entries share rejects the row whole; a fault in one value rejects that
//! entry alone. The value of what is rejected is kept beside the reason wherever it can be read, so
//! that value in = value of records + value of rejects, exactly.

mod entry;
mod reject;

pub use self::entry::{Counts, Entry, MAX_PRODUCT_DIGITS, ProductCode, Sink};
pub use self::reject::{Reject, RejectReason};

use crate::code;
use crate::column::Column;
use crate::layout::{Field, FieldSpec, Layout, Meaning, Negative, Origin, Rule, Unmapped, Zero};
use crate::money::{Money, Parsed};
use crate::multi_pattern::MultiPattern;
use std::borrow::Cow;

/// The first year that a record may be of.
const FIRST_YEAR: i32 = 1900;

/// The last.
const LAST_YEAR: i32 = 2100;

/// What every quantity is below, so that sums of its thousandths and their shares are exact.
const QUANTITY_LIMIT: f64 = 1e16;

/// A header that does not fit the layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A field's column is absent.
    #[error(
        "no column for `{field}`: the layout `{layout}` expects {expected}, the header has {found}"
    )]
    NoColumn {
        /// The layout.
        layout: String,
        /// The field or unpivoted column.
        field: String,
        /// The names the layout gives.
        expected: String,
        /// The header.
        found: String,
    },
    /// A field's column is there more than once.
    #[error(
        "column `{column}` for `{field}` stands {n} times in the header: rename those that are not meant, or give the layout `position:`"
    )]
    Repeated {
        /// The field or unpivoted column.
        field: String,
        /// The name.
        column: String,
        /// How often.
        n: usize,
    },
    /// A column position beyond the header.
    #[error("column {position} for `{field}` is beyond the {n_columns} columns of the header")]
    NoPosition {
        /// The field.
        field: String,
        /// The position the layout gives.
        position: usize,
        /// Columns of the header.
        n_columns: usize,
    },
    /// The words that a rule looks for in firms' names are too long to be searched for together.
    #[error("`firm_names` of the rule `{rule}` are too long to be searched for: {why}")]
    Names {
        /// The rule.
        rule: String,
        /// The limit that they pass.
        why: String,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Column(usize),
    Constant(String),
    Unpivoted,
    Absent,
}

#[expect(clippy::disallowed_types, reason = "lookup only")]
type Lookup<'l> = std::collections::HashMap<&'l str, &'l [Meaning], foldhash::fast::FixedState>;

/// A field fitted to a header.
#[derive(Debug, Clone)]
pub(crate) struct Fitted<'l> {
    pub(crate) source: Source,
    characters: Option<(usize, usize)>,
    codes: Option<(Lookup<'l>, &'l Unmapped)>,
    pub(crate) fallback: Option<Box<Self>>,
}

impl Fitted<'_> {
    /// Whether what a text means depends on the year.
    pub(crate) fn is_dated(&self) -> bool {
        let is_always = |meanings: &[Meaning]| match meanings {
            [meaning] => meaning.first <= FIRST_YEAR && meaning.last >= LAST_YEAR,
            _ => false,
        };
        self.codes
            .as_ref()
            .is_some_and(|(lookup, _)| !lookup.values().all(|meanings| is_always(meanings)))
    }

    /// Whether its text is the column's as it stands.
    pub(crate) fn is_plain(&self) -> bool {
        self.characters.is_none() && self.codes.is_none()
    }
}

/// A rule with its conditions as lists.
#[derive(Debug, Clone)]
pub(crate) struct FittedRule<'l> {
    products: Vec<&'l str>,
    /// Words of firms' names.
    words: MultiPattern,
    rule: &'l Rule,
}

impl FittedRule<'_> {
    fn covers(&self, entry: &Entry<'_>) -> bool {
        self.is_of_product(entry.product.as_str())
            && self.is_of_name(entry.firm_name.as_deref().unwrap_or(""))
            && self.is_of_region(&entry.region)
            && self.is_of_destination(entry.destination.as_deref())
    }

    /// Whether it depends on `column`.
    pub(crate) fn asks(&self, column: Column) -> bool {
        match column {
            Column::Product => !self.products.is_empty(),
            Column::FirmName => !self.words.is_empty(),
            Column::Region => !self.rule.regions.is_empty(),
            Column::Destination => !self.rule.destinations.is_empty(),
            _ => false,
        }
    }

    pub(crate) fn is_of_product(&self, product: &str) -> bool {
        self.products.is_empty()
            || self.products.iter().any(|prefix| product.as_bytes().starts_with(prefix.as_bytes()))
    }

    /// `name` is empty if the firm has none.
    pub(crate) fn is_of_name(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.is_in(name.as_bytes())
    }

    pub(crate) fn is_of_region(&self, region: &str) -> bool {
        self.rule.covers_region(region)
    }

    pub(crate) fn is_of_destination(&self, destination: Option<&str>) -> bool {
        self.rule.covers_destination(destination)
    }
}

/// A column of values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueColumn<'l> {
    /// Its place in the row.
    pub(crate) at: usize,
    /// What it is unpivoted to; none in a long table.
    pub(crate) code: Option<&'l str>,
}

/// A layout fitted to the header of one file.
#[derive(Debug, Clone)]
pub struct RowParser<'l> {
    pub(crate) layout: &'l Layout,
    pub(crate) header: Vec<String>,
    pub(crate) fields: Vec<Fitted<'l>>,
    /// The unpivoted columns; one for a long table.
    pub(crate) values: Vec<ValueColumn<'l>>,
    missing: Vec<&'l str>,
    /// Bytes of the longest of them.
    longest_missing: usize,
    /// Whether one of them begins with a digit.
    pub(crate) missing_digits: bool,
    pub(crate) rules: Vec<FittedRule<'l>>,
    /// Whether rows end with a delimiter that the header lacks.
    pub(crate) has_trailing: bool,
}

/// Strips what exporters of spreadsheets leave around a header name.
fn clean_header(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim()
}

/// The text without white space at its ends; most texts have none.
fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(|&byte| byte > b' ' && byte < 0x80);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim() }
}

/// A number of up to four digits, which a spreadsheet may have given a fraction of nothing.
fn small_number(text: &str) -> Option<i32> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    text.parse().ok().filter(|_| text.len() <= 4)
}

/// The text of a field, which is a [code](code::whole) in some.
fn code_text(field: Field, text: &str) -> &str {
    let is_code = matches!(
        field,
        Field::Region
            | Field::Destination
            | Field::TradeMode
            | Field::Ownership
            | Field::Firm
            | Field::QuantityUnit
    );
    if is_code { code::whole(text) } else { text }
}

/// A text of a row that its codes do not have.
pub(crate) struct Unknown<'a> {
    field: Field,
    text: &'a str,
    /// What it became.
    code: String,
}

/// The text of a field, cut and coded.
pub(crate) struct FieldText<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Whether the field's own place has none.
    is_fallback: bool,
}

impl<'l> RowParser<'l> {
    /// Fits `layout` to `header`.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if a column that the layout needs is not there.
    pub fn new(layout: &'l Layout, header: &[&str]) -> Result<Self, HeaderError> {
        let header: Vec<String> = header.iter().map(|h| clean_header(h).to_owned()).collect();
        let no_column = |field: &str, expected: String| HeaderError::NoColumn {
            layout: layout.name.clone(),
            field: field.to_owned(),
            expected,
            found: header.join(", "),
        };
        let mut fields = Vec::with_capacity(Field::ALL.len());
        for field in Field::ALL {
            fields.push(match layout.fields.get(&field) {
                Some(spec) => fit(layout, field, spec, &header)?,
                None => {
                    Fitted { source: Source::Absent, characters: None, codes: None, fallback: None }
                }
            });
        }
        let values = match (&layout.unpivot, &fields[Field::Value.index()].source) {
            (Some(unpivot), _) => unpivot
                .columns
                .iter()
                .map(|(name, code)| match find(&header, unpivot.field, name)? {
                    Some(at) => Ok(ValueColumn { at, code: Some(code.as_str()) }),
                    None => Err(no_column(unpivot.field.name(), name.clone())),
                })
                .collect::<Result<_, _>>()?,
            (None, &Source::Column(at)) => vec![ValueColumn { at, code: None }],
            (None, _) => return Err(no_column("value", "a column".to_owned())),
        };
        let rules = layout
            .rules
            .iter()
            .map(|rule| {
                let words = MultiPattern::new(rule.firm_names.iter().map(|word| &**word));
                Ok(FittedRule {
                    products: rule.products.iter().map(|prefix| &**prefix).collect(),
                    words: words.map_err(|error| HeaderError::Names {
                        rule: rule.name.clone(),
                        why: error.to_string(),
                    })?,
                    rule,
                })
            })
            .collect::<Result<Vec<_>, HeaderError>>()?;
        let missing: Vec<&str> = layout.missing.iter().map(|text| &**text).collect();
        Ok(Self {
            layout,
            header,
            fields,
            values,
            longest_missing: missing.iter().map(|text| text.len()).max().unwrap_or(0),
            missing_digits: missing
                .iter()
                .any(|text| text.as_bytes().first().is_some_and(u8::is_ascii_digit)),
            missing,
            rules,
            has_trailing: false,
        })
    }

    /// The same for rows that end with a delimiter, behind which there is nothing.
    #[must_use]
    pub fn with_trailing_delimiter(self) -> Self {
        Self { has_trailing: true, ..self }
    }

    /// Fields a row must have.
    pub fn n_columns(&self) -> usize {
        self.header.len() + usize::from(self.has_trailing)
    }

    /// Entries a row has.
    pub fn n_entries(&self) -> u64 {
        self.values.len() as u64
    }

    /// The columns that values are in.
    pub fn value_columns(&self) -> impl Iterator<Item = usize> {
        self.values.iter().map(|column| column.at)
    }

    /// The columns that `field` is in: its own, and those to look in when it is missing there.
    pub fn columns_of(&self, field: Field) -> impl Iterator<Item = usize> {
        let own = &self.fields[field.index()];
        std::iter::successors(Some(own), |fitted| fitted.fallback.as_deref()).filter_map(|fitted| {
            match fitted.source {
                Source::Column(at) => Some(at),
                _ => None,
            }
        })
    }

    fn is_missing(&self, text: &str) -> bool {
        // Nearly every text is longer than those that mean "missing", or a digit.
        text.len() <= self.longest_missing
            && !text.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && (text.is_empty() || self.missing.contains(&text))
            || self.missing_digits && self.missing.contains(&text)
    }

    /// The text that `raw` is, unless it means "missing".
    pub(crate) fn present<'t>(&self, raw: &'t str) -> Option<&'t str> {
        Some(trim(raw)).filter(|text| !self.is_missing(text))
    }

    fn fault(&self, field: Field, reason: RejectReason, found: &str) -> Fault {
        Fault { reason, column: self.column(field), found: found.to_owned() }
    }

    /// The text of `field`; `None` if it is missing.
    pub(crate) fn text<'a>(
        &'a self,
        field: Field,
        row: &'a [Cow<'_, [u8]>],
        unpivoted: Option<&'a str>,
        year: i32,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Option<FieldText<'a>>, Fault> {
        let mut fitted = &self.fields[field.index()];
        let mut is_fallback = false;
        loop {
            if let Some(text) = self.text_of(fitted, field, row, unpivoted, year, unknown)? {
                return Ok(Some(FieldText { text, is_fallback }));
            }
            match &fitted.fallback {
                Some(fallback) => fitted = fallback,
                None => return Ok(None),
            }
            is_fallback = true;
        }
    }

    pub(crate) fn text_of<'a>(
        &'a self,
        fitted: &'a Fitted<'l>,
        field: Field,
        row: &'a [Cow<'_, [u8]>],
        unpivoted: Option<&'a str>,
        year: i32,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        let raw: &'a str = match &fitted.source {
            Source::Absent => return Ok(None),
            Source::Unpivoted => return Ok(unpivoted.map(Cow::Borrowed)),
            Source::Constant(text) => text,
            &Source::Column(at) => std::str::from_utf8(&row[at]).map_err(|_| {
                self.fault(field, RejectReason::Encoding, &String::from_utf8_lossy(&row[at]))
            })?,
        };
        let Some(mut text) = self.present(raw) else { return Ok(None) };
        let whole = code_text(field, text);
        if whole.len() < text.len() && self.is_missing(whole) {
            return Ok(None);
        }
        if let Some((first, last)) = fitted.characters {
            text = whole;
            if text.is_ascii() {
                text = &text[(first - 1).min(text.len())..last.min(text.len())];
            } else {
                let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
                text = &text[at(first - 1)..at(last)];
            }
            if text.is_empty() {
                return Ok(None);
            }
        }
        let Some((lookup, unmapped)) = &fitted.codes else {
            let code = code_text(field, text);
            let listed = &self.layout.listed_regions;
            if field == Field::Region && !listed.is_empty() && !listed.contains(code) {
                unknown.push(Unknown { field, text, code: code.to_owned() });
            }
            return Ok(Some(Cow::Borrowed(code)));
        };
        let find = |text: &str| {
            let meanings = lookup.get(text)?;
            meanings.iter().find(|meaning| meaning.holds_in(year)).map(|meaning| &meaning.code)
        };
        // A spreadsheet or a data frame makes 502.0 of 502, unless that is a code.
        let code = find(text).or_else(|| find(text.strip_suffix(".0")?));
        if let Some(code) = code {
            return Ok(Some(Cow::Borrowed(code)));
        }
        let whole = code_text(field, text);
        let code = match unmapped {
            Unmapped::Reject => None,
            Unmapped::Keep => Some(whole.to_owned()),
            Unmapped::First { first, then } => whole
                .char_indices()
                .nth(*first - 1)
                .map(|(at, last)| format!("{}{then}", &whole[..at + last.len_utf8()])),
        };
        let Some(code) = code else {
            return Err(self.fault(field, RejectReason::UnmappedCode, text));
        };
        unknown.push(Unknown { field, text, code: code.clone() });
        Ok(Some(Cow::Owned(code)))
    }

    fn column(&self, field: Field) -> String {
        match &self.fields[field.index()].source {
            &Source::Column(at) => self.header[at].clone(),
            _ => field.name().to_owned(),
        }
    }

    pub(crate) fn year(&self, text: &str) -> Option<i32> {
        small_number(text).filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
    }

    pub(crate) fn month(&self, text: &str) -> Option<i32> {
        small_number(text).filter(|month| (1..=12).contains(month))
    }

    fn shared<'a>(
        &'a self,
        row: &'a [Cow<'_, [u8]>],
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Entry<'a>, Fault> {
        let missing = |field: Field| self.fault(field, RejectReason::Missing, "");
        let FieldText { text, .. } =
            self.text(Field::Year, row, None, 0, unknown)?.ok_or_else(|| missing(Field::Year))?;
        let year =
            self.year(&text).ok_or_else(|| self.fault(Field::Year, RejectReason::Year, &text))?;
        let mut optional = |field: Field| {
            Ok::<_, Fault>(self.text(field, row, None, year, unknown)?.map(|found| found.text))
        };
        let month = match optional(Field::Month)? {
            None => None,
            Some(text) => Some(
                self.month(&text)
                    .ok_or_else(|| self.fault(Field::Month, RejectReason::Month, &text))?,
            ),
        };
        let flow = optional(Field::Flow)?.ok_or_else(|| missing(Field::Flow))?;
        if !matches!(&*flow, "export" | "import") {
            return Err(self.fault(Field::Flow, RejectReason::Flow, &flow));
        }
        let text = optional(Field::Product)?.ok_or_else(|| missing(Field::Product))?;
        let product = ProductCode::clean(&text, &self.layout.product);
        let (product, hs6) = product
            .and_then(|product| Some((product, product.hs6()?)))
            .ok_or_else(|| self.fault(Field::Product, RejectReason::Product, &text))?;
        let revision =
            self.layout.product.revision(year).ok_or_else(|| {
                self.fault(Field::Year, RejectReason::Revision, &year.to_string())
            })?;
        let quantity = match optional(Field::Quantity)? {
            None => None,
            Some(text) => Some(
                self.quantity(&text)
                    .ok_or_else(|| self.fault(Field::Quantity, RejectReason::Quantity, &text))?,
            ),
        };
        let trade_mode = optional(Field::TradeMode)?;
        let firm = optional(Field::Firm)?;
        let firm_name = optional(Field::FirmName)?;
        let quantity_unit = optional(Field::QuantityUnit)?;
        let ownership = self.text(Field::Ownership, row, None, year, unknown)?;
        let ownership_is_fallback = ownership.as_ref().is_some_and(|found| found.is_fallback);
        Ok(Entry {
            place: 0,
            year,
            month,
            flow,
            region: Cow::Borrowed(""),
            product,
            hs6,
            revision,
            destination: None,
            trade_mode,
            ownership: ownership.map(|found| found.text),
            ownership_is_fallback,
            firm,
            firm_name,
            quantity,
            quantity_unit,
            value: Money::ZERO,
            rules: 0,
        })
    }

    /// A number of zero or more and below [`QUANTITY_LIMIT`], written as values are.
    pub(crate) fn quantity(&self, text: &str) -> Option<f64> {
        let format = &self.layout.money.numbers;
        // Nearly all are plain; what else Rust takes for one is out of bounds.
        let plain = if format.decimal == '.' { text.parse::<f64>().ok() } else { None };
        let parsed = plain.or_else(|| format.parse(text).ok());
        parsed.filter(|quantity| (0.0..QUANTITY_LIMIT).contains(quantity))
    }

    /// A row that is refused whole, as its text is damaged.
    pub fn refusal(&self, reason: RejectReason, found: String) -> Reject {
        Reject {
            reason,
            column: String::new(),
            found,
            n_entries: self.n_entries(),
            value: Money::ZERO,
            n_unreadable: self.n_entries(),
        }
    }

    /// Reads one row. `row` holds the texts of its columns, unquoted.
    pub fn parse(&self, row: &[Cow<'_, [u8]>], sink: &mut impl Sink) -> Counts {
        let mut counts = Counts::default();
        if row.len() != self.n_columns() {
            let found = format!("{} columns, expected {}", row.len(), self.n_columns());
            sink.reject(self.refusal(RejectReason::ColumnCount, found));
            return counts;
        }
        if let Some(last) = row.last().filter(|last| self.has_trailing && !last.is_empty()) {
            let text = String::from_utf8_lossy(last);
            let found = format!("{text:?} in column {}, expected nothing", row.len());
            sink.reject(self.refusal(RejectReason::ColumnCount, found));
            return counts;
        }
        let mut unknown = Vec::new();
        let shared = self.shared(row, &mut unknown);
        let mut entry = match shared {
            Ok(entry) => entry,
            Err(fault) => {
                let mut n_unreadable = 0;
                for &ValueColumn { at, .. } in &self.values {
                    match self.value(at, &row[at]) {
                        Ok(Some(value)) => counts.add(value),
                        Ok(None) => {}
                        Err(_) => n_unreadable += 1,
                    }
                }
                sink.reject(fault.reject(self.n_entries(), counts.value_in, n_unreadable));
                return counts;
            }
        };
        let n_shared = unknown.len();
        let (mut n_kept, mut value_kept) = (0, Money::ZERO);
        for (place, &ValueColumn { at, code }) in self.values.iter().enumerate() {
            let value = match self.value(at, &row[at]) {
                Ok(Some(parsed)) => {
                    counts.add(parsed);
                    let value = parsed.amount;
                    if value.is_zero() && self.layout.zero == Zero::Skip {
                        counts.n_empty += 1;
                        continue;
                    }
                    value
                }
                // A long table has a row because there is something to say; no value there is a
                // fault.
                Ok(None) if code.is_none() => {
                    let fault = self.fault(Field::Value, RejectReason::Missing, "");
                    sink.reject(fault.reject(1, Money::ZERO, 1));
                    continue;
                }
                Ok(None) => {
                    counts.n_empty += 1;
                    continue;
                }
                Err(fault) => {
                    sink.reject(fault.reject(1, Money::ZERO, 1));
                    continue;
                }
            };
            entry.place = place;
            entry.value = value;
            unknown.truncate(n_shared);
            match self.complete(&mut entry, row, code, &mut unknown) {
                Ok(()) => {
                    n_kept += 1;
                    value_kept += value;
                    sink.entry(&entry);
                    for Unknown { field, text, code } in &unknown[n_shared..] {
                        sink.unmapped(*field, text, code, 1, value);
                    }
                }
                Err(fault) => sink.reject(fault.reject(1, value, 0)),
            }
        }
        if n_kept > 0 {
            for Unknown { field, text, code } in &unknown[..n_shared] {
                sink.unmapped(*field, text, code, n_kept, value_kept);
            }
        }
        counts
    }

    /// The value in the column `at`, whose text is `text`; `None` if it is missing.
    #[inline]
    pub(crate) fn value(&self, at: usize, text: &[u8]) -> Result<Option<Parsed>, Fault> {
        match self.layout.money.parse_plain(text) {
            Some(amount) => Ok(Some(Parsed::exact(amount))),
            None => self.unusual_value(at, text),
        }
    }

    /// The value that a text is, if nothing was rounded.
    #[inline]
    pub(crate) fn exact_value(&self, at: usize, text: &[u8]) -> Option<Money> {
        let value = self.value(at, text).ok()??;
        value.remainder.is_zero().then_some(value.amount)
    }

    fn unusual_value(&self, at: usize, text: &[u8]) -> Result<Option<Parsed>, Fault> {
        let error = match self.layout.money.parse(text) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        if std::str::from_utf8(text).is_ok_and(|text| self.present(text).is_none()) {
            return Ok(None);
        }
        Err(Fault {
            reason: error.into(),
            column: self.header[at].clone(),
            found: String::from_utf8_lossy(text).into_owned(),
        })
    }

    /// Puts what may differ between the entries of a row into `entry`.
    fn complete<'a>(
        &'a self,
        entry: &mut Entry<'a>,
        row: &'a [Cow<'_, [u8]>],
        unpivoted: Option<&'a str>,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<(), Fault> {
        let region = self.text(Field::Region, row, unpivoted, entry.year, unknown)?;
        let region = region.ok_or_else(|| self.fault(Field::Region, RejectReason::Missing, ""))?;
        entry.region = region.text;
        let destination = self.text(Field::Destination, row, unpivoted, entry.year, unknown)?;
        entry.destination = destination.map(|found| found.text);
        if entry.value < Money::ZERO && self.layout.negative == Negative::Reject {
            return Err(Fault {
                reason: RejectReason::Negative,
                column: unpivoted.map_or_else(|| self.column(Field::Value), str::to_owned),
                found: entry.value.to_string(),
            });
        }
        entry.rules = 0;
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.covers(entry) {
                entry.rules |= 1 << at;
            }
        }
        Ok(())
    }
}

/// The place of the one column with this name.
fn find(header: &[String], field: Field, name: &str) -> Result<Option<usize>, HeaderError> {
    let mut places = header.iter().enumerate().filter(|(_, h)| *h == name).map(|(at, _)| at);
    let first = places.next();
    match places.count() {
        0 => Ok(first),
        more => {
            let (field, column) = (field.name().to_owned(), name.to_owned());
            Err(HeaderError::Repeated { field, column, n: more + 1 })
        }
    }
}

fn fit<'l>(
    layout: &Layout,
    field: Field,
    spec: &'l FieldSpec,
    header: &[String],
) -> Result<Fitted<'l>, HeaderError> {
    let source = match &spec.origin {
        Origin::Constant(text) => Source::Constant(text.clone()),
        Origin::Unpivoted => Source::Unpivoted,
        &Origin::Position(position) => {
            if position == 0 || position > header.len() {
                return Err(HeaderError::NoPosition {
                    field: field.to_string(),
                    position,
                    n_columns: header.len(),
                });
            }
            Source::Column(position - 1)
        }
        Origin::Column(names) => {
            let mut found = None;
            for name in names {
                found = find(header, field, name)?;
                if found.is_some() {
                    break;
                }
            }
            match found {
                Some(at) => Source::Column(at),
                None if spec.is_optional => Source::Absent,
                None => {
                    return Err(HeaderError::NoColumn {
                        layout: layout.name.clone(),
                        field: field.name().to_owned(),
                        expected: names.join(" or "),
                        found: header.join(", "),
                    });
                }
            }
        }
    };
    let codes = spec.codes.as_ref().map(|codes| {
        let lookup: Lookup<'l> =
            codes.by_text.iter().map(|(text, of)| (text.as_str(), of.as_slice())).collect();
        (lookup, &codes.unmapped)
    });
    let fallback = match &spec.fallback {
        None => None,
        Some(spec) => Some(Box::new(fit(layout, field, spec, header)?)),
    };
    Ok(Fitted { source, characters: spec.characters, codes, fallback })
}

#[derive(Debug)]
pub(crate) struct Fault {
    reason: RejectReason,
    column: String,
    found: String,
}

impl Fault {
    fn reject(self, n_entries: u64, value: Money, n_unreadable: u64) -> Reject {
        Reject {
            reason: self.reason,
            column: self.column,
            found: self.found,
            n_entries,
            value,
            n_unreadable,
        }
    }
}

#[cfg(test)]
mod tests;
