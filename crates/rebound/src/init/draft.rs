//! A layout in the making: what is seen, and what only the user can know.

use super::header::HeaderRows;
use super::known_forms::Known;
use super::look;
use super::periods::PeriodForm;
use project::read_options::ReadOptions;
use sources::input::{BlockReader, Buffers, Item};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trade::layout::{Field, RevisionYears};
use trade::shape::Shape;
use trade::{Pattern, code};

/// Where a field's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The column at this place, counted from 0.
    Column(usize),
    /// The same in every row.
    Constant(String),
    /// The name of the file, by a pattern.
    FileName(String),
    /// The name of the sheet, by a pattern.
    Sheet(String),
    /// The header of the column that the value is in.
    Header,
}

/// How a field is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldDraft {
    /// Where its text comes from.
    pub(super) from: Origin,
    /// What its texts mean, if they are not what they mean.
    pub(super) map: Vec<(String, String)>,
    /// Only these characters of it, counted from 1.
    pub(super) characters: Option<(usize, usize)>,
    /// The form of a date.
    pub(super) date: Option<PeriodForm>,
    /// What else it may be, where only the user can know.
    pub(super) choose: Option<String>,
}

impl FieldDraft {
    /// A field that is read as it stands.
    pub(super) fn of(from: Origin) -> Self {
        Self { from, map: Vec::new(), characters: None, date: None, choose: None }
    }

    /// A column.
    pub(super) fn column(at: usize) -> Self {
        Self::of(Origin::Column(at))
    }

    /// The same, where the user may know better.
    #[must_use]
    pub(super) fn choose(self, candidates: impl Into<String>) -> Self {
        Self { choose: Some(candidates.into()), ..self }
    }

    /// The text with what it stands for.
    pub(super) fn meaning<'t>(&'t self, text: &'t str) -> &'t str {
        let found = self.map.iter().find(|(raw, _)| raw == text);
        found.map_or(text, |(_, code)| code.as_str())
    }
}

/// Columns that each hold the values of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnpivotDraft {
    /// The field that their headers name.
    pub(super) field: Field,
    /// Their places, each with its code.
    pub(super) columns: Vec<(usize, String)>,
    /// The pattern of their headers, if there is one.
    pub(super) pattern: Option<String>,
    /// What else it may be.
    pub(super) choose: Option<String>,
}

/// What a cell must be for its row to be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// One of these.
    In(Vec<String>),
    /// None of these.
    NotIn(Vec<String>),
    /// A code of so many digits.
    Digits(BTreeSet<usize>),
}

/// Rows that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// The column.
    pub(super) column: usize,
    /// What its cells must be.
    pub(super) test: Test,
    /// Why.
    pub(super) why: String,
}

impl Condition {
    /// Whether it holds of a cell.
    pub(super) fn holds(&self, text: &str) -> bool {
        match &self.test {
            Test::In(texts) => texts.iter().any(|of| of == text),
            Test::NotIn(texts) => texts.iter().all(|of| of != text),
            Test::Digits(lengths) => {
                let code = code::whole(text);
                code.bytes().all(|byte| byte.is_ascii_digit()) && lengths.contains(&code.len())
            }
        }
    }
}

/// What product codes are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ProductDraft {
    /// Their classification, if it is another than the HS.
    pub(super) classification: Option<String>,
    /// Their digits; none for texts.
    pub(super) digits: Option<usize>,
    /// Whether codes have lost their leading zero.
    pub(super) restore: bool,
    /// The revisions of the HS by year.
    pub(super) revisions: Vec<RevisionYears>,
    /// How that is known.
    pub(super) why: String,
    /// What else the classification may be.
    pub(super) choose: Option<String>,
    /// The column of their names, which may be that of the codes: names stand behind these.
    pub(super) names: Option<usize>,
    /// The names by code.
    pub(super) labels: BTreeMap<String, String>,
}

/// How values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueDraft {
    /// What is measured and its unit, if that is no money.
    pub(super) measure: Option<(&'static str, &'static str)>,
    /// An ISO 4217 code.
    pub(super) currency: String,
    /// What else the currency may be, where nothing says it.
    pub(super) other_currencies: Option<String>,
    /// What values are multiplied by.
    pub(super) multiplier: u32,
    /// What says the multiplier.
    pub(super) multiplier_by: Option<String>,
    /// What else the multiplier may be.
    pub(super) other_multipliers: Option<String>,
    /// The mark before a fraction and the one between thousands, where rows are text.
    pub(super) marks: Option<(char, Option<char>)>,
    /// Why the marks are not sure.
    pub(super) unclear: Option<String>,
    /// Whether there are values below zero.
    pub(super) has_negative: bool,
    /// Whether values are finer than a hundredth.
    pub(super) is_fine: bool,
    /// Whether rows without a value are left out.
    pub(super) has_empty: bool,
    /// Words that stand where numbers do, with how often they do.
    pub(super) stand_ins: BTreeMap<String, u64>,
}

