//! The rows of two versions of a table, held against each other.

use super::cells::RowAt;
use super::error::DiffError;
use super::files::Comparison;
use super::found::TableChange;
use super::sorted::{Reading, Sorted};
use super::tally::{Tallied, Tally};
use lake::{Lake, TableVersion};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// What two versions of a table differ in. Only the files are read that `comparison` names; `rows`
/// are those of the old version and of the new one.
pub(super) fn compare(
    runtime: &Runtime,
    lake: &Lake,
    comparison: Comparison<'_>,
    rows: (u64, u64),
    top: usize,
) -> Result<TableChange, DiffError> {
    let (columns, n_key) = (&comparison.columns[..], comparison.n_key);
    let table = comparison.new.table.as_str();
    // Without a key, whole rows are compared.
    let n_compared = if n_key == 0 { columns.len() } else { n_key };
    let reading = Reading::new(runtime, lake, table, columns, n_compared)?;
    let mut tally = Tally::new(columns, n_key, top);
    match (n_key, columns.len()) {
        // Nothing that both have.
        (_, 0) => {}
        (0, _) => by_row(&reading, &comparison, &mut tally)?,
        _ => by_key(&reading, &comparison, &mut tally)?,
    }
    let Tallied {
        rows_added,
        rows_removed,
        rows_changed,
        columns,
        measure,
        rows: most,
        regions,
        regions_by,
        products,
    } = tally.finish();
    let key = comparison.columns[..n_key].iter().map(|column| column.name.clone()).collect();
    Ok(TableChange {
        table: table.to_owned(),
        key,
        files: comparison.files(),
        rows_old: rows.0,
        rows_new: rows.1,
        rows_added,
        rows_removed,
        rows_changed,
        columns,
        measure,
        rows: most,
        regions,
        regions_by,
        products,
        note: comparison.note,
        columns_added: comparison.columns_added,
        columns_gone: comparison.columns_gone,
        columns_retyped: comparison.columns_retyped,
    })
}

