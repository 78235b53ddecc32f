//! Whatever bytes a file has: it is read to its end, or refused in words that can be shown.

use super::super::*;
use super::writers::{Cells, FORMS, PACKINGS, Packing, formed, packed, some_table};
use crate::user_tables::{self, Uses};
use project::read_options::{Characters, Delimiter, Form, Quote};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Bytes that a file has at most.
const MOST_BYTES: usize = 64 << 10;

/// Rows after which a file is left: a few bytes of a column say how often a value is repeated.
const MOST_ROWS: usize = 1 << 20;

/// Characters that a message has at most.
const MOST_CHARACTERS: usize = 2000;

/// Eurostat's form, with what it may have.
const EUROSTAT: &str = "freq,nace_r2,geo\\TIME_PERIOD\t2008 \t2009 \t2010 \n\
    A,C10,DE\t123.4 b\t: c\t: \nA,C11,FR\t5 \t-0.10 bp\t:\r\n";

/// Delimited text, with what it may have.
const DELIMITED: &str = "sep=;\nExports of goods\nin thousands\n\"code\";name;value\n\
    01;\"a; \"\"b\"\"\nc\";1.234,5\r\n02;海关;(30)\n03;é;50-\n\nSource: customs\n";

/// What texts are made of.
const PIECES: &[&str] = &[
    "a",
    "1",
    "00",
    ",",
    ";",
    "\t",
    "|",
    "\"",
    "\"\"",
    "'",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    "null",
    "sep=",
    "<",
    "TIME_PERIOD",
    "geo\\time\t2008\n",
    "{\"a\": ",
    "[[",
    "\u{feff}",
    "\0",
    "\u{1b}[31m",
    "é",
    "海",
    "-",
    "e5",
    ".",
];

/// Files of each form, plain and packed.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let texts = [EUROSTAT, DELIMITED].map(|text| text.as_bytes().to_vec());
    let wide = DELIMITED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gb18030 = encoding_rs::GB18030.encode(DELIMITED).0.into_owned();
    let forms = FORMS.iter().flat_map(|form| {
        [Cells::Texts, Cells::Numbers].map(|cells| formed(&some_table(), *form, cells).bytes)
    });
    let mut files: Vec<Vec<u8>> = texts.into_iter().chain([wide, gb18030]).chain(forms).collect();
    let of_text = DELIMITED.as_bytes();
    let packings = PACKINGS.iter().filter(|packing| **packing != Packing::Plain);
    files.extend(packings.map(|packing| packed(of_text, *packing)));
    files
});

/// What becomes of the bytes of a file.
#[derive(Debug, Clone)]
enum Edit {
    /// Bits of a byte are turned around.
    Flip(Index, u8),
    /// The rest is cut off.
    Cut(Index),
    /// A part is left out.
    Drop(Index, usize),
    /// A part stands twice.
    Double(Index, usize),
    /// A part of another file is put in.
    Splice(Index, Index, Index, usize),
    /// Bytes are put in.
    Insert(Index, Vec<u8>),
}

