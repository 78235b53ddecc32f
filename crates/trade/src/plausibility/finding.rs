//! What is found, and what is said of it.

use crate::repeated_rows::EXACT_ROWS;
use std::fmt;

/// What labels stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Regions.
    Region,
    /// Products.
    Product,
    /// Destinations.
    Destination,
    /// Raw files.
    File,
    /// Codes of a column of which nothing else is known.
    Label,
}

impl Dimension {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Product => "product",
            Self::Destination => "destination",
            Self::File => "file",
            Self::Label => "label",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A label whose values are the sums of all others', or of those of some.
    TotalAmongParts,
    /// A label that is a total by its name, and nearly so by its value.
    TotalByName,
    /// Codes of several lengths, of which the shorter ones are the sums of the longer ones.
    NestedLevels,
    /// Codes of an odd number of digits beside codes of one digit more.
    MixedLengths,
    /// Labels all of whose values are zero.
    AllZero,
    /// Product codes that the revision they are said to be of does not have.
    UnlistedProducts,
    /// Raw files that have as many rows and the same value.
    FilesAlike,
    /// Rows that are repeated to the last field.
    RepeatedRows,
}

impl Kind {
    /// Whether it is that a label is the total of others.
    pub fn is_of_totals(self) -> bool {
        matches!(self, Self::TotalAmongParts | Self::TotalByName)
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::TotalAmongParts => "total_among_parts",
            Self::TotalByName => "total_by_name",
            Self::NestedLevels => "nested_levels",
            Self::MixedLengths => "mixed_lengths",
            Self::AllZero => "all_zero",
            Self::UnlistedProducts => "unlisted_products",
            Self::FilesAlike => "files_alike",
            Self::RepeatedRows => "repeated_rows",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that looks misread. It prints as a sentence: what it means and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where.
    pub dimension: Dimension,
    /// The label, some labels, or the lengths.
    pub name: String,
    /// The other labels that a total, or some totals, are the sum of; the shorter codes; the labels without a value,
    /// or that a revision does not have; the rows of each of two files; the rows that are repeated.
    pub n: usize,
    /// The value of it.
    pub value: f64,
    /// Its share in the whole value, 0 to 1; 0 where that is not positive.
    pub share: f64,
    /// The labels that are totals, each as it stands in the table.
    pub labels: Vec<String>,
    is_of_some: bool,
    said: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// A value and the whole that it is a part of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The value.
    pub value: f64,
    /// The whole.
    pub whole: f64,
}

impl Part {
    /// Its share, 0 to 1; 0 where the whole is not positive.
    pub fn share(self) -> f64 {
        if self.whole > 0.0 { (self.value / self.whole).clamp(0.0, 1.0) } else { 0.0 }
    }

    pub(super) fn percent(self) -> String {
        format!("{:.1} % of the value", 100.0 * self.share())
    }
}

impl Finding {
    pub(super) fn new(
        kind: Kind,
        dimension: Dimension,
        name: String,
        n: usize,
        part: Part,
    ) -> Self {
        let (value, share) = (part.value, part.share());
        let (labels, said) = (Vec::new(), String::new());
        Self { kind, dimension, name, n, value, share, labels, is_of_some: false, said }
    }

    /// Whether its labels are totals of some of the others alone.
    pub fn is_of_some(&self) -> bool {
        self.is_of_some
    }

    /// The same, of labels that are totals of some of the others alone.
    pub(super) fn of_some(self, labels: Vec<String>) -> Self {
        Self { labels, is_of_some: true, ..self }
    }

    pub(super) fn of_labels(mut self, labels: Vec<String>) -> Self {
        self.labels = labels;
        self
    }

    pub(super) fn saying(mut self, said: String) -> Self {
        self.said = said;
        self
    }

    /// At most `n` product codes a year that the revision they are said to be of does not have;
    /// `examples` are some of them.
    pub fn unlisted_products(n: usize, examples: &[&str], part: Part) -> Self {
        let such = if examples.is_empty() {
            String::new()
        } else {
            let quoted: Vec<String> = examples.iter().map(|code| shown(code)).collect();
            format!(" (such as {})", quoted.join(", "))
        };
        let said = format!(
            "product codes that are not in the HS revision that the layout names: {n}{such}, {}: correct \
             `product.revisions` of the layout, or leave them out by `rules` and `exclude`",
            part.percent()
        );
        let name = examples.join(", ");
        Self::new(Kind::UnlistedProducts, Dimension::Product, name, n, part).saying(said)
    }

    /// The files `names`, which have `n_rows` rows each and the same value.
    pub fn files_alike(names: [&str; 2], n_rows: usize, part: Part) -> Self {
        let [first, second] = names.map(shown);
        let said = format!(
            "the files {first} and {second} have {n_rows} rows each and the same value ({} each): if one is the other \
             again, leave it out of `files`",
            part.percent()
        );
        let name = names.join(" = ");
        Self::new(Kind::FilesAlike, Dimension::File, name, n_rows, part).saying(said)
    }
}

/// Rows of the files that a layout reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCounts {
    /// How many there are.
    pub n: usize,
    /// How many of them are repeated, to the last field.
    pub n_repeated: usize,
}

impl Finding {
    /// Rows that are repeated in the files that `layout` reads. Of many rows the number is an
    /// estimate, and said to be one.
    pub fn repeated_rows(layout: &str, rows: RowCounts, part: Part) -> Self {
        let RowCounts { n, n_repeated } = rows;
        let about = if n > EXACT_ROWS { "about " } else { "" };
        let said = format!(
            "{about}{n_repeated} of {n} rows of the layout {} are repeated to the last field ({}): all of them are \
             summed; if they are no entries of their own, leave them out of the raw files",
            shown(layout),
            part.percent()
        );
        let name = layout.to_owned();
        Self::new(Kind::RepeatedRows, Dimension::File, name, n_repeated, part).saying(said)
    }
}

/// A label as messages show it: no control characters, and no more than 60 characters.
pub fn shown(label: &str) -> String {
    let mut text: String = label.chars().filter(|c| !c.is_control()).take(60).collect();
    if label.chars().count() > 60 {
        text.push('…');
    }
    format!("`{text}`")
}
