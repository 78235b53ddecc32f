//! Counts and sums over the rows that differ.

use super::amount::Amount;
use super::cells::RowAt;
use super::found::{ColumnChange, Moved, MovedBy, RowChange, RowFate};
use lake::{Column, Kind};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The column of the codes of regions, and that of products.
const GROUPS: [&str; 2] = ["region_code", "product"];

/// The indices by which regions move, beside the measure of the table.
const INDICES: [&str; 3] = ["resistance", "recovery", "upgrading"];

/// Changes of a column.
#[derive(Debug, Default)]
struct ColumnTally {
    changed: u64,
    from_or_to_null: u64,
    largest: Option<(Amount, Vec<String>)>,
    sum: Option<Amount>,
}

/// How far a group moved: without signs, and with them.
type Sums = (Amount, Amount);

/// What the rows of a table are found to differ in.
#[derive(Debug)]
pub(super) struct Tally<'c> {
    columns: &'c [&'c Column],
    n_key: usize,
    /// The place of the column by which rows are said to have moved.
    measure: Option<usize>,
    top: usize,
    /// Rows that were added, removed and changed.
    n_rows: [u64; 3],
    of_columns: Vec<ColumnTally>,
    /// The rows that moved most, with how far.
    rows: Vec<(Amount, RowChange)>,
    /// The place of each column of groups, and the sums of its codes.
    groups: [(Option<usize>, BTreeMap<String, Sums>); 2],
    /// The places of the indices, and the sums of regions by each.
    indices: Vec<(usize, BTreeMap<String, Sums>)>,
    /// The columns in which the last row changed.
    last: Vec<usize>,
}

/// The sums of a table.
#[derive(Debug)]
pub(super) struct Tallied {
    pub(super) rows_added: u64,
    pub(super) rows_removed: u64,
    pub(super) rows_changed: u64,
    pub(super) columns: Vec<ColumnChange>,
    pub(super) measure: Option<String>,
    pub(super) rows: Vec<RowChange>,
    pub(super) regions: Vec<Moved>,
    pub(super) regions_by: Vec<MovedBy>,
    pub(super) products: Vec<Moved>,
}

