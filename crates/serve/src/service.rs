//! Answers statements in a session: reads their text, hands them to the hooks, plans and runs what
//! is left.

use crate::copy_out::{self, CopyOut};
use crate::cursors::Cursors;
use crate::encoded;
use crate::errors::{error, told_in};
use crate::facts::Facts;
use crate::known::Known;
use crate::limits::Within;
use crate::opaque::Opaque;
use crate::parameters;
use crate::read_only::ReadOnly;
use crate::rewrite::rewrite;
use crate::settings::Settings;
use async_trait::async_trait;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::portal::{Format, Portal};
use datafusion_postgres::pgwire::api::results::{FieldInfo, Response};
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::{ClientInfo, Type};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::types::format::FormatOptions;
use futures::future::BoxFuture;
use query::TooComplex;
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// A statement that is prepared: its text as it came, and what it is read as.
pub(crate) type Prepared = (String, Option<(Statement, LogicalPlan)>);

/// Answers statements in a session.
pub(crate) struct Service {
    session: Opaque<SessionContext>,
    hooks: Vec<Arc<dyn QueryHook>>,
    cursors: Arc<Cursors>,
    known: Arc<Known>,
    facts: Arc<Facts>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("facts", &self.facts).finish_non_exhaustive()
    }
}

fn failed(error: datafusion::error::DataFusionError) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
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

/// What lists tables in words that PostgreSQL does not have.
const TABLES: &str = "SELECT table_schema, table_name, table_type FROM information_schema.tables \
                      WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2";

/// The statements of a text.
fn statements(sql: &str) -> Result<Vec<Statement>, ParserError> {
    let dialect = PostgreSqlDialect {};
    let mut tokens = Parser::new(&dialect).try_with_sql(sql)?.into_tokens();
    for token in &mut tokens {
        // The parser knows it by its other name only.
        if matches!(&token.token, Token::Word(word) if word.keyword == Keyword::ABORT) {
            token.token = Token::make_keyword("ROLLBACK");
        }
    }
    let parsed = Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements()?;
    let mut statements = Vec::with_capacity(parsed.len());
    for statement in parsed {
        match statement {
            Statement::ShowTables { .. } => statements.extend(Parser::parse_sql(&dialect, TABLES)?),
            other => statements.push(other),
        }
    }
    Ok(statements)
}

impl Service {
    /// A service over `session`, whose tables are `known`.
    pub(crate) fn new(
        session: Opaque<SessionContext>,
        known: Arc<Known>,
        facts: Arc<Facts>,
    ) -> Self {
        let cursors = Arc::new(Cursors::default());
        let hooks: Vec<Arc<dyn QueryHook>> = vec![
            Arc::new(ReadOnly),
            Arc::new(CopyOut),
            Arc::clone(&cursors) as Arc<dyn QueryHook>,
            Arc::new(Settings(Arc::clone(&facts))),
            Arc::new(SetShowHook),
            Arc::new(TransactionStatementHook),
        ];
        Self { session, hooks, cursors, known, facts }
    }

    /// The statements of a text, each as it came.
    fn read(&self, sql: &str) -> PgWireResult<Vec<Statement>> {
        statements(sql).map_err(|error| told_in(PgWireError::ApiError(Box::new(error)), sql))
    }

    /// The statement in words that the engine knows.
    fn mended(&self, mut statement: Statement) -> PgWireResult<Statement> {
        copy_out::read_query(&mut statement);
        rewrite(&mut statement, &self.known, &self.facts.search_path())?;
        Ok(statement)
    }

    async fn plan(&self, statement: &Statement) -> PgWireResult<LogicalPlan> {
        let statement = EngineStatement::Statement(Box::new(statement.clone()));
        self.session.state().statement_to_plan(statement).await.map_err(failed)
    }

