//! What a file is, by its first bytes, and what is to be done with one that is no table.

use super::eurostat_blocks::is_eurostat;
use super::fault::text_of;
use super::packed;
use super::sniff;
use encoding_rs::Encoding;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// First bytes of a file by which it is told what it is.
pub(super) const LOOKED_AT: u64 = 64 << 10;

/// Bytes without the end of a line that no table begins with.
const LONG_LINE: usize = 1 << 20;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, a file or a stream.
    Arrow,
    /// Stata.
    Stata,
    /// A workbook of Excel 97 to 2003, or one with a password; perhaps another old Office file.
    Xls,
    /// A workbook that is a zip archive: xlsx, xlsb, ods.
    ZipWorkbook,
    /// A zip archive of something else.
    Zip,
    /// JSON.
    Json,
    /// Eurostat's TSV.
    Eurostat,
    /// Nothing at all.
    Empty,
    /// What is no table, as in [`refusal`].
    NoTable(NoTable),
    /// Perhaps delimited text.
    Other,
}

/// What is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTable {
    /// A web page.
    Html,
    /// A workbook of Excel 2003 as XML.
    XmlWorkbook,
    /// Other XML.
    Xml,
    /// A portable document.
    Pdf,
    /// An image.
    Image,
    /// A database of SQLite.
    Sqlite,
    /// A database of Access.
    Access,
    /// Data of R.
    R,
    /// Data of SAS.
    Sas,
    /// Data of SPSS.
    Spss,
    /// HDF5, `NetCDF` or Matlab's.
    Arrays,
    /// Data of Python: a pickle, or an array of NumPy.
    Python,
    /// Feather 1.
    OldFeather,
    /// A text document of an office program.
    Document,
    /// An archive that is not opened.
    Archive,
    /// One line without an end.
    LongLine,
    /// Bytes that are no text.
    Binary,
}

/// First bytes of files that are no tables, where they stand.
const NO_TABLES: [(usize, &[u8], NoTable); 34] = [
    (0, b"%PDF-", NoTable::Pdf),
    (0, b"\x89PNG\r\n\x1a\n", NoTable::Image),
    (0, b"\xff\xd8\xff", NoTable::Image),
    (0, b"GIF87a", NoTable::Image),
    (0, b"GIF89a", NoTable::Image),
    (0, b"II*\0", NoTable::Image),
    (0, b"MM\0*", NoTable::Image),
    (8, b"WEBPVP8", NoTable::Image),
    (0, b"SQLite format 3\0", NoTable::Sqlite),
    (4, b"Standard Jet DB", NoTable::Access),
    (4, b"Standard ACE DB", NoTable::Access),
    (0, b"RDX2\n", NoTable::R),
    (0, b"RDX3\n", NoTable::R),
    (0, b"RDA2\n", NoTable::R),
    (0, b"RDA3\n", NoTable::R),
    (0, b"X\n\0\0\0", NoTable::R),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92", NoTable::Sas),
    (0, b"HEADER RECORD*******LIB", NoTable::Sas),
    (0, b"$FL2", NoTable::Spss),
    (0, b"$FL3", NoTable::Spss),
    (0, b"\x89HDF\r\n\x1a\n", NoTable::Arrays),
    (0, b"CDF\x01", NoTable::Arrays),
    (0, b"CDF\x02", NoTable::Arrays),
    (0, b"MATLAB 5.0 MAT-file", NoTable::Arrays),
    (0, b"\x93NUMPY", NoTable::Python),
    (0, b"\x80\x03", NoTable::Python),
    (0, b"\x80\x04\x95", NoTable::Python),
    (0, b"\x80\x05\x95", NoTable::Python),
    (0, b"FEA1", NoTable::OldFeather),
    (0, b"{\\rtf", NoTable::Document),
    (0, b"7z\xbc\xaf\x27\x1c", NoTable::Archive),
    (0, b"Rar!\x1a\x07", NoTable::Archive),
    (257, b"ustar", NoTable::Archive),
    (0, b"\x04\x22\x4d\x18", NoTable::Archive),
];

