//! From one raw row to its entries, or to a reject with a reason.
//!
//! A row of a long table has one entry; a row of a wide table has one for each unpivoted column. A
//! fault in a field that all entries share rejects the row whole; a fault in one value rejects that
//! entry alone. The value of what is rejected is kept beside the reason wherever it can be read, so
//! that value in = value of records + value of rejects, exactly.

use crate::column::Column;
use crate::hs::{Hs6, HsRevision};
use crate::layout::{
    Field, FieldSpec, Layout, Negative, Origin, ProductFormat, Rule, Unmapped, Zero,
};
use crate::money::{Money, ParseMoneyError};
use crate::words::Words;
use std::borrow::Cow;
use std::fmt;

/// Why a row or an entry was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// The row has more or fewer columns than the header.
    ColumnCount,
    /// A quote opens that does not close.
    UnclosedQuote,
    /// A NUL byte, which no text has.
    NulByte,
    /// A needed text is not valid in the source's encoding.
    Encoding,
    /// A required field is empty or says "missing".
    Missing,
    /// Not a year between 1900 and 2100.
    Year,
    /// Not a month between 1 and 12.
    Month,
    /// Neither `export` nor `import` once mapped.
    Flow,
    /// Not a product code of the layout's length.
    Product,
    /// The layout names no HS revision for the year.
    Revision,
    /// A code that the layout's map does not have.
    UnmappedCode,
    /// Not a number.
    NotANumber,
    /// More decimals than money has.
    TooPrecise,
    /// A value above [`Money::MAX_ENTRY`].
    TooLarge,
    /// A value below zero where the layout allows none.
    Negative,
    /// A quantity that is not a number of zero or more, or one of 10^16 or more.
    Quantity,
}

impl RejectReason {
    /// The code that `customs.rejects` holds.
    pub fn code(self) -> &'static str {
        match self {
            Self::ColumnCount => "column_count",
            Self::UnclosedQuote => "unclosed_quote",
            Self::NulByte => "nul_byte",
            Self::Encoding => "invalid_encoding",
            Self::Missing => "missing_value",
            Self::Year => "invalid_year",
            Self::Month => "invalid_month",
            Self::Flow => "invalid_flow",
            Self::Product => "invalid_product_code",
            Self::Revision => "no_hs_revision",
            Self::UnmappedCode => "unmapped_code",
            Self::NotANumber => "not_a_number",
            Self::TooPrecise => "too_many_decimals",
            Self::TooLarge => "number_too_large",
            Self::Negative => "negative_value",
            Self::Quantity => "invalid_quantity",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<ParseMoneyError> for RejectReason {
    fn from(error: ParseMoneyError) -> Self {
        match error {
            ParseMoneyError::NotANumber => Self::NotANumber,
            ParseMoneyError::TooPrecise => Self::TooPrecise,
            ParseMoneyError::TooLarge => Self::TooLarge,
        }
    }
}

/// The first year that a record may be of.
const FIRST_YEAR: i32 = 1900;

/// The last.
const LAST_YEAR: i32 = 2100;

/// What every quantity is below, so that sums of its thousandths and their shares are exact.
const QUANTITY_LIMIT: f64 = 1e16;

/// The most digits that a product code may have.
pub const MAX_PRODUCT_DIGITS: usize = 12;

/// A product code as reported, cleaned, all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductCode {
    digits: [u8; MAX_PRODUCT_DIGITS],
    len: usize,
}

impl ProductCode {
    /// Its digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever put in.
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }

    /// Cleans `text`: dots and spaces dropped, a float's `.0` tail cut, the lost leading zero restored.
    pub(crate) fn clean(text: &str, format: &ProductFormat) -> Option<Self> {
        let text = text.as_bytes();
        let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        let text = text.strip_suffix(b".0").filter(|whole| is_number(whole)).unwrap_or(text);
        let mut code = Self { digits: [b'0'; MAX_PRODUCT_DIGITS], len: 0 };
        let mut put = |digit: u8| {
            let place = code.digits.get_mut(code.len)?;
            *place = digit;
            code.len += 1;
            Some(())
        };
        let n_digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        if format.restore_leading_zero && n_digits + 1 == format.digits {
            put(b'0')?;
        }
        for &byte in text {
            match byte {
                b'0'..=b'9' => put(byte)?,
                b'.' | b' ' => {}
                _ => return None,
            }
        }
        (code.len == format.digits).then_some(code)
    }

