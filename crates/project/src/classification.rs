//! What the metadata of a table says of its products and values, and the levels of the Harmonized
//! System as columns.

use lake::{Column, Kind, TableVersion};
use trade::classification::HS;

/// Where a table's metadata says the classification of its products.
pub const CLASSIFICATION: &str = "product.classification";

/// Where it says the revision of the classification, or the column that holds it.
pub const REVISION: &str = "product.revision";

/// Where it says what values measure, if they are no money.
pub const MEASURE: &str = "value.measure";

/// Where it says their unit.
pub const UNIT: &str = "value.unit";

/// A level of the Harmonized System, as a column beside `product`.
#[derive(Debug)]
pub struct HsLevel {
    /// The name of the column.
    pub name: &'static str,
    /// Digits of its codes.
    pub n_digits: usize,
    about: &'static str,
}

impl HsLevel {
    /// Its column beside `product`: it is null where that is.
    pub fn beside(&self, product: &Column) -> Column {
        Column {
            name: self.name.to_owned(),
            kind: Kind::Text,
            is_nullable: product.is_nullable,
            unit: String::new(),
            about: self.about.to_owned(),
        }
    }
}

/// The levels, in the order of their columns.
pub static HS_LEVELS: [HsLevel; 3] = [
    HsLevel {
        name: "hs6",
        n_digits: 6,
        about: "the same; null where the classification is not HS",
    },
    HsLevel { name: "hs4", n_digits: 4, about: "heading: the first four digits of the product" },
    HsLevel { name: "hs2", n_digits: 2, about: "chapter: the first two digits of the product" },
];

/// Whether the products of a table are of the Harmonized System.
pub fn is_hs(version: &TableVersion) -> bool {
    version.metadata.get(CLASSIFICATION).is_some_and(|name| name == HS)
}

/// Whether the values of a table are no money: its columns say what they are.
pub fn has_measure(version: &TableVersion) -> bool {
    version.metadata.contains_key(MEASURE)
}

/// The classification of a table's products and its revision, `HS (HS2007)`; `None` if it has no
/// products.
pub fn of(version: &TableVersion) -> Option<String> {
    let name = version.metadata.get(CLASSIFICATION)?;
    Some(match version.metadata.get(REVISION) {
        Some(revision) => format!("{name} ({revision})"),
        None => name.clone(),
    })
}
