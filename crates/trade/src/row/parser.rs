//! A layout fitted to the header of one file.

use super::conditions::FittedCondition;
use super::error::HeaderError;
use super::fit::{Fitted, Source, fit, no_column};
use super::reject::{Fault, RejectReason};
use super::rules::FittedRule;
use super::unpivot::{ValueColumn, value_columns};
use crate::layout::{Empty, Field, Layout};

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
    /// What must hold of a row that is read.
    pub(super) conditions: Vec<FittedCondition<'l>>,
    /// Whether the entries of a row differ in more than their region and destination.
    pub(super) varies: bool,
    /// Whether there is more to say of a row than each of its texts says by itself.
    pub(crate) needs_rows: bool,
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

impl<'l> RowParser<'l> {
    /// Fits `layout` to `header`.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if a column that the layout needs is not there.
    pub fn new(layout: &'l Layout, header: &[&str]) -> Result<Self, HeaderError> {
        let header: Vec<String> = header.iter().map(|h| clean_header(h).to_owned()).collect();
        let mut fields = Vec::with_capacity(Field::ALL.len());
        for field in Field::ALL {
            fields.push(match layout.fields.get(&field) {
                Some(spec) => fit(layout, field, spec, &header)?,
                None => Fitted::absent(),
            });
        }
        let values = match (&layout.unpivot, &fields[Field::Value.index()].source) {
            (Some(unpivot), _) => value_columns(layout, unpivot, &fields, &header)?,
            (None, &Source::Column(at)) => vec![ValueColumn { at, code: None }],
            (None, _) => return Err(no_column(layout, "value", "a column".to_owned(), &header)),
        };
        let rules = layout.rules.iter().map(|rule| FittedRule::new(layout, rule, &header));
        let rules = rules.collect::<Result<Vec<_>, HeaderError>>()?;
        let conditions = FittedCondition::all(layout, "where", &layout.conditions, &header)?;
        let missing: Vec<&str> = layout.missing.iter().map(|text| &**text).collect();
        let is_unpivoted =
            |field: &Field| matches!(fields[field.index()].source, Source::Unpivoted);
        let varies = [Field::Year, Field::Month, Field::Flow, Field::Product];
        Ok(Self {
            layout,
            varies: varies.iter().any(is_unpivoted),
            needs_rows: !conditions.is_empty()
                || rules.iter().any(|rule| !rule.cells.is_empty())
                || fields.iter().any(|field| field.empty != Empty::Missing),
            header,
            fields,
            values,
            longest_missing: missing.iter().map(|text| text.len()).max().unwrap_or(0),
            missing_digits: missing
                .iter()
                .any(|text| text.as_bytes().first().is_some_and(u8::is_ascii_digit)),
            missing,
            rules,
            conditions,
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

    /// The headers of two columns of values that stand for the same code, and the code: their values
    /// are added up.
    pub fn columns_alike(&self) -> Option<(&str, &str, &str)> {
        self.values.iter().enumerate().find_map(|(n, column)| {
            let code = column.code.as_deref()?;
            let other = self.values[..n].iter().find(|of| of.code.as_deref() == Some(code))?;
            Some((self.header[other.at].as_str(), self.header[column.at].as_str(), code))
        })
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

    pub(super) fn is_missing(&self, text: &str) -> bool {
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

    pub(super) fn fault(&self, field: Field, reason: RejectReason, found: &str) -> Fault {
        Fault { reason, column: self.column(field), found: found.to_owned() }
    }

    pub(super) fn column(&self, field: Field) -> String {
        match &self.fields[field.index()].source {
            &Source::Column(at) => self.header[at].clone(),
            _ => field.name().to_owned(),
        }
    }
}
