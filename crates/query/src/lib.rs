//! SQL over the tables of a lake, by one DataFusion session that is made in one place.
//!
//! Sessions only read: a statement that would change anything is refused. A number that cannot be
//! right, such as a sum that does not fit its type, is an error.

mod arithmetic;
mod asked_for;
mod bounds;
mod exact;
mod growing;
mod join_choice;
pub mod lineage;
mod looked_up;
mod lookup;
mod meaning;
mod memory;
mod meta;
mod one_input;
mod passing;
mod statements;
mod threads;
mod unchanged;

pub use self::bounds::{
    MOST_BYTES, MOST_LEVELS, MOST_PARTS, MOST_TOKENS, NoThread, Planning, TooComplex, check,
    on_large_stack, planning,
};
pub use self::growing::with_memory;
pub use self::meaning::{meaning, names_in, with_names, with_nulls, with_numbers, with_value};
pub use self::memory::{Memory, Quota};
pub use self::statements::{Statement, StatementEnd, statements};
pub use self::threads::{runtime, side_by_side, thread};

use self::arithmetic::{CheckedIntegers, Doubles};
use self::asked_for::JoinsAskedFor;
use self::growing::CountedFunctions;
use self::join_choice::ChosenJoins;
use self::passing::BoundedJoins;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::SortExpr;
use datafusion::optimizer::Analyzer;
use datafusion::prelude::{
    DataFrame, ParquetReadOptions, SessionConfig, SessionContext, ident, lit,
};
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use futures::{StreamExt, TryStreamExt};
use lake::{Lake, LakeError, PinnedStore, TableVersion};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
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
    /// The text is too long, or goes too deep.
    #[error(transparent)]
    Complex(#[from] TooComplex),
    /// There is nothing to plan it on.
    #[error(transparent)]
    NoThread(#[from] NoThread),
    /// A file of a table is not what it should be.
    #[error("{0}")]
    Lake(String),
}

/// What the lake says, if a file of it is at fault.
pub fn lake_fault(error: &DataFusionError) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(fault) = at.downcast_ref::<LakeError>() {
            return Some(fault.to_string());
        }
        // Shared errors hide what they are of.
        cause = match at.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::Shared(shared)) => Some(&**shared),
            _ => at.source(),
        };
    }
    None
}

/// An error of a query that ran.
fn broken(error: DataFusionError) -> QueryError {
    if let Some(fault) = lake_fault(&error) {
        return QueryError::Lake(fault);
    }
    match error.find_root() {
        DataFusionError::ParquetError(cause) => QueryError::Lake(format!(
            "a file cannot be read ({cause}): if it is the lake's, `rebound verify` says which, and `rebound run` makes its table again"
        )),
        _ => QueryError::Run(error),
    }
}

impl QueryError {
    /// Whether the text of the query is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Plan(_) => true,
            Self::Complex(found) => found.is_users(),
            _ => false,
        }
    }

    /// Whether it needed more memory than it may use.
    pub fn is_about_memory(&self) -> bool {
        match self {
            Self::Plan(error) | Self::Run(error) => {
                matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
            }
            _ => false,
        }
    }

    /// Whether a table is missing.
    pub fn is_about_a_table(&self) -> bool {
        let text = self.to_string();
        matches!(self, Self::Plan(_)) && text.contains("table '") && text.contains("not found")
    }
}

/// DataFusion's message without its wrappers ("Error during planning: ..."), which tell a user
/// nothing.
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
    /// Memory of its queries.
    pub memory: Memory,
}

