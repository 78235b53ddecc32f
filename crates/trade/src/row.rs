//! From one raw row to its entries, or to a reject with a reason.
//!
//! A row of a long table has one entry; a row of a wide table has one for each unpivoted column. A
//! fault in a field that all entries share rejects the row whole; a fault in one value rejects that
//! entry alone. The value of what is rejected is kept beside the reason wherever it can be read, so
//! that value in = value of records + value of rejects, exactly.

use crate::hs::{Hs6, HsRevision};
use crate::layout::{Field, FieldSpec, Layout, Negative, Origin, ProductFormat, Zero};
use crate::money::{Money, ParseMoneyError};
use std::borrow::Cow;
use std::fmt;

/// Why a row or an entry was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// The row has more or fewer columns than the header.
    ColumnCount,
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
    /// A number too large to hold.
    TooLarge,
    /// A value below zero where the layout allows none.
    Negative,
    /// A quantity that is not a number of zero or more.
    Quantity,
}

impl RejectReason {
    /// The code that `customs.rejects` holds.
    pub fn code(self) -> &'static str {
        match self {
            Self::ColumnCount => "column_count",
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

/// One readable entry of a raw row. Texts borrow from the row or the layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Calendar year.
    pub year: i32,
    /// Month 1 to 12, if the source has months.
    pub month: Option<i32>,
    /// `export` or `import`.
    pub flow: &'a str,
    /// Region code.
    pub region: &'a str,
    /// Product code, cleaned to the layout's digits.
    pub product: Cow<'a, str>,
    /// Its first six digits.
    pub hs6: Hs6,
    /// The revision they belong to.
    pub revision: HsRevision,
    /// Destination code.
    pub destination: Option<&'a str>,
    /// Trade mode code.
    pub trade_mode: Option<&'a str>,
    /// Ownership code.
    pub ownership: Option<&'a str>,
    /// Firm identifier.
    pub firm: Option<&'a str>,
    /// Quantity.
    pub quantity: Option<f64>,
    /// Unit of the quantity.
    pub quantity_unit: Option<&'a str>,
    /// FOB value.
    pub value: Money,
    /// Place in the layout's `rules` of the first rule that covers it.
    pub rule: Option<usize>,
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

/// What became of a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowOutcome<'a> {
    /// The readable entries, zeros left out where the layout skips them.
    pub entries: Vec<Entry<'a>>,
    /// The refused ones.
    pub rejects: Vec<Reject>,
    /// Entries left out as zero or missing in a wide table.
    pub n_empty: u64,
    /// Sum of every readable value of the row, before any other rule.
    pub value_in: Money,
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
enum Source {
    Column(usize),
    Constant(String),
    Unpivoted,
    Absent,
}

/// A layout fitted to the header of one file.
#[derive(Debug, Clone)]
pub struct RowParser<'l> {
    layout: &'l Layout,
    header: Vec<String>,
    sources: Vec<Source>,
    /// Column and code of each unpivoted column; one pair without a code for a long table.
    values: Vec<(usize, Option<&'l str>)>,
}

/// Strips what exporters of spreadsheets leave around a header name.
fn clean_header(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim()
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
        let find = |name: &str| header.iter().position(|h| h == name);
        let mut sources = Vec::with_capacity(Field::ALL.len());
        for field in Field::ALL {
            sources.push(match layout.fields.get(&field).map(|spec| &spec.origin) {
                None => Source::Absent,
                Some(Origin::Constant(text)) => Source::Constant(text.clone()),
                Some(Origin::Unpivoted) => Source::Unpivoted,
                Some(&Origin::Position(position)) => {
                    if position == 0 || position > header.len() {
                        return Err(HeaderError::NoPosition {
                            field: field.to_string(),
                            position,
                            n_columns: header.len(),
                        });
                    }
                    Source::Column(position - 1)
                }
                Some(Origin::Column(names)) => Source::Column(
                    names
                        .iter()
                        .find_map(|name| find(name))
                        .ok_or_else(|| no_column(field.name(), names.join(" or ")))?,
                ),
            });
        }
        let values = match (&layout.unpivot, &sources[Field::Value.index()]) {
            (Some(unpivot), _) => unpivot
                .columns
                .iter()
                .map(|(name, code)| match find(name) {
                    Some(at) => Ok((at, Some(code.as_str()))),
                    None => Err(no_column(unpivot.field.name(), name.clone())),
                })
                .collect::<Result<_, _>>()?,
            (None, &Source::Column(at)) => vec![(at, None)],
            (None, _) => return Err(no_column("value", "a column".to_owned())),
        };
        Ok(Self { layout, header, sources, values })
    }

    /// Columns a row must have.
    pub fn n_columns(&self) -> usize {
        self.header.len()
    }

    /// Entries a row has.
    pub fn n_entries(&self) -> u64 {
        self.values.len() as u64
    }

    fn spec(&self, field: Field) -> Option<&'l FieldSpec> {
        self.layout.fields.get(&field)
    }

