use crate::published::CATALOG;
use crate::version::TableVersion;
use crate::versions::COMPLETE;
use crate::{
    Catalog, CatalogVersion, Column, Contract, Fingerprint, Kind, Lake, LakeError, RunRecord,
    RunStatus,
};
use arrow::array::{Int32Array, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::BTreeMap;
use std::sync::Arc;

fn contract() -> Contract {
    let columns = [("year", Kind::Int), ("region_code", Kind::Text), ("n", Kind::Count)];
    let columns = columns.map(|(name, kind)| Column {
        name: name.to_owned(),
        kind,
        is_nullable: false,
        unit: String::new(),
        about: String::new(),
    });
    Contract {
        table: "customs.records",
        about: "a year and region",
        key: &["year", "region_code"],
        columns: columns.to_vec(),
    }
}

fn version(lake: &Lake, seed: &str) -> TableVersion {
    lake.draft(&contract(), "ingest", &Fingerprint::of(seed.as_bytes()), "now")
}

fn batch(rows: &[(i32, &str, i64)]) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("year", Arc::new(rows.iter().map(|r| r.0).collect::<Int32Array>()) as _),
        ("region_code", Arc::new(rows.iter().map(|r| Some(r.1)).collect::<StringArray>()) as _),
        ("n", Arc::new(rows.iter().map(|r| r.2).collect::<Int64Array>()) as _),
    ])
    .expect("a batch")
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

const ROWS: [(i32, &str, i64); 3] = [(2008, "A", 1), (2008, "B", 2), (2009, "A", 3)];

/// What is published if `version` alone is.
fn catalog_of(version: &TableVersion) -> Catalog {
    Catalog {
        format: Catalog::FORMAT,
        run: "1".into(),
        pipeline: "p".into(),
        published_at: "now".into(),
        tables: BTreeMap::from([(version.table.clone(), version.clone())]),
        checks: BTreeMap::new(),
    }
}

/// One suite for every store.
fn conformance(url: &str) {
    let lake = Lake::open(url).expect("a lake");
    wait(async {
        let draft = version(&lake, "one");
        assert_eq!(lake.version(&draft.table, &draft.fingerprint).await.expect("readable"), None);
        let written = lake.write(draft.clone(), vec![batch(&ROWS)]).await.expect("written");
        assert_eq!(written.rows(), 3);
        let found = lake.version(&draft.table, &draft.fingerprint).await.expect("readable");
        assert_eq!(found.as_ref(), Some(&written));
        assert_eq!(lake.read(&written, &[]).await.expect("readable"), vec![batch(&ROWS)]);
        let n = lake.read(&written, &["n"]).await.expect("readable");
        assert_eq!((n[0].num_columns(), n[0].num_rows()), (1, 3));

        assert_eq!(lake.catalog().await.expect("readable"), None);
        let catalog = catalog_of(&written);
        let (_, replaced) = lake.catalog_to_replace().await.expect("readable");
        lake.publish(&catalog, &replaced).await.expect("published");
        assert_eq!(lake.catalog().await.expect("readable").as_ref(), Some(&catalog));
        if lake.folder().is_none() {
            // Whoever thinks that nothing is published, or what was before, is too late.
            let raced = lake.publish(&catalog, &replaced).await.expect_err("another run");
            assert!(matches!(raced, LakeError::Conflict(_)), "{raced}");
            let (_, first) = lake.catalog_to_replace().await.expect("readable");
            lake.publish(&catalog, &first).await.expect("published");
            let raced = lake.publish(&catalog, &first).await.expect_err("another run");
            assert!(matches!(raced, LakeError::Conflict(_)), "{raced}");
        }

        let kept = lake.write(version(&lake, "two"), vec![batch(&ROWS)]).await.expect("written");
        let lost = lake.write(version(&lake, "three"), vec![batch(&ROWS)]).await.expect("written");
        for (run, table) in [("1", &lost), ("2", &kept)] {
            let record = record_of(run, 0, table, RunStatus::Failed);
            let record = RunRecord { published_at: None, ..record };
            lake.put_run(&record).await.expect("kept");
        }
        let garbage = lake.collect_garbage(1, None).await.expect("collected");
        assert_eq!(garbage.versions, [lost.folder()]);
        assert!(garbage.bytes >= lost.bytes());
        for (version, is_there) in [(&written, true), (&kept, true), (&lost, false)] {
            let found = lake.version(&version.table, &version.fingerprint).await.expect("readable");
            assert_eq!(found.is_some(), is_there);
        }
    });
}

