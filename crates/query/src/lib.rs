//! SQL over the tables of a lake: one DataFusion session, made in one place.
//!
//! Sessions only read. A statement that would change anything is refused.

mod interruptible;

use self::interruptible::InterruptibleJoins;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::MemorySchemaProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use lake::{Lake, TableVersion};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The session could not be made.
    #[error("failed to start the SQL engine")]
    Start(#[source] DataFusionError),
    /// A table could not be registered.
    #[error("failed to open table `{table}` for SQL")]
    Register {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: DataFusionError,
    },
    /// The text is not one SQL statement, names what is not there, or does what is not allowed.
    #[error("{}", plain(.0))]
    Plan(DataFusionError),
    /// The query broke while it ran.
    #[error("the query failed while running")]
    Run(#[source] DataFusionError),
}

impl QueryError {
    /// Whether a table is missing.
    pub fn is_about_a_table(&self) -> bool {
        let text = self.to_string();
        matches!(self, Self::Plan(_)) && text.contains("table '") && text.contains("not found")
    }
}

/// DataFusion's message without its wrappers ("Error during planning: ..."), which tell a user nothing.
pub fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Diagnostic(_, inner) => plain(inner),
        DataFusionError::Context(context, inner) => format!("{context}: {}", plain(inner)),
        DataFusionError::Plan(text) if text.contains("not supported: ") => {
            format!("the tables are published by `rebound run` and only read here ({text})")
        }
        DataFusionError::Plan(text) => text.clone(),
        DataFusionError::SchemaError(error, _) => {
            let text = error.to_string();
            match text.split_once("\nValid fields are") {
                // Of wide tables they say nothing more.
                Some((text, fields)) if fields.len() > 400 => text.to_owned(),
                _ => text,
            }
        }
        other => other.strip_backtrace(),
    }
}

/// What a session may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionParams {
    /// Partitions that run side by side. One makes sums of floats reproducible.
    pub threads: usize,
    /// Bytes of memory for sorts, joins and groups, beyond which they spill to disk.
    pub memory: usize,
}

/// A DataFusion session over tables of a lake.
pub struct Session {
    context: SessionContext,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The catalog (to PostgreSQL, the database) that the tables are in.
pub const CATALOG: &str = "rebound";
const ROOT: &str = "lake://root";

impl Session {
    /// A session over `lake`, without tables yet.
    ///
    /// # Errors
    ///
    /// [`QueryError::Start`] if the engine cannot be made.
    pub fn new(lake: &Lake, params: SessionParams) -> Result<Self, QueryError> {
        let mut config = SessionConfig::new()
            .with_target_partitions(params.threads.max(1))
            .with_information_schema(true)
            .with_default_catalog_and_schema(CATALOG, "public")
            // Text stays of the one type that the contracts name.
            .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
            .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
        // Numbers written with a point mean doubles here; only money is decimal.
        config.options_mut().sql_parser.parse_float_as_decimal = false;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(params.memory, 1.0)
            .build_arc()
            .map_err(QueryError::Start)?;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(InterruptibleJoins))
            .build();
        let context = SessionContext::new_with_state(state);
        let root = url::Url::parse(ROOT)
            .map_err(|e| QueryError::Start(DataFusionError::External(Box::new(e))))?;
        context.register_object_store(&root, lake.store());
        Ok(Self { context })
    }

    /// DataFusion's session, for what goes beyond reading: it does not refuse to change anything.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Makes a version of a table known under its name, `schema.table`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if its files cannot be opened.
    pub fn register(&self, version: &TableVersion) -> Result<(), QueryError> {
        let broken = |source| QueryError::Register { table: version.table.clone(), source };
        let (schema, table) = version.table.split_once('.').unwrap_or(("public", &version.table));
        let catalog = self.context.catalog(CATALOG).ok_or_else(|| {
            broken(DataFusionError::Internal("the session has no catalog".to_owned()))
        })?;
        let provider = match catalog.schema(schema) {
            Some(provider) => provider,
            None => {
                let provider = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(schema, Arc::clone(&provider) as _).map_err(broken)?;
                provider as _
            }
        };
        let paths = version
            .files
            .iter()
            .map(|file| {
                ListingTableUrl::parse(format!("{ROOT}/{}/{}", version.folder(), file.name))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(broken)?;
        let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
        let config = ListingTableConfig::new_with_multi_paths(paths)
            .with_listing_options(options)
            .with_schema(lake::contract::schema(&version.columns));
        let listing = ListingTable::try_new(config).map_err(broken)?;
        provider.register_table(table.to_owned(), Arc::new(listing)).map_err(broken)?;
        Ok(())
    }

    /// The tables that `sql` reads, as `schema.table`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if it is not one SQL statement.
    pub fn tables_read(&self, sql: &str) -> Result<BTreeSet<String>, QueryError> {
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect).map_err(QueryError::Plan)?;
        let found = state.resolve_table_references(&statement).map_err(QueryError::Plan)?;
        Ok(found
            .into_iter()
            .map(|table| match table.schema() {
                Some(schema) => format!("{schema}.{}", table.table()),
                None => table.table().to_owned(),
            })
            .collect())
    }

    /// Makes rows in memory known under a name.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if the rows differ in their columns.
    pub fn register_rows(
        &self,
        table: &str,
        schema: SchemaRef,
        rows: Vec<RecordBatch>,
    ) -> Result<(), QueryError> {
        let broken = |source| QueryError::Register { table: table.to_owned(), source };
        let memory = MemTable::try_new(schema, vec![rows]).map_err(broken)?;
        self.context.register_table(table, Arc::new(memory)).map_err(broken)?;
        Ok(())
    }

    /// Makes a Parquet file of this machine known under a name.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if it cannot be opened.
    pub async fn register_parquet(&self, table: &str, path: &str) -> Result<(), QueryError> {
        let options =
            ParquetReadOptions { skip_metadata: Some(true), ..ParquetReadOptions::default() };
        self.context
            .register_parquet(table, path, options)
            .await
            .map_err(|source| QueryError::Register { table: table.to_owned(), source })
    }

    /// Runs one statement that reads, and hands its rows on as they come.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault, [`QueryError::Run`] if running it is.
    pub async fn stream(
        &self,
        sql: &str,
        mut take: impl FnMut(&RecordBatch),
    ) -> Result<(), QueryError> {
        let mut rows = self.open(sql).await?;
        while let Some(batch) = rows.next().await? {
            take(&batch);
        }
        Ok(())
    }

    /// Starts one statement that reads.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault, [`QueryError::Run`] if it cannot be started.
    pub async fn open(&self, sql: &str) -> Result<Rows, QueryError> {
        let frame = self.frame(sql).await?;
        let schema = Arc::clone(frame.schema().inner());
        let stream = frame.execute_stream().await.map_err(QueryError::Run)?;
        Ok(Rows { schema, stream })
    }

    async fn frame(&self, sql: &str) -> Result<DataFrame, QueryError> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        self.context.sql_with_options(sql, options).await.map_err(QueryError::Plan)
    }

