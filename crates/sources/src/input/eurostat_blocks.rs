//! Eurostat's TSV, as blocks of long rows: dimensions are in the first column, a column is a
//! period, and a cell has a value and flags.

use super::block::{BLOCK_ROWS, BLOCK_TEXT_BYTES, Block, Stored};
use super::fault::{text_of, unreadable};
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use project::bounded::{self, BoundedRows, RowLimit};
use project::printable::printable;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// Reads the blocks of a file of Eurostat.
pub(super) struct EurostatBlocks {
    /// The names of the dimensions, then `TIME_PERIOD`, `OBS_VALUE` and `OBS_FLAG`.
    pub(super) header: Vec<String>,
    /// What rows were made of.
    pub(super) seen: String,
    input: BufReader<BoundedRows<Box<dyn Read + Send>>>,
    periods: Vec<String>,
    n_dimensions: usize,
    /// The number of the line that is next.
    line: u64,
    row: u64,
}

/// The names of the dimensions and the periods in the first line of a file.
fn parts(line: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let (first, periods) = line.trim_end_matches(['\r', '\n']).split_once('\t')?;
    let (dimensions, across) = first.split_once('\\')?;
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let dimensions: Vec<&str> = dimensions.split(',').map(str::trim).collect();
    let across = across.trim().to_ascii_lowercase();
    let is_time = matches!(across.as_str(), "time" | "time_period");
    (is_time && dimensions.iter().all(is_name))
        .then(|| (dimensions, periods.split('\t').map(str::trim).collect()))
}

/// Whether a text whose first line this is was written by Eurostat.
pub(super) fn is_eurostat(first_line: &[u8]) -> bool {
    let line = first_line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(line).is_ok_and(|line| parts(line).is_some())
}

/// The value and the flags of a cell.
fn observation(cell: &str) -> (Option<&str>, &str) {
    let cell = cell.trim();
    match cell.strip_prefix(':') {
        Some(flags) => (None, flags.trim()),
        None => {
            let (value, flags) = cell.split_once(char::is_whitespace).unwrap_or((cell, ""));
            (Some(value).filter(|value| !value.is_empty()), flags.trim())
        }
    }
}

