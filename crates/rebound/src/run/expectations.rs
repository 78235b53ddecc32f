//! Whether the data are as new, and their totals as steady, as the pipeline expects: so that nobody
//! publishes what was delivered by half.
//!
//! What is found depends on the day and on what is published. So it decides whether a run publishes,
//! and is never in a table.

use super::check_results::CheckResults;
use super::error::{FailedCheck, RunError};
use super::options::Changes;
use super::plan::sql_session;
use crate::clock;
use crate::telemetry;
use crate::verified::Verified;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int64Type};
use chrono::{Months, NaiveDate};
use lake::{Catalog, CheckOutcome, Lake, Severity, TableVersion};
use project::causes::causes;
use project::config::choice::Choice;
use project::expectation::Expectation;
use project::pipeline::Pipeline;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use trade::Money;

/// Faults that are told one by one.
const MOST_TOLD: usize = 10;

/// Regions of a year that are named.
const MOST_REGIONS: usize = 5;

/// What is to be looked at.
#[derive(Debug)]
pub(super) struct Expectations<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) pipeline: &'a Pipeline,
    pub(super) lake: &'a Lake,
    pub(super) verified: &'a Verified<'a>,
    /// What is published.
    pub(super) published: Option<&'a Catalog>,
    /// What would be.
    pub(super) current: &'a BTreeMap<String, TableVersion>,
    pub(super) changes: Changes,
}

/// The value of each region, by year.
type Totals = BTreeMap<i64, BTreeMap<String, Money>>;

/// Where totals stand.
struct Where {
    /// The tables that are read.
    tables: &'static [&'static str],
    /// How they are told of.
    name: String,
    sql: String,
}

/// What is not as it is expected.
#[derive(Debug, PartialEq)]
enum Change {
    /// The total of a year.
    Total { year: i64, old: Money, new: Money },
    /// Regions that had a value in a year.
    Gone { year: i64, regions: Vec<String> },
}

