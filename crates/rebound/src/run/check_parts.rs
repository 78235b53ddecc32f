//! The parts that a check is asked of one after the other: years, episodes, raw files. What each of
//! them reads, and by what it is known.

use super::error::RunError;
use super::splitter::wrong;
use crate::node::SQL_VERSION;
use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use lake::{DataFile, Fingerprint, Fingerprinter, LakeError, TableVersion};
use project::sql_file::{CheckParts, PartOf, SqlFile};
use query::{QueryError, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Rows of a table that is not divided and is read by raw file nevertheless: they are all in memory.
const MOST_ROWS: u64 = 1 << 18;

/// A year, an episode or a raw file; years in their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PartName {
    Year(i32),
    Named(String),
}

impl PartName {
    /// The part of this label.
    fn of(each: PartOf, label: &str) -> Option<Self> {
        match each {
            PartOf::Year => label.parse().ok().map(Self::Year),
            PartOf::Episode | PartOf::SourceFile => Some(Self::Named(label.to_owned())),
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => year.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// A hash of a check and of the content of all that it reads: what a table is made from says nothing
/// of its rows.
pub(super) fn fingerprint<'t>(
    file: &SqlFile,
    reads: impl IntoIterator<Item = &'t TableVersion>,
) -> Fingerprint {
    let mut maker = begun(file);
    for version in reads {
        maker.add("table", version.table.as_bytes());
        for file in &version.files {
            maker.add("part", file.hash.as_str().as_bytes());
        }
    }
    maker.finish()
}

/// The name of what is known of the parts of a check.
pub(super) fn fingerprint_of_parts(file: &SqlFile) -> Fingerprint {
    let mut maker = begun(file);
    maker.add("check", file.name.as_bytes());
    maker.add("what", b"parts that hold");
    maker.finish()
}

fn begun(file: &SqlFile) -> Fingerprinter {
    let mut maker = Fingerprinter::default();
    maker.add("code", SQL_VERSION.to_string().as_bytes());
    maker.add("sql", file.meaning().as_bytes());
    maker
}

/// The files of a table by part. One of several years is a file of each.
struct FilesByPart<'c> {
    /// Those that have rows.
    files: Vec<&'c DataFile>,
    /// Their places.
    places: BTreeMap<PartName, Vec<usize>>,
}

impl<'c> FilesByPart<'c> {
    /// None where a file does not say what it is of.
    fn of(each: PartOf, version: &'c TableVersion) -> Option<Self> {
        // Files of other units, such as regions' measures by table and period, have labels too.
        let is_by_part = version.key.first().is_some_and(|key| key == each.name());
        let names = |file: &DataFile| -> Option<Vec<PartName>> {
            match (file.unit.as_deref().filter(|_| is_by_part), each) {
                (Some(unit), _) => Some(vec![PartName::of(each, unit)?]),
                (None, PartOf::Year) => {
                    let years = file.years.iter().copied().map(PartName::Year);
                    Some(years.collect()).filter(|years: &Vec<PartName>| !years.is_empty())
                }
                (None, PartOf::SourceFile) => {
                    Some(vec![PartName::of(each, file.source_file.as_deref()?)?])
                }
                (None, PartOf::Episode) => None,
            }
        };
        let files: Vec<&DataFile> = version.files.iter().filter(|file| file.rows > 0).collect();
        let mut places: BTreeMap<PartName, Vec<usize>> = BTreeMap::new();
        for (at, &file) in files.iter().enumerate() {
            for name in names(file)? {
                places.entry(name).or_default().push(at);
            }
        }
        Some(Self { files, places })
    }

    /// Those that a part reads, in the order of the table; `years` are counted from its own.
    fn of_part(&self, part: &PartName, (first, last): (i32, i32)) -> Vec<&'c DataFile> {
        let places: BTreeSet<usize> = match part {
            PartName::Year(own) => {
                let years = span(*own, (first, last));
                let years = PartName::Year(*years.start())..=PartName::Year(*years.end());
                self.places.range(years).flat_map(|(_, places)| places).copied().collect()
            }
            PartName::Named(_) => self.places.get(part).into_iter().flatten().copied().collect(),
        };
        places.into_iter().map(|at| self.files[at]).collect()
    }
}

