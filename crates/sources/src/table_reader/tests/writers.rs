//! Small tables, and files of every form that hold them.

use crate::input::excel_tests::{book, row};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use dta::stata::dta::byte_order::ByteOrder;
use dta::stata::dta::dta_writer::DtaWriter;
use dta::stata::dta::header::Header;
use dta::stata::dta::release::Release;
use dta::stata::dta::schema::Schema;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use dta::stata::stata_double::StataDouble;
use encoding_rs::Encoding;
use flate2::Crc;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use project::read_options::{Characters, Delimiter, NumberMark, Quote, ReadOptions};
use proptest::prelude::*;
use proptest::sample::select;
use std::borrow::Cow;
use std::io::{Cursor, Write};
use std::sync::Arc;
use trade::number::NumberFormat;
use zip::write::SimpleFileOptions;

/// Pieces of texts that windows-1252 has.
const LATIN: &[&str] = &["a", "Z", "é", "ß", "ñ", "\"", "'", ",", ";", "|", "\t", " ", "\n", "7"];

/// Pieces of texts of several scripts.
const SCRIPTS: &[&str] = &[
    "a", "Z", "é", "ß", "Ж", "я", "海", "关", "編", "α", "א", "ع", "न", "한", "🙂", "\"", "'", ",",
    ";", "|", "\t", " ", "\n", "0", "7",
];

/// What may stand between fields.
const DELIMITERS: [char; 4] = [',', ';', '|', '\t'];

/// Marks between groups of digits.
const THOUSANDS: [Option<char>; 8] = [
    None,
    Some(','),
    Some('.'),
    Some(' '),
    Some('\u{a0}'),
    Some('\u{202f}'),
    Some('\''),
    Some('\u{2019}'),
];

/// A number of at most 15 digits before its point and 6 behind it.
#[derive(Debug, Clone)]
pub(super) struct Number {
    is_negative: bool,
    integer: u64,
    fraction: String,
}

/// Where the sign of a number below zero is.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Before,
    Unicode,
    Behind,
    Parentheses,
}

/// How numbers are written.
#[derive(Debug, Clone)]
pub(super) struct NumberStyle {
    decimal: char,
    thousands: Option<char>,
    is_indian: bool,
    is_scientific: bool,
    sign: Sign,
}

impl Number {
    /// As JSON has it.
    fn plain(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        match self.fraction.is_empty() {
            true => format!("{sign}{}", self.integer),
            false => format!("{sign}{}.{}", self.integer, self.fraction),
        }
    }

    /// The nearest float.
    fn value(&self) -> f64 {
        self.plain().parse().expect("a number")
    }

    fn written(&self, style: &NumberStyle) -> String {
        let digits = self.integer.to_string();
        let (first, more) = digits.split_at(1);
        let (before, behind, end) = match style.is_scientific {
            true => {
                let behind = [more, self.fraction.as_str()].concat();
                (first.to_owned(), behind, format!("E+{:02}", more.len()))
            }
            false => (grouped(&digits, style), self.fraction.clone(), String::new()),
        };
        let mark = if behind.is_empty() { String::new() } else { style.decimal.to_string() };
        let text = [before, mark, behind, end].concat();
        match (self.is_negative, style.sign) {
            (false, _) => text,
            (true, Sign::Before) => format!("-{text}"),
            (true, Sign::Unicode) => format!("\u{2212}{text}"),
            (true, Sign::Behind) => format!("{text}-"),
            (true, Sign::Parentheses) => format!("({text})"),
        }
    }
}

fn grouped(digits: &str, style: &NumberStyle) -> String {
    let Some(mark) = style.thousands else { return digits.to_owned() };
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        let is_first_of_group = match style.is_indian {
            true => left >= 3 && (left - 3).is_multiple_of(2),
            false => left.is_multiple_of(3),
        };
        if at > 0 && is_first_of_group {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

/// A row: a code, a number, and texts.
#[derive(Debug, Clone)]
pub(super) struct Record {
    code: String,
    number: Number,
    texts: Vec<String>,
}

/// A table of columns of codes, numbers and texts.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Record>,
    style: NumberStyle,
}

/// A file that holds a table, and what is in it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) names: Vec<String>,
    /// Its texts as they are read: without white space around them.
    pub(super) rows: Vec<Vec<String>>,
    /// The numbers of its second column.
    pub(super) numbers: Vec<f64>,
    /// Whether that column has numbers, not texts: then their texts are not those of `rows`.
    pub(super) is_stored: bool,
    /// What must be told of it.
    pub(super) options: ReadOptions,
}

