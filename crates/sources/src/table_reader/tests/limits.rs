//! What would not fit into memory is refused before it is held.

use super::super::*;
use crate::input::items_at;
use project::bounded::RowLimit;
use std::fs::File;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// What is said of the file of these bytes, whose rows may have 1 MiB.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).expect("written");
    refusal_at(&path)
}

fn refusal_at(path: &Path) -> String {
    let buffers = Buffers::new(RowLimit { mib: 1, setting: None });
    let items = items_at(path, "table").expect("a file");
    let mut blocks = match items[0].open(&ReadOptions::default(), &buffers) {
        Ok(blocks) => blocks,
        Err(error) => return error.to_string(),
    };
    loop {
        match blocks.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it is read"),
            Err(why) => return why,
        }
    }
}

#[track_caller]
fn assert_begins(why: &str, expected: &str) {
    assert!(why.starts_with(expected), "{why}");
}

#[test]
fn a_row_without_an_end_is_refused_in_every_text() {
    let endless = vec![b'1'; 3 << 20];
    let after = |begin: &str| [begin.as_bytes(), &endless].concat();
    let long = "a row of more than 1 MiB";
    assert_begins(&refusal(&after("a,b\n1,")), &format!("line 2: {long}"));
    assert_begins(&refusal(&after("a,b\n1,2\n\"")), &format!("line 3: {long}"));
    assert_begins(&refusal(&after("a,")), &format!("line 1: {long}"));
    let eurostat = after("unit,geo\\TIME_PERIOD\t2008\nEUR,DE\t");
    assert_begins(&refusal(&eurostat), &format!("line 2: {long}"));
    // Packed it is small.
    let packed = zstd::encode_all(&*after("a,b\n1,"), 1).expect("packed");
    assert!(packed.len() < 1 << 12, "{}", packed.len());
    assert_begins(&refusal(&packed), &format!("line 2: {long}"));
}

#[test]
fn a_text_of_json_without_an_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    let mut file = File::create(&path).expect("a file");
    file.write_all(b"{\"a\": 1}\n{\"a\": \"").expect("written");
    // Zeros, which take no room on a disk.
    file.set_len(66 << 20).expect("room");
    drop(file);
    let why = refusal_at(&path);
    assert_begins(&why, "line 2, column ");
    assert!(why.contains("a text of more than 64 MiB"), "{why}");
}

#[test]
fn json_of_many_levels_or_keys_is_refused() {
    let levels = ["[", "{\"a\":", "[{\"a\":[", "[{\"a\":{\"b\":", "{\"a\":[{\"b\":["];
    for level in levels {
        let why = refusal(level.repeat(50_000).as_bytes());
        assert!(why.contains("levels of"), "{level}: {why}");
    }
    let keys: Vec<String> = (0..20_001).map(|at| format!("\"k{at}\": 1")).collect();
    let why = refusal(format!("[{{{}}}]", keys.join(", ")).as_bytes());
    assert_begins(&why, "its rows have more than 20000 different keys");
    let why = refusal(format!("[[{}]]", vec!["1"; 20_001].join(",")).as_bytes());
    assert!(why.contains("a row of more than 20000 cells"), "{why}");
}

#[test]
fn a_workbook_that_is_too_large_unpacked_is_refused_by_its_directory() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["xl/workbook.xml", "xl/worksheets/sheet1.xml"] {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, options).expect("a part");
        archive.write_all(b"<workbook/>").expect("written");
    }
    let mut bytes = archive.finish().expect("an archive").into_inner();
    // The unpacked size before the last member, and in its entry of the directory.
    for (mark, at) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let entry = memchr::memmem::rfind(&bytes, mark).expect("an entry");
        bytes[entry + at..entry + at + 4].copy_from_slice(&(2_u32 << 30).to_le_bytes());
    }
    let expected =
        "it is a workbook whose part `xl/worksheets/sheet1.xml` has more than 1 GiB unpacked";
    assert_begins(&refusal(&bytes), expected);
}

#[test]
fn arrow_that_says_more_than_it_has_is_refused() {
    // A stream whose first message has nearly 16 MiB, in a file of a few bytes.
    let stream = [&b"\xff\xff\xff\xff\xff\xff\xff\0"[..], &[0; 16]].concat();
    assert_begins(&refusal(&stream), "it is no Arrow file, or a damaged one");
}

#[test]
fn lines_to_be_left_out_are_counted_in_the_first_mebibyte() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    std::fs::write(&path, b"a,b\n".repeat(300_000)).expect("written");
    let options = ReadOptions { skip: Some(299_999), ..ReadOptions::default() };
    let error = TableReader::open(&path, &options).expect_err("a fault");
    assert!(error.contains("left out, and its first MiB has no more"), "{error}");
}

#[test]
fn names_of_members_are_shown_as_they_may_be() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["a\u{1b}[31m", "b\u{1b}[31m"] {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, options).expect("a member");
        archive.write_all(b"x\n1\n").expect("written");
    }
    let mut bytes = archive.finish().expect("an archive").into_inner();
    // The second gets the name of the first.
    while let Some(at) = memchr::memmem::find(&bytes, b"b\x1b[31m") {
        bytes[at] = b'a';
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).expect("written");
    let error = TableReader::open(&path, &ReadOptions::default()).expect_err("two");
    assert!(error.starts_with("two of its members have the name `a?[31m`"), "{error}");
}
