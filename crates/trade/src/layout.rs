//! The layout of a raw source: where each fact of a record stands, and how it is written.
//!
//! A layout is data. Reading a new country's files takes a new layout, not new code.

use crate::classification::Classification;
use crate::code;
use crate::date::DateForm;
use crate::hs::HsRevision;
use crate::money::MoneyFormat;
use crate::pattern::Pattern;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A fact of a record that a source may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Calendar year, four digits.
    Year,
    /// Month, 1 to 12.
    Month,
    /// `export` or `import`.
    Flow,
    /// Region of the exporter or of production.
    Region,
    /// Product code as reported.
    Product,
    /// Country of destination.
    Destination,
    /// Customs regime: ordinary trade, processing and so on.
    TradeMode,
    /// Ownership of the firm.
    Ownership,
    /// Firm identifier.
    Firm,
    /// Name of the firm.
    FirmName,
    /// Quantity in `QuantityUnit`.
    Quantity,
    /// Unit of measure of the quantity.
    QuantityUnit,
    /// FOB value.
    Value,
}

impl Field {
    /// Every field, in the order of the columns of `customs.records`.
    pub const ALL: [Self; 13] = [
        Self::Year,
        Self::Month,
        Self::Flow,
        Self::Region,
        Self::Product,
        Self::Destination,
        Self::TradeMode,
        Self::Ownership,
        Self::Firm,
        Self::FirmName,
        Self::Quantity,
        Self::QuantityUnit,
        Self::Value,
    ];

    /// Fields that every record must have.
    pub const REQUIRED: [Self; 5] =
        [Self::Year, Self::Flow, Self::Region, Self::Product, Self::Value];

    /// Its name in a layout file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Flow => "flow",
            Self::Region => "region",
            Self::Product => "product",
            Self::Destination => "destination",
            Self::TradeMode => "trade_mode",
            Self::Ownership => "ownership",
            Self::Firm => "firm",
            Self::FirmName => "firm_name",
            Self::Quantity => "quantity",
            Self::QuantityUnit => "quantity_unit",
            Self::Value => "value",
        }
    }

    /// Its place in [`Self::ALL`].
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown field {name:?}: expected one of {known}")]
pub struct ParseFieldError {
    name: String,
    known: String,
}

impl FromStr for Field {
    type Err = ParseFieldError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|field| field.name() == text).ok_or_else(|| ParseFieldError {
            name: text.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Where a field's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A column, by any of these header names, the first that is present.
    Column(Vec<String>),
    /// The column at this place, counted from 1, whatever its header says.
    Position(usize),
    /// The same text in every row.
    Constant(String),
    /// The code that the header of the unpivoted column stands for which the value is in.
    Unpivoted,
}

/// What a code that a field's codes do not have becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmapped {
    /// Nothing: the entry is rejected.
    Reject,
    /// Itself.
    Keep,
    /// Its first characters and a text: `{first: 2, then: "9000"}` makes 329000 of 3299, a place of its
    /// province that is not known more closely.
    First {
        /// How many characters are kept.
        first: usize,
        /// What follows them.
        then: String,
    },
}

/// What a text stands for in some years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// The first of the years.
    pub first: i32,
    /// The last of them.
    pub last: i32,
    /// The code.
    pub code: String,
}

impl Meaning {
    /// `code` in every year.
    pub fn always(code: &str) -> Self {
        Self { first: i32::MIN, last: i32::MAX, code: code.to_owned() }
    }

    /// Whether it holds in `year`.
    #[inline]
    pub fn holds_in(&self, year: i32) -> bool {
        (self.first..=self.last).contains(&year)
    }
}

/// What the codes of a source mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// For each text, what it stands for, each year once at most.
    pub by_text: BTreeMap<String, Vec<Meaning>>,
    /// What becomes of the others. Those that are not rejected are counted.
    pub unmapped: Unmapped,
}