/// Goes through the rows of both in the order of the key.
fn by_key(
    reading: &Reading<'_>,
    comparison: &Comparison<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), DiffError> {
    let mut old = Sorted::new(reading, &comparison.old)?;
    let mut new = Sorted::new(reading, &comparison.new)?;
    loop {
        let order = match (old.key(), new.key()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        match (order, old.row(), new.row()) {
            (Ordering::Less, Some(row), _) => tally.removed(row),
            (Ordering::Greater, _, Some(row)) => tally.added(row),
            (Ordering::Equal, Some(old), Some(new)) => tally.pair(old, new),
            _ => {}
        }
        if order.is_le() {
            old.step()?;
        }
        if order.is_ge() {
            new.step()?;
        }
    }
}

/// Counts equal rows of both, a batch of each in turn, so that what is the same in the same order is
/// soon forgotten.
fn by_row(
    reading: &Reading<'_>,
    comparison: &Comparison<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), DiffError> {
    // Of each row, how many more the new version has than the old one.
    let mut counts: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut sides = [files(reading, &comparison.old, -1), files(reading, &comparison.new, 1)];
    loop {
        let mut is_end = true;
        for (batches, sign) in &mut sides {
            let Some(arrays) = batches.next() else { continue };
            is_end = false;
            let rows = reading.converter().convert_columns(&arrays?);
            for row in &rows.map_err(|error| reading.broken(error))? {
                count(&mut counts, row.data(), *sign);
            }
        }
        if is_end {
            break;
        }
    }
    let parser = reading.converter().parser();
    let counts: Vec<(Vec<u8>, i64)> = counts.into_iter().collect();
    for counts in counts.chunks(DECODED) {
        let rows = counts.iter().map(|(bytes, _)| parser.parse(bytes));
        let arrays = reading.converter().convert_rows(rows);
        let cells = reading.cells(&arrays.map_err(|error| reading.broken(error))?)?;
        for (at, (_, n)) in counts.iter().enumerate() {
            let row = RowAt { cells: &cells, at };
            for _ in 0..n.unsigned_abs() {
                if *n > 0 { tally.added(row) } else { tally.removed(row) }
            }
        }
    }
    Ok(())
}

/// Rows that are made values again at a time.
const DECODED: usize = 1024;

fn count(counts: &mut BTreeMap<Vec<u8>, i64>, row: &[u8], sign: i64) {
    match counts.get_mut(row) {
        Some(n) if *n + sign == 0 => {
            counts.remove(row);
        }
        Some(n) => *n += sign,
        None => {
            counts.insert(row.to_vec(), sign);
        }
    }
}

type Arrays = Result<Vec<arrow::array::ArrayRef>, DiffError>;

/// The batches of all files of a version, with what each row of them counts.
fn files<'r>(
    reading: &'r Reading<'_>,
    version: &'r TableVersion,
    sign: i64,
) -> (Box<dyn Iterator<Item = Arrays> + 'r>, i64) {
    let n = reading.columns().len();
    let batches = version.files.iter().flat_map(move |file| {
        let (opened, failed) = match reading.open(version, file, n) {
            Ok(opened) => (Some(opened), None),
            Err(error) => (None, Some(Err(error))),
        };
        let batches = opened.into_iter().flatten();
        let arrays = batches.map(move |batch| reading.arrays(&batch?, n));
        failed.into_iter().chain(arrays)
    });
    (Box::new(batches), sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Decimal128Array, Int32Array, RecordBatch, StringArray};
    use lake::{Column, Fingerprint, Kind};
    use std::sync::Arc;

    type Row = (&'static str, i32, i128);

    fn rows(version: &TableVersion, rows: &[Row]) -> RecordBatch {
        let money = rows.iter().map(|row| Some(row.2)).collect::<Decimal128Array>();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int32Array>()),
            Arc::new(money.with_precision_and_scale(20, 2).expect("room")),
        ];
        RecordBatch::try_new(version.schema(), columns).expect("rows")
    }

    /// A version with a file for each of these.
    fn version(
        runtime: &Runtime,
        lake: &Lake,
        name: &str,
        key: &[&str],
        files: &[&[Row]],
    ) -> TableVersion {
        let column = |(name, kind): (&str, Kind)| Column {
            name: name.to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        let columns =
            [("region_code", Kind::Text), ("year", Kind::Int), ("fob_value", Kind::Money)];
        let mut version = TableVersion {
            table: "t.a".to_owned(),
            stage: "a".to_owned(),
            fingerprint: Fingerprint::of(name.as_bytes()),
            files: Vec::new(),
            key: key.iter().map(|&name| name.to_owned()).collect(),
            about: String::new(),
            columns: columns.into_iter().map(column).collect(),
            metadata: BTreeMap::new(),
            made_at: String::new(),
        };
        for file in files {
            let batch = rows(&version, file);
            let mut writer = lake.writer(&version).expect("a writer");
            let written = runtime.block_on(async {
                writer.write(batch).await.expect("written");
                writer.finish().await.expect("written")
            });
            version.files.push(written);
        }
        version
    }

    #[test]
    fn files_that_lie_between_each_other_are_merged_and_shared_ones_are_not_opened() {
        let runtime = query::runtime(1).expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let key = ["region_code", "year"];
        let old: [&[Row]; 3] = [
            &[("B", 2000, 200), ("D", 2000, 200)],
            &[("A", 2000, 100), ("C", 2000, 100)],
            &[("B", 2001, 900), ("E", 2000, 900)],
        ];
        let old = version(&runtime, &lake, "old", &key, &old);
        let new: [&[Row]; 2] =
            [&[("C", 2001, 750), ("D", 2000, 200)], &[("A", 2000, 100), ("B", 2000, 500)]];
        let mut new = version(&runtime, &lake, "new", &key, &new);
        let shared = old.files[2].clone();
        new.files.push(shared.clone());
        // What is not there is not read.
        let gone = TableVersion { files: vec![shared], ..old.clone() };
        runtime.block_on(lake.remove(&gone)).expect("gone");
        let comparison = Comparison::of(&old, &new);
        let found = compare(&runtime, &lake, comparison, (old.rows(), new.rows()), 9);
        let found = found.expect("compared");
        let files = (found.files.shared, found.files.read_old, found.files.read_new);
        assert_eq!(files, (1, 2, 2));
        assert_eq!((found.rows_old, found.rows_new), (6, 6));
        assert_eq!((found.rows_added, found.rows_removed, found.rows_changed), (1, 1, 1));
        let text = |row: &crate::diff::RowChange| {
            format!("{} {:?} {:?} {:?}", row.key.join(" "), row.fate, row.old, row.new)
        };
        let rows: Vec<String> = found.rows.iter().map(text).collect();
        assert_eq!(
            rows,
            [
                "C 2001 Added None Some(Money(750))",
                "B 2000 Changed Some(Money(200)) Some(Money(500))",
                "C 2000 Removed Some(Money(100)) None",
            ]
        );
        // One that is needed and gone is an error.
        let other = version(&runtime, &lake, "other", &key, &[&[("A", 2000, 1)]]);
        let comparison = Comparison::of(&old, &other);
        assert!(compare(&runtime, &lake, comparison, (6, 1), 9).is_err());
    }

    #[test]
    fn without_a_key_equal_rows_are_counted() {
        let runtime = query::runtime(1).expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let old: &[Row] = &[("A", 1, 5), ("A", 1, 5), ("B", 1, 1)];
        let new: &[Row] = &[("B", 1, 1), ("A", 1, 5), ("C", 1, 2)];
        let old = version(&runtime, &lake, "old", &[], &[old]);
        let new = version(&runtime, &lake, "new", &[], &[new]);
        let comparison = Comparison::of(&old, &new);
        let found = compare(&runtime, &lake, comparison, (3, 3), 9).expect("compared");
        assert_eq!((found.rows_added, found.rows_removed, found.rows_changed), (1, 1, 0));
        let keys: Vec<String> = found.rows.iter().map(|row| row.key.join(" ")).collect();
        assert_eq!(keys, ["A 1 0.05", "C 1 0.02"]);
        assert!(found.key.is_empty() && found.note.is_none());
    }
}
