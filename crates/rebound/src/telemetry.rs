//! Traces and metrics of a run, sent by OpenTelemetry's protocol (OTLP over HTTP) to where its usual
//! environment variables say. Without them nothing is sent, and nothing waits.
//!
//! Telemetry changes nothing of a run: what cannot be sent is one warning.

mod client;
mod settings;
mod spans;

pub use self::spans::{of_check, of_run, of_stage, tell_check, tell_run, tell_stage};

use self::client::{Client, LastFault};
use self::settings::{LIMIT, Settings};
use crate::log::Sink;
use crate::metrics::{Kind, Measured, Metric};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData,
    SpanExporter as ExportSpans,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tracing_subscriber::{Layer, Registry};

/// What the scope of spans and metrics is called.
const SCOPE: &str = "rebound";

/// Spans that wait to be sent, unless `OTEL_BSP_MAX_QUEUE_SIZE` says it: as many raw files as a run may
/// read within seconds.
const QUEUE: usize = 1 << 14;

/// Longer than any run waits for metrics to be sent: they are sent once.
const NEVER: Duration = Duration::from_secs(3600);

/// What was measured of the last run of this process, where metrics are sent.
static MEASURED: OnceLock<Mutex<Option<Measured>>> = OnceLock::new();

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether metrics are sent.
pub fn wants_metrics() -> bool {
    MEASURED.get().is_some()
}

/// Keeps what was measured of a run, to be sent in the end.
pub fn keep(measured: &Measured) {
    if let Some(kept) = MEASURED.get() {
        *locked(kept) = Some(measured.clone());
    }
}

/// Sending that is under way.
#[derive(Debug)]
struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<MetricExporter>,
    resource: Resource,
    /// Drives the requests. Those of the run end before the rest is sent.
    runtime: Runtime,
    hosts: String,
    fault: LastFault,
    n_lost: Arc<AtomicUsize>,
}

/// What is sent, or why nothing can be.
#[derive(Debug)]
pub struct Started {
    telemetry: Option<Telemetry>,
    faults: Vec<String>,
}

/// Begins to send what the environment asks for.
pub fn start() -> Started {
    let settings = Settings::of(&|name| std::env::var(name).ok());
    let mut faults = settings.faults.clone();
    if settings.traces.is_none() && settings.metrics.is_none() {
        return Started { telemetry: None, faults };
    }
    match Telemetry::new(&settings) {
        Ok(telemetry) => {
            if telemetry.metrics.is_some() {
                MEASURED.get_or_init(Mutex::default);
            }
            Started { telemetry: Some(telemetry), faults }
        }
        Err(why) => {
            faults.push(format!("telemetry is not sent: {why}"));
            Started { telemetry: None, faults }
        }
    }
}

impl Started {
    /// Where spans go, if they are sent.
    pub fn sink(&self) -> Option<Sink> {
        let traces = self.telemetry.as_ref()?.traces.as_ref()?;
        let layer = tracing_opentelemetry::layer::<Registry>()
            .with_tracer(traces.tracer(SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        Some(layer.boxed())
    }

    /// Tells what is not sent though it was asked for. The log must have been started.
    pub fn tell_faults(&self) {
        for fault in &self.faults {
            tracing::warn!("{fault}");
        }
    }

    /// Sends what is left. That takes at most 10 s; what is not sent then is lost.
    pub fn finish(self) {
        if let Some(telemetry) = self.telemetry {
            telemetry.finish();
        }
    }
}

/// Sends spans, and counts those that could not be sent.
#[derive(Debug)]
struct Counting {
    spans: SpanExporter,
    n_lost: Arc<AtomicUsize>,
}

impl ExportSpans for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n = batch.len();
        let sent = self.spans.export(batch).await;
        if sent.is_err() {
            self.n_lost.fetch_add(n, Ordering::Relaxed);
        }
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.spans.set_resource(resource);
    }
}

