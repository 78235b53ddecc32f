//! Which files of two versions of a table must be read to compare them.

use super::found::FilesFound;
use lake::{Column, ContentHash, DataFile, Kind, TableVersion};
use std::collections::BTreeMap;

/// How two versions of a table are compared.
#[derive(Debug)]
pub(super) struct Comparison<'v> {
    /// The old version, with the files of it that are read and no others.
    pub(super) old: TableVersion,
    /// The new version, likewise.
    pub(super) new: TableVersion,
    /// Files that both have.
    pub(super) n_shared: usize,
    /// The columns that both have with one type, those of the key first.
    pub(super) columns: Vec<&'v Column>,
    /// How many of them are the key. Without one, rows are only the same or not.
    pub(super) n_key: usize,
    /// Why that is not the table's own key.
    pub(super) note: Option<String>,
    pub(super) columns_added: Vec<String>,
    pub(super) columns_gone: Vec<String>,
    pub(super) columns_retyped: Vec<String>,
}

/// What rows of a version are made of.
fn shape(version: &TableVersion) -> (Vec<(&str, Kind)>, &[String]) {
    let columns = version.columns.iter().map(|column| (column.name.as_str(), column.kind));
    (columns.collect(), &version.key)
}

/// The files that `version` has beyond those that `other` has, by their bytes.
fn own_files(version: &TableVersion, other: &TableVersion) -> Vec<DataFile> {
    let mut left: BTreeMap<&ContentHash, usize> = BTreeMap::new();
    for file in &other.files {
        *left.entry(&file.hash).or_default() += 1;
    }
    let is_own = |file: &&DataFile| match left.get_mut(&file.hash) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    };
    version.files.iter().filter(is_own).cloned().collect()
}

/// Whether two versions hold the same rows, by the hashes of their files.
pub(super) fn are_same(old: &TableVersion, new: &TableVersion) -> bool {
    shape(old) == shape(new) && own_files(old, new).is_empty() && own_files(new, old).is_empty()
}

