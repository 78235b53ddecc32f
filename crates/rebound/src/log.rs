//! Logs, on standard error: lines for people, or JSON for machines.

use clap::ValueEnum;
use std::io::IsTerminal;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The crates of this program that tell something.
const OWN: [&str; 6] = ["rebound", "lake", "project", "report", "sources", "stages"];

/// Starts logging from `level` on. Only this program's events are shown, and those of the libraries
/// that are named.
pub fn start(format: LogFormat, level: LevelFilter, libraries: &[(&str, LevelFilter)]) {
    let own = OWN.map(|name| (name, level));
    let targets = Targets::new().with_targets(own).with_targets(libraries.iter().copied());
    let registry = tracing_subscriber::registry().with(targets);
    match format {
        LogFormat::Human => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::stderr)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_target(false)
                    .without_time(),
            )
            .init(),
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr))
            .init(),
    }
}
