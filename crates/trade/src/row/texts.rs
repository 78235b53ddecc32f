//! The texts of fields, cut and coded.

use super::fit::{Fitted, Source};
use super::parser::RowParser;
use super::reject::{Fault, RejectReason};
use crate::code;
use crate::layout::{Empty, Field, Unmapped};
use std::borrow::Cow;

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
    pub(super) field: Field,
    pub(super) text: &'a str,
    /// What it became.
    pub(super) code: String,
}

/// The text of a field, cut and coded.
pub(crate) struct FieldText<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Whether the field's own place has none.
    pub(super) is_fallback: bool,
}

impl<'l> RowParser<'l> {
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
                None if self.fields[field.index()].empty == Empty::Reject => {
                    return Err(self.fault(field, RejectReason::Missing, ""));
                }
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
            Source::Unpivoted => return self.header_text(fitted, field, unpivoted, year, unknown),
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
        if fitted.characters.is_some() {
            text = fitted.cut(whole);
            if text.is_empty() {
                return Ok(None);
            }
        }
        self.meaning_of(fitted, field, text, year, unknown).map(Some)
    }

    /// What the code of the unpivoted column's header says of `field`.
    fn header_text<'a>(
        &'a self,
        fitted: &'a Fitted<'l>,
        field: Field,
        unpivoted: Option<&'a str>,
        year: i32,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(text) = unpivoted.map(|code| fitted.cut(code)).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let has_pattern =
            self.layout.unpivot.as_ref().is_some_and(|unpivot| unpivot.pattern.is_some());
        // What the layout itself gives as a code is one.
        if !has_pattern && fitted.is_plain() {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.meaning_of(fitted, field, text, year, unknown).map(Some)
    }

    /// What a text that is there means.
    fn meaning_of<'a>(
        &'a self,
        fitted: &'a Fitted<'l>,
        field: Field,
        text: &'a str,
        year: i32,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Cow<'a, str>, Fault> {
        if let Some(form) = fitted.date {
            let date = form.read(text).or_else(|| form.read(code::whole(text)));
            let number = date.and_then(|date| match field {
                Field::Month => date.month,
                _ => date.year,
            });
            let number = number.ok_or_else(|| self.fault(field, RejectReason::Date, text))?;
            return Ok(Cow::Owned(number.to_string()));
        }
        let Some((lookup, unmapped)) = &fitted.codes else {
            let code = code_text(field, text);
            let listed = &self.layout.listed_regions;
            if field == Field::Region && !listed.is_empty() && !listed.contains(code) {
                unknown.push(Unknown { field, text, code: code.to_owned() });
            }
            return Ok(Cow::Borrowed(code));
        };
        let find = |text: &str| {
            let meanings = lookup.get(text)?;
            meanings.iter().find(|meaning| meaning.holds_in(year)).map(|meaning| &meaning.code)
        };
        // A spreadsheet or a data frame makes 502.0 of 502, unless that is a code.
        let code = find(text).or_else(|| find(text.strip_suffix(".0")?));
        if let Some(code) = code {
            return Ok(Cow::Borrowed(code));
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
        Ok(Cow::Owned(code))
    }
}
