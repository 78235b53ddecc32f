//! What the contract of a table is: its columns with type, unit and meaning, and its key.
//!
//! Writing checks it, `rebound describe` and the data dictionary print it, and SQL uses its names.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Digits of a money column, and those of them after the point.
pub const MONEY: (u8, i8) = (20, 2);

/// Hundredths as text, with all their digits.
pub(crate) fn money_text(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// The hundredths that no money has or exceeds, either way.
pub(crate) const MONEY_LIMIT: u128 = 10_u128.pow(MONEY.0 as u32);

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A small integer: years, months, ordinals.
    Int,
    /// A count.
    Count,
    /// A 64-bit float.
    Float,
    /// Exact money: 20 digits, 2 of them after the point.
    Money,
    /// True or false.
    Flag,
}

impl Kind {
    /// The Arrow type that holds it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Count => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Money => DataType::Decimal128(MONEY.0, MONEY.1),
            Self::Flag => DataType::Boolean,
        }
    }

    /// The kind that can hold an Arrow type without loss.
    pub fn of(found: &DataType) -> Option<Self> {
        match found {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(Self::Int),
            DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => Some(Self::Count),
            DataType::Float32 | DataType::Float64 => Some(Self::Float),
            DataType::Decimal128(_, scale) if *scale == MONEY.1 => Some(Self::Money),
            DataType::Boolean => Some(Self::Flag),
            _ => None,
        }
    }

    /// What to do about a number that a column of it does not hold.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Float => {
                "tables hold finite numbers only: make it null (`nullif`, `case when ... end`), with the reason in a column beside it"
            }
            Self::Money => {
                "expected less than 10^18: look for a value among those it is made of that is wrong, or in another unit"
            }
            _ => "it has no room there: cast the column to double or text",
        }
    }

    /// Its name in printed contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Count => "bigint",
            Self::Float => "double",
            Self::Money => "decimal(20,2)",
            Self::Flag => "boolean",
        }
    }
}

/// A column of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// Its unit; empty for codes and texts.
    pub unit: String,
    /// What it means.
    pub about: String,
}

/// The contract of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// `schema.table`.
    pub table: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// The columns that make a row unique; rows are sorted by them.
    pub key: &'static [&'static str],
    /// The columns.
    pub columns: Vec<Column>,
}

/// The Arrow schema of `columns`.
pub fn schema(columns: &[Column]) -> SchemaRef {
    let field = |c: &Column| Field::new(&c.name, c.kind.arrow(), c.is_nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

impl Contract {
    /// Its Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        schema(&self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_hold_their_own_arrow_type() {
        for kind in [Kind::Text, Kind::Int, Kind::Count, Kind::Float, Kind::Money, Kind::Flag] {
            assert_eq!(Kind::of(&kind.arrow()), Some(kind));
        }
    }
}
