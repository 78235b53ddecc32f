//! Refuses statements that do not only read.
//!
//! What clients say about their sessions is answered where nothing is to be done for it.

use crate::errors::error;
use async_trait::async_trait;
use datafusion::common::{DFSchema, ParamValues};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    CopySource, CopyTarget, DiscardObject, Query, SetExpr, Statement,
};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::response::TransactionStatus;
use std::sync::Arc;

/// The hook that comes before all others.
#[derive(Debug)]
pub(crate) struct ReadOnly;

/// Whether a statement only reads: queries, and what clients say about their sessions. All else is
/// refused, also a statement that nobody thought of.
fn reads(statement: &Statement) -> bool {
    match statement {
        Statement::Query(query) => query_reads(query),
        Statement::Explain { statement, .. } | Statement::Prepare { statement, .. } => {
            reads(statement)
        }
        // Rows that go to the client are read.
        Statement::Copy { source, to: true, target: CopyTarget::Stdout, .. } => match source {
            CopySource::Query(query) => query_reads(query),
            CopySource::Table { .. } => true,
        },
        Statement::Declare { stmts } => stmts
            .iter()
            .all(|declared| declared.for_query.as_ref().is_none_or(|query| query_reads(query))),
        Statement::Set(_)
        | Statement::ShowVariable { .. }
        | Statement::ShowStatus { .. }
        | Statement::ShowCatalogs { .. }
        | Statement::ShowSchemas { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ExplainTable { .. }
        | Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. }
        | Statement::ReleaseSavepoint { .. }
        | Statement::Execute { .. }
        | Statement::Fetch { .. }
        | Statement::Close { .. }
        | Statement::Deallocate { .. }
        | Statement::Discard { .. }
        | Statement::Reset(_)
        | Statement::UNLISTEN { .. } => true,
        _ => false,
    }
}

fn query_reads(query: &Query) -> bool {
    let of_with = query.with.iter().flat_map(|with| &with.cte_tables);
    of_with.into_iter().all(|table| query_reads(&table.query)) && body_reads(&query.body)
}

fn body_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => query_reads(query),
        SetExpr::SetOperation { left, right, .. } => body_reads(left) && body_reads(right),
        SetExpr::Values(_) | SetExpr::Table(_) => true,
        _ => false,
    }
}

fn refusal(statement: &Statement) -> Option<PgWireError> {
    if reads(statement) {
        return None;
    }
    let text = statement.to_string();
    let mut words = text.split_whitespace().map(str::to_uppercase);
    let verb = match (statement, words.next()) {
        (Statement::Query(_), _) => "SELECT INTO".to_owned(),
        (_, verb) => verb.unwrap_or_default(),
    };
    let (code, why) = if CHANGES.contains(&verb.as_str()) {
        ("25006", "the tables are published by `rebound run` and only read here")
    } else {
        ("0A000", "this server answers queries only")
    };
    Some(error(code, format!("cannot execute {verb}: {why}")))
}

/// What would change something.
const CHANGES: [&str; 12] = [
    "ALTER",
    "COMMENT",
    "COPY",
    "CREATE",
    "DELETE",
    "DROP",
    "GRANT",
    "INSERT",
    "MERGE",
    "SELECT INTO",
    "TRUNCATE",
    "UPDATE",
];

/// The answer to a statement for which nothing needs to be done. Where nothing is changed, any
/// point is a savepoint.
fn answer(statement: &Statement, transaction: TransactionStatus) -> Option<Response> {
    Some(match statement {
        Statement::Savepoint { .. } => Response::Execution(Tag::new("SAVEPOINT")),
        Statement::ReleaseSavepoint { .. } => Response::Execution(Tag::new("RELEASE")),
        // The protocol's crate has no way back from an error into the transaction: it ends here.
        Statement::Rollback { savepoint: Some(_), .. }
            if transaction == TransactionStatus::Error =>
        {
            Response::TransactionEnd(Tag::new("ROLLBACK"))
        }
        Statement::Rollback { savepoint: Some(_), .. } => Response::Execution(Tag::new("ROLLBACK")),
        Statement::Deallocate { .. } => Response::Execution(Tag::new("DEALLOCATE")),
        // Of all, the settings too: another hook does it.
        Statement::Discard { object_type: DiscardObject::ALL } => return None,
        Statement::Discard { object_type } => {
            Response::Execution(Tag::new(&format!("DISCARD {object_type}")))
        }
        Statement::UNLISTEN { .. } => Response::Execution(Tag::new("UNLISTEN")),
        _ => return None,
    })
}

fn answer_or_refusal(
    statement: &Statement,
    client: &dyn HookClient,
) -> Option<PgWireResult<Response>> {
    let transaction = client.transaction_status();
    answer(statement, transaction).map(Ok).or_else(|| refusal(statement).map(Err))
}

/// The plan of what has no rows.
pub(crate) fn nothing() -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::new(DFSchema::empty()),
    })
}

#[async_trait]
impl QueryHook for ReadOnly {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        answer_or_refusal(statement, client)
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        // Whichever the transaction: what is answered has no rows.
        let answer = answer(statement, TransactionStatus::Idle);
        answer.map(|_| Ok(nothing())).or_else(|| refusal(statement).map(Err))
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _plan: &LogicalPlan,
        _params: &ParamValues,
        _context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        answer_or_refusal(statement, client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn is_let_through(sql: &str) -> bool {
        let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql);
        statements.iter().all(reads)
    }

    #[test]
    fn what_reads_is_let_through() {
        for sql in [
            "select 1",
            "with a as (select 1) select * from a union all values (2)",
            "explain analyze select 1",
            "set statement_timeout = 100",
            "show timezone",
            "copy (select 1) to stdout csv header; copy a.b to stdout",
            "begin; commit; rollback",
            "prepare p as select $1; execute p(1); deallocate p",
            "declare c cursor for select 1; fetch 10 from c; close c",
            "reset all; discard all; unlisten *",
        ] {
            assert!(is_let_through(sql), "{sql}");
        }
    }

    #[test]
    fn what_changes_anything_is_refused() {
        for sql in [
            "insert into a values (1)",
            "update a set x = 1",
            "delete from a",
            "truncate a",
            "drop table a",
            "create table a (x int)",
            "create view a as select 1",
            "create table a as select 1",
            "alter table a add column x int",
            "select * into b from a",
            "with a as (insert into b values (1) returning x) select * from a",
            "copy a to '/tmp/x'",
            "copy (select 1) to '/tmp/x'",
            "copy a from '/etc/passwd'",
            "copy a from stdin",
            "copy a to program 'sh'",
            "copy (with a as (delete from b returning x) select * from a) to stdout",
            "explain insert into a values (1)",
            "grant all on a to b",
            "call p()",
            "listen x",
            "prepare p as insert into a values (1)",
        ] {
            assert!(!is_let_through(sql), "{sql}");
        }
    }
}
