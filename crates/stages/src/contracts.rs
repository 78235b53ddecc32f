//! The contracts of all tables of the program.

use super::table::UNITS;
use super::{STAGES, panels};
use lake::{Column, Contract};
use std::sync::LazyLock;
use trade::layout::Measure;

static ALL: LazyLock<Vec<&'static Contract>> = LazyLock::new(|| {
    let mut all: Vec<&'static Contract> = Vec::new();
    let written = STAGES.iter().flat_map(|stage| stage.writes()).chain(panels::contracts());
    for contract in written {
        // Some stages do the work of others.
        if !all.contains(&contract) {
            all.push(contract);
        }
    }
    all
});

/// Every contract, in the order of the way of a record.
pub fn all() -> &'static [&'static Contract] {
    &ALL
}

/// The contract of `table`, if it has one.
pub fn of(table: &str) -> Option<&'static Contract> {
    ALL.iter().copied().find(|contract| contract.table == table)
}

/// Whether a column holds what the values of the data measure, in their unit or as an area over
/// periods.
pub fn holds_values(column: &Column) -> bool {
    column.unit.starts_with(UNITS)
}

/// Has columns say what values are, where they are no money.
pub fn say_measure(columns: &mut [Column], measure: &Measure) {
    let Measure::Other { name, unit } = measure else { return };
    for column in columns {
        column.unit = column.unit.replace(UNITS, unit).replace("currency", unit);
        column.about = column.about.replace("FOB value", name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn columns_of_values_say_what_they_measure() {
        let of = |measure: &Measure| {
            let contract = of("trade.region_year").expect("a table");
            let mut columns = contract.columns.clone();
            say_measure(&mut columns, measure);
            let value = columns.into_iter().find(|column| column.name == "fob_value");
            value.map(|column| format!("{}, {}", column.about, column.unit)).expect("a value")
        };
        assert_eq!(of(&Measure::Money("USD".to_owned())), "FOB value, currency units");
        let [name, unit] = ["employment", "persons"].map(str::to_owned);
        assert_eq!(of(&Measure::Other { name, unit }), "employment, persons");
    }

    #[test]
    fn keys_are_columns_without_nulls_and_names_are_unique() {
        let mut tables = BTreeSet::new();
        for contract in all() {
            assert!(tables.insert(contract.table), "{} is there twice", contract.table);
            let names: BTreeSet<_> = contract.columns.iter().map(|c| &c.name).collect();
            assert_eq!(names.len(), contract.columns.len(), "{}", contract.table);
            for key in contract.key {
                let column = contract.columns.iter().find(|c| c.name == *key);
                assert!(column.is_some_and(|c| !c.is_nullable), "{} {key}", contract.table);
            }
            assert!(contract.table.split_once('.').is_some(), "{}", contract.table);
            assert!(contract.columns.iter().all(|c| !c.about.is_empty()), "{}", contract.table);
        }
    }
}
