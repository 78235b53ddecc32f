//! Months and quarters that stand in a column beside one of years.

use super::args::TableArgs;
use crate::init::periods::{month_of, quarter_of};
use crate::usual_names::{self, plain};
use project::printable::printable;
use sources::table_reader;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use trade::{DateForm, Frequency, Period, code};

/// Quarters of a year.
const QUARTERS: i32 = 4;

/// Days as files and spreadsheets write them, that may stand for a year.
static DAYS: LazyLock<Vec<DateForm>> = LazyLock::new(|| {
    let forms = ["%Y-%m-%d", "%Y-%m-%dT%T", "%Y-%m-%d %T"];
    forms.iter().filter_map(|form| DateForm::new(form).ok()).collect()
});

/// A column beside one of years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beside {
    /// Its place.
    pub(crate) at: usize,
    /// What it tells: months or quarters.
    pub(crate) tells: Frequency,
}

impl Beside {
    /// The column that is asked for, if one is; otherwise why it cannot be.
    pub(super) fn of(header: &[String], args: &TableArgs) -> Result<Option<Self>, String> {
        let (name, tells) = match (&args.month, &args.quarter) {
            (Some(name), _) => (name, Frequency::Month),
            (None, Some(name)) => (name, Frequency::Quarter),
            (None, None) => return Ok(None),
        };
        let at = table_reader::place(header, name)?;
        if tells == Frequency::Month && usual_names::QUARTER.contains(&plain(name).as_str()) {
            return Err(format!(
                "`{name}` is the name of quarters, not of months: say --quarter {name}"
            ));
        }
        Ok(Some(Self { at, tells }))
    }

    /// The period of a row with these texts of a year and of a part of it.
    ///
    /// Errors: which of both is none.
    pub(super) fn label(self, year: &str, part: &str) -> Result<String, String> {
        let month = match self.tells {
            Frequency::Quarter => quarter_of(part),
            _ => month_of(part),
        };
        let month = month.ok_or_else(|| {
            let shown = printable(part, 40);
            match self.tells {
                Frequency::Quarter => format!("quarter {shown:?}: expected 1 to 4, or Q1 to Q4"),
                _ if quarter_of(part).is_some() => format!(
                    "month {shown:?}: it is a quarter: name the column by --quarter, not by --month"
                ),
                _ => format!("month {shown:?}: expected 1 to 12, or the name of a month"),
            }
        })?;
        let found = year_of(year, |date_month| {
            self.tells.of_month(0, date_month) == self.tells.of_month(0, month)
        });
        let year = found.ok_or_else(|| {
            let shown = printable(year, 40);
            format!(
                "year {shown:?}: expected a year such as 2008 beside a {0}, or a day of this {0}",
                self.tells
            )
        })?;
        Ok(self.tells.of_month(year, month).to_string())
    }
}

/// The year that a text is; of a day its year, where the day is the first or the last of one or lies
/// in the part of it that is told.
fn year_of(text: &str, is_told: impl Fn(i32) -> bool) -> Option<i32> {
    let text = code::whole(text);
    if let Ok(period) = text.parse::<Period>() {
        return (period.frequency == Frequency::Year).then(|| period.year());
    }
    let date = DAYS.iter().find_map(|form| form.read(text))?;
    let month = date.month?;
    let stands_for_year = matches!(text.get(4..10), Some("-01-01" | "-12-31"));
    date.year.filter(|_| stands_for_year || is_told(month))
}

/// Whether a text of a column of months can be no quarter: 9, `Mar`, `M03`.
pub(super) fn is_month_alone(text: &str) -> bool {
    let text = code::whole(text.trim());
    !text.parse::<i32>().is_ok_and(|number| number <= QUARTERS)
}

/// Whether a column of months may be one; otherwise what to do. Numbers that never exceed 4 in
/// several years are those of quarters, unless the column says that they are months by its name.
pub(super) fn check_months(name: &str, labels: &[String]) -> Result<(), String> {
    let years: BTreeSet<&str> = labels.iter().filter_map(|label| label.get(..4)).collect();
    if years.len() < 2 || usual_names::MONTH.contains(&plain(name).as_str()) {
        return Ok(());
    }
    Err(format!(
        "column `{name}`: no number exceeds 4 in {} years, as of quarters: say --quarter {name}; if they are months, call \
         the column `month`",
        years.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_and_its_part_are_a_period() {
        let of =
            |tells: Frequency, year: &str, part: &str| Beside { at: 0, tells }.label(year, part);
        for (tells, year, part, expected) in [
            (Frequency::Quarter, "2008", "1", "2008Q1"),
            (Frequency::Quarter, "2008.0", "4.0", "2008Q4"),
            (Frequency::Quarter, "2008", "Q3", "2008Q3"),
            (Frequency::Quarter, "2008-01-01", "3", "2008Q3"),
            (Frequency::Quarter, "2008-08-15", "3", "2008Q3"),
            (Frequency::Month, "2008", "3", "2008-03"),
            (Frequency::Month, "2008", "Mar", "2008-03"),
            (Frequency::Month, "2008-12-31", "3", "2008-03"),
            (Frequency::Month, "2008-01-01 00:00:00", "12", "2008-12"),
            (Frequency::Month, "2008-03-31", "3", "2008-03"),
        ] {
            assert_eq!(of(tells, year, part).as_deref(), Ok(expected), "{year} {part}");
        }
        for (tells, year, part, why) in [
            (Frequency::Quarter, "2008", "5", "expected 1 to 4, or Q1 to Q4"),
            (Frequency::Quarter, "2008-02-01", "3", "or a day of this quarter"),
            (Frequency::Month, "2008", "Q1", "name the column by --quarter"),
            (Frequency::Month, "2008", "13", "expected 1 to 12"),
            (Frequency::Month, "2008Q1", "3", "expected a year such as 2008 beside a month"),
            (Frequency::Month, "2008-02-01", "3", "or a day of this month"),
        ] {
            let error = of(tells, year, part).expect_err(part);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn months_that_never_exceed_four_are_quarters() {
        let labels = |years: &[&str]| -> Vec<String> {
            years.iter().flat_map(|year| (1..=4).map(move |n| format!("{year}-{n:02}"))).collect()
        };
        let two = labels(&["2008", "2009"]);
        let error = check_months("part", &two).expect_err("quarters");
        assert!(error.contains("say --quarter part"), "{error}");
        assert!(check_months("Month", &two).is_ok());
        assert!(check_months("part", &labels(&["2008"])).is_ok());
        assert!(["5", "12", "Jan", "M01"].into_iter().all(is_month_alone));
        assert!(!["1", "04", "4.0"].into_iter().any(is_month_alone));
    }
}