impl Magic {
    /// What begins with these bytes, unpacked: [`LOOKED_AT`] of them, or all. Of a zip archive no
    /// more is said than that it is one.
    pub(super) fn of(first: &[u8]) -> Self {
        match first {
            [] => return Self::Empty,
            [b'P', b'A', b'R', b'1', ..] => return Self::Parquet,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => return Self::Arrow,
            // A stream: the mark of a message and its size, which is below 16 MiB.
            [0xff, 0xff, 0xff, 0xff, _, _, _, 0, ..] => return Self::Arrow,
            [105..=115, 1 | 2, 1, 0, ..] => return Self::Stata,
            [0xd0, 0xcf, 0x11, 0xe0, ..] => return Self::Xls,
            _ if first.starts_with(b"<stata_dta>") => return Self::Stata,
            _ if packed::is_zip(first) => return Self::Zip,
            _ => {}
        }
        let is =
            |at: usize, mark: &[u8]| first.get(at..).is_some_and(|found| found.starts_with(mark));
        if let Some((.., what)) = NO_TABLES.iter().find(|(at, mark, _)| is(*at, mark)) {
            return Self::NoTable(*what);
        }
        let text = as_ascii(first);
        match text.trim_ascii_start() {
            [b'<', ..] => {
                if let Some(what) = markup(&text) {
                    return Self::NoTable(what);
                }
            }
            [b'{', rest @ ..] | [b'[', rest @ ..] if is_json(rest) => return Self::Json,
            _ if is_eurostat(first) => return Self::Eurostat,
            _ => {}
        }
        if is_binary(first) {
            return Self::NoTable(NoTable::Binary);
        }
        let has_line = first.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        match first.len() >= LONG_LINE && !has_line {
            true => Self::NoTable(NoTable::LongLine),
            false => Self::Other,
        }
    }

    /// What the file at `path` is, as it stands: a packed one is [`Magic::Other`] or what packs it.
    pub(super) fn of_file(path: &Path) -> Result<Self, String> {
        let mut first = Vec::new();
        let file = File::open(path).map_err(text_of)?;
        file.take(LOOKED_AT).read_to_end(&mut first).map_err(text_of)?;
        Ok(match Self::of(&first) {
            Self::Zip => of_zip(path),
            // Bytes that are packed are no text.
            Self::NoTable(NoTable::Binary) if packed::is_packed(&first) => Self::Other,
            other => other,
        })
    }
}

/// What the zip archive at `path` is, by the names of its members. One that is damaged is an
/// archive, which says so where it is opened.
fn of_zip(path: &Path) -> Magic {
    let Ok(file) = File::open(path) else { return Magic::Zip };
    let Ok(mut archive) = zip::ZipArchive::new(std::io::BufReader::new(file)) else {
        return Magic::Zip;
    };
    let mut form = String::new();
    if let Ok(member) = archive.by_name("mimetype") {
        // What is no text leaves it empty.
        let _ = member.take(80).read_to_string(&mut form);
    }
    if form.starts_with("application/vnd.oasis.opendocument.spreadsheet") {
        return Magic::ZipWorkbook;
    }
    if form.starts_with("application/vnd.oasis.opendocument") {
        return Magic::NoTable(NoTable::Document);
    }
    let mut found = Magic::Zip;
    for name in archive.file_names().flatten() {
        let name = name.to_ascii_lowercase().replace('\\', "/");
        if name.starts_with("xl/workbook.") {
            return Magic::ZipWorkbook;
        }
        if name == "word/document.xml" || name == "ppt/presentation.xml" {
            found = Magic::NoTable(NoTable::Document);
        }
    }
    found
}

/// First bytes without a byte order mark and without the zeros of UTF-16.
fn as_ascii(first: &[u8]) -> Vec<u8> {
    let (encoding, n) = match Encoding::for_bom(first) {
        Some((encoding, n)) => (Some(encoding), n),
        None => (sniff::utf16(first), 0),
    };
    let is_wide = encoding.is_some_and(|encoding| !encoding.is_ascii_compatible());
    let rest = first.get(n..).unwrap_or_default().iter();
    rest.copied().filter(|byte| !is_wide || *byte != 0).collect()
}

/// Whether what follows an opening brace or bracket is JSON.
fn is_json(rest: &[u8]) -> bool {
    match rest.trim_ascii_start() {
        [first, ..] => {
            matches!(first, b'"' | b'{' | b'[' | b'}' | b']' | b'-') || first.is_ascii_digit()
        }
        [] => true,
    }
}

