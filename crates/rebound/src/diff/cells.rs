//! The values of batches by column, each of its type.

use super::amount::Amount;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray,
};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type, Int64Type};
use lake::Kind;

/// The values of a column.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Text(StringArray),
    Int(Int32Array),
    Count(Int64Array),
    Float(Float64Array),
    Money(Decimal128Array),
    Flag(BooleanArray),
}

impl Cells {
    /// Those of an array. `None` if it is of another type than `kind`.
    pub(super) fn of(array: &ArrayRef, kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Text => Self::Text(array.as_string_opt::<i32>()?.clone()),
            Kind::Int => Self::Int(array.as_primitive_opt::<Int32Type>()?.clone()),
            Kind::Count => Self::Count(array.as_primitive_opt::<Int64Type>()?.clone()),
            Kind::Float => Self::Float(array.as_primitive_opt::<Float64Type>()?.clone()),
            Kind::Money => Self::Money(array.as_primitive_opt::<Decimal128Type>()?.clone()),
            Kind::Flag => Self::Flag(array.as_boolean_opt()?.clone()),
        })
    }

    fn is_null(&self, at: usize) -> bool {
        match self {
            Self::Text(cells) => cells.is_null(at),
            Self::Int(cells) => cells.is_null(at),
            Self::Count(cells) => cells.is_null(at),
            Self::Float(cells) => cells.is_null(at),
            Self::Money(cells) => cells.is_null(at),
            Self::Flag(cells) => cells.is_null(at),
        }
    }

    /// Whether the value at `at` is that of `other` at `there`, in every bit.
    fn is_same(&self, at: usize, other: &Self, there: usize) -> bool {
        let nulls = (self.is_null(at), other.is_null(there));
        if nulls.0 || nulls.1 {
            return nulls.0 && nulls.1;
        }
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.value(at) == b.value(there),
            (Self::Int(a), Self::Int(b)) => a.value(at) == b.value(there),
            (Self::Count(a), Self::Count(b)) => a.value(at) == b.value(there),
            (Self::Float(a), Self::Float(b)) => a.value(at).to_bits() == b.value(there).to_bits(),
            (Self::Money(a), Self::Money(b)) => a.value(at) == b.value(there),
            (Self::Flag(a), Self::Flag(b)) => a.value(at) == b.value(there),
            _ => false,
        }
    }
}

/// A row of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowAt<'b> {
    /// The columns of the batch.
    pub(super) cells: &'b [Cells],
    /// The row.
    pub(super) at: usize,
}

impl<'b> RowAt<'b> {
    /// Whether both rows have one value in a column.
    pub(super) fn is_same(self, other: RowAt<'_>, column: usize) -> bool {
        self.cells[column].is_same(self.at, &other.cells[column], other.at)
    }

    /// Whether nothing is in a column.
    pub(super) fn is_null(self, column: usize) -> bool {
        self.cells[column].is_null(self.at)
    }

    /// The number in a column, if one is there.
    pub(super) fn amount(self, column: usize) -> Option<Amount> {
        let cells = &self.cells[column];
        if cells.is_null(self.at) {
            return None;
        }
        match cells {
            Cells::Int(cells) => Some(Amount::Whole(cells.value(self.at).into())),
            Cells::Count(cells) => Some(Amount::Whole(cells.value(self.at).into())),
            Cells::Float(cells) => Some(Amount::Float(cells.value(self.at))),
            Cells::Money(cells) => Some(Amount::Money(cells.value(self.at))),
            Cells::Text(_) | Cells::Flag(_) => None,
        }
    }

    /// The text in a column, if one is there.
    pub(super) fn code(self, column: usize) -> Option<&'b str> {
        match &self.cells[column] {
            Cells::Text(cells) if cells.is_valid(self.at) => Some(cells.value(self.at)),
            _ => None,
        }
    }

    /// A value as text.
    pub(super) fn shown(self, column: usize) -> String {
        let cells = &self.cells[column];
        match cells {
            _ if cells.is_null(self.at) => "null".to_owned(),
            Cells::Text(cells) => cells.value(self.at).to_owned(),
            Cells::Flag(cells) => cells.value(self.at).to_string(),
            _ => self.amount(column).map(|amount| amount.to_string()).unwrap_or_default(),
        }
    }
}
