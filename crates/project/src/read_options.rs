//! How a table from outside is read: what is told of its form. All else is seen in the file.

use encoding_rs::Encoding;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use trade::number::{Ambiguity, Flags, NumberFormat, NumberSample};

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Delimited text.
    Csv,
    /// Eurostat's TSV: dimensions in the first column, a column a period, flags behind values.
    Eurostat,
    /// A workbook: xlsx, xlsb, xls or ods.
    Excel,
    /// JSON: an array of objects, an object a line, or an array under a key.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file or stream (Feather).
    Arrow,
    /// Stata.
    Dta,
}

impl Form {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "delimited text",
            Self::Eurostat => "Eurostat TSV",
            Self::Excel => "a workbook",
            Self::Json => "JSON",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow IPC",
            Self::Dta => "Stata",
        }
    }
}

/// The mark between the fields of a text: one ASCII character, `tab`, or `\t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(pub u8);

/// The mark around fields that hold marks: one ASCII character, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote(pub Option<u8>);

/// A mark within numbers: one character, `space`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberMark(pub Option<char>);

/// The characters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Characters(pub &'static Encoding);

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text, digit by digit as it stands.
    Text,
    /// Whole numbers.
    Int,
    /// Numbers of double precision.
    Double,
    /// True or false.
    Boolean,
    /// Codes of a Stata file, by their value labels; a code without one stays a code.
    Label,
}

/// Types by column: `firm=text,year=int`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnTypes(pub BTreeMap<String, ColumnType>);

/// How a table is read, where that is told. What is not told is seen in the first rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// The form of the file, whatever it looks like.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// The mark between fields of a text: one character, or `tab`.
    #[arg(long, value_name = "MARK")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// The mark around fields that hold marks, or `none`: quotes are text.
    #[arg(long, value_name = "MARK")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The characters of texts: utf-8, gb18030, latin1, utf-16le and other names of the WHATWG.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Characters>,
    /// The mark before the fraction of a number.
    #[arg(long, value_name = "MARK")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<NumberMark>,
    /// The mark between groups of digits, `space` (of any width) or `none`.
    #[arg(long, value_name = "MARK")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<NumberMark>,
    /// The sheet of a workbook, by its name.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The key of the array of rows in JSON, with points between levels: `response.data`.
    #[arg(long, value_name = "KEY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Lines above the header.
    #[arg(long, value_name = "LINES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<usize>,
    /// Whether there is a row of names; without, columns are `column 1`, `column 2` and so on.
    #[arg(long, value_name = "true|false")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// What stands for a missing value, in every column: `NA,.,:`. An empty cell always does.
    #[arg(long, value_name = "MARKS", value_delimiter = ',', allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    /// Whether letters behind numbers are flags, which are left out, as Eurostat writes them.
    #[arg(long, value_name = "true|false")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<bool>,
    /// Types of columns: `firm=text,year=int`; `region=label` takes the value labels of a Stata file.
    #[arg(long, value_name = "COLUMN=TYPE", default_value_t)]
    #[serde(skip_serializing_if = "ColumnTypes::is_empty")]
    pub types: ColumnTypes,
}

/// What stands for a missing number where nobody said it, beside an empty cell.
pub const MISSING_NUMBERS: [&str; 22] = [
    "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "#N/A", "#REF!", "#VALUE!",
    "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", ".", "..", "...", ":", "*", "-",
];

impl ReadOptions {
    /// Whether a text stands for a missing value, as it was told.
    pub fn is_missing(&self, text: &str) -> bool {
        self.missing.as_ref().is_some_and(|marks| marks.iter().any(|mark| mark == text))
    }

    /// Whether a text stands for a missing number: as it was told, and where nobody told it one of
    /// the usual marks.
    pub fn is_missing_number(&self, text: &str) -> bool {
        match self.missing {
            Some(_) => self.is_missing(text),
            None => MISSING_NUMBERS.contains(&text),
        }
    }

    /// How numbers are written in a file with these cells in columns of numbers: as it was told,
    /// and as they show; where they do not show it, its `others` may.
    ///
    /// # Errors
    ///
    /// [`Ambiguity`] if neither shows it.
    pub fn number_format(
        &self,
        cells: &NumberSample,
        others: &NumberSample,
    ) -> Result<NumberFormat, Ambiguity> {
        let decimal = self.decimal.and_then(|NumberMark(mark)| mark);
        let thousands = self.thousands.map(|NumberMark(mark)| mark);
        let flags = match self.flags {
            Some(true) => Flags::LeftOut,
            Some(false) | None => Flags::Refused,
        };
        let format = cells.format_beside(others, decimal, thousands)?;
        Ok(NumberFormat { flags, ..format })
    }

