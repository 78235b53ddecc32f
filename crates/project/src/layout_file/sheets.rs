//! Which sheets of a workbook a layout reads.

use super::error::LayoutError;
use super::keys::{ExcelText, SheetsText};
use super::reading::Reading;
use crate::sheets::SheetChoice;
use trade::Pattern;

/// The key that says it.
const KEY: &str = "excel.sheets";

impl Reading<'_> {
    /// The sheets that are read as one table, if the layout says which.
    pub(super) fn sheets(
        &self,
        text: Option<&ExcelText>,
    ) -> Result<Option<SheetChoice>, LayoutError> {
        let Some((sheets, sheet)) =
            text.and_then(|text| Some((text.sheets.as_ref()?, &text.sheet)))
        else {
            return Ok(None);
        };
        if sheet.is_some() {
            let why =
                "`excel.sheet` says which one is read, and it which several: leave one of them out";
            return Err(self.invalid(KEY, why.to_owned()));
        }
        match sheets {
            SheetsText::Pattern(pattern) => {
                let pattern = Pattern::new(pattern);
                let pattern = pattern.map_err(|error| self.invalid(KEY, error.to_string()))?;
                Ok(Some(SheetChoice::Matching(pattern)))
            }
            SheetsText::Names(names) if names.is_empty() => {
                Err(self.invalid(KEY, "expected a pattern, or at least one name".to_owned()))
            }
            SheetsText::Names(names) => {
                let mut twice = names.iter().enumerate();
                match twice.find(|(at, name)| names[..*at].contains(name)) {
                    Some((_, name)) => Err(self.invalid(KEY, format!("{name:?} is there twice"))),
                    None => Ok(Some(SheetChoice::Named(names.clone()))),
                }
            }
        }
    }
}