impl Table {
    /// Its cells as texts.
    fn cells(&self) -> Vec<Vec<String>> {
        let cells = |row: &Record| {
            let first = [row.code.clone(), row.number.written(&self.style)];
            first.into_iter().chain(row.texts.iter().cloned()).collect()
        };
        self.rows.iter().map(cells).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        self.rows.iter().map(|row| row.number.value()).collect()
    }

    /// The marks of numbers, where points alone would be taken for decimal points.
    fn told(&self) -> ReadOptions {
        let bare = NumberFormat::default();
        let mut texts = self.rows.iter().map(|row| row.number.written(&self.style));
        if self.style.thousands == Some('.') && texts.all(|text| bare.parse(&text).is_ok()) {
            return ReadOptions {
                decimal: Some(NumberMark(Some(','))),
                thousands: Some(NumberMark(Some('.'))),
                ..ReadOptions::default()
            };
        }
        ReadOptions::default()
    }
}

fn trimmed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let row = |row: &Vec<String>| row.iter().map(|cell| cell.trim().to_owned()).collect();
    rows.iter().map(row).collect()
}

fn numbers() -> impl Strategy<Value = Number> {
    (any::<bool>(), any::<u64>(), 0_u32..16, "[0-9]{0,6}").prop_map(
        |(is_negative, digits, n_digits, fraction)| {
            let integer = digits % 10_u64.pow(n_digits);
            let is_zero = integer == 0 && fraction.bytes().all(|digit| digit == b'0');
            Number { is_negative: is_negative && !is_zero, integer, fraction }
        },
    )
}

fn styles() -> impl Strategy<Value = NumberStyle> {
    let signs = vec![Sign::Before, Sign::Unicode, Sign::Behind, Sign::Parentheses];
    let thousands = select(THOUSANDS.to_vec());
    let parts = (select(vec!['.', ',']), thousands, any::<bool>(), 0..5, select(signs));
    parts.prop_map(|(decimal, thousands, is_indian, kind, sign)| NumberStyle {
        decimal,
        thousands: thousands.filter(|mark| *mark != decimal),
        is_indian,
        is_scientific: kind == 0,
        sign,
    })
}

fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(select(pieces), 0..6).prop_map(|parts| parts.concat())
}

/// Tables of 2 to 6 columns and 1 to 30 rows.
pub(super) fn tables() -> impl Strategy<Value = Table> {
    (select(vec![LATIN, SCRIPTS]), 0_usize..5, styles()).prop_flat_map(
        |(pieces, n_texts, style)| {
            let codes = prop_oneof!["[0-9]{1,6}", "0[0-9]{3,7}", "[0-9]{18}", "[A-Z]{2}[0-9]{0,4}"];
            let texts = prop::collection::vec(text(pieces), n_texts);
            let record = (codes, numbers(), texts).prop_map(|(code, number, texts)| Record {
                code,
                number,
                texts,
            });
            let ends = prop::collection::vec(text(pieces), n_texts + 2);
            (ends, prop::collection::vec(record, 1..31)).prop_map(move |(ends, rows)| {
                let name = |(at, end): (usize, &String)| {
                    format!("c{at}{}", end.replace('\n', " ")).trim().to_owned()
                };
                let names = ends.iter().enumerate().map(name).collect();
                Table { names, rows, style: style.clone() }
            })
        },
    )
}

/// A table that is always the same.
pub(super) fn some_table() -> Table {
    let style = NumberStyle {
        decimal: '.',
        thousands: None,
        is_indian: false,
        is_scientific: false,
        sign: Sign::Before,
    };
    let row = |at: u64| Record {
        code: format!("{at:05}"),
        number: Number {
            is_negative: at.is_multiple_of(3),
            integer: 7 * at + 1,
            fraction: "25".to_owned(),
        },
        texts: vec![format!("a \"{at}\"\n"), "海关, é".to_owned()],
    };
    let names = ["code", "value", "text", "more"].map(str::to_owned).to_vec();
    Table { names, rows: (0..12).map(row).collect(), style }
}

