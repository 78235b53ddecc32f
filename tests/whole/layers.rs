//! The dependency table of ARCHITECTURE.md, and what the pure crates may not touch.

use crate::support::root;
use std::collections::BTreeSet;
use std::process::Command;

/// Crate, whether it is pure, and everything it may depend on.
const TABLE: [(&str, bool, &[&str]); 9] = [
    ("trade", true, &["foldhash", "memchr", "pulp", "serde", "thiserror"]),
    ("space", true, &["faer", "pulp", "rand_pcg", "rayon", "thiserror"]),
    ("resilience", true, &["rand_pcg", "space", "thiserror"]),
    ("estimate", true, &["faer", "rand_pcg", "rayon", "statrs", "thiserror"]),
    (
        "lake",
        false,
        &[
            "arrow",
            "async-trait",
            "blake3",
            "bytes",
            "chrono",
            "futures",
            "object_store",
            "parquet",
            "rayon",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "url",
            "zstd",
        ],
    ),
    (
        "query",
        false,
        &["arrow", "bytes", "datafusion", "futures", "lake", "thiserror", "tokio", "url"],
    ),
    (
        "serve",
        false,
        &[
            "anyhow",
            "async-trait",
            "bytes",
            "clap",
            "datafusion",
            "datafusion-postgres",
            "futures",
            "lake",
            "mimalloc",
            "query",
            "thiserror",
            "tokio",
            "tokio-rustls",
            "tokio-util",
            "tracing",
            "tracing-subscriber",
        ],
    ),
    (
        "cluster",
        false,
        &[
            "ballista",
            "ballista-core",
            "ballista-executor",
            "ballista-scheduler",
            "clap",
            "datafusion",
            "mimalloc",
            "rebound",
            "tempfile",
            "tokio",
            "tracing",
            "tracing-subscriber",
        ],
    ),
    (
        "rebound",
        false,
        &[
            "anyhow",
            "arrow",
            "base64",
            "bzip2",
            "chrono",
            "clap",
            "csv",
            "dta",
            "encoding_rs",
            "encoding_rs_io",
            "estimate",
            "flate2",
            "geojson",
            "glob",
            "indicatif",
            "lake",
            "lzma-rust2",
            "memchr",
            "mimalloc",
            "parquet",
            "query",
            "rand_pcg",
            "rayon",
            "regex",
            "resilience",
            "resvg",
            "rquickjs",
            "rustyline",
            "serde",
            "serde_json",
            "serde_norway",
            "sha2",
            "signal-hook",
            "space",
            "strsim",
            "tempfile",
            "terminal_size",
            "thiserror",
            "tokio",
            "tracing",
            "tracing-subscriber",
            "trade",
            "unicode-width",
            "zip",
            "zstd",
        ],
    ),
];

#[test]
fn crates_import_what_the_architecture_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), TABLE.len(), "a crate needs a line in the table");
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let (_, _, allowed) =
            TABLE.iter().find(|(n, _, _)| *n == name).expect("a line in the table");
        let found: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|d| d["kind"].is_null())
            .filter_map(|d| d["name"].as_str())
            .collect();
        let extra: Vec<_> = found.iter().filter(|d| !allowed.contains(d)).collect();
        assert!(
            extra.is_empty(),
            "crate `{name}` imports {extra:?}, which ARCHITECTURE.md does not allow"
        );
    }
}

fn sources(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn pure_crates_do_no_io_and_read_no_clock() {
    let forbidden =
        ["std::fs", "std::env", "std::io", "std::net", "std::process", "std::time", "println!"];
    for (name, _, _) in TABLE.iter().filter(|(_, is_pure, _)| *is_pure) {
        let mut found = Vec::new();
        sources(&root().join("crates").join(name).join("src"), &mut found);
        assert!(!found.is_empty());
        for (path, text) in found {
            for word in forbidden {
                assert!(!text.contains(word), "{path} names {word}");
            }
        }
    }
}

#[test]
fn only_its_owner_names_a_library() {
    let owners = [
        ("serde_yaml", &["rebound/src/yaml.rs"][..]),
        ("datafusion::", &["query/src/", "serve/src/", "cluster/src/"]),
        ("object_store::", &["lake/src/"]),
    ];
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    for (library, owners) in owners {
        for (path, text) in &found {
            let is_owner = owners.iter().any(|owner| path.contains(owner));
            assert!(is_owner || !text.contains(library), "{path} names {library}");
        }
    }
}
