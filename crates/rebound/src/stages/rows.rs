//! Rows of a table with a contract, cell by cell.

use super::context::{Files, GroupWriter, Made, Output};
use super::error::StageError;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::error::ArrowError;
use lake::{Contract, GROUP_ROWS, Kind, NO_CODE, NO_COUNT, NO_MONEY};
use std::sync::Arc;
use trade::Money;
use trade::memo::Dictionary;

/// Builds rows of one table. Cells come in the order of the contract's columns.
#[derive(Debug)]
pub struct Rows {
    contract: &'static Contract,
    columns: Vec<Cells>,
    at: usize,
    n_rows: usize,
    fault: Option<String>,
}

// Texts are numbered by the one crate and written by the other.
const _: () = assert!(trade::NO_CODE == NO_CODE);

/// A column, in the form in which a [`GroupWriter`] takes it.
#[derive(Debug)]
enum Cells {
    Text(Dictionary, Vec<u32>),
    Int(Vec<i32>, Vec<u32>),
    Count(Vec<i64>),
    /// NaN for none.
    Float(Vec<f64>),
    Money(Vec<i128>),
    Flag(Vec<Option<bool>>),
}

/// Texts as a table's writer asks for them.
#[derive(Debug)]
pub(super) struct Words<'a>(pub(super) &'a Dictionary);

impl lake::Texts for Words<'_> {
    fn n_texts(&self) -> usize {
        self.0.n_texts()
    }

    fn text(&self, code: u32) -> &str {
        self.0.text(code)
    }
}

/// The code of `int`, which few different ones are met of.
fn code_of(ints: &mut Vec<i32>, int: i32) -> u32 {
    let at = ints.iter().rposition(|known| *known == int).unwrap_or_else(|| {
        ints.push(int);
        ints.len() - 1
    });
    u32::try_from(at).unwrap_or(NO_CODE)
}

macro_rules! cell {
    ($(#[$about:meta])* $name:ident $(<$life:lifetime>)? ($value:ident: $type:ty), $cells:pat => $push:expr) => {
        $(#[$about])*
        pub fn $name $(<$life>)? (&mut self, value: impl Into<Option<$type>>) -> &mut Self {
            let $value = value.into();
            match &mut self.columns[self.at] {
                $cells => $push,
                _ => self.misfit(stringify!($name)),
            }
            self.step()
        }
    };
}

impl Rows {
    /// No rows yet of the table named `table`.
    ///
    /// # Panics
    ///
    /// If no contract has that name: stages name their own tables.
    pub fn of(table: &str) -> Self {
        let Some(contract) = Contract::of(table) else { panic!("no contract of table `{table}`") };
        let columns = contract
            .columns
            .iter()
            .map(|column| match column.kind {
                Kind::Text => Cells::Text(Dictionary::default(), Vec::new()),
                Kind::Int => Cells::Int(Vec::new(), Vec::new()),
                Kind::Count => Cells::Count(Vec::new()),
                Kind::Float => Cells::Float(Vec::new()),
                Kind::Money => Cells::Money(Vec::new()),
                Kind::Flag => Cells::Flag(Vec::new()),
            })
            .collect();
        Self { contract, columns, at: 0, n_rows: 0, fault: None }
    }

    fn step(&mut self) -> &mut Self {
        self.at += 1;
        if self.at == self.columns.len() {
            self.at = 0;
            self.n_rows += 1;
        }
        self
    }

    fn misfit(&mut self, what: &str) {
        let (at, table) = (self.at, self.contract.table);
        self.fault = Some(format!("column {at} of `{table}` is no {what}"));
    }

    cell!(
        /// A text.
        text<'a>(value: &'a str), Cells::Text(texts, codes) =>
            codes.push(value.map_or(NO_CODE, |text| texts.code(text))));
    cell!(
        /// A small integer.
        int(value: i32), Cells::Int(ints, codes) =>
            codes.push(value.map_or(NO_CODE, |int| code_of(ints, int))));
    cell!(
        /// True or false.
        flag(value: bool), Cells::Flag(cells) => cells.push(value));
    cell!(
        /// A count.
        count(value: usize), Cells::Count(cells) =>
            cells.push(value.map_or(NO_COUNT, |n| i64::try_from(n).unwrap_or(i64::MAX))));
    cell!(
        /// Money.
        money(value: Money), Cells::Money(cells) =>
            cells.push(value.map_or(NO_MONEY, Money::hundredths)));

    /// A float; it must be finite.
    pub fn float(&mut self, value: impl Into<Option<f64>>) -> &mut Self {
        let value = value.into();
        if value.is_some_and(|value| !value.is_finite()) {
            let (name, table) = (&self.contract.columns[self.at].name, self.contract.table);
            self.fault = Some(format!("a number in `{name}` of `{table}` is not finite"));
        }
        match &mut self.columns[self.at] {
            Cells::Float(cells) => cells.push(value.unwrap_or(f64::NAN)),
            _ => self.misfit("float"),
        }
        self.step()
    }

    /// Rows so far.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Bytes of memory that its texts have, about.
    pub fn n_bytes(&self) -> usize {
        let bytes = self.columns.iter().map(|cells| match cells {
            Cells::Text(texts, _) => texts.n_bytes(),
            _ => 0,
        });
        bytes.sum()
    }

    fn whole(&self) -> Result<(), ArrowError> {
        let broken = |text: String| Err(ArrowError::SchemaError(text));
        if let Some(fault) = &self.fault {
            return broken(fault.clone());
        }
        if self.at != 0 {
            return broken(format!("the last row of `{}` is not whole", self.contract.table));
        }
        Ok(())
    }

    /// The rows as a batch.
    ///
    /// # Errors
    ///
    /// If a cell was of another type than its column, a row is not whole, a float is not finite, or a null is
    /// where none may be.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        self.whole()?;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for cells in self.columns {
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
        RecordBatch::try_new(self.contract.schema(), arrays)
    }

    /// Puts the rows of `other`, of the same table, after these.
    pub fn append(&mut self, other: Self) {
        self.n_rows += other.n_rows;
        self.fault = self.fault.take().or(other.fault);
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
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
                _ => self.fault = Some("rows of two tables".to_owned()),
            }
        }
    }

    /// Writes the rows as one group of a file, and goes on without them.
    ///
    /// # Errors
    ///
    /// As [`Self::finish`], or if they cannot be written.
    pub fn write(&mut self, writer: &mut GroupWriter<'_>) -> Result<(), StageError> {
        self.whole()?;
        let words: Vec<Option<Words<'_>>> = self
            .columns
            .iter()
            .map(|cells| match cells {
                Cells::Text(texts, _) => Some(Words(texts)),
                _ => None,
            })
            .collect();
        let cells = self.columns.iter().zip(&words).map(|(cells, words)| match (cells, words) {
            (Cells::Text(_, codes), Some(words)) => lake::Cells::Texts(words, codes),
            (Cells::Text(..), None) => lake::Cells::Same(None),
            (Cells::Int(ints, codes), _) => lake::Cells::Ints(ints, codes),
            (Cells::Count(counts), _) => lake::Cells::Counts(counts),
            (Cells::Float(floats), _) => lake::Cells::Floats(floats),
            (Cells::Money(values), _) => lake::Cells::Money(values),
            (Cells::Flag(flags), _) => lake::Cells::Flags(flags),
        });
        writer.write(self.n_rows, &cells.collect::<Vec<_>>())?;
        for cells in &mut self.columns {
            match cells {
                Cells::Text(_, codes) | Cells::Int(_, codes) => codes.clear(),
                Cells::Count(counts) => counts.clear(),
                Cells::Float(floats) => floats.clear(),
                Cells::Money(values) => values.clear(),
                Cells::Flag(flags) => flags.clear(),
            }
        }
        self.n_rows = 0;
        Ok(())
    }
}

