//! One client: its session over what is published, its memory, its transactions.

use crate::access::{self, Login, Proven, Users};
use crate::databases;
use crate::errors::{error, fatal, told};
use crate::facts::{Facts, RELEASE};
use crate::kept::{Kept, Opened};
use crate::limits::{Ending, Limits, Within, until};
use crate::opaque::Opaque;
use crate::publication::{Publication, PublicationError};
use crate::service::{Prepared, Preparing, Service, bounded};
use async_trait::async_trait;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::pgwire::api::auth::{
    DefaultServerParameterProvider, StartupHandler, finish_authentication,
};
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::results::{DescribePortalResponse, Response};
use datafusion_postgres::pgwire::api::stmt::{QueryParser, StoredStatement};
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{
    ClientInfo, ClientPortalStore, ErrorHandler, METADATA_DATABASE, METADATA_USER,
    PgWireServerHandlers, PidSecretKeyGenerator, RandomPidSecretKeyGenerator,
};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::response::TransactionStatus;
use datafusion_postgres::pgwire::messages::startup::SecretKey;
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures::Sink;
use lake::Lake;
use query::{Memory, Quota, SessionParams};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::spawn_blocking;

/// A client's setting, in milliseconds, as the protocol's crate keeps it.
const TIMEOUT: &str = "statement_timeout_ms";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How clients must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// With TLS or without.
    Any,
    /// With TLS.
    Encrypted,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    lake: Lake,
    params: SessionParams,
    published: RwLock<Arc<Publication>>,
    /// What kept runs published, as far as clients read it.
    pub(crate) kept: Kept,
    /// Numbers and secrets by which clients cancel.
    numbers: RandomPidSecretKeyGenerator,
    /// Those that run, by the number a client cancels them by.
    running: Mutex<BTreeMap<i32, (SecretKey, watch::Sender<()>)>>,
    pub(crate) users: Option<Users>,
    pub(crate) memory: Arc<dyn MemoryPool>,
    /// Bytes of a query.
    pub(crate) quota: Memory,
    pub(crate) timeout: Duration,
    pub(crate) transport: Transport,
    /// Where queries run.
    pub(crate) engine: Handle,
    /// Clients that may come in.
    permits: Arc<Semaphore>,
    /// Queries that run.
    pub(crate) n_running: Arc<()>,
}

impl Shared {
    /// Serves `published` of `lake` first.
    pub(crate) fn new(
        lake: Lake,
        published: Publication,
        users: Option<Users>,
        transport: Transport,
        limits: &Limits,
        engine: Handle,
    ) -> Self {
        Self {
            lake,
            params: limits.session(),
            published: RwLock::new(Arc::new(published)),
            kept: Kept::default(),
            numbers: RandomPidSecretKeyGenerator::default(),
            running: Mutex::default(),
            users,
            memory: Arc::new(Quota::new(limits.memory, None)),
            quota: limits.query_memory,
            timeout: limits.timeout,
            permits: Arc::new(Semaphore::new(limits.connections)),
            transport,
            engine,
            n_running: Arc::default(),
        }
    }

    /// What is published now.
    pub(crate) fn published(&self) -> Arc<Publication> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From here on, new queries read `publication`.
    pub(crate) fn publish(&self, publication: Publication) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(publication);
    }

    /// What `database` holds, if it is that of a kept run; `None` if it is that of what is
    /// published.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        database: &str,
        user: &str,
    ) -> PgWireResult<Option<Opened>> {
        let Some(asked) = databases::asked(database, user) else { return Ok(None) };
        let (shared, asked) = (Arc::clone(self), asked.to_owned());
        let front = Handle::current();
        let work = move || {
            let served = shared.published();
            front.block_on(shared.kept.open(&shared.lake, served, shared.params, &asked))
        };
        let done = spawn_blocking(work).await;
        let found = done.map_err(|error| fatal("XX000", &error.to_string()))?;
        found.map(Some).map_err(|error| refused(database, &error))
    }

    /// A place among the clients that may come in.
    pub(crate) fn place(&self) -> PgWireResult<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        permit.map_err(|_| fatal("53300", "sorry, too many clients already"))
    }
}

