//! The exports of a table by its labels, which are kept of every year. Its cells are read where the
//! sums do not show what is looked for.

use super::super::cell_years::year_of;
use super::super::context::Context;
use super::super::cube::TableSums;
use super::super::error::StageError;
use super::super::unit::Unit;
use lake::DataFile;
use serde::{Deserialize, Serialize};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use trade::Frequency;
use trade::plausibility::{Axis, Cells, Dimension, Findings, LabelSum, PeriodSums};

/// A label that has cells in a year: its code, the bits of its sum, and whether a cell is not zero. A
/// number that is read from a text may differ in its last bit.
type KeptSum = (String, u64, bool);

/// What the labels of a table come to in a year.
#[derive(Debug, Serialize, Deserialize)]
struct YearSums {
    regions: Vec<KeptSum>,
    parts: Vec<KeptSum>,
}

/// The exports of a table by region and another column, year by year.
pub(super) struct SummedTable<'c, 'a> {
    context: &'c Context<'a>,
    table: &'static str,
    /// The column of the part.
    column: &'static str,
    files: Vec<DataFile>,
    /// Region codes, ascending.
    pub(super) regions: Vec<String>,
    /// What divides a region's exports, ascending.
    pub(super) parts: Vec<String>,
    /// What they come to in each year, by their places.
    pub(super) periods: Vec<PeriodSums>,
    /// All cells, once something was looked for in them.
    whole: OnceCell<Option<TableSums>>,
    /// Why they could not be read.
    failed: RefCell<Option<StageError>>,
}

impl<'c, 'a> SummedTable<'c, 'a> {
    /// Looks the sums of every year up, and reads the years of which no earlier run kept them.
    /// `None` if the table has no rows.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is not one of the stage's inputs, or a file cannot be read.
    pub(super) fn of(
        context: &'c Context<'a>,
        table: &'static str,
        column: &'static str,
    ) -> Result<Option<Self>, StageError> {
        let files: Vec<DataFile> =
            context.files_of(table)?.into_iter().filter(|file| file.rows > 0).collect();
        let mut by_year: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
        for file in &files {
            by_year.entry(year_of(table, file)?).or_default().push(file.clone());
        }
        if by_year.is_empty() {
            return Ok(None);
        }
        let what = Unit::new("sums of labels").of("by", &column)?;
        let unit = |files: Vec<DataFile>| what.clone().reading(table, files);
        let units: Vec<Unit> = by_year.values().cloned().map(unit).collect();
        let mut found: Vec<Option<YearSums>> = context.looked_up(&units)?;
        let missing: Vec<usize> = (0..units.len()).filter(|&at| found[at].is_none()).collect();
        let mut at_once = None;
        if !missing.is_empty() {
            let of_years = by_year.values().zip(&found).filter(|(_, found)| found.is_none());
            let of_years: Vec<DataFile> = of_years.flat_map(|(files, _)| files).cloned().collect();
            let sums = read(context, table, column, &of_years)?;
            let made = sums.as_ref().map(years_of).unwrap_or_default();
            if made.len() != missing.len() {
                return Err(StageError::Data(format!(
                    "files of {table} are of other years than they say: a fault of the program"
                )));
            }
            // What is read at once is there when something is looked for in it.
            at_once = sums.filter(|_| missing.len() == units.len());
            for (at, made) in missing.into_iter().zip(made) {
                context.keep_aside(&units[at], &made)?;
                found[at] = Some(made);
            }
        }
        let found: Vec<YearSums> = found.into_iter().flatten().collect();
        let (regions, parts) = codes(&found);
        let period = |year: &YearSums| PeriodSums {
            rows: placed(&year.regions, &regions),
            columns: placed(&year.parts, &parts),
        };
        let periods = found.iter().map(period).collect();
        let is_same = |sums: &TableSums| sums.regions == regions && sums.parts == parts;
        let whole = match at_once.filter(is_same) {
            Some(sums) => OnceCell::from(Some(sums)),
            None => OnceCell::new(),
        };
        let failed = RefCell::new(None);
        Ok(Some(Self { context, table, column, files, regions, parts, periods, whole, failed }))
    }

