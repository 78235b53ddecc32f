//! A difference, for reading.

use super::amount::{Amount, short};
use super::found::{
    Cause, CauseKind, ColumnChange, Difference, Moved, RowChange, RowFate, RunFound, TableChange,
};
use crate::clock;
use report::output::{columns, right, shortened};
use std::io::{Result, Write};

/// Causes of a kind that are named.
const NAMED: usize = 10;

/// Characters of a list of stages.
const LIST: usize = 80;

/// Writes what two runs differ in.
///
/// # Errors
///
/// What `out` fails with.
pub fn write(out: &mut impl Write, found: &Difference) -> Result<()> {
    writeln!(out, "from run {}", run(&found.old))?;
    writeln!(out, "to   run {}", run(&found.new))?;
    if found.old.run == found.new.run {
        return writeln!(out, "\nthat is the same run");
    }
    causes(out, found)?;
    overview(out, found)?;
    for change in &found.tables_changed {
        table(out, change)?;
    }
    Ok(())
}

fn run(run: &RunFound) -> String {
    let number = run.number.map(|number| format!("{number}, ")).unwrap_or_default();
    format!("{number}{}, published {}", run.run, clock::age(&run.published_at))
}

fn causes(out: &mut impl Write, found: &Difference) -> Result<()> {
    writeln!(out, "\nwhat the tables were made from")?;
    if found.causes.is_empty() && found.unknown_causes.is_empty() {
        writeln!(out, "  is the same")?;
    }
    for of_kind in found.causes.chunk_by(|a, b| a.kind == b.kind) {
        for Cause { change, stages, .. } in of_kind.iter().take(NAMED) {
            writeln!(out, "  {change} ({})", shortened(&stages.join(", "), LIST))?;
        }
        if let more @ 1.. = of_kind.len().saturating_sub(NAMED) {
            let what = match of_kind[0].kind {
                CauseKind::File => "files",
                CauseKind::Config => "changes of the config",
                CauseKind::Sql | CauseKind::Code | CauseKind::Stage => "changes of code",
            };
            writeln!(out, "  and {more} more {what} (--format json has them all)")?;
        }
    }
    if !found.unknown_causes.is_empty() {
        let stages = shortened(&found.unknown_causes.join(", "), LIST);
        writeln!(out, "  not known, as no record says it: {stages}")?;
    }
    Ok(())
}

fn overview(out: &mut impl Write, found: &Difference) -> Result<()> {
    writeln!(out)?;
    if !found.tables_changed.is_empty() {
        let head = ["table", "rows", "added", "removed", "changed", "files read", "shared"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for change in &found.tables_changed {
            rows.push(vec![
                change.table.clone(),
                right(change.rows_new, 9),
                right(change.rows_added, 7),
                right(change.rows_removed, 7),
                right(change.rows_changed, 7),
                right(change.files.read_old + change.files.read_new, 7),
                right(change.files.shared, 6),
            ]);
        }
        columns(out, &rows)?;
    }
    for (what, tables) in [("added", &found.tables_added), ("gone", &found.tables_gone)] {
        if !tables.is_empty() {
            writeln!(out, "{what}: {}", tables.join(", "))?;
        }
    }
    match found.tables_same.len() {
        1 => writeln!(out, "1 table is the same"),
        n => writeln!(out, "{n} tables are the same"),
    }
}

/// An amount with its sign.
fn signed(amount: Amount) -> String {
    if amount.is_negative() { amount.to_string() } else { format!("+{amount}") }
}

fn cell(amount: Option<Amount>) -> String {
    amount.map(|amount| amount.to_string()).unwrap_or_default()
}

/// Lines of columns, two spaces further in.
fn indented(out: &mut impl Write, rows: &[Vec<String>]) -> Result<()> {
    let mut lines = Vec::new();
    columns(&mut lines, rows)?;
    for line in String::from_utf8_lossy(&lines).lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn table(out: &mut impl Write, change: &TableChange) -> Result<()> {
    match change.key.is_empty() {
        true => writeln!(out, "\n{}, whole rows", change.table)?,
        false => writeln!(out, "\n{}, by {}", change.table, change.key.join(", "))?,
    }
    if let Some(note) = &change.note {
        writeln!(out, "  {note}")?;
    }
    for (what, columns) in [
        ("columns added", &change.columns_added),
        ("columns gone", &change.columns_gone),
        ("columns of another type", &change.columns_retyped),
    ] {
        if !columns.is_empty() {
            writeln!(out, "  {what}: {}", columns.join(", "))?;
        }
    }
    if change.rows_added + change.rows_removed + change.rows_changed == 0 {
        writeln!(out, "  the rows are the same, in other files")?;
        return Ok(());
    }
    if !change.columns.is_empty() {
        let head = ["column", "rows", "largest", "mean", "largest at"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(change.columns.iter().map(column));
        indented(out, &rows)?;
    }
    let measure = change.measure.as_deref().unwrap_or_default();
    if !change.rows.is_empty() {
        match change.measure.is_some() {
            true => writeln!(out, "  rows that moved most, by {measure}")?,
            false => writeln!(out, "  the first rows")?,
        }
        indented(out, &change.rows.iter().map(row).collect::<Vec<_>>())?;
    }
    for (what, found) in [("regions", &change.regions), ("products", &change.products)] {
        if !found.is_empty() {
            writeln!(out, "  {what} that moved most, by {measure}")?;
            indented(out, &found.iter().map(moved).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn column(change: &ColumnChange) -> Vec<String> {
    let nulls = match change.from_or_to_null {
        0 => String::new(),
        n => format!(" ({n} from or to null)"),
    };
    vec![
        change.column.clone(),
        format!("{}{nulls}", change.changed),
        cell(change.largest),
        change.mean.map(short).unwrap_or_default(),
        change.largest_at.as_ref().map(|key| key.join(", ")).unwrap_or_default(),
    ]
}

fn row(change: &RowChange) -> Vec<String> {
    let key = format!("  {}", change.key.join(", "));
    let (old, new) = (cell(change.old), cell(change.new));
    let columns = shortened(&change.columns.join(", "), LIST);
    match change.fate {
        RowFate::Added => vec![key, "added".to_owned(), new, String::new()],
        RowFate::Removed => vec![key, "removed".to_owned(), old, String::new()],
        RowFate::Changed if old == new => vec![key, "changed".to_owned(), old, columns],
        RowFate::Changed => vec![key, "changed".to_owned(), format!("{old} -> {new}"), columns],
    }
}

fn moved(found: &Moved) -> Vec<String> {
    vec![format!("  {}", found.code), found.moved.to_string(), signed(found.change)]
}
