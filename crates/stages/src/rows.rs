//! Rows of a table with a contract.

use super::context::{Context, GroupWriter, Made, Output};
use super::error::StageError;
use super::row_cells::{Cells, RowCells, Words, code_of};
use super::sink::{MemoryTables, Sink};
use super::table::{FillRow, Table};
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::error::ArrowError;
use lake::{GROUP_ROWS, Kind, NO_CODE, NO_COUNT, NO_MONEY};
use std::marker::PhantomData;
use std::sync::Arc;

/// Builds rows of the table `T`, each of a struct with named fields.
#[derive(Debug)]
pub struct Rows<T: Table> {
    cells: RowCells,
    table: PhantomData<T>,
}

impl<T: Table> Default for Rows<T> {
    fn default() -> Self {
        Self { cells: RowCells::new(T::contract()), table: PhantomData }
    }
}

impl<T: Table> Rows<T> {
    /// Adds a row.
    pub fn push(&mut self, row: T::Row<'_>) {
        row.fill(&mut self.cells);
    }

    /// Rows so far.
    pub fn n_rows(&self) -> usize {
        self.cells.n_rows
    }

    /// Bytes of memory that its texts have, about.
    pub fn n_bytes(&self) -> usize {
        let bytes = self.cells.columns.iter().map(|cells| match cells {
            Cells::Text(texts, _) => texts.n_bytes(),
            _ => 0,
        });
        bytes.sum()
    }

