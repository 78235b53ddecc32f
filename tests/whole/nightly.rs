//! Nights: what is told and to whom, what stays when one fails, and what is removed.

use crate::support::{Ran, Raw, root};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const ROWS: &str = "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n\
                    200001,0,4403161234,A,6,85171100,502,1000,10,10\n";

/// A project whose pipeline says so under `nightly`.
fn project(nightly: &str) -> Raw {
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", ROWS.as_bytes());
    let text = format!("stages: [ingest]\nnightly: {nightly}\n");
    raw.0.edit("pipelines/raw.yaml", "stages: [ingest]\n", &text);
    raw
}

fn night(raw: &Raw, arguments: &[&str]) -> Ran {
    let mut command = raw.0.command();
    // What is told goes to this machine.
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command.args(["nightly", "pipelines/raw.yaml"]).args(arguments);
    command.output().expect("the binary runs").into()
}

fn json_of(raw: &Raw, file: &str) -> Value {
    let text = std::fs::read(raw.0.path().join(file)).expect("written");
    serde_json::from_slice(&text).expect("JSON")
}

/// Reads a request, answers it with `status`, and gives its first line, its type and its body.
fn answer(stream: TcpStream, status: u16) -> (String, String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let header = |name: &str| -> String {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().expect("the header").1.to_owned()
    };
    let mut body = vec![0; header("content-length").parse().expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(text.as_bytes()).expect("answered");
    let body = serde_json::from_slice(&body).expect("JSON");
    (head[0].clone(), header("content-type"), body)
}

/// A server that answers with these, one after the other: its URL, and what it is told.
fn server(statuses: Vec<u16>) -> (String, Receiver<(String, String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/secret?key=1", listener.local_addr().expect("an address"));
    let (told, asked) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().expect("a client");
            told.send(answer(stream, status)).expect("it listens");
        }
    });
    (url, asked)
}

#[test]
fn nights_are_told_and_a_broken_file_changes_nothing() {
    let (url, asked) = server(vec![200, 500]);
    let raw = project(&format!(
        "{{keep: {{runs: 2}}, retries: 1, backoff_seconds: 0, on_success: {{command: [tee, told.json]}}, \
         on_failure: {{webhook: '{url}'}}}}"
    ));
    let wait = Duration::from_secs(60);

    let first = night(&raw, &["--summary", "summary.json"]).ok();
    assert!(first.out.starts_with("raw: published, "), "{first:?}");
    assert_eq!(first.out.lines().count(), 1, "{first:?}");
    let told = json_of(&raw, "told.json");
    assert_eq!(told["status"], "published");
    assert_eq!((&told["exit_code"], &told["attempts"]), (&json!(0), &json!(1)));
    assert_eq!(told["tables"]["customs.records"], 1);
    assert_eq!(
        (&told["stages"][0]["name"], &told["stages"][0]["action"]),
        (&json!("ingest"), &json!("built"))
    );
    assert_eq!((&told["failed"], &told["hooks"]), (&Value::Null, &json!([])));
    let kept = json_of(&raw, "summary.json");
    assert_eq!(kept["hooks"], json!([{"hook": "on_success", "to": "tee", "error": null}]));
    assert_eq!((&kept["run"], &kept["warnings"]), (&told["run"], &json!([])));
    let second = night(&raw, &[]).ok();
    assert!(second.out.starts_with("raw: unchanged, "), "{second:?}");

    // The file of the third night is broken.
    let before = raw.0.published_bytes_in("raw_lake");
    raw.file("b.csv", b"no header\n");
    let third = night(&raw, &[]).fails(2, "b.csv");
    assert!(third.out.starts_with("raw: failed, "), "{third:?}");
    assert!(!third.err.contains("trying again"), "a broken file does not pass: {third:?}");
    let (line, kind, told) = asked.recv_timeout(wait).expect("told");
    assert_eq!((line.as_str(), kind.as_str()), ("POST /secret?key=1 HTTP/1.1", "application/json"));
    assert_eq!((&told["status"], &told["exit_code"]), (&json!("failed"), &json!(2)));
    assert_eq!(told["failed"]["error"], "stage `ingest` stopped");
    let because = told["failed"]["because"][0].as_str().expect("a reason");
    assert!(because.contains("b.csv") && because.contains("header"), "{because}");
    assert_eq!(told["stages"][0]["action"], "failed");
    assert_eq!(told["pruned"], Value::Null, "after a failure all is kept for who looks");
    assert_eq!(raw.0.published_bytes_in("raw_lake"), before);

    // Whoever does not listen changes nothing, and what is told of it holds no secret.
    let fourth = night(&raw, &["--summary", "-"])
        .fails(2, "was not told: `127.0.0.1` answered with status 500");
    assert!(!fourth.err.contains("secret"), "{fourth:?}");
    let kept: Value = serde_json::from_str(&fourth.out).expect("JSON alone");
    let error = "`127.0.0.1` answered with status 500, expected 200 to 299";
    assert_eq!(kept["hooks"], json!([{"hook": "on_failure", "to": "127.0.0.1", "error": error}]));
    asked.recv_timeout(wait).expect("told");

    // The fifth night goes on with what the first had made; two runs and the published one are kept.
    std::fs::remove_file(raw.0.path().join("raw/b.csv")).expect("it was there");
    raw.0.edit("pipelines/raw.yaml", "[tee, told.json]", "['false']");
    let fifth = night(&raw, &["--summary", "summary.json"]).ok();
    assert!(fifth.err.contains("`nightly.on_success` was not told: `false` failed"), "{fifth:?}");
    assert!(fifth.out.starts_with("raw: unchanged, "), "{fifth:?}");
    let kept = json_of(&raw, "summary.json");
    assert_eq!((&kept["pruned"]["runs"], &kept["exit_code"]), (&json!(2), &json!(0)));
    assert_eq!(kept["warnings"].as_array().expect("a list").len(), 1);
    let runs = raw.0.rebound(&["runs", "--lake", "raw_lake"]).ok();
    assert_eq!(runs.out.lines().count(), 1 + 3, "{}", runs.out);
    assert!(runs.out.contains("<- published"), "{}", runs.out);
    assert_eq!(raw.0.published_bytes_in("raw_lake"), before);
    // What the removed records said of raw files is not lost with them.
    let again = night(&raw, &[]).ok();
    assert!(again.out.starts_with("raw: unchanged, "), "{again:?}");
}