    /// The first six digits; those of a heading are followed by `00`.
    pub(crate) fn hs6(&self) -> Option<Hs6> {
        Hs6::from_digits(&self.digits[..self.len.max(6)])
    }
}

/// One readable entry of a raw row. Texts borrow from the row or the layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Place of the value among the row's value columns, from 0.
    pub place: usize,
    /// Calendar year.
    pub year: i32,
    /// Month 1 to 12, if the source has months.
    pub month: Option<i32>,
    /// `export` or `import`.
    pub flow: Cow<'a, str>,
    /// Region code.
    pub region: Cow<'a, str>,
    /// Product code, cleaned to the layout's digits.
    pub product: ProductCode,
    /// Its first six digits.
    pub hs6: Hs6,
    /// The revision they belong to.
    pub revision: HsRevision,
    /// Destination code.
    pub destination: Option<Cow<'a, str>>,
    /// Trade mode code.
    pub trade_mode: Option<Cow<'a, str>>,
    /// Ownership code.
    pub ownership: Option<Cow<'a, str>>,
    /// Whether the ownership was found in the fallback only.
    pub ownership_is_fallback: bool,
    /// Firm identifier.
    pub firm: Option<Cow<'a, str>>,
    /// Name of the firm.
    pub firm_name: Option<Cow<'a, str>>,
    /// Quantity.
    pub quantity: Option<f64>,
    /// Unit of the quantity.
    pub quantity_unit: Option<Cow<'a, str>>,
    /// FOB value.
    pub value: Money,
    /// The rules of the layout that cover it, the first as the lowest bit.
    pub rules: u64,
}

/// Takes what becomes of a row.
pub trait Sink {
    /// A readable entry.
    fn entry(&mut self, entry: &Entry<'_>);
    /// A refused row or entry.
    fn reject(&mut self, reject: Reject);
    /// A text of `field` that its codes do not have, and that became `code` in `n_entries` entries of
    /// `value` together.
    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money);
}

/// What a row held in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries left out as zero or missing in a wide table.
    pub n_empty: u64,
    /// Sum of every readable value of the row, before any other rule.
    pub value_in: Money,
}

/// A refused row, or a refused entry of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// Header of the column at fault, or the field's name.
    pub column: String,
    /// The text found there.
    pub found: String,
    /// How many entries go with it: all of the row's, or one.
    pub n_entries: u64,
    /// The value that goes with it, where it can be read.
    pub value: Money,
    /// How many of its entries have a value that cannot be read.
    pub n_unreadable: u64,
}

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
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Column(usize),
    Constant(String),
    Unpivoted,
    Absent,
}

#[expect(clippy::disallowed_types, reason = "lookup only")]
type Lookup<'l> =
    std::collections::HashMap<&'l str, &'l [(i32, i32, String)], foldhash::fast::FixedState>;

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
        let is_always = |codes: &[(i32, i32, String)]| match codes {
            [(from, to, _)] => *from <= FIRST_YEAR && *to >= LAST_YEAR,
            _ => false,
        };
        self.codes
            .as_ref()
            .is_some_and(|(lookup, _)| !lookup.values().all(|codes| is_always(codes)))
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
    words: Words<'l>,
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

