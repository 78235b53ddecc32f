//! Sheets of a workbook that have the same columns, and are read as one table: a sheet a year, a sheet
//! a region.

use super::columns;
use super::draft::Origin;
use super::known_forms;
use super::look::FileLook;
use super::names::Role;
use super::units::Unit;
use super::words::year_of;
use project::sheets::SheetChoice;
use sources::input::{self, Item};
use trade::layout::Field;
use trade::plausibility::is_named_total;

/// Looks at a file: of a workbook at the sheets that are one table, each by itself, or else at the
/// first that has a table.
///
/// # Errors
///
/// Why it cannot be read, and what to do.
pub(super) fn looks(item: Item) -> Result<Vec<(Item, FileLook)>, String> {
    let first = FileLook::of(&item)?;
    let alike = alike(&item, &first);
    let names: Vec<String> = alike.iter().map(|(name, _)| name.clone()).collect();
    if alike.len() < 2 || !has_year(&first, &names) {
        return Ok(vec![(item, first)]);
    }
    // A name that no label can have leaves the sheets to the user.
    let choice = SheetChoice::Named(names.clone());
    let Ok(sheets) = input::by_sheet(vec![item.clone()], Some(&choice)) else {
        return Ok(vec![(item, first)]);
    };
    let all = first.own_sheet.iter().chain(&first.other_sheets);
    let rest: Vec<String> = all.filter(|name| !names.contains(name)).cloned().collect();
    let look = |(item, (name, look)): (Item, (String, FileLook))| {
        let look = look.named_as_one_of(&item.label, name, rest.clone());
        (item, look)
    };
    Ok(sheets.into_iter().zip(alike).map(look).collect())
}

/// The sheets with the columns of the first that has a table, that one too, but for those that are
/// called a total.
fn alike(item: &Item, first: &FileLook) -> Vec<(String, FileLook)> {
    let header = first.header();
    let is_shipped = known_forms::known(&header).is_some_and(|form| form.layout.is_some());
    let Some(own) = first.own_sheet.as_ref().filter(|_| first.has_table() && !is_shipped) else {
        return Vec::new();
    };
    // Values and quantities, or values of two currencies, are no one table.
    let says = |name: &str| (Unit::of(name), Role::Quantity.is_in(name), Role::Share.is_in(name));
    let of_others = first.other_sheets.iter().filter(|name| says(name) == says(own));
    let of_others = of_others.filter_map(|name| {
        let look = FileLook::of_sheet(item, Some(name)).ok()?;
        let is_same =
            look.has_table() && look.header() == header && look.header_rows == first.header_rows;
        is_same.then(|| (name.clone(), look))
    });
    std::iter::once((own.clone(), first.clone()))
        .chain(of_others)
        .filter(|(name, _)| !is_named_total(name))
        .collect()
}

/// Whether columns, the name of the file or those of all sheets say the year.
fn has_year(first: &FileLook, names: &[String]) -> bool {
    let draft = columns::draft(first);
    let of_rows = draft.fields.get(&Field::Year).is_some_and(|year| {
        matches!(year.from, Origin::Column(_) | Origin::Header | Origin::FileName(_))
    });
    of_rows || names.iter().all(|name| year_of(name).is_some())
}