/// The session of a client.
struct Current {
    published: Arc<Publication>,
    service: Arc<Service>,
    /// Between BEGIN and COMMIT all queries read the same run.
    is_held: bool,
    /// In the database of a kept run they always do.
    is_of_kept_run: bool,
    /// Whether another run was gone over to: statements prepared before read the old one.
    has_moved: bool,
}

/// A client.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    memory: Arc<dyn MemoryPool>,
    current: Mutex<Current>,
    cancel: watch::Sender<()>,
    /// The number it is cancelled by, once it has one.
    number: Mutex<Option<i32>>,
    facts: Arc<Facts>,
    startup: Startup,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(number) = *locked(&self.number) {
            locked(&self.shared.running).remove(&number);
        }
    }
}

/// What answers queries over `published`, for a client of which `facts` are known.
fn opened(
    published: &Publication,
    memory: &Arc<dyn MemoryPool>,
    facts: &Arc<Facts>,
) -> datafusion::error::Result<Arc<Service>> {
    let session = Opaque::new(published.session_of(Arc::clone(memory), facts)?);
    Ok(Arc::new(Service::new(session, Arc::clone(published.known()), Arc::clone(facts))))
}

impl Connection {
    /// A client that has come.
    pub(crate) fn new(shared: &Arc<Shared>) -> datafusion::error::Result<Self> {
        let memory: Arc<dyn MemoryPool> =
            Arc::new(Quota::new(shared.quota, Some(Arc::clone(&shared.memory))));
        let published = shared.published();
        let facts = Arc::new(Facts::default());
        let service = opened(&published, &memory, &facts)?;
        let startup = Startup {
            login: shared.users.as_ref().map(Login::new),
            n_passwords: AtomicU32::new(0),
            permit: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::clone(shared),
            memory,
            current: Mutex::new(Current {
                published,
                service,
                is_held: false,
                is_of_kept_run: false,
                has_moved: false,
            }),
            cancel: watch::Sender::new(()),
            number: Mutex::new(None),
            facts,
            startup,
        })
    }

    /// The service over what is published now, or over what a transaction began with.
    fn service(&self) -> Arc<Service> {
        let current = &mut *locked(&self.current);
        let newest = self.shared.published();
        let stays = current.is_held || current.is_of_kept_run;
        if !stays && !Arc::ptr_eq(&newest, &current.published) {
            match opened(&newest, &self.memory, &self.facts) {
                Ok(service) => {
                    current.service = service;
                    current.published = newest;
                    current.has_moved = true;
                }
                // The last run can still be read.
                Err(error) => tracing::warn!(%error, "failed to go over to a new run"),
            }
        }
        Arc::clone(&current.service)
    }

    /// Goes over to `database`, if it is that of a kept run.
    async fn enter(&self, database: &str, user: &str) -> PgWireResult<()> {
        let Some(kept) = self.shared.enter(database, user).await? else { return Ok(()) };
        let service = opened(&kept.publication, &self.memory, &self.facts)
            .map_err(|error| fatal("XX000", &error.to_string()))?;
        self.facts.set_database(&kept.database);
        *locked(&self.current) = Current {
            published: kept.publication,
            service,
            is_held: false,
            is_of_kept_run: true,
            has_moved: false,
        };
        Ok(())
    }

    fn begin(&self, client: &(impl ClientInfo + ?Sized)) -> (Arc<Service>, Ending) {
        locked(&self.current).is_held =
            client.transaction_status() == TransactionStatus::Transaction;
        let number = &mut *locked(&self.number);
        if number.is_none() {
            let (of_client, secret) = client.pid_and_secret_key();
            locked(&self.shared.running).insert(of_client, (secret, self.cancel.clone()));
            *number = Some(of_client);
            self.facts.set_number(of_client);
        }
        let asked = client.metadata().get(TIMEOUT).and_then(|text| text.parse().ok());
        let limit = asked.map_or(self.shared.timeout, |millis| {
            Duration::from_millis(millis).min(self.shared.timeout)
        });
        (self.service(), Ending::new(limit, &self.cancel, &self.shared.n_running))
    }

    fn has_moved(&self) -> bool {
        locked(&self.current).has_moved
    }

    fn end(&self, responses: &[Response]) {
        for response in responses {
            match response {
                Response::TransactionStart(_) => locked(&self.current).is_held = true,
                Response::TransactionEnd(_) => {
                    locked(&self.current).is_held = false;
                    self.facts.end_transaction();
                }
                _ => {}
            }
        }
    }
}