impl<'c> Tally<'c> {
    /// Of rows of `columns`, of which the first `n_key` are the key. It keeps the `top` that moved
    /// most.
    pub(super) fn new(columns: &'c [&'c Column], n_key: usize, top: usize) -> Self {
        let first = |kind: Kind| {
            let mut values = columns.iter().enumerate().skip(n_key);
            values.find(|(_, column)| column.kind == kind).map(|(at, _)| at)
        };
        let place = |name: &str| {
            let of = |column: &&Column| column.name == name && column.kind == Kind::Text;
            columns.iter().position(of)
        };
        let measure = first(Kind::Money).or_else(|| first(Kind::Float));
        let index = |name: &&str| {
            let of = |column: &&Column| column.name == *name && column.kind == Kind::Float;
            let at = columns.iter().position(of).filter(|at| Some(*at) != measure)?;
            Some((at, BTreeMap::new()))
        };
        Self {
            columns,
            n_key,
            measure,
            indices: INDICES.iter().filter_map(index).collect(),
            top,
            n_rows: [0; 3],
            of_columns: columns.iter().map(|_| ColumnTally::default()).collect(),
            rows: Vec::new(),
            groups: GROUPS.map(|name| (place(name), BTreeMap::new())),
            last: Vec::new(),
        }
    }

    /// A row that only the new version has.
    pub(super) fn added(&mut self, row: RowAt<'_>) {
        self.n_rows[0] += 1;
        self.moved(RowFate::Added, None, Some(row));
    }

    /// A row that only the old version has.
    pub(super) fn removed(&mut self, row: RowAt<'_>) {
        self.n_rows[1] += 1;
        self.moved(RowFate::Removed, Some(row), None);
    }

    /// A row that both versions have, with what may be other values.
    pub(super) fn pair(&mut self, old: RowAt<'_>, new: RowAt<'_>) {
        self.last.clear();
        let values = self.n_key..self.columns.len();
        self.last.extend(values.filter(|&column| !old.is_same(new, column)));
        if self.last.is_empty() {
            return;
        }
        self.n_rows[2] += 1;
        for &column in &self.last {
            let tally = &mut self.of_columns[column];
            tally.changed += 1;
            if old.is_null(column) != new.is_null(column) {
                tally.from_or_to_null += 1;
                continue;
            }
            if Amount::zero(self.columns[column].kind).is_none() {
                continue;
            }
            let (Some(old), Some(now)) = (old.amount(column), new.amount(column)) else {
                tally.from_or_to_null += 1;
                continue;
            };
            let size = now.plus(old.negated()).size();
            tally.sum = Some(tally.sum.map_or(size, |sum| sum.plus(size)));
            let known = tally.largest.as_ref();
            if known.is_none_or(|(known, _)| size.order(*known) == Ordering::Greater) {
                let key = (0..self.n_key).map(|column| new.shown(column)).collect();
                tally.largest = Some((size, key));
            }
        }
        self.moved_by_indices(old, new);
        self.moved(RowFate::Changed, Some(old), Some(new));
    }

    /// Adds how far a row that both versions have moved its region by each index. One that is not
    /// there is not zero: it says nothing.
    fn moved_by_indices(&mut self, old: RowAt<'_>, new: RowAt<'_>) {
        let [(Some(place), _), _] = &self.groups else { return };
        let Some(code) = new.code(*place) else { return };
        for (index, sums) in &mut self.indices {
            if let (Some(before), Some(after)) = (old.amount(*index), new.amount(*index)) {
                add(sums, code, after.plus(before.negated()));
            }
        }
    }

    /// Adds how far a row moved to what its region and product did. What is not there is nothing.
    fn moved(&mut self, fate: RowFate, old: Option<RowAt<'_>>, new: Option<RowAt<'_>>) {
        let Some(row) = new.or(old) else { return };
        let amount = |row: Option<RowAt<'_>>| {
            self.measure.and_then(|column| row.and_then(|row| row.amount(column)))
        };
        let (before, after) = (amount(old), amount(new));
        let change = match (before, after) {
            (Some(before), Some(after)) => after.plus(before.negated()),
            (Some(before), None) => before.negated(),
            (None, Some(after)) => after,
            (None, None) => self.nothing(),
        };
        let size = change.size();
        if self.measure.is_some() {
            for (place, sums) in &mut self.groups {
                let Some(code) = place.and_then(|column| row.code(column)) else { continue };
                add(sums, code, change);
            }
        }
        self.keep(size, fate, row, (before, after));
    }

    /// No change of the measure.
    fn nothing(&self) -> Amount {
        let of = self.measure.and_then(|column| Amount::zero(self.columns[column].kind));
        of.unwrap_or(Amount::Whole(0))
    }

    /// Keeps a row if it is among those that moved most: of those that moved as far, the first.
    fn keep(
        &mut self,
        size: Amount,
        fate: RowFate,
        row: RowAt<'_>,
        (old, new): (Option<Amount>, Option<Amount>),
    ) {
        let is_larger = |known: &(Amount, RowChange)| size.order(known.0) == Ordering::Greater;
        if self.rows.len() >= self.top && !self.rows.last().is_some_and(is_larger) {
            return;
        }
        let n_key = if self.n_key == 0 { self.columns.len() } else { self.n_key };
        let changed = if fate == RowFate::Changed { &self.last[..] } else { &[] };
        let kept = RowChange {
            key: (0..n_key).map(|column| row.shown(column)).collect(),
            fate,
            old,
            new,
            columns: changed.iter().map(|&column| self.columns[column].name.clone()).collect(),
        };
        let place = self.rows.iter().position(is_larger).unwrap_or(self.rows.len());
        self.rows.insert(place, (size, kept));
        self.rows.truncate(self.top);
    }

    /// What it came to.
    pub(super) fn finish(self) -> Tallied {
        let Self { columns, measure, top, n_rows, of_columns, rows, groups, indices, .. } = self;
        let [rows_added, rows_removed, rows_changed] = n_rows;
        let [regions, products] = groups.map(|(_, sums)| most_moved(sums, top));
        let by = |(at, sums): (usize, BTreeMap<String, Sums>)| MovedBy {
            measure: columns[at].name.clone(),
            regions: most_moved(sums, top),
        };
        let changes = columns.iter().zip(of_columns).filter(|(_, tally)| tally.changed > 0);
        Tallied {
            rows_added,
            rows_removed,
            rows_changed,
            columns: changes.map(|(column, tally)| tally.finish(column)).collect(),
            measure: measure.map(|at| columns[at].name.clone()),
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            regions,
            regions_by: indices.into_iter().map(by).collect(),
            products,
        }
    }
}

impl ColumnTally {
    fn finish(self, column: &Column) -> ColumnChange {
        let n = self.changed - self.from_or_to_null;
        #[expect(clippy::cast_precision_loss, reason = "for a mean")]
        let mean = self.sum.map(|sum| sum.float() / n as f64);
        let (largest, largest_at) = self.largest.unzip();
        ColumnChange {
            column: column.name.clone(),
            r#type: column.kind.name(),
            changed: self.changed,
            from_or_to_null: self.from_or_to_null,
            largest,
            largest_at,
            mean,
        }
    }
}

/// Adds a change to the sums of a code.
fn add(sums: &mut BTreeMap<String, Sums>, code: &str, change: Amount) {
    let size = change.size();
    match sums.get_mut(code) {
        Some((moved, net)) => (*moved, *net) = (moved.plus(size), net.plus(change)),
        None => {
            sums.insert(code.to_owned(), (size, change));
        }
    }
}

