//! The keys of a layout file, as they are written.

use super::rows::RowsText;
use crate::product_text::ProductText;
use crate::read_options::{Characters, Delimiter, Form, NumberMark, Quote};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use trade::layout::Empty;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) format: Option<Form>,
    pub(super) csv: Option<CsvText>,
    pub(super) excel: Option<ExcelText>,
    pub(super) json: Option<JsonText>,
    pub(super) parquet: Option<EncodingText>,
    pub(super) dta: Option<EncodingText>,
    pub(super) rows: Option<RowsText>,
    pub(super) fields: BTreeMap<String, FieldText>,
    pub(super) unpivot: Option<UnpivotText>,
    pub(super) product: ProductText,
    pub(super) value: ValueText,
    #[serde(default)]
    pub(super) missing: BTreeSet<String>,
    #[serde(default)]
    pub(super) regions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) rules: Vec<RuleText>,
    #[serde(default, rename = "where")]
    pub(super) conditions: Vec<WhereText>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CsvText {
    pub(super) delimiter: Option<Delimiter>,
    #[serde(deserialize_with = "quote")]
    pub(super) quote: Option<Quote>,
    pub(super) encoding: Option<Characters>,
    pub(super) header: Option<bool>,
    pub(super) skip: Option<usize>,
}

/// A quote, where `null` says that there is none.
fn quote<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Quote>, D::Error> {
    Ok(Some(Option::<Quote>::deserialize(from)?.unwrap_or(Quote(None))))
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExcelText {
    pub(super) sheet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheets: Option<SheetsText>,
    pub(super) header: Option<bool>,
    pub(super) skip: Option<usize>,
}

/// The sheets of a workbook: what their names look like, or a list of names.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum SheetsText {
    Pattern(String),
    Names(Vec<String>),
}

impl<'de> Deserialize<'de> for SheetsText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PatternOrNames)
    }
}

struct PatternOrNames;

impl<'de> Visitor<'de> for PatternOrNames {
    type Value = SheetsText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern of names of sheets, or a list of names in quotes")
    }

    fn visit_str<E>(self, text: &str) -> Result<SheetsText, E> {
        Ok(SheetsText::Pattern(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<SheetsText, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = names.next_element()? {
            all.push(name);
        }
        Ok(SheetsText::Names(all))
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct JsonText {
    pub(super) key: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncodingText {
    pub(super) encoding: Option<Characters>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldText {
    pub(super) column: Option<Vec<String>>,
    pub(super) position: Option<usize>,
    pub(super) constant: Option<String>,
    pub(super) unpivoted: Option<bool>,
    pub(super) file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sheet: Option<String>,
    pub(super) optional: Option<bool>,
    pub(super) characters: Option<[usize; 2]>,
    pub(super) date: Option<Texts>,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) book: Option<BookText>,
    pub(super) empty: Option<EmptyText>,
    pub(super) fallback: Option<Box<Self>>,
}

/// A text, or several.
#[derive(Debug, Serialize)]
pub(super) struct Texts(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Texts, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = texts.next_element()? {
            all.push(text);
        }
        Ok(Texts(all))
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyText {
    Missing,
    Zero,
    Reject,
}

impl From<EmptyText> for Empty {
    fn from(text: EmptyText) -> Self {
        match text {
            EmptyText::Missing => Self::Missing,
            EmptyText::Zero => Self::Zero,
            EmptyText::Reject => Self::Reject,
        }
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BookText {
    pub(super) file: String,
    pub(super) release: String,
    pub(super) unmapped: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnpivotText {
    pub(super) field: String,
    pub(super) columns: Option<BTreeMap<String, String>>,
    pub(super) pattern: Option<String>,
    pub(super) code: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhereText {
    pub(super) column: String,
    #[serde(rename = "in")]
    pub(super) is_in: Option<BTreeSet<String>>,
    pub(super) not_in: Option<BTreeSet<String>>,
    pub(super) matches: Option<String>,
    pub(super) not_matches: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueText {
    pub(super) currency: Option<String>,
    pub(super) measure: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) decimal: Option<NumberMark>,
    #[serde(default, deserialize_with = "told_mark")]
    pub(super) thousands: Option<NumberMark>,
    pub(super) multiplier: u32,
    pub(super) negative: NegativeText,
    pub(super) zero: ZeroText,
    pub(super) round: Option<RoundText>,
    pub(super) empty: Option<EmptyText>,
}

/// A mark that is there, `null` for none.
fn told_mark<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NumberMark>, D::Error> {
    Ok(Some(Option::deserialize(from)?.unwrap_or(NumberMark(None))))
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoundText {
    HalfEven,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NegativeText {
    Keep,
    Reject,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ZeroText {
    Keep,
    Skip,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) regions: Option<BTreeSet<String>>,
    pub(super) products: Option<BTreeSet<String>>,
    pub(super) destinations: Option<BTreeSet<String>>,
    pub(super) firm_names: Option<BTreeSet<String>>,
    pub(super) columns: Option<BTreeMap<String, BTreeSet<String>>>,
    pub(super) not_columns: Option<BTreeMap<String, BTreeSet<String>>>,
}
