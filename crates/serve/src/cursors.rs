//! Cursors: DECLARE, FETCH, CLOSE.

use crate::encoded;
use crate::errors::error;
use crate::read_only::nothing;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::ParamValues;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
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
use datafusion_postgres::pgwire::types::format::FormatOptions;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

/// The rows of a cursor, of which some may have come and not been fetched.
struct Rows {
    coming: SendableRecordBatchStream,
    come: Option<RecordBatch>,
}

impl Rows {
    /// The next rows, at most `n` of them; `None` when there are no more.
    async fn next(&mut self, n: usize) -> Option<Result<RecordBatch>> {
        let batch = match self.come.take() {
            Some(batch) => batch,
            None => match self.coming.next().await? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            },
        };
        let n = batch.num_rows().min(n);
        if n < batch.num_rows() {
            self.come = Some(batch.slice(n, batch.num_rows() - n));
        }
        Some(Ok(batch.slice(0, n)))
    }
}

/// A cursor.
#[derive(Clone)]
struct Cursor {
    rows: Arc<AsyncMutex<Rows>>,
    schema: SchemaRef,
    ends: Ends,
}

/// When a cursor ends that nobody closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    WithSession,
    WithTransaction,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("ends", &self.ends).finish_non_exhaustive()
    }
}

fn failed(error: DataFusionError) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
}

/// The hook.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: Mutex<BTreeMap<String, Cursor>>,
}

impl Cursors {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Cursor>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes those that end with the transaction.
    pub(crate) fn end_transaction(&self, client: &mut dyn HookClient) {
        let mut open = self.open();
        let ended = open.iter().filter(|(_, cursor)| cursor.ends == Ends::WithTransaction);
        let ended: Vec<String> = ended.map(|(name, _)| name.clone()).collect();
        for name in ended {
            open.remove(&name);
            client.portal_store().rm_portal(&name);
        }
    }

    /// Fetches from a cursor, if that is asked, rows in the form that is asked for.
    pub(crate) fn fetched(
        &self,
        statement: &Statement,
        format: &Format,
        options: &Arc<FormatOptions>,
    ) -> Option<PgWireResult<Response>> {
        match statement {
            Statement::Fetch { name, direction, .. } => {
                Some(self.fetch(&name.value, direction, format, options))
            }
            _ => None,
        }
    }

    fn fetch(
        &self,
        name: &str,
        direction: &FetchDirection,
        format: &Format,
        options: &Arc<FormatOptions>,
    ) -> PgWireResult<Response> {
        let left = n_rows(direction)?.unwrap_or(usize::MAX);
        let cursor = self.open().get(name).cloned();
        let cursor = cursor.ok_or_else(|| no_cursor(name))?;
        let state = (cursor.rows, left);
        let rows = stream::unfold(state, |(rows, left)| async move {
            if left == 0 {
                return None;
            }
            let next = rows.lock().await.next(left).await?;
            let n = next.as_ref().map_or(left, RecordBatch::num_rows);
            Some((next, (rows, left - n)))
        });
        let mut response = encoded::written(&cursor.schema, rows, format, Some(options))?;
        response.set_command_tag("FETCH");
        Ok(Response::Query(response))
    }
}

fn no_cursor(name: &str) -> PgWireError {
    error("34000", format!("cursor \"{name}\" does not exist"))
}

/// Begins the query of a cursor.
async fn declare(
    cursors: &Cursors,
    declared: &Declare,
    context: &SessionContext,
    client: &mut dyn HookClient,
) -> PgWireResult<()> {
    let name = declared.names.first().map(|name| name.value.clone());
    let (Some(name), Some(query), Some(DeclareType::Cursor)) =
        (name, &declared.for_query, &declared.declare_type)
    else {
        return Err(error(
            "42601",
            "DECLARE makes cursors: DECLARE name CURSOR FOR query".to_owned(),
        ));
    };
    if cursors.open().contains_key(&name) {
        return Err(error("42P03", format!("cursor \"{name}\" already exists")));
    }
    let text = query.to_string();
    let statement = EngineStatement::Statement(Box::new(Statement::Query(query.clone())));
    let plan = context.state().statement_to_plan(statement).await.map_err(failed)?;
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    let (schema, coming) = encoded::begun(frame).await?;
    let rows = Arc::new(AsyncMutex::new(Rows { coming, come: None }));
    let ends = if declared.hold == Some(true) { Ends::WithSession } else { Ends::WithTransaction };
    cursors.open().insert(name.clone(), Cursor { rows, schema, ends });
    // Clients ask the protocol for its columns.
    let stored = StoredStatement::new(name.clone(), (text, None), Vec::new());
    client.portal_store().put_portal(Arc::new(Portal::new_cursor(name, Arc::new(stored))));
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

fn answer<'a>(
    cursors: &'a Cursors,
    statement: &'a Statement,
    context: &'a SessionContext,
    client: &'a mut dyn HookClient,
) -> BoxFuture<'a, Option<PgWireResult<Response>>> {
    Box::pin(answered(cursors, statement, context, client))
}

async fn answered(
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
        Statement::Fetch { name, direction, .. } => {
            let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
            cursors.fetch(&name.value, direction, &Format::UnifiedText, &options)
        }
        Statement::Close { cursor: CloseCursor::All } => {
            cursors.open().clear();
            client.portal_store().clear_portals();
            Ok(Response::Execution(Tag::new("CLOSE CURSOR ALL")))
        }
        Statement::Close { cursor: CloseCursor::Specific { name } } => {
            if cursors.open().remove(&name.value).is_none() {
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
    // Without `async`, for the reason that `opaque` gives.
    fn handle_simple_query<'a, 'b, 'c, 'd, 'r>(
        &'a self,
        statement: &'b Statement,
        context: &'c SessionContext,
        client: &'d mut dyn HookClient,
    ) -> BoxFuture<'r, Option<PgWireResult<Response>>>
    where
        Self: 'r,
        'a: 'r,
        'b: 'r,
        'c: 'r,
        'd: 'r,
    {
        answer(self, statement, context, client)
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

    fn handle_extended_query<'a, 'b, 'c, 'd, 'e, 'f, 'r>(
        &'a self,
        statement: &'b Statement,
        _plan: &'c LogicalPlan,
        _params: &'d ParamValues,
        context: &'e SessionContext,
        client: &'f mut dyn HookClient,
    ) -> BoxFuture<'r, Option<PgWireResult<Response>>>
    where
        Self: 'r,
        'a: 'r,
        'b: 'r,
        'c: 'r,
        'd: 'r,
        'e: 'r,
        'f: 'r,
    {
        answer(self, statement, context, client)
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
            (FetchDirection::Count { limit: ten().into() }, Some(Some(10))),
            (FetchDirection::Forward { limit: Some(ten().into()) }, Some(Some(10))),
            (FetchDirection::All, Some(None)),
            (FetchDirection::Prior, None),
            (FetchDirection::Count { limit: Value::Number("-1".to_owned(), false).into() }, None),
        ] {
            assert_eq!(n_rows(&direction).ok(), expected, "{direction}");
        }
    }
}