impl ValueDraft {
    /// What values count: a currency, or another unit.
    pub(super) fn unit(&self) -> &str {
        self.measure.map_or(self.currency.as_str(), |(_, unit)| unit)
    }
}

/// A layout in the making.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// The form that its header is known by.
    pub(super) known: Option<&'static Known>,
    /// The header.
    pub(super) header: Vec<String>,
    /// Its fields.
    pub(super) fields: BTreeMap<Field, FieldDraft>,
    /// Its wide columns.
    pub(super) unpivot: Option<UnpivotDraft>,
    /// The rows that are meant.
    pub(super) conditions: Vec<Condition>,
    /// Its product codes.
    pub(super) product: ProductDraft,
    /// Its values.
    pub(super) value: ValueDraft,
    /// What stands for a missing value.
    pub(super) missing: BTreeSet<String>,
    /// The sheet of a workbook, if it is not the first.
    pub(super) sheet: Option<String>,
    /// The sheets that are read as one table, if several are.
    pub(super) sheets: Vec<String>,
    /// How many files it is of.
    pub(super) n_files: usize,
    /// Where the header of several rows stands.
    pub(super) header_rows: Option<HeaderRows>,
    /// The encoding of the text, if it was guessed.
    pub(super) encoding: Option<String>,
    /// A pattern of the first of the lines that follow the rows.
    pub(super) footer: Option<String>,
    /// Columns whose empty cells take the text above.
    pub(super) fill_down: Vec<usize>,
    /// The column of the names of regions, where these have codes.
    pub(super) region_names: Option<usize>,
    /// The names of regions by code.
    pub(super) regions: BTreeMap<String, String>,
    /// The column that says the revision of each row, as UN Comtrade does.
    pub(super) revision_column: Option<usize>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

impl Draft {
    /// Which lines are rows, if not all are.
    fn shape(&self) -> Option<Arc<Shape>> {
        let footer = self.footer.as_deref().and_then(|text| Pattern::new(text).ok());
        let fill_down: Vec<String> =
            self.fill_down.iter().map(|&at| self.header[at].clone()).collect();
        let is_plain = footer.is_none() && fill_down.is_empty() && self.header_rows.is_none();
        let header = self.header_rows.map(look::header_of).unwrap_or_default();
        (!is_plain).then(|| Arc::new(Shape { footer, fill_down, ..header }))
    }

    /// Opens a file for the rows that are meant.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub(super) fn open(&self, item: &Item) -> Result<BlockReader, String> {
        let options = ReadOptions { sheet: self.sheet.clone(), ..ReadOptions::default() };
        let opened = match self.shape() {
            Some(shape) => item.open_shaped(&options, &shape, &Buffers::default()),
            None => item.open(&options, &Buffers::default()),
        };
        opened.map_err(|error| error.to_string())
    }

    /// The column that a field is in.
    pub(super) fn column_of(&self, field: Field) -> Option<usize> {
        match self.fields.get(&field)?.from {
            Origin::Column(at) => Some(at),
            _ => None,
        }
    }

    /// The columns that hold values, each with the code that its header stands for.
    pub(super) fn values(&self) -> Vec<(usize, Option<&str>)> {
        match (&self.unpivot, self.column_of(Field::Value)) {
            (Some(wide), _) => {
                wide.columns.iter().map(|(at, code)| (*at, Some(code.as_str()))).collect()
            }
            (None, Some(at)) => vec![(at, None)],
            (None, None) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_of_cells() {
        let of = |test| Condition { column: 0, test, why: String::new() };
        let texts = || vec!["W00".to_owned(), "World".to_owned()];
        assert!(of(Test::In(texts())).holds("World") && !of(Test::In(texts())).holds("AUS"));
        assert!(of(Test::NotIn(texts())).holds("AUS") && !of(Test::NotIn(texts())).holds("W00"));
        let six = of(Test::Digits(BTreeSet::from([5, 6])));
        assert!(six.holds("010110") && six.holds("10110") && six.holds("10110.0"));
        assert!(!six.holds("0101") && !six.holds("TOTAL"));
    }
}
