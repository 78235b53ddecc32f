//! Layouts with any combination of their keys on made-up files: what comes in is records, excluded,
//! rejected or empty, to the last entry and the last digit. What becomes of each cell is known from
//! how it was made, not from how it is read.

use crate::support::Project;
use std::fmt::Write as _;

/// Numbers that are the same in every run (a linear congruential generator, Knuth's constants).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn is(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// Which keys a layout has.
#[derive(Debug)]
struct Keys {
    comment: bool,
    above: bool,
    chapter_titles: bool,
    footer: bool,
    fill_down: bool,
    ragged: bool,
    conditions: bool,
    rule: bool,
    years: bool,
    wide: bool,
    dates: bool,
    comma: bool,
    thousand: bool,
    rounds: bool,
    empty: &'static str,
    skips_zero: bool,
}

impl Keys {
    fn of(chance: &mut Chance) -> Self {
        let wide = chance.is();
        Self {
            comment: chance.is(),
            above: chance.is(),
            chapter_titles: chance.is(),
            footer: chance.is(),
            fill_down: chance.is(),
            ragged: chance.is(),
            conditions: chance.is(),
            rule: chance.is(),
            years: chance.is(),
            wide,
            dates: !wide && chance.is(),
            comma: chance.is(),
            thousand: chance.is(),
            rounds: chance.is(),
            empty: ["missing", "zero", "reject"][usize::try_from(chance.below(3)).expect("small")],
            skips_zero: chance.is(),
        }
    }

    fn has_rows(&self) -> bool {
        self.comment
            || self.above
            || self.chapter_titles
            || self.footer
            || self.fill_down
            || self.ragged
    }

    fn layout(&self) -> String {
        let mut text = "name: combination\n".to_owned();
        let mut line = |said: &str| writeln!(text, "{said}").expect("memory");
        if self.has_rows() {
            line("rows:");
        }
        for (is_said, said) in [
            (self.comment, "  comment: \"#\""),
            (self.above, "  header: {match: \"^region\"}"),
            (self.chapter_titles, "  titles: {chapter: \"^Chapter ([0-9]{2})$\"}"),
            (self.footer, "  footer: \"^Source\""),
            (self.fill_down, "  fill_down: [region]"),
            (self.ragged, "  ragged: fill"),
        ] {
            if is_said {
                line(said);
            }
        }
        if self.conditions {
            line("where: [{column: level, in: [\"6\"]}, {column: region, not_in: [Total]}]");
        }
        line("fields:\n  flow: {constant: export}\n  region: {column: [region]}");
        line(match self.chapter_titles {
            true => "  product: {column: [chapter]}",
            false => "  product: {column: [product]}",
        });
        match (self.wide, self.dates) {
            (true, _) => line("  year: {unpivoted: true}"),
            (false, true) => line("  year: {column: [day], date: \"%d/%m/%Y\"}"),
            (false, false) => line("  year: {column: [day]}"),
        }
        match self.wide {
            true => line("unpivot: {field: year, pattern: \"^value ([0-9]{4})$\"}"),
            false => line("  value: {column: [value]}"),
        }
        let digits = if self.chapter_titles { 2 } else { 6 };
        line(&format!(
            "product: {{digits: {digits}, restore_leading_zero: true, revisions: [{{from: 2000, to: 2020, revision: HS2007}}]}}"
        ));
        line(&format!(
            "value: {{currency: USD, decimal: \"{}\", thousands: null, multiplier: {}, negative: reject, zero: {}, empty: {}{}}}",
            if self.comma { "," } else { "." },
            if self.thousand { 1000 } else { 1 },
            if self.skips_zero { "skip" } else { "keep" },
            self.empty,
            if self.rounds { ", round: half_even" } else { "" },
        ));
        if self.rule {
            line("rules: [{name: office, why: a kind of row, columns: {note: [office]}}]");
        }
        text
    }
}