#[test]
fn memory_conforms() {
    conformance("memory://");
}

#[test]
fn folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    conformance(folder.path().to_str().expect("utf-8"));
}

fn check(batches: &[RecordBatch], expected: &str) {
    let lake = Lake::open("memory://").expect("a lake");
    let written = wait(lake.write(version(&lake, "x"), batches.to_vec()));
    assert_eq!(written.expect_err("refused").to_string(), expected);
}

#[test]
fn rows_that_break_the_contract_are_refused() {
    let order = "rows of table `customs.records` are not in ascending order of its key, \
                 or one key is there twice: at year 2008, region_code B";
    check(&[batch(&[ROWS[1], ROWS[1]])], order);
    check(&[batch(&[ROWS[2]]), batch(&[ROWS[1]])], order);
    check(
        &[batch(&ROWS).project(&[0, 1]).expect("two columns")],
        "table `customs.records` has columns year, region_code; its contract has year, region_code, n",
    );
}

#[test]
fn bytes_do_not_depend_on_how_rows_were_cut() {
    let rows: Vec<_> = (0..40_000).map(|i| (i, "A", i64::from(i * 7 % 1000))).collect();
    let whole = vec![batch(&rows)];
    let cut: Vec<_> = rows.chunks(777).map(batch).collect();
    let bytes = |batches: Vec<RecordBatch>| {
        let lake = Lake::open("memory://").expect("a lake");
        wait(async {
            let written = lake.write(version(&lake, "x"), batches).await.expect("written");
            let path = Path::from(written.files[0].path.as_str());
            lake.store().get(&path).await.expect("there").bytes().await.expect("readable")
        })
    };
    assert_eq!(bytes(whole), bytes(cut));
}

#[test]
fn other_urls_are_refused() {
    assert!(matches!(Lake::open("ftp://x/y"), Err(LakeError::Url(_))));
}

#[test]
fn a_damaged_description_is_no_description() {
    let lake = Lake::open("memory://").expect("a lake");
    wait(async {
        let written = lake.write(version(&lake, "one"), vec![batch(&ROWS)]).await.expect("written");
        let catalog = catalog_of(&written);
        let (_, replaced) = lake.catalog_to_replace().await.expect("readable");
        lake.publish(&catalog, &replaced).await.expect("published");
        for path in [CATALOG.to_owned(), format!("{}/{COMPLETE}", written.folder())] {
            let text =
                String::from_utf8(lake.get(&path).await.expect("there").to_vec()).expect("text");
            let other = text.replacen("region_code", "region_cove", 1);
            assert_ne!(text, other);
            put(&lake, &path, other).await;
        }
        let error = lake.catalog().await.expect_err("damaged");
        assert!(matches!(error, LakeError::Catalog { .. }), "{error}");
        let found = lake.version(&written.table, &written.fingerprint).await;
        assert!(matches!(found, Err(LakeError::Version { .. })), "{found:?}");
    });
}

async fn put(lake: &Lake, path: &str, bytes: impl Into<PutPayload>) {
    lake.store().put(&Path::from(path), bytes.into()).await.expect("written");
}

/// The record of a run that was about to publish `version`, or has.
fn record_of(run: &str, number: u64, version: &TableVersion, status: RunStatus) -> RunRecord {
    RunRecord {
        run: run.into(),
        number,
        pipeline: "p".into(),
        command: String::new(),
        started_at: "now".into(),
        ended_at: None,
        found: None,
        status,
        error: None,
        stages: Vec::new(),
        parts: BTreeMap::new(),
        files: BTreeMap::new(),
        tables: BTreeMap::from([(version.table.clone(), version.clone())]),
        published_at: Some("now".into()),
        checks: BTreeMap::new(),
        sql: BTreeMap::new(),
        check_results: Vec::new(),
    }
}

