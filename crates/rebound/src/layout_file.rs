//! Layout files, `config/layouts/*.yaml`: the text form of [`trade::Layout`] and of how a file is unpacked.

use crate::yaml::{self, YamlError};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use trade::layout::{
    Field, FieldSpec, Layout, Negative, Origin, ProductFormat, Rule, Unpivot, Zero,
};
use trade::{HsRevision, MoneyFormat};

/// A layout file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value makes no sense.
    #[error("invalid `{key}` in `{path}`: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong and what was expected.
        why: String,
    },
}

/// How the text of a source is cut into columns.
#[derive(Debug, Clone)]
pub struct Csv {
    /// The byte between columns.
    pub delimiter: u8,
    /// The byte around columns that hold delimiters; `None` where quotes are plain text.
    pub quote: Option<u8>,
    /// The character encoding.
    pub encoding: &'static encoding_rs::Encoding,
}

/// A layout and how its files are unpacked.
#[derive(Debug, Clone)]
pub struct LayoutFile {
    /// How rows are read.
    pub layout: Layout,
    /// How text becomes rows.
    pub csv: Csv,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    format: Format,
    csv: CsvText,
    fields: BTreeMap<String, FieldText>,
    unpivot: Option<UnpivotText>,
    product: ProductText,
    value: ValueText,
    missing: BTreeSet<String>,
    regions: BTreeMap<String, String>,
    rules: Vec<RuleText>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Csv,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CsvText {
    delimiter: String,
    quote: Option<String>,
    encoding: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    column: Option<Vec<String>>,
    position: Option<usize>,
    constant: Option<String>,
    unpivoted: Option<bool>,
    characters: Option<[usize; 2]>,
    map: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnpivotText {
    field: String,
    columns: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductText {
    digits: usize,
    restore_leading_zero: bool,
    revisions: Vec<RevisionText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevisionText {
    from: i32,
    to: i32,
    revision: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueText {
    currency: String,
    decimal: String,
    thousands: Option<String>,
    multiplier: u32,
    negative: NegativeText,
    zero: ZeroText,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NegativeText {
    Keep,
    Reject,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ZeroText {
    Keep,
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    why: String,
    regions: Option<BTreeSet<String>>,
    products: Option<BTreeSet<String>>,
    destinations: Option<BTreeSet<String>>,
}

/// Reads the layout at `path`.
///
/// # Errors
///
/// [`LayoutError`] if the file has other keys than a layout, or values that make no sense.
pub fn read(path: &Path) -> Result<LayoutFile, LayoutError> {
    let file: File = yaml::read(path)?;
    let invalid = |key: &str, why: String| LayoutError::Value {
        path: path.to_owned(),
        key: key.to_owned(),
        why,
    };
    let byte = |key: &str, text: &str| match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(invalid(key, format!("{text:?} is not one ASCII character"))),
    };
    let Format::Csv = file.format;
    let csv = Csv {
        delimiter: byte("csv.delimiter", &file.csv.delimiter)?,
        quote: file.csv.quote.as_deref().map(|quote| byte("csv.quote", quote)).transpose()?,
        encoding: encoding_rs::Encoding::for_label(file.csv.encoding.as_bytes()).ok_or_else(
            || {
                let why = format!(
                    "unknown encoding {:?}: expected a name such as utf-8, gb18030 or latin1",
                    file.csv.encoding
                );
                invalid("csv.encoding", why)
            },
        )?,
    };
    let mut fields = BTreeMap::new();
    for (name, text) in file.fields {
        let key = format!("fields.{name}");
        let field: Field = name
            .parse()
            .map_err(|e: trade::layout::ParseFieldError| invalid(&key, e.to_string()))?;
        let origin = match (text.column, text.position, text.constant, text.unpivoted) {
            (Some(names), None, None, None) if !names.is_empty() => Origin::Column(names),
            (None, Some(position), None, None) => Origin::Position(position),
            (None, None, Some(constant), None) => Origin::Constant(constant),
            (None, None, None, Some(true)) => Origin::Unpivoted,
            _ => {
                let why = "expected exactly one of column (a list of names), position, constant, unpivoted: true";
                return Err(invalid(&key, why.to_owned()));
            }
        };
        let characters = match text.characters {
            None => None,
            Some([first, last]) if 1 <= first && first <= last => Some((first, last)),
            Some([first, last]) => {
                let why = format!(
                    "characters [{first}, {last}]: expected first and last, counted from 1"
                );
                return Err(invalid(&key, why));
            }
        };
        fields.insert(field, FieldSpec { origin, characters, map: text.map });
    }
    let unpivot = match file.unpivot {
        None => None,
        Some(text) => {
            let field: Field =
                text.field.parse().map_err(|e: trade::layout::ParseFieldError| {
                    invalid("unpivot.field", e.to_string())
                })?;
            if !matches!(field, Field::Region | Field::Destination) {
                return Err(invalid(
                    "unpivot.field",
                    format!("{field}: expected region or destination"),
                ));
            }
            if fields.get(&field).map(|spec| &spec.origin) != Some(&Origin::Unpivoted) {
                return Err(invalid(
                    "unpivot.field",
                    format!("fields.{field} must say `unpivoted: true`"),
                ));
            }
            if text.columns.is_empty() {
                return Err(invalid("unpivot.columns", "expected at least one column".to_owned()));
            }
            Some(Unpivot { field, columns: text.columns.into_iter().collect() })
        }
    };
    for (field, spec) in &fields {
        if spec.origin == Origin::Unpivoted && unpivot.as_ref().map(|u| u.field) != Some(*field) {
            return Err(invalid(
                &format!("fields.{field}"),
                "there is no `unpivot` of this field".to_owned(),
            ));
        }
    }
    for field in Field::REQUIRED {
        let is_given = fields.contains_key(&field) || (field == Field::Value && unpivot.is_some());
        if !is_given {
            return Err(invalid("fields", format!("`{field}` is required")));
        }
    }
    if !(6..=12).contains(&file.product.digits) {
        let why = format!("{}: expected 6 to 12", file.product.digits);
        return Err(invalid("product.digits", why));
    }
    let mut revisions: Vec<(i32, i32, HsRevision)> = Vec::new();
    for text in &file.product.revisions {
        let revision = text.revision.parse().map_err(|e: trade::hs::ParseRevisionError| {
            invalid("product.revisions", e.to_string())
        })?;
        if text.from > text.to {
            return Err(invalid(
                "product.revisions",
                format!("{} is after {}", text.from, text.to),
            ));
        }
        if let Some((first, last, _)) =
            revisions.iter().find(|(f, l, _)| text.from <= *l && *f <= text.to)
        {
            let why = format!("{}-{} overlaps {first}-{last}", text.from, text.to);
            return Err(invalid("product.revisions", why));
        }
        revisions.push((text.from, text.to, revision));
    }
    let money = MoneyFormat {
        thousands: file
            .value
            .thousands
            .as_deref()
            .map(|t| byte("value.thousands", t))
            .transpose()?,
        decimal: byte("value.decimal", &file.value.decimal)?,
        multiplier: file.value.multiplier,
    };
    if money.multiplier == 0 {
        return Err(invalid("value.multiplier", "expected 1 or more".to_owned()));
    }
    let rules: Vec<Rule> = file
        .rules
        .into_iter()
        .map(|text| Rule {
            name: text.name,
            why: text.why,
            regions: text.regions.unwrap_or_default(),
            products: text.products.unwrap_or_default(),
            destinations: text.destinations.unwrap_or_default(),
        })
        .collect();
    for (at, rule) in rules.iter().enumerate() {
        if rules[..at].iter().any(|other| other.name == rule.name) {
            return Err(invalid("rules", format!("{:?} is there twice", rule.name)));
        }
        if rule.regions.is_empty() && rule.products.is_empty() && rule.destinations.is_empty() {
            let why = format!(
                "{:?} covers everything: give regions, products or destinations",
                rule.name
            );
            return Err(invalid("rules", why));
        }
    }
    let layout = Layout {
        name: file.name,
        fields,
        unpivot,
        missing: file.missing,
        money,
        currency: file.value.currency,
        negative: match file.value.negative {
            NegativeText::Keep => Negative::Keep,
            NegativeText::Reject => Negative::Reject,
        },
        zero: match file.value.zero {
            ZeroText::Keep => Zero::Keep,
            ZeroText::Skip => Zero::Skip,
        },
        product: ProductFormat {
            digits: file.product.digits,
            restore_leading_zero: file.product.restore_leading_zero,
            revisions,
        },
        region_names: file.regions,
        rules,
    };
    Ok(LayoutFile { layout, csv })
}
