//! What is found, and what is said of it.

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
}

impl Dimension {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Product => "product",
            Self::Destination => "destination",
            Self::File => "file",
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
    /// A label whose values are the sums of all others'.
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
}

impl Kind {
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
    /// The other labels that a total is the sum of; the shorter codes; the labels without a value,
    /// or that a revision does not have; the rows of each of two files.
    pub n: usize,
    /// The value of it.
    pub value: f64,
    /// Its share in the whole value, 0 to 1; 0 where that is not positive.
    pub share: f64,
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
        let said = String::new();
        Self { kind, dimension, name, n, value: part.value, share: part.share(), said }
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

/// A label as messages show it: no control characters, and no more than 60 characters.
pub fn shown(label: &str) -> String {
    let mut text: String = label.chars().filter(|c| !c.is_control()).take(60).collect();
    if label.chars().count() > 60 {
        text.push('…');
    }
    format!("`{text}`")
}
