//! Fields fitted to a header.

use super::error::HeaderError;
use crate::date::DateForm;
use crate::layout::{Empty, Field, FieldSpec, Layout, Meaning, Origin, Unmapped};

/// The first year that a record may be of.
pub(super) const FIRST_YEAR: i32 = 1900;

/// The last.
pub(super) const LAST_YEAR: i32 = 2100;

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Column(usize),
    Constant(String),
    Unpivoted,
    Absent,
}

#[expect(clippy::disallowed_types, reason = "lookup only")]
pub(super) type Lookup<'l> =
    std::collections::HashMap<&'l str, &'l [Meaning], foldhash::fast::FixedState>;

/// A field fitted to a header.
#[derive(Debug, Clone)]
pub(crate) struct Fitted<'l> {
    pub(crate) source: Source,
    pub(super) characters: Option<(usize, usize)>,
    pub(super) date: Option<&'l DateForm>,
    pub(super) codes: Option<(Lookup<'l>, &'l Unmapped)>,
    pub(super) empty: Empty,
    pub(crate) fallback: Option<Box<Self>>,
}

impl Fitted<'_> {
    /// A field that a source does not have.
    pub(super) fn absent() -> Self {
        Self {
            source: Source::Absent,
            characters: None,
            date: None,
            codes: None,
            empty: Empty::Missing,
            fallback: None,
        }
    }

    /// The part of a text that is its own.
    pub(super) fn cut<'t>(&self, text: &'t str) -> &'t str {
        match self.characters {
            None => text,
            Some((first, last)) if text.is_ascii() => {
                &text[(first - 1).min(text.len())..last.min(text.len())]
            }
            Some((first, last)) => {
                let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(i, _)| i);
                &text[at(first - 1)..at(last)]
            }
        }
    }

    /// Whether its text may be in this column.
    pub(super) fn is_in(&self, column: usize) -> bool {
        matches!(self.source, Source::Column(at) if at == column)
            || self.fallback.as_ref().is_some_and(|fallback| fallback.is_in(column))
    }

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
        self.characters.is_none() && self.date.is_none() && self.codes.is_none()
    }
}

/// There is no column for `what` in a header.
pub(super) fn no_column(
    layout: &Layout,
    what: &str,
    expected: String,
    header: &[String],
) -> HeaderError {
    HeaderError::NoColumn {
        layout: layout.name.clone(),
        field: what.to_owned(),
        expected,
        found: header.join(", "),
    }
}

/// The place of the one column with this name, for `what`.
pub(super) fn find(
    header: &[String],
    what: &str,
    name: &str,
) -> Result<Option<usize>, HeaderError> {
    let mut places = header.iter().enumerate().filter(|(_, h)| *h == name).map(|(at, _)| at);
    let first = places.next();
    match places.count() {
        0 => Ok(first),
        more => {
            let (field, column) = (what.to_owned(), name.to_owned());
            Err(HeaderError::Repeated { field, column, n: more + 1 })
        }
    }
}

pub(super) fn fit<'l>(
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
                found = find(header, field.name(), name)?;
                if found.is_some() {
                    break;
                }
            }
            match found {
                Some(at) => Source::Column(at),
                None if spec.is_optional => Source::Absent,
                None => {
                    return Err(no_column(layout, field.name(), names.join(" or "), header));
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
    Ok(Fitted {
        source,
        characters: spec.characters,
        date: spec.date.as_ref(),
        codes,
        empty: spec.empty,
        fallback,
    })
}