impl Codes {
    /// Codes that hold in every year; others are rejected.
    pub fn always<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let by_text = pairs
            .into_iter()
            .map(|(text, code)| (text.to_owned(), vec![Meaning::always(code)]))
            .collect();
        Self { by_text, unmapped: Unmapped::Reject }
    }
}

/// How one field is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Where its text stands.
    pub origin: Origin,
    /// Whether a header without its column is accepted: the field is then missing.
    pub is_optional: bool,
    /// Only these characters of it, first and last, counted from 1: `(1, 4)` takes 2008 out of 200811.
    pub characters: Option<(usize, usize)>,
    /// The form of the date that it is, of a year or a month.
    pub date: Option<DateForm>,
    /// What its codes mean; without, text is kept as it is.
    pub codes: Option<Codes>,
    /// What it is when it is missing, there and wherever else to look.
    pub empty: Empty,
    /// Where to look when it is missing.
    pub fallback: Option<Box<Self>>,
}

impl FieldSpec {
    /// The text that stands at `origin`, as it is.
    pub fn of(origin: Origin) -> Self {
        Self {
            origin,
            is_optional: false,
            characters: None,
            date: None,
            codes: None,
            empty: Empty::Missing,
            fallback: None,
        }
    }
}

/// What a cell is that is empty or says "missing".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Nothing.
    Missing,
    /// Zero.
    Zero,
    /// A fault.
    Reject,
}

/// Columns that each hold the value of one region, year, flow or the like: a wide table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpivot {
    /// The field that the headers of these columns name.
    pub field: Field,
    /// Header and the code it stands for, in the order of the columns.
    pub columns: Vec<(String, String)>,
    /// What finds more of them.
    pub pattern: Option<NamePattern>,
}

impl Unpivot {
    /// The fields that headers may name.
    pub const FIELDS: [Field; 6] =
        [Field::Year, Field::Month, Field::Flow, Field::Region, Field::Product, Field::Destination];
}

/// Headers that stand for codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    /// What such a header is like.
    pub pattern: Pattern,
    /// Its code: `$1` is what the first group of the pattern found.
    pub code: String,
}

impl NamePattern {
    /// The code that a header stands for, if it is like the pattern.
    pub fn code_of(&self, header: &str) -> Option<String> {
        self.pattern.expand(header, &self.code)
    }
}

/// What the text of a raw column must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The header of the column.
    pub column: String,
    /// What holds of its text.
    pub test: Test,
}

/// What may hold of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is one of these.
    In(BTreeSet<String>),
    /// It is none of these.
    NotIn(BTreeSet<String>),
    /// The expression is found in it.
    Matches(Pattern),
    /// The expression is not.
    NotMatches(Pattern),
}

impl Test {
    /// Whether it holds of a text. One that a data frame made a number of is also its digits.
    pub fn holds(&self, text: &str) -> bool {
        let is_in =
            |texts: &BTreeSet<String>| texts.contains(text) || texts.contains(code::whole(text));
        match self {
            Self::In(texts) => is_in(texts),
            Self::NotIn(texts) => !is_in(texts),
            Self::Matches(pattern) => pattern.is_in(text),
            Self::NotMatches(pattern) => !pattern.is_in(text),
        }
    }
}

/// What values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Money of the currency with this ISO 4217 code.
    Money(String),
    /// Something else, such as employment in persons.
    Other {
        /// What is measured.
        name: String,
        /// In what.
        unit: String,
    },
}

impl Measure {
    /// The currency of money.
    pub fn currency(&self) -> Option<&str> {
        match self {
            Self::Money(currency) => Some(currency),
            Self::Other { .. } => None,
        }
    }

    /// What values are counted in.
    pub fn unit(&self) -> &str {
        match self {
            Self::Money(currency) => currency,
            Self::Other { unit, .. } => unit,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(currency) => f.write_str(currency),
            Self::Other { name, unit } => write!(f, "{name} in {unit}"),
        }
    }
}