/// A DataFusion session over tables of a lake.
pub struct Session {
    context: SessionContext,
    files: PinnedStore,
    threads: usize,
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
            .with_memory_pool(Arc::new(Quota::new(params.memory, None)))
            .build_arc()
            .map_err(QueryError::Start)?;
        let config = with_memory(config, &runtime.memory_pool);
        let mut rules = Analyzer::new().rules;
        rules.insert(0, Arc::new(Doubles));
        rules.push(Arc::new(CheckedIntegers));
        rules.push(Arc::new(CountedFunctions));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_expr_planners(vec![Arc::new(Doubles)])
            .with_default_features()
            .with_analyzer_rules(rules)
            .with_physical_optimizer_rule(Arc::new(ChosenJoins { memory: params.memory }))
            .with_physical_optimizer_rule(Arc::new(BoundedJoins))
            .with_physical_optimizer_rule(Arc::new(JoinsAskedFor))
            .build();
        let context = SessionContext::new_with_state(state);
        for function in exact::functions() {
            context.register_udaf(function);
        }
        let root = url::Url::parse(ROOT)
            .map_err(|e| QueryError::Start(DataFusionError::External(Box::new(e))))?;
        let files = lake.pinned_store();
        context.register_object_store(&root, Arc::new(files.clone()));
        Ok(Self { context, files, threads: params.threads })
    }

    /// DataFusion's session, for what goes beyond reading: it does not refuse to change anything.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The schema of this name, made if it is not there.
    fn schema(&self, name: &str) -> Result<Arc<dyn SchemaProvider>, DataFusionError> {
        let catalog = self
            .context
            .catalog(CATALOG)
            .ok_or_else(|| DataFusionError::Internal("the session has no catalog".to_owned()))?;
        if let Some(provider) = catalog.schema(name) {
            return Ok(provider);
        }
        let provider: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(name, Arc::clone(&provider))?;
        Ok(provider)
    }

    /// Makes a version of a table known under its name, `schema.table`. A query fails where one of
    /// its files is gone or has another size.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if its files cannot be opened.
    pub fn register(&self, version: &TableVersion) -> Result<(), QueryError> {
        self.rows_of(version)
            .and_then(|rows| self.name(&version.table, rows))
            .map_err(|source| QueryError::Register { table: version.table.clone(), source })
    }

    /// The same of the rows alone whose whole number in `column` is one of `numbers`.
    ///
    /// # Errors
    ///
    /// As [`Self::register`], also where there is no such column.
    pub fn register_within(
        &self,
        version: &TableVersion,
        column: &str,
        numbers: RangeInclusive<i32>,
    ) -> Result<(), QueryError> {
        let (first, last) = numbers.into_inner();
        let within = || {
            let rows = self.context.read_table(self.rows_of(version)?)?;
            let rows = rows.filter(ident(column).between(lit(first), lit(last)))?;
            self.name(&version.table, rows.into_view())
        };
        within().map_err(|source| QueryError::Register { table: version.table.clone(), source })
    }

    /// The rows of a version.
    fn rows_of(&self, version: &TableVersion) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let columns = lake::contract::schema(&version.columns);
        if version.files.is_empty() {
            // A part of a table may have no rows.
            return Ok(Arc::new(MemTable::try_new(columns, vec![Vec::new()])?));
        }
        let url = |path: String| ListingTableUrl::parse(format!("{ROOT}/{path}"));
        let paths = self.files.pin(version).into_iter().map(url);
        let paths = paths.collect::<Result<Vec<_>, _>>()?;
        let mut options = ListingOptions::new(Arc::new(ParquetFormat::default()));
        let order = order_of(version);
        // Several partitions would be merged to keep an order, which few queries ask for.
        if self.threads <= 1 && !order.is_empty() {
            options = options.with_file_sort_order(vec![order]);
        }
        let config = ListingTableConfig::new_with_multi_paths(paths)
            .with_listing_options(options)
            .with_schema(columns);
        Ok(Arc::new(ListingTable::try_new(config)?))
    }

    /// Gives rows their name, `schema.table`.
    fn name(&self, table: &str, rows: Arc<dyn TableProvider>) -> Result<(), DataFusionError> {
        let (schema, name) = table.split_once('.').unwrap_or(("public", table));
        self.schema(schema)?.register_table(name.to_owned(), rows).map(drop)
    }

    /// Forgets a table that is known under its name, so that another part of it can be.
    ///
    /// # Errors
    ///
    /// [`QueryError::Register`] if the session cannot forget it.
    pub fn forget(&self, name: &str) -> Result<(), QueryError> {
        let broken = |source| QueryError::Register { table: name.to_owned(), source };
        let (schema, table) = name.split_once('.').unwrap_or(("public", name));
        let provider = self.schema(schema).map_err(broken)?;
        provider.deregister_table(table).map_err(broken)?;
        Ok(())
    }

    /// The tables that `sql` reads, as `schema.table`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if it is not one SQL statement.
    pub fn tables_read(&self, sql: &str) -> Result<BTreeSet<String>, QueryError> {
        check(sql, &GenericDialect {})?;
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let found = on_large_stack(|| {
            let statement = state.sql_to_statement(sql, &dialect)?;
            state.resolve_table_references(&statement)
        });
        let found = found.ok_or(NoThread)?.map_err(QueryError::Plan)?;
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
        check(sql, &GenericDialect {})?;
        let opened = async {
            let frame = frame(&self.context, sql).await.map_err(QueryError::Plan)?;
            let planned = Arc::clone(frame.schema().inner());
            let stream = frame.execute_stream().await.map_err(broken)?;
            Ok(Rows { schema: typed(&planned, &stream.schema()), stream })
        };
        planning(opened, None).await?
    }

    /// How many rows a table has, which its files say.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub async fn n_rows(&self, table: &str) -> Result<usize, QueryError> {
        let (_, batches) = self.run(&format!("select count(*) from {table}")).await?;
        let counts = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
        Ok(counts.filter_map(|n| usize::try_from(n).ok()).sum())
    }

    /// Runs one statement that reads, and gathers its rows.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault, [`QueryError::Run`] if running it is.
    pub async fn run(&self, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>), QueryError> {
        let rows = self.open(sql).await?;
        let schema = Arc::clone(&rows.schema);
        Ok((schema, rows.all().await?))
    }
}

