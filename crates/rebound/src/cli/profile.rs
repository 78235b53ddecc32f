//! What the columns of a table have: `describe TABLE --summary`.

use super::lake_args::Read;
use crate::run::warn_of;
use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use indicatif::HumanCount;
use lake::{Column, Kind, Lake, meta};
use query::{Memory, Session};
use report::output::{Described, columns, right, shortened};
use report::published;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use tokio::runtime::Runtime;

/// Rows of a table whose distinct values and medians are exact; of larger ones they would take too much memory.
const MOST_EXACT: u64 = 100_000;

/// Distinct values of a column that are counted each.
const MOST_COUNTED: u64 = 100_000;

/// Values of a column that are named.
const NAMED: usize = 3;

/// Characters of a value that are shown.
const SHOWN: usize = 24;

/// Expressions of the query of a column.
const N_MEASURES: usize = 6;

/// How distinct values are counted and medians found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exactness {
    Exact,
    Approximate,
}

/// What a table has.
#[derive(Debug, Serialize)]
pub(super) struct Profile {
    table: String,
    n_rows: u64,
    /// Whether distinct values and medians are estimates.
    is_approximate: bool,
    columns: Vec<ColumnProfile>,
}

/// What a column has.
#[derive(Debug, Serialize)]
struct ColumnProfile {
    name: String,
    r#type: &'static str,
    n_null: u64,
    /// Of the rows, 0 to 1; none without rows.
    null_share: Option<f64>,
    n_distinct: u64,
    least: Option<Value>,
    greatest: Option<Value>,
    mean: Option<f64>,
    median: Option<f64>,
    /// The most frequent first; none where nothing is repeated.
    most_frequent: Vec<Frequent>,
}

/// A value and in how many rows it stands.
#[derive(Debug, Serialize)]
struct Frequent {
    value: String,
    n_rows: u64,
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    let parts = name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

/// What is asked of a column: values, distinct values, the least and the greatest, mean and median.
fn measures(column: &Column, how: Exactness) -> [String; N_MEASURES] {
    // A column's name has no parts.
    let name = format!("\"{}\"", column.name.replace('"', "\"\""));
    let none = || "cast(null as varchar)".to_owned();
    let distinct = match how {
        Exactness::Exact => format!("count(distinct {name})"),
        Exactness::Approximate => format!("approx_distinct({name})"),
    };
    let median = match how {
        Exactness::Exact => format!("median({name})"),
        Exactness::Approximate => format!("approx_median(cast({name} as double))"),
    };
    let [least, greatest] = match column.kind {
        Kind::Flag => [none(), none()],
        _ => [format!("min({name})"), format!("max({name})")],
    };
    let [mean, median] = match column.kind {
        Kind::Text | Kind::Flag => [none(), none()],
        _ => [format!("avg({name})"), median],
    };
    [format!("count({name})"), distinct, least, greatest, mean, median]
}

/// The cells of rows, as texts.
fn cells(batches: &[RecordBatch]) -> anyhow::Result<Vec<Vec<Option<String>>>> {
    let options = FormatOptions::new();
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| -> anyhow::Result<Option<String>> {
                if column.is_null(row) {
                    return Ok(None);
                }
                Ok(Some(ArrayFormatter::try_new(column, &options)?.value(row).try_to_string()?))
            });
            rows.push(cells.collect::<anyhow::Result<Vec<_>>>()?);
        }
    }
    Ok(rows)
}

/// A number of a cell; none if the cell is null.
fn number<T: std::str::FromStr>(cell: Option<&String>) -> Option<T> {
    cell.and_then(|text| text.parse().ok())
}

/// A value as JSON has it.
fn value(kind: Kind, cell: Option<&String>) -> Option<Value> {
    let text = cell?;
    match kind {
        Kind::Text => Some(Value::from(text.as_str())),
        _ => Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))),
    }
}