/// What a text that begins with `<` is, if it is no table.
fn markup(text: &[u8]) -> Option<NoTable> {
    let text = text.trim_ascii_start().to_ascii_lowercase();
    let has = |mark: &[u8]| {
        let start = text.get(..4096).unwrap_or(&text);
        memchr::memmem::find(start, mark).is_some()
    };
    let begins = |mark: &&[u8]| text.starts_with(mark);
    let page: [&[u8]; 9] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<body",
        b"<table",
        b"<script",
        b"<meta",
        b"<div",
        b"<style",
    ];
    if page.iter().any(begins) || has(b"<html") {
        return Some(NoTable::Html);
    }
    if has(b"urn:schemas-microsoft-com:office:spreadsheet") {
        return Some(NoTable::XmlWorkbook);
    }
    // The name of a column may begin so, but not as an element does.
    let is_element = has(b"xmlns") || has(b"</") || has(b"/>");
    (text.starts_with(b"<?xml") || is_element).then_some(NoTable::Xml)
}

/// Whether bytes are no text: more than one of ten is a control character that texts do not have.
/// Zeros are of UTF-16 where a byte order mark says so, or where they are every other byte.
fn is_binary(first: &[u8]) -> bool {
    if Encoding::for_bom(first).is_some() || sniff::utf16(first).is_some() {
        return false;
    }
    let is_control = |byte: &&u8| matches!(**byte, 0..=8 | 0x0e..=0x19 | 0x1b..=0x1f | 0x7f);
    10 * first.iter().filter(is_control).count() > first.len()
}

