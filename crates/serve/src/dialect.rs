//! What clients write that the engine does not know, written so that it does.

use crate::errors::error;
use crate::limits::Within;
use async_trait::async_trait;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion_postgres::Parser;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::FieldInfo;
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::{ClientInfo, Type};
use datafusion_postgres::pgwire::error::PgWireResult;
use query::TooComplex;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// What psql asks for `\d+`, by a constructor that the engine lacks. Tables here have no such
/// options.
const OPTIONS: &str = "pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from \
                       pg_catalog.unnest(tc.reloptions) x), ', ')";

const CAST: &str = "'::regclass";

/// The query in words that the engine knows.
pub(crate) fn mended(sql: &str) -> Cow<'_, str> {
    let mut sql = Cow::Borrowed(sql);
    if sql.contains(OPTIONS) {
        sql = sql.replace(OPTIONS, "''").into();
    }
    // The name of a table of PostgreSQL's own needs no schema there.
    if sql.contains(CAST) {
        let mut text = String::with_capacity(sql.len() + 16);
        let mut parts = sql.split(CAST).peekable();
        while let Some(part) = parts.next() {
            let name = part.rfind('\'').map(|quote| quote + 1);
            match name {
                Some(at) if parts.peek().is_some() && is_of_postgres(&part[at..]) => {
                    text.push_str(&part[..at]);
                    text.push_str("pg_catalog.");
                    text.push_str(&part[at..]);
                }
                _ => text.push_str(part),
            }
            if parts.peek().is_some() {
                text.push_str(CAST);
            }
        }
        sql = text.into();
    }
    sql
}

/// Refuses what is too long or too deep to be planned.
pub(crate) fn bounded(sql: &str) -> PgWireResult<()> {
    let checked = block_in_place(|| query::check(sql, &PostgreSqlDialect {}));
    checked.map_err(|found| {
        let code = match found {
            TooComplex::Bytes(_) | TooComplex::Tokens(_) => "54000",
            TooComplex::NoThread(_) => "53200",
            _ => "54001",
        };
        error(code, found.to_string())
    })
}

fn is_of_postgres(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.starts_with("pg_") && name.bytes().all(is_letter)
}

/// The engine's parser, of mended queries.
#[derive(Clone)]
pub(crate) struct Mending {
    /// The parser.
    pub(crate) parser: Arc<Parser>,
    /// What queries are analysed with.
    pub(crate) session: Arc<SessionContext>,
    /// Where queries run.
    pub(crate) engine: Handle,
}

#[async_trait]
impl QueryParser for Mending {
    type Statement = <Parser as QueryParser>::Statement;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let sql = mended(sql);
        bounded(&sql)?;
        Within::new(&self.engine, self.parser.parse_sql(client, &sql, types)).await?
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        self.parser.get_parameter_types(statement)
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        // A plan has the types of its columns for sure only when it is analysed.
        let analysed = || {
            statement.1.as_ref().and_then(|(parsed, plan)| {
                let state = self.session.state();
                let plan = state
                    .analyzer()
                    .execute_and_check(plan.clone(), state.config_options(), |_, _| {})
                    .ok()?;
                Some((statement.0.clone(), Some((parsed.clone(), plan))))
            })
        };
        let typed = block_in_place(|| query::on_large_stack(analysed)).flatten();
        self.parser.get_result_schema(typed.as_ref().unwrap_or(statement), format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_known_is_changed() {
        for (sql, expected) in [
            ("select 1", "select 1"),
            ("select 'pg_class'::regclass", "select 'pg_catalog.pg_class'::regclass"),
            (
                "select 'a', 'panel.region'::regclass, x = 'pg_type'::regclass and 'pg_x'",
                "select 'a', 'panel.region'::regclass, x = 'pg_catalog.pg_type'::regclass and 'pg_x'",
            ),
            ("select 'pg_catalog.pg_class'::regclass", "select 'pg_catalog.pg_class'::regclass"),
        ] {
            assert_eq!(mended(sql), expected);
        }
    }
}
