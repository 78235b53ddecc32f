//! A table of regions (and products) of a user's own, for commands that need no lake: `measure` and
//! `resilience`.

mod args;
mod beside;
mod columns;
mod condition;
mod gathered;
mod input;
mod plausibility;
mod table;
mod typed;
mod wide;

pub(crate) use self::args::TableArgs;
pub(crate) use self::columns::{Columns, Products};
pub(crate) use self::plausibility::warn;
pub(crate) use self::table::Table;
