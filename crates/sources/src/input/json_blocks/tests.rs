use super::*;
use crate::input::cells::utf8_texts;
use project::read_options::Characters;
use proptest::prelude::*;

fn open_bytes(bytes: &[u8], options: &ReadOptions) -> Result<JsonBlocks, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.json");
    std::fs::write(&path, bytes).expect("written");
    JsonBlocks::open(&path, options)
}

fn open(text: &str) -> Result<JsonBlocks, String> {
    open_bytes(text.as_bytes(), &ReadOptions::default())
}

fn key(key: &str) -> ReadOptions {
    ReadOptions { key: Some(key.to_owned()), ..ReadOptions::default() }
}

fn rows(blocks: &mut JsonBlocks) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut found = Vec::new();
    while let Some(block) = blocks.next_block()? {
        let Block::Table { rows, row: first, .. } = block else { panic!("a table") };
        assert_eq!(first, found.len() as u64 + 1);
        let columns = utf8_texts(&rows, first)?;
        found.extend((0..rows.num_rows()).map(|at| {
            let cells = columns.iter().map(|column| column.iter().nth(at).flatten());
            cells.map(|cell| cell.map(str::to_owned)).collect()
        }));
    }
    Ok(found)
}

fn texts(blocks: &mut JsonBlocks) -> Vec<Vec<String>> {
    let rows = rows(blocks).expect("rows");
    let text = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

#[test]
fn rows_are_the_same_whichever_way_they_are_written() {
    let rows = [
        r#"{"firm": "0012", "value": 11267085662.933, "at": {"hs6": "010121", "n": 123456789012345678}}"#,
        r#"{"value": 1e3, "firm": null, "new": [1, {"a": "b c"}], "is": true}"#,
    ];
    let lines = rows.join("\n");
    let array = format!("[{}]", rows.join(",\n"));
    let under =
        format!(r#"{{"n": 2, "empty": [], "response": {{"data": {array}, "ids": [1, 2]}}}}"#);
    let header = ["firm", "value", "at.hs6", "at.n", "new", "is"];
    let expected = [
        ["0012", "11267085662.933", "010121", "123456789012345678", "-", "-"],
        ["-", "1e3", "-", "-", r#"[1,{"a":"b c"}]"#, "true"],
    ];
    for (text, seen) in [
        (&lines, "an object a row"),
        (&array, "an array of objects"),
        (&under, "rows under `response.data`, the only array of objects"),
    ] {
        let mut blocks = open(text).expect("rows");
        assert_eq!(
            (blocks.seen.as_str(), &blocks.header[..]),
            (seen, &header.map(str::to_owned)[..])
        );
        let (number, text) = (Stored::Number, Stored::Text);
        assert_eq!(blocks.stored, [text, number, text, number, text, text]);
        assert_eq!(texts(&mut blocks), expected);
    }
    let mut blocks = open_bytes(under.as_bytes(), &key("response.data")).expect("rows");
    assert_eq!(blocks.seen, "rows under `response.data`");
    assert_eq!(texts(&mut blocks), expected);
    let one = open(r#"{"a": 1, "b": [2]}"#).expect("a row");
    assert_eq!((one.seen.as_str(), one.header.len()), ("one object, a row", 2));
}

#[test]
fn arrays_have_their_header_first() {
    let text = r#"[["code", 2008], ["01", 1.50], ["02", null]]"#;
    let mut blocks = open(text).expect("rows");
    assert_eq!(blocks.header, ["code", "2008"]);
    assert_eq!(blocks.stored, [Stored::Text, Stored::Number]);
    assert_eq!(texts(&mut blocks), [["01", "1.50"], ["02", "-"]]);
    let options = ReadOptions { header: Some(false), ..ReadOptions::default() };
    let mut blocks = open_bytes(text.as_bytes(), &options).expect("rows");
    assert_eq!(blocks.header, ["column 1", "column 2"]);
    assert_eq!(texts(&mut blocks).len(), 3);
    let error = open("[[\"a\", \"b\"],\n [1, 2, 3]]").err().expect("a fault");
    assert_eq!(error, "line 2, column 2: 3 cells, expected 2");
    let under = format!(r#"{{"data": {text}}}"#);
    let error = open(&under).err().expect("not named");
    assert_eq!(error, "it has arrays under `data`: say which has the rows by `key`");
    let mut blocks = open_bytes(under.as_bytes(), &key("data")).expect("rows");
    assert_eq!(texts(&mut blocks).len(), 2);
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let two = r#"{"imports": [{"a": 1}], "exports": [{"a": 2}]}"#;
    let error = open(two).err().expect("two");
    assert_eq!(error, "it has arrays under `imports`, `exports`: say which has the rows by `key`");
    let mut blocks = open_bytes(two.as_bytes(), &key("exports")).expect("rows");
    assert_eq!(texts(&mut blocks), [["2"]]);
    let error = open_bytes(two.as_bytes(), &key("export")).err().expect("none");
    let expected = "it has no array under the key `export`: it has `imports`, `exports` (did you mean `exports`?)";
    assert_eq!(error, expected);
    let error = open_bytes(br#"{"a": 1, "b": [{"c": 2}]}"#, &key("a")).err().expect("none");
    assert!(error.starts_with("under the key `a` is a single value"), "{error}");
    let error = open_bytes(b"{\"a\": 1}\n{\"a\": 2}", &key("a")).err().expect("none");
    assert_eq!(error, "it has an object a row, and no key `a`: leave out `key`");
    let mut twice = open("[{\"a\": 1},\n {\"a\": 1, \"a\": null}]").expect("rows");
    let error = rows(&mut twice).expect_err("a fault");
    assert_eq!(error, "line 2, column 16: the key `a` stands twice in an object");
}

#[test]
fn faults_are_named_by_line_and_column() {
    let is = |text: &str, expected: &str| {
        let error = open(text).err().expect("a fault");
        assert!(error.starts_with(expected), "{text:?}: {error}");
    };
    is("", "it is empty");
    is("[]", "it is JSON without rows");
    is("[1, 2]", "it is JSON without rows");
    is("[{}]", "its rows are empty");
    is("3", "line 1, column 1: expected an array of objects, or an object");
    is("{\"a\": 1}\n{\"a\": }\n", "line 2, column 7: found `}`: expected a value");
    is("{\"a\": 1}\n[1]", "line 2, column 1: more after the end");
    is("[{\"a\": 1}]\n{\"a\": 1}", "line 2, column 1: more after the end");
    is("[{\"a\": 1},\n 2]", "line 2, column 2: expected an object, as the rows before it are");
    is("[{\"a\": 1},\n {\"a\"", "line 2, column 6: the file ends: expected `:`; fetch it again");
}

#[test]
fn characters_are_told_by_a_mark_or_by_the_user() {
    let text = "[{\"é\": \"海\"}]";
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for bytes in [text.as_bytes().to_vec(), bom, utf16] {
        let mut blocks = open_bytes(&bytes, &ReadOptions::default()).expect("rows");
        assert_eq!(blocks.header, ["é"]);
        assert_eq!(texts(&mut blocks), [["海"]]);
    }
    let gb = encoding_rs::GB18030.encode(text).0.into_owned();
    let error = open_bytes(&gb, &ReadOptions::default()).err().expect("no UTF-8");
    assert!(error.contains("no UTF-8: name its characters by `encoding`"), "{error}");
    let options =
        ReadOptions { encoding: Some(Characters(encoding_rs::GB18030)), ..ReadOptions::default() };
    let mut blocks = open_bytes(&gb, &options).expect("rows");
    assert_eq!(texts(&mut blocks), [["海"]]);
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() || c == '🙂' => {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

proptest! {
    #[test]
    fn texts_and_numbers_are_read_as_they_were_written(
        cells in prop::collection::vec((any::<Option<String>>(), "-?[1-9][0-9]{0,30}(\\.[0-9]{1,9})?"), 1..20),
        is_array in any::<bool>(),
    ) {
        let row = |(text, number): &(Option<String>, String)| {
            let text = text.as_deref().map_or("null".to_owned(), quoted);
            format!("{{\"s\":{text},\"n\":{number}}}")
        };
        let lines: Vec<String> = cells.iter().map(row).collect();
        let text = match is_array {
            true => format!("[{}]", lines.join(",")),
            false => lines.join("\n"),
        };
        let mut blocks = open(&text).expect("rows");
        prop_assert_eq!(&blocks.header, &["s", "n"]);
        let found = rows(&mut blocks).expect("rows");
        let expected: Vec<Vec<Option<String>>> =
            cells.into_iter().map(|(text, number)| vec![text, Some(number)]).collect();
        prop_assert_eq!(found, expected);
    }
}