/// What is expected of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    n_rows: u64,
    n_entries: u64,
    n_records: u64,
    n_excluded: u64,
    n_rejected: u64,
    n_empty: u64,
    /// In thousandths.
    value_in: i128,
    value_records: i128,
    value_excluded: i128,
    value_rejected: i128,
}

/// A cell of a value: its text, and its thousandths; `None` for an empty one.
fn cell(keys: &Keys, chance: &mut Chance) -> (String, Option<i128>) {
    let whole = match chance.below(8) {
        0 => return (String::new(), None),
        1 => return ("0".to_owned(), Some(0)),
        _ => i128::from(chance.below(900_000)) + 1,
    };
    // With thousands, three decimals are whole units.
    let n_decimals = if keys.thousand { 3 } else { 2 };
    let decimals = i128::from(chance.below(10_u64.pow(n_decimals)));
    let sign = if chance.below(12) == 0 { -1 } else { 1 };
    let mark = if keys.comma { ',' } else { '.' };
    let minus = if sign < 0 { "-" } else { "" };
    let scale = if keys.thousand { 1000 } else { 10 };
    let thousandths = match keys.thousand {
        true => (whole * 1000 + decimals) * 1000,
        false => (whole * 100 + decimals) * scale,
    };
    let width = usize::try_from(n_decimals).expect("small");
    (format!("{minus}{whole}{mark}{decimals:0width$}"), Some(sign * thousandths))
}

/// A file for a layout, and what it comes to.
fn file(keys: &Keys, chance: &mut Chance) -> (String, Account) {
    let delimiter = if keys.comma { ";" } else { "," };
    let years = [2007, 2008, 2009, 2010];
    let mut text = String::new();
    let mut line = |cells: &[&str]| writeln!(text, "{}", cells.join(delimiter)).expect("memory");
    if keys.above {
        line(&["Exports by region"]);
        line(&["Made up"]);
    }
    let of_year = years.map(|year| format!("value {year}"));
    let mut header = vec!["region", "product", "level", "note"];
    match keys.wide {
        true => header.extend(of_year.iter().map(String::as_str)),
        false => header.extend(["day", "value"]),
    }
    line(&header);
    let mut account = Account::default();
    let mut region = "";
    for at in 0..60 {
        if keys.comment && chance.below(6) == 0 {
            line(&["# a \"remark"]);
        }
        if keys.chapter_titles && at % 10 == 0 {
            line(&["Chapter 27"]);
        }
        let named = ["A", "B", "C", "Total"][usize::try_from(chance.below(4)).expect("small")];
        let is_named = !keys.fill_down || at == 0 || chance.is();
        if is_named {
            region = named;
        }
        let product = ["270900", "851712", "1x", "20110"];
        let product = product[usize::try_from(chance.below(4)).expect("small")];
        let is_product = keys.chapter_titles || product != "1x";
        let level = if chance.below(4) == 0 { "4" } else { "6" };
        let note = ["", "office"][usize::try_from(chance.below(2)).expect("small")];
        let cells: Vec<(i32, String, Option<i128>)> = match keys.wide {
            true => years
                .map(|year| {
                    let (text, value) = cell(keys, chance);
                    (year, text, value)
                })
                .into(),
            false => {
                let (text, value) = cell(keys, chance);
                vec![(2005 + i32::try_from(chance.below(8)).expect("small"), text, value)]
            }
        };
        let day = match keys.dates {
            true => format!("0{}/11/{}", 1 + chance.below(9), cells[0].0),
            false => cells[0].0.to_string(),
        };
        let mut row = vec![if is_named { region } else { "" }, product, level, note];
        if !keys.wide {
            row.push(&day);
        }
        row.extend(cells.iter().map(|(_, text, _)| text.as_str()));
        // A row may lack empty cells at its end.
        if keys.ragged && row.last() == Some(&"") {
            row.pop();
        }
        line(&row);
        account.n_rows += 1;
        let is_left_out = keys.conditions && (level != "6" || region == "Total");
        let usual = if keys.wide { "missing" } else { "reject" };
        for (year, _, value) in cells {
            account.n_entries += 1;
            let known = value.unwrap_or(0);
            account.value_in += known;
            let mut exclude = || {
                account.n_excluded += 1;
                account.value_excluded += known;
            };
            if is_left_out {
                exclude();
                continue;
            }
            let is_other_year = keys.years && !(2008..=2009).contains(&year);
            // A row of a long table is looked at before its value.
            if !keys.wide && is_other_year {
                exclude();
                continue;
            }
            let mut reject = |value: i128| {
                account.n_rejected += 1;
                account.value_rejected += value;
            };
            if !keys.wide && !is_product {
                reject(known);
                continue;
            }
            let empty = if keys.empty.is_empty() { usual } else { keys.empty };
            let value = match (value, empty) {
                (Some(value), _) => value,
                (None, "zero") => 0,
                (None, "missing") => {
                    account.n_empty += 1;
                    continue;
                }
                (None, _) => {
                    reject(0);
                    continue;
                }
            };
            if value == 0 && keys.skips_zero {
                account.n_empty += 1;
            } else if is_other_year {
                account.n_excluded += 1;
                account.value_excluded += value;
            } else if !is_product || value < 0 {
                reject(value);
            } else if keys.rule && note == "office" {
                account.n_excluded += 1;
                account.value_excluded += value;
            } else {
                account.n_records += 1;
                account.value_records += value;
            }
        }
    }
    if keys.footer {
        line(&["Source: nobody", "270900", "6", "", "2008", "17"]);
        line(&["A", "270900", "6", "", "2008", "17"]);
    }
    (text, account)
}