impl Expectations<'_> {
    /// Looks at all that the pipeline expects.
    pub(super) fn look(&self, results: &mut CheckResults) -> Result<(), RunError> {
        if let Some(expectation) = &self.pipeline.expect {
            let table = "trade.region_year";
            let sql = format!(
                "select cast(year as bigint), cast(region_code as varchar), \
                 cast(fob_value as decimal(38, 2)) from {table}"
            );
            let place = Where { tables: &["trade.region_year"], name: table.to_owned(), sql };
            self.look_at_totals("expect.max_change", expectation, &place, results)?;
        }
        for source in &self.pipeline.sources {
            let Some(expectation) = &source.expect else { continue };
            let layout = &source.layout.layout.name;
            self.look_at_period(layout, expectation, results)?;
            let flow = self.pipeline.config.aggregate.flow.name();
            let sql = format!(
                "select cast(year as bigint), cast(region_code as varchar), \
                 cast(sum(fob_value) as decimal(38, 2)) from customs.records \
                 where not is_excluded and flow = '{flow}' and {} \
                 group by year, region_code",
                of_layout(layout)
            );
            let place = Where {
                tables: &RECORDS,
                name: format!("customs.records of the layout `{layout}`"),
                sql,
            };
            self.look_at_totals(
                &format!("expect.max_change of {layout}"),
                expectation,
                &place,
                results,
            )?;
        }
        Ok(())
    }

    /// Whether the newest period of a source is new enough.
    fn look_at_period(
        &self,
        layout: &str,
        expectation: &Expectation,
        results: &mut CheckResults,
    ) -> Result<(), RunError> {
        let Some(most) = expectation.newest_within_days else { return Ok(()) };
        let name = format!("expect.newest_within_days of {layout}");
        let span = telemetry::of_check(&name);
        let _at_work = span.enter();
        let severity = expectation.severity;
        let Some(versions) = versions(self.current, &RECORDS) else {
            results.note(&name, severity, CheckOutcome::NotRun);
            return Ok(());
        };
        // A day tells no cents: that the files are there is enough.
        for version in &versions {
            self.verified.look(version)?;
        }
        let sql = format!(
            "select cast(year as bigint) as last_year, cast(case when n_months = n then newest end as bigint) \
             from (select year, count(month) as n_months, count(*) as n, max(month) as newest \
             from customs.records where {} group by year) order by last_year desc limit 1",
            of_layout(layout)
        );
        let mut newest = None;
        for batch in self.rows(&versions, &sql)? {
            let (years, months) = (batch.column(0), batch.column(1));
            let months = months.as_primitive::<Int64Type>();
            for (row, year) in years.as_primitive::<Int64Type>().values().iter().enumerate() {
                newest = Some((*year, months.is_valid(row).then(|| months.value(row))));
            }
        }
        match too_old(newest, clock::today(), most) {
            None => results.note(&name, severity, CheckOutcome::Held),
            Some(why) => {
                let found = self.found(&name, 1, why);
                results.note_rows(&name, severity, severity, found);
            }
        }
        Ok(())
    }

    /// Whether the totals of the years that are published are about the same.
    fn look_at_totals(
        &self,
        name: &str,
        expectation: &Expectation,
        place: &Where,
        results: &mut CheckResults,
    ) -> Result<(), RunError> {
        let Some(most) = expectation.max_change else { return Ok(()) };
        let span = telemetry::of_check(name);
        let _at_work = span.enter();
        let severity = expectation.severity;
        let old = self.published.and_then(|catalog| versions(&catalog.tables, place.tables));
        let (Some(old), Some(new)) = (old, versions(self.current, place.tables)) else {
            results.note(name, severity, CheckOutcome::NotRun);
            return Ok(());
        };
        if old.iter().map(|version| &version.files).eq(new.iter().map(|version| &version.files)) {
            results.note(name, severity, CheckOutcome::HeldBefore);
            return Ok(());
        }
        for version in &new {
            self.verified.read(version)?;
        }
        let new = self.totals(&new, &place.sql)?;
        // What is published may be damaged. That must not keep the run from replacing it for good.
        let told: Vec<String> = match self.totals(&old, &place.sql) {
            Ok(old) => {
                let unit = self.pipeline.measured().1;
                let found = changes(&old, &new, most);
                found.iter().map(|change| change.told(&place.name, &unit, most)).collect()
            }
            Err(error) => {
                let why = causes(&error).join(": ");
                vec![format!("what is published of {} cannot be read: {why}", place.name)]
            }
        };
        if told.is_empty() {
            results.note(name, severity, CheckOutcome::Held);
            return Ok(());
        }
        let follows = match self.changes {
            Changes::AsExpected => severity,
            Changes::Accepted => Severity::Warn,
        };
        results.note_rows(name, severity, follows, self.found(name, told.len(), self.text(&told)));
        Ok(())
    }

    /// Faults as they are told, and how they are let through.
    fn text(&self, told: &[String]) -> String {
        let mut lines: Vec<String> = told.iter().take(MOST_TOLD).cloned().collect();
        if told.len() > MOST_TOLD {
            lines.push(format!("and {} more", told.len() - MOST_TOLD));
        }
        if self.changes == Changes::AsExpected {
            let path = self.pipeline.path.display();
            lines.push(format!(
                "if this is right, `rebound run {path} --accept-changes` publishes it"
            ));
        }
        lines.join("\n")
    }

    fn found(&self, name: &str, n_rows: usize, first_rows: String) -> FailedCheck {
        let path = PathBuf::from(format!("{}, {name}", self.pipeline.path.display()));
        FailedCheck { path, n_rows, first_rows }
    }

    /// The rows of a query of some tables. Only sums of money and counts are asked for, which no
    /// order of rows changes.
    fn rows(&self, versions: &[&TableVersion], sql: &str) -> Result<Vec<RecordBatch>, RunError> {
        let threads = match self.pipeline.config.engine.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let session = sql_session(self.lake, self.pipeline, threads)?;
        for version in versions {
            session.register(version)?;
        }
        Ok(self.runtime.block_on(cancel::until(session.run(sql)))?.1)
    }

    fn totals(&self, versions: &[&TableVersion], sql: &str) -> Result<Totals, RunError> {
        let mut totals = Totals::new();
        for batch in self.rows(versions, sql)? {
            let years = batch.column(0).as_primitive::<Int64Type>();
            let regions = batch.column(1).as_string::<i32>();
            let values = batch.column(2).as_primitive::<Decimal128Type>();
            for row in 0..batch.num_rows() {
                let of_year = totals.entry(years.value(row)).or_default();
                let value = Money::from_hundredths(values.value(row));
                of_year.insert(regions.value(row).to_owned(), value);
            }
        }
        Ok(totals)
    }
}