    /// Answers the statements of a text, one after the other.
    pub(crate) fn simple<'a>(
        &'a self,
        client: &'a mut dyn HookClient,
        sql: &'a str,
    ) -> BoxFuture<'a, PgWireResult<Vec<Response>>> {
        Box::pin(async move {
            let statements = self.read(sql)?;
            if statements.is_empty() {
                return Ok(vec![Response::EmptyQuery]);
            }
            let mut responses = Vec::with_capacity(statements.len());
            for statement in statements {
                let answered = self.answer(client, statement).await;
                responses.push(answered.map_err(|error| told_in(error, sql))?);
            }
            Ok(responses)
        })
    }

    async fn answer(
        &self,
        client: &mut dyn HookClient,
        statement: Statement,
    ) -> PgWireResult<Response> {
        let statement = self.mended(statement)?;
        for hook in &self.hooks {
            let answered = hook.handle_simple_query(&statement, &self.session, client).await;
            if let Some(answered) = answered {
                self.ended(&answered, client);
                return answered;
            }
        }
        let plan = self.plan(&statement).await?;
        let frame = self.session.execute_logical_plan(plan).await.map_err(failed)?;
        let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
        Ok(Response::Query(encoded::rows(frame, &Format::UnifiedText, Some(options)).await?))
    }

    /// Runs a prepared statement with the parameters that are bound to it.
    pub(crate) fn extended<'a>(
        &'a self,
        client: &'a mut dyn HookClient,
        portal: &'a Portal<Prepared>,
    ) -> BoxFuture<'a, PgWireResult<Response>> {
        Box::pin(async move {
            let (sql, prepared) = &portal.statement.statement;
            let Some((statement, plan)) = prepared else { return Ok(Response::EmptyQuery) };
            let run = self.run(client, portal, statement, plan).await;
            run.map_err(|error| told_in(error, sql))
        })
    }

    async fn run(
        &self,
        client: &mut dyn HookClient,
        portal: &Portal<Prepared>,
        statement: &Statement,
        plan: &LogicalPlan,
    ) -> PgWireResult<Response> {
        let values = parameters::values(portal, plan)?;
        let options = Arc::new(FormatOptions::from_client_metadata(client.metadata()));
        let format = &portal.result_column_format;
        if let Some(fetched) = self.cursors.fetched(statement, format, &options) {
            return fetched;
        }
        for hook in &self.hooks {
            let answered =
                hook.handle_extended_query(statement, plan, &values, &self.session, client).await;
            if let Some(answered) = answered {
                self.ended(&answered, client);
                return answered;
            }
        }
        let plan = plan.clone().replace_params_with_values(&values).map_err(failed)?;
        let frame = self.session.execute_logical_plan(plan).await.map_err(failed)?;
        Ok(Response::Query(encoded::rows(frame, format, Some(options)).await?))
    }

    /// Closes cursors where the transaction has ended.
    fn ended(&self, answered: &PgWireResult<Response>, client: &mut dyn HookClient) {
        if matches!(answered, Ok(Response::TransactionEnd(_))) {
            self.cursors.end_transaction(client);
        }
    }

    fn prepare<'a>(
        &'a self,
        client: &'a (dyn ClientInfo + Send + Sync),
        sql: &'a str,
    ) -> BoxFuture<'a, PgWireResult<Option<Prepared>>> {
        Box::pin(async move {
            let Some(statement) = self.read(sql)?.into_iter().next() else { return Ok(None) };
            let statement = self.mended(statement)?;
            for hook in &self.hooks {
                let planned =
                    hook.handle_extended_parse_query(&statement, &self.session, client).await;
                if let Some(planned) = planned {
                    return Ok(Some((sql.to_owned(), Some((statement, planned?)))));
                }
            }
            let plan = self.plan(&statement).await?;
            Ok(Some((sql.to_owned(), Some((statement, plan)))))
        })
    }

    /// The columns of a plan. It has their types for sure only when it is analysed.
    fn columns(&self, plan: &LogicalPlan, format: &Format) -> PgWireResult<Vec<FieldInfo>> {
        let analysed = || {
            let state = self.session.state();
            let options = state.config_options();
            state.analyzer().execute_and_check(plan.clone(), options, |_, _| {}).ok()
        };
        let typed = block_in_place(|| query::on_large_stack(analysed)).flatten();
        encoded::columns(typed.as_ref().unwrap_or(plan).schema().as_arrow(), format)
    }
}

/// Prepares statements.
#[derive(Debug, Clone)]
pub(crate) struct Preparing {
    pub(crate) service: Arc<Service>,
    /// Where queries run.
    pub(crate) engine: Handle,
}

impl Preparing {
    fn prepared<'a>(
        &'a self,
        client: &'a (dyn ClientInfo + Send + Sync),
        sql: &'a str,
    ) -> BoxFuture<'a, PgWireResult<Option<Prepared>>> {
        Box::pin(async move {
            bounded(sql)?;
            let prepared = Within::new(&self.engine, self.service.prepare(client, sql)).await?;
            prepared.map_err(|error| told_in(error, sql))
        })
    }
}

#[async_trait]
impl QueryParser for Preparing {
    type Statement = Prepared;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        self.prepared(client, sql).await
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        match &statement.1 {
            Some((_, plan)) => parameters::types(plan, &statement.0),
            None => Ok(Vec::new()),
        }
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        match &statement.1 {
            Some((_, plan)) => self.service.columns(plan, format.unwrap_or(&Format::UnifiedText)),
            None => Ok(Vec::new()),
        }
    }
}
