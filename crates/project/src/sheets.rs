//! Which sheets of a workbook are read, where a layout reads several as one table.

use std::fmt;
use trade::Pattern;

/// The sheets of a workbook that are read, each as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetChoice {
    /// Those that are shown and whose names match.
    Matching(Pattern),
    /// Those of these names, hidden ones too.
    Named(Vec<String>),
}

impl fmt::Display for SheetChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matching(pattern) => write!(f, "{pattern}"),
            Self::Named(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// The label of a sheet: that of its file, and its name.
pub fn label_of_sheet(file: &str, sheet: &str) -> String {
    format!("{file}/{sheet}")
}

/// The label of a file and the name of its sheet, of the label of a sheet.
pub fn file_and_sheet(label: &str) -> (&str, &str) {
    // No name of a sheet has the mark.
    label.rsplit_once('/').unwrap_or((label, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_sheets_have_both_names() {
        let label = label_of_sheet("raw/exports_2010.xlsx", "Norte y Sur");
        assert_eq!(label, "raw/exports_2010.xlsx/Norte y Sur");
        assert_eq!(file_and_sheet(&label), ("raw/exports_2010.xlsx", "Norte y Sur"));
    }
}
