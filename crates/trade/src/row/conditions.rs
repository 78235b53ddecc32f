//! What must hold of the texts of raw columns.

use super::error::HeaderError;
use super::fit::{find, no_column};
use crate::layout::{Condition, Layout, Test};

/// A condition fitted to a header.
#[derive(Debug, Clone)]
pub(crate) struct FittedCondition<'l> {
    /// The place of the column.
    pub(super) at: usize,
    pub(super) test: &'l Test,
}

impl<'l> FittedCondition<'l> {
    /// The conditions of `what`, each at its column.
    pub(super) fn all(
        layout: &Layout,
        what: &str,
        conditions: &'l [Condition],
        header: &[String],
    ) -> Result<Vec<Self>, HeaderError> {
        let fitted = |condition: &'l Condition| match find(header, what, &condition.column)? {
            Some(at) => Ok(Self { at, test: &condition.test }),
            None => Err(no_column(layout, what, condition.column.clone(), header)),
        };
        conditions.iter().map(fitted).collect()
    }
}