/// Plans one statement that reads, in a session that [`Session::new`] made or a copy of one. Its
/// text was found short and shallow enough by [`check`], and this is polled by [`planning`].
///
/// # Errors
///
/// DataFusion's if the text is not one SQL statement, names what is not there, or does what is not
/// allowed.
pub async fn frame(context: &SessionContext, sql: &str) -> Result<DataFrame, DataFusionError> {
    let options =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let state = context.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect)?;
    // Planning these looks at where they write or read, which is nobody's business here.
    let refused = match &statement {
        Parsed::CopyTo(_) => Some("DML not supported: COPY"),
        Parsed::CreateExternalTable(_) => Some("DDL not supported: CREATE EXTERNAL TABLE"),
        _ => None,
    };
    if let Some(refused) = refused {
        return Err(DataFusionError::Plan(refused.to_owned()));
    }
    let plan = state.statement_to_plan(statement).await?;
    options.verify_plan(&plan)?;
    context.execute_logical_plan(plan).await
}

/// The order that the rows of a version stand in: that of its key, as far as nothing in it is null.
fn order_of(version: &TableVersion) -> Vec<SortExpr> {
    let is_whole = |name: &&String| {
        version.columns.iter().any(|column| column.name == **name && !column.is_nullable)
    };
    version.key.iter().take_while(is_whole).map(|name| ident(name).sort(true, false)).collect()
}