impl EurostatBlocks {
    /// Begins to read unpacked bytes, whose rows have as many of them as `limit` says.
    pub(super) fn open(input: Box<dyn Read + Send>, limit: RowLimit) -> Result<Self, String> {
        let mut input = BufReader::with_capacity(1 << 18, BoundedRows::new(input, limit));
        let mut line = String::new();
        next_line(&mut input, &mut line, 1)?;
        let Some((dimensions, periods)) = parts(&line) else {
            return Err(format!(
                "its first line is {}: expected one of Eurostat, as `freq,geo\\TIME_PERIOD`, and a \
                 period a column, with tabs between them; `form` says what else it is",
                printable(line.trim_end(), 40)
            ));
        };
        if let Some(twice) = (1..periods.len()).find(|&at| periods[..at].contains(&periods[at])) {
            return Err(format!(
                "line 1: the period {} stands twice: expected a column a period",
                printable(periods[twice], 40)
            ));
        }
        let seen = format!(
            "a row a period of Eurostat's {} dimensions and {} periods, flags in `OBS_FLAG`",
            dimensions.len(),
            periods.len()
        );
        let n_dimensions = dimensions.len();
        let own = ["TIME_PERIOD", "OBS_VALUE", "OBS_FLAG"];
        let header = dimensions.into_iter().chain(own).map(str::to_owned).collect();
        let periods = periods.into_iter().map(str::to_owned).collect();
        Ok(Self { header, seen, input, periods, n_dimensions, line: 2, row: 1 })
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let mut columns: Vec<StringBuilder> =
            self.header.iter().map(|_| StringBuilder::new()).collect();
        let (mut n_rows, mut n_bytes) = (0, 0);
        let mut line = String::new();
        while n_rows < BLOCK_ROWS
            && n_bytes < BLOCK_TEXT_BYTES
            && next_line(&mut self.input, &mut line, self.line)?
        {
            if !line.trim().is_empty() {
                n_bytes += self.add(&line, &mut columns)?;
                n_rows += self.periods.len();
            }
            self.line += 1;
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let n_columns = self.header.len();
        let columns = self.header.iter().zip(&mut columns);
        let columns = columns.map(|(name, texts)| {
            let texts: ArrayRef = Arc::new(texts.finish());
            (name.as_str(), texts, true)
        });
        let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
        let mut stored = vec![Stored::Text; n_columns];
        if let Some(value) = stored.get_mut(self.n_dimensions + 1) {
            *value = Stored::Number;
        }
        let row = self.row;
        self.row += n_rows as u64;
        Ok(Some(Block::Table { rows, row, stored }))
    }

    /// Adds the rows of a line; how many bytes of text they have, about.
    fn add(&self, line: &str, columns: &mut [StringBuilder]) -> Result<usize, String> {
        let mut fields = line.trim_end_matches(['\r', '\n']).split('\t');
        let dimensions: Vec<&str> =
            fields.next().unwrap_or_default().split(',').map(str::trim).collect();
        let cells: Vec<&str> = fields.collect();
        if dimensions.len() != self.n_dimensions || cells.len() != self.periods.len() {
            return Err(format!(
                "line {}: {} dimensions and {} periods, expected {} and {}",
                self.line,
                dimensions.len(),
                cells.len(),
                self.n_dimensions,
                self.periods.len()
            ));
        }
        // Each row has all dimensions.
        let n_of_dimensions: usize = dimensions.iter().map(|text| text.len()).sum();
        let n_bytes = n_of_dimensions.saturating_mul(cells.len()).saturating_add(line.len());
        if n_bytes > 4 * BLOCK_TEXT_BYTES {
            return Err(format!(
                "line {}: dimensions of {n_of_dimensions} characters: expected codes; the file is \
                 damaged",
                self.line
            ));
        }
        let (own, others) = columns.split_at_mut(self.n_dimensions);
        for (period, cell) in self.periods.iter().zip(cells) {
            let (value, flags) = observation(cell);
            for (texts, dimension) in own.iter_mut().zip(&dimensions) {
                texts.append_value(dimension);
            }
            let flags = Some(flags).filter(|flags| !flags.is_empty());
            for (texts, text) in others.iter_mut().zip([Some(period.as_str()), value, flags]) {
                texts.append_option(text);
            }
        }
        Ok(n_bytes)
    }
}

/// Reads line `at` into `line`; whether there is one.
fn next_line(input: &mut impl BufRead, line: &mut String, at: u64) -> Result<bool, String> {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    let n =
        input.read_until(b'\n', &mut bytes).map_err(|error| match bounded::long_row(&error) {
            Some(long) => format!("line {at}: {long}"),
            None => unreadable(error),
        })?;
    *line = String::from_utf8(bytes)
        .map_err(|_| format!("line {at}: its bytes are no UTF-8: fetch the file again"))?;
    Ok(n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::cells::utf8_texts;
    use std::io::Cursor;

    const FILE: &str = "freq,nace_r2,geo\\TIME_PERIOD\t2008 \t2009 \t2010 \n\
        A,C10,DE\t123.4 b\t: c\t: \n\
        A,C11,FR\t5 \t-0.10 bp\t:\r\n";

    fn open(text: &str) -> Result<EurostatBlocks, String> {
        EurostatBlocks::open(Box::new(Cursor::new(text.as_bytes().to_vec())), RowLimit::default())
    }

    #[test]
    fn a_cell_is_a_row_with_its_flags_apart() {
        let mut blocks = open(FILE).expect("a file of Eurostat");
        let header = ["freq", "nace_r2", "geo", "TIME_PERIOD", "OBS_VALUE", "OBS_FLAG"];
        assert_eq!(blocks.header, header);
        let seen = "a row a period of Eurostat's 3 dimensions and 3 periods, flags in `OBS_FLAG`";
        assert_eq!(blocks.seen, seen);
        let block = blocks.next_block().expect("a block").expect("rows");
        let Block::Table { rows, row, stored } = block else { panic!("a table") };
        assert_eq!((row, stored[3], stored[4]), (1, Stored::Text, Stored::Number));
        let columns = utf8_texts(&rows, row).expect("texts");
        let found: Vec<Vec<&str>> = (0..rows.num_rows())
            .map(|at| {
                let cells = columns.iter().map(|column| column.iter().nth(at).flatten());
                cells.map(|cell| cell.unwrap_or("none")).collect()
            })
            .collect();
        let expected = [
            ["A", "C10", "DE", "2008", "123.4", "b"],
            ["A", "C10", "DE", "2009", "none", "c"],
            ["A", "C10", "DE", "2010", "none", "none"],
            ["A", "C11", "FR", "2008", "5", "none"],
            ["A", "C11", "FR", "2009", "-0.10", "bp"],
            ["A", "C11", "FR", "2010", "none", "none"],
        ];
        assert_eq!(found, expected);
        assert!(blocks.next_block().expect("the end").is_none());
    }

    #[test]
    fn it_is_known_by_its_first_line() {
        assert!(is_eurostat(FILE.as_bytes()));
        assert!(is_eurostat("\u{feff}unit,geo\\time\t2001Q1 \n".as_bytes()));
        assert!(is_eurostat(b"geo\\TIME_PERIOD\t2001"));
        for other in ["a\tb\n", "a,b\\c\td\n", "geo\\time\n", "", "C:\\time\tx\n"] {
            assert!(!is_eurostat(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn what_is_cut_short_is_refused_with_its_line() {
        let error = open("a,b\n1,2\n").err().expect("another form");
        assert!(error.starts_with("its first line is a,b: expected one of Eurostat"), "{error}");
        for (line, expected) in [
            ("A,C10\t1\t2\t3", "line 2: 2 dimensions and 3 periods, expected 3 and 3"),
            ("A,C10,DE\t1\t2", "line 2: 3 dimensions and 2 periods, expected 3 and 3"),
        ] {
            let text = format!("freq,nace_r2,geo\\TIME_PERIOD\t2008 \t2009 \t2010 \n{line}\n");
            let error = open(&text).expect("a header").next_block().expect_err("a fault");
            assert_eq!(error, expected);
        }
    }
}