/// Which fields have quotes around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Needed,
    All,
    /// None: a quote is text.
    None,
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Utf8,
    Utf8WithMark,
    Utf16Le,
    Utf16LeWithMark,
    Utf16Be,
    Utf16BeWithMark,
    Gb18030,
    Windows1252,
}

/// How a delimited text is written.
#[derive(Debug, Clone)]
pub(super) struct TextStyle {
    delimiter: char,
    is_delimiter_told: bool,
    quoting: Quoting,
    end: &'static str,
    coding: Coding,
    n_titles: usize,
    has_note: bool,
    has_trailing: bool,
    has_separator: bool,
}

/// Any style of delimited text.
pub(super) fn text_styles() -> impl Strategy<Value = TextStyle> {
    let codings = vec![
        Coding::Utf8,
        Coding::Utf8WithMark,
        Coding::Utf16Le,
        Coding::Utf16LeWithMark,
        Coding::Utf16Be,
        Coding::Utf16BeWithMark,
        Coding::Gb18030,
        Coding::Windows1252,
    ];
    (
        (select(DELIMITERS.to_vec()), any::<bool>()),
        select(vec![Quoting::Needed, Quoting::All, Quoting::None]),
        select(vec!["\n", "\r\n", "\r"]),
        select(codings),
        0_usize..3,
        (any::<bool>(), any::<bool>(), any::<bool>()),
    )
        .prop_map(|((delimiter, is_delimiter_told), quoting, end, coding, n_titles, has)| {
            TextStyle {
                delimiter,
                is_delimiter_told,
                quoting,
                end,
                coding,
                n_titles,
                has_note: has.0,
                has_trailing: has.1,
                has_separator: has.2,
            }
        })
}

impl TextStyle {
    /// The header and rows as this style can have them.
    fn fitted(&self, table: &Table) -> (Vec<Vec<String>>, Quoting) {
        let mut cells = table.cells();
        let has = |text: &String| text.contains(self.delimiter);
        let quoting = match self.quoting {
            // A number keeps its marks.
            Quoting::None if cells.iter().any(|row| has(&row[1])) => Quoting::Needed,
            quoting => quoting,
        };
        let clean = |text: &str| -> String {
            let is_dropped = |c: char| match c == self.delimiter {
                true => quoting == Quoting::None,
                // What another delimiter would make of the text is as good a table.
                false => !self.is_delimiter_told && DELIMITERS.contains(&c),
            };
            let kept = text.chars().filter(|c| !is_dropped(*c));
            kept.map(|c| if quoting == Quoting::None && c == '\n' { ' ' } else { c }).collect()
        };
        cells.insert(0, table.names.clone());
        for (at, row) in cells.iter_mut().enumerate() {
            for (column, cell) in row.iter_mut().enumerate() {
                if at == 0 || column > 1 {
                    *cell = clean(cell);
                }
            }
            // A text over lines that look like rows is a stray quote.
            if row.iter().any(has) {
                row.iter_mut().for_each(|cell| *cell = cell.replace('\n', " "));
            }
        }
        (cells, quoting)
    }