/// The columns that were planned, with the types that they really have. Where an expression may
/// come to several types, a plan takes the first of them.
pub fn typed(planned: &Schema, found: &Schema) -> SchemaRef {
    let columns =
        planned.fields().iter().zip(found.fields()).map(|(planned, found)| {
            planned.as_ref().clone().with_data_type(found.data_type().clone())
        });
    Arc::new(Schema::new_with_metadata(columns.collect::<Vec<Field>>(), planned.metadata().clone()))
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
        self.stream.next().await.transpose().map_err(broken)
    }

    /// All that are left.
    ///
    /// # Errors
    ///
    /// [`QueryError::Run`] if the query breaks.
    pub async fn all(self) -> Result<Vec<RecordBatch>, QueryError> {
        self.stream.try_collect().await.map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray, Float64Array, Int32Array, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Int32Type};
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::scalar::ScalarValue;
    use lake::{Column, Contract, Fingerprint, Kind};
    use std::time::{Duration, Instant};

    async fn session() -> Session {
        let lake = Lake::open("memory://").expect("a lake");
        let version = written(&lake).await;
        let session = Session::new(
            &lake,
            SessionParams { threads: 2, memory: Memory { mib: 256, setting: "`memory`" } },
        );
        let session = session.expect("a session");
        session.register(&version).expect("registered");
        session
    }

    fn contract() -> Contract {
        let columns = [
            ("year", Kind::Int, false),
            ("product", Kind::Text, false),
            ("ubiquity", Kind::Count, false),
            ("pci", Kind::Float, true),
            ("pci_null_reason", Kind::Text, true),
            ("fitness_complexity", Kind::Float, true),
            ("prody", Kind::Float, true),
        ];
        let columns = columns.map(|(name, kind, is_nullable)| Column {
            name: name.to_owned(),
            kind,
            is_nullable,
            unit: String::new(),
            about: String::new(),
        });
        Contract {
            table: "space.product_year",
            about: "a product's place in the product space of the year",
            key: &["year", "product"],
            columns: columns.to_vec(),
        }
    }

    async fn written(lake: &Lake) -> TableVersion {
        let contract = contract();
        let draft = lake.draft(&contract, "relatedness", &Fingerprint::of(b"x"), "now");
        let batch = RecordBatch::try_new(
            contract.schema(),
            vec![
                Arc::new(Int32Array::from(vec![2008, 2008, 2009])),
                Arc::new(StringArray::from(vec!["010110", "010190", "010110"])),
                Arc::new(Int64Array::from(vec![3, 1, 2])),
                Arc::new(Float64Array::from(vec![Some(0.5), None, None])),
                Arc::new(StringArray::from(vec![None, Some("x"), Some("x")])),
                Arc::new(Float64Array::from(vec![None; 3])),
                Arc::new(Float64Array::from(vec![None; 3])),
            ],
        )
        .expect("a batch");
        lake.write(draft, vec![batch]).await.expect("written")
    }

    #[test]
    fn rows_of_a_table_are_counted() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        runtime.block_on(async {
            let session = session().await;
            let (_, batches) = session.run("select * from space.product_year").await.expect("rows");
            let n_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert!(n_rows > 0);
            assert_eq!(session.n_rows("space.product_year").await.expect("a number"), n_rows);
            assert!(session.n_rows("space.absent").await.is_err());
        });
    }

    fn check(sql: &str, expected: &str) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let found = runtime.block_on(async { session().await.run(sql).await });
        let found = match found {
            Ok((_, batches)) => pretty_format_batches(&batches).expect("printable").to_string(),
            Err(error) => told(&error),
        };
        assert!(found.contains(expected), "{found}");
    }

    /// An error with its cause, as the edge prints them.
    fn told(error: &QueryError) -> String {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    }

    #[test]
    fn reads_a_table_by_its_name() {
        check(
            "select year, sum(ubiquity) as n from space.product_year group by year order by year",
            "| 2008 | 4 |\n| 2009 | 2 |",
        );
    }

    #[test]
    fn a_table_that_is_forgotten_can_be_another_part_of_it() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let whole = runtime.block_on(written(&lake));
        let params = SessionParams { threads: 1, memory: Memory { mib: 256, setting: "`memory`" } };
        let session = Session::new(&lake, params).expect("a session");
        let n_rows = || -> Result<usize, QueryError> {
            let asked = session.run("select year from space.product_year");
            runtime.block_on(asked).map(|(_, rows)| rows.iter().map(RecordBatch::num_rows).sum())
        };
        session.register(&whole).expect("registered");
        assert_eq!(n_rows().ok(), Some(3));
        session.forget("space.product_year").expect("forgotten");
        assert!(n_rows().is_err());
        let none = TableVersion { files: Vec::new(), ..whole.clone() };
        session.register(&none).expect("registered");
        assert_eq!(n_rows().ok(), Some(0));
        session.forget("space.product_year").expect("forgotten");
        session.register(&whole).expect("registered");
        assert_eq!(n_rows().ok(), Some(3));
        session.forget("space.product_year").expect("forgotten");
        for (years, n) in [(2007..=2009, 3), (2008..=2008, 2), (2009..=2010, 1), (2010..=2011, 0)] {
            session.register_within(&whole, "year", years.clone()).expect("registered");
            assert_eq!(n_rows().ok(), Some(n), "{years:?}");
            session.forget("space.product_year").expect("forgotten");
        }
        assert!(session.register_within(&whole, "month", 1..=2).is_err());
    }

    #[test]
    fn files_are_read_in_the_order_of_the_version_wherever_they_are() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let year = Column {
            name: "year".to_owned(),
            kind: Kind::Int,
            is_nullable: false,
            unit: String::new(),
            about: String::new(),
        };
        let contract =
            Contract { table: "test.year", about: "a year", key: &["year"], columns: vec![year] };
        let version = |year: i32| {
            let made_from = Fingerprint::of(&year.to_le_bytes());
            let draft = lake.draft(&contract, "test", &made_from, "now");
            let years: Arc<dyn Array> = Arc::new(Int32Array::from(vec![year]));
            let batch = RecordBatch::try_new(contract.schema(), vec![years]).expect("a batch");
            runtime.block_on(lake.write(draft, vec![batch])).expect("written")
        };
        let made: Vec<TableVersion> = (2001..=2012).map(version).collect();
        let files = made.iter().flat_map(|version| version.files.clone()).collect();
        let whole = TableVersion { files, ..made[0].clone() };
        let params = SessionParams { threads: 1, memory: Memory { mib: 256, setting: "`memory`" } };
        let session = Session::new(&lake, params).expect("a session");
        session.register(&whole).expect("registered");
        let (_, batches) =
            runtime.block_on(session.run("select year from test.year")).expect("rows");
        let found: Vec<i32> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec())
            .collect();
        assert_eq!(found, (2001..=2012).collect::<Vec<i32>>());
    }

    #[test]
    fn a_file_that_is_gone_or_cut_is_an_error_and_not_no_rows() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        for is_cut in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let lake = Lake::open(folder.path().to_str().expect("utf-8")).expect("a lake");
            let version = runtime.block_on(written(&lake));
            let session = Session::new(
                &lake,
                SessionParams { threads: 2, memory: Memory { mib: 256, setting: "`memory`" } },
            );
            let session = session.expect("a session");
            session.register(&version).expect("registered");
            let path = folder.path().join(&version.files[0].path);
            if is_cut {
                std::fs::write(path, "PAR1").expect("written");
            } else {
                std::fs::remove_file(path).expect("removed");
            }
            for sql in [
                "select count(*), sum(ubiquity) from space.product_year",
                "select count(*) from space.product_year",
                "select * from space.product_year where year = 1990",
            ] {
                let error = runtime.block_on(session.run(sql)).expect_err("no file").to_string();
                let found = if is_cut { "4 bytes" } else { "gone" };
                let expected = format!(
                    "file `{}` of table `space.product_year` is {found}: expected",
                    version.files[0].path
                );
                assert!(error.starts_with(&expected), "{sql}: {error}");
            }
        }
    }

    #[test]
    fn decimals_of_too_many_digits_are_an_error() {
        let money = "cast(99999999999999999.99 as decimal(20, 2))";
        check(&format!("select {money} * {money} as x"), "is too large to store");
        check(&format!("select {money} * {money} * {money} as x"), "Overflow happened on");
        check(
            &format!("select sum(x) from (select {money} * x as x from (values ({money})) t(x))"),
            "is too large to store",
        );
        check("select cast(2 as decimal(20, 2)) * cast(3 as decimal(20, 2)) * 4 as x", "24.0000");
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
        let value: arrow::array::ArrayRef = Arc::new(Int64Array::from_iter_values(0..300_000));
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

    /// Amounts of money `a` and `b`, the same as doubles `x` and `y`, and a whole number.
    const MONEY: &str = "with money as (select cast(column1 as decimal(20, 2)) as a, cast(column2 as decimal(20, 2)) as b, \
                         cast(column1 as double) as x, cast(column2 as double) as y, cast(column3 as bigint) as n \
                         from (values (10, 3, 3), (2, 7, 7), (1, 1000000000, 4)))";

    fn check_true(query: &str) {
        check(&format!("{MONEY} select ok from ({query}) t(ok)"), "| true |");
    }

    #[test]
    fn money_becomes_a_double_where_it_is_divided() {
        for query in [
            "select cast(1 as decimal(20, 2)) / 1000000000 = 1e-9",
            "select bool_and(a / b = x / y) from money",
            "select bool_and(a / n = x / n) from money",
            "select bool_and(n / a = n / x) from money",
            "select bool_and(a / cast(3 as decimal(5, 2)) = x / 3) from money",
            "select bool_and(a / b / b = x / y / y) from money",
            "select bool_and(ln(a / b) = ln(x / y)) from money",
            "select sum(a) / sum(b) = sum(x) / sum(y) from money",
            "select sum(a / b) = sum(x / y) from money",
            "select count(*) = 1 from money where a / b < 1e-8",
            "select (select max(a / b) from money) = 10.0 / 3",
            "select (select sum(a) from money) / 7 = 13.0 / 7",
            "select count(*) = 3 from money l join money r on l.a / l.b = r.x / r.y",
            "select bool_and(share = x / 13) from (select x, a / sum(a) over () as share from money)",
            "select a = 10 from money order by a / b desc limit 1",
            "select bool_and(arrow_typeof(q) = 'Float64') from (select a / b as q from money group by a / b)",
            "select count(*) = 3 from money group by a / b > 100",
            "select cast(1 as decimal(20, 2)) / 0 = cast('inf' as double)",
        ] {
            check_true(query);
        }
        check(&format!("{MONEY} select a / b from money"), "| money.a / money.b ");
    }

    #[test]
    fn money_beside_doubles_is_a_double() {
        for query in [
            "select bool_and(case when n > 3 then a else a / b end = case when n > 3 then x else x / y end) from money",
            "select bool_and(coalesce(a / nullif(b, 3), b) = coalesce(x / nullif(y, 3), y)) from money",
            "select min(q) = 2.0 / 7 from (select a as q from money where n = 3 union all select a / b from money where n = 7)",
            "select count(*) = 0 from money where a - a >= 1e-20",
            "select count(*) = 0 from money where a - a between 1e-20 and 1",
        ] {
            check_true(query);
        }
    }

    #[test]
    fn means_and_medians_of_money_are_doubles() {
        for query in [
            "select avg(a) = 13.0 / 3 from money",
            "select mean(a) = 13.0 / 3 from money",
            "select avg(distinct a) = 13.0 / 3 and sum(distinct b) = 1000000010 from money",
            "select bool_and(m = x) from (select avg(a) as m, x from money group by x)",
            "select bool_and(m = 13.0 / 3) from (select avg(a) over () as m from money)",
            "select sum(m) = 8.5 from (select avg(a) over (order by a rows between 1 preceding and current row) as m from money)",
            "select avg(a) is null and sum(a) is null from money where n > 10",
            "select avg(a) filter (where n > 3) = 1.5 from money",
            "select median(q) = 0.375 from (select cast(column1 as decimal(20, 2)) as q from (values (0.25), (0.5)))",
            "select arrow_typeof(sum(a)) = 'Decimal128(30, 2)' from money",
        ] {
            check_true(query);
        }
    }

    #[test]
    fn parameters_that_divide_money_make_doubles() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let money = ScalarValue::Decimal128(Some(100_000_000_000), 20, 2);
        for (sql, value) in [
            ("select cast(1 as decimal(20, 2)) / $1 as q", ScalarValue::Float64(Some(1e9))),
            ("select cast(1 as decimal(20, 2)) / cast($1 as decimal(20, 2)) as q", money),
        ] {
            let batches = runtime.block_on(async {
                let session = session().await;
                let planned = session.context().sql(sql).await.expect("planned");
                assert_eq!(planned.schema().field(0).data_type(), &DataType::Float64, "{sql}");
                let bound = planned.with_param_values(vec![value]).expect("bound");
                bound.collect().await.expect("run")
            });
            let found = pretty_format_batches(&batches).expect("printable").to_string();
            assert!(found.contains("| 1e-9 |") || found.contains("| 0.000000001 |"), "{found}");
        }
    }

    #[test]
    fn integers_stay_integers() {
        check("select 7 / 2 as n", "| 3 |");
        check(
            "select arrow_typeof(year + 1) as a, arrow_typeof(year * year) as b, arrow_typeof(-year) as c \
             from space.product_year limit 1",
            "| Int64 | Int32 | Int32 |",
        );
        check("select sum(year + 1 - 2 * ubiquity) as n from space.product_year", "| 6016 |");
        check("select year + 1 from space.product_year", "year + Int64(1) |");
        check(
            "select sum(distinct ubiquity) as a, sum(distinct year) as b from space.product_year",
            "| 6 | 4017 |",
        );
        check(
            "select sum(ubiquity) filter (where year = 2008) as n from space.product_year",
            "| 4 |",
        );
        check(
            "select ubiquity, sum(ubiquity) over (order by ubiquity rows between 1 preceding and current row) as n \
             from space.product_year order by ubiquity",
            "| 1        | 1 |\n| 2        | 3 |\n| 3        | 5 |",
        );
    }

    fn check_overflows(query: &str) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let sql = format!(
            "with big as (select value + 9223372036854775800 as n, cast(value + 2147483640 as int) as i from range(8)) {query}"
        );
        let error = runtime.block_on(async { session().await.run(&sql).await }).expect_err(query);
        let found = told(&error);
        assert!(found.contains("verflow"), "{query}: {found}");
    }

    #[test]
    fn integers_that_overflow_are_an_error() {
        for query in [
            "select n + 1 from big",
            "select n * 2 from big",
            "select -n - 10 from big",
            "select i + i from big",
            "select i * i from big",
            "select 1 from big where n + 1 > 0",
            "select sum(n + 1) from big",
            "select count(*) from big group by n + 1",
            "select n from big order by n + 1",
            "select count(*) from big l join big r on l.n + r.n < 0",
            "select count(*) from big l join big r on l.n + 10 = r.n",
            "select case when n > 0 then n * 2 end from big",
            "select (select max(n) from big) + 1",
            "select 9223372036854775807 + 1",
            "select cast(2147483647 as int) + cast(1 as int)",
            "select -(-9223372036854775807 - 1)",
            "select abs(-9223372036854775807 - 1)",
            "select sum(n) from big",
            "select sum(distinct n), sum(distinct i) from big",
            "select i % 2, sum(n) from big group by i % 2",
            "select sum(n) over () from big",
            "select sum(n) over (order by n rows between 1 preceding and current row) from big",
        ] {
            check_overflows(query);
        }
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