/// Looks at all rows of a table. The numbers do not depend on how many cores there are.
pub(super) fn profile(
    runtime: &Runtime,
    lake: &Lake,
    read: &Read,
    name: &str,
    memory: Memory,
) -> anyhow::Result<Profile> {
    let catalog = &read.catalog;
    read.verify_kept(runtime, lake, [name])?;
    let session = published::session(lake, 1, memory)?;
    let (described, how) = match meta::contract(name) {
        Some(contract) => (Described::of_contract(contract), Exactness::Exact),
        None => {
            let version = published::version(catalog, name)?;
            session.register(version)?;
            let is_small = version.rows() <= MOST_EXACT;
            let how = if is_small { Exactness::Exact } else { Exactness::Approximate };
            (Described::of(version), how)
        }
    };
    let asked = described.columns.iter().flat_map(|column| measures(column, how));
    let asked = asked.enumerate().map(|(at, measure)| format!("{measure} as v{at}"));
    let asked: Vec<String> = std::iter::once("count(*) as n".to_owned()).chain(asked).collect();
    let sql = format!("select {} from {}", asked.join(", "), quoted(name));
    published::verify(runtime, lake, catalog, &session, &sql)?;
    warn_of(&published::register_meta(runtime, lake, catalog, &session, &sql)?);
    let (_, batches) = runtime.block_on(session.run(&sql))?;
    let cells = cells(&batches)?.pop().unwrap_or_default();
    let n_rows: u64 = number(cells.first().and_then(Option::as_ref)).unwrap_or(0);
    let mut found = Vec::new();
    let of_columns = cells.get(1..).unwrap_or_default().chunks(N_MEASURES);
    for (column, cells) in described.columns.iter().zip(of_columns) {
        let cell = |at: usize| cells.get(at).and_then(Option::as_ref);
        let n_values: u64 = number(cell(0)).unwrap_or(0);
        let n_distinct: u64 = number(cell(1)).unwrap_or(0);
        let n_null = n_rows - n_values;
        let is_repeated = n_distinct < n_values && n_distinct <= MOST_COUNTED;
        let most_frequent = match column.kind {
            Kind::Text | Kind::Flag if is_repeated => frequent(runtime, &session, name, column)?,
            _ => Vec::new(),
        };
        found.push(ColumnProfile {
            name: column.name.clone(),
            r#type: column.kind.name(),
            n_null,
            null_share: (n_rows > 0).then(|| n_null as f64 / n_rows as f64),
            n_distinct,
            least: value(column.kind, cell(2)),
            greatest: value(column.kind, cell(3)),
            mean: number(cell(4)),
            median: number(cell(5)),
            most_frequent,
        });
    }
    let is_approximate = how == Exactness::Approximate;
    Ok(Profile { table: name.to_owned(), n_rows, is_approximate, columns: found })
}

/// The most frequent values of a column, of as many the first.
fn frequent(
    runtime: &Runtime,
    session: &Session,
    table: &str,
    column: &Column,
) -> anyhow::Result<Vec<Frequent>> {
    let name = format!("\"{}\"", column.name.replace('"', "\"\""));
    let sql = format!(
        "select cast({name} as varchar) as v, count(*) as n from {} where {name} is not null \
         group by {name} order by n desc, v limit {NAMED}",
        quoted(table)
    );
    let (_, batches) = runtime.block_on(session.run(&sql))?;
    let rows = cells(&batches)?.into_iter();
    let frequent = |cells: Vec<Option<String>>| {
        let n_rows = number(cells.get(1).and_then(Option::as_ref)).unwrap_or(0);
        let value = cells.into_iter().next().flatten().unwrap_or_default();
        Frequent { value, n_rows }
    };
    Ok(rows.map(frequent).collect())
}

/// A number of at most six digits that say something, or of all before its point.
fn short(number: f64) -> String {
    if number.abs() >= 1e6 {
        return format!("{number:.0}");
    }
    let rounded = format!("{number:.5e}").parse::<f64>();
    rounded.map_or_else(|_| number.to_string(), |number| number.to_string())
}

