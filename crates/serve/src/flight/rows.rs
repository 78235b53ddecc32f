//! Queries planned, and their rows as messages of Flight.

use crate::flight::in_order;
use crate::flight::statements::Statement;
use crate::flight::status::of_batches;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use datafusion::common::plan_datafusion_err;
use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion_postgres::pgwire::error::PgWireResult;
use futures::{Stream, StreamExt, TryStreamExt};
use std::sync::Arc;

/// A query that may be run.
#[derive(Debug)]
pub(crate) struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    /// How many parts of it are read at a time, where their order is that of its rows.
    in_order: Option<usize>,
    /// The columns that clients get.
    pub(crate) schema: SchemaRef,
}

/// The columns of a prepared statement and its parameters.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) columns: Schema,
    pub(crate) parameters: Schema,
}

/// The type that clients get for one of the engine's: texts are of one type, and no codes stand for
/// values.
fn plain(found: &DataType) -> DataType {
    match found {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => plain(values),
        other => other.clone(),
    }
}

fn plain_columns(found: &Schema) -> SchemaRef {
    let columns = found.fields().iter().map(|field| {
        let field = Field::new(field.name(), plain(field.data_type()), field.is_nullable());
        Arc::new(field)
    });
    Arc::new(Schema::new(columns.collect::<Vec<_>>()))
}

/// The types of the parameters of a query in their order, where they are known.
fn parameters(frame: &DataFrame) -> Result<Vec<Option<DataType>>> {
    let found = frame.logical_plan().get_parameter_types()?;
    let mut types = Vec::new();
    for (name, type_) in found {
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        // A query is too short for more.
        let number = number.filter(|number| (1..=query::MOST_TOKENS).contains(number));
        let place = number.ok_or_else(|| {
            plan_datafusion_err!("parameters are written ? or $1, $2 and so on; found {name}")
        })?;
        types.resize(types.len().max(place), None);
        types[place - 1] = type_;
    }
    Ok(types)
}

/// The physical plan of a query. Where its rows are those of one table, it keeps their order.
async fn physical(frame: DataFrame) -> Result<Planned> {
    let (mut state, plan) = frame.into_parts();
    let n_threads = state.config().target_partitions();
    let is_in_order = in_order::is_of_one_table(&plan);
    if is_in_order {
        let mut config = state.config().clone().with_target_partitions(1);
        // A part would give rows of whichever part is not yet read.
        config.options_mut().execution.enable_file_stream_work_stealing = false;
        state = SessionStateBuilder::new_from_existing(state).with_config(config).build();
    }
    let columns = Arc::clone(plan.schema().inner());
    let mut plan = state.create_physical_plan(&plan).await?;
    if is_in_order && let Some(divided) = in_order::divided(&plan, state.config_options())? {
        plan = divided;
    }
    let schema = plain_columns(&query::typed(&columns, &plan.schema()));
    let task = Arc::new(TaskContext::from(&state));
    Ok(Planned { plan, task, in_order: is_in_order.then_some(n_threads), schema })
}

/// Plans a statement whose parameters have their values.
pub(crate) async fn planned(session: SessionContext, statement: &Statement) -> Result<Planned> {
    let mut frame = query::frame(&session, &statement.sql).await?;
    let (n, n_bound) = (parameters(&frame)?.len(), statement.values.len());
    if n != n_bound {
        return Err(plan_datafusion_err!("the query has {n} parameters, and {n_bound} are bound"));
    }
    if n > 0 {
        frame = frame.with_param_values(statement.values.clone())?;
    }
    physical(frame).await
}

/// Plans a statement whose parameters may have no values yet.
pub(crate) async fn described(session: SessionContext, statement: &Statement) -> Result<Described> {
    let frame = query::frame(&session, &statement.sql).await?;
    let types = parameters(&frame)?;
    // A text is taken as what stands beside it is.
    let fields = (1..).zip(&types).map(|(number, type_)| {
        Field::new(format!("${number}"), type_.clone().unwrap_or(DataType::Utf8), true)
    });
    let parameters = Schema::new(fields.collect::<Vec<Field>>());
    let columns = if types.is_empty() {
        physical(frame).await?.schema
    } else {
        plain_columns(frame.schema().as_arrow())
    };
    Ok(Described { columns: Schema::clone(&columns), parameters })
}

impl Planned {
    /// How many rows it has, where that is known; -1 where it is not, as in the protocol.
    pub(crate) fn n_rows(&self) -> i64 {
        let statistics = StatisticsContext::new();
        let found = statistics.compute(self.plan.as_ref(), &StatisticsArgs::new());
        let Ok(found) = found else { return -1 };
        match found.num_rows {
            Precision::Exact(n) => i64::try_from(n).unwrap_or(-1),
            _ => -1,
        }
    }

    /// Starts it, on the runtime that this is called in. Its rows are messages, each small enough
    /// for the clients' limits.
    pub(crate) fn start(
        self,
        options: IpcWriteOptions,
    ) -> Result<impl Stream<Item = PgWireResult<FlightData>> + Send + 'static> {
        let schema = Arc::clone(&self.schema);
        let batches = match self.in_order {
            Some(n_threads) => in_order::rows(self.plan, self.task, n_threads).boxed(),
            None => execute_stream(self.plan, self.task)?.boxed(),
        };
        let columns = Arc::clone(&schema);
        let batches = batches
            .map(move |batch| with_columns(&columns, batch?))
            .map_err(|error| FlightError::ExternalError(Box::new(error)));
        let encoder = FlightDataEncoderBuilder::new().with_schema(schema).with_options(options);
        Ok(encoder.build(batches).map_err(of_batches))
    }
}

/// The batch with columns of these types.
fn with_columns(schema: &SchemaRef, batch: RecordBatch) -> Result<RecordBatch> {
    let fields = schema.fields().iter().zip(batch.columns());
    let columns = fields.map(|(field, column)| cast(column, field.data_type()));
    let options =
        datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
