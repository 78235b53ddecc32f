//! What the environment says of telemetry, by the names that OpenTelemetry gives.

use std::time::Duration;

/// How long a request may take, and all of the sending at the end of a run.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// What is sent where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// The host that traces are sent to, if they are.
    pub(super) traces: Option<String>,
    /// The host that metrics are sent to, if they are.
    pub(super) metrics: Option<String>,
    /// How long a request may take.
    pub(super) timeout: Duration,
    /// What the service is called.
    pub(super) service: Option<String>,
    /// Why something is not sent that was asked for.
    pub(super) faults: Vec<String>,
}

/// A kind of what is sent: as names of variables have it, and in messages.
type Signal = (&'static str, &'static str);

const TRACES: Signal = ("TRACES", "traces");
const METRICS: Signal = ("METRICS", "metrics");

impl Settings {
    /// The settings by what `get` says of each variable.
    pub(super) fn of(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let timeout =
            get("OTEL_EXPORTER_OTLP_TIMEOUT").and_then(|millis| millis.parse::<u64>().ok());
        let mut settings = Self {
            traces: None,
            metrics: None,
            timeout: timeout.map_or(LIMIT, Duration::from_millis).min(LIMIT),
            service: get("OTEL_SERVICE_NAME"),
            faults: Vec::new(),
        };
        if get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return settings;
        }
        for (signal, host) in [(TRACES, &mut settings.traces), (METRICS, &mut settings.metrics)] {
            match host_of(&get, signal) {
                Ok(found) => *host = found,
                Err(why) => settings.faults.push(format!("{} are not sent: {why}", signal.1)),
            }
        }
        settings
    }

    /// The hosts that something is sent to, in words.
    pub(super) fn hosts(&self) -> String {
        match (&self.traces, &self.metrics) {
            (Some(traces), Some(metrics)) if traces != metrics => {
                format!("`{traces}` and `{metrics}`")
            }
            (Some(host), _) | (None, Some(host)) => format!("`{host}`"),
            (None, None) => String::new(),
        }
    }
}

/// The host that a signal is sent to. The rest of the URL may be a secret.
fn host_of(
    get: &dyn Fn(&str) -> Option<String>,
    (signal, _): Signal,
) -> Result<Option<String>, String> {
    let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
    let common = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
    let endpoint = |name: String| Some((get(&name)?, name));
    let Some((endpoint, name)) = endpoint(own).or_else(|| endpoint(common)) else {
        return Ok(None);
    };
    let exporter = format!("OTEL_{signal}_EXPORTER");
    match get(&exporter).as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => {
            return Err(format!("`{exporter}` is `{other}`, expected `otlp` or `none`"));
        }
    }
    let own = format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL");
    let protocol = get(&own).or_else(|| get("OTEL_EXPORTER_OTLP_PROTOCOL"));
    if let Some(protocol) = protocol.filter(|protocol| protocol != "http/protobuf") {
        return Err(format!(
            "the protocol is `{protocol}`, expected `http/protobuf`, for which collectors listen on port 4318"
        ));
    }
    let url = reqwest::Url::parse(&endpoint).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()));
    match url.as_ref().and_then(|url| url.host_str()) {
        Some(host) => Ok(Some(host.to_owned())),
        None => Err(format!("`{name}` is no URL of `http://` or `https://`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let value = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::of(&value)
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://key@collector:4318/x");

    #[test]
    fn nothing_is_sent_without_an_endpoint() {
        for variables in [
            &[][..],
            &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_EXPORTER", "otlp")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
            &[("OTEL_SDK_DISABLED", "TRUE"), ENDPOINT],
            &[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ENDPOINT],
        ] {
            let found = settings(variables);
            assert_eq!((found.traces, found.metrics), (None, None), "{variables:?}");
            assert!(found.faults.is_empty(), "{:?}", found.faults);
        }
    }

    #[test]
    fn each_signal_goes_where_its_own_variables_say() {
        let found = settings(&[ENDPOINT]);
        let host = |name: &str| Some(name.to_owned());
        assert_eq!((&found.traces, &found.metrics), (&host("collector"), &host("collector")));
        assert_eq!((found.hosts().as_str(), found.timeout), ("`collector`", LIMIT));
        let found = settings(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces/v1/traces"),
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
            ("OTEL_SDK_DISABLED", "false"),
        ]);
        assert_eq!((&found.traces, &found.metrics), (&host("traces"), &host("collector")));
        assert_eq!(found.hosts(), "`traces` and `collector`");
        assert_eq!(found.timeout, Duration::from_millis(1500));
        let found = settings(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
        ]);
        assert_eq!((&found.traces, &found.metrics), (&host("traces"), &None));
        assert_eq!(found.timeout, LIMIT, "a run does not wait longer");
    }

    #[test]
    fn what_cannot_be_sent_is_told_without_secrets() {
        for (variables, expected) in [
            (
                [ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                "the protocol is `grpc`, expected `http/protobuf`",
            ),
            (
                [("OTEL_EXPORTER_OTLP_ENDPOINT", "secret:4318"), ("X", "")],
                "`OTEL_EXPORTER_OTLP_ENDPOINT` is no URL",
            ),
        ] {
            let found = settings(&variables);
            assert_eq!((found.traces, found.metrics), (None, None));
            let [of_traces, of_metrics] = &found.faults[..] else { panic!("{:?}", found.faults) };
            assert!(of_traces.starts_with("traces are not sent: "), "{of_traces}");
            assert!(of_metrics.contains(expected), "{of_metrics}");
            assert!(!of_metrics.contains("secret") && !of_metrics.contains("key"), "{of_metrics}");
        }
        let found = settings(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "prometheus")]);
        assert!(found.traces.is_some() && found.metrics.is_none());
        let expected = "metrics are not sent: `OTEL_METRICS_EXPORTER` is `prometheus`, expected `otlp` or `none`";
        assert_eq!(found.faults, [expected]);
    }
}
