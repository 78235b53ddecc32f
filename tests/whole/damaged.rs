//! A lake whose descriptions are damaged: what the next run mends, what `verify --repair` does, and what is told.

use crate::support::{Project, Raw};
use std::path::{Path, PathBuf};

const ROWS: &str = "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n\
                    200001,0,4403161234,A,6,85171100,502,1000,10,10\n";

/// A lake with two runs.
fn published() -> Raw {
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", ROWS.as_bytes());
    raw.run().ok();
    raw.file("b.csv", ROWS.replace("1000", "70").as_bytes());
    raw.run().ok();
    raw
}

fn lake(project: &Project) -> PathBuf {
    project.path().join("raw_lake")
}

/// The description of the published version of a table.
fn description(project: &Project, table: &str) -> PathBuf {
    let catalog = std::fs::read(lake(project).join("catalog.json")).expect("published");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).expect("JSON");
    let version = catalog["tables"][table]["fingerprint"].as_str().expect("a name");
    lake(project).join("tables").join(table).join(version).join("version.json")
}

/// The first data file of the published version of a table.
fn data_file(project: &Project, table: &str) -> PathBuf {
    let catalog = std::fs::read(lake(project).join("catalog.json")).expect("published");
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).expect("JSON");
    lake(project).join(catalog["tables"][table]["files"][0]["path"].as_str().expect("a file"))
}

/// The bytes of a file, damaged in several ways.
fn damages(path: &Path) -> Vec<Vec<u8>> {
    let whole = std::fs::read(path).expect("there");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut damages = vec![
        Vec::new(),
        whole[..whole.len() / 2].to_vec(),
        vec![0; whole.len()],
        b"[]".to_vec(),
        b"{}".to_vec(),
        vec![0xff, 0xfe, 0x00],
    ];
    damages.extend((1..12).map(|part| flipped(whole.len() * part / 12)));
    damages
}

#[test]
fn a_description_that_is_damaged_or_foreign_is_made_again() {
    let raw = published();
    let before = raw.0.published_bytes_in("raw_lake");
    let records = description(&raw.0, "customs.records");
    let mut ways = damages(&records);
    ways.push(std::fs::read(description(&raw.0, "customs.rejects")).expect("there"));
    for bytes in ways {
        std::fs::write(&records, &bytes).expect("written");
        let ran = raw.run().ok();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            ran.err.contains("customs.records") && ran.err.contains("is made again"),
            "{text}: {ran:?}"
        );
        assert_eq!(raw.0.published_bytes_in("raw_lake"), before, "{text}");
        assert!(raw.run().ok().out.contains("nothing to do"));
    }
}

#[test]
fn files_among_the_records_that_are_none_are_left_out() {
    let raw = published();
    let runs = lake(&raw.0).join("runs");
    let record =
        std::fs::read_dir(&runs).expect("records").next().expect("one").expect("one").path();
    for bytes in damages(&record) {
        std::fs::write(runs.join("foreign.json"), &bytes).expect("written");
        for command in [&["run", "pipelines/raw.yaml"][..], &["runs", "--lake", "raw_lake"]] {
            let ran = raw.0.rebound(command).ok();
            assert!(ran.err.contains("runs/foreign.json"), "{ran:?}");
        }
        raw.0.rebound(&["gc", "--keep", "1", "--lake", "raw_lake"]).ok();
    }
    std::fs::write(runs.join("notes.txt"), "mine").expect("written");
    std::fs::remove_file(runs.join("foreign.json")).expect("gone");
    assert_eq!(raw.run().ok().err, "");
}

