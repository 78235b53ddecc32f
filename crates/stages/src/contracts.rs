//! The contracts of all tables of the program.

use super::{STAGES, panels};
use lake::Contract;
use std::sync::LazyLock;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
