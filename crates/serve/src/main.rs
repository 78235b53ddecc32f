//! The `rebound-serve` program: `rebound serve` runs it.
//!
//! Exit codes: 0 stopped by a signal, 1 our fault (disk, network, a bug), 2 the user's input.

use anyhow::Context;
use clap::{Parser, ValueEnum};
use lake::Lake;
use mimalloc::MiMalloc;
use query::Memory;
use serve::{AccessError, Limits, PublicationError, Server, ServerError, Users, tls};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Human,
    /// JSON lines.
    Json,
}

/// Serve the published tables to any PostgreSQL client, read-only.
#[derive(Debug, Parser)]
#[command(name = "rebound serve", version, max_term_width = 100)]
struct Cli {
    /// The lake: a folder or URL.
    #[arg(long, env = "REBOUND_LAKE", default_value = "lake")]
    lake: String,
    /// Where to listen, ADDRESS:PORT. An address that other machines reach needs --users.
    #[arg(long, alias = "listen", value_name = "ADDRESS", default_value = "127.0.0.1:5432")]
    bind: SocketAddr,
    /// Where to listen for Arrow Flight SQL, ADDRESS:PORT, which ADBC clients speak: large tables
    /// come many times as fast. An address that other machines reach needs --users.
    #[arg(long, value_name = "ADDRESS")]
    flight: Option<SocketAddr>,
    /// Who may connect: a file of `name:password` lines that nobody else can read. Without it,
    /// everyone on this machine may.
    #[arg(long)]
    users: Option<PathBuf>,
    /// A certificate in PEM form, with those it is signed by. With it, clients must use TLS.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM form.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Clients at a time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_connections: u32,
    /// Memory of a query in MiB; sorts, joins and groups beyond it go to disk where they can.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(16..=1 << 24))]
    memory_mib: u32,
    /// Memory of all queries together in MiB.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(16..=1 << 24))]
    total_memory_mib: u32,
    /// Seconds that a query may take; a client can ask for less with `set statement_timeout`.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    timeout_s: u32,
    /// Threads; 0: one a core.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Seconds between looks for another run.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    interval_s: u32,
    /// Form of the logs on standard error.
    #[arg(long, value_enum, default_value = "human")]
    log_format: LogFormat,
    /// Only warnings and errors.
    #[arg(long, short)]
    quiet: bool,
}

/// How long clients may stay after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// An error of the user's making that no library has a type for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsersError(String);

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.log_format, if cli.quiet { LevelFilter::WARN } else { LevelFilter::INFO });
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            match cli.log_format {
                LogFormat::Json => {
                    tracing::error!(causes = causes[1..].join(": "), "{}", causes[0])
                }
                LogFormat::Human => {
                    let mut err = std::io::stderr().lock();
                    let _ = writeln!(err, "error: {}", causes.join("\n  because: "));
                }
            }
            let is_users = error.chain().any(|cause| {
                cause.is::<UsersError>()
                    || cause.is::<AccessError>()
                    || matches!(cause.downcast_ref(), Some(PublicationError::Nothing(_)))
                    || matches!(cause.downcast_ref(), Some(ServerError::Listen { .. }))
                    || matches!(
                        cause.downcast_ref(),
                        Some(ServerError::Publication(PublicationError::Nothing(_)))
                    )
            });
            ExitCode::from(if is_users { 2 } else { 1 })
        }
    }
}

fn start_log(format: LogFormat, level: LevelFilter) {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(level);
    match format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Refuses options that do not go together.
fn check(cli: &Cli) -> anyhow::Result<Reach> {
    let open = [Some(cli.bind), cli.flight].into_iter().flatten();
    let open = open.filter(|address| !address.ip().is_loopback()).min();
    if let Some(address) = open
        && cli.users.is_none()
    {
        return Err(UsersError(format!(
            "everyone who reaches {address} could read the tables: give --users FILE, or listen on 127.0.0.1"
        ))
        .into());
    }
    if cli.memory_mib > cli.total_memory_mib {
        return Err(UsersError(format!(
            "--memory-mib {} is more than all queries may use together: raise --total-memory-mib {}",
            cli.memory_mib, cli.total_memory_mib
        ))
        .into());
    }
    if !cli.lake.contains("://") && !Path::new(&cli.lake).is_dir() {
        return Err(UsersError(format!(
            "no lake in `{}`: give its folder with --lake or REBOUND_LAKE, or make one with `rebound run`",
            cli.lake
        ))
        .into());
    }
    Ok(if open.is_some() { Reach::Network } else { Reach::Machine })
}

/// From where clients may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Machine,
    Network,
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    lake::check_clock()?;
    let reach = check(cli)?;
    let users = cli.users.as_deref().map(Users::read).transpose()?;
    let acceptor = match (&cli.tls_cert, &cli.tls_key) {
        (Some(certificate), Some(key)) => Some(tls(certificate, key)?),
        _ => None,
    };
    if reach == Reach::Network && acceptor.is_none() {
        tracing::warn!(
            "rows go over the network as they are: --tls-cert and --tls-key encrypt them"
        );
    }
    let lake = Lake::open(&cli.lake)?;
    let threads = match usize::from(cli.threads) {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        n => n,
    };
    let memory =
        |mib: u32, setting| Memory { mib: usize::try_from(mib).unwrap_or(usize::MAX), setting };
    let limits = Limits {
        connections: usize::try_from(cli.max_connections).unwrap_or(usize::MAX),
        query_memory: memory(cli.memory_mib, "a query at this server (its `--memory-mib`)"),
        memory: memory(
            cli.total_memory_mib,
            "all queries at this server (its `--total-memory-mib`)",
        ),
        timeout: Duration::from_secs(cli.timeout_s.into()),
        threads,
    };
    let runtime = |threads| query::runtime(threads).context("failed to start the runtime");
    let (front, engine) = (runtime(2)?, runtime(threads)?);
    let served = front.block_on(async {
        let engine = engine.handle().clone();
        let mut server = Server::start(lake, cli.bind, users, acceptor, limits, engine).await?;
        if let Some(address) = cli.flight {
            server = server.with_flight(address).await?;
        }
        let catalog = server.catalog();
        let address = server.address().context("failed to learn the address")?;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "serving {} tables of run {} at postgresql://{address}/rebound (Ctrl-C stops)",
            catalog.tables.len(),
            catalog.run
        )?;
        if let Some(url) = server.flight_url().context("failed to learn the address")? {
            writeln!(out, "and as Arrow Flight SQL at {url}")?;
        }
        out.flush()?;
        drop(out);
        let interval = Duration::from_secs(cli.interval_s.into());
        server.serve(interval, stop(), GRACE).await;
        tracing::info!("stopped");
        Ok(())
    });
    // What still runs is given up.
    engine.shutdown_background();
    front.shutdown_background();
    served
}

/// Ends at SIGINT or SIGTERM.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
