//! The cells of rows, column by column.

use arrow::error::ArrowError;
use lake::{Contract, Kind, NO_CODE, NO_COUNT, NO_MONEY};
use trade::Money;
use trade::interner::Interner;

/// The cells of rows, column by column in the order of the contract. Only what the macro `tables`
/// declares fills them.
#[derive(Debug)]
pub struct RowCells {
    pub(super) contract: &'static Contract,
    pub(super) columns: Vec<Cells>,
    at: usize,
    pub(super) n_rows: usize,
    pub(super) fault: Option<String>,
}

// Texts are numbered by the one crate and written by the other.
const _: () = assert!(trade::NO_CODE == NO_CODE);

/// A column, in the form in which a file takes it.
#[derive(Debug)]
pub(super) enum Cells {
    Text(Interner, Vec<u32>),
    Int(Vec<i32>, Vec<u32>),
    Count(Vec<i64>),
    /// NaN for none.
    Float(Vec<f64>),
    Money(Vec<i128>),
    Flag(Vec<Option<bool>>),
}

/// Texts as a table's writer asks for them.
#[derive(Debug)]
pub(super) struct Words<'a>(pub(super) &'a Interner);

impl lake::Texts for Words<'_> {
    fn n_texts(&self) -> usize {
        self.0.n_texts()
    }

    fn text(&self, code: u32) -> &str {
        self.0.text(code)
    }
}

/// The code of `int`, which few different ones are met of.
pub(super) fn code_of(ints: &mut Vec<i32>, int: i32) -> u32 {
    let at = ints.iter().rposition(|known| *known == int).unwrap_or_else(|| {
        ints.push(int);
        ints.len() - 1
    });
    u32::try_from(at).unwrap_or(NO_CODE)
}

macro_rules! cell {
    ($(#[$about:meta])* $name:ident $(<$life:lifetime>)? ($value:ident: $type:ty), $cells:pat => $push:expr) => {
        $(#[$about])*
        pub fn $name $(<$life>)? (&mut self, value: impl Into<Option<$type>>) {
            let $value = value.into();
            match &mut self.columns[self.at] {
                $cells => $push,
                _ => self.misfit(stringify!($name)),
            }
            self.step();
        }
    };
}

impl RowCells {
    pub(super) fn new(contract: &'static Contract) -> Self {
        let columns = contract
            .columns
            .iter()
            .map(|column| match column.kind {
                Kind::Text => Cells::Text(Interner::default(), Vec::new()),
                Kind::Int => Cells::Int(Vec::new(), Vec::new()),
                Kind::Count => Cells::Count(Vec::new()),
                Kind::Float => Cells::Float(Vec::new()),
                Kind::Money => Cells::Money(Vec::new()),
                Kind::Flag => Cells::Flag(Vec::new()),
            })
            .collect();
        Self { contract, columns, at: 0, n_rows: 0, fault: None }
    }

    fn step(&mut self) {
        self.at += 1;
        if self.at == self.columns.len() {
            self.at = 0;
            self.n_rows += 1;
        }
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
    pub fn float(&mut self, value: impl Into<Option<f64>>) {
        let value = value.into();
        if value.is_some_and(|value| !value.is_finite()) {
            let (name, table) = (&self.contract.columns[self.at].name, self.contract.table);
            self.fault = Some(format!("a number in `{name}` of `{table}` is not finite"));
        }
        match &mut self.columns[self.at] {
            Cells::Float(cells) => cells.push(value.unwrap_or(f64::NAN)),
            _ => self.misfit("float"),
        }
        self.step();
    }

    pub(super) fn whole(&self) -> Result<(), ArrowError> {
        let broken = |text: String| Err(ArrowError::SchemaError(text));
        if let Some(fault) = &self.fault {
            return broken(fault.clone());
        }
        if self.at != 0 {
            return broken(format!("the last row of `{}` is not whole", self.contract.table));
        }
        Ok(())
    }
}
