//! What is seen of raw files, for people.

use super::draft::{Draft, Origin};
use super::look::FileLook;
use super::settings::Facts;
use super::tally::Tally;
use indicatif::HumanCount;
use project::printable::printable;
use report::output::columns;
use std::io::Write;
use trade::layout::Field;

/// Characters of a name of a column.
const NAME_CHARACTERS: usize = 32;

/// Columns that are shown; a wide table has more.
const MOST_COLUMNS: usize = 60;

/// Wide columns beside each other from which on they are shown as one line.
const FEWEST_WIDE: usize = 6;

/// What a column is read as.
fn read_as(draft: &Draft, at: usize) -> String {
    let of = draft.fields.iter().filter(|(_, spec)| spec.from == Origin::Column(at));
    let mut words: Vec<String> = of.map(|(field, _)| field.name().replace('_', " ")).collect();
    if let Some(wide) = &draft.unpivot
        && let Some((_, code)) = wide.columns.iter().find(|(place, _)| *place == at)
    {
        words.push(format!("value of {} {}", wide.field, printable(code, NAME_CHARACTERS)));
    }
    if draft.product.names == Some(at) && words.is_empty() {
        words.push("names of products".to_owned());
    }
    if draft.region_names == Some(at) {
        words.push("names of regions".to_owned());
    }
    if draft.conditions.iter().any(|of| of.column == at) {
        words.push("condition".to_owned());
    }
    words.join(", ")
}

/// How many columns from `at` on are wide ones, of many that stand beside each other.
fn n_wide(draft: &Draft, at: usize) -> usize {
    let is_wide = |at: usize| {
        let mut columns = draft.unpivot.iter().flat_map(|wide| &wide.columns);
        columns.any(|(place, _)| *place == at)
    };
    let n = (at..draft.header.len()).take_while(|&at| is_wide(at)).count();
    if n < FEWEST_WIDE { 1 } else { n }
}

/// The lines of a table of columns.
fn table(all: &FileLook, draft: &Draft) -> Vec<Vec<String>> {
    let head = ["column", "read as", "filled", "different", "such as"].map(str::to_owned).to_vec();
    let (mut rows, mut at) = (vec![head], 0);
    while let Some(column) = all.columns.get(at).filter(|_| rows.len() <= MOST_COLUMNS) {
        let n = n_wide(draft, at);
        let last = all.columns.get(at + n - 1).filter(|_| n > 1);
        let name = printable(&column.name, NAME_CHARACTERS);
        rows.push(match (last, &draft.unpivot) {
            (Some(last), Some(wide)) => {
                let filled: u64 = all.columns[at..at + n].iter().map(|of| of.n_filled).sum();
                vec![
                    format!("{name} ... {}", printable(&last.name, NAME_CHARACTERS)),
                    format!("value of {}, {n} columns", wide.field),
                    HumanCount(filled).to_string(),
                    String::new(),
                    column.examples(),
                ]
            }
            _ => vec![
                name,
                read_as(draft, at),
                HumanCount(column.n_filled).to_string(),
                column.n_different(),
                column.examples(),
            ],
        });
        at += n;
    }
    if at < all.columns.len() {
        rows.push(vec![format!("and {} more", all.columns.len() - at)]);
        rows.iter_mut().for_each(|row| row.resize(5, String::new()));
    }
    rows
}

/// Says what a group of files of one header has.
pub(super) fn files(
    out: &mut impl Write,
    looks: &[FileLook],
    all: &FileLook,
    draft: &Draft,
) -> std::io::Result<()> {
    for look in looks {
        let whole = if look.is_whole { "" } else { " (more were not looked at)" };
        writeln!(
            out,
            "{}: {}; {} rows{whole}",
            printable(&look.label, 200),
            look.seen,
            HumanCount(look.n_rows)
        )?;
        if let Some(odd) = &look.first_odd {
            writeln!(
                out,
                "  {} lines have other columns than the header: {odd}",
                HumanCount(look.n_odd)
            )?;
        }
    }
    match draft.known {
        Some(form) if form.is_tried => writeln!(out, "known form: {}", form.title)?,
        Some(form) => writeln!(
            out,
            "known form: {}, which was never tried on a real file: look at `rebound preview`",
            form.title
        )?,
        None => {}
    }
    columns(out, &table(all, draft))?;
    if !all.notes.is_empty() {
        let first = all.notes.first().map(String::as_str).unwrap_or_default();
        let first = printable(first, 60);
        match all.notes.len() {
            1 => writeln!(out, "a line behind the rows is a note: {first}")?,
            n => writeln!(out, "{n} lines behind the rows are notes, the first: {first}")?,
        }
    }
    for &at in &draft.fill_down {
        let name = printable(&draft.header[at], NAME_CHARACTERS);
        writeln!(out, "empty cells of `{name}` take the text above")?;
    }
    Ok(())
}