    /// The rows as a batch.
    ///
    /// # Errors
    ///
    /// If a cell was of another type than its column, a row is not whole, a float is not finite, or a null is
    /// where none may be.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        self.cells.whole()?;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.cells.columns.len());
        for cells in self.cells.columns {
            arrays.push(match cells {
                Cells::Text(texts, codes) => {
                    let text = |&code: &u32| (code != NO_CODE).then(|| texts.text(code));
                    Arc::new(codes.iter().map(text).collect::<StringArray>())
                }
                Cells::Int(ints, codes) => {
                    let int = |code: u32| ints.get(code as usize).copied();
                    Arc::new(codes.into_iter().map(int).collect::<Int32Array>())
                }
                Cells::Count(counts) => {
                    let count = |count: i64| (count != NO_COUNT).then_some(count);
                    Arc::new(counts.into_iter().map(count).collect::<Int64Array>())
                }
                Cells::Float(floats) => {
                    let float = |float: f64| (!float.is_nan()).then_some(float);
                    Arc::new(floats.into_iter().map(float).collect::<Float64Array>())
                }
                Cells::Money(values) => {
                    let money = |value: i128| (value != NO_MONEY).then_some(value);
                    let array: Decimal128Array = values.into_iter().map(money).collect();
                    // What is too large is refused where it is written, with its key.
                    Arc::new(array.with_data_type(Kind::Money.arrow()))
                }
                Cells::Flag(flags) => Arc::new(flags.into_iter().collect::<BooleanArray>()),
            });
        }
        RecordBatch::try_new(self.cells.contract.schema(), arrays)
    }

    /// Puts the rows of `other`, of the same table, after these.
    pub fn append(&mut self, other: Self) {
        self.cells.n_rows += other.cells.n_rows;
        self.cells.fault = self.cells.fault.take().or(other.cells.fault);
        for (column, more) in self.cells.columns.iter_mut().zip(other.cells.columns) {
            match (column, more) {
                (Cells::Text(texts, codes), Cells::Text(other, more)) => {
                    let n = u32::try_from(other.n_texts()).unwrap_or(NO_CODE);
                    let new: Vec<u32> = (0..n).map(|code| texts.code(other.text(code))).collect();
                    let code = |code: u32| new.get(code as usize).copied().unwrap_or(NO_CODE);
                    codes.extend(more.into_iter().map(code));
                }
                (Cells::Int(ints, codes), Cells::Int(other, more)) => {
                    let new: Vec<u32> = other.into_iter().map(|int| code_of(ints, int)).collect();
                    let code = |code: u32| new.get(code as usize).copied().unwrap_or(NO_CODE);
                    codes.extend(more.into_iter().map(code));
                }
                (Cells::Count(cells), Cells::Count(more)) => cells.extend(more),
                (Cells::Float(cells), Cells::Float(more)) => cells.extend(more),
                (Cells::Money(cells), Cells::Money(more)) => cells.extend(more),
                (Cells::Flag(cells), Cells::Flag(more)) => cells.extend(more),
                // Columns of one table are of one kind.
                _ => {}
            }
        }
    }

    /// Writes the rows as a file of their own, if there are some.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub(crate) fn file(
        mut self,
        context: &Context<'_>,
        name: &str,
    ) -> Result<Option<lake::DataFile>, StageError> {
        if self.n_rows() == 0 {
            return Ok(None);
        }
        let mut writer = context.create(T::NAME, name)?;
        self.write(&mut writer)?;
        writer.finish().map(Some)
    }

    /// Writes the rows as one group of a file, and goes on without them.
    ///
    /// # Errors
    ///
    /// As [`Self::finish`], or if they cannot be written.
    pub fn write(&mut self, writer: &mut GroupWriter<'_>) -> Result<(), StageError> {
        self.cells.whole()?;
        let words: Vec<Option<Words<'_>>> = self
            .cells
            .columns
            .iter()
            .map(|cells| match cells {
                Cells::Text(texts, _) => Some(Words(texts)),
                _ => None,
            })
            .collect();
        let cells =
            self.cells.columns.iter().zip(&words).map(|(cells, words)| match (cells, words) {
                (Cells::Text(_, codes), Some(words)) => lake::Cells::Texts(words, codes),
                (Cells::Text(..), None) => lake::Cells::Same(None),
                (Cells::Int(ints, codes), _) => lake::Cells::Ints(ints, codes),
                (Cells::Count(counts), _) => lake::Cells::Counts(counts),
                (Cells::Float(floats), _) => lake::Cells::Floats(floats),
                (Cells::Money(values), _) => lake::Cells::Money(values),
                (Cells::Flag(flags), _) => lake::Cells::Flags(flags),
            });
        let names = self.cells.contract.columns.iter().map(|column| column.name.as_str());
        writer.write(self.cells.n_rows, &names.zip(cells).collect::<Vec<_>>())?;
        for cells in &mut self.cells.columns {
            match cells {
                Cells::Text(_, codes) | Cells::Int(_, codes) => codes.clear(),
                Cells::Count(counts) => counts.clear(),
                Cells::Float(floats) => floats.clear(),
                Cells::Money(values) => values.clear(),
                Cells::Flag(flags) => flags.clear(),
            }
        }
        self.cells.n_rows = 0;
        Ok(())
    }
}

/// A table of many rows, written to one file as they come, or kept in memory.
#[derive(Debug)]
pub struct LongTable<'f, T: Table> {
    rows: Rows<T>,
    to: To<'f>,
}

/// Where the rows of a long table go.
#[derive(Debug)]
enum To<'f> {
    File(Box<GroupWriter<'f>>),
    Memory(&'f MemoryTables),
}

impl<'f, T: Table> LongTable<'f, T> {
    /// The file `name` of a table of the stage, without rows yet.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not write the table, or the lake fails.
    pub fn create(context: &'f Context<'_>, name: &str) -> Result<Self, StageError> {
        Ok(Self { rows: Rows::default(), to: To::File(Box::new(context.create(T::NAME, name)?)) })
    }

    /// The same, where the rows may go to memory.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub(crate) fn create_in(sink: Sink<'f, '_>, name: &str) -> Result<Self, StageError> {
        match sink {
            Sink::Lake(context) => Self::create(context, name),
            Sink::Memory(tables) => Ok(Self { rows: Rows::default(), to: To::Memory(tables) }),
        }
    }

    /// Adds rows, which follow those before in the order of the key.
    ///
    /// # Errors
    ///
    /// [`StageError`] if they break the contract or cannot be written.
    pub fn add(&mut self, rows: Rows<T>) -> Result<(), StageError> {
        self.rows.append(rows);
        if self.rows.n_rows() >= GROUP_ROWS { self.put() } else { Ok(()) }
    }

    /// Writes the rows that are there.
    fn put(&mut self) -> Result<(), StageError> {
        match &mut self.to {
            To::File(writer) => self.rows.write(writer),
            To::Memory(tables) => {
                tables.add(T::NAME, std::mem::take(&mut self.rows).finish()?);
                Ok(())
            }
        }
    }

    /// Ends the table; gives its file, if it is one.
    ///
    /// # Errors
    ///
    /// [`StageError`] if it cannot be written.
    pub fn finish(mut self) -> Result<Option<lake::DataFile>, StageError> {
        self.put()?;
        match self.to {
            To::File(writer) => writer.finish().map(Some),
            To::Memory(_) => Ok(None),
        }
    }
}

