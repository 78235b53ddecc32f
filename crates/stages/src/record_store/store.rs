//! Records as rows of numbers, kept by year and region.

use super::super::error::StageError;
use super::coded_rows::WORDS;
use super::codes::ReportedCode;
use super::row::{FIRST_YEAR, REGION_BITS, Row};
use super::spill::{Piece, Runs};
use super::texts::{Interner, Texts};
use std::collections::BTreeMap;
use trade::Money;

/// The rows of a region in a year.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// The region's alphabetical place.
    pub(crate) region: u32,
    /// Rows.
    pub(crate) n_rows: usize,
    /// Year and region of rows.
    number: u64,
    pieces: Vec<Piece>,
}

/// All records of a flow that no rule excludes.
#[derive(Debug)]
pub(crate) struct RecordStore {
    pub(super) runs: Runs,
    /// The regions.
    pub(crate) regions: Interner,
    /// Destinations, ownerships, trade modes and firms.
    pub(crate) words: [Interner; WORDS.len()],
    /// Every reported code, by number.
    pub(crate) codes: Vec<ReportedCode>,
    /// The numbers of every ownership with a trade mode, by number; `NO_WORD` for none.
    pub(crate) kinds: Vec<(u32, u32)>,
    /// Of each year every reported code, and its value.
    pub(crate) reported: BTreeMap<i32, BTreeMap<ReportedCode, Money>>,
    /// The value of the records of other flows.
    pub(super) other_flows: Money,
}

impl RecordStore {
    /// Every reported code, and its value.
    pub(crate) fn reported_in_all(&self) -> BTreeMap<ReportedCode, Money> {
        let mut sums = BTreeMap::new();
        for (code, &value) in self.reported.values().flatten() {
            *sums.entry(code.clone()).or_default() += value;
        }
        sums
    }

    /// The value of all records that were met, with those of other flows.
    pub(crate) fn value_met(&self) -> Money {
        self.reported.values().flat_map(BTreeMap::values).copied().sum::<Money>() + self.other_flows
    }

    /// The groups of each year, regions in alphabetical order.
    pub(crate) fn groups(&self, regions: &Texts) -> BTreeMap<i32, Vec<Group>> {
        let mut years: BTreeMap<i32, BTreeMap<u32, Group>> = BTreeMap::new();
        for (number, piece) in self.runs.pieces() {
            let year = FIRST_YEAR + i32::try_from(number >> REGION_BITS).unwrap_or(0);
            let region = u32::try_from(number & ((1 << REGION_BITS) - 1)).unwrap_or(0);
            let region = regions.place(region);
            let group = years.entry(year).or_default().entry(region).or_default();
            group.region = region;
            group.number = number;
            group.n_rows += piece.n_rows;
            group.pieces.push(piece);
        }
        years.into_iter().map(|(year, groups)| (year, groups.into_values().collect())).collect()
    }

    /// Adds the rows of a group to `rows`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(crate) fn rows(&self, group: &Group, rows: &mut Vec<Row>) -> Result<(), StageError> {
        rows.reserve(group.n_rows);
        group.pieces.iter().try_for_each(|piece| self.runs.rows(group.number, piece, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::{CODE_BITS, MONTH_BITS};
    use super::super::spill::{Order, Run};
    use super::*;

    #[test]
    fn groups_are_in_the_order_of_their_regions() {
        let row = |region: u64, value: i64| Row {
            place: region << (CODE_BITS + MONTH_BITS),
            value,
            ..Row::default()
        };
        let run = |rows: &[Row]| Run::of(rows, &mut Order::default());
        let mut runs = Runs::default();
        runs.add(run(&[row(1, 1), row(5, 2), row(1, 3)]), usize::MAX).expect("memory");
        runs.add(run(&[row(2, 4), row(1, 5)]), usize::MAX).expect("memory");
        let store = RecordStore {
            runs,
            regions: Interner::default(),
            words: Default::default(),
            codes: Vec::new(),
            kinds: Vec::new(),
            reported: BTreeMap::new(),
            other_flows: Money::ZERO,
        };
        for text in ["f", "e", "d", "c", "b", "a"] {
            store.regions.number(text).expect("room");
        }
        let groups = store.groups(&store.regions.in_order());
        let found: Vec<(u32, Vec<i64>)> = groups[&FIRST_YEAR]
            .iter()
            .map(|group| {
                let mut rows = Vec::new();
                store.rows(group, &mut rows).expect("memory");
                assert_eq!(group.n_rows, rows.len());
                (group.region, rows.iter().map(|row| row.value).collect())
            })
            .collect();
        assert_eq!(found, [(0, vec![2]), (3, vec![4]), (4, vec![1, 3, 5])]);
    }
}
