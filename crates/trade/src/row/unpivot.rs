//! The columns that values are in.

use super::error::HeaderError;
use super::fit::{Fitted, find, no_column};
use crate::layout::{Layout, Unpivot};
use std::borrow::Cow;

/// A column of values.
#[derive(Debug, Clone)]
pub(crate) struct ValueColumn<'l> {
    /// Its place in the row.
    pub(crate) at: usize,
    /// What it is unpivoted to; none in a long table.
    pub(crate) code: Option<Cow<'l, str>>,
}

/// The columns that `unpivot` names, and those of the header that are like its pattern and that no
/// field takes.
pub(super) fn value_columns<'l>(
    layout: &'l Layout,
    unpivot: &'l Unpivot,
    fields: &[Fitted<'_>],
    header: &[String],
) -> Result<Vec<ValueColumn<'l>>, HeaderError> {
    let what = unpivot.field.name();
    let mut columns = Vec::with_capacity(unpivot.columns.len());
    for (name, code) in &unpivot.columns {
        match find(header, what, name)? {
            Some(at) => columns.push(ValueColumn { at, code: Some(Cow::Borrowed(code.as_str())) }),
            None => return Err(no_column(layout, what, name.clone(), header)),
        }
    }
    let Some(names) = &unpivot.pattern else { return Ok(columns) };
    for (at, name) in header.iter().enumerate() {
        let is_taken = columns.iter().any(|column| column.at == at)
            || fields.iter().any(|field| field.is_in(at));
        if is_taken {
            continue;
        }
        if let Some(code) = names.code_of(name) {
            // One that is there twice is refused.
            find(header, what, name)?;
            columns.push(ValueColumn { at, code: Some(Cow::Owned(code)) });
        }
    }
    if columns.is_empty() {
        let expected = format!("names like `{}`", names.pattern);
        return Err(no_column(layout, what, expected, header));
    }
    Ok(columns)
}