#[test]
fn a_damaged_catalog_is_told_and_repaired() {
    let raw = published();
    let catalog = lake(&raw.0).join("catalog.json");
    let whole = std::fs::read(&catalog).expect("published");
    let repair = ["verify", "--repair", "--lake", "raw_lake"];
    assert!(raw.0.rebound(&repair).ok().out.contains("the catalog is not damaged"));
    for bytes in damages(&catalog) {
        std::fs::write(&catalog, &bytes).expect("written");
        for command in [
            &["run", "pipelines/raw.yaml"][..],
            &["plan", "pipelines/raw.yaml"],
            &["tables", "--lake", "raw_lake"],
            &["sql", "select 1", "--lake", "raw_lake"],
            &["verify", "--lake", "raw_lake"],
            &["gc", "--keep", "1", "--lake", "raw_lake"],
        ] {
            raw.0.rebound(command).fails(1, "`rebound verify --repair` makes it again");
        }
        let ran = raw.0.rebound(&repair).ok();
        assert!(ran.out.contains("the catalog is made again"), "{ran:?}");
        assert_eq!(std::fs::read(&catalog).expect("there"), whole, "the same bytes");
    }
    // One that is gone is no new lake: nothing is garbage, and no part is published in the place of the whole.
    std::fs::remove_file(&catalog).expect("gone");
    for command in [
        &["run", "pipelines/raw.yaml"][..],
        &["tables", "--lake", "raw_lake"],
        &["gc", "--keep", "0", "--lake", "raw_lake"],
    ] {
        raw.0.rebound(command).fails(1, "it is gone, though run");
    }
    raw.0.rebound(&repair).ok();
    assert_eq!(std::fs::read(&catalog).expect("there"), whole);
    // What is lost of it is told, and made again, and nothing older comes in its place.
    std::fs::remove_file(data_file(&raw.0, "customs.rejects")).expect("gone");
    std::fs::write(&catalog, "").expect("written");
    raw.0.rebound(&repair).fails(3, "`rebound run` makes again: ingest");
    assert_eq!(std::fs::read(&catalog).expect("there"), whole);
    raw.run().ok();
    raw.0.rebound(&["verify", "--lake", "raw_lake"]).ok();
    // What is no file is not opened.
    #[cfg(unix)]
    for path in ["catalog.json", ".gc.lock", ".lock"] {
        let path = lake(&raw.0).join(path);
        let kept = std::fs::read(&path).unwrap_or_default();
        let _ = std::fs::remove_file(&path);
        assert!(
            std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo").success()
        );
        let ran = raw.0.rebound(&["gc", "--keep", "1", "--lake", "raw_lake"]);
        assert!(ran.code > 0 && ran.err.contains("is no file: remove it"), "{ran:?}");
        std::fs::remove_file(&path).expect("gone");
        std::fs::write(&path, kept).expect("written");
    }
    assert!(raw.run().ok().out.contains("nothing to do"));
    // Nobody knows any more: what is left to do is said, and works.
    std::fs::remove_dir_all(lake(&raw.0).join("runs")).expect("gone");
    std::fs::write(&catalog, "").expect("written");
    raw.0.rebound(&repair).fails(1, "delete what is left of it");
    std::fs::remove_file(&catalog).expect("gone");
    assert!(raw.run().ok().out.contains("published"));
}

#[test]
fn a_run_without_a_place_for_its_record_makes_nothing() {
    let raw = published();
    let before = raw.0.published_bytes_in("raw_lake");
    let runs = lake(&raw.0).join("runs");
    std::fs::remove_dir_all(&runs).expect("gone");
    std::fs::write(&runs, "in the way").expect("written");
    raw.file("c.csv", ROWS.as_bytes());
    let ran = raw.run();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("runs"), "{ran:?}");
    assert!(raw.0.published_bytes_in("raw_lake") == before, "other bytes");
}

#[test]
fn an_old_version_that_comes_back_is_what_was_written() {
    let raw = published();
    let expected = raw.0.published_bytes_in("raw_lake");
    let config = raw.0.path().join("pipelines/raw_config.yaml");
    let before = std::fs::read(&config).expect("there");
    std::fs::write(&config, "ingest: {max_row_mib: 32}\n").expect("written");
    raw.run().ok();
    assert_ne!(raw.0.published_bytes_in("raw_lake")[0].0, expected[0].0, "another version");
    // Nobody reads it, and `verify` does not ask for it.
    let (path, bytes) =
        expected.iter().find(|(path, _)| path.contains("customs.records")).expect("a file");
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(raw.0.path().join(path), damaged).expect("written");
    raw.0.rebound(&["verify", "--lake", "raw_lake"]).ok();
    std::fs::write(&config, before).expect("written");
    let ran = raw.run().ok();
    assert!(ran.err.contains("is damaged") && ran.err.contains("it is made again now"), "{ran:?}");
    assert!(raw.0.published_bytes_in("raw_lake") == expected, "other bytes");
}
