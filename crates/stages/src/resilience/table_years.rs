//! The years of a table of regions' exports by some part, to be read by themselves: an episode's
//! numbers stand in matrices of the regions and parts of all years.

use super::super::cell_years::year_of;
use super::super::context::Context;
use super::super::cube::{Cube, FileSums, SumCodes};
use super::super::error::StageError;
use super::super::unit::Unit;
use super::reach::Reach;
use lake::DataFile;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use trade::Frequency;

/// What a table has rows of, in all years.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    /// Region codes, ascending.
    pub(super) regions: Vec<String>,
    /// What divides a region's exports, ascending.
    pub(super) parts: Vec<String>,
    /// Places of the periods, ascending.
    pub(super) places: Vec<i32>,
}

/// The files of each year of a table, and the codes of all.
pub(super) struct TableYears {
    table: &'static str,
    /// The column of the part.
    column: &'static str,
    frequency: Frequency,
    files: BTreeMap<i32, Vec<DataFile>>,
    /// What was read to know the codes, by path, until a cube is made of it.
    read: BTreeMap<String, FileSums>,
    pub(super) codes: Codes,
}

impl TableYears {
    /// Looks the codes of every file up, and reads the files of which no earlier run kept them.
    /// `None` if the table has no rows.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the table is not one of the stage's inputs, or a file cannot be read.
    pub(super) fn of(
        context: &Context<'_>,
        table: &'static str,
        column: &'static str,
        frequency: Frequency,
    ) -> Result<Option<Self>, StageError> {
        let files: Vec<DataFile> =
            context.files_of(table)?.into_iter().filter(|file| file.rows > 0).collect();
        let what = Unit::new("codes").of("codes by", &(column, frequency.name()))?;
        let mut years = Self {
            table,
            column,
            frequency,
            files: BTreeMap::new(),
            read: BTreeMap::new(),
            codes: Codes { regions: Vec::new(), parts: Vec::new(), places: Vec::new() },
        };
        let mut read = BTreeMap::new();
        let found = context.known_of(table, &files, &what, |missing| {
            let sums = years.sums(context, missing)?;
            let codes = sums.iter().map(FileSums::codes).collect();
            read.extend(missing.iter().map(|file| file.path.clone()).zip(sums));
            Ok(codes)
        })?;
        years.read = read;
        let mut all = SumCodes::default();
        for (file, codes) in files.into_iter().zip(found) {
            all.regions.extend(codes.regions);
            all.parts.extend(codes.parts);
            all.places.extend(codes.places);
            years.files.entry(year_of(table, &file)?).or_default().push(file);
        }
        years.codes = Codes {
            regions: all.regions.into_iter().collect(),
            parts: all.parts.into_iter().collect(),
            places: all.places.into_iter().collect(),
        };
        Ok((!years.codes.places.is_empty()).then_some(years))
    }

    fn sums(&self, context: &Context<'_>, files: &[DataFile]) -> Result<Vec<FileSums>, StageError> {
        let &Self { table, column, frequency, .. } = self;
        let part = context.part(table, files)?;
        let read = |file| FileSums::read(&part, table, file, column, frequency);
        files.par_iter().map(read).collect()
    }

    /// The years there are of those that an episode reads.
    pub(super) fn years(&self, reach: &Reach) -> BTreeSet<i32> {
        self.files.keys().copied().filter(|&year| reach.has_year(year)).collect()
    }

    /// The files of those of `years` that there are.
    fn files(&self, years: &BTreeSet<i32>) -> Vec<DataFile> {
        let of_years = self.files.iter().filter(|(year, _)| years.contains(year));
        of_years.flat_map(|(_, files)| files).cloned().collect()
    }

    /// The unit, which reads `years`, those in `reach`, too, and depends on which regions and parts
    /// there are in all, and on where the data begin if that is within reach.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if that cannot be written down.
    pub(super) fn read_by(
        &self,
        unit: Unit,
        reach: &Reach,
        years: &BTreeSet<i32>,
    ) -> Result<Unit, StageError> {
        let begins = self.codes.places.first().copied().unwrap_or(i32::MAX).max(reach.first());
        Ok(unit
            .of("regions of the table", &self.codes.regions)?
            .of("parts of the table", &self.codes.parts)?
            .of("begins", &begins)?
            .reading(self.table, self.files(years)))
    }

