//! Which column holds what, by known forms, usual names, and what stands in the cells.

use super::draft::Draft;
use super::finder::Finder;
use super::known_forms;
use super::look::FileLook;

/// What is seen of a file, as a layout.
pub(super) fn draft(look: &FileLook) -> Draft {
    let mut finder = Finder::new(look);
    if known_forms::is_canada_report(&finder.header) {
        // Its layout says it all.
        finder.unit();
        return finder.draft;
    }
    finder.year();
    finder.month();
    finder.flow();
    finder.region();
    finder.product();
    finder.value();
    finder.any_region();
    finder.partner();
    finder.any_product();
    finder.quantity();
    finder.others();
    finder.conditions();
    finder.classification();
    finder.unit();
    finder.missing();
    finder.lines();
    finder.draft
}

#[cfg(test)]
mod tests;