    /// The bytes of a text, and what must be told of its encoding.
    fn coded(&self, text: &str) -> (Vec<u8>, Option<&'static Encoding>) {
        let units = || text.encode_utf16();
        let little = || units().flat_map(u16::to_le_bytes);
        let big = || units().flat_map(u16::to_be_bytes);
        let n_ascii = text.chars().filter(char::is_ascii).count();
        // Every other byte of the others is a zero.
        let is_seen = 4 * n_ascii > 3 * units().count();
        let told = |encoding| (!is_seen).then_some(encoding);
        match self.coding {
            Coding::Utf8 => (text.as_bytes().to_vec(), None),
            Coding::Utf8WithMark => ([&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(), None),
            Coding::Utf16Le => (little().collect(), told(encoding_rs::UTF_16LE)),
            Coding::Utf16LeWithMark => ([0xff, 0xfe].into_iter().chain(little()).collect(), None),
            Coding::Utf16Be => (big().collect(), told(encoding_rs::UTF_16BE)),
            Coding::Utf16BeWithMark => ([0xfe, 0xff].into_iter().chain(big()).collect(), None),
            Coding::Gb18030 => in_encoding(text, encoding_rs::GB18030),
            Coding::Windows1252 => in_encoding(text, encoding_rs::WINDOWS_1252),
        }
    }
}

/// A text in an encoding, which is told, or in UTF-8 if that has not all of its characters.
fn in_encoding(text: &str, encoding: &'static Encoding) -> (Vec<u8>, Option<&'static Encoding>) {
    match encoding.encode(text) {
        (bytes, _, false) => (bytes.into_owned(), Some(encoding)),
        (_, _, true) => (text.as_bytes().to_vec(), None),
    }
}

/// A table as delimited text.
pub(super) fn delimited(table: &Table, style: &TextStyle) -> Written {
    let (mut cells, quoting) = style.fitted(table);
    let field = |cell: &String| {
        let cell = cell.replace('\n', style.end);
        let has_mark = cell.contains(['"', '\n', '\r', style.delimiter]);
        match quoting == Quoting::All || (quoting == Quoting::Needed && has_mark) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell,
        }
    };
    let delimiter = style.delimiter.to_string();
    // Fewer rows than notes are no table.
    let (has_many_rows, has_many_columns) = (table.rows.len() >= 3, table.names.len() >= 3);
    let mut lines = Vec::new();
    if style.has_separator {
        lines.push(format!("sep={delimiter}"));
    }
    if has_many_rows {
        let titles = ["Exports of goods", "In thousands"];
        lines.extend(titles.into_iter().take(style.n_titles).map(str::to_owned));
    }
    for (at, row) in cells.iter().enumerate() {
        let fields: Vec<String> = row.iter().map(field).collect();
        let end = if at > 0 && style.has_trailing { delimiter.as_str() } else { "" };
        lines.push(format!("{}{end}", fields.join(&delimiter)));
    }
    if style.has_note && has_many_rows && has_many_columns {
        lines.push("Source: customs".to_owned());
    }
    lines.push(String::new());
    let (bytes, encoding) = style.coded(&lines.join(style.end));
    let told = table.told();
    let quote = (quoting == Quoting::None).then_some(Quote(None));
    let mark = u8::try_from(style.delimiter).expect("ASCII");
    let options = ReadOptions {
        delimiter: style.is_delimiter_told.then_some(Delimiter(mark)),
        quote,
        encoding: encoding.map(Characters),
        ..told
    };
    // CR that end lines are LF.
    let end = if style.end == "\r" { "\n" } else { style.end };
    cells.iter_mut().flatten().for_each(|cell| *cell = cell.replace('\n', end));
    let names = trimmed(&cells[..1]).concat();
    let (rows, numbers) = (trimmed(&cells[1..]), table.numbers());
    Written { bytes, names, rows, numbers, is_stored: false, options }
}

/// A form of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableForm {
    Xlsx,
    JsonArray,
    JsonLines,
    JsonUnderKey,
    JsonArrays,
    Parquet,
    ArrowFile,
    ArrowStream,
    Stata,
}

/// All of them.
pub(super) const FORMS: [TableForm; 9] = [
    TableForm::Xlsx,
    TableForm::JsonArray,
    TableForm::JsonLines,
    TableForm::JsonUnderKey,
    TableForm::JsonArrays,
    TableForm::Parquet,
    TableForm::ArrowFile,
    TableForm::ArrowStream,
    TableForm::Stata,
];

/// What the column of numbers has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    /// Texts that say numbers.
    Texts,
    /// Numbers.
    Numbers,
}