impl<'v> Comparison<'v> {
    /// How `old` and `new` are compared: where both have the same columns and key, rows of a file
    /// that both have cannot differ, so that it is not read.
    pub(super) fn of(old: &TableVersion, new: &'v TableVersion) -> Self {
        let of_old = |name: &str| old.columns.iter().find(|column| column.name == name);
        let of_new = |name: &str| new.columns.iter().find(|column| column.name == name);
        let is_same_kind =
            |column: &Column| of_old(&column.name).is_some_and(|other| other.kind == column.kind);
        let is_retyped = |column: &Column| of_old(&column.name).is_some() && !is_same_kind(column);
        let names = |columns: &[Column], is_meant: &dyn Fn(&Column) -> bool| -> Vec<String> {
            columns.iter().filter(|c| is_meant(c)).map(|c| c.name.clone()).collect()
        };
        let key: Vec<&Column> = new.key.iter().filter_map(|name| of_new(name)).collect();
        let is_keyed = old.key == new.key
            && key.len() == new.key.len()
            && key.iter().all(|column| is_same_kind(column));
        let note = match (is_keyed, new.key.is_empty() && old.key.is_empty()) {
            (true, _) | (_, true) => None,
            _ => Some(format!("its key was {}, and is {}", named(&old.key), named(&new.key))),
        };
        let mut columns = if is_keyed { key } else { Vec::new() };
        let n_key = columns.len();
        for column in &new.columns {
            if is_same_kind(column) && !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        let is_same_shape = shape(old) == shape(new);
        let read = |version: &TableVersion, other: &TableVersion| TableVersion {
            files: match is_same_shape {
                true => own_files(version, other),
                false => version.files.clone(),
            },
            ..version.clone()
        };
        let read_new = read(new, old);
        Self {
            n_shared: new.files.len() - read_new.files.len(),
            old: read(old, new),
            new: read_new,
            columns,
            n_key,
            note,
            columns_added: names(&new.columns, &|column: &Column| of_old(&column.name).is_none()),
            columns_gone: names(&old.columns, &|column: &Column| of_new(&column.name).is_none()),
            columns_retyped: names(&new.columns, &is_retyped),
        }
    }

    /// How many files that is.
    pub(super) fn files(&self) -> FilesFound {
        FilesFound {
            shared: self.n_shared,
            read_old: self.old.files.len(),
            read_new: self.new.files.len(),
        }
    }
}

fn named(key: &[String]) -> String {
    if key.is_empty() { "none".to_owned() } else { key.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::Fingerprint;

    fn hash(text: &str) -> ContentHash {
        ContentHash::of_reader(text.as_bytes()).expect("readable")
    }

    /// A version with a file for each text, under a path that says nothing.
    fn version(files: &[&str], columns: &[(&str, Kind)], key: &[&str]) -> TableVersion {
        let file = |(at, text): (usize, &&str)| {
            DataFile::new(format!("tables/t.a/1/part-{at:05}.parquet"), 1, 1, hash(text))
        };
        let column = |&(name, kind): &(&str, Kind)| Column {
            name: name.to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        TableVersion {
            table: "t.a".to_owned(),
            stage: "a".to_owned(),
            fingerprint: Fingerprint::of(b"1"),
            files: files.iter().enumerate().map(file).collect(),
            key: key.iter().map(|&name| name.to_owned()).collect(),
            about: String::new(),
            columns: columns.iter().map(column).collect(),
            metadata: BTreeMap::new(),
            made_at: String::new(),
        }
    }

    const COLUMNS: [(&str, Kind); 3] =
        [("value", Kind::Money), ("year", Kind::Int), ("code", Kind::Text)];

    fn hashes(version: &TableVersion) -> Vec<&ContentHash> {
        version.files.iter().map(|file| &file.hash).collect()
    }

    #[test]
    fn files_that_both_have_are_not_read() {
        let old = version(&["a", "b", "c", "c"], &COLUMNS, &["code", "year"]);
        let new = version(&["c", "d", "a"], &COLUMNS, &["code", "year"]);
        let found = Comparison::of(&old, &new);
        assert_eq!(
            hashes(&found.old),
            [&hash("b"), &hash("c")],
            "a file that is there twice, once"
        );
        assert_eq!(hashes(&found.new), [&hash("d")]);
        assert_eq!(found.files(), FilesFound { shared: 2, read_old: 2, read_new: 1 });
        let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names, found.n_key), (vec!["code", "year", "value"], 2));
        assert!(!are_same(&old, &new));
        // The order and the names of files say nothing of their rows.
        assert!(are_same(&old, &version(&["c", "b", "c", "a"], &COLUMNS, &["code", "year"])));
    }

    #[test]
    fn with_other_columns_or_another_key_all_is_read() {
        let old = version(&["a", "b"], &COLUMNS, &["code", "year"]);
        let retyped =
            [("value", Kind::Float), ("year", Kind::Int), ("code", Kind::Text), ("x", Kind::Int)];
        let new = version(&["a", "c"], &retyped, &["code", "year"]);
        let found = Comparison::of(&old, &new);
        assert_eq!(found.files(), FilesFound { shared: 0, read_old: 2, read_new: 2 });
        assert_eq!((found.columns.len(), found.n_key, found.note), (2, 2, None));
        assert_eq!((found.columns_added, found.columns_gone), (vec!["x".to_owned()], vec![]));
        assert_eq!(found.columns_retyped, ["value"]);
        let new = version(&["a", "b"], &COLUMNS, &["code"]);
        assert!(!are_same(&old, &new));
        let found = Comparison::of(&old, &new);
        assert_eq!((found.files().shared, found.n_key), (0, 0));
        assert_eq!(found.note.as_deref(), Some("its key was code, year, and is code"));
    }
}