/// What to do with a value below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negative {
    /// Keep it: the source publishes balancing entries.
    Keep,
    /// Reject it.
    Reject,
}

/// What to do with a value of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// It is no record: a wide table writes 0 for "nothing".
    Skip,
    /// It is a record of nothing.
    Keep,
}

/// A kind of entry that an analysis may leave out, under a name. It covers what meets every condition that is
/// given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which the pipeline's `exclude` gives.
    pub name: String,
    /// What it is for, one line.
    pub why: String,
    /// The region codes it covers; empty: any.
    pub regions: BTreeSet<String>,
    /// Prefixes of the product codes it covers; empty: any.
    pub products: BTreeSet<String>,
    /// The destination codes it covers; empty: any.
    pub destinations: BTreeSet<String>,
    /// Words, one of which is part of the firm's name; empty: any.
    pub firm_names: BTreeSet<String>,
    /// What must hold of the texts of the row's columns; empty: anything.
    pub cells: Vec<Condition>,
}

impl Rule {
    /// Whether its condition on regions holds.
    pub fn covers_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.contains(region)
    }

    /// Whether its condition on destinations holds.
    pub fn covers_destination(&self, destination: Option<&str>) -> bool {
        self.destinations.is_empty()
            || destination.is_some_and(|code| self.destinations.contains(code))
    }
}

/// The years in which products have codes of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionYears {
    /// The first of the years.
    pub first: i32,
    /// The last of them.
    pub last: i32,
    /// The revision.
    pub revision: HsRevision,
}

/// How product codes are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFormat {
    /// What they are codes of.
    pub classification: Arc<Classification>,
    /// Digits of a full code; without, codes are texts as they stand. A chapter or heading of HS stands for
    /// its products: HS6 is the heading and `00`.
    pub digits: Option<usize>,
    /// Whether a code with one digit less has lost its leading zero and gets it back.
    pub restore_leading_zero: bool,
    /// The revisions of HS, each year once at most.
    pub revisions: Vec<RevisionYears>,
}

impl ProductFormat {
    /// Whether codes are of the Harmonized System.
    pub fn is_hs(&self) -> bool {
        self.classification.is_hs()
    }

    /// The revision in force in `year`.
    pub fn revision(&self, year: i32) -> Option<HsRevision> {
        self.revisions
            .iter()
            .find(|years| (years.first..=years.last).contains(&year))
            .map(|years| years.revision)
    }
}

/// The layout of a raw source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// Where each field comes from; a field that is absent here is null in the records.
    pub fields: BTreeMap<Field, FieldSpec>,
    /// The wide columns, if the table is wide.
    pub unpivot: Option<Unpivot>,
    /// Texts that mean "missing", beside the empty text.
    pub missing: BTreeSet<String>,
    /// How values are written.
    pub money: MoneyFormat,
    /// What values are.
    pub measure: Measure,
    /// What to do with values below zero.
    pub negative: Negative,
    /// What to do with values of zero.
    pub zero: Zero,
    /// How product codes are written.
    pub product: ProductFormat,
    /// Codes of regions and their names.
    pub region_names: BTreeMap<String, String>,
    /// Codes that the layout itself lists: if there are some, others that stand in a column without a code book are
    /// counted as unmapped.
    pub listed_regions: BTreeSet<String>,
    /// Kinds of entry that can be left out by name.
    pub rules: Vec<Rule>,
    /// What must hold of a row; others are left out before they are read.
    pub conditions: Vec<Condition>,
    /// The first and last year of the entries that are meant; others are left out.
    pub years: Option<(i32, i32)>,
    /// What an empty cell of a value is. Else it is a fault in a long table, which has a row because there is
    /// something to say, and nothing in a wide one.
    pub empty_value: Option<Empty>,
}

impl Layout {
    /// Whether entries of `year` are meant.
    #[inline]
    pub fn is_of_years(&self, year: i32) -> bool {
        self.years.is_none_or(|(first, last)| (first..=last).contains(&year))
    }
}
