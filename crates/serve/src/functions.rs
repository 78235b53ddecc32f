//! Functions of PostgreSQL's that its clients call, and that the engine lacks or has otherwise.

mod arrays;
mod numbers;
mod objects;
mod session;
mod single;
mod text;
mod times;
mod udf;

use crate::catalog::Made;
use crate::facts::Facts;
use crate::known::Known;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

pub(crate) use self::single::{MORE_THAN_ONE, SINGLE};

/// Registers those that are the same in every session.
pub(crate) fn register_all(context: &SessionContext, made: &Made) {
    objects::register_all(context, made);
    text::register_all(context);
    arrays::register_all(context);
    single::register(context);
}

/// Registers those that tell of the session.
pub(crate) fn register_of_session(
    context: &SessionContext,
    facts: &Arc<Facts>,
    known: &Arc<Known>,
) {
    session::register_all(context, facts, known);
}