/// Puts the rows of a table into what a stage made.
pub(crate) fn table<T: Table>(output: &mut Output, rows: Rows<T>) -> Result<(), StageError> {
    output.insert(T::NAME, Made::Rows(vec![rows.finish()?]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::{column, tables};
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, Int32Type};
    use trade::Money;

    tables! {
        /// A pair of numbers.
        struct PairColumns {
            low?: Float, "", "the lower one";
            high?: Float, "", "the higher one";
        }

        /// A region's row.
        struct RegionRow<'a> {
            region_code: Text, "", "region";
            name?: Text, "", "its name";
            year: Int, "", "year";
            value?: Money, "", "value";
            n?: Count, "", "how many";
            is_new?: Flag, "", "whether it is new";
            ..interval: PairColumns, PairColumns::columns();
        }

        /// Regions.
        table Regions(RegionRow<'a>) = "test.region", "a region", ["region_code"],
            RegionRow::columns();
    }

    fn row(code: &str, low: Option<f64>) -> RegionRow<'_> {
        RegionRow {
            region_code: code,
            name: None,
            year: 2008,
            value: Some(Money::from_hundredths(7)),
            n: Some(3),
            is_new: Some(true),
            interval: PairColumns { low, high: Some(2.0) },
        }
    }

    #[test]
    fn cells_stand_in_the_columns_of_their_names() {
        let mut rows = Rows::<Regions>::default();
        rows.push(row("A", Some(1.0)));
        rows.push(row("B", None));
        let batch = rows.finish().expect("whole");
        let column = |name: &str| batch.column_by_name(name).expect("a column");
        let (low, high) = (column("low"), column("high"));
        assert!((low.as_primitive::<Float64Type>().value(0) - 1.0).abs() < 1e-12);
        assert!(low.is_null(1));
        assert!((high.as_primitive::<Float64Type>().value(1) - 2.0).abs() < 1e-12);
        assert_eq!(column("year").as_primitive::<Int32Type>().value(1), 2008);
        assert_eq!(column("region_code").as_string::<i32>().value(1), "B");
        assert!(column("name").is_null(0));
        let contract = Regions::contract();
        assert_eq!(contract.columns[1], column_of_name());
        assert!(!contract.columns[0].is_nullable);
    }

    fn column_of_name() -> lake::Column {
        column("name?", Kind::Text, "", "its name")
    }

    #[test]
    fn a_number_that_is_none_is_no_row() {
        let mut rows = Rows::<Regions>::default();
        rows.push(row("A", Some(f64::NAN)));
        let error = rows.finish().expect_err("no number").to_string();
        assert!(error.contains("a number in `low` of `test.region` is not finite"), "{error}");
    }

    #[test]
    fn rows_of_two_threads_are_put_together() {
        let of = |codes: &[&str]| {
            let mut rows = Rows::<Regions>::default();
            codes.iter().for_each(|code| rows.push(row(code, None)));
            rows
        };
        let mut rows = of(&["A", "B"]);
        rows.append(of(&["B", "C"]));
        assert_eq!(
            rows.finish().expect("whole"),
            of(&["A", "B", "B", "C"]).finish().expect("whole")
        );
    }
}
