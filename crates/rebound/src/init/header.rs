//! Where the names of columns stand: in a row of texts above rows of numbers, which may have rows of
//! years, flows or units below it that belong to it.

use super::periods::PeriodForm;
use super::words::{is_code, is_like_number, is_year, year_of};

/// Rows of a header below its first.
const MOST_BELOW: usize = 2;

/// Rows below a header that show what columns hold.
const MOST_SHOWN: usize = 6;

/// Columns named by numbers from which on an order shows that these are codes.
const FEWEST_IN_ORDER: usize = 5;

/// A line of a file as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, counted from 1.
    pub(super) number: u64,
    /// The texts of its cells.
    pub(super) cells: Vec<String>,
}

/// Where a header of several rows stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeaderRows {
    /// The line of its first row.
    pub(super) line: u64,
    /// How many rows it has.
    pub(super) n: usize,
}

impl Line {
    fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }

    /// The places of cells that have a text.
    fn filled(&self) -> Vec<usize> {
        (0..self.cells.len()).filter(|&at| !self.cells[at].is_empty()).collect()
    }
}

/// Whether a text is a year or another period: a number only if it is a year, or a year and month.
pub(super) fn is_period(text: &str) -> bool {
    if is_code(text) {
        let is_month = || ("01"..="12").contains(&text.get(4..).unwrap_or(""));
        return is_year(text) || (text.len() == 6 && year_of(text).is_some() && is_month());
    }
    let is_read = !is_like_number(text) || year_of(text).is_some();
    is_read && PeriodForm::of(&[text]).is_some()
}

/// Whether a text may name a column: words, or a period.
fn is_name(text: &str) -> bool {
    !is_like_number(text) || is_period(text)
}

/// Whether a row of texts may be the first of a header, below these lines: where the first key of rows
/// has no name, only titles stand above it.
fn is_first(line: &Line, above: &[&Line]) -> bool {
    let filled = line.filled();
    let is_named = !line.cell(0).is_empty() || above.iter().all(|line| line.filled().len() < 2);
    filled.len() > 1 && is_named && filled.iter().all(|&at| is_name(line.cell(at)))
}

/// Whether a row may belong to a header that begins above it: names alone, and nothing where the
/// first key of rows is named, or would be.
fn is_below(line: &Line) -> bool {
    let filled = line.filled();
    filled.len() > 1 && line.cell(0).is_empty() && filled.iter().all(|&at| is_name(line.cell(at)))
}

/// Whether rows have numbers that are no years in most of these columns.
fn has_numbers(rows: &[&Line], columns: &[usize]) -> bool {
    let has = |at: usize| {
        let mut texts = rows.iter().map(|row| row.cell(at));
        texts.any(|text| is_like_number(text) && !is_year(text))
    };
    2 * columns.iter().filter(|&&at| has(at)).count() > columns.len()
}

/// A header of several rows whose first has the names of keys, and empty cells where a name holds
/// for the columns at its right. Keys may have no name; their first then stands in the row below.
pub(super) fn of_several(lines: &[Line]) -> Option<HeaderRows> {
    let lines: Vec<&Line> = lines.iter().filter(|line| !line.filled().is_empty()).collect();
    (0..lines.len()).find_map(|at| {
        let first = lines[at];
        let below = lines[at + 1..].iter().take(MOST_BELOW);
        let may_begin = is_first(first, &lines[..at]);
        let n = below.take_while(|line| may_begin && is_below(line)).count();
        let has_keys = !first.cell(0).is_empty()
            || lines.get(at + n + 1).is_some_and(|row| !row.cell(0).is_empty());
        let columns = lines[at + n].filled();
        let end = lines.len().min(at + n + 1 + MOST_SHOWN);
        let is_header = n > 0 && has_keys && has_numbers(&lines[at + n + 1..end], &columns);
        is_header.then_some(HeaderRows { line: first.number, n: n + 1 })
    })
}