/// What a client is told whose database cannot be opened.
fn refused(database: &str, error: &PublicationError) -> PgWireError {
    let is_absent = match error {
        PublicationError::History(error) => error.is_users(),
        PublicationError::Nothing(_) | PublicationError::Gone { .. } => true,
        _ => false,
    };
    let (code, what) =
        if is_absent { ("3D000", "does not exist") } else { ("58030", "cannot be opened") };
    let mut causes = vec![format!("database \"{database}\" {what}")];
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    fatal(code, &causes.join(": "))
}

/// A connection's handlers.
#[derive(Clone)]
pub(crate) struct Handlers(pub(crate) Arc<Connection>);

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::new(self.clone())
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::new(self.clone())
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::new(self.clone())
    }

    fn error_handler(&self) -> Arc<impl ErrorHandler> {
        Arc::new(self.clone())
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl SimpleQueryHandler for Handlers {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let (service, mut ending) = self.0.begin(client);
        bounded(query)?;
        let work = service.simple(client, query);
        let engine = &self.0.shared.engine;
        let responses = ending.or(Within::new(engine, work)).await???;
        self.0.end(&responses);
        Ok(responses.into_iter().map(|response| until(response, &ending, engine)).collect())
    }
}

#[async_trait]
impl ExtendedQueryHandler for Handlers {
    type Statement = Prepared;
    type QueryParser = Preparing;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        let engine = self.0.shared.engine.clone();
        Arc::new(Preparing { service: self.0.service(), engine })
    }

    async fn do_describe_portal<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
    ) -> PgWireResult<DescribePortalResponse>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let parser = self.query_parser();
        // A cursor has its text only.
        let of_cursor = match &portal.statement.statement {
            (text, None) => Some(text.clone()),
            (_, Some((Statement::Fetch { name, .. }, _))) => {
                let entry = client.portal_store().get_portal(&name.value);
                let cursor = entry.and_then(|entry| entry.value().map(Arc::clone));
                cursor.map(|cursor| cursor.statement.statement.0.clone())
            }
            _ => None,
        };
        let format = Some(&portal.result_column_format);
        let columns = match of_cursor {
            Some(text) => match parser.parse_sql(client, &text, &[]).await? {
                Some(statement) => parser.get_result_schema(&statement, format)?,
                None => Vec::new(),
            },
            None => parser.get_result_schema(&portal.statement.statement, format)?,
        };
        Ok(DescribePortalResponse::new(columns))
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let (service, mut ending) = self.0.begin(client);
        let renewed = if self.0.has_moved() { self.renewed(client, portal).await? } else { None };
        let portal = renewed.as_ref().unwrap_or(portal);
        let work = service.extended(client, portal);
        let engine = &self.0.shared.engine;
        let response = ending.or(Within::new(engine, work)).await???;
        self.0.end(std::slice::from_ref(&response));
        Ok(until(response, &ending, engine))
    }
}

impl Handlers {
    /// Whether clients prove who they are.
    pub(crate) fn is_by_password(&self) -> bool {
        self.0.startup.login.is_some()
    }