/// What a file is that is no table, and what to do; `name` is its own. `None` for what may be one.
pub(super) fn refusal(magic: Magic, name: &str) -> Option<String> {
    let end = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_book = matches!(end.as_str(), "xls" | "xlsx" | "xlsb" | "ods");
    let what = match magic {
        Magic::NoTable(what) => what,
        Magic::Empty => return Some("it is empty: expected a header and rows".to_owned()),
        _ => return None,
    };
    let why = match what {
        NoTable::Html if is_book => {
            "it is a web page (HTML) named as a workbook: open it in Excel or LibreOffice and save \
             it as xlsx or CSV"
        }
        NoTable::Html => {
            "it is a web page (HTML): the download failed, or needs a login; fetch the file itself"
        }
        NoTable::XmlWorkbook => {
            "it is a workbook as XML of Excel 2003: open it in Excel or LibreOffice and save it as \
             xlsx or CSV"
        }
        NoTable::Xml => {
            "it is XML: save its rows as CSV; an answer of a service may be a message of an error, \
             or may be asked for as CSV or JSON"
        }
        NoTable::Pdf => {
            "it is a PDF: ask for the table behind it, or export the table from it as CSV or xlsx"
        }
        NoTable::Image => "it is an image: ask for the table that it shows",
        NoTable::Sqlite => {
            "it is a SQLite database: export the table by `sqlite3 -header -csv FILE 'select * \
             from TABLE'`"
        }
        NoTable::Access => "it is an Access database: export the table as CSV or xlsx",
        NoTable::R => "it is data of R: save it from R by write.csv or arrow::write_parquet",
        NoTable::Sas => "it is data of SAS: save it from SAS by proc export, as CSV or Stata",
        NoTable::Spss => "it is data of SPSS: save it from SPSS or R (haven) as CSV or Stata",
        NoTable::Arrays => {
            "it is HDF5, NetCDF or Matlab's: save the table from the program that wrote it, as CSV \
             or Parquet"
        }
        NoTable::Python => "it is data of Python: save it by to_parquet or to_csv of pandas",
        NoTable::OldFeather => {
            "it is Feather of version 1: write it by `write_feather` in version 2, or as Parquet"
        }
        NoTable::Document => "it is a text document: save its table as CSV or xlsx",
        NoTable::Archive => {
            "it is an archive of a form that is not opened: unpack it, or pack it as zip"
        }
        NoTable::LongLine => {
            "its first 1 MiB has no end of a line: expected rows that end with LF, CRLF or CR; the \
             file is damaged, or no table"
        }
        NoTable::Binary => {
            "it is no text, nor a form that is known: save it as CSV or Parquet; texts of UTF-16 \
             without a byte order mark need `encoding`"
        }
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    #[test]
    fn forms_are_known_by_their_first_bytes() {
        let is =
            |first: &[u8], expected: Magic| assert_eq!(Magic::of(first), expected, "{first:?}");
        is(b"PAR1\x15\x04", Magic::Parquet);
        is(b"ARROW1\0\0\xff\xff\xff\xff", Magic::Arrow);
        is(b"\xff\xff\xff\xff\x88\x01\0\0\x10\0\0\0", Magic::Arrow);
        is(b"<stata_dta><header><release>118", Magic::Stata);
        is(b"\x73\x02\x01\0\x08\0", Magic::Stata);
        is(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Magic::Xls);
        is(b"PK\x03\x04\x14\0", Magic::Zip);
        is(b" [{\"a\": 1}]", Magic::Json);
        is(b"{\n  \"a\": 1}", Magic::Json);
        is(b"\xef\xbb\xbf[[1, 2]]", Magic::Json);
        is(b"\xff\xfe{\0\"\0a\0", Magic::Json);
        let wide = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        let little: Vec<u8> = wide("[{\"a\": 1}]").into_iter().flat_map(u16::to_le_bytes).collect();
        is(&little, Magic::Json);
        let big: Vec<u8> = wide("{\"a\": 1}").into_iter().flat_map(u16::to_be_bytes).collect();
        is(&big, Magic::Json);
        is(b"freq,geo\\TIME_PERIOD\t2008 \n", Magic::Eurostat);
        is(b"", Magic::Empty);
        for text in [
            &b"year,region\n2008,A\n"[..],
            b"[Date],[Region]\n1,2\n",
            b"<5,>=5\n1,2\n",
            b"\xff\xfey\0e\0a\0r\0\n\0",
            b"y\0e\0a\0r\0,\0x\0\n\0",
            b"a,b\n1,\0x\n2,yyyyyyyyyyyyyy\n",
            b"\xba\xa3\xb9\xd8,\xc4\xea\n",
        ] {
            is(text, Magic::Other);
        }
    }

    #[test]
    fn what_is_no_table_is_called_what_it_is() {
        let page = b"<html><body><table><tr><th>region</th></tr></table></body></html>\n";
        for (first, expected) in [
            (&page[..], "it is a web page (HTML): the download failed"),
            (b"\n<!DOCTYPE HTML PUBLIC>", "it is a web page (HTML)"),
            (b"<?xml version=\"1.0\"?>\n<!DOCTYPE x><html>", "it is a web page (HTML)"),
            (b"<?xml version=\"1.0\"?><data/>", "it is XML"),
            (b"%PDF-1.7", "it is a PDF"),
            (b"\x89PNG\r\n\x1a\n\0\0", "it is an image"),
            (b"SQLite format 3\0\x10", "it is a SQLite database"),
            (b"X\n\0\0\0\x03", "it is data of R"),
            (b"$FL2@(#) SPSS", "it is data of SPSS"),
            (b"FEA1\0\0", "it is Feather of version 1"),
            (b"\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0", "it is no text"),
            (b"", "it is empty"),
        ] {
            let refused = refusal(Magic::of(first), "t.csv").expect("a refusal");
            assert!(refused.starts_with(expected), "{refused}");
        }
        let refused = refusal(Magic::of(page), "page.XLS").expect("a refusal");
        assert!(refused.starts_with("it is a web page (HTML) named as a workbook"), "{refused}");
        let long = refusal(Magic::of(&vec![b'x'; LONG_LINE]), "t").expect("a refusal");
        assert!(long.starts_with("its first 1 MiB has no end of a line"), "{long}");
        assert_eq!(refusal(Magic::of(b"a,b\n"), "t.xls"), None);
    }

    #[test]
    fn archives_are_workbooks_by_their_members() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        let ods = "application/vnd.oasis.opendocument.spreadsheet";
        for (members, expected) in [
            (vec![("_rels/.rels", ""), ("xl/workbook.xml", "")], Magic::ZipWorkbook),
            (vec![("xl/workbook.bin", "")], Magic::ZipWorkbook),
            (vec![("mimetype", ods), ("content.xml", "")], Magic::ZipWorkbook),
            (vec![("word/document.xml", "")], Magic::NoTable(NoTable::Document)),
            (vec![("exports/2010.csv", "a,b\n")], Magic::Zip),
        ] {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, text) in members {
                let options =
                    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
                archive.start_file(name, options).expect("a member");
                archive.write_all(text.as_bytes()).expect("written");
            }
            std::fs::write(&path, archive.finish().expect("an archive").into_inner())
                .expect("written");
            assert_eq!(Magic::of_file(&path), Ok(expected));
        }
        let packed = zstd::encode_all(&b"a,b\n1,2\n"[..], 1).expect("packed");
        std::fs::write(&path, packed).expect("written");
        assert_eq!(Magic::of_file(&path), Ok(Magic::Other));
    }
}