/// The years from the `first` to the `last`, counted from one.
fn span(year: i32, (first, last): (i32, i32)) -> RangeInclusive<i32> {
    year.saturating_add(first)..=year.saturating_add(last)
}

/// The rows of a table by raw file, of one that is not divided.
struct RowsByPart {
    all: RecordBatch,
    /// The places of each file's rows, and a hash of them.
    places: BTreeMap<PartName, (Vec<u32>, Fingerprint)>,
}

impl RowsByPart {
    /// None where rows do not say what file they are of.
    fn of(version: &TableVersion, batches: &[RecordBatch]) -> Result<Option<Self>, ArrowError> {
        let schema = version.schema();
        let batch = |batch: &RecordBatch| {
            RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
        };
        let batches = batches.iter().map(batch).collect::<Result<Vec<_>, _>>()?;
        let all = concat_batches(&schema, &batches)?;
        let names = all.column_by_name(PartOf::SourceFile.name());
        let Some(names) = names.and_then(|names| names.as_string_opt::<i32>()) else {
            return Ok(None);
        };
        if names.null_count() > 0 {
            return Ok(None);
        }
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
        let cells = RowConverter::new(fields.collect())?.convert_columns(all.columns())?;
        let mut columns = Fingerprinter::default();
        for field in schema.fields() {
            columns.add("column", field.name().as_bytes());
            columns.add("type", field.data_type().to_string().as_bytes());
        }
        let mut found: BTreeMap<&str, (Vec<u32>, Fingerprinter)> = BTreeMap::new();
        for ((at, name), row) in (0..).zip(names.iter().flatten()).zip(&cells) {
            let of_file = found.entry(name).or_insert_with(|| (Vec::new(), columns.clone()));
            of_file.0.push(at);
            of_file.1.add("row", row.as_ref());
        }
        let named = |(name, (places, maker)): (&str, (Vec<u32>, Fingerprinter))| {
            (PartName::Named(name.to_owned()), (places, maker.finish()))
        };
        let places = found.into_iter().map(named).collect();
        Ok(Some(Self { all, places }))
    }

    /// The rows of a part.
    fn of_part(&self, part: &PartName) -> Result<RecordBatch, ArrowError> {
        match self.places.get(part) {
            Some((places, _)) => take_record_batch(&self.all, &UInt32Array::from(places.clone())),
            None => Ok(RecordBatch::new_empty(self.all.schema())),
        }
    }
}

/// How a table is divided into parts.
enum Divided<'c> {
    /// Not at all: each part reads all of it, of which this is a hash.
    Whole(Fingerprint),
    Files(FilesByPart<'c>),
    Rows(RowsByPart),
}

impl<'c> Divided<'c> {
    /// None where the table cannot be read by part. `read` gives the rows of one that is small.
    fn of(
        each: PartOf,
        version: &'c TableVersion,
        read: impl Fn(&TableVersion) -> Result<Vec<RecordBatch>, RunError>,
    ) -> Result<Option<Self>, RunError> {
        if let Some(files) = FilesByPart::of(each, version) {
            return Ok(Some(Self::Files(files)));
        }
        let has_column = version.columns.iter().any(|column| column.name == each.name());
        if each != PartOf::SourceFile || !has_column || version.rows() > MOST_ROWS {
            return Ok(None);
        }
        let rows = RowsByPart::of(version, &read(version)?);
        Ok(rows.map_err(|source| unreadable(version, source))?.map(Self::Rows))
    }

    fn names(&self) -> Vec<&PartName> {
        match self {
            Self::Whole(_) => Vec::new(),
            Self::Files(files) => files.places.keys().collect(),
            Self::Rows(rows) => rows.places.keys().collect(),
        }
    }
}

fn unreadable(version: &TableVersion, source: ArrowError) -> RunError {
    LakeError::Arrow { table: version.table.clone(), source }.into()
}

/// What a check reads of a table.
struct Read<'c> {
    version: &'c TableVersion,
    /// The years of each part, counted from its own.
    years: (i32, i32),
    divided: Divided<'c>,
}

