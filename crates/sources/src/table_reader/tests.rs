//! Tables are read as they were written, whatever their form, or refused in words.

mod limits;
mod round_trip;
mod whatever;
mod writers;

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Cursor, Write};

const TABLE: &str = "code,name\n01, a \n02,\"b, \"\"c\"\"\nd\"\n\n03,\n";

/// The rows of a text.
fn rows(bytes: Vec<u8>) -> Result<Vec<Vec<String>>, String> {
    rows_of(&mut TableReader::of_text(Cursor::new(bytes), &ReadOptions::default())?)
}

/// The rows that are left of a table.
fn rows_of(reader: &mut TableReader) -> Result<Vec<Vec<String>>, String> {
    let n = reader.header().len();
    let mut found = Vec::new();
    let all = reader.each(|row| {
        let texts = (0..n).map(|at| row.text(at).map(str::to_owned));
        found.push(texts.collect::<Result<Vec<_>, String>>()?);
        Ok(())
    });
    all.map_err(|fault| fault.to_string())?;
    Ok(found)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::fast());
    member.write_all(bytes).expect("packed");
    member.finish().expect("packed")
}

#[test]
fn a_text_has_the_same_rows_however_it_is_packed_and_coded() {
    let plain = TABLE.as_bytes();
    let expected = [["01", "a"], ["02", "b, \"c\"\nd"], ["03", ""]];
    let bom = [&b"\xef\xbb\xbf"[..], plain].concat();
    let utf16 =
        [vec![0xff, 0xfe], TABLE.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let (begin, end) = plain.split_at(15);
    let members = [gzip(begin), gzip(end)].concat();
    let zstd = zstd::encode_all(plain, 1).expect("packed");
    let crlf = TABLE.replace('\n', "\r\n").replace("\"\"\r\nd", "\"\"\nd").into_bytes();
    let again = gzip(&gzip(plain));
    let mixed = zstd::encode_all(&gzip(&again)[..], 1).expect("packed");
    for bytes in [plain.to_vec(), bom, utf16, members, zstd, crlf, again, mixed.clone()] {
        assert_eq!(rows(bytes).expect("rows"), expected);
    }
    let error = rows(gzip(&mixed)).expect_err("too deep");
    assert_eq!(error, "it is packed more than 4 times, each in the other: unpack it first");
}

#[test]
fn json_is_read_in_any_encoding_of_unicode() {
    let text =
        "[{\"region\": \"S\u{e3}o Paulo\", \"value\": 1.50}, {\"region\": \"B\", \"value\": 2}]";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let marked = [&b"\xff\xfe"[..], &little[..]].concat();
    for bytes in [text.as_bytes().to_vec(), little.clone(), big, marked, gzip(&little)] {
        std::fs::write(&path, bytes).expect("written");
        let mut reader = TableReader::open(&path, &ReadOptions::default()).expect("JSON");
        assert!(reader.seen().starts_with("JSON"), "{}", reader.seen());
        assert_eq!(rows_of(&mut reader).expect("rows"), [["S\u{e3}o Paulo", "1.50"], ["B", "2"]]);
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_with_its_line() {
    let is = |text: &str, expected: &str| {
        let error = rows(text.as_bytes().to_vec()).expect_err("a fault");
        assert!(error.starts_with(expected), "{text:?}: {error}");
    };
    is("a,b\n1,2\n\n3\n", "line 4: 1 columns, expected 2");
    is("a,b\n1,2,3\n", "line 2: 3 columns, expected 2");
    is("a,b\n\"1\n2\",3\n4,\"5\n6,7\n", "line 4: a quote opens");
    is("a,b\n1,2\r3,4\n", "line 2: a CR within the row");
    is("a\n\"1\"\r2\n", "line 2: a CR within the row");
    is("", "it is empty: expected a header and rows");
    // Beyond the sample, which is ASCII, other bytes are no guess.
    let long = [b"a,b\n".to_vec(), b"1,2\n".repeat(300_000), b"1,\xe4\n".to_vec()].concat();
    let error = rows(long).expect_err("a fault");
    assert!(error.starts_with("line 300002: its bytes are no UTF-8"), "{error}");
    // Within quotes it is text, and at the end of a row white space.
    let found = rows(b"a,b\n\"1\r2\",3\r\r\n".to_vec()).expect("rows");
    assert_eq!(found, [["1\r2", "3"]]);
}

#[test]
fn delimiters_are_found_in_the_header_and_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let header = |text: &str| {
        std::fs::write(&path, text).expect("written");
        let seen = TableReader::open(&path, &ReadOptions::default()).expect("a header");
        let comma = ReadOptions { delimiter: ",".parse().ok(), ..ReadOptions::default() };
        let told = TableReader::open(&path, &comma).expect("a header");
        (seen.header().to_vec(), told.header().to_vec())
    };
    for delimiter in [',', '\t', ';', '|'] {
        let name = format!("a{delimiter}b");
        let (any, comma) = header(&format!("{name}\n1{delimiter}2\n"));
        assert_eq!(any, ["a", "b"]);
        assert!(delimiter == ',' || comma == [name], "{comma:?}");
    }
    assert_eq!(header("a\n1\n").0, ["a"]);
    for (text, expected) in [
        (&b"a,\"b\n1,2\n"[..], "a name in its header begins with a quote"),
        (b"a,b\r1,2\n", "a CR within its header"),
    ] {
        std::fs::write(&path, text).expect("written");
        let error = TableReader::open(&path, &ReadOptions::default()).expect_err("a fault");
        assert!(error.starts_with(expected), "{error}");
    }
    let utf8 = ReadOptions { encoding: "utf-8".parse().ok(), ..ReadOptions::default() };
    std::fs::write(&path, b"a,\xe4\n1,2\n").expect("written");
    let error = TableReader::open(&path, &utf8).expect_err("a fault");
    assert!(error.starts_with("its header is no UTF-8"), "{error}");
    assert_eq!(header("a,b\n").0, ["a", "b"]);
    let error = TableReader::open(folder.path(), &utf8).expect_err("a fault");
    assert!(error.starts_with("it is a folder"), "{error}");
}

#[test]
fn a_column_is_found_by_its_name_or_the_closest_is_told() {
    let header = ["region", "year"].map(str::to_owned);
    assert_eq!(place(&header, "year"), Ok(1));
    let error = place(&header, "yaer").expect_err("none");
    let expected = "no column `yaer`: the header has region, year (did you mean `year`?)";
    assert_eq!(error, expected);
}