    /// What is found in it, whose regions and parts are given with what they are called: its cells
    /// are read where sums do not show that nothing is there.
    ///
    /// # Errors
    ///
    /// [`StageError`] if a file is damaged or cannot be read.
    pub(super) fn findings(&self, [rows, columns]: [Axis<'_>; 2]) -> Result<Findings, StageError> {
        let cells = std::iter::once(self)
            .flat_map(|of| of.whole().into_iter().flat_map(|sums| sums.cells()));
        let table = Cells { rows, columns, n_periods: self.periods.len(), cells };
        let found = Findings::of_sums(&table, &self.periods);
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(found),
        }
    }

    /// All cells, which are read when they are asked for first.
    fn whole(&self) -> Option<&TableSums> {
        let read = || match read(self.context, self.table, self.column, &self.files) {
            Ok(Some(sums)) if (&sums.regions, &sums.parts) == (&self.regions, &self.parts) => {
                Some(sums)
            }
            Ok(_) => {
                let table = self.table;
                let why = format!(
                    "the sums of {table} are not those of its cells: a fault of the program"
                );
                self.failed.replace(Some(StageError::Data(why)));
                None
            }
            Err(error) => {
                self.failed.replace(Some(error));
                None
            }
        };
        self.whole.get_or_init(read).as_ref()
    }
}

/// Reads some files of a table; none where they have no rows.
fn read(
    context: &Context<'_>,
    table: &str,
    column: &str,
    files: &[DataFile],
) -> Result<Option<TableSums>, StageError> {
    TableSums::read(&context.part(table, files)?, table, column, Frequency::Year)
}

/// What the labels of each year come to.
fn years_of(sums: &TableSums) -> Vec<YearSums> {
    let periods = PeriodSums::of(&Cells {
        rows: Axis::new(Dimension::Region, &sums.regions),
        columns: Axis::new(Dimension::Label, &sums.parts),
        n_periods: sums.n_periods(),
        cells: sums.cells(),
    });
    let year = |PeriodSums { rows, columns }: PeriodSums| YearSums {
        regions: kept(&sums.regions, rows),
        parts: kept(&sums.parts, columns),
    };
    periods.into_iter().map(year).collect()
}

fn kept(codes: &[String], sums: Vec<LabelSum>) -> Vec<KeptSum> {
    let kept = |sum: LabelSum| {
        let code = codes.get(sum.label).cloned().unwrap_or_default();
        (code, sum.value.to_bits(), sum.has_value)
    };
    sums.into_iter().map(kept).collect()
}

/// The regions and parts of all years, ascending.
fn codes(years: &[YearSums]) -> (Vec<String>, Vec<String>) {
    let (mut regions, mut parts) = (BTreeSet::new(), BTreeSet::new());
    for year in years {
        regions.extend(year.regions.iter().map(|(code, ..)| code.clone()));
        parts.extend(year.parts.iter().map(|(code, ..)| code.clone()));
    }
    (regions.into_iter().collect(), parts.into_iter().collect())
}