/// Says what products are codes of.
fn products(out: &mut impl Write, draft: &Draft) -> std::io::Result<()> {
    let product = &draft.product;
    let digits = product.digits.map_or_else(String::new, |n| format!(", {n} digits"));
    let mut said = match product.classification.as_deref() {
        Some("own") => format!("products: names or codes of their own{digits}"),
        Some("goods") => "products: none".to_owned(),
        Some(name) => format!("products: codes of {name}{digits}"),
        None => {
            let spans: Vec<String> = product
                .revisions
                .iter()
                .map(|years| match years.first == years.last {
                    true => format!("{} in {}", years.revision, years.first),
                    false => format!("{} in {} to {}", years.revision, years.first, years.last),
                })
                .collect();
            format!("products: HS, {} digits, {}", product.digits.unwrap_or(6), spans.join(", "))
        }
    };
    if !product.labels.is_empty() {
        said.push_str(", with ");
        said.push_str(&product.labels.len().to_string());
        said.push_str(" names");
    }
    if !product.why.is_empty() {
        said.push_str("; ");
        said.push_str(&product.why);
    }
    writeln!(out, "{}", printable(&said, 400))
}

/// Says in what values are written, where that is no plain currency.
fn unit(out: &mut impl Write, draft: &Draft) -> std::io::Result<()> {
    let value = &draft.value;
    if let Some(by) = &value.multiplier_by {
        writeln!(
            out,
            "values are multiplied by {}, as {} says",
            HumanCount(u64::from(value.multiplier)),
            printable(by, 80)
        )?;
    }
    if let Some(unclear) = &value.unclear {
        writeln!(out, "numbers: {}", printable(unclear, 200))?;
    }
    for (word, n) in &value.stand_ins {
        writeln!(
            out,
            "{} stands for a number in {} cells, which is missing or confidential",
            printable(word, NAME_CHARACTERS),
            HumanCount(*n)
        )?;
    }
    Ok(())
}

/// Says what the rows of a group come to.
pub(super) fn rows(out: &mut impl Write, draft: &Draft, tally: &Tally) -> std::io::Result<()> {
    for (flow, of) in &tally.flows {
        let years: Vec<i32> = of.by_year().into_keys().collect();
        let span = match (years.first(), years.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (Some(one), _) => one.to_string(),
            (None, _) => "no year".to_owned(),
        };
        writeln!(
            out,
            "{}: {} entries, {span}, {} regions, {} products, {} partners, {:.2} {}",
            printable(draft.value.measure.map_or(flow.as_str(), |(name, _)| name), NAME_CHARACTERS),
            HumanCount(of.n),
            of.regions.len(),
            of.products.len(),
            of.partners.len(),
            of.value,
            draft.value.unit()
        )?;
    }
    products(out, draft)?;
    unit(out, draft)?;
    for of in &draft.conditions {
        let name = printable(&draft.header[of.column], NAME_CHARACTERS);
        writeln!(out, "left out by `{name}`: {}", printable(&of.why, 200))?;
    }
    let counts = [
        (tally.n_left_out, "rows are left out by these conditions"),
        (tally.n_empty, "cells have no value"),
        (tally.n_zero, "values are zero"),
        (tally.n_negative, "values are below zero, and kept"),
        (tally.n_fine, "values are finer than a hundredth, and rounded"),
        (tally.n_undated, "entries have no year"),
    ];
    for (n, what) in counts.iter().filter(|(n, _)| *n > 0) {
        writeln!(out, "{} {what}", HumanCount(*n))?;
    }
    if let Some(text) = &tally.unreadable {
        writeln!(
            out,
            "{} values are no numbers, the first at {}",
            HumanCount(tally.n_unreadable),
            printable(text, 100)
        )?;
    }
    for note in &draft.notes {
        writeln!(out, "note: {}", printable(note, 300))?;
    }
    Ok(())
}

/// Says which stages run, and the episode.
pub(super) fn plan(out: &mut impl Write, facts: &Facts) -> std::io::Result<()> {
    let (runs, left) = facts.stages();
    let what = facts.measure.unwrap_or(facts.flow.as_str());
    writeln!(out, "years: {}; analysed: {what}", facts.years_text())?;
    if let Some((name, [base, trough, end])) = facts.episode() {
        writeln!(out, "episode: {name}, base {base}, trough {trough}, end {end}")?;
    }
    writeln!(out, "stages: {}", runs.join(", "))?;
    for (stage, why) in left {
        writeln!(out, "not {stage}: {why}")?;
    }
    Ok(())
}

/// How many lines say what only the user can know.
pub(super) fn n_choices(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.matches("# choose:").count()).sum()
}

/// Whether a draft has a field that a stage sums by.
pub(super) fn has(draft: &Draft, field: Field) -> bool {
    draft.fields.contains_key(&field)
}
