//! What is published, as a session that connections copy.

use crate::facts::Facts;
use crate::known::Known;
use crate::opaque::Opaque;
use crate::relations::Relations;
use crate::truths::Truths;
use crate::{catalog, databases, functions};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::setup_pg_catalog;
use lake::meta;
use lake::{Catalog, Fingerprint, HeldLease, HistoryError, KeptRun, Lake, LakeError, TableVersion};
use query::{CATALOG, QueryError, Session, SessionParams};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Why what is published cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// There is nothing.
    #[error("nothing is published in `{0}` yet: `rebound run` publishes")]
    Nothing(String),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// What a kept run published cannot be seen.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What a kept run published is not there in full.
    #[error("{why}. The other databases are {databases}")]
    Gone {
        /// What is gone.
        why: HistoryError,
        /// The newest databases.
        databases: String,
    },
    /// A table.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// PostgreSQL's own tables.
    #[error("failed to make PostgreSQL's catalog of the tables")]
    PgCatalog(#[source] Box<DataFusionError>),
}

/// The tables of one run, and PostgreSQL's catalog of them.
pub(crate) struct Publication {
    /// What is published.
    pub(crate) catalog: Catalog,
    context: Opaque<SessionContext>,
    known: Arc<Known>,
    /// Keeps collections of garbage from its files, as long as a client reads them. `None` where
    /// the lake cannot be written.
    lease: Mutex<Option<HeldLease>>,
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication").field("run", &self.catalog.run).finish_non_exhaustive()
    }
}

/// The catalog of `lake`.
pub(crate) async fn catalog(lake: &Lake) -> Result<Catalog, PublicationError> {
    lake.catalog().await?.ok_or_else(|| PublicationError::Nothing(lake.url().to_owned()))
}

/// A lease on all that `catalog` names.
async fn lease(lake: &Lake, catalog: &Catalog) -> Option<HeldLease> {
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    match lake.lease_on(&command, &[catalog], &Handle::current()).await {
        Ok(lease) => Some(lease),
        Err(error) => {
            tracing::warn!(
                %error,
                "no lease on the tables: once another run is published, `rebound gc` may remove what clients still read, who are told then"
            );
            None
        }
    }
}

impl Publication {
    /// Opens every table of `catalog` under a lease, after a look whether its files are there.
    pub(crate) async fn open(
        lake: &Lake,
        catalog: Catalog,
        params: SessionParams,
    ) -> Result<Self, PublicationError> {
        let lease = lease(lake, &catalog).await;
        for version in catalog.tables.values() {
            lake.verify(version).await?;
        }
        let now = catalog.run.clone();
        Self::leased(lake, catalog, &now, params, lease).await
    }

    /// The same of what a kept run published, while `now` is published.
    pub(crate) async fn of_kept(
        lake: &Lake,
        run: &KeptRun,
        now: &Catalog,
        params: SessionParams,
    ) -> Result<Self, PublicationError> {
        let lease = lease(lake, &run.catalog).await;
        let versions: Vec<&TableVersion> = run.catalog.tables.values().collect();
        lake.verify_kept(run, versions).await?;
        Self::leased(lake, run.catalog.clone(), &now.run, params, lease).await
    }

    /// Opens every table of `catalog`, whose files are there, while the run `now` is published.
    async fn leased(
        lake: &Lake,
        catalog: Catalog,
        now: &str,
        params: SessionParams,
        lease: Option<HeldLease>,
    ) -> Result<Self, PublicationError> {
        let session = Session::new(lake, params)?;
        for version in catalog.tables.values() {
            session.register(version)?;
        }
        // As the records of runs were when the tables were opened.
        let runs = lake.runs().await?;
        let of_meta = meta::contracts();
        let names = of_meta.iter().map(|contract| contract.table.to_owned()).collect();
        session.register_meta(&runs, &catalog, &names).await?;
        let mut context = session.context().clone();
        setup_pg_catalog(&context, CATALOG, EmptyContextProvider)
            .map_err(PublicationError::PgCatalog)?;
        let broken = |error| PublicationError::PgCatalog(Box::new(error));
        let nothing = Fingerprint::of(b"");
        let described: Vec<TableVersion> = of_meta
            .iter()
            .map(|contract| lake.draft(contract, meta::SCHEMA, &nothing, &catalog.published_at))
            .collect();
        let mut relations = Relations::new();
        for version in catalog.tables.values().chain(&described) {
            relations.add(version);
        }
        let databases = databases::all(&runs, now);
        let made = catalog::register(&context, relations, &databases).await.map_err(broken)?;
        functions::register_all(&context, &made);
        context.register_expr_planner(Arc::new(Truths)).map_err(broken)?;
        let known = Arc::new(Known::of(&made));
        let context = Opaque::new(context);
        Ok(Self { catalog, context, known, lease: Mutex::new(lease) })
    }

    /// Lets go of its files.
    pub(crate) async fn release(&self) {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lease) = lease
            && let Err(error) = lease.release().await
        {
            tracing::warn!(%error, "the lease on the tables expires by itself");
        }
    }

    /// Which tables there are.
    pub(crate) fn known(&self) -> &Arc<Known> {
        &self.known
    }

    /// A session over the same tables, with memory of its own, for a client of which `facts` are
    /// known.
    pub(crate) fn session_of(
        &self,
        memory: Arc<dyn MemoryPool>,
        facts: &Arc<Facts>,
    ) -> Result<SessionContext, DataFusionError> {
        let runtime = RuntimeEnvBuilder::from_runtime_env(&self.context.runtime_env())
            .with_memory_pool(memory)
            .build_arc()?;
        let state = self.context.state();
        let mut config = query::with_memory(state.config().clone(), &runtime.memory_pool)
            .with_extension(Arc::clone(facts))
            // There is one of our own.
            .with_information_schema(false);
        config.options_mut().sql_parser.collect_spans = true;
        let state = SessionStateBuilder::new_from_existing(state)
            .with_config(config)
            .with_runtime_env(runtime)
            .build();
        let session = SessionContext::new_with_state(state);
        functions::register_of_session(&session, facts, &self.known);
        Ok(session)
    }
}
