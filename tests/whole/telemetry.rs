//! Traces and metrics of runs, as a collector of OpenTelemetry's protocol gets them.

use crate::support::{PLAIN_LAYOUT, Project, Ran};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PIPELINE: &str = "name: plain
config: [../config/default.yaml]
lake: ../lake
sources:
  - {layout: ../config/layouts/plain.yaml, files: [../raw/*.csv]}
checks: plain_checks
stages: [ingest, aggregate]
";

/// A pipeline of two raw files and two years, with a check.
fn project() -> Project {
    let project = Project::new();
    project.write("config/layouts/plain.yaml", PLAIN_LAYOUT.as_bytes());
    project.write("pipelines/plain.yaml", PIPELINE.as_bytes());
    let check = b"select * from customs.records where fob_value < 0\n";
    project.write("pipelines/plain_checks/customs.records__none_is_below_zero.sql", check);
    for (year, rows) in
        [("2007", "2007,A,010190,100\n2007,B,020110,7\n"), ("2008", "2008,A,010190,11\n")]
    {
        let text = format!("year,region,product,value\n{rows}");
        project.write(&format!("raw/{year}.csv"), text.as_bytes());
    }
    project
}

/// Runs the pipeline with these variables, and none of the kind that the machine has.
fn run(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = project.command();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command.args(["run", "pipelines/plain.yaml"]).args(arguments);
    command.envs(variables.iter().copied()).output().expect("the binary runs").into()
}

/// What a collector was sent.
#[derive(Debug)]
struct Sent {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &mut BufReader<TcpStream>) -> Sent {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("text");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_lowercase(), value.to_owned())
    };
    let headers: BTreeMap<String, String> = lines.iter().skip(1).map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().expect("a length")];
    stream.read_exact(&mut body).expect("the body");
    let path = lines[0].strip_prefix("POST ").and_then(|line| line.strip_suffix(" HTTP/1.1"));
    Sent { path: path.expect("a POST").to_owned(), headers, body }
}

/// A collector that answers everything with `status`: its URL, and what it is sent.
fn collector(status: u16) -> (String, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, sent) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a client"));
            // Before the answer, so that all is here when the program has ended.
            if sender.send(read(&mut stream)).is_err() {
                return;
            }
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.get_mut().write_all(head.as_bytes()).expect("answered");
        }
    });
    (url, sent)
}

/// The value of a field of a Protocol Buffers message.
#[derive(Debug, Clone, Copy)]
enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number");
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return number;
        }
    }
    panic!("a number of more than 64 bits");
}

/// The fields of a message: number and value.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let n = match key & 7 {
            0 => {
                found.push((key >> 3, Field::Number(varint(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).expect("a length"),
            5 => 4,
            other => panic!("the wire type {other}"),
        };
        let (value, rest) = bytes.split_at(n);
        bytes = rest;
        let field = match key & 7 {
            1 => Field::Number(u64::from_le_bytes(value.try_into().expect("8 bytes"))),
            2 => Field::Bytes(value),
            _ => Field::Number(u32::from_le_bytes(value.try_into().expect("4 bytes")).into()),
        };
        found.push((key >> 3, field));
    }
    found
}

/// What stands at a path of fields, all of it.
fn inside<'b>(message: &'b [u8], path: &[u64]) -> Vec<&'b [u8]> {
    let Some((first, rest)) = path.split_first() else { return vec![message] };
    let found = fields(message).into_iter().filter(|(number, _)| number == first);
    let found = found.flat_map(|(_, field)| match field {
        Field::Bytes(bytes) => inside(bytes, rest),
        Field::Number(number) => panic!("{number} is no message"),
    });
    found.collect()
}

fn text(message: &[u8], field: u64) -> String {
    let found = inside(message, &[field]);
    String::from_utf8(found.first().copied().unwrap_or_default().to_vec()).expect("a text")
}

/// Attributes, whose values are texts or whole numbers.
fn attributes(message: &[u8], field: u64) -> BTreeMap<String, String> {
    let attribute = |pair: &[u8]| {
        let value = inside(pair, &[2])[0];
        let value = match fields(value)[..] {
            [(1, Field::Bytes(text))] => String::from_utf8(text.to_vec()).expect("a text"),
            [(3, Field::Number(number))] => number.to_string(),
            ref other => panic!("{other:?}"),
        };
        (text(pair, 1), value)
    };
    inside(message, &[field]).into_iter().map(attribute).collect()
}

/// A span, as far as it matters here.
#[derive(Debug)]
struct Span {
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    attributes: BTreeMap<String, String>,
    is_error: bool,
}

fn spans(sent: &[Sent]) -> Vec<Span> {
    let bodies = sent.iter().filter(|sent| sent.path == "/v1/traces");
    let span = |span: &[u8]| {
        let bytes = |field| inside(span, &[field]).concat();
        let status = inside(span, &[15]).concat();
        Span {
            name: text(span, 5),
            trace: bytes(1),
            id: bytes(2),
            parent: bytes(4),
            attributes: attributes(span, 9),
            is_error: fields(&status).iter().any(|field| matches!(field, (3, Field::Number(2)))),
        }
    };
    bodies.flat_map(|sent| inside(&sent.body, &[1, 2, 2])).map(span).collect()
}

/// The series of metrics: name and attributes, and the bits of the number.
fn series(sent: &[Sent]) -> BTreeMap<(String, BTreeMap<String, String>), u64> {
    let mut found = BTreeMap::new();
    for sent in sent.iter().filter(|sent| sent.path == "/v1/metrics") {
        for metric in inside(&sent.body, &[1, 2, 2]) {
            let points = [inside(metric, &[5, 1]), inside(metric, &[7, 1])].concat();
            assert!(!points.is_empty(), "{} is a gauge or a sum", text(metric, 1));
            for point in points {
                let number = fields(point).into_iter().find_map(|(number, field)| match field {
                    Field::Number(bits) if number == 4 || number == 6 => Some(bits),
                    _ => None,
                });
                let key = (text(metric, 1), attributes(point, 7));
                assert_eq!(found.insert(key, number.expect("a number")), None, "once");
            }
        }
    }
    found
}

fn of_resource(sent: &Sent) -> BTreeMap<String, String> {
    attributes(inside(&sent.body, &[1, 1])[0], 1)
}

#[test]
fn a_collector_gets_the_spans_and_the_metrics_of_a_run() {
    let (url, sent) = collector(200);
    let project = project();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x"),
        ("OTEL_SERVICE_NAME", "customs"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=night,service.name=other"),
    ];
    let ran = run(&project, &["--metrics", "rebound.prom"], &variables).ok();
    assert!(ran.err.contains("stage started") && !ran.err.contains("telemetry"), "{}", ran.err);
    assert!(!ran.err.contains("trace_id"), "lines for people stay as they are: {}", ran.err);
    let sent: Vec<Sent> = sent.try_iter().collect();
    for sent in &sent {
        assert_eq!(sent.headers["content-type"], "application/x-protobuf");
        assert_eq!(sent.headers["authorization"], "Bearer x");
        let resource = of_resource(sent);
        assert_eq!(resource["service.name"], "customs");
        assert_eq!(resource["deployment.environment.name"], "night");
        assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    }

    let spans = spans(&sent);
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|s| s.name == name).collect() };
    let [of_run] = named("run")[..] else { panic!("one run: {spans:#?}") };
    assert!(of_run.parent.is_empty() && !of_run.is_error, "{of_run:?}");
    assert_eq!((of_run.trace.len(), of_run.id.len()), (16, 8));
    assert!(spans.iter().all(|span| span.trace == of_run.trace), "one trace: {spans:#?}");
    assert_eq!(of_run.attributes["pipeline"], "plain");
    assert_eq!(of_run.attributes["status"], "published");
    assert!(of_run.attributes["lake"].ends_with("lake"), "{of_run:?}");
    let runs = project.rebound(&["runs", "--lake", "lake"]).ok();
    assert!(
        runs.out.contains(&of_run.attributes["run"]),
        "{} of {}",
        of_run.attributes["run"],
        runs.out
    );

    let stages = named("stage");
    let told = |stage: &Span| {
        ["stage", "action", "rows", "units_made", "units_reused"]
            .map(|name| stage.attributes[name].clone())
    };
    assert_eq!(told(stages[0])[..2], ["ingest", "built"]);
    assert_eq!(told(stages[0])[3..], ["2", "0"]);
    assert_eq!(told(stages[1])[..2], ["aggregate", "built"]);
    assert_eq!(told(stages[1])[3..], ["2", "0"]);
    assert_eq!(told(stages[2])[..2], ["plausibility", "built"]);
    assert_eq!(stages.len(), 3, "{stages:#?}");
    assert!(
        stages.iter().all(|stage| stage.parent == of_run.id && !stage.attributes["why"].is_empty())
    );
    let mut units: Vec<(&str, &[u8])> = named("unit")
        .into_iter()
        .map(|unit| (unit.attributes["unit"].rsplit('/').next().expect("a name"), &unit.parent[..]))
        .collect();
    units.sort_unstable();
    let (ingest, aggregate) = (&stages[0].id[..], &stages[1].id[..]);
    let expected =
        [("2007", aggregate), ("2007.csv", ingest), ("2008", aggregate), ("2008.csv", ingest)];
    assert_eq!(units, expected);
    let [check] = named("check")[..] else { panic!("one check: {spans:#?}") };
    assert_eq!(check.attributes["check"], "customs.records__none_is_below_zero");
    let came = ["severity", "outcome", "rows"].map(|name| check.attributes[name].as_str());
    assert_eq!((came, &check.parent), (["error", "held", "0"], &of_run.id));

    // What Prometheus would read, too.
    let metrics = series(&sent);
    let value = |name: &str, labels: &[(&str, &str)]| {
        let labels = labels.iter().chain(&[("pipeline", "plain")]);
        let labels = labels.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        metrics.get(&(name.to_owned(), labels.collect())).copied()
    };
    assert_eq!(value("rebound_run_status", &[("status", "published")]), Some(1));
    assert_eq!(value("rebound_run_status", &[("status", "failed")]), Some(0));
    assert_eq!(value("rebound_table_rows", &[("table", "customs.records")]), Some(3));
    assert_eq!(value("rebound_entries_rejected_total", &[]), Some(0));
    let seconds = value("rebound_run_seconds", &[]).map(f64::from_bits).expect("it took a time");
    let text = std::fs::read_to_string(project.path().join("rebound.prom")).expect("written");
    assert!(
        text.contains(&format!("rebound_run_seconds{{pipeline=\"plain\"}} {seconds:.3}\n")),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), metrics.len());
}

#[test]
fn lines_of_json_lead_to_the_trace_and_what_fails_is_an_error() {
    let (url, sent) = collector(200);
    let project = project();
    project.write("raw/2009.csv", b"no header\n");
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{url}/own/traces")),
        ("OTEL_TRACES_EXPORTER", "otlp".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ran = run(&project, &["--log-format", "json"], &variables).fails(2, "2009.csv");
    let sent: Vec<Sent> = sent
        .try_iter()
        .map(|sent| {
            assert_eq!(sent.path, "/own/traces", "metrics have no endpoint");
            Sent { path: "/v1/traces".to_owned(), ..sent }
        })
        .collect();
    let spans = spans(&sent);
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
    let (of_run, stage) = (named("run"), named("stage"));
    assert!(of_run.is_error && stage.is_error, "{spans:#?}");
    assert_eq!(of_run.attributes["status"], "failed");
    assert_eq!(
        (stage.attributes["stage"].as_str(), stage.attributes["action"].as_str()),
        ("ingest", "failed")
    );
    assert!(stage.attributes["why"].contains("2009.csv"), "{stage:?}");
    assert_eq!(of_resource(&sent[0])["service.name"], "rebound");

    let trace: String = of_run.trace.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = ran
        .err
        .lines()
        .map(|line| -> serde_json::Value { serde_json::from_str(line).expect("JSON") });
    let started: Vec<_> =
        lines.filter(|line| line["fields"]["message"] == "stage started").collect();
    assert_eq!(started[0]["spans"][0]["trace_id"], trace.as_str(), "{started:#?}");
    assert_eq!(started[0]["span"]["stage"], "ingest");
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let (url, sent) = collector(200);
    let project = project();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str());
    let cases = [
        &[][..],
        &[("OTEL_SERVICE_NAME", "customs"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        &[endpoint, ("OTEL_SDK_DISABLED", "true")],
        &[endpoint, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")],
    ];
    for variables in cases {
        let ran = run(&project, &["--log-format", "json"], variables).ok();
        assert!(!ran.err.contains("telemetry") && !ran.err.contains("\"span"), "{}", ran.err);
    }
    // Of other commands there is nothing to send.
    let mut command = project.command();
    command.env(endpoint.0, endpoint.1).args(["tables", "--lake", "lake"]);
    assert!(command.output().expect("the binary runs").status.success());
    assert!(sent.try_recv().is_err(), "nobody was spoken to");
    let grpc = [endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let ran = run(&project, &[], &grpc).ok();
    assert!(ran.err.contains("traces are not sent: the protocol is `grpc`"), "{}", ran.err);
    assert!(sent.try_recv().is_err(), "not in another protocol than was asked for");
}

#[test]
fn whoever_does_not_listen_costs_a_warning_and_little_time() {
    let project = project();
    let (refusing, _sent) = collector(400);
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let closed = format!("http://key:secret@{closed}");
    // It takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_url = format!("http://{}", silent.local_addr().expect("an address"));
    run(&project, &[], &[]).ok();
    for (url, why) in [
        (refusing.as_str(), "it answered with status 400"),
        (closed.as_str(), "error sending request"),
        (silent_url.as_str(), "it did not answer in time"),
    ] {
        let began = Instant::now();
        let ran = run(&project, &["--quiet"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).ok();
        assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
        let warnings: Vec<&str> =
            ran.err.lines().filter(|line| line.contains("telemetry")).collect();
        let [warning] = warnings[..] else { panic!("one warning: {}", ran.err) };
        assert!(warning.contains("telemetry was not all sent to `127.0.0.1`"), "{warning}");
        assert!(!warning.contains("secret"), "{warning}");
        // Which of two requests gives up first is left open.
        assert!(warning.contains(why) || url == silent_url, "{warning}");
    }
}
