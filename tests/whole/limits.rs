//! Files that are none, rows that do not end, numbers that are too large, names that are no text.

use crate::support::{Project, Raw};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::process::Command;

const HEADER: &str =
    "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n";
const ROW: &str = "200001,0,4403161234,A,6,85171100,502,1000,10,10\n";

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_by_name() {
    use std::os::unix::net::UnixListener;
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", [HEADER, ROW].concat().as_bytes());
    let odd = raw.0.path().join("raw/odd.csv");
    let pipe = || Command::new("mkfifo").arg(&odd).status().expect("mkfifo").success();
    assert!(pipe());
    raw.run().fails(2, "raw/odd.csv`: it is a pipe");
    std::fs::remove_file(&odd).expect("gone");
    let socket = UnixListener::bind(&odd).expect("a socket");
    raw.run().fails(2, "raw/odd.csv`: it is a socket");
    drop(socket);
    std::fs::remove_file(&odd).expect("gone");
    std::os::unix::fs::symlink("/dev/zero", &odd).expect("a link");
    raw.run().fails(2, "raw/odd.csv`: it is a device");
    std::fs::remove_file(&odd).expect("gone");
    std::os::unix::fs::symlink("nowhere", &odd).expect("a link");
    raw.run().fails(2, "raw/odd.csv");
    // Files that a pipeline names beside the raw ones, and those of commands.
    std::fs::remove_file(&odd).expect("gone");
    assert!(pipe());
    let path = raw.0.path().join("pipelines/raw.yaml");
    let text = std::fs::read_to_string(&path).expect("there");
    for key in [
        "incomes: {file: ../raw/odd.csv, columns: {region: a, year: b, value: c}}",
        "tables: {odd: {file: ../raw/odd.csv}}",
    ] {
        let with = text.replace("files: [../raw/*]", "files: [../raw/a.csv]");
        let with =
            with.replace("stages: [ingest]", "stages: [ingest, aggregate, tables, relatedness]");
        std::fs::write(&path, format!("{with}{key}\n")).expect("written");
        let ran = raw.run();
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("odd.csv"), "{ran:?}");
    }
    raw.0.rebound(&["measure", "raw/odd.csv"]).fails(2, "it is a pipe");
}

/// Zeros, packed: each member of the gzip is 16 MiB of them.
fn zeros(mib: usize) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    member.write_all(&vec![0; 16 << 20]).expect("packed");
    member.finish().expect("packed").repeat(mib / 16)
}

#[test]
fn a_row_that_does_not_end_is_refused_with_its_line() {
    let raw = Raw::new("china_2000_2001");
    let of_two = |row: &[u8]| [HEADER.as_bytes(), ROW.as_bytes(), row].concat();
    let long = |n: usize| {
        [ROW.as_bytes()[..20].to_vec(), vec![b'x'; n], ROW.as_bytes()[20..].to_vec()].concat()
    };
    let quoted = {
        // Fields that are short enough for quotes, with lines of their own.
        let field = format!("\"{}\",", "y\n".repeat(30_000));
        [field.repeat(1200).into_bytes(), b"\n".to_vec()].concat()
    };
    let utf16 = |text: &str| {
        [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    };
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("zeros.csv.gz", zeros(2048), "line 1: a row of more than 64 MiB (`ingest.max_row_mib`)"),
        ("header.csv", vec![b'x'; 70 << 20], "line 1: a row of more than 64 MiB"),
        ("row.csv", of_two(&long(70 << 20)), "line 3: a row of more than 64 MiB"),
        ("last.csv", of_two(&vec![b'x'; 70 << 20]), "line 3: a row of more than 64 MiB"),
        ("quoted.csv", of_two(&quoted), "line 3: a row of more than 64 MiB"),
        (
            "wide.csv",
            utf16(&format!("{HEADER}{}", "z".repeat(70 << 20))),
            "line 2: a row of more than 64 MiB",
        ),
    ];
    for (name, bytes, expected) in cases {
        raw.file(name, &bytes);
        let ran = raw.run().fails(2, expected);
        assert!(ran.err.contains(name), "{ran:?}");
        std::fs::remove_file(raw.0.path().join("raw").join(name)).expect("gone");
    }
    // A row within the limit is no fault of the file, and the limit can be set.
    raw.file("long.csv", &of_two(&long(3 << 20)));
    raw.run().ok();
    let config = raw.0.path().join("pipelines/raw_config.yaml");
    std::fs::write(&config, "ingest: {max_rejected_share: 1.0, max_row_mib: 2}\n")
        .expect("written");
    raw.run().fails(2, "line 3: a row of more than 2 MiB (`ingest.max_row_mib`)");
}

