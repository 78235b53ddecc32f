//! A layout in the making while the columns of a file are gone through.

use super::draft::{Draft, FieldDraft, ProductDraft, ValueDraft};
use super::known_forms::{self, Known};
use super::look::{ColumnLook, FileLook};
use super::names::Role;
use crate::usual_names::{plain, usual};
use project::printable::printable;
use std::collections::{BTreeMap, BTreeSet};
use trade::layout::Field;

/// Candidates that a comment names.
const MOST_NAMES: usize = 8;

/// Characters of a name in a comment.
const NAME_CHARACTERS: usize = 40;

/// Finds the columns of a file.
pub(super) struct Finder<'l> {
    pub(super) look: &'l FileLook,
    pub(super) header: Vec<String>,
    pub(super) known: Option<&'static Known>,
    /// The columns that are taken.
    pub(super) taken: BTreeSet<usize>,
    pub(super) draft: Draft,
}

impl<'l> Finder<'l> {
    pub(super) fn new(look: &'l FileLook) -> Self {
        let header = look.header();
        let known = known_forms::known(&header);
        let draft = Draft {
            known,
            header: header.clone(),
            fields: BTreeMap::new(),
            unpivot: None,
            conditions: Vec::new(),
            product: ProductDraft::default(),
            value: ValueDraft {
                measure: None,
                currency: "USD".to_owned(),
                other_currencies: None,
                multiplier: known.map_or(1, |form| form.multiplier),
                multiplier_by: None,
                other_multipliers: None,
                marks: None,
                unclear: None,
                has_negative: false,
                is_fine: false,
                has_empty: false,
                stand_ins: BTreeMap::new(),
            },
            missing: BTreeSet::from([String::new()]),
            sheet: look.sheet.clone(),
            sheets: look.sheets.clone(),
            n_files: look.files().len(),
            encoding: look.encoding.clone(),
            header_rows: look.header_rows,
            footer: None,
            fill_down: Vec::new(),
            region_names: None,
            regions: BTreeMap::new(),
            revision_column: None,
            notes: Vec::new(),
        };
        Self { look, header, known, taken: BTreeSet::new(), draft }
    }

    pub(super) fn column(&self, at: usize) -> &'l ColumnLook {
        &self.look.columns[at]
    }

    pub(super) fn is_free(&self, at: usize) -> bool {
        !self.taken.contains(&at) && self.column(at).n_filled > 0
    }

    /// The free columns.
    pub(super) fn free(&self) -> Vec<usize> {
        (0..self.header.len()).filter(|&at| self.is_free(at)).collect()
    }

    /// The free columns of numbers.
    pub(super) fn numbers(&self) -> Vec<usize> {
        self.free().into_iter().filter(|&at| self.column(at).is_number()).collect()
    }

    /// The column that the known form has a field in.
    pub(super) fn known_column(&self, field: Field) -> Option<usize> {
        let (_, name) = self.known?.columns.iter().find(|(of, _)| *of == field)?;
        (0..self.header.len()).find(|&at| plain(&self.header[at]) == *name)
    }

    /// Whether the name of a column says that it holds something.
    pub(super) fn is_called(&self, at: usize, role: Role) -> bool {
        role.is_in(&self.header[at])
    }

    /// The free columns of usual names, those that fit first.
    pub(super) fn usual(&self, names: &[&str]) -> Vec<usize> {
        usual(&self.header, names).into_iter().filter(|&at| self.is_free(at)).collect()
    }

    /// The free columns that are called by usual names, and then those by words of a role: columns of
    /// names come behind those of codes, and numbers that are said to be values are none of them.
    pub(super) fn called(&self, names: &[&str], role: Role) -> Vec<usize> {
        let mut found = self.usual(names);
        let more: Vec<usize> =
            self.free().into_iter().filter(|&at| self.is_called(at, role)).collect();
        found.extend(more.into_iter().filter(|at| !found.contains(at)).collect::<Vec<_>>());
        let is_value = |at: usize| {
            self.column(at).is_number()
                && [Role::Value, Role::Quantity, Role::Share]
                    .iter()
                    .any(|of| self.is_called(at, *of))
        };
        found.retain(|&at| !is_value(at));
        found.sort_by_key(|&at| self.is_called(at, Role::Label));
        found
    }

    /// Those of several columns that are no groups of others, such as provinces of municipalities;
    /// columns that are the same in every row only if there are no others.
    pub(super) fn finest(&self, all: &[usize]) -> Vec<usize> {
        let varies = |at: &usize| self.column(*at).texts.len() > 1;
        let varied: Vec<usize> = all.iter().copied().filter(varies).collect();
        let all = if varied.is_empty() { all.to_vec() } else { varied };
        let is_group = |at: usize| {
            all.iter().any(|&of| of != at && self.look.tells(of, at) && !self.look.tells(at, of))
        };
        let finest: Vec<usize> = all.iter().copied().filter(|&at| !is_group(at)).collect();
        if finest.is_empty() { all } else { finest }
    }

    /// Whether two columns say the same.
    pub(super) fn is_one_to_one(&self, a: usize, b: usize) -> bool {
        self.look.tells(a, b) && self.look.tells(b, a)
    }

    pub(super) fn take(&mut self, field: Field, at: usize, of: FieldDraft) {
        self.taken.insert(at);
        self.draft.fields.insert(field, of);
    }

    /// The names of columns, for people.
    pub(super) fn names(&self, places: &[usize]) -> String {
        let name = |at: &usize| match self.header[*at].as_str() {
            "" => format!("the column at position {}", at + 1),
            name => printable(name, NAME_CHARACTERS),
        };
        let mut names: Vec<String> = places.iter().take(MOST_NAMES).map(name).collect();
        if places.len() > MOST_NAMES {
            names.push(format!("{} more", places.len() - MOST_NAMES));
        }
        names.join(", ")
    }

    /// What else a field may be: one of other columns, of which there may be none.
    pub(super) fn or(&self, others: &[usize]) -> Option<String> {
        (!others.is_empty()).then(|| format!("or {}", self.names(others)))
    }
}