impl Read<'_> {
    /// Says what a part reads of it.
    fn say(&self, part: &PartName, maker: &mut Fingerprinter) {
        maker.add("table", self.version.table.as_bytes());
        match &self.divided {
            Divided::Whole(hash) => {
                maker.add("all", hash.as_str().as_bytes());
            }
            Divided::Files(files) => {
                for file in files.of_part(part, self.years) {
                    maker.add("file", file.hash.as_str().as_bytes());
                }
            }
            Divided::Rows(rows) => {
                if let Some((_, hash)) = rows.places.get(part) {
                    maker.add("rows", hash.as_str().as_bytes());
                }
            }
        }
    }

    /// Bytes of the files that a part reads of it.
    fn bytes(&self, part: &PartName) -> u64 {
        match &self.divided {
            Divided::Whole(_) => self.version.bytes(),
            Divided::Files(files) => {
                files.of_part(part, self.years).iter().map(|file| file.bytes).sum()
            }
            Divided::Rows(_) => 0,
        }
    }

    /// What a part reads of it.
    fn portion(&self, part: &PartName) -> Result<Portion, RunError> {
        let version = self.version;
        let of = |files: Vec<DataFile>| TableVersion {
            table: version.table.clone(),
            stage: version.stage.clone(),
            fingerprint: version.fingerprint.clone(),
            files,
            key: version.key.clone(),
            about: version.about.clone(),
            columns: version.columns.clone(),
            metadata: version.metadata.clone(),
            made_at: version.made_at.clone(),
        };
        Ok(match &self.divided {
            Divided::Whole(_) => Portion { version: version.clone(), rows: PortionRows::All },
            Divided::Rows(rows) => {
                let rows = rows.of_part(part).map_err(|source| unreadable(version, source))?;
                Portion { version: of(Vec::new()), rows: PortionRows::Here(rows) }
            }
            Divided::Files(files) => {
                let files = files.of_part(part, self.years);
                let others = |years: &RangeInclusive<i32>| {
                    files.iter().flat_map(|file| &file.years).any(|year| !years.contains(year))
                };
                let years = match part {
                    PartName::Year(own) => Some(span(*own, self.years)).filter(others),
                    PartName::Named(_) => None,
                };
                Portion {
                    version: of(files.into_iter().cloned().collect()),
                    rows: years.map_or(PortionRows::All, PortionRows::Within),
                }
            }
        })
    }
}

/// Which rows of some files are read.
enum PortionRows {
    All,
    /// Those of these years.
    Within(RangeInclusive<i32>),
    /// None, as these are the rows.
    Here(RecordBatch),
}

/// What a part reads of a table.
pub(super) struct Portion {
    /// The table with the files that are read and no others.
    pub(super) version: TableVersion,
    rows: PortionRows,
}

impl Portion {
    /// Makes it known under the name of the table.
    pub(super) fn register(&self, session: &Session) -> Result<(), QueryError> {
        match &self.rows {
            PortionRows::All => session.register(&self.version),
            PortionRows::Within(years) => {
                session.register_within(&self.version, PartOf::Year.name(), years.clone())
            }
            PortionRows::Here(rows) => session.register_batch(&self.version.table, rows.clone()),
        }
    }
}

/// A year, an episode or a raw file of the tables that a check reads.
pub(super) struct Part {
    pub(super) name: PartName,
    /// A hash of the check and of the content of what it reads.
    pub(super) fingerprint: Fingerprint,
    /// Bytes of the files that it reads.
    bytes: u64,
}

/// The parts of the tables that a check reads.
pub(super) struct Parts<'c> {
    reads: Vec<Read<'c>>,
    /// In order; at least one.
    pub(super) all: Vec<Part>,
}