/// A value as it is shown.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => shortened(text, SHOWN),
        Some(Value::Number(number)) if number.is_f64() => {
            number.as_f64().map(short).unwrap_or_default()
        }
        Some(other) => other.to_string(),
    }
}

impl ColumnProfile {
    /// What is shown of it, of a table of so many rows.
    fn cells(&self, about: &str) -> Vec<String> {
        let nulls = match self.null_share {
            Some(share) if self.n_null > 0 => {
                format!("{} ({:.1} %)", HumanCount(self.n_null), share * 100.0)
            }
            _ => "0".to_owned(),
        };
        let frequent = self.most_frequent.iter().map(|Frequent { value, n_rows }| {
            format!("{} ({})", shortened(value, SHOWN), HumanCount(*n_rows))
        });
        vec![
            self.name.clone(),
            self.r#type.to_owned(),
            nulls,
            format!("{about}{}", HumanCount(self.n_distinct)),
            shown(self.least.as_ref()),
            shown(self.greatest.as_ref()),
            self.mean.map(short).unwrap_or_default(),
            self.median.map(short).unwrap_or_default(),
            frequent.collect::<Vec<_>>().join(", "),
        ]
    }
}

/// Columns of the table that stand to the right.
const RIGHT: [usize; 4] = [2, 3, 6, 7];

impl Profile {
    /// Prints it for reading.
    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let s = if self.n_rows == 1 { "" } else { "s" };
        writeln!(out, "{}: {} row{s}\n", self.table, HumanCount(self.n_rows))?;
        let head = [
            "column",
            "type",
            "null",
            "distinct",
            "least",
            "greatest",
            "mean",
            "median",
            "most frequent",
        ];
        let about = if self.is_approximate { "~" } else { "" };
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.columns.iter().map(|column| column.cells(about)));
        for at in RIGHT {
            let width = rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
            for row in &mut rows {
                row[at] = right(&row[at], width);
            }
        }
        columns(out, &rows)?;
        if self.is_approximate {
            writeln!(
                out,
                "\nDistinct values (~) and medians are approximate: the table has more than {} rows.",
                HumanCount(MOST_EXACT)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, expected) in [
            (0.0, "0"),
            (0.123_456_789, "0.123457"),
            (-1_234.567_89, "-1234.57"),
            (98_765_432.1, "98765432"),
            (8.0, "8"),
        ] {
            assert_eq!(short(number), expected);
        }
    }

    #[test]
    fn values_are_shown_as_they_are() {
        let text = |text: &str| text.to_owned();
        assert_eq!(value(Kind::Text, Some(&text("12"))), Some(Value::from("12")));
        assert_eq!(value(Kind::Int, Some(&text("12"))), Some(Value::from(12)));
        assert_eq!(value(Kind::Money, Some(&text("-1.50"))), Some(Value::from(-1.5)));
        assert_eq!(value(Kind::Text, None), None);
        assert_eq!(shown(Some(&Value::from("a".repeat(30)))).chars().count(), SHOWN);
        assert_eq!(shown(Some(&Value::from(1234567))), "1234567");
        assert_eq!(quoted("a.b\"c"), "\"a\".\"b\"\"c\"");
    }

    #[test]
    fn large_tables_are_not_counted_exactly() {
        let column = |kind: Kind| Column {
            name: "x".to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        let of = |kind: Kind, how: Exactness| measures(&column(kind), how).join("; ");
        assert_eq!(
            of(Kind::Money, Exactness::Exact),
            "count(\"x\"); count(distinct \"x\"); min(\"x\"); max(\"x\"); avg(\"x\"); median(\"x\")"
        );
        let text = of(Kind::Text, Exactness::Approximate);
        assert!(text.contains("approx_distinct") && !text.contains("median"), "{text}");
        assert!(!of(Kind::Flag, Exactness::Exact).contains("min("));
    }
}
