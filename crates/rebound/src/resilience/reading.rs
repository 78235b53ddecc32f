//! Tables for reading: what is read first, in few digits, and as many columns as there is room for.

use super::first::in_order;
use super::intervals::Intervals;
use super::made::{GivenTable, number, texts_of};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use std::sync::Arc;

/// Digits behind the first of a number.
const DIGITS: i32 = 5;

/// Columns that a table shows even where there is no room for them.
const FEWEST: usize = 3;

/// What it is called what was drawn anew for the intervals.
const DRAWN: &str = "drawn anew";

/// The stages of the indices.
const STAGES: [&str; 2] = ["resistance", "recovery"];

/// Columns of regions that are read first.
const FIRST: [&str; 5] = ["region_code", "benchmark", "base_value", "trough_value", "end_value"];

/// What these are called for reading, and those that come after them.
const HEADS: [&str; 10] = [
    "region",
    "benchmark",
    "base",
    "trough",
    "end",
    "resistance",
    "its interval",
    "recovery",
    "its interval",
    "type",
];

/// A table for reading, and what is not shown of it.
pub(super) struct Readable {
    pub(super) table: GivenTable,
    /// Columns for which there was no room.
    pub(super) left_out: Vec<String>,
}

/// The table for reading, at most so many characters wide: of regions the values, both indices with
/// their intervals, and the type; of others the columns that say anything, those that are read first
/// in front. `intervals` has those of the indices of regions.
///
/// # Errors
///
/// If a value cannot be shown.
pub(super) fn readable(
    table: &GivenTable,
    intervals: &Intervals,
    width: usize,
) -> Result<Readable, ArrowError> {
    match table.contract.table {
        "resilience.region" => {
            Ok(Readable { table: regions(table, intervals)?, left_out: Vec::new() })
        }
        _ => columns(table, width),
    }
}