#[test]
fn a_damaged_catalog_is_made_again_from_the_run_that_published_last() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in ["memory://", folder.path().to_str().expect("utf-8")] {
        let lake = Lake::open(url).expect("a lake");
        wait(async {
            assert!(lake.repair().await.expect("nothing to repair").is_none());
            let first = lake.write(version(&lake, "one"), vec![batch(&ROWS)]).await;
            let first = first.expect("written");
            let second = lake.write(version(&lake, "two"), vec![batch(&ROWS)]).await;
            let second = second.expect("written");
            let put_run = async |run: &str, number, version, status, found: Option<&str>| {
                let found = found.map(str::to_owned);
                let record = RunRecord { found, ..record_of(run, number, version, status) };
                lake.put_run(&record).await.expect("kept");
                record
            };
            // Names do not say which came last: a clock may have been wrong.
            put_run("99991231T000000000Z-1", 1, &first, RunStatus::Published, None).await;
            let newest =
                put_run("20260101T000000000Z-1", 2, &second, RunStatus::Published, None).await;
            put_run("20260101T000000000Z-2", 3, &first, RunStatus::Failed, Some(&newest.run)).await;
            let newest = newest.catalog().expect("published");
            lake.publish(&newest, &CatalogVersion(None)).await.expect("published");
            assert!(lake.repair().await.expect("whole").is_none());
            let whole = lake.get(CATALOG).await.expect("there");
            let text = String::from_utf8(whole.to_vec()).expect("text");
            let damages = [
                text.replacen("region_code", "region_cove", 1),
                text.replacen("\"format\": 2", "\"format\": 3", 1),
                text[..text.len() / 2].to_owned(),
                String::new(),
                "[]".to_owned(),
            ];
            let repaired = async || lake.repair().await.expect("readable").expect("repaired");
            for damaged in damages {
                assert_ne!(damaged, text);
                put(&lake, CATALOG, damaged).await;
                let error = lake.catalog().await.expect_err("damaged");
                assert!(error.to_string().contains("rebound verify --repair"), "{error}");
                assert!(repaired().await.is_certain);
                assert_eq!(lake.get(CATALOG).await.expect("there"), whole, "the same bytes");
            }
            // One that is of another format is not damaged.
            put(&lake, CATALOG, "{\"format\": 3, \"seal\": \"x\"}").await;
            assert!(matches!(lake.repair().await, Err(LakeError::Format { found: 3, .. })));
            // One that is gone is no new lake, and nothing is garbage.
            lake.delete_if_there(CATALOG).await.expect("gone");
            for error in [
                lake.catalog().await.expect_err("gone"),
                lake.collect_garbage(0, None).await.expect_err("gone"),
            ] {
                assert!(error.to_string().contains("it is gone, though run"), "{error}");
            }
            assert_eq!(repaired().await.catalog, newest);
            // A run that was killed while it published: who knows, until a later run saw.
            put_run("20260102T000000000Z-1", 4, &first, RunStatus::Started, Some(&newest.run))
                .await;
            put(&lake, CATALOG, "").await;
            let doubtful = repaired().await;
            assert_eq!(
                (doubtful.is_certain, &doubtful.catalog.tables[&first.table]),
                (false, &first)
            );
            put_run("20260102T000000000Z-2", 5, &second, RunStatus::Unchanged, Some(&newest.run))
                .await;
            put(&lake, CATALOG, "").await;
            let certain = repaired().await;
            assert_eq!((certain.is_certain, &certain.catalog), (true, &newest));
            // Without a file of what was published it is still that, and with nothing of it nothing.
            put(&lake, CATALOG, "").await;
            lake.delete_if_there(&second.files[0].path).await.expect("gone");
            let error = lake.repair().await.expect_err("nothing is left");
            assert!(matches!(error, LakeError::Unrepairable { .. }), "{error}");
        });
    }
}