#[test]
fn a_table_of_zeros_is_refused_in_every_place() {
    let raw = Raw::new("china_2000_2001");
    raw.0.write("zeros.csv.gz", &zeros(512));
    raw.0.rebound(&["measure", "zeros.csv.gz"]).fails(2, "it is no text, nor a form that is known");
    raw.file("a.csv", [HEADER, ROW].concat().as_bytes());
    raw.0.write("pipelines/raw_config.yaml", b"relatedness: {proximity_years: [2000]}\n");
    let path = raw.0.path().join("pipelines/raw.yaml");
    let text = std::fs::read_to_string(&path).expect("there");
    let text = text
        .replace("stages: [ingest]", "stages: [ingest, aggregate, relatedness, spatial, tables]");
    for key in [
        "incomes: {file: ../zeros.csv.gz, columns: {region: a, year: b, value: c}}",
        "boundaries: {file: ../zeros.csv.gz, property: name}",
        "tables: {odd: {file: ../zeros.csv.gz}}",
    ] {
        std::fs::write(&path, format!("{text}{key}\n")).expect("written");
        let ran = raw.run();
        assert_eq!(ran.code, 2, "{key}: {ran:?}");
        assert!(ran.err.contains("zeros.csv.gz"), "{key}: {ran:?}");
    }
}

