//! What is answered to whom.

use crate::connection::Shared;
use crate::facts::Facts;
use crate::flight::guarded::{Caller, caller};
use crate::flight::listing::{self, Listing};
use crate::flight::options;
use crate::flight::rows::{Described, described, planned};
use crate::flight::running::{Query, Running};
use crate::flight::seat::Entered;
use crate::flight::statements::{NotKept, Statement};
use crate::flight::status::{of_engine, ours, read_only, status, too_complex};
use crate::flight::tokens::Tokens;
use crate::flight::wire::{choice, field, packed, text};
use crate::limits::{Ending, Within, made_elsewhere};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes,
    CommandGetTables, CommandGetXdbcTypeInfo, CommandPreparedStatementQuery,
    CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementQuery,
    CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, IpcMessage, SchemaAsIpc, Ticket,
};
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use query::Quota;
use std::sync::Arc;
use tokio::task::block_in_place;
use tonic::{Request, Response, Status, Streaming};

/// Bytes of the parameters that a client binds.
const MOST_BOUND: usize = 16 << 20;

/// Actions beside those that the protocol's crate names.
const CANCEL: &str = "CancelFlightInfo";
const SET_OPTIONS: &str = "SetSessionOptions";
const GET_OPTIONS: &str = "GetSessionOptions";
const CLOSE_SESSION: &str = "CloseSession";

/// What the protocol says of a query that was cancelled, and of one that does not run.
const CANCELLED: i32 = 1;
const NOT_CANCELLABLE: i32 = 3;

type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// The service, whose callers are known.
#[derive(Debug)]
pub(crate) struct Service {
    shared: Arc<Shared>,
    tokens: Arc<Tokens>,
    running: Arc<Running>,
}

/// What is told where a statement is not open.
fn not_open() -> Status {
    Status::not_found("there is no such prepared statement on this connection: prepare it again")
}

fn not_kept(error: NotKept) -> Status {
    Status::resource_exhausted(error.to_string())
}

fn broken(error: FlightError) -> Status {
    Status::internal(error.to_string())
}

/// A schema as the protocol's messages have it.
fn message(schema: &Schema) -> Result<Bytes, Status> {
    let options = IpcWriteOptions::default();
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &options).try_into().map_err(ours)?;
    Ok(bytes)
}

/// Where the rows of what `request` describes are had: here, by a ticket that is `command`.
fn info(
    command: &impl ProstMessageExt,
    schema: &Schema,
    request: Request<FlightDescriptor>,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(packed(command)));
    let info = FlightInfo::new().try_with_schema(schema).map_err(ours)?;
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(request.into_inner())))
}

/// The rows of a batch that is there.
fn rows(batch: Result<RecordBatch, FlightError>) -> Result<Response<Messages>, Status> {
    let batch = batch.map_err(broken)?;
    let encoder = FlightDataEncoderBuilder::new().with_schema(batch.schema());
    let messages = encoder.build(stream::iter([Ok(batch)])).map_err(Status::from);
    Ok(Response::new(Box::pin(messages)))
}

/// The one row of values that a client binds.
async fn bound(messages: PeekableFlightDataStream) -> Result<Vec<ScalarValue>, Status> {
    let invalid = |error: &dyn std::fmt::Display| {
        Status::invalid_argument(format!("the parameters cannot be read: {error}"))
    };
    let messages = messages.map_err(FlightError::from);
    let mut batches = FlightRecordBatchStream::new_from_flight_data(messages);
    let mut values = None;
    let mut n_bytes = 0;
    while let Some(batch) = batches.try_next().await.map_err(|error| invalid(&error))? {
        n_bytes += batch.get_array_memory_size();
        if n_bytes > MOST_BOUND {
            let told = format!("the parameters have more than {} MiB", MOST_BOUND >> 20);
            return Err(Status::invalid_argument(told));
        }
        for row in 0..batch.num_rows() {
            let of_row =
                batch.columns().iter().map(|column| ScalarValue::try_from_array(column, row));
            let of_row = of_row.collect::<Result<Vec<_>, _>>().map_err(|error| invalid(&error))?;
            if values.replace(of_row).is_some() {
                return Err(Status::invalid_argument(
                    "a query takes one row of parameters, and several are bound",
                ));
            }
        }
    }
    Ok(values.unwrap_or_default())
}