/// A table as a file of a form.
pub(super) fn formed(table: &Table, form: TableForm, cells: Cells) -> Written {
    let is_stored = cells == Cells::Numbers;
    let bytes = match form {
        TableForm::Xlsx => xlsx(table, cells),
        TableForm::JsonArray
        | TableForm::JsonLines
        | TableForm::JsonUnderKey
        | TableForm::JsonArrays => json(table, form, cells).into_bytes(),
        TableForm::Parquet | TableForm::ArrowFile | TableForm::ArrowStream => {
            columnar(table, form, cells)
        }
        TableForm::Stata => stata(table, cells),
    };
    let names = match form {
        TableForm::Stata => stata_names(table),
        _ => table.names.clone(),
    };
    let (rows, numbers) = (trimmed(&table.cells()), table.numbers());
    // Marks of texts say nothing of stored numbers.
    Written { bytes, names, rows, numbers, is_stored, options: table.told() }
}

fn xlsx(table: &Table, cells: Cells) -> Vec<u8> {
    let names: Vec<&str> = table.names.iter().map(String::as_str).collect();
    let mut rows = vec![row(1, &["Exports of goods"]), row(3, &names)];
    for ((mut texts, record), at) in table.cells().into_iter().zip(&table.rows).zip(4..) {
        if cells == Cells::Numbers {
            texts[1] = format!("={}", record.number.value());
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        rows.push(row(at, &texts));
    }
    book(&[("Data", "visible", &rows.concat())])
}

fn json_text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\t"))
}