/// A table of many rows, written to one file as they come.
#[derive(Debug)]
pub struct LongTable<'f> {
    rows: Rows,
    writer: GroupWriter<'f>,
}

impl<'f> LongTable<'f> {
    /// The file `name` of a table of the stage, without rows yet.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the stage does not write the table, or the lake fails.
    pub fn create(files: &'f Files<'_>, table: &str, name: &str) -> Result<Self, StageError> {
        Ok(Self { rows: Rows::of(table), writer: files.create(table, name)? })
    }

    /// Adds rows, which follow those before in the order of the key.
    ///
    /// # Errors
    ///
    /// [`StageError`] if they break the contract or cannot be written.
    pub fn add(&mut self, rows: Rows) -> Result<(), StageError> {
        self.rows.append(rows);
        if self.rows.n_rows() >= GROUP_ROWS { self.rows.write(&mut self.writer) } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`StageError`] if it cannot be written.
    pub fn finish(mut self) -> Result<lake::DataFile, StageError> {
        self.rows.write(&mut self.writer)?;
        self.writer.finish()
    }
}

/// One table of one file.
pub(crate) fn table(output: &mut Output, name: &'static str, rows: Rows) -> Result<(), StageError> {
    output.insert(name, Made::Rows(vec![rows.finish()?]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_checked_against_its_contract() {
        let mut rows = Rows::of("trade.region");
        rows.text("NSW").text("New South Wales");
        assert_eq!(rows.finish().expect("whole").num_rows(), 1);

        let mut rows = Rows::of("trade.region");
        rows.text("NSW").int(1);
        assert!(rows.finish().is_err(), "a number for a text");

        let mut rows = Rows::of("trade.region");
        rows.text("NSW");
        assert!(rows.finish().is_err(), "half a row");

        let mut rows = Rows::of("trade.region");
        rows.text("NSW").text(None);
        assert!(rows.finish().is_err(), "a null");

        let mut rows = Rows::of("space.proximity");
        rows.text("a").text("b").float(f64::NAN);
        assert!(rows.finish().is_err(), "no number");
    }

    #[test]
    fn rows_of_two_threads_are_put_together() {
        let of = |codes: &[(&str, usize)]| {
            let mut rows = Rows::of("trade.region_year");
            for (region, n) in codes {
                rows.int(2008).text(*region).money(Money::from_hundredths(1)).count(*n).count(1);
            }
            rows
        };
        let mut rows = of(&[("A", 1), ("B", 2)]);
        rows.append(of(&[("B", 3), ("C", 4)]));
        let all = of(&[("A", 1), ("B", 2), ("B", 3), ("C", 4)]);
        assert_eq!(rows.finish().expect("whole"), all.finish().expect("whole"));
    }
}
