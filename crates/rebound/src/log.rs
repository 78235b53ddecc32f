//! Logs, on standard error: lines for people, or JSON for machines.

use crate::progress;
use clap::ValueEnum;
use stages::SPANS;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, dynamic_filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The form of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The crates of this program that tell something.
pub const OWN: [&str; 6] = ["rebound", "lake", "project", "report", "sources", "stages"];

/// What takes lines or spans.
pub type Sink = Box<dyn Layer<Registry> + Send + Sync>;

/// Whether nothing is told for now.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// Does `work`, of which no thread logs anything meanwhile.
pub fn hushed<T>(work: impl FnOnce() -> T) -> T {
    /// Ends the silence, also when the work panics.
    struct Silence;
    impl Drop for Silence {
        fn drop(&mut self) {
            IS_HUSHED.store(false, Ordering::SeqCst);
        }
    }
    IS_HUSHED.store(true, Ordering::SeqCst);
    let _silence = Silence;
    work()
}

/// The same events, but for those of hushed work.
fn unless_hushed(targets: Targets) -> impl Filter<Registry> + Send + Sync + 'static {
    let is_heard = dynamic_filter_fn::<Registry, _>(|_, _| !IS_HUSHED.load(Ordering::SeqCst));
    FilterExt::<Registry>::and(targets, is_heard)
}

/// Starts logging from `level` on. Only this program's events are shown, and those of the libraries
/// that are named. Spans go to `spans`; without it there are none. Lines of JSON name those that they
/// are in, lines for people do not.
pub fn start(
    format: LogFormat,
    level: LevelFilter,
    libraries: &[(&str, LevelFilter)],
    spans: Option<Sink>,
) {
    let own = OWN.map(|name| (name, level));
    let targets = Targets::new().with_targets(own).with_targets(libraries.iter().copied());
    let of_spans = (SPANS, LevelFilter::INFO);
    let lines: Sink = match format {
        LogFormat::Human => tracing_subscriber::fmt::layer()
            .with_writer(progress::log_output)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .without_time()
            .with_filter(unless_hushed(targets))
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .with_writer(std::io::stderr)
            .with_filter(unless_hushed(targets.with_targets(spans.as_ref().map(|_| of_spans))))
            .boxed(),
    };
    let spans = spans.map(|sink| {
        let filter = Targets::new().with_targets([of_spans]);
        sink.with_filter(filter).boxed()
    });
    let sinks: Vec<Sink> = [lines].into_iter().chain(spans).collect();
    tracing_subscriber::registry().with(sinks).init();
}