    /// The exports of those of `years` that there are.
    ///
    /// # Errors
    ///
    /// [`StageError`] if a file is damaged or cannot be read.
    pub(super) fn cube(
        &mut self,
        context: &Context<'_>,
        years: &BTreeSet<i32>,
    ) -> Result<Cube, StageError> {
        let files = self.files(years);
        let mut sums = std::mem::take(&mut self.read);
        let to_read: Vec<DataFile> =
            files.iter().filter(|file| !sums.contains_key(&file.path)).cloned().collect();
        for (file, read) in to_read.iter().zip(self.sums(context, &to_read)?) {
            sums.insert(file.path.clone(), read);
        }
        let found = files.iter().filter_map(|file| sums.remove(&file.path)).collect();
        // What is of other years takes memory.
        drop(sums);
        let Codes { regions, parts, places } = self.codes.clone();
        Ok(Cube::of_sums(self.table, self.frequency, found, (regions, parts)).among(&places))
    }
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

        /// Cells.
        table Cells(CellRow<'a>) = "test.cells", "a cell", ["year", "region_code", "product"],
            CellRow::columns();
    }

    const MEMORY: Memory = Memory { mib: 64, setting: "engine.memory_mib" };

    /// A table with a file a year, whose cells are each of a year.
    fn table(
        lake: &Lake,
        runtime: &Runtime,
        cells: &[(i32, &str, &str, i128)],
    ) -> BTreeMap<String, TableVersion> {
        let draft = lake.draft(Cells::contract(), "test", &Fingerprint::of(b"test"), "now");
        let drafts = BTreeMap::from([(Cells::NAME.to_owned(), draft.clone())]);
        let context = Context::new(lake, runtime.handle().clone(), MEMORY, drafts);
        let mut files = Vec::new();
        for &(year, region_code, product, cents) in cells {
            let name = year.to_string();
            let unit = Unit::new(name.as_str()).of("year", &year).expect("a number");
            let mut rows = Rows::<Cells>::default();
            let fob_value = Money::from_hundredths(cents);
            rows.push(CellRow { year, region_code, product, fob_value });
            let of_year = context.named(&unit, Some(&name));
            files.extend(rows.file(&of_year, "rows.parquet").expect("written"));
        }
        BTreeMap::from([(Cells::NAME.to_owned(), TableVersion { files, ..draft })])
    }

    #[test]
    fn a_year_stands_among_the_regions_parts_and_periods_of_all() {
        let runtime = query::runtime(1).expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let cells = [(2007, "A", "p", 100), (2008, "B", "q", 200), (2010, "C", "p", 300)];
        let current = table(&lake, &runtime, &cells);
        let context = Context::new(&lake, runtime.handle().clone(), MEMORY, BTreeMap::new())
            .reading(&Input::tables(&[Cells::NAME]), &current);
        let read = || {
            TableYears::of(&context, Cells::NAME, "product", Frequency::Year)
                .expect("readable")
                .expect("rows")
        };
        let looks_right = |mut years: TableYears| {
            assert_eq!(years.codes.regions, ["A", "B", "C"]);
            assert_eq!(years.codes.parts, ["p", "q"]);
            assert_eq!(years.codes.places, [2007, 2008, 2010]);
            let cube = years.cube(&context, &BTreeSet::from([2008, 2009])).expect("a cube");
            assert_eq!((cube.regions.len(), cube.products.len()), (3, 2));
            assert_eq!(cube.years, [2007, 2008, 2010]);
            let slice = cube.slice(&[2008], 1, "a test").expect("read");
            assert_eq!(slice.is_reported, [false, true, false]);
            assert_eq!(slice.cell_money(1, 1), Some(Money::from_hundredths(200)));
            // What was not asked for is not there, whether it was read for its codes or not.
            let levels = cube.levels(1);
            assert_eq!(levels[0], [None, None, None, None]);
            assert_eq!(levels[1], [None, Some(2.0), None, None]);
            assert!(cube.slice(&[2007], 1, "a test").is_err());
            assert!(years.read.is_empty());
        };
        let first = read();
        assert_eq!(first.read.len(), 3);
        looks_right(first);
        for record in context.take_units().0 {
            runtime.block_on(lake.keep_unit(&record)).expect("kept");
        }
        let second = read();
        assert!(second.read.is_empty(), "the codes are known");
        looks_right(second);
    }
}
