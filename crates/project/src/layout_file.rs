//! Layout files, `config/layouts/*.yaml`: the text form of [`trade::Layout`] and of how a file is
//! unpacked; and code books, the CSV files that say what a source's codes mean.

mod books;
mod conditions;
mod error;
mod fields;
mod keys;
mod reading;
mod rows;
mod rules;
mod sheets;
mod unpivot;
mod values;

pub use self::error::LayoutError;
pub use self::rows::without_effect;

use self::keys::{File, NegativeText, ZeroText};
use self::reading::{FromName, NameOf, Reading};
use crate::read_options::ReadOptions;
use crate::sheets::{SheetChoice, file_and_sheet};
use crate::yaml;
use std::path::Path;
use std::sync::Arc;
use trade::layout::{Empty, Field, Layout, Negative, Origin, Zero};
use trade::shape::Shape;

/// A layout and how its files are unpacked.
#[derive(Debug, Clone)]
pub struct LayoutFile {
    /// How rows are read.
    pub layout: Layout,
    /// How a file becomes rows: what the layout tells; all else is seen in the file. Where no mark
    /// of numbers is told, `layout` has the most usual.
    pub options: ReadOptions,
    /// Which sheets of a workbook are read, each as a file of its own, where the layout tells.
    pub sheets: Option<SheetChoice>,
    /// Which lines of a file are rows, where the layout tells.
    pub rows: Option<Arc<Shape>>,
    /// What it says, and its code books, as JSON: what records depend on. Comments and the order of
    /// keys are no part of it.
    pub meaning: String,
    /// Fields that the name of a file or of a sheet tells.
    from_names: Vec<FromName>,
}

impl LayoutFile {
    /// The layout for the file named `label`, with what its name tells; where sheets are read, for
    /// the sheet of that label.
    ///
    /// # Errors
    ///
    /// What is missing in the name.
    pub fn for_file(&self, label: &str) -> Result<Layout, String> {
        let mut layout = self.layout.clone();
        let (file, sheet) = match self.sheets {
            Some(_) => file_and_sheet(label),
            None => (label, ""),
        };
        for FromName { field, of, depth, pattern } in &self.from_names {
            let name = match of {
                NameOf::File => file,
                NameOf::Sheet => sheet,
            };
            let text = match pattern.find(name) {
                Some(found) => found,
                // It was looked for as what is missing elsewhere may be there.
                None if *depth > 0 => "",
                None => {
                    return Err(format!(
                        "the layout finds `{field}` in {} by `{pattern}`, and it is not there",
                        of.words()
                    ));
                }
            };
            let mut spec = layout.fields.get_mut(field);
            for _ in 0..*depth {
                spec = spec.and_then(|spec| spec.fallback.as_deref_mut());
            }
            if let Some(spec) = spec {
                spec.origin = Origin::Constant(text.to_owned());
            }
        }
        Ok(layout)
    }
}

/// Reads the layout at `path`.
///
/// # Errors
///
/// [`LayoutError`] if the file has other keys than a layout, or values that make no sense.
pub fn read(path: &Path) -> Result<LayoutFile, LayoutError> {
    of_text(path, &yaml::text_of(path)?)
}

/// Reads the text of the layout that is, or may be written, at `path`.
///
/// # Errors
///
/// As [`read`].
pub fn of_text(path: &Path, text: &str) -> Result<LayoutFile, LayoutError> {
    let mut file: File = yaml::all_of(path, text)?;
    let mut meaning = serde_json::to_string(&file).map_err(|error| LayoutError::Value {
        path: path.to_owned(),
        key: "layout".to_owned(),
        why: error.to_string(),
    })?;
    let listed_regions = file.regions.keys().cloned().collect();
    let mut reading = Reading {
        path,
        books: String::new(),
        region_names: std::mem::take(&mut file.regions),
        from_names: Vec::new(),
        has_sheets: file.excel.as_ref().is_some_and(|excel| excel.sheets.is_some()),
        faults: Vec::new(),
    };
    let sheets = reading.sheets(file.excel.as_ref());
    let sheets = reading.kept(sheets).flatten();
    let options = reading.options(&mut file);
    let options = reading.kept(options);
    let rows = match (file.rows, &options) {
        (Some(text), Some(options)) => {
            let shape = text.shape(options);
            let shape = shape.map_err(|fault| reading.invalid(&fault.key, fault.why));
            reading.kept(shape).map(Arc::new)
        }
        _ => None,
    };
    let fields = reading.fields(file.fields);
    let unpivoted = file.unpivot.as_ref().and_then(|text| text.field.parse::<Field>().ok());
    let unpivot = file.unpivot.map(|text| reading.unpivot(text, &fields)).transpose();
    let unpivot = reading.kept(unpivot).flatten();
    reading.check_fields(&fields, unpivoted);
    let product = reading.product(&file.product);
    let product = reading.kept(product);
    let measure = reading.measure(&file.value);
    let measure = reading.kept(measure);
    let money = reading.money(&file.value);
    let money = reading.kept(money);
    let rules = reading.rules(file.rules);
    let rules = reading.kept(rules).unwrap_or_default();
    let conditions = reading.conditions(file.conditions);
    reading.end(text)?;
    let (Some(options), Some(product), Some(money), Some(measure)) =
        (options, product, money, measure)
    else {
        return Err(reading.invalid("layout", "it cannot be read".to_owned()));
    };
    let layout = Layout {
        name: file.name,
        fields,
        unpivot,
        missing: file.missing,
        money,
        measure,
        negative: match file.value.negative {
            NegativeText::Keep => Negative::Keep,
            NegativeText::Reject => Negative::Reject,
        },
        zero: match file.value.zero {
            ZeroText::Keep => Zero::Keep,
            ZeroText::Skip => Zero::Skip,
        },
        product,
        region_names: reading.region_names,
        listed_regions,
        rules,
        conditions,
        // A pipeline says which are meant.
        years: None,
        empty_value: file.value.empty.map(Empty::from),
    };
    meaning += &reading.books;
    Ok(LayoutFile { layout, options, sheets, rows, meaning, from_names: reading.from_names })
}

#[cfg(test)]
mod tests;