/// The tables that tell what is of a source.
const RECORDS: [&str; 2] = ["customs.records", "customs.reconciliation"];

/// That a record is of a file that a layout read.
fn of_layout(layout: &str) -> String {
    let layout = layout.replace('\'', "''");
    format!(
        "source_file in (select source_file from customs.reconciliation where layout = '{layout}')"
    )
}

/// The versions of tables; `None` if one is not there.
fn versions<'v>(
    of: &'v BTreeMap<String, TableVersion>,
    tables: &[&str],
) -> Option<Vec<&'v TableVersion>> {
    tables.iter().map(|table| of.get(*table)).collect()
}

/// Why the newest period, a year and a month if it is one, is too old on a day; `None` if it is not.
fn too_old(newest: Option<(i64, Option<i64>)>, today: NaiveDate, most: u32) -> Option<String> {
    let Some((year, month)) = newest else { return Some("there are no records".to_owned()) };
    let period = match month {
        Some(month) => format!("{year}-{month:02}"),
        None => year.to_string(),
    };
    let n_months = if month.is_some() { 1 } else { 12 };
    let first = i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, u32::try_from(month.unwrap_or(1)).ok()?, 1));
    let next = first.and_then(|first| first.checked_add_months(Months::new(n_months)));
    let (Some(first), Some(last)) = (first, next.and_then(|next| next.pred_opt())) else {
        return Some(format!("the newest records are of {period}, which is no period"));
    };
    let days = today.signed_duration_since(last).num_days();
    if first > today {
        Some(format!("the newest records are of {period}, which on {today} has not begun"))
    } else if days > i64::from(most) {
        Some(format!(
            "the newest records are of {period}, which ended {days} days before {today}: expected at most {most} \
             (`newest_within_days`)"
        ))
    } else {
        None
    }
}

fn sum(of_year: &BTreeMap<String, Money>) -> Money {
    Money::from_hundredths(of_year.values().map(|value| value.hundredths()).sum())
}

/// By which share of itself a total moved.
#[expect(clippy::cast_precision_loss, reason = "a share, of exact sums")]
fn share(old: Money, new: Money) -> f64 {
    let moved = new.hundredths() - old.hundredths();
    if moved == 0 { 0.0 } else { moved as f64 / old.hundredths().unsigned_abs() as f64 }
}

/// What moved by more than the share `most`, and which regions are gone. The newest year that was
/// published may grow, as its later months come.
fn changes(old: &Totals, new: &Totals, most: f64) -> Vec<Change> {
    let newest = old.keys().last();
    let mut found = Vec::new();
    for (year, old_regions) in old {
        let none = BTreeMap::new();
        let new_regions = new.get(year).unwrap_or(&none);
        let (old_total, new_total) = (sum(old_regions), sum(new_regions));
        let moved = share(old_total, new_total);
        let may_grow = Some(year) == newest;
        if moved < -most || (moved > most && !may_grow) || !new.contains_key(year) {
            found.push(Change::Total { year: *year, old: old_total, new: new_total });
        }
        let is_gone = |(region, value): &(&String, &Money)| {
            !value.is_zero() && !new_regions.contains_key(*region)
        };
        let regions: Vec<String> =
            old_regions.iter().filter(is_gone).map(|(region, _)| region.clone()).collect();
        if !regions.is_empty() && new.contains_key(year) {
            found.push(Change::Gone { year: *year, regions });
        }
    }
    found
}