    /// The portal of a statement over the run that is read now. The statement may have been
    /// prepared over an older one.
    async fn renewed<C>(
        &self,
        client: &C,
        portal: &Portal<Prepared>,
    ) -> PgWireResult<Option<Portal<Prepared>>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let old = &portal.statement;
        let parser = self.query_parser();
        let types = &old.parameter_types;
        let Some(statement) = parser.parse_sql(client, &old.statement.0, types).await? else {
            return Ok(None);
        };
        let format = Some(&portal.result_column_format);
        let columns = |statement| {
            let columns = parser.get_result_schema(statement, format)?;
            let named = columns.iter().map(|c| (c.name().to_owned(), c.datatype().clone()));
            Ok::<_, PgWireError>(named.collect::<Vec<_>>())
        };
        if columns(&statement)? != columns(&old.statement)? {
            return Err(error("0A000", "cached plan must not change result type: the run published since has other columns"
                    .to_owned()));
        }
        let statement = StoredStatement::new(old.id.clone(), statement, types.clone());
        let mut renewed = Portal::new_cursor(portal.name.clone(), Arc::new(statement));
        renewed.parameter_format = portal.parameter_format.clone();
        renewed.parameters.clone_from(&portal.parameters);
        renewed.result_column_format = portal.result_column_format.clone();
        Ok(Some(renewed))
    }
}

impl ErrorHandler for Handlers {
    fn on_error<C>(&self, client: &C, error: &mut PgWireError)
    where
        C: ClientInfo,
    {
        *error = match std::mem::replace(error, PgWireError::NotReadyForQuery) {
            PgWireError::InvalidPassword(_) => {
                let name = client.metadata().get(METADATA_USER).cloned();
                PgWireError::InvalidPassword(name.unwrap_or_default())
            }
            error => told(error),
        };
        tracing::debug!(client = %client.socket_addr(), %error, "refused");
    }
}

#[async_trait]
impl CancelHandler for Handlers {
    async fn on_cancel_request(&self, request: CancelRequest) {
        if let Some((secret, cancel)) = locked(&self.0.shared.running).get(&request.pid)
            && secret.eq_value(&request.secret_key)
        {
            // Nobody waits if no query runs.
            let _ = cancel.send(());
        }
    }
}

/// How a client comes in.
struct Startup {
    login: Option<Login>,
    /// Messages with a part of a password that have come.
    n_passwords: AtomicU32,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

/// The message that proves a password: before it, a client takes nobody's place.
const PROOF: u32 = 2;

#[async_trait]
impl StartupHandler for Handlers {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let startup = &self.0.startup;
        let is_last = match (&startup.login, &message) {
            (None, _) => true,
            (_, PgWireFrontendMessage::PasswordMessageFamily(_)) => {
                startup.n_passwords.fetch_add(1, Ordering::Relaxed) + 1 == PROOF
            }
            _ => false,
        };
        if is_last {
            *locked(&startup.permit) = Some(self.0.shared.place()?);
        }
        if self.0.shared.transport == Transport::Encrypted && !client.is_secure() {
            return Err(fatal(
                "28000",
                "this server takes encrypted connections only: sslmode=require",
            ));
        }
        let proven = match &startup.login {
            Some(login) => login.answer(client, message).await,
            None => access::believe(client, message).await,
        };
        let done = match proven {
            Ok(Proven::Yes) => self.welcome(client).await,
            Ok(Proven::NotYet) => Ok(()),
            Err(error) => Err(error),
        };
        if done.is_err() {
            locked(&startup.permit).take();
        }
        done
    }
}

impl Handlers {
    /// Lets a client in that is who it says, to the database that it names.
    async fn welcome<C>(&self, client: &mut C) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let said = |key: &str| client.metadata().get(key).cloned();
        let user = said(METADATA_USER).unwrap_or_default();
        let database = said(METADATA_DATABASE).unwrap_or_else(|| user.clone());
        self.0.enter(&database, &user).await?;
        self.0.facts.set_user(&user);
        let said = client.metadata().iter();
        self.0.facts.begin(said.map(|(name, value)| (name.as_str(), value.as_str())));
        let (number, secret) = self.0.shared.numbers.generate(client);
        client.set_pid_and_secret_key(number, secret);
        let mut provider = DefaultServerParameterProvider::default();
        RELEASE.clone_into(&mut provider.server_version);
        provider.search_path = self.0.facts.setting("search_path").unwrap_or_default();
        provider.is_superuser = false;
        finish_authentication(client, &provider).await
    }
}