/// What is kept, by the places of its codes among all.
fn placed(kept: &[KeptSum], codes: &[String]) -> Vec<LabelSum> {
    let placed = |(code, bits, has_value): &KeptSum| {
        let label = codes.binary_search(code).ok()?;
        Some(LabelSum { label, value: f64::from_bits(*bits), has_value: *has_value })
    };
    kept.iter().filter_map(placed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::context::Input;
    use super::super::super::rows::Rows;
    use super::super::super::table::{Table, product, region, tables, year};
    use super::*;
    use lake::{Fingerprint, Lake, TableVersion};
    use query::Memory;
    use tokio::runtime::Runtime;
    use trade::Money;

    tables! {
        /// A cell.
        struct CellRow<'a> {
            year: Int = year();
            region_code: Text = region();
            product: Text = product();
            fob_value: Money, "currency", "exports";
        }

        /// Exports.
        table Exports(CellRow<'a>) = "test.exports", "a cell", ["year", "region_code", "product"],
            CellRow::columns();
    }

    const MEMORY: Memory = Memory { mib: 64, setting: "engine.memory_mib" };

    /// What regions export of each product in a year, in cents.
    type OfYear = (i32, &'static [(&'static str, &'static str, i128)]);

    /// A table with a file a year.
    fn table(lake: &Lake, runtime: &Runtime, years: &[OfYear]) -> BTreeMap<String, TableVersion> {
        let draft = lake.draft(Exports::contract(), "test", &Fingerprint::of(b"test"), "now");
        let drafts = BTreeMap::from([(Exports::NAME.to_owned(), draft.clone())]);
        let context = Context::new(lake, runtime.handle().clone(), MEMORY, drafts);
        let mut files = Vec::new();
        for &(year, cells) in years {
            let name = year.to_string();
            let unit = Unit::new(name.as_str()).of("cells", &cells).expect("written down");
            let mut rows = Rows::<Exports>::default();
            for &(region_code, product, cents) in cells {
                let fob_value = Money::from_hundredths(cents);
                rows.push(CellRow { year, region_code, product, fob_value });
            }
            let of_year = context.named(&unit, Some(&name));
            files.extend(rows.file(&of_year, "rows.parquet").expect("written"));
        }
        BTreeMap::from([(Exports::NAME.to_owned(), TableVersion { files, ..draft })])
    }

    const FIRST: &[(&str, &str, i128)] = &[
        ("A", "p", 10),
        ("A", "q", 33),
        ("B", "p", 20),
        ("B", "q", 7),
        ("T", "p", 30),
        ("T", "q", 40),
    ];
    const SECOND: &[(&str, &str, i128)] =
        &[("A", "p", 1), ("B", "p", 2), ("C", "r", 0), ("T", "p", 3)];
    const OTHER: &[(&str, &str, i128)] = &[("A", "p", 1), ("B", "p", 2), ("T", "p", 4)];

    #[test]
    fn years_that_are_known_are_read_only_where_something_is_looked_for() {
        let runtime = query::runtime(1).expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let found = |lake: &Lake, years: &[OfYear]| {
            let current = table(lake, &runtime, years);
            let context = Context::new(lake, runtime.handle().clone(), MEMORY, BTreeMap::new())
                .reading(&Input::tables(&[Exports::NAME]), &current);
            let table = SummedTable::of(&context, Exports::NAME, "product").expect("readable");
            let table = table.expect("rows");
            let was_read = table.whole.get().is_some();
            let sides = [
                Axis::new(Dimension::Region, &table.regions),
                Axis::new(Dimension::Product, &table.parts),
            ];
            let found = table.findings(sides).expect("readable");
            assert!(table.whole.get().is_some(), "regions are few: totals are looked for");
            let records = context.take_units().0;
            let n_read = records.len();
            for record in records {
                runtime.block_on(lake.keep_unit(&record)).expect("kept");
            }
            let shown = (table.regions.clone(), table.parts.clone(), table.periods.clone(), found);
            (shown, was_read, n_read)
        };
        let years = [(2007, FIRST), (2008, SECOND)];
        let (first, was_read, n_read) = found(&lake, &years);
        assert_eq!((was_read, n_read), (true, 2));
        assert_eq!(
            (first.0.join(" "), first.1.join(" ")),
            ("A B C T".to_owned(), "p q r".to_owned())
        );
        let totals: Vec<&str> = first.3.iter().map(|finding| finding.name.as_str()).collect();
        assert!(totals.contains(&"T"), "{totals:?}");
        let (again, was_read, n_read) = found(&lake, &years);
        assert_eq!((was_read, n_read), (false, 0));
        assert_eq!(again, first);
        // Another year takes the labels along that it alone had.
        let later = [(2007, FIRST), (2008, OTHER)];
        let (found_later, was_read, n_read) = found(&lake, &later);
        assert_eq!((was_read, n_read), (false, 1));
        assert_eq!(found_later.0, ["A", "B", "T"]);
        let empty = Lake::open("memory://").expect("a lake");
        assert_eq!(found(&empty, &later).0, found_later);
    }
}