impl Service {
    /// One that gives `tokens` to those who log in.
    pub(crate) fn new(shared: Arc<Shared>, tokens: Arc<Tokens>) -> Self {
        Self { shared, tokens, running: Arc::default() }
    }

    async fn enter(&self, caller: &Caller, database: &str) -> Result<Entered, Status> {
        caller.seat.enter(&self.shared, database, &caller.user).await
    }

    /// A session over the tables of `entered`, with memory of its own.
    fn session(&self, caller: &Caller, entered: &Entered) -> Result<SessionContext, Status> {
        let within = Some(Arc::clone(&self.shared.memory));
        let memory: Arc<dyn MemoryPool> = Arc::new(Quota::new(self.shared.quota, within));
        let facts = Arc::new(Facts::default());
        if !caller.user.is_empty() {
            facts.set_user(&caller.user);
        }
        if let Some(database) = &entered.of_run {
            facts.set_database(database);
        }
        let session = entered.publication.session_of(memory, &facts);
        session.map_err(|error| status(of_engine(error)))
    }

    /// What `work` gives, which plans `statement` in a session of the caller's, as long as that is
    /// not cancelled. Beside it comes what its rows need to go on.
    async fn plan<T, F>(
        &self,
        caller: &Caller,
        statement: &Statement,
        work: impl FnOnce(SessionContext) -> F,
    ) -> Result<(T, Entered, Ending, Query), Status>
    where
        T: Send,
        F: Future<Output = datafusion::error::Result<T>> + Send,
    {
        block_in_place(|| query::check(&statement.sql, &GenericDialect {})).map_err(too_complex)?;
        let entered = self.enter(caller, &statement.database).await?;
        let running = self.running.begin(&statement.name);
        let session = self.session(caller, &entered)?;
        let mut ending = Ending::new(self.shared.timeout, &running.cancel, &self.shared.n_running);
        let work = Within::new(&self.shared.engine, work(session));
        let done = ending.or(work).await.flatten().map_err(status)?;
        let done = done.map_err(|error| status(of_engine(error)))?;
        Ok((done, entered, ending, running))
    }

    /// Where the rows of a statement are had.
    fn info_of<'a>(
        &'a self,
        statement: &'a Statement,
        command: &'a (impl ProstMessageExt + Sync),
        request: Request<FlightDescriptor>,
    ) -> BoxFuture<'a, Result<Response<FlightInfo>, Status>> {
        Box::pin(async move {
            let caller = caller(&request)?;
            let work = |session| planned(session, statement);
            let (planned, ..) = self.plan(&caller, statement, work).await?;
            let mut info = info(command, &planned.schema, request)?;
            info.get_mut().total_records = planned.n_rows();
            Ok(info)
        })
    }

    /// The columns and the parameters of a statement.
    fn described<'a>(
        &'a self,
        caller: &'a Caller,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<Described, Status>> {
        Box::pin(async move {
            let work = |session| described(session, statement);
            let (described, ..) = self.plan(caller, statement, work).await?;
            Ok(described)
        })
    }

    /// The rows of a statement, as long as the client takes them. Until then what it reads stays
    /// open.
    async fn rows_of(
        &self,
        caller: &Caller,
        statement: &Statement,
    ) -> Result<Response<Messages>, Status> {
        let options = IpcWriteOptions::default();
        let options = options.try_with_compression(caller.compression).map_err(ours)?;
        let work = |session| async move { planned(session, statement).await?.start(options) };
        let (messages, entered, ending, running) = self.plan(caller, statement, work).await?;
        let messages = made_elsewhere(messages, &ending, &self.shared.engine, 1);
        let held = (entered, running);
        let messages = messages.map(move |message| {
            let _held = &held;
            message.map_err(status)
        });
        Ok(Response::new(Box::pin(messages)))
    }

    /// What a client that names no database in its call reads, or one that names `catalog`.
    async fn listed(&self, caller: &Caller, catalog: Option<&String>) -> Result<Entered, Status> {
        let named = catalog.filter(|name| name.contains('@'));
        self.enter(caller, named.unwrap_or(&caller.database)).await
    }

    /// Ends the query that the ticket of `info` is of.
    fn cancel(&self, caller: &Caller, info: &[u8]) -> i32 {
        let ticket = field(info, 3).and_then(|endpoint| field(endpoint, 1));
        let command = ticket.and_then(|ticket| field(ticket, 1)).unwrap_or_default();
        let kind = text(command, 1).unwrap_or_default();
        let handle = field(command, 2).and_then(|command| field(command, 1)).unwrap_or_default();
        let name = if kind == TicketStatementQuery::type_url() {
            Statement::of_handle(handle).map(|statement| statement.name)
        } else {
            caller.seat.prepared().get(handle).map(|statement| statement.name.clone())
        };
        if name.is_some_and(|name| self.running.cancel(&name)) {
            CANCELLED
        } else {
            NOT_CANCELLABLE
        }
    }

    /// Chooses a database for all calls of a connection.
    async fn choose(&self, caller: &Caller, request: &[u8]) -> Result<Vec<u8>, Status> {
        let chosen = options::chosen(request)
            .ok_or_else(|| Status::invalid_argument("the options of the session are malformed"))?;
        if let Some(database) = &chosen.database {
            self.enter(caller, database).await?;
            caller.seat.choose(database);
        }
        Ok(options::answer_to_choice(&chosen))
    }
}

