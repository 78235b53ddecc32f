//! The columns of a layout, and the texts that its codes are written as.

use super::firms::OWNERS;
use super::nation::SynthError;
use super::row::COUNTRIES;
use std::collections::BTreeMap;
use trade::Layout;
use trade::layout::{Codes, Field, FieldSpec, Origin};

/// Codes of processing trade.
pub(super) const PROCESSING: [&str; 3] = ["15", "14", "processing"];

/// A field's place in a column, and the texts its codes are written as.
pub(super) struct Part {
    pub(super) field: Field,
    pub(super) characters: Option<(usize, usize)>,
    pub(super) texts: BTreeMap<&'static str, String>,
}

pub(super) struct Column {
    pub(super) name: String,
    pub(super) fields: Vec<Part>,
}

/// The columns of files of `year` in the form of `layout`.
pub(super) fn columns(layout: &Layout, year: i32) -> Result<Vec<Column>, SynthError> {
    let mut columns = Vec::new();
    for field in Field::ALL {
        let mut spec = layout.fields.get(&field);
        let mut place = Place::Own;
        while let Some(of_place) = spec {
            add(&mut columns, field, of_place, year, place)?;
            spec = of_place.fallback.as_deref();
            place = Place::Fallback;
        }
    }
    // What rules ask for beside the fields says nothing.
    for cell in layout.rules.iter().flat_map(|rule| &rule.cells) {
        if !columns.iter().any(|column| column.name == cell.column) {
            columns.push(Column { name: cell.column.clone(), fields: Vec::new() });
        }
    }
    Ok(columns)
}

/// Where a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Own,
    Fallback,
}

/// Adds the column that `spec` says, if it says one.
fn add(
    columns: &mut Vec<Column>,
    field: Field,
    spec: &FieldSpec,
    year: i32,
    place: Place,
) -> Result<(), SynthError> {
    let Origin::Column(names) = &spec.origin else { return Ok(()) };
    let part = Part { field, characters: spec.characters, texts: texts(field, spec, year)? };
    match columns.iter_mut().find(|column| column.name == names[0]) {
        // What another field writes whole there, such as a firm's code, holds this too.
        Some(column) if place == Place::Own => column.fields.push(part),
        Some(_) => {}
        None => columns.push(Column { name: names[0].clone(), fields: vec![part] }),
    }
    // A whole field stands for the parts of it.
    for column in columns.iter_mut() {
        column.fields.sort_by_key(|part| part.characters.is_some());
    }
    Ok(())
}

/// The texts that the codes of `field` are written as.
fn texts(
    field: Field,
    spec: &FieldSpec,
    year: i32,
) -> Result<BTreeMap<&'static str, String>, SynthError> {
    let codes: &[&'static str] = match field {
        Field::Flow => &["export"],
        Field::Destination => &COUNTRIES,
        Field::TradeMode => &["10", "14", "15", "processing"],
        Field::Ownership => &OWNERS.map(|owner| owner.code),
        _ => &[],
    };
    let mut texts = BTreeMap::new();
    for code in codes {
        match raw_of(spec.codes.as_ref(), code, year) {
            Some(text) => {
                texts.insert(*code, text.to_owned());
            }
            None if field == Field::TradeMode => {}
            None => {
                let why = format!("the layout has no text for `{code}` of `{field}` in {year}");
                return Err(SynthError::Request(why));
            }
        }
    }
    Ok(texts)
}

/// A text that the layout's codes read as `code` in `year`: the shortest.
fn raw_of<'c>(codes: Option<&'c Codes>, code: &'c str, year: i32) -> Option<&'c str> {
    let Some(codes) = codes else { return Some(code) };
    codes
        .by_text
        .iter()
        .filter(|(_, meanings)| {
            meanings.iter().any(|meaning| meaning.code == code && meaning.holds_in(year))
        })
        .map(|(text, _)| text.as_str())
        .min_by_key(|text| (text.len(), *text))
}
