//! Cursors: DECLARE, FETCH, CLOSE.

use crate::encoded;
use crate::errors::error;
use crate::read_only::nothing;
use async_trait::async_trait;
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{
    CloseCursor, Declare, DeclareType, FetchDirection, Statement, Value,
};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::api::stmt::StoredStatement;
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The hook.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    /// Those that end with the transaction.
    open: Mutex<BTreeSet<String>>,
}

impl Cursors {
    fn open(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes those that end with the transaction.
    pub(crate) fn end_transaction(&self, client: &mut dyn HookClient) {
        for name in std::mem::take(&mut *self.open()) {
            client.portal_store().rm_portal(&name);
        }
    }
}

fn no_cursor(name: &str) -> PgWireError {
    error("34000", format!("cursor \"{name}\" does not exist"))
}

/// Begins the query of a cursor. Its rows are written as texts, as nobody knows yet who fetches them
/// how.
async fn declare(
    cursors: &Cursors,
    declared: &Declare,
    context: &SessionContext,
    client: &mut dyn HookClient,
) -> PgWireResult<()> {
    let failed = |error| PgWireError::ApiError(Box::new(error));
    let name = declared.names.first().map(|name| name.value.clone());
    let (Some(name), Some(query), Some(DeclareType::Cursor)) =
        (name, &declared.for_query, &declared.declare_type)
    else {
        return Err(error(
            "42601",
            "DECLARE makes cursors: DECLARE name CURSOR FOR query".to_owned(),
        ));
    };
    if client.portal_store().get_portal(&name).is_some() {
        return Err(error("42P03", format!("cursor \"{name}\" already exists")));
    }
    let text = query.to_string();
    let statement = EngineStatement::Statement(Box::new(Statement::Query(query.clone())));
    let plan = context.state().statement_to_plan(statement).await.map_err(failed)?;
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    let rows = encoded::rows(frame, &Format::UnifiedText, None).await?;
    let stored = StoredStatement::new(name.clone(), (text, None), Vec::new());
    if declared.hold != Some(true) {
        cursors.open().insert(name.clone());
    }
    let portal = Portal::new_cursor(name, Arc::new(stored));
    portal.start(rows).await;
    client.portal_store().put_portal(Arc::new(portal));
    Ok(())
}

/// How many rows are fetched; `None` for all that are left.
fn n_rows(direction: &FetchDirection) -> PgWireResult<Option<usize>> {
    let number = |value: &Value| {
        let number = match value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        };
        let wrong = || error("22003", format!("{value} is no number of rows to fetch"));
        number.map(Some).ok_or_else(wrong)
    };
    match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Ok(Some(1)),
        FetchDirection::Forward { limit: Some(limit) } | FetchDirection::Count { limit } => {
            number(limit)
        }
        FetchDirection::ForwardAll | FetchDirection::All => Ok(None),
        _ => Err(error("55000", "cursor can only scan forward".to_owned())),
    }
}

async fn fetch(
    name: &str,
    direction: &FetchDirection,
    client: &mut dyn HookClient,
) -> PgWireResult<Response> {
    let n = n_rows(direction)?;
    if n == Some(0) {
        return Ok(Response::Execution(Tag::new("FETCH 0")));
    }
    let portal = client.portal_store().get_portal(name);
    let portal = portal.and_then(|entry| entry.value().map(Arc::clone));
    let portal = portal.ok_or_else(|| no_cursor(name))?;
    // To the protocol's crate, 0 rows are all.
    let mut response = portal.fetch(n.unwrap_or(0)).await?.response;
    response.set_command_tag("FETCH");
    Ok(Response::Query(response))
}

async fn answer(
    cursors: &Cursors,
    statement: &Statement,
    context: &SessionContext,
    client: &mut dyn HookClient,
) -> Option<PgWireResult<Response>> {
    Some(match statement {
        Statement::Declare { stmts } => {
            for declared in stmts {
                if let Err(error) = declare(cursors, declared, context, client).await {
                    return Some(Err(error));
                }
            }
            Ok(Response::Execution(Tag::new("DECLARE CURSOR")))
        }
        Statement::Fetch { name, direction, .. } => fetch(&name.value, direction, client).await,
        Statement::Close { cursor: CloseCursor::All } => {
            client.portal_store().clear_portals();
            Ok(Response::Execution(Tag::new("CLOSE CURSOR ALL")))
        }
        Statement::Close { cursor: CloseCursor::Specific { name } } => {
            if client.portal_store().get_portal(&name.value).is_none() {
                return Some(Err(no_cursor(&name.value)));
            }
            client.portal_store().rm_portal(&name.value);
            Ok(Response::Execution(Tag::new("CLOSE CURSOR")))
        }
        _ => return None,
    })
}

#[async_trait]
impl QueryHook for Cursors {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        answer(self, statement, context, client).await
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        match statement {
            Statement::Declare { .. } | Statement::Fetch { .. } | Statement::Close { .. } => {
                Some(Ok(nothing()))
            }
            _ => None,
        }
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _plan: &LogicalPlan,
        _params: &ParamValues,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        answer(self, statement, context, client).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_fetched_forwards() {
        let ten = || Value::Number("10".to_owned(), false);
        for (direction, expected) in [
            (FetchDirection::Next, Some(Some(1))),
            (FetchDirection::Count { limit: ten() }, Some(Some(10))),
            (FetchDirection::Forward { limit: Some(ten()) }, Some(Some(10))),
            (FetchDirection::All, Some(None)),
            (FetchDirection::Prior, None),
            (FetchDirection::Count { limit: Value::Number("-1".to_owned(), false) }, None),
        ] {
            assert_eq!(n_rows(&direction).ok(), expected, "{direction}");
        }
    }
}