/// The texts above a line, cell by cell.
pub(super) fn texts_above(lines: &[Line], number: u64) -> Vec<String> {
    let above = lines.iter().take_while(|line| line.number < number);
    above.flat_map(|line| &line.cells).filter(|text| !text.is_empty()).cloned().collect()
}

/// The texts above the line of a header, and the line above it if that has several cells.
pub(super) fn above(lines: &[Line], header: &[String]) -> (Vec<String>, Option<u64>) {
    let names = || header.iter().filter(|name| !name.is_empty());
    let is_header = |line: &Line| line.filled().into_iter().map(|at| &line.cells[at]).eq(names());
    let Some(at) = lines.iter().position(is_header) else { return (Vec::new(), None) };
    let last = at.checked_sub(1).map(|at| &lines[at]).filter(|line| line.filled().len() > 1);
    (texts_above(lines, lines[at].number), last.map(|line| line.number))
}

/// Whether the names of columns of numbers, which are numbers themselves, are codes: of one length,
/// or in their order.
pub(super) fn are_codes(names: &[&str]) -> bool {
    let is_digits = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
    let length = names.first().map_or(0, |name| name.len());
    let is_of_one = length.is_multiple_of(2) && names.iter().all(|name| name.len() == length);
    let numbers: Vec<u64> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let is_ordered = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    let is_many = names.len() >= FEWEST_IN_ORDER;
    names.iter().all(is_digits) && (is_of_one || (is_ordered && is_many))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |(number, text): (u64, &&str)| Line {
            number,
            cells: text.split(';').map(str::to_owned).collect(),
        };
        (1..).zip(texts).map(line).collect()
    }

    #[test]
    fn years_below_names_are_of_the_header() {
        for (texts, found) in [
            (
                &[
                    "Exports by canton;;;",
                    ";;;",
                    "Canton;Branch;Exports;",
                    ";;2016;2017",
                    "A;x;5;6",
                ][..],
                Some((3, 2)),
            ),
            (&["Canton;Exports;;Imports;", ";2018;2019;2018;2019", "A;5;6;7;8"], Some((1, 2))),
            (&["Canton;Exports;Imports", ";CHF m;CHF m", "A;5;6"], Some((1, 2))),
            (&["Canton;Exports;;", ";2018;2018;2019", ";Q1;Q2;Q1", "A;5;6;7"], Some((1, 3))),
            // Row labels without a name.
            (&["Trade;;", "", ";Exports;Imports", ";CHF m;CHF m", "A;5;6"], Some((3, 2))),
            (&[";Exports;;Imports;", ";2018;2019;2018;2019", "A;5;6;7;8"], Some((1, 2))),
            (&[";2018;2019", "A;5;6", "B;7;8"], None),
            (&[";region;year;value", ";North;2008;n.a.", ";South;2008;5"], None),
            (&["Land;Ware;2018", ";x;n.a.", ";y;n.a.", "A;z;5"], None),
            // Keys that stand only in the first row of a group.
            (&["Land;Ware;2018;2019", "A;x;5;6", ";y;7;8"], None),
            (&["Land;Jahr;Wert", ";2018;5", "A;2019;6"], None),
            (&["Land;from;to", ";2018;2019", "A;2019;2020"], None),
            (&["a;b", "1;2", "3;4"], None),
            (&["Land;Ware;Wert", ";12345;63812", "A;5;6"], None),
        ] {
            let found = found.map(|(line, n)| HeaderRows { line, n });
            assert_eq!(of_several(&lines(texts)), found, "{texts:?}");
        }
    }

    #[test]
    fn numbers_that_are_codes_name_columns() {
        assert!(are_codes(&["01", "02", "85"]) && are_codes(&["8703", "2709"]));
        assert!(are_codes(&["0", "1", "2", "3", "5", "10"]));
        assert!(
            !are_codes(&["638", "262", "760"]) && !are_codes(&["1.5"]) && !are_codes(&["5", "6"])
        );
    }
}
