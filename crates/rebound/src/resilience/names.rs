//! The names of tables that rows are asked for by.

use arrow::datatypes::Field;
use clap::builder::PossibleValue;
use lake::Contract;
use stages::resilience::in_memory;
use stages::spatial::convergence;
use std::sync::LazyLock;

/// What `rebound measure` would call the rows of a table, and the table's name here.
const ALIASES: [(&str, &str); 4] = [
    ("regions", "region"),
    ("cells", "region-product"),
    ("periods", "region-period"),
    ("pairs", "rank-pair"),
];

/// Columns that have the text of a period. What an episode calls its base may be several.
const PERIODS: [&str; 9] = [
    "period",
    "trough",
    "end",
    "transformation",
    "peak",
    "regained",
    "largest_gap_period",
    "first_candidate",
    "last_candidate",
];

/// Whether a column has texts of periods.
pub(super) fn is_of_periods(field: &Field) -> bool {
    field.data_type().is_string() && PERIODS.contains(&field.name().as_str())
}

/// The tables of the stage, and that of the regions' convergence.
fn contracts() -> Vec<&'static Contract> {
    let mut contracts = in_memory::contracts();
    contracts.push(convergence::contract());
    contracts
}

/// The tables by their names here: `resilience.region_product` is `region-product`.
static NAMES: LazyLock<Vec<(String, &'static Contract)>> = LazyLock::new(|| {
    let name = |contract: &&'static Contract| name_of(contract.table);
    contracts().into_iter().map(|contract| (name(&contract), contract)).collect()
});

/// The name here of a table.
pub(super) fn name_of(table: &str) -> String {
    table.split_once('.').map_or(table, |(_, name)| name).replace('_', "-")
}

/// All names.
pub(super) fn rows_names() -> Vec<PossibleValue> {
    let value = |name: &'static str| {
        let alias = ALIASES.into_iter().find(|(_, of)| *of == name);
        let value = PossibleValue::new(name);
        match alias {
            Some((alias, _)) => value.alias(alias),
            None => value,
        }
    };
    NAMES.iter().map(|(name, _)| value(name.as_str())).collect()
}

/// The table that a name is of, if there is one.
pub(super) fn table_named(name: &str) -> Option<&'static Contract> {
    let own = ALIASES.into_iter().find(|(alias, _)| *alias == name).map_or(name, |(_, of)| of);
    NAMES.iter().find(|(known, _)| known == own).map(|(_, contract)| *contract)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_rows() {
        for (name, table) in [
            ("region", "resilience.region"),
            ("regions", "resilience.region"),
            ("cells", "resilience.region_product"),
            ("periods", "resilience.region_period"),
            ("shift-share", "resilience.shift_share"),
            ("convergence", "spatial.convergence"),
        ] {
            assert_eq!(table_named(name).map(|contract| contract.table), Some(table));
        }
        assert!(table_named("countries").is_none());
        assert_eq!(rows_names().len(), contracts().len());
    }

    #[test]
    fn columns_of_periods_are_columns_of_tables() {
        let schemas: Vec<_> = contracts().iter().map(|contract| contract.schema()).collect();
        let is_there = |name: &str| {
            let fields = schemas.iter().flat_map(|schema| schema.fields().iter());
            fields.filter(|field| field.name() == name).all(|field| is_of_periods(field))
                && schemas.iter().any(|schema| schema.field_with_name(name).is_ok())
        };
        assert!(PERIODS.iter().all(|name| is_there(name)));
    }
}