/// The schema of columns of texts.
fn of_texts<'n>(names: impl IntoIterator<Item = &'n str>) -> SchemaRef {
    let fields = names.into_iter().map(|name| Field::new(name, DataType::Utf8, false));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Whether rows are of several episodes.
fn has_episodes(table: &GivenTable) -> bool {
    let of_batches = table.rows.iter().filter_map(|batch| texts_of(batch, "episode"));
    let mut episodes = of_batches.flat_map(|texts| texts.iter().flatten());
    let first = episodes.next();
    episodes.any(|episode| Some(episode) != first)
}

/// What is read first of regions. What was drawn anew for their intervals is told where anything was.
fn regions(table: &GivenTable, intervals: &Intervals) -> Result<GivenTable, ArrowError> {
    let mut names = HEADS.to_vec();
    let drawn: Vec<Vec<String>> =
        table.rows.iter().map(|batch| drawn_anew(batch, intervals)).collect();
    let has_drawn = drawn.iter().flatten().any(|of| !of.is_empty());
    if has_drawn {
        names.push(DRAWN);
    }
    let is_by_episode = has_episodes(table);
    if is_by_episode {
        names.insert(0, "episode");
    }
    let schema = of_texts(names);
    let mut rows = Vec::new();
    for (batch, drawn) in table.rows.iter().zip(drawn) {
        let mut columns = Vec::new();
        if is_by_episode {
            columns.push(shown(batch, "episode")?);
        }
        for name in FIRST {
            columns.push(shown(batch, name)?);
        }
        for stage in STAGES {
            columns.push(index(batch, stage));
            columns.push(interval(batch, intervals, stage));
        }
        columns.push(shown(batch, "type")?);
        if has_drawn {
            columns.push(Arc::new(StringArray::from(drawn)));
        }
        rows.push(RecordBatch::try_new(Arc::clone(&schema), columns)?);
    }
    Ok(GivenTable { contract: table.contract, schema, rows })
}

/// The columns that say anything, those that are read first in front, as far as there is room. An
/// episode that all rows are of says nothing.
fn columns(table: &GivenTable, width: usize) -> Result<Readable, ArrowError> {
    let says = |name: &str| {
        let is_there = |batch: &RecordBatch| {
            batch.column_by_name(name).is_some_and(|column| column.null_count() < column.len())
        };
        (name != "episode" || has_episodes(table)) && table.rows.iter().any(is_there)
    };
    let n_rows: usize = table.rows.iter().map(RecordBatch::num_rows).sum();
    let names = table.schema.fields().iter().map(|field| field.name().as_str());
    // Without rows there is still a header to show.
    let names = in_order(table.contract.table, names.filter(|name| n_rows == 0 || says(name)));
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut taken = 1;
    for &name in &names {
        let texts: Vec<ArrayRef> =
            table.rows.iter().map(|batch| shown(batch, name)).collect::<Result<_, _>>()?;
        let lengths = texts.iter().flat_map(|texts| {
            texts.as_string::<i32>().iter().flatten().map(|text| text.chars().count())
        });
        // A border and a space on either side.
        let wide = lengths.max().unwrap_or(0).max(name.chars().count()) + 3;
        if left_out.is_empty() && (taken + wide <= width || kept.len() < FEWEST) {
            taken += wide;
            kept.push((name, texts));
        } else {
            left_out.push(name.to_owned());
        }
    }
    let schema = of_texts(kept.iter().map(|(name, _)| *name));
    let batch = |at: usize| {
        let columns = kept.iter().map(|(_, texts)| Arc::clone(&texts[at])).collect();
        RecordBatch::try_new(Arc::clone(&schema), columns)
    };
    let rows = (0..table.rows.len()).map(batch).collect::<Result<_, _>>()?;
    Ok(Readable { table: GivenTable { contract: table.contract, schema, rows }, left_out })
}

/// A number in a few significant digits, without zeros behind them.
fn short(value: f64) -> String {
    let places = |n: i32| usize::try_from(n).unwrap_or(0);
    let most = places(DIGITS);
    let scientific = format!("{value:.most$e}");
    let exponent = scientific.split_once('e').and_then(|(_, of)| of.parse::<i32>().ok());
    let text = match exponent {
        Some(exponent) if (-5..15).contains(&exponent) => {
            let n = places(DIGITS - exponent);
            format!("{value:.n$}")
        }
        _ => return scientific,
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A column as texts; empty for none.
fn shown(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    let text = |row: usize| match (batch.column_by_name(name), number(batch, name, row)) {
        (_, Some(number)) => Ok(short(number)),
        (Some(column), None) if column.is_valid(row) => array_value_to_string(column, row),
        _ => Ok(String::new()),
    };
    let texts = (0..batch.num_rows()).map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StringArray::from(texts)))
}

/// The index of a stage with three digits, or why there is none.
fn index(batch: &RecordBatch, stage: &str) -> ArrayRef {
    let reasons = texts_of(batch, &format!("{stage}_null_reason"));
    let text = |row: usize| match number(batch, stage, row) {
        Some(index) => format!("{index:>7.3}"),
        None => reasons
            .filter(|reasons| reasons.is_valid(row))
            .map_or_else(String::new, |reasons| reasons.value(row).to_owned()),
    };
    Arc::new(StringArray::from_iter_values((0..batch.num_rows()).map(text)))
}

/// The interval of the index of a stage, or why there is none; empty where there is no index.
fn interval(batch: &RecordBatch, intervals: &Intervals, stage: &str) -> ArrayRef {
    let text = |row: usize| {
        let found = intervals.of_index(batch, row, stage);
        let found = found.filter(|_| number(batch, stage, row).is_some());
        found.map_or_else(String::new, |found| found.text.clone())
    };
    Arc::new(StringArray::from_iter_values((0..batch.num_rows()).map(text)))
}

/// What was drawn anew for the intervals of each region: one source, or that of either stage.
fn drawn_anew(batch: &RecordBatch, intervals: &Intervals) -> Vec<String> {
    let text = |row: usize| {
        let of = |stage: &str| intervals.of_index(batch, row, stage).and_then(|of| of.source);
        let mut sources: Vec<&str> = STAGES.into_iter().filter_map(of).collect();
        sources.dedup();
        sources.join(", ")
    };
    (0..batch.num_rows()).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_few_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (394.565_217_391_304_4, "394.565"),
            (-0.916_666_666, "-0.916667"),
            (12_345_678.9, "12345679"),
            (1_000.0, "1000"),
            (0.000_123_456_78, "0.000123457"),
            (1.5e-9, "1.50000e-9"),
            (2.5e20, "2.50000e20"),
        ] {
            assert_eq!(short(value), expected);
        }
    }
}
