//! What reading a layout gathers on the way.

use super::error::LayoutError;
use crate::fault::{Fault, Faults};
use crate::yaml;
use std::collections::BTreeMap;
use std::path::Path;
use trade::Pattern;
use trade::layout::Field;

/// Whose name tells a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameOf {
    File,
    Sheet,
}

impl NameOf {
    /// The key of a field that it tells.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::File => "file_name",
            Self::Sheet => "sheet",
        }
    }

    /// The name, for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::File => "the file's name",
            Self::Sheet => "the sheet's name",
        }
    }
}

/// A field that the name of a file or of a sheet tells.
#[derive(Debug, Clone)]
pub(super) struct FromName {
    pub(super) field: Field,
    /// Whose name.
    pub(super) of: NameOf,
    /// Which of its fallbacks it is, counted from 1; 0 for the field itself.
    pub(super) depth: usize,
    /// What finds it there.
    pub(super) pattern: Pattern,
}

/// What reading a layout gathers on the way.
pub(super) struct Reading<'p> {
    pub(super) path: &'p Path,
    /// The rows of the code books.
    pub(super) books: String,
    /// Names of the codes of regions.
    pub(super) region_names: BTreeMap<String, String>,
    /// Fields that names of files or sheets tell.
    pub(super) from_names: Vec<FromName>,
    /// Whether the layout says which sheets of a workbook are read.
    pub(super) has_sheets: bool,
    /// What is wrong so far.
    pub(super) faults: Vec<LayoutError>,
}

impl Reading<'_> {
    pub(super) fn invalid(&self, key: &str, why: String) -> LayoutError {
        LayoutError::Value { path: self.path.to_owned(), key: key.to_owned(), why }
    }

    /// A key says nothing where it stands.
    pub(super) fn without_effect(&self, key: &str, why: &str) -> LayoutError {
        self.invalid(key, format!("the key has no effect here: {why}"))
    }

    /// What was read, if it could be; else the fault is put with the others.
    pub(super) fn kept<T>(&mut self, read: Result<T, LayoutError>) -> Option<T> {
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Whether something is wrong with `key`, or below it.
    pub(super) fn is_at_fault(&self, key: &str) -> bool {
        let is_below = |of: &str| {
            of.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.faults
            .iter()
            .any(|fault| matches!(fault, LayoutError::Value { key, .. } if is_below(key)))
    }

    /// All that is wrong, if something is, in the order of the lines of the layout, whose text is
    /// `text`.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(super) fn end(&mut self, text: &str) -> Result<(), LayoutError> {
        let mut faults = Vec::new();
        for fault in std::mem::take(&mut self.faults) {
            match fault {
                LayoutError::Value { path, key, why } => {
                    let line = if path == self.path { line_of(text, &key) } else { None };
                    let what = format!("invalid `{key}`");
                    faults.push((line, Fault { what, place: Some((path, line)), why }));
                }
                other => return Err(other),
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        // Those without a line come last.
        faults.sort_by_key(|(line, _)| line.unwrap_or(usize::MAX));
        let faults = faults.into_iter().map(|(_, fault)| fault).collect();
        Err(LayoutError::Faults(Faults(faults)))
    }
}

/// The line of a key, or of what it is below.
fn line_of(text: &str, key: &str) -> Option<usize> {
    // An item of a list has no key of its own.
    let keys: Vec<&str> = key.split('[').next()?.split('.').collect();
    (1..=keys.len()).rev().find_map(|n| yaml::line_of(text, &keys[..n]))
}
