//! Raw files that are named by URLs.

use crate::support::Project;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const ROWS: &str = "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n\
    200001,0,4403161234,A,6,85171100,502,7,1,10\n";

/// A project that reads `files`, in a lake of its own.
fn project(files: &str) -> Project {
    let project = Project::new();
    let pipeline = format!(
        "name: remote\nconfig: [../config/default.yaml]\nlake: ../lake\nsources:\n  \
         - {{layout: ../config/layouts/china_2000_2001.yaml, files: ['{files}'], exclude: []}}\nproximity: null\n\
         sql: none\nchecks: none\nstages: [ingest]\n"
    );
    project.write("pipelines/remote.yaml", pipeline.as_bytes());
    project.write("pipelines/none/README", b"");
    project
}

/// Answers requests for `/rows.csv` with `rows`, and all others with 404, until the process ends.
fn serve(rows: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&mut stream.expect("a connection"), rows);
        }
    });
    port
}

fn answer(stream: &mut TcpStream, rows: &str) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (status, body) = if path == "/rows.csv" { ("200 OK", rows) } else { ("404 Not Found", "") };
    let body_sent = if method == "HEAD" { "" } else { body };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLast-Modified: Tue, 01 Jan 2019 00:00:00 GMT\r\n\
         Connection: close\r\n\r\n{body_sent}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
}

#[test]
fn file_of_a_web_server_is_read_once_as_long_as_it_does_not_change() {
    let url = format!("http://127.0.0.1:{}/rows.csv", serve(ROWS));
    let project = project(&url);
    project.rebound(&["run", "pipelines/remote.yaml"]).ok();
    assert_eq!(
        project.sql("select source_file, fob_value, destination from customs.records"),
        [format!("{url},7.00,USA")]
    );
    let again = project.rebound(&["run", "pipelines/remote.yaml"]).ok();
    assert!(again.out.contains("up to date"), "{again:?}");
}

#[test]
fn objects_are_found_by_pattern_and_by_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["2000/a.csv", "2000/b.csv", "2000/c.txt", "2000/.d.csv"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, ROWS).expect("written");
    }
    let url = format!("file://{}/", folder.path().display());
    for (pattern, n) in [("2000/*.csv", 2), ("2000/", 3), ("2000/[a]*", 1)] {
        let project = project(&format!("{url}{pattern}"));
        project.rebound(&["run", "pipelines/remote.yaml"]).ok();
        let found =
            project.sql("select count(distinct source_file), count(*) from customs.records");
        assert_eq!(found, [format!("{n},{n}")], "{pattern}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let port = serve(ROWS);
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/none.csv"), "none.csv"),
        (
            "file:///no/such/folder/*.csv".to_owned(),
            "no file matches `file:///no/such/folder/*.csv`",
        ),
        ("gopher://x/y.csv".to_owned(), "expected a URL such as s3://"),
    ] {
        project(&url).rebound(&["run", "pipelines/remote.yaml"]).fails(2, expected);
    }
}
