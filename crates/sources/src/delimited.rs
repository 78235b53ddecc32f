//! Tables from elsewhere, row by row: delimited text, plain or packed, in UTF-8 or UTF-16; Parquet
//! and Stata files.
//!
//! What programs read differently is a fault of its row: a quote that does not close, a CR within
//! the row, other columns than the header has.

use crate::input::{self, Block, BlockReader, Buffers, Item};
use arrow::array::{Array, StringArray};
use project::layout_file::FileFormat;
use project::suggest::suggest;
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;
use trade::Dialect;
use trade::text::{self, Rows};

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A row has more or fewer columns than the header.
    #[error("line {line}: {found} columns, expected {expected}")]
    Columns {
        /// Its line.
        line: u64,
        /// Its columns.
        found: usize,
        /// Those of the header.
        expected: usize,
    },
    /// Something else is wrong in a row.
    #[error("line {line}: {why}")]
    Row {
        /// Its line.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The file is at fault.
    #[error("{0}")]
    File(String),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::File(why)
    }
}

/// The cells of a row.
#[derive(Debug, Clone, Copy)]
enum Cells<'r> {
    Fields(&'r [Cow<'r, [u8]>]),
    /// A row of columns.
    Columns(&'r [StringArray], usize),
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'r> {
    cells: Cells<'r>,
}

impl<'r> Row<'r> {
    /// The text in the column at `place`, without white space around it; empty for none.
    ///
    /// # Errors
    ///
    /// If it is no UTF-8.
    ///
    /// # Panics
    ///
    /// If the header has no such place.
    pub fn text(&self, place: usize) -> Result<&'r str, String> {
        let text = match self.cells {
            Cells::Fields(fields) => std::str::from_utf8(&fields[place]).map_err(|_| {
                "its bytes are no UTF-8: write the texts of the file in UTF-8".to_owned()
            })?,
            Cells::Columns(columns, row) if columns[place].is_valid(row) => {
                columns[place].value(row)
            }
            Cells::Columns(..) => "",
        };
        Ok(text.trim())
    }
}

/// Reads the rows of a table.
#[derive(Debug)]
pub struct Reader {
    blocks: BlockReader,
}

impl Reader {
    /// Opens the table at `path`; a text has commas.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let items = input::items_at(path, &path.display().to_string());
        let items = items.map_err(|error| error.to_string())?;
        let [item] = &items[..] else {
            return Err(format!("it holds {} files: name one", items.len()));
        };
        let found = Self::of_item(item, b',')?;
        found.header().iter().try_for_each(|name| check_name(name))?;
        Ok(found)
    }

    /// Opens a file, or a member of an archive, whose text has this delimiter.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_item(item: &Item, delimiter: u8) -> Result<Self, String> {
        let format = FileFormat::Csv {
            dialect: dialect(delimiter),
            encoding: encoding_rs::UTF_8,
            has_header: true,
        };
        let blocks = item.open(&format, &Buffers::default()).map_err(|error| error.to_string())?;
        Ok(Self { blocks })
    }

    /// Opens a file, or a member of an archive, whose text has commas, tabs, semicolons or bars:
    /// the first of them that makes more than one column of its header.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_any_delimiter(item: &Item) -> Result<Self, String> {
        let first = Self::of_item(item, b',')?;
        if first.header().len() > 1 {
            return Ok(first);
        }
        for delimiter in [b'\t', b';', b'|'] {
            let found = Self::of_item(item, delimiter)?;
            if found.header().len() > 1 {
                return Ok(found);
            }
        }
        Ok(first)
    }

    /// Reads a text with commas, plain or packed.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, and what to do.
    pub fn of_text(input: impl Read + Send + 'static) -> Result<Self, String> {
        let blocks = BlockReader::of_text(input, dialect(b','), &Buffers::default())?;
        Ok(Self { blocks })
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        self.blocks.header()
    }

    /// The next rows, for [`each_row`]; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn next_block(&mut self) -> Result<Option<Block>, String> {
        self.blocks.next_block()
    }

    /// Calls `each` on every row that is left; what it says is wrong is an error with the line.
    ///
    /// # Errors
    ///
    /// [`Fault`], naming the line where there is one.
    pub fn each(
        &mut self,
        mut each: impl FnMut(&Row<'_>) -> Result<(), String>,
    ) -> Result<(), Fault> {
        while let Some(block) = self.next_block()? {
            each_row(&block, self.header().len(), &mut each)?;
        }
        Ok(())
    }
}

fn dialect(delimiter: u8) -> Dialect {
    Dialect { delimiter, quote: Some(b'"') }
}

