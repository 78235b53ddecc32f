//! The client: tasks to a Ballista scheduler, answers back.

use crate::function;
use ballista::extension::SessionConfigExt;
use ballista::prelude::SessionContextExt;
use ballista_core::config::BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, LogicalPlanBuilder, Union, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use stages::remote::Cluster;
use std::collections::BTreeMap;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// Largest message between client, scheduler and executors: tasks hold lists of files.
pub(crate) const MESSAGE_BYTES: usize = 256 << 20;

/// Tasks that are handed over together.
const TASKS_AT_ONCE: usize = 256;

/// How long the scheduler may take to answer a first call.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a cluster may be without executors: they may be starting, or on their way back.
const WITHOUT_EXECUTORS: Duration = Duration::from_secs(30);

/// How often to look.
const LOOKED: Duration = Duration::from_secs(2);

/// How often tasks are handed over, if the cluster fails with executors left: pieces of work may be done again.
const TRIES: usize = 3;

/// A Ballista cluster whose executors have [`function::perform`].
#[derive(Debug)]
struct Ballista {
    address: String,
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
    Ok(Arc::new(Ballista { address: address.to_owned(), runtime }))
}

impl Cluster for Ballista {
    fn perform_all(&self, tasks: Vec<String>) -> std::result::Result<Vec<String>, String> {
        let mut answers = Vec::with_capacity(tasks.len());
        for tasks in tasks.chunks(TASKS_AT_ONCE) {
            answers.extend(self.runtime.block_on(self.perform_surely(tasks))?);
        }
        Ok(answers)
    }
}

/// The error on one line.
fn one_line(error: &DataFusionError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Ballista {
    /// Has tasks performed, as long as there are executors.
    async fn perform_surely(&self, tasks: &[String]) -> std::result::Result<Vec<String>, String> {
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            // A scheduler keeps a job for executors to come, however long; a user would wait without a word.
            let found = tokio::select! {
                found = self.perform_some(tasks) => found.map_err(|error| one_line(&error)),
                () = self.without_executors() => Err(format!(
                    "the scheduler at {} has had no executor for {} s: start one with `rebound cluster executor`, and see its log",
                    self.address,
                    WITHOUT_EXECUTORS.as_secs()
                )),
            };
            match found {
                Err(error) if n_tries < TRIES && self.has_executors().await => {
                    tracing::warn!(error, "the cluster failed; its work is handed over again");
                }
                found => return found,
            }
        }
    }

    /// Waits until the scheduler has had no executor for too long.
    async fn without_executors(&self) {
        let mut since = Instant::now();
        while since.elapsed() < WITHOUT_EXECUTORS {
            tokio::time::sleep(LOOKED).await;
            if self.has_executors().await {
                since = Instant::now();
            }
        }
    }

    /// What the scheduler says of itself to those who only want to know that.
    async fn has_executors(&self) -> bool {
        let ask = async {
            let mut stream = tokio::net::TcpStream::connect(&self.address).await?;
            let request = format!(
                "GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                self.address
            );
            stream.write_all(request.as_bytes()).await?;
            let mut status = [0; 12];
            stream.read_exact(&mut status).await?;
            Ok::<_, std::io::Error>(status.ends_with(b" 200"))
        };
        matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(true)))
    }

    /// One job: a union with a branch for each task, so that each is a partition, which Ballista places and repeats on its own.
    async fn perform_some(&self, tasks: &[String]) -> Result<Vec<String>> {
        let config = SessionConfig::new_with_ballista()
            .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
            .with_target_partitions(tasks.len().max(1))
            // One task, one piece: placed on its own, and done again on its own.
            .set_usize(BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, 1);
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_scalar_functions(vec![function::perform()])
            .build();
        let context =
            SessionContext::remote_with_state(&format!("df://{}", self.address), state).await?;
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
