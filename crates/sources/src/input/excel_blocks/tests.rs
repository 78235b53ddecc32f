use super::*;
use crate::input::cells::utf8_texts;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

fn archive(parts: &[(String, String)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name.as_str(), options).expect("a part");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// An xlsx workbook of sheets: their names, states and rows.
pub(crate) fn book(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut parts = vec![
        (
            "_rels/.rels".to_owned(),
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/styles.xml".to_owned(),
            // The second format is of dates, the third of dates and times.
            format!(
                r#"<styleSheet xmlns="{MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>"#
            ),
        ),
    ];
    let (mut names, mut relations) = (Vec::new(), Vec::new());
    for ((name, state, rows), at) in sheets.iter().zip(1..) {
        names.push(format!(
            r#"<sheet name="{name}" sheetId="{at}" state="{state}" r:id="rId{at}"/>"#
        ));
        relations.push(format!(
            r#"<Relationship Id="rId{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>"#
        ));
        let sheet =
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#);
        parts.push((format!("xl/worksheets/sheet{at}.xml"), sheet));
    }
    let (names, relations) = (names.concat(), relations.concat());
    parts.push((
        "xl/workbook.xml".to_owned(),
        format!(
            r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>"#
        ),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!(r#"<Relationships xmlns="{PACKAGE}">{relations}</Relationships>"#),
    ));
    archive(&parts)
}

/// A row of cells: texts, or after `=` what stands in a cell without a type, or after `=` and a
/// style.
pub(crate) fn row(number: usize, cells: &[&str]) -> String {
    let mut row = vec![format!(r#"<row r="{number}">"#)];
    for (cell, column) in cells.iter().zip('A'..) {
        let at = format!("{column}{number}");
        row.push(match (cell.strip_prefix('='), cell.split_once('@')) {
            _ if cell.is_empty() => String::new(),
            (Some(_), Some((value, style))) => {
                let value = value.trim_start_matches('=');
                format!(r#"<c r="{at}" s="{style}"><v>{value}</v></c>"#)
            }
            (Some("TRUE"), None) => format!(r#"<c r="{at}" t="b"><v>1</v></c>"#),
            (Some("#N/A"), None) => format!(r#"<c r="{at}" t="e"><v>#N/A</v></c>"#),
            (Some(value), None) => format!(r#"<c r="{at}"><v>{value}</v></c>"#),
            (None, _) => {
                let text = cell.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                format!(
                    r#"<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#
                )
            }
        });
    }
    row.push("</row>".to_owned());
    row.concat()
}

fn open(bytes: &[u8], options: &ReadOptions) -> Result<ExcelBlocks, String> {
    let folder = tempfile::tempdir().expect("a folder");
    // Its name says nothing.
    let path = folder.path().join("book");
    std::fs::write(&path, bytes).expect("written");
    ExcelBlocks::open(&path, options)
}

/// The rows of a table, each with its number.
fn rows_of(blocks: &mut ExcelBlocks) -> Vec<(u64, Vec<String>)> {
    let mut found = Vec::new();
    while let Some(block) = blocks.next_block().expect("a block") {
        let Block::Table { rows, row: first, .. } = block else { panic!("a table") };
        let columns = utf8_texts(&rows, first).expect("texts");
        for at in 0..rows.num_rows() {
            let cells = columns.iter().map(|column| column.iter().nth(at).flatten());
            let cells = cells.map(|cell| cell.unwrap_or("-").to_owned()).collect();
            found.push((first + at as u64, cells));
        }
    }
    found
}

fn texts(rows: &[(u64, Vec<String>)]) -> Vec<(u64, Vec<&str>)> {
    rows.iter().map(|(row, cells)| (*row, cells.iter().map(String::as_str).collect())).collect()
}

#[test]
fn a_workbook_of_the_old_form_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/workbooks/exports.xls");
    let bytes = std::fs::read(path).expect("a fixture");
    let mut blocks = open(&bytes, &ReadOptions::default()).expect("a workbook");
    assert_eq!(blocks.header, ["Month", "Province", "HS", "FOB (USD)", "Net kg"]);
    let rows = rows_of(&mut blocks);
    let expected = [
        (4, vec!["2008-09-01", "Norte", "020130", "1234.5", "10"]),
        (5, vec!["2008-10-01", "Sur", "100630", "0.25", "7"]),
        (6, vec!["2008-11-01", "Ñuble", "090111", "98765432.75", "-"]),
    ];
    assert_eq!(texts(&rows), expected);
}

#[test]
fn formulas_without_a_stored_value_are_said() {
    let header = row(1, &["region", "value"]);
    let cells = [
        r#"<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>A2*2</f></c></row>"#,
        r#"<row r="3"><c r="A3"><v>2</v></c><c r="B3"><f t="shared" ref="B3:B4" si="0">A3</f><v>2</v></c></row>"#,
        r#"<row r="4"><c r="A4"><v>3</v></c><c r="B4"><f t="shared" si="0"/><v></v></c></row>"#,
        r#"<row r="5"><c r="A5"><v>4</v></c><c r="B5" t="str"><f>""</f><v></v></c></row>"#,
    ];
    let bytes = book(&[("s", "visible", &[header.as_str(), &cells.concat()].concat())]);
    let mut blocks = open(&bytes, &ReadOptions::default()).expect("a workbook");
    assert_eq!(blocks.seen, "sheet `s`, 2 formulas without a stored value (first B2)");
    let rows = rows_of(&mut blocks);
    let expected =
        [(2, vec!["1", "-"]), (3, vec!["2", "2"]), (4, vec!["3", "-"]), (5, vec!["4", "-"])];
    assert_eq!(texts(&rows), expected);
    let names =
        [(0, 0), (1, 25), (2, 26), (9, 701), (9, 702)].map(|(row, column)| cell_name(row, column));
    assert_eq!(names, ["A1", "Z2", "AA3", "ZZ10", "AAA10"]);
}

#[test]
fn a_sheet_is_read_from_its_header_on() {
    let rows = [
        row(1, &["Exports by firm"]),
        row(3, &["firm", "hs6", "value", "day", "time", "ok"]),
        row(4, &["0012", "010121", "=11267085662.933", "=39706@1", "=39706.5@2", "=TRUE"]),
        row(5, &["0013", "=10121", "=1E3", "", "", "=#N/A"]),
        row(7, &["a & <b>", "", "=0.1", "=39707@1", "", ""]),
        row(9, &["Source: customs"]),
    ];
    let book = book(&[("Data", "visible", &rows.concat())]);
    let mut blocks = open(&book, &ReadOptions::default()).expect("a sheet");
    assert_eq!(blocks.header, ["firm", "hs6", "value", "day", "time", "ok"]);
    let seen = "sheet `Data`, header in row 3, row 1 above it left out (Exports by firm)";
    assert_eq!(blocks.seen, seen);
    assert_eq!(blocks.table.is_number, [false, false, true, false, false, false]);
    let found = rows_of(&mut blocks);
    let expected = [
        (4, vec!["0012", "010121", "11267085662.933", "2008-09-15", "2008-09-15T12:00:00", "true"]),
        (5, vec!["0013", "10121", "1000", "-", "-", "#N/A"]),
        (7, vec!["a & <b>", "-", "0.1", "2008-09-16", "-", "-"]),
        (9, vec!["Source: customs", "-", "-", "-", "-", "-"]),
    ];
    assert_eq!(texts(&found), expected);
}

#[test]
fn a_sheet_is_found_by_its_name() {
    let table = |name: &str| [row(1, &[name, "x"]), row(2, &["=1", "=2"])].concat();
    let book = book(&[
        ("Notes", "visible", ""),
        ("Data", "visible", &table("a")),
        ("More", "visible", &table("b")),
        ("Codes", "hidden", &table("c")),
    ]);
    let options =
        |sheet: &str| ReadOptions { sheet: Some(sheet.to_owned()), ..ReadOptions::default() };
    let first = open(&book, &ReadOptions::default()).expect("a sheet");
    assert_eq!(
        (first.header[0].as_str(), first.seen.as_str()),
        ("a", "sheet `Data`; not sheet `More`")
    );
    let named = open(&book, &options("Codes")).expect("a sheet");
    assert_eq!((named.header[0].as_str(), named.seen.as_str()), ("c", "sheet `Codes`"));
    let error = open(&book, &options("Date")).err().expect("none");
    let expected = "it has no sheet `Date`: its sheets are `Notes`, `Data`, `More`, `Codes` (did you mean `Data`?)";
    assert_eq!(error, expected);
    let error = open(&book, &options("Notes")).err().expect("none");
    assert_eq!(error, "sheet `Notes`: it has no cells");
}

#[test]
fn open_documents_are_read_the_same() {
    let content = r#"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="T"><table:table-row><table:table-cell office:value-type="string"><text:p>code</text:p></table:table-cell><table:table-cell office:value-type="string"><text:p>day</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell office:value-type="string"><text:p>01</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2008-09-15"><text:p>15/09/08</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell office:value-type="float" office:value="2.5"><text:p>2,5</text:p></table:table-cell><table:table-cell office:value-type="boolean" office:boolean-value="false"><text:p>FALSE</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"#;
    let manifest = r#"<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"></manifest:manifest>"#;
    let parts = [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", content),
    ];
    let parts = parts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let mut blocks = open(&archive(&parts), &ReadOptions::default()).expect("a sheet");
    assert_eq!(blocks.header, ["code", "day"]);
    let found = rows_of(&mut blocks);
    assert_eq!(texts(&found), [(2, vec!["01", "2008-09-15"]), (3, vec!["2.5", "false"])]);
}

#[test]
fn what_is_no_workbook_is_refused_in_words() {
    let without_parts = archive(&[("xl/workbook.xml".to_owned(), "<workbook/>".to_owned())]);
    let old = [&OLD[..], &[0xa1, 0xb1, 0x1a, 0xe1], &[0; 512]].concat();
    for bytes in [without_parts, old, b"PK\x03\x04".to_vec(), Vec::new()] {
        let error = open(&bytes, &ReadOptions::default()).err().expect("none");
        assert!(error.starts_with("it is a damaged workbook, or none"), "{error}");
        assert!(error.ends_with("save it as xlsx or CSV"), "{error}");
    }
    let empty = book(&[("A", "visible", ""), ("B", "visible", &row(3, &["", " "]))]);
    let error = open(&empty, &ReadOptions::default()).err().expect("none");
    assert_eq!(error, "it is a workbook without cells");
    let hidden = book(&[("A", "hidden", &row(1, &["a"]))]);
    let error = open(&hidden, &ReadOptions::default()).err().expect("none");
    assert!(error.ends_with("are hidden: name one by `sheet`: `A`"), "{error}");
}

proptest! {
    #[test]
    fn texts_and_numbers_are_read_as_they_were_written(
        cells in prop::collection::vec(("[a-z]([a-z&<>é ]{0,5}[a-z])?", -1_000_000_000_i64..1_000_000_000, -1e9..1e9_f64), 1..20),
    ) {
        let mut rows = vec![row(1, &["s", "w", "n"])];
        for ((text, whole, number), at) in cells.iter().zip(2..) {
            rows.push(row(at, &[text, &format!("={whole}"), &format!("={number}")]));
        }
        let mut blocks =
            open(&book(&[("T", "visible", &rows.concat())]), &ReadOptions::default()).expect("a sheet");
        prop_assert_eq!(&blocks.table.is_number, &[false, true, true]);
        let found = rows_of(&mut blocks);
        prop_assert_eq!(found.len(), cells.len());
        for ((_, found), (text, whole, number)) in found.iter().zip(&cells) {
            prop_assert_eq!(&found[0], text);
            prop_assert_eq!(&found[1], &whole.to_string());
            let back = found[2].parse::<f64>().map(f64::to_bits);
            prop_assert_eq!(back, Ok(number.to_bits()));
        }
    }
}
