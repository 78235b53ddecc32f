//! The client: tasks to a Ballista scheduler, answers back.

use crate::function;
use ballista::extension::SessionConfigExt;
use ballista::prelude::SessionContextExt;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, LogicalPlanBuilder, Union, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use rebound::away::Cluster;
use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Largest message between client, scheduler and executors: tasks hold lists of files.
pub(crate) const MESSAGE_BYTES: usize = 256 << 20;

/// Tasks that are handed over together.
const TASKS_AT_ONCE: usize = 256;

/// How long the scheduler may take to answer a first call.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Ballista cluster whose executors have [`function::perform`].
#[derive(Debug)]
struct Ballista {
    scheduler: String,
    runtime: Runtime,
}

/// Connects to the scheduler at `HOST:PORT`, or `df://HOST:PORT`.
pub(crate) fn connect(scheduler: &str) -> std::result::Result<Arc<dyn Cluster>, String> {
    let address = scheduler.strip_prefix("df://").unwrap_or(scheduler);
    let places = address.to_socket_addrs().map_err(|error| {
        format!("{scheduler:?} is no address of a scheduler, HOST:PORT ({error})")
    })?;
    if !places.into_iter().any(|place| TcpStream::connect_timeout(&place, PATIENCE).is_ok()) {
        return Err(format!(
            "no scheduler answers at {address}: start one with `rebound cluster scheduler`, or correct the address"
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("failed to start the runtime: {error}"))?;
    Ok(Arc::new(Ballista { scheduler: format!("df://{address}"), runtime }))
}

impl Cluster for Ballista {
    fn perform_all(&self, tasks: Vec<String>) -> std::result::Result<Vec<String>, String> {
        let mut answers = Vec::with_capacity(tasks.len());
        for tasks in tasks.chunks(TASKS_AT_ONCE) {
            let some = self.runtime.block_on(self.perform_some(tasks));
            answers.extend(some.map_err(|error| query_text(&error))?);
        }
        Ok(answers)
    }
}

/// The error as one line.
fn query_text(error: &DataFusionError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Ballista {
    /// One job: a union with a branch for each task, so that each is a partition, which Ballista places and repeats on its own.
    async fn perform_some(&self, tasks: &[String]) -> Result<Vec<String>> {
        let config = SessionConfig::new_with_ballista()
            .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
            .with_target_partitions(tasks.len().max(1));
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_scalar_functions(vec![function::perform()])
            .build();
        let context = SessionContext::remote_with_state(&self.scheduler, state).await?;
        let branch = |(at, task): (usize, &String)| {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            let one_row = LogicalPlan::EmptyRelation(EmptyRelation {
                produce_one_row: true,
                schema: Arc::new(DFSchema::empty()),
            });
            LogicalPlanBuilder::from(one_row)
                .project(vec![
                    lit(at).alias("place"),
                    function::perform().call(vec![lit(task.as_str())]).alias("answer"),
                ])?
                .build()
                .map(Arc::new)
        };
        let mut branches = tasks.iter().enumerate().map(branch).collect::<Result<Vec<_>>>()?;
        let plan = match branches.len() {
            0 => return Ok(Vec::new()),
            1 => Arc::unwrap_or_clone(branches.remove(0)),
            _ => LogicalPlan::Union(Union::try_new_with_loose_types(branches)?),
        };
        let batches = context.execute_logical_plan(plan).await?.collect().await?;
        let mut answers = BTreeMap::new();
        for batch in &batches {
            let places = batch.column(0).as_primitive::<Int64Type>().values();
            let texts = datafusion::arrow::compute::cast(
                batch.column(1),
                &datafusion::arrow::datatypes::DataType::Utf8,
            )?;
            for (place, text) in places.iter().zip(texts.as_string::<i32>()) {
                answers.insert(*place, text.unwrap_or_default().to_owned());
            }
        }
        Ok(answers.into_values().collect())
    }
}