/// The codes that moved most, the first of them first; of those that moved as far, in their order.
fn most_moved(sums: BTreeMap<String, Sums>, top: usize) -> Vec<Moved> {
    let of = |(code, (moved, change))| Moved { code, moved, change };
    let mut found: Vec<Moved> = sums.into_iter().map(of).collect();
    found.sort_by(|a, b| b.moved.order(a.moved));
    found.truncate(top);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::cells::Cells;
    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, StringArray};
    use std::sync::Arc;

    fn column(name: &str, kind: Kind) -> Column {
        Column {
            name: name.to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        }
    }

    /// Rows of region, product, value in hundredths and a share.
    fn rows(rows: &[(&str, &str, Option<i128>, Option<f64>)]) -> Vec<Cells> {
        let money = rows.iter().map(|row| row.2).collect::<Decimal128Array>();
        let money = money.with_precision_and_scale(20, 2).expect("room");
        let arrays: [(ArrayRef, Kind); 4] = [
            (Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()), Kind::Text),
            (Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>()), Kind::Text),
            (Arc::new(money), Kind::Money),
            (Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>()), Kind::Float),
        ];
        arrays.iter().map(|(array, kind)| Cells::of(array, *kind).expect("its type")).collect()
    }

    #[test]
    fn changes_are_counted_and_summed_by_column_region_and_product() {
        let columns = [
            column("region_code", Kind::Text),
            column("product", Kind::Text),
            column("fob_value", Kind::Money),
            column("share", Kind::Float),
        ];
        let columns: Vec<&Column> = columns.iter().collect();
        let mut tally = Tally::new(&columns, 2, 2);
        let old = rows(&[
            ("A", "1", Some(10_000), Some(0.5)),
            ("A", "2", Some(1_000), None),
            ("B", "1", Some(700), Some(0.25)),
            ("B", "2", Some(100), Some(0.5)),
        ]);
        let new = rows(&[
            ("A", "1", Some(7_000), Some(0.5)),
            ("A", "2", Some(1_000), Some(1.0)),
            ("C", "1", Some(50), Some(0.25)),
            ("B", "2", Some(300), Some(0.25)),
        ]);
        let at = |cells, at| RowAt { cells, at };
        tally.pair(at(&old, 0), at(&new, 0));
        tally.pair(at(&old, 1), at(&new, 1));
        tally.removed(at(&old, 2));
        tally.pair(at(&old, 3), at(&new, 3));
        tally.added(at(&new, 2));
        tally.pair(at(&old, 0), at(&old, 0));
        let found = tally.finish();
        assert_eq!((found.rows_added, found.rows_removed, found.rows_changed), (1, 1, 3));
        let text = |of: &ColumnChange| {
            let largest = of.largest.map(|largest| largest.to_string());
            let at = of.largest_at.as_ref().map(|key| key.join("/"));
            format!(
                "{} {} {} {largest:?} {at:?} {:?}",
                of.column, of.changed, of.from_or_to_null, of.mean
            )
        };
        let columns: Vec<String> = found.columns.iter().map(text).collect();
        assert_eq!(
            columns,
            [
                r#"fob_value 2 0 Some("30.00") Some("A/1") Some(16.0)"#,
                r#"share 2 1 Some("0.2500") Some("B/2") Some(0.25)"#,
            ]
        );
        assert_eq!(found.measure.as_deref(), Some("fob_value"));
        let keys: Vec<String> = found.rows.iter().map(|row| row.key.join("/")).collect();
        assert_eq!(keys, ["A/1", "B/1"], "the two that moved most");
        assert_eq!(found.rows[0].columns, ["fob_value"]);
        assert_eq!((found.rows[1].fate, found.rows[1].new), (RowFate::Removed, None));
        let moved = |of: &[Moved]| {
            let text = |of: &Moved| format!("{} {} {}", of.code, of.moved, of.change);
            of.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(moved(&found.regions), "A 30.00 -30.00, B 9.00 -5.00");
        assert_eq!(moved(&found.products), "1 37.50 -36.50, 2 2.00 2.00");
    }

    #[test]
    fn regions_move_by_each_index_that_both_versions_have() {
        let columns = [
            column("region_code", Kind::Text),
            column("product", Kind::Text),
            column("base_value", Kind::Money),
            column("resistance", Kind::Float),
        ];
        let columns: Vec<&Column> = columns.iter().collect();
        let mut tally = Tally::new(&columns, 2, 2);
        let old = rows(&[
            ("A", "1", Some(100), Some(0.5)),
            ("A", "2", Some(100), Some(0.25)),
            ("B", "1", Some(100), None),
            ("C", "1", Some(100), Some(4.0)),
        ]);
        let new = rows(&[
            ("A", "1", Some(100), Some(0.0)),
            ("A", "2", Some(100), Some(0.5)),
            ("B", "1", Some(100), Some(9.0)),
            ("C", "1", Some(100), Some(3.0)),
        ]);
        for at in 0..4 {
            tally.pair(RowAt { cells: &old, at }, RowAt { cells: &new, at });
        }
        let found = tally.finish();
        assert_eq!(found.measure.as_deref(), Some("base_value"));
        let [by] = &found.regions_by[..] else { panic!("{:?}", found.regions_by) };
        let text = |of: &Moved| format!("{} {} {}", of.code, of.moved, of.change);
        let moved: Vec<String> = by.regions.iter().map(text).collect();
        assert_eq!((by.measure.as_str(), moved.len()), ("resistance", 2));
        assert!(moved[0].starts_with("C 1.0") && moved[1].starts_with("A 0.75"), "{moved:?}");
    }
}