#[async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<<Self as FlightService>::HandshakeStream>, Status> {
        let token = self.tokens.issue(&caller(&request)?.user);
        let shown = format!("Bearer {token}").parse();
        let shown = shown.map_err(|_| Status::internal("the token is no header"))?;
        let answer = HandshakeResponse { protocol_version: 0, payload: token.into() };
        let answers: <Self as FlightService>::HandshakeStream =
            Box::pin(stream::iter([Ok(answer)]));
        let mut response = Response::new(answers);
        response.metadata_mut().insert("authorization", shown);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let statement = Statement::new(&caller(&request)?.database, &query.query);
        let ticket = TicketStatementQuery { statement_handle: statement.handle() };
        self.info_of(&statement, &ticket, request).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let statement = Statement::of_handle(&ticket.statement_handle)
            .ok_or_else(|| Status::invalid_argument("the ticket is none that this server gave"))?;
        self.rows_of(&caller(&request)?, &statement).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let caller = caller(&request)?;
        let statement = Statement::new(&caller.database, &query.query);
        let described = self.described(&caller, &statement).await?;
        Ok(ActionCreatePreparedStatementResult {
            dataset_schema: message(&described.columns)?,
            parameter_schema: message(&described.parameters)?,
            prepared_statement_handle: caller.seat.prepared().keep(statement).map_err(not_kept)?,
        })
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let caller = caller(&request)?;
        let handle = query.prepared_statement_handle;
        let values = bound(request.into_inner()).await?;
        let mut prepared = caller.seat.prepared();
        prepared.get(&handle).ok_or_else(not_open)?;
        prepared.bind(&handle, values).map_err(not_kept)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let found = caller(&request)?.seat.prepared().get(&query.prepared_statement_handle);
        let statement = found.ok_or_else(not_open)?;
        if statement.values.is_empty() {
            // Its ticket is good on other connections too.
            let ticket = TicketStatementQuery { statement_handle: statement.handle() };
            return self.info_of(&statement, &ticket, request).await;
        }
        self.info_of(&statement, &query, request).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let caller = caller(&request)?;
        let found = caller.seat.prepared().get(&query.prepared_statement_handle);
        self.rows_of(&caller, &*found.ok_or_else(not_open)?).await
    }

    async fn do_action_close_prepared_statement(
        &self,
        query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        caller(&request)?.seat.prepared().close(&query.prepared_statement_handle);
        Ok(())
    }

    async fn do_action_cancel_query(
        &self,
        query: ActionCancelQueryRequest,
        request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        Ok(ActionCancelQueryResult { result: self.cancel(&caller(&request)?, &query.info) })
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        let caller = caller(&request)?;
        let action = request.into_inner();
        let body = match action.r#type.as_str() {
            CANCEL => {
                let cancelled = self.cancel(&caller, field(&action.body, 1).unwrap_or_default());
                choice(1, u64::try_from(cancelled).unwrap_or(0))
            }
            SET_OPTIONS => self.choose(&caller, &action.body).await?,
            GET_OPTIONS => {
                let entered = self.enter(&caller, &caller.database).await?;
                options::all(entered.of_run.as_deref().unwrap_or(query::CATALOG))
            }
            CLOSE_SESSION => {
                caller.seat.choose("");
                options::closed()
            }
            other => {
                let told = format!("there is no action `{other}` here");
                return Err(Status::unimplemented(told));
            }
        };
        let result = arrow_flight::Result { body: body.into() };
        Ok(Response::new(Box::pin(stream::iter([Ok(result)]))))
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        let actions = [
            (CANCEL, "Ends the query of a FlightInfo."),
            (SET_OPTIONS, "Chooses the database of a connection, as its catalog."),
            (GET_OPTIONS, "Says which database a connection reads."),
            (CLOSE_SESSION, "Goes back to what is published."),
        ];
        let action = |(name, about): (&str, &str)| {
            Ok(ActionType { r#type: name.to_owned(), description: about.to_owned() })
        };
        Some(actions.map(action).into())
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query, &query.into_builder().schema(), request)
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let entered = self.listed(&caller(&request)?, None).await?;
        rows(Listing::of(&entered).catalogs(query))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.clone().into_builder().schema();
        info(&query, &schema, request)
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let entered = self.listed(&caller(&request)?, query.catalog.as_ref()).await?;
        rows(Listing::of(&entered).schemas(query))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = query.clone().into_builder().schema();
        info(&query, &schema, request)
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let entered = self.listed(&caller(&request)?, query.catalog.as_ref()).await?;
        rows(Listing::of(&entered).tables(query))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query, &query.into_builder().schema(), request)
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        rows(listing::table_types(query))
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let entered = self.listed(&caller(&request)?, query.catalog.as_ref()).await?;
        let keys = Listing::of(&entered).primary_keys(&query).map_err(broken)?;
        info(&query, &keys.schema(), request)
    }

    async fn do_get_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let entered = self.listed(&caller(&request)?, query.catalog.as_ref()).await?;
        rows(Listing::of(&entered).primary_keys(&query))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query, &listing::no_foreign_keys().schema(), request)
    }

    async fn do_get_exported_keys(
        &self,
        _query: CommandGetExportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        rows(Ok(listing::no_foreign_keys()))
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query, &listing::no_foreign_keys().schema(), request)
    }

    async fn do_get_imported_keys(
        &self,
        _query: CommandGetImportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        rows(Ok(listing::no_foreign_keys()))
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query, &listing::no_foreign_keys().schema(), request)
    }

    async fn do_get_cross_reference(
        &self,
        _query: CommandGetCrossReference,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        rows(Ok(listing::no_foreign_keys()))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let server = listing::server(self.shared.timeout).map_err(broken)?;
        info(&query, &server.schema(), request)
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let server = listing::server(self.shared.timeout).map_err(broken)?;
        rows(query.into_builder(&server).build())
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let types = listing::types().map_err(broken)?;
        info(&query, &types.schema(), request)
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<Messages>, Status> {
        let types = listing::types().map_err(broken)?;
        rows(query.into_builder(&types).build())
    }

    async fn do_put_statement_update(
        &self,
        _query: CommandStatementUpdate,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(read_only())
    }

    async fn do_put_prepared_statement_update(
        &self,
        _query: CommandPreparedStatementUpdate,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(read_only())
    }

    async fn do_put_statement_ingest(
        &self,
        _query: CommandStatementIngest,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(read_only())
    }

    async fn do_put_fallback(
        &self,
        _request: Request<PeekableFlightDataStream>,
        _message: Any,
    ) -> Result<Response<<Self as FlightService>::DoPutStream>, Status> {
        Err(read_only())
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
