//! Columns of a table as a writer takes them: texts by their codes, and what stands for no value.

use crate::contract::{Kind, MONEY_LIMIT, money_text};
use std::fmt;

/// The code of no value.
pub const NO_CODE: u32 = u32::MAX;

/// The hundredths of no money.
pub const NO_MONEY: i128 = i128::MIN;

/// The count of nothing counted.
pub const NO_COUNT: i64 = i64::MIN;

/// What codes stand for.
pub trait Texts: fmt::Debug + Sync {
    /// How many there are.
    fn n_texts(&self) -> usize;

    /// The text of a code below that.
    fn text(&self, code: u32) -> &str;

    /// Whether a higher code is always a later text.
    fn is_sorted(&self) -> bool {
        false
    }
}

impl<T: AsRef<str> + fmt::Debug + Sync> Texts for Vec<T> {
    fn n_texts(&self) -> usize {
        self.len()
    }

    fn text(&self, code: u32) -> &str {
        self[code as usize].as_ref()
    }
}

/// The cells of one column of a row group.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'a> {
    /// The same text, or none, in every row.
    Same(Option<&'a str>),
    /// Texts by code; [`NO_CODE`] for none.
    Texts(&'a dyn Texts, &'a [u32]),
    /// Small integers by code; [`NO_CODE`] for none.
    Ints(&'a [i32], &'a [u32]),
    /// The same small integer in every row.
    SameInt(i32),
    /// Hundredths; [`NO_MONEY`] for none.
    Money(&'a [i128]),
    /// Floats; NaN for none.
    Floats(&'a [f64]),
    /// Counts; [`NO_COUNT`] for none.
    Counts(&'a [i64]),
    /// True or false.
    Flags(&'a [Option<bool>]),
}

impl Cells<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Same(_) | Self::Texts(..) => Kind::Text,
            Self::Ints(..) | Self::SameInt(_) => Kind::Int,
            Self::Money(_) => Kind::Money,
            Self::Floats(_) => Kind::Float,
            Self::Counts(_) => Kind::Count,
            Self::Flags(_) => Kind::Flag,
        }
    }

    /// The first row with a number that tables do not hold, and what it is.
    pub(crate) fn misfit(&self) -> Option<(usize, String)> {
        match self {
            Self::Money(values) => {
                let is_misfit =
                    |&money: &i128| money.unsigned_abs() >= MONEY_LIMIT && money != NO_MONEY;
                let row = values.iter().position(is_misfit)?;
                Some((row, money_text(values[row])))
            }
            // What is not a number stands for none.
            Self::Floats(values) => {
                let row = values.iter().position(|value| value.is_infinite())?;
                Some((row, values[row].to_string()))
            }
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Same(_) | Self::SameInt(_) => None,
            Self::Texts(_, codes) | Self::Ints(_, codes) => Some(codes.len()),
            Self::Money(values) => Some(values.len()),
            Self::Floats(values) => Some(values.len()),
            Self::Counts(values) => Some(values.len()),
            Self::Flags(values) => Some(values.len()),
        }
    }
}
