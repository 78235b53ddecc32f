//! The scheduler and the executors: Ballista's, with one function more.

use crate::client::MESSAGE_BYTES;
use crate::function;
use ballista_core::extension::SessionConfigExt;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::start_server;
use clap::{Args, Subcommand};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use rebound::log::{self, LogFormat};
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing_subscriber::filter::LevelFilter;

/// How long an executor waits for its scheduler to answer; Ballista's own wait has no end.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Take runs and give their work to executors.
    Scheduler(SchedulerArgs),
    /// Do work that a scheduler gives.
    Executor(ExecutorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Address (IPv4) and port to listen on.
    #[arg(long, default_value = "127.0.0.1:50050")]
    bind: SocketAddrV4,
    /// The name or address under which executors reach this machine; otherwise the address it is bound to.
    #[arg(long)]
    host: Option<String>,
    /// Seconds without a sign of life after which an executor's work is given to another.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    executor_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ExecutorArgs {
    /// Where the scheduler is, HOST:PORT.
    #[arg(long, env = "REBOUND_SCHEDULER", default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Address (IPv4) and port to listen on; the next port is used too.
    #[arg(long, default_value = "127.0.0.1:50051")]
    bind: SocketAddrV4,
    /// The name or address under which the other machines reach this one; otherwise the address it is bound to, or where the
    /// scheduler sees it.
    #[arg(long)]
    host: Option<String>,
    /// Pieces of work at a time; 0: one a core. Each may take `engine.memory_mib` of the config.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    tasks: u16,
    /// Seconds between signs of life: a few in the scheduler's --executor-timeout.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    heartbeat: u64,
}

/// Runs a part until it is stopped.
pub(crate) fn main(part: Part) -> ExitCode {
    // Ballista's module `display` takes every union for a mistake.
    let libraries =
        [("ballista", LevelFilter::WARN), ("ballista_scheduler::display", LevelFilter::OFF)];
    log::start(LogFormat::Human, LevelFilter::INFO, &libraries, None);
    if let Err(error) = rebound::clock::check_clock() {
        tracing::error!("{error}");
        return ExitCode::FAILURE;
    }
    let runtime = rebound::runtime(0);
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

/// Waits for Ctrl-C or a request to end.
async fn stopped() {
    #[cfg(unix)]
    let asked = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut asked) => asked.recv().await.is_some(),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let asked = std::future::pending::<bool>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = asked => {}
    }
}

async fn scheduler(args: SchedulerArgs) -> Result<(), String> {
    let SchedulerArgs { bind, host, executor_timeout } = args;
    if bind.ip().is_unspecified() && host.is_none() {
        return Err(format!(
            "--bind {bind} needs --host, the name under which executors reach this machine"
        ));
    }
    let largest = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    let config = SchedulerConfig {
        bind_host: bind.ip().to_string(),
        bind_port: bind.port(),
        external_host: host.unwrap_or_else(|| bind.ip().to_string()),
        task_distribution: TaskDistributionPolicy::RoundRobin,
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
        ended = start_server(cluster, bind.into(), Arc::new(config)) => ended.map_err(|e| e.to_string()),
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
    let address = format!("{scheduler_host}:{scheduler_port}");
    let since = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        if since.elapsed() > PATIENCE {
            return Err(format!(
                "no scheduler answers at {address}: start it, or correct --scheduler"
            ));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // Answers wait here until the client has them.
    let work = tempfile::tempdir()
        .map_err(|error| format!("failed to make a temporary folder: {error}"))?;
    let mut registry = BallistaFunctionRegistry::default();
    registry.scalar_functions.insert(function::NAME.to_owned(), function::perform());
    let largest = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    let config = ExecutorProcessConfig {
        bind_host: bind.ip().to_string(),
        external_host: host
            .or_else(|| (!bind.ip().is_unspecified()).then(|| bind.ip().to_string())),
        port: bind.port(),
        grpc_port: bind
            .port()
            .checked_add(1)
            .ok_or("the port is the last there is; the next is needed too")?,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: 1,
        vcores: usize::from(tasks),
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
    let place = config.external_host.clone().unwrap_or_else(|| bind.ip().to_string());
    let _ = function::PLACE.set(format!("{place}:{}", bind.port()));
    tracing::info!("executor at {bind}, scheduler {scheduler}");
    let is_asked = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let is_asked = Arc::clone(&is_asked);
        async move {
            stopped().await;
            is_asked.store(true, Ordering::Relaxed);
        }
    });
    start_executor_process(Arc::new(config)).await.map_err(|e| e.to_string())?;
    // It ends without an error when its services fail, or the scheduler is gone for long.
    if is_asked.load(Ordering::Relaxed) {
        return Ok(());
    }
    Err(format!(
        "the executor ended, though nobody asked it to: the scheduler at {scheduler} is gone or took it for dead (--heartbeat must be \
         shorter than its --executor-timeout), or port {} or {} is taken",
        bind.port(),
        u32::from(bind.port()) + 1
    ))
}