    fn is_missing(&self, text: &str) -> bool {
        text.is_empty() || self.layout.missing.contains(text)
    }

    /// The text of `field`, cut and mapped; `None` if it is missing.
    fn text<'a>(
        &'a self,
        field: Field,
        row: &[&'a [u8]],
        unpivoted: Option<&'a str>,
    ) -> Result<Option<&'a str>, Fault> {
        let fault = |reason, found: &str| Fault {
            reason,
            column: self.column(field),
            found: found.to_owned(),
        };
        let raw = match &self.sources[field.index()] {
            Source::Absent => return Ok(None),
            Source::Unpivoted => return Ok(unpivoted),
            Source::Constant(text) => text.as_str(),
            &Source::Column(at) => std::str::from_utf8(row[at])
                .map_err(|_| fault(RejectReason::Encoding, &String::from_utf8_lossy(row[at])))?,
        };
        let mut text = raw.trim();
        if self.is_missing(text) {
            return Ok(None);
        }
        let Some(spec) = self.spec(field) else { return Ok(Some(text)) };
        if let Some((first, last)) = spec.characters {
            let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
            text = &text[at(first - 1)..at(last)];
        }
        match &spec.map {
            None => Ok(Some(text)),
            Some(map) => match map.get(text) {
                Some(code) => Ok(Some(code)),
                None => Err(fault(RejectReason::UnmappedCode, text)),
            },
        }
    }

    fn required<'a>(
        &'a self,
        field: Field,
        row: &[&'a [u8]],
        unpivoted: Option<&'a str>,
    ) -> Result<&'a str, Fault> {
        self.text(field, row, unpivoted)?.ok_or_else(|| Fault {
            reason: RejectReason::Missing,
            column: self.column(field),
            found: String::new(),
        })
    }

    fn column(&self, field: Field) -> String {
        match &self.sources[field.index()] {
            &Source::Column(at) => self.header[at].clone(),
            _ => field.name().to_owned(),
        }
    }

    fn shared<'a>(&'a self, row: &[&'a [u8]]) -> Result<Shared<'a>, Fault> {
        let fault = |field: Field, reason, found: &str| Fault {
            reason,
            column: self.column(field),
            found: found.to_owned(),
        };
        let text = self.required(Field::Year, row, None)?;
        let year = text
            .parse()
            .ok()
            .filter(|year| (1900..=2100).contains(year))
            .ok_or_else(|| fault(Field::Year, RejectReason::Year, text))?;
        let month = match self.text(Field::Month, row, None)? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|month| (1..=12).contains(month))
                    .ok_or_else(|| fault(Field::Month, RejectReason::Month, text))?,
            ),
        };
        let flow = self.required(Field::Flow, row, None)?;
        if !matches!(flow, "export" | "import") {
            return Err(fault(Field::Flow, RejectReason::Flow, flow));
        }
        let text = self.required(Field::Product, row, None)?;
        let product = product_code(text, &self.layout.product)
            .ok_or_else(|| fault(Field::Product, RejectReason::Product, text))?;
        let hs6 = Hs6::from_digits(product.as_bytes())
            .ok_or_else(|| fault(Field::Product, RejectReason::Product, text))?;
        let revision = self
            .layout
            .product
            .revision(year)
            .ok_or_else(|| fault(Field::Year, RejectReason::Revision, &year.to_string()))?;
        let quantity = match self.text(Field::Quantity, row, None)? {
            None => None,
            Some(text) => Some(
                text.parse::<f64>()
                    .ok()
                    .filter(|q| q.is_finite() && *q >= 0.0)
                    .ok_or_else(|| fault(Field::Quantity, RejectReason::Quantity, text))?,
            ),
        };
        Ok(Shared {
            year,
            month,
            flow,
            product,
            hs6,
            revision,
            trade_mode: self.text(Field::TradeMode, row, None)?,
            ownership: self.text(Field::Ownership, row, None)?,
            firm: self.text(Field::Firm, row, None)?,
            quantity,
            quantity_unit: self.text(Field::QuantityUnit, row, None)?,
        })
    }

    /// Reads one row. `row` holds the texts of its columns, unquoted.
    pub fn parse<'a>(&'a self, row: &[&'a [u8]]) -> RowOutcome<'a> {
        let mut outcome = RowOutcome::default();
        if row.len() != self.header.len() {
            outcome.rejects.push(Reject {
                reason: RejectReason::ColumnCount,
                column: String::new(),
                found: format!("{} columns, expected {}", row.len(), self.header.len()),
                n_entries: self.n_entries(),
                value: Money::ZERO,
                n_unreadable: self.n_entries(),
            });
            return outcome;
        }
        let values: Vec<Result<Option<Money>, Fault>> =
            self.values.iter().map(|&(at, _)| self.value(at, row[at])).collect();
        outcome.value_in = values.iter().filter_map(|v| v.as_ref().ok().copied().flatten()).sum();
        let shared = match self.shared(row) {
            Ok(shared) => shared,
            Err(fault) => {
                let n_unreadable = values.iter().filter(|v| v.is_err()).count() as u64;
                outcome.rejects.push(fault.reject(
                    self.n_entries(),
                    outcome.value_in,
                    n_unreadable,
                ));
                return outcome;
            }
        };
        for (value, &(_, code)) in values.into_iter().zip(&self.values) {
            let value = match value {
                Ok(Some(value)) if !(value.is_zero() && self.layout.zero == Zero::Skip) => value,
                // A long table has a row because there is something to say; no value there is a fault.
                Ok(None) if code.is_none() => {
                    let fault = Fault {
                        reason: RejectReason::Missing,
                        column: self.column(Field::Value),
                        found: String::new(),
                    };
                    outcome.rejects.push(fault.reject(1, Money::ZERO, 1));
                    continue;
                }
                Ok(_) => {
                    outcome.n_empty += 1;
                    continue;
                }
                Err(fault) => {
                    outcome.rejects.push(fault.reject(1, Money::ZERO, 1));
                    continue;
                }
            };
            match self.entry(&shared, value, row, code) {
                Ok(entry) => outcome.entries.push(entry),
                Err(fault) => outcome.rejects.push(fault.reject(1, value, 0)),
            }
        }
        outcome
    }

    fn value(&self, at: usize, text: &[u8]) -> Result<Option<Money>, Fault> {
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

    fn entry<'a>(
        &'a self,
        shared: &Shared<'a>,
        value: Money,
        row: &[&'a [u8]],
        unpivoted: Option<&'a str>,
    ) -> Result<Entry<'a>, Fault> {
        let region = self.required(Field::Region, row, unpivoted)?;
        let destination = self.text(Field::Destination, row, unpivoted)?;
        if value < Money::ZERO && self.layout.negative == Negative::Reject {
            return Err(Fault {
                reason: RejectReason::Negative,
                column: unpivoted.map_or_else(|| self.column(Field::Value), str::to_owned),
                found: value.to_string(),
            });
        }
        let rule =
            self.layout.rules.iter().position(|r| r.covers(region, &shared.product, destination));
        Ok(Entry {
            year: shared.year,
            month: shared.month,
            flow: shared.flow,
            region,
            product: shared.product.clone(),
            hs6: shared.hs6,
            revision: shared.revision,
            destination,
            trade_mode: shared.trade_mode,
            ownership: shared.ownership,
            firm: shared.firm,
            quantity: shared.quantity,
            quantity_unit: shared.quantity_unit,
            value,
            rule,
        })
    }
}