impl Telemetry {
    fn new(settings: &Settings) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build()
            .map_err(|error| format!("no thread for it: {error}"))?;
        let fault = LastFault::default();
        let client = || {
            let made = Client::new(runtime.handle().clone(), settings.timeout, fault.clone());
            made.map_err(|error| error.without_url().to_string())
        };
        // What is wrong with a URL is not told with it.
        let unusable = |_| "its endpoint or headers cannot be used".to_owned();
        let resource = resource(settings.service.as_deref());
        let n_lost = Arc::new(AtomicUsize::new(0));
        let traces = match settings.traces {
            None => None,
            Some(_) => {
                let spans = SpanExporter::builder()
                    .with_http()
                    .with_protocol(Protocol::HttpBinary)
                    .with_http_client(client()?)
                    .build()
                    .map_err(unusable)?;
                let counting = Counting { spans, n_lost: Arc::clone(&n_lost) };
                Some(tracer_provider(counting, &resource))
            }
        };
        let metrics = match settings.metrics {
            None => None,
            Some(_) => {
                let exporter = MetricExporter::builder()
                    .with_http()
                    .with_protocol(Protocol::HttpBinary)
                    .with_http_client(client()?)
                    .build();
                Some(exporter.map_err(unusable)?)
            }
        };
        let hosts = settings.hosts();
        Ok(Self { traces, metrics, resource, runtime, hosts, fault, n_lost })
    }

    /// Sends what is left, traces and metrics side by side.
    fn finish(self) {
        let Self { traces, metrics, resource, runtime, hosts, fault, n_lost } = self;
        let until = Instant::now() + LIMIT;
        let (ended, ends) = channel();
        let (mut n_left, mut is_sent) = (0, true);
        let mut under_way = |begun: bool| {
            n_left += usize::from(begun);
            is_sent &= begun;
        };
        if let Some(traces) = traces {
            let end = move || traces.shutdown_with_timeout(LIMIT);
            under_way(aside(end, &ended));
        }
        let measured = MEASURED.get().and_then(|kept| locked(kept).take());
        if let (Some(exporter), Some(measured)) = (metrics, measured) {
            let end = move || send(exporter, resource, &measured);
            under_way(aside(end, &ended));
        }
        while n_left > 0 {
            let left = until.saturating_duration_since(Instant::now());
            match ends.recv_timeout(left) {
                Ok(end) => {
                    n_left -= 1;
                    is_sent &= end.is_ok();
                }
                Err(_) => {
                    is_sent = false;
                    break;
                }
            }
        }
        // What does not answer is not waited for.
        runtime.shutdown_background();
        if !is_sent || n_lost.load(Ordering::Relaxed) > 0 {
            let why = fault.take().unwrap_or_else(|| "it did not answer in time".to_owned());
            tracing::warn!("telemetry was not all sent to {hosts}: {why}");
        }
    }
}

/// Does `work` on a thread of its own, which says how it ended; whether there is such a thread.
fn aside(
    work: impl FnOnce() -> OTelSdkResult + Send + 'static,
    ended: &Sender<OTelSdkResult>,
) -> bool {
    let ended = ended.clone();
    let work = move || {
        // Nobody may wait any more.
        let _ = ended.send(work());
    };
    std::thread::Builder::new().name("telemetry".to_owned()).spawn(work).is_ok()
}

/// What the process is called, and which it is.
fn resource(service: Option<&str>) -> Resource {
    let found = Resource::builder().build();
    let of =
        |name: &'static str| found.get(&Key::from_static_str(name)).map(|value| value.to_string());
    // The library makes a name up from that of the program.
    let named = of("service.name").filter(|name| !name.starts_with("unknown_service"));
    let name = service.map(str::to_owned).or(named).unwrap_or_else(|| "rebound".to_owned());
    let version = of("service.version").unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
    Resource::builder()
        .with_service_name(name)
        .with_attribute(KeyValue::new("service.version", version))
        .build()
}

/// What makes spans and sends them, some at a time, as long as the run goes on.
fn tracer_provider(spans: Counting, resource: &Resource) -> SdkTracerProvider {
    let config = BatchConfigBuilder::default();
    let config = match std::env::var_os("OTEL_BSP_MAX_QUEUE_SIZE") {
        Some(_) => config,
        None => config.with_max_queue_size(QUEUE),
    };
    let processor = BatchSpanProcessor::builder(spans).with_batch_config(config.build()).build();
    SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_span_processor(processor)
        .build()
}

/// Sends metrics, once.
fn send(exporter: MetricExporter, resource: Resource, measured: &Measured) -> OTelSdkResult {
    let reader = PeriodicReader::builder(exporter).with_interval(NEVER).build();
    let provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
    let meter = provider.meter(SCOPE);
    for metric in &measured.metrics {
        record(&meter, &measured.pipeline, metric);
    }
    provider.shutdown()
}

/// Records the series of a metric.
fn record(meter: &Meter, pipeline: &str, metric: &Metric) {
    let Metric { name, kind, help, series } = metric;
    let series = series.iter().map(|(labels, number)| {
        let pipeline = KeyValue::new("pipeline", pipeline.to_owned());
        let labels = labels.iter().map(|(label, text)| KeyValue::new(*label, text.clone()));
        (std::iter::once(pipeline).chain(labels).collect::<Vec<KeyValue>>(), *number)
    });
    match kind {
        Kind::Counter => {
            let counter = meter.u64_counter(*name).with_description(*help).build();
            series.for_each(|(attributes, number)| counter.add(number, &attributes));
        }
        Kind::Gauge => {
            let gauge = meter.u64_gauge(*name).with_description(*help).build();
            series.for_each(|(attributes, number)| gauge.record(number, &attributes));
        }
        Kind::Seconds => {
            let gauge = meter.f64_gauge(*name).with_description(*help).with_unit("s").build();
            series.for_each(|(attributes, millis)| {
                gauge.record(millis as f64 / 1000.0, &attributes);
            });
        }
    }
}