    /// A cell whose point is taken for a decimal one in `format`, though nobody told it and no cell
    /// shows it.
    pub fn unclear_point<'c>(
        &self,
        cells: &'c NumberSample,
        format: NumberFormat,
    ) -> Option<&'c str> {
        let is_told = matches!(self.decimal, Some(NumberMark(Some(_)))) || self.thousands.is_some();
        cells.unclear_point().filter(|_| !is_told && format.decimal == '.')
    }
}

impl ColumnTypes {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why a text is no option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseOptionError(String);

/// The one ASCII character that a text is, or names.
fn byte(text: &str) -> Option<u8> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Some(b'\t'),
        ("space", _) => Some(b' '),
        (_, [byte]) => Some(*byte).filter(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()),
        _ => None,
    }
}

impl FromStr for Delimiter {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = byte(text).filter(|mark| !matches!(mark, b'"' | b'\n' | b'\r' | 0));
        found.map(Self).ok_or_else(|| {
            ParseOptionError(format!("{text:?} is not one ASCII mark: expected , ; | or tab"))
        })
    }
}

impl FromStr for Quote {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        byte(text).map(|mark| Self(Some(mark))).ok_or_else(|| {
            ParseOptionError(format!("{text:?} is not one ASCII mark: expected \" ' or none"))
        })
    }
}

impl FromStr for NumberMark {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = text.chars();
        match (text, all.next(), all.next()) {
            ("none", ..) => Ok(Self(None)),
            ("space", ..) => Ok(Self(Some(' '))),
            (_, Some(mark), None) if !mark.is_alphanumeric() && !matches!(mark, '-' | '+') => {
                Ok(Self(Some(mark)))
            }
            _ => Err(ParseOptionError(format!(
                "{text:?} is not one character: expected . , ' space or none"
            ))),
        }
    }
}

impl FromStr for Characters {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Encoding::for_label(text.as_bytes()).map(Self).ok_or_else(|| {
            ParseOptionError(format!(
                "unknown encoding {text:?}: expected a name such as utf-8, gb18030 or latin1"
            ))
        })
    }
}

impl FromStr for ColumnType {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <Self as clap::ValueEnum>::from_str(text, false).map_err(|_| {
            ParseOptionError(format!(
                "unknown type {text:?}: expected text, int, double, boolean or label"
            ))
        })
    }
}

impl FromStr for ColumnTypes {
    type Err = ParseOptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = |part: &str| {
            let (name, kind) = part.rsplit_once('=').ok_or_else(|| {
                ParseOptionError(format!("{part:?}: expected COLUMN=TYPE, as in firm=text"))
            })?;
            Ok((name.trim().to_owned(), kind.trim().parse()?))
        };
        text.split(',')
            .filter(|part| !part.trim().is_empty())
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for ColumnTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, kind)) in self.0.iter().enumerate() {
            let kind = match kind {
                ColumnType::Text => "text",
                ColumnType::Int => "int",
                ColumnType::Double => "double",
                ColumnType::Boolean => "boolean",
                ColumnType::Label => "label",
            };
            write!(f, "{}{name}={kind}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            b' ' => f.write_str("space"),
            mark => write!(f, "{}", char::from(mark)),
        }
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(mark) => write!(f, "{}", char::from(mark)),
        }
    }
}

impl fmt::Display for NumberMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(' ') => f.write_str("space"),
            Some(mark) => write!(f, "{mark}"),
        }
    }
}

impl fmt::Display for Characters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_ascii_lowercase())
    }
}

/// Options are written in YAML as on the command line; `null` is `none`.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

as_text!(Delimiter, Quote, NumberMark, Characters);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_are_written() {
        let text = r#"{"delimiter":"tab","quote":"none","encoding":"gb18030","decimal":",","thousands":"space","skip":3,"missing":["NA",":"],"types":{"firm":"text"}}"#;
        let options: ReadOptions = serde_json::from_str(text).expect("options");
        assert_eq!(options.delimiter, Some(Delimiter(b'\t')));
        assert_eq!(options.quote, Some(Quote(None)));
        assert_eq!(options.thousands, Some(NumberMark(Some(' '))));
        let again = serde_json::to_string(&options).expect("JSON");
        assert_eq!(serde_json::from_str::<ReadOptions>(&again).expect("options"), options);
        assert_eq!(
            "firm=text,year=int".parse::<ColumnTypes>().expect("types").to_string(),
            "firm=text,year=int"
        );
        for (text, what) in [("ab", "mark"), ("é", "mark"), ("\"", "mark")] {
            let error = text.parse::<Delimiter>().expect_err("no delimiter").to_string();
            assert!(error.contains(what), "{error}");
        }
        assert!("x".parse::<NumberMark>().is_err());
        assert!("klingon".parse::<Characters>().is_err());
        assert!("firm".parse::<ColumnTypes>().is_err());
    }
}