struct Shared<'a> {
    year: i32,
    month: Option<i32>,
    flow: &'a str,
    product: Cow<'a, str>,
    hs6: Hs6,
    revision: HsRevision,
    trade_mode: Option<&'a str>,
    ownership: Option<&'a str>,
    firm: Option<&'a str>,
    quantity: Option<f64>,
    quantity_unit: Option<&'a str>,
}

#[derive(Debug)]
struct Fault {
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

/// The digits of a product code: dots and spaces dropped, a float's `.0` tail cut, the lost leading
/// zero restored.
fn product_code<'a>(text: &'a str, format: &ProductFormat) -> Option<Cow<'a, str>> {
    let whole =
        text.strip_suffix(".0").filter(|w| w.bytes().all(|b| b.is_ascii_digit())).unwrap_or(text);
    let mut code = if whole.bytes().all(|b| b.is_ascii_digit()) {
        Cow::Borrowed(whole)
    } else {
        Cow::Owned(whole.chars().filter(|c| !matches!(c, '.' | ' ')).collect::<String>())
    };
    if format.restore_leading_zero && code.len() + 1 == format.digits {
        code = Cow::Owned(format!("0{code}"));
    }
    (code.len() == format.digits && code.bytes().all(|b| b.is_ascii_digit())).then_some(code)
}

#[cfg(test)]
mod tests;
