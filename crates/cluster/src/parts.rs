//! The scheduler and the executors: Ballista's, with one function more.

use crate::client::MESSAGE_BYTES;
use crate::function;
use ballista_core::extension::SessionConfigExt;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use clap::{Args, Subcommand};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use rebound::log::{self, LogFormat};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a thread's stack; plans are trees.
const STACK_BYTES: usize = 16 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Take runs and give their work to executors.
    Scheduler(SchedulerArgs),
    /// Do work that a scheduler gives.
    Executor(ExecutorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:50050")]
    bind: SocketAddr,
    /// Seconds without a sign of life after which an executor's work is given to another.
    #[arg(long, default_value_t = 60)]
    executor_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ExecutorArgs {
    /// Where the scheduler is, HOST:PORT.
    #[arg(long, env = "REBOUND_SCHEDULER", default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Address and port to listen on; the next port is used too.
    #[arg(long, default_value = "127.0.0.1:50051")]
    bind: SocketAddr,
    /// The name or address under which the other machines reach this one; otherwise the address it is bound to.
    #[arg(long)]
    host: Option<String>,
    /// Pieces of work at a time; 0: one a core. Each may take `engine.memory_mib` of the config.
    #[arg(long, default_value_t = 0)]
    tasks: usize,
    /// Seconds between signs of life.
    #[arg(long, default_value_t = 10)]
    heartbeat: u64,
}

/// Runs a part until it is stopped.
pub(crate) fn main(part: Part) -> ExitCode {
    log::start(LogFormat::Human, false);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(async {
                match part {
                    Part::Scheduler(args) => scheduler(args).await,
                    Part::Executor(args) => executor(args).await,
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        }
        Err(error) => Err(format!("failed to start the runtime: {error}")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn stopped() {
    // Without signals there is nothing to wait for but the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn scheduler(args: SchedulerArgs) -> Result<(), String> {
    let SchedulerArgs { bind, executor_timeout } = args;
    let largest = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    let config = SchedulerConfig {
        bind_host: bind.ip().to_string(),
        bind_port: bind.port(),
        external_host: bind.ip().to_string(),
        executor_timeout_seconds: executor_timeout,
        expire_dead_executor_interval_seconds: executor_timeout.div_ceil(4).max(1),
        no_executors_grace_period_seconds: executor_timeout,
        grpc_server_max_decoding_message_size: largest,
        grpc_server_max_encoding_message_size: largest,
        grpc_client_max_message_size: largest,
        override_session_builder: Some(Arc::new(|config: SessionConfig| {
            Ok(SessionStateBuilder::new()
                .with_config(config)
                .with_default_features()
                .with_scalar_functions(all_functions())
                .build())
        })),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|e| e.to_string())?;
    tracing::info!("scheduler at {bind}");
    tokio::select! {
        ended = start_server(cluster, bind, Arc::new(config)) => ended.map_err(|e| e.to_string()),
        () = stopped() => Ok(()),
    }
}

fn all_functions() -> Vec<Arc<datafusion::logical_expr::ScalarUDF>> {
    BallistaFunctionRegistry::default()
        .scalar_functions
        .into_values()
        .chain([function::perform()])
        .collect()
}

async fn executor(args: ExecutorArgs) -> Result<(), String> {
    let ExecutorArgs { scheduler, bind, host, tasks, heartbeat } = args;
    let (scheduler_host, scheduler_port) = scheduler
        .strip_prefix("df://")
        .unwrap_or(&scheduler)
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| format!("{scheduler:?} is no address of a scheduler, HOST:PORT"))?;
    // Answers wait here until the client has them.
    let work = tempfile::tempdir()
        .map_err(|error| format!("failed to make a temporary folder: {error}"))?;
    let mut registry = BallistaFunctionRegistry::default();
    registry.scalar_functions.insert(function::NAME.to_owned(), function::perform());
    let largest = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    let config = ExecutorProcessConfig {
        bind_host: bind.ip().to_string(),
        external_host: Some(host.unwrap_or_else(|| bind.ip().to_string())),
        port: bind.port(),
        grpc_port: bind
            .port()
            .checked_add(1)
            .ok_or("the port is the last there is; the next is needed too")?,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: 30,
        vcores: tasks,
        work_dir: Some(work.path().display().to_string()),
        executor_heartbeat_interval_seconds: heartbeat,
        grpc_max_decoding_message_size: largest,
        grpc_max_encoding_message_size: largest,
        override_function_registry: Some(Arc::new(registry)),
        override_config_producer: Some(Arc::new(|| {
            SessionConfig::new_with_ballista()
                .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
        })),
        ..ExecutorProcessConfig::default()
    };
    tracing::info!("executor at {bind}, scheduler {scheduler}");
    start_executor_process(Arc::new(config)).await.map_err(|e| e.to_string())
}
