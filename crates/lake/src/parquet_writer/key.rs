//! The key of rows, and its order.

use crate::cells::{Cells, NO_CODE};
use std::cmp::Ordering;
use std::fmt;

/// One cell of the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyValue {
    None,
    Int(i64),
    Text(String),
}

impl KeyValue {
    pub(super) fn of(cells: &Cells<'_>, row: usize) -> Self {
        match cells {
            Cells::Same(Some(text)) => Self::Text((*text).to_owned()),
            Cells::Texts(texts, codes) if codes[row] != NO_CODE => {
                Self::Text(texts.text(codes[row]).to_owned())
            }
            Cells::Ints(ints, codes) if codes[row] != NO_CODE => {
                Self::Int(i64::from(ints[codes[row] as usize]))
            }
            Cells::SameInt(int) => Self::Int(i64::from(*int)),
            Cells::Counts(values) => Self::Int(values[row]),
            _ => Self::None,
        }
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Int(int) => write!(f, "{int}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Numbers that stand to each other as the cells of a column do.
pub(super) enum Ranks<'a> {
    Same,
    /// The codes themselves.
    Sorted(&'a [u32]),
    /// By code.
    Coded(Vec<i64>, &'a [u32]),
    Long(&'a [i64]),
}

impl<'a> Ranks<'a> {
    pub(super) fn of(cells: &'a Cells<'_>) -> Option<Self> {
        Some(match cells {
            Cells::Same(_) | Cells::SameInt(_) => Self::Same,
            Cells::Texts(texts, codes) => {
                if texts.is_sorted() {
                    return Some(Self::Sorted(codes));
                }
                let numbers = 0..u32::try_from(texts.n_texts()).unwrap_or(NO_CODE);
                let mut ranks: Vec<i64> = numbers.clone().map(i64::from).collect();
                let mut sorted: Vec<u32> = numbers.collect();
                sorted.sort_by_key(|&number| texts.text(number));
                let mut rank = 0;
                for (at, &number) in sorted.iter().enumerate() {
                    if at > 0 && texts.text(sorted[at - 1]) != texts.text(number) {
                        rank += 1;
                    }
                    ranks[number as usize] = rank;
                }
                Self::Coded(ranks, codes)
            }
            Cells::Ints(ints, codes) => {
                Self::Coded(ints.iter().map(|&int| i64::from(int)).collect(), codes)
            }
            Cells::Counts(values) => Self::Long(values),
            Cells::Money(_) | Cells::Floats(_) | Cells::Flags(_) => return None,
        })
    }

    /// Puts into `orders` how the rows before the last stand to those after the first, where
    /// nothing is there yet.
    pub(super) fn compare(&self, orders: &mut [Ordering]) {
        fn each<R: Ord>(orders: &mut [Ordering], codes: &[u32], rank: impl Fn(u32) -> R) {
            for (order, pair) in orders.iter_mut().zip(codes.windows(2)) {
                *order = order.then(rank(pair[0]).cmp(&rank(pair[1])));
            }
        }
        match self {
            Self::Same => {}
            // No code is below all others.
            Self::Sorted(codes) => each(orders, codes, |code| code.wrapping_add(1)),
            Self::Coded(ranks, codes) => {
                each(orders, codes, |code| ranks.get(code as usize).copied().unwrap_or(i64::MIN));
            }
            Self::Long(values) => {
                for (order, pair) in orders.iter_mut().zip(values.windows(2)) {
                    *order = order.then(pair[0].cmp(&pair[1]));
                }
            }
        }
    }
}