#[test]
fn a_held_lake_is_waited_for_and_given_up() {
    let closed =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let raw = project(&format!("{{on_failure: {{webhook: 'http://{closed}/'}}, retries: 3}}"));
    let lake = raw.0.path().join("raw_lake");
    let me = lake::Holder { pid: 7, command: "rebound run".to_owned(), since: "today".to_owned() };
    let lock = lake::Lock::try_take(&lake, &me).expect("free");
    let began = Instant::now();
    let ran = night(&raw, &["--wait", "1s", "--summary", "summary.json"])
        .fails(2, "waited 1 s for another run to end")
        .fails(2, "in use by process 7")
        .fails(2, "`nightly.on_failure` was not told: failed to reach `127.0.0.1`");
    assert!(began.elapsed() >= Duration::from_secs(1), "{ran:?}");
    let summary = json_of(&raw, "summary.json");
    assert_eq!((&summary["run"], &summary["status"]), (&Value::Null, &json!("failed")));
    night(&raw, &["--no-wait"]).fails(2, "in use by process 7");
    drop(lock);
    night(&raw, &[]).ok();
    night(&raw, &["--wait", "soon"]).fails(2, "such as 30m");
    raw.0.edit("pipelines/raw.yaml", "retries: 3", "retries: 100");
    for command in ["run", "nightly"] {
        raw.0
            .rebound(&[command, "pipelines/raw.yaml"])
            .fails(2, "invalid `nightly.retries` in `pipelines/raw.yaml`, line ")
            .fails(2, "100: expected a whole number of 0 to 20");
    }
}

#[test]
fn stages_that_do_not_follow_from_what_failed_are_made() {
    let raw = project("{}");
    raw.0.edit("pipelines/raw.yaml", "sql: none", "sql: own");
    raw.0.edit("pipelines/raw.yaml", "stages: [ingest]", "stages: [ingest, panels]");
    for (name, text) in [
        ("broken", "select no_such_column from customs.records"),
        ("follows", "select * from panel.broken"),
        ("other_broken", "select another_column from customs.records"),
        ("whole", "select distinct product_code from customs.records order by product_code"),
    ] {
        let text = format!("-- about: codes\n-- key: product_code\n{text}\n");
        raw.0.write(&format!("pipelines/own/panel.{name}.sql"), text.as_bytes());
    }
    let stopped = raw.run().fails(2, "no_such_column");
    assert!(!stopped.err.contains("another_column"), "{stopped:?}");

    let went_on = raw
        .0
        .rebound(&["run", "pipelines/raw.yaml", "--keep-going"])
        .fails(2, "2 stages failed; nothing was published")
        .fails(2, "no_such_column")
        .fails(2, "another_column")
        .fails(2, "not made, as they follow: panel.follows");
    assert!(went_on.err.contains("stage left"), "{went_on:?}");
    assert!(!raw.0.path().join("raw_lake/catalog.json").exists());

    let actions = |arguments: &[&str]| -> Vec<(String, String)> {
        let ran = night(&raw, &[&["--summary", "-"][..], arguments].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        let summary: Value = serde_json::from_str(&ran.out).expect("JSON");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let stages = summary["stages"].as_array().expect("a list").iter();
        stages.map(|stage| (text(&stage["name"]), text(&stage["action"]))).collect()
    };
    let pairs = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
        expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    let mut found = actions(&[]);
    found.sort();
    let expected = [
        ("ingest", "reused"),
        ("panel.broken", "failed"),
        ("panel.follows", "left"),
        ("panel.other_broken", "failed"),
        // The run before had made it.
        ("panel.whole", "reused"),
    ];
    assert_eq!(found, pairs(&expected));
    let stopped = actions(&["--stop-at-failure"]);
    assert_eq!(stopped, pairs(&[("ingest", "reused"), ("panel.broken", "failed")]));

    for name in ["broken", "other_broken"] {
        let text = b"-- about: codes\n-- key: product_code\nselect product_code from panel.whole\n";
        raw.0.write(&format!("pipelines/own/panel.{name}.sql"), text);
    }
    let mended = night(&raw, &[]).ok();
    assert!(mended.out.starts_with("raw: published, "), "{mended:?}");
    assert_eq!(raw.sql("select * from panel.follows"), ["85171100"]);
}

#[test]
fn the_units_of_systemd_are_valid() {
    // Not every machine has systemd.
    if std::process::Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = std::process::Command::new("systemd-analyze");
    command.arg("verify");
    for name in ["rebound-nightly@.service", "rebound-nightly@.timer"] {
        let path = root().join("docs/systemd").join(name);
        let text = std::fs::read_to_string(path).expect("a unit");
        // The program must be where the unit says.
        let text = text.replace("/usr/local/bin/rebound", env!("CARGO_BIN_EXE_rebound"));
        std::fs::write(folder.path().join(name), text).expect("written");
        command.arg(folder.path().join(name));
    }
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().filter(|line| line.contains("rebound-nightly")).collect();
    assert!(output.status.success() && said.is_empty(), "{said:#?}");
}