fn money(thousandths: i128) -> String {
    let hundredths = thousandths / 10;
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (hundredths.abs() / 100, hundredths.abs() % 100);
    format!("{sign}{whole}.{rest:02}")
}

#[test]
fn entries_and_values_are_accounted_for_whatever_a_layout_says() {
    let project = Project::new();
    project.write("pipelines/config.yaml", b"ingest: {max_rejected_share: 1.0}\n");
    project.write("pipelines/none/README", b"");
    for case in 0..24 {
        let mut chance = Chance(case);
        chance.below(2);
        let keys = Keys::of(&mut chance);
        let (text, expected) = file(&keys, &mut chance);
        project.write("raw/data.csv", text.as_bytes());
        project.write("config/layouts/combination.yaml", keys.layout().as_bytes());
        let years = if keys.years { ", years: [2008, 2009]" } else { "" };
        let exclude = if keys.rule { "office" } else { "" };
        let pipeline = format!(
            "name: combination\nconfig: [../config/default.yaml, config.yaml]\nlake: ../lake_{case}\nsources:\n  \
             - {{layout: ../config/layouts/combination.yaml, files: [../raw/data.csv], exclude: [{exclude}]{years}}}\n\
             sql: none\nchecks: none\nstages: [ingest]\n"
        );
        project.write("pipelines/combination.yaml", pipeline.as_bytes());
        project.rebound(&["run", "pipelines/combination.yaml"]).ok();
        let found = project.sql_in(
            &format!("lake_{case}"),
            "select n_rows, n_entries, n_records, n_excluded, n_rejected, n_empty, value_in, value_records, \
             value_excluded, value_rejected, rounded_difference from customs.reconciliation",
        );
        let counts = [
            expected.n_rows,
            expected.n_entries,
            expected.n_records,
            expected.n_excluded,
            expected.n_rejected,
            expected.n_empty,
        ];
        let values = [
            expected.value_in,
            expected.value_records,
            expected.value_excluded,
            expected.value_rejected,
        ];
        let counts = counts.iter().map(u64::to_string);
        let all: Vec<String> = counts.chain(values.into_iter().map(money)).collect();
        assert_eq!(found, [format!("{},0", all.join(","))], "case {case}: {keys:?}\n{text}");
        let sum = expected.n_records + expected.n_excluded + expected.n_rejected + expected.n_empty;
        assert_eq!(sum, expected.n_entries);
    }
}