impl<'c> Parts<'c> {
    /// The parts of `versions`; none where a table cannot be read by part, so that the check is
    /// asked as a whole. `read` gives the rows of a table that is small.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the check says that such a table is read by part, or `read` fails.
    pub(super) fn of(
        file: &SqlFile,
        said: &CheckParts,
        versions: &[&'c TableVersion],
        read: impl Fn(&TableVersion) -> Result<Vec<RecordBatch>, RunError>,
    ) -> Result<Option<Self>, RunError> {
        let mut reads = Vec::new();
        for &version in versions {
            let (years, divided) = match said.years(&version.table) {
                None => ((0, 0), Some(Divided::Whole(fingerprint(file, [version])))),
                Some(years) => (years, Divided::of(said.each, version, &read)?),
            };
            let Some(divided) = divided else {
                if said.reads.is_empty() {
                    return Ok(None);
                }
                let (table, each) = (&version.table, said.each.name());
                let why = format!("`{table}` is not made by {each}: say `reads: {table}` alone");
                return Err(wrong(file, why));
            };
            reads.push(Read { version, years, divided });
        }
        let names: BTreeSet<&PartName> =
            reads.iter().flat_map(|read| read.divided.names()).collect();
        let mut begun = begun(file);
        begun.add("check", file.name.as_bytes());
        let part = |name: &PartName| {
            let mut maker = begun.clone();
            maker.add("part", name.to_string().as_bytes());
            reads.iter().for_each(|read| read.say(name, &mut maker));
            let bytes = reads.iter().map(|read| read.bytes(name)).sum();
            Part { name: name.clone(), fingerprint: maker.finish(), bytes }
        };
        let all: Vec<Part> = names.into_iter().map(part).collect();
        Ok(if all.is_empty() { None } else { Some(Self { reads, all }) })
    }

    /// What a part reads of each table.
    pub(super) fn portions(&self, part: &Part) -> Result<Vec<Portion>, RunError> {
        self.reads.iter().map(|read| read.portion(&part.name)).collect()
    }

    /// Whether one question on whole tables costs less than one on each of these parts: each costs
    /// something beside what it reads.
    pub(super) fn are_less_at_once(&self, parts: &[&Part]) -> bool {
        let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
        let of_all: u64 = self.reads.iter().map(|read| read.version.bytes()).sum();
        self.all.len() > 1 && (2 * parts.len() > self.all.len() || bytes > of_all)
    }

    /// The paths of the files of all tables.
    pub(super) fn paths(&self) -> Vec<String> {
        let files = self.reads.iter().flat_map(|read| &read.version.files);
        files.map(|file| file.path.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use lake::{Column, ContentHash, Kind};

    fn data_file(unit: Option<&str>, rows: u64) -> DataFile {
        let path = format!("tables/t.x/{}.parquet", unit.unwrap_or("all"));
        let hash = ContentHash::of_reader(path.as_bytes()).expect("bytes");
        DataFile { unit: unit.map(str::to_owned), ..DataFile::new(path, rows, 1, hash) }
    }

    fn version(table: &str, key: &str, files: Vec<DataFile>) -> TableVersion {
        let column = |(name, kind): (&str, Kind)| Column {
            name: name.to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        TableVersion {
            table: table.to_owned(),
            stage: "x".to_owned(),
            fingerprint: Fingerprint::of(b"x"),
            files,
            key: vec![key.to_owned()],
            about: String::new(),
            columns: [("source_file", Kind::Text), ("n", Kind::Count)].map(column).to_vec(),
            metadata: BTreeMap::new(),
            made_at: "now".to_owned(),
        }
    }

    fn by_unit(key: &str, units: &[&str]) -> TableVersion {
        version("t.x", key, units.iter().map(|unit| data_file(Some(unit), 1)).collect())
    }

    /// Files of customs records: the name of each, its raw file, its years.
    fn records(files: &[(&str, &str, &[i32])]) -> TableVersion {
        let file = |&(name, source_file, years): &(&str, &str, &[i32])| DataFile {
            source_file: Some(source_file.to_owned()).filter(|of| !of.is_empty()),
            years: years.to_vec(),
            unit: None,
            ..data_file(Some(name), 1)
        };
        version("customs.records", "source_file", files.iter().map(file).collect())
    }

    fn check(name: &str, head: &str) -> SqlFile {
        let text = format!("-- each: {head}\nselect 1");
        SqlFile { path: "c.sql".into(), name: name.to_owned(), text }
    }

    fn parts_of<'c>(file: &SqlFile, versions: &[&'c TableVersion]) -> Option<Parts<'c>> {
        let said = file.check_parts().expect("right").expect("parts");
        let none = |_: &TableVersion| -> Result<Vec<RecordBatch>, RunError> { Ok(Vec::new()) };
        Parts::of(file, &said, versions, none).expect("parts")
    }

    fn names(parts: &Parts<'_>) -> String {
        let names: Vec<String> = parts.all.iter().map(|part| part.name.to_string()).collect();
        names.join(" ")
    }

    /// The files that a part reads of the first table, and the years where not all of them are read.
    fn read(parts: &Parts<'_>, name: &str) -> (String, Option<RangeInclusive<i32>>) {
        let part = parts.all.iter().find(|part| part.name.to_string() == name).expect("a part");
        let portions = parts.portions(part).expect("rows");
        let portion = &portions[0];
        let stem = |file: &DataFile| {
            let name = file.path.rsplit('/').next().expect("a name");
            name.trim_end_matches(".parquet").to_owned()
        };
        let files: Vec<String> = portion.version.files.iter().map(stem).collect();
        let years = match &portion.rows {
            PortionRows::Within(years) => Some(years.clone()),
            _ => None,
        };
        (files.join(" "), years)
    }

    #[test]
    fn a_part_reads_the_years_that_are_said() {
        let version = by_unit("year", &["2007", "2008", "2009", "2010"]);
        let of = |reads: &str| {
            let file = check("a", &format!("year\n-- reads: t.x of year, t.x2 of {reads}"));
            let other = TableVersion { table: "t.x2".to_owned(), ..version.clone() };
            let parts = parts_of(&file, &[&other]).expect("parts");
            read(&parts, "2009").0
        };
        assert_eq!(of("year"), "2009");
        assert_eq!(of("year - 1 to year"), "2008 2009");
        assert_eq!(of("year + 1"), "2010");
        let file = check("a", "year\n-- reads: t.y, t.x of year");
        let whole = TableVersion { table: "t.y".to_owned(), ..version.clone() };
        let parts = parts_of(&file, &[&whole, &version]).expect("parts");
        assert_eq!(read(&parts, "2009").0, "2007 2008 2009 2010");
    }

    #[test]
    fn parts_come_in_the_order_of_years_and_names() {
        let of = |each: &str, units: &[&str]| {
            parts_of(&check("a", each), &[&by_unit(each, units)]).map(|parts| names(&parts))
        };
        assert_eq!(of("year", &["10000", "2008", "-5"]).as_deref(), Some("-5 2008 10000"));
        assert_eq!(of("episode", &["b", "a", "b"]).as_deref(), Some("a b"));
        assert_eq!(of("year", &["2008", "raw/a.csv"]), None);
        let other_unit = by_unit("source_table", &["2008"]);
        assert!(parts_of(&check("a", "year"), &[&other_unit]).is_none());
    }

    #[test]
    fn a_year_reads_the_files_that_have_some_of_it() {
        let records =
            records(&[("a", "a", &[2007]), ("b", "b", &[2007, 2009]), ("c", "c", &[2009])]);
        let sums = by_unit("year", &["2007", "2008"]);
        let parts = parts_of(&check("a", "year"), &[&records, &sums]).expect("parts");
        // A year that one of them lacks is looked at as well.
        assert_eq!(names(&parts), "2007 2008 2009");
        assert_eq!(read(&parts, "2007"), ("a b".to_owned(), Some(2007..=2007)));
        assert_eq!(read(&parts, "2008"), (String::new(), None));
        assert_eq!(read(&parts, "2009"), ("b c".to_owned(), Some(2009..=2009)));
        let wide = check("a", "year\n-- reads: customs.records of year - 2 to year");
        let wide = parts_of(&wide, &[&records]).expect("parts");
        assert_eq!(read(&wide, "2009"), ("a b c".to_owned(), None));
        let old = self::records(&[("a", "a", &[2007]), ("b", "b", &[])]);
        assert!(parts_of(&check("a", "year"), &[&old, &sums]).is_none(), "its years are not known");
    }

    #[test]
    fn a_raw_file_reads_its_files_and_its_rows() {
        let table = version("t.n", "source_file", vec![data_file(None, 3)]);
        let rows = |names: &[Option<&str>], n: &[i64]| -> Vec<RecordBatch> {
            let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
            let n: ArrayRef = Arc::new(Int64Array::from(n.to_vec()));
            vec![RecordBatch::try_new(table.schema(), vec![names, n]).expect("rows")]
        };
        let records = records(&[("a-0", "a", &[2007]), ("a-1", "a", &[2008]), ("c", "c", &[])]);
        let file = check("a", "source_file");
        let said = file.check_parts().expect("right").expect("parts");
        let of = |names: &[Option<&str>], n: &[i64]| {
            let read = |_: &TableVersion| Ok(rows(names, n));
            Parts::of(&file, &said, &[&records, &table], read).expect("parts")
        };
        let first = of(&[Some("a"), Some("b"), Some("b")], &[1, 2, 3]).expect("parts");
        // One that has no rows and one that is in rows alone are parts.
        assert_eq!(names(&first), "a b c");
        assert_eq!(read(&first, "a").0, "a-0 a-1");
        assert_eq!(read(&first, "b").0, "");
        let n_rows =
            |parts: &Parts<'_>, at: usize| match &parts.portions(&parts.all[at]).expect("rows")[1]
                .rows
            {
                PortionRows::Here(rows) => rows.num_rows(),
                _ => usize::MAX,
            };
        assert_eq!([0, 1, 2].map(|at| n_rows(&first, at)), [1, 2, 0]);
        let changed = |names: &[Option<&str>], n: &[i64]| {
            let second = of(names, n).expect("parts");
            let both = first.all.iter().zip(&second.all);
            both.map(|(a, b)| a.fingerprint != b.fingerprint).collect::<Vec<_>>()
        };
        let names = [Some("a"), Some("b"), Some("b")];
        assert_eq!(changed(&names, &[1, 2, 3]), [false; 3]);
        assert_eq!(changed(&names, &[1, 2, 4]), [false, true, false]);
        assert_eq!(changed(&[Some("a"), Some("b"), Some("c")], &[1, 2, 3]), [false, true, true]);
        assert!(of(&[Some("a"), None, Some("b")], &[1, 2, 3]).is_none(), "a row is of no file");
    }

    #[test]
    fn a_part_is_known_by_its_check_and_content() {
        let of = |file: &SqlFile, units: &[&str]| {
            let version = by_unit("year", units);
            parts_of(file, &[&version]).expect("parts").all.remove(0).fingerprint
        };
        let known = of(&check("a", "year"), &["2008"]);
        let same =
            SqlFile { text: "-- each: year\nselect 1 -- same".to_owned(), ..check("a", "year") };
        assert_eq!(known, of(&same, &["2008"]));
        assert_eq!(known, of(&check("a", "year"), &["2008", "2009"]));
        assert_ne!(known, of(&check("a", "year"), &["2009"]));
        assert_ne!(known, of(&check("b", "year"), &["2008"]));
        let other = SqlFile { text: "-- each: year\nselect 2".to_owned(), ..check("a", "year") };
        assert_ne!(known, of(&other, &["2008"]));
        assert_ne!(known, fingerprint(&check("a", "year"), &[by_unit("year", &["2008"])]));
        assert_ne!(fingerprint_of_parts(&other), fingerprint_of_parts(&check("a", "year")));
    }

    #[test]
    fn many_parts_are_asked_at_once() {
        let version = by_unit("year", &["2007", "2008", "2009", "2010"]);
        let parts = parts_of(&check("a", "year"), &[&version]).expect("parts");
        let missing: Vec<&Part> = parts.all.iter().collect();
        assert!(parts.are_less_at_once(&missing));
        assert!(parts.are_less_at_once(&missing[1..]));
        assert!(!parts.are_less_at_once(&missing[2..]));
        // Two years that both read the same large file.
        let records = records(&[("a", "a", &[2007, 2008]), ("b", "b", &[2009, 2010, 2011])]);
        let parts = parts_of(&check("a", "year"), &[&records]).expect("parts");
        let missing: Vec<&Part> = parts.all.iter().collect();
        assert!(!parts.are_less_at_once(&missing[..2]));
        let one = by_unit("year", &["2007"]);
        let parts = parts_of(&check("a", "year"), &[&one]).expect("parts");
        assert!(!parts.are_less_at_once(&parts.all.iter().collect::<Vec<_>>()));
    }
}