/// A layout fitted to the header of one file.
#[derive(Debug, Clone)]
pub struct RowParser<'l> {
    pub(crate) layout: &'l Layout,
    pub(crate) header: Vec<String>,
    pub(crate) fields: Vec<Fitted<'l>>,
    /// Column and code of each unpivoted column; one pair without a code for a long table.
    pub(crate) values: Vec<(usize, Option<&'l str>)>,
    missing: Vec<&'l str>,
    /// Bytes of the longest of them.
    longest_missing: usize,
    /// Whether one of them begins with a digit.
    pub(crate) missing_digits: bool,
    pub(crate) rules: Vec<FittedRule<'l>>,
    /// First year, last year, revision.
    revisions: &'l [(i32, i32, HsRevision)],
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

/// Texts of a row that its codes do not have: field, text, what it became.
pub(crate) type Unknown<'a> = Vec<(Field, &'a str, String)>;

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
                    Some(at) => Ok((at, Some(code.as_str()))),
                    None => Err(no_column(unpivot.field.name(), name.clone())),
                })
                .collect::<Result<_, _>>()?,
            (None, &Source::Column(at)) => vec![(at, None)],
            (None, _) => return Err(no_column("value", "a column".to_owned())),
        };
        let rules = layout
            .rules
            .iter()
            .map(|rule| FittedRule {
                products: rule.products.iter().map(|prefix| &**prefix).collect(),
                words: Words::new(rule.firm_names.iter().map(|word| &**word)),
                rule,
            })
            .collect();
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
            revisions: &layout.product.revisions,
        })
    }

    /// Columns a row must have.
    pub fn n_columns(&self) -> usize {
        self.header.len()
    }

    /// Entries a row has.
    pub fn n_entries(&self) -> u64 {
        self.values.len() as u64
    }

    /// The columns that values are in.
    pub fn value_columns(&self) -> impl Iterator<Item = usize> {
        self.values.iter().map(|(at, _)| *at)
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

    /// The text of `field`, cut and coded, and whether it is the fallback's; `None` if it is missing.
    pub(crate) fn text<'a>(
        &'a self,
        field: Field,
        row: &'a [Cow<'_, [u8]>],
        unpivoted: Option<&'a str>,
        year: i32,
        unknown: &mut Unknown<'a>,
    ) -> Result<Option<(Cow<'a, str>, bool)>, Fault> {
        let mut fitted = &self.fields[field.index()];
        let mut is_fallback = false;
        loop {
            if let Some(text) = self.text_of(fitted, field, row, unpivoted, year, unknown)? {
                return Ok(Some((text, is_fallback)));
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
        unknown: &mut Unknown<'a>,
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
        if let Some((first, last)) = fitted.characters {
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
            let listed = &self.layout.listed_regions;
            if field == Field::Region && !listed.is_empty() && !listed.contains(text) {
                unknown.push((field, text, text.to_owned()));
            }
            return Ok(Some(Cow::Borrowed(text)));
        };
        let find = |text: &str| {
            let codes = lookup.get(text)?;
            codes
                .iter()
                .find(|(from, to, _)| (*from..=*to).contains(&year))
                .map(|(_, _, code)| code)
        };
        // A spreadsheet or a data frame makes 502.0 of 502.
        let code = find(text).or_else(|| find(text.strip_suffix(".0")?));
        if let Some(code) = code {
            return Ok(Some(Cow::Borrowed(code)));
        }
        let code = match unmapped {
            Unmapped::Reject => None,
            Unmapped::Keep => Some(text.to_owned()),
            Unmapped::First { first, then } => text
                .char_indices()
                .nth(*first - 1)
                .map(|(at, last)| format!("{}{then}", &text[..at + last.len_utf8()])),
        };
        let Some(code) = code else {
            return Err(self.fault(field, RejectReason::UnmappedCode, text));
        };
        unknown.push((field, text, code.clone()));
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
        unknown: &mut Unknown<'a>,
    ) -> Result<Entry<'a>, Fault> {
        let missing = |field: Field| self.fault(field, RejectReason::Missing, "");
        let (text, _) =
            self.text(Field::Year, row, None, 0, unknown)?.ok_or_else(|| missing(Field::Year))?;
        let year =
            self.year(&text).ok_or_else(|| self.fault(Field::Year, RejectReason::Year, &text))?;
        let mut optional = |field: Field| {
            Ok::<_, Fault>(self.text(field, row, None, year, unknown)?.map(|(text, _)| text))
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
        let revision = self
            .revisions
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&year))
            .map(|(_, _, revision)| *revision)
            .ok_or_else(|| self.fault(Field::Year, RejectReason::Revision, &year.to_string()))?;
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
        let ownership_is_fallback = ownership.as_ref().is_some_and(|(_, is_fallback)| *is_fallback);
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
            ownership: ownership.map(|(text, _)| text),
            ownership_is_fallback,
            firm,
            firm_name,
            quantity,
            quantity_unit,
            value: Money::ZERO,
            rules: 0,
        })
    }

    /// A number of zero or more and below [`QUANTITY_LIMIT`], with the source's marks.
    pub(crate) fn quantity(&self, text: &str) -> Option<f64> {
        let format = self.layout.money;
        let is_plain = format.decimal == b'.' && !text.bytes().any(|b| Some(b) == format.thousands);
        let parsed = if is_plain {
            text.parse::<f64>()
        } else {
            let plain = text.bytes().filter(|b| Some(*b) != format.thousands);
            let plain = plain.map(|b| if b == format.decimal { '.' } else { char::from(b) });
            plain.collect::<String>().parse()
        };
        parsed.ok().filter(|quantity| (0.0..QUANTITY_LIMIT).contains(quantity))
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
        if row.len() != self.header.len() {
            let found = format!("{} columns, expected {}", row.len(), self.header.len());
            sink.reject(self.refusal(RejectReason::ColumnCount, found));
            return counts;
        }
        let mut unknown = Unknown::new();
        let shared = self.shared(row, &mut unknown);
        let mut entry = match shared {
            Ok(entry) => entry,
            Err(fault) => {
                let mut n_unreadable = 0;
                for &(at, _) in &self.values {
                    match self.value(at, &row[at]) {
                        Ok(value) => counts.value_in += value.unwrap_or(Money::ZERO),
                        Err(_) => n_unreadable += 1,
                    }
                }
                sink.reject(fault.reject(self.n_entries(), counts.value_in, n_unreadable));
                return counts;
            }
        };
        let n_shared = unknown.len();
        let (mut n_kept, mut value_kept) = (0, Money::ZERO);
        for (place, &(at, code)) in self.values.iter().enumerate() {
            let value = match self.value(at, &row[at]) {
                Ok(Some(value)) => {
                    counts.value_in += value;
                    if value.is_zero() && self.layout.zero == Zero::Skip {
                        counts.n_empty += 1;
                        continue;
                    }
                    value
                }
                // A long table has a row because there is something to say; no value there is a fault.
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
                    for (field, text, code) in &unknown[n_shared..] {
                        sink.unmapped(*field, text, code, 1, value);
                    }
                }
                Err(fault) => sink.reject(fault.reject(1, value, 0)),
            }
        }
        if n_kept > 0 {
            for (field, text, code) in &unknown[..n_shared] {
                sink.unmapped(*field, text, code, n_kept, value_kept);
            }
        }
        counts
    }

    pub(crate) fn value(&self, at: usize, text: &[u8]) -> Result<Option<Money>, Fault> {
        if let Ok(value) = self.layout.money.parse(text) {
            return Ok(Some(value));
        }
        let trimmed = text.trim_ascii();
        if std::str::from_utf8(trimmed).is_ok_and(|text| self.is_missing(text)) {
            return Ok(None);
        }
        self.layout.money.parse(trimmed).map(Some).map_err(|error| Fault {
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
        unknown: &mut Unknown<'a>,
    ) -> Result<(), Fault> {
        let region = self.text(Field::Region, row, unpivoted, entry.year, unknown)?;
        let (region, _) =
            region.ok_or_else(|| self.fault(Field::Region, RejectReason::Missing, ""))?;
        entry.region = region;
        let destination = self.text(Field::Destination, row, unpivoted, entry.year, unknown)?;
        entry.destination = destination.map(|(text, _)| text);
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
            codes.by_text.iter().map(|(text, codes)| (text.as_str(), codes.as_slice())).collect();
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