#[test]
fn numbers_beyond_their_range_are_refused() {
    let project = Project::new();
    let cases = [
        ("resilience: {bootstrap_replicates: 4294967295}", "resilience.bootstrap_replicates"),
        ("engine: {threads: 100000}", "engine.threads"),
        ("engine: {memory_mib: 18446744073709551615}", "engine.memory_mib"),
        ("spatial: {permutations: 0}", "spatial.permutations"),
        ("relatedness: {proximity_years: [-2147483648]}", "relatedness.proximity_years"),
        ("ingest: {max_row_mib: 100000}", "ingest.max_row_mib"),
        ("relatedness: {margin: x}", "relatedness.margin"),
        ("policy: {cut_to: x}", "policy.cut_to"),
        ("policy: {step_to: 1999-01-01}", "policy.step_to"),
    ];
    for (text, key) in cases {
        project.write("config/extreme.yaml", text.as_bytes());
        project.write(
            "pipelines/extreme.yaml",
            std::fs::read_to_string(project.path().join("pipelines/australia.yaml"))
                .expect("there")
                .replace(
                    "  - ../config/australia.yaml\n",
                    "  - ../config/australia.yaml\n  - ../config/extreme.yaml\n",
                )
                .as_bytes(),
        );
        let ran = project.rebound(&["run", "pipelines/extreme.yaml"]).fails(2, key);
        assert!(ran.err.contains("expected") && ran.err.contains("config/extreme.yaml"), "{ran:?}");
    }
    project.rebound(&["run", "/dev/zero"]).fails(2, "it is a device");
    for arguments in [
        &["run", "pipelines/australia.yaml", "--threads", "100000"][..],
        &["synth", "--layout", "x", "-o", "y", "--rows", "18446744073709551615"],
        &["synth", "--layout", "x", "-o", "y", "--from", "0"],
        &["measure", "x.csv", "--reflections", "1000000000"],
        &["sql", "select 1", "--memory-mib", "1"],
        &["synth", "--layout", "x", "-o", "y", "--regions", "0"],
    ] {
        let ran = project.rebound(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("is not in"), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_refused_by_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", [HEADER, ROW].concat().as_bytes());
    let odd = OsStr::from_bytes(b"caf\xe9.csv");
    let path = raw.0.path().join("raw").join(odd);
    std::fs::write(&path, [HEADER, ROW].concat()).expect("written");
    let pipeline = raw.0.path().join("pipelines/raw.yaml");
    let text = std::fs::read_to_string(&pipeline).expect("there");
    for files in ["../raw/*", "../raw", "../**/*.csv", "../raw/c*.csv"] {
        std::fs::write(&pipeline, text.replace("../raw/*", files)).expect("written");
        let ran = raw.run().fails(2, "\"caf\\xE9.csv\"");
        assert!(ran.err.contains("is no UTF-8") && ran.err.contains("rename"), "{ran:?}");
    }
    // Of a pattern that does not match it, it is none.
    std::fs::write(&pipeline, text.replace("../raw/*", "../raw/a*")).expect("written");
    raw.run().ok();
    // The command line may name what it likes.
    let ran = raw.0.command().arg("run").arg(odd).output().expect("the binary runs");
    assert_eq!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn patterns_match_as_they_did() {
    let raw = Raw::new("china_2000_2001");
    for name in ["a.csv", "b/c.csv", "b/d/e.csv", ".hidden.csv", "b/.h/f.csv", "g[1].csv"] {
        raw.file(name, [HEADER, ROW].concat().as_bytes());
    }
    let pipeline = raw.0.path().join("pipelines/raw.yaml");
    let text = std::fs::read_to_string(&pipeline).expect("there");
    let all = ["raw/a.csv", "raw/b/c.csv", "raw/b/d/e.csv", "raw/g[1].csv"];
    for (files, expected) in [
        ("../raw/*.csv", &["raw/a.csv", "raw/g[1].csv"][..]),
        ("../raw/**/*.csv", &all),
        ("../raw", &all),
        ("../raw/*", &all),
        ("../r?w/b/*/e.csv", &["raw/b/d/e.csv"]),
        ("../raw/[ab].csv", &["raw/a.csv"]),
        ("../raw/**/d", &["raw/b/d/e.csv"]),
        ("../raw/.*.csv", &["raw/.hidden.csv"]),
        ("../raw/g[[]1].csv", &["raw/g[1].csv"]),
    ] {
        std::fs::write(&pipeline, text.replace("[../raw/*]", &format!("['{files}']")))
            .expect("written");
        raw.run().ok();
        let found = raw.sql("select source_file from customs.reconciliation order by source_file");
        assert_eq!(found, expected, "{files}");
    }
    std::fs::write(&pipeline, text.replace("../raw/*", "../raw/*.txt")).expect("written");
    raw.run().fails(2, "no file matches");
    std::fs::write(&pipeline, text.replace("[../raw/*]", "['../raw/[a']")).expect("written");
    raw.run().fails(2, "sources[0].files[0]");
}

#[test]
fn an_error_of_memory_names_the_setting_and_what_is_enough() {
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", [HEADER, ROW].concat().as_bytes());
    raw.run().ok();
    let large = "select length(repeat(region_code, 20000000)) as n from customs.records";
    let sql = |mib: &str| raw.0.rebound(&["sql", large, "--lake", "raw_lake", "--memory-mib", mib]);
    let told = sql("64").fails(1, "the 64 MiB of a query (`--memory-mib`) are too little");
    let enough = told.err.split("this step needs ").nth(1).and_then(|rest| rest.split(' ').next());
    let enough = enough.expect("what is enough").to_owned();
    assert!(sql(&enough).ok().out.contains("120000000"), "{enough}");
    // In a run the config says how much.
    raw.0.write("pipelines/none/panel.large.sql", large.as_bytes());
    let pipeline = raw.0.path().join("pipelines/raw.yaml");
    let text = std::fs::read_to_string(&pipeline).expect("there");
    let text = text.replace("stages: [ingest]", "stages: [ingest, panels]");
    std::fs::write(&pipeline, text).expect("written");
    let config = raw.0.path().join("pipelines/raw_config.yaml");
    std::fs::write(&config, "ingest: {max_rejected_share: 1.0}\nengine: {memory_mib: 64}\n")
        .expect("written");
    raw.run().fails(1, "the 64 MiB of `engine.memory_mib` are too little");
}