    /// Runs one statement that reads, and gathers its rows.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault, [`QueryError::Run`] if running it is.
    pub async fn run(&self, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>), QueryError> {
        let frame = self.frame(sql).await?;
        let schema = Arc::clone(frame.schema().inner());
        let batches = frame.collect().await.map_err(QueryError::Run)?;
        Ok((schema, batches))
    }
}

/// The rows of a running query.
pub struct Rows {
    /// Their columns.
    pub schema: SchemaRef,
    stream: SendableRecordBatchStream,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Rows {
    /// The next of them; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`QueryError::Run`] if the query breaks.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.stream.next().await.transpose().map_err(QueryError::Run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int32Array, StringArray};
    use arrow::util::pretty::pretty_format_batches;
    use lake::{Contract, Fingerprint};
    use std::time::{Duration, Instant};

    async fn session() -> Session {
        let lake = Lake::open("memory://").expect("a lake");
        let contract = Contract::of("space.product_year").expect("a contract");
        let draft = lake.draft(contract, "relatedness", &Fingerprint::of(b"x"), "now");
        let batch = RecordBatch::try_new(
            contract.schema(),
            vec![
                Arc::new(Int32Array::from(vec![2008, 2008, 2009])),
                Arc::new(StringArray::from(vec!["010110", "010190", "010110"])),
                Arc::new(arrow::array::Int64Array::from(vec![3, 1, 2])),
                Arc::new(Float64Array::from(vec![Some(0.5), None, None])),
                Arc::new(StringArray::from(vec![None, Some("x"), Some("x")])),
                Arc::new(Float64Array::from(vec![None; 3])),
                Arc::new(Float64Array::from(vec![None; 3])),
            ],
        )
        .expect("a batch");
        let version = lake.write(draft, vec![batch]).await.expect("written");
        let session = Session::new(&lake, SessionParams { threads: 2, memory: 1 << 28 });
        let session = session.expect("a session");
        session.register(&version).expect("registered");
        session
    }

    fn check(sql: &str, expected: &str) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let found = runtime.block_on(async { session().await.run(sql).await });
        let found = match found {
            Ok((_, batches)) => pretty_format_batches(&batches).expect("printable").to_string(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn reads_a_table_by_its_name() {
        check(
            "select year, sum(ubiquity) as n from space.product_year group by year order by year",
            "| 2008 | 4 |\n| 2009 | 2 |",
        );
    }

    #[test]
    fn what_is_not_there_is_named() {
        check("select * from space.nothing", "table 'rebound.space.nothing' not found");
        check("select nothing from space.product_year", "No field named nothing");
    }

    #[test]
    fn nothing_can_be_changed() {
        check("drop table space.product_year", "DDL not supported");
        check("create table x as select 1", "DDL not supported");
        check(
            "insert into space.product_year select * from space.product_year",
            "DML not supported",
        );
    }

    fn check_stops(sql: &'static str) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let session = Arc::new(runtime.block_on(session()));
        let value: arrow::array::ArrayRef = Arc::new(Int32Array::from_iter_values(0..300_000));
        let rows = RecordBatch::try_from_iter([("value", value)]).expect("rows");
        session.register_rows("many", rows.schema(), vec![rows]).expect("registered");
        let query = runtime.spawn(async move { session.run(sql).await.map(drop) });
        std::thread::sleep(Duration::from_millis(300));
        query.abort();
        let begun = Instant::now();
        let ended = runtime.block_on(query);
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it did not run long enough");
        runtime.shutdown_timeout(Duration::from_secs(60));
        assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
    }

    #[test]
    fn a_join_of_many_rows_can_be_stopped() {
        check_stops(
            "select sum(a.value * b.value) from many a join many b on a.value % 2 = b.value % 2",
        );
    }

    #[test]
    fn a_join_that_finds_nothing_can_be_stopped() {
        check_stops("select count(*) from many a join many b on a.value * b.value = -1");
    }

    #[test]
    fn a_join_in_steps_finds_what_it_must() {
        check(
            "select count(*) as n from range(1000) a join range(1000) b on a.value < b.value and a.value * b.value % 2 = 1",
            "| 124750 |",
        );
    }

    #[test]
    fn tables_of_a_text_are_found() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let session = runtime.block_on(session());
        let sql = "with x as (select 1) select * from a.b join x on true join c.d on true";
        let found: Vec<_> = session.tables_read(sql).expect("sql").into_iter().collect();
        assert_eq!(found, ["a.b", "c.d"]);
    }
}