fn edits() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let bytes = prop::collection::vec(any::<u8>(), 1..9);
    prop_oneof![
        4 => (at(), 1_u8..).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        1 => at().prop_map(Edit::Cut),
        1 => (at(), 1_usize..200).prop_map(|(at, n)| Edit::Drop(at, n)),
        1 => (at(), 1_usize..2000).prop_map(|(at, n)| Edit::Double(at, n)),
        1 => (at(), at(), at(), 1_usize..500).prop_map(|(a, b, c, n)| Edit::Splice(a, b, c, n)),
        1 => (at(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let part = |of: &[u8], at: &Index, n: usize| {
            let from = at.index(of.len());
            (from, of[from..of.len().min(from + n)].to_vec())
        };
        match self {
            Self::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Drop(at, n) => {
                let (from, part) = part(bytes.as_slice(), at, *n);
                bytes.drain(from..from + part.len());
            }
            Self::Double(at, n) => {
                let (from, part) = part(bytes.as_slice(), at, *n);
                drop(bytes.splice(from..from, part));
            }
            Self::Splice(to, file, at, n) => {
                let whole: &Vec<u8> = file.get(FILES.as_slice());
                let (_, part) = part(whole, at, *n);
                let to = to.index(bytes.len());
                drop(bytes.splice(to..to, part));
            }
            Self::Insert(at, part) => {
                let at = at.index(bytes.len());
                drop(bytes.splice(at..at, part.iter().copied()));
            }
        }
        bytes.truncate(MOST_BYTES);
    }
}

/// What is told of a file; mostly nothing.
fn options() -> impl Strategy<Value = ReadOptions> {
    let forms = vec![
        Form::Csv,
        Form::Eurostat,
        Form::Excel,
        Form::Json,
        Form::Parquet,
        Form::Arrow,
        Form::Dta,
    ];
    let encodings = vec![
        encoding_rs::UTF_8,
        encoding_rs::UTF_16LE,
        encoding_rs::GB18030,
        encoding_rs::SHIFT_JIS,
        encoding_rs::ISO_2022_JP,
        encoding_rs::REPLACEMENT,
    ];
    let quotes = vec![Quote(None), Quote(Some(b'\'')), Quote(Some(b','))];
    let told = (
        prop::option::of(select(forms)),
        prop::option::of(select(vec![b',', b'\t', b' ', b'\''])),
        prop::option::of(select(quotes)),
        prop::option::of(select(encodings)),
        prop::option::of(0_usize..4),
        prop::option::of(any::<bool>()),
        prop::option::of(Just("data".to_owned())),
    );
    let told = told.prop_map(|(form, delimiter, quote, encoding, skip, header, key)| ReadOptions {
        form,
        delimiter: delimiter.map(Delimiter),
        quote,
        encoding: encoding.map(Characters),
        skip,
        header,
        key,
        ..ReadOptions::default()
    });
    prop_oneof![3 => Just(ReadOptions::default()), 1 => told]
}

/// Reads the file at `path` to its end, or to [`MOST_ROWS`].
fn read(path: &Path, options: &ReadOptions) -> Result<usize, String> {
    let mut reader = TableReader::open(path, options)?;
    let n_columns = reader.header().len();
    let mut n_rows = 0;
    while let Some(block) = reader.next_block()? {
        let rows = reader.each_of(&block, |row| {
            n_rows += 1;
            (0..n_columns).try_for_each(|place| row.text(place).map(|_| ()))
        });
        rows.map_err(|fault| fault.to_string())?;
        if n_rows > MOST_ROWS {
            break;
        }
    }
    reader.end();
    let mut reader = TableReader::open(path, options)?;
    for place in 0..n_columns.min(8) {
        // A column that is not of numbers may be refused, in words that can be shown.
        if let Err(why) = reader.numbers(&[place]) {
            assert_is_shown(&why);
        }
    }
    Ok(n_rows)
}

#[track_caller]
fn assert_is_shown(why: &str) {
    let shown: String = why.chars().take(MOST_CHARACTERS).collect();
    assert!(!why.is_empty(), "nothing is said");
    assert!(!why.chars().any(char::is_control), "a control character: {shown:?}");
    assert!(why.chars().count() <= MOST_CHARACTERS, "long: {shown:?}");
}

/// Reads a file of these bytes; how many rows it has, if it is a table.
fn check(bytes: &[u8], options: &ReadOptions) -> Option<usize> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).expect("written");
    match read(&path, options) {
        Ok(n_rows) if n_rows > MOST_ROWS => Some(n_rows),
        Ok(n_rows) => {
            let uses = Uses { codes: BTreeSet::from(["code".to_owned()]), ..Uses::default() };
            // What is wrong for its use is no matter here.
            let _ = user_tables::read(&path, options, &uses);
            Some(n_rows)
        }
        Err(why) => {
            assert_is_shown(&why);
            None
        }
    }
}

/// Few cases, unless more are asked for.
fn config() -> ProptestConfig {
    let told = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: told.unwrap_or(64), ..ProptestConfig::default() }
}

#[test]
fn the_files_that_are_spoiled_are_tables() {
    for (at, file) in FILES.iter().enumerate() {
        assert!(file.len() <= MOST_BYTES, "file {at} has {} bytes", file.len());
        let n_rows = check(file, &ReadOptions::default());
        assert!(n_rows.is_some_and(|n| n >= 3), "file {at}: {n_rows:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_bytes_a_file_has_it_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        options in options(),
    ) {
        let n_rows = check(&bytes, &options).unwrap_or(0);
        prop_assert!(n_rows <= MOST_ROWS, "{} rows", n_rows);
    }

    #[test]
    fn whatever_marks_a_text_has_it_is_read_or_refused(
        pieces in prop::collection::vec(select(PIECES), 0..200),
        options in options(),
    ) {
        let n_rows = check(pieces.concat().as_bytes(), &options).unwrap_or(0);
        prop_assert!(n_rows <= MOST_BYTES, "{} rows", n_rows);
    }

    #[test]
    fn whatever_becomes_of_a_file_it_is_read_or_refused(
        file in any::<Index>(),
        edits in prop::collection::vec(edits(), 1..8),
        options in options(),
    ) {
        let mut bytes = file.get(FILES.as_slice()).clone();
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        check(&bytes, &options);
    }

    #[test]
    fn whatever_becomes_of_what_is_packed_it_is_read_or_refused(
        file in any::<Index>(),
        edits in prop::collection::vec(edits(), 1..4),
        packing in select(PACKINGS.to_vec()),
    ) {
        let mut bytes = file.get(FILES.as_slice()).clone();
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        check(&packed(&bytes, packing), &ReadOptions::default());
    }
}