fn json(table: &Table, form: TableForm, cells: Cells) -> String {
    let names: Vec<String> = table.names.iter().map(|name| json_text(name)).collect();
    let rows = table.cells().into_iter().zip(&table.rows);
    let rows = rows.map(|(texts, record)| {
        let mut values: Vec<String> = texts.iter().map(|text| json_text(text)).collect();
        if cells == Cells::Numbers {
            values[1] = record.number.plain();
        }
        values
    });
    let object = |values: Vec<String>| {
        let members = names.iter().zip(values).map(|(name, value)| format!("{name}: {value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    };
    let array = |values: &[String]| format!("[{}]", values.join(","));
    match form {
        TableForm::JsonLines => rows.map(object).collect::<Vec<_>>().join("\n"),
        TableForm::JsonUnderKey => {
            let rows: Vec<String> = rows.map(object).collect();
            format!("{{\"n\": 2, \"ids\": [1, 2], \"data\": {}}}", array(&rows))
        }
        TableForm::JsonArrays => {
            let rows = rows.map(|values| array(&values));
            let all: Vec<String> = std::iter::once(array(&names)).chain(rows).collect();
            array(&all)
        }
        _ => array(&rows.map(object).collect::<Vec<_>>()),
    }
}

fn columnar(table: &Table, form: TableForm, cells: Cells) -> Vec<u8> {
    let texts = table.cells();
    let column = |at: usize| -> ArrayRef {
        match at == 1 && cells == Cells::Numbers {
            true => Arc::new(Float64Array::from(table.numbers())),
            false => Arc::new(StringArray::from_iter_values(texts.iter().map(|row| &row[at]))),
        }
    };
    let columns = table.names.iter().enumerate().map(|(at, name)| (name.as_str(), column(at)));
    let rows = RecordBatch::try_from_iter(columns).expect("columns");
    let mut bytes = Vec::new();
    match form {
        TableForm::ArrowFile => {
            let mut writer = FileWriter::try_new(&mut bytes, rows.schema_ref()).expect("a writer");
            writer.write(&rows).expect("written");
            writer.finish().expect("written");
        }
        TableForm::ArrowStream => {
            let mut writer =
                StreamWriter::try_new(&mut bytes, rows.schema_ref()).expect("a writer");
            writer.write(&rows).expect("written");
            writer.finish().expect("written");
        }
        _ => {
            let mut writer =
                ArrowWriter::try_new(&mut bytes, rows.schema(), None).expect("a writer");
            writer.write(&rows).expect("written");
            writer.close().expect("written");
        }
    }
    bytes
}

fn stata_names(table: &Table) -> Vec<String> {
    (0..table.names.len()).map(|at| format!("c{at}")).collect()
}

fn stata(table: &Table, cells: Cells) -> Vec<u8> {
    let texts = table.cells();
    let is_number = |at: usize| at == 1 && cells == Cells::Numbers;
    let mut schema = Schema::builder();
    for (at, name) in stata_names(table).into_iter().enumerate() {
        let longest = texts.iter().map(|row| row[at].len()).max().unwrap_or(0).max(1);
        let longest = u16::try_from(longest).expect("short");
        schema = schema.add_variable(match is_number(at) {
            true => Variable::builder(VariableType::Double, name).format("%10.0g"),
            false => Variable::builder(VariableType::FixedString(longest), name).format("%9s"),
        });
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.dta");
    let header = Header::builder(Release::V118, ByteOrder::LittleEndian).build();
    let writer = DtaWriter::new().from_path(&path).expect("a file");
    let writer = writer.write_header(header).expect("written");
    let writer = writer.write_schema(schema.build().expect("a schema")).expect("written");
    let mut writer = writer.into_record_writer().expect("written");
    for (row, record) in texts.iter().zip(&table.rows) {
        let value = |(at, text): (usize, &String)| match is_number(at) {
            true => Value::Double(StataDouble::Present(record.number.value())),
            false => Value::String(Cow::Owned(text.clone())),
        };
        let values: Vec<Value<'_>> = row.iter().enumerate().map(value).collect();
        writer.write_record(&values).expect("written");
    }
    let writer = writer.into_long_string_writer().expect("written");
    let writer = writer.into_value_label_writer().expect("written");
    writer.finish().expect("written");
    std::fs::read(&path).expect("a file")
}

/// What a file is packed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Zip,
}

/// All of them.
pub(super) const PACKINGS: [Packing; 6] =
    [Packing::Plain, Packing::Gzip, Packing::Zstd, Packing::Bzip2, Packing::Xz, Packing::Zip];

/// The bytes of a file, packed.
pub(super) fn packed(bytes: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => {
            let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(bytes).expect("packed");
            member.finish().expect("packed")
        }
        Packing::Zstd => zstd::encode_all(bytes, 1).expect("packed"),
        Packing::Bzip2 => {
            let mut stream = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            stream.write_all(bytes).expect("packed");
            stream.finish().expect("packed")
        }
        Packing::Xz => xz(bytes),
        Packing::Zip => {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, bytes) in [("__MACOSX/._data", &b"x"[..]), ("folder/data", bytes)] {
                let options =
                    SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
                archive.start_file(name, options).expect("a member");
                archive.write_all(bytes).expect("written");
            }
            archive.finish().expect("an archive").into_inner()
        }
    }
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// An xz stream of one block that is stored as it is.
fn xz(bytes: &[u8]) -> Vec<u8> {
    fn fill(part: &mut Vec<u8>) {
        part.resize(part.len().next_multiple_of(4), 0);
    }
    fn add_number(part: &mut Vec<u8>, mut number: usize) {
        while number > 0x7f {
            part.push(0x80 | u8::try_from(number & 0x7f).expect("7 bits"));
            number >>= 7;
        }
        part.push(u8::try_from(number).expect("7 bits"));
    }
    let flags = [0, 1];
    let mut stream = [&b"\xfd7zXZ\0"[..], &flags, &crc32(&flags)].concat();
    // LZMA2 with a dictionary of 1 MiB.
    let header = [2, 0, 0x21, 1, 0x10, 0, 0, 0];
    let mut block = [&header[..], &crc32(&header)].concat();
    for (at, chunk) in bytes.chunks(1 << 16).enumerate() {
        block.push(if at == 0 { 1 } else { 2 });
        let size = u16::try_from(chunk.len() - 1).expect("a chunk");
        block.extend_from_slice(&size.to_be_bytes());
        block.extend_from_slice(chunk);
    }
    block.push(0);
    let n_block = block.len() + 4;
    fill(&mut block);
    block.extend_from_slice(&crc32(bytes));
    stream.extend_from_slice(&block);
    let mut index = vec![0, 1];
    add_number(&mut index, n_block);
    add_number(&mut index, bytes.len());
    fill(&mut index);
    let check = crc32(&index);
    index.extend_from_slice(&check);
    stream.extend_from_slice(&index);
    let size = u32::try_from(index.len() / 4 - 1).expect("short").to_le_bytes();
    let end = [&size[..], &flags].concat();
    stream.extend_from_slice(&crc32(&end));
    stream.extend_from_slice(&end);
    stream.extend_from_slice(b"YZ");
    stream
}
