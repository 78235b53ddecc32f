//! The report as its user asks for it: what the pipeline says of it, its files, what changed, and the
//! server.

use crate::support::{Project, Ran};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PIPELINE: &str = "pipelines/australia.yaml";

fn report(project: &Project, more: &[&str]) -> Ran {
    project.rebound(&[&["report", PIPELINE, "-o", "drawn"], more].concat())
}

/// The data of a page.
fn data_of(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(begin).expect("data");
    let (data, _) = rest.split_once("</script>").expect("their end");
    serde_json::from_str(data).expect("JSON")
}

fn drawn(project: &Project) -> Value {
    let page = std::fs::read_to_string(project.path().join("drawn/report.html"));
    data_of(&page.expect("a page"))
}

/// A pipeline that says so of the report.
fn say(project: &Project, keys: &str) {
    project.edit(PIPELINE, "lake: ../lake\n", &format!("lake: ../lake\nreport:\n{keys}"));
}

#[test]
fn what_a_pipeline_says_of_the_report_is_checked() {
    let project = Project::published();
    say(&project, "  sections: [maps, overviw]\n  notes: 5\n  hue: 1\n");
    let told = report(&project, &[]).fails(2, "3 faults").err;
    for part in [
        "invalid `report.sections[1]` in `pipelines/australia.yaml`, line 8: unknown choice `overviw`",
        "(did you mean `overview`?)",
        "invalid `report.notes` in `pipelines/australia.yaml`, line 9: 5: expected a list",
        "unknown key `report.hue` in `pipelines/australia.yaml`, line 10",
    ] {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    let project = Project::published();
    say(&project, "  sections: []\n  language: words/fr.yaml\n");
    let told = report(&project, &[]).fails(2, "no file `pipelines/words/fr.yaml`").err;
    assert!(told.contains("invalid `report.sections`"), "{told}");
    project.rebound(&["config", PIPELINE]).fails(2, "no file `pipelines/words/fr.yaml`");
    // A folder called `s3:` is not what is meant.
    let project = Project::published();
    let there = ["report", PIPELINE, "-o", "s3://bucket/out"];
    project.rebound(&there).fails(2, "no folder of this machine");
    say(&project, "  folder: s3://bucket/out\n");
    project.rebound(&["plan", PIPELINE]).fails(2, "invalid `report.folder`");
    // A text without words would leave a heading empty.
    let project = Project::published();
    say(&project, "  language: words.yaml\n");
    project.write("pipelines/words.yaml", b"language: fr\ntexts:\n  Overview:\n");
    report(&project, &[]).fails(2, "line 3: \"Overview\": it has no words");
    // A file that stands where a folder is to be made is the one that is named.
    let project = Project::published();
    project.write("drawn/figures", b"");
    report(&project, &[]).fails(2, "failed to write `drawn/figures`");
    // Only the data have regions.
    let project = Project::published();
    say(&project, "  regions: [NSW, Tasmania, QDL]\n");
    project.rebound(&["plan", PIPELINE]).ok();
    let told = report(&project, &[]).fails(2, "2 faults").err;
    for part in ["\"Tasmania\" (did you mean `TAS`?)", "\"QDL\" (did you mean `QLD`?)", ", line 8"]
    {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
}

#[test]
fn what_a_pipeline_says_of_the_report_is_in_the_page_and_makes_nothing_again() {
    let project = Project::published();
    report(&project, &["--no-figures"]).ok();
    let usual = drawn(&project)["report"].clone();
    assert_eq!((&usual["language"], &usual["title"]), (&json!("en"), &Value::Null));
    assert!(usual["sections"].as_array().is_some_and(|of| of.len() > 9), "{usual}");
    say(
        &project,
        "  sections: [maps, overview]\n  regions: [TAS, NSW]\n  title: States\n  \
         notes:\n    - One </script> paragraph.\n",
    );
    let expected = json!({"sections": ["maps", "overview"], "focus": ["TAS", "NSW"], "title": "States",
        "notes": ["One </script> paragraph."], "language": "en"});
    report(&project, &["--no-figures"]).ok();
    assert_eq!(drawn(&project)["report"], expected);
    let again = project.run().ok();
    assert!(again.out.starts_with("nothing to do"), "{}", again.out);
    let printed = project.rebound(&["config", PIPELINE]).ok().out;
    for line in [
        "#   sections: [\"maps\",\"overview\"] # pipelines/australia.yaml:8",
        "#   regions: [\"TAS\",\"NSW\"] # pipelines/australia.yaml:9",
        "#   title: \"States\" # pipelines/australia.yaml:10",
    ] {
        assert!(printed.lines().any(|of| of == line), "{line} is not in: {printed}");
    }
    // It is a config all the same.
    project.write("config/whole.yaml", printed.as_bytes());
    let configs = "  - ../config/default.yaml\n  - ../config/australia.yaml\n";
    project.edit(PIPELINE, configs, "  - ../config/whole.yaml\n");
    assert!(project.run().ok().out.starts_with("nothing to do"));
}

#[test]
fn a_run_draws_the_report_that_is_not_as_the_pipeline_or_the_lake_is() {
    let project = Project::published();
    say(&project, "  folder: ../drawn\n  sections: [maps]\n");
    let draws = || project.run().ok().out.contains("drew drawn/report.html");
    // The files are figures of the sections that are chosen.
    let figures = || {
        let text = String::from_utf8(file(&project, "drawn", "SHA256SUMS")).expect("text");
        let names = text.lines().filter_map(|line| line.split("  ").nth(1)?.strip_suffix(".svg"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(draws(), "it is not there");
    let of_maps = ["resistance-map", "recovery-map", "upgrading-map", "types", "lisa"];
    for name in figures() {
        assert!(of_maps.iter().any(|of| name.starts_with(of)), "{name} is of another section");
    }
    assert!(figures().iter().any(|name| name == "resistance-map-crisis_2008"), "{:?}", figures());
    assert!(!draws(), "it is as it should be");
    project.edit(PIPELINE, "  sections: [maps]\n", "  sections: [quality]\n");
    assert!(draws(), "the pipeline says it otherwise");
    assert_eq!(drawn(&project)["report"]["sections"], json!(["quality"]));
    assert_eq!(figures(), [""; 0], "a section of tables has none");
    // As it is where drawing failed after the last run that published.
    project.write("drawn/report.html", b"a page of another run");
    assert!(draws(), "another run is published");
    assert!(!draws());
}

/// The bytes of a figure's file.
fn file(project: &Project, folder: &str, name: &str) -> Vec<u8> {
    let path = project.path().join(folder).join("figures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn figures_for_paper_have_its_width_and_their_font() {
    let project = Project::published();
    say(&project, "  sections: [overview, places, sure, space]\n");
    let asked = ["--figures", "pdf,svg,png", "--width", "8cm"];
    report(&project, &asked).ok();
    let svg = file(&project, "drawn", "national-crisis_2008.svg");
    assert!(has(&svg, b"width=\"302\""), "8 cm are 302 pixels of 96 an inch");
    let png = file(&project, "drawn", "national-crisis_2008.png");
    assert_eq!(png[16..20], 944_u32.to_be_bytes(), "8 cm have 944 dots of 300 an inch");
    // Its size: dots a metre, of both sides.
    let dots = 11_811_u32.to_be_bytes();
    assert!(has(&png, &[b"pHYs", &dots[..], &dots[..], &[1]].concat()));
    let pdf = file(&project, "drawn", "national-crisis_2008.pdf");
    assert!(pdf.starts_with(b"%PDF-") && has(&pdf, b"/FontFile"), "a PDF with its font");
    assert!(has(&pdf, b"/MediaBox[0 0 226.5 "), "302 pixels are 226.5 points");
    assert!(has(&pdf, b"/Title(Exports ") && has(&pdf, b"/Lang(en)"), "its message, in English");
    assert!(!has(&pdf, b"Date"), "no date");
    // The same tables give the same bytes.
    let again = [&asked[..], &["-o", "again"]].concat();
    project.rebound(&[&["report", PIPELINE], &again[..]].concat()).ok();
    let folder = project.path().join("drawn/figures");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(file(&project, "drawn", &name) == file(&project, "again", &name), "{name}");
        n_files += 1;
    }
    assert!(n_files > 30, "{n_files}");
    // What is asked for and no more.
    project.rebound(&["report", PIPELINE, "-o", "svg", "--figures", "svg"]).ok();
    assert!(!project.path().join("svg/figures/national-crisis_2008.png").exists());
    let svg = file(&project, "svg", "national-crisis_2008.svg");
    assert!(has(&svg, b"width=\"960\""), "a screen is wider");
    report(&project, &["--width", "8"]).fails(2, "expected a number and its unit");
    report(&project, &["--width", "1cm"]).fails(2, "words keep their size");
    report(&project, &["--figures", "gif"]).fails(2, "possible values: svg, png, pdf");
    report(&project, &["--figures", "svg", "--no-figures"]).fails(2, "cannot be used with");
}

#[test]
fn figures_are_the_same_on_any_number_of_threads() {
    let project = Project::published();
    for (folder, threads) in [("one", "1"), ("three", "3")] {
        let mut command = project.command();
        command.args(["report", PIPELINE, "--figures", "svg", "-o", folder]);
        let ran = command.env("RAYON_NUM_THREADS", threads).output().expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let list = |folder: &str| {
        let text = String::from_utf8(file(&project, folder, "SHA256SUMS")).expect("text");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(list("one").len() > 30, "{:?}", list("one"));
    assert_eq!(list("one"), list("three"));
}

#[test]
fn files_of_figures_that_are_gone_are_removed_and_no_others() {
    let project = Project::published();
    report(&project, &["--figures", "svg,png"]).ok();
    let figures = project.path().join("drawn/figures");
    let is_there = |name: &str| figures.join(name).exists();
    project.write("drawn/figures/mine.png", b"of a user");
    project.write("drawn/figures/space-crisis_2008.png", b"changed by a user");
    report(&project, &["--figures", "svg"]).ok();
    assert!(is_there("national-crisis_2008.svg") && !is_there("national-crisis_2008.png"));
    assert!(is_there("mine.png") && is_there("space-crisis_2008.png"));
    let listed = file(&project, "drawn", "SHA256SUMS");
    assert!(has(&listed, b"  national-crisis_2008.svg\n") && !has(&listed, b".png"));
}

/// Whether two cells are the same number or the same text.
fn is_same(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn the_sql_beside_a_figure_gives_the_data_beside_it() {
    let project = Project::published();
    report(&project, &["--figures", "svg"]).ok();
    let folder = project.path().join("drawn/figures");
    let mut n_figures = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "sql") {
            continue;
        }
        let name = path.display();
        let sql = std::fs::read_to_string(&path).expect("a statement");
        let found = project.rebound(&["sql", &sql, "--format", "csv"]).ok().out;
        let kept = std::fs::read_to_string(path.with_extension("csv")).expect("its data");
        let (found, kept) = (rows(&found), rows(&kept));
        assert_eq!(found.len(), kept.len(), "{name}");
        for (found, kept) in found.iter().zip(&kept) {
            let same =
                found.len() == kept.len() && found.iter().zip(kept).all(|(a, b)| is_same(a, b));
            assert!(same, "{name}: {found:?} is not {kept:?}");
        }
        n_figures += 1;
    }
    assert!(n_figures > 0, "no figure has its data");
}

#[test]
fn a_report_says_what_changed_since_a_run() {
    let project = Project::published();
    let first = project.rebound(&["diff", "99"]).fails(2, "no run `99`").err;
    assert_eq!(
        report(&project, &["--since", "99", "--no-figures"]).fails(2, "no run `99`").err,
        first
    );
    project.edit("config/default.yaml", "  method: one_to_one", "  method: families");
    project.run().ok();
    report(&project, &["--no-figures"]).ok();
    assert_eq!(drawn(&project).get("changed"), None);
    report(&project, &["--since", "1", "--no-figures"]).ok();
    let data = drawn(&project);
    let told = project.rebound(&["diff", "1", "--format", "json", "--top", "10"]).ok().out;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let changed = &data["changed"];
    assert_eq!((&changed["since"], &changed["run"]), (&told["old"]["run"], &told["new"]["run"]));
    assert_eq!(changed["run"], data["meta"]["run"]);
    let counts = |tables: &Value, keys: [&str; 4]| -> Vec<Value> {
        let tables = tables.as_array().expect("tables").iter();
        tables.map(|of| json!(keys.map(|key| &of[key]))).collect()
    };
    let expected =
        counts(&told["tables_changed"], ["table", "rows_added", "rows_removed", "rows_changed"]);
    let mut others = changed["tables"].clone();
    others.as_array_mut().expect("tables").retain(|of| of["fate"] == "changed");
    assert_eq!(counts(&others, ["table", "added", "removed", "changed"]), expected);
    assert!(!expected.is_empty());
    for list in ["regions", "products"] {
        let moved = changed[list].as_array().expect("a list");
        assert!(!moved.is_empty(), "no {list}");
        assert!(moved.iter().all(|of| of["moved"].as_f64() != Some(0.0)), "{moved:?}");
    }
    let why = changed["why"].to_string();
    assert!(why.contains("harmonize.method"), "{why}");
    let measures: Vec<&str> = changed["regions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|of| of["measure"].as_str())
        .collect();
    for measure in ["resistance", "recovery", "upgrading"] {
        assert!(measures.contains(&measure), "{measure} is not in {measures:?}");
    }
}

#[test]
fn a_section_of_changes_without_a_run_says_what_to_do() {
    let project = Project::published();
    let page =
        || std::fs::read_to_string(project.path().join("drawn/report.html")).expect("a page");
    report(&project, &["--no-figures"]).ok();
    assert!(!page().contains("<section id=\"changed\">"), "nobody asks for it");
    say(&project, "  sections: [changed]\n");
    report(&project, &["--no-figures"]).ok();
    let told = "No run is compared with. Say one by --since";
    assert!(page().contains("<section id=\"changed\">") && page().contains(told));
}

/// A server, which ends with the test.
struct Served {
    child: Child,
    host: String,
}

impl Served {
    fn start(project: &Project) -> Self {
        let mut child = project
            .command()
            .args(["report", PIPELINE, "-o", "drawn", "--no-figures", "--serve"])
            .args(["--bind", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map(|line| line.expect("text"));
        let line = lines.find(|line| line.starts_with("serving http://")).expect("it serves");
        let host = line.trim_start_matches("serving http://").split('/').next();
        Self { child, host: host.expect("an address").to_owned() }
    }

    /// Sends a request for `path` to what it says to be `host`.
    fn ask(&self, method: &str, path: &str, host: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.host).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a time");
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        BufReader::new(stream)
    }

    /// The status and what follows it.
    fn answer(&self, method: &str, path: &str, host: &str) -> (String, String) {
        let mut text = String::new();
        self.ask(method, path, host).read_to_string(&mut text).expect("an answer");
        let (status, rest) = text.split_once("\r\n").expect("a status");
        (status.to_owned(), rest.to_owned())
    }

    fn page(&self) -> String {
        let (status, page) = self.answer("GET", "/", &self.host);
        assert_eq!(status, "HTTP/1.1 200 OK");
        page
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the next event says.
fn event(events: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(events.read_line(&mut line).expect("an event in time"), 0, "the stream ended");
        if let Some(data) = line.strip_prefix("data: ") {
            return data.trim_end().to_owned();
        }
    }
}

#[test]
fn a_served_report_is_for_this_machine_and_drawn_anew_after_a_run() {
    let project = Project::published();
    report(&project, &["--serve", "--bind", "0.0.0.0:8080"]).fails(2, "other machines reach it");
    report(&project, &["--bind", "127.0.0.1:0"]).fails(2, "--serve");
    let mut served = Served::start(&project);
    let page = served.page();
    assert!(page.contains("<title>"), "{}", &page[..400]);
    assert!(page.contains("connect-src 'self'; script-src 'sha256-"), "{}", &page[..800]);
    // What is on the disk asks nobody.
    let kept = std::fs::read_to_string(project.path().join("drawn/report.html")).expect("a page");
    assert!(!kept.contains("connect-src") && !kept.contains("EventSource"));

    let (status, _) = served.answer("POST", "/", &served.host);
    assert_eq!(status, "HTTP/1.1 405 Method Not Allowed");
    for host in ["evil.example", "evil.example:80", "127.0.0.1:1"] {
        let (status, rest) = served.answer("GET", "/", host);
        assert_eq!(status, "HTTP/1.1 403 Forbidden", "{host}");
        assert!(!rest.contains("<title>"), "{host}");
    }
    let (status, _) = served.answer("GET", "/figures/..%2Freport.html", &served.host);
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    let taken = report(&project, &["--no-figures", "--serve", "--bind", &served.host]);
    taken.fails(2, "another program has this port");

    let before = data_of(&page)["meta"]["run"].clone();
    let mut events = served.ask("GET", "/events", &served.host);
    let first = event(&mut events);
    project.edit("config/default.yaml", "  method: one_to_one", "  method: families");
    project.run().ok();
    assert_ne!(event(&mut events), first);
    let after = data_of(&served.page())["meta"]["run"].clone();
    assert_ne!(after, before);
    let kept = std::fs::read_to_string(project.path().join("drawn/report.html")).expect("a page");
    assert_eq!(data_of(&kept)["meta"]["run"], after);

    // Ctrl-C, with a page open.
    let pid = served.child.id().to_string();
    let sent = Command::new("sh").args(["-c", "kill -INT $0", &pid]).status().expect("sh");
    assert!(sent.success());
    let ended = served.child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_served_report_is_drawn_anew_when_its_words_are_others() {
    let project = Project::published();
    say(&project, "  language: words.yaml\n");
    let words = |overview: &str| {
        let text = format!("language: fr\ntexts:\n  Overview: {overview}\n");
        project.write("pipelines/words.yaml", text.as_bytes());
    };
    words("Un");
    let served = Served::start(&project);
    assert!(served.page().contains("<h2>Un</h2>"));
    let mut events = served.ask("GET", "/events", &served.host);
    let first = event(&mut events);
    words("\"\"");
    // What is at fault leaves the page as it is, and is looked at again once it is another.
    std::thread::sleep(Duration::from_secs(3));
    assert!(served.page().contains("<h2>Un</h2>"));
    words("Deux");
    assert_ne!(event(&mut events), first);
    assert!(served.page().contains("<h2>Deux</h2>"));
}
