//! Rows of a table with a contract, cell by cell.

use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, StringBuilder,
};
use arrow::error::ArrowError;
use lake::contract::MONEY;
use lake::{Contract, Kind};
use std::sync::Arc;
use trade::Money;

/// Builds rows of one table. Cells come in the order of the contract's columns.
#[derive(Debug)]
pub struct Rows {
    contract: &'static Contract,
    columns: Vec<Cells>,
    at: usize,
    n_rows: usize,
    fault: Option<String>,
}

#[derive(Debug)]
enum Cells {
    Text(StringBuilder),
    Int(Int32Builder),
    Count(Int64Builder),
    Float(Float64Builder),
    Money(Decimal128Builder),
    Flag(BooleanBuilder),
}

macro_rules! cell {
    ($(#[$about:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$about])*
        pub fn $name(&mut self, value: impl Into<Option<$type>>) -> &mut Self {
            let at = self.at;
            match &mut self.columns[at] {
                Cells::$variant(cells) => cells.append_option(value.into()),
                _ => self.fault = Some(format!("column {at} of `{}` is no {}", self.contract.table, stringify!($name))),
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
                Kind::Text => Cells::Text(StringBuilder::new()),
                Kind::Int => Cells::Int(Int32Builder::new()),
                Kind::Count => Cells::Count(Int64Builder::new()),
                Kind::Float => Cells::Float(Float64Builder::new()),
                Kind::Money => {
                    Cells::Money(Decimal128Builder::new().with_data_type(Kind::Money.arrow()))
                }
                Kind::Flag => Cells::Flag(BooleanBuilder::new()),
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

    cell!(
        /// A small integer.
        int, Int, i32);
    cell!(
        /// A float; it must be finite.
        float, Float, f64);
    cell!(
        /// True or false.
        flag, Flag, bool);

    /// A text.
    pub fn text<'a>(&mut self, value: impl Into<Option<&'a str>>) -> &mut Self {
        match &mut self.columns[self.at] {
            Cells::Text(cells) => cells.append_option(value.into()),
            _ => {
                self.fault =
                    Some(format!("column {} of `{}` is no text", self.at, self.contract.table))
            }
        }
        self.step()
    }

    /// A count.
    pub fn count(&mut self, value: impl Into<Option<usize>>) -> &mut Self {
        let value = value.into().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        match &mut self.columns[self.at] {
            Cells::Count(cells) => cells.append_option(value),
            _ => {
                self.fault =
                    Some(format!("column {} of `{}` is no count", self.at, self.contract.table))
            }
        }
        self.step()
    }

    /// Money.
    pub fn money(&mut self, value: impl Into<Option<Money>>) -> &mut Self {
        let value = value.into().map(Money::hundredths);
        match &mut self.columns[self.at] {
            Cells::Money(cells) => cells.append_option(value),
            _ => {
                self.fault =
                    Some(format!("column {} of `{}` is no money", self.at, self.contract.table))
            }
        }
        self.step()
    }

    /// Rows so far.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The rows as a batch.
    ///
    /// # Errors
    ///
    /// If a cell was of another type than its column, a row is not whole, money is too large, a float is
    /// not finite, or a null is where none may be.
    pub fn finish(self) -> Result<RecordBatch, ArrowError> {
        let broken = |text: String| Err(ArrowError::SchemaError(text));
        if let Some(fault) = self.fault {
            return broken(fault);
        }
        if self.at != 0 {
            return broken(format!("the last row of `{}` is not whole", self.contract.table));
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, cells) in self.contract.columns.iter().zip(self.columns) {
            arrays.push(match cells {
                Cells::Text(mut cells) => Arc::new(cells.finish()),
                Cells::Int(mut cells) => Arc::new(cells.finish()),
                Cells::Count(mut cells) => Arc::new(cells.finish()),
                Cells::Float(mut cells) => {
                    let cells = cells.finish();
                    if cells.iter().flatten().any(|value| !value.is_finite()) {
                        let name = &column.name;
                        return broken(format!(
                            "a number in `{name}` of `{}` is not finite",
                            self.contract.table
                        ));
                    }
                    Arc::new(cells)
                }
                Cells::Money(mut cells) => {
                    let cells = cells.finish();
                    cells.validate_decimal_precision(MONEY.0)?;
                    Arc::new(cells)
                }
                Cells::Flag(mut cells) => Arc::new(cells.finish()),
            });
        }
        RecordBatch::try_new(self.contract.schema(), arrays)
    }
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
}