/// Calls `each` on every row of a block of a table with so many columns.
///
/// # Errors
///
/// As [`Reader::each`].
pub fn each_row(
    block: &Block,
    n_columns: usize,
    mut each: impl FnMut(&Row<'_>) -> Result<(), String>,
) -> Result<(), Fault> {
    match block {
        Block::Text { text, line, dialect, .. } => {
            let mut rows = Rows::new(text, *dialect, *line);
            let mut fields = Vec::new();
            while let Some(row) = rows.next_row(&mut fields) {
                let line = row.line;
                check(&row).map_err(|why| Fault::Row { line, why: why.to_owned() })?;
                if fields.len() != n_columns {
                    return Err(Fault::Columns { line, found: fields.len(), expected: n_columns });
                }
                let cells = Cells::Fields(&fields);
                each(&Row { cells }).map_err(|why| Fault::Row { line, why })?;
                fields.clear();
            }
        }
        Block::Table { rows, row: first, .. } => {
            let columns = input::utf8_texts(rows, *first)?;
            for at in 0..rows.num_rows() {
                let cells = Cells::Columns(&columns, at);
                let line = *first + at as u64;
                each(&Row { cells }).map_err(|why| Fault::Row { line, why })?;
            }
        }
    }
    Ok(())
}

/// Whether other programs would find the same name in a header.
fn check_name(name: &str) -> Result<(), &'static str> {
    // What is decoded has this character in the place of bytes that are none.
    if name.contains(char::REPLACEMENT_CHARACTER) {
        return Err("its header is no UTF-8: write the texts of the file in UTF-8");
    }
    if name.starts_with('"') {
        return Err("a name in its header begins with a quote: close it, or leave it out");
    }
    // Within quotes a name may have lines.
    if name.replace("\r\n", "\n").contains('\r') {
        return Err("a CR within its header: end rows with LF or CRLF");
    }
    Ok(())
}

/// Whether other programs would find the same row.
fn check(row: &text::Row<'_>) -> Result<(), &'static str> {
    if row.is_unclosed {
        return Err(
            "a quote opens that does not close within 64 KiB: write it as two, within quotes",
        );
    }
    let mut raw = row.raw;
    while let Some(rest) = raw.strip_suffix(b"\r") {
        raw = rest;
    }
    // Every other part is within quotes, where it is text.
    let has_cr = memchr::memchr(b'\r', raw).is_some()
        && raw.split(|byte| *byte == b'"').step_by(2).any(|part| part.contains(&b'\r'));
    match has_cr {
        true => Err("a CR within the row: end rows with LF or CRLF, and put other CR in quotes"),
        false => Ok(()),
    }
}

/// The place of the column `name` in a header.
///
/// # Errors
///
/// If it has none, with what it has, and the name that is closest.
pub fn place(header: &[String], name: &str) -> Result<usize, String> {
    header.iter().position(|column| column == name).ok_or_else(|| {
        let hint = suggest(name, header.iter().map(String::as_str));
        format!("no column `{name}`: the header has {}{hint}", header.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{Cursor, Write};

    const TABLE: &str = "code,name\n01, a \n02,\"b, \"\"c\"\"\nd\"\n\n03,\n";

    /// The rows of a text.
    fn rows(bytes: Vec<u8>) -> Result<Vec<Vec<String>>, String> {
        let mut reader = Reader::of_text(Cursor::new(bytes))?;
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
        for bytes in [plain.to_vec(), bom, utf16, members, zstd, crlf] {
            assert_eq!(rows(bytes).expect("rows"), expected);
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
        let error = rows(b"a,b\n1,\xe4\n".to_vec()).expect_err("a fault");
        assert!(error.starts_with("line 2: its bytes are no UTF-8"), "{error}");
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
            let items = input::items_at(&path, "t").expect("a file");
            let any = Reader::of_any_delimiter(&items[0]).expect("a header");
            let comma = Reader::open(&path).expect("a header");
            (any.header().to_vec(), comma.header().to_vec())
        };
        for delimiter in [',', '\t', ';', '|'] {
            let name = format!("a{delimiter}b");
            let (any, comma) = header(&format!("{name}\n1{delimiter}2\n"));
            assert_eq!(any, ["a", "b"]);
            assert!(delimiter == ',' || comma == [name], "{comma:?}");
        }
        assert_eq!(header("a\n1\n").0, ["a"]);
        for (text, expected) in [
            (&b"a,\xe4\n1,2\n"[..], "its header is no UTF-8"),
            (b"a,\"b\n1,2\n", "a name in its header begins with a quote"),
            (b"a,b\r1,2\n", "a CR within its header"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = Reader::open(&path).expect_err("a fault");
            assert!(error.starts_with(expected), "{error}");
        }
        let error = Reader::open(folder.path()).expect_err("a fault");
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
}