impl Change {
    fn told(&self, place: &str, unit: &str, most: f64) -> String {
        match self {
            Self::Total { year, old, new } => {
                let moved = share(*old, *new);
                let moved = if moved.is_finite() {
                    format!("{:+.2} %", moved * 100.0)
                } else {
                    "from nothing".to_owned()
                };
                format!(
                    "{place}, {year}: published are {old} {unit}, now there are {new} ({moved}): expected a change of at \
                     most {:.2} % (`max_change`)",
                    most * 100.0
                )
            }
            Self::Gone { year, regions } => {
                let n = regions.len();
                let mut named = regions[..n.min(MOST_REGIONS)].join(", ");
                if n > MOST_REGIONS {
                    named = format!("{named} and {} more", n - MOST_REGIONS);
                }
                let s = if n == 1 { "" } else { "s" };
                format!("{place}, {year}: {n} published region{s} without a value now: {named}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(rows: &[(i64, &str, i128)]) -> Totals {
        let mut totals = Totals::new();
        for (year, region, hundredths) in rows {
            let of_year = totals.entry(*year).or_default();
            of_year.insert((*region).to_owned(), Money::from_hundredths(*hundredths));
        }
        totals
    }

    fn told(old: &Totals, new: &Totals, most: f64) -> Vec<String> {
        changes(old, new, most).iter().map(|change| change.told("t", "USD", most)).collect()
    }

    #[test]
    fn a_total_may_move_by_the_share_and_no_cent_more() {
        let old = totals(&[(2007, "A", 600), (2007, "B", 400), (2008, "A", 1)]);
        let moved =
            |hundredths| totals(&[(2007, "A", hundredths), (2007, "B", 400), (2008, "A", 1)]);
        for still in [400, 600, 800] {
            assert_eq!(told(&old, &moved(still), 0.2), [""; 0]);
        }
        assert_eq!(
            told(&old, &moved(399), 0.2),
            [
                "t, 2007: published are 10.00 USD, now there are 7.99 (-20.10 %): expected a change of at most 20.00 % (`max_change`)"
            ]
        );
        assert_eq!(told(&old, &moved(801), 0.2).len(), 1);
    }

    #[test]
    fn the_newest_year_may_grow_and_new_ones_may_come() {
        let old = totals(&[(2007, "A", 100), (2008, "A", 10)]);
        let new = totals(&[(2007, "A", 100), (2008, "A", 90), (2009, "A", 5)]);
        assert_eq!(told(&old, &new, 0.1), [""; 0]);
        // But it may not shrink, and no year may vanish.
        let shrunk = totals(&[(2007, "A", 100), (2008, "A", 8)]);
        assert_eq!(told(&old, &shrunk, 0.1).len(), 1);
        let gone = totals(&[(2008, "A", 10)]);
        let text = told(&old, &gone, 2.0);
        assert!(
            text[0].starts_with("t, 2007: published are 1.00 USD, now there are 0.00 (-100.00 %)")
        );
        assert_eq!(text.len(), 1);
    }

    #[test]
    fn a_region_may_not_vanish_from_a_year() {
        let old = totals(&[(2007, "A", 1_000), (2007, "B", 1), (2007, "C", 0), (2008, "A", 1)]);
        let new = totals(&[(2007, "A", 1_001), (2008, "A", 1)]);
        let expected = "t, 2007: 1 published region without a value now: B";
        assert_eq!(told(&old, &new, 0.2), [expected]);
    }

    #[test]
    fn what_was_nothing_moves_from_nothing() {
        let old = totals(&[(2007, "A", 0), (2008, "A", 1)]);
        let new = totals(&[(2007, "A", 5), (2008, "A", 1)]);
        assert!(told(&old, &new, 1e9)[0].contains("(from nothing)"));
        assert_eq!(told(&old, &old, 0.0), [""; 0]);
    }

    #[test]
    fn a_period_is_as_old_as_its_last_day() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        let december = Some((2016, Some(12)));
        assert_eq!(too_old(december, day(2017, 2, 14), 45), None);
        assert_eq!(
            too_old(december, day(2017, 2, 15), 45).expect("too old"),
            "the newest records are of 2016-12, which ended 46 days before 2017-02-15: expected at most 45 (`newest_within_days`)"
        );
        // Of a year alone its last day counts, and a month that goes on is not old.
        assert_eq!(too_old(Some((2016, None)), day(2017, 2, 14), 45), None);
        assert_eq!(too_old(december, day(2016, 12, 3), 0), None);
        let begun = too_old(december, day(2016, 11, 30), 45).expect("no such month yet");
        assert!(begun.ends_with("2016-12, which on 2016-11-30 has not begun"), "{begun}");
        assert_eq!(too_old(None, day(2016, 11, 30), 45).as_deref(), Some("there are no records"));
        assert!(too_old(Some((2016, Some(13))), day(2016, 1, 1), 1).is_some());
    }
}