#[test]
fn a_damaged_record_of_a_run_is_no_garbage_to_go_by() {
    let lake = Lake::open("memory://").expect("a lake");
    wait(async {
        let version = lake.write(version(&lake, "one"), vec![batch(&ROWS)]).await.expect("written");
        let run = "20260101T000000000Z-1";
        lake.put_run(&record_of(run, 1, &version, RunStatus::Failed)).await.expect("kept");
        let path = format!("runs/{run}.json");
        let whole =
            String::from_utf8(lake.get(&path).await.expect("there").to_vec()).expect("text");
        for (from, to) in [
            ("\"published_at\"", "\"pablished_at\""),
            ("\"number\": 1", "\"number\": 0"),
            ("\"failed\"", "\"published\""),
            ("\"seal\"", "\"seam\""),
            ("\"pipeline\": \"p\"", "\"pipeline\": \"q\""),
        ] {
            let damaged = whole.replacen(from, to, 1);
            assert_ne!(damaged, whole, "{from}");
            put(&lake, &path, damaged).await;
            let runs = lake.runs().await.expect("readable");
            assert_eq!((runs.records.len(), runs.left_out.len()), (0, 1), "{to}");
            let error = lake.collect_garbage(1, None).await.expect_err("it may name what is kept");
            assert!(error.to_string().contains("`--keep 0` collects"), "{error}");
        }
        put(&lake, "runs/notes.json", "mine").await;
        put(&lake, &path, whole).await;
        lake.collect_garbage(1, None).await.expect("collected");
        assert!(
            lake.version(&version.table, &version.fingerprint).await.expect("readable").is_some()
        );
        lake.collect_garbage(0, None).await.expect("collected");
        assert!(
            lake.version(&version.table, &version.fingerprint).await.expect("readable").is_none()
        );
    });
}

#[test]
fn a_description_of_another_table_is_refused() {
    let lake = Lake::open("memory://").expect("a lake");
    wait(async {
        let one = lake.write(version(&lake, "one"), vec![batch(&ROWS)]).await.expect("written");
        let two = lake.write(version(&lake, "two"), vec![batch(&ROWS)]).await.expect("written");
        let foreign = lake.get(&format!("{}/{COMPLETE}", one.folder())).await.expect("there");
        put(&lake, &format!("{}/{COMPLETE}", two.folder()), foreign).await;
        let error = lake.version(&two.table, &two.fingerprint).await.expect_err("foreign");
        let expected = format!(
            "`{}/version.json` in the lake describes `{}`: the table is made again",
            two.folder(),
            one.folder()
        );
        assert_eq!(error.to_string().replace("memory:/", ""), expected);
    });
}

#[test]
fn what_is_no_record_is_left_out_and_told() {
    let lake = Lake::open("memory://").expect("a lake");
    wait(async {
        let version = lake.write(version(&lake, "one"), vec![batch(&ROWS)]).await.expect("written");
        lake.put_run(&record_of("1", 1, &version, RunStatus::Published)).await.expect("kept");
        let whole = lake.get("runs/1.json").await.expect("there");
        for (name, bytes) in [
            ("runs/2.json", &whole[..]),
            ("runs/3.json", b""),
            ("runs/4.json", &whole[..whole.len() / 2]),
            ("runs/5.json", b"{\"a\": 1}"),
            ("runs/6.json", &[0xff, 0xfe, 0]),
            ("runs/notes.txt", b"mine"),
        ] {
            put(&lake, name, Bytes::copy_from_slice(bytes)).await;
        }
        let runs = lake.runs().await.expect("readable");
        let names: Vec<_> = runs.records.iter().map(|run| run.run.as_str()).collect();
        assert_eq!((names, runs.next_number()), (vec!["1"], 2));
        assert_eq!(runs.left_out.len(), 5, "{:?}", runs.left_out);
        assert!(runs.left_out.iter().all(|error| error.to_string().contains("delete it")));
        lake.repair().await.expect("repaired").expect("a catalog");
        lake.collect_garbage(1, None).await.expect("collected");
    });
}

#[test]
fn what_was_being_written_is_garbage() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(folder.path().to_str().expect("utf-8")).expect("a lake");
    for name in
        ["tables/a.b/c/part-00000.parquet#1", "runs/x.json#2", "catalog.json#3", "leases/y.json#4"]
    {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, "half").expect("written");
    }
    let garbage = wait(lake.collect_garbage(1, None)).expect("collected");
    // A lease may be being written now.
    assert_eq!((garbage.n_unfinished, garbage.bytes), (3, 12));
    assert!(folder.path().join("leases/y.json#4").exists());
}
